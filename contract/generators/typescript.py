"""A TypeScript client of a contract: types by openapi-typescript, and one method per operation over openapi-fetch.

The generator's exit code is not believed. What counts as made is proven: the compiler is silent under `--strict` and
refuses wrong uses, valid values of every component and operation compile and broken ones do not, a second run of a
document in another order gives the same bytes, and each operation is called once, against a server that holds the
request against the document. An error counts against the operation or component whose lines it names.

The tools lie in a folder of the user's cache that is named after the hash of our lock file. They are installed once, by
`npm ci --ignore-scripts`; after that nothing is fetched.

The package that comes out: `index.ts` (all that is imported), `client.ts` (`Client`), `operations.ts` (what each takes
and answers), `models.ts` (one type per component), `schema.ts` (what openapi-typescript wrote), `runtime.ts` and
`package.json`, which names the one dependency.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from contract.core.document import Document, escape
from contract.core.errors import SourceError
from contract.core.evidence import Artifact, Stale
from contract.core.generated import Generated, Symbol
from contract.core.openapi import Operation
from contract.generators._typescript import emit, node, pages, prove
from contract.generators._typescript.emit import FILES, HEADER, Names
from contract.generators._typescript.fallback import Renamed
from contract.generators._typescript.plan import SCHEMAS, Fault, Plan, kind_of, ordered, plan, sent
from contract.generators._typescript.prove import Seen

TARGET = "typescript"
Notify = Callable[[str, int, int], None]
_OF_AN_OPERATION = ("Data", "Errors", "Error", "Responses", "Response")
"""How @hey-api/openapi-ts calls the types of one."""


def tools() -> Mapping[str, str]:
    """Names and versions of all that decides the output, our own part by the hash of its text; nothing is started for it."""
    own = hashlib.sha256()
    for path in sorted(Path(__file__).with_name("_typescript").glob("*.*")):
        if path.suffix in (".py", ".ts", ".mjs"):
            own.update(path.read_bytes().replace(b"\r\n", b"\n"))
    there = "20 or newer" if node.node_is_there() else "missing"
    return {**node.versions(), "node": there, "template": own.hexdigest()[:16]}


def generate(
    document: Document,
    operations: Iterable[Operation],
    out: Path,
    *,
    cache: Path | None = None,
    prove: bool = True,
    only: Iterable[str] | None = None,
    notify: Notify | None = None,
    seen: Seen | None = None,
) -> Generated:
    """One artifact per component and operation, proven or with the reason why not; the package lies in `out`.

    Files are replaced when all of them are made, and only where they differ. A file of the same name that is none of
    ours is an error that names it, before anything is written. `only` are the pointers whose values and calls are
    proven again; the others are then told as `unproven`. `seen` holds observed bodies by operation: status as it is
    declared, or `request`, and media type, and the body; the types of the operation have to hold them.
    """
    made = plan(document, operations)
    _in_the_way(out)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as scratch:
            run = _Run(made, Path(os.path.abspath(scratch)), notify or (lambda *_: None), seen)
            return run.generate(out, prove, frozenset(only) if only is not None else None)
    except OSError as error:
        raise SourceError(f"{out}: cannot be written: {error.strerror or error}") from error


class _Run:
    """One generation in a folder of its own."""

    def __init__(self, made: Plan, work: Path, notify: Notify, seen: Seen | None = None) -> None:
        self.plan = made
        self.seen: Seen = seen or {}
        self.work = work
        self.notify = notify
        self.client = work / "client"
        self.faults: dict[str, Fault] = dict(made.faults)
        self.everything: Fault | None = None
        self.fallback = False
        self.parts: list[dict[str, Any]] = []
        """Of `schema.ts`: places, lines and types."""
        self.files: dict[str, emit.File] = {}

    def generate(self, out: Path, proving: bool, only: frozenset[str] | None) -> Generated:
        whole = len(self.plan.operations) + len(self.plan.components)
        self.notify("generate", 0, whole)
        self.client.mkdir()
        (self.work / "package.json").write_text('{"type": "module"}\n')
        failure = self.types(self.client / "schema.ts", self.plan.value)
        if failure is not None:
            self.everything = Fault("generate", failure)
            return Generated(tuple(self.artifacts(None)), notes=tuple(self.plan.notes))
        names = Names(self.plan)
        self.files = emit.files(self.plan, node.versions()["openapi-fetch"])
        for name, file in self.files.items():
            (self.client / name).write_text(file.text, encoding="utf-8", newline="\n")
        self.link()
        if proving:
            self.proof(names, only)
        elif errors := _of_types(self.check(["client/index.ts"])):
            self.gate(errors)
        self.install(out)
        unproven = None if proving and only is None else only if proving else frozenset[str]()
        return Generated(
            tuple(self.artifacts(unproven)),
            tuple(symbols(self.plan, self.parts)),
            tuple(sorted(FILES)),
            tuple(sorted([*self.plan.notes, *_degraded(self.plan)])),
        )

    def types(self, target: Path, value: Mapping[str, Any]) -> str | None:
        """Why openapi-typescript cannot write the types; None if it did."""
        document = self.work / "document.json"
        document.write_text(json.dumps(value, default=str), encoding="utf-8")
        job = {"task": "types", "document": str(document), "out": str(target), "header": HEADER}
        found = node.ask(job, self.work)
        if "failure" in found:
            return str(found["failure"])[:300]
        self.parts = found["parts"]
        return None

    def gate(self, errors: list[str]) -> None:
        """Takes the types of @hey-api/openapi-ts where those of openapi-typescript do not compile and those do."""
        schema = self.client / "schema.ts"
        ours = schema.read_bytes()
        try:
            failure = self.other_types(schema, "other")
        except SourceError as error:
            failure = error.message
        if failure is None and len(left := _of_types(self.check(["client/index.ts"]))) < len(errors):
            self.fallback = True
            self.parts = node.ask({"task": "describe", "file": str(schema)}, self.work)["parts"]
            rest = f"; {len(left)} errors are left" if left else ""
            self.plan.notes.append(
                f"the types of openapi-typescript do not compile ({errors[0]}), so those of @hey-api/openapi-ts are"
                f" used{rest}; `raw` has no paths then"
            )
            return
        schema.write_bytes(ours)
        self.plan.notes.append(
            f"the types of openapi-typescript do not compile ({errors[0]}), and those of @hey-api/openapi-ts are no"
            f" better: {failure or 'they do not compile either'}"
        )

    def check(self, files: list[str], emit: bool = False) -> list[dict[str, Any]]:
        """The compiler's errors."""
        job = {"task": "check", "folder": str(self.work), "files": files, "emit": emit, "options": {}}
        found: list[dict[str, Any]] = node.ask(job, self.work)["errors"]
        return found

    def other_types(self, target: Path, folder: str) -> str | None:
        """Why @hey-api/openapi-ts cannot write the types; None if it did."""
        renamed = Renamed(self.plan)
        document = self.work / "renamed.json"
        document.write_text(json.dumps(renamed.value()), encoding="utf-8")
        job = {"task": "fallback", "document": str(document), "folder": str(self.work / folder)}
        found = node.ask(job, self.work)
        if "failure" in found:
            return str(found["failure"])[:300]
        text = (self.work / folder / "types.gen.ts").read_text("utf-8")
        target.write_text(f"{HEADER}\n\n{text}\n{renamed.layout(found['aliases'])}", encoding="utf-8", newline="\n")
        return None

    def proof(self, names: Names, only: frozenset[str] | None) -> None:
        whole = len(self.plan.operations) + len(self.plan.components)
        self.notify("values", 0, whole)
        claims = prove.Prover(self.plan, names, only, self.seen).claims()
        texts, places = prove.files(self.plan, claims)
        folder = self.work / "proof"
        folder.mkdir()
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8", newline="\n")
        self.notify("typecheck", 0, whole)
        asked = ["client/index.ts", *(f"proof/{name}" for name in texts)]
        errors = self.check(asked, emit=True)
        if broken := _of_types(errors):
            self.gate(broken)
            errors = self.check(asked, emit=True) if self.fallback else errors
        self.blame(errors, places)
        self.symbols_are_there()
        self.repeat(whole)
        for pointer, fault in claims.faults.items():
            self.faults.setdefault(pointer, fault)
        self.notify("call", 0, whole)
        if (folder / "calls.js").is_file():
            for pointer, fault in prove.run(self.plan, claims, self.work).items():
                self.faults.setdefault(pointer, fault)
        self.notify("done", whole, whole)

    def repeat(self, whole: int) -> None:
        """A second run must give the same bytes, of openapi-typescript even for the document in another order."""
        self.notify("repeat", 0, whole)
        again, parts = self.work / "again.ts", self.parts
        if self.fallback:
            failure = self.other_types(again, "again")
        else:
            failure = self.types(again, _reversed(self.plan.value))
        self.parts = parts
        if failure is not None or again.read_bytes() != (self.client / "schema.ts").read_bytes():
            self.everything = Fault("repeat", failure or "the document in another order gives other types")

    def symbols_are_there(self) -> None:
        """Every operation and component has its types, by what was written."""
        places = {tuple(part["place"]) for part in self.parts}
        for name, schema in self.plan.components.items():
            if ("components", "schemas", schema) not in places:
                self.faults.setdefault(SCHEMAS + escape(name), Fault("symbols", "has no type"))
        for key, name in self.plan.names.items():
            if ("operations", name) not in places:
                self.faults.setdefault(key, Fault("symbols", "has no types"))

    def link(self) -> None:
        """The declared dependency beside the client, and nothing else."""
        folder = self.work / "node_modules"
        folder.mkdir()
        source = node.tools() / "node_modules/openapi-fetch"
        try:
            (folder / "openapi-fetch").symlink_to(source, target_is_directory=True)
        except OSError:  # no privilege for it on Windows
            shutil.copytree(source, folder / "openapi-fetch")
            shutil.copytree(source.parent / "openapi-typescript-helpers", folder / "openapi-typescript-helpers")

    def blame(self, errors: list[dict[str, Any]], places: Mapping[str, Mapping[int, prove.Claim]]) -> None:
        """Counts each error against whose lines it names, and each wrong use that is taken against whose it is."""
        refused: set[tuple[str, int]] = set()
        for each in errors:
            file, line = each["file"].replace(os.sep, "/"), each["line"]
            said = f"tsc --strict: {each['message']}"
            claim = places.get(file, {}).get(line)
            if claim is not None:
                refused.add((file, line))
                if claim.holds:
                    words = f"TS{each['code']}" if claim.observed else each["message"]
                    self.faults.setdefault(claim.pointer, Fault(claim.step, f"{claim.reason}: {words}"))
                continue
            if file == "proof/calls.ts":
                continue  # the same calls are claimed to compile
            pointers = self.owners(file, line)
            for pointer in pointers:
                self.faults[pointer] = Fault("typecheck", said)
            if not pointers and self.everything is None:
                self.everything = Fault("typecheck", f"{file}:{line}: {said}")
        for file, lines in places.items():
            for line, claim in lines.items():
                if not claim.holds and (file, line) not in refused:
                    self.faults.setdefault(claim.pointer, Fault(claim.step, claim.reason))

    def owners(self, file: str, line: int) -> list[str]:
        """Pointers of those whose line it is."""
        if file == "client/schema.ts":
            found = [part for part in self.parts if part["first"] <= line <= part["last"]]
            for part in sorted(found, key=lambda part: part["last"] - part["first"]):
                match part["place"]:
                    case ["components", "schemas", name, *_] if name in self.plan.owners:
                        return [self.plan.owners[name]]
                    case ["alias", name]:
                        schemas = {made: schema for schema, made in Renamed(self.plan).models.items()}
                        if name in schemas:
                            return [self.plan.owners[schemas[name]]]
                        found_in = Renamed(self.plan).operations.items()
                        return [key for key, made in found_in if name.removeprefix(made) in _OF_AN_OPERATION]
                    case ["operations", name, *_]:
                        return [key for key, known in self.plan.names.items() if known == name]
                    case ["paths", path, *_]:
                        return [each.key for each in self.plan.operations if each.path == path.partition("#")[0]]
            return []
        owners = self.files[file.removeprefix("client/")].owners if file.removeprefix("client/") in self.files else ()
        return [owners[line - 1]] if 0 < line <= len(owners) and owners[line - 1] else []

    def install(self, out: Path) -> None:
        _in_the_way(out)
        out.mkdir(parents=True, exist_ok=True)
        for name in FILES:
            target = out / name
            if not target.is_file() or target.read_bytes() != (self.client / name).read_bytes():
                (self.client / name).replace(target)

    def artifacts(self, unproven: frozenset[str] | None) -> Iterator[Artifact]:
        """`unproven` is None if all was looked at, else what was, the rest being told as such."""
        kinds = [("component", SCHEMAS + escape(name)) for name in sorted(self.plan.components)]
        kinds += [("operation", each.key) for each in self.plan.operations]
        for kind, pointer in kinds:
            fault = self.faults.get(pointer) or self.everything
            if fault is None and unproven is not None and pointer not in unproven:
                fault = Fault("unproven", "its proof was left out")
            if fault is None:
                yield Artifact(TARGET, kind, pointer, True)
            else:
                yield Artifact(TARGET, kind, pointer, False, fault.step, fault.reason)


def _of_types(errors: Iterable[Mapping[str, Any]]) -> list[str]:
    """Those in what the generator of types wrote."""
    return [str(each["message"]) for each in errors if each["file"].replace(os.sep, "/") == "client/schema.ts"]


def _degraded(made: Plan) -> Iterator[str]:
    """What is expressed less well than it is declared, and why."""
    for operation in made.operations:
        body = operation.request_body
        for each in body.content if body is not None else ():
            kind = kind_of(each.range)
            if kind == "text" and "xml" in each.range:
                yield f"{operation.key}: {each.range} is sent as the text that is given"
            elif kind == "stream" or (kind == "binary" and each.range.startswith("multipart/")):
                yield f"{operation.key}: {each.range} is sent as the bytes that are given"
        if operation.method == "TRACE":
            yield f"{operation.key}: `fetch` sends no TRACE (Fetch standard, 2.2.1)"
        if any(each.location == "cookie" for each in sent(operation)):
            yield f"{operation.key}: browsers send their own cookies, whatever is given"


def symbols(made: Plan, parts: list[dict[str, Any]]) -> Iterator[Symbol]:
    """What users of the client may name, with the types as the generated code writes them."""
    by_place = {tuple(part["place"]): part for part in parts}
    directions = _directions(made)
    for schema, name in made.models.items():
        part = by_place.get(("components", "schemas", schema))
        if part is None:
            continue
        listed = part.get("members")
        members = {each[0]: each[1] for each in listed} if listed is not None else {"": part.get("text", "unknown")}
        required = frozenset(each[0] for each in listed or () if each[2])
        pointer = made.owners[schema]
        yield Symbol(name, "model", pointer, "models.ts", directions.get(pointer, ""), members, required)
    for operation in made.operations:
        members, required_members = _members(made, operation, by_place)
        yield Symbol(
            made.names[operation.key], "operation", operation.key, "client.ts", "request", members, required_members
        )
        several = pages.name_of(made, operation)
        if several is not None:
            answers = {**members, "return": f"AsyncGenerator<{members['return']}>"}
            yield Symbol(several, "operation", operation.key, "client.ts", "request", answers, required_members)
    yield Symbol("Client", "client", "", "client.ts")
    yield Symbol("UnexpectedAnswer", "error", "", "runtime.ts")


def _members(
    made: Plan, operation: Operation, by_place: Mapping[tuple[str, ...], dict[str, Any]]
) -> tuple[dict[str, str], frozenset[str]]:
    name = made.names[operation.key]
    members: dict[str, str] = {}
    required: set[str] = set()
    for each in sent(operation):
        part = by_place.get(("operations", name, "parameters", each.location, each.name))
        members[f"{each.location}.{each.name}"] = str(part["text"]) if part else "unknown"
        if each.required:
            required.add(f"{each.location}.{each.name}")
    names = Names(made)
    body = operation.request_body
    if body is not None and body.content:
        members["body"] = " | ".join(
            f"{each.range}: {_shown(emit.body_type(names, operation, each), by_place, name, ('requestBody',), each.range)}"
            for each in ordered(body.content)
        )
        if body.required:
            required.add("body")
    answers = []
    for key, response in sorted(operation.responses.items()):
        if emit.bodiless(operation, key, response):
            answers.append(f"{key}: undefined")
            continue
        for media in ordered(response.content):
            type_ = emit.answer_type(names, operation, key, media)
            answers.append(f"{key} {media.range}: {_shown(type_, by_place, name, ('responses', key), media.range)}")
    members["return"] = " | ".join(answers) or "never"
    return members, frozenset(required)


def _shown(
    type_: str, by_place: Mapping[tuple[str, ...], dict[str, Any]], name: str, way: tuple[str, ...], media: str
) -> str:
    """The type itself where the code only says where it stands."""
    if not type_.startswith(("operations[", "NonNullable<operations[")):
        return type_
    part = by_place.get(("operations", name, *way, "content", media))
    return str(part["text"]) if part else type_


def _directions(made: Plan) -> dict[str, str]:
    """Who fills each component: those who call, those who answer, both."""
    sides: dict[str, set[str]] = {}
    schemas = made.value["components"]["schemas"]
    for operation in made.operations:
        found = emit.operation_of(made, operation)
        for side, value in (
            ("request", [found["parameters"], found.get("requestBody")]),
            ("response", found["responses"]),
        ):
            todo: list[Any] = [value]
            seen: set[str] = set()
            while todo:
                each = todo.pop()
                if isinstance(each, list):
                    todo += each
                elif isinstance(each, Mapping):
                    reference = each.get("$ref")
                    if isinstance(reference, str) and reference not in seen:
                        seen.add(reference)
                        schema = reference.removeprefix(SCHEMAS)
                        sides.setdefault(made.owners.get(schema, ""), set()).add(side)
                        todo.append(schemas.get(schema))
                    todo += [value for value in each.values() if isinstance(value, (list, Mapping))]
    return {pointer: "both" if len(found) == 2 else next(iter(found)) for pointer, found in sides.items()}


def _reversed(value: Any) -> Any:
    """The same document in another order: keys of objects from the last to the first."""
    if isinstance(value, Mapping):
        return {key: _reversed(each) for key, each in reversed(list(value.items()))}
    return [_reversed(each) for each in value] if isinstance(value, list) else value


# --- files ------------------------------------------------------------------------------------------------------------


def _in_the_way(out: Path) -> None:
    """Raises SourceError for a file of one of our names that somebody else wrote."""
    if out.exists() and not out.is_dir():
        raise SourceError(f"{out}: cannot be written: it is no folder")
    for name in FILES:
        target = out / name
        if target.exists() and not (target.is_file() and _is_ours(target)):
            raise SourceError(f"{target}: is in the way, and was not generated", "move it, or name another folder")


def _is_ours(path: Path) -> bool:
    if path.name == "package.json":
        try:
            return bool(json.loads(path.read_bytes()).get("name") == "generated-client")
        except (ValueError, AttributeError):
            return False
    return path.read_bytes().startswith(HEADER.encode())


def compare(fresh: Path, committed: Path) -> Iterator[Stale]:
    """What differs between two packages: `added` is made today and not committed, `removed` is made no longer.

    Files that a person wrote into the committed folder are theirs; line endings do not count.
    """
    today = set(_files(fresh))
    if not today:  # nothing could be made, and the artifacts say why
        return
    before = {name for name in _files(committed) if name in today or _is_ours(committed / name)}
    for name in sorted(today | before):
        if name not in before:
            yield Stale(TARGET, name, "added")
        elif name not in today:
            yield Stale(TARGET, name, "removed")
        elif _bytes(fresh / name) != _bytes(committed / name):
            yield Stale(TARGET, name, "changed")


def _files(folder: Path) -> Iterator[str]:
    for path in folder.rglob("*"):
        relative = path.relative_to(folder)
        if path.is_file() and "node_modules" not in relative.parts:
            yield relative.as_posix()


def _bytes(path: Path) -> bytes:
    return path.read_bytes().replace(b"\r\n", b"\n")
