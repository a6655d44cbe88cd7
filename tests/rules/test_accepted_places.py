"""One property of one component that nobody looks at is one finding, however deep a body holds it."""

from __future__ import annotations

import json
from typing import Any

from contract.core.check import Judge
from contract.core.evidence import Exchange, Request, Response
from contract.core.openapi import Contract
from tests.core.test_openapi import document

NODE = {"type": "object", "properties": {"size": {"type": "integer"}, "not": {"$ref": "#/components/schemas/Node"}}}
DAY = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}
BODY = {
    "type": "object",
    "properties": {
        "root": {"$ref": "#/components/schemas/Node"},
        "from": {"$ref": "#/components/schemas/Day"},
        "until": {"$ref": "#/components/schemas/Day"},
        "count": {"type": "integer"},
    },
}
POST = {
    "requestBody": {"content": {"application/json": {"schema": BODY}}},
    "responses": {"200": {"description": "."}},
}
API = Contract(document({"paths": {"/t": {"post": POST}}, "components": {"schemas": {"Node": NODE, "Day": DAY}}}))
JSON = (("Content-Type", "application/json"),)


def found(*bodies: Any) -> set[str]:
    judge = Judge(API, lambda rule, level: level)
    return {
        finding.fingerprint
        for body in bodies
        for finding in judge.exchange(
            Exchange(Request("POST", "/t", JSON, json.dumps(body).encode()), Response(200, (), b""), "walk")
        ).findings
        if finding.rule == "invalid-request-accepted"
    }


def test_a_property_of_a_component_is_the_same_at_any_depth() -> None:
    deep: Any = {"size": "x"}
    bodies = [{"root": deep}]
    for _ in range(5):
        deep = {"not": deep}
        bodies.append({"root": deep})
    assert len(found(*bodies)) == 1


def test_two_places_that_refer_to_one_component_are_two() -> None:
    """Whether the whole of it is looked at is decided where it is referred to."""
    assert len(found({"from": 1}, {"until": 1})) == 2
    assert len(found({"count": "x"}, {"root": {"size": "x"}})) == 2
