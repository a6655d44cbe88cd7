"""The walk: what it asks, in which order, what it spares, and what it says of operations that are not served."""

from __future__ import annotations

import hashlib
import json
import re
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from contract.core.evidence import Exchange, Request, Response
from contract.sources.probes import walk
from contract.sources.probes.walk import MAX_REQUESTS, Learnt, Options, deletes, is_dangerous
from contract.targets import http
from contract.targets.wsgi import WsgiTarget
from tests.conformance.test_real_documents import NAMES
from tests.conformance.test_real_documents import contract as real_contract
from tests.targets.serving import scripted

from .walking import (
    ANSWERS,
    BODY,
    JSON,
    TASK,
    Answer,
    Api,
    Asked,
    Shelf,
    Walked,
    contract,
    operation,
    shelf_paths,
    walked,
)

SAFE = ("GET", "HEAD", "OPTIONS")


def given(status: int, value: Any = None, **headers: str) -> Callable[[Asked], Answer]:
    return lambda asked: Answer(status, value, {name.replace("_", "-"): text for name, text in headers.items()})


def methods(result: Walked) -> list[str]:
    return [each.request.method for each in result.exchanges]


# --- order ------------------------------------------------------------------------------------------------------------


def test_a_resource_lives_its_life_readers_first_and_what_destroys_last() -> None:
    shelf = Shelf("1", "2")
    result = walked(shelf_paths(), Api(shelf.routes()))
    asked = [(each.request.method, each.request.url) for each in result.exchanges]
    writes = [index for index, (method, _) in enumerate(asked) if method not in SAFE]
    first_write, last_write = writes[0], max(index for index in writes if asked[index][0] != "DELETE")
    deletions = [index for index, (method, _) in enumerate(asked) if method == "DELETE"]
    # One careful request of each reader, then what else readers are asked, all before anything is written.
    assert asked[:2] == [("GET", "/tasks"), ("GET", "/tasks/1")]
    assert {path for method, path in asked[:first_write] if method == "GET"} >= {
        "/tasks",
        "/tasks/1",
        "/tasks/2147483646",
    }
    assert asked[first_write : first_write + 3] == [("POST", "/tasks"), ("POST", "/tasks"), ("PATCH", "/tasks/1001")]
    assert last_write < deletions[0]
    start = deletions[0]
    assert asked[start : start + 3] == [("DELETE", "/tasks/1001"), ("GET", "/tasks/1001"), ("DELETE", "/tasks/1001")]
    assert result.statuses("DELETE /tasks/{id}")[:2] == [204, 404]
    assert result.told == []


def test_what_lies_below_is_destroyed_before_what_holds_it() -> None:
    projects, tasks = Shelf("1"), Shelf("5")
    paths = {**shelf_paths("/projects"), **shelf_paths("/projects/{project}/tasks")}
    result = walked(paths, Api({**projects.routes("/projects"), **tasks.routes("/projects/{project}/tasks")}))
    order = [each.operation for each in result.exchanges if each.request.method == "DELETE"]
    assert list(dict.fromkeys(order)) == ["DELETE /projects/{project}/tasks/{id}", "DELETE /projects/{id}"]
    assert (projects.survived, tasks.survived, result.learnt.own) == (True, True, [])


def test_each_broken_request_is_sent_once() -> None:
    shelf = Shelf("1")
    paths = shelf_paths()
    del paths["/tasks/{id}"]["delete"]  # which would take its share
    paths["/tasks"]["post"]["security"] = [{"key": []}]
    paths["/tasks"]["post"]["parameters"] = [
        {"name": "notify", "in": "query", "required": True, "schema": {"type": "boolean"}}
    ]
    root = {"components": {"securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "X-Key"}}}}
    api = Api(shelf.routes())
    result = walked(paths, api, headers=(("X-Key", "k-1"),), root=root)
    posts = [asked for asked in api.log if asked.method == "POST"]
    keys = [asked.headers.get("x-key") for asked in posts]
    assert None in keys  # no credentials
    assert any(key not in (None, "k-1") for key in keys)  # wrong ones
    assert "" in {asked.query for asked in posts}  # the required parameter left out
    assert any(asked.body == b"" for asked in posts)  # no body
    assert any(asked.body and asked.json is None and asked.body != b"null" and "json" in asked.headers["content-type"] for asked in posts)  # fmt: skip
    assert any(isinstance(asked.json, dict) and "zq7_undeclared" in asked.json for asked in posts)  # unknown field
    assert any(asked.json == {} for asked in posts)  # the required property left out
    assert any(isinstance(asked.json, dict) and isinstance(asked.json.get("title"), int) for asked in posts)  # its type
    assert "application/x-zq7" in {asked.headers["content-type"] for asked in posts}  # an unsupported media type
    assert "application/x-zq7" in {asked.headers["accept"] for asked in posts}  # an Accept that nothing satisfies
    assert "/tasks/" in {asked.path for asked in posts}  # a slash at the end
    reads = {asked.path for asked in api.log if asked.method == "GET"}
    assert {"/tasks/2147483646", "/tasks/zq7-ill-formed"} <= reads  # unknown, ill-formed
    assert [kind for kind, key in result.told if key == "POST /tasks"] == ["auth-not-enforced"] * 2


# --- how much ---------------------------------------------------------------------------------------------------------


def wide(count: int) -> dict[str, Any]:
    """A schema with so many properties, each with constraints that can be broken."""
    kinds = [
        {"type": "string", "minLength": 2, "maxLength": 9, "pattern": "^[a-z]+$"},
        {"type": "integer", "minimum": 1, "maximum": 9},
        {"type": "string", "enum": ["a", "b", "c"]},
        {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 3},
    ]
    names = [f"p{number}" for number in range(count)]
    return {
        "type": "object",
        "required": names[::2],
        "properties": {name: kinds[n % 4] for n, name in enumerate(names)},
    }


def test_no_operation_is_asked_more_than_its_share() -> None:
    shelf = Shelf(*map(str, range(1, 30)))
    parameters = [
        {"name": f"q{number}", "in": "query", "required": number % 3 == 0, "schema": {"type": "integer", "maximum": 50}}
        for number in range(20)
    ]
    body = {"required": True, "content": {JSON: {"schema": {**wide(40), "additionalProperties": False}}}}
    paths = shelf_paths()
    paths["/tasks"]["get"]["parameters"] = parameters
    paths["/tasks"]["post"] = operation(body=body)
    paths["/tasks/{id}"]["patch"] = operation("id", body=body, parameters=parameters)
    for verb in ("archive", "star", "labels"):
        paths[f"/tasks/{{id}}/{verb}"] = {"delete": operation("id")}

    def create(asked: Asked) -> Answer:
        return shelf.create(replace(asked, body=b'{"title": "x"}'))

    routes = {**shelf.routes(), "POST /tasks": create}
    routes |= {f"DELETE /tasks/{{id}}/{verb}": given(204) for verb in ("archive", "star", "labels")}
    api = Api(routes)
    result = walked(paths, api)
    assert max(result.per_operation.values()) <= MAX_REQUESTS == 40
    assert len(api.log) == len(result.exchanges) == sum(result.per_operation.values())
    assert result.per_operation["PATCH /tasks/{id}"] >= 38  # a wide one uses what it may
    assert shelf.survived
    assert set(result.per_operation) == {op.key for op in contract(paths).operations}


@pytest.mark.parametrize("most", [1, 2, 7])
def test_the_share_can_be_made_smaller(most: int) -> None:
    shelf = Shelf("1")
    result = walked(shelf_paths(), Api(shelf.routes()), max_requests=most)
    assert max(result.per_operation.values()) == most
    assert shelf.survived


def test_a_list_of_constraints_is_broken_one_at_a_time() -> None:
    schema = {
        "type": "object",
        "required": ["name", "size"],
        "properties": {
            "name": {"type": "string", "minLength": 2, "maxLength": 12},
            "size": {"type": "integer", "minimum": 1, "maximum": 5},
        },
    }
    api = Api({"POST /boxes": given(201, {"id": 1})})
    walked({"/boxes": {"post": operation(body={"required": True, "content": {JSON: {"schema": schema}}})}}, api)
    bodies = [asked.json for asked in api.log if isinstance(asked.json, dict)]
    names = [body["name"] for body in bodies if isinstance(body.get("name"), str)]
    sizes = [body["size"] for body in bodies if isinstance(body.get("size"), int)]
    assert min(map(len, names)) < 2 and max(map(len, names)) > 12
    assert min(sizes) < 1 and max(sizes) > 5
    whole = [body for body in bodies if {"name", "size"} <= body.keys() and isinstance(body["name"], str) and isinstance(body["size"], int)]  # fmt: skip
    both = [body for body in whole if not 2 <= len(body["name"]) <= 12 and not 1 <= body["size"] <= 5]
    assert both == []


# --- the same in every run --------------------------------------------------------------------------------------------


def styles() -> dict[str, Callable[[], Shelf]]:
    return {
        "201 with the thing": lambda: Shelf("0", "1", "17"),
        "200 with `data`": lambda: Shelf("0", "1", "17", wrapped=True, created=200),
        "201 with Location": lambda: Shelf("0", "1", "17", located=True),
        "names that are taken": lambda: Shelf("0", "1", "17", unique=True),
        "ids that are texts": lambda: Shelf("0", "17", "z", "abc", "-1", numbered=False),
    }


@pytest.mark.parametrize("style", styles())
@pytest.mark.parametrize("kind", ["integer", "string"])
def test_two_walks_through_an_unchanged_service_are_the_same(style: str, kind: str) -> None:
    one, other = (walked(shelf_paths(kind=kind), Api(styles()[style]().routes())) for _ in range(2))
    assert one.sent == other.sent
    assert [str(each) for each in one.complaints] == [str(each) for each in other.complaints]
    assert (one.learnt, one.progress) == (other.learnt, other.progress)


def test_only_what_must_be_new_differs_where_names_are_taken() -> None:
    def run(fresh: int) -> list[tuple[str, str, str]]:
        shelf = Shelf("1", unique=True)
        result = walked(shelf_paths(), Api(shelf.routes()), fresh=fresh)
        return [(method, url, re.sub(r"\d{5,}", "N", (body or b"").decode())) for method, url, _, body in result.sent]

    assert run(111_111) == run(555_555)


# --- what is spared ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("style", styles())
@pytest.mark.parametrize("kind", ["integer", "string"])
def test_nothing_is_deleted_that_the_walk_did_not_make(style: str, kind: str) -> None:
    shelf = styles()[style]()
    result = walked(shelf_paths(kind=kind), Api(shelf.routes()))
    assert shelf.survived
    assert (kind == "integer" and style == "ids that are texts") or shelf.deleted  # and what it made, it deleted
    left = set(shelf.things) - shelf.fixtures
    assert {path.rpartition("/")[2] for path in result.learnt.own} == left


def test_an_answer_without_an_id_tells_of_the_things_that_are_there() -> None:
    shelf = Shelf("1")
    routes = {**shelf.routes(), "GET /tasks/{id}": lambda asked: Answer(200 if asked.parts[0] in shelf.things else 404, {"title": "x"})}  # fmt: skip
    routes["PUT /tasks/{id}"] = shelf.upsert
    del routes["GET /tasks"], routes["POST /tasks"]
    paths = shelf_paths()
    del paths["/tasks"]
    paths["/tasks/{id}"]["put"] = operation("id", body=BODY)
    walked(paths, Api(routes), ids={"id": [1]})
    assert shelf.survived


@pytest.mark.parametrize("created", [200, 201, 204])
def test_what_a_put_replaces_is_not_its_own(created: int) -> None:
    shelf = Shelf("1", "zq", "name", numbered=False, created=created)
    paths = {
        "/tags/{name}": {
            "put": operation("name", kind="string", body=BODY),
            "delete": operation("name", kind="string"),
        }
    }
    paths["/tags/{name}"]["put"]["parameters"][0]["example"] = "name"
    walked(paths, Api({"PUT /tags/{name}": shelf.upsert, "DELETE /tags/{name}": shelf.delete}))
    assert shelf.survived
    assert shelf.deleted


@pytest.mark.parametrize("created", [200, 201])
def test_what_a_put_makes_where_nothing_was_is_deleted_again(created: int) -> None:
    shelf = Shelf("1", numbered=False, created=created)
    paths = shelf_paths("/tags", kind="string")
    paths["/tags/{id}"]["put"] = operation("id", kind="string", body=BODY)
    del paths["/tags"]["post"]
    routes = {**shelf.routes("/tags"), "PUT /tags/{id}": shelf.upsert}
    del routes["POST /tags"]
    walked(paths, Api(routes))
    assert shelf.survived and shelf.deleted


def test_what_a_post_finds_is_not_its_own() -> None:
    shelf = Shelf("3", "4")

    def find(asked: Asked) -> Answer:
        """The thing of that title; there is one already."""
        return Answer(200, shelf.things["3"]) if isinstance(asked.json, dict) else Answer(422, {})

    paths = shelf_paths()
    for reader in ("/tasks", "/tasks/{id}"):
        del paths[reader]["get"]
    walked(paths, Api({"POST /tasks": find, "DELETE /tasks/{id}": shelf.delete, "PATCH /tasks/{id}": shelf.change}))
    assert shelf.survived and shelf.deleted == []


def test_a_long_list_is_known_to_its_end() -> None:
    shelf = Shelf(*map(str, range(1, 60)))

    def find(asked: Asked) -> Answer:
        return Answer(201, shelf.things["55"]) if isinstance(asked.json, dict) else Answer(422, {})

    walked(shelf_paths(), Api({**shelf.routes(), "POST /tasks": find}))
    assert shelf.survived and shelf.deleted == []


@pytest.mark.parametrize("verb", ["search", "{id}/move", "{id}/clone", "import"])
@pytest.mark.parametrize("status", [200, 201])
def test_what_an_action_answers_is_not_its_own(verb: str, status: int) -> None:
    shelf = Shelf("1", "2", "3")
    path = f"/tasks/{verb}"
    paths = shelf_paths()
    del paths["/tasks"]["get"]  # so that nothing tells which there are
    paths[path] = {"post": operation(*(["id"] if "{" in verb else []), body=BODY)}

    def act(asked: Asked) -> Answer:
        return Answer(status, {"id": int(asked.parts[0]) if asked.parts else 3}, {"Location": f"/tasks/{asked.parts[0]}"} if asked.parts else {})  # fmt: skip

    routes: dict[str, Any] = {f"POST {path}": act}
    routes |= {key: handler for key, handler in shelf.routes().items() if key != "GET /tasks"}
    walked(paths, Api(routes))
    assert shelf.survived


def test_a_job_that_makes_a_thing_is_not_the_thing() -> None:
    shelf = Shelf("55", "1")
    jobs = Shelf("54")

    def later(asked: Asked) -> Answer:
        jobs.things["55"] = {"id": 55}
        return Answer(202, {"id": 55}, {"Location": "/jobs/55"})

    paths = {**shelf_paths(), **shelf_paths("/jobs")}
    del paths["/tasks"]["get"], paths["/jobs"]["post"]
    routes = {**jobs.routes("/jobs"), **shelf.routes(), "POST /tasks": later}
    walked(paths, Api(routes))
    assert shelf.survived
    assert jobs.fixtures <= set(jobs.things)


def test_whoever_makes_a_thing_may_choose_its_id() -> None:
    made: dict[str, Any] = {}

    def create(asked: Asked) -> Answer:
        name = asked.json.get("connection_id") if isinstance(asked.json, dict) else None
        if not isinstance(name, str) or name in made:
            return Answer(409 if name in made else 400, {"error": "connection_id"})
        made[name] = asked.json
        return Answer(200, asked.json)

    def delete(asked: Asked) -> Answer:
        return Answer(204) if made.pop(asked.parts[0], None) is not None else Answer(404, {"error": "none"})

    schema = {"type": "object", "required": ["connection_id"], "properties": {"connection_id": {"type": "string"}}}
    paths = {
        "/connections": {"post": operation(body={"required": True, "content": {JSON: {"schema": schema}}})},
        "/connections/{connection_id}": {"delete": operation("connection_id", kind="string")},
    }
    result = walked(paths, Api({"POST /connections": create, "DELETE /connections/{connection_id}": delete}))
    assert 204 in result.statuses("DELETE /connections/{connection_id}")
    assert result.learnt.own == []


def test_a_thing_that_the_request_names_is_not_its_own() -> None:
    roles, users = Shelf("3", "4"), Shelf("7")
    link = {"type": "object", "required": ["role_id"], "properties": {"role_id": {"type": "integer", "example": 3}}}
    paths: dict[str, Any] = {
        **shelf_paths("/users"),
        "/users/{id}/roles": {"post": operation("id", body={"required": True, "content": {JSON: {"schema": link}}})},
        "/roles/{id}": {"delete": operation("id")},
    }
    routes = {**users.routes("/users"), "DELETE /roles/{id}": roles.delete}
    routes["POST /users/{id}/roles"] = lambda asked: Answer(201, {"id": (asked.json or {}).get("role_id", 4) if isinstance(asked.json, dict) else 4})  # fmt: skip
    walked(paths, Api(routes))
    assert "3" in roles.things


def test_a_collection_is_not_deleted_nor_what_lies_below_others_things() -> None:
    projects, tasks = Shelf("1", "2"), Shelf("5")
    emptied: list[str] = []

    def empty(asked: Asked) -> Answer:
        emptied.append(asked.parts[0] if asked.parts else "all")
        return Answer(204)

    paths = {**shelf_paths("/projects"), **shelf_paths("/projects/{project}/tasks")}
    paths["/projects"]["delete"] = operation()
    paths["/projects/{project}/tasks"]["delete"] = operation("project")
    routes = {**projects.routes("/projects"), **tasks.routes("/projects/{project}/tasks")}
    routes |= {"DELETE /projects": empty, "DELETE /projects/{project}/tasks": empty}
    walked(paths, Api(routes))
    assert not {"1", "2", "all"} & set(emptied)
    assert (projects.survived, tasks.survived) == (True, True)


def test_a_deletion_with_a_body_names_nobody_elses_things() -> None:
    shelf = Shelf("1", "2", "3")

    def delete(asked: Asked) -> Answer:
        for name in (asked.json or {}).get("ids", []) if isinstance(asked.json, dict) else []:
            shelf.things.pop(str(name), None)
            shelf.deleted.append(str(name))
        return Answer(204)

    schema = {"type": "object", "required": ["ids"], "properties": {"ids": {"type": "array", "items": {"type": "integer", "example": 1}}}}  # fmt: skip
    body = {"required": True, "content": {JSON: {"schema": schema}}}
    paths = shelf_paths()
    paths["/tasks"]["delete"] = operation(body=body)
    paths["/tasks/bulk-delete"] = {"post": operation(body=body)}
    paths["/tasks:delete"] = {"post": operation(body=body)}
    routes = {
        **shelf.routes(),
        "DELETE /tasks": delete,
        "POST /tasks/bulk-delete": delete,
        "POST /tasks:delete": delete,
    }
    walked(paths, Api(routes))
    assert shelf.survived


@pytest.mark.parametrize(("method", "safe"), [("POST", False), ("GET", False), ("GET", True)])
def test_a_verb_that_deletes_is_a_deletion(method: str, safe: bool) -> None:
    shelf = Shelf("1", "2")
    paths = shelf_paths()
    paths["/tasks/{id}/delete"] = {method.lower(): operation("id")}
    result = walked(paths, Api({**shelf.routes(), f"{method} /tasks/{{id}}/delete": shelf.delete}), safe=safe)
    assert shelf.survived
    assert bool(result.of(f"{method} /tasks/{{id}}/delete")) is not safe
    assert result.learnt.own == []


@pytest.mark.parametrize(
    ("key", "is_one"),
    [
        ("DELETE /tasks/{id}", True),
        ("POST /tasks/{id}/delete", True),
        ("POST /tasks/bulk_delete", True),
        ("POST /tasks:batchDelete", True),
        ("POST /tasks/removeAll", True),
        ("GET /tasks/{id}/destroy", True),
        ("POST /tasks/{id}/undelete", False),
        ("GET /tasks/deleted", False),
        ("POST /deletions", False),
        ("POST /tasks/{delete}", False),
        ("GET /", False),
    ],
)
def test_deletions_are_known_by_method_and_verb(key: str, is_one: bool) -> None:
    method, _, path = key.partition(" ")
    names = re.findall(r"\{(\w+)\}", path)
    assert deletes(contract({path: {method.lower(): operation(*names)}}).operations[0]) is is_one


def test_parents_of_things_are_kept_together() -> None:
    """Task 5 is in project 2 alone: `/projects/1/tasks/5` is not asked plainly for what exists."""
    places = {"1": {"4"}, "2": {"5"}}

    def tasks(asked: Asked) -> Answer:
        return Answer(200, [{"id": int(each)} for each in places.get(asked.parts[0], ())])

    def task(asked: Asked) -> Answer:
        there = asked.parts[1] in places.get(asked.parts[0], ())
        return Answer(200, {"id": int(asked.parts[1])}) if there else Answer(404, {"error": "none"})

    paths = {
        "/projects": {"get": operation()},
        "/projects/{project_id}/tasks": {"get": operation("project_id")},
        "/projects/{project_id}/tasks/{task_id}": {"get": operation("project_id", "task_id")},
    }
    routes = {"GET /projects": given(200, [{"id": 1}, {"id": 2}]), "GET /projects/{p}/tasks": tasks, "GET /projects/{p}/tasks/{t}": task}  # fmt: skip
    result = walked(paths, Api(routes))
    first = result.of("GET /projects/{project_id}/tasks/{task_id}")[0]
    assert first.url == "/projects/1/tasks/4"
    seen = result.learnt.ids
    assert (seen["GET /projects/{project_id}/tasks", "project_id"]) == [1, 2]


def test_things_that_strangers_could_make_are_cleared_away_too() -> None:
    """Nobody is refused, so requests without credentials make things as well."""
    shelf = Shelf("1")
    paths = shelf_paths()
    paths["/tasks"]["post"]["security"] = [{"key": []}]
    root = {"components": {"securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "X-Key"}}}}
    result = walked(paths, Api(shelf.routes()), headers=(("X-Key", "k-1"),), root=root)
    assert set(shelf.things) - shelf.fixtures == {path.rpartition("/")[2] for path in result.learnt.own}
    assert [each for each in result.told if each[0] == "auth-not-enforced"] == [
        ("auth-not-enforced", "POST /tasks")
    ] * 2


def test_what_could_not_be_deleted_is_left_with_its_path() -> None:
    shelf = Shelf("1")
    result = walked(shelf_paths(), Api({**shelf.routes(), "DELETE /tasks/{id}": given(403, {"error": "no"})}))
    made = [f"/tasks/{name}" for name in shelf.things if name not in shelf.fixtures]
    assert made and sorted(result.learnt.own) == sorted(made)


# --- safe, dangerous --------------------------------------------------------------------------------------------------


def test_safe_mode_only_reads() -> None:
    shelf = Shelf("1", "2")
    paths = shelf_paths()
    paths["/tasks"] |= {"head": operation(), "trace": operation()}
    result = walked(paths, Api({**shelf.routes(), "HEAD /tasks": given(200)}), safe=True)
    assert set(methods(result)) == {"GET", "HEAD"}
    assert set(result.per_operation) == {"GET /tasks", "GET /tasks/{id}", "HEAD /tasks"}
    assert set(shelf.things) == {"1", "2"}


@pytest.mark.parametrize(
    ("method", "path", "operation_id", "is_one"),
    [
        ("POST", "/admin/shutdown", None, True),
        ("POST", "/system/factory-reset", None, True),
        ("POST", "/queues/{id}/purge", None, True),
        ("DELETE", "/queues/{id}/contents", "purgeQueue", True),
        ("GET", "/auth/logout", None, True),
        ("POST", "/sessions/end", "signOut", True),
        ("POST", "/x", "resetDatabase", True),
        ("POST", "/x", "reset_password", True),
        ("DELETE", "/resets/{id}", "resetDelete", False),
        ("DELETE", "/drops/{id}", "dropItem", False),
        ("POST", "/presets", "createPreset", False),
        ("GET", "/shutdowns", "listShutdowns", False),
        ("GET", "/tasks/{shutdown}", None, False),
        ("POST", "/tasks", "createTask", False),
    ],
)
def test_dangerous_operations_are_known_by_name(method: str, path: str, operation_id: str | None, is_one: bool) -> None:
    names = re.findall(r"\{(\w+)\}", path)
    more = {"operationId": operation_id} if operation_id else {}
    assert is_dangerous(contract({path: {method.lower(): operation(*names, **more)}}).operations[0]) is is_one


def test_what_is_left_out_is_never_asked() -> None:
    paths = {"/tasks": {"get": operation(), "post": operation(body=BODY)}}
    api = Api({"GET /tasks": given(200, []), "POST /tasks": given(201, {"id": 1})})
    result = walked(paths, api, left_out=frozenset({"POST /tasks"}))
    assert {asked.method for asked in api.log} == {"GET"}
    assert result.progress[-1].phase == "end"


# --- operation-not-served ---------------------------------------------------------------------------------------------

LIST = {"/tasks": {"get": operation()}}
ITEM = {"/tasks": {"get": operation()}, "/tasks/{id}": {"get": operation("id")}}


@pytest.mark.parametrize("status", [501, 405])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH"])
def test_an_operation_that_always_answers_501_or_405_is_not_served(status: int, method: str) -> None:
    body = None if method == "GET" else BODY
    undeclared = {key: value for key, value in ANSWERS.items() if key != "405"}
    paths = {"/tasks": {method.lower(): {**operation(body=body), "responses": undeclared}}}
    result = walked(paths, Api({f"{method} /tasks": given(status, {"error": "no"})}))
    assert result.told == [("operation-not-served", f"{method} /tasks")]
    assert result.complaints[0].message == f"Every honest request is answered with {status}."


def test_a_status_that_is_declared_is_an_answer() -> None:
    paths = {"/tasks": {"get": {**operation(), "responses": {**ANSWERS, "501": {"description": "."}}}}}
    assert walked(paths, Api({"GET /tasks": given(501)})).told == []


def test_a_deletion_that_is_not_served_is_told() -> None:
    shelf = Shelf("1")
    result = walked(shelf_paths(), Api({**shelf.routes(), "DELETE /tasks/{id}": given(501, {})}))
    assert result.told == [("operation-not-served", "DELETE /tasks/{id}")]
    assert shelf.survived


def test_a_deletion_that_never_finds_what_was_made_is_not_served() -> None:
    shelf = Shelf("1")
    result = walked(shelf_paths(), Api({**shelf.routes(), "DELETE /tasks/{id}": given(404, {"error": "none"})}))
    assert result.told == [("operation-not-served", "DELETE /tasks/{id}")]


def test_a_deletion_of_what_nobody_can_read_may_not_find_it() -> None:
    """The id that a creation answers with is not that of the thing: readers do not know it either."""
    routes = {
        "POST /tasks": given(201, {"id": 5}),
        "GET /tasks/{id}": given(404, {}),
        "DELETE /tasks/{id}": given(404, {}),
    }
    paths = shelf_paths()
    del paths["/tasks"]["get"], paths["/tasks/{id}"]["patch"]
    result = walked(paths, Api(routes))
    assert ("operation-not-served", "DELETE /tasks/{id}") not in result.told


@pytest.mark.parametrize("is_routers", [True, False])
def test_a_404_may_be_about_what_the_body_names(is_routers: bool) -> None:
    schema = {"type": "object", "required": ["user_id"], "properties": {"user_id": {"type": "integer"}}}
    shelf = Shelf("1")
    paths = shelf_paths()
    body = {"required": True, "content": {JSON: {"schema": schema}}}
    paths["/tasks/{id}/assign"] = {"post": operation("id", body=body)}
    result = walked(
        paths,
        Api(
            {**shelf.routes(), "POST /tasks/{id}/assign": given(404, {"error": "router" if is_routers else "no user"})}
        ),
        is_router_s=lambda exchange: exchange.response is not None and b"router" in exchange.response.body,
    )
    assert result.told == ([("operation-not-served", "POST /tasks/{id}/assign")] if is_routers else [])


def test_an_item_that_is_known_and_never_found_is_not_served() -> None:
    api = Api({"GET /tasks": given(200, [{"id": 1}, {"id": 2}])})
    result = walked(ITEM, api)
    assert result.told == [("operation-not-served", "GET /tasks/{id}")]
    assert result.complaints[0].message == "Every honest request is answered with 404 for what is known to exist."
    assert result.complaints[0].exchanges[-1].request.url == "/tasks/1"


@pytest.mark.parametrize(("reason", "is_told"), [("Invalid foreign key.", False), ("No such letters.", True)])
def test_a_reference_to_what_is_not_there_is_no_drift(reason: str, is_told: bool) -> None:
    def create(asked: Asked) -> Answer:
        if not isinstance(asked.json, dict) or "parent" in asked.json:
            return Answer(400, {"error": reason if isinstance(asked.json, dict) else "no object"})
        return Answer(201, {"id": 1})

    schema = {"type": "object", "properties": {"name": {"type": "string"}, "parent": {"type": "integer"}}}
    paths = {"/folders": {"post": operation(body={"required": True, "content": {JSON: {"schema": schema}}})}}
    told = walked(paths, Api({"POST /folders": create})).told
    assert (("valid-request-refused", "POST /folders") in told) == is_told


@pytest.mark.parametrize("is_routers", [True, False])
def test_what_lies_inside_of_a_thing_may_be_absent(is_routers: bool) -> None:
    """The operation itself says that there is no picture, as the document says that it may."""
    paths = {"/tasks": {"get": operation()}, "/tasks/{id}/picture": {"get": operation("id")}}
    api = Api(
        {
            "GET /tasks": given(200, [{"id": 1}, {"id": 2}]),
            "GET /tasks/{id}/picture": given(404, {"error": "router" if is_routers else "no picture"}),
        }
    )
    of_router = lambda exchange: exchange.response is not None and b"router" in exchange.response.body  # noqa: E731
    told = walked(paths, api, is_router_s=of_router).told
    assert told == ([("operation-not-served", "GET /tasks/{id}/picture")] if is_routers else [])


@pytest.mark.parametrize("others", [[], ["bob"]])
def test_whoever_asks_does_not_change_its_own_account(others: list[str]) -> None:
    """With another password nothing else would be answered any more."""
    accounts = {name: {"username": name, "roles": ["admin"]} for name in ("ann", *others)}
    changed: list[str] = []

    def change(asked: Asked) -> Answer:
        if asked.parts[0] not in accounts:
            return Answer(404, {"error": "nobody"})
        changed.append(asked.parts[0])
        return Answer(200, accounts[asked.parts[0]])

    def read(asked: Asked) -> Answer:
        return Answer(200, accounts[asked.parts[0]]) if asked.parts[0] in accounts else Answer(404, {"error": "nobody"})

    schema = {"type": "object", "properties": {"password": {"type": "string"}, "roles": {"type": "array"}}}
    body = {"required": True, "content": {JSON: {"schema": schema}}}
    paths = {
        "/users": {"get": operation()},
        "/users/{username}": {
            "get": operation("username", kind="string"),
            "patch": operation("username", kind="string", body=body),
        },
        "/users/{username}/roles": {"put": operation("username", kind="string", body=body)},
        "/users/{username}/notes": {"post": operation("username", kind="string", body=body)},
    }
    noted: list[str] = []

    def note(asked: Asked) -> Answer:
        noted.append(asked.parts[0])
        return Answer(201, {})

    api = Api(
        {
            "GET /users": given(200, [*accounts.values()]),
            "GET /users/{username}": read,
            "PATCH /users/{username}": change,
            "PUT /users/{username}/roles": change,
            "POST /users/{username}/notes": note,
        }
    )
    result = walked(paths, api, headers=(("Authorization", "Basic YW5uOnB3"),))
    assert set(changed) == set(others)
    assert "ann" in noted
    assert 200 in result.statuses("GET /users/{username}")


def test_an_item_of_which_no_id_is_known_is_not_said_to_be_missing() -> None:
    api = Api({"GET /tasks": given(200, []), "GET /tasks/{id}": given(404, {"error": "no such task"})})
    assert walked(ITEM, api).told == []


@pytest.mark.parametrize("status", [404, 405, 501])
def test_a_router_that_looks_at_the_query_is_asked_with_all_of_it(status: int) -> None:
    parameters = [{"name": "from", "in": "query", "schema": {"type": "string"}}]
    for method in ("get", "post"):
        paths = {"/images": {method: operation(parameters=parameters)}}
        served = walked(
            paths,
            Api({f"{method.upper()} /images": lambda asked: Answer(200 if "from=" in asked.query else status, {})}),
        )
        assert [each.kind for each in served.complaints if each.kind == "operation-not-served"] == []
        never = walked(paths, Api({f"{method.upper()} /images": given(status, {})}), is_router_s=lambda _: True)
        assert [each.kind for each in never.complaints if each.kind == "operation-not-served"] == [
            "operation-not-served"
        ]


def test_some_items_that_are_found_are_enough() -> None:
    def read(asked: Asked) -> Answer:
        return Answer(200, {"id": 2}) if asked.parts[0] == "2" else Answer(404, {"error": "archived"})

    assert walked(ITEM, Api({"GET /tasks": given(200, [{"id": 1}, {"id": 2}]), "GET /tasks/{id}": read})).told == []


@pytest.mark.parametrize("is_routers", [True, False])
def test_a_404_without_parameters_is_missing_only_if_it_is_the_routers(is_routers: bool) -> None:
    def of_router(exchange: Exchange) -> bool:
        return exchange.response is not None and exchange.response.json == {"error": "router"}

    routes = {} if is_routers else {"GET /tasks": given(404, {"error": "no tasks yet"})}
    told = walked(LIST, Api(routes), is_router_s=of_router).told
    assert told == ([("operation-not-served", "GET /tasks")] if is_routers else [])


@pytest.mark.parametrize("status", [401, 403, 429, 500, 503])
def test_other_refusals_do_not_say_that_it_is_not_served(status: int) -> None:
    assert walked(LIST, Api({"GET /tasks": given(status, {"error": "."})})).told == []


def over_http(paths: dict[str, Any], origin: str, **options: Any) -> Walked:
    target = http.open(origin, timeout_s=2.0)
    try:
        return walked(paths, None, target=target, **options)
    finally:
        target.close()


def test_a_connection_that_is_dropped_each_time_is_not_served() -> None:
    with scripted(lambda connection, sent: None) as origin:
        result = over_http(LIST, origin)
    assert result.told == [("operation-not-served", "GET /tasks")]
    assert result.complaints[0].message.startswith("No honest request gets an answer: connection closed")


def test_an_answer_that_nobody_can_read_is_an_answer() -> None:
    def noise(connection: socket.socket, sent: bytes) -> None:
        connection.sendall(b"220 mail.example.com ESMTP\r\n\r\n")

    with scripted(noise) as origin:
        assert over_http(LIST, origin).told == []


# --- credentials ------------------------------------------------------------------------------------------------------

SECURED: dict[str, Any] = {"components": {"securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "X-Key"}}}}  # fmt: skip


def guarded(is_let_in: Callable[[str | None], bool]) -> Api:
    def answer(asked: Asked) -> Answer:
        return Answer(200, []) if is_let_in(asked.headers.get("x-key")) else Answer(401, {"error": "who?"})

    return Api({"GET /tasks": answer})


@pytest.mark.parametrize(
    ("is_let_in", "told"),
    [
        (lambda key: key == "k-1", []),
        (lambda key: key is not None, ["security:made-up"]),
        (lambda key: True, ["security:none", "security:made-up"]),
    ],
)
def test_credentials_are_left_out_and_made_up(is_let_in: Callable[[str | None], bool], told: list[str]) -> None:
    paths = {"/tasks": {"get": operation(security=[{"key": []}])}}
    result = walked(paths, guarded(is_let_in), headers=(("X-Key", "k-1"),), root=SECURED)
    assert [(each.kind, each.where) for each in result.complaints] == [("auth-not-enforced", where) for where in told]


def test_an_operation_that_needs_none_may_be_asked_without() -> None:
    result = walked(LIST, guarded(lambda key: True), headers=(("X-Key", "k-1"),))
    assert result.told == []


def test_a_credential_that_is_made_up_is_of_the_same_form() -> None:
    api = Api({"GET /tasks": given(401, {})})
    walked(LIST, api, headers=(("Authorization", "Bearer abc"),))
    assert {asked.headers.get("authorization") for asked in api.log} == {"Bearer abc", None, "Bearer zq7.made.up"}
    api = Api({"GET /tasks": given(401, {})})
    walked(LIST, api, headers=(("Authorization", "Basic dTpw"),))
    basic = {asked.headers.get("authorization") for asked in api.log} - {"Basic dTpw", None}
    assert len(basic) == 1 and basic.pop().startswith("Basic ")  # type: ignore[union-attr]


def test_a_header_that_the_user_sends_and_nobody_declares_is_missed() -> None:
    def answer(asked: Asked) -> Answer:
        return Answer(200, []) if asked.headers.get("x-tenant") == "acme" else Answer(400, {"error": "which tenant?"})

    headers = (("X-Tenant", "acme"), ("Authorization", "Bearer abc"))
    api = Api({"GET /tasks": answer})
    result = walked(LIST, api, headers=headers)
    assert {asked.headers.get("authorization") for asked in api.log if "x-tenant" not in asked.headers} == {
        "Bearer abc"
    }
    assert [(each.kind, each.where) for each in result.complaints] == [("valid-request-refused", "header:X-Tenant")]
    declared = {"/tasks": {"get": operation(parameters=[{"name": "X-Tenant", "in": "header", "required": True, "schema": {"type": "string"}}])}}  # fmt: skip
    result = walked(declared, Api({"GET /tasks": answer}), headers=headers)
    assert [each.where for each in result.complaints if each.where == "header:X-Tenant" and "not declared" in each.message] == []  # fmt: skip


# --- refusals of honest requests --------------------------------------------------------------------------------------


def test_what_a_refusal_says_is_used_once_to_do_better() -> None:
    def create(asked: Asked) -> Answer:
        name = (asked.json or {}).get("name", "") if isinstance(asked.json, dict) else ""
        if not isinstance(name, str) or len(name) < 12:
            return Answer(422, {"errors": {"name": ["name must have at least 12 characters"]}})
        return Answer(201, {"id": 1})

    schema = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}
    paths = {"/boxes": {"post": operation(body={"required": True, "content": {JSON: {"schema": schema}}})}}
    result = walked(paths, Api({"POST /boxes": create}))
    assert 201 in result.statuses("POST /boxes")
    media, body = result.learnt.bodies["POST /boxes"]
    assert media == JSON and len(body["name"]) >= 12


def test_a_server_that_says_one_thing_at_a_time_is_followed_to_the_end() -> None:
    """Nothing is required, all is wanted; a name is of a form that only the description tells."""

    def create(asked: Asked) -> Answer:
        body = asked.json if isinstance(asked.json, dict) else {}
        for name in ("name", "kind", "servers"):
            if not body.get(name):
                return Answer(422, {"error": f"Key '{name}' not present"})
        if not str(body["name"]).endswith(".example."):
            return Answer(422, {"error": f"Name '{body['name']}' is not good"})
        if not str(body["servers"][0]).endswith("."):
            return Answer(422, {"error": f"Server is not canonical: '{body['servers'][0]}'"})
        if body.keys() - {"name", "kind", "servers"}:
            return Answer(422, {"error": "too much"})
        return Answer(201, {"id": 1})

    schema = {
        "properties": {
            **{name: {"type": "string"} for name in ("serial", "account", "key")},
            "name": {"type": "string", "description": "Its name (e.g. “zone.example.”) MUST have a trailing dot"},
            "kind": {"type": "string", "enum": ["one", "other"]},
            "servers": {"type": "array", "items": {"type": "string"}},
        }
    }
    paths = {"/zones": {"post": operation(body={"required": True, "content": {JSON: {"schema": schema}}})}}
    result = walked(paths, Api({"POST /zones": create}))
    assert result.learnt.bodies["POST /zones"] == (
        JSON,
        {"name": "zone.example.", "kind": "one", "servers": ["host.example.com."]},
    )
    assert len(result.exchanges) <= MAX_REQUESTS
    # What is odd in one place is odd in that place alone: beside it stands what was taken.
    bodies = []
    for asked in result.of("POST /zones"):
        try:
            bodies.append(json.loads(asked.body or b"null"))
        except ValueError:
            continue  # malformed on purpose
    odd = [body for body in bodies if isinstance(body, dict) and "account" in body]
    assert odd and sum(body.get("kind") == "one" and "serial" not in body for body in odd) >= len(odd) - 2


def test_a_taken_name_is_made_new() -> None:
    shelf = Shelf("1", unique=True)
    shelf.things["1"]["title"] = "title"
    result = walked(shelf_paths(), Api(shelf.routes()))
    assert result.statuses("POST /tasks")[0] == 409
    assert 201 in result.statuses("POST /tasks")


# --- ids --------------------------------------------------------------------------------------------------------------


def test_ids_that_the_user_gives_come_first() -> None:
    api = Api({"GET /tasks": given(200, [{"id": 1}]), "GET /tasks/{id}": given(200, {"id": 9})})
    for name in ("task", "task_id", "id"):
        result = walked({"/tasks": {"get": operation()}, "/tasks/{id}": {"get": operation("id")}}, api, ids={name: [9]})
        assert result.of("GET /tasks/{id}")[0].url == "/tasks/9", name


def test_ids_that_the_user_gives_are_not_deleted() -> None:
    shelf = Shelf("9", "8", numbered=False)
    paths = shelf_paths(kind="string")
    paths["/tasks/{id}"]["put"] = operation("id", kind="string", body=BODY)
    del paths["/tasks"], paths["/tasks/{id}"]["get"]
    routes = {"PUT /tasks/{id}": shelf.upsert, "DELETE /tasks/{id}": shelf.delete, "PATCH /tasks/{id}": shelf.change}
    walked(paths, Api(routes), ids={"task": ["9"]})
    assert shelf.survived


def test_a_link_leads_to_the_operation_that_it_names() -> None:
    paths = {
        "/orders": {
            "post": {
                **operation(body=BODY),
                "responses": {
                    "201": {
                        "description": ".",
                        "links": {"it": {"operationId": "read", "parameters": {"ref": "$response.body#/handle"}}},
                    }
                },
            }
        },
        "/lookup/{ref}": {"get": operation("ref", kind="string", operationId="read")},
    }

    def look_up(asked: Asked) -> Answer:
        return Answer(200 if asked.parts[0] == "h-77" else 404, {})

    result = walked(paths, Api({"POST /orders": given(201, {"handle": "h-77"}), "GET /lookup/{ref}": look_up}))
    assert 200 in result.statuses("GET /lookup/{ref}")
    assert result.learnt.ids["GET /lookup/{ref}", "ref"] == ["h-77"]


# --- what stops it ----------------------------------------------------------------------------------------------------


class Ticking:
    """A clock that goes on by one with every look at it."""

    def __init__(self) -> None:
        self.time = 0.0

    def __call__(self) -> float:
        self.time += 1.0
        return self.time


def test_it_stops_at_the_deadline_and_says_so() -> None:
    shelf = Shelf("1")
    result = walked(shelf_paths(), Api(shelf.routes()), now=Ticking(), max_time_s=10.0)
    assert len(result.exchanges) == 9
    last = result.progress[-1]
    assert last.phase == "end" and last.done < last.whole
    said = "walk: stopped at its deadline of 10 s in round 2 of 11, with 2 of 5 operations asked"
    assert last.warnings == [said]


def test_what_it_made_before_the_deadline_is_left_with_its_path() -> None:
    shelf = Shelf("1")
    result = walked(shelf_paths(), Api(shelf.routes()), now=Ticking(), max_time_s=40.0)
    assert not any(each.request.method == "DELETE" for each in result.exchanges)
    made = [f"/tasks/{name}" for name in shelf.things if name not in shelf.fixtures]
    assert made and sorted(result.learnt.own) == sorted(made)


@contextmanager
def closing(answers: int) -> Iterator[str]:
    """A server that is gone after so many answers."""
    listener = socket.create_server(("127.0.0.1", 0))
    origin = f"http://127.0.0.1:{listener.getsockname()[1]}"

    def serve() -> None:
        for _ in range(answers):
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n[]")  # fmt: skip
        listener.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield origin
    finally:
        thread.join(10)


def test_it_stops_when_the_server_went_away() -> None:
    paths = {f"/{name}": {"get": operation()} for name in ("a", "b", "c", "d", "e", "f", "g")}
    with closing(2) as origin:
        result = over_http(paths, origin)
    assert len(result.exchanges) == 5  # two answers, and three refused connections
    assert result.progress[-1].warnings == ["walk: the server went away, and the rest was not asked"]
    assert result.told == []


class Slow:
    """A target whose answers to one path are said to take long."""

    def __init__(self, inner: WsgiTarget, path: str, elapsed_us: int) -> None:
        self._inner, self._path, self._elapsed_us = inner, path, elapsed_us

    def send(self, request: Request, **more: Any) -> Exchange:
        exchange = self._inner.send(request, **more)
        return replace(exchange, elapsed_us=self._elapsed_us if request.path == self._path else 1000)


def test_a_slow_operation_is_asked_less_and_told() -> None:
    api = Api({"GET /slow": given(200, []), "GET /quick": given(200, [])})
    paths = {"/slow": {"get": operation()}, "/quick": {"get": operation()}}
    result = walked(paths, api, target=Slow(WsgiTarget(api, "wsgi:app"), "/slow", 11_000_000))
    assert result.per_operation["GET /slow"] < result.per_operation["GET /quick"]
    said = [warning for each in result.progress for warning in each.warnings]
    assert said == ["walk: GET /slow answered slowly and was asked less"]


# --- progress, deletion -----------------------------------------------------------------------------------------------


def test_progress_grows_and_ends_whole() -> None:
    shelf = Shelf("1")
    progress = walked(shelf_paths(), Api(shelf.routes())).progress
    assert all(one.done <= other.done for one, other in pairwise(progress))
    assert (progress[-1].done, progress[-1].phase, progress[-1].warnings) == (progress[-1].whole, "end", [])


def test_what_still_answers_after_its_deletion_is_told() -> None:
    shelf = Shelf("1")
    result = walked(shelf_paths(), Api({**shelf.routes(), "DELETE /tasks/{id}": given(204)}))
    assert result.told == [("use-after-delete", "GET /tasks/{id}")]
    assert [each.request.method for each in result.complaints[0].exchanges] == ["DELETE", "GET"]


def test_a_deletion_that_is_only_promised_is_not_held_to_it() -> None:
    shelf = Shelf("1")
    paths = shelf_paths()
    result = walked(paths, Api({**shelf.routes(), "DELETE /tasks/{id}": given(202)}))
    assert result.told == []


def test_a_list_that_was_emptied_may_still_answer() -> None:
    shelf = Shelf("1")
    paths = shelf_paths()
    paths["/tasks/{id}/labels"] = {"get": operation("id"), "delete": operation("id")}
    routes = {**shelf.routes(), "GET /tasks/{id}/labels": given(200, []), "DELETE /tasks/{id}/labels": given(204)}
    result = walked(paths, Api(routes))
    assert result.told == []
    assert all(request.path != "/tasks/1/labels" for request in result.of("DELETE /tasks/{id}/labels"))
    assert 204 in result.statuses("DELETE /tasks/{id}/labels")


def test_an_api_without_anything_is_walked_in_no_time() -> None:
    result = walked({}, Api({}))
    assert (result.exchanges, result.complaints) == ([], [])
    assert [each.phase for each in result.progress] == ["end"]


@pytest.mark.parametrize("schema", [TASK, True, {}, {"$ref": "#/components/schemas/Node"}])
def test_bodies_of_any_schema_are_walked(schema: Any) -> None:
    node = {
        "type": "object",
        "properties": {"name": {"type": "string"}, "child": {"$ref": "#/components/schemas/Node"}},
    }
    paths = {"/x": {"post": operation(body={"content": {JSON: {"schema": schema}}})}}
    result = walked(paths, Api({"POST /x": given(200, {})}), root={"components": {"schemas": {"Node": node}}})
    assert 1 < result.per_operation["POST /x"] <= MAX_REQUESTS


@pytest.mark.parametrize("answer", [b"", b"[", b"null", b'"text"', b"[1, [2, [3]]]", b'{"id": {"id": 1}}', b"\xff\xfe"])
def test_answers_of_any_kind_are_taken_in(answer: bytes) -> None:
    class Raw(Api):
        def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Any:
            super().__call__(environ, lambda status, headers: start(status, [("Content-Type", JSON)]))
            return [answer]

    shelf = Shelf("1")
    result = walked(shelf_paths(), Raw(shelf.routes()))
    assert result.progress[-1].phase == "end"
    assert shelf.survived


# --- documents that real services publish -----------------------------------------------------------------------------


class Fickle:
    """Answers by a hash of the request: successes, refusals, failures, redirects, whatever was asked."""

    def __init__(self) -> None:
        self.urls: list[str] = []

    def send(self, request: Request, *, source: str, traffic: Any, operation: str | None = None, **_: Any) -> Exchange:
        self.urls.append(request.url)
        sent = f"{request.method} {request.url}".encode() + (request.body or b"")
        number = int.from_bytes(hashlib.sha256(sent).digest()[:2], "big")
        status = (200, 201, 204, 400, 404, 409, 422, 500, 202, 301)[number % 10]
        value = {"id": number % 50, "data": [{"id": number % 9, "project_id": 3}], "error": "name must be at least 4 characters"}  # fmt: skip
        headers = (("Content-Type", JSON), ("Location", f"/x/{number}"))
        return Exchange(request, Response(status, headers, json.dumps(value).encode()), source, traffic, 100, operation)


@pytest.mark.data
@pytest.mark.parametrize("name", NAMES)
def test_the_walk_gets_through_real_documents_the_same_each_time(name: str) -> None:
    found = real_contract(name).operations
    some = found[:: max(1, len(found) // 12)]

    def run() -> list[Exchange]:
        events = walk.probe(some, Fickle(), Options(), Learnt(), now=lambda: 0.0, fresh=iter(range(10**6)).__next__)  # type: ignore[arg-type]
        return [event for event in events if isinstance(event, Exchange)]

    one, other = run(), run()
    assert [each.request for each in one] == [each.request for each in other]
    assert all(each.request.url.isascii() and " " not in each.request.url for each in one)
    assert max(Counter(each.operation for each in one).values(), default=0) <= MAX_REQUESTS


# --- what is known to have been there ---------------------------------------------------------------------------------


def test_the_router_s_404_for_a_slash_at_the_end_makes_nothing_its_own() -> None:
    """A `PUT` replaces what is there, although `/tags/1/` is not found; and what is read shows no id."""
    shelf = Shelf("1", numbered=False, created=200)
    paths = shelf_paths("/tags", kind="string")
    paths["/tags/{id}"]["put"] = operation("id", kind="string", body=BODY)
    del paths["/tags"]
    there = lambda asked: Answer(200 if asked.parts[0] in shelf.things else 404, headers={"ETag": '"1"'})  # noqa: E731
    routes: dict[str, Any] = {"GET /tags/{id}": there, "PUT /tags/{id}": shelf.upsert, "DELETE /tags/{id}": shelf.delete}  # fmt: skip
    walked(paths, Api(routes), ids={"id": ["1"]})
    assert shelf.survived


def test_what_was_absent_before_it_was_made_is_told_without_another_control() -> None:
    """`PUT` made it where nothing was: that it still answers is no echo, whatever is said of other ids."""
    gone: set[str] = set()
    made: set[str] = set()

    def read(asked: Asked) -> Answer:
        return Answer(200, {"id": asked.parts[0]}) if asked.parts[0] in made else Answer(404)

    def put(asked: Asked) -> Answer:
        made.add(asked.parts[0])
        return Answer(201, {"id": asked.parts[0]})

    def delete(asked: Asked) -> Answer:
        gone.add(asked.parts[0])
        return Answer(204)

    paths = {"/tags/{id}": {"get": operation("id", kind="string"), "put": operation("id", kind="string", body=BODY), "delete": operation("id", kind="string")}}  # fmt: skip
    result = walked(paths, Api({"GET /tags/{id}": read, "PUT /tags/{id}": put, "DELETE /tags/{id}": delete}))
    assert gone and result.told == [("use-after-delete", "GET /tags/{id}")]


@pytest.mark.parametrize("control", [200, 400, 403, 422, 500])
def test_what_says_no_404_of_what_was_never_made_is_not_believed(control: int) -> None:
    shelf = Shelf("1")

    def read(asked: Asked) -> Answer:
        known = int(asked.parts[0]) < 5000
        return Answer(200, {"id": int(asked.parts[0])}) if known else Answer(control, {"id": 0})

    result = walked(shelf_paths(), Api({**shelf.routes(), "GET /tasks/{id}": read, "DELETE /tasks/{id}": given(204)}))
    assert [kind for kind, _ in result.told if kind == "use-after-delete"] == []


# --- states -----------------------------------------------------------------------------------------------------------


class Board(Shelf):
    """Tasks in states; one that is done or closed is not changed any more."""

    def __init__(self, **states: str) -> None:
        super().__init__(*(name.removeprefix("t") for name in states))
        for name, state in states.items():
            self.things[name.removeprefix("t")] |= {"state": state, "title": f"about {name}"}
        self.before = json.dumps(self.things)

    def change(self, asked: Asked) -> Answer:
        thing = self.things.get(asked.parts[-1])
        if thing is not None and thing.get("state") in ("done", "closed"):
            return Answer(418, {"error": "it is over"})
        return super().change(asked)

    def move(self, asked: Asked) -> Answer:
        thing = self.things.get(asked.parts[0])
        if thing is None:
            return Answer(404)
        state = asked.json.get("state") if isinstance(asked.json, dict) else None
        if state not in ("open", "done", "late"):
            return Answer(422, {"error": "which state?"})
        thing["state"] = state
        return Answer(200, thing)


def test_a_thing_in_another_state_is_told_what_it_says_of_itself() -> None:
    board = Board(t1="open", t2="open", t3="closed", t4="open", t5="closed")
    result = walked(shelf_paths(), Api(board.routes()))
    assert 418 in result.statuses("PATCH /tasks/{id}")
    (told,) = [each for each in result.of("PATCH /tasks/{id}") if each.url == "/tasks/3"]
    assert json.loads(told.body or b"") == {"title": "about t3"}
    assert {name: board.things[name] for name in board.fixtures} == json.loads(board.before)


def test_a_change_is_tried_in_each_state_that_an_action_leads_to() -> None:
    """`done` is not the last state that is tried, and the only one in which nothing can be changed."""
    board = Board(t1="open")
    schema = {"type": "object", "required": ["state"], "properties": {"state": {"enum": ["open", "done", "late"]}}}
    paths = shelf_paths()
    paths["/tasks/{id}/move"] = {
        "post": operation("id", body={"required": True, "content": {JSON: {"schema": schema}}})
    }
    result = walked(paths, Api({**board.routes(), "POST /tasks/{id}/move": board.move}))
    assert 418 in result.statuses("PATCH /tasks/{id}")
    assert max(result.per_operation.values()) <= MAX_REQUESTS


def test_a_flag_that_may_be_empty_is_asked_in_the_walk() -> None:
    api = Api({"GET /alarms": given(200, [])})
    all_of_them = {"name": "all", "in": "query", "allowEmptyValue": True, "schema": {"type": "boolean"}}
    walked({"/alarms": {"get": operation(parameters=[all_of_them])}}, api)
    assert [asked.query for asked in api.log].count("all") == 1
