"""`--base-report` from the command line: what was there before does not fail, and a wrong file is said to be wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from contract.app import cli

DOCUMENT = {
    "openapi": "3.1.0",
    "info": {"title": "Shop", "version": "1"},
    "paths": {
        path: {"get": {"operationId": name, "responses": {"200": {"description": "It is here."}}}}
        for path, name in (("/orders", "listOrders"), ("/orders/{id}", "getOrder"))
    },
}
DOCUMENT["paths"]["/orders/{id}"]["parameters"] = [  # type: ignore[index]
    {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
]


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("GITHUB_SHA", "CI_COMMIT_SHA", "CONTRACT_BASE_REPORT"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "api.json").write_text(json.dumps(DOCUMENT))
    return tmp_path


def check(routes: str, *words: str) -> int:
    Path("routes.txt").write_text(routes)
    fixed = (
        "--document",
        "api.json",
        "--routes",
        "text:routes.txt",
        "--no-types",
        "--level",
        "default-only-response=off",
    )
    return cli.main(["check", *fixed, "--quiet", *words])


BOTH = "GET /orders\nGET /orders/{id}\n"


def read(path: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path(path).read_text())
    return found


def test_only_what_the_base_had_not_fails(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    known = BOTH + "DELETE /orders\n"
    assert check(known, "--format", "json=base.json") == 1
    assert check(known, "--base-report", "base.json") == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("Passed: 2 of 3 implemented operations documented, ")
    words = ("--base-report", "base.json", "--format", "json=now.json", "--format", "comment=now.md")
    assert (
        check(known + "PUT /orders\n", *words, "--format", "sarif=now.sarif", "--format", "gitlab=now.gitlab.json") == 1
    )
    found = [
        (row["state"], row["operation"]["method"])
        for row in read("now.json")["findings"]
        if row["rule"] == "undeclared-operation"
    ]
    assert found == [("new", "PUT"), ("unchanged", "DELETE")]
    assert "| Completeness | **50.0 %** | 66.7 % | \u221216.7 points |" in Path("now.md").read_text()
    assert len(read("now.sarif")["runs"][0]["results"]) == len(read("now.gitlab.json"))
    assert check(BOTH, *words) == 0
    assert [row["proof"] for row in read("now.json")["findings"] if row["rule"] == "undeclared-operation"] == [
        "structural"
    ]
    assert "1 finding of the base report is gone." in Path("now.md").read_text()


def test_the_environment_and_the_file_can_name_it(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = BOTH + "DELETE /orders\n"
    assert check(known, "--format", "json=base.json") == 1
    monkeypatch.setenv("CONTRACT_BASE_REPORT", "base.json")
    assert check(known) == 0
    monkeypatch.delenv("CONTRACT_BASE_REPORT")
    (shop / "contract.toml").write_text('base_report = "base.json"\n')
    assert check(known) == 0


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> list[str]:
    capsys.readouterr()
    assert check(BOTH, *words) == 2
    return capsys.readouterr().err.splitlines()


def test_a_file_that_is_no_report_is_said_to_be_none(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(BOTH, "--format", "json=base.json") == 0
    whole = (shop / "base.json").read_text()
    (shop / "half.json").write_text(whole[: len(whole) // 2])
    (shop / "other.json").write_text('{"runs": []}')
    (shop / "later.json").write_text(whole.replace('"schema_version": 1', '"schema_version": 9', 1))
    (shop / "folder.json").mkdir()
    assert refused(capsys, "--base-report", "none.json") == [
        "error: none.json: no such file; `--base-report` names the JSON report of the base branch",
        "  hint: make it there with `--format json=none.json`; where there is none yet, leave the flag out",
    ]
    firsts = [refused(capsys, "--base-report", f"{name}.json")[0] for name in ("half", "other", "later", "folder")]
    assert [first.partition(" at line")[0].partition(": line")[0] for first in firsts][1:] == [
        "error: other.json: this JSON is not a report of contract: it has no `schema_version`",
        "error: later.json: the report has schema version 9; this release reads version 1",
        "error: folder.json: cannot be read: is a directory",
    ]
    assert firsts[0].startswith("error: half.json: the report is not JSON: ")


def test_a_report_of_another_project_is_refused(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(BOTH, "--format", "json=base.json") == 0
    other = read("base.json")
    for row in other["operations"]:
        row["path"] = "/pets" + row["path"]
        row["key"] = f"{row['method']} {row['path']}"
    (shop / "same-name.json").write_text(json.dumps(other))
    other["document"]["path"] = "pets.json"
    (shop / "pets.json").write_text(json.dumps(other))
    first, second = refused(capsys, "--base-report", "pets.json")
    assert first == (
        "error: pets.json: a report of another project: it is about pets.json, and none of its 2 operations is in api.json"
    )
    assert second.startswith("  hint: name the report that `contract check` wrote for this document")
    assert check(BOTH + "DELETE /orders\n", "--base-report", "same-name.json", "--format", "json=now.json") == 1
    now = read("now.json")
    assert now["earlier"] is None
    assert now["run"]["notes"] == [
        "same-name.json: has no operation in common with api.json, so all that is found counts as new"
    ]


def test_a_base_that_proves_little_is_said_to(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(BOTH, "--format", "json=base.json") == 0
    weak = read("base.json")
    weak["outcome"] |= {"exit_code": 3, "sentence": "No verdict: fuzz failed to measure"}
    (shop / "weak.json").write_text(json.dumps(weak))
    assert check(BOTH, "--base-report", "weak.json", "--format", "json=now.json") == 0
    assert read("now.json")["run"]["notes"] == [
        "weak.json: proves little (No verdict: fuzz failed to measure): what it did not look at counts as new here"
    ]


def test_lint_takes_no_base_report(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["lint", "api.json", "--base-report", "base.json"]) == 2
    assert capsys.readouterr().err.startswith("error: unknown flag `--base-report`")
