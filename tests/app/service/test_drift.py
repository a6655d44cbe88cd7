"""The drift report over HTTP: one data, three forms, filters, pages, states, entity tags."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from contract.app.service.problems import Problem
from contract.app.service.views import accepted

from .serving import Service, clean, report, service
from .test_access import problem

DRIFT = "/api/v1/projects/shop/drift"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with service(tmp_path_factory.mktemp("drift")) as made:
        start = (datetime.now(UTC) - timedelta(days=2)).replace(microsecond=0, tzinfo=None).isoformat() + "Z"
        assert made.push("shop", report("first", start)).status_code == 201
        yield made


def get(running: Service, path: str = DRIFT, **headers: str) -> Any:
    with running.client("shop:read") as client:
        return client.get(path, headers=headers)


def test_all_findings_of_the_newest_report_are_new(running: Service) -> None:
    answer = get(running)
    assert answer.headers["content-type"] == "application/json"
    told = answer.json()
    assert (told["project"], told["environment"], told["report"]["run_id"]) == ("shop", "ci", "first")
    assert {row["state"] for row in told["findings"]} == {"new"}
    members = sum(len(row["operations"]) or 1 for row in report("first")["findings"] if row["state"] != "absent")
    assert len(told["findings"]) == sum(each["count"] for each in told["totals"]) == members
    levels = [row["level"] for row in told["findings"]]
    assert levels == sorted(levels, key=["error", "warning", "note"].index)
    assert told["next"] is None
    for row in told["findings"]:
        assert row["evidence"]["fingerprint"] == row["fingerprint"]
        assert get(running, row["href"]).json() == row
        assert get(running, row["report"]).json()["run"]["id"] == "first"


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        (None, "application/json"),
        ("*/*", "application/json"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html; charset=utf-8"),
        ("text/markdown", "text/markdown; charset=utf-8"),
        ("text/*;q=0.5, text/html;q=0.1", "text/markdown; charset=utf-8"),
    ],
)
def test_accept_chooses_the_form(running: Service, accept: str | None, media: str) -> None:
    answer = get(running, **{"Accept": accept} if accept is not None else {})
    assert (answer.status_code, answer.headers["content-type"]) == (200, media)
    assert "Accept" in answer.headers["vary"]


def test_what_cannot_be_given_is_406(running: Service) -> None:
    assert "text/markdown" in problem(get(running, Accept="image/png"), 406)["detail"]
    problem(get(running, Accept="text/html;q=0"), 406)


def test_accept_is_read_by_quality_and_nearness() -> None:
    offered = ("application/json", "text/markdown", "text/html")
    assert accepted("application/json;q=0.2, text/html;q=0.3", offered) == "text/html"
    assert accepted("*/*, application/json;q=0", offered) == "text/markdown"
    assert accepted("text/html;q=wrong, */*;q=0.1", offered) == "application/json"
    with pytest.raises(Problem):
        accepted("audio/*", offered)


@pytest.mark.parametrize(
    ("suffix", "media"), [(".json", "application/json"), (".md", "text/markdown"), (".html", "text/html")]
)
def test_a_suffix_goes_before_accept(running: Service, suffix: str, media: str) -> None:
    answer = get(running, DRIFT + suffix, Accept="image/png")
    assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (200, media)


def test_all_forms_tell_the_same(running: Service) -> None:
    shorts = {row["fingerprint"][:7] for row in get(running).json()["findings"]}
    markdown, page = get(running, DRIFT + ".md").text, get(running, DRIFT + ".html").text
    for short in shorts:
        assert short in markdown
        assert f'id="f-{short}' in page
    assert "Project `shop`" in markdown


def test_the_page_may_do_nothing_but_be_read(running: Service) -> None:
    answer = get(running, DRIFT + ".html")
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; base-uri 'none'; style-src 'sha256-")
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    inside = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', answer.text)
    assert inside is not None
    assert inside[1].replace("&#39;", "'") in policy


def test_filters_narrow_and_add_up(running: Service) -> None:
    everything = get(running).json()["findings"]
    for name in ("rule", "level", "operation"):
        values = {row[name] for row in everything if row[name] is not None}
        found: Counter[str] = Counter()
        for value in values:
            with running.client("shop:read") as client:
                rows = client.get(DRIFT, params={name: value}).json()["findings"]
            assert {row[name] for row in rows} == {value}
            found.update(row["fingerprint"] for row in rows)
        assert found == Counter(row["fingerprint"] for row in everything if row[name] is not None)
    assert get(running, DRIFT + "?state=resolved").json()["findings"] == []
    assert get(running, DRIFT + "?release=2.4").json()["findings"] == everything
    assert get(running, DRIFT + "?release=2.5").json()["findings"] == []


def test_pages_follow_each_other_and_hold_everything_once(running: Service) -> None:
    everything = [row["fingerprint"] for row in get(running).json()["findings"]]
    seen, url = [], DRIFT + "?limit=2"
    while url:
        page = get(running, url)
        seen += [row["fingerprint"] for row in page.json()["findings"]]
        url = page.links.get("next", {}).get("url", "")
        assert get(running, str(page.url).replace("/drift?", "/drift.html?")).status_code == 200
    assert seen == everything


def test_an_entity_tag_spares_what_is_known(running: Service) -> None:
    for suffix in ("", ".json", ".md", ".html"):
        first = get(running, DRIFT + suffix)
        tag = first.headers["etag"]
        for known in (tag, f'"x", W/{tag}', "*"):
            again = get(running, DRIFT + suffix, **{"If-None-Match": known})
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        assert get(running, DRIFT + suffix, **{"If-None-Match": '"other"'}).status_code == 200
    assert get(running, DRIFT + ".json").headers["etag"] != get(running, DRIFT + ".md").headers["etag"]


@pytest.mark.parametrize("query", ["state=gone", "level=fatal", "limit=x", "cursor=1", "stat=new", "rule=" + "r" * 201])
def test_a_filter_that_is_wrong_or_unknown_is_400(running: Service, query: str) -> None:
    problem(get(running, f"{DRIFT}?{query}"), 400)


def test_a_project_without_a_report_has_none(running: Service) -> None:
    with running.client("bank:read") as client:
        for suffix in ("drift", "drift.json", "drift.md", "drift.html", "completeness", "generation"):
            assert "no report yet" in problem(client.get(f"/api/v1/projects/bank/{suffix}"), 404)["detail"]
    problem(get(running, DRIFT + "?environment=nowhere"), 404)


def test_figures_stand_on_a_report(running: Service) -> None:
    kpis = report("first")["kpis"]
    for name in ("completeness", "generation"):
        told = get(running, f"/api/v1/projects/shop/{name}").json()
        assert {key: told[key] for key in ("part", "whole", "verdict")} == {
            key: kpis[name][key] for key in ("part", "whole", "verdict")
        }
        assert get(running, told["report"]).json()["run"]["id"] == "first"
    assert get(running, "/api/v1/projects/shop/generation").json()["targets"] == kpis["generation"]["targets"]


def test_a_finding_lives_and_what_is_decided_of_it_is_kept(tmp_path: Path) -> None:
    with service(tmp_path) as running:

        def at(days: int) -> str:
            moment = datetime.now(UTC) - timedelta(days=days)
            return moment.replace(microsecond=0, tzinfo=None).isoformat() + "Z"

        def states() -> set[str]:
            return {row["state"] for row in get(running).json()["findings"]}

        assert running.push("shop", report("one", at(5))).status_code == 201
        assert states() == {"new"}
        assert running.push("shop", report("two", at(4))).status_code == 201
        assert states() == {"ongoing"}
        assert running.push("shop", clean("three", at(3))).status_code == 201
        assert "resolved" in states()
        resolved = get(running, DRIFT + "?state=resolved").json()["findings"]
        assert all(row["resolved_at"] is not None for row in resolved)
        assert running.push("shop", report("four", at(2))).status_code == 201
        assert states() <= {"regressed", "ongoing"}
        back = get(running, f"{DRIFT}?state=regressed").json()["findings"]
        assert {row["fingerprint"] for row in back} == {row["fingerprint"] for row in resolved}
        one = back[0]
        assert one["regressions"] == 1

        with running.client("shop:write") as client:
            path, query = one["href"].split("?")
            taken = client.post(f"{path}/accept?{query}", json={"reason": "the gateway does so"})
            assert taken.status_code == 200
            assert taken.json()["decision"] | {"at": ""} == {
                "kind": "accepted",
                "reason": "the gateway does so",
                "until": None,
                "by": "shop write",
                "at": "",
            }
            assert "the gateway does so" in get(running, DRIFT + ".md").text
            until = (datetime.now(UTC) + timedelta(days=1)).date().isoformat()
            exempt = client.post(f"{path}/exempt?{query}", json={"reason": "until 2.5", "until": until})
            assert (exempt.json()["decision"]["kind"], exempt.json()["decision"]["until"]) == ("exempt", until)
            for over in ("2020-01-01", "0000-01-01", (datetime.now(UTC) - timedelta(days=1)).date().isoformat()):
                problem(client.post(f"{path}/exempt", json={"reason": "too late", "until": over}), 409)
            last = client.post(f"{path}/exempt?{query}", json={"reason": "for ever", "until": "9999-12-31"})
            assert last.json()["decision"]["until"] == "9999-12-31"
            today = datetime.now(UTC).date().isoformat()
            assert client.post(f"{path}/exempt", json={"reason": "today", "until": today}).status_code == 200
            open_again = client.post(f"{path}/reopen?{query}")
            assert (open_again.status_code, open_again.json()["decision"]) == (200, None)
            events = client.get(f"{path}/events?{query}").json()["events"]
            whats = [event["what"] for event in reversed(events)]
            assert whats == ["new", "resolved", "regressed", "accepted", *["exempt"] * 3, "reopened"]
            assert {event["who"] for event in events if event["what"] in ("accepted", "exempt")} == {"shop write"}
            seen, url = [], f"{path}/events?limit=3"
            while url:
                page = client.get(url)
                seen += page.json()["events"]
                url = page.links.get("next", {}).get("url", "")
            assert seen == events


@pytest.mark.parametrize(
    ("what", "body", "pointer"),
    [
        ("accept", {}, ""),
        ("accept", {"reason": " "}, "/reason"),
        ("accept", {"reason": "a", "until": "2099-01-01"}, ""),
        ("exempt", {"reason": "a"}, ""),
        ("exempt", {"reason": "a", "until": "2099-02-30"}, "/until"),
        ("exempt", {"reason": 1, "until": "2099-01-01"}, "/reason"),
    ],
)
def test_a_decision_that_breaks_the_schema_is_422(running: Service, what: str, body: Any, pointer: str) -> None:
    fingerprint = get(running).json()["findings"][0]["fingerprint"]
    with running.client("shop:write") as client:
        answer = client.post(f"/api/v1/projects/shop/findings/{fingerprint}/{what}", json=body)
        assert pointer in [error["pointer"] for error in problem(answer, 422)["errors"]]
        problem(client.post(f"/api/v1/projects/shop/findings/{fingerprint}/{what}", content=b"{"), 415)
        unread = {"Content-Type": "application/json"}
        problem(client.post(f"/api/v1/projects/shop/findings/{fingerprint}/{what}", content=b"{", headers=unread), 400)
        large = client.post(f"/api/v1/projects/shop/findings/{fingerprint}/{what}", json={"reason": "a" * 70_000})
        problem(large, 413)


@pytest.mark.parametrize("name", ["0" * 40, "not-a-fingerprint", "%00", "a%2Fb"])
def test_a_finding_that_is_not_there_is_404(running: Service, name: str) -> None:
    with running.client("shop:write") as client:
        path = f"/api/v1/projects/shop/findings/{name}"
        assert client.get(path).status_code == 404
        assert client.get(f"{path}/events").status_code == 404
        assert client.post(f"{path}/accept", json={"reason": "a"}).status_code == 404
        assert client.post(f"{path}/exempt", json={"reason": "a", "until": "2099-01-01"}).status_code == 404
        assert client.post(f"{path}/reopen").status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PUT", "/api/v1/projects/shop/reports", "GET, HEAD, POST"),
        ("DELETE", "/api/v1/projects/shop/checks", "GET, HEAD, POST"),
        ("GET", "/api/v1/tokens/abc", "DELETE"),
        ("PATCH", "/api/v1/tokens", "GET, HEAD, POST"),
        ("POST", "/healthz", "GET, HEAD"),
        ("OPTIONS", "/api/v1/projects", "GET, HEAD, POST"),
    ],
)
def test_405_names_all_methods_of_the_path(running: Service, method: str, path: str, allow: str) -> None:
    with running.client() as client:
        answer = client.request(method, path)
    problem(answer, 405)
    assert answer.headers["allow"] == allow


@pytest.mark.parametrize("path", ["/api/v1", "/api/v1/projects/", "/docs", "/openapi.json", "/api/v1/projects/a%2Fb"])
def test_an_unknown_path_is_404(running: Service, path: str) -> None:
    with running.client() as client:
        problem(client.get(path), 404)


def test_health_needs_no_token(running: Service) -> None:
    with running.client(None) as client:
        assert client.get("/healthz").json() == client.get("/readyz").json() == {"status": "ok"}
