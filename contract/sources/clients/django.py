"""The test clients of Django, at the handlers behind them; REST framework's clients stand before the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from contract.core.evidence import Headers, Request, Response
from contract.sources.clients import _wsgi
from contract.sources.clients._tap import Tap, Undo, exchange, replaced

NAMES = ("django.test.client",)


def patch(module: Any, tap: Tap) -> list[Undo]:
    def kept(holder: Any, name: str) -> tuple[bytes | None, bool]:
        """The body that is sent, which is put back; False where that cannot be done."""
        payload = holder.get(name)
        if not isinstance(payload, module.FakePayload):
            return None, payload is None
        if payload.read_started:
            return None, False
        body = payload.read()
        holder[name] = module.FakePayload(body)
        return body or None, True

    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        def __call__(self: Any, environ: Any) -> Any:
            body: bytes | None = None
            known = False
            with tap.quietly():
                body, known = kept(environ, "wsgi.input")
            try:
                response = original(self, environ)
            except Exception:
                tap.raised += 1
                raise
            with tap.quietly():
                asked = Request(
                    environ["REQUEST_METHOD"], _wsgi.url(environ), _wsgi.headers(environ), body, truncated=not known
                )
                tap.put(exchange(asked, _answer(response)))
            return response

        return __call__

    def make_async(original: Callable[..., Any]) -> Callable[..., Any]:
        async def __call__(self: Any, scope: Any) -> Any:
            body: bytes | None = None
            known = False
            with tap.quietly():
                body, known = kept(scope, "_body_file")
            try:
                response = await original(self, scope)
            except Exception:
                tap.raised += 1
                raise
            with tap.quietly():
                query = scope.get("query_string", b"")
                query = query.decode("latin-1") if isinstance(query, bytes) else query
                url = quote(scope["path"], "/:@!$&'()*+,;=~") + (f"?{query}" if query else "")
                headers = tuple((key.decode("latin-1"), value.decode("latin-1")) for key, value in scope["headers"])
                tap.put(exchange(Request(scope["method"], url, headers, body, truncated=not known), _answer(response)))
            return response

        return __call__

    return [
        *replaced(module.ClientHandler, "__call__", make),
        *replaced(module.AsyncClientHandler, "__call__", make_async),
    ]


def _answer(response: Any) -> Response:
    cookies = [("Set-Cookie", each.output(header="").strip()) for each in response.cookies.values()]
    headers: Headers = (*response.items(), *cookies)
    if response.streaming:  # reading it would end it
        return Response(response.status_code, headers, b"", truncated=True)
    return Response(response.status_code, headers, bytes(response.content))
