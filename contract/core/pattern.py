"""Which texts does a regular expression match? Some of them, made by a walk over the parsed expression."""

from __future__ import annotations

import importlib
import re
import string
from collections.abc import Iterator
from typing import Any

_LONGEST = 2000  # steps of one walk; what needs more is cut short, and the schema refuses it
_CLASSES = {
    r"\p{L}": "a-zA-Z",
    r"\p{Lu}": "A-Z",
    r"\p{Ll}": "a-z",
    r"\p{N}": "0-9",
    r"\p{Nd}": "0-9",
    r"\p{P}": "-_.,",
    r"\p{S}": "+=",
    r"\p{Z}": " ",
    r"\p{M}": "\u0301",
}
_WORD = string.ascii_lowercase + string.ascii_uppercase + string.digits + "_"
_PRINTABLE = string.ascii_lowercase + string.digits + string.ascii_uppercase + "-_.~ " + string.punctuation


def texts(pattern: str, salt: int = 0) -> Iterator[str]:
    """Texts that are likely to match, the shortest first; `salt` changes which characters are taken.

    Nothing is promised: look-around is passed over, and an expression that Python does not read gives none. So each
    text is held against the schema before it is used.
    """
    tree = _parsed(pattern)
    if tree is None:
        return
    seen: set[str] = set()
    for grow in (0, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377):
        for turn in range(3):
            walk = _Walk(salt * 7919 + turn, grow)
            text = walk.all(tree)
            if text not in seen:
                seen.add(text)
                yield text
            if walk.left <= 0:
                return


def _parsed(pattern: str) -> Any | None:
    # ECMA-262's spelling of named groups and of classes by property (JSON Schema 2020-12 validation, 6.3.3).
    spelled = re.sub(r"\(\?<(?![=!])", "(?P<", pattern)
    for name, members in _CLASSES.items():
        spelled = re.sub(r"(\[[^\]]*)" + re.escape(name), lambda found, m=members: found[1] + m, spelled)  # type: ignore[misc]
        spelled = spelled.replace(name, f"[{members}]")
    try:
        return importlib.import_module("re._parser").parse(spelled)
    except (re.error, OverflowError, RecursionError):
        return None


class _Walk:
    """One walk: repetitions are `grow` longer than they must be; `pick` goes round the choices."""

    def __init__(self, seed: int, grow: int) -> None:
        self.state = seed
        self.grow = grow
        self.left = _LONGEST
        self.groups: dict[int, str] = {}

    def pick(self, count: int) -> int:
        if self.state == 0:
            return 0
        self.state = (self.state * 1103515245 + 12345) & 0x7FFFFFFF
        return (self.state >> 8) % count

    def all(self, items: Any) -> str:
        return "".join(self.one(str(op), value) for op, value in items)

    def one(self, op: str, value: Any) -> str:
        self.left -= 1
        match op:
            case "LITERAL":
                return chr(value)
            case "NOT_LITERAL":
                return next(char for char in _PRINTABLE if char != chr(value))
            case "ANY":
                return _PRINTABLE[self.pick(36)]
            case "IN":
                return self.member(value)
            case "BRANCH":
                return self.all(value[1][self.pick(len(value[1]))])
            case "SUBPATTERN":
                text = self.all(value[3])
                if value[0] is not None:
                    self.groups[value[0]] = text
                return text
            case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
                low, high, inner = value
                made: list[str] = []
                while len(made) < min(int(high), low + self.grow) and self.left > 0:
                    made.append(self.all(inner))
                return "".join(made)
            case "ATOMIC_GROUP":
                return self.all(value)
            case "GROUPREF":
                return self.groups.get(value, "")
            case "CATEGORY":
                return _category(str(value))[0]
            case _:  # AT, ASSERT, ASSERT_NOT: they match no text of their own
                return ""

    def member(self, items: Any) -> str:
        negated = bool(items) and str(items[0][0]) == "NEGATE"
        chars: list[str] = []
        for op, value in items:
            match str(op):
                case "LITERAL":
                    chars.append(chr(value))
                case "RANGE":
                    chars.extend(map(chr, range(value[0], min(value[1], value[0] + 128) + 1)))
                case "CATEGORY":
                    chars.extend(_category(str(value)))
        if negated:
            without = set(chars)
            chars = [char for char in _PRINTABLE if char not in without] or ["\u00e9"]
        readable = [char for char in chars if char in _WORD] or [char for char in chars if char.isprintable()] or chars
        return readable[self.pick(len(readable))] if readable else ""


def _category(name: str) -> str:
    match name:
        case "CATEGORY_DIGIT":
            return string.digits
        case "CATEGORY_SPACE":
            return " "
        case "CATEGORY_WORD":
            return _WORD
        case "CATEGORY_NOT_DIGIT":
            return string.ascii_lowercase
        case "CATEGORY_NOT_SPACE":
            return _PRINTABLE.replace(" ", "")
        case _:
            return "-"
