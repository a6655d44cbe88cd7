"""The demo as an application: `contract.demo.app:app`, with the drift that `CONTRACT_DEMO_DRIFT` names."""

from __future__ import annotations

import os
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path

from fastapi import FastAPI
from fastapi.routing import APIRoute

from contract.demo import door, drifts, routes
from contract.demo.events import Feed
from contract.demo.store import Clock, Conflict, Missing, Store


def _utc_now() -> datetime:
    return datetime.now(UTC)


def create_app(drift: Collection[str] = (), *, database: str | Path = ":memory:", clock: Clock = _utc_now) -> FastAPI:
    """A demo with rows of its own; `database` is a SQLite file, seeded when it is new.

    Raises ConfigError for a drift that there is none of.
    """
    chosen = drifts(drift)
    # FastAPI's own pages would be routes that the document does not declare.
    app = door.DemoAPI(title="Task API", openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.state.drift = chosen
    app.state.store = Store(clock, database, keep_deleted="use-after-delete" in chosen)
    app.state.feed = Feed()
    app.state.unguarded = frozenset({"listProjects"} if "auth-not-enforced" in chosen else ())
    if "missing-header" in chosen:
        app.without_request_id = "/api/v1/app/documents"
    routers = [routes.public, routes.members, routes.admins]
    if "unimplemented-operation" not in chosen:
        routers.insert(2, routes.contents)
    if "undeclared-operation" in chosen:
        routers.append(routes.sessions)
    for router in routers:
        app.include_router(router)
    door.install(app, [route for router in routers for route in router.routes if isinstance(route, APIRoute)])
    app.add_exception_handler(Missing, routes.missing)
    app.add_exception_handler(Conflict, routes.conflict)
    return app


app = create_app(os.environ.get("CONTRACT_DEMO_DRIFT", "").split(","))
