"""A store opens an empty database, one of this version, and none of a newer one; its tables go up and down with what is in them."""

from __future__ import annotations

import shutil
import socket
import sqlite3
import struct
import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text

from contract.core.errors import ContractError
from contract.stores import sql
from contract.stores.store import Newer, Store, StoreError, Unreachable

from .postgres import Server
from .reports import DAY, START, add, everything, project, told


def test_the_revisions_make_the_tables_that_the_code_knows(url: str) -> None:
    Store.open(url).close()
    engine = sql.engine(sql.address(url))
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, sql.metadata) == []
        assert sql.revision(connection) == sql.head()
    engine.dispose()


def test_tables_go_down_and_up_again_with_data_in_them(url: str) -> None:
    for _ in range(2):
        with Store.open(url) as store:
            add(store, project(store), told("drift", "r-1"))
            assert everything(store, project(store), START)
        engine = sql.engine(sql.address(url))
        sql.migrate(engine, "base")
        assert inspect(engine).get_table_names() == ["alembic_version"]
        engine.dispose()
    with Store.open(url) as store:
        assert store.projects() == ()


def test_a_step_down_and_up_again_keeps_every_finding_and_its_row(url: str) -> None:
    with Store.open(url) as store:
        of = project(store)
        add(store, of, told("drift", "r-1"))
        add(store, of, told("drift", "r-2", START + DAY, keep=lambda row: row["rule"] != "response-schema"))
        before, history = everything(store, of, START), store.events(of, limit=200)
    engine = sql.engine(sql.address(url))
    sql.migrate(engine, "0001")
    with engine.connect() as connection:
        rows = {(row[0], row[1]) for row in connection.execute(text('SELECT fingerprint, "row" FROM finding'))}
        assert rows == {(each.fingerprint, each.row_json) for each in before}
    engine.dispose()
    with Store.open(url) as store:  # up again
        of = project(store)
        assert everything(store, of, START) == before and store.events(of, limit=200) == history
        add(store, of, told("drift", "r-3", START + 2 * DAY))
        assert {each.life.state.value for each in everything(store, of, START)} == {"ongoing", "regressed"}


def test_opening_again_changes_nothing(url: str) -> None:
    with Store.open(url) as store:
        before = add(store, project(store), told("drift", "r-1"))
    with Store.open(url) as store:
        assert store.report(project(store), "r-1") == before


def test_several_may_open_an_empty_database_at_once(url: str) -> None:
    failures: list[BaseException] = []
    start = threading.Barrier(4)

    def opens() -> None:
        start.wait()
        try:
            Store.open(url).close()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=opens) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_a_database_of_a_newer_version_is_refused_and_left_alone(url: str) -> None:
    Store.open(url).close()
    engine = sql.engine(sql.address(url))
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(Newer, match=f"revision 9999 of the tables is newer than {sql.head()}"):
        Store.open(url)
    with engine.connect() as connection:
        assert sql.revision(connection) == "9999"
    engine.dispose()


def test_plain_postgresql_means_the_driver_of_the_extra(postgresql: Server) -> None:
    url = postgresql.database().replace("+pg8000", "")
    with Store.open(url) as store:
        assert project(store).name == "demo"


def test_no_password_is_told(postgresql: Server) -> None:
    wrong = postgresql.url("nowhere").replace("s3cret", "other")
    with pytest.raises(StoreError) as told_of:
        Store.open(wrong)
    assert "other" not in f"{told_of.value.message} {told_of.value.hint}"
    assert "password authentication failed" in told_of.value.message
    with pytest.raises(StoreError, match='database "nowhere" does not exist'):
        Store.open(postgresql.url("nowhere"))


def test_a_server_that_is_not_there_is_unreachable() -> None:
    with pytest.raises(Unreachable, match="does not answer"):
        Store.open("postgresql+pg8000://me:secret@127.0.0.1:1/contract")


def test_a_server_that_cuts_connections_off_is_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def cuts() -> None:
            connection, _ = listener.accept()
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()  # with a reset, as a server that is just shutting down

        cutting = threading.Thread(target=cuts)
        cutting.start()
        with pytest.raises(Unreachable, match="does not answer"):
            Store.open(f"postgresql+pg8000://me:secret@127.0.0.1:{listener.getsockname()[1]}/contract")
        cutting.join()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("sqlite://", "in memory"),
        ("sqlite:///:memory:", "in memory"),
        ("mysql://me@host/name", "`mysql` are not supported"),
        ("sqlite:////no/such/folder/contract.db", "no such folder"),
        ("contract.db", "cannot be read"),
        ("postgresql://me:pw@host:port/name", "cannot be read"),
        ("postgresql+none://me@host/name", "no driver"),
    ],
)
def test_a_url_that_cannot_be_meant_is_refused(url: str, said: str) -> None:
    with pytest.raises(ContractError, match=said):
        Store.open(url)


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(b"not a database, but some notes\n" * 200)
    with pytest.raises(StoreError, match="file is not a database"):
        Store.open(f"sqlite:///{path}")
    assert path.read_bytes() == b"not a database, but some notes\n" * 200


def test_a_copy_of_the_file_is_a_whole_database_after_it_was_closed(tmp_path: Path) -> None:
    with Store.open(f"sqlite:///{tmp_path / 'contract.db'}") as store:
        row = add(store, project(store), told("drift", "r-1"))
    shutil.copy(tmp_path / "contract.db", tmp_path / "copy.db")
    with Store.open(f"sqlite:///{tmp_path / 'copy.db'}") as store:
        assert store.report(project(store), "r-1") == row


def test_sqlite_is_opened_with_what_keeps_data_safe(tmp_path: Path) -> None:
    engine = sql.engine(sql.address(f"sqlite:///{tmp_path / 'contract.db'}"))
    with engine.connect() as connection:
        found = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    engine.dispose()
    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
    with sqlite3.connect(tmp_path / "contract.db") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
