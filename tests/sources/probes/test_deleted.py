"""What was deleted is asked for again, and only what may be deleted is."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qs

import pytest
from starlette.applications import Starlette
from starlette.requests import Request as Asked
from starlette.responses import JSONResponse
from starlette.responses import Response as Answer
from starlette.routing import Route

from contract.core.evidence import Complaint, Exchange, Request, Response, Traffic
from contract.sources.probes import deleted
from contract.targets import http
from contract.targets.wsgi import WsgiTarget
from tests.targets.serving import served


class Shelf:
    """A WSGI application with books; `keeps` makes deletion a lie, `deletion` is its status."""

    def __init__(self, keeps: bool = False, deletion: int = 204, creates: int = 201) -> None:
        self.books = {"1", "2"}
        self.keeps = keeps
        self.deletion = deletion
        self.creates = creates
        self.log: list[str] = []

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        self.log.append(f"{method} {path}")
        name = path.rpartition("/")[2]
        status, body = 404, b""
        if method == "POST":
            status = self.creates
            if status == 201:
                self.books.add("9")
                body = json.dumps({"data": {"id": 9}}).encode()
        elif name in self.books:
            status = self.deletion if method == "DELETE" else 200
            if method == "DELETE" and not self.keeps:
                self.books.discard(name)
        start(f"{status} x", [("Content-Type", "application/json")])
        return [body]


def seen(method: str, path: str, status: int) -> Exchange:
    template = path if method == "POST" else "/books/{id}"
    return Exchange(
        Request(method, path), Response(status), "schemathesis", Traffic.FUZZ, operation=f"{method} {template}"
    )


def asked(shelf: Shelf, *exchanges: Exchange, readable: Iterable[str] = ("GET /books/{id}",)) -> list[Complaint]:
    accepted = {item.operation: item for item in exchanges if item.operation}
    target = WsgiTarget(shelf, "wsgi:shelf")
    return [item for item in deleted.probe(accepted, frozenset(readable), target) if isinstance(item, Complaint)]


CREATED, DELETED = seen("POST", "/books", 201), seen("DELETE", "/books/1", 204)


def test_a_resource_is_created_deleted_and_asked_for() -> None:
    shelf = Shelf()
    assert asked(shelf, CREATED, DELETED) == []
    assert shelf.log == ["POST /books", "DELETE /books/9", "GET /books/9"]
    assert shelf.books == {"1", "2"}


def test_one_that_still_answers_is_complained_of_with_all_that_led_there() -> None:
    (complaint,) = asked(Shelf(keeps=True), CREATED, DELETED)
    assert (complaint.kind, complaint.operation) == ("use-after-delete", "GET /books/{id}")
    assert complaint.message == "/books/9 was deleted (the server answered 204), and still answers 200."
    assert [f"{item.request.method} {item.request.url}" for item in complaint.exchanges] == [
        "POST /books",
        "DELETE /books/9",
        "GET /books/9",
    ]


def test_where_nothing_can_be_created_what_was_deleted_before_is_deleted_again() -> None:
    shelf = Shelf(keeps=True, creates=409)
    (complaint,) = asked(shelf, CREATED, DELETED)
    assert [item.request.url for item in complaint.exchanges] == ["/books/1", "/books/1"]
    assert shelf.log == ["POST /books", "DELETE /books/1", "GET /books/1", "GET /books/2147483646"]


def test_a_deletion_that_was_refused_or_takes_its_time_proves_nothing() -> None:
    assert asked(Shelf(keeps=True, deletion=409), CREATED, DELETED) == []
    assert asked(Shelf(keeps=True, deletion=202), CREATED, DELETED) == []


def test_nothing_is_sent_for_what_cannot_be_read_or_was_never_deleted() -> None:
    shelf = Shelf()
    assert asked(shelf, CREATED, DELETED, readable=()) == []
    assert asked(shelf, CREATED) == []
    assert shelf.log == []


# --- behind a real server ---------------------------------------------------------------------------------------------


def behind(app: Starlette, *exchanges: Exchange, readable: str) -> tuple[list[str], list[str]]:
    """What is complained of, and which requests were sent."""
    accepted = {item.operation: item for item in exchanges if item.operation}
    with served(app) as origin:
        target = http.open(origin)
        events = list(deleted.probe(accepted, frozenset([readable]), target))
        target.close()
    sent = [f"{item.request.method} {item.request.url}" for item in events if isinstance(item, Exchange)]
    return [item.message for item in events if isinstance(item, Complaint)], sent


def accepted(template: str, url: str, method: str = "DELETE") -> Exchange:
    return Exchange(Request(method, url), Response(200), "schemathesis", Traffic.FUZZ, operation=f"{method} {template}")


class Store:
    """Books of one tenant, whom each request names in its query; they are never gone unless `forgets`."""

    def __init__(self, forgets: bool = False, pattern: str = "") -> None:
        self.books = {"web-7f3a2c": 1}
        self.forgets, self.pattern = forgets, pattern

    async def one(self, request: Asked) -> Answer:
        tenant = parse_qs(request.url.query).get("tenant")
        name = request.path_params["id"]
        if tenant != ["acme"] or not name.startswith(self.pattern):
            return JSONResponse({"error": "which tenant?"}, 400)
        if name not in self.books:
            return JSONResponse({"error": "unknown"}, 404)
        if request.method == "DELETE":
            if self.forgets:
                del self.books[name]
            return Answer(status_code=204)
        return JSONResponse({"id": name})

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/books/{id}", self.one, methods=["GET", "DELETE"])])


def test_the_query_of_a_deletion_is_sent_again() -> None:
    known = accepted("/books/{id}", "/books/web-7f3a2c?tenant=acme")
    said, sent = behind(Store().app(), known, readable="GET /books/{id}")
    assert said == ["/books/web-7f3a2c was deleted (the server answered 204), and still answers 200."]
    assert sent == [
        "DELETE /books/web-7f3a2c?tenant=acme",
        "GET /books/web-7f3a2c?tenant=acme",
        "GET /books/zq7-unknown?tenant=acme",
    ]
    assert behind(Store(forgets=True).app(), known, readable="GET /books/{id}")[0] == []


def test_a_thing_is_read_as_it_was_read_before() -> None:
    known = accepted("/books/{id}", "/books/web-7f3a2c?tenant=acme&force=1")
    read = accepted("/books/{id}", "/books/another?tenant=acme", "GET")
    said, sent = behind(Store().app(), known, read, readable="GET /books/{id}")
    assert len(said) == 1
    assert sent[:2] == ["DELETE /books/web-7f3a2c?tenant=acme&force=1", "GET /books/web-7f3a2c?tenant=acme"]


def test_an_id_is_made_up_in_the_form_of_the_one_that_was_there() -> None:
    """A server that refuses a name for its form has said nothing of what is there."""
    known = accepted("/books/{id}", "/books/web-7f3a2c?tenant=acme")
    said, sent = behind(Store(pattern="w").app(), known, readable="GET /books/{id}")
    assert said == []  # both are refused for their form: nothing is proved
    assert sent[2:] == ["GET /books/zq7-unknown?tenant=acme", "GET /books/jbe-2c8d7f?tenant=acme"]
    said, sent = behind(Store(pattern="").app(), known, readable="GET /books/{id}")
    assert len(said) == 1


@pytest.mark.parametrize(
    ("template", "url", "asked"),
    [
        ("/status/{codes}", "/status/200", ["2147483646", "999983", "32749"]),
        ("/anything/{anything}", "/anything/a", ["zq7-unknown"]),
        ("/delay/{delay}", "/delay/3", None),
        ("/bytes/{n}", "/bytes/3", None),
        ("/wait/{timeoutMs}", "/wait/3", None),
    ],
)
def test_an_echo_holds_nothing_and_is_asked_to_wait_for_nothing(
    template: str, url: str, asked: list[str] | None
) -> None:
    async def echo(request: Asked) -> Answer:
        last = request.url.path.rpartition("/")[2]
        status = int(last) if request.url.path.startswith("/status/") else 200
        return JSONResponse({"path": request.url.path}, status if 200 <= status < 600 else 400)

    app = Starlette(routes=[Route("/{any:path}", echo, methods=["GET", "DELETE"])])
    said, sent = behind(app, accepted(template, url), readable=f"GET {template}")
    assert said == []
    above = url.rpartition("/")[0]
    others = [f"GET {above}/{each}" for each in asked or ()]
    assert sent == ([f"DELETE {url}", f"GET {url}", *others] if asked is not None else [])
