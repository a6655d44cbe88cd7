"""Does the value of each response header keep its schema?"""

from __future__ import annotations

from collections.abc import Iterator

from contract.core import parameters, rule
from contract.core.evidence import Exchange
from contract.core.finding import Fix, Level, Mismatch, Proof, Where
from contract.core.openapi import Operation


@rule.matched(
    Exchange,
    "header-schema",
    Level.ERROR,
    proof=Proof.CONFIRMED,
    sees="headers",
    applies=lambda operation: operation.has_headers,
)
def header_schema(operation: Operation, exchange: Exchange) -> Iterator[Mismatch]:
    """A header of the answer breaks the schema that the document declares for it.

    Headers are text, read by `style: simple`; `17` may stand for a number or for itself, and is refused only if the
    schema takes neither.

    **Why it matters**: a rate limit, a cursor or a retry time that cannot be parsed stops the client that reads it.

    **How to fix**: send a value that the schema allows, or declare what is really sent.
    """
    if exchange.response is None or exchange.response.status >= 500:
        return
    answer = operation.answer(exchange)
    if answer.declared is None:
        return
    for declared, error in parameters.header_errors(operation, answer.declared.headers, exchange.response.headers):
        yield Mismatch(
            Where("response", answer.declared.key, None, f"header:{declared.name}"),
            declared=error.declared,
            observed=error.observed,
            message=f"The header `{declared.name}` is {error.observed}; the document declares {error.declared}.",
            keyword=error.keyword,
            component=error.component,
            name=error.name or declared.name,
            fix=Fix(
                f"Declare what `{declared.name}` really holds.", f"Send `{declared.name}` as the document declares it."
            ),
        )
