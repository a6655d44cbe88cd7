"""Why each finding may be believed: confirmed by a second validator, replayed against the API, or structural."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace

from contract.app.gathered import Exhibit, Gathered
from contract.app.steps import Notify, Step
from contract.core import curl, rule
from contract.core.check import Judge
from contract.core.compose import Proven
from contract.core.errors import ContractError
from contract.core.evidence import MADE_UP, Complaint, Exchange, Traffic
from contract.core.finding import FAULTS, Level, Proof
from contract.core.ledger import Sighting
from contract.core.report import ExampleResponse, Source, Verdict
from contract.core.target import Target, TimeUp

TRIES = 3
"""Times that a request which only reads is sent before it is said not to show its finding again."""
_SLOW_US = 1_000_000
"""What took longer is sent again after all else."""
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def prove(gathered: Gathered, target: Target | None, notify: Notify) -> dict[str, Proven]:
    """For every finding its proof. Replays send each request once more, so only what needs it is replayed.

    Within the run's time, what answers slowly last; a finding that there was no time for is not proved, and said so.
    """
    with gathered.clock.part("proof", target) if target is not None else nullcontext():
        return _proved(gathered, target, notify)


def _proved(gathered: Gathered, target: Target | None, notify: Notify) -> dict[str, Proven]:
    rules = _rules()

    def turn(item: tuple[str, Sighting]) -> int:
        exhibit = gathered.exhibits.get(item[0])
        if exhibit is None or not _is_replayed(rules[item[1].finding.rule], exhibit):
            return 2  # needs no server, so it may come after the run's time
        return int((exhibit.exchanges[-1].elapsed_us or 0) > _SLOW_US)

    todo = sorted(gathered.ledger.sightings.items(), key=turn)  # stable
    unsent = 0
    proofs: dict[str, Proven] = {}
    second: object | None = None
    missing: set[str] = set()
    for number, (fingerprint, sighting) in enumerate(todo, 1):
        exhibit = gathered.exhibits.get(fingerprint)
        wanted = rules[sighting.finding.rule]
        if exhibit is None or _follows(wanted, exhibit):
            proofs[fingerprint] = Proven(Proof.STRUCTURAL)
            continue
        notify(Step("proof", number, len(todo), gathered.ledger.exchanges, len(todo)))
        if not _is_replayed(wanted, exhibit):
            if second is None:
                second = _second(gathered)
            proven = _confirm(second, exhibit, gathered)
            if isinstance(second, ContractError) and sighting.finding.level is Level.ERROR:
                missing.add(fingerprint)
        else:
            proven = _replay(gathered, exhibit, target)
            unsent += proven.detail == _NO_TIME
        # What a validator or a server says may quote a value.
        proofs[fingerprint] = replace(proven, detail=None if proven.detail is None else exhibit.scrub(proven.detail))
    if missing and isinstance(second, ContractError):
        # Without a second opinion every error would become a note, and the run would pass for want of a package.
        message = f"{second.message} ({second.hint})" if second.hint else second.message
        gathered.sources.append(
            Source("proof", Verdict.ERROR, "openapi-core", items=len(missing), unit="unproven", message=message)
        )
    if unsent:
        gathered.complete = False
        gathered.notes.append(f"proof: {unsent} of {len(todo)} findings not sent again, for the time was over")
    return proofs


def needs_s(gathered: Gathered) -> float:
    """Seconds that proof will take: as long as the answers took that are asked for again, and what each costs here."""
    rules = _rules()
    seconds = _LOADS_S
    for fingerprint, sighting in gathered.ledger.sightings.items():
        exhibit, wanted = gathered.exhibits.get(fingerprint), rules[sighting.finding.rule]
        if exhibit is not None and not _follows(wanted, exhibit):
            again = (exhibit.exchanges[-1].elapsed_us or 0) / 1e6 if _is_replayed(wanted, exhibit) else 0.0
            seconds += again + _EACH_S
    return seconds


_LOADS_S, _EACH_S = 1.0, 0.01
"""What the second validator takes to load, and one finding to be judged once more."""


def _follows(wanted: set[Proof], exhibit: Exhibit) -> bool:
    """True for what follows from what is declared and seen."""
    return Proof.STRUCTURAL in wanted and exhibit.complaint is None


def _is_replayed(wanted: set[Proof], exhibit: Exhibit) -> bool:
    return Proof.CONFIRMED not in wanted or (exhibit.complaint is not None and Proof.REPLAYED in wanted)


def unproven(gathered: Gathered, why: str) -> dict[str, Proven]:
    """For when there is no time for proof."""
    rules = _rules()
    return {
        fingerprint: Proven(Proof.STRUCTURAL)
        if rules[sighting.finding.rule] == {Proof.STRUCTURAL}
        or (Proof.STRUCTURAL in rules[sighting.finding.rule] and _unasked(gathered.exhibits.get(fingerprint)))
        else Proven(Proof.UNPROVEN, why)
        for fingerprint, sighting in gathered.ledger.sightings.items()
    }


def _unasked(exhibit: Exhibit | None) -> bool:
    """True for what no probe had to ask for: it follows from what is listed."""
    return exhibit is None or exhibit.complaint is None


def _rules() -> dict[str, set[Proof]]:
    found: dict[str, set[Proof]] = {}
    for item in rule.all_rules():
        found.setdefault(item.id, set()).add(item.proof)
    return found


def _second(gathered: Gathered) -> object:
    try:
        return importlib.import_module("contract.proof.openapi_core").Second(gathered.contract.root)
    except ContractError as error:
        return error


def _confirm(second: object, exhibit: Exhibit, gathered: Gathered) -> Proven:
    if isinstance(second, ContractError):
        return Proven(Proof.UNPROVEN, f"{second.message}: {second.hint}")
    operation = gathered.contract.by_key[exhibit.finding.operation or ""]
    path = operation.base_paths[0] + operation.path
    proof, detail = second.confirm(exhibit.exchanges[-1], exhibit.finding, path)  # type: ignore[attr-defined]
    return Proven(proof, detail.removeprefix("confirmed "))


def _replay(gathered: Gathered, exhibit: Exhibit, target: Target | None) -> Proven:
    exchange, finding = exhibit.exchanges[-1], exhibit.finding
    if target is None:
        operation = gathered.contract.by_key.get(finding.operation or "")
        status = exchange.response.status if exchange.response is not None else None
        if status is not None and operation is not None and operation.response(status) is None:
            return Proven(Proof.STRUCTURAL, "recorded, and no response of the document covers it")
        return Proven(Proof.UNPROVEN, "there is no target to replay it against")
    tries: list[bool] = []
    first = ""
    late = False
    while len(tries) < TRIES:
        try:
            if exhibit.complaint is not None:
                again, holds, seen = _complaint_again(exhibit.complaint, target)
            else:
                again, holds, seen = _exchange_again(exchange, finding.fingerprint, gathered.judge, target)
        except TimeUp:
            late = True
            break
        first = first or seen
        if not holds and not _tells(again, exchange):
            break
        tries.append(holds)
        if tries == [True] and exchange.blames is None:
            return Proven(Proof.REPLAYED, seen, (True,))
        if exchange.request.method not in _SAFE or exchange.traffic not in MADE_UP:
            break  # what was changed by the first try, or long ago, is no matter of luck
    told = tuple(tries)
    times = gathered.ledger.sightings[finding.fingerprint].exchanges
    if not any(told) and finding.rule in FAULTS and times > 1 and exchange.traffic in MADE_UP and not told[1:]:
        # What it was about may be deleted by now; the walk asks for a fault twice, on the spot.
        end = f"; at its end the answer is {first}" if first else ""
        return Proven(Proof.REPLAYED, f"shown by {times} requests of this run{end}", (True,))
    if any(told):
        return Proven(Proof.REPLAYED, f"shown again in {sum(told)} of {len(told)} tries", told)
    if gathered.corpus is not None and (showed := gathered.corpus.showed(finding.fingerprint)):
        # The request of an earlier run was sent again in this one, and showed the same.
        return Proven(Proof.REPLAYED, f"its seed showed it again in {showed[0]} of {showed[1]} tries", told)
    if late:
        return Proven(Proof.UNPROVEN, _NO_TIME, told)
    return Proven(Proof.UNPROVEN, f"replayed, and not seen again: {first}", told)


_NO_TIME = "not sent again, for the time was over"


def _tells(again: Exchange, then: Exchange) -> bool:
    """True if the request got as far as it did then, so that not showing it says something."""
    from contract.app.replay import unheard

    answer = then.response
    return not unheard(again.response, ExampleResponse(answer.status) if answer is not None else None)


def _send(exchange: Exchange, target: Target) -> Exchange:
    # A probe's request has all that it was sent with; one that was recorded may have been rid of its credentials.
    bare = exchange.traffic in (Traffic.FUZZ, Traffic.SYNTHETIC)
    return target.send(
        exchange.request, source="replay", traffic=Traffic.REPLAY, operation=exchange.operation, bare=bare
    )


def _exchange_again(exchange: Exchange, fingerprint: str, judge: Judge, target: Target) -> tuple[Exchange, bool, str]:
    again = replace(_send(exchange, target), blames=exchange.blames)
    found = judge.exchange(again).findings
    holds = any(finding.fingerprint == fingerprint for finding in found)
    if not holds and exchange.response is not None and exchange.response.status >= 500:
        # The same fault in other words: they may name what is there now.
        holds = again.response is not None and again.response.status == exchange.response.status
    return again, holds, _answer(again)


def _complaint_again(complaint: Complaint, target: Target) -> tuple[Exchange, bool, str]:
    """Whether what a probe complained of shows again; each kind has its own sign."""
    last = complaint.exchanges[-1]
    again = _send(last, target)
    if complaint.kind == "undeclared-parameter" and len(complaint.exchanges) > 1:
        plain = _send(complaint.exchanges[0], target)
        holds = _same_kind(plain, again) and _body(plain) != _body(again)
        return again, holds, "the answers with and without it differ again" if holds else "the answers are the same"
    return again, _same_kind(last, again), _answer(again)


def _same_kind(one: Exchange, other: Exchange) -> bool:
    if one.response is None or other.response is None:
        return one.response is other.response and not other.abandoned
    return one.response.status // 100 == other.response.status // 100


def _body(exchange: Exchange) -> bytes:
    return exchange.response.body if exchange.response is not None else b""


def _answer(exchange: Exchange) -> str:
    return str(exchange.response.status) if exchange.response is not None else exchange.failure or "no answer"


def curl_of(target: Target | None, insecure: bool = False) -> Callable[[Sighting], str | None]:
    """What makes the `curl` line of a finding's example; in process there is no address, so a likely one is named."""
    origin = "http://127.0.0.1:8000" if target is None or target.kind != "http" else target.origin

    def line(sighting: Sighting) -> str | None:
        return curl.curl(sighting.example, origin, insecure=insecure) if sighting.example is not None else None

    return line
