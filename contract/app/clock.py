"""How much of `--max-time` is left, and for whom? One end for all that is asked, and a share of the rest for each part.

A part whose need is known (so many requests that take so long) is kept that much, at least half of what its weight would
give it, as far as all of them together are no more than half of what is left. The others take what they can get: the
rest, by their weights. What a part leaves is for those after it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from contract.core.target import Target


class Clock:
    """The time of a run from its first request on, and the weights of its parts, in whatever order they come."""

    def __init__(
        self, limit_s: float | None, weights: Mapping[str, float], now: Callable[[], float] = time.monotonic
    ) -> None:
        self.limit_s = limit_s
        self.now = now
        self.end = None if limit_s is None else now() + limit_s
        self._weights = dict(weights)
        self._needs: dict[str, float] = {}

    def left_s(self) -> float | None:
        """Seconds until the end; None if there is none."""
        return None if self.end is None else max(0.0, self.end - self.now())

    def needs(self, part: str, seconds: float) -> None:
        """Keeps so many seconds for a part, from those before it."""
        self._needs[part] = seconds

    def share_s(self, part: str) -> float | None:
        """Seconds that a part may take, were it to begin now; None for no limit."""
        left_s = self.left_s()
        if left_s is None:
            return None
        weights = {part: 1.0, **self._weights}
        fair_s = {each: left_s * weight / sum(weights.values()) for each, weight in weights.items()}
        needs = {each: max(self._needs[each], fair_s[each] / 2) for each in weights if each in self._needs}
        scale = min(1.0, left_s / 2 / sum(needs.values())) if any(needs.values()) else 1.0
        if part in needs:
            return max(needs[part] * scale, fair_s[part])
        others = sum(weight for each, weight in weights.items() if each not in needs)
        return (left_s - scale * sum(needs.values())) * weights[part] / others

    @contextmanager
    def part(self, part: str, target: Target) -> Iterator[float | None]:
        """Gives the seconds of a part, after which `target` sends nothing more until the next part."""
        seconds = self.share_s(part)
        target.ends(None if seconds is None else self.now() + seconds)
        try:
            yield seconds
        finally:
            self._weights.pop(part, None)
            target.ends(self.end)
