"""The one way to a running API, as probes and proof see it; `contract/targets/` holds the real ones."""

from __future__ import annotations

from typing import Any, Protocol

from contract.core.evidence import Exchange, Request, Traffic


class TimeUp(Exception):
    """The time of whoever asks is over: nothing was sent, or no answer came until then. It says nothing of the server."""


class Target(Protocol):
    """A running API. Everything that is sent goes through `send`, or through a library that is given `app` or `origin`."""

    kind: str  # "http", "asgi" or "wsgi"
    name: str  # as the user typed it: "http://127.0.0.1:8000", "asgi:contract.demo.app:app"
    origin: str  # scheme, host and port, no path: "http://127.0.0.1:8000"; "http://asgi.local" in process
    base_path: str | None
    """The path part of the URL that the user gave; None if they gave none, and the document's `servers` decide."""
    app: Any | None  # the application, in process

    def send(
        self,
        request: Request,
        *,
        source: str,
        traffic: Traffic,
        operation: str | None = None,
        bare: bool = False,
        timeout_s: float | None = None,
    ) -> Exchange:
        """The exchange; `response` is None and `failure` says why where no answer came. Never raises for the network; raises
        TimeUp where the time is over (see `ends`).

        `request.url` is the whole path and query. Credentials of the target are added where the request has none of
        that name, unless `bare` is set. `timeout_s` is a deadline for the whole exchange, where it is shorter than the
        target's own. Redirects are not followed.
        """
        ...

    def patience(self, until: float | None) -> None:
        """Until when (`time.monotonic`) a server that answers 429 may be waited for, as it asks; None for no end."""
        ...

    def ends(self, at: float | None) -> None:
        """When (`time.monotonic`) the time is over: from then on nothing is sent, and what is on its way is given up.

        None for no end.
        """
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """What a report should say of how the asking went: that the server was waited for (429)."""
        ...

    def close(self) -> None: ...
