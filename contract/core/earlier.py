"""What has become of an earlier report's findings: known before, new, or gone, and gone only where somebody looked again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import asdict, replace
from typing import Any

from contract.core.finding import Fix, Level, Proof, State, fold
from contract.core.lifecycle import Evidence, sighted
from contract.core.report import Earlier, FindingRow, Member, Report

_OPEN = (State.NEW, State.UNCHANGED)

HELD = "its place was exercised again, and held"
UNSEEN = "not seen in this run, and nothing looked at its place again"


def levels(earlier: Report) -> dict[str, Level]:
    """The level of each finding that was open then, by fingerprint; a folded one is told by its members."""
    return {
        fingerprint: Level(row.level)
        for row in earlier.findings
        if row.state in _OPEN
        for fingerprint in (
            row.fingerprint,
            *(member.fingerprint for member in row.operations),
        )
    }


def is_related(earlier: Report, operations: Collection[str]) -> bool:
    """True if the two have an operation in common, or one of them has none; keys are `GET /tasks/{id}`."""
    before = {fold(row.key) for row in earlier.operations if row.declared}
    return not before or not operations or not before.isdisjoint(fold(key) for key in operations)


def against(report: Report, earlier: Report) -> Report:
    """The report with the earlier one's figures beside its own, and a row for each finding that was open and is not seen."""
    kpis = earlier.kpis
    figures = replace(kpis, generation=replace(kpis.generation, targets=()))
    run = earlier.run
    beside = Earlier(run.id, run.started_at, earlier.outcome.sentence, figures, run.commit, run.release)
    return replace(report, earlier=beside, findings=(*report.findings, *_gone(report, earlier)))


def _gone(report: Report, earlier: Report) -> Iterator[FindingRow]:
    shown = {
        name for row in report.findings for name in (row.fingerprint, *(each.fingerprint for each in row.operations))
    }
    evidence = Evidence(_facts(report, [{"rule": row.rule, "operations": row.operations} for row in report.findings]))
    rows = [row for row in earlier.findings if row.state in _OPEN]
    plain = [asdict(replace(row, operations=_bare(row.operations), example=None, excerpt=())) for row in rows]
    held = {each.fingerprint: evidence.holds(each.place) for each in sighted(_facts(earlier, plain))}
    for row in rows:
        parts: dict[bool, list[Any]] = defaultdict(list)
        for part in row.operations or (row,):
            if part.fingerprint not in shown:
                parts[held[part.fingerprint]].append(part)
        for holds, found in parts.items():
            members = _bare(found) if row.operations else ()
            whole = len(found) == len(row.operations or (row,)) and row.fingerprint not in shown
            yield replace(
                row,
                fingerprint=row.fingerprint if whole else found[0].fingerprint,
                operations=members,
                level=Level.NOTE.value,
                state=State.ABSENT.value,
                location=None,
                exchanges=None,
                of=None,
                example=None,
                curl=None,
                proof=(Proof.STRUCTURAL if holds else Proof.UNPROVEN).value,
                proof_detail=HELD if holds else UNSEEN,
                fix=Fix(),
                excerpt=(),
                shares=(),
                intermittent=None,
            )


def _bare(members: Iterable[Member]) -> tuple[Member, ...]:
    return tuple(replace(member, example=None) for member in members)


def _facts(report: Report, findings: list[dict[str, Any]]) -> dict[str, Any]:
    """The report as the mapping that its JSON is, with these findings instead of its own."""
    return {**asdict(replace(report, findings=(), earlier=None)), "findings": findings}
