"""The demo's rows: SQLite with a handful of tenants, users, projects, tasks and documents.

Every method asks for one tenant's rows, so that another tenant's do not exist for it. One lock around one connection
makes it safe under a server's thread pool.
"""

from __future__ import annotations

import itertools
import json
import sqlite3
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from contract.demo.instants import instant

Row = dict[str, Any]
Clock = Callable[[], datetime]
STATUSES = ("todo", "doing", "done")

_SCHEMA = """
CREATE TABLE user (
    id TEXT PRIMARY KEY, tenant TEXT NOT NULL, handle TEXT NOT NULL, role TEXT NOT NULL, last_seen_at TEXT,
    pinned INTEGER NOT NULL, created_at TEXT NOT NULL, UNIQUE (tenant, handle));
CREATE TABLE project (
    id INTEGER PRIMARY KEY AUTOINCREMENT, tenant TEXT NOT NULL, key TEXT NOT NULL, name TEXT NOT NULL,
    description TEXT, pinned INTEGER NOT NULL, created_at TEXT NOT NULL, updated_at TEXT NOT NULL,
    UNIQUE (tenant, key));
CREATE TABLE task (
    id INTEGER PRIMARY KEY AUTOINCREMENT, tenant TEXT NOT NULL, project_id INTEGER NOT NULL REFERENCES project (id),
    title TEXT NOT NULL, description TEXT, status TEXT NOT NULL, priority INTEGER NOT NULL, labels TEXT NOT NULL,
    assignee_id TEXT REFERENCES user (id) ON DELETE SET NULL, due_at TEXT NOT NULL, due_us INTEGER NOT NULL,
    pinned INTEGER NOT NULL, created_at TEXT NOT NULL, updated_at TEXT NOT NULL);
CREATE TABLE document (
    id INTEGER PRIMARY KEY AUTOINCREMENT, tenant TEXT NOT NULL, project_id INTEGER NOT NULL REFERENCES project (id),
    title TEXT NOT NULL, content BLOB NOT NULL, author TEXT NOT NULL, created_at TEXT NOT NULL);
CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT, tenant TEXT NOT NULL, at TEXT NOT NULL, actor TEXT NOT NULL,
    action TEXT NOT NULL, subject TEXT NOT NULL);
"""

_PROJECTS = (
    ("acme", "ROCKET", "Rocket skates", "Faster than the bird, this time."),
    ("acme", "TUNNEL", "Painted tunnel", None),
    ("acme", "ANVIL", "Anvil logistics", "On time, from above."),
    ("globex", "REACTOR", "Reactor upkeep", "Keep the cooling towers cool."),
)
_TITLES = (
    "Order the propellant",
    "Sharpen the wheels",
    "Ask the bird for its timetable",
    "Write the launch checklist",
    "Test the brakes",
    "Buy paint, black",
    "Measure the cliff",
    "Find a lorry driver",
    "Hang up the road sign",
    "Rehearse the running start",
    "Weigh the anvils",
    "Rent a balloon",
    "Grease the pulley",
    "Mark the spot with an X",
    "Insure everybody",
    "Count the parachutes",
    "Book the launch site",
    "Zip up the flight suit",
)
_USERS = (
    ("0b6f5a2e-7c1d-4a3e-9f42-1d1a6c7e5b01", "acme", "wile", "member"),
    ("0b6f5a2e-7c1d-4a3e-9f42-1d1a6c7e5b02", "acme", "ada", "admin"),
    ("0b6f5a2e-7c1d-4a3e-9f42-1d1a6c7e5b03", "acme", "mel", "member"),
    ("5d0c9e11-2b7a-4c68-8a90-6f2b3e4d5c01", "globex", "hank", "member"),
    ("5d0c9e11-2b7a-4c68-8a90-6f2b3e4d5c02", "globex", "frank", "admin"),
)
TOKENS: dict[str, str] = {
    "demo-acme": _USERS[0][0],
    "demo-acme-admin": _USERS[1][0],
    "demo-globex": _USERS[3][0],
    "demo-globex-admin": _USERS[4][0],
}
"""Bearer tokens, and the id of the user whom each one stands for."""


class Missing(Exception):
    """This tenant has no such row."""


class Conflict(Exception):
    """The rows as they are do not allow it."""


class Store:
    """The rows of one running demo; `path` is a SQLite file or `:memory:`. With `keep_deleted` `gone` finds them."""

    def __init__(self, clock: Clock, path: str | Path = ":memory:", keep_deleted: bool = False) -> None:
        self._clock = clock
        self._gone: dict[tuple[str, str, int | str], Row] | None = {} if keep_deleted else None
        self._lock = threading.RLock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA foreign_keys = ON")
        if not self._db.execute("SELECT 1 FROM sqlite_master WHERE name = 'task'").fetchone():
            self._db.executescript(_SCHEMA)
            self._seed()

    def close(self) -> None:
        with self._lock:
            self._db.close()

    # --- projects

    def projects(self, tenant: str, limit: int, cursor: int) -> Row:
        return self._page(f"{_PROJECT} WHERE p.tenant = ?", [tenant], "p", limit, cursor)

    def project(self, tenant: str, id: int) -> Row:
        return self._one(f"{_PROJECT} WHERE p.tenant = ? AND p.id = ?", tenant, id)

    def create_project(self, tenant: str, actor: str, fields: Row) -> Row:
        with self._transaction(), _unique("a project with this key exists"):
            now = self._now()
            fields = {"key": self._free_key(tenant)} | fields
            id = self._insert("project", tenant=tenant, pinned=0, created_at=now, updated_at=now, **fields)
            self._log(tenant, actor, "project.created", f"project {id}")
            return self.project(tenant, id)

    def replace_project(self, tenant: str, actor: str, id: int, fields: Row) -> Row:
        with self._transaction(), _unique("another project has this key"):
            self.project(tenant, id)
            self._update("project", id, updated_at=self._now(), **fields)
            self._log(tenant, actor, "project.updated", f"project {id}")
            return self.project(tenant, id)

    def delete_project(self, tenant: str, actor: str, id: int) -> None:
        with self._transaction():
            project = self.project(tenant, id)
            if project["pinned"]:
                raise Conflict("a pinned project cannot be deleted")
            for table in ("task", "document"):
                if self._db.execute(f"SELECT 1 FROM {table} WHERE project_id = ?", (id,)).fetchone():
                    raise Conflict(f"the project still has a {table}")
            self._delete("project", tenant, project)
            self._log(tenant, actor, "project.deleted", f"project {id}")

    # --- tasks

    def tasks(
        self,
        tenant: str,
        limit: int,
        cursor: int,
        *,
        status: str | None = None,
        project_id: int | None = None,
        overdue: bool | None = None,
        due_before: str | None = None,
        search: str | None = None,
        sort: str | None = None,
    ) -> Row:
        where, values = ["t.tenant = ?"], [tenant]  # type: tuple[list[str], list[Any]]
        if status is not None:
            where.append("t.status = ?")
            values.append(status)
        if project_id is not None:
            where.append("t.project_id = ?")
            values.append(project_id)
        if overdue is not None:
            where.append("(t.status <> 'done' AND t.due_us < ?) = ?")
            values += [instant(self._now()), overdue]
        if due_before is not None:
            where.append("t.due_us < ?")
            values.append(instant(due_before))
        if search is not None:
            where.append("instr(lower(t.title), lower(?)) > 0")
            values.append(search)
        return self._page(f"SELECT t.* FROM task t WHERE {' AND '.join(where)}", values, "t", limit, cursor, sort)

    def task(self, tenant: str, id: int) -> Row:
        return self._one("SELECT t.* FROM task t WHERE t.tenant = ? AND t.id = ?", tenant, id)

    def create_task(self, tenant: str, actor: str, fields: Row) -> Row:
        with self._transaction():
            self._check_references(tenant, fields)
            now = self._clock()
            fields = {
                "description": None,
                "status": "todo",
                "priority": 3,
                "labels": [],
                "due_at": _text(now + timedelta(days=7)),
            } | fields
            stamp = {"created_at": _text(now), "updated_at": _text(now)}
            id = self._insert("task", tenant=tenant, pinned=0, **_stored(fields), **stamp)
            self._log(tenant, actor, "task.created", f"task {id}")
            return self.task(tenant, id)

    def change_task(self, tenant: str, actor: str, id: int, fields: Row, action: str = "task.updated") -> Row:
        with self._transaction():
            self.task(tenant, id)
            self._check_references(tenant, fields)
            self._update("task", id, updated_at=self._now(), **_stored(fields))
            self._log(tenant, actor, action, f"task {id}")
            return self.task(tenant, id)

    def delete_task(self, tenant: str, actor: str, id: int) -> None:
        with self._transaction():
            task = self.task(tenant, id)
            if task["pinned"]:
                raise Conflict("a pinned task cannot be deleted")
            self._delete("task", tenant, task)
            self._log(tenant, actor, "task.deleted", f"task {id}")

    # --- documents

    def documents(self, tenant: str, limit: int, cursor: int) -> Row:
        return self._page(f"{_DOCUMENT} WHERE d.tenant = ?", [tenant], "d", limit, cursor)

    def document(self, tenant: str, id: int) -> Row:
        return self._one(f"{_DOCUMENT} WHERE d.tenant = ? AND d.id = ?", tenant, id)

    def content(self, tenant: str, id: int) -> bytes:
        found = self._one("SELECT content FROM document WHERE tenant = ? AND id = ?", tenant, id)
        return bytes(found["content"])

    def create_document(self, tenant: str, actor: str, fields: Row) -> Row:
        with self._transaction():
            self._check_references(tenant, fields)
            id = self._insert("document", tenant=tenant, author=actor, created_at=self._now(), **fields)
            self._log(tenant, actor, "document.created", f"document {id}")
            return self.document(tenant, id)

    # --- the tenant as a whole

    def dashboard(self, tenant: str, days: int) -> Row:
        with self._lock:
            now = instant(self._now()) or 0
            counts = dict.fromkeys(STATUSES, 0)
            for status, count in self._db.execute(
                "SELECT status, count(*) FROM task WHERE tenant = ? GROUP BY status", (tenant,)
            ):
                counts[status] = count
            open_tasks = "SELECT count(*) FROM task WHERE tenant = ? AND status <> 'done' AND due_us"
            (overdue,) = self._db.execute(f"{open_tasks} < ?", (tenant, now)).fetchone()
            (soon,) = self._db.execute(
                f"{open_tasks} BETWEEN ? AND ?", (tenant, now, now + days * 86_400_000_000)
            ).fetchone()
            return {"days": days, "tasks": counts, "overdue": overdue, "due_soon": soon}

    def audit(self, tenant: str, limit: int, cursor: int, action: str | None) -> Row:
        chosen = "" if action is None else " AND a.action = ?"
        values = [tenant] if action is None else [tenant, action]
        columns = "a.id, a.at, a.actor, a.action, a.subject"
        return self._page(f"SELECT {columns} FROM audit a WHERE a.tenant = ?{chosen}", values, "a", limit, cursor)

    # --- users

    def users(self, tenant: str, limit: int, role: str | None) -> Row:
        """All users by handle, at most `limit`; a tenant has few of them, so there is no cursor."""
        with self._lock:
            found = self._db.execute(
                "SELECT * FROM user WHERE tenant = ? AND role = coalesce(?, role) ORDER BY handle LIMIT ?",
                (tenant, role, limit),
            ).fetchall()
            return {"items": [_shown(row) for row in found]}

    def user(self, tenant: str, id: str) -> Row:
        return self._one("SELECT * FROM user WHERE tenant = ? AND id = ?", tenant, id.lower())

    def caller(self, token: str) -> tuple[str, str, bool] | None:
        """Tenant, handle and whether an admin, of the user for whom the token stands; None for an unknown token."""
        id = TOKENS.get(token)
        with self._lock:
            found = self._db.execute("SELECT tenant, handle, role FROM user WHERE id = ?", (id,)).fetchone()
        return None if found is None else (found["tenant"], found["handle"], found["role"] == "admin")

    def create_user(self, tenant: str, actor: str, fields: Row) -> Row:
        with self._transaction(), _unique(f"the handle `{fields['handle']}` is taken"):
            id = str(uuid.uuid4())
            self._insert("user", id=id, tenant=tenant, pinned=0, created_at=self._now(), **fields)
            self._log(tenant, actor, "user.created", f"user {id}")
            return self.user(tenant, id)

    def delete_user(self, tenant: str, actor: str, id: str) -> None:
        with self._transaction():
            user = self.user(tenant, id)
            if user["pinned"]:
                raise Conflict("a pinned user cannot be deleted")
            self._delete("user", tenant, user)
            self._log(tenant, actor, "user.deleted", f"user {user['id']}")

    # --- what is no more

    def gone(self, table: str, tenant: str, id: int | str) -> Row | None:
        """A deleted row as it was; None unless deleted rows are kept."""
        return None if self._gone is None else self._gone.get((table, tenant, id))

    # --- inside

    def _now(self) -> str:
        return _text(self._clock())

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._lock:
            self._db.execute("BEGIN")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def _one(self, sql: str, *values: Any) -> Row:
        with self._lock:
            found = self._db.execute(sql, values).fetchone()
        if found is None:
            raise Missing
        return _shown(found)

    def _page(self, sql: str, values: list[Any], table: str, limit: int, cursor: int, sort: str | None = None) -> Row:
        """One page in the order of ids: those after `cursor`, and the cursor of the next page or None."""
        order = {None: f"{table}.id", "title": f"{table}.title", "-title": f"{table}.title DESC"}[sort]
        with self._lock:
            found = self._db.execute(
                f"{sql} AND {table}.id > ? ORDER BY {order} LIMIT ?", (*values, cursor, limit + 1)
            ).fetchall()
        items = [_shown(row) for row in found[:limit]]
        return {"items": items, "next_cursor": items[-1]["id"] if len(found) > limit else None}

    def _insert(self, table: str, **fields: Any) -> int:
        names = ", ".join(fields)
        marks = ", ".join("?" for _ in fields)
        done = self._db.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(fields.values()))
        return done.lastrowid or 0

    def _update(self, table: str, id: int, **fields: Any) -> None:
        names = ", ".join(f"{name} = ?" for name in fields)
        self._db.execute(f"UPDATE {table} SET {names} WHERE id = ?", (*fields.values(), id))

    def _free_key(self, tenant: str) -> str:
        """`P` and the least number that makes a key which no project of the tenant has."""
        taken = {row["key"] for row in self._db.execute("SELECT key FROM project WHERE tenant = ?", (tenant,))}
        return next(key for number in itertools.count(1) if (key := f"P{number}") not in taken)

    def _delete(self, table: str, tenant: str, row: Row) -> None:
        self._db.execute(f"DELETE FROM {table} WHERE id = ?", (row["id"],))
        if self._gone is not None:
            self._gone[table, tenant, row["id"]] = row

    def _check_references(self, tenant: str, fields: Row) -> None:
        """Raises Conflict if a row names another one that this tenant does not have."""
        if (project_id := fields.get("project_id")) is not None:
            try:
                self.project(tenant, project_id)
            except Missing:
                raise Conflict(f"there is no project {project_id}") from None
        if (assignee_id := fields.get("assignee_id")) is not None:
            try:
                fields["assignee_id"] = self.user(tenant, assignee_id)["id"]
            except Missing:
                raise Conflict(f"there is no user {assignee_id}") from None

    def _log(self, tenant: str, actor: str, action: str, subject: str) -> None:
        self._insert("audit", tenant=tenant, at=self._now(), actor=actor, action=action, subject=subject)

    def _seed(self) -> None:
        """Pinned rows, so that the ids in the document's examples exist however long somebody plays with the API."""
        now = self._clock()
        then = _text(now - timedelta(days=30))
        with self._transaction():
            for id, tenant, handle, role in _USERS:
                seen = _text(now - timedelta(hours=2)) if role == "admin" else None
                user = {"id": id, "tenant": tenant, "handle": handle, "role": role, "last_seen_at": seen}
                self._insert("user", pinned=1, created_at=then, **user)
            for tenant, key, name, description in _PROJECTS:
                project = {"tenant": tenant, "key": key, "name": name, "description": description}
                self._insert("project", pinned=1, created_at=then, updated_at=then, **project)
            for index, title in enumerate(_TITLES):
                self._seed_task("acme", 1 + index // 6, title, index, now)
            for index, title in enumerate(("Check the valves", "Alarm drill", "Replace the fuses")):
                self._seed_task("globex", 4, title, index, now)
            for tenant, project_id, title, content in (
                ("acme", 1, "Launch checklist", "# Launch checklist\n\n1. Light the fuse.\n2. Run.\n"),
                ("acme", 2, "How to paint a tunnel", "# How to paint a tunnel\n\nBlack first, then the stripes.\n"),
                ("acme", 3, "Meeting notes", "# Meeting notes\n\nBeep, beep.\n"),
                ("globex", 4, "Evacuation plan", "# Evacuation plan\n\nWalk, do not run.\n"),
            ):
                document = {"project_id": project_id, "title": title, "content": content.encode()}
                author = "wile" if tenant == "acme" else "hank"
                self._insert("document", tenant=tenant, author=author, created_at=then, **document)
            for id, tenant, handle, _ in _USERS:
                self._log(tenant, handle, "user.created", f"user {id}")
            for number, (tenant, _, _, _) in enumerate(_PROJECTS, start=1):
                self._log(tenant, "ada" if tenant == "acme" else "frank", "project.created", f"project {number}")

    def _seed_task(self, tenant: str, project_id: int, title: str, index: int, now: datetime) -> None:
        fields = {
            "project_id": project_id,
            "title": title,
            "description": None if index % 3 else f"{title}, before somebody else does.",
            "status": STATUSES[index % 3],
            "priority": 1 + index % 5,
            "labels": [["urgent", "hardware"], ["paperwork"], []][index % 3],
            "assignee_id": next(id for id, of, _, _ in _USERS if of == tenant) if index % 2 else None,
            "due_at": _text(now + timedelta(days=index - 5)),
        }
        then = _text(now - timedelta(days=20))
        self._insert("task", tenant=tenant, pinned=1, created_at=then, updated_at=then, **_stored(fields))


_PROJECT = """SELECT p.id, p.key, p.name, p.description, p.pinned, p.created_at, p.updated_at,
    (SELECT count(*) FROM task t WHERE t.project_id = p.id AND t.status <> 'done') AS open_tasks FROM project p"""
_DOCUMENT = (
    "SELECT d.id, d.project_id, d.title, length(d.content) AS size_bytes, d.author, d.created_at FROM document d"
)


@contextmanager
def _unique(otherwise: str) -> Iterator[None]:
    try:
        yield
    except sqlite3.IntegrityError as error:
        raise Conflict(otherwise) from error


def _stored(fields: Row) -> Row:
    """A task's fields as columns."""
    columns = dict[str, Any](fields)
    if "labels" in columns:
        columns["labels"] = json.dumps(columns["labels"])
    if "due_at" in columns:
        columns["due_us"] = instant(columns["due_at"])
    return columns


_HIDDEN = frozenset({"tenant", "due_us"})


def _shown(row: sqlite3.Row) -> Row:
    """A row as the API shows it."""
    shown = {name: value for name, value in dict(row).items() if name not in _HIDDEN}
    if "pinned" in shown:
        shown["pinned"] = bool(shown["pinned"])
    if "labels" in shown:
        shown["labels"] = json.loads(shown["labels"])
    if "handle" in shown:
        shown["email"] = f"{shown['handle']}@{row['tenant']}.example"
    return shown


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
