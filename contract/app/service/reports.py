"""Reports of runs: pushed, listed, and given back as they came."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import orjson
from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from contract.app.service import bodies, views
from contract.app.service.access import Caller, cursor, enter, limit, now, text
from contract.app.service.problems import Problem, invalid
from contract.core.report import SCHEMA_VERSION

router = APIRouter()

_HERE = Path(__file__).parent


@cache
def _validator() -> jsonschema_rs.Validator:
    """What a pushed report must keep: the published schema, and what the service needs beyond it."""
    published = orjson.loads((_HERE.parents[1] / "reports" / "report.schema.json").read_bytes())
    own = orjson.loads((_HERE / "pushed.schema.json").read_bytes())
    # Both are files; here each has a name of its own, and the reference between them is put right.
    own["allOf"][0] = {"$ref": published["$id"]}
    registry = jsonschema_rs.Registry([(published["$id"], published)])
    return jsonschema_rs.validator_for(own, validate_formats=True, registry=registry)


@router.post("/api/v1/projects/{project}/reports")
async def push(request: Request) -> Response:
    caller = await run_in_threadpool(enter, request, "write")
    raw = await bodies.read(request, caller.config.max_body_bytes)
    return await run_in_threadpool(_push, caller, raw)


def _push(caller: Caller, raw: bytes) -> Response:
    row, created = caller.store.add_report(caller.of(), _checked(raw), raw, now(), caller.who)
    told = views.report(caller.of().name, row)
    return views.json(told, 201 if created else 200, {"Location": told["href"]})


def _checked(raw: bytes) -> dict[str, Any]:
    """The report; 422 for one that breaks the schema, or that a newer release wrote."""
    try:
        # It decides in a tenth of the time; what it refuses is read again, to say what is wrong with it.
        report: Any = orjson.loads(raw)
    except orjson.JSONDecodeError:
        report = bodies.parse(raw)
    version = report.get("schema_version") if isinstance(report, dict) else None
    if isinstance(version, int) and not isinstance(version, bool) and version > SCHEMA_VERSION:
        said = f"it is of schema version {version}, and this service reads version {SCHEMA_VERSION}"
        raise invalid(
            [{"pointer": "/schema_version", "detail": said}],
            f"the report was made by a newer release: {said}. Upgrade the service, or push with a release like its own.",
        )
    if not isinstance(report, dict) or version is None:
        raise invalid(
            [{"pointer": "", "detail": "no `schema_version`"}],
            "this is no report of contract; write one with `contract check --format json=report.json`",
        )
    if errors := list(bodies.broken(_validator(), report)):
        raise invalid(errors, _hint(report))
    try:
        datetime.fromisoformat(report["run"]["started_at"])
    except ValueError as error:
        raise invalid([{"pointer": "/run/started_at", "detail": str(error)}]) from None
    # What is kept in columns; the findings are kept as they are, since this would take longer than all the rest.
    return {**report, "kpis": views.integers(report["kpis"]), "outcome": views.integers(report["outcome"])}


def _hint(report: dict[str, Any]) -> str:
    tool = report.get("tool")
    version = tool.get("version") if isinstance(tool, dict) else None
    made = f"; it was made by contract {version[:40]}" if isinstance(version, str) else ""
    return f"the report breaks its schema, see `errors`{made}. Push the file that `--format json=report.json` wrote."


@router.get("/api/v1/projects/{project}/reports")
def listed(request: Request) -> Response:
    caller = enter(request, "read", ("environment", "limit", "cursor"))
    page = caller.store.reports(caller.of(), text(request, "environment"), cursor(request), limit(request))
    told = {"reports": [views.report(caller.of().name, row) for row in page], "next": page.next}
    return views.json(told, headers=views.next_link(request, page))


@router.get("/api/v1/projects/{project}/reports/{run_id}")
def one(request: Request) -> Response:
    caller = enter(request, "read")
    body = caller.store.body(caller.of(), request.path_params["run_id"])
    if body is None:
        raise Problem(404, "no report of that run")
    return Response(body, media_type="application/json")
