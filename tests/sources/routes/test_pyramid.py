"""Routes of a real Pyramid application, held against what it answers."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

from contract.core.errors import SourceError
from contract.core.evidence import Route
from contract.sources.routes import pyramid
from tests.sources.routes.serving import Written, differences, explicit, implied, line, places, spans, writer, wsgi


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Written:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    return writer(tmp_path, "pyramid")


SOURCE = r"""
import os
import sys

from pyramid.config import Configurator
from pyramid.response import Response
from pyramid.view import notfound_view_config, view_config, view_defaults

print("noise")


@view_config(route_name="tasks", request_method="GET")
def list_tasks(request):
    return Response("tasks")


@view_config(route_name="tasks", request_method=("POST", "PUT"), renderer="json")
def make_task(request):
    return {}


@view_config(route_name="anything")
@view_config(route_name="report", request_method="GET")
@view_config(route_name="files", request_method="GET")
def anything(request):
    return Response("anything")


@view_defaults(route_name="task")
class Task:
    def __init__(self, request):
        self.request = request

    @view_config(request_method="GET")
    def show(self):
        return Response("task")

    @view_config(request_method="DELETE")
    def drop(self):
        return Response("gone")


@view_config(route_name="only", request_method=("GET", "POST"))
class Only:
    def __init__(self, request): ...

    def __call__(self):
        return Response("only")


@notfound_view_config()
def nothing(request):
    return Response("nothing", status=404)


def v2(config):
    config.add_route("v2", "tasks/{task:[0-9a-f-]+}/close", request_method="POST")
    config.add_view(anything, route_name="v2")


def main(global_config, **settings):
    with Configurator() as config:
        config.add_route("tasks", "/tasks")
        config.add_route("task", r"/tasks/{task:\d+}")
        config.add_route("report", "reports/{year}.{kind}")
        config.add_route("anything", "/anything")
        config.add_route("only", "/only", request_method="GET")
        config.add_route("files", "/files/*rest")
        config.add_route("unused", "/unused")
        config.add_route("elsewhere", "https://example.test/{path}", static=True)
        config.include(v2, route_prefix="/v2")
        config.add_static_view("assets", os.getcwd())
        config.scan(sys.modules[__name__])
        return config.make_wsgi_app()


app = main({})


class Wrapper:
    def __init__(self, app):
        self.app = app


bundle = Wrapper(app)
"""


def test_routes_with_views_are_listed_as_they_are_served(
    module: Written, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    name = module(SOURCE)
    (tmp_path / "a.txt").write_text("a")
    found = pyramid.routes(f"{name}:app")
    assert capfd.readouterr() == ("", "")
    assert explicit(found) == [
        "GET /tasks",
        "POST /tasks",
        "PUT /tasks",
        "GET /tasks/{task}",
        "DELETE /tasks/{task}",
        "GET /reports/{year}.{kind}",
        "ANY /anything",
        "GET /only",
        "GET /files/{rest}",
        "POST /v2/tasks/{task}/close",
    ]
    assert implied(found) == [
        "HEAD /tasks",
        "HEAD /tasks/{task}",
        "HEAD /reports/{year}.{kind}",
        "HEAD /only",
        "HEAD /files/{rest}",
        "ANY /assets/{subpath}",
    ]
    assert spans(found) == {"/files/{rest} rest", "/assets/{subpath} subpath"}
    assert pyramid.routes(f"{name}:main()") == found
    assert pyramid.routes(f"{name}:bundle") == found
    with wsgi(importlib.import_module(name).app) as port:
        assert differences(port, found, {"subpath": "a.txt"}) == []


def test_each_route_has_the_view_or_the_method_that_answers(module: Written) -> None:
    name = module(SOURCE)
    found = pyramid.routes(f"{name}:app")
    where = places(found)
    assert where["GET /tasks"] == (f"{name}.py", line(SOURCE, '@view_config(route_name="tasks", request_method="GET"'))
    assert where["PUT /tasks"] == (
        f"{name}.py",
        line(SOURCE, '@view_config(route_name="tasks", request_method=("POST"'),
    )
    assert where["GET /only"] == (f"{name}.py", line(SOURCE, "def __call__(self)"))
    assert next(route for route in found if route.method == "DELETE") == Route(
        "DELETE",
        "/tasks/{task}",
        r"/tasks/{task:\d+}",
        "pyramid",
        file=f"{name}.py",
        line=line(SOURCE, '@view_config(request_method="DELETE")'),
        name="task",
    )


@pytest.mark.parametrize(
    ("source", "attribute", "message"),
    [
        ("x = 1\nraise OSError('no cache')\n", "app", ": importing `{name}` raised OSError: no cache at {name}.py:2"),
        ("app = 1\n", "app", ": an object of type int shows no registry; Pyramid applications do"),
        ("def main(config):\n    return config['here']\n", "main()", ": calling `main()` raised KeyError: 'here' at {name}.py:2"),
        ("def main(config): ...\n", "main", ": `main` is a function"),
        (
            "from pyramid.config import Configurator\napp = Configurator().make_wsgi_app()\n",
            "app",
            ": the application has no route with a view; traversal has no list",
        ),
    ],
)  # fmt: skip
def test_what_is_no_application_is_an_error_that_says_where(
    module: Written, source: str, attribute: str, message: str
) -> None:
    name = module(source)
    with pytest.raises(SourceError) as caught:
        pyramid.routes(f"{name}:{attribute}")
    assert str(caught.value) == f"{name}:{attribute}" + message.format(name=name)
