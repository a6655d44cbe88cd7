"""From the document to the text of the package; and once more in a process with another hash seed.

`python -m contract.generators._python.build < question.json` gives the hash of each file, as JSON.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contract.core.document import Document, Location
from contract.core.openapi import Contract, Operation
from contract.generators._python import emit, models
from contract.generators._python.models import Fault, Made
from contract.generators._python.plan import Plan, plan


@dataclass
class Built:
    plan: Plan
    made: Made
    package: emit.Package
    faults: dict[str, Fault]
    """By schema."""


def build(document: Document, operations: Iterable[Operation], work: Path, *, imported: bool = True) -> Built:
    """The package as text. Its models were imported, if so wanted, or have a failure; `work` is for the generator."""
    wanted = plan(document, operations)
    packages: dict[int, emit.Package] = {}

    def meanwhile(made: Made) -> None:
        packages[id(made)] = emit.emit(wanted, made)

    made, faults = models.make(wanted, work, meanwhile, imported=imported)
    package = packages.get(id(made)) or emit.emit(wanted, made)
    return Built(wanted, made, package, faults)


def hashes(package: emit.Package) -> dict[str, str]:
    return {name: hashlib.sha256(text.encode()).hexdigest() for name, text in package.files.items()}


def question(document: Document, built: Built) -> str:
    """What `again` has to be told."""
    return json.dumps(
        {
            "value": document.value,
            "path": document.path,
            "version": document.version,
            "operations": sorted(built.plan.entries),
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
    with tempfile.TemporaryDirectory(prefix="contract-again-") as folder:
        made = models.once(wanted, frozenset(asked["without"]), Path(folder), "4711")
    return hashes(emit.emit(wanted, made))


if __name__ == "__main__":
    json.dump(again(json.load(sys.stdin)), sys.stdout)
