"""What the user wants: flags over environment over file over defaults, each value knowing where it came from."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from contract.app import configfile
from contract.app.keys import KEYS, OLD_NAMES, Key, nearest
from contract.app.values import SHARE, Filter, Header, Output, Place, Rate, TypesTarget, Unset
from contract.core.errors import ConfigError, SourceError
from contract.core.finding import Level


@dataclass(frozen=True)
class Settings:
    """All that `contract check` needs to know. Paths are relative to `cwd`, as a person there would type them."""

    documents: tuple[str, ...] = ()
    target: str | None = None
    routes: tuple[str, ...] = ()  # "KIND:WHERE"
    traffic: tuple[str, ...] = ()  # "KIND:FILE"
    jobs: int | None = None
    """Processes that judge recorded traffic; None for as many as there are cores, where it is large."""
    tenant: str | None = None
    """Where an exchange says whose it is: `header:X-Tenant`, `path:tenant`, `query:tenant`, `host`."""
    ledger: str | None = None
    """File to which all that was counted is written, for `contract merge`."""
    allow_refs: tuple[str, ...] = ()
    """Beginnings of URLs, and folders outside the project, that a `$ref` may lead to."""

    walk: bool | None = None
    """None for as `fuzz` says."""
    ids: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Values that exist on the target, by the name of a parameter (`project_id`) or of a thing (`project`)."""
    dangerous: tuple[Filter, ...] = ()
    """Operations that no probe may ask, beside those whose names say so."""
    allow_dangerous: tuple[Filter, ...] = ()
    fuzz: bool = True
    max_time_s: float | None = 60.0
    max_examples: int = 50
    seed: int = 1
    workers: int = 1
    corpus: str | None = ".contract/corpus.ndjson"
    """File that keeps what only the fuzzer found; None for none."""

    headers: tuple[Header, ...] = ()
    rate_limit: Rate | None = None
    timeout_s: float = 10.0
    insecure: bool = False
    """Any TLS certificate of the target is taken."""

    include: tuple[Filter, ...] = ()
    exclude: tuple[Filter, ...] = ()
    safe: bool = False

    types: tuple[TypesTarget, ...] = ()
    """Targets of `contract generate`, which `contract check` proves too. Where nothing was said, beside other evidence:
    those of `generated/manifest.json`; without one Python, if the extra `types` is installed; committed in
    `generated/python`, if that is there."""

    environment: str | None = None
    release: str | None = None
    commit: str | None = None

    formats: tuple[Output, ...] = (Output("text"),)
    report_dir: str = ".contract"
    """Where the last run's `report.json` and `report.html` are kept."""

    fail_on: Level = Level.ERROR
    floor: float = 0.8
    levels: tuple[tuple[str, Level | None], ...] = ()
    """Pattern of rule ids and their level, None for off; in the order of the file, the last match wins."""
    baseline: str | None = None
    base_report: str | None = None
    """JSON report of the base branch, against which findings are new or unchanged."""
    update_baseline: bool = False
    reason: str | None = None
    until: str | None = None  # YYYY-MM-DD, the last day on which what --update-baseline accepts holds

    redact: tuple[str, ...] = ()
    """Names of headers, parameters and properties that are masked beside the built-in ones."""

    root: Path = Path()
    """The project: the folder of the config file, else the git root, else `cwd`; `$ref` may not lead out of it."""
    cwd: Path = Path()
    config: str | None = None
    origins: Mapping[str, str] = field(default_factory=dict)
    """For each field above where its value comes from: `flag --seed`, `contract.toml:7`, `default`."""
    notes: tuple[str, ...] = ()
    """What is odd and yet no error: an environment variable that is nearly one of ours."""

    @property
    def walks(self) -> bool:
        """True if the target is asked the fixed things that come before the fuzzer."""
        return self.fuzz if self.walk is None else self.walk

    @property
    def document(self) -> str | None:
        """The document, or the first one of several."""
        return self.documents[0] if self.documents else None

    def level(self, rule: str, own: Level) -> Level | None:
        """The level that a rule has here, None if it is off; `own` is the one that it brings."""
        from fnmatch import fnmatchcase

        said = [level for pattern, level in self.levels if fnmatchcase(rule, pattern)]
        return said[-1] if said else own


_OTHER_VARIABLES = ("CONTRACT_CONFIG", "CONTRACT_DATA", "CONTRACT_DEMO_", "CONTRACT_TOKEN")
_MERGED = ("headers", "levels", "ids")


def load(flags: Mapping[str, Any], environ: Mapping[str, str], cwd: Path) -> Settings:
    """The settings of a run; raises ConfigError, which names the flag, the variable, or the file and its line.

    `flags` holds what was typed, by the field's name: a text, a list of texts where a flag may be repeated, or True;
    None and absent are the same. `flags["config"]` names the file.
    """
    cwd = cwd.absolute()
    file = configfile.find(flags.get("config") or environ.get("CONTRACT_CONFIG"), cwd)
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}

    def put(key: Key, value: Any, origin: str) -> None:
        if key.name in _MERGED and key.name in values:
            # Later ones win and stand last, so that the last match of a pattern is the one nearest to the user.
            kept = {name: old for name, old in values[key.name].items() if name not in value}
            values[key.name] = kept | value
            origins[key.name] += f", {origin}"
        else:
            values[key.name] = value
            origins[key.name] = origin

    if file is not None:
        for key, value, origin in file.read(cwd, environ):
            put(key, value, origin)
    for key in KEYS:
        variable = key.variable
        if variable is not None and environ.get(variable, "").strip():
            put(key, _from_text(key, _split(key, environ[variable]), variable, cwd, environ), f"environment {variable}")
    for key in KEYS:
        raw = flags.get(key.name)
        if raw is not None:
            put(key, _from_text(key, raw, key.flag, cwd, environ), f"flag {key.flag}")
    if isinstance(values.get("headers"), dict):
        values["headers"] = tuple(values["headers"].values())
    if isinstance(values.get("ids"), dict):
        values["ids"] = tuple(values["ids"].items())
    if isinstance(values.get("levels"), dict):
        values["levels"] = tuple(values["levels"].items())
    _together(values)
    git = configfile.git_root(cwd)
    if "commit" not in values:
        commit, origin = _commit(environ, git)
        if commit is not None:
            values["commit"], origins["commit"] = commit, origin
    root = file.path.parent if file is not None else git or cwd
    if any(values.get(name) for name in ("target", "routes", "traffic")):
        values.setdefault("types", _usual_types(root, cwd))
    return Settings(
        **values,
        root=root,
        cwd=cwd,
        config=os.path.relpath(file.path, cwd) if file is not None else None,
        origins={key.name: origins.get(key.name, "default") for key in KEYS},
        notes=tuple(_near_misses(environ)),
    )


def _together(values: Mapping[str, Any]) -> None:
    """Raises ConfigError where two settings, each fine alone, do not go together."""
    outputs: tuple[Output, ...] = values.get("formats", ())
    bare = [output.format for output in outputs if output.path is None]
    if len(bare) > 1:
        raise ConfigError(
            f"only one report can go to standard output, and {_and(bare)} want to",
            f"give the others a path: `--format {bare[1]}=report.{bare[1]}`",
        )
    paths = [os.path.normpath(output.path) for output in outputs if output.path is not None]
    for path in paths:
        if paths.count(path) > 1:
            raise ConfigError(f"two reports want to be written to {path}", "give each its own path")
    if values.get("update_baseline"):
        if not values.get("baseline"):
            raise ConfigError("--update-baseline needs a file", "say `--baseline contract.baseline.json`")
        if not (values.get("reason") or "").strip():
            raise ConfigError(
                "--update-baseline needs a reason", "say why it is accepted: `--reason 'fixed with release 2.4'`"
            )
    else:
        for name in ("reason", "until"):
            if values.get(name):
                raise ConfigError(f"--{name} means nothing without --update-baseline")


def _and(words: Sequence[str]) -> str:
    return ", ".join(words[:-1]) + " and " + words[-1]


def _split(key: Key, text: str) -> Any:
    """The values of a variable: one, or several on lines of their own or parted by `;` (a header may hold a `;`)."""
    if not key.kind.many:
        return text
    parts = text.splitlines() if key.name == "headers" else re.split(r"[;\n]", text)
    return [part.strip() for part in parts if part.strip()]


def _from_text(key: Key, raw: Any, name: str, cwd: Path, environ: Mapping[str, str]) -> Any:
    try:
        return key.kind.text(raw, Place(cwd, cwd, environ))
    except Unset as error:
        raise configfile.missing_variable(f"{name}", error) from None
    except ValueError as error:
        from contract.core import redact

        given = redact.text(raw if isinstance(raw, str) else " ".join(map(str, raw)))
        said = "" if key.name == "headers" else f", not `{given}`"
        raise ConfigError(f"{name} must be {error}{said}") from None


def _near_misses(environ: Mapping[str, str]) -> Iterator[str]:
    known = [key.variable for key in KEYS if key.variable is not None]
    for name in sorted(environ):
        if name.startswith("CONTRACT_") and name not in known and not name.startswith(_OTHER_VARIABLES):
            guess = nearest(name, known)
            yield f"the environment variable {name} is not read" + (f"; did you mean {guess}?" if guess else "")


def _usual_types(root: Path, cwd: Path) -> tuple[TypesTarget, ...]:
    from importlib.util import find_spec

    from contract.app import manifest

    held = root / "generated" / manifest.NAME
    if held.is_file():
        try:
            made = manifest.read(held).targets
        except SourceError:
            made = {}  # another program's
        if made:
            return tuple(
                TypesTarget(name, os.path.relpath(held.parent / one.folder, cwd), tuple(sorted(one.options.items())))
                for name, one in made.items()
            )
    if find_spec("datamodel_code_generator") is None:
        return ()
    committed = root / "generated" / "python"
    return (TypesTarget("python", os.path.relpath(committed, cwd) if committed.is_dir() else None),)


_CI_COMMITS = ("GITHUB_SHA", "CI_COMMIT_SHA", "BITBUCKET_COMMIT", "CIRCLE_SHA1", "BUILD_SOURCEVERSION", "GIT_COMMIT")


def _commit(environ: Mapping[str, str], git: Path | None) -> tuple[str | None, str]:
    """The commit that is checked out, as CI says or as `.git` has it; reading three files beats starting git."""
    for name in _CI_COMMITS:
        if environ.get(name):
            return environ[name], f"environment {name}"
    if git is None:
        return None, "default"
    try:
        folder = git / ".git"
        if folder.is_file():  # a worktree or a submodule: `gitdir: …`
            folder = git / folder.read_text().removeprefix("gitdir:").strip()
        head = (folder / "HEAD").read_text().strip()
        if not head.startswith("ref:"):
            return head or None, "git"
        name = head.removeprefix("ref:").strip()
        pointer = folder / "commondir"
        common = folder / pointer.read_text().strip() if pointer.exists() else folder
        if (common / name).exists():
            return (common / name).read_text().strip() or None, "git"
        packed = (common / "packed-refs").read_text()
        match = re.search(rf"^([0-9a-f]{{40,64}}) {re.escape(name)}$", packed, re.MULTILINE)
        return (match[1], "git") if match else (None, "default")
    except OSError:
        return None, "default"


def shown(settings: Settings) -> list[tuple[str, str, str]]:
    """Each setting of the file as (key, value, origin), secrets masked; what `contract config show` prints."""
    return [
        (key.path, _shown(key, getattr(settings, key.name)), settings.origins[key.name])
        for key in KEYS
        if key.path is not None
    ]


def _shown(key: Key, value: Any) -> str:
    if key.name == "target" and value is not None:
        from contract.core import redact

        return redact.url(value)
    match value:
        case None:
            return "none" if key.shown_default in (None, "none") else str(key.shown_default)
        case bool():
            return str(value).lower()
        case Level():
            return value.value
        case float() if key.kind is SHARE:
            return f"{value:.0%}" if round(value * 100, 6).is_integer() else str(value)
        case float():
            return f"{value:g}s"
        case tuple():
            return ", ".join(_shown_item(item) for item in value) or "none"
    return str(value)


def _shown_item(item: Any) -> str:
    match item:
        case Header(name=name):
            return f"{name}: {item.shown}"
        case Filter(pattern=pattern, reason=reason):
            return f"{pattern} :: {reason}" if reason else pattern
        case Output(format=name, path=path) | TypesTarget(name=name, path=path):
            return f"{name}={path}" if path else name
        case (pattern, level):
            return f"{pattern}={level.value if isinstance(level, Level) else 'off'}"
    return str(item)


def schema() -> dict[str, Any]:
    """The JSON Schema of `contract.toml`, for editors; what `contract config schema` prints."""
    properties: dict[str, Any] = {}
    for key in KEYS:
        if key.path is None:
            continue
        entry = {"description": key.help, **key.kind.schema}
        if key.shown_default is not None:
            entry["description"] += f" (default: {key.shown_default})"
        table, _, inner = key.path.rpartition(".")
        if table:
            home = properties.setdefault(table, {"type": "object", "additionalProperties": False, "properties": {}})
            home["properties"][inner] = entry
        else:
            properties[key.path] = entry
    for old, name in OLD_NAMES.items():
        properties[old] = {**properties[name], "description": f"the old name of `{name}`", "deprecated": True}
    properties[configfile.SERVICE] = configfile.SERVICE_SCHEMA
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "contract.toml",
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
    }


def defaults() -> Settings:
    """The settings of somebody who says nothing."""
    return Settings(origins={key.name: "default" for key in KEYS})
