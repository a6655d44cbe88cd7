"""How much of each document do the generated clients cover, beside other generators; and what does a call cost?

    python -m bench.clients --work DIR [--documents museum,harbor] [--targets python,typescript] [--peers] [--most 3]
    python -m bench.clients --work DIR --calls | --size github

An operation or component counts if all of the proof passes (see docs/generate.md). The peers are installed in a virtual
environment of their own under DIR. They have no proof, so theirs is the part of it that can be asked of them: the run
ends well, each module imports, each operation has a function, each component a class that holds the same values that
ours are asked (and gives them back equal). Each cell is kept in DIR/cells.json as soon as it is there, so that a run may
end after `--most` new cells, or be ended, and the next one goes on; a cell counts for the same document and the same
tools. `--size` compares the whole Python run without proof with plain datamodel-code-generator, by the CPU time of all
processes, in turn. Documents are those of CONTRACT_DATA, and the adversarial one of this file.
"""

from __future__ import annotations

import argparse
import json
import lzma
import os
import re
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from itertools import islice
from pathlib import Path
from threading import Thread
from typing import Any

from bench import clients_typescript
from contract.core import message, sample
from contract.core.canonical import canonical_document
from contract.core.document import Document, escape
from contract.core.openapi import Contract
from contract.sources.documents import file
from tests.data import DATA

PEERS = {"datamodel-code-generator": "0.89.0", "openapi-python-client": "0.29.1"}

ADVERSARIAL: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "Adversarial", "version": "1"},
    "paths": {
        "/class/{import}": {
            "get": {
                "operationId": "class",
                "parameters": [
                    {"name": "import", "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}},
                    {"name": "filter", "in": "query", "style": "deepObject", "schema": {"$ref": "#/components/schemas/Filter"}},
                    {"name": "X-Day", "in": "header", "schema": {"type": "string", "format": "date"}},
                    {"name": "größe", "in": "query", "schema": {"type": ["integer", "null"]}},
                ],
                "responses": {"200": {"description": "", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/BaseModel"}}}}},
            },
            "post": {
                "requestBody": {"required": True, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Pet"}}}},
                "parameters": [{"name": "import", "in": "path", "required": True, "schema": {"type": "integer"}}],
                "responses": {"201": {"description": "", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Tree"}}}}, "default": {"description": ""}},
            },
        },
        "/lists": {"get": {"operationId": "list", "responses": {"200": {"description": "", "content": {"application/json": {"schema": {"type": "array", "items": {"$ref": "#/components/schemas/a.b"}}}}}}}},
    },
    "components": {
        "schemas": {
            "BaseModel": {"type": "object", "required": ["class"], "properties": {"class": {"type": "string"}, "self": {"type": "integer"}, "model_config": {"type": "string"}, "Class": {"type": "boolean"}}},
            "None": {"type": "object", "properties": {"a": {"type": "null"}}},
            "str": {"type": "string", "minLength": 1},
            "a.b": {"type": "object", "properties": {"größe": {"type": "number"}, "user-name": {"type": "string"}, "user_name": {"type": "string"}}},
            "a_b": {"type": "object", "properties": {"1st": {"type": "integer"}}},
            "A-B": {"type": ["string", "integer"]},
            "Filter": {"type": "object", "properties": {"state": {"type": "string", "enum": ["on", "off"]}}},
            "Tree": {"type": "object", "required": ["value"], "properties": {"value": {"type": "integer"}, "children": {"type": "array", "items": {"$ref": "#/components/schemas/Tree"}}}},
            "Pet": {"oneOf": [{"$ref": "#/components/schemas/Cat"}, {"$ref": "#/components/schemas/Dog"}], "discriminator": {"propertyName": "kind", "mapping": {"cat": "#/components/schemas/Cat", "dog": "#/components/schemas/Dog"}}},
            "Cat": {"type": "object", "required": ["kind"], "properties": {"kind": {"const": "cat"}, "lives": {"type": "integer"}}},
            "Dog": {"type": "object", "required": ["kind"], "properties": {"kind": {"const": "dog"}, "mail": {"type": "string", "format": "email"}}},
            "Pair": {"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}], "items": False, "minItems": 2},
            "Open": {"type": "object", "additionalProperties": {"type": "array", "items": {"type": ["string", "null"]}}},
            "Base": {"type": "object", "properties": {"a": {"type": "string"}}},
            "Heir": {"allOf": [{"$ref": "#/components/schemas/Base"}, {"properties": {"a": {"enum": ["x"]}}}]},
        }
    },
}  # fmt: skip


def documents(work: Path, names: list[str]) -> Iterator[tuple[str, Document]]:
    folder = work / "documents"
    folder.mkdir(parents=True, exist_ok=True)
    if not names or "adversarial" in names:
        (folder / "adversarial.json").write_text(json.dumps(ADVERSARIAL))
        yield "adversarial", file.load(folder / "adversarial.json")
    for path in sorted((DATA / "documents").glob("*.xz")) if DATA is not None else ():
        name = path.name.split(".")[0]
        if names and name not in names:
            continue
        if path.name.endswith(".tar.xz"):
            with tarfile.open(path) as packed:
                packed.extractall(folder / name, filter="data")
            index = json.loads((DATA / "documents/index.json").read_text()) if DATA is not None else []
            root = next((each.get("root") for each in index if isinstance(each, dict) and name in str(each)), None)
            found = [folder / name / root] if root else sorted((folder / name).rglob("*.y*ml"), key=_is_root)
            yield name, file.load(found[0])
            continue
        target = folder / path.stem
        if not target.exists():
            target.write_bytes(lzma.decompress(path.read_bytes()))
        yield name, file.load(target)


def _is_root(path: Path) -> tuple[bool, int]:
    return not re.search(r"^(openapi|swagger):", path.read_text("utf-8", "replace"), re.MULTILINE), len(path.parts)


# --- ours -------------------------------------------------------------------------------------------------------------


def ours(target: str, document: Document, out: Path) -> str:
    """`100 % of 12 · 100 % of 30 · 41 s`: operations, components, time with the proof; or why there is nothing."""
    generator = import_module(f"contract.generators.{target}")
    start = time.perf_counter()
    made = generator.generate(document, Contract(document).operations, out)
    seconds = time.perf_counter() - start
    for each in made.artifacts:
        if not each.proven:
            print(f"    {target}: {each.pointer}: {each.step}: {each.reason}", file=sys.stderr)
    figures = []
    for kind in ("operation", "component"):
        mine = [each.proven for each in made.artifacts if each.kind == kind]
        figures.append(f"{sum(mine)}/{len(mine)}")
    return f"{figures[0]} · {figures[1]} · {seconds:.0f} s"


# --- peers ------------------------------------------------------------------------------------------------------------


def environment(work: Path, name: str) -> Path:
    """The interpreter of a virtual environment with one peer in it, made when it is first asked for."""
    home = work / "peers" / name
    python = home / "bin" / "python"
    if not (home / "ready").exists():
        subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
        wanted = [f"{name}=={PEERS[name]}", "pydantic>=2.14,<3", "httpx", "attrs", "python-dateutil"]
        subprocess.run([str(python), "-m", "pip", "install", "-q", *wanted], check=True)
        (home / "ready").touch()
    return python


_DCG = r"""
import importlib, json, sys
sys.path.insert(0, sys.argv[1])
from pydantic import TypeAdapter
asked = json.load(open(sys.argv[2], encoding="utf-8"))
held = 0
try: models = importlib.import_module("peer_models")
except Exception: models = None
for name, (cls, values) in asked.items() if models else ():
    try:
        adapter = TypeAdapter(getattr(models, cls))
        for value in values:
            read = adapter.validate_json(json.dumps(value))
            if json.loads(adapter.dump_json(read, by_alias=True, exclude_unset=True)) != value: raise ValueError
        held += 1
    except Exception: pass
print(held)
"""

_OPC = r"""
import importlib, json, pathlib, sys
sys.path.insert(0, sys.argv[1])
asked = json.load(open(sys.argv[2], encoding="utf-8"))
root = next(p for p in pathlib.Path(sys.argv[1]).iterdir() if (p / "client.py").exists())
operations = 0
for path in sorted((root / "api").rglob("*.py")):
    if path.name == "__init__.py": continue
    try:
        importlib.import_module(".".join(path.relative_to(sys.argv[1]).with_suffix("").parts)); operations += 1
    except Exception: pass
try: models = importlib.import_module(root.name + ".models")
except Exception: models = None
held = 0
lower = {name.lower(): getattr(models, name) for name in dir(models)} if models else {}
for name, (_, values) in asked.items():
    cls = lower.get("".join(c for c in name if c.isalnum()).lower())
    if cls is None: continue
    try:
        for value in values:
            if (cls.from_dict(value).to_dict() if hasattr(cls, "from_dict") else cls(value).value) != value: raise ValueError
        held += 1
    except Exception: pass
print(operations, held)
"""


def peer(name: str, python: Path, document: Document, folder: Path, values: Mapping[str, list[Any]]) -> str:
    """What the peer makes of a bundled document; operations only where it makes a client."""
    folder.mkdir(parents=True, exist_ok=True)
    source = folder / "openapi.json"
    source.write_text(json.dumps(document.value, default=str))
    operations, start = len(Contract(document).operations), time.perf_counter()
    if name == "datamodel-code-generator":
        command = ["-m", "datamodel_code_generator", "--input", "openapi.json", "--input-file-type", "openapi"]
        command += ["--output", "peer_models.py", "--output-model-type", "pydantic_v2.BaseModel"]
        command += ["--formatters", "builtin", "--emit-model-metadata", "metadata.json"]
    else:
        command = ["-m", "openapi_python_client", "generate", "--path", "openapi.json", "--output-path", "made"]
        command += ["--overwrite"]
    done = subprocess.run([str(python), *command], cwd=folder, capture_output=True, text=True, timeout=900, check=False)
    seconds = time.perf_counter() - start
    if done.returncode != 0:
        return f"exit {done.returncode}"
    classes = {each: each for each in values}
    if name == "datamodel-code-generator":
        told = json.loads((folder / "metadata.json").read_text())["models"]
        classes = {
            model["source_path"][2]: model["class_name"]
            for model in told
            if model["source_path"][:2] == ["components", "schemas"] and len(model["source_path"]) == 3
        }
    asked = {each: [classes[each], values[each]] for each in values if each in classes}
    (folder / "asked.json").write_text(json.dumps(asked))
    script, where = (_DCG, ".") if name == "datamodel-code-generator" else (_OPC, "made")
    run = subprocess.run(
        [str(python), "-c", script, where, "asked.json"], cwd=folder, capture_output=True, text=True, check=False
    )
    if run.returncode != 0:
        return f"0/{len(values)} · imports nothing"
    figures = [int(each) for each in run.stdout.split()]
    if len(figures) == 1:
        return f"– · {figures[0]}/{len(values)} · {seconds:.0f} s"
    return f"{figures[0]}/{operations} · {figures[1]}/{len(values)} · {seconds:.0f} s"


def instances(document: Document) -> dict[str, list[Any]]:
    """By component: values that keep it, the same for everybody."""
    schemas = Contract(document).schemas
    declared = document.value.get("components", {}).get("schemas", {})
    out = {}
    for name in declared:
        pointer = f"#/components/schemas/{escape(name)}"
        found = []
        for salt, full in ((0, True), (0, False), (1, True)):
            found += list(islice(sample.values(schemas, pointer, "response", salt=salt, full=full), 2))
        out[name] = found
    return out


# --- calls ------------------------------------------------------------------------------------------------------------


def calls(work: Path, rounds: int = 7, each: int = 60) -> str:
    """The generated client's call against the same through bare httpx2, both reading the body; taken in turn."""
    import httpx2

    from contract.generators import python

    document = file.load(Path(__file__).parents[1] / "specs" / "service.yaml")
    document = canonical_document(document)
    python.generate(document, Contract(document).operations, work / "bench_client", prove=False)
    sys.path.insert(0, str(work))
    client, projects = import_module("bench_client"), import_module("bench_client.api.projects")
    answer = message.response(Contract(document).by_key["GET /api/v1/projects"], "200", full=True)
    assert answer is not None
    body = answer.body

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        headers = {"Authorization": "Bearer t", "Accept": "application/json"}
        with httpx2.Client() as bare, client.Client(url, auth={"bearer": "t"}) as ours_:

            def plain() -> None:
                got = bare.get(f"{url}/api/v1/projects", headers=headers)
                assert got.status_code == 200
                json.loads(got.content)

            def generated() -> None:
                ours_.send(projects.list_projects())

            def took(call: Callable[[], None]) -> float:
                start = time.process_time()
                for _ in range(each):
                    call()
                return (time.process_time() - start) / each

            plain(), generated()
            pairs = [(took(plain), took(generated)) for _ in range(rounds)]
        server.shutdown()
    ratio = statistics.median(b / a for a, b in pairs)
    best = [min(pair[index] for pair in pairs) * 1e6 for index in (0, 1)]
    return (
        f"bare httpx2 {best[0]:.0f} µs, generated client {best[1]:.0f} µs a call (CPU of this process, the server's"
        f" thread included); median ratio {ratio:.2f}, bound 1.5"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--documents", default="")
    parser.add_argument("--targets", default="python")
    parser.add_argument("--peers", action="store_true")
    parser.add_argument("--calls", action="store_true")
    parser.add_argument("--size", default="", metavar="DOCUMENT")
    parser.add_argument("--most", type=int, default=10_000, metavar="CELLS")
    asked = parser.parse_args()
    asked.work.mkdir(parents=True, exist_ok=True)
    if asked.calls:
        print(calls(asked.work))
        return
    targets = [each for each in asked.targets.split(",") if each]
    if asked.size:
        [(_, read)] = documents(asked.work, [asked.size])
        print(size(asked.work, canonical_document(read)))
        return
    columns = [*targets, *(PEERS if asked.peers and "python" in targets else ())]
    if asked.peers and "typescript" in targets:
        columns += clients_typescript.PEERS
    print("operations · components · time")
    print(f"\n| document | {' | '.join(columns)} |\n|{'---|' * (len(columns) + 1)}")
    kept = Kept(asked.work / "cells.json", asked.most)
    for name, read in documents(asked.work, [each for each in asked.documents.split(",") if each]):
        document = canonical_document(read)
        with tempfile.TemporaryDirectory(prefix=f"{name}-", dir=asked.work) as folder:
            make = _makers(columns, document, asked.work, Path(folder))
            cells = [kept.cell(name, document, each, make[each]) for each in columns]
        print(f"| {' | '.join([name, *cells])} |", flush=True)
    if kept.left:
        print(f"\n{kept.left} cells are still to be made: the same command goes on.")


def _makers(columns: list[str], document: Document, work: Path, folder: Path) -> dict[str, Callable[[], str]]:
    """What makes each cell of a row; the values that peers are asked are made once, for the first that asks."""
    values = cache(lambda: instances(document))

    def maker(column: str) -> Callable[[], str]:
        if column in PEERS:
            return lambda: peer(column, environment(work, column), document, folder / column, values())
        if column in clients_typescript.PEERS:
            return lambda: clients_typescript.peer(column, document, folder / column, values())
        return lambda: ours(column, document, folder / column)

    return {each: maker(each) for each in columns}


@dataclass
class Kept:
    """The cells of earlier runs, by document and column."""

    path: Path
    most: int
    """How many this run may make."""
    left: int = 0

    def cell(self, name: str, document: Document, column: str, make: Callable[[], str]) -> str:
        """What an earlier run found, or this one finds; `…` where neither did yet."""
        known = json.loads(self.path.read_text()) if self.path.exists() else {}
        of, key = f"{document.sha256} {_tools(column)}", f"{name} {column}"
        if known.get(key, {}).get("of") == of:
            return str(known[key]["cell"])
        if self.most <= 0:
            self.left += 1
            return "…"
        self.most -= 1
        cell = make()
        known[key] = {"of": of, "cell": cell}
        beside = self.path.with_suffix(".new")
        beside.write_text(json.dumps(known, indent=1))
        beside.replace(self.path)
        return cell


@cache
def _tools(column: str) -> str:
    if column in PEERS:
        return PEERS[column]
    if column in clients_typescript.PEERS:
        column = "typescript"
    return json.dumps(sorted(import_module(f"contract.generators.{column}").tools().items()))


# --- the cost of a run ------------------------------------------------------------------------------------------------


def size(work: Path, document: Document, rounds: int = 2) -> str:
    """CPU time and the largest process of both, every run a process of its own, in turn."""
    folder = work / "size"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "openapi.json").write_text(json.dumps(document.value, default=str))
    plain = ["-m", "datamodel_code_generator", "--input", "openapi.json", "--input-file-type", "openapi"]
    plain += ["--output", "plain.py", "--output-model-type", "pydantic_v2.BaseModel", "--formatters", "builtin"]
    taken: dict[str, list[tuple[float, float]]] = {"plain": [], "with operations": [], "ours": []}
    for _ in range(rounds):
        for name, command in (
            ("plain", plain),
            ("with operations", [*plain, "--openapi-scopes", "schemas", "paths", "parameters"]),
            ("ours", ["-c", _OURS]),
        ):
            taken[name].append(_cost([sys.executable, *command], folder))
    best = {name: min(seconds for seconds, _ in each) for name, each in taken.items()}
    memory = {name: max(megabytes for _, megabytes in each) for name, each in taken.items()}
    rows = [f"{name}: {best[name]:.1f} s, {memory[name]:.0f} MB" for name in taken]
    ratios = [f"{best['ours'] / best[name]:.2f} × {name}" for name in ("plain", "with operations")]
    return "\n".join([*rows, f"ours is {' and '.join(ratios)}; the bound is 1.1 × plain, and 700 MB"])


_OURS = """
from pathlib import Path
from contract.core.canonical import canonical_document
from contract.core.openapi import Contract
from contract.generators import python
from contract.sources.documents import file
document = canonical_document(file.load(Path("openapi.json")))
python.generate(document, Contract(document).operations, Path("ours"), prove=False)
"""


def _cost(command: list[str], folder: Path) -> tuple[float, float]:
    """Seconds of CPU of a process with all that it starts, and megabytes of the largest of them."""
    script = (
        "import resource, subprocess, sys\n"
        "done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)\n"
        "used = resource.getrusage(resource.RUSAGE_CHILDREN)\n"
        "print(done.returncode, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "-c", script, *command],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    code, seconds, megabytes = done.stdout.split()
    if code != "0":
        raise SystemExit(f"exit {code}: {' '.join(command)[:200]}")
    return float(seconds), float(megabytes)


if __name__ == "__main__":
    os.environ.setdefault("PYTHONWARNINGS", "ignore")
    main()
