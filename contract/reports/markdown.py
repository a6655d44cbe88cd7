"""The report as GitHub Flavored Markdown: for a job's summary, a comment, an e-mail.

Whatever comes from the API or the document stands in code, so that it can be no mention, link, image, formula or HTML.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from contract.core.report import FindingRow, Place, Report, Verdict
from contract.reports import _words as words
from contract.reports._words import visible

MEDIA_TYPE = "text/markdown"
SUFFIX = ".md"

ROWS = 50
"""Findings in the table, worst first; the HTML report has them all."""
DETAILS = 20
"""Findings with their example, their `curl` line and their fix."""
CELL = 60
"""Characters of a value in a table."""

_SEALS = {0: "✓", 1: "✗"}
_LEVELS = {"error": "✗ error", "warning": "⚠ warning", "note": "ⓘ note"}
_MARKS = {"met": "✓", "miss": "✗", "none": "?"}

# Words that GitHub or GitLab makes something of, wherever they stand: mentions, addresses, links, issue numbers,
# commits, labels, formulas, emoji.
_ACTIVE = re.compile(
    r"[^\s`]*(?:@|://|\bwww\.|[#!~$%&]\w|\bGH-\d|\b[0-9a-f]{7,40}\b|:\w+:|\bmailto:|\bjavascript:)[^\s`]*", re.I
)
_MARKUP = re.compile(r"([\\`*_\[\]|~>$])")
_BEGINNING = re.compile(r"^(\s*)([#+=-]|\d+(?=[.)]))")  # of a heading or a list, where the text begins a line


def render(report: Report) -> str:
    """The sentence first, then figures, findings, their details, sources, and what was not checked."""
    names = words.shorts(report.findings)
    blocks = [
        f"### {_SEALS.get(report.outcome.exit_code, '?')} {_prose(report.outcome.sentence, 400)}",
        " ".join(_prose(sentence) for sentence in words.about(report)),
        *_todo(report),
        _figures(report),
        *_findings(report, names),
        *_sources(report),
        *_unchecked(report),
        _foot(report),
    ]
    return "\n\n".join(blocks) + "\n"


def _code(text: str, limit: int = CELL, *, table: bool = False) -> str:
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


def _prose(text: str, limit: int = 300, *, table: bool = False) -> str:
    """The sentence with its `code` kept as code, what looks active put into code, and the rest without any markup."""
    text = words.cut(visible(text), limit)
    out: list[str] = []
    for index, part in enumerate(re.split(r"(?<!`)`(?!`)([^`]+)`(?!`)", text)):
        if index % 2:
            out.append(_code(part, limit, table=table))
            continue
        at = 0
        for match in _ACTIVE.finditer(part):
            out += (_plain(part[at : match.start()]), _code(match[0], limit, table=table))
            at = match.end()
        out.append(_plain(part[at:]))
    return "".join(out)


def _plain(text: str) -> str:
    # An entity instead of a backslash where HTML would begin: it holds in every renderer.
    text = text.replace("&", "&amp;").replace("<", "&lt;")
    return _BEGINNING.sub(_unbegun, _MARKUP.sub(r"\\\1", text))


def _unbegun(match: re.Match[str]) -> str:
    return f"{match[1]}{match[2]}\\" if match[2].isdigit() else f"{match[1]}\\{match[2]}"


def _table(head: str, rows: list[str]) -> str:
    return "\n".join([*head.splitlines(), *rows])


def _todo(report: Report) -> Iterator[str]:
    if report.outcome.todo:
        yield "\n".join(f"{number}. {_prose(step, 400)}" for number, step in enumerate(report.outcome.todo, 1))


def _figures(report: Report) -> str:
    rows = []
    for figure in words.figures(report):
        value = f"{figure.value} {figure.unit}" if figure.unit == "%" else figure.value
        verdict = f"{_MARKS[figure.mark]} {figure.verdict}"
        rows.append(
            f"| {figure.name} | **{value}** | {figure.target} | {verdict} | {_prose(figure.evidence, table=True)} |"
        )
    return _table("| | | target | verdict | evidence |\n|---|--:|--:|---|---|", rows)


def _findings(report: Report, names: dict[str, str]) -> Iterator[str]:
    if not report.findings:
        return
    levels = words.counts((f.level for f in report.findings), words.LEVELS, noun=True)
    states = words.counts((f.state for f in report.findings), words.STATES)
    yield f"#### Findings: {levels} ({states})"
    rows = [_row(finding, names) for finding in report.findings[:ROWS]]
    yield _table("| | where | declared → observed | state | |\n|---|---|---|---|---|", rows)
    more = report.findings[ROWS:]
    if more:
        levels = words.counts((f.level for f in more), words.LEVELS, noun=True)
        yield f"and {len(more):,} more ({levels}): `--format html` shows all."
    yield "<details><summary>Repeat and fix</summary>"
    for finding in report.findings[:DETAILS]:
        yield from _detail(finding, names)
    if len(report.findings) > DETAILS:
        yield f"The first {DETAILS} of {len(report.findings):,} findings; `--format html` shows all."
    yield "</details>"


def _row(finding: FindingRow, names: dict[str, str]) -> str:
    place, pointer = words.where(finding)
    where = " ".join(_code(part, table=True) for part in (place, pointer) if part)
    declared = "nothing" if finding.declared is None else _code(finding.declared, table=True)
    observed = "nothing" if finding.observed is None else f"**{_code(finding.observed, table=True)}**"
    often = words.often(finding.exchanges, finding.of, finding.where.direction)
    cells = (
        _LEVELS.get(finding.level, finding.level),
        f"{_code(words.heading(finding), 120, table=True)}<br>`{finding.rule}`{' · ' if where else ''}{where}",
        f"{declared} → {observed}{' in ' if often else ''}{often}",
        finding.state,
        f"`{names[finding.fingerprint]}`",
    )
    return "| " + " | ".join(cells) + " |"


def _detail(finding: FindingRow, names: dict[str, str]) -> Iterator[str]:
    said = [f"**`{names[finding.fingerprint]}`**"]
    if finding.location:
        said.append(_code(_place(finding.location), 120))
    if finding.message:
        said.append(_prose(finding.message))
    if finding.intermittent:
        said.append(f"It {words.rate(finding)}.")
    if finding.shares:
        said.append(f"In the sampled bodies: {_prose(', '.join(finding.shares))}.")
    if len(finding.operations) > 1:
        listed = [_code(name) for name in words.reached(finding)]
        said.append(f"Reaches {words.listed(listed, 20)}.")
    if finding.fix.document:
        said.append(f"In the document: {_prose(finding.fix.document)}")
    if finding.fix.server:
        said.append(f"In the server: {_prose(finding.fix.server)}")
    detail = f" ({_prose(finding.proof_detail)})" if finding.proof_detail else ""
    said.append(f"Proof: {finding.proof}{detail}.")
    if finding.reason:
        until = f" until {_prose(words.day(finding.until), 40)}" if finding.until else ""
        said.append(f"{finding.state.capitalize()}{until}: {_prose(finding.reason)}")
    yield " ".join(said)
    if finding.fix.change:
        yield _fence(finding.fix.change, "diff", 600)
    if finding.curl:
        yield _fence(finding.curl, "sh", 1000)


def _fence(text: str, language: str, limit: int) -> str:
    text = visible(words.cut(text, limit), lines=True)
    fence = "`" * max(3, max(map(len, re.findall("`+", text)), default=0) + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def _place(place: Place) -> str:
    return f"{place.file}:{place.line}"


def _sources(report: Report) -> Iterator[str]:
    if not report.sources:
        return
    rows = []
    for source in report.sources:
        seen = [] if source.exchanges is None else [words.plural(source.exchanges, "exchange")]
        if source.items is not None:
            seen.append(f"{source.items:,} {_prose(source.unit or 'items', 40, table=True)}")
        took = "" if source.elapsed_us is None else words.duration(source.elapsed_us)
        mark = {Verdict.PASS: "✓", Verdict.FAIL: "✗", Verdict.ERROR: "!"}.get(source.verdict, "?")
        detail = _code(source.detail, 80, table=True) if source.detail else ""
        if source.message:
            detail += f"{'<br>' if detail else ''}{_prose(source.message, table=True)}"
        name = _prose(source.name, 40, table=True)
        rows.append(f"| {name} | {mark} {words.SOURCE_WORDS[source.verdict]} | {detail} | {', '.join(seen)} | {took} |")
    yield _table("| source | | | seen | took |\n|---|---|---|--:|--:|", rows)


def _unchecked(report: Report) -> Iterator[str]:
    rows = words.unchecked(report)
    if not rows:
        return
    yield "#### Not checked"
    lines = []
    for row in rows:
        listed = words.listed([_code(name, table=True) for name in row.names], 5)
        lines.append(f"| {row.many} | {row.what} | {listed} | {_prose(row.why, 160, table=True)} |")
    yield _table("| how many | what | which | why |\n|--:|---|---|---|", lines)


def _foot(report: Report) -> str:
    run, document = report.run, report.document
    parts = [f"{_code(document.path)} (OpenAPI {_code(document.openapi, 12)})"]
    if report.target:
        parts.append(f"target {_code(report.target)}")
    for name, value in (("environment", run.environment), ("release", run.release), ("commit", run.commit)):
        if value:
            parts.append(f"{name} {_code(value, 40)}")
    if run.seed is not None:
        parts.append(f"seed {run.seed}")
    parts.append(f"contract {_code(report.tool.version, 20)}")
    parts.append(words.duration(run.elapsed_us))
    return f"<sup>{', '.join(parts)}</sup>"
