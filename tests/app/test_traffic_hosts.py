"""A capture holds what the browser asked of everybody; judged is what it asked of the API."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from contract.app import cli

Out = pytest.CaptureFixture[str]

DOCUMENT = """\
openapi: 3.1.0
info: {title: Tasks, version: '1'}
SERVERS
paths:
  /tasks:
    get:
      operationId: listTasks
      responses:
        '200':
          description: All.
          content: {application/json: {schema: {type: array}}}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def entry(url: str, status: int = 200, body: str = "[]") -> dict[str, Any]:
    return {
        "request": {"method": "GET", "url": url, "headers": []},
        "response": {
            "status": status,
            "headers": [{"name": "Content-Type", "value": "application/json"}],
            "content": {"size": len(body), "mimeType": "application/json", "text": body},
        },
    }


def report(capsys: Out, servers: str, urls: list[str], *words: str) -> tuple[int, dict[str, Any]]:
    """Exit code and report of a check of a capture with these requests."""
    Path("api.yaml").write_text(DOCUMENT.replace("SERVERS\n", f"servers: {servers}\n" if servers else ""))
    Path("capture.har").write_text(json.dumps({"log": {"version": "1.2", "entries": [entry(url) for url in urls]}}))
    command = ["check", "--document", "api.yaml", "--traffic", "har:capture.har", "--no-fuzz", "--no-types"]
    code = cli.main([*command, "--format", "json", *words])
    return code, json.loads(capsys.readouterr().out)


def seen(report: dict[str, Any]) -> tuple[int, list[str]]:
    """Exchanges that were judged, and the notes."""
    return report["sources"][0]["exchanges"], report["run"]["notes"]


def test_requests_to_other_hosts_are_left_out_and_counted(capsys: Out) -> None:
    urls = [
        "https://api.example/tasks",
        "https://cdn.example/a.js",
        "https://cdn.example/tasks",
        "http://x.example:81/",
    ]
    code, made = report(capsys, "[{url: 'https://API.example:443/'}]", urls)
    assert (code, [row["rule"] for row in made["findings"]]) == (0, [])
    assert seen(made) == (
        1,
        ["capture.har: 3 recorded requests to other hosts were left out: cdn.example, x.example:81"],
    )


def test_the_target_is_a_host_of_the_api_and_so_is_loopback_by_each_of_its_names(capsys: Out) -> None:
    urls = ["http://localhost:8000/tasks", "http://127.0.0.1:8000/tasks", "http://localhost:3000/tasks"]
    _, made = report(capsys, "", urls, "--target", "http://127.0.0.1:8000")
    assert seen(made) == (2, ["capture.har: 1 recorded request to other hosts was left out: localhost:3000"])


def test_where_nothing_would_be_left_all_is_judged_and_that_is_said(capsys: Out) -> None:
    _, made = report(capsys, "[{url: 'https://api.example'}]", ["http://proxy.test/tasks", "http://proxy.test/tasks"])
    assert seen(made) == (
        2,
        [
            "capture.har: no recorded request went to a server of the document or to the target; all were judged: proxy.test"
        ],
    )


@pytest.mark.parametrize(
    "servers", ["", "[{url: /}]", "[{url: 'https://{zone}.example', variables: {zone: {default: a}}}]"]
)
def test_without_a_host_to_go_by_all_is_judged(capsys: Out, servers: str) -> None:
    _, made = report(capsys, servers, ["http://one.example/tasks", "http://two.example/tasks"])
    assert seen(made) == (2, [])


def test_a_server_of_one_path_counts_too(capsys: Out) -> None:
    Path("b.yaml").write_text(
        "openapi: 3.1.0\ninfo: {title: t, version: '1'}\nservers: [{url: 'https://bills.example'}]\n"
        "paths: {/bills: {get: {operationId: bills, responses: {'200': {description: All.}}}}}\n"
    )
    urls = ["https://api.example/tasks", "https://bills.example/bills", "https://cdn.example/"]
    _, made = report(capsys, "[{url: 'https://api.example'}]", urls, "--document", "b.yaml")
    assert seen(made) == (2, ["capture.har: 1 recorded request to other hosts was left out: cdn.example"])
