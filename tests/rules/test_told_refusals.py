"""A refusal that the document announces in its own words is no surprise to anybody."""

from __future__ import annotations

from typing import Any

import pytest

from contract.core.check import Judge
from contract.core.evidence import Complaint, Exchange, Request, Response
from contract.core.openapi import Contract
from tests.core.test_openapi import document

JSON = (("Content-Type", "application/json"),)


def found(
    body: bytes,
    description: str = "",
    of_400: str = "Bad request",
    headers: tuple[tuple[str, str], ...] = (),
    query: str = "type=folder",
    takes: str = "",
    key: str = "",
    where: str | None = "query:type",
) -> list[str]:
    responses = {"200": {"description": "."}, "400": {"description": of_400}}
    item: dict[str, Any] = {"get": {"operationId": "getFile", "description": description, "responses": responses}}
    if takes:
        schema: Any = {"type": "object", "properties": {takes: {"type": "string"}}} if takes != "null" else None
        item["get"]["requestBody"] = {"content": {"application/json": {"schema": schema}}}
    root: dict[str, Any] = {"paths": {"/file": item}}
    if key:
        root["security"] = [{"Key": []}]
        root["components"] = {"securitySchemes": {"Key": {"type": "apiKey", "in": "query", "name": key}}}
    judge = Judge(Contract(document(root)), lambda name, level: level)
    exchange = Exchange(Request("GET", f"/file?{query}", headers), Response(400, JSON, body), "walk")
    complaint = Complaint("valid-request-refused", "GET /file", (exchange,), "It is refused.", where=where)
    return [finding.rule for finding in judge.complaint(complaint)]


REASON = b'{"message": "/a is no folder", "reason": "bad type"}'


def test_a_refusal_that_the_description_quotes_is_told() -> None:
    told = "If it cannot be had so, it fails with 400 and a reason of 'bad format' or 'bad type'."
    assert found(REASON, told) == []
    assert found(REASON, of_400='The reason is "bad type".') == []
    assert found(b'{"errors": [{"text": "Bad type."}]}', told) == []


@pytest.mark.parametrize(
    "description",
    [
        "",
        "It may be a bad type of file.",
        "The `type` is file or folder; the `reason` says what is 'bad'.",
        "It fails with 'bad format'.",
        "It isn't so bad type it's said.",
    ],
)
def test_other_refusals_are_not(description: str) -> None:
    assert found(REASON, description) == ["valid-request-refused"]


@pytest.mark.parametrize("body", [b"", b"bad type", b"{", b"17", b"null", b'["type"]'])
def test_a_refusal_of_any_form_is_read(body: bytes) -> None:
    assert found(body, "It fails with 'bad type'.") == ["valid-request-refused"]


OWN = (("Authorization", "Bearer abc"),)
WRONG_KIND = b'{"message": "Only refresh tokens are allowed"}'


def test_a_refusal_of_the_sender_s_token_says_nothing_of_the_data() -> None:
    assert found(WRONG_KIND, headers=OWN) == []
    assert found(b'{"error": "no JWT of an owner"}', headers=OWN) == []


@pytest.mark.parametrize(
    ("body", "headers", "query"),
    [
        (WRONG_KIND, (), "type=folder"),  # it may be in the data: nobody is known by a token
        (WRONG_KIND, OWN, "token=abc"),
        (b'{"message": "unexpected token at 3"}', OWN, "type=folder"),
        (b'{"message": "type must be a tokenizer"}', OWN, "type=folder"),
    ],
)
def test_a_token_in_the_data_is_data(body: bytes, headers: tuple[tuple[str, str], ...], query: str) -> None:
    assert found(body, headers=headers, query=query) == ["valid-request-refused"]


def test_a_token_that_the_operation_takes_is_data() -> None:
    refused = b'{"error": "The refresh token is required in the payload"}'
    assert found(refused, headers=OWN) == []
    assert found(refused, headers=OWN, takes="refresh_token") == ["valid-request-refused"]


@pytest.mark.parametrize(
    "body",
    [
        b'{"errors": [{"message": "Invalid foreign key."}]}',
        b'{"code": "RECORD_NOT_UNIQUE", "message": "has to be unique"}',
        b'{"message": "The name has already been taken."}',
        b"name already exists",
    ],
)
def test_a_refusal_for_what_is_there_besides_is_no_drift(body: bytes) -> None:
    assert found(body) == []


@pytest.mark.parametrize("body", [b'{"message": "The tags must be unique."}', b'{"message": "already too long"}'])
def test_a_refusal_of_the_data_itself_is(body: bytes) -> None:
    assert found(body) == ["valid-request-refused"]


def test_a_credential_in_the_query_is_no_data() -> None:
    twice = b'{"message": "The request has more than one access token"}'
    assert found(twice, headers=OWN, query="access_token=a&type=x", key="access_token") == []
    assert found(twice, headers=OWN, query="access_token=a&type=x") == ["valid-request-refused"]


def test_a_body_whose_schema_is_none_is_not_judged() -> None:
    assert found(REASON, takes="null", where="body") == found(REASON, takes="null", where=None) == []
    assert found(REASON, takes="null") == found(REASON, takes="name", where="body") == ["valid-request-refused"]


def test_a_parser_that_takes_no_other_names_is_told_once_for_all_objects_of_a_body() -> None:
    inner = {"type": "object", "properties": {"a": {"type": "string"}}}
    schema = {"type": "object", "properties": {"one": inner, "two": inner}}
    post = {"requestBody": {"content": {"application/json": {"schema": schema}}}, "responses": {"400": {"description": "."}}}  # fmt: skip
    judge = Judge(Contract(document({"paths": {"/t": {"post": post}}})), lambda name, level: level)

    def refused(body: bytes, said: bytes, where: str) -> str:
        exchange = Exchange(Request("POST", "/t", JSON, body), Response(400, JSON, said), "walk")
        (one,) = judge.complaint(Complaint("valid-request-refused", "POST /t", (exchange,), ".", where=where))
        return one.fingerprint

    said = b'{"message": "the field zq7_undeclared is not known"}'
    one = refused(b'{"one": {"zq7_undeclared": 1}}', said, "body:/one")
    assert refused(b'{"two": {"zq7_undeclared": 1}}', said, "body:/two") == one
    assert refused(b'{"zq7_undeclared": 1}', said, "body:/zq7_undeclared") == one
    other = b'{"message": "only read and write are permissions"}'
    assert refused(b'{"two": {"zq7_undeclared": 1}}', other, "body:/two") != one
    assert refused(b'{"two": {"a": 1}}', said, "body:/two/a") != one
