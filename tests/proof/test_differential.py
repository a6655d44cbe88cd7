"""Our judge and openapi-core agree on generated documents and exchanges, or `differences.yaml` says who is right.

Per direction it is compared which aspects of an exchange each side refuses: a parameter, a header, the status, the body.
An entry of the list explains a difference only if it goes away once openapi-core is spared what the entry names: each
entry has a *rewriting*, which says the same document or exchange in words that openapi-core reads rightly. So an entry
cannot hide a difference that has another cause.

`CONTRACT_EXAMPLES=5000` makes it long, and prints how often each entry was needed.
"""

from __future__ import annotations

import copy
import itertools
import json
import os
import re
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, unquote_plus

import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, settings

pytest.importorskip("openapi_core", reason="the extra `fuzz` is not installed")

from openapi_core import Config, OpenAPI
from openapi_core.datatypes import RequestParameters
from openapi_core.templating.responses.exceptions import ResponseFinderError
from openapi_core.validation.request.exceptions import ParameterValidationError, RequestBodyValidationError
from openapi_core.validation.response.exceptions import DataValidationError, HeaderValidationError
from werkzeug.datastructures import Headers, ImmutableMultiDict

from contract.core.check import Judge
from contract.core.document import resolve
from contract.core.evidence import Exchange, Request, Response, header, is_json
from contract.core.openapi import Contract
from tests.strategies import document, judged_pairs

EXAMPLES = int(os.environ.get("CONTRACT_EXAMPLES", "200"))
HOST = "http://contract.invalid"
DIRECTIONS = ("request", "response", "strict")
ENTRIES: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "differences.yaml").read_text())

Verdict = dict[str, str]
"""What is refused, each aspect with the reason: `query:limit`, `header:ETag`, `status`, `body`."""


# --- the two judges ------------------------------------------------------------------------------------------------


def ours(contract: Contract, exchange: Exchange) -> dict[str, Verdict]:
    """Our verdict by direction."""
    judge = Judge(contract, lambda rule, level: level)
    found: dict[str, Verdict] = {direction: {} for direction in DIRECTIONS}
    for place, reason in judge.breaks(exchange) or ():
        found["request"].setdefault("body" if place.startswith("body") else place, reason)
    for finding in judge.exchange(exchange).findings:
        mismatch = finding.mismatch
        if finding.rule == "undeclared-property" and mismatch.where.direction == "response":
            found["strict"].setdefault("body", mismatch.message)
        aspect = mismatch.where.pointer if "header" in finding.rule else _ASPECTS.get(finding.rule)
        if aspect is not None:
            found["response"].setdefault(aspect, mismatch.message)
    return found


_ASPECTS = {
    "undeclared-status": "status",
    "undeclared-media-type": "body",
    "malformed-body": "body",
    "response-schema": "body",
}


@dataclass
class Asked:
    """What openapi-core is asked: one operation and an exchange of it, open to rewriting."""

    value: dict[str, Any]
    path: str
    method: str
    query: list[tuple[str, str]]
    headers: list[tuple[str, str]]
    cookies: list[tuple[str, str]]
    variables: dict[str, str]
    encoded: dict[str, list[tuple[str, str]]]
    """Names and texts of query and path, the texts as they were sent: they are split before they are decoded."""
    content_type: str
    body: bytes
    status: int | None
    answered: list[tuple[str, str]] = field(default_factory=list)
    answer_type: str = ""
    answer: bytes = b""
    unasked: set[str] = field(default_factory=set)
    """Aspects of the response that the rewriting takes out of the question."""

    @property
    def operation(self) -> dict[str, Any]:
        found: dict[str, Any] = self.value["paths"][self.path][self.method]
        return found

    def node(self, node: Any) -> Any:
        while isinstance(node, dict) and isinstance(node.get("$ref"), str):
            node = resolve(self.value, node["$ref"])
        return node

    def parameters(self) -> Iterator[dict[str, Any]]:
        item = self.value["paths"][self.path]
        found = {}
        for entry in [*item.get("parameters", ()), *self.operation.get("parameters", ())]:
            found[self.node(entry)["name"], self.node(entry)["in"]] = self.node(entry)
        yield from found.values()

    def response(self) -> dict[str, Any] | None:
        """The declared response for the status."""
        responses = self.operation["responses"]
        keys = (str(self.status), f"{str(self.status)[0]}XX", "default")
        found: dict[str, Any] | None = next((self.node(responses[key]) for key in keys if key in responses), None)
        return found

    def response_headers(self) -> Iterator[tuple[str, dict[str, Any]]]:
        for name, entry in ((self.response() or {}).get("headers") or {}).items():
            yield name, self.node(entry)

    def contents(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """The two `content` maps, each with its direction."""
        if "requestBody" in self.operation:
            yield "request", self.node(self.operation["requestBody"])["content"]
        declared = self.response()
        if declared is not None and "content" in declared:
            yield "response", declared["content"]

    def sent(self, direction: str) -> str:
        return self.content_type if direction == "request" else self.answer_type


def asked(contract: Contract, exchange: Exchange) -> Asked | None:
    """The question; None if the exchange belongs to no operation."""
    request, response = exchange.request, exchange.response
    match = contract.match(request.method, request.path)
    if match is None or match.operation is None:
        return None
    cookies = [
        tuple(part.strip().partition("=")[::2]) for part in (header(request.headers, "cookie") or "").split(";") if part
    ]
    path, method = match.operation.path, match.operation.method.lower()
    return Asked(
        _standalone(copy.deepcopy(dict(contract.root)), path, method),
        path,
        method,
        parse_qsl(request.query, keep_blank_values=True),
        list(request.headers),
        cookies,  # type: ignore[arg-type]
        dict(match.path_parameters),
        {
            "query": [
                (unquote_plus(name), text)
                for name, _, text in (part.partition("=") for part in request.query.split("&") if part)
            ],
            "path": _segments(path, request.path),
        },
        request.content_type or "",
        request.body or b"",
        None if response is None or response.status >= 500 or response.truncated else response.status,
        list(response.headers) if response else [],
        (response.content_type or "") if response else "",
        response.body if response else b"",
    )


def _segments(template: str, path: str) -> list[tuple[str, str]]:
    """The parameters of a path, encoded."""
    names = re.findall(r"\{([^{}]*)\}", template)
    pattern = "([^/]*)".join(re.escape(text) for text in re.split(r"\{[^{}]*\}", template))
    found = re.search(f"{pattern}$", path)
    return list(zip(names, found.groups(), strict=True)) if found else []


def _standalone(value: dict[str, Any], path: str, method: str) -> dict[str, Any]:
    """The document with no servers to match, and with the operation's parameters and headers written in line.

    So each can be said in other words without changing another one.
    """
    value["servers"] = [{"url": HOST}]
    item = value["paths"][path]

    def own(node: Any) -> Any:
        while "$ref" in node:
            node = resolve(value, node["$ref"])
        return copy.deepcopy(node)

    for owner in (item, item[method]):
        if "parameters" in owner:
            owner["parameters"] = [own(entry) for entry in owner["parameters"]]
    responses = item[method]["responses"]
    for key, entry in responses.items():
        responses[key] = own(entry)
        if "headers" in responses[key]:
            responses[key]["headers"] = {name: own(node) for name, node in responses[key]["headers"].items()}
    return value


class _Message:
    """A request and its answer as openapi-core wants to see them (its `Request` and `Response` protocols)."""

    def __init__(self, question: Asked) -> None:
        self.host_url, self.method = HOST, question.method
        self.path = self.path_pattern = question.path
        self.body, self.content_type = question.body, question.content_type
        # It looks for `.name` and `;name*` where the style is label or matrix, and its own router never finds those.
        variables = {
            spelled: text
            for name, text in question.variables.items()
            for spelled in (name, f".{name}", f".{name}*", f";{name}", f";{name}*")
        }
        self.parameters = RequestParameters(
            query=ImmutableMultiDict(question.query),
            header=Headers(question.headers),
            cookie=ImmutableMultiDict(question.cookies),
            path=variables,
        )


class _Answer:
    def __init__(self, question: Asked) -> None:
        self.status_code, self.data, self.content_type = question.status, question.answer, question.answer_type
        self.headers = Headers(question.answered)


def theirs(question: Asked, direction: str) -> Verdict:
    """openapi-core's verdict; the aspect is `crash` where it fails on the question."""
    policy = "forbid" if direction == "strict" else "allow"
    config = Config(spec_validator_cls=None, additional_properties_default_policy=policy)  # type: ignore[arg-type]
    found: Verdict = {}
    if direction != "request" and question.status is None:
        return found
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecated headers and the like are not what is asked here
        try:
            app = OpenAPI.from_dict(question.value, config=config)
            if direction == "request":
                errors = list(app.iter_request_errors(_Message(question)))
            else:
                errors = list(app.iter_response_errors(_Message(question), _Answer(question)))  # type: ignore[arg-type]
        except Exception as fault:  # whatever it is, it is theirs, and it is told as such
            return {"crash": f"{type(fault).__name__}: {fault}"}
    for error in errors:
        if isinstance(error, ParameterValidationError):
            found[f"{error.location}:{error.name}"] = _reason(error)
        elif isinstance(error, HeaderValidationError):
            found[f"header:{error.name}"] = _reason(error)
        elif isinstance(error, RequestBodyValidationError | DataValidationError):
            found["body"] = _reason(error)
        else:
            assert isinstance(error, ResponseFinderError), error
            found["status"] = _reason(error)
    return {
        aspect: reason for aspect, reason in found.items() if direction == "request" or aspect not in question.unasked
    }


def _reason(error: BaseException) -> str:
    while error.__cause__ is not None:
        error = error.__cause__
    inner = getattr(error, "schema_errors", ())
    return f"{type(error).__name__} {[each.message for each in inner][:2] if inner else vars(error)}"


def refused(question: Asked, direction: str) -> Verdict:
    """openapi-core's verdict, for `strict` only what closing the objects of the body adds."""
    if direction == "strict" and (declared := question.response()) is not None:
        declared.pop("headers", None)
    found = theirs(question, direction)
    if direction == "strict":
        loose = theirs(question, "response")
        if "crash" not in found:
            found = {aspect: reason for aspect, reason in found.items() if aspect == "body" and aspect not in loose}
    return found


# --- comparing and explaining --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Difference:
    """One direction in which the two verdicts differ, and the entries that explain it; none if nothing does."""

    direction: str
    ours: Verdict
    theirs: Verdict
    entries: tuple[str, ...]


def differences(contract: Contract, exchange: Exchange) -> list[Difference] | None:
    """Where the two judges differ; None if the exchange belongs to no operation."""
    question = asked(contract, exchange)
    if question is None:
        return None
    own = ours(contract, exchange)
    found = []
    for direction in DIRECTIONS:
        if direction != "request" and question.status is None:
            continue
        mine = own[direction]
        if direction == "strict" and "body" in own["response"]:
            continue  # a body that is refused anyway says nothing of strictness
        other = refused(question, direction)
        if set(mine) != set(other):
            found.append(Difference(direction, mine, other, _explained(question, direction, mine, other)))
    return found


def _distance(mine: Verdict, other: Verdict) -> int:
    return 1000 if "crash" in other else len(set(mine) ^ set(other))


def _explained(question: Asked, direction: str, mine: Verdict, other: Verdict) -> tuple[str, ...]:
    """The fewest entries, found one by one, after whose rewritings both agree."""
    used: list[str] = []
    distance = _distance(mine, other)
    while distance:
        best: tuple[int, tuple[str, ...], Asked] | None = None
        single = list(_rewritten(question, direction))
        double = [((*one, *two), both) for one, first in single for two, both in _rewritten(first, direction)]
        triple = (((*one, *two), all) for one, first in double for two, all in _rewritten(first, direction))
        for ids, changed in itertools.chain(single, double, triple):
            if best is not None and len(ids) > 1:
                break  # several at once only where no single one is of use
            left = _distance(mine, refused(changed, direction))
            if left < distance and (best is None or left < best[0]):
                best = (left, ids, changed)
            if left == 0:
                break
        if best is None:
            return ()
        distance, question = best[0], best[2]
        used.extend(best[1])
    return tuple(dict.fromkeys(used))


def _rewritten(question: Asked, direction: str) -> Iterator[tuple[tuple[str, ...], Asked]]:
    """The question as each entry would have it said, where that changes anything."""
    for entry in ENTRIES:
        if direction in entry["directions"]:
            changed = copy.deepcopy(question)
            REWRITINGS[entry["id"]](changed)
            if changed != question:
                yield (entry["id"],), changed


# --- rewritings: the same said so that openapi-core reads it ----------------------------------------------------------

REWRITINGS: dict[str, Callable[[Asked], None]] = {}


def _rewriting(id: str) -> Callable[[Callable[[Asked], None]], Callable[[Asked], None]]:
    def add(function: Callable[[Asked], None]) -> Callable[[Asked], None]:
        REWRITINGS[id] = function
        return function

    return add


def _schemas(node: Any, change: Callable[[dict[str, Any]], Any], named: bool = False) -> Any:
    """The document with each object in it changed, innermost first; names of properties are no keywords."""
    if isinstance(node, list):
        return [_schemas(item, change) for item in node]
    if not isinstance(node, dict):
        return node
    fresh = {
        key: item if key in ("enum", "const") else _schemas(item, change, key in _MAPS) for key, item in node.items()
    }
    return fresh if named else change(fresh)


_MAPS = frozenset({"properties", "patternProperties", "dependentSchemas", "$defs", "schemas", "mapping"})


@_rewriting("media-range")
def _media_range(question: Asked) -> None:
    for direction, content in question.contents():
        media = question.sent(direction).partition(";")[0].strip().lower()
        ranges = [f"{media.partition('/')[0]}/*", "*/*"]
        found = next((key for key in ranges if key in content), None)
        if media and media not in content and found is not None:
            _said_as(question, direction, content, found)


@_rewriting("undecoded-type")
def _undecoded_type(question: Asked) -> None:
    for direction, content in question.contents():
        media = question.sent(direction).partition(";")[0].strip().lower()
        if media in content and media not in ("application/json", "text/plain"):
            _said_as(question, direction, content, media)


@_rewriting("parameters-of-a-media-type")
def _parameters_of_a_media_type(question: Asked) -> None:
    for direction, content in question.contents():
        media = question.sent(direction).partition(";")[0].strip().lower()
        found = next((key for key in content if ";" in key and key.partition(";")[0].strip() == media), None)
        if found is not None:
            _said_as(question, direction, content, media if media in content else found)


def _said_as(question: Asked, direction: str, content: dict[str, Any], key: str) -> None:
    """Leaves only one entry of a `content`, under a media type that openapi-core decodes, and says that it was sent."""
    media = question.sent(direction).partition(";")[0].strip().lower()
    entry = content[key]
    if is_json(media):
        media = "application/json"
    elif media.startswith("text/"):
        media = "text/plain"
    content.clear()
    content[media] = entry
    if direction == "request":
        question.content_type = media
    else:
        question.answer_type = media


@_rewriting("no-content-type")
def _no_content_type(question: Asked) -> None:
    for direction, content in question.contents():
        if not question.sent(direction) and "*/*" in content:
            content["application/octet-stream"] = {}
            if direction == "request":
                question.content_type = "application/octet-stream"
            else:
                question.answer_type = "application/octet-stream"


@_rewriting("undecoded-media")
def _undecoded_media(question: Asked) -> None:
    for direction, content in question.contents():
        media = question.sent(direction).partition(";")[0].strip().lower()
        if not is_json(media) and not media.startswith("text/") and media != "application/x-www-form-urlencoded":
            for entry in content.values():
                entry.pop("schema", None)


@_rewriting("text-as-json")
def _text_as_json(question: Asked) -> None:
    for direction, content in question.contents():
        media = question.sent(direction).partition(";")[0].strip().lower()
        if not media.startswith("text/") or media not in content or "schema" not in content[media]:
            continue
        schema = content[media]["schema"]
        text = (question.body if direction == "request" else question.answer).decode("latin-1")
        if not text:
            continue
        body = json.dumps(_scalar(question, schema, text)).encode()
        kinds = _kinds(question, schema)
        if kinds and kinds <= {"object", "array"}:  # JSON that is labelled as text; what is none is not judged
            body = text.encode("latin-1")
            try:
                json.loads(body)
            except ValueError:
                del content[media]["schema"]
                continue
        content["application/json"] = content.pop(media)
        if direction == "request":
            question.content_type, question.body = "application/json", body
        else:
            question.answer_type, question.answer = "application/json", body


@_rewriting("not-a-number")
def _not_a_number(question: Asked) -> None:
    for name in ("body", "answer"):
        setattr(question, name, re.sub(rb"\b(NaN|-?Infinity)\b", b"{", getattr(question, name)))


@_rewriting("no-content")
def _no_content(question: Asked) -> None:
    if question.method == "head" or question.status in (204, 304):
        question.unasked.add("body")


@_rewriting("nothing-sent")
def _nothing_sent(question: Asked) -> None:
    if not question.answer and not (question.answer_type and is_json(question.answer_type.partition(";")[0].lower())):
        question.unasked.add("body")


@_rewriting("undeclared-body")
def _undeclared_body(question: Asked) -> None:
    declared = question.response()
    labelled = bool(question.answer) and is_json(question.answer_type.partition(";")[0].strip().lower())
    if declared is not None and not declared.get("content") and labelled:
        declared["content"] = {"application/json": {}}
        question.answer_type = "application/json"


@_rewriting("status-of-the-server")
def _status_of_the_server(question: Asked) -> None:
    if question.status is not None and (question.status < 200 or question.status in (405, 413, 429)):
        question.unasked.add("status")


@_rewriting("boolean-schema")
def _boolean_schema(question: Asked) -> None:
    def change(node: dict[str, Any]) -> dict[str, Any]:
        for key in ("schema", "items", "additionalProperties", "unevaluatedProperties", "unevaluatedItems"):
            if key == "schema" and isinstance(node.get(key), bool):
                node[key] = {} if node[key] else {"not": {}}
            elif node.get(key) is True:
                node[key] = {}
            elif node.get(key) is False and key == "items":
                node[key] = {"not": {}}
        if isinstance(node.get("properties"), dict):
            node["properties"] = {
                name: ({} if item else {"not": {}}) if isinstance(item, bool) else item
                for name, item in node["properties"].items()
            }
        for key in ("allOf", "anyOf", "oneOf", "prefixItems"):
            if isinstance(node.get(key), list):
                node[key] = [({} if item else {"not": {}}) if isinstance(item, bool) else item for item in node[key]]
        return node

    question.value = _schemas(question.value, change)


@_rewriting("discriminator")
def _discriminator(question: Asked) -> None:
    question.value = _schemas(
        question.value, lambda node: {key: item for key, item in node.items() if key != "discriminator"}
    )


@_rewriting("formats")
def _formats(question: Asked) -> None:
    def change(node: dict[str, Any]) -> dict[str, Any]:
        pattern = _FORMATS.get(str(node.get("format")))
        if pattern is not None and "pattern" not in node and node.get("type") in ("string", ["string", "null"]):
            return {**{key: item for key, item in node.items() if key != "format"}, "pattern": pattern}
        return node

    question.value = _schemas(question.value, change)


_FORMATS = {
    "time": r"^([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?([zZ]|[+-]([01]\d|2[0-3]):[0-5]\d)$",
    "uri": r"^[A-Za-z][A-Za-z0-9+.\-]*:[!#$%&'()*+,\-./0-9:;=?@A-Z\[\]_a-z~]*$",
    "hostname": r"^(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9\-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9\-]{0,61}[A-Za-z0-9])?)*$",
    "byte": r"^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$",
    "date-time": r"^\d{4}-\d\d-\d\d[tT ]\d\d:\d\d:\d\d(\.\d+)?([zZ]|[+-]\d\d:\d\d)$",
    "email": r"^[^@\s]+@[A-Za-z0-9\-.]+$",
    "uuid": r"^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$",
}
"""Formats that it checks in another way than the standards say, or only where another package is installed."""


@_rewriting("beside-a-reference")
def _beside_a_reference(question: Asked) -> None:
    def change(node: dict[str, Any]) -> dict[str, Any]:
        if isinstance(node.get("$ref"), str) and len(node) > 1 and "#/components/schemas" in node["$ref"]:
            rest = {key: item for key, item in node.items() if key != "$ref"}
            return (
                {"allOf": [{"$ref": node["$ref"]}], **rest}
                if not question.value["openapi"] < "3.1"
                else {"$ref": node["$ref"]}
            )
        return node

    question.value = _schemas(question.value, change)


@_rewriting("read-only-and-write-only")
def _read_only_and_write_only(question: Asked) -> None:
    # Only for the answer: `directions` of the entry sees to that.
    def change(node: dict[str, Any]) -> dict[str, Any]:
        properties = node.get("properties")
        if isinstance(properties, dict):
            marked = [
                name for name, item in properties.items() if isinstance(item, dict) and item.get("writeOnly") is True
            ]
            if marked:
                node["properties"] = {**properties, **{name: {"not": {}} for name in marked}}
                node["required"] = [name for name in node.get("required", ()) if name not in marked]
        return node

    question.value = _schemas(question.value, change)


@_rewriting("read-only-in-a-request")
def _read_only_in_a_request(question: Asked) -> None:
    def change(node: dict[str, Any]) -> dict[str, Any]:
        properties = node.get("properties")
        if isinstance(properties, dict):
            marked = [
                name for name, item in properties.items() if isinstance(item, dict) and item.get("readOnly") is True
            ]
            if marked:
                node["required"] = [name for name in node.get("required", ()) if name not in marked]
                for name in marked:
                    properties[name] = {key: item for key, item in properties[name].items() if key != "readOnly"}
        return node

    question.value = _schemas(question.value, change)


@_rewriting("form-fields")
def _form_fields(question: Asked) -> None:
    for direction, content in question.contents():
        media = question.sent(direction).partition(";")[0].strip().lower()
        if media != "application/x-www-form-urlencoded" or media not in content or "schema" not in content[media]:
            continue
        body = question.body if direction == "request" else question.answer
        properties = question.node(content[media]["schema"]).get("properties", {})
        pairs = parse_qsl(body.decode("latin-1"), keep_blank_values=True, encoding="utf-8")
        text = json.dumps({name: _scalar(question, properties.get(name, {}), value) for name, value in pairs}).encode()
        content["application/json"] = content.pop(media)
        if direction == "request":
            question.content_type, question.body = "application/json", text
        else:
            question.answer_type, question.answer = "application/json", text


@_rewriting("closed-branches")
def _closed_branches(question: Asked) -> None:
    question.value = _schemas(
        question.value, lambda node: _widened(question, node) if _COMBINATORS & node.keys() else node
    )


_COMBINATORS = frozenset({"allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas"})
_SPARED: dict[str, Any] = {"description": "open"}


def _widened(
    question: Asked, node: Any, known: frozenset[str] = frozenset(), is_open: bool = False, depth: int = 0
) -> Any:
    """The schema with each branch naming what the other branches name, so that closing one refuses nothing of another."""
    if not isinstance(node, dict) or depth > 4:
        return node
    if set(node) == {"$ref"}:
        return _widened(question, copy.deepcopy(question.node(node)), known, is_open, depth + 1)
    nodes = list(_flat(question, node))
    known = known.union(*(each.get("properties", ()) for each in nodes))
    spoken = ("additionalProperties", "unevaluatedProperties", "propertyNames")
    is_open = is_open or not known or any(each.get(key, _SPARED) != _SPARED for each in nodes for key in spoken)
    fresh = dict(node)
    for key in _COMBINATORS & node.keys():
        below = node[key]
        if key in ("not", "if"):
            fresh[key] = {**below, "additionalProperties": _SPARED} if isinstance(below, dict) else below
        elif key == "dependentSchemas":
            fresh[key] = {name: _widened(question, each, known, is_open, depth + 1) for name, each in below.items()}
        elif isinstance(below, list):
            fresh[key] = [_widened(question, each, known, is_open, depth + 1) for each in below]
        else:
            fresh[key] = _widened(question, below, known, is_open, depth + 1)
    unsaid = "type" not in node and "$ref" not in node and bool(known)  # `{}` takes an object, and names nothing of it
    if "properties" in node or "object" in str(node.get("type")) or unsaid:
        fresh["properties"] = {**{name: {} for name in sorted(known)}, **node.get("properties", {})}
        if is_open:
            fresh.setdefault("additionalProperties", _SPARED)
    return fresh


def _flat(question: Asked, node: Any, depth: int = 0) -> Iterator[dict[str, Any]]:
    """Every schema that speaks of the same value."""
    node = question.node(node) if isinstance(node, dict) and set(node) == {"$ref"} else node
    if not isinstance(node, dict) or depth > 6:
        return
    yield node
    for key in _COMBINATORS & node.keys() - {"not"}:
        below = node[key]
        for each in below if isinstance(below, list) else below.values() if key == "dependentSchemas" else [below]:
            yield from _flat(question, each, depth + 1)


@_rewriting("named-on-purpose")
def _named_on_purpose(question: Asked) -> None:
    def change(node: dict[str, Any]) -> dict[str, Any]:
        if {"unevaluatedProperties", "propertyNames"} & node.keys():
            node.setdefault("additionalProperties", {})
        return node

    question.value = _schemas(question.value, change)


@_rewriting("example-key")
def _example_key(question: Asked) -> None:
    several = max((len(node) for node in _objects(question.answer)), default=0) > 1

    def change(node: dict[str, Any]) -> dict[str, Any]:
        properties = node.get("properties")
        if isinstance(properties, dict) and len(properties) == 1 and "patternProperties" not in node:
            ((name, example),) = properties.items()
            if several or not re.fullmatch(r"\w+(-\w+)*", name):  # one other name is no map
                node.setdefault("additionalProperties", example)
        return node

    question.value = _schemas(question.value, change)


def _objects(body: bytes) -> Iterator[dict[str, Any]]:
    """Every object of a JSON text."""
    try:
        todo = [json.loads(body)]
    except ValueError:
        return
    while todo:
        node = todo.pop()
        if isinstance(node, dict):
            yield node
            todo.extend(node.values())
        elif isinstance(node, list):
            todo.extend(node)


@_rewriting("open-map")
def _open_map(question: Asked) -> None:
    def change(node: dict[str, Any]) -> dict[str, Any]:
        kinds = node.get("type")
        if (kinds == "object" or (isinstance(kinds, list) and "object" in kinds)) and not node.get("properties"):
            node.setdefault("additionalProperties", {})
        return node

    question.value = _schemas(question.value, change)


@_rewriting("whole-numbers")
def _whole_numbers(question: Asked) -> None:
    for name in ("body", "answer"):
        text = getattr(question, name)
        setattr(question, name, re.sub(rb"(?<![\w.\"])(-?[0-9]+)\.0(?![\w.\"])", rb"\1", text))


# --- parameters: their texts read into values by this file, and handed over as JSON ----------------------------------


def _scalar(question: Asked, schema: Any, text: str) -> Any:
    """What a text stands for, by the types that the schema names."""
    kinds = _kinds(question, schema)
    if text == "null" and "null" in kinds and "string" not in kinds:
        return None
    if text == "" and "null" in kinds:
        return None
    if text in ("true", "false") and ("boolean" in kinds or not kinds):
        return text == "true"
    if re.fullmatch(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?", text) and (
        kinds & {"integer", "number"} or not kinds
    ):
        number = json.loads(text)
        return int(number) if "integer" in kinds and number == int(number) else number
    return text


def _kinds(question: Asked, schema: Any) -> set[str]:
    schema = question.node(schema)
    if not isinstance(schema, dict):
        return set()
    kinds = schema.get("type", [])
    found = {kinds} if isinstance(kinds, str) else set(kinds)
    for value in [*schema.get("enum", ()), *([schema["const"]] if "const" in schema else ())]:
        found.add("string" if isinstance(value, str) else "integer")
    if schema.get("nullable") is True and question.value["openapi"] < "3.1":
        found.add("null")
    for key in ("allOf", "anyOf", "oneOf"):
        for branch in schema.get(key, ()):
            found |= _kinds(question, branch)
    return found


def _value(question: Asked, node: dict[str, Any], location: str, pairs: list[tuple[str, str]]) -> Any:
    """The value of a parameter by its style (OpenAPI 3.1.1, 4.8.12.6), of the (name, text) pairs that carry it."""
    schema, name, decode = question.node(node["schema"]), node.get("name", ""), _decoder(location)
    style = node.get("style", "form" if location in ("query", "cookie") else "simple")
    explode = node.get("explode", style == "form")
    kinds = _kinds(question, schema)
    texts = [text for _, text in pairs]
    text = texts[0]
    delimiter = {"spaceDelimited": "%20|[+]", "pipeDelimited": "%7C|[|]"}.get(style, ",")
    if style == "label":
        text, delimiter = text.removeprefix("."), "[.]" if explode else ","
    elif style == "matrix":
        text = text.removeprefix(";")
        if explode and "object" in kinds:
            delimiter = ";"
        else:
            text = text.removeprefix(name).removeprefix("=")
            delimiter = f";{name}=" if explode else ","
    if text == "" and "null" in kinds and len(texts) == 1:
        return None
    if text == "null" and "null" in kinds and kinds & {"array", "object"}:
        return None
    parts = re.split(delimiter, text) if text else []
    if "array" in kinds:
        items = schema.get("items", {}) if "items" in schema else _branch(question, schema, "array").get("items", {})
        if location == "path" and not text and "string" in _kinds(question, items):
            return [""]  # an empty list expands to nothing at all (RFC 6570, 3.2.1)
        if style == "form" and explode and texts != [""]:
            parts = texts
        return [_scalar(question, items, decode(part)) for part in parts]
    if "object" in kinds:
        properties = schema.get("properties") or _branch(question, schema, "object").get("properties", {})
        if style == "deepObject":
            named = [(key[len(name) + 1 : -1], part) for key, part in pairs]
        elif style == "form" and explode:
            named = pairs
        elif explode:
            named = [(decode(key), part) for key, _, part in (each.partition("=") for each in parts if each)]
        else:
            named = [(decode(key), part) for key, part in zip(parts[::2], parts[1::2], strict=False)]
        return {key: _scalar(question, properties.get(key, {}), decode(part)) for key, part in named}
    return _scalar(question, schema, decode(text))


def _decoder(location: str) -> Callable[[str], str]:
    return {"path": unquote, "query": unquote_plus}.get(location, str)


def _branch(question: Asked, schema: dict[str, Any], kind: str) -> dict[str, Any]:
    branches = [question.node(branch) for key in ("allOf", "anyOf", "oneOf") for branch in schema.get(key, ())]
    return next((branch for branch in branches if branch.get("type") == kind), {})


Condition = Callable[[Asked, dict[str, Any], str, list[tuple[str, str]]], bool]
Reader = Callable[[Asked, dict[str, Any], str, list[tuple[str, str]]], Any]
_UNREADABLE = "unreadable"  # it is no JSON


def _handed_over(question: Asked, condition: Condition, read: Reader = _value) -> None:
    """Gives openapi-core the parameters and headers that the condition picks as JSON, read by this file."""
    others = {
        node["name"] for node in question.parameters() if node["in"] == "query" and not _is_spread(question, node)
    }
    for node in list(question.parameters()):
        location, name = node["in"], node["name"]
        source = {"query": question.query, "header": question.headers, "cookie": question.cookies}.get(
            location, list(question.variables.items())
        )
        spread = "schema" in node and _is_spread(question, node)
        names = {key for key, _ in source if _carries(node, location, key) or (spread and key not in others)}
        pairs = [pair for pair in question.encoded.get(location, source) if pair[0] in names]
        text = _as_json(question, node, location, pairs, condition, read)
        if text is None:
            continue
        new = [*(pair for pair in source if pair[0] != name and (spread or pair[0] not in names)), (name, text)]
        if location == "path":
            question.variables = dict(new)
        else:
            source[:] = new
    for name, node in question.response_headers():
        pairs = [(name, ",".join(values))] if (values := [v for k, v in question.answered if _same(k, name)]) else []
        text = _as_json(question, node, "header", pairs, condition, read)
        if text is not None:
            question.answered = [*(pair for pair in question.answered if not _same(pair[0], name)), (name, text)]


def _as_json(
    question: Asked,
    node: dict[str, Any],
    location: str,
    pairs: list[tuple[str, str]],
    condition: Condition,
    read: Reader,
) -> str | None:
    """The parameter's value as JSON, which it is declared as from now on; None where nothing is to be sent."""
    if "schema" not in node or not condition(question, node, location, pairs):
        return None
    text = read(question, node, location, pairs) if pairs else None
    node["content"] = {"application/json": {"schema": node.pop("schema")}}
    for key in ("style", "explode", "allowEmptyValue"):
        node.pop(key, None)
    return (text if text is _UNREADABLE else json.dumps(text)) if pairs else None


def _carries(node: dict[str, Any], location: str, key: str) -> bool:
    if node.get("style") == "deepObject":
        return key.startswith(f"{node['name']}[")
    return _same(key, node["name"]) if location == "header" else key == node["name"]


def _same(name: str, other: str) -> bool:
    return name.lower() == other.lower()


def _is_spread(question: Asked, node: dict[str, Any]) -> bool:
    return (
        node.get("in") == "query"
        and node.get("style", "form") == "form"
        and node.get("explode", True) is True
        and "schema" in node
        and _kinds(question, node["schema"]) - {"null"} == {"object"}
    )


def _parameter_rewriting(id: str) -> Callable[[Condition], Condition]:
    def add(condition: Condition) -> Condition:
        REWRITINGS[id] = lambda question: _handed_over(question, condition)
        return condition

    return add


@_parameter_rewriting("exploded-form-object")
def _exploded_form_object(question: Asked, node: dict[str, Any], location: str, pairs: Any) -> bool:
    return _is_spread(question, node)


@_parameter_rewriting("space-delimited")
def _space_delimited(question: Asked, node: dict[str, Any], location: str, pairs: Any) -> bool:
    return node.get("style") == "spaceDelimited"


@_parameter_rewriting("text-of-an-object")
def _text_of_an_object(question: Asked, node: dict[str, Any], location: str, pairs: Any) -> bool:
    return "object" in _kinds(question, node["schema"]) and not _has_no_value(question, node, pairs)


@_parameter_rewriting("encoded-delimiter")
def _encoded_delimiter(question: Asked, node: dict[str, Any], location: str, pairs: Any) -> bool:
    return any("%2C" in text for _, text in pairs) and bool({"array", "object"} & _kinds(question, node["schema"]))


@_rewriting("empty-list")
def _empty_list(question: Asked) -> None:
    def condition(question: Asked, node: dict[str, Any], location: str, pairs: list[tuple[str, str]]) -> bool:
        return _empty_text(question, node, location, pairs) and "array" in _kinds(question, node["schema"])

    _handed_over(question, condition, lambda *asked: [])


@_rewriting("name-without-a-value")
def _name_without_a_value(question: Asked) -> None:
    def condition(question: Asked, node: dict[str, Any], location: str, pairs: list[tuple[str, str]]) -> bool:
        return _has_no_value(question, node, pairs)

    _handed_over(question, condition, lambda *asked: _UNREADABLE)


def _has_no_value(question: Asked, node: dict[str, Any], pairs: list[tuple[str, str]]) -> bool:
    """True for a text that is to be an object, and has no delimiter in it."""
    style = node.get("style", "form" if node.get("in") in ("query", "cookie") else "simple")
    if len(pairs) != 1 or style == "deepObject" or node.get("explode", style == "form"):
        return False
    text = pairs[0][1].removeprefix(f";{node.get('name')}=") if style == "matrix" else pairs[0][1]
    text = text.removeprefix(".") if style == "label" else text
    delimiter = "%2C|[,.]" if style == "label" else "%2C|,"
    return text != "" and not re.search(delimiter, text) and _kinds(question, node["schema"]) == {"object"}


@_parameter_rewriting("empty-text")
def _empty_text(question: Asked, node: dict[str, Any], location: str, pairs: Any) -> bool:
    return (
        bool(pairs)
        and "allowEmptyValue" not in node
        and all(text.strip(";.=") in ("", node.get("name")) for _, text in pairs)
    )


@_rewriting("null-text")
def _null_text(question: Asked) -> None:
    def condition(question: Asked, node: dict[str, Any], location: str, pairs: list[tuple[str, str]]) -> bool:
        return _says_null(question, node, pairs)

    _handed_over(question, condition, lambda *asked: None)


def _says_null(question: Asked, node: dict[str, Any], pairs: list[tuple[str, str]]) -> bool:
    bare = [text.removeprefix(";").removeprefix(node.get("name", "")).strip(".=") for _, text in pairs]
    return bool(bare) and "null" in _kinds(question, node["schema"]) and all(text in ("", "null") for text in bare)


@_rewriting("allow-empty-value")
def _allow_empty_value(question: Asked) -> None:
    names = {node["name"] for node in question.parameters() if node.get("allowEmptyValue") is True}
    question.query = [pair for pair in question.query if not (pair[0] in names and pair[1] == "")]


@_parameter_rewriting("type-list-of-a-parameter")
def _type_list_of_a_parameter(question: Asked, node: dict[str, Any], location: str, pairs: Any) -> bool:
    return '"type": [' in json.dumps(question.node(node["schema"])) and not _says_null(question, node, pairs)


@_rewriting("percent-in-a-cookie")
def _percent_in_a_cookie(question: Asked) -> None:
    question.cookies = [(name, unquote(text)) for name, text in question.cookies]


@_rewriting("prefix-of-a-path-style")
def _prefix_of_a_path_style(question: Asked) -> None:
    def condition(question: Asked, node: dict[str, Any], location: str, pairs: list[tuple[str, str]]) -> bool:
        prefix = {"label": ".", "matrix": ";"}.get(node.get("style", ""), "")
        return not all(text.startswith(prefix) for _, text in pairs)

    _handed_over(question, condition, lambda *asked: _UNREADABLE)


@_parameter_rewriting("words-for-booleans")
def _words_for_booleans(question: Asked, node: dict[str, Any], location: str, pairs: Any) -> bool:
    return any(re.search(r"(?i)\b(y|yes|t|on|1|n|no|f|off|0|true|false)\b", text) for _, text in pairs) and (
        "boolean" in json.dumps(question.node(node["schema"]))
    )


@_parameter_rewriting("odd-numbers")
def _odd_numbers(question: Asked, node: dict[str, Any], location: str, pairs: Any) -> bool:
    return any(re.search(r"(?i)\d_\d|nan|inf|\d\.|\s\d|\d\s|[+]\d|\b0\d", text) for _, text in pairs)


@_rewriting("untyped-text")
def _untyped_text(question: Asked) -> None:
    def condition(question: Asked, node: dict[str, Any], location: str, pairs: list[tuple[str, str]]) -> bool:
        return len(pairs) == 1 and {"anyOf", "oneOf", "allOf"} & question.node(node["schema"]).keys() != set()

    _handed_over(question, condition, lambda question, node, location, pairs: _decoder(location)(pairs[0][1]))


# --- the tests -----------------------------------------------------------------------------------------------------


def test_every_entry_says_who_is_right_and_has_its_rewriting() -> None:
    assert sorted(entry["id"] for entry in ENTRIES) == sorted(REWRITINGS)
    assert {entry["right"] for entry in ENTRIES} == {"contract", "openapi-core", "either"}
    assert all(entry["what"] and entry["clause"] and set(entry["directions"]) <= set(DIRECTIONS) for entry in ENTRIES)


def case(entry: dict[str, Any]) -> tuple[Contract, Exchange]:
    """The least document and exchange that show an entry."""
    told = entry["case"]
    path, method = told.get("path", "/a"), told.get("method", "GET")
    operation = {
        "parameters": told.get("parameters", []),
        "responses": {
            status: {"description": "", **node} for status, node in told.get("responses", {"200": {}}).items()
        },
        **({"requestBody": told["requestBody"]} if "requestBody" in told else {}),
    }
    value = {
        "openapi": told.get("openapi", "3.1.0"),
        "info": {"title": "t", "version": "1"},
        "paths": {path: {method.lower(): operation}},
        "components": told.get("components", {}),
    }

    def message(part: dict[str, Any]) -> tuple[tuple[tuple[str, str], ...], bytes]:
        typed = {"Content-Type": part["type"]} if "type" in part else {}
        return tuple({**typed, **part.get("headers", {})}.items()), str(part.get("body", "")).encode()

    asking, answering = told.get("request", {}), told.get("response", {})
    request = Request(method, asking.get("url", path), *message(asking))
    return Contract(document(value)), Exchange(
        request, Response(answering.get("status", 200), *message(answering)), "test"
    )


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry["id"])
def test_the_case_of_each_entry_still_differs_and_is_explained_by_it_alone(entry: dict[str, Any]) -> None:
    told = entry["case"]
    found = {each.direction: each for each in differences(*case(entry)) or []}
    assert {each.entries for each in found.values()} == {(entry["id"],)}
    differs = found[told["direction"]]
    assert {"contract": sorted(differs.ours), "openapi-core": sorted(differs.theirs)} == told["refuses"]


@pytest.mark.slow
def test_both_judges_agree_or_the_list_says_why() -> None:
    counts: Counter[str] = Counter()
    used: Counter[str] = Counter()

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate] if EXAMPLES <= 1000 else [Phase.generate, Phase.shrink],
    )
    @given(judged_pairs(("3.0", "3.1")))
    def compare(pair: tuple[Contract, Exchange]) -> None:
        found = differences(*pair)
        if found is None:
            counts["matches no operation"] += 1
            return
        counts["pairs"] += 1
        unexplained = [each for each in found if not each.entries]
        assert not unexplained, f"{unexplained}\n{json.dumps(pair[0].root)}\n{pair[1]}"
        counts["explained" if found else "agreed"] += 1
        used.update(entry for each in found for entry in each.entries)

    compare()
    assert counts["agreed"] > EXAMPLES // 5
    if EXAMPLES > 1000:
        print(dict(counts), dict(used.most_common()), sep="\n")
