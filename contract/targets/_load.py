"""The application that `MODULE:APP` names, and an exception in one line."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import sysconfig
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any

from contract.core.errors import ConfigError, TargetError


def load(kind: str, where: str) -> Any:
    """The application that `MODULE:APP` names: `shop.main:app`, `shop.main:api.app`, `shop.main:create_app()`.

    Raises TargetError that names what the import or the factory raised, and the line of the user's code.
    """
    module_name, colon, attribute = where.partition(":")
    if not colon or not module_name or not attribute:
        raise ConfigError(
            f"{kind}:{where}: expected {kind}:MODULE:APP",
            f"for example {kind}:shop.main:app, or {kind}:shop.main:create_app()",
        )
    module = _import(kind, where, module_name)
    found: Any = module
    call = attribute.endswith("()")
    for part in attribute.removesuffix("()").split("."):
        try:
            found = getattr(found, part)
        except AttributeError as error:
            raise TargetError(
                f"{kind}:{where}: `{module_name}` has no `{attribute.removesuffix('()')}`", _near(module, part)
            ) from error
    if call:
        try:
            found = found()
        except (Exception, SystemExit) as error:
            raise TargetError(f"{kind}:{where}: calling `{attribute}` raised {told(error)}") from error
    if not callable(found):
        raise TargetError(f"{kind}:{where}: `{attribute}` is a {type(found).__name__}, not an application")
    return found


def _import(kind: str, where: str, module_name: str) -> ModuleType:
    folder = os.getcwd()
    if folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        return importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is not None and (module_name == error.name or module_name.startswith(error.name + ".")):
            raise TargetError(
                f"{kind}:{where}: there is no module `{error.name}`",
                f"run it from the folder that holds `{error.name}`, or set PYTHONPATH",
            ) from error
        raise TargetError(f"{kind}:{where}: importing `{module_name}` raised {told(error)}") from error
    except (Exception, SystemExit) as error:
        raise TargetError(f"{kind}:{where}: importing `{module_name}` raised {told(error)}") from error


def _near(module: ModuleType, name: str) -> str | None:
    from difflib import get_close_matches

    near = get_close_matches(name, [known for known in vars(module) if not known.startswith("_")], n=1)
    return f"did you mean `{near[0]}`?" if near else None


def told(error: BaseException) -> str:
    """An exception in one line, with the place in the user's code that it came from: `KeyError: 'id' (app.py:12)`."""
    text = str(error).strip().split("\n")[0]
    place = _place(error)
    name = type(error).__name__
    return f"{name}: {text}{place}" if text else f"{name}{place}"


def _place(error: BaseException) -> str:
    """` (file:line)` of the innermost frame that is neither the standard library's nor an installed package's."""
    if isinstance(error, SyntaxError) and error.filename:
        return f" ({_shown(error.filename)}:{error.lineno})"
    ours = str(Path(__file__).parent)
    installed = {*sysconfig.get_paths().values(), ours}
    inner = None
    for frame in traceback.extract_tb(error.__traceback__):
        if not frame.filename.startswith("<") and not any(frame.filename.startswith(path) for path in installed):
            inner = frame
    return f" ({_shown(inner.filename)}:{inner.lineno})" if inner else ""


def _shown(file: str) -> str:
    with contextlib.suppress(ValueError):
        return str(Path(file).relative_to(Path.cwd()))
    return file
