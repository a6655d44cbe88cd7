"""A document is loaded, or one sentence says what is wrong, where, and what to do."""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path

import pytest

from contract.core.errors import DocumentError
from contract.sources.documents.file import load

HEAD = "openapi: 3.0.3\ninfo: {title: t, version: '1'}\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def error(name: str, text: str | bytes) -> tuple[str, str | None]:
    Path(name).write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(DocumentError) as caught:
        load(name)
    return caught.value.message, caught.value.hint


def test_a_document_knows_its_version_its_hash_and_its_places(folder: Path) -> None:
    text = HEAD + "paths:\n  /a:\n    get: {responses: {200: {description: ok}}}\n"
    (folder / "specs").mkdir()
    (folder / "specs" / "api.yaml").write_text(text)
    document = load("specs/api.yaml")
    assert (document.path, document.version, document.family) == ("specs/api.yaml", "3.0.3", "3.0")
    assert document.sha256 == sha256(text.encode()).hexdigest()
    assert document.value["paths"] == {"/a": {"get": {"responses": {"200": {"description": "ok"}}}}}
    assert document.problems() == []
    assert str(document.locate("#/paths/~1a/get")) == "specs/api.yaml:5"
    assert document.locate("#/paths/~1a/get/responses/200").column == 23
    assert document.origin("#/paths/~1a/get/nothing") == ("specs/api.yaml", "#/paths/~1a/get")
    assert load(folder / "specs" / "api.yaml").path == "specs/api.yaml"


def test_a_document_elsewhere_is_named_by_its_whole_path(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("elsewhere") / "api.yaml"
    path.write_text(HEAD + "paths: {}\n")
    document = load(os.path.relpath(path))
    assert document.path == path.as_posix()
    assert str(document.locate("#/info")) == f"{path.as_posix()}:2"


@pytest.mark.parametrize(
    "raw",
    [
        (HEAD + "paths: {}\n").encode("utf-8-sig"),
        (HEAD + "paths: {}\n").encode("utf-16"),
        b"\xfe\xff" + (HEAD + "paths: {}\n").encode("utf-16-be"),
        (HEAD + "paths: {}\n").replace("\n", "\r\n").encode(),
        b'\xef\xbb\xbf{"openapi": "3.0.3",\n"info": {"title": "t", "version": "1"}, "paths": {}}',
        b'{openapi: 3.0.3,\ninfo: {title: t, version: "1"}, paths: {}}',
    ],
)
def test_a_mark_another_encoding_and_the_other_syntax_are_read(raw: bytes) -> None:
    Path("api.yaml").write_bytes(raw)
    document = load("api.yaml")
    assert document.value == {"openapi": "3.0.3", "info": {"title": "t", "version": "1"}, "paths": {}}
    assert document.locate("#/info").line == 2


def test_a_folder_and_nothing_are_no_document(folder: Path) -> None:
    (folder / "specs").mkdir()
    (folder / "openapi.yaml").write_text("")
    for name, message in {
        "specs": "specs: a folder, and a file is needed",
        "openapi.yml": "openapi.yml: no such file. Did you mean 'openapi.yaml'?",
        "no/such.yaml": "no/such.yaml: no such file",
        "openapi.yaml": "openapi.yaml: the file is empty",
    }.items():
        with pytest.raises(DocumentError) as caught:
            load(name)
        assert caught.value.message == message


BEGIN = "begin with `openapi: 3.1.0`"


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        (" \n\n", "api.yaml: the file is empty", None),
        ("# nothing\n", "api.yaml:1:1: the top level is empty, and an OpenAPI document is a mapping", None),
        ("- a\n", "api.yaml:1:1: the top level is a list, and an OpenAPI document is a mapping", None),
        ("hello\n", "api.yaml:1:1: the top level is a text, and an OpenAPI document is a mapping", None),
        ("42\n", "api.yaml:1:1: the top level is a number, and an OpenAPI document is a mapping", None),
        ("true\n", "api.yaml:1:1: the top level is a boolean, and an OpenAPI document is a mapping", None),
        ("a: b\n", "api.yaml:1:1: neither `openapi` nor `swagger` says which version it is", BEGIN),
        (
            "asyncapi: 3.0.0\n",
            "api.yaml:1:1: neither `openapi` nor `swagger` says which version it is; it looks like an AsyncAPI document",
            BEGIN,
        ),
        (
            '{"info": {"_postman_id": "1"}, "item": []}',
            "api.yaml:1:1: neither `openapi` nor `swagger` says which version it is; it looks like a Postman collection",
            BEGIN,
        ),
        (
            '{"log": {"entries": []}}',
            "api.yaml:1:1: neither `openapi` nor `swagger` says which version it is; it looks like a HAR capture",
            BEGIN,
        ),
        (
            "type: object\nproperties: {}\n",
            "api.yaml:1:1: neither `openapi` nor `swagger` says which version it is; it looks like a JSON Schema",
            BEGIN,
        ),
        (
            "openapi: 4.0.0\n",
            "api.yaml:1:1: `openapi: 4.0.0` is not supported; OpenAPI 3.0, 3.1, 3.2 and Swagger 2.0 are",
            None,
        ),
        (
            "x: 1\nswagger: '1.2'\n",
            "api.yaml:2:1: `swagger: 1.2` is not supported; OpenAPI 3.0, 3.1, 3.2 and Swagger 2.0 are",
            None,
        ),
        (
            "openapi: 3.10.0\n",
            "api.yaml:1:1: `openapi: 3.10.0` is not supported; OpenAPI 3.0, 3.1, 3.2 and Swagger 2.0 are",
            None,
        ),
        ("openapi:\n", "api.yaml:1:1: `openapi` is no version", "write for instance `openapi: 3.1.0`"),
        (b"openapi: 3.0.3\nx: caf\xe9\n", "api.yaml:2:7: the byte 0xE9 is no UTF-8", "save the file as UTF-8"),
        (b"\xff\xfea", "api.yaml: not valid UTF-16: truncated data", None),
        (
            "openapi: 3.0.3\ninfo:\n\ttitle: x\n",
            "api.yaml:3:1: not valid YAML: a tab cannot begin a value",
            "YAML is indented with spaces, never with tabs",
        ),
        (
            HEAD + "paths:\n  /a: {}\n  /b: {}\n  /a: {}\n",
            "api.yaml:6:3: the key `/a` is given twice, first in line 4",
            None,
        ),
        (
            '{"openapi": "3.0.3", "paths": {},\n"paths": {}}',
            "api.yaml:2:1: the key `paths` is given twice, first in line 1",
            None,
        ),
        (
            HEAD + "paths: {}\ncomponents: {schemas: {A: " + '{"items": ' * 250 + "{}" + "}" * 253,
            "api.yaml:4:1997: nested more than 200 levels deep",
            None,
        ),
    ],
)
def test_what_is_no_document_is_told(text: str | bytes, message: str, hint: str | None) -> None:
    assert error("api.yaml", text) == (message, hint)


def test_a_json_file_is_told_in_the_words_of_json() -> None:
    assert error("api.json", '{"openapi": "3.0.3",}') == (
        "api.json:1:20: not valid JSON: trailing comma is not allowed",
        None,
    )
    deep = '{"openapi": "3.0.3", "info": {"title": "t", "version": "1"}, "paths": {}, "components": {"schemas": {"A": '
    assert error("api.json", deep + '{"items": ' * 220 + "{}" + "}" * 223) == (
        "api.json:1:2078: nested more than 200 levels deep",
        None,
    )


def test_a_version_without_quotes_is_read_and_told() -> None:
    Path("api.yaml").write_text("swagger: 2.0\ninfo: {title: t, version: '1'}\npaths: {}\n")
    document = load("api.yaml")
    assert (document.version, document.family) == ("2.0", "3.0")
    assert [(problem.pointer, problem.message) for problem in document.problems()] == [
        ("#/openapi", "`2.0` is no string"),
        ("#/openapi", '`2.0` is none of `"2.0"`'),
    ]
    assert str(document.locate("#/openapi")) == "api.yaml:1"


def test_shapes_that_are_all_wrong_are_problems_and_no_crash() -> None:
    Path("api.yaml").write_text(
        "swagger: '2.0'\npaths: []\ndefinitions: 3\nparameters: []\nresponses: x\nsecurityDefinitions: 1\n"
        "host: 3\nschemes: x\nconsumes: {}\n"
    )
    document = load("api.yaml")
    assert document.value["paths"] == []
    assert {problem.message for problem in document.problems()} >= {"`info` is missing", "`[]` is no object"}
    Path("api.yaml").write_text(
        "openapi: 3.1.0\npaths: {/a: 3, /b: {get: [], parameters: x}}\ncomponents: {schemas: [1]}\n"
    )
    assert [problem.pointer for problem in load("api.yaml").problems()][:1] == ["#"]


def test_two_templates_of_one_operation_are_told_with_both_lines() -> None:
    Path("api.yaml").write_text(
        HEAD
        + "paths:\n"
        + "  /tasks/{id}:\n    get: {responses: {'200': {description: x}}}\n    delete: {responses: {'200': {description: x}}}\n"
        + "  /tasks/{task}:\n    get: {responses: {'200': {description: x}}}\n"
        + "  /tasks/mine:\n    get: {responses: {'200': {description: x}}}\n"
    )
    document = load("api.yaml")
    assert [(str(document.locate(problem.pointer)), problem.message) for problem in document.problems()] == [
        (
            "api.yaml:8",
            "`GET /tasks/{task}` is the same operation as `GET /tasks/{id}` in line 5: a request fits both",
        )
    ]
