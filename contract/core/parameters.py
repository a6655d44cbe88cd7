"""What the request of an exchange says, read by the document: every `style` and `explode`, then the schema.

Values go over the wire as text, so one text may stand for several values: `17` is a string and an integer. A parameter
keeps its schema if one of its readings does; so nothing is called invalid that some reader could call valid.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import orjson

from contract.core.bodies import NOTHING, Content, read
from contract.core.document import escape
from contract.core.evidence import Exchange, Headers, Request, header, is_json
from contract.core.schema import SchemaError

if TYPE_CHECKING:
    from contract.core.openapi import Operation, Parameter

MISSING = object()
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$")
_DELIMITER = {"spaceDelimited": " ", "pipeDelimited": "|", "form": ",", "simple": ",", "label": ",", "matrix": ","}
_IGNORED_HEADERS = frozenset({"accept", "content-type", "authorization"})  # OpenAPI 3.1, 4.8.12.1


def sent(operation: Operation, request: Request, path_values: Mapping[str, str]) -> Iterator[str]:
    """Labels of the declared parameters that a request carries, `query:limit`; `body` if it has one."""
    for parameter in operation.parameters:
        if raw(parameter, request, path_values) is not MISSING:
            yield parameter.label
    if request.body and operation.request_body is not None:
        yield "body"


def undeclared_query(operation: Operation, request: Request) -> list[str]:
    """Names of the query that no parameter declares; none if a parameter may take any name (an exploded object)."""
    declared: set[str] = set()
    for parameter in operation.parameters:
        if parameter.location == "querystring":
            return []
        if parameter.location != "query":
            continue
        if _is_spread(operation, parameter):
            return []
        declared.add(parameter.name)
    names = dict.fromkeys(name for name, _ in _pairs(request.query))
    for requirement in operation.security or ():
        for scheme in requirement:
            node = operation.security_scheme(scheme)
            if node.get("type") == "apiKey" and node.get("in") == "query":
                declared.add(str(node.get("name")))
    return [
        name
        for name in names
        if name not in declared
        and re.sub(r"\[.*", "", name) not in declared
        and name.removesuffix("[]") not in declared
    ]


def errors(
    operation: Operation, exchange: Exchange, path_values: Mapping[str, str]
) -> Iterator[tuple[str, SchemaError]]:
    """What the request breaks of the declared side, each with its place: `query:limit`, `body:/title`, `header:If-Match`.

    Nothing is said of bodies in media types that are not JSON.
    """
    request = exchange.request
    for parameter in operation.parameters:
        if parameter.location == "header" and parameter.name.lower() in _IGNORED_HEADERS:
            continue
        spread = _is_spread(operation, parameter)
        value = _spread(operation, request) if spread else raw(parameter, request, path_values)
        if value is MISSING:
            if parameter.required:
                yield parameter.label, _plain("required", parameter.pointer, parameter.name, "required", "left out")
            continue
        if parameter.schema is None or (parameter.allow_empty and value in ("", [(parameter.name, "")])):
            continue
        readings = (
            [_named(operation, parameter, [f"{name}={text}" for name, text in value])]
            if spread
            else list(_readings(operation, parameter, value))
        )
        if any(operation.schemas.accepts(parameter.schema, "request", reading) for reading in readings):
            continue
        for error in operation.schemas.errors(parameter.schema, "request", readings[0]):
            yield parameter.label, error
            break
    yield from _body_errors(operation, request)


def _body_errors(operation: Operation, request: Request) -> Iterator[tuple[str, SchemaError]]:
    declared = operation.request_body
    if declared is None:
        return
    if not request.body:
        if declared.required:
            yield "body", _plain("required", declared.pointer, "body", "a body, required", "none")
        return
    media = declared.media(request.media_type)
    if media is None:
        listed = ", ".join(entry.range for entry in declared.content)
        yield "body", _plain("content", declared.pointer, None, listed, request.media_type or "no Content-Type")
        return
    if not is_json(request.media_type):
        return
    try:
        value = orjson.loads(request.body)
    except ValueError:
        yield "body", _plain("json", media.pointer, None, "JSON", "no JSON")
        return
    if media.schema is not None:
        for error in operation.schemas.errors(media.schema, "request", value):
            yield f"body:{error.exact}", error


def content(operation: Operation, request: Request) -> Content:
    """What the request's body says, read by its media type."""
    declared = operation.request_body
    media = declared.media(request.media_type) if declared is not None and request.body else None
    if media is None or not request.body:
        return NOTHING
    return read(operation.schemas, media, request.content_type, request.body, "request")


def header_errors(
    operation: Operation, declared: Sequence[Parameter], headers: Headers
) -> Iterator[tuple[Parameter, SchemaError]]:
    """What the headers of an answer break of those that are declared for it; missing ones are not told here."""
    for parameter in declared:
        if parameter.schema is None:
            continue
        name = parameter.name.lower()
        values = [value for key, value in headers if key.lower() == name]
        if name != "set-cookie":  # the one header whose lines cannot be joined (RFC 9110, 5.3)
            values = [", ".join(values)] if values else []
        for value in values:
            if (error := _unreadable(operation, parameter, value, "response")) is not None:
                yield parameter, error
                break


def _unreadable(operation: Operation, parameter: Parameter, value: Any, direction: str) -> SchemaError | None:
    """Why the schema takes no reading of a text; None if it takes one."""
    assert parameter.schema is not None
    readings = list(_readings(operation, parameter, value))
    if any(operation.schemas.accepts(parameter.schema, direction, reading) for reading in readings):
        return None
    return next(operation.schemas.errors(parameter.schema, direction, readings[0]), None)


def raw(parameter: Parameter, request: Request, path_values: Mapping[str, str]) -> Any:
    """The text of a parameter, a list of (name, text) where it is spread over several, or MISSING."""
    if parameter.location == "path":
        return path_values.get(parameter.name, MISSING)
    if parameter.location == "header":
        value = header(request.headers, parameter.name)
        return MISSING if value is None else value
    if parameter.location == "cookie":
        jar = dict(part.strip().partition("=")[::2] for part in (header(request.headers, "cookie") or "").split(";"))
        return jar.get(parameter.name, MISSING)
    if parameter.location != "query":
        return MISSING
    pairs = _pairs(request.query)
    if parameter.style == "deepObject":
        found = [(name, value) for name, value in pairs if name.startswith(f"{parameter.name}[")]
    else:
        found = [(name, value) for name, value in pairs if name in (parameter.name, f"{parameter.name}[]")]
    return found or MISSING


def _is_spread(operation: Operation, parameter: Parameter) -> bool:
    """True for an exploded object of the query, whose properties stand there under their own names."""
    return (
        parameter.location == "query"
        and parameter.style == "form"
        and parameter.explode
        and parameter.content is None
        and _types(operation, parameter) == {"object"}
    )


def _spread(operation: Operation, request: Request) -> Any:
    others = {
        item.name for item in operation.parameters if item.location == "query" and not _is_spread(operation, item)
    }
    return [(name, text) for name, text in _pairs(request.query) if name not in others] or MISSING


def _readings(operation: Operation, parameter: Parameter, value: Any) -> Iterator[Any]:
    """What the text may stand for, the likeliest first."""
    if parameter.content is not None:
        text = value if isinstance(value, str) else value[0][1]
        if is_json(parameter.content):
            try:
                yield orjson.loads(text)
                return
            except ValueError:
                pass  # not JSON: then it is the text that the schema must refuse
        yield text
        return
    kinds = _types(operation, parameter)
    if parameter.style == "deepObject":
        yield _deep(operation, parameter, value)
        return
    if isinstance(value, list):
        texts = [text for _, text in value]
        if "array" in kinds or len(texts) > 1:
            yield from _array(operation, parameter, texts)
        if "object" in kinds and not parameter.explode:
            yield _object(operation, parameter, texts[0].split(","))
        if len(texts) == 1:
            yield from _scalars(texts[0], kinds)
        return
    text = value
    if parameter.style == "label":
        text = text.removeprefix(".")
    elif parameter.style == "matrix":
        text = text.removeprefix(f";{parameter.name}=").removeprefix(f";{parameter.name}")
    if "array" in kinds:
        separator = "." if parameter.style == "label" and parameter.explode else ","
        if parameter.style == "matrix" and parameter.explode:
            separator = f";{parameter.name}="
        yield from _array(operation, parameter, text.split(separator) if text else [])
    if "object" in kinds:
        if parameter.explode:
            yield _named(operation, parameter, text.split({"label": ".", "matrix": ";"}.get(parameter.style, ",")))
        else:
            yield _object(operation, parameter, text.split(","))
    yield from _scalars(text, kinds)


def _array(operation: Operation, parameter: Parameter, texts: list[str]) -> Iterator[Any]:
    if not parameter.explode and len(texts) == 1:
        texts = texts[0].split(_DELIMITER.get(parameter.style, ",")) if texts[0] else []
    if parameter.location == "header":
        texts = [text.strip(" \t") for text in texts]  # white space around the comma (RFC 9110, 5.6.1)
    kinds = _kinds(operation, f"{parameter.schema}/items")
    yield [next(_scalars(text, kinds)) for text in texts]
    yield [list(_scalars(text, kinds))[-1] for text in texts]


def _object(operation: Operation, parameter: Parameter, parts: list[str]) -> dict[str, Any]:
    pairs = zip(parts[::2], parts[1::2], strict=False)
    return {name: _property(operation, parameter, name, text) for name, text in pairs}


def _named(operation: Operation, parameter: Parameter, parts: list[str]) -> dict[str, Any]:
    pairs = [part.partition("=")[::2] for part in parts]
    return {name: _property(operation, parameter, name, text) for name, text in pairs}


def _property(operation: Operation, parameter: Parameter, name: str, text: str) -> Any:
    """The reading of one property's text that its schema takes; the likeliest where none or all do."""
    places = [
        f"{place}/properties/{escape(name)}"
        if name in _map(node.get("properties"))
        else f"{place}/additionalProperties"
        for place, node in operation.schemas.flatten([parameter.schema or ""])
        if name in _map(node.get("properties")) or isinstance(node.get("additionalProperties"), Mapping)
    ]
    readings = list(_scalars(text, set().union(*(_kinds(operation, place) for place in places))))
    return next(
        (each for each in readings if all(operation.schemas.accepts(place, "request", each) for place in places)),
        readings[0],
    )


def _deep(operation: Operation, parameter: Parameter, pairs: list[tuple[str, str]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for name, text in pairs:
        key = name[len(parameter.name) + 1 :].split("]")[0]
        value = _property(operation, parameter, key, text)
        if key in result:
            result[key] = [*(result[key] if isinstance(result[key], list) else [result[key]]), value]
        else:
            result[key] = value
    return result


def _scalars(text: str, kinds: set[str]) -> Iterator[Any]:
    """The readings of one text: as a number, a boolean or null where it looks like one, and as itself."""
    typed: list[Any] = []
    if _NUMBER.match(text):
        typed.append(orjson.loads(text) if len(text) < 300 else text)
    elif text in ("true", "false"):
        typed.append(text == "true")
    elif text in ("null", ""):
        typed.append(None)
    ordered = [text, *typed] if "string" in kinds and not kinds & {"integer", "number", "boolean"} else [*typed, text]
    if kinds == {"null"} or (text == "" and "null" not in kinds):
        ordered = [text]
    yield from ordered


def _types(operation: Operation, parameter: Parameter) -> set[str]:
    return _kinds(operation, parameter.schema) if parameter.schema else set()


def _kinds(operation: Operation, pointer: str) -> set[str]:
    """Every JSON type that any branch of a schema names."""
    found: set[str] = set()
    for _, node in operation.schemas.flatten([pointer]):
        kinds = node.get("type")
        found.update(kinds if isinstance(kinds, list) else [kinds] if isinstance(kinds, str) else [])
        if "properties" in node:
            found.add("object")
        if "items" in node:
            found.add("array")
    return found


def _pairs(query: str) -> list[tuple[str, str]]:
    return parse_qsl(query, keep_blank_values=True, max_num_fields=None)


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _plain(keyword: str, component: str, name: str | None, declared: str, observed: str) -> SchemaError:
    return SchemaError("", "", keyword, component, name, declared, observed, f"{observed} where {declared} is declared")
