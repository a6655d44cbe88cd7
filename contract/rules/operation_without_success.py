"""Does every operation declare a success?"""

from __future__ import annotations

from collections.abc import Iterator

from contract.core import rule
from contract.core.finding import Fix, Level, Mismatch, Where
from contract.core.openapi import Contract


@rule.declared("operation-without-success", Level.WARNING)
def operation_without_success(contract: Contract) -> Iterator[tuple[str | None, Mismatch]]:
    """An operation declares no response of the 2xx or 3xx range, and no `default`.

    **Why it matters**: nothing of a good answer can be judged or typed; the contract says only how it fails.

    **How to fix**: declare the status, media type and schema of the good answer.
    """
    for operation in contract.operations:
        keys = list(operation.responses)
        if any(key[0] in "123" or key == "default" for key in keys):
            continue
        listed = ", ".join(keys) or "no response at all"
        yield (
            operation.key,
            Mismatch(
                Where(),
                declared=listed,
                observed=None,
                message=f"No success is declared: {listed}.",
                component=f"{operation.pointer}/responses" if keys else operation.pointer,
                fix=Fix(document="Declare the 2xx response, with its media type and schema."),
            ),
        )
