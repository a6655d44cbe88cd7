"""The report as GitHub Flavored Markdown: for an e-mail, a page, a ticket."""

from __future__ import annotations

from collections.abc import Iterator

from contract.core.report import Report
from contract.reports import _changes as changes
from contract.reports import _gfm as gfm
from contract.reports import _words as words

MEDIA_TYPE = "text/markdown"
SUFFIX = ".md"

DETAILS = 20
"""Findings with their example, their `curl` line and their fix."""


def render(report: Report) -> str:
    """The sentence first, then figures, findings, their details, sources, and what was not checked."""
    names = words.shorts(report.findings)
    blocks = [
        f"### {gfm.SEALS.get(report.outcome.exit_code, '?')} {gfm.prose(report.outcome.sentence, 400)}",
        " ".join(gfm.prose(sentence) for sentence in words.about(report)),
        *gfm.steps(report),
        gfm.figure_table(report),
        *changes.gone(report),
        *_findings(report, names),
        *gfm.generated_code(report),
        *gfm.source_table(report),
        *gfm.unchecked_table(report),
        gfm.foot(report),
    ]
    return "\n\n".join(blocks) + "\n"


def _findings(report: Report, names: dict[str, str]) -> Iterator[str]:
    if not report.findings:
        return
    levels = words.counts((f.level for f in report.findings), words.LEVELS, noun=True)
    states = words.counts((f.state for f in report.findings), words.STATES)
    yield f"#### Findings: {levels} ({states})"
    yield gfm.finding_table(report.findings[: gfm.ROWS], names)
    more = report.findings[gfm.ROWS :]
    if more:
        levels = words.counts((f.level for f in more), words.LEVELS, noun=True)
        yield f"and {len(more):,} more ({levels}): `--format html` shows all."
    yield "<details><summary>Repeat and fix</summary>"
    for finding in report.findings[:DETAILS]:
        yield from gfm.detail(finding, names)
    if len(report.findings) > DETAILS:
        yield f"The first {DETAILS} of {len(report.findings):,} findings; `--format html` shows all."
    yield "</details>"
