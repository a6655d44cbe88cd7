"""Reports over HTTP: pushed, again, at once, too large, broken, newer, listed, given back."""

from __future__ import annotations

import json
import select
import socket
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from .serving import Service, clean, report, service
from .test_access import problem

REPORTS = "/api/v1/projects/shop/reports"


def post(started: Service, body: bytes | str, **headers: str) -> httpx2.Response:
    with started.client("shop:write") as client:
        return client.post(REPORTS, content=body, headers={"Content-Type": "application/json", **headers})


def test_a_report_is_kept_and_given_back_byte_for_byte(started: Service) -> None:
    raw = json.dumps(report("kept"), indent=3)
    made = post(started, raw)
    assert made.status_code == 201
    summary = made.json()
    assert made.headers["location"] == summary["href"] == f"{REPORTS}/kept"
    assert (summary["environment"], summary["release"], summary["drift"]["verdict"]) == ("ci", "2.4", "fail")
    with started.client("shop:read") as client:
        back = client.get(made.headers["location"])
    assert (back.status_code, back.text) == (200, raw)


def test_the_same_report_again_changes_nothing(started: Service) -> None:
    raw = json.dumps(report("again"))
    first, second = post(started, raw), post(started, raw)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    assert first.headers["location"] == second.headers["location"]
    shop = started.store.project("shop")
    assert shop is not None
    before = shop.changes
    assert post(started, raw).status_code == 200
    after = started.store.project("shop")
    assert after is not None
    assert after.changes == before


def test_a_report_of_a_release_whose_members_had_no_examples_is_kept_too(started: Service) -> None:
    older = report("older")
    members = [member for row in older["findings"] for member in row["operations"]]
    had = [member.pop("example") is not None for member in members]
    assert any(had)
    assert [post(started, json.dumps(each)).status_code for each in (older, report("newer"))] == [201, 201]


def test_another_report_of_the_same_run_is_a_conflict(started: Service) -> None:
    assert post(started, json.dumps(report("twice"))).status_code == 201
    problem(post(started, json.dumps(report("twice"), indent=1)), 409)


def test_a_report_that_is_sent_at_once_from_everywhere_is_kept_once(started: Service) -> None:
    raw, together = json.dumps(report("at-once")), threading.Barrier(8)

    def send(_: int) -> int:
        together.wait()
        return post(started, raw).status_code

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(send, range(8))) == [200] * 7 + [201]
    with started.client() as client:
        runs = [row["run_id"] for row in client.get(REPORTS, params={"limit": 200}).json()["reports"]]
    assert runs.count("at-once") == 1


def test_a_body_of_500_mb_is_refused_early(started: Service) -> None:
    where = urlsplit(started.origin)
    piece = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    head = (
        f"POST {REPORTS} HTTP/1.1\r\nHost: {where.netloc}\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {started.tokens['shop:write']}\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    sent = 0
    with socket.create_connection((where.hostname or "", where.port or 0), timeout=30) as wire:
        wire.sendall(head.encode())
        while sent < 500 * 2**20 and not select.select([wire], [], [], 0)[0]:
            try:
                wire.sendall(piece)
            except (BrokenPipeError, ConnectionResetError):
                break
            sent += 0x10000
        answer = wire.recv(65536)
    assert 32 * 2**20 <= sent < 100 * 2**20
    assert answer.startswith(b"HTTP/1.1 413 ")


def test_a_body_that_says_that_it_is_too_large_is_not_read(started: Service) -> None:
    where = urlsplit(started.origin)
    head = (
        f"POST {REPORTS} HTTP/1.1\r\nHost: {where.netloc}\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {started.tokens['shop:write']}\r\nContent-Length: {500 * 2**20}\r\n\r\n"
    )
    with socket.create_connection((where.hostname or "", where.port or 0), timeout=30) as wire:
        wire.sendall(head.encode())
        answer = b""
        while got := wire.recv(65536):
            answer += got
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["status"] == 413


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (json.dumps(report("truncated"))[:-40], "not JSON at line 1"),
        ("", "not JSON"),
        ('{"a": NaN}', "NaN"),
        (b'{"a": "\xff"}', "not UTF-8"),
        ("[" * 100_000, "nested too deep"),
    ],
)
def test_what_is_no_json_is_400(started: Service, body: bytes | str, said: str) -> None:
    assert said.lower() in problem(post(started, body), 400)["detail"].lower()


def test_other_media_types_and_encodings_are_415(started: Service) -> None:
    raw = json.dumps(report("typed"))
    problem(post(started, raw, **{"Content-Type": "text/plain"}), 415)
    problem(post(started, raw, **{"Content-Encoding": "gzip"}), 415)
    assert post(started, raw, **{"Content-Type": "application/json; charset=utf-8"}).status_code == 201


def changed(**values: Any) -> dict[str, Any]:
    return {**report("changed"), **values}


@pytest.mark.parametrize(
    ("value", "pointer", "said"),
    [
        (changed(schema_version=2), "/schema_version", "Upgrade the service"),
        (changed(schema_version="1"), "/schema_version", "breaks its schema"),
        ({}, "", "no report of contract"),
        ([], "", "no report of contract"),
        (changed(findings=None), "/findings", "breaks its schema"),
        (changed(more=1), "", "breaks its schema"),
        (report("../up"), "/run/id", "breaks its schema"),
        (report("late", "2026-13-20T08:00:00Z"), "/run/started_at", "breaks its schema"),
        (report("zone", "2026-11-20T08:00:00+01:00"), "/run/started_at", "breaks its schema"),
        (report("nul", environment="a\0b"), "/run/environment", "breaks its schema"),
        (report("long", environment="e" * 201), "/run/environment", "breaks its schema"),
    ],
)
def test_what_is_no_report_of_ours_is_422(started: Service, value: Any, pointer: str, said: str) -> None:
    told = problem(post(started, json.dumps(value)), 422)
    assert said in told["detail"]
    assert pointer in [error["pointer"] for error in told["errors"]]
    assert all(error["detail"] for error in told["errors"])


def test_what_only_a_strict_reader_refuses_is_kept_and_shown(tmp_path: Path, database: str) -> None:
    value = report("odd", environment="odd")
    value["findings"][0] |= {"message": "half a pair \ud800", "exchanges": 4.0, "of": 10**30}
    value["findings"].append(value["findings"][0])
    value["operations"][0] |= {"exchanges": 10**40, "key": "GET /\0"}
    value["kpis"]["completeness"] |= {"part": 4.0, "whole": 5.0}
    value["kpis"]["drift"]["exercised"]["operations"] = {"part": 1.0, "whole": 9007199254740991}
    value["outcome"]["exit_code"] = 1.0
    value["document"]["path"] = value["outcome"]["sentence"] = value["findings"][1]["rule"] = "\0"
    with service(tmp_path, database=database) as running, running.client("shop:write") as client:
        typed = {"Content-Type": "application/json"}
        assert client.post(REPORTS, content=json.dumps(value), headers=typed).status_code == 201
        for suffix in ("", ".json", ".md", ".html"):
            assert client.get(f"/api/v1/projects/shop/drift{suffix}?environment=odd").status_code == 200
        for path in (
            "completeness",
            "generation",
            "reports",
            "reports/odd",
            "drift?rule=%00",
            "reports?environment=%00",
        ):
            assert client.get(f"/api/v1/projects/shop/{path}").status_code in (200, 404)


def test_a_report_of_another_project_is_not_found_in_this_one(started: Service) -> None:
    assert started.push("bank", report("of-bank")).status_code == 201
    with started.client("shop:read") as client:
        problem(client.get(f"{REPORTS}/of-bank"), 404)
    assert started.push("shop", report("of-bank")).status_code == 201  # its own, whatever others have
    problem(started.push("bank", report("pushed-with-a-foreign-token"), "shop:write"), 404)


def test_a_database_that_another_process_holds_is_503_and_later_all_is_well(tmp_path: Path) -> None:
    with service(tmp_path, patience_ms=100) as running:
        other = sqlite3.connect(tmp_path / "contract.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        refused = running.push("shop", report("locked"), "shop:write")
        told = problem(refused, 503)
        assert int(refused.headers["retry-after"]) > 0
        assert str(tmp_path) not in told["detail"]
        with running.client("shop:read") as client:
            assert client.get(REPORTS).json()["reports"] == []  # who reads does not wait
        other.execute("ROLLBACK")
        other.close()
        assert running.push("shop", report("locked"), "shop:write").status_code == 201


def test_reports_are_listed_newest_first_and_paged(started: Service) -> None:
    for day in range(1, 6):
        assert started.push("shop", clean(f"day-{day}", f"2026-10-0{day}T00:00:00Z", "paged")).status_code == 201
    seen, url = [], f"{REPORTS}?environment=paged&limit=2"
    with started.client("shop:read") as client:
        while url:
            page = client.get(url)
            assert page.status_code == 200
            seen.append([row["run_id"] for row in page.json()["reports"]])
            link = page.links.get("next", {}).get("url", "")
            assert bool(link) is (page.json()["next"] is not None)
            url = link
    assert seen == [["day-5", "day-4"], ["day-3", "day-2"], ["day-1"]]


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=201",
        "limit=+1",
        "limit=",
        "cursor=x",
        "cursor=99999999999999999999.1",
        "relese=2.4",
        "limit=1&limit=2",
        "environment=%FF",
        "environment=" + "e" * 201,
    ],
)
def test_a_parameter_that_is_wrong_or_unknown_is_400(started: Service, query: str) -> None:
    with started.client("shop:read") as client:
        problem(client.get(f"{REPORTS}?{query}"), 400)
