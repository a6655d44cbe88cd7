"""`contract lint`: one line per problem, several documents, and an exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from contract.app import cli

Out = pytest.CaptureFixture[str]

CLEAN = """\
openapi: 3.1.0
info: {title: Tasks, version: '1'}
paths:
  /tasks:
    get:
      operationId: listTasks
      responses:
        '200':
          description: All.
          content: {application/json: {schema: {type: array}}}
"""
EMPTY = """\
openapi: 3.0.3
info: {title: Tasks, version: '1'}
paths:
  /tasks:
    get:
      responses:
        default: {description: Anything.}
"""
PROBLEMS = """\
empty.yaml:5:5: warning: missing-operation-id: The operation has no `operationId`.
empty.yaml:7:9: warning: default-only-response: `default` is the only response: it covers every status, so none can drift.
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / ".git").mkdir()
    (tmp_path / "clean.yaml").write_text(CLEAN)
    (tmp_path / "empty.yaml").write_text(EMPTY)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def said(capsys: Out, *words: str) -> tuple[int, str, str]:
    code = cli.main(["lint", *words])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_a_clean_document_passes(capsys: Out) -> None:
    assert said(capsys, "clean.yaml") == (0, "Passed: nothing to say in 1 document\n", "")


def test_problems_below_the_gate_are_told_and_pass(capsys: Out) -> None:
    assert said(capsys, "clean.yaml", "empty.yaml") == (0, PROBLEMS + "Passed: 2 warnings in 2 documents\n", "")


def test_problems_at_the_gate_fail(capsys: Out) -> None:
    assert said(capsys, "--fail-on", "warning", "empty.yaml") == (
        1,
        PROBLEMS + "Failed: 2 warnings in 1 document\n",
        "",
    )


def test_levels_raise_and_switch_off(capsys: Out) -> None:
    words = ["--level", "missing-operation-id=error", "--level", "default-*=off", "empty.yaml"]
    assert said(capsys, *words) == (
        1,
        "empty.yaml:5:5: error: missing-operation-id: The operation has no `operationId`.\n"
        "Failed: 1 error in 1 document\n",
        "",
    )


def test_a_document_that_cannot_be_read_does_not_hide_the_others(capsys: Out, folder: Path) -> None:
    (folder / "broken.yaml").write_text("a: [\n")
    code, out, err = said(capsys, "broken.yaml", "empty.yaml", "nowhere.yaml")
    assert (code, out) == (2, PROBLEMS + "Failed: 2 warnings in 1 document, 2 documents cannot be read\n")
    assert [line.partition(": not valid")[0].partition(". Did")[0] for line in err.splitlines()] == [
        "error: broken.yaml:2:1",
        "error: nowhere.yaml: no such file",
    ]


def test_the_document_of_the_config_file_is_linted_where_none_is_named(capsys: Out, folder: Path) -> None:
    (folder / "contract.toml").write_text('document = "clean.yaml"\n')
    assert said(capsys) == (0, "Passed: nothing to say in 1 document\n", "")


def test_json_goes_to_standard_output_alone(capsys: Out) -> None:
    code, out, err = said(capsys, "--format", "json", "--fail-on", "warning", "empty.yaml")
    value = json.loads(out)
    assert (code, err) == (1, "Failed: 2 warnings in 1 document\n")
    assert (value["documents"], value["exit_code"], value["refused"]) == (1, 1, [])
    assert [(one["file"], one["line"], one["column"], one["level"], one["rule"]) for one in value["problems"]] == [
        ("empty.yaml", 5, 5, "warning", "missing-operation-id"),
        ("empty.yaml", 7, 9, "warning", "default-only-response"),
    ]
    assert value["problems"][0]["operation"] == "GET /tasks"
