"""What becomes of a finding from report to report: new, ongoing, resolved, regressed; stale without evidence for a week.

It resolves on positive evidence only: a later report exercised the same place, and it held. Silence is none.
Reads reports as JSON (`report.schema.json`), so that a report of another version of the tool is judged the same way.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from contract.core.finding import fold
from contract.core.ledger import SIGHTINGS

STALE_AFTER = timedelta(days=7)


class State(StrEnum):
    NEW = "new"
    ONGOING = "ongoing"
    RESOLVED = "resolved"
    REGRESSED = "regressed"
    STALE = "stale"


@dataclass(frozen=True, slots=True)
class Life:
    """What is remembered of a finding. Times are aware."""

    state: State
    first_seen: datetime
    last_seen: datetime
    last_evidence: datetime
    """The last report that could have shown it: it was seen then, or it held."""
    resolved: datetime | None = None
    regressions: int = 0


@dataclass(frozen=True, slots=True)
class Sighted:
    """One finding of a report, of one operation."""

    fingerprint: str
    cause: str
    """Fingerprint of the row that told it, for several operations perhaps."""
    operation: str | None  # "GET /tasks/{id}"
    row: Mapping[str, Any]
    place: Mapping[str, Any]
    """What `Evidence` must know of it, as JSON: to be kept with the finding."""


def sighted(report: Mapping[str, Any]) -> Iterator[Sighted]:
    """Each finding of a report by itself: a row that tells of several operations is taken apart. Absent ones are not there."""
    document = report["document"].get("path")
    cells: dict[tuple[str, str], list[list[str | None]]] = defaultdict(list)
    for operation in report["operations"]:
        for cell in operation.get("responses") or ():
            for mark in cell.get("findings") or ():
                cells[operation["key"], mark].append([cell["name"], cell.get("media_type")])

    def one(row: Mapping[str, Any], cause: str) -> Sighted:
        name = row.get("operation")
        key = f"{name['method']} {name['path']}" if name is not None else None
        place = {
            "fingerprint": row["fingerprint"],
            "rule": row["rule"],
            "operation": key,
            "where": row.get("where") or {},
            "sources": list(row.get("sources") or ()),
            "document": document,
            "cells": cells.get((key, cause), []) if key is not None else [],
        }
        return Sighted(row["fingerprint"], cause, key, row, place)

    for row in report["findings"]:
        if row["state"] == "absent":
            continue
        members = row.get("operations") or ()
        for member in members:
            name = {"method": member["method"], "path": member["path"]}
            own = {**row, "operation": name, "operations": [], "fingerprint": member["fingerprint"]}
            own |= {"exchanges": member.get("exchanges"), "of": member.get("of")}
            yield one(own, row["fingerprint"])
        if not members:
            yield one(row, row["fingerprint"])


def after(life: Life | None, seen: bool, held: bool, at: datetime) -> Life | None:
    """The life of a finding after a report of that time; None for one that was never seen.

    A report that is older than the last evidence tells only when the finding was there too.
    """
    if life is None:
        return Life(State.NEW, at, at, at) if seen else None
    if at < life.last_evidence:
        if not seen:
            return life
        return replace(life, first_seen=min(life.first_seen, at), last_seen=max(life.last_seen, at))
    if seen:
        again = life.state is State.RESOLVED
        return replace(
            life,
            state=State.REGRESSED if again else State.ONGOING,
            last_seen=at,
            last_evidence=at,
            resolved=None,
            regressions=life.regressions + again,
        )
    if held and life.state is not State.RESOLVED:
        return replace(life, state=State.RESOLVED, last_evidence=at, resolved=at)
    return replace(life, last_evidence=at) if held else life


def shown(life: Life, now: datetime) -> State:
    """The state as it is told: an open finding of which nothing was heard for a week is stale."""
    if life.state is not State.RESOLVED and now - life.last_evidence > STALE_AFTER:
        return State.STALE
    return life.state


# --- evidence ---------------------------------------------------------------------------------------------------------

_OF_AN_ANSWER = frozenset(
    {"response-schema", "undeclared-property", "malformed-body", "header-schema", "missing-header"}
    | {"discriminator-mismatch", "undeclared-media-type"}
)
_NOT_SHOWN = re.compile(
    r"(?P<rule>[\w-]+) (?P<fingerprint>[0-9a-f]{7}) on (?P<operation>.+): not shown in \d+ tr(y|ies)\b"
)
"""What a run notes of a request that showed a finding before, and was sent again (`app/corpus.py`)."""


class Evidence:
    """What a report exercised, asked once for each finding that it does not show."""

    def __init__(self, report: Mapping[str, Any]) -> None:
        self._document = report["document"].get("path")
        self._operations = {fold(row["key"]): row for row in report["operations"]}
        self._excluded = {fold(row["operation"]) for row in report.get("excluded") or ()}
        self._silent = {fold(row["operation"]) for row in report.get("unchecked") or ()}
        self._ran = {
            source["name"]: source.get("detail") or ""
            for source in report["sources"]
            if source["verdict"] in ("pass", "fail") and not source.get("message")
        }
        self._targets = {target["name"] for target in report["kpis"]["generation"].get("targets") or ()}
        self._complete = report["run"]["complete"]
        self._rules = frozenset(report["run"].get("rules") or ())
        self._replayed = {
            (found["rule"], found["fingerprint"], fold(found["operation"]))
            for note in report["run"].get("notes") or ()
            if (found := _NOT_SHOWN.match(note)) is not None
        }
        told = Counter(each["rule"] for each in report["findings"] for _ in each.get("operations") or (None,))
        self._cut = {rule for rule, count in told.items() if count >= SIGHTINGS}
        """Rules of which there was more than is kept, so that what is not told may be there."""

    def holds(self, place: Mapping[str, Any]) -> bool:
        """True if the report exercised the place of a finding that it does not show; `place` is that of `Sighted`."""
        rule, sources, key = place["rule"], set(place["sources"]), place["operation"]
        if rule in self._cut or (self._rules and rule not in self._rules):
            return False
        if key is None:
            return self._of_the_document(sources, place)
        folded = fold(key)
        operation = self._operations.get(folded)
        if folded in self._excluded:
            return False
        if operation is None:
            return self._is_gone(rule, sources, place)
        if sources and sources <= {"lint"}:
            return bool(operation["declared"]) and self._same_document(place)  # it is read in every run
        if rule == "undeclared-operation":
            return bool(operation["declared"]) or ("routes" in sources and "routes" in self._ran)
        if rule == "unimplemented-operation":
            return "routes" in self._ran and operation.get("implemented") is True
        if rule == "exported-differs":
            return self._is_exported()
        if "types" in sources:
            return self._is_generated()
        if (rule, place["fingerprint"][:7], folded) in self._replayed:
            return True  # the request that showed it was sent again
        where = place["where"]
        if rule in _OF_AN_ANSWER and where.get("direction") == "response":
            return self._is_answered(rule, operation, place)
        if not operation["exchanges"] or folded in self._silent:
            return False  # it gave no answer of its own
        if rule == "operation-not-served":
            return True
        if rule == "undeclared-status" and _seen_and_declared(operation, where.get("status")):
            return True
        if rule == "undeclared-parameter" and any(
            cell["declared"] and cell["exchanges"] and cell["name"] == where.get("pointer")
            for cell in operation.get("parameters") or ()
        ):
            return True
        # The walk asks the same in every run: what it found and finds no more is gone.
        return "walk" in sources and "walk" in self._ran and bool(self._complete)

    def _same_document(self, place: Mapping[str, Any]) -> bool:
        return self._document is not None and place.get("document") == self._document

    def _of_the_document(self, sources: set[str], place: Mapping[str, Any]) -> bool:
        """Of a finding of no operation: of the document, or of a generated component."""
        if not self._same_document(place):
            return False
        if "types" in sources:
            return self._is_generated()
        return bool(sources) and sources <= {"lint"}

    def _is_gone(self, rule: str, sources: set[str], place: Mapping[str, Any]) -> bool:
        """Of a finding whose operation is in the report no more: taken out of the document, or out of the service too."""
        if not self._same_document(place):
            return rule == "undeclared-operation" and "routes" in sources and "routes" in self._ran
        if (sources and sources <= {"lint"}) or "types" in sources or rule == "unimplemented-operation":
            return True
        return "routes" in self._ran and (rule != "undeclared-operation" or "routes" in sources)

    def _is_exported(self) -> bool:
        return any(word.startswith("openapi:") for word in self._ran.get("routes", "").split())

    def _is_generated(self) -> bool:
        return "types" in self._ran and bool(self._targets)

    @staticmethod
    def _is_answered(rule: str, operation: Mapping[str, Any], place: Mapping[str, Any]) -> bool:
        """True if each answer that showed it was seen, and is declared."""
        where = place["where"]
        shown = place.get("cells") or [[where.get("status"), where.get("media_type")]]
        seen = [cell for cell in operation.get("responses") or () if cell["declared"] and cell["exchanges"]]
        return all(
            any(
                cell["name"] == name
                and (rule == "undeclared-media-type" or media is None or cell.get("media_type") in (media, None))
                for cell in seen
            )
            for name, media in shown
        )


def _seen_and_declared(operation: Mapping[str, Any], status: str | None) -> bool:
    """True if the answer came, and an entry of the document covers it: `409`, `4XX`, `default`."""
    if status is None or status not in (operation.get("exercised") or {}).get("statuses", ()):
        return False
    names = {
        cell["name"].upper() for cell in operation.get("responses") or () if cell["declared"] and cell["exchanges"]
    }
    return bool(names & {status, f"{status[:1]}XX", "DEFAULT"})
