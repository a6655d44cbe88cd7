"""What of a report is new beside an earlier one, and what of the earlier one is gone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from contract.core import earlier
from contract.core.compose import Material, Proven, compose
from contract.core.finding import Proof
from contract.core.policy import Accepted, Baseline
from contract.core.report import Report

from .test_compose import ALL, PATHS, TODAY, exchange, material, told

NULL = exchange("/tasks", body=b'{"id": null}')
TEAPOT = exchange("/users", 418)


def beside(made: Material, base: Report) -> Report:
    return compose(replace(made, baseline=replace(made.baseline, earlier=base)), TODAY)


def rows(report: Report) -> list[tuple[str, str, list[str], str]]:
    """State, rule, operations and proof of each finding."""
    found = []
    for row in report.findings:
        names = [f"{each.method} {each.path}" for each in row.operations]
        if row.operation is not None:
            names = [f"{row.operation.method} {row.operation.path}"]
        found.append((row.state, row.rule, names, row.proof))
    return found


def test_what_the_base_had_is_unchanged_and_fails_nothing_though_it_counts() -> None:
    base = compose(material(NULL, *ALL), TODAY)
    assert told(base)[1] == 1
    report = beside(material(NULL, *ALL), base)
    assert rows(report) == [("unchanged", "response-schema", ["GET /tasks"], "structural")]
    assert told(report) == ("Passed: 1 drift in 4 of 4 operations exercised, 1 known", 0)
    assert report.kpis.drift.count == 1


def test_what_the_base_had_not_is_new_and_fails() -> None:
    base = compose(material(NULL, *ALL), TODAY)
    report = beside(material(NULL, TEAPOT, *ALL), base)
    assert rows(report) == [
        ("new", "undeclared-status", ["GET /users"], "structural"),
        ("unchanged", "response-schema", ["GET /tasks"], "structural"),
    ]
    assert told(report) == ("Failed: 1 new finding", 1)


def test_the_base_s_figures_stand_beside_those_of_the_report() -> None:
    base = compose(material(NULL, *ALL), TODAY)
    beside_it = beside(material(*ALL), base).earlier
    assert beside_it is not None
    assert (beside_it.run, beside_it.sentence) == (base.run.id, base.outcome.sentence)
    assert (beside_it.kpis.drift, beside_it.kpis.generation.targets) == (base.kpis.drift, ())
    assert compose(material(*ALL), TODAY).earlier is None


def test_what_is_not_seen_any_more_is_gone_only_where_somebody_looked_again() -> None:
    base = compose(material(NULL, TEAPOT, *ALL), TODAY)
    looked = beside(material(*ALL), base)
    assert rows(looked) == [
        ("absent", "response-schema", ["GET /tasks"], "structural"),
        ("absent", "undeclared-status", ["GET /users"], "unproven"),  # 418 did not come, and is not declared
    ]
    assert [row.proof_detail for row in looked.findings] == [earlier.HELD, earlier.UNSEEN]
    away = beside(material(*[item for item in ALL if item.request.url != "/tasks"]), base)
    assert rows(away)[0] == ("absent", "response-schema", ["GET /tasks"], "unproven")
    assert told(looked)[1] == 0


def test_of_a_cause_that_reached_many_operations_the_ones_that_are_gone_are_told() -> None:
    bad = [exchange(path, body=b'{"id": null}') for path in PATHS]
    base = compose(material(*bad, examples=True), TODAY)
    assert len(base.findings) == 1 and len(base.findings[0].operations) == 4
    assert sum(member.example is not None for member in base.findings[0].operations) == 3
    report = beside(material(*bad[:2], *ALL[2:]), base)
    assert rows(report) == [
        ("unchanged", "response-schema", ["GET /tasks", "GET /projects"], "structural"),
        ("absent", "response-schema", ["GET /documents", "GET /users"], "structural"),
    ]
    assert len({row.fingerprint for row in report.findings}) == 2
    gone = report.findings[1]
    assert (gone.example, [member.example for member in gone.operations]) == (None, [None, None])


def test_an_operation_that_joins_a_known_cause_is_new() -> None:
    bad = [exchange(path, body=b'{"id": null}') for path in PATHS]
    base = compose(material(*bad[:3], *ALL), TODAY)
    report = beside(material(*bad), base)
    assert rows(report) == [
        ("new", "response-schema", ["GET /users"], "structural"),
        ("unchanged", "response-schema", ["GET /tasks", "GET /projects", "GET /documents"], "structural"),
    ]


def test_what_was_a_note_and_is_an_error_now_is_new() -> None:
    made = material(NULL, *ALL)
    (name,) = made.ledger.sightings
    base = compose(replace(made, proofs={name: Proven(Proof.UNPROVEN, "nobody could say")}), TODAY)
    assert [row.level for row in base.findings] == ["note"]
    assert [(row.state, row.level) for row in beside(made, base).findings] == [("new", "error")]
    milder = beside(replace(made, proofs={name: Proven(Proof.UNPROVEN)}), compose(made, TODAY))
    assert [(row.state, row.level) for row in milder.findings] == [("unchanged", "note")]


@pytest.mark.parametrize(
    ("until", "state"), [(None, "accepted"), ("2026-11-24", "exempt"), ("2026-11-23", "unchanged")]
)
def test_the_baseline_goes_before_the_base_report(until: str | None, state: str) -> None:
    made = material(NULL, *ALL)
    (name,) = made.ledger.sightings
    baseline = Baseline({name: Accepted(name, "known", until=until)}, compose(made, TODAY))
    report = compose(replace(made, baseline=baseline), TODAY)
    assert [row.state for row in report.findings] == [state]


def test_what_the_base_had_accepted_is_not_known_without_the_acceptance() -> None:
    made = material(NULL, *ALL)
    (name,) = made.ledger.sightings
    base = compose(replace(made, baseline=Baseline({name: Accepted(name, "known")})), TODAY)
    assert [row.state for row in base.findings] == ["accepted"]
    assert [row.state for row in beside(made, base).findings] == ["new"]
    assert beside(material(*ALL), base).findings == (), "and it is nothing that is gone"


def test_a_report_beside_itself_has_nothing_new_and_nothing_gone() -> None:
    made = material(NULL, TEAPOT, *ALL, exchange("/projects", 500))
    report = beside(made, compose(made, TODAY))
    assert {row.state for row in report.findings} == {"unchanged"}
    again = beside(made, report)
    assert again.findings == report.findings


def test_projects_are_told_apart_by_their_operations() -> None:
    base = compose(material(*ALL), TODAY)
    assert earlier.is_related(base, ["GET /tasks", "GET /new"])
    assert not earlier.is_related(base, ["GET /orders/{id}"])
    assert earlier.is_related(base, []) and earlier.is_related(replace(base, operations=()), ["GET /orders"])
