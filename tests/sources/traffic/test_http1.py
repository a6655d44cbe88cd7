"""HTTP/1.1 read as it passes: the same messages however the bytes arrive, and all bytes come out again."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.sources.traffic._http1 import Data, End, Head, Opaque, Reader

REQUESTS = (
    b"GET /a?b=%20 HTTP/1.1\r\nHost: x\r\n\r\n"
    b"\r\nPOST /b HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello"
    b"PUT /c HTTP/1.0\nx-folded: one\n two\nTransfer-Encoding: gzip, chunked\n\n5;a=b\r\nworld\r\n00\r\nT: 1\r\n\r\n"
    b"DELETE /d HTTP/1.1\r\nContent-Length: 0\r\n\r\n"
)
ANSWERS = (
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 \r\nContent-Length: 9\r\n\r\n"
    b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nA\r\n0123456789\r\n0\r\n\r\n"
    b"HTTP/1.1 204 No Content\r\nContent-Length: 7\r\n\r\n"
    b"HTTP/1.1 200 OK\r\n\r\nuntil the end"
)


def read(reader: Reader, pieces: list[bytes]) -> tuple[bytes, list[tuple[str, str, bytes, bool]]]:
    """All wire bytes, and of each message: first word, target, body, and whether it ended."""
    wire, messages = b"", []
    events = [event for piece in pieces for event in reader.feed(piece)]
    for event in [*events, *reader.end()]:
        if isinstance(event, Head):
            messages.append((event.first, event.target, b"", False))
        elif isinstance(event, Data):
            first, target, body, _ = messages[-1]
            messages[-1] = (first, target, body + event.content, False)
        elif isinstance(event, End):
            messages[-1] = (*messages[-1][:3], True)
        else:
            messages.append(("opaque", "", event.wire, True))
        wire += getattr(event, "wire", b"")
    return wire, messages


def cut(data: bytes, edges: list[int]) -> list[bytes]:
    places = [0, *sorted({min(edge, len(data)) for edge in edges}), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(places)]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.integers(0, len(REQUESTS)), max_size=12))
def test_requests_are_the_same_however_they_arrive(edges: list[int]) -> None:
    assert read(Reader(requests=True), cut(REQUESTS, edges)) == (
        REQUESTS,
        [
            ("GET", "/a?b=%20", b"", True),
            ("POST", "/b", b"hello", True),
            ("PUT", "/c", b"world", True),
            ("DELETE", "/d", b"", True),
        ],
    )


@settings(max_examples=150, deadline=None)
@given(st.lists(st.integers(0, len(ANSWERS)), max_size=12))
def test_answers_are_the_same_however_they_arrive(edges: list[int]) -> None:
    reader = Reader(requests=False)
    reader.methods = ["HEAD", "GET", "GET", "GET"]
    assert read(reader, cut(ANSWERS, edges)) == (
        ANSWERS,
        [
            ("100", "", b"", True),
            ("200", "", b"", True),
            ("200", "", b"0123456789", True),
            ("204", "", b"", True),
            ("200", "", b"until the end", True),
        ],
    )


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET / HTTP/1.1\r\n folded: first\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\nabc",
        b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
    ],
)
def test_what_cannot_be_read_passes_as_it_is(data: bytes) -> None:
    reader = Reader(requests=True)
    wire, messages = read(reader, [data[:5], data[5:], b"more"])
    assert wire == data + b"more"
    assert {message[0] for message in messages} == {"opaque"}
    assert reader.opaque


def test_a_chunk_without_a_size_ends_the_reading() -> None:
    reader = Reader(requests=True)
    wire, messages = read(reader, [b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc"])
    assert wire.endswith(b"zz\r\nabc")
    assert messages == [("POST", "/", b"", False), ("opaque", "", b"zz\r\nabc", True)]


def test_after_an_upgrade_everything_is_opaque() -> None:
    reader = Reader(requests=False)
    head, *rest = reader.feed(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x81\x00")
    assert isinstance(head, Head)
    assert rest == [Opaque(b"\x81\x00")]


@given(st.binary(max_size=60), st.booleans())
def test_no_byte_is_kept_back_for_ever(data: bytes, requests: bool) -> None:
    reader = Reader(requests=requests)
    wire = b"".join(getattr(event, "wire", b"") for event in reader.feed(data))
    assert wire + reader.give_up() == data
