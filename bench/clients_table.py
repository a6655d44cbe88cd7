"""The cells of `bench/clients.py`: kept from run to run, and written down as `bench/clients.md`."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

CONTRADICTION = "contradiction: "
"""How the reason of a failure begins that is the document's (`contract.app.generate.named`)."""
_MOST = 6  # pointers that are listed of one reason


@dataclass(frozen=True)
class Cell:
    """What one generator made of one document."""

    operations: tuple[int, int] | None
    """Those that hold, and all; None where the generator makes no client."""
    components: tuple[int, int]
    seconds: float = 0.0
    error: str = ""
    """Why there is nothing."""
    failures: tuple[tuple[str, str, str], ...] = ()
    """Of ours: pointer, step, reason."""

    def __str__(self) -> str:
        if self.error:
            return self.error
        return " · ".join(f"{each[0]}/{each[1]}" if each else "–" for each in (self.operations, self.components))

    @property
    def contradictions(self) -> int:
        return sum(reason.startswith(CONTRADICTION) for _, _, reason in self.failures)


def bounded(command: Sequence[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """A peer's run, given up after half an hour."""
    try:
        return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=1800, check=False)
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 124, "", "")


def _read(told: Mapping[str, object]) -> Cell:
    lists = {name: _tuples(value) for name, value in told.items()}
    return Cell(**lists)  # type: ignore[arg-type]


def _tuples(value: object) -> object:
    return tuple(_tuples(each) for each in value) if isinstance(value, list) else value


@dataclass
class Kept:
    """The cells of earlier runs, by document and column."""

    path: Path
    most: int
    """How many this run may make."""
    left: int = 0

    def cell(self, name: str, column: str, of: str, make: Callable[[], Cell]) -> Cell | None:
        """What an earlier run found of the same document and tools, or this one finds; None where neither did yet."""
        known = json.loads(self.path.read_text()) if self.path.exists() else {}
        key = f"{name} {column}"
        if (found := known.get(key, {})).get("of") == of and "made" in found:
            return _read(found["made"])
        if self.most <= 0:
            self.left += 1
            return None
        self.most -= 1
        cell = make()
        known[key] = {"of": of, "made": asdict(cell)}
        beside = self.path.with_suffix(".new")
        beside.write_text(json.dumps(known, indent=1))
        beside.replace(self.path)
        return cell


Rows = Mapping[str, Mapping[str, Cell]]
"""By document and column."""


def head(columns: Iterable[str]) -> str:
    columns = list(columns)
    return f"| document | {' | '.join(columns)} |\n|{'---|' * (len(columns) + 1)}"


def row(name: str, cells: Iterable[Cell | None]) -> str:
    return f"| {name} | {' | '.join('…' if each is None else str(each) for each in cells)} |"


def table(rows: Rows, columns: Sequence[str]) -> str:
    """The rows, and of each column the sum: an error counts as none of as many as we were asked."""
    lines = [head(columns)]
    lines += [row(name, (cells[column] for column in columns)) for name, cells in rows.items()]
    sums = []
    for column in columns:
        figures = []
        for kind in ("operations", "components"):
            each = [(getattr(cells[column], kind), _whole(cells, kind)) for cells in rows.values()]
            made = [found for found, _ in each if found is not None]
            figures.append(f"{sum(found[0] for found in made)}/{sum(whole for _, whole in each)}" if made else "–")
        sums.append(" · ".join(figures))
    lines.append(f"| **all** | {' | '.join(sums)} |")
    return "\n".join(lines)


def _whole(cells: Mapping[str, Cell], kind: str) -> int:
    """How many there are, by those that count them."""
    found: list[tuple[int, int]] = [made for each in cells.values() if (made := getattr(each, kind)) is not None]
    return max(each[1] for each in found)


def verdict(rows: Rows, target: str, peers: Sequence[str]) -> list[str]:
    """What is asked of a target: how much of the documents, leaving out what contradicts itself; and who is above it."""
    lines = []
    for kind, singular in (("operations", "operation"), ("components", "component")):
        part = whole = named = 0
        for cells in rows.values():
            cell = cells[target]
            held, all_ = getattr(cell, kind) or (0, _whole(cells, kind))
            is_component = singular == "component"
            part, whole = part + held, whole + all_
            named += sum(
                pointer.startswith("#") is is_component and reason.startswith(CONTRADICTION)
                for pointer, _, reason in cell.failures
            )
        rest = f"; {named} of the {whole - part} others lead to a contradiction that is named" if named else ""
        lines.append(f"- {target}, {kind}: {_percent(part, whole)} ({part} of {whole}){rest}")
    above = [
        f"{peer} at `{name}` ({kind})"
        for name, cells in rows.items()
        for peer in peers
        for kind in ("operations", "components")
        if (getattr(cells[peer], kind) or (0, 0))[0] > (getattr(cells[target], kind) or (0, 0))[0]
    ]
    lines.append(f"- above {target}: {', '.join(above) or 'nobody, at any document'}")
    return lines


def _percent(part: int, whole: int) -> str:
    """Never rounded up to 100 %.

    >>> _percent(999999, 1000000), _percent(3, 3)
    ('99.99 %', '100 %')
    """
    return f"{part * 10000 // whole / 100:.2f} %" if part < whole else "100 %"


def failures(rows: Rows, targets: Sequence[str]) -> str:
    """What of ours fails, and why: pointers of one reason together."""
    lines = []
    for target in targets:
        for name, cells in rows.items():
            by_reason: dict[tuple[str, str], list[str]] = {}
            for pointer, step, reason in cells[target].failures:
                by_reason.setdefault((step, reason), []).append(pointer)
            for (step, reason), pointers in by_reason.items():
                listed = ", ".join(f"`{each}`" for each in pointers[:_MOST])
                more = f" and {len(pointers) - _MOST} more" if len(pointers) > _MOST else ""
                lines.append(f"- {target}, `{name}`, {step}: {' '.join(reason.split())} — {listed}{more}")
    return "\n".join(lines) or "None."
