"""What access logs have in common: one JSON object a request, and neither headers nor bodies in it.

So only what a log holds is judged: which operation was asked, by which method and query, its status and its latency.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from contract.core.evidence import Exchange, Lost, Request, Response
from contract.sources.traffic._json import once
from contract.sources.traffic._recorded import Clock, elapsed_us, instant, traffic

_NOTHING = ("", "-", None)


def members(line: bytes) -> dict[str, Any]:
    """The line's members, names in lower case; raises ValueError where it is no object."""
    read = orjson.loads(line)
    if not isinstance(read, dict):
        raise ValueError("a line must be a JSON object")
    once(line.rstrip(b"\r\n"), read)
    return {name.lower(): value for name, value in read.items() if value not in _NOTHING}


def first(line: Mapping[str, Any], *names: str) -> str | None:
    """The first of these members that is there, as text."""
    for name in names:
        if name in line:
            value = line[name]
            return value if isinstance(value, str) else str(value)
    return None


def figure(line: Mapping[str, Any], *names: str) -> float | None:
    """The first of these members that is there, as a number; raises ValueError where it is none."""
    text = first(line, *names)
    if text is None:
        return None
    # A request that was passed on several times has several times: `0.010, 0.200`.
    try:
        return float(text.rpartition(",")[2])
    except ValueError:
        raise ValueError(f"`{names[0]}` must be a number") from None


def exchange(
    source: str,
    place: str,
    lost: list[Lost],
    clock: Clock,
    *,
    method: str | None,
    url: str,
    status: int,
    took_us: float | None,
    agent: str | None,
    at: str | None,
    at_end: bool,
    failure: str | None = None,
    abandoned: bool = False,
) -> Exchange:
    """The exchange of one line; `at_end` says that the time is the answer's, and not the request's."""
    if method is None or not (
        (method.isascii() and method.isalpha()) or re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", method)
    ):
        raise ValueError("the line names no method" if method is None else "the method is none")
    headers = (("User-Agent", agent),) if agent is not None else ()
    took = elapsed_us(took_us, place, lost)
    sent_at = instant(at, clock, place, lost)
    if sent_at is not None and at_end and took:
        with suppress(ValueError):  # a leap second: then the answer's time has to do
            began = datetime.fromisoformat(sent_at) - timedelta(microseconds=took)
            sent_at = began.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return Exchange(
        Request(method.upper(), url, headers, truncated=True, headers_known=False),
        Response(status, truncated=True, headers_known=False) if failure is None else None,
        source,
        traffic({"user-agent": agent or ""}),
        took,
        failure=failure,
        origin=place,
        sent_at=sent_at,
        abandoned=abandoned,
    )
