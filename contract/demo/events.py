"""Task events, from whichever thread changes a task to every WebSocket of its tenant."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from contract.demo.store import Row

_Listener = tuple[asyncio.AbstractEventLoop, asyncio.Queue[Row]]


class Feed:
    """Who listens, by tenant."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: dict[str, list[_Listener]] = {}

    @contextmanager
    def subscribed(self, tenant: str) -> Iterator[asyncio.Queue[Row]]:
        """A queue that gets the tenant's events until the block ends; to be used inside an event loop."""
        listener: _Listener = asyncio.get_running_loop(), asyncio.Queue()
        with self._lock:
            self._listeners.setdefault(tenant, []).append(listener)
        try:
            yield listener[1]
        finally:
            with self._lock:
                self._listeners[tenant].remove(listener)

    def send(self, tenant: str, type: str, task: Row) -> None:
        with self._lock:
            for loop, queue in self._listeners.get(tenant, ()):
                loop.call_soon_threadsafe(queue.put_nowait, {"type": type, "task": task})
