"""What all targets do alike: the headers that go out, content encodings, the pace, and the words for a missing answer."""

from __future__ import annotations

import importlib
import threading
import time
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

from contract.core.evidence import Headers, Request, Response, header
from contract.core.target import TimeUp

T = TypeVar("T")

BYTE_CAP = 16 * 1024 * 1024
"""Bytes of one answer that are read; a longer one is marked `truncated`."""
CUT_CAP = 256 * 1024
"""Bytes that are kept of one that is `truncated`: nobody judges them, and a fuzzer holds many answers at a time."""
TIMEOUT_S = 10.0

WAIT_CAP_S = 60.0
"""So long a server may make us wait at a time (429 with `Retry-After`); one that says more is not waited for so long."""
WAITS_CAP_S = 120.0
"""So long it may make us wait in all."""
AGAIN = 2
"""So often a request that was answered 429 is sent again."""
IN_VAIN = 3
"""So many requests in a row that waiting did not help, and no further one waits."""
_SLOWEST_S = 0.25
_SLOWER_S = 0.05
_FASTER = 0.95
_SLICE_S = 0.2

REFUSED = "connection refused"
CLOSED = "connection closed without an answer"
BROKEN = "connection closed in the middle of the answer"
CHUNKS = "the answer is not HTTP: its chunks cannot be read"


def late(failure: str | None, within_s: float, limit_s: float) -> bool:
    """True where whoever asks had less time than an answer may take, and none came: that is no fault of the server."""
    return within_s < limit_s and failure == timed_out(within_s)


def timed_out(seconds: float) -> str:
    """
    >>> timed_out(10.0)
    'timed out after 10 s'
    """
    return f"timed out after {seconds:g} s"


class Pace:
    """Spaces requests evenly, at most `per_s` a second, over all threads; the clock and the sleep are passed in.

    A server that answers 429 (RFC 6585, 4) is obeyed: nobody sends for as long as its `Retry-After` says, and after
    that the space between two requests is doubled, and shrinks again with each answer that is none.
    """

    def __init__(
        self,
        per_s: float | None,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._usual = self._gap = 1 / per_s if per_s else 0.0
        self._now = now
        self.sleep = sleep
        self._next = 0.0
        self._lock = threading.Lock()
        self.until: float | None = None
        """When whoever asks has no time left, by the same clock: until then at most is a server waited for."""
        self.end: float | None = None
        """When nothing is sent any more, by the same clock."""
        self.waits = 0
        self.waited_s = 0.0
        self._in_vain = 0

    def wait(self) -> None:
        """Returns when the next request may go; raises TimeUp where that is never."""
        if self._gap:
            with self._lock:
                now = self._now()
                turn = max(self._next, now)
                if self.end is not None and turn >= self.end:
                    raise TimeUp
                self._next = turn + self._gap
            if turn > now:
                self.sleep(turn - now)
        if self.end is not None and self._now() >= self.end:
            raise TimeUp

    def within(self, limit_s: float) -> float:
        """Seconds that a request may take which goes now: its own limit, or what is left."""
        return limit_s if self.end is None else max(0.001, min(limit_s, self.end - self._now()))

    def patiently(self, send: Callable[[], tuple[Response | None, T]]) -> tuple[Response | None, T]:
        """What `send` gives, once more after each 429 that says how long to wait; the last 429 if it stays at that."""
        for turn in range(AGAIN + 1):
            response, rest = send()
            if response is None or response.status != 429:
                self._in_vain = 0
                self._gap = max(self._usual, self._gap * _FASTER)
                return response, rest
            wait_s = retry_after(response.headers, datetime.now(UTC))
            if turn == AGAIN or wait_s is None or not self._hold(wait_s):
                break
        self._in_vain += 1
        return response, rest

    def _hold(self, seconds: float) -> bool:
        """Lets time pass, and every other request wait; False, at once, if it is not worth it or nobody has the time."""
        with self._lock:
            start = self._now()
            end = start + seconds
            if (
                self._in_vain >= IN_VAIN
                or seconds > WAIT_CAP_S
                or self.waited_s + seconds > WAITS_CAP_S
                or self._is_late(end)
            ):
                return False
            self.waits += 1
            self.waited_s += seconds
            self._gap = min(max(2 * self._gap, _SLOWER_S), max(self._gap, _SLOWEST_S))
            self._next = max(self._next, end)
        while (left := end - self._now()) > 0:
            if self._is_late(end):
                return False  # somebody has lost patience since
            self.sleep(min(left, _SLICE_S))
        return True

    def _is_late(self, at: float) -> bool:
        return any(limit is not None and at >= limit for limit in (self.until, self.end))

    @property
    def notes(self) -> tuple[str, ...]:
        """What a report should say of it."""
        if not self.waits:
            return ()
        often = "once" if self.waits == 1 else f"{self.waits} times"
        return (
            f"the server said {often} that it is asked too often (429): it was waited for {self.waited_s:.3g} s as told, "
            "and asked more slowly from then on; `--rate-limit 5/s` asks slowly from the start",
        )


def retry_after(headers: Headers, now: datetime) -> float | None:
    """Seconds that a 429 asks to wait (RFC 9110, 10.2.3); None if it does not say, or what it says is no time.

    A date is measured by the server's own `Date`, since its clock may be hours off, and by `now` only without one.

    >>> now = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
    >>> retry_after((("Retry-After", "3"),), now)
    3.0
    >>> server = (("Date", "Sat, 28 Nov 2026 13:00:00 GMT"), ("Retry-After", "Sat, 28 Nov 2026 13:00:05 GMT"))
    >>> retry_after(server, now), retry_after(server[1:], now)
    (5.0, 3605.0)
    """
    text = (header(headers, "retry-after") or "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    then = _date(text)
    if then is None:
        return None
    return max(0.0, (then - (_date(header(headers, "date") or "") or now)).total_seconds())


def _date(text: str) -> datetime | None:
    with suppress(ValueError, TypeError, IndexError, OverflowError):
        found = parsedate_to_datetime(text)
        return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
    return None


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


def kept(body: bytes) -> bytes:
    """What is kept of a body that is cut."""
    return body[:CUT_CAP]


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
    """One content coding undone, at most `cap` bytes of it; ValueError where that cannot be done.

    No decoder makes more than it is asked for, so that a small body that unpacks to gigabytes is cut while it unpacks.
    """
    if coding in ("gzip", "x-gzip"):
        return _gunzip(body, cap)
    if coding == "deflate":
        try:
            return _inflate(zlib.decompressobj(), body, cap)
        except zlib.error:
            # "Some non-conformant implementations send the deflate data without the zlib wrapper" (RFC 9110, 8.4.1.2).
            return _inflate(zlib.decompressobj(-zlib.MAX_WBITS), body, cap)
    if coding == "br":
        return _unbrotli(body, cap)
    if coding == "zstd":
        return _unzstd(body, cap)
    raise _UnknownCoding(coding)


def _gunzip(body: bytes, cap: int) -> tuple[bytes, bool]:
    plain = bytearray()
    while body:  # several members one after the other are one body (RFC 1952, 2.2)
        inflater = zlib.decompressobj(16 + zlib.MAX_WBITS)
        plain += inflater.decompress(body, cap + 1 - len(plain))
        if len(plain) > cap:
            return bytes(plain[:cap]), True
        if not inflater.eof:
            raise ValueError("the compressed body ends early")
        body = inflater.unused_data.lstrip(b"\0")
    return bytes(plain), False


def _inflate(inflater: Any, body: bytes, cap: int) -> tuple[bytes, bool]:
    plain: bytes = inflater.decompress(body, cap + 1)
    if len(plain) > cap:
        return plain[:cap], True
    if not inflater.eof:
        raise ValueError("the compressed body ends early")
    return plain, False


def _unbrotli(body: bytes, cap: int) -> tuple[bytes, bool]:
    try:
        brotli = importlib.import_module("brotli")
    except ImportError as error:
        raise _UnknownCoding("brotli is not installed") from error
    decoder, plain = brotli.Decompressor(), bytearray()
    try:
        piece = decoder.process(body, output_buffer_limit=_PIECE)
        while piece:
            plain += piece
            if len(plain) > cap:
                return bytes(plain[:cap]), True
            piece = b"" if decoder.is_finished() else decoder.process(b"", output_buffer_limit=_PIECE)
    except brotli.error as error:
        raise ValueError(str(error)) from error
    if not decoder.is_finished():
        raise ValueError("the compressed body ends early")
    return bytes(plain), False


def _unzstd(body: bytes, cap: int) -> tuple[bytes, bool]:
    for name in ("compression.zstd", "backports.zstd"):  # the standard library's from Python 3.14
        try:
            zstd = importlib.import_module(name)
        except ImportError:
            continue
        try:
            return _inflate(zstd.ZstdDecompressor(), body, cap)
        except zstd.ZstdError as error:
            raise ValueError(str(error)) from error
    raise _UnknownCoding("no module for Zstandard is installed")


_PIECE = 1 << 20


def timestamp() -> str:
    """The time of day, RFC 3339, in UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def pairs(headers: Sequence[tuple[str, str]]) -> Headers:
    return tuple((name, value) for name, value in headers)
