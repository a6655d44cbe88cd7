"""The published meta-schemas judge a document, and a person understands what they say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from openapi_spec_validator import OpenAPIV2SpecValidator, OpenAPIV30SpecValidator, OpenAPIV31SpecValidator

from contract.sources.documents._metaschema import refusals
from contract.sources.documents.file import load


def document(version: str = "3.0.3", **changes: Any) -> dict[str, Any]:
    key = "swagger" if version == "2.0" else "openapi"
    return {key: version, "info": {"title": "t", "version": "1"}, "paths": {}, **changes}


def operation(**changes: Any) -> dict[str, Any]:
    return {"/a": {"get": {"responses": {"200": {"description": "x"}}, **changes}}}


CASES: list[tuple[str, dict[str, Any], list[tuple[str, str]]]] = [
    ("2.0", document("2.0"), []),
    ("3.0", document(), []),
    ("3.1", document("3.1.0"), []),
    ("3.0", document(info={"title": "t"}), [("/info", "`version` is missing")]),
    ("3.0", document(paths={"a": {}}), [("/paths/a", "the path `a` must begin with `/`")]),
    ("3.0", document(paths={"/a": {"got": {}}}), [("/paths//a/got", "`got` is no field of this object")]),
    (
        "3.0",
        document(paths=operation(parameters=[{"name": "x", "in": "queri", "schema": {"type": "string"}}])),
        [("/paths//a/get/parameters/0/in", '`"queri"` is none of path, query, header, cookie')],
    ),
    (
        "3.0",
        document(components={"schemas": {"A": {"properties": {"b": {"type": "int", "nul": 1}}}}}),
        [
            (
                "/components/schemas/A/properties/b/type",
                '`"int"` is none of array, boolean, integer, number, object, string',
            ),
            ("/components/schemas/A/properties/b/nul", "`nul` is no field of this object"),
        ],
    ),
    (
        "3.0",
        document(paths=operation(responses={"200": {"content": {"application/json": {"schema": {"type": "null"}}}}})),
        [
            ("/paths//a/get/responses/200", "`description` is missing"),
            (
                "/paths//a/get/responses/200/content/application/json/schema/type",
                '`"null"` is none of array, boolean, integer, number, object, string',
            ),
        ],
    ),
    (
        "3.1",
        document("3.1.0", components={"schemas": {"A": {"type": "int"}, "B": {"exclusiveMinimum": True}}}),
        [
            ("/components/schemas/A/type", '`"int"` is none of array, boolean, integer, null, number, object, string'),
            ("/components/schemas/B/exclusiveMinimum", "`true` is no number"),
        ],
    ),
    (
        "3.1",
        document("3.1.0", components={"schemas": {"A": {"discriminator": {"name": "x"}}}}),
        [
            ("/components/schemas/A/discriminator", "`propertyName` is missing"),
            ("/components/schemas/A/discriminator/name", "`name` is no field of this object"),
        ],
    ),
    (
        "2.0",
        document(
            "2.0",
            paths=operation(
                parameters=[
                    {"in": "path", "name": "a", "type": "int"},
                    {"in": "query", "name": "b", "type": "string", "schema": {}},
                    {"in": "body", "name": "c"},
                    {"in": "nowhere", "name": "d", "type": "string"},
                ]
            ),
        ),
        [
            ("/paths//a/get/parameters/0", "`required` is missing"),
            ("/paths//a/get/parameters/0/type", '`"int"` is none of string, number, boolean, integer, array'),
            ("/paths//a/get/parameters/1/schema", "`schema` is no field of this object"),
            ("/paths//a/get/parameters/2", "`schema` is missing"),
            ("/paths//a/get/parameters/3/in", '`"nowhere"` is none of body, header, formData, query, path'),
        ],
    ),
    ("2.0", document("2.0", host="http://x"), [("/host", '`"http://x"` does not match `^[^{}/ :\\\\]+(?::\\d+)?$`')]),
]


@pytest.mark.parametrize(("family", "value", "expected"), CASES)
def test_a_refusal_names_the_place_and_the_fault(
    family: str, value: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    found = [("".join("/" + token for token in tokens), message) for tokens, message in refusals(value, family)]
    assert sorted(found) == sorted(expected)


@pytest.mark.parametrize(("family", "value", "expected"), CASES)
def test_a_second_opinion_says_the_same(family: str, value: dict[str, Any], expected: list[Any]) -> None:
    second: dict[str, Any] = {
        "2.0": OpenAPIV2SpecValidator,
        "3.0": OpenAPIV30SpecValidator,
        "3.1": OpenAPIV31SpecValidator,
    }
    assert list(second[family](value).iter_errors()) == [] if not expected else True
    assert (refusals(value, family) == []) == second[family](value).is_valid()


def test_the_hundredth_problem_is_the_last(tmp_path: Path) -> None:
    path = tmp_path / "api.json"
    path.write_bytes(orjson.dumps(document(components={"schemas": {f"A{n}": {"type": "int"} for n in range(500)}})))
    problems = load(path).problems()
    assert len(problems) == 100
    assert problems[99].pointer == "#/components/schemas/A99/type"


def test_the_meta_schemas_are_what_the_notice_says() -> None:
    folder = Path(__file__).parents[3] / "contract" / "sources" / "documents" / "metaschemas"
    notice = (folder / "NOTICE").read_text()
    for path in sorted(folder.glob("*.json")):
        schema = orjson.loads(path.read_bytes())
        assert path.name in notice
        assert schema.get("$id", schema.get("id", "Swagger 2.0")) in notice
