"""The evidence of a run: each source that the settings name is asked, judged on the spot and added to the ledger."""

from __future__ import annotations

import hashlib
import importlib
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import Any

from contract.app.settings import Settings
from contract.app.steps import Notify, Step
from contract.core import redact, routing
from contract.core.check import Judge, Judgement, believed
from contract.core.compose import Implemented
from contract.core.document import resolve
from contract.core.errors import ConfigError, ContractError
from contract.core.evidence import Artifact, Complaint, Exchange, Progress, Route, Stale
from contract.core.finding import Finding
from contract.core.ledger import Ledger, Rank
from contract.core.openapi import Contract, Operation
from contract.core.report import Example, Excluded, Place, Source, Verdict
from contract.core.selection import Selection
from contract.core.target import Target


@dataclass
class Gathered:
    """What a run has seen so far."""

    contract: Contract
    judge: Judge
    settings: Settings
    notify: Notify
    ledger: Ledger = field(default_factory=Ledger)
    sources: list[Source] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    excluded: list[Excluded] = field(default_factory=list)
    operations: Sequence[Operation] = ()
    implemented: Implemented | None = None
    artifacts: list[Artifact] | None = None
    places: dict[str, Place] = field(default_factory=dict)
    complete: bool = True
    exhibits: dict[str, tuple[Exchange, ...]] = field(default_factory=dict)
    """By fingerprint the exchanges that show it, as they were: for proof, in memory only."""
    complaints: dict[str, Complaint] = field(default_factory=dict)
    accepted: dict[str, Exchange] = field(default_factory=dict)
    """By operation the least exchange that was a success."""

    def __post_init__(self) -> None:
        self._scope: frozenset[str] = frozenset()

    def record(self, exchange: Exchange) -> Judgement:
        """Judges one exchange and adds it, unless its operation is out of scope."""
        judgement = self.judge.exchange(exchange)
        operation = judgement.operation
        if operation is not None and operation.key not in self._scope:
            return Judgement(None, ())
        if operation is not None and exchange.response is not None and 200 <= exchange.response.status < 300:
            kept = self.accepted.get(operation.key)
            if kept is None or len(exchange.request.url) < len(kept.request.url):
                self.accepted[operation.key] = exchange
        examples = self._examples(judgement.findings, (exchange,), operation) if judgement.findings else {}
        kept_findings = tuple(self._shown(finding, examples, (exchange,)) for finding in judgement.findings)
        self.ledger.record(replace(judgement, findings=kept_findings), exchange, examples)
        return judgement

    def complain(self, complaint: Complaint) -> None:
        """Adds what a probe complains of, if our own reading of the request bears it out."""
        if complaint.operation not in self._scope:
            return
        borne_out = believed(complaint, self.judge)
        if borne_out is None:
            return
        operation = self.contract.by_key.get(borne_out.operation)
        findings = tuple(self.judge.complaint(borne_out))
        for finding in findings:
            self.complaints.setdefault(finding.fingerprint, borne_out)
        examples = self._examples(findings, borne_out.exchanges, operation)
        self.ledger.see(
            [self._shown(finding, examples, borne_out.exchanges) for finding in findings], borne_out.source, 1, examples
        )

    def state(self, findings: Iterable[Finding], source: str) -> None:
        """Adds findings that no exchange shows."""
        self.ledger.see(findings, source, 0)

    def _examples(
        self, findings: Iterable[Finding], exchanges: tuple[Exchange, ...], operation: Operation | None
    ) -> dict[str, tuple[Rank, Example]]:
        if not exchanges:
            return {}
        last = exchanges[-1]
        rank = rank_of(last)
        found: dict[str, tuple[Rank, Example]] = {}
        for finding in findings:
            if self.ledger.needs_example(finding.fingerprint, rank):
                self.exhibits[finding.fingerprint] = exchanges
                found[finding.fingerprint] = (rank, self._example(finding, exchanges, operation))
        return found

    def _example(self, finding: Finding, exchanges: tuple[Exchange, ...], operation: Operation | None) -> Example:
        last = exchanges[-1]
        root = self.contract.root
        request = response = None
        if operation is not None:
            body = operation.request_body
            media = body.media(last.request.media_type) if body is not None else None
            request = _schema(root, media.schema if media is not None else None)
            if last.response is not None:
                answered = operation.answer(last).media
                response = _schema(root, answered.schema if answered is not None else None)
        pointer = finding.mismatch.where.pointer
        return redact.example(
            last,
            root=root,
            request_schema=request,
            response_schema=response,
            parameters=[_schema(root, item.pointer) or {} for item in operation.parameters] if operation else (),
            before=exchanges[:-1],
            extra=self.settings.redact,
            focus=pointer if pointer and pointer.startswith("/") else None,
            template=operation.base_paths[0] + operation.path if operation is not None else None,
        )

    def _shown(
        self, finding: Finding, examples: dict[str, tuple[Rank, Example]], exchanges: tuple[Exchange, ...]
    ) -> Finding:
        """The finding with its words scrubbed; the one that is kept already where this one will not be shown."""
        if finding.fingerprint not in examples:
            kept = self.ledger.sightings.get(finding.fingerprint)
            return kept.finding if kept is not None else finding
        mismatch, example = finding.mismatch, examples[finding.fingerprint][1]
        secrets = redact.secrets(exchanges, root=self.contract.root)
        extra = self.settings.redact

        def scrub(value: str | None) -> str | None:
            return None if value is None else redact.text(value, secrets=secrets, extra=extra)

        observed = scrub(mismatch.observed)
        masked = example.response.masked if example.response is not None else ()
        if mismatch.where.direction == "response" and f"body:{mismatch.where.pointer}" in {
            _folded(it) for it in masked
        }:
            observed = "a value that is masked"
        return replace(
            finding,
            mismatch=replace(
                mismatch,
                observed=observed,
                message=scrub(mismatch.message) or "",
                where=replace(mismatch.where, pointer=scrub(mismatch.where.pointer)),
            ),
        )

    def step(self, source: str, done: int, whole: int | None = None, **more: Any) -> None:
        self.notify(
            Step(source, done, whole, exchanges=self.ledger.exchanges, findings=len(self.ledger.sightings), **more)
        )


def _folded(place: str) -> str:
    return "/".join("*" if part.isdigit() else part for part in place.split("/"))


def _schema(root: Any, pointer: str | None) -> Any:
    if pointer is None:
        return None
    try:
        node = resolve(root, pointer)
    except KeyError:
        return None
    return node if isinstance(node, dict) else None


def rank_of(exchange: Exchange) -> Rank:
    """Order of exchanges: the fewest bytes first, then by a hash of what went over the wire."""
    request, response = exchange.request, exchange.response
    digest = hashlib.sha256(f"{request.method} {request.url}\n{request.headers}\n".encode("utf-8", "surrogatepass"))
    digest.update(request.body or b"")
    size = len(request.url) + len(request.body or b"")
    if response is not None:
        digest.update(str(response.status).encode() + response.body)
        size += len(response.body)
    return size, digest.hexdigest()[:16]


def gather(gathered: Gathered, target: Target | None) -> None:
    """Asks every source in turn; a source that fails is shown as such, and the next one is asked."""
    settings = gathered.settings
    select(gathered)
    gathered.state(
        (f for f in gathered.judge.document() if f.operation is None or f.operation in gathered._scope), "lint"
    )
    if settings.routes:
        _source(gathered, "routes", " ".join(settings.routes), lambda: _routes(gathered))
    for where in settings.traffic:
        _source(gathered, "traffic", where, lambda where=where: _traffic(gathered, where))
    if target is not None and settings.fuzz:
        _source(gathered, "fuzz", f"schemathesis · seed {settings.seed}", lambda: _fuzz(gathered, target))
    if settings.types:
        names = ", ".join(item.name for item in settings.types)
        _source(gathered, "types", names, lambda: _types(gathered))


def select(gathered: Gathered) -> None:
    """Puts the operations in scope, and says of the others why they are not."""
    settings = gathered.settings
    selection = Selection.parse(
        [item.pattern for item in settings.include], [(item.pattern, item.reason or "") for item in settings.exclude]
    )
    chosen = []
    for operation in gathered.contract.operations:
        also = [base + operation.path for base in operation.base_paths]
        reason = selection.decide(operation.method, operation.path, operation.tags, operation.operation_id, also)
        if reason is None and settings.safe and operation.method not in ("GET", "HEAD", "OPTIONS"):
            reason = "not asked: --safe sends only GET, HEAD and OPTIONS"
        if reason is None:
            chosen.append(operation)
        else:
            gathered.excluded.append(Excluded(operation.key, reason))
    gathered.operations = tuple(chosen)
    gathered._scope = frozenset(operation.key for operation in chosen)
    gathered._selection = selection  # type: ignore[attr-defined]


def _source(gathered: Gathered, name: str, detail: str, ask: Any) -> None:
    before, clock = gathered.ledger.exchanges + gathered.ledger.unmatched, time.perf_counter_ns()
    gathered.step(name, 0)
    verdict, message, items, unit = Verdict.PASS, None, None, None
    try:
        items, unit = ask()
    except ContractError as error:
        verdict, message = Verdict.ERROR, error.message + (f" ({error.hint})" if error.hint else "")
        items = unit = None
    finally:
        seen = gathered.ledger.exchanges + gathered.ledger.unmatched - before
        counts = name in ("fuzz", "traffic")
        if verdict is Verdict.PASS and counts and not seen:
            verdict, message = Verdict.NONE, "no exchange came of it"
        gathered.sources.append(
            Source(
                name,
                verdict,
                detail,
                exchanges=seen if counts else None,
                items=items,
                unit=unit,
                elapsed_us=(time.perf_counter_ns() - clock) // 1000,
                message=message,
            )
        )


# --- routes -----------------------------------------------------------------------------------------------------------


def _routes(gathered: Gathered) -> tuple[int, str]:
    found: list[Route] = []
    defaults: list[tuple[str, str]] = []
    for item in gathered.settings.routes:
        kind, where = split(item, "--routes", "laravel:routes.json")
        module = plug_in("sources.routes", kind, "--routes")
        defaults += getattr(module, "INTERNAL", ())
        found += module.routes(where)
        if hasattr(module, "differences"):
            _exported(gathered, module, where)
    operations = gathered.contract.operations
    joined = routing.join([(op.method, base + op.path, op.key) for op in operations for base in op.base_paths], found)
    gathered.notes += joined.notes
    # An operation under several base paths is implemented if one of them is served.
    missing = [op for op in operations if op.key in joined.unobserved and not joined.matched.get(op.key)]
    selection: Selection = gathered._selection  # type: ignore[attr-defined]
    selection = Selection(
        selection.include, selection.exclude, Selection.parse(defaults=defaults).defaults, selection._used
    )
    internal = set()
    undeclared = []
    for route in joined.undeclared:
        key = f"{route.method} {route.path}"
        reason = selection.decide(route.method, route.path)
        if reason is not None:
            internal.add(key)
            gathered.excluded.append(Excluded(key, reason))
            continue
        undeclared.append(route)
        if route.file is not None:
            gathered.places[key] = Place(route.file, route.line or 1)
    in_scope = gathered._scope
    left_out = internal | {op.key for op in operations if op.key not in in_scope}
    gathered.implemented = Implemented(
        frozenset(joined.matched),
        tuple(f"{route.method} {route.path}" for route in undeclared if not route.implied),
        routing.completeness(joined, left_out),
    )
    gathered.state(
        gathered.judge.routes(
            (route for route in undeclared if not route.implied), (op for op in missing if op.key in in_scope)
        ),
        "routes",
    )
    for pattern in selection.unused():
        gathered.notes.append(f"the pattern `{pattern}` matches nothing")
    return len(found), "routes"


def _exported(gathered: Gathered, module: ModuleType, where: str) -> None:
    from contract.sources.documents import file

    exported = file.load(where, root=gathered.settings.root, allow=gathered.settings.allow_refs)
    for difference in module.differences(gathered.contract.document, exported):
        operation = gathered.contract.by_key.get(difference.operation)
        if operation is not None and operation.key in gathered._scope:
            gathered.state(gathered.judge.matched(operation, difference), "routes")


# --- traffic ----------------------------------------------------------------------------------------------------------


def _traffic(gathered: Gathered, item: str) -> tuple[int | None, str | None]:
    kind, where = split(item, "--traffic", "har:capture.har")
    module = plug_in("sources.traffic", kind, "--traffic")
    for number, exchange in enumerate(module.exchanges(where), 1):
        gathered.record(exchange)
        if number % 200 == 0:
            gathered.step("traffic", number, phase=kind)
    return None, None


# --- fuzz -------------------------------------------------------------------------------------------------------------


def open_target(settings: Settings) -> Target:
    """The running API that the settings name; raises TargetError where it cannot be."""
    assert settings.target is not None
    kind, _, where = settings.target.partition(":")
    if kind in ("http", "https"):
        kind, where = "http", settings.target
    module = plug_in("targets", kind, "--target")
    rate = settings.rate_limit
    target: Target = module.open(
        where,
        headers=[(header.name, header.value) for header in settings.headers],
        timeout_s=settings.timeout_s,
        rate_per_s=rate.count / rate.per_s if rate is not None else None,
    )
    return target


def _fuzz(gathered: Gathered, target: Target) -> tuple[int | None, str | None]:
    settings = gathered.settings
    importlib.import_module(f"contract.targets.{target.kind}").check(target)
    prober = importlib.import_module("contract.sources.probes.schemathesis")
    options = prober.Options(
        seed=settings.seed,
        max_examples=settings.max_examples,
        max_time_s=settings.max_time_s,
        workers=settings.workers,
        rate_limit=str(settings.rate_limit) if settings.rate_limit is not None else None,
        headers=tuple((header.name, header.value) for header in settings.headers),
        operations=gathered._scope,
        safe=settings.safe,
        base_path=gathered.contract.operations[0].base_paths[0] if gathered.contract.operations else "",
        request_timeout_s=settings.timeout_s,
    )
    _follow(gathered, "fuzz", prober.probe(gathered.contract.root, target, options))
    asker = importlib.import_module("contract.sources.probes.parameters")
    declared = {
        operation.key: [item.name for item in operation.parameters if item.location == "query"]
        for operation in gathered.operations
    }
    accepted = {key: item for key, item in gathered.accepted.items() if key.startswith("GET ")}
    _follow(gathered, "fuzz", asker.probe(accepted, declared, target))
    return None, None


def _follow(gathered: Gathered, name: str, events: Iterator[Exchange | Complaint | Progress]) -> None:
    """Takes in what a probe yields; its generator is closed whatever happens, so that no worker is left behind."""
    started = time.monotonic()
    limit = gathered.settings.max_time_s
    try:
        for event in events:
            if isinstance(event, Exchange):
                gathered.record(event)
            elif isinstance(event, Complaint):
                gathered.complain(event)
            else:
                gathered.notes += event.warnings
                if event.phase == "end" and event.warnings:
                    gathered.complete = False
                left = max(0.0, limit - (time.monotonic() - started)) if limit is not None else None
                gathered.step(name, event.done, event.whole, phase=event.phase, left_s=left)
    finally:
        close = getattr(events, "close", None)
        if close is not None:
            close()


# --- types ------------------------------------------------------------------------------------------------------------


def _types(gathered: Gathered) -> tuple[int, str]:
    settings = gathered.settings
    artifacts: list[Artifact] = []
    for wanted in settings.types or ():
        generator = plug_in("generators", wanted.name, "--types")
        with tempfile.TemporaryDirectory(prefix="contract-types-") as folder:
            fresh = Path(folder, wanted.name)
            made = list(generator.generate(gathered.contract.document, gathered.operations, fresh))
            artifacts += made
            drift: list[Artifact | Stale] = [item for item in made if not item.proven]
            if wanted.path is not None:
                drift += generator.compare(fresh, Path(settings.cwd, wanted.path))
        for item in drift:
            gathered.state(gathered.judge.generated(item), "types")
    gathered.artifacts = artifacts
    return len(artifacts), "components and operations"


# --- plug-ins ---------------------------------------------------------------------------------------------------------


def split(text: str, flag: str, example: str) -> tuple[str, str]:
    """`KIND:WHERE` in two; raises ConfigError that shows the form."""
    kind, colon, where = text.partition(":")
    if not colon or not kind or not where:
        raise ConfigError(f"{flag} must be KIND:WHERE, not `{text}`", f"for example `{flag} {example}`")
    return kind, where


def plug_in(family: str, name: str, flag: str) -> ModuleType:
    """The file that is called what the user typed, else an entry point of that name; raises ConfigError with the nearest."""
    import pkgutil

    package = importlib.import_module(f"contract.{family}")
    names = sorted(info.name for info in pkgutil.iter_modules(package.__path__) if not info.name.startswith("_"))
    if name in names:
        return importlib.import_module(f"contract.{family}.{name}")
    from importlib.metadata import entry_points

    group = f"contract.{family.partition('.')[0]}"
    for entry in entry_points(group=group, name=name):
        loaded: ModuleType = entry.load()
        return loaded
    from difflib import get_close_matches

    close = get_close_matches(name, names, 1)
    raise ConfigError(
        f"{flag} knows no `{name}`", (f"did you mean `{close[0]}`? " if close else "") + f"it knows {', '.join(names)}"
    )
