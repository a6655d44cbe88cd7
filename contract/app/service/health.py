"""Whether the process answers, and whether its database does."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from contract.app.service import views
from contract.app.service.access import only

router = APIRouter()


@router.get("/healthz")
def health(request: Request) -> Response:
    only(request, ())
    return views.json({"status": "ok"})


@router.get("/readyz")
def ready(request: Request) -> Response:
    only(request, ())
    request.app.state.store.ping()
    return views.json({"status": "ok"})
