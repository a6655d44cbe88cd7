"""Does the document keep the OpenAPI specification?"""

from __future__ import annotations

from collections.abc import Iterator

from contract.core import rule
from contract.core.finding import Fix, Level, Mismatch, Where
from contract.core.malformed import patterns
from contract.core.openapi import Contract, operation_of


@rule.declared("invalid-document", Level.ERROR)
def invalid_document(contract: Contract) -> Iterator[tuple[str | None, Mismatch]]:
    """The document breaks the meta-schema of the OpenAPI version that it declares, or a `pattern` is no regular expression.

    A malformed schema is told here, once; answers are not held against it.

    **Why it matters**: tools read such a place each in its own way, or leave it out without a word.

    **How to fix**: the message says what is allowed there.
    """
    for problem in (*contract.document.problems(), *patterns(contract)):
        yield (
            operation_of(contract, problem.pointer),
            Mismatch(
                Where(),
                declared=None,
                observed=None,
                message=problem.message,
                component=problem.pointer,
                fix=Fix(document="Write what the specification allows here."),
            ),
        )
