"""The report in a terminal."""

from __future__ import annotations

import re

import pytest
from rich.cells import cell_len

from contract.reports import text
from tests.reports.samples import SAMPLES, many


@pytest.mark.parametrize("sample", SAMPLES)
@pytest.mark.parametrize("width", [40, 80, 120])
def test_no_line_is_wider_than_the_terminal_but_curl(sample: str, width: int) -> None:
    lines = text.render(SAMPLES[sample], width=width).splitlines()
    first = [n for n, line in enumerate(lines) if line.startswith("           repeat    curl ")]
    curl = {n for at in first for n in (at, at + 1) if lines[n].startswith(("           repeat", " " * 21))}
    assert [line for n, line in enumerate(lines) if n not in curl and cell_len(line) > width] == []


@pytest.mark.parametrize("sample", SAMPLES)
def test_plain_text_holds_no_character_that_acts_unseen(sample: str) -> None:
    plain = text.render(SAMPLES[sample])
    assert [char for char in plain if char != "\n" and not char.isprintable() and char not in "\ue000"] == []


def test_colour_adds_only_colour() -> None:
    coloured = text.render(SAMPLES["hostile"], color=True)
    stripped = re.sub(r"\x1b\[[0-9;]*m", "", coloured)
    assert "\x1b" not in stripped
    assert [line.rstrip() for line in stripped.splitlines()] == text.render(SAMPLES["hostile"]).splitlines()


def test_the_last_line_is_the_sentence_the_files_and_the_exit_code() -> None:
    last = text.render(SAMPLES["drift"], width=120, written=[".contract/report.html"]).splitlines()[-1]
    assert last == "Failed: 3 new findings, 1 operation undocumented · report .contract/report.html · exit 1"


def test_more_than_ten_findings_are_counted_and_not_told() -> None:
    plain = text.render(many(), width=100)
    assert plain.count("contract explain") == 10
    assert "and 1,657 more (546 errors, 556 warnings, 555 notes): `--format html` shows all;" in plain.replace(
        "\n", " "
    )
    assert "Known before: 1,667 unchanged, 1,666 accepted; `--format html` shows them." in plain


def test_a_long_curl_line_is_replaced_by_its_replay() -> None:
    plain = text.render(SAMPLES["hostile"])
    assert "repeat    contract replay 0badbad (the request is long)" in plain
