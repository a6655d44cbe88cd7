"""A project whose findings stand in every state, and whose decisions are of every kind, all by the API."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

from .serving import Service, clean, report

DRIFT = "/api/v1/projects/shop/drift"
BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
REASON = "the gateway does so"


def at(days: float) -> str:
    moment = datetime.now(UTC) - timedelta(days=days)
    return moment.replace(microsecond=0, tzinfo=None).isoformat() + "Z"


def extra(value: dict[str, Any], name: str, **changes: Any) -> dict[str, Any]:
    """The report with one more finding, which nothing but its own sight is evidence of."""
    row = next(row for row in value["findings"] if not row["operations"] and row["operation"] is not None)
    fingerprint = hashlib.sha1(name.encode()).hexdigest()
    made = {**row, "rule": "no-answer", "level": "warning", "fingerprint": fingerprint, "sources": ["fuzz"]}
    value["findings"].append({**made, "message": f"Nothing answered ({name}).", **changes})
    return value


def live(running: Service) -> dict[str, dict[str, Any]]:
    """One finding of each state, and one of each decision, as the JSON tells them."""
    for value in (
        extra(report("run-1", at(10)), "stale"),
        report("run-2", at(5)),
        clean("run-3", at(4)),
        report("run-4", at(3)),
        clean("run-5", at(2)),
        extra(without_half(report("run-6", at(1))), "new"),
        report("elsewhere", at(6), environment="production"),
    ):
        assert running.push("shop", value).status_code == 201
    found: dict[str, dict[str, Any]] = {}
    with running.client("shop:write") as client:
        query = {"environment": "ci", "limit": 200}
        for row in client.get(DRIFT, params=query).json()["findings"]:
            found.setdefault(row["state"], row)
        ongoing = client.get(DRIFT, params={**query, "state": "regressed"}).json()["findings"]
        path, where = ongoing[-1]["href"].split("?")
        accepted = client.post(f"{path}/accept?{where}", json={"reason": REASON})
        path, where = ongoing[-2]["href"].split("?")
        until = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()
        exempt = client.post(f"{path}/exempt?{where}", json={"reason": "until 2.5", "until": until})
    return found | {"accepted": accepted.json(), "exempt": exempt.json()}


def without_half(value: dict[str, Any]) -> dict[str, Any]:
    value["findings"] = value["findings"][1::3] + value["findings"][2::3]
    return value
