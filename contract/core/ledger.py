"""What all evidence adds up to. A commutative monoid: `record(xs + ys) == record(xs) + record(ys)`, in any order.

So it holds integers, counters, log-bucket histograms, unions and least elements only; a retry of a part overwrites it
and never counts twice. Its size is bounded whatever the traffic: where names are the traffic's to choose (media types,
undeclared paths and properties, tenants), it keeps those with the least hashes and the total of all. Which those are
does not depend on the order, and what is kept was never dropped before, so the counts are exact under merge.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import blake2b
from typing import Any, TypeVar
from zlib import crc32

from contract.core import exercise, parameters
from contract.core.bodies import Judged
from contract.core.check import NOT_OWN, Judgement, judged_traffic
from contract.core.evidence import Exchange, Lost
from contract.core.finding import Finding
from contract.core.histogram import Histogram
from contract.core.openapi import Operation
from contract.core.predicate import Answered
from contract.core.report import Example
from contract.core.schema import Schemas
from contract.core.shape import Shape

Rank = tuple[int, str]
"""Order among the exchanges that show one finding: bytes, then a hash; the least one is kept."""
Key = tuple[Answered, str]
"""What was answered, and the traffic class."""
Body = tuple[str, str, str]
"""A place of bodies: "request" or "response", the declared response's key ("" for a request), media type."""

ANSWERS = 256
"""Kinds of answers that are kept of one operation."""
SIGHTINGS = 2_000
"""Findings that are kept of one rule."""
TENANTS = 1_000
SAMPLE = 16
"""One exchange of so many is looked at closely: shapes and what of the schemas was exercised."""


@dataclass(slots=True)
class Count:
    """Exchanges of one kind, and how long they took."""

    exchanges: int = 0
    elapsed_us: Histogram = field(default_factory=Histogram)

    def __add__(self, other: Count) -> Count:
        return Count(self.exchanges + other.exchanges, self.elapsed_us + other.elapsed_us)


@dataclass(slots=True)
class Tally:
    """What was seen of one operation."""

    exchanges: int = 0
    own: int = 0
    """Answers of the operation's own; more than none means that it was exercised."""
    counts: dict[Key, Count] = field(default_factory=dict)
    parameters: dict[str, int] = field(default_factory=dict)
    sampled: int = 0
    """Exchanges whose bodies were looked at closely: the denominator of `shapes`."""
    shapes: dict[Body, Shape] = field(default_factory=dict)
    touched: set[str] = field(default_factory=set)
    """Places of the schemas that a sampled body exercised: `#/components/schemas/Task/properties/id`, `…/enum/2`."""

    @property
    def answers(self) -> Counter[Answered]:
        """Exchanges by what was answered, all traffic classes together."""
        found: Counter[Answered] = Counter()
        for (answered, _), count in self.counts.items():
            found[answered] += count.exchanges
        return found

    @property
    def elapsed_us(self) -> Histogram:
        """The times of all that was answered."""
        found = Histogram()
        for (answered, _), count in self.counts.items():
            if answered[0]:
                found += count.elapsed_us
        return found

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.exchanges + other.exchanges,
            self.own + other.own,
            _least(_merge(self.counts, other.counts), ANSWERS),
            dict(Counter(self.parameters) + Counter(other.parameters)),
            self.sampled + other.sampled,
            _least(_merge(self.shapes, other.shapes), ANSWERS),
            self.touched | other.touched,
        )


@dataclass(slots=True)
class Sighting:
    """How often a finding was seen, by whom, when, and its least example."""

    finding: Finding
    exchanges: int
    sources: Counter[str] = field(default_factory=Counter)
    rank: Rank | None = None
    example: Example | None = None
    first_us: int | None = None
    """When it was first seen, microseconds since 1970 (UTC), as far as the evidence says when."""
    last_us: int | None = None
    proved: tuple[str, str | None] | None = None
    """Why it may be believed, as `proof/` said of the example that is kept."""

    def again(self, source: str, exchanges: int, at_us: int | None) -> None:
        """Counts it once more."""
        self.exchanges += exchanges
        self.sources[source] += max(exchanges, 1)
        if at_us is not None:
            self.first_us = at_us if self.first_us is None else min(self.first_us, at_us)
            self.last_us = at_us if self.last_us is None else max(self.last_us, at_us)

    def __add__(self, other: Sighting) -> Sighting:
        mine = self if _order(self) <= _order(other) else other
        firsts = [each for each in (self.first_us, other.first_us) if each is not None]
        lasts = [each for each in (self.last_us, other.last_us) if each is not None]
        return Sighting(
            mine.finding,
            self.exchanges + other.exchanges,
            self.sources + other.sources,
            mine.rank,
            mine.example,
            min(firsts, default=None),
            max(lasts, default=None),
            mine.proved if mine.proved is not None else other.proved if mine is self else self.proved,
        )


def _order(sighting: Sighting) -> tuple[bool, Rank, str]:
    """Those with an example first, the least one first; the message breaks ties so that addition commutes."""
    return (sighting.rank is None, sighting.rank or (0, ""), repr(sighting.finding))


@dataclass(slots=True)
class Losses:
    """Evidence of one heading that could not be read."""

    count: int
    first: str
    """The first place of the first source, by name."""
    reason: str = ""

    def __add__(self, other: Losses) -> Losses:
        first = min((_natural(self.first), self.first, self.reason), (_natural(other.first), other.first, other.reason))
        return Losses(self.count + other.count, first[1], first[2])


@dataclass(slots=True)
class Ledger:
    """Tallies by operation key and sightings by fingerprint."""

    tallies: dict[str, Tally] = field(default_factory=dict)
    sightings: dict[str, Sighting] = field(default_factory=dict)
    unmatched: int = 0
    """Exchanges that belong to no operation of the document."""
    lost: dict[str, Losses] = field(default_factory=dict)
    seen: Counter[str] = field(default_factory=Counter)
    """How often any finding of a rule was seen, those that are not kept included."""
    tenants: dict[str, Counter[tuple[str, int, str]]] = field(default_factory=dict)
    """Exchanges by operation key, status and traffic class, of the tenants (as hashes) that are kept."""
    of_tenants: int = 0
    """Exchanges that a tenant could be told of."""

    def __add__(self, other: Ledger) -> Ledger:
        return Ledger(
            _merge(self.tallies, other.tallies),
            _least_sightings(_merge(self.sightings, other.sightings)),
            self.unmatched + other.unmatched,
            _merge(self.lost, other.lost),
            self.seen + other.seen,
            _least(_merge(self.tenants, other.tenants), TENANTS, by=str),
            self.of_tenants + other.of_tenants,
        )

    @property
    def exchanges(self) -> int:
        return sum(tally.exchanges for tally in self.tallies.values())

    def needs_example(self, fingerprint: str, rank: Rank) -> bool:
        """True if an exchange of this rank would be the one that is kept."""
        kept = self.sightings.get(fingerprint)
        return kept is None or kept.rank is None or rank < kept.rank

    def count(self, judgement: Judgement, exchange: Exchange) -> Tally | None:
        """Adds one exchange to its operation's tally, and nothing of what it shows."""
        operation, _, sent, answered = judgement
        if operation is None:
            self.unmatched += 1
            return None
        tally = self.tallies.get(operation.key)
        if tally is None:
            tally = self.tallies[operation.key] = Tally()
        tally.exchanges += 1
        status = answered[0]
        if 200 <= status < 500 and status not in NOT_OWN:
            tally.own += 1
        key = (answered, exchange.traffic._value_)  # `value` is a descriptor that costs as much as all of this
        count = tally.counts.get(key)
        if count is None:
            if len(tally.counts) >= 2 * ANSWERS:
                tally.counts = _least(tally.counts, ANSWERS)
            count = tally.counts[key] = Count()
        count.exchanges += 1
        if exchange.elapsed_us is not None:
            count.elapsed_us.add(exchange.elapsed_us)
        parameters = tally.parameters
        for label in sent:
            parameters[label] = parameters.get(label, 0) + 1
        return tally

    def look_closely(self, tally: Tally, operation: Operation, exchange: Exchange) -> None:
        """Adds what of the schemas the bodies touch, and their shapes where a prober did not make the request up.

        For those that `is_sampled` picks.
        """
        real = judged_traffic(exchange)
        tally.sampled += 1
        # A mask has neither the length nor the members of what it stands for, but it is there.
        masked = {
            side for side in ("request", "response") if any(s.startswith(f"{side} body") for s in exchange.masked)
        }
        schemas, request, response = operation.schemas, exchange.request, exchange.response
        if request.body and operation.request_body is not None:
            media = request.media_type or ""
            for judged in parameters.content(operation, request).judged:
                self._add(tally, ("request", "", media), schemas, judged, real and "request" not in masked)
        if response is not None and 200 <= response.status < 500:
            answer = operation.answer(exchange)
            if answer.declared is not None:
                place = ("response", answer.declared.key, response.media_type or "")
                for judged in answer.content.judged:
                    self._add(tally, place, schemas, judged, real and "response" not in masked)

    def _add(self, tally: Tally, place: Body, schemas: Schemas, judged: Judged, real: bool) -> None:
        exercise.touch(schemas, place[0], judged.schema, judged.value, tally.touched)
        if not real:
            return
        shape = tally.shapes.get(place)
        if shape is None:
            if len(tally.shapes) >= 2 * ANSWERS:
                tally.shapes = _least(tally.shapes, ANSWERS)
            shape = tally.shapes[place] = Shape()
        shape.add(judged.value)

    def record(self, judgement: Judgement, exchange: Exchange, examples: dict[str, tuple[Rank, Example]]) -> None:
        """Adds one exchange; `examples` holds those that `needs_example` asked for."""
        tally = self.count(judgement, exchange)
        if tally is not None and judgement.operation is not None and is_sampled(exchange):
            self.look_closely(tally, judgement.operation, exchange)
        if judgement.findings:
            at = instant(exchange.sent_at)
            self.see(judgement.findings, exchange.source, 1, examples, at)

    def see(
        self,
        findings: Iterable[Finding],
        source: str,
        exchanges: int,
        examples: dict[str, tuple[Rank, Example]] | None = None,
        at_us: int | None = None,
    ) -> None:
        """Adds findings that a source shows, each in so many exchanges."""
        for finding in findings:
            rank, example = (examples or {}).get(finding.fingerprint, (None, None))
            kept = self.sightings.get(finding.fingerprint)
            if exchanges:
                self.seen[finding.rule] += exchanges
            if kept is not None and kept.rank is not None and rank is None:
                kept.again(source, exchanges, at_us)  # its example stays, and the words that go with it
                continue
            fresh = Sighting(finding, exchanges, Counter({source: max(exchanges, 1)}), rank, example, at_us, at_us)
            self.sightings[finding.fingerprint] = fresh if kept is None else kept + fresh
        if len(self.sightings) > 4 * SIGHTINGS:
            self.sightings = _least_sightings(self.sightings)

    def lose(self, lost: Lost) -> None:
        """Adds a piece of evidence that could not be read."""
        fresh = Losses(1, lost.place, lost.reason)
        kept = self.lost.get(lost.heading)
        self.lost[lost.heading] = fresh if kept is None else kept + fresh

    def belongs(self, tenant: str, operation: str, status: int, traffic: str) -> None:
        """Adds one exchange to its tenant, given as a hash."""
        self.of_tenants += 1
        if tenant not in self.tenants and len(self.tenants) >= 2 * TENANTS:
            self.tenants = _least(self.tenants, TENANTS, by=str)
        self.tenants.setdefault(tenant, Counter())[operation, status, traffic] += 1

    def observed(self) -> Ledger:
        """The same without what no exchange shows: that follows anew from the document, the routes and the sum of all."""
        shown = {key: each for key, each in self.sightings.items() if each.exchanges}
        return replace(self, sightings=shown).settled()

    def settled(self) -> Ledger:
        """The same with no more than what is kept; equal for equal evidence, however it was added up."""
        return self + Ledger()


def is_sampled(exchange: Exchange) -> bool:
    """True for one exchange in `SAMPLE`, chosen by a hash of what it is, so that any split of the work picks the same."""
    answer = exchange.response
    tail = answer.body[-48:] if answer is not None else b""
    asked = exchange.request.url.encode("utf-8", "surrogateescape")
    return crc32(tail, crc32(asked, len(exchange.request.body or b"") + (exchange.elapsed_us or 0))) % SAMPLE == 0


def tenant_hash(name: str) -> str:
    """A tenant as 16 hex digits; its name is nobody's business."""
    return blake2b(name.encode("utf-8", "surrogateescape"), digest_size=8, person=b"contract").hexdigest()


def instant(text: str | None) -> int | None:
    """Microseconds since 1970 (UTC) of an RFC 3339 time; None if there is none, or it names no offset."""
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return None if found.tzinfo is None else round(found.timestamp() * 1_000_000)


T = TypeVar("T", bound=Any)
K = TypeVar("K", bound=Any)


def _merge(mine: Mapping[K, T], other: Mapping[K, T]) -> dict[K, T]:
    merged = dict(mine)
    for key, value in other.items():
        merged[key] = merged[key] + value if key in merged else value
    return merged


def _digest(key: object) -> str:
    return blake2b(repr(key).encode("utf-8", "surrogateescape"), digest_size=8).hexdigest()


def _least(items: dict[K, T], most: int, by: Callable[[object], str] = _digest) -> dict[K, T]:
    """Those with the least hashes."""
    if len(items) <= most:
        return items
    return {key: items[key] for key in sorted(items, key=by)[:most]}


def _least_sightings(items: dict[str, Sighting]) -> dict[str, Sighting]:
    """Of each rule those with the least fingerprints, which are hashes already."""
    if len(items) <= SIGHTINGS:
        return items
    by_rule: dict[str, list[str]] = {}
    for fingerprint in sorted(items):
        by_rule.setdefault(items[fingerprint].finding.rule, []).append(fingerprint)
    return {each: items[each] for found in by_rule.values() for each in found[:SIGHTINGS]}


def _natural(place: str) -> tuple[str, int]:
    """`traffic.ndjson:17` in an order that knows numbers."""
    digits = len(place) - len(place.rstrip("0123456789"))
    return (place[: len(place) - digits], int(place[len(place) - digits :])) if digits else (place, -1)
