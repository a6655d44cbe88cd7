"""The service: what runs reported, what became of it, and checks of its own, over HTTP. `specs/service.yaml` is its contract.

FastAPI is imported only here, below `contract serve`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.routing import APIRoute

from contract.app.service import (
    access,
    badges,
    checks,
    drift,
    figures,
    findings,
    health,
    metrics,
    pages,
    problems,
    projects,
    reports,
)
from contract.app.service.config import ServiceConfig
from contract.app.service.runner import Runner
from contract.stores.store import Store

ROUTERS = (
    projects.router,
    reports.router,
    drift.router,
    figures.router,
    findings.router,
    checks.router,
    health.router,
    pages.router,
    badges.router,
    metrics.router,
)


def create_app(config: ServiceConfig, store: Store | None = None) -> FastAPI:
    """The application on a database, which it opens if none is given, and closes in any case."""
    kept = store if store is not None else Store.open(config.database)
    runner = Runner(kept, config.checks, config.max_check_s, config.keep_days, at_once=config.checks_at_once)

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        runner.start()
        try:
            yield
        finally:
            runner.stop()
            kept.close()

    # FastAPI's own document would be a second contract, and its slash redirects are in none.
    app = FastAPI(
        title="contract service",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=life,
    )
    app.state.config = config
    app.state.store = kept
    app.state.runner = runner
    app.state.limiter = access.Limiter(config.rate, config.burst)
    app.state.metrics = metrics.Metrics(kept)
    app.state.observers = [app.state.metrics.observe]
    app.state.table = [
        (route.path_regex, route.methods)
        for router in ROUTERS
        for route in router.routes
        if isinstance(route, APIRoute)
    ]
    for router in ROUTERS:
        app.include_router(router)
    problems.install(app, pages.problem)
    app.add_middleware(access.Door, observers=app.state.observers)
    return app
