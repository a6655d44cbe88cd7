"""A ledger that is written and read again is the same, and parts that were stored add up to the whole."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contract.core import stored
from contract.core.check import Judge
from contract.core.evidence import Exchange, Lost, Request, Response
from contract.core.finding import Finding, Level, Mismatch, Where
from contract.core.ledger import ANSWERS, SIGHTINGS, TENANTS, Count, Ledger, Losses, Rank, Tally, tenant_hash
from contract.core.openapi import Contract
from contract.core.report import Example, ExampleRequest, ExampleResponse

from ..strategies import contracts, exchanges


def counted(judge: Judge, sent: list[Exchange]) -> Ledger:
    """The ledger of the exchanges, looked at closely every time, with an example for each finding."""
    ledger = Ledger()
    for number, exchange in enumerate(sent):
        judgement = judge.exchange(exchange)
        rank: Rank = (len(exchange.request.url), f"{number % 3}")
        example = Example(
            ExampleRequest(exchange.request.method, exchange.request.url, (("A", "b"),), None, 0, ("header:a",)),
            ExampleResponse(200, (("C", "d"),), "{}", 2),
            before=(Example(ExampleRequest("GET", "/"), None, "no answer"),),
        )
        examples = {
            finding.fingerprint: (rank, example)
            for finding in judgement.findings
            if ledger.needs_example(finding.fingerprint, rank)
        }
        ledger.record(judgement, exchange, examples)
        if judgement.operation is not None:
            ledger.look_closely(ledger.tallies[judgement.operation.key], judgement.operation, exchange)
            ledger.belongs(tenant_hash(exchange.request.url), judgement.operation.key, judgement.answered[0], "real")
        if exchange.response is None:
            ledger.lose(Lost("no answer", f"traffic.ndjson:{number}", "a reason"))
    return ledger


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.data())
def test_what_is_written_is_read_again(data: st.DataObject) -> None:
    contract = data.draw(contracts())
    ledger = counted(Judge(contract, lambda rule, level: level), data.draw(st.lists(exchanges(contract), max_size=6)))
    text = orjson.dumps(stored.to_json(ledger))
    again = stored.from_json(orjson.loads(text))
    assert again == ledger.settled()
    assert orjson.dumps(stored.to_json(again)) == text


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.data())
def test_parts_add_up_to_the_whole_in_any_order(data: st.DataObject) -> None:
    contract = data.draw(contracts())
    judge = Judge(contract, lambda rule, level: level)
    xs = data.draw(st.lists(exchanges(contract), max_size=5))
    ys = data.draw(st.lists(exchanges(contract), max_size=5))
    whole = Ledger()
    for exchange in [*xs, *ys]:
        judgement = judge.exchange(exchange)
        whole.record(judgement, exchange, {})
    parts = []
    for sent in (xs, ys):
        part = Ledger()
        for exchange in sent:
            part.record(judge.exchange(exchange), exchange, {})
        parts.append(stored.from_json(orjson.loads(orjson.dumps(stored.to_json(part)))))
    assert parts[0] + parts[1] == parts[1] + parts[0] == whole.settled()


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({}, "not contract-ledger/1, but something else"),
        ({"format": "contract-ledger/2"}, "not contract-ledger/1, but contract-ledger/2"),
        ({"format": "contract-ledger/1"}, "damaged: KeyError('sightings')"),
    ],
)
def test_what_is_no_ledger_is_said(value: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError) as raised:
        stored.from_json(value)
    assert str(raised.value) == message


def seen(number: int) -> Finding:
    return Finding(
        "undeclared-operation",
        Level.ERROR,
        f"GET /{number}",
        Mismatch(Where(), None, None, "m"),
        f"{number * 7919 % 10007:05}",
    )


def test_findings_without_end_are_bounded_and_counted() -> None:
    numbers = range(10_000)
    whole = Ledger()
    whole.see(map(seen, numbers), "har", 1)
    parts = [Ledger(), Ledger(), Ledger()]
    for part, start in zip(parts, range(3), strict=True):
        part.see(map(seen, numbers[start::3]), "har", 1)
    assert whole.settled() == parts[2] + parts[0] + parts[1]
    assert len(whole.settled().sightings) == SIGHTINGS
    assert sorted(whole.settled().sightings) == sorted(seen(number).fingerprint for number in numbers)[:SIGHTINGS]
    assert whole.seen == {"undeclared-operation": 10_000}


def test_tenants_without_end_are_bounded_and_counted() -> None:
    names = [tenant_hash(f"tenant {number}") for number in range(5_000)]
    whole, even, odd = Ledger(), Ledger(), Ledger()
    for ledger, chosen in ((whole, names), (even, names[::2]), (odd, names[1::2])):
        for name in chosen:
            ledger.belongs(name, "GET /a", 200, "real")
    assert (whole.settled().tenants, whole.of_tenants) == ((even + odd).tenants, 5_000)
    assert sorted(whole.settled().tenants) == sorted(names)[:TENANTS]


def test_media_types_without_end_are_bounded() -> None:
    def tally(numbers: range) -> Tally:
        made = Tally()
        for number in numbers:
            made = made + Tally(1, 1, {((200, "200", f"x/{number}"), "real"): Count(1)})
        return made

    whole = tally(range(600))
    assert whole == tally(range(300, 600)) + tally(range(300))
    assert (whole.exchanges, len(whole.counts)) == (600, ANSWERS)


def test_the_first_loss_is_the_first_place_of_the_file() -> None:
    ledger = Ledger()
    for place in ("b.har entry 2", "a.ndjson:17", "a.ndjson:9"):
        ledger.lose(Lost("line is not JSON", place))
    assert ledger.lost == {"line is not JSON": Losses(3, "a.ndjson:9")}


def test_when_a_finding_was_first_and_last_seen_is_kept_in_utc() -> None:
    document = {
        "openapi": "3.1.0",
        "info": {"title": "", "version": ""},
        "paths": {"/a": {"get": {"responses": {"200": {"description": ""}}}}},
    }
    from ..strategies import document as made

    judge = Judge(Contract(made(document)), lambda rule, level: level)
    ledger = Ledger()
    for at in ("2026-01-02T00:00:00Z", "2026-01-01T01:00:00+02:00", None, "2026-01-01T00:00:00"):
        exchange = Exchange(Request("GET", "/a"), Response(418), "har", sent_at=at)
        ledger.record(judge.exchange(exchange), exchange, {})
    (sighting,) = ledger.sightings.values()
    assert (sighting.exchanges, sighting.first_us, sighting.last_us) == (4, 1767222000000000, 1767312000000000)


def test_a_masked_header_hides_nothing_and_a_masked_body_its_shape() -> None:
    from dataclasses import replace

    from ..strategies import document as made

    schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
    answer = {"description": "", "content": {"application/json": {"schema": schema}}}
    value = {
        "openapi": "3.1.0",
        "info": {"title": "", "version": ""},
        "paths": {"/a": {"get": {"responses": {"200": answer}}}},
    }
    judge = Judge(Contract(made(value)), lambda rule, level: level)
    operation = judge.contract.operations[0]
    exchange = Exchange(
        Request("GET", "/a"), Response(200, (("Content-Type", "application/json"),), b'{"a": 1}'), "ndjson"
    )
    touched = []
    for masked in (("request header:authorization",), ("response body:/a",)):
        tally = Tally()
        Ledger().look_closely(tally, operation, replace(exchange, masked=masked))
        touched.append((tally.sampled, len(tally.touched), [shape.total for shape in tally.shapes.values()]))
    assert touched == [(1, 1, [1]), (1, 1, [])]
