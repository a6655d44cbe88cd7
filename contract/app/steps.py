"""How far a run is: what a progress bar shows, and what a run tells while it works."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Step:
    """One sign of life of a run; the latest one of a source replaces those before it."""

    source: str  # "document", "routes", "fuzz", "traffic", "types", "proof", "report"
    done: int
    whole: int | None = None
    """What `done` counts up to; None where nobody knows."""
    exchanges: int = 0
    findings: int = 0
    phase: str = ""  # what it does now: "coverage", "stateful"
    left_s: float | None = None
    """Seconds that it will still take, at most."""


Notify = Callable[[Step], None]


def silent(step: Step) -> None:
    """The listener of those who do not want to be told."""
