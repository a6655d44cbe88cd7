"""The recording proxy between real clients and real servers: what passes is unchanged, what is written can be judged."""

from __future__ import annotations

import gzip
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from websockets.sync.client import connect
from websockets.sync.server import ServerConnection, serve

from contract.app import cli, record
from contract.core.errors import ConfigError, SourceError
from contract.core.evidence import Exchange, Lost, Response, Traffic
from contract.demo.app import app as demo
from contract.sources.traffic import ndjson
from tests.demo.serving import ACME, serving

ROOT = Path(__file__).parents[2]
SCHEMA = jsonschema_rs.validator_for(json.loads((ROOT / "docs/exchange.schema.json").read_text()))


@dataclass
class Recording:
    """A proxy at work; `counts` are there when it has ended."""

    out: Path
    origin: str = ""
    counts: record.Counts | None = None
    error: Exception | None = None

    @property
    def address(self) -> tuple[str, int]:
        host, _, port = self.origin.removeprefix("http://").rpartition(":")
        return host, int(port)

    def read(self) -> list[Exchange | Lost]:
        for line in self.out.read_bytes().splitlines():
            SCHEMA.validate(json.loads(line))
        return list(ndjson.exchanges(str(self.out)))


@contextmanager
def recording(target: str, folder: Path, **options: Any) -> Iterator[Recording]:
    made = Recording(folder / "traffic.ndjson")
    listening, stop = threading.Event(), threading.Event()

    def ready(origin: str) -> None:
        made.origin = origin
        listening.set()

    def run() -> None:
        try:
            made.counts = record.record(record.Options(target, made.out, 0, **options), ready=ready, stop=stop)
        except Exception as error:  # told by the test that waits for it
            made.error = error
            listening.set()

    thread = threading.Thread(target=run)
    thread.start()
    assert listening.wait(20)
    try:
        yield made
    finally:
        stop.set()
        thread.join(20)
        assert not thread.is_alive()


@dataclass
class Scripted:
    """A server that answers each connection as it is told, and keeps what it was sent."""

    answer: Callable[[socket.socket, bytes], None]
    origin: str = ""
    sent: bytearray = field(default_factory=bytearray)


@contextmanager
def scripted(answer: Callable[[Scripted, socket.socket], None]) -> Iterator[Scripted]:
    listener = socket.create_server(("127.0.0.1", 0))
    made = Scripted(lambda connection, data: None, f"http://127.0.0.1:{listener.getsockname()[1]}")

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(5)
                try:
                    answer(made, connection)
                except OSError:
                    continue

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


def until(server: Scripted, connection: socket.socket, end: bytes) -> None:
    """Takes what is sent until it ends so."""
    got = bytearray()
    while not got.endswith(end):
        piece = connection.recv(65536)
        if not piece:
            return
        got += piece
        server.sent += piece


def received(connection: socket.socket, size: int | None = None) -> bytes:
    """What comes until the end, or so many bytes of it."""
    got = bytearray()
    while size is None or len(got) < size:
        piece = connection.recv(65536)
        if not piece:
            break
        got += piece
    return bytes(got)


def get(address: tuple[str, int], path: str, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(*address, timeout=10)
    connection.request("GET", path, headers=headers or {})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, body


ODD_REQUEST = (
    b"POST /a%2Fb/../c%20d?q=%C3%A9&&x=+ HTTP/1.1\r\nhOST: odd.example\r\nX-B:  two spaces \r\nx-a: 1\r\nX-B: again\r\n"
    b"Transfer-Encoding: chunked\r\nContent-Type: text/plain\r\n\r\n5;ext=1\r\nhello\r\n0006\r\n world\r\n0\r\nX-Trailer: t\r\n\r\n"
)
ODD_ANSWER = (
    b"HTTP/1.1 200 Fine, thanks\r\nset-cookie: a=1\r\nSET-COOKIE: b=2\r\nContent-Type: text/plain\r\n"
    b"transfer-encoding: Chunked\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n"
)


def test_every_byte_passes_as_it_was_sent_both_ways_and_the_copy_is_read(tmp_path: Path) -> None:
    def answer(server: Scripted, connection: socket.socket) -> None:
        for _ in range(2):
            until(server, connection, b"X-Trailer: t\r\n\r\n")
            connection.sendall(ODD_ANSWER)
        connection.recv(1)

    with scripted(answer) as server, recording(server.origin, tmp_path, redact=False) as proxy:
        with socket.create_connection(proxy.address, 5) as client:
            for _ in range(2):
                client.sendall(ODD_REQUEST)
                assert received(client, len(ODD_ANSWER)) == ODD_ANSWER
        # In single bytes too, which no parser likes.
        with socket.create_connection(proxy.address, 5) as client:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for byte in ODD_REQUEST:
                client.sendall(bytes([byte]))
            assert received(client, len(ODD_ANSWER)) == ODD_ANSWER
    assert bytes(server.sent) == ODD_REQUEST * 3
    found = [each for each in proxy.read() if isinstance(each, Exchange)]
    assert proxy.counts == record.Counts(exchanges=3)
    assert len(found) == len(proxy.read()) == 3
    for each in found:
        assert (each.request.method, each.request.url) == ("POST", "/a%2Fb/../c%20d?q=%C3%A9&&x=+")
        assert each.request.headers[:4] == (
            ("hOST", "odd.example"),
            ("X-B", "two spaces"),
            ("x-a", "1"),
            ("X-B", "again"),
        )
        assert each.request.body == b"hello world"
        assert each.response is not None
        assert (each.response.status, each.response.body, each.response.truncated) == (200, b"abcd", False)
        assert each.response.headers[:2] == (("set-cookie", "a=1"), ("SET-COOKIE", "b=2"))
        assert each.elapsed_us is not None and 0 < each.elapsed_us < 5_000_000
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", each.sent_at or "")


ANSWERS = {
    b"HEAD": b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n",
    b"DELETE": b"HTTP/1.1 204 No Content\r\n\r\n",
    b"OPTIONS": b"HTTP/1.1 304 Not Modified\r\nContent-Length: 12\r\n\r\n",
    b"PUT": b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok",
    b"GET": b"HTTP/1.1 200 OK\r\n\r\nto the end",
}


def test_head_204_304_and_interim_answers_keep_their_place_on_one_connection_even_if_pipelined(tmp_path: Path) -> None:
    def answer(server: Scripted, connection: socket.socket) -> None:
        until(server, connection, b"GET /4 HTTP/1.1\r\n\r\n")
        connection.sendall(b"".join(ANSWERS.values()))

    with (
        scripted(answer) as server,
        recording(server.origin, tmp_path) as proxy,
        socket.create_connection(proxy.address, 5) as client,
    ):
        methods = [name.decode() for name in ANSWERS]
        client.sendall("".join(f"{name} /{i} HTTP/1.1\r\n\r\n" for i, name in enumerate(methods)).encode())
        assert received(client) == b"".join(ANSWERS.values())
    found = [each for each in proxy.read() if isinstance(each, Exchange)]
    seen = [(e.request.method, e.request.url, e.response and (e.response.status, e.response.body)) for e in found]
    assert seen == [
        ("HEAD", "/0", (200, b"")),
        ("DELETE", "/1", (204, b"")),
        ("OPTIONS", "/2", (304, b"")),
        ("PUT", "/3", (201, b"ok")),
        ("GET", "/4", (200, b"to the end")),
    ]


def test_a_client_that_waits_for_100_continue_gets_it_before_it_sends(tmp_path: Path) -> None:
    def answer(server: Scripted, connection: socket.socket) -> None:
        until(server, connection, b"\r\n\r\n")
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        until(server, connection, b"body")
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    with (
        scripted(answer) as server,
        recording(server.origin, tmp_path) as proxy,
        socket.create_connection(proxy.address, 5) as client,
    ):
        client.sendall(b"POST / HTTP/1.1\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
        assert received(client, 25) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"body")
        assert received(client, 15).startswith(b"HTTP/1.1 200 OK")
    (found,) = proxy.read()
    assert isinstance(found, Exchange)
    assert (found.request.body, found.response and found.response.status) == (b"body", 200)


def test_server_sent_events_arrive_one_by_one_and_a_stream_that_is_left_is_kept_as_far_as_it_came(
    tmp_path: Path,
) -> None:
    go_on = threading.Event()

    def answer(server: Scripted, connection: socket.socket) -> None:
        until(server, connection, b"\r\n\r\n")
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n")
        go_on.wait(5)
        connection.sendall(b"data: 2\n\n")
        connection.recv(1)

    with scripted(answer) as server, recording(server.origin, tmp_path) as proxy:
        with socket.create_connection(proxy.address, 5) as client:
            client.sendall(b"GET /events HTTP/1.1\r\n\r\n")
            got = b""
            while not got.endswith(b"data: 1\n\n"):
                got += client.recv(65536)
            go_on.set()  # the second is sent only after the first has arrived
            assert received(client, 9) == b"data: 2\n\n"
        deadline = time.monotonic() + 5
        while not proxy.out.stat().st_size and time.monotonic() < deadline:
            time.sleep(0.02)
    (found,) = proxy.read()
    assert isinstance(found, Exchange)
    assert found.response == Response(
        200, (("Content-Type", "text/event-stream"),), b"data: 1\n\ndata: 2\n\n", truncated=True
    )


def test_a_websocket_is_passed_through_byte_for_byte(tmp_path: Path) -> None:
    switch = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n\x81\x02hi"

    def answer(server: Scripted, connection: socket.socket) -> None:
        until(server, connection, b"\r\n\r\n")
        connection.sendall(switch)
        until(server, connection, b"\x00\xff GET / HTTP/1.1\r\n\r\n")
        connection.sendall(b"\x88\x00")

    frame = b"\x81\x85\x00\x00\x00\x00hello\x00\xff GET / HTTP/1.1\r\n\r\n"
    with (
        scripted(answer) as server,
        recording(server.origin, tmp_path) as proxy,
        socket.create_connection(proxy.address, 5) as client,
    ):
        client.sendall(b"GET /live HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
        assert received(client, len(switch)) == switch
        client.sendall(frame)
        assert received(client) == b"\x88\x00"
    assert bytes(server.sent).endswith(frame)
    assert proxy.counts == record.Counts(exchanges=1)
    (found,) = proxy.read()
    assert isinstance(found, Exchange)
    assert (found.request.url, found.response and found.response.status) == ("/live", 101)


def test_a_real_websocket_client_talks_to_a_real_server_through_it(tmp_path: Path) -> None:
    def echo(connection: ServerConnection) -> None:
        for message in connection:
            connection.send(message)

    with serve(echo, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        with (
            recording(f"http://127.0.0.1:{server.socket.getsockname()[1]}", tmp_path) as proxy,
            connect(proxy.origin.replace("http", "ws") + "/live") as client,
        ):
            for message in ("hello", "x" * 200_000, b"\0\1"):
                client.send(message)
                assert client.recv(timeout=5) == message
        server.shutdown()
        thread.join(5)
    (found,) = proxy.read()
    assert isinstance(found, Exchange) and found.response is not None
    assert (found.request.url, found.response.status, found.response.truncated) == ("/live", 101, False)


def test_a_big_body_passes_whole_and_is_kept_up_to_the_cap(tmp_path: Path) -> None:
    big = os.urandom(1 << 20) * 8 + b"the end"

    def answer(server: Scripted, connection: socket.socket) -> None:
        until(server, connection, big[-64:])
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(big) + big)

    with (
        scripted(answer) as server,
        recording(server.origin, tmp_path, redact=False, body_cap=1000) as proxy,
        socket.create_connection(proxy.address, 10) as client,
    ):
        client.sendall(b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (len(big) + 4) + b"\r\n\r\n" + big)
        assert received(client).endswith(big)
    assert bytes(server.sent).endswith(big)
    (found,) = proxy.read()
    assert isinstance(found, Exchange)
    assert found.request.body == (b"\r\n\r\n" + big)[:1000]
    assert found.response is not None
    assert (found.response.body, found.request.truncated, found.response.truncated) == (big[:1000], True, True)


def test_a_target_that_is_down_is_told_by_the_proxy_and_recorded_as_no_answer(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with recording(f"http://127.0.0.1:{port}", tmp_path) as proxy, socket.create_connection(proxy.address, 5) as client:
        client.sendall(b"POST /tasks HTTP/1.1\r\nContent-Length: 5\r\n\r\n")
        got = received(client)
        assert got.startswith(b"HTTP/1.1 502 Bad Gateway\r\nServer: contract-record\r\n")
        assert got.endswith(
            f"contract record: http://127.0.0.1:{port} cannot be reached: connection refused\n".encode()
        )
    (found,) = proxy.read()
    assert isinstance(found, Exchange)
    assert (found.response, found.failure, found.abandoned) == (None, "connection refused", False)
    assert proxy.counts == record.Counts(exchanges=1, unanswered=1)


def test_who_ended_the_connection_decides_whose_fault_a_missing_answer_is(tmp_path: Path) -> None:
    def answer(server: Scripted, connection: socket.socket) -> None:
        until(server, connection, b"\r\n\r\n")
        if b"/wait" in server.sent:
            received(connection)
        elif b"/half" in server.sent:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        server.sent.clear()

    with scripted(answer) as server, recording(server.origin, tmp_path) as proxy:
        for path in ("/none", "/half", "/wait"):
            with socket.create_connection(proxy.address, 5) as client:
                client.sendall(f"GET {path} HTTP/1.1\r\n\r\n".encode())
                if path != "/wait":
                    received(client)
                else:
                    time.sleep(0.1)
        deadline = time.monotonic() + 5
        while len(proxy.read()) < 3 and time.monotonic() < deadline:
            time.sleep(0.02)
    seen = [(each.request.url, each.failure, each.abandoned) for each in proxy.read() if isinstance(each, Exchange)]
    assert seen == [
        ("/none", "connection closed without an answer", False),
        ("/half", "connection closed in the middle of the answer", False),
        ("/wait", "the client went away before the answer", True),
    ]


def test_what_is_no_http_passes_and_is_counted(tmp_path: Path) -> None:
    def answer(server: Scripted, connection: socket.socket) -> None:
        until(server, connection, b"SM\r\n\r\n")
        connection.sendall(b"\x00\x00\x00\x04")

    with (
        scripted(answer) as server,
        recording(server.origin, tmp_path) as proxy,
        socket.create_connection(proxy.address, 5) as client,
    ):
        client.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        assert received(client) == b"\x00\x00\x00\x04"
    assert bytes(server.sent) == b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    assert (proxy.read(), proxy.counts) == ([], record.Counts(opaque=1))
    assert proxy.counts is not None
    assert proxy.counts.sentence(Path("t")) == (
        "Recorded 0 exchanges in t; 1 connection passed unread, as it was no HTTP/1.1"
    )


def test_the_host_is_the_clients_unless_it_is_to_be_the_targets(tmp_path: Path) -> None:
    def answer(server: Scripted, connection: socket.socket) -> None:
        until(server, connection, b"\r\n\r\n")
        connection.sendall(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")

    with scripted(answer) as server:
        for rewrite in (False, True):
            with recording(server.origin, tmp_path, rewrite_host=rewrite) as proxy:
                assert get(proxy.address, "/") == (204, b"")
            host = server.origin if rewrite else proxy.origin
            assert f"\r\nHost: {host.removeprefix('http://')}\r\n" in server.sent.decode()
            server.sent.clear()


SECRET = "hunter2-Correct-Horse"
BODIES = {
    "/json": ("application/json", json.dumps({"id": 7, "api_key": SECRET, "note": f"it is {SECRET}"}).encode()),
    "/clean": ("application/json", b'{ "id":7 , "big": 123456789012345678901234567890, "f": 1.50}'),
    "/gzip": ("application/json", gzip.compress(b'{"id": 7}')),
    "/not-gzip": ("application/json", b'{"id": 7}'),
    "/image": ("image/png", b"\x89PNG\r\n\x1a\n\0\0" + SECRET.encode()),
    "/latin": ("text/plain; charset=latin-1", "é, and jo@example.com".encode("latin-1")),
    "/broken": ("application/json", b'{"name": "\xff"}'),
    "/twice": ("application/json", b'{"id": 1, "id": 2}'),
}


def test_what_is_written_is_masked_and_masked_places_are_named(tmp_path: Path) -> None:
    def answer(server: Scripted, connection: socket.socket) -> None:
        until(server, connection, b"\r\n\r\n")
        path = re.findall(rb"GET (/[a-z-]+)", bytes(server.sent))[-1].decode()
        media, body = BODIES[path]
        coding = "Content-Encoding: gzip\r\n" if "gzip" in path else ""
        head = f"HTTP/1.1 200 OK\r\nContent-Type: {media}\r\n{coding}Content-Length: {len(body)}\r\n"
        connection.sendall(f"{head}Set-Cookie: session={SECRET}\r\nConnection: close\r\n\r\n".encode() + body)

    with scripted(answer) as server, recording(server.origin, tmp_path) as proxy:
        for path, (_, body) in BODIES.items():
            assert get(proxy.address, f"{path}?token={SECRET}", {"Authorization": f"Bearer {SECRET}"}) == (200, body)
    assert SECRET not in proxy.out.read_text()
    found: dict[str, Exchange] = {}
    lost = []
    for each in proxy.read():
        if isinstance(each, Lost):
            lost.append((each.heading, each.place.rpartition(":")[2]))
        else:
            found[each.request.path] = each
    always = ("request query:token", "request header:authorization", "response header:set-cookie")
    assert {path: (each.response and each.response.body, each.masked) for path, each in found.items()} == {
        "/json": (
            b'{"id":7,"api_key":"[redacted]","note":"it is [redacted]"}',
            (*always, "response body:/api_key", "response body:/note"),
        ),
        "/clean": (BODIES["/clean"][1], always),
        "/gzip": (b'{"id": 7}', always),
        "/not-gzip": (b"", always),
        "/image": (b"", always),
        "/latin": ("é, and redacted@example.invalid".encode("latin-1"), (*always, "response body:")),
        "/broken": (BODIES["/broken"][1], always),
        "/twice": (b'{"id":2}', always),
    }
    cut = [path for path, each in found.items() if each.response and each.response.truncated]
    assert cut == ["/not-gzip", "/image"]
    assert lost == [("response body is not the gzip that it claims to be", "4")]


def test_unredacted_keeps_everything_for_its_owner_alone(tmp_path: Path) -> None:
    def answer(server: Scripted, connection: socket.socket) -> None:
        until(server, connection, b"\r\n\r\n")
        connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n\xff" + SECRET.encode())

    with (
        scripted(answer) as server,
        recording(server.origin, tmp_path, redact=False, traffic=Traffic.TEST) as proxy,
    ):
        get(proxy.address, "/", {"Authorization": f"Bearer {SECRET}"})
    (found,) = proxy.read()
    assert isinstance(found, Exchange) and found.response is not None
    assert (found.response.body, found.masked, found.traffic) == (b"\xff" + SECRET.encode(), (), Traffic.TEST)
    assert ("Authorization", f"Bearer {SECRET}") in found.request.headers
    assert proxy.out.stat().st_mode & 0o777 == 0o600


def test_the_demo_answers_through_the_proxy_as_it_does_without(tmp_path: Path) -> None:
    with serving(demo) as origin, recording(origin, tmp_path) as proxy:
        direct = origin.removeprefix("http://").split(":")
        paths = ["/api/v1/app/tasks?limit=2", "/api/v1/app/tasks/1", "/api/v1/app/tasks/x", "/nowhere"]
        for path in paths:
            assert get(proxy.address, path, ACME) == get((direct[0], int(direct[1])), path, ACME)
    found = [each for each in proxy.read() if isinstance(each, Exchange)]
    assert len(found) == len(proxy.read())
    assert [each.request.url for each in found] == paths
    assert [each.traffic for each in found] == [Traffic.REAL] * 4


DOCUMENT = """
openapi: 3.1.0
info: {title: t, version: '1'}
paths:
  /login:
    post:
      operationId: login
      requestBody:
        required: true
        content: {application/json: {schema: {type: object, properties: {password: {type: string, maxLength: 9}}}}}
      responses:
        '200':
          description: Yes.
          content:
            application/json:
              schema:
                type: object
                required: [token]
                properties: {token: {type: string, pattern: '^tk_'}, mail: {type: string, maxLength: 20}, n: {type: integer}}
"""


def test_what_was_masked_is_not_judged_and_everything_else_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    body = b'{"token": "tk_%s", "mail": "a@b.example", "n": "7"}' % SECRET.encode()

    def answer(server: Scripted, connection: socket.socket) -> None:
        until(server, connection, b"}")
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
        connection.sendall(head % len(body) + body)

    with scripted(answer) as server, recording(server.origin, tmp_path) as proxy:
        connection = http.client.HTTPConnection(*proxy.address, timeout=5)
        connection.request("POST", "/login", b'{"password": "hunter22"}', {"Content-Type": "application/json"})
        assert connection.getresponse().read() == body
        connection.close()
        with socket.create_connection(proxy.address, 5) as client:
            client.sendall(b"POST /login HTTP/1.1\r\nContent-Length: 90\r\n\r\nnever ends")
            time.sleep(0.1)
    (tmp_path / "api.yaml").write_text(DOCUMENT)
    command = ["check", "--document", "api.yaml", "--traffic", "ndjson:traffic.ndjson", "--no-fuzz", "--no-types"]
    cli.main([*command, "--format", "json"])
    report = json.loads(capsys.readouterr().out)
    seen = [(row["rule"], row["where"]["pointer"]) for row in report["findings"] if row["level"] == "error"]
    assert seen == [("response-schema", "/n")]
    assert report["sources"][0]["exchanges"] == 2


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("ftp://x", "ftp://x: expected the origin of the API, such as http://127.0.0.1:8000"),
        ("http://x/v1", "http://x/v1: a path, a query or a user name cannot be added to what clients send"),
    ],
)
def test_a_target_that_cannot_be_stood_before_is_refused(tmp_path: Path, target: str, message: str) -> None:
    with recording(target, tmp_path) as proxy:
        assert isinstance(proxy.error, ConfigError)
    assert str(proxy.error) == message


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=rf"127\.0\.0\.1:{port}: .*address already in use"):
            record.record(record.Options("http://127.0.0.1:1", tmp_path / "t", port))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is always full")
def test_a_disk_that_is_full_ends_the_recording_and_says_so(tmp_path: Path) -> None:
    def answer(server: Scripted, connection: socket.socket) -> None:
        until(server, connection, b"\r\n\r\n")
        connection.sendall(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")

    (tmp_path / "traffic.ndjson").symlink_to("/dev/full")
    with scripted(answer) as server, recording(server.origin, tmp_path) as proxy:
        get(proxy.address, "/")
    assert isinstance(proxy.error, SourceError)
    assert str(proxy.error).endswith("traffic.ndjson: No space left on device")


def test_ctrl_c_ends_the_command_with_a_summary(tmp_path: Path) -> None:
    def answer(server: Scripted, connection: socket.socket) -> None:
        until(server, connection, b"\r\n\r\n")
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: application/json\r\n\r\n{}")
        connection.recv(1)

    with scripted(answer) as server:
        command = [sys.executable, "-m", "contract", "record", "--target", server.origin, "--port", "0"]
        process = subprocess.Popen(
            command,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT), "CI": "true"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stderr is not None
        said = process.stderr.readline()
        match = re.match(r"http://127\.0\.0\.1:(\d+) → http://127\.0\.0\.1:\d+, recorded in traffic\.ndjson", said)
        assert match is not None, said
        assert get(("127.0.0.1", int(match[1])), "/tasks") == (200, b"{}")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert (out, err, process.returncode) == ("Recorded 1 exchange in traffic.ndjson · exit 0\n", "", 0)
    (found,) = ndjson.exchanges(str(tmp_path / "traffic.ndjson"))
    assert isinstance(found, Exchange) and found.response is not None
    assert (found.request.url, found.response.body) == ("/tasks", b"{}")
