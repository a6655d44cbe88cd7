"""How many findings `contract fix` ends by a proven patch of the document, and how many lines the patches touch.

    python bench/fix.py [--switches NAME …] [--services [NAME …]] [--work DIR] [--write]

Each switch of the demo is turned on alone; `contract check` runs in a process of its own, and `contract fix` on its report.
What only a route list shows has no exchange: for `undeclared-operation` one request is sent to the served demo and given as
recorded traffic. `--services` runs the walk against services of the shared data, as `bench/truth.py` does; without a
name against all of them. `--write` puts the tables of the run into docs/fix.md.

Ends with 1 where a switch whose remedy is on the document's side has no patch, or one of the server's side has one.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import urllib.request
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from contract.app import fix, reported, settings  # noqa: E402
from contract.core import remedies  # noqa: E402
from contract.core.report import Ratio, Report  # noqa: E402
from contract.demo import DRIFTS  # noqa: E402

DOCUMENT_S_SIDE = frozenset(
    [
        "null-due-at",
        "undeclared-status",
        "undeclared-media-type",
        "undeclared-property",
        "undeclared-parameter",
        "undeclared-operation",
    ]
)
"""Switches whose drift a document can take in. The others are faults of the server, or a decision."""
SESSIONS = "/api/v1/admin/users/0b6f5a2e-7c1d-4a3e-9f42-1d1a6c7e5b01/sessions"
SERVICES = ("alertmanager", "crowdsec", "kinto", "netdata", "httpbin")
PAGE = ROOT / "docs" / "fix.md"


@dataclass(frozen=True)
class Row:
    name: str
    made: fix.Fixes

    @property
    def fixed(self) -> int:
        return sum(len(patch.targets) for patch in self.made.patches)

    @property
    def findings(self) -> int:
        return self.fixed + len(self.made.left)

    @property
    def on_the_document(self) -> int:
        """Findings of rules that have remedies."""
        rules = [target.row.rule for patch in self.made.patches for target in patch.targets]
        rules += [one.target.row.rule for one in self.made.left]
        return sum(remedies.why_not(rule) is None for rule in rules)

    @property
    def lines(self) -> list[int]:
        return [patch.lines for patch in self.made.patches]


def of_switch(name: str, work: Path) -> Row:
    """The demo with one switch on."""
    for how in (["--no-fuzz", "--walk"], ["--max-examples", "5"]):  # the walk finds most, and costs little
        command = [
            sys.executable, "-m", "contract", "check", "-q", "--no-types", "--no-corpus", *how,
            "--report-dir", str(work / name),
        ]  # fmt: skip
        environ = {**os.environ, "CONTRACT_DEMO_DRIFT": name}
        done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True)
        if done.returncode not in (0, 1, 3):
            raise RuntimeError(f"{name}: {done.stdout[-400:]}{done.stderr[-400:]}")
        report = reported.read(work / name / "report.json")
        if report.findings:
            break
    traffic = [f"ndjson:{recorded(work)}"] if name == "undeclared-operation" else []
    return fixed(name, report, {"documents": ["specs/demo.yaml"], "traffic": traffic}, ROOT)


def recorded(work: Path) -> Path:
    """One request to the operation that is in no document, and its answer."""
    command = [sys.executable, "-m", "contract.demo", "--port", "0", "--drift", "undeclared-operation"]
    path = work / "sessions.ndjson"
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as demo:
        try:
            assert demo.stdout is not None
            origin = re.findall(r"http://\S+", demo.stdout.readline())[0]
            asked = urllib.request.Request(origin + SESSIONS, method="DELETE")
            asked.add_header("Authorization", "Bearer demo-acme-admin")
            with urllib.request.urlopen(asked) as answer:
                said = {"status": answer.status, "response_headers": dict(answer.headers.items())}
        finally:
            demo.terminate()
    path.write_text(json.dumps({"method": "DELETE", "url": SESSIONS, **said, "response_body": None}) + "\n")
    return path


def fixed(name: str, report: Report, flags: dict[str, object], cwd: Path) -> Row:
    os.chdir(cwd)
    workshop = fix.Workshop(report, settings.load({**flags, "target": None}, {}, cwd))
    return Row(name, workshop.fixes(fix.chosen(report, [])))


def of_service(name: str, work: Path) -> Row:
    from bench import truth

    score = truth.measure(name, work, fuzz=False)
    assert score.report is not None
    return fixed(name, score.report, {"documents": [str(truth.document(work))]}, work)


# --- tables


def table(rows: list[Row], head: str) -> str:
    lines = [
        f"| {head} | findings | of rules with remedies | with a proven patch | patches | lines per patch | without one, because |",
        "| --- | ---: | ---: | ---: | ---: | --- | --- |",
    ]
    for row in rows:
        why = Counter(re.split(r"[:,]", re.sub(r"`[^`]*`", "…", one.reason))[0] for one in row.made.left)
        said = "; ".join(f"{reason} ({count})" if count > 1 else reason for reason, count in why.most_common(4))
        more = len(why) - 4
        said += f"; {more} more" if more > 0 else ""
        shown = ", ".join(map(str, row.lines)) if len(row.lines) < 6 else spread(row.lines)
        figures = (row.findings, row.on_the_document, row.fixed, len(row.lines))
        lines.append(f"| {row.name} | {' | '.join(map(str, figures))} | {shown} | {said} |")
    every = [count for row in rows for count in row.lines]
    whole, part = sum(row.findings for row in rows), sum(row.fixed for row in rows)
    able = sum(row.on_the_document for row in rows)
    shares = f"{share(part, whole)}, {share(part, able)} of those"
    lines.append(f"| all | {whole} | {able} | {part} ({shares}) | {len(every)} | {spread(every)} | |")
    return "\n".join(lines)


def spread(lines: list[int]) -> str:
    if not lines:
        return ""
    ordered = sorted(lines)
    return f"median {ordered[len(ordered) // 2]}, most {ordered[-1]}"


def share(part: int, whole: int) -> str:
    return str(Ratio(part, whole))


def write(name: str, text: str) -> None:
    """Puts a table between its two marks of the page."""
    page = PAGE.read_text("utf-8")
    marks = rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)"
    fresh = re.sub(marks, lambda found: f"{found[1]}{text}\n{found[2]}", page, flags=re.DOTALL)
    PAGE.write_text(fresh, "utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--switches", nargs="*", default=list(DRIFTS), choices=list(DRIFTS), metavar="NAME")
    parser.add_argument("--services", nargs="*", metavar="NAME")
    parser.add_argument("--work", type=Path)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    wrong = []
    with tempfile.TemporaryDirectory(prefix="contract-fix-") as temporary:
        work = (arguments.work or Path(temporary)).absolute()
        work.mkdir(parents=True, exist_ok=True)
        if arguments.switches:
            rows = [of_switch(name, work) for name in arguments.switches]
            wrong = [row.name for row in rows if (row.name in DOCUMENT_S_SIDE) != bool(row.fixed)]
            print(shown := table(rows, "switch"))
            if arguments.write:
                write("switches", shown)
        if arguments.services is not None:
            rows = [of_service(name, work / name) for name in arguments.services or SERVICES]
            for row in rows:
                print(fix.as_text(row.made), file=sys.stderr)
            print(shown := table(rows, "service"))
            if arguments.write:
                write("services", shown)
    if wrong:
        print(f"on the wrong side: {', '.join(wrong)}", file=sys.stderr)
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
