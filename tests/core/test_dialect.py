"""A description in another dialect says the same, at the same places or at known ones."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.core.dialect import from_swagger, to_2020_12


def schema(node: Any, family: str = "3.0") -> Any:
    value = {"openapi": f"{family}.0", "components": {"schemas": {"A": node}}}
    return to_2020_12(value, family)["components"]["schemas"]["A"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"type": "string", "nullable": True}, {"type": ["string", "null"]}),
        ({"type": "string", "nullable": False}, {"type": "string"}),
        # `enum` and `allOf` still apply, and `nullable` needs a `type` beside it (OpenAPI 3.0.3, clarified in 2019).
        ({"type": "string", "nullable": True, "enum": ["a"]}, {"type": ["string", "null"], "enum": ["a"]}),
        ({"nullable": True, "allOf": [{"$ref": "#/x"}]}, {"allOf": [{"$ref": "#/x"}]}),
        ({"nullable": True}, {}),
        ({"type": "null", "nullable": True}, {"type": "null"}),
        ({"$ref": "#/x", "nullable": True, "description": "x"}, {"$ref": "#/x"}),
        ({"minimum": 1, "exclusiveMinimum": True}, {"exclusiveMinimum": 1}),
        ({"maximum": 1, "exclusiveMaximum": False}, {"maximum": 1}),
        ({"exclusiveMinimum": True}, {}),
        ({"exclusiveMaximum": 5}, {"exclusiveMaximum": 5}),
        ({"type": "int"}, {}),
        ({"type": "int", "nullable": True}, {}),
        ({"type": ["string", "int"]}, {"type": ["string"]}),
        ({"type": []}, {}),
        ({"type": {"a": 1}}, {}),
        ({"required": True}, {}),
        ({"required": ["a", "b", "a"]}, {"required": ["a", "b"]}),
        ({"minLength": "3", "maxItems": None, "multipleOf": 0, "enum": "a", "pattern": 5, "allOf": []}, {}),
        ({"minLength": 3.0, "multipleOf": 0.01}, {"minLength": 3.0, "multipleOf": 0.01}),
        ({"items": [{"type": "int"}]}, {"prefixItems": [{}]}),
        ({"$id": "x", "$schema": "http://json-schema.org/draft-04/schema#", "type": "string"}, {"type": "string"}),
        ({"properties": []}, {}),
    ],
)
def test_a_schema_of_3_0_becomes_json_schema(old: Any, new: Any) -> None:
    assert schema(old) == new
    jsonschema_rs.meta.validate({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema(old)})


@pytest.mark.parametrize(
    "node",
    [
        {"properties": {"nullable": {"type": "string"}, "type": {"type": "string"}, "$ref": {"type": "string"}}},
        {"example": {"nullable": True, "type": "int"}, "default": {"exclusiveMinimum": True, "minimum": 1}},
        {"enum": [{"nullable": True, "type": "int"}], "type": "object"},
        {"type": "string", "format": "binary", "x-nullable": True},
        {"type": "array", "items": {"type": "string", "format": "byte"}},
        {"not": {}, "additionalProperties": False},
    ],
)
def test_data_and_property_names_stay_as_they_are(node: Any) -> None:
    assert schema(node) is node


def test_schemas_are_found_wherever_they_may_stand() -> None:
    old: dict[str, Any] = {"type": "string", "nullable": True}
    new: dict[str, Any] = {"type": ["string", "null"]}

    def value(node: Any) -> Any:
        media = {"application/json": {"schema": node, "encoding": {"a": {"headers": {"H": {"schema": node}}}}}}
        operation = {
            "parameters": [{"name": "a", "in": "query", "schema": node}, {"content": media}],
            "requestBody": {"content": media},
            "responses": {"200": {"headers": {"H": {"schema": node}}, "content": media}},
            "callbacks": {"c": {"{$request.body#/url}": {"post": {"requestBody": {"content": media}}}}},
        }
        combined = {
            "properties": {"a": node},
            "items": node,
            "allOf": [node],
            "anyOf": [node],
            "oneOf": [node],
            "not": node,
            "additionalProperties": node,
        }
        return {
            "openapi": "3.0.0",
            "paths": {"/a": {"parameters": [{"schema": node}], "get": operation}},
            "components": {
                "schemas": {"A": combined},
                "responses": {"R": {"content": media}},
                "parameters": {"P": {"schema": node}},
                "requestBodies": {"B": {"content": media}},
                "headers": {"H": {"schema": node}},
                "callbacks": {"C": {"x": {"get": operation}}},
            },
        }

    assert to_2020_12(value(old), "3.0") == value(new)


def test_what_is_not_rewritten_is_shared() -> None:
    kept: dict[str, Any] = {"type": "object", "properties": {"a": {"type": "string"}}}
    value = {"openapi": "3.0.0", "components": {"schemas": {"A": kept, "B": {"type": "string", "nullable": True}}}}
    new = to_2020_12(value, "3.0")
    assert new["components"]["schemas"]["A"] is kept
    assert value["components"]["schemas"]["B"] == {"type": "string", "nullable": True}
    del value["components"]["schemas"]["B"]
    assert to_2020_12(value, "3.0") is value


@pytest.mark.parametrize("family", ["3.1", "3.2"])
def test_a_document_of_2020_12_comes_back_itself(family: str) -> None:
    value = {
        "openapi": family,
        "components": {"schemas": {"A": {"$ref": "#/x", "type": ["string", "null"], "$id": "a"}}},
    }
    assert to_2020_12(value, family) is value
    assert schema({"type": "int", "nullable": True}, family) == {"nullable": True}


KEYWORDS = [
    *("type", "properties", "items", "allOf", "not", "required", "enum", "nullable", "minimum", "exclusiveMinimum"),
    *("minLength", "$ref", "$id", "additionalProperties", "pattern", "uniqueItems", "prefixItems", "paths", "get"),
    *("parameters", "schema", "content", "in", "x-nullable", "discriminator", "formData", "collectionFormat", "name"),
]
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-9, 9)
    | st.sampled_from(["string", "int", "#/x", "a", "body", "formData", "array"])
)
anything = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(KEYWORDS),
            inner,
            max_size=4,
        )
    ),
    max_leaves=15,
)


@given(st.dictionaries(st.just("A"), anything))
def test_nothing_that_json_can_hold_makes_the_rewriting_fail(schemas: Any) -> None:
    value = {"openapi": "3.0.0", "paths": schemas, "components": {"schemas": schemas, "parameters": schemas}}
    once = to_2020_12(value, "3.0")
    assert to_2020_12(once, "3.1") is once


@given(anything, anything, anything)
def test_nothing_that_json_can_hold_makes_the_conversion_fail(first: Any, second: Any, third: Any) -> None:
    operation = {"parameters": [first, second], "responses": {"200": third, "400": first}, "consumes": second}
    from_swagger(
        {
            "swagger": "2.0",
            "paths": {"/a": {"get": operation, "parameters": third, "post": first}, "/b": second},
            "definitions": {"A": first},
            "parameters": {"P": second},
            "responses": {"R": third},
            "securityDefinitions": {"S": first},
        }
    )


def converted(**changes: Any) -> dict[str, Any]:
    return from_swagger({"swagger": "2.0", "info": {}, "paths": {}, **changes}).value


def operation(**changes: Any) -> dict[str, Any]:
    node = {"responses": {"200": {"description": "x"}}, **changes.pop("operation", {})}
    new: dict[str, Any] = converted(paths={"/a": {"post": node}}, **changes)["paths"]["/a"]["post"]
    return new


@pytest.mark.parametrize(
    ("old", "servers"),
    [
        ({}, None),
        ({"basePath": "/"}, None),
        ({"basePath": "/v1/"}, [{"url": "/v1"}]),
        ({"host": "a.example", "basePath": "v1"}, [{"url": "https://a.example/v1"}]),
        ({"host": "a.example", "schemes": ["http", "wss"]}, [{"url": "http://a.example"}, {"url": "wss://a.example"}]),
    ],
)
def test_host_and_base_path_become_servers(old: Any, servers: Any) -> None:
    assert converted(**old).get("servers") == servers


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (
            {"name": "a", "in": "query", "type": "integer", "format": "int32", "minimum": 1, "description": "x"},
            {
                "name": "a",
                "in": "query",
                "description": "x",
                "schema": {"type": "integer", "format": "int32", "minimum": 1},
            },
        ),
        (
            {"name": "a", "in": "path", "type": "string", "x-nullable": True},
            {"name": "a", "in": "path", "required": True, "schema": {"type": "string", "nullable": True}},
        ),
        (
            {"name": "a", "in": "query", "type": "array", "items": {"type": "string"}},
            {
                "name": "a",
                "in": "query",
                "schema": {"type": "array", "items": {"type": "string"}},
                "style": "form",
                "explode": False,
            },
        ),
        (
            {"name": "a", "in": "query", "type": "array", "items": {"type": "string"}, "collectionFormat": "multi"},
            {
                "name": "a",
                "in": "query",
                "schema": {"type": "array", "items": {"type": "string"}},
                "style": "form",
                "explode": True,
            },
        ),
        (
            {"name": "a", "in": "query", "type": "array", "items": {"type": "string"}, "collectionFormat": "ssv"},
            {
                "name": "a",
                "in": "query",
                "schema": {"type": "array", "items": {"type": "string"}},
                "style": "spaceDelimited",
                "explode": False,
            },
        ),
        (
            {"name": "a", "in": "query", "type": "array", "items": {"type": "string"}, "collectionFormat": "pipes"},
            {
                "name": "a",
                "in": "query",
                "schema": {"type": "array", "items": {"type": "string"}},
                "style": "pipeDelimited",
                "explode": False,
            },
        ),
        (
            {"name": "a", "in": "query", "type": "array", "items": {"type": "integer"}, "collectionFormat": "tsv"},
            {"name": "a", "in": "query", "schema": {"type": "string"}, "x-collectionFormat": "tsv"},
        ),
        (
            {"name": "a", "in": "header", "type": "array", "items": {"type": "integer"}},
            {
                "name": "a",
                "in": "header",
                "schema": {"type": "array", "items": {"type": "integer"}},
                "style": "simple",
                "explode": False,
            },
        ),
        (
            {"name": "a", "in": "query", "type": "array", "items": {"type": "array", "collectionFormat": "pipes"}},
            {
                "name": "a",
                "in": "query",
                "schema": {"type": "array", "items": {"type": "string", "x-collectionFormat": "pipes"}},
                "style": "form",
                "explode": False,
            },
        ),
        # Against the letter of 2.0, and common.
        (
            {"name": "a", "in": "query", "schema": {"type": "int"}},
            {"name": "a", "in": "query", "schema": {"type": "int"}},
        ),
    ],
)
def test_a_parameter_gets_a_schema_and_a_style(old: Any, new: Any) -> None:
    assert operation(operation={"parameters": [old]})["parameters"] == [new]


def test_a_body_becomes_a_request_body_of_each_media_type() -> None:
    body = {"name": "b", "in": "body", "required": True, "description": "x", "schema": {"type": "object"}}
    json = {"schema": {"type": "object"}}
    assert operation(operation={"parameters": [body]})["requestBody"] == {
        "required": True,
        "description": "x",
        "content": {"application/json": json},
    }
    assert operation(consumes=["application/xml", "text/json"], operation={"parameters": [body]})["requestBody"][
        "content"
    ] == {"application/xml": json, "text/json": json}
    assert operation(
        consumes=["application/xml"], operation={"parameters": [body], "consumes": ["application/a+json"]}
    )["requestBody"]["content"] == {"application/a+json": json}
    # A body that has a type where its schema should be.
    typed = {"name": "b", "in": "body", "type": "string"}
    assert operation(operation={"parameters": [typed]})["requestBody"] == {
        "content": {"application/json": {"schema": {"type": "string"}}}
    }


def test_fields_of_a_form_become_one_body() -> None:
    fields = [
        {"name": "file", "in": "formData", "type": "file", "required": True, "description": "The file"},
        {"name": "tags", "in": "formData", "type": "array", "items": {"type": "string"}, "collectionFormat": "multi"},
    ]
    form = {
        "type": "object",
        "properties": {
            "file": {"type": "string", "format": "binary", "description": "The file"},
            "tags": {"type": "array", "items": {"type": "string"}},
        },
        "required": ["file"],
    }
    assert operation(consumes=["application/json"], operation={"parameters": fields}) == {
        "parameters": [],
        "responses": {"200": {"description": "x"}},
        "requestBody": {"content": {"multipart/form-data": {"schema": form}}, "required": True},
    }
    new = operation(operation={"parameters": fields[1:], "consumes": ["application/x-www-form-urlencoded"]})
    assert new["requestBody"] == {
        "content": {
            "application/x-www-form-urlencoded": {
                "schema": {"type": "object", "properties": {"tags": {"type": "array", "items": {"type": "string"}}}},
                "encoding": {"tags": {"style": "form", "explode": True}},
            }
        }
    }


def test_a_form_and_a_body_together_are_both_kept() -> None:
    parameters = [
        {"name": "b", "in": "body", "schema": {"type": "object"}},
        {"name": "f", "in": "formData", "type": "string"},
    ]
    assert list(operation(operation={"parameters": parameters})["requestBody"]["content"]) == [
        "application/json",
        "application/x-www-form-urlencoded",
    ]


def test_shared_parameters_go_where_3_0_has_them() -> None:
    shared = {
        "limit": {"name": "limit", "in": "query", "type": "integer"},
        "body": {"name": "b", "in": "body", "schema": {"$ref": "#/definitions/A"}},
        "file": {"name": "f", "in": "formData", "type": "file"},
    }
    value = converted(
        definitions={"A": {"type": "object"}},
        parameters=shared,
        paths={
            "/a": {
                "parameters": [{"$ref": "#/parameters/limit"}],
                "post": {"parameters": [{"$ref": "#/parameters/body"}], "responses": {}},
                "put": {"parameters": [{"$ref": "#/parameters/file"}], "responses": {}},
                "patch": {"parameters": [{"$ref": "#/parameters/body"}], "consumes": ["text/plain"], "responses": {}},
            }
        },
    )
    assert value["components"] == {
        "schemas": {"A": {"type": "object"}},
        "parameters": {"limit": {"name": "limit", "in": "query", "schema": {"type": "integer"}}},
        "requestBodies": {"body": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/A"}}}}},
    }
    item = value["paths"]["/a"]
    assert item["parameters"] == [{"$ref": "#/components/parameters/limit"}]
    assert item["post"]["requestBody"] == {"$ref": "#/components/requestBodies/body"}
    assert item["put"]["requestBody"] == {
        "content": {
            "multipart/form-data": {
                "schema": {"type": "object", "properties": {"f": {"type": "string", "format": "binary"}}}
            }
        }
    }
    assert item["patch"]["requestBody"] == {"content": {"text/plain": {"schema": {"$ref": "#/components/schemas/A"}}}}


@pytest.mark.parametrize(
    ("produces", "old", "new"),
    [
        (None, {"description": "x"}, {"description": "x"}),
        (None, {"description": "x", "schema": {"type": "object"}}, {"description": "x", "content": {"*/*": {"schema": {"type": "object"}}}}),
        (["a/b", "c/d"], {"schema": {"type": "file"}}, {"content": {"a/b": {"schema": {"type": "string", "format": "binary"}}, "c/d": {"schema": {"type": "string", "format": "binary"}}}}),
        (["a/b"], {"schema": {}, "examples": {"a/b": {"id": 1}, "e/f": 2}}, {"content": {"a/b": {"schema": {}, "example": {"id": 1}}}}),
        ([], {"headers": {"H": {"type": "array", "items": {"type": "integer"}, "description": "x"}}}, {"headers": {"H": {"description": "x", "schema": {"type": "array", "items": {"type": "integer"}}}}}),
        (None, {"$ref": "#/responses/R"}, {"$ref": "#/components/responses/R"}),
    ],
)  # fmt: skip
def test_a_response_gets_content_where_it_has_a_schema(produces: Any, old: Any, new: Any) -> None:
    node: dict[str, Any] = {"responses": {"200": old}}
    if produces is not None:
        node["produces"] = produces
    value = converted(paths={"/a": {"get": node}}, responses={"R": {"description": "r"}})
    assert value["paths"]["/a"]["get"]["responses"] == {"200": new}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"discriminator": "kind"}, {"discriminator": {"propertyName": "kind"}}),
        (
            {"type": "string", "x-nullable": True, "enum": ["a"]},
            {"type": "string", "nullable": True, "enum": ["a", None]},
        ),
        ({"type": "string", "x-nullable": False}, {"type": "string"}),
        (
            {"properties": {"a": {"$ref": "#/definitions/A", "x-nullable": True}}},
            {"properties": {"a": {"anyOf": [{"$ref": "#/components/schemas/A"}, {"nullable": True, "enum": [None]}]}}},
        ),
        ({"properties": {"x-nullable": {"type": "string"}}}, {"properties": {"x-nullable": {"type": "string"}}}),
        ({"allOf": [{"$ref": "#/definitions/A"}]}, {"allOf": [{"$ref": "#/components/schemas/A"}]}),
        (
            {"$ref": "#/paths/~1a/get/responses/200/schema"},
            {"$ref": "#/paths/~1a/get/responses/200/content/a~1b/schema"},
        ),
    ],
)
def test_a_schema_of_2_0_is_said_in_the_words_of_3_0(old: Any, new: Any) -> None:
    get = {"produces": ["a/b", "c/d"], "responses": {"200": {"schema": {"type": "object"}}}}
    value = converted(definitions={"A": old}, paths={"/a": {"get": get}})
    assert value["components"]["schemas"]["A"] == new


def test_security_definitions_become_schemes() -> None:
    flows = {
        "implicit": "implicit",
        "password": "password",
        "application": "clientCredentials",
        "accessCode": "authorizationCode",
    }
    old: dict[str, Any] = {
        "basic": {"type": "basic", "description": "x"},
        "key": {"type": "apiKey", "in": "header", "name": "X-Key"},
        **{flow: {"type": "oauth2", "flow": flow, "tokenUrl": "/t", "scopes": {"a": "A"}} for flow in flows},
    }
    assert converted(securityDefinitions=old)["components"]["securitySchemes"] == {
        "basic": {"type": "http", "scheme": "basic", "description": "x"},
        "key": {"type": "apiKey", "in": "header", "name": "X-Key"},
        **{
            flow: {"type": "oauth2", "flows": {name: {"tokenUrl": "/t", "scopes": {"a": "A"}}}}
            for flow, name in flows.items()
        },
    }


def test_a_tuple_of_2_0_refers_to_what_was_moved() -> None:
    tuple_ = {"type": "array", "items": [{"$ref": "#/definitions/A"}, {"type": "string"}]}
    get = {"responses": {"200": {"description": "", "schema": tuple_}}}
    new = from_swagger({"swagger": "2.0", "info": {}, "paths": {"/a": {"get": get}}, "definitions": {"A": {"items": [{"$ref": "#/definitions/A"}]}}})  # fmt: skip
    moved = [{"$ref": "#/components/schemas/A"}, {"type": "string"}]
    answer = new.value["paths"]["/a"]["get"]["responses"]["200"]["content"]["*/*"]["schema"]
    assert answer == {"type": "array", "items": moved}
    assert new.value["components"]["schemas"]["A"] == {"items": moved[:1]}
    rewritten = to_2020_12(new.value, "3.0")
    assert rewritten["components"]["schemas"]["A"] == {"prefixItems": moved[:1]}


def test_each_moved_part_knows_where_it_stood() -> None:
    get = {
        "parameters": [
            {"name": "b", "in": "body", "schema": {"type": "object", "properties": {"a": {}}}},
            {"name": "q", "in": "query", "type": "string"},
        ],
        "responses": {"200": {"schema": {"items": {}}, "headers": {"H": {"type": "string"}}}},
    }
    new = from_swagger({"swagger": "2.0", "host": "h", "paths": {"/a": {"get": get}}, "definitions": {"A": {}}})
    at = ("paths", "/a", "get")
    for now, then in [
        ((*at, "parameters", "0", "schema", "type"), (*at, "parameters", "1", "type")),
        ((*at, "parameters", "0", "name"), (*at, "parameters", "1", "name")),
        ((*at, "requestBody", "content", "application/json", "schema", "properties", "a"), (*at, "parameters", "0", "schema", "properties", "a")),
        ((*at, "responses", "200", "content", "*/*", "schema", "items"), (*at, "responses", "200", "schema", "items")),
        ((*at, "responses", "200", "headers", "H", "schema", "type"), (*at, "responses", "200", "headers", "H", "type")),
        ((*at, "responses", "200"), (*at, "responses", "200")),
        (("components", "schemas", "A"), ("definitions", "A")),
        (("openapi",), ("swagger",)),
        (("servers",), ("host",)),
    ]:  # fmt: skip
        assert new.back(now) == then
        assert new.back(new.forth(then)) == then


def test_several_bodies_with_types_are_the_members_of_one() -> None:
    """2.0 forbids it; who writes it means the properties of one object."""
    name = {"name": "name", "in": "body", "type": "string", "required": True, "description": "its name"}
    size = {"name": "size", "in": "body", "type": "integer"}
    body = operation(operation={"parameters": [name, size]})["requestBody"]
    assert body["required"] is True
    assert body["content"] == {
        "application/json": {
            "schema": {
                "type": "object",
                "properties": {"name": {"type": "string", "description": "its name"}, "size": {"type": "integer"}},
                "required": ["name"],
            }
        }
    }
    alone = operation(operation={"parameters": [size]})["requestBody"]
    assert alone["content"]["application/json"]["schema"] == {"type": "integer"}
    whole = {"name": "whole", "in": "body", "schema": {"type": "object"}}
    told = operation(operation={"parameters": [size, whole]})["requestBody"]
    assert told["content"]["application/json"]["schema"] == {"type": "object"}
