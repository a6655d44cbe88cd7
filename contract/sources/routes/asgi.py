"""Routes of a FastAPI or Starlette application: `--routes asgi:app.main:app` imports it and reads its routers.

The working directory is importable. `app.main:create_app()` calls a factory, dots reach into objects:
`app.main:state.api`. Mounted applications are descended into; WebSocket routes are no operations.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterable, Iterator
from typing import Any

from contract.core.errors import MissingExtra, SourceError
from contract.core.evidence import Route
from contract.core.routing import ANY, mark, parse
from contract.sources.routes._application import VERBS, described, is_function, load, place

HINT = "`asgi:MODULE:APP`, as for uvicorn: asgi:app.main:app, or asgi:app.main:create_app() for a factory"


def routes(where: str) -> list[Route]:
    """Every route, in the order in which the application tries them; what the application prints is swallowed.

    FastAPI's own pages, static files, HEAD beside GET and OPTIONS are implied. A mounted application that shows no
    routes is one catch-all for ANY method. Raises SourceError, naming type, message and place of what the import raised.
    """
    try:
        import starlette.routing  # noqa: F401
    except ImportError as error:
        raise MissingExtra("reading the routes of an ASGI application", "service", "starlette") from error
    app = _load(where)
    listed = _listed(app)
    if listed is None:
        raise SourceError(
            f"{where}: {described(app)} shows no routes; FastAPI and Starlette applications do",
            "print them as `METHOD /path` lines and use --routes text:routes.txt",
        )
    prefix = str(getattr(app, "root_path", "") or "").rstrip("/")
    found = list(_walk(listed, prefix, ""))
    if not found:
        raise SourceError(f"{where}: the application has no route", HINT)
    return mark(found)


def _load(where: str) -> Any:
    value = load(where, HINT)
    if inspect.isfunction(value) and not where.endswith("()") and not _takes_scope(value):
        raise is_function(where, "asgi")
    return value


def _takes_scope(function: Any) -> bool:
    """True for an ASGI application that is a bare function of scope, receive and send."""
    try:
        return len(inspect.signature(function).parameters) >= 3
    except ValueError:
        return True


def _listed(app: Any) -> Iterable[Any] | None:
    """The routes of an application, or of the one that its wrappers (middleware) hold; None if none shows any."""
    for _ in range(20):
        listed = getattr(app, "routes", None)
        if isinstance(listed, (list, tuple)):
            return listed
        inner = getattr(app, "app", None)
        if inner is None:
            return None
        app = inner
    return None


def _contexts(listed: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
    """Each route as it was written, and as it is served.

    Newer FastAPI keeps an included router as one entry and works out its routes, prefix included, when asked.
    """
    flatten = getattr(sys.modules.get("fastapi.routing"), "iter_route_contexts", None)
    if flatten is None:
        for route in listed:
            yield route, route
        return
    for context in flatten(list(listed)):
        yield context.original_route, context


def _walk(listed: Iterable[Any], prefix: str, host: str) -> Iterator[Route]:
    from starlette.routing import Host, Mount, WebSocketRoute

    for written, served in _contexts(listed):
        if isinstance(written, WebSocketRoute):
            continue
        if isinstance(written, Host):
            inner = _listed(served)
            if inner is None:
                yield from _opaque(written.app, prefix, written.host)
            else:
                yield from _walk(inner, prefix, written.host)
        elif isinstance(written, Mount):
            inner = list(written.routes) or _listed(written.app)
            if inner is None:
                yield from _opaque(written.app, prefix + served.path, host)
            else:
                yield from _walk(inner, prefix + served.path, host)
        elif isinstance(getattr(served, "path", None), str):
            yield from _single(served, prefix, host)


def _opaque(app: Any, prefix: str, host: str) -> Iterator[Route]:
    """What lies behind a mount that shows no routes: files, or an application of another kind."""
    static = any(kind.__name__ == "StaticFiles" for kind in type(app).__mro__)
    spelled = f"{prefix}/{{path:path}}"
    for template in parse(spelled):
        for method in ("GET", "HEAD") if static else (ANY,):
            yield Route(method, template.path, host + spelled, "asgi", template.spans, implied=static)


def _single(route: Any, prefix: str, host: str) -> Iterator[Route]:
    endpoint = getattr(route, "endpoint", None)
    methods = getattr(route, "methods", None)
    if methods is None and inspect.isclass(endpoint):
        # Starlette's HTTPEndpoint has one method of its own per verb, and answers HEAD with `get`.
        methods = {verb for verb in VERBS if callable(getattr(endpoint, verb.lower(), None))}
        methods |= {"HEAD"} if "GET" in methods else set()
    verbs = sorted(methods, key=lambda verb: (VERBS.index(verb) if verb in VERBS else 99, verb)) if methods else [ANY]
    spelled = prefix + route.path
    file, line = place(endpoint)
    own = _is_own_page(endpoint)
    for template in parse(spelled):
        for verb in verbs:
            yield Route(
                verb,
                template.path,
                host + spelled,
                "asgi",
                template.spans,
                file,
                line,
                getattr(route, "name", None),
                own,
            )


def _is_own_page(endpoint: Any) -> bool:
    """True for FastAPI's document and its viewers, which its `setup` adds."""
    return getattr(endpoint, "__module__", None) == "fastapi.applications" and getattr(
        endpoint, "__qualname__", ""
    ).startswith("FastAPI.setup.")
