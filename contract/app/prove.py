"""Why each finding may be believed: confirmed by a second validator, replayed against the API, or structural."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping

from contract.app.collect import Gathered
from contract.app.steps import Notify, Step
from contract.core import curl, rule
from contract.core.check import Judge
from contract.core.compose import Proven
from contract.core.errors import ConfigError, ContractError
from contract.core.evidence import Complaint, Exchange, Request, Traffic
from contract.core.finding import Finding, Proof
from contract.core.ledger import Sighting
from contract.core.report import Example, ExampleRequest, FindingRow, Report
from contract.core.rule import Rule
from contract.core.target import Target


def prove(gathered: Gathered, target: Target | None, notify: Notify) -> dict[str, Proven]:
    """For every finding its proof. Replays send each request once more, so only what needs it is replayed."""
    rules = _rules()
    todo = list(gathered.ledger.sightings.items())
    proofs: dict[str, Proven] = {}
    second: object | None = None
    for number, (fingerprint, sighting) in enumerate(todo, 1):
        finding = sighting.finding
        exhibit = gathered.exhibits.get(fingerprint)
        wanted = rules[finding.rule]
        complaint = gathered.complaints.get(fingerprint)
        if exhibit is None or (Proof.STRUCTURAL in wanted and complaint is None):
            proofs[fingerprint] = Proven(Proof.STRUCTURAL)
            continue
        notify(Step("proof", number, len(todo), gathered.ledger.exchanges, len(todo)))
        if Proof.CONFIRMED in wanted:
            if second is None:
                second = _second(gathered)
            proofs[fingerprint] = _confirm(second, exhibit[-1], finding, gathered)
        else:
            proofs[fingerprint] = _replay(gathered, finding, exhibit, target)
    return proofs


def unproven(gathered: Gathered, why: str) -> dict[str, Proven]:
    """For when there is no time for proof."""
    rules = _rules()
    return {
        fingerprint: Proven(Proof.STRUCTURAL)
        if rules[sighting.finding.rule] == {Proof.STRUCTURAL}
        else Proven(Proof.UNPROVEN, why)
        for fingerprint, sighting in gathered.ledger.sightings.items()
    }


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


def _confirm(second: object, exchange: Exchange, finding: Finding, gathered: Gathered) -> Proven:
    if isinstance(second, ContractError):
        return Proven(Proof.UNPROVEN, f"{second.message}: {second.hint}")
    operation = gathered.contract.by_key[finding.operation or ""]
    proof, detail = second.confirm(exchange, finding, operation.base_paths[0] + operation.path)  # type: ignore[attr-defined]
    return Proven(proof, detail)


def _replay(gathered: Gathered, finding: Finding, exhibit: tuple[Exchange, ...], target: Target | None) -> Proven:
    if target is None:
        exchange = exhibit[-1]
        operation = gathered.contract.by_key.get(finding.operation or "")
        status = exchange.response.status if exchange.response is not None else None
        if status is not None and operation is not None and operation.response(status) is None:
            return Proven(Proof.STRUCTURAL, "recorded, and no response of the document covers it")
        return Proven(Proof.UNPROVEN, "there is no target to replay it against")
    complaint = gathered.complaints.get(finding.fingerprint)
    if complaint is not None:
        holds, seen = _complaint_again(complaint, target)
    else:
        holds, seen = _exchange_again(exhibit[-1], finding.fingerprint, gathered.judge, target)
    return Proven(Proof.REPLAYED, seen) if holds else Proven(Proof.UNPROVEN, f"replayed, and not seen again: {seen}")


def _send(exchange: Exchange, target: Target, *, bare: bool = False) -> Exchange:
    return target.send(
        exchange.request, source="replay", traffic=Traffic.REPLAY, operation=exchange.operation, bare=bare
    )


def _exchange_again(exchange: Exchange, fingerprint: str, judge: Judge, target: Target) -> tuple[bool, str]:
    again = _send(exchange, target)
    holds = any(finding.fingerprint == fingerprint for finding in judge.exchange(again).findings)
    return holds, _answer(again)


def _complaint_again(complaint: Complaint, target: Target) -> tuple[bool, str]:
    """Whether what a probe complained of shows again; each kind has its own sign."""
    last = complaint.exchanges[-1]
    again = _send(last, target, bare=complaint.kind == "auth-not-enforced")
    if complaint.kind == "undeclared-parameter" and len(complaint.exchanges) > 1:
        plain = _send(complaint.exchanges[0], target)
        holds = _same_kind(plain, again) and _body(plain) != _body(again)
        return holds, "the answers with and without it differ again" if holds else "the answers are the same"
    return _same_kind(last, again), _answer(again)


def _same_kind(one: Exchange, other: Exchange) -> bool:
    if one.response is None or other.response is None:
        return one.response is other.response
    return one.response.status // 100 == other.response.status // 100


def _body(exchange: Exchange) -> bytes:
    return exchange.response.body if exchange.response is not None else b""


def _answer(exchange: Exchange) -> str:
    return str(exchange.response.status) if exchange.response is not None else exchange.failure or "no answer"


def curl_of(target: Target | None) -> Callable[[Sighting], str | None]:
    """What makes the `curl` line of a finding's example; in process there is no address, so a likely one is named."""
    origin = "http://127.0.0.1:8000" if target is None or target.kind != "http" else target.origin

    def line(sighting: Sighting) -> str | None:
        return curl.curl(sighting.example, origin) if sighting.example is not None else None

    return line


# --- replay of a finding of a report ----------------------------------------------------------------------------------


def find(report: Report, fingerprint: str) -> FindingRow:
    """The finding that a (short) fingerprint names; raises ConfigError where none or several do."""
    wanted = fingerprint.lower().removeprefix("f-")
    rows = [
        row
        for row in report.findings
        if row.fingerprint.startswith(wanted) or any(item.fingerprint.startswith(wanted) for item in row.operations)
    ]
    if not rows:
        raise ConfigError(
            f"the report has no finding `{fingerprint}`", "its fingerprints stand at the right of each finding"
        )
    if len(rows) > 1:
        raise ConfigError(f"`{fingerprint}` names {len(rows)} findings", "give more of its digits")
    return rows[0]


def again(row: FindingRow, judge: Judge, target: Target) -> tuple[bool, str]:
    """Whether a finding of a report still holds, and what was seen; raises ConfigError where nothing can be sent."""
    if row.example is None:
        raise ConfigError(
            f"{row.rule} has no exchange to replay: its proof is {row.proof}", "run `contract check` again instead"
        )
    masked = [place for place in row.example.request.masked if not place.startswith("header:")]
    note = f" (masked in the report, and sent so: {', '.join(masked)})" if masked else ""
    chain = [*row.example.before, row.example]
    values: dict[str, str] = {}
    sent: list[Exchange] = []
    for step in chain:
        bare = row.rule == "auth-not-enforced" and step is row.example
        exchange = target.send(_request(step.request, values), source="replay", traffic=Traffic.REPLAY, bare=bare)
        sent.append(exchange)
        values |= _renamed(step, exchange)
    last = sent[-1]
    wanted = {row.fingerprint, *(item.fingerprint for item in row.operations)}
    judged = {finding.fingerprint for finding in judge.exchange(last).findings}
    kinds = {item.id: item for item in rule.of_row("complained")}
    if row.rule in kinds:
        holds = _complaint_holds(row, sent, kinds[row.rule], judge)
    else:
        holds = bool(wanted & judged)
    return holds, _answer(last) + note


def _complaint_holds(row: FindingRow, sent: list[Exchange], item: Rule, judge: Judge) -> bool:
    last = sent[-1]
    if item.id == "undeclared-parameter" and len(sent) > 1:
        return _same_kind(sent[0], last) and _body(sent[0]) != _body(last)
    before = row.example.response if row.example is not None else None
    if before is None or last.response is None:
        return before is None and last.response is None
    return before.status // 100 == last.response.status // 100


def _request(example: ExampleRequest, values: Mapping[str, str]) -> Request:
    """The request that an example shows; masked headers are left out, so that the target's own credentials stand in."""
    masked = {place.removeprefix("header:").lower() for place in example.masked if place.startswith("header:")}
    headers = tuple(
        (name, value)
        for name, value in example.headers
        if name.lower() not in masked and name.lower() not in ("content-length", "host")
    )
    url = example.url
    for old, new in values.items():
        url = "/".join(new if part == old else part for part in url.split("/"))
    return Request(example.method, url, headers, example.body.encode() if example.body is not None else None)


def _renamed(step: Example, exchange: Exchange) -> dict[str, str]:
    """Ids that an earlier answer gave, and what the same places of the answer of today say."""
    import json

    if step.response is None or step.response.body is None or exchange.response is None:
        return {}
    try:
        old, new = json.loads(step.response.body), json.loads(exchange.response.body)
    except ValueError:
        return {}
    if not isinstance(old, dict) or not isinstance(new, dict):
        return {}
    found = {}
    for holder, other in ((old, new), (old.get("data"), new.get("data"))):
        if isinstance(holder, dict) and isinstance(other, dict):
            for name, value in holder.items():
                if (
                    isinstance(value, (str, int))
                    and not isinstance(value, bool)
                    and isinstance(other.get(name), (str, int))
                ):
                    found[str(value)] = str(other[name])
    return found
