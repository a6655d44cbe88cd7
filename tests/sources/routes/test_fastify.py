"""Routes of a real Fastify application, held against what it answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from contract.core.errors import SourceError
from contract.core.evidence import Route
from contract.sources.routes import _node, fastify
from tests.sources.routes.packages import linked
from tests.sources.routes.serving import differences, explicit, implied, line, places, process, spans

APP = r"""
const fastify = require('fastify')
console.log('noise')
const app = fastify()

app.register(async function tasks(scope) {
  scope.get('/', async function listTasks() { return 'tasks' })
  scope.register(async (inner) => {
    inner.route({ method: ['PUT', 'PATCH'], url: '/:part', handler: async () => 'part' })
  }, { prefix: '/:task/parts' })
}, { prefix: '/api/tasks' })
app.delete('/years/:year(^\\d{4}$)', async () => 'year')
app.get('/at/:hour(^\\d{2})h:minute(^\\d{2})m', { exposeHeadRoute: false }, async () => 'time')
app.post('/files/*', async () => 'file')
app.get('/pages/:page?', async () => 'page')
app.post('/tasks/:id/name::verb', async () => 'verb')
module.exports = app
if (require.main === module) app.listen({ port: 65000 })
"""

SERVE = """
console.log = () => {}
const app = require(process.argv[1])
app.listen({ port: 0, host: '127.0.0.1' }).then(() => process.stdout.write(`${app.server.address().port}\\n`))
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    linked(tmp_path, fastify="fastify")
    return tmp_path


def test_routes_of_all_plug_ins_are_listed_as_they_are_served(folder: Path) -> None:
    (folder / "app.js").write_text(APP)
    found = fastify.routes("app.js")
    assert explicit(found) == [
        "DELETE /years/{year}",
        "GET /at/{hour}h{minute}m",
        "POST /files/{path}",
        "GET /pages/{page}",
        "GET /pages",
        "POST /tasks/{id}/name:verb",
        "GET /api/tasks",
        "PUT /api/tasks/{task}/parts/{part}",
        "PATCH /api/tasks/{task}/parts/{part}",
    ]
    assert sorted(implied(found)) == [
        "GET /api/tasks/",
        "HEAD /api/tasks",
        "HEAD /api/tasks/",
        "HEAD /pages",
        "HEAD /pages/{page}",
    ]
    assert spans(found) == {"/files/{path} path"}
    with process([_node._node("fastify"), "-e", SERVE, str(folder / "app.js")], folder) as port:
        assert differences(port, found, {"year": "2024", "hour": "10", "minute": "30"}) == []


def test_each_route_has_the_line_that_registers_it_and_the_name_of_its_function(folder: Path) -> None:
    (folder / "app.js").write_text(APP)
    found = fastify.routes("app.js")
    assert next(route for route in found if route.path == "/api/tasks" and not route.implied) == Route(
        "GET",
        "/api/tasks",
        "/api/tasks",
        "fastify",
        file="app.js",
        line=line(APP, "function listTasks"),
        name="listTasks",
    )
    assert places(found)["PATCH /api/tasks/{task}/parts/{part}"] == ("app.js", line(APP, "inner.route("))


def test_modules_factories_and_scripts_that_export_nothing_are_loaded(folder: Path) -> None:
    body = "const app = Fastify()\napp.get('/a', async () => 'a')\n"
    (folder / "named.mjs").write_text(f"import {{ fastify as Fastify }} from 'fastify'\n{body}export {{ app }}\n")
    (folder / "factory.mjs").write_text(
        f"import Fastify from 'fastify'\nexport async function build() {{\n{body}return app\n}}\n"
    )
    (folder / "script.js").write_text(
        f"const {{ default: Fastify }} = require('fastify')\n{body}app.listen({{ port: 65000 }})\n"
    )
    for where in ("named.mjs", "factory.mjs:build()", "script.js"):
        assert explicit(fastify.routes(where)) == ["GET /a"]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("\nthrow new Error('DB_URL is not set')\n", ": importing it raised Error: DB_URL is not set at app.js:2"),
        (
            "const app = require('fastify')()\napp.register(async () => { throw new Error('no database') })\n"
            "module.exports = app\n",
            ": setting it up raised Error: no database at app.js:2",
        ),
        ("module.exports = require('fastify')()\n", ": the application has no route"),
        ("module.exports = {}\n", ": it exports no application of fastify"),
    ],
)
def test_what_cannot_be_loaded_is_an_error_that_says_where(folder: Path, source: str, message: str) -> None:
    (folder / "app.js").write_text(source)
    with pytest.raises(SourceError) as caught:
        fastify.routes("app.js")
    assert str(caught.value) == f"app.js{message}"
