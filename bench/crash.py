"""Nothing that the service acknowledged is lost, whatever kills it: `kill -9` at random moments while reports are pushed.

    python bench/crash.py [--kills 50] [--seed 1] [--pushers 3]

A real `contract serve` on an SQLite file; several clients push reports, each with a run id of its own, and some of them
twice. The process is killed at a random moment and started again, fifty times; meanwhile a check of its own runs. At the
end every acknowledged report must be there once, no run twice, and the file whole. Exits with 1 if anything is amiss.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

ROOT = Path(__file__).parents[1]
REPORT = ROOT / "tests" / "golden" / "json" / "drift.json"
PROJECT = "shop"

_CHECK = """
document = "{root}/specs/demo.yaml"
target = "asgi:contract.demo.app:app"
report_dir = "{folder}/reports"
[headers]
Authorization = "Bearer demo-acme-admin"
[fuzz]
max_examples = 5
max_time = "20s"
[types]
"""
_SERVICE = """
[service]
rate = 1000000
burst = 1000000
[service.projects.shop]
config = "check/contract.toml"
"""


@dataclass
class Pushed:
    """What the clients know of their pushes."""

    acknowledged: set[str] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)
    """Sent, and the connection ended before an answer came: there or not there, and both is right."""
    twice: int = 0
    refused: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


class Service:
    """One process after another on the same file and port."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self.origin = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None
        self.starts_s: list[float] = []

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "contract", *words]

    def start(self) -> None:
        began = time.monotonic()
        self.process = subprocess.Popen(
            self.command("serve", "--port", str(self.port), "--database", f"sqlite:///{self.folder / 'contract.db'}"),
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.DEVNULL,
            stderr=(self.folder / "serve.log").open("ab"),
        )
        while True:
            try:
                if httpx2.get(f"{self.origin}/readyz", timeout=5).status_code == 200:
                    self.starts_s.append(time.monotonic() - began)
                    return
            except httpx2.HTTPError:
                pass  # not up yet
            if self.process.poll() is not None or time.monotonic() - began > 60:
                raise SystemExit(f"the service did not start:\n{(self.folder / 'serve.log').read_text()[-2000:]}")
            time.sleep(0.02)

    def kill(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def token(self) -> str:
        done = subprocess.run(
            self.command("token", "create", "--project", PROJECT, "--scope", "write", "--database",
                         f"sqlite:///{self.folder / 'contract.db'}"),
            cwd=self.folder, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True,
        )  # fmt: skip
        return next(word for word in done.stdout.split() if word.startswith("ctr_"))


def report(template: dict[str, Any], run_id: str, number: int) -> bytes:
    run = {
        **template["run"],
        "id": run_id,
        "started_at": f"2026-11-{1 + number % 28:02}T08:00:00Z",
        "environment": "ci",
    }
    return json.dumps({**template, "run": run}).encode()


def push(service: Service, token: str, pushed: Pushed, stop: threading.Event, seed: int) -> None:
    """Pushes until it is told to stop; one in five is sent again."""
    template, chance, number = json.loads(REPORT.read_text("utf-8")), random.Random(seed), 0
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    with httpx2.Client(base_url=service.origin, headers=headers, timeout=10) as client:
        while not stop.is_set():
            number += 1
            run_id = str(uuid.UUID(int=chance.getrandbits(128), version=4))
            body = report(template, run_id, number)
            for again in range(1 + (chance.random() < 0.2)):
                try:
                    answer = client.post(f"/api/v1/projects/{PROJECT}/reports", content=body)
                except httpx2.HTTPError:
                    with pushed.lock:
                        pushed.unknown.add(run_id)
                    time.sleep(0.02)
                    continue
                with pushed.lock:
                    if answer.status_code in (200, 201):
                        pushed.acknowledged.add(run_id)
                        pushed.twice += again
                    elif answer.status_code != 503:  # it says that nothing was taken
                        pushed.refused.append(f"{answer.status_code} {answer.text[:200]}")


def checks(service: Service, token: str) -> list[dict[str, Any]]:
    headers = {"Authorization": f"Bearer {token}"}
    answer = httpx2.get(f"{service.origin}/api/v1/projects/{PROJECT}/checks", headers=headers, timeout=10)
    answer.raise_for_status()
    found = answer.json()
    return list(found.get("checks", found.get("items", found)))


def start_check(service: Service, token: str) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    return httpx2.post(f"{service.origin}/api/v1/projects/{PROJECT}/checks", headers=headers, timeout=10).status_code


def stored(service: Service) -> tuple[list[str], str, list[tuple[int, str]]]:
    """Run ids of the file, what SQLite says of its integrity, and the states of the checks."""
    with sqlite3.connect(service.folder / "contract.db") as db:
        runs = [row[0] for row in db.execute("select run_id from report order by id")]
        whole = db.execute("pragma integrity_check").fetchone()[0]
        return runs, whole, list(db.execute('select number, state from "check" order by number'))


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pushers", type=int, default=3)
    chosen = parser.parse_args()
    chance = random.Random(chosen.seed)
    amiss: list[str] = []
    with tempfile.TemporaryDirectory(prefix="contract-crash-") as name:
        folder = Path(name)
        (folder / "check").mkdir()
        (folder / "check" / "contract.toml").write_text(_CHECK.format(root=ROOT, folder=folder))
        (folder / "contract.toml").write_text(_SERVICE)
        service, pushed, stop = Service(folder), Pushed(), threading.Event()
        service.start()
        token = service.token()
        threads = [
            threading.Thread(target=push, args=(service, token, pushed, stop, chosen.seed * 1000 + number))
            for number in range(chosen.pushers)
        ]
        for thread in threads:
            thread.start()
        started = 0
        for number in range(chosen.kills):
            if number % 5 == 0:
                started += start_check(service, token) == 202
            time.sleep(chance.uniform(0.05, 1.0))
            service.kill()
            service.start()
            if number % 10 == 9:
                print(f"  {number + 1} kills, {len(pushed.acknowledged):,} reports acknowledged", flush=True)
        stop.set()
        for thread in threads:
            thread.join()
        service.kill()
        runs, whole, states = stored(service)
        lost = pushed.acknowledged - set(runs)
        foreign = set(runs) - pushed.acknowledged - pushed.unknown
        checked = [run for run in foreign if states]  # reports of the service's own checks
        amiss += [f"lost: {run}" for run in sorted(lost)]
        amiss += [f"counted twice: {run}" for run in set(runs) if runs.count(run) > 1]
        amiss += [f"refused: {text}" for text in pushed.refused[:5]]
        if len(checked) > sum(state == "done" for _, state in states):
            amiss.append(f"reports that nobody pushed: {len(foreign)}")
        if whole != "ok":
            amiss.append(f"integrity: {whole}")
        service.start()
        time.sleep(1.5)
        left = dict(stored(service)[2])
        if any(state == "running" for state in left.values()):
            # Its process is dead, and a minute without a sign of life is what says so.
            limit = time.monotonic() + 90
            while any(state == "running" for _, state in stored(service)[2]) and time.monotonic() < limit:
                time.sleep(2)
            left = dict(stored(service)[2])
        if any(state == "running" for state in left.values()):
            amiss.append("a check of a dead process is still called running")
        again = start_check(service, token)
        if again not in (202, 409):
            amiss.append(f"a check cannot be started again: {again}")
        service.kill()
        print(
            f"{chosen.kills} kills: {len(pushed.acknowledged):,} reports acknowledged, all but {len(lost)} there; "
            f"{len(pushed.unknown & set(runs))} of {len(pushed.unknown)} without an answer are there too; "
            f"{pushed.twice} sent twice; {started} checks started, {sum(state == 'interrupted' for state in left.values())} "
            f"interrupted; integrity {whole}; start {sorted(service.starts_s)[len(service.starts_s) // 2]:.2f} s"
        )
    for text in amiss:
        print(f"amiss: {text}")
    return 1 if amiss else 0


if __name__ == "__main__":
    sys.exit(main())
