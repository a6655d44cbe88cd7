"""From the document to the text of the package; and once more in a process with another hash seed.

`python -m contract.generators._python.build < question.json` gives the hash of each file, as JSON.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contract.core.document import Document, Location, unescape
from contract.core.openapi import Contract, Operation
from contract.generators._python import emit, models, slices
from contract.generators._python.models import Fault, Made
from contract.generators._python.plan import SCHEMAS, Plan, plan
from contract.generators._python.prepare import prepared
from contract.generators._python.slices import Facts, Known


@dataclass
class Built:
    plan: Plan
    made: Made
    package: emit.Package
    faults: dict[str, Fault]
    """By schema."""
    known: Known | None = None
    """What a later run may take over."""
    piece: Built | None = None
    """A package of its own with what was made anew, where that is not all of it."""


def build(
    document: Document,
    operations: Iterable[Operation],
    work: Path,
    *,
    imported: bool = True,
    known: Known | None = None,
    only: Collection[str] | None = None,
) -> Built:
    """The package as text. Its models were imported, if so wanted, or have a failure; `work` is for the generator.

    With `known` and `only`, what shall be proven, as little as can be is made anew; the text is the same.
    """
    wanted = plan(document, operations)
    schemas = prepared(wanted)
    facts = slices.Facts.of(schemas)
    if known is not None and only is not None:
        found = _small(wanted, schemas, facts, known, only, work, imported)
        if found is not None:
            return found
    packages: dict[int, emit.Package] = {}

    def meanwhile(made: Made) -> None:
        packages[id(made)] = emit.emit(wanted, made)

    made, faults = models.make(wanted, schemas, work, meanwhile, imported=imported)
    package = packages.get(id(made)) or emit.emit(wanted, made)
    return Built(wanted, made, package, faults, slices.known(facts, made, faults))


def _small(
    wanted: Plan,
    schemas: Mapping[str, Any],
    facts: Facts,
    known: Known,
    only: Collection[str],
    work: Path,
    imported: bool,
) -> Built | None:
    """With the generator's help for a part of the schemas alone; None where that is not enough."""
    components = {unescape(each.removeprefix(SCHEMAS)) for each in only if each.startswith(SCHEMAS)}
    piece = slices.cut(wanted, schemas, facts, known, components, only)
    if piece is None:
        return None
    fresh = models.once(piece.plan, piece.schemas, known.without & piece.schemas.keys(), work)
    if fresh.failure is not None or piece.schemas.keys() - fresh.classes.keys() - known.faults.keys():
        return None
    made = slices.joined(wanted, known, piece, fresh)
    if made is None or (imported and fresh.blocks and models.imports(fresh.text, work) is not None):
        return None
    faults = dict(known.faults)
    kept = slices.known(facts, made, faults)
    own = {name: fault for name, fault in faults.items() if name in piece.schemas}
    beside = Built(piece.plan, fresh, emit.emit(piece.plan, fresh), own)
    return Built(wanted, made, emit.emit(wanted, made), faults, kept, beside)


def hashes(package: emit.Package) -> dict[str, str]:
    return {name: hashlib.sha256(text.encode()).hexdigest() for name, text in package.files.items()}


def question(document: Document, built: Built, operations: Sequence[str]) -> str:
    """What `again` has to be told; `operations` are those of the whole plan, by key."""
    return json.dumps(
        {
            "value": document.value,
            "path": document.path,
            "version": document.version,
            "operations": operations,
            "part": sorted(built.plan.schemas) if built.plan.among else None,
            "entries": sorted(built.plan.entries),
            "without": sorted(built.made.without),
        },
        default=str,
    )


def again(asked: Mapping[str, Any]) -> dict[str, str]:
    """The hashes of the package that this process makes; what could not be expressed is left out at once."""
    document = Document(
        asked["path"],
        asked["version"],
        asked["value"],
        "",
        lambda _: Location(asked["path"], 1, 1),
        lambda pointer: (asked["path"], pointer),
        list,
    )
    operations = [each for each in Contract(document).operations if each.key in set(asked["operations"])]
    wanted = plan(document, operations)
    schemas = prepared(wanted)
    if asked["part"] is not None:
        wanted = slices.part(wanted, frozenset(asked["part"]), frozenset(asked["entries"]))
        schemas = {name: schema for name, schema in schemas.items() if name in wanted.schemas}
    with tempfile.TemporaryDirectory(prefix="contract-again-") as folder:
        made = models.once(wanted, schemas, frozenset(asked["without"]), Path(folder), "4711")
    return hashes(emit.emit(wanted, made))


if __name__ == "__main__":
    json.dump(again(json.load(sys.stdin)), sys.stdout)
