"""Pages for people, over HTTP: what they tell is what the JSON tells, and forms decide what JSON decides."""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from contract.app.service.access import COOKIE, session

from ...reports.test_html import Page
from .lives import BROWSER, DRIFT, REASON, at, extra, live
from .serving import Service, report, service
from .test_access import problem

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'"


Told = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with service(tmp_path_factory.mktemp("pages")) as made:
        yield made


@pytest.fixture(scope="module", autouse=True)
def told(running: Service) -> Told:
    """One finding of each state, and one of each decision."""
    return live(running)


def get(running: Service, path: str, token: str = "shop:read", **headers: str) -> httpx2.Response:
    with running.client(token) as client:
        return client.get(path, headers=BROWSER | headers)


def page(running: Service, path: str, status: int = 200, token: str = "shop:read") -> str:
    answer = get(running, path, token)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "text/html; charset=utf-8")
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert "form-action 'self'" in answer.headers["content-security-policy"]
    read = Page(answer.text)
    assert (read.wrong, read.stack) == ([], [])
    return answer.text


def shown(text: str) -> list[str]:
    """The findings of a page, by their short names."""
    return re.findall(r'<details class="finding" id="f-([0-9a-f]+)"', text)


# --- the drift report -------------------------------------------------------------------------------------------------


def test_the_page_tells_states_and_history(running: Service) -> None:
    text = page(running, DRIFT + "?environment=ci")
    rows = {row["fingerprint"]: row for row in get_json(running, DRIFT + "?environment=ci")["findings"]}
    assert len(rows) > 20
    pieces = re.split(r'<details class="finding" ', text)[1:]
    assert len(pieces) == len(rows)
    for piece in pieces:
        short = re.match(r'id="f-([0-9a-f]+)"', piece)
        assert short is not None
        (row,) = (row for name, row in rows.items() if name.startswith(short[1]))
        assert f'<span class="st {row["state"]}">' in piece
        assert html.escape(row["href"]) in piece
        assert re.findall(r"<li>\s*<time", piece) == ["<li><time"] * len(row["history"])
        if row["decision"]:
            assert f'<span class="st {row["decision"]["kind"]}">' in piece
            assert f"“{row['decision']['reason']}”" in piece
            assert "by shop write" in piece
        assert "first seen" in piece and "last seen" in piece
    whats = {row["state"]: [event["what"] for event in row["history"]] for row in rows.values()}
    assert whats["resolved"][:1] == ["resolved"]
    assert "regressed" in whats["resolved"]


def get_json(running: Service, path: str) -> Any:
    with running.client("shop:read") as client:
        return client.get(path).json()


def test_decided_findings_do_not_count_as_open(running: Service) -> None:
    rows = get_json(running, DRIFT + "?environment=ci&limit=200")["findings"]
    open_ = [r for r in rows if r["state"] != "resolved" and not r["decision"] and r["level"] != "note"]
    title = re.search(r"<h1>(.*?)</h1>", page(running, DRIFT + "?environment=ci"))
    assert title is not None
    assert f" {len(open_)} findings are open (" in title[1]
    assert "; 1 exempt; " in title[1]  # the accepted one is a note


@pytest.mark.parametrize("state", ["new", "ongoing", "resolved", "regressed", "stale"])
def test_each_state_is_a_link_and_a_choice(running: Service, state: str) -> None:
    query = f"?environment=ci&state={state}"
    text = page(running, DRIFT + query)
    rows = get_json(running, DRIFT + query)["findings"]
    assert sorted(shown(text)) == sorted(row["fingerprint"][: len(shown(text)[0])] for row in rows)
    assert f'<option value="{state}" selected>{state} ({len(rows)})' in text
    assert f'href="{html.escape(query)}#findings" aria-current="true"' in text
    assert f"Only state <code>{state}</code>" in text


def test_filters_add_up_and_choices_say_how_many_they_leave(running: Service) -> None:
    text = page(running, DRIFT + "?environment=ci")
    for name in ("rule", "level", "operation", "release"):
        select = re.search(rf'<select name="{name}">(.*?)</select>', text)
        assert select is not None
        choices = re.findall(r'<option value="([^"]+)"[^>]*>[^<]*\(([\d,]+)\)', select[1])
        assert choices
        for value, count in choices:
            answer = get(running, str(httpx2.URL(DRIFT, params={"environment": "ci", name: html.unescape(value)})))
            assert len(shown(answer.text)) == int(count)
    narrow = page(running, DRIFT + "?environment=ci&level=note&state=stale")
    assert shown(narrow) == []
    assert "No finding is like this" in narrow


def test_the_map_tells_of_all_findings_whatever_the_filters_say(running: Service) -> None:
    whole, part = (page(running, f"{DRIFT}?environment=ci{more}") for more in ("", "&rule=no-answer&limit=1"))
    cells = [re.findall(r'<td class="c ([a-z ]+)" role="cell" data-s="(\w+)"', text) for text in (whole, part)]
    assert cells[0] == cells[1] != []
    assert [re.findall(r'aria-label="(\d+ of [^"]*)"', text) for text in (whole, part)][1] != []
    assert re.findall(r'aria-label="(\d+ of [^"]*)"', whole) == re.findall(r'aria-label="(\d+ of [^"]*)"', part)
    links = re.findall(r'<td class="c (?:drift|und)[^>]*><a href="([^"]+)"', part)
    assert links and all(get(running, html.unescape(link)).status_code == 200 for link in links)


def test_of_very_many_findings_the_map_is_that_of_the_operations_on_the_page(tmp_path: Path) -> None:
    value = report("many")
    cells = next(row for row in value["operations"] if any(cell["exchanges"] for cell in row["responses"]))
    cell = next(cell for cell in cells["responses"] if cell["exchanges"])
    rows = []
    for number in range(1001):
        name = hashlib.sha1(str(number).encode()).hexdigest()
        path = f"/things/{number % 40}"
        extra(value, str(number), operation={"method": "GET", "path": path})
        if number < 40:
            rows.append({**cells, "key": f"GET {path}", "path": path, "responses": [{**cell, "findings": [name]}]})
        else:
            rows[number % 40]["responses"][0]["findings"].append(name)
    value["operations"] = [*value["operations"], *rows]
    with service(tmp_path) as many:
        assert many.push("shop", value).status_code == 201
        text = page(many, DRIFT + "?environment=ci&rule=no-answer&limit=7")
        markdown = get(many, DRIFT + ".md?environment=ci&rule=no-answer&limit=7").text
        told = get_json(many, DRIFT + "?environment=ci&rule=no-answer&limit=7")["findings"]
    wanted = {row["operation"] for row in told}
    assert "there are too many findings for all of them" in text and "too many findings for all" in markdown
    lines = re.findall(r'<th scope="row" role="rowheader"><span class="op">(.*?)</th>(.*?)</tr>', text, re.DOTALL)
    shown_ = {re.sub("<[^>]+>", "", head.replace("</span><span>", " ")): cells for head, cells in lines}
    assert wanted and shown_.keys() == wanted
    assert all(re.search(r'class="c drift', cells) for cells in shown_.values()), "none is shown as held"


def test_what_a_form_leaves_empty_is_taken_out_of_the_address(running: Service) -> None:
    answer = get(running, DRIFT + "?environment=&operation=GET+%2Fa&rule=&level=&state=&release=")
    assert (answer.status_code, answer.headers["location"]) == (303, DRIFT + "?environment=&operation=GET+%2Fa")
    assert get_json(running, DRIFT + "?environment=ci&level=") == get_json(running, DRIFT + "?environment=ci")
    for wrong in ("?cursor=", "?limit="):
        assert get(running, DRIFT + wrong).status_code == 400


def test_pages_are_linked_and_keep_the_filters(running: Service) -> None:
    url, seen = DRIFT + "?environment=ci&level=note&limit=4", []
    while url:
        text = page(running, url)
        seen += shown(text)
        following = re.search(r'rel="next" href="([^"#]+)', text)
        url = DRIFT + html.unescape(following[1]) if following else ""
        assert not url or parse_qs(urlsplit(url).query)["level"] == ["note"]
        assert ('rel="first"' in text) == (len(seen) > 4)
    rows = get_json(running, DRIFT + "?environment=ci&level=note&limit=200")["findings"]
    assert len(seen) == len(set(seen)) == len(rows)


def test_environments_are_chosen_from_those_that_reported(running: Service) -> None:
    text = page(running, DRIFT + "?environment=production")
    assert '<option value="ci">ci</option><option value="production" selected>production</option>' in text
    empty = page(running, DRIFT + "?environment=nowhere", 404)
    assert "No report of the environment nowhere yet" in empty
    assert f'href="{DRIFT}?environment=ci"' in empty


def test_a_figure_that_the_newest_run_did_not_look_at_is_that_of_an_earlier_one(tmp_path: Path) -> None:
    with service(tmp_path) as running:
        assert running.push("shop", report("whole", at(2))).status_code == 201
        part = report("part", at(1))
        part["kpis"]["completeness"] = {"part": None, "whole": None, "verdict": "none"}
        part["kpis"]["generation"] = {"part": None, "whole": None, "verdict": "error", "targets": []}
        assert running.push("shop", part).status_code == 201
        figures = get_json(running, DRIFT)["figures"]
        assert {name: one["report"].rpartition("/")[2] for name, one in figures.items()} == {
            "completeness": "whole",
            "drift": "part",
            "generation": "part",  # it failed, which no older figure may hide
        }
        text = page(running, DRIFT)
        assert text.count("As of run <code>whole</code>") == 1
        assert "14 of 15</b> implemented operations" in text
        assert "failed to measure" in text


# --- one finding ------------------------------------------------------------------------------------------------------


def test_a_finding_has_a_page_and_forms_for_who_may_decide(running: Service, told: Told) -> None:
    one = told["regressed"]
    text = page(running, one["href"], token="shop:write")
    assert "Came back" in text and "Resolved: its place was exercised, and it held" in text and "First seen" in text
    assert re.findall(r'<form method="post" action="([^"?]+)', text) == [
        f"{one['href'].partition('?')[0]}/{name}" for name in ("accept", "exempt")
    ]
    reader = page(running, one["href"], token="shop:read")
    assert "<form" not in reader
    assert "scope <code>write</code>" in reader
    accepted = page(running, told["accepted"]["href"], token="shop:write")
    assert f"“{REASON}”" in accepted and "/reopen" in accepted


def browser(running: Service, token: str) -> httpx2.Client:
    client = running.client(None)
    client.headers.update(BROWSER | {"Sec-Fetch-Site": "same-origin", "Origin": running.origin})
    client.cookies.set(COOKIE, session(running.tokens[token], datetime.now(UTC)))
    return client


def test_forms_decide_and_lead_back(tmp_path: Path) -> None:
    with service(tmp_path) as running:
        running.push("shop", report("one", at(1)))
        one = get_json(running, DRIFT)["findings"][0]
        path, query = one["href"].split("?")
        until = (datetime.now(UTC) + timedelta(days=9)).date().isoformat()
        with browser(running, "shop:write") as client:
            for name, fields, kind in (
                ("accept", {"reason": HOSTILE}, "accepted"),
                ("exempt", {"reason": "until 2.5", "until": until}, "exempt"),
                ("reopen", {}, None),
            ):
                answer = client.post(f"{path}/{name}?{query}", data=fields)
                assert (answer.status_code, answer.headers["location"]) == (303, one["href"])
                decision = get_json(running, one["href"])["decision"]
                assert (decision and decision["kind"]) == kind
                text = page(running, one["href"], token="shop:write")
                assert "<script>alert" not in text and "<img" not in text
            whats = [(event["what"], event["who"]) for event in get_json(running, one["href"])["history"]]
            assert whats == [(w, "shop write") for w in ("reopened", "exempt", "accepted")] + [("new", "the admin")]


@pytest.mark.parametrize(
    ("name", "fields", "status", "wrong"),
    [
        ("accept", {"reason": " "}, 422, "accept-reason-wrong"),
        ("accept", {}, 422, "act-wrong"),
        ("exempt", {"reason": "so", "until": ""}, 422, "exempt-until-wrong"),
        ("exempt", {"reason": "so", "until": "2020-01-01"}, 409, "exempt-until-wrong"),
        ("exempt", {"reason": "", "until": "2099-01-01"}, 422, "exempt-reason-wrong"),
    ],
)
def test_a_form_that_cannot_be_taken_comes_back_with_a_word_under_its_field(
    running: Service, told: Told, name: str, fields: dict[str, str], status: int, wrong: str
) -> None:
    href = told["regressed"]["href"]
    path, query = href.split("?")
    with browser(running, "shop:write") as client:
        answer = client.post(f"{path}/{name}?{query}", data=fields, headers={"Content-Type": FORM})
    assert answer.status_code == status
    assert re.findall(r'id="([\w-]+)" role="alert"', answer.text) == [wrong]
    for value in filter(str.strip, fields.values()):
        assert f'value="{value}"' in answer.text
    assert get_json(running, href)["decision"] is None


FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "same-site", "Origin": "https://sub.example"},
        {"Sec-Fetch-Site": "", "Origin": "null"},
    ],
)
def test_a_form_of_another_site_decides_nothing(running: Service, told: Told, headers: dict[str, str]) -> None:
    href = told["regressed"]["href"]
    path, query = href.split("?")
    with browser(running, "shop:write") as client:
        sent = {name: value for name, value in headers.items() if value}
        if not headers["Sec-Fetch-Site"]:
            del client.headers["Sec-Fetch-Site"]
        answer = client.post(f"{path}/accept?{query}", data={"reason": "owned"}, headers=sent)
    assert answer.status_code == 401
    assert get_json(running, href)["decision"] is None


def test_who_is_no_longer_signed_in_signs_in_and_comes_back(running: Service, told: Told) -> None:
    href = told["regressed"]["href"]
    path, query = href.split("?")
    with browser(running, "shop:write") as client:
        client.cookies.clear()
        client.cookies.set(COOKIE, session(running.tokens["shop:write"], datetime.now(UTC) - timedelta(hours=13)))
        for answer in (client.get(href), client.post(f"{path}/accept?{query}", data={"reason": "late"})):
            assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Bearer realm="contract"')
            assert f'name="next" value="{html.escape(href)}"' in answer.text
            assert "sign-in has ended" in answer.text or "was not taken" in answer.text
    assert get_json(running, href)["decision"] is None


# --- projects ---------------------------------------------------------------------------------------------------------


def test_projects_are_those_that_the_token_sees(running: Service) -> None:
    with running.client(None) as client:
        assert client.get("/").headers["location"] == "/api/v1/projects"
    everything = page(running, "/api/v1/projects", token="admin")
    assert re.findall(r"<h1>(.*?)</h1>", everything) == ["2 projects: 1 fails, 1 has no report"]
    assert re.findall(r'<a href="/api/v1/projects/([^/]+)/drift', everything) == ["shop", "bank"]
    own = page(running, "/api/v1/projects", token="bank:read")
    assert "shop" not in own
    overview = {row["name"]: row for row in get(running, "/api/v1/projects", "admin", Accept="*/*").json()["projects"]}
    assert overview["bank"]["report"] is None and overview["bank"]["totals"] == []
    newest = overview["shop"]["report"]
    assert newest["run_id"] == "run-6"
    assert f"{newest['completeness']['part']} of {newest['completeness']['whole']} operations" in everything
    decided = {"regressed": 2}  # one accepted, one exempt
    count: dict[str, int] = {}
    for each in overview["shop"]["totals"]:
        count[each["state"]] = count.get(each["state"], 0) + each["count"]
    open_ = sum(count[state] - decided.get(state, 0) for state in count if state != "resolved")
    assert f"<b>{open_} open</b>" in everything


def test_a_project_without_a_report_says_how_to_send_one(running: Service) -> None:
    with running.client("bank:read") as client:
        answer = client.get("/api/v1/projects/bank/drift", headers=BROWSER | {"Host": 'a"><script>.example'})
    assert answer.status_code in (400, 404)
    assert "<script>.example" not in answer.text
    text = page(running, "/api/v1/projects/bank/drift", 404, "bank:read")
    assert "<h1>No report yet</h1>" in text
    assert f"contract push report.json --to {running.origin} --project bank" in text


# --- what went wrong --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "status", "title"),
    [
        ("GET", "/api/v1/projects/bank/drift", 404, "Not found"),
        ("GET", "/nowhere", 404, "Not found"),
        ("GET", DRIFT + "?stat=new", 400, "The request cannot be read"),
        ("POST", "/api/v1/projects/shop/checks", 403, "The token&#39;s scope is too small"),
        ("DELETE", "/sign-in", 405, "Method not allowed"),
        ("GET", "/api/v1/projects/shop/findings/" + "0" * 40, 404, "Not found"),
    ],
)
def test_errors_are_pages_for_people_and_problems_for_programs(
    running: Service, method: str, path: str, status: int, title: str
) -> None:
    with running.client("shop:read") as client:
        answer = client.request(method, path, headers=BROWSER)
        same = client.request(method, path)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "text/html; charset=utf-8")
    assert f"<h1>{title}</h1>" in answer.text
    assert "script-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["x-request-id"] in answer.text
    problem(same, status)
    assert answer.headers.get("allow") == same.headers.get("allow")


def test_hostile_text_opens_nothing_on_any_page(tmp_path: Path) -> None:
    with service(tmp_path) as running:
        value = report("hostile", at(1), environment=HOSTILE)
        value["run"] |= {"release": HOSTILE, "notes": [HOSTILE]}
        value["outcome"]["sentence"] = HOSTILE
        value["sources"][0]["name"] = HOSTILE
        for row in value["findings"]:
            row |= {"message": HOSTILE, "declared": HOSTILE, "observed": HOSTILE}
        value["findings"][-1]["rule"] = HOSTILE
        assert running.push("shop", value).status_code == 201
        rows = get_json(running, DRIFT)["findings"]
        for path in ("/api/v1/projects", DRIFT, *(row["href"] for row in rows)):
            read = Page(page(running, path))
            assert [tag for tag, _ in read.elements if tag in ("img", "iframe", "object")] == []
            assert [tag for tag, _ in read.elements].count("script") == 1
            assert not [
                name for _, names in read.elements for name in names if name.startswith("on") or name == "style"
            ]


def test_pages_are_the_same_on_each_database(tmp_path: Path, database: str) -> None:
    with service(tmp_path, database=database) as running:
        told = live(running)
        assert len(shown(page(running, DRIFT + "?environment=ci&state=regressed"))) == 3
        assert "by shop write" in page(running, told["exempt"]["href"])
        assert "2 projects: 1 fails, 1 has no report" in page(running, "/api/v1/projects", token="admin")
