"""SARIF, held against the OASIS schema and against Microsoft's validator with GitHub's rules."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import jsonschema_rs
import pytest

from contract.core import rule
from contract.core.report import FindingRow, Place, Report
from contract.reports import sarif
from tests.reports.samples import COMPARED, SAMPLES, many
from tests.reports.validators import multitool

REPORTS: dict[str, Report] = {**SAMPLES, **COMPARED, "many": many()}


def run_of(report: Report) -> dict[str, Any]:
    (run,) = json.loads(sarif.render(report))["runs"]
    assert isinstance(run, dict)
    return run


def one(finding: FindingRow) -> dict[str, Any]:
    """The result of a report with this finding alone."""
    (result,) = run_of(replace(SAMPLES["drift"], findings=(finding,)))["results"]
    assert isinstance(result, dict)
    return result


FIRST = SAMPLES["drift"].findings[0]


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((multitool() / "sarif-2.1.0.json").read_text("utf-8-sig"))
    assert found["title"] == "Static Analysis Results Format (SARIF) Version 2.1.0 JSON Schema"
    return found


@pytest.mark.parametrize("sample", REPORTS)
def test_the_oasis_schema_accepts_each_report(sample: str, schema: dict[str, Any]) -> None:
    log = json.loads(sarif.render(REPORTS[sample]))
    jsonschema_rs.Draft202012Validator(schema).validate(log)
    if sample != "many":
        jsonschema.Draft202012Validator(schema).validate(log)


def test_the_oasis_schema_refuses_what_is_wrong(schema: dict[str, Any]) -> None:
    log = json.loads(sarif.render(SAMPLES["drift"]))
    log["runs"][0]["results"][0]["level"] = "fatal"
    assert not jsonschema_rs.Draft202012Validator(schema).is_valid(log)


POLICY = """<?xml version="1.0" encoding="utf-8"?>
<Properties>
  <Properties Key="SARIF2006.UrisShouldBeReachable.Options">
    <Property Key="RuleEnabled" Value="Disabled" Type="Microsoft.CodeAnalysis.Sarif.Driver.RuleEnabledState" />
  </Properties>
</Properties>
"""


def validated(folder: Path, logs: dict[str, dict[str, Any]]) -> dict[str, set[str]]:
    """By file the rules that it breaks, at error or warning. The program exits 0 whatever it finds."""
    tools = multitool()
    program = next(path for path in (tools / "Sarif.Multitool", tools / "Sarif.Multitool.exe") if path.exists())
    program.chmod(0o755)
    (folder / "policy.xml").write_text(POLICY)
    for name, log in logs.items():
        (folder / f"{name}.sarif").write_text(json.dumps(log))
    done = subprocess.run(
        [
            *(str(program), "validate", *(f"{name}.sarif" for name in logs), "--rule-kind", "Sarif;Gh"),
            *("--config", "policy.xml", "--output", "found.out", "--level", "Error;Warning", "--log", "ForceOverwrite"),
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
        env={"HOME": str(folder), "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1", "PATH": "/usr/bin:/bin"},
    )
    assert f"{len(logs)} files scanned." in done.stdout, done.stdout + done.stderr
    found: dict[str, set[str]] = {name: set() for name in logs}
    for result in json.loads((folder / "found.out").read_text("utf-8-sig"))["runs"][0]["results"]:
        uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        found[uri.rpartition("/")[2].removesuffix(".sarif")].add(result["ruleId"])
    return found


@pytest.mark.slow
def test_the_sarif_multitool_accepts_each_report_by_github_s_rules(tmp_path: Path) -> None:
    logs = {sample: json.loads(sarif.render(report)) for sample, report in REPORTS.items()}
    bare = json.loads(sarif.render(SAMPLES["drift"]))
    bare["runs"][0]["results"][0]["locations"] = []
    del bare["runs"][0]["tool"]["driver"]["rules"][0]["help"]
    found = validated(tmp_path, {**logs, "bare": bare})
    # SARIF2005, an `informationUri`, is missing everywhere: what cannot be read has no finding at all, not even that.
    assert found.pop("bare") == {"GH1015", "GH1017", "GH2012", "SARIF2005"}
    assert found == {sample: {"SARIF2005"} for sample in REPORTS}


def test_a_result_is_known_again_by_our_fingerprint_wherever_it_stands() -> None:
    moved = replace(FIRST, location=Place("specs/demo.yaml", 999), message="Worded anew.")
    known = {"contractFinding/v1": FIRST.fingerprint, "primaryLocationLineHash": FIRST.fingerprint}
    assert [one(FIRST)["partialFingerprints"], one(moved)["partialFingerprints"]] == [known, known]


def test_a_rule_s_docstring_is_its_help() -> None:
    (found,) = [each for each in run_of(SAMPLES["drift"])["tool"]["driver"]["rules"] if each["id"] == FIRST.rule]
    page = rule.pages()[FIRST.rule]
    assert found["help"] == {"text": page.doc.replace("**", ""), "markdown": page.doc}
    assert (found["shortDescription"]["text"], found["defaultConfiguration"]) == (page.title, {"level": "error"})


def test_rules_that_found_nothing_are_listed_where_the_run_tells_which_were_asked() -> None:
    clean = SAMPLES["clean"]
    run = run_of(replace(clean, run=replace(clean.run, rules=("response-schema", "from-a-plug-in"))))
    assert [each["id"] for each in run["tool"]["driver"]["rules"]] == ["from-a-plug-in", "response-schema"]
    assert run["results"] == []


def test_levels_and_suppressions_are_those_of_the_report() -> None:
    results = run_of(SAMPLES["drift"])["results"]
    levels = [result["level"] for result in results if not result["suppressions"]]
    assert levels == ["error", "error", "error", "warning", "note", "note", "note", "note"]
    assert [(each["ruleId"], each["suppressions"]) for each in results if each["suppressions"]] == [
        (
            "undeclared-media-type",
            [
                {
                    "kind": "external",
                    "status": "accepted",
                    "justification": "the converter moves to the worker, #482, until 2026-12-31",
                }
            ],
        )
    ]


def test_against_a_base_report_each_result_says_whether_it_is_new() -> None:
    results = run_of(COMPARED["compared"])["results"]
    assert {(result["properties"]["state"], result["baselineState"]) for result in results} == {
        ("new", "new"),
        ("unchanged", "unchanged"),
        ("exempt", "unchanged"),
    }
    assert "baselineState" not in json.dumps(run_of(SAMPLES["drift"])["results"])


def test_what_github_would_drop_is_left_out_and_counted() -> None:
    run = run_of(many(5003))
    assert (len(run["results"]), run["properties"]) == (5000, {"resultsLeftOut": 3})
    (said,) = run["invocations"][0]["toolExecutionNotifications"]
    assert said == {
        "level": "warning",
        "message": {"text": "3 findings are left out (3 notes): 5,000 results of a run are kept"},
    }
    states = [result["properties"]["state"] for result in run["results"]]
    assert states.index("accepted") == len(states) - states.count("accepted"), "suppressed ones go first"


@pytest.mark.parametrize("sample", ["undecided", "no-evidence", "failed-source"])
def test_a_run_without_a_verdict_is_a_result_and_no_silence(sample: str) -> None:
    run = run_of(SAMPLES[sample])
    (result,) = run["results"]
    assert (result["ruleId"], result["level"]) == ("no-verdict", "error")
    assert run["invocations"][0]["executionSuccessful"] is False
    assert run["invocations"][0]["exitCode"] == 3


@pytest.mark.parametrize(
    ("file", "uri"),
    [
        ("./specs/a b.yaml", "specs/a%20b.yaml"),
        ("specs/../api.yaml", "api.yaml"),
        ("specs/\udcff.yaml", "specs/%FF.yaml"),
        ("a:b.yaml", "a%3Ab.yaml"),
        ("https://example.com/task.yaml", "specs/demo.yaml"),
        ("/etc/task.yaml", "specs/demo.yaml"),
        ("../task.yaml", "specs/demo.yaml"),
    ],
)
def test_a_location_is_a_relative_uri_within_the_repository(file: str, uri: str) -> None:
    (location,) = one(replace(FIRST, location=Place(file, 3)))["locations"]
    assert location["physicalLocation"]["artifactLocation"] == {"uri": uri, "uriBaseId": "%SRCROOT%"}


def test_a_finding_without_a_place_stands_at_its_operation() -> None:
    (location,) = one(replace(FIRST, location=None))["locations"]
    assert location["physicalLocation"]["region"] == {"startLine": 212}


def test_a_message_holds_no_link_and_no_placeholder() -> None:
    text = one(replace(FIRST, message="[see](https://evil.example) and {0}, [1], {id}"))["message"]["text"]
    assert text.endswith(r"\[see](https://evil.example) and {{0}}, [1], {id}.")


def test_a_folded_finding_leads_to_each_operation_that_it_reaches() -> None:
    (folded,) = [row for row in SAMPLES["drift"].findings if len(row.operations) > 1]
    result = one(folded)
    lines = [each["physicalLocation"]["region"]["startLine"] for each in result["relatedLocations"]]
    assert lines == [row.location.line for row in SAMPLES["drift"].operations[:14] if row.location]
    assert [each["id"] for each in result["relatedLocations"]] == list(range(1, 15))


def test_the_category_is_the_same_from_run_to_run() -> None:
    ids = []
    for number in ("r-1", "r-2"):
        report = SAMPLES["drift"]
        ids.append(run_of(replace(report, run=replace(report.run, id=number)))["automationDetails"]["id"])
    assert ids == ["contract/specs/demo.yaml/ci/r-1", "contract/specs/demo.yaml/ci/r-2"]
