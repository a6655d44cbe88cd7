"""What Prometheus scrapes: the three figures of each project with their evidence, and how the service itself answers.

Routes are labelled by their template, never by the path that was asked for.
"""

from __future__ import annotations

from collections.abc import Iterator

from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from starlette.responses import Response

from contract.app.service.access import enter, everywhere, now
from contract.stores.store import Store

router = APIRouter()

_LABELS = ("project", "environment")


class Metrics:
    """The counters of one process, and the figures as the store has them when they are asked for."""

    def __init__(self, store: Store) -> None:
        self._registry = CollectorRegistry()
        self._store = store
        self._answers = Counter(
            "contract_http_requests", "Answers of the service", ("method", "route", "status"), registry=self._registry
        )
        self._seconds = Histogram(
            "contract_http_request_duration_seconds", "Time to answer", ("method", "route"), registry=self._registry
        )
        self._registry.register(self)

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """One answer; a method that nobody knows is one label."""
        known = method if method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS") else "other"
        self._answers.labels(known, route, str(status)).inc()
        self._seconds.labels(known, route).observe(seconds)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The figures of the newest report of each environment; a part without its whole is left out."""
        ratios = {
            name: (
                GaugeMetricFamily(f"contract_{name}_part", f"{title}: the part", labels=_LABELS),
                GaugeMetricFamily(f"contract_{name}_whole", f"{title}: the whole", labels=_LABELS),
            )
            for name, title in (
                ("completeness", "Implemented operations that the document describes"),
                ("exercised", "Operations that the evidence of drift exercised"),
                ("generation", "Operations and components whose generated code is proven"),
            )
        }
        drift = GaugeMetricFamily("contract_drift", "Open findings between document and runtime", labels=_LABELS)
        findings = GaugeMetricFamily(
            "contract_findings", "Findings by state and level", labels=(*_LABELS, "state", "level")
        )
        newest = GaugeMetricFamily("contract_report_timestamp_seconds", "Start of the newest report", labels=_LABELS)
        at = now()
        for project in self._store.projects():
            for environment in self._store.environments(project):
                row = self._store.latest(project, environment)
                labels = (project.name, environment)
                if row is None:
                    continue
                newest.add_metric(labels, row.started_at.timestamp())
                if row.drift_count is not None:
                    drift.add_metric(labels, row.drift_count)
                for name, part, whole in (
                    ("completeness", row.completeness_part, row.completeness_whole),
                    ("exercised", row.exercised_part, row.exercised_whole),
                    ("generation", row.generation_part, row.generation_whole),
                ):
                    if part is not None and whole is not None:
                        ratios[name][0].add_metric(labels, part)
                        ratios[name][1].add_metric(labels, whole)
                totals = self._store.totals(project, now=at, environment=environment)
                for (state, level), count in sorted(totals.items()):
                    findings.add_metric((*labels, state, level), count)
        yield from (family for pair in ratios.values() for family in pair)
        yield from (drift, findings, newest)

    def text(self) -> bytes:
        """The exposition format of Prometheus."""
        return generate_latest(self._registry)


@router.get("/metrics")
def metrics(request: Request) -> Response:
    everywhere(enter(request, "read"))
    found: Metrics = request.app.state.metrics
    return Response(found.text(), 200, media_type=CONTENT_TYPE_LATEST)
