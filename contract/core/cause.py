"""What does an error answer say is wrong, apart from the values of this one request? The same words are the same cause.

`time: invalid duration "4x"` and `time: invalid duration "9z"` are one cause; `unable to parse 'abc'` is another.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

import orjson

from contract.core.evidence import Exchange, is_json
from contract.core.exercise import below, bodies

if TYPE_CHECKING:
    from contract.core.openapi import Operation

_LONGEST = 16 * 1024
_WORDS = 16
"""Words that tell one cause from another; what comes after them is detail."""
_QUOTED = re.compile(r'"[^"\n]*"|\'[^\'\n]*\'|`[^`\n]*`|«[^»]*»|“[^”]*”')
_VALUE = re.compile(r"\b(?=\w*\d)[\w.:+-]+\b|[^\x00-\x7f]+|/[\w./%-]+")
"""Numbers, times, ids, hexadecimal; text of other scripts; paths."""
_TELLING = (
    "detail",
    "message",
    "error",
    "title",
    "errors",
    "msg",
    "description",
    "reason",
    "exception",
    "type",
    "code",
)


def cause(exchange: Exchange, operation: Operation) -> str:
    """Words of an error answer that do not depend on what was sent; "" where it says nothing.

    Of JSON the texts are read, of HTML the title. What the request repeats, names that the operation declares, quoted
    texts, numbers and ids are left out.
    """
    answer = exchange.response
    if answer is None or not answer.body:
        return ""
    body = answer.body[:_LONGEST]
    text = ""
    if is_json(answer.media_type) or body.lstrip()[:1] in (b"{", b"[", b'"'):
        try:
            text = " ".join(_texts(answer.json, 0))
        except (ValueError, RecursionError):
            text = ""
    if not text:
        text = body.decode("utf-8", "replace")
        if text.lstrip()[:1] == "<":
            title = re.search(r"<title[^>]*>(.*?)</title>", text, re.IGNORECASE | re.DOTALL)
            text = title[1] if title is not None else ""
    return _without_values(text, _sent(exchange) | _declared(operation))


def _texts(value: Any, depth: int) -> list[str]:
    """Texts of an error document: those of the telling members if there are any, else all of the first level."""
    if isinstance(value, str):
        return [value]
    if depth > 3:
        return []
    if isinstance(value, list):
        return [text for item in value[:1] for text in _texts(item, depth + 1)]
    if not isinstance(value, dict):
        return []
    named = [name for name in _TELLING if name in value]
    return [text for name in named or list(value)[:4] for text in _texts(value[name], depth + 1)]


def _without_values(text: str, values: frozenset[str]) -> str:
    text = _VALUE.sub(" ", _QUOTED.sub(" ", text))
    # Shorter words are those of ids too, and would come and go with them.
    words = [word for word in re.findall(r"[A-Za-z][A-Za-z_-]+", text) if word.lower() not in values]
    return " ".join(words[:_WORDS]).lower() if len(words) > 1 else ""  # a single word is a name, or a value


def _declared(operation: Operation) -> frozenset[str]:
    """Names of parameters and properties that the request may have."""
    found = operation.__dict__.get("_names_of_requests")
    if found is None:
        names = {parameter.name.lower() for parameter in operation.parameters}
        for direction, pointer in bodies(operation):
            if direction == "request":
                names |= {
                    part.lower()
                    for label in below(operation.schemas, direction, pointer)
                    for part in re.findall(r"properties/([^/]+)", label)
                }
        found = operation.__dict__["_names_of_requests"] = frozenset(names)
    return found


def _sent(exchange: Exchange) -> frozenset[str]:
    """The words of the request, names and values: an answer that repeats them says no more."""
    request = exchange.request
    parts = [unquote_plus(request.url)]
    if request.body:
        body = request.body[:_LONGEST]
        try:
            parts += _all(orjson.loads(body), 0)
        except ValueError:
            parts.append(unquote_plus(body.decode("utf-8", "replace")))
    found: set[str] = set()
    for part in parts:
        # The letters of an id come and go with it: they are no words.
        found.update(word.lower() for word in re.findall(r"(?<![\w-])[A-Za-z][A-Za-z_-]*(?![\w-])", part))
    return frozenset(found)


def _all(value: Any, depth: int) -> list[str]:
    if isinstance(value, str):
        return [value]
    if depth > 6:
        return []
    if isinstance(value, dict):
        return [text for name, item in value.items() for text in (str(name), *_all(item, depth + 1))]
    return [text for item in value for text in _all(item, depth + 1)] if isinstance(value, list) else []


_SHOWN = 160


def words_of(body: bytes) -> str:
    """`: ` and the beginning of what an answer says, as it says it; "" for nothing. It often names what nobody wrote down.

    No word is cut: half of a secret is masked by nobody.
    """
    text = " ".join(body[:_LONGEST].decode("utf-8", "replace").split())
    if len(text) > _SHOWN:
        text = text[:_SHOWN].rpartition(" ")[0] + " …"
    return f": {text}" if text else ""
