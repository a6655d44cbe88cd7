"""Which constraints of the document refuse its own examples?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from contract.core.contradictions import places, takes_plainly
from contract.core.document import escape, resolve, unescape
from contract.core.evidence import is_json
from contract.core.readings import Reading, scalars
from contract.core.schema import show

if TYPE_CHECKING:
    from contract.core.openapi import Contract


_DEEP = 16
_LONGEST = 4096
"""Of the text of a number."""
_EITHER = "response"
"""An example is lenient in both directions, and so judged by either."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """One constraint that refuses examples."""

    constraint: str
    example: str
    """Pointer of the first one, in the document's order."""
    others: int
    """How many more it refuses."""
    message: str
    """What is wrong with the first."""


def refusals(contract: Contract) -> list[Refusal]:
    """One for each constraint that refuses any, in the order of the first examples."""
    found: dict[str, tuple[str, str]] = {}
    examples: dict[str, set[str]] = {}
    for example, against, why in _Showing(contract).refused():
        found.setdefault(against, (example, why))
        examples.setdefault(against, set()).add(example)
    return [Refusal(against, first, len(examples[against]) - 1, why) for against, (first, why) in found.items()]


class _Showing:
    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self.root = contract.schemas.value
        self.schemas = contract.schemas.lenient

    def refused(self) -> Iterator[tuple[str, str, str]]:
        """An example's pointer, the constraint's, and what is wrong."""
        for pointer, kind, node in places(self.contract):
            if kind == "schema":
                judged = pointer
            elif "schema" in node and _means_values(pointer, kind):
                judged = f"{pointer}/schema"
            else:
                continue
            schema: Any = None
            for example, value in self._shown(pointer, node):
                if schema is None:
                    judged, schema = self._schema(judged)
                if isinstance(schema, Mapping) and takes_plainly(schema, value, formats=False):
                    continue
                if self._takes(judged, value) or (kind != "schema" and self._is_sent(judged, kind, value)):
                    continue
                told: set[str] = set()
                for error in self.schemas.errors(judged, _EITHER, value):
                    against = f"{error.component}/{error.keyword}"
                    if against not in told:
                        told.add(against)
                        yield example, against, error.message

    def _shown(self, pointer: str, node: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        if "example" in node:
            yield f"{pointer}/example", node["example"]
        several = node.get("examples")
        if isinstance(several, list):
            yield from ((f"{pointer}/examples/{index}", value) for index, value in enumerate(several))
        elif isinstance(several, Mapping):
            for name in several:
                place, each = self._example(f"{pointer}/examples/{escape(str(name))}", several[name])
                key = "dataValue" if isinstance(each, Mapping) and "dataValue" in each else "value"
                if isinstance(each, Mapping) and key in each:
                    yield f"{place}/{key}", each[key]

    def _is_sent(self, schema: str, kind: str, value: Any) -> bool:
        """True if the value is written as it is sent, and what is sent keeps the schema."""
        text = value if isinstance(value, str) else None
        if kind == "mediaType":
            if text is None:
                return False
            try:
                return self._takes(schema, orjson.loads(text))
            except ValueError:
                return False
        kinds = Reading(self.schemas, _EITHER).kinds((schema,))
        if text is None:
            if isinstance(value, Mapping | list):
                return False
            text = show(value, _LONGEST)
        elif not kinds.isdisjoint(("array", "object")):
            return True
        return any(self._takes(schema, each) for each in scalars(text, kinds))

    def _takes(self, schema: str, value: Any) -> bool:
        return self.schemas.accepts(schema, _EITHER, value)

    def _example(self, pointer: str, node: Any) -> tuple[str, Any]:
        """The Example Object itself, whatever stands beside the reference to it."""
        for _ in range(_DEEP):
            if not isinstance(node, Mapping) or not isinstance(node.get("$ref"), str):
                return pointer, node
            pointer = node["$ref"]
            node = self._at(pointer)
        return pointer, None

    def _schema(self, pointer: str) -> tuple[str, Any]:
        """The schema that is meant, so that each is compiled once; a reference with keywords beside it is one itself."""
        for _ in range(_DEEP):
            node = self._at(pointer)
            if not isinstance(node, Mapping) or len(node) != 1 or not isinstance(node.get("$ref"), str):
                break
            pointer = node["$ref"]
        return pointer, self._at(pointer)

    def _at(self, pointer: str) -> Any:
        try:
            return resolve(self.root, pointer)
        except KeyError:
            return None


def _means_values(pointer: str, kind: str) -> bool:
    """False for media types other than JSON: an example may stand there as it is written, and not as it is meant."""
    return kind in ("parameter", "header") or (kind == "mediaType" and is_json(unescape(pointer.rpartition("/")[2])))
