"""Several files become one value, and every part of it still knows the file and the line it was written in."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any, ClassVar

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contract.core.dialect import to_2020_12
from contract.core.document import Document
from contract.core.errors import DocumentError
from contract.sources.documents.file import load

HEAD = "openapi: {version}\ninfo: {{title: t, version: '1'}}\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def written(version: str = "3.0.3", **files: str) -> Document:
    """The document of these files, whose names have `__` for `/`; `main` gets its first two lines."""
    for name, text in files.items():
        path = Path(name.replace("__", "/") + ".yaml")
        path.parent.mkdir(parents=True, exist_ok=True)
        head = HEAD.format(version=version) if name == "main" else ""
        path.write_text(head + dedent(text).lstrip("\n"), "utf-8")
    return load("main.yaml")


def references(node: Any) -> list[str]:
    found = [node["$ref"]] if isinstance(node, dict) and isinstance(node.get("$ref"), str) else []
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    return found + [reference for child in children for reference in references(child)]


def test_a_sibling_file_is_brought_under_components_by_where_its_reference_stands() -> None:
    document = written(
        main="""
        paths:
          /tasks:
            $ref: paths/tasks.yaml
        """,
        paths__tasks="""
        get:
          parameters:
            - $ref: ../parameters.yaml#/limit
          requestBody: {$ref: ../bodies/filter.yaml}
          responses:
            '200': {$ref: ../responses/tasks.yaml}
        """,
        parameters="limit: {name: limit, in: query, schema: {$ref: schemas/count.yaml}}\n",
        bodies__filter="content: {application/json: {schema: {type: object}}}\n",
        responses__tasks="""
        description: Tasks.
        headers:
          X-Total: {$ref: ../headers.yaml#/total}
        content:
          application/json:
            schema: {$ref: ../schemas/task.yaml}
            examples: {one: {$ref: ../examples/one.yaml}}
        links: {next: {$ref: ../links/next.yaml}}
        """,
        headers="total: {schema: {$ref: schemas/count.yaml}}\n",
        schemas__count="type: integer\n",
        schemas__task="type: object\nproperties:\n  parent: {$ref: task.yaml}\n  size: {$ref: count.yaml}\n",
        examples__one="value: {parent: null}\n",
        links__next="operationId: next\n",
    )
    assert document.value["paths"] == {
        "/tasks": {
            "get": {
                "parameters": [{"$ref": "#/components/parameters/limit"}],
                "requestBody": {"$ref": "#/components/requestBodies/filter"},
                "responses": {"200": {"$ref": "#/components/responses/tasks"}},
            }
        }
    }
    assert document.value["components"] == {
        "parameters": {"limit": {"name": "limit", "in": "query", "schema": {"$ref": "#/components/schemas/count"}}},
        "requestBodies": {"filter": {"content": {"application/json": {"schema": {"type": "object"}}}}},
        "responses": {
            "tasks": {
                "description": "Tasks.",
                "headers": {"X-Total": {"$ref": "#/components/headers/total"}},
                "content": {
                    "application/json": {
                        "schema": {"$ref": "#/components/schemas/task"},
                        "examples": {"one": {"$ref": "#/components/examples/one"}},
                    }
                },
                "links": {"next": {"$ref": "#/components/links/next"}},
            }
        },
        "schemas": {
            "count": {"type": "integer"},
            "task": {
                "type": "object",
                "properties": {
                    "parent": {"$ref": "#/components/schemas/task"},
                    "size": {"$ref": "#/components/schemas/count"},
                },
            },
        },
        "headers": {"total": {"schema": {"$ref": "#/components/schemas/count"}}},
        "examples": {"one": {"value": {"parent": None}}},
        "links": {"next": {"operationId": "next"}},
    }
    assert document.problems() == []
    places = {
        "#/paths/~1tasks": "paths/tasks.yaml:1",  # a path item is put in place of its reference
        "#/paths/~1tasks/get": "paths/tasks.yaml:1",
        "#/paths/~1tasks/get/responses/200": "paths/tasks.yaml:6",
        "#/components/responses/tasks/headers": "responses/tasks.yaml:2",
        "#/components/schemas/task/properties/size": "schemas/task.yaml:4",
        # Through references, to what is meant.
        "#/paths/~1tasks/get/responses/200/content/application~1json/schema": "responses/tasks.yaml:6",
        "#/paths/~1tasks/get/responses/200/content/application~1json/schema/properties/size/type": "schemas/count.yaml:1",
        # Nowhere: the nearest place above it.
        "#/components/schemas/task/properties/nothing/at/all": "schemas/task.yaml:2",
    }
    assert {pointer: str(document.locate(pointer)) for pointer in places} == places
    assert document.origin("#/components/parameters/limit/schema") == ("parameters.yaml", "#/limit/schema")
    assert document.locate("#/components/schemas/task/properties/size").column == 3


def test_a_component_that_is_a_file_keeps_the_name_the_main_file_gives_it() -> None:
    document = written(
        main="""
        paths: {}
        components:
          schemas:
            Task: {$ref: schemas/task_v2.yaml}
            Alias: {$ref: schemas/task_v2.yaml}
            Owner: {type: object, properties: {task: {$ref: schemas/task_v2.yaml}}}
        """,
        schemas__task_v2="type: object\nproperties:\n  owner: {$ref: ../main.yaml#/components/schemas/Owner}\n  again: {$ref: ../main.yaml#/components/schemas/Task}\n",
    )
    assert document.value["components"]["schemas"] == {
        "Task": {
            "type": "object",
            "properties": {
                "owner": {"$ref": "#/components/schemas/Owner"},
                "again": {"$ref": "#/components/schemas/Task"},
            },
        },
        "Alias": {"$ref": "#/components/schemas/Task"},
        "Owner": {"type": "object", "properties": {"task": {"$ref": "#/components/schemas/Task"}}},
    }
    assert str(document.locate("#/components/schemas/Task/properties/owner")) == "schemas/task_v2.yaml:3"


def test_a_whole_section_in_a_file_keeps_its_names() -> None:
    document = written(
        main="""
        paths: {$ref: paths.yaml}
        components: {schemas: {$ref: schemas/index.yaml}}
        """,
        paths="""
        /a:
          get:
            responses:
              '200':
                description: x
                content: {application/json: {schema: {$ref: 'schemas/index.yaml#/Task'}}}
        """,
        schemas__index="Task: {$ref: task.yaml}\nOther: {$ref: '#/Task'}\n",
        schemas__task="type: string\n",
    )
    assert document.value["components"]["schemas"] == {
        "Task": {"type": "string"},
        "Other": {"$ref": "#/components/schemas/Task"},
    }
    assert references(document.value["paths"]) == ["#/components/schemas/Task"]
    assert str(document.locate("#/paths/~1a/get/responses")) == "paths.yaml:3"
    assert document.origin("#/components/schemas/Task") == ("schemas/task.yaml", "#")


def test_names_that_collide_say_where_they_come_from() -> None:
    document = written(
        main="""
        paths: {}
        components:
          schemas:
            task: {type: string}
            All:
              anyOf:
                - $ref: v1/task.yaml
                - $ref: v2/task.yaml
                - $ref: v2/task.yaml
                - $ref: v2/more.yaml#/task
                - $ref: v2/odd name.yaml
                - $ref: v2/more.yaml#/list/0
        """,
        v1__task="type: integer\n",
        v2__task="type: number\n",
        v2__more="task: {type: boolean}\nlist: [{type: array}]\n",
        **{"v2__odd name": "type: object\n"},
    )
    schemas = document.value["components"]["schemas"]
    assert references(schemas["All"]) == [
        "#/components/schemas/v1_task",
        "#/components/schemas/v2_task",
        "#/components/schemas/v2_task",
        "#/components/schemas/more_task",
        "#/components/schemas/odd_name",
        "#/components/schemas/list_0",
    ]
    assert list(schemas) == ["task", "All", "v1_task", "v2_task", "more_task", "odd_name", "list_0"]


def test_a_discriminator_names_the_files_it_maps_to() -> None:
    document = written(
        main="""
        paths: {}
        components:
          schemas:
            Cat: {type: object}
            Pet: {$ref: pet.yaml}
        """,
        pet="""
        oneOf: [{$ref: dog.yaml}, {$ref: 'main.yaml#/components/schemas/Cat'}]
        discriminator:
          propertyName: kind
          mapping: {dog: dog.yaml, cat: 'main.yaml#/components/schemas/Cat', bird: Bird}
        """,
        dog="type: object\n",
    )
    assert document.value["components"]["schemas"]["Pet"]["discriminator"]["mapping"] == {
        "dog": "#/components/schemas/dog",
        "cat": "#/components/schemas/Cat",
        "bird": "Bird",
    }


def test_references_where_the_standard_has_none_are_put_in_place() -> None:
    document = written(
        main="""
        tags: [{name: a, description: {$ref: 'texts.yaml#/a'}}]
        servers: {$ref: servers.yaml}
        paths:
          /a:
            get: {$ref: get.yaml}
            post: {$ref: '#/paths/~1a/get'}
            x-samples: [{$ref: sample.yaml}, {$ref: missing.yaml}]
        """,
        texts="a: |\n  One\n  text\n",
        servers="- url: /v1\n",
        get="responses: {$ref: responses.yaml}\n",
        responses="""
        '200':
          description: x
          content: {application/json: {example: {$ref: example.yaml}, schema: {example: {$ref: '#/no/reference'}}}}
        """,
        sample="lang: curl\n",
        example="id: 1\n",
    )
    operation = {
        "responses": {
            "200": {
                "description": "x",
                "content": {
                    "application/json": {"example": {"id": 1}, "schema": {"example": {"$ref": "#/no/reference"}}}
                },
            }
        }
    }
    assert document.value["tags"] == [{"name": "a", "description": "One\ntext\n"}]
    assert document.value["servers"] == [{"url": "/v1"}]
    assert document.value["paths"] == {
        "/a": {"get": operation, "post": operation, "x-samples": [{"lang": "curl"}, {"$ref": "missing.yaml"}]}
    }
    assert str(document.locate("#/paths/~1a/get/responses/200")) == "responses.yaml:1"
    assert str(document.locate("#/tags/0/description")) == "texts.yaml:1"


def test_what_stands_beside_the_reference_of_a_path_item_wins() -> None:
    document = written(
        version="3.1.0",
        main="""
        paths:
          /a:
            $ref: '#/components/pathItems/A'
            summary: Own
        components:
          pathItems:
            A: {summary: Shared, description: Shared}
        """,
    )
    assert document.value["paths"] == {"/a": {"summary": "Own", "description": "Shared"}}
    assert str(document.locate("#/paths/~1a/summary")) == "main.yaml:6"
    assert document.origin("#/paths/~1a/description") == ("main.yaml", "#/components/pathItems/A/description")


def test_one_file_without_references_elsewhere_is_the_value_itself() -> None:
    document = written(
        main="""
        paths: {}
        components:
          schemas:
            A: {$ref: '#/components/schemas/B'}
            B: {type: object, properties: {$ref: {type: string}, a: {$ref: '#/components/schemas/B/properties/%24ref'}}}
        """
    )
    assert references(document.value) == ["#/components/schemas/B", "#/components/schemas/B/properties/%24ref"]
    assert document.value["components"]["schemas"]["B"]["properties"]["$ref"] == {"type": "string"}


def test_definitions_that_no_longer_have_a_place_get_one() -> None:
    document = written(
        main="""
        paths: {}
        definitions: {Old: {type: string}}
        components: {schemas: {New: {items: {$ref: '#/definitions/Old'}}}}
        """
    )
    assert document.value["components"]["schemas"] == {
        "New": {"items": {"$ref": "#/components/schemas/Old"}},
        "Old": {"type": "string"},
    }


def test_an_anchor_and_an_id_of_3_1_lead_to_a_pointer() -> None:
    document = written(
        version="3.1.0",
        main="""
        components:
          schemas:
            A: {$id: 'https://example.com/a', $defs: {x: {$anchor: inner, type: string}}, items: {$ref: '#/$defs/x'}, not: {$ref: '#inner'}}
            B: {$ref: 'https://example.com/a#/$defs/x'}
            C: {$ref: '#inner'}
        """,
    )
    schemas = document.value["components"]["schemas"]
    assert references(schemas) == ["#/components/schemas/A/$defs/x"] * 4
    assert "$id" not in schemas["A"]


def test_several_files_of_swagger_2_0_are_bundled_and_converted() -> None:
    Path("main.yaml").write_text(
        dedent(
            """\
            swagger: '2.0'
            info: {title: t, version: '1'}
            paths:
              /a:
                get:
                  produces: [application/json]
                  parameters: [{$ref: 'parts.yaml#/parameters/limit'}]
                  responses:
                    '200': {description: x, schema: {$ref: task.yaml}}
            """
        )
    )
    Path("parts.yaml").write_text("parameters:\n  limit: {name: limit, in: query, type: integer}\n")
    Path("task.yaml").write_text("type: object\nproperties:\n  id: {type: integer}\n")
    document = load("main.yaml")
    operation = document.value["paths"]["/a"]["get"]
    assert operation["parameters"] == [{"$ref": "#/components/parameters/limit"}]
    assert operation["responses"]["200"]["content"] == {
        "application/json": {"schema": {"$ref": "#/components/schemas/task"}}
    }
    assert str(document.locate("#/components/schemas/task/properties/id/type")) == "task.yaml:3"
    assert document.origin("#/components/parameters/limit/schema/type") == ("parts.yaml", "#/parameters/limit/type")
    assert document.problems() == []


def test_a_reference_out_of_the_project_is_refused_unless_allowed(folder: Path, tmp_path_factory: Any) -> None:
    outside = tmp_path_factory.mktemp("outside") / "secret.yaml"
    outside.write_text("type: string\n")
    main = HEAD.format(version="3.0.3") + "paths: {}\ncomponents:\n  schemas:\n    A:\n      $ref: {}\n"
    Path("main.yaml").write_text(main.replace("{}\n", f"{outside}\n").replace(f"paths: {outside}", "paths: {}"))
    with pytest.raises(DocumentError) as caught:
        load("main.yaml")
    assert caught.value.message == (
        f"main.yaml:7:7: `$ref: '{outside}'`: {outside.as_posix()} is outside of the project"
    )
    assert caught.value.hint == f"move it into the current directory, or allow it: `--allow-ref {outside.as_posix()}`"
    for allow in (str(outside), str(outside.parent), "*"):
        document = load("main.yaml", allow=[allow])
        assert document.value["components"]["schemas"]["A"] == {"type": "string"}
    assert load("main.yaml", root=Path("/")).value["components"]["schemas"]["A"] == {"type": "string"}


def test_a_link_does_not_lead_out_of_the_project(tmp_path_factory: Any) -> None:
    outside = tmp_path_factory.mktemp("outside") / "secret.yaml"
    outside.write_text("type: string\n")
    Path("inside.yaml").symlink_to(outside)
    with pytest.raises(DocumentError, match="is outside of the project"):
        written(main="paths: {}\ncomponents: {schemas: {A: {$ref: inside.yaml}}}\n")


def test_the_project_is_the_repository_that_holds_the_document(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / ".git").mkdir()
    (folder / "specs").mkdir()
    (folder / "shared.yaml").write_text("type: string\n")
    (folder / "specs" / "main.yaml").write_text(
        HEAD.format(version="3.0.3") + "paths: {}\ncomponents: {schemas: {A: {$ref: ../shared.yaml}}}\n"
    )
    monkeypatch.chdir(folder / "specs")
    document = load("main.yaml")
    assert document.value["components"]["schemas"]["A"] == {"type": "string"}
    assert document.origin("#/components/schemas/A/type") == ((folder / "shared.yaml").as_posix(), "#/type")


@pytest.mark.parametrize(
    ("reference", "hint"),
    [
        ("https://example.com/a.yaml", ", or allow it: `--allow-ref https://example.com/`"),
        ("file:///etc/passwd", ""),
        ("//example.com/a.yaml", ""),
        ("urn:a:b", ""),
    ],
)
def test_a_url_is_not_fetched_unless_allowed(reference: str, hint: str) -> None:
    with pytest.raises(DocumentError) as caught:
        written(main=f"paths: {{}}\ncomponents: {{schemas: {{A: {{$ref: '{reference}'}}}}}}\n")
    assert caught.value.message == (
        f"main.yaml:4:28: `$ref: '{reference}'`: nothing is fetched from the network unless it is allowed"
    )
    assert caught.value.hint == f"save what it names beside the document and point to that file{hint}"


class Shelf(http.server.BaseHTTPRequestHandler):
    """Serves `files`; a value of None redirects to `/secret.yaml`."""

    files: ClassVar[dict[str, str | None]] = {}
    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        text = self.files.get(self.path, "")
        self.send_response(404 if text == "" else 302 if text is None else 200)
        if text is None:
            self.send_header("Location", "/secret.yaml")
        self.end_headers()
        self.wfile.write((text or "").encode())

    def log_message(self, *_: Any) -> None: ...


@pytest.fixture
def shelf() -> Iterator[str]:
    Shelf.asked.clear()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Shelf)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_url_that_is_allowed_is_fetched_with_what_it_refers_to(shelf: str) -> None:
    Shelf.files = {
        "/schemas/task.yaml": "type: object\nproperties:\n  owner: {$ref: 'user.json#/User'}\n",
        "/schemas/user.json": '{"User": {"type": "string"}}',
    }
    Path("main.yaml").write_text(
        HEAD.format(version="3.1.0")
        + f"paths: {{}}\ncomponents: {{schemas: {{A: {{$ref: '{shelf}/schemas/task.yaml'}}}}}}\n"
    )
    document = load("main.yaml", allow=[f"{shelf}/schemas"])
    assert document.value["components"]["schemas"] == {
        "A": {"type": "object", "properties": {"owner": {"$ref": "#/components/schemas/User"}}},
        "User": {"type": "string"},
    }
    assert str(document.locate("#/components/schemas/A/properties/owner")) == f"{shelf}/schemas/task.yaml:3"
    assert Shelf.asked == ["/schemas/task.yaml", "/schemas/user.json"]


@pytest.mark.parametrize(
    ("allow", "reference", "asked", "message"),
    [
        ("/a", "/ab.yaml", [], "nothing is fetched from the network unless it is allowed"),
        ("/a", "/a/../secret.yaml", [], "nothing is fetched from the network unless it is allowed"),
        ("/a", "/a/%2e%2e/secret.yaml", [], "nothing is fetched from the network unless it is allowed"),
        ("/a", "/a/moved", ["/a/moved"], "it redirects to {shelf}/secret.yaml, which is not allowed"),
        ("/a", "/a/none", ["/a/none"], "the server answers 404 Not Found"),
        ("/a", "/a/broken", ["/a/broken"], None),
    ],
)
def test_what_is_not_allowed_is_not_asked_for(
    shelf: str, allow: str, reference: str, asked: list[str], message: str | None
) -> None:
    Shelf.files = {"/secret.yaml": "type: string\n", "/a/moved": None, "/a/broken": "a: ["}
    Path("main.yaml").write_text(
        HEAD.format(version="3.1.0") + f"paths: {{}}\ncomponents: {{schemas: {{A: {{$ref: '{shelf}{reference}'}}}}}}\n"
    )
    with pytest.raises(DocumentError) as caught:
        load("main.yaml", allow=[f"{shelf}{allow}"])
    if message is None:
        assert caught.value.message == (
            f"{shelf}/a/broken:2:1: not valid YAML: did not find expected node content (while parsing a flow node)"
        )
    else:
        assert caught.value.message == f"main.yaml:4:28: `$ref: '{shelf}{reference}'`: {message.format(shelf=shelf)}"
    assert Shelf.asked == asked


def test_a_server_that_is_down_is_said() -> None:
    with pytest.raises(DocumentError, match=r"`: cannot be fetched: Connection refused$"):
        Path("main.yaml").write_text(
            HEAD.format(version="3.1.0") + "paths: {}\ncomponents: {schemas: {A: {$ref: 'http://127.0.0.1:1/a'}}}\n"
        )
        load("main.yaml", allow=["http://127.0.0.1:1/"])


def test_a_document_at_a_url_is_to_be_saved_first() -> None:
    with pytest.raises(DocumentError) as caught:
        load("https://api.example/v1/openapi.json")
    assert (caught.value.message, caught.value.hint) == (
        "https://api.example/v1/openapi.json: a document is read from a file, not from a URL",
        "save it: `curl -fsSLo openapi.json https://api.example/v1/openapi.json`",
    )


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            {
                "main": "paths: {}\ncomponents:\n  schemas:\n    Task: {type: object}\n    A: {$ref: '#/components/schemas/Taks'}\n"
            },
            "main.yaml:7:9: `$ref: '#/components/schemas/Taks'` points to nothing. Did you mean 'Task'?",
        ),
        (
            {"main": "paths: {}\ncomponents: {schemas: {A: {$ref: tsak.yaml}}}\n", "task": "type: string\n"},
            "main.yaml:4:28: `$ref: 'tsak.yaml'`: no such file. Did you mean 'task.yaml'?",
        ),
        (
            {"main": "paths: {}\ncomponents: {schemas: {A: {$ref: 'task.yaml#/x'}}}\n", "task": "type: string\n"},
            "main.yaml:4:28: `$ref: 'task.yaml#/x'` points to nothing",
        ),
        (
            {"main": "paths: {}\ncomponents: {schemas: {A: {$ref: 'task.yaml'}}}\n", "task": "a: 1\na: 2\n"},
            "task.yaml:2:1: the key `a` is given twice, first in line 1",
        ),
        (
            {"main": "paths: {}\ncomponents: {schemas: {A: {$ref: 'task.yaml#/type'}}}\n", "task": "type: string\n"},
            "main.yaml:4:28: `$ref: 'task.yaml#/type'` points to a text, and a Schema is needed here",
        ),
        (
            {
                "main": "paths: {}\ncomponents:\n  schemas:\n    A: {$ref: '#/components/schemas/B'}\n    B: {$ref: b.yaml}\n",
                "b": "$ref: main.yaml#/components/schemas/A\n",
            },
            "main.yaml:6:9: `$ref`s lead in a circle, and to nothing else: "
            "#/components/schemas/B → #/components/schemas/A → #/components/schemas/B",
        ),
        (
            {"main": "paths: {}\ncomponents: {schemas: {A: {$ref: '#/components/schemas/A'}}}\n"},
            "main.yaml:4:28: `$ref: '#/components/schemas/A'` leads back to itself, and to nothing else",
        ),
        (
            {"main": "paths: {/a: {$ref: a.yaml}}\n", "a": "$ref: a.yaml\n"},
            "a.yaml:1:1: `$ref: 'a.yaml'` leads back to itself, and to nothing else",
        ),
        (
            {"main": "paths: {}\ncomponents: {schemas: {A: {$ref: ''}}}\n"},
            "main.yaml:4:28: `$ref: ''` names nothing",
        ),
        (
            {"main": 'paths: {}\ncomponents: {schemas: {A: {$ref: "a\\0.yaml"}}}\n'},
            "main.yaml:4:28: `$ref: 'a\\x00.yaml'` is the name of no file",
        ),
        (
            {"main": "paths: {}\ncomponents: {schemas: {A: {$ref: '#name'}}}\n"},
            "main.yaml:4:28: `$ref: '#name'` points to nothing: there is no `$anchor` of that name",
        ),
    ],
)
def test_a_reference_that_leads_nowhere_says_where_it_stands(files: dict[str, str], message: str) -> None:
    with pytest.raises(DocumentError) as caught:
        written(**files)
    assert caught.value.message == message


def test_recursion_through_files_is_legal() -> None:
    document = written(
        main="paths: {}\ncomponents: {schemas: {A: {properties: {b: {$ref: b.yaml}}}}}\n",
        b="properties: {a: {$ref: 'main.yaml#/components/schemas/A'}, b: {$ref: '#'}}\n",
    )
    assert document.value["components"]["schemas"]["b"] == {
        "properties": {"a": {"$ref": "#/components/schemas/A"}, "b": {"$ref": "#/components/schemas/b"}}
    }


def test_a_percent_encoded_reference_is_followed_to_its_line() -> None:
    document = written(
        main="""
        paths:
          /a/{b}:
            get: {responses: {'200': {$ref: '#/paths/~1a~1%7Bb%7D/post/responses/200'}}}
            post:
              responses:
                '200': {description: x}
        """
    )
    assert document.problems() == []
    for path in ("#/paths/~1a~1{b}", "#/paths/~1a~1%7Bb%7D"):
        assert str(document.locate(f"{path}/get/responses/200")) == "main.yaml:5"
        assert str(document.locate(f"{path}/get/responses/200/description")) == "main.yaml:8"
        assert document.origin(f"{path}/get/responses/200/description") == (
            "main.yaml",
            "#/paths/~1a~1{b}/post/responses/200/description",
        )


def test_the_hash_is_of_all_files() -> None:
    files = {"main": "paths: {}\ncomponents: {schemas: {A: {$ref: b.yaml}}}\n"}
    first = written(**files, b="type: string\n").sha256
    assert written(**files, b="type: string\n").sha256 == first
    assert written(**files, b="type: number\n").sha256 != first


def test_a_chain_of_references_without_an_end_in_sight_is_refused() -> None:
    files = {f"a{number}": f"$ref: a{number + 1}.yaml\n" for number in range(300)}
    with pytest.raises(DocumentError) as caught:
        written(main="paths: {/a: {$ref: a0.yaml}}\n", **files)
    assert caught.value.message == "a50.yaml:1:1: `$ref: 'a51.yaml'` leads back to itself, and to nothing else"
    through = "".join(f"    x{number}: {{$ref: '#/components/x{number + 1}/y'}}\n" for number in range(300))
    with pytest.raises(DocumentError, match="leads through itself, and so to nothing"):
        written(main="paths: {}\ncomponents:\n    schemas: {A: {$ref: '#/components/x0/y'}}\n" + through)


KEYS = [
    *("$ref", "paths", "/a", "/b/{c}", "get", "post", "parameters", "responses", "200", "content", "application/json"),
    *("schema", "properties", "items", "allOf", "components", "schemas", "A", "B", "x-a", "$id", "$anchor", "mapping"),
    *("discriminator", "callbacks", "examples", "example", "value", "pathItems", "headers", "$defs", "tags", "in"),
]
REFERENCES = [
    *("#", "#/", "", "#/components/schemas/A", "#/components/schemas/B", "#/paths/~1a", "#/paths/~1a/get", "#/A", "#B"),
    *("b.yaml", "b.yaml#/A", "b.yaml#B", "c.yaml#/0", "main.yaml", "main.yaml#/components/schemas/B", "none.yaml"),
    *("https://example.com/a", "../..", "#/components/pathItems/A"),
]
anything = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from(REFERENCES + KEYS),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4)
        | st.fixed_dictionaries({"$ref": st.sampled_from(REFERENCES)})
    ),
    max_leaves=25,
)
named = st.dictionaries(st.sampled_from(["A", "B", "/a", "/b/{c}"]), anything, max_size=3)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(["3.0.0", "3.1.0", "2.0"]), named, named, anything, named)
def test_references_of_any_shape_are_resolved_or_told(version: str, one: Any, two: Any, three: Any, four: Any) -> None:
    value = {
        "swagger" if version == "2.0" else "openapi": version,
        "paths": one,
        "components": {"schemas": two, "parameters": four, "pathItems": one},
        "definitions": two,
        "parameters": four,
        "tags": three,
    }
    for name, content in {"main": value, "b": three, "c": four}.items():
        Path(f"{name}.yaml").write_text(yaml.safe_dump(content), "utf-8")
    try:
        document = load("main.yaml")
    except DocumentError:
        return
    for problem in document.problems():
        assert document.locate(problem.pointer).file in ("main.yaml", "b.yaml", "c.yaml")
    to_2020_12(document.value, document.family)
