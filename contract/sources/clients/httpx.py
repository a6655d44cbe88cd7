"""httpx and httpx2, at their transports: over the network, and into an ASGI or WSGI application of this process.

A `MockTransport` is nobody's API, and is not looked at.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from contract.core.evidence import Request
from contract.sources.clients._tap import Answer, Kept, Tap, Undo, replaced

NAMES = ("httpx", "httpx2")


def patch(module: Any, tap: Tap) -> list[Undo]:
    return [
        *synchronous(module, module.HTTPTransport, tap, inside=False),
        *_asynchronous(module, module.AsyncHTTPTransport, tap, inside=False),
        *synchronous(module, module.WSGITransport, tap, inside=True),
        *_asynchronous(module, module.ASGITransport, tap, inside=True),
    ]


def synchronous(module: Any, transport: Any, tap: Tap, *, inside: bool) -> list[Undo]:
    """Patches one transport; `module` is the httpx that it belongs to."""

    class Stream(module.SyncByteStream):  # type: ignore[misc]  # known only when it is there
        """A body that is copied as it is read."""

        def __init__(self, inner: Any, sink: _Sent | Answer) -> None:
            self.inner, self.sink = inner, sink

        def __iter__(self) -> Iterator[bytes]:
            try:
                for piece in self.inner:
                    self.sink.more(piece)
                    yield piece
            except Exception:
                self.sink.broke()
                raise
            self.sink.whole()

        def close(self) -> None:
            try:
                self.inner.close()
            except Exception:
                self.sink.broke()
                raise
            self.sink.end()

    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        def handle_request(self: Any, request: Any) -> Any:
            sent = _Sent(request, Stream, tap)
            try:
                response = original(self, request)
            except Exception:
                sent.gone()
                raise
            sent.answered(response, Stream, inside)
            return response

        return handle_request

    return replaced(transport, "handle_request", make)


def _asynchronous(module: Any, transport: Any, tap: Tap, *, inside: bool) -> list[Undo]:
    class Stream(module.AsyncByteStream):  # type: ignore[misc]
        """A body that is copied as it is read."""

        def __init__(self, inner: Any, sink: _Sent | Answer) -> None:
            self.inner, self.sink = inner, sink

        async def __aiter__(self) -> AsyncIterator[bytes]:
            try:
                async for piece in self.inner:
                    self.sink.more(piece)
                    yield piece
            except Exception:
                self.sink.broke()
                raise
            self.sink.whole()

        async def aclose(self) -> None:
            try:
                await self.inner.aclose()
            except Exception:
                self.sink.broke()
                raise
            self.sink.end()

    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        async def handle_async_request(self: Any, request: Any) -> Any:
            sent = _Sent(request, Stream, tap)
            try:
                response = await original(self, request)
            except Exception:
                sent.gone()
                raise
            sent.answered(response, Stream, inside)
            return response

        return handle_async_request

    return replaced(transport, "handle_async_request", make)


class _Sent:
    """A request on its way; a body that is made while it is sent is copied then."""

    def __init__(self, request: Any, stream: Any, tap: Tap) -> None:
        self._request = request
        self._tap = tap
        self._kept = Kept()
        self._whole = False
        self._before: Any = None
        with tap.quietly():
            if not hasattr(request, "_content"):
                self._before = request.stream
                request.stream = self._own = stream(request.stream, self)

    def more(self, piece: bytes) -> None:
        with self._tap.quietly():
            if self._whole:  # sent anew, after a redirect
                self._kept.restart()
                self._whole = False
            self._kept.add(piece)

    def whole(self) -> None:
        self._whole = True

    def end(self) -> None:
        """Only `whole` says that nothing is missing."""

    def broke(self) -> None:
        """Whoever sends it raises, and no answer comes of it."""

    def _restore(self) -> None:
        if self._before is not None and self._request.stream is self._own:
            self._request.stream = self._before

    def gone(self) -> None:
        """No answer came; an upgrade to a WebSocket is told as an exception too."""
        with self._tap.quietly():
            self._restore()
            self._tap.raised += self._request.url.scheme in ("http", "https")

    def answered(self, response: Any, stream: Any, inside: bool) -> None:
        """Copies the answer as it is read."""
        with self._tap.quietly():
            self._restore()
            request = self._request
            if request.url.scheme not in ("http", "https") or response.status_code == 101:
                return
            if hasattr(request, "_content"):
                body, cut = request.content, False
            else:
                body, cut = self._kept.body, self._kept.cut or not self._whole
            answer = Answer(
                self._tap,
                Request(
                    request.method,
                    request.url.raw_path.decode("ascii", "replace"),
                    tuple(request.headers.multi_items()),
                    body or None,
                    cut,
                ),
                response.status_code,
                tuple(response.headers.multi_items()),
                host=None if inside else request.url.netloc.decode("ascii", "replace").lower(),
                coded=True,
            )
            if hasattr(response, "_content"):
                answer.more(response.content)
                answer.whole()
                answer.end()
            else:
                response.stream = stream(response.stream, answer)
