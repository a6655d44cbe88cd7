"""Where reports go: known before the run starts, and written whole or not at all."""

from __future__ import annotations

import importlib
import importlib.util
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from contract.core.errors import ConfigError

_GROUP = "contract.reports"


def format_names() -> list[str]:
    """The names that `--format` takes: one per file of `contract/reports/`, and those of installed plug-ins."""
    import pkgutil
    from importlib.metadata import entry_points

    package: Any = importlib.import_module("contract.reports")
    built_in = [info.name for info in pkgutil.iter_modules(package.__path__) if not info.name.startswith("_")]
    return sorted({*built_in, *(entry.name for entry in entry_points(group=_GROUP))})


def renderer(name: str) -> Any:
    """The module (or object) whose `render` makes this format; raises ConfigError with the nearest name if there is none."""
    if name.isidentifier() and not name.startswith("_") and importlib.util.find_spec(f"contract.reports.{name}"):
        return importlib.import_module(f"contract.reports.{name}")
    from importlib.metadata import entry_points

    for entry in entry_points(group=_GROUP, name=name):
        return entry.load()
    from contract.app.keys import nearest

    known = format_names()
    guess = nearest(name, known)
    if guess is not None:
        raise ConfigError(f"there is no format `{name}`. Did you mean `{guess}`?")
    raise ConfigError(f"there is no format `{name}`", "choose from: " + ", ".join(known))


def probe(paths: Iterable[Path]) -> None:
    """Raises ConfigError for the first path that cannot be written, and leaves nothing behind.

    It tries, as permissions alone do not tell: the super-user passes every check, and a file system may be read-only.
    """
    for path in paths:
        if path.is_dir():
            raise ConfigError(f"{path}: is a folder; a report needs the path of a file")
        if path.exists() and not path.is_file():  # /dev/stderr, a named pipe: written in place
            if not os.access(path, os.W_OK):
                raise ConfigError(f"{path}: cannot be written")
            continue
        folder = next(parent for parent in path.absolute().parents if parent.exists() or parent.is_symlink())
        try:
            with tempfile.TemporaryFile(dir=folder, prefix=".contract-"):
                pass
        except OSError as error:
            raise ConfigError(f"{path}: cannot be written: {(error.strerror or str(error)).lower()}") from error


def write(path: Path, text: str) -> None:
    """Puts the text in place of what was there, in one step, so that nobody ever reads half of it."""
    write_bytes(path, text.encode("utf-8", "backslashreplace"))


def write_bytes(path: Path, data: bytes) -> None:
    """The same for what is no text."""
    try:
        if path.exists() and not path.is_file():
            path.write_bytes(data)
            return
        target = path.resolve()  # a symbolic link stays one
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=".contract-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            # mkstemp makes private files; a report has the rights that any new file would have, or those it had.
            Path(temporary).chmod(target.stat().st_mode & 0o7777 if target.exists() else 0o666 & ~_umask())
            Path(temporary).replace(target)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {(error.strerror or str(error)).lower()}") from error


def keep(folder: Path) -> None:
    """The folder of the last run's reports, which no version control should see."""
    folder.mkdir(parents=True, exist_ok=True)
    ignore = folder / ".gitignore"
    if not ignore.exists():
        write(ignore, "# Made by contract: the reports of the last run.\n*\n")


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
