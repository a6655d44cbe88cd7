"""Several declared documents become one, and every part of it still knows the file and the line it was written in."""

from __future__ import annotations

import hashlib
import json
import lzma
import re
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from contract.core.document import Document
from contract.core.errors import DocumentError
from contract.core.openapi import Contract
from contract.sources.documents.file import load
from contract.sources.documents.merge import merge
from tests.data import DATA

HEAD = "openapi: {version}\ninfo: {{title: {name}, version: '1'}}\n"
OK = "responses: {'200': {description: Fine.}}"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def document(name: str, text: str, version: str = "3.1.0") -> Document:
    """The document of this file, which gets its first two lines."""
    path = Path(f"{name}.yaml")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(HEAD.format(version=version, name=path.stem) + dedent(text).lstrip("\n"), "utf-8")
    return load(path)


def merged(version: str = "3.1.0", **texts: str) -> Document:
    return merge([document(name, text, version) for name, text in texts.items()])


def refusal(**texts: str) -> tuple[str, str | None]:
    with pytest.raises(DocumentError) as caught:
        merged(**texts)
    return caught.value.message, caught.value.hint


def operations(document: Document) -> list[tuple[str, tuple[str, ...]]]:
    return [(operation.key, operation.base_paths) for operation in Contract(document).operations]


def line_of(name: str, text: str, nth: int = 1) -> int:
    """The number of the nth line of a file that holds the text."""
    lines = [number for number, line in enumerate(Path(name).read_text().splitlines(), 1) if text in line]
    return lines[nth - 1]


def all_refs(node: Any) -> list[str]:
    found = [node["$ref"]] if isinstance(node, dict) and isinstance(node.get("$ref"), str) else []
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    return found + [reference for child in children for reference in all_refs(child)]


def test_one_document_comes_back_as_it_is() -> None:
    alone = document("a", "paths: {}\n")
    assert merge([alone]) is alone


def test_the_operations_of_all_stand_in_one_in_the_order_of_the_documents() -> None:
    whole = merged(
        a=f"tags: [{{name: x}}]\npaths:\n  /tasks:\n    get: {{{OK}}}\n",
        b=f"tags: [{{name: x}}, {{name: y}}]\nx-b: 1\npaths:\n  /bills:\n    get: {{{OK}}}\n",
        c=f"paths:\n  /files/{{id}}:\n    get: {{{OK}}}\n",
    )
    assert operations(whole) == [("GET /tasks", ("",)), ("GET /bills", ("",)), ("GET /files/{id}", ("",))]
    assert (whole.path, whole.version, whole.family) == ("a.yaml, b.yaml, c.yaml", "3.1.0", "3.1")
    assert whole.value["info"] == {"title": "a", "version": "1"}
    assert (whole.value["tags"], whole.value["x-b"]) == ([{"name": "x"}, {"name": "y"}], 1)
    assert "servers" not in whole.value["paths"]["/bills"]
    places = [whole.locate(operation.pointer) for operation in Contract(whole).operations]
    assert [(place.file, place.line) for place in places] == [("a.yaml", 6), ("b.yaml", 7), ("c.yaml", 5)]
    assert str(whole.locate("#/tags/1")) == "b.yaml:3"
    assert whole.origin("#/paths/~1bills/get/responses") == ("b.yaml", "#/paths/~1bills/get/responses")
    digests = [hashlib.sha256(Path(name).read_bytes()).digest() for name in ("a.yaml", "b.yaml", "c.yaml")]
    assert whole.sha256 == hashlib.sha256(b"".join(digests)).hexdigest()


def test_root_servers_that_differ_are_said_by_the_path_items() -> None:
    whole = merged(
        a=f"servers: [{{url: /a}}]\npaths:\n  /tasks:\n    get: {{{OK}}}\n",
        b=f"""
        servers: [{{url: 'https://b.example/b'}}]
        paths:
          /bills:
            get: {{{OK}}}
          /own:
            servers: [{{url: /own}}]
            get: {{{OK}}}
            post:
              servers: [{{url: /mine}}]
              {OK}
        """,
        c=f"paths:\n  /files:\n    get: {{{OK}}}\n",
        d=f"servers: [{{url: /a}}]\npaths:\n  /more:\n    get: {{{OK}}}\n",
    )
    assert operations(whole) == [
        ("GET /tasks", ("/a",)),
        ("GET /bills", ("/b",)),
        ("GET /own", ("/own",)),
        ("POST /own", ("/mine",)),
        ("GET /files", ("",)),
        ("GET /more", ("/a",)),
    ]
    assert whole.value["paths"]["/bills"]["servers"] == [{"url": "https://b.example/b"}]
    assert "servers" not in whole.value["paths"]["/more"]
    assert str(whole.locate("#/paths/~1bills/servers")) == "b.yaml:3"


def test_root_security_that_differs_is_said_by_the_operations() -> None:
    whole = merged(
        a=f"""
        security: [{{key: []}}]
        components: {{securitySchemes: {{key: {{type: apiKey, in: header, name: X-Key}}}}}}
        paths:
          /a: {{get: {{{OK}}}}}
        """,
        b=f"""
        security: [{{key: []}}, {{token: [read]}}]
        components:
          securitySchemes:
            key: {{type: apiKey, in: query, name: key}}
            token: {{type: http, scheme: bearer}}
        paths:
          /b:
            get: {{{OK}}}
            post: {{security: [{{key: []}}], {OK}}}
        """,
        c=f"paths:\n  /c:\n    get: {{{OK}}}\n",
        d=f"""
        security: [{{key: []}}]
        components: {{securitySchemes: {{key: {{name: X-Key, in: header, type: apiKey}}}}}}
        paths:
          /d: {{get: {{{OK}}}}}
        """,
    )
    said = {operation.key: operation.security for operation in Contract(whole).operations}
    assert said == {
        "GET /a": ({"key": []},),
        "GET /b": ({"key_b": []}, {"token": ["read"]}),
        "POST /b": ({"key_b": []},),
        "GET /c": (),
        "GET /d": ({"key": []},),
    }
    assert [name for name, item in whole.value["paths"].items() if "security" in item["get"]] == ["/b", "/c"]
    assert list(whole.value["components"]["securitySchemes"]) == ["key", "key_b", "token"]
    assert str(whole.locate("#/paths/~1b/get/security")) == "b.yaml:3"
    assert str(whole.locate("#/components/securitySchemes/key_b")) == "b.yaml:6"


TASKS = """
paths:
  /{path}:
    get:
      responses:
        '200':
          description: Fine.
          content:
            application/json:
              schema: {{$ref: '#/components/schemas/Task'}}
              example: {{$ref: '#/components/schemas/Task'}}
components:
  schemas:
    Task:
      type: object
      properties:
        owner: {{$ref: '#/components/schemas/User'}}
        parent: {{$ref: '#/components/schemas/Task'}}
    User: {{type: {user}}}
"""


def test_components_with_the_same_content_are_shared() -> None:
    whole = merged(a=TASKS.format(path="a", user="string"), b=TASKS.format(path="b", user="string"))
    assert list(whole.value["components"]["schemas"]) == ["Task", "User"]
    assert {*all_refs(whole.value)} == {"#/components/schemas/Task", "#/components/schemas/User"}


def test_a_component_that_differs_gets_the_files_name_and_so_does_whatever_refers_to_it() -> None:
    whole = merged(
        a=TASKS.format(path="a", user="string"),
        billing=TASKS.format(path="b", user="integer"),
        third=TASKS.format(path="c", user="integer"),
        last=TASKS.format(path="d", user="boolean"),
    )
    schemas = whole.value["components"]["schemas"]
    assert list(schemas) == ["Task", "User", "Task_billing", "User_billing", "Task_last", "User_last"]
    assert schemas["Task_billing"]["properties"] == {
        "owner": {"$ref": "#/components/schemas/User_billing"},
        "parent": {"$ref": "#/components/schemas/Task_billing"},
    }
    media = [
        whole.value["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]
        for path in ("/a", "/b", "/c", "/d")
    ]
    names = ["Task", "Task_billing", "Task_billing", "Task_last"]
    assert [entry["schema"]["$ref"] for entry in media] == [f"#/components/schemas/{name}" for name in names]
    # An example is the API's, not a reference.
    assert {entry["example"]["$ref"] for entry in media} == {"#/components/schemas/Task"}
    place = "#/components/schemas/Task_billing/properties/owner"
    assert str(whole.locate(place)) == f"billing.yaml:{line_of('billing.yaml', 'owner')}"
    assert whole.origin(place) == ("billing.yaml", "#/components/schemas/Task/properties/owner")
    through = "#/paths/~1c/get/responses/200/content/application~1json/schema/properties/owner"
    assert whole.locate(through).file == "third.yaml"


def test_true_and_one_are_different_content() -> None:
    text = "paths: {{}}\ncomponents: {{schemas: {{A: {{const: {value}}}}}}}\n"
    whole = merged(a=text.format(value="1"), b=text.format(value="true"))
    assert whole.value["components"]["schemas"] == {"A": {"const": 1}, "A_b": {"const": True}}


def test_a_name_that_is_taken_in_turn_gets_a_number() -> None:
    text = "paths: {{}}\ncomponents: {{schemas: {{{schemas}}}}}\n"
    whole = merged(
        a=text.format(schemas="A: {type: string}, A_b: {type: 'null'}"),
        b=text.format(schemas="A: {type: integer}, A_b_2: {$ref: '#/components/schemas/A'}"),
    )
    assert whole.value["components"]["schemas"] == {
        "A": {"type": "string"},
        "A_b": {"type": "null"},
        "A_b_3": {"type": "integer"},
        "A_b_2": {"$ref": "#/components/schemas/A_b_3"},
    }


def test_files_of_one_name_are_told_apart_by_their_folders() -> None:
    text = "paths: {{}}\ncomponents: {{schemas: {{A: {{type: {kind}}}}}}}\n"
    whole = merge([document(f"{kind}/openapi", text.format(kind=kind)) for kind in ("string", "integer")])
    assert list(whole.value["components"]["schemas"]) == ["A", "A_integer_openapi"]


def test_every_kind_of_component_is_renamed_with_its_references() -> None:
    text = """
    paths:
      /{path}:
        parameters: [{{$ref: '#/components/parameters/p'}}]
        post:
          requestBody: {{$ref: '#/components/requestBodies/b'}}
          callbacks: {{done: {{$ref: '#/components/callbacks/c'}}}}
          responses:
            '200': {{$ref: '#/components/responses/r'}}
    components:
      parameters: {{p: {{name: {path}, in: query, schema: {{type: string}}}}}}
      requestBodies: {{b: {{content: {{application/json: {{examples: {{e: {{$ref: '#/components/examples/e'}}}}}}}}}}}}
      callbacks: {{c: {{'{{$url}}': {{post: {{responses: {{'200': {{description: {path}}}}}}}}}}}}}
      responses:
        r:
          description: Fine.
          headers: {{h: {{$ref: '#/components/headers/h'}}}}
          links: {{l: {{$ref: '#/components/links/l'}}}}
      headers: {{h: {{schema: {{type: string, description: {path}}}}}}}
      links: {{l: {{operationRef: '#/paths/~1{path}/post'}}}}
      examples: {{e: {{value: {path}}}}}
    """
    whole = merged(a=text.format(path="a"), b=text.format(path="b"))
    kept = {name: list(content) for name, content in whole.value["components"].items()}
    assert kept == {
        "parameters": ["p", "p_b"],
        "requestBodies": ["b", "b_b"],
        "callbacks": ["c", "c_b"],
        "responses": ["r", "r_b"],
        "headers": ["h", "h_b"],
        "links": ["l", "l_b"],
        "examples": ["e", "e_b"],
    }
    assert sorted(all_refs(whole.value["paths"]["/b"])) == [
        "#/components/callbacks/c_b",
        "#/components/parameters/p_b",
        "#/components/requestBodies/b_b",
        "#/components/responses/r_b",
    ]
    assert sorted(all_refs(whole.value["components"]["responses"]["r_b"])) == [
        "#/components/headers/h_b",
        "#/components/links/l_b",
    ]


def test_a_discriminator_keeps_its_values_and_names_the_renamed_schemas() -> None:
    text = """
    paths: {{}}
    components:
      schemas:
        Cat: {{type: object, title: {title}}}
        Dog: {{type: object, title: {title}}}
        Fox: {{type: object, title: {title}}}
        Pet:
          oneOf:
            - $ref: '#/components/schemas/Cat'
            - $ref: '#/components/schemas/Dog'
            - $ref: '#/components/schemas/Fox'
          discriminator:
            propertyName: kind
            mapping: {{cat: '#/components/schemas/Cat', dog: Dog}}
        Base: {{type: object, discriminator: {{propertyName: kind}}}}
        Heir: {{title: {title}, allOf: [{{$ref: '#/components/schemas/Base'}}]}}
    """
    whole = merged(a=text.format(title="a"), b=text.format(title="b"))
    schemas = whole.value["components"]["schemas"]
    assert schemas["Pet_b"]["discriminator"]["mapping"] == {
        "cat": "#/components/schemas/Cat_b",
        "dog": "Dog_b",
        "Fox": "#/components/schemas/Fox_b",  # it had its value from its name
    }
    assert schemas["Base_b"]["discriminator"]["mapping"] == {"Heir": "#/components/schemas/Heir_b"}
    assert schemas["Heir_b"]["allOf"] == [{"$ref": "#/components/schemas/Base_b"}]
    assert "mapping" not in schemas["Base"]["discriminator"]


def test_operation_ids_that_collide_are_told_apart_and_links_follow_them() -> None:
    text = """
    paths:
      /{path}:
        get:
          operationId: list
          responses: {{'200': {{description: Fine., links: {{again: {{operationId: list}}}}}}}}
        post: {{operationId: {path}, {ok}}}
    """
    whole = merged(a=text.format(path="a", ok=OK), b=text.format(path="b", ok=OK))
    assert [operation.operation_id for operation in Contract(whole).operations] == ["list", "a", "list_b", "b"]
    links = whole.value["paths"]["/b"]["get"]["responses"]["200"]["links"]
    assert links == {"again": {"operationId": "list_b"}}


def test_two_documents_may_share_a_path_if_their_methods_differ() -> None:
    whole = merged(
        a=f"""
        servers: [{{url: /v1}}]
        security: [{{key: []}}]
        paths:
          /tasks/{{id}}:
            summary: One task.
            parameters:
              - {{name: id, in: path, required: true, schema: {{type: string}}}}
              - {{name: deep, in: query, schema: {{type: boolean}}}}
            get:
              parameters: [{{name: deep, in: query, schema: {{type: integer}}}}]
              {OK}
            head: {{{OK}}}
          /again:
            parameters: [{{$ref: '#/paths/~1tasks~1%7Bid%7D/parameters/0'}}]
            get: {{{OK}}}
        """,
        b=f"""
        servers: [{{url: /v2}}]
        paths:
          /tasks/{{id}}:
            parameters: [{{name: id, in: path, required: true, schema: {{type: integer}}}}]
            delete: {{{OK}}}
        """,
    )
    found = {
        operation.key: [
            (parameter.label, whole.value and _resolved(whole, parameter.schema)) for parameter in operation.parameters
        ]
        for operation in Contract(whole).operations
    }
    assert found == {
        "GET /tasks/{id}": [("query:deep", {"type": "integer"}), ("path:id", {"type": "string"})],
        "HEAD /tasks/{id}": [("path:id", {"type": "string"}), ("query:deep", {"type": "boolean"})],
        "DELETE /tasks/{id}": [("path:id", {"type": "integer"})],
        "GET /again": [("path:id", {"type": "string"})],
    }
    assert operations(whole) == [
        ("GET /tasks/{id}", ("/v1",)),
        ("HEAD /tasks/{id}", ("/v1",)),
        ("DELETE /tasks/{id}", ("/v2",)),
        ("GET /again", ("/v1",)),
    ]
    item = whole.value["paths"]["/tasks/{id}"]
    assert (item["summary"], "parameters" in item) == ("One task.", False)
    assert item["delete"]["security"] == []
    places = {
        "#/paths/~1tasks~1{id}/delete": ("b.yaml", "delete"),
        "#/paths/~1tasks~1{id}/delete/parameters/0/schema": ("b.yaml", "name: id"),
        "#/paths/~1tasks~1{id}/delete/servers": ("b.yaml", "servers"),
        "#/paths/~1tasks~1{id}/get": ("a.yaml", "get:"),
        "#/paths/~1tasks~1{id}/get/parameters/0": ("a.yaml", "type: integer"),
        "#/paths/~1tasks~1{id}/get/parameters/1": ("a.yaml", "name: id"),
        "#/paths/~1tasks~1%7Bid%7D/head/parameters/1": ("a.yaml", "type: boolean"),
    }
    for pointer, (file, text) in places.items():
        place = whole.locate(pointer)
        assert (pointer, place.file, place.line) == (pointer, file, line_of(file, text))


def _resolved(document: Document, pointer: str | None) -> Any:
    from contract.core.document import resolve

    return resolve(document.value, pointer or "#")


def test_the_same_path_below_two_base_paths_is_two_operations() -> None:
    whole = merged(
        a=f"servers: [{{url: /a}}]\npaths:\n  /health:\n    get: {{{OK}}}\n",
        b=f"""
        servers: [{{url: 'https://{{zone}}.example/{{v}}', variables: {{zone: {{default: eu}}, v: {{default: b}}}}}}, {{url: /b2/}}]
        paths:
          /health:
            parameters: [{{name: deep, in: query, schema: {{type: boolean}}}}]
            get: {{{OK}}}
            put: {{{OK}}}
        """,
    )
    assert operations(whole) == [
        ("GET /health", ("/a",)),
        ("PUT /health", ("/b", "/b2")),
        ("GET /b/health", ("",)),
        ("GET /b2/health", ("",)),
    ]
    identities = [operation.identity for operation in Contract(whole).operations]
    assert identities == ["GET /a/health", "PUT /b/health", "GET /b/health", "GET /b2/health"]
    assert whole.value["paths"]["/b/health"]["get"]["servers"] == [
        {"url": "https://{zone}.example", "variables": {"zone": {"default": "eu"}}},
        {"url": "/"},
    ]
    assert str(whole.locate("#/paths/~1b~1health/get")) == "b.yaml:7"
    assert str(whole.locate("#/paths/~1b2~1health/get/parameters/0")) == "b.yaml:6"


def test_an_operation_of_two_documents_is_refused_and_both_places_are_named() -> None:
    assert refusal(
        a=f"servers: [{{url: /v1}}]\npaths:\n  /tasks/{{id}}:\n    get: {{{OK}}}\n    put: {{{OK}}}\n",
        b=f"paths:\n  /v1/tasks/{{task}}:\n    get: {{{OK}}}\n    put: {{{OK}}}\n    post: {{{OK}}}\n",
    ) == (
        "b.yaml:5:5: `GET /v1/tasks/{task}`: the same operation, `GET /v1/tasks/{id}`, is declared in a.yaml:6 too"
        ", and 1 more operation likewise",
        "take it out of one of them; if they describe two services, check each with a `--target` of its own",
    )
    message, _ = refusal(a=f"paths:\n  /t:\n    get: {{{OK}}}\n", b=f"paths:\n  /t:\n    get: {{{OK}}}\n")
    assert message == "b.yaml:5:5: `GET /t`: this operation is declared in a.yaml:5 too"


def test_paths_that_no_key_tells_apart_are_refused() -> None:
    message, hint = refusal(
        a=f"servers: [{{url: /x}}]\npaths:\n  /t: {{get: {{{OK}}}}}\n  /b/t: {{get: {{{OK}}}}}\n",
        b=f"servers: [{{url: /b}}]\npaths:\n  /t: {{get: {{{OK}}}}}\n",
    )
    assert message == (
        "b.yaml:5:8: `/t` and `/b/t` are paths of several documents under different base paths, and cannot stand in one"
    )
    assert hint == "check the documents one by one"


def test_documents_of_two_versions_become_the_newer_one() -> None:
    old = document(
        "old",
        f"""
        paths:
          /old: {{get: {{{OK}}}}}
        components:
          schemas:
            Shared: {{type: string, nullable: true}}
            Bound: {{type: integer, minimum: 0, exclusiveMinimum: true}}
        """,
        "3.0.3",
    )
    new = document(
        "new",
        f"""
        paths:
          /new: {{get: {{{OK}}}}}
        components:
          schemas:
            Shared: {{type: [string, 'null']}}
        """,
        "3.1.1",
    )
    for documents in ([old, new], [new, old]):
        whole = merge(documents)
        assert (whole.family, whole.value["openapi"]) == ("3.1", "3.1.1")
        assert whole.version == ", ".join(document.version for document in documents)
        schemas = whole.value["components"]["schemas"]
        assert schemas == {
            "Shared": {"type": ["string", "null"]},
            "Bound": {"type": "integer", "exclusiveMinimum": 0},
        }
        assert str(whole.locate("#/components/schemas/Bound/exclusiveMinimum")).startswith("old.yaml:")


def test_swagger_joins_a_newer_document_with_its_own_lines() -> None:
    Path("old.yaml").write_text(
        dedent(
            """\
            swagger: '2.0'
            info: {title: old, version: '1'}
            basePath: /old
            paths:
              /pets:
                get:
                  responses:
                    '200': {description: Fine., schema: {$ref: '#/definitions/Pet'}}
            definitions:
              Pet: {type: object}
            """
        )
    )
    new = document("new", "paths: {}\ncomponents:\n  schemas:\n    Pet: {type: string}\n")
    whole = merge([new, load("old.yaml")])
    assert operations(whole) == [("GET /pets", ("/old",))]
    assert str(whole.locate("#/components/schemas/Pet_old")) == "old.yaml:10"
    assert whole.origin("#/components/schemas/Pet_old") == ("old.yaml", "#/definitions/Pet")
    assert whole.version == "3.1.0, 2.0"


def test_problems_lead_to_the_file_that_has_them() -> None:
    a = document("a", f"paths:\n  /a: {{get: {{{OK}}}}}\ncomponents: {{schemas: {{S: {{type: string}}}}}}\n")
    Path("b.yaml").write_text(
        "openapi: 3.1.0\ninfo: {title: b}\npaths:\n  /b:\n    get:\n      parameters: [{name: x, in: nowhere}]\n"
        "components:\n  schemas:\n    S: {type: stringy}\n"
    )
    b = load("b.yaml")
    whole = merge([a, b])
    own = [(problem.message, str(b.locate(problem.pointer))) for problem in b.problems()]
    assert len(own) >= 3
    assert [(problem.message, str(whole.locate(problem.pointer))) for problem in whole.problems()] == own
    assert [problem.pointer for problem in whole.problems() if "version" in problem.message] == [
        "#/x-documents/b.yaml/info"
    ]


def test_webhooks_of_one_name_are_kept_beside_each_other() -> None:
    text = "webhooks:\n  done:\n    post: {{summary: {name}, responses: {{'200': {{description: Fine.}}}}}}\n"
    whole = merged(a=text.format(name="a"), b=text.format(name="b"))
    assert {name: item["post"]["summary"] for name, item in whole.value["webhooks"].items()} == {
        "done": "a",
        "done_b": "b",
    }
    assert str(whole.locate("#/webhooks/done_b/post")) == "b.yaml:5"


def test_nothing_is_written_into_the_documents_that_are_merged() -> None:
    texts = [TASKS.format(path="a", user="string"), TASKS.format(path="a", user="integer").replace("get:", "put:")]
    parts = [document(name, text) for name, text in zip("ab", texts, strict=True)]
    before = [json.dumps(part.value) for part in parts]
    merge(parts)
    assert [json.dumps(part.value) for part in parts] == before


@pytest.mark.data
@pytest.mark.skipif(DATA is None, reason="the shared data is not there")
def test_a_large_document_keeps_every_pointer_when_each_of_its_components_meets_its_like() -> None:
    assert DATA is not None
    raw = lzma.decompress((DATA / "documents" / "github.json.xz").read_bytes())
    Path("one.json").write_bytes(raw)
    changed = re.sub(rb'("url": "https://(api|uploads).github.com)"', rb'\1/two"', raw)
    assert changed != raw
    Path("two.json").write_bytes(changed.replace(b'"Simple User"', b'"Simpler User"'))
    one, two = load("one.json"), load("two.json")
    whole = merge([one, two])
    found = {operation.identity: operation for operation in Contract(whole).operations}
    mine = Contract(two).operations
    assert len(found) == 2 * len(mine)
    for operation in mine:
        there = found[operation.identity]
        assert whole.locate(there.pointer) == two.locate(operation.pointer)
        assert list(there.responses) == list(operation.responses)
    sizes = [len(document.value["components"]["schemas"]) for document in (one, whole)]
    assert sizes[0] < sizes[1] < 2 * sizes[0]  # what does not lead to the changed one is shared
