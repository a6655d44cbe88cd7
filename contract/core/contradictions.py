"""Which two places of the document cannot both be meant? Each is told with both pointers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeGuard

from contract.core.dialect import LIST, ONE, POSITIONS, extension
from contract.core.document import escape, resolve, unescape
from contract.core.schema import Schemas, is_matched, show

if TYPE_CHECKING:
    from contract.core.openapi import Contract

_SCHEMAS = "#/components/schemas/"
_PAIRS = (
    ("minimum", "maximum"),
    ("minLength", "maxLength"),
    ("minItems", "maxItems"),
    ("minProperties", "maxProperties"),
    ("minContains", "maxContains"),
)
_DEEP = 16
_MOST_LISTED = 5
_BRANCH = re.compile(r"(/(oneOf|anyOf)/\d+)+$")
_SHOWING = frozenset(("example", "examples"))
_TELLING = {
    "schema": frozenset(
        (
            *(word for pair in _PAIRS for word in pair),
            *("exclusiveMinimum", "exclusiveMaximum", "enum", "const", "additionalProperties", "discriminator"),
            *("default", "example", "examples"),
        )
    ),
    "pathItem": frozenset(("parameters",)),
}
"""Fields without which an object of a kind says nothing that is asked for here."""
_DIRECTIONS = ("response", "request")


@dataclass(frozen=True, slots=True)
class Contradiction:
    """What stands at `pointer` and what stands at `against` cannot both be meant."""

    pointer: str
    against: str
    message: str
    owner: str | None = None
    """Where it is told, if not at `pointer`: a discriminator that disagrees with several schemas is told once."""
    more: tuple[tuple[str, str], ...] = ()
    """The other pairs that are told with it."""

    @property
    def place(self) -> str:
        """Where it is told."""
        return self.owner or self.pointer

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """All of them, the first as the message names it."""
        return ((self.pointer, self.against), *self.more)


def contradictions(contract: Contract) -> Iterator[Contradiction]:
    """All that can be told from the document alone, in its order."""
    yield from _Looking(contract).found()


Place = tuple[str, str, Mapping[str, Any]]
"""An object of the document that is no data: its pointer, what it is, and itself."""


def places(contract: Contract) -> list[Place]:
    """Those that may contradict themselves or show values, found in one walk for all who ask."""
    memo = contract.schemas.memo
    if "places" not in memo:
        memo["places"] = list(_objects(contract.schemas.value))
    found: list[Place] = memo["places"]
    return found


class _Looking:
    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self.schemas = contract.schemas
        self.root = contract.schemas.value
        """As JSON Schema 2020-12, with every pointer as before."""

    def found(self) -> Iterator[Contradiction]:
        for pointer, kind, node in places(self.contract):
            if kind == "schema":
                yield from self._schema(pointer, node)
            elif kind == "pathItem":
                yield from self._path_item(pointer, node)

    def _schema(self, pointer: str, node: Mapping[str, Any]) -> Iterator[Contradiction]:
        yield from _limits(pointer, node)
        yield from _choices(pointer, node)
        yield from _closed(pointer, node)
        yield from self._discriminator(pointer, node)
        yield from self._default(pointer, node)

    # defaults

    def _default(self, pointer: str, node: Mapping[str, Any]) -> Iterator[Contradiction]:
        """A value taken where none is given, that the schema refuses in requests and in answers alike.

        In a branch it speaks of the whole value: what the union takes is no contradiction.
        """
        if "default" not in node or takes_plainly(node, node["default"]):
            return
        value, whole = node["default"], _BRANCH.sub("", pointer)
        if whole != pointer and any(self.schemas.accepts(whole, way, value) for way in _DIRECTIONS):
            return
        refusals = [next(self._errors(pointer, node, way, value), None) for way in _DIRECTIONS]
        if refusals[0] is not None and refusals[1] is not None:
            against, why = refusals[0]
            yield Contradiction(f"{pointer}/default", against, f"the default is refused: {why}")

    def _errors(self, pointer: str, node: Mapping[str, Any], way: str, value: Any) -> Iterator[tuple[str, str]]:
        """Constraints that refuse a value, with what is said of it; a schema that leads nowhere is compiled by itself."""
        schemas, place = self.schemas, pointer
        if _leads_nowhere(node):
            alone = {"openapi": "3.1.0", "components": {"schemas": {"it": node}}}
            schemas, place = Schemas(replace(self.contract.document, value=alone)), _SCHEMAS + "it"
        for each in schemas.errors(place, way, value):
            yield f"{pointer}{each.component.removeprefix(place)}/{each.keyword}", each.message

    # discriminators

    def _discriminator(self, pointer: str, node: Mapping[str, Any]) -> Iterator[Contradiction]:
        discriminator = node.get("discriminator")
        name = discriminator.get("propertyName") if isinstance(discriminator, Mapping) else None
        if not isinstance(discriminator, Mapping) or not isinstance(name, str):
            return
        mapping = discriminator.get("mapping")
        meant: dict[str, list[tuple[str, str]]] = {}  # by schema: a value that means it, and where that is said
        for value, to in mapping.items() if isinstance(mapping, Mapping) else ():
            if isinstance(to, str):
                target = to if to.startswith("#") else _SCHEMAS + escape(to)
                meant.setdefault(target, []).append(
                    (str(value), f"{pointer}/discriminator/mapping/{escape(str(value))}")
                )
        for word in ("oneOf", "anyOf"):
            branches = node.get(word)
            for index, each in enumerate(branches if isinstance(branches, list) else ()):
                to = each.get("$ref") if isinstance(each, Mapping) else None
                if isinstance(to, str) and to.startswith(_SCHEMAS) and to not in meant:
                    meant[to] = [(unescape(to.removeprefix(_SCHEMAS)), f"{pointer}/{word}/{index}")]
        told: list[tuple[str, str, str]] = []
        for target, values in meant.items():
            declared = list(self._allowed(target, name))
            for value, said in values:
                # Where several values mean one schema, each is allowed or contradicted by itself.
                for where, allowed in declared:
                    if value not in map(_as_key, allowed):
                        told.append((said, where, f"is {show(value)} here, and only {_listed(allowed)} there"))
                        break
        if not told:
            return
        every = [said for values in meant.values() for _, said in values]
        what = "entry" if len(every) == 1 else "entries"
        if not any(said.startswith(f"{pointer}/discriminator/") for said in every):
            what = "branch" if len(every) == 1 else "branches"
        if len(told) == len(every) and what.startswith("branch") and not mapping:
            so = f"so {'do all' if len(every) > 1 else 'does'} its {len(every)} {what}: it lacks a `mapping`"
        else:
            so = f"{len(told)} of its {len(every)} {what} {'disagrees' if len(told) == 1 else 'disagree'} so"
        (said, where, why), *rest = told
        yield Contradiction(
            said,
            where,
            f"the discriminator `{name}` {why}; {so}",
            f"{pointer}/discriminator",
            tuple((one, other) for one, other, _ in rest),
        )

    def _allowed(self, pointer: str, name: str, deep: int = 0) -> Iterator[tuple[str, list[Any]]]:
        """Where the schema says which values a property may have, itself or by `allOf`; and which."""
        node = self._at(pointer)
        if node is None or deep > _DEEP:
            return
        properties = node.get("properties")
        if isinstance(properties, Mapping) and name in properties:
            yield from self._values(f"{pointer}/properties/{escape(name)}")
        if isinstance(node.get("$ref"), str):
            yield from self._allowed(node["$ref"], name, deep + 1)
        branches = node.get("allOf")
        for index in range(len(branches) if isinstance(branches, list) else 0):
            yield from self._allowed(f"{pointer}/allOf/{index}", name, deep + 1)

    def _values(self, pointer: str, deep: int = 0) -> Iterator[tuple[str, list[Any]]]:
        node = self._at(pointer)
        if node is None or deep > _DEEP:
            return
        if isinstance(node.get("enum"), list):
            yield f"{pointer}/enum", node["enum"]
        if "const" in node:
            yield f"{pointer}/const", [node["const"]]
        if isinstance(node.get("$ref"), str):
            yield from self._values(node["$ref"], deep + 1)
        branches = node.get("allOf")
        for index in range(len(branches) if isinstance(branches, list) else 0):
            yield from self._values(f"{pointer}/allOf/{index}", deep + 1)

    # parameters

    def _path_item(self, pointer: str, item: Mapping[str, Any]) -> Iterator[Contradiction]:
        """One parameter that is declared twice, with types that no value has both of."""
        for method, operation in item.items():
            if POSITIONS["pathItem"].get(method) != (ONE, "operation") or not isinstance(operation, Mapping):
                continue
            seen: dict[tuple[str, str], tuple[str, frozenset[str]]] = {}
            for where, parameters in (
                (f"{pointer}/parameters", item.get("parameters")),
                (f"{pointer}/{method}/parameters", operation.get("parameters")),
            ):
                for index in range(len(parameters) if isinstance(parameters, list) else 0):
                    place, node = self._behind(f"{where}/{index}")
                    if node is None or node.get("in") != "path" or not isinstance(node.get("name"), str):
                        continue
                    _, schema = self._behind(f"{place}/schema")
                    kinds = _kinds(schema)
                    first, before = seen.setdefault((node["name"], "path"), (place, kinds))
                    if first != place and kinds and before and not kinds & before:
                        said = " or ".join(sorted(kinds)), " or ".join(sorted(before))
                        yield Contradiction(
                            place, first, f"the parameter `{node['name']}` is {said[0]} here, and {said[1]} there"
                        )

    def _at(self, pointer: str) -> Mapping[str, Any] | None:
        try:
            node = resolve(self.root, pointer)
        except KeyError:
            return None
        return node if isinstance(node, Mapping) else None

    def _behind(self, pointer: str) -> tuple[str, Mapping[str, Any] | None]:
        for _ in range(_DEEP):
            node = self._at(pointer)
            if node is None or not isinstance(node.get("$ref"), str):
                return pointer, node
            pointer = node["$ref"]
        return pointer, None


def _objects(root: Mapping[str, Any]) -> Iterator[Place]:
    """In the document's order, each with its pointer, those objects that say anything that is asked for here."""
    todo: list[tuple[Any, str, _At]] = [(root, "document", ("#", None))]
    while todo:
        node, kind, at = todo.pop()
        if not isinstance(node, Mapping):
            continue
        if kind == "callback":
            todo.extend((child, "pathItem", (str(name), at)) for name, child in node.items())
            continue
        if not _TELLING.get(kind, _SHOWING).isdisjoint(node):
            yield _pointer(at), kind, node
        fields = POSITIONS[kind]
        below: list[tuple[Any, str, _At]] = []
        for name in node:
            if name not in fields:
                continue
            shape, inner = fields[name]
            child, here = node[name], (name, at)
            if shape == ONE:
                below.append((child, inner, here))
            elif shape == LIST and isinstance(child, list):
                below.extend((each, inner, (str(index), here)) for index, each in enumerate(child))
            elif isinstance(child, Mapping):
                below.extend((each, inner, (str(key), here)) for key, each in child.items())
        below.reverse()
        todo.extend(below)


_At = tuple[str, Any]
"""A place as its last token and the place above: most pointers are never asked for."""


def _pointer(at: _At) -> str:
    tokens: list[str] = []
    while at[1] is not None:
        tokens.append(escape(at[0]))
        at = at[1]
    return "/".join(["#", *reversed(tokens)])


# --- does a schema take a value ------------------------------------------------------------------------------------------


def takes_plainly(node: Mapping[str, Any], value: Any, formats: bool = True) -> bool:
    """True if it can be told at a glance that a schema takes a value; nearly all values are of this sort.

    Without `formats` these refuse nothing.
    """
    if not _AT_A_GLANCE.issuperset(node):
        for name in node:
            if name not in _AT_A_GLANCE and not extension(name) and (formats or name != "format"):
                return False
    kinds, choices = _kinds(node), node.get("enum")
    if ("type" in node and not kinds) or (kinds and not _is_of(value, kinds)):
        return False
    if "enum" not in node:
        return True
    return isinstance(choices, list) and any(type(each) is type(value) and each == value for each in choices)


_AT_A_GLANCE = frozenset(
    (
        *("type", "enum", "default", "example", "examples", "description", "title", "externalDocs", "xml"),
        *("readOnly", "writeOnly", "deprecated", "nullable"),
    )
)
"""Keywords that refuse nothing or are looked at; `nullable` is a type by now, or was never known."""
_REFERRING = frozenset(("$ref", "$dynamicRef", "$recursiveRef", "$id", "$anchor", "$dynamicAnchor"))


def _leads_nowhere(node: Mapping[str, Any]) -> bool:
    """True if a schema refers to no other."""
    todo: list[Any] = [node]
    while todo:
        here = todo.pop()
        if isinstance(here, Mapping):
            if not _REFERRING.isdisjoint(here):
                return False
            todo.extend(here.values())
        elif isinstance(here, list):
            todo.extend(here)
    return True


def _limits(pointer: str, node: Mapping[str, Any]) -> Iterator[Contradiction]:
    """A least value that is more than the greatest."""
    for low, high in _PAIRS:
        least, most = node.get(low), node.get(high)
        if _is_number(least) and _is_number(most) and least > most:
            yield Contradiction(f"{pointer}/{low}", f"{pointer}/{high}", f"{low} is {least}, and {high} is {most}")
    for low, high in (
        ("exclusiveMinimum", "maximum"),
        ("minimum", "exclusiveMaximum"),
        ("exclusiveMinimum", "exclusiveMaximum"),
    ):
        least, most = node.get(low), node.get(high)
        if _is_number(least) and _is_number(most) and least >= most:
            yield Contradiction(f"{pointer}/{low}", f"{pointer}/{high}", f"{low} is {least}, and {high} is {most}")


def _choices(pointer: str, node: Mapping[str, Any]) -> Iterator[Contradiction]:
    """A value of `enum`, or `const`, that is of no type that the schema allows."""
    kinds = _kinds(node)
    listed = node.get("enum")
    values = [(f"enum/{index}", value) for index, value in enumerate(listed if isinstance(listed, list) else ())]
    values += [("const", node["const"])] if "const" in node else []
    for key, value in values:
        if kinds and not _is_of(value, kinds):
            said = " or ".join(sorted(kinds))
            yield Contradiction(f"{pointer}/{key}", f"{pointer}/type", f"{show(value)} is no {said}")


def _closed(pointer: str, node: Mapping[str, Any]) -> Iterator[Contradiction]:
    """A property that must be there, and that `additionalProperties` refuses because nothing beside it declares it."""
    required, properties, patterns = node.get("required"), node.get("properties"), node.get("patternProperties")
    if node.get("additionalProperties") is not False or not isinstance(required, list):
        return
    for index, name in enumerate(required):
        if not isinstance(name, str) or (isinstance(properties, Mapping) and name in properties):
            continue
        if isinstance(patterns, Mapping) and any(is_matched(str(pattern), name) for pattern in patterns):
            continue
        yield Contradiction(
            f"{pointer}/required/{index}",
            f"{pointer}/additionalProperties",
            f"`{name}` is required, and refused since no property of that name is declared",
        )


def _kinds(node: Mapping[str, Any] | None) -> frozenset[str]:
    """The types that a schema names; none where it names none, or one that JSON Schema does not know."""
    declared = node.get("type") if node is not None else None
    kinds = [declared] if isinstance(declared, str) else declared
    if not isinstance(kinds, list) or not all(isinstance(each, str) and each in _TYPES for each in kinds):
        return frozenset()
    return frozenset(kinds)


_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int, float),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (Mapping,),
    "null": (type(None),),
}


def _is_of(value: Any, kinds: frozenset[str]) -> bool:
    if isinstance(value, bool):
        return "boolean" in kinds
    if isinstance(value, float) and not value.is_integer():
        return "number" in kinds
    return any(isinstance(value, _TYPES[kind]) for kind in kinds if kind != "boolean")


def _as_key(value: Any) -> str:
    """As a discriminator's value, which is a string whatever the property is (OpenAPI 3.1, 4.8.25)."""
    return value if isinstance(value, str) else show(value)


def _listed(values: Sequence[Any]) -> str:
    more = len(values) - _MOST_LISTED
    return ", ".join(map(show, values[:_MOST_LISTED])) + (f" and {more} more" if more > 0 else "")


def _is_number(value: Any) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
