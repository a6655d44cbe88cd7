"""Exchanges of a HAR 1.2 file, as browsers, proxies, load testers and Schemathesis record them: `har:capture.har`.

The file is read entry by entry, so that its size does not matter; `.har.xz`, `.har.gz` and `.har.zst` are unpacked on
the way. Bodies in a HAR are already decoded, while the `content-encoding` header still stands: it is kept and says
nothing more. Where the recorder left a body out, the message is marked as truncated, so that a missing body is not
judged as empty. Only http(s) and WebSocket handshakes are read; `data:` and `chrome-extension:` entries are nobody's API.

An entry that is no JSON, or no HAR entry, is lost, and those after it are read. Where the brackets do not match any more
or the file ends early, everything after is lost, and that is told once.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import orjson

from contract.core.errors import SourceError
from contract.core.evidence import Exchange, Headers, Lost, Request, Response
from contract.sources.traffic._json import Ended, Text, TooLong, Unexpected, once
from contract.sources.traffic._recorded import (
    Clock,
    Damaged,
    elapsed_us,
    encoded,
    filtered,
    instant,
    lowered,
    opened,
    split,
    traffic,
    unbase64,
    wanted,
    whole,
)


def exchanges(
    where: str,
    *,
    hosts: Collection[str] | None = None,
    others: Counter[str] | None = None,
    now: datetime | None = None,
) -> Iterator[Exchange | Lost]:
    """The exchanges in the file's order, and what of it cannot be read, each with its `capture.har entry 3`.

    With `hosts`, only those that went to one of them; `others` counts the rest, by host. `now` is the clock's if it is
    not given.
    """
    clock = Clock(now)
    with opened(where) as stream:
        for number, entry in _entries(Text(stream), where):
            place = f"{where} entry {number}"
            if isinstance(entry, Lost):
                yield entry
                continue
            lost: list[Lost] = []
            try:
                found = _exchange(_read(entry), place, lost, hosts, others, clock)
            except orjson.JSONDecodeError as error:
                yield Lost("HAR entry is not JSON", place, error.msg)
                continue
            except (KeyError, TypeError, AttributeError, ValueError) as error:
                what = f"`{error.args[0]}` is missing" if isinstance(error, KeyError) else str(error)
                yield Lost("entry is no HAR 1.2 entry", place, what)
                continue
            if found is not None:
                yield found
            yield from lost


def _read(entry: bytes) -> Any:
    value = orjson.loads(entry)
    once(entry, value)
    return value


def _exchange(
    entry: Mapping[str, Any],
    place: str,
    lost: list[Lost],
    hosts: Collection[str] | None,
    others: Counter[str] | None,
    clock: Clock,
) -> Exchange | None:
    asked, answered = entry["request"], entry["response"]
    url = asked["url"]
    if "://" in url and not url.lower().startswith(("http://", "https://", "ws://", "wss://")):
        return None
    if url.lower().startswith(("data:", "blob:", "about:")):
        return None
    host, target = split(url)
    if not wanted(host, hosts, others):
        return None
    headers = _headers(asked.get("headers"))
    known = lowered(headers)
    sent, cut = _request_body(asked.get("postData"), known, place, lost)
    request = Request(asked["method"].upper(), target, headers, sent, cut)
    status = int(answered.get("status") or 0)
    if not 0 <= status <= 999:
        raise ValueError("`status` is no HTTP status")
    response = _response(request.method, status, answered, place, lost) if status else None
    # Status 0 is how browsers write that no answer came (blocked, aborted, connection refused).
    failure = None if response else str(answered.get("_error") or answered.get("statusText") or "no answer")
    masked = list(filtered("request", headers, target)) if known else []
    return Exchange(
        request,
        response,
        "har",
        traffic(known),
        elapsed_us=elapsed_us(_elapsed_us(entry), place, lost),
        failure=failure,
        origin=place,
        sent_at=instant(entry.get("startedDateTime"), clock, place, lost),
        # What the page or the browser itself called off says nothing of the server.
        abandoned=failure is not None and any(word in failure for word in _CALLED_OFF),
        masked=(*masked, *(filtered("response", response.headers) if response else ())),
    )


_CALLED_OFF = ("ERR_ABORTED", "ERR_BLOCKED_BY", "NS_BINDING_ABORTED", "NS_ERROR_ABORT")


def _headers(records: Any) -> Headers:
    out: list[tuple[str, str]] = []
    for record in records or ():
        name, value = record["name"], record["value"]
        if name.startswith(":"):  # pseudo-headers of HTTP/2 (RFC 9113, 8.3) stand in the request line too
            continue
        # Browsers join repeated Set-Cookie lines by a line feed, because a comma would be part of a date.
        out.extend((name, line) for line in str(value).split("\n"))
    return tuple(out)


def _request_body(posted: Any, known: Mapping[str, str], place: str, lost: list[Lost]) -> tuple[bytes | None, bool]:
    """The bytes, and whether they are not the whole body."""
    if not posted:
        return None, known.get("content-length", "0") != "0"
    text, params = posted.get("text"), posted.get("params")
    if text:
        body, binary = _bytes(posted, text, known)
        return whole(body, known, place, lost, packed=None if binary else False, side="request body")
    media = (posted.get("mimeType") or known.get("content-type") or "").lower()
    if params and media.startswith("application/x-www-form-urlencoded"):
        return urlencode([(each["name"], each.get("value") or "") for each in params]).encode(), False
    # The parts of a multipart body without its text: file contents are gone, so there is no body to speak of.
    return (b"", False) if text is not None and not params else (None, bool(params))


def _bytes(content: Mapping[str, Any], text: str, known: Mapping[str, str]) -> tuple[bytes, bool]:
    if content.get("encoding") == "base64":
        return unbase64(text), True
    return encoded(text, known.get("content-type")), False


def _response(method: str, status: int, answered: Mapping[str, Any], place: str, lost: list[Lost]) -> Response:
    headers = _headers(answered.get("headers"))
    known = lowered(headers)
    content = answered.get("content") or {}
    text = content.get("text")
    size = content.get("size")
    none = method == "HEAD" or status in (204, 304) or status < 200
    cut = str(content.get("comment") or "").startswith("Body truncated")
    if text:
        body, binary = _bytes(content, text, known)
        # `size` is that of the decoded body; some proxies write the compressed one, which is then no measure.
        if isinstance(size, int) and size > len(body) and "content-encoding" not in known:
            cut = cut or "utf-16" not in known.get("content-type", "").lower()
        if not cut and not none:
            body, cut = whole(body, known, place, lost, packed=None if binary else False, side="response body")
        return Response(status, headers, body, cut)
    empty = size == 0 or (text == "" and size in (None, -1)) or known.get("content-length") == "0"
    return Response(status, headers, b"", cut or not (none or empty))


def _elapsed_us(entry: Mapping[str, Any]) -> float | None:
    """From the first byte sent to the last received; connecting and queueing are the client's, -1 is not applicable."""
    timings = entry.get("timings") or {}
    parts = [timings.get(name) for name in ("send", "wait", "receive")]
    known = [part for part in parts if isinstance(part, int | float) and part >= 0]
    total = math.fsum(known) if known else entry.get("time")
    return total * 1000 if isinstance(total, int | float) and total >= 0 else None


# --- reading the array `log.entries` as it comes ----------------------------------------------------------------------


def _entries(text: Text, where: str) -> Iterator[tuple[int, bytes | Lost]]:
    """Each entry as it is written, with its number, or what was lost; a SourceError where there is no such array."""
    try:
        _find(text)
    except (Ended, Unexpected, TooLong, Damaged) as error:
        what = f": {error}" if str(error) else ""
        raise SourceError(f"{where}: not a HAR file: it has no `log.entries`{what}") from error
    number = 1
    try:
        if text.peek() == b"]":
            return
        while True:
            try:
                yield number, text.value()
            except TooLong as error:
                yield number, Lost("HAR entry is too long", f"{where} entry {number}", str(error))
            if text.take(b",]") == b"]":
                return
            number += 1
    except Ended:
        yield number, Lost("HAR file is cut off", f"{where} entry {number}", f"it ends at byte {text.position:,}")
    except Unexpected as error:
        yield number, Lost("HAR file is no JSON from here on", f"{where} entry {number}", str(error))
    except Damaged as error:
        yield number, Lost("packed file is damaged or cut off", f"{where} entry {number}", str(error))


def _find(text: Text) -> None:
    """Moves to the first entry."""
    for name in text.members():
        if name != b'"log"':
            text.value()
            continue
        for inner in text.members():
            if inner == b'"entries"':
                text.take(b"[")
                return
            text.value()
    raise Unexpected("")
