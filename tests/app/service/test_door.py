"""What holds of every request: HEAD beside GET, bodies that drip or end early, strangers who ask too often, reports that are gone."""

from __future__ import annotations

import json
import logging
import socket
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from contract.app.service.access import Limiter
from contract.app.service.runner import Runner

from .serving import Service, clean, report, service
from .test_access import DOCUMENT, problem

REPORTS = "/api/v1/projects/shop/reports"
PATHS = [path for path, item in DOCUMENT["paths"].items() if "get" in item]


def raw(origin: str, *lines: str, body: bytes = b"") -> socket.socket:
    """A connection on which this was sent."""
    where = urlsplit(origin)
    wire = socket.create_connection((where.hostname or "", where.port or 0), timeout=30)
    wire.sendall("\r\n".join([*lines, f"Host: {where.netloc}", "", ""]).encode() + body)
    return wire


def answered(wire: socket.socket) -> tuple[int, dict[str, str], bytes]:
    """Status, header and body of what comes until the other side closes."""
    got = b""
    while piece := wire.recv(65536):
        got += piece
    head, _, body = got.partition(b"\r\n\r\n")
    first, *rest = head.decode("latin-1").split("\r\n")
    return int(first.split()[1]), dict(line.lower().split(": ", 1) for line in rest), body


# --- HEAD -------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def filled(started: Service) -> Service:
    assert started.push("shop", report("headed")).status_code == 201
    return started


@pytest.mark.parametrize("path", PATHS)
def test_head_is_get_without_a_body(filled: Service, path: str) -> None:
    with filled.client() as client:
        fingerprint = client.get("/api/v1/projects/shop/drift").json()["findings"][0]["fingerprint"]
        names = {"project": "shop", "run_id": "headed", "fingerprint": fingerprint, "number": "1", "id": "x"}
        url = path.format(**names)
        got, head = client.get(url), client.head(url)
    assert (head.status_code, head.content) == (got.status_code, b"")
    changing = {"x-request-id", "date", "ratelimit", "content-length", "etag"}
    assert {name: value for name, value in head.headers.items() if name not in changing} == {
        name: value for name, value in got.headers.items() if name not in changing
    }
    assert ("content-length" in head.headers) is ("content-length" in got.headers)


def test_head_says_nothing_more_on_the_wire(filled: Service) -> None:
    token = filled.tokens["shop:read"]
    lines = (f"HEAD {REPORTS} HTTP/1.1", f"Authorization: Bearer {token}", "Connection: close")
    wire = raw(filled.origin, *lines)
    with wire:
        status, headers, body = answered(wire)
    assert (status, body) == (200, b"")
    assert int(headers["content-length"]) > 0


def test_where_there_is_no_get_there_is_no_head(filled: Service) -> None:
    with filled.client() as client:
        refused = client.head("/api/v1/tokens/abc")
        assert (refused.status_code, refused.headers["allow"]) == (405, "DELETE")
        assert client.head("/nowhere").status_code == 404


# --- bodies that do not come ------------------------------------------------------------------------------------------


def test_a_body_that_drips_is_408(tmp_path: Path) -> None:
    with service(tmp_path, max_body_s=1) as running:
        lines = (
            f"POST {REPORTS} HTTP/1.1",
            f"Authorization: Bearer {running.tokens['shop:write']}",
            "Content-Type: application/json",
            "Content-Length: 1000",
        )
        wire = raw(running.origin, *lines, body=b'{"schema_')
        with wire:
            status, headers, body = answered(wire)
        told = json.loads(body)
        assert (status, told["status"], told["title"]) == (408, 408, "The body came too slowly")
        assert "9 bytes of it came" in told["detail"]
        assert headers["connection"] == "close"
        assert running.push("shop", report("in-time")).status_code == 201


def test_who_goes_on_sending_reads_the_refusal_whole(tmp_path: Path) -> None:
    """What is not read when a connection closes makes a reset of it, and the answer may be lost (RFC 9112, 9.6)."""
    with service(tmp_path, max_body_s=1) as running:
        head = (
            f"POST {REPORTS} HTTP/1.1",
            f"Authorization: Bearer {running.tokens['shop:write']}",
            "Content-Type: application/json",
        )
        with raw(running.origin, *head, f"Content-Length: {40 << 20}") as wire:
            for _ in range(40):  # all of it, and only then is the answer looked for
                wire.sendall(b" " * (1 << 20))
            status, headers, body = answered(wire)
        assert (status, json.loads(body)["status"], headers["connection"]) == (413, 413, "close")
        with raw(running.origin, *head, "Content-Length: 1000") as wire:
            for _ in range(25):  # beyond the second after which it is refused
                wire.sendall(b" ")
                time.sleep(0.1)
            status, _, body = answered(wire)
        assert (status, json.loads(body)["status"]) == (408, 408)


def test_a_connection_that_ends_is_not_read_for_ever(filled: Service) -> None:
    lines = (
        f"POST {REPORTS} HTTP/1.1",
        f"Authorization: Bearer {filled.tokens['shop:write']}",
        "Content-Type: application/json",
        f"Content-Length: {1 << 40}",
    )
    with raw(filled.origin, *lines) as wire, pytest.raises((BrokenPipeError, ConnectionResetError)):
        while True:  # ends, since the other side does
            wire.sendall(b" " * 1000)
            time.sleep(0.01)


def test_a_body_that_ends_early_leaves_nothing_behind(filled: Service, caplog: pytest.LogCaptureFixture) -> None:
    lines = (
        f"POST {REPORTS} HTTP/1.1",
        f"Authorization: Bearer {filled.tokens['shop:write']}",
        "Content-Type: application/json",
        "Content-Length: 100000",
    )
    caplog.set_level(logging.INFO, "contract.service")
    wire = raw(filled.origin, *lines, body=json.dumps(report("cut")).encode()[:9000])
    wire.close()
    until = time.monotonic() + 20
    with filled.client() as client:
        while "/reports 400 " not in caplog.text and time.monotonic() < until:
            time.sleep(0.05)
            assert client.get(f"{REPORTS}/cut").status_code == 404
    assert "/reports 400 " in caplog.text
    assert "not caught" not in caplog.text


# --- strangers --------------------------------------------------------------------------------------------------------


def test_an_address_without_a_token_that_holds_has_a_limit_and_hinders_no_token(tmp_path: Path) -> None:
    with service(tmp_path, rate=60, burst=4) as limited:
        wrong = {"Authorization": "Bearer ctr_0123_" + "0" * 64}
        with limited.client(None) as client:
            seen = [client.get("/api/v1/projects"), client.get(REPORTS, headers=wrong)]
            seen += [client.post("/sign-in", data={"token": "ctr_1_2"}), client.get("/api/v1/projects/x/drift")]
            assert [one.status_code for one in seen] == [401] * 4
            for refused in (client.get("/api/v1/tokens"), client.post("/sign-in", data={"token": "ctr_1_2"})):
                assert refused.status_code == 429
                assert int(refused.headers["retry-after"]) >= 1
                assert refused.headers["ratelimit-policy"] == '"address";q=4;w=4'
            problem(client.get("/api/v1/tokens"), 429)
            assert [client.get(path).status_code for path in ("/healthz", "/readyz")] == [200, 200]  # always answered
        with limited.client("shop:read") as client:
            assert client.get("/api/v1/projects/shop").status_code == 200


def test_a_host_that_has_a_network_of_ipv6_to_itself_is_one_address() -> None:
    from starlette.requests import Request

    from contract.app.service.access import _source

    def of(host: str | None) -> str:
        return _source(Request({"type": "http", "client": (host, 1) if host is not None else None, "headers": []}))

    assert of("2001:db8:1:2::1") == of("2001:db8:1:2:ffff::9") != of("2001:db8:1:3::1")
    assert of("::ffff:192.0.2.7") == of("192.0.2.7") != of("192.0.2.8")
    assert of(None) == of("testclient")


def test_policies_are_named() -> None:
    limiter = Limiter(rate=60, burst=2)
    assert limiter.take("address 192.0.2.1", "address")[1]["RateLimit"].startswith('"address";r=1')
    assert limiter.take("abc")[1]["RateLimit"].startswith('"token";r=1')


# --- reports whose time is over ---------------------------------------------------------------------------------------


def test_a_report_whose_time_is_over_is_gone_and_findings_remember(tmp_path: Path, database: str) -> None:
    today = datetime.now(UTC).replace(microsecond=0)

    def at(days: int) -> str:
        return (today - timedelta(days=days)).isoformat().replace("+00:00", "Z")

    with service(tmp_path, database=database) as running, running.client("shop:write") as client:
        old, new = report("old", at(40)), report("new", at(3))
        for value in (old, clean("between", at(35)), new):
            assert running.push("shop", value).status_code == 201
        before: dict[str, Any] = client.get("/api/v1/projects/shop/drift").json()
        runner = Runner(running.store, {}, keep_days=30)
        runner.start()
        until = time.monotonic() + 30
        while client.get(f"{REPORTS}/old").status_code == 200 and time.monotonic() < until:
            time.sleep(0.05)
        runner.stop()
        told = problem(client.get(f"{REPORTS}/old"), 410)
        assert told["title"] == "Gone"
        problem(client.get(f"{REPORTS}/between"), 410)
        assert client.get(f"{REPORTS}/new").json()["run"]["id"] == "new"
        assert client.get("/api/v1/projects/shop/drift").json() == before
        assert before["findings"][0]["first_seen"] == at(40)
        listed = client.get(REPORTS).json()["reports"]
        assert [row["run_id"] for row in listed] == ["new", "between", "old"]
        assert running.push("shop", old).status_code == 200  # still known, and not counted twice
        for path in ("drift.html", "drift.md", "completeness", "generation", "badge.svg"):
            assert client.get(f"/api/v1/projects/shop/{path}").status_code == 200
