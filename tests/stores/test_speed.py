"""What costs the same however much there is: the statements of a report, and the rows that a page reads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, text

from contract.stores.store import Store

from .reports import DAY, START, add, many, project, raw


@contextmanager
def statements(store: Store) -> Iterator[list[tuple[str, Any]]]:
    """What the database is told meanwhile."""
    found: list[tuple[str, Any]] = []

    def tell(connection: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        found.append((statement, parameters))

    event.listen(store._engine, "before_cursor_execute", tell)
    try:
        yield found
    finally:
        event.remove(store._engine, "before_cursor_execute", tell)


def test_a_report_of_a_thousand_findings_is_a_few_statements(store: Store) -> None:
    of = project(store)
    counts = []
    for number, count in enumerate((10, 10, 1000, 1000, 500)):
        report = many(count, f"r-{number}", START + number * DAY)
        if number == 4:
            report["operations"] = many(1000, "", START)["operations"]  # those that are not told held
        with statements(store) as told_of:
            add(store, of, report)
        counts.append(len(told_of))
    assert max(counts) <= min(counts) + 4, counts
    assert store.totals(of, now=START + 4 * DAY)["resolved", "error"] > 100


QUERIES: dict[str, tuple[dict[str, Any], str]] = {
    "a project": ({}, "ix_finding_project_id_rank_id"),
    "an environment": ({"environment": "ci"}, "ix_finding_project_id_environment_rank_id"),
    "open ones": (
        {"environment": "ci", "state": {"new", "ongoing", "regressed", "stale"}},
        "ix_finding_project_id_environment_rank_id",
    ),
    "errors": ({"environment": "ci", "level": "error"}, "ix_finding_project_id_environment_rank_id"),
}


@pytest.mark.parametrize("name", QUERIES)
def test_a_page_is_read_by_an_index_and_sorts_nothing(name: str, tmp_path: Path) -> None:
    filters, index = QUERIES[name]
    with Store.open(f"sqlite:///{tmp_path / 'contract.db'}") as store:
        of = project(store)
        add(store, of, many(300, "r-1", START, "ci"))
        first = store.findings(of, now=START, limit=10, **filters)
        with statements(store) as told_of:
            store.findings(of, now=START, limit=10, after=first.next, **filters)
        statement, parameters = next(each for each in told_of if each[0].startswith("SELECT"))
        assert "OFFSET ?" not in statement or parameters[-1] == 0
        with store._engine.connect() as connection:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
    steps = [row[3] for row in plan]
    assert any(f"INDEX {index} " in step for step in steps), steps
    assert not any("TEMP B-TREE" in step or step.startswith("SCAN") for step in steps), steps


def test_a_page_of_reports_is_read_by_an_index_and_leaves_bodies_alone(tmp_path: Path) -> None:
    with Store.open(f"sqlite:///{tmp_path / 'contract.db'}") as store:
        of = project(store)
        for number in range(5):
            add(store, of, many(3, f"r-{number}", START + number * DAY, "ci"))
        first = store.reports(of, limit=2)
        asked = {
            "reports": lambda: store.reports(of, after=first.next, limit=2),
            "reports of an environment": lambda: store.reports(of, "ci", after=first.next, limit=2),
            "the latest": lambda: store.latest(of, "ci", "drift"),
        }
        for name, ask in asked.items():
            with statements(store) as told_of:
                ask()
            statement, parameters = next(each for each in told_of if each[0].startswith("SELECT"))
            assert "report.body," not in statement and "report.body " not in statement, name
            with store._engine.connect() as connection:
                plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
            steps = [row[3] for row in plan]
            assert not any("TEMP B-TREE" in step or step.startswith("SCAN") for step in steps), (name, steps)


def test_postgresql_reads_a_page_by_the_index_too(postgresql: Any) -> None:
    with Store.open(postgresql.database()) as store:
        of = project(store)
        add(store, of, many(2000, "r-1", START, "ci"))
        first = store.findings(of, now=START, environment="ci", limit=10)
        with store._engine.connect() as connection:
            connection.execute(text("COMMIT"))
            connection.execute(text("ANALYZE"))
            connection.commit()
        with statements(store) as told_of:
            store.findings(of, now=START, environment="ci", limit=10, after=first.next)
        statement, parameters = next(each for each in told_of if each[0].startswith("SELECT"))
        with store._engine.connect() as connection:
            plan = connection.exec_driver_sql(f"EXPLAIN {statement}", parameters).scalars().all()
    assert any(
        "ix_finding_project_id_environment_rank_id" in line or "ix_finding_project_id_rank_id" in line for line in plan
    ), plan
    assert not any("Sort" in line for line in plan), plan


def test_a_report_that_is_sent_again_writes_nothing(store: Store) -> None:
    of, report = project(store), many(10, "r-1")
    add(store, of, report)
    with statements(store) as told_of:
        store.add_report(of, report, raw(report), START, "ci")
    assert [line for line, _ in told_of if line.startswith(("INSERT", "UPDATE", "BEGIN IMMEDIATE"))] == []
