"""What all seams do alike: keep a copy of what passes, in order, and never let a fault of ours reach the test."""

from __future__ import annotations

import functools
import sys
import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, Protocol

from contract.core.evidence import Exchange, Headers, Request, Response, Traffic

BODY_CAP = 8 << 20
"""Bytes of one body that are kept; the rest passes, and the body is marked as truncated."""

HELD, HELD_BYTES = 1000, 64 << 20
"""Exchanges, and bytes of their bodies, that wait for the end of a test; beyond them they are judged while it runs."""

Undo = Callable[[], None]


class Kept:
    """The beginning of a body that goes by in pieces."""

    def __init__(self, cap: int = BODY_CAP) -> None:
        self._cap = cap
        self._left = cap
        self._pieces: list[bytes] = []
        self.cut = False

    def add(self, piece: bytes | bytearray | memoryview) -> None:
        if len(piece) > self._left:
            self.cut = True
            piece = piece[: self._left]
        if piece:
            self._left -= len(piece)
            self._pieces.append(bytes(piece))

    def restart(self) -> None:
        """Forgets everything: the body is sent anew."""
        self._left, self.cut = self._cap, False
        self._pieces.clear()

    @property
    def body(self) -> bytes:
        return b"".join(self._pieces)


class Taken:
    """An exchange as it passed; `host` is None where the application answered in this process."""

    __slots__ = ("coded", "exchange", "host")

    def __init__(self, exchange: Exchange, host: str | None, coded: bool) -> None:
        self.exchange = exchange
        self.host = host
        self.coded = coded
        """Its bodies are as they went over the wire, content codings and all."""


class Tap:
    """Where exchanges are put until somebody judges them; may be used from several threads."""

    def __init__(self, full: Callable[[], None] = lambda: None) -> None:
        self.waiting: deque[Taken] = deque()
        self.bytes = 0
        self._full = full
        self.raised = 0
        """Requests that ended in an exception instead of an answer: the test's affair, and nothing to judge."""
        self.faults = 0
        """Exchanges that are not recorded since we failed."""
        self.fault: str | None = None
        self._open: set[Answer] = set()
        self._lock = threading.Lock()

    @contextmanager
    def quietly(self) -> Iterator[None]:
        """Whatever goes wrong inside is counted and told at the end of the run, not to the test."""
        try:
            yield
        except Exception as error:
            self.failed(error)

    def failed(self, error: Exception) -> None:
        self.faults += 1
        if self.fault is None:
            last = traceback.extract_tb(error.__traceback__)[-1]
            self.fault = f"{type(error).__name__} in {last.name}, {last.filename.rpartition('/')[2]}:{last.lineno}"

    def put(self, exchange: Exchange, host: str | None = None, coded: bool = False) -> None:
        self.waiting.append(Taken(exchange, host, coded))
        self.bytes += len(exchange.request.body or b"") + (len(exchange.response.body) if exchange.response else 0)
        if len(self.waiting) >= HELD or self.bytes >= HELD_BYTES:
            self._full()

    def opened(self, answer: Answer) -> None:
        with self._lock:
            self._open.add(answer)

    def closed(self, answer: Answer) -> bool:
        """True the first time that it is said of an answer."""
        with self._lock:
            known = answer in self._open
            self._open.discard(answer)
        return known

    def settle(self) -> None:
        """Ends the answers whose bodies nobody read to their end: what was read of them counts."""
        with self._lock:
            left = list(self._open)
        for answer in left:
            answer.end()


class Answer:
    """An answer whose body is still to come."""

    def __init__(
        self,
        tap: Tap,
        request: Request,
        status: int,
        headers: Headers,
        *,
        host: str | None = None,
        coded: bool = False,
    ) -> None:
        self._tap = tap
        self._said = (request, status, headers, host, coded)
        self._kept = Kept()
        self._whole = False
        tap.opened(self)

    def more(self, piece: bytes) -> None:
        with self._tap.quietly():
            self._kept.add(piece)

    def whole(self) -> None:
        """Says that the body was read to its end."""
        self._whole = True

    def broke(self) -> None:
        """Says that the test met an exception instead: Starlette raises what the application raised after its answer."""
        if self._tap.closed(self):
            self._tap.raised += 1

    def end(self) -> None:
        """Says that no more is read; only the first time counts."""
        with self._tap.quietly():
            if not self._tap.closed(self):
                return
            request, status, headers, host, coded = self._said
            response = Response(status, headers, self._kept.body, self._kept.cut or not self._whole)
            self._tap.put(exchange(request, response), host, coded)


def exchange(request: Request, response: Response) -> Exchange:
    """Without a time that it took: a client inside the process measures no network, and tests stop clocks."""
    return Exchange(request, response, "pytest", Traffic.TEST)


_MARK = "__contract_original__"


def replaced(owner: Any, name: str, make: Callable[[Callable[..., Any]], Callable[..., Any]]) -> list[Undo]:
    """Puts `make(original)` in place of a method that the class itself has; nothing where it is there already."""
    original = vars(owner).get(name)
    if original is None or hasattr(original, _MARK):
        return []
    wrapper = functools.wraps(original)(make(original))
    setattr(wrapper, _MARK, original)
    setattr(owner, name, wrapper)

    def undo() -> None:
        # Somebody else's wrapper around ours is left alone; ours stays inside it, and nobody listens to it.
        if vars(owner).get(name) is wrapper:
            setattr(owner, name, original)

    return [undo]


class Client(Protocol):
    """A file of this folder."""

    @property
    def NAMES(self) -> Sequence[str]: ...

    def patch(self, module: Any, tap: Tap, /) -> list[Undo]: ...


class Seams(MetaPathFinder):
    """Patches each client when it is imported, or at once where it is there already."""

    def __init__(self, clients: Sequence[Client], tap: Tap) -> None:
        self._clients = {name: client for client in clients for name in client.NAMES}
        self._tap = tap
        self._undo: list[Undo] = []

    def open(self) -> None:
        for name in self._clients:
            if name in sys.modules:
                self._patch(name, sys.modules[name])
        sys.meta_path.insert(0, self)

    def close(self) -> None:
        if self in sys.meta_path:
            sys.meta_path.remove(self)
        while self._undo:
            self._undo.pop()()

    def _patch(self, name: str, module: ModuleType) -> None:
        with self._tap.quietly():
            self._undo += self._clients[name].patch(module, self._tap)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in self._clients:
            return None
        for finder in sys.meta_path:
            if finder is self or not hasattr(finder, "find_spec"):
                continue
            spec = finder.find_spec(fullname, path, target)
            if spec is not None:
                if spec.loader is not None:
                    self._listen(fullname, spec.loader)
                return spec
        return None

    def _listen(self, name: str, loader: Any) -> None:
        execute = loader.exec_module

        def exec_module(module: ModuleType) -> None:
            execute(module)
            self._patch(name, module)

        # On this one loader, which is made for this one module; a loader that allows no such thing is patched later.
        with self._tap.quietly():
            loader.exec_module = exec_module
