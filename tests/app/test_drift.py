"""Each kind of drift that the demo can switch on is found by its rule, and by no other; without a switch nothing is."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from contract.app import run, settings
from contract.core.report import Report
from contract.demo import DRIFTS
from contract.demo.app import create_app

from ..demo.serving import serving

ROOT = Path(__file__).parents[2]
RULE = {"null-due-at": "response-schema"}
SAME_PATH_ELSEWHERE = {"unimplemented-operation": {"undeclared-status"}}
"""What else must follow: a path that is no longer served is answered by the router."""


@contextmanager
def module(name: str, app: object) -> Iterator[str]:
    made = ModuleType(name)
    made.app = app  # type: ignore[attr-defined]
    sys.modules[name] = made
    try:
        yield f"{name}:app"
    finally:
        del sys.modules[name]


def check(tmp_path: Path, **flags: Any) -> Report:
    wanted = {
        "documents": [str(ROOT / "specs/demo.yaml")],
        "headers": ["Authorization: Bearer demo-acme-admin"],
        "max_examples": "5",
        "max_time": "5m",
        "types": False,
        **flags,
    }
    return run.check(settings.load(wanted, {}, tmp_path))


def found(report: Report) -> Counter[str]:
    return Counter(row.rule for row in report.findings)


@pytest.mark.parametrize("drift", sorted(DRIFTS))
def test_a_drift_that_is_switched_on_is_found_by_its_rule_alone(drift: str, tmp_path: Path) -> None:
    app = create_app([drift])
    with module("drifting_demo", app) as where, serving(app) as origin:
        report = check(tmp_path, target=origin, routes=[f"asgi:{where}"])
    rule = RULE.get(drift, drift)
    assert set(found(report)) - SAME_PATH_ELSEWHERE.get(drift, set()) == {rule}, report.findings
    assert {row.proof for row in report.findings} <= {"confirmed", "replayed", "structural"}
    levels = {row.level for row in report.findings if row.rule == rule}
    assert report.outcome.exit_code == (1 if "error" in levels else 0)


@pytest.mark.parametrize("seed", ["1", "2"])
def test_without_a_switch_nothing_is_found_whatever_the_seed(seed: str, tmp_path: Path) -> None:
    with module("clean_demo", create_app()) as where:
        report = check(tmp_path, target=f"asgi:{where}", routes=[f"asgi:{where}"], seed=seed)
    assert report.findings == ()
    assert (report.outcome.exit_code, report.kpis.drift.count, report.run.complete) == (0, 0, True)
    assert report.kpis.drift.exercised.operations.part == report.kpis.drift.exercised.operations.whole == 22
    assert (report.kpis.completeness.part, report.kpis.completeness.whole) == (22, 22)


def test_the_fuzzer_over_http_sees_what_it_sees_in_process(tmp_path: Path) -> None:
    with module("clean_demo", create_app()) as where:
        inside = check(tmp_path, target=f"asgi:{where}")
    with serving(create_app()) as origin:
        outside = check(tmp_path, target=origin)
    assert outside.findings == inside.findings == ()
    assert [row.exercised.statuses for row in outside.operations] == [
        row.exercised.statuses for row in inside.operations
    ]
