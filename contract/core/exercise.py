"""What of the declared bodies did the evidence touch: properties, members of enums, branches of combinators?

A place is named by its pointer in the document: `#/components/schemas/Task/properties/id`, `…/state/enum/2`,
`…/Pet/oneOf/1`. An operation's own set of places is what its bodies may touch; the same component counts for each
operation that carries it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from contract.core.document import escape
from contract.core.openapi import Operation
from contract.core.schema import Schemas

_MARK = {"request": "readOnly", "response": "writeOnly"}


def bodies(operation: Operation) -> Iterator[tuple[str, str]]:
    """Direction and schema pointer of each body that an operation declares."""
    if operation.request_body is not None:
        for media in operation.request_body.content:
            if media.schema is not None:
                yield "request", media.schema
    for declared in operation.responses.values():
        for media in declared.content:
            if media.schema is not None:
                yield "response", media.schema


def declared(operation: Operation) -> frozenset[str]:
    """Every place that bodies of the operation may touch."""
    found: set[str] = set()
    for direction, pointer in bodies(operation):
        found |= _below(operation.schemas, direction, (pointer,))
    return frozenset(found)


def below(schemas: Schemas, direction: str, pointer: str) -> frozenset[str]:
    """Every place at and below one schema."""
    return _below(schemas, direction, (pointer,))


def _below(schemas: Schemas, direction: str, pointers: tuple[str, ...]) -> frozenset[str]:
    """Every place at and below some schemas."""
    start = _place(schemas, direction, pointers)
    if start.closure is None:
        found: set[str] = set()
        stack: list[tuple[str, ...]] = [pointers]
        seen = {pointers}
        while stack:
            place = _place(schemas, direction, stack.pop())
            found.update(place.labels)
            fresh = [child for child in place.children if child not in seen]
            seen.update(fresh)
            stack.extend(fresh)
        start.closure = frozenset(found)
    return start.closure


def touch(schemas: Schemas, direction: str, pointer: str, value: Any, into: set[str]) -> None:
    """Adds to `into` every place that a body touches."""
    if not _below(schemas, direction, (pointer,)).issubset(into):
        _touch(schemas, direction, (pointer,), value, into)


def _touch(schemas: Schemas, direction: str, pointers: tuple[str, ...], value: Any, into: set[str]) -> None:
    _walk(schemas, direction, _place(schemas, direction, pointers), value, into)


def _walk(schemas: Schemas, direction: str, place: _Place, value: Any, into: set[str]) -> None:
    if place.members and not isinstance(value, (dict, list)):
        into.update(place.members.get(value if type(value) is str else orjson.dumps(value), ()))
    for label, accepts in place.branches:
        if label not in into and accepts(value):
            into.add(label)
    if isinstance(value, dict):
        properties = place.properties
        for name, item in value.items():
            known = properties.get(name)
            if known is None:
                if place.others:
                    _touch(schemas, direction, place.others, item, into)
                continue
            if known.labels[0] not in into:
                into.update(known.labels)
            if not known.pointers:
                continue
            below = known.place
            if below is None:
                below = known.place = _place(schemas, direction, known.pointers)
            if type(item) is str and not below.branches:
                # Most of what has more to touch is an enum's.
                labels = below.members.get(item)
                if labels is not None and labels[0] not in into:
                    into.update(labels)
            elif item is not None or below.members or below.branches:
                _walk(schemas, direction, below, item, into)
    elif isinstance(value, list) and place.items and not _below(schemas, direction, place.items).issubset(into):
        below = _place(schemas, direction, place.items)
        for item in value:
            _walk(schemas, direction, below, item, into)


class _Known:
    """A property that is declared: its labels, and the schemas in which there is more to touch."""

    __slots__ = ("labels", "place", "pointers")

    def __init__(self, labels: tuple[str, ...], pointers: tuple[str, ...]) -> None:
        self.labels = labels
        self.pointers = pointers
        self.place: _Place | None = None
        """That of `pointers`, once a value was there: schemas may contain themselves."""


class _Place:
    """The schemas that speak of one value, worked out once."""

    def __init__(self, schemas: Schemas, direction: str, pointers: tuple[str, ...]) -> None:
        self.closure: frozenset[str] | None = None
        """All labels at and below, once somebody asked."""
        self.properties: dict[str, _Known] = {}
        self.members: dict[str | bytes, tuple[str, ...]] = {}
        """Labels of an enum's members: by the text of a string, by the JSON of anything else."""
        self.branches: list[tuple[str, Any]] = []
        named: dict[str, list[str]] = {}
        others: list[str] = []
        items: list[str] = []
        for place, node in schemas.flatten(pointers):
            for name, inner in _map(node.get("properties")).items():
                if _map(inner).get(_MARK[direction]) is not True:
                    named.setdefault(name, []).append(f"{place}/properties/{escape(name)}")
            others += [f"{place}/additionalProperties"] if isinstance(node.get("additionalProperties"), Mapping) else []
            items += [f"{place}/items"] if isinstance(node.get("items"), Mapping) else []
            for index, member in enumerate(_list(node.get("enum"))):
                if not isinstance(member, (dict, list)):
                    key = member if isinstance(member, str) else orjson.dumps(member)
                    self.members[key] = (*self.members.get(key, ()), f"{place}/enum/{index}")
            for keyword in ("oneOf", "anyOf"):
                for index in range(len(_list(node.get(keyword)))):
                    label = f"{place}/{keyword}/{index}"
                    validator = schemas.validator(label, direction)
                    if validator is not None:
                        self.branches.append((label, validator.is_valid))
        self.others, self.items = tuple(others), tuple(items)
        for name, places in named.items():
            self.properties[name] = _Known(tuple(places), tuple(places) if _has_more(schemas, places) else ())
        self.labels = {
            *(label for known in self.properties.values() for label in known.labels),
            *(label for labels in self.members.values() for label in labels),
            *(label for label, _ in self.branches),
        }
        self.children = [known.pointers for known in self.properties.values() if known.pointers]
        self.children += [each for each in (self.others, self.items) if each]


_MORE = ("properties", "additionalProperties", "items", "enum", "oneOf", "anyOf")


def _has_more(schemas: Schemas, places: list[str]) -> bool:
    """True if there is anything to touch at or below a place."""
    return any(key in node for _, node in schemas.flatten(places) for key in _MORE)


def _place(schemas: Schemas, direction: str, pointers: tuple[str, ...]) -> _Place:
    memo: dict[tuple[str, tuple[str, ...]], _Place] = schemas.memo.setdefault("exercise", {})
    key = (direction, pointers)
    if key not in memo:
        memo[key] = _Place(schemas, direction, pointers)
    return memo[key]


def kind(label: str) -> str:
    """What a place is: "enum", "branch" or "property"."""
    parts = label.rsplit("/", 2)
    if parts[-1].isdigit() and parts[-2] in ("oneOf", "anyOf", "enum") and "properties" not in parts[-2]:
        return "enum" if parts[-2] == "enum" else "branch"
    return "property"


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
