"""The pages in a real browser: signed in by a form, decided by forms, read without a script, on a phone, in the dark."""

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
from .lives import DRIFT, live
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
    "--host-resolver-rules=MAP contract.test 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--remote-debugging-port=0",
)


class Tab:
    """One tab of Chromium, spoken to by its DevTools protocol."""

    def __init__(self, wire: ClientConnection) -> None:
        self._wire = wire
        self._numbers = count(1)
        self.said: list[Any] = []
        """What the console was told since `listen`: refusals of the policy, errors, failed requests."""

    def listen(self) -> None:
        for domain in ("Log", "Runtime", "Page"):
            self.send(f"{domain}.enable")

    def send(self, method: str, **parameters: Any) -> Any:
        number = next(self._numbers)
        self._wire.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            answer = json.loads(self._wire.recv(timeout=60))
            if answer.get("id") == number:
                assert "error" not in answer, answer
                return answer["result"]
            if answer.get("method") in ("Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled"):
                self.said.append(answer["params"])

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


def sign_in(there: Tab, running: Service, token: str, path: str = PAGE) -> None:
    there.go(running.origin + path)
    assert there.evaluate("document.title") == "Sign in · contract"
    there.evaluate(f"document.querySelector('#token').value = {json.dumps(running.tokens[token])}")
    there.evaluate("document.querySelector('form').requestSubmit()")
    there.wait("document.querySelector('#token') === null && document.querySelector('h1') !== null")
    assert there.evaluate("location.pathname + location.search") == path


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
        there.wait("document.body.textContent.includes('No project of that name that this token may see.')")


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


PAGES = {
    "projects": "/api/v1/projects",
    "drift": DRIFT + "?environment=ci",
    "filtered": DRIFT + "?environment=ci&level=note&limit=3",
    "nothing left": DRIFT + "?environment=ci&level=note&state=stale",
    "regressed": "",
    "accepted": "",
    "no report": "/api/v1/projects/bank/drift",
    "not found": "/api/v1/projects/nobody/drift",
    "malformed": DRIFT + "?level=fatal",
    "sign in": "/sign-in",
}
PHONE = {"width": 390, "height": 800, "deviceScaleFactor": 2, "mobile": True}
DESK = {"width": 1280, "height": 900, "deviceScaleFactor": 1, "mobile": False}

LOOKED_AT = """(() => {
  const lum = ([r, g, b]) => [r, g, b].map(v => (v /= 255) <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
  const rgb = text => (text.match(/[\\d.]+/g) || []).map(Number);
  const ground = node => { for (; node; node = node.parentElement) {
    const own = rgb(getComputedStyle(node).backgroundColor); if (own.length === 3 || own[3] === 1) return own; } return [255, 255, 255]; };
  const seen = node => node.checkVisibility({ visibilityProperty: true }) && node.getBoundingClientRect().width > 1;
  const faint = [], small = [];
  for (const node of document.querySelectorAll("body *")) {
    if (node.closest("svg, script, style, .vh, .skip, option") || !seen(node)) continue;
    if (![...node.childNodes].some(child => child.nodeType === 3 && child.data.trim())) continue;
    const style = getComputedStyle(node), [a, b] = [lum(rgb(style.color)), lum(ground(node))].sort((x, y) => y - x);
    if ((a + .05) / (b + .05) < 4.5) faint.push([node.outerHTML.slice(0, 120), style.color, ground(node)]);
    if (parseFloat(style.fontSize) < 12) small.push(node.outerHTML.slice(0, 120));
  }
  const levels = [...document.querySelectorAll("h1, h2, h3, h4")].filter(h => !h.closest("details:not([open])")).map(h => +h.tagName[1]);
  return {
    faint, small,
    wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    ones: levels.filter(level => level === 1).length,
    jumps: levels.filter((level, i) => i && level > levels[i - 1] + 1),
    nameless: [...document.querySelectorAll("input:not([type=hidden], [hidden]), select, textarea")].filter(f => !f.labels.length).map(f => f.outerHTML),
    links: [...document.querySelectorAll("a, button")].filter(e => !e.textContent.trim() && !e.ariaLabel).map(e => e.outerHTML),
    ids: (ids => ids.filter((id, i) => ids.indexOf(id) !== i))([...document.querySelectorAll("[id]")].map(e => e.id)),
    lang: document.documentElement.lang, main: document.querySelectorAll("main").length,
  };
})()"""


@pytest.mark.slow
def test_every_page_is_legible_wide_and_narrow_light_and_dark_and_breaks_no_policy(tmp_path: Path) -> None:
    with service(tmp_path) as running, tab(tmp_path) as there:
        told = live(running)
        sign_in(there, running, "admin", "/api/v1/projects")
        there.listen()
        for name, path in PAGES.items():
            path = path or told[name]["href"]
            for scheme, screen in (("light", DESK), ("dark", DESK), ("light", PHONE), ("dark", PHONE)):
                there.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
                there.send("Emulation.setDeviceMetricsOverride", **screen)
                open_at(there, running, path)
                # Everything unfolded, since what is folded must be legible too.
                there.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true; })")
                found = there.evaluate(LOOKED_AT)
                assert found == CLEAN, (name, scheme, screen["width"], found)
        # A page of an error is an answer with a status of an error, which Chromium notes; it notes nothing else.
        notes = [
            entry for entry in there.said if "Failed to load resource" not in entry.get("entry", {}).get("text", "")
        ]
        assert notes == []


CLEAN = {
    **{key: [] for key in ("faint", "small", "jumps", "nameless", "links", "ids")},
    **{"wide": 0, "ones": 1, "lang": "en", "main": 1},
}


def open_at(there: Tab, running: Service, path: str) -> None:
    """Opens a page, also where the one before is the same."""
    there.send("Page.navigate", url="about:blank")
    there.wait("location.href === 'about:blank'")
    there.send("Page.navigate", url=running.origin + path)
    there.wait(
        f"location.pathname + location.search === {json.dumps(path)} && document.readyState === 'complete'"
        " && document.querySelector('h1') !== null"
    )


@pytest.mark.slow
def test_a_person_filters_and_decides_without_a_script(tmp_path: Path) -> None:
    with service(tmp_path) as running, tab(tmp_path) as there:
        told = live(running)
        sign_in(there, running, "shop:write")
        there.send("Emulation.setScriptExecutionDisabled", value=True)
        open_at(there, running, DRIFT + "?environment=ci")
        # A form by the keyboard and the mouse alone: choose, and press the button.
        there.evaluate("document.querySelector('.filters [name=state]').value = 'stale'")
        there.evaluate("document.querySelector('.filters button').click()")
        there.wait(f"location.pathname + location.search === {json.dumps(DRIFT + '?environment=ci&state=stale')}")
        there.wait("document.readyState === 'complete'")
        assert there.evaluate("[...document.querySelectorAll('.finding .rule')].map(e => e.textContent)") == [
            "no-answer"
        ]
        there.evaluate("document.querySelector('.states a').click()")
        there.wait("location.search === '?environment=ci' && document.readyState === 'complete'")
        there.evaluate(f"document.querySelector('.kept a[href={json.dumps(told['new']['href'])}]').click()")
        there.wait("document.querySelector('#act') !== null && document.readyState === 'complete'")
        there.evaluate("document.querySelector('#exempt-reason').value = 'mended in 2.5'")
        there.evaluate("document.querySelector('#exempt-until').value = '2020-01-01'")
        there.evaluate("document.querySelector('#exempt-until').form.submit()")  # past the field's own check
        there.wait("document.querySelector('#exempt-until-wrong') !== null && document.readyState === 'complete'")
        assert there.evaluate("document.querySelector('#exempt-reason').value") == "mended in 2.5"
        assert there.evaluate("document.activeElement.id") == "exempt-until"
        until = (datetime.now(UTC) + timedelta(days=3)).date().isoformat()
        there.evaluate(f"document.querySelector('#exempt-until').value = {json.dumps(until)}")
        there.evaluate("document.querySelector('#exempt-until').form.requestSubmit()")
        there.wait("document.querySelector('.side .standing, .tags .st.exempt') !== null")
        assert there.evaluate("location.pathname + location.search") == told["new"]["href"]
        assert "“mended in 2.5”" in there.evaluate("document.querySelector('.timeline').textContent")
        with running.client("shop:read") as client:
            decision = client.get(told["new"]["href"]).json()["decision"]
        assert (decision["kind"], decision["until"], decision["by"]) == ("exempt", until, "shop write")


@pytest.mark.slow
def test_forms_work_where_a_browser_trusts_the_address_less(tmp_path: Path) -> None:
    """Over plain HTTP to a name browsers send no `Sec-Fetch-Site`, so that `Origin` alone speaks for a form."""
    with service(tmp_path) as running, tab(tmp_path) as there:
        told = live(running)
        running.origin = running.origin.replace("127.0.0.1", "contract.test")
        sign_in(there, running, "shop:write", told["stale"]["href"])
        there.evaluate("document.querySelector('#accept-reason').value = 'known'")
        there.evaluate("document.querySelector('#accept-reason').form.requestSubmit()")
        there.wait("document.querySelector('.tags .st.accepted') !== null && document.readyState === 'complete'")
        there.evaluate("document.querySelector('form[action=\"/sign-out\"]').requestSubmit()")
        there.wait("document.querySelector('#token') !== null")
        assert there.send("Network.getCookies")["cookies"] == []


@pytest.mark.slow
def test_the_keyboard_reaches_everything_in_order_and_shows_where_it_is(tmp_path: Path) -> None:
    with service(tmp_path) as running, tab(tmp_path) as there:
        told = live(running)
        sign_in(there, running, "shop:write")
        open_at(there, running, told["regressed"]["href"])
        reached = walk(there, 40)
        assert reached[:5] == ["Skip to the content", "Projects", "shop", "Projects", "Sign out"]
        assert reached.index("Accept for good") < reached.index("Exempt, with an end date") < reached.index("JSON")
        open_at(there, running, DRIFT + "?environment=ci&state=new")
        reached = walk(there, 60)
        for before, after in (
            ("Skip to the content", "environment"),
            ("environment", "Filter"),
            ("Filter", "no-answer"),
        ):
            assert reached.index(before) < reached.index(after)


def walk(there: Tab, steps: int) -> list[str]:
    """What Tab comes to, each by its text or name, in order; each visible, and with a ring around it."""
    reached: list[str] = []
    for _ in range(steps):
        for kind in ("keyDown", "keyUp"):
            there.send("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9)
        name, ring, wide, at_end = there.evaluate(
            "(() => { const e = document.activeElement, s = getComputedStyle(e), r = e.getBoundingClientRect();"
            " const name = e.name || (e.querySelector('.rule') || e).textContent.trim();"
            " return [name, s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2, r.width, e === document.body]; })()"
        )
        if at_end:
            break
        assert ring and wide > 0, name
        reached.append(name)
    return reached


@pytest.mark.slow
def test_forced_colours_and_print_keep_what_matters(tmp_path: Path) -> None:
    with service(tmp_path) as running, tab(tmp_path) as there:
        live(running)
        sign_in(there, running, "shop:write")
        there.send("Emulation.setEmulatedMedia", features=[{"name": "forced-colors", "value": "active"}])
        open_at(there, running, DRIFT + "?environment=ci")
        edges = "[...document.querySelectorAll('.lv, .seal, .states a')].map(e => getComputedStyle(e).borderTopStyle)"
        assert set(there.evaluate(edges)) == {"solid"}
        chosen = "getComputedStyle(document.querySelector('.states a[aria-current]')).borderTopWidth"
        assert there.evaluate(chosen) == "2px"
        there.send("Emulation.setEmulatedMedia", media="print", features=[])
        gone = "['.top nav', '.filters', '.states', '.kept .button'].map(s => getComputedStyle(document.querySelector(s)).display)"
        assert there.evaluate(gone) == ["none"] * 4
        hidden = "[...document.querySelectorAll('.finding .timeline')].filter(e => !e.checkVisibility()).length"
        assert there.evaluate(hidden) == 0
