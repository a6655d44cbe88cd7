"""`exchange/v1`: its JSON Schema, its reader and its writer say the same."""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema_rs
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.core.evidence import Exchange, Lost, Request, Response, Traffic
from contract.sources.traffic import ndjson

SCHEMA = jsonschema_rs.validator_for(json.loads((Path(__file__).parents[3] / "docs/exchange.schema.json").read_text()))
NOW = datetime(2027, 1, 1, tzinfo=UTC)


def read(line: Any) -> list[Exchange | Lost]:
    lost: list[Lost] = []
    parse = ndjson._parser(None, None, NOW)
    try:
        found = parse(line if isinstance(line, bytes) else json.dumps(line).encode(), "t:1", lost)
    except ValueError as error:
        return [Lost("line is no exchange", "t:1", str(error))]
    assert isinstance(found, Exchange)
    return [found, *lost]


text = st.text(st.characters(exclude_categories=("Cs",)), max_size=8)
name = st.sampled_from(["Content-Type", "X-A", "x-a", "Set-Cookie", "User-Agent"])
scalar = st.none() | st.booleans() | st.integers(-9, 9) | text
odd = scalar | st.lists(scalar, max_size=2) | st.dictionaries(text, scalar, max_size=2)
headers = st.dictionaries(name, odd, max_size=3) | st.lists(st.tuples(name, odd).map(list) | odd, max_size=3) | odd
body = (
    text
    | st.builds(lambda data, more: {"base64": b64encode(data).decode(), "encoded": more}, st.binary(max_size=8), odd)
    | odd
)
MEMBERS: dict[str, st.SearchStrategy[Any]] = {
    "method": st.sampled_from(["GET", "post"]) | odd,
    "url": st.sampled_from(["/", "/a?b#c", "https://h/x"]) | odd,
    "status": st.integers(-1, 1001) | odd,
    "request_headers": headers,
    "request_body": body,
    "request_truncated": odd,
    "response_headers": headers,
    "response_body": body,
    "response_truncated": odd,
    "abandoned": odd,
    "failure": odd,
    "elapsed_us": st.floats(0, 10**9) | odd,
    "sent_at": st.just("2026-11-24T10:00:00Z") | odd,
    "operation": odd,
    "traffic": st.sampled_from(list(Traffic)) | odd,
    "masked": st.just(["request path:2"]) | odd,
    "lost": st.lists(text, max_size=2) | odd,
    "further": odd,
}


@settings(max_examples=300, deadline=None)
@given(
    st.fixed_dictionaries(
        {name: MEMBERS[name] for name in ("method", "url")},
        optional={name: each for name, each in MEMBERS.items() if name not in ("method", "url")},
    )
)
def test_the_schema_accepts_what_the_reader_accepts(line: dict[str, Any]) -> None:
    first = read(line)[0]
    if isinstance(first, Exchange):
        # Texts in a list of masked places may say anything; only some of them name a place.
        shown = {**line, "masked": None} if line.get("masked") != ["request path:2"] else line
        SCHEMA.validate(shown)
    elif "base64" not in first.reason:
        assert not SCHEMA.is_valid(line), first.reason


pairs = st.lists(st.tuples(name, text.map(str.strip)), max_size=4).map(tuple)
media = st.sampled_from(["application/json", "text/plain; charset=latin-1", "text/plain; charset=utf-16", "x/y"])
written = st.builds(
    Exchange,
    st.builds(
        Request,
        st.sampled_from(["GET", "POST", "HEAD"]),
        st.sampled_from(["/", "/a%2F?b=%20&&"]),
        st.builds(lambda kind, more: (("Content-Type", kind), *more), media, pairs),
        st.none() | st.binary(min_size=1, max_size=9) | text.filter(bool).map(str.encode),
        st.booleans(),
    ),
    st.none()
    | st.builds(
        Response,
        st.integers(200, 203) | st.integers(400, 599),
        st.builds(lambda kind, more: (("Content-Type", kind), *more), media, pairs),
        st.binary(max_size=9) | text.map(str.encode),
        st.booleans(),
    ),
    st.just("ndjson"),
    st.just(Traffic.TEST),
    st.none() | st.integers(0, 10**12),
    st.none() | st.just("GET /a"),
    st.just("reset"),
    st.just("t:1"),
    st.none() | st.just("2026-11-24T10:00:00Z"),
    st.booleans(),
    st.just(()) | st.just(("request header:authorization", "response body:/a")),
)


@settings(max_examples=100, deadline=None)
@given(written, st.lists(text, max_size=2))
def test_what_is_written_fits_the_schema_and_reads_as_the_same_exchange(exchange: Exchange, lost: list[str]) -> None:
    if exchange.response is not None:
        exchange = replace(exchange, failure=None, abandoned=False)
        if exchange.request.method == "HEAD":
            exchange = replace(exchange, response=replace(exchange.response, truncated=False))
    line = ndjson.line(exchange, lost, traffic=Traffic.TEST)
    assert line.count(b"\n") == 1 and line.endswith(b"\n")
    SCHEMA.validate(json.loads(line))
    assert read(line) == [exchange, *(Lost(each, "t:1") for each in lost)]


def test_the_line_of_the_documentation_fits_the_schema() -> None:
    line = (ndjson.__doc__ or "").partition("One line:\n")[2].partition("\n\n-")[0]
    SCHEMA.validate(json.loads(line))


def test_the_schema_describes_every_member() -> None:
    schema = json.loads((Path(__file__).parents[3] / "docs/exchange.schema.json").read_text())
    assert set(schema["properties"]) == {*MEMBERS} - {"further"}
