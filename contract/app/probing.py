"""The running API asked: which probes, in which order, and what each is told of what was learnt before."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from statistics import median
from typing import NoReturn

from contract.app import corpus, prove
from contract.app.clock import Clock
from contract.app.gathered import Gathered
from contract.app.plugins import plug_in
from contract.app.settings import Settings
from contract.core.check import NO_METHODS, NOWHERE
from contract.core.errors import ContractError, TargetError
from contract.core.evidence import Complaint, Exchange, Progress, Request, Traffic
from contract.core.openapi import Operation
from contract.core.refusal import Refusal
from contract.core.selection import Selection
from contract.core.target import Target, TimeUp
from contract.sources.probes import walk as tour
from contract.sources.probes.walk import Learnt

_WEIGHTS = {
    "router": 8,
    "walk": 100,
    "corpus": 8,
    "fuzz": 30,
    "deleting corpus": 3,
    "parameters": 5,
    "discovery": 5,
    "deleting fuzz": 20,
    "deleted": 2,
    "proof": 10,
}
"""Of the parts of a run's time: the walk finds most, so it may take most."""
_SLOW_S = 1.0
"""An operation whose answers take longer comes after the others, where all of them are asked in turn."""


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
    with gathered.clock.part("walk", target) as limit_s:
        options = tour.Options(
            max_time_s=limit_s,
            safe=settings.safe,
            headers=tuple((header.name, header.value) for header in settings.headers),
            secret=frozenset(header.name.lower() for header in settings.headers if header.secret),
            ids=dict(settings.ids),
            left_out=_dangerous(gathered),
            is_router_s=gathered.judge.is_router_s,
        )
        _follow(gathered, "walk", tour.probe(gathered.operations, target, options, learnt))
    if learnt.own:
        some = ", ".join(learnt.own[:3]) + (f" and {len(learnt.own) - 3} more" if len(learnt.own) > 3 else "")
        gathered.notes.append(gathered.scrub(f"walk: what it made and could not delete again: {some}"))
    return None, None


def fuzz(gathered: Gathered, target: Target | None, failed: ContractError | None) -> tuple[int | None, str | None]:
    """Cases by luck, given what the walk learnt, in two passes: nothing is deleted in the first."""
    if target is None:
        raise failed or TargetError("there is no target")
    settings, clock = gathered.settings, gathered.clock
    prober = importlib.import_module("contract.sources.probes.schemathesis")
    left_out = _dangerous(gathered)
    deleting = frozenset(operation.key for operation in gathered.operations if tour.deletes(operation))
    learnt = gathered.learnt if gathered.learnt is not None else Learnt()
    habits = prober.Habits()
    # The fuzzer asks below one base path, and several documents, or several servers, have several.
    bases: dict[str, list[str]] = {}
    for operation in gathered.operations:
        if operation.key not in left_out:
            bases.setdefault(operation.base_paths[0], []).append(operation.key)

    def drive(base: str, keys: frozenset[str], phases: tuple[str, ...], limit_s: float | None) -> None:
        options = prober.Options(
            seed=settings.seed,
            max_examples=settings.max_examples,
            max_time_s=limit_s,
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
            answers_s=_answers_s(gathered),
            moved=frozenset(each.key for each in gathered.operations if each.served_path != each.path),
        )
        _follow(gathered, "fuzz", prober.probe(gathered.contract.root, target, options, habits))

    def drives(part: str, turns: list[tuple[str, frozenset[str], tuple[str, ...], float]]) -> None:
        """Each turn with its share of the part's time; what one leaves is the next one's."""
        _expect(gathered)
        with clock.part(part, target) as seconds:
            end = None if seconds is None else clock.now() + seconds
            turns = [turn for turn in turns if turn[1]]
            for index, (base, keys, phases, weight) in enumerate(turns):
                limit_s = None
                if end is not None:
                    left_s = max(0.0, end - clock.now())
                    limit_s = left_s * weight / sum(each[3] for each in turns[index:])
                    target.ends(clock.now() + limit_s)
                drive(base, keys, phases, limit_s)

    _expect(gathered)
    with clock.part("corpus", target):
        corpus.replay(gathered, target, left_out)
    lasting = {base: frozenset(keys) - deleting for base, keys in bases.items()}
    first = {
        base: prober.ALONE if len(lasting[base]) < len(keys) and not settings.safe else prober.PHASES
        for base, keys in bases.items()
    }
    drives("fuzz", [(base, lasting[base], first[base], len(keys)) for base, keys in bases.items()])
    if not settings.safe:
        with clock.part("deleting corpus", target):
            corpus.replay(gathered, target, left_out, deleting=True)
    _expect(gathered)
    with clock.part("parameters", target) as seconds:
        _ask_parameters(gathered, target, seconds)
    if not settings.routes:
        with clock.part("discovery", target) as seconds:
            _discover(gathered, target, seconds)
    if not settings.safe:
        turns = []
        for base, keys in bases.items():
            if ending := frozenset(keys) & deleting:
                turns.append((base, frozenset(keys), prober.TOGETHER, 5.0 * len(keys)))
                turns.append((base, ending, prober.ALONE, 3.0 * len(keys)))
        drives("deleting fuzz", turns)
        ender = importlib.import_module("contract.sources.probes.deleted")
        readable = frozenset(key for key in gathered._scope if key.startswith("GET "))
        accepted = {key: item for key, item in gathered.accepted.items() if key not in left_out}
        with clock.part("deleted", target):
            _follow(gathered, "fuzz", ender.probe(accepted, readable, target), "deleted")
    _expect(gathered)
    return None, None


def _plan(gathered: Gathered) -> dict[str, float]:
    """The parts that the run's time is for, each with its weight."""
    settings = gathered.settings
    weights: dict[str, float] = dict(_WEIGHTS)
    left_out = set()
    if not settings.walks:
        left_out.add("walk")
    if not settings.fuzz:
        left_out |= weights.keys() - {"router", "walk", "proof"}
    if settings.routes:
        left_out.add("discovery")
    if gathered.corpus is None or not gathered.corpus.seeds:
        left_out |= {"corpus", "deleting corpus"}
    if settings.safe or not any(map(tour.deletes, gathered.operations)):
        left_out |= {"deleting fuzz", "deleted", "deleting corpus"}
        weights["fuzz"] += weights["deleting fuzz"]
    return {part: weight for part, weight in weights.items() if part not in left_out}


def _answers_s(gathered: Gathered) -> dict[str, float]:
    """Seconds that an answer of each operation has typically taken."""
    found = {}
    for key, tally in gathered.ledger.tallies.items():
        if (typical := tally.elapsed_us.quantile(0.5)) is not None:
            found[key] = typical / 1e6
    return found


def _expect(gathered: Gathered) -> None:
    """What the small parts that come after the fuzzer will need, by what answers took until now."""
    took = {key: (item.elapsed_us or 0) / 1e6 for key, item in gathered.accepted.items()}
    took = {key: seconds for key, seconds in took.items() if seconds <= _SLOW_S}  # the others get what is left
    seeds = len(gathered.corpus.seeds) if gathered.corpus is not None else 0
    usual_s = median(took.values()) if took else 0.0
    all_s = (gathered.settings.max_time_s or 0.0) * corpus.SHARE
    needs = {
        "corpus": 2 * seeds * usual_s if took else all_s,
        "deleting corpus": 2 * seeds * usual_s,
        "parameters": 25 * sum(seconds for key, seconds in took.items() if key.startswith("GET ")),
        "discovery": 100 * usual_s,
        "deleted": 5 * sum(seconds for key, seconds in took.items() if key.startswith("DELETE ")),
        "proof": prove.needs_s(gathered),
    }
    for part, seconds in needs.items():
        gathered.clock.needs(part, 1.5 * seconds)


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
    gathered.clock = Clock(settings.max_time_s, _plan(gathered))
    with gathered.clock.part("router", target) as limit_s:
        try:
            _learn_router(gathered, target)
        except TimeUp:
            took = f"within {limit_s:.3g} s" if limit_s is not None else "in time"
            gathered.notes.append(
                f"router: what it says to what nobody serves was not learnt {took}; some of its own answers may be told"
            )


def fail(error: ContractError) -> NoReturn:
    """Says of a source that it could not begin."""
    raise error


def _ask_parameters(gathered: Gathered, target: Target, limit_s: float | None) -> None:
    asker = importlib.import_module("contract.sources.probes.parameters")
    declared = {
        operation.key: [item.name for item in operation.parameters if item.location == "query"]
        for operation in gathered.operations
    }
    accepted = {key: item for key, item in gathered.accepted.items() if key.startswith("GET ")}
    accepted = dict(sorted(accepted.items(), key=lambda item: (item[1].elapsed_us or 0) / 1e6 > _SLOW_S))  # stable
    _follow(gathered, "fuzz", asker.probe(accepted, declared, target, max_time_s=limit_s), "parameters")


def _discover(gathered: Gathered, target: Target, limit_s: float | None) -> None:
    include = gathered._selection.include  # type: ignore[attr-defined]
    if include and all(selector.kind != "path" for selector in include):
        return  # what no document has has no tag and no name
    # Before anything is deleted that an id stands for.
    finder = importlib.import_module("contract.sources.probes.discovery")
    found = finder.probe(gathered.contract, dict(gathered.accepted), target, max_time_s=limit_s)
    _follow(gathered, "fuzz", found, "discovery")


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


def _follow(
    gathered: Gathered, name: str, events: Iterator[Exchange | Complaint | Progress], part: str | None = None
) -> None:
    """Takes in what a probe yields; its generator is closed whatever happens, so that no worker is left behind."""
    done, whole = 0, None
    try:
        for event in events:
            if isinstance(event, Exchange):
                gathered.record(event)
            elif isinstance(event, Complaint):
                gathered.complain(event)
            else:
                done, whole = event.done, event.whole
                # Ctrl-C is told by whoever caught it.
                gathered.notes += [gathered.scrub(warning) for warning in event.warnings if warning != "interrupted"]
                if event.phase == "end" and event.warnings:
                    gathered.complete = False
                gathered.step(name, done, whole, phase=event.phase, left_s=gathered.clock.left_s())
    except TimeUp:
        gathered.complete = False
        far = f", after {done} of {whole}" if whole else ""
        gathered.notes.append(f"{part or name}: stopped, for its time was over{far}")
    finally:
        close = getattr(events, "close", None)
        if close is not None:
            close()
