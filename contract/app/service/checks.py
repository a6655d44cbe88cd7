"""Checks that the service runs itself: started, listed, and how far they are."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from contract.app.service import views
from contract.app.service.access import cursor, enter, integer, limit, now
from contract.app.service.problems import Problem
from contract.stores.store import Busy

router = APIRouter()

_ALL = "/api/v1/projects/{project}/checks"


@router.post(_ALL)
def start(request: Request) -> Response:
    caller = enter(request, "write")
    project = caller.of()
    path = caller.config.checks.get(project.name)
    if path is None:
        raise Problem(
            404,
            f"the service's configuration names no check of this project: [service.projects.{project.name}] with "
            '`config = "path/to/contract.toml"`',
        )
    try:
        made = caller.store.add_check(project, caller.who, now(), path.name)
    except Busy as error:
        running = views.check(error.check)
        raise Problem(409, f"{error.message}; wait for its end", headers={"Location": running["href"]}) from error
    request.app.state.runner.wake()
    told = views.check(made)
    return views.json(told, 202, {"Location": told["href"]})


@router.get(_ALL)
def listed(request: Request) -> Response:
    caller = enter(request, "read", ("limit", "cursor"))
    page = caller.store.checks(caller.of(), cursor(request), limit(request))
    told = {"checks": [views.check(row) for row in page], "next": page.next}
    return views.json(told, headers=views.next_link(request, page))


@router.get(_ALL + "/{number}")
def one(request: Request) -> Response:
    caller = enter(request, "read")
    number = integer(request.path_params["number"])
    row = caller.store.check(caller.of(), number) if number is not None and 0 < number < 2**31 else None
    if row is None:
        raise Problem(404, "no check of that number")
    return views.json(views.check(row))
