"""`contract generate`: writes the typed code that the settings name, and says how much of the contract it proves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from contract.app import run
from contract.app.plugins import plug_in
from contract.app.settings import Settings
from contract.core.errors import ConfigError
from contract.core.evidence import Artifact
from contract.core.openapi import Contract
from contract.core.report import Ratio


@dataclass(frozen=True, slots=True)
class Made:
    """What one generator made."""

    target: str
    path: Path
    artifacts: tuple[Artifact, ...]

    @property
    def proven(self) -> Ratio:
        return Ratio(sum(item.proven for item in self.artifacts), len(self.artifacts))


def generate(settings: Settings) -> Iterator[Made]:
    """Writes each target into its folder, in one step; raises ConfigError if none has one."""
    wanted = [item for item in settings.types or () if item.path is not None]
    if not wanted:
        raise ConfigError(
            "no folder is named to write to",
            'say `--types python=generated/python`, or `python = "generated/python"` under [types] in contract.toml',
        )
    document = run.load_document(settings)
    operations = Contract(document).operations
    for item in wanted:
        folder = Path(settings.cwd, item.path or "")
        yield Made(
            item.name, folder, tuple(plug_in("generators", item.name, "--types").generate(document, operations, folder))
        )


def as_text(made: Made) -> str:
    """One line with the figure, and one for each part that is not proven, with its reason."""
    whole = made.proven
    lines = [f"{made.target}  {made.path}  {whole}, {whole.part} of {whole.whole} operations and components proven"]
    lines += [f"  {item.pointer}: {item.step}: {item.reason}" for item in made.artifacts if not item.proven]
    return "\n".join(lines)
