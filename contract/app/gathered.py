"""What a run has seen so far: judged on the spot, added to the ledger, its examples masked."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any
from urllib.parse import parse_qsl

import contract
from contract.app.clock import Clock
from contract.app.corpus import Corpus
from contract.app.settings import Settings
from contract.app.steps import Notify, Step
from contract.core import redact, rule
from contract.core.check import UNDECLARED, Judge, Judgement, believed
from contract.core.compose import Implemented, Material, Proven
from contract.core.document import resolve
from contract.core.echoes import Echoes
from contract.core.evidence import MADE_UP, Artifact, Complaint, Exchange, Lost, header
from contract.core.finding import Finding
from contract.core.ledger import Ledger, Rank, Sighting, tenant_hash
from contract.core.openapi import Contract, MediaType, Operation
from contract.core.policy import Baseline
from contract.core.report import Example, ExampleResponse, Excluded, GenerationTarget, Place, Run, Source, Tool
from contract.core.schema import show
from contract.core.selection import Selection
from contract.sources.probes.walk import Learnt
from contract.sources.routes import laravel


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
    generated: list[GenerationTarget] = field(default_factory=list)
    places: dict[str, Place] = field(default_factory=dict)
    complete: bool = True
    exhibits: dict[str, Exhibit] = field(default_factory=dict)
    """By fingerprint the least exchanges that show it."""
    accepted: dict[str, Exchange] = field(default_factory=dict)
    """By operation the exchange that was a success and tells a probe most."""
    follow: Follow | None = None
    """Set where a recording is read on as it grows."""
    clock: Clock = field(default_factory=lambda: Clock(None, {}))
    """Of what is asked of the target; without an end until that begins."""
    learnt: Learnt | None = None
    """What the walk leaves to the probes after it."""
    corpus: Corpus | None = None
    """What the fuzzer found in earlier runs, where a target is asked."""

    def __post_init__(self) -> None:
        self._scope: frozenset[str] = frozenset()
        self._echoes = Echoes(self.contract)
        self.listed: frozenset[str] = frozenset()
        """Keys of the operations in scope for what needs no request; the others are in nobody's."""
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
        if exchange.traffic in MADE_UP:
            self._echoes.hear(exchange)
            if any(self._echoes.repeats(finding, exchange) for finding in judgement[1]):
                theirs = tuple(item for item in judgement[1] if not self._echoes.repeats(item, exchange))
                judgement = judgement._replace(findings=theirs)
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
        self.exhibits = exhibits_of(self.ledger, mine, part)

    def complain(self, complaint: Complaint) -> None:
        """Adds what a probe complains of, if our own reading of the request bears it out."""
        if self._left_out(complaint):
            return
        borne_out = believed(complaint, self.judge)
        if borne_out is None:
            return
        findings, examples = self._shown(tuple(self.judge.complaint(borne_out)), borne_out.exchanges, borne_out)
        self.ledger.see(findings, borne_out.source, 1, examples)

    def _left_out(self, complaint: Complaint) -> bool:
        """True for what is out of scope; an undeclared operation is told among what is excluded, as one of a route list is."""
        if complaint.kind != UNDECLARED:
            return complaint.operation not in self._scope
        selection: Selection = self._selection  # type: ignore[attr-defined]
        defaults = Selection.parse(defaults=laravel.INTERNAL).defaults
        method, _, path = complaint.operation.partition(" ")
        reason = Selection(selection.include, selection.exclude, defaults, selection._used).decide(method, path)
        if reason is not None:
            self.excluded.append(Excluded(complaint.operation, reason))
        return reason is not None

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
        generated=tuple(gathered.generated),
        proofs=proofs,
        baseline=accepted,
        gate=settings.fail_on,
        floor=settings.floor,
        asked_runtime=bool(settings.traffic) or (settings.target is not None and (settings.fuzz or settings.walks)),
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
    """Order of exchanges: the fewest bytes first, then by a hash of what went over the wire.

    Of the request first: answers hold the time of the day, and another run is to show the same request.
    """
    request, response = exchange.request, exchange.response
    asked = hashlib.sha256(f"{request.method} {request.url}\n{request.headers}\n".encode("utf-8", "surrogatepass"))
    asked.update(request.body or b"")
    answered = hashlib.sha256()
    size = len(request.url) + len(request.body or b"")
    if response is not None:
        answered.update(str(response.status).encode() + response.body)
        # What a failure says differs in length each time, and tells no more.
        size += len(response.body) if response.status < 500 else 0
    # Large bodies count in steps of an eighth: one that is some bytes shorter tells no more, and each that is kept has
    # to be masked first.
    step = 1 << max(0, size.bit_length() - 1 - 3) if size > _LARGE else 1
    return size // step * step, asked.hexdigest()[:8] + answered.hexdigest()[:8]


def select(gathered: Gathered) -> None:
    """Puts the operations in scope, and says of the others why they are not."""
    settings = gathered.settings
    selection = Selection.parse(
        [item.pattern for item in settings.include], [(item.pattern, item.reason or "") for item in settings.exclude]
    )
    chosen, listed = [], set()
    for operation in gathered.contract.operations:
        also = [base + operation.path for base in operation.base_paths]
        reason = selection.decide(operation.method, operation.path, operation.tags, operation.operation_id, also)
        if reason is None:
            listed.add(operation.key)
        if reason is None and settings.safe and operation.method not in ("GET", "HEAD", "OPTIONS"):
            reason = "not asked: --safe sends only GET, HEAD and OPTIONS"
        if reason is None:
            chosen.append(operation)
        else:
            gathered.excluded.append(Excluded(operation.key, reason))
    gathered.operations = tuple(chosen)
    gathered.listed = frozenset(listed)
    gathered._scope = frozenset(operation.key for operation in chosen)
    gathered._selection = selection  # type: ignore[attr-defined]


@dataclass
class Share:
    """What one shard of a recording comes to."""

    ledger: Ledger
    exhibits: dict[str, Exhibit]
    number: int
    others: Counter[str]

    def __add__(self, other: Share) -> Share:
        ledger = self.ledger + other.ledger
        return Share(ledger, exhibits_of(ledger, self, other), self.number + other.number, self.others + other.others)


def exhibits_of(ledger: Ledger, *parts: Share) -> dict[str, Exhibit]:
    """Of each finding that is kept the exchanges of the part whose example it has."""
    found: dict[str, Exhibit] = {}
    for fingerprint, sighting in ledger.sightings.items():
        for part in parts:
            mine = part.ledger.sightings.get(fingerprint)
            if mine is not None and mine.rank == sighting.rank and fingerprint in part.exhibits:
                found.setdefault(fingerprint, part.exhibits[fingerprint])
    return found
