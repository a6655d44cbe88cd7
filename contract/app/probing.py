"""The running API asked: which probes, in which order, and what each is told of what was learnt before."""

from __future__ import annotations

import importlib
import time
from collections.abc import Iterator
from typing import NoReturn

from contract.app import corpus
from contract.app.gathered import Gathered
from contract.app.plugins import plug_in
from contract.app.settings import Settings
from contract.core.check import NO_METHODS, NOWHERE
from contract.core.errors import ContractError, TargetError
from contract.core.evidence import Complaint, Exchange, Progress, Request, Traffic
from contract.core.openapi import Operation
from contract.core.refusal import Refusal
from contract.core.selection import Selection
from contract.core.target import Target
from contract.sources.probes import walk as tour
from contract.sources.probes.walk import Learnt


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
        **({"insecure": True} if settings.insecure and kind == "http" else {}),
    )
    return target


def walk(gathered: Gathered, target: Target) -> tuple[int | None, str | None]:
    """Each operation asked the same fixed things; what it learns is for the probes after it."""
    settings = gathered.settings
    learnt = gathered.learnt = Learnt()
    options = tour.Options(
        max_time_s=settings.max_time_s,
        safe=settings.safe,
        headers=tuple((header.name, header.value) for header in settings.headers),
        secret=frozenset(header.name.lower() for header in settings.headers if header.secret),
        ids=dict(settings.ids),
        left_out=_dangerous(gathered),
        is_router_s=gathered.judge.is_router_s,
    )
    began = time.monotonic()
    _follow(gathered, "walk", tour.probe(gathered.operations, target, options, learnt))
    gathered.walked_s = time.monotonic() - began
    if learnt.own:
        some = ", ".join(learnt.own[:3]) + (f" and {len(learnt.own) - 3} more" if len(learnt.own) > 3 else "")
        gathered.notes.append(gathered.scrub(f"walk: what it made and could not delete again: {some}"))
    return None, None


def fuzz(gathered: Gathered, target: Target | None, failed: ContractError | None) -> tuple[int | None, str | None]:
    """Cases by luck, given what the walk learnt, in two passes: nothing is deleted in the first."""
    if target is None:
        raise failed or TargetError("there is no target")
    settings = gathered.settings
    prober = importlib.import_module("contract.sources.probes.schemathesis")
    left_out = _dangerous(gathered)
    corpus.replay(gathered, target, left_out)
    # The time is that of both; a walk that took long still leaves the fuzzer half of it.
    limit_s = settings.max_time_s
    clock = _Clock(None if limit_s is None else max(limit_s / 2, limit_s - gathered.walked_s))
    whole = len(gathered.operations)
    deleting = frozenset(operation.key for operation in gathered.operations if tour.deletes(operation))
    learnt = gathered.learnt if gathered.learnt is not None else Learnt()
    # The fuzzer asks below one base path, and several documents, or several servers, have several.
    bases: dict[str, list[str]] = {}
    for operation in gathered.operations:
        if operation.key not in left_out:
            bases.setdefault(operation.base_paths[0], []).append(operation.key)

    def drive(base: str, keys: frozenset[str], phases: tuple[str, ...], share: float) -> None:
        options = prober.Options(
            seed=settings.seed,
            max_examples=settings.max_examples,
            max_time_s=clock.share(share * len(bases[base]) / whole),
            workers=settings.workers,
            rate_limit=str(settings.rate_limit) if settings.rate_limit is not None else None,
            headers=tuple((header.name, header.value) for header in settings.headers),
            operations=keys,
            safe=settings.safe,
            base_path=base,
            phases=phases,
            request_timeout_s=settings.timeout_s,
            ids={place: values for place, values in learnt.ids.items() if place[0] not in deleting},
            bodies=learnt.bodies,
        )
        if keys:
            _follow(gathered, "fuzz", prober.probe(gathered.contract.root, target, options))

    for base, keys in bases.items():
        lasting = frozenset(key for key in keys if key not in deleting)
        if len(lasting) == len(keys) or settings.safe:
            drive(base, lasting, prober.PHASES, 1.0)
        else:
            drive(base, lasting, prober.ALONE, 0.6)
    if not settings.safe:
        corpus.replay(gathered, target, left_out, deleting=True)
    _ask_parameters(gathered, target)
    if not settings.routes:
        _discover(gathered, target)
    if not settings.safe:
        for base, keys in bases.items():
            ending = frozenset(key for key in keys if key in deleting)
            if ending:
                drive(base, frozenset(keys), prober.TOGETHER, 0.25)
                drive(base, ending, prober.ALONE, 0.15)
        ender = importlib.import_module("contract.sources.probes.deleted")
        readable = frozenset(key for key in gathered._scope if key.startswith("GET "))
        accepted = {key: item for key, item in gathered.accepted.items() if key not in left_out}
        _follow(gathered, "fuzz", ender.probe(accepted, readable, target))
    return None, None


class _Clock:
    """The time that is left, in shares of the whole; what one part leaves is the next one's."""

    def __init__(self, limit_s: float | None) -> None:
        self._limit_s = limit_s
        self._started = time.monotonic()
        self._given = 0.0

    def share(self, share: float) -> float | None:
        if self._limit_s is None:
            return None
        self._given += share
        return max(1.0, self._limit_s * min(1.0, self._given) - (time.monotonic() - self._started))


def _dangerous(gathered: Gathered) -> frozenset[str]:
    """Operations that no probe may ask: those that the user names, and those whose own names say so."""
    settings = gathered.settings
    named = Selection.parse([item.pattern for item in settings.dangerous])
    allowed = Selection.parse([item.pattern for item in settings.allow_dangerous])

    def is_of(selection: Selection, operation: Operation) -> bool:
        also = [base + operation.path for base in operation.base_paths]
        return not selection.decide(operation.method, operation.path, operation.tags, operation.operation_id, also)

    found = []
    for operation in gathered.operations:
        if settings.allow_dangerous and is_of(allowed, operation):
            continue
        if tour.is_dangerous(operation) or (settings.dangerous and is_of(named, operation)):
            found.append(operation.key)
    if found:
        names = ", ".join(found[:5]) + (f" and {len(found) - 5} more" if len(found) > 5 else "")
        note = f"not asked, for it may be dangerous: {names}; `--allow-dangerous '{found[0]}'` asks it all the same"
        if note not in gathered.notes:
            gathered.notes.append(note)
    return frozenset(found)


def ready(gathered: Gathered, target: Target) -> None:
    """Looks whether the target is there, and what its router says to what nobody serves; raises ContractError."""
    settings = gathered.settings
    if settings.fuzz:
        importlib.import_module("contract.sources.probes.schemathesis").require()
    importlib.import_module(f"contract.targets.{target.kind}").check(target)
    target.patience(time.monotonic() + settings.max_time_s if settings.max_time_s is not None else None)
    _learn_router(gathered, target)


def fail(error: ContractError) -> NoReturn:
    """Says of a source that it could not begin."""
    raise error


def _ask_parameters(gathered: Gathered, target: Target) -> None:
    asker = importlib.import_module("contract.sources.probes.parameters")
    declared = {
        operation.key: [item.name for item in operation.parameters if item.location == "query"]
        for operation in gathered.operations
    }
    accepted = {key: item for key, item in gathered.accepted.items() if key.startswith("GET ")}
    _follow(gathered, "fuzz", asker.probe(accepted, declared, target))


def _discover(gathered: Gathered, target: Target) -> None:
    include = gathered._selection.include  # type: ignore[attr-defined]
    if include and all(selector.kind != "path" for selector in include):
        return  # what no document has has no tag and no name
    # Before anything is deleted that an id stands for.
    finder = importlib.import_module("contract.sources.probes.discovery")
    limit_s = gathered.settings.max_time_s
    limits = {} if limit_s is None else {"max_time_s": min(limit_s, finder.MAX_TIME_S)}
    _follow(gathered, "fuzz", finder.probe(gathered.contract, dict(gathered.accepted), target, **limits))


def _learn_router(gathered: Gathered, target: Target) -> None:
    """Asks for paths and methods that nobody serves, so that the router's own 404 and 405 are told from an operation's."""
    operations = gathered.operations
    base = operations[0].base_paths[0] if operations else ""
    asked = [[Request("GET", base + path) for path in NOWHERE]]
    left_out = _dangerous(gathered)
    plain = [op for op in operations if op.method == "GET" and "{" not in op.path and op.key not in left_out]
    paths = [op.base_paths[0] + op.path for op in plain][:2] if not gathered.settings.safe else []
    for method in NO_METHODS if paths else ():
        if all(operation.method != method for operation in operations):
            asked.append([Request(method, path) for path in (paths[0], paths[-1])])
    for pair in asked:
        one, other = (target.send(item, source="router", traffic=Traffic.SYNTHETIC) for item in pair)
        refusal = Refusal.of(one, other)
        if refusal is not None and refusal.status in (404, 405):
            gathered.judge.router.setdefault(refusal.status, []).append(refusal)


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
