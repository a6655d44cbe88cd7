"""What cannot be made twice: later requests have values of their own, and a conflict is blamed on nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sources.probes.walking import BODY, Answer, Api, Asked, walked

SCHEMA = {
    "type": "object",
    "required": ["client", "note"],
    "properties": {"client": {"type": "string", "example": "1234-45653"}, "note": {"type": "string", "maxLength": 40}},
}
REQUESTS = {
    "/requests": {
        "post": {
            "operationId": "ask",
            "requestBody": {"required": True, "content": {"application/json": {"schema": SCHEMA}}},
            "responses": {"202": BODY, "400": BODY},
        }
    }
}


class Desk:
    """Takes one request of each client; its conflict is a 400, and repeats who asked, or does not."""

    def __init__(self, repeats: bool) -> None:
        self.clients: set[str] = set()
        self.notes: list[Any] = []
        self._repeats = repeats

    def ask(self, asked: Asked) -> Answer:
        body = asked.json
        if not isinstance(body, dict) or not isinstance(body.get("client"), str) or "note" not in body:
            return Answer(400, {"message": "that is no proper request"})
        if body["client"] in self.clients:
            who = f"with id '{body['client']}' " if self._repeats else ""
            return Answer(400, {"message": f"a device {who}has asked for it already"})
        self.clients.add(body["client"])
        self.notes.append(body["note"])
        return Answer(202, {"id": len(self.clients)})


@pytest.mark.parametrize("repeats", [True, False])
def test_a_conflict_is_blamed_on_nothing_that_is_odd_beside_it(repeats: bool) -> None:
    desk = Desk(repeats)
    found = walked(REQUESTS, Api({"POST /requests": desk.ask})).complaints
    assert [item.where for item in found if item.kind == "valid-request-refused"] == []


def test_what_a_conflict_repeats_is_sent_anew() -> None:
    desk = Desk(True)
    walked(REQUESTS, Api({"POST /requests": desk.ask}))
    assert len(desk.clients) > 5
    assert {"", "żółw"} <= {note for note in desk.notes if isinstance(note, str)}  # so that oddities are looked at


@pytest.mark.parametrize(
    ("said", "told"), [("no such plugin: p", []), ("Provider not found!", []), ("it is too short", ["body"])]
)
def test_a_refusal_of_what_is_not_there_is_about_no_request(said: str, told: list[str | None]) -> None:
    """Some servers answer 400 where they mean 404; nobody knew whether the plug-in of the path is there."""
    plugin = {"name": "plugin", "in": "path", "required": True, "schema": {"type": "string"}}
    body = {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}
    answers = {"200": BODY, "400": BODY}
    paths = {"/plugins/{plugin}/start": {"post": {"operationId": "start", "parameters": [plugin], "requestBody": body, "responses": answers}}}  # fmt: skip
    found = walked(
        paths, Api({"POST /plugins/{plugin}/start": lambda asked: Answer(400, {"message": said})})
    ).complaints
    assert [item.where for item in found if item.kind == "valid-request-refused"] == told
