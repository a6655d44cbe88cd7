"""Badges and metrics: a figure never stands without its evidence, and nobody sees another's."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from .serving import Service, clean, report, service


@pytest.fixture
def running(tmp_path: Path):  # type: ignore[no-untyped-def]
    with service(tmp_path) as found:
        yield found


def badge(running: Service, query: str = "", project: str = "shop") -> dict[str, object]:
    with running.client(f"{project}:read") as client:
        answer = client.get(f"/api/v1/projects/{project}/badge.json{query}")
        assert answer.status_code == 200, answer.text
        shown: dict[str, object] = answer.json()
        return shown


def test_a_badge_says_the_figure_and_the_evidence_that_it_stands_on(running: Service) -> None:
    assert badge(running) == {"schemaVersion": 1, "label": "drift", "message": "no report", "color": "lightgrey"}
    assert running.push("shop", report("one")).status_code == 201
    assert (badge(running)["message"], badge(running)["color"]) == ("3, 14 of 14 exercised", "red")
    shown = badge(running, "?figure=completeness")
    assert (shown["label"], shown["message"], shown["color"]) == ("completeness", "14 of 15", "red")
    assert badge(running, "?figure=generation")["color"] == "brightgreen"
    assert badge(running, "?environment=staging")["message"] == "no report"


def test_nothing_exercised_is_no_zero(running: Service) -> None:
    value = clean("one", "2026-11-20T08:00:00Z")
    value["kpis"]["drift"] |= {"count": None, "verdict": "none"}
    value["kpis"]["drift"]["exercised"]["operations"] = {"part": 0, "whole": 14}
    assert running.push("shop", value).status_code == 201
    assert badge(running) == {
        "schemaVersion": 1,
        "label": "drift",
        "message": "undecided, 0 of 14 exercised",
        "color": "lightgrey",
    }


def test_the_svg_can_be_read_out_and_holds_what_the_json_says(running: Service) -> None:
    running.push("shop", report("one"))
    with running.client("shop:read") as client:
        answer = client.get("/api/v1/projects/shop/badge.svg")
    root = ET.fromstring(answer.text)
    assert (root.attrib["role"], root.attrib["aria-label"]) == ("img", "drift: 3, 14 of 14 exercised")
    texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert texts == ["drift", "3, 14 of 14 exercised"]


def test_a_badge_is_the_project_s_own(running: Service) -> None:
    running.push("shop", report("one"))
    for form in ("svg", "json"):
        with running.client("bank:admin") as client:
            foreign = client.get(f"/api/v1/projects/shop/badge.{form}")
        assert foreign.status_code == 404
        assert "14" not in foreign.text
        with running.client(None) as client:
            assert client.get(f"/api/v1/projects/shop/badge.{form}").status_code == 401


def test_prometheus_reads_the_figures_of_every_project_and_counts_by_template(running: Service) -> None:
    running.push("shop", report("one"))
    with running.client("shop:admin") as client:
        assert client.get("/metrics").status_code == 403
    with running.client() as client:
        client.get("/api/v1/projects/shop/drift")
        answer = client.get("/metrics")
    families = {family.name: family for family in text_string_to_metric_families(answer.text)}
    labels = {"project": "shop", "environment": "ci"}

    def value(name: str) -> float:
        return next(sample.value for sample in families[name].samples if sample.labels == labels)

    assert [value(f"contract_{name}") for name in ("drift", "completeness_part", "completeness_whole")] == [3, 14, 15]
    assert [value(f"contract_exercised_{part}") for part in ("part", "whole")] == [14, 14]
    with running.client() as client:
        totals = client.get("/api/v1/projects/shop/drift.json").json()["totals"]
    counted = {(one.labels["state"], one.labels["level"]): one.value for one in families["contract_findings"].samples}
    assert counted == {(row["state"], row["level"]): row["count"] for row in totals}
    assert sum(counted.values()) > 0
    routes = {sample.labels["route"] for sample in families["contract_http_requests"].samples}
    assert "/api/v1/projects/{project}/drift" in routes
    assert not any("shop" in route for route in routes)
