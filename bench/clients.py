"""How much of each document do the generated clients cover, beside other generators; and what does a call cost?

    python -m bench.clients --work DIR [--documents museum,harbor] [--targets python,typescript] [--peers] [--most 3]
    python -m bench.clients --work DIR --write [--documents museum,harbor] [--most 3]
    python -m bench.clients --work DIR --calls | --size github

An operation or component counts if all of the proof passes (see docs/generate.md). The peers are installed in a virtual
environment of their own under DIR. They have no proof, so theirs is the part of it that can be asked of them: the run
ends well, each module imports, each operation has a function, each component a class that holds the same values that
ours are asked (and gives them back equal). Each cell is kept in DIR/cells.json as soon as it is there, so that a run may
end after `--most` new cells, or be ended, and the next one goes on; a cell counts for the same document and the same
tools. `--write` makes both targets with their peers, of all documents or of those that are named, and
`bench/clients.md` of them. `--size` compares the whole Python run without proof with plain datamodel-code-generator, by
the CPU time of all processes, in turn. The documents are those of `bench/clients_documents.py`: of CONTRACT_DATA, of
packages, and two adversarial ones.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from itertools import islice
from pathlib import Path
from threading import Thread
from typing import Any

from bench import clients_typescript
from bench.clients_documents import PACKAGED, documents
from bench.clients_table import Cell, Kept, bounded, failures, head, row, table, verdict
from contract.app.generate import named
from contract.core import message, sample
from contract.core.canonical import canonical_document
from contract.core.document import Document, escape
from contract.core.openapi import Contract
from contract.generators._typescript import node
from contract.sources.documents import file

PEERS = {"datamodel-code-generator": "0.89.0", "openapi-python-client": "0.29.1"}
TARGETS = ("python", "typescript")
RESULTS = Path(__file__).with_suffix(".md")
SHOWN = (
    *("datamodel-code-generator", "openapi-python-client", "pydantic", "mypy", "basedpyright"),
    *("openapi-typescript", "@hey-api/openapi-ts", "typescript"),
)
HEAD = """# What the generated clients cover

Written by `python -m bench.clients --work DIR --write`, with {versions}.

Operations · components of each document that hold. Ours hold if all of the proof passes ([generate.md](../docs/generate.md)):
complete, imports, strict checkers silent, wrong uses refused, another seed gives the same bytes, values and examples kept,
broken ones refused, each operation called on a server that holds the request against the document.

- The others have no proof, and are asked less. A Python generator is run as it is by default: its run has to end well, each
  module of an operation to import, each component to have a class that takes the values that ours are asked, and gives them
  back equal. A TypeScript one: each has a type without an error of `tsc --strict` in its lines, and the same values compile.
  Libraries that the others' code asks for (e-mail addresses, ULIDs) are installed.
- `–`: the generator makes no client. `exit N`: it made nothing, and is counted as 0.
- All are given the document bundled and in canonical order, Swagger 2.0 as OpenAPI 3.0.
- Where the document contradicts itself, no type can be right: the failure says so with both JSON Pointers, and
  `contract lint` reports it."""


# --- ours -------------------------------------------------------------------------------------------------------------


def ours(target: str, document: Document, out: Path) -> Cell:
    """What the proof says of the whole client."""
    generator = import_module(f"contract.generators.{target}")
    contract = Contract(document)
    start = time.perf_counter()
    made = generator.generate(document, contract.operations, out)
    seconds = time.perf_counter() - start
    artifacts = named(contract, made.artifacts)
    failures = tuple((each.pointer, each.step or "", each.reason or "") for each in artifacts if not each.proven)
    for failure in failures:
        print(f"    {target}: {': '.join(failure)}", file=sys.stderr)

    def figure(kind: str) -> tuple[int, int]:
        mine = [each.proven for each in artifacts if each.kind == kind]
        return sum(mine), len(mine)

    return Cell(figure("operation"), figure("component"), seconds, failures=failures)


# --- peers ------------------------------------------------------------------------------------------------------------


def environment(work: Path, name: str) -> Path:
    """The interpreter of a virtual environment with one peer in it, made when it is first asked for."""
    home = work / "peers" / name
    python = home / "bin" / "python"
    if not (home / "ready").exists():
        subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
        wanted = [
            f"{name}=={PEERS[name]}",
            "pydantic[email]>=2.14,<3",
            "python-ulid",
            "httpx",
            "attrs",
            "python-dateutil",
        ]
        subprocess.run([str(python), "-m", "pip", "install", "-q", *wanted], check=True)
        (home / "ready").touch()
    return python


_DCG = r"""
import importlib, json, sys
sys.path.insert(0, sys.argv[1])
from pydantic import TypeAdapter
asked = json.load(open(sys.argv[2], encoding="utf-8"))
held = 0
for name, (place, values) in asked.items():
    try:
        module, _, cls = place.rpartition(":")
        adapter = TypeAdapter(getattr(importlib.import_module("peer_models" + module), cls))
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


def peer(name: str, python: Path, document: Document, folder: Path, values: Mapping[str, list[Any]]) -> Cell:
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
    done = bounded([str(python), *command], folder)
    if done.returncode != 0 and "require an output directory" in done.stderr:  # names with dots
        command = [each.replace("peer_models.py", "peer_models") for each in command]
        done = bounded([str(python), *command], folder)
    seconds = time.perf_counter() - start
    if done.returncode != 0:
        return Cell(None, (0, len(values)), seconds, f"exit {done.returncode}")
    classes = {each: each for each in values}
    if name == "datamodel-code-generator":
        told = json.loads((folder / "metadata.json").read_text())["models"]
        classes = {
            model["source_path"][2]: f"{'.' if model['module'] else ''}{model['module'] or ''}:{model['class_name']}"
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
        return Cell(None, (0, len(values)), seconds, "imports nothing")
    figures = [int(each) for each in run.stdout.split()]
    if len(figures) == 1:
        return Cell(None, (figures[0], len(values)), seconds)
    return Cell((figures[0], operations), (figures[1], len(values)), seconds)


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
    parser.add_argument("--write", action="store_true", help="both targets, with the peers: bench/clients.md")
    parser.add_argument("--most", type=int, default=10_000, metavar="CELLS")
    asked = parser.parse_args()
    asked.work.mkdir(parents=True, exist_ok=True)
    if asked.calls:
        print(calls(asked.work))
        return
    if asked.write:
        asked.targets, asked.peers = "python,typescript", True
    targets = [each for each in asked.targets.split(",") if each]
    if asked.size:
        [(_, read)] = documents(asked.work, [asked.size])
        print(size(asked.work, canonical_document(read)))
        return
    columns = [column for each in targets for column in (each, *(peers(each) if asked.peers else ()))]
    print(f"operations · components\n\n{head(columns)}")
    kept, rows = Kept(asked.work / "cells.json", asked.most), {}
    for name, read in documents(asked.work, [each for each in asked.documents.split(",") if each]):
        document = canonical_document(read)
        with tempfile.TemporaryDirectory(prefix=f"{name}-", dir=asked.work) as folder:
            make = _makers(columns, document, asked.work, Path(folder))
            cells = {each: kept.cell(name, each, f"{document.sha256} {_tools(each)}", make[each]) for each in columns}
        rows[name] = cells
        print(row(name, cells.values()), flush=True)
    if kept.left:
        print(f"\n{kept.left} cells are still to be made: the same command goes on.")
        return
    if asked.write:
        RESULTS.write_text(written({name: _made(cells) for name, cells in rows.items()}, columns), "utf-8")


def peers(target: str) -> tuple[str, ...]:
    return tuple(PEERS) if target == "python" else clients_typescript.PEERS


def _made(cells: Mapping[str, Cell | None]) -> dict[str, Cell]:
    return {column: cell for column, cell in cells.items() if cell is not None}


def written(rows: Mapping[str, Mapping[str, Cell]], columns: list[str]) -> str:
    versions = {**import_module("contract.generators.python").tools(), **node.versions(), **PEERS}
    verdicts = [line for target in TARGETS for line in verdict(rows, target, peers(target))]
    parts = [
        HEAD.format(versions=", ".join(f"{name} {versions[name]}" for name in SHOWN)),
        table(rows, columns),
        "\n".join(verdicts),
        "## What of ours fails, and why",
        failures(rows, TARGETS),
        "## The documents of packages",
        "\n".join(f"- `{name}`: {packaged}" for name, packaged in PACKAGED.items()),
    ]
    return "\n\n".join(parts) + "\n"


def _makers(columns: list[str], document: Document, work: Path, folder: Path) -> dict[str, Callable[[], Cell]]:
    """What makes each cell of a row; the values that peers are asked are made once, for the first that asks."""
    values = cache(lambda: instances(document))

    def maker(column: str) -> Callable[[], Cell]:
        if column in PEERS:
            return lambda: peer(column, environment(work, column), document, folder / column, values())
        if column in clients_typescript.PEERS:
            return lambda: clients_typescript.peer(column, document, folder / column, values())
        return lambda: ours(column, document, folder / column)

    return {each: maker(each) for each in columns}


@cache
def _tools(column: str) -> str:
    if column in PEERS:
        return PEERS[column]
    if column in clients_typescript.PEERS:
        return json.dumps(sorted(node.versions().items()))
    return json.dumps(sorted(import_module(f"contract.generators.{column}").tools().items()))


# --- the cost of a run ------------------------------------------------------------------------------------------------


def size(work: Path, document: Document, rounds: int = 3) -> str:
    """CPU time and the largest process of each, every run a process of its own, in turn."""
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
    rows.append(f"ours is {' and '.join(ratios)}; the bound is 1.1 × plain, and 700 MB")
    return "\n".join([*rows, *_commands(folder, document, rounds)])


def _commands(folder: Path, document: Document, rounds: int) -> Iterator[str]:
    """`contract generate` as it is called, all of its process: a full run, one more property, and nothing new."""
    schemas = document.value["components"]["schemas"]
    changed = next(each for each in ("git-tree", *sorted(schemas)) if "properties" in schemas.get(each, {}))
    with tempfile.TemporaryDirectory(dir=folder) as made:
        path = Path(made) / "openapi.json"
        path.write_text(json.dumps(document.value, default=str))
        command = ["generate", "--document", path.name, "--python", "client"]
        full, _ = _cost([sys.executable, "-c", _UNPROVEN, *command], path.parent)
        parse = min(_cost([sys.executable, "-c", _PARSE], path.parent)[0] for _ in range(5 * rounds))
        check = [sys.executable, "-c", _COMMAND, *command, "--check"]
        same = min(_cost(check, path.parent)[0] for _ in range(5 * rounds))
        small = []
        for index in range(rounds):
            members = {**schemas[changed]["properties"], f"added_{index}": {"type": "string"}}
            held = {**schemas, changed: {**schemas[changed], "properties": members}}
            value = {**document.value, "components": {**document.value["components"], "schemas": held}}
            path.write_text(json.dumps(value, default=str))
            small.append(_cost([sys.executable, "-c", _UNPROVEN, *command], path.parent)[0])
    yield f"`contract generate` without the proof: all {full:.1f} s; one more property of {changed} {min(small):.1f} s"
    yield f"that is 1/{full / min(small):.1f} of a full run; the bound is a sixth"
    yield f"unchanged: {same:.2f} s, {same / parse:.1f} × a process that parses the JSON ({parse:.2f} s); the bound is 6"


_PARSE = "import json; json.load(open('openapi.json', encoding='utf-8'))"
_COMMAND = "import sys; from contract.app.cli import main; sys.exit(main())"
_UNPROVEN = """
import sys
from dataclasses import replace
from contract.app.cli import main
from contract.generators import python
made = python.generate
def unproven(*given, **named):
    # As if all of it were proven, so that the next run takes it over.
    found = made(*given, **named, prove=False)
    taken = [replace(one, proven=True, step=None, reason=None) if one.step == "unproven" else one for one in found.artifacts]
    return replace(found, artifacts=tuple(taken))
unproven.__wrapped__ = made
python.generate = unproven
sys.exit(main())
"""

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
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # what is installed has its bytecode, and so has what is measured
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
