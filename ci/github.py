"""Two steps of the GitHub Action in `action.yml`: the check with its reports, and the comment on the pull request.

    python -P ci/github.py check      runs `contract check`, shows what it found, and writes the step's outputs
    python -P ci/github.py comment    writes or edits the one comment on the pull request

What the workflow says comes in environment variables (`INPUT_*`) and is never part of a shell's text.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

VERDICTS = {0: "passed", 1: "failed", 3: "no verdict"}
FLAGS = {
    "INPUT_DOCUMENT": "--document",
    "INPUT_ROUTES": "--routes",
    "INPUT_TRAFFIC": "--traffic",
    "INPUT_TARGET": "--target",
    "INPUT_CONFIG": "--config",
    "INPUT_FAIL_ON": "--fail-on",
    "INPUT_BASELINE": "--baseline",
    "INPUT_ENVIRONMENT": "--environment",
}
"""Inputs that are flags; several lines are the flag several times."""
REPORTS = {
    "json": "contract.json",
    "html": "contract.html",
    "sarif": "contract.sarif",
    "summary": "summary.md",
    "comment": "comment.md",
    "github": "annotations.txt",
}


def main(words: list[str]) -> int:
    steps = {"check": check, "comment": comment}
    if len(words) != 1 or words[0] not in steps:
        sys.exit(f"say one of: {', '.join(steps)}")
    return steps[words[0]](os.environ)


def check(environ: Mapping[str, str]) -> int:
    """Runs the check; 0 whatever it found, since the last step of the action gives its exit code to the job."""
    reports = Path(tempfile.mkdtemp(prefix="contract-", dir=environ.get("RUNNER_TEMP") or None))
    # `-P`: a folder `contract` in the repository is not this program.
    command = [sys.executable, "-P", "-m", "contract", "check", *arguments(environ, reports)]
    # A server may answer with text that looks like a command to the runner, so commands are off while it is printed.
    token = secrets.token_hex(16)
    say(f"::stop-commands::{token}")
    try:
        code = subprocess.run(command, stdin=subprocess.DEVNULL, stderr=subprocess.STDOUT, check=False).returncode
    finally:
        say(f"\n::{token}::")  # on a line of its own, whatever was printed last
    for line in text(reports / REPORTS["github"]).splitlines():
        say(line)
    if code not in VERDICTS:
        say(command_line("error", f"contract check ended with exit code {code}; the log of this step says why"))
    if summary := text(reports / REPORTS["summary"]):
        append(environ["GITHUB_STEP_SUMMARY"], summary)
    for name, value in outputs(code, reports):
        # A value of several lines could be read as a further output.
        append(environ["GITHUB_OUTPUT"], f"{name}={' '.join(value.split())}\n")
    return 0


def arguments(environ: Mapping[str, str], reports: Path) -> Iterator[str]:
    """The flags of `contract check`: a value is bound to its flag, so none can be read as another flag."""
    for variable, flag in FLAGS.items():
        yield from (f"{flag}={value}" for value in lines(environ.get(variable, "")))
    for base in lines(environ.get("INPUT_BASE_REPORT", "")):
        if Path(base).is_file():
            yield f"--base-report={base}"
        else:
            say(command_line("notice", f"{base}: there is no base report yet, so all that is found counts as new"))
    yield from lines(environ.get("INPUT_ARGS", ""))
    yield "--format=text"
    yield from (f"--format={name}={reports / file}" for name, file in REPORTS.items())


def lines(value: str) -> list[str]:
    return [line.strip() for line in value.splitlines() if line.strip()]


def outputs(code: int, reports: Path) -> Iterator[tuple[str, str]]:
    """What later steps may ask for; a file that was not written is no output."""
    yield "exit-code", str(code)
    yield "verdict", VERDICTS.get(code, "error")
    yield "reports", str(reports)
    for name in ("json", "html", "comment"):
        if (reports / REPORTS[name]).is_file():
            yield name, str(reports / REPORTS[name])
    # GitHub closes every alert that the next file does not have, so a run without a verdict hands in none.
    if code in (0, 1) and (reports / REPORTS["sarif"]).is_file():
        yield "sarif", str(reports / REPORTS["sarif"])
    if said := text(reports / REPORTS["json"]):
        yield from figures(json.loads(said)["kpis"])


def figures(kpis: Any) -> Iterator[tuple[str, str]]:
    """The three figures, as the reports print them."""
    from contract.core.report import Ratio

    for name in ("completeness", "generation"):
        part, whole, verdict = (kpis[name][key] for key in ("part", "whole", "verdict"))
        if verdict == "error":
            yield name, "failed to measure"
        else:
            yield name, str(Ratio(part or 0, whole or 0))
    drift = kpis["drift"]
    words = {"undecided": "undecided", "error": "failed to measure"}
    counted = "no evidence" if drift["count"] is None else str(drift["count"])
    yield "drift", words.get(drift["verdict"], counted)


def comment(environ: Mapping[str, str]) -> int:
    """Edits our comment on the pull request, or writes it; 0 also where that is not allowed, and then a notice says so."""
    event = json.loads(text(Path(environ.get("GITHUB_EVENT_PATH") or os.devnull)) or "{}")
    number = event.get("pull_request", {}).get("number") or event.get("number")
    if not isinstance(number, int):
        say("This run is about no pull request, so there is nothing to comment on.")
        return 0
    body = text(Path(environ["COMMENT"])) + link(environ)
    issue = f"repos/{environ['GITHUB_REPOSITORY']}/issues"
    try:
        ours = earlier(f"{issue}/{number}/comments", body.partition("\n")[0])
        if ours is None:
            gh("api", "--method", "POST", f"{issue}/{number}/comments", "--input", "-", said={"body": body})
        else:
            gh("api", "--method", "PATCH", f"{issue}/comments/{ours}", "--input", "-", said={"body": body})
    except (OSError, Refused) as error:
        why = (
            f"The comment was not written: {error}. It needs `permissions: pull-requests: write`, which a pull request "
        )
        say(command_line("notice", f"{why}from a fork never has; the job's summary says the same."))
    return 0


def link(environ: Mapping[str, str]) -> str:
    """A line that leads to the run, which keeps the HTML report; `comment.md` leaves room for it."""
    server, run = environ.get("GITHUB_SERVER_URL"), environ.get("GITHUB_RUN_ID")
    return f"\n[This run]({server}/{environ['GITHUB_REPOSITORY']}/actions/runs/{run})\n" if server and run else ""


class Refused(Exception):
    """GitHub's answer, as `gh` tells it."""


def earlier(path: str, marker: str) -> int | None:
    """The comment that we wrote before. One of somebody else that begins with the same mark is left alone."""
    try:
        viewer = json.loads(gh("api", "graphql", "-f", "query={viewer{login}}"))["data"]["viewer"]["login"]
    except Refused:
        viewer = "github-actions[bot]"
    # GraphQL names an app without `[bot]`, REST with it.
    me = viewer.removesuffix("[bot]")
    for one in pages(gh("api", "--paginate", f"{path}?per_page=100")):
        login = (one.get("user") or {}).get("login", "")
        if login.removesuffix("[bot]") == me and (one.get("body") or "").splitlines()[:1] == [marker]:
            return int(one["id"])
    return None


def pages(said: str) -> Iterator[Any]:
    """The items of all pages: `gh` prints one list after the other, or one list of them all, by its version."""
    decoder, at = json.JSONDecoder(), 0
    while at < len(said):
        page, at = decoder.raw_decode(said, at)
        yield from page
        while at < len(said) and said[at].isspace():
            at += 1


def gh(*words: str, said: Any = None) -> str:
    """What GitHub's own command line prints; it has the token from `GH_TOKEN`, and knows GitHub Enterprise."""
    done = subprocess.run(
        ["gh", *words],
        input="" if said is None else json.dumps(said),
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        raise Refused(" ".join(done.stderr.split())[:300] or f"gh ended with exit code {done.returncode}")
    return done.stdout


def command_line(name: str, message: str) -> str:
    """A workflow command; what would end it, or begin another, is escaped."""
    escaped = message.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return f"::{name} title=contract::{escaped}"


def text(path: Path) -> str:
    """The file, and nothing where there is none: which reports there are depends on how far the run came."""
    return path.read_text("utf-8") if path.exists() else ""


def append(file: str, words: str) -> None:
    with Path(file).open("a", encoding="utf-8") as stream:
        stream.write(words)


def say(line: str) -> None:
    """At once, since what the check prints goes past this process."""
    sys.stdout.buffer.write(f"{line}\n".encode())
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
