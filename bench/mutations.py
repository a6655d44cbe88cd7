"""What a judge finds when one place of a document, or of honest traffic, is changed: by kind, ours beside two peers.

    python bench/mutations.py [--quick] [--documents demo museum …] [--list]

Traffic is made by `contract/core/message.py` and gives no finding. Then one thing is changed, in one exchange or in the
document, and each side is asked. *Found* means, for ours: reported by the right rule, at the right place, with the right
keyword; *exact*: and nothing else is reported. A peer counts as having found it if it complains about the changed
exchange at all, and did not complain about the honest one. Changes of places that no exchange touches, and changes that
break nothing, must be met with silence by everybody.

Peers: Schemathesis' conformance checks (status, media type, headers, schema), which judge answers only; openapi-core's
request and response validation with `additional_properties_default_policy="forbid"`.

Writes bench/mutations.md, unless it is a quick run. Exits with 1 if ours found less than everything, or more than that.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
import lzma
import re
import sys
import tempfile
import time
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from contract.core import message, sample  # noqa: E402
from contract.core.check import Judge  # noqa: E402
from contract.core.document import Document, escape, resolve  # noqa: E402
from contract.core.evidence import Exchange, Headers, Response, header, is_json  # noqa: E402
from contract.core.finding import Finding, fold, folded  # noqa: E402
from contract.core.openapi import Contract, MediaType, Operation, Parameter  # noqa: E402
from contract.core.sample import MISSING, replaced  # noqa: E402
from contract.core.schema import Schemas  # noqa: E402
from contract.sources.documents.file import load  # noqa: E402
from tests.data import DATA  # noqa: E402

HOST = "http://bench.invalid"
SHARED = ("museum.yaml", "qdrant.json", "harbor.yaml", "redocly-cafe.yaml")
DOCUMENTS = ("features", "demo", *(name.partition(".")[0] for name in SHARED))
RESULTS = ROOT / "bench" / "mutations.md"
ODD = "zq_odd"
"""A name that no document has."""

FEATURES: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "What few documents use", "version": "1"},
    "paths": {
        "/things/{id}": {
            "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "integer", "minimum": 1}}],
            "get": {
                "parameters": [
                    {"name": "page", "in": "query", "required": True, "schema": {"type": "integer", "maximum": 99}},
                    {"name": "on", "in": "query", "schema": {"type": "string", "format": "date"}},
                    {"name": "X-Trace", "in": "header", "required": True, "schema": {"type": "string", "format": "uuid"}},
                    {"name": "seen", "in": "cookie", "schema": {"type": "integer"}},
                ],
                "responses": {
                    "200": {
                        "description": "One.",
                        "headers": {
                            "X-Count": {"required": True, "schema": {"type": "integer", "minimum": 0}},
                            "X-Kind": {"schema": {"enum": ["new", "old"]}},
                        },
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}},
                    },
                    "404": {"description": "None.", "content": {"text/plain": {"schema": {"type": "string"}}}},
                },
            },
        },
        "/things": {
            "post": {
                "requestBody": {
                    "required": True,
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}},
                },
                "responses": {
                    "201": {
                        "description": "Made.",
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}},
                    },
                    "4XX": {
                        "description": "Refused.",
                        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
                    },
                },
            }
        },
        "/pets": {
            "get": {
                "responses": {
                    "200": {
                        "description": "All.",
                        "content": {
                            "application/json": {
                                "schema": {"type": "array", "minItems": 1, "items": {"$ref": "#/components/schemas/Pet"}}
                            }
                        },
                    }
                }
            }
        },
        "/never": {
            "get": {
                "parameters": [{"name": "page", "in": "query", "schema": {"type": "integer"}}],
                "responses": {
                    "200": {
                        "description": "Nobody asks.",
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Unused"}}},
                    }
                },
            }
        },
    },
    "components": {
        "schemas": {
            "Thing": {
                "type": "object",
                "required": ["id", "name", "step", "code", "tags", "day", "made_at", "kind", "small", "size", "choice"],
                "properties": {
                    "id": {"type": "integer", "format": "int64", "readOnly": True},
                    "small": {"type": "integer", "format": "int32"},
                    "name": {"type": "string", "minLength": 2, "maxLength": 12},
                    "note": {"type": ["string", "null"]},
                    "step": {"type": "number", "multipleOf": 0.5, "minimum": 0.5, "maximum": 10},
                    "share": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
                    "code": {"type": "string", "pattern": "^[A-Z]{2}-[0-9]{3}$"},
                    "tags": {
                        "type": "array",
                        "items": {"type": "string"},
                        "uniqueItems": True,
                        "minItems": 1,
                        "maxItems": 3,
                    },
                    "day": {"type": "string", "format": "date"},
                    "made_at": {"type": "string", "format": "date-time"},
                    "owner": {"type": "string", "format": "uuid"},
                    "mail": {"type": "string", "format": "email"},
                    "kind": {"type": "string", "enum": ["new", "old", "odd"]},
                    "fixed": {"const": "v1"},
                    "size": {"$ref": "#/components/schemas/Size"},
                    "choice": {"oneOf": [{"type": "integer"}, {"type": "object", "required": ["a"], "properties": {"a": {"type": "integer"}}}]},
                    "secret": {"type": "string", "writeOnly": True},
                    "map": {"type": "object", "minProperties": 1, "maxProperties": 2, "additionalProperties": {"type": "integer"}},
                    "next": {"$ref": "#/components/schemas/Thing"},
                },
            },
            "Size": {
                "type": "object",
                "additionalProperties": False,
                "required": ["w"],
                "properties": {"w": {"type": "integer"}, "h": {"type": "integer"}},
            },
            "Pet": {
                "oneOf": [{"$ref": "#/components/schemas/Cat"}, {"$ref": "#/components/schemas/Dog"}],
                "discriminator": {
                    "propertyName": "kind",
                    "mapping": {"cat": "#/components/schemas/Cat", "dog": "#/components/schemas/Dog"},
                },
            },
            "Cat": {"type": "object", "required": ["kind", "lives"], "properties": {"kind": {"type": "string"}, "lives": {"type": "integer"}}},
            "Dog": {"type": "object", "required": ["kind", "tricks"], "properties": {"kind": {"type": "string"}, "tricks": {"type": "array", "items": {"type": "string"}}}},
            "Problem": {"type": "object", "required": ["title"], "properties": {"title": {"type": "string"}, "status": {"type": "integer"}}},
            "Unused": {"type": "object", "required": ["a"], "properties": {"a": {"type": "string", "maxLength": 9, "enum": ["x", "y"]}, "b": {"type": "integer"}}},
        }
    },
}  # fmt: skip
"""Every keyword that is broken below, once."""


# --- honest traffic ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Honest:
    """An exchange that keeps the document, with what it is made of."""

    operation: Operation
    exchange: Exchange
    key: str
    """Of the declared response."""
    media: MediaType | None
    body: Any
    """Of the answer, where it is JSON with a schema; MISSING otherwise."""
    sent_media: MediaType | None
    sent: Any

    @property
    def response(self) -> Response:
        assert self.exchange.response is not None
        return self.exchange.response

    @property
    def succeeded(self) -> bool:
        return 200 <= self.response.status < 300


class Api:
    """One document and traffic for most of its operations."""

    def __init__(self, name: str, document: Document, most: int) -> None:
        self.name = name
        self.most = most
        self.document = document
        self.contract = Contract(document)
        self.judge = Judge(self.contract, lambda rule, level: level)
        self.memo: dict[str, Any] = {}

    @property
    def schemas(self) -> Schemas:
        return self.contract.schemas

    @cached_property
    def operations(self) -> list[Operation]:
        """Those that the traffic exercises: the others are there to be left alone."""
        seen: set[str] = set()
        listed = []
        for operation in self.contract.operations:
            if fold(operation.key) not in seen and operation.method != "HEAD":
                listed.append(operation)
            seen.add(fold(operation.key))
        return [each for each in listed if (each.path != "/never" if self.name == "features" else _hash(each.key) % 6)]

    @cached_property
    def honest(self) -> list[Honest]:
        found = [each for operation in self.operations for each in self._exchanges(operation)]
        found.sort(key=lambda each: _hash(f"{each.operation.key} {each.key} {each.exchange.request.url}"))
        return found[: self.most]

    def _exchanges(self, operation: Operation) -> Iterator[Honest]:
        for salt, full in ((0, True), (1, False), (2, True)):
            asked = message.request(operation, full=full, salt=salt)
            match = self.contract.match(asked.method, asked.path) if asked is not None else None
            if asked is None or match is None or match.operation is not operation:
                continue
            declared = operation.request_body
            sent_media = declared.media(asked.media_type) if declared is not None else None
            sent = json.loads(asked.body) if asked.body and is_json(asked.media_type) else MISSING
            for key, response in operation.responses.items():
                if key.startswith("5"):
                    continue  # a server error is a finding, whatever it says
                for media in response.content or [None]:
                    for body in self._bodies(media, full, salt):
                        answer = message.response(
                            operation, key, media.range if media else None, given=body, full=full, salt=salt
                        )
                        if answer is None or answer.status >= 500:
                            continue
                        value = MISSING
                        if (
                            media is not None
                            and media.schema is not None
                            and is_json(answer.media_type)
                            and answer.body
                        ):
                            value = json.loads(answer.body)
                        yield Honest(operation, Exchange(asked, answer, "sample"), key, media, value, sent_media, sent)

    def _bodies(self, media: MediaType | None, full: bool, salt: int) -> Iterator[Any]:
        """One body, and one more with null wherever that is allowed."""
        yield MISSING
        if media is None or media.schema is None or not full or salt or not is_json(media.range):
            return
        whole = sample.value(self.schemas, media.schema, "response", full=True)
        with_nulls = whole
        for place in walk(self.schemas, media.schema, whole) if whole is not MISSING else ():
            if place.at and not place.at.split("/")[-1].isdigit() and _allows_null(self.schemas, place):
                with_nulls = replaced(with_nulls, place.at, None) if _is_there(with_nulls, place.at) else with_nulls
        if with_nulls is not whole and self.schemas.accepts(media.schema, "response", with_nulls):
            yield with_nulls

    def changed(self, pointer: str, fresh: Any) -> Document:
        """The document with another value at a pointer (MISSING takes it away)."""
        return replace(self.document, value=replaced(self.document.value, pointer.removeprefix("#"), fresh))


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6])


@dataclass(frozen=True)
class Place:
    """A place of a body, with the schemas that hold there for certain: behind `$ref` and `allOf`, not in a branch."""

    at: str
    schemas: tuple[str, ...]
    value: Any
    plain: bool
    """True if nothing else holds there: no combinator, no condition."""


_BRANCHED = frozenset(
    ("oneOf", "anyOf", "not", "if", "dependentSchemas", "patternProperties", "propertyNames", "$dynamicRef")
)


def walk(schemas: Schemas, pointer: str, whole: Any) -> Iterator[Place]:
    """The places of a value; what lies below a combinator is left out, as nobody knows which branch was meant."""
    stack: list[tuple[str, tuple[str, ...], Any]] = [("", (pointer,), whole)]
    while stack:
        at, starts, value = stack.pop()
        nodes: dict[str, Mapping[str, Any]] = {}
        todo = list(reversed(starts))
        while todo:
            where = todo.pop()
            node = resolve(schemas.value, where)
            if not isinstance(node, Mapping) or where in nodes:
                continue
            nodes[where] = node
            if isinstance(node.get("$ref"), str):
                todo.append(node["$ref"])
            todo += [f"{where}/allOf/{index}" for index in range(len(node.get("allOf", ())))]
        plain = not any(keyword in node for node in nodes.values() for keyword in _BRANCHED)
        yield Place(at, tuple(nodes), value, plain)
        if not plain:
            continue
        if isinstance(value, Mapping):
            for name, item in value.items():
                below = tuple(
                    f"{where}/properties/{escape(name)}"
                    for where, node in nodes.items()
                    if name in node.get("properties", {})
                )
                if below:
                    stack.append((f"{at}/{escape(name)}", below, item))
        elif isinstance(value, list):
            below = tuple(f"{where}/items" for where, node in nodes.items() if "items" in node)
            if below and not any("prefixItems" in node for node in nodes.values()):
                stack += [(f"{at}/{index}", below, item) for index, item in enumerate(value)]


def _nodes(api: Api, place: Place) -> list[Mapping[str, Any]]:
    return [resolve(api.schemas.value, where) for where in place.schemas]


def _allows_null(schemas: Schemas, place: Place) -> bool:
    nodes = [resolve(schemas.value, where) for where in place.schemas]
    kinds = [node["type"] for node in nodes if "type" in node]
    listed = [node["enum"] for node in nodes if "enum" in node]
    return bool(kinds) and all("null" in kind for kind in kinds) and all(None in values for values in listed)


def _is_there(whole: Any, at: str) -> bool:
    try:
        resolve(whole, at)
    except KeyError:
        return False
    return True


def _is_closed_by_judge(api: Api, place: Place) -> bool:
    """True if the document names properties there, and says nothing about others."""
    nodes = _nodes(api, place)
    return (
        place.plain
        and any(node.get("properties") for node in nodes)
        and not any("additionalProperties" in node or "unevaluatedProperties" in node for node in nodes)
        and len({name for node in nodes for name in node.get("properties", {})}) > 1
    )


# --- what is expected -------------------------------------------------------------------------------------------------

Told = tuple[str, str | None, str | None]
"""Rule, keyword and place of a finding in changed traffic; rule, name and component of one in a changed document."""


def told(finding: Finding) -> Told:
    where = finding.mismatch.where
    place = where.pointer if where.pointer is not None else where.status
    keyword = finding.mismatch.keyword if finding.rule in ("response-schema", "header-schema") else None
    return finding.rule, keyword, place


def told_of_document(finding: Finding) -> Told:
    mismatch = finding.mismatch
    if finding.rule == "invalid-request-accepted":
        inline = re.match(r"#/paths/[^/]*/[^/]*", mismatch.component or "")
        return finding.rule, mismatch.where.pointer, inline[0] if inline else mismatch.component
    return finding.rule, mismatch.name, mismatch.component


@dataclass(frozen=True)
class Case:
    """One change, and what must be said about it."""

    kind: str
    where: str
    honest: tuple[Exchange, ...]
    changed: tuple[Exchange, ...]
    expected: frozenset[Told]
    """All that must be reported; empty where silence is right."""
    document: Document | None = None
    """The changed document, where that is what was changed."""


Change = tuple[Exchange, set[Told]]
OfTraffic = Callable[[Api, Honest], Iterator[Change]]
OfDocument = Callable[[Api], Iterator[tuple[Document, list[Honest], set[Told], str]]]

TRAFFIC: dict[str, OfTraffic] = {}
DOCUMENT: dict[str, OfDocument] = {}


def traffic(kind: str) -> Callable[[OfTraffic], OfTraffic]:
    def register(made: OfTraffic) -> OfTraffic:
        TRAFFIC[kind] = made
        return made

    return register


def document(kind: str) -> Callable[[OfDocument], OfDocument]:
    def register(made: OfDocument) -> OfDocument:
        DOCUMENT[kind] = made
        return made

    return register


# --- changes of an answer ---------------------------------------------------------------------------------------------


def _answered(honest: Honest, **fresh: Any) -> Exchange:
    return replace(honest.exchange, response=replace(honest.response, **fresh))


def _body(honest: Honest, value: Any) -> Exchange:
    return _answered(honest, body=json.dumps(value).encode())


def _labelled(headers: Headers, content_type: str) -> Headers:
    return tuple((name, content_type if name.lower() == "content-type" else value) for name, value in headers)


def _places(api: Api, honest: Honest) -> Iterator[Place]:
    if honest.body is not MISSING and honest.media is not None and honest.media.schema is not None:
        yield from walk(api.schemas, honest.media.schema, honest.body)


@traffic("property removed")
def _(api: Api, honest: Honest) -> Iterator[Change]:
    for place in _places(api, honest):
        required = {name for node in _nodes(api, place) for name in node.get("required", ())}
        for name in sorted(required & set(place.value if isinstance(place.value, Mapping) else ())):
            changed = _body(honest, replaced(honest.body, f"{place.at}/{escape(name)}", MISSING))
            yield changed, {("response-schema", "required", folded(place.at))}


@traffic("property renamed")
def _(api: Api, honest: Honest) -> Iterator[Change]:
    for place in _places(api, honest):
        if not isinstance(place.value, Mapping) or not _is_closed_by_judge(api, place):
            continue
        required = {name for node in _nodes(api, place) for name in node.get("required", ())}
        for name in sorted(required & set(place.value)):
            fresh = {ODD if key == name else key: item for key, item in place.value.items()}
            yield (
                _body(honest, replaced(honest.body, place.at, fresh)),
                {
                    ("response-schema", "required", folded(place.at)),
                    ("undeclared-property", None, f"{folded(place.at)}/{ODD}"),
                },
            )


@traffic("property added")
def _(api: Api, honest: Honest) -> Iterator[Change]:
    for place in _places(api, honest):
        if isinstance(place.value, Mapping) and _is_closed_by_judge(api, place):
            fresh = {**place.value, ODD: "x"}
            yield (
                _body(honest, replaced(honest.body, place.at, fresh)),
                {("undeclared-property", None, f"{folded(place.at)}/{ODD}")},
            )


def _of_keyword(keyword: str, wanted: Callable[[sample.Broken], bool] = lambda broken: True) -> OfTraffic:
    """Changes that break one keyword of the answer's schema."""

    def changes(api: Api, honest: Honest) -> Iterator[Change]:
        if honest.body is MISSING or honest.media is None or honest.media.schema is None:
            return
        for broken in sample.broken(api.schemas, honest.media.schema, "response", whole=honest.body):
            if broken.keyword == keyword and wanted(broken):
                yield _body(honest, broken.value), {("response-schema", keyword, folded(broken.pointer))}

    return changes


for _keyword, _kind in {
    "enum": "enum member unknown",
    "const": "constant changed",
    "minLength": "text too short",
    "maxLength": "text too long",
    "pattern": "pattern broken",
    "minimum": "number too small",
    "maximum": "number too large",
    "exclusiveMinimum": "number at its excluded minimum",
    "exclusiveMaximum": "number at its excluded maximum",
    "multipleOf": "number between steps",
    "minItems": "array too short",
    "maxItems": "array too long",
    "uniqueItems": "item twice",
    "additionalProperties": "property added where forbidden",
    "minProperties": "map too small",
    "maxProperties": "map too large",
    "writeOnly": "writeOnly leaked",
    "type": "value retyped",
}.items():
    TRAFFIC[_kind] = _of_keyword(_keyword)


def _swapped(
    api: Api,
    honest: Honest,
    wanted: Callable[[Mapping[str, Any], Any], bool],
    fresh: Callable[[Any], Any],
    keyword: str,
) -> Iterator[Change]:
    """Each value that one schema alone describes, and that is wanted, replaced."""
    for place in _places(api, honest):
        nodes = [node for node in _nodes(api, place) if "$ref" not in node or len(node) > 1]
        if place.plain and len(nodes) == 1 and wanted(nodes[0], place.value):
            changed = _body(honest, replaced(honest.body, place.at, fresh(place.value)))
            yield changed, {("response-schema", keyword, folded(place.at))}


@traffic("null sent")
def _(api: Api, honest: Honest) -> Iterator[Change]:
    def wanted(node: Mapping[str, Any], value: Any) -> bool:
        return isinstance(node.get("type"), str) and node["type"] != "null" and not {"enum", "const"} & set(node)

    yield from _swapped(api, honest, wanted, lambda value: None, "type")


@traffic("format broken")
def _(api: Api, honest: Honest) -> Iterator[Change]:
    known = ("date-time", "date", "uuid", "email", "uri", "ipv4")

    def wanted(node: Mapping[str, Any], value: Any) -> bool:
        alone = not {"pattern", "maxLength", "enum"} & set(node)
        return node.get("format") in known and isinstance(value, str) and alone

    yield from _swapped(api, honest, wanted, lambda value: "\\ no such format %", "format")


@traffic("date sent as a date-time")
def _(api: Api, honest: Honest) -> Iterator[Change]:
    def wanted(node: Mapping[str, Any], value: Any) -> bool:
        return node.get("format") == "date" and isinstance(value, str) and not {"pattern", "maxLength"} & set(node)

    yield from _swapped(api, honest, wanted, lambda value: f"{value}T00:00:00Z", "format")


@traffic("date-time sent as a date")
def _(api: Api, honest: Honest) -> Iterator[Change]:
    def wanted(node: Mapping[str, Any], value: Any) -> bool:
        return node.get("format") == "date-time" and isinstance(value, str) and "pattern" not in node

    yield from _swapped(api, honest, wanted, lambda value: value[:10], "format")


@traffic("integer widened past int32")
def _(api: Api, honest: Honest) -> Iterator[Change]:
    def wanted(node: Mapping[str, Any], value: Any) -> bool:
        return (
            node.get("format") == "int32" and isinstance(value, int) and not {"maximum", "exclusiveMaximum"} & set(node)
        )

    yield from _swapped(api, honest, wanted, lambda value: 2**31, "format")


@traffic("integer sent as a fraction")
def _(api: Api, honest: Honest) -> Iterator[Change]:
    def wanted(node: Mapping[str, Any], value: Any) -> bool:
        other = {"enum", "const", "multipleOf", "maximum", "exclusiveMaximum"}
        return node.get("type") == "integer" and isinstance(value, int) and not other & set(node)

    yield from _swapped(api, honest, wanted, lambda value: value + 0.5, "type")


@traffic("number sent as text")
def _(api: Api, honest: Honest) -> Iterator[Change]:
    def wanted(node: Mapping[str, Any], value: Any) -> bool:
        return node.get("type") in ("integer", "number") and not {"enum", "const"} & set(node)

    yield from _swapped(api, honest, wanted, str, "type")


@traffic("one item of many wrong")
def _(api: Api, honest: Honest) -> Iterator[Change]:
    for place in _places(api, honest):
        nodes = _nodes(api, place)
        if (
            isinstance(place.value, list)
            and place.value
            and place.plain
            and not any("uniqueItems" in node or "maxItems" in node for node in nodes)
        ):
            items = [
                resolve(api.schemas.value, f"{where}/items")
                for where, node in zip(place.schemas, nodes, strict=True)
                if "items" in node
            ]
            if len(items) == 1 and items[0].get("type") in ("string", "integer") and "enum" not in items[0]:
                many = [place.value[0]] * 49 + [[]]
                yield (
                    _body(honest, replaced(honest.body, place.at, many)),
                    {("response-schema", "type", f"{folded(place.at)}/*")},
                )


@traffic("body in another shape")
def _(api: Api, honest: Honest) -> Iterator[Change]:
    for place in _places(api, honest):
        kinds = [node["type"] for node in _nodes(api, place) if "type" in node]
        if not place.at and place.plain and kinds == ["object"]:
            yield _body(honest, [honest.body]), {("response-schema", "type", "")}
        if not place.at and place.plain and kinds == ["array"]:
            yield _body(honest, {"items": honest.body}), {("response-schema", "type", "")}


@traffic("no branch of a oneOf fits")
def _(api: Api, honest: Honest) -> Iterator[Change]:
    for place in _places(api, honest):
        nodes = _nodes(api, place)
        listed = [node["oneOf"] for node in nodes if "oneOf" in node and "discriminator" not in node]
        if len(listed) == 1 and not any("not" in node or "if" in node for node in nodes):
            for odd in (True, [[[]]], {"\0": {}}):
                if place.at and not api.schemas.accepts(_first(place, nodes, "oneOf"), "response", odd):
                    changed = _body(honest, replaced(honest.body, place.at, odd))
                    yield changed, {("response-schema", "oneOf", folded(place.at))}
                    break


def _first(place: Place, nodes: Sequence[Mapping[str, Any]], keyword: str) -> str:
    return next(where for where, node in zip(place.schemas, nodes, strict=True) if keyword in node)


@traffic("discriminator unknown")
def _(api: Api, honest: Honest) -> Iterator[Change]:
    for place in _places(api, honest):
        for node in _nodes(api, place):
            about = node.get("discriminator")
            if (
                isinstance(about, Mapping)
                and isinstance(about.get("mapping"), Mapping)
                and isinstance(place.value, Mapping)
                and "oneOf" in node
            ):
                at = f"{place.at}/{escape(about['propertyName'])}"
                changed = _body(honest, replaced(honest.body, at, ODD))
                keyword = _listing(api, node, about["propertyName"])
                if keyword is None:
                    yield changed, {("discriminator-mismatch", None, folded(at))}
                else:  # the branches say what the property holds, so the schema refuses it already
                    yield changed, {("response-schema", keyword, folded(at))}


def _listing(api: Api, node: Mapping[str, Any], name: str) -> str | None:
    """The keyword by which the branches of a union list the values of a property."""
    for where, inner in api.schemas.flatten([each["$ref"] for each in node["oneOf"] if "$ref" in each]):
        if name in inner.get("properties", {}):
            for _, said in api.schemas.flatten([f"{where}/properties/{escape(name)}"]):
                if found := {"const", "enum"} & set(said):
                    return min(found)
    return None


@traffic("body cut off")
def _(api: Api, honest: Honest) -> Iterator[Change]:
    if isinstance(honest.body, (Mapping, list)):
        yield _answered(honest, body=honest.response.body[:-1]), {("malformed-body", None, honest.key)}


@traffic("body empty")
def _(api: Api, honest: Honest) -> Iterator[Change]:
    if honest.body is not MISSING:
        yield _answered(honest, body=b""), {("malformed-body", None, honest.key)}


@traffic("charset broken")
def _(api: Api, honest: Honest) -> Iterator[Change]:
    for place in _places(api, honest):
        if isinstance(place.value, str):
            latin = json.dumps(replaced(honest.body, place.at, "Zoë"), ensure_ascii=False).encode("latin-1", "replace")
            yield _answered(honest, body=latin), {("malformed-body", None, honest.key)}
            return


@traffic("JSON under another media type")
def _(api: Api, honest: Honest) -> Iterator[Change]:
    declared = honest.operation.responses[honest.key]
    if honest.body is not MISSING and declared.media("text/html") is None:
        yield (
            _answered(honest, headers=_labelled(honest.response.headers, "text/html; charset=utf-8")),
            {("undeclared-media-type", None, honest.key)},
        )


@traffic("problem+json instead of json")
def _(api: Api, honest: Honest) -> Iterator[Change]:
    declared = honest.operation.responses[honest.key]
    if honest.response.media_type == "application/json" and declared.media("application/problem+json") is None:
        headers = _labelled(honest.response.headers, "application/problem+json")
        yield _answered(honest, headers=headers), {("undeclared-media-type", None, honest.key)}


@traffic("status changed")
def _(api: Api, honest: Honest) -> Iterator[Change]:
    for status in (202, 206, 402, 418, 423):
        if honest.operation.response(status) is None:
            yield _answered(honest, status=status), {("undeclared-status", None, str(status))}
            return


@traffic("server error")
def _(api: Api, honest: Honest) -> Iterator[Change]:
    if "500" not in honest.operation.responses:
        yield _answered(honest, status=500), {("server-error", None, "500")}


@traffic("no answer")
def _(api: Api, honest: Honest) -> Iterator[Change]:
    yield replace(honest.exchange, response=None, failure="connection reset"), {("no-answer", None, None)}


@traffic("header dropped")
def _(api: Api, honest: Honest) -> Iterator[Change]:
    for declared in honest.operation.responses[honest.key].headers:
        if declared.required:
            kept = tuple(pair for pair in honest.response.headers if pair[0].lower() != declared.name.lower())
            yield _answered(honest, headers=kept), {("missing-header", None, f"header:{declared.name}")}


@traffic("header retyped")
def _(api: Api, honest: Honest) -> Iterator[Change]:
    for declared in honest.operation.responses[honest.key].headers:
        if declared.schema is None or header(honest.response.headers, declared.name) is None:
            continue
        node = resolve(api.schemas.value, declared.schema)
        node = resolve(api.schemas.value, node["$ref"]) if "$ref" in node else node
        keyword = (
            "type"
            if node.get("type") in ("integer", "boolean", "number")
            else "format"
            if node.get("format") == "uuid"
            else "enum"
            if "enum" in node
            else None
        )
        if keyword is not None:
            fresh = tuple(
                (name, "odd value" if name == declared.name else text) for name, text in honest.response.headers
            )
            yield _answered(honest, headers=fresh), {("header-schema", keyword, f"header:{declared.name}")}


# --- changes of a request ---------------------------------------------------------------------------------------------


def _asked(honest: Honest, **fresh: Any) -> Exchange:
    return replace(honest.exchange, request=replace(honest.exchange.request, **fresh))


def _rewritten(api: Api, honest: Honest, salt: int = 0, **how: Any) -> Exchange | None:
    """The exchange with its request made anew, if it still belongs to its operation."""
    made = message.request(honest.operation, full=True, salt=salt, **how)
    match = api.contract.match(made.method, made.path) if made is not None else None
    if made is None or match is None or match.operation is not honest.operation:
        return None
    return replace(honest.exchange, request=made)


def _parameters(honest: Honest, *locations: str) -> Iterator[Parameter]:
    if honest.succeeded:
        yield from (each for each in honest.operation.parameters if each.location in locations)


@traffic("undeclared parameter sent")
def _(api: Api, honest: Honest) -> Iterator[Change]:
    if honest.succeeded:
        url = honest.exchange.request.url
        yield (
            _asked(honest, url=f"{url}{'&' if '?' in url else '?'}{ODD}=1"),
            {("undeclared-parameter", None, f"query:{ODD}")},
        )


@traffic("required parameter left out")
def _(api: Api, honest: Honest) -> Iterator[Change]:
    for parameter in _parameters(honest, "query", "header", "cookie"):
        if parameter.required and parameter.name.lower() not in ("accept", "content-type", "authorization"):
            changed = _rewritten(api, honest, without=[parameter.label])
            if changed is not None:
                yield changed, {("invalid-request-accepted", None, parameter.label)}


@traffic("parameter renamed")
def _(api: Api, honest: Honest) -> Iterator[Change]:
    for parameter in _parameters(honest, "query"):
        whole = _rewritten(api, honest)
        if whole is not None and f"{parameter.name}=" in whole.request.query and parameter.style == "form":
            path, _, query = whole.request.url.partition("?")
            fields = [
                f"{ODD}={each.partition('=')[2]}" if each.startswith(f"{parameter.name}=") else each
                for each in query.split("&")
            ]
            expected: set[Told] = {("undeclared-parameter", None, f"query:{ODD}")}
            if parameter.required:
                expected.add(("invalid-request-accepted", None, parameter.label))
            yield _asked(replace(honest, exchange=whole), url=f"{path}?{'&'.join(fields)}"), expected


def _wrong_text(api: Api, parameter: Parameter) -> str | None:
    """A text that the schema of a parameter refuses, whatever it is read as."""
    if parameter.schema is None or parameter.content is not None:
        return None
    nodes = [node for _, node in api.schemas.flatten([parameter.schema])]
    if any(set(node) & {"oneOf", "anyOf", "not"} for node in nodes):
        return None
    kinds = {node["type"] for node in nodes if isinstance(node.get("type"), str)}
    listed = any("enum" in node for node in nodes)
    shaped = any(node.get("format") in ("uuid", "date", "date-time") for node in nodes)
    if (kinds and kinds <= {"integer", "number", "boolean"}) or (kinds == {"string"} and (listed or shaped)):
        return "no-such"
    return None


def _of_parameters(*locations: str) -> OfTraffic:
    def changes(api: Api, honest: Honest) -> Iterator[Change]:
        for parameter in _parameters(honest, *locations):
            if (text := _wrong_text(api, parameter)) is not None:
                changed = _rewritten(api, honest, given={parameter.label: text})
                if changed is not None:
                    yield changed, {("invalid-request-accepted", None, parameter.label)}

    return changes


TRAFFIC["query parameter retyped"] = _of_parameters("query")
TRAFFIC["path parameter retyped"] = _of_parameters("path")
TRAFFIC["header parameter retyped"] = _of_parameters("header", "cookie")


def _sent_json(honest: Honest) -> bool:
    return (
        honest.succeeded
        and honest.sent is not MISSING
        and honest.sent_media is not None
        and honest.sent_media.schema is not None
    )


def _sending(honest: Honest, value: Any) -> Exchange:
    return _asked(honest, body=json.dumps(value).encode())


@traffic("request property left out")
def _(api: Api, honest: Honest) -> Iterator[Change]:
    if _sent_json(honest):
        assert honest.sent_media is not None and honest.sent_media.schema is not None
        for broken in sample.broken(api.schemas, honest.sent_media.schema, "request", whole=honest.sent):
            if broken.keyword == "required":
                yield (
                    _sending(honest, broken.value),
                    {("invalid-request-accepted", None, f"body:{folded(broken.pointer)}")},
                )


@traffic("request property broken")
def _(api: Api, honest: Honest) -> Iterator[Change]:
    if _sent_json(honest):
        assert honest.sent_media is not None and honest.sent_media.schema is not None
        for broken in sample.broken(api.schemas, honest.sent_media.schema, "request", whole=honest.sent):
            if broken.keyword not in ("required", "additionalProperties") and broken.pointer:
                yield (
                    _sending(honest, broken.value),
                    {("invalid-request-accepted", None, f"body:{folded(broken.pointer)}")},
                )


@traffic("request property undeclared")
def _(api: Api, honest: Honest) -> Iterator[Change]:
    if _sent_json(honest):
        assert honest.sent_media is not None and honest.sent_media.schema is not None
        for place in walk(api.schemas, honest.sent_media.schema, honest.sent):
            if isinstance(place.value, Mapping) and _is_closed_by_judge(api, place):
                fresh = replaced(honest.sent, place.at, {**place.value, ODD: "x"})
                yield _sending(honest, fresh), {("undeclared-property", None, f"body:{folded(place.at)}/{ODD}")}


@traffic("request body cut off")
def _(api: Api, honest: Honest) -> Iterator[Change]:
    if _sent_json(honest) and isinstance(honest.sent, (Mapping, list)):
        assert honest.exchange.request.body is not None
        yield _asked(honest, body=honest.exchange.request.body[:-1]), {("invalid-request-accepted", None, "body")}


@traffic("request under another media type")
def _(api: Api, honest: Honest) -> Iterator[Change]:
    declared = honest.operation.request_body
    if _sent_json(honest) and declared is not None and declared.media("application/x-odd") is None:
        headers = _labelled(honest.exchange.request.headers, "application/x-odd")
        yield _asked(honest, headers=headers), {("invalid-request-accepted", None, "body")}


@traffic("required body left out")
def _(api: Api, honest: Honest) -> Iterator[Change]:
    declared = honest.operation.request_body
    if _sent_json(honest) and declared is not None and declared.required:
        kept = tuple(pair for pair in honest.exchange.request.headers if pair[0].lower() != "content-type")
        yield _asked(honest, body=None, headers=kept), {("invalid-request-accepted", None, "body")}


@traffic("route undeclared")
def _(api: Api, honest: Honest) -> Iterator[Change]:
    path, mark, query = honest.exchange.request.url.partition("?")
    fresh = f"{path.rstrip('/')}/{ODD}/{ODD}"
    if honest.succeeded and api.contract.match(honest.operation.method, fresh) is None:
        yield _asked(honest, url=fresh + mark + query), {("undeclared-operation", None, None)}


@traffic("method undeclared")
def _(api: Api, honest: Honest) -> Iterator[Change]:
    match = api.contract.match(honest.operation.method, honest.exchange.request.path)
    for method in ("PATCH", "PUT", "DELETE"):
        if honest.succeeded and match is not None and method not in match.methods:
            yield _asked(honest, method=method), {("undeclared-operation", None, None)}
            return


# --- changes of the document ------------------------------------------------------------------------------------------


def _reached(api: Api, direction: str = "response") -> dict[str, tuple[list[Honest], list[Any]]]:
    """By pointer of a schema: the exchanges whose bodies it describes for certain, and the values there.

    Only where no other schema describes the same value, so that a change of this one must show.
    """
    memo: dict[str, dict[str, tuple[list[Honest], list[Any]]]] = api.memo.setdefault("reached", {})
    if direction in memo:
        return memo[direction]
    found: dict[str, tuple[list[Honest], list[Any]]] = defaultdict(lambda: ([], []))
    shared: set[str] = set()
    for honest in api.honest:
        media, whole = (honest.media, honest.body) if direction == "response" else (honest.sent_media, honest.sent)
        if (
            media is None
            or media.schema is None
            or whole is MISSING
            or (direction == "request" and not honest.succeeded)
        ):
            continue
        for place in walk(api.schemas, media.schema, whole):
            own = [
                where
                for where in place.schemas
                if set(resolve(api.schemas.value, where)) - {"$ref", "allOf", "description"}
            ]
            shared.update(own if len(own) > 1 or not place.plain else ())
            for where in own:
                if not any(each is honest for each in found[where][0]):
                    found[where][0].append(honest)
                found[where][1].append(place.value)
    # A schema that also stands where a branch decides may show in ways that are not counted here.
    memo[direction] = {
        where: entry for where, entry in found.items() if where not in shared and not _in_branch(api, where)
    }
    return memo[direction]


def _in_branch(api: Api, pointer: str) -> bool:
    """True if a component may be reached through a branch as well."""
    memo: set[str] = api.memo.setdefault("branched", set())
    if not memo:
        todo = [
            node
            for branches in _every(api.schemas.value, ("oneOf", "anyOf", "not", "if", "then", "else"))
            for node in (branches if isinstance(branches, list) else [branches])
        ]
        done: set[str] = {"#"}
        while todo:
            for reference in _references(todo.pop()):
                if reference not in done:
                    done.add(reference)
                    todo.append(resolve(api.schemas.value, reference))
        memo |= done
    return "/".join(pointer.split("/")[:4]) in memo


def _every(node: Any, keywords: Sequence[str]) -> Iterator[Any]:
    if isinstance(node, Mapping):
        for key, item in node.items():
            if key in keywords:
                yield item
            yield from _every(item, keywords)
    elif isinstance(node, list):
        for item in node:
            yield from _every(item, keywords)


def _references(node: Any) -> Iterator[str]:
    return (item for item in _every(node, ("$ref",)) if isinstance(item, str) and item.startswith("#/"))


def _spelled(api: Api, pointer: str) -> Any:
    """What the document itself says there, before 3.0 is read as JSON Schema."""
    return resolve(api.document.value, pointer)


def _seen_in_requests(api: Api, pointer: str) -> bool:
    """True if the schema also describes what requests carry: a change of it then shows on both sides."""
    memo: set[str] = api.memo.setdefault("asked", set())
    if not memo:
        todo: list[Any] = [
            {"$ref": where}
            for operation in api.contract.operations
            for where in (
                *(each.pointer for each in operation.parameters),
                *([operation.request_body.pointer] if operation.request_body is not None else []),
            )
        ]
        memo.add("#")
        while todo:
            for reference in _references(todo.pop()):
                if reference not in memo:
                    memo.add(reference)
                    todo.append(resolve(api.document.value, reference))
    return any(pointer == each or pointer.startswith(f"{each}/") for each in memo - {"#"})


Reached = tuple[str, Mapping[str, Any], list[Honest], list[Any]]


def _schemas_of_answers(api: Api) -> Iterator[Reached]:
    for pointer, (exchanges, seen) in sorted(_reached(api).items(), key=lambda item: _hash(item[0])):
        node = _spelled(api, pointer)
        if isinstance(node, Mapping) and not _seen_in_requests(api, pointer):
            yield pointer, node, exchanges, seen


@document("property removed from the document")
def _(api: Api) -> Iterator[tuple[Document, list[Honest], set[Told], str]]:
    for pointer, node, exchanges, seen in _schemas_of_answers(api):
        for name in sorted(node.get("properties", {})):
            if any(isinstance(value, Mapping) and name in value for value in seen) and _names_others(node):
                kept = {key: item for key, item in node["properties"].items() if key != name}
                required = [key for key in node.get("required", ()) if key != name]
                fresh = {**node, "properties": kept} | ({"required": required} if required else {})
                fresh = fresh if required else {key: item for key, item in fresh.items() if key != "required"}
                yield (
                    api.changed(pointer, fresh),
                    exchanges,
                    {("undeclared-property", name, pointer)},
                    f"{pointer} {name}",
                )


def _names_others(node: Mapping[str, Any]) -> bool:
    return len(node.get("properties", {})) > 2 and not {"additionalProperties", "unevaluatedProperties"} & set(node)


@document("property renamed in the document")
def _(api: Api) -> Iterator[tuple[Document, list[Honest], set[Told], str]]:
    for pointer, node, exchanges, seen in _schemas_of_answers(api):
        for name in sorted(set(node.get("required", ())) & set(node.get("properties", {}))):
            if any(isinstance(value, Mapping) and name in value for value in seen) and _names_others(node):
                fresh = {
                    **node,
                    "properties": {ODD if key == name else key: item for key, item in node["properties"].items()},
                    "required": [ODD if key == name else key for key in node["required"]],
                }
                expected = {("undeclared-property", name, pointer), ("response-schema", ODD, pointer)}
                yield api.changed(pointer, fresh), exchanges, expected, f"{pointer} {name}"


@document("property required that is not sent")
def _(api: Api) -> Iterator[tuple[Document, list[Honest], set[Told], str]]:
    for pointer, node, exchanges, seen in _schemas_of_answers(api):
        for name in sorted(set(node.get("properties", {})) - set(node.get("required", ()))):
            marked = isinstance(node["properties"][name], Mapping) and node["properties"][name].get("writeOnly")
            if any(isinstance(value, Mapping) and name not in value for value in seen) and not marked:
                fresh = {**node, "required": [*node.get("required", ()), name]}
                yield api.changed(pointer, fresh), exchanges, {("response-schema", name, pointer)}, f"{pointer} {name}"


@document("type changed in the document")
def _(api: Api) -> Iterator[tuple[Document, list[Honest], set[Told], str]]:
    for pointer, node, exchanges, seen in _schemas_of_answers(api):
        if (
            node.get("type") in ("string", "integer", "boolean")
            and not {"enum", "const"} & set(node)
            and any(value is not None for value in seen)
        ):
            fresh = {key: item for key, item in node.items() if key in ("nullable", "readOnly")} | {
                "type": "array",
                "items": {},
            }
            yield api.changed(pointer, fresh), exchanges, {("response-schema", None, pointer)}, pointer


@document("enum member removed from the document")
def _(api: Api) -> Iterator[tuple[Document, list[Honest], set[Told], str]]:
    for pointer, node, exchanges, seen in _schemas_of_answers(api):
        for member in node.get("enum", ()):
            if member in seen and len(node["enum"]) > 1:
                fresh = {**node, "enum": [each for each in node["enum"] if each != member]}
                yield (
                    api.changed(pointer, fresh),
                    exchanges,
                    {("response-schema", None, pointer)},
                    f"{pointer} {member}",
                )


@document("nullable dropped from the document")
def _(api: Api) -> Iterator[tuple[Document, list[Honest], set[Told], str]]:
    for pointer, node, exchanges, seen in _schemas_of_answers(api):
        if not any(value is None for value in seen) or {"enum", "const"} & set(node):
            continue
        if node.get("nullable") is True:
            fresh = {key: item for key, item in node.items() if key != "nullable"}
        elif isinstance(node.get("type"), list) and "null" in node["type"]:
            fresh = {**node, "type": [kind for kind in node["type"] if kind != "null"]}
        else:
            continue
        yield api.changed(pointer, fresh), exchanges, {("response-schema", None, pointer)}, pointer


def _narrowed(keyword: str, narrow: Callable[[Mapping[str, Any], list[Any]], Any]) -> OfDocument:
    """Changes that give a schema a keyword which some value seen there breaks."""

    def changes(api: Api) -> Iterator[tuple[Document, list[Honest], set[Told], str]]:
        for pointer, node, exchanges, seen in _schemas_of_answers(api):
            if keyword in ("format", "pattern") and {"enum", "const", "pattern"} & set(node):
                continue
            limit = narrow(node, seen)
            if limit is not None:
                fresh = {**node, keyword: limit}
                yield api.changed(pointer, fresh), exchanges, {("response-schema", None, pointer)}, pointer

    return changes


def _longest(node: Mapping[str, Any], seen: list[Any]) -> int | None:
    lengths = [len(value) for value in seen if isinstance(value, str)]
    return max(lengths) - 1 if lengths and max(lengths) > node.get("minLength", 0) else None


def _largest(node: Mapping[str, Any], seen: list[Any]) -> float | None:
    values = [value for value in seen if isinstance(value, (int, float)) and not isinstance(value, bool)]
    odd = {"exclusiveMaximum", "exclusiveMinimum", "format", "enum"} & set(node)
    return max(values) - 1 if values and not odd and max(values) - 1 >= node.get("minimum", -(10**9)) else None


def _smallest(node: Mapping[str, Any], seen: list[Any]) -> float | None:
    values = [value for value in seen if isinstance(value, (int, float)) and not isinstance(value, bool)]
    odd = {"exclusiveMaximum", "exclusiveMinimum", "format", "enum"} & set(node)
    return min(values) + 1 if values and not odd and min(values) + 1 <= node.get("maximum", 10**9) else None


def _fewest(node: Mapping[str, Any], seen: list[Any]) -> int | None:
    counts = [len(value) for value in seen if isinstance(value, list)]
    return min(counts) + 1 if counts and min(counts) + 1 <= node.get("maxItems", 10**9) else None


def _other_format(node: Mapping[str, Any], seen: list[Any]) -> str | None:
    other = {"date-time": "date", "date": "date-time", "uuid": "date-time", "email": "uuid", "uri": "uuid"}
    return other.get(node.get("format", "")) if any(isinstance(value, str) for value in seen) else None


def _other_pattern(node: Mapping[str, Any], seen: list[Any]) -> str | None:
    return "^zq$" if node.get("type") == "string" and any(isinstance(value, str) for value in seen) else None


DOCUMENT["maxLength narrowed in the document"] = _narrowed("maxLength", _longest)
DOCUMENT["maximum narrowed in the document"] = _narrowed("maximum", _largest)
DOCUMENT["minimum raised in the document"] = _narrowed("minimum", _smallest)
DOCUMENT["minItems raised in the document"] = _narrowed("minItems", _fewest)
DOCUMENT["format changed in the document"] = _narrowed("format", _other_format)
DOCUMENT["pattern added to the document"] = _narrowed("pattern", _other_pattern)


def _by_operation(api: Api) -> Iterator[tuple[Operation, list[Honest]]]:
    for operation in sorted(api.operations, key=lambda each: _hash(each.key)):
        exchanges = [each for each in api.honest if each.operation is operation]
        if exchanges:
            yield operation, exchanges


@document("status removed from the document")
def _(api: Api) -> Iterator[tuple[Document, list[Honest], set[Told], str]]:
    for operation, exchanges in _by_operation(api):
        for key in operation.responses:
            own = [each for each in exchanges if each.key == key]
            if (
                not key.isdigit()
                or not own
                or int(key) in (405, 413, 414, 415, 429, 431)
                or len(operation.responses) < 2
            ):
                continue
            if {"default", f"{key[0]}XX"} & set(operation.responses):
                continue
            pointer = f"{operation.pointer}/responses"
            changed = api.changed(f"{pointer}/{key}", MISSING)
            yield changed, exchanges, {("undeclared-status", key, pointer)}, f"{operation.key} {key}"


@document("media type renamed in the document")
def _(api: Api) -> Iterator[tuple[Document, list[Honest], set[Told], str]]:
    for operation, exchanges in _by_operation(api):
        for key, response in operation.responses.items():
            own = [each for each in exchanges if each.key == key and each.media is not None]
            if own and len(response.content) == 1 and response.pointer.startswith(operation.pointer):
                media = own[0].media
                assert media is not None
                content = resolve(api.document.value, f"{response.pointer}/content")
                fresh = {"application/x-odd": next(iter(content.values()))}
                expected = {
                    ("undeclared-media-type", each.response.media_type, f"{response.pointer}/content") for each in own
                }
                yield api.changed(f"{response.pointer}/content", fresh), exchanges, expected, f"{operation.key} {key}"


@document("header required that is not sent")
def _(api: Api) -> Iterator[tuple[Document, list[Honest], set[Told], str]]:
    for operation, exchanges in _by_operation(api):
        for key, response in operation.responses.items():
            own = [each for each in exchanges if each.key == key]
            if own and response.pointer.startswith(operation.pointer):
                headers = _spelled(api, response.pointer).get("headers", {})
                fresh = {**headers, "X-Zq": {"required": True, "schema": {"type": "string"}}}
                expected: set[Told] = {("missing-header", "X-Zq", f"{response.pointer}/headers/X-Zq")}
                yield api.changed(f"{response.pointer}/headers", fresh), exchanges, expected, f"{operation.key} {key}"


@document("header retyped in the document")
def _(api: Api) -> Iterator[tuple[Document, list[Honest], set[Told], str]]:
    for operation, exchanges in _by_operation(api):
        for key, response in operation.responses.items():
            for declared in response.headers:
                sent = [each for each in exchanges if each.key == key and header(each.response.headers, declared.name)]
                if sent and declared.pointer.startswith(operation.pointer) and declared.schema is not None:
                    if any(header(each.response.headers, declared.name) == "true" for each in sent):
                        continue
                    fresh = {**_spelled(api, declared.pointer), "schema": {"type": "boolean"}}
                    expected: set[Told] = {("header-schema", declared.name, declared.schema)}
                    yield api.changed(declared.pointer, fresh), exchanges, expected, f"{operation.key} {declared.name}"


@document("route removed from the document")
def _(api: Api) -> Iterator[tuple[Document, list[Honest], set[Told], str]]:
    for operation, exchanges in _by_operation(api):
        item = _spelled(api, operation.item_pointer)
        others = [key for key in item if key in ("get", "put", "post", "delete", "patch")]
        if any(each.succeeded for each in exchanges) and len(others) > 1:
            changed = api.changed(operation.pointer, MISSING)
            if Contract(changed).match(operation.method, exchanges[0].exchange.request.path) is None:
                continue
            yield changed, exchanges, {("undeclared-operation", None, None)}, operation.key


def _own_parameters(api: Api, operation: Operation) -> Iterator[tuple[int, Mapping[str, Any], Parameter]]:
    """Query parameters that the operation writes out itself: index, as spelled, as read."""
    by_pointer = {each.pointer: each for each in operation.parameters}
    for index, entry in enumerate(_spelled(api, operation.pointer).get("parameters", ())):
        parameter = by_pointer.get(f"{operation.pointer}/parameters/{index}")
        if parameter is not None and parameter.location == "query" and parameter.style == "form":
            yield index, entry, parameter


def _sends(each: Honest, name: str) -> bool:
    return each.succeeded and any(field.startswith(f"{name}=") for field in each.exchange.request.query.split("&"))


@document("parameter removed from the document")
def _(api: Api) -> Iterator[tuple[Document, list[Honest], set[Told], str]]:
    for operation, exchanges in _by_operation(api):
        for index, _, parameter in _own_parameters(api, operation):
            if any(_sends(each, parameter.name) for each in exchanges):
                changed = api.changed(f"{operation.pointer}/parameters/{index}", MISSING)
                expected: set[Told] = {("undeclared-parameter", parameter.name, f"{operation.pointer}/parameters")}
                yield changed, exchanges, expected, f"{operation.key} {parameter.name}"


@document("parameter renamed in the document")
def _(api: Api) -> Iterator[tuple[Document, list[Honest], set[Told], str]]:
    for operation, exchanges in _by_operation(api):
        for index, entry, parameter in _own_parameters(api, operation):
            if any(_sends(each, parameter.name) for each in exchanges):
                expected: set[Told] = {("undeclared-parameter", parameter.name, f"{operation.pointer}/parameters")}
                if parameter.required:
                    expected.add(("invalid-request-accepted", f"query:{ODD}", operation.pointer))
                changed = api.changed(f"{operation.pointer}/parameters/{index}", {**entry, "name": ODD})
                yield changed, exchanges, expected, f"{operation.key} {parameter.name}"


@document("parameter required that is not sent")
def _(api: Api) -> Iterator[tuple[Document, list[Honest], set[Told], str]]:
    for operation, exchanges in _by_operation(api):
        for index, entry, parameter in _own_parameters(api, operation):
            if not parameter.required and any(
                each.succeeded and not _sends(each, parameter.name) for each in exchanges
            ):
                changed = api.changed(f"{operation.pointer}/parameters/{index}", {**entry, "required": True})
                expected: set[Told] = {("invalid-request-accepted", parameter.label, operation.pointer)}
                yield changed, exchanges, expected, f"{operation.key} {parameter.name}"


@document("parameter retyped in the document")
def _(api: Api) -> Iterator[tuple[Document, list[Honest], set[Told], str]]:
    for operation, exchanges in _by_operation(api):
        for index, entry, parameter in _own_parameters(api, operation):
            node = resolve(api.schemas.value, parameter.schema) if parameter.schema else {}
            if node.get("type") in ("string", "integer") and any(_sends(each, parameter.name) for each in exchanges):
                changed = api.changed(
                    f"{operation.pointer}/parameters/{index}", {**entry, "schema": {"type": "boolean"}}
                )
                expected: set[Told] = {("invalid-request-accepted", parameter.label, operation.pointer)}
                yield changed, exchanges, expected, f"{operation.key} {parameter.name}"


@document("request property required that is not sent")
def _(api: Api) -> Iterator[tuple[Document, list[Honest], set[Told], str]]:
    for operation, exchanges in _by_operation(api):
        own = [each for each in exchanges if _sent_json(each)]
        if (
            own
            and own[0].sent_media is not None
            and own[0].sent_media.schema is not None
            and isinstance(own[0].sent, Mapping)
        ):
            pointer = own[0].sent_media.schema
            node = _spelled(api, pointer)
            if own[0].sent_media.pointer.startswith(operation.pointer):
                fresh = {"allOf": [node, {"required": [ODD]}]}
                expected: set[Told] = {("invalid-request-accepted", "body:", operation.pointer)}
                yield api.changed(pointer, fresh), exchanges, expected, operation.key


@traffic("silent: readOnly sent in a request")
def _(api: Api, honest: Honest) -> Iterator[Change]:
    # It SHOULD NOT be sent (OpenAPI 3.0.3, 4.7.24.2), and 3.1 leaves it to the server: no drift of the document's.
    if not _sent_json(honest) or not isinstance(honest.sent, Mapping):
        return
    assert honest.sent_media is not None and honest.sent_media.schema is not None
    for where, node in api.schemas.flatten([honest.sent_media.schema]):
        for name, inner in node.get("properties", {}).items():
            if isinstance(inner, Mapping) and inner.get("readOnly") is True and name not in honest.sent:
                found = sample.value(api.schemas, f"{where}/properties/{escape(name)}", "request")
                fresh = {**honest.sent, name: found}
                if found is not MISSING:
                    yield _sending(honest, fresh), set()


# --- silence ----------------------------------------------------------------------------------------------------------


@document("silent: a schema that no exchange touches")
def _(api: Api) -> Iterator[tuple[Document, list[Honest], set[Told], str]]:
    used: set[str] = set()
    todo: list[Any] = [
        part
        for operation in api.operations
        for part in (operation.raw, [{"$ref": each.pointer} for each in operation.parameters])
    ]
    while todo:
        for reference in _references(todo.pop()):
            if reference not in used:
                used.add(reference)
                todo.append(resolve(api.document.value, reference))
    for name in sorted(api.document.value.get("components", {}).get("schemas", {}), key=_hash):
        pointer = f"#/components/schemas/{escape(name)}"
        if not any(each == pointer or each.startswith(f"{pointer}/") for each in used):
            for fresh in ({"type": "null"}, {"type": "object", "required": [ODD]}, {"enum": [ODD]}):
                yield api.changed(pointer, fresh), api.honest[:20], set(), pointer


@document("silent: an operation that no exchange touches")
def _(api: Api) -> Iterator[tuple[Document, list[Honest], set[Told], str]]:
    for operation in api.contract.operations:
        if operation not in api.operations and not any(
            fold(operation.key) == fold(each.key) for each in api.operations
        ):
            yield (
                api.changed(f"{operation.pointer}/responses", {"299": {"description": "odd"}}),
                api.honest[:20],
                set(),
                operation.key,
            )


@document("silent: an optional property added")
def _(api: Api) -> Iterator[tuple[Document, list[Honest], set[Told], str]]:
    for pointer, node, exchanges, _ in _schemas_of_answers(api):
        if node.get("properties"):
            yield api.changed(f"{pointer}/properties/{ODD}", {"type": "string"}), exchanges, set(), pointer


@document("silent: an enum member added")
def _(api: Api) -> Iterator[tuple[Document, list[Honest], set[Told], str]]:
    for pointer, node, exchanges, _ in _schemas_of_answers(api):
        if "enum" in node:
            yield api.changed(f"{pointer}/enum", [*node["enum"], ODD]), exchanges, set(), pointer


@document("silent: required dropped")
def _(api: Api) -> Iterator[tuple[Document, list[Honest], set[Told], str]]:
    for pointer, node, exchanges, _ in _schemas_of_answers(api):
        if node.get("required") and node.get("properties"):
            yield api.changed(f"{pointer}/required", MISSING), exchanges, set(), pointer


@document("silent: a limit widened")
def _(api: Api) -> Iterator[tuple[Document, list[Honest], set[Told], str]]:
    for pointer, node, exchanges, _ in _schemas_of_answers(api):
        for keyword, fresh in (
            ("maxLength", 10_000),
            ("maximum", 10**12),
            ("minimum", -(10**12)),
            ("maxItems", 10_000),
        ):
            if keyword in node:
                yield api.changed(f"{pointer}/{keyword}", fresh), exchanges, set(), f"{pointer} {keyword}"


@document("silent: a status, a media type, a parameter added")
def _(api: Api) -> Iterator[tuple[Document, list[Honest], set[Told], str]]:
    for operation, exchanges in _by_operation(api):
        raw = dict(_spelled(api, operation.pointer))
        raw["responses"] = {**raw["responses"], "299": {"description": "odd"}}
        raw["parameters"] = [*raw.get("parameters", ()), {"name": ODD, "in": "query", "schema": {"type": "string"}}]
        yield api.changed(operation.pointer, raw), exchanges, set(), operation.key


@document("silent: descriptions and examples rewritten")
def _(api: Api) -> Iterator[tuple[Document, list[Honest], set[Told], str]]:
    for pointer, _, exchanges, _ in _schemas_of_answers(api):
        fresh = {**_spelled(api, pointer), "description": ODD, "example": {"odd": 1}}
        yield api.changed(pointer, fresh), exchanges, set(), pointer


# --- the sides --------------------------------------------------------------------------------------------------------


OF_REQUESTS = frozenset(
    kind
    for kind in (*TRAFFIC, *DOCUMENT)
    if any(word in kind for word in ("parameter", "request", "route", "method", "required body"))
    if not kind.startswith("silent")
)
"""Changes that an answer does not show."""


class Peer:
    """Another judge of exchanges."""

    name = ""
    judges_requests = True

    def complains(self, exchange: Exchange) -> bool:
        raise NotImplementedError


class Schemathesis(Peer):
    name = "Schemathesis"
    judges_requests = False

    def __init__(self, value: Mapping[str, Any], base: str) -> None:
        import schemathesis
        from schemathesis.checks import CHECKS, load_all_checks

        load_all_checks()
        self.base = base
        self.schema = schemathesis.openapi.from_dict(value)
        names = ("status_code", "content_type", "response_headers", "response_schema")
        self.checks = [
            CHECKS.get_one(name) for name in ("not_a_server_error", *(f"{each}_conformance" for each in names))
        ]

    def complains(self, exchange: Exchange) -> bool:
        import requests
        from schemathesis.core.failures import FailureGroup
        from schemathesis.core.transport import Response as Wrapped

        if exchange.response is None:
            return True  # its engine reports what a check never sees
        asked = exchange.request
        operation = self.schema.find_operation_by_path(asked.method, asked.path.removeprefix(self.base))
        if operation is None:
            return False
        headers: dict[str, list[str]] = defaultdict(list)
        for name, value in exchange.response.headers:
            headers[name.lower()].append(value)
        prepared = requests.Request(asked.method, HOST + asked.url).prepare()
        answer = Wrapped(exchange.response.status, headers, exchange.response.body, prepared, 0.01, True)
        try:
            path = dict.fromkeys(re.findall(r"\{([^{}]*)\}", operation.path), "x")
            operation.Case(path_parameters=path).validate_response(answer, checks=self.checks)
        except (FailureGroup, AssertionError):
            return True
        return False


class OpenApiCore(Peer):
    name = "openapi-core, forbid"

    def __init__(self, value: Mapping[str, Any]) -> None:
        from openapi_core import Config, OpenAPI

        # By itself it reads `application/json` alone, and takes the rest for bytes.
        names = {
            name.lower() for content in _every(value, ("content",)) if isinstance(content, Mapping) for name in content
        }
        config = Config(
            spec_validator_cls=None,
            additional_properties_default_policy="forbid",
            extra_media_type_deserializers={name: json.loads for name in names if is_json(name)},
        )
        self.app = OpenAPI.from_dict(value, config=config)

    def complains(self, exchange: Exchange) -> bool:
        from openapi_core.validation.request.exceptions import SecurityValidationError

        if exchange.response is None:
            return False
        request, response = _Asked(exchange), _Answered(exchange.response)
        for errors in (
            lambda: self.app.iter_request_errors(request),
            lambda: self.app.iter_response_errors(request, response),
        ):
            try:
                found = [error for error in errors() if not isinstance(error, SecurityValidationError)]
            except (ArithmeticError, AttributeError, LookupError, NotImplementedError, TypeError, ValueError):
                continue  # a fault of its own on a document or an exchange is no verdict on it
            # Only a success shows that a wrong request was taken.
            if found and (
                200 <= exchange.response.status < 300 or errors.__code__.co_names[-1] == "iter_response_errors"
            ):
                return True
        return False


class _Asked:
    """A request as openapi-core reads it."""

    def __init__(self, exchange: Exchange) -> None:
        from http.cookies import SimpleCookie
        from urllib.parse import parse_qsl

        from openapi_core.datatypes import RequestParameters
        from werkzeug.datastructures import Headers as WireHeaders
        from werkzeug.datastructures import ImmutableMultiDict

        request = exchange.request
        self.host_url = HOST
        self.path = request.path
        self.full_url_pattern = HOST + request.path
        self.method = request.method.lower()
        self.body = request.body
        self.content_type = request.content_type or ""
        jar = {name: morsel.value for name, morsel in SimpleCookie(header(request.headers, "cookie") or "").items()}
        self.parameters = RequestParameters(
            query=ImmutableMultiDict(parse_qsl(request.query, keep_blank_values=True)),
            header=WireHeaders(list(request.headers)),
            cookie=ImmutableMultiDict(jar),
        )


class _Answered:
    """An answer as openapi-core reads it."""

    def __init__(self, response: Response) -> None:
        from werkzeug.datastructures import Headers as WireHeaders

        self.status_code = response.status
        self.data = response.body
        self.headers = WireHeaders(list(response.headers))
        self.content_type = response.content_type or ""


PEERS: tuple[type[Peer], ...] = (Schemathesis, OpenApiCore)


def peers_of(api: Api, changed: Document) -> list[Peer]:
    """Both peers over a document, its servers put where the traffic goes."""
    base = api.contract.operations[0].base_paths[0]
    value = json.loads(json.dumps({**changed.value, "servers": [{"url": HOST + base}]}))
    # Credentials are not part of the traffic, and openapi-core stops at the first thing that is missing.
    for owner in (value, *(operation for item in value["paths"].values() for operation in item.values())):
        if isinstance(owner, dict):
            owner.pop("security", None)
    return [Schemathesis(value, base), OpenApiCore(value)]


# --- the run ----------------------------------------------------------------------------------------------------------


@dataclass
class Row:
    """What came of one kind."""

    cases: int = 0
    found: int = 0
    exact: int = 0
    peer_cases: int = 0

    def __post_init__(self) -> None:
        self.peers: Counter[str] = Counter()


def cases(api: Api, per_kind: int) -> Iterator[Case]:
    for kind, change in TRAFFIC.items():
        count, used = 0, set()
        for honest in api.honest:
            for index, (changed, expected) in enumerate(_spread(change(api, honest), honest)):
                where = f"{honest.operation.key} {honest.key} {sorted(map(str, expected))}"
                if index or where in used or count >= per_kind:
                    break
                used.add(where)
                count += 1
                yield Case(kind, where, (honest.exchange,), (changed,), frozenset(expected))
            if count >= per_kind:
                break
    for kind, change_document in DOCUMENT.items():
        for index, (changed_document, exchanges, expected, where) in enumerate(change_document(api)):
            if index >= per_kind:
                break
            own = tuple(each.exchange for each in exchanges[:40])
            yield Case(kind, where, own, own, frozenset(expected), changed_document)


def _spread(changes: Iterator[Change], honest: Honest) -> list[Change]:
    """One of the first changes, another one for each exchange."""
    first = [change for change, _ in zip(changes, range(12), strict=False)]
    return [first[_hash(honest.exchange.request.url + honest.key) % len(first)]] if first else []


def run(api: Api, per_kind: int, with_peers: bool, table: dict[str, Row], wrong: list[str]) -> Counter[str]:
    """Adds what each side says to the table; gives the complaints about honest traffic by side."""
    false: Counter[str] = Counter()
    alarmed: dict[str, set[int]] = defaultdict(set)
    for honest in api.honest:
        found = api.judge.exchange(honest.exchange).findings
        if found:
            false["ours"] += 1
            wrong.append(f"{api.name}: honest {honest.operation.key} {honest.key}: {[told(each) for each in found]}")
    originals = peers_of(api, api.document) if with_peers else []
    for peer in originals:
        for honest in api.honest:
            if peer.complains(honest.exchange):
                alarmed[peer.name].add(id(honest.exchange))
        false[peer.name] = len(alarmed[peer.name])
    for case in cases(api, per_kind):
        row = table.setdefault(case.kind, Row())
        row.cases += 1
        judge = api.judge
        if case.document is not None:
            judge = Judge(Contract(case.document), lambda rule, level: level)
        tell = told if case.document is None else told_of_document
        said = {tell(finding) for exchange in case.changed for finding in judge.exchange(exchange).findings}
        found_it = case.expected <= said
        row.found += found_it
        row.exact += said == case.expected
        if said != case.expected:
            wrong.append(
                f"{api.name}: {case.kind}: {case.where}\n    expected {sorted(map(str, case.expected))}\n    said     {sorted(map(str, said))}"
            )
        if with_peers:
            row.peer_cases += 1
            for peer in originals if case.document is None else peers_of(api, case.document):
                complained = any(
                    id(before) not in alarmed[peer.name] and peer.complains(after)
                    for before, after in zip(case.honest, case.changed, strict=True)
                )
                row.peers[peer.name] += complained == bool(case.expected)
    return false


def share(part: int, whole: int) -> str:
    return f"{part} of {whole}" if whole else "none"


def lines(table: dict[str, Row], false: dict[str, Counter[str]], honest: dict[str, int]) -> Iterator[str]:
    names = [peer.name for peer in PEERS]
    yield f"| change | cases | ours: found | ours: exact | {' | '.join(names)} |"
    yield "|---|---:|---:|---:|" + "---:|" * len(names)
    whole = Row()
    asked: Counter[str] = Counter()
    for kind, row in table.items():
        shown = []
        for peer in PEERS:
            judged = peer.judges_requests or kind not in OF_REQUESTS
            asked[peer.name] += row.peer_cases if judged else 0
            whole.peers[peer.name] += row.peers[peer.name] if judged else 0
            shown.append(share(row.peers[peer.name], row.peer_cases) if judged else "not judged")
        whole.cases, whole.found, whole.exact = (
            whole.cases + row.cases,
            whole.found + row.found,
            whole.exact + row.exact,
        )
        yield f"| {kind} | {row.cases} | {row.found} | {row.exact} | {' | '.join(shown)} |"
    shown = [share(whole.peers[name], asked[name]) for name in names]
    yield f"| **all {len(table)} kinds** | {whole.cases} | {whole.found} | {whole.exact} | {' | '.join(shown)} |"
    yield ""
    yield f"| honest exchanges complained about | of | ours | {' | '.join(names)} |"
    yield "|---|---:|---:|" + "---:|" * len(names)
    for name, count in honest.items():
        yield f"| {name} | {count} | {false[name]['ours']} | {' | '.join(str(false[name][peer]) for peer in names)} |"


HEAD = """# Changes found

Written by `python bench/mutations.py`, with Schemathesis {schemathesis} and openapi-core {openapi_core}. One place of an honest exchange, or of the document, is changed at a time.

- **found**: reported by the right rule at the right place (and with the right keyword); **exact**: and nothing else with it.
- A peer is asked less: it counts as having found the change if it complains about the exchange in any way, and did not
  complain about the honest one. Schemathesis' checks judge answers only; what requests break is its fuzzer's business.
- `silent`: changes that break nothing, or that no exchange touches; there, the right answer is none.
- Request rules are warnings, told where the server answered 2xx; openapi-core is counted by the same measure.

"""


def apis(names: Sequence[str], folder: Path, most: int) -> Iterator[Api]:
    for name in names:
        if name == "features":
            path = folder / "features.json"
            path.write_text(json.dumps(FEATURES))
        elif name == "demo":
            path = ROOT / "specs" / "demo.yaml"
        else:
            file = next((each for each in SHARED if each.partition(".")[0] == name), None)
            if DATA is None or file is None:
                print(f"left out: {name}, as the shared data is not there (CONTRACT_DATA says where)")
                continue
            path = folder / file
            path.write_bytes(lzma.decompress((DATA / "documents" / f"{file}.xz").read_bytes()))
        yield Api(name, load(path), most)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two cases of each kind, ours alone")
    parser.add_argument("--documents", nargs="+", default=list(DOCUMENTS), choices=DOCUMENTS)
    parser.add_argument("--cases", type=int, default=6, help="of each kind in each document, at most")
    parser.add_argument("--list", action="store_true", help="each case that ours missed or said more about")
    chosen = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)  # what the peers have to say of each refusal
    table: dict[str, Row] = {kind: Row() for kind in (*TRAFFIC, *DOCUMENT)}
    false: dict[str, Counter[str]] = {}
    honest: dict[str, int] = {}
    wrong: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        for api in apis(chosen.documents, Path(folder), 150 if chosen.quick else 500):
            began = time.monotonic()
            false[api.name] = run(api, 2 if chosen.quick else chosen.cases, not chosen.quick, table, wrong)
            honest[api.name] = len(api.honest)
            print(f"{api.name}: {len(api.honest)} honest exchanges, {time.monotonic() - began:.0f} s", flush=True)
    print(*lines(table, false, honest), sep="\n")
    unused = [kind for kind, row in table.items() if not row.cases]
    if unused:
        print("\nno document has a place for:", ", ".join(unused))
    if wrong:
        print(f"\n{len(wrong)} of ours are not what they should be" + (":" if chosen.list else " (--list names them)"))
        print(*(wrong if chosen.list else ()), sep="\n")
    if not chosen.quick and list(chosen.documents) == list(DOCUMENTS) and len(honest) == len(DOCUMENTS):
        versions = {name.replace("-", "_"): version(name) for name in ("schemathesis", "openapi-core")}
        RESULTS.write_text(HEAD.format(**versions) + "\n".join(lines(table, false, honest)) + "\n", "utf-8")
    return 1 if wrong or unused else 0


if __name__ == "__main__":
    sys.exit(main())
