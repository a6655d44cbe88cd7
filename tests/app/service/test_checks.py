"""Checks that the service runs itself: queued, followed, one at a time, failed, lost."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from contract.app.apart import Apart, Ended
from contract.app.configfile import SERVICE_SCHEMA
from contract.app.service.config import ServiceConfig, load
from contract.app.service.runner import EVERY_S, Runner, _Beat
from contract.app.steps import Step
from contract.core.errors import ConfigError
from contract.stores.store import Store

from .serving import ROOT, Service, service
from .test_access import problem
from .test_self import checked

CHECKS = "/api/v1/projects/shop/checks"


def ended(running: Service, href: str) -> dict[str, Any]:
    """The check once it is over."""
    with running.client("shop:read") as client:
        while True:
            told: dict[str, Any] = client.get(href).json()
            if told["state"] not in ("queued", "running"):
                return told
            time.sleep(0.05)


def test_a_check_runs_in_the_background_and_its_report_counts(tmp_path: Path) -> None:
    with service(tmp_path, checks={"shop": checked(tmp_path)}) as running, running.client("shop:write") as client:
        started = client.post(CHECKS)
        assert (started.status_code, started.headers["location"]) == (202, f"{CHECKS}/1")
        assert (started.json()["state"], started.json()["who"], started.json()["report"]) == (
            "queued",
            "shop write",
            None,
        )
        told = ended(running, started.headers["location"])
        assert (told["state"], told["number"]) == ("done", 1), told["message"]
        assert told["started_at"] <= told["finished_at"]
        report = client.get(told["report"]).json()
        assert told["message"] == report["outcome"]["sentence"]
        findings = client.get("/api/v1/projects/shop/drift").json()["findings"]
        assert [(row["rule"], row["operation"]) for row in findings if row["level"] == "error"] == [
            ("undeclared-operation", "GET /carts")
        ]
        figure = client.get("/api/v1/projects/shop/completeness").json()
        assert (figure["part"], figure["whole"], figure["undocumented"]) == (1, 2, ["GET /carts"])

        again = client.post(CHECKS)
        assert again.json()["number"] == 2
        assert ended(running, again.headers["location"])["state"] == "done"
        listed = client.get(f"{CHECKS}?limit=1")
        assert [row["number"] for row in listed.json()["checks"]] == [2]
        assert [row["number"] for row in client.get(listed.links["next"]["url"]).json()["checks"]] == [1]


def test_one_at_a_time(tmp_path: Path) -> None:
    with service(tmp_path, checks={}) as running:  # nobody takes it from the queue
        shop = running.store.project("shop")
        assert shop is not None
        waiting = running.store.add_check(shop, "somebody", datetime.now(UTC))
        with running.client("shop:write") as client:
            problem(client.post(CHECKS), 404)  # the configuration names none
            told = client.get(f"{CHECKS}/{waiting.number}").json()
        assert (told["state"], told["progress"]) == ("queued", None)


def test_while_one_waits_or_runs_another_is_a_conflict(tmp_path: Path) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as target,
        service(tmp_path, checks=dict.fromkeys(("shop", "bank"), silent(tmp_path, target.getsockname()[1]))) as running,
    ):
        with running.client("shop:write") as client:
            assert client.post(CHECKS).status_code == 202
            second = client.post(CHECKS)
            problem(second, 409)
            assert second.headers["location"] == f"{CHECKS}/1"
            while client.get(f"{CHECKS}/1").json()["state"] == "queued":
                time.sleep(0.05)
            problem(client.post(CHECKS), 409)
        with running.client("bank:write") as client:
            assert client.post("/api/v1/projects/bank/checks").status_code == 202
        target.close()  # now it is refused, and the check comes to its end
        told = ended(running, f"{CHECKS}/1")
        assert (told["state"], told["report"] is None) == ("done", False)
        with running.client("shop:write") as client:
            assert client.get(told["report"]).json()["outcome"]["exit_code"] == 3
            assert client.post(CHECKS).json()["number"] == 2


@pytest.mark.parametrize("at_once", [1, 2])
def test_checks_of_other_projects_run_beside_one_another(tmp_path: Path, at_once: int) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as target,
        service(
            tmp_path,
            checks={"shop": silent(tmp_path, target.getsockname()[1]), "bank": checked(tmp_path)},
            checks_at_once=at_once,
        ) as running,
        running.client("admin") as client,
    ):
        assert client.post(CHECKS).status_code == 202
        while client.get(f"{CHECKS}/1").json()["state"] == "queued":
            time.sleep(0.05)
        bank = "/api/v1/projects/bank/checks"
        assert client.post(bank).status_code == 202
        if at_once == 1:
            time.sleep(2 * EVERY_S)
            assert client.get(f"{bank}/1").json()["state"] == "queued", "it waits for the other's end"
        else:
            while client.get(f"{bank}/1").json()["state"] != "done":
                time.sleep(0.05)
        assert client.get(f"{CHECKS}/1").json()["state"] == "running"
        target.close()
        while (
            client.get(f"{CHECKS}/1").json()["state"] == "running" or client.get(f"{bank}/1").json()["state"] != "done"
        ):
            time.sleep(0.05)


def test_a_check_that_runs_when_the_service_is_stopped_can_be_started_again(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as target:
        config = {"shop": silent(tmp_path, target.getsockname()[1])}
        with service(tmp_path, checks=config) as running, running.client("shop:write") as client:
            assert client.post(CHECKS).status_code == 202
            while client.get(f"{CHECKS}/1").json()["state"] != "running":
                time.sleep(0.05)
    with closing(Store.open(f"sqlite:///{tmp_path / 'contract.db'}")) as store:
        shop = store.project("shop")
        assert shop is not None
        ended = store.check(shop, 1)
        assert ended is not None
        assert (ended.state, "stopped" in (ended.message or "")) == ("interrupted", True)
        assert store.add_check(shop, "somebody", datetime.now(UTC)).number == 2


def test_a_check_that_cannot_be_made_says_why(tmp_path: Path) -> None:
    config = checked(tmp_path)
    (config.parent / "api.yaml").unlink()
    with service(tmp_path, checks={"shop": config}) as running:
        with running.client("shop:write") as client:
            href = client.post(CHECKS).headers["location"]
        told = ended(running, href)
    assert (told["state"], told["report"]) == ("failed", None)
    assert "api.yaml: no such file" in told["message"]


def of_an_application(folder: Path, source: str) -> Path:
    """A config whose target is an application in a file of its own, told by its name in the module `applied`."""
    home = folder / "applied"
    home.mkdir(exist_ok=True)
    (folder / "applied_here.py").write_text(source)
    (home / "api.yaml").write_text(
        "openapi: 3.1.0\ninfo: {title: Applied, version: '1'}\n"
        "paths:\n  /orders:\n    get:\n      responses:\n        '200': {description: Orders.}\n"
    )
    (home / "contract.toml").write_text(
        'document = "api.yaml"\ntarget = "asgi:applied_here:app"\ntypes = false\n[fuzz]\nenabled = false\n'
        "[walk]\nenabled = true\n"
    )
    return home / "contract.toml"


APPLICATION = """
import os
from fastapi import FastAPI, Response

print("printed by the application")
app = FastAPI()

@app.get("/orders")
def orders():
    {body}
"""


def test_an_application_is_imported_fresh_for_each_check_and_not_by_the_service(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    seen = []
    config = of_an_application(tmp_path, APPLICATION.format(body="return Response(status_code=200)"))
    with service(tmp_path, checks={"shop": config}) as running, running.client("shop:write") as client:
        for status in (200, 418):
            body = f"return Response(status_code={status})"
            of_an_application(tmp_path, APPLICATION.format(body=body))
            told = ended(running, client.post(CHECKS).headers["location"])
            assert told["state"] == "done", told["message"]
            report = client.get(told["report"]).json()
            seen.append([row["where"]["status"] for row in report["findings"] if row["rule"] == "undeclared-status"])
    assert seen == [[], ["418"]]
    assert "applied_here" not in sys.modules
    out, err = capfd.readouterr()
    assert "printed by the application" not in out
    assert "printed by the application" in err


@pytest.mark.parametrize(
    ("body", "state", "said"),
    [
        ("os.kill(os.getpid(), 9)", "interrupted", "its process was ended by SIGKILL before it did"),
        ("os.abort()", "interrupted", "its process was ended by SIGABRT before it did"),
        ("os._exit(7)", "interrupted", "its process ended with 7 before it did"),
    ],
)
def test_a_check_that_takes_its_process_along_takes_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str, state: str, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    config = of_an_application(tmp_path, APPLICATION.format(body=body))
    with service(tmp_path, checks={"shop": config}) as running, running.client("shop:write") as client:
        told = ended(running, client.post(CHECKS).headers["location"])
        assert (told["state"], told["report"]) == (state, None)
        assert said in told["message"]
        assert client.get("/readyz").status_code == 200
        assert client.get("/api/v1/projects/shop/reports").json()["reports"] == []
        assert client.post(CHECKS).json()["number"] == 2


def test_a_check_has_a_limit(tmp_path: Path) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as target,
        service(tmp_path, checks={"shop": silent(tmp_path, target.getsockname()[1])}, max_check_s=1) as running,
        running.client("shop:write") as client,
    ):
        told = ended(running, client.post(CHECKS).headers["location"])
        assert (told["state"], told["report"]) == ("failed", None)
        assert told["message"].startswith("the check took longer than 1 s")
        assert client.post(CHECKS).json()["number"] == 2


def test_a_check_that_is_ended_ends_with_all_that_it_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    body = (
        "import subprocess, sys, time; "
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']); "
        "open('part', 'w').write(str(child.pid)); os.rename('part', 'pid'); time.sleep(600)"
    )
    apart = Apart(of_an_application(tmp_path, APPLICATION.format(body=body)))
    with ThreadPoolExecutor(1) as pool:
        made = pool.submit(apart.report, 600)
        until = time.monotonic() + 60
        while not (tmp_path / "pid").exists():
            assert not made.done() and time.monotonic() < until
            time.sleep(0.05)
        apart.end()
        with pytest.raises(Ended, match="SIGKILL"):
            made.result()
    assert not lives(int((tmp_path / "pid").read_text()))


def lives(pid: int) -> bool:
    """Whether a process runs; one that nobody has waited for yet does not."""
    until = time.monotonic() + 10
    while time.monotonic() < until:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return False
        except FileNotFoundError:
            return False
        time.sleep(0.05)
    return True


def test_a_check_ends_with_the_service_that_is_killed(tmp_path: Path) -> None:
    config = of_an_application(
        tmp_path,
        APPLICATION.format(
            body="import time; open('part', 'w').write(str(os.getpid())); os.rename('part', 'pid'); time.sleep(600)"
        ),
    )
    source = (
        "import sys\nfrom pathlib import Path\nfrom contract.app.apart import Apart\n"
        "if __name__ == '__main__':\n    Apart(Path(sys.argv[1])).report(600)\n"
    )
    (tmp_path / "caller.py").write_text(source)
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, "caller.py", str(config)], cwd=tmp_path, env=environ) as caller:
        until = time.monotonic() + 60
        while not (tmp_path / "pid").exists():
            assert caller.poll() is None and time.monotonic() < until
            time.sleep(0.05)
        caller.send_signal(signal.SIGKILL)
    assert not lives(int((tmp_path / "pid").read_text()))


def test_progress_of_another_process_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as target:
        steps: list[Step] = []
        apart = Apart(silent(tmp_path, target.getsockname()[1]))

        def notify(step: Step) -> None:
            steps.append(step)
            apart.end()  # it waits for a target that says nothing

        with pytest.raises(Ended):
            apart.report(60, notify)
    assert {step.source for step in steps} == {"document"}
    with pytest.raises(Ended, match="before it began"):
        stopped = Apart(tmp_path / "silent" / "contract.toml")
        stopped.end()
        stopped.report(60)


def silent(folder: Path, port: int) -> Path:
    """A config whose target takes connections and says nothing."""
    home = folder / "silent"
    home.mkdir()
    (home / "api.yaml").write_text(
        "openapi: 3.1.0\ninfo: {title: Silent, version: '1'}\n"
        "paths:\n  /orders:\n    get:\n      responses:\n        '200': {description: Orders.}\n"
    )
    (home / "contract.toml").write_text(
        f'document = "api.yaml"\ntarget = "http://127.0.0.1:{port}"\ntimeout = "1s"\ntypes = false\n'
    )
    return home / "contract.toml"


def test_a_check_without_a_sign_of_life_is_interrupted_and_can_be_started_again(tmp_path: Path) -> None:
    config = checked(tmp_path)
    with service(tmp_path) as before:
        shop = before.store.project("shop")
        assert shop is not None
        long_ago = datetime.now(UTC) - timedelta(minutes=5)
        before.store.add_check(shop, "somebody", long_ago)
        assert before.store.claim(long_ago) is not None
        runner = Runner(before.store, {"shop": config})  # as the next start of the service does
        runner.start()
        told = ended(before, f"{CHECKS}/1")
        runner.stop()
        assert (told["state"], told["report"]) == ("interrupted", None)
        assert before.store.add_check(shop, "somebody", datetime.now(UTC)).number == 2


def test_progress_is_told_while_a_check_runs(tmp_path: Path) -> None:
    with service(tmp_path) as running:
        shop = running.store.project("shop")
        assert shop is not None
        running.store.add_check(shop, "somebody", datetime.now(UTC))
        check = running.store.claim(datetime.now(UTC))
        assert check is not None
        beat = _Beat(running.store, check)
        beat.notify(Step("fuzz", 3, 22, exchanges=40, findings=1, phase="coverage"))
        beat.start()
        with running.client("shop:read") as client:
            while (told := client.get(f"{CHECKS}/1").json())["progress"] is None:
                time.sleep(0.05)
        beat.stop()
        wanted = {"source": "fuzz", "phase": "coverage", "done": 3, "whole": 22, "exchanges": 40, "findings": 1}
        assert told["progress"] == wanted
        assert told["heartbeat_at"] >= told["started_at"]


@pytest.mark.parametrize("number", ["0", "2", "x", "-1", "99999999999999999999", "1.5"])
def test_a_check_that_is_not_there_is_404(started: Service, number: str) -> None:
    with started.client("shop:read") as client:
        problem(client.get(f"{CHECKS}/{number}"), 404)


def test_the_configuration_names_checks_from_its_own_folder(tmp_path: Path) -> None:
    config = checked(tmp_path)
    (tmp_path / "service.toml").write_text(
        '[service]\nport = 0\nrate = 10\ndatabase = "sqlite:///own.db"\n'
        '[service.projects.shop]\nconfig = "checked/contract.toml"\n'
    )
    flags = {"config": str(tmp_path / "service.toml"), "host": "127.0.0.2"}
    assert load(flags, {"CONTRACT_DATABASE": "sqlite:///said.db"}, tmp_path) == ServiceConfig(
        database="sqlite:///said.db", host="127.0.0.2", port=0, rate=10, checks={"shop": config.resolve()}
    )


def test_what_the_schema_says_of_the_settings_is_what_is_read(tmp_path: Path) -> None:
    shapes = SERVICE_SCHEMA["properties"]
    config = ServiceConfig()
    assert set(shapes) == {each.name for each in fields(config)} - {"checks"} | {"projects"}
    for name, shape in shapes.items():
        said = re.search(r"\(default: (.+)\)", shape["description"])
        if name != "projects":
            assert said is not None and str(getattr(config, name)).lower() == said[1], name
        for bound in ("minimum", "maximum") if shape["type"] == "integer" else ():
            for value, taken in ((shape[bound], True), (shape[bound] + (1 if bound == "maximum" else -1), False)):
                (tmp_path / "service.toml").write_text(f"[service]\n{name} = {value}\n")
                if taken:
                    assert getattr(load({"config": "service.toml"}, {}, tmp_path), name) == value
                    continue
                with pytest.raises(ConfigError, match=f"`{name}` in .service. must be a number from"):
                    load({"config": "service.toml"}, {}, tmp_path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[service]\nprot = 1\n", "service.toml:2: unknown key `prot` in [service]. Did you mean `port`?"),
        ("[service]\nport = 70000\n", "service.toml:2: `port` in [service] must be a number from 0 to 65535"),
        ("service = 1\n", "service.toml:1: `service` must be a table: [service]"),
        ('[service.projects.shop]\nconfig = "no.toml"\n', "service.toml:1: no.toml: no such file"),
        ('[service.projects.shop]\ntarget = "http://a"\n', "service.toml:1: [service.projects.shop] takes one key"),
    ],
)
def test_a_configuration_that_is_wrong_names_its_line(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "service.toml").write_text(text)
    with pytest.raises(ConfigError) as raised:
        load({"config": "service.toml"}, {}, tmp_path)
    assert raised.value.message == said
