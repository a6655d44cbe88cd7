"""One finding, what was decided of it, and by whom."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

import jsonschema_rs
from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from contract.app.service import bodies, pages, views
from contract.app.service.access import Caller, cursor, enter, limit, now, text
from contract.app.service.problems import Problem, invalid
from contract.stores import people
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


def _found(caller: Caller, request: Request) -> Found:
    found = caller.store.finding(caller.of(), _named(request), text(request, "environment"))
    if found is None:
        raise _unknown()
    return found


def _unknown() -> Problem:
    return Problem(404, "no finding of that fingerprint")


def _told(caller: Caller, found: Found) -> Response:
    history = people.histories(caller.store, [found.id], views.HISTORY).get(found.id, people.NONE)
    return views.json(views.finding(caller.of().name, found, now(), history), headers={"Vary": "Accept"})


@router.get(_ONE)
def one(request: Request) -> Response:
    caller = enter(request, "read", ("environment",))
    found = _found(caller, request)
    return pages.finding_page(request, caller, found) if views.wanted(request) else _told(caller, found)


@router.get(_ONE + "/events")
def events(request: Request) -> Response:
    caller = enter(request, "read", ("environment", "limit", "cursor"))
    _found(caller, request)
    environment = text(request, "environment")
    page = caller.store.events(caller.of(), _named(request), environment, cursor(request), limit(request))
    told = {"events": [views.event(row) for row in page], "next": page.next}
    return views.json(told, headers=views.next_link(request, page))


@router.post(_ONE + "/accept")
async def accept(request: Request) -> Response:
    return await _sent(request, "accept", _ACCEPTANCE)


@router.post(_ONE + "/exempt")
async def exempt(request: Request) -> Response:
    return await _sent(request, "exempt", _EXEMPTION)


@router.post(_ONE + "/reopen")
def reopen(request: Request) -> Response:
    return _decide(request, enter(request, "write", ("environment",)), "", None, None)


async def _sent(request: Request, form: str, schema: jsonschema_rs.Validator) -> Response:
    """What comes of a decision that is JSON or a form; a browser gets a form that could not be taken once more."""
    caller = await run_in_threadpool(enter, request, "write", ("environment",))
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    said = (
        await pages.fields(request) if media == pages.FORM else bodies.parse(await bodies.read(request, bodies.SMALL))
    )
    try:
        if errors := list(bodies.broken(schema, said)):
            raise invalid(errors)
        return await run_in_threadpool(_taken, request, caller, form, said)
    except Problem as problem:
        if problem.status not in (409, 422) or not isinstance(said, dict) or not views.wanted(request):
            raise
        status, tried = problem.status, pages.tried(form, said, problem)
    found = await run_in_threadpool(_found, caller, request)
    return await run_in_threadpool(pages.finding_page, request, caller, found, status, tried)


def _taken(request: Request, caller: Caller, form: str, said: Mapping[str, Any]) -> Response:
    if form == "accept":
        return _decide(request, caller, "accepted", said["reason"], None)
    try:
        until = date.fromisoformat(said["until"])
    except ValueError:  # the year 0, which RFC 3339 has and Python has not
        until = date.min
    return _decide(request, caller, "exempt", said["reason"], until)


def _decide(request: Request, caller: Caller, decision: str, reason: str | None, until: date | None) -> Response:
    if until is not None and until < now().date():
        raise Problem(409, f"{until.isoformat()} is over: the exemption would never hold")
    end = views.end_of(until) if until is not None else None
    fingerprint, environment = _named(request), text(request, "environment")
    found = caller.store.decide(caller.of(), fingerprint, environment, decision, reason, end, caller.who, now())
    if found is None:
        raise _unknown()
    if views.wanted(request):  # so that reloading the page does not decide once more
        headers = {"Location": pages.finding_place(caller.of().name, found), "Cache-Control": "no-store"}
        return Response(status_code=303, headers=headers)
    return _told(caller, found)
