"""Recordings of one JSON object a line: read whole, in shards, or as they grow.

A line is read into memory only up to `LINE_CAP`; the rest of a longer one is passed over, and it is lost.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

import orjson

from contract.core.errors import SourceError
from contract.core.evidence import Exchange, Lost
from contract.sources.traffic._recorded import Damaged, opened

LINE_CAP = 64 << 20
_BLOCK = 1 << 20
PACKED = (".gz", ".xz", ".zst")

Parse = Callable[[bytes, str, list[Lost]], "Exchange | Iterable[Exchange] | None"]
"""What one line holds; what is lost of it is appended to the list. ValueError says that it is nothing at all."""
Span = tuple[int, int]


def read(where: str, parse: Parse, span: Span | None = None) -> Iterator[Exchange | Lost]:
    """What the lines hold, in the file's order, and in between what was lost.

    With `span` only of lines that begin at a byte in [start, end). Their numbers are those they have in the whole file:
    the lines before are counted, which takes a thousandth of the time that it takes to judge them.
    """
    if span is not None and where.endswith(PACKED):
        raise SourceError(f"{where}: a packed file cannot be read in parts")
    number = 0
    with opened(where) as stream:
        try:
            if span is not None:
                number = _seek(stream, span[0])
            left = span[1] - stream.tell() if span is not None else None
            while left is None or left > 0:
                line = stream.readline(LINE_CAP + 1)
                if not line:
                    return
                number += 1
                if len(line) > LINE_CAP and line[-1:] != b"\n":
                    size = len(line) + _pass_over(stream)
                    yield _too_long(f"{where}:{number}", size)
                    left = None if left is None else left - size
                    continue
                if left is not None:
                    left -= len(line)
                yield from _parsed(line, f"{where}:{number}", parse)
        except Damaged as error:
            yield Lost("packed file is damaged or cut off", f"{where}:{number + 1}", str(error))


def _parsed(line: bytes, place: str, parse: Parse) -> Iterator[Exchange | Lost]:
    lost: list[Lost] = []
    try:
        found = parse(line, place, lost)
    except orjson.JSONDecodeError as error:
        if not line.strip().removeprefix(b"\xef\xbb\xbf"):
            return
        yield _no_json(line, place, error)
        return
    except ValueError as error:
        yield Lost("line is no exchange", place, str(error))
        return
    if found is not None:
        if isinstance(found, Exchange):
            yield found
        else:
            yield from found
    yield from lost


def _no_json(line: bytes, place: str, error: orjson.JSONDecodeError) -> Lost:
    try:
        line.decode()
    except UnicodeDecodeError as fault:
        return Lost("line is not UTF-8", place, f"{fault.reason} at byte {fault.start + 1}")
    return Lost("line is not JSON", place, f"{error.msg} at column {error.colno}")


def _too_long(place: str, size: int) -> Lost:
    return Lost(f"line is longer than {LINE_CAP >> 20} MB", place, f"{size:,} bytes")


def _pass_over(stream: BinaryIO) -> int:
    """Bytes up to and with the next line feed, which are read and forgotten."""
    size = 0
    while block := stream.readline(_BLOCK):
        size += len(block)
        if block.endswith(b"\n"):
            break
    return size


def _seek(stream: BinaryIO, start: int) -> int:
    """Moves to the first line that begins at `start` or later; gives the number of lines before it."""
    number = 0
    last = b"\n"
    left = start
    while left > 0 and (block := stream.read(min(_BLOCK, left))):
        number += block.count(b"\n")
        last = block[-1:]
        left -= len(block)
    if last != b"\n" and _pass_over(stream):
        number += 1
    return number


def spans(where: str, parts: int) -> list[Span]:
    """At most `parts` ranges of bytes, about equally long, whose lines together are those of the file, each once.

    One range where the file is packed, or small.
    """
    try:
        size = Path(where).stat().st_size
    except OSError as error:
        raise SourceError(f"{where}: {error.strerror or error}") from error
    if where.endswith(PACKED):
        return [(0, size)]
    parts = max(1, min(parts, size // _BLOCK + 1))
    edges = [size * part // parts for part in range(parts + 1)]
    return list(pairwise(edges))


Stop = threading.Event | Callable[[], bool]


def follow(where: str, parse: Parse, stop: Stop, wait_s: float) -> Iterator[Exchange | Lost]:
    """What the lines hold, from the first on, and then of those that are still to come, until `stop` says so.

    A file that is replaced (rotated) is read to its end, and then its successor from the beginning; one that was cut
    (copied away and emptied) is read from the beginning again. Every `wait_s` seconds it is looked at anew. A last line
    without a line feed is waited for, and taken as it is when the following ends.
    """
    if where.endswith(PACKED):
        raise SourceError(f"{where}: a packed file does not grow; unpack it, or read it without following")
    stopped = stop.is_set if isinstance(stop, threading.Event) else stop
    wait = stop.wait if isinstance(stop, threading.Event) else time.sleep
    try:
        stream: BinaryIO | None = Path(where).open("rb")  # noqa: SIM115 - closed below, when it is replaced or left
    except OSError as error:
        raise SourceError(f"{where}: {error.strerror or error}") from error
    tail = _Tail(where)
    try:
        while True:
            ending = stopped()
            if stream is not None:
                for number, line in tail.lines(stream):
                    yield from tail.made(number, line, parse)
            fate = _fate(where, stream)
            if fate == "cut":
                assert stream is not None
                if tail.pending:
                    yield Lost("file was cut in the middle of a line", f"{where}:{tail.number + 1}")
                tail = _Tail(where)
                stream.seek(0)
                continue
            if fate == "replaced" or ending:
                if stream is not None:
                    for number, line in tail.lines(stream):  # what was written between the last look and the rotation
                        yield from tail.made(number, line, parse)
                yield from tail.rest(parse)
            if ending:
                return
            if fate == "replaced":
                if stream is not None:
                    stream.close()
                stream, tail = _open_again(where), _Tail(where)
                if stream is not None:
                    continue
            wait(wait_s)
    finally:
        if stream is not None:
            stream.close()


def _open_again(where: str) -> BinaryIO | None:
    try:
        return Path(where).open("rb")
    except FileNotFoundError:
        return None  # moved away, and not made anew yet


def _fate(where: str, stream: BinaryIO | None) -> str:
    """ "same", "cut" where the file is shorter than what was read of it, "replaced" where it is another one."""
    try:
        now = os.stat(where)
    except FileNotFoundError:
        return "same" if stream is not None else "replaced"  # until the new one is there, the old one may still grow
    if stream is None:
        return "replaced"
    held = os.fstat(stream.fileno())
    if (now.st_dev, now.st_ino) != (held.st_dev, held.st_ino):
        return "replaced"
    return "cut" if now.st_size < stream.tell() else "same"


class _Tail:
    """The lines of a growing file; the beginning of one that is not yet whole is kept."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.number = 0
        self.pending: list[bytes] = []
        self.size = 0

    def lines(self, stream: BinaryIO) -> Iterator[tuple[int, bytes | None]]:
        while piece := stream.readline(_BLOCK):
            self.size += len(piece)
            if self.size <= LINE_CAP:
                self.pending.append(piece)
            if piece.endswith(b"\n"):
                yield self._take()

    def _take(self) -> tuple[int, bytes | None]:
        self.number += 1
        whole = b"".join(self.pending) if self.size <= LINE_CAP else None
        self.pending, self.size = [], 0
        return self.number, whole

    def made(self, number: int, line: bytes | None, parse: Parse) -> Iterator[Exchange | Lost]:
        place = f"{self.where}:{number}"
        if line is None:
            yield Lost(f"line is longer than {LINE_CAP >> 20} MB", place)
        else:
            yield from _parsed(line, place, parse)

    def rest(self, parse: Parse) -> Iterator[Exchange | Lost]:
        if self.size:
            yield from self.made(*self._take(), parse)
