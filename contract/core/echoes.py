"""Was an undeclared property sent by ourselves? A server that keeps whatever it is given gives it back.

That it takes what nobody declared is the document's leave (JSON Schema 2020-12 core, 10.3.2.3: what is not forbidden is
allowed), and what comes back says nothing of the server: it is there because a probe made it up.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import orjson

from contract.core.document import each_at, split
from contract.core.evidence import MADE_UP, is_json

if TYPE_CHECKING:
    from contract.core.evidence import Exchange
    from contract.core.finding import Finding
    from contract.core.openapi import Contract

_MOST = 200_000
"""So many names are remembered; a run that made up more has long been cut by its time."""
_LONGEST = 1 << 20
_MANY = 50
"""So many undeclared names in one place are told as a map."""


class Echoes:
    """The names that probes made up in this run, each with the values that they were given."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._declared: frozenset[str] | None = None
        self._sent: dict[str, set[int]] = {}
        self._count = 0

    def hear(self, exchange: Exchange) -> None:
        """Takes in what a probe sent; what clients send is theirs, and counts."""
        request = exchange.request
        if exchange.traffic not in MADE_UP or not request.body or not is_json(request.media_type):
            return
        if len(request.body) > _LONGEST or self._count >= _MOST:
            return
        try:
            value = orjson.loads(request.body)
        except ValueError:
            return
        if self._declared is None:
            self._declared = frozenset(_declared(self._contract.document.value))
        for name, item in _members(value):
            if name not in self._declared:
                self._sent.setdefault(name, set()).add(hash(_frozen(item)))
                self._count += 1

    def repeats(self, finding: Finding, exchange: Exchange) -> bool:
        """True for an undeclared property of an answer, each of whose values was sent under that name."""
        mismatch = finding.mismatch
        name, pointer = mismatch.name, mismatch.where.pointer
        if finding.rule != "undeclared-property" or mismatch.where.direction != "response" or exchange.response is None:
            return False
        if name is None or pointer is None or not self._sent:
            return False
        try:
            objects = list(each_at(exchange.response.json, split(pointer.removesuffix(f"/{name}"))))
        except (ValueError, RecursionError):
            return False
        if name == "*" and self._is_map(objects):
            return True
        items = [item[name] for item in objects if isinstance(item, Mapping) and name in item]
        return bool(items) and all(self._is_ours(name, item) for item in items)

    def _is_ours(self, name: str, value: Any) -> bool:
        return hash(_frozen(value)) in self._sent.get(name, ())

    def _is_map(self, objects: list[Any]) -> bool:
        """True where so many names come together only with ours."""
        ours: set[str] = set()
        theirs: set[str] = set()
        for each in objects:
            for name, item in each.items() if isinstance(each, Mapping) else ():
                if name not in (self._declared or ()):
                    (ours if self._is_ours(name, item) else theirs).add(name)
        return bool(ours) and len(theirs) <= _MANY and (not theirs or len(ours) + len(theirs) > _MANY)


def _members(value: Any) -> Iterator[tuple[str, Any]]:
    """The names of a body at any depth, each with its value."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield name, item
            yield from _members(item)
    elif isinstance(value, list):
        for item in value:
            yield from _members(item)


def _frozen(value: Any) -> Hashable:
    """Equal for equal JSON values, whatever the order of names and the spelling of numbers, which many keep as doubles."""
    if isinstance(value, dict):
        return frozenset((name, _frozen(item)) for name, item in value.items())
    if isinstance(value, int) and not isinstance(value, bool):
        return float(value)  # of 64 bits at most, as it was read
    return tuple(map(_frozen, value)) if isinstance(value, list) else value


def _declared(node: Any) -> Iterator[str]:
    """Every name under any `properties` of the document."""
    if isinstance(node, Mapping):
        for key, item in node.items():
            if key == "properties" and isinstance(item, Mapping):
                yield from map(str, item)
            yield from _declared(item)
    elif isinstance(node, list):
        for item in node:
            yield from _declared(item)
