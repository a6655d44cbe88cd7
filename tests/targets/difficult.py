"""Servers that behave badly on purpose: real sockets on 127.0.0.1, and every byte of an answer in the test's hand."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Asked:
    """A request as it came in; `number` counts from 1 over all connections, `turn` on this connection."""

    method: str
    url: str
    head: bytes
    body: bytes
    number: int
    turn: int


@dataclass
class Server:
    """What listens, and what it was asked."""

    origin: str
    listener: socket.socket
    asked: list[Asked] = field(default_factory=list)
    connections: list[socket.socket] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    dead: threading.Event = field(default_factory=threading.Event)

    def die(self) -> None:
        """Takes no connection any more, and ends those that it has, as a process that is killed."""
        self.dead.set()
        with suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for connection in self.connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


Answer = Callable[[socket.socket, Asked], None]
"""Says on the socket what it likes; raising OSError, or closing the socket, ends the connection."""


@contextmanager
def difficult(answer: Answer, tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    """A server that reads whole requests, and leaves it to `answer` what comes back. One thread a connection."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    scheme = "http" if tls is None else "https"
    server = Server(f"{scheme}://127.0.0.1:{listener.getsockname()[1]}", listener)
    threads: list[threading.Thread] = []

    def accept() -> None:
        while not server.dead.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=serve, args=(connection,), daemon=True)
            threads.append(thread)
            thread.start()

    def serve(connection: socket.socket) -> None:
        connection.settimeout(30)
        try:
            if tls is not None:
                connection = tls.wrap_socket(connection, server_side=True)
            with server.lock:
                server.connections.append(connection)
            with connection, connection.makefile("rb") as reader:
                turn = 0
                while (head := _head(reader)) is not None:
                    turn += 1
                    method, url, _ = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
                    length = next(
                        (int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")),
                        0,
                    )
                    body = reader.read(length)
                    with server.lock:
                        asked = Asked(method, url, head, body, len(server.asked) + 1, turn)
                        server.asked.append(asked)
                    answer(connection, asked)
        except (OSError, ValueError):
            connection.close()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.die()
        thread.join(10)
        for each in threads:
            each.join(10)


def _head(reader: object) -> bytes | None:
    lines = []
    while True:
        line: bytes = reader.readline()  # type: ignore[attr-defined]
        if not line:
            return None
        if line in (b"\r\n", b"\n"):
            return b"".join(lines)
        lines.append(line)


def reply(status: str = "200 OK", body: bytes = b"", *lines: str, kind: str | None = "application/json") -> bytes:
    """A well-formed HTTP/1.1 answer."""
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *lines]
    if kind is not None and body:
        head.append(f"Content-Type: {kind}")
    return raw(*head, body=body)


def raw(*head: str, body: bytes = b"") -> bytes:
    """These lines, and these bytes after them."""
    return "\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + body


def end(connection: socket.socket) -> None:
    """Closes the connection; its reader holds the descriptor, so `close` alone would not."""
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
