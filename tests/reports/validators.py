"""Validators of other people's making, fetched once into the user's cache: of SARIF from npm, of JUnit from pytest."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from tests import needs

HERE = Path(__file__).parent / "multitool"


def multitool() -> Path:
    """The folder of Microsoft's SARIF Multitool: the program, and the OASIS schema beside it."""
    npm = needs.program("npm", "the SARIF Multitool comes from it")
    lock = (HERE / "package-lock.json").read_bytes()

    def fetch(folder: Path) -> None:
        for name in ("package.json", "package-lock.json"):
            shutil.copyfile(HERE / name, folder / name)
        _run([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"], folder)

    folder = _cached(f"sarif-multitool-{hashlib.sha256(lock).hexdigest()[:16]}", fetch)
    kind = {"darwin": "darwin", "win32": "win32"}.get(sys.platform, "linux")
    return folder / "node_modules" / "@microsoft" / f"sarif-multitool-{kind}"


def junit_schema() -> Path:
    """The schema that pytest holds its own JUnit XML against, which only its source archive has."""
    name = f"pytest-{version('pytest')}"

    def fetch(folder: Path) -> None:
        wanted = ["--no-deps", "--no-binary", "pytest", f"pytest=={version('pytest')}", "--dest", str(folder)]
        _run([sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet", *wanted], folder)
        with tarfile.open(folder / f"{name}.tar.gz") as archive:
            member = archive.extractfile(f"{name}/testing/example_scripts/junit-10.xsd")
            assert member is not None
            (folder / "junit-10.xsd").write_bytes(member.read())

    return _cached(name, fetch) / "junit-10.xsd"


def _run(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        needs.missing(f"{' '.join(command[:4])}: {(done.stderr.strip() or done.stdout.strip())[-300:]}")


def _cached(name: str, fetch: Callable[[Path], None]) -> Path:
    """The folder of this name in the cache, filled once; whoever is second takes what the first one made."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "contract"
    target = home / name
    if not target.is_dir():
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{name}-", dir=home) as outer:
            scratch = Path(outer) / "fetched"
            scratch.mkdir()
            fetch(scratch)
            try:
                scratch.rename(target)
            except OSError:
                assert target.is_dir()
    return target
