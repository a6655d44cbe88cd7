"""Routes of real FastAPI and Starlette applications."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from contract.core.errors import SourceError
from contract.core.evidence import Route
from contract.sources.routes import asgi
from tests.sources.routes.serving import differences, process, python

numbers = itertools.count()
Written = Callable[[str], str]


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Written:
    """Writes a module into the working directory and gives its name, a new one each time."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))

    def write(source: str) -> str:
        name = f"routed_{next(numbers)}"
        (tmp_path / f"{name}.py").write_text(source)
        return name

    return write


def explicit(routes: list[Route]) -> list[str]:
    return [f"{route.method} {route.path}" for route in routes if not route.implied]


def implied(routes: list[Route]) -> list[str]:
    return [f"{route.method} {route.path}" for route in routes if route.implied]


FASTAPI = """
from fastapi import APIRouter, FastAPI, WebSocket

print("noise")
app = FastAPI()
tasks = APIRouter(prefix="/tasks")
parts = APIRouter(prefix="/parts")


@tasks.get("")
def list_tasks(): ...


@tasks.get("/{task_id}")
def show_task(task_id: int): ...


@tasks.api_route("/{task_id}", methods=["PUT", "PATCH"])
def change_task(task_id: int): ...


@parts.delete("/{number:int}")
def drop_part(task_id: int, number: int): ...


@app.get("/files/{path:path}", include_in_schema=False)
def show_file(path: str): ...


@app.websocket("/live")
async def live(socket: WebSocket): ...


tasks.include_router(parts, prefix="/{task_id}")
app.include_router(tasks, prefix="/api/v1")
"""


def test_the_routes_of_included_routers_carry_all_their_prefixes(
    module: Written, capfd: pytest.CaptureFixture[str]
) -> None:
    name = module(FASTAPI)
    found = asgi.routes(f"{name}:app")
    assert explicit(found) == [
        "GET /files/{path}",
        "GET /api/v1/tasks",
        "GET /api/v1/tasks/{task_id}",
        "PUT /api/v1/tasks/{task_id}",
        "PATCH /api/v1/tasks/{task_id}",
        "DELETE /api/v1/tasks/{task_id}/parts/{number}",
    ]
    assert implied(found) == [
        "GET /openapi.json",
        "HEAD /openapi.json",
        "GET /docs",
        "HEAD /docs",
        "GET /docs/oauth2-redirect",
        "HEAD /docs/oauth2-redirect",
        "GET /redoc",
        "HEAD /redoc",
    ]
    assert found[-1] == Route(
        "DELETE",
        "/api/v1/tasks/{task_id}/parts/{number}",
        "/api/v1/tasks/{task_id}/parts/{number:int}",
        "asgi",
        file=f"{name}.py",
        line=22,
        name="drop_part",
    )
    assert next(route for route in found if route.path == "/files/{path}").spans == {"path"}
    assert capfd.readouterr() == ("", "")


STARLETTE = """
import functools

from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import Host, Mount, Route, Router, WebSocketRoute
from starlette.staticfiles import StaticFiles


def wrapped(function):
    @functools.wraps(function)
    async def inner(request):
        return await function(request)

    return inner


@wrapped
async def home(request):
    return PlainTextResponse("home")


class Item(HTTPEndpoint):
    async def get(self, request): ...

    async def delete(self, request): ...


async def raw(scope, receive, send): ...


class Legacy:
    async def __call__(self, scope, receive, send): ...


async def live(socket): ...


admin = FastAPI(openapi_url=None)


@admin.get("/users/{user}")
def users(user: str): ...


app = Starlette(
    routes=[
        Route("/", home),
        Route("/items/{item:uuid}", Item),
        Route("/partial", functools.partial(home)),
        Route("/raw", Legacy()),
        WebSocketRoute("/live", live),
        Mount("/static", StaticFiles(directory="."), name="static"),
        Mount("/admin", GZipMiddleware(admin)),
        Mount("/teams/{team}", routes=[Route("/members", home, methods=["POST"]), Mount("/deep", Router([Route("/", home)]))]),
        Mount("/old", Legacy()),
        Mount("/zipped", routes=[Route("/a", home)], middleware=[Middleware(GZipMiddleware)]),
        Host("{tenant}.example.test", Router([Route("/hours", home)])),
    ]
)
bundle = GZipMiddleware(GZipMiddleware(app))
"""


def test_mounts_hosts_endpoints_and_wrappers_are_descended_into(module: Written) -> None:
    name = module(STARLETTE)
    found = asgi.routes(f"{name}:bundle")
    assert found == asgi.routes(f"{name}:app")
    assert explicit(found) == [
        "GET /",
        "GET /items/{item}",
        "DELETE /items/{item}",
        "GET /partial",
        "ANY /raw",
        "GET /admin/users/{user}",
        "POST /teams/{team}/members",
        "GET /teams/{team}/deep/",
        "ANY /old/{path}",
        "GET /zipped/a",
        "GET /hours",
    ]
    assert implied(found) == [
        "HEAD /",
        "HEAD /items/{item}",
        "HEAD /partial",
        "GET /static/{path}",
        "HEAD /static/{path}",
        "HEAD /teams/{team}/deep/",
        "HEAD /zipped/a",
        "HEAD /hours",
    ]
    places = {route.path: (route.file, route.line) for route in found}
    assert places["/"] == (f"{name}.py", 22)
    assert places["/items/{item}"] == (f"{name}.py", 27)
    assert next(route.spelled for route in found if route.path == "/hours") == "{tenant}.example.test/hours"


def test_the_root_path_stands_before_every_route(module: Written) -> None:
    name = module(
        "from fastapi import FastAPI\napp = FastAPI(openapi_url=None)\napp.root_path = '/api/'\n@app.get('/a')\ndef a(): ...\n"
    )
    assert explicit(asgi.routes(f"{name}:app")) == ["GET /api/a"]


def test_a_factory_is_called_and_dots_reach_into_objects(module: Written) -> None:
    name = module(
        "from fastapi import FastAPI\n"
        "class state:\n    api = FastAPI(openapi_url=None)\n"
        "@state.api.get('/a')\ndef a(): ...\n"
        "def create_app():\n    return state.api\n"
    )
    assert explicit(asgi.routes(f"{name}:create_app()")) == ["GET /a"]
    assert explicit(asgi.routes(f"{name}:state.api")) == ["GET /a"]
    with pytest.raises(SourceError) as caught:
        asgi.routes(f"{name}:create_app")
    assert str(caught.value) == f"{name}:create_app: `create_app` is a function"
    assert caught.value.hint == f"a factory is called so: asgi:{name}:create_app()"


@pytest.mark.parametrize(
    ("source", "attribute", "message"),
    [
        ("x = 1\nraise RuntimeError('DATABASE_URL is not set\\nmore')\n", "app", ": importing `{name}` raised RuntimeError: DATABASE_URL is not set at {name}.py:2"),
        ("import json\nx = json.loads('{')\n", "app", ": importing `{name}` raised JSONDecodeError: Expecting property name enclosed in double quotes: line 1 column 2 (char 1) at {name}.py:2"),
        ("import nowhere_to_be_found\n", "app", ": importing `{name}` raised ModuleNotFoundError: No module named 'nowhere_to_be_found' at {name}.py:1"),
        ("import sys\nsys.exit('bad flags')\n", "app", ": importing `{name}` raised SystemExit: bad flags at {name}.py:2"),
        ("def app(:\n", "app", ": importing `{name}` raised SyntaxError: invalid syntax at {name}.py:1"),
        ("aplication = 1\n", "application", ": module `{name}` has no `application`"),
        ("app = 1\n", "app", ": an object of type int shows no routes; FastAPI and Starlette applications do"),
        ("def app():\n    return 1 / 0\n", "app()", ": calling `app()` raised ZeroDivisionError: division by zero at {name}.py:2"),
        ("from starlette.applications import Starlette\napp = Starlette()\n", "app", ": the application has no route"),
    ],
)  # fmt: skip
def test_what_cannot_be_imported_is_an_error_that_names_the_place(
    module: Written, source: str, attribute: str, message: str
) -> None:
    name = module(source)
    with pytest.raises(SourceError) as caught:
        asgi.routes(f"{name}:{attribute}")
    assert str(caught.value) == f"{name}:{attribute}" + message.format(name=name)


def test_a_name_that_is_nearly_right_is_offered(module: Written) -> None:
    name = module("aplication = 1\n")
    with pytest.raises(SourceError) as caught:
        asgi.routes(f"{name}:application")
    assert caught.value.hint == "did you mean `aplication`?"


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("app", "`app` names no application"),
        ("app:", "`app:` names no application"),
        ("nowhere.main:app", "nowhere.main:app: there is no module `nowhere`"),
    ],
)
def test_what_names_no_application_is_an_error(module: Written, where: str, message: str) -> None:
    with pytest.raises(SourceError) as caught:
        asgi.routes(where)
    assert str(caught.value) == message


NESTED = """
from fastapi import APIRouter, FastAPI
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route, Router
from starlette.staticfiles import StaticFiles


async def answer(request):
    return PlainTextResponse("answer")


api = FastAPI()
parts = APIRouter(prefix="/parts")


@parts.put("/{part}")
def change(part: str, task: str = ""):
    return part


api.include_router(parts, prefix="/tasks/{task}")
deep = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)


@deep.post("/jobs")
def start():
    return "started"


api.mount("/deep/{team}", deep)
api.mount("/star", Starlette(routes=[Route("/x/{rest:path}", answer, methods=["DELETE"])]))
app = Starlette(
    routes=[
        Mount("/api", routes=[Mount("/v1", api), Mount("/v2", Router([Route("/", answer), Route("/a", answer)]))]),
        Mount("/assets", StaticFiles(directory=".")),
        Route("/", answer, methods=["POST"]),
    ]
)
"""


def test_mounts_within_mounts_are_listed_as_they_are_served(module: Written, tmp_path: Path) -> None:
    name = module(NESTED)
    (tmp_path / "a.txt").write_text("a")
    found = asgi.routes(f"{name}:app")
    assert explicit(found) == [
        "PUT /api/v1/tasks/{task}/parts/{part}",
        "POST /api/v1/deep/{team}/jobs",
        "DELETE /api/v1/star/x/{rest}",
        "GET /api/v2/",
        "GET /api/v2/a",
        "POST /",
    ]
    assert {"GET /api/v1/openapi.json", "GET /api/v1/docs", "GET /assets/{path}"} <= set(implied(found))
    with process(python(SERVE, name), tmp_path) as port:
        assert differences(port, found, {"path": "a.txt"}) == []


SERVE = """
import importlib, socket, sys
import uvicorn

sys.path.insert(0, ".")
listening = socket.socket()
listening.bind(("127.0.0.1", 0))
listening.listen()
app = importlib.import_module(sys.argv[1]).app
print(listening.getsockname()[1], flush=True)
uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off")).run(sockets=[listening])
"""
