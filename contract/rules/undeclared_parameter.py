"""Are query parameters honoured or sent that the document does not know?"""

from __future__ import annotations

from collections.abc import Iterator

from contract.core import parameters, rule
from contract.core.evidence import MADE_UP, Complaint, Exchange
from contract.core.finding import Fix, Level, Mismatch, Proof, Where
from contract.core.openapi import Operation


@rule.complained("undeclared-parameter", Level.WARNING, proof=Proof.REPLAYED)
def undeclared_parameter(operation: Operation, complaint: Complaint) -> Iterator[Mismatch]:
    """The server honours a query parameter that the document does not declare, or real clients send one.

    Our own probes ask for some conventional names; one counts only if the answer shows that it was honoured. In
    recorded traffic of real clients it is enough that an answer was a success.

    **Why it matters**: it works, so clients use it, and nobody knows when it changes.

    **How to fix**: declare the parameter, or ignore or refuse it.
    """
    yield _mismatch(operation, complaint.name or "", complaint.message)


@rule.matched(Exchange, "undeclared-parameter", Level.WARNING, sees="request")
def undeclared_parameter_sent(operation: Operation, exchange: Exchange) -> Iterator[Mismatch]:
    if exchange.traffic in MADE_UP or exchange.response is None or not 200 <= exchange.response.status < 300:
        return
    for name in parameters.undeclared_query(operation, exchange.request):
        yield _mismatch(operation, name, f"Clients send `?{name}=`, which the document does not declare.")


def _mismatch(operation: Operation, name: str, message: str) -> Mismatch:
    declared = ", ".join(p.name for p in operation.parameters if p.location == "query") or "no query parameter"
    return Mismatch(
        Where("request", pointer=f"query:{name}"),
        declared=declared,
        observed=f"?{name}",
        message=message,
        component=f"{operation.pointer}/parameters",
        name=name,
        fix=Fix(f"Declare `{name}` under `parameters`.", f"Ignore or refuse `{name}`."),
    )
