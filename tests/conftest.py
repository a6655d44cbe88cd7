"""Golden files: compared byte for byte, and written anew by `pytest --update-golden`, whose diff is then read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

# A test never asserts seconds, and a busy machine is no fault of the code.
settings.register_profile("contract", deadline=None)
settings.load_profile("contract")

GOLDEN = Path(__file__).parent / "golden"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write the files under tests/golden anew")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Asserts that a text is the file of this name under `tests/golden/`, byte for byte."""

    def same(name: str, text: str) -> None:
        path = GOLDEN / name
        if request.config.getoption("--update-golden"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())
        assert path.is_file(), f"{path} is missing: run pytest --update-golden, and read it"
        assert text == path.read_bytes().decode()

    return same
