"""The config file: where it is, what stands in it, and on which line."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contract.app.keys import BY_PATH, OLD_NAMES, TABLES, Key, nearest
from contract.app.values import Map, Place, Unknown, Unset
from contract.core.errors import ConfigError

SERVICE = "service"
"""The table of `contract serve`, which `app/service/config.py` reads."""
SERVICE_SCHEMA: dict[str, Any] = {
    "description": "what `contract serve` is told",
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "host": {"type": "string", "description": "where it listens (default: 127.0.0.1)"},
        "port": {
            "type": "integer",
            "minimum": 0,
            "maximum": 65535,
            "description": "0 takes a free one (default: 8080)",
        },
        "database": {
            "type": "string",
            "description": "`sqlite:///FILE` or `postgresql+pg8000://…` (default: sqlite:///contract.db)",
        },
        "rate": {
            "type": "integer",
            "minimum": 1,
            "maximum": 1_000_000,
            "description": "requests in a minute of one token, or of one address without a token (default: 600)",
        },
        "burst": {
            "type": "integer",
            "minimum": 1,
            "maximum": 1_000_000,
            "description": "the same at once (default: 120)",
        },
        "max_body_bytes": {
            "type": "integer",
            "minimum": 1024,
            "maximum": 2**31,
            "description": "of a report (default: 33554432)",
        },
        "max_body_s": {
            "type": "integer",
            "minimum": 1,
            "maximum": 3600,
            "description": "seconds in which a body must be there as a whole (default: 60)",
        },
        "max_check_s": {
            "type": "integer",
            "minimum": 1,
            "maximum": 604_800,
            "description": "seconds that a check of the service's own may take (default: 3600)",
        },
        "checks_at_once": {
            "type": "integer",
            "minimum": 1,
            "maximum": 64,
            "description": "checks that run at the same time, each of another project (default: 2)",
        },
        "keep_days": {
            "type": "integer",
            "minimum": 0,
            "maximum": 36_500,
            "description": "days that reports are kept whole; 0 for good (default: 0)",
        },
        "secure_cookies": {"type": "boolean", "description": "behind TLS: cookies go over https only (default: false)"},
        "projects": {
            "description": "by project the check that the service may run",
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "additionalProperties": False,
                "required": ["config"],
                "properties": {"config": {"type": "string", "description": "contract.toml of the check"}},
            },
        },
    },
}


def missing_variable(name: str, error: Unset) -> ConfigError:
    return ConfigError(
        f"{name}: the environment has no variable `{error}`", f"set it, or take `${{{error}}}` out: `export {error}=…`"
    )


@dataclass(frozen=True)
class File:
    """A config file, read; `prefix` is `("tool", "contract")` in pyproject.toml."""

    path: Path
    shown: str
    text: str
    table: Mapping[str, Any]
    prefix: tuple[str, ...]

    def at(self, *path: str) -> str:
        """`contract.toml:7`: where the key stands, or the nearest one that holds it."""
        lines = _lines(self.text)
        whole = (*self.prefix, *path)
        while whole and whole not in lines:
            whole = whole[:-1]
        return f"{self.shown}:{lines.get(whole, 1)}"

    def read(self, cwd: Path, environ: Mapping[str, str]) -> Iterator[tuple[Key, Any, str]]:
        place = Place(self.path.parent, cwd, environ)
        for path, raw in self._leaves():
            key = BY_PATH[OLD_NAMES.get(path[0], ".".join(path))]
            name = f"`{path[-1]}`" + (f" in [{'.'.join(path[:-1])}]" if len(path) > 1 else "")
            try:
                yield key, key.kind.toml(raw, place), self.at(*path)
            except Unset as error:
                inner = self._culprit(path, raw, error)
                raise missing_variable(inner, error) from None
            except Unknown as error:
                raise self._unknown((*path, error.key), error.known) from None
            except ValueError as error:
                raise ConfigError(f"{self._where(path, key, raw, place)}: {name} must be {error}") from None

    def _leaves(self) -> Iterator[tuple[tuple[str, ...], Any]]:
        for name, value in self.table.items():
            if name in OLD_NAMES and OLD_NAMES[name] in self.table:
                raise ConfigError(
                    f"{self.at(name)}: `{name}` is the old name of `{OLD_NAMES[name]}`, and both are here",
                    f"put what it says under [{OLD_NAMES[name]}]",
                )
            if name in BY_PATH or name in OLD_NAMES:
                yield (name,), value
            elif name in TABLES:
                if not isinstance(value, dict):
                    raise ConfigError(f"{self.at(name)}: `{name}` must be a table: [{name}]")
                for inner, raw in value.items():
                    if f"{name}.{inner}" not in BY_PATH:
                        known = [path.partition(".")[2] for path in BY_PATH if path.startswith(f"{name}.")]
                        raise self._unknown((name, inner), known)
                    yield (name, inner), raw
            elif name != SERVICE:
                raise self._unknown((name,), [*BY_PATH, *TABLES, SERVICE])

    def _unknown(self, path: tuple[str, ...], known: Sequence[str]) -> ConfigError:
        plain = {candidate.rpartition(".")[2]: candidate for candidate in known}
        guess = nearest(path[-1], list(plain))
        table = f" in [{'.'.join(path[:-1])}]" if len(path) > 1 else ""
        message = f"{self.at(*path)}: unknown key `{path[-1]}`{table}"
        if guess is None:
            return ConfigError(message, "known: " + ", ".join(sorted(plain)))
        where = plain[guess].rpartition(".")[0]
        return ConfigError(f"{message}. Did you mean `{guess}`{f' in [{where}]' if where else ''}?")

    def _where(self, path: tuple[str, ...], key: Key, raw: Any, place: Place) -> str:
        """The line of the entry of a table that is wrong, where there is one."""
        if isinstance(raw, dict) and isinstance(key.kind, Map):
            for name, value in raw.items():
                try:
                    key.kind.toml({name: value}, place)
                except ValueError:
                    return self.at(*path, name)
        return self.at(*path)

    def _culprit(self, path: tuple[str, ...], raw: Any, error: Unset) -> str:
        for name, value in raw.items() if isinstance(raw, dict) else ():
            if isinstance(value, str) and f"${{{error}}}" in value:
                return self.at(*path, name)
        return self.at(*path)


def git_root(cwd: Path) -> Path | None:
    return next((folder for folder in (cwd, *cwd.parents) if (folder / ".git").exists()), None)


def find(named: str | None, cwd: Path) -> File | None:
    """The file that was named, else the nearest one from `cwd` up to the git root."""
    if named is not None:
        found = _open(cwd / named, cwd)
        if found is None:
            raise ConfigError(f"{named}: no [tool.contract] in it", "contract.toml needs no such table")
        return found
    top = git_root(cwd) or cwd
    for folder in (cwd, *cwd.parents):
        for name in ("contract.toml", "pyproject.toml"):
            if (folder / name).is_file() and (found := _open(folder / name, cwd)) is not None:
                return found
        if folder == top:
            return None
    return None


def _open(path: Path, cwd: Path) -> File | None:
    import tomllib

    shown = os.path.relpath(path, cwd)
    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{shown}: not UTF-8 (byte {error.start})") from error
    except OSError as error:
        raise ConfigError(f"{shown}: {(error.strerror or str(error)).lower()}") from error
    if path.name == "pyproject.toml" and "contract" not in text:
        return None
    try:
        table: Any = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        match = re.fullmatch(r"(.*) \(at line (\d+), column (\d+)\)", str(error), re.DOTALL)
        where = f"{shown}:{match[2]}:{match[3]}" if match else shown
        raise ConfigError(f"{where}: not TOML: {match[1] if match else error}") from None
    if path.name != "pyproject.toml":
        return File(path, shown, text, table, ())
    table = table.get("tool", {}).get("contract")
    return None if table is None else File(path, shown, text, table, ("tool", "contract"))


def _lines(text: str) -> dict[tuple[str, ...], int]:
    """The line of each key and table of a TOML text that is known to be right, by its whole path.

    tomllib keeps no positions. Only lines that begin a key or a table count; what stands inside a text of several
    lines, or inside an inline table, is found at the key that holds it.
    """
    lines: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    quote: str | None = None
    for number, line in enumerate(text.splitlines(), 1):
        if quote is not None:
            if quote in line:
                quote = None
            continue
        if match := re.match(r"\s*\[\[?\s*([^\[\]]+?)\s*\]\]?\s*(#.*)?$", line):
            table = _dotted(match[1])
            lines.setdefault(table, number)
        elif match := re.match(r"""\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=""", line):
            path = (*table, *_dotted(match[1]))
            for length in range(len(table) + 1, len(path) + 1):
                lines.setdefault(path[:length], number)
        for mark in ('"""', "'''"):
            if line.count(mark) % 2:
                quote = mark
    return lines


def _dotted(text: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in re.findall(r'"[^"]*"|\'[^\']*\'|[^."\']+', text))
