"""From the ledger to the figures, the gate and the sentence."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from contract.core.check import Judge
from contract.core.compose import Implemented, Material, Proven, compose
from contract.core.evidence import Artifact, Complaint, Exchange, Request, Response
from contract.core.finding import Level, Proof
from contract.core.ledger import Ledger
from contract.core.openapi import Contract
from contract.core.policy import Accepted, Baseline
from contract.core.report import (
    Completeness,
    Example,
    ExampleRequest,
    ExampleResponse,
    GenerationTarget,
    Ratio,
    Report,
    Run,
    Source,
    Tool,
    Verdict,
)
from contract.reports import markdown, text

from .test_openapi import document

TODAY = date(2026, 11, 24)
TASK = {"type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}}}
OK = {"description": "", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Task"}}}}
OK_SCHEMA = {"$ref": "#/components/schemas/Task"}
INLINE = {"description": "", "content": {"application/json": {"schema": TASK}}}
PATHS = {
    f"/{name}": {"get": {"operationId": name, "responses": {"200": OK, "404": {"description": ""}}}}
    for name in ("tasks", "projects", "documents", "users")
}
API = Contract(document({"paths": PATHS, "components": {"schemas": {"Task": TASK}}}))
RUN = Run("r", "2026-11-24T13:00:00Z", 1, True, 1)


def exchange(path: str, status: int = 200, body: bytes = b'{"id": 1}', media: str = "application/json") -> Exchange:
    return Exchange(Request("GET", path), Response(status, (("Content-Type", media),), body), "schemathesis")


def example(item: Exchange) -> tuple[tuple[int, str], Example]:
    """The exchange as a report keeps it, nothing in it being secret."""
    assert item.response is not None
    answer = ExampleResponse(item.response.status, item.response.headers, item.response.body.decode())
    return (len(item.response.body), item.request.url), Example(ExampleRequest("GET", item.request.url), answer)


def material(*exchanges: Exchange, examples: bool = False, **more: Any) -> Material:
    judge, ledger = Judge(more.get("contract", API), lambda name, level: level), Ledger()
    for item in exchanges:
        found = judge.exchange(item)
        shown = {each.fingerprint: example(item) for each in found.findings} if examples else {}
        ledger.record(found, item, shown)
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


def folds(report: Report) -> list[tuple[str, list[str]]]:
    """Each row's rule, and the paths that it reaches."""
    return [
        (row.rule, [name.path for name in row.operations or ((row.operation,) if row.operation else ())])
        for row in report.findings
    ]


def test_one_component_that_is_violated_is_told_once_from_two_operations_on() -> None:
    bad = [exchange(path, body=b'{"id": null}') for path in ("/tasks", "/projects", "/users")]
    report = compose(material(*bad, *bad, exchange("/documents")), TODAY)
    (row,) = report.findings
    assert (row.operation, [item.path for item in row.operations]) == (None, ["/tasks", "/projects", "/users"])
    assert (row.exchanges, row.of, report.kpis.drift.count) == (6, 6, 1)
    assert [len(item.findings) for item in report.operations] == [1, 1, 0, 1]
    two = compose(material(*bad[:2], *ALL), TODAY)
    assert folds(two) == [("response-schema", ["/tasks", "/projects"])]
    assert told(two) == ("Failed: 1 new finding", 1)
    assert folds(compose(material(bad[0], *ALL), TODAY)) == [("response-schema", ["/tasks"])]


MANY = {"description": "", "content": {"application/json": {"schema": {"type": "array", "items": OK_SCHEMA}}}}
SHARED = Contract(
    document(
        {
            "paths": {
                "/tasks": {
                    "get": {"operationId": "list", "responses": {"200": MANY}},
                    "post": {"operationId": "make", "responses": {"200": OK, "201": OK}},
                },
                "/inline": {"get": {"operationId": "a", "responses": {"200": INLINE}}},
                "/other": {"get": {"operationId": "b", "responses": {"200": INLINE}}},
                "/third": {"get": {"operationId": "c", "responses": {"200": INLINE}}},
            },
            "components": {"schemas": {"Task": TASK}},
        }
    )
)


def test_a_component_is_one_cause_through_whatever_answers_reach_it() -> None:
    made = [
        exchange("/tasks", body=b'[{"id": null}]'),
        replace(exchange("/tasks", 201, b'{"id": null}'), request=Request("POST", "/tasks")),
        replace(exchange("/tasks", 200, b'{"id": null}'), request=Request("POST", "/tasks")),
    ]
    report = compose(material(*made, contract=SHARED, operations=SHARED.operations), TODAY)
    (row,) = report.findings
    assert [(item.method, item.path) for item in row.operations] == [
        ("GET", "/tasks"),
        ("POST", "/tasks"),
        ("POST", "/tasks"),
    ]
    assert len({item.fingerprint for item in row.operations}) == 3, "the baseline holds each by itself"
    assert (row.where.status, row.where.media_type, row.exchanges) == (None, "application/json", 3)
    cells = {(item.method, cell.name): cell.findings for item in report.operations[:2] for cell in item.responses}
    assert set(cells.values()) == {(row.fingerprint,)}, "each answer that shows it is marked"
    assert [item.findings for item in report.operations[:2]] == [(row.fingerprint,)] * 2
    for written in (text.render(report), markdown.render(report)):
        assert "2 operations" in written and written.count("POST /tasks") == 1, "each operation is named once"


def test_equal_schemas_that_are_written_in_line_are_a_cause_each() -> None:
    bad = [exchange(path, body=b'{"id": null}') for path in ("/inline", "/other", "/third")]
    report = compose(material(*bad, contract=SHARED, operations=SHARED.operations), TODAY)
    assert [row.operation.path for row in report.findings if row.operation] == ["/inline", "/other", "/third"]


def test_each_operation_of_a_folded_finding_keeps_its_own_example() -> None:
    bad = [exchange(path, body=f'{{"id": "{path}"}}'.encode()) for path in PATHS]
    again = [exchange(path, body=f'{{"id": "again, {path}"}}'.encode()) for path in PATHS]
    made = material(*bad, *again, examples=True)
    (row,) = compose(made, TODAY).findings
    assert row.example is not None and row.example.request.url == "/tasks"
    examples = {member.path: member.example for member in row.operations}
    # The finding's own is not told twice, and of several each keeps the least one.
    assert examples == {path: example(item)[1] for path, item in zip(PATHS, bad, strict=True)} | {"/tasks": None}
    parts = [material(*items, examples=True).ledger for items in (again, bad)]
    for ledger in (parts[0] + parts[1], parts[1] + parts[0]):
        assert compose(replace(made, ledger=ledger), TODAY).findings == (row,)


MANY = Contract(
    document(
        {
            "paths": {f"/{n:02}": {"get": {"operationId": f"a{n}", "responses": {"200": OK}}} for n in range(30)},
            "components": {"schemas": {"Task": TASK}},
        }
    )
)


@pytest.mark.parametrize(("bytes_", "kept"), [(20, 20), (16_000, 4), (70_000, 0)])
def test_examples_of_a_folded_finding_are_bounded_by_number_and_by_bytes(bytes_: int, kept: int) -> None:
    answers = [exchange(f"/{n:02}", body=b'{"id": "%s"}' % (b"x" * bytes_)) for n in range(30)]
    (row,) = compose(material(*answers, examples=True, contract=MANY, operations=MANY.operations), TODAY).findings
    shown = [member.path for member in row.operations if member.example is not None]
    assert (row.example is not None, len(row.operations)) == (True, 30)
    assert shown == [f"/{n:02}" for n in range(1, kept + 1)], "the least ones, beside the finding's own"


def test_an_undeclared_status_is_one_habit_where_the_answers_look_alike() -> None:
    same = [exchange(path, 409, f'{{"error": "{path}", "code": 1}}'.encode()) for path in PATHS]
    report = compose(material(*same, examples=True), TODAY)
    assert folds(report) == [("undeclared-status", list(PATHS))]
    assert folds(compose(material(*same[:2], examples=True), TODAY)) == [
        ("undeclared-status", ["/tasks"]),
        ("undeclared-status", ["/projects"]),
    ], "two operations may do the same by chance"
    apart = [*same[:3], exchange("/users", 409, b'{"message": "no"}')]
    assert folds(compose(material(*apart, examples=True), TODAY)) == [
        ("undeclared-status", ["/tasks", "/projects", "/documents"]),
        ("undeclared-status", ["/users"]),
    ]
    html = [exchange(path, 409, b"<p>", "text/html") for path in PATHS]
    rows = compose(material(*html[:1], *same[1:], examples=True), TODAY)
    assert folds(rows) == [
        ("undeclared-status", ["/tasks"]),
        ("undeclared-status", ["/projects", "/documents", "/users"]),
    ]


@pytest.mark.parametrize("status", [401, 403])
def test_one_guard_is_one_habit_however_it_answers_whom(status: int) -> None:
    plain = exchange("/tasks", status, b"Unauthorized", "text/plain")
    report = compose(
        material(plain, *(exchange(path, status, b'{"error": "no"}') for path in list(PATHS)[1:]), examples=True), TODAY
    )
    assert folds(report) == [("undeclared-status", list(PATHS))]


def test_one_exception_handler_is_one_cause_though_each_operation_writes_its_errors_in_line() -> None:
    reason = {"type": "object", "properties": {"reason": {"type": "string"}}}
    said = {"description": "", "content": {"application/json": {"schema": reason}}}
    paths = {path: {"get": {"responses": {"200": said, "400": said}}} for path in PATHS}
    api = Contract(document({"paths": paths}))
    more = {"contract": api, "operations": api.operations, "examples": True}
    body = b'{"reason": null, "more": 1}'
    report = compose(material(*(exchange(path, 400, body) for path in PATHS), **more), TODAY)
    assert sorted(folds(report)) == [("response-schema", list(PATHS)), ("undeclared-property", list(PATHS))]
    # `default` covers errors and successes, and tells which is meant by nothing.
    paths = {path: {"get": {"responses": {"default": said}}} for path in PATHS}
    one = Contract(document({"paths": paths}))
    runs = {"contract": one, "operations": one.operations, "examples": True}
    report = compose(material(*(exchange(path, 400, body) for path in PATHS), **runs), TODAY)
    assert ("response-schema", list(PATHS)) in folds(report)
    report = compose(material(*(exchange(path, 200, body) for path in PATHS), **runs), TODAY)
    assert ("response-schema", list(PATHS)) not in folds(report)
    # Successes that look alike are made by code of their own.
    report = compose(material(*(exchange(path, 200, body) for path in PATHS), **more), TODAY)
    assert sorted(folds(report)) == sorted(
        (rule, [path]) for rule in ("response-schema", "undeclared-property") for path in PATHS
    )


def asked(path: str, query: str, status: int) -> Exchange:
    return Exchange(Request("GET", f"{path}?{query}"), Response(status, (), b""), "schemathesis")


def test_one_place_of_requests_that_nobody_looks_at_is_one_habit() -> None:
    limit = {"name": "limit", "in": "query", "schema": {"type": "integer"}}
    order = {"name": "order", "in": "query", "schema": {"type": "string", "enum": ["up"]}}
    get = {"get": {"responses": {"200": {"description": ""}, "204": {"description": ""}}, "parameters": [limit, order]}}
    api = Contract(document({"paths": dict.fromkeys(PATHS, get)}))
    more = {"contract": api, "operations": api.operations, "runtime": frozenset({"invalid-request-accepted"})}
    paths = list(PATHS)
    made = [asked(path, f"limit={wrong}", 200) for path, wrong in zip(paths, ("x", "1.5", "x", "true"), strict=True)]
    assert folds(compose(material(*made, **more), TODAY)) == [("invalid-request-accepted", list(PATHS))]
    # Two operations may do the same by chance; another constraint, and another answer, is another thing.
    two = [*made[:2], asked(paths[2], "order=down", 200), asked(paths[3], "limit=x", 204)]
    assert folds(compose(material(*two, **more), TODAY)) == [("invalid-request-accepted", [path]) for path in PATHS]


def test_what_fails_whatever_it_is_asked_in_the_same_words_is_one_cause() -> None:
    """A database that is down, and not a fault of each operation."""
    said = b'{"message": "cannot connect to the database"}'
    down = [exchange(path, 500, said) for path in PATHS for _ in range(3)]
    assert folds(compose(material(*down), TODAY)) == [("server-error", list(PATHS))]
    # One that answers others has a fault of its own; so has one that says something else.
    up = [*down, exchange(next(iter(PATHS)), 200, b"{}")]
    assert len(folds(compose(material(*up), TODAY))) >= 2
    other = [*down[3:], *[exchange(next(iter(PATHS)), 500, b'{"message": "the index is out of range"}')] * 3]
    assert sorted(len(paths) for rule, paths in folds(compose(material(*other), TODAY))) == [1, len(PATHS) - 1]


def test_a_reader_of_another_media_type_is_one_cause_of_two_operations_already() -> None:
    body = {"content": {"application/json": {"schema": {"type": "object"}}}}
    post = {"post": {"requestBody": body, "responses": {"200": {"description": ""}, "201": {"description": ""}}}}
    api = Contract(document({"paths": dict.fromkeys(PATHS, post)}))
    more = {"contract": api, "operations": api.operations, "runtime": frozenset({"invalid-request-accepted"})}
    form = (("Content-Type", "application/x-www-form-urlencoded"),)
    made = [
        Exchange(Request("POST", path, form, b"a=1"), Response(status, (), b""), "walk")
        for path, status in zip(PATHS, (200, 201, 201, 200), strict=True)
    ]
    paths = list(PATHS)
    assert folds(compose(material(*made, **more), TODAY)) == [
        ("invalid-request-accepted", [paths[0], paths[3]]),
        ("invalid-request-accepted", paths[1:3]),
    ]


def test_two_shapes_of_one_status_are_two_rows_with_two_names() -> None:
    twice = {
        f"/{name}{number}": get for name in "abc" for number in (1, 2) for get in ({"get": {"responses": {"200": OK}}},)
    }
    api = Contract(document({"paths": twice, "components": {"schemas": {"Task": TASK}}}))
    made = [exchange(path, 409, b'{"a": 1}' if path.endswith("1") else b'{"b": 1}') for path in twice]
    rows = compose(material(*made, contract=api, operations=api.operations, examples=True), TODAY).findings
    assert [[item.path for item in row.operations] for row in rows] == [["/a1", "/b1", "/c1"], ["/a2", "/b2", "/c2"]]
    assert len({row.fingerprint for row in rows}) == 2


def test_the_same_wrong_media_type_is_one_habit_whatever_the_status() -> None:
    paths = {
        f"/{name}": {"get": {"operationId": name, "responses": {status: OK}}}
        for name, status in (("a", "200"), ("b", "201"), ("c", "200"), ("d", "200"))
    }
    api = Contract(document({"paths": paths, "components": {"schemas": {"Task": TASK}}}))
    made = [
        exchange("/a", 200, b"<p>", "text/html"),
        exchange("/b", 201, b"<p>", "text/html"),
        exchange("/c", 200, b"<p>", "text/html"),
        exchange("/d", 200, b"x", "text/plain"),
    ]
    report = compose(material(*made, contract=api, operations=api.operations), TODAY)
    assert folds(report) == [("undeclared-media-type", ["/a", "/b", "/c"]), ("undeclared-media-type", ["/d"])]
    assert [row.where.status for row in report.findings] == [None, "200"]


def test_the_same_that_is_labelled_json_and_is_none_is_one_habit() -> None:
    bad = [exchange(path, 200, b"<html>" if path != "/users" else b"{") for path in PATHS]
    assert folds(compose(material(*bad), TODAY)) == [
        ("malformed-body", ["/tasks", "/projects", "/documents"]),
        ("malformed-body", ["/users"]),
    ]


def test_the_keys_of_a_map_are_told_once_whatever_answer_showed_it() -> None:
    """One answer has a few keys, told by name, and the next so many that the object is seen to be a map."""
    few = exchange("/tasks", body=b'{"id": 1, "a": 1, "b": 2}')
    many = exchange("/tasks", body=b'{"id": 1, ' + b", ".join(b'"k%d": 1' % n for n in range(60)) + b"}")
    assert [row.where.pointer for row in compose(material(few), TODAY).findings] == ["/a", "/b"]
    for order in ((few, many), (many, few)):
        rows = compose(material(*order), TODAY).findings
        assert [(row.rule, row.where.pointer) for row in rows] == [("undeclared-property", "/*")]


def test_a_property_that_is_called_as_a_map_s_keys_hides_none() -> None:
    rows = compose(material(exchange("/tasks", body=b'{"id": 1, "*": 1, "b": 2}')), TODAY).findings
    assert sorted(row.where.pointer or "" for row in rows) == ["/*", "/b"]


def test_two_server_errors_are_never_one_cause() -> None:
    report = compose(material(*[exchange(path, 500) for path in PATHS]), TODAY)
    assert [len(row.operations) for row in report.findings] == [0, 0, 0, 0]


def test_exceptions_of_one_line_of_code_are_one_cause() -> None:
    raised = {
        "/tasks": "KeyError: 'owner' (app.py:12)",
        "/projects": "KeyError: 'name' (app.py:12)",
        "/documents": "KeyError: 'name' (app.py:13)",
        "/users": "ValueError: no (app.py:12)",
    }
    report = compose(material(*[replace(exchange(path, 500), failure=text) for path, text in raised.items()]), TODAY)
    assert folds(report) == [
        ("server-error", ["/tasks", "/projects"]),
        ("server-error", ["/documents"]),
        ("server-error", ["/users"]),
    ]


def test_members_that_stand_differently_in_the_baseline_are_told_apart() -> None:
    bad = [exchange(path, body=b'{"id": null}') for path in PATHS]
    made = material(*bad)
    known = [
        each.finding
        for each in made.ledger.sightings.values()
        if each.finding.operation in ("GET /tasks", "GET /users")
    ]
    baseline = Baseline({each.fingerprint: Accepted(each.fingerprint, "known") for each in known})
    rows = compose(replace(made, baseline=baseline), TODAY).findings
    assert [(row.state, [item.path for item in row.operations]) for row in rows] == [
        ("new", ["/projects", "/documents"]),
        ("accepted", ["/tasks", "/users"]),
    ]
    assert len({row.fingerprint for row in rows}) == 2


KEYED = Contract(
    document(
        {
            "paths": {
                path: {"get": {"responses": {"200": {"description": ""}, "401": {"description": ""}}, **more}}
                for path, more in {"/a": {}, "/b": {}, "/login": {"security": []}}.items()
            },
            "components": {"securitySchemes": {"key": {"type": "http", "scheme": "bearer"}}},
            "security": [{"key": []}],
        }
    )
)


def open_to(*refused: str) -> list[tuple[str, list[str]]]:
    """Level and paths of what is told where GET /a and /b answer without credentials, and these paths refuse."""
    made = material(*[exchange(path, 401, b"") for path in refused], contract=KEYED, operations=KEYED.operations)
    judge = Judge(KEYED, lambda name, level: level)
    for path in ("/a", "/b"):
        complaint = Complaint("auth-not-enforced", f"GET {path}", (exchange(path),), "It answered.")
        made.ledger.see(judge.complaint(complaint), "schemathesis", 1)
    replayed = dict.fromkeys(made.ledger.sightings, Proven(Proof.REPLAYED))
    report = compose(replace(made, proofs=replayed), TODAY)
    return [(row.level, paths) for row, (_, paths) in zip(report.findings, folds(report), strict=True)]


def test_a_server_that_refuses_nobody_is_one_note() -> None:
    assert open_to() == [("note", ["/a", "/b"])]
    assert open_to("/login") == [("note", ["/a", "/b"])], "a login that fails enforces nothing"
    assert open_to("/a") == [("error", ["/a"]), ("error", ["/b"])]


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
