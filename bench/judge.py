"""What judging exchanges costs: ratios of CPU time taken in turn, in one process, on one core.

The floor is `orjson.loads` of the bodies alone. Judging is everything: operation, parameters, request and answer, headers,
names, findings, tallies and histogram. Every round has traffic of its own, so that nothing is known from before; three
exchanges in a hundred drift.

  python bench/judge.py [--rounds 7] [--exchanges 4000] [--pool 60000] [--peers] [--exchanges-in-all 1000000]

`--peers` adds Schemathesis and openapi-core (the extra `fuzz`), and ajv and Redocly CLI (npm). Exits with 1 if a goal is
missed.
"""

from __future__ import annotations

import argparse
import json
import logging
import lzma
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "bench")]

import orjson  # noqa: E402
from taskapi import api, traffic  # noqa: E402

from contract.app.shards import unhurried_collector  # noqa: E402
from contract.core import strict  # noqa: E402
from contract.core.check import Judge  # noqa: E402
from contract.core.document import Document, Location  # noqa: E402
from contract.core.evidence import Exchange, Request  # noqa: E402
from contract.core.ledger import Ledger  # noqa: E402
from contract.core.openapi import Contract  # noqa: E402
from contract.core.report import Example  # noqa: E402
from tests.data import DATA  # noqa: E402

JUDGED, SAMPLED, WIDE = 4.0, 5.0, 1.3
OPENAPI_CORE, SCHEMATHESIS = 90.0, 4.0
COMPILED, COMPILED_MB, FLAT, POOLED = 10.0, 300, 1.1, 1.7

PIECE = 250
"""Exchanges of one measurement."""

missed: list[str] = []


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--exchanges", type=int, default=4000)
    parser.add_argument("--peers", action="store_true", help="measure the peers too")
    parser.add_argument(
        "--pool", type=int, metavar="N", help="judge a recording of N exchanges with one process, and two"
    )
    parser.add_argument("--exchanges-in-all", type=int, default=100_000, help="for the memory that stays flat")
    arguments = parser.parse_args()
    speed(arguments.rounds, arguments.exchanges)
    wide(arguments.rounds, arguments.exchanges)
    github()
    memory(arguments.exchanges_in_all)
    if arguments.pool:
        pool(arguments.pool)
    if arguments.peers:
        peers(arguments.exchanges)
    for name in missed:
        print(f"goal missed: {name}")
    return 1 if missed else 0


def said(name: str, value: float, goal: float | None, at_least: bool = False, unit: str = "×") -> None:
    """Prints a figure beside its goal, and remembers it if it is missed."""
    text = f"  {name:62} {value:8.2f} {unit}"
    if goal is not None:
        text += f"   goal {'≥' if at_least else '≤'} {goal:g}"
        if value < goal if at_least else value > goal:
            missed.append(name)
    print(text, flush=True)


# --- ours -------------------------------------------------------------------------------------------------------------


def floor(exchanges: Iterable[Exchange]) -> None:
    loads = orjson.loads
    for exchange in exchanges:
        if exchange.request.body:
            loads(exchange.request.body)
        if exchange.response is not None and exchange.response.body:
            loads(exchange.response.body)


def judged(judge: Judge, exchanges: Iterable[Exchange], closely: bool) -> Ledger:
    """Every exchange judged and counted; with `closely`, one in sixteen with its shape and what it touches.

    The example of a finding is not masked here: that happens a few times for each finding, whatever the traffic.
    """
    ledger = Ledger()
    example = Example.__new__(Example)
    for exchange in exchanges:
        judgement = judge.exchange(exchange)
        examples = {}
        for finding in judgement.findings:
            if ledger.needs_example(finding.fingerprint, (1, "")):
                examples[finding.fingerprint] = ((1, ""), example)
        if closely:
            ledger.record(judgement, exchange, examples)
        else:
            ledger.count(judgement, exchange)
            if judgement.findings:
                ledger.see(judgement.findings, exchange.source, 1, examples)
    return ledger


def again(exchanges: Iterable[Exchange]) -> list[Exchange]:
    """The same exchanges as objects that nobody has looked at: they keep what was worked out of them."""
    return [
        replace(each, request=replace(each.request), response=replace(each.response) if each.response else None)
        for each in exchanges
    ]


def cpu(work: Callable[[], Any]) -> float:
    """Seconds of CPU, garbage collected as rarely as while a recording is judged: the same for all sides."""
    with unhurried_collector():
        began = time.process_time()
        work()
        return time.process_time() - began


def speed(rounds: int, count: int) -> None:
    """The cost of an exchange beside the floor, for plain schemas and for such that are all combinators."""
    for combined in (False, True):
        judge = Judge(Contract(api(combined=combined)), lambda rule, level: level)
        judged(judge, traffic(count, 0, drift=1.0), True)  # validators are compiled on first use
        columns: list[tuple[float, float, float]] = []
        size = seen = 0
        for seed in range(1, rounds + 1):
            data = list(traffic(count, seed))
            seen += len(data)
            size += sum(len(each.response.body) + len(each.request.body or b"") for each in data if each.response)
            # In small pieces taken in turn, so that what else the machine does slows all sides alike.
            for start in range(0, count, PIECE):
                piece = data[start : start + PIECE]
                first, second = again(piece), again(piece)
                columns.append(
                    (
                        cpu(partial(floor, piece)),
                        cpu(partial(judged, judge, first, False)),
                        cpu(partial(judged, judge, second, True)),
                    )
                )
        bare, plain, closely = (quiet(column) for column in zip(*columns, strict=True))
        what = "all schemas combined" if combined else f"30 operations, {size / seen / 1000:.1f} kB"
        each = (f"{spent / PIECE * 1e6:.1f} us" for spent in (bare, plain, closely))
        print(f"{what}: {next(each)} to parse, {next(each)} to judge, {next(each)} with shapes")
        said("judged, counted / orjson.loads", plain / bare, None if combined else JUDGED)
        said("with shapes and what is touched, 1 in 16", closely / bare, None if combined else SAMPLED)


def quiet(times: Iterable[float]) -> float:
    """The time that a fifth of the pieces stayed below: what else the machine does only ever adds."""
    return statistics.quantiles(times, n=5)[0]


def wide(rounds: int, count: int) -> None:
    """The cost does not grow with the number of operations."""
    few = Judge(Contract(api()), lambda rule, level: level)
    many = Judge(Contract(api(copies=100)), lambda rule, level: level)
    ratios = []
    for judge in (few, many):
        judged(judge, traffic(count, 0, drift=1.0), False)
    for seed in range(1, rounds + 1):
        first = list(traffic(count, seed))
        second = again(first)
        one = cpu(partial(judged, few, first, False))
        ratios.append(cpu(partial(judged, many, second, False)) / one)
    said(f"{len(many.contract.operations)} operations / 30", statistics.median(ratios), WIDE)


_GITHUB = """
import resource, sys, time
sys.path[:0] = [sys.argv[2], sys.argv[2] + "/bench"]
import judge
judge.compiled(sys.argv[1])
"""


def github() -> None:
    """GitHub's document, made ready to judge; in a process of its own, because memory counts."""
    if not (DATA / "documents" / "github.json.xz").exists():
        print("GitHub's document is left out: the shared data is missing")
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "github.json")
        path.write_bytes(lzma.decompress((DATA / "documents" / "github.json.xz").read_bytes()))
        done = subprocess.run(
            [sys.executable, "-c", _GITHUB, str(path), str(ROOT)], capture_output=True, text=True, check=True
        )
    found = json.loads(done.stdout)
    print(f"GitHub's document: {found['operations']} operations, {found['schemas']} schemas of bodies")
    said("ready to judge / orjson.loads of it", found["ready"], COMPILED)
    said("memory then", found["ready_mb"], COMPILED_MB, unit="MB")
    said("every schema of a body compiled as well", found["all"], None)
    said("memory then", found["all_mb"], None, unit="MB")


def compiled(path: str) -> None:
    """What `github` measures."""
    data = Path(path).read_bytes()
    parse = min(cpu(partial(orjson.loads, data)) for _ in range(3))
    value = orjson.loads(data)
    data = b""
    document = Document(path, "3.0.3", value, "0" * 64, lambda at: Location(path, 1, 1), lambda at: (path, at), list)
    began = time.process_time()
    contract = Contract(document)
    judge = Judge(contract, lambda rule, level: level)
    schemas = contract.schemas
    bodies = [
        media.schema
        for operation in contract.operations
        for answer in operation.responses.values()
        for media in answer.content
        if media.schema is not None
    ]
    judge.exchange(Exchange(Request("GET", "/zen"), None, "bench"))
    strict.validator(schemas, bodies[0], "response")
    ready, ready_mb = time.process_time() - began, peak_mb()
    for schema in bodies:
        strict.validator(schemas, schema, "response")
    whole = time.process_time() - began
    json.dump(
        {
            "operations": len(contract.operations),
            "schemas": len(set(bodies)),
            "ready": ready / parse,
            "ready_mb": ready_mb,
            "all": whole / parse,
            "all_mb": peak_mb(),
        },
        sys.stdout,
    )


def peak_mb() -> float:
    status = Path("/proc/self/status")
    if status.exists():  # `getrusage` counts what the parent held before it started this process
        return int(re.search(r"VmHWM:\s+(\d+)", status.read_text())[1]) / 1024  # type: ignore[index]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20) if sys.platform == "darwin" else peak / 1024


def memory(count: int) -> None:
    """The peak after all exchanges beside that after a tenth of them."""
    judge = Judge(Contract(api()), lambda rule, level: level)
    ledger = Ledger()
    example = Example.__new__(Example)
    early = 0.0
    for number, exchange in enumerate(traffic(count, 3), 1):
        judgement = judge.exchange(exchange)
        needed = [each for each in judgement.findings if ledger.needs_example(each.fingerprint, (1, ""))]
        ledger.record(judgement, exchange, {each.fingerprint: ((1, ""), example) for each in needed})
        if number == count // 10:
            early = peak_mb()
    said(f"memory after {count:,} exchanges / after a tenth", peak_mb() / early, FLAT)


def pool(count: int) -> None:
    """The whole command over one recording, with one process and with two, in turn; wall time, so of a quiet machine."""
    from contract.sources.traffic import ndjson

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "api.json").write_text(json.dumps(api().value))
        with (folder / "t.ndjson").open("wb") as file:
            for exchange in traffic(count, 1):
                file.write(ndjson.line(exchange))
        print(f"a recording of {count:,} exchanges, {(folder / 't.ndjson').stat().st_size / 1e6:.0f} MB")
        ratios = []
        for _ in range(3):
            seconds = []
            for jobs in ("1", "2"):
                command = [sys.executable, "-m", "contract", "observe", "--document", "api.json", "--jobs", jobs, "-q"]
                began = time.perf_counter()
                done = subprocess.run(
                    [*command, "--ledger", f"{jobs}.json", "t.ndjson"],
                    cwd=folder,
                    env={**os.environ, "PYTHONPATH": str(ROOT)},
                    capture_output=True,
                    text=True,
                    check=False,
                )
                seconds.append(time.perf_counter() - began)
                if done.returncode != 1:
                    raise SystemExit(done.stdout + done.stderr)
            ratios.append(seconds[0] / seconds[1])
        if (folder / "1.json").read_bytes() != (folder / "2.json").read_bytes():
            missed.append("two processes count what one counts")
        gives = _two_cores()
        said("one process / two", statistics.median(ratios), POOLED, at_least=True)
        said("what two of this machine's cores give a program that shares nothing", gives, None)


_WORK = """
import orjson, sys, time
bodies = [orjson.dumps({str(n): [{"id": n, "title": "x" * 40, "at": n / 7}] * 20 for n in range(i, i + 9)}) for i in range(300)]
end = time.perf_counter() + 3
done = 0
while time.perf_counter() < end:
    for body in bodies:
        orjson.loads(body)
    done += 1
print(done)
"""


def _two_cores() -> float:
    """How much more two processes that share nothing parse in three seconds than one: 2 where cores are cores."""

    def together(number: int) -> int:
        running = [subprocess.Popen([sys.executable, "-c", _WORK], stdout=subprocess.PIPE) for _ in range(number)]
        return sum(int(process.communicate()[0]) for process in running)

    return statistics.median(together(2) / together(1) for _ in range(3))


# --- peers ------------------------------------------------------------------------------------------------------------


def peers(count: int) -> None:
    """The same traffic judged by others, each in CPU time of one exchange, beside ours in the same run."""
    data = list(traffic(count, 1, drift=0.0))
    value = api().value
    judge = Judge(Contract(api()), lambda rule, level: level)
    judged(judge, traffic(count, 0), False)
    fresh = [list(traffic(count, seed, drift=0.0)) for seed in (2, 3, 4)]
    ours = statistics.median(cpu(partial(judged, judge, each, False)) for each in fresh) / count
    print(f"peers, on conforming traffic; ours {ours * 1e6:.0f} us")
    said("openapi-core, request and answer / ours", openapi_core(value, data[:150]) / ours, OPENAPI_CORE, at_least=True)
    alone, conformance = schemathesis(value, data)
    said("Schemathesis, the answer's schema / ours", alone / ours, None)
    said("Schemathesis, its conformance checks of an answer / ours", conformance / ours, SCHEMATHESIS, at_least=True)
    if shutil.which("npm") is None:
        print("  ajv and Redocly CLI are left out: npm is not here")
        return
    with tempfile.TemporaryDirectory() as folder:
        for name, work in (("ajv, bodies alone", ajv), ("Redocly CLI drift, the whole command", redocly)):
            try:
                spent = work(Path(folder), value, data)
            except (subprocess.CalledProcessError, OSError, ValueError) as error:
                print(f"  {name} is left out: {type(error).__name__}: {str(getattr(error, 'stderr', error))[-200:]}")
                continue
            said(f"{name} / ours", spent / ours, None)


def openapi_core(value: Any, data: list[Exchange]) -> float:
    from openapi_core import Config, OpenAPI

    from contract.proof.openapi_core import _Request, _Response

    app = OpenAPI.from_dict(
        value, config=Config(spec_validator_cls=None, additional_properties_default_policy="forbid")
    )

    refused: list[Exception] = []

    def work() -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for exchange in data:
                request = _Request(exchange, exchange.request.path)
                request.host_url = "https://api.example.com"
                found = [*app.iter_request_errors(request), *app.iter_response_errors(request, _Response(exchange))]
                refused.extend(found)

    work()
    if refused:
        print(f"  openapi-core refuses {len(refused)} of the conforming messages: {refused[0]!r:.120}")
    return cpu(work) / len(data)


def schemathesis(value: Any, data: list[Exchange]) -> tuple[float, float]:
    """Its answer's schema alone, and its four conformance checks: status, media type, headers and schema."""
    import requests
    import schemathesis
    from schemathesis.checks import CHECKS, load_all_checks
    from schemathesis.core.transport import Response

    logging.disable(logging.CRITICAL)
    load_all_checks()
    schema = schemathesis.openapi.from_dict(value)
    prepared = []
    for exchange in data:
        if exchange.response is None or exchange.response.status == 204:
            continue
        path = exchange.request.path.removeprefix("/api/v1")
        headers: dict[str, list[str]] = {}
        for name, text in exchange.response.headers:
            headers.setdefault(name.lower(), []).append(text)
        asked = requests.Request(exchange.request.method, "https://api.example.com" + exchange.request.url).prepare()
        answer = Response(exchange.response.status, headers, exchange.response.body, asked, 0.01, True)
        prepared.append((exchange.request.method, path, answer))

    names = ("status_code", "content_type", "response_headers", "response_schema")
    checks = [CHECKS.get_one(f"{name}_conformance") for name in names]

    def schema_alone(answers: list[tuple[str, str, Response]]) -> None:
        for method, path, answer in answers:
            operation = schema.find_operation_by_path(method, path)
            assert operation is not None
            operation.validate_response(answer)

    def conformance(answers: list[tuple[str, str, Response]]) -> None:
        for method, path, answer in answers:
            operation = schema.find_operation_by_path(method, path)
            assert operation is not None
            operation.Case(path_parameters={"id": 1}).validate_response(answer, checks=checks)

    # An answer keeps what was worked out of it, so each is judged once; the first half compiles what it needs.
    quarter = len(prepared) // 4
    schema_alone(prepared[:quarter])
    alone = cpu(partial(schema_alone, prepared[quarter : 2 * quarter])) / quarter
    conformance(prepared[2 * quarter : 3 * quarter])
    return alone, cpu(partial(conformance, prepared[3 * quarter :])) / (len(prepared) - 3 * quarter)


_AJV = """
const fs = require('fs');
const Ajv = require('ajv/dist/2020').default, formats = require('ajv-formats').default;
const ajv = new Ajv({strict: false, allErrors: false});
formats(ajv);
ajv.addSchema(JSON.parse(fs.readFileSync('api.json')), 'api');
const rows = JSON.parse(fs.readFileSync('bodies.json'));
const judges = {};
for (const [ref] of rows) judges[ref] = judges[ref] || ajv.compile({$ref: ref});
let refused = 0;
const run = () => { for (const [ref, text] of rows) if (!judges[ref](JSON.parse(text))) refused++; };
run();
let best = Infinity;
for (let i = 0; i < 5; i++) {
  const began = process.cpuUsage(); run(); const spent = process.cpuUsage(began);
  best = Math.min(best, (spent.user + spent.system) / 1e6);
}
console.log(JSON.stringify({seconds: best, refused}));
"""


def ajv(folder: Path, value: Any, data: list[Exchange]) -> float:
    contract = Contract(api())
    rows = []
    for exchange in data:
        found = contract.match(exchange.request.method, exchange.request.path)
        assert found is not None and found.operation is not None
        for judgement in found.operation.answer(exchange).content.judged:
            assert exchange.response is not None
            rows.append(
                ("api" + judgement.schema.replace("{", "%7B").replace("}", "%7D"), exchange.response.body.decode())
            )
    (folder / "api.json").write_text(json.dumps(value))
    (folder / "bodies.json").write_text(json.dumps(rows))
    (folder / "judge.js").write_text(_AJV)
    _npm(folder, "ajv@8", "ajv-formats@3")
    done = subprocess.run(["node", "judge.js"], cwd=folder, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    if found["refused"]:
        print(f"  ajv refuses {found['refused']} of the conforming bodies")
    return float(found["seconds"]) / len(data)


def redocly(folder: Path, value: Any, data: list[Exchange]) -> float:
    (folder / "api.json").write_text(json.dumps(value))
    entries = []
    for exchange in data:
        request, answer = exchange.request, exchange.response
        assert answer is not None
        entries.append(
            {
                "startedDateTime": exchange.sent_at,
                "time": 1,
                "request": {
                    "method": request.method,
                    "url": "https://api.example.com" + request.url,
                    "httpVersion": "HTTP/1.1",
                    "headers": [{"name": name, "value": text} for name, text in request.headers],
                    "queryString": [],
                    "cookies": [],
                    "headersSize": -1,
                    "bodySize": -1,
                    **(
                        {"postData": {"mimeType": "application/json", "text": request.body.decode()}}
                        if request.body
                        else {}
                    ),
                },
                "response": {
                    "status": answer.status,
                    "statusText": "",
                    "httpVersion": "HTTP/1.1",
                    "headers": [{"name": name, "value": text} for name, text in answer.headers],
                    "cookies": [],
                    "content": {
                        "size": len(answer.body),
                        "mimeType": answer.media_type or "",
                        "text": answer.body.decode(),
                    },
                    "redirectURL": "",
                    "headersSize": -1,
                    "bodySize": -1,
                },
                "cache": {},
                "timings": {"send": 0, "wait": 1, "receive": 0},
            }
        )
    log = {"version": "1.2", "creator": {"name": "bench", "version": "1"}, "entries": entries}
    (folder / "traffic.har").write_text(json.dumps({"log": log}))
    _npm(folder, "@redocly/cli@2")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        ["node_modules/.bin/redocly", "drift", "traffic.har", "--api", "api.json"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "REDOCLY_TELEMETRY": "off", "CI": "true"},
        timeout=600,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    words = (done.stdout + done.stderr).strip()
    print(f"  Redocly CLI ends with {done.returncode}: {words.splitlines()[-1][:160] if words else 'nothing said'}")
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / len(data)


def _npm(folder: Path, *packages: str) -> None:
    subprocess.run(
        ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder), *packages],
        capture_output=True,
        text=True,
        check=True,
        timeout=600,
    )


if __name__ == "__main__":
    sys.exit(main())
