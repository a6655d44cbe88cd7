"""Do the document's examples keep the schemas that they stand beside?"""

from __future__ import annotations

from collections.abc import Iterator

from contract.core import rule
from contract.core.examples import refusals
from contract.core.finding import Fix, Level, Mismatch, Where
from contract.core.openapi import Contract, operation_of


@rule.declared("invalid-example", Level.NOTE)
def invalid_example(contract: Contract) -> Iterator[tuple[str | None, Mismatch]]:
    """A constraint of the document refuses its own examples.

    Examples are to keep their schema (OpenAPI 3.1, 4.8.12.2, 4.8.14.1 and 4.8.19: they SHOULD; JSON Schema 2020-12,
    Validation, 9.5: it is RECOMMENDED). A constraint is told once, with the first example that it refuses and how many
    others there are. What is `readOnly` or `writeOnly` may be there and may be left out. `format` refuses
    none, since it is an annotation unless a dialect asks for more (JSON Schema 2020-12, Validation, 7.2.1), and what
    only this tool is strict about, such as properties that no schema names, refuses none either. Examples of parameters,
    headers and JSON may be written as they are sent: where that text keeps the schema, so do they. Other media types are
    not looked at.

    **Why it matters**: people copy examples before they read schemas, and mock servers answer with them.

    **How to fix**: correct the examples; where all of them agree, it is the constraint that is wrong.
    """
    for each in refusals(contract):
        others = f"; it refuses {each.others} other{'s' * (each.others != 1)} too" if each.others else ""
        yield (
            operation_of(contract, each.constraint),
            Mismatch(
                Where(),
                declared=None,
                observed=None,
                message=f"{each.example} against {each.constraint}: the example is refused: {each.message}{others}.",
                component=each.constraint,
                fix=Fix(document=f"Make {each.example} agree with it, or correct it."),
            ),
        )
