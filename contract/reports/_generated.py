"""What a report says of each generated client: the figure, what is not proven, what users see change, what is stale."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from contract.core.clients import SymbolChange
from contract.core.report import GenerationFailure, GenerationTarget, Ratio, Report, StaleFile

_STALE = {
    "added": "is not there",
    "removed": "is no longer generated",
    "changed": "is not what is generated now",
    "foreign": "is not ours, and was left alone",
}


@dataclass(frozen=True, slots=True)
class Section:
    """One target, worst things first."""

    row: GenerationTarget
    figure: str
    counts: str
    """`22 of 22 operations and 31 of 32 components are proven`."""
    failures: tuple[GenerationFailure, ...]
    changes: tuple[SymbolChange, ...]
    breaking: int
    stale: tuple[StaleFile, ...]
    notes: tuple[str, ...]

    @property
    def quiet(self) -> bool:
        """True if there is nothing to tell besides the figure."""
        return not (self.failures or self.changes or self.stale or self.notes)

    @property
    def fresh(self) -> str:
        """What stands in the place of stale files where there are none."""
        if self.row.path is None:
            return "Made for the proof alone, and kept nowhere."
        return "What lies there is what this document gives." if not self.stale else ""


def sections(report: Report) -> list[Section]:
    """One for each target, in the report's order."""
    return [_section(row) for row in report.kpis.generation.targets]


def _section(row: GenerationTarget) -> Section:
    parts = [
        f"{ratio.part:,} of {ratio.whole:,} {noun}{'s' * (ratio.whole != 1)}"
        for ratio, noun in ((row.operations, "operation"), (row.components, "component"))
        if ratio.whole
    ]
    if not parts:
        parts = [f"{row.part:,} of {row.whole:,} operations and components"]
    return Section(
        row,
        str(Ratio(row.part, row.whole)),
        " and ".join(parts) + " proven",
        row.failures,
        tuple(sorted(row.changed, key=lambda change: not change.breaking)),
        row.changed.breaking,
        row.stale,
        row.notes,
    )


def stale(file: StaleFile) -> str:
    """What is wrong with a file, and why."""
    told = file.reason not in ("", "missing", "foreign file")
    return _STALE.get(file.change, file.change) + (f": {file.reason}" if told else "")


def more(shown: int, of: Iterable[object]) -> int:
    """How many are not shown."""
    return max(0, len(tuple(of)) - shown)
