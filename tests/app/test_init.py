"""`contract init`: what it finds, what it writes, and what it leaves alone."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

import jsonschema
import pytest
import yaml

from contract.app import cli, settings
from contract.app.init import applications, documents, extend, packages, plan, tree
from tests import needs

DOCUMENT = (
    "openapi: 3.1.0\ninfo: {title: t, version: '1'}\npaths:\n  /a:\n    get: {responses: {'200': {description: d}}}\n"
)
FASTAPI = {
    "requirements.txt": "fastapi==0.115\n",
    "app/__init__.py": "",
    "app/main.py": "from fastapi import FastAPI\napp = FastAPI()\n",
    "openapi.yaml": DOCUMENT,
}


def put(root: Path, files: Mapping[str, str | bytes]) -> None:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A git repository with the small FastAPI project in it, as the working directory."""
    root = tmp_path / "project"
    put(root, FASTAPI)
    git(root, "init", "-q", "-b", "main")
    monkeypatch.chdir(root)
    for name in list(os.environ):
        if name.startswith("CONTRACT_"):
            monkeypatch.delenv(name)
    return root


def git(root: Path, *words: str, text: str | None = None) -> str:
    done = subprocess.run(["git", *words], cwd=root, input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def snapshot(root: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and ".git" not in path.relative_to(root).parts
    }


def found(root: Path) -> applications.Application:
    files = tree.walk(root)
    return applications.applications(files, packages.named(files))[0]


# ------------------------------------------------------------------------------------------------------- what is found


APPLICATIONS: dict[str, tuple[dict[str, str], tuple[str, str | None, str | None]]] = {
    "FastAPI in a package": (
        {"app/__init__.py": "", "app/main.py": "from fastapi import FastAPI\napp: FastAPI = FastAPI(title='x')\n"},
        ("FastAPI", "asgi:app.main:app", "asgi:app.main:app"),
    ),
    "FastAPI below src": (
        {
            "pyproject.toml": "[project]\nname='s'\ndependencies=['fastapi']\n",
            "src/shop/__init__.py": "",
            "src/shop/api.py": "import fastapi\napi = fastapi.FastAPI()\n",
        },
        ("FastAPI", "asgi:shop.api:api", "asgi:shop.api:api"),
    ),
    "FastAPI without a package": (
        {
            "app/main.py": "from fastapi import FastAPI as Api\nfrom app.db import x\nserver = Api()\n",
            "app/db.py": "x=1\n",
        },
        ("FastAPI", "asgi:app.main:server", "asgi:app.main:server"),
    ),
    "Starlette": (
        {"main.py": "from starlette.applications import Starlette\napp = Starlette(routes=[])\n"},
        ("Starlette", "asgi:main:app", "asgi:main:app"),
    ),
    "Flask from a factory": (
        {
            "shop/__init__.py": "from flask import Flask\ndef create_app(test=None):\n    made = Flask(__name__)\n    return made\n"
        },
        ("Flask", "flask:shop:create_app()", "wsgi:shop:create_app()"),
    ),
    "a factory that needs something is none": (
        {
            "factory.py": "from flask import Flask\ndef create_app(config):\n    return Flask(__name__)\n",
            "wsgi.py": "from flask import Flask\nserver = Flask(__name__)\n",
        },
        ("Flask", "flask:wsgi:server", "wsgi:wsgi:server"),
    ),
    "what a factory of another module makes": (
        {
            "shop/__init__.py": "from flask import Flask\ndef create_app(config):\n    return Flask(__name__)\n",
            "wsgi.py": "from shop import create_app\napplication = create_app('prod')\n",
            "zoo/old.py": "from starlette.applications import Starlette\ndef create_app(x):\n    return Starlette()\n",
        },
        ("Flask", "flask:wsgi:application", "wsgi:wsgi:application"),
    ),
    "a class of the project's own": (
        {
            "shop/door.py": "from fastapi import FastAPI\nclass Shop(FastAPI): pass\n",
            "shop/__init__.py": "",
            "shop/app.py": "from fastapi import FastAPI\nfrom shop import door\n"
            "def make(x) -> FastAPI:\n    made = door.Shop()\n    return made\napp = make(1)\n",
        },
        ("FastAPI", "asgi:shop.app:app", "asgi:shop.app:app"),
    ),
    "the tests' own application is not meant": (
        {
            "tests/app.py": "from flask import Flask\napp = Flask('t')\n",
            "deep/er/service.py": "from flask import Flask\nservice = Flask('s')\n",
        },
        ("Flask", "flask:deep.er.service:service", "wsgi:deep.er.service:service"),
    ),
    "Django": (
        {
            "manage.py": "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'site1.settings.dev')\n",
            "site1/wsgi.py": "application = get()\n",
        },
        ("Django", "django:site1.settings.dev", "wsgi:site1.wsgi:application"),
    ),
    "an example of another framework is not meant": (
        {
            "examples/old/manage.py": "os.environ['DJANGO_SETTINGS_MODULE'] = 'old.settings'\n",
            "api/main.py": "from fastapi import FastAPI\napp = FastAPI()\n",
        },
        ("FastAPI", "asgi:api.main:app", "asgi:api.main:app"),
    ),
    "Django in a folder": (
        {
            "backend/manage.py": 'os.environ["DJANGO_SETTINGS_MODULE"] = "mysite.settings"\n',
            "backend/mysite/wsgi.py": "application = 1\n",
        },
        ("Django", "django:backend/mysite.settings", None),
    ),
    "Tornado": (
        {"server.py": "import tornado.web\napp = tornado.web.Application([])\n"},
        ("Tornado", "tornado:server:app", None),
    ),
    "aiohttp": (
        {"server.py": "from aiohttp import web\nasync def make_app():\n    app = web.Application()\n    return app\n"},
        ("aiohttp", "aiohttp:server:make_app()", None),
    ),
    "Pyramid": (
        {
            "shop/__init__.py": "from pyramid.config import Configurator\ndef main(global_config, **settings):\n"
            "    with Configurator(settings=settings) as config:\n        return config.make_wsgi_app()\n"
        },
        ("Pyramid", "pyramid:shop:main()", None),
    ),
    "Express": (
        {
            "package.json": '{"dependencies": {"express": "5"}, "scripts": {"start": "node src/server.js"}}',
            "src/app.js": "const express = require('express')\nconst app = express()\nmodule.exports = app\n",
            "src/server.js": "const app = require('./app')\napp.listen(4000)\n",
        },
        ("Express", "express:src/app.js", None),
    ),
    "Fastify from a factory": (
        {
            "package.json": '{"dependencies": {"fastify": "5"}}',
            "app.mjs": "import Fastify from 'fastify'\nexport function build() {\n  const app = Fastify()\n  return app\n}\n",
        },
        ("Fastify", "fastify:app.mjs:build()", None),
    ),
    "Nest": (
        {"package.json": '{"dependencies": {"@nestjs/core": "11", "express": "5"}}'},
        ("Nest", "nest:dist/main.js", None),
    ),
    "Laravel": (
        {"composer.json": '{"require": {"laravel/framework": "^12"}}', "artisan": "<?php\n"},
        ("Laravel", "laravel:artisan", None),
    ),
    "Rails, whose routes nobody reads": ({"Gemfile": "gem 'rails', '~> 8'\n"}, ("Rails", None, None)),
    "Spring Boot": ({"pom.xml": "<artifactId>spring-boot-starter-web</artifactId>"}, ("Spring Boot", None, None)),
}


@pytest.mark.parametrize("name", APPLICATIONS)
def test_an_application_is_found_by_what_the_code_says(tmp_path: Path, name: str) -> None:
    files, expected = APPLICATIONS[name]
    put(tmp_path, files)
    app = found(tmp_path)
    assert (app.framework, app.routes, app.target) == expected


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"pyproject.toml": "[project]\n", "uv.lock": ""}, "uv"),
        ({"pyproject.toml": "[tool.poetry.dependencies]\nflask='*'\n"}, "poetry"),
        ({"requirements.txt": "flask\n"}, "pip"),
        ({"setup.py": "setup()\n"}, "pip"),
        ({}, None),
    ],
)
def test_who_installs_the_packages_is_seen_by_its_file(
    tmp_path: Path, files: dict[str, str], expected: str | None
) -> None:
    put(tmp_path, files)
    manager = packages.manager(tree.walk(tmp_path), "python")
    assert (manager.name if manager else None) == expected


def test_packages_are_named_by_every_kind_of_manifest(tmp_path: Path) -> None:
    files = {
        "pyproject.toml": "[project]\ndependencies=['Fast_API[all]>=1']\n[dependency-groups]\ndev=['a', {include-group='x'}]\n",
        "requirements-dev.txt": "# x\n-r other.txt\nFlask[async]==3 ; python_version > '3'\n",
        "web/package.json": '{"dependencies": {"express": "5"}, "devDependencies": 7}',
        "composer.json": '{"require-dev": {"dedoc/scramble": "*"}}',
        "Gemfile": 'gem "rails"\n',
    }
    put(tmp_path, files)
    assert {one.name for one in packages.named(tree.walk(tmp_path))} == {
        *("fast-api", "a", "flask", "express", "dedoc/scramble", "rails")
    }


def test_the_likeliest_document_comes_first_and_the_others_after_it(tmp_path: Path) -> None:
    put(
        tmp_path,
        {
            "tests/openapi.yaml": DOCUMENT,
            "docs/api.json": '{"info": {}, "openapi": "3.0.3"}',
            "specs/openapi.yaml": "\ufeff" + DOCUMENT,
            "specs/old-swagger.yml": 'swagger: "2.0"\n',
            "compose.yaml": "services: {openapi: x}\n",
            "node_modules/x/openapi.yaml": DOCUMENT,
            "big/other.yaml": "a: 1\nopenapi: 3.1.0\n",
        },
    )
    assert [str(one) for one in documents.documents(tree.walk(tmp_path))] == [
        "specs/old-swagger.yml (Swagger 2.0)",
        "specs/openapi.yaml (OpenAPI 3.1.0)",
        "docs/api.json (OpenAPI 3.0.3)",
        "big/other.yaml (OpenAPI 3.1.0)",
        "tests/openapi.yaml (OpenAPI 3.1.0)",
    ]


# ----------------------------------------------------------------------------------------------------- what is written


def test_a_project_gets_config_schema_hook_and_job_and_they_load(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / ".github").mkdir()
    before = snapshot(project)
    assert cli.main(["init", "--yes"]) == 0
    after = snapshot(project)
    assert {name: after[name] for name in before} == before
    assert sorted(set(after) - set(before)) == [
        *(".github/workflows/contract.yml", ".pre-commit-config.yaml", "contract.schema.json", "contract.toml")
    ]
    assert after["contract.toml"].decode() == (
        "#:schema ./contract.schema.json\n"
        "# What `contract check` holds against what. `contract config show` prints every setting and where it comes from.\n"
        'document = "openapi.yaml"\n'
        'routes = "asgi:app.main:app" # FastAPI\n'
        'target = "asgi:app.main:app" # in process; or a running server: "http://127.0.0.1:8000"\n'
        "safe = true # only GET, HEAD and OPTIONS are sent; take it out where the data may be lost\n"
        "\n"
        "# [headers]\n"
        '# Authorization = "Bearer ${API_TOKEN}" # read from the environment\n'
    )
    loaded = settings.load({}, {}, project)
    assert (loaded.documents, loaded.routes, loaded.target, loaded.safe) == (
        *(("openapi.yaml",), ("asgi:app.main:app",), "asgi:app.main:app", True),
    )
    schema = json.loads(after["contract.schema.json"])
    assert schema == settings.schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(tomllib.loads(after["contract.toml"].decode()), schema)
    said = capsys.readouterr()
    assert "application  FastAPI       asgi:app.main:app" in said.err
    assert '+document = "openapi.yaml"' in said.out
    assert cli.main(["init", "--yes"]) == 0
    assert snapshot(project) == after
    assert "Nothing to write" in capsys.readouterr().err


def test_what_comments_offer_can_be_taken_in(project: Path) -> None:
    assert cli.main(["init", "--yes"]) == 0
    config = project / "contract.toml"
    config.write_text(config.read_text().replace("# [headers]", "[headers]").replace("# Auth", "Auth"))
    loaded = settings.load({}, {"API_TOKEN": "t"}, project)
    assert [(header.name, header.value) for header in loaded.headers] == [("Authorization", "Bearer t")]


def test_names_with_quotes_spaces_and_letters_of_any_kind_are_written_so_that_they_load(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "openapi.yaml").unlink()
    odd = 'my "specs" $(x)/it\'s [öpenapi].yaml'
    put(project, {odd: DOCUMENT})
    (project / ".github").mkdir()
    assert cli.main(["init", "--yes"]) == 0
    assert settings.load({}, {}, project).documents == (odd,)
    [hooks] = [repo["hooks"] for repo in yaml.safe_load((project / ".pre-commit-config.yaml").read_text())["repos"]]
    import re

    assert re.search(hooks[0]["files"], odd)
    assert not re.search(hooks[0]["files"], "other/it.yaml")


def test_what_it_shows_is_a_patch_that_git_applies(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put(
        project,
        {
            ".gitlab-ci.yml": "lint:\n  script: [make]",
            ".pre-commit-config.yaml": "repos:\n- repo: local\n  hooks: []\n# end",
        },
    )
    before = snapshot(project)
    assert cli.main(["init", "--dry-run"]) == 0
    patch = capsys.readouterr().out
    assert snapshot(project) == before
    git(project, "apply", "-", text=patch)
    applied = snapshot(project)
    for name in set(applied) - set(before):
        (project / name).unlink()
    put(project, before)
    assert cli.main(["init", "--yes"]) == 0
    assert snapshot(project) == applied
    assert len(applied) == len(before) + 2


def test_without_a_terminal_and_without_yes_it_only_shows(project: Path) -> None:
    before = snapshot(project)
    done = subprocess.run(
        [sys.executable, "-m", "contract", "init"],
        cwd=project,
        input="y\n",
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, snapshot(project)) == (0, before)
    assert done.stderr.rstrip().endswith("Nothing was written. `contract init --yes` writes it.")


@pytest.mark.parametrize(("answer", "written"), [("y\n", True), ("n\n", False), ("\n", False)])
def test_on_a_terminal_it_shows_the_changes_and_asks(project: Path, answer: str, written: bool) -> None:
    master, slave = pty.openpty()
    running = subprocess.Popen(
        [sys.executable, "-m", "contract", "init"], cwd=project, stdin=slave, stdout=slave, stderr=slave, close_fds=True
    )
    os.close(slave)
    said = b""
    while b"[y/N]" not in said:
        said += os.read(master, 65536)
    assert not (project / "contract.toml").exists()
    os.write(master, answer.encode())
    while True:
        try:
            more = os.read(master, 65536)
        except OSError:  # the terminal is closed with its last program
            break
        if not more:
            break
        said += more
    os.close(master)
    assert running.wait(60) == 0
    assert said.index(b"+document = ") < said.index(b"Write these 3 files? [y/N]")
    assert (project / "contract.toml").exists() is written
    assert (b"Nothing was written." in said) is not written


# --------------------------------------------------------------------------------------------------- what stays as it is


@pytest.mark.parametrize("name", ["contract.toml", ".github/workflows/contract.yml", "pyproject.toml"])
def test_what_is_there_is_left_and_told(project: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    (project / ".github").mkdir()
    text = "[tool.contract]\ndocument = 'openapi.yaml'\n" if name == "pyproject.toml" else "# mine\n"
    put(project, {name: text})
    assert cli.main(["init", "--yes"]) == 0
    assert (project / name).read_text() == text
    shown = "[tool.contract] in pyproject.toml" if name == "pyproject.toml" else name
    assert f"left alone: {shown} is there and stays as it is" in capsys.readouterr().err
    assert (project / "contract.toml").exists() is (name != "pyproject.toml")


def test_a_link_to_nowhere_is_left_and_nothing_is_written_through_it(project: Path, tmp_path: Path) -> None:
    (project / "contract.toml").symlink_to(tmp_path / "elsewhere.toml")
    assert cli.main(["init", "--yes"]) == 0
    assert not (tmp_path / "elsewhere.toml").exists()


def test_a_file_that_comes_or_changes_in_between_is_left(project: Path) -> None:
    put(project, {".pre-commit-config.yaml": "repos:\n  - repo: local\n    hooks: []\n"})
    made = plan.plan(project)
    put(project, {"contract.toml": "# came\n", ".pre-commit-config.yaml": "# changed\n"})
    lost = {change.shown: str(error) for change, error in plan.write(made) if error is not None}
    assert lost == {
        "contract.toml": "contract.toml: is there by now, and is left as it is",
        ".pre-commit-config.yaml": ".pre-commit-config.yaml: changed since it was read, and is left as it is",
    }
    assert (project / "contract.toml").read_text() == "# came\n"
    assert (project / ".pre-commit-config.yaml").read_text() == "# changed\n"


ITEM = "- repo: local\n  hooks:\n    - id: contract-lint\n"
EXTENDED = {
    "indented, with comments": (
        "# ours\nrepos:\n  # first\n  - repo: a # a\n    rev: v1\n    hooks: [{id: x}]\n\n# the end\n",
        "# ours\nrepos:\n  # first\n  - repo: a # a\n    rev: v1\n    hooks: [{id: x}]\n"
        "  - repo: local\n    hooks:\n      - id: contract-lint\n\n# the end\n",
    ),
    "not indented, another key after it": (
        "repos:\n- repo: a\n  hooks:\n  - id: x\n    args: [\n      b]\nci:\n  skip: []\n",
        "repos:\n- repo: a\n  hooks:\n  - id: x\n    args: [\n      b]\n"
        "- repo: local\n  hooks:\n    - id: contract-lint\nci:\n  skip: []\n",
    ),
    "Windows' line ends, none at the end": (
        "repos:\r\n  - repo: a\r\n    hooks: []",
        "repos:\r\n  - repo: a\r\n    hooks: []\r\n  - repo: local\r\n    hooks:\r\n      - id: contract-lint\r\n",
    ),
    "a text of several lines at the end": (
        "repos:\n  - repo: a\n    note: |\n      # no comment\n\n      b\n",
        "repos:\n  - repo: a\n    note: |\n      # no comment\n\n      b\n"
        "  - repo: local\n    hooks:\n      - id: contract-lint\n",
    ),
    "an item in one line": (
        "repos:\n  - {repo: a}\nci: {}\n",
        "repos:\n  - {repo: a}\n  - repo: local\n    hooks:\n      - id: contract-lint\nci: {}\n",
    ),
    "in one line": ("repos: [{repo: a}]\n", None),
    "empty": ("repos: []\n", None),
    "no list": ("repos: 1\n", None),
    "nothing at all": ("", None),
    "no YAML": ("repos:\n  - a: [\n", None),
    "several documents": ("repos:\n  - a\n---\nrepos:\n  - b\n", None),
    "a text whose line ends count": ("repos:\n  - repo: a\n    note: |+\n      b\n\n", None),
    "an alias": ("x: &x\n  - repo: a\nrepos: *x\n", None),
}


@pytest.mark.parametrize("name", EXTENDED)
def test_a_list_gets_one_item_more_or_stays_as_it_is(name: str) -> None:
    before, after = EXTENDED[name]
    assert extend.with_item(before, "repos", ITEM) == after


def test_a_gitlab_file_gets_one_job_more_and_keeps_all_else(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (
        "# ours\nstages: [build, verify]\ninclude:\n  - local: a.yml\n\n.setup:\n  script: &s\n    - make\n\n"
        "build:\n  stage: build\n  script:\n    - !reference [.setup, script]\n    - *s\n"
    )
    put(project, {".gitlab-ci.yml": text})
    assert cli.main(["init", "--yes"]) == 0
    after = (project / ".gitlab-ci.yml").read_text()
    assert after.startswith(text + "\ncontract:\n  stage: 'verify'\n")
    assert cli.main(["init", "--yes"]) == 0
    assert ".gitlab-ci.yml has a job of contract already" in capsys.readouterr().err
    assert (project / ".gitlab-ci.yml").read_text() == after


def test_what_cannot_be_added_safely_is_told_to_be_added_by_hand(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(project, {".pre-commit-config.yaml": "repos: [{repo: meta, hooks: []}]\n", ".gitlab-ci.yml": "a: [\n"})
    before = snapshot(project)
    assert cli.main(["init", "--yes"]) == 0
    said = capsys.readouterr().err
    assert {name: snapshot(project)[name] for name in before} == before
    assert "add under `repos` by hand:\n- repo: local\n  hooks:\n" in said
    assert "add by hand:\ncontract:\n" in said


# --------------------------------------------------------------------------------------------------- the whole project


def test_in_a_folder_of_a_repository_the_job_runs_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, {f"services/shop/{name}": text for name, text in FASTAPI.items()})
    (tmp_path / ".github").mkdir()
    git(tmp_path, "init", "-q", "-b", "trunk")
    monkeypatch.chdir(tmp_path / "services/shop")
    assert cli.main(["init", "--yes"]) == 0
    workflow = yaml.safe_load((tmp_path / ".github/workflows/contract.yml").read_text())
    assert workflow[True]["push"] == {"branches": ["trunk"]}
    assert workflow["jobs"]["contract"]["defaults"] == {"run": {"working-directory": "services/shop"}}
    [repo] = yaml.safe_load((tmp_path / ".pre-commit-config.yaml").read_text())["repos"]
    assert [(hook["id"], hook["entry"], hook["files"]) for hook in repo["hooks"]] == [
        ("contract-lint", "contract lint --config services/shop/contract.toml", r"^services/shop/openapi\.yaml$")
    ]
    assert (tmp_path / "services/shop/contract.toml").is_file()


def test_modules_that_are_imported_from_a_folder_lead_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    put(tmp_path, {"backend/main.py": "from fastapi import FastAPI\nimport db\napp = FastAPI()\n", "backend/db.py": ""})
    monkeypatch.chdir(tmp_path)
    assert cli.main(["init", "--yes"]) == 2
    assert capsys.readouterr().err == (
        "error: backend/main.py: the modules of this application are imported from backend/, not from here\n"
        "  hint: cd backend && contract init\n"
    )


def test_without_a_project_it_says_what_it_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    put(tmp_path, {"readme.txt": "x"})
    monkeypatch.chdir(tmp_path)
    assert cli.main(["init", "--yes"]) == 2
    said = capsys.readouterr().err
    assert f"error: {tmp_path}: neither an application nor an OpenAPI document is here, in 1 file\n" in said
    assert all(name in said for name in packages.MANIFESTS)
    assert snapshot(tmp_path) == {"readme.txt": b"x"}


def test_an_application_without_a_document_exports_one_where_it_can(project: Path) -> None:
    pytest.importorskip("fastapi")
    (project / "openapi.yaml").unlink()
    assert cli.main(["init", "--yes"]) == 0
    assert json.loads((project / "openapi.json").read_text())["info"]["title"] == "FastAPI"
    assert settings.load({}, {}, project).documents == ("openapi.json",)


def test_an_application_that_cannot_be_imported_is_told_and_not_fatal(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "openapi.yaml").unlink()
    put(project, {"app/main.py": "from fastapi import FastAPI\nraise OSError('no database')\napp = FastAPI()\n"})
    assert cli.main(["init", "--yes"]) == 0
    said = capsys.readouterr().err
    assert "the application does not export one: OSError: no database" in said
    assert not (project / "openapi.json").exists()


def test_hostile_and_broken_files_are_looked_at_and_never_fatal(project: Path) -> None:
    put(
        project,
        {
            "package.json": b'\xef\xbb\xbf{"dependencies": {"express": "5"}}',
            "pyproject.toml": "[project\nname = ",
            "composer.json": "[" * 50_000,
            "requirements-x.txt": b"\xff\xfe\x00\x01",
            "deep.py": "from flask import Flask\n" + "(" * 5_000 + ")" * 5_000,
            "nul.py": "from flask import Flask\napp = Flask('x')\0\n",
            "deep.yaml": "openapi: 3.1.0\na: " + "[" * 20_000,
            ".gitlab-ci.yml": "&a [*a]",
            ".pre-commit-config.yaml": b"\xff\xfe",
        },
    )
    os.mkfifo(project / "Pipfile")
    os.mkfifo(project / "openapi.json")
    (project / "loop").symlink_to(project)
    (project / "gone.py").symlink_to(project / "nowhere")
    if sys.platform == "linux":
        (project / os.fsdecode(b"\xff\xfe.py")).write_text("")
    before = (project / ".pre-commit-config.yaml").read_bytes()
    made = plan.plan(project)
    assert [change.shown for change in made.changes] == ["contract.toml", "contract.schema.json"]
    assert (project / ".pre-commit-config.yaml").read_bytes() == before
    assert "express" in {one.name for one in packages.named(tree.walk(project))}


def test_a_huge_project_is_looked_at_from_the_top_and_no_further_than_the_bound(tmp_path: Path) -> None:
    put(tmp_path, {f"{'d/' * depth}f{number}.txt": "" for depth in range(12) for number in range(20)})
    put(tmp_path, {".venv/pyvenv.cfg": "", "mine/pyvenv.cfg": "", "mine/a.py": "", "node_modules/x/a.js": ""})
    assert len(tree.walk(tmp_path).files) == 20 * (tree.DEEPEST + 1)
    some = tree.walk(tmp_path, most=45)
    assert (len(some.files), some.cut) == (45, True)
    assert some.files[:20] == tuple(sorted(f"f{number}.txt" for number in range(20)))
    assert {name.count("/") for name in some.files} == {0, 1, 2}


def test_an_unknown_ci_is_refused_with_the_nearest(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["init", "--ci", "githbu"]) == 2
    assert "--ci must be github, gitlab or none, not `githbu`. Did you mean `github`?" in capsys.readouterr().err


# --------------------------------------------------------------------------------------------- what it writes is tried


LANGUAGES = {
    "python": FASTAPI,
    "uv": {**FASTAPI, "uv.lock": "", "pyproject.toml": "[project]\nname='x'\ndependencies=['fastapi']\n"},
    "node": {
        "package.json": '{"dependencies": {"express": "5"}}',
        "app.js": "const express = require('express')\nmodule.exports = express()\n",
        "openapi.yaml": DOCUMENT,
    },
    "php": {"composer.json": '{"require": {"laravel/framework": "12"}}', "artisan": "", "api/openapi.yaml": DOCUMENT},
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_hook_and_jobs_are_valid_by_the_tools_that_read_them(tmp_path: Path, language: str) -> None:
    put(tmp_path, LANGUAGES[language])
    git(tmp_path, "init", "-q")
    for kind in ("github", "gitlab"):
        for change, error in plan.write(plan.plan(tmp_path, ci=kind)):
            assert error is None, change.shown
    tools = Path(sys.executable).parent
    for name in ("check-jsonschema", "prek", "zizmor"):
        if not (tools / name).exists():
            needs.missing(f"{name}, which the extra `test` brings")
    checks = [
        [sys.executable, "-m", "pre_commit", "validate-config", ".pre-commit-config.yaml"],
        [str(tools / "prek"), "validate-config", ".pre-commit-config.yaml"],
        *(
            [str(tools / "check-jsonschema"), "--builtin-schema", f"vendor.{schema}", file]
            for schema, file in (
                ("github-workflows", ".github/workflows/contract.yml"),
                ("gitlab-ci", ".gitlab-ci.yml"),
            )
        ),
        [str(tools / "zizmor"), "--offline", "--no-progress", ".github/workflows/contract.yml"],
    ]
    for command in checks:
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, (command, done.stdout, done.stderr)


@pytest.mark.slow
@pytest.mark.parametrize("runner", [("-m", "pre_commit"), ("prek",)], ids=" ".join)
def test_the_hooks_stop_a_document_that_is_wrong_and_a_route_that_it_lacks(
    project: Path, tmp_path: Path, runner: tuple[str, ...]
) -> None:
    program = tmp_path / "bin" / "contract"
    put(tmp_path, {"bin/contract": f'#!/bin/sh\nexec "{sys.executable}" -m contract "$@"\n'})
    program.chmod(0o755)
    prek = Path(sys.executable).with_name("prek")
    if runner == ("prek",) and not prek.exists():
        needs.missing("prek, which the extra `test` brings")
    command = [str(prek)] if runner == ("prek",) else [sys.executable, *runner]
    environ = {
        **os.environ,
        "PATH": f"{program.parent}:{os.environ['PATH']}",
        "PRE_COMMIT_HOME": str(tmp_path / "home"),
    }
    environ["PREK_HOME"] = str(tmp_path / "home")
    put(
        project,
        {
            "app/main.py": "from fastapi import FastAPI\napp = FastAPI()\n@app.get('/a')\ndef a() -> int:\n    return 1\n"
        },
    )
    assert cli.main(["init", "--yes"]) == 0

    def outcome() -> list[str]:
        git(project, "add", ".")
        done = subprocess.run(
            [*command, "run", "--all-files", "--color=never"],
            cwd=project,
            env=environ,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == int("Failed" in done.stdout), done.stdout + done.stderr
        return [line.rsplit(".", 1)[-1] for line in done.stdout.splitlines() if line.startswith("contract ")]

    assert outcome() == ["Passed", "Passed"]
    with (project / "app/main.py").open("a") as file:
        file.write("@app.post('/b')\ndef b() -> int:\n    return 1\n")
    assert outcome() == ["Passed", "Failed"]
    (project / "openapi.yaml").write_text(DOCUMENT.replace("paths:", "paths_:"))
    assert outcome()[0] == "Failed"


def test_the_shell_of_the_workflow_gives_the_verdict_of_the_check(project: Path, tmp_path: Path) -> None:
    (project / ".github").mkdir()
    put(
        project,
        {
            "app/main.py": "from fastapi import FastAPI\napp = FastAPI()\n@app.get('/b')\ndef b() -> int:\n    return 1\n"
        },
    )
    assert cli.main(["init", "--yes"]) == 0
    steps = yaml.safe_load((project / ".github/workflows/contract.yml").read_text())["jobs"]["contract"]["steps"]
    script = next(step["run"] for step in steps if step.get("name") == "Check")
    program = tmp_path / "bin" / "contract"
    put(
        tmp_path, {"bin/contract": f'#!/bin/sh\nexec "{sys.executable}" -m contract "$@" --no-types --max-examples 1\n'}
    )
    program.chmod(0o755)
    summary = tmp_path / "summary.md"
    environ = {**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}", "GITHUB_STEP_SUMMARY": str(summary)}
    done = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", script],
        cwd=project,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    opened = lines[0].removeprefix("::stop-commands::")
    closed = lines.index(f"::{opened}::")
    assert [line for line in lines[1:closed] if line.startswith("::")] == []
    assert any(line.startswith("::error ") for line in lines[closed + 1 :])
    assert "undocumented" in summary.read_text()
    assert (project / "reports/contract.html").is_file()
