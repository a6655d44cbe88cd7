"""Where both kinds of middleware put what they saw: a queue with an end, a thread that empties it, a process that writes.

Masking one exchange takes a few tenths of a millisecond of Python. In a thread of the application that time would be
taken from requests, since threads share the interpreter's lock; so the thread hands over what was seen, and a process of
its own masks and writes it. Where no process can be started, the thread does both.

Nothing here waits while a request is served, and nothing raises: what does not fit is dropped and counted.
"""

from __future__ import annotations

import atexit
import logging
import os
import pickle
import queue
import random
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from contract.core.evidence import Exchange, Headers, Request, Response, Traffic
from contract.sources.clients import _wsgi

LOG = logging.getLogger("contract.middleware")
BODY_CAP = 64 << 10
"""Bytes of each body that are kept."""
QUEUE_CAP = 16 << 20
"""Bytes that may wait to be written."""
FILE_CAP = 256 << 20
"""Bytes that the file may have."""
_GATHER_S = 0.1
_LAST_S = 5.0
"""So long the end of the application waits for what is still to be written."""


@dataclass(frozen=True, slots=True)
class Options:
    """What is kept of what passes, and where."""

    out: str = "traffic.ndjson"
    sampling: float = 1.0
    """Share of requests that are recorded, 0 to 1."""
    body_cap: int = BODY_CAP
    queue_cap: int = QUEUE_CAP
    file_cap: int = FILE_CAP
    redact: tuple[str, ...] = ()
    """Further names whose values are masked."""
    traffic: str | None = None
    """`test`, `synthetic`, `fuzz`; None for what the request's headers tell."""
    apart: bool = True
    """Masked and written by a process of its own."""

    def __post_init__(self) -> None:
        if not 0 <= self.sampling <= 1:
            raise ValueError(f"sampling must be a share from 0 to 1, not {self.sampling}")
        if self.traffic is not None and self.traffic not in list(Traffic):
            raise ValueError(f"traffic must be one of {', '.join(Traffic)}, not {self.traffic}")
        if isinstance(self.redact, str):
            raise ValueError("redact takes a list of names")


@dataclass(slots=True)
class Counts:
    """What became of the requests so far."""

    recorded: int = 0
    """Handed over to be written."""
    dropped: int = 0
    """Left out since the queue was full, or since the file can take no more."""
    failed: int = 0
    """Left out since we failed."""


@dataclass(slots=True)
class Seen:
    """One request and its answer, as they are at hand; made into an Exchange by whoever writes it."""

    method: str
    url: str | None
    """None where the headers are a WSGI environment, which tells it."""
    headers: Any
    sent: list[bytes]
    sent_cut: bool
    status: int | None
    answered: Iterable[tuple[Any, Any]]
    got: list[bytes]
    got_cut: bool
    elapsed_us: int
    at: float
    failure: str | None = None
    abandoned: bool = False
    size: int = 0


class Recorder:
    """Takes what was seen, from any thread and after any fork."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.counts = Counts()
        self._random = random.Random()
        self._told: set[str] = set()
        self._begun = False
        self._forget()
        atexit.register(self.close)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._forked)

    def _forked(self) -> None:
        """In a child no thread of ours runs, and its parent's pipes are not its own."""
        for pipe in self._pipes:
            os.close(pipe)
        self._forget()
        self._begun = False

    def _forget(self) -> None:
        self._lock = threading.Lock()
        self._pipes: tuple[int, ...] = ()
        self._queue: queue.SimpleQueue[Seen | None] = queue.SimpleQueue()
        self._given = self._taken = 0
        self._thread: threading.Thread | None = None
        self._full = False

    def wanted(self) -> bool:
        """True for a request that is to be recorded."""
        share = self.options.sampling
        return share >= 1 or self._random.random() < share

    def put(self, seen: Seen) -> None:
        """Never waits; drops what there is no room for."""
        try:
            seen.size = 1024 + sum(map(len, seen.sent)) + sum(map(len, seen.got))
            with self._lock:  # for so long as two numbers take to change
                if not self._begun:
                    self._begin()
                fits = not self._full and self._given - self._taken + seen.size <= self.options.queue_cap
                if fits:
                    self._given += seen.size
                    self.counts.recorded += 1
                else:
                    self.counts.dropped += 1
            if fits:
                self._queue.put(seen)
            elif not self._full:
                self.tell("more passes than can be written: what does not fit into the queue is left out")
        except Exception as error:
            self.failed(error)

    def failed(self, error: Exception) -> None:
        """Counts an exchange that is left out since we failed, and says so once."""
        self.counts.failed += 1
        self.tell(f"this is a bug of ours, and costs the recording only: {type(error).__name__}: {error}")

    def tell(self, what: str) -> None:
        """A warning in the log, once for each thing that is told."""
        key = what.partition(":")[0]
        if key not in self._told:
            self._told.add(key)
            LOG.warning("%s: %s", self.options.out, what)

    def close(self) -> None:
        """Writes what waits, for five seconds at most; what comes later is recorded anew."""
        with self._lock:
            thread, self._thread = self._thread, None
            self._queue.put(None)
            self._queue, self._begun = queue.SimpleQueue(), False
        if thread is not None:
            thread.join(_LAST_S)

    def _begin(self) -> None:
        """Starts the thread that empties the queue."""
        self._thread = threading.Thread(target=self._feed, args=(self._queue,), name="contract-record", daemon=True)
        self._thread.start()
        self._begun = True

    def _feed(self, waiting: queue.SimpleQueue[Seen | None]) -> None:
        writer: Apart | Here | None = None
        try:
            if self.options.apart and _python():
                writer = Apart(self.options)
                self._pipes = writer.pipes
        except OSError as error:
            self.tell(f"no process could be started, so a thread writes: {error}")
        last = False
        try:
            writer = writer or Here(self.options)
            while not last:
                seen = [waiting.get()]
                time.sleep(_GATHER_S)  # woken for each request alone, this thread would hold them up
                while not waiting.empty():
                    seen.append(waiting.get())
                last = seen[-1] is None
                batch = [each for each in seen if each is not None]
                if batch:
                    writer.write(batch)
                    self._taken += sum(each.size for each in batch)
        except Exception as error:
            self._full = True
            self.tell(f"nothing more is written: {error}")
        finally:
            self._pipes = ()
            if writer is not None and (said := writer.end()):
                self._full = True
                self.tell(said)


def _python() -> bool:
    """False where the interpreter is part of another program (mod_wsgi, uWSGI), which would be started in its place."""
    return "python" in Path(sys.executable or "").name.lower()


class Full(Exception):
    """The file can take no more."""


class Here:
    """Masks and writes in this process."""

    def __init__(self, options: Options) -> None:
        from contract.app import record

        self._options = options
        self._file = record._open(Path(options.out), True)

    def write(self, batch: Sequence[Seen]) -> None:
        from contract.app import record
        from contract.sources.traffic import ndjson

        options = self._options
        said = Traffic(options.traffic) if options.traffic else None
        for seen in batch:
            exchange, lost = record.readable(_exchange(seen), options.body_cap)
            exchange, more = record.masked(exchange, options.redact)
            line = ndjson.line(exchange, [*lost, *more], traffic=said)
            # Several processes may write one file, so it is asked, and each line is one write.
            if os.fstat(self._file.fileno()).st_size + len(line) > options.file_cap:
                raise Full(f"the file has {options.file_cap:,} bytes, as many as it may have")
            self._file.write(line)

    def end(self) -> str | None:
        self._file.close()
        return None


class Apart:
    """Hands over to a process that masks and writes."""

    def __init__(self, options: Options) -> None:
        # Not the program that runs here, but ours alone; -P, since the application's folder may hold a `queue.py`.
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "contract.app.middleware._writes"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        )
        self._send(options)

    @property
    def pipes(self) -> tuple[int, ...]:
        """Its open ends, by number."""
        return tuple(pipe.fileno() for pipe in (self._process.stdin, self._process.stdout) if pipe is not None)

    def _send(self, what: Any) -> None:
        assert self._process.stdin is not None
        data = pickle.dumps(what, pickle.HIGHEST_PROTOCOL)
        self._process.stdin.write(struct.pack(">I", len(data)) + data)
        self._process.stdin.flush()

    def write(self, batch: Sequence[Seen]) -> None:
        for start in range(0, len(batch), 64):
            try:
                self._send(batch[start : start + 64])
            except OSError as error:
                raise Full(self.end() or "the writing process ended") from error

    def end(self) -> str | None:
        """What it has to say, once it is through."""
        process = self._process
        for close in (process.stdin, process.stdout):
            if close is None or close.closed:
                return None
        assert process.stdin is not None and process.stdout is not None
        with suppress(OSError):  # it may be gone, and says why
            process.stdin.close()
        said = process.stdout.read().decode("utf-8", "replace").strip()
        process.stdout.close()
        code = process.wait()
        return said or (f"the writing process ended with {code}" if code else None)


def received(stream: IO[bytes]) -> Any:
    """What the other side sent; None at its end."""
    head = stream.read(4)
    return pickle.loads(stream.read(*struct.unpack(">I", head))) if len(head) == 4 else None


def _exchange(seen: Seen) -> Exchange:
    url, headers = seen.url, seen.headers
    if url is None:
        url, headers = _wsgi.url(headers), _wsgi.headers(headers)
    request = Request(seen.method, url, _pairs(headers), b"".join(seen.sent) or None, seen.sent_cut)
    response = None
    if seen.status is not None:
        response = Response(seen.status, _pairs(seen.answered), b"".join(seen.got), seen.got_cut)
    return Exchange(
        request,
        response,
        "middleware",
        elapsed_us=seen.elapsed_us,
        failure=None if response is not None else seen.failure or "no answer",
        abandoned=seen.abandoned,
        sent_at=datetime.fromtimestamp(seen.at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    )


def _pairs(headers: Iterable[tuple[Any, Any]]) -> Headers:
    return tuple((_text(name), _text(value)) for name, value in headers)


def _text(part: Any) -> str:
    return part.decode("latin-1") if isinstance(part, bytes) else str(part)


class Copy:
    """The beginning of a body, kept without a copy where its pieces are bytes."""

    __slots__ = ("_left", "cut", "pieces")

    def __init__(self, cap: int) -> None:
        self._left = cap
        self.cut = False
        self.pieces: list[bytes] = []

    def add(self, piece: Any) -> None:
        try:
            size = len(piece)
            if size > self._left:
                self.cut = True
                piece, size = piece[: self._left], self._left
            if size:
                self._left -= size
                self.pieces.append(piece if type(piece) is bytes else bytes(piece))
        except TypeError:  # no bytes, which whoever takes them next will say
            self.cut = True
