"""Is every operationId used once?"""

from __future__ import annotations

from collections.abc import Iterator

from contract.core import rule
from contract.core.finding import Fix, Level, Mismatch, Where
from contract.core.openapi import Contract, Operation


@rule.declared("duplicate-operation-id", Level.ERROR)
def duplicate_operation_id(contract: Contract) -> Iterator[tuple[str | None, Mismatch]]:
    """Two operations have the same `operationId` (OpenAPI 3.1, 4.8.10: it must be unique).

    **Why it matters**: generators overwrite one by the other, often without a word.

    **How to fix**: rename one of them.
    """
    first: dict[str, Operation] = {}
    for operation in contract.operations:
        name = operation.operation_id
        if name is None:
            continue
        other = first.setdefault(name, operation)
        if other is not operation:
            yield (
                operation.key,
                Mismatch(
                    Where(),
                    declared=name,
                    observed=None,
                    message=f"`{name}` is the operationId of {other.key} too.",
                    component=f"{operation.pointer}/operationId",
                    name=name,
                    fix=Fix(document="Rename one of the two."),
                ),
            )
