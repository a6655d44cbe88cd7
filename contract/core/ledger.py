"""What all evidence adds up to. A commutative monoid: `record(xs + ys) == record(xs) + record(ys)`, in any order.

So it holds integers, counters and least elements only; a retry of a part overwrites it and never counts twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from contract.core.check import Judgement, own_answer
from contract.core.evidence import Exchange
from contract.core.finding import Finding
from contract.core.report import Example

Answered = tuple[int, str, str]
"""Status (0 for no answer), key of the declared response that covers it ("" for none), media type ("" for none)."""
Rank = tuple[int, str]
"""Order among the exchanges that show one finding: bytes, then a hash; the least one is kept."""


@dataclass(slots=True)
class Tally:
    """What was seen of one operation."""

    exchanges: int = 0
    own: int = 0
    """Answers of the operation's own; more than none means that it was exercised."""
    answers: Counter[Answered] = field(default_factory=Counter)
    parameters: Counter[str] = field(default_factory=Counter)

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.exchanges + other.exchanges,
            self.own + other.own,
            self.answers + other.answers,
            self.parameters + other.parameters,
        )


@dataclass(slots=True)
class Sighting:
    """How often a finding was seen, by whom, and its least example."""

    finding: Finding
    exchanges: int
    sources: Counter[str] = field(default_factory=Counter)
    rank: Rank | None = None
    example: Example | None = None

    def __add__(self, other: Sighting) -> Sighting:
        mine = self if _order(self) <= _order(other) else other
        return Sighting(
            mine.finding, self.exchanges + other.exchanges, self.sources + other.sources, mine.rank, mine.example
        )


def _order(sighting: Sighting) -> tuple[bool, Rank, str]:
    """Those with an example first, the least one first; the message breaks ties so that addition commutes."""
    return (sighting.rank is None, sighting.rank or (0, ""), repr(sighting.finding))


@dataclass(slots=True)
class Ledger:
    """Tallies by operation key and sightings by fingerprint."""

    tallies: dict[str, Tally] = field(default_factory=dict)
    sightings: dict[str, Sighting] = field(default_factory=dict)
    unmatched: int = 0
    """Exchanges that belong to no operation of the document."""

    def __add__(self, other: Ledger) -> Ledger:
        return Ledger(
            _merge(self.tallies, other.tallies),
            _merge(self.sightings, other.sightings),
            self.unmatched + other.unmatched,
        )

    @property
    def exchanges(self) -> int:
        return sum(tally.exchanges for tally in self.tallies.values())

    def needs_example(self, fingerprint: str, rank: Rank) -> bool:
        """True if an exchange of this rank would be the one that is kept."""
        kept = self.sightings.get(fingerprint)
        return kept is None or kept.rank is None or rank < kept.rank

    def record(self, judgement: Judgement, exchange: Exchange, examples: dict[str, tuple[Rank, Example]]) -> None:
        """Adds one exchange; `examples` holds those that `needs_example` asked for."""
        if judgement.operation is None:
            self.unmatched += 1
        else:
            tally = self.tallies.setdefault(judgement.operation.key, Tally())
            tally.exchanges += 1
            tally.own += own_answer(exchange)
            answer = exchange.response
            tally.answers[
                answer.status if answer is not None else 0,
                judgement.declared_response or "",
                (answer.media_type or "") if answer is not None else "",
            ] += 1
            tally.parameters.update(judgement.sent)
        self.see(judgement.findings, exchange.source, 1, examples)

    def see(
        self,
        findings: Iterable[Finding],
        source: str,
        exchanges: int,
        examples: dict[str, tuple[Rank, Example]] | None = None,
    ) -> None:
        """Adds findings that a source shows, each in so many exchanges."""
        for finding in findings:
            rank, example = (examples or {}).get(finding.fingerprint, (None, None))
            fresh = Sighting(finding, exchanges, Counter({source: max(exchanges, 1)}), rank, example)
            kept = self.sightings.get(finding.fingerprint)
            self.sightings[finding.fingerprint] = fresh if kept is None else kept + fresh


T = TypeVar("T", Tally, Sighting)


def _merge(mine: dict[str, T], other: dict[str, T]) -> dict[str, T]:
    merged = dict(mine)
    for key, value in other.items():
        merged[key] = merged[key] + value if key in merged else value
    return merged
