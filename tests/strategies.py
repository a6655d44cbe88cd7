"""Hypothesis strategies for whole documents and the exchanges of their operations.

`documents()` are small descriptions that use most of what OpenAPI has; `exchanges(contract)` keep the document most of
the time and break it in one or two random places otherwise; `judged_pairs()` are both together. What is drawn first is
the plainest, so that a failing example shrinks to a few lines.

An exchange is made to conform by reading the schemas, not by asking our judge: where keywords meet that no constructor
serves (`not`, `if`, bounds beside `allOf`), it may break the document by accident, which is as welcome.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any
from urllib.parse import quote

from hypothesis import strategies as st

from contract.core.document import Document, Location, resolve
from contract.core.evidence import Exchange, Request, Response, Traffic
from contract.core.openapi import Contract

Draw = Callable[[st.SearchStrategy[Any]], Any]

PROPERTIES = ("id", "name", "tags", "a/b", "é", "due_at")
EXTRA = "zz"
"""A property and a parameter that no document here names."""
_SCALARS = ("string", "integer", "boolean", "number")
_FORMATS = {
    "date": "2024-02-29",
    "date-time": "2024-02-29T12:30:00Z",
    "uuid": "3b241101-e2bb-4255-8caf-4136c566a962",
    "email": "a@example.com",
    "ipv4": "127.0.0.1",
    "uri": "https://example.com/a?b=c",
    "byte": "YWI=",
    "time": "12:30:00Z",
    "hostname": "example.com",
    "password": "secret",
}
_PATTERNS = {"^[a-z]+$": "ab", "^\\d{2}$": "42", "x": "axb"}
_WRONG: tuple[Any, ...] = (None, True, 0, "", "x", -1, 1.5, 1.0, [], {}, 2**40, "2024-13-01", [None], {"zz": 1})
_BOUNDS = ("minimum", "exclusiveMinimum", "maximum")
_WRONG_TEXTS = ("no", "-5", "", "1,x", "a=b", "1.5", "1.0", "true", "null", "1_0", "nan", "yes")
_PATHS = ("/a", "/a/{id}", "/a/mine", "/b/{id}/c", "/b/{id}.{ext}")
_METHODS = ("get", "post", "put", "delete", "patch", "head")
_RESPONSES = ("200", "default", "404", "2XX", "201", "4XX", "204", "200", "500", "200", "5XX", "2XX", "200")
_JSON_MEDIA = (
    "application/json",
    "application/*",
    "*/*",
    "application/problem+json",
    "application/json; charset=utf-8",
)
_OTHER_MEDIA = ("text/plain", "application/x-www-form-urlencoded", "text/*", "application/octet-stream")
_HEADERS = ("X-Count", "X-Tags", "ETag", "Content-Type", "X-Meta")
_STYLES = {
    "query": (
        ("form", True),
        ("form", False),
        ("spaceDelimited", False),
        ("pipeDelimited", False),
        ("deepObject", True),
    ),
    "path": (
        ("simple", False),
        ("simple", True),
        ("label", False),
        ("label", True),
        ("matrix", False),
        ("matrix", True),
    ),
    "header": (("simple", False), ("simple", True)),
    "cookie": (("form", False), ("form", True)),
}


@cache
def _below(count: int) -> st.SearchStrategy[int]:
    return st.integers(0, count - 1)


class _Dice:
    """Cheap draws; each shrinks to the first choice, to False and to the smallest number."""

    def __init__(self, draw: Draw) -> None:
        self.draw = draw

    def below(self, count: int) -> int:
        """A number from 0 to `count` - 1."""
        return int(self.draw(_below(count)))

    def pick(self, options: Sequence[Any]) -> Any:
        return options[self.below(len(options))] if len(options) > 1 else options[0]

    def chance(self, count: int) -> bool:
        """True once in `count` times."""
        return self.below(count) == count - 1

    def number(self, most: int) -> int:
        return self.below(most + 1)

    def some(self, options: Sequence[Any], most: int) -> list[Any]:
        """Up to `most` different ones, in the order given."""
        count = self.number(min(most, len(options)))
        start = self.below(len(options)) if count else 0
        return [options[(start + step) % len(options)] for step in range(count)]


# --- documents -----------------------------------------------------------------------------------------------------


class _Author(_Dice):
    """Writes one document."""

    def __init__(self, draw: Draw, family: str) -> None:
        super().__init__(draw)
        self.family = family
        self.old = family == "3.0"
        self.names: list[str] = []
        self.at = 0  # the component that is being written; a definite reference only leads to later ones
        self.union = False

    def document(self) -> dict[str, Any]:
        self.names = ["A", "B", "C"][: self.number(3)]
        self.union = self.chance(3)
        schemas = {}
        for name in self.names:
            schemas[name] = self.schema(2)
            self.at += 1
        self.at = -1
        if self.union:
            schemas |= self.kinds()
        components: dict[str, Any] = {}
        if schemas:
            components["schemas"] = schemas
        components["parameters"] = {"P": self.parameter("query", "p")}
        components["headers"] = {"H": self.header()}
        if self.chance(3):
            components["responses"] = {"R": self.response()}
        if self.chance(3):
            components["requestBodies"] = {"Q": self.request_body()}
        self.components = components
        paths: dict[str, Any] = {}
        for _ in range(self.pick((1, 1, 2, 1, 3, 4))):
            path = self.pick(_PATHS)
            item = paths.setdefault(path, {})
            method = self.pick(_METHODS)
            if not item and path.endswith("{id}") and self.chance(4):
                item["parameters"] = [self.parameter("query", "shared")]
            item[method] = self.operation(path, method)
        value: dict[str, Any] = {
            "openapi": {"3.0": "3.0.3", "3.1": "3.1.0", "3.2": "3.2.0"}[self.family],
            "info": {"title": "t", "version": "1"},
            "paths": paths,
            "components": components,
        }
        if self.chance(4):
            value["servers"] = [{"url": self.pick(("/v1", "https://api.example.com/api/v1/", "/"))}]
        return value

    def operation(self, path: str, method: str) -> dict[str, Any]:
        parameters = [self.parameter("path", name) for name in ("id", "ext") if f"{{{name}}}" in path]
        if "{ext}" in path:  # two values in one segment: neither has a dot, or nobody could tell them apart
            parameters[0] = {"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}}
            parameters[1] = {**parameters[0], "name": "ext", "schema": {"type": "string", "enum": ["json", "csv"]}}
        for location, name in self.some(
            (("query", "q"), ("query", "limit"), ("header", "X-Ask"), ("cookie", "c"), ("query", "filter")), 3
        ):
            parameters.append(self.parameter(location, name))
        if self.chance(4):
            parameters.append({"$ref": "#/components/parameters/P"})
        operation: dict[str, Any] = {"responses": self.responses()}
        if parameters:
            operation["parameters"] = parameters
        if method in ("post", "put", "patch") and not self.chance(4):
            shared = "requestBodies" in self.components and self.chance(2)
            operation["requestBody"] = {"$ref": "#/components/requestBodies/Q"} if shared else self.request_body()
        return operation

    def responses(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for _ in range(1 + self.number(2)):
            shared = "responses" in self.components and self.chance(3)
            found[self.pick(_RESPONSES)] = {"$ref": "#/components/responses/R"} if shared else self.response()
        return found

    def response(self) -> dict[str, Any]:
        node: dict[str, Any] = {"description": ""}
        if not self.chance(5):
            node["content"] = self.content()
        for name in self.some(_HEADERS, 2):
            shared = self.chance(4)
            node.setdefault("headers", {})[name] = {"$ref": "#/components/headers/H"} if shared else self.header()
        return node

    def request_body(self) -> dict[str, Any]:
        node: dict[str, Any] = {"content": self.content()}
        if self.chance(2):
            node["required"] = True
        return node

    def content(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for _ in range(1 + self.number(1)):
            if self.chance(5):
                name = self.pick(_OTHER_MEDIA)
                schema = self.form() if "form" in name else {"type": "string", "maxLength": 3}
            else:
                name, schema = self.pick(_JSON_MEDIA), self.schema(3)
            found[name] = {} if self.chance(12) else {"schema": schema}
        if self.family == "3.2" and self.chance(3):
            found["application/jsonl"] = {"itemSchema": self.schema(2)}
        return found

    def form(self) -> dict[str, Any]:
        names = self.some(PROPERTIES, 3)
        return {
            "type": "object",
            "properties": {name: self.scalar() for name in names},
            **({"required": names[:1]} if names and self.chance(2) else {}),
        }

    def header(self) -> dict[str, Any]:
        node: dict[str, Any] = {"schema": self.flat(("simple", False))}
        if self.chance(2):
            node["required"] = True
        if self.chance(4):
            node["explode"] = True
        return node

    def parameter(self, location: str, name: str) -> dict[str, Any]:
        node: dict[str, Any] = {"name": name, "in": location}
        if location == "path" or self.chance(3):
            node["required"] = True
        if location in ("query", "header") and self.chance(10):
            node["content"] = {"application/json": {"schema": self.schema(1)}}
            return node
        style = self.pick(_STYLES[location])
        default = _STYLES[location][0]
        # An exploded object in a cookie would be many cookies; the standard does not say so, nor the opposite. Of two in
        # one query nobody could tell whose a property is.
        spread = (location, style) != ("query", ("form", True)) or name == "filter"
        node["schema"] = self.scalar() if (location, style[1]) == ("cookie", True) else self.flat(style, spread)
        if style[0] != default[0]:
            node["style"] = style[0]
        if style[1] != (style[0] == "form"):
            node["explode"] = style[1]
        if location == "query" and self.chance(12):
            node["allowEmptyValue"] = True
        return node

    def flat(self, style: tuple[str, bool], spread: bool = True) -> dict[str, Any]:
        """A schema whose values go into one text by this style."""
        shapes = {"deepObject": ("object",), "spaceDelimited": ("array",), "pipeDelimited": ("array",)}
        usual = ("scalar", "scalar", "array", "object", "nullable")
        shape = self.pick(shapes.get(style[0], usual if spread else tuple(each for each in usual if each != "object")))
        if shape == "array":
            node: dict[str, Any] = {"type": "array", "items": self.scalar()}
            if self.chance(4):
                node[self.pick(("minItems", "maxItems"))] = 1
            return node
        if shape == "object":
            return self.form()
        node = self.scalar()
        return self.nullable(node) if shape == "nullable" else node

    # --- schemas ---

    def schema(self, depth: int) -> Any:
        """A schema for bodies, at most `depth` levels deep."""
        if depth <= 0:
            node: Any = self.scalar()
        else:
            kind = self.pick(
                ("object", "scalar", "array", "object", "ref", "allOf", "oneOf", "anyOf", "union", "any", "odd")
            )
            node = getattr(self, f"_{kind}")(depth)
        if isinstance(node, dict) and self.chance(5):
            node = self.nullable(node)
        return node

    def nullable(self, node: dict[str, Any]) -> dict[str, Any]:
        if self.old:
            return {**node, "nullable": True}
        kind = node.get("type")
        if isinstance(kind, str):
            return {**node, "type": [kind, "null"]}
        return {"anyOf": [node, {"type": "null"}]}

    def scalar(self) -> dict[str, Any]:
        extra, which = divmod(self.number(23), 4)  # one draw for both: this is the most frequent choice of all
        kind = _SCALARS[which]
        node: dict[str, Any] = {"type": kind}
        if kind == "string":
            if extra == 1:
                node["enum"] = ["x", "y", "z"][: 1 + self.number(2)]
            elif extra == 2:
                node["format"] = self.pick(tuple(_FORMATS))
            elif extra == 3:
                node[self.pick(("minLength", "maxLength"))] = self.number(3)
            elif extra == 4:
                node["pattern"] = self.pick(tuple(_PATTERNS))
            elif extra == 5 and not self.old:
                node = {"const": "x"}
        elif kind in ("integer", "number"):
            if extra == 1:
                node["minimum"] = self.number(3)
            elif extra == 2:
                node["maximum"] = self.number(3)
            elif extra == 3:
                if self.old:
                    node |= {"minimum": self.number(3), "exclusiveMinimum": not self.chance(4)}
                else:
                    node["exclusiveMinimum"] = self.number(3)
            elif extra == 4 and kind == "integer":
                node["format"] = self.pick(("int32", "int64"))
            elif extra == 4:
                node["multipleOf"] = 0.5
            elif extra == 5 and kind == "integer":
                node["enum"] = [1, 2]
        return node

    def _scalar(self, depth: int) -> dict[str, Any]:
        return self.scalar()

    def _any(self, depth: int) -> Any:
        return {} if self.old else self.pick(({}, True))

    def _array(self, depth: int) -> dict[str, Any]:
        extra = self.number(7)
        items = self.reference(definite=extra == 5) or self.schema(depth - 1)
        node: dict[str, Any] = {"type": "array", "items": items}
        if extra == 5:
            node["minItems"] = 1
        elif extra == 6:
            node["maxItems"] = 2
        elif extra == 7:
            node["uniqueItems"] = True
        if not self.old and self.chance(5):
            node["prefixItems"] = [self.scalar() for _ in range(1 + self.number(1))]
            if self.chance(2):
                node["unevaluatedItems" if self.chance(2) else "items"] = False
                if "unevaluatedItems" in node:
                    del node["items"]
        elif not self.old and self.chance(8):
            node["contains"] = self.scalar()
        return node

    def reference(self, definite: bool) -> dict[str, Any] | None:
        """A `$ref` to a component; a definite one (whose value must be there) leads to later ones only."""
        known = self.names[self.at + 1 :] if definite else self.names
        if not known or not self.chance(3):
            return None
        node: dict[str, Any] = {"$ref": f"#/components/schemas/{self.pick(known)}"}
        if not definite and self.chance(6):
            node |= self.pick(({"description": "d"}, {"maxProperties": 1}, {"type": "string"}))
        return node

    def _ref(self, depth: int) -> Any:
        return self.reference(True) or self._object(depth)

    def _object(self, depth: int, names: Sequence[str] = PROPERTIES) -> dict[str, Any]:
        chosen = self.some(names, 3)
        node: dict[str, Any] = {"type": "object"}
        required = []
        for name in chosen:
            needed = self.chance(2)
            if needed:
                required.append(name)
            below = (self.reference(needed) if depth > 1 else None) or self.schema(depth - 1)
            if isinstance(below, dict) and "$ref" not in below and self.chance(8):
                below = {**below, self.pick(("readOnly", "writeOnly")): True}
            node.setdefault("properties", {})[name] = below
        if required:
            node["required"] = required
        extra = self.number(9)
        if extra == 5:
            node["additionalProperties"] = False
        elif extra == 6:
            node["additionalProperties"] = True
        elif extra == 7:
            node["additionalProperties"] = self.scalar()
        elif extra == 8:
            node[self.pick(("minProperties", "maxProperties"))] = self.number(2)
        elif extra == 9:
            del node["type"]
        if not self.old and self.chance(5):
            node |= self.pick(
                (
                    {"patternProperties": {"^x-": self.scalar()}},
                    {"unevaluatedProperties": False},
                    {"dependentRequired": {"id": ["name"]}},
                    {"propertyNames": {"maxLength": 4}},
                    {"patternProperties": {"z": self.scalar()}, "additionalProperties": False},
                    {"dependentSchemas": {"id": {"properties": {"more": self.scalar()}}}},
                    {"if": {"required": ["id"]}, "then": {"properties": {"more": self.scalar()}}},
                    {"unevaluatedProperties": self.scalar()},
                )
            )
        return node

    def _branch(self, depth: int, names: Sequence[str]) -> Any:
        return self.reference(True) or self._object(depth - 1, names)

    def _allOf(self, depth: int) -> dict[str, Any]:
        node: dict[str, Any] = {"allOf": [self._branch(depth, PROPERTIES[:3]), self._branch(depth, PROPERTIES[3:])]}
        if self.chance(4):
            node |= self._object(0, ("name",))
        if not self.old and self.chance(4):
            node["unevaluatedProperties"] = False
        return node

    def _oneOf(self, depth: int) -> dict[str, Any]:
        first = self._branch(depth, PROPERTIES[:4])
        return {"oneOf": [first, self.schema(0) if self.chance(2) else self._branch(depth, PROPERTIES[2:])]}

    def _anyOf(self, depth: int) -> dict[str, Any]:
        node: dict[str, Any] = {"anyOf": [self._branch(depth, PROPERTIES[:3]), self._branch(depth, PROPERTIES[2:])]}
        if not self.old and self.chance(4):
            node["unevaluatedProperties"] = False
        return node

    def _odd(self, depth: int) -> Any:
        return self.pick(
            (
                {"not": {"type": "string"}},
                {"type": "object", "not": {"required": ["id"]}, "properties": {"id": {}, "name": {"type": "string"}}},
                {"type": "string", "not": {"enum": ["x"]}},
                {"allOf": [self.scalar()], "description": "d"},
            )
        )

    def _union(self, depth: int) -> dict[str, Any]:
        if not self.union:
            return self._object(depth)
        if self.chance(3):
            return {"$ref": "#/components/schemas/Pet"}
        spec: dict[str, Any] = {"propertyName": "kind"}
        if self.chance(2):
            spec["mapping"] = {"cat": "#/components/schemas/Cat", "dog": "Dog"}
        return {
            self.pick(("oneOf", "anyOf")): [{"$ref": "#/components/schemas/Cat"}, {"$ref": "#/components/schemas/Dog"}],
            "discriminator": spec,
        }

    def kinds(self) -> dict[str, Any]:
        """Two schemas that a property tells apart, and a parent that knows its children by name."""
        told = {"type": "string"} if self.chance(2) else None
        kinds = {
            name: {
                "type": "object",
                "required": ["kind", own],
                "properties": {
                    "kind": told or {"type": "string", "enum": [name, name.lower()]},
                    own: self.scalar(),
                },
            }
            for name, own in (("Cat", "lives"), ("Dog", "barks"))
        }
        return kinds | {
            "Pet": {
                "type": "object",
                "required": ["kind"],
                "properties": {"kind": {"type": "string"}},
                "discriminator": {"propertyName": "kind"},
            },
            "Fish": {
                "allOf": [
                    {"$ref": "#/components/schemas/Pet"},
                    {"type": "object", "properties": {"fins": {"type": "integer"}}},
                ]
            },
        }


@st.composite
def documents(draw: Draw, families: Sequence[str] = ("3.0", "3.1")) -> dict[str, Any]:
    """Small whole OpenAPI documents: one to four operations and what they refer to."""
    return _Author(draw, families[draw(_below(len(families)))]).document()


def document(value: Mapping[str, Any]) -> Document:
    """The value as a Document that lies in no file."""
    return Document(
        path="openapi.json",
        version=value["openapi"],
        value=value,
        sha256="0" * 64,
        locate=lambda pointer: Location("openapi.json", 1, 1),
        origin=lambda pointer: ("openapi.json", pointer),
        problems=lambda: [],
    )


@st.composite
def contracts(draw: Draw, families: Sequence[str] = ("3.0", "3.1")) -> Contract:
    """The documents, each as a Contract."""
    return Contract(document(draw(documents(families))))


# --- values --------------------------------------------------------------------------------------------------------


class _Caller(_Dice):
    """Speaks to the operations of one document."""

    def __init__(self, draw: Draw, root: Mapping[str, Any]) -> None:
        super().__init__(draw)
        self.root = root
        self.old = str(root["openapi"]).startswith("3.0")

    def follow(self, node: Any) -> Any:
        while isinstance(node, Mapping) and isinstance(node.get("$ref"), str):
            node = resolve(self.root, node["$ref"])
        return node

    def value(self, schema: Any, direction: str, depth: int = 5) -> Any:
        """A value that the schema most likely takes."""
        if isinstance(schema, bool):
            return self.pick(("any", 1, None, {}))
        if "$ref" in schema:
            return self.value(resolve(self.root, schema["$ref"]), direction, depth)
        kind = schema.get("type")
        if self.old and schema.get("nullable") is True and kind and self.chance(3):
            return None
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self.pick(schema["enum"])
        if isinstance(kind, list):
            kind = self.pick(kind)
        parts = []
        for keyword in ("allOf", "oneOf", "anyOf"):
            branches = schema.get(keyword)
            if branches:
                chosen = branches if keyword == "allOf" else [self.pick(branches)]
                for branch in chosen:
                    part = self.value(branch, direction, depth - 1)
                    if "discriminator" in schema and isinstance(part, dict) and not self.chance(6):
                        part["kind"] = self._named(schema["discriminator"], branch)
                    parts.append(part)
        if parts and not isinstance(parts[0], dict):
            return parts[0]
        if "not" in schema and kind is None:
            return self.pick((1, None, {}))
        if kind == "object" or (kind is None and ("properties" in schema or parts)):
            merged: dict[str, Any] = {}
            for part in parts:
                merged |= part if isinstance(part, dict) else {}
            return merged | self.mapping(schema, direction, depth)
        if kind == "array":
            return self.sequence(schema, direction, depth)
        if kind is None:
            return self.pick(("any", 1, None, {"id": 1}, [1]))
        return None if kind == "null" else self.plain(kind, schema)

    def _named(self, discriminator: Mapping[str, Any], branch: Mapping[str, Any]) -> str:
        name = str(branch.get("$ref", "#/x/x/Cat")).rpartition("/")[2]
        mapped = [key for key, to in discriminator.get("mapping", {}).items() if to.rpartition("/")[2] == name]
        return str(mapped[0] if mapped else name)

    def plain(self, kind: str, schema: Mapping[str, Any]) -> Any:
        if kind == "string":
            if "pattern" in schema:
                return _PATTERNS.get(schema["pattern"], "x")
            if "format" in schema:
                return _FORMATS.get(schema["format"], "x")
            text = self.pick(("ab", "", "x y", "a,b", "1", "true", "ü/&="))
            return (text + "abc"[: schema.get("minLength", 0)])[: schema.get("maxLength")]
        if kind == "boolean":
            return self.pick((True, False))
        low = schema.get("minimum", schema.get("exclusiveMinimum", 0))
        low = (low if not isinstance(low, bool) else 0) + (1 if "exclusiveMinimum" in schema else 0)
        bound = next((schema[key] for key in _BOUNDS if type(schema.get(key)) is int), None)
        if bound is not None and self.chance(5):
            return bound  # taken or refused, as the bound is inclusive or not
        high = schema.get("maximum", low + 3)
        number = low + self.number(max(0, int(high - low)))
        return number if kind == "integer" else self.pick((number, number + 0.0, float(high)))

    def sequence(self, schema: Mapping[str, Any], direction: str, depth: int) -> list[Any]:
        least = schema.get("minItems", 0)
        count = least if depth <= 0 else max(least, min(self.number(2), schema.get("maxItems", 2)))
        found = [self.value(entry, direction, depth - 1) for entry in schema.get("prefixItems", ())[: max(count, 1)]]
        items = schema.get("items", False if "prefixItems" in schema else {})
        while items is not False and len(found) < count:
            found.append(self.value(items, direction, depth - 1))
        if "contains" in schema:
            found.append(self.value(schema["contains"], direction, depth - 1))
        if schema.get("uniqueItems"):
            found = list({json.dumps(item, sort_keys=True): item for item in found}.values())
        return found

    def mapping(self, schema: Mapping[str, Any], direction: str, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        hidden = "readOnly" if direction == "request" else "writeOnly"
        for name, below in schema.get("properties", {}).items():
            needed = name in schema.get("required", ()) or name in ("kind", "lives", "barks")
            if isinstance(below, Mapping) and below.get(hidden) is True:
                continue
            if needed or (depth > 0 and not self.chance(3)):
                found[name] = self.value(below, direction, depth - 1)
        other = schema.get("additionalProperties")
        if other is not None and other is not False and depth > 0 and self.chance(3):
            found["other"] = self.value(other, direction, depth - 1)
        for pattern, below in schema.get("patternProperties", {}).items():
            if self.chance(3):
                found["x-1" if pattern == "^x-" else "zz"] = self.value(below, direction, depth - 1)
        return found

    # --- breaking ---

    def spoiled(self, value: Any) -> Any:
        """The value changed in one place: retyped, left out or added to."""
        places: list[tuple[Any, Any]] = []
        holders: list[dict[str, Any]] = []
        todo = [value := json.loads(json.dumps(value))]
        while todo:
            node = todo.pop()
            if isinstance(node, dict):
                holders.append(node)
            for key, item in (
                node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
            ):
                places.append((node, key))
                todo.append(item)
        how = self.number(2)
        if how == 0 and holders:
            self.pick(holders)[EXTRA] = 1
        elif how == 1 and places:
            holder, key = self.pick(places)
            del holder[key]
        elif places and not self.chance(5):
            holder, key = self.pick(places)
            holder[key] = self.pick(_WRONG)
        else:
            return self.pick(_WRONG)
        return value

    # --- exchanges ---

    def exchange(self) -> Exchange:
        path = self.pick(list(self.root["paths"]))
        item = self.root["paths"][path]
        method = self.pick([name for name in item if name != "parameters"])
        operation = item[method]
        breaks = {self.pick(_BREAKS) for _ in range(self.pick((0, 1, 0, 1, 2)))}
        parameters = {
            (node["name"], node["in"]): node
            for node in map(self.follow, [*item.get("parameters", ()), *operation.get("parameters", ())])
        }
        url, headers = self.addressed(path, list(parameters.values()), breaks)
        body = None
        if "requestBody" in operation:
            declared = self.follow(operation["requestBody"])
            if "no-body" not in breaks and (declared.get("required") or not self.chance(4)):
                media, body = self.content(declared.get("content", {}), "request", breaks)
                if media is not None:
                    headers.append(("Content-Type", media))
        if "unknown-method" in breaks:
            method = self.pick(("trace", "options", "head"))
        request = Request(method.upper(), url, tuple(headers), body)
        traffic = self.pick((Traffic.REAL, Traffic.TEST, Traffic.FUZZ, Traffic.SYNTHETIC, Traffic.REPLAY))
        if self.chance(20):
            return Exchange(request, None, "test", traffic, failure="no answer in time")
        return Exchange(request, self.response(method, operation, breaks), "test", traffic)

    def addressed(
        self, path: str, parameters: list[Mapping[str, Any]], breaks: set[str]
    ) -> tuple[str, list[tuple[str, str]]]:
        query: list[str] = []
        headers: list[tuple[str, str]] = []
        cookies: list[str] = []
        spoiled = self.pick(parameters) if parameters and "parameter" in breaks else None
        for node in parameters:
            location, name = node["in"], node["name"]
            if location != "path" and node is not spoiled and not node.get("required") and self.chance(3):
                continue
            if node is spoiled and location != "path" and self.chance(3):
                continue
            content = node.get("content")
            schema = next(iter(content.values()))["schema"] if content else node["schema"]
            value = self.value(schema, "request", 2)
            if node is spoiled:
                value = self.spoiled(value) if self.chance(2) else self.pick(_WRONG_TEXTS)
            if content:
                pairs = [(name, json.dumps(value))]
            else:
                pairs = wire(name, location, node.get("style"), node.get("explode"), value)
            if location == "path":
                path = path.replace(f"{{{name}}}", pairs[0][1] or "0", 1)
            elif location == "query":
                quoted = content is not None
                query += [f"{key}={quote(text) if quoted else text}" for key, text in pairs]
            elif location == "header":
                headers += [(key, text) for key, text in pairs if text.isascii()]
            else:
                pairs = [pair for pair in pairs if pair[0].isascii()]
                cookies += [f"{key}={quote(text, safe=',') if quoted_cookie(text) else text}" for key, text in pairs]
        if cookies:
            headers.append(("Cookie", "; ".join(cookies)))
        if "unknown-parameter" in breaks:
            query.append(f"{EXTRA}=1")
        if "unknown-path" in breaks:
            path += "/nowhere"
        base = _base(self.root)
        return base + path + ("?" + "&".join(query) if query else ""), headers

    def content(self, content: Mapping[str, Any], direction: str, breaks: set[str]) -> tuple[str | None, bytes]:
        """A media type that the content covers, and a body in it."""
        name = self.pick(list(content)) if content else "application/json"
        sent = {"application/*": "application/json", "*/*": "application/json", "text/*": "text/plain"}.get(name, name)
        entry = content.get(name, {})
        if f"{direction}-media" in breaks:
            sent = self.pick(("text/csv", "application/vnd.api+json", "image/png", "Application/JSON", None))
        if sent == "application/json" and self.chance(6):
            sent = "application/json; charset=utf-8"
        if "itemSchema" in entry:
            lines = [self.value(entry["itemSchema"], direction) for _ in range(self.number(2))]
            if f"{direction}-body" in breaks:
                lines.append(self.spoiled(lines[0] if lines else {}))
            return sent, b"".join(json.dumps(line).encode() + b"\n" for line in lines)
        schema = entry.get("schema", {})
        value = self.value(schema, direction)
        if f"{direction}-body" in breaks:
            value = self.spoiled(value)
        if "malformed" in breaks:
            return sent, self.pick((b"{", b"", b"{}x", b'"\xff"', b"NaN"))
        if "form" in name:
            pairs = value.items() if isinstance(value, dict) else ()
            return sent, "&".join(f"{quote(key)}={quote(_text(item))}" for key, item in pairs).encode()
        if name.startswith(("text/", "application/octet")):
            return sent, str(value).encode()
        return sent, json.dumps(value).encode()

    def response(self, method: str, operation: Mapping[str, Any], breaks: set[str]) -> Response:
        key = self.pick(list(operation["responses"]))
        declared = self.follow(operation["responses"][key])
        status = int(key) if key.isdigit() else {"2XX": 202, "4XX": 422, "5XX": 503, "default": 400}[key]
        if "status" in breaks:
            status = self.pick((418, 200, 302, 500, 204, 304, 201, 101))
        headers: list[tuple[str, str]] = []
        nodes = declared.get("headers", {})
        spoiled = self.pick(list(nodes)) if nodes and "header" in breaks else None
        for name, node in nodes.items():
            node = self.follow(node)
            if name == "Content-Type" or (not node.get("required") and self.chance(3)):
                continue
            value = self.value(node["schema"], "response", 2)
            if name == spoiled:
                if self.chance(3):
                    continue
                value = self.pick(_WRONG_TEXTS)
            text = wire(name, "header", "simple", node.get("explode"), value)
            headers += [(key, part) for key, part in text if part.isascii()]
        body = b""
        content = declared.get("content")
        if content and status not in (204, 304, 101):
            media, body = self.content(content, "response", breaks)
            if media is not None:
                headers.append(("Content-Type", media))
            if method == "head" and not self.chance(8):
                body = b""  # its answer ends with the header section (RFC 9110, 9.3.2)
        elif content is None and self.chance(3):
            headers.append(("Content-Type", "application/json"))
            body = b'{"zz": 1}'
        return Response(status, tuple(headers), body, truncated=self.chance(25))


_BREAKS = (
    "response-body",
    "response-body",
    "response-body",
    "request-body",
    "parameter",
    "status",
    "response-media",
    "header",
    "header",
    "malformed",
    "unknown-parameter",
    "request-media",
    "no-body",
    "unknown-path",
    "unknown-method",
)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def quoted_cookie(text: str) -> bool:
    """True for a text that a cookie cannot hold as it is (RFC 6265, 4.1.1)."""
    return any(sign in ' ";,\\' or not sign.isascii() for sign in text)


def wire(name: str, location: str, style: str | None, explode: bool | None, value: Any) -> list[tuple[str, str]]:
    """The (name, text) pairs of a value by its style (OpenAPI 3.1.1, 4.8.12.6; RFC 6570), none for an empty list.

    Texts of path and query are percent-encoded; those of headers and cookies are as they are.
    """
    style = style or ("form" if location in ("query", "cookie") else "simple")
    explode = style == "form" if explode is None else explode

    def encode(item: Any) -> str:
        return quote(_text(item), safe="") if location in ("query", "path") else _text(item)

    if isinstance(value, list):
        items = [encode(item) for item in value]
        flat, named = items, [(name, item) for item in items]
    elif isinstance(value, dict):
        texts = {encode(key): encode(item) for key, item in value.items()}
        if style == "deepObject":
            return [(f"{name}[{key}]", text) for key, text in texts.items()]
        flat = [part for pair in texts.items() for part in pair]
        named = list(texts.items())
    else:
        text = encode(value)
        prefix = {"label": ".", "matrix": f";{name}=" if text else f";{name}"}.get(style, "")
        return [(name, prefix + text)]
    if style == "matrix":
        joined = "".join(f";{key}={text}" for key, text in named) if explode else f";{name}={','.join(flat)}"
        return [(name, joined)]
    if style == "label":
        if explode:
            flat = flat if isinstance(value, list) else [f"{key}={text}" for key, text in named]
        return [(name, "." + ("." if explode else ",").join(flat))]
    if style == "simple":
        if explode and isinstance(value, dict):
            flat = [f"{key}={text}" for key, text in named]
        return [(name, ",".join(flat))]
    if not flat:
        return []
    if explode and style == "form":
        return named
    delimiter = {"spaceDelimited": "%20", "pipeDelimited": "%7C"}.get(style, ",")
    return [(name, delimiter.join(flat))]


def _base(root: Mapping[str, Any]) -> str:
    servers = root.get("servers") or [{"url": "/"}]
    url: str = servers[0]["url"]
    path = url.partition("://")[2].partition("/")[2] if "://" in url else url
    return ("/" + path.strip("/")).rstrip("/")


@st.composite
def exchanges(draw: Draw, contract: Contract) -> Exchange:
    """An exchange of an operation of the contract; most keep it, the others break it in one or two random places."""
    return _Caller(draw, contract.root).exchange()


@st.composite
def judged_pairs(draw: Draw, families: Sequence[str] = ("3.0", "3.1")) -> tuple[Contract, Exchange]:
    """A contract and an exchange to judge by it."""
    value = draw(documents(families))
    return Contract(document(value)), _Caller(draw, value).exchange()


class _Recorded(_Caller):
    """Speaks without Hypothesis: the same exchanges for the same seed."""

    def __init__(self, seed: int, root: Mapping[str, Any]) -> None:
        super().__init__(lambda strategy: None, root)
        self._random = random.Random(seed)

    def below(self, count: int) -> int:
        return self._random.randrange(count)


def recorded(contract: Contract, count: int, seed: int = 0) -> list[Exchange]:
    """A fixed set of exchanges of the contract's operations, where no example need shrink."""
    caller = _Recorded(seed, contract.root)
    return [caller.exchange() for _ in range(count)]
