"""One room behind every door: gather the evidence that the settings name, judge it, prove it, report it."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

from contract.app import baseline, collect, corpus, documents, earlier, ledgers, plugins, probing, prove
from contract.app.gathered import Follow, Gathered, material
from contract.app.settings import Settings
from contract.app.steps import Notify, Step, silent
from contract.core import doubts, rule
from contract.core.check import Judge
from contract.core.compose import Proven, compose
from contract.core.document import Document
from contract.core.errors import ConfigError, TargetError
from contract.core.finding import Proof
from contract.core.openapi import Contract
from contract.core.policy import Baseline
from contract.core.report import FindingRow, Report, Run
from contract.core.target import Target


def check(settings: Settings, *, notify: Notify = silent, following: Following | None = None) -> Report:
    """The report of one check; raises ContractError only for what makes any check impossible.

    A source that fails shows in the report, beside the results of the others. Ctrl-C ends the evidence, not the
    report: it says that it is incomplete.
    """
    started, clock = datetime.now(UTC), time.perf_counter_ns()
    if not (settings.target or settings.routes or settings.traffic or settings.types):
        raise ConfigError(
            "there is nothing to hold the document against",
            "name a running API (`--target http://127.0.0.1:8000`), a route list (`--routes laravel:routes.json`) "
            "or recorded traffic (`--traffic har:capture.har`); `contract lint` looks at the document alone",
        )
    plugins.need_plug_ins(settings)
    accepted = read_baseline(settings)
    notify(Step("document", 0))
    document = documents.load(settings)
    target, failed = None, None
    try:
        target = probing.open_target(settings) if settings.target else None
    except TargetError as error:
        if not (settings.routes or settings.traffic):
            raise
        failed = error  # what the others prove stands all the same
    try:
        return _check(settings, notify, document, target, accepted, started, clock, failed, following)
    finally:
        if target is not None:
            target.close()


def _check(
    settings: Settings,
    notify: Notify,
    document: Document,
    target: Target | None,
    accepted: Baseline,
    started: datetime,
    clock: int,
    failed: TargetError | None = None,
    following: Following | None = None,
) -> Report:
    api = Contract(document, target.base_path if target is not None else None)
    accepted, compared = earlier.fitting(accepted, api, settings)
    judge = Judge(api, settings.level)
    gathered = Gathered(api, judge, settings, notify)
    if target is not None and settings.fuzz:
        gathered.corpus = corpus.load(settings)
    settled = corpus.Settled()

    def composed(interrupted: bool, notes: Iterable[str] = ()) -> Report:
        nonlocal settled
        try:
            proofs = prove.prove(gathered, target, notify)
        except KeyboardInterrupt:
            interrupted = True
            proofs = prove.unproven(gathered, "stopped by Ctrl-C before it was proved")
        proofs = corpus.rated(gathered, proofs)
        keys = [operation.key for operation in gathered.operations]
        doubt = doubts.doubt(gathered.ledger, keys) if target is not None else None
        for fingerprint, why in doubts.unproved(gathered.ledger, keys).items() if doubt is not None else ():
            proofs[fingerprint] = Proven(Proof.UNPROVEN, why)
        settled = corpus.settle(gathered, proofs, started.date())
        for fingerprint, proven in proofs.items():
            gathered.ledger.sightings[fingerprint].proved = (proven.proof.value, proven.detail)
        said = [
            *([doubt] if doubt is not None else []),
            *settings.notes,
            *gathered.notes,
            *settled.notes,
            *notes,
            *(target.notes if target is not None else ()),
            *_ended(accepted, gathered, started.date(), settings),
            *compared,
        ]
        run = Run(
            id=str(uuid.uuid4()),
            started_at=started.isoformat(timespec="seconds").replace("+00:00", "Z"),
            elapsed_us=(time.perf_counter_ns() - clock) // 1000,
            complete=not interrupted and gathered.complete,
            seed=settings.seed if settings.fuzz and target is not None else None,
            environment=settings.environment,
            commit=settings.commit,
            release=settings.release,
            notes=tuple(dict.fromkeys(said)),
            rules=tuple(item.id for item in rule.pages().values() if settings.level(item.id, item.level) is not None),
        )
        name = target.name if target is not None else settings.target if failed is not None else None
        made = material(gathered, run, name, proofs, accepted, prove.curl_of(target, settings.insecure))
        return with_excerpts(compose(made, started.date()), settings.cwd, gathered.scrub)

    if following is not None:
        gathered.follow = Follow(following.every_s, lambda: following.told(composed(False)))
    interrupted = False
    try:
        collect.gather(gathered, target, failed)
    except KeyboardInterrupt:
        interrupted = True
        gathered.notes.append("stopped by Ctrl-C: what was seen until then is reported")
    report = composed(interrupted)
    if (
        gathered.corpus is not None
        and (unwritten := corpus.write(gathered.corpus, settled.seeds, settings)) is not None
    ):
        report = replace(report, run=replace(report.run, notes=(*report.run.notes, unwritten)))
    if settings.ledger is not None:
        ledgers.write(settings.cwd / settings.ledger, gathered.ledger, document)
    return report


@dataclass(frozen=True)
class Following:
    """Reading on as a recording grows, until Ctrl-C: who is told, and how often."""

    every_s: float
    told: Callable[[Report], None]


def _ended(accepted: Baseline, gathered: Gathered, today: date, settings: Settings) -> Iterator[str]:
    """Says why findings fail that somebody accepted."""
    ended = [
        entry.until
        for entry in accepted.entries.values()
        if entry.until is not None and not entry.holds(today) and entry.fingerprint in gathered.ledger.sightings
    ]
    if ended:
        what = "1 exemption has" if len(ended) == 1 else f"{len(ended)} exemptions have"
        yield f"{settings.baseline}: {what} ended, the last on {max(ended)}, and what was exempt fails again"


_AROUND = 3
_EXCERPTS = 200
_LONGEST_LINE = 160


def with_excerpts(report: Report, cwd: Path, scrub: Callable[[str], str]) -> Report:
    """The report with the lines of the user's files around each declaration, masked; minified files have none to show."""
    lines: dict[str, list[str]] = {}

    def excerpt(row: FindingRow) -> tuple[tuple[int, str], ...]:
        place = row.location
        if place is None:
            return ()
        if place.file not in lines:
            try:
                lines[place.file] = (cwd / place.file).read_text(encoding="utf-8", errors="replace").splitlines()
            except OSError:
                lines[place.file] = []
        first = max(1, place.line - _AROUND)
        chosen = list(enumerate(lines[place.file][first - 1 : place.line + _AROUND], first))
        if any(len(text) > _LONGEST_LINE for _, text in chosen):
            return ()
        return tuple((number, scrub(text)) for number, text in chosen)

    shown = [replace(row, excerpt=excerpt(row)) for row in report.findings[:_EXCERPTS]]
    return replace(report, findings=(*shown, *report.findings[_EXCERPTS:]))


def read_baseline(settings: Settings) -> Baseline:
    """What was accepted, and what the base report had; nothing where neither is named."""
    base = earlier.read(settings)
    if settings.baseline is None:
        return Baseline(earlier=base)
    path = settings.cwd / settings.baseline
    if settings.update_baseline and not path.exists():
        return Baseline(earlier=base)
    return Baseline({entry.fingerprint: entry for entry in baseline.load(path)}, base)
