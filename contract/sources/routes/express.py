"""Routes of an Express application, 4 or 5: `--routes express:dist/app.js` lets Node load it and walks its router.

The file exports its application as `module.exports`, as default or as `app`, or makes only one; `dist/app.js:NAME` and
`dist/app.js:createApp()` name another. Nothing listens while it is loaded. Routers and applications within are descended
into; a function that is mounted with `use` is middleware, and is no route.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from contract.core.errors import SourceError
from contract.core.evidence import Route
from contract.core.routing import ANY, Template, mark, parse
from contract.sources.routes import _node
from contract.sources.routes._application import ordered
from contract.sources.routes._expression import templates

HINT = "`express:FILE`, or `express:FILE:NAME`: express:dist/app.js, or express:dist/app.js:createApp() for a factory"

_EVERY_VERB = frozenset({"get", "head", "post", "put", "patch", "delete", "options", "trace", "propfind"})


def routes(where: str) -> list[Route]:
    """Every route, in the order in which the application tries them, each with the line that registers it.

    `express.static`, HEAD beside GET and OPTIONS, which Express answers itself, are implied. Raises SourceError, naming
    type, message and place of what loading the file raised.
    """
    return listed(where, _node.ask(where, "express", HINT)["routes"], HINT)


def listed(
    where: str, rows: list[dict[str, Any]], hint: str, *, answered: tuple[str, ...] = ("HEAD", "OPTIONS")
) -> list[Route]:
    """The routes of what Node says of a router; raises SourceError where there are none.

    `answered` are the methods that Express answers itself.
    """
    found = [route for row in rows for route in _routes(row)]
    if not found:
        raise SourceError(f"{where}: the application has no route", hint)
    return mark([*found, *(route for route in _answered(found) if route.method in answered)])


def _routes(row: dict[str, Any]) -> Iterator[Route]:
    file, line = _node.place(row["place"])
    implied = bool(row.get("files"))
    parts = [*row["path"], "/*path"] if implied else row["path"]
    served = {verb.upper(): verb for verb in row["methods"]}
    for template, spelled in _templates(parts):
        for method in [ANY] if "_ALL" in served or set(row["methods"]) >= _EVERY_VERB else ordered(served):
            name = row["handlers"].get(served.get(method, "_all"))
            yield Route(method, template.path, spelled, "express", template.spans, file, line, _named(name), implied)


def _named(name: str | None) -> str | None:
    return None if name in (None, "<anonymous>", "anonymous") else name


def _answered(found: list[Route]) -> Iterator[Route]:
    """HEAD and OPTIONS where nobody wrote one: Express answers them beside every route, and HEAD beside files."""
    written = {(route.method, route.path) for route in found if not route.implied}
    for path, route in {route.path: route for route in reversed(found)}.items():
        if route.implied:
            yield Route("HEAD", path, route.spelled, "express", route.spans, implied=True)
        for method, beside in (("HEAD", ("GET",)), ("OPTIONS", ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"))):
            own = (method, path) in written or (ANY, path) in written
            if not own and any((verb, path) in written for verb in beside):
                yield Route(method, path, route.spelled, "express", route.spans, implied=True)


def _templates(parts: list[Any]) -> list[tuple[Template, str]]:
    """The parts of a path, each a text or an expression, as one."""
    if all(isinstance(part, str) for part in parts):
        spelled = "/".join(part.strip("/") for part in parts[:-1]) + "/" + parts[-1].lstrip("/")
        spelled = re.sub(r"/{2,}", "/", "/" + spelled)
        # A mount at `/tasks` with a route for `/` answers `/tasks`.
        if len(parts) > 1 and parts[-1] == "/" and spelled != "/":
            spelled = spelled.rstrip("/")
        return [(template, spelled) for template in parse(spelled)]
    expression = ""
    for part in parts:
        if isinstance(part, str):
            # The longest of what a text stands for; what is optional in a prefix of an expression is not told apart.
            path = parse(part)[0].path.rstrip("/")
            expression += re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(path))
        else:
            # Mounts of Express 4 that were not watched end so.
            own = part["expression"].removeprefix("^").replace(r"\/?(?=\/|$)", "")
            # What is mounted begins with a slash, whatever its own expression says of it.
            slash = "/" if expression and not own.startswith(("/", r"\/")) else ""
            expression += slash + re.sub(r"\(\?<(?=\w)", "(?P<", own)
    return templates(expression)
