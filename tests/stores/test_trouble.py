"""Several at once, a lock, a full disk, a server that went away: nothing is lost, nothing half-written, and it is said."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, text

from contract.stores import sql
from contract.stores.store import Busy, Conflict, Full, Locked, Store, StoreError, Unreachable

from .postgres import Server
from .reports import DAY, START, add, everything, fingerprints, many, project, raw, told

ROOT = Path(__file__).parents[2]


def at_once(count: int, task: Callable[[int], Any]) -> list[Any]:
    """What so many threads get that begin together; what they raise is theirs."""
    start, results = threading.Barrier(count), [None] * count

    def runs(number: int) -> None:
        start.wait()
        try:
            results[number] = task(number)
        except StoreError as error:
            results[number] = error  # type: ignore[call-overload]

    threads = [threading.Thread(target=runs, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


# --- at once ----------------------------------------------------------------------------------------------------------


def test_a_report_that_is_sent_by_many_at_once_is_counted_once(store: Store) -> None:
    of, report = project(store), told("drift", "r-1")
    body = raw(report)
    results = at_once(8, lambda _: store.add_report(of, report, body, START, "ci"))
    assert Counter(created for _, created in results) == {False: 7, True: 1}
    assert len({row for row, _ in results}) == 1
    assert {each.fingerprint for each in everything(store, of, START)} == fingerprints(report)
    assert [each.what for each in store.events(of, limit=200)].count("reported") == 1
    assert project(store).changes == 1


def test_of_two_reports_of_one_run_id_at_once_one_is_kept(store: Store) -> None:
    of = project(store)
    bodies = [(report, raw(report)) for report in (told("drift", "r-1"), told("clean", "r-1"))]
    results = at_once(6, lambda number: store.add_report(of, *bodies[number % 2], START, "ci"))
    kept = [each for each in results if not isinstance(each, StoreError)]
    assert [type(each) for each in results if isinstance(each, StoreError)] == [Conflict] * 3
    assert Counter(created for _, created in kept) == {False: 2, True: 1}


def test_reports_of_many_runs_at_once_are_all_counted(store: Store) -> None:
    of = project(store)
    reports = [told("drift", f"r-{number}", START + number * DAY, keep=lambda row: True) for number in range(8)]
    results = at_once(
        8, lambda number: store.add_report(of, reports[number], raw(reports[number]), START + 9 * DAY, "ci")
    )
    assert [created for _, created in results] == [True] * 8
    found = everything(store, of, START)
    assert {(each.life.first_seen, each.life.last_seen, each.run_id) for each in found} == {
        (START, START + 7 * DAY, "r-7")
    }
    assert len(store.reports(of)) == project(store).changes == 8


def test_of_many_who_ask_for_a_check_at_once_one_gets_it(store: Store) -> None:
    of = project(store)
    results = at_once(6, lambda number: store.add_check(of, f"user {number}", START))
    assert Counter(type(each).__name__ for each in results) == {"Busy": 5, "Check": 1}
    assert {each.check.number for each in results if isinstance(each, Busy)} == {1}
    claimed = at_once(6, lambda _: store.claim(START))
    assert sum(each is not None for each in claimed) == 1


def test_a_project_that_is_made_by_many_at_once_is_one(store: Store) -> None:
    results = at_once(6, lambda _: store.project("demo", create=True, now=START))
    assert len({each.id for each in results}) == 1


SENDS = """
import json, sys
from datetime import datetime
from contract.stores.store import Store
url, path, now = sys.argv[1:]
raw = open(path, "rb").read()
with Store.open(url) as store:
    of = store.project("demo", create=True, now=datetime.fromisoformat(now))
    print("ready", flush=True)
    sys.stdin.readline()
    print(store.add_report(of, json.loads(raw), raw, datetime.fromisoformat(now), "ci")[1])
"""


def test_a_report_that_two_processes_send_at_once_is_counted_once(url: str, tmp_path: Path) -> None:
    report = told("drift", "r-1")
    (tmp_path / "report.json").write_bytes(raw(report))
    argv = [sys.executable, "-c", SENDS, url, str(tmp_path / "report.json"), START.isoformat()]
    senders = [
        subprocess.Popen(argv, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    for sender in senders:
        assert sender.stdout is not None and sender.stdout.readline() == "ready\n"
    for sender in senders:
        assert sender.stdin is not None
        sender.stdin.write("go\n")
        sender.stdin.flush()
    assert sorted(sender.communicate()[0] for sender in senders) == ["False\n", "True\n"]
    with Store.open(url) as store:
        assert {each.fingerprint for each in everything(store, project(store), START)} == fingerprints(report)


def test_two_stores_on_one_database_see_each_other(url: str) -> None:
    with Store.open(url) as one, Store.open(url) as other:
        row = add(one, project(one), told("drift", "r-1"))
        assert other.report(project(other), "r-1") == row
        reports = [told("drift", f"r-{number}", START + number * DAY) for number in range(2, 8)]
        of = project(one)
        results = at_once(
            6,
            lambda number: (one, other)[number % 2].add_report(of, reports[number], raw(reports[number]), START, "ci"),
        )
        assert [created for _, created in results] == [True] * 6
        assert everything(one, of, START) == everything(other, of, START)


# --- locked -----------------------------------------------------------------------------------------------------------


def locking(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("BEGIN IMMEDIATE")
    return connection


def test_a_file_that_another_process_locks_is_read_and_said_to_be_locked(tmp_path: Path) -> None:
    with Store.open(f"sqlite:///{tmp_path / 'contract.db'}", patience_ms=50) as store:
        of = project(store)
        _, secret = store.create_token(of, "write", "ci", None, START)
        add(store, of, told("drift", "r-1"))
        other = locking(tmp_path / "contract.db")
        report = told("clean", "r-2", START + DAY)
        with pytest.raises(Locked, match="another process holds the database"):
            store.add_report(of, report, raw(report), START + DAY, "ci")
        assert store.report(of, "r-2") is None
        assert len(everything(store, of, START)) > 0
        assert store.check_token(secret, START + DAY) is not None  # its use cannot be noted, and it holds
        other.execute("ROLLBACK")
        other.close()
        add(store, of, report)


def test_a_lock_that_ends_in_time_is_waited_for(tmp_path: Path) -> None:
    with Store.open(f"sqlite:///{tmp_path / 'contract.db'}") as store:
        of = project(store)
        other = locking(tmp_path / "contract.db")
        timer = threading.Timer(0.3, lambda: other.execute("ROLLBACK"))
        timer.start()
        add(store, of, told("drift", "r-1"))
        timer.join()
        other.close()


def test_a_project_that_another_process_locks_is_said_to_be_locked(postgresql: Server) -> None:
    url = postgresql.database()
    with Store.open(url, patience_ms=50) as store:
        of, free = project(store), project(store, "free")
        engine = sql.engine(sql.address(url))
        with engine.begin() as connection:
            connection.execute(text("SELECT 1 FROM project WHERE name = 'demo' FOR UPDATE"))
            report = told("drift", "r-1")
            with pytest.raises(Locked):
                store.add_report(of, report, raw(report), START, "ci")
            add(store, free, report)
        engine.dispose()
        add(store, of, report)


# --- full -------------------------------------------------------------------------------------------------------------


def test_a_database_that_may_not_grow_keeps_all_or_nothing(tmp_path: Path) -> None:
    path = tmp_path / "contract.db"
    with Store.open(f"sqlite:///{path}") as store:
        of = project(store)
        add(store, of, told("drift", "r-1"))
        before, told_of = everything(store, of, START), store.events(of, limit=200).items
        with sqlite3.connect(path) as connection:
            pages = connection.execute("PRAGMA page_count").fetchone()[0]

        @event.listens_for(store._engine, "begin")
        def bound(connection: Any) -> None:
            connection.exec_driver_sql(f"PRAGMA max_page_count={pages + 20}")

        report = many(300, "r-2", START + DAY)
        with pytest.raises(Full, match="nothing can be written"):
            store.add_report(of, report, raw(report), START + DAY, "ci")
        assert store.report(of, "r-2") is None
        assert (everything(store, of, START), store.events(of, limit=200).items) == (before, told_of)
        event.remove(store._engine, "begin", bound)
        with store._engine.begin() as connection:
            connection.exec_driver_sql("PRAGMA max_page_count=1000000")
        add(store, of, report)


FILLS = """
import json, resource, signal, sys
from datetime import datetime
from contract.stores.store import Full, Store
url, path, now = sys.argv[1:]
raw = open(path, "rb").read()
with Store.open(url) as store:
    of = store.project("demo")
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, resource.RLIM_INFINITY))
    for attempt in range(2):
        try:
            store.add_report(of, json.loads(raw), raw, datetime.fromisoformat(now), "ci")
        except Full as error:
            print(error.message.partition(": ")[2])
        assert store.report(of, "r-1") is not None and store.report(of, "r-2") is None
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    print(store.add_report(of, json.loads(raw), raw, datetime.fromisoformat(now), "ci")[1])
"""


def test_a_disk_that_takes_no_more_is_said_to_be_full_and_nothing_is_half_written(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'contract.db'}"
    with Store.open(url) as store:
        add(store, project(store), told("drift", "r-1"))
    (tmp_path / "report.json").write_bytes(raw(many(300, "r-2", START + DAY)))
    argv = [sys.executable, "-c", FILLS, url, str(tmp_path / "report.json"), (START + DAY).isoformat()]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    *full, last = done.stdout.splitlines()
    assert len(full) == 2 and all(line.startswith("nothing can be written") for line in full), done.stdout
    assert last == "True"
    with Store.open(url) as store:
        assert len(everything(store, project(store), START)) > 300
    with sqlite3.connect(tmp_path / "contract.db") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []


# --- killed, and gone -------------------------------------------------------------------------------------------------

PUSHES = """
import json, sys
from datetime import datetime, timedelta
from contract.stores.store import Store
url, path, now = sys.argv[1:]
report = json.loads(open(path, "rb").read())
with Store.open(url) as store:
    of = store.project("demo")
    for number in range(10_000):
        report["run"]["id"] = f"k-{number}"
        store.add_report(of, report, json.dumps(report).encode(), datetime.fromisoformat(now), "ci")
        print(number, flush=True)
"""


def test_what_was_acknowledged_before_a_kill_is_there(url: str, tmp_path: Path) -> None:
    with Store.open(url) as store:
        project(store)
    (tmp_path / "report.json").write_bytes(raw(told("drift", "r-1")))
    argv = [sys.executable, "-c", PUSHES, url, str(tmp_path / "report.json"), START.isoformat()]
    with subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, text=True) as pushing:
        assert pushing.stdout is not None
        acknowledged = [int(pushing.stdout.readline()) for _ in range(5)]
        pushing.send_signal(signal.SIGKILL)
        acknowledged += [int(line) for line in pushing.stdout if line.endswith("\n")]
    with Store.open(url) as store:
        of = project(store)
        kept = [row.run_id for row in store.reports(of, limit=10_000)]
        assert set(kept) >= {f"k-{number}" for number in acknowledged}
        assert len(kept) == len(set(kept)) == of.changes <= len(acknowledged) + 1
        report = told("drift", "k-0", START)
        assert {each.fingerprint for each in everything(store, of, START)} == fingerprints(report)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT], ids=["shut down", "crashed"])
def test_a_server_that_was_started_again_is_asked_again(postgresql: Server, how: signal.Signals) -> None:
    with Store.open(postgresql.database()) as store:
        of = project(store)
        at_once(4, lambda _: store.report(of, "r-1"))  # several connections, idle now
        add(store, of, told("drift", "r-1"))
        before = everything(store, of, START)
        postgresql.stop(how)
        report = told("clean", "r-2", START + DAY)
        try:
            for ask in (store.ping, lambda: store.add_report(of, report, raw(report), START + DAY, "ci")):
                with pytest.raises(Unreachable, match="does not answer"):
                    ask()
        finally:
            postgresql.start()
        assert everything(store, of, START) == before
        assert at_once(4, lambda _: store.report(of, "r-2")) == [None] * 4
        add(store, of, report)


def test_a_connection_that_is_cut_in_the_middle_leaves_nothing_half_written(postgresql: Server) -> None:
    url = postgresql.database()
    with Store.open(url) as store:
        of = project(store)
        engine = sql.engine(sql.address(url))
        cut: list[int] = []

        @event.listens_for(store._engine, "before_cursor_execute")
        def cuts(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
            if statement.startswith("INSERT INTO finding") and not cut:
                (pid,) = connection.exec_driver_sql("SELECT pg_backend_pid()").one()
                cut.append(pid)
                with engine.connect() as other:
                    other.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})

        report = told("drift", "r-1")
        with pytest.raises(Unreachable):
            store.add_report(of, report, raw(report), START, "ci")
        assert len(cut) == 1
        assert (store.report(of, "r-1"), store.events(of).items, everything(store, of, START)) == (None, (), [])
        add(store, of, report)
        engine.dispose()
