"""SARIF 2.1.0: findings as results at lines of files, for code scanning and whatever else reads it.

What GitHub makes of it: an alert is known again by `primaryLocationLineHash`, which is our fingerprint here, so that it
outlives edits of the document; of a run 5,000 results are kept; what is left out is an alert that was fixed. So what is
accepted is a suppressed result, and what is absent is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import orjson

from contract.core import rule as rules
from contract.core.report import FindingRow, Place, Report, Verdict
from contract.reports import _marks as marks
from contract.reports import _words as words
from contract.reports._words import visible

MEDIA_TYPE = "application/sarif+json"
SUFFIX = ".sarif"

LIMIT = 5000
"""Results that GitHub keeps of a run; it refuses a file with more than 25,000."""
RELATED = 100
"""Locations of one result that GitHub keeps."""
_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_ROOT = "%SRCROOT%"
_SEVERITIES = {"error": "error", "warning": "warning", "note": "recommendation"}
_LEVELS = frozenset({"error", "warning", "note"})
_SUPPRESSED = ("accepted", "exempt")


def render(report: Report) -> str:
    """One run with its results worst first, suppressed ones last."""
    found = [row for row in report.findings if row.state != "absent"]
    found.sort(key=lambda row: row.state in _SUPPRESSED)
    undecided = marks.is_undecided(report)
    kept, left = found[: LIMIT - undecided], found[LIMIT - undecided :]
    names = sorted({*report.run.rules, *(row.rule for row in kept), *([marks.NO_VERDICT] if undecided else [])})
    index = {name: number for number, name in enumerate(names)}
    results = [_undecided(report, index)] if undecided else []
    results += [_result(report, row, index) for row in kept]
    if any(row.state in _SUPPRESSED for row in kept):
        for result in results:  # all or none of them say (3.27.23)
            result.setdefault("suppressions", [])
    run: dict[str, Any] = {
        "tool": {
            "driver": {
                "name": report.tool.name,
                "version": visible(report.tool.version),
                "rules": [_rule(name) for name in names],
            }
        },
        "automationDetails": {"id": _category(report)},
        "originalUriBaseIds": {_ROOT: {"description": {"text": "The folder that the run was started in."}}},
        "invocations": [_invocation(report, left)],
        "columnKind": "unicodeCodePoints",
        "results": results,
    }
    if left:
        run["properties"] = {"resultsLeftOut": len(left)}
    log = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return orjson.dumps(log, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()


def _category(report: Report) -> str:
    """`contract/DOCUMENT/RUN`: what stands before the last slash is GitHub's category, the same from run to run."""
    parts = ("contract", report.document.path.strip("/"), report.run.environment or "", report.run.id.replace("/", "-"))
    return quote("/".join(words.cut(visible(part), 120) for part in parts if part), safe="/")


def _rule(name: str) -> dict[str, Any]:
    known = rules.pages().get(name)
    if name == marks.NO_VERDICT:
        title, page, level = "The run neither passed nor failed.", _NO_VERDICT, "error"
    elif known is not None:
        title, page, level = known.title, known.doc, known.level.value
    else:
        title = page = "A rule of another release of contract, or of a plug-in that is not here."
        level = "warning"
    return {
        "id": visible(name),
        "name": "".join(part.capitalize() for part in re.findall("[A-Za-z0-9]+", name)) or "Rule",
        "shortDescription": {"text": title},
        "fullDescription": {"text": page.split("\n\n")[0].replace("\n", " ")},
        "help": {"text": page.replace("**", ""), "markdown": page},
        "defaultConfiguration": {"level": level},
        "properties": {"tags": ["contract", "openapi"], "precision": "high", "problem.severity": _SEVERITIES[level]},
    }


_NO_VERDICT = """\
The run neither passed nor failed.

**Why it matters**: too little was exercised, or a source of evidence failed. That nothing was found proves nothing.

**How to fix**: the message says what is missing, the cheapest step first."""


def _undecided(report: Report, index: dict[str, int]) -> dict[str, Any]:
    where = marks.first_line(report)
    name = f"{marks.NO_VERDICT}:{report.document.path}"
    result = {
        "ruleId": marks.NO_VERDICT,
        "ruleIndex": index[marks.NO_VERDICT],
        "level": "error",
        "message": {"text": _plain(marks.no_verdict(report)) + "."},
        "locations": [_location(where)],
        "partialFingerprints": {"contractFinding/v1": visible(name), "primaryLocationLineHash": visible(name)},
    }
    return result | ({"baselineState": "new"} if report.earlier is not None else {})


def _result(report: Report, finding: FindingRow, index: dict[str, int]) -> dict[str, Any]:
    place = marks.place(report, finding)
    location = _location(place, finding)
    fingerprint = visible(finding.fingerprint)
    result: dict[str, Any] = {
        "ruleId": visible(finding.rule),
        "ruleIndex": index[finding.rule],
        "level": finding.level if finding.level in _LEVELS else "none",
        "message": {"text": _plain(f"{marks.headline(finding)}: {marks.sentence(finding)}")},
        "locations": [location],
        "partialFingerprints": {"contractFinding/v1": fingerprint, "primaryLocationLineHash": fingerprint},
        "properties": dict(_properties(finding)),
    }
    related = list(_related(report, finding))[:RELATED]
    if related:
        result["relatedLocations"] = related
    if report.earlier is not None:
        result["baselineState"] = "new" if finding.state in ("new", "regressed") else "unchanged"
    if finding.state in _SUPPRESSED:
        until = f", until {finding.until}" if finding.until else ""
        said = words.cut(visible(f"{finding.reason or 'accepted'}{until}"), 400)
        result["suppressions"] = [{"kind": "external", "status": "accepted", "justification": said}]
    return result


def _location(place: Place, finding: FindingRow | None = None) -> dict[str, Any]:
    # `surrogateescape`: a file name that is no UTF-8 keeps its bytes.
    uri = quote(place.file, safe="/", errors="surrogateescape")
    physical: dict[str, Any] = {
        "artifactLocation": {"uri": uri, "uriBaseId": _ROOT},
        "region": {"startLine": place.line},
    }
    location: dict[str, Any] = {"physicalLocation": physical}
    if finding is None:
        return location
    lines = {number: words.cut(visible(text), 200) for number, text in finding.excerpt}
    if place.line in lines and finding.location is not None and finding.location.line == place.line:
        physical["region"]["snippet"] = {"text": lines[place.line]}
        around = {"startLine": min(lines), "endLine": max(lines), "snippet": {"text": "\n".join(lines.values())}}
        if len(lines) > 1:
            physical["contextRegion"] = around
    names = dict.fromkeys(words.cut(visible(name), 300) for name in words.reached(finding) or [words.heading(finding)])
    location["logicalLocations"] = [{"fullyQualifiedName": name, "kind": "member"} for name in list(names)[:RELATED]]
    return location


def _related(report: Report, finding: FindingRow) -> Iterator[dict[str, Any]]:
    """Where the operations are declared that a folded finding reaches."""
    if len(finding.operations) < 2:
        return
    reached = frozenset(words.reached(finding))
    for number, row in enumerate((row for row in report.operations if row.key in reached), 1):
        if row.location is not None:
            where = marks.place(report, _at(finding, row.location))
            yield {"id": number, **_location(where), "message": {"text": _plain(words.cut(visible(row.key), 200))}}


def _at(finding: FindingRow, place: Place) -> FindingRow:
    from dataclasses import replace

    return replace(finding, location=place, operations=())


def _properties(finding: FindingRow) -> Iterator[tuple[str, Any]]:
    where = finding.where
    values = {
        "state": finding.state,
        "direction": where.direction,
        "status": where.status,
        "mediaType": where.media_type,
        "pointer": where.pointer,
        "declared": finding.declared,
        "observed": finding.observed,
        "proof": finding.proof,
        "proofDetail": finding.proof_detail,
        "curl": finding.curl,
    }
    for name, value in values.items():
        if value is not None:
            yield name, words.cut(visible(value, lines=name == "curl"), 1000 if name == "curl" else 300)
    if finding.exchanges is not None:
        yield "exchanges", finding.exchanges
    if finding.of is not None:
        yield "of", finding.of


def _invocation(report: Report, left: list[FindingRow]) -> dict[str, Any]:
    outcome = report.outcome
    made: dict[str, Any] = {
        "executionSuccessful": not marks.is_undecided(report),
        "exitCode": outcome.exit_code,
        "exitCodeDescription": words.cut(visible(outcome.sentence), 400),
    }
    if started := words.moment(report.run.started_at):
        begin = datetime.fromisoformat(started[1]).astimezone(UTC)
        end = begin + timedelta(microseconds=min(report.run.elapsed_us, 10**13))
        made |= {"startTimeUtc": _utc(begin), "endTimeUtc": _utc(end)}
    said = [
        (f"{s.name} failed to measure: {s.message or s.detail}", "error")
        for s in report.sources
        if s.verdict is Verdict.ERROR
    ]
    said += [(note, "note") for note in report.run.notes]
    if left:
        levels = words.counts((row.level for row in left), words.LEVELS, noun=True)
        said.append((f"{len(left):,} findings are left out ({levels}): {LIMIT:,} results of a run are kept", "warning"))
    if said:
        made["toolExecutionNotifications"] = [
            {"level": level, "message": {"text": _plain(words.cut(visible(text), 400))}} for text, level in said
        ]
    return made


def _utc(when: datetime) -> str:
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _plain(text: str) -> str:
    r"""The text without what SARIF reads as a link, `[text](target)`, or as a placeholder, `{0}` (3.11.5, 3.11.6)."""
    text = re.sub(r"\[(?=[^\[\]]*\]\()", r"\\[", text)
    return re.sub(r"\{(\d+)\}", r"{{\1}}", text)
