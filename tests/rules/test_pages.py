"""Each page `RULE.md` is a contract, exchanges and the findings that they must give, silence included."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from contract.core import rule
from contract.core.check import Judge
from contract.core.evidence import Exchange, Request, Response
from contract.core.finding import Finding
from contract.core.openapi import Contract
from contract.sources.documents import file

PAGES = sorted(Path(__file__).parent.glob("*.md"))


@dataclass
class Case:
    title: str
    document: str
    exchanges: list[Exchange] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)


def cases(page: Path) -> Iterator[Case]:
    document = ""
    for section in re.split(r"^## ", page.read_text(), flags=re.MULTILINE)[1:]:
        title, _, body = section.partition("\n")
        blocks = re.findall(r"^```(\w+)[^\n]*\n(.*?)^```$", body, re.MULTILINE | re.DOTALL)
        document = next((text for kind, text in blocks if kind == "yaml"), document)
        expected = [line for kind, text in blocks if kind == "findings" for line in text.splitlines()]
        yield Case(title, document, [read(text) for kind, text in blocks if kind == "http"], expected)


def read(text: str) -> Exchange:
    """An exchange as HTTP writes it: request line, then the status, headers and body of the answer.

    A request's body stands in one line, `Body: {…}`, after its headers.
    """
    sent, _, answer = text.partition("\n\n")
    first, *headers = sent.splitlines()
    method, _, url = first.partition(" ")
    body_sent = headers.pop()[6:].encode() if headers and headers[-1].startswith("Body: ") else None
    request = Request(method, url, tuple(tuple(line.split(": ", 1)) for line in headers), body_sent)  # type: ignore[misc]
    if answer.startswith("none"):
        return Exchange(request, None, "page", failure=answer.partition(": ")[2].strip())
    head, _, body = answer.partition("\n\n")
    status, *lines = head.splitlines()
    received = tuple(tuple(line.split(": ", 1)) for line in lines)
    return Exchange(request, Response(int(status), received, body.strip().encode()), "page")  # type: ignore[arg-type]


def line(finding: Finding) -> str:
    where = finding.mismatch.where
    place = " ".join(part for part in (where.status, where.media_type, where.pointer) if part)
    words = f"{finding.mismatch.declared} → {finding.mismatch.observed}"
    return " | ".join([f"{finding.level} {finding.rule}", finding.operation or "", place, words]).replace("|  |", "| |")


@pytest.mark.parametrize(
    ("page", "case"),
    [pytest.param(page, case, id=f"{page.stem}: {case.title}") for page in PAGES for case in cases(page)],
)
def test_the_findings_are_exactly_those_of_the_page(page: Path, case: Case, tmp_path: Path) -> None:
    (tmp_path / "api.yaml").write_text(case.document)
    contract = Contract(file.load(tmp_path / "api.yaml"))
    judge = Judge(contract, lambda name, level: level)
    findings: dict[str, Finding] = {}
    for exchange in case.exchanges:
        findings.update((finding.fingerprint, finding) for finding in judge.exchange(exchange).findings)
    assert [line(finding) for finding in findings.values()] == case.expected


def test_every_rule_about_exchanges_has_a_page() -> None:
    named = {item.id for item in rule.of_row("matched", Exchange)}
    assert named <= {page.stem for page in PAGES}
