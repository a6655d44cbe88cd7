"""One JSON object a line: our own shape, and the one in two halves."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from contract.core.evidence import Exchange, Lost, Request, Response, Traffic
from contract.sources.traffic import ndjson
from tests.data import DATA


def read(tmp_path: Path, *lines: Any) -> list[Exchange]:
    path = tmp_path / "t.ndjson"
    path.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))
    found = list(ndjson.exchanges(str(path)))
    assert [each for each in found if isinstance(each, Lost)] == []
    return [each for each in found if isinstance(each, Exchange)]


def test_the_line_of_the_documentation_is_read(tmp_path: Path) -> None:
    doc = ndjson.__doc__ or ""
    line = doc.partition("One line:\n")[2].partition("\n\n-")[0]
    assert read(tmp_path, "", line.replace("\n", " ")) == [
        Exchange(
            Request("POST", "/tasks?draft=1", (("Content-Type", "application/json"),), b'{"title":"a"}'),
            Response(201, (("Content-Type", "application/json"),), b'{"id":1}'),
            "ndjson",
            Traffic.TEST,
            elapsed_us=1234,
            operation="POST /tasks",
            origin=f"{tmp_path}/t.ndjson:2",
            sent_at="2026-11-24T10:00:00Z",
        )
    ]


def test_both_shapes_give_the_same(tmp_path: Path) -> None:
    flat = {
        "method": "get",
        "url": "https://h.example/t#x",
        "status": 200,
        "request_headers": {"A": ["1", "2"], ":path": "/t"},
        "response_headers": [["B", "3"]],
        "response_body": {"base64": "AAE="},
        "response_truncated": True,
    }
    halves = {
        "request": {"method": "get", "url": "https://h.example/t#x", "headers": {"A": ["1", "2"], ":path": "/t"}},
        "response": {"status": 200, "headers": {"B": "3"}, "body": "AAE=", "encoding": "base64", "truncated": True},
    }
    one, two = read(tmp_path, flat, halves)
    assert one.request == two.request == Request("GET", "/t", (("A", "1"), ("A", "2")))
    assert one.response == two.response == Response(200, (("B", "3"),), b"\0\x01", True)


def test_a_line_without_a_status_had_no_answer(tmp_path: Path) -> None:
    one, two, three = read(
        tmp_path,
        {"method": "GET", "url": "/", "failure": "reset"},
        {"method": "GET", "url": "/", "status": None},
        {"request": {"method": "GET", "url": "/"}, "response": None},
    )
    assert [(each.response, each.failure) for each in (one, two, three)] == [
        (None, "reset"),
        (None, "no answer"),
        (None, "no answer"),
    ]


@pytest.mark.data
@pytest.mark.skipif(DATA is None, reason="the shared data is not there: set CONTRACT_DATA")
def test_recorded_traffic_of_a_real_service_is_read_whole() -> None:
    assert DATA is not None
    found = list(ndjson.exchanges(str(DATA / "traffic" / "github.ndjson.xz")))
    assert len(found) == 132
    statuses = Counter(each.response.status for each in found if isinstance(each, Exchange) and each.response)
    assert statuses == {200: 40, 201: 59, 204: 26, 205: 1, 301: 1, 302: 1, 307: 1, 404: 1, 422: 2}
    only = list(ndjson.exchanges(str(DATA / "traffic" / "github.ndjson.xz"), hosts={"api.github.com"}))
    assert len(only) == 127
