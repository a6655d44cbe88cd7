"""Programs beside Python that some tests need: skipped at home where one is missing, failed in CI."""

from __future__ import annotations

import os
import shutil

import pytest


def program(name: str, how: str) -> str:
    """The path of the program; without it the test is skipped, and in CI it fails, so that nothing is skipped there."""
    found = shutil.which(name)
    if found is None:
        if os.environ.get("CI"):
            pytest.fail(f"{name} is missing: {how}")
        pytest.skip(f"{name} is missing: {how}")
    return found


def missing(what: str) -> None:
    """Leaves the test out with a line that says what it needs; fails it in CI."""
    if os.environ.get("CI"):
        pytest.fail(f"missing: {what}")
    pytest.skip(f"missing: {what}")
