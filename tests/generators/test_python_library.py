"""The client that datamodel-code-generator writes itself: proven by the same steps as ours, or named with what failed."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("datamodel_code_generator", reason="the extra `types` is not installed")

from contract.core.canonical import canonical_document
from contract.core.errors import ConfigError
from contract.core.evidence import Artifact
from contract.core.generated import Generated
from contract.core.openapi import Contract
from contract.generators import python
from contract.generators._python.files import HEADER, files
from contract.generators._python.prove import Seen
from contract.sources.documents import file

ROOT = Path(__file__).parents[2]
OPTIONS = {"client": "datamodel-code-generator"}


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What mypy knows about pydantic, found out once."""
    return tmp_path_factory.mktemp("mypy")


def ok(schema: dict[str, Any], media: str = "application/json") -> dict[str, Any]:
    return {"200": {"description": "", "content": {media: {"schema": schema}}}}


def small() -> dict[str, Any]:
    task = {"$ref": "#/components/schemas/Task"}
    form = {"type": "object", "required": ["a"], "properties": {"a": {"type": "string"}, "b": {"type": "integer"}}}
    upload = {
        "type": "object",
        "required": ["file"],
        "properties": {"file": {"type": "string", "format": "binary"}, "note": {"type": "string"}},
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "t", "version": "1"},
        "servers": [{"url": "https://api.example.com/v1"}],
        "security": [{"key": []}, {"login": []}],
        "paths": {
            "/tasks": {
                "get": {
                    "operationId": "listTasks",
                    "tags": ["tasks"],
                    "parameters": [
                        {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1}},
                        {"name": "X-Tenant", "in": "header", "required": True, "schema": {"type": "string", "format": "uuid"}},
                        {"name": "filter", "in": "query", "style": "deepObject", "explode": True,
                         "schema": {"type": "object", "properties": {"open": {"type": "boolean"}}}},
                        {"name": "session", "in": "cookie", "schema": {"type": "string"}},
                    ],
                    "responses": {
                        **ok({"type": "array", "items": task}),
                        "404": {"description": "", "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}},
                    },
                },
                "post": {
                    "operationId": "createTask",
                    "tags": ["tasks"],
                    "requestBody": {"required": True, "content": {"application/json": {"schema": task}}},
                    "responses": {"201": {"description": "", "headers": {"X-Id": {"schema": {"type": "integer"}}}, "content": {"application/json": {"schema": task}}}},
                },
            },
            "/tasks/{id}": {
                "delete": {
                    "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}}],
                    "responses": {"204": {"description": ""}, "4XX": {"description": "", "content": {"application/json": {"schema": {"type": "string"}}}}},
                }
            },
            "/form": {"post": {"requestBody": {"content": {"application/x-www-form-urlencoded": {"schema": form}}}, "responses": ok({"type": "string"}, "text/plain")}},
            "/upload": {"post": {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": upload}}}, "responses": ok({"type": "string", "format": "binary"}, "application/octet-stream")}},
        },
        "components": {
            "securitySchemes": {
                "key": {"type": "apiKey", "in": "query", "name": "api_key"},
                "login": {"type": "http", "scheme": "basic"},
            },
            "schemas": {
                "Task": {
                    "type": "object",
                    "required": ["id", "title"],
                    "properties": {
                        "id": {"type": "integer"},
                        "title": {"type": "string", "minLength": 1},
                        "due": {"type": ["string", "null"], "format": "date"},
                        "state": {"$ref": "#/components/schemas/State"},
                    },
                    "examples": [{"id": 1, "title": "t", "due": "2030-01-01", "state": "open", "more": [1]}],
                },
                "State": {"type": "string", "enum": ["open", "done"]},
                "Alias": {"$ref": "#/components/schemas/State"},
                "Problem": {"type": "object", "properties": {"title": {"type": "string"}}},
            },
        },
    }  # fmt: skip


def made(tmp_path: Path, value: dict[str, Any], cache: Path, name: str = "acme", **more: Any) -> Generated:
    path = tmp_path / "api.json"
    path.write_text(json.dumps(value))
    contract = Contract(canonical_document(file.load(path)))
    options = {**OPTIONS, **more.pop("options", {})}
    out = tmp_path / name
    return python.generate(contract.document, contract.operations, out, cache=cache, options=options, **more)


def unproven(made: Generated) -> dict[str, str]:
    return {each.pointer: f"{each.step}: {each.reason}" for each in made.artifacts if not each.proven}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> tuple[Path, Generated]:
    folder = tmp_path_factory.mktemp("whole")
    return folder / "acme", made(folder, small(), cache)


@pytest.mark.slow
def test_all_of_it_is_proven_and_each_has_a_symbol(whole: tuple[Path, Generated]) -> None:
    folder, found = whole
    assert unproven(found) == {}
    keys = ["DELETE /tasks/{id}", "GET /tasks", "POST /form", "POST /tasks", "POST /upload"]
    names = ["Alias", "Problem", "State", "Task"]
    assert sorted(each.pointer for each in found.artifacts) == [
        *(f"#/components/schemas/{each}" for each in names),
        *keys,
    ]
    symbols = {each.pointer: each for each in found.symbols}
    assert {"#/components/schemas/Task", *keys} <= symbols.keys()
    listed = symbols["GET /tasks"]
    assert (listed.name, listed.file) == ("list_tasks", "client/resources/tasks/_sync.py")
    assert listed.required == {"x_tenant"}
    assert listed.members["limit"] == "StrictInt | UNSET"
    assert symbols["POST /tasks"].members["return"] == "models.Task"
    assert sorted(found.files) == sorted(files(folder))
    for name in found.files:
        if name.endswith(".py"):
            assert (folder / name).read_text().startswith(HEADER), name
            ast.parse((folder / name).read_text())


@pytest.mark.slow
def test_the_order_of_the_document_changes_no_byte(whole: tuple[Path, Generated], tmp_path: Path, cache: Path) -> None:
    folder, _ = whole

    def turned(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: turned(each) for key, each in reversed(value.items())}
        return [turned(each) for each in value] if isinstance(value, list) else value

    made(tmp_path, turned(small()), cache, prove=False)
    assert {name: (tmp_path / "acme" / name).read_bytes() for name in files(tmp_path / "acme")} == {
        name: (folder / name).read_bytes() for name in files(folder)
    }


def test_what_it_cannot_write_is_the_failure_of_all_and_nothing_is_written(tmp_path: Path, cache: Path) -> None:
    value = small()
    value["paths"]["/upload"]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"] = {"type": "string"}
    found = made(tmp_path, value, cache)
    assert found.files == () and not (tmp_path / "acme").exists()
    assert len(found.artifacts) == 9
    [reason] = set(unproven(found).values())
    assert reason.startswith("generate: datamodel-code-generator: ") and "multipart/form-data" in reason


def test_without_a_proof_nothing_is_claimed(tmp_path: Path, cache: Path) -> None:
    found = made(tmp_path, small(), cache, prove=False)
    assert set(unproven(found).values()) == {"unproven: it was made without a proof"}
    assert len(found.artifacts) == 9


@pytest.mark.slow
def test_a_class_that_cannot_hold_what_is_sent_is_told(tmp_path: Path, cache: Path) -> None:
    """A component with a required `readOnly` member has one class, which refuses a request without it."""
    value = small()
    value["components"]["schemas"]["Task"]["properties"]["id"]["readOnly"] = True
    found = unproven(made(tmp_path, value, cache))
    assert found.keys() == {"#/components/schemas/Task", "POST /tasks"}
    assert found["#/components/schemas/Task"].startswith("values: a value that keeps the document is refused at /id")


@pytest.mark.slow
def test_observed_bodies_have_to_be_held(tmp_path: Path, cache: Path) -> None:
    whole = {"id": 1, "title": "seen", "unknown": {"deep": []}}
    listed, added = "GET /tasks", "POST /tasks"
    kept: Seen = {
        listed: [("200", "application/json", [whole]), ("404", "application/problem+json", {})],
        added: [("request", "application/json", whole), ("201", "application/json", whole)],
    }
    assert unproven(made(tmp_path, small(), cache, seen=kept)) == {}
    wrong: Seen = {
        listed: [*kept[listed], ("200", "application/json", [{"id": 1}])],
        added: [*kept[added], ("request", "application/json", {"title": "t"})],
    }
    assert unproven(made(tmp_path, small(), cache, seen=wrong)) == {
        listed: "values: an observed value of 200 is refused at /0/title: Field required",
        added: "values: an observed value of request is refused at /id: Field required",
    }


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"client": "httpx"}, "python has no client `httpx`"),
        ({"backend": "x"}, "python with the client of datamodel-code-generator has no option `backend`"),
        ({"client": "contract", "package": "a"}, "python with the client of contract has no option `package`"),
        ({"package": "acme.my-api"}, "`acme.my-api` is no name that Python can import"),
    ],
)
def test_options_that_are_none_are_refused(tmp_path: Path, cache: Path, options: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(said)):
        made(tmp_path, small(), cache, options=options)
    assert not (tmp_path / "acme").exists()


def test_a_folder_that_is_no_name_needs_one(tmp_path: Path, cache: Path) -> None:
    with pytest.raises(ConfigError, match="`my-client` is no name that Python can import"):
        made(tmp_path, small(), cache, "my-client")
    assert made(tmp_path, small(), cache, "my-client", options={"package": "acme.api"}, prove=False).files
    assert "from acme.api import models" in (tmp_path / "my-client/client/_generated/model_bindings.py").read_text()


def test_another_client_takes_the_files_of_the_first_away(tmp_path: Path, cache: Path) -> None:
    found = made(tmp_path, small(), cache, prove=False)
    path = tmp_path / "acme" / "mine.py"
    path.write_text("# by hand\n")
    ours = made(tmp_path, small(), cache, options={"client": "contract"}, prove=False)
    assert sorted(files(tmp_path / "acme")) == sorted([*ours.files, "mine.py"])
    assert "client/_client.py" in found.files and "client/_client.py" not in ours.files


@pytest.mark.slow
def test_the_demo_document_is_proven_with_it(tmp_path: Path, cache: Path) -> None:
    contract = Contract(canonical_document(file.load(ROOT / "specs/demo.yaml")))
    out = tmp_path / "demo"
    found = python.generate(contract.document, contract.operations, out, cache=cache, options=OPTIONS)
    assert unproven(found) == {}
    assert len(found.artifacts) == 54
    assert Artifact("python", "operation", "POST /api/v1/app/tasks", True) in found.artifacts
