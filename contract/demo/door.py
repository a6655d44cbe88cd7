"""What is true of every request and answer of the demo: tokens, strict reading, problem details, request ids.

FastAPI is kind to its callers: it takes `1.0` in a path, the last of two `limit`s and a JSON object with the same key
twice. The document promises less, and here the promise is kept to the letter.
"""

from __future__ import annotations

import asyncio
import json
import re
import uuid
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any, NoReturn
from urllib.parse import unquote_to_bytes

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from fastapi.routing import APIRoute
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope, Send

from contract.demo.instants import instant
from contract.demo.store import Store

MAX_ID = 2_147_483_647
Problems = Iterable[Mapping[str, Any]]


# --- answers


def problem(
    status: int, detail: str, errors: list[dict[str, str]] | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    """Problem details (RFC 9457)."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    if errors is not None:
        body["errors"] = errors
    return JSONResponse(body, status, headers, "application/problem+json")


def invalid(problems: Problems) -> Response:
    """The 422 that lists what the caller got wrong: in which part, at which place, and why."""
    errors = []
    for one in problems:
        part, *places = one["loc"]
        at = "" if one["type"] == "json_invalid" else "".join(f"/{place}" for place in places)
        message = one["ctx"]["error"] if one["type"] == "json_invalid" else one["msg"]
        errors.append({"in": part, "at": at, "message": message})
    return problem(422, "the request is not valid", errors)


class Dropped(Response):
    """No answer at all: the connection is closed before the first byte."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["contract.demo.dropped"] = True


class DemoAPI(FastAPI):
    """FastAPI with request ids around everything, its error answers included."""

    without_request_id: str | None = None
    """A path whose GET leaves the request id out."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        asked = dict(scope["headers"]).get(b"x-request-id", b"")
        request_id = asked if re.fullmatch(rb"[A-Za-z0-9._-]{1,64}", asked) else uuid.uuid4().hex.encode()
        silent = scope["method"] == "GET" and scope["path"] == self.without_request_id

        async def stamped(message: Message) -> None:
            if message["type"] == "http.response.start" and not silent:
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", request_id)]
            await send(message)

        # An encoded slash is part of a name, never the end of one; servers decode it before routing.
        if b"%2f" in scope.get("raw_path", b"").lower():
            await problem(404, "no such resource")(scope, receive, stamped)
            return
        await super().__call__(scope, receive, stamped)
        if scope.get("contract.demo.dropped"):
            await _hang_up(receive, send)


async def _hang_up(receive: Receive, send: Send) -> None:
    """Closes the connection under uvicorn; elsewhere there is none, and a broken one is told by an exception."""
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if not isinstance(transport, asyncio.BaseTransport):
        raise ConnectionResetError("the demo hung up without an answer")
    transport.close()
    # uvicorn answers 500 for an application that returns too early, unless it has seen the end of the connection.
    while (await receive())["type"] != "http.disconnect":
        pass


def install(app: FastAPI, routes: Iterable[APIRoute]) -> None:
    """Problem details for every error that `app` can answer; `routes` are those that share out the methods."""
    table = [(route.path_regex, route.methods or set()) for route in routes]

    async def failed(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        headers = dict(error.headers or {})
        if error.status_code == 405:
            # Two routes may share a path, and `Allow` speaks of the resource (RFC 9110, 10.2.1).
            methods = {method for path, methods in table if path.match(request.url.path) for method in methods}
            headers = {"Allow": ", ".join(sorted(methods))}
        detail = "no such resource" if error.detail == "Not Found" else str(error.detail)
        return problem(error.status_code, detail, headers=headers)

    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        problems = error.errors()
        # A malformed id names no resource.
        if any(one["loc"][0] == "path" for one in problems):
            return problem(404, "no such resource")
        return invalid(problems)

    app.add_exception_handler(HTTPException, failed)
    app.add_exception_handler(RequestValidationError, refused)


# --- callers


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks."""

    tenant: str
    handle: str
    admin: bool


def caller_of(store: Store, authorization: str) -> Caller | None:
    """The caller that a value of `Authorization` stands for; None if it is no valid bearer token (RFC 6750, 2.1)."""
    scheme, _, token = authorization.partition(" ")
    found = store.caller(token.strip()) if scheme.lower() == "bearer" else None
    return None if found is None else Caller(*found)


UNAUTHORIZED = {"WWW-Authenticate": "Bearer"}


def _caller(request: Request) -> Caller:
    caller: Caller = request.state.caller
    return caller


Me = Annotated[Caller, Depends(_caller)]


# --- reading


class Door(APIRoute):
    """A route that nobody passes without a token, nor with a request that is not well formed."""

    audience = "members"

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        inside = super().get_route_handler()
        scalars = frozenset(field.alias for field in self.dependant.query_params)

        async def handler(request: Request) -> Response:
            if self.audience != "public":
                request.state.caller = self._admit(request)
            _check_query(request.scope["query_string"], scalars)
            if self.body_field is not None:
                check_media_type(request, "application/json")
            return await inside(StrictRequest(request.scope, request.receive))

        return handler

    def _admit(self, request: Request) -> Caller:
        """The caller, asked before anything else is read: strangers are not told what is wrong with their request."""
        caller = caller_of(request.app.state.store, request.headers.get("authorization", ""))
        if caller is None and self.operation_id in request.app.state.unguarded:
            caller = Caller("acme", "nobody", admin=False)
        if caller is None:
            raise HTTPException(401, "a valid bearer token is needed", UNAUTHORIZED)
        if self.audience == "admins" and not caller.admin:
            raise HTTPException(403, "only an admin of the tenant may do this")
        return caller


class PublicDoor(Door):
    """A route for everybody."""

    audience = "public"


class AdminDoor(Door):
    """A route for the tenant's admins."""

    audience = "admins"


class StrictRequest(Request):
    """A request whose JSON is read as RFC 8259 writes it."""

    async def json(self) -> Any:
        return strict_json(await self.body())


def strict_json(body: bytes) -> Any:
    """The value; raises JSONDecodeError for what is no JSON, no UTF-8, nested too deep, or says a key twice."""
    try:
        return json.loads(body.decode(), parse_constant=_refuse, parse_int=_integer, object_pairs_hook=_once)
    except json.JSONDecodeError:
        raise
    except UnicodeDecodeError as error:
        raise json.JSONDecodeError("not UTF-8", "", error.start) from error
    except RecursionError as error:
        raise json.JSONDecodeError("nested too deep", "", 0) from error


def _refuse(constant: str) -> NoReturn:
    raise json.JSONDecodeError(f"{constant} is not JSON", "", 0)


def _integer(digits: str) -> int | float:
    # Python refuses to read integers of more than 4,300 digits; all bounds of the document lie far below.
    return int(digits) if len(digits) < 400 else float(digits)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise json.JSONDecodeError("an object has the same key twice", "", 0)
    return found


def check_media_type(request: Request, *allowed: str) -> str:
    """The request's media type; a 415 unless it is one of those allowed."""
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media not in allowed:
        raise HTTPException(415, f"send {' or '.join(allowed)}")
    return media


def _check_query(query: bytes, scalars: frozenset[str]) -> None:
    """Refuses a parameter that comes twice, or whose text is not UTF-8."""
    seen: set[str] = set()
    for pair in query.split(b"&"):
        raw, _, value = pair.partition(b"=")
        name = unquote_to_bytes(raw.replace(b"+", b" ")).decode(errors="replace")
        if name not in scalars:
            continue
        if name in seen:
            raise RequestValidationError([{"type": "repeated", "loc": ("query", name), "msg": "given twice"}])
        seen.add(name)
        try:
            unquote_to_bytes(value).decode()
        except UnicodeDecodeError:
            raise RequestValidationError([{"type": "utf8", "loc": ("query", name), "msg": "not UTF-8"}]) from None


def _decimal(text: object) -> object:
    """An integer as JSON writes it: FastAPI would take `+1`, `01` and ` 1` too, and JSON Schema counts `1.0` as one."""
    if isinstance(text, str):
        match = re.fullmatch(r"(-?(?:0|[1-9][0-9]{0,18}))(?:\.0+)?", text, re.ASCII)
        if match is None:
            raise ValueError("not an integer")
        return int(match[1])
    return text


def _boolean(text: object) -> object:
    if isinstance(text, str):
        if text not in ("true", "false"):
            raise ValueError("neither true nor false")
        return text == "true"
    return text


def _integral(value: object) -> object:
    """JSON Schema counts `3.0` as an integer (2020-12 validation, 6.1.1)."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _date_time(text: str) -> str:
    if instant(text) is None:
        raise ValueError("not an RFC 3339 date-time")
    return text


def _unique(items: list[str]) -> list[str]:
    if len(set(items)) != len(items):
        raise ValueError("the same item twice")
    return items


class Body(BaseModel):
    """A JSON object from a caller: exact types, other properties ignored."""

    model_config = ConfigDict(strict=True, extra="ignore")


UUID = r"^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}$"
Decimal = BeforeValidator(_decimal)
Boolean = BeforeValidator(_boolean)
DateTime = Annotated[str, AfterValidator(_date_time)]
JsonId = Annotated[int, BeforeValidator(_integral), Field(ge=1, le=MAX_ID)]
Priority = Annotated[int, BeforeValidator(_integral), Field(ge=1, le=5)]
Title = Annotated[str, Field(min_length=1, max_length=200)]
Text = Annotated[str, Field(max_length=5000)]
UserId = Annotated[str, Field(pattern=UUID)]
Labels = Annotated[
    list[Annotated[str, Field(pattern=r"^[a-z0-9-]{1,30}$")]], Field(max_length=10), AfterValidator(_unique)
]
