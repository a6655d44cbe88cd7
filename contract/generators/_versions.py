"""Which versions of the tools are installed? Read off the names of folders: `importlib.metadata` would read every METADATA.

A distribution is installed as `NAME-VERSION.dist-info` (PyPA, Recording installed projects), the name normalised by
PEP 503 with underscores.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable

MISSING = "missing"


def versions(names: Iterable[str]) -> dict[str, str]:
    """By name the version that an import would find, or `missing`."""
    wanted = {_normal(name): name for name in names}
    found: dict[str, str] = {}
    for folder in sys.path:
        try:
            entries = os.listdir(folder or ".")
        except OSError:  # a zip file, or a folder that is gone
            continue
        for entry in entries:
            name, dash, rest = entry.partition("-")
            own = wanted.get(_normal(name)) if dash and rest.endswith(".dist-info") else None
            if own is not None:
                found.setdefault(own, rest.removesuffix(".dist-info"))
    return {name: found.get(name) or _asked(name) for name in wanted.values()}


def _asked(name: str) -> str:
    """Of what is installed in another way: an egg, a zip file, a finder of its own."""
    from importlib import metadata

    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return MISSING


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "_", name).lower()
