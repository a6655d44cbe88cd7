"""The product checks itself: the service is held against its own document, walk and fuzzer on, nothing left out."""

from __future__ import annotations

from pathlib import Path

import pytest

from contract.app import run, settings
from contract.core.report import Report

from .serving import ROOT, Service, report, service

RUN = "11111111-1111-4111-8111-111111111111"
FINGERPRINT = "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567"


def seed(started: Service) -> None:
    """What the examples of the document name."""
    value = report(RUN)
    value["findings"][-1]["fingerprint"] = FINGERPRINT
    assert value["findings"][-1]["operations"] == []
    for project in ("shop", "bank"):  # whichever of them is asked about
        assert started.push(project, value).status_code == 201
        with started.client() as client:
            assert client.post(f"/api/v1/projects/{project}/checks").status_code == 202


def check(origin: str, token: str, folder: Path, **flags: object) -> Report:
    (folder / "service.py").write_text(
        "from contract.app.service import create_app\n"
        "from contract.app.service.config import ServiceConfig\n"
        f"app = create_app(ServiceConfig(database='sqlite:///{folder}/routes.db'))\n"
    )
    wanted = {
        "documents": [str(ROOT / "specs/service.yaml")],
        "allow_refs": [str(ROOT)],
        "target": origin,
        "routes": ["asgi:service:app"],
        "headers": [f"Authorization: Bearer {token}"],
        "max_examples": "3",
        "allow_dangerous": ["POST /sign-out"],  # it takes a cookie away that the walk does not have
        "max_time_s": "10m",
        "types": ["python"],
        "corpus": False,
        **flags,
    }
    return run.check(settings.load(wanted, {}, folder))


@pytest.mark.slow
def test_the_service_keeps_its_own_document(tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    config = checked(tmp_path)
    with service(tmp_path, database=database, checks={"shop": config, "bank": config}) as started:
        seed(started)
        made = check(started.origin, started.tokens["admin"], tmp_path)
    told = [(row.level, row.rule, row.operation, row.message) for row in made.findings if row.level != "note"]
    assert told == []
    drift, completeness = made.kpis.drift, made.kpis.completeness
    assert drift.count == 0
    assert drift.exercised.operations.part == drift.exercised.operations.whole
    assert (completeness.part, completeness.verdict) == (completeness.whole, "pass")
    assert (made.kpis.generation.part, made.kpis.generation.verdict) == (made.kpis.generation.whole, "pass")
    assert made.excluded == made.unchecked == ()
    assert made.run.complete


def checked(folder: Path) -> Path:
    """A config of a check that is over in a moment: a document that is held against a list of routes."""
    home = folder / "checked"
    home.mkdir()
    (home / "api.yaml").write_text(
        "openapi: 3.1.0\ninfo: {title: Shop, version: '1'}\n"
        "paths:\n  /orders:\n    get:\n      responses:\n        '200': {description: Orders.}\n"
    )
    (home / "routes.txt").write_text("GET /orders\nGET /carts\n")
    (home / "contract.toml").write_text(
        'document = "api.yaml"\nroutes = "text:routes.txt"\ntypes = false\n[fuzz]\nenabled = false\n'
    )
    return home / "contract.toml"
