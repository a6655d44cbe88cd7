"""Which database is meant, how is it opened, and which tables does it hold? SQLite (WAL) and PostgreSQL alike."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import (
    URL,
    BigInteger,
    Boolean,
    Column,
    Connection,
    DateTime,
    Dialect,
    Engine,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    create_engine,
    event,
    make_url,
    text,
)
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, NoSuchModuleError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.types import TypeDecorator

from contract.core.errors import ContractError, MissingExtra

PATIENCE_MS = 10_000
"""How long a write waits for another process before it is `Locked`."""


class StoreError(ContractError):
    """The database cannot do what was asked."""

    exit_code = 3


class Newer(StoreError):
    """The database was written by a newer version."""


class Full(StoreError):
    """Nothing can be written: the disk is full, or the database is read-only."""


class Locked(StoreError):
    """Another process holds the database; the same call may work a moment later."""


class Unreachable(StoreError):
    """The database server does not answer; the same call may work a moment later."""


# --- columns ----------------------------------------------------------------------------------------------------------


class Instant(TypeDecorator[datetime]):
    """An aware time, kept as UTC. SQLite has no zones, so that there it is stored without one."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone")
        aware = value.astimezone(UTC)
        return aware.replace(tzinfo=None) if dialect.name == "sqlite" else aware

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def words(value: str) -> str:
    """A text as `Words` keeps it: what PostgreSQL's text cannot hold, U+0000 and half surrogate pairs, is shown as signs."""
    if value.isascii() and "\0" not in value:
        return value
    return value.replace("\0", "\u2400").encode("utf-8", "replace").decode()


class Words(TypeDecorator[str]):
    """Text from outside, see `words`.

    What is one of a few words, or a hash, is plain Text, which costs less to bind.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else words(value)


Key = BigInteger().with_variant(Integer, "sqlite")
"""SQLite counts up only in a column that is called INTEGER."""

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

project = Table(
    "project",
    metadata,
    Column("id", Key, primary_key=True),
    Column("name", Words, nullable=False, unique=True),
    Column("created_at", Instant, nullable=False),
    Column("changes", Integer, nullable=False),
)

token = Table(
    "token",
    metadata,
    Column("id", Key, primary_key=True),
    Column("public_id", Words, nullable=False, unique=True),
    Column("sha256", Text, nullable=False),
    Column("project_id", Key, ForeignKey(project.c.id)),
    Column("scope", Text, nullable=False),
    Column("label", Words, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant),
    Column("last_used_at", Instant),
    Column("revoked_at", Instant),
)

report = Table(
    "report",
    metadata,
    Column("id", Key, primary_key=True),
    Column("project_id", Key, ForeignKey(project.c.id), nullable=False),
    Column("run_id", Words, nullable=False),
    Column("environment", Words, nullable=False),
    Column("release", Words),
    Column("commit", Words),
    Column("source", Words, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("complete", Boolean, nullable=False),
    Column("document_sha256", Words, nullable=False),
    Column("tool_version", Words, nullable=False),
    Column("exit_code", Integer, nullable=False),
    Column("sentence", Words, nullable=False),
    Column("completeness_verdict", Text, nullable=False),
    Column("completeness_part", BigInteger),
    Column("completeness_whole", BigInteger),
    Column("drift_verdict", Text, nullable=False),
    Column("drift_count", BigInteger),
    Column("exercised_part", BigInteger, nullable=False),
    Column("exercised_whole", BigInteger, nullable=False),
    Column("generation_verdict", Text, nullable=False),
    Column("generation_part", BigInteger),
    Column("generation_whole", BigInteger),
    Column("findings", Integer, nullable=False),
    Column("body_sha256", Text, nullable=False),
    Column("body_bytes", BigInteger, nullable=False),
    Column("frame", LargeBinary, nullable=False),  # the report without its findings, packed
    Column("body", LargeBinary, nullable=False),  # last: SQLite reads a row from its beginning
    UniqueConstraint("project_id", "run_id"),
    Index(None, "project_id", "started_at", "id"),
    Index(None, "project_id", "environment", "started_at", "id"),
)

finding = Table(
    "finding",
    metadata,
    Column("id", Key, primary_key=True),
    Column("project_id", Key, ForeignKey(project.c.id), nullable=False),
    Column("environment", Words, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("cause", Text, nullable=False),
    Column("rule", Words, nullable=False),
    Column("level", Text, nullable=False),
    Column("operation", Words),
    Column("rank", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("first_seen", Instant, nullable=False),
    Column("last_seen", Instant, nullable=False),
    Column("last_evidence", Instant, nullable=False),
    Column("resolved_at", Instant),
    Column("regressions", Integer, nullable=False),
    Column("report_id", Key, ForeignKey(report.c.id), nullable=False),
    Column("release", Words),
    Column("decision", Text, nullable=False),
    Column("reason", Words),
    Column("until", Instant),
    Column("decided_by", Words),
    Column("decided_at", Instant),
    UniqueConstraint("project_id", "environment", "fingerprint"),
    Index(None, "project_id", "rank", "id"),
    Index(None, "project_id", "environment", "rank", "id"),
    Index(None, "project_id", "environment", "state", "last_evidence", "level"),
)

# What a finding was told as stands apart from its life: a report moves all lives on, and mostly tells the same again.
sighting = Table(
    "sighting",
    metadata,
    Column("finding_id", Key, ForeignKey(finding.c.id), primary_key=True, autoincrement=False),
    Column("digest", Text, nullable=False),
    Column("place", Text, nullable=False),
    Column("row", Text, nullable=False),
)

happened = Table(
    "event",
    metadata,
    Column("id", Key, primary_key=True),
    Column("project_id", Key, ForeignKey(project.c.id), nullable=False),
    Column("finding_id", Key, ForeignKey(finding.c.id)),
    Column("at", Instant, nullable=False),
    Column("who", Words, nullable=False),
    Column("what", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Index(None, "project_id", "id"),
    Index(None, "finding_id", "id"),
)

check = Table(
    "check",
    metadata,
    Column("id", Key, primary_key=True),
    Column("project_id", Key, ForeignKey(project.c.id), nullable=False),
    Column("number", Integer, nullable=False),
    Column("state", Text, nullable=False, index=True),
    Column("config", Words, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("started_at", Instant),
    Column("finished_at", Instant),
    Column("heartbeat", Instant),
    Column("progress", Text, nullable=False),
    Column("run_id", Words),
    Column("message", Words),
    Column("who", Words, nullable=False),
    UniqueConstraint("project_id", "number"),
)


# --- opening ----------------------------------------------------------------------------------------------------------


def address(url: str) -> URL:
    """The database that a URL names; `postgresql://` without a driver means pg8000."""
    try:
        found = make_url(url)
        port = found.port  # noqa: F841 - a port that is no number is refused here
    except (ArgumentError, ValueError) as error:
        raise StoreError(
            "the database's URL cannot be read",
            "Write `sqlite:///contract.db` or `postgresql+pg8000://user:password@host/name`.",
        ) from error
    kind = found.get_backend_name()
    if kind not in ("sqlite", "postgresql"):
        raise StoreError(
            f"databases of the kind `{kind}` are not supported",
            "Write `sqlite:///contract.db` or `postgresql+pg8000://user:password@host/name`.",
        )
    if found.drivername == "postgresql":
        found = found.set(drivername="postgresql+pg8000")
    if kind == "sqlite":
        if found.database in (None, "", ":memory:"):
            raise StoreError("a database in memory forgets everything", "Write `sqlite:///contract.db`.")
        folder = Path(str(found.database)).parent
        if not str(found.database).startswith("file:") and not folder.is_dir():
            raise StoreError(f"{folder}: no such folder; the database cannot be made there")
    return found


def engine(url: URL, patience_ms: int = PATIENCE_MS) -> Engine:
    """Connections to the database; a write takes SQLite's lock at its beginning, so that what it read stays true."""
    try:
        made = create_engine(url, pool_pre_ping=True, pool_size=8, max_overflow=32)
    except ModuleNotFoundError as error:
        raise MissingExtra("a PostgreSQL database", "postgresql", str(error.name)) from error
    except NoSuchModuleError as error:
        raise StoreError(f"there is no driver `{url.drivername}`", "Write `postgresql+pg8000://…`.") from error
    if url.get_backend_name() == "sqlite":
        _prepare_sqlite(made, patience_ms)
    else:
        _prepare_postgresql(made, patience_ms)
    return made


def _prepare_sqlite(made: Engine, patience_ms: int) -> None:
    @event.listens_for(made, "connect")
    def connected(connection: Any, _: object) -> None:
        connection.isolation_level = None  # `begin` below says BEGIN, not the driver
        for pragma in (f"busy_timeout={patience_ms}", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}").fetchall()

    @event.listens_for(made, "begin")
    def begin(connection: Connection) -> None:
        options = connection.get_execution_options()
        connection.exec_driver_sql(f"PRAGMA busy_timeout={options.get('patience_ms', patience_ms)}")
        connection.exec_driver_sql("BEGIN" if options.get("reads") else "BEGIN IMMEDIATE")


def _prepare_postgresql(made: Engine, patience_ms: int) -> None:
    @event.listens_for(made, "connect")
    def connected(connection: Any, _: object) -> None:
        cursor = connection.cursor()
        cursor.execute(f"SET lock_timeout = {int(patience_ms)}")
        cursor.close()
        connection.commit()

    @event.listens_for(made, "begin")
    def begin(connection: Connection) -> None:
        patience = connection.get_execution_options().get("patience_ms")
        if patience is not None:
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = {int(patience)}")

    @event.listens_for(made, "handle_error")
    def failed(context: ExceptionContext) -> None:
        # A server that was shut down says so in an answer; not every driver takes that for the end of the connection.
        if _sqlstate(context.original_exception)[:4] in ("57P0", "0800"):
            context.is_disconnect = True


def _sqlstate(error: BaseException | None) -> str:
    """PostgreSQL's five letters for what went wrong; empty if it did not say."""
    found = getattr(error, "sqlstate", None)
    if found is None and error is not None and error.args and isinstance(error.args[0], dict):
        found = error.args[0].get("C")  # pg8000
    return str(found or "")


# --- errors -----------------------------------------------------------------------------------------------------------


@contextmanager
def translated(url: URL) -> Iterator[None]:
    """What the driver raises as what a person can put right."""
    name = url.render_as_string(hide_password=True)
    try:
        yield
    except PoolTimeout as error:
        raise Locked(f"{name}: all connections are busy", "Try again in a moment.") from error
    except OSError as error:  # pg8000 lets through what cuts it off while it connects
        raise Unreachable(f"{name}: the database does not answer", "Check that it runs; then try again.") from error
    except DBAPIError as error:
        said = _said(error, name)
        if said is None:
            raise  # ours to mend
        raise said from error


_FULL = ("SQLITE_FULL", "SQLITE_READONLY", "SQLITE_IOERR_WRITE", "SQLITE_IOERR_FSYNC", "SQLITE_IOERR_TRUNCATE")


def _said(error: DBAPIError, name: str) -> StoreError | None:
    origin = error.orig
    code, state = str(getattr(origin, "sqlite_errorname", "")), _sqlstate(origin)
    words = str(origin).partition("\n")[0]
    if code.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")) or state in ("55P03", "40P01", "40001"):
        return Locked(f"{name}: another process holds the database", "Try again in a moment.")
    if code.startswith(_FULL) or state in ("53100", "25006"):
        return Full(
            f"{name}: nothing can be written ({code or state})",
            "Make room on its disk, or let it be written to. Nothing was changed.",
        )
    if code.startswith("SQLITE_CANTOPEN"):
        return StoreError(f"{name}: the file cannot be opened", "Check that the folder is there and can be written to.")
    if code in ("SQLITE_NOTADB", "SQLITE_CORRUPT"):
        return StoreError(f"{name}: {words}", "Name another file, or bring back a copy of this one.")
    if state.startswith("28") or state in ("3D000", "42501"):
        return StoreError(f"{name}: {_text(origin)}", "Check user, password, rights and the database's name.")
    silent = not code and not state and isinstance(error, InterfaceError | OperationalError)
    if error.connection_invalidated or silent or state.startswith(("08", "57P", "53")):
        return Unreachable(f"{name}: the database does not answer", "Check that it runs; then try again.")
    return None


def _text(origin: BaseException | None) -> str:
    if origin is not None and origin.args and isinstance(origin.args[0], dict):
        return str(origin.args[0].get("M"))
    return str(origin)


# --- revisions --------------------------------------------------------------------------------------------------------

_LOCK = 7_301_942_251_883
"""The advisory lock of PostgreSQL under which tables are changed; any number that others do not take."""


def _config(connection: Connection | None = None) -> Config:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    return config


def head() -> str:
    """The revision that this version works with."""
    return str(ScriptDirectory.from_config(_config()).get_current_head())


def revision(connection: Connection) -> str | None:
    """The revision that the database is in; None if it is empty."""
    return MigrationContext.configure(connection).get_current_revision()


def migrate(made: Engine, target: str = "head") -> None:
    """Brings the tables to a revision, up or down, all or nothing; one process at a time."""
    script = ScriptDirectory.from_config(_config())
    known = [each.revision for each in script.walk_revisions()]  # newest first
    with translated(made.url):
        # Most starts find nothing to do, and need no lock for it.
        with made.execution_options(reads=True).connect() as connection:
            now = revision(connection)
        if now == (known[0] if target == "head" else target):
            return
        with made.begin() as connection:
            if made.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            now = revision(connection)
            if now is not None and now not in known:
                raise Newer(
                    f"{made.url.render_as_string(hide_password=True)}: revision {now} of the tables is newer than "
                    f"{known[0]}, the newest that this version knows",
                    "Start the version that wrote it, or a newer one.",
                )
            wanted = known[0] if target == "head" else target
            down = now is not None and (wanted == "base" or known.index(wanted) > known.index(now))
            (command.downgrade if down else command.upgrade)(_config(connection), wanted)
