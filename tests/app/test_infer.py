"""`contract infer`: from recorded traffic to a document that the same traffic satisfies, by way of real files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from contract.app import cli

Out = pytest.CaptureFixture[str]

DOCUMENT = """\
openapi: 3.0.3
info: {title: Tasks, version: '1'}
servers: [{url: https://api.example.com/v1}]
paths:
  /tasks/{taskId}:
    parameters: [{name: taskId, in: path, required: true, schema: {type: integer}}]
    get:
      operationId: getTask
      responses: {'200': {description: It.}}
"""
FRAGMENT = """\
openapi: 3.0.3
info:
  title: Inferred from traffic
  version: '0'
  description: Inferred from 3 exchanges; what never showed is not in it.
servers:
- url: /v1
paths:
  /tasks/{taskId}:
    delete:
      operationId: deleteTask
      description: 'Seen in 1 exchange: 1 answered 204.'
      parameters:
      - name: taskId
        in: path
        required: true
        schema:
          type: integer
      responses:
        '204':
          description: No Content
  /tasks/{taskId}/notes:
    get:
      operationId: listTaskNotes
      description: 'Seen in 2 exchanges: 2 answered 200.'
      parameters:
      - name: taskId
        in: path
        required: true
        schema:
          type: integer
      - name: page
        in: query
        description: Sent in 1 of 2 requests.
        schema:
          type: integer
      responses:
        '200':
          description: OK
          content:
            application/json:
              schema:
                type: array
                items:
                  type: object
                  properties:
                    'on':
                      type: string
                      nullable: true
                      format: date
                    text:
                      type: string
                  required:
                  - 'on'
                  - text
"""


def line(url: str, method: str = "GET", status: int = 200, body: Any = None) -> str:
    one: dict[str, Any] = {"method": method, "url": f"https://api.example.com{url}", "status": status}
    if body is not None:
        one |= {"response_headers": {"Content-Type": "application/json"}, "response_body": json.dumps(body)}
    return json.dumps(one)


LINES = [
    line("/v1/tasks/17", body={"id": 17}),
    line("/v1/tasks/17", "DELETE", 204),
    line("/v1/tasks/17/notes", body=[{"text": "Wilhelmina called", "on": "2024-01-31"}]),
    line("/v1/tasks/18/notes?page=2", body=[{"text": "Wilhelmina called again", "on": None}]),
    line("/v1/wilhelmina", status=404),
    line("/favicon.ico"),
]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / ".git").mkdir()
    (tmp_path / "api.yaml").write_text(DOCUMENT)
    (tmp_path / "t.ndjson").write_text("\n".join(LINES) + "\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def said(capsys: Out, *words: str) -> tuple[int, str, str]:
    code = cli.main(["infer", *words])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_what_the_document_does_not_declare_is_written_as_yaml(capsys: Out) -> None:
    assert said(capsys, "--document", "api.yaml", "--traffic", "ndjson:t.ndjson") == (
        0,
        FRAGMENT,
        "2 operations on 2 paths inferred from 3 of 6 exchanges\n"
        "  left out: 1 declared already\n"
        "  left out: 1 outside of the document's paths\n"
        "  left out: 1 answered by no operation (404, 401, 5xx …)\n",
    )


def test_the_fragment_is_a_document_that_lint_and_check_take(capsys: Out, folder: Path) -> None:
    assert said(capsys, "--traffic", "ndjson:t.ndjson", "--out", "new.yaml")[:2] == (0, "")
    assert "ilhelmina" not in (folder / "new.yaml").read_text()
    assert cli.main(["lint", "--fail-on", "error", "new.yaml"]) == 0
    words = ["--document", "new.yaml", "--traffic", "ndjson:t.ndjson", "--no-fuzz", "--no-types", "--fail-on", "note"]
    capsys.readouterr()
    code = cli.main(["check", *words, "--format", "json"])
    report = json.loads(capsys.readouterr().out)
    assert [row["rule"] for row in report["findings"] if row["operation"] is not None] == []
    assert code in (0, 1)


def test_json_says_the_same(capsys: Out) -> None:
    code, out, _ = said(capsys, "--document", "api.yaml", "--traffic", "ndjson:t.ndjson", "--format", "json")
    assert (code, json.loads(out)) == (0, yaml.safe_load(FRAGMENT))


def test_where_all_is_declared_nothing_is_written(capsys: Out, folder: Path) -> None:
    (folder / "t.ndjson").write_text(LINES[0])
    assert said(capsys, "--document", "api.yaml", "--traffic", "ndjson:t.ndjson", "--out", "new.yaml") == (
        0,
        "",
        "nothing to infer from 1 exchange\n  left out: 1 declared already\n",
    )
    assert not (folder / "new.yaml").exists()


def test_traffic_of_other_hosts_is_told(capsys: Out, folder: Path) -> None:
    (folder / "t.ndjson").write_text("\n".join([LINES[1], LINES[1].replace("api.example", "other.example")]))
    err = said(capsys, "--document", "api.yaml", "--traffic", "ndjson:t.ndjson")[2]
    assert err == (
        "1 operation on 1 path inferred from 1 of 1 exchange\n"
        "note: t.ndjson: 1 to other hosts left out: other.example.com\n"
    )
    (folder / "t.ndjson").write_text(LINES[1].replace("api.example", "other.example"))
    err = said(capsys, "--document", "api.yaml", "--traffic", "ndjson:t.ndjson")[2]
    assert err == (
        "1 operation on 1 path inferred from 1 of 1 exchange\n"
        "note: t.ndjson: nothing went to a server of the document; all was read: other.example.com\n"
    )


def test_what_cannot_be_read_is_told_and_the_rest_is_used(capsys: Out, folder: Path) -> None:
    (folder / "t.ndjson").write_text("\n".join([LINES[1], "{", LINES[2]]))
    code, out, err = said(capsys, "--traffic", "ndjson:t.ndjson")
    assert code == 3
    assert list(yaml.safe_load(out)["paths"]) == ["/v1/tasks/{id}", "/v1/tasks/{id}/notes"]
    assert err.splitlines()[0] == "2 operations on 2 paths inferred from 2 of 2 exchanges"
    assert err.splitlines()[1].startswith("  lost: 1 × ")
    assert err.splitlines()[1].endswith(", first t.ndjson:2")


def test_without_any_exchange_there_is_no_answer(capsys: Out, folder: Path) -> None:
    (folder / "t.ndjson").write_text("")
    assert said(capsys, "--traffic", "ndjson:t.ndjson") == (3, "", "nothing to infer from 0 exchanges\n")


@pytest.mark.parametrize(
    ("words", "err"),
    [
        (
            [],
            "error: there is no traffic to infer from\n"
            "  hint: name a recording: `--traffic har:capture.har`, `--traffic ndjson:FILE`\n",
        ),
        (["--traffic", "ndjson:no.ndjson"], "error: no.ndjson: no such file\n"),
        (
            ["--traffic", "ndjson:/dev/null"],
            "error: /dev/null: is no file, and it is read twice\n  hint: save the recording to a file first\n",
        ),
        (["--traffic", "hra:t.har"], "error: --traffic knows no `hra`. Did you mean `har`?\n"),
        (["--format", "yml"], "error: infer has no format `yml`. Did you mean `yaml`?\n  hint: yaml or json\n"),
        (["--document", "no.yaml", "--traffic", "ndjson:t.ndjson"], "error: no.yaml: no such file\n"),
        (["t.ndjson"], "error: `contract infer` takes no `t.ndjson`\n  hint: contract infer --help\n"),
    ],
)
def test_what_can_be_put_right_is_said(capsys: Out, words: list[str], err: str) -> None:
    code, out, told = said(capsys, *words)
    assert code in (2, 3)
    assert (out, told) == ("", err)
