"""What is no drift: each kind of it through the whole job, beside a twin that differs in one thing and is reported."""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket

from contract.app import run, settings
from contract.core.report import Report
from contract.sources.traffic import ndjson

JSON = "application/json"
ID = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}


def document(paths: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "paths": paths, **more}


def answers(schema: Any = None, media: str = JSON) -> dict[str, Any]:
    return {"description": ".", "content": {media: {"schema": {} if schema is None else schema}}}


def get(responses: dict[Any, Any], **more: Any) -> dict[str, Any]:
    return {"get": {"responses": responses, **more}}


def gives(answer: Callable[[], Response]) -> Callable[[Request], Any]:
    async def handler(_: Request) -> Response:
        return answer()

    return handler


@contextmanager
def module(app: object) -> Iterator[str]:
    made = ModuleType("an_application")
    made.app = app  # type: ignore[attr-defined]
    sys.modules["an_application"] = made
    try:
        yield "an_application:app"
    finally:
        del sys.modules["an_application"]


@contextmanager
def serving(app: Any) -> Iterator[str]:
    """The origin of a uvicorn on a free port, until the block ends."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


class Job:
    """`contract check` in a folder, against an application in this process or behind a real server."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(
        self, declared: dict[str, Any] | str, app: Any, *, kind: str = "asgi", routes: Any = False, **flags: Any
    ) -> Report:
        path = self.folder / "api.yaml"
        path.write_text(declared if isinstance(declared, str) else json.dumps(declared))
        with module(app) as where:
            wanted = {
                "documents": [str(path)],
                "target": f"{kind}:{where}",
                "max_examples": "4",
                "max_time": "2m",
                "types": False,
                **({"routes": [f"asgi:{where}"] if routes is True else routes} if routes else {}),
                **flags,
            }
            return run.check(settings.load(wanted, {}, self.folder))


@pytest.fixture
def check(tmp_path: Path) -> Job:
    return Job(tmp_path)


ADVICE = {"missing-operation-id", "operation-without-success", "response-without-schema", "default-only-response"}
"""What lint says of a document that is written as briefly as these are."""


def told(report: Report) -> list[tuple[str, str, str | None]]:
    """Rule, operation (or how many) and status of what is reported; advice on the document left out."""
    return sorted(
        (
            row.rule,
            f"{row.operation.method} {row.operation.path}" if row.operation else f"{len(row.operations)} operations",
            row.where.status,
        )
        for row in report.findings
        if row.rule not in ADVICE
    )


def drifting(report: Report) -> set[tuple[str, str]]:
    """The operations of which something is an error."""
    assert report.outcome.exit_code == 1
    return {
        (row.operation.method, row.operation.path) for row in report.findings if row.operation and row.level == "error"
    }


# --- what the document says, and how it is written ---

BY_INTEGER = """\
openapi: 3.1.0
info: {title: t, version: '1'}
paths:
  /tasks:
    get:
      responses:
        200: {description: All., content: {application/json: {schema: {type: array}}}}
        404: {description: None.}
"""


def test_keys_of_responses_may_be_integers_in_yaml(check: Job) -> None:
    assert told(check(BY_INTEGER, Starlette(routes=[Route("/tasks", gives(lambda: JSONResponse([])))]))) == []
    twin = Starlette(routes=[Route("/tasks", gives(lambda: JSONResponse({}, 202)))])
    assert told(check(BY_INTEGER, twin)) == [("undeclared-status", "GET /tasks", "202")]


def test_ranges_and_default_cover_their_statuses(check: Job) -> None:
    declared = document(
        {
            "/range": get({"2XX": answers({"type": "object"}), "4XX": answers()}),
            "/default": get({"200": answers(), "default": answers({"type": "object", "required": ["code"]})}),
        }
    )
    there = Starlette(
        routes=[
            Route("/range", gives(lambda: JSONResponse({}, 206))),
            Route("/default", gives(lambda: JSONResponse({"code": 1}, 409))),
        ]
    )
    assert told(check(declared, there)) == []
    twin = Starlette(
        routes=[
            Route("/range", gives(lambda: JSONResponse({}, 302))),
            Route("/default", gives(lambda: JSONResponse({}, 409))),
        ]
    )
    assert told(check(declared, twin)) == [
        ("response-schema", "GET /default", "default"),
        ("undeclared-status", "GET /range", "302"),
    ]


def test_a_range_of_media_types_covers_its_types(check: Job) -> None:
    declared = document(
        {
            "/icon": get({"200": {"description": ".", "content": {"image/*": {}}}}),
            "/file": get({"200": {"description": ".", "content": {"*/*": {"schema": {"type": "string"}}}}}),
        }
    )
    png, csv = (lambda: Response(b"\x89PNG", media_type="image/png")), (lambda: Response("a,b", media_type="text/csv"))
    assert told(check(declared, Starlette(routes=[Route("/icon", gives(png)), Route("/file", gives(csv))]))) == []
    page = Starlette(routes=[Route("/icon", gives(lambda: HTMLResponse("<p>"))), Route("/file", gives(csv))])
    assert told(check(declared, page)) == [("undeclared-media-type", "GET /icon", "200")]


@pytest.mark.parametrize("media", ["application/yaml", "text/csv", "application/x-yaml"])
def test_a_body_that_is_not_json_is_not_held_against_an_object(media: str, check: Job) -> None:
    declared = document({"/tasks": get({"200": answers({"type": "object", "required": ["id"]}, media)})})
    there = Starlette(routes=[Route("/tasks", gives(lambda: Response("id: 1\n", media_type=media)))])
    assert told(check(declared, there)) == []
    as_json = document({"/tasks": get({"200": answers({"type": "object", "required": ["id"]})})})
    mislabelled = Starlette(routes=[Route("/tasks", gives(lambda: Response("id: 1\n", media_type=JSON)))])
    assert told(check(as_json, mislabelled)) == [("malformed-body", "GET /tasks", "200")]


# --- an answer without content ---


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_without_content_needs_no_content_type(status: int, check: Job) -> None:
    declared = document({"/tasks": get({"200": answers(), str(status): answers({"type": "object"})})})
    empty = Starlette(routes=[Route("/tasks", gives(lambda: Response(status_code=status)))])
    assert told(check(declared, empty)) == []
    unlabelled = Starlette(routes=[Route("/tasks", gives(lambda: Response(b"{}", 200)))])
    assert told(check(declared, unlabelled)) == [("undeclared-media-type", "GET /tasks", "200")]


# --- routes ---

OK = {"200": answers()}
FINE = gives(lambda: JSONResponse({}))


def laravel(*rows: tuple[str, dict[str, str]]) -> str:
    """What `$app['router']->getRoutes()` says, constraints (`where`) with it."""
    return json.dumps(
        [
            {
                "domain": None,
                "methods": ["GET", "HEAD"],
                "uri": uri,
                "name": None,
                "action": "Closure",
                "wheres": wheres,
            }
            for uri, wheres in rows
        ]
    )


def test_a_parameter_that_spans_slashes_is_one_operation(check: Job) -> None:
    declared = document({"/files/{path}": get(OK, parameters=[{**ID, "name": "path"}])})
    asked = [("GET", "/files/a/b/c.txt", 200), ("GET", "/files/d", 200)]
    there = Starlette(routes=[Route("/files/{path:path}", FINE)])
    assert told(check(declared, there, routes=True, traffic=[har(check.folder, asked)])) == []
    twin = Starlette(routes=[Route("/files/{path:path}", FINE), Route("/blobs/{path:path}", FINE)])
    assert told(check(declared, twin, routes=True)) == [("undeclared-operation", "GET /blobs/{path}", None)]


def test_each_process_that_reads_a_recording_knows_of_it(check: Job) -> None:
    declared = document({"/files/{path}": get(OK, parameters=[{**ID, "name": "path"}])})
    there = Starlette(routes=[Route("/files/{path:path}", FINE), Route("/else", FINE)])
    line: dict[str, Any] = {"method": "GET", "status": 200, "response_headers": {"Content-Type": JSON}}
    line["response_body"] = json.dumps("x" * 9000)
    asked = [f"/files/{number}/x" for number in range(400)]
    recorded = check.folder / "traffic.ndjson"
    recorded.write_text("".join(json.dumps({**line, "url": url}) + "\n" for url in asked))
    assert len(ndjson.spans(str(recorded), 4)) > 1
    flags = {"traffic": [f"ndjson:{recorded}"], "jobs": "2", "fuzz": False}
    report = check(declared, there, routes=True, **flags)
    assert (told(report), report.operations[0].exchanges) == ([("undeclared-operation", "GET /else", None)], 400)
    assert told(check(declared, there, **flags)) == [("undeclared-operation", "GET /files/{id}/x", None)]


def test_what_laravel_says_of_such_a_route_is_enough(check: Job) -> None:
    declared = document({"/files/{path}": get(OK, parameters=[{**ID, "name": "path"}])})
    there = Starlette(routes=[Route("/files/{path:path}", FINE)])
    listed = check.folder / "routes.json"
    sources = {"routes": [f"laravel:{listed}"], "traffic": [har(check.folder, [("GET", "/files/a/b/c.txt", 200)])]}
    spanning = ("files/{path}", {"path": ".*"})
    listed.write_text(laravel(spanning))
    assert told(check(declared, there, **sources)) == []
    listed.write_text(laravel(("files/{path}", {"path": "[a-z.]+"})))
    assert told(check(declared, there, **sources)) == [("undeclared-operation", "GET /files/a/b/c.txt", None)]


def har(folder: Path, asked: list[tuple[str, str, int]], media: str = JSON, **headers: str) -> str:
    """A recording of these requests, each with its status and an empty object."""
    entries = [
        {
            "startedDateTime": "2026-11-01T00:00:00Z",
            "time": 1,
            "request": {"method": method, "url": f"http://api.example{url}", "headers": [], "queryString": []},
            "response": {
                "status": status,
                "headers": [{"name": "Content-Type", "value": media}]
                + [{"name": name, "value": value} for name, value in headers.items()],
                "content": {"mimeType": media, "text": "{}"},
            },
        }
        for method, url, status in asked
    ]
    path = folder / "capture.har"
    path.write_text(json.dumps({"log": {"version": "1.2", "entries": entries}}))
    return f"har:{path}"


def test_a_literal_in_code_is_covered_by_a_template_of_the_document(check: Job) -> None:
    """Where the template has no route of its own, or its parameter lists the literal."""

    def declared(schema: dict[str, Any]) -> dict[str, Any]:
        return document({"/reports/{kind}": get(OK, parameters=[{**ID, "name": "kind", "schema": schema}])})

    daily, weekly, any_kind = (Route(f"/reports/{name}", FINE) for name in ("daily", "weekly", "{kind}"))
    listed = declared({"enum": ["daily", "weekly"]})
    assert told(check(declared({"type": "string"}), Starlette(routes=[daily, weekly]), routes=True, fuzz=False)) == []
    assert told(check(listed, Starlette(routes=[daily, any_kind]), routes=True, fuzz=False)) == []
    undeclared = ("undeclared-operation", "GET /reports/daily", None)
    assert told(check(declared({"type": "string"}), Starlette(routes=[daily, any_kind]), routes=True)) == [undeclared]
    report = check(declared({"type": "integer"}), Starlette(routes=[daily]), routes=True)
    assert told(report) == [undeclared, ("unimplemented-operation", "GET /reports/{kind}", None)]


async def _socket(socket: WebSocket) -> None:
    await socket.accept()
    await socket.close()


def test_websockets_and_static_files_are_no_operations(check: Job) -> None:
    declared = document({"/tasks": get(OK)})
    files = StaticFiles(directory=check.folder)
    routes = [Route("/tasks", FINE), WebSocketRoute("/live", _socket), Mount("/static", files)]
    recorded = har(check.folder, [("GET", "/tasks", 200), ("GET", "/live", 101), ("GET", "/static/app.js", 304)])
    assert told(check(declared, Starlette(routes=routes), routes=True, traffic=[recorded])) == []
    twin = Starlette(routes=[*routes, Mount("/admin", routes=[Route("/users", FINE)])])
    assert told(check(declared, twin, routes=True)) == [("undeclared-operation", "GET /admin/users", None)]


def test_head_and_options_are_implied(check: Job) -> None:
    declared = document({"/tasks": get(OK)})
    there = Starlette(routes=[Route("/tasks", FINE, methods=["GET", "HEAD", "OPTIONS"])])
    asked = [(method, "/tasks", 200) for method in ("GET", "HEAD", "OPTIONS")]
    assert told(check(declared, there, routes=True, traffic=[har(check.folder, asked)])) == []
    twin = Starlette(routes=[Route("/tasks", FINE, methods=["GET", "DELETE"])])
    asked = [("GET", "/tasks", 200), ("DELETE", "/tasks", 200)]
    assert told(check(declared, twin, routes=True, traffic=[har(check.folder, asked)])) == [
        ("undeclared-operation", "DELETE /tasks", None)
    ]


def test_a_trace_that_is_refused_without_allow_is_nothing(check: Job) -> None:
    there = Starlette(routes=[Route("/tasks", FINE, methods=["GET"])])
    asked = [("GET", "/tasks", 200), ("TRACE", "/tasks", 405), ("TRACE", "/tasks", 200)]
    assert told(check(document({"/tasks": get(OK)}), there, traffic=[har(check.folder, asked)])) == []
    tracing = document({"/tasks": {"get": {"responses": OK}, "trace": {"responses": {"200": {"description": "."}}}}})
    echo = gives(lambda: PlainTextResponse("TRACE", 202))
    twin = Starlette(routes=[Route("/tasks", FINE), Route("/tasks", echo, methods=["TRACE"])])
    assert told(check(tracing, twin)) == [("undeclared-status", "TRACE /tasks", "202")]


# --- the router's own answers ---


def page(status: int) -> Callable[[Request, Exception], Response]:
    """An error page that differs with each request."""

    def handler(request: Request, _: Exception) -> Response:
        now = time.time_ns()
        return HTMLResponse(f"<h1>{status}</h1><p>No {request.url.path} here. Request {now:x}, at {now}.</p>", status)

    return handler


def problem(request: Request, error: Exception) -> Response:
    """A problem document (RFC 9457) that differs with each request."""
    assert isinstance(error, HTTPException)
    told = {"type": "about:blank", "title": error.detail, "instance": request.url.path, "at": time.time_ns()}
    return JSONResponse({**told, "trace": {"id": f"{time.time_ns():x}"}}, error.status_code)


def named(request: Request, error: Exception) -> Response:
    """As Laravel says it: without the first slash."""
    assert isinstance(error, HTTPException)
    text = error.detail if error.detail.startswith("no task") else f"The route {request.url.path[1:]} was not found."
    return JSONResponse({"message": text}, error.status_code)


async def find(request: Request) -> Response:
    raise HTTPException(404, "no task of that id, I fear")


TASK = document({"/tasks/{id}": get(OK, parameters=[ID])})


@pytest.mark.parametrize("said", [page(404), problem, named], ids=["page", "problem", "named"])
def test_the_router_s_404_is_no_operation_s(said: Any, check: Job) -> None:
    """A converter keeps texts from the handler that the document allows: the router says 404, in words of its own."""
    typed = Starlette(routes=[Route("/tasks/{id:uuid}", FINE)], exception_handlers={404: said})
    assert told(check(TASK, typed)) == []


@pytest.mark.parametrize("said", [problem, named], ids=["problem", "named"])
def test_the_handler_s_404_is_the_operation_s(said: Any, check: Job) -> None:
    own = Starlette(routes=[Route("/tasks/{id}", find)], exception_handlers={404: said})
    assert told(check(TASK, own)) == [("undeclared-status", "GET /tasks/{id}", "404")]


@pytest.mark.parametrize("odd", ["a\\b", "a?b", "a#b", "a\tb", "a\r\nb", "ż\\", "<&'\">"])
@pytest.mark.parametrize("said", [page(404), problem, named], ids=["page", "problem", "named"])
def test_the_router_may_spell_the_path_in_its_own_way(said: Any, odd: str, check: Job) -> None:
    """Starlette decodes a path and encodes some letters of it again: `%C5%BC%5C` is told as `ż%5C`."""
    declared = document({"/tasks/{id}": get(OK, parameters=[{**ID, "example": odd}])})
    asked: list[str] = []

    def told_of(request: Request, error: Exception) -> Response:
        asked.append(request.path_params.get("id") or request.scope["path"])
        answer: Response = said(request, error)
        return answer

    typed = Starlette(routes=[Route("/tasks/{id:uuid}", FINE)], exception_handlers={404: told_of})
    assert told(check(declared, typed, fuzz=False, walk=True)) == []
    assert f"/tasks/{odd}" in asked


ERROR = {"type": "object", "required": ["code"], "properties": {"code": {"type": "string"}}}


def test_the_router_s_404_keeps_no_default_response(check: Job) -> None:
    declared = document({"/tasks/{id}": get({**OK, "default": answers(ERROR)}, parameters=[ID])})
    typed = Starlette(routes=[Route("/tasks/{id:uuid}", FINE)], exception_handlers={404: problem})
    assert told(check(declared, typed)) == []
    own = Starlette(routes=[Route("/tasks/{id}", gives(lambda: JSONResponse({"no": "task"}, 404)))])
    assert told(check(declared, own)) == [
        ("response-schema", "GET /tasks/{id}", "default"),
        ("undeclared-property", "GET /tasks/{id}", "default"),
    ]


def test_a_declared_404_is_a_promise_whoever_answers(check: Job) -> None:
    declared = document({"/tasks/{id}": get({**OK, "404": answers(ERROR)}, parameters=[ID])})
    typed = Starlette(routes=[Route("/tasks/{id:uuid}", FINE)], exception_handlers={404: problem})
    assert ("response-schema", "GET /tasks/{id}", "404") in told(check(declared, typed))


KNOWN = "0b9f3a6e-3c55-4a0e-9d5f-0d9a54b8c3a1"


def test_the_router_s_405_is_no_operation_s(check: Job) -> None:
    """PUT takes only UUIDs, and GET takes any id: for another id the router knows the path, and not the method."""
    either = [{**ID, "example": KNOWN}]
    routes = [Route("/tasks", FINE), Route("/tasks/{id:uuid}", FINE, methods=["PUT"]), Route("/tasks/{id}", FINE)]
    there = Starlette(routes=routes, exception_handlers={405: problem})
    for responses in (OK, {**OK, "default": answers(ERROR)}):
        both = {
            "get": {"responses": OK, "parameters": either},
            "put": {"responses": responses, "parameters": either},
        }
        report = check(document({"/tasks": get(OK), "/tasks/{id}": both}), there)
        assert told(report) == []
        (put,) = (row for row in report.operations if row.method == "PUT")
        assert {"200", "405"} <= set(put.exercised.statuses), "the router did refuse some"


def test_the_handler_s_405_is_the_operation_s(check: Job) -> None:
    asked = 0

    def sometimes() -> Response:
        nonlocal asked
        asked += 1
        return JSONResponse({}) if asked % 3 else JSONResponse({"error": "the list is locked"}, 405)

    declared = document({"/tasks": {"get": {"responses": OK}, "put": {"responses": OK}}})
    own = Starlette(routes=[Route("/tasks", FINE), Route("/tasks", gives(sometimes), methods=["PUT"])])
    assert told(check(declared, own)) == [("undeclared-status", "PUT /tasks", "405")]


# --- what stands in front of all operations ---


def test_a_rate_limiter_s_429_is_no_operation_s(check: Job) -> None:
    asked = 0

    def limited() -> Response:
        nonlocal asked
        asked += 1
        return JSONResponse({"code": "x"}) if asked % 3 else PlainTextResponse("slow down", 429)

    there = Starlette(routes=[Route("/a", gives(limited)), Route("/b", gives(limited))])
    plain = document({"/a": get(OK), "/b": get({**OK, "default": answers(ERROR), "4XX": answers(ERROR)})})
    assert told(check(plain, there)) == []
    declared = document({"/a": get({**OK, "429": answers(ERROR)}), "/b": get(OK)})
    assert told(check(declared, there)) == [("undeclared-media-type", "GET /a", "429")]


@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_in_front_of_everything_is_told_once(status: int, check: Job) -> None:
    names = ("/a", "/b", "/c", "/d")
    declared = document({name: get(OK) for name in names})
    closed = Starlette(routes=[Route(name, gives(lambda: JSONResponse({"error": "no"}, status))) for name in names])
    report = check(declared, closed)
    assert told(report) == [("undeclared-status", "4 operations", str(status))]
    (row,) = (row for row in report.findings if row.rule == "undeclared-status")
    assert [member.path for member in row.operations] == list(names)
    one = Starlette(
        routes=[
            Route(name, gives(lambda: JSONResponse({"error": "no"}, status)) if name == "/c" else FINE)
            for name in names
        ]
    )
    assert told(check(declared, one)) == [("undeclared-status", "GET /c", str(status))]


KEYED: dict[str, Any] = {
    "components": {"securitySchemes": {"key": {"type": "http", "scheme": "bearer"}}},
    "security": [{"key": []}],
}


def guarded(request: Request) -> Response:
    return JSONResponse({}) if request.headers.get("authorization") == "Bearer let-me-in" else JSONResponse({}, 401)


def test_a_server_that_was_started_without_authentication_is_one_note(check: Job) -> None:
    refusing = {**OK, "401": answers()}
    declared = document({name: get(refusing) for name in ("/a", "/b", "/c")}, **KEYED)
    token = ["Authorization: Bearer let-me-in"]
    off = Starlette(routes=[Route(name, FINE) for name in ("/a", "/b", "/c")])
    report = check(declared, off, headers=token)
    assert told(report) == [("auth-not-enforced", "3 operations", None)]
    (row,) = (row for row in report.findings if row.rule == "auth-not-enforced")
    assert (row.level, [member.path for member in row.operations]) == ("note", ["/a", "/b", "/c"])
    assert report.outcome.exit_code == 0
    forgotten = Starlette(routes=[Route("/a", guarded), Route("/b", FINE), Route("/c", guarded)])
    report = check(declared, forgotten, headers=token)
    assert told(report) == [("auth-not-enforced", "GET /b", None)]
    assert (report.outcome.exit_code, [row.level for row in report.findings if row.rule not in ADVICE]) == (
        1,
        ["error"],
    )


# --- the document itself ---


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "objekt", "properties": {"id": {"type": "integer"}}},
        {"type": "object", "properties": {"id": {"type": "integer", "minimum": "one"}}},
        {"type": "object", "required": "id", "properties": {"id": {"type": "integer"}}},
        {"type": "object", "properties": {"id": {"type": "string", "pattern": "("}}},
    ],
    ids=["type", "minimum", "required", "pattern"],
)
def test_a_malformed_schema_is_told_once_and_of_the_document(schema: dict[str, Any], check: Job) -> None:
    referred = get({"200": answers({"$ref": "#/components/schemas/Task"})})
    declared = document(
        {"/a": referred, "/b": referred, "/c": get({"200": answers({"type": "array"})})},
        components={"schemas": {"Task": schema}},
    )
    one = gives(lambda: JSONResponse({"id": "x"}))
    there = Starlette(routes=[Route("/a", one), Route("/b", one), Route("/c", gives(lambda: JSONResponse([])))])
    report = check(declared, there)
    assert [row.rule for row in report.findings if row.rule not in ADVICE] == ["invalid-document"]
    assert report.run.notes == ()
    twin = Starlette(routes=[Route("/a", one), Route("/b", one), Route("/c", FINE)])
    assert told(check(declared, twin))[1:] == [("response-schema", "GET /c", "200")]


# --- and what is drift all the same ---


@contextmanager
def hanging_up() -> Iterator[str]:
    """A server that reads a request and closes the connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    if b"/tasks" in connection.recv(65536):
                        continue
                    connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_a_501_is_drift(check: Job) -> None:
    there = Starlette(routes=[Route("/tasks", gives(lambda: JSONResponse({}, 501)))])
    assert drifting(check(document({"/tasks": get(OK)}), there)) == {("GET", "/tasks")}


def test_a_connection_that_is_closed_is_drift(check: Job) -> None:
    with hanging_up() as origin:
        report = check(document({"/tasks": get(OK)}), None, target=origin)
    assert drifting(report) == {("GET", "/tasks")}


def _fails(request: Request) -> Response:
    raise KeyError("owner")


def _fails_by_wsgi(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    if environ["PATH_INFO"] == "/tasks":
        raise KeyError("owner")
    start_response("404 Not Found", [("Content-Type", "text/plain")])
    return [b"Not Found"]


@pytest.mark.parametrize("kind", ["asgi", "wsgi"])
def test_an_exception_in_this_process_is_drift(kind: str, check: Job) -> None:
    app = Starlette(routes=[Route("/tasks", _fails)]) if kind == "asgi" else _fails_by_wsgi
    report = check(document({"/tasks": get(OK)}), app, kind=kind)
    assert told(report) == [("server-error", "GET /tasks", "500")]
    (row,) = (row for row in report.findings if row.rule == "server-error")
    assert row.observed is not None and row.observed.startswith("500: KeyError: 'owner' (")


# --- one cause, one finding ---


class Conflict(Exception): ...


def _conflicts(request: Request) -> Response:
    raise Conflict


def _handled(request: Request, _: Exception) -> Response:
    return JSONResponse({"error": {"code": 7, "path": request.url.path}, "token": f"{time.time_ns():x}"}, 409)


def rows(report: Report) -> list[tuple[str, int]]:
    """Each finding's rule, and how many operations it lists."""
    return sorted((row.rule, len(row.operations) or 1) for row in report.findings if row.rule not in ADVICE)


def test_one_exception_handler_is_one_finding(check: Job) -> None:
    names = [f"/a{number}" for number in range(30)]
    declared = document({name: get(OK) for name in names})
    routes = [Route(name, _conflicts) for name in names]
    report = check(declared, Starlette(routes=routes, exception_handlers={Conflict: _handled}), max_examples="1")
    assert rows(report) == [("undeclared-status", 30)]
    other = gives(lambda: JSONResponse({"message": "of its own"}, 409))
    routes = [Route("/a0", other), *(Route(name, _conflicts) for name in names[1:])]
    report = check(declared, Starlette(routes=routes, exception_handlers={Conflict: _handled}), max_examples="1")
    assert rows(report) == [("undeclared-status", 1), ("undeclared-status", 29)]


def test_one_wrong_media_type_everywhere_is_one_finding(check: Job) -> None:
    names = [f"/a{number}" for number in range(12)]
    declared = document({name: get(OK if number % 2 else {"201": answers()}) for number, name in enumerate(names)})
    routes = [
        Route(name, gives(lambda status=200 + (number + 1) % 2: PlainTextResponse("ok", status)))  # type: ignore[misc]
        for number, name in enumerate(names)
    ]
    report = check(declared, Starlette(routes=routes), max_examples="1")
    assert rows(report) == [("undeclared-media-type", 12)]


def test_one_component_that_is_violated_is_one_finding(check: Job) -> None:
    task = {
        "type": "object",
        "required": ["id"],
        "properties": {"id": {"type": "integer"}, "due_at": {"type": "string"}},
    }
    one = answers({"$ref": "#/components/schemas/Task"})
    many = answers({"type": "array", "items": {"$ref": "#/components/schemas/Task"}})
    names = [f"/a{number}" for number in range(10)]
    declared = document(
        {name: get({"200": one if number % 2 else many}) for number, name in enumerate(names)},
        components={"schemas": {"Task": task}},
    )

    def app(fault: dict[str, Any], also: dict[str, Any]) -> Starlette:
        value = {"id": 1, **fault}
        made = [value if number % 2 else [value] for number in range(10)]
        made[3] = {**value, **also}
        return Starlette(
            routes=[
                Route(name, gives(lambda item=item: JSONResponse(item)))  # type: ignore[misc]
                for name, item in zip(names, made, strict=True)
            ]
        )

    assert rows(check(declared, app({"due_at": None}, {}), max_examples="1")) == [("response-schema", 10)]
    assert rows(check(declared, app({"more": 1}, {}), max_examples="1")) == [("undeclared-property", 10)]
    both = check(declared, app({"due_at": None}, {"id": "x"}), max_examples="1")
    assert rows(both) == [("response-schema", 1), ("response-schema", 10)]


def test_one_line_of_code_that_fails_is_one_finding(check: Job) -> None:
    declared = document({name: get(OK) for name in ("/a", "/b")})
    report = check(declared, Starlette(routes=[Route("/a", _fails), Route("/b", _fails)]), max_examples="1")
    assert rows(report) == [("server-error", 2)]


# --- a map that is described by a sample of its keys ---

ALARM = {"type": "object", "properties": {"value": {"type": "number"}}}


@pytest.mark.parametrize(
    ("schema", "proof"),
    [
        ({"type": "object", "properties": {"chart.alarm": ALARM}}, "disputed"),
        ({"type": "object", "additionalProperties": ALARM}, "confirmed"),
    ],
    ids=["a sample", "a map"],
)
def test_a_key_that_stands_for_any_says_what_is_under_each_and_that_this_is_a_reading(
    schema: dict[str, Any], proof: str, check: Job
) -> None:
    """`chart.alarm` is a sample, as people write it: openapi-core, which reads it as a name, does not agree."""
    app = Starlette(routes=[Route("/alarms", gives(lambda: JSONResponse({"cpu.load": {"value": 1, "class": "x"}})))])
    report = check(document({"/alarms": get({"200": answers(schema)})}), app, fuzz=False, walk=True)
    found = [(row.rule, row.level, row.proof, row.where.pointer) for row in report.findings if row.rule not in ADVICE]
    assert found == [("undeclared-property", "warning", proof, "/cpu.load/class")]


# --- what answers after its deletion, and was never there ---

METHODS = ("GET", "PUT", "POST", "PATCH", "DELETE")


def spoken(*methods: str, name: str = "id", schema: Any = None, status: str = "200") -> dict[str, Any]:
    """A path item with these methods and one path parameter, each of which may answer a success or a refusal."""
    parameter = {"name": name, "in": "path", "required": True, "schema": schema or {}}
    said = {each: {"description": "."} for each in (status, "2XX", "3XX", "4XX", "5XX")}
    return {method.lower(): {"responses": said, "parameters": [parameter]} for method in methods}


async def status_of_choice(request: Request) -> Response:
    """As httpbin's `/status/{codes}`: it answers with the number that it is asked for."""
    codes = request.path_params["codes"]
    return Response(status_code=int(codes) if codes.isdigit() and 200 <= int(codes) < 600 else 400)


async def repeated(request: Request) -> Response:
    return JSONResponse({"method": request.method, "path": request.url.path})


class Waiting:
    """As httpbin's `/delay/{delay}`: `waits` is what it was asked to wait for."""

    def __init__(self) -> None:
        self.waits: list[str] = []

    async def __call__(self, request: Request) -> Response:
        self.waits.append(request.path_params["delay"])
        return JSONResponse({"delay": self.waits[-1]})


ECHOES = {
    "/status/{codes}": spoken(*METHODS, name="codes"),
    "/anything/{anything}": spoken(*METHODS, name="anything", schema={"type": "string"}),
    "/delay/{delay}": spoken(*METHODS, name="delay", schema={"type": "integer"}),
}


@pytest.mark.parametrize(
    ("fuzz", "ids"), [(False, []), (False, ["codes=200,201", "anything=a,17", "delay=1,2"]), (True, [])]
)
def test_an_echo_holds_nothing_that_could_be_deleted(fuzz: bool, ids: list[str], check: Job) -> None:
    waiting = Waiting()
    routes = [
        Route("/status/{codes}", status_of_choice, methods=METHODS),
        Route("/anything/{anything}", repeated, methods=METHODS),
        Route("/delay/{delay}", waiting.__call__, methods=METHODS),
    ]
    with serving(Starlette(routes=routes)) as origin:
        report = check(document(ECHOES), None, target=origin, fuzz=fuzz, walk=True, ids=ids, max_examples="1")
    assert [row for row in report.findings if row.rule in ("use-after-delete", "no-answer")] == []
    if not fuzz:
        assert all(int(each) < 60 for each in waiting.waits if each.isdigit())


class Notes:
    """Notes that can be made, read, changed and deleted; those in `lies` are still there for these methods."""

    def __init__(self, *lies: str, echo: bool = False, tenant: str = "") -> None:
        self.there: set[str] = set()
        self.gone: set[str] = set()
        self.lies, self.echo, self.tenant = lies, echo, tenant

    async def make(self, request: Request) -> Response:
        name = str(41 + len(self.there) + len(self.gone))
        self.there.add(name)
        return JSONResponse({"id": int(name)}, 201)

    async def one(self, request: Request) -> Response:
        name = request.path_params["id"]
        if self.tenant and request.query_params.get("tenant") != self.tenant:
            return JSONResponse({"error": "which tenant?"}, 400)
        known = name in self.there or self.echo or (request.method in self.lies and name in self.gone)
        if not known:
            return JSONResponse({"error": "no such note"}, 404)
        if request.method != "DELETE":
            return JSONResponse({"id": int(name) if name.isdigit() else 0})
        self.there.discard(name)
        self.gone.add(name)
        return Response(status_code=204)

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/notes", self.make, methods=["POST"]),
                Route("/notes/{id}", self.one, methods=["GET", "PATCH", "DELETE"]),
            ]
        )


NOTE = answers({"type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}}})
NOTES = {
    "/notes": {"post": {"responses": {"201": NOTE, "4XX": {"description": "."}}}},
    "/notes/{id}": spoken("GET", "PATCH", "DELETE", schema={"type": "integer", "minimum": 1, "maximum": 999_999}),
}


def uses(report: Report) -> list[str]:
    """The operations that are said to find what was deleted."""
    rows = [row for row in report.findings if row.rule == "use-after-delete"]
    return [f"{each.method} {each.path}" for row in rows for each in (row.operations or [row.operation]) if each]


@pytest.mark.parametrize("walk", [True, False])
def test_what_takes_any_id_alike_is_not_used_after_its_deletion(walk: bool, check: Job) -> None:
    with serving(Notes(echo=True).app()) as origin:
        assert uses(check(document(NOTES), None, target=origin, walk=walk, fuzz=True, max_examples="20")) == []


@pytest.mark.parametrize("lies", [("GET",), ("PATCH",)])
def test_what_is_still_there_for_one_method_is_told_by_the_fuzzer(lies: tuple[str, ...], check: Job) -> None:
    with serving(Notes(*lies).app()) as origin:
        report = check(document(NOTES), None, target=origin, walk=False, fuzz=True, max_examples="20")
    assert uses(report) == [f"{lies[0]} /notes/{{id}}"]


def test_what_is_still_there_is_told_by_the_walk(check: Job) -> None:
    with serving(Notes("GET").app()) as origin:
        assert uses(check(document(NOTES), None, target=origin, walk=True, fuzz=False)) == ["GET /notes/{id}"]
