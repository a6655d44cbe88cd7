"""Did an answer come at all?"""

from __future__ import annotations

from collections.abc import Iterator

from contract.core import rule
from contract.core.evidence import UNSENT, Exchange
from contract.core.finding import Fix, Level, Mismatch, Proof, Where
from contract.core.openapi import Operation


@rule.matched(Exchange, "no-answer", Level.ERROR, proof=Proof.REPLAYED, sees="head")
def no_answer(operation: Operation, exchange: Exchange) -> Iterator[Mismatch]:
    """No readable answer came: the connection was closed, or the deadline passed.

    A client that went away before the answer came shows nothing of the server, and is passed over.

    **Why it matters**: the caller cannot know whether the request was carried out.

    **How to fix**: find what ends the connection (a panic, a worker killed, a proxy's time limit); answer with a status.
    """
    if exchange.response is not None or exchange.abandoned or (exchange.failure or "").startswith(UNSENT):
        return
    reason, place = exchange.failure or "no answer", exchange.blames
    shown = "" if place is None else f", where {place} is odd; the same request without that is served"
    yield Mismatch(
        Where("response") if place is None else Where("request", pointer=place),
        declared=", ".join(operation.responses) or "a response",
        observed=reason,
        message=f"The request got no answer: {reason}{shown}.",
        component=f"{operation.pointer}/responses",
        name=place,
        fix=Fix(None, "Find what closes the connection, and answer with a status."),
    )
