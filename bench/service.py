"""What the service costs as a project grows: ratios taken in turn, in one process.

    python bench/service.py [--days 365] [--findings 10000] [--rounds 7] [--folder DIR]

The drift report of a project with 10,000 findings and a year of daily reports, against one with 100 findings and a week,
page by page over HTTP; and a push of a report with 1,000 findings, against reading and validating its JSON: all of them
new, the same ones again, each told in other words, and all of them gone. Exits with 1 if a goal is missed.
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


def report(findings: int, day: int, told: int = 0, first: int = 0) -> dict[str, Any]:
    """A report of that day with so many findings, each with a fingerprint of its own, the same every day.

    A tenth of them, another one each day, was seen in more exchanges than the day before; with `told`, each one was.
    """
    made: dict[str, Any] = json.loads((ROOT / "tests" / "golden" / "json" / "drift.json").read_text("utf-8"))
    rows = [row for row in made["findings"] if not row["operations"] and row["operation"] is not None]
    made["run"] |= {"id": f"run-{findings}-{day}", "started_at": _at(day), "environment": "ci"}
    made["findings"] = []
    for number in range(findings):
        row = copy.copy(rows[number % len(rows)])
        row["fingerprint"] = hashlib.sha1(str(first + number).encode()).hexdigest()
        row["exchanges"] = 1 + told + (day + number) // 10
        row["operation"] = {"method": "GET", "path": f"/things/{number // 7}"}
        made["findings"].append(row)
    return made


def gone(findings: int) -> dict[str, Any]:
    """A report of the same size that shows no finding, and all places where they were: each of them held."""
    made = report(0, 0)
    shape = next(each for each in made["operations"] if each["declared"] and each["exchanges"])
    cells = [{**cell, "findings": []} for cell in shape["responses"]]
    made["operations"] = [
        {**shape, "key": f"GET /things/{number}", "path": f"/things/{number}", "findings": [], "responses": cells}
        for number in range(findings)
    ]
    return made


def _at(day: int) -> str:
    return (START + timedelta(days=day)).isoformat().replace("+00:00", "Z")


def fill(store: Store, name: str, findings: int, days: int) -> None:
    now = datetime.now(UTC)
    project = store.project(name, create=True, now=now)
    assert project is not None
    last = store.latest(project)
    for day in range(int(last.run_id.rpartition("-")[2]) + 1 if last is not None else 0, days):
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
    parser.add_argument("--folder", help="where the database is, or will be; a fill that was broken off goes on there")
    chosen = parser.parse_args()
    missed = []
    with tempfile.TemporaryDirectory(prefix="contract-service-") as temporary:
        url = f"sqlite:///{chosen.folder or temporary}/contract.db"
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
                    print(f"  {name:76} {ratio:6.2f} ×   goal ≤ {PAGE:g}")
                    missed += [name] if ratio > PAGE else []
            validator = jsonschema_rs.validator_for(
                json.loads((ROOT / "contract/reports/report.schema.json").read_text("utf-8"))
            )
            count, pushed = 1000, 0

            def ratio_of(project: str, value: dict[str, Any]) -> float:
                nonlocal pushed
                value["run"] |= {"id": f"push-{pushed}", "started_at": _at(pushed)}
                pushed += 1
                body = orjson.dumps(value)
                floor = took(lambda: validator.validate(orjson.loads(body)))

                def send() -> None:
                    answer = client.post(
                        f"/api/v1/projects/{project}/reports",
                        content=body,
                        headers={"Content-Type": "application/json"},
                    )
                    assert answer.status_code == 201, answer.text

                return took(send) / floor

            shapes: dict[str, list[float]] = {"all new": [], "the same again": [], "each told anew": [], "all gone": []}
            for number in range(chosen.rounds + 1):
                project = f"pushed-{datetime.now(UTC):%H%M%S}-{number}"
                store.project(project, create=True, now=datetime.now(UTC))  # a push makes no project
                found = [
                    ratio_of(project, report(count, 0)),
                    ratio_of(project, report(count, 0)),
                    ratio_of(project, report(count, 0, told=7)),
                    ratio_of(project, gone(count)),
                ]
                for ratios, ratio in zip(shapes.values(), found, strict=True):
                    ratios += [ratio] if number else []  # what is loaded once was loaded in the first round
            for shape, ratios in shapes.items():
                ratio = statistics.median(ratios)
                name = f"push of 1,000 findings, {shape} / reading and validating its JSON"
                print(f"  {name:76} {ratio:6.2f} ×   goal ≤ {PUSH:g}")
                missed += [name] if ratio > PUSH else []
    for name in missed:
        print(f"goal missed: {name}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
