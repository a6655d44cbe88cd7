"""Reports to feed a store with: those under `tests/golden/json`, told anew of another run."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from contract.core import lifecycle
from contract.stores.store import Project, ReportRow, Store

GOLDEN = Path(__file__).parents[1] / "golden" / "json"
DAY = timedelta(days=1)
START = datetime(2026, 11, 1, 12, tzinfo=UTC)


def golden(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((GOLDEN / f"{name}.json").read_bytes())
    return found


def told(
    name: str,
    run_id: str,
    at: datetime = START,
    environment: str | None = None,
    keep: Callable[[Mapping[str, Any]], bool] = lambda row: True,
    release: str | None = None,
) -> dict[str, Any]:
    """A golden report as that of another run, with only those of its findings that are to be kept."""
    report = golden(name)
    report["run"] |= {
        "id": run_id,
        "started_at": at.isoformat(),
        "environment": environment,
        "release": release,
        "commit": "4be2790",
    }
    report["findings"] = [row for row in report["findings"] if keep(row)]
    return report


def many(count: int, run_id: str, at: datetime = START, environment: str | None = None) -> dict[str, Any]:
    """A report of so many findings, of so many operations."""
    report = told("drift", run_id, at, environment)
    row = next(row for row in report["findings"] if row["rule"] == "response-schema" and not row["operations"])
    shape = next(each for each in report["operations"] if each["declared"])
    rows = []
    report["operations"] = []
    for number in range(count):
        path = f"/things/{number}"
        operation = {"method": "GET", "path": path}
        level = ("error", "warning", "note")[number % 3]
        rows.append({**row, "fingerprint": f"{number:040x}", "operation": operation, "level": level})
        report["operations"].append({**shape, "key": f"GET {path}", "method": "GET", "path": path})
    report["findings"] = rows
    return report


def raw(report: Mapping[str, Any]) -> bytes:
    return json.dumps(report).encode()


def add(store: Store, project: Project, report: Mapping[str, Any], now: datetime | None = None) -> ReportRow:
    """Adds a report that must be new, received a minute after it started."""
    at = now or datetime.fromisoformat(report["run"]["started_at"]) + timedelta(minutes=1)
    row, created = store.add_report(project, report, raw(report), at, "ci")
    assert created
    return row


def fingerprints(report: Mapping[str, Any]) -> set[str]:
    return {each.fingerprint for each in lifecycle.sighted(report)}


def project(store: Store, name: str = "demo") -> Project:
    found = store.project(name, create=True, now=START)
    assert found is not None
    return found


def everything(store: Store, of: Project, now: datetime, limit: int = 7, **filters: Any) -> list[Any]:
    """All findings, page by page."""
    found, after = [], None
    while True:
        page = store.findings(of, now=now, after=after, limit=limit, **filters)
        found.extend(page)
        after = page.next
        if after is None:
            return found
