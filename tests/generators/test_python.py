"""Types for Python are proven, told where they cannot be, and the same bytes every time."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("datamodel_code_generator", reason="the extra `types` is not installed")

from contract.core.errors import SourceError
from contract.core.evidence import Artifact, Request, Response, Stale
from contract.core.generated import Generated, Symbol
from contract.core.openapi import Contract
from contract.generators import python
from contract.generators._python import prove as proving
from contract.generators._python.build import Built, build
from contract.generators._python.calls import Answering, Loopback
from contract.generators._python.files import HEADER, files
from contract.generators._python.prove import Proof
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


def made(
    tmp_path: Path, value: dict[str, Any], cache: Path, name: str = "out", *, prove: bool = True, **more: Any
) -> Generated:
    path = tmp_path / "api.json"
    path.write_text(json.dumps(value))
    contract = Contract(file.load(path))
    out = tmp_path / name
    return python.generate(contract.document, contract.operations, out, cache=cache, prove=prove, **more)


def generate(tmp_path: Path, value: dict[str, Any], cache: Path, name: str = "out") -> list[Artifact]:
    return list(made(tmp_path, value, cache, name).artifacts)


def written(tmp_path: Path, value: dict[str, Any], cache: Path, name: str = "out") -> Generated:
    """Without the proof, which is what takes time."""
    return made(tmp_path, value, cache, name, prove=False)


def proven(kind: str, pointer: str) -> Artifact:
    return Artifact("python", kind, pointer, True)


FILES = ["__init__.py", "_runtime.py", "api/__init__.py", "api/default.py", "client.py", "models.py", "py.typed"]


def test_components_and_operations_are_made_and_proven(tmp_path: Path, cache: Path) -> None:
    told: list[tuple[str, int, int]] = []
    found = made(tmp_path, document(), cache, notify=lambda *step: told.append(step))
    assert list(found.artifacts) == [
        proven("component", "#/components/schemas/Task"),
        proven("component", "#/components/schemas/Tasks"),
        proven("operation", "GET /tasks"),
        proven("operation", "POST /tasks"),
    ]
    assert [step for step, _, _ in told] == ["models", "imports", "types", "again", "values", "calls", "proven"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["api.json", "out"]
    assert list(found.files) == FILES == sorted(files(tmp_path / "out"))
    assert found.notes == (
        "POST /tasks: no operationId, so its name is made of its method and path",
        "15 of 17 broken values are refused; a type does not say: format 2",
    )
    assert [each for each in found.symbols if each.kind in ("operation", "model")] == [
        Symbol(
            "list_tasks",
            "operation",
            "GET /tasks",
            "api/default.py",
            "",
            {
                "x_tenant": "UUID | FromClient",
                "limit": "int | Unset",
                "return": "models.Tasks",
            },
            frozenset({"x_tenant"}),
        ),
        Symbol(
            "post_tasks",
            "operation",
            "POST /tasks",
            "api/default.py",
            "",
            {"body": "models.PostTasksBody | Raw | Unset", "return": "Any"},
            frozenset(),
        ),
        Symbol(
            "PostTasksBody",
            "model",
            "#/paths/~1tasks/post/requestBody/content/application~1json/schema",
            "models.py",
            "request",
            {"a": "str | MISSING"},
            frozenset(),
        ),
        Symbol(
            "Task",
            "model",
            "#/components/schemas/Task",
            "models.py",
            "response",
            {"id": "int", "due_at": "datetime | None", "mail": "str | MISSING"},
            frozenset({"id", "due_at"}),
        ),
        Symbol(
            "Tasks",
            "model",
            "#/components/schemas/Tasks",
            "models.py",
            "response",
            {"root": "list[Task]"},
            frozenset({"root"}),
        ),
    ]
    assert (tmp_path / "out/api/default.py").read_text() == API


API = f"""{HEADER}

from __future__ import annotations

from typing import Any, Literal, TypeAlias
from uuid import UUID

from .. import models
from .._runtime import (
    UNSET,
    Answer,
    Body,
    Call,
    FromClient,
    Operation,
    Parameter,
    Raw,
    Unset,
)


ListTasksResult: TypeAlias = models.Tasks
ListTasksAnswer: TypeAlias = Answer[Literal[200], models.Tasks] | Answer[Literal[404], None] | Answer[int, str]
_list_tasks = Operation(
    "list-tasks",
    "GET",
    "/tasks",
    parameters=(
        Parameter("X-Tenant", "header", "simple", False),
        Parameter("limit", "query", "form", True),
    ),
    answers={{
        "200": {{"application/json": models.Tasks}},
        "404": {{}},
        "default": {{"text/plain": str}},
    }},
)


def list_tasks(
    *,
    x_tenant: UUID | FromClient,
    limit: int | Unset = UNSET,
) -> Call[ListTasksResult, ListTasksAnswer]:
    \"\"\"GET /tasks\"\"\"
    return Call(_list_tasks, (x_tenant, limit,))


PostTasksResult: TypeAlias = Any
PostTasksAnswer: TypeAlias = Answer[Literal[201], Any] | Answer[Literal[201], bytes]
_post_tasks = Operation(
    "post_tasks",
    "POST",
    "/tasks",
    bodies=(Body("application/json", models.PostTasksBody),),
    answers={{"201": {{"application/json": Any, "image/png": bytes}}}},
)


def post_tasks(
    *,
    body: models.PostTasksBody | Raw | Unset = UNSET,
) -> Call[PostTasksResult, PostTasksAnswer]:
    \"\"\"POST /tasks\"\"\"
    return Call(_post_tasks, (), body)
"""


def test_the_models_hold_what_the_schema_says(tmp_path: Path, cache: Path) -> None:
    written(tmp_path, document(), cache)
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
    written(tmp_path, value, cache, "one")
    value["components"]["schemas"] = dict(reversed(value["components"]["schemas"].items()))
    value["paths"]["/tasks"] = dict(reversed(value["paths"]["/tasks"].items()))
    before = os.environ.get("PYTHONHASHSEED")
    os.environ["PYTHONHASHSEED"] = "7"
    try:
        written(tmp_path, value, cache, "two")
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
    written(tmp_path, document(), cache, "outer")
    written(tmp_path, document(), cache, "inner/out")
    texts = [(tmp_path / name / "models.py").read_text() for name in ("outer", "inner/out")]
    assert texts[0] == texts[1]


def test_an_unchanged_file_is_not_written_again_and_a_foreign_one_is_left_alone(tmp_path: Path, cache: Path) -> None:
    written(tmp_path, document(), cache)
    (tmp_path / "out/mine.py").write_text("x = 1\n")
    os.utime(tmp_path / "out/models.py", (1, 1))
    written(tmp_path, document(), cache)
    assert (tmp_path / "out/models.py").stat().st_mtime == 1
    assert (tmp_path / "out/mine.py").read_text() == "x = 1\n"


def test_a_file_that_nobody_generated_is_in_the_way_and_the_module_of_a_tag_that_is_gone_is_not(
    tmp_path: Path, cache: Path
) -> None:
    value = document()
    value["paths"]["/tasks"]["get"]["tags"] = ["Old"]
    written(tmp_path, value, cache)
    assert (tmp_path / "out/api/old.py").exists()
    written(tmp_path, document(), cache)
    assert not (tmp_path / "out/api/old.py").exists()
    (tmp_path / "out/api/default.py").write_text("mine = 1\n")
    before = (tmp_path / "out/models.py").read_bytes()
    value = document()
    value["components"]["schemas"]["More"] = {"type": "object"}
    with pytest.raises(SourceError, match=r"default\.py: is no generated file, and in the way"):
        written(tmp_path, value, cache)
    assert (tmp_path / "out/api/default.py").read_text() == "mine = 1\n"
    assert (tmp_path / "out/models.py").read_bytes() == before


def test_a_schema_that_no_class_can_hold_does_not_cost_the_others_theirs(tmp_path: Path, cache: Path) -> None:
    value = document()
    value["components"]["schemas"] |= {
        "Code": {"type": "string", "pattern": "(?<=a)\\p{L}"},
        "Loop": {"allOf": [{"$ref": "#/components/schemas/Loop"}]},
        "Owner": {"type": "object", "properties": {"code": {"$ref": "#/components/schemas/Code"}}},
        "Base": {"type": "object", "properties": {"a": {"type": "string"}}},
        "Heir": {"allOf": [{"$ref": "#/components/schemas/Base"}, {"properties": {"a": {"enum": ["x"]}}}]},
    }
    value["paths"]["/tasks"]["post"]["requestBody"]["content"]["application/json"]["schema"] = {
        "$ref": "#/components/schemas/Owner"
    }
    artifacts = generate(tmp_path, value, cache)
    assert [(each.pointer, each.step, each.reason) for each in artifacts if not each.proven] == [
        ("#/components/schemas/Code", "import", "error: bad escape \\p at position 6"),
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
        # What two parts of an `allOf` say differently is made one object, since no class inherits like that.
        "#/components/schemas/Heir",
        "#/components/schemas/Owner",
        "#/components/schemas/Task",
        "#/components/schemas/Tasks",
        "GET /tasks",
    ]
    assert "class Owner(BaseModel)" in (tmp_path / "out/models.py").read_text()
    assert "class Heir(BaseModel)" in (tmp_path / "out/models.py").read_text()


def test_a_schema_that_the_generator_refuses_without_saying_where_is_searched_for(tmp_path: Path, cache: Path) -> None:
    value = document()
    value["components"]["schemas"]["Odd"] = {"type": "string", "minLength": "many"}
    found = [each for each in written(tmp_path, value, cache).artifacts if each.step != "unproven"]
    assert [(each.pointer, each.step) for each in found] == [("#/components/schemas/Odd", "generate")]


def test_an_example_that_the_type_refuses_is_told_and_one_that_breaks_its_schema_is_not(
    tmp_path: Path, cache: Path
) -> None:
    value = document(openapi="3.0.3")
    value["components"]["schemas"] |= {
        "Task": {"type": "object", "properties": {"id": {"type": "integer"}}, "example": {"id": "broken"}},
        # A whole number is an integer (JSON Schema 2020-12, 6.1.1), and Python's is none.
        "Count": {"type": "integer", "example": 100.0},
        "Maybe": {"type": "object", "nullable": True, "properties": {"id": {"type": "integer"}}, "example": None},
    }
    del value["paths"]["/tasks"]["get"]
    found = [each for each in generate(tmp_path, value, cache) if not each.proven]
    assert [(each.pointer, each.step, each.reason) for each in found] == [
        (
            "#/components/schemas/Count",
            "examples",
            "an example of the document is refused at its root: Input should be a valid integer",
        )
    ]


def test_a_default_of_another_type_is_none(tmp_path: Path, cache: Path) -> None:
    value = document()
    value["components"]["schemas"]["Task"]["properties"] |= {
        "on": {"type": "boolean", "default": "false"},
        "n": {"type": "integer", "default": 3},
        "default": {"type": "boolean"},
    }
    written(tmp_path, value, cache)
    models = (tmp_path / "out/models.py").read_text()
    assert "    on: StrictBool | MISSING = MISSING\n" in models
    assert "    n: StrictInt = 3\n" in models
    assert "    default: StrictBool | MISSING = MISSING\n" in models


def test_a_member_of_an_enumeration_is_not_called_as_a_property_of_all_of_them(tmp_path: Path, cache: Path) -> None:
    value = document()
    schemas = value["components"]["schemas"]
    schemas["Order"] = {"type": "string", "enum": ["name", "value", "count", "id"]}
    schemas["Mixed"] = {"type": ["string", "integer"], "enum": ["name", "name_", 3]}
    schemas["Task"]["properties"] |= {
        "order": {"allOf": [{"$ref": "#/components/schemas/Order"}], "default": "name"},
        "mixed": {"$ref": "#/components/schemas/Mixed"},
    }
    assert [each for each in generate(tmp_path, value, cache) if not each.proven] == []
    models = (tmp_path / "out/models.py").read_text()
    assert (
        "class Order(StrEnum):\n    name_ = 'name'\n    value_ = 'value'\n    count_ = 'count'\n    id = 'id'\n"
        in models
    )
    assert "class Mixed(Enum):\n    name__ = 'name'\n    name_ = 'name_'\n    int_3 = 3\n" in models
    assert "    order: Order = Order.name_\n" in models


def test_a_discriminator_whose_property_need_not_be_given_is_none(tmp_path: Path, cache: Path) -> None:
    value = document()
    names = {
        "type": "object",
        "required": ["name"],
        "properties": {"name": {"type": "string"}, "view": {"type": "string"}},
    }
    private = {**names, "required": ["name", "mail"], "properties": {**names["properties"], "mail": {"type": "string"}}}
    told = {"oneOf": [{"$ref": "#/components/schemas/Private"}, {"$ref": "#/components/schemas/Public"}]}
    mapping = {"public": "#/components/schemas/Public", "private": "#/components/schemas/Private"}
    value["components"]["schemas"] |= {
        "Private": private,
        "Public": {**names, "additionalProperties": False},
        "User": {**told, "discriminator": {"propertyName": "view", "mapping": mapping}},
        "Cat": {"type": "object", "required": ["kind"], "properties": {"kind": {"type": "string"}}},
        "Dog": {
            "type": "object",
            "required": ["kind"],
            "properties": {"kind": {"type": "string"}, "n": {"type": "integer"}},
        },
        "Pet": {
            "oneOf": [{"$ref": "#/components/schemas/Cat"}, {"$ref": "#/components/schemas/Dog"}],
            "discriminator": {"propertyName": "kind"},
        },
    }
    assert [each for each in generate(tmp_path, value, cache) if not each.proven] == []
    models = (tmp_path / "out/models.py").read_text()
    assert "class User(RootModel[Private | Public]):\n    root: Private | Public\n" in models
    assert "discriminator='kind'" in models
    lines = [
        "from out.models import Private, Public, User",
        "a = User.model_validate({'name': 'Jo', 'mail': 'jo@example.invalid'})",
        "b = User.model_validate({'name': 'Jo'})",
        "print(type(a.root) is Private, type(b.root) is Public)",
    ]
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("True True\n", "")


def test_an_heir_may_require_what_it_inherits_and_declares_again(tmp_path: Path, cache: Path) -> None:
    value = document()
    more = {"type": "object", "properties": {"mail": {"type": "string", "format": "email"}}, "required": ["mail"]}
    same = {"type": "object", "properties": {"id": {"type": "integer"}}}
    value["components"]["schemas"] |= {
        "Mailed": {"allOf": [{"$ref": "#/components/schemas/Task"}, more]},
        "Plain": {"allOf": [{"$ref": "#/components/schemas/Task"}, same]},
    }
    assert [each for each in generate(tmp_path, value, cache) if not each.proven] == []
    models = (tmp_path / "out/models.py").read_text()
    assert "class Mailed(BaseModel):\n" in models
    assert "    mail: StrictStr\n" in models
    assert "class Plain(Task):\n" in models


def test_an_answer_ends_where_the_server_says_so(tmp_path: Path, cache: Path) -> None:
    length = {"Content-Length": {"example": "279", "schema": {"type": "string"}}}
    text = {"description": "", "headers": length, "content": {"text/plain": {"schema": {"type": "string"}}}}
    value = document()
    value["paths"] = {
        "/length": {"get": {"operationId": "length", "responses": {"200": text}}},
        "/reset": {"patch": {"operationId": "reset", "responses": {"205": {"description": ""}}}},
    }
    found = generate(tmp_path, value, cache)
    assert [each.pointer for each in found if each.kind == "operation" and each.proven] == [
        "GET /length",
        "PATCH /reset",
    ]


HOSTILE = (
    '"""\nimport os; os.system("touch pwned")\n"""',
    "'''\nimport os; os.system('touch pwned')\n'''",
    "\"; import os; os.system('touch pwned') #",
    "\\",
    'x\\"""\nraise SystemExit(1)\n"""',
    "# -*- coding: utf-7 -*-\r\x0cimport os\u2028\u2029\x85\x00\x1b[31m\u202e",
    "{__import__('os').system('touch pwned')} {0.__class__} %s",
)


def test_hostile_text_is_no_code_and_breaks_no_file(tmp_path: Path, cache: Path) -> None:
    value = document()
    properties: dict[str, Any] = {}
    for index, text in enumerate(HOSTILE):
        value["paths"][f"/h{index}/{text}"] = {
            "summary": text,
            "get": {
                "operationId": f"get {text}",
                "summary": text,
                "description": text,
                "tags": [text],
                "parameters": [
                    {
                        "name": text,
                        "in": "query",
                        "description": text,
                        "schema": {"type": "string", "enum": [text], "default": text},
                    },
                    {"name": text, "in": "cookie", "schema": {"type": "string"}},
                ],
                "requestBody": {
                    "description": text,
                    "content": {
                        text: {},
                        "multipart/form-data": {
                            "schema": {"type": "object", "properties": {text: {"type": "string"}}},
                            "encoding": {text: {"contentType": text}},
                        },
                    },
                },
                "responses": {
                    "200": {
                        "description": text,
                        "content": {text: {}},
                        "links": {
                            text: {"operationId": f"get {text}", "parameters": {text: f"$response.body#/{text}"}}
                        },
                    }
                },
                "security": [{text: []}],
            },
        }
        properties[text] = {"type": "string", "description": text, "default": text, "examples": [text], "title": text}
        properties[f"e{index}"] = {"enum": [text, "b"], "x-enum-varnames": [text, "b"], "description": text}
        properties[f"p{index}"] = {"type": "string", "pattern": re.escape(text)}
        value["components"].setdefault("securitySchemes", {})[text] = {"type": "apiKey", "in": "query", "name": text}
    value["components"]["schemas"]["Hostile"] = {
        "type": "object",
        "properties": properties,
        "description": HOSTILE[0],
        "title": HOSTILE[4],
    }
    value["components"]["schemas"]["H" + HOSTILE[2]] = {"type": "object", "properties": {"a": {"type": "string"}}}
    value["info"] = {"title": HOSTILE[0], "version": HOSTILE[4], "description": HOSTILE[4]}
    value["servers"] = [{"url": 'https://a.example/"""\n\\', "description": HOSTILE[0]}]
    written(tmp_path, value, cache)
    allowed = {
        "collections",
        "contextlib",
        "dataclasses",
        "datetime",
        "email",
        "enum",
        "typing",
        "urllib",
        "uuid",
        "__future__",
    }
    allowed |= {"httpx2", "pydantic", "asyncio", "base64", "json", "re", "time"}
    modules = sorted((tmp_path / "out").rglob("*.py"))
    assert len(modules) >= 10
    for path in modules:
        text = path.read_text()
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202e]", text), path
        for node in ast.walk(ast.parse(text)):
            names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) and node.level == 0 else []
            assert {name.split(".")[0] for name in names} <= allowed, path
    script = "import importlib, sys\nfor name in sys.argv[1:]: importlib.import_module(name)"
    names = [".".join(path.relative_to(tmp_path).with_suffix("").parts) for path in modules]
    subprocess.run([sys.executable, "-c", script, *names], cwd=tmp_path, check=True, capture_output=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["api.json", "out"]


def test_names_that_python_has_or_that_collide_are_told_apart(tmp_path: Path, cache: Path) -> None:
    def operation(**more: Any) -> dict[str, Any]:
        return {"responses": {"204": {"description": ""}}, **more}

    def parameter(name: str, place: str = "query") -> dict[str, Any]:
        return {"name": name, "in": place, "schema": {"type": "string"}, "required": place == "path"}

    value = document()
    value["paths"] = {
        "/a/{id}/{x y}": {
            "get": operation(
                operationId="class",
                parameters=[
                    *(parameter(name) for name in ("id", "from", "from_", "body", "1st", "größe", "—", "X-A", "x_a")),
                    *(parameter(name, "header") for name in ("X-A", "Accept")),
                    *(parameter(name, "path") for name in ("id", "unused")),
                ],
            ),
            "put": operation(operationId="list"),
            "post": operation(operationId="getThing"),
            "delete": operation(operationId="get_thing"),
            "patch": operation(operationId="get-thing"),
        },
    }
    value["components"]["schemas"] = {
        name: {
            "type": "object",
            "properties": {"a": {"type": "integer"}, "self": {"type": "string"}, "model_config": {"type": "string"}},
        }
        for name in (
            "BaseModel",
            "str",
            "None",
            "class",
            "date",
            "UUID",
            "Any",
            "Literal",
            "a.b",
            "a_b",
            "A-b",
            "ärger",
            "Field",
        )
    }
    found = made(tmp_path, value, cache)
    assert [each for each in found.artifacts if not each.proven] == []
    symbols = {each.pointer: each for each in found.symbols if each.kind == "operation"}
    assert {pointer: each.name for pointer, each in symbols.items()} == {
        "DELETE /a/{id}/{x y}": "get_thing",
        "GET /a/{id}/{x y}": "class_",
        "PATCH /a/{id}/{x y}": "patch_a_id_x_y",
        "POST /a/{id}/{x y}": "post_a_id_x_y",
        "PUT /a/{id}/{x y}": "list_",
    }
    assert list(symbols["GET /a/{id}/{x y}"].members) == [
        "id",
        "x_y",
        "pa_1st",
        "header_x_a",
        "query_x_a",
        "query_body",
        "query_from",
        "query_from_",
        "größe",
        "query_id",
        "query_x_a_",
        "parameter",
        "return",
    ]
    assert [note for note in found.notes if note.startswith(("GET", "POST", "PATCH"))] == [
        "GET /a/{id}/{x y}: no parameter is declared for `{x y}` of the path: any text is taken",
        "GET /a/{id}/{x y}: the path has no place for its parameter `unused`, which is left out",
        "PATCH /a/{id}/{x y}: `get_thing` is DELETE /a/{id}/{x y} already, so this one is `patch_a_id_x_y`",
        "PATCH /a/{id}/{x y}: no parameter is declared for `{id}` of the path: any text is taken",
        "PATCH /a/{id}/{x y}: no parameter is declared for `{x y}` of the path: any text is taken",
        "POST /a/{id}/{x y}: `get_thing` is DELETE /a/{id}/{x y} already, so this one is `post_a_id_x_y`",
        "POST /a/{id}/{x y}: no parameter is declared for `{id}` of the path: any text is taken",
        "POST /a/{id}/{x y}: no parameter is declared for `{x y}` of the path: any text is taken",
    ]


# --- the proof itself -------------------------------------------------------------------------------------------------


def built(tmp_path: Path, value: dict[str, Any]) -> Built:
    (tmp_path / "api.json").write_text(json.dumps(value))
    contract = Contract(file.load(tmp_path / "api.json"))
    return build(contract.document, contract.operations, tmp_path)


def test_an_error_of_a_checker_counts_against_what_wrote_the_line(tmp_path: Path, cache: Path) -> None:
    found = built(tmp_path, document())
    files = found.package.files
    api = (
        files["api/default.py"]
        .replace('"GET",', '"GET" + 1,')
        .replace("PostTasksBody | Unset = UNSET", "PostTasksBody | Any = UNSET")
    )
    files["api/default.py"] = api
    broken = found.made.text.replace("    id: StrictInt\n", '    id: StrictInt = "x"\n')
    files["models.py"] = found.made.text = broken
    for name, text in files.items():
        path = tmp_path / proving.PACKAGE / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    proof = Proof()
    proving._types(found, tmp_path, cache, proof)
    assert {key: fault.step for key, fault in proof.operations.items()} == {"GET /tasks": "typecheck"}
    assert "Unsupported operand types" in proof.operations["GET /tasks"].reason
    assert {name: fault.step for name, fault in proof.components.items()} == {"Task": "typecheck"}
    assert proof.everything is None


def test_a_wrong_use_that_is_not_refused_is_told(tmp_path: Path, cache: Path) -> None:
    found = built(tmp_path, document())
    files = dict(found.package.files)
    # The code lets anything in, and says nothing of it.
    files["api/default.py"] = files["api/default.py"].replace(
        "    limit: int | Unset = UNSET,", "    limit: int | Unset = UNSET,\n    **more: object,"
    )
    files["models.py"] = found.made.text.replace(
        "class Task(BaseModel):",
        "class Task(BaseModel):\n    def __setattr__(self, name: str, value: object) -> None: ...\n",
    )
    for name, text in files.items():
        path = tmp_path / proving.PACKAGE / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    proof = Proof()
    proving._types(found, tmp_path, cache, proof)
    assert {key: (fault.step, fault.reason.partition(": ")[2]) for key, fault in proof.operations.items()} == {
        "GET /tasks": ("typecheck", "a wrong use is not refused: api_0.list_tasks(contract_no_such_argument=1, **ANY)")
    }


def test_a_request_that_breaks_the_document_fails_the_call(tmp_path: Path) -> None:
    found = built(tmp_path, document())
    contract = Contract(found.plan.document, base_path="")
    entry = found.plan.entries["GET /tasks"]
    tenant = "0f0d0000-0000-4000-8000-000000000001"
    answering = Answering(entry, Response(200), {"query:limit": 5, "header:X-Tenant": tenant})
    loopback = Loopback(contract, {entry.key: answering})

    def wrong(url: str, *headers: tuple[str, str], method: str = "GET") -> str | None:
        return loopback.wrong(answering, Request(method, url, headers))

    good = ("X-Tenant", tenant)
    assert wrong("/tasks?limit=5", good) is None
    assert (
        wrong("/tasks?limit=5")
        == "its request breaks the document at header:X-Tenant: left out where required is declared"
    )
    assert wrong("/tasks?limit=6", good) == "its request says something else at query:limit than was given"
    assert wrong("/tasks", good) == "its request does not carry query:limit"
    assert wrong("/tasks?limit=5&x=1", good) == "its request has an undeclared query parameter: x"
    assert wrong("/tasks?limit=5", good, method="POST") == "its request is one of POST /tasks"
    assert wrong("/task", good) == "its request matches no operation: GET /task"


def test_values_and_calls_are_tried_for_what_is_asked_only(tmp_path: Path, cache: Path) -> None:
    value = document()
    value["components"]["schemas"]["Count"] = {"type": "integer", "example": 100.0}
    found = made(tmp_path, value, cache, only={"#/components/schemas/Task", "GET /tasks"})
    assert all(each.proven for each in found.artifacts)
    # Of a part of the values it would say how large that part was.
    assert found.notes == ("POST /tasks: no operationId, so its name is made of its method and path",)


def test_what_was_not_proven_is_not_called_proven(tmp_path: Path, cache: Path) -> None:
    assert {(each.proven, each.step) for each in written(tmp_path, document(), cache).artifacts} == {
        (False, "unproven")
    }


def test_the_tools_are_named_without_being_loaded() -> None:
    script = (
        "import json, sys\n"
        "from contract.generators import python\n"
        "print(json.dumps([sorted(python.tools()), sorted({'datamodel_code_generator', 'pydantic', 'mypy'} & set(sys.modules))]))"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [
        ["basedpyright", "datamodel-code-generator", "httpx2", "mypy", "pydantic", "templates"],
        [],
    ]


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
        (committed, {"same.py": "a\n", "differs.py": "d", "gone.py": f"{HEADER}\n", "mine.py": "e"}),
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
        written(tmp_path, document(), cache)
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
    made = python.generate(contract.document, contract.operations, tmp_path / "out", cache=cache)
    assert [each for each in made.artifacts if not each.proven] == []
    assert Counter(each.kind for each in made.artifacts) == {"component": components, "operation": operations}
