"""The items of a sequential body (OpenAPI 3.2, 4.14.3): server-sent events, JSON a line, JSON text sequences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from contract.core.evidence import is_json
from contract.core.readings import Judged, Malformed, Reading, Unread, applying, json

if TYPE_CHECKING:
    from contract.core.openapi import MediaType


def sequence(reading: Reading, media: MediaType | None, items: list[Any], unit: str) -> None:
    """Adds each item under `itemSchema`, and all of them as an array under `schema`."""
    if media is None:
        return
    if media.item is not None:
        for item in items:
            reading.judged.append(Judged(media.item, item, "/*"))
            if unit == "event":
                _data(reading, media.item, item)
    if media.schema is None:
        return
    kinds = reading.kinds((media.schema,))
    if kinds and kinds <= {"string", "null"}:
        raise Unread("a stream that is described as one string")
    if reading.newest or not kinds or "array" in kinds:
        reading.judged.append(Judged(media.schema, items))
    elif unit != "event":
        # Before 3.2 nothing could be said of an item; documents describe one, and mean each.
        reading.judged.extend(Judged(media.schema, item, "/*") for item in items)
    else:
        raise Unread("a stream whose items the document does not describe")


def events(body: bytes) -> list[dict[str, Any]]:
    """The events of a stream (HTML standard, 9.2.6), each with the fields that it was sent with.

    What the standard ignores is left out: comments, fields that it does not know, events without data, and a last one
    that no blank line ends.
    """
    text = body.decode("utf-8", "replace").removeprefix("\ufeff")  # the standard decodes so, and never fails
    found: list[dict[str, Any]] = []
    event: dict[str, Any] = {}
    data: list[str] = []
    *whole, _ = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for line in whole:
        if not line:
            if data:
                found.append({**event, "data": "\n".join(data)})
            event, data = {}, []
            continue
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "data":
            data.append(value)
        elif field == "event" or (field == "id" and "\0" not in value):
            event[field] = value
        elif field == "retry" and value.isascii() and value.isdigit() and len(value) < 19:
            event["retry"] = int(value)
    return found


def lines(body: bytes) -> list[Any]:
    """The values of JSON Lines; empty lines are none."""
    return [_value(line, "line", number) for number, line in enumerate(body.split(b"\n"), 1) if line.strip()]


def records(body: bytes) -> list[Any]:
    """The values of a JSON text sequence (RFC 7464, 2.1)."""
    head, *texts = body.split(b"\x1e")
    if head.strip():
        raise Malformed("no JSON text sequence: it does not begin with a record separator")
    found = []
    for number, text in enumerate(texts, 1):
        if not text.strip():
            continue
        value = _value(text, "record", number)
        if not isinstance(value, (str, dict, list)) and text[-1:] not in b" \t\r\n":
            raise Malformed(f"no JSON in record {number}: it may have been cut off")  # RFC 7464, 2.4
        found.append(value)
    return found


def _value(text: bytes, unit: str, number: int) -> Any:
    try:
        return json(text)
    except Malformed as error:
        reason = str(error).removeprefix("no JSON: ")
        raise Malformed(f"no JSON in {unit} {number}: {reason}") from None


def _data(reading: Reading, schema: str, event: dict[str, Any]) -> None:
    """Adds what is in an event's `data` where the schemas that apply say what that is (OpenAPI 3.2, 4.14.4)."""
    for place, node in applying(reading, schema, event):
        declared = node.get("properties", {}).get("data")
        if not isinstance(declared, dict):
            continue
        for at, inner in applying(reading, f"{place}/properties/data", event["data"]):
            if "contentSchema" not in inner or not is_json(inner.get("contentMediaType")):
                continue
            try:
                value = json(event["data"].encode())
            except Malformed as error:
                reading.refuse("/*/data", "contentMediaType", at, str(inner["contentMediaType"]), str(error))
            else:
                reading.judged.append(Judged(f"{at}/contentSchema", value, "/*/data"))
