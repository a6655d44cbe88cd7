"""Does the discriminator name the schema that the value keeps?"""

from __future__ import annotations

from collections.abc import Iterator

from contract.core import rule
from contract.core.discriminator import mismatches
from contract.core.evidence import Exchange
from contract.core.finding import Fix, Level, Mismatch, Where
from contract.core.openapi import Operation


@rule.matched(
    Exchange,
    "discriminator-mismatch",
    Level.ERROR,
    sees="body",
    applies=lambda operation: operation.schemas.discriminates,
)
def discriminator_mismatch(operation: Operation, exchange: Exchange) -> Iterator[Mismatch]:
    """The discriminator is missing, names no schema, or names one that refuses the value.

    The schema as a whole may take the value all the same: another branch fits, or the discriminator is an open string
    (OpenAPI 3.1, 4.8.25: it is a hint for picking the schema, and does not change what is valid).

    **Why it matters**: generated clients pick the class by it: they throw, or fill the wrong class.

    **How to fix**: send a value that the `mapping` lists and that fits, or add the new one to it.
    """
    if exchange.response is None or exchange.response.status >= 500:
        return
    answer = operation.answer(exchange)
    if answer.declared is None:
        return
    for judged in answer.content.judged:
        for found in mismatches(operation.schemas, judged.schema, "response", judged.value):
            yield Mismatch(
                Where("response", answer.declared.key, exchange.response.media_type, judged.where + found.pointer),
                declared=found.declared,
                observed=found.observed,
                message=found.message[0].upper() + found.message[1:] + ".",
                keyword="discriminator",
                component=found.component,
                name=found.name,
                fix=Fix(
                    "Add the value to the `mapping`, or widen the schema that it names.",
                    "Send a value that is listed, and an object that fits it.",
                ),
            )
