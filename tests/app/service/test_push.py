"""`contract push` against a service that is busy, away, or somebody else's."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from contract.app import push
from contract.core.errors import ConfigError, TargetError
from tests.targets.serving import served

BODY = b'{"schema_version": 1, "kept": "byte for byte"}\n'


class Busy:
    """A service that answers so, one after another, and then 201."""

    def __init__(self, *statuses: int, retry_after: str | None = None) -> None:
        self.left = list(statuses)
        self.retry_after = retry_after
        self.bodies: list[bytes] = []

    async def answer(self, request: Request) -> Response:
        self.bodies.append(await request.body())
        if self.left:
            headers = {"Retry-After": self.retry_after} if self.retry_after is not None else {}
            problem = {"type": "about:blank", "title": "x", "status": self.left[0], "detail": "come back later"}
            return JSONResponse(problem, self.left.pop(0), headers, "application/problem+json")
        return JSONResponse({"run_id": "r1", "href": "/projects/shop/drift"}, 201)

    @property
    def app(self) -> Starlette:
        return Starlette(routes=[Route("/api/v1/projects/shop/reports", self.answer, methods=["POST"])])


def pushed(url: str, folder: Path) -> tuple[str, list[str], list[float]]:
    """The sentence, the notes and the pauses of one push; whoever sleeps is not kept waiting."""
    report = folder / "report.json"
    report.write_bytes(BODY)
    notes: list[str] = []
    pauses: list[float] = []
    what = push.Push(report, url, "shop", "ctr_" + "a" * 43, timeout_s=10)
    return push.push(what, note=notes.append, sleep=pauses.append), notes, pauses


@pytest.mark.parametrize("status", [408, 429, 503])
def test_a_service_that_is_busy_is_asked_again(status: int, tmp_path: Path) -> None:
    service = Busy(status, status)
    with served(service.app) as origin:
        said, notes, pauses = pushed(origin, tmp_path)
    assert said == f"report r1 kept: {origin}/projects/shop/drift"
    assert (service.bodies, pauses) == ([BODY] * 3, [0.5, 1.0])
    assert notes[0] == f"{origin} answered {status}: come back later; trying again in 0.5 s"


def test_it_waits_as_long_as_it_is_told_within_a_limit(tmp_path: Path) -> None:
    with served(Busy(503, retry_after="7").app) as origin:
        assert pushed(origin, tmp_path)[2] == [7.0]
    with served(Busy(429, retry_after="86400").app) as origin:
        assert pushed(origin, tmp_path)[2] == [push.LONGEST_WAIT_S]


def test_one_that_stays_busy_or_away_is_said_and_nothing_is_lost(tmp_path: Path) -> None:
    service = Busy(*[503] * push.TRIES)
    with served(service.app) as origin, pytest.raises(TargetError, match="answered 503: come back later") as caught:
        pushed(origin, tmp_path)
    assert (len(service.bodies), caught.value.hint) == (
        push.TRIES,
        f"tried {push.TRIES} times; the report is unchanged, push it again later",
    )
    with pytest.raises(TargetError, match="cannot be reached") as caught:
        pushed(origin, tmp_path)  # it has ended
    assert caught.value.exit_code == 3


@pytest.mark.parametrize(
    ("status", "said"),
    [(401, "refused it (401): come back later"), (404, "no project `shop`"), (302, "leads elsewhere (302)")],
)
def test_a_refusal_is_not_tried_again(status: int, said: str, tmp_path: Path) -> None:
    service = Busy(status)
    with served(service.app) as origin, pytest.raises(ConfigError) as caught:
        pushed(origin, tmp_path)
    assert said in caught.value.message
    assert len(service.bodies) == 1
