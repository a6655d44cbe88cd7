from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ...stores.postgres import Server, postgresql
from .serving import Service, service

__all__ = ["postgresql"]


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database, of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'each.db'}"
    server: Server = request.getfixturevalue("postgresql")
    return server.database()


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that the tests of one module share."""
    with service(tmp_path_factory.mktemp("service")) as running:
        yield running
