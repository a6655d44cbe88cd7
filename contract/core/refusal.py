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
"""Stands for the path that was asked for, which many routers repeat."""
_WORDS = re.compile(r"\0|[\w.:+/%~-]+|\s+|.", re.DOTALL)
"""A path, a time, a UUID is one word."""
_CHOSEN = re.compile(r"[\w.:+/%~-]*")
"""What may stand where two answers to like requests differ: an id, a time."""
_LONGEST = 64 * 1024


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
        return any(_fits(self.shape, _read(exchange, response, bare)) for bare in (True, False))


@dataclass(frozen=True, slots=True)
class _Words:
    """A text whose words are given, but for those that are None."""

    words: tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class _Any:
    """Any value of this type."""

    type: type


def _read(exchange: Exchange, response: Response, bare: bool = True) -> Any:
    """The body as JSON, or as text; the path that was asked for taken out of each text, `bare` without its slash too."""
    forms = _forms(exchange, bare)
    body = response.body
    if is_json(response.media_type):
        try:
            return _masked(response.json, forms)
        except (ValueError, RecursionError):
            pass  # labelled JSON, and none: then it is text like any other
    return _without(body[:_LONGEST].decode("utf-8", "replace"), forms)


def _forms(exchange: Exchange, bare: bool) -> list[str]:
    """How an answer may spell the path: decoded, in HTML, with the query, without its first slash; longest first."""
    request = exchange.request
    plain = {request.url, request.path, unquote(request.path)}
    forms = {each for form in plain for each in (form, escape(form))}
    if bare:
        forms |= {form[1:] for form in forms if form.startswith("/")}
    return sorted((form for form in forms if len(form) > 1), key=lambda form: (-len(form), form))


def _without(text: str, forms: Sequence[str]) -> str:
    for form in forms:
        text = text.replace(form, _PATH)
    return text


def _masked(value: Any, forms: Sequence[str]) -> Any:
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
