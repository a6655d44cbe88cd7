"""The evidence of a run: each source that the settings name is asked, judged on the spot and added to the ledger."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from contract.app import corpus, generate, probing, traffic
from contract.app.gathered import Gathered, select
from contract.app.plugins import plug_in, split
from contract.core import routing
from contract.core.check import declared_by
from contract.core.compose import Implemented
from contract.core.errors import ContractError
from contract.core.evidence import Artifact, Route, Stale
from contract.core.openapi import Contract
from contract.core.report import Excluded, Place, Source, Verdict
from contract.core.selection import Selection
from contract.core.target import Target
from contract.core.unseen import unseen


def gather(gathered: Gathered, target: Target | None, failed: ContractError | None = None) -> None:
    """Asks every source in turn; a source that fails is shown as such, and the next one is asked.

    `failed` says why there is no target although one is named.
    """
    settings = gathered.settings
    select(gathered)
    lint(gathered)
    if settings.routes:
        _source(gathered, "routes", " ".join(settings.routes), lambda: _routes(gathered))
    searched = target is not None and settings.fuzz and not settings.routes
    if not searched and all(source.verdict is not Verdict.ERROR for source in gathered.sources):
        # A pattern may be there for routes that the document does not have, so without them nothing is said.
        gathered.notes += _unused(gathered)
    for where in settings.traffic:
        _source(gathered, "traffic", where, lambda where=where: traffic.judge(gathered, where))
    if settings.traffic:
        never_seen(gathered)
    if target is not None and (settings.walks or settings.fuzz):
        try:
            probing.ready(gathered, target)
        except ContractError as error:
            target, failed = None, error
    if settings.walks and not settings.fuzz and failed is not None:
        _source(gathered, "walk", "each operation, the same each time", lambda: probing.fail(failed))
    if target is not None and settings.walks:
        _source(gathered, "walk", "each operation, the same each time", lambda: probing.walk(gathered, target))
    if (target is not None or failed is not None) and settings.fuzz:
        _source(gathered, "fuzz", f"schemathesis · seed {settings.seed}", lambda: _asked(gathered, target, failed))
    elif failed is not None:
        gathered.notes.append(f"nothing is replayed: {failed.message}")
    if searched:
        gathered.notes += _unused(gathered)
    if settings.types:
        names = ", ".join(item.name for item in settings.types)
        _source(gathered, "types", names, lambda: _types(gathered))


def _asked(gathered: Gathered, target: Target | None, failed: ContractError | None) -> tuple[int | None, str | None]:
    try:
        return probing.fuzz(gathered, target, failed)
    finally:
        corpus.asked(gathered)


def lint(gathered: Gathered) -> None:
    """Adds what the document says of itself."""
    found = gathered.judge.document()
    gathered.state((each for each in found if each.operation is None or each.operation in gathered.listed), "lint")


def never_seen(gathered: Gathered) -> None:
    """Adds what real traffic never showed, once all of it is counted."""
    for operation in gathered.operations:
        tally = gathered.ledger.tallies.get(operation.key)
        for never in unseen(operation, tally) if tally is not None else ():
            gathered.state(gathered.judge.unseen(operation, never), "traffic")


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
        counts = name in ("fuzz", "traffic", "walk")
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
    _by_template(joined, gathered.contract)
    gathered.judge.spans(_spans(joined))
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
    in_scope = gathered.listed  # a list of routes needs no request, so `safe` leaves nothing out
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


def _by_template(joined: routing.Join, api: Contract) -> None:
    """Joins a literal in the code with the template that declares it.

    The parameter lists the value; or no route of its own serves the template, and the schema allows the value.
    """
    own = set(joined.matched)
    for route in list(joined.undeclared):
        match = api.match(route.method, route.path) if "{" not in route.path else None
        if match is None or match.operation is None or not match.path_parameters:
            continue
        key = match.operation.key
        if declared_by(match.operation, route.path, match.path_parameters, listed=key in own):
            joined.matched.setdefault(key, []).append(route)
            joined.undeclared.remove(route)
            if key in joined.unobserved:
                joined.unobserved.remove(key)


def _spans(joined: routing.Join) -> dict[str, set[str]]:
    """By operation its path parameters that may hold slashes where the framework says so; they meet by place."""
    found: dict[str, set[str]] = {}
    for key, served in joined.matched.items():
        names = re.findall(r"\{([^{}]*)\}", key)
        for route in served:
            theirs = re.findall(r"\{([^{}]*)\}", route.path)[-len(names) :] if names else []
            if len(theirs) == len(names):
                pairs = zip(names, theirs, strict=True)
                found.setdefault(key, set()).update(name for name, other in pairs if other in route.spans)
    return found


def _exported(gathered: Gathered, module: ModuleType, where: str) -> None:
    from contract.sources.documents import file

    exported = file.load(where, root=gathered.settings.root, allow=gathered.settings.allow_refs)
    for difference in module.differences(gathered.contract.document, exported):
        operation = gathered.contract.by_key.get(difference.operation)
        if operation is not None and operation.key in gathered.listed:
            gathered.state(gathered.judge.matched(operation, difference), "routes")


# --- types ------------------------------------------------------------------------------------------------------------


def _types(gathered: Gathered) -> tuple[int, str]:
    settings = gathered.settings
    source = generate.Source(settings, gathered.contract.document)
    artifacts: list[Artifact] = []
    failed: list[ContractError] = []
    for wanted in settings.types or ():
        made = generate.target(source, wanted, check=True, full=False, notify=gathered.notify)
        if made.error is not None:
            failed.append(made.error)  # the other targets are looked at all the same
            continue
        made = generate.in_scope(made, gathered.listed)
        artifacts += made.artifacts
        gathered.generated.append(made.row())
        drift: list[Artifact | Stale] = [item for item in made.artifacts if not item.proven]
        # A person's file harms nobody, and a manifest alone is no code that somebody builds on.
        drift += [one for one in made.stale if one.change != "foreign" and one.file != generate.OF_THE_MANIFEST]
        for item in drift:
            gathered.state(gathered.judge.generated(item), "types")
    if failed:
        raise failed[0]
    gathered.artifacts = artifacts
    return len(artifacts), "components and operations"
