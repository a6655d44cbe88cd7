"""Schemas that are themselves wrong: what counts as one, and what does not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from contract.core.malformed import Malformed, patterns
from contract.core.openapi import Contract
from contract.sources.documents import file


def api(folder: Path, schema: dict[str, Any], version: str = "3.1.0") -> Contract:
    """A document with the schema as a component, and in line as a parameter's and an answer's."""
    answer = {"description": ".", "content": {"application/json": {"schema": schema}}}
    operation = {
        "parameters": [{"name": "q", "in": "query", "schema": schema}],
        "responses": {"200": answer},
    }
    value = {
        "openapi": version,
        "info": {"title": "t", "version": "1"},
        "paths": {"/a": {"get": operation}},
        "components": {"schemas": {"Task": schema}},
    }
    path = folder / "api.json"
    path.write_text(json.dumps(value))
    return Contract(file.load(str(path)))


PLACES = (
    "#/components/schemas/Task",
    "#/paths/~1a/get/parameters/0/schema",
    "#/paths/~1a/get/responses/200/content/application~1json/schema",
)


@pytest.mark.parametrize(
    ("schema", "below"),
    [
        ({"type": "objekt"}, ""),
        ({"type": "object", "required": "id"}, ""),
        ({"type": "object", "required": [1]}, ""),
        ({"properties": {"type": {"minLength": "one"}}}, "/properties/type"),
        ({"items": {"allOf": [{}, {"enum": "a"}]}}, "/items/allOf/1"),
        ({"additionalProperties": {"pattern": 1}}, "/additionalProperties"),
    ],
)
def test_the_innermost_schema_is_the_malformed_one(schema: dict[str, Any], below: str, tmp_path: Path) -> None:
    found = Malformed(api(tmp_path, schema))
    assert sorted(found.places) == sorted(place + below for place in PLACES)
    assert f"{PLACES[0]}{below}" in found and f"{PLACES[0]}{below}/type" in found
    assert None not in found and "#/components/schemas/Tas" not in found and f"{PLACES[0]}{below}s" not in found


@pytest.mark.parametrize(
    ("schema", "version"),
    [
        ({"type": "number", "minimum": 1, "exclusiveMinimum": True, "const": 3}, "3.0.3"),
        ({"type": "string", "examples": {"a": "b"}}, "3.0.3"),
        ({"type": "string", "example": {"type": "objekt"}}, "3.1.0"),
        ({"type": "string", "description": 3}, "3.1.0"),
        ({"required": ["a", "a"], "$recursiveAnchor": True}, "3.1.0"),
    ],
)
def test_what_refuses_no_value_spoils_no_schema(schema: dict[str, Any], version: str, tmp_path: Path) -> None:
    assert Malformed(api(tmp_path, schema, version)).places == ()


def test_a_problem_beside_the_schemas_spoils_none(tmp_path: Path) -> None:
    found = api(tmp_path, {"type": "string"})
    found.root["paths"]["/a"]["get"]["responses"]["200"].pop("description")
    (tmp_path / "api.json").write_text(json.dumps(found.root))
    again = Contract(file.load(str(tmp_path / "api.json")))
    assert [problem.message for problem in again.document.problems()] == ["`description` is missing"]
    assert Malformed(again).places == ()


@pytest.mark.parametrize(
    ("pattern", "refused"),
    [("(", True), ("[a-z", True), ("^a+$", False), ("(?=a)b", False), (r"\p{L}", False), (r"^\d{3}\/x$", False)],
)
def test_a_pattern_is_refused_where_no_engine_takes_it(pattern: str, refused: bool, tmp_path: Path) -> None:
    named = {"type": "object", "properties": {"pattern": {"pattern": pattern}}, "example": {"pattern": "("}}
    found = [problem.pointer for problem in patterns(api(tmp_path, named))]
    assert sorted(found) == (sorted(f"{place}/properties/pattern/pattern" for place in PLACES) if refused else [])
