"""The files of a project, as many as can be looked at in a moment, and their text."""

from __future__ import annotations

import os
import stat
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

MOST_FILES = 20_000
DEEPEST = 8
LARGEST_BYTES = 2_000_000
LEFT_OUT = frozenset(
    (
        *(".git", ".hg", ".svn", ".venv", "venv", "env", "node_modules", "bower_components", "vendor", "site-packages"),
        *("__pycache__", ".tox", ".nox", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".cache", ".next", ".nuxt"),
        *("dist", "build", "target", "coverage", "htmlcov", ".contract", ".idea", ".vscode", ".terraform"),
    )
)
"""Folders that hold other people's files, or files that something made."""


@dataclass(frozen=True)
class Tree:
    """The files below a folder, those near the root first; `cut` where there were more than are looked at."""

    root: Path
    files: tuple[str, ...]
    cut: bool = False

    @cached_property
    def names(self) -> frozenset[str]:
        """Every path, to be asked for one."""
        return frozenset(self.files)

    @cached_property
    def folders(self) -> frozenset[str]:
        """Every folder that holds a file, at whatever depth; the root is the empty text."""
        found = {""}
        for name in self.files:
            found.update(str(parent) for parent in PurePosixPath(name).parents if str(parent) != ".")
        return frozenset(found)

    def ending(self, *suffixes: str) -> list[str]:
        return [name for name in self.files if name.lower().endswith(suffixes)]

    def has(self, *names: str) -> str | None:
        """The first of the paths that is there."""
        return next((name for name in names if name in self.names), None)

    def read(self, name: str, most: int = LARGEST_BYTES) -> str | None:
        """The text of a file; None if it is none, is too large, or cannot be read. A byte order mark is left out."""
        return text(self.root / name, most)


def text(path: Path, most: int = LARGEST_BYTES) -> str | None:
    """The same for any path: what is no plain file (a pipe, a device) is not opened, as that could wait for ever."""
    try:
        if not stat.S_ISREG(path.stat().st_mode) or path.stat().st_size > most:
            return None
        return path.read_bytes().decode("utf-8-sig", "replace")
    except (OSError, ValueError):  # ValueError: a name that no file can have
        return None


def walk(root: Path, *, most: int = MOST_FILES, deepest: int = DEEPEST, left_out: Iterable[str] = LEFT_OUT) -> Tree:
    """The files below `root`, folder by folder from the top; links to folders are not followed."""
    skipped = frozenset(left_out)
    found: list[str] = []
    waiting = deque([("", 0)])
    cut = False
    while waiting:
        folder, depth = waiting.popleft()
        try:
            with os.scandir(root / folder) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError:
            continue
        inside = f"{folder}/" if folder else ""
        for entry in entries:
            try:
                entry.name.encode("utf-8")
                is_folder = entry.is_dir(follow_symlinks=False)
                is_file = not is_folder and entry.is_file()
            except (OSError, UnicodeEncodeError):
                continue
            if is_file:
                if len(found) >= most:
                    return Tree(root, tuple(found), True)
                found.append(inside + entry.name)
            elif (
                is_folder
                and entry.name not in skipped
                and not os.path.lexists(root / inside / entry.name / "pyvenv.cfg")
            ):
                if depth < deepest:
                    waiting.append((inside + entry.name, depth + 1))
                else:
                    cut = True
    return Tree(root, tuple(found), cut)
