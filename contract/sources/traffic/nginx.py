"""Exchanges of an nginx access log in JSON: `nginx:access.log` (also `.gz`, `.xz`, `.zst`).

The log has to be written by a `log_format` with `escape=json`, such as

    log_format contract escape=json '{"time_iso8601":"$time_iso8601","host":"$host","request_method":"$request_method",'
        '"request_uri":"$request_uri","status":"$status","request_time":"$request_time",'
        '"http_user_agent":"$http_user_agent"}';

Members are called after the variables; further ones are ignored. What is needed is the method (`request_method`,
`method`), the path with its query (`request_uri`, `uri` with `args`) or in place of both the request line (`request`),
and `status`. `request_time`, in seconds, is the latency; `time_iso8601` (or `time_local`) is when the answer ended; `host` tells the API's
requests from those of others.

A 499 and a 000 are no answers: the client went away before there was one. A 444 is none either: nginx was told to close
the connection.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import suppress
from datetime import datetime
from typing import Any
from urllib.parse import quote

from contract.core.evidence import Exchange, Lost
from contract.sources.traffic import _lines
from contract.sources.traffic._access import exchange, figure, first, members
from contract.sources.traffic._lines import Span, Stop
from contract.sources.traffic._recorded import Clock, authority, split, wanted

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

    def parse(line: bytes, place: str, lost: list[Lost]) -> Exchange | None:
        read = members(line)
        method, url = _request_line(read)
        host, url = split(url) if url[0] != "/" or "#" in url else (None, url)
        named = first(read, "host", "http_host", "server_name")
        if hosts is not None and not wanted(
            host or (authority(named, first(read, "scheme") or "http") if named else None), hosts, others
        ):
            return None
        status = figure(read, "status")
        if status is None or not 0 <= status <= 999 or status != int(status):
            raise ValueError("the line has no `status`")
        seconds = figure(read, "request_time")
        silent = _SILENT.get(int(status))
        return exchange(
            "nginx",
            place,
            lost,
            clock,
            method=method,
            url=url,
            status=int(status),
            took_us=None if seconds is None else seconds * 1_000_000,
            agent=first(read, "http_user_agent", "user_agent"),
            at=_time(read),
            at_end=True,
            failure=silent,
            abandoned=silent == _AWAY,
        )

    return parse


def _time(read: dict[str, Any]) -> str | None:
    at, local = first(read, "time_iso8601", "@timestamp", "timestamp"), first(read, "time_local")
    if at is None and local is not None:
        with suppress(ValueError):
            return datetime.strptime(local, "%d/%b/%Y:%H:%M:%S %z").isoformat()
    return at or local


_AWAY = "the client went away before the answer"
_SILENT = {0: _AWAY, 499: _AWAY, 444: "connection closed without an answer"}


def _request_line(read: dict[str, Any]) -> tuple[str | None, str]:
    method, url = first(read, "request_method", "method"), first(read, "request_uri")
    line = first(read, "request")
    if (method is None or url is None) and line is not None:
        # `GET /tasks HTTP/1.1`; of what is no request nginx logs the first line as it came.
        parts = re.fullmatch(r"(\S+) (\S+)(?: HTTP/[0-9.]+)?", line)
        if parts is None:
            raise ValueError("`request` is no request line")
        method, url = method or parts[1], url or parts[2]
    if url is None and (path := first(read, "uri")) is not None:
        query = first(read, "args", "query_string")
        # $uri is decoded.
        url = path if "?" in path else quote(path, safe="/:@!$&'()*+,;=~-._%") + (f"?{query}" if query else "")
    if url is None:
        raise ValueError("the line has no `request_uri`")
    return method, url
