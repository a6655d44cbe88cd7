"""What a body says, read by its media type: the values in it, each beside the schema that it must keep."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import orjson

from contract.core.evidence import is_json, media_type
from contract.core.readings import DEEPEST, Judged, Malformed, Reading, Unread, decode, json, nested_too_deep, scalars
from contract.core.schema import SchemaError

if TYPE_CHECKING:
    from contract.core.openapi import MediaType
    from contract.core.schema import Schemas

__all__ = ["NOTHING", "Content", "Judged", "nested_too_deep", "read"]


@dataclass(frozen=True, slots=True)
class Content:
    """A body as it was read."""

    judged: tuple[Judged, ...] = ()
    malformed: str | None = None
    """Why the body is none of what its media type says; it then has no value to judge."""
    refused: tuple[SchemaError, ...] = ()
    """What breaks the document beside the schemas: a part's label, the name of an element. Pointers are of the body."""
    unread: str | None = None
    """Why the body is not judged although the document describes it, through no fault of its own."""


NOTHING = Content()


def read(schemas: Schemas, media: MediaType | None, content_type: str | None, body: bytes, direction: str) -> Content:
    """The values of a body that is sent as `content_type` and declared by `media` (None if nothing declares it).

    `direction` is "request" or "response". A range is declared, and never sent: the type that was sent decides how the
    body is read.
    """
    kind, charset = _kind(content_type)
    if kind == "json":
        try:
            value = orjson.loads(body)
        except ValueError:
            try:
                value = json(body, charset)
            except Malformed as error:
                return Content(malformed=str(error))
        if nested_too_deep(body, value):
            return Content(malformed=f"JSON nested deeper than {DEEPEST} levels")
        return Content((Judged(media.schema, value),)) if media is not None and media.schema is not None else NOTHING
    if kind is None:
        return NOTHING
    reading = Reading(schemas, direction)
    try:
        _READERS[kind](reading, media, content_type or "", body)
    except Malformed as error:
        return Content(malformed=str(error))
    except Unread as error:
        return Content(unread=str(error))
    return Content(tuple(reading.judged), None, reading.refused) if media is not None else NOTHING


@lru_cache(maxsize=1024)
def _kind(content_type: str | None) -> tuple[str | None, str | None]:
    """Which reader a body needs, and the charset that it is labelled with."""
    sent = media_type(content_type)
    charset = parameter(content_type or "", "charset")
    if sent is None:
        return None, charset
    if sent in _LINES or sent.endswith("+jsonl"):
        return "lines", charset
    if is_json(sent):
        return "json", charset
    if sent == "application/json-seq" or sent.endswith("+json-seq"):
        return "sequence", charset
    if sent == "application/x-www-form-urlencoded":
        return "form", charset
    if sent.startswith("multipart/"):
        return "multipart", charset
    if sent in ("application/xml", "text/xml") or sent.endswith("+xml"):
        return "xml", charset
    if sent == "text/event-stream":
        return "events", charset
    return ("text" if sent.startswith("text/") else None), charset


_LINES = frozenset(
    {
        "application/jsonl",
        "application/jsonlines",
        "application/ndjson",
        "application/stream+json",
        "application/x-jsonl",
        "application/x-jsonlines",
        "application/x-ndjson",
        "application/x-stream+json",
    }
)
"""Types of JSON texts, one a line; only few of them are registered."""


def parameter(content_type: str, name: str) -> str | None:
    """The value of a media type's parameter, its quotes taken off (RFC 9110, 5.6.6); None if there is none.

    >>> parameter('multipart/mixed; boundary="a; b"; charset=UTF-8', "boundary")
    'a; b'
    """
    for found in _PARAMETER.finditer(content_type):
        if found[1].lower() == name:
            return re.sub(r"\\(.)", r"\1", found[2][1:-1]) if found[2][:1] == '"' else found[2] or None
    return None


_PARAMETER = re.compile(r';\s*([^\s=;"]+)=("(?:[^"\\]|\\.)*"|[^\s;"]*)')


# --- readers -------------------------------------------------------------------------------------------------------


def _text(reading: Reading, media: MediaType | None, content_type: str, body: bytes) -> None:
    charset = _kind(content_type)[1]
    try:
        text = decode(body, charset)
    except UnicodeDecodeError:
        if charset is not None:
            raise Malformed(f"no text in {charset}") from None
        text = body.decode("latin-1")  # unlabelled text may be in any charset
    if media is None or media.schema is None:
        return
    pointers = (media.schema,)
    kinds = reading.kinds(pointers)
    if kinds and kinds <= {"object", "array"}:
        # No rule says how text becomes an object. Many servers send JSON as `text/plain`; then it is that.
        try:
            readings: tuple[object, ...] = (json(text.encode()),)
        except (Malformed, UnicodeEncodeError):
            raise Unread(f"{media_type(content_type)} that is described as an object or an array") from None
    else:
        readings = scalars(text, kinds)
    box: list[object] = [None]
    reading.put(box, 0, pointers, readings)
    reading.judge(media.schema, box)


def _form(reading: Reading, media: MediaType | None, content_type: str, body: bytes) -> None:
    from contract.core.forms import urlencoded

    urlencoded(reading, media, body, _kind(content_type)[1])


def _multipart(reading: Reading, media: MediaType | None, content_type: str, body: bytes) -> None:
    from contract.core.forms import multipart

    multipart(reading, media, content_type, body)


def _xml(reading: Reading, media: MediaType | None, content_type: str, body: bytes) -> None:
    from contract.core.markup import element, parse

    charset = _kind(content_type)[1]
    root = parse(body, charset)
    if media is None or media.schema is None:
        return
    box: list[object] = [None]
    kinds = reading.kinds((media.schema,))
    if kinds and kinds <= {"string", "null"}:
        # The text of an element, or what many documents mean by it: the document as it stands.
        whole = decode(body, charset) if charset is not None else body.decode("utf-8", "replace")
        reading.put(box, 0, (media.schema,), (whole,) if root.elements else (root.text(), whole))
    else:
        element(reading, root, (media.schema,), box, 0)
    reading.judge(media.schema, box)


def _events(reading: Reading, media: MediaType | None, content_type: str, body: bytes) -> None:
    from contract.core.streams import events, sequence

    sequence(reading, media, events(body), "event")


def _lines(reading: Reading, media: MediaType | None, content_type: str, body: bytes) -> None:
    from contract.core.streams import lines, sequence

    sequence(reading, media, lines(body), "line")


def _sequence(reading: Reading, media: MediaType | None, content_type: str, body: bytes) -> None:
    from contract.core.streams import records, sequence

    sequence(reading, media, records(body), "record")


_READERS: dict[str, Callable[[Reading, MediaType | None, str, bytes], None]] = {
    "form": _form,
    "multipart": _multipart,
    "xml": _xml,
    "events": _events,
    "lines": _lines,
    "sequence": _sequence,
    "text": _text,
}
