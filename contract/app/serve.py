"""`contract serve` and `contract token`: the service on a port, and who may use it."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contract.core.errors import ConfigError, MissingExtra

if TYPE_CHECKING:
    from contract.app.service.config import ServiceConfig
    from contract.stores.store import Store

SCOPES = ("read", "write", "admin")


def config(flags: Mapping[str, Any], environ: Mapping[str, str], cwd: Path) -> ServiceConfig:
    """What the file, the environment and the flags say of the service."""
    _need()
    from contract.app.service.config import load

    return load(flags, environ, cwd)


def _need() -> None:
    from importlib.util import find_spec

    for package in ("fastapi", "uvicorn", "sqlalchemy", "alembic", "prometheus_client"):
        if find_spec(package) is None:
            raise MissingExtra("the service", "service", package)


def serve(settings: ServiceConfig, say: Callable[[str], None]) -> None:
    """Serves until Ctrl-C or SIGTERM; what `say` is told goes to standard output."""
    import logging

    import uvicorn

    from contract.app.service import create_app
    from contract.stores.store import Store

    listener = _listen(settings.host, settings.port)
    with closing(listener):
        store = Store.open(settings.database)
        first = _first_token(store)
        app = create_app(settings, store)
        host, port = listener.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        if first is not None:
            say(f"admin token, shown this once: {first}")
        say(f"contract serves on http://{shown}:{port} · database {store.shown}")
        logging.basicConfig(stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO)
        logging.getLogger("alembic").setLevel(logging.WARNING)
        # That a connection cannot be closed because it is cut is no news: whoever used it has said so.
        logging.getLogger("sqlalchemy.pool").setLevel(logging.CRITICAL)
        options = uvicorn.Config(
            app, log_level="warning", access_log=False, server_header=False, timeout_graceful_shutdown=10
        )
        uvicorn.Server(options).run(sockets=[listener])


def _first_token(store: Store) -> str | None:
    """The secret of an admin token, if there is no token at all: else nobody could ever come in."""
    if store.any_token():
        return None
    return store.create_token(None, "admin", "first start", None, datetime.now(UTC))[1]


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host, port), family=family)
        # asyncio does this only for sockets that it opens itself; without it an answer waits 40 ms for a late ACK.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listener
    except OSError as error:
        said = error.strerror or str(error)
        raise ConfigError(f"{host}:{port}: {said}", "choose another with --port; 0 takes a free one") from error


def create_token(settings: ServiceConfig, flags: Mapping[str, Any]) -> tuple[str, str]:
    """The secret of a new token, and a sentence about it; the project is created if there is none of that name."""
    from contract.app.service.access import NAME
    from contract.stores.store import Store

    name, scope = flags.get("project"), flags.get("scope")
    if scope not in SCOPES:
        raise ConfigError(
            f"--scope: there is no scope `{scope}`" if scope else "no scope is said",
            "`--scope read` to look, `--scope write` to push and decide, `--scope admin` to make tokens",
        )
    if name is None and scope != "admin":
        raise ConfigError("no project is said", "say `--project NAME`; only an admin token may be without one")
    if name is not None and NAME.fullmatch(name) is None:
        raise ConfigError(
            f"--project: `{name}` is no name of a project",
            "lower-case letters, digits, `.`, `_` and `-`, at most 63, beginning with a letter or digit",
        )
    days = str(flags.get("expires", ""))
    if days and not (days.isascii() and days.isdecimal() and 1 <= int(days) <= 3650):
        raise ConfigError(f"--expires: `{days}` is no number of days", "from 1 to 3650, such as `--expires 90`")
    label = str(flags.get("label", ""))
    if len(label) > 100 or not label.isprintable():
        raise ConfigError("--label is longer than 100 characters, or not printable")
    at = datetime.now(UTC)
    expires = at + timedelta(days=int(days)) if days else None
    with closing(Store.open(settings.database)) as store:
        project = store.project(name, create=True, now=at) if name is not None else None
        token, secret = store.create_token(project, scope, label, expires, at)
    until = f", until {expires.date().isoformat()}" if expires is not None else ""
    whose = f"project {name}" if name is not None else "all projects"
    return secret, f"token {token.public_id}: {scope} for {whose}{until}; its secret is shown this once"
