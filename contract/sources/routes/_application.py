"""What every adapter needs that imports an application: the object behind `module:app`, and where a function stands."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import importlib
import inspect
import io
import os
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import CodeType
from typing import Any

from contract.core.errors import SourceError

VERBS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY")
"""The order in which the methods of one route are told."""


def load(where: str, hint: str, given: Callable[[Any], tuple[Any, ...]] | None = None) -> Any:
    """The object that `module:name` names, or what it returns for `module:name()`; what is printed is swallowed.

    A factory is called with what `given` says of it, else with nothing, and may be a coroutine function. The working directory is importable. Raises
    SourceError, naming type, message and place of what the import raised.
    """
    module_name, colon, attribute = where.partition(":")
    if not colon or not module_name or not attribute:
        raise SourceError(f"`{where}` names no application", hint)
    called = attribute.endswith("()")
    names = attribute.removesuffix("()").split(".")
    with quiet():
        value = imported(where, module_name)
        for name in names:
            if not hasattr(value, name):
                raise SourceError(f"{where}: {described(value)} has no `{name}`", _near(value, name) or hint)
            value = getattr(value, name)
        if called:
            try:
                value = value(*(given(value) if given is not None else ()))
                if inspect.iscoroutine(value):
                    value = asyncio.run(value)
            except (Exception, SystemExit) as error:
                raise raised(where, f"calling `{attribute}`", error) from error
    return value


def imported(where: str, module_name: str) -> Any:
    """The module; SourceError where there is none, or where it raises."""
    try:
        return importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is not None and (module_name + ".").startswith(error.name + "."):
            raise SourceError(
                f"{where}: there is no module `{error.name}`", "run it from the folder that holds the package"
            ) from error
        raise raised(where, f"importing `{module_name}`", error) from error
    except (Exception, SystemExit) as error:
        raise raised(where, f"importing `{module_name}`", error) from error


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Nothing is printed, and the working directory is first on the path.

    It is left there: the application may import more of it later.
    """
    folder, sink = os.getcwd(), io.StringIO()
    if folder not in sys.path and "" not in sys.path:
        sys.path.insert(0, folder)
    importlib.invalidate_caches()
    with contextlib.redirect_stdout(sink), contextlib.redirect_stderr(sink):
        yield


def is_function(where: str, kind: str) -> SourceError:
    """The error for a factory that is named and not called."""
    return SourceError(
        f"{where}: `{where.partition(':')[2]}` is a function", f"a factory is called so: {kind}:{where}()"
    )


def raised(where: str, doing: str, error: BaseException) -> SourceError:
    """What the application's own code raised: type, first line and place, the application's own lines before others'."""
    machinery = ("<frozen", os.path.dirname(importlib.__file__))
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith(machinery)]
    ours = [frame for frame in frames if relative(frame.filename) is not None and not _is_adapter(frame.filename)]
    message = str(error).strip().partition("\n")[0]
    text = f"{where}: {doing} raised {type(error).__name__}" + (f": {message}" if message else "")
    if isinstance(error, SyntaxError) and error.filename:
        return SourceError(
            f"{text.partition(' (')[0]} at {_shown(error.filename)}:{error.lineno}", "mend it and try again"
        )
    if ours or frames:
        last = (ours or frames)[-1]
        if not _is_adapter(last.filename):
            text += f" at {_shown(last.filename)}:{last.lineno}"
    if isinstance(error, ModuleNotFoundError):
        return SourceError(text, "install contract into the environment of the application, and run it from there")
    return SourceError(text, "the application must be importable without its services: set what it reads at import")


def _is_adapter(filename: str) -> bool:
    return os.path.dirname(filename) == os.path.dirname(__file__)


def _shown(filename: str) -> str:
    return relative(filename) or Path(filename).name


def relative(filename: str) -> str | None:
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


def described(value: Any) -> str:
    """An object in words: its module, or its type."""
    return f"module `{value.__name__}`" if inspect.ismodule(value) else f"an object of type {type(value).__name__}"


def ordered(methods: Iterable[str]) -> list[str]:
    """Methods in the order of `VERBS`, each once, in capitals."""
    return sorted(
        {method.upper() for method in methods}, key=lambda verb: (VERBS.index(verb) if verb in VERBS else 99, verb)
    )


def place(endpoint: Any) -> tuple[str | None, int | None]:
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
    shown = relative(file)
    return (shown, line) if shown else (None, None)


def bound(handler: type, method: str) -> Any:
    """The function of a class that answers a method, HEAD by `get` where it has no `head`; the class if it has neither."""
    for name in (method.lower(), "get" if method == "HEAD" else ""):
        function = getattr(handler, name, None) if name else None
        if function is not None:
            return function
    return handler
