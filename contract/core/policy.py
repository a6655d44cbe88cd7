"""What a team has decided: levels of rules, accepted findings with their reasons, and the gate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

from contract.core import earlier as earlier_report
from contract.core.finding import Level, State
from contract.core.report import Report


@dataclass(frozen=True, slots=True)
class Accepted:
    """One accepted finding. Only the fingerprint decides; rule, operation and message are there for the reader."""

    fingerprint: str
    reason: str
    rule: str | None = None
    operation: str | None = None
    message: str | None = None
    since: str | None = None  # date, YYYY-MM-DD
    until: str | None = None
    """The last day on which it holds, YYYY-MM-DD; from the next day on the finding fails again."""

    def holds(self, today: date) -> bool:
        """True until its last day is over."""
        return self.until is None or today <= date.fromisoformat(self.until)


@dataclass(frozen=True)
class Baseline:
    """What does not fail a run: accepted findings, by fingerprint, and those that an earlier report had too.

    `state` is a pure function of the day on which it is asked.
    """

    entries: Mapping[str, Accepted] = field(default_factory=dict)
    earlier: Report | None = None
    """The base report: of the branch that a change goes to, or of the last release."""

    @cached_property
    def _before(self) -> Mapping[str, Level]:
        return earlier_report.levels(self.earlier) if self.earlier is not None else {}

    def state(self, fingerprint: str, today: date, level: Level = Level.ERROR) -> tuple[State, Accepted | None]:
        """NEW if neither holds the finding, if its exemption has ended, or if it was of a lower level before."""
        entry = self.entries.get(fingerprint)
        if entry is not None and entry.holds(today):
            return (State.ACCEPTED if entry.until is None else State.EXEMPT), entry
        before = self._before.get(fingerprint)
        known = before is not None and before.rank >= level.rank
        return (State.UNCHANGED if known else State.NEW), entry
