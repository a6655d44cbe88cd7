"""`contract replay`: whatever the demo's drifts show is shown again, and not by a server without them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from contract.app import cli
from contract.demo import DRIFTS
from contract.demo.app import create_app

from ..demo.serving import serving

Out = pytest.CaptureFixture[str]
DOCUMENT = str(Path(__file__).parents[2] / "specs/demo.yaml")
TOKEN = ["--header", "Authorization: Bearer ${TOKEN}"]
RULE = {"null-due-at": "response-schema"}
WITHOUT_EXCHANGE = {"undeclared-operation", "unimplemented-operation"}
UNDISTURBED = {
    "missing-header": ["--safe"],
    "null-due-at": ["--safe"],
    "undeclared-property": ["--safe"],
    "undeclared-status": ["--include", "operationId:moveTask"],
}
"""So that what a finding is about is what a fresh server has too: the fuzzer also makes tasks, and deletes them."""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TOKEN", "demo-acme-admin")
    return tmp_path


def check(origin: str, *words: str, examples: int = 5) -> list[dict[str, Any]]:
    """The findings of a run, from the report that it keeps."""
    flags = ["--document", DOCUMENT, "--target", origin, "--max-examples", str(examples), "--max-time", "5m"]
    cli.main(["check", *flags, "--no-types", "--quiet", *TOKEN, *words])
    findings: list[dict[str, Any]] = json.loads(Path(".contract/report.json").read_text())["findings"]
    return findings


def replay(capsys: Out, fingerprint: str, *words: str) -> tuple[int, str]:
    capsys.readouterr()
    code = cli.main(["replay", fingerprint, "--document", DOCUMENT, *words])
    said = capsys.readouterr()
    return code, said.out + said.err


@pytest.mark.parametrize("drift", sorted(set(DRIFTS) - WITHOUT_EXCHANGE))
def test_a_finding_holds_where_it_was_found_and_not_on_a_server_without_it(drift: str, capsys: Out) -> None:
    rule = RULE.get(drift, drift)
    with serving(create_app([drift])) as origin:
        found = [row for row in check(origin, *UNDISTURBED.get(drift, ())) if row["rule"] == rule]
        assert found
        for row in found:
            code, said = replay(capsys, row["fingerprint"][:7], *TOKEN)
            assert (code, said.startswith(f"Still holds: {rule} {row['fingerprint'][:7]}")) == (1, True), said
            assert said.endswith(" · exit 1\n")
    with serving(create_app()) as clean:
        for row in found:
            code, said = replay(capsys, row["fingerprint"][:7], *TOKEN, "--target", clean)
            assert (code, said.startswith(f"Does not hold: {rule} {row['fingerprint'][:7]}")) == (0, True), said
            assert said.endswith(" · exit 0\n")
