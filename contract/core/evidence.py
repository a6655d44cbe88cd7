"""What is seen of an API: exchanges, routes, complaints and artifacts, each saying where it comes from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Generic, TypeVar

import orjson

Headers = tuple[tuple[str, str], ...]


T = TypeVar("T")


class worked_out(Generic[T]):
    """A property that is worked out once: `functools.cached_property` without its lock, which costs more than the work."""

    def __init__(self, work: Callable[[Any], T]) -> None:
        self._work = work
        self._name = work.__name__
        self.__doc__ = work.__doc__

    def __get__(self, owner: Any, kind: Any = None) -> T:
        found: T = self._work(owner)
        owner.__dict__[self._name] = found
        return found


class Traffic(StrEnum):
    """Who asked, and why."""

    REAL = "real"
    SYNTHETIC = "synthetic"  # our own probes
    TEST = "test"  # somebody's test suite
    FUZZ = "fuzz"
    REPLAY = "replay"


MADE_UP = frozenset({Traffic.FUZZ, Traffic.SYNTHETIC, Traffic.REPLAY})
"""Traffic whose requests a prober made up: what is odd in them is no client's habit."""


UNSENT = "cannot be sent"
"""How the failure of a request begins that nobody can put on the wire: it says nothing of the server."""


def header(headers: Headers, name: str) -> str | None:
    """The value of a header, names compared without case; repeated ones joined by a comma (RFC 9110, 5.3)."""
    wanted, found = name.lower(), None
    for key, value in headers:
        if key.lower() == wanted:
            found = value if found is None else f"{found}, {value}"
    return found


def media_type(content_type: str | None) -> str | None:
    """`application/json` of `Application/JSON; charset=utf-8`; None if there is none.

    >>> media_type("Application/Problem+JSON; charset=utf-8")
    'application/problem+json'
    """
    if content_type is None:
        return None
    return content_type.partition(";")[0].strip().lower() or None


def is_json(media: str | None) -> bool:
    """True for `application/json`, `text/json` and every `+json` type (RFC 6839, 3.1)."""
    return media is not None and (media in ("application/json", "text/json") or media.endswith("+json"))


@dataclass(frozen=True)
class Request:
    """A request as it was sent. `url` is the path and query as they went over the wire: `/tasks?limit=1`."""

    method: str
    url: str
    headers: Headers = ()
    body: bytes | None = None
    truncated: bool = False
    """The body, or the rest of it, was not recorded: nothing is to be said about it."""
    headers_known: bool = True
    """False where the recording holds no headers, as access logs do: none of them is missing."""

    @worked_out
    def path(self) -> str:
        """The path, percent-encoding kept."""
        return self.url.partition("?")[0].partition("#")[0]

    @worked_out
    def query(self) -> str:
        """The query as it was sent, without the question mark."""
        return self.url.partition("#")[0].partition("?")[2]

    @worked_out
    def content_type(self) -> str | None:
        """The `Content-Type` as it was sent, with its parameters."""
        return header(self.headers, "content-type")

    @worked_out
    def media_type(self) -> str | None:
        return media_type(self.content_type)


@dataclass(frozen=True)
class Response:
    """An answer as it was received: `body` with its content encoding undone."""

    status: int
    headers: Headers = ()
    body: bytes = b""
    truncated: bool = False
    """The body, or the rest of it, was not recorded: nothing is to be said about it."""
    headers_known: bool = True
    """False where the recording holds no headers, as access logs do: none of them is missing, `Content-Type` included."""

    @worked_out
    def content_type(self) -> str | None:
        """The `Content-Type` as it was sent, with its parameters."""
        return header(self.headers, "content-type")

    @worked_out
    def media_type(self) -> str | None:
        return media_type(self.content_type)

    @worked_out
    def json(self) -> Any:
        """The body as JSON (RFC 8259); raises ValueError where it is none."""
        return orjson.loads(self.body)


@dataclass(frozen=True)
class Exchange:
    """One request with its answer; `response` is None and `failure` says why when none came."""

    request: Request
    response: Response | None
    source: str  # "schemathesis", "har", …
    traffic: Traffic = Traffic.REAL
    elapsed_us: int | None = None
    operation: str | None = None
    """What the sender meant, `GET /tasks/{id}`; a hint for paths that match nothing, never needed."""
    failure: str | None = None
    origin: str | None = None
    """Where it lies in its source: `capture.har entry 17`, a case id."""
    sent_at: str | None = None  # RFC 3339
    abandoned: bool = False
    """The client went away before the answer came, or no connection came about: that there is none is no fault of the
    operation."""
    masked: tuple[str, ...] = ()
    """Places whose value was replaced when it was recorded, as `redact.spots` names them: see `is_masked`."""
    blames: str | None = None
    """The place of the request that a fault lies at (`query:code`, `body:/items/*/size`), where the asker showed it and
    another place of the same operation fails in the same words: the same request without what is odd there is served."""


_BY_VALUE = frozenset(
    [
        "allOf",
        "anyOf",
        "const",
        "contains",
        "dependentSchemas",
        "discriminator",
        "else",
        "enum",
        "if",
        "maxContains",
        "minContains",
        "not",
        "oneOf",
        "propertyNames",
        "then",
        "uniqueItems",
    ]
)
"""Keywords that may refuse an object or a list for a value inside it."""


def is_masked(exchange: Exchange, direction: str, place: str | None, keyword: str | None = None) -> bool:
    """True if what is seen at this place of a mismatch is a mask, and so not to be judged as if it had been sent.

    `direction` and `place` are those of the mismatch: `request` with `query:limit`, `path:id`, `body:/title`;
    `response` with `header:X-Limit` or a pointer into the body. Whatever lies below a masked place is masked; what
    lies above one is if its `keyword` looks at the values inside.

    >>> seen = Exchange(Request("GET", "/"), None, "har", masked=("response body:/user/email", "request path:2"))
    >>> [is_masked(seen, "response", place) for place in ("/user/email", "/user/email/0", "/user", "/*/email", "/users")]
    [True, True, False, True, False]
    >>> is_masked(seen, "response", "/user", "oneOf"), is_masked(seen, "request", "path:id")
    (True, True)
    """
    if not exchange.masked or place is None:
        return False
    if direction == "response" and not place.startswith("header:"):
        place = "body:" + place
    kind, _, name = place.partition(":")
    for spot in exchange.masked:
        side, _, at = spot.partition(" ")
        at_kind, _, at_name = at.partition(":")
        if side != direction:
            continue
        if at_kind == kind == "body":
            if _covers(at_name, name) or (keyword in _BY_VALUE and _covers(name, at_name)):
                return True
        elif (
            (kind == "cookie" and at == "header:cookie")
            or (kind == at_kind == "path")
            or (at_kind == kind and at_name.partition("[")[0].lower() == name.partition("[")[0].lower())
        ):
            return True
    return False


def _covers(above: str, below: str) -> bool:
    """True if the second pointer is the first one or leads through it; `*` stands for any index."""
    tokens, others = above.split("/"), below.split("/")
    return len(tokens) <= len(others) and all(a == b or "*" in (a, b) for a, b in zip(tokens, others, strict=False))


@dataclass(frozen=True, slots=True)
class Route:
    """What a framework says that it serves. `path` is an OpenAPI template: `/tasks/{id}`, base path included."""

    method: str
    path: str
    spelled: str
    """As the framework writes it: `tasks/{task?}`, `/files/{path:path}`, `^tasks/(?P<id>[0-9]+)$`."""
    source: str  # "laravel", "asgi", …
    spans: frozenset[str] = frozenset()
    """Names of the parameters that may take several segments (a catch-all)."""
    file: str | None = None
    line: int | None = None
    name: str | None = None
    implied: bool = False
    """Added by the framework beside what somebody wrote: HEAD of a GET, OPTIONS, a fallback. Never undeclared drift."""


@dataclass(frozen=True, slots=True)
class Complaint:
    """What only an active probe can know; the last exchange shows it, those before it lead there."""

    kind: str  # a rule's id: "auth-not-enforced"
    operation: str  # "GET /tasks/{id}"
    exchanges: tuple[Exchange, ...]
    message: str
    name: str | None = None
    where: str | None = None  # `query:limit`, `body:/title`, where one place is to blame
    source: str = "schemathesis"


@dataclass(frozen=True, slots=True)
class Artifact:
    """One operation or component of the contract, as a generator made it."""

    target: str  # "python"
    kind: str  # "operation" or "component"
    pointer: str  # `#/components/schemas/Task`, or `GET /tasks/{id}`
    proven: bool
    step: str | None = None  # what failed: "generate", "import", "typecheck"
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Stale:
    """A committed file that differs from what the generator makes today."""

    target: str
    file: str
    change: str  # "added", "removed", "changed", "foreign"
    reason: str = ""
    """Why, as far as the manifest tells: "document changed", "tool changed", "edited by hand", "missing"."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where the document that a framework exports says something else of an operation than the declared one."""

    operation: str  # "GET /tasks/{id}"
    pointer: str
    """Inside the operation, references followed: `/responses/200/content/application~1json/schema/properties/due_at`."""
    declared: str | None  # as JSON, cut; None if only the exported document has it
    observed: str | None
    component: str = ""
    """Pointer of the declaration, or of what should hold it: `#/components/schemas/Task/properties/due_at`."""
    exported: str | None = None
    """Where the exported document says it: `openapi.json:212`."""


@dataclass(frozen=True, slots=True)
class OwnRefusal:
    """A 405 that is not the router's, since that one looks different: the operation gave it."""

    exchange: Exchange


@dataclass(frozen=True, slots=True)
class Lost:
    """A piece of evidence that could not be read. It is counted under its heading; the rest is judged."""

    heading: str
    """What is wrong, the same for all of its kind: "line is not JSON", "body is not the gzip that it claims to be"."""
    place: str
    """Where it lies: `traffic.ndjson:17`, `capture.har entry 3`."""
    reason: str = ""
    """What this one is like, without any value of it: "unexpected end at column 12"."""


@dataclass(frozen=True, slots=True)
class Unseen:
    """What is declared and was never seen in traffic that could have shown it."""

    kind: str  # "property", "enum", "status", "parameter"
    names: tuple[str, ...]
    chances: int
    """The most chances that one of the names had: objects, values, answers, requests."""
    direction: str
    status: str | None = None
    media_type: str | None = None


Evidence = Exchange | Route | Complaint | Artifact | Stale | Difference


@dataclass(slots=True)
class Progress:
    """How far a long source is; it is no evidence."""

    done: int = 0
    whole: int | None = None
    label: str = ""
    phase: str = ""
    warnings: list[str] = field(default_factory=list)
