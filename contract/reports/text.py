"""The report for a terminal: is it all right, how do you know, what do I do; the last line is the verdict."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from contract.core.report import FindingRow, Place, Report, Verdict
from contract.reports import _generated as generated
from contract.reports import _words as words
from contract.reports._words import visible

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

MEDIA_TYPE = "text/plain"
SUFFIX = ".txt"

FULL = 10
"""Findings that are told in full; the first run never drowns anyone."""
PASTE = 400
"""Characters of a `curl` line that a terminal is given; a longer one is in the other reports."""

_STYLES = {
    "error": "bold red",
    "warning": "yellow",
    "note": "blue",
    "met": "green",
    "miss": "bold red",
    "none": "bold",
    "soft": "dim",
}
_SOURCES = {Verdict.PASS: "met", Verdict.FAIL: "miss", Verdict.ERROR: "miss"}


def render(report: Report, *, color: bool = False, width: int = 100, written: Sequence[str] = ()) -> str:
    """Lines of at most `width` columns, `curl` lines excepted, since a broken one could not be pasted.

    `written` names the report files that the last line points to.
    """
    from io import StringIO

    from rich.console import Console

    out = StringIO()
    console = Console(
        file=out,
        width=max(40, width),
        force_terminal=color,
        color_system="standard" if color else None,
        no_color=not color,
        legacy_windows=False,
        highlight=False,
        markup=False,
        emoji=False,
        _environ={},
    )
    for block in _blocks(report, written, console.width):
        console.print(block, soft_wrap=getattr(block, "no_wrap", False) is True)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def _blocks(report: Report, written: Sequence[str], width: int) -> Iterator[RenderableType]:
    yield _head(report)
    yield ""
    if report.sources:
        yield _sources(report)
        said = [
            (words.cut(visible(s.name), 24), words.cut(visible(s.message), 300)) for s in report.sources if s.message
        ]
        if said:
            yield _grid([("", f"{name}: {message}") for name, message in said])
        yield ""
    yield _figures(report)
    yield ""
    fresh = [finding for finding in report.findings if finding.state == "new"]
    names = words.shorts(report.findings)
    declared = {row.key: row.location for row in report.operations}
    for heading, group in words.grouped(fresh[:FULL]):
        yield from _group(heading, group, names, declared.get(heading), width)
    yield from _rest(report, fresh)
    yield from _generated(report)
    yield from _unchecked(report)
    notes = [*([] if report.run.complete else ["The run was stopped before its end."]), *report.run.notes]
    if notes:
        yield from (_plain(words.cut(visible(note), 300)) for note in notes)
        yield ""
    if report.outcome.todo:
        yield _plain("To get a verdict:")
        yield _grid([(f"  {n}.", words.cut(visible(step), 400)) for n, step in enumerate(report.outcome.todo, 1)])
        yield ""
    yield _last(report, written)


def _text(text: str, style: str = "") -> Text:
    from rich.text import Text

    return Text(text, style=_STYLES.get(style, style), overflow="fold")


def _plain(text: str) -> Text:
    return _text(text)


def _grid(rows: Iterable[tuple[RenderableType | str, ...]], right: int | None = None) -> RenderableType:
    """Columns that fold instead of cutting; the `right` one stands at the right edge."""
    from rich.table import Table

    rows = list(rows)
    table = Table.grid(padding=(0, 2), expand=right is not None)
    for index in range(max(map(len, rows), default=0)):
        last = index == right
        table.add_column(
            overflow="fold",
            justify="right" if last else "left",
            no_wrap=False,
            ratio=1 if right is not None and index == 0 else None,
        )
    for row in rows:
        table.add_row(*(_plain(cell) if isinstance(cell, str) else cell for cell in row))
    return table


def _head(report: Report) -> Text:
    document = report.document
    parts = (
        f"{report.tool.name} {report.tool.version}",
        document.path,
        f"OpenAPI {document.openapi}",
        words.plural(document.operations, "operation"),
    )
    head = _plain(" · ".join(words.cut(visible(part), 120) for part in parts))
    if report.target:
        head.append(f" → {words.cut(visible(report.target), 120)}")
    return head


def _sources(report: Report) -> RenderableType:
    rows: list[tuple[RenderableType | str, ...]] = []
    for source in report.sources:
        seen = [] if source.exchanges is None else [words.plural(source.exchanges, "exchange")]
        if source.items is not None:
            seen.append(f"{source.items:,} {visible(source.unit or 'items')}")
        took = "" if source.elapsed_us is None else words.duration(source.elapsed_us)
        verdict = _text(words.SOURCE_WORDS[source.verdict], _SOURCES.get(source.verdict, "none"))
        rows.append(
            (
                "",
                words.cut(visible(source.name), 24),
                verdict,
                words.cut(visible(source.detail), 120),
                words.cut(" · ".join(seen), 60),
                _text(took, "soft"),
            )
        )
    return _grid(rows)


def _figures(report: Report) -> RenderableType:
    rows: list[tuple[RenderableType | str, ...]] = []
    for figure in words.figures(report):
        value = f"{figure.value} {figure.unit}" if figure.unit == "%" else figure.value
        verdict = "missed, " + figure.verdict if figure.verdict.startswith(("below", "above")) else figure.verdict
        verdict = "undecided, " + verdict if verdict.startswith("needs") else verdict
        verdict = "" if verdict == value else verdict
        rows.append(
            (
                "",
                figure.name.lower(),
                _text(value, figure.mark if figure.mark == "miss" else "bold"),
                visible(figure.evidence),
                _text(verdict, figure.mark),
            )
        )
    return _grid(rows)


def _group(
    heading: str, group: list[FindingRow], names: dict[str, str], declared: Place | None, width: int
) -> Iterator[RenderableType]:
    first = group[0]
    title = visible(heading)
    if len(first.operations) > 1:
        title += " with one cause"
    places = {f.location for f in group}
    place = first.location if len(places) == 1 else declared
    left, right = _text(words.cut(title, 200), "bold"), _text(words.cut(_place(place), 200), "soft")
    if left.cell_len + right.cell_len + 2 > width:
        yield from (left, _grid([("", right)]))
    else:
        yield _grid([(left, right)], right=1)
    for finding in group:
        yield _title(finding)
        yield from _facts(finding, names, tell_place=len(places) > 1)
    yield ""


def _place(place: Place | None) -> str:
    return f"{visible(place.file)}:{place.line}" if place else ""


def _title(finding: FindingRow) -> RenderableType:
    place, pointer = words.where(finding)
    line = _text(finding.rule, "bold")
    for part in (place, pointer):
        if part:
            line.append(f"  {words.cut(visible(part), 200)}", style="not bold")
    return _grid([("", _text(f"{finding.level:7}", finding.level), line)])


def _facts(finding: FindingRow, names: dict[str, str], *, tell_place: bool) -> Iterator[RenderableType]:
    short = names[finding.fingerprint]
    often = words.often(finding.exchanges, finding.of, finding.where.direction)
    rows: list[tuple[str, str]] = []
    if len(finding.operations) > 1:
        listed = [visible(name) for name in words.reached(finding)]
        rows.append(("in", words.listed([words.cut(name, 80) for name in listed], 3)))
    rows.append(("declared", "nothing" if finding.declared is None else _value(finding.declared)))
    observed = "nothing" if finding.observed is None else _value(finding.observed)
    rows.append(("observed", f"{observed}, in {often}" if often else observed))
    if finding.intermittent:
        rows.append(("rate", words.rate(finding)))
    if finding.shares:
        rows.append(("in all", f"{_value(', '.join(finding.shares))}, in the sampled bodies"))
    if finding.message:
        rows.append(("because", _value(finding.message)))
    if tell_place and finding.location:
        rows.append(("at", _place(finding.location)))
    yield _grid([("", " " * 7, _text(name, "soft"), value) for name, value in rows])
    if finding.curl:
        yield from _repeat(finding.curl, short)
    both = [(_value(text), side) for text, side in ((finding.fix.document, "document"), (finding.fix.server, "server"))]
    fixes = [(text, side) for text, side in both if text]
    rows = [("fix", f"in the {side}: {text}") for text, side in fixes]
    if finding.fix.change:
        rows += [("", words.cut(visible(line), 200)) for line in finding.fix.change.split("\n")[:12]]
    proof = finding.proof if not finding.proof_detail else f"{finding.proof}: {_value(finding.proof_detail)}"
    rows.append(("proof", proof))
    again = f" · contract replay {short}" if finding.example or finding.curl else ""
    rows.append(("more", f"contract explain {finding.rule}{again}"))
    yield _grid([("", " " * 7, _text(f"{name:8}" if name else "", "soft"), value) for name, value in rows])


def _value(text: str | None) -> str:
    return words.cut(visible(text or ""), 300)


def _repeat(curl: str, short: str) -> Iterator[RenderableType]:
    if len(curl) > PASTE:
        yield _grid([("", " " * 7, _text("repeat  ", "soft"), f"contract replay {short} (the request is long)")])
        return
    # One line that the terminal folds by itself: what this program breaks cannot be pasted into a shell.
    lines = visible(curl, lines=True).replace("\t", "\\t").split("\n")
    for index, line in enumerate(lines):
        text = _text(" " * 11)
        text.append("repeat    " if index == 0 else " " * 10, style=_STYLES["soft"])
        text.append(line)
        text.no_wrap = True
        yield text


def _rest(report: Report, fresh: list[FindingRow]) -> Iterator[RenderableType]:
    more = fresh[FULL:]
    if more:
        levels = words.counts((f.level for f in more), words.LEVELS, noun=True)
        yield _plain(
            f"and {len(more):,} more ({levels}): `--format html` shows all; `--baseline contract.baseline.json` "
            "accepts what is there today, so that only new drift fails"
        )
        yield ""
    known = [finding.state for finding in report.findings if finding.state != "new"]
    if known:
        until = sorted({words.day(visible(f.until)) for f in report.findings if f.state == "exempt" and f.until})
        ends = f" (until {words.listed([words.cut(day, 40) for day in until], 3)})" if until else ""
        yield _plain(f"Known before: {words.counts(known, words.STATES)}{ends}; `--format html` shows them.")
        yield ""


def _generated(report: Report) -> Iterator[RenderableType]:
    """A target of which there is no more to tell than its figure has been told above."""
    for it in generated.sections(report):
        if it.quiet:
            continue
        title = _text(words.cut(visible(f"{it.row.name} client"), 60), "bold")
        title.append(f"  {it.figure}, {it.counts}", style="not bold")
        yield title
        rows: list[tuple[RenderableType | str, ...]] = []
        for one in it.failures[:FULL]:
            reason = f"{words.cut(visible(one.pointer), 120)}: {visible(one.step)}: {_value(one.reason)}"
            rows.append(("", _text("unproven", "error"), reason))
        for file in it.stale[:FULL]:
            said = f"{words.cut(visible(file.file), 120)} {_value(generated.stale(file))}"
            rows.append(("", _text("stale", "error"), said))
        for change in it.changes[:FULL]:
            mark = _text("breaking", "warning") if change.breaking else _text("changed", "soft")
            rows.append(("", mark, _value(change.words)))
        rows += [("", _text("note", "note"), _value(note)) for note in it.notes[:FULL]]
        left = sum(generated.more(FULL, each) for each in (it.failures, it.stale, it.changes, it.notes))
        if left:
            rows.append(("", "", f"and {left:,} more: `--format html` shows all"))
        yield _grid(rows)
        yield ""


def _unchecked(report: Report) -> Iterator[RenderableType]:
    rows = words.unchecked(report)
    if not rows:
        return
    yield _plain("Not checked:")
    yield _grid(
        [
            (
                "",
                _right(row.many),
                f"{row.what}: {words.listed([words.cut(visible(name), 60) for name in row.names], 3)}"
                f" ({words.cut(visible(row.why), 120)})",
            )
            for row in rows
        ]
    )
    yield ""


def _right(text: str) -> Text:
    made = _plain(text)
    made.justify = "right"
    return made


def _last(report: Report, written: Sequence[str]) -> Text:
    outcome = report.outcome
    style = {0: "bold green", 1: "bold red"}.get(outcome.exit_code, "bold")
    line = _text(words.cut(visible(outcome.sentence), 400), style)
    for path in written:
        line.append(f" · report {visible(path)}", style="not bold")
    line.append(f" · exit {outcome.exit_code}", style="not bold")
    return line
