"""Ledgers in files: written by `--ledger`, read and added up by `contract merge`."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from typing import Any

import orjson

from contract.app import outputs
from contract.core import stored
from contract.core.document import Document
from contract.core.errors import SourceError
from contract.core.ledger import Ledger


def write(path: Path, ledger: Ledger, document: Document | None = None, *, of: dict[str, str] | None = None) -> None:
    """Writes a ledger with the name of the document that it was judged by; packed if the name ends in `.gz`."""
    named = {"path": document.path, "sha256": document.sha256} if document is not None else of
    data = orjson.dumps({"document": named, **stored.to_json(ledger)}) + b"\n"
    # Without a time in it, so that equal ledgers are equal files.
    outputs.write_bytes(path, gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)


def read(path: Path) -> tuple[Ledger, dict[str, str] | None]:
    """A ledger and the document that it was judged by; raises SourceError."""
    try:
        data = path.read_bytes()
        value: Any = orjson.loads(gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data)
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror or error}") from error
    except (ValueError, EOFError, zlib.error) as error:
        raise SourceError(f"{path}: no ledger: {error}") from error
    if not isinstance(value, dict):
        raise SourceError(f"{path}: no ledger: it is not a JSON object")
    try:
        return stored.from_json(value), value.get("document")
    except ValueError as error:
        raise SourceError(f"{path}: no ledger: {error}", "`--ledger FILE` of check and observe writes one") from error
