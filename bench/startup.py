"""What a start costs: ratios of processes run in turn, so that a busy machine slows both sides alike.

`contract --version` against `python -c pass`: at most 6.
`contract lint` of a 300 kB YAML document against a bare parse of it by CSafeLoader in its own process: at most 3.
`contract generate --fail-on-change`, as the hook runs it, where nothing changed, against `python -c pass`: at most 10. The
other hooks are not started where none of their files changed.

Both sides start warm, as a user's second start does: byte code may be cached, whatever the environment says of it
(an installed package is compiled by pip, a checkout by its first start). The least time of each side decides: the work
is the same each time, so what comes on top is the machine's noise; the ratio of medians is printed beside it.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROUNDS = 20
VERSION_GOAL = 6.0
LINT_GOAL = 3.0
HOOK_GOAL = 10.0
ROOT = Path(__file__).parents[1]
SIZE = 300_000
ENVIRON = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
BARE_PARSE = "import sys, yaml; yaml.load(open(sys.argv[1], 'rb'), yaml.CSafeLoader)"


def document(size: int) -> str:
    """A clean OpenAPI document of at least `size` bytes, shaped as people write them: references, examples, prose."""
    parts = [
        "openapi: 3.1.0\ninfo:\n  title: Bench\n  version: 1.0.0\n  license: {name: MIT, identifier: MIT}\npaths:\n"
    ]
    schemas = ["components:\n  schemas:\n"]
    length, number = 0, 0
    while length < size:
        number += 1
        path = f"""\
  /things{number}/{{id}}:
    parameters:
      - name: id
        in: path
        required: true
        schema: {{type: string, format: uuid}}
    get:
      operationId: getThing{number}
      summary: One thing
      description: |
        Gives the thing as it is now. What was changed less than a second ago
        may be missing; ask again with `If-None-Match`.
      tags: [things]
      responses:
        '200':
          description: The thing.
          content:
            application/json:
              schema: {{$ref: '#/components/schemas/Thing{number}'}}
        '404':
          description: No such thing.
          content:
            application/problem+json:
              schema: {{type: object, required: [title], properties: {{title: {{type: string}}}}}}
"""
        schema = f"""\
    Thing{number}:
      type: object
      required: [id, name, created_at]
      properties:
        id: {{type: string, format: uuid}}
        name:
          type: string
          minLength: 1
          maxLength: 200
          description: What people call it.
        state:
          type: string
          enum: [draft, active, archived]
        created_at: {{type: string, format: date-time, example: '2026-01-31T12:00:00Z'}}
        parent:
          anyOf:
            - $ref: '#/components/schemas/Thing{max(1, number - 1)}'
            - type: 'null'
"""
        parts.append(path)
        schemas.append(schema)
        length += len(path) + len(schema)
    return "".join(parts + schemas)


def seconds(command: list[str], cwd: Path) -> float:
    """Wall time of one process, which must succeed."""
    began = time.perf_counter()
    done = subprocess.run(
        command, cwd=cwd, env=ENVIRON, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    took = time.perf_counter() - began
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return took


def ratio(name: str, ours: list[str], bare: list[str], goal: float, cwd: Path = ROOT) -> bool:
    """Runs both in turn and prints the ratio of their least times; True if it is within the goal."""
    seconds(ours, cwd), seconds(bare, cwd)  # the start that fills the caches
    pairs = [(seconds(ours, cwd), seconds(bare, cwd)) for _ in range(ROUNDS)]
    our_times, bare_times = zip(*pairs, strict=True)
    least = min(our_times) / min(bare_times)
    middle = statistics.median(our_times) / statistics.median(bare_times)
    met = least <= goal
    print(
        f"{name}: {least:.2f} times ({1000 * min(our_times):.1f} ms against {1000 * min(bare_times):.1f} ms, "
        f"least of {ROUNDS}; medians {middle:.2f}); goal {goal:g}: {'met' if met else 'MISSED'}",
        flush=True,
    )
    return met


def main() -> int:
    command = Path(sys.executable).with_name("contract")
    contract = [str(command)] if command.exists() else [sys.executable, "-m", "contract"]
    met = [
        ratio(
            "contract --version / python -c pass",
            [*contract, "--version"],
            [sys.executable, "-c", "pass"],
            VERSION_GOAL,
        )
    ]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "openapi.yaml"
        path.write_text(document(SIZE), "utf-8")
        print(f"the document: {path.stat().st_size / 1000:.0f} kB")
        lint = [*contract, "lint", str(path)]
        bare = [sys.executable, "-c", BARE_PARSE, str(path)]
        met.append(ratio("contract lint / bare parse by CSafeLoader", lint, bare, LINT_GOAL))
        met.append(unchanged(contract, Path(folder)))
    return 0 if all(met) else 1


def unchanged(contract: list[str], folder: Path) -> bool:
    """The hook `contract-generated` on a copy of our own clients, which writes nothing: it is made true beforehand."""
    shutil.copytree(ROOT / "generated", folder / "generated", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "specs", folder / "specs")
    for schema in (ROOT / "contract").rglob("*.schema.json"):  # `$ref`s of the document lead there
        copy = folder / schema.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(schema, copy)
    hook = [*contract, "generate", "--document", "specs/service.yaml", "--python", "generated/python"]
    seconds(hook, folder)
    return ratio(
        "contract generate, nothing changed / python -c pass",
        [*hook, "--fail-on-change"],
        [sys.executable, "-c", "pass"],
        HOOK_GOAL,
        folder,
    )


if __name__ == "__main__":
    sys.exit(main())
