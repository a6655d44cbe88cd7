"""GitHub Flavored Markdown, as the formats share it. It is no format itself.

Whatever comes from the API or the document stands in code, so that it can be no mention, link, image, formula or HTML.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from contract.core.report import FindingRow, Place, Report, Verdict
from contract.reports import _changes as changes
from contract.reports import _generated as targets
from contract.reports import _words as words
from contract.reports._words import visible

ROWS = 50
"""Rows of a table, worst first; the HTML report has them all."""
CELL = 60
"""Characters of a value in a table."""

SEALS = {0: "✓", 1: "✗"}
_LEVELS = {"error": "✗ error", "warning": "⚠ warning", "note": "ⓘ note"}
_MARKS = {"met": "✓", "miss": "✗", "none": "?"}

# Words that GitHub or GitLab makes something of, wherever they stand: mentions, addresses, links, issue numbers,
# commits, labels, formulas, emoji.
_ACTIVE = re.compile(
    r"[^\s`]*(?:@|://|\bwww\.|[#!~$%&]\w|\bGH-\d|\b[0-9a-f]{7,40}\b|:\w+:|\bmailto:|\bjavascript:)[^\s`]*", re.I
)
_MARKUP = re.compile(r"([\\`*_\[\]|~>$])")
_BEGINNING = re.compile(r"^(\s*)([#+=-]|\d+(?=[.)]))")  # of a heading or a list, where the text begins a line


def code(text: str, limit: int = CELL, *, table: bool = False) -> str:
    """The text as a code span: a longer fence than any run of backticks in it (CommonMark 0.31, 6.1)."""
    text = words.cut(visible(text), limit)
    if not text:
        return "(empty)"
    if table:
        # A pipe ends a cell even in code, and a backslash before an escaped pipe is read in two ways.
        text = re.sub(r"(\\?)\|", lambda match: r"\x7c" if match[1] else r"\|", text)
    fence = "`" * (max(map(len, re.findall("`+", text)), default=0) + 1)
    pad = " " if text[0] == "`" or text[-1] == "`" or (text[0] == text[-1] == " " and text.strip()) else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def prose(text: str, limit: int = 300, *, table: bool = False) -> str:
    """The sentence with its `code` kept as code, what looks active put into code, and the rest without any markup."""
    text = words.cut(visible(text), limit)
    out: list[str] = []
    for index, part in enumerate(re.split(r"(?<!`)`(?!`)([^`]+)`(?!`)", text)):
        if index % 2:
            out.append(code(part, limit, table=table))
            continue
        at = 0
        for match in _ACTIVE.finditer(part):
            out += (_plain(part[at : match.start()]), code(match[0], limit, table=table))
            at = match.end()
        out.append(_plain(part[at:]))
    return "".join(out)


def _plain(text: str) -> str:
    # An entity instead of a backslash where HTML would begin: it holds in every renderer.
    text = text.replace("&", "&amp;").replace("<", "&lt;")
    return _BEGINNING.sub(_unbegun, _MARKUP.sub(r"\\\1", text))


def _unbegun(match: re.Match[str]) -> str:
    return f"{match[1]}{match[2]}\\" if match[2].isdigit() else f"{match[1]}\\{match[2]}"


def table(head: str, rows: list[str]) -> str:
    return "\n".join([*head.splitlines(), *rows])


def fence(text: str, language: str, limit: int) -> str:
    """A code block, with a longer fence than any run of backticks in it."""
    text = visible(words.cut(text, limit), lines=True)
    fence = "`" * max(3, max(map(len, re.findall("`+", text)), default=0) + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def steps(report: Report) -> Iterator[str]:
    """Steps to a verdict, where there is none."""
    if report.outcome.todo:
        yield "\n".join(f"{number}. {prose(step, 400)}" for number, step in enumerate(report.outcome.todo, 1))


def figure_table(report: Report) -> str:
    """The three figures; beside them, where there is a base report, what it had and what changed."""
    deltas = {delta.name: delta for delta in changes.deltas(report)}
    rows = []
    for figure in words.figures(report):
        value = f"{figure.value} {figure.unit}" if figure.unit == "%" else figure.value
        verdict = f"{_MARKS[figure.mark]} {figure.verdict}"
        delta = deltas.get(figure.name)
        beside = f" {delta.then} | {delta.change} |" if delta else ""
        rows.append(
            f"| {figure.name} | **{value}** |{beside} {figure.target} | {verdict} | {prose(figure.evidence, table=True)} |"
        )
    if deltas:
        return table("| | | base | change | target | verdict | evidence |\n|---|--:|--:|--:|--:|---|---|", rows)
    return table("| | | target | verdict | evidence |\n|---|--:|--:|---|---|", rows)


def finding_table(findings: Iterable[FindingRow], names: dict[str, str]) -> str:
    """One row for each; `names` are their short forms (`words.shorts`)."""
    rows = [finding_row(finding, names) for finding in findings]
    return table("| | where | declared → observed | state | |\n|---|---|---|---|---|", rows)


def finding_row(finding: FindingRow, names: dict[str, str]) -> str:
    place, pointer = words.where(finding)
    where = " ".join(code(part, table=True) for part in (place, pointer) if part)
    declared = "nothing" if finding.declared is None else code(finding.declared, table=True)
    observed = "nothing" if finding.observed is None else f"**{code(finding.observed, table=True)}**"
    often = words.often(finding.exchanges, finding.of, finding.where.direction)
    cells = (
        _LEVELS.get(finding.level, finding.level),
        f"{code(words.heading(finding), 120, table=True)}<br>{code(finding.rule, table=True)}{' · ' if where else ''}{where}",
        f"{declared} → {observed}{' in ' if often else ''}{often}",
        finding.state,
        code(names[finding.fingerprint], table=True),
    )
    return "| " + " | ".join(cells) + " |"


def detail(finding: FindingRow, names: dict[str, str]) -> Iterator[str]:
    """Why it may be believed, how it is put right, and how it is repeated."""
    said = [f"**{code(names[finding.fingerprint])}**"]
    if finding.location:
        said.append(code(place_of(finding.location), 120))
    if finding.message:
        said.append(prose(finding.message))
    if finding.intermittent:
        said.append(f"It {words.rate(finding)}.")
    if finding.shares:
        said.append(f"In the sampled bodies: {prose(', '.join(finding.shares))}.")
    if len(finding.operations) > 1:
        listed = [code(name) for name in words.reached(finding)]
        said.append(f"Reaches {words.listed(listed, 20)}.")
    if finding.fix.document:
        said.append(f"In the document: {prose(finding.fix.document)}")
    if finding.fix.server:
        said.append(f"In the server: {prose(finding.fix.server)}")
    detail = f" ({prose(finding.proof_detail)})" if finding.proof_detail else ""
    said.append(f"Proof: {finding.proof}{detail}.")
    if finding.first_seen and finding.last_seen:
        said.append(f"First seen {_moment(finding.first_seen)}, last seen {_moment(finding.last_seen)}.")
    if finding.reason:
        until = f" until {prose(words.day(finding.until), 40)}" if finding.until else ""
        said.append(f"{finding.state.capitalize()}{until}: {prose(finding.reason)}")
    yield " ".join(said)
    if finding.fix.change:
        yield fence(finding.fix.change, "diff", 600)
    if finding.curl:
        yield fence(finding.curl, "sh", 1000)


def _moment(text: str) -> str:
    moment = words.moment(text)
    return moment[0] if moment else prose(text, 40)


def place_of(place: Place) -> str:
    return f"{place.file}:{place.line}"


def generated_code(report: Report) -> Iterator[str]:
    """A section per target; one of which there is no more to tell is a line."""
    for it in targets.sections(report):
        where = f" in {code(it.row.path)}" if it.row.path is not None else ""
        yield f"#### Generated: {code(it.row.name)}{where}, {it.figure}"
        yield f"{it.counts}. {it.fresh}".strip()
        rows = [
            f"| {code(one.pointer, 120, table=True)} | {prose(one.step, 40, table=True)} | "
            f"{prose(one.reason, table=True)} |"
            for one in it.failures[:ROWS]
        ]
        if rows:
            yield table("| not proven | step | reason |\n|---|---|---|", rows)
        rows = [
            f"| {code(file.file, 120, table=True)} | {prose(targets.stale(file), table=True)} |"
            for file in it.stale[:ROWS]
        ]
        if rows:
            yield table("| stale or edited | |\n|---|---|", rows)
        if it.changes:
            yield "For users of the client:"
            yield "\n".join(
                f"- {'**Breaking:** ' if change.breaking else ''}{prose(change.words)}" for change in it.changes[:ROWS]
            )
        if it.notes:
            yield "\n".join(f"- {prose(note)}" for note in it.notes[:ROWS])
        left = sum(targets.more(ROWS, each) for each in (it.failures, it.stale, it.changes, it.notes))
        if left:
            yield f"and {left:,} more: `--format html` shows all."


def source_table(report: Report) -> Iterator[str]:
    if not report.sources:
        return
    rows = []
    for source in report.sources:
        seen = [] if source.exchanges is None else [words.plural(source.exchanges, "exchange")]
        if source.items is not None:
            seen.append(f"{source.items:,} {prose(source.unit or 'items', 40, table=True)}")
        took = "" if source.elapsed_us is None else words.duration(source.elapsed_us)
        mark = {Verdict.PASS: "✓", Verdict.FAIL: "✗", Verdict.ERROR: "!"}.get(source.verdict, "?")
        detail = code(source.detail, 80, table=True) if source.detail else ""
        if source.message:
            detail += f"{'<br>' if detail else ''}{prose(source.message, table=True)}"
        name = prose(source.name, 40, table=True)
        rows.append(f"| {name} | {mark} {words.SOURCE_WORDS[source.verdict]} | {detail} | {', '.join(seen)} | {took} |")
    yield table("| source | | | seen | took |\n|---|---|---|--:|--:|", rows)


def unchecked_table(report: Report) -> Iterator[str]:
    rows = words.unchecked(report)
    if not rows:
        return
    yield "#### Not checked"
    lines = []
    for row in rows:
        listed = words.listed([code(name, table=True) for name in row.names], 5)
        lines.append(f"| {row.many} | {row.what} | {listed} | {prose(row.why, 160, table=True)} |")
    yield table("| how many | what | which | why |\n|--:|---|---|---|", lines)


def within(blocks: Iterable[str], last: str, limit: int) -> str:
    """The blocks in their order, as many as there is room for beside the last one, in bytes; says how many are missing."""
    blocks = list(blocks)
    room = limit - len(last.encode("utf-8", "backslashreplace")) - 200
    kept: list[str] = []
    for block in blocks:
        room -= len(block.encode("utf-8", "backslashreplace")) + 2
        if room < 0:
            left = words.plural(len(blocks) - len(kept), "part")
            kept.append(f"There is no room for {left} more: the HTML report has all of it.")
            break
        kept.append(block)
    return "\n\n".join([*kept, last]) + "\n"


def foot(report: Report) -> str:
    """What was checked, where and by what, in small letters."""
    run, document = report.run, report.document
    parts = [f"{code(document.path)} (OpenAPI {code(document.openapi, 12)})"]
    if report.target:
        parts.append(f"target {code(report.target)}")
    for name, value in (("environment", run.environment), ("release", run.release), ("commit", run.commit)):
        if value:
            parts.append(f"{name} {code(value, 40)}")
    if run.seed is not None:
        parts.append(f"seed {run.seed}")
    parts.append(f"contract {code(report.tool.version, 20)}")
    parts.append(words.duration(run.elapsed_us))
    return f"<sup>{', '.join(parts)}</sup>"
