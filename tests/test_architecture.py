"""The laws of docs/architecture.md that can be read off the code: who imports whom, and what a start costs."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "contract"
FAMILIES = {"rules", "targets", "sources", "proof", "generators", "reports", "alerts", "stores"}
HEAVY = {
    "alembic",
    "datamodel_code_generator",
    "deepdiff",
    "fastapi",
    "httpx2",
    "hypothesis",
    "jinja2",
    "mypy",
    "openapi_core",
    "pydantic",
    "requests",
    "rich",
    "schemathesis",
    "sqlalchemy",
    "starlette",
    "uvicorn",
}


def modules() -> Iterator[tuple[str, Path]]:
    """Each module of the package as (dotted name, file)."""
    for path in sorted(PACKAGE.rglob("*.py")):
        yield ".".join(path.relative_to(ROOT).with_suffix("").parts), path


def imports(path: Path) -> Iterator[tuple[str, bool]]:
    """Each module that the file imports, anywhere in it, and whether that happens when the file itself is imported."""

    def walk(node: ast.AST, top: bool) -> Iterator[tuple[str, bool]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING"):
                yield from ((name, False) for name, _ in walk(child, False))
            elif isinstance(child, ast.Import):
                yield from ((alias.name, top) for alias in child.names)
            elif isinstance(child, ast.ImportFrom) and child.module is not None:
                # `from contract.sources import documents` names a module too; an attribute does no harm here.
                yield from ((f"{child.module}.{alias.name}", top) for alias in child.names)
            else:
                inside = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
                yield from walk(child, top and not inside)

    yield from walk(ast.parse(path.read_text("utf-8")), True)


def room(module: str) -> str:
    """`reports` of `contract.reports.json`; empty for the package itself."""
    return [*module.split("."), "", ""][1]


def test_core_imports_nothing_but_itself_the_standard_library_and_the_validator() -> None:
    allowed = sys.stdlib_module_names | {"jsonschema_rs", "orjson"}
    wrong = [
        f"{module} imports {name}"
        for module, path in modules()
        if room(module) == "core"
        for name, _ in imports(path)
        if name.split(".")[0] not in allowed and not name.startswith("contract.core")
    ]
    assert wrong == []


def test_families_import_only_themselves_and_core() -> None:
    wrong = [
        f"{module} imports {name}"
        for module, path in modules()
        if room(module) in FAMILIES
        for name, _ in imports(path)
        if name.startswith("contract.") and room(name) not in ("core", room(module), "__version__")
    ]
    assert wrong == []


def test_only_the_doors_import_app() -> None:
    wrong = [
        f"{module} imports {name}"
        for module, path in modules()
        if room(module) != "app" and module != "contract.__main__"
        for name, _ in imports(path)
        if name.startswith("contract.app")
    ]
    assert wrong == []


def test_core_reads_no_clock_and_no_file() -> None:
    forbidden = {
        "time",
        "socket",
        "subprocess",
        "tempfile",
        "shutil",
        "urllib.request",
        "random",
        "secrets",
        "threading",
    }
    wrong = [
        f"{module} imports {name}"
        for module, path in modules()
        if room(module) == "core"
        for name, _ in imports(path)
        if name in forbidden or name.rpartition(".")[0] in forbidden
    ]
    wrong += [
        f"{module}:{node.lineno} calls {ast.unparse(node.func)}"
        for module, path in modules()
        if room(module) == "core"
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and re.fullmatch(
            r"open|input|print|(datetime|date)\.(now|today|utcnow)|.*\.(read|write)_(text|bytes)",
            ast.unparse(node.func),
        )
    ]
    assert wrong == []


# The demo is an application of its own: FastAPI is what it is made of.
AT_IMPORT = {"contract.demo"}


def test_heavy_libraries_are_imported_only_inside_functions() -> None:
    wrong = [
        f"{module} imports {name}"
        for module, path in modules()
        if room(module) != "demo"
        for name, top in imports(path)
        if top and name.split(".")[0] in HEAVY and not _is_plug_in(module)
    ]
    assert wrong == []


def _is_plug_in(module: str) -> bool:
    """Modules that are loaded by the one command that names them: a target, a probe, a proof, a generator, a report."""
    return room(module) in ("targets", "proof", "generators", "reports", "stores") or module.startswith(
        ("contract.sources.", "contract.app.service.")
    )


def test_only_stores_know_the_database() -> None:
    wrong = [
        f"{module} imports {name}"
        for module, path in modules()
        if room(module) not in ("stores", "demo")
        for name, _ in imports(path)
        if name.split(".")[0] in ("alembic", "pg8000", "sqlalchemy", "sqlite3")
    ]
    assert wrong == []


@pytest.mark.parametrize(
    "argv",
    [["check", "--help"], ["lint", "specs/demo.yaml"], ["explain"], ["config", "show"], ["--version"], ["chekc"]],
    ids=" ".join,
)
def test_a_start_loads_nothing_heavy(argv: list[str]) -> None:
    code = (
        "import json, sys\n"
        "from contract.app import cli\n"
        "try: cli.main(json.loads(sys.argv[1]))\n"
        "except SystemExit: pass\n"
        "print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})), file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, json.dumps(argv)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert HEAVY & set(json.loads(done.stderr.splitlines()[-1])) == set()


def test_asking_for_the_version_imports_next_to_nothing() -> None:
    code = "import sys; from contract.app import cli; cli.main(['--version']); print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-S", "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(done.stdout.splitlines()[-1].split())
    assert {name for name in loaded if name.startswith("contract")} == {"contract", "contract.app", "contract.app.cli"}
    assert not loaded & {"argparse", "dataclasses", "inspect", "pathlib", "re", "typing"}


def tracked() -> list[Path]:
    """The files that git knows, or would add."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout.decode()
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


# Spelt in parts, so that this file does not find itself.
HOSTS = (
    "pypi" + ".org",
    "pythonhosted" + ".org",
    "registry.npmjs" + ".org",
    "deb.debian" + ".org",
    "pypi" + ".python.org",
)
MACHINE = re.compile(r"(?:^|[^\w./-])/(?:work|farm|root|home/\w+)/")


def test_no_tracked_file_names_a_package_index_or_a_path_of_one_machine() -> None:
    wrong = []
    for path in tracked():
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            if any(host in line for host in HOSTS) or MACHINE.search(line):
                wrong.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}")
    assert wrong == []


def test_constraints_pin_every_version_exactly_and_name_no_place() -> None:
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    assert [line for line in lines if not re.fullmatch(r"#.*|[A-Za-z0-9_.-]+==[A-Za-z0-9.]+", line)] == []
