"""One direction of an HTTP/1.1 connection, read as it passes by: where each message begins and ends (RFC 9112, 6.3).

Nothing is changed and nothing is refused here: what cannot be read is `opaque`, and passed on as it is.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass

from contract.core.evidence import Headers

HEAD_CAP = 256 << 10
"""Bytes of one header section; the servers that we know refuse far less."""

_END = re.compile(rb"\r?\n\r?\n")
_REQUEST = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([^ \r\n]+) HTTP/1\.[0-9]")
_RESPONSE = re.compile(rb"HTTP/1\.[0-9] ([0-9]{3})(?: .*)?")


@dataclass(frozen=True, slots=True)
class Head:
    """The start line and the header section of one message."""

    wire: bytes
    first: str
    """The method, or the status."""
    target: str
    headers: Headers


@dataclass(frozen=True, slots=True)
class Data:
    """A piece of a body: the bytes as they passed, and what of them is content, without the framing of chunks."""

    wire: bytes
    content: bytes


@dataclass(frozen=True, slots=True)
class End:
    """The message is complete."""


@dataclass(frozen=True, slots=True)
class Opaque:
    """Bytes that are no HTTP/1.1, or not any more: after an upgrade, or where the other side made an error."""

    wire: bytes


Event = Head | Data | End | Opaque


class Reader:
    """Reads one direction. `feed` gives what bytes mean; all wire bytes come out again, in order."""

    def __init__(self, *, requests: bool) -> None:
        self._requests = requests
        self._held = b""
        self._mode = "head"
        self._left = 0
        self.methods: list[str] = []
        """Of an answering side: the methods of the requests that it has yet to answer; whoever owns both sides fills it."""

    @property
    def opaque(self) -> bool:
        return self._mode == "opaque"

    @property
    def within(self) -> bool:
        """True in the middle of a message."""
        return self._mode not in ("head", "opaque") or bool(self._held)

    def give_up(self) -> bytes:
        """From here on everything is opaque; gives the bytes that were held back."""
        held, self._held, self._mode = self._held, b"", "opaque"
        return held

    def feed(self, data: bytes) -> Iterator[Event]:
        """What these bytes mean, with those that were held back."""
        data = self._held + data
        self._held = b""
        while data:
            if self._mode == "opaque":
                yield Opaque(data)
                return
            if self._mode == "head":
                match = _END.search(data.lstrip(b"\r\n")) if len(data) > 1 else None
                if match is None:
                    if len(data) > HEAD_CAP or not self._may_be_a_head(data):
                        self._mode = "opaque"
                        yield Opaque(data)
                        return
                    self._held = data
                    return
                size = len(data) - len(data.lstrip(b"\r\n")) + match.end()
                wire, data = data[:size], data[size:]
                head = self._head(wire)
                if head is None:
                    self._mode = "opaque"
                    yield Opaque(wire)
                    continue
                yield head
                if self._mode == "head":
                    yield End()
            elif self._mode == "length":
                piece, data = data[: self._left], data[self._left :]
                self._left -= len(piece)
                yield Data(piece, piece)
                if not self._left:
                    self._mode = "head"
                    yield End()
            elif self._mode == "eof":
                yield Data(data, data)
                return
            else:
                data = yield from self._chunked(data)

    def end(self) -> Iterator[Event]:
        """What the end of the connection means: the end of a body that has no other (RFC 9112, 6.3, 8)."""
        if self._mode == "eof":
            self._mode = "head"
            yield End()

    def _may_be_a_head(self, data: bytes) -> bool:
        line, feed, _ = data.lstrip(b"\r\n").partition(b"\n")
        pattern = _REQUEST if self._requests else _RESPONSE
        return not feed or pattern.fullmatch(line.rstrip(b"\r")) is not None

    def _head(self, wire: bytes) -> Head | None:
        line, _, rest = wire.lstrip(b"\r\n").partition(b"\n")
        match = (_REQUEST if self._requests else _RESPONSE).fullmatch(line.rstrip(b"\r"))
        headers = _headers(rest)
        if match is None or headers is None:
            return None
        first, target = match[1].decode(), text(match[2]) if self._requests else ""
        mode = self._framing(first, headers)
        if mode is None:
            return None
        self._mode = mode
        return Head(wire, first, target, headers)

    def _framing(self, first: str, headers: Headers) -> str | None:
        """How the body ends, after RFC 9112, 6.3; None where it cannot be told."""
        if not self._requests:
            status = int(first)
            method = self.methods[0] if self.methods else "GET"
            if status == 101 or (method == "CONNECT" and 200 <= status < 300):
                return "opaque"
            if status < 200:
                return "head"
            if self.methods:
                self.methods.pop(0)
            if method == "HEAD" or status in (204, 304):
                return "head"
        codings = ",".join(value for name, value in headers if name.lower() == "transfer-encoding").lower()
        if codings:
            if codings.rpartition(",")[2].strip() == "chunked":
                return "size"
            return None if self._requests else "eof"
        lengths = {
            part.strip() for name, value in headers if name.lower() == "content-length" for part in value.split(",")
        }
        if not lengths:
            return "head" if self._requests else "eof"
        if len(lengths) > 1 or not re.fullmatch("[0-9]{1,18}", length := lengths.pop()):
            return None
        self._left = int(length)
        return "length" if self._left else "head"

    def _chunked(self, data: bytes) -> Generator[Event, None, bytes]:
        """Chunks (RFC 9112, 7.1): a line with the size, that many bytes, a line end; after the last one the trailers."""
        if self._mode == "chunk":
            piece, data = data[: self._left], data[self._left :]
            self._left -= len(piece)
            if not self._left:
                self._mode = "after"
            yield Data(piece, piece)
            return data
        line, feed, rest = data.partition(b"\n")
        if not feed:
            if len(data) > HEAD_CAP:
                self._mode = "opaque"
                yield Opaque(data)
                return b""
            self._held = data
            return b""
        wire = line + feed
        if self._mode == "after":
            self._mode = "size"
            yield Data(wire, b"")
            return rest
        if self._mode == "trailer":
            yield Data(wire, b"")
            if line in (b"", b"\r"):
                self._mode = "head"
                yield End()
            return rest
        size = line.partition(b";")[0].strip()
        if not re.fullmatch(rb"[0-9A-Fa-f]{1,15}", size):
            self._mode = "opaque"
            yield Opaque(data)
            return b""
        self._left = int(size, 16)
        self._mode = "chunk" if self._left else "trailer"
        yield Data(wire, b"")
        return rest


def _headers(section: bytes) -> Headers | None:
    out: list[tuple[str, str]] = []
    for line in section.split(b"\n"):
        line = line.rstrip(b"\r")
        if not line:
            continue
        if line[:1] in b" \t":
            if not out:
                return None
            folded = text(line.strip(b" \t"))
            out[-1] = (out[-1][0], f"{out[-1][1]} {folded}")  # obs-fold (RFC 9112, 5.2)
            continue
        name, colon, value = line.partition(b":")
        if not colon or not name or name != name.strip():
            return None
        out.append((text(name), text(value.strip(b" \t"))))
    return tuple(out)


def text(octets: bytes) -> str:
    """The octets of a start line or header as text: UTF-8, or else Latin-1, which every octet is (RFC 9110, 5.5)."""
    try:
        return octets.decode()
    except UnicodeDecodeError:
        return octets.decode("latin-1")
