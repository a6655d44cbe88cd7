"""What real documents and adversarial ones have shown: each of these once cost an operation or component its proof."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

pytest.importorskip("datamodel_code_generator", reason="the extra `types` is not installed")

from contract.core.canonical import canonical_document
from contract.core.errors import MissingExtra, SourceError
from contract.core.openapi import Contract
from contract.generators import python, typescript
from contract.generators._typescript import node
from contract.sources.documents import file

from ..needs import missing


def ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def answer(schema: Mapping[str, Any], media: str = "application/json") -> dict[str, Any]:
    return {"200": {"description": "", "content": {media: {"schema": dict(schema)}}}}


def taking(name: str, schema: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
    return [{"name": name, "in": "path", "required": True, "schema": dict(schema or {"type": "string"})}]


def taken(schema: Mapping[str, Any], media: str = "application/json") -> dict[str, Any]:
    return {"content": {media: {"schema": dict(schema)}}}


TOLD = {
    "discriminator": {
        "propertyName": "type",
        "mapping": {"on": "#/components/schemas/Action", "snapshot": "#/components/schemas/Snapshot"},
    }
}

DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "t", "version": "1"},
    "paths": {
        # Two templates that no request can tell apart.
        "/contacts/{id}": {"get": {"parameters": taking("id", {"type": "string", "format": "uuid"}), "responses": answer({})}},
        "/contacts/{number}": {"get": {"parameters": taking("number", {"type": "integer"}), "responses": answer({})}},
        # What a URL can only say encoded.
        "/a/\"'`/{id}": {"get": {"parameters": taking("id"), "responses": answer({})}},
        # A template with a query of its own, beside one without.
        "/a?beta=true": {"get": {"responses": answer(ref("Address"))}},
        "/a": {"get": {"responses": answer(ref("Address"))}},
        # Of which one schema takes all that the other takes; a form of which nothing is said.
        "/actions": {"post": {"requestBody": taken({"oneOf": [ref("Action"), ref("Snapshot")], **TOLD}), "responses": {"204": {"description": ""}}}},
        "/uploads": {"post": {"requestBody": taken({}, "multipart/form-data"), "responses": {"204": {"description": ""}}}},
        "/interval": {"get": {"responses": answer({"anyOf": [ref("Delta"), ref("Cron")], "discriminator": {"propertyName": "kind"}})}},
        # A header that no style can say.
        "/nested": {
            "get": {
                "parameters": [{"name": "X-Languages", "in": "header", "schema": {"type": "object", "properties": {"a": {"type": "array", "items": ref("Address")}}}}],
                "responses": answer({}),
            }
        },
        "/categories": {
            "post": {
                "requestBody": {"content": {"application/json": {"schema": ref("Category"), "example": {"name": "a"}}}},
                "responses": answer(ref("Category")),
            }
        },
    },
    "components": {
        "schemas": {
            # An undeclared property that is called as the member is in Python.
            "Category": {"type": "object", "properties": {"Name": {"type": "string"}}},
            # Arrays of themselves.
            "Chain": {"type": "array", "items": ref("Chain")},
            "Nested": {"type": "array", "minItems": 1, "items": {"type": "array", "items": ref("Nested")}},
            "Texts": {"type": ["array", "null"], "items": {"anyOf": [{"type": "string"}, ref("Texts")]}},
            # Defaults where the generator writes the bare value for an object of a class.
            "Voice": {"type": "string", "minLength": 1, "default": "a"},
            "Defaults": {
                "type": "object",
                "default": {},
                "properties": {
                    "voice": {**ref("Voice"), "default": "alto"},
                    "voices": {"type": "array", "items": ref("Voice"), "default": ["alto"]},
                    "count": {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}], "default": 1},
                    "since": {"type": "string", "format": "date-time", "default": "2026-01-02T03:04:05Z"},
                    "place": {"type": "object", "properties": {"x": {"type": "integer"}}, "default": {"x": 1}},
                    "nothing": {"oneOf": [{"type": "string"}, ref("Address")], "default": None},
                    "text": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": "b"},
                    "kind": {"type": "string", "enum": ["a", "b"], "default": "b"},
                },
            },
            # What is required and nowhere declared.
            "Lost": {"type": "object", "required": ["a", "b"], "properties": {"a": {"type": "integer"}}},
            "LostToo": {"allOf": [ref("Address"), {"required": ["c"]}]},
            # What is optional in a part and required by another.
            "Asked": {"allOf": [ref("Address"), {"required": ["v4", "id"], "properties": {"id": {"type": "integer"}}}]},
            "OneOfThem": {"allOf": [ref("Address"), {"required": ["v4"]}, {"anyOf": [{"required": ["v6"]}, {"required": ["v4"]}]}]},
            # Formats that are laxer, or stricter, or of another kind than what they stand for.
            "Address": {"type": "object", "properties": {"v4": {"type": "string", "format": "ipv4"}, "v6": {"type": "string", "format": "ipv6"}}},
            "Formats": {
                "type": "object",
                "properties": {
                    "at": {"type": "number", "format": "unixtime"},
                    "key": {"type": "string", "format": "byte"},
                    "sum": {"type": "string", "format": "decimal"},
                    "id": {"type": "string", "format": "uuid4"},
                },
            },
            # What is said of objects beside a choice of other kinds.
            "Content": {"anyOf": [{"type": "string"}, {"type": "object"}, {"type": "array", "items": {}}], "additionalProperties": True},
            # A limit beside what it limits.
            "Label": {"type": "string"},
            "Labelled": {"type": "object", "properties": {"label": {"allOf": [ref("Label"), {"maxLength": 4}, {"maxLength": 8}]}}},
            # Discriminators: a base that lists the values of its heirs; a mapping that leaves values out, of which one
            # schema is the other's base; one that means a schema by its name, which is used beside it too; and one whose
            # schemas refuse the names by which it means them.
            "Event": {
                "type": "object",
                "required": ["type"],
                "properties": {"type": {"type": "string", "enum": ["attach", "detach"]}},
                "discriminator": {"propertyName": "type", "mapping": {"attach": "#/components/schemas/Attach", "detach": "#/components/schemas/Detach"}},
            },
            "Attach": {"allOf": [ref("Event"), {"type": "object", "properties": {"to": {"type": "integer"}}}]},
            "Detach": {"allOf": [ref("Event"), {"type": "object", "properties": {"from": {"type": "integer"}}}]},
            "Action": {"type": "object", "required": ["type"], "properties": {"type": {"type": "string", "enum": ["on", "off", "snapshot"]}}},
            "Snapshot": {"allOf": [ref("Action"), {"type": "object", "properties": {"name": {"type": "string"}}}]},
            "Delta": {"type": "object", "required": ["kind"], "properties": {"kind": {"type": "string"}, "days": {"type": "integer"}}},
            "Cron": {"type": "object", "required": ["kind"], "properties": {"kind": {"type": "string"}, "line": {"type": "string"}}},
            "Timed": {"type": "object", "properties": {"timeout": ref("Delta")}},
            "Equals": {"type": "object", "required": ["op"], "properties": {"op": {"type": "string", "enum": ["eq", "ne"]}}},
            "All": {"type": "object", "required": ["op"], "properties": {"op": {"type": "string", "enum": ["and"]}, "of": {"type": "array", "items": ref("Filter")}}},
            "Filter": {"oneOf": [ref("Equals"), ref("All")], "discriminator": {"propertyName": "op"}},
            # A schema in line that would be called as a component, and is the same.
            "Runner": {"type": "object", "properties": {"steps": {"type": "array", "items": {"type": "object", "properties": {"title": {"type": "string"}}}}}},
            "runnerStep": {"type": "object", "properties": {"title": {"type": "string"}}},
            # What fits two branches breaks the choice, and neither branch.
            "Either": {"type": "object", "required": ["a"], "properties": {"a": {"oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}, {"type": "array", "items": {"type": "integer"}}]}}},
        }
    },
}  # fmt: skip


@pytest.mark.parametrize("generator", [python, typescript])
def test_everything_is_proven(tmp_path: Path, generator: ModuleType) -> None:
    if generator is typescript:
        try:
            node.tools()
        except (MissingExtra, SourceError) as error:
            missing(f"the tools for TypeScript: {error}")
    path = tmp_path / "api.json"
    path.write_text(json.dumps(DOCUMENT))
    document = canonical_document(file.load(path))
    made = generator.generate(document, Contract(document).operations, tmp_path / "out")
    assert [(each.pointer, each.step, each.reason) for each in made.artifacts if not each.proven] == []
    assert len(made.artifacts) == len(DOCUMENT["paths"]) + len(DOCUMENT["components"]["schemas"])
