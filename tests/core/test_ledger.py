"""The ledger adds up in any order, and keeps the least example."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from contract.core.check import Judgement
from contract.core.evidence import Exchange, Request, Response
from contract.core.finding import Finding, Level, Mismatch, Where
from contract.core.ledger import Ledger, Rank
from contract.core.openapi import Contract
from contract.core.report import Example, ExampleRequest

from .test_openapi import document

API = Contract(document({"paths": {p: {"get": {"responses": {"200": {"description": ""}}}} for p in ("/a", "/b")}}))


@st.composite
def recorded(draw: st.DrawFn) -> tuple[Judgement, Exchange, dict[str, tuple[Rank, Example]]]:
    operation = draw(st.sampled_from([*API.operations, None]))
    status = draw(st.sampled_from([200, 401, 404, 500]))
    name = draw(st.sampled_from(["one", "two"]))
    size = draw(st.integers(0, 3))
    exchange = Exchange(
        Request("GET", f"/{name}"),
        draw(st.sampled_from([Response(status), None])),
        draw(st.sampled_from(["har", "fuzz"])),
        elapsed_us=draw(st.one_of(st.none(), st.integers(0, 10**7))),
        sent_at=draw(st.sampled_from([None, "2026-01-01T00:00:00Z", "2026-01-01T02:00:00+01:00", "soon"])),
    )
    findings = []
    examples = {}
    if operation is not None and draw(st.booleans()):
        message = draw(st.sampled_from(["x", "y"]))
        finding = Finding(
            "rule", Level.ERROR, operation.key, Mismatch(Where(), None, None, message), f"{name} {message}"
        )
        findings.append(finding)
        examples[finding.fingerprint] = ((size, name), Example(ExampleRequest("GET", f"/{name}/{size}"), None))
    answered = (status, "200" if status == 200 else "", draw(st.sampled_from(["", "application/json"])))
    if exchange.response is None:
        answered = (0, "", "")
    return Judgement(operation, tuple(findings), ("query:limit",) if size else (), answered), exchange, examples


def total(items: list[tuple[Judgement, Exchange, dict[str, tuple[Rank, Example]]]]) -> Ledger:
    ledger = Ledger()
    for item in items:
        ledger.record(*item)
    return ledger


@given(st.lists(recorded(), max_size=8), st.lists(recorded(), max_size=8))
def test_recording_two_lists_is_recording_each_and_adding(xs: list, ys: list) -> None:  # type: ignore[type-arg]
    assert total(xs + ys) == total(xs) + total(ys)


@given(st.lists(recorded(), max_size=8), st.lists(recorded(), max_size=8), st.lists(recorded(), max_size=4))
def test_addition_commutes_and_associates(xs: list, ys: list, zs: list) -> None:  # type: ignore[type-arg]
    a, b, c = total(xs), total(ys), total(zs)
    assert a + b == b + a
    assert (a + b) + c == a + (b + c)
    assert a + Ledger() == a


def test_the_least_example_is_kept() -> None:
    finding = Finding("rule", Level.ERROR, "GET /a", Mismatch(Where(), None, None, "m"), "f")
    ledger = Ledger()
    for size in (3, 1, 2):
        example = Example(ExampleRequest("GET", f"/{size}"), None)
        exchange = Exchange(Request("GET", "/a"), Response(200), "har")
        if ledger.needs_example("f", (size, "")):
            ledger.record(Judgement(API.operations[0], (finding,)), exchange, {"f": ((size, ""), example)})
        else:
            ledger.record(Judgement(API.operations[0], (finding,)), exchange, {})
    sighting = ledger.sightings["f"]
    assert (sighting.exchanges, sighting.rank, sighting.example) == (
        3,
        (1, ""),
        Example(ExampleRequest("GET", "/1"), None),
    )
