"""Routes of a FastAPI or Starlette application: `--routes asgi:app.main:app` imports it and reads its routers.

The working directory is importable. `app.main:create_app()` calls a factory, dots reach into objects:
`app.main:state.api`. Mounted applications are descended into; WebSocket routes are no operations.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import inspect
import io
import os
import sys
import traceback
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import CodeType
from typing import Any

from contract.core.errors import MissingExtra, SourceError
from contract.core.evidence import Route
from contract.core.routing import ANY, mark, parse

HINT = "`asgi:MODULE:APP`, as for uvicorn: asgi:app.main:app, or asgi:app.main:create_app() for a factory"

_VERBS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY")


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
            f"{where}: {_described(app)} shows no routes; FastAPI and Starlette applications do",
            "print them as `METHOD /path` lines and use --routes text:routes.txt",
        )
    prefix = str(getattr(app, "root_path", "") or "").rstrip("/")
    found = list(_walk(listed, prefix, ""))
    if not found:
        raise SourceError(f"{where}: the application has no route", HINT)
    return mark(found)


def _load(where: str) -> Any:
    module_name, colon, attribute = where.partition(":")
    if not colon or not module_name or not attribute:
        raise SourceError(f"`{where}` names no application", HINT)
    called = attribute.endswith("()")
    names = attribute.removesuffix("()").split(".")
    quiet = io.StringIO()
    with _importable(os.getcwd()), contextlib.redirect_stdout(quiet), contextlib.redirect_stderr(quiet):
        try:
            value: Any = importlib.import_module(module_name)
        except ModuleNotFoundError as error:
            if error.name is not None and (module_name + ".").startswith(error.name + "."):
                raise SourceError(
                    f"{where}: there is no module `{error.name}`", "run it from the folder that holds the package"
                ) from error
            raise _raised(where, f"importing `{module_name}`", error) from error
        except (Exception, SystemExit) as error:
            raise _raised(where, f"importing `{module_name}`", error) from error
        for name in names:
            if not hasattr(value, name):
                raise SourceError(f"{where}: {_described(value)} has no `{name}`", _near(value, name) or HINT)
            value = getattr(value, name)
        if called:
            try:
                value = value()
            except (Exception, SystemExit) as error:
                raise _raised(where, f"calling `{attribute}`", error) from error
    if not called and inspect.isfunction(value) and not _takes_scope(value):
        raise SourceError(f"{where}: `{attribute}` is a function", f"a factory is called so: asgi:{where}()")
    return value


@contextlib.contextmanager
def _importable(folder: str) -> Iterator[None]:
    """The folder first on the path, and left there: the application may import more of it later."""
    if folder not in sys.path and "" not in sys.path:
        sys.path.insert(0, folder)
    importlib.invalidate_caches()
    yield


def _raised(where: str, doing: str, error: BaseException) -> SourceError:
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith("<frozen")]
    ours = [frame for frame in frames if _relative(frame.filename) is not None and frame.filename != __file__]
    message = str(error).strip().partition("\n")[0]
    text = f"{where}: {doing} raised {type(error).__name__}" + (f": {message}" if message else "")
    if isinstance(error, SyntaxError) and error.filename:
        return SourceError(
            f"{text.partition(' (')[0]} at {_shown(error.filename)}:{error.lineno}", "mend it and try again"
        )
    if ours or frames:
        last = (ours or frames)[-1]
        if last.filename != __file__:
            text += f" at {_shown(last.filename)}:{last.lineno}"
    return SourceError(text, "the application must be importable without its services: set what it reads at import")


def _shown(filename: str) -> str:
    return _relative(filename) or Path(filename).name


def _relative(filename: str) -> str | None:
    """The path below the working directory; None for what lies elsewhere, or in an environment below it."""
    try:
        inside = Path(filename).resolve().relative_to(Path.cwd().resolve())
    except (ValueError, OSError):
        return None
    return None if "site-packages" in inside.parts else inside.as_posix()


def _near(value: Any, name: str) -> str | None:
    import difflib

    close = difflib.get_close_matches(name, [other for other in dir(value) if not other.startswith("_")], 1)
    return f"did you mean `{close[0]}`?" if close else None


def _described(value: Any) -> str:
    return f"module `{value.__name__}`" if inspect.ismodule(value) else f"an object of type {type(value).__name__}"


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
        methods = {verb for verb in _VERBS if callable(getattr(endpoint, verb.lower(), None))}
        methods |= {"HEAD"} if "GET" in methods else set()
    verbs = sorted(methods, key=lambda verb: (_VERBS.index(verb) if verb in _VERBS else 99, verb)) if methods else [ANY]
    spelled = prefix + route.path
    file, line = _place(endpoint)
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


def _place(endpoint: Any) -> tuple[str | None, int | None]:
    """File, relative to the working directory, and line of the function behind wrappers; None for what lies elsewhere."""
    while isinstance(endpoint, functools.partial):
        endpoint = endpoint.func
    try:
        endpoint = inspect.unwrap(endpoint)
        code = getattr(endpoint, "__code__", None)
        if isinstance(code, CodeType):
            file, line = code.co_filename, code.co_firstlineno
        else:
            target = endpoint if inspect.isclass(endpoint) else type(endpoint)
            file, line = inspect.getsourcefile(target) or "", inspect.getsourcelines(target)[1]
    except (TypeError, OSError, ValueError):
        return None, None
    shown = _relative(file)
    return (shown, line) if shown else (None, None)
