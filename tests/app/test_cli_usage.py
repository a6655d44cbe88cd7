"""What a person is told who mistypes, asks for help, or meets a bug of ours."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from contract import __version__
from contract.app import cli
from contract.app.keys import KEYS

Out = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project to be in."""
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def said(capsys: Out, *words: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of one command."""
    code = cli.main(words)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_the_version_is_told(capsys: Out) -> None:
    assert said(capsys, "--version") == (0, f"contract {__version__}\n", "")


def test_without_a_command_the_commands_are_told(capsys: Out) -> None:
    code, out, err = said(capsys)
    assert (code, err) == (2, "")
    assert out == cli.top_help() + "\n"
    assert [line.split()[0] for line in out.partition("commands:\n")[2].split("\n\n")[0].splitlines()] == [
        "init",
        "doctor",
        "check",
        "lint",
        "generate",
        "explain",
        "replay",
        "fix",
        "observe",
        "merge",
        "record",
        "infer",
        "serve",
        "token",
        "push",
        "config",
        "completion",
    ]


@pytest.mark.parametrize(
    ("words", "err"),
    [
        (["chekc"], "error: unknown command `chekc`. Did you mean `check`?\n"),
        (
            ["xyzzy"],
            "error: unknown command `xyzzy`\n  hint: commands: init, doctor, check, lint, generate, explain, replay, fix, observe, merge, record, infer, serve, token, push, config, completion\n",
        ),
        (["check", "--max-tiem", "3s"], "error: unknown flag `--max-tiem`. Did you mean `--max-time`?\n"),
        (["check", "--max-tiem=3s"], "error: unknown flag `--max-tiem`. Did you mean `--max-time`?\n"),
        (["lint", "--max-time=3s"], "error: unknown flag `--max-time`\n  hint: contract lint --help\n"),
        (
            ["check", "api.yaml"],
            "error: `contract check` takes no `api.yaml`\n  hint: contract check --document api.yaml\n",
        ),
        (["check", "--seed"], "error: --seed: expected one argument\n  hint: contract check --help\n"),
        (["check", "--document", "a", "--format", "jsno"], "error: there is no format `jsno`. Did you mean `json`?\n"),
        (
            ["check", "--document", "a", "--format", "xyzzy"],
            "error: there is no format `xyzzy`\n  hint: choose from: comment, github, gitlab, html, json, junit, markdown, sarif, summary, text\n",
        ),
        (
            ["check", "--document", "a", "--level", "undeclared-statsu=note"],
            "error: flag --level: no rule is called `undeclared-statsu`. Did you mean `undeclared-status`?\n"
            "  hint: contract explain\n",
        ),
        (
            ["check"],
            "error: there is no document to check against\n"
            '  hint: say `--document specs/api.yaml`, or `document = "specs/api.yaml"` in contract.toml\n',
        ),
        (
            ["check", "--document", "a.yaml"],
            "error: there is nothing to hold the document against\n"
            "  hint: name a running API (`--target http://127.0.0.1:8000`), a route list "
            "(`--routes laravel:routes.json`) or recorded traffic (`--traffic har:capture.har`); `contract lint` "
            "looks at the document alone\n",
        ),
        (
            ["explain", "respnse-schema"],
            "error: there is no rule, figure or exit code `respnse-schema`. Did you mean `response-schema`?\n",
        ),
        (
            ["explain", "xyzzy"],
            "error: there is no rule, figure or exit code `xyzzy`\n  hint: `contract explain` lists them all\n",
        ),
        (["config", "shwo"], "error: `contract config` takes `show` or `schema`, not `shwo`\n"),
        (
            ["lint", "--format", "jsno", "a"],
            "error: lint has no format `jsno`. Did you mean `json`?\n  hint: text or json\n",
        ),
        (["replay"], "error: the following arguments are required: FINGERPRINT\n  hint: contract replay --help\n"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_usage_error_is_one_line_and_a_hint(capsys: Out, words: list[str], err: str) -> None:
    assert said(capsys, *words) == (2, "", err)


def test_a_document_that_lies_about_is_offered(capsys: Out, folder: Path) -> None:
    (folder / "docs").mkdir()
    (folder / "docs" / "openapi.yml").write_text("openapi: 3.1.0\n")
    code, _, err = said(capsys, "check")
    assert code == 2
    assert err.endswith(
        '  hint: say `--document docs/openapi.yml`, or `document = "docs/openapi.yml"` in contract.toml\n'
    )


def test_help_of_check_names_every_setting_and_every_exit_code(capsys: Out) -> None:
    with pytest.raises(SystemExit) as stopped:
        cli.main(["check", "--help"])
    out = capsys.readouterr().out
    assert stopped.value.code == 0
    assert [key.flag for key in KEYS if f"  {key.flag}" not in out] == []
    assert cli.EXIT_CODES in out
    assert max(map(len, out.splitlines())) <= 110


@pytest.mark.parametrize("command", [name for name in cli.COMMANDS if name != "check"])
def test_help_of_each_command_has_examples(capsys: Out, command: str) -> None:
    with pytest.raises(SystemExit):
        cli.main([command, "--help"])
    assert f"examples:\n  contract {command}" in capsys.readouterr().out


def test_the_examples_of_help_are_understood() -> None:
    for name in cli.COMMANDS:
        examples = cli.command(name).EXAMPLES
        for line in examples.splitlines():
            if line.startswith(f"  contract {name} "):
                import shlex

                words = shlex.split(line.partition("    ")[0] if name == "explain" else line)[2:]
                words = words[: words.index(">")] if ">" in words else words
                _, rest = cli.parser(name).parse_known_args(words)
                assert [word for word in rest if word.startswith("-")] == []


def test_explain_lists_every_rule_and_tells_one(capsys: Out) -> None:
    from contract.core import rule

    code, out, _ = said(capsys, "explain")
    assert code == 0
    assert [name for name in rule.pages() if f"\n  {name} " not in out] == []
    code, out, _ = said(capsys, "explain", "undeclared-status")
    assert code == 0
    assert out.startswith("undeclared-status · error · what was observed, against what is declared\n\n")
    assert "Why it matters:" in out
    assert "How to fix:" in out


def test_config_show_tells_each_value_and_its_origin(
    capsys: Out, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "contract.toml").write_text('document = "a.yaml"\n[fuzz]\nmax_time = "2m"\n')
    monkeypatch.setenv("CONTRACT_WORKERS", "3")
    code, out, err = said(capsys, "config", "show", "--seed", "7")
    rows = {line.split()[0]: line.split(maxsplit=2)[1:] for line in out.splitlines()}
    assert (code, err) == (0, "")
    assert rows["document"] == ["a.yaml", "contract.toml:1"]
    assert rows["fuzz.max_time"] == ["120s", "contract.toml:3"]
    assert rows["fuzz.workers"] == ["3", "environment CONTRACT_WORKERS"]
    assert rows["fuzz.seed"] == ["7", "flag --seed"]
    assert rows["floor"] == ["80%", "default"]


def test_a_bug_of_ours_is_called_one_and_shows_a_traceback_only_on_demand(folder: Path) -> None:
    # A report format of somebody else's, installed as a plug-in, that breaks when it renders.
    (folder / "broken_format.py").write_text("def render(report): raise RuntimeError('canary')\n")
    about = folder / "broken_format-1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: broken-format\nVersion: 1\n")
    (about / "entry_points.txt").write_text("[contract.reports]\nbroken = broken_format\n")
    (folder / "api.yaml").write_text("openapi: 3.1.0\ninfo: {title: t, version: '1'}\npaths: {}\n")
    (folder / "routes.txt").write_text("GET /a\n")
    command = [sys.executable, "-m", "contract", "check", "--document", "api.yaml", "--routes", "text:routes.txt"]
    command += ["--no-fuzz", "--no-types", "--format", "broken=out.txt"]
    environ = {"PYTHONPATH": f"{folder}:{Path(__file__).parents[2]}", "CI": "true"}
    done = subprocess.run(command, capture_output=True, text=True, env=environ, check=False)
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr == (
        "error: this is a bug of ours, not of your API: RuntimeError: canary\n"
        "  hint: the same command with --debug shows where; please report it\n"
    )
    assert not (folder / "out.txt").exists()
    done = subprocess.run([*command, "--debug"], capture_output=True, text=True, env=environ, check=False)
    assert "Traceback" in done.stderr


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    command = f"{sys.executable} -m contract check --help | head -n 1; {sys.executable} -m contract explain | head -n 1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(Path(__file__).parents[2]), "PATH": "/usr/bin:/bin"},
        check=False,
    )
    assert done.stderr == ""
