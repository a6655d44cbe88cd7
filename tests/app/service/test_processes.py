"""`contract serve`, `contract token` and `contract push` as real processes, on one database."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from contract.app.push import Push, push
from contract.core.errors import TargetError

from .serving import ROOT, report

TOKEN = re.compile(r"ctr_[0-9a-f]+_[0-9a-f]{64}")


def contract(folder: Path, *words: str, token: str | None = None) -> subprocess.CompletedProcess[str]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("CONTRACT_")}
    environ |= {"PYTHONPATH": str(ROOT)} | ({"CONTRACT_TOKEN": token} if token is not None else {})
    command = [sys.executable, "-m", "contract", *words]
    return subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, timeout=60)


@contextmanager
def serving(folder: Path) -> Iterator[tuple[str, Path]]:
    """The origin of a service in a process of its own, and the file of what it prints."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("CONTRACT_")}
    said = folder / "said"
    with said.open("w") as out, (folder / "log").open("a") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "contract", "serve", "--port", "0", "--database", "sqlite:///served.db"],
            cwd=folder,
            env={**environ, "PYTHONPATH": str(ROOT)},
            stdout=out,
            stderr=log,
        )
    try:
        while (origin := re.search(r"contract serves on (http://[0-9.:]+) ", said.read_text())) is None:
            assert process.poll() is None, (folder / "log").read_text()
            time.sleep(0.05)
        yield origin[1], said
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)
    assert process.returncode in (0, -signal.SIGTERM), (folder / "log").read_text()


def test_from_the_first_start_to_a_report_that_is_kept(tmp_path: Path) -> None:
    with serving(tmp_path) as (origin, said):
        made = contract(
            tmp_path, "token", "create", "--project", "shop", "--scope", "write", "--database", "sqlite:///served.db"
        )
        assert made.returncode == 0, made.stderr
        token = made.stdout.strip()
        assert TOKEN.fullmatch(token)
        assert "write for project shop" in made.stderr
        assert token not in made.stderr

        (tmp_path / "report.json").write_text(json.dumps(report("pushed")))
        words = ("push", "report.json", "--to", origin, "--project", "shop")
        first = contract(tmp_path, *words, token=token)
        assert (first.returncode, first.stdout) == (
            0,
            f"report pushed kept: {origin}/api/v1/projects/shop/reports/pushed\n",
        ), first.stderr
        (tmp_path / "token").write_text(token + "\n")
        second = contract(tmp_path, *words, "--token-file", "token")
        assert (second.returncode, "was there already" in second.stdout) == (0, True)

        (tmp_path / "report.json").write_text(json.dumps(report("pushed"), indent=1))
        assert "(409)" in refused(contract(tmp_path, *words, token=token))
        (tmp_path / "report.json").write_text('{"schema_version": 9}')
        assert "Upgrade the service" in refused(contract(tmp_path, *words, token=token))
        (tmp_path / "report.json").write_text("{}")
        assert "no report of contract" in refused(contract(tmp_path, *words, token=token))
        (tmp_path / "report.json").write_text("{")
        assert "(400)" in refused(contract(tmp_path, *words, token=token))
        with (tmp_path / "report.json").open("wb") as file:
            file.truncate(40 * 2**20)
        assert "(413)" in refused(contract(tmp_path, *words, token=token))
        elsewhere = ("push", "report.json", "--to", origin, "--project", "bank")
        assert "no project `bank`" in refused(contract(tmp_path, *elsewhere, token=token))
        assert "(401)" in refused(contract(tmp_path, *words, token="ctr_0_" + "0" * 64))
        reader = contract(
            tmp_path, "token", "create", "--project", "shop", "--scope", "read", "--database", "sqlite:///served.db"
        )
        assert "(403)" in refused(contract(tmp_path, *words, token=reader.stdout.strip()))
    assert len(TOKEN.findall(said.read_text())) == 1
    log = (tmp_path / "log").read_text()
    assert "POST /api/v1/projects/{project}/reports 201" in log
    assert not TOKEN.search(log)

    with serving(tmp_path) as (origin, said):
        assert contract(tmp_path, *words[:3], origin, *words[4:], token=token).returncode == 2  # still `{`
    assert not TOKEN.search(said.read_text())


def refused(done: subprocess.CompletedProcess[str]) -> str:
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert done.stderr.startswith("error: ")
    assert not TOKEN.search(done.stderr)
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("push", "report.json", "--project", "shop"), "no service is named"),
        (("push", "report.json", "--to", "http://127.0.0.1:1"), "no project is named"),
        (("push", "report.json", "--to", "ftp://a", "--project", "shop"), "is no http(s) URL"),
        (("push", "report.json", "--to", "http://127.0.0.1:1", "--project", "shop"), "there is no token"),
        (("push", "r.json", "--to", "http://a", "--project", "shop", "--token-file", "no"), "no: no such file"),
        (("push", "r.json", "--to", "http://a", "--project", "shop", "--token", "ctr_1"), "unknown flag `--token`"),
        (("token", "create", "--project", "shop"), "no scope is said"),
        (("token", "create", "--project", "shop", "--scope", "all"), "there is no scope `all`"),
        (("token", "create", "--scope", "read"), "no project is said"),
        (("token", "create", "--project", "A B", "--scope", "read"), "is no name of a project"),
        (("token", "create", "--project", "a", "--scope", "read", "--expires", "0"), "is no number of days"),
        (("token", "delete"), "`contract token` takes `create`"),
        (("serve", "--port", "x"), "`x` is no port"),
    ],
)
def test_what_was_typed_wrong_is_said(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    assert said in refused(contract(tmp_path, *words))
    assert list(tmp_path.iterdir()) == []


class Busy(BaseHTTPRequestHandler):
    """Answers what it is told to, and then 201."""

    answers: ClassVar[list[tuple[int, dict[str, str]]]] = []

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        status, headers = self.answers.pop(0) if self.answers else (201, {})
        body = b'{"run_id": "pushed", "href": "/x", "detail": "busy"}'
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Tests are quiet."""


@contextmanager
def busy(*answers: tuple[int, dict[str, str]]) -> Iterator[str]:
    handler = type("Told", (Busy,), {"answers": list(answers)})
    server = HTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_push_waits_as_long_as_it_is_told_to_and_tries_again(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text("{}")
    waited: list[float] = []
    with busy((503, {"Retry-After": "7"}), (429, {"Retry-After": "3600"}), (503, {})) as origin:
        what = Push(tmp_path / "report.json", origin, "shop", "ctr_0_0")
        assert push(what, sleep=waited.append) == f"report pushed kept: {origin}/x"
    assert waited == [7, 60, 2]


def test_a_push_gives_up_after_some_tries_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text("{}")
    notes: list[str] = []
    with busy(*[(503, {})] * 9) as origin:
        what = Push(tmp_path / "report.json", origin, "shop", "ctr_0_0")
        with pytest.raises(TargetError) as raised:
            push(what, note=notes.append, sleep=lambda _: None)
    assert raised.value.message == f"{origin} answered 503: busy"
    assert len(notes) == 5


def test_a_service_that_is_not_there_is_said(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text("{}")
    with busy() as origin:
        pass
    with pytest.raises(TargetError) as raised:
        push(Push(tmp_path / "report.json", origin, "shop", "ctr_0_0"), sleep=lambda _: None)
    assert raised.value.message.startswith(f"{origin} cannot be reached")
