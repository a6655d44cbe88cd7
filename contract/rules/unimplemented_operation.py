"""Is every declared operation implemented?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from contract.core import rule
from contract.core.evidence import Route
from contract.core.finding import Fix, Level, Mismatch, Where

if TYPE_CHECKING:
    from contract.core.openapi import Operation


@rule.unobserved(Route, "unimplemented-operation", Level.ERROR)
def unimplemented_operation(operation: Operation) -> Iterator[Mismatch]:
    """The document declares an operation that the server does not implement.

    The framework's list of routes is complete, and none of them meets the operation: not by method and template, and
    not through a wider route (a catch-all, or a parameter route that is not declared itself).

    **Why it matters**: a client that was generated from the document has a method for it, and its callers get a 404 or
    405 that nobody told them to expect.

    **How to fix**: implement the operation, or mend its path or method if the two only differ in spelling; if it is gone
    for good, remove it from the document and say so in the API's changelog.
    """
    yield Mismatch(
        where=Where(),
        declared=operation.key,
        observed=None,
        message=f"{operation.key} is declared, and no route implements it",
        component=operation.pointer,
        fix=Fix(
            document="remove the operation, or mend its path, its method or the base path in `servers`",
            server=f"add a route for {operation.key}",
        ),
    )
