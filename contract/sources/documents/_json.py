"""What a JSON text says; where, only when somebody asks, as that costs ten times the parsing."""

from __future__ import annotations

import re
from typing import Any

import orjson

from contract.sources.documents._text import MAX_DEPTH, Position, Text, TextError, Tree

_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"(\s*:)?|[{}\[\]]|[^\s,:"{}\[\]]+', re.DOTALL)


class JsonTree(Tree):
    """A value whose positions are found in its text when the first of them is asked for."""

    __slots__ = ("_scanned", "_text")

    def __init__(self, value: Any, text: Text) -> None:
        super().__init__(value, (1, 1), {}, text.position)
        self._text = text
        self._scanned = False

    def position(self, tokens: tuple[str, ...]) -> Position:
        if not self._scanned:
            self._scanned = True
            self._start, self._marks = _scan(self._text, self.value)
        return super().position(tokens)


def read(text: Text) -> JsonTree:
    """The value; a key that is given twice is an error, though JSON itself lets the last one win (RFC 8259, 4)."""
    try:
        value = orjson.loads(text.data)
    except orjson.JSONDecodeError as error:
        message = error.msg.partition(": line ")[0]
        if "depth limit" in message:
            raise TextError(f"nested more than {MAX_DEPTH} levels deep") from None
        raise TextError(f"not valid JSON: {message}", (error.lineno, error.colno)) from None
    try:
        written = orjson.dumps(value).count(b'":')
    except TypeError:
        # orjson reads 1,024 levels, and writes 254.
        raise TextError(f"nested more than {MAX_DEPTH} levels deep") from None
    # Each key ends in `":`, so a key that the parser dropped leaves the two counts apart. Other reasons (a blank
    # before the colon, a text that holds `":`) do so as well, which only costs the slow look.
    if text.data.count(b'":') != written and (twice := _duplicate(text)) is not None:
        raise twice
    return JsonTree(value, text)


def _scan(text: Text, root: Any) -> tuple[Position, dict[int, list[Any]]]:
    """Byte offsets of all keys and items, found by walking the tokens and the parsed value in step."""
    data = text.data
    marks: dict[int, list[Any]] = {}
    start: Position | None = None
    stack: list[tuple[list[Any], Any, bool]] = []
    here: list[Any] = []
    following: Any = iter((root,))
    keyed = True  # of the open container; the root needs no mark
    for match in _TOKEN.finditer(data):
        at = match.start()
        first = data[at]
        if start is None:
            start = text.position(at)
        if first == 125 or first == 93:  # } ]
            here, following, keyed = stack.pop()
        elif first == 123 or first == 91:  # { [
            container = next(following)
            if not keyed:
                here.append(at)
            stack.append((here, following, keyed))
            here, keyed = [], first == 123
            marks[id(container)] = here
            following = iter(container.values() if keyed else container)
        elif match.lastindex is not None:
            here.append(at)
        else:
            next(following, None)
            if not keyed:
                here.append(at)
    return start or (1, 1), marks


def _duplicate(text: Text) -> TextError | None:
    """The first key that its object holds twice."""
    data = text.data
    stack: list[dict[Any, int]] = []
    for match in _TOKEN.finditer(data):
        first = data[match.start()]
        if first == 123 or first == 91:
            stack.append({})
        elif first == 125 or first == 93:
            stack.pop()
        elif match.lastindex is not None:
            key = orjson.loads(match[0][: -len(match[1])])
            earlier = stack[-1].setdefault(key, match.start())
            if earlier != match.start():
                line, _ = text.position(earlier)
                return TextError(f"the key `{key}` is given twice, first in line {line}", text.position(match.start()))
    return None
