"""A WSGI application in this process: no server, no port (PEP 3333)."""

from __future__ import annotations

import io
import queue
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import unquote_to_bytes

from contract.core.evidence import Exchange, Headers, Request, Response, Traffic
from contract.core.target import Target, TimeUp
from contract.targets._load import load, told
from contract.targets._message import (
    BROKEN,
    BYTE_CAP,
    CLOSED,
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

_HOST = "wsgi.local"
Answer = tuple[Response | None, str | None]


def open(
    where: str,
    *,
    headers: Sequence[tuple[str, str]] = (),
    timeout_s: float = TIMEOUT_S,
    byte_cap: int = BYTE_CAP,
    rate_per_s: float | None = None,
    now: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> WsgiTarget:
    """The application that `MODULE:APP` names, imported; TargetError says what the import raised."""
    app = load("wsgi", where)
    return WsgiTarget(app, f"wsgi:{where}", pairs(headers), timeout_s, byte_cap, Pace(rate_per_s, now, sleep))


def check(target: Target) -> None:
    """Nothing. The application was imported when it was opened."""


class WsgiTarget:
    """A Target. Requests are handled one after another in one thread, as by a single synchronous worker."""

    kind = "wsgi"
    origin = f"http://{_HOST}"
    base_path: str | None = None

    def __init__(
        self,
        app: Any,
        name: str,
        credentials: Headers = (),
        timeout_s: float = TIMEOUT_S,
        byte_cap: int = BYTE_CAP,
        pace: Pace | None = None,
    ) -> None:
        self.app: Any | None = app
        self.name = name
        self.credentials = credentials
        self._app = app
        self._timeout_s = timeout_s
        self._byte_cap = byte_cap
        self.pace = pace or Pace(None)
        self._worker: _Worker | None = None
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
        """The exchange; an exception of the application is a 500, as under a server, and `failure` names it."""
        headers = outgoing(request, () if bare else self.credentials, host=_HOST)
        sent = Request(request.method, request.url, headers, request.body)
        limit_s = min(self._timeout_s, timeout_s) if timeout_s else self._timeout_s

        def once() -> tuple[Response | None, Exchange]:
            self.pace.wait()
            with self._lock:
                sent_at = timestamp()
                start = time.perf_counter()
                within_s = self.pace.within(limit_s)
                response, failure = self._call(sent, within_s)
                elapsed_us = int((time.perf_counter() - start) * 1_000_000)
            if late(failure, within_s, limit_s):
                raise TimeUp
            return response, Exchange(sent, response, source, traffic, elapsed_us, operation, failure, sent_at=sent_at)

        return self.pace.patiently(once)[1]

    def patience(self, until: float | None) -> None:
        self.pace.until = until

    def ends(self, at: float | None) -> None:
        self.pace.end = at

    @property
    def notes(self) -> tuple[str, ...]:
        return self.pace.notes

    def close(self) -> None:
        if self._worker is not None:
            self._worker.stop()
            self._worker = None

    def _call(self, request: Request, limit_s: float) -> Answer:
        if self._worker is None:
            self._worker = _Worker()
        answer = self._worker.run(lambda: _answer(self._app, request, self._byte_cap), limit_s)
        if answer is None:
            # A thread cannot be interrupted: it is left behind, and the next request gets another.
            self._worker = None
            return None, timed_out(limit_s)
        return answer


class _Worker:
    """One thread that does one thing at a time."""

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[tuple[Callable[[], Answer], queue.SimpleQueue[Answer]] | None]
        self._jobs = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._loop, name="contract-wsgi", daemon=True)
        self._thread.start()

    def run(self, job: Callable[[], Answer], limit_s: float) -> Answer | None:
        """What the job gives; None if it is not done within `limit_s`."""
        done: queue.SimpleQueue[Answer] = queue.SimpleQueue()
        self._jobs.put((job, done))
        try:
            return done.get(timeout=limit_s)
        except queue.Empty:
            self._jobs.put(None)
            return None

    def stop(self) -> None:
        self._jobs.put(None)
        self._thread.join(TIMEOUT_S)

    def _loop(self) -> None:
        while (item := self._jobs.get()) is not None:
            job, done = item
            done.put(job())


def _answer(app: Any, request: Request, byte_cap: int) -> Answer:
    started: list[tuple[int, Headers]] = []
    chunks: list[bytes] = []
    size = 0

    def write(chunk: bytes) -> None:
        nonlocal size
        if size <= byte_cap:
            chunks.append(chunk)
            size += len(chunk)

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], None]:
        started.append((int(status.split()[0]), pairs(headers)))
        return write

    failure: str | None = None
    try:
        result = app(_environ(request), start_response)
        try:
            for chunk in result:
                write(chunk)
        finally:
            if hasattr(result, "close"):
                result.close()
    except Exception as error:
        failure = told(error)
        if not any(chunks):
            # Nothing has gone out before the first byte of the body, so a server can still answer with a 500.
            body = b"Internal Server Error"
            return Response(500, (("Content-Type", "text/plain; charset=utf-8"),), body), failure
        return None, f"{BROKEN}: {failure}"
    if not started:
        return None, CLOSED
    status, headers = started[-1]
    body = b"".join(chunks) if request.method != "HEAD" else b""
    plain, cut = decoded(body, headers, byte_cap) if len(body) <= byte_cap else (body[:byte_cap], True)
    return Response(status, headers, kept(plain) if cut else plain, cut), None


def _environ(request: Request) -> dict[str, Any]:
    """The request as PEP 3333 wants it; REQUEST_URI and RAW_URI keep the path as it was written."""
    body = request.body or b""
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(request.path).decode("latin-1"),
        "QUERY_STRING": request.query,
        "REQUEST_URI": request.url,
        "RAW_URI": request.url,
        "SERVER_NAME": _HOST,
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in request.headers:
        key = name.upper().replace("-", "_")
        if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            key = f"HTTP_{key}"
        environ[key] = f"{environ[key]},{value}" if key in environ else value
    return environ
