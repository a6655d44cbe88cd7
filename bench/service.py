"""What the service costs as a project grows: ratios taken in turn, in one process.

    python bench/service.py [--days 365] [--findings 10000] [--rounds 7]

The drift report of a project with 10,000 findings and a year of daily reports, against one with 100 findings and a week,
page by page over HTTP; and a push of a report with 1,000 findings, against reading and validating its JSON. Exits with 1
if a goal is missed.
"""

from __future__ import annotations

import argparse
import copy
import hashlib
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import jsonschema_rs
import orjson
from fastapi.testclient import TestClient

from contract.app.service import create_app
from contract.app.service.config import ServiceConfig
from contract.stores.store import Store

ROOT = Path(__file__).parents[1]
PAGE, PUSH = 3.0, 10.0
START = datetime(2025, 11, 1, 8, tzinfo=UTC)


def report(findings: int, day: int) -> dict[str, Any]:
    """A report of that day with so many findings, each with a fingerprint of its own, the same every day."""
    made: dict[str, Any] = json.loads((ROOT / "tests" / "golden" / "json" / "drift.json").read_text("utf-8"))
    rows = [row for row in made["findings"] if not row["operations"] and row["operation"] is not None]
    at = (START + timedelta(days=day)).isoformat().replace("+00:00", "Z")
    made["run"] |= {"id": f"run-{findings}-{day}", "started_at": at, "environment": "ci"}
    made["findings"] = []
    for number in range(findings):
        row = copy.copy(rows[number % len(rows)])
        row["fingerprint"] = hashlib.sha1(str(number).encode()).hexdigest()
        row["operation"] = {"method": "GET", "path": f"/things/{number // 7}"}
        made["findings"].append(row)
    return made


def fill(store: Store, name: str, findings: int, days: int) -> None:
    now = datetime.now(UTC)
    project = store.project(name, create=True, now=now)
    assert project is not None
    for day in range(days):
        value = report(findings, day)
        store.add_report(project, value, orjson.dumps(value), START + timedelta(days=day, hours=1), "bench")
        if day % 50 == 49:
            print(f"  {name}: {day + 1} of {days} reports", flush=True)


def took(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--findings", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=7)
    chosen = parser.parse_args()
    missed = []
    with tempfile.TemporaryDirectory(prefix="contract-service-") as folder:
        url = f"sqlite:///{folder}/contract.db"
        store = Store.open(url)
        fill(store, "small", 100, 7)
        fill(store, "large", chosen.findings, chosen.days)
        secret = store.create_token(None, "admin", "bench", None, datetime.now(UTC))[1]
        config = ServiceConfig(database=url, rate=10**6, burst=10**6)
        with TestClient(create_app(config, store), headers={"Authorization": f"Bearer {secret}"}) as client:

            def page(name: str, form: str, query: str) -> Callable[[], object]:
                def ask() -> None:
                    answer = client.get(f"/api/v1/projects/{name}/drift{form}?limit=50{query}")
                    assert answer.status_code == 200, answer.text

                return ask

            first = client.get("/api/v1/projects/large/drift.json?limit=50").json()
            cursor = first["next"]
            for _ in range(40):  # deep into the list: a page by offset would cost more there
                step = client.get(f"/api/v1/projects/large/drift.json?limit=50&cursor={cursor}").json()["next"]
                cursor = step or cursor
            for form, words in ((".json", "as JSON"), (".md", "as Markdown"), (".html", "as a page")):
                for query, where in (("", "first page"), (f"&cursor={cursor}", "page 41")):
                    ratios = []
                    for _ in range(chosen.rounds):
                        small = took(page("small", form, ""))
                        ratios.append(took(page("large", form, query)) / small)
                    ratio = statistics.median(ratios)
                    name = f"drift report {words}, {where}: large / small"
                    print(f"  {name:60} {ratio:6.2f} ×   goal ≤ {PAGE:g}")
                    missed += [name] if ratio > PAGE else []
            store.project("pushed", create=True, now=datetime.now(UTC))  # a push makes no project
            validator = jsonschema_rs.validator_for(
                json.loads((ROOT / "contract/reports/report.schema.json").read_text("utf-8"))
            )
            ratios, again = [], []
            for number in range(chosen.rounds):
                value = report(1000, number)
                value["run"]["id"] = f"push-{number}"
                body = orjson.dumps(value)
                floor = took(lambda body=body: validator.validate(orjson.loads(body)))

                def send(body: bytes = body) -> None:
                    answer = client.post(
                        "/api/v1/projects/pushed/reports", content=body, headers={"Content-Type": "application/json"}
                    )
                    assert answer.status_code == 201, answer.text

                push = took(send)
                (ratios if number else again).append(push / floor)
            ratio = statistics.median(ratios)
            name = "push of 1,000 findings / reading and validating its JSON"
            print(f"  {name:60} {ratio:6.2f} ×   goal ≤ {PUSH:g}")
            missed += [name] if ratio > PUSH else []
    for name in missed:
        print(f"goal missed: {name}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
