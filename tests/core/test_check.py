"""What the router answers in front of every operation is no operation's drift."""

from __future__ import annotations

import pytest

from contract.core.check import NOWHERE, Judge
from contract.core.evidence import Exchange, Request, Response
from contract.core.openapi import Contract
from contract.core.refusal import Refusal

from .test_openapi import document

ITEM = {"get": {"operationId": "getTask", "responses": {"200": {"description": ""}}}}
API = Contract(document({"paths": {"/tasks/{id}": ITEM}}))
HTML = (("Content-Type", "text/html"),)


def answer(path: str, body: bytes, headers: tuple[tuple[str, str], ...] = HTML, status: int = 404) -> Exchange:
    return Exchange(Request("GET", path), Response(status, headers, body), "schemathesis")


def found(exchange: Exchange, *router: bytes) -> list[str]:
    """What is found where the router answers so, to one path that nobody serves and to another."""
    judge = Judge(API, lambda name, level: level)
    if router:
        one, other = (answer(path, body) for path, body in zip(NOWHERE, (router * 2)[:2], strict=True))
        refusal = Refusal.of(one, other)
        assert refusal is not None
        judge.router[404] = [refusal]
    return [finding.rule for finding in judge.exchange(exchange).findings]


def test_the_router_s_own_404_is_no_undeclared_status() -> None:
    assert found(answer("/tasks/a", b"Not Found")) == ["undeclared-status"]
    assert found(answer("/tasks/a", b"Not Found"), b"Not Found") == []


def test_it_may_repeat_the_path() -> None:
    one, other = (f"no {path} here".encode() for path in NOWHERE)
    assert found(answer("/tasks/a", b"no /tasks/a here"), one, other) == []
    bare, another = (f"no {path[1:]} here".encode() for path in NOWHERE)
    assert found(answer("/tasks/a", b"no tasks/a here"), bare, another) == []


def test_it_may_repeat_the_method() -> None:
    """Express says `Cannot PUT /tasks`; it is asked with GET what it says of nothing."""
    one, other = (f"Cannot GET {path}".encode() for path in NOWHERE)
    refusal = Refusal.of(answer(NOWHERE[0], one), answer(NOWHERE[1], other))
    assert refusal is not None
    for said, covered in ((b"Cannot PUT /tasks/a", True), (b"Cannot find /tasks/a", False)):
        assert refusal.covers(Exchange(Request("PUT", "/tasks/a"), Response(404, HTML, said), "walk")) is covered


def test_what_varies_from_one_request_to_the_next_is_left_open() -> None:
    one, other = b"Not Found (request 01ab-7f, 12:00:01)", b"Not Found (request 99cc-31, 12:00:02)"
    assert found(answer("/tasks/a", b"Not Found (request 5d-00, 12:00:09)"), one, other) == []
    assert found(answer("/tasks/a", b"No task (request 5d-00, 12:00:09)"), one, other) == ["undeclared-status"]


def test_an_operation_s_own_404_is_told_by_its_words_or_its_type() -> None:
    assert found(answer("/tasks/9", b"no such task"), b"Not Found") == ["undeclared-status"]
    json = (("Content-Type", "application/json"),)
    assert found(answer("/tasks/9", b"Not Found", json), b"Not Found") == ["undeclared-status"]


JSON = (("Content-Type", "application/json"),)


@pytest.mark.parametrize(
    ("body", "covered"),
    [
        (b'{"title": "Not Found", "at": 3, "id": "c", "instance": "/tasks/a"}', True),
        (b'{"at": 3, "id": "c", "instance": "/tasks/a", "title": "Not Found"}', True),
        (b'{"title": "No such task", "at": 3, "id": "c", "instance": "/tasks/a"}', False),
        (b'{"title": "Not Found", "at": "3", "id": "c", "instance": "/tasks/a"}', False),
        (b'{"title": "Not Found", "at": 3, "id": "c", "instance": "/tasks/a", "more": 1}', False),
        (b'{"title": "Not Found"}', False),
        (b"Not Found", False),
    ],
)
def test_json_is_the_router_s_by_its_names_and_by_the_values_that_do_not_vary(body: bytes, covered: bool) -> None:
    one, other = (
        answer(path, f'{{"title": "Not Found", "at": {at}, "id": "{name}", "instance": "{path}"}}'.encode(), JSON)
        for at, name, path in zip((1, 2), ("a", "b"), NOWHERE, strict=True)
    )
    refusal = Refusal.of(one, other)
    assert refusal is not None and refusal.covers(answer("/tasks/a", body, JSON)) is covered


def test_two_answers_that_differ_in_kind_have_nothing_in_common() -> None:
    assert Refusal.of(answer("/a", b""), answer("/b", b"", status=405)) is None
    assert Refusal.of(answer("/a", b""), answer("/b", b"", JSON)) is None


def test_renaming_a_path_parameter_changes_no_identity_of_a_request() -> None:
    def found(name: str) -> list[str]:
        parameter = {"name": name, "in": "path", "required": True, "schema": {"type": "integer"}}
        operation = {"parameters": [parameter], "responses": {"200": {"description": ""}}}
        api = Contract(document({"paths": {f"/a/{{{name}}}": {"get": operation}}}))
        exchange = Exchange(Request("GET", "/a/x"), Response(200), "har")
        findings = Judge(api, lambda rule, level: level).exchange(exchange).findings
        assert [(each.rule, each.mismatch.where.pointer) for each in findings] == [
            ("invalid-request-accepted", f"path:{name}")
        ]
        return [each.fingerprint for each in findings]

    assert found("id") == found("task")


def test_a_rule_that_has_nothing_to_say_of_an_operation_is_not_asked() -> None:
    plain = {"responses": {"200": {"description": ""}}}
    telling = {"responses": {"200": {"description": "", "headers": {"X-A": {"schema": {"type": "integer"}}}}}}
    api = Contract(document({"paths": {"/a": {"get": plain}, "/b": {"get": telling}}}))
    judge = Judge(api, lambda rule, level: level)
    asked = [{rule.id for rule in judge.predicate(operation).rules} for operation in api.operations]
    assert asked[1] - asked[0] == {"header-schema", "missing-header"}
    assert "discriminator-mismatch" not in asked[1]
