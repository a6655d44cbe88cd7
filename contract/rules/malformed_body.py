"""Is a body what its media type says?"""

from __future__ import annotations

from collections.abc import Iterator

from contract.core import rule
from contract.core.evidence import Exchange, is_json
from contract.core.finding import Fix, Level, Mismatch, Where
from contract.core.openapi import Operation


@rule.matched(Exchange, "malformed-body", Level.ERROR, sees="body")
def malformed_body(operation: Operation, exchange: Exchange) -> Iterator[Mismatch]:
    """The answer is labelled JSON (RFC 8259), a form, XML or a stream, and its body is none.

    **Why it matters**: no client can read it, whatever its types say.

    **How to fix**: send what the label says, or the media type that the body really has; no document can make this right.
    """
    if exchange.response is None or exchange.response.status >= 500:
        return
    answer = operation.answer(exchange)
    if answer.declared is None or answer.content.malformed is None:
        return
    if not exchange.response.body and not answer.declared.content:
        return  # nothing is declared, and nothing was sent
    media, observed = exchange.response.media_type, answer.content.malformed
    yield Mismatch(
        Where("response", answer.declared.key, media),
        declared="a JSON body" if is_json(media) else f"a body of {media}",
        observed=observed,
        message=f"The body is labelled {media} and is {observed}.",
        component=answer.media.pointer if answer.media else answer.declared.pointer,
        fix=Fix(None, "Send what the label says, or label the body as what it is."),
    )
