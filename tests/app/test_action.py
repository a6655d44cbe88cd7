"""The GitHub Action and GitLab's job: valid, and their own steps run in bash against real servers on loopback."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
FILES = ("action.yml", "ci/gitlab.yml", ".github/workflows/contract.yml")
SCHEMAS = ("vendor.github-actions", "vendor.gitlab-ci", "vendor.github-workflows")
MARK = "<!-- contract:the-api.yaml -->"


def read(name: str) -> Any:
    return yaml.safe_load((ROOT / name).read_text("utf-8"))


ACTION = read("action.yml")


# --- what others say of the files


def tool(name: str, *words: str) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name(name)
    return subprocess.run([program, *words], cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(("file", "schema"), list(zip(FILES, SCHEMAS, strict=True)))
def test_the_file_keeps_the_schema_of_its_kind(file: str, schema: str) -> None:
    done = tool("check-jsonschema", "--builtin-schema", schema, file)
    assert done.returncode == 0, done.stdout + done.stderr


def test_zizmor_finds_nothing_in_action_workflow_and_hooks() -> None:
    hooks = (".pre-commit-hooks.yaml", ".pre-commit-config.yaml")
    done = tool("zizmor", "--offline", "--no-progress", "--format=json", "action.yml", FILES[2], *hooks)
    assert (done.returncode, json.loads(done.stdout or "null")) == (0, []), done.stderr


def test_zizmor_would_see_an_input_that_is_spliced_into_a_script(tmp_path: Path) -> None:
    spliced = (ROOT / "action.yml").read_text("utf-8").replace('exit "$EXIT_CODE"', 'echo "${{ inputs.document }}"')
    (tmp_path / "action.yml").write_text(spliced)
    done = tool("zizmor", "--offline", "--no-progress", "--format=json", str(tmp_path / "action.yml"))
    assert [one["ident"] for one in json.loads(done.stdout)] == ["template-injection"]


def test_all_that_is_used_is_pinned_by_its_commit_and_says_its_version() -> None:
    for file in (FILES[0], FILES[2]):
        uses = re.findall(r"^\s*(?:- )?uses: (.*)$", (ROOT / file).read_text("utf-8"), re.MULTILINE)
        others = [one for one in uses if not one.startswith("./ ")]
        assert others
        assert [one for one in others if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", one)] == []


def test_every_input_and_output_stands_in_the_documentation() -> None:
    page = (ROOT / "docs/ci.md").read_text("utf-8")
    for kind in ("inputs", "outputs"):
        section = page.partition(f"### {kind.capitalize()}")[2].partition("\n#")[0]
        assert re.findall(r"^\| `([\w-]+)`", section, re.MULTILINE) == list(ACTION[kind]), kind


# --- a runner: expressions, files, workflow commands


def expression(text: str, context: dict[str, Any]) -> Any:
    """The value of what stands between `${{` and `}}`: names, texts, `== != && || !` and `cancelled()`."""
    words = re.findall(r"'[^']*'|&&|\|\||==|!=|!|\(|\)|true|false|[\w.-]+", text)
    said = {"&&": "and", "||": "or", "!": "not", "==": "==", "!=": "!=", "(": "(", ")": ")"}
    said |= {"true": "True", "false": "False", "cancelled": "cancelled"}

    def look(name: str) -> Any:
        value: Any = context
        for part in name.split("."):
            value = value.get(part, "") if isinstance(value, dict) else ""
        return value

    python = " ".join(said.get(word, word if word.startswith("'") else f"look({word!r})") for word in words)
    return eval(python, {"__builtins__": {}, "look": look, "cancelled": lambda: False})


def filled(text: str, context: dict[str, Any]) -> str:
    return re.sub(r"\$\{\{(.*?)\}\}", lambda found: str(expression(found[1], context)), text, flags=re.DOTALL)


@dataclass
class Ran:
    """What a job with this action shows."""

    steps: dict[str, Any] = field(default_factory=dict)
    """What each step said; of one that is another's action, what it is given. Those left out are not there."""
    code: int = 0
    outputs: dict[str, str] = field(default_factory=dict)
    summary: str = ""

    @property
    def log(self) -> str:
        return "".join(said for said in self.steps.values() if isinstance(said, str))

    @property
    def commands(self) -> list[tuple[str, str]]:
        """What the runner obeys: a command begins its line; between `stop-commands` and its token none is."""
        found, token = [], None
        for line in self.log.splitlines():
            command = re.match(r"\s*::([\w-]+)(?: [^:]*(?:%3A[^:]*)*)?::(.*)", line)
            if token is not None:
                if line.strip() == f"::{token}::":
                    token = None
            elif command and command[1] == "stop-commands":
                token = command[2]
            elif command:
                found.append((command[1], command[2]))
        assert token is None, "commands are never switched on again"
        return found


@dataclass
class Runner:
    """Runs the steps of `action.yml` in a project's folder, as GitHub does: bash, files, nothing else of our own."""

    project: Path
    temp: Path
    environ: dict[str, str] = field(default_factory=dict)

    def run(self, *, event: Any = None, **inputs: str) -> Ran:
        given = {name: str(one.get("default", "")) for name, one in ACTION["inputs"].items()}
        given |= {"python": sys.executable, "install": "false"}
        given |= {name.replace("_", "-"): value for name, value in inputs.items()}
        context: dict[str, Any] = {"inputs": given, "steps": {}, "github": {"token": "t0ken", "event": event or {}}}
        given = {name: filled(value, context) for name, value in given.items()}
        context["inputs"] = given
        (self.temp / "event.json").write_text(json.dumps(event or {}))
        ran, failed = Ran(), False
        for step in ACTION["runs"]["steps"]:
            condition = step.get("if", "${{ true }}")
            # Without a status function, a step runs only if all before it succeeded.
            if not expression(condition.strip()[3:-2], context) or (failed and "cancelled()" not in condition):
                continue
            if "uses" in step:
                ran.steps[step["name"]] = {name: filled(value, context) for name, value in step["with"].items()}
                continue
            code, said = self._step(step, context)
            ran.steps[step["name"]] = said
            ran.code, failed = ran.code or code, failed or code != 0
            if "id" in step:
                context["steps"][step["id"]] = {"outputs": self._outputs()}
        ran.outputs = {name: filled(one["value"], context) for name, one in ACTION["outputs"].items()}
        ran.summary = (self.temp / "summary.md").read_text("utf-8")
        return ran

    def _step(self, step: Any, context: dict[str, Any]) -> tuple[int, str]:
        script = self.temp / "step.sh"
        script.write_text(step["run"])
        for name in ("output.txt", "summary.md", "env.txt"):
            (self.temp / name).touch()
        assert "${{" not in step["run"]
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", script],
            cwd=self.project,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self.temp),
                "CI": "true",
                "GITHUB_ACTIONS": "true",
                "GITHUB_ACTION_PATH": str(ROOT),
                "GITHUB_EVENT_PATH": str(self.temp / "event.json"),
                "GITHUB_OUTPUT": str(self.temp / "output.txt"),
                "GITHUB_STEP_SUMMARY": str(self.temp / "summary.md"),
                "GITHUB_ENV": str(self.temp / "env.txt"),
                "GITHUB_REPOSITORY": "octo/shop",
                "GITHUB_SERVER_URL": "https://github.example",
                "GITHUB_RUN_ID": "42",
                "RUNNER_TEMP": str(self.temp),
                **self.environ,
                **{name: filled(value, context) for name, value in step.get("env", {}).items()},
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            check=False,
        )
        return done.returncode, done.stdout

    def _outputs(self) -> dict[str, str]:
        lines = (self.temp / "output.txt").read_text("utf-8").splitlines()
        assert all(re.match(r"[a-z-]+=", line) for line in lines)
        return dict(line.split("=", 1) for line in lines)


# --- the API and GitHub, both on loopback


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Answering(BaseHTTPRequestHandler):
    """HTTP/1.1, quiet."""

    protocol_version = "HTTP/1.1"

    def answer(self, status: int, value: Any, **headers: str) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        for name, text in {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, text)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


DOCUMENT = """\
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
              schema:
                type: array
                items:
                  type: object
                  required: [id]
                  properties: {id: {type: integer}}
"""


@contextmanager
def api(tasks: Any) -> Iterator[str]:
    """A server whose only operation gives these tasks."""

    class Api(Answering):
        def do_GET(self) -> None:
            self.answer(200, tasks) if self.path.partition("?")[0] == "/tasks" else self.answer(404, {"error": "no"})

        def refuse(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            known = self.path.partition("?")[0] == "/tasks"
            self.answer(405, {"error": "no"}, Allow="GET") if known else self.answer(404, {"error": "no"})

        do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_HEAD = do_TRACE = refuse

    with serving(Api) as origin:
        yield origin


@dataclass
class GitHub:
    """The part of GitHub that a comment needs: who asks, the comments of an issue page by page, one more, one edited."""

    comments: list[dict[str, Any]] = field(default_factory=list)
    may_write: bool = True
    asked: list[str] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)

    @contextmanager
    def running(self) -> Iterator[str]:
        site = self

        class Site(Answering):
            def handle_one(self) -> None:
                said = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or "null")
                path, _, query = self.path.partition("?")
                site.asked.append(f"{self.command} {path}")
                site.tokens.add(self.headers.get("Authorization") or "")
                if path == "/graphql":
                    return self.answer(200, {"data": {"viewer": {"login": "github-actions[bot]"}}})
                if self.command == "GET":
                    page = int(re.findall(r"[?&]page=(\d+)", f"?{query}")[0]) if "&page=" in query else 1
                    part = site.comments[2 * page - 2 : 2 * page]
                    more = {"Link": f'<{path}?per_page=100&page={page + 1}>; rel="next"'}
                    return self.answer(200, part, **(more if len(site.comments) > 2 * page else {}))
                if not site.may_write:
                    return self.answer(403, {"message": "Resource not accessible by integration"})
                if self.command == "POST":
                    user = {"login": "github-actions[bot]"}
                    site.comments.append({"id": 100 + len(site.comments), "user": user, **said})
                    return self.answer(201, site.comments[-1])
                [one] = [one for one in site.comments if one["id"] == int(path.rpartition("/")[2])]
                one |= said
                return self.answer(200, one)

            do_GET = do_POST = do_PATCH = handle_one

        with serving(Site) as origin:
            yield origin


# GitHub's own `gh` is not there in most places where tests run; this one sends what it would send, to a real server.
GH = """\
import json, os, re, sys, urllib.error, urllib.request
words = sys.argv[1:]
assert words.pop(0) == "api"
method, path, body, query, every = "GET", None, None, None, False
while words:
    word = words.pop(0)
    if word == "--method": method = words.pop(0)
    elif word == "--input": assert words.pop(0) == "-"; body = sys.stdin.buffer.read()
    elif word == "-f": name, _, query = words.pop(0).partition("="); assert name == "query"
    elif word == "--paginate": every = True
    else: assert path is None and not word.startswith("-"), word; path = word
if path == "graphql": method, body = "POST", json.dumps({"query": query}).encode()
url = f"{os.environ['GITHUB_AT']}/{path}"
while url:
    head = {"Authorization": f"token {os.environ['GH_TOKEN']}"}
    request = urllib.request.Request(url, body, head, method=method)
    try:
        with urllib.request.urlopen(request) as answer:
            sys.stdout.write(answer.read().decode())
            link = re.search(r'<(.*?)>; rel="next"', answer.headers.get("Link") or "")
    except urllib.error.HTTPError as error:
        sys.exit(f"gh: {json.load(error)['message']} (HTTP {error.code})")
    url = os.environ["GITHUB_AT"] + link[1] if every and link else None
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose files have spaces in their names."""
    folder = tmp_path / "a project"
    folder.mkdir()
    (folder / "the api.yaml").write_text(DOCUMENT)
    (folder / "the routes.txt").write_text("GET /tasks\n")
    return folder


@pytest.fixture
def runner(tmp_path: Path, project: Path) -> Runner:
    temp = tmp_path / "runner temp"
    temp.mkdir()
    return Runner(project, temp)


@pytest.fixture
def with_gh(runner: Runner, tmp_path: Path) -> Callable[[str], None]:
    """Puts `gh` on the PATH, which asks the GitHub at this address."""

    def put(origin: str) -> None:
        (tmp_path / "bin").mkdir(exist_ok=True)
        (tmp_path / "bin/gh").write_text(f"#!{sys.executable}\n{GH}")
        (tmp_path / "bin/gh").chmod(0o755)
        runner.environ = {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", "GITHUB_AT": origin}

    return put


QUICK = "--no-fuzz\n--walk\n--no-types"
ROUTES = {"document": "the api.yaml", "routes": "text:the routes.txt", "args": "--no-fuzz\n--no-types"}
PULL = {"pull_request": {"number": 7, "head": {"repo": {"fork": False}}}}


# --- the action


def test_without_drift_the_job_passes_and_every_report_goes_where_it_belongs(runner: Runner) -> None:
    with api([{"id": 1}]) as origin:
        ran = runner.run(document="the api.yaml", target=origin, routes="text:the routes.txt", args=QUICK)
    assert (ran.code, ran.commands) == (0, []), ran.log
    reports = Path(ran.outputs["reports"])
    assert ran.outputs == {
        "exit-code": "0",
        "verdict": "passed",
        "completeness": "100 %",
        "drift": "0",
        "generation": "no evidence",
        "reports": str(reports),
        "json": str(reports / "contract.json"),
        "html": str(reports / "contract.html"),
    }
    assert list(ran.steps) == [
        "Check",
        "Upload to code scanning",
        "Keep the reports",
        "Comment on the pull request",
        "Verdict",
    ]
    sarif = json.loads(Path(ran.steps["Upload to code scanning"]["sarif_file"]).read_text())
    assert (sarif["version"], sarif["runs"][0]["invocations"][0]["executionSuccessful"]) == ("2.1.0", True)
    kept = ran.steps["Keep the reports"]
    assert (kept["name"], kept["path"].split("\n")[:2]) == (
        "contract-report",
        [ran.outputs["html"], ran.outputs["json"]],
    )
    assert (
        ran.steps["Comment on the pull request"]
        == "This run is about no pull request, so there is nothing to comment on.\n"
    )
    assert "Passed" in ran.summary


def test_drift_fails_the_job_after_all_reports_were_handed_on(runner: Runner) -> None:
    with api([{"id": "one"}]) as origin:
        ran = runner.run(document="the api.yaml", target=origin, args=QUICK)
    assert (ran.code, ran.outputs["exit-code"], ran.outputs["verdict"]) == (1, "1", "failed"), ran.log
    assert ran.outputs["drift"] == "1"
    assert [name for name, _ in ran.commands if name == "error"] == ["error"]
    assert "Keep the reports" in ran.steps and "Upload to code scanning" in ran.steps
    assert "response-schema" in ran.summary


def test_a_run_without_a_verdict_hands_nothing_to_code_scanning(runner: Runner) -> None:
    with api([]) as origin:
        pass  # nobody listens there any more
    ran = runner.run(document="the api.yaml", target=origin, args=QUICK)
    assert (ran.code, ran.outputs["verdict"]) == (3, "no verdict"), ran.log
    assert ran.outputs["drift"] in ("no evidence", "undecided", "failed to measure")
    assert "Upload to code scanning" not in ran.steps
    assert "Keep the reports" in ran.steps
    assert {name for name, _ in ran.commands} == {"error"}


def test_a_mistake_in_the_workflow_is_said_and_is_exit_code_2(runner: Runner) -> None:
    ran = runner.run(document="no such.yaml", routes="text:the routes.txt", args="--no-fuzz")
    assert (ran.code, ran.outputs["verdict"]) == (2, "error")
    assert ran.commands == [("error", "contract check ended with exit code 2; the log of this step says why")]
    assert "no such.yaml" in ran.log
    assert list(ran.steps) == ["Check", "Verdict"]


@pytest.mark.parametrize(
    "name",
    ["document", "target", "routes", "traffic", "config", "fail_on", "baseline", "environment", "args", "base_report"],
)
def test_an_input_is_one_argument_whatever_stands_in_it(runner: Runner, name: str) -> None:
    hostile = "$(touch pwned); `touch pwned`\"; touch pwned #'\\ --help ::error::pwned ${IFS}"
    ran = runner.run(**{**ROUTES, name: hostile})
    assert not list(runner.project.rglob("pwned"))
    # A base report that is not there is left out, and an environment may be called anything; all others are refused.
    assert ran.outputs["exit-code"] == ("0" if name in ("base_report", "environment") else "2")
    assert [said for _, said in ran.commands if said == "pwned"] == []


def test_a_value_that_looks_like_a_flag_stays_the_value_of_its_input(runner: Runner) -> None:
    ran = runner.run(**{**ROUTES, "fail_on": "--help"})
    assert (ran.code, "usage:" in ran.log) == (2, False)
    assert "--help" in ran.log


def test_what_an_application_prints_or_answers_gives_the_runner_no_command(runner: Runner) -> None:
    (runner.project / "shop.py").write_text(
        "import json, os\n"
        "def app(environ, start):\n"
        "    os.write(1, b'::error::printed\\n::stop-commands::x\\n')\n"
        "    os.write(2, b'::warning::printed')\n"
        "    known = environ['PATH_INFO'] == '/tasks' and environ['REQUEST_METHOD'] == 'GET'\n"
        "    start('200 OK' if known else '404 No', [('Content-Type', 'application/json')])\n"
        "    said = 'x\\n::error::answered\\n##[error]answered'\n"
        "    return [json.dumps([{'id': said, said: 1}] if known else {}).encode()]\n"
    )
    ran = runner.run(document="the api.yaml", target="wsgi:shop:app", args=QUICK)
    assert (ran.code, ran.outputs["verdict"]) == (1, "failed"), ran.log
    assert "::error::printed\n" in ran.log
    assert {said for _, said in ran.commands} & {"printed", "answered", "x"} == set()
    assert all("\n" not in said and "response-schema" in ran.log for _, said in ran.commands)
    assert "\n##[error]" not in ran.log


def test_a_base_report_that_is_not_there_is_told_and_one_that_is_there_is_used(runner: Runner) -> None:
    with api([{"id": "one"}]) as origin:
        first = runner.run(document="the api.yaml", target=origin, args=QUICK, base_report="base/contract.json")
        shutil.copy(first.outputs["json"], runner.project / "the base.json")
        second = runner.run(document="the api.yaml", target=origin, args=QUICK, base_report="the base.json")
    assert (first.code, second.code) == (1, 0), second.log
    notice = ("notice", "base/contract.json: there is no base report yet, so all that is found counts as new")
    assert notice in first.commands and notice not in second.commands


def test_what_is_switched_off_is_left_out(runner: Runner) -> None:
    ran = runner.run(**ROUTES, event=PULL, comment="false", sarif="false", artifact="")
    assert list(ran.steps) == ["Check", "Verdict"]
    fork = {"pull_request": {"number": 7, "head": {"repo": {"fork": True}}}}
    assert "Upload to code scanning" not in runner.run(**ROUTES, event=fork, comment="false").steps


# --- the comment


def test_the_comment_is_written_once_and_then_edited(runner: Runner, with_gh: Callable[[str], None]) -> None:
    people = [{"id": n, "user": {"login": "mona"}, "body": "Looks good"} for n in (1, 2, 3)]
    # Somebody who writes our mark does not get an answer of ours under their name.
    mimic = {"id": 4, "user": {"login": "mallory"}, "body": f"{MARK}\nPassed"}
    site = GitHub([*people, mimic])
    with site.running() as origin:
        with_gh(origin)
        first = runner.run(**ROUTES, event=PULL)
        (runner.project / "the routes.txt").write_text("GET /tasks\nPOST /tasks\n")
        second = runner.run(**ROUTES, event=PULL)
    assert (first.code, second.code) == (0, 1), second.log
    assert site.comments[:4] == [*people, mimic]
    [ours] = site.comments[4:]
    assert ours["body"].startswith(f"{MARK}\n### ")
    assert "POST /tasks" in ours["body"]
    assert ours["body"].endswith("\n[This run](https://github.example/octo/shop/actions/runs/42)\n")
    assert [one for one in site.asked if not one.startswith("GET")] == [
        "POST /graphql",
        "POST /repos/octo/shop/issues/7/comments",
        "POST /graphql",
        "PATCH /repos/octo/shop/issues/comments/104",
    ]
    assert site.tokens == {"token t0ken"}
    assert "t0ken" not in first.log + second.log


def test_where_commenting_is_not_allowed_a_notice_says_so_and_the_verdict_stands(
    runner: Runner, with_gh: Callable[[str], None]
) -> None:
    site = GitHub(may_write=False)
    with site.running() as origin:
        with_gh(origin)
        ran = runner.run(**ROUTES, event=PULL)
    assert (ran.code, site.comments) == (0, [])
    [(name, said)] = ran.commands
    assert name == "notice"
    assert said.startswith(
        "The comment was not written: gh: Resource not accessible by integration (HTTP 403). It needs "
    )


def test_without_gh_a_notice_says_so_and_the_verdict_stands(runner: Runner, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty/bash").symlink_to(shutil.which("bash") or "")
    runner.environ = {"PATH": str(tmp_path / "empty")}
    ran = runner.run(**ROUTES, event=PULL)
    [(name, said)] = ran.commands
    assert (ran.code, name, "'gh'" in said) == (0, "notice", True)


# --- what the action installs


@pytest.mark.slow
def test_the_action_installs_itself_beside_the_application_and_runs_there(runner: Runner, tmp_path: Path) -> None:
    """The bare distribution, which compares routes: no fuzzer, no generators."""
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "an env")], check=True)
    python = str(tmp_path / "an env/bin/python")
    runner.environ = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
    (runner.project / "contract").mkdir()  # what the project calls so is not what runs
    (runner.project / "contract/__init__.py").write_text("raise SystemExit('the wrong one')\n")
    ran = runner.run(**ROUTES, python=python, install="true", extras="")
    assert (ran.code, ran.outputs["completeness"]) == (0, "100 %"), ran.log
    listed = subprocess.run([python, "-m", "pip", "list", "--format=json"], capture_output=True, check=True).stdout
    names = {one["name"].lower() for one in json.loads(listed)}
    assert "contract-drift" in names
    assert names & {"schemathesis", "openapi-core", "mypy", "pydantic", "fastapi"} == set()


def test_extras_are_names_and_nothing_else(runner: Runner) -> None:
    ran = runner.run(**ROUTES, install="true", extras="x] @ https://127.0.0.1/y #")
    assert (ran.code, list(ran.steps)) == (2, ["Install contract"])
    assert ran.commands == [("error", "extras: only names, parted by commas")]


def test_python_is_set_up_only_where_the_job_has_not_done_it() -> None:
    [step] = [step for step in ACTION["runs"]["steps"] if step["name"] == "Set up Python"]

    def runs(python: str, version: str, location: str) -> bool:
        context = {"inputs": {"python": python, "python-version": version}, "env": {"pythonLocation": location}}
        return bool(expression(step["if"].strip()[3:-2], context))

    assert runs("python", "", "") and runs("python", "3.13", "/opt/python")
    assert not runs("python", "", "/opt/python") and not runs(".venv/bin/python", "3.13", "")
    assert filled(step["with"]["python-version"], {"inputs": {"python-version": ""}}) == "3.12"


# --- our own workflow


def test_our_workflow_uses_the_action_and_may_write_nothing_but_what_it_needs() -> None:
    workflow = read(FILES[2])
    assert workflow["permissions"] == {"contents": "read"}
    [job] = workflow["jobs"].values()
    needed = {"actions": "read", "contents": "read", "pull-requests": "write", "security-events": "write"}
    assert job["permissions"] == needed
    [checkout] = [step for step in job["steps"] if step.get("uses", "").startswith("actions/checkout@")]
    assert checkout["with"] == {"persist-credentials": False}
    [ours] = [step for step in job["steps"] if step.get("uses") == "./"]
    assert set(ours["with"]) <= set(ACTION["inputs"])
    # An expression inside a shell script could run what a branch name says.
    assert [step["run"] for step in job["steps"] if "${{" in step.get("run", "")] == []


@pytest.mark.parametrize("kept", [True, False])
def test_our_workflow_fetches_the_report_of_the_base_branch_where_there_is_one(tmp_path: Path, kept: bool) -> None:
    [step] = [step for step in read(FILES[2])["jobs"]["demo"]["steps"] if step.get("name", "").startswith("Fetch")]
    (tmp_path / "gh").write_text(
        '#!/bin/sh\necho "$*" >> calls\n'
        'case "$2" in\n  list) echo 99 ;;\n'
        + ("  download) mkdir base && echo '{}' > base/contract.json ;;\n" if kept else "  download) exit 1 ;;\n")
        + "esac\n"
    )
    (tmp_path / "gh").chmod(0o755)
    environ = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "BASE": "main; touch pwned"}
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", step["run"]],
        cwd=tmp_path,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "run download 99 --name contract-report --dir base" in (tmp_path / "calls").read_text()
    assert not (tmp_path / "pwned").exists()
    notice = "::notice title=contract::The last run of the base branch kept no report\n"
    assert ((tmp_path / "base/contract.json").exists(), done.stdout) == ((True, "") if kept else (False, notice))


# --- GitLab


JOB = read("ci/gitlab.yml")["contract"]


def gitlab(project: Path, shell: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """The job's script as GitLab's runner gives it to the shell; pip installs nothing, since contract is there."""
    environ = {**JOB["variables"], "CI_PROJECT_DIR": str(project), "CI": "true", **variables}
    environ = {name: value.replace("$CI_PROJECT_DIR", str(project)) for name, value in environ.items()}
    path = project.parent / "bin"
    path.mkdir(exist_ok=True)
    (path / "python").write_text(
        f'#!/bin/sh\ncase "$*" in "-m pip install"*) echo "$*" > installed ;; *) exec "{sys.executable}" "$@" ;; esac\n'
    )
    (path / "python").chmod(0o755)
    return subprocess.run(
        [shell, "-e", "-c", "\n".join(JOB["script"])],
        cwd=project,
        env={**environ, "PATH": f"{path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("shell", ["bash", "sh"])
def test_the_job_of_gitlab_writes_the_reports_that_it_names(project: Path, shell: str) -> None:
    (project / "the routes.txt").write_text("GET /tasks\nPOST /tasks\n")
    arguments = "--no-fuzz\n--no-types\n--exclude=GET /* :: $(touch pwned) *\n"
    settings = {"CONTRACT_DOCUMENT": "the api.yaml", "CONTRACT_ROUTES": "text:the routes.txt"}
    done = gitlab(project, shell, DRIFT_ARGUMENTS=arguments, **settings)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "DRIFT_" not in done.stderr
    assert not (project / "pwned").exists()
    assert (project / "installed").read_text() == "-m pip install --quiet contract-drift[fuzz,types]\n"
    written = {path.name for path in (project / "contract-reports").iterdir()}
    assert written == {"gl-code-quality-report.json", "junit.xml", "contract.json", "contract.html"}
    reports = JOB["artifacts"]["reports"]
    assert [(project / path).is_file() for path in reports.values()] == [True, True]
    quality = json.loads((project / reports["codequality"]).read_text())
    assert [one["check_name"] for one in quality] == ["undeclared-operation"]
    assert json.loads((project / "contract-reports/contract.json").read_text())["run"]["environment"] == "ci"


def test_the_job_of_gitlab_passes_without_drift_and_without_further_arguments(project: Path) -> None:
    (project / "contract.toml").write_text('document = "the api.yaml"\nroutes = "text:the routes.txt"\n')
    done = gitlab(project, "bash", CONTRACT_TYPES="none")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Passed: 1 of 1 implemented operations documented" in " ".join(done.stdout.split())
    assert json.loads((project / JOB["artifacts"]["reports"]["codequality"]).read_text()) == []


def test_every_variable_of_the_job_stands_in_the_documentation() -> None:
    page = (ROOT / "docs/ci.md").read_text("utf-8").partition("## GitLab")[2]
    named = re.findall(r"^\| `([A-Z_]+)`", page, re.MULTILINE)
    text = (ROOT / "ci/gitlab.yml").read_text("utf-8")
    ours = set(re.findall(r"\bDRIFT_\w+", text)) | {name for name in JOB["variables"] if name.startswith("CONTRACT_")}
    assert set(named) >= ours


def test_what_init_writes_uses_the_actions_that_we_use() -> None:
    """One set of pins: an action that is renewed in one place is renewed in all."""
    pinned = re.compile(r"(actions/[\w-]+)@([0-9a-f]{40})")
    ours: dict[str, str] = {}
    for path in ("action.yml", ".github/workflows/contract.yml"):
        ours |= dict(pinned.findall((ROOT / path).read_text()))
    written = dict(pinned.findall((ROOT / "contract/app/init/texts.py").read_text()))
    assert {name: sha for name, sha in written.items() if name in ours} == {
        name: ours[name] for name in written if name in ours
    }
    assert len(set(written) & set(ours)) >= 3
