"""What the formats that mark lines of files have in common: which findings, where, and in what words. It is no format."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from contract.core.report import FindingRow, Place, Report
from contract.reports import _words as words
from contract.reports._words import visible

NO_VERDICT = "no-verdict"
"""Stands where a rule's id stands, so that a run that proves nothing is not read as one that found nothing."""


def is_undecided(report: Report) -> bool:
    """True if the run neither passed nor failed, so that silence means nothing."""
    return report.outcome.exit_code not in (0, 1)


def shown(report: Report) -> list[FindingRow]:
    """The findings that count: new, or known from the base report; accepted, exempt and absent ones do not."""
    return [row for row in report.findings if row.state in words.OPEN]


def place(report: Report, finding: FindingRow) -> Place:
    """A line of a file of the repository: of the declaration, else of the operation, else the document's first."""
    reached = set(words.reached(finding)) or {words.heading(finding)}
    for candidate in (finding.location, *(row.location for row in report.operations if row.key in reached)):
        if candidate is not None and (path := _inside(candidate.file)) is not None:
            return Place(path, max(1, candidate.line))
    return first_line(report)


def first_line(report: Report) -> Place:
    """Where a message about all of it stands: the document's first line."""
    path = report.document.path
    return Place(_inside(path) or posixpath.basename(path.rstrip("/")) or "openapi", 1)


def _inside(path: str) -> str | None:
    """The path without `./`; None for a URL, and for what leads out of the folder that the run was started in."""
    if "://" in path or not path.strip():
        return None
    plain = posixpath.normpath(path)
    return None if plain.startswith(("/", "../")) or plain in (".", "..") else plain


def headline(finding: FindingRow) -> str:
    """`GET /tasks/{id} · 200 application/json /due_at`."""
    parts = (words.heading(finding), " ".join(part for part in words.where(finding) if part))
    return " · ".join(words.cut(visible(part), 160) for part in parts if part)


def sentence(finding: FindingRow) -> str:
    """`declared: string; observed: null in 38 of 121 answers. Why.`"""
    return ". ".join(line.rstrip(".") for line in facts(finding)) + "."


def facts(finding: FindingRow) -> Iterator[str]:
    """Declared beside observed, then why, and through which operations it is reached; each on one line."""
    often = words.often(finding.exchanges, finding.of, finding.where.direction)
    yield f"declared: {_value(finding.declared)}; observed: {_value(finding.observed)}{f' in {often}' if often else ''}"
    if finding.message:
        yield words.cut(visible(finding.message), 300)
    if finding.intermittent:
        yield words.rate(finding)
    if len(finding.operations) > 1:
        yield f"reaches {words.listed([words.cut(visible(name), 80) for name in words.reached(finding)], 10)}"


def fixes(finding: FindingRow) -> Iterator[str]:
    """How it is put right, on either side."""
    for side, text in (("document", finding.fix.document), ("server", finding.fix.server)):
        if text:
            yield f"in the {side}: {words.cut(visible(text), 300)}"


def no_verdict(report: Report) -> str:
    """Why there is no verdict, and what would give one."""
    return ". ".join(
        words.cut(visible(text), 400).rstrip(".") for text in (report.outcome.sentence, *report.outcome.todo)
    )


def _value(text: str | None) -> str:
    return "nothing" if text is None else words.cut(visible(text), 200)
