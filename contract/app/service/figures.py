"""The figures of the newest report, each with the evidence that it stands on."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from contract.app.service import views
from contract.app.service.access import enter, text
from contract.app.service.problems import Problem

router = APIRouter()


@router.get("/api/v1/projects/{project}/completeness")
def completeness(request: Request) -> Response:
    told, report = _newest(request, "completeness")
    undocumented = [row["key"] for row in report["operations"] if row["implemented"] and not row["declared"]]
    return views.json({**told, "undocumented": undocumented})


@router.get("/api/v1/projects/{project}/generation")
def generation(request: Request) -> Response:
    told, report = _newest(request, "generation")
    return views.json({**told, "targets": report["kpis"]["generation"]["targets"]})


def _newest(request: Request, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The figure of the newest report that has one, else of the newest; and that report."""
    caller = enter(request, "read", ("environment",))
    project, environment = caller.of(), text(request, "environment")
    row = caller.store.latest(project, environment, name) or caller.store.latest(project, environment)
    body = caller.store.body(project, row.run_id) if row is not None else None
    if row is None or body is None:
        raise Problem(404, "no report yet: push one with `contract push`, or start a check")
    report: dict[str, Any] = views.parsed(body)
    figure = report["kpis"][name]
    told = {
        "project": project.name,
        "environment": row.environment,
        "report": views.report(project.name, row)["href"],
        "started_at": views.time(row.started_at),
        "part": figure["part"],
        "whole": figure["whole"],
        "verdict": figure["verdict"],
    }
    return told, report
