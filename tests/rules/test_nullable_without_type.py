"""What `nullable` says where no `type` stands beside it: nothing (OpenAPI 3.0.3, 4.7.24.1), and the finding says so."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from contract.core.evidence import Exchange, Request, Response
from contract.core.openapi import Contract
from contract.rules.response_schema import response_schema
from tests.core.test_openapi import document

JSON = "application/json"
UNTYPED = " `nullable` says nothing there, since no `type` stands beside it."


@pytest.mark.parametrize(
    ("parent", "message"),
    [
        (
            {"nullable": True, "oneOf": [{"type": "string"}, {"type": "object"}]},
            f"`/parent` breaks oneOf of 2 schemas.{UNTYPED}",
        ),
        ({"oneOf": [{"type": "string"}, {"type": "object"}]}, "`/parent` breaks oneOf of 2 schemas."),
        ({"type": "string"}, "`/parent` is null; the document says string."),
    ],
)
def test_a_finding_says_why_null_is_not_declared(parent: dict[str, Any], message: str) -> None:
    schema = {"type": "object", "properties": {"parent": parent}}
    answers = {"200": {"description": ".", "content": {JSON: {"schema": schema}}}}
    declared = document({"paths": {"/folders/1": {"get": {"responses": answers}}}})
    contract = Contract(replace(declared, version="3.0.3", value={**declared.value, "openapi": "3.0.3"}))
    answer = Response(200, (("Content-Type", JSON),), b'{"parent": null}')
    exchange = Exchange(Request("GET", "/folders/1", (), None), answer, "walk")
    assert [each.message for each in response_schema(contract.operations[0], exchange)] == [message]
