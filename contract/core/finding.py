"""What drifted: a rule's Mismatch, stamped into a Finding with a fingerprint that outlives deploys and edits."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

SCHEME = 1
"""Version of the fingerprint's recipe; part of the hash, so that two recipes never collide."""


class Level(StrEnum):
    """How bad a finding is, in SARIF's words (SARIF 2.1.0, 3.27.10)."""

    NOTE = "note"
    WARNING = "warning"
    ERROR = "error"

    @property
    def rank(self) -> int:
        """0 for a note, 1 for a warning, 2 for an error."""
        return _RANK[self]


_RANK = {Level.NOTE: 0, Level.WARNING: 1, Level.ERROR: 2}


class Proof(StrEnum):
    """Why a finding may be believed (law 6 of docs/architecture.md)."""

    CONFIRMED = "confirmed"  # a second, independent validator says the same
    REPLAYED = "replayed"  # the same request was sent again and showed the same
    STRUCTURAL = "structural"  # it follows from what is listed and what is not
    DISPUTED = "disputed"  # the second validator disagrees and is known to be wrong; the clause is named
    UNPROVEN = "unproven"  # nobody can say: at most a note


class State(StrEnum):
    """A finding against a baseline, in SARIF's words (3.27.24) and two of ours."""

    NEW = "new"
    UNCHANGED = "unchanged"
    ABSENT = "absent"
    ACCEPTED = "accepted"
    EXEMPT = "exempt"


@dataclass(frozen=True, slots=True)
class Where:
    """The place of a mismatch in an exchange; None where a part does not apply."""

    direction: str | None = None  # "request" or "response"
    status: str | None = None  # "409", or the declared key that covers it: "2XX", "default"
    media_type: str | None = None
    pointer: str | None = None
    """JSON Pointer into the body, array indices folded to `*`; or `query:limit`, `header:X-Request-Id`, `path:id`."""


@dataclass(frozen=True, slots=True)
class Fix:
    """What to do about it, on both sides; `change` is a unified-diff-like text where it is mechanical."""

    document: str | None = None
    server: str | None = None
    change: str | None = None


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One difference, as a rule sees it; without rule id, level, operation and fingerprint, which the engine adds."""

    where: Where
    declared: str | None
    observed: str | None
    message: str
    keyword: str | None = None
    """The JSON Schema keyword that refuses (`type`, `required`), where there is one."""
    component: str | None = None
    """Pointer of the declaration in the bundled document: `#/components/schemas/Task/properties/id`."""
    name: str | None = None
    """Name of what is missing or undeclared: a property, a header, a parameter, a status."""
    fix: Fix = Fix()


@dataclass(frozen=True, slots=True)
class Finding:
    """A mismatch with its identity. `operation` is the display key, `GET /tasks/{id}`; None for the document itself."""

    rule: str
    level: Level
    operation: str | None
    mismatch: Mismatch
    fingerprint: str

    @property
    def fold_key(self) -> str:
        """The same for findings of several operations that have one cause."""
        return fingerprint(self.rule, None, self.mismatch)


FAULTS = frozenset({"server-error", "no-answer"})
"""Rules that tell of failures of the server, whatever was sent."""

_INDEX = re.compile(r"/(allOf|anyOf|oneOf|prefixItems|parameters|servers|security|enum)/\d+(?=/|$)")
"""Places of a list in a document: reordering it changes no finding."""


def fold(template: str) -> str:
    """The template with its parameter names folded: `/tasks/{id}` and `/tasks/{task}` are both `/tasks/{}`.

    >>> fold("GET /tasks/{id}/files/{name}.{ext}")
    'GET /tasks/{}/files/{}.{}'
    """
    return re.sub(r"\{[^{}]*\}", "{}", template)


def folded(place: str) -> str:
    """A place of an exchange with its array indices folded: `body:/tags/3` is `body:/tags/*`."""
    return "/".join("*" if part.isdigit() else part for part in place.split("/"))


def fingerprint(rule: str, operation: str | None, mismatch: Mismatch) -> str:
    """Forty hex digits that stay the same across wording, values, order, environment and release.

    A declaration inside an operation is named relative to it, so that renaming a path parameter changes nothing;
    one inside a component is named by the component, so that moving the operation's text changes nothing.
    """
    where = mismatch.where
    return _digest(
        rule,
        operation or "",
        where.direction or "",
        where.status or "",
        where.media_type or "",
        mismatch.keyword or "",
        mismatch.component or "",
        mismatch.name or "",
    )


@lru_cache(maxsize=4096)
def _digest(
    rule: str, operation: str, direction: str, status: str, media_type: str, keyword: str, component: str, name: str
) -> str:
    inline = re.match(r"#/paths/[^/]*/[^/]*", component)
    if inline:
        component = "operation:" + component[inline.end() :]
    component = _INDEX.sub(r"/\1/*", component)
    parts = (str(SCHEME), rule, fold(operation), direction, status, media_type, keyword, component, name)
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:40]
