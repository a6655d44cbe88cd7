"""The peers of the TypeScript client in `bench/clients.py`: plain openapi-typescript, and @hey-api/openapi-ts.

Both write types and have no proof; theirs is the part of it that can be asked of them. A component counts if it has a
type, no error of `tsc --strict` is in its lines, and the same values compile that ours are asked. An operation counts if
it has types without such an error.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.clients_table import Cell, bounded
from contract.core.document import Document
from contract.core.openapi import Contract
from contract.generators._typescript import node
from contract.generators._typescript.prove import literal

PEERS = ("openapi-typescript", "hey-api")

_AS = "function as<T>(): <const V extends T>(value: V) => void { return () => undefined; }"


def peer(name: str, document: Document, folder: Path, values: Mapping[str, list[Any]]) -> Cell:
    """What the generator makes of a bundled document."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "package.json").write_text('{"type": "module"}')
    (folder / "openapi.json").write_text(json.dumps(document.value, default=str))
    modules, program = node.tools() / "node_modules", str(node.node()[0])
    if name == "openapi-typescript":
        command = [str(modules / "openapi-typescript/bin/cli.js"), "openapi.json", "-o", "types.ts"]
        file = "types.ts"
    else:
        command = [str(modules / "@hey-api/openapi-ts/bin/run.js"), "-i", "openapi.json", "-o", "made"]
        command += ["-p", "@hey-api/typescript", "--silent", "--no-log-file"]
        file = "made/types.gen.ts"
    start = time.perf_counter()
    done = bounded([program, *command], folder)
    seconds = time.perf_counter() - start
    if done.returncode != 0 or not (folder / file).is_file():
        return Cell(None, (0, len(values)), seconds, f"exit {done.returncode}")
    parts = node.ask({"task": "describe", "file": str(folder / file)}, folder)["parts"]
    types = _types(name, parts)
    lines = [f'import type * as $ from "./{file.removesuffix(".ts")}.js";', _AS]
    claims: dict[int, str] = {}
    for component, held in values.items():
        if (type_ := types.get(component, types.get(_plain(component)))) is not None:
            for value in held:
                lines.append(f"as<{type_[0]}>()({literal(value)});")
                claims[len(lines)] = component
    (folder / "values.ts").write_text("\n".join(lines) + "\n", encoding="utf-8")
    job = {"task": "check", "folder": str(folder), "files": ["values.ts"], "emit": False, "options": {}}
    errors = node.ask(job, folder)["errors"]
    refused = {claims[each["line"]] for each in errors if each["file"] == "values.ts" and each["line"] in claims}
    broken = [each["line"] for each in errors if each["file"] == file]

    def is_clean(part: Mapping[str, Any]) -> bool:
        return not any(part["first"] <= line <= part["last"] for line in broken)

    good = sum(
        component not in refused and is_clean(type_[1])
        for component in values
        if (type_ := types.get(component, types.get(_plain(component)))) is not None
    )
    operations = sum(is_clean(part) for part in _operations(name, parts, document.value.get("paths", {})))
    return Cell((operations, len(Contract(document).operations)), (good, len(values)), seconds)


def _types(name: str, parts: list[dict[str, Any]]) -> dict[str, tuple[str, dict[str, Any]]]:
    """Component to its type and where that stands; the other generator's names are found by their letters."""
    out: dict[str, tuple[str, dict[str, Any]]] = {}
    for part in parts:
        match part["place"]:
            case ["components", "schemas", component] if name == "openapi-typescript":
                out[component] = (f'$.components["schemas"][{json.dumps(component)}]', part)
            case ["alias", alias] if name == "hey-api":
                out.setdefault(_plain(alias), (f"$.{alias}", part))
    return out


def _operations(name: str, parts: list[dict[str, Any]], paths: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The parts that say what an operation takes and answers; those of webhooks are none."""
    if name == "hey-api":
        found = [(part, re.search(r"\burl: '([^']*)'", part.get("text", ""))) for part in parts]
        return [part for part, url in found if part["place"][0] == "alias" and url is not None and url[1] in paths]
    methods = r"get|put|post|delete|options|head|patch|trace"
    return [
        part
        for part in parts
        if part["place"][0] == "paths" and len(part["place"]) == 3 and re.fullmatch(methods, part["place"][2])
        if part.get("text") != "never"
    ]


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
