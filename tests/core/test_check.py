"""What the router answers in front of every operation is no operation's drift."""

from __future__ import annotations

from contract.core.check import NOWHERE, Judge
from contract.core.evidence import Exchange, Request, Response
from contract.core.openapi import Contract

from .test_openapi import document

ITEM = {"get": {"operationId": "getTask", "responses": {"200": {"description": ""}}}}
API = Contract(document({"paths": {"/tasks/{id}": ITEM}}))
HTML = (("Content-Type", "text/html"),)


def answer(path: str, body: bytes, headers: tuple[tuple[str, str], ...] = HTML) -> Exchange:
    return Exchange(Request("GET", path), Response(404, headers, body), "schemathesis")


def found(exchange: Exchange, router: bytes | None) -> list[str]:
    judge = Judge(API, lambda name, level: level)
    if router is not None:
        judge.router, judge.nowhere = Response(404, HTML, router), NOWHERE
    return [finding.rule for finding in judge.exchange(exchange).findings]


def test_the_router_s_own_404_is_no_undeclared_status() -> None:
    assert found(answer("/tasks/a", b"Not Found"), None) == ["undeclared-status"]
    assert found(answer("/tasks/a", b"Not Found"), b"Not Found") == []


def test_it_may_repeat_the_path() -> None:
    assert found(answer("/tasks/a", b"no /tasks/a here"), b"no " + NOWHERE.encode() + b" here") == []


def test_an_operation_s_own_404_is_told_by_its_words_or_its_type() -> None:
    assert found(answer("/tasks/9", b"no such task"), b"Not Found") == ["undeclared-status"]
    json = (("Content-Type", "application/json"),)
    assert found(answer("/tasks/9", b"Not Found", json), b"Not Found") == ["undeclared-status"]


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
