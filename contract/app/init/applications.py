"""Which applications does a project hold, and how are their routes read?"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from types import MappingProxyType

from contract.app.init.packages import Named, parsed
from contract.app.init.tree import Tree

_MOST_READ = 3_000
_ASIDE = re.compile(
    r"(^|/)(tests?|examples?|docs?|samples?|scripts|bench(marks)?|conftest\.py|test_[^/]*|[^/]*_test\.py)(/|$)"
)


@dataclass(frozen=True)
class Application:
    """What serves the API."""

    framework: str
    language: str
    file: str
    """What shows it."""
    routes: str | None = None
    target: str | None = None
    """In process; None where it must run."""
    folder: str = ""
    """Where its modules are imported from, if that is not the project's root."""
    url: str = "http://127.0.0.1:8000"
    """Where it usually listens."""
    note: str | None = None
    later: str | None = None
    """What `routes` will say once somebody has written the list."""


@dataclass(frozen=True)
class _Kind:
    """How an application in Python looks: `name = Constructor(…)`, imported from one of `modules`."""

    framework: str
    kind: str
    modules: tuple[str, ...]
    constructors: tuple[str, ...]
    target: str | None
    url: str = "http://127.0.0.1:8000"


_KINDS = (
    _Kind("FastAPI", "asgi", ("fastapi",), ("FastAPI",), "asgi"),
    _Kind("Starlette", "asgi", ("starlette",), ("Starlette",), "asgi"),
    _Kind("Flask", "flask", ("flask",), ("Flask",), "wsgi", "http://127.0.0.1:5000"),
    _Kind("Flask", "flask", ("flask_openapi3", "apiflask"), ("OpenAPI", "APIFlask"), "wsgi", "http://127.0.0.1:5000"),
    _Kind("aiohttp", "aiohttp", ("aiohttp",), ("Application",), None, "http://127.0.0.1:8080"),
    _Kind("Tornado", "tornado", ("tornado",), ("Application",), None, "http://127.0.0.1:8888"),
    _Kind("Pyramid", "pyramid", ("pyramid",), ("make_wsgi_app",), "wsgi", "http://127.0.0.1:6543"),
)

_OTHERS = {
    "litestar": "Litestar",
    "quart": "Quart",
    "sanic": "Sanic",
    "falcon": "Falcon",
    "bottle": "Bottle",
    "koa": "Koa",
    "@hapi/hapi": "hapi",
    "symfony/framework-bundle": "Symfony",
    "slim/slim": "Slim",
    "rails": "Rails",
    "sinatra": "Sinatra",
    "spring-boot-starter-web": "Spring Boot",
    "spring-boot-starter-webflux": "Spring Boot",
    "org-springframework-boot": "Spring Boot",
    "github-com/gin-gonic/gin": "Gin",
    "github-com/labstack/echo/v4": "Echo",
    "github-com/go-chi/chi/v5": "chi",
    "microsoft-net-sdk-web": "ASP.NET Core",
}
"""Frameworks whose applications nobody loads here, by a package that shows them."""
_LISTS = {
    "Rails": ("rails:routes.txt", "bin/rails routes --expanded > routes.txt"),
    "Spring Boot": ("spring:mappings.json", "curl http://127.0.0.1:8080/actuator/mappings > mappings.json"),
}
"""Those whose list is read from a file, and the command that writes it."""
_AS_TEXT = ("text:routes.txt", "one `METHOD /path` a line")


def applications(tree: Tree, packages: Sequence[Named]) -> list[Application]:
    """Every application, the likeliest first."""
    names = {one.name: one.file for one in reversed(packages)}
    families = [[*_django(tree)], [*_laravel(tree, names)], _python(tree), _node(tree, names)]
    # What lies nearest to the root is meant, and what stands in an example is not.
    near = sorted(
        filter(None, families), key=lambda family: (bool(_ASIDE.search(family[0].file)), family[0].file.count("/"))
    )
    return [app for family in near for app in family] or list(_others(names))


# ------------------------------------------------------------------------------------------------------------- Python


def _python(tree: Tree) -> list[Application]:
    files = sorted(tree.ending(".py"), key=lambda name: (bool(_ASIDE.search(name)), name.count("/"), name))
    sources = {file: source for file in files[:_MOST_READ] if (source := tree.read(file, 500_000)) is not None}
    modules = {
        file: module
        for file, source in sources.items()
        if any(_is_likely(source, kind) for kind in _KINDS) and (module := _parsed(source)) is not None
    }
    factories = _all_factories(tree, modules)
    calls = {f"{name.rpartition('.')[2]}(" for name in factories}
    for file, source in sources.items():  # `app = create_app()`, where create_app stands elsewhere
        if file not in modules and any(call in source for call in calls):
            module = _parsed(source)
            if module is not None:
                modules[file] = module
    rows: list[tuple[tuple[object, ...], Application]] = []
    for file, module in modules.items():
        folder, dotted = _module(tree, file, module)
        for kind, name, factory in _made(module, factories):
            where = f"{dotted}:{name}" + ("()" if factory else "")
            app = Application(
                kind.framework,
                "python",
                file,
                f"{kind.kind}:{where}",
                f"{kind.target}:{where}" if kind.target else None,
                "" if folder == "src" and _is_installed(tree) else folder,
                kind.url,
            )
            usual = file.rpartition("/")[2] in ("main.py", "app.py", "asgi.py", "wsgi.py", "__init__.py", "server.py")
            likely = name in ("app", "application", "api", "create_app", "make_app")
            rank = (bool(_ASIDE.search(file)), factory, not likely, not usual, file.count("/"), file, name)
            rows.append((rank, app))
    return [app for _, app in sorted(rows, key=lambda row: row[0])]


def _parsed(source: str) -> ast.Module | None:
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _all_factories(tree: Tree, modules: Mapping[str, ast.Module]) -> dict[str, _Kind]:
    """By dotted name, and by the bare name where all that are called so make the same."""
    found: dict[str, _Kind] = {}
    bare: dict[str, set[_Kind]] = {}
    for file, module in modules.items():
        dotted = _module(tree, file, module)[1]
        for name, kind in _factories(module):
            found[f"{dotted}.{name}"] = kind
            bare.setdefault(name, set()).add(kind)
    return found | {name: next(iter(kinds)) for name, kinds in bare.items() if len(kinds) == 1}


def _factories(module: ast.Module) -> Iterator[tuple[str, _Kind]]:
    """The functions of a module that make an application, whatever they are given."""
    imported = dict(_imported(module))
    for node in module.body:
        if isinstance(node, ast.FunctionDef):
            kind = _returned(node, imported)
            if kind is not None:
                yield node.name, kind


def _is_likely(source: str, kind: _Kind) -> bool:
    """False where parsing the file would be in vain."""
    return any(name in source for name in kind.modules) and any(name in source for name in kind.constructors)


def _is_installed(tree: Tree) -> bool:
    return tree.has("pyproject.toml", "setup.py", "setup.cfg") is not None


def _module(tree: Tree, file: str, module: ast.Module) -> tuple[str, str]:
    """The folder that modules are imported from, and the dotted name of the file from there.

    That is the folder above the outermost package. Without packages it is the root, unless the file imports a
    neighbour by its bare name.
    """
    path = PurePosixPath(file)
    folder = path.parent
    while str(folder) != "." and f"{folder}/__init__.py" in tree.names:
        folder = folder.parent
    if folder == path.parent and str(folder) != "." and not _imports_neighbours(tree, str(folder), module):
        inner = PurePosixPath("src")
        folder = inner if folder.parts[0] == "src" and folder != inner else PurePosixPath(".")
    root = "" if str(folder) == "." else str(folder)
    inside = path.relative_to(folder).with_suffix("")
    parts = inside.parts[:-1] if inside.name == "__init__" else inside.parts
    return root, ".".join(parts)


def _imports_neighbours(tree: Tree, folder: str, module: ast.Module) -> bool:
    for node in ast.walk(module):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module]
        for name in names:
            first = name.partition(".")[0]
            here = f"{folder}/{first}.py" in tree.names or f"{folder}/{first}" in tree.folders
            if here and f"{first}.py" not in tree.names and first not in tree.folders:
                return True
    return False


def _made(module: ast.Module, factories: Mapping[str, _Kind]) -> Iterator[tuple[_Kind, str, bool]]:
    """Each application that the module makes: its kind, its name, and whether that is a function which makes it."""
    imported = dict(_imported(module))
    factories = {**factories, **dict(_factories(module))}
    for node in module.body:
        yield from ((kind, name, False) for name, kind in _assigned(node, imported, factories))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            kind = _returned(node, imported)
            required = len(node.args.args) + len(node.args.posonlyargs) - len(node.args.defaults)
            keywords = sum(default is None for default in node.args.kw_defaults)
            if kind is None or node.decorator_list:
                continue
            pyramid = kind.kind == "pyramid" and node.name == "main"
            if pyramid or (
                required <= 0 and not keywords and not (isinstance(node, ast.AsyncFunctionDef) and kind.target)
            ):
                yield (_in_pyramid(kind) if pyramid and required > 0 else kind), node.name, True


def _in_pyramid(kind: _Kind) -> _Kind:
    """`main(global_config, **settings)`: the adapter gives it what it takes; in process nobody does."""
    return _Kind(kind.framework, kind.kind, kind.modules, kind.constructors, None, kind.url)


def _imported(module: ast.Module) -> Iterator[tuple[str, str]]:
    """Each name that is imported, and from which package."""
    for node in ast.walk(module):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                yield alias.asname or alias.name, f"{node.module}.{alias.name}"
        elif isinstance(node, ast.Import):
            for alias in node.names:
                yield (
                    alias.asname or alias.name.partition(".")[0],
                    (alias.asname and alias.name) or alias.name.partition(".")[0],
                )


def _kind(
    value: ast.expr | None, imported: dict[str, str], factories: Mapping[str, _Kind] = MappingProxyType({})
) -> _Kind | None:
    if isinstance(value, ast.Await):
        value = value.value
    if not isinstance(value, ast.Call):
        return None
    words: list[str] = []
    node: ast.expr = value.func
    while isinstance(node, ast.Attribute):
        words.insert(0, node.attr)
        node = node.value
    if words and words[-1] == "make_wsgi_app" and any(name.startswith("pyramid") for name in imported.values()):
        return next(kind for kind in _KINDS if kind.kind == "pyramid")
    if not isinstance(node, ast.Name):
        return None
    dotted = ".".join([imported.get(node.id, node.id), *words])
    return (
        _named([node.id, *words], imported) or factories.get(dotted) or factories.get(words[-1] if words else node.id)
    )


def _named(words: list[str], imported: dict[str, str]) -> _Kind | None:
    """The kind whose constructor the dotted name means."""
    if words[0] not in imported:
        return None
    whole = ".".join([imported[words[0]], *words[1:]]).split(".")
    for kind in _KINDS:
        if whole[0] in kind.modules and whole[-1] in kind.constructors:
            return kind
    return None


def _assigned(
    node: ast.stmt, imported: dict[str, str], factories: Mapping[str, _Kind] = MappingProxyType({})
) -> Iterator[tuple[str, _Kind]]:
    if isinstance(node, ast.Assign):
        targets, value = node.targets, node.value
    elif isinstance(node, ast.AnnAssign) and node.value is not None:
        targets, value = [node.target], node.value
    else:
        return
    kind = _kind(value, imported, factories)
    for target in targets:
        if kind is not None and isinstance(target, ast.Name):
            yield target.id, kind


def _returned(function: ast.FunctionDef | ast.AsyncFunctionDef, imported: dict[str, str]) -> _Kind | None:
    made = {
        name: kind
        for node in ast.walk(function)
        if isinstance(node, ast.stmt)
        for name, kind in _assigned(node, imported)
    }
    for node in ast.walk(function):
        if isinstance(node, ast.Return):
            if isinstance(node.value, ast.Name) and node.value.id in made:
                return made[node.value.id]
            if (kind := _kind(node.value, imported)) is not None:
                return kind
    # `-> FastAPI` also says it where what is made is of a class of the project's own.
    return _named(ast.unparse(function.returns).split("."), imported) if function.returns is not None else None


def _django(tree: Tree) -> Iterator[Application]:
    for file in sorted(
        (name for name in tree.files if name.rpartition("/")[2] == "manage.py"), key=lambda name: name.count("/")
    ):
        source = tree.read(file) or ""
        found = re.search(r"""DJANGO_SETTINGS_MODULE["']\s*(?:,|\]\s*=)\s*["']([\w.]+)["']""", source)
        if found is None:
            continue
        settings, folder = found[1], file.rpartition("/")[0]
        package = settings.partition(".")[0]
        wsgi = f"{folder}/{package}/wsgi.py".removeprefix("/")
        in_process = not folder and re.search(r"^application\s*=", tree.read(wsgi) or "", re.MULTILINE)
        yield Application(
            "Django",
            "python",
            file,
            f"django:{folder}/{settings}" if folder else f"django:{settings}",
            f"wsgi:{package}.wsgi:application" if in_process else None,
        )


# ------------------------------------------------------------------------------------------------------- PHP and Node


def _laravel(tree: Tree, names: dict[str, str]) -> Iterator[Application]:
    for file in sorted(
        (name for name in tree.files if name.rpartition("/")[2] == "artisan"), key=lambda name: name.count("/")
    ):
        if "laravel/framework" in names or re.search(r"laravel|illuminate", tree.read(file) or "", re.IGNORECASE):
            yield Application("Laravel", "php", file, f"laravel:{file}")


def _node(tree: Tree, names: dict[str, str]) -> list[Application]:
    kinds = [(kind, framework) for kind, framework in (("express", "Express"), ("fastify", "Fastify")) if kind in names]
    if "@nestjs/core" in names:
        return [_nest(tree, names["@nestjs/core"])]
    if not kinds:
        return []
    package = parsed(tree.read("package.json") or "")
    package = package if isinstance(package, dict) else {}
    started = _started(package)
    rows: list[tuple[tuple[object, ...], Application]] = []
    for file in sorted(
        tree.ending(".js", ".mjs", ".cjs", ".ts", ".mts", ".cts"), key=lambda name: (name.count("/"), name)
    )[:_MOST_READ]:
        if file.endswith(".d.ts") or _ASIDE.search(file) or re.search(r"\.(test|spec)\.\w+$", file):
            continue
        source = tree.read(file, 500_000) or ""
        for kind, framework in kinds:
            made = re.search(rf"""(?:require\(\s*["']{kind}["']\s*\)|from\s+["']{kind}["'])""", source)
            calls = re.search(rf"\b(?:{kind}|{framework})\s*\(|\)\s*\(\s*\)", source)
            if made is None or calls is None:
                continue
            exported = re.search(r"\b(?:module\.exports|exports\.\w+|export\s+(?:default|const|let|\{))", source)
            factory = re.search(
                r"export\s+(?:default\s+)?(?:async\s+)?function\s+((?:build|create|make)\w*)\s*\(\s*\)"
                r"|module\.exports\s*=\s*((?:build|create|make)\w*)\b",
                source,
            )
            name = (factory[1] or factory[2]) if factory else ""
            runs = f"{file}:{name}()" if name and re.search(rf"function\s+{re.escape(name)}\s*\(", source) else file
            url = f"http://127.0.0.1:{_port(tree, source, started)}"
            note = None
            if file.endswith("ts"):
                note = f"{file} is TypeScript: Node must be able to run it, or name the compiled file in contract.toml"
            app = Application(framework, "node", file, f"{kind}:{runs}", None, "", url, note)
            usual = PurePosixPath(file).stem in ("app", "server", "index", "main")
            rows.append(((exported is None, file not in started, not usual, file.count("/"), file), app))
    return [app for _, app in sorted(rows, key=lambda row: row[0])]


def _nest(tree: Tree, file: str) -> Application:
    """Nest runs what its build has made, so that need not be there yet."""
    folder = file.rpartition("/")[0]
    main = f"{folder}/dist/main.js".removeprefix("/")
    note = (
        None
        if (tree.root / main).is_file()
        else f"{main} is what `npm run build` makes, and its routes are read from it"
    )
    return Application("Nest", "node", file, f"nest:{main}", None, "", "http://127.0.0.1:3000", note)


def _started(package: dict[str, object]) -> list[str]:
    """The files that `main` and the start script of package.json name."""
    scripts = package.get("scripts")
    start = scripts.get("start") if isinstance(scripts, dict) else None
    said = re.findall(r"[\w./-]+\.[cm]?[jt]s\b", start) if isinstance(start, str) else []
    main = package.get("main")
    return [str(PurePosixPath(file)) for file in [*said, *([main] if isinstance(main, str) else [])]]


def _port(tree: Tree, source: str, started: Sequence[str]) -> str:
    for text in (source, *(tree.read(file) or "" for file in started)):
        if found := re.search(
            r"listen\s*\(\s*(?:\{\s*port:\s*)?(?:process\.env\.\w+\s*(?:\|\||\?\?)\s*)?[\"']?(\d{2,5})", text
        ):
            return found[1]
    return "3000"


def _others(names: dict[str, str]) -> Iterator[Application]:
    for package, framework in _OTHERS.items():
        file = names.get(package) or next(
            (there for name, there in names.items() if name.endswith("/" + package)), None
        )
        if file is None:
            continue
        routes, how = _LISTS.get(framework, _AS_TEXT)
        note = f'the routes of {framework} are read from a file: `{how}`, then routes = "{routes}" in contract.toml'
        language = (
            "python"
            if file.endswith((".toml", ".txt", ".py", "Pipfile"))
            else "node"
            if "package.json" in file
            else "php"
            if "composer" in file
            else "other"
        )
        url = "http://127.0.0.1:3000" if language == "node" or framework == "Rails" else "http://127.0.0.1:8080"
        yield Application(framework, language, file, None, None, "", url, note, routes)
        return
