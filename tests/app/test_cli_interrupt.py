"""Ctrl-C ends a run with a report of what was seen; a second one ends it at once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from contract.app import tour

ROOT = Path(__file__).parents[2]


def started(folder: Path, origin: str) -> subprocess.Popen[str]:
    """A check that would take long, with its fuzzer at work."""
    command = [sys.executable, "-m", "contract", "check", "--document", str(ROOT / "specs/demo.yaml")]
    command += ["--target", origin, "--header", "Authorization: Bearer demo-acme-admin", "--no-types"]
    command += ["--max-examples", "1000", "--max-time", "none", "--allow-ref", str(ROOT)]
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "CI": "true"}
    process = subprocess.Popen(
        command, cwd=folder, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    time.sleep(6)
    assert process.poll() is None
    return process


@pytest.mark.slow
def test_the_first_ctrl_c_ends_with_a_report_that_says_it_is_incomplete(tmp_path: Path) -> None:
    with tour.server(dict(os.environ)) as origin:
        assert origin is not None
        process = started(tmp_path, origin)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    report = json.loads((tmp_path / ".contract" / "report.json").read_text())
    assert "Traceback" not in err
    assert report["run"]["complete"] is False
    assert any("Ctrl-C" in note for note in report["run"]["notes"])
    assert sum(row["exchanges"] for row in report["operations"]) > 0
    assert process.returncode == report["outcome"]["exit_code"]
    assert out.splitlines()[-1].endswith(f"exit {process.returncode}")


@pytest.mark.slow
def test_two_at_once_end_it_without_a_traceback(tmp_path: Path) -> None:
    with tour.server(dict(os.environ)) as origin:
        assert origin is not None
        process = started(tmp_path, origin)
        deadline = time.monotonic() + 30
        while process.poll() is None and time.monotonic() < deadline:
            process.send_signal(signal.SIGINT)
            time.sleep(0.02)
        _, err = process.communicate(timeout=10)
    assert process.returncode in (130, -signal.SIGINT)
    assert "Traceback" not in err
    assert not list(tmp_path.rglob(".contract-*"))
