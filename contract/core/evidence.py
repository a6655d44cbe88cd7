"""What is seen of an API: exchanges, routes, complaints and artifacts, each saying where it comes from."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

import orjson

Headers = tuple[tuple[str, str], ...]


class Traffic(StrEnum):
    """Who asked, and why."""

    REAL = "real"
    SYNTHETIC = "synthetic"  # our own probes
    TEST = "test"  # somebody's test suite
    FUZZ = "fuzz"
    REPLAY = "replay"


MADE_UP = frozenset({Traffic.FUZZ, Traffic.SYNTHETIC, Traffic.REPLAY})
"""Traffic whose requests a prober made up: what is odd in them is no client's habit."""


def header(headers: Headers, name: str) -> str | None:
    """The value of a header, names compared without case; repeated ones joined by a comma (RFC 9110, 5.3)."""
    wanted = name.lower()
    values = [value for key, value in headers if key.lower() == wanted]
    return ", ".join(values) if values else None


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

    @cached_property
    def path(self) -> str:
        """The path, percent-encoding kept."""
        return self.url.partition("?")[0].partition("#")[0]

    @cached_property
    def query(self) -> str:
        """The query as it was sent, without the question mark."""
        return urlsplit(self.url).query

    @cached_property
    def content_type(self) -> str | None:
        """The `Content-Type` as it was sent, with its parameters."""
        return header(self.headers, "content-type")

    @cached_property
    def media_type(self) -> str | None:
        return media_type(self.content_type)


@dataclass(frozen=True)
class Response:
    """An answer as it was received: `body` with its content encoding undone."""

    status: int
    headers: Headers = ()
    body: bytes = b""
    truncated: bool = False

    @cached_property
    def content_type(self) -> str | None:
        """The `Content-Type` as it was sent, with its parameters."""
        return header(self.headers, "content-type")

    @cached_property
    def media_type(self) -> str | None:
        return media_type(self.content_type)

    @cached_property
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
    change: str  # "added", "removed", "changed"


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
class Lost:
    """A piece of evidence that could not be read. It is counted under its heading; the rest is judged."""

    heading: str
    """What is wrong, the same for all of its kind: "line is not JSON", "body is not the gzip that it claims to be"."""
    place: str
    """Where it lies: `traffic.ndjson:17`, `capture.har entry 3`."""
    reason: str = ""
    """What this one is like, without any value of it: "unexpected end at column 12"."""


Evidence = Exchange | Route | Complaint | Artifact | Stale | Difference


@dataclass(slots=True)
class Progress:
    """How far a long source is; it is no evidence."""

    done: int = 0
    whole: int | None = None
    label: str = ""
    phase: str = ""
    warnings: list[str] = field(default_factory=list)
