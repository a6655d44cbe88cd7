"""Whole runs against servers that misbehave: what is said of each, and that nothing is said which is the connection's."""

from __future__ import annotations

import gzip
import json
import random
import re
import resource
import socket
import ssl
import subprocess
import sys
import time
import zlib
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from contract.app import run, settings
from contract.core.errors import TargetError
from contract.core.evidence import Request, Traffic
from contract.core.report import Report
from contract.targets import http
from contract.targets._message import AGAIN, CUT_CAP, IN_VAIN, WAIT_CAP_S, Pace, decoded, retry_after
from tests.needs import program
from tests.targets.difficult import Asked, Server, difficult, end, raw, reply
from tests.targets.serving import scripted

THING = {
    "type": "object",
    "required": ["id", "name"],
    "properties": {"id": {"type": "integer"}, "name": {"type": "string"}},
}
NOTE = {
    "type": "object",
    "required": ["text"],
    "properties": {"text": {"type": "string"}},
    "additionalProperties": False,
}


def response(schema: Any = None) -> dict[str, Any]:
    return {"description": "x", **({"content": {"application/json": {"schema": schema}}} if schema else {})}


DOCUMENT = {
    "openapi": "3.1.0",
    "info": {"title": "Things", "version": "1"},
    "paths": {
        "/things": {
            "get": {"operationId": "listThings", "responses": {"200": response({"type": "array", "items": THING})}}
        },
        "/things/{id}": {
            "get": {
                "operationId": "getThing",
                "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}}],
                "responses": {"200": response(THING), "404": response()},
            }
        },
        "/notes": {
            "post": {
                "operationId": "addNote",
                "requestBody": {"required": True, "content": {"application/json": {"schema": NOTE}}},
                "responses": {"201": response(NOTE), "400": response(), "415": response()},
            }
        },
    },
}
OPERATIONS = ["GET /things", "GET /things/{id}", "POST /notes"]


def decent(asked: Asked) -> bytes:
    """What a server says that keeps the document in everything."""
    path = asked.url.partition("?")[0]
    if asked.method == "GET" and path == "/things":
        return reply(body=b'[{"id": 1, "name": "one"}]')
    if asked.method == "GET" and path.startswith("/things/"):
        known = path.removeprefix("/things/").removeprefix("-").isdigit()
        return reply(body=b'{"id": 1, "name": "one"}') if known else reply("404 Not Found")
    if asked.method == "POST" and path == "/notes":
        if b"\r\ncontent-type: application/json" not in asked.head.lower():
            return reply("415 Unsupported Media Type")
        try:
            note = json.loads(asked.body)
        except ValueError:
            return reply("400 Bad Request")
        kept = isinstance(note, dict) and set(note) == {"text"} and isinstance(note["text"], str)
        return reply("201 Created", b'{"text": "x"}') if kept else reply("400 Bad Request")
    return reply("405 Method Not Allowed" if path in ("/things", "/notes") else "404 Not Found")


def says(answer: bytes) -> Callable[[socket.socket, Asked], None]:
    return lambda connection, asked: connection.sendall(answer)


def says_and_ends(answer: bytes) -> Callable[[socket.socket, Asked], None]:
    def answered(connection: socket.socket, asked: Asked) -> None:
        connection.sendall(answer)
        end(connection)

    return answered


def check(folder: Path, origin: str, **flags: Any) -> Report:
    document = folder / "api.json"
    document.write_text(json.dumps(DOCUMENT))
    wanted = {
        "documents": [str(document)],
        "target": origin,
        "max_examples": "1",
        "max_time_s": "60s",
        "timeout_s": "5s",
        "types": False,
        **flags,
    }
    return run.check(settings.load(wanted, {}, folder))


def told(report: Report) -> dict[str, list[str]]:
    """By rule the operations that it is told of.

    What a server takes that it should refuse is another matter.
    """
    found: dict[str, set[str]] = {}
    for row in report.findings:
        names = [row.operation] if row.operation is not None else list(row.operations)
        found.setdefault(row.rule, set()).update(f"{name.method} {name.path}" for name in names if name is not None)
    found.pop("invalid-request-accepted", None)
    return {rule: sorted(names) for rule, names in found.items()}


def observed(report: Report, rule: str) -> set[str]:
    return {row.observed or "" for row in report.findings if row.rule == rule}


def test_a_decent_server_is_clean(tmp_path: Path) -> None:
    with difficult(lambda connection, asked: connection.sendall(decent(asked))) as server:
        report = check(tmp_path, server.origin)
    assert (report.findings, report.run.complete, report.outcome.exit_code) == ((), True, 0)


# --- nobody there -----------------------------------------------------------------------------------------------------


def test_a_server_that_is_down_is_said_in_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        origin = f"http://127.0.0.1:{listener.getsockname()[1]}"
    report = check(tmp_path, origin)
    assert (told(report), report.outcome.exit_code) == ({}, 3)
    assert report.outcome.sentence.startswith("No verdict: ")
    assert report.outcome.sentence.endswith(" failed to measure")
    assert set(report.outcome.todo) == {
        f"{origin} refused the connection "
        "(Is the server running? `contract check --target asgi:app.main:app` needs none.)"
    }


def test_a_host_without_an_address_is_no_finding(tmp_path: Path) -> None:
    report = check(tmp_path, "http://no-such-host.invalid:8000")
    assert (told(report), report.outcome.exit_code) == ({}, 3)
    assert "`no-such-host.invalid`" in report.outcome.todo[0]


def test_a_server_that_reloads_is_asked_once_more() -> None:
    """It refuses for a moment, and nothing was sent yet, so that any method may be tried again."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
    back: list[socket.socket] = []

    def come_back(seconds: float) -> None:
        back.append(socket.create_server(address))

    target = http.open(f"http://127.0.0.1:{address[1]}", timeout_s=0.5, sleep=come_back)
    exchange = target.send(Request("POST", "/", body=b"{}"), source="test", traffic=Traffic.TEST)
    target.close()
    for each in back:
        each.close()
    # Somebody listens now, and says nothing: that is an answer that did not come, and no refusal.
    assert (exchange.failure, exchange.abandoned, len(back)) == ("timed out after 0.5 s", False, 1)


def test_a_refusal_is_nobody_s_fault_and_is_waited_for_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        origin = f"http://127.0.0.1:{listener.getsockname()[1]}"
    slept: list[float] = []
    target = http.open(origin, sleep=slept.append)
    for _ in range(3):
        exchange = target.send(Request("GET", "/"), source="test", traffic=Traffic.TEST)
        assert (exchange.response, exchange.failure, exchange.abandoned) == (None, "connection refused", True)
    assert len(slept) == 1


def test_one_that_dies_in_the_middle_leaves_what_was_seen(tmp_path: Path) -> None:
    servers: list[Server] = []

    def answer(connection: socket.socket, asked: Asked) -> None:
        if asked.number == 40:
            servers[0].die()
            return
        connection.sendall(decent(asked))

    with difficult(answer) as server:
        servers.append(server)
        report = check(tmp_path, server.origin, max_examples="10")
    assert [row for row in report.findings if row.level != "note"] == []
    assert set(told(report)) <= {"no-answer"}  # the one that was on its way, which nobody can repeat
    assert (report.run.complete, report.outcome.exit_code) == (False, 3)
    gone = ("the server went away, and the rest was not asked", "no request was answered: connection refused")
    assert any(note in gone for note in report.run.notes), report.run.notes
    assert any(row.exercised.statuses for row in report.operations)


# --- slow -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("drips", [False, True])
def test_one_that_hangs_or_drips_is_told_once_for_each_operation(tmp_path: Path, drips: bool) -> None:
    def answer(connection: socket.socket, asked: Asked) -> None:
        for byte in reply(body=b"[]" * 100):
            connection.sendall(bytes([byte]) if drips else b"")
            time.sleep(0.05)

    with difficult(answer) as server:
        report = check(tmp_path, server.origin, timeout_s="0.1s", max_time_s="1.5s")
    assert set(told(report)) == {"no-answer"}
    assert observed(report, "no-answer") == {"timed out after 0.1 s"}
    assert report.run.notes[0].startswith("This run proves nothing of what is declared: each of its ")
    assert report.run.notes[0].endswith(" requests got no answer. Look at the server and its log.")
    assert all(row.exercised.statuses == () for row in report.operations)


LIMIT_S = 2.0


def many(number: int) -> dict[str, Any]:
    """A document of so many things, each of which can be read, made and deleted."""
    named = {"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}}
    paths: dict[str, Any] = {}
    for index in range(number):
        paths[f"/things{index}"] = {
            "get": {"responses": {"200": response({"type": "array", "items": THING})}},
            "post": {
                "requestBody": {"required": True, "content": {"application/json": {"schema": NOTE}}},
                "responses": {"201": response(THING), "400": response()},
            },
        }
        paths[f"/things{index}/{{id}}"] = {
            "get": {"parameters": [named], "responses": {"200": response(THING), "404": response()}},
            "delete": {"parameters": [named], "responses": {"204": response(), "404": response()}},
        }
    return {"openapi": "3.1.0", "info": {"title": "Many", "version": "1"}, "paths": paths}


@pytest.mark.parametrize("routes", [False, True])
def test_nothing_is_sent_after_the_end_of_the_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, routes: bool
) -> None:
    """Each answer takes a part of the time, and would be drift: the fuzzer, the probes and proof would go on."""
    monkeypatch.setitem(DOCUMENT, "paths", many(5)["paths"])
    came: list[float] = []

    def answer(connection: socket.socket, asked: Asked) -> None:
        came.append(time.monotonic())
        time.sleep(LIMIT_S / 200)
        status = "201 Created" if asked.method == "POST" else "200 OK"
        connection.sendall(reply(status, b'{"id": "one"}' if asked.method == "POST" else b'[{"id": "one"}]'))

    flags: dict[str, Any] = {}
    if routes:
        listed = [f"{method.upper()} {path}" for path, item in many(5)["paths"].items() for method in item]
        (tmp_path / "routes.txt").write_text("\n".join(listed))
        flags["routes"] = [f"text:{tmp_path / 'routes.txt'}"]
    with difficult(answer) as server:
        report = check(tmp_path, server.origin, max_time_s=f"{2 * LIMIT_S}s", timeout_s="5s", **flags)
    late = [moment for moment in came if moment > came[0] + 2 * LIMIT_S]
    assert (late, report.run.complete) == ([], False)
    assert len(came) > 40
    assert any(note.startswith("walk: stopped at its deadline of ") for note in report.run.notes), report.run.notes
    assert any(note.startswith("fuzz: stopped at its deadline of ") for note in report.run.notes), report.run.notes
    # Whatever was cut, each operation had its turn, and what was seen is told.
    assert all(row.exchanges for row in report.operations if row.method != "DELETE")
    assert "response-schema" in told(report)


def test_what_there_is_no_time_to_prove_is_said_to_be_unproven(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(DOCUMENT, "paths", many(5)["paths"])

    def answer(connection: socket.socket, asked: Asked) -> None:
        time.sleep(LIMIT_S / 60)  # so few requests in all, and each operation has a finding that wants one more
        connection.sendall(reply("422 Unprocessable Content", b"{}"))

    with difficult(answer) as server:
        report = check(tmp_path, server.origin, max_time_s=f"{LIMIT_S}s", timeout_s="5s")
    unsent = [row for row in report.findings if row.proof_detail == "not sent again, for the time was over"]
    assert {(row.rule, row.proof) for row in unsent} == {("valid-request-refused", "unproven")}
    said = next(note for note in report.run.notes if note.startswith("proof: "))
    assert re.fullmatch(r"proof: \d+ of \d+ findings not sent again, for the time was over", said)
    assert report.run.complete is False


def test_one_that_hangs_at_one_operation_leaves_the_time_to_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its hanging takes far more of the time than our own work does, on a machine with other work too."""
    monkeypatch.setitem(DOCUMENT, "paths", many(3)["paths"])
    limit_s = 4 * LIMIT_S

    def answer(connection: socket.socket, asked: Asked) -> None:
        path = asked.url.partition("?")[0]
        if (asked.method, path) == ("GET", "/things1"):
            time.sleep(limit_s / 4)
            end(connection)
            return
        known = path.startswith("/things") and asked.method in ("GET", "POST") and path.count("/") == 1
        connection.sendall(reply("404 Not Found") if not known else reply(body=b"[]"))

    with difficult(answer) as server:
        report = check(tmp_path, server.origin, max_time_s=f"{3 * limit_s}s", timeout_s=f"{limit_s / 8}s")
        asked = Counter((each.method, each.url.partition("?")[0]) for each in server.asked)
    assert asked["GET", "/things1"] < asked["GET", "/things0"] / 2
    assert asked["GET", "/things1"] < asked["GET", "/things2"] / 2
    assert told(report)["no-answer"] == ["GET /things1"]


# --- elsewhere, not allowed, not now ----------------------------------------------------------------------------------


def test_redirects_are_judged_and_not_followed(tmp_path: Path) -> None:
    with (
        difficult(lambda connection, asked: connection.sendall(decent(asked))) as other,
        difficult(
            lambda connection, asked: connection.sendall(
                reply(
                    "302 Found",
                    b"",
                    f"Location: {other.origin}{asked.url}" if asked.number % 2 else "Location: /things",
                )
            )
        ) as server,
    ):
        report = check(tmp_path, server.origin)
        assert other.asked == []
    assert told(report) == {"undeclared-status": OPERATIONS}
    assert observed(report, "undeclared-status") == {"302"}


@pytest.mark.parametrize("declared", [False, True])
def test_401_to_everything_proves_nothing_and_is_said_first(
    tmp_path: Path, declared: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if declared:
        for item in DOCUMENT["paths"].values():  # type: ignore[attr-defined]
            for operation in item.values():
                monkeypatch.setitem(operation["responses"], "401", response())
    with difficult(says(reply("401 Unauthorized", b"{}", "WWW-Authenticate: Bearer"))) as server:
        report = check(tmp_path, server.origin)
    first = report.run.notes[0]
    assert first.startswith("This run proves nothing: each of its ")
    assert first.endswith(" requests was answered 401. Give credentials: `--header 'Authorization: Bearer ${TOKEN}'`.")
    assert report.outcome.exit_code == 3
    assert report.outcome.sentence.startswith(
        "No verdict: drift is undecided, 0 of 3 operations exercised (floor 80 %): "
    )
    assert report.kpis.drift.verdict == "undecided"
    assert told(report) == ({} if declared else {"undeclared-status": OPERATIONS})
    assert {(row.level, row.proof) for row in report.findings} == (set() if declared else {("note", "unproven")})


@pytest.mark.parametrize("form", ["seconds", "date", "date of a clock that is an hour behind"])
def test_429_is_waited_for_as_the_server_says_and_is_no_finding(tmp_path: Path, form: str) -> None:
    early: list[float] = []
    until = 0.0

    def answer(connection: socket.socket, asked: Asked) -> None:
        nonlocal until
        now = time.monotonic()
        if now < until:
            early.append(until - now)
        if asked.number in (10, 40):
            until = now + 0.9
            clock = datetime.now(UTC) - (timedelta(hours=1) if "behind" in form else timedelta())
            clock = clock.replace(microsecond=0)
            after = "1" if form == "seconds" else format_datetime(clock + timedelta(seconds=1), usegmt=True)
            lines = (f"Date: {format_datetime(clock, usegmt=True)}", f"Retry-After: {after}")
            connection.sendall(reply("429 Too Many Requests", b"", *lines))
        else:
            connection.sendall(decent(asked))

    with difficult(answer) as server:
        report = check(tmp_path, server.origin)
    assert early == []
    assert (told(report), report.outcome.exit_code, report.run.complete) == ({}, 0, True)
    assert [note for note in report.run.notes if note.startswith("the server said ")] != []


def test_429_to_everything_is_not_waited_for_forever(tmp_path: Path) -> None:
    with difficult(says(reply("429 Too Many Requests", b"", "Retry-After: 0"))) as server:
        report = check(tmp_path, server.origin, max_time_s="2s")
    assert (told(report), report.outcome.exit_code) == ({}, 3)
    assert report.run.notes[0].endswith("was answered 429, too many requests. Ask more slowly: `--rate-limit 1/s`.")


class Clock:
    """A clock that moves when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def asked_too_often(*after: str | None) -> Any:
    """A `send` that is answered 429 with each `Retry-After` in turn, and 200 at the end."""
    from contract.core.evidence import Response

    left = list(after)

    def send() -> tuple[Any, int]:
        if left:
            text = left.pop(0)
            return Response(429, (("Retry-After", text),) if text is not None else ()), len(left)
        return Response(200), len(left)

    return send


@pytest.mark.parametrize(
    ("after", "status", "slept_s"),
    [
        ((), 200, 0),
        (("3",), 200, 3),
        (("3", "4"), 200, 7),
        (("3", "4", "5"), 429, 7),
        ((None,), 429, 0),
        (("soon",), 429, 0),
        ((str(int(WAIT_CAP_S) + 1),), 429, 0),
        (("-5",), 429, 0),
    ],
)
def test_a_request_waits_as_told_and_no_longer(after: tuple[str | None, ...], status: int, slept_s: float) -> None:
    clock = Clock()
    pace = Pace(None, lambda: clock.now, clock.sleep)
    response, _ = pace.patiently(asked_too_often(*after))
    assert (response.status if response else None, round(clock.now, 6)) == (status, slept_s)


def test_nobody_waits_beyond_the_time_that_is_left() -> None:
    clock = Clock()
    pace = Pace(None, lambda: clock.now, clock.sleep)
    pace.until = 5.0
    assert pace.patiently(asked_too_often("6"))[0].status == 429  # type: ignore[union-attr]
    assert (clock.now, pace.notes) == (0, ())
    assert pace.patiently(asked_too_often("4"))[0].status == 200  # type: ignore[union-attr]
    assert round(clock.now, 6) == 4


def test_who_loses_patience_in_the_middle_is_let_go() -> None:
    clock = Clock()

    def sleep(seconds: float) -> None:
        clock.sleep(seconds)
        if clock.now > 2:
            pace.until = 0.0

    pace = Pace(None, lambda: clock.now, sleep)
    assert pace.patiently(asked_too_often("50"))[0].status == 429  # type: ignore[union-attr]
    assert clock.now < 3


def test_waiting_in_vain_ends() -> None:
    clock = Clock()
    pace = Pace(None, lambda: clock.now, clock.sleep)
    for _ in range(10):
        assert pace.patiently(asked_too_often(*["2"] * 9))[0].status == 429  # type: ignore[union-attr]
    assert round(clock.now, 6) == 2 * AGAIN * IN_VAIN
    assert pace.waits == AGAIN * IN_VAIN


def test_after_a_429_requests_are_further_apart_and_then_nearer_again() -> None:
    clock = Clock()
    pace = Pace(None, lambda: clock.now, clock.sleep)
    pace.patiently(asked_too_often("1"))
    starts = []
    for _ in range(100):
        pace.wait()
        starts.append(clock.now)
        pace.patiently(asked_too_often())
    gaps = [later - earlier for earlier, later in pairwise(starts)]
    assert 0.03 < gaps[0] < 0.06 and gaps == sorted(gaps, reverse=True) and gaps[-1] < gaps[0] / 10


def test_a_date_is_read_by_the_clock_that_wrote_it() -> None:
    now = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
    for hours in (-1, 0, 1):
        clock = now + timedelta(hours=hours)
        headers = (
            ("Date", format_datetime(clock, usegmt=True)),
            ("Retry-After", format_datetime(clock + timedelta(seconds=7), usegmt=True)),
        )
        assert retry_after(headers, now) == 7
    assert retry_after((("Retry-After", "Mon, 99 Foo 2026 99:99:99 GMT"),), now) is None


def test_a_server_whose_clock_is_an_hour_off_is_judged_as_any_other(tmp_path: Path) -> None:
    clock = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)

    def answer(connection: socket.socket, asked: Asked) -> None:
        head, _, body = decent(asked).partition(b"\r\n\r\n")
        connection.sendall(head + f"\r\nDate: {clock}\r\nExpires: {clock}\r\n\r\n".encode() + body)

    with difficult(answer) as server:
        report = check(tmp_path, server.origin)
    assert (report.findings, report.outcome.exit_code) == ((), 0)


# --- too much ---------------------------------------------------------------------------------------------------------


def test_two_gigabytes_are_cut_not_judged_and_not_held(tmp_path: Path) -> None:
    size, piece = 2 << 30, b" " * (1 << 20)
    sent = [0]

    def answer(connection: socket.socket, asked: Asked) -> None:
        if asked.method != "GET" or asked.url != "/things":
            connection.sendall(decent(asked))
            return
        connection.sendall(raw("HTTP/1.1 200 OK", "Content-Type: application/json", f"Content-Length: {size}"))
        for _ in range(size // len(piece)):
            connection.sendall(piece)
            sent[0] += len(piece)

    with difficult(lambda connection, asked: connection.sendall(decent(asked))) as server:
        check(tmp_path, server.origin)  # what a run loads is not what it holds
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with difficult(answer) as server:
        report = check(tmp_path, server.origin, timeout_s="30s")
        times = sum(asked.url == "/things" for asked in server.asked)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) << 10
    assert told(report) == {}
    assert "GET /things" in {row.key for row in report.operations if "200" in row.exercised.statuses}
    assert times > 1 and sent[0] < times * (32 << 20)
    assert grown < 200 << 20, (grown >> 20, before >> 10, times)


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_beyond_the_cap_is_cut_to_what_is_kept(chunked: bool) -> None:
    piece = b"x" * (1 << 20)

    def answer(connection: socket.socket, asked: Asked) -> None:
        framing = "Transfer-Encoding: chunked" if chunked else "Content-Length: 2147483648"
        connection.sendall(raw("HTTP/1.1 200 OK", framing))
        while True:
            connection.sendall(b"100000\r\n" + piece + b"\r\n" if chunked else piece)

    with difficult(answer) as server:
        target = http.open(server.origin, byte_cap=4 << 20)
        answered = target.send(Request("GET", "/"), source="test", traffic=Traffic.TEST).response
        target.close()
    assert answered is not None
    assert (len(answered.body), answered.truncated) == (CUT_CAP, True)


def _brotli_bomb(size: int) -> bytes:
    brotli = pytest.importorskip("brotli")
    packer = brotli.Compressor(quality=5)
    packed = b"".join(packer.process(b"0" * (1 << 20)) for _ in range(size >> 20))
    return packed + bytes(packer.finish())


def _zstd_bomb(size: int) -> bytes:
    zstd = pytest.importorskip("backports.zstd" if sys.version_info < (3, 14) else "compression.zstd")
    packer = zstd.ZstdCompressor()
    packed = b"".join(packer.compress(b"0" * (1 << 20)) for _ in range(size >> 20))
    return packed + bytes(packer.flush())


def _zlib_bomb(size: int, wbits: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, wbits)
    packed = b"".join(packer.compress(b"0" * (1 << 20)) for _ in range(size >> 20))
    return packed + packer.flush()


@pytest.mark.parametrize(
    ("coding", "bomb"),
    [
        ("gzip", lambda size: _zlib_bomb(size, 31)),
        ("deflate", lambda size: _zlib_bomb(size, 15)),
        ("deflate", lambda size: _zlib_bomb(size, -15)),
        ("br", _brotli_bomb),
        ("zstd", _zstd_bomb),
    ],
)
def test_a_bomb_is_cut_while_it_unpacks(coding: str, bomb: Callable[[int], bytes]) -> None:
    packed = bomb(512 << 20)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    body, cut = decoded(packed, (("Content-Encoding", coding),), cap=1 << 20)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) << 10
    assert (body, cut) == (b"0" * (1 << 20), True)
    assert grown < 64 << 20


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
@pytest.mark.parametrize("damage", ["rubbish", "cut short"])
def test_what_does_not_unpack_is_left_as_it_came(coding: str, damage: str) -> None:
    plain = random.Random(1).randbytes(200_000)
    packed = {
        "gzip": lambda: gzip.compress(plain),
        "deflate": lambda: zlib.compress(plain),
        "br": lambda: bytes(pytest.importorskip("brotli").compress(plain)),
        "zstd": lambda: bytes(pytest.importorskip("backports.zstd").compress(plain)),
    }[coding]()
    headers = (("Content-Encoding", coding),)
    assert decoded(packed, headers) == (plain, False)
    body = b"\xff\xfe not packed at all" if damage == "rubbish" else packed[: len(packed) // 2]
    assert decoded(body, headers) == (body, False)


def test_several_members_of_gzip_are_one_body() -> None:
    packed = gzip.compress(b"one ") + gzip.compress(b"two") + b"\0\0"
    assert decoded(packed, (("Content-Encoding", "gzip"),)) == (b"one two", False)
    assert decoded(packed, (("Content-Encoding", "gzip"),), cap=5) == (b"one t", True)


# --- broken -----------------------------------------------------------------------------------------------------------


JSON = "Content-Type: application/json"
THINGS = b'[{"id": 1, "name": "one"}]'


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (
            says_and_ends(raw("HTTP/1.1 200 OK", JSON, "Content-Length: 100", body=THINGS)),
            "connection closed in the middle of the answer",
        ),
        (
            says(raw("HTTP/1.1 200 OK", JSON, "Content-Length: -5", body=THINGS)),
            "the answer is not HTTP: its Content-Length is -5",
        ),
        (
            says(raw("HTTP/1.1 200 OK", JSON, "Content-Length: 3", "Content-Length: 26", body=THINGS)),
            "the answer is not HTTP: its Content-Length is 26, 3",
        ),
        (
            says(raw("HTTP/1.1 200 OK", JSON, "Transfer-Encoding: chunked", body=b"zz\r\n[]\r\n0\r\n\r\n")),
            "the answer is not HTTP: its chunks cannot be read",
        ),
        (
            says(raw("HTTP/1.1 200 OK", JSON, "Transfer-Encoding: chunked", body=b"-5\r\n[]\r\n0\r\n\r\n")),
            "the answer is not HTTP: its chunks cannot be read",
        ),
        (
            says_and_ends(raw("HTTP/1.1 200 OK", JSON, "Transfer-Encoding: chunked", body=b"ff\r\n[]")),
            "connection closed in the middle of the answer",
        ),
        (says_and_ends(b"\x00\x1b[2J\x07\r\n\r\n"), "the answer is not HTTP: BadStatusLine ..[2J."),
        (says(raw("HTTP/1.1 200 OK", *["X-Many: 1"] * 200)), None),
    ],
    ids=[
        "too long",
        "below zero",
        "two lengths",
        "no size",
        "size below zero",
        "in a chunk",
        "no HTTP",
        "many",
    ],
)
def test_what_cannot_be_read_is_no_answer_and_says_why(
    tmp_path: Path, answer: Callable[[socket.socket, Asked], None], why: str | None
) -> None:
    with difficult(answer) as server:
        report = check(tmp_path, server.origin)
    assert told(report) == {"no-answer": OPERATIONS}
    assert observed(report, "no-answer") == (
        {why} if why else {"the answer is not HTTP: HTTPException got more than 100 headers"}
    )
    assert {row.proof for row in report.findings if row.rule == "no-answer"} == {"replayed"}
    assert report.outcome.exit_code == 1


def test_one_that_ends_every_connection_serves_nothing_and_is_told_once(tmp_path: Path) -> None:
    with difficult(says_and_ends(b"")) as server:
        report = check(tmp_path, server.origin)
    rows = [row for row in report.findings if row.rule in ("operation-not-served", "no-answer")]
    names = {f"{row.operation.method} {row.operation.path}": row.rule for row in rows if row.operation is not None}
    assert names == dict.fromkeys(OPERATIONS, "operation-not-served")
    assert observed(report, "operation-not-served") == {"connection closed without an answer"}
    assert {row.proof for row in rows} == {"replayed"}


def test_a_length_that_is_too_short_ends_the_body_there(tmp_path: Path) -> None:
    """The rest is nobody's: neither is it judged, nor is it read as the next answer."""

    def answer(connection: socket.socket, asked: Asked) -> None:
        if asked.url == "/things":
            connection.sendall(raw("HTTP/1.1 200 OK", JSON, f"Content-Length: {len(THINGS)}", body=THINGS))
            time.sleep(0.005)  # so that it comes apart from what is read
            connection.sendall(b"and a lot more that was not counted")
        else:
            connection.sendall(decent(asked))

    with difficult(answer) as server:
        report = check(tmp_path, server.origin, max_examples="5")
    assert (report.findings, report.outcome.exit_code) == ((), 0)


def test_the_same_length_twice_is_one(tmp_path: Path) -> None:
    def answer(connection: socket.socket, asked: Asked) -> None:
        answered = decent(asked)
        connection.sendall(answered.replace(b"Content-Length: 26", b"Content-Length: 26, 26"))

    with difficult(answer) as server:
        report = check(tmp_path, server.origin)
    assert (report.findings, report.outcome.exit_code) == ((), 0)


def test_a_204_has_no_body_whatever_is_sent_after_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for item in DOCUMENT["paths"].values():  # type: ignore[attr-defined]
        for operation in item.values():
            monkeypatch.setitem(operation["responses"], "204", response())

    def answer(connection: socket.socket, asked: Asked) -> None:
        if decent(asked).startswith(b"HTTP/1.1 20"):
            connection.sendall(raw("HTTP/1.1 204 No Content", JSON, "Content-Length: 9"))
            time.sleep(0.005)
            connection.sendall(b'{"a": 1}\n')
        else:
            connection.sendall(decent(asked))

    with difficult(answer) as server:
        report = check(tmp_path, server.origin)
    assert (report.findings, report.outcome.exit_code) == ((), 0)


def test_json_that_is_no_utf8_is_a_malformed_body(tmp_path: Path) -> None:
    def answer(connection: socket.socket, asked: Asked) -> None:
        body = b'[{"id": 1, "name": "\xff\xfe"}]'
        connection.sendall(reply(body=body) if asked.url == "/things" else decent(asked))

    with difficult(answer) as server:
        report = check(tmp_path, server.origin)
    assert told(report) == {"malformed-body": ["GET /things"]}
    assert report.outcome.exit_code == 1


def test_gzip_that_is_none_is_a_malformed_body(tmp_path: Path) -> None:
    def answer(connection: socket.socket, asked: Asked) -> None:
        if asked.url == "/things":
            connection.sendall(reply("200 OK", b"\x1f\x8bnot at all", "Content-Encoding: gzip"))
        else:
            connection.sendall(decent(asked))

    with difficult(answer) as server:
        report = check(tmp_path, server.origin)
    assert told(report) == {"malformed-body": ["GET /things"]}


def test_http_1_0_is_understood(tmp_path: Path) -> None:
    """No length, no chunks, no connection that is kept: the end of the connection is the end of the body."""

    def answer(connection: socket.socket, asked: Asked) -> None:
        head, _, body = decent(asked).partition(b"\r\n\r\n")
        lines = [line for line in head.split(b"\r\n")[1:] if not line.startswith(b"Content-Length")]
        status = head.split(b"\r\n")[0].replace(b"HTTP/1.1", b"HTTP/1.0")
        connection.sendall(b"\r\n".join([status, *lines]) + b"\r\n\r\n" + body)
        end(connection)

    with difficult(answer) as server:
        report = check(tmp_path, server.origin)
        assert {asked.turn for asked in server.asked} == {1}
    assert (report.findings, report.outcome.exit_code) == ((), 0)


def test_a_connection_that_is_closed_between_two_requests_is_no_finding(tmp_path: Path) -> None:
    """Each connection ends, by a reset, after its second answer, and says nothing of it before."""

    def answer(connection: socket.socket, asked: Asked) -> None:
        if asked.turn == 3:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            end(connection)
            return
        connection.sendall(decent(asked))

    with difficult(answer) as server:
        report = check(tmp_path, server.origin)
        turns = Counter(asked.turn for asked in server.asked)
    assert turns[3] > 0
    assert (report.findings, report.outcome.exit_code, report.run.complete) == ((), 0, True)


# --- TLS --------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def self_signed(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    openssl = program("openssl", "it makes the certificate of a test")
    folder = tmp_path_factory.mktemp("tls")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(
        [
            openssl,
            *f"req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=difficult "
            f"-addext subjectAltName=DNS:elsewhere.test -keyout {key} -out {certificate}".split(),
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path, self_signed: ssl.SSLContext) -> None:
    with difficult(lambda connection, asked: connection.sendall(decent(asked)), self_signed) as server:
        report = check(tmp_path, server.origin)
        assert server.asked == []
    assert (told(report), report.outcome.exit_code) == ({}, 3)
    assert set(report.outcome.todo) == {
        f"{server.origin}: its TLS certificate cannot be trusted: self-signed certificate "
        "(if it is yours, `--insecure` takes it as it is, or name its authority's file in SSL_CERT_FILE)"
    }


def test_it_is_taken_where_that_is_allowed(tmp_path: Path, self_signed: ssl.SSLContext) -> None:
    (tmp_path / "contract.toml").write_text("insecure = true\n")
    with difficult(lambda connection, asked: connection.sendall(decent(asked)), self_signed) as server:
        report = check(tmp_path, server.origin)
        assert len(server.asked) > 10
        with pytest.raises(TargetError):
            http.check(http.open(server.origin))
    assert (report.findings, report.outcome.exit_code) == ((), 0)


def test_the_lines_that_repeat_its_findings_take_it_too(tmp_path: Path, self_signed: ssl.SSLContext) -> None:
    with difficult(says(reply("418 I'm a teapot", b"{}")), self_signed) as server:
        report = check(tmp_path, server.origin, insecure=True, fuzz=False, walk=True)
    lines = [row.curl for row in report.findings if row.curl is not None]
    assert lines and all(line.startswith("curl -k ") for line in lines)


def test_plain_http_behind_https_is_no_finding(tmp_path: Path) -> None:
    with scripted(lambda connection, _: connection.sendall(reply("400 Bad Request"))) as origin:
        report = check(tmp_path, origin.replace("http", "https"))
    assert (told(report), report.outcome.exit_code) == ({}, 3)
    assert "TLS failed: wrong version number (does it speak TLS?" in report.outcome.todo[0]
