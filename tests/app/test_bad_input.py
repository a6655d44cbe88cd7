"""Bad input, as a newcomer meets it: one clear line, the right exit code, and nothing half-written.

Each test runs the command itself, in a process, a folder and an environment of its own.
"""

from __future__ import annotations

import http.server
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
HEAD = "openapi: 3.1.0\ninfo: {title: t, version: '1'}\n"
GET = """\
paths:
  /tasks:
    get:
      operationId: listTasks
      responses:
        '200':
          description: All.
          content: {application/json: {schema: SCHEMA}}
"""
GOOD = HEAD + GET.replace("SCHEMA", "{type: array}")


def referring(reference: str, more: str = "") -> str:
    """A document whose line 10 refers to this, at column 49."""
    return HEAD + GET.replace("SCHEMA", f"{{$ref: '{reference}'}}") + more


ROUTES = ("--routes", "text:routes.txt", "--no-types")
PASSED = "Passed: 1 of 1 implemented operations documented · report .contract/report.html · exit 0\n"
REPORT = [".contract/.gitignore", ".contract/report.html", ".contract/report.json"]


@dataclass(frozen=True)
class Done:
    """What a command left: its exit code, what it printed, and the files that were not there before."""

    code: int
    out: str
    err: str
    made: list[str]

    @property
    def said(self) -> tuple[int, str, str, list[str]]:
        return self.code, self.out, self.err, self.made

    def refused(self, err: str, code: int = 2) -> bool:
        """True if exactly this was said, and nothing else happened."""
        assert self.said == (code, "", err, [])
        return True


Run = Callable[..., Done]


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}


def environment(home: Path, **more: str) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "CI": "true",
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        **more,
    }


@pytest.fixture
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project with a document that is right, and its route."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "api.yaml").write_text(GOOD)
    (tmp_path / "routes.txt").write_text("GET /tasks\n")
    return tmp_path


@pytest.fixture
def contract(folder: Path, home: Path) -> Run:
    def run(*words: str, **more: str) -> Done:
        before = files(folder)
        done = subprocess.run(
            [sys.executable, "-m", "contract", *words],
            cwd=folder,
            env=environment(home, **more),
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        return Done(done.returncode, done.stdout, done.stderr, sorted(files(folder) - before))

    return run


@dataclass
class Api:
    """A real server, and how often it was asked."""

    origin: str
    asked: int = 0
    wait_s: float = 0.0
    status: int = 200


@pytest.fixture
def api() -> Iterator[Api]:
    state = Api("")

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            state.asked += 1
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            time.sleep(state.wait_s)
            self.send_response(state.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"[]")

        do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = do_HEAD = answer

        def handle(self) -> None:
            try:
                super().handle()
            except (BrokenPipeError, ConnectionResetError):  # a client that was stopped
                self.close_connection = True

        def log_message(self, *_: Any) -> None: ...

    class Server(http.server.ThreadingHTTPServer):
        daemon_threads = True

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    state.origin = f"http://127.0.0.1:{server.server_port}"
    yield state
    server.shutdown()
    thread.join()
    server.server_close()


def kept(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / ".contract" / "report.json").read_text())
    return found


def sources(folder: Path) -> list[tuple[str, str, str | None]]:
    return [(source["name"], source["verdict"], source["message"]) for source in kept(folder)["sources"]]


# --- the document ---


def test_no_document(contract: Run, api: Api) -> None:
    assert contract("check", "--target", api.origin).refused(
        "error: there is no document to check against\n"
        '  hint: say `--document api.yaml`, or `document = "api.yaml"` in contract.toml\n'
    )
    assert contract("check", "--document", "apy.yaml", "--target", api.origin).refused(
        "error: apy.yaml: no such file. Did you mean 'api.yaml'?\n"
    )
    assert contract("check", "--document", "nowhere.yaml", "--target", api.origin).refused(
        "error: nowhere.yaml: no such file\n"
    )
    assert contract("check", "--document", ".", "--target", api.origin).refused(
        "error: .: a folder, and a file is needed\n"
    )
    assert contract("check", "--document", "https://a.example/openapi.json", "--target", api.origin).refused(
        "error: https://a.example/openapi.json: a document is read from a file, not from a URL\n"
        "  hint: save it: `curl -fsSLo openapi.json https://a.example/openapi.json`\n"
    )
    assert api.asked == 0


BOMB = "\n".join(
    [
        HEAD + "x-0: &a0 [x, x, x, x, x, x, x, x, x, x]",
        *(f"x-{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)),
        "paths: {}\n",
    ]
)


@pytest.mark.parametrize(
    ("text", "err"),
    [
        ("", "api.yaml: the file is empty"),
        ("hello", "api.yaml:1:1: the top level is a text, and an OpenAPI document is a mapping"),
        (
            "a: [1\nb: {",
            "api.yaml:2:2: not valid YAML: did not find expected ',' or ']' (while parsing a flow sequence)",
        ),
        (
            BOMB,
            "api.yaml:8:46: aliases expand to more than 1,000,000 nodes, `*a4` is one too many\n"
            "  hint: write the repeated part once, under `components`, and point to it with `$ref`",
        ),
        (
            HEAD + "paths:\n  /a: {}\n  /b: {}\n  /a: {}\n",
            "api.yaml:6:3: the key `/a` is given twice, first in line 4",
        ),
        (
            "swagger: '1.2'\n",
            "api.yaml:1:1: `swagger: 1.2` is not supported; OpenAPI 3.0, 3.1, 3.2 and Swagger 2.0 are",
        ),
        (
            "services: {web: {}}\n",
            "api.yaml:1:1: neither `openapi` nor `swagger` says which version it is; it looks like a Compose file\n"
            "  hint: begin with `openapi: 3.1.0`",
        ),
        (
            referring("#/components/schemas/Taks", "components: {schemas: {Task: {type: array}}}\n"),
            "api.yaml:10:49: `$ref: '#/components/schemas/Taks'` points to nothing. Did you mean 'Task'?",
        ),
        (
            referring("#/components/schemas/A", "components: {schemas: {A: {$ref: '#/components/schemas/A'}}}\n"),
            "api.yaml:10:49: `$ref`s lead in a circle, and to nothing else: "
            "#/components/schemas/A → #/components/schemas/A",
        ),
        (
            referring("https://a.example/task.yaml"),
            "api.yaml:10:49: `$ref: 'https://a.example/task.yaml'`: nothing is fetched from the network unless it is "
            "allowed\n  hint: save what it names beside the document and point to that file, or allow it: "
            "`--allow-ref https://a.example/`",
        ),
        (referring("tasks.yaml"), "api.yaml:10:49: `$ref: 'tasks.yaml'`: no such file"),
    ],
    ids=lambda text: text[:20] if len(text) < 60 else text.partition("\n")[0][-40:],
)
def test_a_document_that_cannot_be_read_is_refused_with_its_line(
    contract: Run, folder: Path, text: str, err: str
) -> None:
    (folder / "api.yaml").write_text(text)
    started = time.monotonic()
    assert contract("check", "--document", "api.yaml", *ROUTES).refused(f"error: {err}\n")
    assert time.monotonic() - started < 10
    done = contract("lint", "api.yaml")
    assert done.said == (2, "Failed: 1 document cannot be read\n", f"error: {err}\n", [])


def test_bytes_that_are_no_text_are_refused(contract: Run, folder: Path) -> None:
    (folder / "api.yaml").write_bytes(b"a\x00\xff")
    assert contract("check", "--document", "api.yaml", *ROUTES).refused(
        "error: api.yaml:1:3: the byte 0xFF is no UTF-8\n  hint: save the file as UTF-8\n"
    )


def test_a_cycle_of_references_through_a_property_is_legal(contract: Run, folder: Path) -> None:
    (folder / "api.yaml").write_text(
        referring(
            "#/components/schemas/Task",
            "components:\n  schemas:\n    Task:\n      type: object\n      properties:\n"
            "        parent: {$ref: '#/components/schemas/Task'}\n",
        )
    )
    assert contract("check", "--document", "api.yaml", *ROUTES, "-q").said == (0, PASSED, "", REPORT)


def test_a_file_outside_of_the_project_is_refused_unless_allowed(contract: Run, folder: Path, home: Path) -> None:
    outside = home / "task.yaml"
    outside.write_text("type: array\n")
    (folder / "api.yaml").write_text(referring(str(outside)))
    check = ("check", "--document", "api.yaml", *ROUTES, "-q")
    assert contract(*check).refused(
        f"error: api.yaml:10:49: `$ref: '{outside}'`: {outside} is outside of the project\n"
        f"  hint: move it into the current directory, or allow it: `--allow-ref {outside}`\n"
    )
    assert contract(*check, "--allow-ref", str(outside)).said == (0, PASSED, "", REPORT)


def test_two_documents_that_declare_one_operation_are_refused_and_two_that_do_not_are_one(
    contract: Run, folder: Path, api: Api
) -> None:
    (folder / "same.yaml").write_text(GOOD)
    (folder / "other.yaml").write_text(GOOD.replace("/tasks", "/bills").replace("listTasks", "listBills"))
    (folder / "routes.txt").write_text("GET /tasks\nGET /bills\nGET /new\n")
    check = ("check", "--document", "api.yaml", "--document")
    assert contract(*check, "same.yaml", "--target", api.origin).refused(
        "error: same.yaml:5:5: `GET /tasks`: this operation is declared in api.yaml:5 too\n"
        "  hint: take it out of one of them; if they describe two services, check each with a `--target` of its own\n"
    )
    assert api.asked == 0
    done = contract(*check, "other.yaml", "--document", "./api.yaml", *ROUTES, "-q")
    assert done.said == (1, "Failed: 1 operation undocumented · report .contract/report.html · exit 1\n", "", REPORT)
    report = kept(folder)
    assert (report["document"]["path"], report["document"]["operations"]) == ("api.yaml, other.yaml", 2)
    assert [(row["key"], row["location"]["file"]) for row in report["operations"][:2]] == [
        ("GET /tasks", "api.yaml"),
        ("GET /bills", "other.yaml"),
    ]
    assert [row["message"] for row in report["findings"]] == [
        "GET /new is implemented, and the document does not declare it."
    ]


def test_documents_below_two_base_paths_are_each_asked_below_their_own(contract: Run, folder: Path, api: Api) -> None:
    (folder / "api.yaml").write_text(GOOD + "servers: [{url: /one}]\n")
    (folder / "b.yaml").write_text(GOOD.replace("listTasks", "tasksOfTwo") + "servers: [{url: /two}]\n")
    documents = ("--document", "api.yaml", "--document", "b.yaml")
    done = contract("check", *documents, "--target", api.origin, "--no-types", "--max-examples", "2", "-q")
    assert (done.code, done.err) == (0, "")
    rows = kept(folder)["operations"]
    assert [row["key"] for row in rows] == ["GET /tasks", "GET /two/tasks"]
    assert all(row["exchanges"] > 0 for row in rows)


def test_a_finding_in_one_of_several_documents_is_replayed_from_the_report(
    contract: Run, folder: Path, api: Api
) -> None:
    api.status = 202
    (folder / "b.yaml").write_text(GOOD.replace("/tasks", "/bills").replace("listTasks", "listBills"))
    documents = ("--document", "api.yaml", "--document", "b.yaml")
    done = contract("check", *documents, "--target", api.origin, "--no-types", "--max-examples", "1", "-q")
    assert done.code == 1
    finding = next(row for row in kept(folder)["findings"] if (row["operation"] or {}).get("path") == "/bills")
    again = contract("replay", finding["fingerprint"][:8])
    assert (again.code, again.err) == (1, "")
    assert again.out.startswith("Still holds: undeclared-status ")


# --- where it goes ---


@pytest.mark.parametrize(
    ("words", "err"),
    [
        (["--format", "json=routes.txt/r.json"], "routes.txt/r.json: cannot be written: not a directory"),
        (["--format", "json=.git"], ".git: is a folder; a report needs the path of a file"),
        (["--format", "html=/proc/no/r.html"], "/proc/no/r.html: cannot be written: no such file or directory"),
        (["--report-dir", "routes.txt"], "routes.txt/report.json: cannot be written: not a directory"),
        (
            ["--baseline", "routes.txt/b.json", "--update-baseline", "--reason", "known"],
            "routes.txt/b.json: cannot be written: not a directory",
        ),
    ],
)
def test_a_path_that_cannot_be_written_is_found_before_anything_is_sent(
    contract: Run, api: Api, words: list[str], err: str
) -> None:
    assert contract("check", "--document", "api.yaml", "--target", api.origin, *words).refused(f"error: {err}\n")
    assert api.asked == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is always full")
def test_a_report_that_cannot_be_written_after_all_does_not_cost_the_others(contract: Run) -> None:
    words = ("--format", "json=/dev/full", "--format", "markdown=report.md", "-q")
    done = contract("check", "--document", "api.yaml", *ROUTES, *words)
    err = "error: /dev/full: cannot be written: no space left on device\n"
    assert done.said == (2, PASSED, err, sorted([*REPORT, "report.md"]))


# --- what is not there ---


def absent(home: Path, *names: str) -> str:
    """A PYTHONPATH with which these packages are not installed."""
    place = home / "without"
    place.mkdir()
    (place / "sitecustomize.py").write_text(
        "import sys\n"
        "from importlib.machinery import PathFinder\n\n"
        "class Without(PathFinder):\n"
        "    @classmethod\n"
        "    def find_spec(cls, name, path=None, target=None):\n"
        f"        absent = name.partition('.')[0] in {names!r}\n"
        "        return None if absent else PathFinder.find_spec(name, path, target)\n\n"
        "sys.meta_path[sys.meta_path.index(PathFinder)] = Without\n"
    )
    return os.pathsep.join([str(place), str(ROOT)])


EXTRAS = ("schemathesis", "hypothesis", "openapi_core", "deepdiff", "datamodel_code_generator", "mypy", "starlette")


@pytest.mark.parametrize(
    ("words", "name", "message"),
    [
        (["--target", "ORIGIN"], "fuzz", "the fuzzer needs `schemathesis`, which is not installed|fuzz"),
        (
            ["--routes", "text:routes.txt", "--types", "python"],
            "types",
            "generating types needs `datamodel-code-generator`, which is not installed|types",
        ),
        (
            ["--routes", "openapi:api.yaml"],
            "routes",
            "comparing an exported document needs `deepdiff`, which is not installed|fuzz",
        ),
        (
            ["--routes", "asgi:app:app"],
            "routes",
            "reading the routes of an ASGI application needs `starlette`, which is not installed|service",
        ),
        (
            ["--traffic", "ndjson:traffic.ndjson"],
            "proof",
            "a second opinion (proof) needs `openapi-core`, which is not installed|fuzz",
        ),
    ],
    ids=["fuzz", "types", "openapi", "asgi", "proof"],
)
def test_an_extra_that_is_not_installed_is_named_and_gives_no_verdict(
    contract: Run, folder: Path, home: Path, api: Api, words: list[str], name: str, message: str
) -> None:
    (folder / "traffic.ndjson").write_text(
        '{"method": "GET", "url": "/tasks", "status": 200, "response_headers": {"Content-Type": "application/json"}, '
        '"response_body": "{}"}\n'
    )
    words = [word.replace("ORIGIN", api.origin) for word in words]
    done = contract("check", "--document", "api.yaml", *words, "-q", PYTHONPATH=absent(home, *EXTRAS))
    verdict = f"No verdict: {name} failed to measure · report .contract/report.html · exit 3\n"
    assert done.said == (3, verdict, "", REPORT)
    what, _, extra = message.partition("|")
    told = [(source, text) for source, verdict, text in sources(folder) if verdict == "error"]
    assert told == [(name, f"{what} (pip install 'contract-drift[{extra}]')")]
    assert api.asked == 0


def test_what_needs_no_extra_works_without_them(contract: Run, home: Path) -> None:
    without = absent(home, *EXTRAS, "pydantic", "fastapi", "uvicorn", "requests")
    done = contract("check", "--document", "api.yaml", "--routes", "text:routes.txt", "-q", PYTHONPATH=without)
    assert done.said == (0, PASSED, "", REPORT)
    assert contract("lint", "api.yaml", PYTHONPATH=without).said == (
        0,
        "Passed: nothing to say in 1 document\n",
        "",
        [],
    )


@pytest.mark.parametrize("kind", ["asgi", "wsgi"])
def test_a_target_that_raises_on_import_is_named_with_its_line(contract: Run, folder: Path, kind: str) -> None:
    (folder / "broken.py").write_text('import os\n\nTOKEN = os.environ["NO_SUCH_VARIABLE"]\n')
    check = ("check", "--document", "api.yaml", "--no-types", "-q", "--target")
    reason = f"{kind}:broken:app: importing `broken` raised KeyError: 'NO_SUCH_VARIABLE' (broken.py:3)"
    assert contract(*check, f"{kind}:broken:app").refused(f"error: {reason}\n", 3)
    assert contract(*check, f"{kind}:brokn:app").refused(
        f"error: {kind}:brokn:app: there is no module `brokn`\n"
        "  hint: run it from the folder that holds `brokn`, or set PYTHONPATH\n",
        3,
    )
    # Beside it another source speaks for itself.
    done = contract(*check, f"{kind}:broken:app", "--routes", "text:routes.txt")
    assert done.said == (3, "No verdict: fuzz failed to measure · report .contract/report.html · exit 3\n", "", REPORT)
    assert sources(folder) == [("routes", "pass", None), ("fuzz", "error", reason)]
    (folder / "routes.txt").write_text("GET /tasks\nGET /new\n")
    done = contract(*check, f"{kind}:broken:app", "--routes", "text:routes.txt")
    assert (done.code, done.out) == (
        1,
        "Failed: 1 operation undocumented, fuzz failed to measure · report .contract/report.html · exit 1\n",
    )


def test_routes_of_a_module_that_raises_are_an_error_beside_the_others(contract: Run, folder: Path) -> None:
    (folder / "broken.py").write_text("raise RuntimeError('no database')\n")
    done = contract("check", "--document", "api.yaml", "--routes", "asgi:broken:app", "--no-types", "-q")
    verdict = "No verdict: routes failed to measure · report .contract/report.html · exit 3\n"
    assert done.said == (3, verdict, "", REPORT)
    assert sources(folder) == [
        (
            "routes",
            "error",
            "broken:app: importing `broken` raised RuntimeError: no database at broken.py:1 (the application must be "
            "importable without its services: set what it reads at import)",
        )
    ]


def test_a_target_that_nobody_serves_gives_no_verdict_but_what_is_proved_stands(contract: Run, folder: Path) -> None:
    check = ("check", "--document", "api.yaml", "--target", "http://127.0.0.1:1", "--no-types", "-q")
    verdict = "No verdict: fuzz failed to measure · report .contract/report.html · exit 3\n"
    assert contract(*check).said == (3, verdict, "", REPORT)
    assert sources(folder) == [
        (
            "fuzz",
            "error",
            "http://127.0.0.1:1 refused the connection (Is the server running? `contract check --target "
            "asgi:app.main:app` needs none.)",
        )
    ]
    (folder / "routes.txt").write_text("GET /tasks\nGET /new\n")
    done = contract(*check, "--routes", "text:routes.txt")
    assert (done.code, done.out) == (
        1,
        "Failed: 1 operation undocumented, fuzz failed to measure · report .contract/report.html · exit 1\n",
    )


@pytest.mark.parametrize(
    ("words", "name", "message"),
    [
        (
            ["--routes", "text:nowhere.txt"],
            "routes",
            "nowhere.txt: no such file (one route a line, `METHOD /path`: `GET /tasks/{id}`; comments begin with #)",
        ),
        (["--traffic", "har:nowhere.har"], "traffic", "nowhere.har: no such file"),
        (
            ["--traffic", "har:routes.txt"],
            "traffic",
            "routes.txt: not a HAR file: it has no `log.entries`: expected `{` at byte 1",
        ),
    ],
)
def test_a_source_that_cannot_be_read_gives_no_verdict(
    contract: Run, folder: Path, words: list[str], name: str, message: str
) -> None:
    done = contract("check", "--document", "api.yaml", *words, "--no-types", "-q")
    verdict = f"No verdict: {name} failed to measure · report .contract/report.html · exit 3\n"
    assert done.said == (3, verdict, "", REPORT)
    assert sources(folder) == [(name, "error", message)]


# --- words that nobody knows ---


@pytest.mark.parametrize(
    ("words", "err"),
    [
        (["chekc"], "unknown command `chekc`. Did you mean `check`?"),
        (["check", "--max-tiem", "3s"], "unknown flag `--max-tiem`. Did you mean `--max-time`?"),
        (["check", "--document", "api.yaml", "--format", "jsno=r"], "there is no format `jsno`. Did you mean `json`?"),
        (
            ["check", "--document", "api.yaml", "--routes", "lravel:routes.json"],
            "--routes knows no `lravel`. Did you mean `laravel`?",
        ),
        (
            ["check", "--document", "api.yaml", "--traffic", "haar:a.har"],
            "--traffic knows no `haar`. Did you mean `har`?",
        ),
        (
            ["check", "--document", "api.yaml", "--routes", "text:routes.txt", "--no-types", "--types", "pyhton"],
            "--types knows no `pyhton`. Did you mean `python`?",
        ),
        (
            ["check", "--document", "api.yaml", "--level", "response-shcema=off"],
            "flag --level: no rule is called `response-shcema`. Did you mean `response-schema`?\n"
            "  hint: contract explain",
        ),
        (["check", "--document", "api.yaml", "--fail-on", "eror"], "--fail-on must be `error`, `warning` or `note`, not `eror`"),
        (["explain", "response-shcema"], "there is no rule, figure or exit code `response-shcema`. Did you mean `response-schema`?"),
    ],
    ids=lambda value: " ".join(value[-2:]) if isinstance(value, list) else "",
)  # fmt: skip
def test_a_word_that_nobody_knows_is_answered_with_the_nearest(contract: Run, words: list[str], err: str) -> None:
    assert contract(*words).refused(f"error: {err}\n")


@pytest.mark.parametrize(
    ("text", "err"),
    [
        ("[fuzz]\nmax_tmie = 3\n", "contract.toml:2: unknown key `max_tmie` in [fuzz]. Did you mean `max_time`?"),
        ("documnt = 'api.yaml'\n", "contract.toml:1: unknown key `documnt`. Did you mean `document`?"),
        ('document = "api.yaml\n', "contract.toml:1:21: not TOML: Illegal character '\\n'"),
        (
            "document = 'api.yaml'\n[levels]\nserver-error = 'note'\nresponse-shcema = 'off'\n",
            "contract.toml:4: no rule is called `response-shcema`. Did you mean `response-schema`?\n"
            "  hint: contract explain",
        ),
        (
            "document = 'api.yaml'\n[levels]\nserver-error = 'eror'\n",
            "contract.toml:3: `levels` must be `error`, `warning`, `note` or `off` for each rule",
        ),
    ],
)
def test_a_config_file_that_is_wrong_is_named_with_its_line(contract: Run, folder: Path, text: str, err: str) -> None:
    (folder / "contract.toml").write_text(text)
    assert contract("check", *ROUTES).refused(f"error: {err}\n")
    assert contract("lint", "api.yaml").refused(f"error: {err}\n")


def test_a_pattern_that_matches_nothing_is_a_warning_in_the_report_and_on_the_terminal(
    contract: Run, folder: Path
) -> None:
    (folder / "contract.toml").write_text("document = 'api.yaml'\nexclude = ['GET /tsks', 'tag:x']\n")
    done = contract("check", *ROUTES, "--exclude", "GET /taks :: later")
    note = "the exclude pattern `GET /taks` matches nothing. Did you mean `GET /tasks`?"
    assert (done.code, done.err, kept(folder)["run"]["notes"]) == (0, "", [note])
    assert note in done.out.splitlines()
    contract("check", *ROUTES)
    assert kept(folder)["run"]["notes"] == [
        "contract.toml:2: the exclude pattern `GET /tsks` matches nothing. Did you mean `GET /tasks`?",
        "contract.toml:2: the exclude pattern `tag:x` matches nothing",
    ]
    (folder / "contract.toml").unlink()
    # One for a route that is in no document has its use; without routes that is not known to be so.
    (folder / "routes.txt").write_text("GET /tasks\nGET /health\n")
    contract("check", "--document", "api.yaml", *ROUTES, "--exclude", "GET /health :: for the load balancer")
    assert kept(folder)["run"]["notes"] == []


# --- replay ---


def test_replay_says_what_it_cannot_find(contract: Run, folder: Path, api: Api) -> None:
    assert contract("replay", "7c1f9a0").refused(
        "error: .contract/report.json: no such report\n  hint: run `contract check` first, or say `--report FILE`\n"
    )
    (folder / "routes.txt").write_text("".join(f"GET /r{number}\n" for number in range(40)))
    contract("check", "--document", "api.yaml", *ROUTES, "-q")
    hint = "  hint: a report names it beside each finding that can be sent again: `contract replay 7c1f9a0`\n"
    assert contract("replay", "zzz").refused(f"error: the report has no finding `zzz`\n{hint}")
    assert contract("replay", "").refused(f"error: no fingerprint is named\n{hint}")
    prints = [row["fingerprint"] for row in kept(folder)["findings"]]
    first = next(digit for digit in "0123456789abcdef" if sum(one[0] == digit for one in prints) > 1)
    same = [one for one in prints if one[0] == first]
    rules = {row["fingerprint"]: row["rule"] for row in kept(folder)["findings"]}
    named = ", ".join(f"{one[:5]} ({rules[one]})" for one in same[:3])
    more = f" and {len(same) - 3} more" if len(same) > 3 else ""
    assert contract("replay", first).refused(
        f"error: `{first}` names {len(same)} findings\n  hint: give more of its digits: {named}{more}\n"
    )
    done = contract("replay", prints[0], "--target", api.origin)
    assert done.said == (
        3,
        f"Cannot tell: {rules[prints[0]]} {prints[0][:7]}: the report has no request for it, its proof is structural; "
        "run `contract check` again · exit 3\n",
        "",
        [],
    )
    assert api.asked == 0


@pytest.mark.parametrize(
    ("data", "err"),
    [
        (b"{", "given.json: the report is not JSON: unexpected end of data: line 1 column 2 (char 1)"),
        (b"{}", "given.json: this JSON is not a report of contract: it has no `schema_version`"),
        (b'{"schema_version": 99}', "given.json: the report has schema version 99; this release reads version 1"),
        (b"\xff", "given.json: the report is not JSON: str is not valid UTF-8: surrogates not allowed: line 1 column 1 (char 0)"),
    ],
)  # fmt: skip
def test_replay_of_what_is_no_report_says_so(contract: Run, folder: Path, data: bytes, err: str) -> None:
    (folder / "given.json").write_bytes(data)
    done = contract("replay", "7c1f9a0", "--report", "given.json")
    assert (done.code, done.out, done.err.splitlines()[0], done.made) == (2, "", f"error: {err}", [])
    assert contract("replay", "7c1f9a0", "--report", ".").refused("error: .: is a directory\n")


# --- the baseline ---


def test_an_exemption_that_has_ended_fails_again_and_that_is_said(contract: Run, folder: Path) -> None:
    (folder / "routes.txt").write_text("GET /tasks\nGET /new\n")
    check = ("check", "--document", "api.yaml", *ROUTES, "--baseline", "known/base.json", "-q")
    accept = ("--update-baseline", "--reason", "goes with 2.0", "--until")
    done = contract(*check, *accept, "2999-01-01")
    accepted = "Accepted: 1 more finding, 1 in known/base.json · report .contract/report.html · exit 0\n"
    assert done.said == (0, accepted, "", sorted([*REPORT, "known/base.json"]))
    assert contract(*check).code == 0
    baseline = folder / "known" / "base.json"
    baseline.write_text(baseline.read_text().replace("2999-01-01", "2020-01-01"))
    done = contract(*check)
    assert (done.code, done.out, done.err) == (
        1,
        "Failed: 1 operation undocumented · report .contract/report.html · exit 1\n",
        "",
    )
    assert kept(folder)["run"]["notes"] == [
        "known/base.json: 1 exemption has ended, the last on 2020-01-01, and what was exempt fails again"
    ]


@pytest.mark.parametrize(
    ("text", "err"),
    [
        ("{", "known/b.json:1:2: not JSON: expecting property name enclosed in double quotes"),
        ("[]", "known/b.json: not a baseline: it needs `accepted`, a list"),
        ('{"schema_version": 2, "accepted": []}', "known/b.json: `schema_version` must be 1, not 2"),
        (
            '{"schema_version": 1, "accepted": [{"fingerprint": "a"}]}',
            "known/b.json: entry 1: `reason` is missing\n  hint: say why the finding is accepted",
        ),
        (
            '{"schema_version": 1, "accepted": [{"fingerprint": "a", "reason": "r", "until": "soon"}]}',
            "known/b.json: entry 1: `until` must be a date such as 2027-03-31, not `soon`",
        ),
        (
            None,
            "known/b.json: no such file\n"
            "  hint: make it: `contract check --baseline known/b.json --update-baseline --reason '…'`",
        ),
    ],
)
def test_a_broken_baseline_is_refused_before_anything_is_sent(
    contract: Run, folder: Path, api: Api, text: str | None, err: str
) -> None:
    (folder / "known").mkdir()
    if text is not None:
        (folder / "known" / "b.json").write_text(text)
    check = ("check", "--document", "api.yaml", "--target", api.origin, "--baseline", "known/b.json")
    assert contract(*check).refused(f"error: {err}\n")
    assert api.asked == 0


# --- Ctrl-C ---


LONG = (
    HEAD
    + """\
paths:
  /tasks:
    get:
      operationId: listTasks
      parameters:
        - {name: limit, in: query, schema: {type: integer}}
        - {name: title, in: query, schema: {type: string}}
      responses:
        '200':
          description: All.
          content: {application/json: {schema: {type: array}}}
"""
)
"""Of an operation with parameters the fuzzer makes many cases."""


def interrupted(folder: Path, home: Path, api: Api, after: int, words: Sequence[str] = ()) -> tuple[int, str, str]:
    """Exit code and output of a fuzz run that gets SIGINT once the server was asked so often."""
    (folder / "api.yaml").write_text(LONG)
    command = [sys.executable, "-m", "contract", "check", "--document", "api.yaml", "--target", api.origin, "-q"]
    command += ["--no-types", "--max-examples", "1000", "--max-time", "none", "--format", "json=out.json", *words]
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=environment(home),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 60
    while api.asked < after and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)  # nobody of its session is left
    asked = api.asked
    time.sleep(3 * api.wait_s)
    assert api.asked == asked
    return process.returncode, out, err


@pytest.mark.parametrize("workers", ["1", "3"])
def test_ctrl_c_in_the_middle_of_a_run_leaves_a_whole_report_that_says_it_is_incomplete(
    folder: Path, home: Path, api: Api, workers: str
) -> None:
    api.wait_s = 0.1
    code, out, err = interrupted(folder, home, api, 8, ["--workers", workers])
    assert (code, out, err) == (
        3,
        "No verdict: the run was stopped before its end, and found nothing until then "
        "· report .contract/report.html · exit 3\n",
        "",
    )
    report = json.loads((folder / "out.json").read_text())
    assert report == kept(folder)
    assert (report["run"]["complete"], report["run"]["notes"]) == (
        False,
        ["stopped by Ctrl-C: what was seen until then is reported"],
    )
    assert 4 < report["sources"][0]["exchanges"] <= api.asked
    assert files(folder) == {"api.yaml", "routes.txt", "out.json", *REPORT}


def test_ctrl_c_keeps_what_was_proved(folder: Path, home: Path, api: Api) -> None:
    api.wait_s, api.status = 0.1, 418
    code, out, err = interrupted(folder, home, api, 8)
    assert (code, out, err) == (1, "Failed: 1 new finding · report .contract/report.html · exit 1\n", "")
    report = kept(folder)
    assert (report["run"]["complete"], [row["rule"] for row in report["findings"]]) == (False, ["undeclared-status"])
