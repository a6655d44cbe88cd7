"""Bad input: each fault costs what it is in, is told under its own heading with its place, and the rest is read."""

from __future__ import annotations

import base64
import gzip
import json
import lzma
import subprocess
import sys
import zlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import brotli
import pytest

from contract.core.errors import SourceError
from contract.core.evidence import Exchange, Lost
from contract.sources.traffic import _lines, _recorded, ndjson

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
GOOD: dict[str, Any] = {"method": "GET", "url": "/"}


def read(tmp_path: Path, *lines: Any) -> list[Exchange | Lost]:
    path = tmp_path / "t.ndjson"
    path.write_bytes(
        b"".join((line if isinstance(line, bytes) else json.dumps(line).encode()) + b"\n" for line in lines)
    )
    return list(ndjson.exchanges(str(path), now=NOW))


def told(found: list[Exchange | Lost]) -> list[str]:
    """What was found, in order: `/url`, or heading and line."""
    return [
        each.request.url if isinstance(each, Exchange) else f"{each.heading} :{each.place.rpartition(':')[2]}"
        for each in found
    ]


@pytest.mark.parametrize(
    ("line", "heading", "reason"),
    [
        (b"{", "line is not JSON", "unexpected end of data at column 2"),
        (b'{"method": NaN}', "line is not JSON", "unexpected character, expected a JSON value at column 12"),
        (b'{"method": "GET", "url": "/\xff"}', "line is not UTF-8", "invalid start byte at byte 28"),
        (b"[]", "line is no exchange", "a line must be a JSON object"),
        (b"[" * 5000 + b"]" * 5000, "line is not JSON", ""),
        (b'{"method":"GET","url":"/","x":' + b"[" * 500 + b"]" * 500 + b',"url":"/"}', "line is no exchange", "`url` is named twice"),
        (b'{"method": "GET", "url": "/a", "url": "/b"}', "line is no exchange", "`url` is named twice"),
        (b'{"method":"GET","url":"/","request_headers":{"A":"1","A":"2"}}', "line is no exchange", "`A` is named twice"),
        (b'{"method":"GET","url":"/","status":99999999999999999999999999}', "line is no exchange", "`status` must be a number such as 200"),
        ({"url": "/"}, "line is no exchange", "`method` and `url` must be there, and be text"),
        ({**GOOD, "status": "200"}, "line is no exchange", "`status` must be a number such as 200"),
        ({**GOOD, "status": 200, "response_body": {"a": 1}}, "line is no exchange", "`response_body` must be text, null or"),
        ({**GOOD, "request_body": {"base64": "§"}}, "line is no exchange", "the body is not base64"),
        ({**GOOD, "request_headers": 3}, "line is no exchange", "`request_headers` must be an object or a list of pairs"),
        ({**GOOD, "request_headers": [["a"]]}, "line is no exchange", "`request_headers` must be an object or a list of pairs"),
        ({**GOOD, "traffic": "prod"}, "line is no exchange", "`traffic` must be one of `real`, `synthetic`"),
        ({**GOOD, "elapsed_us": "3"}, "line is no exchange", "`elapsed_us` must be a number of microseconds"),
        ({**GOOD, "sent_at": 3}, "line is no exchange", "`sent_at` must be text"),
        ({**GOOD, "masked": [1]}, "line is no exchange", "`masked` must be a list of texts"),
        ({"request": GOOD, "response": 3}, "line is no exchange", "`response` must be an object or null"),
        ({"Foo": {}}, "line is no exchange", "`method` and `url` must be there, and be text"),
    ],
)  # fmt: skip
def test_a_line_that_is_none_is_lost_and_the_others_are_read(
    tmp_path: Path, line: Any, heading: str, reason: str
) -> None:
    one, lost, three = read(tmp_path, GOOD, line, GOOD)
    assert isinstance(one, Exchange) and isinstance(lost, Lost) and isinstance(three, Exchange)
    assert (lost.heading, lost.place) == (heading, f"{tmp_path}/t.ndjson:2")
    assert lost.reason.startswith(reason)
    assert three.origin == f"{tmp_path}/t.ndjson:3"


@pytest.mark.parametrize(
    ("more", "heading"),
    [
        ({"sent_at": "2026-11-24T10:11:00Z"}, "timestamp in the future"),
        ({"sent_at": "2026-11-24T12:11:00+02:00"}, "timestamp in the future"),
        ({"sent_at": "yesterday"}, "timestamp is none"),
        ({"elapsed_us": -1}, "elapsed time is out of range"),
        ({"elapsed_us": 10**30}, "elapsed time is out of range"),
        ({"elapsed_us": 10**13}, "elapsed time is out of range"),
    ],
)
def test_a_figure_that_cannot_be_is_dropped_and_the_exchange_is_judged(
    tmp_path: Path, more: dict[str, Any], heading: str
) -> None:
    found, lost = read(tmp_path, {**GOOD, **more})
    assert isinstance(found, Exchange)
    assert (found.sent_at, found.elapsed_us) == (None, None)
    assert isinstance(lost, Lost) and lost.heading == heading


@pytest.mark.parametrize(
    "at", ["2026-11-24T10:09:00Z", "2026-11-24T12:09:00.123456789+02:00", "2016-12-31T23:59:60Z", "2026-11-24T10:00:00"]
)
def test_a_timestamp_within_the_skew_of_two_clocks_is_kept(tmp_path: Path, at: str) -> None:
    (found,) = read(tmp_path, {**GOOD, "sent_at": at})
    assert isinstance(found, Exchange)
    assert found.sent_at == at


PLAIN = b'{"id": 1}'
CODED = {
    "gzip": gzip.compress(PLAIN, mtime=0),
    "x-gzip": gzip.compress(PLAIN[:4]) + gzip.compress(PLAIN[4:]),
    "deflate": zlib.compress(PLAIN),
    " Deflate": zlib.compress(PLAIN)[2:-4],
    "br": brotli.compress(PLAIN),
    "zstd": _recorded.zstd().compress(PLAIN),  # type: ignore[union-attr]
    "gzip, br": brotli.compress(gzip.compress(PLAIN, mtime=0)),
    "identity": PLAIN,
}


def answer(body: Any, coding: str | None = None, media: str = "application/json", **headers: str) -> dict[str, Any]:
    given = {"Content-Type": media, **headers, **({"Content-Encoding": coding} if coding else {})}
    shown = {"base64": base64.b64encode(body).decode(), "encoded": True} if isinstance(body, bytes) else body
    return {**GOOD, "status": 200, "response_headers": given, "response_body": shown}


@pytest.mark.parametrize("coding", CODED)
def test_a_content_coding_that_still_stands_is_undone(tmp_path: Path, coding: str) -> None:
    (found,) = read(tmp_path, answer(CODED[coding], coding, **{"Content-Length": str(len(CODED[coding]))}))
    assert isinstance(found, Exchange) and found.response is not None
    assert (found.response.body, found.response.truncated) == (PLAIN, False)


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
@pytest.mark.parametrize("fault", ["plain", "cut"])
def test_a_body_that_is_not_what_it_claims_to_be_is_lost_and_its_head_is_judged(
    tmp_path: Path, coding: str, fault: str
) -> None:
    body = b"this is not packed" if fault == "plain" else CODED[coding][:-3]
    found, lost = read(tmp_path, answer(body, coding))
    assert isinstance(found, Exchange) and found.response is not None
    assert (found.response.status, found.response.body, found.response.truncated) == (200, b"", True)
    assert isinstance(lost, Lost)
    assert lost.heading == f"response body is not the {coding} that it claims to be"


@pytest.mark.parametrize("coding", ["compress", "x"])
def test_a_coding_that_nobody_can_undo_is_told(tmp_path: Path, coding: str) -> None:
    found, lost = read(tmp_path, answer(b"abc", coding))
    assert isinstance(found, Exchange) and isinstance(lost, Lost)
    assert lost.heading == f"response body is encoded as {coding}, which nobody here can undo"


def test_where_nobody_says_whether_a_coding_stands_the_bytes_tell(tmp_path: Path) -> None:
    def told_of(body: bytes, media: str = "application/json") -> tuple[Any, list[str]]:
        line = answer(body, "gzip", media)
        del line["response_body"]["encoded"]
        found, *lost = read(tmp_path, line)
        assert isinstance(found, Exchange) and found.response is not None
        return (found.response.body, found.response.truncated), told(lost)

    assert told_of(CODED["gzip"]) == ((PLAIN, False), [])
    assert told_of(PLAIN) == ((PLAIN, False), [])
    assert told_of(b"no") == ((b"", True), ["response body is not the gzip that it claims to be :1"])
    assert told_of(b"\x89PNG", "image/png") == ((b"\x89PNG", False), [])


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
def test_a_bomb_is_unpacked_no_further_than_the_cap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, coding: str
) -> None:
    zeroes = bytes(3 << 20)
    pack = {
        "gzip": gzip.compress,
        "deflate": zlib.compress,
        "br": brotli.compress,
        "zstd": _recorded.zstd().compress,  # type: ignore[union-attr]
    }
    assert _recorded.undone(pack[coding](zeroes), coding, 3 << 20) == (zeroes, None)
    body, fault = _recorded.undone(pack[coding](zeroes + b"\0"), coding, 3 << 20)
    assert (body, fault) == (b"", ("unpacks to more than 3 MB", coding))


@pytest.mark.parametrize(
    ("body", "media", "length", "heading"),
    [
        ('{"id": 1', "application/json", "9", "response body is shorter than its Content-Length"),
        ('{"id": 1}}', "application/json", "9", "response body is longer than its Content-Length"),
        ("ab", "text/plain", "3", "response body is shorter than its Content-Length"),
        ("ab", "text/plain", "9" * 5000, "response body is shorter than its Content-Length"),
        ("ab", "text/plain", "two", "Content-Length is no number"),
        ("ab", "text/plain", "2, 3", "Content-Length is no number"),
    ],
)
def test_a_body_that_is_not_as_long_as_its_content_length_is_not_judged(
    tmp_path: Path, body: str, media: str, length: str, heading: str
) -> None:
    found, lost = read(tmp_path, answer(body, None, media, **{"Content-Length": length}))
    assert isinstance(found, Exchange) and found.response is not None and isinstance(lost, Lost)
    assert (found.response.truncated, lost.heading) == (True, heading)


@pytest.mark.parametrize(
    ("body", "media", "length"),
    [
        ('{"id":1}', "application/json", "9"),  # written anew by the recorder, prettier or plainer
        ('{"id":  1}', "application/problem+json", "9"),
        ("ab", "text/plain", "02"),
        ("ab", "text/plain", "2, 2"),
        ("é", "text/plain; charset=latin-1", "1"),
    ],
)
def test_a_body_that_is_whole_all_the_same_is_judged(tmp_path: Path, body: str, media: str, length: str) -> None:
    (found,) = read(tmp_path, answer(body, None, media, **{"Content-Length": length}))
    assert isinstance(found, Exchange) and found.response is not None
    assert found.response.truncated is False


def test_a_request_body_is_held_to_the_same(tmp_path: Path) -> None:
    found, lost = read(tmp_path, {**GOOD, "request_headers": {"Content-Length": "9"}, "request_body": "{"})
    assert isinstance(found, Exchange) and isinstance(lost, Lost)
    assert (found.request.truncated, lost.heading) == (True, "request body is shorter than its Content-Length")


def test_a_body_that_was_left_out_is_unknown_and_not_empty(tmp_path: Path) -> None:
    (found,) = read(
        tmp_path,
        {
            **GOOD,
            "request_headers": {"Content-Length": "9"},
            "status": 200,
            "response_headers": {"content-length": "7"},
        },
    )
    assert isinstance(found, Exchange) and found.response is not None
    assert (found.request.truncated, found.response.truncated) == (True, True)


def test_what_the_recorder_lost_is_told_again(tmp_path: Path) -> None:
    assert told(read(tmp_path, {**GOOD, "lost": ["request body is one", "two"]})) == [
        "/",
        "request body is one :1",
        "two :1",
    ]


def test_a_long_line_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_lines, "LINE_CAP", 1 << 20)
    monkeypatch.setattr(_lines, "_BLOCK", 1 << 16)
    just = json.dumps(GOOD).encode().ljust((1 << 20) - 1)
    assert told(read(tmp_path, GOOD, just, b"x" * (3 << 20), GOOD)) == ["/", "/", "line is longer than 1 MB :3", "/"]
    assert told(read(tmp_path, just + b"  ", GOOD)) == ["line is longer than 1 MB :1", "/"]


@pytest.mark.slow
def test_a_line_of_a_gigabyte_needs_no_more_memory_than_the_cap(tmp_path: Path) -> None:
    path = tmp_path / "t.ndjson.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(b'{"method":"GET","url":"/","x":"')
        for _ in range(1 << 10):
            file.write(b"x" * (1 << 20))
        file.write(b'"}\n{"method":"GET","url":"/after"}\n')
    code = (
        "import re, sys\n"
        "from pathlib import Path\n"
        "from contract.sources.traffic import ndjson\n"
        "print([str(getattr(each, 'heading', 'read')) for each in ndjson.exchanges(sys.argv[1])])\n"
        # Not `getrusage`: what the parent held before it started this counts there.
        "print(re.search('VmHWM:\\\\s+([0-9]+)', Path('/proc/self/status').read_text())[1])\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    said, kilobytes = done.stdout.splitlines()
    assert said == "['line is longer than 64 MB', 'read']"
    assert int(kilobytes) < 300 * 1024


@pytest.mark.parametrize("suffix", [".gz", ".xz", ".zst"])
def test_packed_lines_are_read_and_of_a_damaged_file_what_comes_before(tmp_path: Path, suffix: str) -> None:
    pack: dict[str, Any] = {".gz": gzip.compress, ".xz": lzma.compress, ".zst": _recorded.zstd().compress}  # type: ignore[union-attr]
    path = tmp_path / f"t.ndjson{suffix}"
    lines = b"".join(b'{"method":"GET","url":"/%d"}\n' % number for number in range(20_000))
    path.write_bytes(pack[suffix](lines))
    assert sum(isinstance(each, Exchange) for each in ndjson.exchanges(str(path))) == 20_000
    path.write_bytes(path.read_bytes()[:-2000])
    *before, last = ndjson.exchanges(str(path))
    assert 0 <= len(before) < 20_000 and all(isinstance(each, Exchange) for each in before)
    assert isinstance(last, Lost)
    assert (last.heading, last.place) == ("packed file is damaged or cut off", f"{path}:{len(before) + 1}")
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(SourceError, match="cannot be unpacked"):
        list(ndjson.exchanges(str(path)))
