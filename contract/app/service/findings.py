"""One finding, what was decided of it, and by whom."""

from __future__ import annotations

import re
from datetime import date

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from contract.app.service import bodies, views
from contract.app.service.access import Caller, cursor, enter, limit, now, text
from contract.app.service.problems import Problem
from contract.stores.store import Found

router = APIRouter()

_ONE = "/api/v1/projects/{project}/findings/{fingerprint}"
_REASON = {"type": "string", "maxLength": 1000, "pattern": r"^[^\x00-\x1F\x7F]*[^\x00-\x20\x7F][^\x00-\x1F\x7F]*$"}
_ACCEPTANCE = bodies.schema({"reason": _REASON}, ("reason",))
_EXEMPTION = bodies.schema({"reason": _REASON, "until": {"type": "string", "format": "date"}}, ("reason", "until"))


def _named(request: Request) -> str:
    fingerprint: str = request.path_params["fingerprint"]
    if re.fullmatch("[0-9a-f]{40}", fingerprint) is None:
        raise Problem(404, "no finding of that fingerprint")
    return fingerprint


def _told(caller: Caller, found: Found | None) -> Response:
    if found is None:
        raise Problem(404, "no finding of that fingerprint")
    return views.json(views.finding(caller.of().name, found, now()))


@router.get(_ONE)
def one(request: Request) -> Response:
    caller = enter(request, "read", ("environment",))
    fingerprint, environment = _named(request), text(request, "environment")
    return _told(caller, caller.store.finding(caller.of(), fingerprint, environment))


@router.get(_ONE + "/events")
def events(request: Request) -> Response:
    caller = enter(request, "read", ("environment", "limit", "cursor"))
    fingerprint, environment = _named(request), text(request, "environment")
    if caller.store.finding(caller.of(), fingerprint, environment) is None:
        raise Problem(404, "no finding of that fingerprint")
    page = caller.store.events(caller.of(), fingerprint, environment, cursor(request), limit(request))
    told = {"events": [views.event(row) for row in page], "next": page.next}
    return views.json(told, headers=views.next_link(request, page))


@router.post(_ONE + "/accept")
async def accept(request: Request) -> Response:
    caller = await run_in_threadpool(enter, request, "write", ("environment",))
    said = await bodies.small(request, _ACCEPTANCE)
    return await run_in_threadpool(_decide, request, caller, "accepted", said["reason"], None)


@router.post(_ONE + "/exempt")
async def exempt(request: Request) -> Response:
    caller = await run_in_threadpool(enter, request, "write", ("environment",))
    said = await bodies.small(request, _EXEMPTION)
    try:
        until = date.fromisoformat(said["until"])
    except ValueError:  # the year 0, which RFC 3339 has and Python has not
        until = date.min
    return await run_in_threadpool(_decide, request, caller, "exempt", said["reason"], until)


@router.post(_ONE + "/reopen")
def reopen(request: Request) -> Response:
    return _decide(request, enter(request, "write", ("environment",)), "", None, None)


def _decide(request: Request, caller: Caller, decision: str, reason: str | None, until: date | None) -> Response:
    if until is not None and until < now().date():
        raise Problem(409, f"{until.isoformat()} is over: the exemption would never hold")
    end = views.end_of(until) if until is not None else None
    fingerprint, environment = _named(request), text(request, "environment")
    return _told(
        caller,
        caller.store.decide(caller.of(), fingerprint, environment, decision, reason, end, caller.who, now()),
    )
