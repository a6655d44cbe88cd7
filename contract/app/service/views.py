"""What the store holds, as the JSON of `specs/service.yaml`."""

from __future__ import annotations

import json as standard
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

import orjson
from fastapi import Request
from starlette.responses import Response

from contract.app.service.problems import Problem
from contract.stores.store import Check, Event, Found, Page, Project, ReportRow, Token

ROOT = "/api/v1"


def json(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(dumped(value), status, dict(headers or {}), "application/json")


def dumped(value: Any) -> bytes:
    """JSON, of what a report may hold too: integers of any size, and halves of surrogate pairs, which stay escaped."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return standard.dumps(value, separators=(",", ":")).encode()


def parsed(body: bytes) -> Any:
    """The value of JSON that was taken; integers are as large as they were."""
    return standard.loads(body)


def integers(value: Any) -> Any:
    """JSON Schema counts `3.0` as an integer, and neither readers of reports nor databases do."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {name: integers(one) for name, one in value.items()}
    return [integers(one) for one in value] if isinstance(value, list) else value


def time(at: datetime) -> str:
    """RFC 3339, UTC."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def maybe(at: datetime | None) -> str | None:
    return None if at is None else time(at)


def next_link(request: Request, page: Page[Any]) -> dict[str, str]:
    """The `Link` to the next page (RFC 8288), if there is one."""
    if page.next is None:
        return {}
    asked = [(name, value) for name, value in request.query_params.multi_items() if name != "cursor"]
    return {"Link": f'<{quote(request.url.path)}?{urlencode([*asked, ("cursor", page.next)])}>; rel="next"'}


# --- forms of an answer -----------------------------------------------------------------------------------------------


def wanted(request: Request) -> bool:
    """Whether the caller is a browser: it says that it takes pages, and likes them better than JSON."""
    header = request.headers.get("accept")
    if header is None or "text/html" not in header.lower():
        return False
    try:
        return accepted(header, ("application/problem+json", "application/json", "text/html")) == "text/html"
    except Problem:  # it takes none of them: `text/html;q=0`
        return False


def accepted(header: str | None, offered: tuple[str, ...]) -> str:
    """The media type that `Accept` likes best (RFC 9110, 12.5.1), of equals the one offered first; 406 for none."""
    if header is None or not header.strip():
        return offered[0]
    ranges = [_range(part) for part in header.split(",") if part.strip()]
    best, chosen = 0.0, None
    for media in offered:
        kind = media.partition("/")[0]
        quality = dict(reversed(ranges))
        mine = next((quality[name] for name in (media, f"{kind}/*", "*/*") if name in quality), 0.0)
        if mine > best:
            best, chosen = mine, media
    if chosen is None:
        raise Problem(406, f"this can be given as {', '.join(offered)}")
    return chosen


def _range(part: str) -> tuple[str, float]:
    media, *parameters = (piece.strip().lower() for piece in part.split(";"))
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return media, min(1.0, max(0.0, float(value)))
            except ValueError:
                return media, 0.0
    return media, 1.0


# --- rows -------------------------------------------------------------------------------------------------------------


def place(project: str, *parts: str) -> str:
    return "/".join([ROOT, "projects", quote(project, safe=""), *(quote(part, safe="") for part in parts)])


def project(row: Project) -> dict[str, Any]:
    return {"name": row.name, "created_at": time(row.created_at)}


def overview(row: Project, newest: ReportRow | None, totals: Mapping[tuple[str, str], int]) -> dict[str, Any]:
    """A project with its newest report, and its findings in the environment of that."""
    return {
        **project(row),
        "report": report(row.name, newest) if newest is not None else None,
        "totals": counts(totals),
    }


def counts(totals: Mapping[tuple[str, str], int]) -> list[dict[str, Any]]:
    return [{"state": state, "level": level, "count": count} for (state, level), count in sorted(totals.items())]


def figures(name: str, rows: Mapping[str, ReportRow]) -> dict[str, Any]:
    """Each figure with the report that it comes from."""

    def of(row: ReportRow, figure: Mapping[str, Any]) -> dict[str, Any]:
        return {**figure, "report": place(name, "reports", row.run_id), "started_at": time(row.started_at)}

    return {figure: of(row, report(name, row)[figure]) for figure, row in rows.items()}


def report(name: str, row: ReportRow) -> dict[str, Any]:
    return {
        "run_id": row.run_id,
        "environment": row.environment,
        "release": row.release,
        "commit": row.commit,
        "source": row.source,
        "started_at": time(row.started_at),
        "received_at": time(row.received_at),
        "complete": row.complete,
        "outcome": {"exit_code": row.exit_code, "sentence": row.sentence},
        "completeness": _figure(row.completeness_verdict, row.completeness_part, row.completeness_whole),
        "drift": {
            "verdict": row.drift_verdict,
            "count": row.drift_count,
            "exercised": {"part": row.exercised_part, "whole": row.exercised_whole},
        },
        "generation": _figure(row.generation_verdict, row.generation_part, row.generation_whole),
        "href": place(name, "reports", row.run_id),
    }


def _figure(verdict: str, part: int | None, whole: int | None) -> dict[str, Any]:
    return {"verdict": verdict, "part": part, "whole": whole}


HISTORY = 20
"""Events of a finding that are told with it."""


def finding(name: str, row: Found, now: datetime, history: Page[Event]) -> dict[str, Any]:
    return {
        "fingerprint": row.fingerprint,
        "cause": row.cause,
        "environment": row.environment,
        "rule": row.rule,
        "level": row.level,
        "operation": row.operation,
        "state": row.state(now).value,
        "first_seen": time(row.life.first_seen),
        "last_seen": time(row.life.last_seen),
        "last_evidence": time(row.life.last_evidence),
        "resolved_at": maybe(row.life.resolved),
        "regressions": row.life.regressions,
        "decision": decision(row, now),
        "history": [event(each) for each in history],
        "evidence": row.row,
        "report": place(name, "reports", row.run_id),
        "href": f"{place(name, 'findings', row.fingerprint)}?{urlencode({'environment': row.environment})}",
    }


def told(found: Found, at: datetime) -> dict[str, Any]:
    """The finding as the report told it, with what became of it."""
    decided = decision(found, at)
    return {
        **found.row,
        "state": decided["kind"] if decided is not None else found.state(at).value,
        "reason": decided["reason"] if decided is not None else None,
        "until": decided["until"] if decided is not None else None,
        "first_seen": time(found.life.first_seen),
        "last_seen": time(found.life.last_seen),
    }


def decision(row: Found, now: datetime) -> dict[str, Any] | None:
    """What holds now; an exemption whose last day is over is told no more, its event is."""
    kind = row.decided(now)
    if not kind or row.decided_at is None:
        return None
    return {
        "kind": kind,
        "reason": row.reason or "",
        "until": last_day(row.until).isoformat() if row.until is not None else None,
        "by": row.decided_by or "",
        "at": time(row.decided_at),
    }


def end_of(day: date) -> datetime:
    """The moment from which on an exemption whose last day this is holds no more."""
    if day == date.max:
        return datetime.max.replace(tzinfo=UTC)
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)


def last_day(until: datetime) -> date:
    return (until - timedelta(microseconds=1)).date()


def event(row: Event) -> dict[str, Any]:
    return {"at": time(row.at), "who": row.who, "what": row.what, "detail": row.detail}


def check(row: Check) -> dict[str, Any]:
    return {
        "number": row.number,
        "state": row.state,
        "created_at": time(row.created_at),
        "started_at": maybe(row.started_at),
        "finished_at": maybe(row.finished_at),
        "heartbeat_at": maybe(row.heartbeat),
        "who": row.who,
        "progress": row.progress or None,
        "message": row.message,
        "report": place(row.project, "reports", row.run_id) if row.run_id is not None else None,
        "href": place(row.project, "checks", str(row.number)),
    }


def token(row: Token) -> dict[str, Any]:
    return {
        "id": row.public_id,
        "project": row.project,
        "scope": row.scope,
        "label": row.label,
        "created_at": time(row.created_at),
        "expires_at": maybe(row.expires_at),
        "last_used_at": maybe(row.last_used_at),
    }
