"""Is a body that is labelled JSON really JSON?"""

from __future__ import annotations

from collections.abc import Iterator

from contract.core import rule
from contract.core.evidence import Exchange
from contract.core.finding import Fix, Level, Mismatch, Where
from contract.core.openapi import Operation


@rule.matched(Exchange, "malformed-body", Level.ERROR)
def malformed_body(operation: Operation, exchange: Exchange) -> Iterator[Mismatch]:
    """The answer is labelled JSON, and its body is none (RFC 8259).

    **Why it matters**: no client can read it, whatever its types say.

    **How to fix**: send valid JSON, or the media type that the body really has; no document can make this right.
    """
    if exchange.response is None or exchange.response.status >= 500:
        return
    answer = operation.answer(exchange)
    if answer.declared is None or not answer.is_json:
        return
    if not exchange.response.body and not answer.declared.content:
        return  # nothing is declared, and nothing was sent
    ok, reason = answer.parsed
    if not ok:
        observed = "an empty body" if not exchange.response.body else f"no JSON: {reason}"
        yield Mismatch(
            Where("response", answer.declared.key, exchange.response.media_type),
            declared="a JSON body",
            observed=observed,
            message=f"The body is labelled {exchange.response.media_type} and is {observed}.",
            component=answer.media.pointer if answer.media else answer.declared.pointer,
            fix=Fix(None, "Send valid JSON, or label the body as what it is."),
        )
