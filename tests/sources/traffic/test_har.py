"""HAR 1.2 files as Chrome, Firefox, proxies and Schemathesis write them."""

from __future__ import annotations

import base64
import gzip
import io
import json
import lzma
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.core.errors import SourceError
from contract.core.evidence import Exchange, Lost, Request, Response, Traffic
from contract.sources.traffic import _json, har


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
    """The exchanges, where nothing is lost."""
    found = list(har.exchanges(write(path / "c.har", *entries)))
    assert [each for each in found if isinstance(each, Lost)] == []
    return [each for each in found if isinstance(each, Exchange)]


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
    packed.write_bytes(b"not packed at all")
    with pytest.raises(SourceError, match="cannot be unpacked"):
        list(har.exchanges(str(packed)))


def test_of_a_packed_file_that_is_cut_off_what_can_be_unpacked_is_read(tmp_path: Path) -> None:
    noise = base64.b64encode(os.urandom(300_000)).decode()
    text = Path(write(tmp_path / "c.har", *(entry(response={"content": {"text": noise}}) for _ in range(4))))
    packed = tmp_path / "c.har.gz"
    packed.write_bytes(gzip.compress(text.read_bytes())[:-400_000])
    found = list(har.exchanges(str(packed)))
    assert [type(each) for each in found] == [Exchange, Exchange, Lost]
    (lost,) = [each for each in found if isinstance(each, Lost)]
    assert (lost.heading, lost.place) == ("packed file is damaged or cut off", f"{packed} entry 3")


def test_entries_that_span_many_reads_are_read_one_by_one(tmp_path: Path) -> None:
    bodies = ["x" * size for size in (0, 1, 60_000, 400_000, 65_536, 3)]
    where = write(tmp_path / "c.har", *(entry(response={"content": {"text": body or "-"}}) for body in bodies))
    Path(where).write_bytes(b"\xef\xbb\xbf" + Path(where).read_bytes())
    found = [each.response.body.decode() for each in har.exchanges(where) if each.response]
    assert found == ["-", *bodies[1:]]


@pytest.mark.parametrize("cut", [1, 20, 200, 400, 600])
def test_of_a_file_that_is_cut_off_all_entries_before_the_cut_are_read(tmp_path: Path, cut: int) -> None:
    where = write(tmp_path / "c.har", entry(), entry(), entry())
    path = Path(where)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) - len("]}}") - cut])
    found = list(har.exchanges(where))
    assert [type(each) for each in found] == [Exchange, Exchange, Lost]
    (lost,) = [each for each in found if isinstance(each, Lost)]
    assert (lost.heading, lost.place) == ("HAR file is cut off", f"{where} entry 3")


def test_a_file_that_ends_right_behind_an_entry_is_cut_off_too(tmp_path: Path) -> None:
    where = write(tmp_path / "c.har", entry(), entry())
    Path(where).write_bytes(Path(where).read_bytes()[:-3])
    size = Path(where).stat().st_size
    assert list(har.exchanges(where))[2:] == [
        Lost("HAR file is cut off", f"{where} entry 2", f"it ends at byte {size:,}")
    ]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"log":{}}', '{"log":{"entries":{}}}', '{"log": 1}', "\x00", "{"])
def test_what_is_no_har_file_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "c.har").write_text(text)
    with pytest.raises(SourceError, match=r"c\.har: not a HAR file"):
        list(har.exchanges(str(tmp_path / "c.har")))


GOOD = json.dumps(entry())


@pytest.mark.parametrize(
    ("bad", "heading", "reason"),
    [
        ("{}", "entry is no HAR 1.2 entry", "`request` is missing"),
        ("1", "entry is no HAR 1.2 entry", "'int' object is not subscriptable"),
        (GOOD.replace('"[]"', '"§","encoding":"base64"'), "entry is no HAR 1.2 entry", "the body is not base64: "),
        (GOOD.replace("20.5", "NaN"), "HAR entry is not JSON", ""),
        (GOOD.replace("20.5", "020.5"), "HAR entry is not JSON", ""),
        (GOOD.replace('"status": 200', '"status": 200, "status": 201'), "entry is no HAR 1.2 entry", "`status` is named twice"),
        (GOOD.replace("\"status\": 200", "\"status\": 9" + "9" * 40), "entry is no HAR 1.2 entry", "`status` is no HTTP status"),
        (GOOD.replace("\"status\": 200", "\"status\": 9" + "9" * 5000), "HAR entry is not JSON", ""),
        ("[" * 5000 + "]" * 5000, "HAR entry is not JSON", ""),
    ],
)  # fmt: skip
def test_an_entry_that_is_none_is_lost_and_the_others_are_read(
    tmp_path: Path, bad: str, heading: str, reason: str
) -> None:
    where = tmp_path / "c.har"
    where.write_text('{"log":{"entries":[%s,%s,%s]}}' % (GOOD, bad, GOOD))  # noqa: UP031 - braces
    one, lost, three = har.exchanges(str(where))
    assert isinstance(one, Exchange) and isinstance(lost, Lost) and isinstance(three, Exchange)
    assert (lost.heading, lost.place) == (heading, f"{where} entry 2")
    assert lost.reason.startswith(reason)


def test_bytes_that_are_no_utf_8_cost_the_entry_that_holds_them(tmp_path: Path) -> None:
    where = tmp_path / "c.har"
    text = '{"log":{"entries":[%s,%s]}}' % (GOOD.replace("Chrome", ""), GOOD.replace("2026", "\0"))  # noqa: UP031
    where.write_bytes(text.encode().replace(b"\0", b"\xff"))
    one, lost = har.exchanges(str(where))
    assert isinstance(one, Exchange)
    assert isinstance(lost, Lost) and (lost.heading, lost.place) == ("HAR entry is not JSON", f"{where} entry 2")


def test_where_brackets_do_not_match_the_rest_is_lost_and_told_once(tmp_path: Path) -> None:
    where = tmp_path / "c.har"
    where.write_text('{"log":{"entries":[%s] : %s]}}' % (GOOD, GOOD) + "x")  # noqa: UP031
    assert len(list(har.exchanges(str(where)))) == 1  # the array is whole
    where.write_text('{"log":{"entries":[%s %s]}}' % (GOOD, GOOD))  # noqa: UP031
    one, lost = har.exchanges(str(where))
    assert isinstance(one, Exchange) and isinstance(lost, Lost)
    assert (lost.heading, lost.place) == ("HAR file is no JSON from here on", f"{where} entry 1")


def test_an_entry_that_is_too_long_is_passed_over_without_being_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_json, "VALUE_CAP", 1 << 19)
    monkeypatch.setattr(_json, "_CHUNK", 1 << 16)
    big = "x" * (1 << 20) + '\\\\"]}' * 99_999
    entries = [
        entry(),
        entry(response={"content": {"text": big}}),
        entry(response={"content": {"a": [[big], {}]}}),
        entry(),
    ]
    where = write(tmp_path / "c.har", *entries)
    assert [(type(each), getattr(each, "place", "")) for each in har.exchanges(where)] == [
        (Exchange, ""),
        (Lost, f"{where} entry 2"),
        (Lost, f"{where} entry 3"),
        (Exchange, ""),
    ]


@given(st.lists(st.recursive(st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)), max_size=5), st.integers(1, 40))  # fmt: skip
@settings(max_examples=40, deadline=None)
def test_whatever_the_values_and_the_reads_each_value_is_found_whole(values: list[Any], size: int) -> None:
    class Slow(io.BytesIO):
        def read1(self, count: int | None = -1) -> bytes:
            return super().read1(size)

    for text in (json.dumps(values), json.dumps(values, ensure_ascii=False, indent=1)):
        reader = _json.Text(Slow(text.encode("utf-8", "surrogatepass")))
        reader.take(b"[")
        found = []
        while reader.peek() != b"]":
            found.append(json.loads(reader.value().decode("utf-8", "surrogatepass")))
            if reader.take(b",]") == b"]":
                break
        assert found == values


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no such file"):
        list(har.exchanges(str(tmp_path / "none.har")))
