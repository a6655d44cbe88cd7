"""The frameworks for Node of `node/package-lock.json`, installed once into the user's cache."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from contract.core.errors import MissingExtra
from contract.generators._typescript import node
from tests import needs

HERE = Path(__file__).parent / "node"


def modules() -> Path:
    """The folder `node_modules`; the test is left out, and in CI fails, where it cannot be filled."""
    lock = hashlib.sha256((HERE / "package-lock.json").read_bytes()).hexdigest()[:16]
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "contract"
    target = home / f"route-sources-{lock}"
    if not target.is_dir():
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=home) as outer:
            scratch = Path(outer) / "fetched"
            shutil.copytree(HERE, scratch)
            _install(scratch)
            try:
                scratch.rename(target)
            except OSError:
                assert target.is_dir()  # another run was first
    return target / "node_modules"


def _install(folder: Path) -> None:
    try:
        program, npm = node.node()
    except MissingExtra as error:
        needs.missing(str(error))
        raise AssertionError from error
    command = [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"]
    environment = {**os.environ, "PATH": f"{program.parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        needs.missing(f"the frameworks for Node: {(done.stderr.strip() or done.stdout.strip())[-300:]}")


def linked(folder: Path, **names: str) -> None:
    """Makes packages of the cache the project's own: `express="express4"` is Express 4."""
    (folder / "node_modules").mkdir()
    for name, package in names.items():
        (folder / "node_modules" / name).symlink_to(modules() / package)
