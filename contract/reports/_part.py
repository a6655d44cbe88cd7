"""Which part of a JSON body differs: the path to it, its neighbours in brief, and the part itself marked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from contract.core.document import unescape

Segment = tuple[str, str]
"""A kind (`""` plain, `key`, `mark`) and its text."""

LIMIT = 2000
"""Characters that are shown of a body at most, about 2 kB."""
_READ = 1 << 18  # a larger body is not even parsed: the words beside it must do
_BESIDE = 8
_VALUE = 80
_MARKED = 600


def part(body: str | None, pointer: str | None) -> tuple[Segment, ...] | None:
    """The body cut to the path around the pointer; None if it is no JSON, or the pointer is none into a body."""
    if not body or len(body) > _READ or pointer is None or not (pointer == "" or pointer.startswith("/")):
        return None
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    tokens = [unescape(token) for token in pointer.split("/")[1:]]
    path, rest = _find(value, tokens)
    missing = rest[0] if len(rest) == 1 and rest[0] != "*" and isinstance(_at(value, path), dict) else None
    if rest and missing is None and not path:
        return None
    for beside in (_BESIDE, 2, 0):
        shown: list[Segment] = []
        _write(value, path, missing, "", beside, shown)
        if sum(len(text) for _, text in shown) <= LIMIT:
            return tuple(shown)
    # The path alone is too long: the part stands without it.
    return (("mark", f'(no "{_cut(missing, _VALUE)}")' if missing else _whole(_at(value, path), "")),)


def _find(value: Any, tokens: Sequence[str]) -> tuple[list[str | int], Sequence[str]]:
    """How far the tokens lead, and those that lead nowhere; `*` is the first item that leads furthest."""
    path: list[str | int] = []
    for index, token in enumerate(tokens):
        if isinstance(value, dict) and token in value:
            path.append(token)
            value = value[token]
        elif isinstance(value, list) and token == "*":
            best: tuple[list[str | int], Sequence[str]] = ([], tokens[index:])
            for number, item in enumerate(value[:200]):
                more, rest = _find(item, tokens[index + 1 :])
                if number == 0 or len(rest) < len(best[1]):
                    best = ([number, *more], rest)
                if not rest:
                    break
            return path + best[0], best[1]
        elif isinstance(value, list) and token.isdecimal() and int(token) < len(value):
            path.append(int(token))
            value = value[int(token)]
        else:
            return path, tokens[index:]
    return path, ()


def _at(value: Any, path: Sequence[str | int]) -> Any:
    for step in path:
        value = value[step]
    return value


def _write(
    value: Any, path: Sequence[str | int], missing: str | None, indent: str, beside: int, out: list[Segment]
) -> None:
    if not path and missing is None:
        out.append(("mark", _whole(value, indent)))
        return
    inner = indent + "  "
    if isinstance(value, list):
        number = path[0]
        assert isinstance(number, int)
        out.append(("", f"[\n{inner}"))
        if number:
            out.append(("key", f"… {number:,} before\n{inner}"))
        _write(value[number], path[1:], missing, inner, beside, out)
        if len(value) > number + 1:
            out.append(("key", f",\n{inner}… {len(value) - number - 1:,} more"))
        out.append(("", f"\n{indent}]"))
        return
    names = list(value)
    kept = _near(names, names.index(path[0]) if path else len(names), beside)
    out.append(("", "{"))
    for name in kept:
        out += [("", f"\n{inner}"), ("key", f'"{_cut(name, _VALUE)}"'), ("", ": ")]
        if path and name == path[0]:
            _write(value[name], path[1:], missing, inner, beside, out)
        else:
            out.append(("", _cut(_brief(value[name]), _VALUE)))
        out.append(("", ","))
    if len(kept) < len(names):
        out.append(("key", f"\n{inner}… {len(names) - len(kept):,} more,"))
    if not path:
        out.append(("", f"\n{inner}"))
        out.append(("mark", f'(no "{_cut(missing or "", _VALUE)}")'))
    elif out[-1] == ("", ","):
        out.pop()
    out.append(("", f"\n{indent}}}"))


def _near(names: list[str], index: int, beside: int) -> list[str]:
    """The name at the index and up to `beside` others around it, in their order."""
    if len(names) <= beside + 1:
        return names
    start = max(0, min(index - beside // 2, len(names) - beside - 1))
    return names[start : start + beside + 1]


def _brief(value: Any) -> str:
    if isinstance(value, dict) and value:
        return "{…}"
    if isinstance(value, list) and value:
        return f"[… {len(value):,}]"
    return orjson.dumps(value).decode()


def _whole(value: Any, indent: str) -> str:
    text = orjson.dumps(value).decode()
    if len(text) > _VALUE and isinstance(value, dict | list):
        text = orjson.dumps(value, option=orjson.OPT_INDENT_2).decode().replace("\n", "\n" + indent)
    return _cut(text, _MARKED)


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
