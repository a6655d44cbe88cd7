"""Routes of real Express applications, 4 and 5, held against what they answer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from contract.core.errors import SourceError
from contract.core.evidence import Route
from contract.sources.routes import _node, express
from tests.sources.routes.packages import linked
from tests.sources.routes.serving import differences, explicit, implied, line, places, process, spans

Written = Callable[..., Path]


@pytest.fixture(params=["express4", "express"])
def package(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Written:
    """Writes the files of a project into the working directory, with the Express that is wanted."""
    monkeypatch.chdir(tmp_path)

    def write(package: str, **files: str) -> Path:
        linked(tmp_path, express=package)
        for name, text in files.items():
            (tmp_path / name.replace("__", ".")).write_text(text)
        return tmp_path

    return write


APP = r"""
const express = require('express')
console.log('noise')
const tasks = require('./tasks')
const app = express()
app.use(express.json(), (req, res, next) => next())
app.get('/', (req, res) => res.send('home'))
app.use('/api/v1', tasks)
app.use(['/old', '/older'], (req, res, next) => next(), tasks)
app.all('/anything', (req, res) => res.send('anything'))
app.route('/both').get((req, res) => res.send('a')).post((req, res) => res.send('b'))
app.get(['/one', '/two/:id.json'], (req, res) => res.send('many'))
app.get(/^\/numbers\/(\d+)\/raw$/, (req, res) => res.send('number'))
const admin = express()
admin.get('/', (req, res) => res.send('admin'))
admin.patch('/users/:user', function change(req, res) { res.send('user') })
app.use('/admin', admin)
app.use('/assets', express.static(__dirname))
app.use((error, req, res, next) => next(error))
app.listen(65000, () => { throw new Error('it listens') })
module.exports = app
"""

TASKS = r"""
const { Router } = require('express')
const router = Router({ mergeParams: true })
const parts = Router({ mergeParams: true })

function listTasks(req, res) {
  res.send('tasks')
}

router.get('/tasks', listTasks)
router.delete('/tasks/:task', (req, res) => res.status(204).end())
parts.put('/', (req, res) => res.send('part'))
parts.get('/:part', (req, res) => res.send('part'))
router.use('/tasks/:task/parts', parts)
module.exports = router
"""

WILD = {
    "express4": r"""
app.get('/files/*', (req, res) => res.send('file'))
app.get('/stars*', (req, res) => res.send('star'))
app.get('/years/:year(\\d{4})', (req, res) => res.send('year'))
app.get('/pages/:page?', (req, res) => res.send('page'))
app.get('/deep/*/end', (req, res) => res.send('deep'))
""",
    "express": r"""
app.get('/files/*path', (req, res) => res.send('file'))
app.get('/stars{*arg1}', (req, res) => res.send('star'))
app.get('/years/:year', (req, res) => res.send('year'))
app.get('/pages{/:page}', (req, res) => res.send('page'))
app.get('/deep/*arg1/end', (req, res) => res.send('deep'))
""",
}

SERVE = """
const { pathToFileURL } = require('node:url')
const { Server } = require('node:http')
const print = (port) => process.stdout.write(`${port}\\n`)
console.log = () => {}
Server.prototype.listen = (() => {
  const listen = Server.prototype.listen
  return function (port, ...rest) { return port === 65000 ? this : listen.call(this, port, ...rest) }
})()
import(pathToFileURL(process.argv[1]).href).then((module) => {
  const server = require('node:http').createServer(module.default)
  server.listen(0, '127.0.0.1', () => print(server.address().port))
})
"""


def served(file: Path) -> list[str]:
    return [_node._node("express"), "-e", SERVE, str(file)]


def test_routers_and_applications_within_are_listed_as_they_are_served(package: str, write: Written) -> None:
    folder = write(package, app__js=APP, tasks__js=TASKS)
    found = express.routes("app.js")
    within = ["GET /tasks", "DELETE /tasks/{task}", "PUT /tasks/{task}/parts", "GET /tasks/{task}/parts/{part}"]
    assert explicit(found) == [
        "GET /",
        *[row.replace("/tasks", "/api/v1/tasks", 1) for row in within],
        *[row.replace("/tasks", "/old/tasks", 1) for row in within],
        *[row.replace("/tasks", "/older/tasks", 1) for row in within],
        "ANY /anything",
        "GET /both",
        "POST /both",
        "GET /one",
        "GET /two/{id}.json",
        "GET /numbers/{arg1}/raw",
        "GET /admin",
        "PATCH /admin/users/{user}",
    ]
    assert spans(found) == {"/assets/{path} path"}
    assert {"HEAD /both", "OPTIONS /both", "GET /assets/{path}", "OPTIONS /api/v1/tasks/{task}"} <= set(implied(found))
    with process(served(folder / "app.js"), folder) as port:
        assert differences(port, found, {"path": "tasks.js"}) == []


def test_stars_groups_and_what_is_optional_are_read_as_the_version_means_them(package: str, write: Written) -> None:
    source = f"const app = require('express')()\n{WILD[package]}\nmodule.exports = {{ app, default: app }}\n"
    folder = write(package, app__js=source)
    (folder / "served.js").write_text("module.exports = require('./app.js').app\n")
    found = express.routes("app.js")
    assert explicit(found) == [
        "GET /files/{path}".replace("path", "arg1" if package == "express4" else "path"),
        "GET /stars{arg1}",
        "GET /years/{year}",
        "GET /pages/{page}",
        "GET /pages",
        "GET /deep/{arg1}/end",
    ]
    assert {row.partition(" ")[0].partition("{")[0] for row in spans(found)} == {"/files/", "/stars", "/deep/"}
    with process(served(folder / "served.js"), folder) as port:
        assert differences(port, found, {"year": "2024"}) == []


def test_each_route_has_the_line_that_registers_it_and_the_name_of_its_function(package: str, write: Written) -> None:
    write(package, app__js=APP, tasks__js=TASKS)
    found = express.routes("app.js")
    assert next(route for route in found if route.path == "/api/v1/tasks") == Route(
        "GET",
        "/api/v1/tasks",
        "/api/v1/tasks",
        "express",
        file="tasks.js",
        line=line(TASKS, "router.get('/tasks'"),
        name="listTasks",
    )
    assert places(found)["PATCH /admin/users/{user}"] == ("app.js", line(APP, "admin.patch"))
    assert {route.name for route in found if route.path == "/admin/users/{user}"} == {"change", None}


def test_modules_factories_and_scripts_that_export_nothing_are_loaded(package: str, write: Written) -> None:
    esm = "import express from 'express'\nexport const api = express()\napi.get('/a', (req, res) => res.send('a'))\n"
    write(
        package,
        esm__mjs=esm + "export default api\n",
        factory__mjs=esm + "export async function createApp() { return api }\nexport const more = { inner: { api } }\n",
        script__js="const app = require('express')()\nconst inner = require('express')()\n"
        "inner.get('/b', (req, res) => res.send('b'))\napp.use('/a', inner)\napp.listen(65000)\n",
    )
    assert explicit(express.routes("esm.mjs")) == ["GET /a"]
    assert explicit(express.routes("esm.mjs:api")) == ["GET /a"]
    assert explicit(express.routes("factory.mjs:createApp()")) == ["GET /a"]
    assert explicit(express.routes("factory.mjs:more.inner.api")) == ["GET /a"]
    assert explicit(express.routes("script.js")) == ["GET /a/b"]


def test_routers_under_expressions_and_within_themselves_are_read(write: Written) -> None:
    write(
        "express4",
        app__js="const express = require('express')\nconst app = express()\nconst inner = express.Router()\n"
        "inner.get('/', (req, res) => res.end())\ninner.post('*', (req, res) => res.end())\ninner.use('/again', inner)\n"
        "app.use(/^\\/(?:one|two)/, inner)\napp.use('/teams/:team', inner)\n"
        "setTimeout(() => { throw new Error('no database') }, 0)\nsetInterval(() => {}, 1000)\nmodule.exports = app\n",
    )
    found = express.routes("app.js")
    assert explicit(found) == [
        "GET /one",
        "GET /two",
        "POST /one/{arg1}",
        "POST /two/{arg1}",
        "GET /teams/{team}",
        "POST /teams/{team}/{arg1}",
    ]
    assert {route.path for route in found if route.spans} == {"/one/{arg1}", "/two/{arg1}", "/teams/{team}/{arg1}"}


IMPORTABLE = "the application must be importable without its services: set what it reads at import"


@pytest.mark.parametrize(
    ("source", "name", "message", "hint"),
    [
        ("\nthrow new TypeError('DB_URL is not set\\nmore')\n", "", ": importing it raised TypeError: DB_URL is not set at app.js:2", IMPORTABLE),
        ("process.exit(1)\n", "", ": importing it raised Error: process.exit(1) was called at app.js:1", IMPORTABLE),
        ("const a: string = 1\n", "", ": importing it raised SyntaxError: Missing initializer in const declaration at app.js:1", "name what Node can run, such as the compiled file: express:dist/app.js"),
        ("require('nowhere-to-be-found')\n", "", ": importing it raised Error: Cannot find module 'nowhere-to-be-found' at app.js:1", "install the project's packages first: npm ci"),
        ("exports.build = () => { throw new Error('no') }\n", ":build()", ": calling `build()` raised Error: no at app.js:1", IMPORTABLE),
        ("module.exports = 1\n", "", ": it exports no application of express", express.HINT),
        ("exports.app = 1\n", ":other", ": it exports no `other`", express.HINT),
        ("exports.app = 1\n", ":app", ": `app` is no application of express", express.HINT),
        ("const e = require('express')\ne(); e()\n", "", ": it makes 2 applications and exports none", express.HINT),
        ("module.exports = require('express')()\n", "", ": the application has no route", express.HINT),
    ],
)  # fmt: skip
def test_what_cannot_be_loaded_is_an_error_that_says_where(
    write: Written, source: str, name: str, message: str, hint: str
) -> None:
    write("express", app__js=source)
    with pytest.raises(SourceError) as caught:
        express.routes(f"app.js{name}")
    assert (str(caught.value), caught.value.hint) == (f"app.js{name}{message}", hint)


def test_a_file_that_is_not_there_is_an_error(write: Written) -> None:
    write("express")
    with pytest.raises(SourceError) as caught:
        express.routes("dist/app.js:createApp()")
    assert str(caught.value) == "dist/app.js: no such file"


def test_a_module_that_never_finishes_loading_is_an_error(write: Written) -> None:
    write("express", never__mjs="await new Promise(() => {})\n")
    with pytest.raises(SourceError) as caught:
        express.routes("never.mjs")
    assert str(caught.value) == "never.mjs: it never finishes loading"
