"""What `contract generate` made of each target, as data, in words, in Markdown and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field

from contract.core.clients import ClientChanges, changelog, code
from contract.core.errors import ContractError
from contract.core.evidence import Artifact, Stale
from contract.core.report import GenerationFailure, GenerationTarget, Ratio, StaleFile
from contract.reports._words import visible

FORMATS = ("text", "json", "markdown")
_NOTHING = Ratio(0, 0)
SHOWN = 20
"""Failures and changes of one target that the text tells; the JSON has all."""


@dataclass(frozen=True, slots=True)
class Made:
    """What one generator made, or what the manifest says that it made."""

    target: str
    path: str | None
    operations: Ratio = _NOTHING
    components: Ratio = _NOTHING
    failures: tuple[GenerationFailure, ...] = ()
    stale: tuple[Stale, ...] = ()
    """What in the folder is not what this document and these tools give."""
    changed: ClientChanges = field(default_factory=ClientChanges)
    written: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    error: ContractError | None = None
    """Why nobody can say anything of this target."""
    ran: bool = False
    """True if the generator was started; else all of it is what the manifest holds."""
    artifacts: tuple[Artifact, ...] = ()
    """Those of this run; none where the generator was not started."""

    @property
    def proven(self) -> Ratio:
        return self.operations + self.components

    @property
    def good(self) -> bool:
        """True if all of it is proven and fresh."""
        return self.error is None and not self.stale and self.proven.part == self.proven.whole

    def row(self) -> GenerationTarget:
        """The target as the report of a check has it."""
        return GenerationTarget(
            self.target,
            self.proven.part,
            self.proven.whole,
            self.path,
            self.operations,
            self.components,
            self.failures,
            tuple(StaleFile(one.file, one.change, one.reason) for one in self.stale),
            self.changed,
            self.notes,
        )


def exit_code(made: Sequence[Made], *, unchanged: bool = False) -> int:
    """1 if something is unproven or stale, else what the first error says, else 0.

    With `unchanged` a file that was written is a reason to fail too, as it is to a hook.
    """
    if any(one.error is None and not one.good for one in made):
        return 1
    for one in made:
        if one.error is not None:
            return one.error.exit_code
    return int(unchanged and any(one.written or one.removed for one in made))


def sentence(made: Sequence[Made], code: int, *, check: bool) -> str:
    """The last line: the figure of all targets, and what is wrong."""
    parts = []
    lost = [one.target for one in made if one.error is not None]
    whole = sum((one.proven for one in made), _NOTHING)
    stale = sum(len(one.stale) for one in made)
    files = sum(len(one.written) + len(one.removed) for one in made)
    breaking = sum(one.changed.breaking for one in made)
    if whole.whole:
        parts.append(f"generation {whole}, {whole.part:,} of {whole.whole:,} operations and components proven")
    if stale:
        parts.append(f"{stale} {'file' if stale == 1 else 'files'} not what the document gives")
    elif made and not lost and not files:
        parts.append("fresh" if check else "nothing to write")
    if files:
        parts.append(f"{files} {'file' if files == 1 else 'files'} written")
    if breaking:
        parts.append(f"{breaking} breaking {'change' if breaking == 1 else 'changes'} for client users")
    if lost:
        parts.append(f"no verdict on {', '.join(lost)}")
    word = {0: "Passed", 1: "Failed"}.get(code, "No verdict")
    return f"{word}: {', '.join(parts)} · exit {code}"


def as_text(made: Made) -> str:
    """A line with the figure, then what is not proven, what is stale, what was written and what users see change."""
    if made.error is not None:
        lines = [f"{made.target}  {made.path}  no verdict: {made.error.message}"]
        return "\n".join([*lines, *([f"  hint: {made.error.hint}"] if made.error.hint else [])])
    figure = made.proven
    lines = [
        f"{made.target}  {made.path}  {figure}: {_of(made.operations, 'operation')} and "
        f"{_of(made.components, 'component')} proven" + ("" if made.ran else ", unchanged since the last run")
    ]
    lines += _few([f"  {visible(one.pointer)}: {one.step}: {_one_line(one.reason)}" for one in made.failures])
    lines += _few([f"  {visible(_stale(one))}" for one in made.stale])
    lines += _few([f"  written: {name}" for name in made.written])
    lines += _few([f"  removed: {name}" for name in made.removed])
    lines += _few([f"  note: {_one_line(note)}" for note in made.notes])
    if made.changed:
        lines.append("  for users of the client:")
        ordered = sorted(made.changed, key=lambda one: not one.breaking)
        lines += _few([f"    {'breaking: ' if one.breaking else ''}{_one_line(one.words)}" for one in ordered])
    return "\n".join(lines)


def _of(ratio: Ratio, noun: str) -> str:
    return f"{ratio.part:,} of {ratio.whole:,} {noun}{'s' * (ratio.whole != 1)}"


def _stale(stale: Stale) -> str:
    said = {
        "added": "is not there",
        "removed": "is no longer generated",
        "changed": "is not what is generated now",
        "foreign": "is not ours, and was left alone",
    }
    told = stale.reason not in ("", "missing", "foreign file")
    return f"{stale.file} {said.get(stale.change, stale.change)}" + (f": {stale.reason}" if told else "")


def _few(lines: list[str]) -> Iterator[str]:
    yield from lines[:SHOWN]
    if len(lines) > SHOWN:
        yield f"  and {len(lines) - SHOWN:,} more: `--format json` has all"


def _one_line(text: str) -> str:
    return visible(" ".join(text.split()))


def as_json(made: Sequence[Made], document: str, code: int, said: str) -> str:
    """The same for programs."""
    value = {
        "schema_version": 1,
        "document": document,
        "exit_code": code,
        "outcome": said,
        "targets": [_target(one) for one in made],
        "changelog": changelog({one.target: one.changed for one in made}),
    }
    return json.dumps(value, indent=2, ensure_ascii=False)


def _target(made: Made) -> dict[str, object]:
    changed = made.changed
    return {
        "name": made.target,
        "path": made.path,
        "operations": asdict(made.operations),
        "components": asdict(made.components),
        "failures": [asdict(one) for one in made.failures],
        "stale": [{"file": one.file, "change": one.change, "reason": one.reason} for one in made.stale],
        "changed": {
            name: [asdict(one) for one in getattr(changed, name)] for name in ("added", "removed", "renamed", "retyped")
        },
        "breaking": changed.breaking,
        "written": list(made.written),
        "removed": list(made.removed),
        "notes": list(made.notes),
        "started": made.ran,
        "error": None if made.error is None else {"message": made.error.message, "hint": made.error.hint},
    }


def as_markdown(made: Sequence[Made], said: str) -> str:
    """For a comment or a changelog: the figures in a table, then what users of each client have to know."""
    rows = ["| target | operations | components | proven | stale |", "|---|--:|--:|--:|--:|"]
    for one in made:
        if one.error is not None:
            rows.append(f"| {one.target} | | | no verdict | |")
            continue
        counts = [f"{each.part:,} of {each.whole:,}" for each in (one.operations, one.components)]
        rows.append(f"| {one.target} | {counts[0]} | {counts[1]} | **{one.proven}** | {len(one.stale)} |")
    blocks = [f"## {said}", "\n".join(rows)]
    for one in made:
        lines = [f"- {code(each.pointer)}: {each.step}: {code(_one_line(each.reason))}" for each in one.failures]
        lines += [f"- {code(_stale(each))}" for each in one.stale]
        if one.error is not None:
            lines.append(f"- {code(one.error.message)}")
        if lines:
            blocks.append("\n".join([f"### {one.target}", "", *lines]))
    told = changelog({one.target: one.changed for one in made})
    return "\n\n".join([*blocks, *([told] if told else [])])
