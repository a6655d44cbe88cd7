"""`contract doctor`: what it looks at, what it says is wrong, and how to put it right."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from contract.app import cli

DOCUMENT = """\
openapi: 3.1.0
info: {title: t, version: '1'}
paths:
  /things: {get: {responses: {'200': {description: d}}}}
  /things/{id}:
    get:
      parameters: [{name: id, in: path, required: true, schema: {type: string}}]
      responses: {'200': {description: d}}
    delete:
      parameters: [{name: id, in: path, required: true, schema: {type: string}}]
      responses: {'204': {description: d}}
  /reset: {get: {responses: {'200': {description: d}}}}
  /private: {get: {responses: {'200': {description: d}}}}
"""
ROUTES = "GET /things\nGET /things/{id}\nDELETE /things/{id}\n"
SECRET = "s3cr3t-Value-9f8e7d6c5b4a"
Asked = Callable[..., dict[str, Any]]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a document and a list of routes that are right, as the working directory."""
    root = tmp_path / "project"
    root.mkdir()
    (root / "openapi.yaml").write_text(DOCUMENT)
    (root / "routes.txt").write_text(ROUTES)
    (root / "contract.toml").write_text('document = "openapi.yaml"\nroutes = "text:routes.txt"\n')
    subprocess.run(["git", "init", "-q", "-b", "main", str(root)], check=True)
    monkeypatch.chdir(root)
    for name in list(os.environ):
        if name.startswith(("CONTRACT_", "GIT_", "GITHUB_SHA", "CI_COMMIT")):
            monkeypatch.delenv(name)
    return root


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str]) -> Asked:
    """Runs the doctor, and gives its lines by name; several of one name as the first that is not ok."""

    def asked(*words: str) -> dict[str, Any]:
        code = cli.main(["doctor", "--format", "json", *words])
        value = json.loads(capsys.readouterr().out)
        assert (value["exit_code"], value["schema_version"]) == (code, 1)
        assert code == int(any(check["state"] == "fail" for check in value["checks"]))
        assert [check for check in value["checks"] if check["state"] == "fail" and not check["fix"]] == []
        found: dict[str, Any] = {}
        for check in value["checks"]:
            if found.get(check["name"], {"state": "ok"})["state"] == "ok":
                found[check["name"]] = check
        return found

    return asked


@contextmanager
def server(answer: Callable[[str, str | None], int]) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """An API on loopback that answers with the status that the function gives for path and Authorization."""
    seen: list[tuple[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append((self.command, self.path))
            self.send_response(answer(self.path, self.headers.get("Authorization")))
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_POST = do_DELETE = do_PUT = do_PATCH = do_GET

        def log_message(self, format: str, *args: Any) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.server_port}", seen
        finally:
            listening.shutdown()
            thread.join()


def short(check: dict[str, Any]) -> tuple[str, str, str | None]:
    return check["state"], check["said"], check["fix"]


def test_a_project_that_is_right_is_all_right(project: Path, ask: Asked, capsys: pytest.CaptureFixture[str]) -> None:
    found = ask()
    assert {name: check["state"] for name, check in found.items()} == {
        **dict.fromkeys(("config", "document", "routes", "corpus", "report", "extras", "versions", "git"), "ok"),
        **{"hook": "note", "CI": "note"},
    }
    assert found["document"]["said"] == "OpenAPI 3.1.0, 5 operations"
    assert found["routes"]["said"] == "3 routes"
    assert cli.main(["doctor"]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[-1] == "All right: 10 things looked at; next: contract check"
    assert "note  hook" in out


def test_it_writes_nothing(project: Path, ask: Asked) -> None:
    before = sorted(path for path in project.rglob("*") if ".git" not in path.parts)
    ask()
    assert sorted(path for path in project.rglob("*") if ".git" not in path.parts) == before


@pytest.mark.parametrize(
    ("name", "file", "text", "said", "fix"),
    [
        ("config", "contract.toml", 'documnt = "a"\n', "contract.toml:1: unknown key `documnt`. Did you mean `document`?", None),
        ("config", "contract.toml", "a = = 1\n", "contract.toml:1:5: not TOML: Invalid value", None),
        ("document", "openapi.yaml", "a: 1\n", "neither `openapi` nor `swagger` says which version", "begin with"),
        ("document", "openapi.yaml", "openapi: 3.1.0\ninfo: {title: t, version: '1'}\npaths: {}\n", "nothing can be checked", "describe"),
        ("routes", "routes.txt", "<html>\n", "routes.txt", ""),
        ("document", "contract.toml", "", "no document is named", "contract init"),
        ("evidence", "contract.toml", 'document = "openapi.yaml"\n', "nothing to hold the document against", "name `target`"),
        ("baseline", "contract.toml", 'document = "openapi.yaml"\nroutes = "text:routes.txt"\nbaseline = "b.json"\n', "b.json: no such file", "make it: `contract check"),
        ("traffic", "contract.toml", 'document = "openapi.yaml"\ntraffic = "har:x.har"\n', "no such file", "record one"),
        ("target", "contract.toml", 'document = "openapi.yaml"\ntarget = "asgi:nowhere:app"\n', "there is no module `nowhere`", "run it from the folder"),
        ("base report", "contract.toml", 'document = "openapi.yaml"\nroutes = "text:routes.txt"\nbase_report = "routes.txt"\n', "routes.txt: ", ""),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_how_to_put_it_right(
    project: Path, capsys: pytest.CaptureFixture[str], name: str, file: str, text: str, said: str, fix: str | None
) -> None:
    (project / file).write_text(text)
    assert cli.main(["doctor", "--format", "json"]) == 1
    checks = json.loads(capsys.readouterr().out)["checks"]
    [wrong] = [check for check in checks if check["name"] == name and check["state"] == "fail"]
    assert said in wrong["said"]
    if fix is not None:
        assert fix in wrong["fix"]
    assert {"extras", "versions", "git"} <= {check["name"] for check in checks}


def test_a_document_that_is_not_valid_is_noted_with_its_first_line(project: Path, ask: Asked) -> None:
    (project / "openapi.yaml").write_text(DOCUMENT.replace("{description: d}}}}\n  /things/", "{}}}}\n  /things/"))
    check = ask()["document"]
    assert check["state"] == "note"
    assert "1 place not valid, the first in line 4: " in check["said"]
    assert check["fix"] == "contract lint openapi.yaml"


def test_a_target_that_answers_is_asked_a_little_and_only_what_reads(project: Path, ask: Asked) -> None:
    (project / "contract.toml").write_text(
        'document = "openapi.yaml"\nexclude = ["GET /private"]\n'  # and /reset is dangerous by its name
    )
    with server(lambda path, _: 200 if path == "/things" else 404) as (origin, seen):
        check = ask("--target", origin)["target"]
    assert check["state"] == "ok"
    assert check["said"] == "2 requests (GET /things and others) answered: 200 to 1, 404 to 1"
    assert seen == [("GET", "/things"), ("GET", "/things/1")]


def test_a_target_that_lets_nobody_in_says_whose_credentials_are_missing_or_wrong(
    project: Path, ask: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_TOKEN", SECRET)
    with server(lambda _, sent: 200 if sent == "Bearer right" else 401) as (origin, _):
        missing = ask("--target", origin)["target"]
        wrong = ask("--target", origin, "--header", "Authorization: Bearer ${API_TOKEN}")["target"]
        right = ask("--target", origin, "--header", "Authorization: Bearer right")["target"]
    assert missing["said"] == "3 requests (GET /things and others) answered: 401 to 3: no credentials are sent"
    assert "[headers]" in missing["fix"]
    assert (missing["state"], wrong["state"], right["state"]) == ("fail", "fail", "ok")
    assert wrong["said"].endswith(": the credentials are refused")
    assert wrong["fix"].startswith("what is sent as Authorization (flag --header) is not let in")


@pytest.mark.parametrize(
    ("status", "said", "fix"),
    [(404, "it serves none of what the document declares", "--target"), (503, "the server fails", "log")],
)
def test_a_target_that_answers_all_alike_is_not_all_right(
    project: Path, ask: Asked, status: int, said: str, fix: str
) -> None:
    with server(lambda _, __: status) as (origin, _):
        check = ask("--target", origin)["target"]
    assert (check["state"], said in check["said"], fix in check["fix"]) == ("fail", True, True)


def test_a_target_that_is_not_there_is_said(project: Path, ask: Asked) -> None:
    with server(lambda _, __: 200) as (origin, _):
        gone = origin
    check = ask("--target", gone)["target"]
    assert short(check)[:2] == ("fail", f"{gone} refused the connection")


def test_secrets_are_never_shown(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("API_TOKEN", SECRET)
    (project / "app.py").write_text(f"raise OSError('cannot log in with {SECRET}')\n")
    for words in (
        ["--header", "X-Thing: ${API_TOKEN}", "--target", f"http://user:{SECRET}@127.0.0.1:1/"],
        ["--header", "X-Thing: ${API_TOKEN}", "--target", "asgi:app:app"],
        ["--header", f"Authorization: Bearer {SECRET}", "--target", "asgi:app:app"],
        ["--header", f"X-Api-Key {SECRET}"],
        ["--target", f"http://127.0.0.1:1/?token={SECRET}"],
    ):
        for kind in ("text", "json"):
            assert cli.main(["doctor", "--format", kind, *words]) == 1
            said = capsys.readouterr()
            assert SECRET not in said.out + said.err, words
            assert "Traceback" not in said.out + said.err


def test_a_baseline_whose_exemptions_have_ended_is_to_be_put_right(project: Path, ask: Asked) -> None:
    (project / "contract.toml").write_text(
        'document = "openapi.yaml"\nroutes = "text:routes.txt"\nbaseline = "b.json"\n'
    )
    entry = {"fingerprint": "a", "reason": "r"}
    held = {"schema_version": 1, "accepted": [entry, {**entry, "fingerprint": "b", "until": "2999-01-01"}]}
    (project / "b.json").write_text(json.dumps(held))
    assert short(ask()["baseline"]) == ("ok", "2 accepted findings", None)
    held["accepted"].append({**entry, "fingerprint": "c", "until": "2020-02-29"})  # type: ignore[attr-defined]
    (project / "b.json").write_text(json.dumps(held))
    check = ask()["baseline"]
    assert short(check)[:2] == ("fail", "3 accepted findings; 1 of them ended, the last on 2020-02-29")
    assert "--update-baseline" in check["fix"]


def test_a_corpus_that_is_damaged_is_to_be_put_right(project: Path, ask: Asked) -> None:
    (project / ".contract").mkdir()
    (project / ".contract/corpus.ndjson").write_text("nonsense\n")
    assert short(ask()["corpus"])[:2] == ("fail", ".contract/corpus.ndjson:1: skipped, it is not JSON")


def test_a_hook_that_git_does_not_run_is_to_be_put_right(project: Path, ask: Asked) -> None:
    (project / ".pre-commit-config.yaml").write_text("repos:\n  - repo: local\n    hooks: [{id: contract-lint}]\n")
    check = ask()["hook"]
    assert check["state"] == "fail"
    assert check["fix"].endswith(" install")
    hook = project / ".git/hooks/pre-commit"
    hook.parent.mkdir(exist_ok=True)
    done = subprocess.run([sys.executable, "-m", "pre_commit", "install"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert short(ask()["hook"]) == ("ok", "runs before each commit", None)
    hook.chmod(0o644)
    assert short(ask()["hook"])[:2] == ("fail", "git skips it: it may not be run")
    subprocess.run(["git", "config", "core.hooksPath", "githooks"], check=True)
    assert ask()["hook"]["looked_at"] == str(project / "githooks")


def test_a_job_that_runs_contract_is_seen(project: Path, ask: Asked) -> None:
    (project / ".gitlab-ci.yml").write_text("test:\n  script: [make]\n")
    assert ask()["CI"]["state"] == "note"
    (project / ".gitlab-ci.yml").write_text("test:\n  script: [contract check]\n")
    assert short(ask()["CI"]) == ("ok", "runs contract", None)


def test_a_schema_of_another_release_is_noted(project: Path, ask: Asked) -> None:
    config = project / "contract.toml"
    config.write_text("#:schema ./contract.schema.json\n" + config.read_text())
    assert ask()["config"]["said"] == "editors cannot check the file: its schema cannot be read"
    (project / "contract.schema.json").write_text("{}")
    assert short(ask()["config"]) == (
        *("note", "the schema is that of another release", "contract config schema > contract.schema.json"),
    )
    done = subprocess.run([sys.executable, "-m", "contract", "config", "schema"], capture_output=True, check=True)
    (project / "contract.schema.json").write_bytes(done.stdout)
    assert ask()["config"]["state"] == "ok"


def test_a_service_that_is_configured_must_answer(project: Path, ask: Asked) -> None:
    config = project / "contract.toml"
    text = config.read_text()
    with server(lambda path, _: 200 if path == "/healthz" else 404) as (origin, _):
        config.write_text(f"{text}[service]\nport = {origin.rpartition(':')[2]}\n")
        assert short(ask()["service"]) == ("ok", "it answers", None)
    assert short(ask()["service"])[2] == "contract serve"


def test_an_extra_that_the_settings_need_and_that_is_missing_is_to_be_put_right(project: Path) -> None:
    (project / "contract.toml").write_text('document = "openapi.yaml"\ntarget = "http://127.0.0.1:1"\n')
    # A finder that knows no fuzzer is what an environment without the extra looks like.
    code = (
        "import sys\n"
        "class Gone:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'schemathesis': raise ModuleNotFoundError(name=name)\n"
        "sys.meta_path.insert(0, Gone())\n"
        "from contract.app import cli\n"
        "sys.exit(cli.main(['doctor']))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "`fuzz` is not installed, and a target is named" in done.stdout
    assert "put it right: pip install 'contract-drift[fuzz]'" in done.stdout


def test_outside_of_a_repository_nothing_is_missed_that_needs_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ask: Asked
) -> None:
    folder = tmp_path / "bare"
    folder.mkdir()
    monkeypatch.chdir(folder)
    found = ask()
    assert short(found["config"])[2] == "contract init"
    assert found["git"]["state"] == "note"
    assert "hook" not in found


def test_an_unknown_format_is_refused(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["doctor", "--format", "jsn"]) == 2
    assert "doctor has no format `jsn`. Did you mean `json`?" in capsys.readouterr().err
