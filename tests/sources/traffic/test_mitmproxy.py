"""mitmproxy's flow files, written here as it writes them: tagged netstrings."""

from __future__ import annotations

import gzip
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.core.errors import SourceError
from contract.core.evidence import Exchange, Lost, Request, Response, Traffic
from contract.sources.traffic import mitmproxy


def dumps(value: Any) -> bytes:
    """A tagged netstring: length, colon, payload, and what it is."""
    if value is None:
        tag, data = b"~", b""
    elif isinstance(value, bool):
        tag, data = b"!", str(value).lower().encode()
    elif isinstance(value, int):
        tag, data = b"#", b"%d" % value
    elif isinstance(value, float):
        tag, data = b"^", repr(value).encode()
    elif isinstance(value, bytes):
        tag, data = b",", value
    elif isinstance(value, str):
        tag, data = b";", value.encode()
    elif isinstance(value, list | tuple):
        tag, data = b"]", b"".join(map(dumps, value))
    else:
        tag, data = b"}", b"".join(dumps(key) + dumps(item) for key, item in value.items())
    return b"%d:%s%s" % (len(data), data, tag)


def flow(request: dict[str, Any] | None = None, response: Any = (), **more: Any) -> dict[str, Any]:
    asked = {
        "http_version": b"HTTP/2.0",
        "headers": [[b":authority", b"api.example"], [b"user-agent", b"okhttp/5"]],
        "content": b"",
        "trailers": None,
        "timestamp_start": 1795514400.25,
        "timestamp_end": 1795514400.26,
        "host": "10.0.0.1",
        "port": 443,
        "method": b"GET",
        "scheme": b"https",
        "authority": b"api.example",
        "path": b"/tasks?limit=1",
        **(request or {}),
    }
    answered = {
        "http_version": b"HTTP/2.0",
        "headers": [[b"content-type", b"application/json"]],
        "content": b"[]",
        "trailers": None,
        "timestamp_start": 1795514400.3,
        "timestamp_end": 1795514400.5,
        "status_code": 200,
        "reason": b"",
    }
    return {
        "version": 21,
        "type": "http",
        "id": "a",
        "error": None,
        "client_conn": {"address": ["127.0.0.1", 5], "tls": True},
        "request": asked,
        "response": None if response is None else {**answered, **dict(response)},
        **more,
    }


def read(path: Path, *flows: Any, **more: Any) -> list[Exchange | Lost]:
    path = path / "f.mitm"
    path.write_bytes(b"".join(each if isinstance(each, bytes) else dumps(each) for each in flows))
    return list(mitmproxy.exchanges(str(path), **more))


def test_a_flow_is_one_exchange(tmp_path: Path) -> None:
    assert read(tmp_path, flow()) == [
        Exchange(
            Request("GET", "/tasks?limit=1", (("user-agent", "okhttp/5"),)),
            Response(200, (("content-type", "application/json"),), b"[]"),
            "mitmproxy",
            Traffic.REAL,
            250_000,
            origin=f"{tmp_path}/f.mitm flow 1",
            sent_at="2026-11-24T10:00:00.250Z",
        )
    ]


def test_bodies_are_unpacked_unknown_ones_stay_unknown_and_false_ones_are_lost(tmp_path: Path) -> None:
    coded = [[b"content-encoding", b"gzip"]]
    found = read(
        tmp_path,
        flow(response={"headers": coded, "content": gzip.compress(b"[1]")}),
        flow(response={"content": None}),
        flow({"content": None, "method": b"POST"}),
        flow(response={"headers": coded, "content": b"[1]"}),
    )
    *exchanges, lost = found
    bodies = [
        (each.response.body, each.response.truncated, each.request.truncated)
        for each in exchanges
        if isinstance(each, Exchange) and each.response
    ]
    assert bodies == [(b"[1]", False, False), (b"", True, False), (b"[]", False, True), (b"", True, False)]
    assert isinstance(lost, Lost)
    assert (lost.heading, lost.place) == (
        "response body is not the gzip that it claims to be",
        f"{tmp_path}/f.mitm flow 4",
    )


def test_a_flow_without_an_answer_says_who_ended_it(tmp_path: Path) -> None:
    one, two, three = read(
        tmp_path,
        flow(response=None, error={"msg": "server closed connection", "timestamp": 1.0}),
        flow(response=None, error={"msg": "Client disconnected.", "timestamp": 1.0}),
        flow(response=None),
    )
    seen = [(each.failure, each.abandoned) for each in (one, two, three) if isinstance(each, Exchange)]
    assert seen == [("server closed connection", False), ("Client disconnected.", True), ("no answer", False)]


def test_what_is_no_http_is_passed_over_and_other_hosts_are_counted(tmp_path: Path) -> None:
    others: Counter[str] = Counter()
    flows = [
        {"version": 21, "type": "tcp", "messages": []},
        flow({"method": b"CONNECT"}),
        flow({"authority": b"", "headers": [[b"Host", b"B.example:443"]]}),
        flow({"authority": b"", "headers": []}),
        flow(),
    ]
    (found,) = read(tmp_path, *flows, hosts={"api.example"}, others=others)
    assert isinstance(found, Exchange)
    assert (found.origin, others) == (f"{tmp_path}/f.mitm flow 5", Counter({"b.example": 1, "10.0.0.1": 1}))


def test_what_is_damaged_costs_itself_or_what_follows_where_lengths_fail(tmp_path: Path) -> None:
    good = dumps(flow())
    broken = flow()
    del broken["request"]["path"]
    found = read(tmp_path, good, dumps(broken), b"5:abcde?", good, good[:-9])
    assert [getattr(each, "heading", "read") for each in found] == [
        "read",
        "flow is none that mitmproxy writes",
        "flow is none that mitmproxy writes",
        "read",
        "flow file is cut off or damaged",
    ]
    assert [each.place.rpartition(" ")[2] for each in found if isinstance(each, Lost)] == ["2", "3", "5"]


def test_a_flow_that_is_too_long_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mitmproxy, "FLOW_CAP", 1 << 20)
    one, lost, three = read(tmp_path, flow(), flow(response={"content": b"x" * (2 << 20)}), flow())
    assert isinstance(one, Exchange) and isinstance(three, Exchange) and isinstance(lost, Lost)
    assert (lost.heading, lost.place) == ("flow is longer than 1 MB", f"{tmp_path}/f.mitm flow 2")


@pytest.mark.parametrize("data", [b"{}", b"PK\x03\x04", b"9999999999999999:", b"12"])
def test_what_is_no_flow_file_is_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(SourceError, match="not a mitmproxy flow file"):
        read(tmp_path, data)


def test_an_empty_file_holds_nothing(tmp_path: Path) -> None:
    assert read(tmp_path) == []


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.binary() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(values)
def test_what_is_written_is_read(value: Any) -> None:
    data = dumps(value)
    assert mitmproxy._value(memoryview(data), 0, 64) == (value, len(data))


@given(st.binary(max_size=80))
def test_whatever_the_bytes_nothing_but_a_value_error_is_raised(data: bytes) -> None:
    try:
        mitmproxy._value(memoryview(data), 0, 64)
    except ValueError:
        return
