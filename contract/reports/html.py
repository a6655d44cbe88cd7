"""The report as one self-contained page: no request to anywhere, readable without script.

The templates are in `html/`, the stylesheet beside this file. Everything that is shown is escaped, characters that act
unseen are spelt out, and the policy in `<meta>` names the hashes of the one style and the one script: text from a
hostile server could not run even if escaping failed.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contract.core.finding import Fix
from contract.core.report import (
    Example,
    FindingRow,
    Member,
    OperationRow,
    Place,
    Report,
    Seen,
    Verdict,
    WhereJson,
)
from contract.reports import _generated as generated
from contract.reports import _words as words
from contract.reports._part import LIMIT, Segment, part
from contract.reports._words import visible

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

MEDIA_TYPE = "text/html"
SUFFIX = ".html"

FULL = 200
"""Findings with the full body; later ones have the brief one."""
PAGE = 980_000
"""Characters of a page with up to `SMALL` findings, so that it stays below 1 MB; full bodies get what is left."""
SMALL = 500
LEAST, MOST = 60_000, 560_000  # characters that full bodies get in any case, and at most
FOLD_OVER = 60
"""Operations; more of them are folded by tag."""
STATUSES = 14
"""Columns of the map; what does not fit goes into a last one, `other`."""
TEXT = 2000
NAME = 400

_HERE = Path(__file__).parent


def render(report: Report) -> str:
    """The page; the same report gives the same bytes."""
    return page(environment(), "report.html.jinja", report)


def page(
    templates: Environment,
    name: str,
    report: Report,
    lives: Mapping[str, Life] | None = None,
    as_of: Mapping[str, str] | None = None,
    elsewhere: Iterable[tuple[FindingRow, str]] = (),
    **more: object,
) -> str:
    """The report by a template of that name; the service has one, with more to say of each finding and each figure.

    `elsewhere` are findings that the map knows and the page does not tell, each with its address.
    """
    index = Index.of(report).beside(elsewhere)
    views = _views(report, index, lives or {})
    found = {view.row.fingerprint: view for view in views}
    values = {
        "report": report,
        "total": len(report.findings),
        "keep": "",
        "seal": _seal(report),
        "about": words.about(report),
        "figures": [_figure(report, figure, index, as_of or {}) for figure in words.figures(report)],
        "map": _map(report, index),
        "groups": [(name, [found[row.fingerprint] for row in rows]) for name, rows in words.grouped(report.findings)],
        "declared": {row.key: row.location for row in report.operations},
        "tally": _tally(report),
        "levels": words.counts((row.level for row in report.findings), words.LEVELS, noun=True),
        "generated": generated.sections(report),
        "unchecked": words.unchecked(report),
        "rules": _rules(report),
        "moment": words.moment(report.run.started_at),
    }
    return templates.get_template(name).render(shell() | values | more)


def mark(fingerprint: str, rule: str, level: str, state: str) -> FindingRow:
    """A finding of which only this is known, and the map needs no more."""
    nothing = Fix(None, None, None)
    where = WhereJson()
    return FindingRow(
        fingerprint,
        rule,
        level,
        state,
        None,
        (),
        where,
        None,
        None,
        "",
        None,
        None,
        None,
        None,
        None,
        "",
        None,
        nothing,
    )


def one(row: FindingRow, life: Life) -> View:
    """A finding as a page of its own shows it."""
    alone = Index({}, {}, {row.fingerprint: row.fingerprint[:7]})
    return _view(row, alone, 0, True, life)


def shell(script: bool = True) -> dict[str, object]:
    """What every page is wrapped in: the one style, the one script if any, and the policy that lets nothing else in."""
    style, code = _asset("style.css"), _asset("html/report.js") if script else ""
    allowed = f"'{_hash(code)}'" if code else "'none'"
    policy = f"default-src 'none'; base-uri 'none'; style-src '{_hash(style)}'; script-src {allowed}"
    return {"style": style, "script": code, "policy": policy}


# ---------- the template and what it may call ----------


@cache
def environment(*folders: Path) -> Environment:
    """The templates, those of other folders before our own."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader([*folders, _HERE / "html"]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_spelt,
    )
    made.filters |= {
        "closely": words.closely,
        "brief": lambda text: words.cut(visible(text), 40),
        "code": _code,
        "day": words.day,
        "diff": _diff,
        "duration": words.duration,
        "line": _line,
        "name": lambda text: words.cut(visible(str(text)), NAME),
        "number": words.number,
        "moment": words.moment,
        "place": _place,
        "plural": words.plural,
        "rate": words.rate,
        "rich": _rich,
        "stale": generated.stale,
        "segments": _segments,
        "short": words.short,
        "strong": _strong,
        "text": lambda text: visible(words.cut(text, TEXT), lines=True),
    }
    made.globals |= {"source_words": words.SOURCE_WORDS, "source_marks": _SOURCE_MARKS, "states": words.STATES}
    return made


def _spelt(value: Any) -> Any:
    """Every string that a template prints; runs before escaping, which leaves `Markup` alone."""
    return visible(value, lines=True) if type(value) is str else value


@cache
def _asset(name: str) -> Markup:
    from markupsafe import Markup

    # Newlines around it, because the hash is taken of all that stands between the tags.
    return Markup("\n" + (_HERE / name).read_text(encoding="utf-8"))


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(str(text).encode()).digest()).decode()


def _line(text: str) -> str:
    return visible(words.cut(text, TEXT))


def _rich(text: str) -> Markup:
    """A sentence whose `code` between backticks is shown as code."""
    from markupsafe import Markup, escape

    parts = re.split(r"`([^`]+)`", visible(words.cut(text, TEXT)))
    return Markup("").join(
        Markup("<code>{}</code>").format(text) if index % 2 else escape(text) for index, text in enumerate(parts)
    )


def _strong(text: str) -> Markup:
    """Evidence in words, its pairs of numbers set in bold."""
    from markupsafe import Markup, escape

    return Markup(re.sub(r"\d[\d,]* of \d[\d,]*", lambda match: f"<b>{match[0]}</b>", str(escape(visible(text)))))


def _code(parts: Sequence[str]) -> Markup:
    from markupsafe import Markup

    return Markup(", ").join(Markup("<code>{}</code>").format(words.cut(visible(text), NAME)) for text in parts)


def _segments(parts: Iterable[Segment]) -> Markup:
    from markupsafe import Markup, escape

    tags = {"key": Markup('<span class="k">{}</span>'), "mark": Markup("<mark>{}</mark>")}
    return Markup("").join(
        tags[kind].format(visible(text, lines=True)) if kind else escape(visible(text, lines=True))
        for kind, text in parts
    )


def _diff(text: str) -> Markup:
    from markupsafe import Markup, escape

    tags = {"+": Markup("<ins>{}</ins>"), "-": Markup("<del>{}</del>")}
    lines = words.cut(text, TEXT).split("\n")
    return Markup("\n").join(
        tags[line[0]].format(visible(line)) if line[:1] in tags else escape(visible(line)) for line in lines
    )


def _place(place: Place | None) -> str:
    return f"{words.cut(visible(place.file), NAME)}:{place.line}" if place else ""


_SOURCE_MARKS = {
    Verdict.PASS: ("met", "held"),
    Verdict.FAIL: ("miss", "drift"),
    Verdict.NONE: ("none", "none"),
    Verdict.UNDECIDED: ("none", "none"),
    Verdict.ERROR: ("miss", "broken"),
}


# ---------- top ----------


def _seal(report: Report) -> tuple[str, str]:
    """Class and glyph: green, red, hatched, or solid ink where a source failed or we did."""
    code = report.outcome.exit_code
    if code == 0:
        return "pass", "held"
    if code == 1:
        return "fail", "fail"
    if code == 3 and not any(source.verdict == Verdict.ERROR for source in report.sources):
        return "none", "none"
    return "broken", "broken"


@dataclass(frozen=True, slots=True)
class FigureView:
    """A figure with its bar: shares in per cent of the width."""

    words: words.Figure
    held: str
    drifting: str
    floor: str | None
    said: str
    as_of: str = ""
    """Of which run it is, where that is not the newest one."""


def _figure(report: Report, figure: words.Figure, index: Index, as_of: Mapping[str, str]) -> FigureView:
    return replace(_measured(report, figure, index), as_of=as_of.get(figure.name, ""))


def _measured(report: Report, figure: words.Figure, index: Index) -> FigureView:
    kpis = report.kpis
    if figure.name != "Drift":
        kpi = kpis.completeness if figure.name == "Completeness" else kpis.generation
        said = f"{kpi.part:,} of {kpi.whole:,}" if kpi.part is not None and kpi.whole else "no evidence"
        return FigureView(figure, _share(kpi.part or 0, kpi.whole or 0), "", None, said)
    operations, responses = kpis.drift.exercised.operations, kpis.drift.exercised.responses
    if kpis.drift.verdict == Verdict.UNDECIDED:
        floor = f"{kpis.drift.floor * 100:g}%"
        said = f"{operations.part:,} of {operations.whole:,} operations exercised, floor {floor[:-1]} %"
        return FigureView(figure, _share(operations.part, operations.whole), "", floor, said)
    cells = (index.cell(seen) for row in report.operations for seen in row.responses)
    bad = min(responses.part, sum(cell.state == "drift" and not cell.accepted for cell in cells))
    said = f"{responses.part:,} of {responses.whole:,} declared responses exercised, {bad:,} of them drift"
    held = _share(responses.part - bad, responses.whole)
    return FigureView(figure, held, _share(bad, responses.whole), None, said)


def _share(part: int, whole: int) -> str:
    return f"{min(100.0, 100 * part / whole):.4g}%" if whole and part else ""


# ---------- the map ----------


@dataclass(frozen=True, slots=True)
class Cell:
    """One of the four states, with the words that say it."""

    state: str  # "held", "drift", "gap", "und"
    accepted: bool
    bad: bool
    glyph: str
    words: str
    exchanges: int
    link: str | None
    name: str
    title: str


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the map: an operation, or a further media type of the one above."""

    operation: OperationRow
    media_type: str | None
    chips: tuple[Cell, ...]
    cells: tuple[Cell | None, ...]
    other: tuple[Cell, ...]
    why: str | None = None


@dataclass(slots=True)
class Section:
    """One table: all operations, or those of one tag."""

    name: str
    blocks: list[list[Row]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Map:
    sections: list[Section]
    folded: bool
    statuses: list[str]
    bands: list[tuple[str, int]]
    other: bool
    counts: Counter[str]
    prefix: str
    sent: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Index:
    """The findings by fingerprint, a folded one also by its members', and the address of each."""

    rows: dict[str, FindingRow]
    links: dict[str, str]
    shorts: dict[str, str]

    @classmethod
    def of(cls, report: Report) -> Index:
        rows = {member.fingerprint: row for row in report.findings for member in row.operations}
        rows |= {row.fingerprint: row for row in report.findings}
        shorts = words.shorts(report.findings)
        return cls(rows, {name: f"#f-{shorts[row.fingerprint]}" for name, row in rows.items()}, shorts)

    def beside(self, elsewhere: Iterable[tuple[FindingRow, str]]) -> Index:
        """With findings that are told elsewhere."""
        others = [(row, href) for row, href in elsewhere if row.fingerprint not in self.rows]
        rows = {row.fingerprint: row for row, _ in others}
        links = {row.fingerprint: href for row, href in others}
        return replace(self, rows=self.rows | rows, links=self.links | links)

    def cell(self, seen: Seen) -> Cell:
        """The state of a cell: what was seen, and what the findings that name it say."""
        found = [self.rows[name] for name in seen.findings if name in self.rows]
        live = [row for row in found if row.state in words.OPEN]
        drift = any(row.level != "note" for row in live)
        accepted = not live and any(row.state in ("accepted", "exempt") for row in found)
        times = words.plural(seen.exchanges, "exchange")
        bad = False
        if not seen.declared:
            bad = any(row.level == "error" for row in live)
            state, glyph = "und", "accepted" if accepted else "und"
            said = "undeclared, accepted" if accepted else "undeclared, an error" if bad else "undeclared"
        elif not seen.exchanges and not drift:
            state, glyph, accepted = "gap", "gap", False
            said = "declared, not exercised"
        elif drift or accepted:
            state, glyph = "drift", "accepted" if accepted else "drift"
            said = "drifting, accepted" if accepted else "drifting"
        else:
            state, glyph, said = "held", "held", "held"
        reasons = [
            f"{words.often(row.exchanges, row.of, row.where.direction)} drift"
            for row in (live if state == "drift" else ())
            if row.level != "note" and row.exchanges is not None
        ]
        name = words.notation(seen.name)
        if seen.name == "body" and seen.media_type and seen.media_type != "application/json":
            name = f"body {seen.media_type}"
        known = name if name.startswith("body") else f"{name} {seen.media_type}" if seen.media_type else name
        title = f"{known}: {', '.join([*reasons[:1], said, *([times] if seen.exchanges else [])])}"
        link = next((self.links[row.fingerprint] for row in (*live, *found)), None)
        short = words.cut(visible(name), NAME)
        return Cell(state, accepted, bad, glyph, said, seen.exchanges, link, short, words.cut(visible(title), NAME))


def _map(report: Report, index: Index) -> Map:
    used: Counter[str] = Counter()
    for row in report.operations:
        used.update({seen.name for seen in row.responses})
    statuses = sorted((name for name in used if _STATUS.fullmatch(name)), key=_status_order)
    other = len(statuses) < len(used) or len(statuses) > STATUSES
    if len(statuses) > STATUSES:
        common = [name for name in statuses if used[name] > 1]
        kept = set(sorted(common, key=lambda name: -used[name])[:STATUSES])
        statuses = [name for name in statuses if name in kept]
    folded = len(report.operations) > FOLD_OVER
    prefix = _prefix([row.path for row in report.operations])
    sections: dict[str, Section] = {}
    last = None
    total: Counter[str] = Counter()
    sent = whole = 0
    for operation in report.operations:
        resource = operation.tag or operation.path[len(prefix) :].strip("/").partition("/")[0] or "/"
        section = sections.setdefault(resource if folded else "", Section(resource if folded else ""))
        rows = _rows(operation, statuses, index)
        if not section.blocks or (resource != last and not folded):
            section.blocks.append([])
        section.blocks[-1] += rows
        last = resource
        cells = [cell for row in rows for cell in (*row.cells, *row.other) if cell]
        if not operation.declared and not operation.responses:
            section.counts["und"] += 1
        for cell in cells:
            section.counts[cell.state] += 1
            section.counts["accepted"] += cell.accepted
        for seen in operation.parameters:
            if seen.declared:
                whole += 1
                sent += seen.exchanges > 0
            elif index.cell(seen).state == "und":
                section.counts["und"] += 1
                section.counts["accepted"] += index.cell(seen).accepted
    for section in sections.values():
        total.update(section.counts)
    bands: list[tuple[str, int]] = []
    for name in statuses:
        band = {"1": "1xx", "2": "success", "3": "3xx", "4": "client error", "5": "5xx"}.get(name[:1], "any")
        if bands and bands[-1][0] == band:
            bands[-1] = (band, bands[-1][1] + 1)
        else:
            bands.append((band, 1))
    narrow = {"success": "2xx", "client error": "4xx"}
    bands = [(narrow.get(band, band) if span == 1 else band, span) for band, span in bands]
    return Map(list(sections.values()), folded, statuses, bands, other, total, prefix, (sent, whole))


_STATUS = re.compile(r"[1-9][0-9][0-9]|[1-5][Xx][Xx]|default")


def _status_order(name: str) -> str:
    """Codes in their order, a range behind its codes, `default` last."""
    return name.upper() if name != "default" else "~"


def _prefix(paths: list[str]) -> str:
    """What all paths begin with, up to a slash, and shorter than the shortest."""
    if len(paths) < 2:
        return ""
    low, high = min(paths), max(paths)
    same = next((i for i, (a, b) in enumerate(zip(low, high, strict=False)) if a != b), len(low))
    prefix = low[: low.rfind("/", 0, same) + 1]
    return "" if prefix == "/" or "{" in prefix else prefix


def _rows(operation: OperationRow, statuses: list[str], index: Index) -> list[Row]:
    columns = {name: number for number, name in enumerate(statuses)}
    lines: list[tuple[str | None, dict[str, Seen]]] = [(None, {})]
    for seen in operation.responses:
        for media_type, line in lines:
            if seen.name not in line and (media_type is None or media_type == seen.media_type):
                line[seen.name] = seen
                break
        else:
            lines.append((seen.media_type or "", {seen.name: seen}))
    rows = []
    told = {name for seen in (*operation.responses, *operation.parameters) for name in seen.findings}
    for number, (media_type, line) in enumerate(lines):
        cells: list[Cell | None] = [None] * len(statuses)
        other = []
        for name, seen in line.items():
            if name in columns:
                cells[columns[name]] = index.cell(seen)
            else:
                other.append(index.cell(seen))
        chips = () if number else (*map(index.cell, operation.parameters), *_whole_chips(operation, told, index))
        rows.append(Row(operation, media_type, chips, tuple(cells), tuple(other)))
    if not operation.declared and not operation.responses:
        rows[0] = Row(operation, None, rows[0].chips, (), (), _why(operation))
    return rows


def _why(operation: OperationRow) -> str:
    where = f" in `{_place(operation.location)}`" if operation.location else ""
    implemented = f"implemented{where}; " if operation.implemented or operation.location else ""
    asked = words.plural(operation.exchanges, "exchange") if operation.exchanges else "not asked"
    return f"{implemented}{asked}, because nothing is declared" if not operation.exchanges else implemented + asked


def _whole_chips(operation: OperationRow, told: set[str], index: Index) -> list[Cell]:
    """What is to be said of the operation as a whole: not in the document, not implemented, findings without a cell."""
    chips = []
    rest = [name for name in operation.findings if name in index.rows and name not in told]
    found = [index.rows[name] for name in rest]
    if not operation.declared:
        chips.append(_chip("und", "not in the document", found, index, "undeclared-operation"))
    elif operation.implemented is False:
        chips.append(_chip("drift", "not implemented", found, index, "unimplemented-operation"))
    said = {chip.link for chip in chips}
    for row in found:
        if index.links[row.fingerprint] in said or len(row.operations) > 1:
            continue
        if row.rule == "declared-never-seen":
            continue  # the map shows by itself what was not exercised
        said.add(index.links[row.fingerprint])
        bad = row.state in words.OPEN and row.level != "note"
        chips.append(_chip("drift" if bad else "held", row.rule, [row], index, row.rule))
    return chips


def _chip(state: str, name: str, found: list[FindingRow], index: Index, rule: str) -> Cell:
    mine = [row for row in found if row.rule == rule]
    live = [row for row in mine if row.state in words.OPEN]
    bad = state == "und" and any(row.level == "error" for row in live)
    accepted = bool(mine) and not live and any(row.state in ("accepted", "exempt") for row in mine)
    link = index.links[mine[0].fingerprint] if mine else None
    glyph = "accepted" if accepted else state
    return Cell(state, accepted, bad, glyph, name, 0, link, name, f"{name}{', accepted' if accepted else ''}")


# ---------- findings ----------


@dataclass(frozen=True, slots=True)
class Happened:
    """One thing that became of a finding: its glyph, what it was, by whom or by what, and why."""

    at: str  # RFC 3339
    glyph: str
    what: str
    detail: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Life:
    """What the service knows of a finding beside its row."""

    href: str
    """Where it has a page of its own."""
    state: str  # new, ongoing, resolved, regressed, stale
    decision: str  # accepted, exempt; empty if nothing is decided, or no more
    happened: tuple[Happened, ...]
    """The newest first."""
    more: bool
    """True if there is more than is told here."""


@dataclass(frozen=True, slots=True)
class View:
    """A finding as it is shown: everything that the template would have to work out."""

    row: FindingRow
    id: str
    short: str
    operations: str
    place: str
    pointer: str
    often: str
    full: bool
    open: bool
    observed: tuple[Segment, ...]
    exchange: str
    before: tuple[str, ...]
    excerpt: tuple[tuple[int, str, str, bool], ...]
    """Number, indentation, text, and whether it is the line of the declaration."""
    members: tuple[tuple[str, Member], ...]
    more: int
    masked: tuple[str, ...]
    life: Life | None


def _views(report: Report, index: Index, lives: Mapping[str, Life]) -> list[View]:
    views: list[View] = []
    weight, allowed = 0, MOST
    if len(report.findings) <= SMALL:
        cells = sum(len(row.responses) + len(row.parameters) for row in report.operations)
        groups = len({words.heading(row) for row in report.findings})
        others = 42_000 + 330 * len(report.operations) + 185 * cells + 230 * groups + 970 * len(report.findings)
        allowed = max(LEAST, min(MOST, PAGE - others))
    for number, row in enumerate(report.findings):
        view = _view(row, index, number, number < FULL and weight < allowed, lives.get(row.fingerprint))
        if view.full:
            weight += _weight(view)
        views.append(view)
    return views


def _weight(view: View) -> int:
    """About how many characters the full body takes more than the brief one: what is written, and the tags around."""
    row, fix = view.row, view.row.fix
    texts = [row.declared, row.observed, row.message, row.curl, row.proof_detail, fix.document, fix.server, fix.change]
    texts += [text for _, text in view.observed]
    written = sum(_size(text[:TEXT]) for text in texts if text) + _size(view.exchange) + 25 * len(view.observed)
    written += sum(_size(text) + 40 for _, _, text, _ in view.excerpt)
    return written + sum(_size(member.path) + 150 for _, member in view.members) + 850


def _size(text: str) -> int:
    """Characters after escaping."""
    return len(text) + 4 * sum(text.count(char) for char in "\"'<>&")


def _names(row: FindingRow) -> list[str]:
    return words.reached(row) or [words.heading(row)]


def _view(row: FindingRow, index: Index, number: int, full: bool, life: Life | None) -> View:
    short = index.shorts[row.fingerprint]
    place, pointer = words.where(row)
    names = _names(row)
    example = row.example if full else None
    observed: tuple[Segment, ...] = ()
    exchange = ""
    before: tuple[str, ...] = ()
    masked: tuple[str, ...] = ()
    if example:
        side = example.request if row.where.direction == "request" else example.response
        observed = part(side.body if side else None, _into_body(row.where.pointer)) or ()
        exchange = _exchange(example)
        before = tuple(_told(earlier) for earlier in example.before)
        masked = (*example.request.masked, *(example.response.masked if example.response else ()))
    members = tuple((index.shorts[member.fingerprint], member) for member in row.operations[:FULL] if full)
    return View(
        row,
        f"f-{short}",
        short,
        "\n".join([words.heading(row), *names[:FULL]] if len(names) > 1 else names),
        words.cut(visible(place), NAME),
        words.cut(visible(pointer), NAME),
        words.often(row.exchanges, row.of, row.where.direction),
        full,
        number < 2,
        observed,
        exchange,
        before,
        _excerpt(row) if full else (),
        members if len(members) > 1 else (),
        len(row.operations) - len(members),
        masked,
        life,
    )


def _excerpt(row: FindingRow) -> tuple[tuple[int, str, str, bool], ...]:
    """The lines of the declaration, without the indentation that they share."""
    lines = [(number, words.cut(text.expandtabs(2), NAME)) for number, text in row.excerpt[:40]]
    shared = min((len(text) - len(text.lstrip(" ")) for _, text in lines if text.strip()), default=0)
    line = row.location.line if row.location else None
    return tuple(
        (number, " " * (len(text) - len(bare) - shared), bare, number == line)
        for number, text in lines
        for bare in (text.lstrip(" "),)
    )


def _into_body(pointer: str | None) -> str | None:
    return pointer.removeprefix("body:") if pointer is not None else None


def _exchange(example: Example) -> str:
    """The exchange as text: the request, a blank line, the answer; bodies cut."""
    request, response = example.request, example.response
    lines = [f"{request.method} {words.cut(request.url, TEXT)}", *_headers(request.headers)]
    lines += _body(request.body, request.body_bytes)
    if response is None:
        return "\n".join([*lines, "", f"no answer: {words.cut(example.failure or 'none came', TEXT)}"])
    lines += ["", f"{response.status} {_phrase(response.status)}".rstrip(), *_headers(response.headers)]
    return "\n".join([*lines, *_body(response.body, response.body_bytes)])


def _headers(headers: Sequence[tuple[str, str]]) -> list[str]:
    shown = [f"{visible(words.cut(name, 200))}: {visible(words.cut(value, 500))}" for name, value in headers[:20]]
    return [*shown, *([f"… {len(headers) - 20:,} more headers"] if len(headers) > 20 else [])]


def _body(body: str | None, size: int) -> list[str]:
    if not body:
        return [] if not size else ["", f"({size:,} bytes that are no text)"]
    if len(body) <= LIMIT:
        return ["", body]
    return ["", body[: LIMIT // 2] + "…", f"({size:,} bytes, cut)"]


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def _told(example: Example) -> str:
    answer = str(example.response.status) if example.response else "no answer"
    return f"{example.request.method} {words.cut(visible(example.request.url), NAME)} → {answer}"


def _tally(report: Report) -> dict[str, list[tuple[str, int]]]:
    """The choices of the filters, each with how many findings it leaves."""
    findings = report.findings
    levels, states = Counter(row.level for row in findings), Counter(row.state for row in findings)
    operations: Counter[str] = Counter()
    for row in findings:
        names = _names(row)
        operations.update(set(names[:FULL]))
    return {
        "level": [(name, levels[name]) for name in words.LEVELS if levels[name]],
        "state": [(name, states[name]) for name in words.STATES if states[name]],
        "rule": sorted(Counter(row.rule for row in findings).items()),
        "operation": sorted(operations.items(), key=lambda item: (item[0].partition(" ")[2], item[0])),
    }


def _rules(report: Report) -> list[tuple[str, str, str, int]]:
    """Each rule that found something: its findings by level, by state, and how many operations they reach."""
    rules: dict[str, list[FindingRow]] = {}
    for row in report.findings:
        rules.setdefault(row.rule, []).append(row)
    return [
        (
            rule,
            words.counts((row.level for row in rows), words.LEVELS, noun=True),
            words.counts((row.state for row in rows), words.STATES),
            len({name for row in rows if words.operation(row) or row.operations for name in _names(row)}),
        )
        for rule, rows in sorted(rules.items())
    ]
