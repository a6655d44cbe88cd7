"""The classes: one for each schema, by datamodel-code-generator, and what their text says of them.

A schema that the generator or Python cannot take is replaced by one that says nothing, and told; so it does not cost the
others theirs. Classes are found by the generator's own map from class to place in the document, never by guessed names.
"""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from hashlib import sha256
from itertools import accumulate
from pathlib import Path
from typing import Any, TypeGuard

import orjson

from contract.core.document import escape, unescape
from contract.core.generated import uncollected
from contract.generators._python import copies, words
from contract.generators._python.blocks import Block, Class, assembled, names_in, uses
from contract.generators._python.files import HEADER
from contract.generators._python.plan import SCHEMAS, Plan

# Chosen by measuring (names that stay when the document grows, null only where it is declared, no false refusals).
# Not among them: `--generate-schema-validators`, whose code does not pass `mypy --strict`.
FLAGS = (
    *("--preset", "standard-py311-20261027", "--output-model-type", "pydantic_v2.BaseModel"),
    *("--openapi-scopes", "schemas", "--no-treat-dot-as-module", "--no-collapse-root-models"),
    *("--no-allow-population-by-field-name", "--naming-strategy", "full-path", "--strict-nullable"),
    *("--use-missing-sentinel", "--target-pydantic-version", "2.14", "--strict-types", "str", "bytes", "int", "bool"),
    *("--formatters", "builtin", "--disable-timestamp", "--ignore-pyproject", "--custom-file-header", HEADER),
    # As text: types of further packages (e-mail, ULID), one that refuses reserved domains (e-mail), one that prints
    # stars (password), one that rewrites what it reads (URI), one that refuses what is no UTF-8 (base64).
    *("--type-mappings", "email=string", "idn-email=string", "ulid=string", "password=string", "uri=string"),
    "byte=string",
)
_MOST_RUNS = 40


@dataclass(frozen=True)
class Fault:
    step: str
    reason: str


@dataclass
class Made:
    """What one run of the generator gave: the text and its classes; or why there is none."""

    text: str = ""
    classes: dict[str, str] = field(default_factory=dict)  # schema to class
    owners: dict[str, str] = field(default_factory=dict)  # class to schema, nested ones included
    failure: str | None = None
    without: frozenset[str] = frozenset()
    """Schemas that were replaced by one that says nothing."""

    read: Mapping[str, Class] = field(default_factory=dict)
    """By name, what the classes of the text say of themselves."""

    head: str = ""
    """What stands before the classes: imports, and what the generator has no flag for."""
    blocks: Sequence[Block] = ()
    """The classes as the generator ordered them."""

    def owner_at(self, line: int) -> str | None:
        """The schema whose class stands at a line."""
        name = next((name for name, each in self.read.items() if each.first <= line <= each.last), None)
        return self.owners.get(name or "")


def make(
    plan: Plan,
    schemas: Mapping[str, Any],
    work: Path,
    meanwhile: Callable[[Made], None] | None = None,
    *,
    imported: bool = True,
) -> tuple[Made, dict[str, Fault]]:
    """The models, with schemas that the generator or Python cannot take replaced by `Any`; and what those are.

    While they are imported for the first time, `meanwhile` may go on with them. Without `imported`, what only Python
    cannot take is not found.
    """
    faults: dict[str, Fault] = {}
    runs = iter(range(_MOST_RUNS))

    def attempt(without: frozenset[str]) -> Made:
        """Without names: their schemas say nothing, so that references to them still lead somewhere."""
        made = _run(plan, schemas, without, work, "0")
        if made.failure is None and imported:
            with ThreadPoolExecutor(1) as pool:
                told = pool.submit(imports, made.text, work)
                if meanwhile is not None and not without:
                    meanwhile(made)
                made.failure = told.result()
        return made

    made = attempt(frozenset())
    while made.failure is not None and next(runs, None) is not None:
        step, reason = "import" if made.text else "generate", last_line(made.failure)
        blamed = _blamed(made, plan) - faults.keys()
        if not blamed:
            found = _search(lambda names: attempt(names).failure, sorted(plan.schemas), frozenset(faults), runs)
            faults.update({name: Fault(step, each) for name, each in found.items()})
            made = attempt(frozenset(faults))
            break
        faults.update(dict.fromkeys(blamed, Fault(step, reason)))
        made = attempt(frozenset(faults))
    if made.failure is not None:
        return Made(failure=last_line(made.failure)), faults
    for name in plan.schemas.keys() - made.classes.keys():
        faults.setdefault(name, Fault("generate", "the generator made no type for it and said nothing"))
    return made, faults


def once(plan: Plan, schemas: Mapping[str, Any], without: frozenset[str], work: Path, seed: str = "0") -> Made:
    """The models of prepared schemas, where those that are hard are known."""
    return _run(plan, schemas, without, work, seed)


def _search(
    failure: Callable[[frozenset[str]], str | None], names: Sequence[str], known: frozenset[str], runs: Iterator[int]
) -> dict[str, str]:
    """The schemas that fail even when all the others say nothing, found by halving."""
    todo = [list(names)]
    found: dict[str, str] = {}
    while todo and next(runs, None) is not None:
        part = todo.pop()
        reason = failure(frozenset(names) - frozenset(part) | known | found.keys())
        if reason is None:
            continue
        if len(part) == 1:
            found[part[0]] = last_line(reason)
        else:
            todo += [part[: len(part) // 2], part[len(part) // 2 :]]
    return found


# Nearly all that it makes lives until it is done: looking for garbage is a tenth of its time, and finds next to none.
# Once its files are written, giving back what it made, piece by piece, is as much again: the process ends at once.
_GENERATOR = """
import gc, os, sys
gc.disable()
from datamodel_code_generator.__main__ import main
code = int(main(sys.argv[1:]) or 0)
sys.stdout.flush()
sys.stderr.flush()
os._exit(code)
"""


def _run(plan: Plan, schemas: Mapping[str, Any], without: frozenset[str], work: Path, seed: str) -> Made:
    if not schemas:
        return Made(f"{HEADER}\n\nfrom __future__ import annotations\n")
    names = renamed(plan.among or schemas)
    schemas = {name: {} if name in without else schema for name, schema in schemas.items()}
    if names:
        schemas = {names.get(name, name): _referring(schema, names) for name, schema in schemas.items()}
    short, again = copies.shortened(schemas)
    made, paths = _generated(plan, schemas, names, without, work, seed, short)
    if made.failure is not None:
        return made
    if again:
        whole = copies.completed(made.blocks, paths, again, lambda lines: _formatted(lines, work))
        if whole is None:
            made, _ = _generated(plan, schemas, names, without, work, seed, schemas)
        else:
            back = {new: old for old, new in names.items()}
            made.blocks = [replace(each, owner=back.get(each.owner, each.owner)) for each in whole]
            made.owners |= {each.name: each.owner for each in made.blocks if each.owner}
    made.text, made.read = assembled(made.head, made.blocks)
    return made


def _generated(
    plan: Plan,
    schemas: Mapping[str, Any],
    names: Mapping[str, str],
    without: frozenset[str],
    work: Path,
    seed: str,
    given: Mapping[str, Any],
) -> tuple[Made, dict[str, copies.Path]]:
    """The classes of the schemas as they are `given`, not put together yet; and by class where its schema stands."""
    value = plan.document.value
    back = {new: old for old, new in names.items()}
    source, target, metadata = work / "openapi.json", work / "models.py", work / "metadata.json"
    elsewhere = refers_elsewhere(schemas)
    sections = value.get("components", {}) if elsewhere else {}
    text = json.dumps(
        {
            "openapi": value.get("openapi", "3.1.0"),
            "info": {"title": "contract", "version": "1"},
            # Only for references that lead there; operations are read by us.
            "paths": value.get("paths", {}) if elsewhere and _refers_to_paths(schemas, sections) else {},
            "components": {**sections, "schemas": given},
        },
        ensure_ascii=True,
        default=str,
    )
    source.write_text(text)
    # The formatter reads the nearest pyproject.toml, whatever the flags say: without one of ours the code would depend
    # on the project that surrounds the output.
    (work / "pyproject.toml").write_text(f"[tool.datamodel-codegen]\nbuiltin-format-line-length = {copies.WIDTH}\n")
    for stale in (target, metadata):
        stale.unlink(missing_ok=True)
    command = [sys.executable, "-c", _GENERATOR, "--input", source.name, "--input-file-type", "openapi"]
    command += ["--output", target.name, "--emit-model-metadata", metadata.name, *FLAGS]
    done = process(command, work, 600, seed)
    if done.returncode != 0 or not target.exists():
        said = done.stderr.strip() or f"datamodel-codegen exits with {done.returncode} and says nothing"
        return Made(failure=said), {}
    made = Made(target.read_text(), without=without)
    paths: dict[str, copies.Path] = {}
    for model in orjson.loads(metadata.read_bytes())["models"]:
        path = tuple(str(each) for each in model["source_path"])
        if path[:2] != ("components", "schemas") or len(path) < 3:
            continue
        name = unescape(path[2])
        name = name if name in schemas else path[2]
        paths[model["class_name"]] = (name, *path[3:])
        name = back.get(name, name)
        made.owners[model["class_name"]] = name
        if len(path) == 3:
            made.classes[name] = model["class_name"]
    if names:
        schemas = {back.get(name, name): _referring(schema, back) for name, schema in schemas.items()}
    for name, schema in schemas.items():  # a component that is only a reference has the type of what it refers to
        seen: set[str] = set()
        while name not in made.classes and isinstance(schema, Mapping) and isinstance(schema.get("$ref"), str):
            other = unescape(schema["$ref"].removeprefix(SCHEMAS))
            if other in seen or other not in schemas:
                break
            seen.add(other)
            if other in made.classes:
                made.classes[name] = made.classes[other]
            schema = schemas[other]
    with uncollected():
        made.head, made.blocks = finished(made.text, made.owners)
    return made, paths


_FORMATTER = f"""
import sys
from datamodel_code_generator.format import apply_builtin_formatter
sys.stdout.write(apply_builtin_formatter(sys.stdin.read(), line_length={copies.WIDTH}))
"""


def _formatted(lines: Sequence[str], work: Path) -> list[str] | None:
    """Fields of a class as the generator lays them out; None if it does not say."""
    asked = "class _(BaseModel):\n" + "".join(f"    {line}\n" for line in lines)
    done = process([sys.executable, "-c", _FORMATTER], work, 300, text=asked)
    try:
        [made] = ast.parse(done.stdout).body
    except (SyntaxError, ValueError):
        return None
    if done.returncode != 0 or not isinstance(made, ast.ClassDef) or [ast.unparse(each) for each in made.body] != lines:
        return None
    text = _lines(done.stdout)
    return ["".join(text[each.lineno - 1 : each.end_lineno]).rstrip("\n") for each in made.body]


_TAKEN = frozenset(
    {
        *("annotated", "any", "anyurl", "awaredatetime", "configdict", "constr", "decimal", "enum", "field", "intenum"),
        *("literal", "missing", "naivedatetime", "none", "rootmodel", "strenum", "typealias", "typealiastype", "union"),
        *("uuid", "strictint", "strictstr", "strictbool", "strictbytes", "true", "false", "basemodel"),
    }
)


def renamed(schemas: Collection[str]) -> dict[str, str]:
    """Other names for schemas whose classes would be called alike, or as something that the module imports.

    The generator gives one class to all that share a name, and says nothing. The one that is called so letter by letter
    keeps it; the others are told apart by a hash of their names, which no further schema changes.
    """
    sharing: dict[str, list[str]] = {}
    for name in schemas:
        sharing.setdefault(re.sub(r"[\W_]", "", name).lower(), []).append(name)
    out: dict[str, str] = {}
    for key, names in sharing.items():
        plain = sorted(name for name in names if re.search(r"[\W_]", name) is None or len(names) == 1)
        kept = plain[0] if plain and key not in _TAKEN else None
        for name in names:
            if name != kept:
                mark = sha256(name.encode()).hexdigest()[:4] if len(names) > 1 else ""
                out[name] = f"{re.sub(r'[^0-9A-Za-z]', '', name)}Model{mark}"
    return {old: new for old, new in out.items() if new not in schemas}


def refers_elsewhere(schemas: Mapping[str, Any]) -> bool:
    """True if a schema refers to more than components, or in a way that depends on where it is read from."""
    text = words.written(schemas)
    if text is not None:
        return words.refers_elsewhere(text) or words.depends_on_place(text)
    for node in words.nodes(schemas):
        if isinstance(node.get("$ref"), str) and not node["$ref"].startswith(SCHEMAS):
            return True
        if any(isinstance(node[key], str) for key in _AROUND & node.keys()):
            return True
    return False


_AROUND = frozenset({"$id", "$anchor", "$dynamicRef", "$recursiveRef"})


def _referring(node: Any, renamed: Mapping[str, str]) -> Any:
    if isinstance(node, list):
        return [_referring(each, renamed) for each in node]
    if not isinstance(node, Mapping):
        return node
    out = {key: _referring(value, renamed) for key, value in node.items()}
    reference = out.get("$ref")
    if isinstance(reference, str) and reference.startswith(SCHEMAS):
        token, slash, rest = reference.removeprefix(SCHEMAS).partition("/")
        name = unescape(token)
        out["$ref"] = f"{SCHEMAS}{escape(renamed.get(name, name))}{slash}{rest}"
    mapping = out.get("mapping")
    if isinstance(mapping, Mapping) and "propertyName" in out:
        out["mapping"] = {
            key: f"{SCHEMAS}{escape(renamed[unescape(to.removeprefix(SCHEMAS))])}"
            if isinstance(to, str) and unescape(to.removeprefix(SCHEMAS)) in renamed
            else to
            for key, to in mapping.items()
        }
    return out


def _refers_to_paths(*values: Any) -> bool:
    todo = list(values)
    while todo:
        node = todo.pop()
        if isinstance(node, Mapping):
            if str(node.get("$ref", "")).startswith("#/paths/"):
                return True
            todo.extend(node.values())
        elif isinstance(node, list):
            todo.extend(node)
    return False


def process(
    command: Sequence[str], work: Path, seconds: float, seed: str = "0", text: str | None = None
) -> subprocess.CompletedProcess[str]:
    """The finished process. Hashes are fixed, so that the order of sets cannot change what is written."""
    environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONWARNINGS": "ignore", "NO_COLOR": "1", "PYTHONUTF8": "1"}
    environment.pop("PYTHONPATH", None)
    try:
        return subprocess.run(
            command,
            cwd=work,
            env=environment,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
            input=text,
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 124, "", f"{command[2]} took more than {seconds:.0f} s")


def _blamed(made: Made, plan: Plan) -> set[str]:
    """Schemas that the error names: by pointer, or by the line of the model that raised on import."""
    failure = made.failure or ""
    if not made.text:
        last = failure.strip().splitlines()[-1:] or [""]
        found = re.findall(r"components/schemas/([^\s'\"#,;:)]+)", last[0])
        return {name for name in (unescape(each.split("/")[0]) for each in found) if name in plan.schemas}
    lines = [int(line) for line in re.findall(r'models\.py", line (\d+)', failure)]
    if not lines:
        return set()
    whole = _lines(made.text)
    text = whole[lines[-1] - 1] if lines[-1] <= len(whole) else ""
    rebuilt = re.match(r"(\w+)\.model_rebuild", text)
    owner = made.owners.get(rebuilt[1]) if rebuilt else made.owner_at(lines[-1])
    return {owner} if owner is not None else set()


def last_line(failure: str) -> str:
    """The error itself, without the way to it."""
    lines = [line.strip() for line in failure.splitlines() if line.strip() and "For further information" not in line]
    return re.sub(r"\S*/(?=\w+\.(?:py|json))", "", lines[-1])[:300] if lines else "no reason given"


_IMPORT = """
import importlib.util, os, sys
spec = importlib.util.spec_from_file_location("models", sys.argv[1])
module = importlib.util.module_from_spec(spec)
sys.modules["models"] = module
spec.loader.exec_module(module)
sys.stdout.flush()
sys.stderr.flush()
os._exit(0)  # thousands of classes need not be taken apart
"""


def imports(text: str, work: Path) -> str | None:
    """Why the models cannot be imported; None if they can."""
    (work / "models.py").write_text(text, encoding="utf-8")
    done = process([sys.executable, "-c", _IMPORT, "models.py"], work, 300)
    return None if done.returncode == 0 else done.stderr or f"the import exits with {done.returncode}"


# --- reading their text -----------------------------------------------------------------------------------------------


class _Types:
    """What types of fields say: most of them are written many times over, and asked once."""

    def __init__(self, lines: Sequence[str]) -> None:
        self.lines = lines
        self._shown: dict[str, str] = {}
        self._names: dict[str, tuple[str, ...]] = {}

    def shown(self, annotation: ast.expr) -> str:
        text = _one_line(annotation, self.lines)
        if not text:
            return _shown(annotation, self.lines)
        if text not in self._shown:
            self._shown[text] = _shown(annotation, self.lines)
        return self._shown[text]

    def names(self, annotation: ast.expr) -> tuple[str, ...]:
        text = _one_line(annotation, self.lines)
        if not text:
            return tuple(names_in(annotation))
        if text not in self._names:
            self._names[text] = tuple(names_in(annotation))
        return self._names[text]


def _one_line(node: ast.expr, lines: Sequence[str]) -> str:
    """An expression as it is written; "" where it has several lines, or columns that would have to be counted."""
    if node.lineno != node.end_lineno or node.lineno > len(lines):
        return ""
    line = lines[node.lineno - 1]
    return line[node.col_offset : node.end_col_offset] if line.isascii() else ""


def _written(node: ast.expr) -> str:
    """As `ast.unparse` has it."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Constant) and node.kind is None and isinstance(node.value, (str, int)):
        return repr(node.value)
    return ast.unparse(node)


def _read(node: ast.stmt, types: _Types) -> tuple[str, Class] | None:
    """The name and what it says of itself, of a class or an alias; its lines are not counted yet."""
    if isinstance(node, ast.ClassDef):
        members: dict[str, str] = {}
        names: dict[str, str] = {}
        required: set[str] = set()
        for each in node.body:
            if not isinstance(each, ast.AnnAssign) or not isinstance(each.target, ast.Name):
                continue
            alias, given = _field(each, types.lines)
            name = alias or each.target.id
            members[name] = types.shown(each.annotation)
            names[name] = each.target.id
            if not given:
                required.add(name)
        if not members:  # the members of an enum
            members = {
                each.targets[0].id: _written(each.value)
                for each in node.body
                if isinstance(each, ast.Assign) and isinstance(each.targets[0], ast.Name)
            }
            members.pop("model_config", None)
        bases = tuple(_written(base) for base in node.bases)
        return node.name, Class(0, 0, members, names, frozenset(required), bases)
    if isinstance(node, (ast.Assign, ast.AnnAssign)):
        target = node.targets[0] if isinstance(node, ast.Assign) else node.target
        if isinstance(target, ast.Name) and node.value is not None:
            return target.id, Class(0, 0, {"": ast.unparse(node.value)}, {}, frozenset(), ())
    return None


def _field(node: ast.AnnAssign, lines: Sequence[str]) -> tuple[str | None, bool]:
    """The alias of a field, and whether it has a default."""
    alias, given = None, node.value is not None
    if not any("Field(" in line for line in lines[node.lineno - 1 : node.end_lineno]):
        return alias, given
    annotation = node.annotation
    if not isinstance(annotation, ast.Subscript):
        places: Iterable[ast.AST] = ast.walk(node)
    elif isinstance(annotation.slice, ast.Tuple):  # what stands deeper is of the items of a list, and says nothing here
        places = [*annotation.slice.elts[1:], *([node.value] if node.value is not None else ())]
    else:
        places = [node.value] if node.value is not None else ()
    for call in places:
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "Field":
            for keyword in call.keywords:
                if keyword.arg == "alias" and isinstance(keyword.value, ast.Constant):
                    alias = str(keyword.value.value)
                if keyword.arg in ("default", "default_factory"):
                    given = True
            if node.value is call and not any(each.arg in ("default", "default_factory") for each in call.keywords):
                given = bool(call.args) and not (
                    isinstance(call.args[0], ast.Constant) and call.args[0].value is Ellipsis
                )
    return alias, given


def _shown(annotation: ast.expr, lines: Sequence[str]) -> str:
    """A type without what pydantic is told besides: `Annotated[StrictInt, Field(ge=1)]` is `int`."""
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        try:
            annotation = ast.parse(annotation.value, mode="eval").body
        except SyntaxError:
            return ""
    elif (
        isinstance(annotation, ast.Subscript)
        and isinstance(annotation.value, ast.Name)
        and annotation.value.id == "Annotated"
        and isinstance(annotation.slice, ast.Tuple)
    ):
        annotation = annotation.slice.elts[0]
    text = _one_line(annotation, lines)
    if not text or "Annotated[" in text:
        text = ast.unparse(_Bare().visit(annotation))
    text = re.sub(
        r"\b_?Strict(Int|Str|Bool|Bytes|Float|Datetime|Date|Time|Timedelta)\b", lambda found: found[1].lower(), text
    )
    return re.sub(r"\b_Strict(?=IPv[46]Address\b)", "", text).replace("AwareDatetime", "datetime")


class _Bare(ast.NodeTransformer):
    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        self.generic_visit(node)
        if isinstance(node.value, ast.Name) and node.value.id == "Annotated" and isinstance(node.slice, ast.Tuple):
            return node.slice.elts[0]
        return node


_STRICT = {
    "AwareDatetime": "_StrictDatetime",
    "NaiveDatetime": "_StrictNaive",
    "date": "_StrictDate",
    "time": "_StrictTime",
    "timedelta": "_StrictTimedelta",
    "IPv4Address": "_StrictIPv4Address",
    "IPv6Address": "_StrictIPv6Address",
    "float": "_StrictFloat",
}
_ENUMS = frozenset({"Enum", "IntEnum", "StrEnum"})
_HIDDEN = re.compile(
    "[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\xad\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\ufeff\\ufff9-\\ufffb]"
)
_CONFIG = "extra='allow', validate_by_name=True, validate_by_alias=True"


def finished(text: str, owners: Mapping[str, str]) -> tuple[str, list[Block]]:
    """The models with what the generator has no flag for: what stands before the classes, and the classes.

    - `1` is no date and no address, and `"1"` no number: its strict types leave these out.
    - What is not declared is kept, as the schema allows, so that an object that was read can be sent back whole.
    - A member of an enumeration is not called as what each of its members has: `name_`, as the generator does with `count`.
    - Fields may be given by their names in Python, since the type checkers know those only (PEP 681); unless such a
      name is another field's in the document.
    """
    # In a text of the code the same, and seen: a character that turns the reading order, or looks like the end of a line.
    text = _HIDDEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    tree = ast.parse(text)
    # `from datetime import date as date_aliased`, where a member is called `date`
    aliases = {
        each.asname or each.name: each.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.module in ("datetime", "ipaddress", "pydantic")
        for each in node.names
        if each.name in _STRICT
    }
    aliases["float"] = "float"
    strict: dict[tuple[int, int], str] = {}
    whole = _lines(text)
    named = re.compile(rf"\b(?:{'|'.join(map(re.escape, aliases))})\b")
    of_note = [False] * len(whole)
    ends = list(accumulate(map(len, whole)))
    for found in named.finditer(text):
        of_note[bisect_right(ends, found.start())] = True
    for node in tree.body:
        if not any(of_note[node.lineno - 1 : node.end_lineno]):
            continue
        places: list[ast.expr] = []
        if isinstance(node, ast.ClassDef):
            places = [each.annotation for each in node.body if isinstance(each, ast.AnnAssign)]
            places += [each.slice for each in node.bases if isinstance(each, ast.Subscript)]
        elif isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
            places = [node.value]
        for place in places:
            if not any(of_note[place.lineno - 1 : place.end_lineno]):
                continue
            for each in ast.walk(place):
                if isinstance(each, ast.Name) and each.id in aliases:
                    strict[each.lineno, each.col_offset] = each.id
    lines = list(whole)
    edits = {place: (name, _STRICT[aliases[name]]) for place, name in strict.items()} | dict(_members(tree, text))
    for (line, column), (name, other) in sorted(edits.items(), reverse=True):
        octets = lines[line - 1].encode()
        lines[line - 1] = (octets[:column] + other.encode() + octets[column + len(name) :]).decode()
    imports = [node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]
    last = max((node.end_lineno or node.lineno for node in imports), default=len(lines))
    has_models = any(isinstance(node, ast.ClassDef) and _derives(node) for node in tree.body)
    head = _head("".join(lines[:last]), sorted(set(strict.values())), aliases, has_models)
    blocks = _blocks(tree, whole, lines, owners)
    if not any("Any" in each.uses for each in blocks):  # it is imported too where a discriminator says what it was
        head = re.sub(r"^from typing import Any\n|^    Any,\n|\bAny, |, Any$", "", head, count=1, flags=re.MULTILINE)
    return head, blocks


def _members(tree: ast.Module, text: str) -> Iterator[tuple[tuple[int, int], tuple[str, str]]]:
    """Where a member of an enumeration is called as a property of all of them, and how instead; `tree` says so then."""
    other: dict[tuple[str, str], str] = {}
    for node in tree.body:
        if not isinstance(node, ast.ClassDef) or not _ENUMS & {_written(base) for base in node.bases}:
            continue
        targets = [each.targets[0] for each in node.body if isinstance(each, ast.Assign)]
        members = [each for each in targets if isinstance(each, ast.Name)]
        taken = {each.id for each in members}
        for each in members:
            if each.id in ("name", "value"):
                new = f"{each.id}_"
                while new in taken:
                    new += "_"
                yield (each.lineno, each.col_offset), (each.id, new)
                other[node.name, each.id] = each.id = new
    used = any(f"{owner}.{name}" in text for owner, name in other)
    for use in ast.walk(tree) if used else ():
        match use:
            case ast.Attribute(value=ast.Name(id=owner), attr=name) if (owner, name) in other:
                end = (use.end_col_offset or 0) - len(name)
                yield (use.end_lineno or use.lineno, end), (name, other[owner, name])
                use.attr = other[owner, name]


def _head(imports: str, used: Sequence[str], aliases: Mapping[str, str], has_models: bool) -> str:
    block = []
    if has_models:
        block += ["from pydantic import BaseModel as _BaseModel\n", "from pydantic import ConfigDict as _ConfigDict\n"]
    if set(used) - {"float"}:
        block += ["from typing import Annotated as _Annotated\n", "from pydantic import Strict as _Strict\n"]
    if "float" in used:
        block.append("from pydantic import StrictFloat as _StrictFloat\n")
    block += ["\n"] if set(used) - {"float"} else []
    block += [f"{_STRICT[aliases[name]]} = _Annotated[{name}, _Strict()]\n" for name in used if name != "float"]
    if has_models:
        block.append(f"\n\nclass BaseModel(_BaseModel):\n    model_config = _ConfigDict({_CONFIG})\n")
        imports = re.sub(r"^    BaseModel,\n|\bBaseModel, |, BaseModel$", "", imports, count=1, flags=re.MULTILINE)
        imports = re.sub(r"^from pydantic import BaseModel\n", "", imports, count=1, flags=re.MULTILINE)
    return imports + "".join(block)


def _blocks(tree: ast.Module, whole: Sequence[str], lines: Sequence[str], owners: Mapping[str, str]) -> list[Block]:
    """The classes and aliases; `whole` is the text as it was parsed, `lines` that which is written."""
    types = _Types(whole)
    read = [(node, _read(node, types)) for node in tree.body if not isinstance(node, (ast.Import, ast.ImportFrom))]
    unsafe = _mistakable({name: each for _, found in read if found is not None for name, each in [found]})
    blocks: dict[str, Block] = {}
    for node, found in read:
        match node:
            case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="model_rebuild"))):
                blocks[name] = replace(blocks[name], rebuilt=True)
                continue
            case ast.Expr(value=ast.Constant()):
                continue
            case ast.ClassDef(decorator_list=decorators):
                first = min([node.lineno, *(each.lineno for each in decorators)])
            case _:
                first = node.lineno
        own = list(lines[first - 1 : node.end_lineno])
        needed = frozenset(uses(node, types.names))
        if isinstance(node, ast.ClassDef) and node.name in unsafe:
            _by_alias(node, first, own)
        text = "".join(own).rstrip("\n")
        if found is None or found[0] in blocks:  # it belongs to what stands before it
            one = blocks[found[0] if found is not None else next(reversed(blocks))]
            blocks[one.name] = replace(one, text=f"{one.text}\n\n\n{text}", uses=one.uses | needed)
        else:
            blocks[found[0]] = Block(found[0], text, owners.get(found[0], ""), needed, False, found[1])
    return list(blocks.values())


def _by_alias(node: ast.ClassDef, start: int, lines: list[str]) -> None:
    """Fields of this class cannot be given by their names in Python; `start` is the line that `lines` begin at."""
    config = next((each for each in node.body if _is_config(each)), None)
    if config is not None:
        given = config.value.keywords if isinstance(config.value, ast.Call) else []
        keywords = [*(ast.unparse(each) for each in given), "validate_by_name=False"]
        end = config.end_lineno or config.lineno
        lines[config.lineno - start : end - start + 1] = [f"    model_config = _ConfigDict({', '.join(keywords)})\n"]
        return
    first = node.body[0]
    is_doc = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    index = (first.end_lineno or first.lineno) - start + 1 if is_doc else first.lineno - start
    lines.insert(index, "    model_config = _ConfigDict(validate_by_name=False)\n")


def _lines(text: str) -> list[str]:
    """Lines as Python counts them: texts of the document may hold what else ends one (U+2028, a form feed)."""
    return [f"{line}\n" for line in text.split("\n")[:-1]] + ([last] if (last := text.rpartition("\n")[2]) else [])


def _derives(node: ast.ClassDef) -> bool:
    return any(isinstance(base, ast.Name) and base.id == "BaseModel" for base in node.bases)


def _mistakable(read: Mapping[str, Class]) -> set[str]:
    """Classes in which the name in Python of one field is another's in the document."""
    aliased = {name: {py for doc, py in each.names.items() if doc != py} for name, each in read.items()}

    def line_of(name: str, seen: frozenset[str] = frozenset()) -> list[str]:
        if name not in read or name in seen:
            return []
        return [name, *(each for base in read[name].bases for each in line_of(base, seen | {name}))]

    found: set[str] = set()
    for name in read:
        line = line_of(name)
        documented = {doc for each in line for doc in read[each].names}
        if documented & {py for each in line for py in aliased[each]}:
            found.update(line)
    return found


def _is_config(node: ast.stmt) -> TypeGuard[ast.Assign]:
    return (
        isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "model_config"
    )
