"""`make demo`: the demo API with three kinds of drift on, one `contract check` of it, and where the report lies."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

DRIFTS = ("null-due-at", "undeclared-status", "undeclared-operation")
"""One that a schema shows, one that a status shows, one that the route list shows."""
TOKEN = "demo-acme-admin"
READY_S = 30.0
ROOT = Path(__file__).parents[2]


def main() -> int:
    """0 if the drift that was switched on was found; the check's own exit code is said, and is 1."""
    print(f"Starting the demo API with {len(DRIFTS)} kinds of drift switched on: {', '.join(DRIFTS)}", flush=True)
    environ = {**os.environ, "CONTRACT_DEMO_DRIFT": ",".join(DRIFTS)}
    with server(environ) as origin:
        if origin is None:
            print("The demo API did not start; what it said stands above.", file=sys.stderr)
            return 3
        command = ["check", "--document", "specs/demo.yaml", "--target", origin]
        command += ["--routes", "asgi:contract.demo.app:app", "--header", f"Authorization: Bearer {TOKEN}"]
        command += ["--max-examples", "10", "--environment", "demo"]
        print(f"Checking it: contract {_quoted(command)}\n", flush=True)
        code = subprocess.run(
            [sys.executable, "-m", "contract", *command], cwd=ROOT, env=environ, check=False
        ).returncode
    page = ROOT / ".contract" / "report.html"
    print("\nThe demo API is stopped.")
    if code != 1:
        if code == 0:
            print("Drift was switched on, and none was found: that is a bug of ours.", file=sys.stderr)
        return code or 4
    print("The demo did what it should: the drift was found, and in your CI this exit code 1 would stop the release.")
    print(f"Open the report in a browser: {page.as_uri()}")
    return 0


@contextmanager
def server(environ: dict[str, str]) -> Iterator[str | None]:
    """The origin of a demo API on a free loopback port, stopped when the block ends; None if it did not start."""
    port = _free_port()
    # The fuzzer sends what no server can read; that uvicorn says so is no news to the reader.
    command = [sys.executable, "-m", "contract.demo", "--port", str(port), "--log-level", "error"]
    process = subprocess.Popen(command, cwd=ROOT, env=environ, stdin=subprocess.DEVNULL)
    try:
        yield f"http://127.0.0.1:{port}" if _ready(process, port) else None
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _ready(process: subprocess.Popen[bytes], port: int) -> bool:
    deadline = time.monotonic() + READY_S
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return True
    return False


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def _quoted(words: list[str]) -> str:
    return " ".join(f"'{word}'" if " " in word else word for word in words)


if __name__ == "__main__":
    sys.exit(main())
