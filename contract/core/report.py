"""The report: a function of the ledger, and the shape that every format, page, gate and peer reads.

The field names here are the JSON's. `contract/reports/report.schema.json` publishes them; golden files freeze them.
Absent evidence is None (`null`), never a made-up 0.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from contract.core.clients import ClientChanges
from contract.core.finding import Fix

SCHEMA_VERSION = 1


class Verdict(StrEnum):
    """The answer to one question. On the same question NONE is the identity and the worse one wins."""

    PASS = "pass"
    NONE = "none"
    FAIL = "fail"
    ERROR = "error"
    UNDECIDED = "undecided"  # of drift: there is evidence, and too little of it


@dataclass(frozen=True, slots=True)
class Ratio:
    """A share that stays a pair until it is printed.

    >>> str(Ratio(14, 15)), str(Ratio(9999, 10000)), str(Ratio(0, 0)), str(Ratio(1, 9999)), str(Ratio(5, 5))
    ('93.3 %', '99.9 %', 'no evidence', '0.1 %', '100 %')
    """

    part: int
    whole: int

    def __add__(self, other: Ratio) -> Ratio:
        return Ratio(self.part + other.part, self.whole + other.whole)

    def __str__(self) -> str:
        """`100 %` only if nothing is missing, `0 %` only if nothing is there, `no evidence` if whole is 0."""
        if self.whole == 0:
            return "no evidence"
        if self.part == self.whole:
            return "100 %"
        if self.part == 0:
            return "0 %"
        tenths = min(999, max(1, round(1000 * self.part / self.whole)))
        return f"{tenths / 10:.1f} %"

    def reaches(self, share: float) -> bool:
        """True if there is evidence and at least `share` (0..1) of it is there."""
        return self.whole > 0 and self.part >= share * self.whole


@dataclass(frozen=True, slots=True)
class Tool:
    name: str
    version: str


@dataclass(frozen=True, slots=True)
class Run:
    id: str
    started_at: str  # RFC 3339, UTC
    elapsed_us: int
    complete: bool
    """False if it was stopped before its end, by Ctrl-C or by the deadline."""
    seed: int | None = None
    environment: str | None = None
    commit: str | None = None
    release: str | None = None
    notes: tuple[str, ...] = ()
    """What the reader must know of this run: why it is incomplete, filters that matched nothing."""
    rules: tuple[str, ...] = ()
    """Those that were asked: what is switched off finds nothing, and that proves nothing. Empty if it is not told."""


@dataclass(frozen=True, slots=True)
class DocumentFacts:
    path: str
    openapi: str
    sha256: str
    operations: int


@dataclass(frozen=True, slots=True)
class Source:
    """One source of evidence and how it fared. NONE: it was there and had nothing to say."""

    name: str  # "routes", "fuzz", "traffic", "types", "lint"
    verdict: Verdict
    detail: str = ""  # "asgi contract.demo.app:app"
    exchanges: int | None = None
    items: int | None = None
    unit: str | None = None  # of items: "routes", "components and operations"
    elapsed_us: int | None = None
    message: str | None = None  # why it failed


@dataclass(frozen=True, slots=True)
class Completeness:
    """Implemented operations that the document describes, of all that are implemented."""

    part: int | None
    whole: int | None
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class GenerationFailure:
    """An operation or component whose generated code is not proven."""

    kind: str  # "operation" or "component"
    pointer: str  # `GET /tasks/{id}`, or `#/components/schemas/Task`
    step: str  # what failed: "generate", "import", "typecheck", "examples", …
    reason: str


@dataclass(frozen=True, slots=True)
class StaleFile:
    """A file of the generated code that is not what this document and these tools give."""

    file: str  # relative to the target's folder
    change: str  # "added", "removed", "changed", "foreign"
    reason: str = ""  # "document changed", "tool changed", "edited by hand", "missing", "foreign file"


@dataclass(frozen=True, slots=True)
class GenerationTarget:
    name: str
    part: int
    whole: int
    path: str | None = None
    """The folder of the committed code; None where it is made for the proof alone."""
    operations: Ratio = Ratio(0, 0)
    components: Ratio = Ratio(0, 0)
    failures: tuple[GenerationFailure, ...] = ()
    stale: tuple[StaleFile, ...] = ()
    changed: ClientChanges = field(default_factory=ClientChanges)
    """What users of the client see change, between the committed code and today's."""
    notes: tuple[str, ...] = ()
    """A fallback that was used, an operation that is expressed less well."""


@dataclass(frozen=True, slots=True)
class Generation:
    """Operations and components whose generated code is proven, of all."""

    part: int | None
    whole: int | None
    verdict: Verdict
    targets: tuple[GenerationTarget, ...] = ()


@dataclass(frozen=True, slots=True)
class Exercised:
    operations: Ratio
    responses: Ratio
    places: Ratio = Ratio(0, 0)
    """Properties, members of enums and branches that bodies touched, of all that the operations declare."""
    sampled: int = 0
    """Exchanges whose bodies were looked at for that, chosen by a hash: one in sixteen."""


@dataclass(frozen=True, slots=True)
class Drift:
    """Open findings at error or warning between the document and the running API; None without evidence."""

    count: int | None
    verdict: Verdict
    exercised: Exercised
    floor: float = 0.8
    exchanges: int = 0


@dataclass(frozen=True, slots=True)
class Kpis:
    completeness: Completeness
    drift: Drift
    generation: Generation


@dataclass(frozen=True, slots=True)
class Seen:
    """A cell of the map. `declared` and `exchanges` together give the four states; findings name what drifts."""

    name: str
    """A status as declared or seen (`200`, `2XX`, `default`); a parameter `query:limit`, `path:id`, `header:If-Match`, `body`."""
    declared: bool
    exchanges: int
    media_type: str | None = None
    findings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OperationExercise:
    statuses: tuple[str, ...] = ()  # seen, in order
    media_types: tuple[str, ...] = ()  # of answers, seen
    parameters: tuple[str, ...] = ()  # sent: "query:limit", "path:id", "body"
    properties: Ratio = Ratio(0, 0)
    """Of its bodies' schemas, touched in the `sampled` exchanges; so are the two below."""
    enum_members: Ratio = Ratio(0, 0)
    branches: Ratio = Ratio(0, 0)
    sampled: int = 0


@dataclass(frozen=True, slots=True)
class Latency:
    """How long answers took, from merged histograms, each figure within 1 %."""

    count: int
    p50_us: int
    p95_us: int
    p99_us: int


@dataclass(frozen=True, slots=True)
class OperationRow:
    """One operation, declared or not, with all that was seen of it."""

    key: str  # "GET /tasks/{id}"
    method: str
    path: str
    declared: bool
    implemented: bool | None  # None without a route list
    exchanges: int
    exercised: OperationExercise
    findings: tuple[str, ...] = ()
    tag: str | None = None
    location: Place | None = None
    responses: tuple[Seen, ...] = ()
    """One cell per status and media type, in the document's order, undeclared ones last."""
    parameters: tuple[Seen, ...] = ()
    latency: Latency | None = None


@dataclass(frozen=True, slots=True)
class Place:
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class OperationName:
    method: str
    path: str


@dataclass(frozen=True, slots=True)
class Member:
    """One operation of a folded finding; its fingerprint is what a baseline holds."""

    method: str
    path: str
    fingerprint: str
    exchanges: int | None = None
    of: int | None = None
    example: Example | None = None
    """Its own, where it is not the finding's; the least ones of a finding are kept, by number and by bytes."""


@dataclass(frozen=True, slots=True)
class WhereJson:
    direction: str | None = None
    status: str | None = None
    media_type: str | None = None
    pointer: str | None = None


@dataclass(frozen=True, slots=True)
class ExampleRequest:
    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    body: str | None = None
    body_bytes: int = 0
    masked: tuple[str, ...] = ()
    """Places whose value was replaced: `header:authorization`, `body:/email`; they are not to be judged again."""


@dataclass(frozen=True, slots=True)
class ExampleResponse:
    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: str | None = None
    body_bytes: int = 0
    masked: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Example:
    """The least exchange that shows the finding, redacted. `before` leads to it, oldest first."""

    request: ExampleRequest
    response: ExampleResponse | None
    failure: str | None = None
    before: tuple[Example, ...] = ()


@dataclass(frozen=True, slots=True)
class Intermittent:
    """In how many of its tries a finding showed: in some of them, and not in others."""

    shown: int
    tried: int


@dataclass(frozen=True, slots=True)
class FindingRow:
    fingerprint: str
    rule: str
    level: str
    state: str
    operation: OperationName | None
    operations: tuple[Member, ...]
    where: WhereJson
    declared: str | None
    observed: str | None
    message: str
    location: Place | None
    exchanges: int | None
    of: int | None
    example: Example | None
    curl: str | None
    proof: str
    proof_detail: str | None
    fix: Fix
    sources: tuple[str, ...] = ()
    reason: str | None = None  # why it was accepted
    until: str | None = None  # date on which an exemption ends
    excerpt: tuple[tuple[int, str], ...] = ()
    """Lines of `location.file` around the declaration, each with its number."""
    shares: tuple[str, ...] = ()
    """What the shape of all sampled bodies says of the place: "missing in 387 of 12,408 (3.1 %)"."""
    first_seen: str | None = None  # RFC 3339, as far as the evidence says when
    last_seen: str | None = None
    intermittent: Intermittent | None = None
    """None where it showed whenever it was tried, or nobody tried twice."""


@dataclass(frozen=True, slots=True)
class LostRow:
    """Evidence that could not be read; it is counted, and never called conforming."""

    heading: str
    count: int
    first: str  # "traffic.ndjson:17"
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Excluded:
    operation: str
    reason: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """The sentence and the exit code; what the terminal, the page and the comment say first."""

    sentence: str  # "Failed: 3 new findings, 1 operation undocumented"
    exit_code: int  # 0, 1, 2, 3 or 4
    gate: str  # "error", "warning", "note"
    todo: tuple[str, ...] = ()
    """Steps to a verdict where there is none, the cheapest first."""


@dataclass(frozen=True, slots=True)
class Earlier:
    """The report that this one was held against, as far as it is told beside this one's figures."""

    run: str
    started_at: str
    sentence: str
    kpis: Kpis
    """Without what is told of single targets of generation."""
    commit: str | None = None
    release: str | None = None


@dataclass(frozen=True, slots=True)
class Report:
    schema_version: int
    tool: Tool
    run: Run
    document: DocumentFacts
    target: str | None
    sources: tuple[Source, ...]
    kpis: Kpis
    operations: tuple[OperationRow, ...]
    findings: tuple[FindingRow, ...]
    """Worst first: by level, then state, then the document's order."""
    excluded: tuple[Excluded, ...]
    outcome: Outcome
    unchecked: tuple[Excluded, ...] = field(default=())
    """What was not checked though nobody excluded it, and why: operations never exercised, sources that failed."""
    lost: tuple[LostRow, ...] = field(default=())
    earlier: Earlier | None = None
    """Set where a base report was given: then `unchanged` is a finding that it had too, and `absent` one that only it had."""
