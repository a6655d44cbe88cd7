"""The printed line really sends the request: bash and curl run it, and a server on loopback tells what came."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from contract.core.curl import curl
from contract.core.evidence import Exchange, Request
from contract.core.redact import example
from contract.core.report import Example, ExampleRequest
from tests import needs

GOT = tuple[str, str, dict[str, str], bytes]


class Recorder(BaseHTTPRequestHandler):
    got: list[GOT]

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.got.append((self.command, self.path, headers, body))
        self.send_response(204)
        self.end_headers()

    do_GET = do_POST = do_HEAD = do_PATCH = do_DELETE = answer

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing on the terminal."""


@pytest.fixture
def server() -> Iterator[tuple[str, list[GOT]]]:
    handler = type("Fresh", (Recorder,), {"got": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http:
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{http.server_address[1]}", handler.got  # type: ignore[attr-defined]
        http.shutdown()
        thread.join()


def run(line: str, **variables: str) -> None:
    program = needs.program("curl", "apt-get install curl")
    shell = needs.program("bash", "apt-get install bash")
    environment = {"PATH": program.rpartition("/")[0] + ":/usr/bin:/bin", **variables}
    subprocess.run([shell, "-c", line + " -sS"], env=environment, check=True, capture_output=True, timeout=20)


@pytest.mark.parametrize(
    ("url", "headers", "body"),
    [
        ("/tasks?limit=1", (), None),
        ("/tasks?a=1&a=2&b=%20%26%5B", (), None),
        ("/tasks?filter[name]={x}&b=[1-3]", (), None),
        ("/a/../b/./c", (), None),
        ("/it's/$HOME/`id`/%00?q=!x&y=\\", (), None),
        ("/t", (("X-Note", 'say "hi" it\'s $HOME `id` \\ !x'), ("X-Empty", "")), None),
        ("/t", (("Content-Type", "application/json"),), '{"a":"it\'s \\n \\"q\\" $X `y` !z @f"}'),
        ("/t", (("Content-Type", "text/plain"),), "@file\nline two\r\n\ttab\x01\x7f1 it's \\n ü…"),
        ("/t", (), "no type"),
        ("/t", (("content-type", "text/plain"),), ""),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE"])
def test_the_line_sends_what_the_example_shows(
    server: tuple[str, list[GOT]], method: str, url: str, headers: tuple[tuple[str, str], ...], body: str | None
) -> None:
    origin, got = server
    size = len((body or "").encode())
    run(curl(Example(ExampleRequest(method, url, headers, body, size), None), origin))
    assert len(got) == 1
    sent_method, sent_url, sent_headers, sent_body = got[0]
    assert (sent_method, sent_url, sent_body) == (method, url, (body or "").encode())
    for name, value in headers:
        assert sent_headers[name.lower()].encode("latin-1").decode() == value
    if body is not None and not headers:
        assert "content-type" not in sent_headers


def test_masked_credentials_are_variables(server: tuple[str, list[GOT]]) -> None:
    origin, got = server
    request = Request(
        "POST",
        "/t?access_token=s3cretvalue&path_key=1&api_key=12345678&n=2",
        (("Authorization", "Bearer s3cretvalue"), ("X-Api-Key", "12345678"), ("Cookie", "a=1; b=2")),
    )
    line = curl(example(Exchange(request, None, "test")), origin)
    assert line == (
        'curl -X POST -g -H "Authorization: Bearer $TOKEN" -H "X-Api-Key: $X_API_KEY" -H "Cookie: $COOKIE" '
        f'"{origin}/t?access_token=$TOKEN&path_key=1&api_key=$API_KEY&n=2"'
    )
    run(line, TOKEN="t0k en".replace(" ", ""), X_API_KEY="k1", API_KEY="k2", COOKIE="a=1; b=2")
    method, url, headers, _ = got[0]
    assert (method, url) == ("POST", "/t?access_token=t0ken&path_key=1&api_key=k2&n=2")
    assert (headers["authorization"], headers["x-api-key"], headers["cookie"]) == ("Bearer t0ken", "k1", "a=1; b=2")


def test_a_head_request_is_sent_as_one(server: tuple[str, list[GOT]]) -> None:
    origin, got = server
    line = curl(Example(ExampleRequest("HEAD", "/t"), None), origin)
    assert line == f"curl -I {origin}/t"
    run(line)
    assert got[0][:2] == ("HEAD", "/t")


def test_a_certificate_that_the_run_took_is_taken_again() -> None:
    shown = Example(ExampleRequest("GET", "/t"), None)
    assert curl(shown, "https://h", insecure=True) == "curl -k https://h/t"
    assert curl(shown, "https://h") == "curl https://h/t"
    assert curl(shown, "http://h", insecure=True) == "curl http://h/t"


def test_a_parameter_never_takes_the_name_of_a_variable_that_the_shell_uses() -> None:
    shown = Example(ExampleRequest("GET", "/t?path=[redacted]&1=[redacted]"), None)
    assert curl(shown, "http://h") == 'curl -g "http://h/t?path=$VALUE_PATH&1=$VALUE_1"'


def test_a_body_that_is_not_whole_is_read_from_a_file() -> None:
    headers = (("Content-Type", "image/png"),)
    binary = Example(ExampleRequest("POST", "/t", headers, "[1,234 bytes of image/png]", 1234), None)
    assert curl(binary, "http://h") == "curl -H 'Content-Type: image/png' --data-binary @body.bin http://h/t"
    long = Request("POST", "/t", (("Content-Type", "text/plain"),), b"word " * 1000)
    assert "--data-binary @body.bin" in curl(example(Exchange(long, None, "test")), "http://h")


def test_what_every_client_sends_of_itself_is_left_out() -> None:
    request = ExampleRequest(
        "GET",
        "/tasks",
        (
            ("User-Agent", "schemathesis/4.32.5"),
            ("Accept", "*/*"),
            ("Accept-Encoding", "gzip, deflate"),
            ("X-Schemathesis-TestCaseId", "Yfj4qN"),
            ("X-Tenant", "acme"),
        ),
    )
    line = curl(Example(request, None), "http://127.0.0.1:8000")
    assert line == "curl --compressed -H 'X-Tenant: acme' http://127.0.0.1:8000/tasks"
