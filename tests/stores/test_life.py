"""What becomes of findings over a series of reports: resolved by evidence alone, regressed, stale; whatever the order."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from contract.app import run, settings
from contract.core.lifecycle import State
from contract.demo.app import create_app
from contract.reports import json as as_json
from contract.stores.store import Store

from .reports import DAY, START, add, everything, project, told

ROOT = Path(__file__).parents[2]


def states(store: Store, rule: str, day: float, environment: str = "") -> list[str]:
    now = START + day * DAY
    return [
        each.state(now).value for each in everything(store, project(store), now, environment=environment, rule=rule)
    ]


def without(rule: str) -> Any:
    return lambda row: row["rule"] != rule


def test_a_finding_is_new_ongoing_resolved_regressed_and_resolved_again(store: Store) -> None:
    of = project(store)
    seen = []
    for day, gone in enumerate((False, False, True, True, False, False, True)):
        keep = without("response-schema") if gone else lambda row: True
        add(store, of, told("drift", f"r-{day}", START + day * DAY, keep=keep))
        seen.append(states(store, "response-schema", day))
    assert seen == [["new"], ["ongoing"], ["resolved"], ["resolved"], ["regressed"], ["ongoing"], ["resolved"]]
    (found,) = everything(store, of, START, rule="response-schema")
    life = found.life
    assert (life.first_seen, life.last_seen, life.resolved) == (START, START + 5 * DAY, START + 6 * DAY)
    assert (life.regressions, found.run_id) == (1, "r-5")
    told_of = [(each.what, each.detail["run_id"]) for each in store.events(of, found.fingerprint)]
    assert told_of == [("resolved", "r-6"), ("regressed", "r-4"), ("resolved", "r-2"), ("new", "r-0")]


def test_silence_resolves_nothing(store: Store) -> None:
    of = project(store)
    add(store, of, told("drift", "r-1"))
    before = everything(store, of, START)
    for number, name in enumerate(("no-evidence", "failed-source"), 2):
        report = told(name, f"r-{number}", START + DAY)
        report["document"]["path"] = "another.yaml"  # nor does the word of another document
        report["kpis"]["generation"]["targets"] = []
        for source in report["sources"]:
            source["verdict"] = "none"
        add(store, of, report)
    assert [each.life for each in everything(store, of, START)] == [each.life for each in before]


def test_a_run_without_credentials_is_evidence_of_what_a_401_shows_alone(store: Store) -> None:
    of = project(store)
    add(store, of, told("drift", "r-1"))
    add(store, of, told("undecided", "r-2", START + DAY))
    resolved = [each for each in everything(store, of, START, state="resolved") if "fuzz" in each.row["sources"]]
    assert {(each.rule, each.row["where"]["status"]) for each in resolved} == {("missing-header", "401")}


def test_without_evidence_for_a_week_a_finding_is_stale(store: Store) -> None:
    of = project(store)
    add(store, of, told("drift", "r-1"))
    assert states(store, "response-schema", 7) == ["new"]
    assert states(store, "response-schema", 7.01) == ["stale"]
    add(store, of, told("drift", "r-2", START + 8 * DAY))
    assert states(store, "response-schema", 8) == ["ongoing"]
    add(store, of, told("drift", "r-3", START + 9 * DAY, keep=without("response-schema")))
    assert states(store, "response-schema", 100) == ["resolved"]


def test_each_environment_has_a_life_of_its_own(store: Store) -> None:
    of = project(store)
    add(store, of, told("drift", "r-1", START, "ci"))
    add(store, of, told("drift", "r-2", START, "staging"))
    add(store, of, told("drift", "r-3", START + DAY, "ci", without("response-schema")))
    assert states(store, "response-schema", 1, "ci") == ["resolved"]
    assert states(store, "response-schema", 1, "staging") == ["new"]


def test_a_late_report_tells_only_when_a_finding_was_there(store: Store) -> None:
    of = project(store)
    add(store, of, told("drift", "r-2", START + 2 * DAY))
    add(store, of, told("drift", "r-4", START + 4 * DAY, keep=without("response-schema")))
    add(store, of, told("drift", "r-1", START + DAY), START + 5 * DAY)
    add(store, of, told("drift", "r-3", START + 3 * DAY), START + 5 * DAY)
    (found,) = everything(store, of, START, rule="response-schema")
    assert found.life.state is State.RESOLVED
    assert (found.life.first_seen, found.life.last_seen) == (START + DAY, START + 3 * DAY)
    assert (found.life.resolved, found.life.regressions, found.run_id) == (START + 4 * DAY, 0, "r-3")


def test_what_only_a_late_report_shows_is_held_against_the_newer_ones(store: Store) -> None:
    of = project(store)
    add(store, of, told("drift", "r-2", START + 2 * DAY, keep=without("response-schema")))
    nothing = told("drift", "r-3", START + 3 * DAY, keep=without("response-schema"))
    nothing["operations"] = []
    add(store, of, nothing)
    add(store, of, told("drift", "r-1", START), START + 4 * DAY)
    (found,) = everything(store, of, START, rule="response-schema")
    assert (found.life.state, found.life.resolved) == (State.RESOLVED, START + 2 * DAY)
    assert [each.what for each in store.events(of, found.fingerprint)] == ["resolved", "new"]
    assert {each.life.state for each in everything(store, of, START)} > {State.RESOLVED}


def test_a_clock_that_runs_ahead_makes_no_later_report_late(store: Store) -> None:
    of = project(store)
    add(store, of, told("drift", "r-1", START + 400 * DAY), START)
    add(store, of, told("drift", "r-2", START + DAY, keep=without("response-schema")))
    assert states(store, "response-schema", 1) == ["resolved"]


def test_a_server_whose_clock_steps_back_loses_nothing(store: Store) -> None:
    of = project(store)
    add(store, of, told("drift", "r-1", START + 2 * DAY))
    add(store, of, told("drift", "r-2", START + 3 * DAY), START)  # received before it started
    (found,) = everything(store, of, START, rule="response-schema")
    assert (found.life.first_seen, found.life.last_seen) == (START, START + 2 * DAY)
    add(store, of, told("drift", "r-3", START + 3 * DAY, keep=without("response-schema")))
    assert states(store, "response-schema", 3) == ["resolved"]


def test_a_rule_that_is_switched_off_resolves_nothing(store: Store, tmp_path: Path) -> None:
    (tmp_path / "api.yaml").write_text(
        "openapi: 3.1.0\ninfo: {title: Shop, version: '1'}\n"
        "paths:\n  /orders:\n    get:\n      responses:\n        '200': {description: Orders.}\n"
    )
    of, seen = project(store), []
    for day, (routes, levels) in enumerate(
        [
            ("GET /orders\nGET /carts\n", []),
            ("GET /orders\n", ["undeclared-*=off"]),
            ("GET /orders\n", []),
            ("GET /orders\nGET /carts\n", ["undeclared-operation=note"]),
        ]
    ):
        (tmp_path / "routes.txt").write_text(routes)
        flags = {
            "documents": [str(tmp_path / "api.yaml")],
            "routes": [f"text:{tmp_path}/routes.txt"],
            "fuzz": False,
            "types": False,
        }
        made = run.check(settings.load({**flags, "levels": levels}, {}, tmp_path))
        assert ("undeclared-operation" in made.run.rules) is (levels != ["undeclared-*=off"])
        add(store, of, at(json.loads(as_json.render(made)), day))
        seen += states(store, "undeclared-operation", day)
    assert seen == ["new", "new", "resolved", "regressed"]


# --- reports of the demo ----------------------------------------------------------------------------------------------


@contextmanager
def module(name: str, app: object) -> Iterator[str]:
    made = ModuleType(name)
    made.app = app  # type: ignore[attr-defined]
    sys.modules[name] = made
    try:
        yield f"asgi:{name}:app"
    finally:
        del sys.modules[name]


def checked(tmp_path: Path, drifts: list[str]) -> dict[str, Any]:
    flags = {
        "documents": [str(ROOT / "specs/demo.yaml")],
        "headers": ["Authorization: Bearer demo-acme-admin"],
        "max_examples": "2",
        "max_time": "5m",
        "types": False,
    }
    with module("living_demo", create_app(drifts)) as where:
        report = run.check(settings.load({**flags, "target": where, "routes": [where]}, {}, tmp_path))
    found: dict[str, Any] = json.loads(as_json.render(report))
    return found


DRIFTS = ["null-due-at", "undeclared-operation", "undeclared-status", "undeclared-property", "server-error"]


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], dict[str, Any]]:
    """Reports of the demo that drifts, and of the one that does not, from one folder, so that seeds are replayed."""
    folder = tmp_path_factory.mktemp("demo")
    return checked(folder, DRIFTS), checked(folder, [])


def at(report: dict[str, Any], day: int) -> dict[str, Any]:
    run_of = {**report["run"], "id": f"r-{day}", "started_at": (START + day * DAY).isoformat()}
    return {**report, "run": run_of}


@pytest.mark.slow
def test_drift_of_the_demo_that_is_mended_resolves_and_comes_back(
    store: Store, real: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    drifting, clean = real
    of = project(store)
    told_of = []
    for day, report in enumerate((drifting, drifting, clean, drifting)):
        add(store, of, at(report, day))
        told_of.append({each.life.state.value for each in everything(store, of, START)})
    assert told_of == [{"new"}, {"ongoing"}, {"resolved"}, {"regressed"}]
    rules = {each.rule for each in everything(store, of, START)}
    assert rules >= {
        "response-schema",
        "undeclared-operation",
        "undeclared-status",
        "undeclared-property",
        "server-error",
    }


@pytest.mark.slow
def test_a_run_that_reaches_an_operation_no_more_resolves_nothing_of_it(
    store: Store, real: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    drifting, clean = real
    of = project(store)
    add(store, of, at(drifting, 0))
    silent = at(clean, 1)
    silent["operations"] = [
        {**row, "exchanges": 0, "responses": [{**cell, "exchanges": 0} for cell in row["responses"]]}
        for row in clean["operations"]
    ]
    silent["run"] = {**silent["run"], "notes": []}
    add(store, of, silent)
    states_of = {(each.rule, each.life.state.value) for each in everything(store, of, START)}
    assert {rule for rule, state in states_of if state == "resolved"} == {"undeclared-operation"}  # routes say so
