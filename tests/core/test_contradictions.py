"""What contradicts itself is told with both places; what only looks so is not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from contract.core.check import Judge
from contract.core.contradictions import contradictions
from contract.core.examples import refusals
from contract.core.finding import Level
from contract.core.openapi import Contract
from contract.sources.documents import file


def contract(folder: Path, schemas: dict[str, Any], version: str = "3.1.0", **more: Any) -> Contract:
    path = folder / "api.json"
    info = {"title": "t", "version": "1"}
    path.write_text(
        json.dumps({"openapi": version, "info": info, "paths": {}, **more, "components": {"schemas": schemas}})
    )
    return Contract(file.load(path))


def found(folder: Path, schema: Any, **more: Any) -> list[tuple[str, str]]:
    """Pointers below the schema `A`, both of each."""
    told = contradictions(contract(folder, {"A": schema}, **more))
    return [tuple(each.removeprefix("#/components/schemas/A/") for each in (one.pointer, one.against)) for one in told]  # type: ignore[misc]


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "integer", "minimum": 3, "maximum": 2}, [("minimum", "maximum")]),
        ({"type": "integer", "minimum": 3, "maximum": 3}, []),
        ({"type": "integer", "exclusiveMinimum": 3, "maximum": 3}, [("exclusiveMinimum", "maximum")]),
        ({"type": "string", "minLength": 3, "maxLength": 2}, [("minLength", "maxLength")]),
        ({"type": "array", "minItems": 3, "maxItems": 2, "items": {}}, [("minItems", "maxItems")]),
        ({"type": "string", "enum": ["a", 1]}, [("enum/1", "type")]),
        ({"type": "integer", "enum": [1, 2.0]}, []),
        ({"type": ["string", "null"], "enum": ["a", None]}, []),
        ({"type": "boolean", "const": "yes"}, [("const", "type")]),
        ({"type": "integer", "default": "1"}, [("default", "type")]),
        ({"type": "string", "format": "uri", "default": ""}, [("default", "format")]),
        (
            {"type": "object", "properties": {"a": {"type": "integer"}}, "default": {"a": "1"}},
            [("default", "properties/a/type")],
        ),
        ({"type": "array", "items": {"$ref": "#/components/schemas/A"}, "default": []}, []),
        ({"type": "array", "items": {"$ref": "#/components/schemas/A"}, "default": [1]}, [("default", "type")]),
        # A default in a branch speaks of the whole value: the union takes it, or does not.
        ({"anyOf": [{"type": "object", "default": None}, {"type": "null"}]}, []),
        ({"anyOf": [{"type": "object", "default": None}, {"type": "string"}]}, [("anyOf/0/default", "anyOf/0/type")]),
        # Examples are another rule's.
        ({"type": "string", "maxLength": 1, "example": "ab"}, []),
        (
            # Of requests and answers one takes it.
            {
                "type": "object",
                "required": ["id"],
                "properties": {"id": {"type": "integer", "readOnly": True}},
                "default": {},
            },
            [],
        ),
        (
            {"type": "object", "required": ["a", "b"], "properties": {"a": {}}, "additionalProperties": False},
            [("required/1", "additionalProperties")],
        ),
        (
            {"type": "object", "required": ["b"], "patternProperties": {"^b$": {}}, "additionalProperties": False},
            [],
        ),
        # Names of properties are no keywords, and what is data is no schema.
        ({"type": "object", "properties": {"minimum": {"type": "integer"}, "maximum": {"type": "integer"}}}, []),
        ({"const": {"minimum": 3, "maximum": 2}}, []),
    ],
)
def test_each_kind_is_told_with_both_pointers(
    tmp_path: Path, schema: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    assert found(tmp_path, schema) == expected


def test_null_is_of_a_nullable_type_in_3_0(tmp_path: Path) -> None:
    nullable = {"type": "string", "nullable": True, "enum": ["a", None], "default": None}
    assert found(tmp_path, nullable, version="3.0.3") == []
    assert found(tmp_path, {"type": "string", "default": None}, version="3.0.3") == [("default", "type")]


def test_a_discriminator_and_the_enum_that_it_disagrees_with(tmp_path: Path) -> None:
    def ref(name: str) -> dict[str, str]:
        return {"$ref": f"#/components/schemas/{name}"}

    schemas = {
        "Cat": {"type": "object", "properties": {"kind": {"enum": ["cat", "lion"]}}},
        "Dog": {"allOf": [{"type": "object", "properties": {"kind": ref("Kind")}}]},
        "Kind": {"type": "string", "enum": ["Dog"]},
        "Named": {"oneOf": [ref("Cat"), ref("Dog")], "discriminator": {"propertyName": "kind"}},
        "Mapped": {
            "oneOf": [ref("Cat"), ref("Dog")],
            "discriminator": {
                "propertyName": "kind",
                "mapping": {"cat": ref("Cat")["$ref"], "lion": "Cat", "dog": ref("Dog")["$ref"]},
            },
        },
    }
    told = list(contradictions(contract(tmp_path, schemas)))
    assert [(one.place, one.pairs, one.message) for one in told] == [
        (
            "#/components/schemas/Named/discriminator",
            (("#/components/schemas/Named/oneOf/0", "#/components/schemas/Cat/properties/kind/enum"),),
            'the discriminator `kind` is "Cat" here, and only "cat", "lion" there; 1 of its 2 branches disagrees so',
        ),
        (
            "#/components/schemas/Mapped/discriminator",
            (("#/components/schemas/Mapped/discriminator/mapping/dog", "#/components/schemas/Kind/enum"),),
            'the discriminator `kind` is "dog" here, and only "Dog" there; 1 of its 3 entries disagrees so',
        ),
    ]


def test_a_discriminator_is_told_once_and_without_mapping_it_lacks_one(tmp_path: Path) -> None:
    names = ("Cat", "Dog", "Number")
    values: tuple[list[Any], ...] = (["cat"], ["dog"], [1])
    schemas: dict[str, Any] = {
        name: {"type": "object", "properties": {"kind": {"enum": allowed}}}
        for name, allowed in zip(names, values, strict=True)
    }
    branches = [{"$ref": f"#/components/schemas/{name}"} for name in names]
    schemas["Pet"] = {"anyOf": branches, "discriminator": {"propertyName": "kind"}}
    # What a number is as a string is what a mapping says of it.
    mapping = {"cat": "Cat", "dog": "Dog", "1": "Number"}
    schemas["Mapped"] = {"anyOf": branches, "discriminator": {"propertyName": "kind", "mapping": mapping}}
    declared = contract(tmp_path, schemas)
    [told] = contradictions(declared)
    assert told.place == "#/components/schemas/Pet/discriminator"
    assert told.pairs == tuple(
        (f"#/components/schemas/Pet/anyOf/{index}", f"#/components/schemas/{name}/properties/kind/enum")
        for index, name in enumerate(names)
    )
    assert told.message == (
        'the discriminator `kind` is "Cat" here, and only "cat" there; so do all its 3 branches: it lacks a `mapping`'
    )
    [finding] = Judge(declared, lambda name, level: level).document()
    assert finding.mismatch.component == told.place
    assert finding.mismatch.message == f"{told.pointer} against {told.against}: {told.message}."


def test_a_path_parameter_that_is_declared_twice(tmp_path: Path) -> None:
    def parameter(kind: str, name: str = "id") -> dict[str, Any]:
        return {"name": name, "in": "path", "required": True, "schema": {"type": kind}}

    responses = {"200": {"description": ""}}
    paths = {
        "/a/{id}": {
            "parameters": [parameter("string")],
            "get": {"parameters": [parameter("integer")], "responses": responses},
            "put": {"parameters": [parameter("string")], "responses": responses},
        },
    }
    declared = contract(tmp_path, {}, paths=paths)
    told = [(one.pointer, one.against) for one in contradictions(declared)]
    assert told == [("#/paths/~1a~1{id}/get/parameters/0", "#/paths/~1a~1{id}/parameters/0")]


Told = list[tuple[str, str, int]]


def refused(folder: Path, schemas: dict[str, Any], **more: Any) -> Told:
    told = refusals(contract(folder, schemas, **more))
    short = [
        tuple(each.removeprefix("#/components/schemas/") for each in (one.example, one.constraint)) for one in told
    ]
    return [(*pair, one.others) for pair, one in zip(short, told, strict=True)]  # type: ignore[misc]


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "string", "maxLength": 1, "examples": ["a", "ab"]}, [("A/examples/1", "A/maxLength", 0)]),
        (
            {"type": "string", "maxLength": 1, "examples": ["ab", 1]},
            [("A/examples/0", "A/maxLength", 0), ("A/examples/1", "A/type", 0)],
        ),
        ({"type": "integer", "example": "1", "examples": ["2", 3, 4.5]}, [("A/example", "A/type", 2)]),
        (
            {"type": "object", "properties": {"a": {"type": "integer"}}, "example": {"a": "1"}},
            [("A/example", "A/properties/a/type", 0)],
        ),
        # `format` is an annotation: by itself, as the range of a number, and where it parts branches.
        ({"type": "string", "format": "uri", "example": "no uri"}, []),
        ({"type": "integer", "format": "int32", "example": 2**40}, []),
        ({"type": "object", "properties": {"a": {"format": "date", "type": "string"}}, "example": {"a": "today"}}, []),
        ({"anyOf": [{"type": "string", "format": "date"}, {"type": "integer"}], "example": "today"}, []),
        # Strictness that the document does not ask for refuses none.
        ({"type": "object", "properties": {"a": {}}, "example": {"b": 1}}, []),
        (
            {"type": "object", "properties": {"a": {}}, "additionalProperties": False, "example": {"b": 1}},
            [("A/example", "A/additionalProperties", 0)],
        ),
        # It is no request and no answer: what is marked may be there and may be left out, all else is required.
        (
            {
                "type": "object",
                "required": ["id", "secret", "name"],
                "properties": {"id": {"readOnly": True}, "secret": {"writeOnly": True}, "name": {}},
                "examples": [{"name": "a"}, {"name": "a", "id": 1, "secret": 1}, {"id": 1, "secret": 1}],
            },
            [("A/examples/2", "A/required", 0)],
        ),
        # As data it is no example.
        ({"properties": {"example": {"type": "string"}}, "default": {"type": "string", "example": 1}}, []),
    ],
)
def test_a_constraint_that_refuses_examples_is_told_once(
    tmp_path: Path, schema: dict[str, Any], expected: Told
) -> None:
    assert refused(tmp_path, {"A": schema}) == expected


def test_an_example_counts_where_it_is_what_is_meant(tmp_path: Path) -> None:
    number = {"$ref": "#/components/schemas/A"}
    content = {
        "application/json": {"schema": number, "example": "one"},
        "application/xml": {"schema": number, "example": "<a>1</a>"},
        "application/vnd.t+json": {
            "schema": number,
            # The second is the text as it is sent.
            "examples": {
                "one": {"value": 1},
                "two": {"value": "2"},
                "three": {"value": "three"},
                "four": {"value": 4.5},
            },
        },
    }
    paths = {"/a": {"get": {"responses": {"200": {"description": "", "content": content}}}}}
    place = "#/paths/~1a/get/responses/200/content"
    assert refused(tmp_path, {"A": {"type": "integer"}}, paths=paths) == [
        (f"{place}/application~1json/example", "A/type", 2),
    ]


@pytest.mark.parametrize(
    ("schema", "example", "fits"),
    [
        ({"type": "integer"}, 1, True),
        ({"type": "integer"}, "1", True),
        ({"type": "integer"}, "one", False),
        ({"type": "string"}, 1, True),
        ({"type": "string", "maxLength": 1}, 12, False),
        ({"type": "boolean"}, "true", True),
        ({"type": "boolean"}, "yes", False),
        ({"type": "array", "items": {"type": "integer"}}, "1,2", True),
        ({"type": "array", "items": {"type": "integer"}}, [1, 2], True),
        ({"type": "array", "items": {"type": "integer"}}, [1, "two"], False),
    ],
)
def test_an_example_of_a_parameter_may_be_written_as_it_is_sent(
    tmp_path: Path, schema: dict[str, Any], example: Any, fits: bool
) -> None:
    parameter = {"name": "a", "in": "query", "schema": schema, "example": example}
    paths = {"/a": {"get": {"parameters": [parameter], "responses": {"200": {"description": ""}}}}}
    told = refused(tmp_path, {}, paths=paths)
    assert [one[0] for one in told] == ([] if fits else ["#/paths/~1a/get/parameters/0/example"])


def test_one_constraint_refuses_examples_of_several_places(tmp_path: Path) -> None:
    schemas = {
        "A": {"type": "integer", "maximum": 3, "example": 4},
        "B": {"type": "array", "items": {"$ref": "#/components/schemas/A"}, "example": [1, 5, 6]},
    }
    declared = contract(tmp_path, schemas)
    [finding] = Judge(declared, lambda name, level: level).document()
    assert (finding.rule, finding.level, finding.mismatch.component) == (
        "invalid-example",
        Level.NOTE,
        "#/components/schemas/A/maximum",
    )
    assert finding.mismatch.message == (
        "#/components/schemas/A/example against #/components/schemas/A/maximum: the example is refused: "
        "the value breaks maximum 3; it refuses 1 other too."
    )


def test_it_is_a_finding_on_the_document(tmp_path: Path) -> None:
    judge = Judge(contract(tmp_path, {"A": {"type": "integer", "minimum": 3, "maximum": 2}}), lambda name, level: level)
    [finding] = [each for each in judge.document() if each.rule == "contradiction"]
    assert finding.mismatch.message == (
        "#/components/schemas/A/minimum against #/components/schemas/A/maximum: minimum is 3, and maximum is 2."
    )
    assert finding.mismatch.component == "#/components/schemas/A/minimum"
