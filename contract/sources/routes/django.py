"""Routes of a Django project, REST framework included: `--routes django:mysite.settings` walks its URLconf.

The working directory is importable; `django:backend/mysite.settings` names another folder. Nothing is asked of the
database. Class-based views show their methods, REST framework's viewsets their actions, function views what
`require_http_methods` or `api_view` lets through; one without either takes ANY method.
"""

from __future__ import annotations

import importlib
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from contract.core.errors import SourceError
from contract.core.evidence import Route
from contract.core.routing import ANY, mark, parse
from contract.sources.routes._application import bound, imported, ordered, place, quiet, raised
from contract.sources.routes._expression import templates

HINT = "`django:SETTINGS`, the settings' module as in DJANGO_SETTINGS_MODULE: django:mysite.settings"

# What REST framework's `format_suffix_patterns` adds to every pattern: `tasks.json`.
_SUFFIX = re.compile(r"\\\.\(\?P<format>[^)]*\)/\?\$$|<drf_format_suffix\w*:")


@dataclass(frozen=True, slots=True)
class _Prefix:
    """What the includes that lead to a pattern have said."""

    expression: str = ""
    spelled: str = ""
    plain: bool = True
    """False once some part can only be spelled as an expression."""
    names: tuple[str, ...] = ()
    implied: bool = False


def routes(where: str) -> list[Route]:
    """Every pattern of the URLconf, in the order in which it is tried.

    The admin's pages, static files, redirects, viewers of documents, the list of a router's prefixes and the variants
    with a format at the end are implied, and so are OPTIONS and HEAD beside GET. Raises SourceError, naming type, message
    and place of what importing the settings, an application or the URLconf raised.
    """
    folder, module = os.path.split(where)
    if not re.fullmatch(r"\w+(\.\w+)*", module) or module.endswith(".py"):
        raise SourceError(f"`{where}` names no module of settings", HINT)
    if folder and os.path.abspath(folder) not in sys.path:
        sys.path.insert(0, os.path.abspath(folder))
    with quiet():
        resolver = _resolver(where, module)
        try:
            found = list(_walk(resolver.url_patterns, _Prefix()))
        except (Exception, SystemExit) as error:
            raise raised(where, "importing the URLconf", error) from error
    if not found:
        raise SourceError(f"{where}: the URLconf has no pattern", HINT)
    return mark(found)


def _resolver(where: str, module: str) -> Any:
    try:
        django, conf, urls = (importlib.import_module(name) for name in ("django", "django.conf", "django.urls"))
    except ModuleNotFoundError as error:
        raise SourceError(
            f"{where}: Django is not installed here",
            "install contract into the environment of the project, and run it from there",
        ) from error
    settings = conf.settings
    if settings.configured and os.environ.get("DJANGO_SETTINGS_MODULE") != module:
        raise SourceError(
            f"{where}: Django is set up for `{os.environ.get('DJANGO_SETTINGS_MODULE', 'other settings')}` already",
            "one run reads one Django project",
        )
    settings_module = imported(where, module)
    if not hasattr(settings_module, "ROOT_URLCONF"):
        raise SourceError(f"{where}: `{module}` has no ROOT_URLCONF", HINT)
    os.environ["DJANGO_SETTINGS_MODULE"] = module
    try:
        django.setup()
        return urls.get_resolver()
    except (Exception, SystemExit) as error:
        raise raised(where, "setting Django up", error) from error


def _walk(patterns: list[Any], prefix: _Prefix) -> Iterator[Route]:
    for entry in patterns:
        for joined in _joined(prefix, entry.pattern):
            inner = getattr(entry, "url_patterns", None)
            if inner is None:
                yield from _routes(entry, joined)
                continue
            names = (*joined.names, entry.namespace) if entry.namespace else joined.names
            implied = joined.implied or entry.app_name in ("admin", "djdt")
            yield from _walk(inner, _Prefix(joined.expression, joined.spelled, joined.plain, names, implied))


def _joined(prefix: _Prefix, pattern: Any) -> Iterator[_Prefix]:
    """The prefix with one more pattern: a route, a regular expression, or a language."""
    if hasattr(pattern, "prefix_default_language"):
        languages = importlib.import_module("django.conf").settings.LANGUAGES
        codes = "|".join(re.escape(code) for code, _ in languages)
        expression = prefix.expression + f"(?P<language>{codes})/"
        yield _Prefix(expression, "", False, prefix.names, prefix.implied)
        if not pattern.prefix_default_language:
            yield prefix
        return
    own = pattern.regex.pattern
    # Converters of the project's own are known by their expressions only.
    plain = (
        prefix.plain
        and hasattr(pattern, "_route")
        and all(
            type(converter).__module__ == "django.urls.converters"
            for converter in getattr(pattern, "converters", {}).values()
        )
    )
    expression = prefix.expression + re.sub(r"(\$|\\[zZ])$", "", own.removeprefix("^"))
    yield _Prefix(expression, prefix.spelled + str(pattern), plain, prefix.names, prefix.implied)


def _routes(entry: Any, joined: _Prefix) -> Iterator[Route]:
    view = entry.callback
    if joined.plain:
        served = [(template, joined.spelled) for template in parse(joined.spelled)]
    else:
        served = templates(joined.expression)
    handler = getattr(view, "view_class", None) or getattr(view, "cls", None)
    actions = getattr(view, "actions", None)
    name = ":".join([*joined.names, entry.name]) if entry.name else None
    implied = joined.implied or _is_own(view, handler) or _SUFFIX.search(str(entry.pattern)) is not None
    for template, spelled in served:
        for method in _methods(view, handler, actions):
            file, line = place(_answering(view, handler, actions, method))
            yield Route(method, template.path, spelled or "/", "django", template.spans, file, line, name, implied)


def _methods(view: Any, handler: Any, actions: Any) -> list[str]:
    if isinstance(actions, dict):
        kept = {verb for verb in (*actions, "options") if verb in handler.http_method_names}
        return ordered(kept | ({"head"} if "get" in actions and "head" in handler.http_method_names else set()))
    if handler is not None:
        given = getattr(view, "view_initkwargs", None) or {}
        names = given.get("http_method_names", handler.http_method_names)
        has = {verb for verb in names if hasattr(handler, verb)}
        return ordered(has | ({"head"} if "get" in has and "head" in names else set()))
    allowed = _allowed(view)
    return ordered(allowed) if allowed is not None else [ANY]


def _allowed(view: Any) -> list[str] | None:
    """What `require_http_methods` and its shorthands let through: the list that their wrapper closes over."""
    for _ in range(50):
        code = getattr(view, "__code__", None)
        if code is not None and "request_method_list" in code.co_freevars:
            cell = view.__closure__[code.co_freevars.index("request_method_list")]
            return [str(method) for method in cell.cell_contents]
        view = getattr(view, "__wrapped__", None)
        if view is None:
            return None
    return None


def _answering(view: Any, handler: Any, actions: Any, method: str) -> Any:
    if handler is None:
        return view
    if isinstance(actions, dict):
        action = actions.get(method.lower()) or actions.get("get" if method == "HEAD" else "")
        return getattr(handler, action, handler) if action else handler
    function = bound(handler, method)
    if "api_view.<locals>" in getattr(function, "__qualname__", "") and function.__code__.co_freevars == ("func",):
        return function.__closure__[0].cell_contents
    return function


def _is_own(view: Any, handler: Any) -> bool:
    """True for what packages answer for themselves: files, redirects, the document and its viewers, a router's root."""
    if handler is None:
        return getattr(view, "__module__", "") in ("django.views.static", "django.contrib.staticfiles.views")
    kinds = {f"{kind.__module__}.{kind.__name__}" for kind in handler.__mro__}
    return bool(
        kinds & {"django.views.generic.base.RedirectView", "rest_framework.routers.APIRootView"}
    ) or handler.__module__.startswith(("rest_framework.schemas", "drf_spectacular.views", "drf_yasg.views"))
