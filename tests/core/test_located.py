"""Where a refusal lies, whatever the names on the way: the validator's own path drops empty ones and takes "7" and "07" for 7."""

from __future__ import annotations

import json
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.core.check import Judge
from contract.core.evidence import Exchange, Request, Response
from contract.core.openapi import Contract
from contract.core.schema import located

from .test_openapi import document

ANYTHING = jsonschema_rs.validator_for(
    {
        "$ref": "#/$defs/any",
        "$defs": {
            "any": {
                "type": ["object", "array", "string"],
                "additionalProperties": {"$ref": "#/$defs/any"},
                "items": {"$ref": "#/$defs/any"},
            }
        },
    }
)
NAMES = st.sampled_from(["", "0", "1", "01", "+1", "-1", "99999999999999999999", "a", "a/b", "~", "é"])
FINE = st.recursive(
    st.text(max_size=2), lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=3)
)


@st.composite
def refused(draw: st.DrawFn) -> tuple[Any, list[str | int]]:
    """A value with one number in it, and the place of that."""
    value: Any = draw(st.sampled_from([1, 2.5, -7]))
    place: list[str | int] = []
    for _ in range(draw(st.integers(0, 4))):
        if draw(st.booleans()):
            before, after = draw(st.lists(FINE, max_size=2)), draw(st.lists(FINE, max_size=1))
            value, place = [*before, value, *after], [len(before), *place]
        else:
            name = draw(NAMES)
            value, place = {**draw(st.dictionaries(NAMES, FINE, max_size=2)), name: value}, [name, *place]
    return value, place


@given(refused())
def test_each_refusal_is_found_again(case: tuple[Any, list[str | int]]) -> None:
    value, place = case
    (error,) = ANYTHING.iter_errors(value)
    assert located(error, value) == place


THING = {"type": "object", "properties": {"ok": {"type": "boolean"}}}
SCHEMAS = {"Map": {"type": "object", "additionalProperties": {"$ref": "#/components/schemas/Thing"}}, "Thing": THING}
OK = {"description": ".", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Map"}}}}
API = Contract(document({"paths": {"/all": {"get": {"responses": {"200": OK}}}}, "components": {"schemas": SCHEMAS}}))


@pytest.mark.parametrize(
    ("name", "place"), [("", "/"), ("7", "/*"), ("07", "/*"), ("+7", "/+7"), ("a", "/a"), ("a/b", "/a~1b")]
)
def test_things_are_judged_under_whatever_name_they_are_kept(name: str, place: str) -> None:
    body = json.dumps({name: {"ok": 1, "more": 2}}).encode()
    answer = Response(200, (("Content-Type", "application/json"),), body)
    judge = Judge(API, lambda rule, level: level)
    found = {
        each.rule: each.mismatch for each in judge.exchange(Exchange(Request("GET", "/all"), answer, "t")).findings
    }
    assert found.keys() == {"response-schema", "undeclared-property"}
    wrong, more = found["response-schema"], found["undeclared-property"]
    assert (wrong.where.pointer, wrong.observed) == (f"{place}/ok", "1")
    assert (more.where.pointer, more.name) == (f"{place}/more", "more")
