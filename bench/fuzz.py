"""What `contract check` costs beside the same Schemathesis run by its own command.

Both get the same document, seed, phases, checks, workers and budgets, no time limit, and a fresh demo API behind uvicorn
each time; they run in turn, and the requests are counted by the server. Two comparisons are printed:

  probe   our probe and judge alone, which is what the goal speaks of: wall time of the whole process
  check   the whole command: also the search for undeclared parameters, proof and the report

  python bench/fuzz.py [--rounds 5] [--max-examples 30] [--goal 1.15]

Exits with 1 if the ratio of medians per request, of the probe, is above the goal.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
DOCUMENT = ROOT / "specs" / "demo.yaml"
TOKEN = "Bearer demo-acme-admin"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--max-examples", type=int, default=30)
    parser.add_argument("--goal", type=float, default=1.15)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        return serve()
    return compare(arguments.rounds, arguments.max_examples, arguments.goal)


# --- the sides --------------------------------------------------------------------------------------------------------


def probe(url: str, document: str, max_examples: int) -> None:
    """Our side, the fuzzer alone: the document, the target, the probe, and each exchange judged and added up."""
    from contract.app.gathered import Gathered, select
    from contract.app.settings import Settings
    from contract.core.check import Judge
    from contract.core.evidence import Complaint, Exchange
    from contract.core.openapi import Contract
    from contract.sources.documents import file
    from contract.sources.probes import schemathesis
    from contract.targets import http

    contract = Contract(file.load(document), None)
    settings = Settings()
    gathered = Gathered(contract, Judge(contract, settings.level), settings, lambda _: None)
    select(gathered)
    target = http.open(url)
    for event in schemathesis.probe(contract.root, target, options(max_examples, contract.operations[0].base_paths[0])):
        if isinstance(event, Exchange):
            gathered.record(event)
        elif isinstance(event, Complaint):
            gathered.complain(event)
    target.close()


def options(max_examples: int, base_path: str) -> Any:
    from contract.sources.probes.schemathesis import Options

    return Options(
        seed=1, max_examples=max_examples, max_time_s=None, headers=(("Authorization", TOKEN),), base_path=base_path
    )


def commands(max_examples: int, folder: Path) -> dict[str, Callable[[str], list[str]]]:
    """By name of the side the command, given the origin of the API."""
    from contract.core.openapi import Contract
    from contract.sources.documents import file
    from contract.sources.probes.schemathesis import configuration

    contract = Contract(file.load(str(DOCUMENT)), None)
    base_path = contract.operations[0].base_paths[0]
    settings = configuration(options(max_examples, base_path), len(contract.operations))
    config = folder / "schemathesis.toml"
    config.write_text(toml(settings))
    # Hypothesis draws on the constants of modules outside site-packages; installed, ours are not among them, and both
    # sides send the same requests.
    packages = folder / "site-packages"
    shutil.copytree(ROOT / "contract", packages / "contract")
    shutil.copy(__file__, packages / "fuzz.py")
    script = "from schemathesis.cli import schemathesis; schemathesis()"
    return {
        "schemathesis": lambda origin: [
            *(sys.executable, "-c", script, "--config-file", str(config)),
            *("run", str(DOCUMENT), "--url", origin + base_path),
        ],
        "probe": lambda origin: [
            *(sys.executable, "-c", f"import fuzz; fuzz.probe({origin!r}, {str(DOCUMENT)!r}, {max_examples})")
        ],
        "check": lambda origin: [
            *(sys.executable, "-m", "contract", "check", "--document", str(DOCUMENT), "--target", origin),
            *("--header", f"Authorization: {TOKEN}", "--max-examples", str(max_examples), "--max-time", "none"),
            *("--seed", "1", "--no-types", "--format", f"json={folder / 'report.json'}"),
        ],
    }


def toml(settings: dict[str, Any], prefix: str = "") -> str:
    """The settings as TOML; tables after the values of the table that they are in."""
    values = [f"{json.dumps(name)} = {json.dumps(value)}" for name, value in settings.items() if not _table(value)]
    tables = [
        f"[{prefix}{json.dumps(name)}]\n{toml(value, f'{prefix}{json.dumps(name)}.')}"
        for name, value in settings.items()
        if _table(value)
    ]
    return "\n".join([*values, *tables])


def _table(value: Any) -> bool:
    return isinstance(value, dict)


# --- the API ----------------------------------------------------------------------------------------------------------


def serve() -> int:
    """The demo on a free port; prints the origin, and at the end of its input how many requests it had."""
    import threading

    import uvicorn

    from contract.demo.app import app

    count = 0

    async def counted(scope: Any, receive: Any, send: Any) -> None:
        nonlocal count
        count += scope["type"] == "http"
        await app(scope, receive, send)

    # uvicorn makes its own socket: on one that is handed in, asyncio leaves Nagle's algorithm on, and then each answer
    # to the other side, which does not acknowledge at once, takes 40 ms.
    config = uvicorn.Config(counted, host="127.0.0.1", port=0, log_level="critical", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    print(f"http://127.0.0.1:{port}", flush=True)
    sys.stdin.read()
    server.should_exit = True
    thread.join()
    print(count, flush=True)
    return 0


@contextmanager
def serving() -> Iterator[tuple[str, Callable[[], int]]]:
    """A fresh API: its origin, and what stops it and gives the number of requests."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "CONTRACT_DEMO_DRIFT": ""}
    command = [sys.executable, str(Path(__file__).resolve()), "--serve"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdin is not None and process.stdout is not None
    origin = process.stdout.readline().strip()

    def stop() -> int:
        out, _ = process.communicate()
        return int(out)

    try:
        yield origin, stop
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


# --- the comparison ---------------------------------------------------------------------------------------------------


def compare(rounds: int, max_examples: int, goal: float) -> int:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sides = commands(max_examples, folder)
        seconds: dict[str, list[float]] = {side: [] for side in sides}
        requests: dict[str, list[int]] = {side: [] for side in sides}
        for number in range(rounds + 1):
            for side, command in sides.items():
                took, count = measure(command, folder)
                if number:  # the first round fills caches
                    seconds[side].append(took)
                    requests[side].append(count)
    print(f"{rounds} rounds in turn, {max_examples} examples, on the demo")
    for side in sides:
        per_ms = 1000 * statistics.median(_per(seconds[side], requests[side]))
        spread = f"{min(seconds[side]):.1f} to {max(seconds[side]):.1f}"
        counts = sorted(set(requests[side]))
        print(
            f"  {side:<13}{statistics.median(seconds[side]):6.2f} s ({spread})  {per_ms:5.2f} ms per request, of {counts}"
        )
    ratios = {}
    for side in ("probe", "check"):
        whole = statistics.median(seconds[side]) / statistics.median(seconds["schemathesis"])
        each = statistics.median(_per(seconds[side], requests[side])) / statistics.median(
            _per(seconds["schemathesis"], requests["schemathesis"])
        )
        ratios[side] = each
        print(f"  {side} / schemathesis: {whole:.2f} of the time, {each:.2f} per request")
    met = ratios["probe"] <= goal
    print(f"  goal {goal:.2f}: {'met' if met else 'missed'}")
    return 0 if met else 1


def _per(seconds: list[float], requests: list[int]) -> list[float]:
    return [took / count for took, count in zip(seconds, requests, strict=True)]


def measure(command: Callable[[str], list[str]], folder: Path) -> tuple[float, int]:
    path = str(folder / "site-packages")
    environment = {**os.environ, "PYTHONPATH": path, "HYPOTHESIS_STORAGE_DIRECTORY": str(folder / "hypothesis")}
    with serving() as (origin, stop):
        start = time.perf_counter()
        done = subprocess.run(command(origin), cwd=folder, env=environment, capture_output=True, text=True)
        took = time.perf_counter() - start
        count = stop()
    # 1 is "something was found" on both sides, and 3 "not enough was seen".
    if done.returncode not in (0, 1, 3) or "Traceback" in done.stderr or not count:
        raise SystemExit(
            f"{command(origin)} ended with {done.returncode}:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
        )
    return took, count


if __name__ == "__main__":
    sys.exit(main())
