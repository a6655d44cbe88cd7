"""JUnit XML: each operation is a test, so that a CI system shows by name and over time which of them keep the contract.

What nobody looked at is skipped and never passed; a source that failed is an error; a test has one failure at most.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from contract.core.finding import Level
from contract.core.report import FindingRow, OperationRow, Report, Verdict
from contract.reports import _marks as marks
from contract.reports import _words as words
from contract.reports._words import visible

MEDIA_TYPE = "application/xml"
SUFFIX = ".xml"

TOLD = 20
"""Findings that the failure of one operation tells."""
_KINDS = ("failure", "error", "skipped")


@dataclass(frozen=True, slots=True)
class _Test:
    suite: str
    name: str
    kind: str | None = None  # None for passed
    type: str = ""
    message: str = ""
    text: str = ""
    said: str = ""
    """What is known or below the gate: told beside the result, and no failure."""
    elapsed_us: int = 0


def render(report: Report) -> str:
    """Three suites: the run and its sources, the document, the operations."""
    tests = [_verdict(report), *_sources(report), _document(report), *_operations(report)]
    suites: dict[str, list[_Test]] = defaultdict(list)
    for test in tests:
        suites[test.suite].append(test)
    root = ET.Element("testsuites", {"name": "contract", "time": _seconds(report.run.elapsed_us), **_counts(tests)})
    for name, members in suites.items():
        root.append(_suite(report, name, members))
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _suite(report: Report, name: str, tests: list[_Test]) -> ET.Element:
    skipped = str(sum(test.kind == "skipped" for test in tests))
    elapsed = sum(test.elapsed_us for test in tests)
    attributes = {"name": name, "time": _seconds(elapsed), **_counts(tests), "skipped": skipped}
    if started := words.moment(report.run.started_at):
        attributes["timestamp"] = started[1]
    suite = ET.Element("testsuite", attributes)
    if name == _RUN:
        properties = ET.SubElement(suite, "properties")
        for key, value in _facts(report):
            ET.SubElement(properties, "property", {"name": key, "value": words.cut(visible(value), 400)})
    for test in tests:
        names = {"classname": test.suite, "name": test.name, "time": _seconds(test.elapsed_us)}
        case = ET.SubElement(suite, "testcase", names)
        if test.kind is not None:
            result = ET.SubElement(case, test.kind, {"message": test.message})
            if test.type:
                result.set("type", test.type)
            result.text = test.text or None
        if test.said:
            ET.SubElement(case, "system-out").text = test.said
    return suite


def _counts(tests: Iterable[_Test]) -> dict[str, str]:
    kinds = [test.kind for test in tests]
    return {"tests": str(len(kinds)), "failures": str(kinds.count("failure")), "errors": str(kinds.count("error"))}


def _seconds(us: int) -> str:
    return f"{us / 1_000_000:.3f}"


_RUN, _DOCUMENT, _OPERATIONS = "contract.run", "contract.document", "contract.operations"


def _facts(report: Report) -> Iterable[tuple[str, str]]:
    yield "document", report.document.path
    for figure in words.figures(report):
        yield figure.name.lower(), f"{figure.value} {figure.unit}".strip()
        yield f"{figure.name.lower()}.evidence", figure.evidence
    run = report.run
    for name, value in (("environment", run.environment), ("release", run.release), ("commit", run.commit)):
        if value:
            yield name, value


def _verdict(report: Report) -> _Test:
    outcome = report.outcome
    kind = {0: None, 1: "failure"}.get(outcome.exit_code, "error")
    steps = "\n".join(words.cut(visible(step), 400) for step in outcome.todo)
    return _Test(_RUN, "verdict", kind, f"exit {outcome.exit_code}", words.cut(visible(outcome.sentence), 400), steps)


def _sources(report: Report) -> Iterable[_Test]:
    for source in report.sources:
        name = words.cut(visible(f"{source.name}: {source.detail}" if source.detail else source.name), 200)
        said = words.cut(visible(source.message or ""), 400)
        kind = None
        if source.verdict is Verdict.ERROR:
            kind = "error"
        elif source.verdict not in (Verdict.PASS, Verdict.FAIL):
            kind, said = "skipped", said or "it had nothing to say"
        yield _Test(_RUN, name, kind, "", said or "failed to measure", elapsed_us=source.elapsed_us or 0)


def _document(report: Report) -> _Test:
    own = [row for row in report.findings if row.operation is None and not row.operations]
    return _judged(report, _DOCUMENT, words.cut(visible(report.document.path), 200), own, None)


def _operations(report: Report) -> Iterable[_Test]:
    of: dict[str, list[FindingRow]] = defaultdict(list)
    for row in report.findings:
        for key in dict.fromkeys(words.reached(row)) if row.operations else [words.heading(row)]:
            of[key].append(row)
    silent = {item.operation: item.reason for item in report.unchecked}
    for operation in report.operations:
        missing = _missing(report, operation, silent)
        yield _judged(report, _OPERATIONS, _name(operation.key), of.get(operation.key, []), missing)
    told = {operation.key for operation in report.operations}
    for item in report.excluded:
        if item.operation not in told:
            reason = words.cut(visible(f"excluded: {item.reason}" if item.reason else "excluded"), 300)
            yield _Test(_OPERATIONS, _name(item.operation), "skipped", "", reason)


def _name(key: str) -> str:
    return words.cut(visible(key), 300)


def _missing(report: Report, operation: OperationRow, silent: dict[str, str]) -> str | None:
    """Why the operation cannot have passed; None if there is evidence."""
    if operation.key in silent:
        return silent[operation.key]
    if not operation.declared:
        return "not in the document, so nothing says what it should do"
    if operation.exchanges:
        # An answer of its own, as `exercised` counts it: traffic that is all refused or broken shows nothing of it.
        statuses = operation.exercised.statuses
        own = [code for code in statuses if code < "500" and code not in ("401", "403", "404", "405", "429")]
        return None if own else f"no answer of its own: {', '.join(statuses) or 'none'}"
    if report.target is None and not report.kpis.drift.exchanges and operation.implemented:
        return None  # only the routes were asked about, and it is among them
    return "no exchange was seen"


def _judged(report: Report, suite: str, name: str, found: list[FindingRow], missing: str | None) -> _Test:
    gate = Level(report.outcome.gate).rank
    failing = [row for row in found if row.state in ("new", "regressed") and Level(row.level).rank >= gate]
    others = [row for row in found if row not in failing and row.state != "absent"]
    said = _told(others)
    if failing:
        first = f"{failing[0].rule}: {marks.headline(failing[0])}"
        more = f" (and {words.plural(len(failing) - 1, 'finding')} more)" if len(failing) > 1 else ""
        return _Test(suite, name, "failure", visible(failing[0].rule), first + more, _told(failing), said)
    if missing is not None:
        return _Test(suite, name, "skipped", "", words.cut(visible(missing), 300), said=said)
    return _Test(suite, name, said=said)


def _told(findings: list[FindingRow]) -> str:
    lines: list[str] = []
    for row in findings[:TOLD]:
        at = f" at {visible(row.location.file)}:{row.location.line}" if row.location else ""
        lines.append(f"{row.level} {row.state} {visible(row.rule)}: {marks.headline(row)}{words.cut(at, 200)}")
        lines += [f"  {text}" for text in (*marks.facts(row), *(f"fix {fix}" for fix in marks.fixes(row)))]
        if row.curl:
            lines.append(f"  repeat {words.cut(visible(row.curl, lines=True), 600)}")
    if len(findings) > TOLD:
        lines.append(f"and {len(findings) - TOLD:,} more")
    return "\n".join(lines)
