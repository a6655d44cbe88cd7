"""Which texts of a parameter a schema takes that says what it wants by values, and which are no object at all."""

from __future__ import annotations

from typing import Any

import pytest

from contract.core.check import Judge
from contract.core.evidence import Exchange, Request, Response
from contract.core.openapi import Contract
from tests.strategies import document


def places(schema: Any, url: str, path: str = "/a", **more: Any) -> list[str]:
    """The places of the request that break the document."""
    parameter = {"name": "q", "in": "query", "schema": schema, **more}
    value = {
        "openapi": "3.1.0",
        "info": {"title": "t", "version": "1"},
        "paths": {path: {"get": {"parameters": [parameter], "responses": {"200": {"description": ""}}}}},
    }
    broken = Judge(Contract(document(value)), lambda rule, level: level).breaks(
        Exchange(Request("GET", url), Response(200), "test")
    )
    assert broken is not None
    return [place for place, _ in broken]


@pytest.mark.parametrize(("value", "text"), [("x", "x"), (1, "1"), (True, "true"), (None, "null")])
def test_a_branch_that_names_a_value_is_met_by_its_text(value: Any, text: str) -> None:
    assert places({"anyOf": [{"const": value}, {"type": "null"}]}, f"/a?q={text}") == []
    assert places({"anyOf": [{"enum": [value]}, {"type": "string", "maxLength": 0}]}, f"/a?q={text}") == []
    assert places({"anyOf": [{"const": value}, {"type": "null"}]}, "/a?q=other") == ["query:q"]


def test_a_text_without_a_delimiter_is_no_object() -> None:
    number = {"type": "object", "properties": {"a/b": {"type": "number", "exclusiveMinimum": 3}}}
    label: dict[str, Any] = {"path": "/a/{q}", "in": "path", "required": True, "style": "label"}
    assert places(number, "/a/.a%2Fb,4", **label) == []
    assert places(number, "/a/.a%2Fb,3", **label) == ["path:q"]
    assert places(number, "/a?q=1_0", explode=False) == ["query:q"]
    assert places(number, "/a?q=", explode=False) == []
