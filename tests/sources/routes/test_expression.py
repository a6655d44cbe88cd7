"""Regular expressions as templates: whatever a template stands for, the expression matches."""

from __future__ import annotations

import re

import pytest

from contract.sources.routes._expression import templates

CASES = [
    (r"^tasks/$", ["/tasks/"]),
    (r"/tasks/?", ["/tasks"]),
    (r"/tasks\/?$", ["/tasks"]),
    (r"^/tasks/(?P<id>\d+)(?:/parts)?/?$", ["/tasks/{id}/parts", "/tasks/{id}"]),
    (r"/(?:lists|boards)/([^/]+)", ["/lists/{arg1}", "/boards/{arg1}"]),
    (r"/(?:a(?:b|c)|d)\.json", ["/ab.json", "/ac.json", "/d.json"]),
    (r"/\w+/[0-9]{4}/x", ["/{arg1}/{arg2}/x"]),
    (r"/files/.*", ["/files/{arg1}"]),
    (r"/a(?=/b)/b", ["/a/b"]),
    (r"(?i)/q/[\]a-z/]+", ["/q/{arg1}"]),
    (r"/colou?r", ["/colour", "/color"]),
    (r"/t/(?P<name>[^()]+)\Z", ["/t/{name}"]),
    (r"/(?:\d+-)*x", ["/{arg1}x"]),
    (r"/tasks\-(?P<id>(?:a|b)+)", ["/tasks-{id}"]),
]


@pytest.mark.parametrize(("expression", "paths"), CASES)
def test_groups_classes_and_what_is_optional_are_told_apart(expression: str, paths: list[str]) -> None:
    found = templates(expression)
    assert [template.path for template, _ in found] == paths
    values = {"x", "7", "2024", "a", "b", "7-"}
    for template, spelled in found:
        # Where the framework keeps an expression, so does the spelling, and both let the same through.
        filled = [re.sub(r"\{[^{}]*\}", value, template.path.replace("{arg2}", "2024")) for value in values]
        whole = re.compile(expression)
        assert any(whole.fullmatch(path) or whole.fullmatch(path.removeprefix("/")) for path in filled), spelled


def test_only_what_lets_a_slash_through_takes_several_segments() -> None:
    found = {template.path: set(template.spans) for text in (r"/a/.+", r"/b/[^/]+", r"/c/(.*)/raw") for template, _ in templates(text)}  # fmt: skip
    assert found == {"/a/{arg1}": {"arg1"}, "/b/{arg1}": set(), "/c/{arg1}/raw": {"arg1"}}


def test_no_more_than_32_spellings_are_written_out() -> None:
    assert len(templates("/" + "(?:a|b)" * 12)) == 32
