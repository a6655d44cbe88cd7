"""The way in by a browser: the form, the cookie, and what it is good for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import httpx2
import pytest

from contract.app.service.access import COOKIE, session
from contract.app.service.pages import here

from .serving import Service, report
from .test_access import problem

DRIFT = "/api/v1/projects/shop/drift"
BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


@contextmanager
def signed_in(started: Service, token: str = "shop:write") -> Iterator[httpx2.Client]:
    with started.client(None) as client:
        answer = client.post("/sign-in", data={"token": started.tokens[token], "next": DRIFT + "?level=error"})
        assert (answer.status_code, answer.headers["location"]) == (303, DRIFT + "?level=error")
        assert re.search(r"; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict$", answer.headers["set-cookie"])
        yield client


def test_a_browser_is_asked_for_a_token_and_then_sees_the_page(started: Service) -> None:
    started.push("shop", report("to-be-seen"))
    with started.client(None) as client:
        asked = client.get(DRIFT + "?level=error&rule=<x>", headers=BROWSER)
    assert (asked.status_code, asked.headers["www-authenticate"]) == (401, 'Bearer realm="contract"')
    assert f'name="next" value="{DRIFT}?level=error&amp;rule=%3Cx%3E"' in asked.text
    assert "<script" not in asked.text
    assert "default-src 'none'" in asked.headers["content-security-policy"]
    with signed_in(started) as client:
        page = client.get(DRIFT, headers=BROWSER)
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        problem(client.get("/api/v1/projects/bank"), 404)
        out = client.post("/sign-out")
        assert (out.status_code, out.headers["location"]) == (303, "/sign-in")
        assert client.get(DRIFT, headers=BROWSER).status_code == 401


def test_what_the_form_does_not_declare_is_passed_over(started: Service) -> None:
    """As the document allows it: more fields than a form has, and one of them twice; but no token twice."""
    more = "&".join(f"field{number}=1" for number in range(20))
    with started.client(None) as client:
        for rest, status in ((f"&again=1&again=2&{more}", 303), (f"&token={started.tokens['shop:read']}", 400)):
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            body = f"token={started.tokens['shop:write']}{rest}"
            assert client.post("/sign-in", content=body, headers=headers).status_code == status


def test_who_wants_json_is_told_by_problem_details(started: Service) -> None:
    with started.client(None) as client:
        problem(client.get(DRIFT), 401)
        problem(client.get(DRIFT + ".html"), 401)
        problem(client.get(DRIFT, headers={"Accept": "application/json, text/html"}), 401)


def test_a_token_that_does_not_hold_signs_nobody_in(started: Service) -> None:
    with started.client(None) as client:
        for token in ("", "ctr_0_" + "0" * 64, '"><script>'):
            answer = client.post("/sign-in", data={"token": token, "next": DRIFT})
            assert answer.status_code == 401
            assert "set-cookie" not in answer.headers
            assert "does not hold" in answer.text
            assert "<script>" not in answer.text
        problem(client.post("/sign-in", json={"token": "a"}), 415)
        problem(client.post("/sign-in", data={"token": "a" * 70_000}), 413)
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        problem(client.post("/sign-in", content=b"token=%FF", headers=form), 400)


def test_a_session_ends_and_cannot_be_prolonged(started: Service) -> None:
    secret = started.tokens["shop:read"]
    fresh = session(secret, datetime.now(UTC))
    until, token, signature = fresh.split(".")
    old = session(secret, datetime.now(UTC) - timedelta(hours=13))
    values = [
        (fresh, 200),
        (old, 401),
        (f"{int(until) + 1}.{token}.{signature}", 401),
        (f"{until}.{token}.{'0' * 64}", 401),
        (secret, 401),
    ]
    with started.client(None) as client:
        for value, status in values:
            assert client.get("/api/v1/projects/shop", headers={"Cookie": f"{COOKIE}={value}"}).status_code == status


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 404),
        ({"Sec-Fetch-Site": "same-origin"}, 404),
        ({"Sec-Fetch-Site": "cross-site"}, 401),
        ({"Sec-Fetch-Site": "same-site"}, 401),
        ({"Origin": "https://evil.example"}, 401),
        ({"Origin": "null"}, 401),
    ],
)
def test_a_cookie_changes_nothing_for_another_site(started: Service, headers: dict[str, str], status: int) -> None:
    path = f"/api/v1/projects/shop/findings/{'0' * 40}/reopen"
    with signed_in(started) as client:
        problem(client.post(path, headers=headers), status)  # 404: it came in, and there is no such finding
    if status == 401:
        with started.client(None) as client:
            problem(client.post("/sign-in", data={"token": started.tokens["shop:read"]}, headers=headers), 403)


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        (DRIFT, True),
        ("//evil.example/a", False),
        ("https://evil.example", False),
        ("/\\evil.example", False),
        ("/a\r\nSet-Cookie: b=c", False),
        ("javascript:alert(1)", False),
        ("", False),
        (None, False),
    ],
)
def test_the_form_leads_nowhere_else(path: str | None, kept: bool) -> None:
    assert here(path) == (path if kept else "/")
