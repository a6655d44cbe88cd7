"""How a rule is written: one typed decorator per kind of row, and the table that the decorators fill.

A rule sees one row of the join and yields mismatches. It never sets its own id, level or fingerprint, never prints
and never catches. Its docstring is its page in the reference.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

from contract.core.finding import Level, Proof

Check = Callable[..., Iterator[Any]]
C = TypeVar("C", bound=Check)


@dataclass(frozen=True, slots=True)
class Rule:
    """One question, asked of every row of one kind."""

    id: str
    level: Level
    row: str  # "matched", "undeclared", "unobserved", "declared", "complained"
    subject: type | None
    proof: Proof
    """How an error of this rule is proved; STRUCTURAL needs nothing further."""
    check: Check
    runtime: bool
    """True if it speaks of the running API, and so counts as drift."""
    sees: str = "all"
    """What of an exchange the rule depends on, so that a conforming one need not be explained: see `matched`."""
    applies: Callable[[Any], bool] | None = None
    """Whether it can have anything to say of an operation at all; None if always."""

    @property
    def doc(self) -> str:
        """The rule's page: what drifted, why it matters, how to fix it."""
        import inspect

        return inspect.getdoc(self.check) or ""

    @property
    def title(self) -> str:
        return self.doc.partition("\n")[0]


_TABLE: list[Rule] = []


def _row(
    row: str,
    subject: type | None,
    id: str,
    level: Level,
    proof: Proof,
    runtime: bool,
    sees: str = "all",
    applies: Callable[[Any], bool] | None = None,
) -> Callable[[C], C]:
    def register(check: C) -> C:
        for other in _TABLE:
            if other.id == id and other.check.__module__ != check.__module__:
                raise ValueError(f"two rules are called {id}: {other.check.__module__} and {check.__module__}")
        _TABLE.append(Rule(id, level, row, subject, proof, check, runtime, sees, applies))
        return check

    return register


def matched(
    subject: type,
    id: str,
    level: Level,
    proof: Proof = Proof.STRUCTURAL,
    sees: str = "all",
    applies: Callable[[Any], bool] | None = None,
) -> Callable[[C], C]:
    """For `(operation, evidence)`: both sides are there, perhaps different.

    `sees` says what of an exchange the rule looks at, and so when it need not be asked: "head" (nothing but status,
    media type and whether there is a body: asked once for each), "headers" (declared response headers), "body" (the
    answer's body beside its schema), "request" (what a request breaks or adds, where it was answered 2xx); these are
    decided by the compiled predicate of `core/predicate.py`. "all": it is asked about every exchange. `applies` is asked
    once for each operation: a rule that has nothing to say there costs nothing.
    """
    return _row("matched", subject, id, level, proof, True, sees, applies)


def undeclared(subject: type, id: str, level: Level, proof: Proof = Proof.STRUCTURAL) -> Callable[[C], C]:
    """For `(evidence,)`: observed or implemented, and in no document."""
    return _row("undeclared", subject, id, level, proof, True)


def unobserved(subject: type, id: str, level: Level, proof: Proof = Proof.STRUCTURAL) -> Callable[[C], C]:
    """For `(operation,)`: declared, and missing from evidence that is complete."""
    return _row("unobserved", subject, id, level, proof, True)


def declared(id: str, level: Level) -> Callable[[C], C]:
    """For `(contract,)`: what the document says of itself; yields `(operation key or None, Mismatch)`."""
    return _row("declared", None, id, level, Proof.STRUCTURAL, False)


def complained(id: str, level: Level, proof: Proof = Proof.REPLAYED) -> Callable[[C], C]:
    """For `(operation, complaint)`: what only an active probe can know."""
    return _row("complained", None, id, level, proof, True)


def generated(subject: type, id: str, level: Level) -> Callable[[C], C]:
    """For `(evidence,)`: what a generator made or failed to make."""
    return _row("generated", subject, id, level, Proof.STRUCTURAL, False)


@cache
def all_rules() -> tuple[Rule, ...]:
    """Every rule, by id: each file of `contract/rules/`. One file may ask its question of several kinds of row."""
    package: Any = importlib.import_module("contract.rules")
    for module in sorted(info.name for info in pkgutil.iter_modules(package.__path__)):
        importlib.import_module(f"contract.rules.{module}")
    for entry in importlib.metadata.entry_points(group="contract.rules"):
        entry.load()
    return tuple(sorted(_TABLE, key=lambda rule: (rule.id, rule.row)))


def pages() -> dict[str, Rule]:
    """One rule per id, the one whose docstring is the page of the reference: the first of its file."""
    found: dict[str, Rule] = {}
    for rule in _TABLE if all_rules() else ():
        found.setdefault(rule.id, rule)
    return dict(sorted(found.items()))


def of_row(row: str, subject: type | None = None) -> tuple[Rule, ...]:
    """The rules of one kind of row, about one kind of evidence."""
    return tuple(rule for rule in all_rules() if rule.row == row and rule.subject is subject)
