"""Is the answer's media type one that the response declares?"""

from __future__ import annotations

from collections.abc import Iterator

from contract.core import rule
from contract.core.evidence import Exchange
from contract.core.finding import Fix, Level, Mismatch, Where
from contract.core.openapi import Operation


@rule.matched(Exchange, "undeclared-media-type", Level.ERROR, sees="head")
def undeclared_media_type(operation: Operation, exchange: Exchange) -> Iterator[Mismatch]:
    """The answer's `Content-Type` is none that the document lists for this status.

    A response that declares no content is not judged: more documents leave it out than mean it. An answer without
    body and without `Content-Type` is right everywhere.

    **Why it matters**: a client picks its decoder by the media type; with another one it fails, or reads rubbish.

    **How to fix**: list the media type under the response's `content`, or send the declared one.
    """
    if exchange.response is None or exchange.response.status >= 500:
        return
    answer = operation.answer(exchange)
    if answer.declared is None or not answer.declared.content or answer.media is not None:
        return
    observed = exchange.response.media_type
    if observed is None and not exchange.response.headers_known:
        return
    # A 304 repeats the header fields of a 200 as it likes (RFC 9110, 15.4.5); without content none is due (8.3).
    if exchange.response.status in (204, 304) or (observed is None and not exchange.response.body):
        return
    declared = ", ".join(entry.range for entry in answer.declared.content)
    yield Mismatch(
        Where("response", answer.declared.key, observed),
        declared=declared,
        observed=observed or "no Content-Type",
        message=f"The answer is {observed or 'sent without a Content-Type'}; the document declares {declared}.",
        component=f"{answer.declared.pointer}/content",
        name=observed or "none",
        fix=Fix(
            document=f"List `{observed}` under the response's `content`." if observed else None,
            server=f"Send `Content-Type: {answer.declared.content[0].range}`, and a body to match.",
        ),
    )
