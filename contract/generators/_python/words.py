"""What the text of a schema tells of it: as JSON it is written and searched in a hundredth of the time of a walk.

In JSON a quote within a text is escaped, so that `"allOf":[` stands there only where a member of that name is a list.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import orjson

SCHEMAS = "#/components/schemas/"
NO_SCHEMAS = ("example", "examples", "default")
"""What is no schema, whatever it looks like."""
_REF = b'"$ref":"'
_TO_COMPONENT = b'"$ref":"#/components/schemas/'
_AROUND = re.compile(rb'"\$(?:id|anchor|dynamicRef|recursiveRef)":"')
_DATA = re.compile(rb'"(?:examples?|default)":[\[{]')
_FLAT_DATA = re.compile(rb'"(?:examples?|default)":[\[{](?:"(?:[^"\\]|\\.)*"|[^"\[\]{}])*[\]}]')


def written(value: Any) -> bytes | None:
    """The value as JSON, without blanks; None for what JSON cannot say: a number beyond 64 bits, a key that is no text."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return None


def refers_elsewhere(text: bytes) -> bool:
    """True if it refers to more than components."""
    return text.count(_REF) != text.count(_TO_COMPONENT)


def depends_on_place(text: bytes) -> bool:
    """True if it says, or refers to, what depends on where it is read from."""
    return _AROUND.search(text) is not None


def references(text: bytes) -> list[str] | None:
    """Whatever it refers to, perhaps more than once; None where only a walk can say."""
    if b'"discriminator":' in text:
        return None
    parts = text.split(_REF)
    if len(parts) == 1:
        return []
    if _DATA.search(text) is not None:
        text = _FLAT_DATA.sub(b"", text)
        if _DATA.search(text) is not None:
            return None
        parts = text.split(_REF)
    found = {part[: part.index(b'"')] for part in parts[1:]}
    return None if any(b"\\" in each for each in found) else [each.decode() for each in found]


def nodes(value: Any) -> Iterator[dict[Any, Any]]:
    """All objects of a value, itself included."""
    todo = [value]
    while todo:
        node = todo.pop()
        if isinstance(node, dict):
            yield node
            todo.extend([each for each in node.values() if isinstance(each, (dict, list))])
        elif isinstance(node, list):
            todo.extend(node)
