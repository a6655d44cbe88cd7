"""The job's summary and the pull request's comment: rendered, measured, and deaf to what comes from the API."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from markdown_it import MarkdownIt

from contract.core.report import Ratio, Report
from contract.reports import _gfm as gfm
from contract.reports import comment, summary
from tests.reports.samples import COMPARED, EVIL, SAMPLES, many

REPORTS: dict[str, Report] = {**SAMPLES, **COMPARED, "many": many()}
FORMATS = {"summary": summary, "comment": comment}
BOTH = [pytest.param(name, sample, id=f"{name}-{sample}") for name in FORMATS for sample in REPORTS]


class Html(HTMLParser):
    """Elements of a page, text outside of code, and what is opened and never closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.wrong: list[str] = []
        self.comments: list[str] = []
        self.plain: list[str] = []
        self.rows: list[int] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attrs)
        if tag == "tr":
            self.rows.append(0)
        elif tag in ("td", "th"):
            self.rows[-1] += 1
        if tag not in ("br", "hr"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"</{tag}> at {self.getpos()}")

    def handle_data(self, data: str) -> None:
        if "code" not in self.open:
            self.plain.append(data)

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)


def rendered(text: str) -> Html:
    """As a page that lets HTML through, so that none of it can hide."""
    return Html(MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(text))


@pytest.mark.parametrize(("name", "sample"), BOTH)
def test_it_becomes_a_page_of_our_own_elements_all_of_them_closed(name: str, sample: str) -> None:
    page = rendered(FORMATS[name].render(REPORTS[sample]))
    assert (page.wrong, page.open) == ([], [])
    ours = {
        "h3",
        "h4",
        "p",
        "ol",
        "ul",
        "li",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "code",
        "pre",
        "strong",
        "em",
    }
    assert page.tags <= ours | {"br", "sup", "details", "summary"}
    assert page.attributes <= {"style", "class"}, "of a column's side and of a fence's language"
    assert page.comments == ([comment.marker(REPORTS[sample])[4:-3]] if name == "comment" else [])


@pytest.mark.parametrize(("name", "sample"), BOTH)
def test_outside_of_code_nobody_is_mentioned_and_nothing_is_a_link(name: str, sample: str) -> None:
    plain = " ".join(rendered(FORMATS[name].render(REPORTS[sample])).plain)
    assert re.findall(r"@\w+|\w+://\S+|www\.\S+|(?<![\w&])#\d+|GH-\d+|\$x\$|javascript:", plain) == []


@pytest.mark.parametrize(("name", "sample"), BOTH)
def test_each_row_of_a_table_has_the_columns_of_its_head(name: str, sample: str) -> None:
    text = FORMATS[name].render(REPORTS[sample])
    tables = re.findall(
        r"<table>.*?</table>", MarkdownIt("commonmark", {"html": True}).enable("table").render(text), re.S
    )
    assert all(len(set(Html(table).rows)) == 1 for table in tables)
    pipes = [
        line for line in re.sub(r"^(`{3,}).*?^\1$", "", text, flags=re.S | re.M).splitlines() if line.startswith("|")
    ]
    assert len(pipes) == sum(len(Html(table).rows) + 1 for table in tables), "a row that is none"


@pytest.mark.parametrize("sample", REPORTS)
def test_both_are_shorter_than_what_github_takes(sample: str) -> None:
    assert len(summary.render(REPORTS[sample]).encode()) < 1 << 20
    body = comment.render(REPORTS[sample])
    assert len(body) < 65_536 and len(body.encode()) <= 65_000


def test_what_does_not_fit_is_left_out_in_whole_parts_and_counted() -> None:
    text = gfm.within(["a" * 100, "b" * 300, "c" * 100], "foot", 500)
    assert text == "a" * 100 + "\n\nThere is no room for 2 parts more: the HTML report has all of it.\n\nfoot\n"
    wide = replace(SAMPLES["drift"], sources=tuple(SAMPLES["hostile"].sources[0] for _ in range(2500)))
    cut = summary.render(wide)
    assert "There is no room for 2 parts more" in cut and len(cut.encode()) < 1 << 20
    page = rendered(cut)
    assert (page.wrong, page.open) == ([], [])


def test_the_comment_is_found_again_by_its_first_line() -> None:
    firsts = {comment.render(REPORTS[name]).splitlines()[0] for name in ("clean", "drift", "undecided", "compared")}
    assert firsts == {"<!-- contract:specs/demo.yaml -->"}
    for path in ("a--b> -->.yaml", EVIL, "-->", "x" * 5000):
        report = replace(SAMPLES["clean"], document=replace(SAMPLES["clean"].document, path=path))
        first = comment.render(report).splitlines()[0]
        assert re.fullmatch(r"<!-- contract:[A-Za-z0-9._/-]{0,120} -->", first) and "--" not in first[4:-3]


def test_where_nothing_is_new_the_comment_is_one_line() -> None:
    assert comment.render(SAMPLES["clean"]).splitlines()[1:] == [
        "✓ **Passed: nothing to report** (completeness 100 %; drift 0; generation 100 %)."
    ]


def test_the_comment_tells_ten_new_findings_and_how_many_more() -> None:
    body = comment.render(many())
    assert body.count("\n| ✗ error |") == 10
    assert "and 1,657 more (546 errors, 556 warnings, 555 notes): the HTML report of this run has all of them." in body
    assert "Known before, and not told again: 1,667 unchanged, 1,666 accepted." in body


def test_against_a_base_report_the_figures_say_what_changed() -> None:
    lines = [line for line in comment.render(COMPARED["compared"]).splitlines() if line.startswith("| ")]
    assert [line.split(" | ")[:4] for line in lines[1:4]] == [
        ["| Completeness", "**93.3 %**", "100 %", "\u22126.7 points"],
        ["| Drift", "**3**", "2", "+1"],
        ["| Generation", "**100 %**", "97.2 %", "+2.8 points"],
    ]
    body = comment.render(COMPARED["compared"])
    assert "1 finding of the base report is gone; 1 was not seen, and nobody looked there again." in body
    assert "response-schema" not in body, "it was there before"
    assert "Known before, and not told again: 4 unchanged, 1 exempt." in body
    better = comment.render(COMPARED["compared-better"]).splitlines()
    assert better[1:] == [
        "✓ **Passed: nothing to report** (completeness 100 %, +6.7 points since the base; drift 0, \u22123 since the base; "
        "generation 100 %, ±0 since the base). 5 findings of the base report are gone; 3 were not seen, and nobody looked "
        "there again."
    ]


@pytest.mark.parametrize(
    ("then", "now", "change"),
    [
        ((1, 3), (1, 3), "±0"),
        ((9999, 10000), (1, 1), "+less than 0.1 points"),
        ((1, 1), (9999, 10000), "\u2212less than 0.1 points"),
        ((0, 4), (4, 4), "+100.0 points"),
        ((None, None), (4, 4), ""),
        ((0, 0), (4, 4), ""),
    ],
)
def test_shares_that_differ_never_look_the_same(
    then: tuple[int | None, int | None], now: tuple[int, int], change: str
) -> None:
    report = COMPARED["compared"]
    assert report.earlier is not None
    kpis = replace(report.kpis, completeness=replace(report.kpis.completeness, part=now[0], whole=now[1]))
    before = report.earlier.kpis
    earlier = replace(
        report.earlier,
        kpis=replace(before, completeness=replace(before.completeness, part=then[0], whole=then[1])),
    )
    row = comment.render(replace(report, kpis=kpis, earlier=earlier)).splitlines()[5]
    was = "no evidence" if not then[1] else str(Ratio(then[0] or 0, then[1]))
    assert row.split(" | ")[2:4] == [was, change]
