"""docs/first-run.md is true: from a clone to a verdict with three commands, and no edit."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bench import first_run
from contract.core.errors import MissingExtra
from tests import needs

PAGE = first_run.PAGE.read_text("utf-8")
TABLE = PAGE.partition(first_run.BEGIN)[2].partition(first_run.END)[0].strip().splitlines()
ROWS = {cells[0]: cells for line in TABLE[2:] for cells in [[cell.strip() for cell in line.strip("|").split("|")]]}
PROJECTS = {project.name: project for project in first_run.PROJECTS}


@pytest.mark.slow
@pytest.mark.parametrize("name", PROJECTS)
def test_a_project_comes_to_the_verdict_that_the_page_shows(name: str, tmp_path: Path) -> None:
    project = PROJECTS[name]
    if name == "laravel":
        needs.program("php", "apt-get install -y --no-install-recommends php-cli php-laravel-framework php-sqlite3")
        if not Path("/usr/share/php/Illuminate").is_dir():
            needs.missing("php-laravel-framework")
    try:
        run = first_run.first_run(project, tmp_path, fresh=False)
    except MissingExtra as error:  # Node, for Express
        needs.missing(str(error))
        raise
    assert run.written == (".pre-commit-config.yaml", "contract.schema.json", "contract.toml")
    *facts, _, verdict = ROWS[name]
    assert run.row().strip("| ").split(" | ")[:4] == facts
    assert (run.verdict, run.edits) == (verdict, 0)


def test_the_page_has_a_row_for_each_project_and_each_keeps_the_goals() -> None:
    assert list(ROWS) == list(PROJECTS)
    assert "\n".join(TABLE[:2]) == first_run.HEAD
    for _, _, commands, edits, took, verdict in ROWS.values():
        assert (int(commands), int(edits)) == (first_run.GOAL_COMMANDS, 0)
        assert int(took.removesuffix(" s")) < first_run.GOAL_S
        assert verdict.startswith(("Passed", "Failed"))


def test_the_commands_that_the_page_shows_are_those_of_the_script() -> None:
    block = re.search(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    assert block is not None
    shown = tuple(line.partition("   #")[0].strip() for line in block[1].splitlines())
    assert shown == PROJECTS["fastapi"].commands
