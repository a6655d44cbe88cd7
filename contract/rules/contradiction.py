"""Does the document say one thing in one place and the opposite in another?"""

from __future__ import annotations

from collections.abc import Iterator

from contract.core import rule
from contract.core.contradictions import contradictions
from contract.core.finding import Fix, Level, Mismatch, Where
from contract.core.openapi import Contract, operation_of


@rule.declared("contradiction", Level.WARNING)
def contradiction(contract: Contract) -> Iterator[tuple[str | None, Mismatch]]:
    """Two places of the document cannot both be meant.

    A value by which a discriminator means a schema that the schema's own `enum` or `const` refuses (without `mapping` it
    is the schema's name: OpenAPI 3.1, 4.8.25); a default that its schema refuses; a value of `enum` that is not of the
    declared `type`; a required property that `additionalProperties: false` refuses; a minimum above the maximum; a path
    parameter that is declared twice, with types that no value has both of. The finding stands at the one place, and
    names the other. A discriminator is one finding, with the first schema that disagrees and how many do. Examples are
    a rule of their own, `invalid-example`.

    **Why it matters**: nobody can keep both, and each tool believes another one; generated types refuse what the server
    sends, or the document's own defaults.

    **How to fix**: decide which of the two is true, and write it in both places.
    """
    for each in contradictions(contract):
        yield (
            operation_of(contract, each.pointer),
            Mismatch(
                Where(),
                declared=None,
                observed=None,
                message=f"{each.pointer} against {each.against}: {each.message}.",
                component=each.place,
                # The first of a discriminator's schemas to disagree is another one once it is put right.
                name=each.against if each.owner is None else None,
                fix=Fix(document=f"Make it agree with {each.against}."),
            ),
        )
