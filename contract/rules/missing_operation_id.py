"""Does every operation have a name?"""

from __future__ import annotations

from collections.abc import Iterator

from contract.core import rule
from contract.core.finding import Fix, Level, Mismatch, Where
from contract.core.openapi import Contract


@rule.declared("missing-operation-id", Level.WARNING)
def missing_operation_id(contract: Contract) -> Iterator[tuple[str | None, Mismatch]]:
    """An operation has no `operationId`.

    **Why it matters**: generators make up a name from the path, and a renamed path then breaks every caller.

    **How to fix**: name it, for example `listTasks`; unique in the document and kept for ever.
    """
    for operation in contract.operations:
        if operation.operation_id is None:
            yield (
                operation.key,
                Mismatch(
                    Where(),
                    declared=None,
                    observed=None,
                    message="The operation has no `operationId`.",
                    component=operation.pointer,
                    fix=Fix(document="Add an `operationId`, unique in the document."),
                ),
            )
