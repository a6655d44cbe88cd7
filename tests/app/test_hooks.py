"""The hooks for others and our own: valid, and doing what they say, in scratch repositories with pre-commit and prek."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from contract.app import cli

ROOT = Path(__file__).parents[2]
TOOLS = ("pre-commit", "prek")
MANIFEST = ".pre-commit-hooks.yaml"


def read(name: str) -> Any:
    return yaml.safe_load((ROOT / name).read_text("utf-8"))


def hook(name: str) -> Any:
    [found] = [each for each in read(".pre-commit-hooks.yaml") if each["id"] == name]
    return found


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize(
    ("command", "file"),
    [("validate-manifest", ".pre-commit-hooks.yaml"), ("validate-config", ".pre-commit-config.yaml")],
)
def test_the_file_is_accepted(tool: str, command: str, file: str) -> None:
    program = Path(sys.executable).with_name(tool)
    done = subprocess.run([program, command, file], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "warning" not in (done.stdout + done.stderr).lower()


def test_the_hooks_meet_documents_and_routes_by_their_usual_names() -> None:
    lint, routes = hook("contract-lint"), hook("contract-routes")
    for one in (lint, routes):
        assert (one["language"], one["stages"]) == ("python", ["pre-commit", "pre-push", "manual"])
        assert "additional_dependencies" not in one  # the bare distribution does
    assert lint["entry"] == "contract lint"
    names = ["openapi.yaml", "api/openapi.v2.json", "docs/swagger.yml", "src/openapi/handler.yaml", "myopenapi.yaml"]
    assert [name for name in names if re.search(lint["files"], name)] == names[:3]
    names += ["routes.json", "a b/routes all.txt", "mappings.json", "contract.toml", "my-contract.toml", "routes.py"]
    assert [name for name in names if re.search(routes["files"], name)] == [*names[:3], *names[5:9]]


@pytest.mark.parametrize("name", ["contract-lint", "contract-routes", "contract-generated"])
def test_the_command_of_the_hook_is_one_that_we_understand(name: str) -> None:
    words = shlex.split(hook(name)["entry"])
    assert words[0] == "contract"
    assert cli.parser(words[1]).parse_known_args(words[2:])[1] == []


def test_the_generated_hook_runs_at_each_commit() -> None:
    one = hook("contract-generated")
    assert (one["always_run"], one["pass_filenames"], one["language"]) == (True, False, "python")


# --- in repositories of other people


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is released, as a repository that `repo:` can name."""
    folder = tmp_path_factory.mktemp("released")
    for name in ("pyproject.toml", "README.md", "LICENSE", ".pre-commit-hooks.yaml"):
        shutil.copy(ROOT / name, folder / name)
    for name in ("contract", "generated/python"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    git(folder, "init", "--quiet")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message", "released")
    return folder


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where both keep the environments that they make: one for all tests of a session."""
    return tmp_path_factory.mktemp("home")


def git(folder: Path, *words: str) -> str:
    who = {f"GIT_{role}_{what}": "a@b.example" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    environ = {**os.environ, **who, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    done = subprocess.run(["git", *words], cwd=folder, env=environ, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@dataclass
class Scratch:
    """A repository that uses our hooks through one of the two programs."""

    folder: Path
    tool: str
    home: Path
    source: Path

    def configure(self, **more: Any) -> None:
        """All our hooks; `more` is what the user says otherwise of `contract-generated`."""
        hooks = [{"id": one["id"], **(more if one["id"] == "contract-generated" else {})} for one in read(MANIFEST)]
        rev = git(self.source, "rev-parse", "HEAD")
        config = {"repos": [{"repo": str(self.source), "rev": rev, "hooks": hooks}]}
        (self.folder / ".pre-commit-config.yaml").write_text(yaml.safe_dump(config))
        git(self.folder, "add", ".")

    def write(self, **files: str) -> None:
        for name, text in files.items():
            path = self.folder / name.replace("__", ".").replace("_", " ")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        git(self.folder, "add", ".")

    def run(self, name: str) -> tuple[int, str]:
        """What a commit of what is staged would say."""
        environ = {**os.environ, "PRE_COMMIT_HOME": str(self.home / "pre-commit"), "PREK_HOME": str(self.home / "prek")}
        # Byte code is kept, as it would be for a user.
        environ = {key: value for key, value in environ.items() if key not in ("PYTHONDONTWRITEBYTECODE", "CI")}
        environ |= {"GIT_CONFIG_GLOBAL": os.devnull}
        program = Path(sys.executable).with_name(self.tool)
        done = subprocess.run(
            [program, "run", name, "--color=never"],
            cwd=self.folder,
            env=environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    def commit(self) -> None:
        git(self.folder, "commit", "--quiet", "--no-verify", "--message", "more")


@pytest.fixture(params=TOOLS)
def scratch(request: pytest.FixtureRequest, tmp_path: Path, source: Path, home: Path) -> Scratch:
    made = Scratch(tmp_path / "a repo", request.param, home, source)
    made.folder.mkdir()
    git(made.folder, "init", "--quiet")
    made.configure()
    return made


GOOD = """\
openapi: 3.1.0
info: {title: Tasks, version: "1"}
paths:
  /tasks:
    get:
      operationId: listTasks
      responses:
        "200":
          description: All of them.
          content:
            application/json:
              schema: {type: array, items: {$ref: '#/components/schemas/Task'}}
components:
  schemas:
    Task: {type: object, required: [id], properties: {id: {type: integer}}}
"""
BAD = "openapi: 3.1.0\ninfo: {title: t}\npaths: {}\n"


@pytest.mark.slow
def test_lint_passes_fails_and_leaves_out_what_is_no_document(scratch: Scratch) -> None:
    scratch.write(**{"an_api/openapi_v2__yaml": GOOD, "other__yaml": "a: 1\n"})
    code, said = scratch.run("contract-lint")
    assert (code, bool(re.search(r"contract lint\.+Passed", said))) == (0, True), said
    scratch.write(**{"the_api/openapi_bad__yaml": BAD})
    code, said = scratch.run("contract-lint")
    assert code == 1
    assert re.search(r"the api/openapi bad\.yaml:2:\d+: error: invalid-document: ", said), said
    assert "other.yaml" not in said
    git(scratch.folder, "rm", "--quiet", "--force", "-r", "the api")
    scratch.commit()
    scratch.write(other__yaml="a: 2\n")
    code, said = scratch.run("contract-lint")
    assert (code, bool(re.search(r"contract lint\.+\(no files to check\) ?Skipped", said))) == (0, True), said


@pytest.mark.slow
def test_routes_are_held_against_the_document_and_nobody_is_asked(scratch: Scratch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        target = f"http://127.0.0.1:{listener.getsockname()[1]}"
        config = f'document = "openapi v1.yaml"\nroutes = "text:routes all.txt"\ntarget = "{target}"\n'
        scratch.write(openapi_v1__yaml=GOOD, routes_all__txt="GET /tasks\n", contract__toml=config)
        code, said = scratch.run("contract-routes")
        assert (code, bool(re.search(r"contract routes\.+Passed", said))) == (0, True), said
        scratch.write(routes_all__txt="GET /tasks\nPOST /tasks\n")
        code, said = scratch.run("contract-routes")
        assert (code, "undeclared-operation" in said, "routes all.txt:2" in said) == (1, True, True), said
        with pytest.raises(BlockingIOError):
            listener.accept()
    # What it leaves behind is nothing that could be committed, and not the report of the last run.
    assert git(scratch.folder, "status", "--porcelain", "--untracked-files=all", "--", ".contract") == ""
    assert [path.name for path in (scratch.folder / ".contract").iterdir()] == ["routes"]
    scratch.write(routes_all__txt="GET /tasks\n")
    scratch.commit()
    scratch.write(**{"app__py": "a = 2\n"})
    code, said = scratch.run("contract-routes")
    assert (code, bool(re.search(r"contract routes\.+\(no files to check\) ?Skipped", said))) == (0, True), said


@pytest.mark.slow
def test_what_was_generated_is_mended_and_the_commit_stopped(scratch: Scratch) -> None:
    config = 'document = "the api.yaml"\n\n[generate]\npython = "made of it/python"\n'
    scratch.write(the_api__yaml=GOOD, contract__toml=config)
    code, said = scratch.run("contract-generated")
    assert (code, "exit code: 1" in said, "written: models.py" in said) == (1, True, True), said
    git(scratch.folder, "add", ".")
    code, said = scratch.run("contract-generated")
    assert (code, bool(re.search(r"contract generated\.+Passed", said))) == (0, True), said
    models = scratch.folder / "made of it/python/models.py"
    before = models.read_text()
    models.write_text(before + "edited = True\n")
    git(scratch.folder, "add", ".")
    code, said = scratch.run("contract-generated")
    assert (code, models.read_text()) == (1, before), said
    git(scratch.folder, "add", ".")
    assert scratch.run("contract-generated")[0] == 0
    # Whether anything is stale is seen by the bare distribution; only to make it anew the extra is needed.
    scratch.configure(additional_dependencies=[])
    assert scratch.run("contract-generated")[0] == 0
    scratch.write(the_api__yaml=GOOD.replace("integer", "string"))
    code, said = scratch.run("contract-generated")
    assert (code, "contract-drift[types]" in said) == (1, True), said
    assert git(scratch.folder, "diff", "--name-only") == ""


def test_outside_of_git_the_commands_do_the_same(tmp_path: Path) -> None:
    (tmp_path / "an api").mkdir()
    (tmp_path / "an api/openapi 1.yaml").write_text(GOOD)
    (tmp_path / "an api/openapi 2.yaml").write_text(BAD)
    (tmp_path / "the routes.txt").write_text("GET /tasks\n")

    def run(name: str, *more: str) -> tuple[int, str]:
        words = [sys.executable, "-P", "-m", *shlex.split(hook(name)["entry"]), *more]
        done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    assert run("contract-lint", "an api/openapi 1.yaml")[0] == 0
    code, said = run("contract-lint", "an api/openapi 1.yaml", "an api/openapi 2.yaml")
    assert (code, said.startswith("an api/openapi 2.yaml:2:")) == (1, True), said
    (tmp_path / "contract.toml").write_text('document = "an api/openapi 1.yaml"\nroutes = "text:the routes.txt"\n')
    assert run("contract-routes")[0] == 0
    (tmp_path / "the routes.txt").unlink()
    code, said = run("contract-routes")
    assert (code, "the routes.txt: no such file" in said) == (3, True), said


def test_our_own_hooks_are_those_that_we_give_to_others() -> None:
    [local] = read(".pre-commit-config.yaml")["repos"]
    ours = {one["id"]: one for one in local["hooks"]}
    assert {one["id"] for one in read(MANIFEST)} <= set(ours)
    assert ours["contract-routes"]["entry"] == f".venv/bin/{hook('contract-routes')['entry']}"
    for name in ("contract-lint", "contract-routes", "contract-generated"):
        words = shlex.split(ours[name]["entry"])
        assert cli.parser(words[1]).parse_known_args(words[2:])[1] == []
    patterns = {name: ours[name]["files"] for name in ("contract-lint", "contract-routes")}
    assert re.search(patterns["contract-lint"], "specs/demo.yaml")
    assert [
        name for name in ("specs/demo.yaml", "contract/demo/routes.py") if re.search(patterns["contract-routes"], name)
    ] == [
        "specs/demo.yaml",
        "contract/demo/routes.py",
    ]
