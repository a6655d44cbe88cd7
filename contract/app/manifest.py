"""`generated/manifest.json`: what the generated code beside it was made from, what it holds, and how much is proven."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from json.encoder import encode_basestring_ascii
from pathlib import Path
from typing import Any

import orjson

from contract.app import outputs
from contract.core.errors import ConfigError, SourceError
from contract.core.generated import Symbol
from contract.core.report import GenerationFailure, Ratio

NAME = "manifest.json"
FORMAT = 1
"""Of the manifest and of the canonical document; another one means that nothing is believed."""
MISSING = "missing"
"""What a generator says of a tool that is not installed: nobody can say whether it changed."""


@dataclass(frozen=True, slots=True)
class Held:
    """One target as it was made last."""

    folder: str
    document: str
    """Hash of the canonical document."""
    roots: tuple[str, ...]
    """The documents that were named, relative to the manifest."""
    files: Mapping[str, str]
    """Each file or URL of the document with the hash of its bytes."""
    tools: Mapping[str, str]
    options: Mapping[str, str]
    outputs: Mapping[str, str]
    """Each file of the target with its hash."""
    operations: Ratio
    components: Ratio
    failures: tuple[GenerationFailure, ...] = ()
    notes: tuple[str, ...] = ()
    symbols: tuple[Symbol, ...] = ()

    def same_but_text(self, other: Held) -> bool:
        """True if at most the way in which the document is written differs, or what is noted.

        Notes may count what was tried, which is less in a small run than in a full one.
        """
        if (self.document, self.roots) != (other.document, other.roots):
            return False
        return _entry(replace(self, files={}, notes=())) == _entry(replace(other, files={}, notes=()))


@dataclass(frozen=True, slots=True)
class Manifest:
    """The targets by name; `intact` is False if somebody else than `contract` wrote it last."""

    targets: Mapping[str, Held] = field(default_factory=dict)
    intact: bool = True
    exists: bool = False


def path_of(folder: Path) -> Path:
    """The manifest of a target's folder: beside it, shared by those that lie side by side."""
    return Path(os.path.abspath(folder)).parent / NAME


def read(path: Path) -> Manifest:
    """The manifest, an empty one if there is none; SourceError if another program's file has its name."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return Manifest()
    except OSError as error:
        raise SourceError(f"{path}: cannot be read: {(error.strerror or str(error)).lower()}") from error
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        if b'"contract"' in data[:200]:  # ours, and cut short or left in the middle of a merge
            return Manifest(intact=False, exists=True)
        raise _foreign(path) from None
    if not isinstance(value, dict) or "contract" not in value:
        raise _foreign(path)
    if value["contract"] != FORMAT:
        return Manifest(intact=False, exists=True)
    said = value.pop("digest", None)
    intact = said == _digest(value)
    try:
        return Manifest({name: _held(entry) for name, entry in value["targets"].items()}, intact, True)
    except (KeyError, TypeError, AttributeError, ValueError):
        return Manifest(intact=False, exists=True)


def write(path: Path, targets: Mapping[str, Held]) -> bool:
    """Writes the manifest, in one step and only if its bytes differ; whether they did."""
    value = {"contract": FORMAT, "targets": {name: _entry(held) for name, held in sorted(targets.items())}}
    text = _text(value, _digest(value))
    if path.is_file() and path.read_bytes() == text:
        return False
    try:
        outputs.write_bytes(path, text)
    except ConfigError as error:
        raise SourceError(error.message, error.hint) from error
    return True


def file_hash(path: Path) -> str | None:
    """Of a file's bytes, line endings aside; None if it is not there."""
    try:
        data = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None
    return hashlib.sha256(data.replace(b"\r\n", b"\n")).hexdigest()


def same_text(held: Held, base: Path) -> bool:
    """True if the document's files have the bytes that they had; False where one comes from the network."""
    for name, digest in held.files.items():
        if "://" in name:
            return False
        try:
            data = (base / name).read_bytes()
        except OSError:
            return False
        if hashlib.sha256(data).hexdigest() != digest:
            return False
    return bool(held.files)


def relative(path: str | Path, base: Path) -> str:
    """A path as the manifest in `base` names it; a URL stays one."""
    text = str(path)
    return text if "://" in text else Path(os.path.relpath(text, base)).as_posix()


def _foreign(path: Path) -> SourceError:
    return SourceError(
        f"{path}: stands where the manifest of the generated code goes, and is none",
        "give the code a folder of its own: `--python generated/python`",
    )


def _digest(value: Any) -> str:
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _entry(held: Held) -> dict[str, Any]:
    return {
        "folder": held.folder,
        "document": {"sha256": held.document, "roots": list(held.roots), "files": dict(held.files)},
        "tools": dict(held.tools),
        "options": dict(held.options),
        "outputs": dict(held.outputs),
        "operations": [held.operations.part, held.operations.whole],
        "components": [held.components.part, held.components.whole],
        "failures": [[one.kind, one.pointer, one.step, one.reason] for one in held.failures],
        "notes": list(held.notes),
        "symbols": _by_file(held.symbols),
    }


def _by_file(symbols: Iterable[Symbol]) -> dict[str, dict[str, Any]]:
    out: dict[str, dict[str, Any]] = {}
    for one in sorted(symbols, key=lambda one: (one.file, one.name, one.kind, one.pointer)):
        entry: dict[str, Any] = {"pointer": one.pointer, "kind": one.kind}
        if one.direction:
            entry["direction"] = one.direction
        if one.members:
            entry["members"] = dict(sorted(one.members.items()))
        if one.required:
            entry["required"] = sorted(one.required)
        held = out.setdefault(one.file, {})
        key = one.name
        if key in held:  # a method that two classes have: the pointer tells them apart
            key, entry = f"{one.name} {one.pointer}", {"name": one.name, **entry}
        held[key] = entry
    return out


def _symbols(files: Mapping[str, Mapping[str, Any]]) -> Iterator[Symbol]:
    for file, names in files.items():
        for key, entry in names.items():
            yield Symbol(
                entry.get("name", key),
                entry["kind"],
                entry["pointer"],
                file,
                entry.get("direction", ""),
                entry.get("members", {}),
                frozenset(entry.get("required", ())),
            )


def _held(entry: Mapping[str, Any]) -> Held:
    document = entry["document"]
    return Held(
        folder=entry["folder"],
        document=document["sha256"],
        roots=tuple(document["roots"]),
        files=document["files"],
        tools=entry["tools"],
        options=entry["options"],
        outputs=entry["outputs"],
        operations=Ratio(*entry["operations"]),
        components=Ratio(*entry["components"]),
        failures=tuple(GenerationFailure(*each) for each in entry["failures"]),
        notes=tuple(entry["notes"]),
        symbols=tuple(_symbols(entry["symbols"])),
    )


_WIDTH = 100


def _text(value: Mapping[str, Any], digest: str) -> bytes:
    """JSON with what is short on a line of its own, so that a change of the contract shows as the lines that it is."""
    return (_lines({**value, "digest": digest}, 0)[0] + "\n").encode("utf-8", "surrogatepass")


def _lines(value: Any, depth: int) -> tuple[str, bool]:
    """The text, and whether it may stand on one line with what is around it."""
    if isinstance(value, str):
        return encode_basestring_ascii(value), True
    if not isinstance(value, (dict, list)) or not value:
        return json.dumps(value), True
    below = [_lines(child, depth + 1) for child in (value.values() if isinstance(value, dict) else value)]
    rows = [text for text, _ in below]
    start, end = "[]"
    if isinstance(value, dict):
        start, end = "{}"
        rows = [f"{encode_basestring_ascii(key)}: {row}" for key, row in zip(value, rows, strict=True)]
    if all(short for _, short in below):
        flat = f"{start}{', '.join(rows)}{end}"
        if len(flat) + depth <= _WIDTH:
            return flat, True
    inside = "\n" + " " * (depth + 1)
    return f"{start}{inside}{f',{inside}'.join(rows)}{inside[:-1]}{end}", False
