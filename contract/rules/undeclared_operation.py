"""Is every implemented operation in the document?"""

from __future__ import annotations

from collections.abc import Iterator

from contract.core import rule
from contract.core.evidence import Complaint, Exchange, Route, Traffic
from contract.core.finding import Fix, Level, Mismatch, Where
from contract.core.routing import template


@rule.undeclared(Route, "undeclared-operation", Level.ERROR)
def undeclared_operation(route: Route) -> Iterator[Mismatch]:
    """The server implements an operation that the document does not declare.

    The framework lists the route, and no path and method of the document meets it. Parameters are compared by place, not by
    name; a slash at the end does not matter; `OPTIONS`, a `HEAD` beside a `GET`, and what the framework adds by itself
    (pages of its own, fallbacks) are not counted.

    **Why it matters**: no generated client can call it, no test of the contract covers it, and nobody who reads the document
    knows that it is open: an admin or debug route is found by an attacker first.

    **How to fix**: add the operation to the document's `paths`; or remove the route. If it is not part of the API, exclude
    it with a reason: `exclude = [{ pattern = "GET /metrics", reason = "scraped inside the cluster" }]`.
    """
    place = f"{route.file}:{route.line}" if route.file and route.line else route.file
    name = f" ({route.name})" if route.name else ""
    spelled = f", spelled `{route.spelled}`" if _differs(route) else ""
    yield Mismatch(
        where=Where(),
        declared=None,
        observed=f"{route.method} {route.path}",
        message=f"{route.method} {route.path} is implemented{spelled}{name}, and the document does not declare it.",
        fix=Fix(
            document=f"add `{route.method.lower()}` under `paths` → `{route.path}`, or exclude it with a reason"
            if route.method != "ANY"
            else f"add the methods that are meant under `paths` → `{route.path}`, or exclude it with a reason",
            server=f"remove the route{f' at {place}' if place else ''} if nobody should call it",
        ),
    )


_NOT_ASKED_FOR = ("OPTIONS", "HEAD", "TRACE")


@rule.undeclared(Exchange, "undeclared-operation", Level.ERROR)
def undeclared_operation_seen(exchange: Exchange) -> Iterator[Mismatch]:
    # An answer to a path that somebody guessed shows no operation, and a refusal or a redirect is the router's own.
    if exchange.traffic not in (Traffic.REAL, Traffic.TEST) or exchange.response is None:
        return
    method = exchange.request.method.upper()
    if method in _NOT_ASKED_FOR or not 200 <= exchange.response.status < 300:
        return
    path = template(exchange.request.path)
    yield Mismatch(
        where=Where(),
        declared=None,
        observed=f"{method} {path}",
        message=f"{method} {path} is answered with {exchange.response.status}, and the document does not declare it.",
        fix=Fix(
            document=f"add `{method.lower()}` under `paths` → `{path}`, or exclude it with a reason",
            server="remove it if nobody should call it",
        ),
    )


@rule.complained("undeclared-operation", Level.ERROR)
def undeclared_operation_answers(operation: None, complaint: Complaint) -> Iterator[Mismatch]:
    # A probe that found it has shown that the answer is not what the server says to any path.
    method, _, path = complaint.operation.partition(" ")
    yield Mismatch(
        where=Where(),
        declared=None,
        observed=complaint.operation,
        message=complaint.message,
        fix=Fix(
            document=f"add `{method.lower()}` under `paths` → `{path}`, or exclude it with a reason",
            server="remove it if nobody should call it",
        ),
    )


def _differs(route: Route) -> bool:
    return route.spelled.strip("/") != route.path.strip("/")
