"""Where reports go: to standard output or a file, whole or not at all, and known before the run starts."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from contract.app import cli, outputs
from contract.core.errors import ConfigError

Out = pytest.CaptureFixture[str]

DOCUMENT = """\
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
CHECK = ["check", "--document", "api.yaml", "--routes", "text:routes.txt", "--no-fuzz", "--no-types"]
FAILED = "Failed: 1 operation undocumented · report .contract/report.html · exit 1"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A document, and a route list with one route too many."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "api.yaml").write_text(DOCUMENT)
    (tmp_path / "routes.txt").write_text("GET /tasks\nPOST /tasks\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def said(capsys: Out, *words: str) -> tuple[int, str, str]:
    code = cli.main([*CHECK, *words])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_text_goes_to_standard_output_and_ends_with_the_verdict(capsys: Out) -> None:
    code, out, err = said(capsys)
    assert (code, err) == (1, "")
    assert out.splitlines()[0] == "contract 0.1.0 · api.yaml · OpenAPI 3.1.0 · 1 operation"
    assert out.splitlines()[-1] == FAILED
    assert "\x1b" not in out


def test_data_stays_alone_on_standard_output(capsys: Out) -> None:
    code, out, err = said(capsys, "--format", "json")
    assert code == 1
    assert json.loads(out)["findings"][0]["rule"] == "undeclared-operation"
    assert err.splitlines()[-1] == FAILED


def test_quiet_leaves_the_last_line(capsys: Out) -> None:
    assert said(capsys, "--quiet") == (1, FAILED + "\n", "")


def test_colour_comes_where_it_is_asked_for(capsys: Out, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[" in said(capsys)[1]
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" not in said(capsys)[1]


def test_reports_are_written_where_they_are_wanted_and_kept(capsys: Out, folder: Path) -> None:
    code, _, _ = said(capsys, "--format", "json=out/deep/report.json", "--format", "markdown=report.md")
    assert code == 1
    made = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    assert made == [
        ".contract/.gitignore",
        ".contract/report.html",
        ".contract/report.json",
        "api.yaml",
        "out/deep/report.json",
        "report.md",
        "routes.txt",
    ]
    assert json.loads((folder / "out/deep/report.json").read_text())["schema_version"] == 1


def test_a_path_that_cannot_be_written_is_found_before_the_run(capsys: Out, folder: Path) -> None:
    (folder / "file").write_text("")
    for path, why in (
        ("file/report.json", "not a directory"),
        (".", "is a folder; a report needs the path of a file"),
        ("/proc/report.json", "no such file or directory"),
    ):
        code, out, err = said(capsys, "--format", f"json={path}", "--format", "html=page.html")
        assert (code, out) == (2, "")
        assert err.startswith(f"error: {path}: ")
        assert why in err
    assert not (folder / "page.html").exists()
    assert not (folder / ".contract").exists()


def test_reports_need_not_be_kept_where_nobody_asked(capsys: Out, folder: Path) -> None:
    (folder / ".contract").write_text("in the way")
    code, out, err = said(capsys)
    assert code == 1
    assert out.splitlines()[-1] == "Failed: 1 operation undocumented · exit 1"
    assert err == (
        "note: .contract/report.json: cannot be written: not a directory; the report is not kept, so "
        "`contract replay` needs --report\n"
    )
    code, _, err = said(capsys, "--report-dir", ".contract")
    assert (code, err) == (2, "error: .contract/report.json: cannot be written: not a directory\n")


def test_a_file_is_replaced_in_one_step_and_keeps_its_rights(folder: Path) -> None:
    path = folder / "report.txt"
    outputs.write(path, "one")
    fresh = folder / "fresh"
    fresh.write_text("")
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(fresh.stat().st_mode)
    path.chmod(0o640)
    with path.open() as reader:
        outputs.write(path, "two")
        assert (reader.read(), path.read_text()) == ("one", "two")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert [one.name for one in folder.glob(".contract-*")] == []


def test_a_symbolic_link_stays_one(folder: Path) -> None:
    (folder / "real.txt").write_text("old")
    (folder / "link.txt").symlink_to("real.txt")
    outputs.write(folder / "link.txt", "new")
    assert (folder / "link.txt").is_symlink()
    assert (folder / "real.txt").read_text() == "new"


def test_a_device_is_written_in_place() -> None:
    outputs.probe([Path(os.devnull)])
    outputs.write(Path(os.devnull), "gone")
    assert not Path(os.devnull).is_file()


def test_a_failed_write_leaves_nothing_behind(folder: Path) -> None:
    (folder / "file").write_text("")
    with pytest.raises(ConfigError, match=r"file/report\.json: cannot be written: "):
        outputs.write(folder / "file" / "report.json", "text")
    assert [one.name for one in folder.glob(".contract-*")] == []


# --- the baseline ---


def test_accepted_findings_pass_and_new_ones_fail(capsys: Out, folder: Path) -> None:
    update = ["--baseline", "known.json", "--update-baseline", "--reason", "fixed with 2.4", "--quiet"]
    assert said(capsys, *update) == (
        0,
        "Accepted: 1 more finding, 1 in known.json · report .contract/report.html · exit 0\n",
        "",
    )
    entries = json.loads((folder / "known.json").read_text())["accepted"]
    assert [(one["rule"], one["operation"], one["reason"]) for one in entries] == [
        ("undeclared-operation", "POST /tasks", "fixed with 2.4")
    ]
    assert said(capsys, "--baseline", "known.json", "--quiet")[0] == 0
    (folder / "routes.txt").write_text("GET /tasks\nPOST /tasks\nPUT /tasks\n")
    code, out, _ = said(capsys, "--baseline", "known.json", "--format", "json")
    states = {one["operation"]["method"]: (one["state"], one["reason"]) for one in json.loads(out)["findings"]}
    assert code == 1
    assert states == {"POST": ("accepted", "fixed with 2.4"), "PUT": ("new", None)}


def test_an_acceptance_that_has_ended_fails_again(capsys: Out) -> None:
    update = ["--baseline", "known.json", "--update-baseline", "--reason", "r", "--until", "2020-01-01", "--quiet"]
    assert said(capsys, *update)[0] == 0
    assert said(capsys, "--baseline", "known.json", "--quiet")[0] == 1


def test_what_was_accepted_stays_when_more_is(capsys: Out, folder: Path) -> None:
    update = ["--baseline", "known.json", "--update-baseline", "--quiet", "--reason"]
    said(capsys, *update, "first")
    (folder / "routes.txt").write_text("GET /tasks\nPUT /tasks\n")
    assert said(capsys, *update, "second")[1].startswith("Accepted: 1 more finding, 2 in known.json")
    entries = json.loads((folder / "known.json").read_text())["accepted"]
    assert [(one["operation"], one["reason"]) for one in entries] == [
        ("POST /tasks", "first"),
        ("PUT /tasks", "second"),
    ]


@pytest.mark.parametrize(
    ("text", "said_of_it"),
    [
        ("{", "known.json:1:2: not JSON: expecting property name enclosed in double quotes"),
        ("[]", "known.json: not a baseline: it needs `accepted`, a list"),
        ('{"schema_version": 2, "accepted": []}', "known.json: `schema_version` must be 1, not 2"),
        ('{"schema_version": 1, "accepted": [{"reason": "r"}]}', "known.json: entry 1: `fingerprint` is missing"),
        (
            '{"schema_version": 1, "accepted": [{"fingerprint": "f", "reason": " "}]}',
            "known.json: entry 1: `reason` is missing\n  hint: say why the finding is accepted",
        ),
        (
            '{"schema_version": 1, "accepted": [{"fingerprint": "f", "reason": "r", "until": "soon"}]}',
            "known.json: entry 1: `until` must be a date such as 2027-03-31, not `soon`",
        ),
        (
            '{"schema_version": 1, "accepted": [{"fingerprint": "f", "resaon": "r"}]}',
            "known.json: entry 1: unknown key `resaon`\n"
            "  hint: known: fingerprint, rule, operation, message, reason, since, until",
        ),
    ],
)
def test_a_baseline_that_is_wrong_is_refused(capsys: Out, folder: Path, text: str, said_of_it: str) -> None:
    (folder / "known.json").write_text(text)
    assert said(capsys, "--baseline", "known.json") == (2, "", f"error: {said_of_it}\n")


def test_a_baseline_that_is_not_there_is_offered(capsys: Out) -> None:
    assert said(capsys, "--baseline", "known.json") == (
        2,
        "",
        "error: known.json: no such file\n"
        "  hint: make it: `contract check --baseline known.json --update-baseline --reason '…'`\n",
    )
