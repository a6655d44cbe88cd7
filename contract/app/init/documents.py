"""Which files of a project are OpenAPI documents, and which of them is the one?"""

from __future__ import annotations

import re
from dataclasses import dataclass

from contract.app.init.tree import Tree

_MOST_READ = 4_000
_HEAD_BYTES = 8_192
_VERSION = re.compile(r"""(?:^|[{,\n])\s*["']?(openapi|swagger)["']?\s*:\s*["']?([23]\.\d+(?:\.\d+)?)""")
_ASIDE = frozenset(("test", "tests", "fixtures", "examples", "example", "samples", "testdata", "mocks", "__tests__"))


@dataclass(frozen=True)
class Found:
    """A document: where it lies, and the version that it says."""

    path: str
    version: str

    @property
    def says(self) -> str:
        return f"{'Swagger' if self.version.startswith('2') else 'OpenAPI'} {self.version}"

    def __str__(self) -> str:
        return f"{self.path} ({self.says})"


def documents(tree: Tree) -> list[Found]:
    """Every document, the likeliest first: by its name, by its folder, and then by how near it is to the root."""
    candidates = sorted(tree.ending(".yaml", ".yml", ".json"), key=_rank)[:_MOST_READ]
    found = []
    for name in candidates:
        head = _head(tree, name)
        if match := _VERSION.search(head):
            found.append(Found(name, match[2]))
    return sorted(found, key=lambda one: _rank(one.path))


def _head(tree: Tree, name: str) -> str:
    """Where the version stands; a generator that sorts keys puts it behind `components`, so named files are read whole."""
    whole = tree.read(name, 20_000_000)
    if whole is None:
        return ""
    return whole if _is_named(name) else whole[:_HEAD_BYTES]


def _is_named(name: str) -> bool:
    return bool(re.search(r"openapi|swagger|api-docs|(^|[/_.-])(api|spec)s?[_.-]", name.lower()))


def _rank(name: str) -> tuple[bool, bool, int, bool, str]:
    *folders, base = name.lower().split("/")
    named = bool(re.search(r"openapi|swagger", base))
    return (bool(_ASIDE & set(folders)), not (named or _is_named(name)), len(folders), base.endswith(".json"), name)
