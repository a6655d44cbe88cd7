"""Somebody's test suite as a source: its exchanges are taken at the clients, judged between tests, and told at the end.

Under pytest-xdist each worker judges what its own tests exchange; its ledger comes to the controller with the worker's
last message, and the sum is reported there. Without it the one process is both.
"""

from __future__ import annotations

import os
import threading
import uuid
import warnings
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from contract.app import collect, documents, earlier, outputs, prove, record, run, traffic
from contract.app import gathered as seen
from contract.app.settings import Settings, load
from contract.app.steps import silent
from contract.app.values import Output
from contract.core import stored
from contract.core.check import Judge
from contract.core.compose import Proven, compose
from contract.core.errors import ConfigError, ContractError
from contract.core.evidence import Lost
from contract.core.finding import Proof
from contract.core.ledger import Ledger
from contract.core.openapi import Contract
from contract.core.report import Report, Run, Source, Verdict
from contract.sources.clients import django, httpx, requests, starlette, werkzeug
from contract.sources.clients._tap import Seams, Taken, Tap
from contract.sources.traffic._recorded import wanted

CLIENTS = (starlette, werkzeug, django, httpx, requests)
SUITE = "the tests"
_SUFFIXES = {".html": "html", ".htm": "html", ".json": "json", ".md": "markdown", ".sarif": "sarif", ".xml": "junit", ".txt": "text"}  # fmt: skip
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]", "0.0.0.0", "testserver"})
_WORKER = "contract"


def start(config: pytest.Config) -> None:
    """Begins to record; raises UsageError for what the user can put right."""
    given: Mapping[str, Any] = getattr(config, "workerinput", {})
    cwd = Path(given.get(_WORKER, {}).get("cwd", config.invocation_params.dir))
    try:
        suite = Suite(config, *_settings(config, cwd))
    except ContractError as error:
        raise pytest.UsageError(error.message + (f"\n  hint: {error.hint}" if error.hint else "")) from error
    config.pluginmanager.register(suite, "contract-suite")


def _settings(config: pytest.Config, cwd: Path) -> tuple[Settings, list[Output]]:
    option = config.getoption
    reports = [_output(text, cwd) for text in option("contract_reports") or ()]
    flags = {
        "documents": option("contract_documents"),
        "floor": option("contract_floor"),
        "fail_on": option("contract_fail_on"),
        "baseline": option("contract_baseline"),
        "config": option("contract_config"),
    }
    settings = load(flags, os.environ, cwd)
    settings = replace(
        settings,
        # What else the config file names is for `contract check`: here the tests are the only evidence.
        documents=tuple(str(cwd / path) for path in settings.documents),
        target=None,
        routes=(),
        traffic=(SUITE,),
        types=(),
        fuzz=False,
        walk=False,
        safe=False,
        update_baseline=False,
        ledger=None,
    )
    for one in reports:
        outputs.renderer(one.format)
    outputs.probe(Path(one.path) for one in reports if one.path is not None)
    return settings, reports


def _output(text: str, cwd: Path) -> Output:
    name, equals, path = text.partition("=")
    if not equals or "/" in name or "." in name:
        name, path = _SUFFIXES.get(Path(text).suffix.lower(), ""), text
        if not name:
            raise ConfigError(f"--contract-report: nothing tells the format of {text}", f"say it: `html={text}`")
    if not path:
        raise ConfigError(f"--contract-report {text}: the report needs a path", f"`{name}=report.{name}`")
    return Output(name, str(cwd / path))


@dataclass
class Part:
    """What the tests of one process come to."""

    ledger: Ledger = field(default_factory=Ledger)
    raised: int = 0
    faults: int = 0
    fault: str | None = None
    others: Counter[str] = field(default_factory=Counter)
    unproved: int = 0
    """Errors that nobody confirmed for want of a second validator, and why."""
    why: str | None = None

    def __add__(self, other: Part) -> Part:
        return Part(
            self.ledger + other.ledger,
            self.raised + other.raised,
            self.faults + other.faults,
            self.fault or other.fault,
            self.others + other.others,
            self.unproved + other.unproved,
            self.why or other.why,
        )

    def dump(self) -> bytes:
        members = {name: getattr(self, name) for name in ("raised", "faults", "fault", "others", "unproved", "why")}
        return orjson.dumps({**members, "ledger": stored.to_json(self.ledger)})

    @staticmethod
    def load(data: bytes) -> Part:
        said = orjson.loads(data)
        return Part(**{**said, "ledger": stored.from_json(said["ledger"]), "others": Counter(said["others"])})


class Suite:
    """The plug-in of one session, in the process that it runs in."""

    def __init__(self, config: pytest.Config, settings: Settings, reports: list[Output]) -> None:
        self._config = config
        self._settings = settings
        self._reports = reports
        self._started = datetime.now(UTC)
        self._worker = hasattr(config, "workerinput")
        self._test = ""
        self._workers = self._heard = 0
        self._part = Part()
        self._report: Report | None = None
        self._unwritten: list[str] = []
        document = documents.load(settings)
        self._accepted = run.read_baseline(settings)
        self._api = Contract(document)
        self._gathered = seen.Gathered(self._api, Judge(self._api, settings.level), settings, silent)
        seen.select(self._gathered)
        self._hosts = (traffic.hosts_of(self._api, None) or frozenset()) | _LOOPBACK
        self._judging = threading.Lock()
        self._tap = Tap(self._judge)
        self._seams = Seams(CLIENTS, self._tap)
        self._seams.open()

    # --- while tests run ----------------------------------------------------------------------------------------------

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self._test = nodeid

    def pytest_runtest_logfinish(self) -> None:
        self._tap.settle()
        self._judge()

    def _judge(self) -> None:
        if not self._judging.acquire(blocking=False):
            return  # another thread is at it
        try:
            self._tap.bytes = 0
            while self._tap.waiting:
                taken = self._tap.waiting.popleft()
                with self._tap.quietly():
                    self._record(taken)
        finally:
            self._judging.release()

    def _record(self, taken: Taken) -> None:
        if taken.host is not None and not wanted(taken.host, self._hosts, self._part.others):
            return
        exchange = taken.exchange
        lost: list[str] = []
        if taken.coded:
            exchange, lost = record.readable(exchange)
        for heading in lost:
            self._gathered.lose(Lost(heading, self._test))
        self._gathered.record(replace(exchange, origin=self._test or None))

    # --- workers ------------------------------------------------------------------------------------------------------

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        node.workerinput[_WORKER] = {"cwd": str(self._settings.cwd)}
        self._workers += 1

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        data = getattr(node, "workeroutput", {}).get(_WORKER)
        if data is None:
            return  # it crashed, and its part is missing: see `_missing`
        with self._tap.quietly():
            self._part += Part.load(data)
            self._heard += 1

    @property
    def _missing(self) -> int:
        return self._workers - self._heard

    # --- the end ------------------------------------------------------------------------------------------------------

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        self._seams.close()
        self._tap.settle()
        self._judge()
        if self._config.getoption("collectonly", False):
            return
        self._part += self._own()
        if self._worker:
            self._config.workeroutput[_WORKER] = self._part.dump()  # type: ignore[attr-defined]  # of pytest-xdist
            return
        # Ours to tell, and no reason that the tests' own result is lost: it fails the run, in its own words.
        try:
            self._report = self._composed()
        except ContractError as error:
            self._unwritten.append(error.message)
        else:
            self._write(self._report)
        failed = self._report is None or self._report.outcome.exit_code != 0 or bool(self._unwritten)
        if failed and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def _own(self) -> Part:
        """What was seen in this process, each finding with its proof: only here are the exchanges that show it."""
        gathered, part = self._gathered, Part()
        with self._tap.quietly():
            for fingerprint, proven in prove.prove(gathered, None, silent).items():
                gathered.ledger.sightings[fingerprint].proved = (proven.proof.value, proven.detail)
        for source in gathered.sources:
            if source.name == "proof" and source.verdict is Verdict.ERROR:
                part.unproved, part.why = source.items or 0, source.message
        part.ledger = gathered.ledger
        part.raised, part.faults, part.fault = self._tap.raised, self._tap.faults, self._tap.fault
        return part

    def _composed(self) -> Report:
        settings, part = self._settings, self._part
        total = part.ledger.settled()
        gathered = seen.Gathered(self._api, self._gathered.judge, settings, silent)
        seen.select(gathered)
        gathered.ledger = total
        collect.lint(gathered)
        collect.never_seen(gathered)
        nothing = not (total.exchanges + total.unmatched)
        gathered.sources.append(
            Source(
                "traffic",
                Verdict.NONE if nothing else Verdict.PASS,
                SUITE,
                exchanges=total.exchanges + total.unmatched,
                message="no test asked the API through a client that is known" if nothing else None,
            )
        )
        if part.why is not None:
            gathered.sources.append(
                Source("proof", Verdict.ERROR, "openapi-core", items=part.unproved, unit="unproven", message=part.why)
            )
        accepted, compared = earlier.fitting(self._accepted, self._api, settings)
        unproven = (Proof.UNPROVEN.value, "not proved when it was judged")
        proofs = {}
        for fingerprint, sighting in total.sightings.items():
            proof, detail = sighting.proved or (unproven if sighting.exchanges else (Proof.STRUCTURAL.value, None))
            proofs[fingerprint] = Proven(Proof(proof), detail)
        now = datetime.now(UTC)
        made = Run(
            id=str(uuid.uuid4()),
            started_at=self._started.isoformat(timespec="seconds").replace("+00:00", "Z"),
            elapsed_us=max(0, int((now - self._started).total_seconds() * 1_000_000)),
            complete=not self._missing,
            environment=settings.environment,
            commit=settings.commit,
            release=settings.release,
            notes=(*settings.notes, *gathered.notes, *compared, *self._notes()),
        )
        material = seen.material(gathered, made, None, proofs, accepted, prove.curl_of(None))
        return run.with_excerpts(compose(material, now.date()), settings.cwd, gathered.scrub)

    def _notes(self) -> list[str]:
        part, said = self._part, []
        if self._missing:
            said.append(f"{self._missing} of {self._workers} workers ended without saying what they saw")
        if part.faults:
            said.append(
                f"this is a bug of ours: {_several(part.faults, 'exchange')} could not be recorded: {part.fault}"
            )
        if part.raised:
            said.append(
                f"{_several(part.raised, 'request')} ended in an exception, and {'is' if part.raised == 1 else 'are'} not judged"
            )
        if part.others:
            hosts = ", ".join(host for host, _ in part.others.most_common(3))
            said.append(f"{_several(part.others.total(), 'request')} to other hosts left out: {hosts}")
        return said

    def _write(self, report: Report) -> None:
        for one in self._reports:
            try:
                outputs.write(Path(one.path or ""), outputs.renderer(one.format).render(report))
            except ContractError as error:  # a disk that is full costs this report, and not the others
                self._unwritten.append(error.message)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        for message in self._unwritten:
            terminalreporter.write_line(f"contract: error: {message}", red=True)
        if self._report is None:
            return
        if self._config.get_verbosity() < 0:
            terminalreporter.write_line(f"contract: {self._report.outcome.sentence}")
            return
        terminalreporter.section("contract")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pytest's own filters are gone by now, and libraries warn as they load
            text = outputs.renderer("text").render(
                self._report,
                color=bool(terminalreporter.hasmarkup),
                width=min(terminalreporter.screen_width, 140) if terminalreporter.isatty else 100,
                written=[os.path.relpath(one.path, self._settings.cwd) for one in self._reports if one.path][:1],
            )
        terminalreporter.write_line(text.rstrip("\n"))

    def pytest_unconfigure(self) -> None:
        self._seams.close()


def _several(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' * (number != 1)}"
