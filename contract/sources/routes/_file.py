"""What every adapter needs that reads a file: its text, or a SourceError that says what to do."""

from __future__ import annotations

import codecs
import sys
from pathlib import Path

from contract.core.errors import SourceError


def read(where: str, hint: str) -> str:
    """The text of a file, or of standard input for `-`; `hint` says how such a file is made."""
    try:
        raw = sys.stdin.buffer.read() if where == "-" else Path(where).read_bytes()
    except FileNotFoundError as error:
        raise SourceError(f"{where}: no such file", hint) from error
    except OSError as error:
        raise SourceError(f"{where}: {error.strerror or error}", hint) from error
    # PowerShell's `>` writes UTF-16.
    encoding = "utf-16" if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        raise SourceError(f"{where}: no text in UTF-8, byte {error.start}", hint) from error
