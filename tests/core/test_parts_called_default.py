"""What the document calls `default` or `enum` is a name there, and no data: its schemas are judged like any other."""

from __future__ import annotations

from typing import Any

import pytest

from contract.core.check import Judge
from contract.core.evidence import Exchange, Request, Response
from contract.core.openapi import Contract
from tests.strategies import document

MARKED = {"type": "object", "required": ["secret"], "properties": {"secret": {"type": "string", "writeOnly": True}}}


def keywords(schema: Any, body: bytes, key: str = "default", components: Any = None) -> list[str | None]:
    content = {"application/json": {"schema": schema}}
    value = {
        "openapi": "3.0.3",
        "info": {"title": "t", "version": "1"},
        "paths": {"/a": {"get": {"responses": {key: {"description": "", "content": content}}}}},
        "components": {"schemas": components or {}},
    }
    answer = Response(200, (("Content-Type", "application/json"),), body)
    judge = Judge(Contract(document(value)), lambda rule, level: level)
    return [each.mismatch.keyword for each in judge.exchange(Exchange(Request("GET", "/a"), answer, "test")).findings]


@pytest.mark.parametrize("key", ["200", "2XX", "default"])
def test_each_response_knows_its_direction_and_its_integers(key: str) -> None:
    assert keywords(MARKED, b"{}", key) == []
    assert keywords(MARKED, b'{"secret": "x"}', key) == ["writeOnly"]
    assert keywords({"type": "integer", "format": "int32"}, b"2147483648", key) == ["format"]


@pytest.mark.parametrize("name", ["Task", "default", "enum", "example"])
def test_each_component_does_whatever_it_is_called(name: str) -> None:
    where = {"$ref": f"#/components/schemas/{name}"}
    assert keywords(where, b"{}", components={name: MARKED}) == []
    assert keywords(where, b'{"secret": "x"}', components={name: MARKED}) == ["writeOnly"]
