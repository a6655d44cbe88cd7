"""What do pages for people ask of the store, beside what programs ask? Read only; each question is one query or two."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, case, func, or_, select

from contract.core import lifecycle
from contract.core.lifecycle import State
from contract.stores import sql
from contract.stores.store import Event, Page, Project, Store, _event

NONE: Page[Event] = Page((), None)


@dataclass(frozen=True, slots=True)
class Choices:
    """What the findings of an environment may be filtered by, each value with how many it leaves, by name."""

    rules: tuple[tuple[str, int], ...]
    operations: tuple[tuple[str, int], ...]
    releases: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Mark:
    """As much of a finding as the map shows of it."""

    fingerprint: str
    cause: str
    operation: str | None
    rule: str
    level: str
    state: str
    """Or what is decided of it."""


def marks(
    store: Store,
    project: Project,
    *,
    now: datetime,
    environment: str,
    operations: Collection[str] | None = None,
) -> tuple[Mark, ...]:
    """The findings of an environment, or of some operations in it, the worst first."""
    of = sql.finding.c
    wanted = (
        select(of.fingerprint, of.cause, of.operation, of.rule, of.level, _standing(now).label("state"))
        .where(of.project_id == project.id, of.environment == environment)
        .order_by(of.rank, of.id)
    )
    if operations is not None:
        wanted = wanted.where(of.operation.in_(operations))
    with store._read() as db:
        return tuple(Mark(**row._mapping) for row in db.execute(wanted))


def _holds(now: datetime) -> ColumnElement[bool]:
    of = sql.finding.c
    return or_(of.decision == "accepted", and_(of.decision == "exempt", or_(of.until.is_(None), of.until > now)))


def _state(now: datetime) -> ColumnElement[str]:
    of = sql.finding.c
    unheard = and_(of.state != State.RESOLVED.value, of.last_evidence < now - lifecycle.STALE_AFTER)
    return case((unheard, State.STALE.value), else_=of.state)


def _standing(now: datetime) -> ColumnElement[str]:
    return case((and_(sql.finding.c.decision != "", _holds(now)), sql.finding.c.decision), else_=_state(now))


def histories(store: Store, findings: Sequence[int], limit: int) -> dict[int, Page[Event]]:
    """What happened to each of these findings, the newest first and at most so many; `next` leads on in `Store.events`."""
    of = sql.happened.c
    number = func.row_number().over(partition_by=of.finding_id, order_by=of.id.desc()).label("number")
    inner = (
        select(sql.happened, sql.finding.c.fingerprint, sql.finding.c.environment, number)
        .select_from(sql.happened.join(sql.finding, of.finding_id == sql.finding.c.id))
        .where(of.finding_id.in_(findings))
        .subquery()
    )
    found: dict[int, list[Event]] = {}
    with store._read() as db:
        for row in db.execute(select(inner).where(inner.c.number <= limit + 1).order_by(inner.c.id.desc())):
            found.setdefault(row.finding_id, []).append(_event(row))
    return {
        key: Page(tuple(events[:limit]), f"0.{events[limit - 1].id}" if len(events) > limit else None)
        for key, events in found.items()
    }


def choices(store: Store, project: Project, environment: str) -> Choices:
    of = sql.finding.c
    mine = and_(of.project_id == project.id, of.environment == environment)

    def told(column: ColumnElement[str]) -> tuple[tuple[str, int], ...]:
        wanted = select(column, func.count()).where(mine, column.is_not(None)).group_by(column)
        return tuple(sorted((name, count) for name, count in db.execute(wanted)))

    with store._read() as db:
        return Choices(told(of.rule), told(of.operation), told(of.release))


def decided(store: Store, project: Project, *, now: datetime, environment: str) -> Mapping[tuple[str, str, str], int]:
    """How many findings a decision holds for now, by state, level and decision."""
    of = sql.finding.c
    inner = (
        select(_state(now).label("state"), of.level, of.decision)
        .where(of.project_id == project.id, of.environment == environment, of.decision != "", _holds(now))
        .subquery()  # PostgreSQL does not see that two expressions with parameters are the same
    )
    grouped = (inner.c.state, inner.c.level, inner.c.decision)
    with store._read() as db:
        rows = db.execute(select(*grouped, func.count()).group_by(*grouped))
        return {(state, level, kind): count for state, level, kind, count in rows}
