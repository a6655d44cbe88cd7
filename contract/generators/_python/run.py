"""One run: made beside, proven, put in place, and told per component and operation."""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from contract.core.document import Document, escape
from contract.core.errors import SourceError
from contract.core.evidence import Artifact
from contract.core.generated import Generated, collected, uncollected
from contract.core.openapi import Operation
from contract.generators._python import slices
from contract.generators._python.build import Built, build
from contract.generators._python.files import files, is_ours, plain
from contract.generators._python.models import Fault
from contract.generators._python.plan import SCHEMAS
from contract.generators._python.prove import PACKAGE, Notify, Proof, Seen, prove
from contract.generators._python.slices import Known


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
    keep: Path | None
    seen: Seen
    tools: Mapping[str, str]

    def done(self) -> Generated:
        with uncollected():
            return self._done()

    def _done(self) -> Generated:
        self.notify("models", 0, 1)
        what = json.dumps([*self.tools.items(), sys.version])
        known = slices.read(self.keep, what) if self.keep is not None and self.only is not None else None
        built = self._built(known)
        if built.made.failure is not None:
            proof = Proof(dict(built.faults), everything=Fault("generate", built.made.failure))
            return Generated(tuple(artifacts(built, proof, True)), notes=_notes(built, proof))
        package = self.work / PACKAGE
        _write(built.package.files, package)
        proof = self._proof(built, package)
        if proof.everything is not None and built.piece is not None:  # it may be for want of the rest
            built = self._built(None)
            _write(built.package.files, package)
            proof = self._proof(built, package)
        if self.keep is not None and built.known is not None:
            with suppress(OSError):  # a read-only folder: the next run makes all of it
                slices.write(self.keep, what, built.known)
        install(package, sorted(built.package.files), self.out)
        return Generated(
            tuple(artifacts(built, proof, self.proving)),
            tuple(sorted(built.package.symbols, key=lambda each: (each.file, each.name))),
            tuple(sorted(built.package.files)),
            _notes(built, proof),
        )

    def _built(self, known: Known | None) -> Built:
        return build(self.document, self.operations, self.work, imported=self.proving, known=known, only=self.only)

    def _proof(self, built: Built, package: Path) -> Proof:
        if not self.proving:
            return Proof(dict(built.faults))
        with collected():
            return self._proved(built, package)

    def _proved(self, built: Built, package: Path) -> Proof:
        if built.piece is None:
            return prove(built, package, self.work, self.cache, self.only, self.notify, seen=self.seen)
        work = self.work / "piece"
        _write(built.piece.package.files, work / PACKAGE)
        keys = sorted(built.plan.entries)
        found = prove(
            built.piece, work / PACKAGE, work, self.cache, self.only, self.notify, operations=keys, seen=self.seen
        )
        return replace(found, components={**built.faults, **found.components})


def _write(files: Mapping[str, str], folder: Path) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")


def _notes(built: Built, proof: Proof) -> tuple[str, ...]:
    return (*dict.fromkeys(sorted(built.plan.notes)), *proof.notes)


# --- artifacts --------------------------------------------------------------------------------------------------------


def artifacts(built: Built, proof: Proof, proving: bool) -> Iterator[Artifact]:
    unproven = None if proving else Fault("unproven", "it was made without a proof")
    views = built.plan.views
    for name in sorted(built.plan.own):
        variants = [name, views.name(name, "request")]
        fault = next((proof.components[each] for each in variants if each in proof.components), None)
        yield _artifact("component", SCHEMAS + escape(name), fault or proof.everything or unproven, None)
    blamed = built.plan.schemas if proof.components else {}
    graph = {name: views.leads_to(schema) for name, schema in blamed.items()}
    for key, entry in built.plan.entries.items():
        fault, blame = proof.operations.get(key) or proof.everything, None
        for name in _reached(graph, entry.components) if fault is None else ():
            if name in proof.components:
                fault, blame = proof.components[name], name
                break
        yield _artifact("operation", key, fault or unproven, blame if blame in built.plan.own else None)


def _artifact(kind: str, pointer: str, fault: Fault | None, blame: str | None) -> Artifact:
    if fault is None:
        return Artifact("python", kind, pointer, True)
    return Artifact("python", kind, pointer, False, fault.step, f"{blame}: {fault.reason}" if blame else fault.reason)


def _reached(graph: Mapping[str, Collection[str]], names: Iterable[str]) -> Iterator[str]:
    """The schemas themselves, then all others that they lead to."""
    todo, seen = sorted(names), set[str]()
    while todo:
        name = todo.pop(0)
        if name not in seen:
            seen.add(name)
            yield name
            todo += sorted(graph.get(name, ()))


def install(package: Path, names: Collection[str], out: Path) -> None:
    """Everything is made and lies beside; so little can go wrong here, and nothing before the first replacement."""
    for name in names:
        target = out / name
        if target.is_file() and not is_ours(target) and plain(target) != plain(package / name):
            raise SourceError(f"{target}: is no generated file, and in the way", "move it, or name another folder")
    for name in names:
        target = out / name
        if not target.is_file() or target.read_bytes() != (package / name).read_bytes():
            target.parent.mkdir(parents=True, exist_ok=True)
            (package / name).replace(target)
    for name in set(files(out)) - set(names):
        if is_ours(out / name):  # of a tag that is no more
            (out / name).unlink()
