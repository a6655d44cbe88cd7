"""What a team has decided: levels of rules, accepted findings with their reasons, and the gate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from contract.core.finding import State


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
    """Findings that do not fail a run, by fingerprint. `state` is a pure function of the day on which it is asked."""

    entries: Mapping[str, Accepted] = field(default_factory=dict)

    def state(self, fingerprint: str, today: date) -> tuple[State, Accepted | None]:
        """NEW if the baseline does not hold the finding or its exemption has ended."""
        entry = self.entries.get(fingerprint)
        if entry is None or not entry.holds(today):
            return State.NEW, entry
        return (State.ACCEPTED if entry.until is None else State.EXEMPT), entry
