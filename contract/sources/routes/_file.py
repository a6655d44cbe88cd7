"""What every adapter needs that reads a file: its text, or a SourceError that says what to do."""

from __future__ import annotations

import codecs
import re
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


_LISTS = {
    "rails": (r"(?m)^--\[ Route \d+ \]-|^ *Prefix +Verb +URI", "what `rails routes` prints"),
    "laravel": (r'"uri"\s*:', "what `php artisan route:list --json` prints"),
    "spring": (r'"dispatcher(Servlets|Handlers)"\s*:', "the mappings of Spring's actuator"),
    "openapi": (r'(?m)"(openapi|swagger|paths)"\s*:|^(openapi|swagger|paths):', "an OpenAPI document"),
    "text": (
        r"\A(?:\s*(?:#.*)?\n)*\s*(?:\*|[A-Z]{3,}(?:[|,][A-Z]+)*)\s+/\S*\s*(?:#.*)?(?:\n|\Z)",
        "lines of `METHOD /path`",
    ),
}
"""By kind what its list holds and no other's does."""


def resembles(text: str, kind: str) -> str:
    """Of which other kind it is, as the end of a message; "" where it looks like none."""
    for other, (pattern, what) in _LISTS.items():
        if other != kind and re.search(pattern, text[:_LOOKED_AT]):
            return f"; it looks like {what}: `{other}:`"
    return ""


def seen(text: str, kind: str) -> str:
    """Of a text that is no list of this kind what it is instead, as the end of a message."""
    if other := resembles(text, kind):
        return other
    first = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return f"; it begins with `{first[:80]}`" if first else " and is empty"


_LOOKED_AT = 100_000
