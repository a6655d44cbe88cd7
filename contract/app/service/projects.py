"""Projects and tokens: who is kept apart from whom, and who may do what."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from contract.app.service import bodies, pages, views
from contract.app.service.access import NAME, SCOPES, Caller, enter, everywhere, hidden, now
from contract.app.service.problems import Problem
from contract.stores.store import Project

router = APIRouter()

_NAME = {"type": "string", "pattern": f"^{NAME.pattern}$"}
_PROJECT = bodies.schema({"name": _NAME}, ("name",))
_TOKEN = bodies.schema(
    {
        "project": {"anyOf": [_NAME, {"type": "null"}]},
        "scope": {"enum": list(SCOPES)},
        "label": {"type": "string", "maxLength": 100, "pattern": r"^[^\x00-\x1F\x7F]*$"},
        "expires_in_days": {"type": ["integer", "null"], "minimum": 1, "maximum": 3650},
    },
    ("scope",),
)


@router.get("/api/v1/projects")
def listed(request: Request) -> Response:
    caller = enter(request, "read")
    own, at = caller.token.project, now()
    found = [row for row in caller.store.projects() if own is None or row.name == own]
    if views.wanted(request):
        return pages.projects_page(request, caller, found)
    return views.json({"projects": [_overview(caller, row, at) for row in found]}, headers={"Vary": "Accept"})


def _overview(caller: Caller, row: Project, at: datetime) -> dict[str, Any]:
    newest = caller.store.latest(row)
    totals = caller.store.totals(row, now=at, environment=newest.environment) if newest is not None else {}
    return views.overview(row, newest, totals)


@router.post("/api/v1/projects")
async def create(request: Request) -> Response:
    caller = await run_in_threadpool(enter, request, "admin")
    everywhere(caller)
    said = await bodies.small(request, _PROJECT)
    return await run_in_threadpool(_create, caller, said["name"])


def _create(caller: Caller, name: str) -> Response:
    if caller.store.project(name) is not None:
        raise Problem(409, f"there is a project `{name}` already", headers={"Location": views.place(name)})
    made = caller.store.project(name, create=True, now=now())
    assert made is not None
    return views.json(views.project(made), 201, {"Location": views.place(name)})


@router.get("/api/v1/projects/{project}")
def one(request: Request) -> Response:
    return views.json(views.project(enter(request, "read").of()))


@router.get("/api/v1/tokens")
def tokens(request: Request) -> Response:
    caller = enter(request, "admin")
    own = caller.token.project
    project = caller.store.project(own) if own is not None else None
    at = now()
    held = [
        views.token(row)
        for row in caller.store.tokens(project)
        if row.revoked_at is None and (row.expires_at is None or row.expires_at > at)
    ]
    return views.json({"tokens": held})


@router.post("/api/v1/tokens")
async def create_token(request: Request) -> Response:
    caller = await run_in_threadpool(enter, request, "admin")
    said = await bodies.small(request, _TOKEN)
    days = said.get("expires_in_days")
    return await run_in_threadpool(_create_token, caller, said, int(days) if days is not None else None)


def _create_token(caller: Caller, said: dict[str, str | None], days: int | None) -> Response:
    name, own = said.get("project"), caller.token.project
    if own is not None and name is None:
        raise Problem(403, "a token of one project cannot create one of all: name the project")
    project = caller.store.project(name) if name is not None and own in (None, name) else None
    if name is not None and project is None:
        raise hidden(name)
    at = now()
    expires = at + timedelta(days=days) if days is not None else None
    made, secret = caller.store.create_token(project, str(said["scope"]), said.get("label") or "", expires, at)
    return views.json({"token": views.token(made), "secret": secret}, 201)


@router.delete("/api/v1/tokens/{id}")
def revoke(request: Request) -> Response:
    caller = enter(request, "admin")
    public_id = request.path_params["id"]
    own = caller.token.project
    project = caller.store.project(own) if own is not None else None
    found = next((row for row in caller.store.tokens(project) if row.public_id == public_id), None)
    if found is None or found.revoked_at is not None:
        raise Problem(404, "no token of that id that holds and that this token may see")
    if public_id == caller.token.public_id:
        raise Problem(409, "a token cannot revoke itself; revoke it with another one")
    caller.store.revoke(public_id, now())
    return Response(status_code=204)
