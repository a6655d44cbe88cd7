"""Access logs of nginx and Envoy: what they hold is read, and what they do not hold is not missing."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from contract.core.evidence import Exchange, Lost, Request, Response, Traffic
from contract.sources.traffic import envoy, nginx

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def read(source: ModuleType, path: Path, *lines: Any, **more: Any) -> list[Exchange | Lost]:
    path = path / "access.log"
    path.write_text("".join((each if isinstance(each, str) else json.dumps(each)) + "\n" for each in lines))
    return list(source.exchanges(str(path), now=NOW, **more))


NGINX = {
    "time_iso8601": "2026-11-24T11:00:01+01:00",
    "host": "api.example",
    "request_method": "GET",
    "request_uri": "/tasks/7?limit=1",
    "status": "200",
    "request_time": "0.250",
    "http_user_agent": "okhttp/5",
}
ENVOY = {
    "start_time": "2026-11-24T10:00:00.750Z",
    "method": "GET",
    "path": "/tasks/7?limit=1",
    "response_code": 200,
    "response_flags": "-",
    "duration": 250,
    "authority": "api.example",
    "user_agent": "okhttp/5",
    "bytes_sent": 12,
}


@pytest.mark.parametrize(("source", "line"), [(nginx, NGINX), (envoy, ENVOY)])
def test_the_line_of_the_documentation_is_one_exchange(tmp_path: Path, source: ModuleType, line: Any) -> None:
    found = read(source, tmp_path, line)
    at = found[0].sent_at if isinstance(found[0], Exchange) else None
    assert at in ("2026-11-24T10:00:00.750Z",)
    assert found == [
        Exchange(
            Request(
                "GET", "/tasks/7?limit=1", (("User-Agent", "okhttp/5"),), None, truncated=True, headers_known=False
            ),
            Response(200, (), b"", truncated=True, headers_known=False),
            source.__name__.rpartition(".")[2],
            Traffic.REAL,
            250_000,
            origin=f"{tmp_path}/access.log:1",
            sent_at="2026-11-24T10:00:00.750Z",
        )
    ]


@pytest.mark.parametrize("source", [nginx, envoy])
def test_the_documentation_names_the_members_that_are_read(source: ModuleType) -> None:
    line = NGINX if source is nginx else {name: value for name, value in ENVOY.items() if name != "bytes_sent"}
    assert [name for name in line if name not in (source.__doc__ or "")] == []


@pytest.mark.parametrize(
    ("source", "line", "asked"),
    [
        (nginx, {"request": "POST /a?b=1 HTTP/2.0", "status": 201}, ("POST", "/a?b=1", 201)),
        (nginx, {"method": "get", "uri": "/a b/é", "args": "x=1", "status": 200}, ("GET", "/a%20b/%C3%A9?x=1", 200)),
        (nginx, {"request_method": "GET", "request_uri": "http://API.example/a", "status": 200}, ("GET", "/a", 200)),
        (envoy, {":method": "PUT", ":path": "/x", "response_code": "204"}, ("PUT", "/x", 204)),
        (
            envoy,
            {"method": "GET", "x-envoy-original-path": "/outer", "path": "/inner", "response_code": 200},
            ("GET", "/outer", 200),
        ),
    ],
)
def test_common_spellings_are_read(tmp_path: Path, source: ModuleType, line: Any, asked: Any) -> None:
    (found,) = read(source, tmp_path, line)
    assert isinstance(found, Exchange) and found.response is not None
    assert (found.request.method, found.request.url, found.response.status) == asked


@pytest.mark.parametrize(
    ("source", "more", "failure", "abandoned"),
    [
        (nginx, {"status": 499}, "the client went away before the answer", True),
        (nginx, {"status": "000"}, "the client went away before the answer", True),
        (nginx, {"status": 444}, "connection closed without an answer", False),
        (envoy, {"response_code": 0, "response_flags": "DC"}, "the client went away before the answer", True),
        (envoy, {"response_code": 0, "response_flags": "UC"}, "no answer", False),
    ],
)
def test_a_status_that_stands_for_no_answer_is_none(
    tmp_path: Path, source: ModuleType, more: Any, failure: str, abandoned: bool
) -> None:
    (found,) = read(source, tmp_path, {**(NGINX if source is nginx else ENVOY), **more})
    assert isinstance(found, Exchange)
    assert (found.response, found.failure, found.abandoned) == (None, failure, abandoned)


@pytest.mark.parametrize(
    ("source", "line", "heading", "reason"),
    [
        (nginx, '127.0.0.1 - - "GET / HTTP/1.1" 200', "line is not JSON", ""),
        (nginx, [], "line is no exchange", "a line must be a JSON object"),
        (nginx, {"status": 200}, "line is no exchange", "the line has no `request_uri`"),
        (nginx, {**NGINX, "status": "ok"}, "line is no exchange", "`status` must be a number"),
        (nginx, {**NGINX, "status": "-"}, "line is no exchange", "the line has no `status`"),
        (
            nginx,
            {**NGINX, "request_method": "", "request": "\x16\x03\x01"},
            "line is no exchange",
            "`request` is no request line",
        ),
        (nginx, {**NGINX, "request_method": "G T"}, "line is no exchange", "the method is none"),
        (envoy, {"path": "/", "response_code": 200}, "line is no exchange", "the line names no method"),
        (envoy, {"method": "GET", "response_code": 200}, "line is no exchange", "the line has no `path`"),
        (envoy, {"method": "GET", "path": "/"}, "line is no exchange", "the line has no `response_code`"),
    ],
)
def test_a_line_that_is_none_is_lost(tmp_path: Path, source: ModuleType, line: Any, heading: str, reason: str) -> None:
    one, lost, three = read(source, tmp_path, *([NGINX, line, NGINX] if source is nginx else [ENVOY, line, ENVOY]))
    assert isinstance(one, Exchange) and isinstance(three, Exchange) and isinstance(lost, Lost)
    assert (lost.heading, lost.place) == (heading, f"{tmp_path}/access.log:2")
    assert lost.reason.startswith(reason)


def test_figures_that_cannot_be_are_dropped_and_told(tmp_path: Path) -> None:
    found, one, two = read(nginx, tmp_path, {**NGINX, "request_time": "NaN", "time_iso8601": "2999-01-01T00:00:00Z"})
    assert isinstance(found, Exchange)
    assert (found.elapsed_us, found.sent_at) == (None, None)
    assert [each.heading for each in (one, two) if isinstance(each, Lost)] == [
        "elapsed time is out of range",
        "timestamp in the future",
    ]


@pytest.mark.parametrize(("source", "line", "name"), [(nginx, NGINX, "host"), (envoy, ENVOY, "authority")])
def test_other_hosts_are_left_out_and_counted(tmp_path: Path, source: ModuleType, line: Any, name: str) -> None:
    others: Counter[str] = Counter()
    lines = [line, {**line, name: "API.example:8080"}, {**line, name: "b.example"}, {**line, name: "-"}]
    found = read(source, tmp_path, *lines, hosts={"api.example"}, others=others)
    assert (len(found), others) == (3, Counter({"b.example": 1}))


def test_the_local_time_of_nginx_is_read_too(tmp_path: Path) -> None:
    line = {**NGINX, "time_local": "24/Nov/2026:11:00:01 +0100"}
    del line["time_iso8601"]
    (found,) = read(nginx, tmp_path, line)
    assert isinstance(found, Exchange)
    assert found.sent_at == "2026-11-24T10:00:00.750Z"


@pytest.mark.parametrize("source", [nginx, envoy])
def test_a_log_is_followed_and_read_in_spans(tmp_path: Path, source: ModuleType) -> None:
    path = tmp_path / "access.log"
    path.write_text((json.dumps(NGINX if source is nginx else ENVOY) + "\n") * 9)
    whole = list(source.exchanges(str(path)))
    assert len(whole) == 9
    assert list(source.follow(str(path), stop=lambda: True)) == whole
    assert [each for span in [(0, 500), (500, 5000)] for each in source.exchanges(str(path), span=span)] == whole
