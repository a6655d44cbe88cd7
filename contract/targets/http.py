"""A running API over HTTP/1.1: bytes go out as they are, and every exchange has one deadline.

A client library would tidy the path, follow redirects, or ask the environment for a proxy, and then the exchange that
is judged is not the one that was asked for. So the request is written here, and `http.client` reads the answer.
"""

from __future__ import annotations

import io
import select
import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from http.client import HTTPException, HTTPResponse, IncompleteRead, RemoteDisconnected
from typing import Any
from urllib.parse import quote, urlsplit

from contract.core import redact
from contract.core.errors import ConfigError, TargetError
from contract.core.evidence import UNSENT, Exchange, Headers, Request, Response, Traffic, header, media_type
from contract.core.target import Target, TimeUp
from contract.targets._message import (
    BROKEN,
    BYTE_CAP,
    CHUNKS,
    CLOSED,
    REFUSED,
    TIMEOUT_S,
    Pace,
    decoded,
    kept,
    late,
    outgoing,
    pairs,
    timed_out,
    timestamp,
)

_IDLE_S = 1.0
"""A connection that lay idle longer is not used again: its server may be closing it while we write."""
_PRINTABLE = "".join(chr(code) for code in range(0x21, 0x7F))
_CHUNK = 64 * 1024
_QUICKACK: int | None = getattr(socket, "TCP_QUICKACK", None)
_PAUSE_S = 0.1
"""Before a connection that did not come about is tried once more: a server that reloads refuses for a moment."""


def open(
    where: str,
    *,
    headers: Sequence[tuple[str, str]] = (),
    timeout_s: float = TIMEOUT_S,
    byte_cap: int = BYTE_CAP,
    rate_per_s: float | None = None,
    insecure: bool = False,
    now: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> HttpTarget:
    """The API at `http://host:port[/base]`; nothing is sent yet, so a server that is down is found by `check`.

    With `insecure` any certificate is taken, whoever signed it and whatever host it names.
    """
    try:
        parts = urlsplit(where)
        valid = parts.scheme in ("http", "https") and parts.hostname is not None and parts.port != 0
    except ValueError:
        valid = False
    if not valid:
        raise ConfigError(
            f"{redact.url(where)}: expected a URL such as http://127.0.0.1:8000 or https://api.example.com/v1"
        )
    if "@" in parts.netloc:
        raise ConfigError(
            f"the target's URL holds a user or a password: {parts.scheme}://…@{parts.netloc.rpartition('@')[2]}",
            "they would end in shells and reports; say `--header 'Authorization: Basic ${CREDENTIALS}'`",
        )
    return HttpTarget(where, pairs(headers), timeout_s, byte_cap, Pace(rate_per_s, now, sleep), insecure)


def check(target: Target) -> None:
    """Nothing if somebody listens; raises TargetError where the connection is refused or the host has no address.

    Over TLS its certificate must be good too. What it answers is not asked: a server that is slow, or that says 404 to
    everything, is there.
    """
    origin = target.origin
    host, port = _address(origin)
    tls = target.tls if isinstance(target, HttpTarget) else None
    try:
        _Connection((host, port), tls, time.monotonic() + TIMEOUT_S).close()
    except ssl.SSLCertVerificationError as error:
        raise TargetError(
            f"{origin}: its TLS certificate cannot be trusted: {error.verify_message or error.reason}",
            "if it is yours, `--insecure` takes it as it is, or name its authority's file in SSL_CERT_FILE",
        ) from error
    except ssl.SSLError as error:
        raise TargetError(
            f"{origin}: TLS failed: {_reason(error)}", "does it speak TLS? If not, say `http://` in --target"
        ) from error
    except ConnectionRefusedError as error:
        raise TargetError(
            f"{origin} refused the connection",
            "Is the server running? `contract check --target asgi:app.main:app` needs none.",
        ) from error
    except socket.gaierror as error:
        raise TargetError(f"{origin}: the host `{host}` has no address", "check the spelling of --target") from error
    except TimeoutError:
        return
    except OSError as error:
        raise TargetError(
            f"{origin} cannot be reached: {error.strerror or error}", "check host and port of --target, and the network"
        ) from error


def _context(insecure: bool) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _reason(error: ssl.SSLError) -> str:
    return (error.reason or str(error)).replace("_", " ").lower()


def _address(origin: str) -> tuple[str, int]:
    parts = urlsplit(origin)
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


class HttpTarget:
    """A Target. Connections are kept alive and may be used by several threads."""

    kind = "http"
    app: Any | None = None

    def __init__(
        self, where: str, credentials: Headers, timeout_s: float, byte_cap: int, pace: Pace, insecure: bool = False
    ) -> None:
        parts = urlsplit(where)
        self.origin = f"{parts.scheme}://{parts.netloc}"
        self.name = self.origin + parts.path
        self.base_path = parts.path.rstrip("/") or None
        self.credentials = credentials
        self._host = parts.netloc
        self._address = _address(self.origin)
        self.tls = _context(insecure) if parts.scheme == "https" else None
        self._timeout_s = timeout_s
        self._byte_cap = byte_cap
        self.pace = pace
        self._idle: list[_Connection] = []
        self._down = False
        self._lock = threading.Lock()

    def send(
        self,
        request: Request,
        *,
        source: str,
        traffic: Traffic,
        operation: str | None = None,
        bare: bool = False,
        timeout_s: float | None = None,
    ) -> Exchange:
        """The exchange as it went over the wire; see `contract.core.target.Target`."""
        headers = outgoing(request, () if bare else self.credentials, host=self._host)
        url = request.url
        if not (url.isascii() and url.isprintable()) or " " in url:
            url = quote(url, safe=_PRINTABLE)
        sent = Request(request.method, url, headers, request.body)
        limit_s = min(self._timeout_s, timeout_s) if timeout_s else self._timeout_s

        def once() -> tuple[Response | None, Exchange]:
            self.pace.wait()
            sent_at = timestamp()
            start = time.perf_counter()
            within_s, unreached = self.pace.within(limit_s), False
            try:
                response, failure = self._answer(sent, within_s)
            except _Unreached as error:
                response, failure, unreached = None, str(error), True
            if late(failure, within_s, limit_s):
                raise TimeUp
            elapsed_us = int((time.perf_counter() - start) * 1_000_000)
            return response, Exchange(
                sent,
                response,
                source,
                traffic,
                elapsed_us,
                operation,
                failure,
                sent_at=sent_at,
                abandoned=unreached,
            )

        return self.pace.patiently(once)[1]

    def patience(self, until: float | None) -> None:
        self.pace.until = until

    def ends(self, at: float | None) -> None:
        self.pace.end = at

    @property
    def notes(self) -> tuple[str, ...]:
        return self.pace.notes

    def close(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _connect(self, deadline: float, limit_s: float) -> _Connection:
        """A fresh connection, tried twice, as nothing was sent yet; _Unreached says why there is none.

        That no connection comes about is no answer of any operation, so it is no fault of one either.
        """
        tried = self._down  # who refused twice is not waited for each time
        while True:
            try:
                connection = _Connection(self._address, self.tls, deadline)
                self._down = False
                return connection
            except ssl.SSLError as error:
                raise _Unreached(f"TLS failed: {_reason(error)}") from error
            except TimeoutError as error:
                raise _Unreached(f"no connection within {limit_s:g} s") from error
            except OSError as error:
                if not tried and time.monotonic() + _PAUSE_S < deadline:
                    tried = True
                    self.pace.sleep(_PAUSE_S)
                    continue
                self._down = True
                if isinstance(error, ConnectionRefusedError):
                    raise _Unreached(REFUSED) from error
                if isinstance(error, socket.gaierror):
                    raise _Unreached(f"the host `{self._address[0]}` has no address") from error
                raise _Unreached(f"cannot be reached: {error.strerror or error}") from error

    def _answer(self, request: Request, limit_s: float) -> tuple[Response | None, str | None]:
        """The answer, or why there is none; _Unreached where nobody could be asked."""
        message = _written(request)
        if message is None:
            return None, f"{UNSENT}: a header holds a line break or a character outside latin-1"
        deadline = time.monotonic() + limit_s
        connection = self._reused()
        reused = connection is not None
        while True:
            try:
                if connection is None:
                    connection = self._connect(deadline, limit_s)
                connection.deadline = deadline
                response = self._exchange(connection, request.method, message)
            except (
                RemoteDisconnected,
                ConnectionResetError,
                BrokenPipeError,
                ssl.SSLEOFError,
                ssl.SSLZeroReturnError,
            ):
                _drop(connection)
                connection = None
                if reused:
                    # A kept connection may be closed by its server at any moment (RFC 9112, 9.3.1), and then it is
                    # no sign of a fault. Like browsers, ask once more on a fresh one, whatever the method: a POST
                    # that ran twice costs less here than a fault that is none.
                    reused = False
                    continue
                return None, CLOSED
            except _Broken as error:
                _drop(connection)
                return None, str(error)
            except TimeoutError:
                _drop(connection)
                return None, timed_out(limit_s)
            except ssl.SSLError as error:  # since TLS 1.3 a client is refused only when it reads
                _drop(connection)
                raise _Unreached(f"TLS failed: {_reason(error)}") from error
            except (HTTPException, ValueError) as error:
                _drop(connection)
                connection = None
                if reused:
                    # What an answer before had too much of (a body of a 204, more than its length) may come late.
                    reused = False
                    continue
                return None, f"the answer is not HTTP: {_told(error)}"
            except OSError as error:
                _drop(connection)
                return None, f"the connection broke: {error.strerror or error}"
            except BaseException:
                # Ctrl-C in the middle of an answer: the rest of it must not be read as the next one.
                _drop(connection)
                raise
            return response, None

    def _exchange(self, connection: _Connection, method: str, message: bytes) -> Response:
        connection.send(message)
        answer = HTTPResponse(connection, method=method)  # type: ignore[arg-type]
        try:
            answer.begin()
            while 100 <= answer.status < 200 and answer.status != 101:
                # An interim answer (103 Early Hints); `begin` itself skips only 100.
                answer.headers = answer.msg = None  # type: ignore[assignment]
                answer.begin()
            headers = pairs(answer.getheaders())
            _framed(answer, headers)
            body, truncated = self._body(answer, headers)
            status = answer.status
            keep = not answer.will_close and not truncated and status != 101
        finally:
            answer.close()
        if keep:
            connection.idle_since = time.monotonic()
            with self._lock:
                self._idle.append(connection)
        else:
            connection.close()
        plain, cut = decoded(body, headers, self._byte_cap) if not truncated else (body, True)
        return Response(status, headers, kept(plain) if cut else plain, cut)

    def _body(self, answer: HTTPResponse, headers: Headers) -> tuple[bytes, bool]:
        """What came of the body up to the cap, and whether there is more."""
        chunks: list[bytes] = []
        size = 0
        endless = media_type(header(headers, "content-type")) == "text/event-stream"
        try:
            while chunk := answer.read1(_CHUNK) if endless else answer.read(_CHUNK):
                chunks.append(chunk)
                size += len(chunk)
                if size > self._byte_cap:
                    return b"".join(chunks)[: self._byte_cap], True
            if answer.length:
                raise IncompleteRead(b"", answer.length)
        except TimeoutError:
            if endless:
                return b"".join(chunks), True
            raise
        except (IncompleteRead, ConnectionError) as error:
            raise _Broken(CHUNKS if _is_no_chunk(error) else BROKEN) from error
        except ValueError as error:  # a size below zero
            raise _Broken(CHUNKS) from error
        return b"".join(chunks), False

    def _reused(self) -> _Connection | None:
        """A kept connection that its server has not closed; None if there is none."""
        now = time.monotonic()
        while True:
            with self._lock:
                if not self._idle:
                    return None
                connection = self._idle.pop()
            if now - connection.idle_since < _IDLE_S and not connection.readable():
                return connection
            connection.close()


def _is_no_chunk(error: BaseException) -> bool:
    """True where a chunk's size is no number, which `http.client` calls an incomplete answer."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ValueError):
            return True
        cause = cause.__context__
    return False


def _told(error: Exception) -> str:
    """What is wrong with a head, in so many words and no bytes that a terminal would act upon.

    >>> _told(ValueError("\\x00\\x1b[2J"))
    'ValueError ..[2J'
    """
    text = "".join(char if char.isprintable() else "." for char in str(error).strip("\r\n"))
    return f"{type(error).__name__} {text if len(text) <= _SAID else text[:_SAID] + '…'}".rstrip()


_SAID = 79


def _framed(answer: HTTPResponse, headers: Headers) -> None:
    """Raises _Broken where nobody can tell how long the body is (RFC 9112, 6.3); the same length twice is one."""
    if answer.chunked:
        return
    lengths = {part.strip() for name, value in headers if name.lower() == "content-length" for part in value.split(",")}
    if not lengths:
        return
    if len(lengths) > 1 or not (length := next(iter(lengths))).isascii() or not length.isdigit() or len(length) > 18:
        raise _Broken(f"the answer is not HTTP: its Content-Length is {', '.join(sorted(lengths))[:_SAID] or 'empty'}")
    if answer.length is None:
        answer.length = int(length)


class _Broken(Exception):
    """The body did not come to its end."""


class _Unreached(Exception):
    """No connection came about, so nothing was asked."""


class _Connection:
    """A socket whose reads and writes all end at one deadline, so that a server that drips bytes is not waited for."""

    def __init__(self, address: tuple[str, int], tls: ssl.SSLContext | None, deadline: float) -> None:
        self.deadline = deadline
        self.idle_since = 0.0
        self.socket = socket.create_connection(address, timeout=self.left())
        try:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if tls is not None:
                self.socket.settimeout(self.left())
                self.socket = tls.wrap_socket(self.socket, server_hostname=address[0])
        except BaseException:
            self.socket.close()
            raise

    def left(self) -> float:
        """Seconds until the deadline; TimeoutError once it has passed."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def send(self, message: bytes) -> None:
        self.socket.settimeout(self.left())
        try:
            self.socket.sendall(message)
        except (BrokenPipeError, ConnectionResetError):
            # A server may answer (413) and close before it has read the whole body; what it said is still to be read.
            if not self.readable():
                raise

    def readable(self) -> bool:
        """True if an idle connection has something to say, which can only be that it is closed."""
        return bool(select.select([self.socket], [], [], 0)[0])

    def makefile(self, mode: str) -> io.BufferedReader:
        """What `HTTPResponse` reads from."""
        return io.BufferedReader(_Reader(self), _CHUNK)

    def close(self) -> None:
        self.socket.close()


class _Reader(io.RawIOBase):
    def __init__(self, connection: _Connection) -> None:
        self._connection = connection

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._connection.socket.settimeout(self._connection.left())
        if _QUICKACK is not None:
            # Many servers write head and body apart; without this the kernel acknowledges the head 40 ms late, and
            # the body waits for that (Nagle's algorithm). Linux forgets the option, so it is set for each read.
            self._connection.socket.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)
        return self._connection.socket.recv_into(buffer)


def _drop(connection: _Connection | None) -> None:
    if connection is not None:
        connection.close()


def _written(request: Request) -> bytes | None:
    """The request in bytes; None if a header would break its framing."""
    lines = [f"{request.method} {request.url} HTTP/1.1", *(f"{name}: {value}" for name, value in request.headers)]
    if any("\r" in line or "\n" in line for line in lines):
        return None
    try:
        head = "\r\n".join(lines).encode("latin-1")
    except UnicodeEncodeError:
        return None
    return head + b"\r\n\r\n" + (request.body or b"")
