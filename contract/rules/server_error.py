"""Did the server fail?"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from contract.core import rule
from contract.core.cause import cause
from contract.core.evidence import Exchange
from contract.core.finding import Fix, Level, Mismatch, Proof, Where
from contract.core.openapi import Operation


@rule.matched(Exchange, "server-error", Level.ERROR, proof=Proof.REPLAYED, sees="head")
def server_error(operation: Operation, exchange: Exchange) -> Iterator[Mismatch]:
    """The server answered with a 5xx that the operation does not list by its number.

    `5XX` and `default` do not excuse it: they say what an error looks like, not that this request should fail. What the
    answer says is wrong, apart from the values of the request, tells one fault of an operation from another; in the same
    words, the place of the request that it takes to be odd does, where the walk shows that it is served without that.

    **Why it matters**: it is a fault of the server, whatever was sent, and callers can do nothing about it.

    **How to fix**: find the exception behind it; if the status is meant (503 in maintenance), declare it by its number.
    """
    if exchange.response is None or exchange.response.status < 500:
        return
    status = str(exchange.response.status)
    if status in operation.responses:
        return
    reason = f": {exchange.failure}" if exchange.failure else ""
    said, place = cause(exchange, operation), exchange.blames
    # Words of the server are nobody's to keep: they tell faults apart, and no more.
    name = f"{status} {hashlib.sha256(said.encode()).hexdigest()[:12]}" if said else status
    shown = "" if place is None else f" where {place} is odd; the same request without that is served"
    yield Mismatch(
        Where("response", status) if place is None else Where("request", status, pointer=place),
        declared=", ".join(operation.responses) or "no response at all",
        observed=status + reason,
        message=f"The server answers {status}{reason}{shown}.",
        component=f"{operation.pointer}/responses",
        name=name if place is None else f"{name} {place}",
        fix=Fix(f"Declare `{status}` if it is meant.", "Mend the fault behind it, or refuse the request with a 4xx."),
    )
