"""Routes of real Flask applications, held against what they answer."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path

import pytest

from contract.core.errors import SourceError
from contract.core.evidence import Route
from contract.sources.routes import flask
from tests.sources.routes.serving import Written, differences, explicit, implied, line, places, spans, writer, wsgi


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Written:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    return writer(tmp_path, "flask")


SOURCE = """
import functools

from flask import Blueprint, Flask
from flask.views import MethodView
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import BaseConverter

print("noise")


class Codes(BaseConverter):
    regex = "[A-Z]{2}(?:-[A-Z]{2})?"


class Trail(BaseConverter):
    part_isolating = False
    regex = ".+?"


app = Flask(__name__)
app.url_map.converters |= {"codes": Codes, "trail": Trail}
tasks = Blueprint("tasks", __name__, url_prefix="/tasks")
parts = Blueprint("parts", __name__)


def wrapped(view):
    @functools.wraps(view)
    def inner(**values):
        return view(**values)

    return inner


@tasks.get("/")
def list_tasks():
    return "tasks"


@tasks.route("/<int:task_id>", methods=["PUT", "PATCH"])
@wrapped
def change_task(task_id):
    return "changed"


class Task(MethodView):
    def get(self, task_id):
        return "task"

    def delete(self, task_id):
        return "gone"


class Parts(MethodView):
    init_every_request = False

    def post(self, task_id):
        return "part"


tasks.add_url_rule("/<int:task_id>", view_func=Task.as_view("task"))
parts.add_url_rule("/parts", view_func=Parts.as_view("parts"))
tasks.register_blueprint(parts, url_prefix="/<int:task_id>")
app.register_blueprint(tasks, url_prefix="/api/tasks")


@app.get("/files/<path:name>")
def show_file(name):
    return name


@app.get("/exports.<any(csv, json):kind>")
def export(kind):
    return kind


@app.get("/places/<codes:code>/<trail:rest>/end")
def show_place(code, rest):
    return code


@app.route("/bare", methods=["DELETE"], provide_automatic_options=False)
def bare():
    return "bare"


admin = Flask("admin", static_folder=None)


@admin.get("/users/<string(length=2):user>")
def users(user):
    return user


def legacy(environ, start_response):
    start_response("200 OK", [])
    return [b"legacy"]


app.wsgi_app = ProxyFix(DispatcherMiddleware(app.wsgi_app, {"/admin": admin, "/admin/old": legacy}))
bundle = ProxyFix(app)


def create_app():
    return app
"""


def test_rules_of_blueprints_views_and_mounts_are_listed_as_they_are_served(
    module: Written, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    name = module(SOURCE)
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "a.txt").write_text("a")
    found = flask.routes(f"{name}:app")
    assert capfd.readouterr() == ("", "")
    assert sorted(explicit(found)) == [
        "ANY /admin/old/{path}",
        "DELETE /api/tasks/{task_id}",
        "DELETE /bare",
        "GET /admin/users/{user}",
        "GET /api/tasks/",
        "GET /api/tasks/{task_id}",
        "GET /exports.{kind}",
        "GET /files/{name}",
        "GET /places/{code}/{rest}/end",
        "PATCH /api/tasks/{task_id}",
        "POST /api/tasks/{task_id}/parts",
        "PUT /api/tasks/{task_id}",
    ]
    assert {"GET /static/{filename}", "HEAD /static/{filename}", "OPTIONS /files/{name}"} <= set(implied(found))
    assert spans(found) == {"/admin/old/{path} path", "/files/{name} name", "/places/{code}/{rest}/end rest", "/static/{filename} filename"}  # fmt: skip
    served = importlib.import_module(name).app
    with wsgi(served) as port:
        values = {"filename": "a.txt", "kind": "csv", "code": "DE-BY", "user": "ab"}
        assert differences(port, found, values) == []


def test_each_route_has_its_view_or_the_method_of_its_class(module: Written) -> None:
    name = module(SOURCE)
    found = flask.routes(f"{name}:app")
    where = places(found)
    assert where["GET /api/tasks/{task_id}"] == (f"{name}.py", line(SOURCE, "def get(self, task_id)"))
    assert where["DELETE /api/tasks/{task_id}"] == (f"{name}.py", line(SOURCE, "def delete(self, task_id)"))
    assert where["PUT /api/tasks/{task_id}"] == (f"{name}.py", line(SOURCE, '@tasks.route("/<int:task_id>"'))
    assert next(route for route in found if route.path == "/exports.{kind}" and not route.implied) == Route(
        "GET",
        "/exports.{kind}",
        "/exports.<any(csv, json):kind>",
        "flask",
        file=f"{name}.py",
        line=line(SOURCE, '@app.get("/exports'),
        name="export",
    )
    spelled = next(route.spelled for route in found if "places" in route.path)
    assert spelled == "/places/{code:[A-Z]{2}(?:-[A-Z]{2})?}/{rest:.+?}/end"


def test_factories_and_wrappers_show_the_same_routes(module: Written) -> None:
    name = module(SOURCE)
    found = flask.routes(f"{name}:app")
    assert flask.routes(f"{name}:create_app()") == found
    assert flask.routes(f"{name}:bundle") == found
    with pytest.raises(SourceError) as caught:
        flask.routes(f"{name}:create_app")
    assert (str(caught.value), caught.value.hint) == (
        f"{name}:create_app: `create_app` is a function",
        f"a factory is called so: flask:{name}:create_app()",
    )


def test_a_script_that_runs_its_server_is_read_all_the_same(module: Written) -> None:
    name = module(
        "from flask import Flask\napp = Flask(__name__, static_folder=None)\n"
        "@app.get('/a')\ndef a(): return 'a'\napp.run(port=0)\n"
    )
    assert explicit(flask.routes(f"{name}:app")) == ["GET /a"]
    assert "FLASK_RUN_FROM_CLI" not in os.environ


def test_hosts_stand_before_the_spelling(module: Written) -> None:
    name = module(
        "from flask import Flask\napp = Flask(__name__, static_folder=None, subdomain_matching=True)\n"
        "@app.get('/a', subdomain='<team>')\ndef a(team): return team\n"
        "other = Flask(__name__, host_matching=True, static_folder=None)\n"
        "@other.get('/b', host='api.example.test')\ndef b(): return 'b'\n"
    )
    assert [route.spelled for route in flask.routes(f"{name}:app") if not route.implied] == ["<team>./a"]
    assert [route.spelled for route in flask.routes(f"{name}:other") if not route.implied] == ["api.example.test/b"]


@pytest.mark.parametrize(
    ("source", "attribute", "message"),
    [
        ("raise RuntimeError('DATABASE_URL is not set\\nmore')\n", "app", ": importing `{name}` raised RuntimeError: DATABASE_URL is not set at {name}.py:1"),
        ("def create_app():\n    return 1 / 0\n", "create_app()", ": calling `create_app()` raised ZeroDivisionError: division by zero at {name}.py:2"),
        ("app = 1\n", "app", ": an object of type int shows no URL map; Flask applications do"),
        ("from fastapi import FastAPI\napp = FastAPI()\n", "app", ": an object of type FastAPI shows no URL map; Flask applications do"),
        ("from flask import Flask\napp = Flask('a', static_folder=None)\n", "app", ": the application has no route"),
    ],
)  # fmt: skip
def test_what_is_no_application_is_an_error_that_says_where(
    module: Written, source: str, attribute: str, message: str
) -> None:
    name = module(source)
    with pytest.raises(SourceError) as caught:
        flask.routes(f"{name}:{attribute}")
    assert str(caught.value) == f"{name}:{attribute}" + message.format(name=name)


def test_a_package_that_is_missing_says_where_to_install_contract(module: Written) -> None:
    name = module("import nowhere_to_be_found\n")
    with pytest.raises(SourceError) as caught:
        flask.routes(f"{name}:app")
    assert caught.value.hint == "install contract into the environment of the application, and run it from there"
