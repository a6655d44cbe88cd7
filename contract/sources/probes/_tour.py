"""The walk as its parts see it: one operation on the tour, and what may be asked of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from contract.core.creations import Creations
from contract.core.evidence import Complaint, Exchange, Request
from contract.core.faults import Faults
from contract.core.honest import Honest
from contract.core.openapi import Operation
from contract.core.variants import Ask, Base
from contract.core.witness import HUNG

SOURCE = "walk"
SLOW_S = 8.0
"""Seconds that the answers of one operation may take in all, before it is asked no more."""
CLEARS = "what the walk made"
"""What is asked for however slow its operation is: the walk does not leave behind what it can take away."""


@dataclass
class Rest:
    """What is still to be asked of an operation that has taken its share of the time, or not yet begun."""

    asks: Iterator[Ask]
    later: list[Ask]
    told: dict[str, list[str]]
    kept: int


class Stop:
    """One operation on the tour: what it is asked with, what it answered."""

    def __init__(self, operation: Operation, left: int) -> None:
        self.operation = operation
        self.left = left
        self.base: Base | None = None
        self.is_accepted = False
        self.is_sure = False
        """True if every id of its path is known to exist."""
        self.plain: list[Exchange] = []
        """The answers to honest requests with our own credentials."""
        self.took_s = 0.0
        self.hung = 0
        """Requests that got no answer in time, since the last one that did."""
        self.asked: set[tuple[Any, ...]] = set()
        self.is_refused = False
        """True if an honest request was refused already."""
        self.faults = Faults()
        self.is_done = False
        self.rest: Rest | None = None
        self.is_unique = False
        """True if the same cannot be created twice: then each further one has names of its own."""
        self.taken: tuple[int, str] | None = None
        """Status and words of the refusal of the same again."""
        self.named: frozenset[str] = frozenset()
        """Names of the body whose values that refusal repeats."""

    @property
    def is_slow(self) -> bool:
        """True where its answers took so long, or so often did not come, that it is to be asked no more."""
        return self.took_s > SLOW_S or self.hung >= HUNG


class Tour(Protocol):
    """What the parts of the walk share."""

    honest: Honest
    creations: Creations
    stops: Mapping[str, Stop]
    """By the operation's key."""
    takes_credentials: bool

    def ask(self, stop: Stop, ask: Ask, learns: bool = True) -> Iterator[Exchange | Complaint]:
        """Sends one request, if the operation has one left, and yields what comes of it."""

    def number(self) -> int:
        """One more than the last one: for what must be new in this run, and the same in the next."""

    def fresh(self) -> int:
        """For what must be new whatever an earlier run left."""


def written(stop: Stop, base: Base) -> Request | None:
    """The request that those values make; None where none can say them."""
    return base.write(stop.operation)
