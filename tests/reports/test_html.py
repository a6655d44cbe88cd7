"""The page: readable without script, deaf to hostile text, and small enough to open at once."""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import re
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from contract.core.report import OperationExercise, OperationRow, Report, Seen
from contract.reports import html
from contract.reports._part import part
from tests import needs
from tests.reports.samples import SAMPLES, many

WIDTHS = (360, 390, 600, 768, 900, 1024, 1280, 1600)


class Page(HTMLParser):
    """All elements and attributes, and whether everything that was opened is closed."""

    VOID = frozenset({"meta", "br", "col", "input"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.stack: list[str] = []
        self.wrong: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        opened = self.stack.pop() if self.stack else None
        if opened != tag:
            self.wrong.append(f"{opened} closed by {tag} at {self.getpos()}")


@pytest.mark.parametrize("sample", SAMPLES)
def test_hostile_text_opens_no_element_and_no_attribute(sample: str) -> None:
    page = Page(html.render(SAMPLES[sample]))
    assert (page.wrong, page.stack) == ([], [])
    tags = Counter(tag for tag, _ in page.elements)
    assert (tags["script"], tags["style"], tags["img"], tags["iframe"], tags["base"], tags["link"]) == (
        1,
        1,
        0,
        0,
        0,
        0,
    )
    names = {name for _, attributes in page.elements for name in attributes}
    assert [name for name in names if name.startswith("on") or name in ("style", "src", "srcset", "srcdoc")] == []
    addresses = {a.get("href") or a.get("action") or "" for _, a in page.elements if "href" in a or "action" in a}
    assert [address for address in addresses if not address.startswith(("#", "?"))] == []


@pytest.mark.parametrize("sample", SAMPLES)
def test_each_link_leads_to_an_element_and_no_two_share_an_address(sample: str) -> None:
    page = Page(html.render(SAMPLES[sample]))
    names = Counter(attributes["id"] for _, attributes in page.elements if "id" in attributes)
    assert [name for name, times in names.items() if times > 1] == []
    targets = {a["href"] or "" for _, a in page.elements if "href" in a}
    assert [target for target in targets if target.startswith("#") and target[1:] not in names] == []


def test_the_policy_names_the_one_style_and_the_one_script() -> None:
    text = html.render(SAMPLES["hostile"])
    (style,), (script,) = (
        re.findall("<style>(.*?)</style>", text, re.S),
        re.findall("<script>(.*?)</script>", text, re.S),
    )

    def digest(value: str) -> str:
        return "sha256-" + base64.b64encode(hashlib.sha256(value.encode()).digest()).decode()

    policy = f"default-src 'none'; base-uri 'none'; style-src '{digest(style)}'; script-src '{digest(script)}'"
    assert policy in text.replace("&#39;", "'").replace("&#43;", "+")


def test_the_script_has_at_most_thirty_lines_and_no_character_acts_unseen() -> None:
    assert len((Path(html.__file__).parent / "html" / "report.js").read_text("utf-8").splitlines()) <= 30
    page = html.render(SAMPLES["hostile"])
    assert [char for char in page if char not in "\n\ue000" and not char.isprintable()] == []


@pytest.mark.parametrize(
    ("sample", "seal"),
    [
        ("clean", "pass"),
        ("drift", "fail"),
        ("undecided", "none"),
        ("no-evidence", "none"),
        ("failed-source", "broken"),
        ("failed-source-beside-findings", "fail"),
    ],
)
def test_the_seal_says_the_verdict(sample: str, seal: str) -> None:
    assert re.findall(r'class="seal (\w+)"', html.render(SAMPLES[sample])) == [seal]


def test_a_bug_of_ours_and_a_usage_error_are_no_verdict_of_the_api() -> None:
    for code in (2, 4):
        report = replace(SAMPLES["clean"], outcome=replace(SAMPLES["clean"].outcome, exit_code=code))
        assert 'class="seal broken"' in html.render(report)


def test_the_map_counts_the_four_states_of_the_design() -> None:
    text = html.render(SAMPLES["drift"])
    legend = re.search(r'<ul class="legend">(.*?)</ul>', text, re.S)
    assert legend is not None
    assert re.findall(r"<b>(\d+)</b> ([^<]+)</span>", legend[1]) == [
        ("45", "exercised and held"),
        ("2", "drifting"),
        ("5", "declared, not exercised"),
        ("4", "undeclared"),
        ("1", "of these accepted"),
    ]


def _many_operations(count: int, statuses: int = 3) -> Report:
    base = SAMPLES["drift"]
    rows = tuple(
        OperationRow(
            f"GET /v1/r{number}",
            "GET",
            f"/v1/r{number}",
            True,
            None,
            0,
            OperationExercise(),
            (),
            f"tag{number % 4}",
            None,
            (
                *(Seen(str(200 + n), True, n) for n in range(statuses)),
                Seen(str(400 + number), True, 7),
                Seen("odd", False, 1),
            ),
        )
        for number in range(count)
    )
    return replace(base, operations=rows, findings=())


def test_more_than_sixty_operations_are_folded_by_tag() -> None:
    assert html.render(_many_operations(60)).count('<details class="fold"') == 0
    text = html.render(_many_operations(61))
    assert re.findall(r'<details class="fold"( open)?><summary><b>(\w+)</b> <span class="soft">([^<]+)', text) == [
        ("", f"tag{n}", f"{held} held, 0 drifting, {gap} not exercised, {und} undeclared")
        for n, held, gap, und in ((0, 48, 16, 16), (1, 45, 15, 15), (2, 45, 15, 15), (3, 45, 15, 15))
    ]
    assert text.count('class="map"') == 4


def test_statuses_of_one_operation_go_into_a_last_column_when_there_are_too_many() -> None:
    text = html.render(_many_operations(20))
    heads = re.search(r"<thead>(.*?)</thead>", text, re.S)
    assert heads is not None
    assert re.findall(r">(\d\d\d|other)<", heads[1]) == ["other", "200", "201", "202"]
    assert '<span class="chip held" title="400: held, 7 exchanges">400 7<' in text
    assert "odd 1<" in text


def test_filters_offer_what_is_there_with_its_count() -> None:
    text = html.render(SAMPLES["drift"])
    level = re.search(r'<select name="level">(.*?)</select>', text)
    assert level is not None
    assert re.findall(r">([^<]+)</option>", level[1]) == ["all", "error (3)", "warning (2)", "note (4)"]


def test_a_folded_finding_is_found_under_each_of_its_operations() -> None:
    text = html.render(SAMPLES["drift"])
    folded = re.search(r'id="f-4be2790"[^>]*data-operation="([^"]*)"', text)
    assert folded is not None
    assert folded[1].split("\n")[:2] == ["14 operations", "GET /api/v1/app/projects"]
    assert len(folded[1].split("\n")) == 15


def test_the_first_two_findings_are_open_and_the_first_two_hundred_have_a_body() -> None:
    text = html.render(many(400, operations=20))
    assert len(re.findall(r'<details class="finding"[^>]* open>', text)) == 2
    assert (text.count('class="declared"'), text.count('class="brief"><b>declared')) == (200, 200)


def test_five_hundred_findings_take_less_than_a_megabyte() -> None:
    for operations in (15, 300):
        assert len(html.render(many(500, operations)).encode()) < 1_000_000


def test_five_thousand_findings_are_rendered_in_two_seconds() -> None:
    report = many(5000)
    html.render(SAMPLES["clean"])  # the templates are compiled once
    start = time.perf_counter()
    text = html.render(report)
    # The aim is 2 s; a machine that does other things at the same time is given five times that.
    assert time.perf_counter() - start < 10
    assert text.count('<details class="finding"') == 5000


@pytest.mark.parametrize(
    ("body", "pointer", "shown"),
    [
        ('{"a":1,"b":null}', "/b", '{\n  "a": 1,\n  "b": <null>\n}'),
        ('{"a":1}', "/b", '{\n  "a": 1,\n  <(no "b")>\n}'),
        ("{}", "/b", '{\n  <(no "b")>\n}'),
        ('{"b":{}}', "/b", '{\n  "b": <{}>\n}'),
        ('[{"a":1},{"b":2},{"c":[1,2]}]', "/*/b", '[\n  … 1 before\n  {\n    "b": <2>\n  },\n  … 1 more\n]'),
        ('{"a":{"x":[1]},"~/":[0,1]}', "/~0~1/1", '{\n  "a": {…},\n  "~/": [\n    … 1 before\n    <1>\n  ]\n}'),
        ("7", "", "<7>"),
        ("[1]", "/3/x", None),
        ("no json", "/a", None),
        ('{"a":1}', "header:x", None),
        ('{"a":1}', None, None),
        (None, "/a", None),
        ("[" * 3000 + "]" * 3000, "/0", None),
    ],
)
def test_a_body_is_cut_to_the_path_around_what_differs(
    body: str | None, pointer: str | None, shown: str | None
) -> None:
    made = part(body, pointer)
    text = None if made is None else "".join(f"<{text}>" if kind == "mark" else text for kind, text in made)
    assert text == shown


def test_a_large_body_is_cut_to_two_thousand_characters() -> None:
    body = json.dumps({f"k{n}": {"long" * 30: "v" * 500} for n in range(50)} | {"bad": ["x" * 5000]})
    made = part(body, "/bad/*")
    assert made is not None
    assert sum(len(text) for _, text in made) <= 2000
    assert [text[:3] for kind, text in made if kind == "mark"] == ['"xx']
    deep = "[" * 900 + "1" + "]" * 900
    assert part(deep, "/0" * 900) == (("mark", "1"),)


# ---------- in a real browser ----------

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1700,900",
    "--virtual-time-budget=20000",
]


class Recorder(SimpleHTTPRequestHandler):
    """Serves a folder and keeps every host and path that it was asked for."""

    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(f"{self.headers.get('Host', '')}{self.path}")
        super().do_GET()

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


class Browser:
    """Headless Chromium for which every name leads to our own server, so that no request stays unseen."""

    def __init__(self, program: str, folder: Path) -> None:
        self.program, self.folder = program, folder
        handler = type("Handler", (Recorder,), {"asked": []})
        self.asked: list[str] = handler.asked  # type: ignore[attr-defined]
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(handler, directory=str(folder)))
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.host = f"127.0.0.1:{self.server.server_address[1]}"

    def dom(self, page: str) -> str:
        """The page after its script has run."""
        command = [self.program, *FLAGS, f"--user-data-dir={self.folder / 'profile'}"]
        command += [f"--host-resolver-rules=MAP * {self.host}", "--dump-dom", f"http://{self.host}/{page}"]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout

    def requests(self) -> set[str]:
        """What was asked for, without what a browser asks for by itself."""
        return {one for one in self.asked if not one.endswith("/favicon.ico") and ".google" not in one}


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    made = Browser(needs.program("chromium", "apt-get install chromium"), tmp_path)
    yield made
    made.server.shutdown()
    made.server.server_close()


MEASURE = """<!doctype html><pre id="out"></pre><script>
(async () => {
  const out = {};
  for (const width of WIDTHS) {
    const frame = Object.assign(document.createElement("iframe"), { width, height: 800, src: "page.html" });
    await new Promise(done => { frame.onload = done; document.body.append(frame); });
    const page = frame.contentDocument;
    for (const one of page.querySelectorAll("details")) one.open = true;
    out[width] = Math.max(0, page.documentElement.scrollWidth - page.documentElement.clientWidth);
    frame.remove();
  }
  document.getElementById("out").textContent = JSON.stringify(out);
})();
</script>"""


@pytest.mark.parametrize("sample", ["drift", "hostile"])
def test_the_page_never_scrolls_sideways(browser: Browser, tmp_path: Path, sample: str) -> None:
    (tmp_path / "page.html").write_text(html.render(SAMPLES[sample]), "utf-8")
    (tmp_path / "measure.html").write_text(MEASURE.replace("WIDTHS", str(list(WIDTHS))), "utf-8")
    found = re.search(r'<pre id="out">(.*?)</pre>', browser.dom("measure.html"))
    assert found is not None
    assert json.loads(found[1]) == {str(width): 0 for width in WIDTHS}


def test_hostile_text_runs_no_script_and_makes_no_request(browser: Browser, tmp_path: Path) -> None:
    report = SAMPLES["hostile"]
    (tmp_path / "page.html").write_text(html.render(report), "utf-8")
    dom = browser.dom("page.html")
    title = re.search("<title>(.*?)</title>", dom, re.S)
    assert title is not None and title[1].startswith("Failed: &lt;script&gt;document.title='owned'")
    assert browser.requests() == {f"{browser.host}/page.html"}
    assert '<button type="button">Copy</button>' in dom  # our own script did run


def _shown(dom: str) -> list[str]:
    return [
        attributes["id"] or ""
        for tag, attributes in Page(dom).elements
        if tag == "details" and attributes.get("class") == "finding" and "hidden" not in attributes
    ]


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("level=error,warning&state=new", ["f-7c1f9a2", "f-2f80c4e", "f-b41e07d"]),
        ("rule=missing-header", ["f-4be2790"]),
        ("operation=GET /api/v1/app/tasks/{id}", ["f-7c1f9a2", "f-4be2790"]),
        ("q=INTERNAL_SCORE", ["f-b41e07d"]),
        ("level=&utm=x", 9),
    ],
)
def test_filters_work_by_url(browser: Browser, tmp_path: Path, query: str, shown: list[str] | int) -> None:
    (tmp_path / "page.html").write_text(html.render(SAMPLES["drift"]), "utf-8")
    found = _shown(browser.dom("page.html?" + query.replace(" ", "%20")))
    assert (len(found) if isinstance(shown, int) else found) == shown


def test_an_address_opens_its_finding_and_that_of_a_member(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(html.render(SAMPLES["drift"]), "utf-8")
    assert re.search(r'id="f-b41e07d"[^>]* open=""', browser.dom("page.html#f-b41e07d"))
    dom = browser.dom("page.html#f-4be0003")
    assert re.search(r'id="f-4be2790"[^>]* open=""', dom) and re.search(r'<details class="fold" open="">', dom)
