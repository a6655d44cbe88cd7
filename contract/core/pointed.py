"""Which part of the request does a refusal name? Many say it in a member of their own, as a pointer, a path or a list.

RFC 9457 leaves such members to the API (3.2); JSON:API has `source.pointer` and `source.parameter`, ajv `instancePath`,
pydantic `loc`, Cornice `location` beside `name`; Laravel and Rails list the errors under the names of the fields.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import orjson

from contract.core.document import escape, resolve, split
from contract.core.evidence import is_json
from contract.core.finding import folded

if TYPE_CHECKING:
    from contract.core.evidence import Exchange

_POINTERS = frozenset({"pointer", "instancepath", "datapath", "jsonpointer", "json_pointer", "instance_path"})
_LOCATIONS = {"body": "body", "query": "query", "querystring": "query", "path": "path", "header": "header"}
_LONGEST = 64 * 1024
_DEEPEST = 4


def place(exchange: Exchange) -> str | None:
    """The place of the request (`query:limit`, `body:/parts/*/size`) that the answer names; None if it names none or more.

    Only what the request really carries counts: what is missing lies nowhere.
    """
    answer = exchange.response
    if answer is None or not is_json(answer.media_type) or len(answer.body) > _LONGEST:
        return None
    try:
        said = orjson.loads(answer.body)
    except ValueError:
        return None
    sent = _Sent(exchange)
    found = {folded(each) for each in _named(said, 0) if sent.has(each)}
    return found.pop() if len(found) == 1 else None


class _Sent:
    """What a request carries, by place."""

    def __init__(self, exchange: Exchange) -> None:
        request = exchange.request
        try:
            self.body = orjson.loads(request.body or b"") if is_json(request.media_type) else None
        except ValueError:
            self.body = None
        self.query = {name for name, _ in parse_qsl(request.query, keep_blank_values=True)}

    def has(self, place: str) -> bool:
        kind, _, name = place.partition(":")
        if kind == "query":
            return name in self.query
        if kind != "body" or self.body is None or name in ("", "/"):
            return False
        try:
            resolve(self.body, f"#{name}")
        except (KeyError, ValueError, IndexError, TypeError):
            return False
        return True


def _named(value: Any, depth: int) -> Iterator[str]:
    """Every place that an answer may name, whether there is anything or not."""
    if depth > _DEEPEST:
        return
    if isinstance(value, list):
        for item in value:
            yield from _named(item, depth + 1)
        return
    if not isinstance(value, Mapping):
        return
    location = _LOCATIONS.get(str(value.get("location", value.get("in", ""))).lower())
    if location is not None and isinstance(value.get("name"), str):
        yield _place(location, value["name"])
    for name, item in value.items():
        if isinstance(item, str) and re.sub(r"\W", "", name).lower() in _POINTERS:
            yield from _pointed(item)
        elif name == "parameter" and isinstance(item, str):
            yield f"query:{item}"
        elif name == "loc" and isinstance(item, list) and item and str(item[0]) in _LOCATIONS:
            yield _place(_LOCATIONS[str(item[0])], "/".join(escape(str(part)) for part in item[1:]), "/")
        elif name in ("errors", "fields", "invalid", "violations") and isinstance(item, Mapping):
            for field, why in item.items():
                if isinstance(why, (str, list)):
                    yield _place("body", str(field))
            yield from _named(item, depth + 1)
        else:
            yield from _named(item, depth + 1)


def _pointed(text: str) -> Iterator[str]:
    """A JSON Pointer, or ajv's older spelling with dots: `.query.limit`, `/parts/0`."""
    if text.startswith(("/", "#/")):
        tokens = split(text)
    elif text.startswith("."):
        tokens = tuple(part for part in re.split(r"[.\[\]]+", text) if part)
    else:
        return
    pointer = "".join(f"/{escape(token)}" for token in tokens)
    yield f"body:{pointer}"
    if len(tokens) == 2 and tokens[0] in _LOCATIONS:
        yield _place(_LOCATIONS[tokens[0]], tokens[1])
    elif len(tokens) > 2 and tokens[0] == "body":
        yield f"body:{pointer.removeprefix('/body')}"


def _place(location: str, name: str, parted: str = ".") -> str:
    if location != "body":
        return f"{location}:{name}"
    if parted == "/":
        return f"body:/{name}"
    return "body:" + "".join(f"/{escape(part)}" for part in re.split(r"[.\[\]]+", name) if part)
