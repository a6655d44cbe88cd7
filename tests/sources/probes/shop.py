"""A task API that keeps its document exactly, and faults that can be switched on one at a time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Collection, Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

import jsonschema_rs
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.targets.serving import served

TOKEN = "Bearer 0123456789"
CREDENTIALS = (("Authorization", TOKEN),)

_ID = {"name": "id", "in": "path", "required": True, "schema": {"type": "integer", "minimum": 1, "maximum": 999999}}
_LIMIT = {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 100}}
_TENANT = {"name": "X-Tenant", "in": "header", "required": True, "schema": {"type": "string", "enum": ["a", "b"]}}
_NEW = {
    "type": "object",
    "required": ["title", "priority"],
    "additionalProperties": False,
    "properties": {
        "title": {"type": "string", "minLength": 1, "maxLength": 20},
        "priority": {"type": "integer", "minimum": 1, "maximum": 5},
    },
}


_TASK = {
    "type": "object",
    "required": ["id", "title", "priority"],
    "properties": {"id": {"type": "integer"}, **_NEW["properties"]},  # type: ignore[dict-item]
}


def _answers(*statuses: str, schema: dict[str, Any] | None = None) -> dict[str, Any]:
    """Responses by status; the first has a JSON body if there is a schema."""
    answers: dict[str, Any] = {status: {"description": status} for status in statuses}
    if schema is not None:
        answers[statuses[0]]["content"] = {"application/json": {"schema": schema}}
    return answers


_ONE = {"$ref": "#/components/schemas/Task"}


def document() -> dict[str, Any]:
    """The declared document: what the clean API keeps."""
    return deepcopy(
        {
            "openapi": "3.1.0",
            "info": {"title": "shop", "version": "1"},
            "security": [{"token": []}],
            "components": {
                "securitySchemes": {"token": {"type": "oauth2", "flows": {}}},
                "schemas": {"New": _NEW, "Task": _TASK},
            },
            "paths": {
                "/tasks": {
                    "get": {
                        "parameters": [_LIMIT],
                        "responses": _answers("200", "401", "422", schema={"type": "array", "items": _ONE}),
                    },
                    "post": {
                        "requestBody": {
                            "required": True,
                            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/New"}}},
                        },
                        "responses": _answers("201", "401", "415", "422", schema=_ONE),
                    },
                },
                "/tasks/{id}": {
                    "get": {"parameters": [_ID], "responses": _answers("200", "401", "404", "422", schema=_ONE)},
                    "delete": {"parameters": [_ID], "responses": _answers("204", "401", "404", "422")},
                },
                "/reports": {"get": {"parameters": [_TENANT], "responses": _answers("200", "401", "422")}},
            },
        }
    )


def build(*faults: str) -> Starlette:
    """The API; faults: loose-title, strict-title, no-auth, any-auth, zombie, no-tenant, drop, boom, hang, big."""
    tasks: dict[int, dict[str, Any]] = {}
    deleted: dict[int, dict[str, Any]] = {}
    title = dict(_NEW["properties"]["title"])  # type: ignore[index]
    if "loose-title" in faults:
        del title["maxLength"]
    if "strict-title" in faults:
        title["pattern"] = "^[a-z]*$"
    new = jsonschema_rs.validator_for({**_NEW, "properties": {**_NEW["properties"], "title": title}})  # type: ignore[dict-item]

    def guarded(endpoint: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def guard(request: Request) -> Response:
            given = request.headers.get("authorization")
            open_door = "no-auth" in faults or ("any-auth" in faults and given is not None)
            if given != TOKEN and not open_door:
                return JSONResponse({"error": "token"}, 401)
            return await endpoint(request)

        return guard

    async def listed(request: Request) -> Response:
        values = request.query_params.getlist("limit")
        limit = _integer(values[-1], 1, 100) if values else 10
        if limit is None or len(values) > 1:
            return JSONResponse({"error": "limit"}, 422)
        if "big" in faults:
            return JSONResponse({"text": "x" * 3_000_000})
        return JSONResponse([{"id": number, **task} for number, task in list(tasks.items())[:limit]])

    async def created(request: Request) -> Response:
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            return JSONResponse({"error": "media type"}, 415)
        try:
            value = json.loads(await request.body())
        except ValueError:
            return JSONResponse({"error": "json"}, 422)
        if not new.is_valid(value):
            return JSONResponse({"error": "schema"}, 422)
        number = len(tasks) + len(deleted) + 1
        tasks[number] = value
        return JSONResponse({"id": number, **value}, 201)

    async def one(request: Request) -> Response:
        number = _integer(request.path_params["id"], 1, 999999)
        if number is None:
            return JSONResponse({"error": "id"}, 422)
        if "boom" in faults and number > 100:
            raise RuntimeError(f"no task {number}")
        if "hang" in faults:
            await asyncio.sleep(60)
        found = tasks.get(number) or ("zombie" in faults and deleted.get(number))
        if not found:
            return JSONResponse({"error": "unknown"}, 404)
        return JSONResponse({"id": number, **found})

    async def removed(request: Request) -> Response:
        number = _integer(request.path_params["id"], 1, 999999)
        if number is None:
            return JSONResponse({"error": "id"}, 422)
        if number not in tasks:
            return JSONResponse({"error": "unknown"}, 404)
        deleted[number] = tasks.pop(number)
        return Response(status_code=204)

    async def reports(request: Request) -> Response:
        if "drop" in faults:
            return _Dropped()
        if request.headers.get("x-tenant") not in ("a", "b") and "no-tenant" not in faults:
            return JSONResponse({"error": "tenant"}, 422)
        return JSONResponse({})

    return Starlette(
        routes=[
            Route("/tasks", guarded(listed), methods=["GET"]),
            Route("/tasks", guarded(created), methods=["POST"]),
            Route("/tasks/{id}", guarded(one), methods=["GET"]),
            Route("/tasks/{id}", guarded(removed), methods=["DELETE"]),
            Route("/reports", guarded(reports), methods=["GET"]),
        ]
    )


class _Dropped(Response):
    """Promises a body and does not send it, whereupon a server can only close the connection."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"content-length", b"10")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})


def _integer(text: str, least: int, greatest: int) -> int | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return int(number) if number == int(number) and least <= number <= greatest else None


@contextmanager
def running(*faults: str) -> Iterator[str]:
    """The origin of the API behind a real server."""
    with served(build(*faults)) as origin:
        yield origin


def kinds(complaints: Collection[Any]) -> list[tuple[str, str, str | None]]:
    return sorted({(one.kind, one.operation, one.where) for one in complaints}, key=str)
