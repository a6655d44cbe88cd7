"""`contract fix`: what the document lacks is written into it, proved on the evidence, and nothing else is touched."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from contract.app import cli, fix, reported, settings
from contract.core.errors import ConfigError

Out = pytest.CaptureFixture[str]

DOCUMENT = """\
openapi: 3.1.0
info: {title: Tasks, version: '1'}
paths:
  /tasks/{id}:
    parameters: [{name: id, in: path, required: true, schema: {type: integer}}]
    get:
      operationId: getTask
      responses:
        '200':
          description: One task.
          content:
            application/json:
              schema:
                $ref: '#/components/schemas/Task'
        '404':
          $ref: '#/components/responses/Problem'
    delete:
      operationId: deleteTask
      responses:
        '204':
          description: Gone.
        '404':
          $ref: '#/components/responses/Problem'
components:
  responses:
    Problem:
      description: What went wrong.
      content:
        application/problem+json:
          schema:
            $ref: '#/components/schemas/Problem'
  schemas:
    Task:
      type: object
      required: [id, state]
      properties:
        id:
          type: integer
        # when it is to be done
        due_at:
          type: string
        state:
          enum: [todo, done]
    Problem:
      type: object
      required: [title]
      properties:
        title:
          type: string
"""
JSON = "application/json"
PROBLEM = "application/problem+json"
TASK = {"id": 1, "state": "todo"}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    Path("api.yaml").write_text(DOCUMENT)
    return tmp_path


def line(method: str, url: str, status: int, body: Any = None, media: str = JSON, **more: Any) -> str:
    return json.dumps(
        {
            "method": method,
            "url": url,
            "status": status,
            "request_headers": {},
            "response_headers": {"Content-Type": media} if body is not None else {},
            "response_body": None if body is None else body if isinstance(body, str) else json.dumps(body),
            **more,
        }
    )


def observed(out: Out, *lines: str, document: str = "api.yaml") -> None:
    """Judges a recording, which leaves `.contract/report.json`."""
    Path("traffic.ndjson").write_text("\n".join(lines) + "\n")
    cli.main(["observe", "--document", document, "--floor", "0", "traffic.ndjson", "-q"])
    out.readouterr()


def said(out: Out, *words: str) -> tuple[int, str, str]:
    code = cli.main(["fix", *words])
    captured = out.readouterr()
    return code, captured.out, captured.err


def changes(text: str) -> list[str]:
    """The lines that a diff in a text adds and takes away."""
    return [
        part[2:] if part.startswith("  ") else part
        for part in text.splitlines()
        if part.lstrip()[:1] in ("+", "-") and not part.lstrip().startswith(("+++", "---"))
    ]


CONFLICT = line("DELETE", "/tasks/1", 409, {"title": "It is pinned."}, PROBLEM)


def test_a_status_is_declared_by_the_shared_response_that_fits(capsys: Out) -> None:
    observed(capsys, CONFLICT, line("DELETE", "/tasks/2", 204))
    before = Path("api.yaml").read_text()
    # No other operation declares a 409, so it is written with the schema that the other refusals have.
    assert said(capsys) == (
        0,
        """\
undeclared-status FINGERPRINT: declare `409` for DELETE /tasks/{id}
  proved on 1 exchange of DELETE /tasks/{id}: gone, and nothing new
  --- a/api.yaml
  +++ b/api.yaml
  @@ -21,6 +21,12 @@
             description: Gone.
           '404':
             $ref: '#/components/responses/Problem'
  +        '409':
  +          description: Conflict
  +          content:
  +            application/problem+json:
  +              schema:
  +                $ref: '#/components/schemas/Problem'
   components:
     responses:
       Problem:

1 of 1 finding has a proven patch, 1 patch of 6 lines · nothing is written without --apply · exit 0
""".replace("FINGERPRINT", fingerprints()[0][:7]),
        "",
    )
    assert Path("api.yaml").read_text() == before


def fingerprints() -> list[str]:
    return [row["fingerprint"] for row in json.loads(Path(".contract/report.json").read_text())["findings"]]


def test_apply_writes_and_the_next_run_finds_nothing(capsys: Out) -> None:
    lines = [
        CONFLICT,
        line("DELETE", "/tasks/3", 404, {"title": "No such task."}, PROBLEM),
        line("GET", "/tasks/1", 200, {**TASK, "due_at": None}),
        line("GET", "/tasks/2", 200, {**TASK, "state": "lost", "score": 7}),
        line("GET", "/tasks/3?view=full", 200, TASK),
        line("GET", "/tasks/4", 200, "fine", "text/plain"),
    ]
    observed(capsys, *lines)
    code, out, _ = said(capsys, "--apply")
    assert (code, out.splitlines()[-1]) == (
        0,
        "6 of 6 findings have a proven patch, 6 patches of 20 lines · written to api.yaml · exit 0",
    )
    assert changes(subprocess_diff(DOCUMENT, Path("api.yaml").read_text())) == [
        "+      parameters:",
        "+        - name: view",
        "+          in: query",
        "+          schema:",
        "+            type: string",
        "+            text/plain:",
        "+              schema:",
        "+                type: string",
        "+        '409':",
        "+          description: Conflict",
        "+          content:",
        "+            application/problem+json:",
        "+              schema:",
        "+                $ref: '#/components/schemas/Problem'",
        "-          type: string",
        "+          type: [string, 'null']",
        "-          enum: [todo, done]",
        "+          enum: [todo, done, lost]",
        "+        score:",
        "+          type: integer",
    ]
    observed(capsys, *lines)
    assert fingerprints() == []


def subprocess_diff(old: str, new: str) -> str:
    import difflib

    return "\n".join(difflib.unified_diff(old.splitlines(), new.splitlines(), lineterm="", n=0))


def test_what_is_the_server_s_to_mend_says_so(capsys: Out) -> None:
    observed(
        capsys,
        line("GET", "/tasks/1", 500, {"title": "boom"}, PROBLEM),
        line("GET", "/tasks/2", 200, "{", JSON),
        line("GET", "/tasks/3", 200, {**TASK, "api_key": "x"}),
        line("GET", "/tasks/4", 200, {**TASK, "id": "four"}),
        line("GET", "/tasks/5", 401, {"title": "Who?"}, PROBLEM),
    )
    code, out, _ = said(capsys)
    reasons = sorted(
        part.split(": ", 2)[1].split(" ")[0] + ": " + part.split(": ", 2)[2] for part in out.splitlines()[:-1]
    )
    assert (code, reasons) == (
        1,
        [
            "malformed-body: no document can make this body readable: fix the server",
            "response-schema: `type` would have to hold no more, and which side is right is a decision",
            "server-error: a failure of the server is no promise that a document should make: fix the server",
            "undeclared-property: `api_key` looks like a secret, which should not be promised to anybody: fix the server",
            "undeclared-status: the server asks for credentials of which the document knows nothing: declare `security`, by hand",
        ],
    )
    assert out.splitlines()[-1] == "0 of 5 findings have a proven patch · nothing to write · exit 1"


def test_what_is_missing_is_required_no_more_and_that_is_said(capsys: Out) -> None:
    observed(capsys, line("GET", "/tasks/1", 200, {"id": 1}), line("GET", "/tasks/2", 200, TASK))
    code, out, _ = said(capsys)
    assert code == 0
    assert "loosens: `state` may be missing from now on, as it was in 1 of 1 objects of the answers that show it" in out
    assert changes(out) == ["-      required: [id, state]", "+      required: [id]"]


def test_a_schema_is_made_of_all_that_the_evidence_shows(capsys: Out) -> None:
    observed(capsys, line("GET", "/tasks/1", 200, {**TASK, "score": {"of": 7}}))
    assert changes(said(capsys)[1])[1:] == [
        "+          type: object",
        "+          properties:",
        "+            of:",
        "+              type: integer",
    ]
    Path("more.ndjson").write_text(line("GET", "/tasks/2", 200, {**TASK, "score": "many"}) + "\n")
    code, out, _ = said(capsys, "--traffic", "ndjson:more.ndjson")
    assert (code, changes(out)[1]) == (0, "+          type: [object, string]")


def test_a_remedy_with_which_something_new_appears_is_not_taken(capsys: Out) -> None:
    # The shared schema of refusals requires a `title`, so the first two ways to declare the 409 are none.
    observed(capsys, line("DELETE", "/tasks/1", 409, {"error": "pinned"}, PROBLEM))
    code, out, _ = said(capsys)
    assert (code, changes(out)[4:]) == (
        0,
        [
            "+              schema:",
            "+                type: object",
            "+                properties:",
            "+                  error:",
            "+                    type: string",
        ],
    )


CLOSED = """\
              schema:
                allOf:
                  - {type: object, properties: {id: {}}, additionalProperties: false}
                  - {type: object, properties: {id: {}, state: {}}, additionalProperties: false}
"""


def test_a_finding_that_no_single_remedy_ends_has_no_patch(capsys: Out) -> None:
    Path("api.yaml").write_text(
        DOCUMENT.replace("              schema:\n                $ref: '#/components/schemas/Task'\n", CLOSED)
    )
    observed(capsys, line("GET", "/tasks/1", 200, {"id": 1, "more": 2}))
    code, out, _ = said(capsys)
    assert (code, changes(out)) == (1, [])
    assert "with it the finding still holds on GET /tasks/1 (200)" in out


def test_a_document_that_was_changed_since_is_an_error(capsys: Out) -> None:
    observed(capsys, CONFLICT)
    Path("api.yaml").write_text(DOCUMENT + "# one more line\n")
    assert said(capsys, "--document", "api.yaml") == (
        2,
        "",
        "error: api.yaml is not the document of the report any more: it was changed since, or it is another one\n"
        "  hint: run `contract check` again, and then `contract fix`\n",
    )


def test_a_document_in_several_files_is_changed_where_the_place_stands(capsys: Out) -> None:
    Path("schemas").mkdir()
    head, _, tail = DOCUMENT.partition("    Task:\n")
    task, _, rest = tail.partition("    Problem:\n")
    Path("api.yaml").write_text(head + "    Task:\n      $ref: schemas/task.yaml\n    Problem:\n" + rest)
    Path("schemas/task.yaml").write_text("".join(text[6:] for text in task.splitlines(keepends=True)))
    observed(capsys, line("GET", "/tasks/1", 200, {**TASK, "due_at": None}), CONFLICT)
    code, out, _ = said(capsys, "--apply")
    assert (code, out.splitlines()[-1].split(" · ")[1]) == (0, "written to schemas/task.yaml, api.yaml")
    assert "  type: [string, 'null']" in Path("schemas/task.yaml").read_text()
    assert "        '409':" in Path("api.yaml").read_text()


def test_openapi_3_0_in_json(capsys: Out) -> None:
    import yaml

    value = {**yaml.safe_load(DOCUMENT), "openapi": "3.0.3"}
    value["components"]["schemas"]["Task"]["properties"]["state"]["type"] = "string"
    Path("api.json").write_text(json.dumps(value, indent=2))
    observed(
        capsys,
        line("GET", "/tasks/1", 200, {**TASK, "due_at": None}),
        line("GET", "/tasks/2", 200, {**TASK, "state": None}),
        CONFLICT,
        document="api.json",
    )
    code, out, _ = said(capsys)
    assert (code, changes(out)) == (
        0,
        [
            '-            "type": "string"',
            '+            "type": "string",',
            '+            "nullable": true',
            '-              "done"',
            '+              "done",',
            "+              null",
            '-            "type": "string"',
            '+            "type": "string",',
            '+            "nullable": true',
            "+          },",
            '+          "409": {',
            '+            "description": "Conflict",',
            '+            "content": {',
            '+              "application/problem+json": {',
            '+                "schema": {',
            '+                  "$ref": "#/components/schemas/Problem"',
            "+                }",
            "+              }",
            "+            }",
        ],
    )


def test_swagger_2_0(capsys: Out) -> None:
    Path("api.yaml").write_text("""\
swagger: '2.0'
info: {title: Tasks, version: '1'}
produces: [application/json]
paths:
  /tasks:
    get:
      operationId: listTasks
      responses:
        200:
          description: All.
          schema:
            type: array
            items:
              $ref: '#/definitions/Task'
definitions:
  Task:
    type: object
    properties:
      id:
        type: integer
      due_at:
        type: string
""")
    observed(
        capsys,
        line("GET", "/tasks", 200, [{"id": 1, "due_at": None, "score": 3}]),
        line("GET", "/tasks?page=2", 404, {"title": "None."}),
    )
    before = Path("api.yaml").read_text()
    assert said(capsys, "--apply")[0] == 0
    assert changes(subprocess_diff(before, Path("api.yaml").read_text())) == [
        "+        404:",
        "+          description: Not Found",
        "+          schema:",
        "+            type: object",
        "+            properties:",
        "+              title:",
        "+                type: string",
        "+        x-nullable: true",
        "+      score:",
        "+        type: integer",
    ]


def test_formats(capsys: Out) -> None:
    observed(capsys, CONFLICT, line("GET", "/tasks/1", 500, {"title": "boom"}, PROBLEM))
    code, out, err = said(capsys, "--format", "json")
    value = json.loads(out)
    assert (
        code,
        value["exit_code"],
        [one["rule"] for one in value["patches"]],
        [one["rule"] for one in value["left"]],
    ) == (
        1,
        1,
        ["undeclared-status"],
        ["server-error"],
    )
    assert value["patches"][0]["lines"] == 6
    assert (
        err == "1 of 2 findings has a proven patch, 1 patch of 6 lines · nothing is written without --apply · exit 1\n"
    )
    code, out, err = said(capsys, "--format", "diff")
    assert code == 1
    assert out == value["diff"]
    assert err.startswith("no patch: server-error ")
    subprocess.run(["git", "init", "-q"], check=True)
    subprocess.run(["git", "apply", "-"], input=out.encode(), check=True)
    assert "        '409':" in Path("api.yaml").read_text()
    assert said(capsys, "--format", "yaml")[0] == 2


def test_an_operation_that_answers_is_declared(capsys: Out) -> None:
    observed(
        capsys,
        *(
            line("GET", f"/users/{number}/keys?limit={number}", 200, [{"key": "k", "size": number}])
            for number in (11, 12, 13)
        ),
        line("GET", "/tasks/1", 200, TASK),
    )
    code, out, _ = said(capsys, "--traffic", "ndjson:traffic.ndjson")
    assert (code, changes(out)) == (
        0,
        [
            "+  /users/{id}/keys:",
            "+    get:",
            "+      operationId: listUserKeys",
            "+      parameters:",
            "+        - name: id",
            "+          in: path",
            "+          required: true",
            "+          schema:",
            "+            type: integer",
            "+        - name: limit",
            "+          in: query",
            "+          schema:",
            "+            type: integer",
            "+      responses:",
            "+        '200':",
            "+          description: OK",
            "+          content:",
            "+            application/json:",
            "+              schema:",
            "+                type: array",
            "+                items:",
            "+                  type: object",
            "+                  properties:",
            "+                    key:",
            "+                      type: string",
            "+                    size:",
            "+                      type: integer",
        ],
    )


def test_a_method_of_a_declared_path_takes_the_names_of_the_path(capsys: Out) -> None:
    observed(capsys, line("PUT", "/tasks/1", 200, TASK), line("GET", "/tasks/1", 200, TASK))
    code, out, _ = said(capsys)
    assert (code, changes(out)[:3]) == (0, ["+    put:", "+      operationId: replaceTask", "+      responses:"])


LONG = {**TASK, "notes": [{"number": number, "text": "x" * 50} for number in range(60)]}


def test_a_body_of_which_the_report_holds_a_part_proves_what_shows_in_it_and_no_more(capsys: Out) -> None:
    observed(
        capsys,
        line("GET", "/tasks/1", 200, {**LONG, "due_at": None}),
        line("DELETE", "/tasks/1", 409, {"title": "Pinned", **LONG}, PROBLEM),
    )
    code, out, _ = said(capsys)
    assert code == 1
    assert changes(out) == [
        "-          type: string",
        "+          type: [string, 'null']",
        "+        notes:",
        "+          type: array",
    ]
    assert [part.split(": ")[-1] for part in out.splitlines() if part.startswith("no patch: undeclared-")] == [
        "name the recording with `--traffic`",
    ]
    code, out, _ = said(capsys, "--traffic", "ndjson:traffic.ndjson")
    assert (code, out.splitlines()[-1].split(",")[0]) == (0, "3 of 3 findings have a proven patch")


def test_one_edit_of_a_component_ends_the_finding_of_each_operation(capsys: Out) -> None:
    listed = DOCUMENT.replace(
        "paths:\n",
        """\
paths:
  /tasks:
    get:
      operationId: listTasks
      responses:
        '200':
          description: All.
          content:
            application/json:
              schema: {type: array, items: {$ref: '#/components/schemas/Task'}}
""",
    )
    Path("api.yaml").write_text(listed)
    observed(
        capsys,
        line("GET", "/tasks/1", 200, {**TASK, "due_at": None}),
        line("GET", "/tasks", 200, [{**TASK, "due_at": None}]),
    )
    assert len(fingerprints()) == 1
    code, out, _ = said(capsys)
    assert (code, out.splitlines()[-1].split(" · ")[0]) == (
        0,
        "2 of 2 findings have a proven patch, 1 patch of 2 lines",
    )
    assert "of GET /tasks, GET /tasks/{id}: gone, and nothing new" in out


THREE = """\
openapi: 3.1.0
info: {title: Three, version: '1'}
paths:
  /carts:
    get:
      operationId: carts
      responses:
        '200': {description: All., content: {application/json: {schema: {type: array}}}}
  /orders:
    get:
      operationId: orders
      responses:
        '200': {description: All., content: {application/json: {schema: {type: array}}}}
  /refunds:
    get:
      operationId: refunds
      responses:
        '200': {description: All., content: {application/json: {schema: {type: array}}}}
"""


def test_each_operation_of_a_folded_finding_has_its_own_patch_by_its_own_example(capsys: Out) -> None:
    Path("api.yaml").write_text(THREE)
    lines = [line("GET", f"/{name}", 409, {"error": "no"}) for name in ("carts", "orders", "refunds")]
    observed(capsys, *lines)
    assert len(fingerprints()) == 1
    Path("traffic.ndjson").unlink()
    code, out, _ = said(capsys, "--apply")
    assert (code, out.splitlines()[-1].split(" · ")[0]) == (
        0,
        "3 of 3 findings have a proven patch, 3 patches of 24 lines",
    )
    observed(capsys, *lines)
    assert fingerprints() == []


def test_a_report_from_before_operations_had_examples_says_what_it_lacks(capsys: Out) -> None:
    Path("api.yaml").write_text(THREE)
    observed(capsys, *(line("GET", f"/{name}", 409, {"error": "no"}) for name in ("carts", "orders", "refunds")))
    kept = Path(".contract/report.json")
    report = json.loads(kept.read_text())
    for member in report["findings"][0]["operations"]:
        del member["example"]
    kept.write_text(json.dumps(report))
    code, out, _ = said(capsys)
    assert (code, out.splitlines()[-2:]) == (
        1,
        [
            f"no patch: undeclared-status {fingerprints()[0][:7]} (GET /orders, GET /refunds): the report has exchanges "
            "of other operations only: name the recording with `--traffic`",
            "1 of 3 findings has a proven patch, 1 patch of 8 lines · nothing is written without --apply · exit 1",
        ],
    )


def test_a_response_without_a_schema_gets_one_from_the_evidence(capsys: Out) -> None:
    bare = DOCUMENT.replace("              schema:\n                $ref: '#/components/schemas/Task'\n", "", 1)
    Path("api.yaml").write_text(
        bare.replace("            application/json:\n", "            application/json: {}\n", 1)
    )
    recording = line("GET", "/tasks/1", 200, TASK)
    Path("traffic.ndjson").write_text(recording + "\n")
    flags = ["--document", "api.yaml", "--traffic", "ndjson:traffic.ndjson", "--no-fuzz", "--no-types"]
    cli.main(["check", *flags, "-q", "--floor", "0"])
    capsys.readouterr()
    code, out, _ = said(capsys)
    assert (code, "no exchange shows a body of it" in out) == (1, True)
    code, out, _ = said(capsys, "--traffic", "ndjson:traffic.ndjson", "--apply")
    assert (code, out.splitlines()[0].split(": ", 1)[1]) == (0, "give the 200 of GET /tasks/{id} a schema")
    assert "\n  proved on 1 exchange of GET /tasks/{id}: gone, and nothing new\n" in out
    assert changes(out)[1:] == [
        "+            application/json: {schema: {type: object, properties: {id: {type: integer}, state: {type: string}}}}"
    ]
    assert cli.main(["check", *flags, "-q", "--floor", "0"]) == 0
    assert fingerprints() == []


SWAGGER = """\
swagger: '2.0'
info: {title: Tasks, version: '1'}
basePath: /v1
produces: [application/json]
paths:
  /tasks:
    get:
      operationId: listTasks
      produces: [text/plain]
      responses:
        200:
          description: All.
  /notes:
    get:
      operationId: listNotes
      responses:
        200:
          description: All.
          schema:
            type: string
        404:
          description: None.
  /lists:
    get:
      operationId: listLists
      responses:
        200:
          description: All.
          schema:
            type: string
        400:
          description: Wrong.
          schema:
            type: string
"""


def test_a_media_type_in_swagger_2_0_is_declared_where_no_other_answer_is_let_off(capsys: Out) -> None:
    Path("api.yaml").write_text(SWAGGER)
    lines = [line("GET", f"/v1/{name}", 200, "<p>fine", "text/html") for name in ("tasks", "notes", "lists")]
    observed(capsys, *lines)
    code, out, _ = said(capsys, "--apply")
    assert (code, changes(subprocess_diff(SWAGGER, Path("api.yaml").read_text()))) == (
        1,
        [
            "-      produces: [text/plain]",
            "+      produces: [text/plain, text/html]",
            "+      produces: [application/json, text/html]",
        ],
    )
    assert [part.partition(": in ")[2] for part in out.splitlines() if part.startswith("no patch")] == [
        "Swagger 2.0 `produces` speaks of all answers of the operation, and `text/html` would be let through for its "
        "400 too"
    ]


def test_statuses_of_another_media_type_in_swagger_2_0(capsys: Out) -> None:
    Path("api.yaml").write_text(SWAGGER)
    html = [line("GET", "/v1/tasks", status, "<p>no", "text/html") for status in (200, 404, 409)]
    observed(capsys, *html, line("GET", "/v1/lists", 409, "<p>no", "text/html"))
    code, out, _ = said(capsys, "--apply")
    # Each status needs the media type, and the list gets it once.
    assert changes(subprocess_diff(SWAGGER, Path("api.yaml").read_text())) == [
        "-      produces: [text/plain]",
        "+      produces: [text/plain, text/html]",
        "+        404:",
        "+          description: Not Found",
        "+          schema:",
        "+            type: string",
        "+        409:",
        "+          description: Conflict",
        "+          schema:",
        "+            type: string",
    ]
    assert (code, out.splitlines()[-1].split(" · ")[0].split(",")[0]) == (1, "3 of 4 findings have a proven patch")
    observed(capsys, *html)
    assert fingerprints() == []
    # What was seen to keep what is declared is not let off.
    Path("api.yaml").write_text(SWAGGER)
    observed(
        capsys, line("GET", "/v1/tasks", 404, "<p>no", "text/html"), line("GET", "/v1/tasks", 200, "fine", "text/plain")
    )
    code, out, _ = said(capsys)
    assert (code, "`text/html` would be let through for its 200 too" in out) == (1, True)


def test_an_operation_in_swagger_2_0(capsys: Out) -> None:
    Path("api.yaml").write_text(SWAGGER)
    sent = {"request_headers": {"Content-Type": JSON}, "request_body": json.dumps({"title": "T", "due_at": None})}
    form = {
        "request_headers": {"Content-Type": "application/x-www-form-urlencoded"},
        "request_body": "name=Jo&size=3",
    }
    lines = [
        *(line("GET", f"/v1/users/{number}/keys?tag=a&tag=b", 200, [{"key": None}]) for number in (11, 12, 13)),
        line("POST", "/v1/tasks", 201, {"id": 1}, **sent),
        line("POST", "/v1/notes", 204, **form),
    ]
    observed(capsys, *lines)
    code, _, _ = said(capsys, "--traffic", "ndjson:traffic.ndjson", "--apply")
    assert (code, changes(subprocess_diff(SWAGGER, Path("api.yaml").read_text()))) == (
        0,
        [
            "+    post:",
            "+      operationId: createTask",
            "+      consumes: [application/json]",
            "+      produces: [application/json]",
            "+      parameters:",
            "+        - name: body",
            "+          in: body",
            "+          required: true",
            "+          schema:",
            "+            type: object",
            "+            properties:",
            "+              due_at: {}",
            "+              title:",
            "+                type: string",
            "+      responses:",
            "+        '201':",
            "+          description: Created",
            "+          schema:",
            "+            type: object",
            "+            properties:",
            "+              id:",
            "+                type: integer",
            "+    post:",
            "+      operationId: createNote",
            "+      consumes: [application/x-www-form-urlencoded]",
            "+      parameters:",
            "+        - name: name",
            "+          in: formData",
            "+          type: string",
            "+        - name: size",
            "+          in: formData",
            "+          type: integer",
            "+      responses:",
            "+        '204':",
            "+          description: No Content",
            "+  /users/{id}/keys:",
            "+    get:",
            "+      operationId: listUserKeys",
            "+      produces: [application/json]",
            "+      parameters:",
            "+        - name: id",
            "+          in: path",
            "+          required: true",
            "+          type: integer",
            "+        - name: tag",
            "+          in: query",
            "+          type: array",
            "+          items:",
            "+            type: string",
            "+          collectionFormat: multi",
            "+      responses:",
            "+        '200':",
            "+          description: OK",
            "+          schema:",
            "+            type: array",
            "+            items:",
            "+              type: object",
            "+              properties:",
            "+                key: {}",
        ],
    )
    observed(capsys, *lines)
    assert fingerprints() == []


def test_null_of_a_shared_schema_in_openapi_3_0_is_said_where_it_was_null(capsys: Out) -> None:
    old = DOCUMENT.replace("3.1.0", "3.0.3").replace(
        "          type: string\n        state:",
        "          $ref: '#/components/schemas/Moment'\n        made_at:\n          $ref: '#/components/schemas/Moment'\n        state:",
    )
    Path("api.yaml").write_text(old + "    Moment:\n      type: string\n")
    lines = [
        line("GET", "/tasks/1", 200, {**TASK, "due_at": None}),
        line("GET", "/tasks/2", 200, {**TASK, "due_at": "now"}),
    ]
    observed(capsys, *lines)
    before = Path("api.yaml").read_text()
    assert said(capsys, "--apply")[0] == 0
    assert changes(subprocess_diff(before, Path("api.yaml").read_text())) == [
        "-          $ref: '#/components/schemas/Moment'",
        "+          anyOf:",
        "+            - $ref: '#/components/schemas/Moment'",
        "+            - type: object",
        "+              nullable: true",
        "+              enum: [null]",
    ]
    observed(capsys, *lines)
    assert fingerprints() == []
    # Null is let through there, and nothing else that was refused.
    observed(
        capsys,
        line("GET", "/tasks/1", 200, {**TASK, "due_at": {}}),
        line("GET", "/tasks/1", 200, {**TASK, "made_at": None}),
    )
    assert len(fingerprints()) == 2


def test_what_shows_a_secret_s_value_leaves_none_in_the_document(capsys: Out) -> None:
    observed(
        capsys,
        line("GET", "/tasks/1", 200, {**TASK, "owner": {"email": "jo@example.org", "full_name": "Jo Doe"}}),
        line("DELETE", "/tasks/1", 409, {"title": "T", "detail": "jo@example.org holds 4111 1111 1111 1111"}, PROBLEM),
    )
    code, out, _ = said(capsys, "--traffic", "ndjson:traffic.ndjson")
    assert code == 0
    assert [word for word in ("jo@", "Jo Doe", "4111") if word in out] == []


def test_an_unreadable_or_missing_report_is_an_error(capsys: Out) -> None:
    code, _, err = said(capsys)
    assert (code, err.splitlines()[0]) == (2, "error: .contract/report.json: no such report")
    Path("report.json").write_text("{}")
    assert said(capsys, "--report", "report.json")[0] == 2
    observed(capsys, CONFLICT)
    assert said(capsys, "abcdef")[0] == 2


def test_nothing_to_fix(capsys: Out) -> None:
    observed(capsys, line("GET", "/tasks/1", 200, TASK))
    assert said(capsys) == (0, "nothing to fix: no finding is open\n", "")


def test_a_generated_document_is_not_changed(capsys: Out) -> None:
    Path("api.yaml").write_text("# Generated by swagger-php, do not edit.\n" + DOCUMENT)
    observed(capsys, CONFLICT)
    code, out, _ = said(capsys, "--apply")
    assert code == 1
    assert "the file is generated (`Generated by swagger-php, do not edit.`), and the next run would undo it" in out


def test_what_is_fetched_is_not_changed(capsys: Out, tmp_path: Path) -> None:
    head, _, tail = DOCUMENT.partition("    Task:\n")
    task, _, rest = tail.partition("    Problem:\n")
    served = tmp_path / "served"
    served.mkdir()
    (served / "task.yaml").write_text("".join(text[6:] for text in task.splitlines(keepends=True)))
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(served)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        origin = f"http://127.0.0.1:{server.server_address[1]}"
        Path("contract.toml").write_text(f'allow_refs = ["{origin}/"]\n')
        Path("api.yaml").write_text(head + f"    Task:\n      $ref: {origin}/task.yaml\n    Problem:\n" + rest)
        observed(capsys, line("GET", "/tasks/1", 200, {**TASK, "due_at": None}))
        code, out, _ = said(capsys)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert code == 1
    assert f"{origin}/task.yaml is fetched, and no file of this project: change it where it is made" in out


def test_a_file_that_changes_while_its_patches_are_proved_is_left_alone(capsys: Out) -> None:
    observed(capsys, CONFLICT)
    report = reported.read(Path(".contract/report.json"))
    workshop = fix.Workshop(report, settings.load({}, {}, Path.cwd()))
    patches = workshop.fixes(fix.chosen(report, [])).patches
    Path("api.yaml").write_text(DOCUMENT + "# an editor was faster\n")
    with pytest.raises(ConfigError) as error:
        workshop.write(patches)
    assert error.value.message == "api.yaml was changed while its patches were proved"
    assert Path("api.yaml").read_text() == DOCUMENT + "# an editor was faster\n"


def test_interactive_needs_a_terminal(capsys: Out) -> None:
    observed(capsys, CONFLICT)
    assert said(capsys, "--interactive")[::2] == (
        2,
        "error: --interactive needs a terminal\n  hint: use `--apply`, with the fingerprints that are meant\n",
    )


def talked(*answers: str) -> str:
    """What `contract fix --interactive` says on a terminal where this is typed."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "contract", "fix", "--interactive"],
        stdin=follower,
        stdout=follower,
        stderr=follower,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    os.close(follower)
    heard = b""
    left = list(answers)
    while True:
        if not select.select([leader], [], [], 60)[0]:
            process.kill()
            break
        try:
            part = os.read(leader, 65536)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        heard += part
        if heard.endswith(b"[y,n,d,q] ") and left:
            os.write(leader, left.pop(0).encode() + b"\n")
    assert process.wait() in (0, 1)
    os.close(leader)
    return heard.decode().replace("\r\n", "\n")


def test_interactive_asks_about_each_and_writes_what_is_taken(capsys: Out) -> None:
    observed(capsys, CONFLICT, line("GET", "/tasks/1", 200, {**TASK, "due_at": None}))
    heard = talked("?", "d", "n", "y")
    assert "y: take it · n: leave it · d: what proves it · q: no more" in heard
    assert "  reaches:\n    GET /tasks/{id}" in heard or "  reaches:\n    DELETE /tasks/{id}" in heard
    assert heard.count("take it? [y,n,d,q]") == 4
    text = Path("api.yaml").read_text()
    assert ("'409'" in text) != ("'null'" in text)
    assert heard.splitlines()[-1].endswith("written to api.yaml · exit 0")


def test_interactive_stops_when_told(capsys: Out) -> None:
    observed(capsys, CONFLICT, line("GET", "/tasks/1", 200, {**TASK, "due_at": None}))
    heard = talked("q")
    assert heard.count("take it? [y,n,d,q]") == 1
    assert Path("api.yaml").read_text() == DOCUMENT
