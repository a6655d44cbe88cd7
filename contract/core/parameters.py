"""What the request of an exchange says, read by the document: every `style` and `explode`, then the schema.

Values go over the wire as text, so one text may stand for several values: `17` is a string and an integer. A parameter
keeps its schema if one of its readings does; so nothing is called invalid that some reader could call valid.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from contract.core.bodies import NOTHING, Content, read
from contract.core.evidence import Exchange, Headers, Request, is_json
from contract.core.schema import SchemaError
from contract.core.styles import MISSING, carried, is_spread, kinds, listed, pairs_of, plain, refused

if TYPE_CHECKING:
    from contract.core.openapi import Operation, Parameter

_IGNORED_HEADERS = frozenset({"accept", "content-type", "authorization"})  # OpenAPI 3.1, 4.8.12.1


def sent(operation: Operation, request: Request, path_values: Mapping[str, str]) -> Iterator[str]:
    """Labels of the declared parameters that a request carries, `query:limit`; `body` if it has one."""
    for parameter in operation.parameters:
        if is_sent(operation, parameter, request, path_values):
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
        if not is_spread(operation, parameter):
            declared.add(parameter.name)
        elif (names := listed(operation, parameter)) is not None:
            declared.update(names)
        else:
            return []
    for requirement in operation.security or ():
        for scheme in requirement:
            node = operation.security_scheme(scheme)
            if node.get("type") == "apiKey" and node.get("in") == "query":
                declared.add(str(node.get("name")))
    return [
        name
        for name in dict.fromkeys(name for name, _ in pairs_of(request.query))
        if name not in declared
        and re.sub(r"\[.*", "", name) not in declared
        and name.removesuffix("[]") not in declared
    ]


def errors(
    operation: Operation, exchange: Exchange, path_values: Mapping[str, str]
) -> Iterator[tuple[str, SchemaError]]:
    """What the request breaks of the declared side, each with its place: `query:limit`, `body:/title`, `header:If-Match`.

    Nothing is said of bodies in media types that nobody can read into values.
    """
    for parameter in operation.parameters:
        yield from parameter_errors(operation, parameter, exchange.request, path_values)
    yield from body_errors(operation, exchange.request)


def parameter_errors(
    operation: Operation, parameter: Parameter, request: Request, path_values: Mapping[str, str]
) -> Iterator[tuple[str, SchemaError]]:
    """What a request breaks of one parameter, with its label: the first refusal, if any."""
    if parameter.location == "header" and parameter.name.lower() in _IGNORED_HEADERS:
        return
    if parameter.location in ("header", "cookie") and not request.headers_known:
        return
    value = carried(operation, parameter, request, path_values)
    if value is MISSING:
        if parameter.required:
            yield parameter.label, plain("required", parameter.pointer, parameter.name, "required", "left out")
        return
    if parameter.schema is None or (parameter.allow_empty and value in ("", [(parameter.name, "")])):
        return
    if (error := refused(operation, parameter, value, "request")) is not None:
        yield parameter.label, error


def body_errors(operation: Operation, request: Request) -> Iterator[tuple[str, SchemaError]]:
    """What a request's body breaks, each with its place: `body`, `body:/title`."""
    declared = operation.request_body
    if declared is None or request.truncated:
        return
    if not request.body:
        if declared.required:
            yield "body", plain("required", declared.pointer, "body", "a body, required", "none")
        return
    media = declared.media(request.content_type)
    if media is None:
        listed = ", ".join(entry.range for entry in declared.content)
        yield "body", plain("content", declared.pointer, None, listed, request.media_type or "no Content-Type")
        return
    found = read(operation.schemas, media, request.content_type, request.body, "request")
    if found.malformed is not None:
        keyword, wanted = (
            ("json", "JSON") if is_json(request.media_type) else ("content", request.media_type or "a body")
        )
        yield "body", plain(keyword, media.pointer, None, wanted, found.malformed)
    for error in found.refused:
        yield f"body:{error.exact}", error
    for judged in found.judged:
        for error in operation.schemas.errors(judged.schema, "request", judged.value):
            yield f"body:{judged.where}{error.exact}", error


def content(operation: Operation, request: Request) -> Content:
    """What the request's body says, read by its media type."""
    declared = operation.request_body
    media = declared.media(request.content_type) if declared is not None and request.body else None
    if media is None or not request.body or request.truncated:
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
            if (error := refused(operation, parameter, value, "response")) is not None:
                yield parameter, error
                break


def is_sent(operation: Operation, parameter: Parameter, request: Request, path_values: Mapping[str, str]) -> bool:
    """True if a request carries anything of a parameter."""
    return carried(operation, parameter, request, path_values) is not MISSING


def kinds_of(operation: Operation, parameter: Parameter) -> frozenset[str]:
    """Every JSON type that a parameter's schema names."""
    return kinds(operation, parameter)
