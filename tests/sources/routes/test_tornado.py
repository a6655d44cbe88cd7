"""Routes of a real Tornado application, held against what it answers."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from contract.core.errors import SourceError
from contract.core.evidence import Route
from contract.sources.routes import tornado
from tests.sources.routes.serving import (
    Written,
    differences,
    explicit,
    implied,
    line,
    places,
    process,
    python,
    spans,
    writer,
)


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Written:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    return writer(tmp_path, "tornado")


SOURCE = r"""
from tornado.routing import PathMatches, Rule, RuleRouter
from tornado.web import Application, ErrorHandler, FallbackHandler, RedirectHandler, RequestHandler, StaticFileHandler, url
from tornado.websocket import WebSocketHandler
from tornado.wsgi import WSGIContainer

print("noise")


class Tasks(RequestHandler):
    def get(self, *values, **named):
        self.write("tasks")

    async def post(self, *values, **named):
        self.write("made")


class Task(Tasks):
    post = RequestHandler._unimplemented_method

    def head(self, *values, **named):
        self.finish()

    def delete(self, *values, **named):
        self.set_status(204)


class Live(WebSocketHandler):
    def open(self): ...


def legacy(environ, start_response):
    start_response("200 OK", [])
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [b"legacy"]


v2 = Application([(r"/v2/tasks/(?P<task>[0-9a-f-]+)", Task)])
app = Application(
    [
        (r"/tasks/?", Tasks),
        url(r"/tasks/(\d+)", Task, name="task"),
        (r"/tasks/(?P<task>\w+)/parts/(?P<part>[^/]+)/raw\.json$", Task),
        (r"/(?:lists|boards)/(\d+)", Tasks),
        (r"/files/(?P<path>.*)", Tasks),
        (r"/live", Live),
        (r"/static/(.*)", StaticFileHandler, {"path": "."}),
        (r"/moved", RedirectHandler, {"url": "/tasks"}),
        (r"/gone", ErrorHandler, {"status_code": 404}),
        (r"/old/.*", FallbackHandler, {"fallback": WSGIContainer(legacy)}),
        Rule(PathMatches(r"/v2/.*"), v2),
        (r"/v3/.*", RuleRouter([Rule(PathMatches(r"/v3/tasks"), Application([(r"/v3/tasks", Tasks)]))])),
    ],
    static_path=None,
)
app.add_handlers(r"api\.example\.test", [(r"/hours", Tasks)])


def make_app():
    return app
"""

SERVE = """
import asyncio, importlib, sys
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port

sys.path.insert(0, ".")
out, sys.stdout = sys.stdout, sys.stderr


async def main():
    socket, port = bind_unused_port(address="127.0.0.1")
    HTTPServer(importlib.import_module(sys.argv[1]).app).add_socket(socket)
    print(port, file=out, flush=True)
    await asyncio.Event().wait()


asyncio.run(main())
"""


def test_rules_of_all_routers_are_listed_as_they_are_served(
    module: Written, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    name = module(SOURCE)
    (tmp_path / "a.txt").write_text("a")
    found = tornado.routes(f"{name}:app")
    assert capfd.readouterr() == ("", "")
    assert explicit(found) == [
        "GET /hours",
        "POST /hours",
        "GET /tasks",
        "POST /tasks",
        "GET /tasks/{arg1}",
        "DELETE /tasks/{arg1}",
        "GET /tasks/{task}/parts/{part}/raw.json",
        "DELETE /tasks/{task}/parts/{part}/raw.json",
        "GET /lists/{arg1}",
        "POST /lists/{arg1}",
        "GET /boards/{arg1}",
        "POST /boards/{arg1}",
        "GET /files/{path}",
        "POST /files/{path}",
        "ANY /old/{arg1}",
        "GET /v2/tasks/{task}",
        "DELETE /v2/tasks/{task}",
        "GET /v3/tasks",
        "POST /v3/tasks",
    ]
    assert implied(found) == [
        "HEAD /tasks/{arg1}",
        "HEAD /tasks/{task}/parts/{part}/raw.json",
        "GET /static/{arg1}",
        "HEAD /static/{arg1}",
        "GET /moved",
        "HEAD /v2/tasks/{task}",
    ]
    assert spans(found) == {"/files/{path} path", "/old/{arg1} arg1", "/static/{arg1} arg1"}
    assert tornado.routes(f"{name}:make_app()") == found
    # `/hours` is another host's, and a file has to be there.
    here = [route for route in found if route.path not in ("/hours", "/static/{arg1}")]
    files = [route for route in found if route.path == "/static/{arg1}"]
    with process(python(SERVE, name), tmp_path) as port:
        assert differences(port, here) == []
        assert differences(port, files, {"arg1": "a.txt"}) == []


def test_each_route_has_its_method_and_the_host_that_it_is_for(module: Written) -> None:
    name = module(SOURCE)
    found = tornado.routes(f"{name}:app")
    assert places(found)["GET /tasks/{arg1}"] == (f"{name}.py", line(SOURCE, "def get("))
    assert places(found)["POST /tasks"] == (f"{name}.py", line(SOURCE, "async def post("))
    assert next(route for route in found if route.method == "DELETE") == Route(
        "DELETE",
        "/tasks/{arg1}",
        r"^/tasks/(\d+)",
        "tornado",
        file=f"{name}.py",
        line=line(SOURCE, "def delete("),
        name="task",
    )
    assert found[0].spelled == "api.example.test^/hours"


@pytest.mark.parametrize(
    ("source", "attribute", "message"),
    [
        ("x = 1\nraise OSError('no cache')\n", "app", ": importing `{name}` raised OSError: no cache at {name}.py:2"),
        ("app = 1\n", "app", ": an object of type int shows no rules; Tornado applications and routers do"),
        ("from tornado.web import Application\napp = Application()\n", "app", ": the application has no route"),
        ("def make_app(): ...\n", "make_app", ": `make_app` is a function"),
    ],
)
def test_what_is_no_application_is_an_error_that_says_where(
    module: Written, source: str, attribute: str, message: str
) -> None:
    name = module(source)
    with pytest.raises(SourceError) as caught:
        tornado.routes(f"{name}:{attribute}")
    assert str(caught.value) == f"{name}:{attribute}" + message.format(name=name)
