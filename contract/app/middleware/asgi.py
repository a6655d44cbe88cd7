"""ASGI middleware that records what an application answers: `app = Record(app, out="traffic.ndjson")`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import quote

from contract.app.middleware._recorder import Copy, Options, Recorder, Seen

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class Record:
    """Passes everything on as it comes, and writes HTTP exchanges down; WebSockets and lifespan pass unread.

    Outermost it sees what clients see: an exception that an outer middleware turns into a 500 passes by one further in.
    """

    def __init__(self, app: App, out: str = "traffic.ndjson", **options: Any) -> None:
        self.app = app
        self.recorder = Recorder(Options(out, **options))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        recorder = self.recorder
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                send = self._last(send)
            await self.app(scope, receive, send)
            return
        if not recorder.wanted():
            await self.app(scope, receive, send)
            return
        watch = _Watch(scope, receive, send, recorder)
        try:
            await self.app(scope, watch.receive, watch.send)
        except Exception as error:
            watch.failure = f"the application raised {type(error).__name__} before it answered"
            raise
        except asyncio.CancelledError:
            watch.away = True
            raise
        finally:
            watch.end()

    def _last(self, send: Send) -> Send:
        """A server may end the process right after shutdown, so what waits is written before."""

        async def sent(message: Message) -> None:
            if message["type"] in ("lifespan.shutdown.complete", "lifespan.shutdown.failed"):
                self.recorder.close()
            await send(message)

        return sent


class _Watch:
    """What passes of one request. Only `_receive` and `_send` of the server are awaited; the rest takes no time."""

    __slots__ = ("_asked", "_at", "_began", "_got", "_headers", "_receive", "_recorder", "_scope", "_send", "_sent", "_status", "_took", "_whole", "away", "failure")  # fmt: skip

    def __init__(self, scope: Scope, receive: Receive, send: Send, recorder: Recorder) -> None:
        cap = recorder.options.body_cap
        self._scope, self._receive, self._send, self._recorder = scope, receive, send, recorder
        self._sent, self._got = Copy(cap), Copy(cap)
        self._asked = False
        self._status: int | None = None
        self._headers: Any = ()
        self._whole = False
        self._took: int | None = None
        self._began = time.perf_counter_ns()
        self._at = time.time()
        self.away = False
        self.failure: str | None = None

    async def receive(self) -> Message:
        message = await self._receive()
        try:
            if message["type"] == "http.request":
                self._sent.add(message.get("body", b""))
                self._asked = not message.get("more_body", False)
            elif message["type"] == "http.disconnect":
                self.away = True
        except Exception as error:
            self._recorder.failed(error)
        return message

    async def send(self, message: Message) -> None:
        try:
            self._note(message)
        except Exception as error:
            self._recorder.failed(error)
        await self._send(message)

    def _note(self, message: Message) -> None:
        kind = message["type"]
        if kind == "http.response.start":
            self._status, self._headers = message["status"], message.get("headers", ())
        elif kind == "http.response.body":
            self._got.add(message.get("body", b""))
            if not message.get("more_body", False):
                self._whole = True
                self._took = time.perf_counter_ns() - self._began
        elif kind in ("http.response.pathsend", "http.response.zerocopysend"):
            self._took = time.perf_counter_ns() - self._began  # the server sends a file, which is not read for this

    def end(self) -> None:
        try:
            scope = self._scope
            raw = scope.get("raw_path")
            path = raw.partition(b"?")[0].decode("latin-1") if raw else quote(scope["path"], "/:@!$&'()*+,;=~")
            query = scope.get("query_string", b"")
            unread = not self._asked and _has_body(scope["headers"])  # the application did not ask for it
            took = self._took if self._took is not None else time.perf_counter_ns() - self._began
            self._recorder.put(
                Seen(
                    scope["method"],
                    f"{path}?{query.decode('latin-1')}" if query else path,
                    scope["headers"],
                    self._sent.pieces,
                    self._sent.cut or unread,
                    self._status,
                    list(self._headers),
                    self._got.pieces,
                    self._got.cut or not self._whole,
                    took // 1000,
                    self._at,
                    self.failure,
                    self.away and self._status is None,
                )
            )
        except Exception as error:
            self._recorder.failed(error)


def _has_body(headers: Any) -> bool:
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value.strip(b"0")) for name, value in headers
    )
