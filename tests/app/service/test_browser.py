"""The way in and the drift report, in a real browser: signed in by a form, read without a script, on a phone, in the dark."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect

from ... import needs
from .serving import Service, report, service

PAGE = "/api/v1/projects/shop/drift"
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--remote-debugging-port=0",
)


class Tab:
    """One tab of Chromium, spoken to by its DevTools protocol."""

    def __init__(self, wire: ClientConnection) -> None:
        self._wire = wire
        self._numbers = count(1)

    def send(self, method: str, **parameters: Any) -> Any:
        number = next(self._numbers)
        self._wire.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            answer = json.loads(self._wire.recv(timeout=60))
            if answer.get("id") == number:
                assert "error" not in answer, answer
                return answer["result"]

    def evaluate(self, expression: str) -> Any:
        return self.send("Runtime.evaluate", expression=expression, returnByValue=True)["result"].get("value")

    def go(self, url: str) -> None:
        self.send("Page.navigate", url=url)
        self.wait(f"document.readyState === 'complete' && location.href.startsWith({json.dumps(url)})")

    def wait(self, condition: str) -> None:
        limit = time.monotonic() + 30
        while not self.evaluate(condition):
            assert time.monotonic() < limit, (
                condition,
                self.evaluate("document.documentElement.outerHTML.slice(0, 2000)"),
            )
            time.sleep(0.05)


@contextmanager
def tab(folder: Path) -> Iterator[Tab]:
    program = needs.program("chromium", "apt-get install chromium")
    profile = folder / "profile"
    process = subprocess.Popen(
        [program, *FLAGS, f"--user-data-dir={profile}", "about:blank"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        said, limit = profile / "DevToolsActivePort", time.monotonic() + 60
        while not (said.is_file() and said.read_text().count("\n")):
            assert time.monotonic() < limit and process.poll() is None, "Chromium did not start"
            time.sleep(0.05)
        port = said.read_text().splitlines()[0]
        import urllib.request

        with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list") as answer:
            page = next(entry for entry in json.load(answer) if entry["type"] == "page")
        with connect(page["webSocketDebuggerUrl"], max_size=None) as wire:
            yield Tab(wire)
    finally:
        process.terminate()
        process.wait()


def sign_in(there: Tab, running: Service, token: str) -> None:
    there.go(running.origin + PAGE)
    assert there.evaluate("document.title") == "Sign in · contract"
    there.evaluate(f"document.querySelector('#token').value = {json.dumps(running.tokens[token])}")
    there.evaluate("document.querySelector('form').requestSubmit()")
    there.wait("document.querySelector('#token') === null && document.querySelector('h1') !== null")
    assert there.evaluate("location.pathname") == PAGE


@pytest.mark.slow
def test_a_person_signs_in_and_reads_the_drift_report(tmp_path: Path) -> None:
    with service(tmp_path) as running, tab(tmp_path) as there:
        for days in (2, 1):
            at = datetime.now(UTC) - timedelta(days=days)
            sent = running.push("shop", report(f"run-{days}", at.isoformat(timespec="seconds").replace("+00:00", "Z")))
            assert sent.status_code == 201, sent.text
        sign_in(there, running, "shop:read")
        assert there.evaluate("document.querySelector('h1').textContent").startswith("Failed: ")
        assert "ongoing" in there.evaluate("document.querySelector('h1').textContent")
        (cookie,) = there.send("Network.getCookies")["cookies"]
        assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
        assert there.evaluate("document.cookie") == ""
        # Nobody else's page, whoever is signed in here.
        there.send("Page.navigate", url=f"{running.origin}/api/v1/projects/bank/drift")
        there.wait("document.body.textContent.includes('no project of that name')")


@pytest.mark.slow
def test_a_wrong_token_gets_the_form_once_more_with_a_word(tmp_path: Path) -> None:
    with service(tmp_path) as running, tab(tmp_path) as there:
        there.go(f"{running.origin}/sign-in")
        there.evaluate("document.querySelector('#token').value = 'ctr_0123456789abcdef_none'")
        there.evaluate("document.querySelector('form').requestSubmit()")
        there.wait("document.querySelector('[role=alert]') !== null")
        assert there.send("Network.getCookies")["cookies"] == []


@pytest.mark.slow
def test_the_page_works_without_a_script_on_a_phone_and_in_the_dark(tmp_path: Path) -> None:
    with service(tmp_path) as running, tab(tmp_path) as there:
        running.push("shop", report("one"))
        sign_in(there, running, "shop:read")
        light = there.evaluate("getComputedStyle(document.body).backgroundColor")
        there.send("Emulation.setScriptExecutionDisabled", value=True)
        there.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
        there.send("Emulation.setDeviceMetricsOverride", width=390, height=800, deviceScaleFactor=2, mobile=True)
        there.send("Page.navigate", url=running.origin + PAGE + "?limit=5")
        there.wait("location.search === '?limit=5' && document.readyState === 'complete'")
        assert there.evaluate("getComputedStyle(document.body).backgroundColor") != light
        assert there.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
        first = there.evaluate("document.querySelectorAll('a[rel=next]').length")
        assert first == 1
        where = there.evaluate("document.querySelector('a[rel=next]').href")
        there.send("Page.navigate", url=where)
        there.wait(f"location.href === {json.dumps(where)} && document.readyState === 'complete'")
        assert there.evaluate("document.querySelectorAll('a[rel=first]').length") == 1
