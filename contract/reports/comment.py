"""The body of a comment on a pull request, which is edited in place: what is new, beside what the base had.

The first line is a mark that nobody sees, by which the comment is found again: `<!-- contract:DOCUMENT -->`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from contract.core.report import FindingRow, Report
from contract.reports import _changes as changes
from contract.reports import _gfm as gfm
from contract.reports import _words as words

MEDIA_TYPE = "text/markdown"
SUFFIX = ".md"

LIMIT = 65_000
"""Bytes; GitHub takes 65,536 characters, and whoever posts it may want to add a line with a link."""
ROWS = 10


def render(report: Report) -> str:
    """The mark, the verdict, and no more than a line where nothing is new."""
    seal = gfm.SEALS.get(report.outcome.exit_code, "?")
    sentence = gfm.prose(report.outcome.sentence, 400)
    new = [row for row in report.findings if row.state in ("new", "regressed")]
    if report.outcome.exit_code == 0 and not new:
        said = "; ".join(_figures(report))
        gone = "".join(f" {text}" for text in changes.gone(report))
        return f"{marker(report)}\n{seal} **{sentence}** ({said}).{gone}\n"
    blocks = [
        f"{marker(report)}\n### {seal} {sentence}",
        *gfm.steps(report),
        gfm.figure_table(report),
        *_new(report, new),
        *changes.gone(report),
        *_known(report),
    ]
    return gfm.within(blocks, gfm.foot(report), LIMIT)


def marker(report: Report) -> str:
    """The first line, the same for all reports on one document; only letters that can end no comment stand in it."""
    name = re.sub(r"[^A-Za-z0-9._/]+", "-", report.document.path).strip("-")
    return f"<!-- contract:{words.cut(name, 120).replace('…', '')} -->"


def _figures(report: Report) -> Iterator[str]:
    """`completeness 93.3 % (+6.7 points)`."""
    deltas = {delta.name: delta.change for delta in changes.deltas(report)}
    for figure in words.figures(report):
        value = f"{figure.value} {figure.unit}" if figure.unit == "%" else figure.value
        change = deltas.get(figure.name)
        yield f"{figure.name.lower()} {value}{f', {change} since the base' if change else ''}"


def _new(report: Report, new: list[FindingRow]) -> Iterator[str]:
    if not new:
        return
    names = words.shorts(report.findings)
    yield gfm.finding_table(new[:ROWS], names)
    if len(new) > ROWS:
        levels = words.counts((row.level for row in new[ROWS:]), words.LEVELS, noun=True)
        yield f"and {len(new) - ROWS:,} more ({levels}): the HTML report of this run has all of them."
    told = [text for row in new[:ROWS] for text in gfm.detail(row, names)]
    yield "\n\n".join(["<details><summary>Repeat and fix</summary>", *told, "</details>"])


def _known(report: Report) -> Iterator[str]:
    known = [row.state for row in report.findings if row.state not in ("new", "regressed", "absent")]
    if known:
        yield f"Known before, and not told again: {words.counts(known, words.STATES)}."
