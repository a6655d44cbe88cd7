"""A large JSON text of which only one value at a time is in memory, each of them as the bytes that it was written in.

Values are told apart by their brackets and quotes alone, so that one which is no JSON inside costs nothing but itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from io import BufferedIOBase
from typing import Any

import orjson

VALUE_CAP = 128 << 20
"""Bytes of one value: a body of 64 MB, its escapes included."""

_CHUNK = 1 << 18
_MOST = 16 << 20
_SPACE = re.compile(rb"[ \t\r\n]*")
# Possessive, so that a text of megabytes needs no stack. The last branch is a text that has not ended yet.
_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[{}\[\]]|"', re.DOTALL)
_BRACKET = re.compile(rb'["{}\[\]]')
_SCALAR = re.compile(rb'[^\s,\]}\[{":]+')
_IN_TEXT = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+("|\\\Z|\Z)', re.DOTALL)


def once(written: bytes, value: Any) -> None:
    """Raises ValueError if an object names a member twice; orjson keeps the last, and nobody knows which was meant.

    `value` is what orjson read in `written`.
    """
    try:
        # Written again as compactly as most writers do, it is as long as it was, unless a member is gone.
        if len(orjson.dumps(value)) == len(written):
            return
    except TypeError:
        pass  # nested deeper than orjson writes; the slow way tells
    # A key ends in `":`; inside a text the quote is escaped, `\":`. What this cannot tell, the slow way does.
    if written.count(b'":') - written.count(b'\\":') == _keys(value):
        return
    try:
        json.loads(written, object_pairs_hook=_members, parse_int=float)  # an int of thousands of digits is refused
    except RecursionError as error:
        raise ValueError("nested too deep") from error


def _keys(value: Any) -> int:
    """Members of all objects in the value."""
    number = 0
    todo = [value]
    while todo:
        each = todo.pop()
        if isinstance(each, dict):
            number += len(each)
            todo += [item for item in each.values() if type(item) in (dict, list)]
        elif isinstance(each, list):
            todo += [item for item in each if type(item) in (dict, list)]
    return number


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    out = dict(pairs)
    if len(out) != len(pairs):
        name = next(name for number, (name, _) in enumerate(pairs) if name in dict(pairs[:number]))
        raise ValueError(f"`{name[:80]}` is named twice")
    return out


class Ended(Exception):
    """The text ends before the value does."""


class Unexpected(Exception):
    """Another character stands where a bracket, comma or colon has to be."""


class TooLong(Exception):
    """The value is longer than `VALUE_CAP`; it was passed over."""


class Text:
    """Reads one value after the other from a stream."""

    def __init__(self, stream: BufferedIOBase) -> None:
        self._stream = stream
        self._buffer = bytearray()
        self._at = 0
        self._passed = 0
        self._ended = False

    @property
    def position(self) -> int:
        """Bytes before the next one."""
        return self._passed + self._at

    def _more(self, size: int = _CHUNK) -> bool:
        if self._ended:
            return False
        del self._buffer[: self._at]
        self._passed += self._at
        self._at = 0
        chunk = self._stream.read1(max(size, _CHUNK))  # one step: what comes before a fault is kept
        if not chunk:
            self._ended = True
            return False
        if self._passed == 0 and not self._buffer:
            chunk = chunk.removeprefix(b"\xef\xbb\xbf")
        self._buffer += chunk
        return True

    def peek(self) -> bytes:
        """The next character that is no white space; raises Ended where there is none."""
        while True:
            match = _SPACE.match(self._buffer, self._at)
            assert match is not None
            self._at = match.end()
            if self._at < len(self._buffer):
                return bytes(self._buffer[self._at : self._at + 1])
            if not self._more():
                raise Ended

    def take(self, characters: bytes) -> bytes:
        """The next character, which is one of these."""
        found = self.peek()
        if found not in characters:
            expected = " or ".join(f"`{chr(character)}`" for character in characters)
            raise Unexpected(f"expected {expected} at byte {self.position + 1:,}")
        self._at += 1
        return found

    def value(self) -> bytes:
        """The next value as it is written; raises Ended, Unexpected or TooLong."""
        first = self.peek()
        if first not in b'{["':
            return self._scalar()
        depth, at = 0, self._at
        while True:
            for match in _TOKEN.finditer(self._buffer, at):
                token = self._buffer[match.start()]
                if token == 0x22:
                    if match.end() - match.start() == 1:  # a text that goes on
                        at = match.start()
                        break
                else:
                    depth += 1 if token in b"{[" else -1
                if depth == 0:
                    found = bytes(self._buffer[self._at : match.end()])
                    self._at = match.end()
                    return found
            else:
                at = len(self._buffer)
            held = len(self._buffer) - self._at
            if held > VALUE_CAP:
                self._pass_over(depth, in_text=at < len(self._buffer))
                raise TooLong(f"longer than {VALUE_CAP >> 20} MB")
            at -= self._at
            # As much again, so that a long text is looked at a few times, not thousands.
            if not self._more(min(held, _MOST)):
                raise Ended
            at += self._at

    def _scalar(self) -> bytes:
        while True:
            match = _SCALAR.match(self._buffer, self._at)
            if match is None:
                raise Unexpected(f"expected a value at byte {self.position + 1:,}")
            if match.end() < len(self._buffer) or not self._more():
                break
        self._at = match.end()
        return match.group()

    def _pass_over(self, depth: int, in_text: bool) -> None:
        """Moves behind the value in hand, keeping nothing of it."""
        backslash = False
        if in_text:  # the whole of the buffer after the quote is text; an odd number of backslashes may end it
            backslash = (len(self._buffer) - len(self._buffer.rstrip(b"\\"))) % 2 == 1
        self._at = len(self._buffer)
        while self._more():
            if backslash:
                self._at += 1
            backslash = False
            while self._at < len(self._buffer):
                if in_text:
                    match = _IN_TEXT.match(self._buffer, self._at)
                    assert match is not None
                    self._at = match.end()
                    in_text = match[1] != b'"'
                    backslash = match[1] == b"\\"
                    if not in_text and depth == 0:
                        return
                    continue
                found = _BRACKET.search(self._buffer, self._at)
                if found is None:
                    self._at = len(self._buffer)
                    continue
                self._at = found.end()
                if found.group() == b'"':
                    in_text = True
                    continue
                depth += 1 if found.group() in b"{[" else -1
                if depth == 0:
                    return
        raise Ended

    def members(self) -> Iterator[bytes]:
        """Names of an object, quotes included; whoever reads one takes its value before the next."""
        self.take(b"{")
        if self.peek() == b"}":
            self.take(b"}")
            return
        while True:
            if self.peek() != b'"':
                raise Unexpected(f'expected `"` at byte {self.position + 1:,}')
            name = self.value()
            self.take(b":")
            yield name
            if self.take(b",}") == b"}":
                return
