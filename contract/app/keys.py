"""The one table of settings: flags, `CONTRACT_*`, the keys of `contract.toml` and their documentation come from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from contract.app.values import (
    COUNT,
    DAY,
    DEADLINE,
    DURATION,
    FILTERS,
    FLAG,
    HEADERS,
    IDS,
    LEVEL,
    LEVELS,
    NAMES,
    OUTPUTS,
    PATH,
    PATH_OR_NONE,
    PATHS,
    RATE,
    SEED,
    SHARE,
    SOURCES,
    TARGET,
    TENANT,
    TEXT,
    TRAFFIC,
    TYPES_TARGETS,
    Kind,
)


@dataclass(frozen=True)
class Key:
    """One setting: how it is called in each place, and how it is read."""

    name: str
    """The field of Settings."""
    path: str | None
    """Where it stands in the file: `fuzz.max_time`; None for what only a flag can say."""
    flag: str
    metavar: str | None
    kind: Kind
    section: str
    help: str
    shown_default: str | None = None
    on: bool = True
    """What the flag says, where it takes no value."""
    opposite: tuple[str, bool, str] | None = None
    """A second flag, what it says, and its help: what a file says can be unsaid."""

    @property
    def variable(self) -> str | None:
        """The environment variable: the flag's name, `CONTRACT_MAX_TIME`."""
        if self.path is None:
            return None
        return "CONTRACT_" + self.flag.removeprefix("--").removeprefix("no-").replace("-", "_").upper()


DOCUMENT, EVIDENCE, WALK, FUZZER, REQUESTS, SCOPE, TYPES, RUN, REPORTS, GATE = (
    "document",
    "evidence",
    "walk",
    "fuzzer",
    "requests",
    "scope",
    "generated types",
    "this run",
    "reports",
    "gate",
)
SECTIONS = {
    DOCUMENT: "What is declared.",
    EVIDENCE: "What is implemented and observed.",
    WALK: "Each operation is asked the same fixed things in every run; what is deleted was made by it.",
    FUZZER: "How long and how hard the fuzzer works; bounded by cases, a seed repeats.",
    REQUESTS: "How the target is asked.",
    SCOPE: "Which operations are meant: `GET /tasks/*`, `/tasks/*`, `tag:admin`, `operationId:listTasks`.",
    TYPES: "Code that is generated from the document and proved.",
    RUN: "What the report says of the run.",
    REPORTS: "Where the answer goes.",
    GATE: "What makes the run fail.",
}

# fmt: off
KEYS: tuple[Key, ...] = (
    Key("documents", "document", "--document", "FILE", PATHS, DOCUMENT,
        "the OpenAPI or Swagger document; again for a further one"),
    Key("allow_refs", "allow_refs", "--allow-ref", "PREFIX", PATHS, DOCUMENT,
        "let `$ref` lead to URLs that begin so, or into this folder outside the project"),
    Key("target", "target", "--target", "URL", TARGET, EVIDENCE,
        "the running API: http://127.0.0.1:8000, or in process asgi:MODULE:APP, wsgi:MODULE:APP"),
    Key("routes", "routes", "--routes", "KIND:WHERE", SOURCES, EVIDENCE,
        "what the framework serves: laravel:routes.json, asgi:MODULE:APP, flask:MODULE:APP, django:SETTINGS, "
        "express:dist/app.js, openapi:exported.json, text:routes.txt (docs/routes.md has them all)"),
    Key("traffic", "traffic", "--traffic", "KIND:FILE", TRAFFIC, EVIDENCE,
        "recorded exchanges: har:capture.har, ndjson:traffic.ndjson, mitmproxy:flows.mitm, nginx:access.log, envoy:access.log"),
    Key("jobs", "jobs", "--jobs", "N", COUNT, EVIDENCE,
        "processes that judge recorded traffic", "one for each core, where it is large"),
    Key("tenant", "tenant", "--tenant", "WHERE", TENANT, EVIDENCE,
        "where a request says whose it is, counted as a hash: header:X-Tenant, path:tenant, query:tenant, host"),
    Key("walk", "walk.enabled", "--no-walk", None, FLAG, WALK,
        "leave out the tour of each operation that comes before the fuzzer", "as the fuzzer",
        on=False, opposite=("--walk", True, "walk, even where nothing is fuzzed")),
    Key("ids", "walk.ids", "--id", "NAME=VALUE", IDS, WALK,
        "a value that exists, by the name of a parameter or of a thing: `--id project_id=17`; several parted by commas"),
    Key("dangerous", "walk.dangerous", "--dangerous", "PATTERN", FILTERS, WALK,
        "never ask these; those called shutdown, reset, purge, logout and the like are left out anyway"),
    Key("allow_dangerous", "walk.allow_dangerous", "--allow-dangerous", "PATTERN", FILTERS, WALK,
        "ask these all the same"),
    Key("fuzz", "fuzz.enabled", "--no-fuzz", None, FLAG, FUZZER,
        "ask the target nothing; judge routes and traffic only", "true",
        on=False, opposite=("--fuzz", True, "ask, whatever the config file says")),
    Key("max_time_s", "fuzz.max_time", "--max-time", "TIME", DEADLINE, FUZZER,
        "stop after this time and call the run incomplete; `none` for no limit", "60s"),
    Key("max_examples", "fuzz.max_examples", "--max-examples", "N", COUNT, FUZZER,
        "cases per operation and phase", "50"),
    Key("seed", "fuzz.seed", "--seed", "N", SEED, FUZZER,
        "the same seed sends the same requests", "1"),
    Key("workers", "fuzz.workers", "--workers", "N", COUNT, FUZZER,
        "requests at the same time", "1"),
    Key("corpus", "corpus", "--corpus", "PATH", PATH_OR_NONE, FUZZER,
        "keep what only the fuzzer found in this file, and ask it first the next time", ".contract/corpus.ndjson",
        opposite=("--no-corpus", False, "keep nothing, and ask the fuzzer alone")),
    Key("headers", "headers", "--header", "'NAME: VALUE'", HEADERS, REQUESTS,
        "sent with every request; ${VAR} is read from the environment and never printed"),
    Key("rate_limit", "rate_limit", "--rate-limit", "N/s", RATE, REQUESTS,
        "at most so many requests, such as 50/s", "none"),
    Key("timeout_s", "timeout", "--timeout", "TIME", DURATION, REQUESTS,
        "how long to wait for one answer", "10s"),
    Key("insecure", "insecure", "--insecure", None, FLAG, REQUESTS,
        "take the target's TLS certificate whoever signed it", "false",
        opposite=("--no-insecure", False, "verify it, whatever the config file says")),
    Key("include", "include", "--include", "PATTERN", FILTERS, SCOPE,
        "only these operations"),
    Key("exclude", "exclude", "--exclude", "PATTERN", FILTERS, SCOPE,
        "not these; say why: 'GET /internal/* :: served to the load balancer only'"),
    Key("safe", "safe", "--safe", None, FLAG, SCOPE,
        "send only GET, HEAD and OPTIONS", "false",
        opposite=("--no-safe", False, "send every method, whatever the config file says")),
    Key("types", "generate", "--types", "NAME[=DIR]", TYPES_TARGETS, TYPES,
        "targets to generate and prove, such as python=generated/python; `none` for none",
        "those of generated/manifest.json, else python, where the extra `types` is installed",
        opposite=("--no-types", False, "generate nothing")),
    Key("environment", "environment", "--environment", "NAME", TEXT, RUN,
        "where the API runs: ci, staging"),
    Key("release", "release", "--release", "NAME", TEXT, RUN,
        "which release was checked"),
    Key("commit", "commit", "--commit", "SHA", TEXT, RUN,
        "which commit was checked", "what CI or git says"),
    Key("formats", "format", "--format", "NAME[=PATH]", OUTPUTS, REPORTS,
        "text, json, markdown, html, sarif, junit, github, gitlab, summary, comment; again for a further one; only one "
        "may lack a path", "text"),
    Key("report_dir", "report_dir", "--report-dir", "DIR", PATH, REPORTS,
        "where the last run's report.json and report.html are kept", ".contract"),
    Key("ledger", "ledger", "--ledger", "FILE", PATH, REPORTS,
        "write all that was counted to this file, for `contract merge`; packed if it ends in .gz"),
    Key("redact", "redact", "--redact", "NAME", NAMES, REPORTS,
        "mask this header, parameter or property too"),
    Key("fail_on", "fail_on", "--fail-on", "LEVEL", LEVEL, GATE,
        "the least level that fails: error, warning, note", "error"),
    Key("floor", "floor", "--floor", "SHARE", SHARE, GATE,
        "operations that must be exercised for a verdict on drift", "80%"),
    Key("levels", "levels", "--level", "RULE=LEVEL", LEVELS, GATE,
        "another level for a rule, or off; `*` stands for any text"),
    Key("baseline", "baseline", "--baseline", "FILE", PATH, GATE,
        "accepted findings; only others fail"),
    Key("base_report", "base_report", "--base-report", "FILE", PATH, GATE,
        "the JSON report of the base branch: what it had too does not fail, and reports show what changed since"),
    Key("update_baseline", None, "--update-baseline", None, FLAG, GATE,
        "accept all that is found, with --reason, and write it to the baseline"),
    Key("reason", None, "--reason", "TEXT", TEXT, GATE,
        "why it is accepted"),
    Key("until", None, "--until", "DATE", DAY, GATE,
        "the last day on which the acceptance holds"),
)
# fmt: on

BY_PATH = {key.path: key for key in KEYS if key.path is not None}
OLD_NAMES = {"types": "generate"}
"""Keys of the file as they were called once, and are still read."""
TABLES = frozenset(path.partition(".")[0] for path in BY_PATH if "." in path)


def nearest(word: str, known: Sequence[str]) -> str | None:
    """The known word that was most likely meant; None if none is near.

    >>> nearest("max_tmie", ["max_time", "seed"]), nearest("colour", ["seed"])
    ('max_time', None)
    """
    from difflib import get_close_matches

    return next(iter(get_close_matches(word, known, 1, 0.6)), None)
