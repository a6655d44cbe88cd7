"""GitLab's code quality report: findings in the merge request, which GitLab compares with the target branch by itself."""

from __future__ import annotations

import hashlib
from typing import Any

import orjson

from contract.core.report import FindingRow, Place, Report
from contract.reports import _marks as marks
from contract.reports import _words as words
from contract.reports._words import visible

MEDIA_TYPE = "application/json"
SUFFIX = ".json"

_SEVERITIES = {"error": "critical", "warning": "major", "note": "minor"}


def render(report: Report) -> str:
    """An array of issues. A run without a verdict is an issue of its own, since an empty array says that all is well."""
    issues = []
    if marks.is_undecided(report):
        key = f"{marks.NO_VERDICT}\0{report.document.path}"
        name = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:40]
        said = marks.no_verdict(report)
        issues.append(_issue(said, marks.NO_VERDICT, name, "blocker", marks.first_line(report)))
    for finding in marks.shown(report):
        said = f"{marks.headline(finding)}: {marks.sentence(finding)}"
        place = marks.place(report, finding)
        issues.append(_issue(said, finding.rule, finding.fingerprint, _severity(finding), place))
    return orjson.dumps(issues, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()


def _severity(finding: FindingRow) -> str:
    """`info` for what nobody can prove."""
    unproven = finding.level == "note" and finding.proof in ("unproven", "disputed")
    return "info" if unproven else _SEVERITIES.get(finding.level, "minor")


def _issue(description: str, check: str, fingerprint: str, severity: str, place: Place) -> dict[str, Any]:
    return {
        "description": words.cut(description, 1000),
        "check_name": visible(check),
        "fingerprint": visible(fingerprint),
        "severity": severity,
        "location": {"path": visible(place.file), "lines": {"begin": place.line}},
    }
