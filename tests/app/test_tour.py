"""`make demo` starts the demo API and always stops it."""

from __future__ import annotations

import os
import socket
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest

from contract.app import tour
from contract.demo import DRIFTS


def refused(origin: str) -> bool:
    parts = urlsplit(origin)
    try:
        socket.create_connection((parts.hostname or "", parts.port or 0), 1).close()
    except ConnectionRefusedError:
        return True
    return False


def test_the_demo_runs_inside_the_block_and_is_stopped_after_a_failure_too() -> None:
    origins = []
    with pytest.raises(RuntimeError, match="inside"), tour.server(dict(os.environ)) as origin:
        assert origin is not None
        origins.append(origin)
        with urlopen(f"{origin}/api/v1/health", timeout=10) as answer:
            assert answer.status == 200
        raise RuntimeError("inside")
    assert [refused(origin) for origin in origins] == [True]


def test_a_demo_that_does_not_start_is_told_apart() -> None:
    with tour.server({**os.environ, "CONTRACT_DEMO_DRIFT": "no-such-drift"}) as origin:
        assert origin is None


def test_the_tour_switches_on_drift_that_there_is() -> None:
    assert set(tour.DRIFTS) <= set(DRIFTS)
