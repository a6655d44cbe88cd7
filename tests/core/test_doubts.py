"""When a run must say, before everything else, that it proves nothing."""

from __future__ import annotations

from contract.core.doubts import doubt, unproved
from contract.core.finding import Finding, Level, Mismatch, Where
from contract.core.ledger import Count, Ledger, Tally

CREDENTIALS = "Give credentials: `--header 'Authorization: Bearer ${TOKEN}'`."


def tally(own: int = 0, **counts: int) -> Tally:
    """`_401=3` for three answers with that status; `_0` for none."""
    return Tally(
        sum(counts.values()),
        own,
        {((int(name[1:]), "", ""), "fuzz"): Count(number) for name, number in counts.items()},
    )


def test_refusals_alone_prove_nothing() -> None:
    ledger = Ledger({"GET /a": tally(_401=2), "GET /b": tally(_401=1)})
    assert doubt(ledger, ["GET /a", "GET /b"]) == (
        f"This run proves nothing: each of its 3 requests was answered 401. {CREDENTIALS}"
    )
    ledger = Ledger({"GET /a": tally(_401=1200), "GET /b": tally(_403=4)})
    assert doubt(ledger, ["GET /a", "GET /b"]) == (
        f"This run proves nothing: each of its 1,204 requests was answered 401 or 403. {CREDENTIALS}"
    )
    assert doubt(Ledger({"GET /a": tally(_403=1)}), ["GET /a"]) == (
        f"This run proves nothing: its one request was answered 403. {CREDENTIALS}"
    )


def test_silence_and_haste_have_their_own_words() -> None:
    assert doubt(Ledger({"GET /a": tally(_0=2)}), ["GET /a"]) == (
        "This run proves nothing of what is declared: each of its 2 requests got no answer. "
        "Look at the server and its log."
    )
    assert doubt(Ledger({"GET /a": tally(_429=2)}), ["GET /a"]) == (
        "This run proves nothing: each of its 2 requests was answered 429, too many requests. "
        "Ask more slowly: `--rate-limit 1/s`."
    )


def test_there_is_no_doubt_once_one_operation_was_exercised() -> None:
    ledger = Ledger({"GET /a": tally(_401=900), "GET /b": tally(1, _401=3, _200=1)})
    assert doubt(ledger, ["GET /a", "GET /b"]) is None
    assert unproved(ledger, ["GET /a", "GET /b"]) == {}
    # Out of scope, it is no evidence of what is in it.
    assert doubt(ledger, ["GET /a"]) is not None


def test_answers_of_several_kinds_and_no_answers_are_left_to_the_verdict() -> None:
    assert doubt(Ledger({"GET /a": tally(_401=9, _404=1)}), ["GET /a"]) is None
    assert doubt(Ledger({"GET /a": tally(_500=9)}), ["GET /a"]) is None
    assert doubt(Ledger(), ["GET /a"]) is None


def test_only_the_refusal_itself_is_unproved() -> None:
    ledger = Ledger({"GET /a": tally(_401=2)})
    found = [
        Finding(rule, Level.ERROR, "GET /a", Mismatch(Where("response", status), None, None, "x"), name)
        for name, rule, status in (
            ("one", "undeclared-status", "401"),
            ("two", "missing-header", "401"),
            ("three", "undeclared-status", "418"),
        )
    ]
    ledger.see(found, "fuzz", 1)
    assert list(unproved(ledger, ["GET /a"])) == ["one"]
    assert unproved(Ledger({"GET /a": tally(_0=2)}, ledger.sightings), ["GET /a"]) == {}
