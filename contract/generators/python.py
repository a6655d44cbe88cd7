"""A typed Python client of a contract, proven per operation and component.

Models by datamodel-code-generator; on top of them our own thin client (`_python/runtime.py`): one module per tag, one
function per operation, `Client` and `AsyncClient` over httpx2. The generators' exit code is not believed: what counts as
made is proven (`_python/prove.py`). What cannot be expressed is replaced by `Any` or bytes and told, so that it does not
cost the others theirs.

The package that comes out: `models.py` (one class per component, and per inline schema that needs one), `api/TAG.py`,
`client.py`, `_runtime.py`, `__init__.py` and `py.typed`. The same document gives the same bytes, and reordering it
changes nothing.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

from contract.core.document import Document, escape
from contract.core.errors import MissingExtra, SourceError
from contract.core.evidence import Artifact, Stale
from contract.core.generated import Generated
from contract.core.openapi import Operation
from contract.generators._python.build import Built, build
from contract.generators._python.models import FLAGS, HEADER, Fault
from contract.generators._python.plan import SCHEMAS
from contract.generators._python.prove import PACKAGE, Notify, Proof, prove
from contract.generators._python.views import references

TARGET = "python"
_TOOLS = ("datamodel-code-generator", "pydantic", "httpx2", "mypy", "basedpyright")


def tools() -> Mapping[str, str]:
    """Versions of all that decides what is written and what is proven; our own part by the hash of its text."""
    found: dict[str, str] = {}
    for name in _TOOLS:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "missing"
    own = hashlib.sha256(" ".join(FLAGS).encode())
    for path in sorted(Path(__file__).with_name("_python").glob("*.py")):
        own.update(path.read_bytes().replace(b"\r\n", b"\n"))
    return {**found, "templates": own.hexdigest()[:16]}


def generate(
    document: Document,
    operations: Iterable[Operation],
    out: Path,
    *,
    cache: Path | None = None,
    prove: bool = True,
    only: Collection[str] | None = None,
    notify: Notify | None = None,
) -> Generated:
    """The package in `out`, and one artifact per component and operation: proven, or with the step and the reason.

    All files are made beside and then replaced one by one, only where they differ. A file that nobody generated is
    neither overwritten nor deleted: if it is in the way, SourceError names it. `cache` is where mypy keeps what it knows
    about pydantic. With `only`, values and calls are tried for these pointers alone. Without `prove` nothing is imported
    or tried; what only Python refuses (a pattern, a cycle of bases) is then not replaced either.
    """
    for module in ("datamodel_code_generator", "pydantic", "mypy", "basedpyright")[: 4 if prove else 2]:
        if importlib.util.find_spec(module) is None:
            raise MissingExtra("generating types", "types", module.replace("_", "-"))
    tell: Notify = notify or (lambda step, done, whole: None)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as scratch:
            return _generate(document, operations, out, Path(scratch), cache, prove, only, tell)
    except OSError as error:
        raise SourceError(f"{out}: cannot be written: {error.strerror or error}") from error


def _generate(
    document: Document,
    operations: Iterable[Operation],
    out: Path,
    work: Path,
    cache: Path | None,
    proving: bool,
    only: Collection[str] | None,
    notify: Notify,
) -> Generated:
    notify("models", 0, 1)
    built = build(document, operations, work, imported=proving)
    if built.made.failure is not None:
        proof = Proof(dict(built.faults), everything=Fault("generate", built.made.failure))
        return Generated(tuple(_artifacts(built, proof, True)), notes=_notes(built, proof))
    package = work / PACKAGE
    for name, text in built.package.files.items():
        path = package / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    proof = prove(built, package, work, cache, only, notify) if proving else Proof(dict(built.faults))
    _install(package, sorted(built.package.files), out)
    return Generated(
        tuple(_artifacts(built, proof, proving)),
        tuple(sorted(built.package.symbols, key=lambda each: (each.file, each.name))),
        tuple(sorted(built.package.files)),
        _notes(built, proof),
    )


def _notes(built: Built, proof: Proof) -> tuple[str, ...]:
    return (*dict.fromkeys(sorted(built.plan.notes)), *proof.notes)


# --- files ------------------------------------------------------------------------------------------------------------


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
        if path.is_file() and "__pycache__" not in path.parts:
            yield path.relative_to(folder).as_posix()


def _is_ours(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(HEADER)) == HEADER.encode()


def _bytes(path: Path) -> bytes:
    return path.read_bytes().replace(b"\r\n", b"\n")


def _install(package: Path, names: Collection[str], out: Path) -> None:
    """Everything is made and lies beside; so little can go wrong here, and nothing before the first replacement."""
    for name in names:
        target = out / name
        if target.is_file() and not _is_ours(target) and _bytes(target) != _bytes(package / name):
            raise SourceError(f"{target}: is no generated file, and in the way", "move it, or name another folder")
    for name in names:
        target = out / name
        if not target.is_file() or target.read_bytes() != (package / name).read_bytes():
            target.parent.mkdir(parents=True, exist_ok=True)
            (package / name).replace(target)
    for name in set(_files(out)) - set(names):
        if _is_ours(out / name):  # of a tag that is no more
            (out / name).unlink()


# --- artifacts --------------------------------------------------------------------------------------------------------


def _artifacts(built: Built, proof: Proof, proving: bool) -> Iterator[Artifact]:
    unproven = None if proving else Fault("unproven", "it was made without a proof")
    views = built.plan.views
    for name in sorted(built.plan.own):
        variants = [name, views.name(name, "request")]
        fault = next((proof.components[each] for each in variants if each in proof.components), None)
        yield _artifact("component", SCHEMAS + escape(name), fault or proof.everything or unproven, None)
    graph = {name: references(built.plan.document.value, schema) for name, schema in built.plan.schemas.items()}
    for key, entry in built.plan.entries.items():
        fault, blame = proof.operations.get(key) or proof.everything, None
        for name in _reached(graph, entry.components) if fault is None else ():
            if name in proof.components:
                fault, blame = proof.components[name], name
                break
        yield _artifact("operation", key, fault or unproven, blame if blame in built.plan.own else None)


def _artifact(kind: str, pointer: str, fault: Fault | None, blame: str | None) -> Artifact:
    if fault is None:
        return Artifact(TARGET, kind, pointer, True)
    return Artifact(TARGET, kind, pointer, False, fault.step, f"{blame}: {fault.reason}" if blame else fault.reason)


def _reached(graph: Mapping[str, Collection[str]], names: Iterable[str]) -> Iterator[str]:
    """The schemas themselves, then all others that they lead to."""
    todo, seen = sorted(names), set[str]()
    while todo:
        name = todo.pop(0)
        if name not in seen:
            seen.add(name)
            yield name
            todo += sorted(graph.get(name, ()))
