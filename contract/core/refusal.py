"""Is a 404 or 405 the router's own? It is where it looks like the answer to a path that cannot exist."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any
from urllib.parse import unquote

from contract.core.evidence import Exchange, Response, is_json

_PATH = "\0"
"""Stands for the path that was asked for, and for the method, which many routers repeat."""
_WORDS = re.compile(r"\0|[\w.:+/%~-]+|\s+|.", re.DOTALL)
"""A path, a time, a UUID is one word."""
_CHOSEN = re.compile(r"[\w.:+/%~-]*")
"""What may stand where two answers to like requests differ: an id, a time."""
_LONGEST = 64 * 1024
_LONGEST_PATH = 2048


@dataclass(frozen=True, slots=True)
class Refusal:
    """What two answers have in common that were given to requests which no operation can have answered.

    Values that differ between the two (a time, the id of a request) are left open; so is the path, wherever it is
    repeated.
    """

    status: int
    media_type: str | None
    shape: Any

    @classmethod
    def of(cls, one: Exchange, other: Exchange) -> Refusal | None:
        """None unless both were answered with the same status and media type."""
        if one.response is None or other.response is None:
            return None
        first, second = one.response, other.response
        if (first.status, first.media_type) != (second.status, second.media_type):
            return None
        return cls(first.status, first.media_type, _common(_read(one, first), _read(other, second)))

    def covers(self, exchange: Exchange) -> bool:
        """True if the exchange's answer cannot be told from these."""
        response = exchange.response
        if response is None or (response.status, response.media_type) != (self.status, self.media_type):
            return False
        # A short path may be a word of the text: `/tasks` of "no tasks here".
        ways = ((True, False), (False, False), (True, True), (False, True))
        return any(_fits(self.shape, _read(exchange, response, *way)) for way in ways)


@dataclass(frozen=True, slots=True)
class _Words:
    """A text whose words are given, but for those that are None."""

    words: tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class _Any:
    """Any value of this type."""

    type: type


Form = str | re.Pattern[str]
"""A spelling of the path, or a pattern of several."""


def _read(exchange: Exchange, response: Response, bare: bool = True, spelt: bool = False) -> Any:
    """The body as JSON, or as text; the path that was asked for taken out of each text, `bare` without its slash too,
    `spelt` in whatever spelling; and the method, `Cannot PUT /tasks`.
    """
    forms = _forms(exchange, bare)
    if spelt:
        forms += _spelt(exchange, bare)
    forms.append(re.compile(rf"\b{re.escape(exchange.request.method)}\b"))
    body = response.body
    if is_json(response.media_type):
        try:
            return _masked(response.json, forms)
        except (ValueError, RecursionError):
            pass  # labelled JSON, and none: then it is text like any other
    return _without(body[:_LONGEST].decode("utf-8", "replace"), forms)


def _forms(exchange: Exchange, bare: bool) -> list[Form]:
    """How an answer may spell the path: decoded, in HTML, with the query, without its first slash; longest first."""
    request = exchange.request
    plain = {request.url, request.path, unquote(request.path)}
    forms = {each for form in plain for each in (form, escape(form))}
    if bare:
        forms |= {form[1:] for form in forms if form.startswith("/")}
    return [*sorted((form for form in forms if len(form) > 1), key=lambda form: (-len(form), form))]


def _spelt(exchange: Exchange, bare: bool) -> list[Form]:
    """The path in a spelling of the server's own: one decodes it and encodes a part of it again (`\\`, `?`, `#`),
    another drops line breaks and tabs, as the URL standard has it. Nothing for one that is too short or too long.
    """
    path = unquote(exchange.request.path)
    path = path[1:] if bare and path.startswith("/") else path
    if not 1 < len(path) <= _LONGEST_PATH:
        return []
    return [re.compile("".join(map(_letter, path)))]


def _letter(letter: str) -> str:
    """A pattern of how a letter may be written in a path that an answer repeats."""
    if letter == "\ufffd":  # a byte that is no UTF-8
        return r"(?:%[0-9A-Fa-f]{2}|[^\x00-\x7f])"
    if letter.isalnum() and letter.isascii():
        return letter
    encoded = "".join(f"%{byte:02x}" for byte in letter.encode("utf-8", "surrogatepass"))
    code = ord(letter)
    written = {f"(?i:{encoded}|&#0*{code};|&#x0*{code:x};)", re.escape(escape(letter)), re.escape(letter)}
    found = "|".join(sorted(written, key=lambda each: (-len(each), each)))
    return f"(?:{found})" + ("?" if letter in "\t\r\n" else "")


def _without(text: str, forms: Sequence[Form]) -> str:
    for form in forms:
        text = text.replace(form, _PATH) if isinstance(form, str) else form.sub(_PATH, text)
    return text


def _masked(value: Any, forms: Sequence[Form]) -> Any:
    if isinstance(value, str):
        return _without(value, forms)
    if isinstance(value, dict):
        return {name: _masked(item, forms) for name, item in value.items()}
    return [_masked(item, forms) for item in value] if isinstance(value, list) else value


def _common(one: Any, other: Any) -> Any:
    """The shape that both have."""
    if type(one) is not type(other):
        return _Any(object)
    if isinstance(one, dict):
        return {name: _common(one[name], other[name]) for name in one} if one.keys() == other.keys() else _Any(dict)
    if isinstance(one, list):
        if len(one) != len(other):
            return _Any(list)
        return [_common(first, second) for first, second in zip(one, other, strict=True)]
    if one == other:
        return _Words(tuple(_WORDS.findall(one))) if isinstance(one, str) else one
    if not isinstance(one, str):
        return _Any(type(one))
    words, others = _WORDS.findall(one), _WORDS.findall(other)
    if len(words) != len(others):
        return _Any(str)
    # What is told of a text is what stays the same; where that is nothing at all, it may be any.
    kept = tuple(first if first == second else None for first, second in zip(words, others, strict=True))
    return _Words(kept) if any(kept) else _Any(str)


def _fits(shape: Any, value: Any) -> bool:
    if isinstance(shape, _Any):
        return isinstance(value, shape.type)
    if isinstance(shape, _Words):
        return isinstance(value, str) and _reads(shape.words, value)
    if isinstance(shape, dict):
        return (
            isinstance(value, dict)
            and value.keys() == shape.keys()
            and all(_fits(shape[name], value[name]) for name in shape)
        )
    if isinstance(shape, list):
        return (
            isinstance(value, list)
            and len(value) == len(shape)
            and all(_fits(item, other) for item, other in zip(shape, value, strict=True))
        )
    return type(shape) is type(value) and bool(shape == value)


def _reads(words: tuple[str | None, ...], text: str) -> bool:
    """True if the text has these words in this order, and one of its own choice for each None."""
    found = list(_words(text))
    return len(found) == len(words) and all(
        (word == other) if word is not None else _CHOSEN.fullmatch(other) is not None
        for word, other in zip(words, found, strict=True)
    )


def _words(text: str) -> Iterator[str]:
    return (match[0] for match in _WORDS.finditer(text))
