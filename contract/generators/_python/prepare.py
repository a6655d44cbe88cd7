"""The schemas as datamodel-code-generator can take them, meaning what they meant."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

from contract.core.document import unescape
from contract.generators._python.plan import SCHEMAS, Plan

_NAMED = ("properties", "patternProperties", "$defs", "dependentSchemas")
_VALUES = ("default", "example", "examples", "enum", "const")
_KINDS: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (Mapping,),
    "null": (type(None),),
}


def prepared(plan: Plan) -> dict[str, Any]:
    """All schemas of the plan, by name."""
    alone = plan.document.family == "3.0"
    schemas = {name: _prepared(schema, alone) for name, schema in plan.schemas.items()}
    if not any(isinstance(each, Mapping) and _mentions_all_of(each) for each in schemas.values()):
        return schemas
    return {name: _Flat(schemas).schema(schema) for name, schema in schemas.items()}


def _mentions_all_of(node: Any) -> bool:
    todo = [node]
    while todo:
        each = todo.pop()
        if isinstance(each, Mapping):
            if isinstance(each.get("allOf"), list):
                return True
            todo.extend(each.values())
        elif isinstance(each, list):
            todo.extend(each)
    return False


_ANNOTATIONS = frozenset(
    {"title", "description", "example", "examples", "default", "deprecated", "readOnly", "writeOnly", "externalDocs"}
)
_CHOICES = ("oneOf", "anyOf", "enum")


class _Flat:
    """`allOf` of schemas that say something different of one property, as one object.

    The generator makes a class that inherits from the other and gives the member another type, which is an error for
    every type checker.
    """

    def __init__(self, schemas: Mapping[str, Any]) -> None:
        self.schemas = schemas

    def schema(self, node: Any, named: bool = False) -> Any:
        if isinstance(node, list):
            return [self.schema(each) for each in node]
        if not isinstance(node, Mapping):
            return node
        if not named and isinstance(node.get("allOf"), list) and self._conflicts(node):
            merged = self._merged(node, frozenset())
            if merged is not None:
                node = merged
        return {
            key: value
            if not named and key in _VALUES
            else self.schema(value, not named and key in _NAMED and isinstance(value, Mapping))
            for key, value in node.items()
        }

    def _conflicts(self, node: Mapping[str, Any]) -> bool:
        """True if two parts of an `allOf` say something different of one property, or only a later one requires it."""
        seen: dict[str, tuple[Any, bool]] = {}
        for part in self._parts(node, frozenset()):
            properties, required = part.get("properties"), part.get("required")
            for name, schema in properties.items() if isinstance(properties, Mapping) else ():
                bare, needed = _bare(schema), isinstance(required, list) and name in required
                if name in seen and (seen[name][0] != bare or needed > seen[name][1]):
                    return True
                seen.setdefault(name, (bare, needed))
        return False

    def _parts(self, node: Any, refs: frozenset[str]) -> Iterator[Mapping[str, Any]]:
        if not isinstance(node, Mapping):
            return
        reference = node.get("$ref")
        if isinstance(reference, str) and reference not in refs:
            yield from self._parts(self._behind(reference), refs | {reference})
        branches = node.get("allOf")
        for each in branches if isinstance(branches, list) else ():
            yield from self._parts(each, refs)
        yield node

    def _behind(self, reference: str) -> Any:
        if not reference.startswith(SCHEMAS):
            return None
        return self.schemas.get(unescape(reference.removeprefix(SCHEMAS)))

    def _merged(self, node: Mapping[str, Any], refs: frozenset[str]) -> dict[str, Any] | None:
        """One object that says what all parts say; None where a part says more than what its members are."""
        out: dict[str, Any] = {}
        for part in self._parts(node, refs):
            own = {key: value for key, value in part.items() if key not in ("allOf", "$ref", "discriminator", "xml")}
            if own.keys() & {"oneOf", "anyOf", "not", "if", "enum", "const", "items", "patternProperties"}:
                return None
            for key, value in own.items():
                if key == "properties" and isinstance(value, Mapping):
                    members = dict(out.get("properties", {}))
                    for name, schema in value.items():
                        members[name] = self._both(members[name], schema) if name in members else schema
                    out["properties"] = members
                elif key == "required" and isinstance(value, list):
                    out["required"] = list(dict.fromkeys([*out.get("required", ()), *value]))
                elif key == "additionalProperties" and out.get(key) is False:
                    continue
                else:
                    out[key] = value
        return out

    def _both(self, one: Any, other: Any) -> Any:
        """A property as two parts of an `allOf` declare it: the second, which is the narrower one, with what it leaves."""
        if not isinstance(one, Mapping) or not isinstance(other, Mapping) or one == other:
            return other
        if not other.keys() - _ANNOTATIONS:
            return {**one, **other} if "$ref" not in one else one
        if not one.keys() - _ANNOTATIONS or "$ref" in other:
            return other
        if "$ref" in one:
            behind = self._behind(str(one["$ref"]))
            if not isinstance(behind, Mapping) or behind.keys() & {"allOf", "oneOf", "anyOf", "$ref"}:
                return other
            one = behind
        if "const" in other or "enum" in other:
            one = {key: value for key, value in one.items() if key not in _CHOICES}
        merged = {**one, **other}
        for key in ("properties", "required", "items"):
            if key not in one or key not in other:
                continue
            if key == "properties" and isinstance(one[key], Mapping) and isinstance(other[key], Mapping):
                merged[key] = dict(one[key])
                for name, schema in other[key].items():
                    merged[key][name] = self._both(one[key][name], schema) if name in one[key] else schema
            elif key == "required" and isinstance(one[key], list) and isinstance(other[key], list):
                merged[key] = list(dict.fromkeys([*one[key], *other[key]]))
            elif key == "items":
                merged[key] = self._both(one[key], other[key])
        return merged


def _bare(schema: Any) -> Any:
    if not isinstance(schema, Mapping):
        return schema
    return {key: value for key, value in schema.items() if key not in _ANNOTATIONS}


def _prepared(node: Any, alone: bool, named: bool = False) -> Any:
    """The schema without what would spoil its class and means nothing.

    A default of another type than the schema's is none (OpenAPI 3.0.3, 4.7.24.1); `alone`: what stands beside a `$ref`
    is ignored (4.7.23), and would cost the class its name. `named`: the keys are names of properties, no keywords.
    """
    if isinstance(node, list):
        return [_prepared(each, alone) for each in node]
    if not isinstance(node, Mapping):
        return node
    if not named:
        if alone and isinstance(node.get("$ref"), str):
            return {"$ref": node["$ref"]}
        if "default" in node and not _is_of(node["default"], node):
            node = {key: value for key, value in node.items() if key != "default"}
        discriminator = node.get("discriminator")
        if isinstance(discriminator, Mapping) and "defaultMapping" in discriminator:
            # The property may be left out, or have any value (OpenAPI 3.2, 4.25.1): the members tell them apart.
            node = {key: value for key, value in node.items() if key != "discriminator"}
        node = _of_any_kind(_map_or_null(node))
    out = {}
    for key, value in node.items():
        if named:
            out[key] = _prepared(value, alone)
        elif key in ("example", "examples"):
            continue  # they are asked in the proof, and are a burden to the code
        elif key in ("title", "description") and isinstance(value, str):
            out[key] = value if value.isascii() and value.isprintable() else visible(value)
        elif key in _VALUES:
            out[key] = value
        else:
            out[key] = _prepared(value, alone, key in _NAMED and isinstance(value, Mapping))
    return out


def visible(text: str) -> str:
    """A text of the document whose every character can be seen: a comment that turns the reading order is none."""
    return "".join(
        f"\\u{ord(each):04x}" if each not in "\n\t" and unicodedata.category(each) in _HIDDEN else each
        for each in text.replace("\r\n", "\n")
    )


_HIDDEN = ("Cc", "Cf", "Cs", "Zl", "Zp")


def _map_or_null(node: Mapping[str, Any]) -> Mapping[str, Any]:
    """A map that may be null as a choice of both: with a list of types the generator forgets what the map holds."""
    kinds = node.get("type")
    if not isinstance(kinds, list) or set(kinds) != {"object", "null"} or "properties" in node:
        return node
    if not isinstance(node.get("additionalProperties"), Mapping) and "patternProperties" not in node:
        return node
    about = {key: value for key, value in node.items() if key in _ANNOTATIONS}
    rest = {key: value for key, value in node.items() if key not in _ANNOTATIONS}
    return {**about, "anyOf": [{**rest, "type": "object"}, {"type": "null"}]}


_LIMITS = {
    "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    "string": ("minLength", "maxLength", "pattern", "format"),
}


def _of_any_kind(node: Mapping[str, Any]) -> Mapping[str, Any]:
    """A limit without a type holds for its own kind of value only, and all others are free; a class must be told so."""
    limits = {kind: {key: node[key] for key in keys if key in node} for kind, keys in _LIMITS.items()}
    about = ("title", "description", "default", "example", "examples", "deprecated", "readOnly", "writeOnly", "xml")
    known = {key for each in limits.values() for key in each} | set(about)
    if not any(limits.values()) or any(key not in known and not str(key).startswith("x-") for key in node):
        return node
    kinds = ("number", "string", "boolean", "array", "object", "null")
    branches = [{"type": kind, **limits.get(kind, {})} for kind in kinds]
    return {**{key: value for key, value in node.items() if key in about}, "anyOf": branches}


def _is_of(value: Any, schema: Mapping[str, Any]) -> bool:
    declared = schema.get("type")
    kinds = [declared] if isinstance(declared, str) else declared
    if not isinstance(kinds, list) or (value is None and schema.get("nullable") is True):
        return True
    return any(
        isinstance(value, _KINDS.get(str(kind), (object,))) and isinstance(value, bool) <= (kind == "boolean")
        for kind in kinds
    )
