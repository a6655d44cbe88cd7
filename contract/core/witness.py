"""What can only the asker know of an answer: that somebody unknown was let in, an honest request refused, or none served?"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

from contract.core import parameters
from contract.core.creations import REFERENCE
from contract.core.evidence import Complaint, Exchange
from contract.core.finding import folded
from contract.core.honest import status_of
from contract.core.plausible import is_about_data

if TYPE_CHECKING:
    from contract.core.openapi import Operation
    from contract.core.variants import Ask, Base

_REFUSED = frozenset({400, 422})
"""Answers that refuse the data itself."""
_ABSENT = re.compile(
    r"\b(not found|no such|do(es)? ?n['o]t exist|does not exist|non-?existent|can(not|'t) find|unable to find)\b",
    re.IGNORECASE,
)
"""What a server says of what is not there, by whatever status."""
_LONGEST = 16 * 1024
HUNG = 3
"""Requests of one operation in a row that no answer came to in time, and it is asked no more."""


def complaints(
    operation: Operation, ask: Ask, exchange: Exchange, *, is_accepted: bool, was_refused: bool, source: str
) -> Iterator[Complaint]:
    """What the answer to a request shows that is odd in one known place.

    A refusal counts where an honest request is accepted (`is_accepted`), or where it is the first of the honest ones.
    """
    status = status_of(exchange)
    if exchange.response is None or ("{" in operation.path and not operation.path_values(exchange)):
        return
    if ask.credentials.startswith("but "):
        return
    if ask.credentials != "own":
        if 200 <= status < 300 and is_secured(operation):
            how = "without credentials" if ask.credentials == "none" else "with made-up credentials"
            said = f"The operation declares that it needs credentials, and answered {status} to a request {how}."
            where = "security:none" if ask.credentials == "none" else "security:made-up"
            yield Complaint("auth-not-enforced", operation.key, (exchange,), said, "security", where, source)
        return
    is_plain = ask.what == "plainly"
    said_no = exchange.response.body[:_LONGEST].decode("utf-8", "replace")
    # Nobody knew whether what the path names is there.
    is_absent = is_plain and not is_accepted and "{" in operation.path and _ABSENT.search(said_no) is not None
    is_blamed = ask.is_blamed and not is_about_data(said_no) and not is_absent
    if status in _REFUSED and is_blamed and (is_accepted or (is_plain and not was_refused)):
        if next(parameters.errors(operation, exchange, operation.path_values(exchange)), None) is None:
            how = "" if is_plain else f" ({_honestly(ask.what)})"
            said = f"The request keeps the document{how}, and the server refuses it with {status}."
            place = folded(ask.place) if ask.place is not None else None
            yield Complaint("valid-request-refused", operation.key, (exchange,), said, where=place, source=source)
    elif 300 <= status < 400 and status != 304 and str(status) in operation.responses and ask.is_blamed:
        broken = next(parameters.errors(operation, exchange, operation.path_values(exchange)), None)
        if broken is not None:
            place, message = folded(broken[0]), broken[1].message
            said = f"The server took a request in which {broken[0]} breaks the document: {message}."
            yield Complaint("invalid-request-accepted", operation.key, (exchange,), said, message, place, source)


def not_served(
    operation: Operation,
    seen: Sequence[Exchange],
    base: Base | None,
    *,
    is_sure: bool,
    is_router_s: Callable[[Exchange], bool],
    source: str,
) -> Iterator[Complaint]:
    """That an operation is not served at all, by the answers to honest requests, of which none was a success.

    `is_sure` is true where what the path names is known to exist.
    """
    if not seen:
        return
    answers = [status_of(item) for item in seen]
    shown = seen[0]
    if all(status in (405, 501) and str(status) not in operation.responses for status in answers):
        said = f"Every honest request is answered with {answers[0]}."
    elif all(item.response is None and is_dropped(item) for item in seen):
        said = f"No honest request gets an answer: {shown.failure}."
    elif is_sure and all(status == 404 for status in answers):
        there = " for what is known to exist" if "{" in operation.path else ""
        # A 404 may be about something else that the request names: `{"user_id": 3}`.
        if (not there or _refers(base) or _may_be_absent(operation)) and not all(map(is_router_s, seen)):
            return
        said = f"Every honest request is answered with 404{there}."
    else:
        return
    yield Complaint("operation-not-served", operation.key, (shown,), said, source=source)


def _may_be_absent(operation: Operation) -> bool:
    """True where what is asked for lies inside of a thing, and the document says that it may not be found: a picture of
    a user. That the operation says so itself shows that it is served.
    """
    return not operation.path.rstrip("/").endswith("}") and "404" in operation.responses


def is_secured(operation: Operation) -> bool:
    """True where each alternative asks for something (OpenAPI 3.1, 4.8.30)."""
    return bool(operation.security) and all(operation.security or ())


def is_unreadable(exchange: Exchange) -> bool:
    """True where something came, and it was no whole answer."""
    return (exchange.failure or "").startswith(("connection closed in the middle", "the answer is not HTTP"))


def is_dropped(exchange: Exchange) -> bool:
    """True where the connection was ended in place of an answer; one that nobody can read is an answer all the same."""
    return not exchange.abandoned and (exchange.failure or "").startswith(
        ("connection closed without", "connection reset")
    )


def is_timed_out(exchange: Exchange) -> bool:
    """True where whoever asked waited as long as an answer may take, and none came."""
    return (exchange.failure or "").startswith("timed out")


def _refers(base: Base | None) -> bool:
    """True if a request names other things than its path does."""

    def names(value: Any) -> Iterator[str]:
        for key, item in value.items() if isinstance(value, Mapping) else ():
            yield str(key)
            yield from names(item)
        for item in value if isinstance(value, list) else ():
            yield from names(item)

    given = (label.partition(":")[2] for label in base.given if not label.startswith("path:")) if base else ()
    return base is not None and any(map(REFERENCE.search, chain(given, names(base.body))))


def _honestly(what: str) -> str:
    """What is odd about a request that keeps the document all the same: sent as text, a number is a string."""
    return re.sub(r" breaks `\w+`$", " with another value", what)
