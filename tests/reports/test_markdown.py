"""The report as Markdown: what comes from the API can be nothing but text."""

from __future__ import annotations

import re

import pytest
from markdown_it import MarkdownIt

from contract.reports import _gfm as gfm
from contract.reports import markdown
from tests.reports.samples import EVIL, SAMPLES


def _tokens(text: str) -> list[tuple[str, str, str]]:
    """Type, tag and content of everything that a renderer would make of it."""
    parser = MarkdownIt("commonmark").enable("table")
    found = []
    for token in parser.parse(text):
        found.append((token.type, token.tag, token.content))
        found += [(child.type, child.tag, child.content) for child in token.children or ()]
    return found


@pytest.mark.parametrize("sample", SAMPLES)
def test_there_is_no_link_no_image_and_no_html_but_ours(sample: str) -> None:
    tokens = _tokens(markdown.render(SAMPLES[sample]))
    html = {content.strip() for kind, _, content in tokens if kind.startswith("html")}
    assert html <= {"<br>", "<sup>", "</sup>", "<details><summary>Repeat and fix</summary>", "</details>"}
    assert [kind for kind, _, _ in tokens if kind.startswith(("link", "image"))] == []


def test_mentions_addresses_issues_and_formulas_stand_in_code() -> None:
    tokens = _tokens(markdown.render(SAMPLES["hostile"]))
    plain = " ".join(content for kind, _, content in tokens if kind == "text")
    assert re.findall(r"@\w+|https?://\S+|www\.\S+|(?<![\w&])#\d+|GH-\d+|\$x\$", plain) == []


def test_a_table_keeps_its_columns_whatever_a_value_holds() -> None:
    tokens = _tokens(markdown.render(SAMPLES["hostile"]))
    kinds = [kind for kind, _, _ in tokens]
    rows = "".join({"tr_open": "\n", "th_open": "c", "td_open": "c"}.get(kind, "") for kind in kinds).split("\n")
    assert [len(row) for row in rows[1:]] == [5] * 4 + [5] * 5 + [3] * 3 + [2] * 3 + [5] * 3 + [4] * 6


def test_a_value_in_code_is_shown_as_it_is() -> None:
    parser = MarkdownIt("commonmark").enable("table")
    for value in ("a`b", "`", "``a", " a ", "a\\", "\\|", "|", "<b>", "&amp;", "*a*", "@a", "é\u0301"):
        line = f"| a | b |\n|---|---|\n| {gfm.code(value, table=True)} | x |"
        codes = [
            child.content
            for token in parser.parse(line)
            for child in token.children or ()
            if child.type == "code_inline"
        ]
        assert codes == [value.replace("\\|", "\\x7c")]


def test_a_fence_is_longer_than_any_run_of_backticks_in_it() -> None:
    fences = [content for kind, _, content in _tokens(markdown.render(SAMPLES["hostile"])) if kind == "fence"]
    assert len([content for content in fences if "```three```" in content and "# heading" in content]) == 5
    assert EVIL.count("```") == 2


def test_a_job_summary_takes_the_longest_sample() -> None:
    assert max(len(markdown.render(report).encode()) for report in SAMPLES.values()) < 64_000
