"""Where the server redirects to the path with a slash at its end, or without it, the operation is asked there."""

from __future__ import annotations

from typing import Any

import pytest

from contract.core.check import Judge
from contract.core.evidence import Exchange, Request, Response

from .walking import JSON, Answer, Api, Asked, contract, operation, shelf_paths, walked


class Moved:
    """An application behind a router that answers one form of each path, and redirects from the other."""

    def __init__(self, api: Api, slash: bool, status: int = 308) -> None:
        self.api, self.slash, self.status = api, slash, status
        self.seen: list[str] = []

    def __call__(self, environ: dict[str, Any], start: Any) -> Any:
        path = environ["PATH_INFO"]
        self.seen.append(path)
        if path.endswith("/") != self.slash:
            other = f"{path}/" if self.slash else path.rstrip("/")
            start(f"{self.status} x", [("Location", other)])
            return [b""]
        return self.api({**environ, "PATH_INFO": path.rstrip("/")}, start)


def things(asked: Asked) -> Answer:
    return Answer(200, [{"id": 17, "title": "t"}])


def one(asked: Asked) -> Answer:
    return Answer(200, {"id": 17}) if asked.parts[0] == "17" else Answer(404)


def paths(end: str = "") -> dict[str, Any]:
    found = shelf_paths()
    return {f"{path}{end}": {"get": item["get"]} for path, item in found.items()}


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize("slash", [True, False])
def test_an_operation_is_asked_where_the_server_redirects_to(slash: bool, status: int) -> None:
    app = Moved(Api({"GET /tasks": things, "GET /tasks/{id}": one}), slash, status)
    end = "" if slash else "/"
    result = walked(paths(end), app)
    for key in (f"GET /tasks{end}", f"GET /tasks/{{id}}{end}"):
        found = result.statuses(key)
        assert found[0] == status and found.count(200) > 3, (key, found)
    assert result.told == []


def test_what_is_asked_there_is_judged_as_the_operation_s() -> None:
    schema = {"type": "array", "items": {"type": "string"}}
    ok = {"200": {"description": ".", "content": {JSON: {"schema": schema}}}}
    made = contract({"/tasks": {"get": {**operation(), "responses": ok}}})
    judge = Judge(made, lambda name, level: level)
    moved = Exchange(Request("GET", "/tasks"), Response(308, (("Location", "/tasks/"),), b""), "walk")
    there = Exchange(Request("GET", "/tasks/"), Response(200, (("Content-Type", JSON),), b"[17]"), "walk")
    assert [each.rule for each in judge.exchange(there).findings] != ["response-schema"]
    assert made.operations[0].settles(moved) and not made.operations[0].settles(moved)
    assert [each.rule for each in judge.exchange(there).findings] == ["response-schema"]
    assert [each.rule for each in judge.exchange(moved).findings] == ["undeclared-status"]


@pytest.mark.parametrize(
    ("path", "status", "location", "declared"),
    [
        ("/tasks", 308, "/login", {}),
        ("/tasks", 308, "/tasks", {}),
        ("/tasks", 308, "", {}),
        ("/tasks", 303, "/tasks/", {}),
        ("/tasks", 200, "/tasks/", {}),
        ("/tasks", 308, "/tasks/", {"308": {"description": "elsewhere"}}),
        ("/tasks/", 308, "/tasks", {}),  # asked with a slash too many
        ("/others", 308, "/others/", {}),
    ],
)
def test_other_redirects_are_answers(path: str, status: int, location: str, declared: dict[str, Any]) -> None:
    (found,) = contract({"/tasks": {"get": {**operation(), "responses": declared}}}).operations
    exchange = Exchange(Request("GET", path), Response(status, (("Location", location),), b""), "walk")
    assert not found.settles(exchange)
    assert found.served_path == "/tasks"


def test_the_address_of_the_server_does_not_matter() -> None:
    (found,) = contract({"/tasks": {"get": operation()}}).operations
    headers = (("Location", "https://a.example/tasks/?page=2"),)
    assert found.settles(Exchange(Request("GET", "/tasks?page=2"), Response(301, headers, b""), "walk"))
    assert found.served_path == "/tasks/"
