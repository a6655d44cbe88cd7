"""The HTTP target, against servers that behave and servers that do not."""

from __future__ import annotations

import gzip
import socket
import time
import zlib

import pytest

from contract.core.errors import ConfigError, TargetError
from contract.core.evidence import Exchange, Request, Traffic
from contract.core.target import TimeUp
from contract.targets import http
from contract.targets._message import Pace, decoded
from tests.targets.difficult import Asked, difficult, reply
from tests.targets.serving import scripted


def send(target: http.HttpTarget, request: Request, *, bare: bool = False, timeout_s: float | None = None) -> Exchange:
    return target.send(request, source="test", traffic=Traffic.TEST, bare=bare, timeout_s=timeout_s)


def answer(text: str, body: bytes = b"") -> bytes:
    return text.replace("\n", "\r\n").encode() + body


PLAIN = answer("HTTP/1.1 200 OK\nContent-Length: 2\nConnection: close\n\n", b"ok")


def test_the_path_goes_over_the_wire_as_it_is() -> None:
    seen: list[bytes] = []

    def serve(connection: socket.socket, first: bytes) -> None:
        seen.append(first)
        connection.sendall(PLAIN)

    with scripted(serve) as origin:
        target = http.open(origin, headers=[("Authorization", "Bearer t")])
        exchange = send(target, Request("GET", "/a/%2F/../b;x=1?q=%20&q=+&r=é", (("X-Odd", "1"),)))
    host = origin.removeprefix("http://")
    assert seen == [
        f"GET /a/%2F/../b;x=1?q=%20&q=+&r=%C3%A9 HTTP/1.1\r\nHost: {host}\r\nX-Odd: 1\r\nAuthorization: Bearer t\r\n\r\n".encode()
    ]
    assert exchange.request == Request(
        "GET",
        "/a/%2F/../b;x=1?q=%20&q=+&r=%C3%A9",
        (("Host", host), ("X-Odd", "1"), ("Authorization", "Bearer t")),
    )
    assert exchange.response is not None
    assert (exchange.response.status, exchange.response.headers, exchange.response.body) == (
        200,
        (("Content-Length", "2"), ("Connection", "close")),
        b"ok",
    )


def test_the_length_is_that_of_the_body_that_is_sent() -> None:
    seen: list[bytes] = []

    def serve(connection: socket.socket, first: bytes) -> None:
        seen.append(first)
        connection.sendall(PLAIN)

    with scripted(serve) as origin:
        send(http.open(origin), Request("POST", "/", (("content-length", "999"), ("Transfer-Encoding", "x")), b"abc"))
    assert seen[0].endswith(b"\r\nContent-Length: 3\r\n\r\nabc")
    assert b"999" not in seen[0] and b"Transfer" not in seen[0]


@pytest.mark.parametrize(
    ("bare", "own", "sent"),
    [
        (False, (), "Bearer target"),
        (False, (("authorization", "Bearer own"),), "Bearer own"),
        (True, (), None),
    ],
)
def test_credentials_are_added_where_the_request_has_none(
    bare: bool, own: tuple[tuple[str, str], ...], sent: str | None
) -> None:
    with scripted(lambda connection, _: connection.sendall(PLAIN)) as origin:
        target = http.open(origin, headers=[("Authorization", "Bearer target")])
        exchange = send(target, Request("GET", "/", own), bare=bare)
    assert [value for name, value in exchange.request.headers if name.lower() == "authorization"] == (
        [sent] if sent else []
    )


def test_a_redirect_is_an_answer() -> None:
    with scripted(lambda connection, _: connection.sendall(answer("HTTP/1.1 302 Found\nLocation: /x\n\n"))) as origin:
        exchange = send(http.open(origin), Request("GET", "/"))
    assert exchange.response is not None and exchange.response.status == 302


def test_interim_answers_are_passed_over() -> None:
    hints = answer("HTTP/1.1 103 Early Hints\nLink: </a>\n\n")
    with scripted(lambda connection, _: connection.sendall(hints + PLAIN)) as origin:
        exchange = send(http.open(origin), Request("GET", "/"))
    assert exchange.response is not None and exchange.response.status == 200


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", gzip.compress(b"plain text", mtime=0)),
        ("deflate", zlib.compress(b"plain text")),
        ("deflate", zlib.compress(b"plain text", wbits=-15)),
        ("identity", b"plain text"),
        ("gzip, deflate", zlib.compress(gzip.compress(b"plain text", mtime=0))),
    ],
)
def test_content_encodings_are_undone(coding: str, body: bytes) -> None:
    head = f"HTTP/1.1 200 OK\nContent-Encoding: {coding}\nContent-Length: {len(body)}\n\n"
    with scripted(lambda connection, _: connection.sendall(answer(head, body))) as origin:
        response = send(http.open(origin), Request("GET", "/")).response
    assert response is not None
    assert response.body == b"plain text"
    assert ("Content-Encoding", coding) in response.headers


def test_a_body_that_is_not_what_its_header_says_is_left_as_it_came() -> None:
    assert decoded(b'{"a": 1}', (("Content-Encoding", "gzip"),)) == (b'{"a": 1}', False)


def test_a_body_in_a_coding_that_nobody_here_can_read_is_not_to_be_judged() -> None:
    assert decoded(b"?", (("Content-Encoding", "x-own"),)) == (b"?", True)


def test_a_small_body_that_unpacks_to_a_huge_one_is_cut() -> None:
    bomb = gzip.compress(b"0" * 10_000_000)
    body, cut = decoded(bomb, (("Content-Encoding", "gzip"),), cap=1000)
    assert (body, cut) == (b"0" * 1000, True)


def test_a_long_answer_is_cut_and_says_so() -> None:
    body = b"x" * 300_000
    head = f"HTTP/1.1 200 OK\nContent-Length: {len(body)}\n\n"
    with scripted(lambda connection, _: connection.sendall(answer(head, body))) as origin:
        cut = send(http.open(origin, byte_cap=100_000), Request("GET", "/")).response
        whole = send(http.open(origin), Request("GET", "/")).response
    assert cut is not None and (len(cut.body), cut.truncated) == (100_000, True)
    assert whole is not None and (len(whole.body), whole.truncated) == (300_000, False)


def test_the_deadline_is_for_the_whole_exchange() -> None:
    def drip(connection: socket.socket, _: bytes) -> None:
        for byte in PLAIN:
            connection.sendall(bytes([byte]))
            time.sleep(0.1)

    with scripted(drip) as origin:
        start = time.monotonic()
        exchange = send(http.open(origin, timeout_s=0.5), Request("GET", "/"))
        took = time.monotonic() - start
    assert (exchange.response, exchange.failure) == (None, "timed out after 0.5 s")
    assert took < 1.5


def test_a_shorter_deadline_may_be_asked_for() -> None:
    with scripted(lambda connection, _: time.sleep(1)) as origin:
        exchange = send(http.open(origin, timeout_s=60), Request("GET", "/"), timeout_s=0.2)
    assert exchange.failure == "timed out after 0.2 s"


@pytest.mark.parametrize(
    ("said", "failure"),
    [
        (b"", "connection closed without an answer"),
        (answer("HTTP/1.1 200 OK\nContent-Length: 10\n\n", b"half"), "connection closed in the middle of the answer"),
        (
            answer("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n", b"5\r\nhel"),
            "connection closed in the middle of the answer",
        ),
        (b"220 mail ready\r\n", "the answer is not HTTP: BadStatusLine 220 mail ready"),
    ],
)
def test_what_is_no_answer_says_why(said: bytes, failure: str) -> None:
    with scripted(lambda connection, _: connection.sendall(said)) as origin:
        for method in ("GET", "POST"):
            exchange = send(http.open(origin), Request(method, "/"))
            assert (exchange.response, exchange.failure) == (None, failure)


def test_a_stream_without_end_is_what_came_before_the_deadline() -> None:
    def stream(connection: socket.socket, _: bytes) -> None:
        connection.sendall(answer("HTTP/1.1 200 OK\nContent-Type: text/event-stream\n\n", b"data: 1\n\n"))
        time.sleep(1)

    with scripted(stream) as origin:
        response = send(http.open(origin, timeout_s=0.3), Request("GET", "/")).response
    assert response is not None
    assert (response.body, response.truncated) == (b"data: 1\n\n", True)


def test_a_kept_connection_that_its_server_closed_is_replaced() -> None:
    connections = 0

    def once(connection: socket.socket, _: bytes) -> None:
        nonlocal connections
        connections += 1
        connection.sendall(answer("HTTP/1.1 200 OK\nContent-Length: 2\n\n", b"ok"))

    with scripted(once) as origin:
        target = http.open(origin)
        for _ in range(3):
            exchange = send(target, Request("POST", "/", body=b"{}"))
            assert exchange.response is not None and exchange.response.body == b"ok"
        target.close()
    assert connections == 3


def test_a_connection_is_kept_for_the_next_request() -> None:
    connections = 0

    def often(connection: socket.socket, first: bytes) -> None:
        nonlocal connections
        connections += 1
        while first:
            connection.sendall(answer("HTTP/1.1 200 OK\nContent-Length: 2\n\n", b"ok"))
            first = connection.recv(65536)

    with scripted(often) as origin:
        target = http.open(origin)
        for _ in range(3):
            assert send(target, Request("GET", "/")).failure is None
        target.close()
    assert connections == 1


def test_an_answer_that_comes_before_the_body_was_read_counts() -> None:
    refused = answer("HTTP/1.1 413 Too Large\nContent-Length: 0\nConnection: close\n\n")
    with scripted(lambda connection, _: connection.sendall(refused)) as origin:
        exchange = send(http.open(origin), Request("POST", "/", body=b"x" * 1000))
    assert exchange.response is not None and exchange.response.status == 413


def test_the_proxy_of_the_environment_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with scripted(lambda connection, _: connection.sendall(PLAIN)) as origin:
        assert send(http.open(origin), Request("GET", "/")).failure is None


def test_a_header_cannot_smuggle_another() -> None:
    exchange = send(http.open("http://127.0.0.1:9"), Request("GET", "/", (("X-A", "1\r\nX-B: 2"),)))
    assert exchange.failure == "cannot be sent: a header holds a line break or a character outside latin-1"


def _closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


def test_a_refused_connection_is_a_failure_of_the_exchange_and_an_error_of_the_check() -> None:
    origin = f"http://127.0.0.1:{_closed_port()}"
    target = http.open(origin)
    assert send(target, Request("GET", "/")).failure == "connection refused"
    with pytest.raises(TargetError) as caught:
        http.check(target)
    assert caught.value.message == f"{origin} refused the connection"
    assert caught.value.hint == "Is the server running? `contract check --target asgi:app.main:app` needs none."


def test_a_server_that_answers_404_is_there() -> None:
    with scripted(lambda connection, _: connection.sendall(answer("HTTP/1.1 404 Not Found\n\n"))) as origin:
        http.check(http.open(origin))


def test_the_base_path_is_that_of_the_url() -> None:
    target = http.open("http://127.0.0.1:8000/api/v1/")
    assert (target.origin, target.base_path) == ("http://127.0.0.1:8000", "/api/v1")
    assert http.open("http://127.0.0.1:8000").base_path is None


def test_a_password_in_the_url_is_refused_and_not_repeated() -> None:
    with pytest.raises(ConfigError) as caught:
        http.open("http://user:secret@127.0.0.1:8000/api/v1/")
    assert caught.value.message == "the target's URL holds a user or a password: http://…@127.0.0.1:8000"


@pytest.mark.parametrize("where", ["127.0.0.1:8000", "ftp://127.0.0.1", "http://", "http://[::1"])
def test_what_is_no_url_is_refused(where: str) -> None:
    with pytest.raises(ConfigError) as caught:
        http.open(where)
    assert caught.value.message == (
        f"{where}: expected a URL such as http://127.0.0.1:8000 or https://api.example.com/v1"
    )


def test_requests_are_spaced_evenly() -> None:
    clock = 100.0
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        nonlocal clock
        slept.append(round(seconds, 6))
        clock += seconds

    pace = Pace(4, now=lambda: clock, sleep=sleep)
    pace.wait()
    pace.wait()
    clock += 0.1
    pace.wait()
    clock += 10
    pace.wait()
    assert slept == [0.25, 0.15]


def test_once_the_time_is_over_what_is_on_its_way_is_given_up_and_no_evidence() -> None:
    came: list[str] = []

    def says(connection: socket.socket, asked: Asked) -> None:
        came.append(asked.url)
        if asked.url == "/hangs":
            time.sleep(1)
        connection.sendall(reply(body=b"{}"))

    with difficult(says) as server:
        target = http.open(server.origin, timeout_s=30)
        target.ends(time.monotonic() + 0.3)
        with pytest.raises(TimeUp):
            target.send(Request("GET", "/hangs"), source="test", traffic=Traffic.TEST)
        with pytest.raises(TimeUp):
            target.send(Request("GET", "/late"), source="test", traffic=Traffic.TEST)
        target.ends(None)
        exchange = target.send(Request("GET", "/next"), source="test", traffic=Traffic.TEST)
        target.close()
    assert exchange.response is not None and exchange.response.status == 200
    assert came == ["/hangs", "/next"]


def test_a_turn_that_would_come_after_the_end_is_not_waited_for() -> None:
    slept: list[float] = []
    pace = Pace(0.1, now=lambda: 100.0, sleep=slept.append)
    pace.end = 105.0
    pace.wait()
    with pytest.raises(TimeUp):
        pace.wait()  # its turn is at 110
    assert slept == []
