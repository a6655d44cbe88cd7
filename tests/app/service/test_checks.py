"""Checks that the service runs itself: queued, followed, one at a time, failed, lost."""

from __future__ import annotations

import socket
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from contract.app.service.config import ServiceConfig, load
from contract.app.service.runner import Runner
from contract.core.errors import ConfigError
from contract.stores.store import Store

from .serving import Service, service
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
        assert (ended.state, "stopped" in (ended.message or "")) == ("failed", True)
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
        from contract.app.service.runner import _Beat
        from contract.app.steps import Step

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
