"""Exchanges from a file with one JSON object a line: `ndjson:traffic.ndjson` (also `.xz`, `.gz`).

What a middleware, a proxy or a script of one's own writes. One line:

    {"method": "POST", "url": "/tasks?draft=1", "status": 201,
     "request_headers": {"Content-Type": "application/json"}, "request_body": "{\\"title\\":\\"a\\"}",
     "response_headers": [["Content-Type", "application/json"]], "response_body": {"base64": "eyJpZCI6MX0="},
     "elapsed_us": 1234, "sent_at": "2026-11-24T10:00:00Z", "operation": "POST /tasks", "traffic": "test"}

- `method` and `url` must be there; `url` is a path with its query, or absolute.
- `status` null or left out: no answer came; `failure` may say why.
- Headers are an object (a value may be a list) or a list of pairs.
- A body is text, null, or `{"base64": …}`; content encodings are undone. `"response_truncated": true` if it was cut.
- `traffic` is `real`, `synthetic`, `test`, `fuzz` or `replay`; left out, the request's headers tell.

The same in two halves is read too, as recorders of test fixtures write it:

    {"request": {"method": …, "url": …, "headers": …, "body": …}, "response": {"status": …, "headers": …, "body": …}}

where `"encoding": "base64"` beside a body says that it is base64. Further members are ignored; blank lines as well.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import orjson

from contract.core.errors import SourceError
from contract.core.evidence import Exchange, Headers, Request, Response, Traffic
from contract.sources.traffic._recorded import encoded, opened, split, traffic, unbase64, wanted


def exchanges(
    where: str, *, hosts: Collection[str] | None = None, others: Counter[str] | None = None
) -> Iterator[Exchange]:
    """The exchanges in the file's order; with `hosts`, only those that went to one of them.

    `others` counts the requests that went elsewhere, by host.

    A line that is none is a SourceError that names `file:line`.
    """
    with opened(where) as stream:
        for number, line in enumerate(stream, 1):
            if not line.strip():
                continue
            try:
                found = _exchange(
                    _flat(orjson.loads(line.removeprefix(b"\xef\xbb\xbf").strip())), f"{where}:{number}", hosts, others
                )
            except orjson.JSONDecodeError as error:
                raise SourceError(f"{where}:{number}: not JSON: {error.msg} at column {error.colno}") from error
            except ValueError as error:
                raise SourceError(f"{where}:{number}: {error}") from error
            if found is not None:
                yield found


def _flat(line: Any) -> Mapping[str, Any]:
    """The line in our own shape, whichever of the two it has."""
    if not isinstance(line, dict):
        raise ValueError("a line must be a JSON object")
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
        "response_headers": answered.get("headers"),
        "response_body": _half_body(answered),
        "response_truncated": answered.get("truncated"),
    }


def _half_body(half: Mapping[str, Any]) -> Any:
    body = half.get("body")
    return {"base64": body} if half.get("encoding") == "base64" and isinstance(body, str) else body


def _exchange(
    line: Mapping[str, Any], origin: str, hosts: Collection[str] | None, others: Counter[str] | None
) -> Exchange | None:
    method, url, status = line.get("method"), line.get("url"), line.get("status")
    if not isinstance(method, str) or not method or not isinstance(url, str) or not url:
        raise ValueError("`method` and `url` must be there, and be text")
    if status is not None and (not isinstance(status, int) or isinstance(status, bool) or not 0 <= status <= 999):
        raise ValueError("`status` must be a number such as 200, or null where no answer came")
    host, target = split(url)
    if not wanted(host, hosts, others):
        return None
    headers = _headers(line.get("request_headers"), "request_headers")
    request = Request(method.upper(), target, headers, _body(line.get("request_body"), headers, "request_body"))
    response = None
    if status:
        answer_headers = _headers(line.get("response_headers"), "response_headers")
        body = _body(line.get("response_body"), answer_headers, "response_body")
        response = Response(status, answer_headers, body or b"", line.get("response_truncated") is True)
    elapsed = line.get("elapsed_us")
    if elapsed is not None and (not isinstance(elapsed, int | float) or elapsed < 0):
        raise ValueError("`elapsed_us` must be a number of microseconds")
    return Exchange(
        request,
        response,
        "ndjson",
        _class(line.get("traffic"), headers),
        elapsed_us=None if elapsed is None else round(elapsed),
        operation=_text(line, "operation"),
        failure=None if response else _text(line, "failure") or "no answer",
        origin=origin,
        sent_at=_text(line, "sent_at"),
    )


def _text(line: Mapping[str, Any], name: str) -> str | None:
    value = line.get(name)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"`{name}` must be text")
    return value


def _class(named: Any, headers: Headers) -> Traffic:
    if named is None:
        return traffic(headers)
    try:
        return Traffic(named)
    except ValueError:
        names = ", ".join(f"`{each}`" for each in Traffic)
        raise ValueError(f"`traffic` must be one of {names}, not {named!r}") from None


def _headers(given: Any, name: str) -> Headers:
    pairs = given.items() if isinstance(given, dict) else given or ()
    out: list[tuple[str, str]] = []
    try:
        for key, value in pairs:
            values = value if isinstance(value, list) else [value]
            out.extend((str(key), str(each)) for each in values if each is not None)
    except (TypeError, ValueError) as error:
        raise ValueError(f"`{name}` must be an object or a list of pairs") from error
    return tuple(pair for pair in out if not pair[0].startswith(":"))


def _body(given: Any, headers: Headers, name: str) -> bytes | None:
    if given is None:
        return None
    if isinstance(given, str):
        return encoded(given, headers)
    if isinstance(given, dict) and isinstance(given.get("base64"), str):
        return unbase64(given["base64"])
    raise ValueError(f'`{name}` must be text, null or {{"base64": …}}; write JSON as text, as it was sent')
