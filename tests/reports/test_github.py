"""GitHub annotations, read as the runner reads them."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace

import pytest

from contract.core.report import Place, Report
from contract.reports import github
from tests.reports.samples import COMPARED, EVIL, SAMPLES, many

REPORTS: dict[str, Report] = {**SAMPLES, **COMPARED, "many": many()}
FIRST = SAMPLES["drift"].findings[0]


@dataclass(frozen=True)
class Command:
    name: str
    properties: dict[str, str]
    text: str


def commands(printed: str) -> list[Command]:
    """What the runner takes for commands, line by line, whatever it is that ends a line.

    As actions/runner does it: a line is a command if `::` begins it, white space left out; the first `::` after that
    ends its properties, which are parted by commas; then escapes are undone.
    """
    found = []
    for line in re.split(r"[\r\n]+", printed):
        begun = line.lstrip()
        if not begun:
            continue
        assert begun.startswith("::"), f"printed, and no command: {line}"
        head, separator, text = begun[2:].partition("::")
        assert separator
        name, _, listed = head.partition(" ")
        pairs = dict(part.split("=", 1) for part in listed.split(",") if part)
        found.append(
            Command(
                name,
                {key: _undone(value, "0D\r 0A\n 3A: 2C,") for key, value in pairs.items()},
                _undone(text, "0D\r 0A\n"),
            )
        )
    return found


def _undone(text: str, escapes: str) -> str:
    for code, char in ((part[:2], part[2:]) for part in re.findall(r"[0-9A-F]{2}[^ ]", escapes)):
        text = text.replace(f"%{code}", char)
    return text.replace("%25", "%")


@pytest.mark.parametrize("sample", REPORTS)
def test_there_are_at_most_ten_of_a_kind_and_each_is_well_formed(sample: str) -> None:
    found = commands(github.render(REPORTS[sample]))
    assert {command.name for command in found} <= {"error", "warning", "notice"}
    assert all(count <= 10 for count in Counter(command.name for command in found).values())
    for command in found:
        assert set(command.properties) <= {"file", "line", "endLine", "title"}
        assert len(command.properties["title"]) <= 250 and len(command.text) < 4096
        assert command.properties.get("line", "1").isdecimal()


def test_an_annotation_says_where_what_and_how_to_put_it_right() -> None:
    first, *_ = commands(github.render(SAMPLES["drift"]))
    assert first == Command(
        "error",
        {
            "file": "specs/demo.yaml",
            "line": "231",
            "endLine": "231",
            "title": "response-schema: GET /api/v1/app/tasks/{id} · 200 application/json /due_at",
        },
        "declared: string, date-time; observed: null in 38 of 121 answers\n"
        "`due_at` is null; the document says a date-time, always.\n"
        "fix in the document: Say that it may be null.\n"
        "fix in the server: Always send a date, or leave the property out and drop it from `required`.",
    )


def test_only_what_is_new_is_told() -> None:
    assert [command.name for command in commands(github.render(SAMPLES["drift"]))] == [
        "error", "error", "warning", "notice", "notice",
    ]  # fmt: skip
    titles = [
        command.properties["title"].partition(":")[0] for command in commands(github.render(COMPARED["compared"]))
    ]
    assert titles == ["undeclared-status", "undeclared-property", "undeclared-parameter", "valid-request-refused"]
    assert github.render(SAMPLES["clean"]) == ""


def test_the_tenth_says_how_many_more_there_are() -> None:
    report = replace(SAMPLES["drift"], findings=tuple(replace(FIRST, fingerprint=f"{n:040x}") for n in range(5000)))
    found = commands(github.render(report))
    assert [command.properties["title"].partition(":")[0] for command in found] == ["response-schema"] * 9 + [
        "contract"
    ]
    assert found[-1].text == "and 4,991 errors more: the job summary and the HTML report have all of them"
    exact = commands(github.render(replace(report, findings=report.findings[:10])))
    assert [command.properties["title"].partition(":")[0] for command in exact] == ["response-schema"] * 10


@pytest.mark.parametrize("sample", ["undecided", "no-evidence", "failed-source"])
def test_a_run_without_a_verdict_is_an_error(sample: str) -> None:
    (only,) = commands(github.render(SAMPLES[sample]))
    assert (only.name, only.properties["title"]) == ("error", "contract: no verdict")
    assert only.text.startswith(SAMPLES[sample].outcome.sentence)


def test_a_source_that_failed_beside_findings_is_told() -> None:
    first, *_ = commands(github.render(SAMPLES["failed-source-beside-findings"]))
    assert first.text.startswith("routes failed to measure: importing contract.demo.app raised")


@pytest.mark.parametrize(
    "text",
    [
        "x\n::add-mask::secret",
        "x\r\n::stop-commands::t",
        "x\r::error::owned",
        "x%0A::error::owned",
        "x::error::owned",
        "##[error]owned",
        "a,b=c:d%",
        EVIL,
    ],
)
def test_text_from_the_api_can_begin_no_command(text: str) -> None:
    finding = replace(FIRST, message=text, observed=text, declared=text, rule=text, location=Place(f"a/{text}", 1))
    (only,) = commands(github.render(replace(SAMPLES["drift"], findings=(finding,))))
    assert (only.name, set(only.properties)) == ("error", {"file", "line", "endLine", "title"})
    plain = text.replace("\r", "\\r").replace("\n", "\\n")
    if text != EVIL:
        assert plain in only.text and only.properties["title"].startswith(f"{plain}: GET ")
