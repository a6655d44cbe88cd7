"""Values made from a schema: conforming ones, and ones that break a single constraint."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.core import pattern, sample
from contract.core.openapi import Contract
from contract.core.sample import MISSING, Broken
from contract.core.schema import Schemas
from tests.strategies import contracts

from .test_openapi import document

ROOT = "#/components/schemas/It"


def schemas(schema: Any, **others: Any) -> Schemas:
    return Contract(document({"paths": {}, "components": {"schemas": {"It": schema, **others}}})).schemas


def made(schema: Any, direction: str = "response", *, salt: int = 0, full: bool = False, **others: Any) -> Any:
    return sample.value(schemas(schema, **others), ROOT, direction, salt=salt, full=full)


def broken(schema: Any, direction: str = "response", **others: Any) -> list[Broken]:
    return list(sample.broken(schemas(schema, **others), ROOT, direction))


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        (True, "text"),
        ({"type": "string"}, "text"),
        ({"type": "string", "example": "ada"}, "ada"),
        ({"type": "string", "examples": ["ada", "bo"]}, "ada"),
        ({"type": "integer", "default": 20}, 20),
        ({"type": "integer", "example": "seven", "default": 7}, 7),
        ({"enum": ["todo", "done"]}, "todo"),
        ({"enum": ["todo", "done"], "example": "done"}, "done"),
        ({"const": 3}, 3),
        ({"type": ["null", "integer"]}, 1),
        ({"type": "null"}, None),
        ({"type": "integer", "minimum": 5, "multipleOf": 4}, 8),
        ({"type": "number", "exclusiveMinimum": 0, "maximum": 1, "multipleOf": 0.25}, 1.0),
        ({"type": "integer", "format": "int32", "minimum": 2**31 - 1}, 2**31 - 1),
        ({"type": "integer", "minimum": 2**80}, 2**80),
        ({"type": "string", "minLength": 6}, "textxx"),
        ({"type": "string", "maxLength": 2}, "te"),
        ({"type": "string", "pattern": "^[0-9]{3}-[A-Z]+$"}, "000-A"),
        ({"type": "string", "pattern": "^a+$", "minLength": 3}, "aaa"),
        ({"type": "string", "pattern": r"^\p{L}+$"}, "text"),
        ({"type": "string", "format": "date-time"}, "2026-01-02T03:00:05Z"),
        ({"type": "string", "format": "uuid"}, "1f0d0000-0000-4000-8000-000000000001"),
        ({"type": "array", "items": {"type": "integer"}, "minItems": 2, "uniqueItems": True}, [1, 2]),
        ({"type": "array", "prefixItems": [{"const": 1}, {"const": "a"}], "items": False}, [1, "a"]),
        ({"type": "array", "contains": {"const": 7}, "minContains": 2, "items": {"type": "integer"}}, [7, 7]),
        ({"type": "object", "required": ["id"], "properties": {"a": {}, "id": {"type": "integer"}}}, {"id": 1}),
        ({"type": "object", "minProperties": 2, "additionalProperties": {"const": 1}}, {"key": 1, "key1": 1}),
        ({"type": "object", "minProperties": 1, "patternProperties": {"^x-": {"const": 1}}}, {"x-": 1}),
        ({"type": "object", "properties": {"a": {"type": "integer"}}, "example": {"a": 5, "b": 6}}, {"a": 5}),
        ({"allOf": [{"type": "integer", "minimum": 3}, {"maximum": 3}]}, 3),
        ({"oneOf": [{"type": "integer", "minimum": 9, "maximum": 8}, {"type": "boolean"}]}, True),
        ({"type": "integer", "not": {"const": 1}}, 2),
        ({"type": "object", "properties": {"a": {"const": 1}, "b": {"const": 2}}, "required": ["a"],
          "dependentRequired": {"a": ["b"]}}, {"a": 1, "b": 2}),
        ({"type": "object", "properties": {"a": {"const": 1}}, "required": ["a"],
          "if": {"properties": {"a": {"const": 1}}}, "then": {"required": ["b"], "properties": {"b": {"const": 2}}}},
         {"a": 1, "b": 2}),
        # Every value fits both branches, or none: nothing conforms, and nothing wrong is given instead.
        ({"oneOf": [{"type": "string"}, {"type": "string"}]}, MISSING),
        ({"type": "string", "enum": []}, MISSING),
        (False, MISSING),
    ],
)  # fmt: skip
def test_a_value_keeps_its_schema(schema: Any, value: Any) -> None:
    assert made(schema) == value


def test_what_is_optional_is_there_when_all_of_it_is_asked_for() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "array", "items": {"const": 1}}}}
    assert made(schema) == {}
    assert made(schema, full=True) == {"a": 1, "b": [1]}


def test_another_salt_gives_other_names_and_values() -> None:
    schema = {
        "type": "object",
        "required": ["title", "state", "due", "rank"],
        "properties": {
            "title": {"type": "string", "example": "Buy milk"},
            "state": {"enum": ["todo", "done"]},
            "due": {"type": "string", "format": "date"},
            "rank": {"type": "integer", "maximum": 2},
        },
    }
    assert [made(schema, salt=salt) for salt in (0, 1)] == [
        {"title": "Buy milk", "state": "todo", "due": "2026-01-02", "rank": 1},
        {"title": "Buy milk-1", "state": "done", "due": "2026-01-03", "rank": 2},
    ]


def test_marked_properties_go_in_one_direction_only() -> None:
    schema = {
        "type": "object",
        "required": ["id", "secret"],
        "properties": {"id": {"const": 1, "readOnly": True}, "secret": {"const": 2, "writeOnly": True}},
    }
    assert made(schema, "request", full=True) == {"secret": 2}
    assert made(schema, "response", full=True) == {"id": 1}


def test_what_is_marked_behind_a_reference_goes_in_one_direction_only() -> None:
    components = {
        "Id": {"const": 1, "readOnly": True},
        "Secret": {"allOf": [{"writeOnly": True}, {"const": 2}]},
    }
    schema = {
        "type": "object",
        "required": ["id"],
        "properties": {"id": {"$ref": "#/components/schemas/Id"}, "secret": {"$ref": "#/components/schemas/Secret"}},
    }
    assert made(schema, "request", full=True, **components) == {"secret": 2}
    assert made(schema, "response", full=True, **components) == {"id": 1}
    assert ("writeOnly", "/secret") in [(each.keyword, each.pointer) for each in broken(schema, **components)]


def test_recursion_ends_where_something_may_be_left_out() -> None:
    node = {"type": "object", "required": ["n"], "properties": {"n": {"const": 1}, "next": {"$ref": ROOT}}}
    assert made(node, full=True) == {"n": 1}
    tree = {"type": "object", "required": ["kids"], "properties": {"kids": {"type": "array", "items": {"$ref": ROOT}}}}
    assert made(tree, full=True) == {"kids": []}
    either = {"anyOf": [{"type": "object", "required": ["a"], "properties": {"a": {"$ref": ROOT}}}, {"type": "null"}]}
    assert made(either) == {"a": None}
    endless = {"type": "object", "required": ["a"], "properties": {"a": {"$ref": ROOT}}}
    assert made(endless) is MISSING


def test_a_discriminator_names_the_branch_that_is_taken() -> None:
    branches = {
        "Cat": {"type": "object", "required": ["kind"], "properties": {"kind": {"type": "string"}, "lives": {}}},
        "Dog": {"type": "object", "required": ["kind"], "properties": {"kind": {"type": "string"}, "tricks": {}}},
    }
    listed = [{"$ref": "#/components/schemas/Cat"}, {"$ref": "#/components/schemas/Dog"}]
    mapped = {"propertyName": "kind", "mapping": {"dog": "Dog", "cat": "#/components/schemas/Cat"}}
    assert made({"anyOf": listed, "discriminator": mapped}, **branches) == {"kind": "cat"}
    assert made({"anyOf": listed, "discriminator": mapped}, salt=1, **branches) == {"kind": "dog"}
    assert made({"anyOf": listed, "discriminator": {"propertyName": "kind"}}, **branches) == {"kind": "Cat"}


def test_nothing_undeclared_is_in_a_value_but_what_the_document_itself_requires() -> None:
    assert made({"type": "object", "properties": {"a": {"const": 1}}, "example": {"a": 1, "z": 2}}) == {"a": 1}
    assert made({"type": "object", "properties": {"a": {"const": 1}}, "required": ["z"]}) == {"z": "z"}


@given(contracts(("3.0", "3.1", "3.2")), st.integers(0, 3), st.booleans(), st.sampled_from(["request", "response"]))
@settings(max_examples=25, deadline=None)
def test_whatever_the_document_a_value_is_accepted_or_missing(api: Contract, salt: int, full: bool, way: str) -> None:
    for name in api.root.get("components", {}).get("schemas", {}):
        pointer = f"#/components/schemas/{name}"
        found = sample.value(api.schemas, pointer, way, salt=salt, full=full)
        assert found is MISSING or api.schemas.validator(pointer, way).is_valid(found)  # type: ignore[union-attr]
        assert repr(sample.value(api.schemas, pointer, way, salt=salt, full=full)) == repr(found)


def test_each_constraint_is_broken_once_and_no_other_with_it() -> None:
    schema = {
        "type": "object",
        "required": ["id", "name"],
        "additionalProperties": False,
        "properties": {
            "id": {"type": "integer", "format": "int32", "minimum": 1, "readOnly": True},
            "name": {"type": "string", "minLength": 2, "maxLength": 4, "example": "ada"},
            "tags": {"type": "array", "items": {"enum": ["a", "b"]}, "maxItems": 1},
            "secret": {"const": 1, "writeOnly": True},
        },
    }
    whole = {"id": 1, "name": "ada", "tags": ["a"]}
    assert broken(schema) == [
        Broken("type", "", "text"),
        Broken("required", "", {"name": "ada", "tags": ["a"]}, "id"),
        Broken("required", "", {"id": 1, "tags": ["a"]}, "name"),
        Broken("additionalProperties", "", {**whole, "undeclared-zq": 17}, "undeclared-zq"),
        Broken("writeOnly", "/secret", {**whole, "secret": 1}),
        Broken("type", "/id", {**whole, "id": "text"}),
        Broken("minimum", "/id", {**whole, "id": 0}),
        Broken("format", "/id", {**whole, "id": 2**31}),
        Broken("type", "/name", {**whole, "name": 17}),
        Broken("minLength", "/name", {**whole, "name": "a"}),
        Broken("maxLength", "/name", {**whole, "name": "adaaa"}),
        Broken("type", "/tags", {**whole, "tags": "text"}),
        Broken("maxItems", "/tags", {**whole, "tags": ["a", "a"]}),
        Broken("enum", "/tags/0", {**whole, "tags": ["unlisted"]}),
    ]


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "integer", "minimum": 2, "exclusiveMaximum": 3}, [("type", "text"), ("minimum", 1), ("exclusiveMaximum", 3)]),
        ({"type": "integer", "multipleOf": 5}, [("type", "text"), ("multipleOf", 6)]),
        ({"type": "string", "format": "uuid"}, [("type", 17), ("format", "\\ no such format %")]),
        ({"type": "string", "pattern": "^[ab]{2}$"}, [("type", 17), ("pattern", "\u2603\u2603")]),
        ({"const": "a"}, [("const", "unlisted")]),
        ({"type": "array", "items": {"const": 1}, "minItems": 2, "maxItems": 2}, [("type", "text"), ("minItems", [1]), ("maxItems", [1, 1, 1]), ("const", [987654, 1])]),
        ({"type": "array", "items": {"type": "integer"}, "uniqueItems": True}, [("type", "text"), ("uniqueItems", [1, 1]), ("type", ["text"])]),
        ({"type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": {"const": 1}}, [("type", "text"), ("minProperties", {}), ("maxProperties", {"key": 1, "more-0": 1}), ("const", {"key": 987654})]),
        # Both lengths and the pattern say the same here, so none can be broken alone.
        ({"type": "string", "pattern": "^.{2}$", "minLength": 2, "maxLength": 2}, [("type", 17)]),
    ],
)  # fmt: skip
def test_a_constraint_is_broken_where_it_can_be_broken_alone(schema: Any, expected: list[tuple[str, Any]]) -> None:
    assert [(each.keyword, each.value) for each in broken(schema)] == expected


@pytest.mark.parametrize(
    "expression",
    [r"^[a-z]{3,5}-\d+$", r"^(0|[1-9]\d*)(\.\d+)?$", r"^[^\s@]+@[^\s@]+$", r"^(?<y>\d{4})-\k<y>$"[:13] + "$", r"\S",
     r"^[0-9a-f]{40}$", r"^(https?|ftp)://", r"^((a|b){2}c)*$", r"^\w+[-_]\W$", r"^[\d\-]+$", r"^(ab)+\1$"],
)  # fmt: skip
def test_texts_match_the_expression_that_they_are_made_from(expression: str) -> None:
    python = expression.replace("(?<", "(?P<")
    texts = [text for _, text in zip(range(12), pattern.texts(expression), strict=False)]
    assert texts and all(re.search(python, text) for text in texts)


def test_an_expression_without_end_is_walked_a_limited_way() -> None:
    assert max(map(len, pattern.texts("^(((a+)+)+)+$"))) < 3000
    assert list(pattern.texts("[")) == []


def test_a_text_by_which_a_discriminator_means_a_component_is_the_one_that_it_has() -> None:
    delta = {"type": "object", "required": ["kind"], "properties": {"kind": {"type": "string"}}}
    choice = {
        "anyOf": [{"$ref": "#/components/schemas/Delta"}],
        "discriminator": {"propertyName": "kind", "mapping": {"delta": "#/components/schemas/Delta"}},
    }
    it = {"type": "object", "required": ["timeout"], "properties": {"timeout": {"$ref": "#/components/schemas/Delta"}}}
    assert made(it, Delta=delta, Choice=choice) == {"timeout": {"kind": "delta"}}
    assert made(it, Delta=delta) == {"timeout": {"kind": "kind"}}


def test_a_value_that_fits_two_branches_breaks_the_choice_and_none_of_them() -> None:
    choice = {"oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}, {"type": "array"}]}
    [error] = schemas(choice).errors(ROOT, "response", [])
    assert (error.keyword, error.component, error.pointer) == ("oneOf", ROOT, "")
