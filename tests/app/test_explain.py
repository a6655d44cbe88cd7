"""`contract explain`: everything that a report shows has a page."""

from __future__ import annotations

import re
from dataclasses import fields

import pytest

from contract.app import cli, explain
from contract.core import rule
from contract.core.finding import Level, Proof, State
from contract.core.report import Kpis

Out = pytest.CaptureFixture[str]


def test_each_rule_each_figure_and_each_exit_code_has_a_page() -> None:
    codes = re.findall(r"^  (\d)  ", cli.EXIT_CODES, re.MULTILINE)
    assert explain.names() == [
        *rule.pages(),
        *(figure.name for figure in fields(Kpis)),
        *(f"exit-{code}" for code in (*codes, "130")),
        *("level", "state", "proof", "verdict"),
    ]


def test_every_page_is_told_and_listed(capsys: Out) -> None:
    assert cli.main(["explain"]) == 0
    listed = capsys.readouterr().out
    for name in explain.names():
        assert f"\n  {name} " in listed
        assert cli.main(["explain", name]) == 0
        page = capsys.readouterr().out
        assert page.startswith(f"{name} · ")
        assert len(page.splitlines()) >= 3
        assert "**" not in page
        assert max(map(len, page.splitlines()[2:])) <= 140


def test_the_words_of_a_report_are_all_told() -> None:
    for topic, words in (("level", Level), ("state", State), ("proof", Proof)):
        assert [word.value for word in words if word.value not in explain.page(topic)] == []


def test_what_a_page_tells_to_type_is_understood() -> None:
    import shlex

    for name in explain.names():
        for command in re.findall(r"`contract ([a-z]+)([^`]*)`", " ".join(explain.page(name).split())):
            words = shlex.split(command[1])
            assert cli.parser(command[0]).parse_known_args(words)[1] == [], (name, command)


def test_an_exit_code_may_be_asked_for_by_its_number(capsys: Out) -> None:
    assert cli.main(["explain", "3"]) == 0
    assert capsys.readouterr().out.startswith("exit-3 · exit code · no verdict\n\n")


def test_an_unknown_name_is_refused_with_the_nearest(capsys: Out) -> None:
    assert cli.main(["explain", "completness"]) == 2
    assert (
        capsys.readouterr().err
        == "error: there is no rule, figure or exit code `completness`. Did you mean `completeness`?\n"
    )
    assert cli.main(["explain", "99"]) == 2
