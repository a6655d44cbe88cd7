"""What all recordings have in common: compressed files, whole URLs, and who sent the request."""

from __future__ import annotations

import base64
import binascii
import gzip
import lzma
import re
import zlib
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, cast

from contract.core.errors import SourceError
from contract.core.evidence import Headers, Traffic, header

_PORTS = {"http": ":80", "https": ":443", "ws": ":80", "wss": ":443"}


@contextmanager
def opened(where: str) -> Iterator[BinaryIO]:
    """The bytes of the file, unpacked if its name ends in `.xz` or `.gz`; what goes wrong is a SourceError."""
    try:
        with _open(where) as stream:
            yield stream
    except FileNotFoundError as error:
        raise SourceError(f"{where}: no such file") from error
    except (lzma.LZMAError, zlib.error, EOFError, gzip.BadGzipFile) as error:
        raise SourceError(f"{where}: cannot be unpacked: {error}") from error
    except OSError as error:
        raise SourceError(f"{where}: {error.strerror or error}") from error


def _open(where: str) -> BinaryIO:
    if where.endswith(".xz"):
        return cast(BinaryIO, lzma.open(where))
    if where.endswith(".gz"):
        return cast(BinaryIO, gzip.open(where))
    return Path(where).open("rb")


def split(url: str) -> tuple[str | None, str]:
    """Host (with its port, unless the scheme's own) and the path with query, as a request line has it.

    >>> split("HTTPS://u:p@API.example:443/tasks?limit=1#top"), split("/tasks")
    (('api.example', '/tasks?limit=1'), (None, '/tasks'))
    """
    absolute = re.match(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*)", url)
    host = None
    if absolute:
        url = url[absolute.end() :]
        host = absolute[2].rpartition("@")[2].lower().removesuffix(_PORTS.get(absolute[1].lower(), ":"))
    url = url.partition("#")[0]
    return host, url if url.startswith("/") else "/" + url


def wanted(host: str | None, hosts: Collection[str] | None, others: Counter[str] | None = None) -> bool:
    """False for a request to another host than those named, with or without a port; `others` then counts it."""
    if hosts is None or host is None or host in hosts or re.sub(r":\d+$", "", host) in hosts:
        return True
    if others is not None:
        others[host] += 1
    return False


def traffic(headers: Headers) -> Traffic:
    """Who sent it: the fuzzer and our own probes mark their requests; what is not marked is real."""
    agent = header(headers, "user-agent") or ""
    if header(headers, "x-schemathesis-testcaseid") is not None or agent.startswith("schemathesis/"):
        return Traffic.FUZZ
    if header(headers, "x-contract-run") is not None:
        return Traffic.SYNTHETIC
    return Traffic.REAL


def unbase64(text: str) -> bytes:
    """The bytes; raises ValueError with a sentence."""
    try:
        return base64.b64decode(re.sub(r"\s", "", text), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"the body is not base64: {error}") from error


def encoded(text: str, headers: Headers) -> bytes:
    """The text in the charset that the content type names, so that the bytes are again those that were sent."""
    charset = re.search(r"(?i)charset\s*=\s*\"?([\w.:-]+)", header(headers, "content-type") or "")
    if charset and charset[1].lower().replace("_", "-") not in ("utf-8", "utf8"):
        with suppress(LookupError, UnicodeError):  # where it is not what it says, the text came from UTF-8
            return text.encode(charset[1])
    return text.encode("utf-8", "surrogatepass")
