"""Query parameters that the server honours and the document does not declare: asked by their conventional names.

A server that honours `sort` answers differently when it is sent. So an operation that answers the same twice is asked
once more per candidate, and where the answer changes, both are asked again. One that also answers differently to a name
that nobody honours (it repeats its own URL, say) is left alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

from contract.core.evidence import Complaint, Exchange, Progress, Request, Traffic
from contract.core.target import Target

SOURCE = "parameters"
MAX_REQUESTS = 30
"""Requests of one operation, those that confirm included."""
MAX_TIME_S = 30.0

_NOBODYS = "zq7_undeclared"
_IMPROBABLE = "zq7-no-such-text"
_PROPERTIES = 2
"""How many properties of an item are tried as a sort key; the first ones are what people sort by."""
_OWN = ("host", "content-length", "transfer-encoding", "connection", "cookie", "authorization")


def probe(
    accepted: Mapping[str, Exchange],
    declared: Mapping[str, Collection[str]],
    target: Target,
    *,
    max_requests: int = MAX_REQUESTS,
    max_time_s: float | None = MAX_TIME_S,
    now: Callable[[], float] = time.monotonic,
) -> Iterator[Exchange | Complaint | Progress]:
    """Exchanges, and a complaint for each undeclared parameter that changes the answer.

    `accepted` has for each `GET` operation an exchange that was a success, `declared` the names of its query parameters.
    The last Progress has the phase "end"; its warnings say whether time ran out.
    """
    keys = [key for key in accepted if key.startswith("GET ")]
    deadline = None if max_time_s is None else now() + max_time_s
    for done, key in enumerate(keys):
        if deadline is not None and now() >= deadline:
            reason = f"parameters: stopped at the deadline of {max_time_s:g} s"
            yield Progress(done, len(keys), "", "end", [reason])
            return
        yield from _Operation(key, accepted[key].request, frozenset(declared.get(key, ())), target, max_requests).ask()
        yield Progress(done + 1, len(keys), key, "parameters")
    yield Progress(len(keys), len(keys), "", "end")


@dataclass
class _Operation:
    key: str
    request: Request
    declared: frozenset[str]
    target: Target
    left: int

    def ask(self) -> Iterator[Exchange | Complaint]:
        plain, again = self._send(), self._send()
        yield plain
        yield again
        if not _success(plain) or not _same(plain, again):
            return
        control = self._send(_NOBODYS, "1")
        yield control
        if _success(control) and not _same(plain, control):
            return
        found: set[str] = set()
        for name, value in candidates(plain):
            if name in self.declared or name in found or self._sends(name):
                continue
            if self.left < 3:
                return
            changed = self._send(name, value)
            yield changed
            if not _success(changed) or _same(plain, changed):
                continue
            plain_again, changed_again = self._send(), self._send(name, value)
            yield plain_again
            yield changed_again
            if not _same(plain, plain_again):
                return
            if _same(changed, changed_again):
                found.add(name)
                message = (
                    f"The answer changes when `{name}={value}` is sent, and the document does not declare `{name}`."
                )
                exchanges = (plain, changed)
                yield Complaint("undeclared-parameter", self.key, exchanges, message, name, f"query:{name}", SOURCE)
                # What nobody wrote down is seldom checked either.
                for odd in ("-1", _IMPROBABLE) if value.isdigit() and self.left > 2 else ():
                    yield self._send(name, odd)

    def _sends(self, name: str) -> bool:
        return any(known == name for known, _ in parse_qsl(self.request.query, keep_blank_values=True))

    def _send(self, name: str | None = None, value: str = "") -> Exchange:
        self.left -= 1
        url = self.request.url
        if name is not None:
            url += ("&" if "?" in url else "?") + urlencode({name: value})
        # The headers of a fuzzer's case are its own; credentials are the target's.
        headers = tuple(
            (key, text)
            for key, text in self.request.headers
            if key.lower() not in _OWN and not key.lower().startswith("x-schemathesis")
        )
        request = Request("GET", url, headers)
        return self.target.send(request, source=SOURCE, traffic=Traffic.SYNTHETIC, operation=self.key)


def _success(exchange: Exchange) -> bool:
    return exchange.response is not None and 200 <= exchange.response.status < 300


def _same(one: Exchange, other: Exchange) -> bool:
    """The same status and body; headers carry dates and request ids, and are not looked at."""
    if one.response is None or other.response is None:
        return one.response is other.response
    return one.response.status == other.response.status and one.response.body == other.response.body


def candidates(plain: Exchange) -> list[tuple[str, str]]:
    """Names that servers conventionally honour, each with a value that would show in this answer."""
    items, item = _items(plain)
    texts = [name for name, value in item.items() if isinstance(value, str)]
    keys = (texts + [name for name in item if name not in texts])[:_PROPERTIES]
    related = next((name.removesuffix("_id") for name in item if name.endswith("_id")), None)
    found: list[tuple[str, str]] = []
    if items is not None:
        for name in ("sort", "order_by"):
            found += [(name, f"{sign}{key}") for key in keys for sign in ("-", "")]
        found += [("order", "desc"), ("limit", "1"), ("per_page", "1"), ("offset", "1"), ("page", "2")]
        found += [(name, _IMPROBABLE) for name in ("q", "search", "filter", "status")]
    found.append(("fields", "id" if "id" in item else next(iter(item), "id")))
    if related is not None:
        found += [("include", related), ("expand", related)]
    return found


def _items(exchange: Exchange) -> tuple[list[Any] | None, dict[str, Any]]:
    """The list in an answer and one of its items; no list and the object itself where it is about one thing."""
    assert exchange.response is not None
    try:
        value = exchange.response.json
    except ValueError:
        return None, {}
    listed = value if isinstance(value, list) else None
    if isinstance(value, dict):
        # `{"items": [...], "total": 12}` and its kin.
        listed = next((part for part in value.values() if isinstance(part, list)), None)
    if listed is None:
        return None, value if isinstance(value, dict) else {}
    return listed, next((item for item in listed if isinstance(item, dict)), {})
