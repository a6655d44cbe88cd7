"""requests, at the adapter that sends; where another library puts its own in place of it, nothing is recorded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from contract.core.evidence import Request, Response
from contract.sources.clients._tap import BODY_CAP, Tap, Undo, exchange, replaced
from contract.sources.traffic._recorded import split

NAMES = ("requests.adapters",)


def patch(module: Any, tap: Tap) -> list[Undo]:
    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        def send(self: Any, request: Any, stream: bool = False, *others: Any, **named: Any) -> Any:
            try:
                response = original(self, request, stream, *others, **named)
                # The session reads it next in any case, and what goes wrong then goes wrong here, with the same words.
                body = None if stream else response.content
            except Exception:
                tap.raised += urlsplit(request.url or "").scheme in ("http", "https")
                raise
            with tap.quietly():
                host, url = split(request.url)
                sent = request.body.encode() if isinstance(request.body, str) else request.body
                known = sent is None or isinstance(sent, bytes)
                asked = Request(
                    request.method, url, _pairs(request.headers), sent if known else None, truncated=not known
                )
                cut = body is None or len(body) > BODY_CAP
                headers = tuple(response.raw.headers.items())  # repeated ones apart
                tap.put(exchange(asked, Response(response.status_code, headers, (body or b"")[:BODY_CAP], cut)), host)
            return response

        return send

    return replaced(module.HTTPAdapter, "send", make)


def _pairs(headers: Any) -> tuple[tuple[str, str], ...]:
    """Names and values as text; some libraries give bytes."""
    return tuple(
        tuple(part.decode("latin-1") if isinstance(part, bytes) else str(part) for part in pair)  # type: ignore[misc]
        for pair in headers.items()
    )
