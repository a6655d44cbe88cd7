"""The client that datamodel-code-generator writes itself, in place of ours: its models, its client over httpx2, our proof.

It writes all or nothing: one operation that it cannot take costs the others theirs, and its reason is that of all. What
belongs to which operation is read off what it wrote: `_operations.py` says method, path and codecs, and each method of a
resource which of these it sends. Names are never guessed. Its README and its notes on the runtime are left out.
"""

from __future__ import annotations

import ast
import hashlib
import json
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from contract.core.document import Document, unescape
from contract.core.errors import ConfigError
from contract.core.generated import Generated, Symbol
from contract.core.openapi import Contract, Operation
from contract.generators._python import emit, models
from contract.generators._python.blocks import assembled
from contract.generators._python.build import Built
from contract.generators._python.calls import Answering, Loopback, asked
from contract.generators._python.emit import Package
from contract.generators._python.files import HEADER
from contract.generators._python.models import FLAGS, Fault, Made, last_line, process
from contract.generators._python.plan import SCHEMAS, Plan, plan
from contract.generators._python.prepare import prepared
from contract.generators._python.prove import (
    Notify,
    Proof,
    Seen,
    Wrong,
    answered,
    asked_of,
    blame,
    is_any,
    mypy,
    probe,
    strict,
    wrong_models,
)
from contract.generators._python.run import artifacts, install

NAME = "datamodel-code-generator"
_SECONDS = 900.0
_NOWHERE = "http://localhost"
"""Where a call goes that no absolute server of the document and no `base_url` sends anywhere: it asks for one."""
_FLAGS = (
    *FLAGS,
    *("--openapi-scopes", "schemas", "api", "--generate-client", "httpx2"),
    *("--client-default-base-url", _NOWHERE, "--client-server-base-url", _NOWHERE),
)
_ALLOWED = frozenset({"httpx2", "anyio", "pydantic", "pydantic_core", "typing_extensions"})
"""What it names as needed, and what those need themselves."""
_REQUEST = "request"


@dataclass
class Method:
    """One operation as it was written."""

    name: str
    resource: str
    file: str
    types: dict[str, str] = field(default_factory=dict)
    """By argument, as the signature says it, the result as `return`."""
    required: frozenset[str] = frozenset()
    overloaded: bool = False
    order: tuple[str, ...] = ()
    """The arguments that are parameters, in the order in which the operation has those."""
    parameters: tuple[tuple[str, str], ...] = ()
    """Location and name of each."""
    codecs: dict[tuple[str, str], str] = field(default_factory=dict)
    """By status as declared, or `request`, and media type."""
    places: tuple[str, ...] = ()
    """Codec of each parameter."""


@dataclass
class Written:
    """All that one run of the library gave; or why there is nothing."""

    files: dict[str, str] = field(default_factory=dict)
    made: Made = field(default_factory=Made)
    methods: dict[str, Method] = field(default_factory=dict)
    """By key of an operation."""
    credentials: dict[str, str] = field(default_factory=dict)
    """By security scheme, the argument of `Client`."""
    spans: dict[str, list[tuple[int, int, str]]] = field(default_factory=dict)
    failure: str | None = None


def package_of(options: Mapping[str, str], out: Path) -> str:
    """How the package is imported: as `package` says, else by the name of its folder. ConfigError if that is no name."""
    name = options.get("package") or out.name
    if not all(each.isidentifier() for each in name.split(".")):
        raise ConfigError(
            f"`{name}` is no name that Python can import, and the client of {NAME} imports itself by it",
            f'name the folder otherwise, or say `package = "acme.api"` beside `client = "{NAME}"`',
        )
    return name


@dataclass(frozen=True)
class Run:
    document: Document
    operations: Sequence[Operation]
    out: Path
    work: Path
    cache: Path | None
    proving: bool
    only: Collection[str] | None
    notify: Notify
    seen: Seen
    package: str

    def done(self) -> Generated:
        self.notify("models", 0, 1)
        wanted = plan(self.document, self.operations)
        schemas = prepared(replace(wanted, schemas={name: wanted.views.declared[name] for name in sorted(wanted.own)}))
        written = self.written(wanted, schemas, "0")
        proof = Proof()
        if written.failure is not None:
            proof.everything = Fault("generate", f"{NAME}: {written.failure}")
            built = Built(wanted, Made(failure=written.failure), Package(), {})
            return Generated(tuple(artifacts(built, proof, True)))
        for name in wanted.own - written.made.classes.keys():
            proof.component(name, "generate", "the generator made no type for it and said nothing")
        for key in wanted.entries.keys() - written.methods.keys():
            proof.operation(key, "generate", "the generator made no method for it and said nothing")
        for name in wanted.views.split & written.made.classes.keys():  # one class for both directions
            written.made.classes[wanted.views.name(name, _REQUEST)] = written.made.classes[name]
        package = Package(written.files, list(_symbols(wanted, written)), written.spans)
        built = Built(wanted, written.made, package, {})
        root = self.work / "package"
        folder = root.joinpath(*self.package.split("."))
        for name, text in written.files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8", newline="\n")
        if self.proving:
            _Prover(self, built, written, schemas, root, proof).prove()
        install(folder, sorted(written.files), self.out)
        return Generated(
            tuple(artifacts(built, proof, self.proving)),
            tuple(sorted(package.symbols, key=lambda each: (each.file, each.name))),
            tuple(sorted(written.files)),
            (*sorted(_notes(written)), *proof.notes),
        )

    def written(self, wanted: Plan, schemas: Mapping[str, Any], seed: str) -> Written:
        """What the library writes, in a process with this hash seed."""
        work = self.work / f"made-{seed}"
        work.mkdir()
        value = self.document.value
        components = {**value.get("components", {}), "schemas": schemas}
        text = json.dumps({**value, "components": components}, ensure_ascii=True, default=str)
        (work / "openapi.json").write_text(text)
        (work / "pyproject.toml").write_text("[tool.datamodel-codegen]\nbuiltin-format-line-length = 120\n")
        command = [sys.executable, "-m", "datamodel_code_generator", "--input", "openapi.json"]
        command += ["--input-file-type", "openapi", "--output", "out/models.py", "--client-output", "out/client"]
        command += ["--client-package", f"{self.package}.client", "--client-model-package", f"{self.package}.models"]
        (work / "out").mkdir()
        done = process([*command, "--emit-model-metadata", "metadata.json", *_FLAGS], work, _SECONDS, seed)
        if done.returncode != 0 or not (work / "out/models.py").is_file():
            return Written(failure=last_line(done.stderr).removeprefix("Error: ") or f"it exits with {done.returncode}")
        return _read(work, wanted, schemas)


# --- what it wrote ----------------------------------------------------------------------------------------------------


def _read(work: Path, wanted: Plan, schemas: Mapping[str, Any]) -> Written:
    made = Made((work / "out/models.py").read_text("utf-8"))
    for model in json.loads((work / "metadata.json").read_text("utf-8"))["models"]:
        path = [str(each) for each in model["source_path"]]
        if path[:2] != ["components", "schemas"] or len(path) < 3:
            continue
        name = path[2] if path[2] in schemas else unescape(path[2])
        made.owners[model["class_name"]] = name
        if len(path) == 3:
            made.classes[name] = model["class_name"]
    for name in schemas:
        if name not in made.classes and (same := _same(name, schemas, made.classes)) is not None:
            made.classes[name] = same
    made.head, made.blocks = models.finished(made.text, made.owners)
    made.text, made.read = assembled(made.head, made.blocks)
    about = f'{HEADER}\n\n"""Models, and the client over httpx2: `from .client import Client`."""\n'
    files = {"models.py": made.text, "__init__.py": about, "py.typed": ""}
    for file in sorted((work / "out/client").rglob("*.py")):
        name = f"client/{file.relative_to(work / 'out/client').as_posix()}"
        files[name] = _bare(file.read_text("utf-8")) if name.startswith("client/types/") else file.read_text("utf-8")
    out = Written(files, made)
    plans = dict(_plans(out, {(each.operation.method, each.path): key for key, each in wanted.entries.items()}))
    for name in sorted(files):
        if name.startswith("client/resources/"):
            _methods(out, name, plans)
    tree = ast.parse(files.get("client/_client.py", ""))
    for call in ast.walk(tree):
        match call:
            case ast.Call(func=ast.Name(id="SchemeCredentials"), args=[ast.Dict(keys=keys, values=values)]):
                for key, value in zip(keys, values, strict=True):
                    if isinstance(key, ast.Constant) and isinstance(value, ast.Name):
                        out.credentials[str(key.value)] = value.id
    return out


def _same(name: str, schemas: Mapping[str, Any], classes: Mapping[str, str]) -> str | None:
    """The class of what a component refers to, where it says nothing else."""
    seen: set[str] = set()
    while name not in seen:
        seen.add(name)
        schema = schemas.get(name)
        reference = schema.get("$ref") if isinstance(schema, Mapping) else None
        if not isinstance(reference, str) or not reference.startswith(SCHEMAS):
            return None
        name = unescape(reference.removeprefix(SCHEMAS))
        if name in classes:
            return classes[name]
    return None


def _bare(text: str) -> str:
    """Without what it imports and does not use, which basedpyright's `strict` refuses."""
    tree = ast.parse(text)
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    used |= {str(node.value) for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    lines: list[str | None] = [*text.split("\n")]
    for node in tree.body:
        if not isinstance(node, ast.ImportFrom) or node.module == "__future__" or node.end_lineno is None:
            continue
        kept = [each for each in node.names if (each.asname or each.name) in used]
        if len(kept) == len(node.names):
            continue
        whole = ast.unparse(ast.ImportFrom(node.module, kept, node.level)) if kept else None
        lines[node.lineno - 1 : node.end_lineno] = [whole, *[None] * (node.end_lineno - node.lineno)]
    return "\n".join(line for line in lines if line is not None)


def _plans(out: Written, keys: Mapping[tuple[str, str], str]) -> Iterator[tuple[str, tuple[str, Method]]]:
    """By name of a plan, the key of its operation and what it says of it; their lines belong to it, and its codecs'."""
    owners: dict[str, str] = {}
    results: dict[str, str] = {}
    for node in ast.parse(out.files["client/_operations.py"]).body:
        if not isinstance(node, ast.AnnAssign) or not isinstance(node.target, ast.Name):
            continue
        call = node.value
        if not isinstance(call, ast.Call) or not node.target.id.startswith("OPERATION_"):
            continue
        said = {each.arg: each.value for each in call.keywords}
        key = keys.get((_text(said.get("method")), _text(said.get("path"))))
        if key is None:
            continue
        method = Method("", "", "")
        _codecs(said, method)
        _span(out, "client/_operations.py", node, key)
        for each in ast.walk(node):
            if isinstance(each, ast.Attribute) and isinstance(each.value, ast.Name):
                if each.value.id == "model_bindings":
                    owners[each.attr] = key
            elif isinstance(each, ast.Name):
                results[each.id] = key
        yield node.target.id, (key, method)
    for file, names in (("client/_generated/model_bindings.py", owners),):
        for node in ast.parse(out.files.get(file, "")).body:
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id in names:
                _span(out, file, node, names[node.target.id])
    for file, text in out.files.items():
        if file.startswith("client/types/"):
            for node in ast.parse(text).body:
                if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id in results:
                    _span(out, file, node, results[node.target.id])


def _codecs(said: Mapping[str | None, ast.expr], method: Method) -> None:
    """Parameters, bodies and answers of a plan, each with the codec that reads and writes it."""
    parameters: list[tuple[str, str]] = []
    places: list[str] = []
    for spec in _calls(said.get("parameters"), "ParameterSpec"):
        own = {each.arg: each.value for each in spec.keywords}
        for made in _calls(own.get("plan"), "ParameterPlan"):
            about = {each.arg: _text(each.value) for each in made.keywords}
            parameters.append((about.get("location", ""), about.get("name", "")))
            places.append(_codec(own.get("codec")))
    method.parameters, method.places = tuple(parameters), tuple(places)
    for body in _calls(said.get("body"), "BodyMedia"):
        own = {each.arg: each.value for each in body.keywords}
        method.codecs[_REQUEST, _text(own.get("media_type"))] = _codec(own.get("codec"))
    for branch in _calls(said.get("responses"), "model_branch"):
        status, media = (_text(each) for each in branch.args[:2])
        method.codecs[status, media] = _codec(branch.args[-1])


def _calls(node: ast.AST | None, name: str) -> Iterator[ast.Call]:
    """Calls of a function in an expression, in the order in which they stand there."""
    match node:
        case None:
            return
        case ast.Call(func=ast.Name(id=called)) if called == name:
            yield node
        case _:
            for each in ast.iter_child_nodes(node):
                yield from _calls(each, name)


def _text(node: ast.expr | None) -> str:
    return str(node.value) if isinstance(node, ast.Constant) else ""


def _codec(node: ast.expr | None) -> str:
    return node.attr if isinstance(node, ast.Attribute) else ""


def _span(out: Written, file: str, node: ast.stmt, key: str) -> None:
    first = min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", ()))])
    out.spans.setdefault(file, []).append((first, node.end_lineno or node.lineno, key))


def _methods(out: Written, file: str, plans: Mapping[str, tuple[str, Method]]) -> None:
    """The methods of a resource, by the plan that each of them sends. The first class has those that give the body."""
    resource = file.split("/")[2]
    classes = [node for node in ast.parse(out.files[file]).body if isinstance(node, ast.ClassDef)]
    for index, owner in enumerate(classes):
        functions = [each for each in owner.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)]
        keys: dict[str, str] = {}
        for function in functions:
            for node in ast.walk(function):
                if isinstance(node, ast.Attribute) and node.attr in plans:
                    key, method = plans[node.attr]
                    keys[function.name] = key
                    if index == 0 and file.endswith("/_sync.py"):
                        out.methods[key] = _method(function, method, resource, file)
        for function in functions:
            if function.name in keys:
                _span(out, file, function, keys[function.name])
        for name, key in keys.items():
            if index == 0 and key in out.methods and [each.name for each in functions].count(name) > 1:
                out.methods[key].overloaded = True


def _method(function: ast.FunctionDef | ast.AsyncFunctionDef, said: Method, resource: str, file: str) -> Method:
    arguments, defaults = function.args.kwonlyargs, function.args.kw_defaults
    types = {each.arg: ast.unparse(each.annotation) if each.annotation else "Any" for each in arguments}
    types["return"] = ast.unparse(function.returns) if function.returns else "Any"
    order: tuple[str, ...] = ()
    for node in ast.walk(function):
        match node:
            case ast.Call(func=ast.Attribute(attr="execute"), args=[_, ast.Tuple(elts=given)]):
                order = tuple(each.id if isinstance(each, ast.Name) else "" for each in given)
    required = frozenset(each.arg for each, default in zip(arguments, defaults, strict=True) if default is None)
    for own in ("options", "response_media_type"):
        types.pop(own, None)
    return replace(said, name=function.name, resource=resource, file=file, types=types, required=required, order=order)


def _symbols(wanted: Plan, written: Written) -> Iterator[Symbol]:
    yield from emit.of_models(wanted, written.made)
    results = _results(written)
    for key, method in written.methods.items():
        members = {**method.types, "return": results.get(method.types["return"], method.types["return"])}
        yield Symbol(method.name, "operation", key, method.file, _REQUEST, members, method.required)
    yield Symbol("Client", "client", "", "client/_client.py")
    yield Symbol("AsyncClient", "client", "", "client/_async_client.py")


def _results(written: Written) -> dict[str, str]:
    """What the names of results stand for."""
    return {
        node.target.id: ast.unparse(node.value)
        for file, text in written.files.items()
        if file.startswith("client/types/")
        for node in ast.parse(text).body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None
    }


def _notes(written: Written) -> Iterator[str]:
    yield f"the client is that of {NAME}, which calls it experimental"
    if _NOWHERE in written.files.get("client/_operations.py", ""):
        yield f"the document names no absolute server: without `base_url` the client calls {_NOWHERE}"


# --- proof ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Prover:
    run: Run
    built: Built
    written: Written
    schemas: Mapping[str, Any]
    root: Path
    proof: Proof

    def prove(self) -> None:
        """The steps that our own client takes, as far as they can be asked of this one."""
        steps = (
            ("imports", self.imports),
            ("types", self.types),
            ("again", self.again),
            ("values", self.values),
            ("calls", self.calls),
        )
        for index, (name, step) in enumerate(steps):
            self.run.notify(name, index, len(steps))
            step()
            if self.proof.everything is not None:
                return
        self.run.notify("proven", len(steps), len(steps))

    def imports(self) -> None:
        for file, text in self.written.files.items():
            for node in ast.walk(ast.parse(text)) if file.endswith(".py") else ():
                names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
                if isinstance(node, ast.ImportFrom) and node.level == 0:
                    names = [node.module or ""]
                for top in {name.split(".")[0] for name in names}:
                    if top not in sys.stdlib_module_names | _ALLOWED | {self.run.package.split(".")[0]}:
                        self.proof.everything = Fault("import", f"{file} imports `{top}`, which is not declared")
        modules = [
            f"{self.run.package}.{file.removesuffix('.py').removesuffix('/__init__').replace('/', '.')}"
            for file in sorted(self.written.files)
            if file.endswith(".py") and file != "__init__.py"
        ]
        told = self.ask("imports", {"modules": modules})
        for module, reason in (told or {}).items():
            keys = self.of(module.removeprefix(f"{self.run.package}.").replace(".", "/"))
            for key in keys:
                self.proof.operation(key, "import", reason)
            if not keys:
                self.proof.everything = self.proof.everything or Fault("import", f"{module}: {reason}")

    def of(self, module: str) -> list[str]:
        """Operations of a resource, whose module it is."""
        place = module.split("/")
        return [
            key
            for key, each in self.written.methods.items()
            if place[:2] == ["client", "resources"] and place[2:3] == [each.resource]
        ]

    def types(self) -> None:
        wrong = self.wrong()
        (self.root / "wrong.py").write_text(wrong.text, encoding="utf-8")
        place = self.run.package.replace(".", "/")
        checks = {
            "mypy --strict": mypy(self.root, self.run.cache, place),
            "basedpyright": strict(self.root, place),
        }
        for name, errors in checks.items():
            blame(self.built, name, errors, wrong, self.proof, place)

    def wrong(self) -> Wrong:
        """A module in which each marked line must be an error."""
        lines = ["from __future__ import annotations", "", "from typing import Any", ""]
        lines += [f"from {self.run.package} import models", f"from {self.run.package}.client import Client"]
        lines += ["", "", "class Wrong: ...", "", "", "WRONG = Wrong()", "ANY: dict[str, Any] = {}", ""]
        marked: dict[int, tuple[str, str]] = {}
        wrong_models(self.built.made, lines, marked)
        results = _results(self.written)
        for key, method in self.written.methods.items():
            place = f"client.{method.resource}.{method.name}"
            lines += ["", f"def use_{len(lines)}(client: Client) -> None:"]
            lines.append(f"    {place}(contract_no_such_argument=1, **ANY)")
            marked[len(lines)] = ("operation", key)
            typed = [name for name in method.order if name and not is_any(method.types.get(name, "Any"))]
            if typed:
                lines.append(f"    {place}({typed[0]}=WRONG, **ANY)")
                marked[len(lines)] = ("operation", key)
            result = results.get(method.types["return"], method.types["return"])
            if not method.overloaded and result != "None" and "JSONValue" not in result and not is_any(result):
                lines.append(f"    _: Wrong = {place}(**ANY)")
                marked[len(lines)] = ("operation", key)
        return Wrong("\n".join(lines) + "\n", marked)

    def again(self) -> None:
        after = self.run.written(self.built.plan, self.schemas, "4711")
        before = _hashes(self.written.files)
        changed = sorted(name for name, _ in before.items() ^ _hashes(after.files).items())
        if changed:
            reason = after.failure or f"another hash seed gives another {', '.join(dict.fromkeys(changed[:5]))}"
            self.proof.everything = self.proof.everything or Fault("again", reason)

    def values(self) -> None:
        told = self.ask("values", {"components": asked_of(self.built, self.run.only, self.proof)})
        if told is not None:
            answered(told, self.run.only, self.proof)
        seen = {
            key: [
                [self.written.methods[key].codecs.get((where, media), ""), where, body] for where, media, body in each
            ]
            for key, each in self.run.seen.items()
            if key in self.written.methods and key not in self.proof.operations
        }
        for key, reason in (self.ask("seen", {"seen": seen}) if seen else None or {}).items():
            self.proof.operation(key, "values", reason)

    def calls(self) -> None:
        contract = Contract(self.run.document, base_path="")
        questions: dict[str, Any] = {}
        answers: dict[str, Answering] = {}
        for key, method in self.written.methods.items():
            entry = self.built.plan.entries[key]
            if key in self.proof.operations or (self.run.only is not None and key not in self.run.only):
                continue
            call = asked(contract, entry)
            if isinstance(call, str):
                self.proof.operation(key, "call", call)
                continue
            asks, answers[key] = call
            places = dict(zip(method.parameters, zip(method.order, method.places, strict=False), strict=False))
            values = {each.name: (each.parameter.location, each.parameter.name) for each in entry.arguments}
            missing = [values[name] for name in asks["arguments"] if values[name] not in places]
            if missing:
                self.proof.operation(key, "call", f"has no argument for {missing[0][0]}:{missing[0][1]}")
                del answers[key]
                continue
            asks["arguments"] = [[*places[values[name]], value] for name, value in asks["arguments"].items()]
            asks["resource"], asks["method"] = method.resource, method.name
            if "body" in asks:
                media = entry.bodies[asks["body_index"]].media
                asks["codec"] = method.codecs.get((_REQUEST, media), "")
                asks["media_type"] = asks["media_type"] if "media_type" in method.types else None
                asks["parts"] = media.startswith("multipart/")
                asks["files"] = [name for name, each in entry.bodies[asks["body_index"]].fields.items() if each.file]
            questions[key] = asks
        if not questions:
            return
        auth = {
            argument: self.built.plan.schemes[scheme][0]
            for scheme, argument in self.written.credentials.items()
            if self.built.plan.schemes.get(scheme, ("none",))[0] != "none"
        }
        with Loopback(contract, answers) as server:
            told = self.ask("calls", {"url": server.url, "calls": questions, "auth": auth})
        for key, reason in (*server.faults.items(), *(told or {}).items()):
            self.proof.operation(key, "call", reason)
        for key in questions:
            if key not in server.seen:
                self.proof.operation(key, "call", "nothing arrived at the server")

    def ask(self, mode: str, question: Mapping[str, Any]) -> Any:
        return probe(mode, question, self.root, self.proof, "library_probe", self.run.package)


def _hashes(files: Mapping[str, str]) -> dict[str, str]:
    return {name: hashlib.sha256(text.encode()).hexdigest() for name, text in files.items()}
