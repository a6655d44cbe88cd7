"""Routes of a real aiohttp application, held against what it answers."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from contract.core.errors import SourceError
from contract.core.evidence import Route
from contract.sources.routes import aiohttp
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
    return writer(tmp_path, "aiohttp")


SOURCE = r"""
from aiohttp import web

print("noise")
routes = web.RouteTableDef()


@routes.get("/tasks", name="tasks")
async def list_tasks(request):
    return web.Response(text="tasks")


@routes.view(r"/tasks/{task:\d+}")
class Task(web.View):
    async def get(self):
        return web.Response(text="task")

    async def delete(self):
        return web.Response(status=204)


async def anything(request):
    return web.Response(text="anything")


def build(inner=True):
    app = web.Application()
    app.add_routes(routes)
    app.router.add_get("/quiet/{name}", anything, allow_head=False)
    app.router.add_post("/reports/{year}.{kind}", anything)
    app.router.add_route("*", "/anything", anything)
    app.router.add_get("/files/{path:.*}", anything)
    app.router.add_put("/both/{team}/{rest:.+}/end", anything)
    app.router.add_static("/assets", ".")
    if inner:
        parts = web.Application()
        parts.router.add_patch("/{part}", anything)
        deep = web.Application()
        deep.router.add_get("/", anything)
        parts.add_subapp("/deep", deep)
        app.add_subapp("/parts", parts)
        hours = web.Application()
        hours.router.add_get("/hours", anything)
        app.add_domain("*.example.test", hours)
    return app


app = build()


async def create_app():
    return app
"""

SERVE = """
import asyncio, importlib, sys
from aiohttp import web

sys.path.insert(0, ".")
out, sys.stdout = sys.stdout, sys.stderr


async def main():
    runner = web.AppRunner(importlib.import_module(sys.argv[1]).app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(runner.addresses[0][1], file=out, flush=True)
    await asyncio.Event().wait()


asyncio.run(main())
"""


def test_routes_of_all_applications_are_listed_as_they_are_served(
    module: Written, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    name = module(SOURCE)
    (tmp_path / "a.txt").write_text("a")
    found = aiohttp.routes(f"{name}:app")
    assert capfd.readouterr() == ("", "")
    assert explicit(found) == [
        "GET /tasks",
        "GET /tasks/{task}",
        "DELETE /tasks/{task}",
        "GET /quiet/{name}",
        "POST /reports/{year}.{kind}",
        "ANY /anything",
        "GET /files/{path}",
        "PUT /both/{team}/{rest}/end",
        "PATCH /parts/{part}",
        "GET /parts/deep/",
        "GET /hours",
    ]
    assert sorted(implied(found)) == [
        "GET /assets/{filename}",
        "HEAD /assets/{filename}",
        "HEAD /files/{path}",
        "HEAD /hours",
        "HEAD /parts/deep/",
        "HEAD /tasks",
    ]
    assert spans(found) == {"/files/{path} path", "/both/{team}/{rest}/end rest", "/assets/{filename} filename"}
    assert aiohttp.routes(f"{name}:create_app()") == found
    here = [route for route in found if route.path != "/hours"]
    with process(python(SERVE, name), tmp_path) as port:
        assert differences(port, here, {"filename": "a.txt"}) == []


def test_each_route_has_its_handler_and_the_domain_that_it_is_for(module: Written) -> None:
    name = module(SOURCE)
    found = aiohttp.routes(f"{name}:app")
    assert places(found)["DELETE /tasks/{task}"] == (f"{name}.py", line(SOURCE, "async def delete("))
    assert next(route for route in found if not route.implied) == Route(
        "GET", "/tasks", "/tasks", "aiohttp", file=f"{name}.py", line=line(SOURCE, '@routes.get("/tasks"'), name="tasks"
    )
    spelled = {route.path: route.spelled for route in found}
    assert spelled["/tasks/{task}"] == r"^/tasks/(?P<task>\d+)"
    assert spelled["/reports/{year}.{kind}"] == "/reports/{year}.{kind}"
    assert spelled["/hours"] == "*.example.test/hours"


@pytest.mark.parametrize(
    ("source", "attribute", "message"),
    [
        ("x = 1\nraise OSError('no cache')\n", "app", ": importing `{name}` raised OSError: no cache at {name}.py:2"),
        ("app = 1\n", "app", ": an object of type int shows no router; aiohttp applications do"),
        ("async def create():\n    raise OSError('no')\n", "create()", ": calling `create()` raised OSError: no at {name}.py:2"),
        ("from aiohttp import web\napp = web.Application()\n", "app", ": the application has no route"),
        ("def create(): ...\n", "create", ": `create` is a function"),
    ],
)  # fmt: skip
def test_what_is_no_application_is_an_error_that_says_where(
    module: Written, source: str, attribute: str, message: str
) -> None:
    name = module(source)
    with pytest.raises(SourceError) as caught:
        aiohttp.routes(f"{name}:{attribute}")
    assert str(caught.value) == f"{name}:{attribute}" + message.format(name=name)
