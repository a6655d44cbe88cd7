"""The README's examples: each command is understood, each config can be loaded, each link leads somewhere."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import yaml

from contract.app import cli, settings

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "README.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


def test_every_command_is_understood() -> None:
    commands = [line for block in blocks("sh") for line in block.splitlines() if line.startswith("contract ")]
    assert commands
    for command in commands:
        _, name, *words = shlex.split(command, comments=True)
        assert cli.parser(name).parse_known_args(words)[1] == []


def test_every_make_target_is_there() -> None:
    named = {match for block in blocks("sh") for match in re.findall(r"^make (\w+)", block, re.MULTILINE)}
    assert named == {"demo", "test"}
    makefile = (ROOT / "Makefile").read_text("utf-8")
    assert [name for name in named if not re.search(rf"^{name}:", makefile, re.MULTILINE)] == []


def test_the_config_can_be_loaded(tmp_path: Path) -> None:
    for block in blocks("toml"):
        (tmp_path / "contract.toml").write_text(block)
        assert settings.load({}, {"API_TOKEN": "t"}, tmp_path).documents == ("specs/api.yaml",)


def test_the_hook_that_is_shown_is_one_that_we_ship() -> None:
    ours = {hook["id"] for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))}
    shown = [
        hook["id"] for block in blocks("yaml") for repo in yaml.safe_load(block)["repos"] for hook in repo["hooks"]
    ]
    assert shown == ["contract-lint", "contract-routes", "contract-generated"]
    assert set(shown) <= ours


def test_every_link_leads_to_a_file() -> None:
    links = [link.partition("#")[0] for link in re.findall(r"\]\((?!https?:)([^)\s]+)\)", TEXT)]
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_exit_codes_are_those_of_the_help() -> None:
    assert re.findall(r"^\| (\d) \|", TEXT, re.MULTILINE) == re.findall(r"^  (\d)  ", cli.EXIT_CODES, re.MULTILINE)
