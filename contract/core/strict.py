"""One compiled schema for each declared body that says yes exactly when no rule about bodies has anything to say.

It is put together from three questions that are asked apart, because one must never excuse another:

- *loose*: the schema as it is declared (`response-schema`);
- *names*: is every property named by some schema at its place (`undeclared-property`)? This is the walk of
  `Schemas.undeclared` with its sets of schemas made into states: a schema without combinators, so that closing an object
  can only refuse more. (Closing objects in place, under `oneOf` or `not`, can turn a refusal into a pass.)
- *kinds*: does each discriminator name a schema that takes the object (`discriminator-mismatch`)?

Where a schema is plain (no combinator at its place), loose and names are one schema, closed by
`additionalProperties: false`, and cost no more than the loose one alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from contract.core.discriminator import any_below, definite, discriminators
from contract.core.document import escape, resolve
from contract.core.schema import (
    DIALECT,
    Schemas,
    at_place,
    demanded,
    document_uri,
    is_matched,
    located,
    owner_of,
    stands_for_any,
    star,
)

State = tuple[str, ...]
"""Pointers of the schemas that speak of one value, in the order in which the walk meets them."""

_COPIED = frozenset(
    {
        *(
            "type",
            "enum",
            "const",
            "format",
            "multipleOf",
            "maximum",
            "exclusiveMaximum",
            "minimum",
            "exclusiveMinimum",
        ),
        *("maxLength", "minLength", "pattern", "maxItems", "minItems", "uniqueItems", "maxProperties", "minProperties"),
        *("required", "dependentRequired"),
    }
)
"""Keywords that hold no schema."""
_NOT_PLAIN = frozenset(
    {
        *("allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas", "dependencies", "discriminator"),
        *("prefixItems", "contains", "propertyNames", "patternProperties", "unevaluatedItems", "unevaluatedProperties"),
        *("$id", "$anchor", "$dynamicAnchor", "$dynamicRef", "$recursiveRef", "$schema", "$vocabulary"),
    }
)


def validator(
    schemas: Schemas, pointer: str, direction: str, *, loose: bool = True, names: bool = True, kinds: bool = True
) -> Any | None:
    """What answers the questions that are asked, all at once, for values of the schema at `pointer`.

    None where that cannot be said in one schema; the rules must be asked then. A schema that cannot be compiled has no
    loose question, as for the rules.
    """
    memo: dict[Any, Any] = schemas.memo.setdefault("strict", {})
    key = (pointer, direction, loose, names, kinds)
    if key not in memo:
        memo[key] = _compiled(schemas, pointer, direction, loose, names, kinds)
    return memo[key]


def names_of(schemas: Schemas, pointer: str) -> Any | None:
    """What answers the question of names alone; None where no schema says it."""
    return validator(schemas, pointer, "response", loose=False, names=True, kinds=False)


def unnamed(schemas: Schemas, pointer: str, value: Any) -> Iterator[tuple[str, str, str, Any]]:
    """The properties that the question of names refuses, as `Schemas.walk` tells them; in the validator's order."""
    owners: dict[str, str] = schemas.memo["owners"][pointer]
    for error in names_of(schemas, pointer).iter_errors(value):  # type: ignore[union-attr]
        place = located(error, value)
        where = star(place)
        owner = owners[error.schema_path[1]]  # "$defs", the definition, …
        for name in error.kind.as_dict()["unexpected"]:
            yield where, owner, name, at_place(value, [*place, name])


def _compiled(schemas: Schemas, pointer: str, direction: str, loose: bool, names: bool, kinds: bool) -> Any | None:
    if schemas.scopes is not None and (names or kinds):
        return None  # a copy of a schema has lost the scope in which its dynamic references are resolved
    kinds = kinds and any_below(schemas, pointer)
    if kinds and not loose:
        return None  # the rule speaks only of what the whole schema takes
    if not names and not kinds:
        found = schemas.validator(pointer, direction) if loose else None
        return found if found is not None else schemas.built(direction, lambda root: True)
    states = _states(schemas) if names else None
    state = (pointer,)
    if states is not None and states.irregular(state):
        return None

    def make(root: Mapping[str, Any]) -> Any:
        made = _Schema(schemas, states, direction)
        if names and not loose and not kinds:
            schemas.memo.setdefault("owners", {})[pointer] = made.owners
        parts = [made.full(pointer, root) if loose else made.names(state)]
        if kinds:
            parts.append(made.kinds(pointer))
        return made.whole(parts, as_they_are=not loose and not kinds)

    made = schemas.built(direction, make)
    if made is None and loose and schemas.validator(pointer, direction) is None:
        # What cannot be compiled is not judged, by the rules either; names are.
        return None if kinds else _compiled(schemas, pointer, direction, False, names, False)
    return made


def _states(schemas: Schemas) -> _States:
    found: _States = schemas.memo.setdefault("states", _States(schemas))
    return found


class _States:
    """The graph of states that values walk through, worked out as far as it is asked for."""

    def __init__(self, schemas: Schemas) -> None:
        self.schemas = schemas
        self.known: dict[State, _Node] = {}
        self._matters: dict[State, bool] = {}
        self._irregular: dict[State, bool] = {}

    def node(self, state: State) -> _Node:
        if state not in self.known:
            self.known[state] = _Node(self.schemas, state)
        return self.known[state]

    def matters(self, state: State) -> bool:
        """True if some name can be refused at or below a state."""
        if state not in self._matters:
            self._settle(state)
        return self._matters[state]

    def irregular(self, state: State) -> bool:
        """True if some state at or below cannot be written as a schema."""
        if state not in self._irregular:
            self._settle(state)
        return self._irregular[state]

    def _settle(self, state: State) -> None:
        """Works out both questions for a state and all below it; what was settled before is not walked through again."""
        fresh: dict[State, None] = {state: None}
        parents: dict[State, list[State]] = {}
        stack = [state]
        while stack:
            here = stack.pop()
            for child in self.node(here).children():
                if child in self._matters:
                    continue
                parents.setdefault(child, []).append(here)
                if child not in fresh:
                    fresh[child] = None
                    stack.append(child)
        known = self._matters
        matters = {
            each: self.node(each).refuses or any(known.get(child, False) for child in self.node(each).children())
            for each in fresh
        }
        known.update(_spread(matters, parents))
        # A pattern's schema and a property's would both be asked, where the walk unites them first.
        irregular = {
            each: any(known.get(child, False) for child in self.node(each).overlapping.values())
            or any(self._irregular.get(child, False) for child in self.node(each).children())
            for each in fresh
        }
        self._irregular.update(_spread(irregular, parents))


def _spread(found: dict[State, bool], parents: Mapping[State, list[State]]) -> dict[State, bool]:
    """The same with everything above a true state true."""
    stack = [state for state, is_so in found.items() if is_so]
    while stack:
        for parent in parents.get(stack.pop(), ()):
            if not found[parent]:
                found[parent] = True
                stack.append(parent)
    return found


class _Node:
    """What the walk does at one state: `Schemas.undeclared`, worked out for all values at once."""

    def __init__(self, schemas: Schemas, state: State) -> None:
        nodes = list(schemas.flatten(state))
        self.properties: dict[str, State] = {}
        self.patterns: dict[str, State] = {}
        self.overlapping: dict[str, State] = {}
        self.prefix: list[State] = []
        mappings = [(place, node) for place, node in nodes]
        named = {name for _, node in mappings for name in _map(node.get("properties"))}
        patterns = {pattern for _, node in mappings for pattern in _map(node.get("patternProperties"))}
        for name in named:
            matched = [pattern for pattern in patterns if is_matched(pattern, name)]
            below = []
            for place, node in mappings:
                if name in _map(node.get("properties")):
                    below.append(f"{place}/properties/{escape(name)}")
                below += self._of_patterns(place, node, matched)
            self.properties[name] = tuple(below)
            if matched:
                self.overlapping[f"property {name}"] = tuple(below)
        for name in {name for _, node in mappings for name in demanded(node)} - named if named else ():
            if not any(is_matched(pattern, name) for pattern in patterns):
                self.properties[name] = ()
        for pattern in patterns:
            self.patterns[pattern] = tuple(
                each for place, node in mappings for each in self._of_patterns(place, node, [pattern])
            )
            if len(patterns) > 1:
                self.overlapping[f"pattern {pattern}"] = self.patterns[pattern]
        self.owner = owner_of(mappings) or ""
        self.closed = bool(named) and not any(
            "additionalProperties" in node or "unevaluatedProperties" in node or "propertyNames" in node
            for _, node in mappings
        )
        self.others: State = tuple(
            f"{place}/{keyword}"
            for place, node in mappings
            for keyword in ("additionalProperties", "unevaluatedProperties")
            if not self.closed and isinstance(node.get(keyword), Mapping)
        )
        self._items(mappings)
        self.sample = stands_for_any(schemas, mappings)
        self.refuses = self.closed or self.sample is not None

    @staticmethod
    def _of_patterns(place: str, node: Mapping[str, Any], patterns: list[str]) -> list[str]:
        known = _map(node.get("patternProperties"))
        return [f"{place}/patternProperties/{escape(pattern)}" for pattern in patterns if pattern in known]

    def _items(self, nodes: list[tuple[str, Mapping[str, Any]]]) -> None:
        longest = max((len(_list(node.get("prefixItems"))) for _, node in nodes), default=0)
        for index in range(longest + 1):
            below: list[str] = []
            for place, node in nodes:
                if index < len(_list(node.get("prefixItems"))):
                    below.append(f"{place}/prefixItems/{index}")
                elif isinstance(node.get("items"), Mapping):
                    below.append(f"{place}/items")
                if isinstance(node.get("contains"), Mapping):
                    below.append(f"{place}/contains")
            self.prefix.append(tuple(below))
        self.items = self.prefix.pop()

    @cached_property
    def _children(self) -> list[State]:
        found = [*self.properties.values(), *self.patterns.values(), self.others, *self.prefix, self.items]
        if self.sample is not None:
            found.append(self.sample.pointers)
        return [each for each in dict.fromkeys(found) if each]

    def children(self) -> list[State]:
        """States one step below, the empty one left out."""
        return self._children


class _Schema:
    """The schema under construction; recursion goes through `$defs`."""

    def __init__(self, schemas: Schemas, states: _States | None, direction: str) -> None:
        self.schemas = schemas
        self.direction = direction
        self.states = states
        self.defs: dict[str, Any] = {}
        self.owners: dict[str, str] = {}
        """Of each definition that closes an object, the first schema that names its properties."""
        self._named: dict[tuple[str, object], str] = {}
        self._references: dict[str, list[dict[str, Any]]] = {}
        """Where each definition is referred to."""

    def whole(self, parts: list[Any], *, as_they_are: bool) -> Any:
        """The schema; definitions that are referred to once are written in their place, unless `as_they_are`."""
        parts = [part for part in parts if part is not True]
        if not as_they_are:
            for name, places in self._references.items():
                if len(places) == 1:  # following a reference costs as much as a keyword
                    places[0].clear()
                    places[0].update(self.defs.pop(name))
        if not parts:
            return True
        one = parts[0] if len(parts) == 1 else {"allOf": parts}
        return {"$schema": DIALECT, **one, "$defs": self.defs}

    def _define(self, kind: str, key: object) -> tuple[str, bool]:
        """The name of a definition, and whether it is yet to be written."""
        fresh = (kind, key) not in self._named
        name = self._named.setdefault((kind, key), f"{kind}{len(self._named)}")
        return name, fresh

    def _reference(self, name: str) -> dict[str, Any]:
        made = {"$ref": f"#/$defs/{name}"}
        self._references.setdefault(name, []).append(made)
        return made

    def full(self, pointer: str, root: Mapping[str, Any]) -> Any:
        """Loose and names of one schema."""
        state = (pointer,)
        chain = self._plain(root, pointer)
        matters = self.states is not None and self.states.matters(state)
        if chain is None or (matters and self.states is not None and self.states.node(state).sample is not None):
            loose = {"$ref": document_uri(pointer)}
            return {"allOf": [loose, self.names(state)]} if matters else loose
        place, node = chain
        if _SCHEMAS.isdisjoint(node):
            # Written in place: a reference for each leaf costs as much again as what it says.
            return {key: node[key] for key in node if key in _COPIED}
        name, fresh = self._define("full", place)
        if fresh:
            made: dict[str, Any] = {key: node[key] for key in node if key in _COPIED}
            properties = _map(node.get("properties"))
            if properties:
                made["properties"] = {
                    each: self.full(f"{place}/properties/{escape(each)}", root) if isinstance(inner, Mapping) else inner
                    for each, inner in properties.items()
                }
            for keyword in ("items", "additionalProperties"):
                if keyword in node:
                    inner = node[keyword]
                    made[keyword] = self.full(f"{place}/{keyword}", root) if isinstance(inner, Mapping) else inner
            if self.states is not None and self.states.node(state).closed:
                made["additionalProperties"] = False
                _count_instead(made)
            self.defs[name] = made
        return self._reference(name)

    def _plain(self, root: Mapping[str, Any], pointer: str) -> tuple[str, Mapping[str, Any]] | None:
        memo: dict[Any, Any] = self.schemas.memo.setdefault("plain", {})
        key = (id(root), pointer)  # the roots live as long as the schemas do
        if key not in memo:
            memo[key] = _plain(root, pointer)
        return memo[key]  # type: ignore[no-any-return]

    def names(self, state: State) -> Any:
        assert self.states is not None
        if not state or not self.states.matters(state):
            return True
        name, fresh = self._define("names", state)
        if fresh:
            self.defs[name] = None
            self.owners[name] = self.states.node(state).owner
            self.defs[name] = self._names(self.states.node(state))
        return self._reference(name)

    def _names(self, node: _Node) -> Any:
        made: dict[str, Any] = {}
        if node.closed:
            made["properties"] = {name: self.names(below) for name, below in node.properties.items()}
            made["patternProperties"] = {pattern: self.names(below) for pattern, below in node.patterns.items()}
            made["additionalProperties"] = False
        else:
            others = self.names(node.others)
            properties = {name: self.names(below) for name, below in node.properties.items()}
            patterns = {pattern: self.names(below) for pattern, below in node.patterns.items()}
            if others is not True:
                made |= {"properties": properties, "patternProperties": patterns, "additionalProperties": others}
            else:
                made["properties"] = {name: below for name, below in properties.items() if below is not True}
                made["patternProperties"] = {name: below for name, below in patterns.items() if below is not True}
        arrays: dict[str, Any] = {}
        prefix, items = [self.names(below) for below in node.prefix], self.names(node.items)
        if prefix:
            arrays["prefixItems"] = prefix
        if items is not True:
            arrays["items"] = items
        made = {key: value for key, value in made.items() if value or value is False}
        sample = node.sample
        if sample is None:
            return made | arrays
        values = {"type": sorted(sample.kinds)} if sample.kinds else True
        return {
            "if": {
                "type": "object",
                "minProperties": sample.least,
                "not": {"required": [sample.name]},
                "additionalProperties": values,
            },
            "then": {"additionalProperties": self.names(sample.pointers)},
            "else": made,
            **arrays,
        }

    def kinds(self, pointer: str) -> Any:
        if not any_below(self.schemas, pointer):
            return True
        name, fresh = self._define("kinds", pointer)
        if fresh:
            self.defs[name] = None
            self.defs[name] = {"allOf": [self._kinds(place, node) for place, node in definite(self.schemas, [pointer])]}
        return self._reference(name)

    def _kinds(self, place: str, node: Mapping[str, Any]) -> Any:
        made: dict[str, Any] = {}
        properties = _map(node.get("properties"))
        made["properties"] = {name: self.kinds(f"{place}/properties/{escape(name)}") for name in properties}
        if isinstance(node.get("additionalProperties"), Mapping) and "patternProperties" not in node:
            made["additionalProperties"] = self.kinds(f"{place}/additionalProperties")
        prefix = _list(node.get("prefixItems"))
        if prefix:
            made["prefixItems"] = [self.kinds(f"{place}/prefixItems/{index}") for index in range(len(prefix))]
        if isinstance(node.get("items"), Mapping):
            made["items"] = self.kinds(f"{place}/items")
        for found in discriminators(self.schemas, [place]):
            if found.owner != place:
                continue
            name = found.name
            branches: list[Any] = [
                {
                    "if": {"properties": {name: {"const": value}}, "required": [name]},
                    "then": {"$ref": document_uri(target)},
                }
                for value, target in found.table.items()
                if self.schemas.validator(target, self.direction) is not None
            ]
            if found.default is not None:
                # Absent or unlisted (OpenAPI 3.2, 4.25).
                unknown = {"properties": {name: {"not": {"enum": sorted(found.table)}}}}
                branches.append({"if": unknown, "then": {"$ref": document_uri(found.default)}})
            rest: dict[str, Any] = {"allOf": branches} if branches else {}
            if found.closed:
                rest["properties"] = {name: {"enum": sorted(found.table)}}
            if found.required:
                rest["required"] = [name]
            made.setdefault("allOf", []).append({"if": {"type": "object"}, "then": rest})
        return made


def _count_instead(closed: dict[str, Any]) -> None:
    """Where a closed object needs all of its properties, so many are all of them, and none has to be looked up."""
    needed, named = closed.get("required"), closed.get("properties", {})
    if "minProperties" in closed or not isinstance(needed, list) or False in named.values():
        return
    if {name for name in needed if isinstance(name, str)} == set(named):
        del closed["required"]
        closed["minProperties"] = len(named)


def is_shallow(schemas: Schemas, pointer: str, direction: str) -> bool:
    """True if whatever the strict schema takes has a bounded depth: no recursion, and nothing that may hold anything."""
    memo: dict[tuple[str, str], bool] = schemas.memo.setdefault("shallow", {})
    key = (pointer, direction)
    if key not in memo:
        memo[key] = False  # met again below itself: recursion
        memo[key] = _is_shallow(schemas, pointer, direction)
    return memo[key]


def _is_shallow(schemas: Schemas, pointer: str, direction: str) -> bool:
    chain = _plain(schemas.value, pointer)
    if chain is None:
        return False
    place, node = chain
    if place != pointer:
        return is_shallow(schemas, place, direction)
    kinds = node.get("type")
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if not isinstance(kinds, list):
        return False
    below: list[str] = []
    if "object" in kinds:
        properties, others = node.get("properties"), node.get("additionalProperties", not node.get("properties"))
        if others is not False and not isinstance(others, Mapping):
            return False
        below += [f"{place}/properties/{escape(name)}" for name in _map(properties)]
        if isinstance(others, Mapping):
            below.append(f"{place}/additionalProperties")
    if "array" in kinds:
        if not isinstance(node.get("items"), Mapping):
            return False
        below.append(f"{place}/items")
    return all(is_shallow(schemas, each, direction) for each in below)


def _plain(root: Mapping[str, Any], pointer: str) -> tuple[str, Mapping[str, Any]] | None:
    """Place and value behind bare references, if nothing there needs more than being closed in place."""
    seen: set[str] = set()
    while pointer not in seen:
        seen.add(pointer)
        try:
            node = resolve(root, pointer)
        except KeyError:
            return None
        if not isinstance(node, Mapping) or not _NOT_PLAIN.isdisjoint(node):
            return None
        if "$ref" not in node:
            return pointer, node
        target = node["$ref"]
        if not isinstance(target, str) or not target.startswith("#/") or not _BARE.isdisjoint(node):
            return None
        pointer = target
    return None


_SCHEMAS = frozenset({"properties", "items", "additionalProperties"})
_BARE = frozenset({*_COPIED, *_NOT_PLAIN, "properties", "items", "additionalProperties"})
"""Keywords that make a reference more than a reference, where they stand beside it."""


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
