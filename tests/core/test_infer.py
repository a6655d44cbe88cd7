"""Templates from all paths together, and a document of what was seen that the same traffic satisfies."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openapi_spec_validator import OpenAPIV30SpecValidator, OpenAPIV31SpecValidator

from contract.core import infer
from contract.core.check import Judge
from contract.core.document import Document, Location
from contract.core.evidence import Exchange, Request, Response, Traffic
from contract.core.infer import Observed, Paths, fragment, left_out
from contract.core.openapi import Contract
from contract.sources.documents._metaschema import refusals
from contract.sources.traffic import ndjson

from ..data import DATA

JSON = (("Content-Type", "application/json"),)


def exchange(
    url: str,
    method: str = "GET",
    status: int = 200,
    body: Any = None,
    sent: Any = None,
    traffic: Traffic = Traffic.REAL,
) -> Exchange:
    answer = Response(status, JSON, orjson.dumps(body)) if body is not None else Response(status)
    request = Request(method, url, JSON if sent is not None else (), orjson.dumps(sent) if sent is not None else None)
    return Exchange(request, answer, "test", traffic)


def contract_of(value: dict[str, Any]) -> Contract:
    here = Location("it.yaml", 1, 1)
    return Contract(Document("it.yaml", value["openapi"], value, "", lambda _: here, lambda _: ("", ""), lambda: []))


def observed(seen: Iterable[Exchange], contract: Contract | None = None) -> Observed:
    kept = [each for each in seen if left_out(each, contract) is None]
    paths = Paths()
    for each in kept:
        paths.add(each)
    found = Observed(paths.templates(contract))
    for each in kept:
        found.add(each)
    return found


def templates(*urls: str, contract: Contract | None = None) -> list[str]:
    return list(observed(map(exchange, urls), contract).templates.methods)


def findings(value: dict[str, Any], seen: Iterable[Exchange]) -> list[str]:
    judge = Judge(contract_of(value), lambda _, own: own)
    return [
        f"{each.request.method} {each.request.url}: {found.rule}: {found.mismatch.message}"
        for each in seen
        for found in judge.exchange(each).findings
    ]


# ------------------------------------------------------------------------------------------------------------ templates


@pytest.mark.parametrize(
    ("urls", "expected"),
    [
        (["/projects/17/tasks", "/projects/18/tasks"], ["/projects/{id}/tasks"]),
        (["/projects/17/tasks/3"], ["/projects/{id}/tasks/{taskId}"]),
        (["/a/0f5c7e1d-6e1b-4b7a-9a55-8b1f0f3f2d11", "/b/01ARZ3NDEKTSV4RRFFQ69G5FAV"], ["/a/{id}", "/b/{id}"]),
        (["/blobs/2a6c97f6f5dc9166cc2e5d0d95415a386805ca07"], ["/blobs/{id}"]),
        (["/days/2024-01-31", "/files/report-20240131.csv"], ["/days/{id}", "/files/{id}"]),
        (
            ["/api/v1/tasks", "/oauth2/token", "/rest/api/2/issue/17"],
            ["/api/v1/tasks", "/oauth2/token", "/rest/api/2/issue/{id}"],
        ),
        (["/2024/report", "/2024/report"], ["/2024/report"]),
        (["/2024/report", "/2025/report"], ["/{id}/report"]),
        (["/reports/2024"], ["/reports/{id}"]),
        (["/users/jo/posts", "/users/me", "/users/search"], ["/users/me", "/users/search", "/users/{id}/posts"]),
        (["/users/jo%40example.com"], ["/users/{id}"]),
        (["/tasks/17", "/tasks/mine", "/tasks/overdue"], ["/tasks/mine", "/tasks/overdue", "/tasks/{id}"]),
        (["/repos/17/issues", "/repos/hello/issues", "/repos/search"], ["/repos/search", "/repos/{id}/issues"]),
        (["/tags/v1.0", "/tags/v1.1", "/tags/v2.0"], ["/tags/{id}"]),
        (
            [f"/colours/{name}" for name in ["red", "blue", "green", "black", "white", "pink", "brown", "grey"]],
            ["/colours/{id}"],
        ),
        (
            [f"/{name}/17" for name in ["as", "bs", "cs", "ds", "es", "fs", "gs", "hs", "is"]],
            [f"/{name}/{{id}}" for name in ["as", "bs", "cs", "ds", "es", "fs", "gs", "hs", "is"]],
        ),
        (["/a%20b/17", "/%7B/x"], ["/{id}/x", "/{id}/{id2}"]),
        (["/tasks/", "/tasks", "/"], ["/", "/tasks", "/tasks/"]),
    ],
)
def test_templates_come_from_all_paths_together(urls: list[str], expected: list[str]) -> None:
    assert sorted(templates(*urls)) == sorted(expected)


def test_a_segment_that_the_bodies_name_themselves_by_is_a_parameter() -> None:
    seen = [
        exchange("/labels/bug", body={"name": "bug", "color": "red"}),
        exchange("/labels/to-do", "DELETE", 204),
        exchange("/boards/bug", body={"title": "bug"}),
        exchange("/archive/labels/to-do", "DELETE", 204),
    ]
    assert observed(seen).templates.methods == {
        "/archive/labels/{id}": {"DELETE"},
        "/boards/bug": {"GET"},
        "/labels/{id}": {"GET", "DELETE"},
    }


DECLARED: dict[str, Any] = {
    "openapi": "3.0.3",
    "info": {"title": "Tasks", "version": "1"},
    "servers": [{"url": "https://api.example.com/api/v1"}],
    "paths": {
        "/projects/{project_id}": {
            "get": {"operationId": "getProject", "responses": {"200": {"description": "It."}}},
        },
        "/projects/{project_id}/tasks/{task_id}": {"get": {"responses": {"200": {"description": "It."}}}},
        "/tasks/mine": {"get": {"operationId": "createMember", "responses": {"200": {"description": "Mine."}}}},
    },
}


def test_the_document_s_own_templates_names_and_base_path_are_kept() -> None:
    declared = contract_of(DECLARED)
    seen = [
        exchange("/api/v1/projects/17"),
        exchange("/api/v1/projects/alpha", "DELETE", 204),
        exchange("/api/v1/projects/alpha/members/3"),
        exchange("/api/v1/members", "POST", 201, sent={"name": "Jo"}),
        exchange("/api/v1/tasks/mine", "OPTIONS", 204),
        exchange("/favicon.ico"),
        exchange("/api/v1/fuzzed", traffic=Traffic.FUZZ),
        exchange("/api/v1/nowhere", status=404),
    ]
    assert [left_out(each, declared) for each in seen] == [
        "declared already",
        None,
        None,
        None,
        "OPTIONS, HEAD and methods that no operation has",
        "outside of the document's paths",
        "made up by a prober",
        None,
    ]
    made = fragment(observed(seen, declared), declared.document.family, declared)
    assert made["openapi"] == "3.0.3"
    assert made["servers"] == [{"url": "/api/v1"}]
    assert [(path, method, item[method]["operationId"]) for path, item in made["paths"].items() for method in item] == [
        ("/members", "post", "createMember2"),
        ("/projects/{project_id}", "delete", "deleteProject"),
        ("/projects/{project_id}/members/{member_id}", "get", "getProjectMember"),
    ]
    assert findings(made, seen[1:4]) == []


def test_a_fragment_in_full() -> None:
    seen = [
        *[exchange(f"/tasks?page={n}&sort=title", body=[{"id": n, "done": False}]) for n in range(3)],
        exchange("/tasks", body=[]),
        exchange("/tasks", "POST", 201, {"id": 4, "done": False}, {"title": "Mow the lawn"}),
        exchange("/tasks", "POST", 422, {"detail": "no title"}, {"tilte": "Mow the lawn"}),
        exchange("/tasks/4", "DELETE", 204),
        exchange("/tasks/5", "DELETE", 404, {"detail": "no such task"}),
        exchange("/tasks/5", "DELETE", 500),
        exchange("/nowhere", status=404),
    ]
    task = {
        "type": "object",
        "properties": {"done": {"type": "boolean"}, "id": {"type": "integer"}},
        "required": ["done", "id"],
    }
    problem = {"type": "object", "properties": {"detail": {"type": "string"}}, "required": ["detail"]}

    def content(schema: dict[str, Any]) -> dict[str, Any]:
        return {"content": {"application/json": {"schema": schema}}}

    assert fragment(observed(seen)) == {
        "openapi": "3.1.0",
        "info": {
            "title": "Inferred from traffic",
            "version": "0",
            "description": "Inferred from 9 exchanges; what never showed is not in it.",
        },
        "paths": {
            "/tasks": {
                "get": {
                    "operationId": "listTasks",
                    "description": "Seen in 4 exchanges: 4 answered 200.",
                    "parameters": [
                        {"name": "page", "in": "query", "description": "Sent in 3 of 4 requests.", "schema": {"type": "integer"}},
                        {"name": "sort", "in": "query", "description": "Sent in 3 of 4 requests.", "schema": {"type": "string"}},
                    ],
                    "responses": {"200": {"description": "OK", **content({"type": "array", "items": task})}},
                },
                "post": {
                    "operationId": "createTask",
                    "description": "Seen in 2 exchanges: 1 answered 201, 1 answered 422.",
                    "requestBody": {
                        "required": True,
                        **content({"type": "object", "properties": {"title": {"type": "string"}}, "required": ["title"]}),
                    },
                    "responses": {
                        "201": {"description": "Created", **content(task)},
                        "422": {"description": "Unprocessable Entity", **content(problem)},
                    },
                },
            },
            "/tasks/{id}": {
                "delete": {
                    "operationId": "deleteTask",
                    "description": "Seen in 3 exchanges: 1 answered 204, 1 answered 404, 1 answered 500.",
                    "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}}],
                    "responses": {
                        "204": {"description": "No Content"},
                        "404": {"description": "Not Found", **content(problem)},
                    },
                }
            },
        },
    }  # fmt: skip


# ----------------------------------------------------------------------------------------------------------------- laws

words = st.sampled_from(
    [
        "api",
        "v1",
        "users",
        "projects",
        "tasks",
        "mine",
        "search",
        "jo",
        "alpha",
        "beta",
        "2",
        "17",
        "18",
        "2024",
        "a-b",
        "README.md",
        "x1",
        "x2",
        "x3",
    ]
)
segments = words | st.sampled_from(
    ["0f5c7e1d-6e1b-4b7a-9a55-8b1f0f3f2d11", "2024-01-31", "a%20b", "jo%40example.com", ""]
)
leaves = st.none() | st.booleans() | st.integers(-5, 2**63 - 1) | st.floats(-9, 9) | st.sampled_from(
    ["todo", "done", "x y", "", "17", "2024-01-31", "2024-01-31T10:00:00Z", "jo@example.com", "null", "true", "1.5", "é"]
)  # fmt: skip
names = st.sampled_from(["id", "name", "status", "tags", "17", "x", "y", "z", "a[]", "filter[x]", "jo@example.com"])
bodies = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4), max_leaves=8
)
queries = st.lists(
    st.tuples(names, st.sampled_from(["1", "17", "x", "", "true", "1.5", "2024-01-31", "a,b"])), max_size=3
)


@st.composite
def exchanges(draw: st.DrawFn) -> Exchange:
    """What a client may send and a server answer that keeps to HTTP."""
    path = "/" + "/".join(draw(st.lists(segments, max_size=4)))
    query = urlencode(draw(queries))
    method = draw(st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]))
    status = draw(st.sampled_from([200, 200, 200, 201, 204, 302, 400, 401, 404, 405, 409, 422, 429]))
    content, body = draw(_content(form=False)) if status != 204 else (None, b"")
    sent, carried = draw(_content(form=True)) if method in ("POST", "PUT", "PATCH") else (None, b"")
    return Exchange(
        Request(method, f"{path}?{query}" if query else path, _labelled(sent), carried or None),
        Response(status, _labelled(content), body),
        "test",
    )


@st.composite
def _content(draw: st.DrawFn, form: bool) -> tuple[str | None, bytes]:
    kind = draw(st.sampled_from(["json", "json", "json", "problem", "text", "none", *(["form"] if form else [])]))
    if kind == "none":
        return None, b""
    if kind == "text":
        return "text/plain; charset=utf-8", b"some text"
    if kind == "form":
        return "application/x-www-form-urlencoded", urlencode(draw(queries)).encode() or b"x=1"
    return ("application/problem+json" if kind == "problem" else "application/json"), orjson.dumps(draw(bodies))


def _labelled(content: str | None) -> tuple[tuple[str, str], ...]:
    return (("Content-Type", content),) if content is not None else ()


@given(st.lists(exchanges(), max_size=12), st.sampled_from(["3.0", "3.1"]), st.integers(1, 8))
@settings(deadline=None, max_examples=150)
def test_the_same_traffic_satisfies_the_fragment_which_is_valid(seen: list[Exchange], family: str, times: int) -> None:
    made = fragment(observed(seen * times), family)
    assert refusals(made, family) == []
    assert findings(made, seen) == []


@given(st.lists(exchanges(), min_size=1, max_size=6), st.sampled_from(["3.0", "3.1"]))
@settings(deadline=None, max_examples=15)
def test_another_validator_finds_the_fragment_valid_too(seen: list[Exchange], family: str) -> None:
    made = json.loads(json.dumps(fragment(observed(seen), family)))
    validator = OpenAPIV30SpecValidator if family == "3.0" else OpenAPIV31SpecValidator
    assert [error.message for error in validator(made).iter_errors()] == []


def whole(seen: Sequence[Exchange]) -> Paths:
    made = Paths()
    for each in seen:
        made.add(each)
    return made


@given(
    st.lists(exchanges(), max_size=12),
    st.integers(0, 12),
    st.sampled_from([infer.MOST, 3]),
    st.sampled_from([infer.MEDIA_TYPES, 1]),
)
@settings(deadline=None)
def test_what_was_seen_adds_up_in_any_order_and_split(seen: list[Exchange], at: int, most: int, media: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(infer, "MOST", most)
        patch.setattr(infer, "MEDIA_TYPES", media)
        expected = whole(seen)
        assert whole(seen[:at]) + whole(seen[at:]) == expected
        assert whole(seen[at:]) + whole(seen[:at]) == expected
        assert len(expected.trails) <= most
        frame = expected.templates()

        def part(some: Sequence[Exchange]) -> Observed:
            made = Observed(frame)
            for each in some:
                made.add(each)
            return made

        assert part(seen[:at]) + part(seen[at:]) == part(seen)
        assert part(seen[at:]) + part(seen[:at]) == part(seen)


def test_nothing_personal_gets_into_a_fragment() -> None:
    person = {
        "name": "Wilhelmina Ferdinand",
        "email": "wilhelmina@example.com",
        "wilhelmina@example.com": 1,
        "token": "Wilhelmina",
    }
    seen = [
        exchange(f"/people/wilhelmina/notes/{n}?q=Wilhelmina&token=ghp_16C7e42F292c6912E7710c838347Ae178B4a&wilhelmina@example.com=1", body=[person])
        for n in range(50)
    ]  # fmt: skip
    assert "ilhelmina" not in json.dumps(fragment(observed(seen)))


# ----------------------------------------------------------------------------------------------------------- real data


@pytest.mark.data
def test_github_s_recorded_traffic_becomes_github_s_templates() -> None:
    if DATA is None:
        pytest.skip("the shared data is not there")
    read = ndjson.exchanges(str(DATA / "traffic" / "github.ndjson.xz"))
    seen = [each for each in read if isinstance(each, Exchange)]
    found = observed(seen)
    assert {path: " ".join(sorted(methods)) for path, methods in found.templates.methods.items()} == {
        "/": "GET",
        "/markdown": "POST",
        "/markdown/raw": "POST",
        "/notifications": "PUT",
        "/octokit-fixture-org/{id}/legacy.tar.gz/refs/heads/main": "GET",
        "/orgs/{id}": "GET",
        "/orgs/{id}/repos": "POST",
        "/projects/columns/cards/{id}": "DELETE GET PATCH",
        "/projects/columns/cards/{id}/moves": "POST",
        "/projects/columns/{id}/cards": "GET POST",
        "/projects/{id}/columns": "POST",
        "/repos/{id}/{id2}": "DELETE GET PATCH",
        "/repos/{id}/{id2}/branches/main/protection": "DELETE PUT",
        "/repos/{id}/{id2}/collaborators": "GET",
        "/repos/{id}/{id2}/collaborators/{collaboratorId}": "DELETE PUT",
        "/repos/{id}/{id2}/commits/{commitId}/status": "GET",
        "/repos/{id}/{id2}/commits/{commitId}/statuses": "GET",
        "/repos/{id}/{id2}/contents/": "GET",
        "/repos/{id}/{id2}/contents/{contentId}": "GET PUT",
        "/repos/{id}/{id2}/git/refs": "POST",
        "/repos/{id}/{id2}/git/refs/": "GET",
        "/repos/{id}/{id2}/git/refs/heads/test": "DELETE PATCH",
        "/repos/{id}/{id2}/invitations": "GET",
        "/repos/{id}/{id2}/issues": "GET POST",
        "/repos/{id}/{id2}/issues/{issueId}/labels": "POST",
        "/repos/{id}/{id2}/issues/{issueId}/lock": "DELETE PUT",
        "/repos/{id}/{id2}/labels": "GET POST",
        "/repos/{id}/{id2}/labels/{labelId}": "DELETE GET PATCH",
        "/repos/{id}/{id2}/projects": "POST",
        "/repos/{id}/{id2}/releases": "POST",
        "/repos/{id}/{id2}/releases/assets/{assetId}": "DELETE GET PATCH",
        "/repos/{id}/{id2}/releases/tags/{tagId}": "GET",
        "/repos/{id}/{id2}/releases/{releaseId}/assets": "GET POST",
        "/repos/{id}/{id2}/statuses/{statusId}": "POST",
        "/repos/{id}/{id2}/tarball/main": "GET",
        "/repositories/{id}": "DELETE GET PATCH",
        "/repositories/{id}/issues": "GET",
        "/search/issues": "GET",
        "/teams/{id}/repos/{repoId}/{id2}": "PUT",
        "/user/repository_invitations/{id}": "PATCH",
    }
    for family in ("3.0", "3.1"):
        made = fragment(found, family)
        assert refusals(made, family) == []
        assert findings(made, seen) == []
