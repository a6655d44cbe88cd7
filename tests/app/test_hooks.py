"""The hook for others, our own hooks, and the CI workflow: valid, and doing what they say."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]


def read(name: str) -> Any:
    return yaml.safe_load((ROOT / name).read_text("utf-8"))


@pytest.mark.parametrize(
    ("command", "file"),
    [("validate-manifest", ".pre-commit-hooks.yaml"), ("validate-config", ".pre-commit-config.yaml")],
)
def test_pre_commit_accepts_the_file(command: str, file: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pre_commit", command, file], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_the_hook_meets_documents_by_their_usual_names() -> None:
    [hook] = [each for each in read(".pre-commit-hooks.yaml") if each["id"] == "contract-lint"]
    assert (hook["id"], hook["entry"], hook["language"]) == ("contract-lint", "contract lint", "python")
    assert hook["stages"] == ["pre-commit", "pre-push", "manual"]
    assert "additional_dependencies" not in hook
    names = ["openapi.yaml", "api/openapi.v2.json", "docs/swagger.yml", "src/openapi/handler.yaml", "myopenapi.yaml"]
    assert [name for name in names if re.search(hook["files"], name)] == names[:3]


@pytest.mark.slow
def test_the_hook_runs_in_a_repository_and_stops_a_bad_document(tmp_path: Path) -> None:
    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)

    run("git", "init", "-q")
    (tmp_path / "openapi.yaml").write_text("openapi: 3.1.0\ninfo: {title: t}\npaths: {}\n")
    (tmp_path / "other.yaml").write_text("a: 1\n")
    run("git", "add", ".")
    [hook] = [each for each in read(".pre-commit-hooks.yaml") if each["id"] == "contract-lint"]
    # As `language: python` would do it, without the installation: the command of this environment.
    hook |= {"language": "system", "entry": f"{sys.executable} -m contract lint"}
    (tmp_path / ".pre-commit-config.yaml").write_text(yaml.safe_dump({"repos": [{"repo": "local", "hooks": [hook]}]}))
    done = run(sys.executable, "-m", "pre_commit", "run", "--all-files", "--color=never")
    assert done.returncode == 1
    assert re.search(r"^openapi\.yaml:2:\d+: error: invalid-document: ", done.stdout, re.MULTILINE)
    assert "other.yaml" not in done.stdout


def test_the_generated_hook_is_one_that_we_understand_and_runs_at_each_commit() -> None:
    import shlex

    from contract.app import cli

    [hook] = [each for each in read(".pre-commit-hooks.yaml") if each["id"] == "contract-generated"]
    words = shlex.split(hook["entry"])
    assert words[:2] == ["contract", "generate"]
    assert cli.parser("generate").parse_known_args(words[2:])[1] == []
    assert (hook["always_run"], hook["pass_filenames"], hook["language"]) == (True, False, "python")


def test_the_workflow_may_only_read_and_pins_what_it_uses() -> None:
    workflow = read(".github/workflows/contract.yml")
    assert workflow["permissions"] == {"contents": "read"}
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    uses = [step["uses"] for step in steps if "uses" in step]
    assert [one for one in uses if not re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", one)] == []
    [checkout] = [step for step in steps if step.get("uses", "").startswith("actions/checkout@")]
    assert checkout["with"] == {"persist-credentials": False}
    # An expression inside a shell script could run what a branch name says.
    assert [step["run"] for step in steps if "${{" in step.get("run", "")] == []


def test_the_command_of_the_workflow_is_one_that_we_understand() -> None:
    import shlex

    from contract.app import cli

    steps = [step for job in read(".github/workflows/contract.yml")["jobs"].values() for step in job["steps"]]
    [command] = [step["run"] for step in steps if "contract check" in step.get("run", "")]
    words = shlex.split(command.replace("\\\n", " "))
    assert words[:2] == ["contract", "check"]
    assert cli.parser("check").parse_known_args(words[2:])[1] == []
