"""Exchanges of a mitmproxy flow file, as `mitmdump -w` writes it: `mitmproxy:flows.mitm`.

The file is read here, and not by mitmproxy's own package, which pins thirty others to versions that do not stand beside
ours: it is a row of tagged netstrings, one a flow, whose members for a request and its response have kept their names
since mitmproxy 1. Only HTTP flows are exchanges; WebSocket messages, TCP, UDP and DNS flows are passed over.

A body that was streamed is not in the file: it is then unknown, and not empty. Bodies are as they went over the wire, so
that a content coding is undone here, and one that cannot be undone is lost.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, BinaryIO

from contract.core.errors import SourceError
from contract.core.evidence import Exchange, Headers, Lost, Request, Response
from contract.sources.traffic._recorded import (
    Clock,
    Damaged,
    authority,
    elapsed_us,
    instant,
    lowered,
    opened,
    traffic,
    wanted,
    whole,
)

FLOW_CAP = 192 << 20
"""Bytes of one flow, two bodies of 64 MB among them."""
_DEPTH = 64


def exchanges(
    where: str,
    *,
    hosts: Collection[str] | None = None,
    others: Counter[str] | None = None,
    now: datetime | None = None,
) -> Iterator[Exchange | Lost]:
    """The exchanges in the file's order, and what of it cannot be read, each with its `flows.mitm flow 3`.

    With `hosts`, only those that went to one of them; `others` counts the rest, by host. `now` is the clock's if it is
    not given.
    """
    clock = Clock(now)
    number = 0
    with opened(where) as stream:
        try:
            while True:
                number += 1
                place = f"{where} flow {number}"
                try:
                    raw = _element(stream)
                except ValueError as error:
                    if number == 1:
                        raise SourceError(f"{where}: not a mitmproxy flow file: {error}") from error
                    yield Lost("flow file is cut off or damaged", place, str(error))
                    return
                if raw is None:
                    return
                yield from _judged(raw, place, hosts, others, clock)
        except Damaged as error:
            yield Lost("packed file is damaged or cut off", f"{where} flow {number}", str(error))


def _judged(
    raw: bytes, place: str, hosts: Collection[str] | None, others: Counter[str] | None, clock: Clock
) -> Iterator[Exchange | Lost]:
    if not raw:
        yield Lost(f"flow is longer than {FLOW_CAP >> 20} MB", place)
        return
    lost: list[Lost] = []
    try:
        flow, _ = _value(memoryview(raw), 0, _DEPTH)
        found = _exchange(flow, place, lost, hosts, others, clock)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        what = f"`{error.args[0]}` is missing" if isinstance(error, KeyError) else str(error)
        yield Lost("flow is none that mitmproxy writes", place, what)
        return
    if found is not None:
        yield found
    yield from lost


def _exchange(
    flow: Mapping[str, Any],
    place: str,
    lost: list[Lost],
    hosts: Collection[str] | None,
    others: Counter[str] | None,
    clock: Clock,
) -> Exchange | None:
    if flow["type"] != "http":
        return None
    asked, answered, error = flow["request"], flow.get("response"), flow.get("error")
    headers = _headers(asked["headers"])
    known = lowered(headers)
    scheme = _text(asked.get("scheme", "http")) or "http"
    named = _text(asked.get("authority", "")) or known.get("host")
    if not named:
        port = asked.get("port")
        named = _text(asked.get("host", "")) + (f":{port}" if port else "")
    if not wanted(authority(named, scheme) or None, hosts, others):
        return None
    sent, cut = _body(asked, known, "request body", place, lost)
    method = _text(asked["method"]).upper()
    if method == "CONNECT":
        return None  # the tunnel, not what went through it
    request = Request(method, _text(asked["path"]), headers, sent or None, cut)
    response = None
    took = None
    if answered is not None:
        status = answered["status_code"]
        headers = _headers(answered["headers"])
        if method == "HEAD" or status in (204, 304) or status < 200:
            response = Response(status, headers, answered.get("content") or b"")
        else:
            body, cut = _body(answered, lowered(headers), "response body", place, lost)
            response = Response(status, headers, body, cut)
        began, ended = asked.get("timestamp_start"), answered.get("timestamp_end")
        took = (ended - began) * 1_000_000 if began is not None and ended is not None else None
    failure = str((error or {}).get("msg") or "no answer") if response is None else None
    at = asked.get("timestamp_start")
    return Exchange(
        request,
        response,
        "mitmproxy",
        traffic(known),
        elapsed_us(took, place, lost),
        failure=failure,
        origin=place,
        sent_at=instant(_time(at), clock, place, lost),
        abandoned=failure is not None and failure.lower().startswith("client disconnected"),
    )


def _time(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    except (OverflowError, OSError, ValueError):
        return "none"  # which is then told as what it is


def _body(
    half: Mapping[str, Any], known: Mapping[str, str], side: str, place: str, lost: list[Lost]
) -> tuple[bytes, bool]:
    content = half.get("content")
    return whole(content, known, place, lost, packed=True, side=side) if content is not None else (b"", True)


def _headers(pairs: Any) -> Headers:
    return tuple((_text(name), _text(value)) for name, value in pairs if not _text(name).startswith(":"))


def _text(value: bytes | str) -> str:
    # Header fields are octets (RFC 9110, 5.5); what is no UTF-8 is kept byte for byte.
    return value if isinstance(value, str) else value.decode("utf-8", "surrogateescape")


# --- tagged netstrings ------------------------------------------------------------------------------------------------


def _element(stream: BinaryIO) -> bytes | None:
    """The next one as it is written; empty if it was too long and passed over; None at the end."""
    digits = b""
    while (byte := stream.read(1)) and byte != b":":
        digits += byte
        if not digits.isdigit() or len(digits) > 12:
            raise ValueError(f"expected a length at {digits[:12]!r}")
    if not byte:
        if digits:
            raise ValueError("it ends early")
        return None
    size = int(digits) + 1  # and the tag
    if size > FLOW_CAP:
        while size and (block := stream.read(min(size, 1 << 20))):
            size -= len(block)
        if size:
            raise ValueError("it ends early")
        return b""
    data = stream.read(size)
    if len(data) < size:
        raise ValueError("it ends early")
    return digits + b":" + data


def _value(data: memoryview, at: int, depth: int) -> tuple[Any, int]:
    """The value that begins there, and where the next one does."""
    digits, mark, _ = bytes(data[at : at + 13]).partition(b":")
    if not mark or not digits.isdigit():
        raise ValueError("a length is missing")
    start = at + len(digits) + 1
    end = start + int(digits)
    if end >= len(data) or depth == 0:
        raise ValueError("a length leads too far" if depth else "nested too deep")
    tag, payload = data[end], data[start:end]
    if tag == 0x2C:  # ,
        return bytes(payload), end + 1
    if tag == 0x3B:  # ;
        return bytes(payload).decode("utf-8", "surrogateescape"), end + 1
    if tag == 0x23:  # #
        return int(bytes(payload)), end + 1
    if tag == 0x5E:  # ^
        return float(bytes(payload)), end + 1
    if tag == 0x21:  # !
        return bytes(payload) == b"true", end + 1
    if tag == 0x7E:  # ~
        return None, end + 1
    if tag not in (0x5D, 0x7D):  # ] }
        raise ValueError(f"no value is tagged {chr(tag)!r}")
    items = []
    inner = 0
    while inner < len(payload):
        item, inner = _value(payload, inner, depth - 1)
        items.append(item)
    if tag == 0x5D:
        return items, end + 1
    names = (name.decode() if isinstance(name, bytes) else name for name in items[::2])
    return dict(zip(names, items[1::2], strict=True)), end + 1
