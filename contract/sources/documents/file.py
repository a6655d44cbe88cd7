"""The declared document from files: YAML or JSON, one or many, OpenAPI 3.0 to 3.2 or Swagger 2.0."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import unquote

from contract.core.dialect import Tokens, from_swagger
from contract.core.document import Document, Location, Problem, pointer, split, unescape
from contract.core.errors import DocumentError
from contract.core.finding import fold
from contract.sources.documents import _json, _yaml
from contract.sources.documents._bundle import URL, Bundle, Fail, File, bundle
from contract.sources.documents._text import Text, TextError, Tree

_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace", "query")


def load(
    path: str | Path,
    *,
    root: Path | None = None,
    allow: Sequence[str] = (),
    unsaved: Mapping[str, bytes] = MappingProxyType({}),
) -> Document:
    """The description that begins in the file at `path`, with all files that it refers to.

    Those must lie below `root`: by default the git repository that holds the document, else the current directory if
    the document lies below it, else the document's own folder. `allow` names further files or folders, where `*` is
    all of them, and beginnings of URLs; from the network comes only what one of those names. `unsaved` holds the bytes
    that count instead of those of a file, by its path as `Document.files` has it.
    """
    if _url(str(path)):
        name = str(path).partition("?")[0].rstrip("/").rpartition("/")[2]
        raise DocumentError(
            f"{path}: a document is read from a file, not from a URL", f"save it: `curl -fsSLo {name} {path}`"
        )
    start = os.path.abspath(path)
    shown = _shown(start)
    main = _open(start, shown, lambda message, hint: DocumentError(f"{shown}: {message}", hint), unsaved)
    version, family = _version(main)
    urls = [entry for entry in allow if _url(entry)]
    folders = [entry for entry in allow if not _url(entry)]
    allowed = [os.path.realpath(root or _project(Path(start))), *(os.path.realpath(entry) for entry in folders)]

    def open_file(wanted: str, fail: Fail) -> File:
        if URL.match(wanted):
            from contract.sources.documents._fetch import fetched

            return _parsed(wanted, wanted, fetched(wanted, urls, fail))
        real = os.path.realpath(wanted)
        if "*" not in folders and not any(_below(real, folder) for folder in allowed):
            raise fail(
                f"{_shown(real)} is outside of the project",
                f"move it into {_named(allowed[0])}, or allow it: `--allow-ref {_shown(real)}`",
            )
        return _open(wanted, _shown(wanted), fail, unsaved)

    bundled = bundle(main, family == "2.0", open_file)
    return _document(main, bundled, version, family)


def _document(main: File, bundled: Bundle, version: str, family: str) -> Document:
    converted = from_swagger(bundled.value) if family == "2.0" else None
    value: Mapping[str, Any] = bundled.value if converted is None else converted.value

    def source(reference: str) -> tuple[File, Tokens]:
        tokens = _followed(value, split(reference))
        return bundled.origin(tokens if converted is None else converted.back(tokens))

    def locate(reference: str) -> Location:
        file, tokens = source(reference)
        return Location(file.shown, *file.tree.position(tokens))

    def origin(reference: str) -> tuple[str, str]:
        file, tokens = source(reference)
        while _walked(file.tree.value, tokens)[0] is _NOWHERE:
            tokens = tokens[:-1]
        return file.shown, pointer(*tokens)

    @cache
    def found() -> tuple[Problem, ...]:
        from contract.sources.documents._metaschema import refusals

        problems = [
            Problem(pointer(*(at if converted is None else converted.forth(at))), message)
            for at, message in refusals(bundled.value, family)
        ]
        return (*problems, *_same_operations(value, locate))

    return Document(
        path=main.shown,
        version=version,
        value=value,
        sha256=_digest(bundled.files),
        locate=locate,
        origin=origin,
        problems=lambda: list(found()),
        files=tuple((file.path, file.sha256) for file in bundled.files),
    )


def _same_operations(value: Mapping[str, Any], locate: Callable[[str], Location]) -> list[Problem]:
    """Operations whose templates differ in the names of their parameters only: to a client they are one.

    The standard forbids them (OpenAPI 3.1, 4.8.8.2), large services publish them; so they are told, and not refused.
    """
    paths = value.get("paths")
    seen: dict[str, tuple[str, str]] = {}
    problems = []
    for path, item in paths.items() if isinstance(paths, dict) else ():
        if "{" not in path or not isinstance(item, dict):
            continue
        for method in _METHODS:
            if method not in item:
                continue
            name = f"{method.upper()} {path}"
            here = pointer("paths", path, method)
            first, there = seen.setdefault(fold(name), (name, here))
            if first != name:
                line = locate(there).line
                problems.append(
                    Problem(here, f"`{name}` is the same operation as `{first}` in line {line}: a request fits both")
                )
    return problems


def _followed(value: Mapping[str, Any], tokens: Tokens) -> Tokens:
    """The pointer without the references that it goes through: what stands behind them is what it means."""
    node: Any = value
    at: Tokens = ()
    for index, token in enumerate(tokens):
        hops = 0
        while (step := _step(node, token)) is None and isinstance(node, dict) and hops < 100:
            reference = node.get("$ref")
            if not isinstance(reference, str):
                break
            hops += 1
            node, at = _walked(value, split(reference))
        if step is None:
            return at + tokens[index:]
        name, node = step
        at = (*at, name)
    return at


def _walked(value: Any, tokens: Tokens) -> tuple[Any, Tokens]:
    """What stands at the pointer, and the pointer without percent-encoding; `_NOWHERE` if nothing does."""
    names: list[str] = []
    for token in tokens:
        step = _step(value, token)
        if step is None:
            return _NOWHERE, tokens
        name, value = step
        names.append(name)
    return value, tuple(names)


def _step(node: Any, token: str) -> tuple[str, Any] | None:
    """The name and the child that a reference token means, percent-encoded or not (RFC 6901, 6)."""
    if isinstance(node, dict):
        for name in (token, unescape(unquote(token))):
            if name in node:
                return name, node[name]
    elif isinstance(node, list) and token.isascii() and token.isdigit() and int(token) < len(node):
        return token, node[int(token)]
    return None


_NOWHERE = object()


# --- files


def _open(path: str, shown: str, fail: Fail, unsaved: Mapping[str, bytes]) -> File:
    try:
        raw = unsaved[path] if path in unsaved else Path(path).read_bytes()
    except FileNotFoundError:
        raise fail(*_missing(path, shown)) from None
    except IsADirectoryError:
        raise fail("a folder, and a file is needed", None) from None
    except OSError as error:
        raise fail(f"cannot be read: {error.strerror}", None) from None
    return _parsed(path, shown, raw)


def _parsed(path: str, shown: str, raw: bytes) -> File:
    try:
        text = Text(raw)
        return File(path, shown, text, _read(text, path), sha256(raw).hexdigest())
    except TextError as error:
        where = f":{error.where[0]}:{error.where[1]}" if error.where else ""
        raise DocumentError(f"{shown}{where}: {error.message}", error.hint) from None


def _missing(path: str, shown: str) -> tuple[str, str | None]:
    import difflib

    folder, name = os.path.split(path)
    names = os.listdir(folder) if os.path.isdir(folder) else []
    # A common ending would make all names look alike.
    stems = {entry.rpartition(".")[0] or entry: entry for entry in sorted(names)}
    near = difflib.get_close_matches(name.rpartition(".")[0] or name, stems, 1)
    guess = f". Did you mean '{stems[near[0]]}'?" if near else ""
    return f"no such file{guess}", None


def _url(text: str) -> bool:
    return text.lower().startswith(("http://", "https://"))


def _read(text: Text, path: str) -> Tree:
    if not text.data.strip():
        raise TextError("the file is empty")
    if text.data.lstrip()[:1] in (b"{", b"["):
        try:
            return _json.read(text)
        except TextError as error:
            # YAML's flow style begins in the same way; of a `.json` file JSON's own words are the better ones.
            if path.endswith(".json") or "not valid JSON" not in error.message:
                raise
    return _yaml.read(text)


def _digest(files: Sequence[File]) -> str:
    """Of the bytes that were read, without a byte order mark; of several files a hash over theirs, in order of name."""
    if len(files) == 1:
        return sha256(files[0].text.data).hexdigest()
    whole = sha256()
    for file in sorted(files, key=lambda file: file.path):
        whole.update(sha256(file.text.data).digest())
    return whole.hexdigest()


def _shown(path: str) -> str:
    here = os.getcwd()
    return Path(os.path.relpath(path, here) if _below(path, here) else path).as_posix()


def _named(folder: str) -> str:
    return "the current directory" if folder == os.path.realpath(os.getcwd()) else _shown(folder)


def _below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def _project(document: Path) -> Path:
    for folder in document.parents:
        if (folder / ".git").exists():
            return folder
    here = Path.cwd()
    return here if here in document.parents else document.parent


# --- versions


def _version(main: File) -> tuple[str, str]:
    """The version as declared, and its family."""
    value = main.tree.value
    if not isinstance(value, dict):
        kinds = {list: "a list", str: "a text", bool: "a boolean", type(None): "empty"}
        raise main.fail(
            (), f"the top level is {kinds.get(type(value), 'a number')}, and an OpenAPI document is a mapping"
        )
    key = "openapi" if "openapi" in value else "swagger"
    if key not in value:
        raise main.fail(
            (),
            f"neither `openapi` nor `swagger` says which version it is{_looks_like(value)}",
            "begin with `openapi: 3.1.0`",
        )
    if not isinstance(value[key], (str, float)):
        raise main.fail((key,), f"`{key}` is no version", "write for instance `openapi: 3.1.0`")
    version = str(value[key])
    found = re.match(r"(\d+)\.(\d+)(\.|$)", version)
    family = f"{found[1]}.{found[2]}" if found else version
    if family not in (("3.0", "3.1", "3.2") if key == "openapi" else ("2.0",)):
        raise main.fail((key,), f"`{key}: {version}` is not supported; OpenAPI 3.0, 3.1, 3.2 and Swagger 2.0 are")
    return version, family


def _looks_like(value: Mapping[str, Any]) -> str:
    """`; it looks like …` where what the file is can be told by its keys."""
    info = value.get("info")
    log = value.get("log")
    looks = [
        ("an AsyncAPI document", "asyncapi" in value),
        (
            "a Postman collection",
            (isinstance(info, dict) and "_postman_id" in info) or ("item" in value and "info" in value),
        ),
        ("a HAR capture", isinstance(log, dict) and "entries" in log),
        ("an Overlay", "overlay" in value),
        ("an Arazzo document", "arazzo" in value),
        ("a JSON Schema", "$schema" in value or "$defs" in value or ("properties" in value and "type" in value)),
        ("a Compose file", "services" in value),
        ("a Kubernetes object", "apiVersion" in value and "kind" in value),
        ("a part of a document, which its main file refers to", "paths" in value or "components" in value),
    ]
    for name, holds in looks:
        if holds:
            return f"; it looks like {name}"
    return ""
