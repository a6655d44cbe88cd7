"""From the ledger to the report: states, folding, the three figures, the gate and the sentence that sums it up."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime

from contract.core import earlier, exercise
from contract.core.document import escape
from contract.core.evidence import Artifact, header, is_json, media_type
from contract.core.finding import FAULTS, Finding, Fix, Level, Proof, State, Where, fingerprint
from contract.core.ledger import Ledger, Sighting, Tally
from contract.core.openapi import Contract, Operation, Parameter
from contract.core.policy import Accepted, Baseline
from contract.core.report import (
    SCHEMA_VERSION,
    Completeness,
    DocumentFacts,
    Drift,
    Example,
    Excluded,
    Exercised,
    FindingRow,
    Generation,
    GenerationTarget,
    Intermittent,
    Kpis,
    Latency,
    LostRow,
    Member,
    OperationExercise,
    OperationName,
    OperationRow,
    Outcome,
    Place,
    Ratio,
    Report,
    Run,
    Seen,
    Source,
    Tool,
    Verdict,
    WhereJson,
)
from contract.core.shape import shares as shape_shares

FOLD_FROM = 3
"""So many operations that have nothing in common but a habit are told once; two, where they share what is at fault."""

_SEVERAL = 3
"""Requests of an operation that all failed, and it fails whatever it is asked."""

EXAMPLES, EXAMPLES_BYTES = 20, 64 * 1024
"""So many operations of a folded finding keep an example beside the one it is told with, and so many bytes of them."""

_HABITS = frozenset(
    {
        "undeclared-status",
        "undeclared-media-type",
        "missing-header",
        "auth-not-enforced",
        "undeclared-parameter",
        "missing-operation-id",
        "operation-without-success",
        "response-without-schema",
        "default-only-response",
    }
)
"""Rules whose findings on several operations are likely one habit of the server, or of the document's author."""

COMPLETENESS_RULES = frozenset({"undeclared-operation"})


@dataclass(frozen=True)
class Proven:
    """What `proof/` says of a finding."""

    proof: Proof
    detail: str | None = None
    tries: tuple[bool, ...] = ()
    """For each time that the same request was sent again whether it showed; not where that could tell nothing."""
    intermittent: Intermittent | None = None


@dataclass(frozen=True)
class Implemented:
    """What the route lists say, joined with the document."""

    matched: frozenset[str]  # keys of declared operations that are implemented
    undeclared: tuple[str, ...]  # "DELETE /x/{id}", in no document
    documented: Ratio


@dataclass
class Material:
    """Everything that a report is a function of."""

    contract: Contract
    ledger: Ledger
    run: Run
    tool: Tool
    target: str | None
    sources: list[Source]
    runtime: frozenset[str]
    """Rule ids that speak of the running API, and so count as drift."""
    operations: Sequence[Operation]
    """Those in scope; the others are in `excluded`."""
    excluded: list[Excluded] = field(default_factory=list)
    implemented: Implemented | None = None
    artifacts: list[Artifact] | None = None
    generated: tuple[GenerationTarget, ...] = ()
    """By target what is to be told of it besides the figure."""
    proofs: Mapping[str, Proven] = field(default_factory=dict)
    baseline: Baseline = field(default_factory=Baseline)
    gate: Level = Level.ERROR
    floor: float = 0.8
    asked_runtime: bool = False
    """True if a source was asked that could observe the running API."""
    curl: Callable[[Sighting], str | None] = lambda sighting: None
    routes: Mapping[str, Place] = field(default_factory=dict)
    """Where an undeclared operation is implemented, by its key."""


def compose(material: Material, today: date) -> Report:
    """The report of a run, `today` deciding which exemptions have ended."""
    rows = _findings(material, today)
    operations = _operations(material, rows)
    exercised = _exercised(material)
    kpis = _kpis(material, rows, exercised)
    outcome = _outcome(material, rows, kpis)
    report = Report(
        schema_version=SCHEMA_VERSION,
        tool=material.tool,
        run=material.run,
        document=DocumentFacts(
            material.contract.document.path,
            material.contract.document.version,
            material.contract.document.sha256,
            len(material.contract.operations),
        ),
        target=material.target,
        sources=tuple(material.sources),
        kpis=kpis,
        operations=tuple(operations),
        findings=tuple(rows),
        excluded=tuple(material.excluded),
        outcome=outcome,
        unchecked=tuple(_unchecked(material)),
        lost=tuple(
            LostRow(heading, item.count, item.first, item.reason)
            for heading, item in sorted(material.ledger.lost.items())
        ),
    )
    return report if material.baseline.earlier is None else earlier.against(report, material.baseline.earlier)


# --- findings ---------------------------------------------------------------------------------------------------------


def proved_level(finding: Finding, proof: Proof) -> Level:
    """An error that nobody can prove is at most a note (law 6)."""
    unproven = proof in (Proof.UNPROVEN, Proof.DISPUTED)
    return Level.NOTE if unproven and finding.level is Level.ERROR else finding.level


@dataclass(frozen=True, slots=True)
class _Cause:
    """What may be told once for several operations, from so many operations on."""

    key: str
    fold_from: int | None = None
    """None: of its own, never told together."""


_Seen = tuple[Sighting, State, Accepted | None]


def _findings(material: Material, today: date) -> list[FindingRow]:
    order = {operation.key: index for index, operation in enumerate(material.contract.operations)}
    groups: dict[tuple[_Cause, State, Level], list[_Seen]] = defaultdict(list)
    open_to_all = _refuses_nobody(material)
    missing = _not_served(material)
    failing = frozenset(
        key
        for key, tally in material.ledger.tallies.items()
        if tally.exchanges >= _SEVERAL and all(code >= 500 for code, _, _ in tally.answers)
    )
    placed = {
        _told(sighting.finding) for sighting in material.ledger.sightings.values() if _is_placed(sighting.finding)
    }
    maps = {_map_of(item.finding) for item in material.ledger.sightings.values() if _is_map(item.finding)}
    for sighting in material.ledger.sightings.values():
        if _is_told_otherwise(sighting.finding, missing):
            continue
        if _map_of(sighting.finding) in maps and not _is_map(sighting.finding):
            continue  # one key of what another answer shows to be a map
        if sighting.finding.rule == _REFUSED and not _is_placed(sighting.finding) and _told(sighting.finding) in placed:
            continue  # in the same words as a refusal of which the place is known
        if open_to_all and sighting.finding.rule == _AUTH:
            sighting = _without_authentication(sighting)
        proven = _proof(material, sighting.finding)
        if _is_at_place(sighting.finding) and not _shows_always(proven):
            continue  # one that shows only sometimes is at no place: it is told once, without one
        level = proved_level(sighting.finding, proven.proof)
        state, entry = material.baseline.state(sighting.finding.fingerprint, today, level)
        # A rate is that of one operation.
        alone = proven.intermittent is not None
        cause = _Cause(sighting.finding.fingerprint) if alone else _cause(sighting, open_to_all, failing)
        groups[cause, state, level].append((sighting, state, entry))
    rows: list[FindingRow] = []
    folded: list[tuple[str, str, list[_Seen]]] = []
    for (cause, state, level), members in groups.items():
        members.sort(
            key=lambda item: (order.get(item[0].finding.operation or "", len(order)), item[0].finding.fingerprint)
        )
        reached = {sighting.finding.operation for sighting, _, _ in members} - {None}
        if cause.fold_from is not None and len(reached) >= cause.fold_from:
            keys = {sighting.finding.fold_key for sighting, _, _ in members}
            own = hashlib.sha256(f"{cause.key}\0{state}\0{level}".encode("utf-8", "surrogatepass")).hexdigest()[:40]
            folded.append((keys.pop() if len(keys) == 1 else own, own, members))
        else:
            rows.extend(_row(material, *member) for member in members)
    # One mismatch may have several causes (a status with bodies of two shapes), or stand differently in the baseline.
    times = Counter(key for key, _, _ in folded)
    rows.extend(_folded(material, key if times[key] == 1 else own, members) for key, own, members in folded)
    rows.extend(_absent(material))
    ranks = {Level.ERROR: 0, Level.WARNING: 1, Level.NOTE: 2}
    states = {State.NEW: 0, State.UNCHANGED: 1, State.EXEMPT: 2, State.ACCEPTED: 3, State.ABSENT: 4}

    def key(row: FindingRow) -> tuple[int, int, int, str, str]:
        name = row.operation or (row.operations[0] if row.operations else None)
        place = order.get(f"{name.method} {name.path}", len(order)) if name else len(order)
        return (ranks[Level(row.level)], states[State(row.state)], place, row.rule, row.fingerprint)

    return sorted(rows, key=key)


_UNIMPLEMENTED, _NOT_SERVED = "unimplemented-operation", "operation-not-served"
_OF_WHAT_IS_NOT_SERVED = frozenset({"server-error", "undeclared-status", "undeclared-media-type", "no-answer"})


def _not_served(material: Material) -> dict[str | None, frozenset[str | None]]:
    """Operations that are not there, and the statuses by which that shows; no status for what a list of routes says."""
    found: dict[str | None, frozenset[str | None]] = {}
    for sighting in material.ledger.sightings.values():
        finding = sighting.finding
        if finding.rule in (_UNIMPLEMENTED, _NOT_SERVED):
            found[finding.operation] = found.get(finding.operation, frozenset()) | {
                _UNIMPLEMENTED if finding.rule == _UNIMPLEMENTED else finding.mismatch.where.status
            }
    return found


def _is_told_otherwise(finding: Finding, missing: Mapping[str | None, frozenset[str | None]]) -> bool:
    """True for a second finding about an operation that is not there: one cause has one name."""
    statuses = missing.get(finding.operation)
    if statuses is None:
        return False
    if finding.rule == _NOT_SERVED:
        return _UNIMPLEMENTED in statuses
    return finding.rule in _OF_WHAT_IS_NOT_SERVED and finding.mismatch.where.status in statuses


_UNNAMED = "undeclared-property"


def _is_map(finding: Finding) -> bool:
    """True for an object that is told as a whole, whatever its keys; one key may be called `*`, and is of a kind."""
    return finding.rule == _UNNAMED and finding.mismatch.name == "*" and " " in (finding.mismatch.observed or "")


def _map_of(finding: Finding) -> tuple[str | None, Where, str | None] | None:
    """The object that a property without a declaration lies in; None for any other finding."""
    where, name = finding.mismatch.where, finding.mismatch.name
    if finding.rule != _UNNAMED or where.pointer is None or name is None:
        return None
    return finding.operation, replace(where, pointer=where.pointer.removesuffix(f"/{name}")), finding.mismatch.component


def _is_at_place(finding: Finding) -> bool:
    """True for a fault of the server that is told beside another one of the same words, by its place in the request."""
    return finding.rule in FAULTS and finding.mismatch.where.direction == "request"


def _shows_always(proven: Proven) -> bool:
    return proven.proof is Proof.REPLAYED and proven.intermittent is None and all(proven.tries)


_ACCEPTED, _REFUSED = "invalid-request-accepted", "valid-request-refused"


def _is_placed(finding: Finding) -> bool:
    """True where one part of the request is to blame."""
    return finding.rule == _REFUSED and finding.mismatch.where.pointer is not None


def _told(finding: Finding) -> tuple[str | None, str]:
    """An operation and what its refusal says, quoted texts and numbers left out."""
    return finding.operation, re.sub(r'"[^"]*"|\d+', "", finding.mismatch.observed or "")


_AUTH = "auth-not-enforced"
_RAISED = re.compile(r"(\d{3}): ([\w.]+)(?::.*)? (\([^()]*:\d+\))", re.DOTALL)
"""What is observed of an exception in this process: status, type, and the line that it comes from."""


def _cause(sighting: Sighting, open_to_all: bool, failing: frozenset[str] = frozenset()) -> _Cause:
    """What is at fault: a component, a line of code, or a habit.

    A component that is violated is one cause through whatever statuses and media types it is reached. A habit is told
    apart by how the answer looks: one exception handler gives one shape. Two failures of the server, or two places of
    schemas of successes written in line, are two causes even if they look alike; but what fails whatever it is asked
    (`failing`), as others do in the same words, fails with what stands behind all of them.
    """
    finding, mismatch = sighting.finding, sighting.finding.mismatch
    where = mismatch.where
    if finding.rule == _AUTH and open_to_all:
        return _Cause(_AUTH, 1)
    if (mismatch.component or "").startswith("#/components/"):
        return _Cause(fingerprint(finding.rule, None, replace(mismatch, where=Where(where.direction))), 2)
    if finding.rule == "server-error":
        raised = _RAISED.fullmatch(mismatch.observed or "")
        if raised is not None:
            return _Cause(" ".join(raised.groups()), 2)
        if finding.operation in failing and " " in (mismatch.name or ""):  # a status, and what it says
            return _Cause(f"{finding.rule} {mismatch.name}", FOLD_FROM)
        return _Cause(finding.fingerprint)
    if finding.rule == "undeclared-status" and where.status in ("401", "403"):
        return _Cause(finding.fold_key, FOLD_FROM)  # one guard, however it answers whom
    if finding.rule == "undeclared-status":
        return _Cause(f"{finding.fold_key} {_looks(sighting.example)}", FOLD_FROM)
    if finding.rule == "undeclared-media-type":
        # Whatever the status: the same in place of the same.
        return _Cause(f"{finding.rule} {mismatch.declared} {mismatch.observed}", FOLD_FROM)
    if finding.rule in ("response-schema", _UNNAMED) and _code(sighting)[:1] in ("4", "5"):
        # Schemas of errors that are written in line: one exception handler answers for all operations.
        told = f"{where.pointer} {mismatch.name} {mismatch.declared} {_looks(sighting.example)}"
        return _Cause(f"{finding.rule} {told}", FOLD_FROM)
    if finding.rule in (_ACCEPTED, _REFUSED) and where.pointer is not None:
        # What is not looked at, or is looked at more closely, in one place of requests: a shared parameter, a filter.
        said = _told(finding)[1] if finding.rule == _REFUSED else mismatch.observed
        wanted = re.split(r"; | where ", mismatch.declared or "")[-1]  # not what was sent instead
        # What reads another media type stands in front of all operations, and is no chance.
        is_reader = finding.rule == _ACCEPTED and " where " in (mismatch.declared or "")
        return _Cause(f"{finding.rule} {where.pointer} {wanted} {said}", 2 if is_reader else FOLD_FROM)
    if finding.rule == "malformed-body":
        return _Cause(f"{finding.rule} {where.media_type} {mismatch.observed}", FOLD_FROM)
    return _Cause(finding.fold_key, FOLD_FROM) if finding.rule in _HABITS else _Cause(finding.fingerprint)


def _code(sighting: Sighting) -> str:
    """The status of the answer that shows it; a finding may name the range or the `default` that covers it."""
    answer = sighting.example.response if sighting.example is not None else None
    return str(answer.status) if answer is not None else sighting.finding.mismatch.where.status or ""


def _looks(example: Example | None) -> str:
    """Media type and names of an answer, two levels deep; values say nothing, and may be masked."""
    if example is None or example.response is None:
        return ""
    answer = example.response
    media = media_type(header(answer.headers, "content-type"))
    try:
        body = json.loads(answer.body or "") if is_json(media) else None
    except (ValueError, RecursionError):
        body = None  # cut, or none
    return f"{media} {_names(body, 2)}"


def _names(value: object, depth: int) -> object:
    if isinstance(value, dict):
        return {name: _names(value[name], depth - 1) for name in sorted(value)} if depth else "object"
    return "array" if isinstance(value, list) else "scalar"


def _refuses_nobody(material: Material) -> bool:
    """True if no operation that asks for credentials ever answered 401 or 403: then authentication is switched off.

    An operation without `security`, or with an empty alternative, may refuse for reasons of its own (a login).
    """
    return not any(
        code in (401, 403)
        for operation in material.contract.operations
        if operation.security and all(operation.security) and operation.key in material.ledger.tallies
        for code, _, _ in material.ledger.tallies[operation.key].answers
    )


def _without_authentication(sighting: Sighting) -> Sighting:
    mismatch = replace(
        sighting.finding.mismatch,
        observed="no operation answered 401 or 403",
        message="No operation refused a request without valid credentials: the server runs without authentication.",
        fix=Fix(None, "Start it with authentication, and check again; operations that then still answer are errors."),
    )
    return replace(sighting, finding=replace(sighting.finding, level=Level.NOTE, mismatch=mismatch))


def _proof(material: Material, finding: Finding) -> Proven:
    return material.proofs.get(finding.fingerprint, Proven(Proof.STRUCTURAL))


def _row(material: Material, sighting: Sighting, state: State, entry: Accepted | None) -> FindingRow:
    finding, mismatch = sighting.finding, sighting.finding.mismatch
    proven = _proof(material, finding)
    return FindingRow(
        fingerprint=finding.fingerprint,
        rule=finding.rule,
        level=proved_level(finding, proven.proof).value,
        state=state.value,
        operation=_name(finding.operation),
        operations=(),
        where=WhereJson(
            mismatch.where.direction, mismatch.where.status, mismatch.where.media_type, mismatch.where.pointer
        ),
        declared=mismatch.declared,
        observed=mismatch.observed,
        message=mismatch.message,
        location=_place(material, mismatch.component, finding.operation),
        exchanges=sighting.exchanges or None,
        of=_of(material, finding),
        example=sighting.example,
        curl=material.curl(sighting),
        proof=proven.proof.value,
        proof_detail=proven.detail,
        fix=mismatch.fix,
        sources=tuple(sorted(sighting.sources)),
        reason=entry.reason if entry is not None else None,
        until=entry.until if entry is not None else None,
        shares=tuple(_shares(material, finding)),
        first_seen=_time(sighting.first_us),
        last_seen=_time(sighting.last_us),
        intermittent=proven.intermittent,
    )


def _shares(material: Material, finding: Finding) -> Iterator[str]:
    """How often the place was missing or null in all sampled bodies of the same answer."""
    where, tally = finding.mismatch.where, material.ledger.tallies.get(finding.operation or "")
    if tally is None or where.direction is None or where.pointer is None or finding.mismatch.keyword is None:
        return
    place = where.pointer.removeprefix("body:")
    shape = tally.shapes.get((where.direction, where.status or "", where.media_type or ""))
    if shape is None or not place.startswith("/"):
        return
    if finding.mismatch.keyword == "required" and finding.mismatch.name is not None:
        place += "/" + escape(finding.mismatch.name)
    for share in shape_shares(shape, place):
        if share.seen.part:
            yield f"{share.kind} in {share.seen.part:,} of {share.seen.whole:,} ({share.seen})"


def _time(microseconds: int | None) -> str | None:
    if microseconds is None:
        return None
    try:
        found = datetime.fromtimestamp(microseconds / 1_000_000, UTC)
    except (OverflowError, ValueError, OSError):
        return None
    return found.isoformat(timespec="seconds").replace("+00:00", "Z")


def _folded(material: Material, fold_key: str, members: Sequence[_Seen]) -> FindingRow:
    """One row for one cause: told with the least example, listing all operations; where they differ, no place is said."""
    best = min(members, key=lambda item: (item[0].rank is None, item[0].rank or (0, ""), item[0].finding.fingerprint))
    row = _row(material, *best)
    places = [sighting.finding.mismatch.where for sighting, _, _ in members]
    where = replace(
        row.where,
        status=row.where.status if len({place.status for place in places}) == 1 else None,
        media_type=row.where.media_type if len({place.media_type for place in places}) == 1 else None,
    )
    examples = _examples(sighting for sighting, _, _ in members if sighting is not best[0])
    parts = []
    for sighting, _, _ in members:
        name = _name(sighting.finding.operation)
        if name is not None:
            parts.append(
                Member(
                    name.method,
                    name.path,
                    sighting.finding.fingerprint,
                    sighting.exchanges or None,
                    _of(material, sighting.finding),
                    examples.get(sighting.finding.fingerprint),
                )
            )
    totals = [part.of for part in parts if part.of is not None]
    return replace(
        row,
        fingerprint=fold_key,
        operation=None,
        operations=tuple(parts),
        where=where,
        exchanges=sum(part.exchanges or 0 for part in parts) or None,
        of=sum(totals) if len(totals) == len(parts) else None,
        sources=tuple(sorted({source for sighting, _, _ in members for source in sighting.sources})),
    )


def _examples(others: Iterable[Sighting]) -> dict[str, Example]:
    """The least examples by fingerprint: as many as the bounds allow, and none that is greater than one left out."""
    ranked = ((each.rank, each.finding.fingerprint, each.example) for each in others if each.rank is not None)
    kept: dict[str, Example] = {}
    room = EXAMPLES_BYTES
    for _, name, example in sorted(ranked, key=lambda item: item[:2]):
        if example is None:
            continue
        room -= _size(example)
        if room < 0 or len(kept) == EXAMPLES:
            break
        kept[name] = example
    return kept


def _size(example: Example) -> int:
    """About the bytes that an example takes."""
    request, response = example.request, example.response
    texts = [request.method, request.url, request.body or "", example.failure or ""]
    texts += [part for pair in request.headers for part in pair]
    if response is not None:
        texts += [response.body or "", *(part for pair in response.headers for part in pair)]
    return sum(len(text.encode("utf-8", "replace")) for text in texts) + sum(map(_size, example.before))


def _absent(material: Material) -> Iterable[FindingRow]:
    """What the baseline holds and this run did not see; the row says no more than the baseline does."""
    for entry in material.baseline.entries.values():
        if entry.fingerprint not in material.ledger.sightings:
            yield FindingRow(
                entry.fingerprint,
                entry.rule or "",
                Level.NOTE.value,
                State.ABSENT.value,
                _name(entry.operation),
                (),
                WhereJson(),
                None,
                None,
                entry.message or "",
                None,
                None,
                None,
                None,
                None,
                Proof.UNPROVEN.value,
                "not seen in this run",
                Fix(),
                reason=entry.reason,
                until=entry.until,
            )


def _name(key: str | None) -> OperationName | None:
    if key is None:
        return None
    method, _, path = key.partition(" ")
    return OperationName(method, path)


def _place(material: Material, component: str | None, operation: str | None) -> Place | None:
    if operation is not None and operation in material.routes:
        return material.routes[operation]
    if component is None:
        return None
    found = material.contract.document.locate(component)
    return Place(found.file, found.line)


def _of(material: Material, finding: Finding) -> int | None:
    """Of how many exchanges: those of the operation whose answer is covered by the same declaration."""
    tally = material.ledger.tallies.get(finding.operation or "")
    if tally is None or finding.mismatch.where.direction is None or finding.rule not in material.runtime:
        return None
    status = finding.mismatch.where.status
    if (
        finding.mismatch.where.direction == "request"
        or status is None
        or finding.rule in ("undeclared-status", "server-error")
    ):
        return tally.exchanges
    return sum(count for (code, key, _), count in tally.answers.items() if status in (key, str(code))) or None


# --- the map ----------------------------------------------------------------------------------------------------------


def _operations(material: Material, findings: Sequence[FindingRow]) -> list[OperationRow]:
    by_operation: dict[str, list[FindingRow]] = defaultdict(list)
    for row in findings:
        if row.state == State.ABSENT:
            continue
        if row.operation is not None:
            by_operation[f"{row.operation.method} {row.operation.path}"].append(row)
        for member in row.operations:
            seen = material.ledger.sightings[member.fingerprint].finding.mismatch.where
            here = replace(row.where, status=seen.status, media_type=seen.media_type)
            by_operation[f"{member.method} {member.path}"].append(replace(row, where=here))
    rows = []
    for operation in material.operations:
        tally = material.ledger.tallies.get(operation.key, Tally())
        mine = by_operation.pop(operation.key, [])
        statuses = sorted({str(code) for code, _, _ in tally.answers if code})
        place = material.contract.document.locate(operation.pointer)
        rows.append(
            OperationRow(
                key=operation.key,
                method=operation.method,
                path=operation.path,
                declared=True,
                implemented=None if material.implemented is None else operation.key in material.implemented.matched,
                exchanges=tally.exchanges,
                exercised=OperationExercise(
                    tuple(statuses),
                    tuple(sorted({media for _, _, media in tally.answers if media})),
                    tuple(sorted(tally.parameters)),
                    *_touched(operation, tally),
                    tally.sampled,
                ),
                findings=tuple(dict.fromkeys(row.fingerprint for row in mine)),
                tag=operation.tags[0] if operation.tags else None,
                location=Place(place.file, place.line),
                responses=tuple(_responses(operation, tally, mine)),
                parameters=tuple(_parameters(operation, tally, mine)),
                latency=_latency(tally),
            )
        )
    for key in material.implemented.undeclared if material.implemented is not None else ():
        mine = by_operation.pop(key, [])
        rows.append(_undeclared_row(key, mine, True, material))
    for key, mine in by_operation.items():
        if any(row.rule in COMPLETENESS_RULES for row in mine):
            rows.append(_undeclared_row(key, mine, None, material))
    return rows


def _touched(operation: Operation, tally: Tally) -> tuple[Ratio, Ratio, Ratio]:
    """Properties, members of enums and branches: those that bodies touched, of those that are declared."""
    found = {kind: [0, 0] for kind in ("property", "enum", "branch")}
    for label in exercise.declared(operation):
        pair = found[exercise.kind(label)]
        pair[0] += label in tally.touched
        pair[1] += 1
    properties, members, branches = (Ratio(part, whole) for part, whole in found.values())
    return properties, members, branches


def _latency(tally: Tally) -> Latency | None:
    times = tally.elapsed_us
    p50, p95, p99 = (times.quantile(q) for q in (0.5, 0.95, 0.99))
    return None if p50 is None or p95 is None or p99 is None else Latency(times.count, p50, p95, p99)


def _undeclared_row(
    key: str, findings: Sequence[FindingRow], implemented: bool | None, material: Material
) -> OperationRow:
    method, _, path = key.partition(" ")
    return OperationRow(
        key=key,
        method=method,
        path=path,
        declared=False,
        implemented=implemented,
        exchanges=sum(row.exchanges or 0 for row in findings),
        exercised=OperationExercise(),
        findings=tuple(row.fingerprint for row in findings),
        location=material.routes.get(key),
    )


_ON_RESPONSES = frozenset(
    {
        "undeclared-status",
        "undeclared-media-type",
        "response-schema",
        "malformed-body",
        "undeclared-property",
        "missing-header",
        "server-error",
        "use-after-delete",
    }
)


def _responses(operation: Operation, tally: Tally, findings: Sequence[FindingRow]) -> Iterable[Seen]:
    by_cell: dict[tuple[str, str | None], list[str]] = defaultdict(list)
    for row in findings:
        if row.rule in _ON_RESPONSES and row.where.status is not None:
            by_cell[row.where.status, row.where.media_type].append(row.fingerprint)
    taken: set[tuple[str, str | None]] = set()

    def marks(*cells: tuple[str, str | None]) -> tuple[str, ...]:
        found: dict[str, None] = {}
        for cell in cells:
            taken.add(cell)
            found.update(dict.fromkeys(by_cell.get(cell, ())))
        return tuple(found)

    counted: Counter[tuple[str, str]] = Counter()
    codes: dict[str, set[str]] = defaultdict(set)
    for (code, key, media), count in tally.answers.items():
        if code:
            counted[key or str(code), media] += count
            codes[key].add(str(code))  # a finding may name the code, its cell the range or `default`
    for key, response in operation.responses.items():
        seen = {media: count for (name, media), count in counted.items() if name == key}
        covered: set[str] = set()
        entries = response.content or (None,)
        for index, entry in enumerate(entries):
            if entry is None:
                cells = [(name, None) for name in sorted({key} | codes[key])] + [(key, media) for media in seen]
                yield Seen(key, True, sum(seen.values()), None, marks(*cells))
                covered.update(seen)
                continue
            mine = {media: count for media, count in seen.items() if response.media(media) == entry}
            if index == 0:  # an answer without a body counts for the first row
                mine |= {media: count for media, count in seen.items() if not media}
            covered.update(mine)
            yield Seen(
                key,
                True,
                sum(mine.values()),
                entry.range,
                marks(
                    *([(name, None) for name in sorted({key} | codes[key])] if index == 0 else []),
                    *((key, media or None) for media in mine),
                ),
            )
        for media in sorted(set(seen) - covered):
            yield Seen(key, False, seen[media], media or None, marks((key, media or None)))
    declared = set(operation.responses)
    for key in sorted({name for name, _ in counted} - declared):
        medias = sorted(media for name, media in counted if name == key)
        for media in medias:
            yield Seen(key, False, counted[key, media], media or None, marks((key, media or None), (key, None)))


def _parameters(operation: Operation, tally: Tally, findings: Sequence[FindingRow]) -> Iterable[Seen]:
    at: dict[str, list[str]] = defaultdict(list)
    for row in findings:
        if row.where.direction == "request" and row.where.pointer:
            at[row.where.pointer.partition("/")[0].rstrip(":")].append(row.fingerprint)
    labels: list[str] = [parameter.label for parameter in operation.parameters if not _standing(parameter)]
    if operation.request_body is not None:
        labels.append("body")
    for label in labels:
        yield Seen(label, True, tally.parameters.get(label, 0), None, tuple(at.pop(label, ())))
    for label, marks in at.items():
        if label.startswith("query:"):
            yield Seen(
                label,
                False,
                sum(row.exchanges or 0 for row in findings if row.fingerprint in marks),
                None,
                tuple(marks),
            )


def _standing(parameter: Parameter) -> bool:
    return parameter.location == "header" and parameter.name.lower() in ("accept", "content-type", "authorization")


# --- the figures ------------------------------------------------------------------------------------------------------


def _exercised(material: Material) -> Exercised:
    operations = sum(
        (tally := material.ledger.tallies.get(operation.key)) is not None and tally.own > 0
        for operation in material.operations
    )
    part = whole = 0
    for operation in material.operations:
        tally = material.ledger.tallies.get(operation.key, Tally())
        seen = {key for _, key, _ in tally.answers}
        whole += len(operation.responses)
        part += sum(key in seen for key in operation.responses)
    places, sampled = Ratio(0, 0), 0
    for operation in material.operations:
        tally = material.ledger.tallies.get(operation.key, Tally())
        places = sum(_touched(operation, tally), places)
        sampled += tally.sampled
    return Exercised(Ratio(operations, len(material.operations)), Ratio(part, whole), places, sampled)


def counts_as_drift(row: FindingRow, runtime: frozenset[str]) -> bool:
    """True for an open finding at error or warning between the document and the running API."""
    return (
        row.rule in runtime
        and row.rule not in COMPLETENESS_RULES
        and row.level != Level.NOTE
        and row.state in (State.NEW, State.UNCHANGED)
    )


def _kpis(material: Material, rows: Sequence[FindingRow], exercised: Exercised) -> Kpis:
    implemented = material.implemented
    failed_routes = any(source.name == "routes" and source.verdict is Verdict.ERROR for source in material.sources)
    if failed_routes:
        completeness = Completeness(None, None, Verdict.ERROR)
    elif implemented is None or implemented.documented.whole == 0:
        completeness = Completeness(None, None, Verdict.NONE)
    else:
        ratio = implemented.documented
        completeness = Completeness(
            ratio.part, ratio.whole, Verdict.PASS if ratio.part == ratio.whole else Verdict.FAIL
        )
    return Kpis(completeness, _drift(material, rows, exercised), _generation(material))


def _drift(material: Material, rows: Sequence[FindingRow], exercised: Exercised) -> Drift:
    count = sum(counts_as_drift(row, material.runtime) for row in rows)
    runtime = [source for source in material.sources if source.name in ("fuzz", "traffic", "walk")]
    failed = any(source.verdict is Verdict.ERROR for source in runtime)
    if count:
        verdict = Verdict.FAIL
    elif failed:
        verdict = Verdict.ERROR
    elif not exercised.operations.reaches(material.floor):
        verdict = Verdict.UNDECIDED
    else:
        verdict = Verdict.PASS
    nothing = count == 0 and verdict is not Verdict.PASS
    return Drift(None if nothing else count, verdict, exercised, material.floor, material.ledger.exchanges)


def _generation(material: Material) -> Generation:
    if any(source.name == "types" and source.verdict is Verdict.ERROR for source in material.sources):
        return Generation(None, None, Verdict.ERROR, material.generated)
    if not material.artifacts:
        return Generation(None, None, Verdict.NONE)
    by_target: dict[str, list[Artifact]] = defaultdict(list)
    for artifact in material.artifacts:
        by_target[artifact.target].append(artifact)
    told = {target.name: target for target in material.generated}
    targets = tuple(
        replace(told.get(name, GenerationTarget(name, 0, 0)), part=sum(item.proven for item in items), whole=len(items))
        for name, items in sorted(by_target.items())
    )
    part, whole = sum(target.part for target in targets), sum(target.whole for target in targets)
    return Generation(part, whole, Verdict.PASS if part == whole else Verdict.FAIL, targets)


# --- the gate ---------------------------------------------------------------------------------------------------------


def failing(rows: Iterable[FindingRow], gate: Level) -> list[FindingRow]:
    """New findings at or above the gate."""
    return [row for row in rows if row.state == State.NEW and Level(row.level).rank >= gate.rank]


def _outcome(material: Material, rows: Sequence[FindingRow], kpis: Kpis) -> Outcome:
    gate = material.gate
    failed = failing(rows, gate)
    broken = [source for source in material.sources if source.verdict is Verdict.ERROR]
    drift = kpis.drift
    ratio = drift.exercised.operations
    short = material.asked_runtime and not ratio.reaches(material.floor)
    if failed:
        undocumented = sum(len(row.operations) or 1 for row in failed if row.rule in COMPLETENESS_RULES)
        others = sum(row.rule not in COMPLETENESS_RULES for row in failed)
        parts = [_count(others, "new finding")] if others else []
        if undocumented:
            parts.append(f"{_count(undocumented, 'operation')} undocumented")
        parts.extend(f"{source.name} failed to measure" for source in broken)
        return Outcome("Failed: " + ", ".join(parts), 1, gate.value)
    if broken:
        names = ", ".join(source.name for source in broken)
        todo = tuple(source.message for source in broken if source.message)
        return Outcome(f"No verdict: {names} failed to measure", 3, gate.value, todo)
    if short:
        statuses = Counter(
            code
            for operation in material.operations
            if (tally := material.ledger.tallies.get(operation.key))
            for code, _, _ in tally.answers.elements()
        )
        reason, todo = _why_short(statuses, material, ratio)
        return Outcome(f"No verdict: drift is undecided, {reason}", 3, gate.value, todo)
    if not material.run.complete:
        return Outcome("No verdict: the run was stopped before its end, and found nothing until then", 3, gate.value)
    if material.ledger.lost:
        count = sum(item.count for item in material.ledger.lost.values())
        todo = tuple(
            f"{item.count} × {heading}, first at {item.first}" for heading, item in sorted(material.ledger.lost.items())
        )
        pieces = "1 piece" if count == 1 else f"{count:,} pieces"
        return Outcome(f"No verdict: {pieces} of evidence could not be read", 3, gate.value, todo)
    waiting = sum(row.state in (State.UNCHANGED, State.ACCEPTED, State.EXEMPT) for row in rows)
    parts = []
    if kpis.completeness.whole is not None:
        parts.append(f"{kpis.completeness.part} of {kpis.completeness.whole} implemented operations documented")
    if material.asked_runtime:
        parts.append(f"{_count(drift.count or 0, 'drift')} in {ratio.part} of {ratio.whole} operations exercised")
    if kpis.generation.whole is not None:
        parts.append(f"generation {Ratio(kpis.generation.part or 0, kpis.generation.whole)}")
    new = sum(row.state == State.NEW for row in rows)
    if new:
        parts.append(f"{_count(new, 'finding')} below the gate")
    if waiting:
        parts.append(f"{waiting} known")
    return Outcome("Passed: " + (", ".join(parts) or "nothing to report"), 0, gate.value)


def _why_short(statuses: Counter[int], material: Material, ratio: Ratio) -> tuple[str, tuple[str, ...]]:
    floor = f"{ratio.part} of {ratio.whole} operations exercised (floor {round(100 * material.floor)} %)"
    total = sum(statuses.values())
    if not total:
        return f"{floor}: no exchange belongs to an operation of the document", (
            "Check that the target serves this document: its base path, its port.",
            "Check `--include` and `--exclude`.",
        )
    status, count = statuses.most_common(1)[0]
    if status == 401 or statuses[401] + statuses[403] > total / 2:
        return f"{floor}: {statuses[401] + statuses[403]} of {total} requests were answered 401 or 403", (
            "Give credentials: `--header 'Authorization: Bearer ${TOKEN}'`.",
        )
    if status == 404 and count > total / 2:
        return f"{floor}: {count} of {total} requests were answered 404", (
            "Check the base path: the path of the target's URL replaces the one of `servers`.",
            "Give examples of ids that exist in the document, so that requests reach the handlers.",
        )
    if status == 0 and count > total / 2:
        return f"{floor}: {count} of {total} requests got no answer", ("Check that the server is up, and its log.",)
    return floor, (
        "Give the run more time or examples: `--max-time 5m --max-examples 200`.",
        "Leave out what cannot be reached, with a reason: `--exclude 'GET /x :: needs a device'`.",
    )


def _unchecked(material: Material) -> Iterable[Excluded]:
    if not material.asked_runtime:
        return
    for operation in material.operations:
        tally = material.ledger.tallies.get(operation.key)
        if tally is None or tally.exchanges == 0:
            yield Excluded(operation.key, "no request was sent")
        elif tally.own == 0:
            codes = Counter({code: 0 for code, _, _ in tally.answers})
            for (code, _, _), count in tally.answers.items():
                codes[code] += count
            said = ", ".join(f"{code or 'no answer'} ({count})" for code, count in codes.most_common(4))
            yield Excluded(operation.key, f"no answer of its own: {said}")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
