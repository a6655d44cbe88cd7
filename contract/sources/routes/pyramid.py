"""Routes of a Pyramid application: `--routes pyramid:app.main:app` imports it and reads its routes and their views.

The working directory is importable. `app.main:main()` calls a factory, with an empty dictionary where it wants the
global settings. Only URL dispatch is read: what traversal reaches has no list.
"""

from __future__ import annotations

import importlib
import inspect
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from contract.core.errors import SourceError
from contract.core.evidence import Route
from contract.core.routing import ANY, mark, parse
from contract.sources.routes._application import described, is_function, load, ordered, place

HINT = "`pyramid:MODULE:APP`: pyramid:app.main:app, or pyramid:app.main:main() for a factory"


def routes(where: str) -> list[Route]:
    """Every route that has a view, in the order in which they are tried.

    Static views and HEAD beside GET are implied. Raises SourceError, naming type, message and place of what the import
    raised.
    """
    app = load(where, HINT, given=_settings)
    if inspect.isfunction(app) and not where.endswith("()"):
        raise is_function(where, "pyramid")
    registry = _registry(app)
    if registry is None:
        raise SourceError(
            f"{where}: {described(app)} shows no registry; Pyramid applications do",
            "print its routes as `METHOD /path` lines and use --routes text:routes.txt",
        )
    found = list(_walk(registry))
    if not found:
        raise SourceError(f"{where}: the application has no route with a view; traversal has no list", HINT)
    return mark(found)


def _settings(factory: Any) -> tuple[Any, ...]:
    """The global settings, where the factory is `main(global_config, **settings)` as for PasteDeploy."""
    try:
        inspect.signature(factory).bind()
    except TypeError:
        return ({},)
    except ValueError:
        return ()
    return ()


def _registry(app: Any) -> Any:
    """The registry of an application, or of the one that its wrappers hold; None if none shows any."""
    for _ in range(20):
        registry = getattr(app, "registry", None)
        if hasattr(registry, "introspector"):
            return registry
        app = next((inner for name in ("app", "application", "wsgi_app") if (inner := getattr(app, name, None))), None)
        if app is None:
            return None
    return None


def _walk(registry: Any) -> Iterator[Route]:
    views: dict[str, list[Any]] = defaultdict(list)
    for entry in registry.introspector.get_category("views") or ():
        views[entry["introspectable"]["route_name"]].append(entry["introspectable"])
    mapper = registry.queryUtility(importlib.import_module("pyramid.interfaces").IRoutesMapper)
    for route in mapper.get_routes() if mapper is not None else ():
        allowed = _methods(registry.introspector.get("routes", route.name)["request_methods"])
        spelled = route.pattern if route.pattern.startswith("/") else f"/{route.pattern}"
        served: dict[str, Any] = {}
        for view in views[route.name]:
            for verb in _both(allowed, _methods(view["request_methods"])):
                served.setdefault(verb, view)
        for template in parse(spelled):
            for verb in ordered(served):
                function = _function(served[verb])
                file, line = place(function)
                yield Route(
                    verb,
                    template.path,
                    spelled,
                    "pyramid",
                    template.spans,
                    file,
                    line,
                    route.name,
                    type(function).__module__ == "pyramid.static",
                )


def _methods(given: Any) -> set[str] | None:
    """What a `request_method` lets through, None for all; GET lets HEAD through too."""
    if given is None:
        return None
    methods = {given} if isinstance(given, str) else set(given)
    return {method.upper() for method in methods} | ({"HEAD"} if "GET" in methods else set())


def _both(first: set[str] | None, second: set[str] | None) -> set[str]:
    if first is None or second is None:
        return first or second or {ANY}
    return first & second


def _function(view: Any) -> Any:
    function, attribute = view["callable"], view["attr"]
    if inspect.isclass(function) and not attribute:
        attribute = "__call__"
    return getattr(function, attribute, function) if attribute else function
