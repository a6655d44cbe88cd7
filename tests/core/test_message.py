"""Requests and responses written by the standard: what the reading side reads is what was meant."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.core import message
from contract.core.check import Judge
from contract.core.evidence import Exchange, Request, Response
from contract.core.openapi import Contract, Operation
from tests.strategies import contracts

from .test_openapi import document

COLOUR = {"type": "object", "required": ["R", "G"], "properties": {"R": {"const": 100}, "G": {"const": 200}}}
LIST = {"type": "array", "minItems": 2, "maxItems": 2, "prefixItems": [{"const": "blue"}, {"const": "black"}]}


def operation(node: dict[str, Any], path: str = "/x", method: str = "post", **document_parts: Any) -> Operation:
    return Contract(document({"paths": {path: {method: {"responses": {}, **node}}}, **document_parts})).operations[0]


@pytest.mark.parametrize(
    ("location", "style", "explode", "schema", "written"),
    [
        ("query", "form", True, {"const": "a b/é"}, "/x?color=a%20b%2F%C3%A9"),
        ("query", "form", True, LIST, "/x?color=blue&color=black"),
        ("query", "form", False, LIST, "/x?color=blue,black"),
        ("query", "spaceDelimited", False, LIST, "/x?color=blue%20black"),
        ("query", "pipeDelimited", False, LIST, "/x?color=blue|black"),
        ("query", "form", False, COLOUR, "/x?color=R,100,G,200"),
        ("query", "form", True, COLOUR, "/x?R=100&G=200"),
        ("query", "deepObject", True, COLOUR, "/x?color[R]=100&color[G]=200"),
        ("path", "simple", False, {"const": True}, "/x/true"),
        ("path", "simple", False, LIST, "/x/blue,black"),
        ("path", "simple", True, COLOUR, "/x/R=100,G=200"),
        ("path", "label", False, LIST, "/x/.blue,black"),
        ("path", "label", True, LIST, "/x/.blue.black"),
        ("path", "label", True, COLOUR, "/x/.R=100.G=200"),
        ("path", "matrix", False, LIST, "/x/;color=blue,black"),
        ("path", "matrix", True, LIST, "/x/;color=blue;color=black"),
        ("path", "matrix", False, COLOUR, "/x/;color=R,100,G,200"),
        ("path", "matrix", True, COLOUR, "/x/;R=100;G=200"),
        ("header", "simple", False, LIST, (("color", "blue,black"),)),
        ("header", "simple", True, COLOUR, (("color", "R=100,G=200"),)),
        ("cookie", "form", False, {"const": 1.5}, (("Cookie", "color=1.5"),)),
    ],
)
def test_a_parameter_is_written_in_its_style(
    location: str, style: str, explode: bool, schema: Any, written: str | tuple[tuple[str, str], ...]
) -> None:
    parameter = {
        "name": "color",
        "in": location,
        "required": True,
        "style": style,
        "explode": explode,
        "schema": schema,
    }
    asked = message.request(operation({"parameters": [parameter]}, "/x/{color}" if location == "path" else "/x", "get"))
    if isinstance(written, str):
        assert asked == Request("GET", written)
    else:
        assert asked == Request("GET", "/x", written)


def test_a_request_has_what_is_required_and_all_of_it_when_asked() -> None:
    made = operation(
        {
            "parameters": [
                {"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}, "example": 17},
                {"name": "limit", "in": "query", "required": True, "schema": {"type": "integer", "minimum": 1}},
                {"name": "sort", "in": "query", "schema": {"enum": ["up", "down"]}},
                {"name": "filter", "in": "query", "content": {"application/json": {"schema": COLOUR}}},
                {"name": "X-Trace", "in": "header", "schema": {"type": "string", "format": "uuid"}},
                {"name": "Accept", "in": "header", "required": True, "schema": {"type": "string"}},
            ],
            "requestBody": {
                "required": True,
                "content": {
                    "text/plain": {"schema": {"type": "string"}},
                    "application/json": {
                        "schema": {"type": "object", "required": ["a"], "properties": {"a": {"const": 1}, "b": {}}},
                        "examples": {"named": {"value": {"a": 1, "b": 2}}},
                    },
                },
            },
        },
        "/tasks/{id}",
        servers=[{"url": "https://example.com/v1"}],
    )
    json = ("Content-Type", "application/json")
    assert message.request(made) == Request("POST", "/v1/tasks/17?limit=1", (json,), b'{"a":1,"b":2}')
    assert message.request(made, full=True) == Request(
        "POST",
        "/v1/tasks/17?limit=1&sort=up&filter=%7B%22R%22%3A%20100%2C%20%22G%22%3A%20200%7D",
        (("X-Trace", "1f0d0000-0000-4000-8000-000000000001"), json),
        b'{"a":1,"b":2}',
    )
    given = {"path:id": "a/b", "query:sort": "sideways", "body": [1]}
    assert message.request(made, given=given, without=["query:limit"]) == Request(
        "POST", "/v1/tasks/a%2Fb?sort=sideways", (json,), b"[1]"
    )
    assert message.request(made, media="text/plain", without=["path:id"]) == Request(
        "POST", "/v1/tasks/?limit=1", (("Content-Type", "text/plain"),), b"text"
    )
    assert message.request(made, without=["body"]) == Request("POST", "/v1/tasks/17?limit=1")
    assert message.request(made, media="image/png") is None


def test_without_a_conforming_value_for_what_is_required_there_is_no_request() -> None:
    impossible = {"name": "p", "in": "query", "schema": {"type": "string", "enum": []}}
    assert message.request(operation({"parameters": [{**impossible, "required": True}]})) is None
    assert message.request(operation({"parameters": [impossible]}), full=True) == Request("POST", "/x")


FORM = {"type": "object", "properties": {"n": {"const": 1}, "tags": LIST, "deep": COLOUR, "file": {"const": "data"}}}


@pytest.mark.parametrize(
    ("media", "entry", "content_type", "body"),
    [
        (
            "application/x-www-form-urlencoded",
            {"schema": FORM, "encoding": {"tags": {"explode": False}}},
            "application/x-www-form-urlencoded",
            "n=1&tags=blue,black&deep=%7B%22R%22%3A100%2C%22G%22%3A200%7D&file=data",
        ),
        (
            "multipart/form-data",
            {"schema": FORM, "encoding": {"file": {"contentType": "image/png, image/jpeg"}}},
            "multipart/form-data; boundary=between-the-parts",
            '--between-the-parts\r\nContent-Disposition: form-data; name="n"\r\n\r\n1\r\n'
            '--between-the-parts\r\nContent-Disposition: form-data; name="tags"\r\n\r\nblue\r\n'
            '--between-the-parts\r\nContent-Disposition: form-data; name="tags"\r\n\r\nblack\r\n'
            '--between-the-parts\r\nContent-Disposition: form-data; name="deep"\r\nContent-Type: application/json\r\n\r\n'
            '{"R":100,"G":200}\r\n'
            '--between-the-parts\r\nContent-Disposition: form-data; name="file"; filename="file.png"\r\nContent-Type: image/png\r\n\r\ndata\r\n'
            "--between-the-parts--\r\n",
        ),
        ("text/*", {"schema": {"const": 17}}, "text/plain", "17"),
        ("image/*", {}, "image/png", "text"),
        ("*/*", {"schema": COLOUR}, "application/json", '{"R":100,"G":200}'),
        ("application/json", {"schema": {"const": 2**70}}, "application/json", "1180591620717411303424"),
        ("application/jsonl", {"itemSchema": {"type": "integer"}}, "application/jsonl", "1\n2\n"),
        ("application/json-seq", {"itemSchema": {"type": "integer"}}, "application/json-seq", "\x1e1\n\x1e2\n"),
        (
            "text/event-stream",
            {"itemSchema": {"type": "object", "required": ["data"], "properties": {"data": {"enum": ["a\nb", "c"]}}}},
            "text/event-stream",
            "data: a\ndata: b\n\ndata: c\n\n",
        ),
        (
            "application/xml",
            {
                "schema": {
                    "type": "object",
                    "xml": {"name": "pet"},
                    "properties": {
                        "id": {"const": 1, "xml": {"attribute": True}},
                        "tags": {**LIST, "items": {"xml": {"name": "tag"}}, "xml": {"wrapped": True}},
                        "name": {"const": "<a>"},
                    },
                }
            },
            "application/xml",
            '<pet id="1"><tags><tag>blue</tag><tag>black</tag></tags><name>&lt;a&gt;</name></pet>',
        ),
    ],
)
def test_a_body_is_written_by_its_media_type(media: str, entry: Any, content_type: str, body: str) -> None:
    made = operation({"requestBody": {"content": {media: entry}}})
    assert message.request(made, full=True) == Request("POST", "/x", (("Content-Type", content_type),), body.encode())


def test_a_response_has_its_status_media_type_and_required_headers() -> None:
    content = {"application/json": {"schema": {"type": "integer"}}, "text/plain": {"schema": {"type": "string"}}}
    headers = {"X-Id": {"required": True, "schema": {"type": "integer"}}, "Link": {"schema": {"type": "string"}}}
    made = operation(
        {
            "responses": {
                "200": {"content": content, "headers": headers},
                "204": {"content": content},
                "400": {},
                "4XX": {},
                "default": {},
            }
        }
    )
    json, text, identity = ("Content-Type", "application/json"), ("Content-Type", "text/plain"), ("X-Id", "1")
    assert message.response(made, "200") == Response(200, (json, identity), b"1")
    assert message.response(made, "200", full=True, salt=1) == Response(
        200, (json, ("X-Id", "2"), ("Link", "Link-1")), b"2"
    )
    assert message.response(made, "200", "text/plain", without=["X-Id"]) == Response(200, (text,), b"text")
    assert message.response(made, "200", given="no integer") == Response(200, (json, identity), b'"no integer"')
    assert message.response(made, "200", "image/png") is None
    assert message.response(made, "204") == Response(204)
    assert message.response(made, "4XX") == Response(401)
    assert message.response(made, "default") == Response(201)
    assert message.response(made, "404") is None
    alone = operation({"responses": {"default": {}}})
    assert message.response(alone, "default") == Response(200)


@given(contracts(("3.0", "3.1", "3.2")), st.integers(0, 2), st.booleans())
@settings(max_examples=25, deadline=None)
def test_what_is_written_from_a_document_gives_no_finding_against_it(api: Contract, salt: int, full: bool) -> None:
    judge = Judge(api, lambda rule, level: level)
    for each in api.operations:
        asked = message.request(each, salt=salt, full=full)
        match = api.match(asked.method, asked.path) if asked is not None else None
        if asked is None or match is None or match.operation is not each:
            continue
        for key, declared in each.responses.items():
            for media in [entry.range for entry in declared.content] or [None]:
                answer = message.response(each, key, media, salt=salt, full=full)
                if answer is not None and answer.status < 500:  # those are a finding whatever they say
                    found = judge.exchange(Exchange(asked, answer, "sample")).findings
                    assert [(one.rule, one.mismatch.where.pointer, one.mismatch.message) for one in found] == []
