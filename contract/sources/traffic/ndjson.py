"""Exchanges from a file with one JSON object a line: `ndjson:traffic.ndjson` (also `.gz`, `.xz`, `.zst`).

What `contract record`, a middleware, a proxy or a script of one's own writes: the format `exchange/v1`, whose JSON Schema
is docs/exchange.schema.json. One line:

    {"method": "POST", "url": "/tasks?draft=1", "status": 201,
     "request_headers": {"Content-Type": "application/json"}, "request_body": "{\\"title\\":\\"a\\"}",
     "response_headers": [["Content-Type", "application/json"]], "response_body": {"base64": "eyJpZCI6MX0="},
     "elapsed_us": 1234, "sent_at": "2026-11-24T10:00:00Z", "operation": "POST /tasks", "traffic": "test"}

- `method` and `url` must be there; `url` is a path with its query, or absolute.
- `status` null or left out: no answer came; `failure` may say why, and `"abandoned": true` that the client went away.
- Headers are an object (a value may be a list) or a list of pairs.
- A body is text, null, or `{"base64": …}`; content encodings are undone, unless it is `{"base64": …, "encoded": true}`.
  `"response_truncated": true` and `"request_truncated": true` if it was cut or left out.
- `traffic` is `real`, `synthetic`, `test`, `fuzz` or `replay`; left out, the request's headers tell.
- `masked` lists the places whose value was replaced: `request header:authorization`, `response body:/user/email`.
- `lost` lists what the recorder could not record, in its own words.

The same in two halves is read too, as recorders of test fixtures write it:

    {"request": {"method": …, "url": …, "headers": …, "body": …}, "response": {"status": …, "headers": …, "body": …}}

where `"encoding": "base64"` beside a body says that it is base64; and so is Schemathesis' NDJSON report, which is known
by its shape. Further members are ignored; blank lines as well. A member that is named twice has two values, and nobody
knows which one was meant: such a line is lost.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from contract.core.evidence import Exchange, Headers, Lost, Request, Response, Traffic
from contract.sources.traffic import _lines
from contract.sources.traffic._json import once
from contract.sources.traffic._lines import Span, Stop
from contract.sources.traffic._recorded import (
    Clock,
    charset,
    elapsed_us,
    encoded,
    filtered,
    instant,
    lowered,
    split,
    traffic,
    unbase64,
    wanted,
    whole,
)

FORMAT = "exchange/v1"
spans = _lines.spans


def exchanges(
    where: str,
    *,
    hosts: Collection[str] | None = None,
    others: Counter[str] | None = None,
    span: Span | None = None,
    now: datetime | None = None,
) -> Iterator[Exchange | Lost]:
    """The exchanges in the file's order, and what of it cannot be read, each with its `file:line`.

    With `hosts`, only those that went to one of them; `others` counts the rest, by host. With `span`, only lines that
    begin at a byte in [start, end), as `spans` gives them. `now` is the clock's if it is not given.
    """
    return _lines.read(where, _parser(hosts, others, now), span)


def follow(
    where: str,
    *,
    stop: Stop,
    wait_s: float = 0.5,
    hosts: Collection[str] | None = None,
    others: Counter[str] | None = None,
) -> Iterator[Exchange | Lost]:
    """The same, going on as the file grows, through rotation and truncation, until `stop` is set or says True."""
    return _lines.follow(where, _parser(hosts, others, None), stop, wait_s)


def _parser(hosts: Collection[str] | None, others: Counter[str] | None, now: datetime | None) -> _lines.Parse:
    clock = Clock(now)

    def parse(line: bytes, place: str, lost: list[Lost]) -> Exchange | Iterator[Exchange] | None:
        line = line.rstrip(b"\r\n")
        if line[:3] == b"\xef\xbb\xbf":
            line = line[3:]
        read = orjson.loads(line)
        if type(read) is not dict:
            raise ValueError("a line must be a JSON object")
        once(line, read)
        if "method" not in read:
            if "request" in read:
                read = _flat(read)
            elif len(read) == 1 and (event := next(iter(read))) in _EVENTS:
                return _schemathesis(read[event], place, lost, hosts, others) if event in _SCENARIOS else None
        elif type(read.get("request")) is dict:
            read = _flat(read)
        return _exchange(read, place, lost, hosts, others, clock)

    return parse


def _flat(line: dict[str, Any]) -> dict[str, Any]:
    """The line in our own shape, whichever of the two it has."""
    asked = line.get("request")
    if not isinstance(asked, dict):
        return line
    answered = line.get("response") or {}
    if not isinstance(answered, dict):
        raise ValueError("`response` must be an object or null")
    return {
        **line,
        "method": asked.get("method"),
        "url": asked.get("url"),
        "status": answered.get("status"),
        "request_headers": asked.get("headers"),
        "request_body": _half_body(asked),
        "request_truncated": asked.get("truncated"),
        "response_headers": answered.get("headers"),
        "response_body": _half_body(answered),
        "response_truncated": answered.get("truncated"),
    }


def _half_body(half: Mapping[str, Any]) -> Any:
    body = half.get("body")
    return {"base64": body} if half.get("encoding") == "base64" and isinstance(body, str) else body


def _exchange(
    line: dict[str, Any],
    place: str,
    lost: list[Lost],
    hosts: Collection[str] | None,
    others: Counter[str] | None,
    clock: Clock,
) -> Exchange | None:
    get = line.get
    method, url, status = get("method"), get("url"), get("status")
    if type(method) is not str or not method or type(url) is not str or not url:
        raise ValueError("`method` and `url` must be there, and be text")
    if status is not None and (type(status) is not int or not 0 <= status <= 999):
        raise ValueError("`status` must be a number such as 200, or null where no answer came")
    if url[0] != "/" or "#" in url:
        host, url = split(url)
        if hosts is not None and not wanted(host, hosts, others):
            return None
    before = len(lost)
    masked = get("masked")
    if masked is not None:
        _check_texts("masked", masked)
    try:
        headers, known = _headers(get("request_headers"), "request_headers")
        sent, cut = _body(get("request_body"), known, "request", _flag(get, "request_truncated"), place, lost, masked)
        request = Request(method.upper(), url, headers, sent, cut)
        response = None
        if status:
            headers, answered = _headers(get("response_headers"), "response_headers")
            cut = _flag(get, "response_truncated")
            if method.upper() == "HEAD" or status in (204, 304) or status < 200:
                cut = True  # whatever its Content-Length says, nothing follows (RFC 9110, 6.4.1)
                body, _ = _body(get("response_body"), answered, "response", cut, place, lost, masked)
                response = Response(status, headers, body or b"")
            else:
                body, cut = _body(get("response_body"), answered, "response", cut, place, lost, masked)
                response = Response(status, headers, body or b"", cut)
        took = get("elapsed_us")
        if took is not None and (type(took) is not int or not 0 <= took < 10**13):
            if type(took) not in (int, float):
                raise ValueError("`elapsed_us` must be a number of microseconds")
            took = elapsed_us(took, place, lost)
        at = get("sent_at")
        if at is not None:
            if type(at) is not str:
                raise ValueError("`sent_at` must be text")
            at = instant(at, clock, place, lost)
        named, operation, failure = get("traffic"), get("operation"), get("failure")
        untold = get("lost")
        if operation is not None or failure is not None or untold is not None:
            for name in ("operation", "failure"):
                if get(name) is not None and type(get(name)) is not str:
                    raise ValueError(f"`{name}` must be text")
            _check_texts("lost", untold or [])
        who = traffic(known) if named is None else _class(named)
        away = _flag(get, "abandoned")
        if response is None and not line.keys().isdisjoint(_OF_ANSWERS):
            _flag(get, "response_truncated")
            _, answered = _headers(get("response_headers"), "response_headers")  # of no answer, but well written
            _body(get("response_body"), answered, "response", True, place, lost, None)
    except ValueError:
        del lost[before:]
        raise
    lost.extend(Lost(heading, place) for heading in untold or ())
    return Exchange(
        request,
        response,
        "ndjson",
        who,
        took,
        operation,
        None if response else failure or "no answer",
        place,
        at,
        away and response is None,
        tuple(masked) if masked else (),
    )


_OF_ANSWERS = frozenset({"response_headers", "response_body", "response_truncated"})


def _flag(get: Callable[[str], Any], name: str) -> bool:
    value = get(name)
    if value is None:
        return False
    if type(value) is not bool:
        raise ValueError(f"`{name}` must be true or false")
    return value


def _check_texts(name: str, given: Any) -> None:
    if type(given) is not list or any(type(each) is not str for each in given):
        raise ValueError(f"`{name}` must be a list of texts")


def _class(named: Any) -> Traffic:
    try:
        return Traffic(named)
    except ValueError:
        names = ", ".join(f"`{each}`" for each in Traffic)
        raise ValueError(f"`traffic` must be one of {names}") from None


_NONE: tuple[Headers, dict[str, str]] = ((), {})


def _headers(given: Any, name: str) -> tuple[Headers, dict[str, str]]:
    """The pairs, and their values by lowered name."""
    if not given:
        if given is None or type(given) in (dict, list):
            return _NONE
        raise ValueError(f"`{name}` must be an object or a list of pairs")
    try:
        pairs = tuple(given.items()) if type(given) is dict else tuple(map(tuple, given))
        known = {key.lower(): value for key, value in pairs}
        "".join(known.values())  # all of them are text
        # Of a name that is repeated, only the last value was looked at.
        if len(known) == len(pairs) and ":method" not in known and ":status" not in known and ":path" not in known:
            return pairs, known
    except (AttributeError, TypeError, ValueError):
        pass  # lists of values, numbers; or no headers at all: the slow way tells
    headers = _slow_headers(given, name)
    return headers, lowered(headers)


def _slow_headers(given: Any, name: str) -> Headers:
    if not isinstance(given, dict | list):
        raise ValueError(f"`{name}` must be an object or a list of pairs")
    out: list[tuple[str, str]] = []
    try:
        for key, value in given.items() if isinstance(given, dict) else given:
            for each in value if isinstance(value, list) else [value]:
                if each is None:
                    continue
                if not isinstance(key, str) or not isinstance(each, str | int | float):
                    raise ValueError
                out.append((key, each if isinstance(each, str) else json.dumps(each)))
    except (TypeError, ValueError) as error:
        raise ValueError(f"`{name}` must be an object or a list of pairs") from error
    return tuple(pair for pair in out if not pair[0].startswith(":"))


def _body(
    given: Any, known: dict[str, str], side: str, cut: bool, place: str, lost: list[Lost], masked: list[str] | None
) -> tuple[bytes | None, bool]:
    """The bytes, and whether they are not the whole body."""
    packed: bool | None = False
    if given is None:
        # A Content-Length says that there was a body, which the recorder left out.
        return None, cut or known.get("content-length", "0") != "0"
    if type(given) is str:
        body = encoded(given, known.get("content-type"))
    elif type(given) is dict and type(given.get("base64")) is str:
        body = unbase64(given["base64"])
        packed = _flag(given.get, "encoded") or None
    else:
        raise ValueError(f'`{side}_body` must be text, null or {{"base64": …}}; write JSON as text, as it was sent')
    if cut:
        return body, True
    if masked and any(spot.startswith(f"{side} body:") for spot in masked):
        return body, False  # a mask is seldom as long as what it stands for
    return whole(body, known, place, lost, packed=packed, side=f"{side} body")


# --- writing ----------------------------------------------------------------------------------------------------------


def line(exchange: Exchange, lost: Collection[str] = (), *, traffic: Traffic | None = None) -> bytes:
    """The exchange as one line of `exchange/v1`, line feed included, which reads as the same exchange again.

    `lost` says what of it could not be recorded; `traffic` is left to the request's headers if it is not given.
    """
    request, response = exchange.request, exchange.response
    members: dict[str, Any] = {
        "method": request.method,
        "url": request.url,
        "status": response.status if response else None,
        "request_headers": request.headers,
        "request_body": _written(request.body, request.content_type),
        "request_truncated": request.truncated or None,
    }
    if response is not None:
        members |= {
            "response_headers": response.headers,
            "response_body": _written(response.body or None, response.content_type),
            "response_truncated": response.truncated or None,
        }
    members |= {
        "failure": exchange.failure,
        "abandoned": exchange.abandoned or None,
        "elapsed_us": exchange.elapsed_us,
        "sent_at": exchange.sent_at,
        "operation": exchange.operation,
        "traffic": traffic,
        "masked": exchange.masked or None,
        "lost": tuple(lost) or None,
    }
    return orjson.dumps(
        {name: value for name, value in members.items() if value is not None}, option=orjson.OPT_APPEND_NEWLINE
    )


def _written(body: bytes | None, content_type: str | None) -> str | dict[str, str] | None:
    if body is None:
        return None
    try:
        text = body.decode(charset(content_type) or "utf-8")
        if encoded(text, content_type) == body:
            return text
    except UnicodeError:
        pass  # no text, or none in that charset
    return {"base64": b64encode(body).decode()}


# --- Schemathesis' report ---------------------------------------------------------------------------------------------

_SCENARIOS = frozenset({"ScenarioFinished", "FuzzScenarioFinished"})
# fmt: off
_EVENTS = _SCENARIOS | {
    "CacheRunMetrics", "EngineFinished", "EngineStarted", "FatalError", "FuzzScenarioStarted", "Initialize",
    "Interrupted", "LoadingFinished", "LoadingStarted", "NonFatalError", "PhaseFinished", "PhaseStarted",
    "RateLimitRetry", "ScenarioStarted", "SchemaAnalysisWarnings", "SuiteFinished", "SuiteStarted",
}
# fmt: on


def _schemathesis(
    event: Any, place: str, lost: list[Lost], hosts: Collection[str] | None, others: Counter[str] | None
) -> Iterator[Exchange]:
    """The exchanges of one finished scenario, each called after its case."""
    recorder = event.get("recorder") if isinstance(event, dict) else None
    if not isinstance(recorder, dict):
        raise ValueError("the event has no `recorder`")
    label = recorder.get("label")
    operation = label if isinstance(label, str) and label.partition(" ")[0].isupper() else None
    found: list[Exchange] = []
    for case, interaction in (recorder.get("interactions") or {}).items():
        try:
            exchange = _interaction(interaction, operation, f"{place} case {case}", lost, hosts, others)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            what = f"`{error.args[0]}` is missing" if isinstance(error, KeyError) else str(error)
            lost.append(Lost("interaction is none", f"{place} case {case}", what))
            continue
        if exchange is not None:
            found.append(exchange)
    return iter(found)


def _interaction(
    interaction: Mapping[str, Any],
    operation: str | None,
    place: str,
    lost: list[Lost],
    hosts: Collection[str] | None,
    others: Counter[str] | None,
) -> Exchange | None:
    asked, answered = interaction["request"], interaction.get("response")
    host, url = split(asked["uri"])
    if not wanted(host, hosts, others):
        return None
    headers = _slow_headers(asked.get("headers") or {}, "headers")
    # Its Content-Length and User-Agent are left out of the report.
    request = Request(asked["method"].upper(), url, headers, _content(asked.get("body")))
    masked = list(filtered("request", headers, url))
    response = None
    if answered is not None:
        headers = _slow_headers(answered.get("headers") or {}, "headers")
        body = _content(answered.get("content")) or b""
        cut = "content_size" in answered
        known = lowered(headers)
        if not cut and request.method != "HEAD":
            body, cut = whole(body, known, place, lost, packed=False, side="response body")
        response = Response(answered["status_code"], headers, body, cut)
        masked += filtered("response", headers)
    at = interaction.get("timestamp")
    took = answered.get("elapsed") if answered else None
    return Exchange(
        request,
        response,
        "ndjson",
        Traffic.FUZZ,
        None if took is None else elapsed_us(took * 1_000_000, place, lost),
        operation,
        None if response else "no answer",
        place,
        None if at is None else datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds"),
        masked=tuple(masked),
    )


def _content(given: Any) -> bytes | None:
    if given is None:
        return None
    return unbase64(given["$base64"]) if isinstance(given, dict) else str(given).encode()
