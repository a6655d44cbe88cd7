"""Every error as problem details (RFC 9457), those of the router included, each with a place in the documentation."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import FastAPI, Request
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import Response

from contract.core.errors import ContractError
from contract.stores.store import BadCursor, Busy, Conflict, Gone, StoreError, Unfit

MEDIA_TYPE = "application/problem+json"
log = logging.getLogger("contract.service")

_KINDS = {
    400: ("malformed", "The request cannot be read"),
    401: ("unauthenticated", "A valid token is needed"),
    403: ("forbidden", "The token's scope is too small"),
    404: ("not-found", "Not found"),
    405: ("method-not-allowed", "Method not allowed"),
    406: ("not-acceptable", "No such representation"),
    408: ("too-slow", "The body came too slowly"),
    409: ("conflict", "Conflict"),
    410: ("gone", "Gone"),
    413: ("too-large", "The body is too large"),
    415: ("unsupported-media-type", "Not JSON"),
    422: ("invalid", "The body is not valid"),
    429: ("too-many-requests", "Too many requests"),
    500: ("bug", "A bug of ours"),
    503: ("unavailable", "The database cannot be used just now"),
}
RETRY_AFTER_S = 5


class Problem(Exception):
    """An answer that is an error."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        errors: Sequence[Mapping[str, str]] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers or {}
        self.errors = errors


def title(status: int) -> str:
    """What a status means here, in words."""
    return _KINDS[status][1] if status in _KINDS else HTTPStatus(status).phrase


def answer(problem: Problem, path: str) -> Response:
    """The response that tells of a problem; `path` is what was asked."""
    kind = _KINDS[problem.status][0] if problem.status in _KINDS else "error"
    body: dict[str, Any] = {
        "type": f"docs/service.md#{kind}",
        "title": title(problem.status),
        "status": problem.status,
        "detail": problem.detail,
        "instance": path,
    }
    if problem.errors is not None:
        body["errors"] = problem.errors
    return Response(orjson.dumps(body), problem.status, dict(problem.headers), MEDIA_TYPE)


def of_store(error: StoreError) -> Problem:
    """What the store cannot do, as an answer: a conflict is the caller's, all else passes."""
    detail = f"{error.message}. {error.hint}" if error.hint else error.message
    if isinstance(error, Conflict | Busy):
        return Problem(409, detail)
    if isinstance(error, BadCursor):
        return Problem(400, detail)
    if isinstance(error, Gone):
        return Problem(410, detail)
    if isinstance(error, Unfit):
        return Problem(422, detail, errors=[])
    log.warning("the store: %s", detail)
    # The message names the database, which is nobody's business outside.
    return Problem(
        503,
        "The database cannot be used just now; nothing was changed. Try again later.",
        headers={"Retry-After": str(RETRY_AFTER_S)},
    )


Shown = Callable[[Request, Problem], Response | None]
"""The page of an error for whoever wants one; None for all others."""


def install(app: FastAPI, shown: Shown) -> None:
    """Problem details for whatever `app` raises, or the page of it."""

    async def said(request: Request, problem: Problem) -> Response:
        return await run_in_threadpool(shown, request, problem) or answer(problem, request.url.path)

    async def told(request: Request, error: Exception) -> Response:
        assert isinstance(error, Problem)
        return await said(request, error)

    async def kept(request: Request, error: Exception) -> Response:
        assert isinstance(error, StoreError)
        return await said(request, of_store(error))

    async def routed(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if error.status_code == 405:
            names = methods(app, request.url.path)
            problem = Problem(
                405, f"{request.method} is not a method of this path", headers={"Allow": ", ".join(names)}
            )
        elif error.status_code == 404:
            problem = Problem(404, "no such resource")
        else:
            problem = Problem(error.status_code, str(error.detail), headers=dict(error.headers or {}))
        return await said(request, problem)

    app.add_exception_handler(Problem, told)
    app.add_exception_handler(StoreError, kept)
    app.add_exception_handler(HTTPException, routed)


def methods(app: FastAPI, path: str) -> list[str]:
    """All methods of a path: several routes may share it, and `Allow` speaks of the resource (RFC 9110, 10.2.1).

    Where there is GET there is HEAD (9.1).
    """
    found = {method for pattern, of_route in app.state.table if pattern.match(path) for method in of_route}
    return sorted(found | ({"HEAD"} if "GET" in found else set()))


def invalid(
    errors: Iterable[Mapping[str, str]], detail: str = "the body breaks its schema; `errors` say where"
) -> Problem:
    return Problem(422, detail, errors=list(errors))


def said(error: ContractError) -> str:
    return f"{error.message}: {error.hint}" if error.hint else error.message
