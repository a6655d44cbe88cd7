"""How much of what really drifts in services that nobody here wrote is found, and what is reported that is not there.

    python bench/truth.py [SERVICE …] [--runs walk,routes,peer] [--results DIR] [--work DIR] [--list] [--write] [--quick]

Each run has a fresh service on loopback, started by the script beside its facts (shared data). `contract check` runs with
the service's own document: the walk alone, twice; with the route list, twice, by two seeds and without a corpus; without
the list. Beside it runs Schemathesis' own command, for 300 s at most, twice. The findings are scored by the data's
`score.py`: recall by kind, and the traps that were reported. What is found beyond the lists is judged by hand in
`bench/truth.md`. `--write` puts the tables there and into the README.

Ends with 1 where our run with routes misses a goal, or where the peer meets more facts of a service than it does.
"""

from __future__ import annotations

import argparse
import base64
import importlib.util
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from contract.app import run, settings
from contract.core.report import Report
from contract.reports import json as report_json
from tests.data import DATA

ROOT = Path(__file__).parents[1]

KIND = {
    "undeclared-operation": "undocumented-route",
    "unimplemented-operation": "missing-route",
    "operation-not-served": "missing-route",
    "undeclared-status": "undocumented-status",
    "undeclared-media-type": "wrong-content-type",
    "response-schema": "response-schema",
    "malformed-body": "malformed-body",
    "undeclared-property": "undocumented-property",
    "server-error": "server-error",
    "no-answer": "server-error",
    "invalid-request-accepted": "invalid-request-accepted",
    "valid-request-refused": "valid-request-refused",
    "auth-not-enforced": "auth-ignored",
}
PEER_KIND = {
    "ServerError": "server-error",
    "ContentTypeServerError": "server-error",
    "UndefinedStatusCode": "undocumented-status",
    "UndefinedContentType": "wrong-content-type",
    "MissingContentType": "wrong-content-type",
    "MalformedMediaType": "wrong-content-type",
    "JsonSchemaError": "response-schema",
    "DiscriminatorMismatch": "response-schema",
    "MalformedJson": "malformed-body",
    "ContentDeserializationError": "malformed-body",
    "AcceptedNegativeData": "invalid-request-accepted",
    "MissingHeaderNotRejected": "invalid-request-accepted",
    "RejectedPositiveData": "valid-request-refused",
    "UnsupportedMethodResponse": "undeclared-method",
    "IgnoredAuth": "auth-ignored",
    "NoAnswer": "server-error",
}
"""The failures of the peer's report by the facts' kinds; others count as findings only."""
SILENCES = ("ConnectionError", "ChunkedEncodingError", "ReadTimeout", "Timeout")
"""Errors that the peer tells beside its failures: no answer came, or none that can be read."""
BASE = {
    "kinto": "/v1",
    "httpbin": "",
    "alertmanager": "/api/v2",
    "netdata": "/api/v1",
    "crowdsec": "/v1",
    "laravel": "/api/v1",
}
OWN = {"laravel": ROOT / "tests" / "laravel"}
"""Services that were written for these tests, with a script and facts like those of the shared data."""

QUICK = {"alertmanager": 33, "laravel": 55}
"""For CI: so many facts our run with routes must meet at 25 examples. The walk finds these alone, so luck needs no margin."""
GOAL, GOALS = 0.95, {"valid-request-refused": 0.80}
"""Least strict recall of each kind over all services, with routes; of traps none may be reported."""
FOLDED = "(of one cause)"
"""Stands before the sources of a row that several sources and several operations share."""

RUNS = {
    "walk": "the walk alone",
    "walk-again": "the same on another fresh service",
    "routes": "with routes",
    "routes-again": "the same on another fresh service, by another seed",
    "alone": "without routes",
    "peer": "Schemathesis",
    "peer-again": "the same on another fresh service, by another seed",
}
PEER_SECONDS = 300


@dataclass(frozen=True)
class Score:
    """What a run met of the lists, and what it cost."""

    name: str
    found: dict[str, int]
    strict: dict[str, int]
    total: dict[str, int]
    missed: list[str]
    traps: list[str]
    outside: list[dict[str, Any]]
    seconds: float
    requests: int
    findings: dict[str, list[str]]
    """By fingerprint (ours) or by failure, operation and status (the peer's): the sources that showed it, or `FOLDED` and
    those of all operations that its row tells of."""
    causes: int
    """Rows of the report; the peer folds nothing, so these are its findings by operation, kind and status."""
    report: Report | None = field(default=None, compare=False)

    def fuzzed(self, walk: Score | None) -> set[str]:
        """What the walk did not find; of a row of many operations, what it does not find alone."""
        return {
            name
            for name, sources in self.findings.items()
            if "walk" not in sources or (FOLDED in sources and walk is not None and name not in walk.findings)
        }


def home(name: str) -> Path:
    """The folder of the service's script and facts."""
    if name in OWN:
        return OWN[name]
    assert DATA is not None
    return DATA / "targets" / name


@contextmanager
def service(name: str, work: Path) -> Iterator[tuple[str, Path]]:
    """Origin and work folder of a running service, its data fresh whatever ran there before; ended by its pid."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    script = home(name) / "start.sh"
    done = subprocess.run(
        ["bash", str(script), str(work), str(port)], capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    if done.returncode:
        raise RuntimeError(f"{name} did not start: {done.stdout[-400:]}{done.stderr[-400:]}")
    pid = int((work / "pid").read_text())
    try:
        yield f"http://127.0.0.1:{port}", work
    finally:
        os.kill(pid, signal.SIGTERM)
        for _ in range(100):
            try:
                os.kill(pid, 0)
            except ProcessLookupError:
                break
            time.sleep(0.05)
        else:
            os.kill(pid, signal.SIGKILL)


def headers(name: str, origin: str, work: Path) -> list[str]:
    """Credentials that the service's facts name."""
    if name == "netdata":
        return [f"X-Auth-Token: {(work / 'key').read_text().strip()}"]
    if name == "laravel":
        return ["Authorization: Bearer ada-token", "X-Tenant: acme"]
    if name == "kinto":
        return ["Authorization: Basic " + base64.b64encode(b"bench:x").decode()]
    if name == "crowdsec":
        body = json.dumps({"machine_id": "bench", "password": "bench"}).encode()
        asked = urllib.request.Request(
            origin + "/v1/watchers/login", body, {"Content-Type": "application/json", "User-Agent": "bench/1"}
        )
        with urllib.request.urlopen(asked) as answer:
            token = json.load(answer)["token"]
        return ["X-Api-Key: benchkey", f"Authorization: Bearer {token}", "User-Agent: bench/1"]
    return []


def document(where: Path) -> Path:
    return next(path for path in (where / "spec.yaml", where / "spec.json") if path.exists())


def reports(name: str, report: Report) -> Iterator[dict[str, Any]]:
    """The findings as the score reads them: one per operation, paths relative to the base path."""
    cells: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for seen in report.operations:
        for cell in seen.responses:
            for fingerprint in cell.findings:
                cells[seen.method, seen.path, fingerprint].append(cell.name)
    for row in report.findings:
        kind = KIND.get(row.rule)
        if kind is None or row.level == "note":
            continue
        for operation in (row.operations or (row.operation,)) if row.operation or row.operations else ():
            assert operation is not None
            path = operation.path
            if row.rule == "undeclared-operation" and BASE[name] and path.startswith(BASE[name] + "/"):
                path = path[len(BASE[name]) :]
            status: object = row.where.status
            if row.rule == "no-answer":
                status = "closed"
            elif (
                row.rule == "invalid-request-accepted" and row.example is not None and row.example.response is not None
            ):
                status = row.example.response.status
            elif status is not None and not str(status).isdigit():
                status = row.example.response.status if row.example is not None and row.example.response else None
            # A row that was folded over several statuses says none; the map says which it was for each operation.
            own = cells[operation.method, operation.path, row.fingerprint] if status is None else []
            for number in dict.fromkeys(code for code in own if code.isdigit()) or [status]:
                found = {"kind": kind, "method": operation.method, "path": path}
                yield found | ({"status": number} if number is not None else {})


def scored(name: str, found: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The lists' part of a Score."""
    assert DATA is not None
    spec = importlib.util.spec_from_file_location("score", DATA / "targets" / "score.py")
    assert spec is not None and spec.loader is not None
    scorer = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(scorer)
    target = json.loads((home(name) / "facts.json").read_text())
    wide, strict, total, missed, traps, outside = scorer.score(target, list(found))
    return {
        "found": dict(wide),
        "strict": dict(strict),
        "total": dict(total),
        "missed": missed,
        "traps": traps,
        "outside": outside,
    }


def measure(
    name: str,
    work: Path,
    *,
    max_examples: int = 50,
    seed: int = 1,
    max_time: str = "60s",
    routes: bool = True,
    fuzz: bool = True,
) -> Score:
    """One run of ours against a fresh service, without a corpus."""
    with service(name, work) as (origin, where):
        flags: dict[str, Any] = {
            "documents": [str(document(where))],
            "target": origin + BASE[name],
            "headers": headers(name, origin, where),
            "max_examples": str(max_examples),
            "max_time_s": max_time,
            "timeout_s": "5s",
            "seed": str(seed),
            "corpus": False,
            "types": False,
        }
        if routes:
            flags["routes"] = [
                f"laravel:{where / 'routes.json'}" if name == "laravel" else f"text:{where / 'routes.txt'}"
            ]
        if not fuzz:
            flags |= {"fuzz": False, "walk": True}
        began = time.monotonic()
        report = run.check(settings.load(flags, {}, where))
        seconds = time.monotonic() - began
    told = [row for row in report.findings if row.level != "note"]
    return Score(
        name,
        **scored(name, reports(name, report)),
        seconds=seconds,
        requests=report.kpis.drift.exchanges,
        findings={
            print_: [FOLDED] * (len(row.sources) > 1 and len(row.operations) > 1) + list(row.sources)
            for row in told
            for print_ in ([member.fingerprint for member in row.operations] or [row.fingerprint])
        },
        causes=len(told),
        report=report,
    )


# --- the peer ---------------------------------------------------------------------------------------------------------


def measure_peer(name: str, work: Path, *, seed: int = 1, max_time: int = PEER_SECONDS) -> Score:
    """One run of Schemathesis' own command against a fresh service; it gets no route list, for it reads none."""
    told = work / "peer"
    shutil.rmtree(told, ignore_errors=True)
    with service(name, work) as (origin, where):
        command = [
            str(Path(sys.executable).with_name("st")), "run", str(document(where)), "--url", origin + BASE[name],
            "--phases", "examples,coverage,fuzzing,stateful", "--seed", str(seed), "--continue-on-failure",
            "--request-timeout", "5", "-n", "25", "--max-time", str(max_time), "--no-color",
            "--report", "ndjson", "--report-dir", str(told), "--generation-database", "none",
        ]  # fmt: skip
        for line in headers(name, origin, where):
            command += ["--header", line]
        began = time.monotonic()
        # Its own limit is looked at between two cases only, and slow operations carry it far beyond.
        with subprocess.Popen(command, cwd=where, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as peer:
            try:
                said, _ = peer.communicate(timeout=max_time + 10)
            except subprocess.TimeoutExpired:
                peer.send_signal(signal.SIGINT)
                try:
                    said, _ = peer.communicate(timeout=30)
                except subprocess.TimeoutExpired:
                    peer.kill()
                    said, _ = peer.communicate()
        seconds = time.monotonic() - began
    events = next(told.glob("*.ndjson"), None)
    if events is None:
        raise RuntimeError(f"st run: {said[-600:]}")
    failures, requests = read_peer(events)
    found = [
        {"kind": PEER_KIND[kind], "method": method, "path": path, "status": status}
        for kind, method, path, status in sorted(failures, key=str)
        if kind in PEER_KIND
    ]
    return Score(
        name,
        **scored(name, found),
        seconds=seconds,
        requests=requests,
        findings={" ".join(map(str, failure)): [] for failure in sorted(failures, key=str)},
        causes=len(failures),
    )


def read_peer(path: Path) -> tuple[set[tuple[str, str, str, Any]], int]:
    """Each failure's type, method, path template and status, and how many requests were sent."""
    failures: set[tuple[str, str, str, Any]] = set()
    requests = 0
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            if not line.endswith("\n"):
                break  # it was stopped while it wrote
            event = json.loads(line)
            error = event.get("NonFatalError") or {}
            if (error.get("value") or {}).get("type") in SILENCES:
                method, _, template = error["label"].partition(" ")
                failures.add(("NoAnswer", method, template, "closed"))
            recorder = event.get("ScenarioFinished", {}).get("recorder") or {}
            interactions = recorder.get("interactions") or {}
            requests += len(interactions)
            for case, checks in (recorder.get("checks") or {}).items():
                answer = (interactions.get(case) or {}).get("response") or {}
                for check in checks:
                    failure = (check.get("failure_info") or {}).get("failure")
                    if check.get("status") == "failure" and failure:
                        method, _, template = failure["operation"].partition(" ")
                        failures.add((failure["type"], method, template, answer.get("status_code", "closed")))
    return failures, requests


# --- tables -----------------------------------------------------------------------------------------------------------


def differ(one: Score | None, other: Score | None, walk: Score | None) -> tuple[int, int] | None:
    """How many findings only one of two runs has: of the walk, and of whoever goes by luck; None if there were not two."""
    if one is None or other is None:
        return None
    apart = set(one.findings) ^ set(other.findings)
    lucky = apart & (one.fuzzed(walk) | other.fuzzed(walk))
    return len(apart - lucky), len(lucky)


def table(rows: Sequence[Sequence[object]]) -> str:
    head, *rest = [[str(cell) for cell in row] for row in rows]
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rest]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def facts(score: Score | None) -> str:
    if score is None:
        return ""
    return f"{sum(score.found.values())} / {sum(score.strict.values())}"


Results = Mapping[tuple[str, str], Score]


def _columns(results: Results) -> list[str]:
    return [run for run in ("walk", "routes", "alone", "peer") if any(key[1] == run for key in results)]


def by_service(results: Results) -> str:
    """What each run met and cost, a line per service and run."""
    rows: list[list[object]] = [
        ["service", "run", "facts met, wide / strict", "of", "traps", "requests", "seconds", "findings", "causes", "differ between two runs: walk + luck"]
    ]  # fmt: skip
    for name in dict.fromkeys(key[0] for key in results):
        for kind in _columns(results):
            score = results.get((name, kind))
            if score is None:
                continue
            again = results.get((name, f"{kind}-again"))
            apart = differ(score, again, results.get((name, "walk")))
            gap = "" if apart is None else f"{sum(apart)}" if kind == "peer" else f"{apart[0]} + {apart[1]}"
            rows.append(
                [
                    name,
                    RUNS[kind],
                    facts(score),
                    sum(score.total.values()),
                    len(score.traps),
                    f"{score.requests:,}",
                    f"{score.seconds:.0f}",
                    f"{len(score.findings):,}",
                    score.causes,
                    gap,
                ]
            )
    return table(rows)


def short(results: Results) -> str:
    """One line per service: facts of our runs and of the peer, wide."""
    columns = _columns(results)
    rows: list[list[object]] = [["service", "facts", *(RUNS[kind] for kind in columns), "traps, ours", "traps, peer"]]
    sums: Counter[str] = Counter()
    for name in dict.fromkeys(key[0] for key in results):
        scores = {kind: results.get((name, kind)) for kind in columns}
        known = next(score for score in scores.values() if score is not None)
        whole = sum(known.total.values())
        row: list[object] = [name, whole]
        sums["facts"] += whole
        for kind, score in scores.items():
            row.append("" if score is None else f"{sum(score.found.values())} in {score.seconds:.0f} s")
            sums[kind] += 0 if score is None else sum(score.found.values())
        for kind in ("routes", "peer"):
            score = scores.get(kind)
            row.append("" if score is None else len(score.traps))
            sums[f"traps {kind}"] += 0 if score is None else len(score.traps)
        rows.append(row)
    rows.append(["all", sums["facts"], *(sums[kind] for kind in columns), sums["traps routes"], sums["traps peer"]])
    return table(rows)


def by_kind(results: Results) -> str:
    """Strict recall of each kind over all services."""
    columns = _columns(results)
    rows: list[list[object]] = [["kind", "facts", *(RUNS[kind] for kind in columns), "goal"]]
    totals = {kind: _added(results, kind) for kind in columns}
    whole = next(iter(totals.values()))[1] if totals else Counter()
    for kind in sorted(whole):
        row: list[object] = [kind, whole[kind]]
        for column in columns:
            found, of = totals[column]
            row.append(f"{found[kind]} ({100 * found[kind] / of[kind]:.0f} %)" if of[kind] else "")
        rows.append([*row, f"{100 * GOALS.get(kind, GOAL):.0f} %"])
    row = ["all facts", sum(whole.values())]
    for column in columns:
        found, of = totals[column]
        row.append(f"{sum(found.values())} ({100 * sum(found.values()) / max(1, sum(of.values())):.0f} %)")
    rows.append([*row, ""])
    return table(rows)


def _added(results: Results, kind: str) -> tuple[Counter[str], Counter[str]]:
    found: Counter[str] = Counter()
    whole: Counter[str] = Counter()
    for (_, run_kind), score in results.items():
        if run_kind == kind:
            found.update(score.strict)
            whole.update(score.total)
    return found, whole


def misses(results: Results) -> list[str]:
    """Goals that our run with routes did not reach, a sentence each."""
    said = []
    found, whole = _added(results, "routes")
    for kind in sorted(whole):
        goal = GOALS.get(kind, GOAL)
        if found[kind] < goal * whole[kind]:
            said.append(f"{kind}: {found[kind]} of {whole[kind]} facts, and {100 * goal:.0f} % are the goal")
    for (name, kind), score in results.items():
        if kind != "routes":
            continue
        if score.traps:
            said.append(f"{name}: traps reported: {', '.join(score.traps)}")
        peer = results.get((name, "peer"))
        if peer is not None and sum(peer.found.values()) > sum(score.found.values()):
            said.append(f"{name}: the peer met {facts(peer)}, we {facts(score)}")
        for run_kind in ("walk", "routes"):
            apart = differ(*(results.get((name, each)) for each in (run_kind, f"{run_kind}-again", "walk")))
            if apart is not None and apart[0]:
                said.append(f"{name}, {RUNS[run_kind]}: {apart[0]} findings of the walk are in one of two runs alone")
    return said


def written(path: Path, mark: str, text: str) -> None:
    """Puts the text between `<!-- mark -->` and `<!-- end of mark -->` of a file."""
    begin, end = f"<!-- {mark} -->", f"<!-- end of {mark} -->"
    whole = path.read_text(encoding="utf-8")
    if begin not in whole or end not in whole:
        raise SystemExit(f"{path}: no place for it: {begin} … {end}")
    pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
    path.write_text(pattern.sub(lambda _: f"{begin}\n{text}\n{end}", whole), encoding="utf-8")


# --- the command ------------------------------------------------------------------------------------------------------


def one(kind: str, name: str, work: Path, chosen: argparse.Namespace) -> Score:
    """The run of that name."""
    seed = chosen.seed + kind.endswith("-again")
    if kind.startswith("peer"):
        return measure_peer(name, work, seed=seed, max_time=chosen.peer_time)
    return measure(
        name,
        work,
        max_examples=chosen.max_examples,
        seed=seed,
        routes=kind != "alone",
        fuzz=not kind.startswith("walk"),
    )


def kept(path: Path, name: str, score: Score | None = None) -> Score | None:
    """Writes a score, or reads it again, scored by today's lists."""
    if score is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        if score.report is not None:
            path.with_suffix(".report.json").write_text(report_json.render(score.report), encoding="utf-8")
        plain = asdict(Score(**{**vars(score), "report": None}))
        path.write_text(json.dumps({key: value for key, value in plain.items() if key != "report"}), encoding="utf-8")
        return score
    if not path.exists():
        return None
    score = Score(**json.loads(path.read_text(encoding="utf-8")))
    whole = path.with_suffix(".report.json")
    if whole.exists():
        report = report_json.read(whole.read_bytes())
        score = Score(**{**vars(score), **scored(name, reports(name, report)), "report": report})
    return score


def quick(work: Path) -> int:
    """Our run with routes on two services, held against committed numbers."""
    failed = False
    for name, floor in QUICK.items():
        score = measure(name, work / name, max_examples=25)
        found = sum(score.found.values())
        print(f"{name}: {found} of {sum(score.total.values())} facts, at least {floor}; traps: {score.traps or 'none'}")
        failed = failed or found < floor or bool(score.traps)
    return 1 if failed else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("services", nargs="*", metavar="SERVICE", help=f"of {', '.join(BASE)} (default: all)")
    parser.add_argument("--runs", default=",".join(RUNS), help=f"of {', '.join(RUNS)} (default: all)")
    parser.add_argument("--work", type=Path, help="folder of what the services install; kept")
    parser.add_argument("--results", type=Path, help="folder where each run's result is kept, and not made again")
    parser.add_argument("--kept", action="store_true", help="run nothing: the tables of what --results has")
    parser.add_argument("--max-examples", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--peer-time", type=int, default=PEER_SECONDS, metavar="SECONDS")
    parser.add_argument("--list", action="store_true", help="what was missed, and what is in neither list")
    parser.add_argument("--write", action="store_true", help="put the tables into README.md and bench/truth.md")
    parser.add_argument("--quick", action="store_true", help="for CI: two services, our run with routes alone")
    chosen = parser.parse_args()
    if DATA is None:
        print("left out: the shared data is not here (CONTRACT_DATA, or ../shared/data)")
        return 0
    kinds = [kind for kind in chosen.runs.split(",") if kind]
    names = chosen.services or list(BASE)
    if unknown := [word for word in [*kinds, *names] if word not in RUNS and word not in BASE]:
        parser.error(f"unknown: {', '.join(unknown)}")
    work = (chosen.work or Path(tempfile.mkdtemp(prefix="contract-truth-"))).resolve()
    try:
        if chosen.quick:
            return quick(work)
        results: dict[tuple[str, str], Score] = {}
        for name in names:
            for kind in kinds:
                path = (chosen.results or work / "results") / f"{name}-{kind}.json"
                score = kept(path, name)
                if score is None:
                    if chosen.kept:
                        continue
                    score = one(kind, name, work / name, chosen)
                    kept(path, name, score)
                results[name, kind] = score
                print(f"{name}, {RUNS[kind]}: {facts(score)} of {sum(score.total.values())} facts, {len(score.traps)} traps, "
                      f"{score.requests} requests, {score.seconds:.0f} s", flush=True)  # fmt: skip
                if chosen.list:
                    print("  missed:", *score.missed, "\n  traps:", *score.traps)
                    for item in score.outside:
                        print("  outside:", json.dumps(item))
    finally:
        if chosen.work is None:
            shutil.rmtree(work, ignore_errors=True)
    print(f"\n{by_service(results)}\n\n{by_kind(results)}\n")
    if chosen.write:
        written(ROOT / "README.md", "table of bench/truth.py", short(results))
        written(ROOT / "bench" / "truth.md", "tables", f"{by_service(results)}\n\n{by_kind(results)}")
    said = misses(results)
    print(*said, sep="\n")
    return 1 if said else 0


if __name__ == "__main__":
    sys.exit(main())
