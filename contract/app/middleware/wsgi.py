"""WSGI middleware that records what an application answers: `app = Record(app, out="traffic.ndjson")`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from contract.app.middleware._recorder import Copy, Options, Recorder, Seen

Environ = dict[str, Any]
App = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]


_KEPT = frozenset(
    {"REQUEST_METHOD", "SCRIPT_NAME", "PATH_INFO", "QUERY_STRING", "RAW_URI", "REQUEST_URI", "CONTENT_TYPE"}
    | {"CONTENT_LENGTH"}
)


class Record:
    """Passes everything on as it comes, and writes HTTP exchanges down."""

    def __init__(self, app: App, out: str = "traffic.ndjson", **options: Any) -> None:
        self.app = app
        self.recorder = Recorder(Options(out, **options))

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        if not self.recorder.wanted():
            return self.app(environ, start_response)
        watch = _Watch(environ, start_response, self.recorder)
        try:
            pieces = self.app(environ, watch.start_response)
        except Exception as error:
            watch.end(False, f"the application raised {type(error).__name__} before it answered")
            raise
        return watch.answered(pieces)


class _Watch:
    """What passes of one request."""

    def __init__(self, environ: Environ, start_response: Callable[..., Any], recorder: Recorder) -> None:
        self._recorder = recorder
        self._start_response = start_response
        self._sent, self._got = Copy(recorder.options.body_cap), Copy(recorder.options.body_cap)
        self._status: int | None = None
        self._headers: Any = ()
        self._input: _Input | None = None
        self._ended = False
        self._began = time.perf_counter_ns()
        self._at = time.time()
        try:
            # Before the application: it may change its environment.
            self._said = {name: value for name, value in environ.items() if name[:5] == "HTTP_" or name in _KEPT}
            self._length = environ.get("CONTENT_LENGTH") or ""
            chunked = "HTTP_TRANSFER_ENCODING" in environ
            self._file_wrapper = environ.get("wsgi.file_wrapper")
            if chunked or self._length.strip("0"):
                self._input = environ["wsgi.input"] = _Input(environ["wsgi.input"], self._sent)
        except Exception as error:
            self._ended = True
            recorder.failed(error)

    def start_response(self, status: str, headers: Any, *exc_info: Any) -> Any:
        write = self._start_response(status, headers, *exc_info)
        try:
            self._status, self._headers = int(status[:3]), list(headers)
        except Exception as error:
            self._recorder.failed(error)
        if write is None:
            return write

        def written(piece: bytes) -> Any:
            self.copied(piece)
            return write(piece)

        return written

    def copied(self, piece: Any) -> None:
        self._got.add(piece)

    def answered(self, pieces: Iterable[bytes]) -> Iterable[bytes]:
        """The body to be given to the server: the same object wherever that tells the server something."""
        if isinstance(pieces, list | tuple):
            for piece in pieces:
                self.copied(piece)
            self.end(True)
            return pieces
        if isinstance(self._file_wrapper, type) and isinstance(pieces, self._file_wrapper):
            self.end(False)  # the server sends the file itself
            return pieces
        return _Body(pieces, self)

    def end(self, whole: bool, failure: str | None = None) -> None:
        if self._ended:
            return
        self._ended = True
        try:
            taken = self._input
            unread = taken is not None and not taken.at_end and taken.count < int(self._length or 1 << 62)
            self._recorder.put(
                Seen(
                    self._said["REQUEST_METHOD"],
                    None,
                    self._said,
                    self._sent.pieces,
                    self._sent.cut or unread,
                    self._status,
                    self._headers,
                    self._got.pieces,
                    self._got.cut or not whole,
                    (time.perf_counter_ns() - self._began) // 1000,
                    self._at,
                    failure,
                )
            )
        except Exception as error:
            self._recorder.failed(error)


class _Body:
    """A body whose pieces are copied as the server takes them."""

    def __init__(self, pieces: Iterable[bytes], watch: _Watch) -> None:
        self._pieces = pieces
        self._watch = watch
        self._iterator: Iterator[bytes] | None = None

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if self._iterator is None:
            self._iterator = iter(self._pieces)
        try:
            piece = next(self._iterator)
        except StopIteration:
            self._watch.end(True)
            raise
        except Exception as error:
            self._watch.end(False, f"the application raised {type(error).__name__} before it answered")
            raise
        self._watch.copied(piece)
        return piece

    def close(self) -> None:
        try:
            close = getattr(self._pieces, "close", None)
            if close is not None:
                close()
        finally:
            self._watch.end(False)


class _Input:
    """The request's body, copied as the application reads it."""

    def __init__(self, stream: Any, copy: Copy) -> None:
        self._stream = stream
        self._copy = copy
        self.count = 0
        self.at_end = False

    def _took(self, data: Any, asked: Any = -1) -> Any:
        self._copy.add(data)
        self.count += len(data)
        self.at_end = self.at_end or asked in (-1, None) or (not data and asked != 0)
        return data

    def read(self, *size: Any) -> Any:
        return self._took(self._stream.read(*size), *size)

    def readline(self, *size: Any) -> Any:
        return self._took(self._stream.readline(*size), 1)

    def readlines(self, *hint: Any) -> Any:
        return [self._took(line, 1) for line in self._stream.readlines(*hint)]

    def __iter__(self) -> Iterator[Any]:
        for line in self._stream:
            yield self._took(line, 1)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
