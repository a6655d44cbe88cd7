"""The running API asked: which probes, in which order, and what each is told of what was learnt before."""

from __future__ import annotations

import importlib
import time
from collections.abc import Iterator

from contract.app.gathered import Gathered
from contract.app.plugins import plug_in
from contract.app.settings import Settings
from contract.core.check import NOWHERE
from contract.core.errors import TargetError
from contract.core.evidence import Complaint, Exchange, Progress, Request, Traffic
from contract.core.target import Target


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


def ask(gathered: Gathered, target: Target | None, failed: TargetError | None) -> tuple[int | None, str | None]:
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
