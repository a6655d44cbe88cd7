"""The generated Python client on the wire: what it sends, what it reads, what it refuses, and when it tries again."""

from __future__ import annotations

import asyncio
import importlib
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import UUID

import pytest

pytest.importorskip("datamodel_code_generator", reason="the extra `types` is not installed")

from contract.core.openapi import Contract
from contract.generators import python
from contract.generators._python import runtime
from contract.generators._python.runtime import Parameter, write
from contract.sources.documents import file
from contract.sources.traffic import ndjson

ID = UUID("0f0d0000-0000-4000-8000-000000000001")


def _json(schema: Any) -> dict[str, Any]:
    return {"description": "", "content": {"application/json": {"schema": schema}}}


TASK = {"$ref": "#/components/schemas/Task"}
PROBLEM = {
    "description": "",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
DOCUMENT: dict[str, Any] = {
    "openapi": "3.2.0",
    "info": {"title": "t", "version": "1"},
    "security": [{"bearer": []}],
    "paths": {
        "/tasks/{id}": {
            "get": {
                "operationId": "getTask",
                "summary": "One task.",
                "tags": ["Tasks"],
                "parameters": [
                    {"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}},
                    {"name": "X-Tenant-Id", "in": "header", "required": True, "schema": {"type": "string", "format": "uuid"}},
                    {"name": "X-Day", "in": "header", "schema": {"type": "string", "format": "date"}},
                    {"name": "X-Count", "in": "header", "schema": {"type": "integer"}},
                    {"name": "since", "in": "query", "schema": {"type": "string", "format": "date-time"}},
                    {"name": "theme", "in": "cookie", "schema": {"type": "string"}},
                ],
                "responses": {"200": _json(TASK), "404": PROBLEM, "5XX": PROBLEM},
            },
            "put": {
                "operationId": "putTask",
                "tags": ["Tasks"],
                "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}}],
                "requestBody": {"required": True, "content": {"application/json": {"schema": TASK}}},
                "responses": {"200": _json(TASK), "204": {"description": ""}},
            },
        },
        "/tasks": {
            "get": {
                "operationId": "listTasks",
                "tags": ["Tasks"],
                "parameters": [
                    {"name": "page", "in": "query", "schema": {"type": "integer"}},
                    {"name": "filter", "in": "query", "style": "deepObject", "explode": True, "schema": {"type": "object", "properties": {"state": {"type": "string"}, "user": {"type": "object", "properties": {"id": {"type": "integer"}}}}}},
                ],
                "responses": {"200": {**_json({"type": "array", "items": TASK}), "headers": {"Link": {"schema": {"type": "string"}}}}},
            },
            "post": {
                "operationId": "createTask",
                "tags": ["Tasks"],
                "requestBody": {"content": {"application/json": {"schema": TASK}}},
                "responses": {"201": _json(TASK)},
            },
        },
        "/cursor": {
            "get": {
                "operationId": "listByCursor",
                "tags": ["Tasks"],
                "parameters": [{"name": "cursor", "in": "query", "schema": {"type": "string"}}],
                "responses": {
                    "200": {
                        **_json({"type": "object", "required": ["items"], "properties": {"items": {"type": "array", "items": TASK}, "next": {"type": "string"}}}),
                        "links": {"next": {"operationId": "listByCursor", "parameters": {"cursor": "$response.body#/next"}}},
                    }
                },
            }
        },
        "/form": {
            "post": {
                "operationId": "sendForm",
                "tags": ["Files"],
                "requestBody": {"required": True, "content": {"application/x-www-form-urlencoded": {"schema": {"type": "object", "required": ["a"], "properties": {"a": {"type": "string"}, "tags": {"type": "array", "items": {"type": "string"}}, "on": {"type": "boolean"}}}, "encoding": {"tags": {"style": "form", "explode": False}}}}},
                "responses": {"204": {"description": ""}},
            }
        },
        "/upload": {
            "post": {
                "operationId": "upload",
                "tags": ["Files"],
                "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": {"type": "object", "required": ["file"], "properties": {"file": {"type": "string", "format": "binary"}, "about": TASK, "label": {"type": "string"}}}}}},
                "responses": {"204": {"description": ""}},
            }
        },
        "/blob": {
            "put": {
                "operationId": "putBlob",
                "tags": ["Files"],
                "requestBody": {"required": True, "content": {"application/octet-stream": {}, "text/plain": {"schema": {"type": "string"}}}},
                "responses": {"200": {"description": "", "content": {"application/octet-stream": {}}}},
            }
        },
        "/events": {
            "get": {
                "operationId": "watch",
                "tags": ["Files"],
                "responses": {
                    "200": {"description": "", "content": {"application/jsonl": {"itemSchema": TASK}}},
                    "404": PROBLEM,
                },
            }
        },
        "/keys": {
            "get": {
                "operationId": "keys",
                "tags": ["Files"],
                "security": [{"header": [], "query": []}, {"basic": []}, {"cookie": []}, {}],
                "responses": {"204": {"description": ""}},
            }
        },
    },
    "components": {
        "securitySchemes": {
            "bearer": {"type": "http", "scheme": "bearer"},
            "basic": {"type": "http", "scheme": "basic"},
            "header": {"type": "apiKey", "in": "header", "name": "X-Key"},
            "query": {"type": "apiKey", "in": "query", "name": "key"},
            "cookie": {"type": "apiKey", "in": "cookie", "name": "session"},
        },
        "schemas": {
            "Task": {
                "type": "object",
                "required": ["id", "class"],
                "properties": {
                    "id": {"type": "integer", "readOnly": True},
                    "class": {"type": "string"},
                    "due": {"type": ["string", "null"], "format": "date-time"},
                    "lines": {"type": "array", "items": {"type": "object", "properties": {"n": {"type": "integer"}}}},
                },
            },
            "Problem": {"type": "object", "required": ["title"], "properties": {"title": {"type": "string"}}},
        },
    },
}  # fmt: skip


@dataclass
class Server:
    """A real server: keeps what arrives, and answers what it is told, in turn."""

    url: str = ""
    seen: list[Any] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str], bytes]] = field(default_factory=list)

    def will(self, status: int, body: Any = None, media: str = "application/json", **headers: str) -> None:
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        if body is None:
            self.answers.append((status, told, b""))
        else:
            octets = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.answers.append((status, {"Content-Type": media, **told}, octets))


@dataclass
class Seen:
    method: str
    url: str
    headers: dict[str, str]
    body: bytes


@pytest.fixture
def server() -> Iterator[Server]:
    told = Server()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            if "chunked" in self.headers.get("Transfer-Encoding", ""):
                body = b""
                while size := int(self.rfile.readline(), 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
            else:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            told.seen.append(Seen(self.command, self.path, headers, body))
            status, more, octets = told.answers.pop(0)
            self.send_response(status)
            for name, value in more.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(octets)))
            self.end_headers()
            self.wfile.write(octets)

        do_GET = do_PUT = do_POST = answer

        def log_message(self, format: str, *args: Any) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        httpd.daemon_threads = True
        thread = Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        told.url = f"http://127.0.0.1:{httpd.server_port}"
        yield told
        httpd.shutdown()
        thread.join()


@dataclass
class Package:
    root: Any
    models: Any
    tasks: Any
    files: Any
    notes: tuple[str, ...]


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Package]:
    folder = tmp_path_factory.mktemp("client")
    (folder / "api.json").write_text(json.dumps(DOCUMENT))
    contract = Contract(file.load(folder / "api.json"))
    made = python.generate(contract.document, contract.operations, folder / "wire_client", prove=False)
    sys.path.insert(0, str(folder))
    try:
        root, *parts = (
            importlib.import_module(f"wire_client{name}") for name in ("", ".models", ".api.tasks", ".api.files")
        )
        yield Package(root, *parts, made.notes)
    finally:
        sys.path.remove(str(folder))


def client(package: Package, server: Server, **more: Any) -> Any:
    return package.root.Client(server.url, **{"auth": {"bearer": "t0"}, **more})


# --- what is sent -----------------------------------------------------------------------------------------------------

SCALAR, ARRAY, OBJECT = "blue", ["blue", "black"], {"R": 100, "G": 200}


@pytest.mark.parametrize(
    ("place", "style", "explode", "value", "texts"),
    [
        # The table of OpenAPI 3.1, 4.8.12.3, row by row.
        ("path", "matrix", False, SCALAR, [";color=blue"]),
        ("path", "matrix", False, ARRAY, [";color=blue,black"]),
        ("path", "matrix", False, OBJECT, [";color=R,100,G,200"]),
        ("path", "matrix", True, ARRAY, [";color=blue;color=black"]),
        ("path", "matrix", True, OBJECT, [";R=100;G=200"]),
        ("path", "label", False, SCALAR, [".blue"]),
        ("path", "label", False, ARRAY, [".blue,black"]),
        ("path", "label", False, OBJECT, [".R,100,G,200"]),
        ("path", "label", True, ARRAY, [".blue.black"]),
        ("path", "label", True, OBJECT, [".R=100.G=200"]),
        ("path", "simple", False, SCALAR, ["blue"]),
        ("path", "simple", False, ARRAY, ["blue,black"]),
        ("path", "simple", False, OBJECT, ["R,100,G,200"]),
        ("path", "simple", True, OBJECT, ["R=100,G=200"]),
        ("header", "simple", False, ARRAY, ["blue,black"]),
        ("header", "simple", True, OBJECT, ["R=100,G=200"]),
        ("query", "form", False, SCALAR, ["color=blue"]),
        ("query", "form", False, ARRAY, ["color=blue,black"]),
        ("query", "form", False, OBJECT, ["color=R,100,G,200"]),
        ("query", "form", True, ARRAY, ["color=blue", "color=black"]),
        ("query", "form", True, OBJECT, ["R=100", "G=200"]),
        ("cookie", "form", True, SCALAR, ["color=blue"]),
        ("cookie", "form", False, ARRAY, ["color=blue,black"]),
        ("query", "spaceDelimited", False, ARRAY, ["color=blue%20black"]),
        ("query", "spaceDelimited", False, OBJECT, ["color=R%20100%20G%20200"]),
        ("query", "pipeDelimited", False, ARRAY, ["color=blue%7Cblack"]),
        ("query", "pipeDelimited", False, OBJECT, ["color=R%7C100%7CG%7C200"]),
        ("query", "deepObject", True, OBJECT, ["color[R]=100", "color[G]=200"]),
        ("query", "deepObject", True, {"a": {"b": [1, 2]}}, ["color[a][b]=1", "color[a][b]=2"]),
        # An encoded delimiter belongs to a value.
        ("query", "form", False, ["a,b", "c&d"], ["color=a%2Cb,c%26d"]),
        ("path", "simple", False, "a/b ü", ["a%2Fb%20%C3%BC"]),
        ("query", "form", True, True, ["color=true"]),
        ("query", "form", True, 1.0, ["color=1"]),
        ("query", "form", True, None, ["color="]),
        ("query", "form", True, ID, [f"color={ID}"]),
        ("query", "form", True, datetime(2026, 1, 2, tzinfo=UTC), ["color=2026-01-02T00%3A00%3A00%2B00%3A00"]),
    ],
)  # fmt: skip
def test_every_style_is_written_as_the_standard_writes_it(
    place: str, style: str, explode: bool, value: Any, texts: list[str]
) -> None:
    assert write(Parameter("color", place, style, explode), value) == texts


def test_a_parameter_with_content_and_reserved_characters() -> None:
    assert write(Parameter("q", "query", "form", True, "application/json"), {"a": ["ü"]}) == [
        "q=%7B%22a%22%3A%5B%22%C3%BC%22%5D%7D"
    ]
    assert write(Parameter("q", "query", "form", True, reserved=True), "a/b?c&d#e") == ["q=a/b?c%26d%23e"]
    assert write(Parameter("q", "querystring", "form", True, "application/x-www-form-urlencoded"), {"a": [1, 2]}) == [
        "a=1",
        "a=2",
    ]


def test_uuid_date_and_integer_headers_cookies_and_credentials(package: Package, server: Server) -> None:
    server.will(200, {"id": 7, "class": "a"})
    call = package.tasks.get_task(
        id=7,
        x_tenant_id=ID,
        x_day=date(2026, 1, 2),
        x_count=3,
        since=datetime(2026, 1, 2, 3, tzinfo=UTC),
        theme="dark",
    )
    with client(package, server, request_id=lambda: "r-1", headers={"User-Agent": "mine/1"}) as api:
        task = api.send(call)
    (seen,) = server.seen
    assert (seen.method, seen.url) == ("GET", "/tasks/7?since=2026-01-02T03%3A00%3A00%2B00%3A00")
    wanted = {
        "x-tenant-id": str(ID),
        "x-day": "2026-01-02",
        "x-count": "3",
        "cookie": "theme=dark",
        "authorization": "Bearer t0",
        "x-request-id": "r-1",
        "user-agent": "mine/1",
        "accept": "application/json, application/problem+json",
    }
    assert {name: seen.headers.get(name) for name in wanted} == wanted
    assert (task.id, task.class_) == (7, "a")


def test_a_required_header_may_come_from_the_client(package: Package, server: Server) -> None:
    server.will(200, {"id": 7, "class": "a"})
    call = package.tasks.get_task(id=7, x_tenant_id=package.root.FROM_CLIENT)
    client(package, server, tenant=lambda: "acme").send(call)
    assert server.seen[0].headers["x-tenant-id"] == "acme"
    with pytest.raises(package.root.RequestError, match="the client has no header X-Tenant-Id"):
        client(package, server).send(call)


def test_nothing_that_is_left_out_is_sent_and_a_request_has_a_class_of_its_own(
    package: Package, server: Server
) -> None:
    server.will(201, {"id": 1, "class": "a", "colour": "blue"})
    # `id` is readOnly: a request need not have it; `class` is a keyword, and may be given by its name in Python.
    task = client(package, server).send(package.tasks.create_task(body=package.models.TaskRequest(class_="a")))
    assert json.loads(server.seen[0].body) == {"class": "a"}
    server.will(200, {"id": 1, "class": "a"})
    client(package, server).send(
        package.tasks.put_task(id=1, body=package.models.TaskRequest(**task.model_dump(by_alias=True)))
    )
    # What the document does not declare is kept: what was read can be sent back whole.
    assert json.loads(server.seen[1].body) == {"id": 1, "class": "a", "colour": "blue"}
    server.will(201, {"id": 1, "class": "a"})
    client(package, server).send(package.tasks.create_task())
    assert (server.seen[2].body, server.seen[2].headers.get("content-type")) == (b"", None)


def test_a_body_that_is_written_already_arrives_byte_for_byte(package: Package, server: Server) -> None:
    server.will(201, {"id": 1, "class": "a"})
    client(package, server).send(package.tasks.create_task(body=package.root.Raw(b'{ "class":"a" }\n')))
    assert (server.seen[0].body, server.seen[0].headers["content-type"]) == (b'{ "class":"a" }\n', "application/json")


def test_forms_and_multipart(package: Package, server: Server) -> None:
    for _ in range(3):
        server.will(204)
    api, models, root = client(package, server), package.models, package.root
    api.send(package.files.send_form(body=models.SendFormBody(a="x y&z", tags=["a", "b"], on=True)))
    assert server.seen[0].body == b"a=x%20y%26z&tags=a,b&on=true"
    assert server.seen[0].headers["content-type"] == "application/x-www-form-urlencoded"
    about = models.TaskRequest(class_="a")
    api.send(package.files.upload(body=models.UploadBody(file=b"\x00\xff", about=about, label='say "hi"')))
    kind, boundary = server.seen[1].headers["content-type"].split("; boundary=")
    parts = server.seen[1].body.split(f"--{boundary}".encode())
    assert (kind, parts[0], parts[-1]) == ("multipart/form-data", b"", b"--\r\n")
    assert parts[1:-1] == [
        b'\r\nContent-Disposition: form-data; name="file"; filename="file"\r\nContent-Type: application/octet-stream\r\n\r\n\x00\xff\r\n',
        b'\r\nContent-Disposition: form-data; name="about"\r\nContent-Type: application/json\r\n\r\n{"class": "a"}\r\n',
        b'\r\nContent-Disposition: form-data; name="label"\r\n\r\nsay "hi"\r\n',
    ]
    api.send(package.files.upload(body={"file": root.File(b"a", 'x"\r\n.png', "image/png")}))
    assert b'; filename="x%22%0D%0A.png"\r\nContent-Type: image/png\r\n' in server.seen[2].body


def test_binary_bodies_and_a_choice_of_media_types(package: Package, server: Server) -> None:
    for _ in range(3):
        server.will(200, b"\x00\x01", "application/octet-stream")
    api = client(package, server)
    assert api.send(package.files.put_blob(body=b"\xff")) == b"\x00\x01"
    api.send(package.files.put_blob(body="text", media_type="text/plain"))
    api.send(package.files.put_blob(body=iter([b"a", b"bc"])))
    assert [(seen.headers["content-type"], seen.body) for seen in server.seen] == [
        ("application/octet-stream", b"\xff"),
        ("text/plain", b"text"),
        ("application/octet-stream", b"abc"),
    ]


def test_credentials_are_those_of_the_first_alternative_that_is_given_whole(package: Package, server: Server) -> None:
    def sent(**auth: Any) -> tuple[str, str | None, str | None, str | None]:
        server.will(204)
        client(package, server, auth=auth).send(package.files.keys())
        seen = server.seen[-1]
        return seen.url, *(seen.headers.get(name) for name in ("x-key", "authorization", "cookie"))

    assert sent(header="h", query="q&", basic=("u", "p")) == ("/keys?key=q%26", "h", None, None)
    assert sent(header="h", basic=("u", "pä")) == ("/keys", None, "Basic dTpww6Q=", None)
    assert sent(cookie=lambda: "c") == ("/keys", None, None, "session=c")
    assert sent(bearer="b") == ("/keys", None, None, None)
    with pytest.raises(package.root.RequestError, match="no security scheme nope"):
        client(package, server, auth={"nope": "x"})


def test_a_value_cannot_break_out_of_its_place(package: Package, server: Server) -> None:
    root, api = package.root, client(package, server)
    with pytest.raises(root.RequestError, match="a header cannot hold a line break"):
        api.send(package.tasks.get_task(id=1, x_tenant_id="a\r\nX-Evil: 1"))
    with pytest.raises(root.RequestError, match="must not be empty or a dot segment"):
        api.send(package.tasks.get_task(id="..", x_tenant_id=ID))
    assert server.seen == []


# --- what is read -----------------------------------------------------------------------------------------------------


def test_errors_are_typed_and_answers_are_told_apart_by_status(package: Package, server: Server) -> None:
    root, api = package.root, client(package, server, retries=0)
    call = package.tasks.get_task(id=7, x_tenant_id=ID)
    server.will(404, {"title": "gone"}, "application/problem+json")
    with pytest.raises(root.NotFound) as caught:
        api.send(call)
    assert (caught.value.operation, caught.value.status, caught.value.body.title) == ("getTask", 404, "gone")
    assert isinstance(caught.value, root.ClientFault)
    server.will(503, {"title": "busy"}, "application/problem+json")
    with pytest.raises(root.ServerFault, match="getTask: 503"):
        api.send(call)
    server.will(404, {"title": "gone"}, "application/problem+json", X_Trace="t")
    answer = api.answer(call)
    assert (answer.status, answer.body.title, answer.headers["x-trace"]) == (404, "gone", "t")


@pytest.mark.parametrize(
    ("status", "body", "media", "pointer", "reason"),
    [
        (200, {"id": 7, "class": "a", "lines": [{"n": 1}, {"n": "2"}]}, "application/json", "/lines/1/n", "Input should be a valid integer"),
        (200, {"id": 7}, "application/json", "/class", "Field required"),
        (200, {"id": 7, "class": "a", "due": 1}, "application/json", "/due", "Input should be a valid datetime"),
        (200, b"{", "application/json", "", "Invalid JSON: EOF while parsing an object at line 1 column 1"),
        (200, b"<a/>", "text/html", "", "`text/html` is not among the declared media types"),
        (200, None, "", "", "a body is declared, and none came"),
    ],
)  # fmt: skip
def test_an_answer_that_does_not_fit_is_an_error_that_names_the_place(
    status: int, body: Any, media: str, pointer: str, reason: str, package: Package, server: Server, tmp_path: Path
) -> None:
    drifted: list[Any] = []
    server.will(status, body, media)
    api = client(package, server, on_drift=drifted.append)
    with pytest.raises(package.root.DecodeError) as caught:
        api.send(package.tasks.get_task(id=7, x_tenant_id=ID))
    assert (caught.value.pointer, caught.value.reason) == (pointer, reason)
    assert str(caught.value) == f"getTask: 200: {pointer or 'the body'}: {reason}"
    (exchange,) = drifted
    assert (exchange.operation, exchange.pointer, exchange.reason) == ("getTask", pointer, reason)
    # A client is a drift sensor: what it saw is read by `contract observe`, without credentials.
    (tmp_path / "drift.ndjson").write_text(exchange.to_json() + "\n")
    (read,) = ndjson.exchanges(str(tmp_path / "drift.ndjson"))
    assert read.request.url == "/tasks/7" and read.response.body == server_body(body)
    assert "authorization" not in {name.lower() for name, _ in read.request.headers}
    assert "t0" not in exchange.to_json()


def server_body(body: Any) -> bytes:
    return b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()


def test_an_undeclared_status_is_an_error_and_a_drift(package: Package, server: Server) -> None:
    drifted: list[Any] = []
    server.will(418, {"title": "tea"})
    with pytest.raises(package.root.UndeclaredStatus) as caught:
        client(package, server, on_drift=drifted.append).send(package.tasks.get_task(id=7, x_tenant_id=ID))
    assert (caught.value.status, caught.value.body, drifted[0].reason) == (418, None, "undeclared status")


def test_a_stream_is_read_item_by_item(package: Package, server: Server) -> None:
    lines = b'{"id":1,"class":"a"}\n\n{"id":2,"class":"b"}\n{"id":"3","class":"c"}\n'
    server.will(200, lines, "application/jsonl")
    got = []
    with (
        client(package, server) as api,
        api.stream(package.files.watch()) as stream,
        pytest.raises(package.root.DecodeError, match="/2/id"),
    ):
        for item in stream.items():
            got.append(item.id)
    assert got == [1, 2]
    server.will(200, lines, "application/jsonl")
    with client(package, server) as api, api.stream(package.files.watch()) as stream:
        assert b"".join(stream.chunks()) == lines
    server.will(404, {"title": "gone"}, "application/problem+json")
    with client(package, server) as api, pytest.raises(package.root.NotFound), api.stream(package.files.watch()):
        pass


def test_server_sent_events() -> None:
    lines = ["data: a", "data: b", "id: 7", ": comment", "", "event: tick", "retry: 10", "data:c", "", "data: cut"]
    assert list(runtime._events(lines)) == [
        runtime.Event("a\nb", "message", "7", None),
        runtime.Event("c", "tick", "7", 10),
    ]


# --- pages, tries, both clients ---------------------------------------------------------------------------------------


def test_pages_follow_the_link_header_and_never_to_another_origin(package: Package, server: Server) -> None:
    def page(number: int, link: str | None) -> None:
        server.will(200, [{"id": number, "class": "a"}], **({"Link": link} if link else {}))

    page(1, f'<{server.url}/tasks?page=2>; rel="next", </tasks?page=9>; rel=last')
    page(2, "</tasks?page=3>; rel=next")
    page(3, None)
    with client(package, server) as api:
        assert [task.id for tasks in api.pages(package.tasks.list_tasks(page=1)) for task in tasks] == [1, 2, 3]
        assert [seen.url for seen in server.seen] == ["/tasks?page=1", "/tasks?page=2", "/tasks?page=3"]
        page(1, '<http://evil.example/tasks?page=2>; rel="next"')
        with pytest.raises(package.root.DecodeError, match="another origin"):
            list(api.pages(package.tasks.list_tasks()))


def test_pages_follow_the_links_of_the_document(package: Package, server: Server) -> None:
    server.will(200, {"items": [{"id": 1, "class": "a"}], "next": "n&2"})
    server.will(200, {"items": []})
    with client(package, server) as api:
        assert [len(page.items) for page in api.pages(package.tasks.list_by_cursor())] == [1, 0]
    assert [seen.url for seen in server.seen] == ["/cursor", "/cursor?cursor=n%262"]


def test_only_what_may_be_sent_twice_is_tried_again(package: Package, server: Server) -> None:
    slept: list[float] = []
    api = client(package, server, sleep=slept.append)
    server.will(503, {"title": "busy"}, "application/problem+json", Retry_After="3")
    server.will(503, {"title": "busy"}, "application/problem+json")
    server.will(200, {"id": 7, "class": "a"})
    assert api.send(package.tasks.get_task(id=7, x_tenant_id=ID)).id == 7
    assert slept == [3.0, 0.5]
    server.will(503, {})
    with pytest.raises(package.root.UndeclaredStatus):
        api.send(package.tasks.create_task())
    assert len(server.seen) == 4
    closed = package.root.Client("http://127.0.0.1:1", sleep=slept.append)
    with pytest.raises(package.root.TransportError, match="getTask: "):
        closed.send(package.tasks.get_task(id=7, x_tenant_id=ID))
    assert slept[2:] == [0.25, 0.5]


def test_the_asynchronous_client_does_the_same(package: Package, server: Server) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    async def run() -> None:
        root, tasks = package.root, package.tasks
        async with root.AsyncClient(server.url, auth={"bearer": "t0"}, sleep=sleep) as api:
            server.will(503, {"title": "busy"}, "application/problem+json")
            server.will(200, {"id": 7, "class": "a"})
            assert (await api.send(tasks.get_task(id=7, x_tenant_id=ID))).id == 7
            server.will(404, {"title": "gone"}, "application/problem+json")
            assert (await api.answer(tasks.get_task(id=7, x_tenant_id=ID))).status == 404
            server.will(200, [{"id": 1, "class": "a"}], Link="</tasks?page=2>; rel=next")
            server.will(200, [])
            assert [len(page) async for page in api.pages(tasks.list_tasks())] == [1, 0]
            server.will(200, b'{"id":1,"class":"a"}\n', "application/jsonl")
            async with api.stream(package.files.watch()) as stream:
                assert [item.id async for item in stream.items()] == [1]

    asyncio.run(run())
    assert slept == [0.25]
    assert server.seen[0].headers["authorization"] == "Bearer t0"


def test_a_client_without_an_absolute_address_says_so(package: Package) -> None:
    with pytest.raises(package.root.RequestError, match="`base_url` must be absolute"):
        package.root.Client()


def test_a_function_is_documented_by_the_document(package: Package) -> None:
    document: Callable[..., Any] = package.tasks.get_task
    assert document.__doc__ == "GET /tasks/{id}\n\n    One task.\n    "
