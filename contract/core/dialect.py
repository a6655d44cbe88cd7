"""Which part of a description is what, and the same description in another dialect: 2.0 as 3.0, 3.0 as JSON Schema.

Everything here is pure and shares what it does not change: the result of a rewriting is the argument itself where
nothing had to be rewritten, so that a description of many megabytes costs what its oddities cost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from contract.core.document import pointer, split

Tokens = tuple[str, ...]
"""A JSON Pointer as the names it goes through, unescaped; array indices as digits."""

ONE, MAP, LIST = "one", "map", "list"

_SCHEMA: dict[str, tuple[str, str]] = {
    **dict.fromkeys(("properties", "patternProperties", "$defs", "definitions", "dependentSchemas"), (MAP, "schema")),
    **dict.fromkeys(("allOf", "anyOf", "oneOf", "prefixItems"), (LIST, "schema")),
    **dict.fromkeys(
        (
            "items",
            "additionalProperties",
            "not",
            "if",
            "then",
            "else",
            "contains",
            "propertyNames",
            "unevaluatedItems",
            "unevaluatedProperties",
            "contentSchema",
        ),
        (ONE, "schema"),
    ),
}
_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace", "query")
_ENCODINGS = {"encoding": (MAP, "encoding"), "prefixEncoding": (LIST, "encoding"), "itemEncoding": (ONE, "encoding")}
_PARAMETER = {"schema": (ONE, "schema"), "content": (MAP, "mediaType"), "examples": (MAP, "example")}

POSITIONS: dict[str, dict[str, tuple[str, str]]] = {
    "document": {
        "paths": (MAP, "pathItem"),
        "webhooks": (MAP, "pathItem"),
        "x-webhooks": (MAP, "pathItem"),  # what 3.0 documents call them
        "components": (ONE, "components"),
    },
    "components": {
        "schemas": (MAP, "schema"),
        "responses": (MAP, "response"),
        "parameters": (MAP, "parameter"),
        "examples": (MAP, "example"),
        "requestBodies": (MAP, "requestBody"),
        "headers": (MAP, "header"),
        "securitySchemes": (MAP, "securityScheme"),
        "links": (MAP, "link"),
        "callbacks": (MAP, "callback"),
        "pathItems": (MAP, "pathItem"),
        "mediaTypes": (MAP, "mediaType"),
    },
    "pathItem": {
        **dict.fromkeys(_METHODS, (ONE, "operation")),
        "additionalOperations": (MAP, "operation"),
        "parameters": (LIST, "parameter"),
    },
    "operation": {
        "parameters": (LIST, "parameter"),
        "requestBody": (ONE, "requestBody"),
        "responses": (MAP, "response"),
        "callbacks": (MAP, "callback"),
    },
    "parameter": _PARAMETER,
    "header": _PARAMETER,
    "requestBody": {"content": (MAP, "mediaType")},
    "response": {"headers": (MAP, "header"), "content": (MAP, "mediaType"), "links": (MAP, "link")},
    "mediaType": {
        "schema": (ONE, "schema"),
        "itemSchema": (ONE, "schema"),
        "examples": (MAP, "example"),
        **_ENCODINGS,
    },
    "encoding": {"headers": (MAP, "header"), **_ENCODINGS},
    "callback": {},  # a map of its own: expression to Path Item
    "example": {},
    "link": {},
    "securityScheme": {},
    "schema": _SCHEMA,
}
"""For each kind of object the fields that hold further objects: (how many, of which kind). What is not listed is data."""

POSITIONS_2_0: dict[str, dict[str, tuple[str, str]]] = {
    "document": {
        "paths": (MAP, "pathItem"),
        "definitions": (MAP, "schema"),
        "parameters": (MAP, "parameter"),
        "responses": (MAP, "response"),
        "securityDefinitions": (MAP, "securityScheme"),
    },
    "pathItem": {**dict.fromkeys(_METHODS[:7], (ONE, "operation")), "parameters": (LIST, "parameter")},
    "operation": {"parameters": (LIST, "parameter"), "responses": (MAP, "response")},
    "parameter": {"schema": (ONE, "schema")},
    "response": {"schema": (ONE, "schema"), "headers": (MAP, "header")},
    "header": {},
    "securityScheme": {},
    "schema": _SCHEMA,
}

COMPONENTS = {
    "schema": "schemas",
    "response": "responses",
    "parameter": "parameters",
    "example": "examples",
    "requestBody": "requestBodies",
    "header": "headers",
    "securityScheme": "securitySchemes",
    "link": "links",
    "callback": "callbacks",
}
"""The section of `components` in which an object of a kind lives when it is referred to."""

DATA = frozenset({"example", "examples", "default", "enum", "const", "value", "dataValue", "serializedValue"})
"""Fields whose content belongs to the API and not to the description: a `$ref` in there is no reference."""


def extension(name: str) -> bool:
    """True for `x-…`, where the standard allows anything (OpenAPI 3.1, 4.9)."""
    return name.startswith("x-")


# --- JSON Schema 2020-12 -------------------------------------------------------------------------------------------

_TYPES = frozenset({"string", "number", "integer", "boolean", "object", "array", "null"})


def _number(value: Any) -> bool:
    return type(value) in (int, float)


def _count(value: Any) -> bool:
    return (type(value) is int or (type(value) is float and value.is_integer())) and value >= 0


def _names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value) and len(set(value)) == len(value)


def _schema(value: Any) -> bool:
    return isinstance(value, (dict, bool))


def _map(value: Any) -> bool:
    return isinstance(value, dict)


def _list(value: Any) -> bool:
    return isinstance(value, list)


def _text(value: Any) -> bool:
    return isinstance(value, str)


_WELL_FORMED: dict[str, Callable[[Any], bool]] = {
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), _number),
    "multipleOf": lambda value: _number(value) and value > 0,
    **dict.fromkeys(
        ("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"),
        _count,
    ),
    "required": _names,
    "enum": _list,
    "pattern": _text,
    "format": _text,
    "uniqueItems": lambda value: isinstance(value, bool),
    "properties": _map,
    "patternProperties": _map,
    **dict.fromkeys(("allOf", "anyOf", "oneOf", "prefixItems"), lambda value: isinstance(value, list) and bool(value)),
    **dict.fromkeys(
        ("items", "additionalProperties", "not", "contains", "propertyNames", "unevaluatedProperties"), _schema
    ),
    "$ref": _text,
}
"""What a keyword needs to be one; where it is not, it constrains nothing, and the meta-schema tells the author."""

_IDENTITY = frozenset(("$id", "$schema", "$anchor", "$dynamicAnchor", "$dynamicRef", "$recursiveRef", "$vocabulary"))
"""Keywords that 3.0 does not have, and that would change what a reference or a keyword means."""

_LOOKS_3_1 = _WELL_FORMED
_LOOKS_3_0: dict[str, Callable[[Any], bool]] = {
    **_WELL_FORMED,
    **dict.fromkeys((*_IDENTITY, "$ref", "nullable"), lambda value: False),
    "items": _map,
}
"""Whether a keyword can stay as it is; where one cannot, the schema is rewritten."""


def to_2020_12(value: Mapping[str, Any], family: str) -> Mapping[str, Any]:
    """The document with its Schema Objects as JSON Schema 2020-12, every part at the pointer it had.

    Of 3.0: `nullable` joins `type` where both stand together, and means nothing elsewhere, as `enum` and `allOf` still
    apply (OpenAPI 3.0.3, 4.7.24.1, and its clarification of 2019); boolean exclusive bounds become numbers; what stands
    beside a `$ref` is gone (4.7.23). Of every version: a keyword that is none, such as `type: int`, is dropped, so
    that one slip does not cost a whole schema. 3.1 and 3.2 are 2020-12, and come back as they are.
    """
    changed: Mapping[str, Any] = _walk(value, "document", family == "3.0")
    return changed


def _walk(node: Any, kind: str, old: bool) -> Any:
    """The node with all schemas below it rewritten, from 3.0 where `old`; the node itself if that changes nothing."""
    if kind == "schema":
        return _walk_schema(node, old)
    if kind == "callback":
        return _walk_map(node, "pathItem", old)
    fields = POSITIONS[kind]
    fresh: dict[str, Any] | None = None
    for name, child in node.items():
        position = fields.get(name)
        if position is not None and (new := _walk_field(child, position, old)) is not child:
            fresh = fresh or dict(node)
            fresh[name] = new
    return node if fresh is None else fresh


def _walk_field(child: Any, position: tuple[str, str], old: bool) -> Any:
    shape, kind = position
    if shape is LIST:
        if not isinstance(child, list):
            return child
        entries: list[Any] | None = None
        for index, entry in enumerate(child):
            if isinstance(entry, dict) and (new := _walk(entry, kind, old)) is not entry:
                entries = entries or list(child)
                entries[index] = new
        return entries or child
    if not isinstance(child, dict):
        return child
    return _walk(child, kind, old) if shape is ONE else _walk_map(child, kind, old)


def _walk_map(node: dict[str, Any], kind: str, old: bool) -> dict[str, Any]:
    fresh: dict[str, Any] | None = None
    for name, entry in node.items():
        if isinstance(entry, dict) and (new := _walk(entry, kind, old)) is not entry:
            fresh = fresh or dict(node)
            fresh[name] = new
    return node if fresh is None else fresh


def _walk_schema(node: dict[str, Any], old: bool) -> dict[str, Any]:
    odd = False
    looks = _LOOKS_3_0 if old else _LOOKS_3_1
    deeper: list[str] | None = None
    for keyword, child in node.items():
        if keyword == "type":
            if child.__class__ is not str or child not in _TYPES:
                odd = True
        elif (well_formed := looks.get(keyword)) is not None and not well_formed(child):
            odd = True
        if keyword in _SCHEMA:
            deeper = deeper or []
            deeper.append(keyword)
    if odd:
        node = _schema_3_0(node) if old else _schema_3_1(node)
        deeper = [keyword for keyword in node if keyword in _SCHEMA]
    fresh: dict[str, Any] | None = None
    for keyword in deeper or ():
        child = node[keyword]
        if (new := _walk_field(child, _SCHEMA[keyword], old)) is not child:
            fresh = fresh or dict(node)
            fresh[keyword] = new
    return node if fresh is None else fresh


def _schema_3_0(node: dict[str, Any]) -> dict[str, Any]:
    if isinstance(reference := node.get("$ref"), str):
        return {"$ref": reference} if len(node) > 1 else node
    fresh: dict[str, Any] | None = None
    for bound, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if isinstance(flag := node.get(exclusive), bool):
            fresh = fresh or dict(node)
            if flag and _number(node.get(bound)):
                fresh[exclusive] = fresh.pop(bound)
            else:
                del fresh[exclusive]
    if "nullable" in node:
        fresh = fresh or dict(node)
        kind = node.get("type")
        if fresh.pop("nullable") is True and isinstance(kind, str) and kind in _TYPES - {"null"}:
            fresh["type"] = [kind, "null"]
    if isinstance(node.get("items"), list):
        # Draft 4's tuples, which 3.0 does not have either.
        fresh = fresh or dict(node)
        fresh["prefixItems"] = fresh.pop("items")
    for keyword in node.keys() & _IDENTITY:
        fresh = fresh or dict(node)
        del fresh[keyword]
    return _schema_3_1(node if fresh is None else fresh)


def _schema_3_1(node: dict[str, Any]) -> dict[str, Any]:
    fresh: dict[str, Any] | None = None
    for keyword, child in node.items():
        if keyword == "type":
            if isinstance(child, str) and child in _TYPES:
                continue
            known = [kind for kind in child if isinstance(kind, str) and kind in _TYPES] if _list(child) else []
            if known and len(known) == len(child):
                continue
            fresh = fresh or dict(node)
            if known and len(known) == len(set(known)):
                fresh["type"] = known
            else:
                del fresh["type"]
        elif keyword == "required" and isinstance(child, list) and all(isinstance(name, str) for name in child):
            if len(set(child)) < len(child):
                fresh = fresh or dict(node)
                fresh["required"] = list(dict.fromkeys(child))
        elif keyword in _WELL_FORMED and not _WELL_FORMED[keyword](child):
            fresh = fresh or dict(node)
            del fresh[keyword]
    return node if fresh is None else fresh


# --- Swagger 2.0 ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Converted:
    """A Swagger 2.0 description as OpenAPI 3.0, and where each moved part stood."""

    value: dict[str, Any]
    origins: dict[Tokens, Tokens]
    """Pointer in `value` to pointer in the 2.0 description; for all below the longest prefix decides."""

    def back(self, tokens: Tokens) -> Tokens:
        """The place in the 2.0 description."""
        return _moved(self.origins, tokens)

    def forth(self, tokens: Tokens) -> Tokens:
        """The place in `value`, the first one where a part went to several media types."""
        return _moved({old: new for new, old in reversed(self.origins.items())}, tokens)


def _moved(places: Mapping[Tokens, Tokens], tokens: Tokens) -> Tokens:
    for length in range(len(tokens), 0, -1):
        if (place := places.get(tokens[:length])) is not None:
            return place + tokens[length:]
    return tokens


_ROOT_KEPT = ("info", "tags", "externalDocs", "security")
_SCHEMA_OF_PARAMETER = (
    "type",
    "format",
    "items",
    "default",
    "maximum",
    "exclusiveMaximum",
    "minimum",
    "exclusiveMinimum",
    "maxLength",
    "minLength",
    "pattern",
    "maxItems",
    "minItems",
    "uniqueItems",
    "enum",
    "multipleOf",
    "x-nullable",
)
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
_FLOWS = {
    "implicit": "implicit",
    "password": "password",
    "application": "clientCredentials",
    "accessCode": "authorizationCode",
}


def from_swagger(value: Mapping[str, Any]) -> Converted:
    """The 2.0 description as 3.0.3.

    Where 2.0 is silent: a body without `consumes` is JSON; a response without `produces` may be of any type (`*/*`),
    so that no answer is called undeclared; a response without schema has no content, unless the operation itself says
    what it produces. Where 3.0 has no word for it
    (`collectionFormat: tsv`, or `ssv` and `pipes` outside of a query) the parameter becomes a plain string that keeps
    `x-collectionFormat`: its items are not judged rather than judged wrongly.
    """
    return _Conversion(value).run()


def _texts(value: Any) -> list[str]:
    return [entry for entry in value if isinstance(entry, str)] if isinstance(value, list) else []


class _Conversion:
    def __init__(self, old: Mapping[str, Any]) -> None:
        self.old = old
        self.origins: dict[Tokens, Tokens] = {}
        self.components: dict[str, dict[str, Any]] = {}
        shared = old.get("parameters")
        self.shared: dict[str, Any] = shared if isinstance(shared, dict) else {}

    def run(self) -> Converted:
        old = self.old
        new: dict[str, Any] = {"openapi": "3.0.3"}
        self.origins[("openapi",)] = ("swagger",)
        for name in _ROOT_KEPT:
            if name in old:
                new[name] = old[name]
        if servers := self.servers():
            new["servers"] = servers
        self.section("definitions", "schemas", self.schema)
        for name, parameter in self.shared.items():
            if isinstance(parameter, dict):
                self.shared_parameter(name, parameter)
        self.section("responses", "responses", lambda node, at, was: self.response(node, at, was, self.produces(None)))
        self.section("securityDefinitions", "securitySchemes", self.security)
        paths = old.get("paths")
        new["paths"] = self.paths(paths) if isinstance(paths, dict) else paths if "paths" in old else {}
        for name, child in old.items():
            if extension(name):
                new[name] = child
        if self.components:
            new["components"] = self.components
        converted = Converted(new, self.origins)
        _repoint(new, converted)
        return converted

    def section(self, was: str, now: str, convert: Callable[[Any, Tokens, Tokens], Any]) -> None:
        entries = self.old.get(was)
        if isinstance(entries, dict) and entries:
            self.origins["components", now] = (was,)
            self.components[now] = {
                name: convert(node, ("components", now, name), (was, name)) if isinstance(node, dict) else node
                for name, node in entries.items()
            }

    def servers(self) -> list[dict[str, Any]]:
        host, base = self.old.get("host"), self.old.get("basePath")
        host = host if isinstance(host, str) else ""
        base = "/" + base.strip("/") if isinstance(base, str) and base.strip("/") else ""
        self.origins["servers",] = ("host",) if host else ("basePath",)
        if not host:
            return [{"url": base}] if base else []
        # Without `schemes` the one counts by which the description was fetched (2.0); of a file nobody knows it.
        return [{"url": f"{scheme}://{host}{base}"} for scheme in _texts(self.old.get("schemes")) or ["https"]]

    def produces(self, operation: Mapping[str, Any] | None) -> list[str]:
        if operation is not None and "produces" in operation:
            return _texts(operation["produces"]) or ["*/*"]
        return _texts(self.old.get("produces")) or ["*/*"]

    def consumes(self, operation: Mapping[str, Any] | None) -> list[str]:
        if operation is not None and "consumes" in operation:
            return _texts(operation["consumes"])
        return _texts(self.old.get("consumes"))

    def schema(self, node: Any, at: Tokens, was: Tokens) -> Any:
        """The Schema Object in the words of 3.0; the node itself where they are the same."""
        if not isinstance(node, dict):
            return node
        fresh: dict[str, Any] | None = None
        if "x-nullable" in node:
            fresh = dict(node)
            if fresh.pop("x-nullable") is True:
                if isinstance(node.get("$ref"), str):
                    # 3.0 ignores what stands beside a reference, so null is a branch of its own.
                    self.origins[(*at, "anyOf", "0")] = was
                    return {"anyOf": [{"$ref": node["$ref"]}, {"nullable": True, "enum": [None]}]}
                fresh["nullable"] = True
                if isinstance(node.get("enum"), list) and None not in node["enum"]:
                    fresh["enum"] = [*node["enum"], None]
        if isinstance(node.get("discriminator"), str):
            fresh = fresh or dict(node)
            fresh["discriminator"] = {"propertyName": node["discriminator"]}
        if node.get("type") == "file":
            fresh = fresh or dict(node)
            fresh["type"], fresh["format"] = "string", "binary"
        for keyword, child in node.items():
            if keyword not in _SCHEMA:
                continue
            shape = _SCHEMA[keyword][0]
            new = child
            if shape is ONE and isinstance(child, dict):
                new = self.schema(child, (*at, keyword), (*was, keyword))
            elif shape is MAP and isinstance(child, dict):
                entries = {
                    name: self.schema(entry, (*at, keyword, name), (*was, keyword, name))
                    for name, entry in child.items()
                }
                new = entries if any(entries[name] is not child[name] for name in child) else child
            elif isinstance(child, list):
                branches = [
                    self.schema(entry, (*at, keyword, str(index)), (*was, keyword, str(index)))
                    for index, entry in enumerate(child)
                ]
                new = branches if any(one is not other for one, other in zip(branches, child, strict=True)) else child
            if new is not child:
                fresh = fresh or dict(node)
                fresh[keyword] = new
        return node if fresh is None else fresh

    def value_schema(self, node: Mapping[str, Any], at: Tokens, was: Tokens) -> dict[str, Any]:
        """The schema of a parameter, an item or a header, whose keywords stand in the object itself in 2.0."""
        self.origins[at] = was
        given = node.get("schema")
        own = {name: node[name] for name in _SCHEMA_OF_PARAMETER if name in node}
        if isinstance(given, dict):
            # 2.0 allows `schema` in a body only; documents write it elsewhere too, and it says what they mean.
            self.origins[at] = (*was, "schema")
            own = {**own, **given}
        items = own.get("items")
        if isinstance(items, dict):
            own["items"] = self.value_schema(items, (*at, "items"), (*was, "items"))
            if items.get("type") == "array":
                # A list inside of a list has a separator of its own in 2.0, and none in 3.0.
                own["items"] = {"type": "string", "x-collectionFormat": items.get("collectionFormat", "csv")}
        converted: dict[str, Any] = self.schema(own, at, was)
        return converted

    def serialised(self, new: dict[str, Any], old: Mapping[str, Any], location: str) -> None:
        """Adds `style` and `explode` for the `collectionFormat` of an array."""
        schema = new["schema"]
        if schema.get("type") != "array":
            return
        style = _style(old.get("collectionFormat", "csv"), location)
        if style is None:
            new["schema"] = {"type": "string"}
            new["x-collectionFormat"] = old.get("collectionFormat")
        else:
            new["style"], new["explode"] = style

    def parameter(self, node: dict[str, Any], at: Tokens, was: Tokens) -> dict[str, Any]:
        """A parameter that stays one: in path, query or header."""
        self.origins[at] = was
        dropped = {*_SCHEMA_OF_PARAMETER, "schema", "collectionFormat"}
        new = {name: child for name, child in node.items() if name not in dropped}
        new["schema"] = self.value_schema(node, (*at, "schema"), was)
        self.serialised(new, node, str(node.get("in")))
        if node.get("in") == "path":
            new["required"] = True
        return new

    def shared_parameter(self, name: str, node: dict[str, Any]) -> None:
        where = node.get("in")
        if where == "body":
            at: Tokens = ("components", "requestBodies", name)
            section = self.components.setdefault("requestBodies", {})
            section[name] = self.body(node, at, ("parameters", name), self.consumes(None))
        elif where != "formData":
            # The fields of a form become one body, where the operation is; each alone is nothing in 3.0.
            at = ("components", "parameters", name)
            reference = isinstance(node.get("$ref"), str)
            section = self.components.setdefault("parameters", {})
            section[name] = node if reference else self.parameter(node, at, ("parameters", name))
            self.origins[at] = ("parameters", name)

    def body(self, node: Mapping[str, Any], at: Tokens, was: Tokens, consumes: list[str]) -> dict[str, Any]:
        self.origins[at] = was
        new = {name: node[name] for name in node if name in ("description", "required") or extension(name)}
        new["content"] = {}
        for media in [media for media in consumes if media not in _FORMS] or consumes or ["application/json"]:
            place = (*at, "content", media, "schema")
            if isinstance(node.get("schema"), dict):
                self.origins[place] = (*was, "schema")
                schema = self.schema(node["schema"], place, (*was, "schema"))
            else:
                # Without a schema 2.0 has no body; documents write the type into the parameter itself.
                schema = self.value_schema(node, place, was)
            new["content"][media] = {"schema": schema}
        return new

    def form(
        self, fields: list[tuple[dict[str, Any], Tokens]], at: Tokens, consumes: list[str], medias: Sequence[str] = ()
    ) -> dict[str, Any]:
        """The request body that holds the `formData` parameters; of `medias`, where it is no form."""
        self.origins[at] = fields[0][1]
        files = any(node.get("type") == "file" for node, _ in fields)
        default = ["multipart/form-data"] if files else ["application/x-www-form-urlencoded"]
        medias = medias or [media for media in consumes if media in _FORMS] or default
        required = [str(node.get("name")) for node, _ in fields if node.get("required") is True]
        content: dict[str, Any] = {}
        for media in medias:
            properties: dict[str, Any] = {}
            encoding: dict[str, Any] = {}
            for node, was in fields:
                name = str(node.get("name"))
                place = (*at, "content", media, "schema", "properties", name)
                entry = {"schema": self.value_schema(node, place, was)}
                self.serialised(entry, node, "query")
                if "description" in node:
                    entry["schema"]["description"] = node["description"]
                if "style" in entry and media == _FORMS[0]:
                    encoding[name] = {"style": entry["style"], "explode": entry["explode"]}
                properties[name] = entry["schema"]
            content[media] = {"schema": {"type": "object", "properties": properties}}
            if required:
                content[media]["schema"]["required"] = required
            if encoding:
                content[media]["encoding"] = encoding
        return {"content": content, "required": True} if required else {"content": content}

    def response(
        self, node: dict[str, Any], at: Tokens, was: Tokens, produces: list[str], own: Sequence[str] = ()
    ) -> dict[str, Any]:
        """`own` are the media types that the operation itself lists: what it sends is one of them, schema or not."""
        if isinstance(node.get("$ref"), str):
            return node
        new = {name: child for name, child in node.items() if name not in ("schema", "headers", "examples")}
        headers = node.get("headers")
        if isinstance(headers, dict):
            new["headers"] = {}
            for name, header in headers.items():
                place = (*at, "headers", name)
                if not isinstance(header, dict):
                    continue
                kept = {key: child for key, child in header.items() if key == "description" or extension(key)}
                kept["schema"] = self.value_schema(header, (*place, "schema"), (*was, "headers", name))
                self.serialised(kept, header, "header")
                new["headers"][name] = {key: child for key, child in kept.items() if key not in ("style", "explode")}
        if isinstance(node.get("schema"), dict):
            new["content"] = {}
            given = node.get("examples")
            examples: dict[str, Any] = given if isinstance(given, dict) else {}
            for media in produces:
                place = (*at, "content", media, "schema")
                self.origins[place] = (*was, "schema")
                new["content"][media] = {"schema": self.schema(node["schema"], place, (*was, "schema"))}
                if media in examples:
                    new["content"][media]["example"] = examples[media]
                    self.origins[(*at, "content", media, "example")] = (*was, "examples", media)
        elif own and at[-1][:1] in ("2", "4", "5", "d") and at[-1] not in ("204", "205"):
            new["content"] = {media: {} for media in own}
            self.origins[(*at, "content")] = (*was[:-2], "produces")
        return new

    def security(self, node: dict[str, Any], at: Tokens, was: Tokens) -> dict[str, Any]:
        kind = node.get("type")
        kept = {name: node[name] for name in node if name == "description" or extension(name)}
        if kind == "basic":
            return {"type": "http", "scheme": "basic", **kept}
        if kind != "oauth2":
            return node
        flow: dict[str, Any] = {name: node[name] for name in ("authorizationUrl", "tokenUrl") if name in node}
        flow["scopes"] = node["scopes"] if isinstance(node.get("scopes"), dict) else {}
        name = _FLOWS.get(str(node.get("flow")), "implicit")
        self.origins[(*at, "flows", name)] = was
        return {"type": "oauth2", "flows": {name: flow}, **kept}

    def paths(self, paths: dict[str, Any]) -> dict[str, Any]:
        return {
            path: self.path_item(item, ("paths", path)) if isinstance(item, dict) and not extension(path) else item
            for path, item in paths.items()
        }

    def path_item(self, item: dict[str, Any], at: Tokens) -> dict[str, Any]:
        above = self.sorted_parameters(item, at)
        new: dict[str, Any] = {}
        for name, child in item.items():
            if name == "parameters":
                new[name] = self.kept(above.kept, (*at, name))
            elif name in _METHODS[:7] and isinstance(child, dict):
                new[name] = self.operation(child, (*at, name), above)
            else:
                new[name] = child
        return new

    def operation(self, node: dict[str, Any], at: Tokens, above: _Parameters) -> dict[str, Any]:
        own = self.sorted_parameters(node, at)
        new: dict[str, Any] = {}
        for name, child in node.items():
            if name == "parameters":
                new[name] = self.kept(own.kept, (*at, name))
            elif name == "responses" and isinstance(child, dict):
                new[name] = {
                    status: self.response(
                        entry,
                        (*at, name, status),
                        (*at, name, status),
                        self.produces(node),
                        _texts(node.get("produces")),
                    )
                    if isinstance(entry, dict) and not extension(status)
                    else entry
                    for status, entry in child.items()
                }
            elif name == "schemes":
                new["x-schemes"] = child
                self.origins[(*at, "x-schemes")] = (*at, "schemes")
            elif name not in ("consumes", "produces"):
                new[name] = child
        body = self.request_body(node, at, own, above)
        if body is not None:
            new["requestBody"] = body
        return new

    def request_body(
        self, node: Mapping[str, Any], at: Tokens, own: _Parameters, above: _Parameters
    ) -> dict[str, Any] | None:
        place = (*at, "requestBody")
        consumes = self.consumes(node)
        named = {str(field.get("name")) for field, _ in own.form}
        form = own.form + [entry for entry in above.form if str(entry[0].get("name")) not in named]
        if len(own.members) > 1:
            # 2.0 has one body, and that has a schema; who writes several, each with a name and a type, means its members.
            return self.form(own.members, place, consumes, [each for each in consumes if each not in _FORMS] or ["application/json"])  # fmt: skip
        body = own.body or (None if own.form else above.body)
        if body is None:
            return self.form(form, place, consumes) if form else None
        found, was, reference = body
        if not form and reference is not None and consumes == self.consumes(None):
            self.origins[place] = was
            return {"$ref": reference}
        new = self.body(found, place, was, consumes)
        if form:
            # Both together are forbidden in 2.0; a server that declares both reads what it is sent.
            new["content"] |= self.form(form, place, consumes)["content"]
        return new

    def kept(self, entries: list[tuple[dict[str, Any], Tokens]], at: Tokens) -> list[Any]:
        new: list[Any] = []
        for node, was in entries:
            place = (*at, str(len(new)))
            self.origins[place] = was
            new.append(node if isinstance(node.get("$ref"), str) else self.parameter(node, place, was))
        return new

    def sorted_parameters(self, holder: Mapping[str, Any], at: Tokens) -> _Parameters:
        """The parameters of a path item or an operation: what stays a parameter, the body, the fields of a form."""
        result = _Parameters([], None, [], [])
        given = holder.get("parameters")
        for index, node in enumerate(given if isinstance(given, list) else ()):
            if not isinstance(node, dict):
                continue
            was = (*at, "parameters", str(index))
            found, origin, reference = node, was, None
            for _ in range(len(self.shared) + 1):
                target = found.get("$ref")
                if not isinstance(target, str) or not target.startswith("#/parameters/"):
                    break
                origin = split(target)
                reference = pointer("components", "requestBodies", *origin[1:])
                try:
                    found = _at(self.old, origin)
                except KeyError:
                    break
            where = found.get("in")
            if where == "body":
                result.body = (found, origin, reference)
                if isinstance(found.get("name"), str) and "type" in found and "schema" not in found:
                    result.members.append((found, origin))
            elif where == "formData":
                result.form.append((found, origin))
            else:
                result.kept.append((node, was))
        return result


@dataclass(slots=True)
class _Parameters:
    kept: list[tuple[dict[str, Any], Tokens]]
    body: tuple[dict[str, Any], Tokens, str | None] | None
    form: list[tuple[dict[str, Any], Tokens]]
    members: list[tuple[dict[str, Any], Tokens]]
    """Bodies that have a type of their own, and no schema."""


def _style(collection: Any, location: str) -> tuple[str, bool] | None:
    """`style` and `explode` for a `collectionFormat`; None where 3.0 has no equivalent."""
    if collection == "multi":
        return ("form", True) if location == "query" else None
    if collection == "csv":
        return ("form", False) if location == "query" else ("simple", False)
    if location == "query" and collection in ("ssv", "pipes"):
        return ("spaceDelimited" if collection == "ssv" else "pipeDelimited", False)
    return None


def _at(value: Any, tokens: Tokens) -> dict[str, Any]:
    for token in tokens:
        if not isinstance(value, dict) or token not in value:
            raise KeyError(token)
        value = value[token]
    if not isinstance(value, dict):
        raise KeyError(tokens)
    return value


_MOVED_SECTIONS = {
    "definitions": ("components", "schemas"),
    "parameters": ("components", "parameters"),
    "responses": ("components", "responses"),
}


def _repoint(value: dict[str, Any], converted: Converted) -> None:
    """Points every reference of the converted value, which is ours to change, at where its target stands now."""
    places = {old: new for new, old in reversed(converted.origins.items())}
    moved: dict[str, str] = {}

    def now(reference: str) -> str:
        if reference not in moved:
            tokens = split(reference)
            place = _moved(places, tokens)
            section = _MOVED_SECTIONS.get(tokens[0]) if tokens else None
            if place == tokens and section is not None:
                place = section + tokens[1:]
            moved[reference] = reference if place == tokens else pointer(*place)
        return moved[reference]

    def walk(node: Any, kind: str) -> Any:
        if kind == "callback":
            return walk_map(node, "pathItem")
        fresh = node
        reference = node.get("$ref")
        if isinstance(reference, str) and reference.startswith("#/") and now(reference) != reference:
            fresh = {**node, "$ref": now(reference)}
        for name, child in node.items():
            position = POSITIONS[kind].get(name)
            if position is None:
                continue
            shape, inner = position
            new = child
            if shape is not MAP and isinstance(child, list):  # `items` too: 2.0 has draft 4's tuples
                entries = [walk(entry, inner) if isinstance(entry, dict) else entry for entry in child]
                if any(one is not other for one, other in zip(entries, child, strict=True)):
                    new = entries
            elif isinstance(child, dict) and shape is not LIST:
                new = walk(child, inner) if shape is ONE else walk_map(child, inner)
            if new is not child:
                fresh = dict(node) if fresh is node else fresh
                fresh[name] = new
        return fresh

    def walk_map(node: dict[str, Any], kind: str) -> dict[str, Any]:
        entries = {name: walk(entry, kind) if isinstance(entry, dict) else entry for name, entry in node.items()}
        return entries if any(entries[name] is not node[name] for name in node) else node

    for name in ("paths", "components"):
        if isinstance(value.get(name), dict):
            shape, inner = POSITIONS["document"][name]
            value[name] = walk(value[name], inner) if shape is ONE else walk_map(value[name], inner)
