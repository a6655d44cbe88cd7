"""The main job on two services that nobody here wrote, and on a Laravel application: what is reported is true, and much of what is true is reported."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bench import truth

from .. import needs

WALK = {"alertmanager": 33, "kinto": 21, "laravel": 55}
"""So many facts are met by the walk alone, which asks the same in every run: no margin."""
FACTS = truth.QUICK | {"kinto": 21}
"""So many are met with the fuzzer behind it at 25 examples, with a margin for its luck."""


def installed(name: str) -> None:
    if truth.DATA is None:
        needs.missing("the shared data (CONTRACT_DATA, or ../shared/data)")
    if name == "alertmanager":
        needs.program("apt-get", "a Debian machine")
        if os.getuid() != 0:
            needs.missing("root, to unpack Alertmanager's templates")
    elif name == "laravel":
        needs.program("php", "apt-get install -y --no-install-recommends php-cli php-laravel-framework php-sqlite3")
    else:
        needs.program("python3.11", "install Python 3.11")


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(FACTS))
def test_a_real_service_is_checked_and_no_trap_is_reported(name: str, tmp_path: Path) -> None:
    installed(name)
    score = truth.measure(name, tmp_path / name, max_examples=25)
    print(f"{name}: {sum(score.found.values())} facts, strict {sum(score.strict.values())}; missed: {score.missed}")
    assert score.traps == []
    assert sum(score.found.values()) >= FACTS[name], score.missed
    report = score.report
    assert report is not None
    assert report.outcome.exit_code == 1
    assert {row.proof for row in report.findings if row.level == "error"} <= {"confirmed", "replayed", "structural"}
    assert report.kpis.completeness.whole is not None


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(WALK))
def test_the_walk_alone_finds_the_same_on_two_fresh_services(name: str, tmp_path: Path) -> None:
    installed(name)
    one, other = (truth.measure(name, tmp_path / name, seed=seed, fuzz=False) for seed in (1, 2))
    assert sorted(one.findings) == sorted(other.findings)
    assert one.traps == []
    assert sum(one.found.values()) >= WALK[name], one.missed
