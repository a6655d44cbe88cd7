"""What would a value look like that keeps a schema, and what one that breaks a single constraint of it?

Made from the declaration alone, the same every time, and held against the schema's validator before it is given away;
where nothing conforming is found, MISSING is. `message.py` makes requests and responses of these values.
"""

from __future__ import annotations

import json
import math
import re
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import Enum
from functools import lru_cache, partial
from itertools import islice, product
from typing import Any, Final, NamedTuple

import jsonschema_rs

from contract.core import pattern
from contract.core.discriminator import kinds, mismatches
from contract.core.document import escape, resolve, unescape
from contract.core.schema import Schemas, kind_of


class Missing(Enum):
    MISSING = "missing"


MISSING: Final = Missing.MISSING
"""No conforming value was found. There may be one all the same."""

Part = tuple[str, Any]
"""Pointer of a schema ("" for one that is made up) and the schema."""
Parts = tuple[Part, ...]
Names = tuple[str, ...]
Make = Callable[[], Any]

_ATTEMPTS = 80
_TRIES = 12  # of breaking one constraint at one place, the items of an array taken together
_BRANCHES = 48  # combinations of branches that are tried at one place
_DEPTH = 14
_SHALLOW = 6  # below it, what is optional is left out
_NODES = 3000  # and after so many places
_ROUNDS = 2  # of what is required and leads back to itself

_INTEGERS = {"int32": (-(2**31), 2**31 - 1), "int64": (-(2**63), 2**63 - 1)}
_OF_KIND = {
    "object": frozenset(("properties", "required", "additionalProperties", "patternProperties", "minProperties")),
    "array": frozenset(("items", "prefixItems", "minItems", "maxItems", "uniqueItems", "contains")),
    "number": frozenset(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")),
    "string": frozenset(("pattern", "minLength", "maxLength", "format")),
}
_LEAF = _OF_KIND["number"] | _OF_KIND["string"] | {"type", "enum", "const"}

FORMATS: Mapping[str, Callable[[int], str]] = {
    "date-time": lambda n: f"2026-01-{2 + n % 27:02}T03:{n // 27 % 60:02}:05Z",
    "date": lambda n: f"{2026 + n // 324 % 900}-{1 + n // 27 % 12:02}-{2 + n % 27:02}",
    "time": lambda n: f"03:{n // 60 % 60:02}:{n % 60:02}Z",
    "duration": lambda n: f"P{1 + n}D",
    "email": lambda n: f"user{n or ''}@example.com",
    "idn-email": lambda n: f"user{n or ''}@example.com",
    "hostname": lambda n: f"host{n or ''}.example.com",
    "idn-hostname": lambda n: f"host{n or ''}.example.com",
    "ipv4": lambda n: f"192.0.2.{1 + n % 250}",
    "ipv6": lambda n: f"2001:db8::{1 + n % 9999}",
    "uri": lambda n: f"https://example.com/{n or ''}",
    "uri-reference": lambda n: f"/{n or ''}",
    "iri": lambda n: f"https://example.com/{n or ''}",
    "iri-reference": lambda n: f"/{n or ''}",
    "uri-template": lambda n: f"/{n or ''}{{id}}",
    "json-pointer": lambda n: f"/{n or ''}",
    "relative-json-pointer": lambda n: f"{n}",
    "regex": lambda n: f"a{{{n}}}",
    "uuid": lambda n: str(uuid.UUID(int=(0x1F0D << 112) + n + 1, version=4)),
    "byte": lambda n: ("ZGF0YQ==", "bW9yZQ==", "b3RoZXI=")[n % 3],
}
"""A valid text of each format, others for other numbers (RFC 3339, 5321, 3986, 9562, …)."""


class Broken(NamedTuple):
    """A value that breaks one constraint of its schema and no other."""

    keyword: str
    pointer: str  # into the value, indices as they are: "/items/0/title"
    value: Any
    name: str | None = None
    """Of the property that is missing, or that must not be there."""


def value(schemas: Schemas, pointer: str, direction: str, *, salt: int = 0, full: bool = False) -> Any:
    """A value that the schema at `pointer` accepts in that direction ("request" or "response"), or MISSING.

    Examples and defaults are taken where they are accepted; another `salt` gives a value with other names in it.
    Without `full`, optional properties are there only if an example has them. Nothing undeclared is in it, unless the
    document requires what it does not declare.
    """
    return next(values(schemas, pointer, direction, salt=salt, full=full), MISSING)


def values(
    schemas: Schemas,
    pointer: str,
    direction: str,
    *,
    salt: int = 0,
    full: bool = False,
    hints: Sequence[Any] = (),
    name: str = "",
) -> Iterator[Any]:
    """Conforming values, the likeliest first: a few of them.

    `hints` are examples that stand beside the schema; `name` is what a text says that may say anything.
    """
    seen: set[str] = set()
    for index, plain in ((0, False), (0, True), (1, True), (2, True), (3, True)):
        maker = _Maker(schemas, direction, full, plain)
        found = maker.conforming(pointer, () if plain else hints, salt + 1000 * index, name)
        if found is not MISSING and (key := repr(found)) not in seen:
            seen.add(key)
            yield found


def broken(schemas: Schemas, pointer: str, direction: str, *, salt: int = 0, whole: Any = MISSING) -> Iterator[Broken]:
    """For each constraint of the schema, as far as a value reaches it, one value that breaks it and nothing else.

    Each was refused by the validator, for that keyword at that place and for nothing else. `whole` is the conforming
    value that they start from; a full one is made if none is given.
    """
    if whole is MISSING:
        whole = value(schemas, pointer, direction, salt=salt, full=True)
    if whole is MISSING:
        return
    maker = _Maker(schemas, direction, full=True, plain=True)
    tries: dict[tuple[str, str, str | None], int] = {}
    for place, nodes, inner in maker.places(pointer, whole):
        for keyword, name, wrong in maker.breaks(nodes, inner):
            key = (keyword, re.sub(r"/\d+(?=/|$)", "/*", place), name)
            tries[key] = tries.get(key, 0) + 1
            if tries[key] > _TRIES:
                continue
            changed = replaced(whole, place, wrong)
            errors = list(islice(schemas.errors(pointer, direction, changed), 2))
            if any(True for _ in mismatches(schemas, pointer, direction, changed)):
                continue
            if len(errors) == 1 and (errors[0].keyword, errors[0].exact, errors[0].name) == _told(keyword, place, name):
                tries[key] = _TRIES
                yield Broken(keyword, errors[0].exact, changed, errors[0].name)


def descriptions(schemas: Schemas, pointer: str, direction: str, whole: Any) -> dict[str, str]:
    """What the schemas say in words of each place of a conforming value."""
    maker = _Maker(schemas, direction, False, True)
    return {
        place: "\n".join(str(node["description"]) for _, node in parts if "description" in node)
        for place, parts, _ in maker.places(pointer, whole)
    }


def replaced(whole: Any, place: str, fresh: Any) -> Any:
    """A copy of a JSON value with another value at a pointer; MISSING takes the property or item away."""
    if not place:
        return fresh
    token, _, rest = place[1:].partition("/")
    below = f"/{rest}" if _ else ""
    if isinstance(whole, list):
        items = list(whole)
        if below or fresh is not MISSING:
            items[int(token)] = replaced(items[int(token)], below, fresh)
        else:
            del items[int(token)]
        return items
    name = unescape(token)
    if not below and fresh is MISSING:
        return {key: item for key, item in whole.items() if key != name}
    return {**whole, name: replaced(whole.get(name), below, fresh)}


class _Dead(Exception):
    """No value can be made at this place."""


class _Maker:
    """Builds one value, and mends it where the validator refuses it.

    Each place of the value has an ordered list of alternatives: examples, branches, types, lengths. A refusal moves the
    place that it names on to the next one; what has no further alternative is left out, or moves the place above.
    """

    def __init__(self, schemas: Schemas, direction: str, full: bool, plain: bool) -> None:
        self.schemas = schemas
        self.direction = direction
        self.full = full
        self.plain = plain
        self.turns: dict[str, int] = {}
        self.visited: set[str] = set()
        self.banned = "readOnly" if direction == "request" else "writeOnly"
        self.kinds = {f"#/components/schemas/{escape(name)}": each for name, each in kinds(schemas).items()}

    def conforming(self, pointer: str, hints: Sequence[Any], salt: int, name: str = "") -> Any:
        validator = self.schemas.validator(pointer, self.direction)
        root = self.part(pointer)
        if validator is None or root is None:
            return MISSING
        fallback: Any = MISSING
        for _ in range(_ATTEMPTS):
            self.visited.clear()
            try:
                made = self.build((root,), "", list(hints), salt, (pointer,), False, name)
            except _Dead:
                break
            if validator.is_valid(made):
                blamed = [f"{where}/{escape(name)}" for where, _, name, _ in self.schemas.undeclared(pointer, made)]
                blamed += [found.pointer for found in mismatches(self.schemas, pointer, self.direction, made)]
                if not blamed:
                    return made
                fallback = made if fallback is MISSING else fallback
            else:
                blamed = [place for error in validator.iter_errors(made) for place in _blame(error)]
            for place in dict.fromkeys(blamed):
                self.move(place)
        return fallback

    def move(self, place: str) -> None:
        """On to the next alternative at a place, or at the nearest above it that was built."""
        while place and place not in self.visited:
            place = place.rpartition("/")[0]
        self.turn(place, self.turns.get(place, 0) + 1)

    def turn(self, place: str, index: int) -> None:
        self.turns[place] = index
        for below in [key for key in self.turns if key.startswith(f"{place}/")]:
            del self.turns[below]

    def part(self, pointer: str) -> Part | None:
        try:
            return pointer, resolve(self.schemas.value, pointer)
        except KeyError:
            return None

    # --- one place ---

    def build(
        self, parts: Parts, path: str, hints: list[Any], salt: int, trail: Names, optional: bool, name: str
    ) -> Any:
        """A value for schemas that must all hold of it; `trail` are the references that lead to it."""
        self.visited.add(path)
        depth = path.count("/")
        if depth > _DEPTH or (optional and (depth > _SHALLOW or len(self.visited) > _NODES)):
            raise _Dead
        for index, make in enumerate(self.alternatives(parts, path, hints, salt, trail, optional, name)):
            if index < self.turns.get(path, 0):
                continue
            try:
                return make()
            except _Dead:
                self.turn(path, index + 1)
        raise _Dead

    def alternatives(
        self, parts: Parts, path: str, hints: list[Any], salt: int, trail: Names, optional: bool, name: str
    ) -> Iterator[Make]:
        later: list[Make] = []
        for nodes, below, recursive in self.options(parts, salt, trail, optional):
            given = self.hinted(nodes, hints)
            for kind in _kinds(nodes, given):
                literals = [item for _, node in nodes for item in _literals(node)]
                if kind not in ("object", "array") or literals:
                    for found in islice(self.scalars(kind, nodes, given, salt, name), 24):
                        if found is None and not recursive:
                            later.append(partial(_same, None))
                        else:
                            yield partial(_same, found)
                elif kind == "object":
                    yield partial(self.object, nodes, path, given, salt, below, self.full)
                    later.append(partial(self.object, nodes, path, given, salt, below, not self.full))
                else:
                    yield partial(self.array, nodes, path, given, salt, below, 1, name)
                    later.append(partial(self.array, nodes, path, given, salt, below, 2, name))
                    later.append(partial(self.array, nodes, path, [], salt, below, 0, name))
        yield from later

    def options(self, parts: Parts, salt: int, trail: Names, optional: bool) -> Iterator[tuple[Parts, Names, bool]]:
        """What must hold, without references and combinators; each choice of branches is one option.

        With the references that lead to it, and whether one of them is gone through again.
        """
        again: list[tuple[Parts, Names, bool]] = []
        for nodes, refs in islice(self.expand(parts, (), (), salt), _BRANCHES):
            if not set(refs) & set(trail):
                yield nodes, trail + refs, False
            elif not optional and max(map(trail.count, refs)) <= _ROUNDS:
                # What leads back to itself comes last, what ends first, and never where it can be left out.
                again.append((nodes, trail + refs, True))
        yield from sorted(
            again, key=lambda option: any("properties" in node or "items" in node for _, node in option[0])
        )

    def expand(self, todo: Parts, done: Parts, refs: Names, salt: int) -> Iterator[tuple[Parts, Names]]:
        if not todo:
            yield done, refs
            return
        (place, node), rest = todo[0], todo[1:]
        if node is False:
            return
        if not isinstance(node, Mapping):
            yield from self.expand(rest, done, refs, salt)
            return
        more: list[Part] = []
        target = node.get("$ref")
        if isinstance(target, str) and target not in refs and (found := self.part(target)) is not None:
            more.append(found)
            refs = (*refs, target)
        more += _listed(place, node, "allOf")
        choices = [self.branches(place, node, keyword, salt) for keyword in ("oneOf", "anyOf")]
        if isinstance(node.get("if"), (Mapping, bool)):
            otherwise = ((f"{place}/else", node["else"]),) if "else" in node else ()
            then = ((f"{place}/then", node["then"]),) if "then" in node else ()
            choices.append([otherwise, ((f"{place}/if", node["if"]), *then)])
        if not any(choices):
            choices = [self.subtypes(place, node, refs)]
        for chosen in product(*(choice for choice in choices if choice)):
            picked = tuple(part for branch in chosen for part in branch)
            yield from self.expand((*more, *picked, *rest), (*done, (place, node)), refs, salt)

    def branches(self, place: str, node: Mapping[str, Any], keyword: str, salt: int) -> list[Parts]:
        """One entry per branch, with its discriminator's value where there is one; branches of null last."""
        listed = _listed(place, node, keyword)
        discriminator = node.get("discriminator")
        if not isinstance(discriminator, Mapping):
            return _rotated([(part,) for part in listed], salt)
        named: list[Parts] = []
        for part in listed:
            target = part[1].get("$ref") if isinstance(part[1], Mapping) else None
            if isinstance(target, str):
                keys = [key for key, found in _mapping(discriminator).items() if found == target]
                if not keys and self.lists(target, str(discriminator.get("propertyName"))):
                    named.append((part,))  # the branch says itself what the property holds
                    continue
                keys = keys or [unescape(target.rpartition("/")[2])]
                named += [(part, _pinned(discriminator, key)) for key in keys]
        # Where the document contradicts itself, a branch without its name is better than nothing.
        return [*_rotated(named, salt), *((part,) for part in listed)]

    def lists(self, pointer: str, name: str) -> bool:
        """True if a schema lists the values of one of its properties."""
        for place, node in self.schemas.flatten([pointer]):
            if name in _map(node.get("properties")):
                below = [f"{place}/properties/{escape(name)}"]
                return any(_literals(inner) for _, inner in self.schemas.flatten(below))
        return False

    def subtypes(self, place: str, node: Mapping[str, Any], refs: Names) -> list[Parts]:
        """For a schema that others extend by `allOf`: each of them, by the discriminator (OpenAPI 3.1, 4.8.25)."""
        discriminator = node.get("discriminator")
        if not isinstance(discriminator, Mapping):
            return []
        mapping = _mapping(discriminator)
        own = [(_pinned(discriminator, key),) for key, target in mapping.items() if target in refs and target != place]
        if own:
            return [*own, ()]
        found: list[Parts] = []
        for key, target in mapping.items():
            part = self.part(target)
            if part is not None and target != place:
                found.append((part, _pinned(discriminator, key)))
        if not mapping:
            # The outermost schema is the most derived one; of aliases, none but the last may be known.
            names = dict.fromkeys(unescape(where.rpartition("/")[2]) for where in (*refs, place))
            found += [(_pinned(discriminator, name),) for name in names]
        return [*found, ()]

    def hinted(self, nodes: Parts, hints: list[Any]) -> list[Any]:
        if self.plain:
            return []
        found = list(hints)
        for _, node in nodes:
            if "example" in node:
                found.append(node["example"])
            if isinstance(node.get("examples"), list):
                found += node["examples"]
            if node.get("default") is not None:
                found.append(node["default"])
        return found

    # --- kinds of values ---

    def object(self, nodes: Parts, path: str, hints: list[Any], salt: int, trail: Names, full: bool) -> dict[str, Any]:
        given = [hint for hint in hints if isinstance(hint, Mapping)]
        declared = list(dict.fromkeys(name for _, node in nodes for name in _map(node.get("properties"))))
        if not declared and given and all(_is_free(node) for _, node in nodes):
            return dict(given[0])
        least = max((_count(node, "minProperties", 0) for _, node in nodes), default=0)
        most = min((_count(node, "maxProperties", math.inf) for _, node in nodes), default=math.inf)
        hinted = list(dict.fromkeys(name for hint in given[:1] for name in hint))
        nodes, required = self.required(nodes, hinted if not full else [*hinted, *declared])
        wanted = set(required) | set(hinted) | (set(declared) if full else set())
        order = [*declared, *(name for name in (*required, *hinted) if name not in declared)]
        room = most - len(required)
        result: dict[str, Any] = {}
        spare: list[str] = []
        for name in dict.fromkeys(order):
            optional = name not in required
            if name not in wanted or (optional and room <= 0):
                spare.append(name)
            elif self.fill(result, nodes, path, name, given, salt, trail, optional):
                room -= optional
        names = [*spare, *self.free_names(nodes, int(least) + (1 if full and not order else 0), salt)]
        target = max(least, 1 if full and not order and most else 0)
        for name in names:
            if len(result) >= target:
                break
            self.fill(result, nodes, path, name, given, salt, trail, True)
        if len(result) < least:
            raise _Dead
        return result

    def required(self, nodes: Parts, present: Sequence[str]) -> tuple[Parts, list[str]]:
        """The names that must be there, and the schemas that hold because of them (`dependentSchemas`)."""
        required = list(dict.fromkeys(name for _, node in nodes for name in _names(node.get("required"))))
        while True:
            there = {*required, *present}
            more = [
                name
                for _, node in nodes
                for cause, names in _map(node.get("dependentRequired")).items()
                if cause in there
                for name in _names(names)
            ]
            known = {place for place, _ in nodes}
            parts = tuple(
                (f"{place}/dependentSchemas/{escape(cause)}", schema)
                for place, node in nodes
                for cause, schema in _map(node.get("dependentSchemas")).items()
                if cause in required and f"{place}/dependentSchemas/{escape(cause)}" not in known
            )
            if parts:
                nodes = (*nodes, *next(self.expand(parts, (), (), 0), ((), ()))[0])
            found = [
                name
                for name in dict.fromkeys([*required, *more, *(n for _, s in parts for n in _required_of(s))])
                if not self.is_banned(nodes, name)
            ]
            if found == required:
                return nodes, required
            required = found

    def is_banned(self, nodes: Parts, name: str) -> bool:
        return any(
            self.schemas.is_marked(schema, self.banned)
            for _, node in nodes
            for key, schema in _map(node.get("properties")).items()
            if key == name
        )

    def fill(
        self,
        result: dict[str, Any],
        nodes: Parts,
        path: str,
        name: str,
        given: list[Any],
        salt: int,
        trail: Names,
        optional: bool,
    ) -> bool:
        """Puts a property into an object; False where it is left out."""
        if self.is_banned(nodes, name):
            return False
        parts, known = _property(nodes, name)
        if not known and optional:
            return False  # an example has it, and no schema does
        meant = {value for place, _ in nodes for value in self.kinds.get(place, {}).get(name, ())}
        if meant and all(_is_plain_text(node) for _, node in parts):
            parts = (*parts, ("", {"enum": sorted(meant)}))
        hints = [hint[name] for hint in given if name in hint]
        try:
            result[name] = self.build(parts, f"{path}/{escape(name)}", hints, salt, trail, optional, name)
        except _Dead:
            if optional:
                return False
            raise
        return True

    def free_names(self, nodes: Parts, count: int, salt: int) -> Iterator[str]:
        """Names for a map: those that `patternProperties` and `propertyNames` allow."""
        patterns = [text for _, node in nodes for text in _map(node.get("patternProperties"))]
        rules = tuple(
            (f"{place}/propertyNames", node["propertyNames"]) for place, node in nodes if "propertyNames" in node
        )
        for index in range(count):
            for text in patterns:
                yield from islice(pattern.texts(text, salt + index), 2)
            if rules:
                try:
                    found = self.build(
                        (*rules, ("", {"type": "string"})), "/\0name", [], salt + index, (), False, "key"
                    )
                except _Dead:
                    continue
                yield str(found)
            else:
                yield f"key{index or ''}" if not salt else f"key-{salt + index}"

    def array(
        self, nodes: Parts, path: str, hints: list[Any], salt: int, trail: Names, length: int, name: str
    ) -> list[Any]:
        low = int(max((_count(node, "minItems", 0) for _, node in nodes), default=0))
        high = min((_count(node, "maxItems", math.inf) for _, node in nodes), default=math.inf)
        given = [hint for hint in hints if isinstance(hint, list)]
        contained = int(max((_count(node, "minContains", 1) for _, node in nodes if "contains" in node), default=0))
        wish = min(len(given[0]), 3) if given else length
        prefix = max((len(_listed(place, node, "prefixItems")) for place, node in nodes), default=0)
        count = int(min(max(low, contained, wish, prefix if length else 0), high))
        unique = any(node.get("uniqueItems") is True for _, node in nodes)
        result: list[Any] = []
        seen: set[str] = set()
        for index in range(count):
            parts = _item(nodes, index, contained)
            below = [hint[index] for hint in given if index < len(hint)]
            try:
                made = self.build(parts, f"{path}/*", below, salt + index, trail, index >= low, name)
                for turn in range(1, 13):
                    if not unique or repr(made) not in seen:
                        break
                    made = self.build(parts, f"{path}/*", [], salt + index + turn, trail, index >= low, name)
                if unique and repr(made) in seen:
                    raise _Dead
            except _Dead:
                if index < low:
                    raise
                break
            seen.add(repr(made))
            result.append(made)
        return result

    def scalars(self, kind: str, nodes: Parts, hints: list[Any], salt: int, name: str) -> Iterator[Any]:
        """Values of one kind that the keywords for scalars accept."""
        # Not orjson: limits beyond 64 bits are written in documents.
        leaf = _leaf(json.dumps([_leaf_schema(node) for _, node in nodes]))
        literals = [item for _, node in nodes for item in _literals(node)]
        listed = literals[salt % len(literals) :] + literals[: salt % len(literals)] if literals else []
        made: Iterable[Any] = ()
        if not literals:
            match kind:
                case "string":
                    made = _strings([node for _, node in nodes], salt, name)
                case "integer" | "number":
                    made = _numbers([node for _, node in nodes], salt, kind == "integer")
                case "boolean":
                    made = (salt % 2 == 0, salt % 2 == 1)
                case "null":
                    made = (None,)
        seen: set[str] = set()

        def candidates() -> Iterator[Any]:
            if not salt:
                yield from hints
            elif not literals and not any("format" in node or "pattern" in node for _, node in nodes):
                yield from (_varied(hint, salt) for hint in hints)
            yield from listed
            yield from made
            yield from hints

        for found in candidates():
            if (key := repr(found)) in seen:
                continue
            seen.add(key)
            if _is_kind(found, kind) and leaf.is_valid(found):
                yield found

    # --- breaking ---

    def places(self, pointer: str, whole: Any) -> Iterator[tuple[str, Parts, Any]]:
        """Each place of a conforming value with all schemas that hold there; of the combinators, the branches taken."""
        root = self.part(pointer)
        if root is None:
            return
        stack: list[tuple[str, Parts, Any]] = [("", (root,), whole)]
        while stack:
            place, parts, inner = stack.pop()
            nodes = self.held(parts, inner)
            yield place, nodes, inner
            below: list[tuple[str, Parts, Any]] = []
            if isinstance(inner, Mapping):
                for name, item in inner.items():
                    found, known = _property(nodes, name)
                    if known:
                        below.append((f"{place}/{escape(name)}", found, item))
            elif isinstance(inner, list):
                below = [(f"{place}/{index}", _item(nodes, index, 0), item) for index, item in enumerate(inner)]
            stack.extend(reversed(below))

    def held(self, parts: Parts, inner: Any) -> Parts:
        """The schemas that a value keeps: all of `allOf`, and of the branches those that take it."""
        done: dict[str, Part] = {}
        todo = list(reversed(parts))
        while todo:
            place, node = todo.pop()
            if not isinstance(node, Mapping) or place in done:
                continue
            done[place] = (place, node)
            target = node.get("$ref")
            if isinstance(target, str) and (found := self.part(target)) is not None:
                todo.append(found)
            todo += _listed(place, node, "allOf")
            for keyword in ("oneOf", "anyOf"):
                todo += [
                    part
                    for part in _listed(place, node, keyword)
                    if self.schemas.validator(part[0], self.direction) is not None
                    and self.schemas.accepts(part[0], self.direction, inner)
                ]
        return tuple(done.values())

    def breaks(self, nodes: Parts, inner: Any) -> Iterator[tuple[str, str | None, Any]]:
        """Values that may break one keyword each: (keyword, name of a property, the value in place of `inner`)."""
        for place, node in nodes:
            yield from _breaks(node, inner)
            if not isinstance(inner, Mapping):
                continue
            for name, schema in _map(node.get("properties")).items():
                if self.schemas.is_marked(schema, self.banned):
                    yield from self.marked(f"{place}/properties/{escape(name)}", name, inner)

    def marked(self, pointer: str, name: str, inner: Mapping[str, Any]) -> Iterator[tuple[str, str | None, Any]]:
        other = "response" if self.direction == "request" else "request"
        found = value(self.schemas, pointer, other)
        if self.banned == "writeOnly" and name not in inner:
            yield "writeOnly", name, {**inner, name: None if found is MISSING else found}


def _same(made: Any) -> Any:
    return made


def _told(keyword: str, place: str, name: str | None) -> tuple[str, str, str | None]:
    """How the judge tells it: a marked property by its own place, without its name."""
    return (keyword, f"{place}/{escape(name)}", None) if keyword == "writeOnly" and name else (keyword, place, name)


def _blame(error: Any) -> list[str]:
    """The places that a refusal is about, indices folded; of a combinator, those of the branch that fails least."""
    own = "".join("/" + ("*" if isinstance(part, int) else escape(str(part))) for part in error.instance_path)
    branches = [branch for branch in getattr(error.kind, "context", None) or [] if branch]
    if not branches:
        return [own]

    def depth(branch: list[Any]) -> int:
        return min(len(list(inner.instance_path)) for inner in branch)

    best = max(branches, key=lambda branch: (depth(branch), -len(branch)))
    if depth(best) <= len(list(error.instance_path)):
        return [own]
    return [place for inner in best for place in _blame(inner)]


# --- schemas ----------------------------------------------------------------------------------------------------------


def _kinds(nodes: Parts, hints: Sequence[Any]) -> list[str]:
    """The JSON types that all schemas allow, the likeliest first; null last."""
    found: list[str] | None = None
    for _, node in nodes:
        declared = node.get("type")
        if declared is None:
            continue
        kinds = declared if isinstance(declared, list) else [declared]
        if found is None:
            found = list(kinds)
        else:
            both = [kind for kind in found if kind in kinds or (kind == "integer" and "number" in kinds)]
            found = both + [kind for kind in kinds if kind == "integer" and "number" in found and kind not in both]
    if found is None:
        literal = [kind_of(item) for _, node in nodes for item in _literals(node)]
        keywords = {keyword for _, node in nodes for keyword in node}
        found = literal or [kind for kind, of in _OF_KIND.items() if keywords & of] or [kind_of(hint) for hint in hints]
        found = list(dict.fromkeys(found)) or ["string"]
    liked = [kind_of(hint) for hint in hints]
    return sorted(found, key=lambda kind: (kind == "null", liked.index(kind) if kind in liked else len(liked)))


def _property(nodes: Parts, name: str) -> tuple[Parts, bool]:
    """The schemas of one property; and whether any of them names it, or says something about all others."""
    parts: list[Part] = []
    loose: list[Part] = []
    named = False
    for place, node in nodes:
        own = len(parts)
        properties = _map(node.get("properties"))
        if name in properties:
            parts.append((f"{place}/properties/{escape(name)}", properties[name]))
        for text, schema in _map(node.get("patternProperties")).items():
            if _matches(text, name):
                parts.append((f"{place}/patternProperties/{escape(text)}", schema))
        named = named or len(parts) > own
        if len(parts) == own and "additionalProperties" in node:
            parts.append((f"{place}/additionalProperties", node["additionalProperties"]))
        if "unevaluatedProperties" in node:
            loose.append((f"{place}/unevaluatedProperties", node["unevaluatedProperties"]))
    if not parts or not named:
        parts += loose
    return tuple(parts), named or bool(parts)


def _item(nodes: Parts, index: int, contained: int) -> Parts:
    """The schemas of one item of an array; the first `contained` ones keep `contains` as well."""
    parts: list[Part] = []
    for place, node in nodes:
        prefix = _listed(place, node, "prefixItems")
        if index < len(prefix):
            parts.append(prefix[index])
        elif "items" in node:
            parts.append((f"{place}/items", node["items"]))
        elif "unevaluatedItems" in node:
            parts.append((f"{place}/unevaluatedItems", node["unevaluatedItems"]))
        if "contains" in node and index < contained:
            parts.append((f"{place}/contains", node["contains"]))
    return tuple(parts)


def _listed(place: str, node: Mapping[str, Any], keyword: str) -> list[Part]:
    entries = node.get(keyword)
    return [(f"{place}/{keyword}/{i}", entry) for i, entry in enumerate(entries)] if isinstance(entries, list) else []


def _is_plain_text(node: Any) -> bool:
    return isinstance(node, Mapping) and node.get("type") == "string" and not node.keys() & _BINDING


_BINDING = frozenset(("enum", "const", "pattern", "format", "minLength", "maxLength", "allOf", "anyOf", "oneOf", "not"))


def _literals(node: Mapping[str, Any]) -> list[Any]:
    if "const" in node:
        return [node["const"]]
    return list(node["enum"]) if isinstance(node.get("enum"), list) else []


def _mapping(discriminator: Mapping[str, Any]) -> dict[str, str]:
    """The values of a discriminator and the schemas that they name; a bare name is one of a component."""
    return {
        key: target if "/" in target or target.startswith("#") else f"#/components/schemas/{escape(target)}"
        for key, target in _map(discriminator.get("mapping")).items()
        if isinstance(target, str)
    }


def _pinned(discriminator: Mapping[str, Any], key: str) -> Part:
    name = str(discriminator.get("propertyName"))
    return "", {"required": [name], "properties": {name: {"const": key}}}


def _is_null(node: Any) -> bool:
    return isinstance(node, Mapping) and (node.get("type") == "null" or node.get("enum") == [None])


def _is_free(node: Mapping[str, Any]) -> bool:
    closed = ("additionalProperties", "patternProperties", "unevaluatedProperties", "propertyNames", "minProperties")
    return all(node.get(keyword, True) is True for keyword in closed) and not node.get("required")


def _rotated(branches: list[Parts], salt: int) -> list[Parts]:
    """The branches from another one on; those of null stay last."""
    solid = [branch for branch in branches if not _is_null(branch[0][1])]
    start = salt % len(solid) if solid else 0
    return solid[start:] + solid[:start] + [branch for branch in branches if _is_null(branch[0][1])]


def _required_of(schema: Any) -> list[str]:
    return _names(schema.get("required")) if isinstance(schema, Mapping) else []


def _names(value: Any) -> list[str]:
    return [name for name in value if isinstance(name, str)] if isinstance(value, list) else []


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _count(node: Mapping[str, Any], keyword: str, default: float) -> float:
    found = node.get(keyword, default)
    return found if isinstance(found, (int, float)) else default


def _matches(text: str, name: str) -> bool:
    try:
        return re.search(text, name) is not None
    except re.error:
        return False


# --- scalars ----------------------------------------------------------------------------------------------------------


def _leaf_schema(node: Mapping[str, Any]) -> dict[str, Any]:
    kept = {keyword: node[keyword] for keyword in node if keyword in _LEAF}
    limits = _INTEGERS.get(str(kept.get("format")))
    if limits is not None and "integer" in str(kept.get("type")):
        kept["minimum"] = max(limits[0], kept.get("minimum", limits[0]))
        kept["maximum"] = min(limits[1], kept.get("maximum", limits[1]))
    return kept


@lru_cache(4096)
def _leaf(schemas: str) -> Any:
    """What judges a scalar: the keywords that need no other schema."""
    listed = json.loads(schemas)
    for options in (jsonschema_rs.RegexOptions(), jsonschema_rs.FancyRegexOptions(), None):
        if options is None:  # a pattern that no engine compiles is judged by nobody
            listed = [{key: item for key, item in one.items() if key != "pattern"} for one in listed]
        try:
            return jsonschema_rs.Draft202012Validator(
                {"allOf": listed},
                validate_formats=True,
                formats={"byte": _is_byte},
                pattern_options=options or jsonschema_rs.RegexOptions(),
                offline=True,
            )
        except (jsonschema_rs.ValidationError, ValueError):
            continue
    return jsonschema_rs.Draft202012Validator(True)


def _is_byte(text: str) -> bool:
    return re.fullmatch(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?", text) is not None


def _is_kind(found: Any, kind: str) -> bool:
    own = kind_of(found)
    return own == kind or (kind == "number" and own == "integer")


def _varied(hint: Any, salt: int) -> Any:
    if isinstance(hint, str):
        return f"{hint}-{salt}"
    return hint + salt if isinstance(hint, (int, float)) and not isinstance(hint, bool) else hint


def _strings(nodes: Sequence[Mapping[str, Any]], salt: int, name: str) -> Iterator[str]:
    low = int(max((_count(node, "minLength", 0) for node in nodes), default=0))
    high = min((_count(node, "maxLength", math.inf) for node in nodes), default=math.inf)
    for node in nodes:
        if (make := FORMATS.get(str(node.get("format")))) is not None:
            yield make(salt)
        if node.get("contentEncoding") == "base64":
            yield FORMATS["byte"](salt)
    word = name or "text"
    text = f"{word}-{salt}" if salt else word
    if len(text) > high:
        text = text[-int(high) :] if salt and high else text[: int(high)]
    yield text + "x" * (low - len(text))
    for node in nodes:
        if isinstance(node.get("pattern"), str):
            yield from pattern.texts(node["pattern"], salt)
    for node in nodes:
        if node.get("format") in ("uri", "iri", "uri-reference") and low:
            yield f"https://example.com/{'x' * low}"[: int(min(high, 4 * low + 40))]


def _numbers(nodes: Sequence[Mapping[str, Any]], salt: int, whole: bool) -> Iterator[float]:
    lows = [_count(node, key, -math.inf) for node in nodes for key in ("minimum", "exclusiveMinimum")]
    highs = [_count(node, key, math.inf) for node in nodes for key in ("maximum", "exclusiveMaximum")]
    for node in nodes:
        limits = _INTEGERS.get(str(node.get("format")))
        if limits:
            lows.append(limits[0])
            highs.append(limits[1])
    low, high = max(lows, default=-math.inf), min(highs, default=math.inf)
    steps = [node["multipleOf"] for node in nodes if _count(node, "multipleOf", 0) > 0]
    wish = min(max(1 + salt, low), high)
    if not whole:
        yield from (min(max(1.5 + salt, low), high), (low + high) / 2 if math.isfinite(low + high) else 0.5 + salt)
    for step in steps:
        for times in (
            math.ceil(wish / step),
            math.ceil(wish / step) + 1,
            math.floor(high / step) if high < 1e300 else 1,
            1,
            0,
        ):
            yield times * step if whole or isinstance(step, float) else float(times * step)
    for edge in (wish, wish + 1, wish - 1, low, low + 1, high, high - 1, 0):
        if math.isfinite(edge):
            yield int(edge) if whole and float(edge).is_integer() else math.ceil(edge) if whole else edge


# --- one constraint broken --------------------------------------------------------------------------------------------

_OTHERS: tuple[Any, ...] = ("text", 17, True, None, 1.5, [], {})


def _breaks(node: Mapping[str, Any], inner: Any) -> Iterator[tuple[str, str | None, Any]]:
    """Values in place of `inner` that may break one keyword of the schema each."""
    kinds = node.get("type")
    if kinds is not None:
        allowed = {kinds} if isinstance(kinds, str) else set(kinds)
        yield from (("type", None, other) for other in _OTHERS if not any(_is_kind(other, kind) for kind in allowed))
    literals = _literals(node)
    if literals:
        keyword = "const" if "const" in node else "enum"
        others = {"string": "unlisted", "integer": 987654, "number": 987654.5}
        yield keyword, None, others.get(kind_of(inner), "unlisted")
    if isinstance(inner, str):
        yield from _string_breaks(node, inner)
    elif isinstance(inner, (int, float)) and not isinstance(inner, bool):
        yield from _number_breaks(node, inner)
    elif isinstance(inner, list):
        if (low := _count(node, "minItems", 0)) and len(inner) >= low:
            yield "minItems", None, inner[: int(low) - 1]
        if (high := _count(node, "maxItems", math.inf)) < 5000 and inner:
            yield "maxItems", None, _longer(inner, int(high) + 1, node.get("uniqueItems") is True)
        if node.get("uniqueItems") is True and inner:
            yield "uniqueItems", None, [*inner, inner[0]]
            yield "uniqueItems", None, [inner[0], inner[0], *inner[2:]]
    elif isinstance(inner, Mapping):
        for name in _names(node.get("required")):
            if name in inner:
                yield "required", name, {key: item for key, item in inner.items() if key != name}
        for keyword in ("additionalProperties", "unevaluatedProperties"):
            if node.get(keyword) is False:
                yield keyword, "undeclared-zq", {**inner, "undeclared-zq": 17}
        if (low := _count(node, "minProperties", 0)) and len(inner) >= low:
            kept = [*_names(node.get("required")), *inner][: int(low) - 1]
            yield "minProperties", None, {key: item for key, item in inner.items() if key in kept}
        if (high := _count(node, "maxProperties", math.inf)) < 500 and inner:
            last = list(inner.values())[-1]
            more = {f"more-{index}": last for index in range(int(high) + 1 - len(inner))}
            yield "maxProperties", None, {**inner, **more}


def _string_breaks(node: Mapping[str, Any], inner: str) -> Iterator[tuple[str, str | None, Any]]:
    if "format" in node:
        yield from (("format", None, text) for text in ("\\ no such format %", "%", inner + "\\ %", "-"))
    if low := _count(node, "minLength", 0):
        yield "minLength", None, inner[: int(low) - 1]
    if (high := _count(node, "maxLength", math.inf)) < 100_000:
        yield "maxLength", None, inner + (inner[-1:] or "x") * (int(high) + 1 - len(inner))
        yield "maxLength", None, (inner[:1] or "x") * (int(high) + 1 - len(inner)) + inner
        if isinstance(node.get("pattern"), str):
            yield from (("maxLength", None, text) for text in pattern.texts(node["pattern"]) if len(text) > high)
    if isinstance(node.get("pattern"), str):
        size = len(inner)
        yield from (
            ("pattern", None, text)
            for text in (
                "\u2603" * max(size, 1),
                " " * max(size, 1),
                "-" * max(size, 1),
                f"{inner} !",
                f"! {inner}",
                "",
            )
        )


def _number_breaks(node: Mapping[str, Any], inner: float) -> Iterator[tuple[str, str | None, Any]]:
    step = node.get("multipleOf", 1)
    for keyword, sign, at in (
        ("minimum", -1, 1),
        ("maximum", 1, 1),
        ("exclusiveMinimum", -1, 0),
        ("exclusiveMaximum", 1, 0),
    ):
        bound = node.get(keyword)
        if isinstance(bound, (int, float)) and not isinstance(bound, bool):
            # Beyond what a double holds exactly, one more is the same number to many readers (RFC 8259, 6).
            away = step if abs(bound) < 2**53 else abs(int(bound)) >> 20
            yield keyword, None, bound + sign * away * at
            yield keyword, None, bound + sign * away
    if "multipleOf" in node:
        yield from (
            ("multipleOf", None, other) for other in (inner + 1, inner - 1, inner + step / 2, inner + step / 10)
        )
    if str(node.get("format")) in _INTEGERS:
        # Past the end of int64 there is one more that JSON writers still write.
        yield "format", None, _INTEGERS[str(node["format"])][1] + 1


def _longer(items: list[Any], count: int, unique: bool) -> list[Any]:
    if not unique:
        return [items[index % len(items)] for index in range(count)]
    first = items[0]
    fresh = [_varied(first, index) for index in range(1, count)]
    return [*items, *(item for item in fresh if item not in items)][:count]
