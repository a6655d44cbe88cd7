"""Exchanges of an Envoy access log in JSON: `envoy:access.log` (also `.gz`, `.xz`, `.zst`), Istio's among them.

The log has to be written by a `json_format`, such as

    json_format:
      start_time: "%START_TIME%"
      method: "%REQ(:METHOD)%"
      path: "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%"
      response_code: "%RESPONSE_CODE%"
      response_flags: "%RESPONSE_FLAGS%"
      duration: "%DURATION%"
      authority: "%REQ(:AUTHORITY)%"
      user_agent: "%REQ(USER-AGENT)%"

Further members are ignored. What is needed is the method (`method`, `:method`), the path with its query
(`x-envoy-original-path`, `path`, `:path`) and `response_code`. `duration`, in milliseconds, is the latency; `start_time`
is when the request came; `authority` tells the API's requests from those of others.

A response code of 0 is no answer; with the flag `DC`, or `DR` of a client's reset, it was the client who went away.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from datetime import datetime

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
        path = first(read, "x-envoy-original-path", "x_envoy_original_path", "path", ":path")
        if path is None:
            raise ValueError("the line has no `path`")
        host, url = split(path) if path[0] != "/" or "#" in path else (None, path)
        named = first(read, "authority", ":authority", "host")
        if hosts is not None and not wanted(
            host or (authority(named, first(read, "scheme") or "http") if named else None), hosts, others
        ):
            return None
        status = figure(read, "response_code", "status")
        if status is None or not 0 <= status <= 999 or status != int(status):
            raise ValueError("the line has no `response_code`")
        took_ms = figure(read, "duration", "duration_ms")
        flags = set((first(read, "response_flags") or "").split(","))
        away = status == 0 and bool(flags & {"DC", "DR", "DownstreamConnectionTermination", "DownstreamRemoteReset"})
        silence = "the client went away before the answer" if away else "no answer" if status == 0 else None
        return exchange(
            "envoy",
            place,
            lost,
            clock,
            method=first(read, "method", ":method", "request_method"),
            url=url,
            status=int(status),
            took_us=None if took_ms is None else took_ms * 1000,
            agent=first(read, "user_agent", "user-agent"),
            at=first(read, "start_time", "timestamp"),
            at_end=False,
            failure=silence,
            abandoned=away,
        )

    return parse
