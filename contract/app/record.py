"""`contract record`: a reverse proxy that changes nothing and writes down what passes, as `exchange/v1` lines.

Every connection of a client is one connection to the target, and its bytes go through as they come, both ways: header
names keep their case and order, paths their encoding, bodies their chunks, and the `Host` is the one that the client
sent, unless `--rewrite-host` is given. What is read of them on the way is a copy.

What is written down is masked first, in a process of its own, since masking takes longer than passing on. A body is kept
up to a cap; a longer one passes whole and is marked as truncated.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import queue
import signal
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote, urlsplit

import orjson

from contract.core import redact
from contract.core.errors import ConfigError, SourceError
from contract.core.evidence import Exchange, Request, Response, Traffic, header, media_type
from contract.sources.traffic import _http1, ndjson
from contract.sources.traffic._json import once
from contract.sources.traffic._recorded import charset, encoded, undone

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

BODY_CAP = 1 << 20
QUEUE_CAP = 64 << 20
"""Bytes that may wait to be written down; beyond them, connections wait too."""
_GATHER_S = 0.005
LINGER_S = 2.0
"""So long a client may go on sending after it was told that the target cannot be reached."""

AWAY = "the client went away before the answer"
CLOSED = "connection closed without an answer"
BROKEN = "connection closed in the middle of the answer"


@dataclass(frozen=True, slots=True)
class Options:
    """What to record, and how much of it."""

    target: str
    out: Path
    port: int
    listen: str = "127.0.0.1"
    redact: bool = True
    extra: tuple[str, ...] = ()
    """Further names whose values are masked."""
    body_cap: int = BODY_CAP
    rewrite_host: bool = False
    traffic: Traffic | None = None


@dataclass(slots=True)
class Counts:
    """What went through so far."""

    exchanges: int = 0
    unanswered: int = 0
    opaque: int = 0
    """Connections, or parts of them, that were no HTTP/1.1, and were passed on unread."""
    unfinished: int = 0
    """Requests that were still without an answer when the recording ended."""

    def sentence(self, out: Path) -> str:
        """
        >>> Counts(1204, 3, 0, 1).sentence(Path("traffic.ndjson"))
        'Recorded 1,204 exchanges in traffic.ndjson, 3 without an answer; 1 request was still open and is not recorded'
        """
        said = f"Recorded {_several(self.exchanges, 'exchange')} in {out}"
        said += f", {self.unanswered:,} without an answer" if self.unanswered else ""
        if self.unfinished:
            one = self.unfinished == 1
            said += f"; {_several(self.unfinished, 'request')} {'was' if one else 'were'} still open and {'is' if one else 'are'} not recorded"
        if self.opaque:
            said += f"; {_several(self.opaque, 'connection')} passed unread, as {'it was' if self.opaque == 1 else 'they were'} no HTTP/1.1"
        return said


def _several(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' * (number != 1)}"


def record(
    options: Options,
    *,
    ready: Callable[[str], None] = lambda origin: None,
    tick: Callable[[Counts], None] = lambda counts: None,
    stop: threading.Event | None = None,
) -> Counts:
    """Passes requests on until Ctrl-C or `stop`, and says how many were written down.

    `ready` is told the address when it listens, and `tick` four times a second what went through so far. Raises
    ConfigError where the address cannot be taken or the file not be written, SourceError where writing fails later.
    """
    parts = urlsplit(options.target)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(
            f"{redact.url(options.target)}: expected the origin of the API, such as http://127.0.0.1:8000"
        )
    if parts.path.strip("/") or parts.query or "@" in parts.netloc:
        raise ConfigError(
            f"{redact.url(options.target)}: a path, a query or a user name cannot be added to what clients send",
            f"--target {parts.scheme}://{parts.netloc.rpartition('@')[2]}",
        )
    with _Writer(options) as writer:
        proxy = _Proxy(options, writer)
        asyncio.run(proxy.run(ready, tick, stop))
        return proxy.counts


# --- writing down -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Seen:
    """An exchange with its bodies as they went over the wire, content codings and all."""

    exchange: Exchange

    @property
    def size(self) -> int:
        response = self.exchange.response
        return 1024 + len(self.exchange.request.body or b"") + (len(response.body) if response else 0)


class _Writer:
    """Hands exchanges to the process that masks and writes them; never blocks."""

    def __init__(self, options: Options) -> None:
        self.failed: str | None = None
        self.on_failure: Callable[[], None] = lambda: None
        # One number each for the two threads, so that none is changed by both.
        self._given = 0
        self._taken = 0
        self._queue: queue.SimpleQueue[_Seen | None] = queue.SimpleQueue()
        _open(options.out, options.redact).close()  # said before anybody sends a request
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_write, args=(theirs, options), daemon=True)
        self._process.start()
        theirs.close()
        self._thread = threading.Thread(target=self._feed, daemon=True)
        self._thread.start()

    def __enter__(self) -> _Writer:
        return self

    def put(self, exchange: Exchange) -> None:
        seen = _Seen(exchange)
        self._given += seen.size
        self._queue.put(seen)

    @property
    def waiting(self) -> int:
        """Bytes that are not yet handed over."""
        return self._given - self._taken

    def _feed(self) -> None:
        try:
            last = False
            while not last:
                taken = [self._queue.get()]
                time.sleep(_GATHER_S)  # woken for each exchange alone, this thread would hold up those that pass
                while not self._queue.empty():
                    taken.append(self._queue.get())
                last = taken[-1] is None
                seen = [each for each in taken if each is not None]
                self._pipe.send([each.exchange for each in seen])
                self._taken += sum(each.size for each in seen)
            self._pipe.send(None)
            self.failed = self._pipe.recv()
        except (OSError, EOFError):
            # It is gone, or says why it cannot go on.
            try:
                self.failed = self._pipe.recv() or "the writing process ended"
            except (OSError, EOFError):
                self.failed = "the writing process ended"
            self.on_failure()

    def __exit__(self, *exception: object) -> None:
        self._queue.put(None)
        self._thread.join()
        self._process.join(10)
        self._pipe.close()
        if self.failed is not None and exception[0] is None:
            raise SourceError(f"the recording broke off: {self.failed}")


def _open(path: Path, masked: bool) -> Any:
    """The file, to be appended to; a new one that holds secrets is its owner's alone."""
    mode = 0o666 if masked else 0o600
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, mode), "wb", buffering=0)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {(error.strerror or str(error)).lower()}") from error


def _write(pipe: Connection, options: Options) -> None:
    """The process that writes: a line for each exchange that comes through the pipe, until None does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process of the terminal
    said: str | None = None
    try:
        with _open(options.out, options.redact) as file:
            while (exchanges := pipe.recv()) is not None:
                for exchange in exchanges:
                    written, lost = readable(exchange, options.body_cap)
                    if options.redact:
                        written, more = masked(written, options.extra)
                        lost += more
                    file.write(ndjson.line(written, lost, traffic=options.traffic))
    except ConfigError as error:
        said = error.message
    except OSError as error:
        said = f"{options.out}: {error.strerror or error}"
    except EOFError:
        return  # whoever recorded was killed
    pipe.send(said)


def readable(exchange: Exchange, body_cap: int = BODY_CAP) -> tuple[Exchange, list[str]]:
    """The exchange with its content codings undone, and headings of what could not be.

    A body of which only a part was kept is no gzip any more: none of it is left then.
    """
    lost: list[str] = []

    def plain(half: Request | Response, side: str) -> tuple[bytes | None, bool]:
        coding = header(half.headers, "content-encoding")
        if not half.body or coding is None or coding.strip().lower() in ("", "identity"):
            return half.body, half.truncated
        if half.truncated:
            return b"", True
        body, fault = undone(half.body, coding, body_cap)
        if fault is not None and "unpacks to more" not in fault[0]:
            lost.append(f"{side} body {fault[0]}")
        return body, fault is not None

    request, response = exchange.request, exchange.response
    body, cut = plain(request, "request")
    request = replace(request, body=body, truncated=cut)
    if response is not None:
        body, cut = plain(response, "response")
        response = replace(response, body=body or b"", truncated=cut)
    return replace(exchange, request=request, response=response), lost


def masked(exchange: Exchange, extra: Collection[str] = ()) -> tuple[Exchange, list[str]]:
    """The exchange as it may be stored, each masked place named in it, and headings of what is left out instead.

    A body that is no text is left out, since nobody can say what it shows. Where masking a body cannot be told place by
    place, the whole of it counts as masked.
    """
    shown = redact.example(exchange, limit=1 << 60, extra=extra)
    spots = list(redact.spots(shown))
    lost: list[str] = []

    def body(half: Request | Response, text: str | None, side: str) -> tuple[bytes | None, bool]:
        if not half.body or text is None:
            return half.body, half.truncated
        content_type = header(half.headers, "content-type")
        media = media_type(content_type)
        if text == f"[{len(half.body):,} bytes of {media or 'unknown type'}]":
            return b"", True
        again = encoded(text, content_type)
        if again == half.body:
            return half.body, half.truncated
        named = any(spot.startswith(f"{side} body:") for spot in spots)
        try:
            half.body.decode(charset(content_type) or "utf-8")
        except UnicodeError:
            # Neither what was sent nor what is shown can be written: one may hold secrets, the other hides the fault.
            if named:
                lost.append(f"{side} body is not in its charset, and cannot be masked")
                return b"", True
            return half.body, half.truncated
        if not named and not _rewritten(half.body, media):
            return half.body, half.truncated
        if (media or "").startswith("multipart/"):
            spots.append(f"{side} body:")
        return again, half.truncated

    request, response = exchange.request, exchange.response
    kept, cut = body(request, shown.request.body, "request")
    request = Request(request.method, shown.request.url, shown.request.headers, kept, cut)
    if response is not None and shown.response is not None:
        kept, cut = body(response, shown.response.body, "response")
        response = Response(response.status, shown.response.headers, kept or b"", cut)
    return replace(
        exchange, request=request, response=response, failure=shown.failure, masked=tuple(dict.fromkeys(spots))
    ), lost


def _rewritten(body: bytes, media: str | None) -> bool:
    """True where what is shown leaves something out without naming a place: a member named twice, parts of a form."""
    if (media or "").startswith("multipart/"):
        return True
    try:
        once(body, orjson.loads(body))
    except ValueError:
        return True
    return False


# --- passing on -------------------------------------------------------------------------------------------------------


class _Proxy:
    """Listens, and keeps all that is open, so that it can be closed."""

    def __init__(self, options: Options, writer: _Writer) -> None:
        parts = urlsplit(options.target)
        self.options = options
        self.writer = writer
        self.counts = Counts()
        self.host = parts.hostname or ""
        self.port = parts.port or (443 if parts.scheme == "https" else 80)
        self.authority = parts.netloc
        self.tls = ssl.create_default_context() if parts.scheme == "https" else None
        self.open: set[_Link] = set()

    async def run(
        self, ready: Callable[[str], None], tick: Callable[[Counts], None], stop: threading.Event | None
    ) -> None:
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()

        def failed() -> None:
            loop.call_soon_threadsafe(ended.set)

        self.writer.on_failure = failed
        try:
            loop.add_signal_handler(signal.SIGINT, ended.set)
            loop.add_signal_handler(signal.SIGTERM, ended.set)
        except (NotImplementedError, RuntimeError, ValueError):
            pass  # not the main thread, or Windows: there Ctrl-C is a KeyboardInterrupt
        try:
            server = await loop.create_server(lambda: _Client(self), self.options.listen, self.options.port)
        except OSError as error:
            raise ConfigError(
                f"{self.options.listen}:{self.options.port}: {(error.strerror or str(error)).lower()}",
                "choose another with --port; 0 takes a free one",
            ) from error
        host, port = server.sockets[0].getsockname()[:2]
        ready(f"http://{f'[{host}]' if ':' in host else host}:{port}")
        try:
            while not ended.is_set() and not (stop is not None and stop.is_set()):
                tick(self.counts)
                try:
                    await asyncio.wait_for(ended.wait(), 0.25 if stop is None else 0.02)
                except TimeoutError:
                    continue
        finally:
            server.close()
            self.writer.on_failure = lambda: None
            for link in list(self.open):
                link.stop()
            tick(self.counts)

    def seen(self, exchange: Exchange) -> None:
        self.counts.exchanges += 1
        self.counts.unanswered += exchange.response is None
        self.writer.put(exchange)

    @property
    def full(self) -> bool:
        return self.writer.waiting > QUEUE_CAP


@dataclass(slots=True)
class _Asked:
    """A request on its way, and what is known of its answer."""

    head: _http1.Head
    at: str
    began: float
    body: bytearray = field(default_factory=bytearray)
    cut: bool = False
    complete: bool = False
    answer: _http1.Head | None = None
    answer_body: bytearray = field(default_factory=bytearray)
    answer_cut: bool = False


class _Link:
    """One connection of a client, and the one to the target that belongs to it."""

    def __init__(self, proxy: _Proxy, client: asyncio.Transport) -> None:
        self.proxy = proxy
        self.client = client
        self.target: asyncio.Transport | None = None
        self.requests = _http1.Reader(requests=True)
        self.answers = _http1.Reader(requests=False)
        self.asked: deque[_Asked] = deque()
        self.sending: _Asked | None = None
        self.connecting: asyncio.Task[None] | None = None
        self.early = bytearray()
        """What is to be sent as soon as the connection stands."""
        self.client_left = False
        self.client_ended = False
        self.refused = False
        self.over = False
        self.unread = False

    # what clients send

    def from_client(self, data: bytes) -> None:
        if self.refused:
            self._read(data)  # only to know what was asked
            return
        wire = self._read(data)
        if wire:
            self._send(wire)

    def _read(self, data: bytes) -> bytes:
        out = bytearray()
        cap = self.proxy.options.body_cap
        for event in self.requests.feed(data):
            if isinstance(event, _http1.Head):
                now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
                self.sending = _Asked(event, now, time.perf_counter())
                self.asked.append(self.sending)
                self.answers.methods.append(event.first)
                out += self._head(event)
            elif isinstance(event, _http1.Data):
                if self.sending is not None:
                    self.sending.cut |= _keep(self.sending.body, event.content, cap)
                out += event.wire
            elif isinstance(event, _http1.End):
                if self.sending is not None:
                    self.sending.complete = True
                self.sending = None
            else:
                self._not_read()
                out += event.wire
        return bytes(out)

    def _head(self, head: _http1.Head) -> bytes:
        if not self.proxy.options.rewrite_host:
            return head.wire
        lines = head.wire.split(b"\n")
        for number, line in enumerate(lines):
            if line[:5].lower() == b"host:":
                lines[number] = (
                    line[:5] + b" " + self.proxy.authority.encode() + (b"\r" if line.endswith(b"\r") else b"")
                )
        return b"\n".join(lines)

    def _not_read(self) -> None:
        if not self.unread and not self.answers.opaque:
            self.unread = True
            self.proxy.counts.opaque += 1

    def _send(self, data: bytes) -> None:
        if self.target is not None:
            self.target.write(data)
            return
        self.early += data
        if self.connecting is None:
            self.client.pause_reading()
            self.connecting = asyncio.get_running_loop().create_task(self._connect())

    async def _connect(self) -> None:
        proxy = self.proxy
        try:
            transport, _ = await asyncio.get_running_loop().create_connection(
                lambda: _Target(self), proxy.host, proxy.port, ssl=proxy.tls
            )
        except OSError as error:
            self._refuse(_reason(error))
            return
        if self.over:
            transport.abort()
            return
        self.target = transport
        transport.write(bytes(self.early))
        self.early.clear()
        if self.client_ended:
            self._end_requests()
        else:
            self.client.resume_reading()

    def _refuse(self, reason: str) -> None:
        """The target cannot be reached: the client is told by whom, and the request is recorded as unanswered."""
        self.refused = True
        text = f"contract record: {self.proxy.options.target} cannot be reached: {reason}\n".encode()
        lines = (
            "HTTP/1.1 502 Bad Gateway",
            "Server: contract-record",
            "Content-Type: text/plain; charset=utf-8",
            f"Content-Length: {len(text)}",
            "Connection: close",
        )
        head = "\r\n".join(lines).encode() + b"\r\n\r\n"
        self.client.write(head + (text if not self.asked or self.asked[0].head.first != "HEAD" else b""))
        for asked in self.asked:
            self._unanswered(asked, reason)
        self.asked.clear()
        if self.client_ended or self.client.is_closing():
            self.client.close()
            return
        # Closed at once, a client that is still sending would meet a reset before it reads the answer (RFC 9112, 9.6).
        if self.client.can_write_eof():
            self.client.write_eof()
        self.client.resume_reading()
        asyncio.get_running_loop().call_later(LINGER_S, self.client.close)

    def _end_requests(self) -> None:
        if self.target is not None and self.target.can_write_eof() and not self.target.is_closing():
            self.target.write_eof()

    def client_eof(self) -> None:
        self.client_ended = True
        held = self.requests.give_up() if self.requests.within and self.sending is None else b""
        if held:
            self._send(held)
        if self.refused or (self.target is None and self.connecting is None):
            self.client.close()
        elif self._idle:
            self._finish()
        else:
            self._end_requests()

    @property
    def _idle(self) -> bool:
        """True if nothing is on its way in either direction."""
        return not (self.asked or self.early or self.requests.within or self.answers.within or self.unread) and not (
            self.requests.opaque or self.answers.opaque
        )

    def client_lost(self) -> None:
        if self.over:
            return
        self.client_left = True
        self._finish()

    # what the target answers

    def from_target(self, data: bytes) -> None:
        if not self.client.is_closing():
            self.client.write(data)
        cap = self.proxy.options.body_cap
        for event in self.answers.feed(data):
            if isinstance(event, _http1.Head):
                if self.asked and (event.first == "101" or not event.first.startswith("1")):
                    self.asked[0].answer = event
                    if self.answers.opaque:  # switched: what follows is another protocol, both ways
                        self._answered(self.asked.popleft())
                        held = self.requests.give_up()
                        if held and self.target is not None:
                            self.target.write(held)
            elif isinstance(event, _http1.Data):
                if self.asked:
                    self.asked[0].answer_cut |= _keep(self.asked[0].answer_body, event.content, cap)
            elif isinstance(event, _http1.End):
                if self.asked and self.asked[0].answer is not None:
                    self._answered(self.asked.popleft())
            elif not self.requests.opaque:
                self._not_read_answer()
        if self.client_ended and self._idle:
            self._finish()

    def _not_read_answer(self) -> None:
        if not self.unread:
            self.unread = True
            self.proxy.counts.opaque += 1
        for asked in self.asked:
            self._unanswered(asked, "the answer is no HTTP/1.1")
        self.asked.clear()

    def target_lost(self) -> None:
        if self.over:
            return
        for _ in self.answers.end():
            if self.asked and self.asked[0].answer is not None:
                # A stream without an end of its own, whose reader went away first: nobody knows what was to come.
                self.asked[0].answer_cut |= self.client_ended
                self._answered(self.asked.popleft())
        self._finish()

    # the end

    def _finish(self) -> None:
        """One side is gone: so is the other, once it has been given what is left."""
        self.over = True
        self.proxy.open.discard(self)
        for asked in self.asked:
            # Whoever ends its own side first cannot be told from one that went away, if nothing was answered.
            away = self.client_left or self.client_ended
            if asked.answer is not None and away:
                asked.answer_cut = True
                self._answered(asked)
            elif away:
                self._unanswered(asked, AWAY, abandoned=True)
            else:
                self._unanswered(asked, BROKEN if asked.answer is not None else CLOSED)
        self.asked.clear()
        self.client.close()
        if self.target is not None:
            if self.client_left:
                self.target.abort()
            else:
                self.target.close()

    def stop(self) -> None:
        """The recording ends: an answer that has begun is kept as far as it came, others are counted."""
        self.over = True
        self.proxy.open.discard(self)
        for asked in self.asked:
            if asked.answer is not None:
                asked.answer_cut = True
                self._answered(asked)
            else:
                self.proxy.counts.unfinished += 1
        self.asked.clear()
        if self.connecting is not None:
            self.connecting.cancel()
        self.client.abort()
        if self.target is not None:
            self.target.abort()

    # what is written down

    def _request(self, asked: _Asked) -> Request:
        body = bytes(asked.body) if asked.body else None
        cut = asked.cut or not asked.complete
        return Request(asked.head.first, _target(asked.head), asked.head.headers, body, cut)

    def _answered(self, asked: _Asked) -> None:
        assert asked.answer is not None
        answer = asked.answer
        response = Response(int(answer.first), answer.headers, bytes(asked.answer_body), asked.answer_cut)
        elapsed = round((time.perf_counter() - asked.began) * 1_000_000)
        self._seen(Exchange(self._request(asked), response, "proxy", elapsed_us=elapsed, sent_at=asked.at))

    def _unanswered(self, asked: _Asked, failure: str, abandoned: bool = False) -> None:
        self._seen(
            Exchange(self._request(asked), None, "proxy", failure=failure, sent_at=asked.at, abandoned=abandoned)
        )

    def _seen(self, exchange: Exchange) -> None:
        self.proxy.seen(exchange)
        if self.proxy.full and not self.client.is_closing():
            self.client.pause_reading()
            self._resume_later()

    def _resume_later(self) -> None:
        def look() -> None:
            if self.over or self.client.is_closing():
                return
            if self.proxy.full:
                self._resume_later()
            else:
                self.client.resume_reading()

        asyncio.get_running_loop().call_later(0.05, look)


def _keep(body: bytearray, piece: bytes, cap: int) -> bool:
    """Adds what there is room for; True if something was left out."""
    room = cap - len(body)
    body += piece[:room] if room > 0 else b""
    return len(piece) > room


def _target(head: _http1.Head) -> str:
    """The request target as it was sent; what no JSON text can hold is percent-encoded."""
    return head.target if head.target.isascii() else quote(head.target, safe="%/:?#[]@!$&'()*+,;=-._~\"<>\\^`{|}")


def _reason(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        return f"TLS failed: {error.reason or error}"
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    # asyncio says several times what it tried; the sentence of the first is enough.
    return (error.strerror or str(error)).partition("[Errno")[0].strip(" :") or type(error).__name__


class _Client(asyncio.Protocol):
    """The side of the client."""

    def __init__(self, proxy: _Proxy) -> None:
        self._proxy = proxy

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._link = _Link(self._proxy, cast(asyncio.Transport, transport))
        self._proxy.open.add(self._link)

    def data_received(self, data: bytes) -> None:
        self._link.from_client(data)

    def eof_received(self) -> bool:
        self._link.client_eof()
        return True  # the other direction may still be needed

    def connection_lost(self, error: Exception | None) -> None:
        self._link.client_lost()
        self._proxy.open.discard(self._link)

    def pause_writing(self) -> None:
        if self._link.target is not None and not self._link.target.is_closing():
            self._link.target.pause_reading()

    def resume_writing(self) -> None:
        if self._link.target is not None and not self._link.target.is_closing():
            self._link.target.resume_reading()


class _Target(asyncio.Protocol):
    """The side of the target."""

    def __init__(self, link: _Link) -> None:
        self._link = link

    def data_received(self, data: bytes) -> None:
        self._link.from_target(data)

    def eof_received(self) -> bool:
        return False  # it has answered all that it will

    def connection_lost(self, error: Exception | None) -> None:
        self._link.target_lost()

    def pause_writing(self) -> None:
        if not self._link.client.is_closing():
            self._link.client.pause_reading()

    def resume_writing(self) -> None:
        if not self._link.client.is_closing():
            self._link.client.resume_reading()
