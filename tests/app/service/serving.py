"""The service behind a real server on loopback, and reports to push, for the tests."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2

from contract.app.service import create_app
from contract.app.service.config import ServiceConfig
from contract.stores.store import Store

from ...demo.serving import serving

ROOT = Path(__file__).parents[3]
PLAIN = 1_000_000
"""So many requests a minute that no test is refused, unless it wants to be."""


def report(run_id: str, started_at: str = "2026-11-20T08:00:00Z", environment: str | None = "ci") -> dict[str, Any]:
    """A report with findings, of that run."""
    made: dict[str, Any] = json.loads((ROOT / "tests/golden/json/drift.json").read_text("utf-8"))
    made = copy.deepcopy(made)
    made["run"] |= {"id": run_id, "started_at": started_at, "environment": environment, "release": "2.4"}
    return made


def clean(run_id: str, started_at: str, environment: str | None = "ci") -> dict[str, Any]:
    """The same run, a while later, without a finding."""
    made = report(run_id, started_at, environment)
    made["findings"] = []
    return made


@dataclass
class Service:
    """A running service and the secrets of tokens: `admin`, and `NAME:SCOPE` of two projects."""

    origin: str
    store: Store
    tokens: dict[str, str] = field(default_factory=dict)

    def client(self, token: str | None = "admin") -> httpx2.Client:
        headers = {"Authorization": f"Bearer {self.tokens[token]}"} if token is not None else {}
        return httpx2.Client(base_url=self.origin, headers=headers, timeout=30)

    def push(self, project: str, value: dict[str, Any], token: str = "admin") -> httpx2.Response:
        with self.client(token) as client:
            return client.post(f"/api/v1/projects/{project}/reports", json=value)


@contextmanager
def service(folder: Path, patience_ms: int = 10_000, database: str | None = None, **options: Any) -> Iterator[Service]:
    """A service on a database of its own with the projects `shop` and `bank`, each with a token of each scope."""
    url = database if database is not None else f"sqlite:///{folder / 'contract.db'}"
    config = ServiceConfig(**{"database": url, "rate": PLAIN, "burst": PLAIN, **options})
    store = Store.open(url, patience_ms)
    now = datetime.now(UTC)
    tokens = {"admin": store.create_token(None, "admin", "the admin", None, now)[1]}
    for name in ("shop", "bank"):
        project = store.project(name, create=True, now=now)
        for scope in ("read", "write", "admin"):
            tokens[f"{name}:{scope}"] = store.create_token(project, scope, f"{name} {scope}", None, now)[1]
    with serving(create_app(config, store)) as origin:
        yield Service(origin, store, tokens)
