"""What all targets do alike: the headers that go out, content encodings, the pace, and the words for a missing answer."""

from __future__ import annotations

import importlib
import threading
import time
import zlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from contract.core.evidence import Headers, Request, header

BYTE_CAP = 16 * 1024 * 1024
"""Bytes of one answer that are kept; a longer one is marked `truncated`."""
TIMEOUT_S = 10.0

REFUSED = "connection refused"
CLOSED = "connection closed without an answer"
BROKEN = "connection closed in the middle of the answer"


def timed_out(seconds: float) -> str:
    """
    >>> timed_out(10.0)
    'timed out after 10 s'
    """
    return f"timed out after {seconds:g} s"


class Pace:
    """Spaces requests evenly, at most `per_s` a second, over all threads; the clock and the sleep are passed in."""

    def __init__(
        self,
        per_s: float | None,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._gap = 1 / per_s if per_s else 0.0
        self._now = now
        self._sleep = sleep
        self._next = 0.0
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Returns when the next request may go."""
        if not self._gap:
            return
        with self._lock:
            now = self._now()
            turn = max(self._next, now)
            self._next = turn + self._gap
        if turn > now:
            self._sleep(turn - now)


def outgoing(request: Request, credentials: Headers, *, host: str) -> Headers:
    """The headers that go out: Host first, then the request's own, then credentials where it has none of that name.

    The length is counted anew: a body that was edited since its header was written would otherwise never end.
    """
    own = tuple(
        (name, value)
        for name, value in request.headers
        if name.lower() not in ("content-length", "transfer-encoding", "host")
    )
    present = {name.lower() for name, _ in own}
    added = tuple((name, value) for name, value in credentials if name.lower() not in present)
    length: Headers = ()
    if request.body is not None:
        length = (("Content-Length", str(len(request.body))),)
    elif request.method in ("POST", "PUT", "PATCH"):
        length = (("Content-Length", "0"),)
    return (("Host", header(request.headers, "host") or host), *own, *added, *length)


class _UnknownCoding(Exception):
    """A content coding that this installation cannot undo."""


def decoded(body: bytes, headers: Headers, cap: int = BYTE_CAP) -> tuple[bytes, bool]:
    """The body with its content encodings undone, and whether it was cut at `cap`.

    A body that is not what its header says is left as it came: what is wrong with it is for the rules to say. One in a
    coding that cannot be undone here is cut too, so that nobody judges what nobody can read.
    """
    codings = [name.strip().lower() for name in (header(headers, "content-encoding") or "").split(",")]
    cut = False
    for coding in reversed(codings):
        if coding in ("", "identity") or not body:
            continue
        try:
            body, cut = _undo(body, coding, cap)
        except _UnknownCoding:
            return body, True
        except (zlib.error, ValueError):
            return body, cut
    return body, cut


def _undo(body: bytes, coding: str, cap: int) -> tuple[bytes, bool]:
    """One content coding undone, at most `cap` bytes of it; ValueError where that cannot be done."""
    if coding in ("gzip", "x-gzip"):
        return _inflate(body, 16 + zlib.MAX_WBITS, cap)
    if coding == "deflate":
        try:
            return _inflate(body, zlib.MAX_WBITS, cap)
        except zlib.error:
            # "Some non-conformant implementations send the deflate data without the zlib wrapper" (RFC 9110, 8.4.1.2).
            return _inflate(body, -zlib.MAX_WBITS, cap)
    if coding == "br":
        try:
            brotli = importlib.import_module("brotli")
        except ImportError as error:
            raise _UnknownCoding("brotli is not installed") from error
        try:
            plain: bytes = brotli.decompress(body)
        except brotli.error as error:
            raise ValueError(str(error)) from error
        return plain[:cap], len(plain) > cap
    raise _UnknownCoding(coding)


def _inflate(body: bytes, wbits: int, cap: int) -> tuple[bytes, bool]:
    inflater = zlib.decompressobj(wbits)
    plain = inflater.decompress(body, cap)
    if inflater.unconsumed_tail:
        return plain, True
    if not inflater.eof:
        raise ValueError("the compressed body ends early")
    return plain, False


def timestamp() -> str:
    """The time of day, RFC 3339, in UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def pairs(headers: Sequence[tuple[str, str]]) -> Headers:
    return tuple((name, value) for name, value in headers)
