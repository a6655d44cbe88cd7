"""What a team has decided: levels of rules, accepted findings with their reasons, and the gate."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from contract.core.errors import ConfigError
from contract.core.finding import Level, State


@dataclass(frozen=True, slots=True)
class Accepted:
    """One finding of a baseline. Without a reason it was only noted; with an end date it is an exemption."""

    fingerprint: str
    rule: str
    operation: str | None
    message: str
    level: str = "error"
    reason: str | None = None
    until: str | None = None  # YYYY-MM-DD, the last day on which it holds


@dataclass(frozen=True)
class Baseline:
    """Findings that do not fail a run. `state` is a pure function of the day on which it is asked."""

    entries: Mapping[str, Accepted] = field(default_factory=dict)

    def state(self, fingerprint: str, today: date) -> tuple[State, Accepted | None]:
        """NEW if the baseline does not hold the finding or its exemption has ended."""
        entry = self.entries.get(fingerprint)
        if entry is None:
            return State.NEW, None
        if entry.until is not None:
            if date.fromisoformat(entry.until) < today:
                return State.NEW, entry
            return State.EXEMPT, entry
        return (State.ACCEPTED if entry.reason else State.UNCHANGED), entry

    def with_findings(self, entries: Iterable[Accepted]) -> Baseline:
        """The baseline with these added; what it already holds keeps its reason, unless that has ended."""
        merged = dict(self.entries)
        for entry in entries:
            merged[entry.fingerprint] = entry
        return Baseline(dict(sorted(merged.items(), key=lambda item: (item[1].operation or "", item[1].rule, item[0]))))


def leveller(patterns: Sequence[tuple[str, Level | None]], known: Iterable[str]) -> dict[str, Level | None]:
    """For each rule id that a pattern names the level that the user gave it, None for off; the last match wins.

    Raises ConfigError for a pattern that names no rule.
    """
    ids = list(known)
    levels: dict[str, Level | None] = {}
    for pattern, level in patterns:
        meant = [rule for rule in ids if fnmatch.fnmatchcase(rule, pattern)]
        if not meant:
            from difflib import get_close_matches

            close = get_close_matches(pattern, ids, 1)
            raise ConfigError(
                f"no rule is called `{pattern}` in [levels]",
                f"did you mean `{close[0]}`?" if close else "`contract explain` lists all rules",
            )
        levels.update(dict.fromkeys(meant, level))
    return levels
