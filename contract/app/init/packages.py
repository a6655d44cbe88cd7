"""Which packages does a project name, and who installs them?"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from contract.app.init.tree import Tree

MANIFESTS = (
    *("pyproject.toml", "requirements.txt", "setup.py", "setup.cfg", "Pipfile", "manage.py"),
    *("package.json", "composer.json", "artisan", "Gemfile", "pom.xml", "build.gradle", "build.gradle.kts", "go.mod"),
)
"""Files at the root that say what a project is made of; what `contract init` says that it looked for."""


@dataclass(frozen=True)
class Named:
    """A package that a manifest names, in lower case, with `_` and `.` as `-`."""

    name: str
    file: str


@dataclass(frozen=True)
class Manager:
    """Who installs the packages: the file that shows it, how, and what stands before `contract`."""

    name: str
    file: str
    install: tuple[str, ...]
    """Shell lines that install the project and `{contract}`."""
    run: str = ""


def named(tree: Tree) -> list[Named]:
    """Every package that the manifests name; a broken manifest names what can still be seen in it."""
    found: list[Named] = []
    for file in tree.files:
        base = file.rpartition("/")[2]
        if file.count("/") > 2:
            continue
        names: Iterator[str] | None = None
        if base == "pyproject.toml":
            names = _pyproject(tree.read(file) or "")
        elif re.fullmatch(r"(.*[-_.])?requirements([-_.].*)?\.(txt|in)", base) or "/requirements/" in f"/{file}":
            names = _requirements(tree.read(file) or "")
        elif base in ("setup.py", "setup.cfg", "Pipfile"):
            names = iter(re.findall(r"[A-Za-z][A-Za-z0-9_.-]+", tree.read(file) or ""))
        elif base in ("package.json", "composer.json"):
            names = _json(tree.read(file) or "")
        elif base == "Gemfile":
            names = iter(re.findall(r"""^\s*gem\s+["']([^"']+)""", tree.read(file) or "", re.MULTILINE))
        elif base in ("pom.xml", "build.gradle", "build.gradle.kts", "go.mod") or base.endswith(".csproj"):
            names = iter(re.findall(r"[A-Za-z][A-Za-z0-9_./-]+", tree.read(file) or ""))
        found += [Named(re.sub(r"[_.]", "-", name.lower()), file) for name in names or ()]
    return list(dict.fromkeys(found))


def parsed(text: str) -> Any:
    """The value of a JSON text, comments and commas at the end left aside; None if it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _json(text: str) -> Iterator[str]:
    value = parsed(text)
    if not isinstance(value, dict):
        yield from re.findall(r'"([^"\s]+)"\s*:', text)
        return
    for table in ("dependencies", "devDependencies", "peerDependencies", "require", "require-dev"):
        inner = value.get(table)
        if isinstance(inner, dict):
            yield from map(str, inner)


def _requirements(text: str) -> Iterator[str]:
    for line in text.splitlines():
        if found := re.match(r"\s*([A-Za-z0-9][A-Za-z0-9_.-]*)", line):
            yield found[1]


def _pyproject(text: str) -> Iterator[str]:
    import tomllib

    try:
        table: Any = tomllib.loads(text)
    except (ValueError, RecursionError):
        yield from re.findall(r"""["']?([A-Za-z][A-Za-z0-9_.-]+)\s*(?:\[|[=<>~!]=|["']?\s*=)""", text)
        return
    project = _table(table, "project")
    lists = [project.get("dependencies"), *_table(project, "optional-dependencies").values()]
    lists += _table(table, "dependency-groups").values()
    for entry in lists:
        if isinstance(entry, list):
            yield from _requirements("\n".join(one for one in entry if isinstance(one, str)))
    poetry = _table(table, "tool", "poetry")
    yield from _table(poetry, "dependencies")
    for group in _table(poetry, "group").values():
        if isinstance(group, Mapping):
            yield from _table(group, "dependencies")


def _table(value: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    for name in names:
        inner = value.get(name)
        if not isinstance(inner, Mapping):
            return {}
        value = inner
    return value


def manager(tree: Tree, language: str) -> Manager | None:
    """Who installs the packages of the language; None if nothing shows it."""
    return {"python": _python, "node": _node, "php": _php}.get(language, lambda _: None)(tree)


def _python(tree: Tree) -> Manager | None:
    project = tree.read("pyproject.toml") or ""
    if file := tree.has("uv.lock") or ("pyproject.toml" if "[tool.uv" in project else None):
        lines = ("python -m pip install uv", "uv sync", "uv pip install {contract}")
        return Manager("uv", file, lines, "uv run --no-sync ")
    if file := tree.has("poetry.lock") or ("pyproject.toml" if "[tool.poetry" in project else None):
        lines = ("python -m pip install poetry", "poetry install", "poetry run pip install {contract}")
        return Manager("poetry", file, lines, "poetry run ")
    if file := tree.has("Pipfile"):
        lines = ("python -m pip install pipenv", "pipenv install --dev", "pipenv run pip install {contract}")
        return Manager("pipenv", file, lines, "pipenv run ")
    if file := tree.has("requirements.txt", "requirements/base.txt", "requirements/dev.txt"):
        return Manager("pip", file, (f"python -m pip install -r {file} {{contract}}",))
    if "[project]" in project or tree.has("setup.py", "setup.cfg"):
        return Manager(
            "pip",
            tree.has("pyproject.toml", "setup.py") or "setup.cfg",
            ("python -m pip install --editable . {contract}",),
        )
    return None


def _node(tree: Tree) -> Manager | None:
    ours = "python3 -m pip install {contract}"
    if file := tree.has("pnpm-lock.yaml"):
        return Manager("pnpm", file, ("corepack enable pnpm", "pnpm install --frozen-lockfile", ours))
    if file := tree.has("yarn.lock"):
        return Manager("yarn", file, ("corepack enable yarn", "yarn install", ours))
    if file := tree.has("package-lock.json", "npm-shrinkwrap.json"):
        return Manager("npm", file, ("npm ci", ours))
    return Manager("npm", "package.json", ("npm install", ours)) if tree.has("package.json") else None


def _php(tree: Tree) -> Manager | None:
    file = tree.has("composer.lock", "composer.json")
    lines = ("composer install --no-interaction --prefer-dist", "python3 -m pip install {contract}")
    return Manager("composer", file, lines) if file else None
