"""Routes of a Tornado application: `--routes tornado:app.main:app` imports it and reads its rules.

The working directory is importable. `app.main:make_app()` calls a factory. Routers within routers are descended into;
a handler shows the methods that its class defines. WebSocket handlers are no operations.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

from contract.core.errors import SourceError
from contract.core.evidence import Route
from contract.core.routing import ANY, mark
from contract.sources.routes._application import bound, described, is_function, load, ordered, place
from contract.sources.routes._expression import templates

HINT = "`tornado:MODULE:APP`: tornado:app.main:app, or tornado:app.main:make_app() for a factory"


def routes(where: str) -> list[Route]:
    """Every rule that leads to a handler, in the order in which the application tries them.

    Static files and redirects are implied; an application of another kind behind `FallbackHandler` takes ANY method.
    Raises SourceError, naming type, message and place of what the import raised.
    """
    app = load(where, HINT)
    if inspect.isfunction(app) and not where.endswith("()"):
        raise is_function(where, "tornado")
    router = getattr(app, "default_router", app)
    if not isinstance(getattr(router, "rules", None), list):
        raise SourceError(
            f"{where}: {described(app)} shows no rules; Tornado applications and routers do",
            "print its routes as `METHOD /path` lines and use --routes text:routes.txt",
        )
    found = list(_walk(router, "", ".*"))
    if not found:
        raise SourceError(f"{where}: the application has no route", HINT)
    return mark(found)


def _walk(router: Any, host: str, expression: str) -> Iterator[Route]:
    for rule in router.rules:
        matcher = rule.matcher
        pattern = getattr(getattr(matcher, "regex", None), "pattern", None)
        own_host = getattr(getattr(matcher, "host_pattern", None), "pattern", None)
        # The rules of a router within see the whole path again, so the inner expression says it all.
        path = expression if pattern is None else pattern
        inside = host if own_host in (None, ".*$") else own_host.removesuffix("$").replace("\\.", ".")
        target = getattr(rule.target, "default_router", rule.target)
        if isinstance(getattr(target, "rules", None), list):
            yield from _walk(target, inside, path)
        else:
            yield from _single(rule, inside, path)


def _single(rule: Any, host: str, expression: str) -> Iterator[Route]:
    from tornado.web import ErrorHandler, FallbackHandler, RedirectHandler, RequestHandler, StaticFileHandler
    from tornado.websocket import WebSocketHandler

    handler = rule.target
    is_handler = inspect.isclass(handler) and issubclass(handler, RequestHandler)
    if is_handler and issubclass(handler, (ErrorHandler, WebSocketHandler)):
        return
    implied = is_handler and issubclass(handler, (StaticFileHandler, RedirectHandler))
    if is_handler and not issubclass(handler, FallbackHandler):
        unserved = RequestHandler._unimplemented_method
        verbs = ordered(
            verb for verb in handler.SUPPORTED_METHODS if getattr(handler, verb.lower(), unserved) is not unserved
        )
    else:
        verbs = [ANY]
    for template, spelled in templates(expression):
        for verb in verbs:
            file, line = place(bound(handler, verb) if is_handler else handler)
            yield Route(verb, template.path, host + spelled, "tornado", template.spans, file, line, rule.name, implied)
