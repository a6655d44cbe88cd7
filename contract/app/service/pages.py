"""Pages for people: projects, the drift report, one finding, the way in by a token, and what went wrong.

They hold what the JSON of the same address holds, need no script, and change something only by forms.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from contract import __version__
from contract.app.service import bodies, views
from contract.app.service.access import (
    CHALLENGE,
    COOKIE,
    SCOPES,
    SIGNED_IN_S,
    Caller,
    now,
    only,
    same_site,
    session,
    stranger,
    text,
)
from contract.app.service.problems import Problem, title
from contract.core.finding import Level
from contract.core.lifecycle import STALE_AFTER, State
from contract.core.report import Ratio, Report
from contract.reports._words import day, moment
from contract.stores import people
from contract.stores.store import Event, Found, Page, Project, ReportRow

if TYPE_CHECKING:
    from contract.app.service.drift import Drift
    from contract.reports.html import Happened, Life

FORM = "application/x-www-form-urlencoded"
LAST = 9
"""Reports of a line on the page of projects."""
LONG = 200
"""Choices of a filter; where there are more, it is typed."""
_HTML = Path(__file__).parent / "html"
_HISTORY = 100
_PLAIN = ("sign-in.html.jinja", "problem.html.jinja")
"""Pages without times and without anything to copy need no script."""
_STATES = ("new", "regressed", "ongoing", "stale", "resolved")


def _page(request: Request, name: str, status: int = 200, **values: object) -> Response:
    """A page that nobody keeps: it is for the caller alone, and as of now."""
    from contract.reports import html

    shell = html.shell(script=name not in _PLAIN)
    about = {"version": __version__, "signed_in": COOKIE in request.cookies}
    body = html.environment(_HTML).get_template(name).render(shell | about | values)
    headers = {**guard(shell), "Cache-Control": "no-store", "Vary": "Accept, Authorization, Cookie"}
    return Response(body.encode("utf-8", "backslashreplace"), status, headers, "text/html; charset=utf-8")


def guard(shell: Mapping[str, object]) -> dict[str, str]:
    """Headers that keep a page from doing anything but being read, and its forms from leading elsewhere.

    `Referrer-Policy` is no stricter than this because browsers then send `Origin: null` with forms of our own.
    """
    return {
        "Content-Security-Policy": f"{shell['policy']}; frame-ancestors 'none'; form-action 'self'",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
    }


def tidied(request: Request, names: Collection[str]) -> Response | None:
    """On to the same address without those of these fields that a form sent empty, so that it can be sent on."""
    pairs = parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True)
    full = [(name, value) for name, value in pairs if value or name not in names]
    if len(full) == len(pairs):
        return None
    query = f"?{urlencode(full)}" if full else ""
    return Response(status_code=303, headers={"Location": request.url.path + query, "Cache-Control": "no-store"})


async def fields(request: Request, names: Collection[str] | None = None) -> dict[str, str]:
    """What a form sent: each field once; with `names` those alone, and whatever else it sent is passed over."""
    raw = await bodies.read(request, bodies.SMALL, FORM)
    try:
        most = 10 if names is None else None  # the length of the body is a bound of its own
        pairs = parse_qsl(raw.decode(), keep_blank_values=True, errors="strict", max_num_fields=most)
    except ValueError:
        raise Problem(400, "the form cannot be read") from None
    if names is not None:
        pairs = [(name, value) for name, value in pairs if name in names]
    said = dict(pairs)
    if len(said) != len(pairs):
        raise Problem(400, "the form has the same field twice")
    return said


# --- the drift report -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Field:
    """A filter: its choices, or None where they are too many to choose from."""

    name: str
    title: str
    value: str
    options: Sequence[tuple[str, str]] | None
    every: str = "all"
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """A state with how many findings stand so, and the address of those alone."""

    name: str
    count: int
    href: str
    current: bool


PARTLY = "The map shows the operations of the findings on this page: there are too many findings for all of them."


def drift_page(drift: Drift, report: Report, caller: Caller, request: Request) -> tuple[bytes, dict[str, str]]:
    """The page of a drift report, and the headers that go with it."""
    from contract.reports import html

    project, here = drift.project, {"environment": drift.environment}
    asked = dict(drift.asked)
    filters = {name: value for name, value in drift.asked.items() if name != "cursor"}
    size = {"limit": request.query_params["limit"]} if "limit" in request.query_params else {}
    lives = {found.fingerprint: _life(drift, found) for found in drift.findings}
    values = {
        "version": __version__,
        "signed_in": COOKIE in request.cookies,
        "project": project.name,
        "place": _named(drift.environment),
        "about": _about(drift, report),
        "total": sum(drift.totals.values()),
        "keep": urlencode(here) + "&",
        "shown": _shown(drift, bool(filters)),
        "states": _states(drift, here | filters | size),
        "decided": _decided(drift),
        "fields": _fields(drift, caller),
        "limit": size.get("limit", ""),
        "asked": list(filters.items()),
        "everything": f"?{urlencode(here | size)}#findings",
        "turned": "cursor" in drift.asked,
        "first": f"?{urlencode(here | filters | size)}#findings",
        "next": f"?{urlencode(here | filters | size | {'cursor': drift.findings.next})}#findings"
        if drift.findings.next
        else "",
        "data": {
            "json": f"{views.place(project.name, 'drift.json')}?{urlencode(here | asked | size)}",
            "md": f"{views.place(project.name, 'drift.md')}?{urlencode(here | asked | size)}",
            "report": views.place(project.name, "reports", drift.report.run_id),
        },
    }
    if not drift.whole:
        values["rules"] = ()  # of a part of the findings it would count too few
    as_of = {
        name.capitalize(): f"As of run `{row.run_id}`, {_day(row.started_at)}: the newest did not look."
        for name, row in drift.figures.items()
        if row.run_id != drift.report.run_id
    }
    elsewhere = (
        (html.mark(mark.fingerprint, mark.rule, mark.level, mark.state), _finding(project.name, mark.fingerprint, here))
        for mark in drift.marks
    )
    page = html.page(html.environment(_HTML), "drift.html.jinja", report, lives, as_of, elsewhere, **values)
    return page.encode("utf-8", "backslashreplace"), guard(html.shell())


def _named(environment: str) -> str:
    return environment or "unnamed environment"


def _day(at: datetime) -> str:
    return day(at.date().isoformat())


def _about(drift: Drift, report: Report) -> list[str]:
    newest = drift.report
    release = f" of release `{newest.release}`" if newest.release else ""
    said = [
        f"The figures are those of the newest report of {_named(drift.environment)}: run `{newest.run_id}`{release}, "
        f"received {_day(newest.received_at)}. States and history come from all its reports."
    ]
    if not report.run.complete:
        said.append("That run was stopped before its end.")
    if drift.mapped is not None:
        said.append(PARTLY)
    return [*said, *report.run.notes]


def _shown(drift: Drift, filtered: bool) -> str:
    whole = sum(drift.totals.values())
    if drift.whole or (not filtered and len(drift.findings) == whole):
        return f"{whole:,} in all." if whole != 1 else "One in all."
    return f"{len(drift.findings):,} of {whole:,} on this page."


def _states(drift: Drift, query: Mapping[str, str]) -> list[Standing]:
    count: Counter[str] = Counter()
    for (state, _), number in drift.totals.items():
        count[state] += number
    chosen = drift.asked.get("state")
    others = {name: value for name, value in query.items() if name != "state"}
    return [
        Standing("all", sum(count.values()), f"?{urlencode(others)}#findings", chosen is None),
        *(
            Standing(name, count[name], f"?{urlencode({**others, 'state': name})}#findings", chosen == name)
            for name in _STATES
        ),
    ]


def _decided(drift: Drift) -> list[tuple[str, int]]:
    count: Counter[str] = Counter()
    for (_, _, kind), number in drift.decided.items():
        count[kind] += number
    return sorted(count.items())


def _fields(drift: Drift, caller: Caller) -> list[Field]:
    asked = drift.asked
    choices = people.choices(caller.store, drift.project, drift.environment)
    levels: Counter[str] = Counter()
    states: Counter[str] = Counter()
    for (state, level), count in drift.totals.items():
        levels[level] += count
        states[state] += count

    def of(name: str, title: str, found: Iterable[tuple[str, int]], hint: str = "") -> Field:
        value, options = asked.get(name, ""), [(each, f"{each} ({count:,})") for each, count in found]
        if len(options) > LONG:
            return Field(name, title, value, None, hint=hint)
        if value and value not in dict(options):
            options.append((value, f"{value} (0)"))
        return Field(name, title, value, options)

    environments = [(name, _named(name)) for name in caller.store.environments(drift.project)]
    return [
        Field("environment", "Environment", drift.environment, environments, every=""),
        of("operation", "Operation", choices.operations, "GET /orders"),
        of("rule", "Rule", choices.rules, "response-schema"),
        of("level", "Level", [(level.value, levels[level.value]) for level in Level if levels[level.value]]),
        of("state", "State", [(state, states[state]) for state in _STATES if states[state]]),
        of("release", "Release", choices.releases, "2.4"),
    ]


# --- one finding ------------------------------------------------------------------------------------------------------


def _life(drift: Drift, found: Found) -> Life:
    history = drift.histories.get(found.id, people.NONE)
    return _lived(drift.project.name, found, history, drift.at)


def _lived(project: str, found: Found, history: Page[Event], at: datetime) -> Life:
    from contract.reports.html import Life

    happened = tuple(_happened(project, event) for event in history)
    state, decision = found.state(at).value, found.decided(at)
    return Life(finding_place(project, found), state, decision, happened, history.next is not None)


def finding_place(project: str, found: Found) -> str:
    return _finding(project, found.fingerprint, {"environment": found.environment})


def _finding(project: str, fingerprint: str, query: Mapping[str, str]) -> str:
    return f"{views.place(project, 'findings', fingerprint)}?{urlencode(query)}"


_HAPPENED = {
    "new": ("new", "First seen"),
    "resolved": ("resolved", "Resolved: its place was exercised, and it held"),
    "regressed": ("regressed", "Came back"),
    "accepted": ("accepted", "Accepted for good"),
    "exempt": ("accepted", "Exempt"),
    "reopened": ("und", "Reopened: it counts again"),
}


def _happened(project: str, event: Event) -> Happened:
    from contract.reports.html import Happened

    glyph, what = _HAPPENED.get(event.what, ("note", event.what))
    detail, reason = event.detail, event.detail.get("reason") or ""
    if until := detail.get("until"):
        what = f"{what} until {day(views.last_day(datetime.fromisoformat(until)).isoformat())}"
    run = f"in run `{detail['run_id']}`, sent by {event.who}" if detail.get("run_id") else f"by {event.who}"
    return Happened(views.time(event.at), glyph, what, run, reason)


@dataclass(frozen=True)
class Tried:
    """What a form sent that could not be taken, and why, by field; `all` is of no field."""

    form: str = ""
    reason: str = ""
    until: str = ""
    errors: Mapping[str, str] = field(default_factory=lambda: {"reason": "", "until": "", "all": ""})


def tried(form: str, said: Mapping[str, Any], problem: Problem) -> Tried:
    """The same form again, each message under its field."""
    errors = {"reason": "", "until": "", "all": ""}
    for error in problem.errors or ():
        name = error["pointer"].strip("/")
        errors[name if name in errors else "all"] = _WRONG.get(name, error["detail"])
    if not any(errors.values()):
        errors["until" if form == "exempt" else "all"] = problem.detail
    return Tried(form, str(said.get("reason", "")), str(said.get("until", "")), errors)


_WRONG = {
    "reason": "Say why, in at most 1,000 characters and on one line.",
    "until": "Give a day, as in 2027-01-31.",
}


def finding_page(
    request: Request, caller: Caller, found: Found, status: int = 200, again: Tried | None = None
) -> Response:
    """A finding with its evidence, its history, and the forms for whoever may decide."""
    from contract.reports import html
    from contract.reports import json as report_json

    at, project = now(), caller.of().name
    history = people.histories(caller.store, [found.id], _HISTORY).get(found.id, people.NONE)
    life = _lived(project, found, history, at)
    row = report_json.row(views.integers(views.told(found, at)))
    row = replace(row, first_seen=None, last_seen=None, reason=None, until=None)  # beside it, under State
    query = urlencode({"environment": found.environment})
    base = views.place(project, "findings", found.fingerprint)
    events = f"{base}/events?{query}"
    return _page(
        request,
        "finding.html.jinja",
        status,
        it=html.one(row, life),
        project=project,
        back=f"{views.place(project, 'drift')}?{query}",
        run=found.run_id,
        run_href=views.place(project, "reports", found.run_id),
        release=found.release,
        last_seen=views.time(found.life.last_seen),
        facts=_facts(found, at),
        older=f"{events}&{urlencode({'cursor': history.next})}" if history.next else "",
        may_decide=SCOPES.index(caller.token.scope) >= SCOPES.index("write"),
        tried=again or Tried(),
        act={name: f"{base}/{name}?{query}" for name in ("accept", "exempt", "reopen")},
        today=at.date().isoformat(),
        data={"json": f"{base}?{query}", "events": events},
    )


_MEANS = {
    State.NEW: "new: seen in one report so far",
    State.ONGOING: "ongoing: seen in several reports",
    State.RESOLVED: "resolved: its place was exercised later, and it held",
    State.REGRESSED: "regressed: it was resolved, and came back",
    State.STALE: "stale: for a week no report could have shown it",
}


def _facts(found: Found, at: datetime) -> list[tuple[str, object]]:
    life = found.life
    facts: list[tuple[str, object]] = [
        ("state", _MEANS[found.state(at)]),
        ("environment", _named(found.environment)),
        ("first seen", moment(views.time(life.first_seen))),
        ("last seen", moment(views.time(life.last_seen))),
        ("last evidence", moment(views.time(life.last_evidence))),
    ]
    if life.resolved is not None:
        facts.append(("resolved", moment(views.time(life.resolved))))
    if life.regressions:
        facts.append(("came back", "once" if life.regressions == 1 else f"{life.regressions:,} times"))
    decision = views.decision(found, at)
    if decision is not None:
        until = f" until {decision['until']}" if decision["until"] else ""
        facts += [(decision["kind"], f"by {decision['by']}{until}"), ("reason", decision["reason"])]
    return facts


# --- projects ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Spark:
    """The last reports as a line of 96 by 24; `gaps` are those without the figure."""

    said: str
    target: float
    paths: tuple[str, ...]
    gaps: tuple[tuple[float, float], ...]
    dot: tuple[str, float, float] | None


@dataclass(frozen=True, slots=True)
class Kpi:
    value: str
    known: bool
    evidence: str
    spark: Spark | None


@dataclass(frozen=True, slots=True)
class Tile:
    """A project as a row of the page; `mark` is class, glyph and word."""

    name: str
    href: str
    place: str
    mark: tuple[str, str, str]
    rank: int
    figures: tuple[tuple[str, Kpi], ...] = ()
    open: int = 0
    said: str = ""
    stale: bool = False
    moment: tuple[str, str] | None = None
    source: str = ""


_MARKS = {
    0: ("held", "held", "passes"),
    1: ("drift", "fail", "fails"),
    3: ("gap", "none", "has no verdict"),
}
_BROKEN = ("und", "broken", "could not be measured")
_EMPTY = ("gap", "none", "has no report")
_ORDER = ("fails", "could not be measured", "has no verdict", "has no report", "passes")


def projects_page(request: Request, caller: Caller, projects: Sequence[Project]) -> Response:
    """All projects that the caller sees, the worst first."""
    at = now()
    tiles = sorted((_tile(caller, project, at) for project in projects), key=lambda tile: (tile.rank, tile.name))
    count = Counter(tile.mark[2] for tile in tiles)
    worst = next((word for word in _ORDER if count[word]), "")
    seal = {"fails": ("fail", "fail"), "could not be measured": ("broken", "broken"), "passes": ("pass", "held")}
    return _page(
        request,
        "projects.html.jinja",
        projects=tiles,
        last=LAST,
        seal=seal.get(worst, ("none", "none")),
        sentence=_of_all(count, len(tiles)),
        about=_open(tiles),
    )


def _of_all(count: Mapping[str, int], whole: int) -> str:
    if not whole:
        return "No project yet"
    plural = {"fails": "fail", "passes": "pass", "has no verdict": "have no verdict", "has no report": "have no report"}
    parts = [f"{count[word]} {word if count[word] == 1 else plural.get(word, word)}" for word in _ORDER if count[word]]
    projects = "1 project" if whole == 1 else f"{whole:,} projects"
    return f"{projects}: {', '.join(parts)}"


def _open(tiles: Sequence[Tile]) -> str:
    if not tiles:
        return "The first report or the first token of a project makes one: contract token create --project NAME."
    number = sum(tile.open for tile in tiles)
    return f"{number:,} finding{'s are' if number != 1 else ' is'} open in all; accepted and exempt ones do not count."


def _tile(caller: Caller, project: Project, at: datetime) -> Tile:
    store = caller.store
    newest = store.latest(project)
    href = views.place(project.name, "drift")
    if newest is None:
        return Tile(project.name, href, f"since {_day(project.created_at)}", _EMPTY, _ORDER.index(_EMPTY[2]))
    environment = newest.environment
    rows = list(reversed(store.reports(project, environment, limit=LAST).items))
    count: Counter[str] = Counter()
    for (state, _), number in store.totals(project, now=at, environment=environment).items():
        count[state] += number
    for (state, _, _), number in people.decided(store, project, now=at, environment=environment).items():
        count[state] -= number
    open_ = [state for state in _STATES if state != State.RESOLVED.value]
    said = ", ".join(f"{count[state]:,} {state}" for state in open_ if count[state])
    failed = "error" in (newest.completeness_verdict, newest.drift_verdict, newest.generation_verdict)
    mark = _BROKEN if failed and newest.exit_code != 1 else _MARKS.get(newest.exit_code, _BROKEN)
    release = f"release {newest.release}" if newest.release else ""
    return Tile(
        project.name,
        f"{href}?{urlencode({'environment': environment})}",
        " · ".join(filter(None, (_named(environment), release))),
        mark,
        _ORDER.index(mark[2]),
        (
            ("completeness", _share(rows, "completeness", "operations")),
            ("drift", _drift(rows)),
            ("generation", _share(rows, "generation", "proven")),
        ),
        sum(count[state] for state in open_),
        said or (f"{count[State.RESOLVED.value]:,} resolved" if count[State.RESOLVED.value] else ""),
        at - newest.started_at > STALE_AFTER,
        moment(views.time(newest.started_at)),
        newest.source.replace(",", ", "),
    )


def _share(rows: Sequence[ReportRow], figure: str, noun: str) -> Kpi:
    pairs = [(getattr(row, f"{figure}_part"), getattr(row, f"{figure}_whole")) for row in rows]
    part, whole = pairs[-1]
    values = [None if not whole or part is None else part / whole for part, whole in pairs]
    target, known = 4.0, part is not None and bool(whole)
    floor = min([value for value in values if value is not None], default=1.0)
    span = max(1 - floor, 0.1)
    heights = [None if value is None else round(4 + 16 * (1 - value) / span, 1) for value in values]
    met = getattr(rows[-1], f"{figure}_verdict") == "pass"
    said = f"{figure} of the last {len(rows)} reports: " + ", ".join(
        "no evidence" if not whole or part is None else str(Ratio(part, whole)) for part, whole in pairs
    )
    if not known:
        failed = getattr(rows[-1], f"{figure}_verdict") == "error"
        why = "its source failed" if failed else "nobody looked"
        return Kpi("failed" if failed else "no evidence", False, why, _spark(said, target, heights, met))
    return Kpi(str(Ratio(part, whole)), True, f"{part:,} of {whole:,} {noun}", _spark(said, target, heights, met))


def _drift(rows: Sequence[ReportRow]) -> Kpi:
    newest = rows[-1]
    counts = [row.drift_count if row.drift_verdict in ("pass", "fail") else None for row in rows]
    most = max([count for count in counts if count is not None], default=0)
    heights = [None if count is None else round(20 - 16 * count / max(most, 1), 1) for count in counts]
    words = ", ".join("no evidence" if count is None else f"{count:,}" for count in counts)
    spark = _spark(f"drift of the last {len(rows)} reports: {words}", 20.0, heights, newest.drift_verdict == "pass")
    evidence = f"{newest.exercised_part:,} of {newest.exercised_whole:,} operations"
    if counts[-1] is None:
        known = {"undecided": "undecided", "error": "failed"}.get(newest.drift_verdict, "no evidence")
        return Kpi(known, False, evidence if newest.exercised_whole else "nobody looked", spark)
    return Kpi(f"{counts[-1]:,}", True, evidence, spark)


def _spark(said: str, target: float, heights: Sequence[float | None], met: bool) -> Spark | None:
    """A line from report to report, broken where one has no evidence; None where there is nothing to compare."""
    if len(heights) < 2:
        return None
    step = 92 / (len(heights) - 1)
    runs: list[list[tuple[float, float]]] = [[]]
    gaps: list[tuple[float, float]] = []
    for number, height in enumerate(heights):
        x = round(2 + step * number, 1)
        if height is None:
            gaps.append((round(max(0.0, x - step / 2), 1), round(step, 1)))
            runs.append([])
        else:
            runs[-1].append((x, height))
    paths = tuple("M" + " L".join(f"{x:g} {y:g}" for x, y in run) for run in runs if len(run) > 1)
    last = next((run[-1] for run in reversed(runs) if run), None)
    kind = "old" if heights[-1] is None else "met" if met else "miss"
    return Spark(said, target, paths, tuple(gaps), (kind, *last) if last is not None else None)


# --- what went wrong --------------------------------------------------------------------------------------------------


class NoReport(Problem):
    """A project without a report, or none of that environment."""

    def __init__(self, project: str, environment: str | None, caller: Caller) -> None:
        super().__init__(404, "no report yet: push one with `contract push`, or start a check")
        self.project = project
        self.environment = environment
        self.caller = caller


def problem(request: Request, error: Problem) -> Response | None:
    """The page of an error for a browser; None for whoever asked for something else."""
    if not views.wanted(request):
        return None
    if error.status == 401:
        page = _asked_in(request)
    elif isinstance(error, NoReport):
        page = _no_report(request, error)
    else:
        page = _page(
            request,
            "problem.html.jinja",
            error.status,
            title=title(error.status),
            detail=_sentence(error.detail),
            errors=[(each["pointer"], each["detail"]) for each in error.errors or ()],
            todo=_todo(error.status, error.headers),
            code=error.status,
            path=request.url.path,
            request_id=request.scope.get("contract.request_id", ""),
        )
    page.headers.update(error.headers)
    return page


def _sentence(detail: str) -> str:
    text = detail[:1].upper() + detail[1:]
    return text if text.endswith((".", "?", "!")) else f"{text}."


def _todo(status: int, headers: Mapping[str, str]) -> list[tuple[str, str, str]]:
    projects = ("What this token may see:", "/api/v1/projects", "all projects")
    other = ("With another token:", "/sign-in", "sign in anew")
    wait = (f"Try again in {headers.get('Retry-After', '5')} seconds.", "", "")
    return {
        403: [other, projects],
        404: [("Look whether the address is whole.", "", ""), projects, other],
        429: [wait],
        503: [wait, ("If it stays so, tell whoever runs the service.", "", "")],
    }.get(status, [("Go back, and try once more.", "", ""), projects])


def _no_report(request: Request, error: NoReport) -> Response:
    caller, name = error.caller, error.project
    drift = views.place(name, "drift")
    found = caller.store.environments(caller.of())
    return _page(
        request,
        "empty.html.jinja",
        404,
        project=name,
        environment=error.environment,
        environments=[(_named(each), f"{drift}?{urlencode({'environment': each})}") for each in found],
        origin=str(request.base_url).rstrip("/"),
        runs=name in caller.config.checks,
        checks=views.place(name, "checks"),
    )


def _asked_in(request: Request) -> Response:
    """A browser without a token that holds gets the form for one, in place of the page that it wanted."""
    path, query = request.url.path, request.scope["query_string"].decode("latin-1")
    said = "Your sign-in has ended. Sign in to go on." if COOKIE in request.cookies else ""
    if request.method not in ("GET", "HEAD"):
        path = re.sub(r"/(accept|exempt|reopen)$", "", path)
        said = "You are not signed in any more, and what you sent was not taken. Sign in, and send it again."
    return form(request, path + (f"?{query}" if query else ""), 401, said)


# --- the way in -------------------------------------------------------------------------------------------------------

router = APIRouter()


@router.get("/")
def home(request: Request) -> Response:
    only(request, ())
    return Response(status_code=303, headers={"Location": "/api/v1/projects"})


@router.get("/sign-in")
def sign_in(request: Request) -> Response:
    only(request, ("next",))
    return form(request, text(request, "next", 2000), 200)


@router.post("/sign-in")
async def signed_in(request: Request) -> Response:
    only(request, ())
    if not same_site(request):
        raise Problem(403, "a form of another site cannot sign anybody in")
    said = await fields(request, ("token", "next"))
    secret = said.get("token", "").strip()
    token = await run_in_threadpool(request.app.state.store.check_token, secret, now())
    if token is None:
        stranger(request)
        wrong = "This token does not hold. Is it whole, and neither revoked nor expired?"
        page = form(request, said.get("next"), 401, wrong)
        page.headers.update(CHALLENGE)
        return page
    return Response(
        status_code=303, headers=_cookie(request, session(secret, now()), SIGNED_IN_S, here(said.get("next")))
    )


@router.post("/sign-out")
def sign_out(request: Request) -> Response:
    only(request, ())
    if not same_site(request):
        raise Problem(403, "a form of another site cannot sign anybody out")
    return Response(status_code=303, headers=_cookie(request, "", 0, "/sign-in"))


def _cookie(request: Request, value: str, age_s: int, location: str) -> dict[str, str]:
    secure = "; Secure" if request.app.state.config.secure_cookies else ""
    return {
        "Location": location,
        "Set-Cookie": f"{COOKIE}={value}; Path=/; Max-Age={age_s}; HttpOnly; SameSite=Strict{secure}",
        "Cache-Control": "no-store",
    }


def here(path: str | None) -> str:
    """Where a form may lead: a path of this service, never another site."""
    parts = urlsplit(path or "")
    plain = re.fullmatch(r"/[!-~]*", path or "") and "\\" not in (path or "")
    return path or "" if plain and not parts.scheme and not parts.netloc else "/"


def form(request: Request, target: str | None, status: int, said: str = "") -> Response:
    """The page that asks for a token."""
    return _page(request, "sign-in.html.jinja", status, next=here(target), said=said)
