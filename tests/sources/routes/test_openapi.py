"""A document that a framework exports: its operations as routes, and where it differs from the declared one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fastapi import Depends, FastAPI
from fastapi.security import HTTPBearer
from pydantic import BaseModel

from contract.core.document import Document
from contract.core.errors import SourceError
from contract.core.evidence import Difference, Route
from contract.sources.documents import file
from contract.sources.routes import openapi


def document(tmp_path: Path, name: str, text: str) -> Document:
    (tmp_path / name).write_text(text)
    return file.load(tmp_path / name)


def brief(found: list[Difference]) -> list[tuple[str, str, str | None, str | None]]:
    return [(row.operation, row.pointer, row.declared, row.observed) for row in found]


def compared(tmp_path: Path, declared: str, exported: str) -> list[Difference]:
    return list(
        openapi.differences(
            document(tmp_path, "declared.yaml", declared), document(tmp_path, "exported.yaml", exported)
        )
    )


HEAD = "openapi: 3.1.0\ninfo: {title: t, version: '1'}\n"


def schema(text: str, more: str = "") -> str:
    """A document of one operation whose answer is of that schema."""
    return (
        f"{HEAD}paths:\n  /a:\n    get:\n      responses:\n        '200':\n          description: ok\n"
        f"          content: {{application/json: {{schema: {text}}}}}\n{more}"
    )


def test_operations_become_routes_with_base_path_and_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("exported.yaml").write_text(
        f"{HEAD}servers: [{{url: 'https://example.test/api/v1'}}]\npaths:\n"
        "  /tasks/{id}:\n    get: {operationId: show, responses: {}}\n    head:\n      responses: {}\n"
    )
    path = "/api/v1/tasks/{id}"
    assert openapi.routes("exported.yaml") == [
        Route("GET", path, path, "openapi", file="exported.yaml", line=6, name="show"),
        Route("HEAD", path, path, "openapi", file="exported.yaml", line=7),
    ]


def test_what_is_no_document_is_an_error_of_the_source(tmp_path: Path) -> None:
    (tmp_path / "list.json").write_text("[1]")
    with pytest.raises(SourceError, match=r"list\.json"):
        openapi.routes(str(tmp_path / "list.json"))
    with pytest.raises(SourceError, match=r"none\.json"):
        openapi.routes(str(tmp_path / "none.json"))
    (tmp_path / "empty.yaml").write_text(f"{HEAD}paths: {{}}\n")
    with pytest.raises(SourceError, match=r"empty\.yaml: has no operation"):
        openapi.routes(str(tmp_path / "empty.yaml"))


class Task(BaseModel):
    id: int
    title: str
    description: str | None = None
    parent: Task | None = None


def application() -> FastAPI:
    app = FastAPI(title="t", version="1")

    @app.get("/api/tasks/{task_id}", dependencies=[Depends(HTTPBearer())])
    def show(task_id: int, limit: int = 10) -> Task:
        raise NotImplementedError

    return app


WRITTEN = """
openapi: 3.0.3
info: {title: Tasks, version: "7"}
servers: [{url: /api}]
security: [{token: []}]
paths:
  /tasks/{id}:
    parameters: [{name: id, in: path, required: true, description: the task, schema: {type: integer}}]
    get:
      operationId: showTask
      summary: One task
      tags: [tasks]
      parameters: [{name: limit, in: query, style: form, explode: true, schema: {type: integer, default: 10}}]
      responses:
        200:
          description: the task
          content: {application/json: {schema: {$ref: "#/components/schemas/Card"}, example: {id: 1}}}
        422:
          description: refused
          content: {application/json: {schema: {$ref: "#/components/schemas/Refused"}}}
components:
  securitySchemes: {token: {type: http, scheme: bearer}}
  schemas:
    Card:
      type: object
      required: [title, id]
      x-owner: us
      properties:
        description: {type: string, nullable: true}
        title: {type: string, description: a few words}
        id: {type: integer}
        parent: {anyOf: [{$ref: "#/components/schemas/Card"}, {type: "null"}]}
    Refused:
      type: object
      properties:
        detail: {type: array, items: {$ref: "#/components/schemas/Complaint"}}
    Complaint: PLACEHOLDER
"""


def test_a_document_written_by_hand_equals_what_fastapi_exports_of_the_same_api(tmp_path: Path) -> None:
    exported = application().openapi()
    complaint = exported["components"]["schemas"]["ValidationError"]
    exported_file = document(tmp_path, "exported.json", json.dumps(exported))
    written = document(tmp_path, "written.yaml", WRITTEN.replace("PLACEHOLDER", json.dumps(complaint)))
    assert list(openapi.differences(written, exported_file)) == []

    changed = WRITTEN.replace("PLACEHOLDER", json.dumps(complaint)).replace("required: [title, id]", "required: [id]")
    changed = changed.replace("default: 10", "default: 20").replace("scheme: bearer", "scheme: basic")
    found = list(openapi.differences(document(tmp_path, "changed.yaml", changed), exported_file))
    assert brief(found) == [
        ("GET /tasks/{id}", "/parameters/query:limit/schema/default", "20", "10"),
        ("GET /tasks/{id}", "/responses/200/content/application~1json/schema/required", '["id"]', '["id", "title"]'),
        ("GET /tasks/{id}", "/security", '["http basic"]', '["http bearer"]'),
    ]
    assert found[1].component == "#/components/schemas/Card/required"
    assert (found[1].exported or "").rpartition("/")[2].startswith("exported.json:1")


def test_each_side_s_additions_are_told_with_what_they_are(tmp_path: Path) -> None:
    declared = (
        f"{HEAD}paths:\n  /a:\n    get:\n      parameters: [{{name: old, in: query, schema: {{type: string}}}}]\n"
        "      responses: {'200': {description: ok}, '404': {description: none}}\n    post: {responses: {}}\n"
    )
    exported = f"{HEAD}paths:\n  /a:\n    get:\n      responses: {{'200': {{description: fine}}, '422': {{description: no}}}}\n"
    found = compared(tmp_path, declared, exported)
    assert brief(found) == [
        (
            "GET /a",
            "/parameters/query:old",
            '{"name": "old", "in": "query", "schema": {"type": "string"}}',
            None,
        ),
        ("GET /a", "/responses/404", "{}", None),
        ("GET /a", "/responses/422", None, "{}"),
    ]
    assert [row.component for row in found] == [
        "#/paths/~1a/get/parameters/0",
        "#/paths/~1a/get/responses/404",
        "#/paths/~1a/get/responses/422",
    ]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("{type: object, properties: {a: {type: string}}}", "{properties: {a: {type: [string]}}, type: object}"),
        ("{type: string, description: x, title: y, examples: [z]}", "{type: string}"),
        ("{type: [string, 'null']}", "{anyOf: [{type: 'null'}, {type: string}]}"),
        ("{type: object, additionalProperties: true, required: []}", "{type: object}"),
        ("{enum: [a, b]}", "{enum: [b, a]}"),
        ("{allOf: [{type: string}, {minLength: 1}]}", "{allOf: [{minLength: 1}, {type: string}]}"),
        ("{const: 123456789012345678901234567890}", "{const: 123456789012345678901234567890}"),
    ],
)
def test_spellings_of_one_meaning_do_not_differ(tmp_path: Path, one: str, other: str) -> None:
    assert compared(tmp_path, schema(one), schema(other)) == []


@pytest.mark.parametrize(
    ("one", "other", "pointer", "declared", "observed"),
    [
        ("{type: string}", "{type: integer}", "/type", '"string"', '"integer"'),
        ("{properties: {description: {type: string}}}", "{properties: {}}", "/properties/description", '{"type": "string"}', None),
        ("{enum: [a, b]}", "{enum: [a]}", "/enum", '["a", "b"]', '["a"]'),
        ("{const: true}", "{const: 1}", "/const", "true", "1"),
        ("{oneOf: [{type: string}]}", "{oneOf: [{type: string}, {type: integer}]}", "/oneOf", '[{"type": "string"}]', '[{"type": "string"}, {"type": "integer"}]'),
        ("{default: null}", "{}", "/default", "null", None),
    ],
)  # fmt: skip
def test_a_different_meaning_differs(
    tmp_path: Path, one: str, other: str, pointer: str, declared: str, observed: str | None
) -> None:
    assert brief(compared(tmp_path, schema(one), schema(other))) == [
        ("GET /a", f"/responses/200/content/application~1json/schema{pointer}", declared, observed)
    ]


CIRCLE = """components:
  schemas:
    Node: {type: object, properties: {next: {$ref: '#/components/schemas/Edge'}, size: {type: SIZE}}}
    Edge: {type: object, properties: {to: {$ref: '#/components/schemas/Node'}}}
"""


def test_references_in_a_circle_end_and_are_compared(tmp_path: Path) -> None:
    root = schema("{$ref: '#/components/schemas/Node'}", CIRCLE.replace("SIZE", "integer"))
    # The same circle, unrolled once: not one name or reference in common, and the same meaning.
    unrolled = schema(
        "{$ref: '#/components/schemas/First'}",
        CIRCLE.replace("SIZE", "integer").replace("Node", "Again").replace("Edge", "Line")
        + "    First: {type: object, properties: {next: {$ref: '#/components/schemas/Line'}, size: {type: integer}}}\n",
    )
    assert compared(tmp_path, root, unrolled) == []
    changed = schema("{$ref: '#/components/schemas/Node'}", CIRCLE.replace("SIZE", "string"))
    assert brief(compared(tmp_path, root, changed)) == [
        ("GET /a", "/responses/200/content/application~1json/schema/properties/size/type", '"integer"', '"string"')
    ]


def test_a_component_that_is_used_twice_in_an_operation_is_told_once(tmp_path: Path) -> None:
    pair = "{properties: {a: {$ref: '#/components/schemas/X'}, b: {$ref: '#/components/schemas/X'}}}"
    found = compared(
        tmp_path,
        schema(pair, "components: {schemas: {X: {type: string}}}\n"),
        schema(pair, "components: {schemas: {X: {type: integer}}}\n"),
    )
    assert [row.component for row in found] == ["#/components/schemas/X/type"]
