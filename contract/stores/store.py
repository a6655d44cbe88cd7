"""What does the service remember? Projects, tokens, reports, the life of each finding, who decided what, and checks.

Each method is one transaction. Several processes may work on one database: what depends on what was read is read and
written under the lock of its project (PostgreSQL) or of the file (SQLite).
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import zlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar

import orjson
from sqlalchemy import (
    Connection,
    Engine,
    Row,
    Select,
    and_,
    bindparam,
    case,
    func,
    insert,
    literal,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.elements import ColumnElement

from contract.core import lifecycle
from contract.core.lifecycle import Evidence, Life, Sighted, State
from contract.stores import sql
from contract.stores.sql import PATIENCE_MS, Full, Locked, Newer, StoreError, Unreachable

__all__ = [
    "BadCursor",
    "Busy",
    "Check",
    "Conflict",
    "Event",
    "Found",
    "Full",
    "Gone",
    "Locked",
    "Newer",
    "Page",
    "Project",
    "ReportRow",
    "Store",
    "StoreError",
    "Token",
    "Unfit",
    "Unreachable",
]

SILENT_AFTER = timedelta(seconds=60)
"""A running check without a heartbeat for so long has lost its process."""

LATER_REPORTS = 50
"""So many newer reports are asked about findings that only a late report shows."""

RESOLVED_RANK = 10
_LEVELS = {"error": 0, "warning": 1, "note": 2}
_CHUNK = 5_000
_PRUNED = 50
"""Reports that are emptied in one transaction: whoever pushes meanwhile does not wait long."""
_LONGEST = 200


class Conflict(StoreError):
    """Another report has this run id already."""


class Gone(StoreError):
    """A report whose time is over; its line in the list stays."""


class Unfit(StoreError):
    """A name cannot be kept."""


class BadCursor(StoreError):
    """A cursor that no page has given."""


class Busy(StoreError):
    """A check of this project waits or runs already."""

    def __init__(self, message: str, check: Check) -> None:
        super().__init__(message, "Wait for its end.")
        self.check = check


@dataclass(frozen=True, slots=True)
class Project:
    id: int
    name: str
    created_at: datetime
    changes: int
    """Counts reports and decisions: what is told of a project at one moment changes only with it."""


@dataclass(frozen=True, slots=True)
class Token:
    public_id: str
    project: str | None
    """None: all projects."""
    project_id: int | None
    scope: str  # read, write, admin
    label: str
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class ReportRow:
    """A report without its body. A figure without evidence is None."""

    id: int
    run_id: str
    environment: str
    release: str | None
    commit: str | None
    source: str
    """Names of what it looked at, joined by commas."""
    started_at: datetime
    """As it says, or when it came, whichever is earlier."""
    received_at: datetime
    complete: bool
    document_sha256: str
    tool_version: str
    exit_code: int
    sentence: str
    completeness_verdict: str
    completeness_part: int | None
    completeness_whole: int | None
    drift_verdict: str
    drift_count: int | None
    exercised_part: int
    exercised_whole: int
    generation_verdict: str
    generation_part: int | None
    generation_whole: int | None
    findings: int
    body_sha256: str
    body_bytes: int


@dataclass(frozen=True, slots=True)
class Found:
    """A finding with its life, as it stands in one environment."""

    id: int
    environment: str
    fingerprint: str
    cause: str
    """Fingerprint of the row that told it, perhaps of several operations at once."""
    rule: str
    level: str
    operation: str | None
    life: Life
    run_id: str
    """The report of the last sighting."""
    release: str | None
    """Of that report."""
    decision: str  # "", "accepted", "exempt"
    reason: str | None
    until: datetime | None
    decided_by: str | None
    decided_at: datetime | None
    row_json: str
    """The report's row at the last sighting, for this operation alone."""

    @property
    def row(self) -> dict[str, Any]:
        found: dict[str, Any] = _parsed(self.row_json)
        return found

    def state(self, now: datetime) -> State:
        return lifecycle.shown(self.life, now)

    def decided(self, now: datetime) -> str:
        """The decision that holds now: an exemption ends."""
        return "" if self.decision == "exempt" and self.until is not None and self.until <= now else self.decision


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, which nothing changes afterwards."""

    id: int
    fingerprint: str | None
    environment: str | None
    at: datetime
    who: str
    what: str
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Check:
    id: int
    project: str
    project_id: int
    number: int
    state: str  # queued, running, done, failed, interrupted
    config: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    heartbeat: datetime | None
    progress: Mapping[str, Any]
    run_id: str | None
    """Of the report that it made."""
    message: str | None
    who: str


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some rows, and the cursor of those that follow; None where there are no more."""

    items: tuple[T, ...]
    next: str | None

    def __iter__(self) -> Iterator[T]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)


class Store:
    """A database with the tables of this version. Safe to share between threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reader = engine.execution_options(reads=True)

    @classmethod
    def open(cls, url: str, patience_ms: int = PATIENCE_MS) -> Store:
        """The store at a URL, its tables brought to this version; a newer database is refused (`Newer`)."""
        engine = sql.engine(sql.address(url), patience_ms)
        try:
            sql.migrate(engine)
        except BaseException:
            engine.dispose()
            raise
        return cls(engine)

    def close(self) -> None:
        self._engine.dispose()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def shown(self) -> str:
        """The URL as it may be shown: without its password."""
        return self._engine.url.render_as_string(hide_password=True)

    def ping(self) -> None:
        """Raises what keeps the database from answering."""
        with self._read() as db:
            db.execute(select(sql.project.c.id).limit(1)).first()

    @contextmanager
    def _read(self) -> Iterator[Connection]:
        with sql.translated(self._engine.url), self._reader.begin() as connection:
            yield connection

    @contextmanager
    def _write(self, **options: Any) -> Iterator[Connection]:
        engine = self._engine.execution_options(**options) if options else self._engine
        with sql.translated(self._engine.url), engine.begin() as connection:
            yield connection

    # --- projects -----------------------------------------------------------------------------------------------------

    def project(self, name: str, create: bool = False, now: datetime | None = None) -> Project | None:
        """The project of that name; where there is none, a new one if it is to be created, else None."""
        wanted = select(sql.project).where(sql.project.c.name == name)
        with self._read() as db:
            row = db.execute(wanted).first()
        if row is None and create:
            _fits("project's name", name)
            values = {"name": name, "created_at": now or datetime.now(UTC), "changes": 0}
            with self._write() as db:
                db.execute(self._insert(sql.project, values).on_conflict_do_nothing(index_elements=["name"]))
                row = db.execute(wanted).one()
        return None if row is None else Project(**row._mapping)

    def projects(self) -> tuple[Project, ...]:
        """All, by name."""
        with self._read() as db:
            found = tuple(Project(**row._mapping) for row in db.execute(select(sql.project)))
        return tuple(sorted(found, key=lambda each: each.name))  # a database's own order depends on its locale

    def _lock(self, db: Connection, project: Project) -> None:
        """Keeps other writers of this project away until the end of the transaction."""
        db.execute(select(sql.project.c.id).where(sql.project.c.id == project.id).with_for_update(key_share=True))

    def _changed(self, db: Connection, project: Project) -> None:
        changes = sql.project.c.changes
        db.execute(update(sql.project).where(sql.project.c.id == project.id).values({changes: changes + 1}))

    def _insert(self, table: Any, values: Mapping[str, Any] | None = None) -> Any:
        """An INSERT that knows ON CONFLICT, which each dialect has for itself."""
        made = (postgresql if self._engine.dialect.name == "postgresql" else sqlite).insert(table)
        return made if values is None else made.values(values)

    # --- tokens -------------------------------------------------------------------------------------------------------

    def create_token(
        self,
        project: Project | None,
        scope: str,
        label: str,
        expires_at: datetime | None,
        now: datetime,
    ) -> tuple[Token, str]:
        """A new token and its secret, which is not kept: only its SHA-256 is."""
        public_id = secrets.token_hex(8)
        secret = f"ctr_{public_id}_{secrets.token_hex(32)}"
        values = {
            "public_id": public_id,
            "sha256": _digest(secret),
            "project_id": None if project is None else project.id,
            "scope": scope,
            "label": label,
            "created_at": now,
            "expires_at": expires_at,
        }
        with self._write() as db:
            db.execute(insert(sql.token).values(values))
            row = db.execute(_TOKENS.where(sql.token.c.public_id == public_id)).one()
        return _token(row), secret

    def check_token(self, secret: str, now: datetime) -> Token | None:
        """The token of a secret, if it holds now. Its last use is noted at most once a minute."""
        kind, _, rest = secret.partition("_")
        public_id, _, random = rest.partition("_")
        if kind != "ctr" or not random or not secret.isascii():
            return None
        with self._read() as db:
            row = db.execute(_TOKENS.where(sql.token.c.public_id == public_id)).first()
        kept = row.sha256 if row is not None else "0" * 64
        same = hmac.compare_digest(_digest(secret), kept)
        if row is None or not same or row.revoked_at is not None:
            return None
        if row.expires_at is not None and row.expires_at <= now:
            return None
        if row.last_used_at is None or now - row.last_used_at >= timedelta(minutes=1):
            self._used(public_id, now)
        return _token(row)

    def _used(self, public_id: str, now: datetime) -> None:
        used = update(sql.token).where(sql.token.c.public_id == public_id).values(last_used_at=now)
        try:
            with self._write(patience_ms=20) as db:
                db.execute(used)
        except (Locked, Full):
            return  # a token opens the door whether or not its use can be noted

    def any_token(self) -> bool:
        """False before the first token was made."""
        with self._read() as db:
            return db.execute(select(sql.token.c.id).limit(1)).first() is not None

    def tokens(self, project: Project | None = None) -> tuple[Token, ...]:
        """All, or those of a project, oldest first; revoked ones too."""
        wanted = _TOKENS.order_by(sql.token.c.id)
        if project is not None:
            wanted = wanted.where(sql.token.c.project_id == project.id)
        with self._read() as db:
            return tuple(_token(row) for row in db.execute(wanted))

    def revoke(self, public_id: str, now: datetime) -> bool:
        """True if there is such a token; it holds no more. The first time is kept."""
        wanted = sql.token.c.public_id == public_id
        with self._write() as db:
            db.execute(
                update(sql.token).where(wanted, sql.token.c.revoked_at.is_(None)).values(revoked_at=now),
            )
            return db.execute(select(sql.token.c.id).where(wanted)).first() is not None

    # --- reports ------------------------------------------------------------------------------------------------------

    def add_report(
        self, project: Project, report: Mapping[str, Any], raw: bytes, now: datetime, who: str
    ) -> tuple[ReportRow, bool]:
        """Keeps a report and lives its findings on; its row, and whether it is new.

        The same bytes again change nothing; other bytes under the same run id are a `Conflict`.
        """
        run = report["run"]
        environment = run.get("environment") or ""
        _fits("run id", run["id"])
        _fits("environment's name", environment, empty=True)
        digest = hashlib.sha256(raw).hexdigest()
        with self._read() as db:  # most that are sent again need no lock
            if (kept := self._same(db, project, run["id"], digest)) is not None:
                return kept, False
        sighted: dict[str, Sighted] = {}
        for each in lifecycle.sighted(report):
            sighted.setdefault(each.fingerprint, each)
        values = _report_values(report, raw, digest, now) | {"project_id": project.id, "findings": len(sighted)}
        written = {key: _written(each) for key, each in sighted.items()}
        with self._write() as db:
            self._lock(db, project)
            if (kept := self._same(db, project, run["id"], digest)) is not None:
                return kept, False
            key = db.execute(insert(sql.report).values(values).returning(sql.report.c.id)).scalar_one()
            added = db.execute(_REPORTS.where(sql.report.c.id == key)).one()
            self._live(db, project, added, Evidence(report), sighted, written, who, now)
            _note(db, project, None, now, who, "reported", {"run_id": added.run_id, "environment": environment})
            self._changed(db, project)
        return ReportRow(**added._mapping), True

    def _same(self, db: Connection, project: Project, run_id: str, digest: str) -> ReportRow | None:
        wanted = _REPORTS.where(sql.report.c.project_id == project.id, sql.report.c.run_id == run_id)
        row = db.execute(wanted).first()
        if row is None:
            return None
        if row.body_sha256 != digest:
            raise Conflict(
                f"another report of {project.name} has the run id {run_id!r} already",
                "Each run needs an id of its own; a report that was sent is not changed.",
            )
        return ReportRow(**row._mapping)

    def _live(
        self,
        db: Connection,
        project: Project,
        added: Row[Any],
        evidence: Evidence,
        sighted: Mapping[str, Sighted],
        written: Mapping[str, _Written],
        who: str,
        now: datetime,
    ) -> None:
        """Lives that go on alike go on in one statement; a row is written only where it tells something else than before.

        One bulk read, then one bulk write per kind of change, whatever the number of findings.
        """
        at: datetime = added.started_at
        fresh = dict(sighted)
        alike: dict[tuple[State, bool, bool], list[int]] = defaultdict(list)  # state, seen, held
        told: dict[State, list[int]] = {State.NEW: [], State.RESOLVED: [], State.REGRESSED: []}
        retold: list[dict[str, Any]] = []
        silent: list[int] = []
        single: list[int] = []
        for row in self._known(db, project, added):
            each = fresh.pop(row.fingerprint, None)
            if each is None:
                if not row.late:  # a late report says nothing by its silence
                    silent.append(row.id)
                continue
            now_told = written[row.fingerprint]
            if row.late or (row.cause, row.rule, row.level, row.operation) != now_told.heading:
                single.append(row.id)
                continue
            alike[State(row.state), True, False].append(row.id)
            if row.digest != now_told.digest:
                retold.append(now_told.values(row.id))
        for row in self._places(db, silent):
            if evidence.holds(_parsed(row.place)):
                alike[State(row.state), False, True].append(row.id)
        for (state, seen, held), ids in alike.items():
            self._go_on(db, added, state, seen, held, ids, told)
        self._retell(db, retold)
        lives = {key: Life(State.NEW, at, at, at) for key in fresh}
        if fresh:
            lives = self._since(db, project, added, fresh, lives)
        seen_here = [_finding_values(project, added, each, lives[key]) for key, each in fresh.items()]
        if single:
            seen_here += self._go_on_singly(db, project, added, sighted, single, told)
        self._put(db, seen_here, written, lives, told)
        for what, ids in told.items():
            self._tell(db, project, ids, what, added.run_id, who, now)

    def _known(self, db: Connection, project: Project, added: Row[Any]) -> Sequence[Row[Any]]:
        """What decides how each finding of the environment goes on; `late`: something newer is known of it."""
        of = sql.finding.c
        wanted: Select[Any] = (
            select(
                of.id,
                of.fingerprint,
                of.state,
                of.cause,
                of.rule,
                of.level,
                of.operation,
                (of.last_evidence > added.started_at).label("late"),
                sql.sighting.c.digest,
            )
            .select_from(sql.finding.join(sql.sighting, sql.sighting.c.finding_id == of.id))
            .where(of.project_id == project.id, of.environment == added.environment)
        )
        return db.execute(wanted).all()

    def _places(self, db: Connection, ids: Sequence[int]) -> Iterator[Row[Any]]:
        of = sql.finding.c
        wanted: Select[Any] = select(of.id, of.state, sql.sighting.c.place).select_from(
            sql.finding.join(sql.sighting, sql.sighting.c.finding_id == of.id)
        )
        for chunk in _chunks(ids):
            yield from db.execute(wanted.where(_among(of.id, chunk))).all()

    def _go_on(
        self,
        db: Connection,
        added: Row[Any],
        state: State,
        seen: bool,
        held: bool,
        ids: Sequence[int],
        told: Mapping[State, list[int]],
    ) -> None:
        """Moves on findings of one state that fare alike.

        What changes is asked of the one rule (`lifecycle.after`), of a life whose times all lie just before.
        """
        at: datetime = added.started_at
        before = at - timedelta(microseconds=1)
        old = Life(state, before, before, before, before if state is State.RESOLVED else None)
        new = lifecycle.after(old, seen, held, at)
        assert new is not None
        of = sql.finding.c
        changes: dict[str, Any] = _differences(old, new)
        if "regressions" in changes:
            changes["regressions"] = of.regressions + (new.regressions - old.regressions)
        if "state" in changes:
            moved = (new.state is State.RESOLVED) - (old.state is State.RESOLVED)
            changes |= {"rank": of.rank + moved * RESOLVED_RANK} if moved else {}
        if seen:
            changes |= {"report_id": added.id, "release": added.release}
        for chunk in _chunks(ids):
            db.execute(update(sql.finding).where(_among(of.id, chunk)).values(changes))
        if new.state is not old.state and new.state in told:
            told[new.state].extend(ids)

    def _tell(
        self, db: Connection, project: Project, ids: Sequence[int], what: State, run_id: str, who: str, now: datetime
    ) -> None:
        """Notes what a report did to findings, in one statement for many."""
        values = _happened(project, None, now, who, what.value, {"run_id": run_id})
        columns = [sql.happened.c[name] for name in values]
        for chunk in _chunks(sorted(ids)):
            each = [
                sql.finding.c.id if column.name == "finding_id" else literal(values[column.name], column.type)
                for column in columns
            ]
            found = select(*each).where(_among(sql.finding.c.id, chunk)).order_by(sql.finding.c.id)
            db.execute(insert(sql.happened).from_select(columns, found))

    def _go_on_singly(
        self,
        db: Connection,
        project: Project,
        added: Row[Any],
        sighted: Mapping[str, Sighted],
        ids: Sequence[int],
        told: Mapping[State, list[int]],
    ) -> list[dict[str, Any]]:
        """Moves on what a late report shows, and what is told under another heading; gives what is to be written whole."""
        of, at = sql.finding.c, added.started_at
        columns = (of.first_seen, of.last_seen, of.last_evidence, of.resolved_at, of.regressions)
        wanted: Select[Any] = select(of.id, of.fingerprint, of.state, *columns)
        alike: dict[tuple[tuple[str, Any], ...], list[int]] = defaultdict(list)
        whole = []
        for chunk in _chunks(ids):
            for row in db.execute(wanted.where(_among(of.id, chunk))):
                old, each = _life(row), sighted[row.fingerprint]
                new = lifecycle.after(old, True, False, at)
                assert new is not None
                if new.state is not old.state and new.state is State.REGRESSED:
                    told[new.state].append(row.id)
                if at > old.last_seen or at >= old.last_evidence:  # the newest sighting, whose row is the one to show
                    whole.append(_finding_values(project, added, each, new))
                else:
                    alike[tuple(_differences(old, new).items())].append(row.id)
        for changes, found in alike.items():
            for chunk in _chunks(found) if changes else ():
                db.execute(update(sql.finding).where(_among(of.id, chunk)).values(dict(changes)))
        return whole

    def _put(
        self,
        db: Connection,
        seen: Sequence[Mapping[str, Any]],
        written: Mapping[str, _Written],
        fresh: Mapping[str, Life],
        told: Mapping[State, list[int]],
    ) -> None:
        """Writes findings whole, those that are new and those that are not."""
        if not seen:
            return
        made = self._insert(sql.finding)
        kept = {name: made.excluded[name] for name in _OF_A_SIGHTING}
        upsert = made.on_conflict_do_update(
            index_elements=["project_id", "environment", "fingerprint"], set_=kept
        ).returning(sql.finding.c.id, sql.finding.c.fingerprint)
        retold = []
        for row in db.execute(upsert, list(seen)).all():
            retold.append(written[row.fingerprint].values(row.id))
            life = fresh.get(row.fingerprint)
            if life is None:
                continue
            told[State.NEW].append(row.id)
            if life.state is State.RESOLVED:
                told[State.RESOLVED].append(row.id)
        self._retell(db, retold)

    def _retell(self, db: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        if not rows:
            return
        made = self._insert(sql.sighting)
        kept = {name: made.excluded[name] for name in ("digest", "place", "row")}
        upsert = made.on_conflict_do_update(index_elements=["finding_id"], set_=kept)
        if self._engine.dialect.name == "postgresql":
            upsert = upsert.returning(sql.sighting.c.finding_id)  # many rows to a statement, else each goes alone
        db.execute(upsert, list(rows))

    def _since(
        self,
        db: Connection,
        project: Project,
        added: Row[Any],
        fresh: Mapping[str, Sighted],
        lives: Mapping[str, Life],
    ) -> dict[str, Life]:
        """The lives of findings that only a late report shows, after the newer reports, which do not show them."""
        of = sql.report.c
        newer = (
            select(of.started_at, of.body)
            .where(of.project_id == project.id, of.environment == added.environment, of.started_at > added.started_at)
            .order_by(of.started_at.desc(), of.id.desc())
            .limit(LATER_REPORTS)
        )
        found = dict(lives)
        for row in reversed(db.execute(newer).all()):
            if not row.body:
                continue
            later = Evidence(_parsed(zlib.decompress(row.body)))
            for key, each in fresh.items():
                life = lifecycle.after(found[key], False, later.holds(each.place), row.started_at)
                found[key] = life or found[key]
        return found

    def report(self, project: Project, run_id: str) -> ReportRow | None:
        wanted = _REPORTS.where(sql.report.c.project_id == project.id, sql.report.c.run_id == run_id)
        with self._read() as db:
            row = db.execute(wanted).first()
        return None if row is None else ReportRow(**row._mapping)

    def body(self, project: Project, run_id: str) -> bytes | None:
        """The report's JSON, byte for byte as it came; `Gone` if its time is over."""
        return self._packed(sql.report.c.body, project, run_id)

    def frame(self, project: Project, run_id: str) -> bytes | None:
        """The report's JSON without its findings: what a page needs beside those that it shows, whatever their number."""
        return self._packed(sql.report.c.frame, project, run_id)

    def _packed(self, column: ColumnElement[bytes], project: Project, run_id: str) -> bytes | None:
        of = sql.report.c
        with self._read() as db:
            row = db.execute(select(column).where(of.project_id == project.id, of.run_id == run_id)).first()
        if row is None:
            return None
        packed: bytes = row[0]
        if not packed:
            raise Gone(f"the report of the run {run_id!r} was kept for its time and is gone")
        return zlib.decompress(packed)

    def prune(self, project: Project, keep: timedelta, now: datetime) -> int:
        """How many reports that are older than `keep` were emptied just now, a few at once: 0 when there are no more.

        The line of figures stays, so that a run that is sent again is still known, and so does all that findings
        remember. Whole stay the newest report of each environment and the newest with each figure, which pages are made
        of. Age is counted from the newest report, lest a clock that runs ahead empties everything.
        """
        of = sql.report.c
        with self._write() as db:
            self._lock(db, project)
            newest = db.execute(select(func.max(of.started_at)).where(of.project_id == project.id)).scalar()
            if newest is None:
                return 0
            wanted = (
                select(of.id)
                .where(of.project_id == project.id, of.started_at < min(newest, now) - keep, func.length(of.body) > 0)
                .where(of.id.not_in(self._needed(db, project)))
                .order_by(of.started_at, of.id)
                .limit(_PRUNED)
            )
            ids = db.execute(wanted).scalars().all()
            if ids:
                db.execute(update(sql.report).where(_among(of.id, ids)).values(body=b"", frame=b""))
        return len(ids)

    def _needed(self, db: Connection, project: Project) -> set[int]:
        """The newest report of each environment, and the newest that has each figure."""
        of = sql.report.c
        found: set[int] = set()
        for environment in self._environments(db, project):
            mine = select(of.id).where(of.project_id == project.id, of.environment == environment)
            mine = mine.order_by(of.started_at.desc(), of.id.desc()).limit(1)
            for wanted in (mine, *(mine.where(column.is_not(None)) for column in _FIGURES.values())):
                found.update(db.execute(wanted).scalars())
        return found

    def reports(
        self, project: Project, environment: str | None = None, after: str | None = None, limit: int = 50
    ) -> Page[ReportRow]:
        """Newest first, by when they started; of one environment, or of all."""
        of = sql.report.c
        wanted = _REPORTS.where(of.project_id == project.id)
        if environment is not None:
            wanted = wanted.where(of.environment == environment)
        if after is not None:
            micros, key = _cursor(after)
            wanted = wanted.where(tuple_(of.started_at, of.id) < tuple_(_instant(micros), key))
        wanted = wanted.order_by(of.started_at.desc(), of.id.desc()).limit(limit + 1)
        with self._read() as db:
            rows = [ReportRow(**row._mapping) for row in db.execute(wanted)]
        return _page(rows, limit, lambda row: f"{_micros(row.started_at)}.{row.id}")

    def latest(self, project: Project, environment: str | None = None, having: str | None = None) -> ReportRow | None:
        """The newest report; `having` (`completeness`, `drift`, `generation`) leaves out those without that figure."""
        of = sql.report.c
        wanted = _REPORTS.where(of.project_id == project.id)
        if environment is not None:
            wanted = wanted.where(of.environment == environment)
        if having is not None:
            wanted = wanted.where(_FIGURES[having].is_not(None))
        with self._read() as db:
            row = db.execute(wanted.order_by(of.started_at.desc(), of.id.desc()).limit(1)).first()
        return None if row is None else ReportRow(**row._mapping)

    def environments(self, project: Project) -> tuple[str, ...]:
        """Those that reports came from, by name."""
        with self._read() as db:
            return tuple(sorted(self._environments(db, project)))

    def _environments(self, db: Connection, project: Project) -> list[str]:
        of, last = sql.report.c, None
        found: list[str] = []
        while True:  # from one to the next by the index, not through all reports
            wanted = select(func.min(of.environment)).where(of.project_id == project.id)
            last = db.execute(wanted if last is None else wanted.where(of.environment > last)).scalar()
            if last is None:
                return found
            found.append(last)

    # --- findings -----------------------------------------------------------------------------------------------------

    def findings(
        self,
        project: Project,
        *,
        now: datetime,
        environment: str | None = None,
        state: str | Collection[str] | None = None,
        rule: str | None = None,
        level: str | None = None,
        operation: str | None = None,
        release: str | None = None,
        after: str | None = None,
        limit: int = 100,
    ) -> Page[Found]:
        """Open ones first, then resolved ones, worst first; each filter narrows. `release`: seen last in it."""
        of = sql.finding.c
        wanted = _FINDINGS.where(of.project_id == project.id)
        for column, value in ((of.environment, environment), (of.rule, rule), (of.operation, operation)):
            if value is not None:
                wanted = wanted.where(column == value)
        if release is not None:
            wanted = wanted.where(of.release == release)
        if level is not None:
            rank = _LEVELS.get(level, -1)
            wanted = wanted.where(of.rank.in_((rank, rank + RESOLVED_RANK)))
        if state is not None:
            states = {state} if isinstance(state, str) else set(state)
            wanted = wanted.where(_in_states(states, now))
            if State.RESOLVED not in states:
                wanted = wanted.where(of.rank < RESOLVED_RANK)
            elif states == {State.RESOLVED}:
                wanted = wanted.where(of.rank >= RESOLVED_RANK)
        if after is not None:
            rank, key = _cursor(after)
            wanted = wanted.where(
                tuple_(of.rank, of.id) > tuple_(max(-_LARGEST_INTEGER, min(rank, _LARGEST_INTEGER)), key)
            )
        wanted = wanted.order_by(of.rank, of.id).limit(limit + 1)
        with self._read() as db:
            rows = db.execute(wanted).all()
        page = _page(rows, limit, lambda row: f"{row.rank}.{row.id}")
        return Page(tuple(_found(row) for row in page), page.next)

    def totals(self, project: Project, *, now: datetime, environment: str | None = None) -> dict[tuple[str, str], int]:
        """How many findings there are, by state and level."""
        of = sql.finding.c
        since = now - lifecycle.STALE_AFTER
        unheard = func.sum(case((of.last_evidence < since, 1), else_=0))
        wanted = select(of.state, of.level, unheard.label("unheard"), func.count().label("all"))
        wanted = wanted.where(of.project_id == project.id).group_by(of.state, of.level)
        if environment is not None:
            wanted = wanted.where(of.environment == environment)
        found: dict[tuple[str, str], int] = defaultdict(int)
        with self._read() as db:
            for row in db.execute(wanted).mappings():
                stale = 0 if row["state"] == State.RESOLVED else row["unheard"]
                found[State.STALE.value, row["level"]] += stale
                found[row["state"], row["level"]] += row["all"] - stale
        return {key: count for key, count in found.items() if count}

    def finding(self, project: Project, fingerprint: str, environment: str | None = None) -> Found | None:
        """A finding in an environment; without one, where it was seen last."""
        wanted = _of(_FINDINGS, project, fingerprint, environment)
        with self._read() as db:
            row = db.execute(wanted).first()
        return None if row is None else _found(row)

    def decide(
        self,
        project: Project,
        fingerprint: str,
        environment: str | None,
        decision: str,
        reason: str | None,
        until: datetime | None,
        who: str,
        now: datetime,
    ) -> Found | None:
        """The finding after a decision: `accepted`, `exempt` (until a time), or empty (open again); None if it is unknown."""
        if decision not in ("", "accepted", "exempt"):
            raise ValueError(f"no decision: {decision}")
        wanted = _of(_FINDINGS, project, fingerprint, environment)
        with self._write() as db:
            self._lock(db, project)
            row = db.execute(wanted).first()
            if row is None:
                return None
            values = {
                "decision": decision,
                "reason": reason if decision else None,
                "until": until if decision == "exempt" else None,
                "decided_by": who if decision else None,
                "decided_at": now if decision else None,
            }
            db.execute(update(sql.finding).where(sql.finding.c.id == row.id).values(values))
            detail = {"reason": reason, "until": until.isoformat() if until is not None else None}
            _note(db, project, row.id, now, who, decision or "reopened", detail)
            self._changed(db, project)
            return _found(db.execute(_FINDINGS.where(sql.finding.c.id == row.id)).one())

    def events(
        self,
        project: Project,
        fingerprint: str | None = None,
        environment: str | None = None,
        after: str | None = None,
        limit: int = 100,
    ) -> Page[Event]:
        """What happened, newest first: to a finding, or in the whole project."""
        of = sql.happened.c
        wanted = (
            select(sql.happened, sql.finding.c.fingerprint, sql.finding.c.environment)
            .select_from(sql.happened.outerjoin(sql.finding, of.finding_id == sql.finding.c.id))
            .where(of.project_id == project.id)
        )
        if fingerprint is not None:
            mine = select(sql.finding.c.id).where(
                sql.finding.c.project_id == project.id,
                sql.finding.c.fingerprint == bindparam(None, fingerprint, sql.Words),
            )
            if environment is not None:
                mine = mine.where(sql.finding.c.environment == environment)
            wanted = wanted.where(of.finding_id.in_(mine))
        if after is not None:
            _, key = _cursor(after)
            wanted = wanted.where(of.id < key)
        with self._read() as db:
            rows = [_event(row) for row in db.execute(wanted.order_by(of.id.desc()).limit(limit + 1))]
        return _page(rows, limit, lambda row: f"0.{row.id}")

    # --- checks -------------------------------------------------------------------------------------------------------

    def add_check(self, project: Project, who: str, now: datetime, config: str = "") -> Check:
        """A check that waits to be claimed; `Busy` if one of this project waits or runs."""
        of = sql.check.c
        with self._write() as db:
            self._lock(db, project)
            mine = of.project_id == project.id
            row = db.execute(_CHECKS.where(mine, of.state.in_(("queued", "running"))).limit(1)).first()
            if row is not None:
                raise Busy(f"check {row.number} of {project.name} is {row.state}", _check(row))
            last = db.execute(select(func.max(of.number)).where(mine)).scalar() or 0
            values = {
                "project_id": project.id,
                "number": last + 1,
                "state": "queued",
                "config": config,
                "created_at": now,
                "progress": "{}",
                "who": who,
            }
            key = db.execute(insert(sql.check).values(values).returning(of.id)).scalar_one()
            return _check(db.execute(_CHECKS.where(of.id == key)).one())

    def claim(self, now: datetime) -> Check | None:
        """The check that has waited longest, running from now on, for this caller alone; None if none waits."""
        of = sql.check.c
        with self._read() as db:  # asked again and again, and mostly for nothing
            if db.execute(select(of.id).where(of.state == "queued").limit(1)).first() is None:
                return None
        with self._write() as db:
            waiting = select(of.id).where(of.state == "queued").order_by(of.id).limit(1)
            key = db.execute(waiting.with_for_update(skip_locked=True)).scalar()
            if key is None:
                return None
            started = {"state": "running", "started_at": now, "heartbeat": now}
            db.execute(update(sql.check).where(of.id == key).values(started))
            return _check(db.execute(_CHECKS.where(of.id == key)).one())

    def progress(self, check: Check, progress: Mapping[str, Any], now: datetime) -> bool:
        """Notes how far a running check is, and that it lives; False if it is no longer taken for running."""
        return self._running(check, {"progress": _json(progress), "heartbeat": now})

    def finish(
        self,
        check: Check,
        now: datetime,
        run_id: str | None = None,
        message: str | None = None,
        interrupted: bool = False,
    ) -> bool:
        """Ends a running check: done with a report's run id, else failed, or interrupted if its process was ended.

        False if it is no longer taken for running.
        """
        state = "done" if run_id is not None else "interrupted" if interrupted else "failed"
        return self._running(check, {"state": state, "finished_at": now, "run_id": run_id, "message": message})

    def _running(self, check: Check, values: Mapping[str, Any]) -> bool:
        of = sql.check.c
        with self._write() as db:
            done = db.execute(update(sql.check).where(of.id == check.id, of.state == "running").values(values))
            return done.rowcount == 1

    def interrupt_stale(self, now: datetime) -> int:
        """How many running checks gave no sign of life for a minute; they are `interrupted` now."""
        of = sql.check.c
        # A sign of life that is yet to come was given before the clock was set back.
        silent = or_(of.heartbeat < now - SILENT_AFTER, of.heartbeat > now + SILENT_AFTER)
        values = {"state": "interrupted", "finished_at": now, "message": "its process ended before it did"}
        stale = and_(of.state == "running", silent)
        with self._read() as db:
            if db.execute(select(of.id).where(stale).limit(1)).first() is None:
                return 0
        with self._write() as db:
            return db.execute(update(sql.check).where(stale).values(values)).rowcount

    def check(self, project: Project, number: int) -> Check | None:
        of = sql.check.c
        with self._read() as db:
            row = db.execute(_CHECKS.where(of.project_id == project.id, of.number == number)).first()
        return None if row is None else _check(row)

    def checks(self, project: Project, after: str | None = None, limit: int = 50) -> Page[Check]:
        """Newest first."""
        of = sql.check.c
        wanted = _CHECKS.where(of.project_id == project.id)
        if after is not None:
            wanted = wanted.where(of.number < min(_cursor(after)[1], _LARGEST_INTEGER))
        with self._read() as db:
            rows = [_check(row) for row in db.execute(wanted.order_by(of.number.desc()).limit(limit + 1))]
        return _page(rows, limit, lambda row: f"0.{row.number}")


# --- queries ----------------------------------------------------------------------------------------------------------

_TOKENS: Select[Any] = select(sql.token, sql.project.c.name.label("project")).select_from(
    sql.token.outerjoin(sql.project)
)
_REPORTS: Select[Any] = select(
    *(column for column in sql.report.c if column.name not in ("body", "frame", "project_id"))
)
_FINDINGS: Select[Any] = select(
    *(column for column in sql.finding.c if column.name not in ("project_id", "report_id")),
    sql.report.c.run_id,
    sql.sighting.c.row,
).select_from(
    sql.finding.join(sql.report, sql.finding.c.report_id == sql.report.c.id).join(
        sql.sighting, sql.sighting.c.finding_id == sql.finding.c.id
    )
)
_CHECKS: Select[Any] = select(sql.check, sql.project.c.name.label("project")).select_from(sql.check.join(sql.project))

_FIGURES = {
    "completeness": sql.report.c.completeness_whole,
    "drift": sql.report.c.drift_count,
    "generation": sql.report.c.generation_whole,
}
"""By figure the column that is NULL where a report has no evidence of it."""

_OF_A_SIGHTING = (
    "cause",
    "rule",
    "level",
    "operation",
    "rank",
    "state",
    "first_seen",
    "last_seen",
    "last_evidence",
    "resolved_at",
    "regressions",
    "report_id",
    "release",
)


def _of(query: Select[Any], project: Project, fingerprint: str, environment: str | None) -> Select[Any]:
    of = sql.finding.c
    query = query.where(of.project_id == project.id, of.fingerprint == bindparam(None, fingerprint, sql.Words))
    if environment is not None:
        return query.where(of.environment == environment)
    return query.order_by(of.last_seen.desc(), of.id.desc()).limit(1)


def _in_states(states: Collection[str], now: datetime) -> ColumnElement[bool]:
    of = sql.finding.c
    since = now - lifecycle.STALE_AFTER
    heard = [state for state in (State.NEW, State.ONGOING, State.REGRESSED) if state in states]
    parts: list[ColumnElement[bool]] = [and_(of.state.in_(heard), of.last_evidence >= since)]
    if State.RESOLVED in states:
        parts.append(of.state == State.RESOLVED.value)
    if State.STALE in states:
        parts.append(and_(of.state != State.RESOLVED.value, of.last_evidence < since))
    return or_(*parts)


def _among(column: ColumnElement[int], ids: Sequence[int]) -> ColumnElement[bool]:
    """`IN` with the numbers themselves: thousands of parameters would cost more than the statement."""
    return column.in_(bindparam(None, list(ids), expanding=True, literal_execute=True))


def _chunks(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(ids), _CHUNK):
        yield ids[start : start + _CHUNK]


def _page(rows: Sequence[Any], limit: int, cursor: Any) -> Page[Any]:
    more = len(rows) > limit
    kept = tuple(rows[:limit])
    return Page(kept, cursor(kept[-1]) if more and kept else None)


def _cursor(text: str) -> tuple[int, int]:
    first, dot, second = text.partition(".")
    if not dot or not _is_number(first.removeprefix("-")) or not _is_number(second):
        raise BadCursor(f"{text[:80]!r} is no cursor", "Take the one that the page before gives.")
    return int(first), int(second)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 18


_LARGEST_INTEGER = 2**31 - 1
"""The largest number that a column of integers holds everywhere; PostgreSQL refuses to compare with more."""


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _micros(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)


def _instant(micros: int) -> datetime:
    try:
        return _EPOCH + timedelta(microseconds=micros)
    except OverflowError as error:
        raise BadCursor(f"{micros} is no time", "Take the cursor that the page before gives.") from error


# --- rows as values, and back -----------------------------------------------------------------------------------------


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _fits(what: str, name: str, empty: bool = False) -> None:
    if not name and not empty:
        raise Unfit(f"the {what} is empty")
    if len(name) > _LONGEST:
        raise Unfit(f"the {what} is longer than {_LONGEST} characters: {name[:40]!r}…", "Give it a shorter one.")


def _json(value: object) -> str:
    """JSON that both databases keep: a half surrogate pair stays escaped."""
    try:
        return orjson.dumps(value).decode()
    except TypeError:
        return json.dumps(value, separators=(",", ":"))


def _parsed(raw: bytes | str) -> Any:
    try:
        return orjson.loads(raw)
    except ValueError:
        return json.loads(raw)


def _token(row: Row[Any]) -> Token:
    values = dict(row._mapping)
    return Token(**{name: values[name] for name in Token.__slots__})


def _check(row: Row[Any]) -> Check:
    values = dict(row._mapping)
    return Check(**values | {"progress": json.loads(values["progress"])})


def _event(row: Row[Any]) -> Event:
    return Event(row.id, row.fingerprint, row.environment, row.at, row.who, row.what, json.loads(row.detail))


def _life(row: Row[Any]) -> Life:
    return Life(State(row.state), row.first_seen, row.last_seen, row.last_evidence, row.resolved_at, row.regressions)


def _found(row: Row[Any]) -> Found:
    return Found(
        id=row.id,
        environment=row.environment,
        fingerprint=row.fingerprint,
        cause=row.cause,
        rule=row.rule,
        level=row.level,
        operation=row.operation,
        life=_life(row),
        run_id=row.run_id,
        release=row.release,
        decision=row.decision,
        reason=row.reason,
        until=row.until,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        row_json=row._mapping["row"],
    )


@dataclass(frozen=True, slots=True)
class _Written:
    """A sighting as it is kept, and by what it is known for another one."""

    heading: tuple[str, str, str, str | None]
    digest: str
    place: str
    row: str

    def values(self, finding_id: int) -> dict[str, Any]:
        return {"finding_id": finding_id, "digest": self.digest, "place": self.place, "row": self.row}


def _written(each: Sighted) -> _Written:
    place, row = _json(each.place), _json(each.row)
    digest = hashlib.blake2b(f"{place}\n{row}".encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    operation = None if each.operation is None else sql.words(each.operation)
    heading = (each.cause, sql.words(each.row["rule"]), each.row["level"], operation)
    return _Written(heading, digest, place, row)


def _rank(level: str, state: State) -> int:
    return _LEVELS.get(level, len(_LEVELS)) + (RESOLVED_RANK if state is State.RESOLVED else 0)


def _finding_values(project: Project, added: Row[Any], each: Sighted, life: Life) -> dict[str, Any]:
    level = each.row["level"]
    return {
        "project_id": project.id,
        "environment": added.environment,
        "fingerprint": each.fingerprint,
        "cause": each.cause,
        "rule": each.row["rule"],
        "level": level,
        "operation": each.operation,
        "rank": _rank(level, life.state),
        "state": life.state.value,
        "first_seen": life.first_seen,
        "last_seen": life.last_seen,
        "last_evidence": life.last_evidence,
        "resolved_at": life.resolved,
        "regressions": life.regressions,
        "report_id": added.id,
        "release": added.release,
        "decision": "",
    }


def _differences(old: Life, new: Life) -> dict[str, Any]:
    """The columns that change, with their values; equal for findings that fare alike."""
    found: dict[str, Any] = {} if new.state is old.state else {"state": new.state.value}
    for column, before, after in (
        ("first_seen", old.first_seen, new.first_seen),
        ("last_seen", old.last_seen, new.last_seen),
        ("last_evidence", old.last_evidence, new.last_evidence),
        ("resolved_at", old.resolved, new.resolved),
        ("regressions", old.regressions, new.regressions),
    ):
        if before != after:
            found[column] = after
    return found


def _happened(
    project: Project, finding: int | None, at: datetime, who: str, what: str, detail: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "project_id": project.id,
        "finding_id": finding,
        "at": at,
        "who": who,
        "what": what,
        "detail": _json(detail),
    }


def _note(
    db: Connection,
    project: Project,
    finding: int | None,
    at: datetime,
    who: str,
    what: str,
    detail: Mapping[str, Any],
) -> None:
    db.execute(insert(sql.happened).values(_happened(project, finding, at, who, what, detail)))


_LARGEST = 2**63 - 1


def _number(value: int | None) -> int | None:
    return None if value is None else min(value, _LARGEST)


def _started(text: object, now: datetime) -> datetime:
    """When a report says that it started; now if it says nothing that can be read, or a time that is yet to come.

    A clock that runs ahead would else make every later report a late one.
    """
    try:
        at = datetime.fromisoformat(str(text))
        return min(at.astimezone(UTC), now.astimezone(UTC)) if at.tzinfo is not None else now
    except (ValueError, OverflowError):
        return now


def _report_values(report: Mapping[str, Any], raw: bytes, digest: str, now: datetime) -> dict[str, Any]:
    run, kpis = report["run"], report["kpis"]
    completeness, drift, generation = kpis["completeness"], kpis["drift"], kpis["generation"]
    exercised = drift["exercised"]["operations"]
    return {
        "run_id": run["id"],
        "environment": run.get("environment") or "",
        "release": run.get("release"),
        "commit": run.get("commit"),
        "source": ",".join(_names(report["sources"])),
        "started_at": _started(run["started_at"], now),
        "received_at": now,
        "complete": run["complete"],
        "document_sha256": report["document"]["sha256"],
        "tool_version": report["tool"]["version"],
        "exit_code": report["outcome"]["exit_code"],
        "sentence": report["outcome"]["sentence"],
        "completeness_verdict": completeness["verdict"],
        "completeness_part": _number(completeness["part"]),
        "completeness_whole": _number(completeness["whole"]),
        "drift_verdict": drift["verdict"],
        "drift_count": _number(drift["count"]),
        "exercised_part": _number(exercised["part"]),
        "exercised_whole": _number(exercised["whole"]),
        "generation_verdict": generation["verdict"],
        "generation_part": _number(generation["part"]),
        "generation_whole": _number(generation["whole"]),
        "body_sha256": digest,
        "body_bytes": len(raw),
        "frame": zlib.compress(_json({**report, "findings": []}).encode("utf-8", "surrogatepass"), 1),
        "body": zlib.compress(raw, 1),
    }


def _names(sources: Iterable[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(source["name"] for source in sources))
