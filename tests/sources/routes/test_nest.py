"""Routes of real Nest applications, on Express and on Fastify, held against what they answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from contract.core.errors import SourceError
from contract.sources.routes import _node, nest
from tests.sources.routes.packages import modules
from tests.sources.routes.serving import differences, explicit, process, spans

APP = r"""
require('reflect-metadata')
const { All, Controller, Delete, Get, Module, Post, RequestMapping, VersioningType } = require('@nestjs/common')
const { NestFactory } = require('@nestjs/core')
console.log('noise')
class Tasks {
  list() { return [] }
  show() { return {} }
  save() { return {} }
  gone() { return {} }
  file() { return {} }
}
class Reports {
  any() { return {} }
}
function on(owner, name, decorator) {
  decorator(owner.prototype, name, Object.getOwnPropertyDescriptor(owner.prototype, name))
}
on(Tasks, 'list', Get())
on(Tasks, 'show', Get(':id'))
on(Tasks, 'save', Post())
on(Tasks, 'gone', Delete(':id/parts/:part'))
on(Tasks, 'file', Get('files/*name'))
on(Reports, 'any', All('any'))
Controller('tasks')(Tasks)
Controller({ path: 'reports', version: '2' })(Reports)
class Inner {}
Module({ controllers: [Reports] })(Inner)
class App {}
Module({ controllers: [Tasks], imports: [Inner] })(App)

async function bootstrap() {
  const app = await NestFactory.create(App, ADAPTER { logger: false })
  app.setGlobalPrefix('api')
  app.enableVersioning({ type: VersioningType.URI })
  START
  return app
}
END
"""
ADAPTERS = {"express": "", "fastify": "new (require('@nestjs/platform-fastify').FastifyAdapter)(), "}
LISTENS = "await app.listen(65000)"
SERVES = "await app.listen(0, '127.0.0.1'); process.stdout.write(String(app.getHttpServer().address().port) + '\\n')"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "node_modules").symlink_to(modules())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def source(platform: str, start: str = LISTENS, end: str = "bootstrap()") -> str:
    wild = "files/*name" if platform == "express" else "files/*"
    return (
        APP.replace("files/*name", wild)
        .replace("ADAPTER ", ADAPTERS[platform])
        .replace("START", start)
        .replace("END", end)
    )


@pytest.mark.parametrize("platform", ["express", "fastify"])
def test_a_real_application_serves_what_is_listed_and_nothing_else(platform: str, folder: Path) -> None:
    (folder / "main.cjs").write_text(source(platform))
    found = nest.routes("main.cjs")
    methods = [f"{route.method} {route.path}" for route in found if not route.implied and "/v2/" not in route.path]
    assert sorted(methods) == [
        "DELETE /api/tasks/{id}/parts/{part}",
        "GET /api/tasks",
        "GET /api/tasks/files/{name}" if platform == "express" else "GET /api/tasks/files/{path}",
        "GET /api/tasks/{id}",
        "POST /api/tasks",
    ]
    assert {route.path for route in found if "/v2/" in route.path} == {"/api/v2/reports/any"}
    assert {route.source for route in found} == {"nest"}
    assert {place.split()[0] for place in spans(found)} == {row.split()[1] for row in methods if "files" in row}
    (folder / "serve.cjs").write_text(source(platform, SERVES).replace("console.log('noise')", ""))
    with process([_node._node("nest"), "serve.cjs"], folder) as port:
        assert differences(port, found) == []


def test_a_function_that_gives_it_is_called_and_need_not_listen(folder: Path) -> None:
    (folder / "app.cjs").write_text(source("express", "", "module.exports = { bootstrap }"))
    assert "GET /api/tasks/{id}" in explicit(nest.routes("app.cjs:bootstrap()"))


@pytest.mark.parametrize(
    ("start", "end", "said"),
    [
        ("throw new RangeError('no database')", "bootstrap()", "raised RangeError: no database at main.cjs:"),
        ("", "module.exports = { bootstrap }; bootstrap = null", "it exports no `create`"),
    ],
)
def test_what_cannot_be_set_up_is_said_with_its_place(start: str, end: str, said: str, folder: Path) -> None:
    (folder / "main.cjs").write_text(source("express", start, end))
    with pytest.raises(SourceError) as caught:
        nest.routes("main.cjs" if "throw" in start else "main.cjs:create()")
    assert said in caught.value.message


def test_a_project_without_nest_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    modules()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "main.cjs").write_text("module.exports = {}")
    with pytest.raises(SourceError, match="the package @nestjs/core is not installed where the file lies"):
        nest.routes("main.cjs")
