"""From what a project is made of to the files that are written, and those that are left alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import unified_diff
from pathlib import Path

from contract.app import configfile, outputs, settings
from contract.app.init import extend, packages, surroundings, texts, tree
from contract.app.init.applications import Application, applications
from contract.app.init.documents import Found, documents
from contract.core.errors import ConfigError, ContractError

EXPORT_S = 60
_EXPORTERS = (
    ("drf-spectacular", "python manage.py spectacular --file openapi.yaml"),
    ("drf-yasg", "python manage.py generate_swagger openapi.json"),
    ("django-ninja", "python manage.py export_openapi_schema --output openapi.json"),
    ("djangorestframework", "python manage.py generateschema --file openapi.yaml"),
    ("flask-smorest", "flask openapi write openapi.json"),
    ("apiflask", "flask spec --output openapi.json"),
    ("dedoc/scramble", "php artisan scramble:export --path=openapi.json"),
    ("darkaonline/l5-swagger", "php artisan l5-swagger:generate"),
    ("knuckleswtf/scribe", "php artisan scribe:generate"),
    ("springdoc-openapi-starter-webmvc-ui", "curl -s http://127.0.0.1:8080/v3/api-docs --output openapi.json"),
)
"""How a document is had of a framework, by the package that makes it."""


@dataclass(frozen=True)
class Change:
    """One file that is made or gets longer: what stands in it now, and what will."""

    path: Path
    shown: str
    before: str | None
    after: str
    made: str | None = None
    """By what it can be made again: such a file is told in one line, not read."""

    def diff(self) -> str:
        """As `git apply` takes it."""
        old = [] if self.before is None else self.before.splitlines(keepends=True)
        new = self.after.splitlines(keepends=True)
        first = "/dev/null" if self.before is None else f"a/{self.shown}"
        parts = []
        for line in unified_diff(old, new, first, f"b/{self.shown}"):
            parts.append(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n")
        head = f"diff --git a/{self.shown} b/{self.shown}\n"
        return head + ("new file mode 100644\n" if self.before is None else "") + "".join(parts)


@dataclass
class Plan:
    """What was found, what will be written, and what a person must see to."""

    rows: list[tuple[str, str, str]] = field(default_factory=list)
    """What was looked for, what it is, and what shows it."""
    changes: list[Change] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    """What is there already and stays as it is, and what to add by hand."""
    notes: list[str] = field(default_factory=list)


def plan(root: Path, *, ci: str | None = None, hooks: bool = True) -> Plan:
    """The plan for the project in `root`; raises ConfigError where there is no project, with what was looked for."""
    files = tree.walk(root)
    named = packages.named(files)
    apps = applications(files, named)
    found = documents(files)
    if not apps and not found:
        looked = ", ".join(packages.MANIFESTS[:-1])
        raise ConfigError(
            f"{root}: neither an application nor an OpenAPI document is here, in {_files(len(files.files))}",
            f"looked for {looked} and {packages.MANIFESTS[-1]}, and for YAML and JSON files that say `openapi: 3…` or "
            "`swagger: 2…`; run it in the project's own folder",
        )
    app = apps[0] if apps else None
    if app is not None and app.folder:
        raise ConfigError(
            f"{app.file}: the modules of this application are imported from {app.folder}/, not from here",
            f"cd {app.folder} && contract init",
        )
    made = Plan()
    if files.cut:
        made.notes.append(f"the project is large: {_files(len(files.files))} were looked at, those near its root first")
    around = surroundings.look(root)
    manager = packages.manager(files, app.language) if app is not None else None
    _tell(made, app, apps, found, named, manager)
    names = {"github": "GitHub", "gitlab": "GitLab"}
    made.rows.append(("CI", names.get(ci or around.ci or "", "none"), f"--ci {ci}" if ci else around.ci_seen))
    document = _document(made, root, app, found, [one.name for one in named])
    _config(made, root, document, app)
    _hook(made, around, document, app, manager, hooks)
    _job(made, around, app, manager, ci)
    # Last, for it is long, and nobody reads it.
    made.changes.sort(key=lambda change: change.shown == texts.SCHEMA)
    return made


def _files(number: int) -> str:
    return f"{number:,} file{'s' * (number != 1)}"


def _tell(
    made: Plan,
    app: Application | None,
    apps: list[Application],
    found: list[Found],
    named: list[packages.Named],
    manager: packages.Manager | None,
) -> None:
    if app is None:
        read = sorted({one.file for one in named})[:3]
        made.rows.append(("application", "none", f"looked at {', '.join(read) or 'all files'}"))
        made.notes.append("no application was found: name it as `target` or `routes` in contract.toml (docs/routes.md)")
    else:
        made.rows.append(("application", app.framework, app.routes or app.file))
        if app.routes and len(apps) > 1:
            others = [f"{one.routes} ({one.framework})" for one in apps[1:] if one.routes]
            made.notes.append(f"other applications here: {_few(others)}")
        made.notes += [app.note] if app.note else []
    if found:
        made.rows.append(("document", found[0].path, found[0].says))
    else:
        made.rows.append(("document", "none", "looked at all YAML and JSON files"))
    if len(found) > 1:
        made.notes.append(f"other documents here: {_few([str(one) for one in found[1:]])}; `document` takes a list")
    if manager is not None:
        made.rows.append(("packages", manager.name, manager.file))
    elif app is not None and app.language in ("python", "node", "php"):
        made.rows.append(("packages", "unknown", "no file says who installs them"))


def _few(items: list[str], most: int = 5) -> str:
    return ", ".join(items[:most]) + (f" and {len(items) - most} more" if len(items) > most else "")


# ---------------------------------------------------------------------------------------------------------- document


def _document(made: Plan, root: Path, app: Application | None, found: list[Found], names: list[str]) -> str:
    if found:
        return found[0].path
    for package, command in _EXPORTERS:
        if package in names:
            name = next(
                (word for word in command.replace("=", " ").split() if word.startswith("openapi.")), "openapi.json"
            )
            name = "storage/api-docs/api-docs.json" if "l5-swagger" in package else name
            made.notes.append(f"there is no document yet; the project can write it: `{command}`")
            return name
    if app is not None and app.framework == "FastAPI" and app.routes is not None:
        exported = _exported(root, app.routes.removeprefix("asgi:"))
        if isinstance(exported, str):
            made.changes.append(
                Change(
                    root / "openapi.json",
                    "openapi.json",
                    None,
                    exported,
                    f"{app.routes}, as the application exports it",
                )
            )
            made.notes.append(
                "the document is what the application itself exports: it says what is meant, not what is promised; edit it "
                "by hand from now on, or export it anew before each check"
            )
            return "openapi.json"
        made.notes.append(f"there is no document, and the application does not export one: {exported.args[0]}")
        return "openapi.json"
    made.notes.append(
        "there is no document yet: write openapi.yaml, or let recorded traffic write a first one: `contract infer --help`"
    )
    return "openapi.yaml"


_EXPORT = """\
import json, pathlib, sys
sys.path.insert(0, "")
from importlib import import_module
module, _, name = sys.argv[1].partition(":")
app = import_module(module)
for part in name.removesuffix("()").split("."):
    app = getattr(app, part)
app = app() if name.endswith("()") else app
pathlib.Path(sys.argv[2]).write_text(json.dumps(app.openapi(), indent=2, ensure_ascii=False) + "\\n", "utf-8")
"""


def _exported(root: Path, where: str) -> str | LookupError:
    """What FastAPI exports, from a process of its own, as importing an application runs its code; or why there is none."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "openapi.json"
        try:
            done = subprocess.run(
                [sys.executable, "-c", _EXPORT, where, str(file)],
                cwd=root,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=EXPORT_S,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return LookupError(f"{type(error).__name__} after {EXPORT_S} s")
        if done.returncode == 0 and (exported := tree.text(file, 50_000_000)) is not None:
            return exported
        last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        return LookupError(f"{last[:200]}; install contract where the application is installed")


# ------------------------------------------------------------------------------------------------------------- files


def _config(made: Plan, root: Path, document: str, app: Application | None) -> None:
    here = _there_already(root)
    if here is not None:
        made.left.append(f"{here} is there and stays as it is; `contract config show` says what it sets")
        return
    text = texts.config(document, app)
    _tried(root, text)
    made.changes.append(Change(root / "contract.toml", "contract.toml", None, text))
    schema = root / texts.SCHEMA
    if not os.path.lexists(schema):
        written = json.dumps(settings.schema(), indent=2, ensure_ascii=False) + "\n"
        made.changes.append(Change(schema, texts.SCHEMA, None, written, "`contract config schema`, for editors"))


def _there_already(root: Path) -> str | None:
    if os.path.lexists(root / "contract.toml"):
        return "contract.toml"
    text = tree.text(root / "pyproject.toml")
    return "[tool.contract] in pyproject.toml" if text and "\n[tool.contract" in f"\n{text}" else None


def _tried(root: Path, text: str) -> None:
    """Reads the config as a run would; what does not load is a bug of ours, and is not written."""
    import tomllib

    file = configfile.File(root / "contract.toml", "contract.toml", text, tomllib.loads(text), ())
    assert [key.path for key, _, _ in file.read(root, {})]


def _hook(
    made: Plan,
    around: surroundings.Surroundings,
    document: str,
    app: Application | None,
    manager: packages.Manager | None,
    wanted: bool,
) -> None:
    if not wanted:
        return
    if around.git is None:
        made.notes.append("this is no git repository, so no hook is written")
        return
    item = texts.hook(document, around.below, app, manager)
    path = around.git / ".pre-commit-config.yaml"
    shown = ".pre-commit-config.yaml"
    if not os.path.lexists(path):
        made.changes.append(Change(path, shown, None, texts.hooks_file(item)))
        return
    before = _exactly(path)
    if before is not None and "contract-lint" in before:
        made.left.append(f"{shown} has a hook of contract already")
        return
    after = extend.with_item(before, "repos", item) if before is not None else None
    if before is None or after is None:
        made.left.append(
            f"{shown} is not of a form that can be added to safely; add under `repos` by hand:\n{item.rstrip()}"
        )
        return
    made.changes.append(Change(path, shown, before, after))


def _job(
    made: Plan,
    around: surroundings.Surroundings,
    app: Application | None,
    manager: packages.Manager | None,
    said: str | None,
) -> None:
    kind = said or around.ci
    top = around.git
    if kind in (None, "none") or top is None:
        return
    if kind == "github":
        path, shown = top / ".github/workflows/contract.yml", ".github/workflows/contract.yml"
        text = texts.github(app, manager, around.branch, around.below)
        if os.path.lexists(path) or os.path.lexists(path.with_suffix(".yaml")):
            made.left.append(f"{shown} is there and stays as it is")
        else:
            made.changes.append(Change(path, shown, None, text))
        return
    path, shown = top / ".gitlab-ci.yml", ".gitlab-ci.yml"
    if not os.path.lexists(path):
        made.changes.append(Change(path, shown, None, texts.gitlab(app, manager, None, around.below)))
        return
    before = _exactly(path)
    value = extend.value(before) if before is not None else None
    stages = value.get("stages") if isinstance(value, Mapping) else None
    job = texts.gitlab(app, manager, [str(one) for one in stages] if isinstance(stages, list) else None, around.below)
    if isinstance(value, Mapping) and ("contract" in value or (before is not None and "contract check" in before)):
        made.left.append(f"{shown} has a job of contract already")
        return
    after = extend.with_key(before, job) if before is not None else None
    if before is None or after is None:
        made.left.append(f"{shown} is not of a form that can be added to safely; add by hand:\n{job.rstrip()}")
        return
    made.changes.append(Change(path, shown, before, after))


def _exactly(path: Path) -> str | None:
    """The text, line ends as they are; None where writing it back would change anything."""
    text = tree.text(path)
    if text is None:
        return None
    return text if text.encode("utf-8", "replace") == path.read_bytes() else None


# ----------------------------------------------------------------------------------------------------------- writing


def write(made: Plan) -> Iterator[tuple[Change, ContractError | None]]:
    """Writes each change; one that cannot be written, or whose file is no longer as it was read, does not stop the others."""
    for change in made.changes:
        try:
            _write(change)
        except ContractError as error:
            yield change, error
        else:
            yield change, None


def _write(change: Change) -> None:
    if change.before is not None:
        if _exactly(change.path) != change.before:
            raise ConfigError(
                f"{change.shown}: changed since it was read, and is left as it is", "run `contract init` again"
            )
        outputs.write(change.path, change.after)
        return
    try:
        change.path.parent.mkdir(parents=True, exist_ok=True)
        # Never over a file that came in between, and never through a link.
        with open(change.path, "x", encoding="utf-8", newline="") as file:
            file.write(change.after)
    except FileExistsError as error:
        raise ConfigError(f"{change.shown}: is there by now, and is left as it is") from error
    except OSError as error:
        raise ConfigError(f"{change.shown}: cannot be written: {(error.strerror or str(error)).lower()}") from error


def facts(made: Plan) -> list[str]:
    """What was found, in columns."""
    widths = [max(len(row[column]) for row in made.rows) for column in (0, 1)]
    return [f"  {row[0]:<{widths[0]}}  {row[1]:<{widths[1]}}  {row[2]}".rstrip() for row in made.rows]
