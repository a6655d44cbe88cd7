"""The documentation is held to the code."""

from __future__ import annotations

import re
from pathlib import Path

from contract.core.canonical import canonical_document
from contract.core.openapi import Contract
from contract.generators import python
from contract.sources.documents import file

ROOT = Path(__file__).parents[1]


def test_the_architecture_names_rooms_that_are_there_and_every_file_of_core() -> None:
    text = (ROOT / "docs/architecture.md").read_text()
    named = set(re.findall(r"`(contract/[\w./]+)`", text))
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []
    core = {f"contract/core/{path.name}" for path in (ROOT / "contract/core").glob("*.py")}
    assert sorted(core - named - {"contract/core/__init__.py", "contract/core/errors.py"}) == []


def test_the_committed_client_of_our_service_is_the_one_of_today(tmp_path: Path) -> None:
    document = canonical_document(file.load(ROOT / "specs/service.yaml"))
    made = python.generate(document, Contract(document).operations, tmp_path / "python")
    assert [item for item in made.artifacts if not item.proven] == []
    assert list(python.compare(tmp_path / "python", ROOT / "generated/python")) == []


def test_the_architecture_names_every_family() -> None:
    text = (ROOT / "docs/architecture.md").read_text()
    families = {path.name for path in (ROOT / "contract").iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert [name for name in sorted(families - {"core"}) if f"contract/{name}/" not in text] == []
