"""How long answers took: a histogram in log buckets that adds up exactly, from any number of parts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import ceil, log

_GAMMA = 1.01 / 0.99
_SCALE = 1 / log(_GAMMA)


def bucket(microseconds: int) -> int:
    """The number of the bucket of a time; 0 and less are one bucket of their own."""
    return ceil(log(microseconds) * _SCALE) if microseconds > 0 else -1


def middle(index: int) -> int:
    """Microseconds that stand for a bucket: within 1 % of every time in it."""
    return 0 if index < 0 else round(2 * _GAMMA**index / (_GAMMA + 1))


class Histogram(dict[int, int]):
    """Counts by bucket. Buckets grow by 2 % (the DDSketch scheme, Masson et al., 2019), so it stays below some 900."""

    __slots__ = ()

    def add(self, microseconds: int) -> None:
        index = ceil(log(microseconds) * _SCALE) if microseconds > 0 else -1
        self[index] = self.get(index, 0) + 1

    def __add__(self, other: Mapping[int, int]) -> Histogram:
        merged = Histogram(self)
        for index, count in other.items():
            merged[index] = merged.get(index, 0) + count
        return merged

    @property
    def count(self) -> int:
        return sum(self.values())

    def quantile(self, q: float) -> int | None:
        """Microseconds that a share `q` (0..1) did not exceed, within 1 %; None before the first one."""
        wanted = q * (self.count - 1)
        passed = 0
        for index in sorted(self):
            passed += self[index]
            if passed > wanted:
                return middle(index)
        return None

    @classmethod
    def of(cls, times: Iterable[int]) -> Histogram:
        made = cls()
        for each in times:
            made.add(each)
        return made
