"""How long reports are kept: their bodies go after their time, and nothing that is told of findings goes with them."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from contract.stores import sql
from contract.stores.store import Gone, Store

from .reports import DAY, START, add, everything, project, raw, told


def kept(store: Store, days: int) -> list[str]:
    """Run ids of the reports that can be given back whole, oldest first."""
    of = project(store)
    while store.prune(of, days * DAY, START + 100 * DAY):
        pass
    found = []
    for row in reversed(store.reports(of, limit=200).items):
        try:
            assert store.body(of, row.run_id) and store.frame(of, row.run_id)
        except Gone:
            continue
        found.append(row.run_id)
    return found


def test_bodies_go_after_their_time_and_lines_lives_and_history_stay(store: Store) -> None:
    of = project(store)
    for day in range(6):
        gone = day in (2, 3)
        add(store, of, told("drift", f"r-{day}", START + day * DAY, keep=lambda row, gone=gone: not gone))
    lines, lives = store.reports(of, limit=200), everything(store, of, START)
    events = store.events(of, limit=1000)
    assert kept(store, 2) == ["r-3", "r-4", "r-5"]
    assert store.reports(of, limit=200) == lines
    assert everything(store, of, START) == lives
    assert store.events(of, limit=1000) == events
    with pytest.raises(Gone, match="'r-1' was kept for its time"):
        store.body(of, "r-1")
    again = told("drift", "r-1", START + DAY)
    assert store.add_report(of, again, raw(again), START, "ci")[1] is False  # still known, and still not counted twice


def test_the_newest_of_each_environment_and_of_each_figure_stays_whole(store: Store) -> None:
    of = project(store)
    add(store, of, told("drift", "old", START, "staging"))
    for day in range(4):
        report = told("drift", f"r-{day}", START + day * DAY, "ci")
        if day > 1:
            report["kpis"]["generation"] |= {"part": None, "whole": None, "verdict": "none"}
        add(store, of, report)
    assert kept(store, 1) == ["old", "r-1", "r-2", "r-3"]
    latest = store.latest(of, "ci", "generation")
    assert latest is not None and latest.run_id == "r-1"


def test_a_clock_that_runs_ahead_empties_nothing(store: Store) -> None:
    of = project(store)
    for day in range(3):
        add(store, of, told("drift", f"r-{day}", START + day * DAY))
    assert store.prune(of, 5 * DAY, START + 4000 * DAY) == 0
    assert kept(store, 5) == ["r-0", "r-1", "r-2"]


def test_another_project_s_reports_are_left_alone(store: Store) -> None:
    of, other = project(store), project(store, "other")
    for day in range(3):
        add(store, of, told("drift", f"r-{day}", START + day * DAY))
        add(store, other, told("drift", f"r-{day}", START + day * DAY))
    assert kept(store, 1) == ["r-1", "r-2"]
    assert store.body(other, "r-0") == raw(told("drift", "r-0"))


def test_a_late_report_is_held_against_the_newer_ones_that_are_still_whole(store: Store) -> None:
    of = project(store)
    for day in range(1, 5):
        add(store, of, told("drift", f"r-{day}", START + day * DAY, keep=lambda row: row["rule"] != "response-schema"))
    assert kept(store, 1) == ["r-3", "r-4"]
    add(store, of, told("drift", "r-0", START), START + 5 * DAY)
    (found,) = everything(store, of, START, rule="response-schema")
    assert (found.life.first_seen, found.life.resolved) == (START, START + 3 * DAY)


def test_a_row_is_written_again_only_where_it_tells_something_else(store: Store) -> None:
    of = project(store)
    add(store, of, told("drift", "r-1"))

    def digests() -> dict[int, str]:
        with store._engine.connect() as connection:
            return {
                row[0]: row[1] for row in connection.execute(select(sql.sighting.c.finding_id, sql.sighting.c.digest))
            }

    before = digests()
    add(store, of, told("drift", "r-2", START + DAY))
    assert digests() == before and "" not in before.values()
    report = told("drift", "r-3", START + 2 * DAY)
    row = next(each for each in report["findings"] if not each["operations"])
    row["message"] = "told in other words"
    add(store, of, report)
    after = digests()
    assert [after[key] != before[key] for key in before].count(True) == 1
    (found,) = [each for each in everything(store, of, START) if each.fingerprint == row["fingerprint"]]
    assert (found.row["message"], found.run_id) == ("told in other words", "r-3")


def test_a_finding_under_another_heading_is_told_by_its_new_one(store: Store) -> None:
    of = project(store)
    add(store, of, told("drift", "r-1"))
    report = told("drift", "r-2", START + DAY)
    row = next(each for each in report["findings"] if not each["operations"] and each["level"] == "error")
    row |= {"level": "note"}
    add(store, of, report)
    (found,) = [each for each in everything(store, of, START) if each.fingerprint == row["fingerprint"]]
    assert (found.level, found.life.state.value, found.life.first_seen, found.run_id) == (
        "note",
        "ongoing",
        START,
        "r-2",
    )
    assert row["fingerprint"] in {each.fingerprint for each in everything(store, of, START, level="note")}
