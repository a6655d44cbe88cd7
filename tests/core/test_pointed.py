"""What a refusal says of where the fault lies, in the words of several frameworks."""

from __future__ import annotations

import json
from typing import Any

import pytest

from contract.core.evidence import Exchange, Request, Response
from contract.core.pointed import place

JSON = (("Content-Type", "application/json"),)
SENT = {"host": "", "parts": [{"size": 1}, {"size": -1}], "a/b": 1, "data": {"id": "x"}}


def said(
    answer: Any, url: str = "/things?limit=x&page=1", sent: Any = SENT, media: str = "application/json"
) -> str | None:
    body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    response = Response(400, (("Content-Type", media),), body)
    return place(Exchange(Request("POST", url, JSON, json.dumps(sent).encode()), response, "walk"))


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [
        ({"errors": [{"code": 10, "source": {"pointer": "/host"}, "title": "no host"}]}, "body:/host"),  # JSON:API
        ({"errors": [{"source": {"parameter": "limit"}, "title": "no number"}]}, "query:limit"),
        ({"errors": [{"pointer": "#/parts/1/size", "detail": "too small"}]}, "body:/parts/*/size"),  # RFC 9457, 3
        ([{"instancePath": "/parts/1/size", "message": "must be >= 0"}], "body:/parts/*/size"),  # ajv 8
        ([{"dataPath": ".parts[1].size", "message": "should be >= 0"}], "body:/parts/*/size"),  # ajv 6
        ([{"dataPath": ".query.limit", "message": "should be integer"}], "query:limit"),
        ({"errors": [{"instancePath": "/body/host", "message": "must not be empty"}]}, "body:/host"),
        (
            {"detail": [{"loc": ["body", "parts", 1, "size"], "msg": "greater than 0"}]},
            "body:/parts/*/size",
        ),  # pydantic
        ({"detail": [{"loc": ["query", "limit"], "msg": "an integer"}]}, "query:limit"),
        ({"details": [{"location": "body", "name": "data.id", "description": "no id"}]}, "body:/data/id"),  # Cornice
        ({"details": [{"location": "querystring", "name": "limit", "description": "no"}]}, "query:limit"),
        ({"message": "The given data was invalid.", "errors": {"host": ["is required"]}}, "body:/host"),  # Laravel
        ({"errors": {"parts.1.size": ["must be positive"]}}, "body:/parts/*/size"),
        ({"pointer": "/a~1b"}, "body:/a~1b"),
    ],
)
def test_the_place_that_is_named(answer: Any, wanted: str) -> None:
    assert said(answer) == wanted


@pytest.mark.parametrize(
    "answer",
    [
        {"message": "host is wrong"},  # words are nobody's format
        {"pointer": "/nowhere"},
        {"pointer": "/"},
        {"errors": {"host": ["no"], "parts": ["no"]}},  # two
        {"errors": [{"pointer": "/host"}, {"pointer": "/data/id"}]},
        {"loc": ["somewhere", "host"]},
        {"errors": {"host": {"deep": 1}}},
        "host",
        [],
        None,
    ],
)
def test_no_place_where_none_or_several_are_named(answer: Any) -> None:
    assert said(answer) is None


def test_what_is_no_json_names_nothing() -> None:
    assert said(b'{"pointer": "/host"', media="application/json") is None
    assert said({"pointer": "/host"}, media="text/plain") is None
    assert said({"pointer": "/host"}, sent=None) is None
