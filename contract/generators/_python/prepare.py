"""The schemas as datamodel-code-generator can take them, meaning what they meant."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from contract.core.document import escape, unescape
from contract.generators._python import words
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
    schemas = {name: _list_of_itself(name, _prepared(schema, alone)) for name, schema in plan.schemas.items()}
    merged = {name for name, schema in schemas.items() if _mentions_all_of(schema)}
    if merged:
        flat = _Flat(schemas)
        schemas = {name: flat.schema(schema) if name in merged else schema for name, schema in schemas.items()}
    said = _Said(schemas)
    return _shared({name: said.schema(schema) for name, schema in schemas.items()})


def _mentions_all_of(node: Any) -> bool:
    text = words.written(node)
    if text is not None:
        return b'"allOf":[' in text
    return any(isinstance(each.get("allOf"), list) for each in words.nodes(node))


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
        self.kinds = frozenset(_kinds(schemas))

    def schema(self, node: Any, named: bool = False) -> Any:
        if isinstance(node, list):
            return [self.schema(each) for each in node]
        if not isinstance(node, dict):
            return node
        if not named and isinstance(node.get("allOf"), list) and self._conflicts(node):
            merged = self._merged(node, frozenset())
            if merged is not None:
                node = merged
        return {
            key: value
            if not named and key in _VALUES
            else self.schema(value, not named and key in _NAMED and isinstance(value, dict))
            for key, value in node.items()
        }

    def _conflicts(self, node: Mapping[str, Any]) -> bool:
        """True if two parts of an `allOf` say something different of one property, or only a later one requires it.

        Or if none declares what one requires, one limits what another is, or the generator would give a base and its
        heir each its own value of a discriminator's property.
        """
        if any(name in self.kinds for name in self._bases(node, frozenset())):
            return True
        seen: dict[str, tuple[Any, bool]] = {}
        asked: set[str] = set()
        for part in self._parts(node, frozenset()):
            properties, required = part.get("properties"), part.get("required")
            for name, schema in properties.items() if isinstance(properties, dict) else ():
                bare, needed = _bare(schema), isinstance(required, list) and name in required
                if name in seen and (seen[name][0] != bare or needed > seen[name][1]):
                    return True
                seen.setdefault(name, (bare, needed))
            if isinstance(required, list) and any(name in seen and not seen[name][1] for name in required):
                return True  # of what another part declares: a member may not lose its default on the way down
            asked.update(required if isinstance(required, list) else ())
            if part is not node and "discriminator" in part and _lists_kinds(part):
                return True
            if part is not node and "type" not in part and part.keys() & _LIMITING:
                return True
        return bool(asked - seen.keys())

    def _parts(self, node: Any, refs: frozenset[str]) -> Iterator[Mapping[str, Any]]:
        if not isinstance(node, dict):
            return
        reference = node.get("$ref")
        if isinstance(reference, str) and reference not in refs:
            yield from self._parts(self._behind(reference), refs | {reference})
        branches = node.get("allOf")
        for each in branches if isinstance(branches, list) else ():
            yield from self._parts(each, refs)
        yield node

    def _bases(self, node: Any, seen: frozenset[str]) -> Iterator[str]:
        branches = node.get("allOf") if isinstance(node, dict) else None
        for each in branches if isinstance(branches, list) else ():
            reference = each.get("$ref") if isinstance(each, dict) else None
            if isinstance(reference, str) and reference not in seen:
                yield unescape(reference.removeprefix(SCHEMAS))
                yield from self._bases(self._behind(reference), seen | {reference})

    def _behind(self, reference: str) -> Any:
        if not reference.startswith(SCHEMAS):
            return None
        return self.schemas.get(unescape(reference.removeprefix(SCHEMAS)))

    def _merged(self, node: Mapping[str, Any], refs: frozenset[str]) -> dict[str, Any] | None:
        """One object that says what all parts say; None where a part says more than what its members are."""
        out: dict[str, Any] = {}
        for part in self._parts(node, refs):
            own = {
                key: value
                for key, value in part.items()
                if key not in ("allOf", "$ref", "discriminator", "xml") and not _only_requires(key, value)
            }
            if own.keys() & {"oneOf", "anyOf", "not", "if", "enum", "const", "items", "patternProperties"}:
                return None
            for key, value in own.items():
                if key == "properties" and isinstance(value, dict):
                    members = dict(out.get("properties", {}))
                    for name, schema in value.items():
                        members[name] = self._both(members[name], schema) if name in members else schema
                    out["properties"] = members
                elif key == "required" and isinstance(value, list):
                    out["required"] = list(dict.fromkeys([*out.get("required", ()), *value]))
                elif key == "additionalProperties" and out.get(key) is False:
                    continue
                elif key in _LIMITING - {"multipleOf", "pattern"} and key in out:
                    is_more = isinstance(value, bool) or key in _LEAST
                    out[key] = max(out[key], value) if is_more else min(out[key], value)
                else:
                    out[key] = value
        return out

    def _both(self, one: Any, other: Any) -> Any:
        """A property as two parts of an `allOf` declare it: the second, which is the narrower one, with what it leaves."""
        if not isinstance(one, dict) or not isinstance(other, dict) or one == other:
            return other
        if not other.keys() - _ANNOTATIONS:
            return {**one, **other} if "$ref" not in one else one
        if not one.keys() - _ANNOTATIONS or "$ref" in other:
            return other
        if "$ref" in one:
            behind = self._behind(str(one["$ref"]))
            if not isinstance(behind, dict) or behind.keys() & {"allOf", "oneOf", "anyOf", "$ref"}:
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


def _only_requires(key: str, branches: Any) -> bool:
    """True for a choice of what is required, which no class can say."""
    return key in ("anyOf", "oneOf") and all(
        isinstance(each, dict) and not each.keys() - _ANNOTATIONS - {"required", "type"} for each in branches
    )


def _lists_kinds(node: Mapping[str, Any]) -> bool:
    discriminator, properties = node["discriminator"], node.get("properties")
    name = discriminator.get("propertyName") if isinstance(discriminator, dict) else None
    own = properties.get(name) if isinstance(properties, dict) else None
    return isinstance(own, dict) and bool(own.keys() & {"enum", "const", "$ref"})


def _kinds(schemas: Mapping[str, Any]) -> Iterator[str]:
    """Components of which a discriminator chooses one."""
    for schema in schemas.values():
        text = words.written(schema)
        if text is not None and b'"discriminator":{' not in text:
            continue
        for each in words.nodes(schema):
            if isinstance(each.get("discriminator"), Mapping):
                for branch in [*(each.get("oneOf") or ()), *(each.get("anyOf") or ())]:
                    if isinstance(branch, dict) and isinstance(branch.get("$ref"), str):
                        yield unescape(branch["$ref"].removeprefix(SCHEMAS))


class _Said:
    """What the generator reads past, or writes as code that no type checker takes.

    - What is required and nowhere declared is a member of any kind.
    - A default is kept where it is written as what the member is: a text, a number, a member of an enumeration. It means
      nothing for what is read, and elsewhere the generator writes the bare value where an object of a class belongs.
    - A discriminator whose schemas list other values than those by which it means them is none, since the generator
      leaves them these: the members tell the schemas apart. Nor is one whose property need not be given, which a class
      would require.
    """

    def __init__(self, schemas: Mapping[str, Any]) -> None:
        self.schemas = schemas

    def schema(self, node: Any, is_member: bool = False, is_part: bool = False) -> Any:
        """`is_member`: the value of a property. `is_part`: a branch of an `allOf`, whose members others may declare."""
        if not isinstance(node, dict):
            return node
        out: dict[str, Any] = {}
        for key, value in node.items():
            if key == "default" and not (self.is_enumeration(node) or (is_member and self.keeps(value, node))):
                continue
            if key == "discriminator" and self.misleads(node):
                continue
            if not isinstance(value, (dict, list)) or key in _VALUES:
                out[key] = value
            elif isinstance(value, list):
                is_all = key == "allOf"
                out[key] = [self.schema(each, is_part=is_all) if isinstance(each, dict) else each for each in value]
            elif key in _NAMED:
                are_members = key == "properties"
                out[key] = {name: self.schema(each, are_members) for name, each in value.items()}
            else:
                out[key] = self.schema(value)
        return out if is_part or "required" not in out else _requiring(out)

    def behind(self, node: Any) -> Any:
        """The schema that a reference leads to, and that of an `allOf` of one."""
        seen: set[str] = set()
        while isinstance(node, dict):
            if isinstance(reference := node.get("$ref"), str):
                if reference in seen:
                    return None
                seen.add(reference)
                node = self.schemas.get(unescape(reference.removeprefix(SCHEMAS)))
            elif isinstance(parts := node.get("allOf"), list) and len(parts) == 1 and "properties" not in node:
                node = parts[0]
            else:
                return node
        return None

    def is_enumeration(self, node: Any) -> bool:
        found = self.behind(node)
        return isinstance(found, dict) and isinstance(found.get("enum"), list)

    def keeps(self, value: Any, node: Any, is_branch: bool = False) -> bool:
        found = self.behind(node)
        if not isinstance(found, dict):
            return False
        if value is None:
            return _takes_null(found)
        if isinstance(listed := found.get("enum"), list):
            return value in listed
        if found is not node or "allOf" in found:
            return False
        for word in ("anyOf", "oneOf"):
            if isinstance(branches := found.get(word), list):
                return any(self.keeps(value, each, True) for each in branches)
        if isinstance(value, list):
            return _is_of(value, found) and all(self.keeps(each, found.get("items"), True) for each in value)
        if isinstance(value, dict):
            return not value and _is_of(value, found) and "properties" not in found
        if is_branch and found.keys() & _LIMITING:
            return False
        plain = not isinstance(value, str) or found.get("format") in (None, *_PLAIN)
        return plain and "type" in found and _is_of(value, found)

    def misleads(self, node: Mapping[str, Any]) -> bool:
        discriminator = node["discriminator"]
        name = discriminator.get("propertyName") if isinstance(discriminator, dict) else None
        mapping = discriminator.get("mapping") if isinstance(discriminator, dict) else None
        for word in ("oneOf", "anyOf"):
            for each in node.get(word) or ():
                if isinstance(each, dict) and each.get("type") != "null" and not self.requires(each, name, frozenset()):
                    return True
                reference = each.get("$ref") if isinstance(each, dict) else None
                if not isinstance(reference, str):
                    if isinstance(each, dict) and "properties" not in each and each.get("type") != "null":
                        return True
                    continue
                meant = [
                    value
                    for value, to in (mapping.items() if isinstance(mapping, dict) else ())
                    if to in (reference, reference.removeprefix(SCHEMAS))
                ] or [unescape(reference.removeprefix(SCHEMAS))]
                said = self.member(each, name, frozenset())
                taken = said.get("enum", [said["const"]] if "const" in said else None)
                if isinstance(taken, list) and not set(map(str, taken)) <= set(meant):
                    return True
        return False

    def requires(self, node: Any, name: Any, refs: frozenset[str]) -> bool:
        """True if a schema, or a part of its `allOf`, requires a property; each branch of a choice."""
        if not isinstance(node, dict):
            return False
        reference = node.get("$ref")
        if isinstance(reference, str):
            known = self.schemas.get(unescape(reference.removeprefix(SCHEMAS)))
            return reference not in refs and self.requires(known, name, refs | {reference})
        required = node.get("required")
        if isinstance(required, list) and name in required:
            return True
        if any(self.requires(each, name, refs) for each in node.get("allOf") or ()):
            return True
        choices = [branches for word in ("oneOf", "anyOf") if isinstance(branches := node.get(word), list) and branches]
        return any(all(self.requires(each, name, refs) for each in branches) for branches in choices)

    def member(self, node: Any, name: Any, refs: frozenset[str]) -> Mapping[str, Any]:
        """What a schema, or a part of its `allOf`, says of a property."""
        if not isinstance(node, dict):
            return {}
        reference = node.get("$ref")
        if isinstance(reference, str):
            if reference in refs:
                return {}
            node = self.schemas.get(unescape(reference.removeprefix(SCHEMAS)))
            return self.member(node, name, refs | {reference})
        properties = node.get("properties")
        own = self.behind(properties.get(name)) if isinstance(properties, dict) else None
        if isinstance(own, dict) and own.keys() & {"enum", "const"}:
            return own
        parts = node.get("allOf")
        found = (self.member(each, name, refs) for each in (parts if isinstance(parts, list) else ()))
        return next((each for each in found if each), {})


_PLAIN = ("email", "idn-email", "ulid", "password", "uri", "hostname", "int32", "int64", "float", "double")
_LIMITING = frozenset(
    {
        *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
        *("minLength", "maxLength", "pattern", "minItems", "maxItems", "uniqueItems"),
    }
)


_LEAST = frozenset({"minimum", "exclusiveMinimum", "minLength", "minItems"})


def _takes_null(schema: Mapping[str, Any]) -> bool:
    kinds = schema.get("type")
    if schema.get("nullable") is True or kinds == "null" or (isinstance(kinds, list) and "null" in kinds):
        return True
    branches = [each for word in ("anyOf", "oneOf") for each in schema.get(word) or ()]
    return any(isinstance(each, dict) and _takes_null(each) for each in branches)


def _requiring(node: dict[str, Any]) -> dict[str, Any]:
    """With a member for each property that is required and not declared."""
    required, declared, rest = node.get("required"), node.get("properties", {}), node.get("additionalProperties")
    if not isinstance(required, list) or not isinstance(declared, dict) or rest is False:
        return node
    if node.keys() & {"allOf", "anyOf", "oneOf", "$ref", "patternProperties"}:
        return node
    missing = {str(name): rest if isinstance(rest, dict) else {} for name in required if name not in declared}
    return {**node, "properties": {**declared, **missing}} if missing else node


def _shared(schemas: dict[str, Any]) -> dict[str, Any]:
    """Schemas in line that would be called as a component, and are the same, as references to it.

    The generator makes one class of both, and says of it only that it is the one in line.
    """
    known = {_squashed(name): name for name in schemas}

    def below(node: Any, path: str, own: str) -> Any:
        if not isinstance(node, dict):
            return node
        fresh: dict[str, Any] = {}
        members = node.get("properties")
        if isinstance(members, dict):
            made = {
                name: each
                if not isinstance(each, dict) or _HOLDING.isdisjoint(each)
                else child(each, path + _squashed(str(name)), own)
                for name, each in members.items()
            }
            if any(made[name] is not each for name, each in members.items()):
                fresh["properties"] = made
        for key in ("items", "additionalProperties"):
            if key in node and (item := child(node[key], path, own)) is not node[key]:
                fresh[key] = item
        return {**node, **fresh} if fresh else node

    def child(node: Any, path: str, own: str) -> Any:
        if isinstance(node, dict) and isinstance(node.get("properties"), Mapping):
            for one in (path, path.removesuffix("s"), path.removesuffix("es"), path.removesuffix("ies") + "y"):
                name = known.get(one)
                if name is not None and name != own and _bare(schemas[name]) == _bare(node):
                    return {"$ref": SCHEMAS + escape(name)}
        return below(node, path, own)

    return {name: below(schema, _squashed(name), name) for name, schema in schemas.items()}


_HOLDING = frozenset({"properties", "items", "additionalProperties"})


@lru_cache(maxsize=16384)
def _squashed(name: str) -> str:
    return re.sub(r"[\W_]", "", name).lower()


def _bare(schema: Any) -> Any:
    if not isinstance(schema, dict):
        return schema
    return {key: value for key, value in schema.items() if key not in _ANNOTATIONS}


def _prepared(node: Any, alone: bool, named: bool = False, is_part: bool = False) -> Any:
    """The schema without what would spoil its class and means nothing.

    A default of another type than the schema's is none (OpenAPI 3.0.3, 4.7.24.1); `alone`: what stands beside a `$ref`
    is ignored (4.7.23), and would cost the class its name. `named`: the keys are names of properties, no keywords.
    `is_part`: a branch of an `allOf`, or several.
    """
    if isinstance(node, list):
        return [_prepared(each, alone, is_part=is_part) if isinstance(each, (dict, list)) else each for each in node]
    if not isinstance(node, dict):
        return node
    if not named:
        if alone and isinstance(node.get("$ref"), str):
            return {"$ref": node["$ref"]}
        if "default" in node and not _is_of(node["default"], node):
            node = {key: value for key, value in node.items() if key != "default"}
        discriminator = node.get("discriminator")
        if isinstance(discriminator, dict) and "defaultMapping" in discriminator:
            # The property may be left out, or have any value (OpenAPI 3.2, 4.25.1): the members tell them apart.
            node = {key: value for key, value in node.items() if key != "discriminator"}
        if "format" in node:
            node = _formatted(node)
        if isinstance(node.get("type"), list):
            node = _map_or_null(node)
        if not is_part and "type" not in node and not _LIMITED.isdisjoint(node):
            node = _of_any_kind(node)
    if named:
        return {
            key: _prepared(value, alone) if isinstance(value, (dict, list)) else value for key, value in node.items()
        }
    out = {}
    for key, value in node.items():
        if key in _LEFT_OUT:
            continue
        if isinstance(value, str):
            if key in ("title", "description") and not (value.isascii() and value.isprintable()):
                value = visible(value)
            out[key] = value
        elif key in _VALUES or not isinstance(value, (dict, list)):
            out[key] = value
        else:
            out[key] = _prepared(value, alone, key in _NAMED and isinstance(value, dict), key == "allOf")
    return out


_LEFT_OUT = frozenset(
    [
        *("example", "examples"),  # they are asked in the proof, and are a burden to the code
        *("$recursiveRef", "$recursiveAnchor"),  # of JSON Schema 2019-09, and nothing in OpenAPI
    ]
)

_FORMATS: Mapping[str, frozenset[str]] = {
    "string": frozenset(
        {
            *("date", "date-time", "time", "duration", "uuid", "uri", "uri-reference", "uri-template", "iri"),
            *("iri-reference", "email", "idn-email", "hostname", "idn-hostname", "ipv4", "ipv6", "regex", "byte"),
            *("binary", "password", "json-pointer", "relative-json-pointer"),
        }
    ),
    "number": frozenset({"float", "double"}),
    "integer": frozenset({"int32", "int64"}),
}
"""Those that JSON Schema and the OpenAPI registry have for a kind, as far as they narrow it."""


def _formatted(node: Mapping[str, Any]) -> Mapping[str, Any]:
    """Without a format that means nothing for its kind: the generator reads the number of a `unixtime` as an integer."""
    if "format" not in node or "type" not in node:
        return node
    kind = node["type"]
    if isinstance(kind, str) and node["format"] in _FORMATS.get(kind, ()):
        return node
    kinds = kind if isinstance(kind, list) else [kind]
    if any(node["format"] in _FORMATS.get(str(kind), ()) for kind in kinds):
        return node
    return {key: value for key, value in node.items() if key != "format"}


def _list_of_itself(name: str, schema: Any) -> Any:
    """An array of what it is itself as a choice of one: else the generator forgets what the array holds."""
    if not isinstance(schema, dict) or schema.keys() & {"anyOf", "oneOf", "allOf", "$ref"}:
        return schema
    kinds = schema.get("type")
    kinds = kinds if isinstance(kinds, list) else [kinds]
    if "array" not in kinds or not _holds(schema.get("items"), name):
        return schema
    about = {key: value for key, value in schema.items() if key in _ANNOTATIONS}
    rest = {key: value for key, value in schema.items() if key not in _ANNOTATIONS}
    return {**about, "anyOf": [{**rest, "type": kind} for kind in kinds]}


def _holds(items: Any, name: str) -> bool:
    """True if a component is an item, however deep in arrays and choices."""
    if not isinstance(items, dict):
        return False
    reference = items.get("$ref")
    if isinstance(reference, str) and unescape(reference.removeprefix(SCHEMAS)) == name:
        return True
    branches = [each for word in ("anyOf", "oneOf", "allOf") for each in items.get(word) or ()]
    return any(_holds(each, name) for each in (items.get("items"), *branches))


def visible(text: str) -> str:
    """A text of the document whose every character can be seen: a comment that turns the reading order is none."""
    text = text.replace("\r\n", "\n")
    if text.isascii() and _CONTROL.search(text) is None:
        return text
    return "".join(
        f"\\u{ord(each):04x}" if each not in "\n\t" and unicodedata.category(each) in _HIDDEN else each for each in text
    )


_HIDDEN = ("Cc", "Cf", "Cs", "Zl", "Zp")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
"""What of ASCII is hidden."""


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


_LIMITED = frozenset(key for each in _LIMITS.values() for key in each)


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
