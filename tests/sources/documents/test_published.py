"""Documents that real services publish are loaded whole, with the oddities that they have."""

from __future__ import annotations

import json
import lzma
import tarfile
import time
from pathlib import Path
from typing import Any

import pytest

from contract.core.dialect import to_2020_12
from contract.core.document import Document, resolve
from contract.sources.documents._metaschema import refusals
from contract.sources.documents.file import load
from tests.data import DATA

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace", "query")
INDEX: list[dict[str, Any]] = json.loads((DATA / "documents" / "index.json").read_text()) if DATA else []
PROBLEMS = {"openai": 10, "redocly-lint-32": 10, "xero-accounting": 14}
pytestmark = pytest.mark.data


def unpacked(entry: dict[str, Any], folder: Path) -> Path:
    assert DATA is not None
    packed = DATA / "documents" / entry["file"]
    if "entry" in entry:
        with tarfile.open(packed) as archive:
            archive.extractall(folder, filter="data")
        return folder / str(entry["entry"])
    path = folder / packed.stem
    path.write_bytes(lzma.decompress(packed.read_bytes()))
    return path


def operations(document: Document) -> int:
    items = [item for item in document.value.get("paths", {}).values() if isinstance(item, dict)]
    return sum(method in item for item in items for method in METHODS) + sum(
        len(item.get("additionalOperations", ())) for item in items
    )


def references(node: Any) -> set[str]:
    found: set[str] = set()
    stack = [node]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            if isinstance(node.get("$ref"), str):
                found.add(node["$ref"])
            stack.extend(node.values())
        elif isinstance(node, list):
            stack.extend(node)
    return found


@pytest.mark.parametrize("entry", INDEX, ids=lambda entry: str(entry["name"]))
def test_a_published_document_is_loaded_whole(entry: dict[str, Any], tmp_path: Path) -> None:
    began = time.perf_counter()
    document = load(unpacked(entry, tmp_path))
    took = time.perf_counter() - began
    assert document.version == entry["openapi"]
    assert operations(document) == entry["operations"]
    hooks = [item for key in ("webhooks", "x-webhooks") for item in document.value.get(key, {}).values()]
    assert sum(method in item for item in hooks for method in METHODS) == entry["webhooks"]
    if "entry" not in entry:  # whose schemas are all files of their own
        assert len(document.value.get("components", {}).get("schemas", {})) == entry["component_schemas"]
        assert document.sha256 == entry["sha256"]
    problems = document.problems()
    assert len(problems) == PROBLEMS.get(str(entry["name"]), 0)
    for problem in problems:
        assert document.locate(problem.pointer).line >= 1
    for reference in references(document.value):
        resolve(document.value, reference)
    to_2020_12(document.value, document.family)
    if document.version == "2.0":
        assert refusals(document.value, "3.0") == []
    print(f"{entry['name']}: {1000 * took:.0f} ms")


def test_every_line_of_a_published_document_is_the_right_one(tmp_path: Path) -> None:
    entry = next(entry for entry in INDEX if entry["name"] == "harbor")
    path = unpacked(entry, tmp_path)
    lines = path.read_text("utf-8").split("\n")
    document = load(path)
    for pointer, text in {
        "#/components/schemas/Project/properties/name": "      name:",
        "#/paths/~1projects/post/requestBody/content/application~1json/schema": "          schema:",
        "#/paths/~1projects/get/parameters/3/schema/type": "    type: integer",
        "#/paths/~1projects/get/responses/200/content/application~1json/schema/items": "            items:",
        "#/paths/~1projects/get/responses/200/headers/Link/schema/type": "              type: string",
        "#/paths/~1projects/get/responses/401/description": "    description: Unauthorized. Authentication is required to access this resource.",
        "#/components/securitySchemes/basic": "  basic:",
        "#/servers/0/url": "host: localhost",
    }.items():
        assert lines[document.locate(pointer).line - 1] == text


def test_a_document_in_thousands_of_files_leads_back_to_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = next(entry for entry in INDEX if entry["name"] == "digitalocean")
    path = unpacked(entry, tmp_path)
    monkeypatch.chdir(path.parent)
    document = load(path)
    assert all(reference.startswith("#/components/") for reference in references(document.value))
    assert document.origin("#/components/schemas/app/properties/id") == (
        "resources/apps/models/app.yml",
        "#/properties/id",
    )
    assert document.origin("#/paths/~1v2~1account/get/responses/200/content/application~1json/schema") == (
        "resources/account/responses/account.yml",
        "#/content/application~1json/schema",
    )
    assert str(document.locate("#/paths/~1v2~1apps/post/operationId")) == "resources/apps/apps_create.yml:1"
