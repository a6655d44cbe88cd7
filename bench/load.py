"""What loading a document costs: ratios of runs made in turn, so that a busy machine slows both sides alike.

A YAML document with positions, read and bundled, against CSafeLoader's bare values: at most 0.5.
GitHub's REST description (13 MB of JSON), loaded, validated and indexed, against `orjson.loads` of it: at most 12,
in less than 1 GB.
"""

from __future__ import annotations

import gc
import lzma
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "bench")]

import orjson  # noqa: E402
import yaml  # noqa: E402
from startup import document  # noqa: E402

from contract.core.openapi import Contract  # noqa: E402
from contract.sources.documents.file import load  # noqa: E402
from tests.data import DATA  # noqa: E402

ROUNDS = 7
YAML_GOAL = 0.5
JSON_GOAL = 12.0
MEMORY_GOAL = 1_000_000_000
MEMORY = """
import resource, sys
sys.path.insert(0, sys.argv[2])
from contract.core.openapi import Contract
from contract.sources.documents.file import load
document = load(sys.argv[1])
document.problems(), Contract(document).by_key
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(peak if sys.platform == "darwin" else peak * 1024)
"""


def seconds(work: Callable[[], Any]) -> float:
    """Time of one run, what earlier ones left behind cleared away before it."""
    gc.collect()
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def ratio(name: str, ours: Callable[[], Any], bare: Callable[[], Any], goal: float) -> bool:
    """Runs both in turn and prints the ratio of their medians; True if it is within the goal."""
    ours(), bare()
    pairs = [(seconds(ours), seconds(bare)) for _ in range(ROUNDS)]
    our_s, bare_s = (statistics.median(column) for column in zip(*pairs, strict=True))
    times = our_s / bare_s
    print(
        f"{name}: {times:.2f} times ({1000 * our_s:.0f} ms against {1000 * bare_s:.0f} ms, medians of {ROUNDS}); "
        f"goal {goal:g}: {'met' if times <= goal else 'MISSED'}",
        flush=True,
    )
    return times <= goal


def yaml_with_positions(path: Path) -> bool:
    return ratio(
        f"load {path.name} ({path.stat().st_size / 1000:.0f} kB) / CSafeLoader",
        lambda: load(path).locate("#/info"),
        lambda: yaml.load(path.read_bytes(), yaml.CSafeLoader),
        YAML_GOAL,
    )


def github(path: Path) -> list[bool]:
    def ours() -> None:
        loaded = load(path)
        loaded.problems()
        assert len(Contract(loaded).by_key) == 1223

    met = ratio(
        "load, validate and index github.json / orjson.loads", ours, lambda: orjson.loads(path.read_bytes()), JSON_GOAL
    )
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, str(path), str(ROOT)], capture_output=True, text=True, check=True
    )
    peak = int(done.stdout)
    print(
        f"  memory at most {peak / 1e6:.0f} MB; goal below {MEMORY_GOAL / 1e6:.0f}: {'met' if peak < MEMORY_GOAL else 'MISSED'}"
    )
    return [met, peak < MEMORY_GOAL]


def main() -> int:
    met: list[bool] = []
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "generated.yaml"
        made.write_text(document(300_000), "utf-8")
        met.append(yaml_with_positions(made))
        for name in ("openai.yaml", "xero-accounting.yaml", "github.json"):
            packed = DATA / "documents" / f"{name}.xz" if DATA is not None else None
            if packed is None or not packed.exists():
                print(f"left out: {name}, as the shared data is not there (CONTRACT_DATA says where)")
                continue
            path = Path(folder) / name
            path.write_bytes(lzma.decompress(packed.read_bytes()))
            met += github(path) if name == "github.json" else [yaml_with_positions(path)]
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
