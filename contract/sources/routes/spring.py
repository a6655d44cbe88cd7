"""Routes of a Spring Boot application (2 to 4): `--routes spring:mappings.json` reads the actuator's `mappings` endpoint.

`curl http://127.0.0.1:8080/actuator/mappings > mappings.json`, with `management.endpoints.web.exposure.include: mappings`;
`-` is standard input. Both shapes are read, that of servlets and that of WebFlux (Spring Boot, Actuator API, "Mappings").
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from contract.core.errors import SourceError
from contract.core.evidence import Route
from contract.core.routing import ANY, mark, parse
from contract.sources.routes._file import read, seen

HINT = "curl http://127.0.0.1:8080/actuator/mappings > mappings.json"

_OF_SPRING = ("org.springframework.", "org.springdoc.", "springfox.")
"""Classes that packages bring: the actuator's own endpoints, the page for errors, viewers of the document."""
_PREDICATE = re.compile(r"(?:([A-Z]+(?:, ?[A-Z]+)*) )?\[([^]]*)\]")
"""Within `{GET [/tasks || /todo], produces [application/json]}`."""
_FUNCTION = re.compile(r"\((?:([A-Z]+) && )?(/[^\s()]*)\)")
"""Within `(GET && /tasks)`, the predicate of a function."""


def routes(where: str) -> list[Route]:
    """Every mapping of every context, in the order of the list; raises SourceError where it is none, or is cut.

    A mapping without methods is a route for ANY. What Spring and its viewers bring, resources, HEAD beside GET and
    OPTIONS, which Spring answers on every path, are implied. The context path of a servlet (`server.servlet.context-path`)
    is not in the list: it belongs into the document's `servers`.
    """
    text = read(where, HINT)
    try:
        value = json.loads(text)
    except ValueError as error:
        at = f":{error.lineno}:{error.colno}" if isinstance(error, json.JSONDecodeError) else ""
        said = (
            f": {error.msg}"
            if isinstance(error, json.JSONDecodeError) and '"contexts"' in text
            else seen(text, "spring")
        )
        raise SourceError(f"{where}{at}: the mappings are no JSON{said}", HINT) from error
    contexts = value.get("contexts") if isinstance(value, Mapping) else None
    if not isinstance(contexts, Mapping):
        raise SourceError(f"{where}: holds no mappings of Spring's actuator{seen(text, 'spring')}", HINT)
    found = [route for context in contexts.values() for row in _rows(context) for route in _routes(where, row)]
    if not found:
        raise SourceError(f"{where}: holds no mapping", HINT)
    return mark([*found, *_answered(found)])


def _rows(context: Any) -> Iterator[Mapping[str, Any]]:
    mappings = context.get("mappings") if isinstance(context, Mapping) else None
    for kind in ("dispatcherServlets", "dispatcherHandlers"):
        named = mappings.get(kind) if isinstance(mappings, Mapping) else None
        for rows in named.values() if isinstance(named, Mapping) else ():
            yield from (row for row in rows if isinstance(row, Mapping)) if isinstance(rows, list) else ()


def _routes(where: str, row: Mapping[str, Any]) -> Iterator[Route]:
    details = row.get("details")
    details = details if isinstance(details, Mapping) else {}
    conditions, method = details.get("requestMappingConditions"), details.get("handlerMethod")
    predicate = str(row.get("predicate") or "")
    name, owner = None, str(row.get("handler") or "")
    if isinstance(method, Mapping):
        owner = str(method.get("className") or "")
        name = f"{owner}.{method.get('name')}"
    if isinstance(conditions, Mapping):
        methods, patterns = _texts(conditions.get("methods")), _texts(conditions.get("patterns"))
        if not patterns:
            patterns = _texts(conditions.get("pathPatterns"))
    else:
        methods, patterns = _predicate(predicate)
    implied = owner.startswith(_OF_SPRING) or "ResourceHttpRequestHandler" in owner or "ResourceWebHandler" in owner
    for pattern in patterns:
        for template in parse(_spelled(pattern)):
            for verb in methods or [ANY]:
                yield Route(verb, template.path, pattern, "spring", template.spans, None, None, name, implied)


def _predicate(text: str) -> tuple[list[str], list[str]]:
    """Methods and patterns of what is shown only as text: resources, functions, releases before 2.1."""
    if function := _FUNCTION.search(text):
        return ([function[1]] if function[1] else []), [function[2]]
    if text.startswith("/"):
        return [], [text]
    if (found := _PREDICATE.search(text)) is None or "/" not in found[2]:
        return [], []
    methods = re.split(", ?", found[1]) if found[1] else []
    return methods, [pattern.strip() for pattern in found[2].split("||")]


def _spelled(pattern: str) -> str:
    """The pattern with a name for each star: `**` is any number of segments, `*` one."""
    number = 0
    parts = []
    for part in pattern.split("/"):
        if part == "**":
            parts.append("*path")
        elif part == "*":
            number += 1
            parts.append(f"{{arg{number}}}")
        else:
            parts.append(part)
    return "/".join(parts)


def _texts(value: Any) -> list[str]:
    return [text for text in value if isinstance(text, str)] if isinstance(value, list) else []


def _answered(found: list[Route]) -> Iterator[Route]:
    written = {(route.method, route.path) for route in found}
    for route in {route.path: route for route in reversed(found)}.values():
        if (ANY, route.path) in written:
            continue
        for method in ("HEAD", "OPTIONS"):
            if (method, route.path) not in written and (method == "OPTIONS" or ("GET", route.path) in written):
                yield Route(method, route.path, route.spelled, "spring", route.spans, implied=True)
