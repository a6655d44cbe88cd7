"""Whether a value keeps a schema, and if not, which keyword refuses what: one registry per document and direction."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache, cached_property
from itertools import islice
from typing import Any
from urllib.parse import quote

import jsonschema_rs
import orjson

from contract.core.dialect import to_2020_12
from contract.core.document import Document, escape, resolve, split
from contract.core.scopes import Scopes, has_dynamic

_URI = "urn:contract:document"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
_ALTERNATIVES = frozenset({"anyOf", "oneOf", "enum", "const"})
_DATA = frozenset({"example", "examples", "enum", "const", "default"})
_NAMED = frozenset({"properties", "patternProperties", "$defs", "responses", "schemas", "headers", "parameters"})
"""Maps whose keys are names: a response called `default` is no data, and a property called `enum` is none."""
_NO_URI = re.compile(r"[^A-Za-z0-9._~!$&'()*+,;=:@/?#%-]|%(?![0-9A-Fa-f]{2})")
"""What a URI reference may not hold (RFC 3986, 2): names in a pointer may."""
_LENIENT = "lenient"
_INTEGERS = {"int32": (-(2**31), 2**31 - 1), "int64": (-(2**63), 2**63 - 1)}


@dataclass(frozen=True, slots=True)
class SchemaError:
    """One refusal. Pointers are of the document; the instance pointer has its array indices folded to `*`."""

    pointer: str  # into the instance: "/items/*/due_at", "" for the whole of it
    exact: str  # the same with its indices: "/items/3/due_at"
    keyword: str
    component: str  # "#/components/schemas/Task/properties/due_at"
    name: str | None
    declared: str
    observed: str
    message: str


class Schemas:
    """The schemas of one document, compiled when first used."""

    def __init__(self, document: Document, lenient: bool = False) -> None:
        self._document = document
        self._lenient = lenient
        self._validators: dict[tuple[str, str], Any] = {}
        self._registries: dict[str, tuple[Mapping[str, Any], Any]] = {}
        self._places: dict[str, Mapping[str, Any] | None] = {}
        self.memo: dict[str, Any] = {}
        """What is worked out from the schemas once, by whoever asks."""
        self.read: tuple[object, Any] | None = None
        """The answer whose body was parsed last, and the value: whoever asks next need not parse it again."""
        self.repaired: list[str] = []
        """Pointers of patterns that no engine compiles; they are not judged."""
        self.unusable: dict[str, str] = {}
        """Pointers of schemas that cannot be compiled, with the reason; bodies they describe are not judged."""

    @cached_property
    def value(self) -> Mapping[str, Any]:
        """The document with its Schema Objects as JSON Schema 2020-12, every pointer as before."""
        return to_2020_12(self._document.value, self._document.family)

    @cached_property
    def lenient(self) -> Schemas:
        """The same schemas as values are held against that are shown, and neither a request nor an answer.

        `format` refuses nothing, and is an annotation (JSON Schema 2020-12, Validation, 7.2.1); what is `readOnly` or
        `writeOnly` may be there and may be left out.
        """
        made = Schemas(self._document, lenient=True)
        made.value, made._mentioned = self.value, self._mentioned
        return made

    @cached_property
    def scopes(self) -> Scopes | None:
        """The resources of a document with dynamic references; None for all others, which are one resource."""
        if self._document.family == "3.0" or not has_dynamic(self.value):
            return None
        return Scopes(self.value, _URI)

    def uri(self, pointer: str) -> str:
        """The address of a place of the document, for a schema that refers to it."""
        return document_uri(pointer) if self.scopes is None else self.scopes.uri(pointer)

    @cached_property
    def _integers(self) -> Mapping[str, Any]:
        is_marked = self._lenient and not self._mentioned.isdisjoint(("readOnly", "writeOnly"))
        marks = _Marks(self.value) if is_marked else None
        projected: Mapping[str, Any] = _project(self.value, _LENIENT if self._lenient else None, marks=marks)
        return projected

    def _root(self, direction: str) -> Mapping[str, Any]:
        mark = "readOnly" if direction == "request" else "writeOnly"
        if self._lenient or mark not in self._mentioned:
            return self._integers
        projected: Mapping[str, Any] = _project(self._integers, mark, marks=_Marks(self.value))
        return projected

    @cached_property
    def _mentioned(self) -> frozenset[str]:
        """What of this the document has anywhere: "readOnly", "writeOnly", "byte", "discriminator"."""
        return _mentioned(self.value)

    @cached_property
    def _marks(self) -> _Marks:
        return _Marks(self.value)

    def is_marked(self, node: Any, mark: str) -> bool:
        """True for a schema that is `readOnly` or `writeOnly`, itself or by what it refers to."""
        return mark in self._mentioned and self._marks.is_marked(node, mark)

    @property
    def discriminates(self) -> bool:
        """True if there is any discriminator."""
        return "discriminator" in self._mentioned

    def validator(self, pointer: str, direction: str) -> Any | None:
        """What judges values of the schema at `pointer`; None if that schema cannot be compiled."""
        key = (pointer, direction)
        if key not in self._validators:
            self._validators[key] = self._compile(pointer, direction)
        return self._validators[key]

    def _compile(self, pointer: str, direction: str) -> Any | None:
        reasons: list[str] = []
        made = self.built(direction, lambda root: {"$schema": DIALECT, "$ref": self.uri(pointer)}, reasons)
        if made is None:
            self.unusable[pointer] = reasons[-1]
        return made

    def built(
        self, direction: str, make: Callable[[Mapping[str, Any]], Any], reasons: list[str] | None = None
    ) -> Any | None:
        """What judges values of a schema that is made from the document of one direction, and may refer into it.

        None, with its reasons, if no engine compiles it. Patterns are matched in linear time where they allow it.
        """
        for attempt in ("linear", "backtracking", "repaired"):
            root, registry = self._registry(direction, repaired=attempt == "repaired")
            try:
                return jsonschema_rs.validator_for(
                    make(root),
                    registry=registry,
                    validate_formats=not self._lenient,
                    formats=self._formats,
                    offline=True,
                    pattern_options=jsonschema_rs.RegexOptions()
                    if attempt != "backtracking"
                    else jsonschema_rs.FancyRegexOptions(),
                )
            except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError) as error:
                if reasons is not None:
                    reasons.append(str(error).partition("\n")[0])
        return None

    @cached_property
    def _formats(self) -> dict[str, Callable[[str], bool]] | None:
        """Those that the validator does not know; asking for any slows it down by a fifth, wherever it is used."""
        return {"byte": _is_base64} if "byte" in self._mentioned else None

    def _registry(self, direction: str, repaired: bool) -> tuple[Mapping[str, Any], Any]:
        key = f"{direction} repaired" if repaired else direction
        if key not in self._registries:
            root: Any = self._root(direction)
            if repaired:
                root = _without_bad_patterns(root, "#", self.repaired)
            twin = next((pair for pair in self._registries.values() if pair[0] is root), None)
            resources = [(_URI, root)] if self.scopes is None else self.scopes.resources(root)
            self._registries[key] = twin or (root, jsonschema_rs.Registry(resources))
        return self._registries[key]

    def accepts(self, pointer: str, direction: str, value: Any) -> bool:
        """True if the schema takes the value, or cannot be compiled."""
        validator = self.validator(pointer, direction)
        return validator is None or bool(validator.is_valid(value))

    def errors(self, pointer: str, direction: str, value: Any) -> Iterator[SchemaError]:
        """Every refusal, each at its deepest place; equal ones of an array's items, or of two branches of an `allOf`, once.

        A value of another type is refused for that alone: that it is none of the alternatives either, says no more.
        """
        validator = self.validator(pointer, direction)
        if validator is None:
            return
        every = [
            found
            for error in _telling(validator.iter_errors(value))
            for found in self._explain(error, value, direction)
        ]
        types = {found.exact for found in every if found.keyword == "type"}
        seen: set[tuple[str, ...]] = set()
        for found in every:
            if found.keyword in _ALTERNATIVES and found.exact in types:
                continue
            identity = (found.keyword, found.component, found.name or "")
            demand = ("", found.pointer, found.keyword, found.declared, found.name or "")
            is_told = identity in seen or demand in seen
            seen |= {identity, demand}
            if not is_told:
                yield found

    def _explain(self, error: Any, value: Any, direction: str) -> Iterator[SchemaError]:
        kind = error.kind.name
        if kind in ("anyOf", "oneOf") and (branch := _likeliest(error.kind)):
            # The branch that was meant says more than "no branch fits"; the others differ in kind, not in content.
            for inner in _telling(branch):
                yield from self._explain(inner, value, direction)
            return
        place = located(error, value)
        exact, folded = "".join("/" + escape(str(part)) for part in place), star(place)
        schema_path: list[Any] = list(error.schema_path)
        if self.scopes is not None:
            schema_path = list(split(self.scopes.pointer(error.absolute_keyword_location or "")))
        keyword = str(schema_path[-1]) if schema_path else kind
        details = error.kind.as_dict()
        name: str | None = None
        if kind == "required":
            name, keyword = str(details["property"]), "required"
        elif kind in ("additionalProperties", "unevaluatedProperties"):
            for unexpected in details.get("unexpected", []):
                component = "#" + "".join("/" + escape(str(part)) for part in schema_path[:-1])
                item = at_place(value, [*place, unexpected])
                inner = list(self._below(f"{component}/{keyword}", direction, item))
                for found in inner:
                    below = f"/{escape(str(unexpected))}"
                    yield replace(found, pointer=folded + below + found.pointer, exact=exact + below + found.exact)
                if not inner:
                    yield _unexpected(folded, exact, keyword, component, str(unexpected))
            return
        owner = schema_path[:-1]
        if kind == "falseSchema" and keyword in ("additionalProperties", "unevaluatedProperties"):
            # `additionalProperties: false` without `properties` refuses the object, and does not say for which of them.
            component = "#" + "".join("/" + escape(str(part)) for part in owner)
            for name in _mapping(at_place(value, place)):
                yield _unexpected(folded, exact, keyword, component, name)
            return
        if kind == "falseSchema":
            owner, keyword = schema_path, "false"
            if "properties" in schema_path[-2:-1] and _marked_by_us(self.value, schema_path):
                keyword = "writeOnly" if direction == "response" else "readOnly"
        component = "#" + "".join("/" + escape(str(part)) for part in owner)
        schema = self.at(component)
        if schema is None:
            schema = {}
        instance = at_place(value, place)
        if isinstance(schema, Mapping) and keyword in ("minimum", "maximum") and keyword not in schema:
            keyword = "format"
        marked = keyword in ("writeOnly", "readOnly")
        yield SchemaError(
            folded,
            exact,
            keyword,
            component,
            name,
            describe(schema, keyword, name),
            # Marked values are secrets: their kind is told, never they themselves.
            f"property `{name}` is missing" if name else kind_of(instance) if marked else show(instance),
            _sentence(folded, keyword, name, schema, instance),
        )

    def _below(self, pointer: str, direction: str, value: Any) -> Iterator[SchemaError]:
        """What the schema for further properties refuses; nothing if it is `false`, and refuses them all."""
        try:
            if isinstance(resolve(self.value, pointer), Mapping):
                yield from self.errors(pointer, direction, value)
        except KeyError:
            return

    def undeclared(self, pointer: str, value: Any) -> Iterator[tuple[str, str, str, Any]]:
        """Properties that no schema at their place names, although it names others.

        Yields (pointer of the object, indices folded; component pointer; name; value). A property that any branch of
        `allOf`, `anyOf`, `oneOf`, `if`/`then`/`else` or `dependentSchemas` names is declared, whichever branch fits; so
        is one that is named by `required` alone.
        """
        from contract.core import strict

        names = strict.names_of(self, pointer)
        if names is not None and names.is_valid(value):
            return  # most of what drifts drifts otherwise, and telling costs twice as much as asking
        seen: set[tuple[str, str]] = set()
        for found in strict.unnamed(self, pointer, value) if names is not None else self.walk(pointer, value):
            if (found[1], found[2]) not in seen:
                seen.add((found[1], found[2]))
                yield found

    def walk(self, pointer: str, value: Any) -> Iterator[tuple[str, str, str, Any]]:
        """What `undeclared` says, found by walking through the value; one and the same property may come several times."""
        return self._undeclared((pointer,), value, "")

    def _undeclared(self, pointers: Sequence[str], value: Any, where: str) -> Iterator[tuple[str, str, str, Any]]:
        if isinstance(value, list):
            nodes = self._nodes(pointers)
            for index, item in enumerate(value):
                below = []
                for place, node in nodes:
                    prefix = node.get("prefixItems")
                    if isinstance(prefix, list) and index < len(prefix):
                        below.append(f"{place}/prefixItems/{index}")
                    elif isinstance(node.get("items"), Mapping):
                        below.append(f"{place}/items")
                    if isinstance(node.get("contains"), Mapping):
                        below.append(f"{place}/contains")
                if below:
                    yield from self._undeclared(below, item, f"{where}/*")
            return
        if not isinstance(value, Mapping):
            return
        nodes = self._nodes(pointers)
        owner = owner_of(nodes)
        # Named on purpose: a schema that says anything about other properties has declared them.
        is_open = owner is None or any(
            "additionalProperties" in node or "unevaluatedProperties" in node or "propertyNames" in node
            for _, node in nodes
        )
        sample = stands_for_any(self, nodes)
        if sample is not None and sample.describes(value):
            for name, item in value.items():
                yield from self._undeclared(sample.pointers, item, where + star([name]))
            return
        for name, item in value.items():
            below = []
            for place, node in nodes:
                properties = node.get("properties")
                if isinstance(properties, Mapping) and name in properties:
                    below.append(f"{place}/properties/{escape(name)}")
                for pattern in _mapping(node.get("patternProperties")):
                    if is_matched(pattern, name):
                        below.append(f"{place}/patternProperties/{escape(pattern)}")
            if below:
                yield from self._undeclared(below, item, where + star([name]))
                continue
            if not is_open and owner is not None:
                if not any(name in demanded(node) for _, node in nodes):
                    yield where, owner, name, item
                continue
            for place, node in nodes:
                for keyword in ("additionalProperties", "unevaluatedProperties"):
                    if isinstance(node.get(keyword), Mapping):
                        below.append(f"{place}/{keyword}")
            if below:
                yield from self._undeclared(below, item, where + star([name]))

    def _nodes(self, pointers: Sequence[str]) -> list[tuple[str, Mapping[str, Any]]]:
        memo: dict[tuple[str, ...], list[tuple[str, Mapping[str, Any]]]] = self.memo.setdefault("nodes", {})
        key = tuple(pointers)
        if key not in memo:
            if len(memo) > 4096:  # what a hostile document can make of them
                memo.clear()
            memo[key] = list(self.flatten(pointers))
        return memo[key]

    def at(self, pointer: str) -> Mapping[str, Any] | None:
        """The schema at a place; None if none is there."""
        try:
            return self._places[pointer]
        except KeyError:
            pass
        try:
            node = resolve(self.value, pointer)
        except KeyError:
            node = None
        found = self._places[pointer] = node if isinstance(node, dict) else None
        return found

    def flatten(self, pointers: Sequence[str]) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Every schema that speaks of the same value: behind `$ref`, and in the branches of combinators."""
        stack, seen = list(reversed(pointers)), set()
        while stack:
            place = stack.pop()
            if place in seen:
                continue
            seen.add(place)
            node = self.at(place)
            if node is None:
                continue
            yield place, node
            if isinstance(node.get("$ref"), str) and node["$ref"].startswith("#"):
                stack.append(node["$ref"])
            for keyword in ("allOf", "anyOf", "oneOf"):
                branches = node.get(keyword)
                if isinstance(branches, list):
                    stack.extend(f"{place}/{keyword}/{index}" for index in range(len(branches)))
            for keyword in ("if", "then", "else"):
                if isinstance(node.get(keyword), Mapping):
                    stack.append(f"{place}/{keyword}")
            stack.extend(f"{place}/dependentSchemas/{escape(name)}" for name in _mapping(node.get("dependentSchemas")))
            if isinstance(node.get("discriminator"), Mapping):
                mapping = _mapping(node["discriminator"].get("mapping"))
                stack.extend(
                    target for target in mapping.values() if isinstance(target, str) and target.startswith("#")
                )
                stack.extend(self.children(place))

    def children(self, parent: str) -> list[str]:
        """Components that extend a component by `allOf`, themselves or through others."""
        index: dict[str, list[str]] | None = self.memo.get("children")
        if index is None:
            index = {}
            components = _mapping(_mapping(self.value.get("components")).get("schemas"))
            for name, node in components.items():
                branches = _mapping(node).get("allOf")
                for branch in branches if isinstance(branches, list) else ():
                    if isinstance(branch, Mapping) and isinstance(branch.get("$ref"), str):
                        index.setdefault(branch["$ref"], []).append(f"#/components/schemas/{escape(name)}")
            self.memo["children"] = index
        found: dict[str, None] = {}
        stack = [parent]
        while stack:
            fresh = [child for child in index.get(stack.pop(), ()) if child not in found]
            found.update(dict.fromkeys(fresh))
            stack.extend(fresh)
        return list(found)


_MAKES = ("properties", "allOf", "anyOf", "oneOf")


def owner_of(nodes: Sequence[tuple[str, Mapping[str, Any]]]) -> str | None:
    """The schema that an undeclared property is missing from: behind references, in front of combinators.

    Which branch names properties first is a matter of their order, which changes no finding's identity. None if no
    schema of the place names any.
    """
    if not any(node.get("properties") for _, node in nodes):
        return None
    return next((place for place, node in nodes if any(node.get(keyword) for keyword in _MAKES)), None)


def _unexpected(where: str, exact: str, keyword: str, component: str, name: str) -> SchemaError:
    return SchemaError(
        where,
        exact,
        keyword,
        component,
        name,
        "no such property, and no others allowed",
        f"property {name}",
        f"`{name}` is sent, and the schema forbids what it does not name",
    )


def describe(schema: Any, keyword: str, name: str | None = None) -> str:
    """What a schema says with one keyword, in few words: `string, date-time`, `one of "todo", "done"`."""
    if not isinstance(schema, Mapping):
        return "nothing"
    if keyword == "required":
        return f"property `{name}`, required"
    if keyword in ("type", "format", "nullable") or keyword not in schema:
        return type_words(schema)
    limit = schema[keyword]
    if limit is True:
        return keyword
    if keyword == "enum" and isinstance(limit, list):
        shown = ", ".join(show(item) for item in limit[:8])
        return f"one of {shown}" + (f" and {len(limit) - 8} more" if len(limit) > 8 else "")
    if keyword in ("anyOf", "oneOf", "allOf", "not", "if", "then", "else", "items", "contains", "propertyNames"):
        return f"{keyword} of {len(limit)} schemas" if isinstance(limit, list) else keyword
    return f"{keyword} {show(limit)}"


def type_words(schema: Mapping[str, Any]) -> str:
    """`string, date-time`; `integer or null`; `object`."""
    kinds = schema.get("type")
    words = " or ".join(map(str, kinds)) if isinstance(kinds, list) else str(kinds) if kinds else "any value"
    return f"{words}, {schema['format']}" if isinstance(schema.get("format"), str) else words


def show(value: Any, limit: int = 60) -> str:
    """A value as compact JSON, cut at `limit` characters."""
    try:
        text = orjson.dumps(value).decode()
    except (TypeError, ValueError):  # a key or a number that JSON does not know
        text = repr(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def kind_of(value: Any) -> str:
    """The JSON type of a value."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    if isinstance(value, float):
        return "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object"


def _sentence(where: str, keyword: str, name: str | None, schema: Any, instance: Any) -> str:
    place = f"`{where}`" if where else "the value"
    if keyword == "required":
        return f"`{name}` is missing in {place}; the document requires it"
    if keyword == "type":
        return f"{place} is {kind_of(instance)}; the document says {type_words(schema)}"
    if keyword == "enum":
        return f"{place} is a value that the enum does not list"
    if keyword == "format":
        return f"{place} is no {schema.get('format', 'such format')}"
    if keyword in ("writeOnly", "readOnly"):
        return f"{place} is sent although it is {keyword}"
    return f"{place} breaks {describe(schema, keyword)}"


def demanded(node: Mapping[str, Any]) -> list[str]:
    """The names under `required`."""
    names = node.get("required")
    return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []


def _telling(errors: Iterable[Any]) -> Iterator[Any]:
    """The errors without those of `enum` and `const` where the same schema refuses the value's type: one fault, told once."""
    every = list(errors)
    types = {_place(error) for error in every if error.kind.name == "type"}
    for error in every:
        if error.kind.name not in ("enum", "const") or not types or _place(error) not in types:
            yield error


def _place(error: Any) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    return tuple(error.instance_path), tuple(error.schema_path)[:-1]


def _likeliest(kind: Any) -> list[Any] | None:
    """The branch that fails least: deepest first error, then fewest errors; None where a branch is not told apart."""
    context = getattr(kind, "context", None)
    branches: list[list[Any]] = list(context or ())
    if not branches or not all(branches):
        return None  # oneOf with more than one match

    def rank(branch: list[Any]) -> tuple[int, int]:
        depths = [len(list(error.instance_path)) for error in branch]
        return (-min(depths), len(branch))

    ranked = sorted(branches, key=rank)
    if len(ranked) > 1 and rank(ranked[0])[0] == rank(ranked[1])[0]:
        # A branch refused by a type at its root (`null` of a nullable) was not meant.
        rooted = [
            branch
            for branch in ranked
            if not any(
                error.kind.name == "type" and -rank(branch)[0] == len(list(error.instance_path)) for error in branch
            )
        ]
        if len(rooted) == 1:
            return rooted[0]
        return None
    return ranked[0]


def located(error: Any, value: Any) -> list[str | int]:
    """Where in the value an error lies.

    The validator's own path leaves out names that are empty, and says 7 for names such as "7", "07" and "+7": it is read
    again along the value, and where that leaves several ways, the one that leads to what was refused.
    """
    ways = list(islice(_ways(list(error.instance_path), value), 16))
    if len(ways) > 1:
        refused = error.instance
        ways = [way for way in ways if type(held := at_place(value, way)) is type(refused) and held == refused] or ways
    return ways[0] if ways else list(error.instance_path)


def _ways(path: Sequence[Any], value: Any) -> Iterator[list[str | int]]:
    if not path:
        yield []
    elif isinstance(value, Mapping):
        for key in _meant(path[0], value):
            yield from ([key, *rest] for rest in _ways(path[1:], value[key]))
    elif isinstance(value, list) and isinstance(path[0], int) and path[0] < len(value):
        yield from ([path[0], *rest] for rest in _ways(path[1:], value[path[0]]))
    if isinstance(value, Mapping) and "" in value:
        yield from (["", *rest] for rest in _ways(path, value[""]))


_NUMBER = re.compile(r"\+?[0-9]+")


def _meant(part: Any, value: Mapping[str, Any]) -> list[str]:
    """The names of an object that a part of a path may stand for, the plainest first."""
    if not isinstance(part, int):
        return [part] if part in value else []
    return sorted((name for name in value if len(name) < 64 and _NUMBER.fullmatch(name) and int(name) == part), key=len)


def star(place: Sequence[str | int]) -> str:
    """A place as a JSON Pointer, indices and names that are numbers folded."""
    return "".join("/*" if isinstance(part, int) or part.isdigit() else "/" + escape(part) for part in place)


def at_place(value: Any, path: Sequence[Any]) -> Any:
    for part in path:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def document_uri(pointer: str) -> str:
    """The address of a place of the document, for a schema that refers to it."""
    return _URI + "#" + quote(pointer.removeprefix("#"), safe="/~!$&'()*+,;=:@")


def _is_base64(value: str) -> bool:
    try:
        base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


def _marked_by_us(root: Mapping[str, Any], schema_path: Sequence[Any]) -> bool:
    """True unless the document itself says `false` there."""
    try:
        return resolve(root, "#" + "".join("/" + escape(str(part)) for part in schema_path)) is not False
    except KeyError:
        return True


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _mentioned(node: Any) -> frozenset[str]:
    found: set[str] = set()
    stack = [node]
    while stack:
        here = stack.pop()
        if type(here) is dict:
            for key, item in here.items():
                kind = type(item)
                if kind is dict or kind is list:
                    stack.append(item)
                elif item is True and (key == "readOnly" or key == "writeOnly"):
                    found.add(key)
                elif key == "format" and item == "byte":
                    found.add("byte")
                if key == "discriminator":
                    found.add(key)
        else:
            stack.extend(item for item in here if type(item) is dict or type(item) is list)
    return frozenset(found)


def is_matched(pattern: str, name: str) -> bool:
    """True if a property's name is one of `patternProperties`; what cannot be told is not called undeclared."""
    compiled = _pattern(pattern)
    return compiled is None or bool(compiled.is_valid(name))


@cache
def _pattern(pattern: str) -> Any | None:
    for options in (jsonschema_rs.RegexOptions(), jsonschema_rs.FancyRegexOptions()):
        try:
            return jsonschema_rs.validator_for({"pattern": pattern}, pattern_options=options)
        except (jsonschema_rs.ValidationError, ValueError):
            continue
    return None


@dataclass(frozen=True, slots=True)
class Sample:
    """The one property that stands for any name: documents describe maps by an example's key."""

    name: str
    pointers: tuple[str, ...]
    kinds: frozenset[str]  # JSON types of its values; empty for any
    least: int
    """So many names must be there: one that a property could have (`owner`) stands for a map only of several."""

    def describes(self, value: Mapping[str, Any]) -> bool:
        """True if the property is absent, and all those that are there have values of its type."""
        if len(value) < self.least or self.name in value:
            return False
        return not self.kinds or all(_is_of(item, self.kinds) for item in value.values())


def stands_for_any(schemas: Schemas, nodes: Sequence[tuple[str, Mapping[str, Any]]]) -> Sample | None:
    """The property that is an example of any, if the schemas of one place name just one."""
    if any("patternProperties" in node for _, node in nodes):
        return None
    named = {name for _, node in nodes for name in _mapping(node.get("properties"))}
    if len(named) != 1:
        return None
    (name,) = named
    found = tuple(
        f"{place}/properties/{escape(name)}" for place, node in nodes if name in _mapping(node.get("properties"))
    )
    kinds: set[str] = set()
    for _, node in schemas.flatten(found):
        declared = node.get("type")
        kinds.update(declared if isinstance(declared, list) else [declared] if declared else [])
    return Sample(name, found, frozenset(kinds), 2 if re.fullmatch(r"\w+(-\w+)*", name) else 1)


def _is_of(value: Any, kinds: frozenset[str]) -> bool:
    kind = kind_of(value)
    if kind == "integer" or (kind == "number" and value == int(value)):  # 1.0 is an integer (JSON Schema, 6.1.1)
        return "integer" in kinds or "number" in kinds
    return kind in kinds


class _Marks:
    """Which schemas are `readOnly` or `writeOnly`: themselves, behind a reference, or in a branch of `allOf`."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._targets: dict[str, list[Mapping[str, Any]]] = {}

    def is_marked(self, node: Any, drop: str) -> bool:
        if drop == _LENIENT:
            return self.is_marked(node, "readOnly") or self.is_marked(node, "writeOnly")
        return any(each.get(drop) is True for each in self._bound(node))

    def names(self, node: Mapping[str, Any], drop: str) -> frozenset[str]:
        """Properties so marked of what a value is whatever it is: an object that several schemas make together."""
        return frozenset(
            name
            for each in ([node] if "$ref" not in node and "allOf" not in node else self._bound(node))
            for name, item in _mapping(each.get("properties")).items()
            if self.is_marked(item, drop)
        )

    def _bound(self, node: Any) -> list[Mapping[str, Any]]:
        if not isinstance(node, Mapping):
            return []
        found = [node]
        if isinstance(reference := node.get("$ref"), str) and reference.startswith("#"):
            if reference not in self._targets:
                self._targets[reference] = []  # a circle adds nothing
                with suppress(KeyError):
                    self._targets[reference] = self._bound(resolve(self._root, reference))
            found += self._targets[reference]
        if isinstance(branches := node.get("allOf"), list):
            found += [each for branch in branches for each in self._bound(branch)]
        return found


def _project(
    node: Any, drop: str | None, parent: str = "", marks: _Marks | None = None, above: frozenset[str] = frozenset()
) -> Any:
    """The value for one direction; subtrees without a change are shared. `above` are names marked by the whole.

    With `drop`, properties so marked are no longer required, and refused where they are `writeOnly` (OpenAPI 3.0.3,
    4.7.24.2). Without it, `int32` and `int64` get their ranges: the validator knows no formats of numbers. With
    `_LENIENT` they get none, and no property that is marked either way is required.
    """
    if type(node) is list:
        fresh = [_project(item, drop, "", marks, above) for item in node]
        return node if all(new is old for new, old in zip(fresh, node, strict=True)) else fresh
    if type(node) is not dict:
        return node
    changed: dict[str, Any] = {}
    marked: frozenset[str] = frozenset()
    if drop is not None and marks is not None and parent not in _NAMED:
        marked = (
            above | marks.names(node, drop) if "properties" in node or "allOf" in node or "required" in node else above
        )
    for key, item in node.items():
        kind = type(item)
        if (kind is dict or kind is list) and (key not in _DATA or parent in _NAMED):
            inner = key if key in _NAMED and parent not in _NAMED else ""
            new = _project(item, drop, inner, marks, marked if key == "allOf" and not inner else frozenset())
            if new is not item:
                changed[key] = new
    if parent not in _NAMED:
        if drop is None or drop == _LENIENT:
            if isinstance(reference := node.get("$ref"), str) and _NO_URI.search(reference):
                changed["$ref"] = _NO_URI.sub(lambda found: quote(found[0]), reference)
            limits = _INTEGERS.get(node["format"]) if drop is None and isinstance(node.get("format"), str) else None
            kinds = node.get("type")
            if limits and (kinds == "integer" or (isinstance(kinds, list) and "integer" in kinds)):
                changed.setdefault("minimum", max(limits[0], node.get("minimum", limits[0])))
                changed.setdefault("maximum", min(limits[1], node.get("maximum", limits[1])))
        if drop is not None:
            required = node.get("required")
            if marked and isinstance(required, list) and not marked.isdisjoint(map(str, required)):
                changed["required"] = [name for name in required if name not in marked]
            properties = node.get("properties")
            if drop == "writeOnly" and isinstance(properties, Mapping) and marks is not None:
                refused = [name for name, item in properties.items() if marks.is_marked(item, drop)]
                if refused:
                    changed["properties"] = {**changed.get("properties", properties), **dict.fromkeys(refused, False)}
    return {**node, **changed} if changed else node


def _without_bad_patterns(node: Any, where: str, repaired: list[str]) -> Any:
    if isinstance(node, list):
        return [_without_bad_patterns(item, f"{where}/{index}", repaired) for index, item in enumerate(node)]
    if not isinstance(node, Mapping):
        return node
    fresh = {key: _without_bad_patterns(item, f"{where}/{escape(str(key))}", repaired) for key, item in node.items()}
    pattern = fresh.get("pattern")
    if isinstance(pattern, str) and not _compiles(pattern):
        del fresh["pattern"]
        if where not in repaired:
            repaired.append(where)
    return fresh


def _compiles(pattern: str) -> bool:
    try:
        jsonschema_rs.validator_for({"pattern": pattern}, pattern_options=jsonschema_rs.RegexOptions())
    except (jsonschema_rs.ValidationError, ValueError):
        return False
    return True
