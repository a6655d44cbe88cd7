"""Does every operation say more than `default`?"""

from __future__ import annotations

from collections.abc import Iterator

from contract.core import rule
from contract.core.finding import Fix, Level, Mismatch, Where
from contract.core.openapi import Contract


@rule.declared("default-only-response", Level.WARNING)
def default_only_response(contract: Contract) -> Iterator[tuple[str | None, Mismatch]]:
    """`default` is the only response that an operation declares.

    **Why it matters**: it covers every status, so none can drift, and a client cannot tell success from failure.

    **How to fix**: declare the statuses by number, and keep `default` for errors that are not foreseen.
    """
    for operation in contract.operations:
        if list(operation.responses) == ["default"]:
            yield (
                operation.key,
                Mismatch(
                    Where("response", "default"),
                    declared="default",
                    observed=None,
                    message="`default` is the only response: it covers every status, so none can drift.",
                    component=f"{operation.pointer}/responses/default",
                    fix=Fix(document="Declare the statuses by number."),
                ),
            )
