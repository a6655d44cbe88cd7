"""What a probe made up and a server gives back is no drift; what the server adds itself is."""

from __future__ import annotations

import json
from typing import Any

import pytest

from contract.core.check import Judge
from contract.core.echoes import Echoes
from contract.core.evidence import Exchange, Request, Response, Traffic
from contract.core.openapi import Contract

from .test_openapi import document

JSON = (("Content-Type", "application/json"),)
PART = {"type": "object", "properties": {"n": {"type": "integer"}}}
THING = {"type": "object", "properties": {"title": {"type": "string"}, "parts": {"type": "array", "items": PART}}}
BODY = {"content": {"application/json": {"schema": THING}}}
API = Contract(
    document(
        {
            "paths": {
                "/things": {
                    "post": {"requestBody": BODY, "responses": {"201": {"description": "."}}},
                    "get": {"responses": {"200": {"description": ".", **BODY}}},
                }
            },
            "components": {"schemas": {"Secret": {"type": "object", "properties": {"password": {"type": "string"}}}}},
        }
    )
)
JUDGE = Judge(API, lambda rule, level: level)


def sent(value: Any, traffic: Traffic = Traffic.FUZZ) -> Exchange:
    return Exchange(Request("POST", "/things", JSON, json.dumps(value).encode()), Response(201, (), b""), "", traffic)


def told(answer: Any, *before: Exchange) -> list[str]:
    """The undeclared names of an answer that are told after those requests."""
    echoes = Echoes(API)
    for exchange in before:
        echoes.hear(exchange)
    got = Exchange(Request("GET", "/things"), Response(200, JSON, json.dumps(answer).encode()), "", Traffic.FUZZ)
    found = [one for one in JUDGE.exchange(got).findings if one.rule == "undeclared-property"]
    assert found
    return [str(one.mismatch.name) for one in found if not echoes.repeats(one, got)]


@pytest.mark.parametrize(
    "value", ["x", 7, 7.5, None, True, [1, {"a": 2}], {"b": 1, "a": [2.0]}, 2**60 + 1, 10**25, "a/b~c*"]
)
def test_what_was_sent_under_a_name_comes_back_under_it(value: Any) -> None:
    name = "made/up~*"
    assert told({name: value}, sent({name: value})) == []
    assert told({"parts": [{"n": 1}, {name: value}]}, sent({"parts": [{name: value}]})) == []


def test_numbers_are_the_same_however_they_are_spelt() -> None:
    assert told({"x": {"b": 2.0, "a": 1}}, sent({"x": {"a": 1.0, "b": 2}})) == []
    assert told({"x": float(2**60 + 1)}, sent({"x": 2**60 + 1})) == []


def test_what_the_server_adds_itself_is_told() -> None:
    assert told({"score": 1, "x": 2}, sent({"x": 2})) == ["score"]
    assert told({"id": "a7"}, sent({"id": "zq7"})) == ["id"]  # another value of that name
    assert told({"parts": [{"x": 1}, {"x": 2}]}, sent({"x": 1})) == ["x"]  # one of its values is not ours


def test_a_name_that_the_document_declares_elsewhere_is_the_server_s_to_leave_out() -> None:
    assert told({"password": "p"}, sent({"password": "p"})) == ["password"]


def test_what_clients_send_is_no_making_up() -> None:
    assert told({"x": 1}, sent({"x": 1}, Traffic.REAL)) == ["x"]


def test_what_is_no_json_is_passed_over() -> None:
    broken = Exchange(Request("POST", "/things", JSON, b'{"x": 1'), None, "", Traffic.FUZZ)
    text = Exchange(Request("POST", "/things", (("Content-Type", "text/plain"),), b'{"x": 1}'), None, "", Traffic.FUZZ)
    assert told({"x": 1}, broken, text) == ["x"]


def test_many_names_are_a_map_only_if_the_server_s_own_are_many() -> None:
    made = [sent({f"n{number}": number}) for number in range(60)]
    kept = {f"n{number}": number for number in range(60)}
    assert told(kept, *made) == []
    assert told({**kept, "score": 1}, *made) == []  # which an answer with fewer of ours shows
    assert told({**kept, **{f"own{number}": 1 for number in range(60)}}, *made) == ["*"]
