"""A server that redirects each path to the one with a slash at its end: asked there by all, and replayed there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from contract.app import replay, settings
from contract.reports import json as report_json
from tests.app.test_walk import check, module
from tests.sources.probes.walking import Answer, Api, Asked

THING = {"type": "object", "properties": {"id": {"type": "integer"}, "title": {"type": "string"}}}
MANY = {"description": ".", "content": {"application/json": {"schema": {"type": "array", "items": THING}}}}
ID = {"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}}
ONE = {"description": ".", "content": {"application/json": {"schema": THING}}}
PATHS: dict[str, Any] = {
    "/things": {"get": {"operationId": "list", "responses": {"200": MANY}}},
    "/things/{id}": {
        "get": {"operationId": "read", "parameters": [ID], "responses": {"200": ONE, "404": {"description": "."}}}
    },
}


class Slashed:
    """Each path without a slash at its end is redirected, as Flask, Django and Starlette do."""

    def __init__(self, title: Any) -> None:
        one = {"id": 7, "title": title}
        self._api = Api({"GET /things": lambda asked: Answer(200, [one]), "GET /things/{id}": self._read})
        self._one = one
        self.served: Counter[str] = Counter()

    def _read(self, asked: Asked) -> Answer:
        return Answer(200, self._one) if asked.parts[0] == "7" else Answer(404, {})

    def __call__(self, environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path.startswith("/things") and environ["REQUEST_METHOD"] == "GET":
            self.served["there" if path.endswith("/") else "moved"] += 1
        if not path.endswith("/"):
            start("308 x", [("Location", f"{path}/")])
            return [b""]
        return self._api({**environ, "PATH_INFO": path.rstrip("/")}, start)


def test_walk_and_fuzzer_ask_where_they_are_redirected_to(tmp_path: Path) -> None:
    app = Slashed(17)
    report = check(tmp_path, PATHS, app, fuzz=True, max_examples="20")
    exercised = report.kpis.drift.exercised.operations
    assert (exercised.part, exercised.whole) == (2, 2)
    assert app.served["there"] > 5 * app.served["moved"]
    rows = {(row.rule, row.where.status) for row in report.findings if row.level != "note"}
    assert {("undeclared-status", "308"), ("response-schema", "200")} <= rows
    assert "operation-not-served" not in {rule for rule, _ in rows}


def test_what_was_found_there_is_replayed_there(tmp_path: Path) -> None:
    report = check(tmp_path, PATHS, Slashed(17))
    (tmp_path / "report.json").write_bytes(report_json.render(report).encode())
    wrong = [row for row in report.findings if row.rule == "response-schema"]
    assert wrong
    for title, code in ((17, replay.HOLDS), ("seventeen", replay.GONE)):
        with module(Slashed(title)) as where:
            wanted = settings.load({"documents": [str(tmp_path / "api.json")], "target": f"wsgi:{where}"}, {}, tmp_path)
            for row in wrong:
                own = row.operations[0].fingerprint if row.operations else row.fingerprint
                assert replay.replay(own, wanted, tmp_path / "report.json")[0] == code
