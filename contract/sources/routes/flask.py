"""Routes of a Flask application: `--routes flask:app.main:app` imports it and reads its URL map.

The working directory is importable. `app.main:create_app()` calls a factory. Blueprints, method views, applications that
Werkzeug's dispatcher mounts, and wrappers around all of them are descended into.
"""

from __future__ import annotations

import contextlib
import inspect
import os
import re
from collections.abc import Iterator
from typing import Any

from contract.core.errors import SourceError
from contract.core.evidence import Route
from contract.core.routing import ANY, mark, parse
from contract.sources.routes._application import bound, described, is_function, load, ordered, place

HINT = "`flask:MODULE:APP`: flask:app.main:app, or flask:app.main:create_app() for a factory"

# Werkzeug's own grammar of a parameter: `<converter(arguments):name>`.
_PARAMETER = re.compile(r"<(?:(?P<kind>[a-zA-Z_]\w*)(?:\(.*?\))?:)?(?P<name>[a-zA-Z_]\w*)>")


def routes(where: str) -> list[Route]:
    """Every rule of the URL map, those of mounted applications first.

    Static files, HEAD beside GET and OPTIONS are implied; what is only there to build URLs, and WebSockets, are left
    out. Raises SourceError, naming type, message and place of what the import raised.
    """
    with _not_run():
        app = load(where, HINT)
    if inspect.isfunction(app) and not where.endswith("()"):
        raise is_function(where, "flask")
    found = list(_walk(app, "", frozenset()))
    if all(route.method == ANY and route.spans == {"path"} and route.file is None for route in found):
        if found or not _is_flask(app):
            raise SourceError(
                f"{where}: {described(app)} shows no URL map; Flask applications do",
                "print its routes as `METHOD /path` lines and use --routes text:routes.txt",
            )
        raise SourceError(f"{where}: the application has no route", HINT)
    return mark(found)


@contextlib.contextmanager
def _not_run() -> Iterator[None]:
    """`app.run()` returns at once, as under `flask run`: a script without a guard would serve for ever."""
    before = os.environ.get("FLASK_RUN_FROM_CLI")
    os.environ["FLASK_RUN_FROM_CLI"] = "true"
    try:
        yield
    finally:
        if before is None:
            del os.environ["FLASK_RUN_FROM_CLI"]
        else:
            os.environ["FLASK_RUN_FROM_CLI"] = before


def _is_flask(app: Any) -> bool:
    return hasattr(app, "url_map") and hasattr(app, "view_functions")


def _walk(app: Any, prefix: str, seen: frozenset[int]) -> Iterator[Route]:
    """Rules behind wrappers: `.app` of Werkzeug's and most others, `.mounts` of its dispatcher, `app.wsgi_app = …`."""
    owner = getattr(app, "__self__", None)
    if _is_flask(owner) and getattr(app, "__name__", "") == "wsgi_app":
        yield from _rules(owner, prefix)
        return
    if id(app) in seen or len(seen) > 20:
        return
    seen |= {id(app)}
    if _is_flask(app):
        wrapped = vars(app).get("wsgi_app")
        if wrapped is None:
            yield from _rules(app, prefix)
        else:
            inner = list(_walk(wrapped, prefix, seen))
            # A wrapper that hides what it wraps is middleware.
            yield from inner if any(route.file or not route.spans for route in inner) else _rules(app, prefix)
        return
    mounts = getattr(app, "mounts", None)
    if isinstance(mounts, dict):
        for mount in sorted(mounts, key=len, reverse=True):
            yield from _walk(mounts[mount], prefix + mount, seen)
    for name in ("app", "wsgi_app", "application"):
        inner_app = getattr(app, name, None)
        if callable(inner_app):
            yield from _walk(inner_app, prefix, seen)
            return
    if not isinstance(mounts, dict):
        spelled = f"{prefix}/<path:path>"
        for template in parse(spelled):
            yield Route(ANY, template.path, spelled, "flask", template.spans)


def _rules(app: Any, prefix: str) -> Iterator[Route]:
    for rule in app.url_map.iter_rules():
        if rule.build_only or rule.websocket:
            continue
        spelled = prefix + _spelled(rule)
        view = app.view_functions.get(rule.endpoint)
        host = _host(app, rule)
        implied = _is_static(rule) or rule.redirect_to is not None
        for template in parse(spelled):
            for method in ordered(rule.methods) if rule.methods is not None else [ANY]:
                handler = getattr(view, "view_class", None)
                file, line = place(bound(handler, method) if handler is not None else view)
                yield Route(
                    method,
                    template.path,
                    host + spelled,
                    "flask",
                    template.spans,
                    file,
                    line,
                    rule.endpoint,
                    implied,
                )


def _host(app: Any, rule: Any) -> str:
    if app.url_map.host_matching:
        return str(rule.host or "")
    return f"{rule.subdomain}." if rule.subdomain else ""


def _is_static(rule: Any) -> bool:
    return rule.endpoint.rpartition(".")[2] == "static" and "filename" in rule.arguments


def _spelled(rule: Any) -> str:
    """The rule as it is written; parameters of the application's own converters by their expressions."""
    from werkzeug.routing import Map

    def own(found: re.Match[str]) -> str:
        kind = found["kind"] or "default"
        converter = rule.map.converters.get(kind)
        if converter is Map.default_converters.get(kind):
            return found[0]
        return f"{{{found['name']}:{getattr(rule, '_converters', {}).get(found['name'], converter).regex}}}"

    return _PARAMETER.sub(own, rule.rule)
