"""Recorded traffic on the command line: judged, followed, spread over processes, and added up."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from contract.app import cli, traffic
from contract.app.observe import described
from contract.core.errors import ConfigError

Out = pytest.CaptureFixture[str]

DOCUMENT = """\
openapi: 3.1.0
info: {title: Tasks, version: '1'}
paths:
  /tasks:
    get:
      parameters: [{name: page, in: query, schema: {type: integer}}, {name: sort, in: query, schema: {type: string}}]
      responses:
        '200':
          description: All.
          content:
            application/json:
              schema:
                type: array
                items:
                  type: object
                  required: [id, due_at]
                  properties:
                    id: {type: integer}
                    due_at: {type: string}
                    state: {enum: [todo, done, lost]}
        '404': {description: None.}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    Path("api.yaml").write_text(DOCUMENT)
    return tmp_path


def line(number: int, **more: Any) -> str:
    item = {"id": number, "due_at": "soon", "state": "todo" if number % 2 else "done"}
    if number % 10 == 0:
        del item["due_at"]
    return json.dumps(
        {
            "method": "GET",
            "url": f"/tasks?page={number}",
            "status": 200,
            "request_headers": {"X-Tenant": f"t{number % 3}"},
            "response_headers": {"Content-Type": "application/json"},
            "response_body": json.dumps([item] * 3),
            "elapsed_us": 1000 + number,
            "sent_at": f"2026-01-01T00:{number // 60 % 60:02}:{number % 60:02}Z",
            **more,
        }
    )


def observed(capsys: Out, *words: str) -> tuple[int, dict[str, Any], str]:
    code = cli.main(["observe", "--document", "api.yaml", "--format", "json", "-q", *words])
    said = capsys.readouterr()
    return code, json.loads(said.out) if said.out else {}, said.err


def test_a_finding_says_how_often_when_and_what_all_bodies_look_like(capsys: Out) -> None:
    Path("t.ndjson").write_text("\n".join(line(number) for number in range(4000)))
    code, report, _ = observed(capsys, "t.ndjson")
    (missing, _, members, parameters, statuses) = report["findings"]
    assert (code, missing["rule"], missing["exchanges"], missing["of"]) == (1, "response-schema", 400, 4000)
    assert (missing["first_seen"], missing["last_seen"]) == ("2026-01-01T00:00:00Z", "2026-01-01T00:59:50Z")
    (share,) = missing["shares"]
    sampled = report["kpis"]["drift"]["exercised"]["sampled"]
    assert share.startswith("missing in ") and f" of {3 * sampled:,} (" in share
    assert 4000 / 16 / 2 < sampled < 4000 / 16 * 2
    never = (statuses, members, parameters)
    assert {(each["rule"], each["level"]) for each in never} == {("declared-never-seen", "note")}
    assert sorted(each["message"].partition(": ")[2] for each in never) == [
        'the member of an enum `/*/state "lost"`.',
        "the parameter `query:sort`.",
        "the status `404`.",
    ]
    (operation,) = report["operations"]
    assert operation["exercised"]["properties"] == {"part": 3, "whole": 3}
    assert operation["exercised"]["enum_members"] == {"part": 2, "whole": 3}
    assert operation["latency"]["count"] == 4000
    assert abs(operation["latency"]["p50_us"] - 3000) <= 30


def test_processes_count_what_one_counts(capsys: Out, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("t.ndjson").write_text("\n".join(line(number) for number in range(3000)) + "\nnot json\n")
    monkeypatch.setattr(traffic, "_A_SHARD", 64 * 1024)
    words = ["--tenant", "header:X-Tenant", "t.ndjson"]
    assert observed(capsys, "--ledger", "one.json", "--jobs", "1", *words)[0] == 1
    assert observed(capsys, "--ledger", "two.json", "--jobs", "2", *words)[0] == 1
    one = json.loads(Path("one.json").read_text())
    assert json.loads(Path("two.json").read_text()) == one
    assert one["lost"] == {
        "line is not JSON": {"count": 1, "first": "t.ndjson:3001", "reason": one["lost"]["line is not JSON"]["reason"]}
    }
    assert sorted(rows[0][3] for rows in one["tenants"].values()) == [1000, 1000, 1000]


def test_ledgers_of_parts_merge_into_that_of_the_whole(capsys: Out) -> None:
    lines = [line(number) for number in range(600)]
    for name, chosen in (("whole", lines), ("a", lines[::2]), ("b", lines[1::2])):
        Path(f"{name}.ndjson").write_text("\n".join(chosen))
        observed(capsys, "--ledger", f"{name}.json.gz", f"{name}.ndjson")
    assert cli.main(["merge", "b.json.gz", "a.json.gz", "--out", "sum.json.gz"]) == 0
    assert capsys.readouterr().out == ("2 ledgers: 600 exchanges of 1 operation, 1 finding, written to sum.json.gz\n")
    assert json.loads(gzip.decompress(Path("sum.json.gz").read_bytes())) == json.loads(
        gzip.decompress(Path("whole.json.gz").read_bytes())
    )
    code = cli.main(["merge", "--document", "api.yaml", "--format", "json", "-q", "sum.json.gz"])
    report = json.loads(capsys.readouterr().out)
    found = [(each["rule"], each["level"], each["proof"], each["exchanges"]) for each in report["findings"]]
    assert (code, found[0]) == (1, ("response-schema", "error", "confirmed", 60))


def test_ledgers_of_two_documents_do_not_merge(capsys: Out) -> None:
    Path("t.ndjson").write_text(line(1))
    observed(capsys, "--ledger", "a.json", "t.ndjson")
    Path("api.yaml").write_text(DOCUMENT.replace("'1'", "'2'"))
    observed(capsys, "--ledger", "b.json", "t.ndjson")
    assert cli.main(["merge", "a.json", "b.json"]) == 2
    assert capsys.readouterr().err == (
        "error: b.json was judged by another version of api.yaml than a.json\n"
        "  hint: judge the recordings anew with one document\n"
    )
    Path("c.json").write_text("{}")
    assert cli.main(["merge", "c.json"]) == 3
    assert "c.json: no ledger: not contract-ledger/1, but something else" in capsys.readouterr().err


def test_lost_evidence_is_no_pass(capsys: Out) -> None:
    Path("t.ndjson").write_text("\n".join([line(1), "{", line(2), "{"]))
    code, report, _ = observed(capsys, "t.ndjson")
    assert code == 3
    assert report["outcome"]["sentence"] == "No verdict: 2 pieces of evidence could not be read"
    assert [(each["heading"], each["count"], each["first"]) for each in report["lost"]] == [
        ("line is not JSON", 2, "t.ndjson:2")
    ]
    assert report["sources"][0]["exchanges"] == 2


@pytest.mark.parametrize(
    ("name", "text", "kind"),
    [
        ("a.har", "", "har"),
        ("a.ndjson.gz", "", "ndjson"),
        ("a.JSONL", "", "ndjson"),
        ("a.flow", "", "mitmproxy"),
        ("access.log", '{"time_iso8601":"x","request_uri":"/","status":"200"}\n', "nginx"),
        ("access.json", '{":method":"GET","response_code":200}\n', "envoy"),
        ("capture", '{"log": {"version": "1.2", "entries": []}}', "har"),
        ("traffic", '{"method":"GET","url":"/"}\n', "ndjson"),
        ("dump", "12:abc", "mitmproxy"),
    ],
)
def test_the_kind_of_a_file_is_told(name: str, text: str, kind: str) -> None:
    Path(name).write_text(text)
    assert described(name) == f"{kind}:{name}"
    assert described(f"har:{name}.not-there") == f"har:{name}.not-there"


def test_a_file_that_tells_nothing_has_to_be_named() -> None:
    Path("x.txt").write_text("hello")
    with pytest.raises(ConfigError) as raised:
        described("x.txt")
    assert (raised.value.message, raised.value.hint) == (
        "x.txt: nothing tells of which kind it is",
        "say it: `nginx:x.txt`, `har:x.txt`",
    )


@pytest.mark.parametrize(
    ("words", "err"),
    [
        ([], "error: there is nothing to observe\n  hint: name a recording: `contract observe capture.har`\n"),
        (["gone.txt"], "error: gone.txt: no such file\n"),
        (
            ["--follow", "a.ndjson", "b.ndjson"],
            "error: --follow takes one file\n  hint: run one `contract observe --follow` for each, and `merge` them\n",
        ),
        (
            ["--every", "1m", "a.ndjson"],
            "error: --every says how often a followed file is reported\n  hint: add --follow\n",
        ),
        (
            ["--follow", "--every", "soon", "a.ndjson"],
            "error: --every must be a duration such as `60s`, `2m` or `1h`, not `soon`\n",
        ),
        (
            ["--tenant", "cookie:x", "a.ndjson"],
            "error: --tenant must be `header:NAME`, `path:NAME`, `query:NAME` or `host`, not `cookie:[redacted]`\n",
        ),
    ],
)
def test_what_cannot_be_observed_is_said(capsys: Out, words: list[str], err: str) -> None:
    assert cli.main(["observe", "--document", "api.yaml", *words]) == 2
    assert capsys.readouterr().err == err


def test_a_growing_file_is_followed_until_it_is_interrupted(folder: Path) -> None:
    growing = folder / "t.ndjson"
    growing.write_text(line(1) + "\n")
    command = [sys.executable, "-m", "contract", "observe", "--document", "api.yaml", "--follow", "--every", "0.2s"]
    kept = folder / "now.json"
    process = subprocess.Popen(
        [*command, "--format", f"json={kept}", "-q", "t.ndjson"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )

    def judged() -> int:
        if not kept.exists():
            return 0
        return int(json.loads(kept.read_text())["kpis"]["drift"]["exchanges"])

    def wait_for(count: int) -> None:
        deadline = time.monotonic() + 60
        while judged() < count and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        assert judged() == count

    try:
        wait_for(1)
        with growing.open("a") as more:
            more.write(line(10) + "\n" + line(11) + "\n")
        wait_for(3)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 1, out
    assert json.loads(kept.read_text())["run"]["complete"] is True


def test_the_progress_bar_knows_about_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    from contract.app import run, settings
    from contract.app.steps import Step

    monkeypatch.setattr(traffic, "_LOOK", 64 * 1024)
    Path("t.ndjson").write_text("\n".join(line(number) for number in range(2000)))
    flags = {"documents": ["api.yaml"], "traffic": ["ndjson:t.ndjson"], "fuzz": False, "types": ["none"]}
    steps: list[Step] = []
    run.check(settings.load(flags, {}, Path.cwd()), notify=steps.append)
    told = [step for step in steps if step.source == "traffic" and step.done]
    assert [step.done for step in told] == [500, 1000, 1500, 2000]
    assert all(step.whole is not None and 1900 < step.whole < 2100 for step in told)


def test_observing_asks_nobody_whatever_the_config_file_says(capsys: Out) -> None:
    Path("contract.toml").write_text('target = "http://127.0.0.1:1"\n[types]\npython = "generated"\n')
    Path("t.ndjson").write_text(line(10))
    code, report, _ = observed(capsys, "t.ndjson")
    assert (code, report["target"], [each["name"] for each in report["sources"]]) == (1, None, ["traffic"])
    assert report["findings"][0]["rule"] == "response-schema"
