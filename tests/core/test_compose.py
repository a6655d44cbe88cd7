"""From the ledger to the figures, the gate and the sentence."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from contract.core.check import Judge
from contract.core.compose import Implemented, Material, Proven, compose
from contract.core.evidence import Artifact, Exchange, Request, Response
from contract.core.finding import Level, Proof
from contract.core.ledger import Ledger
from contract.core.openapi import Contract
from contract.core.policy import Accepted, Baseline
from contract.core.report import Completeness, GenerationTarget, Ratio, Report, Run, Source, Tool, Verdict

from .test_openapi import document

TODAY = date(2026, 11, 24)
TASK = {"type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}}}
OK = {"description": "", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Task"}}}}
PATHS = {
    f"/{name}": {"get": {"operationId": name, "responses": {"200": OK, "404": {"description": ""}}}}
    for name in ("tasks", "projects", "documents", "users")
}
API = Contract(document({"paths": PATHS, "components": {"schemas": {"Task": TASK}}}))
RUN = Run("r", "2026-11-24T13:00:00Z", 1, True, 1)


def exchange(path: str, status: int = 200, body: bytes = b'{"id": 1}', media: str = "application/json") -> Exchange:
    return Exchange(Request("GET", path), Response(status, (("Content-Type", media),), body), "schemathesis")


def material(*exchanges: Exchange, **more: Any) -> Material:
    judge, ledger = Judge(API, lambda name, level: level), Ledger()
    for item in exchanges:
        ledger.record(judge.exchange(item), item, {})
    made = Material(
        contract=API,
        ledger=ledger,
        run=RUN,
        tool=Tool("contract", "0.1.0"),
        target="http://127.0.0.1:8000",
        sources=[Source("fuzz", Verdict.PASS, exchanges=len(exchanges))],
        runtime=frozenset({"response-schema", "undeclared-status", "server-error", "undeclared-operation"}),
        operations=API.operations,
        asked_runtime=True,
    )
    return replace(made, **more)


ALL = [exchange(path) for path in PATHS]


def told(report: Report) -> tuple[str, int]:
    return report.outcome.sentence, report.outcome.exit_code


def test_all_exercised_and_nothing_found_is_a_pass() -> None:
    report = compose(material(*ALL), TODAY)
    assert told(report) == ("Passed: 0 drifts in 4 of 4 operations exercised", 0)
    drift = report.kpis.drift
    assert (drift.count, drift.verdict, drift.exercised.operations, drift.exercised.responses) == (
        0,
        Verdict.PASS,
        Ratio(4, 4),
        Ratio(4, 8),
    )
    assert report.kpis.completeness == Completeness(None, None, Verdict.NONE)
    assert report.unchecked == ()


def test_too_little_evidence_is_undecided_and_never_zero() -> None:
    report = compose(material(*ALL[:3]), TODAY)
    assert (report.kpis.drift.count, report.kpis.drift.verdict) == (None, Verdict.UNDECIDED)
    assert told(report) == ("No verdict: drift is undecided, 3 of 4 operations exercised (floor 80 %)", 3)
    assert [(item.operation, item.reason) for item in report.unchecked] == [("GET /users", "no request was sent")]


@pytest.mark.parametrize("status", [401, 403, 404, 405, 429, 500])
def test_an_answer_that_is_not_the_operation_s_own_exercises_nothing(status: int) -> None:
    api = compose(material(*[exchange(path, status) for path in PATHS]), TODAY)
    assert api.kpis.drift.exercised.operations == Ratio(0, 4)


def test_refused_credentials_are_told_with_what_to_do() -> None:
    report = compose(material(*[exchange(path, 401) for path in PATHS], runtime=frozenset()), TODAY)
    assert told(report) == (
        "Failed: 1 new finding",
        1,
    ), "an undeclared 401 is a finding even where nothing is exercised"
    quiet = compose(material(*[exchange(path, 404, b"", "text/plain") for path in PATHS]), TODAY)
    assert told(quiet) == (
        "No verdict: drift is undecided, 0 of 4 operations exercised (floor 80 %): 4 of 4 requests were answered 404",
        3,
    )
    assert len(quiet.outcome.todo) == 2


def test_one_cause_on_three_operations_is_told_once_and_counts_once() -> None:
    bad = [exchange(path, body=b'{"id": null}') for path in ("/tasks", "/projects", "/users")]
    report = compose(material(*bad, *bad, exchange("/documents")), TODAY)
    (row,) = report.findings
    assert (row.operation, [item.path for item in row.operations]) == (None, ["/tasks", "/projects", "/users"])
    assert (row.exchanges, row.of, report.kpis.drift.count) == (6, 6, 1)
    assert [len(item.findings) for item in report.operations] == [1, 1, 0, 1]


def test_two_operations_are_two_findings() -> None:
    bad = [exchange(path, body=b'{"id": null}') for path in ("/tasks", "/projects")]
    report = compose(material(*bad, *ALL), TODAY)
    assert [row.operation.path for row in report.findings if row.operation] == ["/tasks", "/projects"]
    assert told(report) == ("Failed: 2 new findings", 1)


def test_two_server_errors_are_never_one_cause() -> None:
    report = compose(material(*[exchange(path, 500) for path in PATHS]), TODAY)
    assert [len(row.operations) for row in report.findings] == [0, 0, 0, 0]


def test_an_error_that_nobody_can_prove_is_a_note() -> None:
    made = material(exchange("/tasks", body=b"{}"), *ALL)
    (name,) = made.ledger.sightings
    report = compose(replace(made, proofs={name: Proven(Proof.UNPROVEN, "the other validator accepts it")}), TODAY)
    (row,) = report.findings
    assert (row.level, row.proof, row.proof_detail) == ("note", "unproven", "the other validator accepts it")
    assert (report.kpis.drift.count, told(report)[1]) == (0, 0)


@pytest.mark.parametrize(
    ("until", "state", "count", "code"),
    [(None, "accepted", 0, 0), ("2026-11-24", "exempt", 0, 0), ("2026-11-23", "new", 1, 1)],
)
def test_an_accepted_finding_does_not_fail_until_its_last_day_is_over(
    until: str | None, state: str, count: int, code: int
) -> None:
    made = material(exchange("/tasks", body=b"{}"), *ALL)
    (name,) = made.ledger.sightings
    baseline = Baseline({name: Accepted(name, "fixed with 2.4", until=until)})
    report = compose(replace(made, baseline=baseline), TODAY)
    assert ([row.state for row in report.findings], report.kpis.drift.count, told(report)[1]) == ([state], count, code)


def test_what_the_baseline_holds_and_nobody_saw_is_absent() -> None:
    baseline = Baseline({"f" * 40: Accepted("f" * 40, "known", "response-schema", "GET /tasks", "It is null.")})
    report = compose(material(*ALL, baseline=baseline), TODAY)
    (row,) = report.findings
    assert (row.state, row.rule, row.message, told(report)[1]) == ("absent", "response-schema", "It is null.", 0)


def test_a_failed_source_is_no_verdict_but_hides_nothing() -> None:
    failed = [Source("traffic", Verdict.ERROR, message="capture.har: no such file")]
    assert told(compose(material(*ALL, sources=failed), TODAY)) == ("No verdict: traffic failed to measure", 3)
    both = compose(material(exchange("/tasks", body=b"{}"), *ALL, sources=failed), TODAY)
    assert told(both) == ("Failed: 1 new finding, traffic failed to measure", 1)


def test_completeness_is_documented_of_implemented() -> None:
    implemented = Implemented(frozenset({"GET /tasks"}), ("DELETE /x",), Ratio(1, 2))
    report = compose(material(*ALL, implemented=implemented), TODAY)
    assert report.kpis.completeness == Completeness(1, 2, Verdict.FAIL)
    assert [(row.key, row.declared, row.implemented) for row in report.operations] == [
        ("GET /tasks", True, True),
        ("GET /projects", True, False),
        ("GET /documents", True, False),
        ("GET /users", True, False),
        ("DELETE /x", False, True),
    ]


def test_generation_is_proven_of_all_per_target() -> None:
    artifacts = [
        Artifact("python", "component", "#/components/schemas/Task", True),
        Artifact("python", "operation", "GET /tasks", False),
    ]
    generation = compose(material(*ALL, artifacts=artifacts), TODAY).kpis.generation
    assert (generation.part, generation.whole, generation.verdict) == (1, 2, Verdict.FAIL)
    assert generation.targets == (GenerationTarget("python", 1, 2),)


def test_a_run_that_was_stopped_is_no_verdict() -> None:
    report = compose(material(*ALL, run=replace(RUN, complete=False)), TODAY)
    assert told(report)[1] == 3


def test_the_gate_decides_what_fails() -> None:
    made = material(exchange("/tasks", body=b"{}"), *ALL)
    (name,) = made.ledger.sightings
    made.proofs = {name: Proven(Proof.UNPROVEN)}
    assert [told(compose(replace(made, gate=gate), TODAY))[1] for gate in (Level.ERROR, Level.WARNING, Level.NOTE)] == [
        0,
        0,
        1,
    ]


def test_the_map_tells_held_from_not_exercised_and_undeclared() -> None:
    made = material(
        exchange("/tasks"), exchange("/tasks", 409), exchange("/tasks", 200, b"<p>", "text/html"), runtime=frozenset()
    )
    row = compose(made, TODAY).operations[0]
    assert [
        (cell.name, cell.media_type, cell.declared, cell.exchanges, len(cell.findings)) for cell in row.responses
    ] == [
        ("200", "application/json", True, 1, 0),
        ("200", "text/html", False, 1, 1),
        ("404", None, True, 0, 0),
        ("409", "application/json", False, 1, 1),
    ]
