"""Other people's tables: the JSON Schema Test Suite through our loading and judging, and OpenAPI's own example documents.

Neither is ours to keep, so both are fetched by their packages' names, once per checkout.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from contract.core.errors import ContractError
from contract.core.openapi import Contract
from contract.sources.documents import file

from .. import needs

pytestmark = pytest.mark.slow

SUITE = "jsonschema==4.26.0"  # MIT; its source holds the suite (MIT)
EXAMPLES = "@readme/oas-examples@8.2.2"  # MIT; the OpenAPI Initiative's examples in it are Apache-2.0


def fetched(config: pytest.Config, name: str, command: list[str]) -> Path:
    """The folder of an unpacked package, kept beside pytest's own cache."""
    assert config.cache is not None
    folder = Path(config.cache.mkdir("documents")) / "".join(c if c.isalnum() else "-" for c in name)
    if not folder.is_dir():
        fresh = folder.with_name(f"{folder.name}.{id(config)}")
        fresh.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(command, cwd=fresh, capture_output=True, text=True, timeout=300)
        archives = [*fresh.glob("*.tgz"), *fresh.glob("*.tar.gz")]
        if done.returncode or len(archives) != 1:
            shutil.rmtree(fresh)
            needs.missing(f"{name}, which `{' '.join(command)}` did not fetch")
        with tarfile.open(archives[0]) as archive:
            archive.extractall(fresh, filter="data")
        try:
            fresh.rename(folder)
        except OSError:  # another process was first
            shutil.rmtree(fresh)
    return folder


# --- JSON Schema ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def suite(request: pytest.FixtureRequest) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:", SUITE]
    (tests,) = fetched(request.config, SUITE, command).glob("*/json/tests")
    return tests


def groups(folder: Path, pattern: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for page in sorted(folder.glob(pattern)):
        for group in json.loads(page.read_text()):
            yield f"{page.stem}: {group['description']}", group


def judged(place: Path, version: str, schema: Any, values: list[Any]) -> list[bool]:
    """Whether the schema, as a component of a document that is loaded from a file, takes each value in an answer."""
    value = {
        "openapi": version,
        "info": {"title": "Suite", "version": "1"},
        "paths": {},
        "components": {"schemas": {"Suite": schema}},
    }
    place.write_bytes(orjson.dumps(value))
    schemas = Contract(file.load(place)).schemas
    pointer = "#/components/schemas/Suite"
    verdicts = [schemas.accepts(pointer, "response", each) for each in values]
    assert schemas.unusable == {}
    return verdicts


def differing(tmp_path: Path, version: str, found: Iterator[tuple[str, dict[str, Any]]]) -> dict[str, list[str]]:
    """Groups that come out otherwise than the suite says, each with the tests that do."""
    differences: dict[str, list[str]] = {}
    for name, group in found:
        tests = group["tests"]
        verdicts = judged(tmp_path / "suite.json", version, group["schema"], [test["data"] for test in tests])
        wrong = [test["description"] for test, taken in zip(tests, verdicts, strict=True) if taken != test["valid"]]
        if wrong:
            differences[name] = wrong
    return differences


def as_resource(found: Iterator[tuple[str, dict[str, Any]]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each schema as a resource of its own, so that `#` means the schema and not the document."""
    for name, group in found:
        schema = group["schema"]
        if isinstance(schema, dict) and "$id" not in schema:
            schema = {"$id": "https://example.com/suite", **schema}
        yield name, {**group, "schema": schema}


def is_elsewhere(schema: Any) -> bool:
    """True for what refers to a server of the suite's, to a meta-schema, or to a dialect with a vocabulary of its own.

    A document with a reference that is not fetched is refused when it is loaded.
    """
    text = json.dumps(schema)
    return "http://localhost:1234" in text or '"$ref": "https://json-schema.org/' in text


def test_the_json_schema_test_suite_comes_out_as_it_says(suite: Path, tmp_path: Path) -> None:
    found = [
        (name, group) for name, group in groups(suite / "draft2020-12", "*.json") if not is_elsewhere(group["schema"])
    ]
    differences = differing(tmp_path, "3.1.1", as_resource(iter(found)))
    # OpenAPI's formats say what a value is; to plain JSON Schema they are annotations unless it is told otherwise.
    annotations = {name: tests for name, tests in differences.items() if name.startswith("format: ")}
    assert differences == annotations
    assert all(test.endswith("is only an annotation by default") for tests in annotations.values() for test in tests)
    assert len(found) > 300


def test_the_suite_s_formats_come_out_as_it_says(suite: Path, tmp_path: Path) -> None:
    found = list(groups(suite / "draft2020-12" / "optional" / "format", "*.json"))
    assert differing(tmp_path, "3.1.1", as_resource(iter(found))) == {}
    assert len(found) > 15


OF_3_0 = frozenset(
    {"title", "description", "default", "multipleOf", "maximum", "exclusiveMaximum", "minimum", "exclusiveMinimum"}
    | {"maxLength", "minLength", "pattern", "maxItems", "minItems", "uniqueItems", "maxProperties", "minProperties"}
    | {"required", "enum", "type", "allOf", "oneOf", "anyOf", "not", "items", "properties", "additionalProperties"}
)
"""Keywords that OpenAPI 3.0 has from draft 4, their meaning unchanged (OpenAPI 3.0.4, 4.7.24); formats are told apart."""


def in_3_0(schema: Any) -> bool:
    if not isinstance(schema, dict):
        return isinstance(schema, bool)
    below = [*schema.get("properties", {}).values()]
    below += [branch for keyword in ("allOf", "oneOf", "anyOf") for branch in schema.get(keyword, [])]
    below += [schema[keyword] for keyword in ("not", "items", "additionalProperties") if keyword in schema]
    kind = schema.get("type", "string")
    return (
        schema.keys() - {"$schema"} <= OF_3_0
        and isinstance(kind, str)
        and kind != "null"
        and not isinstance(schema.get("items"), list)
        and all(in_3_0(each) for each in below)
    )


def without_dialect(found: Iterator[tuple[str, dict[str, Any]]]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, group in found:
        yield name, {**group, "schema": {key: value for key, value in group["schema"].items() if key != "$schema"}}


def test_what_3_0_has_of_draft_4_comes_out_as_the_suite_says(suite: Path, tmp_path: Path) -> None:
    found = [(name, group) for name, group in groups(suite / "draft4", "*.json") if in_3_0(group["schema"])]
    assert differing(tmp_path, "3.0.4", without_dialect(iter(found))) == DRAFT_4
    assert len(found) > 80


DRAFT_4: dict[str, list[str]] = {}


# --- OpenAPI ---------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def examples(request: pytest.FixtureRequest) -> Path:
    npm = needs.program("npm", "it fetches OpenAPI's example documents")
    return fetched(request.config, EXAMPLES, [npm, "pack", "--silent", EXAMPLES]) / "package"


def test_openapi_s_example_documents_load_and_all_their_schemas_compile(examples: Path) -> None:
    refused: dict[str, str] = {}
    operations = 0
    for page in sorted([*examples.glob("[23].*/json/**/*.json"), *examples.glob("[23].*/yaml/**/*.yaml")]):
        name = str(page.relative_to(examples))
        try:
            contract = Contract(file.load(page))
        except ContractError as error:
            refused[name] = str(error)
            continue
        for operation in contract.operations:
            operations += 1
            for direction, medias in (
                ("request", operation.request_body.content if operation.request_body is not None else ()),
                *(("response", response.content) for response in operation.responses.values()),
            ):
                for media in medias:
                    if media.schema is not None:
                        contract.schemas.validator(media.schema, direction)
            for parameter in operation.parameters:
                if parameter.schema is not None:
                    contract.schemas.validator(parameter.schema, "request")
        if contract.schemas.unusable:
            refused[name] = str(contract.schemas.unusable)
    assert refused == {}
    assert operations > 200
