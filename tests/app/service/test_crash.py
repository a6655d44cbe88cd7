"""The harness of what goes wrong around the service, in its short form: `bench/crash.py --quick`."""

from __future__ import annotations

import subprocess
import sys

import pytest

from .serving import ROOT


@pytest.mark.slow
def test_nothing_that_was_acknowledged_is_lost_whatever_goes_wrong() -> None:
    command = [sys.executable, "bench/crash.py", "--quick"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["holds"] * 13
