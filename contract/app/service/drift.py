"""The drift report: how a contract stands now, as JSON, Markdown or a page, all from the same data."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
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
from contract.stores import people
from contract.stores.store import Event, Found, Page, Project, ReportRow, Store

router = APIRouter()

_PATH = "/api/v1/projects/{project}/drift"
_FILTERS = ("operation", "rule", "level", "state", "release")
_PARAMETERS = ("environment", *_FILTERS, "limit", "cursor")
MAPPED = 1000
"""Findings of an environment; of more, the map is that of the operations that are told of."""
_TYPES = {"application/json": "json", "text/markdown": "md", "text/html": "html"}


@dataclass(frozen=True)
class Drift:
    """What every form of the report is made of."""

    project: Project
    environment: str
    report: ReportRow
    """The newest one of the environment."""
    figures: Mapping[str, ReportRow]
    """By figure the report that it comes from: the newest one, or where that did not look, the newest that did."""
    findings: Page[Found]
    histories: Mapping[int, Page[Event]]
    marks: tuple[people.Mark, ...]
    """For the map: all findings of the environment, or where they are too many, those of the operations on this page."""
    totals: Mapping[tuple[str, str], int]
    """Of all findings of the environment, by state and level, whatever the filters say."""
    decided: Mapping[tuple[str, str, str], int]
    """Of these the ones that are accepted or exempt now, by state, level and decision."""
    asked: Mapping[str, str]
    """The filters, and the cursor."""
    at: datetime

    @property
    def mapped(self) -> frozenset[str] | None:
        """The operations that the map shows; None for all."""
        if sum(self.totals.values()) <= MAPPED:
            return None
        return frozenset(found.operation for found in self.findings if found.operation)

    @property
    def whole(self) -> bool:
        """True if all findings are here."""
        return not self.asked and self.findings.next is None


def gather(caller: Caller, request: Request) -> Drift:
    """The data that the parameters of a request choose; 404 where there is no report."""
    project, environment, at = caller.of(), text(request, "environment"), now()
    row = caller.store.latest(project, environment)
    if row is None:
        raise pages.NoReport(project.name, environment, caller)
    environment = row.environment
    # Forms send what nobody chose as an empty filter, which is none.
    chosen = {
        "operation": text(request, "operation", 2000) or None,
        "rule": text(request, "rule") or None,
        "level": one_of(request, "level", ["", *(each.value for each in Level)]) or None,
        "state": one_of(request, "state", ["", *(each.value for each in State)]) or None,
        "release": text(request, "release") or None,
    }
    after = cursor(request)
    page = caller.store.findings(project, now=at, environment=environment, after=after, limit=limit(request), **chosen)
    histories = people.histories(caller.store, [found.id for found in page], views.HISTORY)
    totals = caller.store.totals(project, now=at, environment=environment)
    decided = people.decided(caller.store, project, now=at, environment=environment)
    figures = _figures(caller.store, project, row)
    asked = {name: value for name, value in {**chosen, "cursor": after}.items() if value is not None}
    drift = Drift(project, environment, row, figures, page, histories, (), totals, decided, asked, at)
    marks = people.marks(caller.store, project, now=at, environment=environment, operations=drift.mapped)
    return replace(drift, marks=marks)


def _figures(store: Store, project: Project, row: ReportRow) -> dict[str, ReportRow]:
    """A figure that failed in the newest run stays so; one that it did not look at is that of an earlier run."""
    verdicts = {
        "completeness": row.completeness_verdict,
        "drift": row.drift_verdict,
        "generation": row.generation_verdict,
    }
    return {
        name: (store.latest(project, row.environment, name) or row) if verdict == "none" else row
        for name, verdict in verdicts.items()
    }


def as_json(drift: Drift) -> dict[str, Any]:
    name = drift.project.name
    return {
        "project": name,
        "environment": drift.environment,
        "report": views.report(name, drift.report),
        "figures": views.figures(name, drift.figures),
        "totals": views.counts(drift.totals),
        "findings": [
            views.finding(name, row, drift.at, drift.histories.get(row.id, people.NONE)) for row in drift.findings
        ],
        "next": drift.findings.next,
    }


def as_report(drift: Drift, store: Store) -> Report:
    """The newest report, its findings those of the store with their states: what `contract/reports/` renders."""
    from contract.reports import json as report_json

    data = _frame(drift, store, drift.report)
    for name, row in drift.figures.items():
        if row.run_id != drift.report.run_id:
            data["kpis"][name] = _frame(drift, store, row)["kpis"][name]
    data["findings"] = [views.told(row, drift.at) for row in drift.findings]
    report = report_json.of(views.integers(data))
    # Without all findings of an operation the map would show as held what drifts.
    own, mapped = _by_operation(drift.marks), drift.mapped
    operations = tuple(
        _linked(row, own.get(row.key, {})) for row in report.operations if mapped is None or row.key in mapped
    )
    return replace(
        report,
        operations=operations,
        outcome=replace(report.outcome, sentence=_sentence(drift, report.outcome.sentence)),
    )


def _frame(drift: Drift, store: Store, row: ReportRow) -> dict[str, Any]:
    body = store.frame(drift.project, row.run_id)
    if body is None:  # it was taken away since its row was read
        raise Problem(404, "that report is no longer kept; ask again")
    found: dict[str, Any] = views.parsed(body)
    return found


def _sentence(drift: Drift, newest: str) -> str:
    """The newest report's verdict, and how many findings stand in which state; what it called new may be known by now."""
    states: Counter[str] = Counter()
    decided: Counter[str] = Counter()
    for (state, level), count in drift.totals.items():
        states[state] += count if level != Level.NOTE.value else 0
    for (state, level, kind), count in drift.decided.items():
        if level != Level.NOTE.value and state != State.RESOLVED.value:
            states[state] -= count
            decided[kind] += count
    open_ = {state.value: states[state.value] for state in State if state is not State.RESOLVED}
    said = ", ".join(f"{count} {state}" for state, count in open_.items() if count)
    closed = {"accepted": decided["accepted"], "exempt": decided["exempt"], "resolved": states[State.RESOLVED.value]}
    rest = "".join(f"; {count} {word}" for word, count in closed.items() if count)
    verdict = newest.partition(":")[0]
    number = sum(open_.values())
    if not number:
        return f"{verdict}: no finding is open{rest}"
    return f"{verdict}: {number} finding{'s are' if number > 1 else ' is'} open ({said}){rest}"


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
    if drift.mapped is not None:
        said.append(pages.PARTLY)
    return said


def _linked(row: OperationRow, own: Mapping[str, tuple[str, ...]]) -> OperationRow:
    """The operation with its findings by their own names: a report knows those of one cause by the first of them."""

    def named(causes: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for cause in causes for name in own.get(cause, ())))

    def cell(seen: Seen) -> Seen:
        return replace(seen, findings=named(seen.findings))

    return replace(
        row,
        findings=tuple(dict.fromkeys(name for names in own.values() for name in names)),
        responses=tuple(map(cell, row.responses)),
        parameters=tuple(map(cell, row.parameters)),
    )


def _by_operation(marks: Iterable[people.Mark]) -> dict[str, dict[str, tuple[str, ...]]]:
    """By operation and by the name that a report has for it, the findings themselves."""
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for mark in marks:
        own = found.setdefault(mark.operation or "", {})
        own[mark.cause] = (*own.get(mark.cause, ()), mark.fingerprint)
        if mark.fingerprint != mark.cause:
            own.setdefault(mark.fingerprint, (mark.fingerprint,))
    return found


# --- answers ----------------------------------------------------------------------------------------------------------


@router.get(_PATH)
def by_accept(request: Request) -> Response:
    caller = enter(request, "read", _PARAMETERS)
    return _answer(caller, request, _TYPES[views.accepted(request.headers.get("accept"), tuple(_TYPES))])


@router.get(_PATH + ".json")
def as_json_file(request: Request) -> Response:
    return _answer(enter(request, "read", _PARAMETERS), request, "json")


@router.get(_PATH + ".md")
def as_markdown_file(request: Request) -> Response:
    return _answer(enter(request, "read", _PARAMETERS), request, "md")


@router.get(_PATH + ".html")
def as_html_file(request: Request) -> Response:
    return _answer(enter(request, "read", _PARAMETERS), request, "html")


def _answer(caller: Caller, request: Request, form: str) -> Response:
    if form == "html" and (tidy := pages.tidied(request, _FILTERS)) is not None:
        return tidy
    drift = gather(caller, request)
    headers = {"Vary": "Accept, Authorization, Cookie", "Cache-Control": "private, no-cache"}
    headers |= views.next_link(request, drift.findings)
    if form == "json":
        body, media = views.dumped(as_json(drift)), "application/json"
    else:
        report = as_report(drift, caller.store)
        if form == "md":
            from contract.reports import markdown

            notes = (*_notes(drift), *report.run.notes)
            report = replace(report, run=replace(report.run, notes=notes))
            body, media = markdown.render(report).encode("utf-8", "backslashreplace"), "text/markdown; charset=utf-8"
        else:
            body, extra = pages.drift_page(drift, report, caller, request)
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
