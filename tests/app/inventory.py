"""A generator as somebody else may write one, installed as a plug-in: lists of operations by tag, and of components.

It works in milliseconds and writes down what it was asked, so that tests can tell what was started. A schema that says
`x-wrong` cannot be proven; with the option `raises` it gives up.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from contract.core.document import Document, escape, resolve
from contract.core.errors import MissingExtra, SourceError
from contract.core.evidence import Artifact, Stale
from contract.core.generated import Generated, Symbol

if TYPE_CHECKING:
    from contract.core.openapi import Operation

TARGET = "inventory"
HEADER = "# generated inventory\n"


def tools() -> Mapping[str, str]:
    return {"inventory": os.environ.get("INVENTORY_VERSION", "1.0")}


def generate(
    document: Document,
    operations: Iterable[Operation],
    out: Path,
    *,
    cache: Path | None = None,
    prove: bool = True,
    only: Collection[str] | None = None,
    notify: Callable[[str, int, int], None] | None = None,
    options: Mapping[str, str] | None = None,
) -> Generated:
    with Path(os.environ["INVENTORY_LOG"]).open("a") as log:
        log.write(json.dumps(None if only is None else sorted(only)) + "\n")
    if tools()["inventory"] == "missing":
        raise MissingExtra("the inventory", "inventory", "inventory-tool")
    if (options or {}).get("raises") == "true":
        raise SourceError("the inventory stopped", "leave out `raises`")
    schemas = document.value.get("components", {}).get("schemas", {})
    parts = [("operation", each.key, each.pointer) for each in operations]
    parts += [
        ("component", f"#/components/schemas/{escape(name)}", f"#/components/schemas/{escape(name)}")
        for name in schemas
    ]
    texts: dict[str, list[str]] = {"components.txt": []}
    artifacts, symbols = [], []
    for index, (kind, key, pointer) in enumerate(parts):
        if notify is not None:
            notify("listing", index + 1, len(parts))
        node = resolve(document.value, pointer)
        file, name = "components.txt", key.rpartition("/")[2]
        members = {each: str(schema.get("type")) for each, schema in node.get("properties", {}).items()}
        if kind == "operation":
            file, name = f"{(node.get('tags') or ['other'])[0]}.txt", node.get("operationId") or key
            members = {"return": "Answer"}
        texts.setdefault(file, []).append(
            f"{name} {json.dumps(members, sort_keys=True)} {(options or {}).get('mark', '')}"
        )
        model = "operation" if kind == "operation" else "model"
        symbols.append(Symbol(name, model, key, file, "", members, frozenset(node.get("required", ()))))
        looked_at = prove and (only is None or key in only)
        wrong = looked_at and "x-wrong" in node
        artifacts.append(
            Artifact(TARGET, kind, key, looked_at and not wrong, *(("count", node["x-wrong"]) if wrong else ()))
            if looked_at
            else Artifact(TARGET, kind, key, False, "unproven", "nobody asked")
        )
    fresh = {name: HEADER + "".join(f"{line}\n" for line in sorted(lines)) for name, lines in texts.items() if lines}
    for name in fresh:
        if (out / name).exists() and not (out / name).read_text().startswith(HEADER):
            raise SourceError(f"{out / name}: is no generated file, and in the way", "move it")
    out.mkdir(parents=True, exist_ok=True)
    for name, text in fresh.items():
        if not (out / name).exists() or (out / name).read_text() != text:
            (out / name).write_text(text)
    return Generated(tuple(artifacts), tuple(symbols), tuple(sorted(fresh)))


def compare(fresh: Path, committed: Path) -> Iterator[Stale]:
    for path in sorted(fresh.iterdir()):
        other = committed / path.name
        if not other.exists():
            yield Stale(TARGET, path.name, "added")
        elif other.read_bytes() != path.read_bytes():
            yield Stale(TARGET, path.name, "changed")
