"""The test client of Werkzeug, which is Flask's too."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from io import BytesIO
from typing import Any

from contract.core.evidence import Request
from contract.sources.clients import _wsgi
from contract.sources.clients._tap import BODY_CAP, Answer, Tap, Undo, replaced

NAMES = ("werkzeug.test",)


def patch(module: Any, tap: Tap) -> list[Undo]:
    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        def run_wsgi_app(self: Any, environ: Any, *others: Any, **named: Any) -> Any:
            body: bytes | None = None
            known = False
            with tap.quietly():
                body, known = _sent(environ.get("wsgi.input"))
            try:
                result = original(self, environ, *others, **named)
            except Exception:
                tap.raised += 1
                raise
            with tap.quietly():
                # Cookies are added to the environment on the way.
                asked = Request(
                    environ["REQUEST_METHOD"], _wsgi.url(environ), _wsgi.headers(environ), body or None, not known
                )
                pieces, status, headers = result
                pairs = tuple(headers.to_wsgi_list())
                answer = Answer(tap, asked, int(str(status).partition(" ")[0]), pairs)
                return _Body(pieces, answer, _finite(pieces, headers)), status, headers
            return result

        return run_wsgi_app

    return replaced(module.Client, "run_wsgi_app", make)


def _sent(stream: Any) -> tuple[bytes | None, bool]:
    """The body without reading it; False where that cannot be done."""
    if not isinstance(stream, BytesIO):
        return None, stream is None
    return stream.getvalue()[stream.tell() :][:BODY_CAP], len(stream.getvalue()) - stream.tell() <= BODY_CAP


def _finite(pieces: Any, headers: Any) -> bool:
    """True where a body has a known, small size, so that reading it now can neither wait nor fill memory."""
    if isinstance(pieces, list):
        return True
    length = headers.get("Content-Length", "")
    return length.isdecimal() and int(length) <= BODY_CAP


class _Body:
    """The pieces of a body, copied as they are read; or read now, since tests often look at the status only."""

    def __init__(self, pieces: Iterable[bytes], answer: Answer, now: bool) -> None:
        self._close = getattr(pieces, "close", None)
        self._answer = answer
        self._pieces = iter(self._copied(pieces))
        if now:
            self._pieces = iter(_Read(self._pieces))

    def _copied(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            self._answer.more(piece)
            yield piece
        self._answer.whole()
        self._answer.end()

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        return next(self._pieces)

    def close(self) -> None:
        try:
            if self._close is not None:
                self._close()
        finally:
            self._answer.end()


class _Read:
    """Pieces that were read ahead; an exception on the way is raised where whoever reads would have met it."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._error: Exception | None = None
        self._read: list[bytes] = []
        try:
            self._read.extend(pieces)
        except Exception as error:
            self._error = error

    def __iter__(self) -> Iterator[bytes]:
        yield from self._read
        if self._error is not None:
            raise self._error
