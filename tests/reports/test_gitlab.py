"""GitLab's code quality report, by the fields that its documentation names."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import jsonschema
import pytest

from contract.core.report import Place, Report
from contract.reports import gitlab
from tests.reports.samples import COMPARED, SAMPLES, many

REPORTS: dict[str, Report] = {**SAMPLES, **COMPARED, "many": many()}
SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "array",
    "items": {
        "type": "object",
        "additionalProperties": False,
        "required": ["description", "check_name", "fingerprint", "severity", "location"],
        "properties": {
            "description": {"type": "string", "minLength": 1, "maxLength": 1000, "pattern": "^[^\\x00-\\x1f\\x7f]*$"},
            "check_name": {"type": "string", "minLength": 1},
            "fingerprint": {"type": "string", "pattern": "^[0-9a-f]{40}$"},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "type": "object",
                "additionalProperties": False,
                "required": ["path", "lines"],
                "properties": {
                    "path": {"type": "string", "pattern": "^(?!/|\\./|\\.\\./|[a-z]+://).+$"},
                    "lines": {
                        "type": "object",
                        "additionalProperties": False,
                        "required": ["begin"],
                        "properties": {"begin": {"type": "integer", "minimum": 1}},
                    },
                },
            },
        },
    },
}


def issues(report: Report) -> list[dict[str, Any]]:
    found = json.loads(gitlab.render(report))
    assert isinstance(found, list)
    return found


@pytest.mark.parametrize("sample", REPORTS)
def test_the_schema_accepts_each_report_and_no_fingerprint_comes_twice(sample: str) -> None:
    found = issues(REPORTS[sample])
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.Draft202012Validator(SCHEMA).validate(found)
    assert len({issue["fingerprint"] for issue in found}) == len(found)


def test_the_file_has_no_byte_order_mark() -> None:
    assert gitlab.render(SAMPLES["clean"]) == "[]\n"


def test_an_issue_has_its_level_as_severity_and_what_is_unproven_is_info() -> None:
    assert [(issue["check_name"], issue["severity"], issue["location"]) for issue in issues(SAMPLES["drift"])] == [
        ("response-schema", "critical", {"path": "specs/demo.yaml", "lines": {"begin": 231}}),
        ("undeclared-status", "critical", {"path": "specs/demo.yaml", "lines": {"begin": 279}}),
        ("undeclared-operation", "critical", {"path": "contract/demo/app.py", "lines": {"begin": 388}}),
        ("undeclared-property", "major", {"path": "specs/demo.yaml", "lines": {"begin": 74}}),
        ("undeclared-parameter", "info", {"path": "specs/demo.yaml", "lines": {"begin": 170}}),
        ("missing-header", "minor", {"path": "specs/demo.yaml", "lines": {"begin": 512}}),
        ("valid-request-refused", "info", {"path": "specs/demo.yaml", "lines": {"begin": 318}}),
        ("response-without-schema", "minor", {"path": "specs/demo.yaml", "lines": {"begin": 424}}),
    ]


def test_the_fingerprint_is_ours_and_does_not_know_the_line() -> None:
    first = SAMPLES["drift"].findings[0]
    moved = replace(SAMPLES["drift"], findings=(replace(first, location=Place("specs/demo.yaml", 999)),))
    assert [issue["fingerprint"] for issue in issues(moved)] == [first.fingerprint]


@pytest.mark.parametrize("sample", ["undecided", "no-evidence", "failed-source"])
def test_a_run_without_a_verdict_is_an_issue_and_no_empty_list(sample: str) -> None:
    (only,) = issues(SAMPLES[sample])
    assert (only["check_name"], only["severity"]) == ("no-verdict", "blocker")
    assert only["description"].startswith(SAMPLES[sample].outcome.sentence)
