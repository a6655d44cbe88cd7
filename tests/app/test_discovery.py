"""A check without a list of routes finds what is served and undeclared, and says it as a list of routes would."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from contract.app import cli
from tests.targets.serving import served

DOCUMENT = {
    "openapi": "3.1.0",
    "info": {"title": "tasks", "version": "1"},
    "servers": [{"url": "/api"}],
    "paths": {"/tasks": {"get": {"operationId": "listTasks", "responses": {"200": {"description": "the tasks"}}}}},
}


def build(*gone: str) -> Starlette:
    async def tasks(request: Request) -> Response:
        return JSONResponse([])

    async def metrics(request: Request) -> Response:
        return PlainTextResponse("up 1")

    every = {"/api/tasks": tasks, "/metrics": metrics, "/api/health": tasks, "/telescope": metrics, "/ping": metrics}
    return Starlette(routes=[Route(path, answer) for path, answer in every.items() if path not in gone])


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / ".git").mkdir()
    (tmp_path / "api.json").write_text(json.dumps(DOCUMENT))
    (tmp_path / "routes.txt").write_text("GET /api/tasks\nGET /metrics\nGET /api/health\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def check(origin: str | None, *words: str) -> dict[str, Any]:
    target = ["--target", origin, "--max-examples", "1"] if origin is not None else []
    cli.main(["check", "--document", "api.json", *target, "--no-types", "--quiet", *words])
    report: dict[str, Any] = json.loads(Path(".contract/report.json").read_text())
    return report


def undeclared(report: dict[str, Any]) -> dict[str, tuple[str, str, str]]:
    return {
        f"{row['operation']['method']} {row['operation']['path']}": (row["level"], row["proof"], row["fingerprint"])
        for row in report["findings"]
        if row["rule"] == "undeclared-operation"
    }


def test_a_finding_is_replayed_and_is_the_one_that_a_list_of_routes_gives() -> None:
    with served(build()) as origin:
        found = undeclared(check(origin, "--safe", "--exclude", "GET /ping"))
    listed = undeclared(check(None, "--routes", "text:routes.txt"))
    assert {name: (level, proof) for name, (level, proof, _) in found.items()} == {
        "GET /metrics": ("error", "replayed"),
        "GET /api/health": ("error", "replayed"),
    }
    assert {proof for _, proof, _ in listed.values()} == {"structural"}
    assert {name: row[2] for name, row in found.items()} == {name: row[2] for name, row in listed.items()}


def test_what_is_excluded_is_told_with_its_reason_and_is_no_pattern_without_use() -> None:
    Path("contract.toml").write_text(
        'exclude = [{ pattern = "GET /metrics", reason = "scraped inside" }, { pattern = "/nothing", reason = "x" }]\n'
    )
    with served(build("/ping", "/telescope", "/api/health")) as origin:
        report = check(origin, "--safe")
    assert undeclared(report) == {}
    assert report["excluded"] == [{"operation": "GET /metrics", "reason": "scraped inside"}]
    assert [note for note in report["run"]["notes"] if "pattern" in note] == [
        "contract.toml:1: the exclude pattern `/nothing` matches nothing"
    ]


def test_a_list_of_routes_is_not_searched_for_more() -> None:
    with served(build()) as origin:
        found = undeclared(check(origin, "--safe", "--routes", "text:routes.txt"))
    assert {name: proof for name, (_, proof, _) in found.items()} == {
        "GET /metrics": "structural",
        "GET /api/health": "structural",
    }


def test_a_finding_holds_as_long_as_it_is_served(capsys: pytest.CaptureFixture[str]) -> None:
    with served(build("/ping", "/telescope", "/api/health")) as origin:
        [(_, _, fingerprint)] = undeclared(check(origin, "--safe")).values()
        assert cli.main(["replay", fingerprint]) == 1
    with served(build("/metrics")) as origin:
        assert cli.main(["replay", fingerprint, "--target", origin]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[-2:] == [
        f"Still holds: undeclared-operation {fingerprint[:7]}, answered 200 · exit 1",
        f"Does not hold: undeclared-operation {fingerprint[:7]}, answered 404 · exit 0",
    ]
