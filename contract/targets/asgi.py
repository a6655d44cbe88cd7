"""An ASGI application in this process: no server, no port; started once (lifespan) and stopped at the end."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from concurrent.futures import Future
from typing import Any
from urllib.parse import unquote

from contract.core.errors import TargetError
from contract.core.evidence import Exchange, Headers, Request, Response, Traffic, header, media_type
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

Message = MutableMapping[str, Any]
App = Callable[[dict[str, Any], Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[Any]]

_START_S = 30.0
_GRACE_S = 0.5
"""So long after its deadline a call is waited for that the event loop should have ended itself."""
_HOST = "asgi.local"


def open(
    where: str,
    *,
    headers: Sequence[tuple[str, str]] = (),
    timeout_s: float = TIMEOUT_S,
    byte_cap: int = BYTE_CAP,
    rate_per_s: float | None = None,
    now: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> AsgiTarget:
    """The application that `MODULE:APP` names, imported and started; TargetError says what it raised."""
    app = load("asgi", where)
    return AsgiTarget(app, f"asgi:{where}", pairs(headers), timeout_s, byte_cap, Pace(rate_per_s, now, sleep))


def check(target: Target) -> None:
    """Nothing. The application was started when it was opened."""


class AsgiTarget:
    """A Target. The application runs on one event loop in a thread of its own, as under a server."""

    kind = "asgi"
    origin = f"http://{_HOST}"
    base_path: str | None = None

    def __init__(
        self,
        app: App,
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
        self._state: dict[str, Any] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="contract-asgi", daemon=True)
        self._thread.start()
        self._lifespan = _Lifespan(app, self._state)
        try:
            failure = self._run(self._lifespan.start()).result(_START_S)
        except TimeoutError as error:
            self._stop_loop()
            raise TargetError(f"{name}: the application did not finish starting within {_START_S:g} s") from error
        if failure is not None:
            self._stop_loop()
            raise TargetError(f"{name}: the application failed to start: {failure}")

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
            sent_at = timestamp()
            start = time.perf_counter()
            call, within_s = _Call(sent, self._byte_cap), self.pace.within(limit_s)
            running = self._run(call.run(self._app, dict(self._state), within_s))
            try:
                response, failure = running.result(within_s + _GRACE_S)
            except TimeoutError:
                # It holds the event loop itself, as it would a server's: nobody else is answered either.
                running.cancel()
                response, failure = None, timed_out(within_s)
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
        """Shuts the application down; what it raises then is its own affair."""
        if self._thread.is_alive():
            with contextlib.suppress(TimeoutError):
                self._run(self._lifespan.stop()).result(self._timeout_s)
            self._stop_loop()

    def _run(self, coroutine: Any) -> Future[Any]:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def _stop_loop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(self._timeout_s)
        if not self._thread.is_alive():
            self._loop.close()


class _Lifespan:
    """The lifespan protocol (ASGI 3.0), once."""

    def __init__(self, app: App, state: dict[str, Any]) -> None:
        self._app = app
        self._state = state
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> str | None:
        """Why the application did not start; None if it did, or does not speak the protocol."""
        self._to_app: asyncio.Queue[Message] = asyncio.Queue()
        self._said: asyncio.Queue[Message | None] = asyncio.Queue()
        self._asked = False
        self._error: BaseException | None = None
        await self._to_app.put({"type": "lifespan.startup"})
        self._task = asyncio.create_task(self._call())
        message = await self._said.get()
        if message is None:
            # "If an exception is raised when calling the application callable with a lifespan.startup message [...] the
            # server must continue but not send any lifespan events." One that came while starting up is a failure.
            return told(self._error) if self._error is not None and self._asked else None
        if message["type"] == "lifespan.startup.failed":
            return str(message.get("message") or "").strip().split("\n")[-1] or "it gave no reason"
        return None

    async def stop(self) -> None:
        if self._task is not None and not self._task.done():
            await self._to_app.put({"type": "lifespan.shutdown"})
            await self._said.get()
            self._task.cancel()

    async def _call(self) -> None:
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": self._state}
        try:
            await self._app(scope, self._receive, self._said.put)
        except Exception as error:
            self._error = error
        finally:
            await self._said.put(None)

    async def _receive(self) -> Message:
        self._asked = True
        return await self._to_app.get()


class _Call:
    """One request to the application, and what it sent back."""

    def __init__(self, request: Request, byte_cap: int) -> None:
        self._request = request
        self._byte_cap = byte_cap
        self._status: int | None = None
        self._headers: Headers = ()
        self._chunks: list[bytes] = []
        self._size = 0
        self._complete = False

    async def run(self, app: App, state: dict[str, Any], limit_s: float) -> tuple[Response | None, str | None]:
        self._asked = False
        self._done = asyncio.Event()
        failure: str | None = None
        crashed = False
        try:
            async with asyncio.timeout(limit_s) as limit:
                await app(self._scope(state), self._receive, self._send)
        except TimeoutError as error:
            if not limit.expired():
                failure, crashed = told(error), True  # the application's own
            elif self._status is None or not (self._complete or self._endless):
                return None, timed_out(limit_s)
            # Else it is still busy in the background, or streams without end: what was sent is the answer.
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            failure = told(error)
        except Exception as error:
            # Starlette's ClientDisconnect says that nobody listens any more: a server then sends nothing.
            failure, crashed = told(error), type(error).__name__ != "ClientDisconnect"
        if self._status is None:
            if crashed:
                body = b"Internal Server Error"
                return Response(500, (("content-type", "text/plain; charset=utf-8"),), body), failure
            return None, CLOSED
        if not self._complete and not self._endless:
            return None, BROKEN if failure is None else f"{BROKEN}: {failure}"
        body = b"".join(self._chunks)
        truncated = len(body) > self._byte_cap or not self._complete
        plain, cut = decoded(body, self._headers, self._byte_cap) if not truncated else (body[: self._byte_cap], True)
        return Response(self._status, self._headers, kept(plain) if cut else plain, cut), failure

    @property
    def _endless(self) -> bool:
        return media_type(header(self._headers, "content-type")) == "text/event-stream"

    def _scope(self, state: dict[str, Any]) -> dict[str, Any]:
        path = self._request.path
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "method": self._request.method,
            "scheme": "http",
            "path": unquote(path),
            "raw_path": path.encode("utf-8"),
            "query_string": self._request.query.encode("utf-8"),
            "root_path": "",
            "headers": [
                (name.lower().encode("latin-1", "replace"), value.encode("latin-1", "replace"))
                for name, value in self._request.headers
            ],
            "client": ("127.0.0.1", 50000),
            "server": (_HOST, 80),
            "state": state,
        }

    async def _receive(self) -> Message:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": self._request.body or b"", "more_body": False}
        await self._done.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            if self._status is not None:
                raise RuntimeError("the application started its answer twice")
            self._status = int(message["status"])
            self._headers = tuple(
                (bytes(name).decode("latin-1"), bytes(value).decode("latin-1"))
                for name, value in message.get("headers", ())
            )
        elif message["type"] == "http.response.body":
            if self._status is None or self._complete:
                raise RuntimeError("the application sent a body outside its answer")
            body = message.get("body", b"") if self._request.method != "HEAD" else b""
            if body and self._size <= self._byte_cap:
                self._chunks.append(bytes(body))
                self._size += len(body)
            if not message.get("more_body", False):
                self._complete = True
                self._done.set()
