"""A real PostgreSQL for the tests: a cluster of its own in a temporary folder, on loopback, ended with the session."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from .. import needs

USER, PASSWORD = "contract", "s3cret/@:"
_NUMBERS = count(1)


def _folder() -> Path:
    """Where the server's programs lie: Debian keeps them out of the path."""
    found = shutil.which("postgres")
    if found is not None:
        return Path(found).parent
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: path.parts[-3])
    if not folders:
        needs.missing("a PostgreSQL server (Debian: apt-get install postgresql)")
    return folders[-1].parent


def _unprivileged() -> dict[str, Any]:
    """Who runs the server, which root may not."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    needs.missing("a user that may run PostgreSQL")
    raise AssertionError


class Server:
    """A cluster that can be stopped and started again on the same port."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.programs = _folder()
        self.user = _unprivileged()
        self.process: subprocess.Popen[bytes] | None = None
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.port = listener.getsockname()[1]
        if self.user:
            os.chown(folder, self.user["user"], self.user["group"])
        password = folder / "password"
        password.write_text(PASSWORD, "utf-8")
        if self.user:
            os.chown(password, self.user["user"], self.user["group"])
        made = [
            *(self.programs / "initdb", "--pgdata", folder / "data", "--username", USER, "--pwfile", password),
            *("--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C", "--no-sync"),
        ]
        subprocess.run(made, cwd=folder, check=True, capture_output=True, **self.user)
        self.start()

    def url(self, database: str) -> str:
        return f"postgresql+pg8000://{USER}:s3cret%2F%40%3A@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": "",
            "fsync": "off",
            "max_connections": 60,
        }
        flags = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [self.programs / "postgres", "-D", self.folder / "data", *flags],
                cwd=self.folder,
                stdout=log,
                stderr=log,
                **self.user,
            )
        while True:
            try:
                self._run("SELECT 1")
                return
            except DBAPIError:
                assert self.process.poll() is None, (self.folder / "log").read_text("utf-8")
                time.sleep(0.05)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """SIGINT closes all connections, and ends the server cleanly; SIGQUIT as in a crash."""
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait()
            self.process = None

    def database(self) -> str:
        """The URL of an empty database."""
        name = f"test_{next(_NUMBERS)}"
        self._run(f"CREATE DATABASE {name}")
        return self.url(name)

    def _run(self, statement: str) -> None:
        engine = create_engine(self.url("postgres"), isolation_level="AUTOCOMMIT")
        try:
            with engine.connect() as connection:
                connection.execute(text(statement))
        finally:
            engine.dispose()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    with tempfile.TemporaryDirectory(prefix="contract-postgresql-") as folder:
        server = Server(Path(folder))
        try:
            yield server
        finally:
            server.stop()
