"""JUnit XML, held against the schema that pytest holds its own against."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest
import xmlschema

from contract.core.report import Report, Verdict
from contract.reports import junit
from tests.reports.samples import COMPARED, SAMPLES, many
from tests.reports.validators import junit_schema

REPORTS: dict[str, Report] = {**SAMPLES, **COMPARED, "many": many()}


@pytest.fixture(scope="module")
def schema() -> xmlschema.XMLSchema:
    return xmlschema.XMLSchema(str(junit_schema()))


def results(report: Report) -> dict[str, str]:
    """Of each test by name its result."""
    root = ET.fromstring(junit.render(report))
    found = {}
    for case in root.iter("testcase"):
        kinds = [child.tag for child in case if child.tag != "system-out"]
        assert len(kinds) <= 1, "Jenkins keeps one"
        found[f"{case.attrib['classname']} {case.attrib['name']}"] = kinds[0] if kinds else "passed"
    return found


@pytest.mark.parametrize("sample", REPORTS)
def test_the_schema_accepts_each_report(sample: str, schema: xmlschema.XMLSchema) -> None:
    schema.validate(junit.render(REPORTS[sample]))


def test_the_schema_refuses_what_is_wrong(schema: xmlschema.XMLSchema) -> None:
    text = junit.render(SAMPLES["clean"])
    assert not schema.is_valid(text.replace('time="68.000"', 'time="68.000001"'))
    assert not schema.is_valid(text.replace("<testsuites ", '<testsuites skipped="0" '))


@pytest.mark.parametrize("sample", REPORTS)
def test_the_counts_are_counted(sample: str) -> None:
    root = ET.fromstring(junit.render(REPORTS[sample]))
    for node in (root, *root.iter("testsuite")):
        kinds = Counter(child.tag for case in node.iter("testcase") for child in case)
        told = (node.attrib["tests"], node.attrib["failures"], node.attrib["errors"], node.attrib.get("skipped"))
        skipped = None if node is root else str(kinds["skipped"])
        assert told == (str(len(list(node.iter("testcase")))), str(kinds["failure"]), str(kinds["error"]), skipped)


def test_each_operation_is_a_test_and_fails_by_what_is_new_at_the_gate() -> None:
    found = results(SAMPLES["drift"])
    assert [name for name, kind in found.items() if kind == "failure"] == [
        "contract.run verdict",
        "contract.operations GET /api/v1/app/tasks/{id}",
        "contract.operations POST /api/v1/app/tasks/{id}/move",
    ]
    assert len([name for name in found if name.startswith("contract.operations ")]) == 15 + 2
    strict = replace(SAMPLES["drift"], outcome=replace(SAMPLES["drift"].outcome, gate="warning"))
    assert results(strict)["contract.operations GET /api/v1/app/projects"] == "failure"


@pytest.mark.parametrize("sample", ["undecided", "no-evidence", "failed-source"])
def test_what_nobody_looked_at_is_skipped_and_the_run_is_an_error(sample: str) -> None:
    found = results(SAMPLES[sample])
    assert found["contract.run verdict"] == "error"
    assert {kind for name, kind in found.items() if name.startswith("contract.operations ")} == {"skipped"}


@pytest.mark.parametrize(("statuses", "kind"), [(("401", "500"), "skipped"), (("401", "422"), "passed")])
def test_an_operation_that_only_refused_has_not_passed(statuses: tuple[str, ...], kind: str) -> None:
    clean = SAMPLES["clean"]
    first, *others = clean.operations
    row = replace(first, exercised=replace(first.exercised, statuses=statuses))
    assert results(replace(clean, operations=(row, *others)))[f"contract.operations {first.key}"] == kind


def test_a_source_that_failed_is_an_error_beside_the_failures() -> None:
    found = results(SAMPLES["failed-source-beside-findings"])
    assert found["contract.run routes: asgi contract.demo.app:app"] == "error"
    assert found["contract.run verdict"] == "failure"


def test_where_only_routes_were_asked_about_an_operation_passes_by_being_served() -> None:
    base = SAMPLES["no-evidence"]
    first, *others = base.operations
    served = replace(base, operations=(replace(first, implemented=True), *others))
    found = results(served)
    assert [name for name, kind in found.items() if kind == "passed" and "operations" in name] == [
        f"contract.operations {first.key}"
    ]


def test_what_is_known_is_told_and_fails_nothing() -> None:
    root = ET.fromstring(junit.render(COMPARED["compared"]))
    (case,) = [each for each in root.iter("testcase") if each.attrib["name"] == "GET /api/v1/app/tasks/{id}"]
    said = case.findtext("system-out") or ""
    assert said.startswith("error unchanged response-schema: GET /api/v1/app/tasks/{id} · 200 application/json /due_at")
    assert [child.tag for child in case] == ["system-out"]


def test_a_failure_of_thousands_of_findings_tells_the_first_twenty() -> None:
    report = many()
    names = [row for row in report.findings if row.operation == report.findings[0].operation and row.state == "new"]
    same = replace(report, findings=tuple(replace(names[0], fingerprint=f"{n:040x}") for n in range(5000)))
    root = ET.fromstring(junit.render(same))
    (case,) = [
        each for each in root.iter("testcase") if each.findtext("failure") and "operations" in each.attrib["classname"]
    ]
    text = case.findtext("failure") or ""
    assert text.count("response-schema: ") == 20 and text.endswith("and 4,980 more")
    failure = case.find("failure")
    assert failure is not None and failure.attrib["message"].endswith("(and 4,999 findings more)")


def test_hostile_text_is_text_and_every_character_is_one_that_xml_has() -> None:
    text = junit.render(SAMPLES["hostile"])
    assert [char for char in text if not (char in "\n\t" or char >= " ") or char in "\x7f\u202e\ufeff\ufffe"] == []
    tags = {node.tag for node in ET.fromstring(text).iter()}
    assert tags == {
        "testsuites", "testsuite", "properties", "property", "testcase", "failure", "error", "skipped", "system-out"
    }  # fmt: skip


def test_a_source_without_a_word_to_say_is_skipped() -> None:
    report = SAMPLES["undecided"]
    assert report.sources[1].verdict is Verdict.NONE
    assert results(report)["contract.run fuzz: schemathesis 4.32, seed 1"] == "skipped"
