"""The demo behind a real server on loopback, for the tests."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI

ACME = {"Authorization": "Bearer demo-acme"}
ACME_ADMIN = {"Authorization": "Bearer demo-acme-admin"}
GLOBEX = {"Authorization": "Bearer demo-globex"}


@contextmanager
def serving(app: FastAPI) -> Iterator[str]:
    """The origin of a uvicorn that serves `app` on a free port until the block ends."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # asyncio does so only for sockets of its own
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
