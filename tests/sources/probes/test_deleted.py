"""What was deleted is asked for again, and only what may be deleted is."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from contract.core.evidence import Complaint, Exchange, Request, Response, Traffic
from contract.sources.probes import deleted
from contract.targets.wsgi import WsgiTarget


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
