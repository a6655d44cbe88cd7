"""A finding resolves on positive evidence only; the order in which reports come changes nothing that matters."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.core import lifecycle
from contract.core.ledger import SIGHTINGS
from contract.core.lifecycle import Evidence, Life, Sighted, State, after, sighted

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
GOLDEN = Path(__file__).parents[1] / "golden" / "json"


def golden(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((GOLDEN / f"{name}.json").read_bytes())
    return found


# --- lives ------------------------------------------------------------------------------------------------------------


def test_a_finding_that_was_never_seen_has_no_life() -> None:
    assert after(None, seen=False, held=True, at=NOON) is None
    assert after(None, seen=True, held=False, at=NOON) == Life(State.NEW, NOON, NOON, NOON)


@pytest.mark.parametrize(
    ("events", "states"),
    [
        ("SSS", "new ongoing ongoing"),
        ("SHS", "new resolved regressed"),
        ("SHHSSH", "new resolved resolved regressed ongoing resolved"),
        ("S--H--S-", "new new new resolved resolved resolved regressed regressed"),
    ],
)
def test_a_life_goes_from_state_to_state(events: str, states: str) -> None:
    life, found = None, []
    for day, event in enumerate(events):
        life = after(life, event == "S", event == "H", NOON + day * DAY)
        assert life is not None
        found.append(life.state.value)
    assert found == states.split()


def test_regressions_are_counted_and_the_first_moment_of_holding_is_kept() -> None:
    life = None
    for day, event in enumerate("SHHSHSHH"):
        life = after(life, event == "S", event == "H", NOON + day * DAY)
    assert life == Life(State.RESOLVED, NOON, NOON + 5 * DAY, NOON + 7 * DAY, NOON + 6 * DAY, 2)


@given(st.lists(st.sampled_from("SH-"), max_size=8).flatmap(lambda rest: st.permutations(list(enumerate(rest, 1)))))
def test_the_order_of_reports_does_not_change_what_is_open_nor_when_it_was_seen(late: list[tuple[int, str]]) -> None:
    def lived(events: list[tuple[int, str]]) -> Life:
        life = after(None, True, False, NOON)
        for day, event in events:
            life = after(life, event == "S", event == "H", NOON + day * DAY)
        assert life is not None
        return life

    found, ordered = lived(late), lived(sorted(late))
    for each in (found, ordered):
        assert each.first_seen <= each.last_seen <= each.last_evidence
        assert (each.resolved is not None) == (each.state is State.RESOLVED)
    assert (found.first_seen, found.last_seen, found.last_evidence, found.state is State.RESOLVED) == (
        ordered.first_seen,
        ordered.last_seen,
        ordered.last_evidence,
        ordered.state is State.RESOLVED,
    )


def test_an_open_finding_is_stale_after_a_week_and_a_resolved_one_never() -> None:
    life = Life(State.ONGOING, NOON, NOON, NOON)
    assert lifecycle.shown(life, NOON + 7 * DAY) is State.ONGOING
    assert lifecycle.shown(life, NOON + 7 * DAY + timedelta(seconds=1)) is State.STALE
    assert lifecycle.shown(Life(State.RESOLVED, NOON, NOON, NOON, NOON), NOON + 99 * DAY) is State.RESOLVED


# --- findings of a report ---------------------------------------------------------------------------------------------


def test_a_row_of_several_operations_is_one_finding_of_each() -> None:
    report = golden("drift")
    folded = next(row for row in report["findings"] if row["operations"])
    found = [each for each in sighted(report) if each.cause == folded["fingerprint"]]
    assert [(each.fingerprint, each.operation) for each in found] == [
        (member["fingerprint"], f"{member['method']} {member['path']}") for member in folded["operations"]
    ]
    assert all(each.row["operations"] == [] and each.row["message"] == folded["message"] for each in found)


def test_absent_findings_are_not_there() -> None:
    report = golden("drift")
    report["findings"] = [{**row, "state": "absent"} for row in report["findings"]]
    assert list(sighted(report)) == []


# --- evidence ---------------------------------------------------------------------------------------------------------


def cell(name: str, exchanges: int, media: str | None = "application/json", declared: bool = True) -> dict[str, Any]:
    return {"name": name, "declared": declared, "exchanges": exchanges, "media_type": media, "findings": []}


def report(*, cells: list[dict[str, Any]] | None = None, **changes: Any) -> dict[str, Any]:
    """A report as small as one of another version may be: what is optional is left out."""
    cells = [cell("200", 3), cell("404", 1)] if cells is None else cells
    operation = {
        "key": "GET /things/{id}",
        "declared": True,
        "implemented": True,
        "exchanges": sum(each["exchanges"] for each in cells),
        "responses": cells,
        "exercised": {"statuses": sorted({each["name"] for each in cells if each["exchanges"]})},
        **changes.pop("operation", {}),
    }
    return {
        "run": {"complete": True},
        "document": {"path": "api.yaml"},
        "sources": [{"name": name, "verdict": "pass"} for name in changes.pop("ran", ["fuzz"])],
        "kpis": {"generation": {}},
        "operations": [operation],
        "findings": [],
        **changes,
    }


def finding(rule: str, sources: str = "fuzz", operation: str | None = "GET /things/{id}", **where: Any) -> Sighted:
    name = dict(zip(("method", "path"), operation.split(), strict=True)) if operation is not None else None
    row = {"fingerprint": "4be" + "0" * 37, "rule": rule, "level": "error", "state": "new", "operation": name}
    row |= {"where": where, "sources": sources.split()}
    (found,) = sighted(report(findings=[row], operations=[]))
    return found


def holds(found: Sighted, **changes: Any) -> bool:
    return Evidence(report(**changes)).holds(found.place)


ANSWER = {"direction": "response", "status": "200", "media_type": "application/json"}


@pytest.mark.parametrize(
    "rule", ["response-schema", "undeclared-property", "malformed-body", "header-schema", "missing-header"]
)
def test_an_answer_holds_where_it_was_seen_as_declared(rule: str) -> None:
    found = finding(rule, **ANSWER)
    assert holds(found)
    assert not holds(found, cells=[cell("200", 0), cell("404", 1)])
    assert not holds(found, cells=[cell("201", 5)])
    assert not holds(found, cells=[cell("200", 5, "text/plain")])
    assert not holds(found, cells=[cell("200", 5, declared=False)])
    assert not holds(found, operations=[])


def test_the_cells_that_showed_it_are_the_place_of_a_folded_finding() -> None:
    row = {
        "fingerprint": "0badbad" + "0" * 33,
        "rule": "undeclared-property",
        "level": "warning",
        "state": "new",
        "operation": None,
        "operations": [{"method": "GET", "path": "/things/{id}", "fingerprint": "4be" + "0" * 37}],
        "where": {"direction": "response", "status": None, "media_type": "application/json"},
        "sources": ["fuzz"],
    }
    marked = [cell("200", 3) | {"findings": [row["fingerprint"]]}, cell("201", 2)]
    (found,) = sighted(report(cells=marked, findings=[row]))
    assert found.place["cells"] == [["200", "application/json"]]
    assert holds(found, cells=[cell("200", 1), cell("201", 0)])
    assert not holds(found, cells=[cell("200", 0), cell("201", 9)])


def test_a_parameter_that_was_renamed_is_the_same_place() -> None:
    renamed = {"key": "GET /things/{thing_id}"}
    assert holds(finding("response-schema", **ANSWER), operation=renamed)


def test_an_undeclared_status_holds_once_it_is_declared_and_came() -> None:
    found = finding("undeclared-status", direction="response", status="409")
    assert not holds(found)
    assert not holds(found, cells=[cell("409", 2, declared=False)])
    assert not holds(found, cells=[cell("409", 0)])
    assert holds(found, cells=[cell("409", 2)])
    for name in ("4XX", "4xx", "default"):
        came = {"exercised": {"statuses": ["409"]}}
        assert holds(found, cells=[cell(name, 2)], operation=came)
        assert not holds(found, cells=[cell(name, 2)], operation={"exercised": {"statuses": ["404"]}})


def test_what_was_found_by_luck_is_not_gone_because_luck_ran_out() -> None:
    assert not holds(finding("server-error", "schemathesis", direction="response", status="500"))
    assert not holds(finding("invalid-request-accepted", "schemathesis", direction="request"))
    assert not holds(finding("server-error", "", direction="response", status="500"), ran=["walk"])


def test_what_the_walk_found_is_gone_if_the_walk_ran_to_its_end_and_finds_it_no_more() -> None:
    found = finding("server-error", "schemathesis walk", direction="response", status="500")
    assert holds(found, ran=["walk"])
    assert not holds(found, ran=["fuzz"])
    assert not holds(found, ran=["walk"], run={"complete": False})
    assert not holds(found, ran=["walk"], cells=[])
    assert not holds(found, ran=["walk"], unchecked=[{"operation": "GET /things/{id}", "reason": "only 401"}])
    failed = [{"name": "walk", "verdict": "error", "message": "no answer"}]
    assert not holds(found, sources=failed)


def test_a_request_that_was_sent_again_and_showed_nothing_is_evidence() -> None:
    found = finding("server-error", "schemathesis", direction="response", status="500")
    note = "server-error 4be0000 on GET /things/{id}: not shown in 3 tries; it showed on 2026-11-28"
    once = "server-error 4be0000 on GET /things/{id}: not shown in 1 try; it showed on 2026-11-28"
    leaves = (
        "server-error 4be0000 on GET /things/{id}: not shown in 9 tries since 2026-11-01; its seed leaves the corpus"
    )
    for said in (note, once, leaves):
        assert holds(found, run={"complete": True, "notes": [said]})
    for other in (
        note.replace("4be0000", "4be0001"),
        note.replace("server-error", "no-answer"),
        note.replace("{id}", "{id}/parts"),
        note.replace("not shown", "shown"),
    ):
        assert not holds(found, run={"complete": True, "notes": [other]})


def test_a_parameter_that_is_declared_now_and_was_sent_holds() -> None:
    found = finding("undeclared-parameter", "parameters", direction="request", pointer="query:sort")
    sent = {"name": "query:sort", "declared": True, "exchanges": 2}
    assert holds(found, operation={"parameters": [sent]})
    assert not holds(found, operation={"parameters": [{**sent, "exchanges": 0}]})
    assert not holds(found, operation={"parameters": [{**sent, "declared": False}]})
    assert not holds(found, operation={"parameters": [{**sent, "name": "query:limit"}]})


def test_what_the_document_alone_shows_holds_where_the_same_document_was_read() -> None:
    of_operation = finding("missing-operation-id", "lint")
    of_document = finding("invalid-document", "lint", operation=None)
    for found in (of_operation, of_document):
        assert holds(found)
        assert not holds(found, document={"path": "other.yaml"})
        assert not holds(found, document={})
    assert holds(of_operation, operations=[])  # taken out of the document
    assert not holds(of_operation, operation={"declared": False})
    assert not holds(of_operation, excluded=[{"operation": "GET /things/{id}", "reason": "not ours"}])
    assert not holds(of_operation, operations=[], excluded=[{"operation": "GET /things/{id}", "reason": "not ours"}])


def test_a_finding_of_unknown_origin_of_no_operation_is_never_gone() -> None:
    assert not holds(finding("of-a-plug-in", "", operation=None), ran=["routes", "walk", "types"])


def test_routes_say_what_is_implemented() -> None:
    missing = finding("unimplemented-operation", "routes")
    assert holds(missing, ran=["routes"])
    assert not holds(missing, ran=["fuzz"])
    assert not holds(missing, ran=["routes"], operation={"implemented": None})
    assert not holds(missing, ran=["routes"], operation={"implemented": False})
    assert holds(missing, ran=["fuzz"], operations=[])  # it is promised no more
    served = finding("undeclared-operation", "routes")
    assert holds(served, ran=["routes"], operations=[])  # it is served no more
    assert holds(served, ran=["fuzz"])  # it is declared
    assert not holds(served, ran=["fuzz"], operations=[])
    assert not holds(served, ran=["fuzz"], operation={"declared": False})
    assert not holds(finding("undeclared-operation", "discovery"), ran=["routes"], operations=[])


def test_an_operation_that_neither_the_document_nor_the_routes_have_is_gone_with_its_findings() -> None:
    found = finding("server-error", "schemathesis", direction="response", status="500")
    assert holds(found, ran=["routes"], operations=[])
    assert not holds(found, ran=["fuzz"], operations=[])
    assert not holds(found, ran=["routes"], operations=[], document={"path": "other.yaml"})


def test_an_exported_document_is_held_against_an_exported_document() -> None:
    found = finding("exported-differs", "routes")
    assert not holds(found, ran=["routes"])
    for detail, wanted in (
        ("openapi:export.json", True),
        ("laravel:a.json openapi:b.json", True),
        ("asgi:app:app", False),
    ):
        assert holds(found, sources=[{"name": "routes", "verdict": "fail", "detail": detail}]) is wanted


def test_generated_code_is_held_against_generated_code() -> None:
    found = finding("unproven-artifact", "types", operation=None)
    generated = {"generation": {"targets": [{"name": "python", "part": 1, "whole": 1}]}}
    assert holds(found, ran=["types"], kpis=generated)
    assert not holds(found, ran=["types"])
    assert not holds(found, ran=["fuzz"], kpis=generated)
    assert not holds(found, ran=["types"], kpis=generated, document={"path": "other.yaml"})


def test_where_more_was_found_than_is_kept_nothing_of_that_rule_is_gone() -> None:
    rows = [{"rule": "response-schema", "operations": []}] * SIGHTINGS
    found = finding("response-schema", **ANSWER)
    assert holds(found, findings=rows[:-1])
    assert not holds(found, findings=rows)
    assert holds(finding("malformed-body", **ANSWER), findings=rows)


def test_a_rule_that_was_not_asked_proves_nothing_by_its_silence() -> None:
    found = finding("response-schema", **ANSWER)
    run = report()["run"]
    assert holds(found, run={**run, "rules": ["response-schema", "server-error"]})
    assert not holds(found, run={**run, "rules": ["server-error"]})
    assert holds(found, run={**run, "rules": []})  # of an earlier release, which does not tell


def test_an_operation_that_answers_of_its_own_is_served() -> None:
    found = finding("operation-not-served", "walk", direction="response", status="404")
    assert holds(found)
    assert not holds(found, unchecked=[{"operation": "GET /things/{id}", "reason": "404 (3)"}])


def test_a_place_is_json_that_is_kept_with_the_finding() -> None:
    for name in ("drift", "hostile", "observed"):
        for each in sighted(golden(name)):
            assert json.loads(json.dumps(each.place)) == each.place
