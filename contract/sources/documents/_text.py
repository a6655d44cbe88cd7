"""What a file of the user's says: its bytes as text, its value, and the line and column of every part of it."""

from __future__ import annotations

import codecs
from bisect import bisect_right
from collections.abc import Callable
from functools import cached_property
from typing import Any

MAX_DEPTH = 200
"""Levels of nesting that a description may have; real ones stay below forty."""

Position = tuple[int, int]
"""Line and column, counted from 1; a column is a character, not a byte."""


class TextError(Exception):
    """A text that cannot be read, and where; becomes a DocumentError as soon as the file's name is known."""

    def __init__(self, message: str, where: Position | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.hint = hint


class Tree:
    """A value with the positions of its parts: of a mapping's keys and of a list's items."""

    __slots__ = ("_at", "_marks", "_start", "value")

    def __init__(self, value: Any, start: Position, marks: dict[int, list[Any]], at: Callable[[Any], Position]) -> None:
        self.value = value
        self._start = start
        self._marks = marks  # by the id of the container, which `value` keeps alive
        self._at = at

    def position(self, tokens: tuple[str, ...]) -> Position:
        """Where the part stands, or its nearest ancestor."""
        node, mark = self.value, None
        for token in tokens:
            marks = self._marks.get(id(node))
            if marks is None:
                break
            try:
                index = list(node).index(token) if isinstance(node, dict) else int(token)
                node, mark = node[token if isinstance(node, dict) else index], marks[index]
            except (ValueError, IndexError, KeyError):
                break
        return self._start if mark is None else self._at(mark)


class Text:
    """The bytes of a file as UTF-8 without a mark, whatever of Unicode they were written in."""

    def __init__(self, raw: bytes) -> None:
        if raw.startswith(codecs.BOM_UTF8):
            self.data = raw[3:]
        elif raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            try:
                self.data = raw.decode("utf-16").encode()
            except UnicodeDecodeError as error:
                raise TextError(f"not valid UTF-16: {error.reason}") from None
        else:
            self.data = raw
        try:
            self.data.decode()
        except UnicodeDecodeError as error:
            line = self.data.count(b"\n", 0, error.start) + 1
            begin = self.data.rfind(b"\n", 0, error.start) + 1
            column = len(self.data[begin : error.start].decode(errors="replace")) + 1
            raise TextError(
                f"the byte 0x{self.data[error.start]:02X} is no UTF-8", (line, column), "save the file as UTF-8"
            ) from None

    @cached_property
    def _breaks(self) -> list[int]:
        breaks, at = [0], self.data.find(b"\n")
        while at >= 0:
            breaks.append(at + 1)
            at = self.data.find(b"\n", at + 1)
        return breaks

    def position(self, offset: int) -> Position:
        """Line and column of a byte."""
        line = bisect_right(self._breaks, offset)
        return line, len(self.data[self._breaks[line - 1] : offset].decode(errors="replace")) + 1

    def line(self, number: int) -> str:
        """The text of a line, without its end."""
        if number > len(self._breaks):
            return ""
        end = self._breaks[number] if number < len(self._breaks) else len(self.data)
        return self.data[self._breaks[number - 1] : end].decode(errors="replace").rstrip("\r\n")
