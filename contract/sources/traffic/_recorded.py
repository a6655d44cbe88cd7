"""What all recordings have in common: packed files, whole URLs, who sent the request, and what may be wrong with a body.

A body is judged only if it is whole. It is not, and the answer is then judged by its status, headers and media type:

- if its `Content-Encoding` cannot be undone: it is no gzip, the decoder is not installed, or it unpacks to more than
  `BODY_CAP` bytes;
- if its length is not its `Content-Length` (RFC 9110, 8.6), unless it is JSON from its first to its last character:
  many recorders write the body anew, prettier or with values replaced, and keep the header.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import importlib
import io
import lzma
import re
import zlib
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import orjson

from contract.core.errors import MissingExtra, SourceError
from contract.core.evidence import Headers, Lost, Traffic, is_json, media_type

BODY_CAP = 64 << 20
"""Bytes of one body, unpacked; what would be more is a bomb, or no API's answer."""
SKEW = timedelta(minutes=10)
"""By so much the clocks of two machines may differ."""
ELAPSED_CAP_US = 10**13
"""Four months; what is said to have taken longer is a mistake of units."""

_PORTS = {"http": ":80", "https": ":443", "ws": ":80", "wss": ":443"}


# --- files ------------------------------------------------------------------------------------------------------------


class Damaged(Exception):
    """The packed file cannot be unpacked further."""


def zstd() -> Any | None:
    """The module for Zstandard: the standard library's from Python 3.14, else its backport; None if there is none."""
    for name in ("compression.zstd", "backports.zstd"):
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    return None


class _Unpacked(io.RawIOBase):
    """A packed stream whose faults are all `Damaged`, whichever packer it is."""

    def __init__(self, stream: Any, faults: tuple[type[Exception], ...]) -> None:
        self._stream = stream
        self._faults = faults

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            data = self._stream.read1(len(buffer))  # one step: what comes before a fault is kept
        except self._faults as error:
            raise Damaged(str(error)) from error
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._stream.close()
        super().close()


@contextmanager
def opened(where: str) -> Iterator[io.BufferedReader]:
    """The bytes of the file, unpacked if its name ends in `.xz`, `.gz` or `.zst`.

    A file that is not there, or nothing of which can be unpacked, is a SourceError; one that is damaged further on
    raises Damaged when it is read that far.
    """
    try:
        stream = _open(where)
    except FileNotFoundError as error:
        raise SourceError(f"{where}: no such file") from error
    except OSError as error:
        raise SourceError(f"{where}: {error.strerror or error}") from error
    with stream:
        if isinstance(stream.raw, _Unpacked):
            try:
                stream.peek(1)
            except Damaged as error:
                raise SourceError(f"{where}: cannot be unpacked: {error}") from error
        yield stream


def _open(where: str) -> io.BufferedReader:
    faults: tuple[type[Exception], ...] = (EOFError, OSError)
    packed: Any
    if where.endswith(".xz"):
        packed, faults = lzma.LZMAFile(where), (*faults, lzma.LZMAError)  # noqa: SIM115 - closed by `opened`
    elif where.endswith(".gz"):
        packed, faults = gzip.GzipFile(where), (*faults, zlib.error)
    elif where.endswith(".zst"):
        module = zstd()
        if module is None:
            raise MissingExtra(f"reading {where}", "traffic", "backports.zstd")
        packed, faults = module.ZstdFile(where), (*faults, module.ZstdError)
    else:
        return io.BufferedReader(io.FileIO(where), 1 << 18)
    return io.BufferedReader(_Unpacked(packed, faults), 1 << 18)


# --- requests ---------------------------------------------------------------------------------------------------------


def split(url: str) -> tuple[str | None, str]:
    """Host (with its port, unless the scheme's own) and the path with query, as a request line has it.

    >>> split("HTTPS://u:p@API.example:443/tasks?limit=1#top"), split("/tasks")
    (('api.example', '/tasks?limit=1'), (None, '/tasks'))
    """
    absolute = re.match(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*)", url)
    host = None
    if absolute:
        url = url[absolute.end() :]
        host = authority(absolute[2].rpartition("@")[2], absolute[1])
    url = url.partition("#")[0]
    return host, url if url.startswith("/") else "/" + url


def authority(host: str, scheme: str = "http") -> str:
    """
    >>> authority("API.example:443", "https"), authority("api.example:443")
    ('api.example', 'api.example:443')
    """
    return host.lower().removesuffix(_PORTS.get(scheme.lower(), ":"))


def wanted(host: str | None, hosts: Collection[str] | None, others: Counter[str] | None = None) -> bool:
    """False for a request to another host than those named, with or without a port; `others` then counts it."""
    if hosts is None or host is None or host in hosts or re.sub(r":\d+$", "", host) in hosts:
        return True
    if others is not None:
        others[host] += 1
    return False


def lowered(headers: Headers) -> dict[str, str]:
    """The values by name in lower case, repeated ones joined by a comma (RFC 9110, 5.3)."""
    known: dict[str, str] = {}
    for name, value in headers:
        name = name.lower()
        known[name] = f"{known[name]}, {value}" if name in known else value
    return known


def traffic(known: Mapping[str, str]) -> Traffic:
    """Who sent it, by its lowered headers: the fuzzer and our own probes mark theirs; what is not marked is real."""
    if "x-schemathesis-testcaseid" in known or known.get("user-agent", "").startswith("schemathesis/"):
        return Traffic.FUZZ
    return Traffic.SYNTHETIC if "x-contract-run" in known else Traffic.REAL


def filtered(side: str, headers: Headers, url: str = "") -> Iterator[str]:
    """Places that Schemathesis masked in its reports, as `Exchange.masked` names them."""
    for name, value in headers:
        if value == "[Filtered]":
            yield f"{side} header:{name.lower()}"
    for pair in url.partition("?")[2].split("&") if "Filtered%5D" in url or "[Filtered]" in url else ():
        name, _, value = pair.partition("=")
        if value.replace("%5B", "[").replace("%5D", "]") == "[Filtered]":
            yield f"{side} query:{name}"


# --- times ------------------------------------------------------------------------------------------------------------


class Clock:
    """Tells the future from what has been; `now` stands still if it is given."""

    def __init__(self, now: datetime | None = None) -> None:
        self._stands = now is not None
        self._last = (now or datetime.now(UTC)) + SKEW

    def is_future(self, at: datetime) -> bool:
        if at > self._last and not self._stands:
            # Who follows a file for hours meets times that were the future when he began.
            self._last = datetime.now(UTC) + SKEW
        return at > self._last


def instant(text: str | None, clock: Clock, place: str, lost: list[Lost]) -> str | None:
    """The timestamp; None, and one thing lost, if it is none or lies in the future. The exchange is judged all the same."""
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        if re.fullmatch(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:?\d\d)", text):
            return text  # a leap second, or more digits than Python reads
        lost.append(Lost("timestamp is none", place, "expected RFC 3339, such as 2026-11-24T10:00:00Z"))
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    if clock.is_future(at):
        lost.append(Lost("timestamp in the future", place))
        return None
    return text


def elapsed_us(value: float | None, place: str, lost: list[Lost]) -> int | None:
    """Whole microseconds; None, and one thing lost, if the figure cannot be a time."""
    if value is None:
        return None
    if not 0 <= value < ELAPSED_CAP_US:  # NaN is neither
        lost.append(Lost("elapsed time is out of range", place))
        return None
    return round(value)


# --- bodies -----------------------------------------------------------------------------------------------------------


def unbase64(text: str) -> bytes:
    """The bytes; raises ValueError with a sentence."""
    try:
        return base64.b64decode(text if text.isalnum() else re.sub(r"\s", "", text), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"the body is not base64: {error}") from error


@lru_cache(maxsize=1024)
def charset(content_type: str | None) -> str | None:
    """The charset that a content type names, if it is another than UTF-8 and one that we know."""
    named = re.search(r"(?i)charset\s*=\s*\"?([\w.:-]+)", content_type or "")
    if named is None or named[1].lower().replace("_", "-") in ("utf-8", "utf8"):
        return None
    try:
        "".encode(named[1])
    except (LookupError, UnicodeError):
        return None
    return named[1]


def encoded(text: str, content_type: str | None) -> bytes:
    """The text in the charset that the content type names, so that the bytes are again those that were sent."""
    named = charset(content_type)
    if named is not None:
        try:
            return text.encode(named)
        except UnicodeError:
            pass  # where it is not what it says, the text came from UTF-8
    return text.encode("utf-8", "surrogatepass")


def whole(
    body: bytes, known: Mapping[str, str], place: str, lost: list[Lost], *, packed: bool | None, side: str = "body"
) -> tuple[bytes, bool]:
    """The body with its content coding undone, and True if it is not whole, which is then told in `lost`.

    `packed` says whether the coding still stands; None if nobody knows, as where a recorder gives bytes in base64:
    then the bytes tell. `known` are the lowered headers; `side` is what the body is called.
    """
    coding = known.get("content-encoding")
    if coding and (coding := coding.strip().lower()) not in ("", "identity"):
        return _unpacked(body, coding, known, place, lost, packed, side)
    length = known.get("content-length")
    if length is None or length == str(len(body)):
        return body, False
    return body, _cut(body, length, known, place, lost, side)


def _cut(body: bytes, length: str, known: Mapping[str, str], place: str, lost: list[Lost], side: str) -> bool:
    lengths = {part.strip() for part in length.split(",")}  # the same one twice is allowed (RFC 9110, 8.6)
    if len(lengths) != 1 or not (declared := lengths.pop()).isascii() or not declared.isdigit():
        lost.append(Lost("Content-Length is no number", place, f"of the {side}"))
        return not _is_whole_json(body, known)
    if declared.lstrip("0") == str(len(body)).lstrip("0") or _is_whole_json(body, known):
        return False
    # Python refuses to read numbers of thousands of digits.
    shorter = len(declared) > 18 or len(body) < int(declared)
    heading = f"{side} is {'shorter' if shorter else 'longer'} than its Content-Length"
    lost.append(Lost(heading, place, f"{len(body):,} bytes, not {declared[:20]}"))
    return True


def _is_whole_json(body: bytes, known: Mapping[str, str]) -> bool:
    if not is_json(media_type(known.get("content-type"))):
        return False
    try:
        orjson.loads(body)
    except ValueError:
        return False
    return True


def _unpacked(
    body: bytes, coding: str, known: Mapping[str, str], place: str, lost: list[Lost], packed: bool | None, side: str
) -> tuple[bytes, bool]:
    if not body or packed is False:
        return body, False
    # Nearly all recorders undo the coding and keep the header; what is neither packed nor JSON is taken to be plain.
    if (
        packed is None
        and not body.startswith(_MAGIC.get(coding.rpartition(",")[2].strip(), b"\0" * 99))
        and (not is_json(media_type(known.get("content-type"))) or _is_whole_json(body, known))
    ):
        return body, False
    plain, fault = undone(body, coding)
    if fault is None:
        return plain, False
    heading, reason = fault
    lost.append(Lost(f"{side} {heading}", place, reason))
    return b"", True


_MAGIC = {"gzip": b"\x1f\x8b", "x-gzip": b"\x1f\x8b", "zstd": b"\x28\xb5\x2f\xfd"}


def undone(body: bytes, coding: str, cap: int = BODY_CAP) -> tuple[bytes, tuple[str, str] | None]:
    """The body with its content codings undone (RFC 9110, 8.4), or what is wrong with it: a heading, and why."""
    for name in reversed([part.strip().lower() for part in coding.split(",")]):
        if name in ("", "identity"):
            continue
        undo = _UNDO.get(name)
        if undo is None:
            return b"", (f"is encoded as {name[:20]}, which nobody here can undo", "")
        try:
            body, more = undo(body, cap)
        except ImportError as error:
            return b"", (
                f"is encoded as {name}, and `{error.name}` is not installed",
                "pip install 'contract-drift[traffic]'",
            )
        except _faults() as error:
            return b"", (f"is not the {name} that it claims to be", str(error))
        if more:
            return b"", (f"unpacks to more than {cap >> 20} MB", f"{name}")
    return body, None


def _faults() -> tuple[type[Exception], ...]:
    faults: list[type[Exception]] = [zlib.error, EOFError, ValueError]
    if (module := zstd()) is not None:
        faults.append(module.ZstdError)
    with suppress(ImportError):  # then nothing of it can be raised
        faults.append(importlib.import_module("brotli").error)
    return tuple(faults)


def _gunzip(body: bytes, cap: int) -> tuple[bytes, bool]:
    plain = bytearray()
    # Several members one after the other are one file (RFC 1952, 2.2).
    while body:
        inflater = zlib.decompressobj(16 + zlib.MAX_WBITS)
        plain += inflater.decompress(body, cap + 1 - len(plain))
        if len(plain) > cap:
            return b"", True
        if not inflater.eof:
            raise EOFError("it ends early")
        body = inflater.unused_data.lstrip(b"\0")
    return bytes(plain), False


def _inflate(body: bytes, cap: int) -> tuple[bytes, bool]:
    try:
        return _stream(zlib.decompressobj(), body, cap)
    except zlib.error:
        # "Some non-conformant implementations send the deflate data without the zlib wrapper" (RFC 9110, 8.4.1.2).
        return _stream(zlib.decompressobj(-zlib.MAX_WBITS), body, cap)


def _stream(inflater: Any, body: bytes, cap: int) -> tuple[bytes, bool]:
    plain: bytes = inflater.decompress(body, cap + 1)
    if len(plain) > cap:
        return b"", True
    if not inflater.eof:
        raise EOFError("it ends early")
    return plain, False


def _unzstd(body: bytes, cap: int) -> tuple[bytes, bool]:
    module = zstd()
    if module is None:
        raise ImportError("no module for Zstandard", name="backports.zstd")
    return _stream(module.ZstdDecompressor(), body, cap)


def _unbrotli(body: bytes, cap: int) -> tuple[bytes, bool]:
    decoder = importlib.import_module("brotli").Decompressor()
    plain = bytearray(decoder.process(body, output_buffer_limit=1 << 20))
    while not decoder.is_finished() and len(plain) <= cap:
        more = decoder.process(b"", output_buffer_limit=1 << 20)
        if not more:
            raise EOFError("it ends early")
        plain += more
    return bytes(plain[:cap]), len(plain) > cap


_UNDO = {
    "gzip": _gunzip,
    "x-gzip": _gunzip,
    "deflate": _inflate,
    "br": _unbrotli,
    "zstd": _unzstd,
}
