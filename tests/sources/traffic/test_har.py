"""HAR 1.2 files as Chrome, Firefox, proxies and Schemathesis write them."""

from __future__ import annotations

import base64
import gzip
import json
import lzma
from pathlib import Path
from typing import Any

import pytest

from contract.core.errors import SourceError
from contract.core.evidence import Exchange, Request, Response, Traffic
from contract.sources.traffic import har


def entry(**changes: Any) -> dict[str, Any]:
    """An entry as Chrome writes it."""
    request = {
        "method": "GET",
        "url": "https://api.example.com/tasks?limit=1",
        "httpVersion": "h2",
        "headers": [{"name": ":authority", "value": "api.example.com"}, {"name": "accept", "value": "*/*"}],
        "queryString": [{"name": "limit", "value": "1"}],
        "cookies": [],
        "headersSize": -1,
        "bodySize": 0,
        **changes.pop("request", {}),
    }
    response = {
        "status": 200,
        "statusText": "",
        "headers": [{"name": "content-type", "value": "application/json"}],
        "content": {"size": 2, "mimeType": "application/json", "text": "[]"},
        "_transferSize": 99,
        **changes.pop("response", {}),
    }
    return {
        "startedDateTime": "2026-11-24T10:00:00.000Z",
        "time": 20.5,
        "timings": {"blocked": 5, "dns": -1, "connect": -1, "send": 0.25, "wait": 10, "receive": 1.5},
        "request": request,
        "response": response,
        "_priority": "High",
        **changes,
    }


def write(path: Path, *entries: Any, **log: Any) -> str:
    path.write_text(json.dumps({"log": {"version": "1.2", "creator": {"name": "t"}, **log, "entries": entries}}))
    return str(path)


def read(path: Path, *entries: Any) -> list[Exchange]:
    return list(har.exchanges(write(path / "c.har", *entries)))


def test_an_entry_is_one_exchange(tmp_path: Path) -> None:
    where = write(tmp_path / "c.har", entry(), pages=[{"id": "p", "title": "]}"}])
    assert list(har.exchanges(where)) == [
        Exchange(
            Request("GET", "/tasks?limit=1", (("accept", "*/*"),), None),
            Response(200, (("content-type", "application/json"),), b"[]"),
            "har",
            Traffic.REAL,
            elapsed_us=11750,
            origin=f"{where} entry 1",
            sent_at="2026-11-24T10:00:00.000Z",
        )
    ]


@pytest.mark.parametrize(
    ("content", "headers", "body", "truncated"),
    [
        ({"text": base64.b64encode(b"\x89PNG\0").decode(), "encoding": "base64"}, [], b"\x89PNG\0", False),
        ({"size": 10}, [], b"", True),
        ({}, [], b"", True),
        ({"size": 0}, [], b"", False),
        ({"size": -1, "text": ""}, [], b"", False),
        ({"size": 2, "text": "é"}, [("content-type", "text/plain; charset=latin-1")], b"\xe9", True),
        ({"size": 1, "text": "é"}, [("content-type", "text/plain; charset=latin-1")], b"\xe9", False),
        ({"size": 9, "text": "[]"}, [("content-encoding", "gzip")], b"[]", False),
        ({"size": 9, "text": "[]"}, [], b"[]", True),
        ({"size": 2, "text": "[]", "comment": "Body truncated: 2 of 9 bytes recorded"}, [], b"[]", True),
    ],
)
def test_a_body_that_the_recorder_left_out_is_not_an_empty_one(
    tmp_path: Path, content: dict[str, Any], headers: list[tuple[str, str]], body: bytes, truncated: bool
) -> None:
    records = [{"name": name, "value": value} for name, value in headers]
    (found,) = read(tmp_path, entry(response={"content": content, "headers": records}))
    assert found.response == Response(200, tuple(headers), body, truncated)


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304)])
def test_an_answer_that_has_no_body_is_whole(tmp_path: Path, method: str, status: int) -> None:
    (found,) = read(tmp_path, entry(request={"method": method}, response={"status": status, "content": {"size": -1}}))
    assert found.response is not None
    assert found.response.truncated is False


def test_status_zero_means_that_no_answer_came(tmp_path: Path) -> None:
    (found,) = read(tmp_path, entry(response={"status": 0, "content": {}, "_error": "net::ERR_CONNECTION_REFUSED"}))
    assert (found.response, found.failure) == (None, "net::ERR_CONNECTION_REFUSED")


@pytest.mark.parametrize(
    ("posted", "body"),
    [
        ({"mimeType": "application/json", "text": '{"a":"ü"}'}, '{"a":"ü"}'.encode()),
        ({"mimeType": "application/x-www-form-urlencoded", "params": [{"name": "a b", "value": "&"}]}, b"a+b=%26"),
        ({"mimeType": "multipart/form-data", "params": [{"name": "f", "fileName": "x.png"}]}, None),
        ({"mimeType": "text/plain", "text": ""}, b""),
        ({"mimeType": "x/y", "text": "AAE=", "encoding": "base64"}, b"\0\x01"),
        (None, None),
    ],
)
def test_the_posted_body(tmp_path: Path, posted: Any, body: bytes | None) -> None:
    (found,) = read(tmp_path, entry(request={"method": "post", "postData": posted}))
    assert (found.request.method, found.request.body) == ("POST", body)


def test_repeated_cookies_are_apart(tmp_path: Path) -> None:
    (found,) = read(tmp_path, entry(response={"headers": [{"name": "Set-Cookie", "value": "a=1; Path=/\nb=2"}]}))
    assert found.response is not None
    assert found.response.headers == (("Set-Cookie", "a=1; Path=/"), ("Set-Cookie", "b=2"))


@pytest.mark.parametrize(
    ("name", "value", "traffic"),
    [
        ("X-Schemathesis-TestCaseId", "abc", Traffic.FUZZ),
        ("user-agent", "schemathesis/4.32.5", Traffic.FUZZ),
        ("x-contract-run", "1", Traffic.SYNTHETIC),
        ("user-agent", "Mozilla/5.0", Traffic.REAL),
    ],
)
def test_the_headers_say_who_asked(tmp_path: Path, name: str, value: str, traffic: Traffic) -> None:
    (found,) = read(tmp_path, entry(request={"headers": [{"name": name, "value": value}]}))
    assert found.traffic is traffic


def test_what_is_no_http_is_left_out_and_so_are_other_hosts(tmp_path: Path) -> None:
    urls = [
        "data:text/plain,x",
        "chrome-extension://abc/x",
        "https://cdn.example.com/a.js",
        "http://API.example.com:8080/a#top",
        "https://u:p@api.example.com:443",
        "/relative?x",
    ]
    where = write(tmp_path / "c.har", *(entry(request={"url": url}) for url in urls))
    assert [found.request.url for found in har.exchanges(where)] == ["/a.js", "/a", "/", "/relative?x"]
    hosts = {"api.example.com"}
    assert [found.request.url for found in har.exchanges(where, hosts=hosts)] == ["/a", "/", "/relative?x"]


@pytest.mark.parametrize("suffix", [".har.gz", ".har.xz"])
def test_a_packed_file_is_unpacked(tmp_path: Path, suffix: str) -> None:
    text = Path(write(tmp_path / "c.har", entry())).read_bytes()
    packed = tmp_path / f"c{suffix}"
    packed.write_bytes(gzip.compress(text) if suffix.endswith("gz") else lzma.compress(text))
    assert [found.request.url for found in har.exchanges(str(packed))] == ["/tasks?limit=1"]
    packed.write_bytes(packed.read_bytes()[:-20])
    with pytest.raises(SourceError, match="cannot be unpacked"):
        list(har.exchanges(str(packed)))


def test_entries_that_span_many_reads_are_read_one_by_one(tmp_path: Path) -> None:
    bodies = ["x" * size for size in (0, 1, 60_000, 400_000, 65_536, 3)]
    where = write(tmp_path / "c.har", *(entry(response={"content": {"text": body or "-"}}) for body in bodies))
    Path(where).write_bytes(b"\xef\xbb\xbf" + Path(where).read_bytes())
    found = [each.response.body.decode() for each in har.exchanges(where) if each.response]
    assert found == ["-", *bodies[1:]]


def test_a_broken_file_says_where_after_giving_what_was_whole(tmp_path: Path) -> None:
    where = write(tmp_path / "c.har", entry(), entry())
    path = Path(where)
    path.write_text(path.read_text()[:-200])
    reader = har.exchanges(where)
    assert next(reader).request.url == "/tasks?limit=1"
    with pytest.raises(SourceError, match=r"c\.har: not a HAR file: .* near character \d+"):
        next(reader)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"log":{}}', '{"log":{"entries":{}}}', '{"log": 1}', "\x00", "{"])
def test_what_is_no_har_file_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "c.har").write_text(text)
    with pytest.raises(SourceError, match=r"c\.har: not a HAR file"):
        list(har.exchanges(str(tmp_path / "c.har")))


@pytest.mark.parametrize(
    "bad", [{}, 1, {"request": {}, "response": {}}, entry(response={"content": {"text": "§", "encoding": "base64"}})]
)
def test_an_entry_that_is_none_is_named(tmp_path: Path, bad: Any) -> None:
    with pytest.raises(SourceError, match=r"c\.har entry 2: not a HAR 1\.2 entry: "):
        read(tmp_path, entry(), bad)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no such file"):
        list(har.exchanges(str(tmp_path / "none.har")))
