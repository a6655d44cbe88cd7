"""What changed since the base report: the three figures, and what is no longer found. It is no format itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from contract.core.report import FindingRow, Kpis, Ratio, Report
from contract.reports import _words as words


@dataclass(frozen=True, slots=True)
class Delta:
    """A figure then and now, in words that mean the same without colour."""

    name: str
    then: str
    change: str
    better: bool | None
    """None where nothing changed, or one side has no evidence."""


def deltas(report: Report) -> tuple[Delta, ...]:
    """One for each headline figure, in their order; none without a base report."""
    if report.earlier is None:
        return ()
    now, then = report.kpis, report.earlier.kpis
    return (
        _of_shares("Completeness", *_completeness(then), *_completeness(now)),
        _of_counts("Drift", then.drift.count, now.drift.count),
        _of_shares("Generation", *_generation(then), *_generation(now)),
    )


def gone(report: Report) -> Iterator[str]:
    """A sentence on what the base report had and this one has not, if there is any such."""
    rows = absent(report)
    if not rows:
        return
    held = sum(row.proof == "structural" for row in rows)
    said = []
    if held:
        said.append(f"{words.plural(held, 'finding')} of the base report {'is' if held == 1 else 'are'} gone")
    if len(rows) > held:
        what = words.plural(len(rows) - held, "finding") if not held else f"{len(rows) - held:,}"
        was = "was" if len(rows) - held == 1 else "were"
        said.append(f"{what} {'of it ' if not held else ''}{was} not seen, and nobody looked there again")
    yield "; ".join(said) + "."


def absent(report: Report) -> list[FindingRow]:
    """What only the base report had."""
    if report.earlier is None:
        return []
    return [row for row in report.findings if row.state == "absent" and row.reason is None]


def _completeness(kpis: Kpis) -> tuple[int | None, int | None]:
    return kpis.completeness.part, kpis.completeness.whole


def _generation(kpis: Kpis) -> tuple[int | None, int | None]:
    return kpis.generation.part, kpis.generation.whole


def _of_shares(name: str, part: int | None, whole: int | None, now: int | None, of: int | None) -> Delta:
    then = str(Ratio(part, whole)) if part is not None and whole is not None else "no evidence"
    if part is None or not whole or now is None or not of:
        return Delta(name, then, "", None)
    # Exact, so that two shares that differ never look the same.
    difference = now * whole - part * of
    if difference == 0:
        return Delta(name, then, "±0", None)
    tenths = round(1000 * abs(difference) / (whole * of))
    size = f"{tenths / 10:.1f}" if tenths else "less than 0.1"
    return Delta(name, then, f"{_sign(difference)}{size} points", difference > 0)


def _of_counts(name: str, then: int | None, now: int | None) -> Delta:
    if then is None or now is None:
        return Delta(name, "no evidence" if then is None else words.number(then), "", None)
    difference = now - then
    if difference == 0:
        return Delta(name, words.number(then), "±0", None)
    return Delta(name, words.number(then), f"{_sign(difference)}{abs(difference):,}", difference < 0)


def _sign(difference: int) -> str:
    return "+" if difference > 0 else "\u2212"
