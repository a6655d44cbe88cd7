"""Every command line that we ship or write for others is one that the command line understands; none is run here."""

from __future__ import annotations

import importlib.util
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from contract.app import cli, plugins
from contract.app.init import texts
from contract.app.init.applications import Application
from contract.app.init.packages import Manager
from contract.core.errors import ConfigError

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted(str(path.relative_to(ROOT)) for path in (ROOT / ".github/workflows").glob("*.y*ml"))
HOOKS = (".pre-commit-hooks.yaml", ".pre-commit-config.yaml")


_OPERATORS = "();<>|&\n"


def typed(script: str) -> list[list[str]]:
    """The words after `contract` of each command of a script that runs it, the shell's own operators left out."""
    lexer = shlex.shlex(
        re.sub(r"(?m)^\s*#.*$", "", script).replace("\\\n", " "), posix=True, punctuation_chars=_OPERATORS
    )
    lexer.whitespace, lexer.whitespace_split, lexer.commenters = " \t\r", True, ""
    found: list[list[str]] = [[]]
    for word in lexer:
        if word and not word.strip(_OPERATORS):
            found.append([])
        else:
            found[-1].append(word)
    return [words for command in found for words in _ours(command)]


def _ours(command: list[str]) -> Iterator[list[str]]:
    """After `contract`, `uv run contract`, `.venv/bin/contract` or `python -m contract`; a package of that name is none."""
    for index, word in enumerate(command):
        runs = word == "contract" or word.endswith("/contract")
        before = command[index - 1] if index else ""
        if runs and (index == 0 or before in ("-m", "run", "--no-sync", "exec")):
            yield command[index + 1 :]
            return


def understood(words: list[str]) -> None:
    """Raises where the parser or a format's name would stop the command. `"$@"` stands for what others say."""
    name, *rest = words
    assert name in cli.COMMANDS, words
    space, unknown = cli.parser(name).parse_known_args([word for word in rest if word != "$@"])
    assert unknown == [], words
    for item in getattr(space, "formats", None) or []:
        plugins.plug_in("reports", item.partition("=")[0], "--format")


def scripts(node: Any) -> Iterator[str]:
    """What a workflow, an action or a job of GitLab gives to a shell."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "run" and isinstance(value, str):
                yield value
            elif key in ("script", "before_script", "after_script"):
                yield from value
            else:
                yield from scripts(value)
    elif isinstance(node, list):
        for value in node:
            yield from scripts(value)


def entries(text: str) -> Iterator[str]:
    """What hooks run."""
    value = yaml.safe_load(text)
    repos = value["repos"] if isinstance(value, dict) else [{"hooks": value}]
    for repo in repos:
        yield from (hook["entry"] for hook in repo["hooks"])


def commands(text: str) -> list[list[str]]:
    return [words for script in scripts(yaml.safe_load(text)) for words in typed(script)]


def test_a_command_is_found_wherever_a_script_has_it() -> None:
    script = """\
python3 -m pip install 'contract-drift[fuzz]' contract
token=$(openssl rand -hex 16)
uv run --no-sync contract check --format text \\
  --fail-on=warning && code=0 || code=$?
# contract check --in-a-comment
IFS='
'
python -P -m contract lint "$@" > said.txt; .venv/bin/contract explain 'a b'
"""
    assert typed(script) == [
        ["check", "--format", "text", "--fail-on=warning"],
        ["lint", "$@"],
        ["explain", "a b"],
    ]


@pytest.mark.parametrize(
    "words", [["check", "--no-such-flag"], ["check", "--format", "texxt"], ["chekc"]], ids=" ".join
)
def test_a_command_that_is_wrong_would_be_seen(words: list[str]) -> None:
    with pytest.raises((AssertionError, ConfigError)):
        understood(words)


@pytest.mark.parametrize("file", [*WORKFLOWS, "ci/gitlab.yml"])
def test_the_commands_of_our_jobs_are_understood(file: str) -> None:
    found = commands((ROOT / file).read_text("utf-8"))
    assert found, "a job that runs contract is to be seen doing so"
    for words in found:
        understood(words)


@pytest.mark.parametrize("file", HOOKS)
def test_the_commands_of_our_hooks_are_understood(file: str) -> None:
    found = [words for entry in entries((ROOT / file).read_text("utf-8")) for words in typed(entry)]
    assert found
    for words in found:
        understood(words)


def test_the_flags_of_the_action_are_understood_whichever_inputs_are_given(tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("action_steps", ROOT / "ci/github.py")
    assert spec is not None and spec.loader is not None
    steps = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(steps)
    action = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
    (step,) = [step for step in action["runs"]["steps"] if step.get("id") == "check"]
    given = {name for name in step["env"] if name.startswith("INPUT_")}
    assert given == {*steps.FLAGS, "INPUT_BASE_REPORT", "INPUT_ARGS"}, "each input reaches the command"
    base = tmp_path / "base report.json"
    base.write_text("{}")
    said = dict.fromkeys(given, "--help") | {
        "INPUT_FAIL_ON": "warning",
        "INPUT_BASE_REPORT": str(base),
        "INPUT_ARGS": "--no-fuzz\n--exclude=GET /up :: a probe",
    }
    words = ["check", *steps.arguments(said, tmp_path)]
    understood(words)
    flags = {word.partition("=")[0] for word in words[1:]}
    assert flags == {*steps.FLAGS.values(), "--base-report", "--no-fuzz", "--exclude", "--format"}
    understood(["check", *steps.arguments({}, tmp_path)])


APPLICATIONS = (
    None,
    Application("FastAPI", "python", "app.py", "asgi:app:app", "asgi:app:app"),
    Application("Express", "node", "app.js", "express:app.js"),
    Application("Laravel", "php", "artisan", "laravel:."),
)
MANAGERS = (
    None,
    Manager("pip", "requirements.txt", ("python -m pip install -r requirements.txt {contract}",)),
    Manager("uv", "uv.lock", ("uv sync", "uv pip install {contract}"), "uv run --no-sync "),
    Manager("poetry", "poetry.lock", ("poetry install", "poetry run pip install {contract}"), "poetry run "),
    Manager("pipenv", "Pipfile", ("pipenv install", "pipenv run pip install {contract}"), "pipenv run "),
)


@pytest.mark.parametrize("below", ["", "services/a shop"])
@pytest.mark.parametrize("manager", MANAGERS, ids=lambda one: one.name if one else "none")
@pytest.mark.parametrize("app", APPLICATIONS, ids=lambda one: one.framework if one else "none")
def test_the_commands_of_what_init_writes_are_understood(
    app: Application | None, manager: Manager | None, below: str
) -> None:
    jobs = {
        "github": commands(texts.github(app, manager, "main", below)),
        "gitlab": commands(texts.gitlab(app, manager, None, below)),
    }
    for words in (words for found in jobs.values() for words in found):
        understood(words)
    assert {name: [words[0] for words in found] for name, found in jobs.items()} == {
        "github": ["check"],
        "gitlab": ["check"],
    }
    hooks = [
        words
        for entry in entries(texts.hooks_file(texts.hook("api.yaml", below.replace(" ", "-"), app, manager)))
        for words in typed(entry)
    ]
    assert [words[0] for words in hooks] == (["lint", "check"] if app is not None and not below else ["lint"])
    for words in hooks:
        understood(words)


def test_every_manager_that_init_knows_is_among_them() -> None:
    source = (ROOT / "contract/app/init/packages.py").read_text("utf-8")
    assert set(re.findall(r'Manager\("\w+", file, lines, "([^"]+)"\)', source)) == {
        one.run for one in MANAGERS if one and one.run
    }
