"""The middleware in real servers on loopback: nothing changes for clients, and what passed is written down, masked."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import httpx2
import pytest
import uvicorn
from websockets.sync.client import connect

from contract.app.middleware import asgi, wsgi
from contract.app.middleware._recorder import Options, Recorder, Seen
from contract.core.evidence import Exchange
from contract.sources.traffic import ndjson


def read(path: Path) -> list[Exchange]:
    """What was written, each line a whole exchange."""
    found = list(ndjson.exchanges(str(path)))
    assert all(isinstance(each, Exchange) for each in found), found
    return [each for each in found if isinstance(each, Exchange)]


def told(exchange: Exchange) -> tuple[Any, ...]:
    answer = exchange.response
    return (
        exchange.request.method,
        exchange.request.url,
        exchange.request.body,
        answer and answer.status,
        answer and answer.body,
        answer and answer.truncated,
    )


# --- ASGI -------------------------------------------------------------------------------------------------------------


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Answers in each way that matters."""
    if scope["type"] == "lifespan":
        for kind in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{kind}.complete"})
        return
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        message = await receive()
        await send({"type": "websocket.send", "text": message["text"][::-1]})
        await send({"type": "websocket.close"})
        return
    path = scope["path"]
    if path == "/raise":
        raise ZeroDivisionError
    body, more = b"", path != "/unread"
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    kind = b"application/json" if path != "/binary" else b"image/png"
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind)]})
    pieces = {"/stream": [b"[1", b",2", b"]"], "/large": [b'"' + b"x" * 5000 + b'"'], "/binary": [b"\x89PNG\xff"]}
    for piece in pieces.get(path, [body or b'{"email":"jo@example.com"}']):
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


@contextmanager
def serving(app: Any) -> Iterator[str]:
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="critical"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    try:
        yield f"127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


def asked(where: str, app: Any) -> list[tuple[int, bytes]]:
    with serving(app) as host, httpx2.Client(base_url=f"http://{host}") as client:
        answers = [
            client.post("/echo?a=%2Fb", content=b'{"title":"a"}', headers={"Content-Type": "application/json"}),
            client.get("/stream"),
            client.get("/large"),
            client.get("/binary"),
            client.get("/person", headers={"Authorization": "Bearer abcdef123456"}),
            client.post("/unread", content=b'"never read"'),
            client.get("/raise"),
        ]
        with connect(f"ws://{host}/socket") as socket:
            socket.send("abc")
            answers_socket = socket.recv()
        assert answers_socket == "cba"
    return [(each.status_code, each.content) for each in answers]


def test_clients_of_an_asgi_application_see_no_difference_and_what_passed_is_written_down(tmp_path: Path) -> None:
    out = tmp_path / "traffic.ndjson"
    recorded = asgi.Record(application, str(out), body_cap=1000)
    assert asked("recorded", recorded) == asked("bare", application)
    # Written before the server is through with shutting down: the lifespan tells.
    assert [told(each) for each in read(out)] == [
        ("POST", "/echo?a=%2Fb", b'{"title":"a"}', 200, b'{"title":"a"}', False),
        ("GET", "/stream", None, 200, b"[1,2]", False),
        ("GET", "/large", None, 200, b'"' + b"x" * 999, True),
        ("GET", "/binary", None, 200, b"", True),
        ("GET", "/person", None, 200, b'{"email":"redacted@example.invalid"}', False),
        ("POST", "/unread", None, 200, b'{"email":"redacted@example.invalid"}', False),
        ("GET", "/raise", None, None, None, None),
    ]
    assert "abcdef123456" not in out.read_text()
    unread, raised = read(out)[5:]
    assert unread.request.truncated
    assert raised.failure == "the application raised ZeroDivisionError before it answered"
    assert (recorded.recorder.counts.recorded, recorded.recorder.counts.dropped) == (7, 0)
    assert all(each.elapsed_us is not None and each.sent_at is not None for each in read(out))


def test_a_client_that_goes_away_is_no_fault_of_the_application(tmp_path: Path) -> None:
    async def waits(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            return await application(scope, receive, send)
        while (await receive())["type"] != "http.disconnect":
            pass

    recorded = asgi.Record(waits, str(tmp_path / "t.ndjson"))
    with serving(recorded) as host, httpx2.Client(timeout=0.3) as client, pytest.raises(httpx2.ReadTimeout):
        client.get(f"http://{host}/slow")
    recorded.recorder.close()
    [seen] = read(tmp_path / "t.ndjson")
    assert (seen.response, seen.abandoned) == (None, True)


# --- WSGI -------------------------------------------------------------------------------------------------------------


class Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


class Closing:
    """A body that says when it is closed."""

    def __init__(self, pieces: list[bytes]) -> None:
        self.pieces, self.closed = iter(pieces), False

    def __iter__(self) -> Iterator[bytes]:
        return self.pieces

    def close(self) -> None:
        self.closed = True


closings: list[Closing] = []


def plain(environ: Any, start_response: Callable[..., Any]) -> Any:
    path = environ["PATH_INFO"]
    length = int(environ.get("CONTENT_LENGTH") or 0)
    body = environ["wsgi.input"].read(length) if length and path != "/unread" else b"{}"
    write = start_response("200 OK", [("Content-Type", "application/json"), ("X-A", "1"), ("X-A", "2")])
    if path == "/write":
        write(b"[1")
        return [b",2]"]
    if path == "/file":
        return environ["wsgi.file_wrapper"]((Path(__file__).parent / "inventory.py").open("rb"))
    if path == "/closing":
        closings.append(Closing([b"[", b"]"]))
        return closings[-1]
    return [body]


@contextmanager
def serving_wsgi(app: Any) -> Iterator[str]:
    with make_server("127.0.0.1", 0, app, handler_class=Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def asked_wsgi(app: Any) -> list[tuple[int, list[tuple[str, str]], bytes]]:
    with serving_wsgi(app) as base, httpx2.Client(base_url=base) as client:
        answers = [
            client.post("/echo/a%20b?x=1", json={"a": 1}),
            client.get("/write"),
            client.get("/file"),
            client.get("/closing"),
            client.post("/unread", json={"a": 1}),
        ]
    return [(a.status_code, [p for p in a.headers.multi_items() if p[0] != "date"], a.content) for a in answers]


def test_clients_of_a_wsgi_application_see_no_difference_and_what_passed_is_written_down(tmp_path: Path) -> None:
    out = tmp_path / "traffic.ndjson"
    recorded = wsgi.Record(plain, str(out), traffic="test")
    assert asked_wsgi(recorded) == asked_wsgi(plain)
    recorded.recorder.close()
    assert [told(each) for each in read(out)] == [
        ("POST", "/echo/a%20b?x=1", b'{"a":1}', 200, b'{"a":1}', False),
        ("GET", "/write", None, 200, b"[1,2]", False),
        ("GET", "/file", None, 200, b"", True),
        ("GET", "/closing", None, 200, b"[]", False),
        ("POST", "/unread", None, 200, b"{}", False),
    ]
    seen = read(out)
    assert [each.closed for each in closings] == [True, True]
    assert seen[4].request.truncated
    assert seen[0].response is not None and [p for p in seen[0].response.headers if p[0] == "X-A"] == [
        ("X-A", "1"),
        ("X-A", "2"),
    ]
    assert {each.traffic.value for each in seen} == {"test"}


# --- the recorder -----------------------------------------------------------------------------------------------------


def one(number: int = 0, size: int = 2) -> Seen:
    headers = [(b"content-type", b"application/json")]
    return Seen("GET", f"/{number}", [], [], False, 200, headers, [b'"' + b"x" * (size - 2) + b'"'], False, 10, 0.0)


def test_what_does_not_fit_into_the_queue_is_dropped_and_counted_and_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    recorder = Recorder(Options(str(tmp_path / "t.ndjson"), queue_cap=10_000))
    for number in range(50):
        recorder.put(one(number))
    recorder.close()
    counts = recorder.counts
    assert counts.recorded + counts.dropped == 50 and counts.dropped > 0
    assert len(read(tmp_path / "t.ndjson")) == counts.recorded
    assert [record.message.partition(": ")[2] for record in caplog.records] == [
        "more passes than can be written: what does not fit into the queue is left out"
    ]


@pytest.mark.parametrize("apart", [True, False])
def test_a_file_does_not_grow_beyond_its_cap(tmp_path: Path, apart: bool, caplog: pytest.LogCaptureFixture) -> None:
    out = tmp_path / "t.ndjson"
    recorder = Recorder(Options(str(out), file_cap=5000, apart=apart))
    for number in range(20):
        recorder.put(one(number, 1000))
    recorder.close()
    assert 3000 < out.stat().st_size <= 5000
    assert [each.request.url for each in read(out)] == ["/0", "/1", "/2", "/3"]
    assert "as many as it may have" in caplog.text


@pytest.mark.parametrize("apart", [True, False])
def test_a_file_that_cannot_be_written_costs_the_recording_only(
    tmp_path: Path, apart: bool, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    app = wsgi.Record(plain, str(tmp_path / "file" / "t.ndjson"), apart=apart)
    with serving_wsgi(app) as base:
        assert httpx2.get(f"{base}/write").content == b"[1,2]"
        app.recorder.close()
        assert httpx2.get(f"{base}/write").content == b"[1,2]"
    assert "cannot be written" in caplog.text


def test_sampling_records_a_share_and_zero_records_nothing(tmp_path: Path) -> None:
    assert sum(Recorder(Options(sampling=0.25)).wanted() for _ in range(4000)) in range(800, 1200)
    assert not any(Recorder(Options(sampling=0.0)).wanted() for _ in range(100))
    with pytest.raises(ValueError, match="share from 0 to 1"):
        asgi.Record(application, sampling=10)
    with pytest.raises(ValueError, match="must be one of"):
        wsgi.Record(plain, traffic="tests")


def test_an_application_that_breaks_the_protocol_meets_its_own_error_not_ours(tmp_path: Path) -> None:
    async def wrong(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": "many", "headers": None})
        await send({"type": "http.response.body", "body": 7})

    sent = []

    async def send(message: Any) -> None:
        sent.append(message["type"])

    async def receive() -> Any:
        return {"type": "http.request"}

    recorded = asgi.Record(wrong, str(tmp_path / "t.ndjson"))
    scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": []}
    asyncio.run(recorded(scope, receive, send))
    recorded.recorder.close()
    assert sent == ["http.response.start", "http.response.body"]
    assert recorded.recorder.counts.failed == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here")
def test_a_server_that_forks_after_the_first_request_records_in_each_of_its_processes(tmp_path: Path) -> None:
    out = tmp_path / "t.ndjson"
    program = f"""
import os, sys
from contract.app.middleware._recorder import Options, Recorder, Seen
def one(path):
    return Seen("GET", path, [], [], False, 204, [], [], False, 10, 0.0)
recorder = Recorder(Options({str(out)!r}))
recorder.put(one("/before"))
child = os.fork()
recorder.put(one("/child" if child == 0 else "/parent"))
recorder.close()
if child == 0:
    os._exit(0)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(json.loads(line)["url"] for line in out.read_text().splitlines()) == ["/before", "/child", "/parent"]
