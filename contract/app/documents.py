"""The declared document of a run: the files that the settings name, as one."""

from __future__ import annotations

import os
from collections.abc import Mapping

from contract.app.settings import Settings
from contract.core.document import Document
from contract.core.errors import ConfigError


def load(settings: Settings, unsaved: Mapping[str, bytes] | None = None) -> Document:
    """The declared document, of several one that holds all; of `unsaved` files the text is what is given.

    Raises DocumentError, which begins with file and line, and ConfigError where none is named.
    """
    from contract.sources.documents import file, merge

    if settings.document is None:
        raise ConfigError(
            "no document is named", 'say `--document specs/api.yaml`, or `document = "specs/api.yaml"` in contract.toml'
        )
    files: dict[str, str] = {}
    for path in settings.documents:
        files.setdefault(os.path.realpath(path), path)  # one that is named twice is still one
    return merge.merge(
        [
            file.load(path, root=settings.root, allow=settings.allow_refs, unsaved=unsaved or {})
            for path in files.values()
        ]
    )
