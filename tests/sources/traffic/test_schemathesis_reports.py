"""The HAR and NDJSON reports of a real run of Schemathesis read as the exchanges that it made."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from contract.core.evidence import Exchange, Traffic
from contract.demo.app import app
from contract.sources.traffic import har, ndjson
from tests.demo.serving import serving

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """The two files, of the same run."""
    folder = tmp_path_factory.mktemp("reports")
    code = "import sys; from schemathesis.cli import schemathesis; sys.exit(schemathesis())"
    with serving(app) as origin:
        command = [sys.executable, "-c", code, "run", str(ROOT / "specs/demo.yaml"), "--url", origin, "--seed", "1"]
        command += ["--header", "Authorization: Bearer demo-acme-admin", "--phases", "coverage", "--max-examples", "1"]
        command += ["--include-path", "/api/v1/app/tasks/{task_id}", "--no-color"]
        command += ["--report", "har,ndjson", "--report-dir", str(folder)]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    (one,), (two,) = folder.glob("har-*.json"), folder.glob("ndjson-*.ndjson")
    return str(one), str(two)


def test_both_reports_hold_the_same_exchanges(reports: tuple[str, str]) -> None:
    from_har = [each for each in har.exchanges(reports[0]) if isinstance(each, Exchange)]
    from_ndjson = [each for each in ndjson.exchanges(reports[1]) if isinstance(each, Exchange)]
    assert len(from_har) == len(list(har.exchanges(reports[0]))) > 20
    assert len(from_ndjson) == len(list(ndjson.exchanges(reports[1])))

    def seen(found: list[Exchange]) -> Counter[tuple[str, str, int, bytes]]:
        return Counter(
            (e.request.method, e.request.url, e.response.status, e.response.body) for e in found if e.response
        )

    assert seen(from_har) == seen(from_ndjson)
    assert {each.traffic for each in from_har + from_ndjson} == {Traffic.FUZZ}
    # What it masks in its reports is named, so that `[Filtered]` is not judged as a token.
    with_token = [each for each in from_har if any(name == "Authorization" for name, _ in each.request.headers)]
    assert with_token and all("request header:authorization" in each.masked for each in with_token)
    assert not any("[Filtered]" in value for e in from_har if not e.masked for _, value in e.request.headers)
    assert {each.operation for each in from_ndjson} == {
        f"{method} /api/v1/app/tasks/{{task_id}}" for method in ("GET", "PATCH", "DELETE")
    }
    bodies = {each.request.body for each in from_ndjson if each.request.method == "PATCH"}
    assert len(bodies) > 5
    assert all(each.elapsed_us is not None and each.sent_at is not None for each in from_har + from_ndjson)
