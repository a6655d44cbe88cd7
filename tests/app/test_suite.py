"""`pytest --contract` in projects of their own: real clients, real frameworks, real workers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import tomllib
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.needs import missing

ROOT = Path(__file__).parents[2]
PLUGIN = [] if entry_points(group="pytest11", name="contract") else ["-p", "contract.app.pytest_plugin"]

DOCUMENT = """\
openapi: 3.1.0
info: {title: Tasks, version: "1", license: {name: MIT, identifier: MIT}}
paths:
  /tasks:
    get:
      operationId: listTasks
      responses:
        "200":
          description: all
          content: {application/json: {schema: {type: array, items: {$ref: "#/components/schemas/Task"}}}}
    post:
      operationId: addTask
      requestBody:
        required: true
        content: {application/json: {schema: {type: object, required: [title], properties: {title: {type: string}}}}}
      responses:
        "201":
          description: made
          content: {application/json: {schema: {$ref: "#/components/schemas/Task"}}}
components:
  schemas:
    Task:
      type: object
      required: [id, title]
      properties: {id: {type: integer}, title: {type: string}}
"""

# What each application answers: the second one breaks the document.
GOOD = '[{"id": 1, "title": "a"}]'
BAD = '[{"id": "one", "title": "a"}]'

STARLETTE = """
import json
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

ITEMS = '''%s'''

async def tasks(request):
    if request.method == "POST":
        return Response(json.dumps({"id": 1, **await request.json()}), 201, media_type="application/json")
    if request.query_params.get("raise"):
        raise ZeroDivisionError
    return Response(ITEMS, media_type="application/json")

app = Starlette(routes=[Route("/tasks", tasks, methods=["GET", "POST"])])
"""

TESTS = """
from starlette.testclient import TestClient
from application import app

def test_list():
    assert TestClient(app).get("/tasks").status_code == 200

def test_add():
    assert TestClient(app).post("/tasks", json={"title": "x"}).json() == {"id": 1, "title": "x"}
"""


def project(folder: Path, **files: str) -> Path:
    (folder / "api.yaml").write_text(DOCUMENT)
    for name, text in files.items():
        (folder / f"{name}.py").write_text(textwrap.dedent(text))
    return folder


def ran(folder: Path, *words: str, document: str = "api.yaml") -> tuple[int, str]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("CONTRACT_", "PYTEST_"))}
    environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), str(folder)])
    asked = ["--contract", document] if document else []
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *PLUGIN, "-p", "no:cacheprovider", *asked, *words],
        cwd=folder, env=environ, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def reported(folder: Path, *words: str) -> tuple[int, dict[str, Any], str]:
    code, said = ran(folder, "--contract-report", "report.json", *words)
    assert (folder / "report.json").exists(), said
    return code, json.loads((folder / "report.json").read_text()), said


def facts(report: dict[str, Any]) -> tuple[int, list[tuple[str, str, str]]]:
    """Exchanges, and the findings that are no remarks on the document."""
    [source] = [each for each in report["sources"] if each["name"] == "traffic"]
    return source["exchanges"], [
        (row["rule"], row["level"], "{method} {path}".format(**row["operation"])) for row in report["findings"]
    ]


DRIFT = [("response-schema", "error", "GET /tasks")]


def test_a_suite_that_passes_fails_where_its_exchanges_break_the_document(tmp_path: Path) -> None:
    folder = project(tmp_path, application=STARLETTE % BAD, test_tasks=TESTS)
    code, report, said = reported(folder, "--contract-report", "report.html")
    assert (code, facts(report)) == (1, (2, DRIFT))
    assert "2 passed" in said and "Failed: 1 new finding · report report.json · exit 1" in said
    assert report["findings"][0]["proof"] == "confirmed"
    assert (folder / "report.html").read_text().startswith("<!doctype html>")


def test_a_suite_whose_exchanges_keep_the_document_passes(tmp_path: Path) -> None:
    folder = project(tmp_path, application=STARLETTE % GOOD, test_tasks=TESTS)
    code, report, said = reported(folder)
    assert (code, facts(report)) == (0, (2, []))
    assert "Passed: 0 drift" in said


def test_a_part_of_a_suite_proves_too_little_unless_it_is_allowed_to(tmp_path: Path) -> None:
    folder = project(tmp_path, application=STARLETTE % GOOD, test_tasks=TESTS)
    code, said = ran(folder, "-q", "-k", "list")
    assert code == 1
    assert "contract: No verdict: drift is undecided, 1 of 2 operations exercised (floor 80 %)" in said
    code, said = ran(folder, "-q", "-k", "list", "--contract-fail-under", "0")
    assert code == 0, said


def test_workers_of_xdist_make_one_report(tmp_path: Path) -> None:
    many = TESTS + "\n".join(f"def test_list_{n}(): test_list()" for n in range(10))
    folder = project(tmp_path, application=STARLETTE % BAD, test_tasks=many)
    one = reported(folder)
    two = reported(folder, "-n", "2")
    assert one[0] == two[0] == 1
    assert facts(one[1]) == facts(two[1]) == (12, DRIFT)
    assert [row["fingerprint"] for row in one[1]["findings"]] == [row["fingerprint"] for row in two[1]["findings"]]
    assert one[1]["findings"][0]["example"] == two[1]["findings"][0]["example"]


def test_a_worker_that_crashes_leaves_no_verdict(tmp_path: Path) -> None:
    crash = TESTS + "\ndef test_crash():\n    import os\n    os._exit(3)\n"
    folder = project(tmp_path, application=STARLETTE % GOOD, test_tasks=crash)
    code, report, _ = reported(folder, "-n", "1", "--max-worker-restart", "0", "--contract-fail-under", "0")
    assert code == 1
    assert report["run"]["notes"] == ["1 of 1 workers ended without saying what they saw"]
    assert report["run"]["complete"] is False


CLIENTS = {
    "httpx": """
        import asyncio, httpx
        from application import app

        def test_all():
            async def ask():
                async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://any") as client:
                    assert (await client.get("/tasks")).json()
                    assert (await client.post("/tasks", json={"title": "x"})).status_code == 201
                    async with client.stream("GET", "/tasks") as answer:
                        assert len([piece async for piece in answer.aiter_bytes()]) > 0
            asyncio.run(ask())
            mocked = httpx.Client(transport=httpx.MockTransport(lambda request: httpx.Response(500)))
            assert mocked.get("http://any/tasks").status_code == 500
        """,
    "httpx2": """
        import httpx2, pytest, threading, time, uvicorn
        from application import app

        def test_all():
            server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="critical"))
            thread = threading.Thread(target=server.run, daemon=True)
            thread.start()
            while not server.started:
                time.sleep(0.01)
            port = server.servers[0].sockets[0].getsockname()[1]
            with httpx2.Client(base_url=f"http://127.0.0.1:{port}") as client:
                assert client.get("/tasks").json()
                assert client.post("/tasks", json={"title": "x"}).status_code == 201
                with client.stream("GET", "/tasks") as answer:
                    assert b"".join(answer.iter_raw())
            server.should_exit = True
            thread.join()
            with pytest.raises(httpx2.ConnectError):
                httpx2.get(f"http://127.0.0.1:{port}/tasks")
        """,
    "requests": """
        import requests, threading
        from wsgiref.simple_server import make_server
        from wsgi_application import app

        def test_all():
            with make_server("127.0.0.1", 0, app) as server:
                threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
                base = f"http://127.0.0.1:{server.server_port}"
                assert requests.get(base + "/tasks").json()
                assert requests.post(base + "/tasks", json={"title": "x"}).json()["title"] == "x"
                assert b"".join(requests.get(base + "/tasks", stream=True).iter_content(3))
                server.shutdown()
        """,
    "flask": """
        import flask, json

        app = flask.Flask(__name__)

        @app.route("/tasks", methods=["GET", "POST"])
        def tasks():
            if flask.request.method == "POST":
                return {"id": 1, **flask.request.get_json()}, 201
            if "X-Stream" in flask.request.headers:
                return flask.Response(iter(ITEMS), mimetype="application/json")
            return flask.Response(ITEMS, mimetype="application/json")

        from items import ITEMS

        def test_all():
            client = app.test_client()
            assert client.get("/tasks").status_code == 200  # and its body is judged
            assert client.post("/tasks", json={"title": "x"}).json["id"] == 1
            assert client.get("/tasks", headers={"X-Stream": "1"}).data.decode() == ITEMS
        """,
    "django": """
        import json
        import django
        from django.conf import settings
        settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="x")
        django.setup()
        from django.http import HttpResponse, JsonResponse
        from django.test import AsyncClient, Client
        from django.urls import path
        from items import ITEMS

        def tasks(request):
            if request.method == "POST":
                return JsonResponse({"id": 1, **json.loads(request.body)}, status=201)
            return HttpResponse(ITEMS, content_type="application/json")

        urlpatterns = [path("tasks", tasks)]

        def test_all():
            import asyncio
            assert Client().get("/tasks").status_code == 200
            assert Client().post("/tasks", {"title": "x"}, content_type="application/json").json()["title"] == "x"
            assert asyncio.run(AsyncClient().post("/tasks", {"title": "x"}, content_type="application/json")).status_code == 201
        """,
}


@pytest.mark.parametrize("client", sorted(CLIENTS))
def test_each_client_is_evidence_as_it_is_used(tmp_path: Path, client: str) -> None:
    if find_spec(client) is None:
        missing(client)
    wsgi = f"""
    import json

    def app(environ, start_response):
        if environ["REQUEST_METHOD"] == "POST":
            body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
            start_response("201 Created", [("Content-Type", "application/json")])
            return [json.dumps({{"id": 1, **json.loads(body)}}).encode()]
        start_response("200 OK", [("Content-Type", "application/json")])
        return [{BAD.encode()!r}]
    """
    folder = project(
        tmp_path, application=STARLETTE % BAD, wsgi_application=wsgi, items=f"ITEMS = {BAD!r}", test_all=CLIENTS[client]
    )
    code, report, said = reported(folder)
    assert "1 passed" in said, said
    # A request that was refused by the network is no exchange, and neither is what a mock answered.
    notes = ["1 request ended in an exception, and is not judged"] if client == "httpx2" else []
    assert (code, facts(report), report["run"]["notes"]) == (1, (3, DRIFT), notes)
    # With its body: it is judged, and not only known to have been there.
    exercised = {
        row["key"]: (row["exercised"]["statuses"], row["exercised"]["parameters"]) for row in report["operations"]
    }
    assert exercised == {"GET /tasks": (["200"], []), "POST /tasks": (["201"], ["body"])}


def test_what_tests_expect_to_fail_is_theirs(tmp_path: Path) -> None:
    tests = TESTS + textwrap.dedent(
        """
        import pytest, requests

        def test_raises():
            with pytest.raises(ZeroDivisionError):
                TestClient(app).get("/tasks?raise=1")
            with pytest.raises(requests.ConnectionError):
                requests.get("http://other.invalid/tasks")
        """
    )
    folder = project(tmp_path, application=STARLETTE % GOOD, test_tasks=tests)
    code, report, _ = reported(folder)
    assert (code, facts(report)) == (0, (2, []))
    assert report["run"]["notes"] == ["2 requests ended in an exception, and are not judged"]


def test_requests_to_other_hosts_are_left_out_and_counted(tmp_path: Path) -> None:
    tests = TESTS + textwrap.dedent(
        """
        import httpx2, socket, threading

        def test_third_party(monkeypatch):
            with socket.create_server(("127.0.0.1", 0)) as listening:
                def answer():
                    connection, _ = listening.accept()
                    connection.recv(65536)
                    connection.sendall(b"HTTP/1.1 500 No\\r\\nContent-Length: 0\\r\\n\\r\\n")
                    connection.close()
                threading.Thread(target=answer).start()
                proxy = f"http://127.0.0.1:{listening.getsockname()[1]}"
                assert httpx2.Client(proxy=proxy).get("http://payments.example/tasks").status_code == 500
        """
    )
    folder = project(tmp_path, application=STARLETTE % GOOD, test_tasks=tests)
    code, report, _ = reported(folder)
    assert (code, facts(report)) == (0, (2, []))
    assert report["run"]["notes"] == ["1 request to other hosts left out: payments.example"]


def test_a_fault_of_ours_is_told_once_and_fails_no_test(tmp_path: Path) -> None:
    # A header that is no text: httpx allows no such thing, the adapter of requests does.
    tests = TESTS + textwrap.dedent(
        """
        import requests
        from requests.adapters import HTTPAdapter

        class Own(HTTPAdapter):
            def build_response(self, request, raw):
                response = super().build_response(request, raw)
                response.raw = None
                response._content = b"[]"
                return response

        def test_odd():
            import threading
            from wsgiref.simple_server import make_server
            def plain(environ, start_response):
                start_response("200 OK", [])
                return [b"[]"]
            with make_server("127.0.0.1", 0, plain) as server:
                thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
                thread.start()
                session = requests.Session()
                session.mount("http://", Own())
                for _ in range(2):
                    request = requests.Request("GET", f"http://127.0.0.1:{server.server_port}/tasks").prepare()
                    assert session.get_adapter(request.url).send(request).status_code == 200
                server.shutdown()
        """
    )
    folder = project(tmp_path, application=STARLETTE % GOOD, test_tasks=tests)
    code, report, said = reported(folder, "-W", "error")
    assert (code, facts(report)) == (0, (2, []))
    [note] = report["run"]["notes"]
    assert note.startswith(
        "this is a bug of ours: 2 exchanges could not be recorded: AttributeError in send, requests.py:"
    )
    assert "3 passed" in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--contract", "nowhere.yaml"], "nowhere.yaml: no such file"),
        (["--contract", "api.yaml", "--contract-report", "out.pdf"], "nothing tells the format of out.pdf"),
        (["--contract", "api.yaml", "--contract-report", "htlm=out"], "Did you mean `html`?"),
        (["--contract", "api.yaml", "--contract-fail-under", "many"], "--floor must be a share from 0 to 1"),
        (["--contract", "api.yaml", "--contract-baseline", "none.json"], "none.json"),
    ],
    ids=lambda value: " ".join(value[-1:]) if isinstance(value, list) else "",
)
def test_what_the_user_can_put_right_is_said_before_any_test_runs(tmp_path: Path, words: list[str], said: str) -> None:
    code, shown = ran(project(tmp_path, test_tasks="def test_it(): pass"), *words, document="")
    assert code == pytest.ExitCode.USAGE_ERROR
    assert said in shown and "passed" not in shown and "Traceback" not in shown


def test_without_the_flag_nothing_is_loaded_and_nothing_patched(tmp_path: Path) -> None:
    tests = """
    import sys

    def test_it():
        import starlette.testclient, requests.adapters
        assert "contract.app.suite" not in sys.modules and "contract.core.check" not in sys.modules
        assert not hasattr(requests.adapters.HTTPAdapter.send, "__contract_original__")
        assert not [finder for finder in sys.meta_path if type(finder).__module__.startswith("contract")]
    """
    code, said = ran(project(tmp_path, test_it=tests), document="")
    assert code == 0, said


def test_everything_is_undone_at_the_end() -> None:
    import httpx2
    import requests.adapters

    from contract.app.suite import CLIENTS as ALL
    from contract.sources.clients._tap import Seams, Tap

    before = (httpx2.HTTPTransport.handle_request, requests.adapters.HTTPAdapter.send, list(sys.meta_path))
    seams = Seams(ALL, Tap())
    seams.open()
    assert httpx2.HTTPTransport.handle_request is not before[0]
    assert requests.adapters.HTTPAdapter.send is not before[1]
    seams.close()
    assert (httpx2.HTTPTransport.handle_request, requests.adapters.HTTPAdapter.send, list(sys.meta_path)) == before


def test_the_entry_point_is_declared() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["pytest11"]
    assert declared == {"contract": "contract.app.pytest_plugin"}
