"""How much of what really drifts in services that nobody here wrote is found, and what is reported that is not there.

    python bench/truth.py alertmanager kinto [--work DIR] [--max-examples 50] [--seed 1] [--list]

Starts each service on loopback by the script beside its facts (shared data), runs `contract check` with the service's
own document and route list, and scores the findings: recall by kind, and the traps that were reported. The peer's
figures, in the data's README, are one run of Schemathesis' own command per service.
"""

from __future__ import annotations

import argparse
import base64
import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from contract.app import run, settings
from contract.core.report import Report
from tests.data import DATA

KIND = {
    "undeclared-operation": "undocumented-route",
    "unimplemented-operation": "missing-route",
    "operation-not-served": "missing-route",
    "undeclared-status": "undocumented-status",
    "undeclared-media-type": "wrong-content-type",
    "response-schema": "response-schema",
    "malformed-body": "malformed-body",
    "undeclared-property": "undocumented-property",
    "server-error": "server-error",
    "no-answer": "server-error",
    "invalid-request-accepted": "invalid-request-accepted",
    "valid-request-refused": "valid-request-refused",
    "auth-not-enforced": "auth-ignored",
}
BASE = {
    "kinto": "/v1",
    "httpbin": "",
    "alertmanager": "/api/v2",
    "netdata": "/api/v1",
    "crowdsec": "/v1",
    "laravel": "/api/v1",
}
SLOW = {"httpbin": ["/delay/*", "/drip"]}  # they hold each request for seconds; the peer's run left them out too
PEER = {"kinto": 17, "httpbin": 14, "alertmanager": 17, "netdata": 15, "crowdsec": 26, "laravel": 39}
"""Facts that Schemathesis' own run met (wide column), of 24, 45, 33, 41, 33 and 61."""


OWN = {"laravel": Path(__file__).parents[1] / "tests" / "laravel"}
"""Services that were written for these tests, with a script and facts like those of the shared data."""


@dataclass(frozen=True)
class Score:
    name: str
    found: dict[str, int]
    strict: dict[str, int]
    total: dict[str, int]
    missed: list[str]
    traps: list[str]
    outside: list[dict[str, Any]]
    report: Report
    seconds: float


def home(name: str) -> Path:
    """The folder of the service's script and facts."""
    if name in OWN:
        return OWN[name]
    assert DATA is not None
    return DATA / "targets" / name


@contextmanager
def service(name: str, work: Path) -> Iterator[tuple[str, Path]]:
    """Origin and work folder of a running service; ended by its pid."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    script = home(name) / "start.sh"
    done = subprocess.run(
        ["bash", str(script), str(work), str(port)], capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    if done.returncode:
        raise RuntimeError(f"{name} did not start: {done.stdout[-400:]}{done.stderr[-400:]}")
    pid = int((work / "pid").read_text())
    try:
        yield f"http://127.0.0.1:{port}", work
    finally:
        os.kill(pid, 15)
        for _ in range(100):
            try:
                os.kill(pid, 0)
            except ProcessLookupError:
                break
            time.sleep(0.05)
        else:
            os.kill(pid, 9)


def headers(name: str, origin: str) -> list[str]:
    """Credentials that the service's facts name."""
    if name == "laravel":
        return ["Authorization: Bearer ada-token", "X-Tenant: acme"]
    if name == "kinto":
        return ["Authorization: Basic " + base64.b64encode(b"bench:x").decode()]
    if name == "crowdsec":
        body = json.dumps({"machine_id": "bench", "password": "bench"}).encode()
        asked = urllib.request.Request(
            origin + "/v1/watchers/login", body, {"Content-Type": "application/json", "User-Agent": "bench/1"}
        )
        with urllib.request.urlopen(asked) as answer:
            token = json.load(answer)["token"]
        return ["X-Api-Key: benchkey", f"Authorization: Bearer {token}", "User-Agent: bench/1"]
    return []


def reports(name: str, report: Report) -> Iterator[dict[str, Any]]:
    """The findings as the score reads them: one per operation, paths relative to the base path."""
    cells: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for seen in report.operations:
        for cell in seen.responses:
            for fingerprint in cell.findings:
                cells[seen.method, seen.path, fingerprint].append(cell.name)
    for row in report.findings:
        kind = KIND.get(row.rule)
        if kind is None or row.level == "note":
            continue
        for operation in (row.operations or (row.operation,)) if row.operation or row.operations else ():
            assert operation is not None
            path = operation.path
            if row.rule == "undeclared-operation" and BASE[name] and path.startswith(BASE[name] + "/"):
                path = path[len(BASE[name]) :]
            status: object = row.where.status
            if row.rule == "no-answer":
                status = "closed"
            elif (
                row.rule == "invalid-request-accepted" and row.example is not None and row.example.response is not None
            ):
                status = row.example.response.status
            elif status is not None and not str(status).isdigit():
                status = row.example.response.status if row.example is not None and row.example.response else None
            # A row that was folded over several statuses says none; the map says which it was for each operation.
            own = cells[operation.method, operation.path, row.fingerprint] if status is None else []
            for number in dict.fromkeys(code for code in own if code.isdigit()) or [status]:
                found = {"kind": kind, "method": operation.method, "path": path}
                yield found | ({"status": number} if number is not None else {})


def measure(name: str, work: Path, *, max_examples: int = 50, seed: int = 1, max_time: str = "60s") -> Score:
    """One run against a fresh service."""
    assert DATA is not None
    folder = home(name)
    with service(name, work) as (origin, where):
        document = next(path for path in (where / "spec.yaml", where / "spec.json") if path.exists())
        flags: dict[str, Any] = {
            "documents": [str(document)],
            "target": origin + BASE[name],
            "routes": [f"laravel:{where / 'routes.json'}" if name == "laravel" else f"text:{where / 'routes.txt'}"],
            "headers": headers(name, origin),
            "exclude": [f"{pattern} :: holds each request for seconds" for pattern in SLOW.get(name, [])],
            "max_examples": str(max_examples),
            "max_time": max_time,
            "timeout": "5s",
            "seed": str(seed),
            "types": False,
        }
        began = time.monotonic()
        report = run.check(settings.load(flags, {}, where))
        seconds = time.monotonic() - began
    spec = importlib.util.spec_from_file_location("score", DATA / "targets" / "score.py")
    assert spec is not None and spec.loader is not None
    scorer = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(scorer)
    target = json.loads((folder / "facts.json").read_text())
    found, strict, total, missed, traps, outside = scorer.score(target, list(reports(name, report)))
    return Score(name, dict(found), dict(strict), dict(total), missed, traps, outside, report, seconds)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("services", nargs="*", default=["alertmanager", "kinto"], metavar="SERVICE")
    parser.add_argument("--work", type=Path)
    parser.add_argument("--max-examples", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--list", action="store_true", help="what was missed, and what is in neither list")
    chosen = parser.parse_args()
    if DATA is None:
        print("left out: the shared data is not here (CONTRACT_DATA, or ../shared/data)")
        return 0
    work = chosen.work or Path(tempfile.mkdtemp(prefix="contract-truth-"))
    failed = False
    try:
        for name in chosen.services:
            score = measure(name, work / name, max_examples=chosen.max_examples, seed=chosen.seed)
            print(f"\n{name}: {score.report.kpis.drift.exchanges} exchanges in {score.seconds:.0f} s")
            for kind, whole in sorted(score.total.items()):
                print(
                    f"  {kind:<26}{score.found.get(kind, 0):>3} of {whole:>3}   strict {score.strict.get(kind, 0):>3}"
                )
            facts, found = sum(score.total.values()), sum(score.found.values())
            print(
                f"  {'all facts':<26}{found:>3} of {facts:>3}   strict {sum(score.strict.values()):>3}   peer {PEER.get(name, '-')}"
            )
            print(f"  {'traps reported':<26}{len(score.traps):>3}           {' '.join(score.traps)}")
            if chosen.list:
                print("  missed:", *score.missed)
                for item in score.outside:
                    print("  outside:", json.dumps(item))
            failed = failed or found < PEER.get(name, 0)
    finally:
        if chosen.work is None:
            shutil.rmtree(work, ignore_errors=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
