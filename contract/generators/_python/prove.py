"""Is what was made right? Each step names the operation or component that it is about, by the lines that it wrote.

S2 the package imports with what it declares; S3 `mypy --strict` and basedpyright's `strict` are silent, and refuse a
wrong use of each; S4 another hash seed gives the same bytes; S5 each has its name; S6 values that keep the document are
held and come back the same; S7 broken ones are refused; S8 each operation is called once on a loopback server.
"""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from contract.core import sample
from contract.core.discriminator import kinds
from contract.core.document import escape, resolve, unescape
from contract.core.evidence import is_json
from contract.core.openapi import Contract, follow
from contract.core.schema import Schemas
from contract.generators._python import build as building
from contract.generators._python.build import Built
from contract.generators._python.emit import arguments, result
from contract.generators._python.models import Fault, Made, last_line, process
from contract.generators._python.parts import parts
from contract.generators._python.plan import SCHEMAS, is_null_too

PACKAGE = "generated_client"
_ALLOWED = frozenset({"httpx2", "pydantic", "typing_extensions"})
"""What a client needs: pydantic itself needs the last one."""
_MOST_VALUES = 12
_MOST_BROKEN = 24
TYPED = frozenset(
    (
        *("type", "required", "enum", "const", "additionalProperties", "minimum", "maximum", "exclusiveMinimum"),
        *("exclusiveMaximum", "multipleOf", "minLength", "maxLength", "pattern", "minItems", "maxItems"),
    )
)
"""Keywords that a type can say; what breaks another one may pass, and is counted."""
_SECONDS = 900.0

Notify = Callable[[str, int, int], None]
Seen = Mapping[str, Sequence[tuple[str, str, Any]]]
"""By key of an operation: status or `request`, and media type, as they are declared; and the body that was observed."""


@dataclass
class Proof:
    components: dict[str, Fault] = field(default_factory=dict)  # by schema
    operations: dict[str, Fault] = field(default_factory=dict)  # by key
    everything: Fault | None = None
    notes: list[str] = field(default_factory=list)

    def component(self, name: str, step: str, reason: str) -> None:
        self.components.setdefault(name, Fault(step, reason))

    def operation(self, key: str, step: str, reason: str) -> None:
        self.operations.setdefault(key, Fault(step, reason))


def prove(
    built: Built,
    package: Path,
    work: Path,
    cache: Path | None,
    only: Collection[str] | None,
    notify: Notify,
    *,
    operations: Sequence[str] | None = None,
    seen: Seen | None = None,
) -> Proof:
    """Everything that was found; `package` is the folder `generated_client` in `work`.

    `operations` are the keys of all that there are, where the package is a part of another. `seen` are observed bodies.
    """
    proof = Proof(dict(built.faults))
    steps: tuple[tuple[str, Callable[[], None]], ...] = (
        ("imports", lambda: _imports(built, package, proof)),
        ("types", lambda: _types(built, work, cache, proof)),
        ("again", lambda: _again(built, work, operations or list(built.plan.entries), proof)),
        ("values", lambda: _values(built, work, only, seen or {}, proof)),
        ("calls", lambda: _calls(built, work, only, proof)),
    )
    for index, (name, step) in enumerate(steps):
        notify(name, index, len(steps))
        step()
        if name == "imports" and proof.everything is not None:
            return proof
    notify("proven", len(steps), len(steps))
    return proof


# --- S2 ---------------------------------------------------------------------------------------------------------------


def _imports(built: Built, package: Path, proof: Proof) -> None:
    """Each module imports, and asks for nothing that the client does not declare."""
    for file, text in built.package.files.items():
        if not file.endswith(".py"):
            continue
        try:
            tree = ast.parse(text)
        except SyntaxError as error:
            key = built.package.operation_at(file, error.lineno or 0)
            if key is None:
                proof.everything = Fault("import", f"{file}:{error.lineno}: {error.msg}")
                return
            proof.operation(key, "import", f"{file}:{error.lineno}: {error.msg}")
            continue
        for node in ast.walk(tree):
            names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module or ""]
            for name in names:
                top = name.split(".")[0]
                if top not in sys.stdlib_module_names and top not in _ALLOWED:
                    proof.everything = Fault("import", f"{file} imports `{top}`, which the client does not declare")
    script = (
        "import importlib, json, sys\n"
        "sys.path.insert(0, '.')\n"
        "out = {}\n"
        "for name in json.load(sys.stdin):\n"
        "    try: importlib.import_module(name)\n"
        "    except Exception as error: out[name] = type(error).__name__ + ': ' + str(error)[:300]\n"
        "json.dump(out, sys.stdout)\n"
    )
    names = [PACKAGE, f"{PACKAGE}.models", f"{PACKAGE}.api"]
    names += [f"{PACKAGE}.api.{module}" for module in sorted({each.module for each in built.plan.entries.values()})]
    done = process([sys.executable, "-c", script], package.parent, _SECONDS, text=json.dumps(names))
    if done.returncode != 0:
        proof.everything = Fault("import", last_line(done.stderr))
        return
    for name, reason in json.loads(done.stdout).items():
        module = name.rpartition(".")[2]
        mine = [
            key
            for key, each in built.plan.entries.items()
            if name == f"{PACKAGE}.api.{module}" == f"{PACKAGE}.api.{each.module}"
        ]
        if not mine:
            proof.everything = proof.everything or Fault("import", f"{name}: {reason}")
        for key in mine:
            proof.operation(key, "import", reason)


# --- S3 ---------------------------------------------------------------------------------------------------------------


def _types(built: Built, work: Path, cache: Path | None, proof: Proof) -> None:
    wrong = _wrong_uses(built)
    (work / "wrong.py").write_text(wrong.text, encoding="utf-8")
    for name, errors in (("mypy --strict", mypy(work, cache)), ("basedpyright", _pyright(built, work, proof))):
        blame(built, name, errors, wrong, proof)


def blame(
    built: Built,
    name: str,
    errors: list[tuple[str, int, str]] | str,
    wrong: Wrong,
    proof: Proof,
    package: str = PACKAGE,
) -> None:
    """What a checker says, against whose lines it names; and the wrong uses that it takes, against whose they are."""
    if isinstance(errors, str):
        proof.everything = proof.everything or Fault("typecheck", f"{name}: {errors}")
        return
    seen: set[int] = set()
    for file, line, message in errors:
        if file == "wrong.py":
            seen.add(line)
            continue
        own = file.removeprefix(f"{package}/")
        schema = built.made.owner_at(line) if own == "models.py" else None
        key = built.package.operation_at(own, line)
        if schema is not None:
            proof.component(schema, "typecheck", f"{name}: {message}")
        elif key is not None:
            proof.operation(key, "typecheck", f"{name}: {message}")
        else:
            proof.everything = proof.everything or Fault("typecheck", f"{name}: {own}:{line}: {message}")
    for line, (kind, pointer) in wrong.lines.items():
        if line in seen:
            continue
        reason = f"{name}: a wrong use is not refused: {wrong.text.splitlines()[line - 1].strip()[:120]}"
        (proof.component if kind == "component" else proof.operation)(pointer, "typecheck", reason)


@dataclass
class Wrong:
    text: str
    lines: dict[int, tuple[str, str]]


def wrong_models(made: Made, lines: list[str], marked: dict[int, tuple[str, str]]) -> None:
    """Adds a wrong use of each class; `models` and `WRONG` are there."""
    for schema, name in sorted(made.classes.items()):
        read = made.read.get(name)
        if read is None or (not read.bases and is_any(next(iter(read.members.values()), "Any"))):
            continue
        typed = [read.names[doc] for doc, kind in read.members.items() if doc in read.names and not is_any(kind)]
        is_model = bool(read.names) and "root" not in read.names
        lines += ["", f"def use_{len(lines)}(value: models.{name}) -> None:"]
        lines.append(f"    value.{typed[0]} = WRONG" if is_model and typed else "    value.contract_has_no_such_member")
        if is_model or "Enum" in str(read.bases) or read.bases:
            marked[len(lines)] = ("component", schema)


def _wrong_uses(built: Built) -> Wrong:
    """A module in which each marked line must be an error."""
    lines = [
        "from __future__ import annotations",
        "",
        "from typing import Any",
        "",
        f"from {PACKAGE} import Client, models",
    ]
    modules = sorted({each.module for each in built.plan.entries.values()})
    lines += [f"from {PACKAGE}.api import {module} as api_{index}" for index, module in enumerate(modules)]
    lines += ["", "", "class Wrong: ...", "", "", "WRONG = Wrong()", "ANY: dict[str, Any] = {}", ""]
    marked: dict[int, tuple[str, str]] = {}
    wrong_models(built.made, lines, marked)
    for key, entry in built.plan.entries.items():
        place = f"api_{modules.index(entry.module)}.{entry.function}"
        lines += [
            "",
            f"def use_{len(lines)}(client: Client) -> None:",
            f"    {place}(contract_no_such_argument=1, **ANY)",
        ]
        marked[len(lines)] = ("operation", key)
        typed_ = [name for name, kind, _ in arguments(entry, built.made) if not is_any(kind)]
        if typed_:
            lines.append(f"    {place}({typed_[0]}=WRONG, **ANY)")
            marked[len(lines)] = ("operation", key)
        if not is_any(result(entry, built.made)):
            lines.append(f"    _: Wrong = client.send({place}(**ANY))")
            marked[len(lines)] = ("operation", key)
    return Wrong("\n".join(lines) + "\n", marked)


def is_any(kind: str) -> bool:
    return re.search(r"(^|\| )(Any|object)( \||$)", kind) is not None


def mypy(work: Path, cache: Path | None, package: str = PACKAGE) -> list[tuple[str, int, str]] | str:
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--hide-error-context", "--no-pretty"]
    command += ["--no-color-output", "--config-file", os.devnull, "--cache-dir", str(cache or _cache())]
    done = process([*command, "--explicit-package-bases", package, "wrong.py"], work, _SECONDS)
    found = [
        (file.replace("\\", "/"), int(line), message)
        for file, line, message in re.findall(r"^(\S+?):(\d+): error: (.*)$", done.stdout, re.MULTILINE)
    ]
    if not found and done.returncode != 0:
        return last_line(done.stderr or done.stdout or f"mypy exits with {done.returncode}")
    return found


def _pyright(built: Built, work: Path, proof: Proof) -> list[tuple[str, int, str]] | str:
    made = built.made
    cut = parts(made.text, made.head, made.blocks) if made.blocks else None
    if cut is None:
        return strict(work)
    folder = work / "strict"
    for name, text in {**built.package.files, **cut.files}.items():
        path = folder / PACKAGE / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    shutil.copyfile(work / "wrong.py", folder / "wrong.py")
    errors = strict(folder)
    shutil.rmtree(folder, ignore_errors=True)
    proof.notes.append(
        f"models.py has more than basedpyright follows in one module: it was shown the same classes in {len(cut.read)}; "
        "where it reads models.py itself, their types are unknown to it (not to mypy)"
    )
    if isinstance(errors, str):
        return errors
    found = []
    for file, line, message in errors:
        own = cut.line_of(file.removeprefix(f"{PACKAGE}/"), line, made.read)
        found.append((file, line, message) if own is None else (f"{PACKAGE}/models.py", own, message))
    return found


def strict(work: Path, package: str = PACKAGE) -> list[tuple[str, int, str]] | str:
    config = {
        "include": [package, "wrong.py"],
        "typeCheckingMode": "strict",
        "pythonVersion": f"{sys.version_info.major}.{sys.version_info.minor}",
        "pythonPlatform": "All",
        "reportMissingModuleSource": "none",
        "failOnWarnings": False,
    }
    (work / "pyrightconfig.json").write_text(json.dumps(config))
    command = [sys.executable, "-m", "basedpyright", "--outputjson", "--level", "error"]
    done = process([*command, "--pythonpath", sys.executable, "-p", "pyrightconfig.json"], work, _SECONDS)
    try:
        told = json.loads(done.stdout)["generalDiagnostics"]
    except (ValueError, KeyError):
        return last_line(done.stderr or done.stdout or f"basedpyright exits with {done.returncode}")
    root = work.resolve()
    return [
        (
            Path(each["file"]).resolve().relative_to(root).as_posix(),
            each["range"]["start"]["line"] + 1 if "range" in each else 0,  # what is said of a file as a whole
            f"{' '.join(each['message'].split())} ({each.get('rule', 'error')})",
        )
        for each in told
        if each.get("severity") == "error"
    ]


def _cache() -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return Path(home) / "contract" / "mypy"


# --- S4 ---------------------------------------------------------------------------------------------------------------


def _again(built: Built, work: Path, operations: Sequence[str], proof: Proof) -> None:
    folder = work / "again"
    folder.mkdir(exist_ok=True)
    question = building.question(built.plan.document, built, sorted(operations))
    command = [sys.executable, "-m", "contract.generators._python.build"]
    done = process(command, folder, _SECONDS, seed="4711", text=question)
    shutil.rmtree(folder, ignore_errors=True)
    if done.returncode != 0:
        proof.everything = proof.everything or Fault("again", last_line(done.stderr))
        return
    before, after = building.hashes(built.package), json.loads(done.stdout)
    changed = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    if changed:
        reason = f"another hash seed gives another {', '.join(changed[:5])}"
        proof.everything = proof.everything or Fault("again", reason)


# --- S5 to S7 ---------------------------------------------------------------------------------------------------------


def asked_of(built: Built, only: Collection[str] | None, proof: Proof) -> dict[str, Any]:
    """By schema: its class, whether null is meant too, values that it has to hold, and values that it has to refuse."""
    plan = built.plan
    schemas = Schemas(plan.document)
    asked: dict[str, Any] = {}
    examples = dict(_examples(built))
    told = kinds(schemas)
    for schema, name in sorted(built.made.classes.items()):
        component, direction = _view(built, schema)
        if component is None or schema in proof.components or name not in built.made.read:
            continue
        pointer = SCHEMAS + escape(component)
        if only is not None and pointer not in only:
            continue
        valid: list[tuple[str, Any]] = [
            ("example", value) for value in examples.get(component, ()) if schemas.accepts(pointer, direction, value)
        ]
        for salt, full in ((0, True), (0, False), (1, True)):
            made = islice(sample.values(schemas, pointer, direction, salt=salt, full=full), 3 if full else 1)
            valid += [("sample", value) for value in made]
        valid = [(kind, _told(told.get(component, {}), value)) for kind, value in valid]
        valid = _distinct(pair for pair in valid if schemas.accepts(pointer, direction, pair[1]))[:_MOST_VALUES]
        invalid = [
            (each.keyword, each.pointer, each.value)
            for each in islice(sample.broken(schemas, pointer, direction), _MOST_BROKEN)
        ]
        asked[schema] = [name, is_null_too(plan.views.declared[component]), valid, invalid]
    return asked


def _values(built: Built, work: Path, only: Collection[str] | None, seen: Seen, proof: Proof) -> None:
    plan = built.plan
    question = {
        "components": asked_of(built, only, proof),
        "operations": {key: [each.module, each.function] for key, each in plan.entries.items()},
        "seen": {key: each for key, each in seen.items() if key in plan.entries and key not in proof.operations},
    }
    answer = probe("values", question, work, proof)
    if answer is not None:
        answered(answer, only, proof)


def answered(answer: Mapping[str, Any], only: Collection[str] | None, proof: Proof) -> None:
    """What the package says of the values that it was asked."""
    for key in answer["missing"]:
        proof.operation(key, "import", "the package has no function for it")
    for key, reason in answer["unseen"].items():
        proof.operation(key, "values", reason)
    for schema, (step, reason) in answer["faults"].items():
        proof.component(schema, step, reason)
    passed: Counter[str] = Counter()
    for schema, keyword, pointer in answer["taken"]:
        if keyword in TYPED:
            proof.component(schema, "refusal", f"a value that breaks `{keyword}` at {pointer or 'its root'} is taken")
        else:
            passed[keyword] += 1
    whole = answer["refused"] + len(answer["taken"])
    if whole and only is None:  # of a part of them it would say how large that part was
        said = ", ".join(f"{keyword} {count}" for keyword, count in sorted(passed.items()))
        proof.notes.append(
            f"{answer['refused']} of {whole} broken values are refused"
            + (f"; a type does not say: {said}" if said else "")
        )


def _view(built: Built, schema: str) -> tuple[str | None, str]:
    """The component that a schema is a view of, None for one of ours; and the direction."""
    views = built.plan.views
    for name in views.split:
        if views.name(name, "request") == schema:
            return name, "request"
    if schema not in built.plan.own:
        return None, ""
    directions = views.directions.get(schema, frozenset())
    return schema, "request" if directions == {"request"} else "response"


def _told(meant: Mapping[str, Collection[str]], value: Any) -> Any:
    """A value whose discriminators say what it is."""
    if not isinstance(value, Mapping):
        return value
    more = {key: min(values) for key, values in meant.items() if key in value and value[key] not in values}
    return {**value, **more}


def _distinct(values: Iterable[tuple[str, Any]]) -> list[tuple[str, Any]]:
    seen: set[str] = set()
    out = []
    for kind, value in values:
        key = json.dumps(value, sort_keys=True, default=str)
        if key not in seen:
            seen.add(key)
            out.append((kind, value))
    return out


def _examples(built: Built) -> Iterator[tuple[str, list[Any]]]:
    """By component, the examples of the document: beside its schema, and beside each media type that refers to it."""
    root = built.plan.document.value
    found: dict[str, list[Any]] = {}
    for name in built.plan.own:
        schema = built.plan.views.declared[name]
        if isinstance(schema, Mapping):
            found.setdefault(name, []).extend(_shown(schema, root))
    for entry in built.plan.entries.values():
        contents = list(entry.operation.request_body.content) if entry.operation.request_body else []
        for response in entry.operation.responses.values():
            contents += response.content
        for each in contents:
            if each.schema is None or not is_json(each.range):
                continue
            node = resolve(root, each.schema)
            reference = node.get("$ref") if isinstance(node, Mapping) else None
            if not isinstance(reference, str) or not reference.startswith(SCHEMAS):
                continue
            media = resolve(root, each.pointer)
            name = unescape(reference.removeprefix(SCHEMAS))
            if isinstance(media, Mapping) and name in built.plan.own:
                found.setdefault(name, []).extend(_shown(media, root))
    yield from found.items()


def _shown(node: Mapping[str, Any], root: Mapping[str, Any]) -> Iterator[Any]:
    if "example" in node:
        yield node["example"]
    several = node.get("examples")
    if isinstance(several, list):
        yield from several
    elif isinstance(several, Mapping):
        for each in several.values():
            if isinstance(each, Mapping) and isinstance(each.get("$ref"), str):
                each = follow(root, each["$ref"])[1]
            if isinstance(each, Mapping) and "value" in each:
                yield each["value"]


def probe(
    mode: str, question: Mapping[str, Any], work: Path, proof: Proof, script: str = "probe", package: str = PACKAGE
) -> Any | None:
    """What the package in `work` says, asked in a process of its own; None if that fails, which fails the target."""
    text = json.dumps(question, default=str)
    command = [sys.executable, str(Path(__file__).with_name(f"{script}.py")), mode, package]
    done = process(command, work, _SECONDS, text=text)
    if done.returncode != 0:
        proof.everything = proof.everything or Fault(mode, last_line(done.stderr))
        return None
    return json.loads(done.stdout)


# --- S8 ---------------------------------------------------------------------------------------------------------------


def _calls(built: Built, work: Path, only: Collection[str] | None, proof: Proof) -> None:
    from contract.generators._python.calls import Loopback, asked

    contract = Contract(built.plan.document, base_path="")
    wanted = {
        key: entry
        for key, entry in built.plan.entries.items()
        if (only is None or key in only) and key not in proof.operations
    }
    questions, answers = {}, {}
    for key, entry in wanted.items():
        call = asked(contract, entry)
        if isinstance(call, str):
            proof.operation(key, "call", call)
            continue
        questions[key], answers[key] = call
    if not questions:
        return
    with Loopback(contract, answers) as server:
        question = {
            "url": server.url,
            "calls": questions,
            "schemes": {name: kind for name, (kind, _, _) in built.plan.schemes.items()},
        }
        answer = probe("calls", question, work, proof)
    if answer is None:
        return
    for key, reason in (*server.faults.items(), *answer.items()):
        proof.operation(key, "call", reason)
    for key in questions:
        if key not in server.seen:
            proof.operation(key, "call", "nothing arrived at the server")
