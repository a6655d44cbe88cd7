"""The drift report: how a contract stands now, as JSON, Markdown or a page, all from the same data."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from contract.app.service import pages, views
from contract.app.service.access import Caller, cursor, enter, limit, now, one_of, text
from contract.app.service.problems import Problem
from contract.core.finding import Level
from contract.core.lifecycle import State
from contract.core.report import OperationRow, Report, Seen
from contract.stores.store import Found, Page, Project, ReportRow

router = APIRouter()

_PATH = "/api/v1/projects/{project}/drift"
_FILTERS = ("operation", "rule", "level", "state", "release")
_PARAMETERS = ("environment", *_FILTERS, "limit", "cursor")
_TYPES = {"application/json": "json", "text/markdown": "md", "text/html": "html"}


@dataclass(frozen=True)
class Drift:
    """What every form of the report is made of."""

    project: Project
    environment: str
    report: ReportRow
    """The newest one of the environment."""
    findings: Page[Found]
    totals: Mapping[tuple[str, str], int]
    """Of all findings of the environment, by state and level, whatever the filters say."""
    asked: Mapping[str, str]
    """The filters, and the cursor."""
    at: datetime

    @property
    def whole(self) -> bool:
        """True if all findings are here."""
        return not self.asked and self.findings.next is None


def gather(caller: Caller, request: Request) -> Drift:
    """The data that the parameters of a request choose; 404 where there is no report."""
    project, environment, at = caller.of(), text(request, "environment"), now()
    row = caller.store.latest(project, environment)
    if row is None:
        raise Problem(404, "no report yet: push one with `contract push`, or start a check")
    environment = row.environment
    chosen = {
        "operation": text(request, "operation", 2000),
        "rule": text(request, "rule"),
        "level": one_of(request, "level", [each.value for each in Level]),
        "state": one_of(request, "state", [each.value for each in State]),
        "release": text(request, "release"),
    }
    after = cursor(request)
    page = caller.store.findings(project, now=at, environment=environment, after=after, limit=limit(request), **chosen)
    totals = caller.store.totals(project, now=at, environment=environment)
    asked = {name: value for name, value in {**chosen, "cursor": after}.items() if value is not None}
    return Drift(project, environment, row, page, totals, asked, at)


def as_json(drift: Drift) -> dict[str, Any]:
    name = drift.project.name
    return {
        "project": name,
        "environment": drift.environment,
        "report": views.report(name, drift.report),
        "totals": [
            {"state": state, "level": level, "count": count} for (state, level), count in sorted(drift.totals.items())
        ],
        "findings": [views.finding(name, row, drift.at) for row in drift.findings],
        "next": drift.findings.next,
    }


def as_report(drift: Drift, body: bytes) -> Report:
    """The newest report, its findings those of the store with their states: what `contract/reports/` renders."""
    from contract.reports import json as report_json

    data: dict[str, Any] = views.parsed(body)
    data["findings"] = [_row(row, drift.at) for row in drift.findings]
    report = report_json.of(views.integers(data))
    notes = (*_notes(drift), *report.run.notes)
    # On a part of the findings the map would show as held what drifts.
    operations = tuple(_linked(row, drift.findings) for row in report.operations) if drift.whole else ()
    return replace(
        report,
        run=replace(report.run, notes=notes),
        operations=operations,
        outcome=replace(report.outcome, sentence=_sentence(drift, report.outcome.sentence)),
    )


def _sentence(drift: Drift, newest: str) -> str:
    """The newest report's verdict, and how many findings stand in which state; what it called new may be known by now."""
    states: dict[str, int] = {}
    for (state, level), count in drift.totals.items():
        if level != Level.NOTE.value:
            states[state] = states.get(state, 0) + count
    open_ = {state.value: states.get(state.value, 0) for state in State if state is not State.RESOLVED}
    said = ", ".join(f"{count} {state}" for state, count in open_.items() if count)
    resolved = f"; {states[State.RESOLVED]} resolved" if states.get(State.RESOLVED) else ""
    verdict = newest.partition(":")[0]
    number = sum(open_.values())
    if not number:
        return f"{verdict}: no finding is open{resolved}"
    return f"{verdict}: {number} finding{'s are' if number > 1 else ' is'} open ({said}){resolved}"


def _row(found: Found, at: datetime) -> dict[str, Any]:
    """The finding as the report told it, with what became of it."""
    decided = views.decision(found, at)
    return {
        **found.row,
        "state": decided["kind"] if decided is not None else found.state(at).value,
        "reason": decided["reason"] if decided is not None else None,
        "until": decided["until"] if decided is not None else None,
        "first_seen": views.time(found.life.first_seen),
        "last_seen": views.time(found.life.last_seen),
    }


def _notes(drift: Drift) -> list[str]:
    environment = f"environment `{drift.environment}`" if drift.environment else "the unnamed environment"
    said = [
        f"Project `{drift.project.name}`, {environment}: states are those of all its reports, figures those of the "
        f"newest, received {views.time(drift.report.received_at)}."
    ]
    if not drift.whole:
        asked = ", ".join(f"{name}={value}" for name, value in drift.asked.items() if name != "cursor")
        said.append(
            f"{len(drift.findings)} of {sum(drift.totals.values())} findings are shown"
            + (f", those of `{asked}`" if asked else "")
            + ("; there are more on the next page." if drift.findings.next else ".")
        )
    return said


def _linked(row: OperationRow, findings: Page[Found]) -> OperationRow:
    """The operation with its findings by their own names: a report knows those of one cause by the first of them."""
    own: dict[str, tuple[str, ...]] = {}
    for found in findings:
        if found.operation == row.key:
            own[found.cause] = (*own.get(found.cause, ()), found.fingerprint)
            own.setdefault(found.fingerprint, (found.fingerprint,))

    def named(causes: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for cause in causes for name in own.get(cause, ())))

    def cell(seen: Seen) -> Seen:
        return replace(seen, findings=named(seen.findings))

    return replace(
        row,
        findings=tuple(found.fingerprint for found in findings if found.operation == row.key),
        responses=tuple(map(cell, row.responses)),
        parameters=tuple(map(cell, row.parameters)),
    )


# --- answers ----------------------------------------------------------------------------------------------------------


@router.get(_PATH)
def by_accept(request: Request) -> Response:
    try:
        caller = enter(request, "read", _PARAMETERS)
    except Problem as problem:
        return _asked_in(request, problem)
    return _answer(caller, request, _TYPES[accepted(request.headers.get("accept"), tuple(_TYPES))])


def _asked_in(request: Request, problem: Problem) -> Response:
    """A browser without a token gets the form for one, in place of the page that it wanted."""
    header = request.headers.get("accept")
    if problem.status != 401 or header is None or "text/html" not in header.lower():
        raise problem
    if accepted(header, ("application/json", "text/html")) != "text/html":
        raise problem
    query = request.scope["query_string"].decode("latin-1")
    return pages.form(request.url.path + (f"?{query}" if query else ""), 401)


@router.get(_PATH + ".json")
def as_json_file(request: Request) -> Response:
    return _answer(enter(request, "read", _PARAMETERS), request, "json")


@router.get(_PATH + ".md")
def as_markdown_file(request: Request) -> Response:
    return _answer(enter(request, "read", _PARAMETERS), request, "md")


@router.get(_PATH + ".html")
def as_html_file(request: Request) -> Response:
    try:
        caller = enter(request, "read", _PARAMETERS)
    except Problem as problem:
        return _asked_in(request, problem)
    return _answer(caller, request, "html")


def _answer(caller: Caller, request: Request, form: str) -> Response:
    drift = gather(caller, request)
    headers = {"Vary": "Accept, Authorization, Cookie", "Cache-Control": "private, no-cache"}
    headers |= views.next_link(request, drift.findings)
    if form == "json":
        body, media = views.dumped(as_json(drift)), "application/json"
    else:
        stored = caller.store.frame(drift.project, drift.report.run_id)
        assert stored is not None  # reports are never taken away
        report = as_report(drift, stored)
        if form == "md":
            from contract.reports import markdown

            body, media = markdown.render(report).encode("utf-8", "backslashreplace"), "text/markdown; charset=utf-8"
        else:
            body, extra = pages.drift_page(drift, report)
            media, headers = "text/html; charset=utf-8", headers | extra
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers["ETag"] = tag
    if matches(request.headers.get("if-none-match"), tag):
        return Response(status_code=304, headers=headers)
    return Response(body, 200, headers, media)


def matches(given: str | None, tag: str) -> bool:
    """If-None-Match (RFC 9110, 13.1.2), by weak comparison."""
    if given is None:
        return False
    return given.strip() == "*" or tag in (one.strip().removeprefix("W/") for one in given.split(","))


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
