"""The evidence of a run: each source that the settings name is asked, judged on the spot and added to the ledger."""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import re
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import parse_qsl

import contract
from contract.app import shards
from contract.app.settings import Settings
from contract.app.steps import Notify, Step, silent
from contract.core import redact, routing, rule
from contract.core.check import NOWHERE, Judge, Judgement, believed
from contract.core.compose import Implemented, Material, Proven
from contract.core.document import resolve
from contract.core.errors import ConfigError, ContractError, SourceError, TargetError
from contract.core.evidence import Artifact, Complaint, Exchange, Lost, Progress, Request, Route, Stale, Traffic, header
from contract.core.finding import Finding
from contract.core.ledger import Ledger, Rank, Sighting, tenant_hash
from contract.core.openapi import Contract, MediaType, Operation
from contract.core.policy import Baseline
from contract.core.report import Example, ExampleResponse, Excluded, Place, Run, Source, Tool, Verdict
from contract.core.schema import show
from contract.core.selection import Selection
from contract.core.target import Target
from contract.core.unseen import unseen


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
    exhibits: dict[str, Exhibit] = field(default_factory=dict)
    """By fingerprint the least exchanges that show it."""
    accepted: dict[str, Exchange] = field(default_factory=dict)
    """By operation the exchange that was a success and tells a probe most."""
    follow: Follow | None = None
    """Set where a recording is read on as it grows."""

    def __post_init__(self) -> None:
        self._scope: frozenset[str] = frozenset()
        self._probing = self.settings.target is not None
        headers = self.settings.headers
        self._names = (*self.settings.redact, *(header.name for header in headers if header.secret))
        self._known = redact.secrets(tuple((header.name, header.value) for header in headers), extra=self._names)

    def scrub(self, text: str) -> str:
        """Free text that no exchange is behind, masked."""
        return redact.text(text, secrets=self._known, extra=self._names)

    def record(self, exchange: Exchange) -> Judgement:
        """Judges one exchange and adds it, unless its operation is out of scope."""
        judgement = self.judge.exchange(exchange)
        operation, found = judgement[0], judgement[1]
        if operation is not None:
            if operation.key not in self._scope:
                return Judgement(None, ())
            if self._probing and 200 <= judgement.answered[0] < 300:
                kept = self.accepted.get(operation.key)
                if kept is None or _tells_more(exchange, kept):
                    self.accepted[operation.key] = exchange
            if self.settings.tenant is not None:
                name = tenant(exchange, operation, self.settings.tenant)
                if name is not None:
                    status, traffic = judgement.answered[0], exchange.traffic.value
                    self.ledger.belongs(tenant_hash(name), operation.key, status, traffic)
        if found:
            shown, examples = self._shown(found, (exchange,))
            self.ledger.record(judgement._replace(findings=shown), exchange, examples)
        else:
            self.ledger.record(judgement, exchange, _NO_EXAMPLES)
        return judgement

    def lose(self, lost: Lost) -> None:
        """Counts a piece of evidence that could not be read; what is said of it may quote it."""
        self.ledger.lose(replace(lost, reason=self.scrub(lost.reason)))

    def absorb(self, part: Share) -> None:
        """Adds what another process has judged."""
        mine = Share(self.ledger, self.exhibits, 0, Counter())
        self.ledger = self.ledger + part.ledger
        self.exhibits = _exhibits(self.ledger, mine, part)

    def complain(self, complaint: Complaint) -> None:
        """Adds what a probe complains of, if our own reading of the request bears it out."""
        if complaint.operation not in self._scope:
            return
        borne_out = believed(complaint, self.judge)
        if borne_out is None:
            return
        findings, examples = self._shown(tuple(self.judge.complaint(borne_out)), borne_out.exchanges, borne_out)
        self.ledger.see(findings, borne_out.source, 1, examples)

    def state(self, findings: Iterable[Finding], source: str) -> None:
        """Adds findings that no exchange shows."""
        self.ledger.see(findings, source, 0)

    def _shown(
        self, findings: Sequence[Finding], exchanges: tuple[Exchange, ...], complaint: Complaint | None = None
    ) -> tuple[tuple[Finding, ...], dict[str, tuple[Rank, Example]]]:
        """The findings in words that may leave memory, and their examples where these are the least so far.

        A finding whose example is not needed is the one that is kept already: its words are those of its example.
        """
        shown: list[Finding] = []
        examples: dict[str, tuple[Rank, Example]] = {}
        rank = rank_of(exchanges[-1]) if findings else (0, "")
        memo: redact.Memo = {}
        for finding in findings:
            if not self.ledger.needs_example(finding.fingerprint, rank):
                shown.append(self.ledger.sightings[finding.fingerprint].finding)
                continue
            example, secrets = self._example(finding, exchanges, memo)
            scrub = partial(redact.text, secrets=secrets, extra=self._names)
            self.exhibits[finding.fingerprint] = Exhibit(finding, exchanges, scrub, complaint)
            examples[finding.fingerprint] = (rank, example)
            shown.append(scrubbed(finding, example, scrub))
        return tuple(shown), examples

    def _example(
        self, finding: Finding, exchanges: tuple[Exchange, ...], memo: redact.Memo
    ) -> tuple[Example, frozenset[str]]:
        pointer = finding.mismatch.where.pointer
        *before, last = map(self._declared, exchanges)
        return redact.masked(
            exchanges[-1],
            root=self.contract.root,
            request_schema=last.request,
            response_schema=last.response,
            parameters=last.parameters,
            template=last.template,
            before=exchanges[:-1],
            before_declared=before,
            sent_limit=REPEATABLE,
            extra=self._names,
            known=self._known,
            memo=memo,
            focus=pointer if pointer and pointer.startswith("/") else None,
        )

    def _declared(self, exchange: Exchange) -> redact.Declared:
        match = self.contract.match(exchange.request.method, exchange.request.path)
        operation = match.operation if match is not None else None
        if operation is None:
            return redact.Declared()
        root, body = self.contract.root, operation.request_body
        # A body under another media type than the declared one is likely still the body that is described.
        sent = (body.media(exchange.request.content_type) or _first(body.content)) if body is not None else None
        got = None
        if exchange.response is not None:
            answer = operation.answer(exchange)
            got = answer.media or _first(answer.declared.content if answer.declared is not None else ())
        return redact.Declared(
            _schema(root, sent.schema if sent is not None else None),
            _schema(root, got.schema if got is not None else None),
            [_schema(root, item.pointer) or {} for item in operation.parameters],
            operation.base_paths[0] + operation.path,
        )

    def step(self, source: str, done: int, whole: int | None = None, **more: Any) -> None:
        self.notify(
            Step(source, done, whole, exchanges=self.ledger.exchanges, findings=len(self.ledger.sightings), **more)
        )


@dataclass(frozen=True)
class Follow:
    """Asked for while a recording is followed: every so many seconds `told` is called."""

    every_s: float
    told: Callable[[], None]


def material(
    gathered: Gathered,
    run: Run,
    target: str | None,
    proofs: Mapping[str, Proven],
    accepted: Baseline,
    curl: Callable[[Sighting], str | None],
) -> Material:
    """Everything that the report of what was gathered is a function of."""
    settings = gathered.settings
    return Material(
        contract=gathered.contract,
        ledger=gathered.ledger.settled(),
        run=run,
        tool=Tool("contract", contract.__version__),
        target=target,
        sources=list(gathered.sources),
        runtime=frozenset(item.id for item in rule.all_rules() if item.runtime),
        operations=gathered.operations,
        excluded=gathered.excluded,
        implemented=gathered.implemented,
        artifacts=gathered.artifacts,
        proofs=proofs,
        baseline=accepted,
        gate=settings.fail_on,
        floor=settings.floor,
        asked_runtime=bool(settings.traffic) or (settings.target is not None and settings.fuzz),
        curl=curl,
        routes=gathered.places,
    )


def _first(content: Sequence[MediaType]) -> MediaType | None:
    return next((media for media in content if media.schema is not None), None)


_ENOUGH = 4096
"""Bytes of an answer beyond which a longer one tells a probe no more."""

_LARGE = 512
"""Bytes of an exchange below which each one counts."""

REPEATABLE = 64 * 1024
"""Characters of a request's body that a report keeps, so that the request can be repeated from it."""


@dataclass(frozen=True, slots=True)
class Exhibit:
    """A finding and the exchanges that show it, as they were: for proof, in memory only."""

    finding: Finding
    exchanges: tuple[Exchange, ...]
    scrub: Callable[[str], str]
    """Masks free text about them."""
    complaint: Complaint | None = None


MASKED = "a value that is masked"
_KINDS = frozenset({"null", "true", "false", "boolean", "integer", "number", "string", "array", "object"})


def scrubbed(finding: Finding, example: Example, scrub: Callable[..., str]) -> Finding:
    """The finding with its words masked as its example is; what is no secret reads as before."""
    mismatch = finding.mismatch
    pointer = None if mismatch.where.pointer is None else scrub(mismatch.where.pointer)
    observed = mismatch.observed
    if observed is not None and observed not in _KINDS:
        observed = scrub(observed, name=redact.leaf(pointer or ""))
        # With a name, it is no value: `property due_at is missing`.
        if mismatch.name is None and mismatch.where.direction == "response" and example.response is not None:
            observed = _observed(observed, f"body:{pointer}", example.response)

    def said(text: str | None) -> str | None:
        if text is None:
            return None
        # A fix may quote what was observed.
        quoted = mismatch.observed is not None and mismatch.observed != observed
        return scrub(text.replace(mismatch.observed or "", observed or "") if quoted else text)

    fix = replace(mismatch.fix, document=said(mismatch.fix.document), server=said(mismatch.fix.server))
    where = replace(mismatch.where, pointer=pointer)
    return replace(
        finding, mismatch=replace(mismatch, observed=observed, message=scrub(mismatch.message), where=where, fix=fix)
    )


def _observed(observed: str, place: str, response: ExampleResponse) -> str:
    """What was observed at a place of the body if nothing there is masked, else as the masked body has it."""
    places = {_folded(masked) for masked in response.masked}
    if place in places:
        return MASKED
    if not any(masked.startswith(f"{place}/") for masked in places):
        return observed
    if "*" in place.split("/"):
        return MASKED  # behind an index it might be another item's
    try:
        return show(resolve(json.loads(response.body or ""), "#" + place.removeprefix("body:")))
    except (ValueError, KeyError):
        return MASKED


def _folded(place: str) -> str:
    return "/".join("*" if part.isdigit() else part for part in place.split("/"))


_NO_EXAMPLES: dict[str, tuple[Rank, Example]] = {}


def tenant(exchange: Exchange, operation: Operation, where: str) -> str | None:
    """Whose exchange it is: `header:X-Tenant`, `path:tenant`, `query:tenant`, or `host`; None if it does not say."""
    kind, _, name = where.partition(":")
    request = exchange.request
    if kind == "path":
        return operation.path_values(exchange).get(name)
    if kind == "query":
        return dict(parse_qsl(request.query)).get(name)
    return header(request.headers, name if kind == "header" else "host")


def _tells_more(one: Exchange, other: Exchange) -> bool:
    """True if a probe learns more from `one`: a list with items before an empty one, then the plainer request."""

    def key(exchange: Exchange) -> tuple[int, int, int]:
        request, answer = exchange.request, exchange.response
        body = len(answer.body) if answer is not None else 0
        return (-min(body, _ENOUGH) if request.method == "GET" else 0, len(request.url), len(request.body or b""))

    return key(one) < key(other)


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
    # Large bodies count in steps of an eighth: one that is some bytes shorter tells no more, and each that is kept has
    # to be masked first.
    step = 1 << max(0, size.bit_length() - 1 - 3) if size > _LARGE else 1
    return size // step * step, digest.hexdigest()[:16]


def gather(gathered: Gathered, target: Target | None, failed: TargetError | None = None) -> None:
    """Asks every source in turn; a source that fails is shown as such, and the next one is asked.

    `failed` says why there is no target although one is named.
    """
    settings = gathered.settings
    select(gathered)
    lint(gathered)
    if settings.routes:
        _source(gathered, "routes", " ".join(settings.routes), lambda: _routes(gathered))
    if all(source.verdict is not Verdict.ERROR for source in gathered.sources):
        # A pattern may be there for routes that the document does not have, so without them nothing is said.
        gathered.notes += _unused(gathered)
    for where in settings.traffic:
        _source(gathered, "traffic", where, lambda where=where: _traffic(gathered, where))
    if settings.traffic:
        never_seen(gathered)
    if (target is not None or failed is not None) and settings.fuzz:
        _source(gathered, "fuzz", f"schemathesis · seed {settings.seed}", lambda: _fuzz(gathered, target, failed))
    elif failed is not None:
        gathered.notes.append(f"nothing is replayed: {failed.message}")
    if settings.types:
        names = ", ".join(item.name for item in settings.types)
        _source(gathered, "types", names, lambda: _types(gathered))


def lint(gathered: Gathered) -> None:
    """Adds what the document says of itself."""
    found = gathered.judge.document()
    gathered.state((each for each in found if each.operation is None or each.operation in gathered._scope), "lint")


def never_seen(gathered: Gathered) -> None:
    """Adds what real traffic never showed, once all of it is counted."""
    for operation in gathered.operations:
        tally = gathered.ledger.tallies.get(operation.key)
        for never in unseen(operation, tally) if tally is not None else ():
            gathered.state(gathered.judge.unseen(operation, never), "traffic")


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


def _unused(gathered: Gathered) -> Iterator[str]:
    """Each include or exclude that matches nothing, with what was likely meant."""
    from contract.app.keys import nearest

    settings = gathered.settings
    known = [operation.key for operation in gathered.contract.operations]
    selection: Selection = gathered._selection  # type: ignore[attr-defined]
    for pattern in selection.unused():
        name = "include" if any(item.pattern == pattern for item in settings.include) else "exclude"
        origin = settings.origins.get(name, "default")
        where = f"{origin}: " if not origin.startswith(("flag", "default")) else ""
        guess = nearest(pattern, known)
        meant = f". Did you mean `{guess}`?" if guess is not None else ""
        yield f"{where}the {name} pattern `{pattern}` matches nothing{meant}"


def _source(gathered: Gathered, name: str, detail: str, ask: Any) -> None:
    before, clock = gathered.ledger.exchanges + gathered.ledger.unmatched, time.perf_counter_ns()
    gathered.step(name, 0)
    verdict, message, items, unit = Verdict.PASS, None, None, None
    try:
        items, unit = ask()
    except ContractError as error:
        verdict, message = Verdict.ERROR, gathered.scrub(error.message) + (f" ({error.hint})" if error.hint else "")
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
    hosts = _hosts(gathered.contract, gathered.settings.target)
    with shards.unhurried_collector():
        number, others = _judged(gathered, module, kind, where, hosts)
    names = [host for host, _ in others.most_common()]
    if others and not number:
        # Recorded under a name that the document does not know, such as a proxy's.
        gathered.notes.append(
            f"{where}: no recorded request went to a server of the document or to the target; all were judged: {_some(names)}"
        )
        _judged(gathered, module, kind, where, None)
    elif others:
        count = others.total()
        gathered.notes.append(
            f"{where}: {count} recorded request{'s' * (count > 1)} to other hosts {'were' if count > 1 else 'was'} left "
            f"out: {_some(names)}"
        )
    return None, None


_LARGE_FILE = 32 * 1024 * 1024
"""Bytes of recorded traffic from which on it pays to start further processes."""
_A_SHARD = 64 * 1024 * 1024


def _judged(
    gathered: Gathered, module: ModuleType, kind: str, where: str, hosts: frozenset[str] | None
) -> tuple[int, Counter[str]]:
    """Judges a recording, in several processes where it is large; how many exchanges, and those to other hosts."""
    size, jobs = _size(where), gathered.settings.jobs
    if jobs is None:
        jobs = (os.cpu_count() or 1) if size > _LARGE_FILE else 1
    spans = module.spans(where, max(2 * jobs, size // _A_SHARD)) if jobs > 1 and hasattr(module, "spans") else []
    about = _about(where, size)
    if len(spans) < 2:
        others: Counter[str] = Counter()
        number = 0
        try:
            for item in _read(gathered, module, where, hosts, others):
                if isinstance(item, Lost):
                    gathered.lose(item)
                    continue
                gathered.record(item)
                number += 1
                if number % 500 == 0 or gathered.follow is not None:
                    whole = max(about, number) if about and gathered.follow is None else None
                    gathered.step("traffic", number, whole, phase=kind)
        except KeyboardInterrupt:
            if gathered.follow is None:
                raise  # following has no other end
        return number, others
    work = _Shard(gathered.settings, gathered.contract.base_path, kind, where, hosts)
    so_far = 0

    def done(part: Share) -> None:
        nonlocal so_far
        so_far += part.number
        whole = max(about, so_far) if about else None
        gathered.notify(Step("traffic", so_far, whole, so_far, len(part.ledger.sightings), kind))

    total = shards.map_merge(spans, work, jobs=jobs, done=done)
    assert total is not None
    gathered.absorb(total)
    return total.number, total.others


def _read(
    gathered: Gathered, module: ModuleType, where: str, hosts: frozenset[str] | None, others: Counter[str]
) -> Iterator[Exchange | Lost]:
    follow = gathered.follow
    if follow is None:
        return iter(module.exchanges(where, hosts=hosts, others=others))
    if not hasattr(module, "follow"):
        raise SourceError(f"{where}: a file of this kind is written once, and does not grow", "leave --follow out")
    last = time.monotonic()

    def stop() -> bool:
        nonlocal last
        if time.monotonic() - last >= follow.every_s:
            follow.told()
            last = time.monotonic()
        return False

    found: Iterator[Exchange | Lost] = module.follow(where, stop=stop, hosts=hosts, others=others)
    return found


_LOOK = 1024 * 1024
"""Bytes at the beginning of a recording that tell how long an exchange is in it."""


def _about(where: str, size: int) -> int:
    """How many exchanges a recording holds, going by its beginning: for the progress bar. 0 where nothing tells."""
    try:
        with open(where, "rb") as stream:
            head = stream.read(_LOOK)
    except OSError:
        return 0
    if b"\0" in head:
        return 0  # packed, or of a kind that has no lines
    entries = head.count(b'"startedDateTime"') or head.count(b"\n")
    return round(size / len(head) * entries) if entries else 0


def _size(where: str) -> int:
    try:
        return os.path.getsize(where)
    except OSError:
        return 0  # whoever reads it says what is wrong


@dataclass
class Share:
    """What one shard of a recording comes to."""

    ledger: Ledger
    exhibits: dict[str, Exhibit]
    number: int
    others: Counter[str]

    def __add__(self, other: Share) -> Share:
        ledger = self.ledger + other.ledger
        return Share(ledger, _exhibits(ledger, self, other), self.number + other.number, self.others + other.others)


def _exhibits(ledger: Ledger, *parts: Share) -> dict[str, Exhibit]:
    """Of each finding that is kept the exchanges of the part whose example it has."""
    found: dict[str, Exhibit] = {}
    for fingerprint, sighting in ledger.sightings.items():
        for part in parts:
            mine = part.ledger.sightings.get(fingerprint)
            if mine is not None and mine.rank == sighting.rank and fingerprint in part.exhibits:
                found.setdefault(fingerprint, part.exhibits[fingerprint])
    return found


@dataclass(frozen=True)
class _Shard:
    """Judges one span of a recording, in a process of its own."""

    settings: Settings
    base_path: str | None
    kind: str
    where: str
    hosts: frozenset[str] | None

    def __call__(self, span: tuple[int, int]) -> Share:
        from contract.app import run

        if _loaded.get("settings") != self.settings:
            api = Contract(run.load_document(self.settings), self.base_path)
            _loaded.update(settings=self.settings, contract=api, judge=Judge(api, self.settings.level))
        gathered = Gathered(_loaded["contract"], _loaded["judge"], self.settings, silent)
        select(gathered)
        module = plug_in("sources.traffic", self.kind, "--traffic")
        others: Counter[str] = Counter()
        number = 0
        with shards.unhurried_collector():
            for item in module.exchanges(self.where, hosts=self.hosts, others=others, span=span):
                if isinstance(item, Lost):
                    gathered.lose(item)
                else:
                    gathered.record(item)
                    number += 1
        return Share(gathered.ledger, gathered.exhibits, number, others)


_loaded: dict[str, Any] = {}
"""What a worker has made ready for the shards to come."""


_LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]", "0.0.0.0"})


def _hosts(contract: Contract, target: str | None) -> frozenset[str] | None:
    """The hosts whose traffic is the API's: those that the document's servers name, and the target's; None for any."""
    owners: list[Any] = [contract.root]
    for operation in contract.operations:
        owners += [resolve(contract.root, operation.item_pointer), operation.raw]
    named = [server for owner in owners if isinstance(servers := owner.get("servers"), list) for server in servers]
    urls = [url for server in named if isinstance(server, dict) and isinstance(url := server.get("url"), str)]
    if target is not None and target.startswith(("http://", "https://")):
        urls.append(target)
    found: set[str] = set()
    for url in urls:
        match = re.match(r"(https?|wss?)://(?:[^/?#@]*@)?([^/?#]+)", url, re.IGNORECASE)
        if match is None:
            continue
        if "{" in match[2]:
            return None  # a variable of the host's name may have any value
        host = match[2].lower().removesuffix({"http": ":80", "ws": ":80"}.get(match[1].lower(), ":443"))
        name = re.sub(r":\d+$", "", host)
        found.update({other + host[len(name) :] for other in _LOOPBACK} if name in _LOOPBACK else {host})
    return frozenset(found) or None


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


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


def _fuzz(gathered: Gathered, target: Target | None, failed: TargetError | None) -> tuple[int | None, str | None]:
    if target is None:
        raise failed or TargetError("there is no target")
    settings = gathered.settings
    importlib.import_module(f"contract.targets.{target.kind}").check(target)
    prober = importlib.import_module("contract.sources.probes.schemathesis")
    prober.require()
    _learn_router(gathered, target)
    # The fuzzer asks below one base path, and several documents, or several servers, have several.
    bases: dict[str, set[str]] = {}
    for operation in gathered.operations:
        bases.setdefault(operation.base_paths[0], set()).add(operation.key)
    limit_s = settings.max_time_s
    for base, keys in bases.items():
        options = prober.Options(
            seed=settings.seed,
            max_examples=settings.max_examples,
            max_time_s=limit_s * len(keys) / len(gathered.operations) if limit_s is not None else None,
            workers=settings.workers,
            rate_limit=str(settings.rate_limit) if settings.rate_limit is not None else None,
            headers=tuple((header.name, header.value) for header in settings.headers),
            operations=frozenset(keys),
            safe=settings.safe,
            base_path=base,
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
    if not settings.safe:
        ender = importlib.import_module("contract.sources.probes.deleted")
        readable = frozenset(key for key in gathered._scope if key.startswith("GET "))
        _follow(gathered, "fuzz", ender.probe(dict(gathered.accepted), readable, target))
    return None, None


def _learn_router(gathered: Gathered, target: Target) -> None:
    """Asks for a path that nobody serves, so that the router's own 404 is told from an operation's."""
    base = gathered.operations[0].base_paths[0] if gathered.operations else ""
    path = base + NOWHERE
    asked = target.send(Request("GET", path), source="router", traffic=Traffic.SYNTHETIC)
    if asked.response is not None and asked.response.status == 404:
        gathered.judge.router, gathered.judge.nowhere = asked.response, path


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
                # Ctrl-C is told by whoever caught it.
                gathered.notes += [gathered.scrub(warning) for warning in event.warnings if warning != "interrupted"]
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


def need_plug_ins(settings: Settings) -> None:
    """Raises ConfigError for a kind of source or generator that nobody has, before anything is asked."""
    for item in settings.routes:
        plug_in("sources.routes", item.partition(":")[0], "--routes")
    for item in settings.traffic:
        plug_in("sources.traffic", item.partition(":")[0], "--traffic")
    for wanted in settings.types or ():
        plug_in("generators", wanted.name, "--types")


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
    if close:
        raise ConfigError(f"{flag} knows no `{name}`. Did you mean `{close[0]}`?")
    raise ConfigError(f"{flag} knows no `{name}`", f"it knows {', '.join(names)}")
