"""Routes of a Fastify application: `--routes fastify:dist/app.js` lets Node load it and listens to what it registers.

The file exports its instance as `module.exports`, as default or as `app`, or makes only one; `dist/app.js:NAME` and
`dist/app.js:build()` name another. Its plug-ins are loaded (`ready()`), and nothing listens.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from contract.core.errors import SourceError
from contract.core.evidence import Route
from contract.core.routing import mark, parse
from contract.sources.routes import _node
from contract.sources.routes._application import ordered

HINT = "`fastify:FILE`, or `fastify:FILE:NAME`: fastify:dist/app.js, or fastify:dist/app.js:build() for a factory"

_PARAMETER = re.compile(
    r"(?P<colon>::)|:(?P<name>\w+)(?:\((?P<expression>(?:[^()]|\([^()]*\))*)\))?(?P<optional>\?)?|(?P<star>\*)"
)


def routes(where: str) -> list[Route]:
    """Every route with its prefixes, in the order in which they are registered, each with the line that does so.

    HEAD beside GET, which Fastify adds, is implied. Raises SourceError, naming type, message and place of what loading
    the file or a plug-in raised.
    """
    return listed(where, _node.ask(where, "fastify", HINT)["routes"], HINT)


def listed(where: str, rows: list[dict[str, Any]], hint: str) -> list[Route]:
    """The routes of what Node says of an instance; raises SourceError where there are none."""
    known = {(method, row["path"][0]) for row in rows for method in row["methods"]}
    found = [route for row in rows for route in _routes(row, known)]
    if not found:
        raise SourceError(f"{where}: the application has no route", hint)
    return mark(found)


def _routes(row: dict[str, Any], listed: set[tuple[str, str]]) -> Iterator[Route]:
    file, line = _node.place(row["place"])
    url, methods = row["path"][0], row["methods"]
    # Of a route `/` below a prefix, Fastify tells `/prefix`, and of `/prefix/` only the HEAD that it adds.
    twin = methods == ["HEAD"] and url.endswith("/") and ("GET", url) not in listed and ("GET", url[:-1]) in listed
    spelled = _spelled(url)
    for template in parse(spelled):
        path = template.path.replace("%3A", ":")
        for method in ordered(["GET", "HEAD"] if twin else methods):
            yield Route(method, path, spelled, "fastify", template.spans, file, line, row["handlers"].get("_all"), twin)


def _spelled(url: str) -> str:
    """The path in braces, since find-my-way lets a parameter end where its expression does: `/at/:hour(^\\d+)h`."""

    def own(found: re.Match[str]) -> str:
        if found["colon"]:
            return "%3A"  # a colon of its own, which no reader takes for a parameter
        if found["star"]:
            return "{path:.*}"
        expression = (found["expression"] or "").removeprefix("^").removesuffix("$")
        if found["optional"]:
            return f"{{{found['name']}?}}"
        return f"{{{found['name']}{':' + expression if expression else ''}}}"

    return _PARAMETER.sub(own, url)
