"""The summary of a GitHub job: what is new first, what is known folded away, and never more than GitHub takes."""

from __future__ import annotations

from collections.abc import Iterator

from contract.core.report import Report
from contract.reports import _changes as changes
from contract.reports import _gfm as gfm
from contract.reports import _words as words

MEDIA_TYPE = "text/markdown"
SUFFIX = ".md"

LIMIT = 1 << 20
"""Bytes that GitHub takes of one step; it refuses a longer summary as a whole."""
DETAILS = 20


def render(report: Report) -> str:
    """Blocks in the order of the questions: is it all right, how do you know, what do I do."""
    names = words.shorts(report.findings)
    head = [
        f"### {gfm.SEALS.get(report.outcome.exit_code, '?')} {gfm.prose(report.outcome.sentence, 400)}",
        " ".join(gfm.prose(sentence) for sentence in words.about(report)),
        *gfm.steps(report),
        gfm.figure_table(report),
        *changes.gone(report),
        *_new(report, names),
        *_known(report, names),
        *gfm.generated_code(report),
        *_folded("Sources", gfm.source_table(report)),
        *_folded("Not checked", gfm.unchecked_table(report)),
    ]
    return gfm.within(head, gfm.foot(report), LIMIT)


def _new(report: Report, names: dict[str, str]) -> Iterator[str]:
    new = [row for row in report.findings if row.state in ("new", "regressed")]
    if not new:
        return
    yield f"### New: {words.counts((row.level for row in new), words.LEVELS, noun=True)}"
    yield gfm.finding_table(new[: gfm.ROWS], names)
    if len(new) > gfm.ROWS:
        levels = words.counts((row.level for row in new[gfm.ROWS :]), words.LEVELS, noun=True)
        yield f"and {len(new) - gfm.ROWS:,} more ({levels}): the HTML report has all of them."
    told = [text for row in new[:DETAILS] for text in gfm.detail(row, names)]
    if len(new) > DETAILS:
        told.append(f"The first {DETAILS} of {len(new):,} findings; the HTML report has all of them.")
    yield from _folded("Repeat and fix", told)


def _known(report: Report, names: dict[str, str]) -> Iterator[str]:
    known = [row for row in report.findings if row.state not in ("new", "regressed", "absent")]
    if not known:
        return
    rows = [gfm.finding_table(known[: gfm.ROWS], names)]
    if len(known) > gfm.ROWS:
        rows.append(f"and {len(known) - gfm.ROWS:,} more: the HTML report has all of them.")
    yield from _folded(f"Known before: {words.counts((row.state for row in known), words.STATES)}", rows)


def _folded(title: str, blocks: list[str] | Iterator[str]) -> Iterator[str]:
    """One block, so that a limit never parts it from its end."""
    inner = [block for block in blocks if not block.startswith("#### ")]
    if inner:
        yield "\n\n".join([f"<details><summary>{title}</summary>", *inner, "</details>"])
