"""Types for Python are proven, told where they cannot be, and the same bytes every time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("datamodel_code_generator", reason="the extra `types` is not installed")

from contract.core.errors import SourceError
from contract.core.evidence import Artifact, Stale
from contract.core.openapi import Contract
from contract.generators import python
from contract.rules.stale_artifact import stale_artifact
from contract.rules.unproven_artifact import unproven_artifact
from contract.sources.documents import file
from tests.data import DATA

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What mypy knows about pydantic, found out once."""
    return tmp_path_factory.mktemp("mypy")


def document(**changes: Any) -> dict[str, Any]:
    return {
        "openapi": "3.1.0",
        "info": {"title": "t", "version": "1"},
        "paths": {
            "/tasks": {
                "get": {
                    "operationId": "list-tasks",
                    "parameters": [
                        {"name": "limit", "in": "query", "schema": {"type": "integer", "maximum": 9}},
                        {"name": "X-Tenant", "in": "header", "required": True, "schema": {"type": "string", "format": "uuid"}},
                    ],
                    "responses": {
                        "200": {"description": "", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Tasks"}}}},
                        "404": {"description": ""},
                        "default": {"description": "", "content": {"text/plain": {"schema": {"type": "string"}}}},
                    },
                },
                "post": {
                    "requestBody": {"content": {"application/json": {"schema": {"type": "object", "properties": {"a": {"type": "string"}}}}}},
                    "responses": {"201": {"description": "", "content": {"application/json": {}, "image/png": {}}}},
                },
            }
        },
        "components": {
            "schemas": {
                "Task": {
                    "type": "object",
                    "required": ["id", "due_at"],
                    "properties": {
                        "id": {"type": "integer"},
                        "due_at": {"type": ["string", "null"], "format": "date-time"},
                        "mail": {"type": "string", "format": "email"},
                    },
                    "examples": [{"id": 1, "due_at": None, "mail": "jo@example.invalid"}],
                },
                "Tasks": {"type": "array", "items": {"$ref": "#/components/schemas/Task"}},
            }
        },
        **changes,
    }  # fmt: skip


def generate(tmp_path: Path, value: dict[str, Any], cache: Path, name: str = "out") -> list[Artifact]:
    path = tmp_path / "api.json"
    path.write_text(json.dumps(value))
    contract = Contract(file.load(path))
    return python.generate(contract.document, contract.operations, tmp_path / name, cache=cache)


def proven(kind: str, pointer: str) -> Artifact:
    return Artifact("python", kind, pointer, True)


def test_components_and_operations_are_made_and_proven(tmp_path: Path, cache: Path) -> None:
    assert generate(tmp_path, document(), cache) == [
        proven("component", "#/components/schemas/Task"),
        proven("component", "#/components/schemas/Tasks"),
        proven("operation", "GET /tasks"),
        proven("operation", "POST /tasks"),
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["api.json", "out"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(python.FILES)
    assert (tmp_path / "out/operations.py").read_text() == (
        f"{python.HEADER}\n"
        """
from __future__ import annotations

from typing import Any, TypeAlias

from . import models


class ListTasks:
    "GET /tasks"

    Query: TypeAlias = models.ListTasksQuery
    Header: TypeAlias = models.ListTasksHeader
    Response200: TypeAlias = models.Tasks
    Response404: TypeAlias = None
    ResponseDefault: TypeAlias = str


class POSTTasks:
    "POST /tasks"

    Body: TypeAlias = models.POSTTasksBody
    Response201: TypeAlias = Any
    Response201ImagePng: TypeAlias = bytes
"""
    )


def test_the_models_hold_what_the_schema_says(tmp_path: Path, cache: Path) -> None:
    generate(tmp_path, document(), cache)
    script = (
        "from out.models import Task\n"
        'for text in (\'{"id":1,"due_at":null}\', \'{"id":1}\', \'{"id":"1","due_at":null}\','
        ' \'{"id":1,"due_at":null,"mail":null}\'):\n'
        "    try: print(Task.model_validate_json(text).model_dump_json())\n"
        "    except ValueError as error: print(error.errors()[0]['type'])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ['{"id":1,"due_at":null}', "missing", "int_type", "string_type"]


def test_reordering_the_document_and_another_hash_seed_change_no_byte(tmp_path: Path, cache: Path) -> None:
    value = document()
    generate(tmp_path, value, cache, "one")
    value["components"]["schemas"] = dict(reversed(value["components"]["schemas"].items()))
    value["paths"]["/tasks"] = dict(reversed(value["paths"]["/tasks"].items()))
    before = os.environ.get("PYTHONHASHSEED")
    os.environ["PYTHONHASHSEED"] = "7"
    try:
        generate(tmp_path, value, cache, "two")
    finally:
        os.environ.pop("PYTHONHASHSEED")
        if before is not None:
            os.environ["PYTHONHASHSEED"] = before
    assert list(python.compare(tmp_path / "one", tmp_path / "two")) == []


def test_the_project_around_the_output_changes_no_byte(tmp_path: Path, cache: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "pyproject.toml").write_text(
        "[tool.ruff]\nline-length = 40\n[tool.black]\nline-length = 40\n"
    )
    generate(tmp_path, document(), cache, "outer")
    generate(tmp_path, document(), cache, "inner/out")
    texts = [(tmp_path / name / "models.py").read_text() for name in ("outer", "inner/out")]
    assert texts[0] == texts[1]


def test_an_unchanged_file_is_not_written_again_and_a_foreign_one_is_left_alone(tmp_path: Path, cache: Path) -> None:
    generate(tmp_path, document(), cache)
    (tmp_path / "out/mine.py").write_text("x = 1\n")
    os.utime(tmp_path / "out/models.py", (1, 1))
    generate(tmp_path, document(), cache)
    assert (tmp_path / "out/models.py").stat().st_mtime == 1
    assert (tmp_path / "out/mine.py").read_text() == "x = 1\n"


def test_a_schema_that_no_class_can_hold_does_not_cost_the_others_theirs(tmp_path: Path, cache: Path) -> None:
    value = document()
    value["components"]["schemas"] |= {
        "Code": {"type": "string", "pattern": "(?<=a)\\p{L}"},
        "Loop": {"allOf": [{"$ref": "#/components/schemas/Loop"}]},
        "Owner": {"type": "object", "properties": {"code": {"$ref": "#/components/schemas/Code"}}},
        "Base": {"type": "object", "properties": {"a": {"type": "string"}}},
        "Heir": {"allOf": [{"$ref": "#/components/schemas/Base"}, {"properties": {"a": {"type": "integer"}}}]},
    }
    value["paths"]["/tasks"]["post"]["requestBody"]["content"]["application/json"]["schema"] = {
        "$ref": "#/components/schemas/Owner"
    }
    artifacts = generate(tmp_path, value, cache)
    assert [(each.pointer, each.step, each.reason) for each in artifacts if not each.proven] == [
        ("#/components/schemas/Code", "import", "error: bad escape \\p at position 6"),
        (
            "#/components/schemas/Heir",
            "typecheck",
            'mypy --strict: Incompatible types in assignment (expression has type "int | MISSING", '
            'base class "Base" defined the type as "str | MISSING")  [assignment]',
        ),
        (
            "#/components/schemas/Loop",
            "generate",
            "Generated model inheritance cycle: Loop (openapi.json#/components/schemas/Loop) -> "
            "Loop (openapi.json#/components/schemas/Loop)",
        ),
        ("POST /tasks", "import", "Code: error: bad escape \\p at position 6"),
    ]
    assert [each.pointer for each in artifacts if each.proven] == [
        "#/components/schemas/Base",
        "#/components/schemas/Owner",
        "#/components/schemas/Task",
        "#/components/schemas/Tasks",
        "GET /tasks",
    ]
    assert "class Owner(BaseModel)" in (tmp_path / "out/models.py").read_text()


def test_a_schema_that_the_generator_refuses_without_saying_where_is_searched_for(tmp_path: Path, cache: Path) -> None:
    value = document()
    value["components"]["schemas"]["Odd"] = {"type": "string", "minLength": "many"}
    found = [each for each in generate(tmp_path, value, cache) if not each.proven]
    assert [(each.pointer, each.step) for each in found] == [("#/components/schemas/Odd", "generate")]


def test_an_example_that_the_type_refuses_is_told_and_one_that_breaks_its_schema_is_not(
    tmp_path: Path, cache: Path
) -> None:
    value = document(openapi="3.0.3")
    value["components"]["schemas"] |= {
        "Task": {"type": "object", "properties": {"id": {"type": "integer"}}, "example": {"id": "broken"}},
        # The class of an object is never null, whatever the schema says.
        "Maybe": {"type": "object", "nullable": True, "properties": {"id": {"type": "integer"}}, "example": None},
    }
    del value["paths"]["/tasks"]["get"]
    found = [each for each in generate(tmp_path, value, cache) if not each.proven]
    assert [(each.pointer, each.step, each.reason) for each in found] == [
        (
            "#/components/schemas/Maybe",
            "examples",
            "refuses an example of the document at its root: Input should be an object",
        )
    ]


def test_a_default_of_another_type_is_none(tmp_path: Path, cache: Path) -> None:
    value = document()
    value["components"]["schemas"]["Task"]["properties"] |= {
        "on": {"type": "boolean", "default": "false"},
        "n": {"type": "integer", "default": 3},
        "default": {"type": "boolean"},
    }
    assert all(each.proven for each in generate(tmp_path, value, cache))
    models = (tmp_path / "out/models.py").read_text()
    assert "    on: StrictBool | MISSING = MISSING\n" in models
    assert "    n: StrictInt = 3\n" in models
    assert "    default: StrictBool | MISSING = MISSING\n" in models


def test_hostile_names_stay_text(tmp_path: Path, cache: Path) -> None:
    value = document()
    value["paths"]['/a"\n\nimport os  # \\'] = {
        "get": {"operationId": "class", "responses": {"200": {"description": ""}}},
        "put": {"operationId": "1\n2", "responses": {"200": {"description": ""}}},
        "post": {"operationId": "—", "responses": {"200": {"description": ""}}},
    }
    assert all(each.proven for each in generate(tmp_path, value, cache))
    text = (tmp_path / "out/operations.py").read_text()
    assert "\nimport os" not in text
    assert 'class Op12:\n    "PUT /a\\"\\n\\nimport os  # \\\\"\n' in text


def test_a_document_without_schemas_has_operations(tmp_path: Path, cache: Path) -> None:
    value = document(components={})
    value["paths"] = {"/up": {"get": {"responses": {"204": {"description": ""}}}}}
    assert generate(tmp_path, value, cache) == [proven("operation", "GET /up")]


def test_swagger_2_is_read_as_converted(tmp_path: Path, cache: Path) -> None:
    value = {
        "swagger": "2.0",
        "info": {"title": "t", "version": "1"},
        "produces": ["application/json"],
        "paths": {"/a": {"get": {"responses": {"200": {"description": "", "schema": {"$ref": "#/definitions/A"}}}}}},
        "definitions": {"A": {"type": "object", "properties": {"id": {"type": "integer"}}}},
    }
    assert generate(tmp_path, value, cache) == [
        proven("component", "#/components/schemas/A"),
        proven("operation", "GET /a"),
    ]


def test_stale_files_are_named(tmp_path: Path) -> None:
    fresh, committed = tmp_path / "fresh", tmp_path / "committed"
    for folder, texts in (
        (fresh, {"same.py": "a\r\n", "new.py": "b", "differs.py": "c"}),
        (committed, {"same.py": "a\n", "differs.py": "d", "gone.py": f"{python.HEADER}\n", "mine.py": "e"}),
    ):
        folder.mkdir()
        for name, text in texts.items():
            (folder / name).write_bytes(text.encode())
    assert list(python.compare(fresh, committed)) == [
        Stale("python", "differs.py", "changed"),
        Stale("python", "gone.py", "removed"),
        Stale("python", "new.py", "added"),
    ]
    assert list(python.compare(fresh, tmp_path / "none")) == [
        Stale("python", name, "added") for name in ("differs.py", "new.py", "same.py")
    ]
    assert list(python.compare(tmp_path / "none", committed)) == []


def test_a_folder_that_cannot_be_written_is_an_error_that_names_it(tmp_path: Path, cache: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(SourceError, match="out: cannot be written: "):
        generate(tmp_path, document(), cache)
    assert (tmp_path / "out").read_text() == "a file"


def test_without_the_extra_the_error_says_how_to_install_it(tmp_path: Path) -> None:
    (tmp_path / "api.json").write_text(json.dumps(document()))
    script = f"""
import sys
sys.modules["datamodel_code_generator"] = None
from pathlib import Path
from contract.core.errors import MissingExtra
from contract.core.openapi import Contract
from contract.generators import python
from contract.sources.documents import file
contract = Contract(file.load(Path({str(tmp_path / "api.json")!r})))
try:
    python.generate(contract.document, contract.operations, Path({str(tmp_path / "out")!r}))
except MissingExtra as error:
    print(error.message, "|", error.hint)
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == (
        "generating types needs `datamodel-code-generator`, which is not installed"
        " | pip install 'contract-drift[types]'\n"
    )
    assert not (tmp_path / "out").exists()


def test_a_proven_artifact_is_no_finding_and_an_unproven_one_says_what_failed() -> None:
    assert list(unproven_artifact(proven("operation", "GET /a/{id}"))) == []
    failed = Artifact("python", "operation", "GET /a/{id}", False, "import", "Pet: TypeError: no")
    (found,) = unproven_artifact(failed)
    assert (found.declared, found.observed, found.name, found.keyword, found.component) == (
        "GET /a/{id}",
        "python: the generated module cannot be imported",
        "python GET /a/{}",
        "import",
        None,
    )
    assert found.message == "python: the generated module cannot be imported: Pet: TypeError: no"


def test_a_stale_file_is_a_finding() -> None:
    (found,) = stale_artifact(Stale("python", "models.py", "changed"))
    assert (found.declared, found.observed, found.message) == (
        "python: models.py as generated today",
        "different",
        "`models.py` (python) differs from what today's document gives",
    )


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.skipif(DATA is None, reason="the shared data is not there: set CONTRACT_DATA")
@pytest.mark.parametrize(
    ("name", "components", "operations"),
    [("museum.yaml", 22, 8), ("redocly-cafe.yaml", 15, 12), ("alertmanager.yaml", 22, 9), ("harbor.yaml", 153, 203)],
)
def test_published_documents_are_proven_whole(
    name: str, components: int, operations: int, tmp_path: Path, cache: Path
) -> None:
    import lzma

    assert DATA is not None
    (tmp_path / name).write_bytes(lzma.decompress((DATA / "documents" / f"{name}.xz").read_bytes()))
    contract = Contract(file.load(tmp_path / name))
    artifacts = python.generate(contract.document, contract.operations, tmp_path / "out", cache=cache)
    assert [each for each in artifacts if not each.proven] == []
    assert Counter(each.kind for each in artifacts) == {"component": components, "operation": operations}
