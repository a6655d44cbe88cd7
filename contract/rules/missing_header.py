"""Does the answer carry every header that is required?"""

from __future__ import annotations

from collections.abc import Iterator

from contract.core import rule
from contract.core.evidence import Exchange, header
from contract.core.finding import Fix, Level, Mismatch, Where
from contract.core.openapi import Operation


@rule.matched(Exchange, "missing-header", Level.ERROR, sees="headers", applies=lambda operation: operation.has_headers)
def missing_header(operation: Operation, exchange: Exchange) -> Iterator[Mismatch]:
    """The answer lacks a header that the document requires for this status.

    **Why it matters**: a client that reads the header (a request id, a cursor, an ETag) gets nothing.

    **How to fix**: send the header on every such answer, or drop `required` from it in the document.
    """
    if exchange.response is None or exchange.response.status >= 500:
        return
    answer = operation.answer(exchange)
    if answer.declared is None or not exchange.response.headers_known:
        return
    for declared in answer.declared.headers:
        if declared.required and header(exchange.response.headers, declared.name) is None:
            yield Mismatch(
                Where("response", answer.declared.key, None, f"header:{declared.name}"),
                declared=f"header {declared.name}, required",
                observed="no such header",
                message=f"The answer has no `{declared.name}`; the document requires it.",
                component=declared.pointer,
                name=declared.name,
                fix=Fix(
                    "Drop `required: true` from the header.", f"Send `{declared.name}` on every {answer.declared.key}."
                ),
            )
