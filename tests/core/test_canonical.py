"""The canonical document and closure hashes: what is meant counts, and not how it is written down."""

from __future__ import annotations

import copy
import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.core import canonical as module
from contract.core.canonical import Canonical, as_3_1, canonical, canonical_document, closures, digest
from contract.core.document import Document, Location, resolve

TASK = {
    "type": "object",
    "required": ["id", "title"],
    "properties": {
        "id": {"type": "string"},
        "title": {"type": ["string", "null"]},
        "state": {"enum": ["open", "done"]},
        "owner": {"$ref": "#/components/schemas/User"},
        "required": {"type": "array", "items": {"$ref": "#/components/schemas/Tag"}},
    },
    "example": {"title": "b", "id": "a", "list": [2, 1]},
}
VALUE: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "t", "version": "1"},
    "tags": [{"name": "tasks"}, {"name": "admin"}],
    "security": [{"token": []}, {"basic": []}],
    "paths": {
        "/tasks/{id}": {
            "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
            "get": {
                "tags": ["tasks", "admin"],
                "parameters": [
                    {"name": "verbose", "in": "query", "schema": {"type": "boolean"}},
                    {"name": "fields", "in": "query", "schema": {"type": "string"}},
                    {"$ref": "#/components/parameters/Tenant"},
                ],
                "responses": {
                    "200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Task"}}}}
                },
            },
        },
        "/tags": {
            "get": {
                "security": [],
                "responses": {
                    "200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Tag"}}}}
                },
            }
        },
    },
    "components": {
        "schemas": {
            "Task": TASK,
            "User": {"type": "object", "properties": {"tasks": {"items": {"$ref": "#/components/schemas/Task"}}}},
            "Tag": {"type": "string", "enum": ["red", "blue"]},
            "Alone": {"type": "integer"},
        },
        "parameters": {"Tenant": {"name": "X-Tenant", "in": "header", "schema": {"type": "string"}}},
        "securitySchemes": {
            "token": {"type": "http", "scheme": "bearer"},
            "basic": {"type": "http", "scheme": "basic"},
        },
    },
}


def document(value: dict[str, Any]) -> Document:
    return Document(
        "api.yaml",
        str(value["openapi"]),
        value,
        "0" * 64,
        lambda pointer: Location(pointer, 1, 1),
        lambda pointer: ("api.yaml", pointer),
        list,
    )


def changed(edit: str, value: Any) -> dict[str, Any]:
    """The document with something else at a pointer."""
    made = copy.deepcopy(VALUE)
    *way, last = edit.removeprefix("#/").split("/")
    node = made
    for token in way:
        name = token.replace("~1", "/")
        node = node[int(name)] if isinstance(node, list) else node[name]
    node[last] = value
    return made


def shuffled(node: Any, chance: random.Random, where: str = "") -> Any:
    """The same document as somebody else would write it."""
    if isinstance(node, dict):
        names = list(node)
        chance.shuffle(names)
        return {name: shuffled(node[name], chance, name) for name in names}
    if isinstance(node, list):
        made = [shuffled(entry, chance) for entry in node]
        top_tags = where == "tags" and isinstance(node[0], dict)
        if top_tags or where in ("required", "type", "parameters"):
            chance.shuffle(made)
        return made
    return node


@given(st.randoms(use_true_random=False))
def test_how_it_is_written_changes_nothing(chance: random.Random) -> None:
    other = shuffled(VALUE, chance)
    first, second = canonical(VALUE), canonical(other)
    assert list(walk(first)) == list(walk(second))
    assert digest(first) == digest(second)
    assert closures(document(VALUE)) == closures(document(other))
    assert canonical(first) == first


def walk(node: Any) -> Any:
    """Everything in its order, which the equality of dictionaries does not see."""
    if isinstance(node, dict):
        for name, child in node.items():
            yield name
            yield from walk(child)
    elif isinstance(node, list):
        for child in node:
            yield from walk(child)
    else:
        yield node


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("#/components/schemas/Tag/enum", ["blue", "red"]),
        ("#/components/schemas/Task/example", {"id": "a", "title": "b", "list": [1, 2]}),
        ("#/paths/~1tasks~1{id}/get/tags", ["admin", "tasks"]),
        ("#/security", [{"basic": []}, {"token": []}]),
    ],
)
def test_an_order_that_means_something_stays(pointer: str, value: Any) -> None:
    assert digest(canonical(changed(pointer, value))) != digest(canonical(VALUE))


def test_it_keeps_its_meaning_and_leaves_the_argument_alone() -> None:
    before = copy.deepcopy(VALUE)
    made = canonical(VALUE)
    assert before == VALUE
    assert made["components"]["schemas"]["Task"]["example"]["list"] == [2, 1]
    # A property that is called like a keyword is a property.
    assert made["components"]["schemas"]["Task"]["properties"]["required"]["type"] == "array"
    names = [each.get("name") for each in made["paths"]["/tasks/{id}"]["get"]["parameters"]]
    assert names == [None, "fields", "verbose"]


def test_places_are_those_that_the_user_wrote() -> None:
    made = canonical_document(document(VALUE))
    assert isinstance(made, Canonical) and canonical_document(made) is made
    at = "#/paths/~1tasks~1{id}/get/parameters/2"
    assert resolve(made.value, at)["name"] == "verbose"
    assert made.locate(f"{at}/schema").file == "#/paths/~1tasks~1{id}/get/parameters/0/schema"
    assert made.origin(at) == ("api.yaml", "#/paths/~1tasks~1{id}/get/parameters/0")
    assert made.locate("#/components/schemas/Task").file == "#/components/schemas/Task"
    assert made.sha256 == canonical_document(document(shuffled(VALUE, random.Random(3)))).sha256


@pytest.mark.parametrize(
    "way", ["#/paths/~1tasks~1{id}/get/parameters/0", "#/paths/~1tasks~1%7Bid%7D/get/parameters/0"]
)
def test_a_list_that_a_reference_counts_in_keeps_its_order(way: str) -> None:
    value = changed("#/components/schemas/Alone", {"$ref": f"{way}/schema"})
    made = canonical(value)
    assert [each.get("name") for each in made["paths"]["/tasks/{id}"]["get"]["parameters"]] == [
        "verbose",
        "fields",
        None,
    ]
    assert resolve(made, way)["name"] == "verbose"


def touched(value: dict[str, Any]) -> set[str]:
    before, after = closures(document(VALUE)), closures(document(value))
    return {name for name in {*before, *after} if before.get(name) != after.get(name)}


def test_a_change_reaches_what_depends_on_it_and_nothing_else() -> None:
    circle = {"#/components/schemas/Task", "#/components/schemas/User"}
    assert touched(changed("#/components/schemas/Alone/type", "number")) == {"#/components/schemas/Alone"}
    # Task and User refer to one another, so they are one piece.
    assert touched(changed("#/components/schemas/User/description", "who")) == {*circle, "GET /tasks/{id}"}
    assert touched(changed("#/components/schemas/Tag/enum", ["red"])) == {
        *circle,
        "#/components/schemas/Tag",
        "GET /tasks/{id}",
        "GET /tags",
    }
    assert touched(changed("#/components/parameters/Tenant/required", True)) == {
        "#/components/parameters/Tenant",
        "GET /tasks/{id}",
    }
    assert touched(changed("#/info/title", "another")) == set()


def test_what_stands_around_an_operation_belongs_to_it() -> None:
    assert touched(changed("#/paths/~1tasks~1{id}/parameters", [])) == {"GET /tasks/{id}"}
    # `GET /tags` says itself that nobody need sign in.
    assert touched(changed("#/components/securitySchemes/token/scheme", "digest")) == {
        "#/components/securitySchemes/token",
        "GET /tasks/{id}",
    }
    assert touched(changed("#/security", [])) == {"GET /tasks/{id}"}


def test_what_a_discriminator_names_is_depended_on() -> None:
    value = changed(
        "#/components/schemas/Alone",
        {"discriminator": {"propertyName": "kind", "mapping": {"a": "Tag", "b": "#/components/schemas/User"}}},
    )
    before = closures(document(value))
    value["components"]["schemas"]["Tag"]["enum"] = ["green"]
    after = closures(document(value))
    assert before["#/components/schemas/Alone"] != after["#/components/schemas/Alone"]


def test_references_that_lead_nowhere_or_round_in_a_circle_are_no_trouble() -> None:
    value = changed("#/components/schemas/Alone", {"$ref": "#/components/schemas/Nobody"})
    value["components"]["schemas"]["A"] = {"$ref": "#/components/schemas/B"}
    value["components"]["schemas"]["B"] = {"$ref": "#/components/schemas/A"}
    value["components"]["schemas"]["C"] = {"$ref": "#/paths/~1tags/get"}
    value["paths"]["/shared"] = {"$ref": "#/paths/~1tags"}
    found = closures(document(value))
    assert {"#/components/schemas/A", "#/components/schemas/Alone", "GET /shared"} <= found.keys()


def test_a_schema_whose_references_depend_on_their_reader_depends_on_everything() -> None:
    value = changed("#/components/schemas/Alone", {"$dynamicRef": "#node"})
    before = closures(document(value))
    value["info"]["title"] = "another"
    after = closures(document(value))
    assert [name for name in before if before[name] != after[name]] == ["#/components/schemas/Alone"]


def test_a_document_of_3_0_is_read_as_3_1_with_every_part_in_its_place() -> None:
    value = changed("#/components/schemas/Alone", {"type": "integer", "nullable": True})
    made = as_3_1(document({**value, "openapi": "3.0.3"}))
    assert (made.family, made.version) == ("3.1", "3.0.3")
    assert resolve(made.value, "#/components/schemas/Alone") == {"type": ["integer", "null"]}
    newer = document(VALUE)
    assert as_3_1(newer) is newer
    assert as_3_1(replace(newer, value={**VALUE, "openapi": "3.2.0"})).family == "3.2"


REFERRING = st.recursive(
    st.sampled_from(
        ["#/components/schemas/A~1b", "Task", "#", 'a"$ref":"b', '"mapping":{', "\\", "größe", 1, None, True]
    ),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["$ref", "$id", "mapping", "security", "items", 'x"$ref":"', "enum"]), inner, max_size=3
        )
    ),
    max_leaves=20,
)


@given(REFERRING)
def test_what_a_value_refers_to_is_read_off_its_text_as_a_walk_finds_it(value: Any) -> None:
    walked: set[str] = set()
    module._edges(value, walked)
    told = module._edges_in(module._bytes(value))
    assert told is None or told == walked
    assert module._node(value).edges == sorted(walked)
