"""Routes of an aiohttp application: `--routes aiohttp:app.main:app` imports it and reads its router.

The working directory is importable. `app.main:create_app()` calls a factory, a coroutine function too. Applications
within, by prefix or by domain, are descended into; a class-based view shows the methods that it defines.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

from contract.core.errors import SourceError
from contract.core.evidence import Route
from contract.core.routing import ANY, Template, mark, parse
from contract.sources.routes._application import bound, described, is_function, load, ordered, place
from contract.sources.routes._expression import templates

HINT = "`aiohttp:MODULE:APP`: aiohttp:app.main:app, or aiohttp:app.main:create_app() for a factory"

_ANYTHING = "[^{}/]+"
"""What a parameter without an expression of its own takes."""


def routes(where: str) -> list[Route]:
    """Every route, in the order in which the application tries them.

    Static files and HEAD beside GET are implied. Raises SourceError, naming type, message and place of what the import
    raised.
    """
    app = load(where, HINT)
    if inspect.isfunction(app) and not where.endswith("()"):
        raise is_function(where, "aiohttp")
    if not hasattr(getattr(app, "router", None), "resources"):
        raise SourceError(
            f"{where}: {described(app)} shows no router; aiohttp applications do",
            "print its routes as `METHOD /path` lines and use --routes text:routes.txt",
        )
    found = list(_walk(app, ""))
    if not found:
        raise SourceError(f"{where}: the application has no route", HINT)
    return mark(found)


def _walk(app: Any, host: str) -> Iterator[Route]:
    for resource in app.router.resources():
        info = resource.get_info()
        if "app" in info:
            # The paths within carry the prefix already.
            yield from _walk(info["app"], info["rule"].get_info()["domain"] if "rule" in info else host)
            continue
        for template, spelled in _templates(info):
            for route in resource:
                yield from _single(route, template, host + spelled, "directory" in info)


def _templates(info: Any) -> list[tuple[Template, str]]:
    if "directory" in info:
        spelled = f"{info['prefix']}/{{filename:.*}}"
        return [(template, spelled) for template in parse(spelled)]
    if "pattern" not in info:
        return [(template, info["path"]) for template in parse(info["path"])]
    expression = info["pattern"].pattern
    if expression.count("(") == expression.count(f">{_ANYTHING})"):
        return [(template, info["formatter"]) for template in parse(info["formatter"])]
    return templates(expression)


def _single(route: Any, template: Template, spelled: str, implied: bool) -> Iterator[Route]:
    from aiohttp.web import View

    handler = route.handler
    is_view = inspect.isclass(handler) and issubclass(handler, View)
    verbs = [ANY if route.method == "*" else route.method]
    if is_view and verbs == [ANY]:
        from aiohttp.hdrs import METH_ALL

        verbs = ordered(str(verb) for verb in METH_ALL if callable(getattr(handler, verb.lower(), None)))
    for verb in verbs:
        file, line = place(bound(handler, verb) if is_view else handler)
        yield Route(verb, template.path, spelled, "aiohttp", template.spans, file, line, route.name, implied)
