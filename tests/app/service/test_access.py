"""Who gets what: tokens, scopes, foreign projects, the limit of requests, request ids."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml

from contract.app.service.access import Limiter

from .serving import ROOT, Service, report, service

CANARY = "the-canary-of-the-first-project"
DOCUMENT: dict[str, Any] = yaml.safe_load((ROOT / "specs/service.yaml").read_text("utf-8"))
METHODS = ("get", "put", "post", "delete", "patch")
OPERATIONS = [(method, path) for path, item in DOCUMENT["paths"].items() for method in METHODS if method in item]
OPEN = {"/", "/healthz", "/readyz", "/sign-in", "/sign-out"}


def problem(answer: httpx2.Response, status: int) -> dict[str, Any]:
    """The problem details of an answer, which are whole."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    value: dict[str, Any] = answer.json()
    assert value["status"] == status
    assert value["type"].startswith("docs/service.md#")
    assert value["title"] and value["detail"]
    assert value["instance"] == answer.request.url.path
    return value


@pytest.fixture(scope="module")
def seeded(started: Service) -> dict[str, str]:
    """The names of things of `shop`, each of which holds a canary."""
    run_id = f"run-{CANARY}"
    value = report(run_id, environment=CANARY)
    for row in value["findings"]:
        row["message"] = CANARY
    value["outcome"]["sentence"] = CANARY
    assert started.push("shop", value).status_code == 201
    with started.client("shop:admin") as client:
        found = client.get("/api/v1/projects/shop/drift").json()["findings"][0]["fingerprint"]
        label = {"scope": "read", "project": "shop", "label": CANARY}
        token = client.post("/api/v1/tokens", json=label).json()["token"]["id"]
    shop = started.store.project("shop")
    assert shop is not None
    started.store.add_check(shop, CANARY, datetime.now(UTC))
    return {"project": "shop", "run_id": run_id, "fingerprint": found, "number": "1", "id": token}


def example(path: str, method: str) -> Any:
    media = DOCUMENT["paths"][path][method].get("requestBody", {}).get("content", {}).get("application/json")
    if media is None:
        return None
    return media["example"] if "example" in media else next(iter(media["examples"].values()))["value"]


@pytest.mark.parametrize("scope", ["read", "write", "admin"])
@pytest.mark.parametrize(("method", "path"), OPERATIONS, ids=lambda word: word)
def test_a_foreign_token_gets_no_byte_of_another_project(
    started: Service, seeded: dict[str, str], method: str, path: str, scope: str
) -> None:
    url = re.sub(r"\{(\w+)\}", lambda match: seeded[match[1]], path)
    with started.client(f"bank:{scope}") as client:
        answer = client.request(method, url, json=example(path, method))
    assert CANARY not in answer.text.replace(url, "")
    assert CANARY not in str(answer.headers)
    if "{" in path or example(path, method) is not None:
        problem(answer, 403 if answer.status_code == 403 else 404)
    else:  # what belongs to no project, and lists of what the token sees itself
        assert answer.status_code in (200, 303, 403, 415)
        assert "shop" not in answer.text


@pytest.mark.parametrize(
    ("method", "path"), [one for one in OPERATIONS if "{project}" in one[1]], ids=lambda word: word
)
def test_a_project_that_is_not_there_is_answered_as_a_foreign_one(
    started: Service, seeded: dict[str, str], method: str, path: str
) -> None:
    said = []
    for project in ("shop", "nobody"):
        url = re.sub(r"\{(\w+)\}", lambda match: {**seeded, "project": project}[match[1]], path)  # noqa: B023
        with started.client("bank:admin") as client:
            answer = client.request(method, url, json=example(path, method))
        said.append((answer.status_code, answer.text.replace(f"/{project}", "/")))
    assert said[0] == said[1]
    assert said[0][0] == 404


@pytest.mark.parametrize(("method", "path"), [one for one in OPERATIONS if one[1] not in OPEN], ids=lambda word: word)
@pytest.mark.parametrize("header", [None, "Bearer ctr_0123_" + "0" * 64, "Basic YTpi", "Bearer", "Bearer ctr__"])
def test_without_a_token_that_holds_nothing_is_told(
    started: Service, seeded: dict[str, str], method: str, path: str, header: str | None
) -> None:
    url = re.sub(r"\{(\w+)\}", lambda match: seeded[match[1]], path)
    headers = {"Authorization": header} if header is not None else {}
    with started.client(None) as client:
        answer = client.request(method, url, headers=headers)
    problem(answer, 401)
    assert answer.headers["www-authenticate"] == 'Bearer realm="contract"'
    assert CANARY not in answer.text.replace(url, "")


@pytest.mark.parametrize(
    ("scope", "method", "path", "body"),
    [
        ("read", "post", "/api/v1/projects/shop/reports", {}),
        ("read", "post", "/api/v1/projects/shop/checks", None),
        ("read", "post", "/api/v1/projects/shop/findings/{fingerprint}/accept", {"reason": "so"}),
        (
            "read",
            "post",
            "/api/v1/projects/shop/findings/{fingerprint}/exempt",
            {"reason": "so", "until": "2099-01-01"},
        ),
        ("read", "post", "/api/v1/projects/shop/findings/{fingerprint}/reopen", None),
        ("write", "get", "/api/v1/tokens", None),
        ("write", "post", "/api/v1/tokens", {"scope": "read"}),
        ("write", "delete", "/api/v1/tokens/{id}", None),
        ("write", "post", "/api/v1/projects", {"name": "new"}),
        ("admin", "post", "/api/v1/projects", {"name": "new"}),
        ("admin", "post", "/api/v1/tokens", {"scope": "read"}),
    ],
)
def test_a_scope_that_is_too_small_is_403(
    started: Service, seeded: dict[str, str], scope: str, method: str, path: str, body: Any
) -> None:
    with started.client(f"shop:{scope}") as client:
        problem(client.request(method, path.format(**seeded), json=body), 403)


def test_a_token_is_created_used_and_revoked(started: Service) -> None:
    with started.client("shop:admin") as client:
        wanted = {"scope": "read", "project": "shop", "label": "board", "expires_in_days": 2}
        made = client.post("/api/v1/tokens", json=wanted)
        assert made.status_code == 201
        token, secret = made.json()["token"], made.json()["secret"]
        assert {name: token[name] for name in ("project", "scope", "label")} == {
            "project": "shop",
            "scope": "read",
            "label": "board",
        }
        expires = datetime.fromisoformat(token["expires_at"])
        assert expires - datetime.fromisoformat(token["created_at"]) == timedelta(days=2)
        own = {"Authorization": f"Bearer {secret}"}
        assert client.get("/api/v1/projects/shop", headers=own).status_code == 200
        listed = client.get("/api/v1/tokens")
        assert token["id"] in [one["id"] for one in listed.json()["tokens"]]
        assert secret not in listed.text
        assert {one["project"] for one in listed.json()["tokens"]} == {"shop"}
        assert client.delete(f"/api/v1/tokens/{token['id']}").status_code == 204
        problem(client.delete(f"/api/v1/tokens/{token['id']}"), 404)
        problem(client.get("/api/v1/projects/shop", headers=own), 401)
        assert token["id"] not in client.get("/api/v1/tokens").text


def test_a_token_cannot_revoke_itself(started: Service) -> None:
    public_id = started.tokens["shop:admin"].split("_")[1]
    with started.client("shop:admin") as client:
        problem(client.delete(f"/api/v1/tokens/{public_id}"), 409)
        assert client.get("/api/v1/tokens").status_code == 200


def test_a_token_that_has_expired_holds_no_more(started: Service) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=3)
    _, secret = started.store.create_token(None, "admin", "old", long_ago + timedelta(days=1), long_ago)
    with started.client(None) as client:
        problem(client.get("/api/v1/projects", headers={"Authorization": f"Bearer {secret}"}), 401)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"scope": "all"},
        {"scope": "read", "project": "Shop"},
        {"scope": "read", "expires_in_days": 0},
        {"scope": "read", "label": "a\nb"},
        {"scope": "read", "more": 1},
        [],
    ],
)
def test_a_token_that_breaks_the_schema_is_422(started: Service, body: Any) -> None:
    with started.client() as client:
        assert problem(client.post("/api/v1/tokens", json=body), 422)["errors"]


def test_projects_are_created_once_and_seen_by_their_own(started: Service) -> None:
    with started.client() as client:
        made = client.post("/api/v1/projects", json={"name": "made.here"})
        assert (made.status_code, made.headers["location"]) == (201, "/api/v1/projects/made.here")
        assert client.get(made.headers["location"]).json() == made.json()
        again = client.post("/api/v1/projects", json={"name": "made.here"})
        problem(again, 409)
        assert {"bank", "made.here", "shop"} <= {
            one["name"] for one in client.get("/api/v1/projects").json()["projects"]
        }
        assert (
            problem(client.post("/api/v1/projects", json={"name": "../shop"}), 422)["errors"][0]["pointer"] == "/name"
        )
    with started.client("bank:read") as client:
        assert [one["name"] for one in client.get("/api/v1/projects").json()["projects"]] == ["bank"]


def test_each_token_has_a_limit_of_its_own(tmp_path: Path) -> None:
    with service(tmp_path, rate=60, burst=3) as limited:
        with limited.client("shop:read") as client:
            answers = [client.get("/api/v1/projects/shop") for _ in range(4)]
        assert [one.status_code for one in answers] == [200, 200, 200, 429]
        assert answers[0].headers["ratelimit"] == '"token";r=2;t=1'
        assert {one.headers["ratelimit-policy"] for one in answers} == {'"token";q=3;w=3'}
        problem(answers[3], 429)
        assert answers[3].headers["retry-after"] == "1"
        with limited.client("bank:read") as client:
            assert client.get("/api/v1/projects/bank").status_code == 200


def test_a_bucket_fills_up_again_and_never_beyond_the_burst() -> None:
    at = [0.0]
    limiter = Limiter(rate=60, burst=2, clock=lambda: at[0])
    assert [limiter.take("a")[0] for _ in range(3)] == [True, True, False]
    at[0] += 1
    assert [limiter.take("a")[0] for _ in range(2)] == [True, False]
    at[0] += 3600
    assert [limiter.take("a")[0] for _ in range(3)] == [True, True, False]
    assert limiter.take("b")[0]


@pytest.mark.parametrize(("sent", "taken"), [("ci-4711", True), ("a" * 65, False), ("a b", False), ("<script>", False)])
def test_a_request_id_is_taken_over_if_it_is_sane(started: Service, sent: str, taken: bool) -> None:
    with started.client() as client:
        for path in ("/healthz", "/api/v1/projects/shop", "/nowhere", "/api/v1/projects/nobody/drift"):
            back = client.get(path, headers={"X-Request-Id": sent}).headers["x-request-id"]
            assert (back == sent) is taken
            assert re.fullmatch("[A-Za-z0-9._-]{1,64}", back)
