"""Exchanges of a HAR 1.2 file, as browsers, proxies, load testers and Schemathesis record them: `har:capture.har`.

The file is read entry by entry, so that its size does not matter; `.har.xz` and `.har.gz` are unpacked on the way.
Bodies in a HAR are already decoded, while the `content-encoding` header still stands: it is kept and says nothing more.
Where the recorder left a body out, the response is marked as truncated, so that a missing body is not judged as empty.
Only http(s) and WebSocket handshakes are read; `data:` and `chrome-extension:` entries are nobody's API.
"""

from __future__ import annotations

import codecs
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from json import JSONDecodeError, JSONDecoder
from typing import Any, BinaryIO
from urllib.parse import urlencode

from contract.core.errors import SourceError
from contract.core.evidence import Exchange, Headers, Request, Response, header
from contract.sources.traffic._recorded import encoded, opened, split, traffic, unbase64, wanted

_CHUNK = 1 << 16
_SPACE = re.compile(r"[ \t\r\n]*")


def exchanges(
    where: str, *, hosts: Collection[str] | None = None, others: Counter[str] | None = None
) -> Iterator[Exchange]:
    """The exchanges in the file's order; with `hosts`, only those that went to one of them.

    `others` counts the requests that went elsewhere, by host.

    An entry that is no HAR entry is a SourceError that names it.
    """
    with opened(where) as stream:
        for number, entry in enumerate(_entries(stream, where), 1):
            place = f"{where} entry {number}"
            try:
                found = _exchange(entry, place, hosts, others)
            except (KeyError, TypeError, AttributeError, ValueError) as error:
                what = f"`{error.args[0]}` is missing" if isinstance(error, KeyError) else str(error)
                raise SourceError(f"{place}: not a HAR 1.2 entry: {what}") from error
            if found is not None:
                yield found


def _exchange(
    entry: Mapping[str, Any], origin: str, hosts: Collection[str] | None, others: Counter[str] | None
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
    request = Request(asked["method"].upper(), target, headers, _request_body(asked.get("postData"), headers))
    status = int(answered.get("status") or 0)
    response = _response(request.method, status, answered) if status else None
    return Exchange(
        request,
        response,
        "har",
        traffic(headers),
        elapsed_us=_elapsed_us(entry),
        # Status 0 is how browsers write that no answer came (blocked, aborted, connection refused).
        failure=None if response else (answered.get("_error") or answered.get("statusText") or "no answer"),
        origin=origin,
        sent_at=entry.get("startedDateTime"),
    )


def _headers(records: Any) -> Headers:
    out: list[tuple[str, str]] = []
    for record in records or ():
        name, value = record["name"], record["value"]
        if name.startswith(":"):  # pseudo-headers of HTTP/2 (RFC 9113, 8.3) stand in the request line too
            continue
        # Browsers join repeated Set-Cookie lines by a line feed, because a comma would be part of a date.
        out.extend((name, line) for line in str(value).split("\n"))
    return tuple(out)


def _request_body(posted: Any, headers: Headers) -> bytes | None:
    if not posted:
        return None
    text, params = posted.get("text"), posted.get("params")
    if text:
        return unbase64(text) if posted.get("encoding") == "base64" else encoded(text, headers)
    media = (posted.get("mimeType") or header(headers, "content-type") or "").lower()
    if params and media.startswith("application/x-www-form-urlencoded"):
        return urlencode([(each["name"], each.get("value") or "") for each in params]).encode()
    # The parts of a multipart body without its text: file contents are gone, so there is no body to speak of.
    return b"" if text is not None and not params else None


def _response(method: str, status: int, answered: Mapping[str, Any]) -> Response:
    headers = _headers(answered.get("headers"))
    content = answered.get("content") or {}
    text = content.get("text")
    size = content.get("size")
    truncated = str(content.get("comment") or "").startswith("Body truncated")
    if text:
        body = unbase64(text) if content.get("encoding") == "base64" else encoded(text, headers)
        # `size` is that of the decoded body; some proxies write the compressed one, which is then no measure.
        if isinstance(size, int) and size > len(body) and header(headers, "content-encoding") is None:
            truncated = truncated or "utf-16" not in (header(headers, "content-type") or "").lower()
        return Response(status, headers, body, truncated)
    none = method == "HEAD" or status in (204, 304) or status < 200
    empty = size == 0 or (text == "" and size in (None, -1)) or header(headers, "content-length") == "0"
    return Response(status, headers, b"", truncated or not (none or empty))


def _elapsed_us(entry: Mapping[str, Any]) -> int | None:
    """From the first byte sent to the last received; connecting and queueing are the client's, -1 is not applicable."""
    timings = entry.get("timings") or {}
    parts = [timings.get(name) for name in ("send", "wait", "receive")]
    known = [part for part in parts if isinstance(part, int | float) and part >= 0]
    total = sum(known) if known else entry.get("time")
    return round(total * 1000) if isinstance(total, int | float) and total >= 0 else None


# --- reading the array `log.entries` as it comes ----------------------------------------------------------------------


def _entries(stream: BinaryIO, where: str) -> Iterator[Any]:
    text = _Text(stream)
    try:
        for name in text.members():
            if name != "log":
                text.value()
                continue
            for inner in text.members():
                if inner != "entries":
                    text.value()
                    continue
                yield from text.items()
                return
        raise SourceError(f"{where}: not a HAR file: it has no `log.entries`")
    except (JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        what = error.msg if isinstance(error, JSONDecodeError) else str(error)
        raise SourceError(f"{where}: not a HAR file: {what} near character {text.passed + text.at}") from error


class _Text:
    """A JSON text of which only the value in hand is in memory."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream = stream
        self.decode = codecs.getincrementaldecoder("utf-8-sig")()
        self.scan = JSONDecoder(strict=False).raw_decode
        self.buffer = ""
        self.at = 0
        self.passed = 0
        self.ended = False

    def more(self, size: int = _CHUNK) -> None:
        chunk = self.stream.read(max(size, _CHUNK))
        self.ended = not chunk
        self.passed += self.at
        self.buffer = self.buffer[self.at :] + self.decode.decode(chunk, final=self.ended)
        self.at = 0

    def peek(self) -> str:
        """The next character that is no white space; empty at the end."""
        while True:
            match = _SPACE.match(self.buffer, self.at)
            self.at = match.end() if match else self.at
            if self.at < len(self.buffer) or self.ended:
                return self.buffer[self.at : self.at + 1]
            self.more()

    def take(self, characters: str) -> str:
        found = self.peek()
        if not found or found not in characters:
            expected = " or ".join(f"`{character}`" for character in characters)
            raise JSONDecodeError(f"expected {expected}", self.buffer, self.at)
        self.at += 1
        return found

    def value(self) -> Any:
        self.peek()
        while True:
            try:
                value, end = self.scan(self.buffer, self.at)
            except JSONDecodeError:
                if self.ended:
                    raise
            else:
                # At the very end of the buffer, a number may go on.
                if end < len(self.buffer) or self.ended:
                    self.at = end
                    return value
            self.more(len(self.buffer))  # as much again, so that a long value is scanned a few times, not thousands

    def members(self) -> Iterator[str]:
        """Names of an object; the reader of each takes its value before the next."""
        self.take("{")
        if self.peek() == "}":
            self.take("}")
            return
        while True:
            name = self.value()
            self.take(":")
            yield str(name)
            if self.take(",}") == "}":
                return

    def items(self) -> Iterator[Any]:
        self.take("[")
        if self.peek() == "]":
            self.take("]")
            return
        while True:
            yield self.value()
            if self.take(",]") == "]":
                return
