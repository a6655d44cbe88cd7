"""Does the document that the framework exports say the same as the committed one?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from contract.core import rule
from contract.core.document import escape, unescape
from contract.core.evidence import Difference
from contract.core.finding import Fix, Level, Mismatch, Where

if TYPE_CHECKING:
    from contract.core.openapi import Operation


@rule.matched(Difference, "exported-differs", Level.WARNING)
def exported_differs(operation: Operation, difference: Difference) -> Iterator[Mismatch]:
    """The document that the framework exports describes an operation differently from the declared one.

    Both have the operation; references are followed on both sides, and prose, names of components and spellings of one
    meaning are passed over. What remains is a different parameter, status, media type, schema or security requirement.

    **Why it matters**: the exported document is made from the code, and says what its author believes that the code does.
    One of the two is out of date, and clients are generated from one of them.

    **How to fix**: if the code is right, take its description over into the document; if the document is right, mend the
    types, the decorators or the annotations that the framework exports from.
    """
    tokens = [unescape(token) for token in difference.pointer.split("/")[1:]]
    status = tokens[1] if tokens[:1] == ["responses"] and len(tokens) > 1 else None
    direction = "response" if status else "request" if tokens[:1] in (["parameters"], ["requestBody"]) else None
    media = next((tokens[at + 1] for at, token in enumerate(tokens[:-1]) if token == "content" and at < 3), None)
    place = f" at {difference.exported}" if difference.exported else ""
    what = " → ".join(tokens) or "the operation"
    if difference.observed is None:
        said = f"{what}: declared, and the exported document has nothing of it"
    elif difference.declared is None:
        said = f"{what}: exported, and the document does not declare it"
    else:
        said = f"{what}: declared {difference.declared}, exported {difference.observed}"
    yield Mismatch(
        where=Where(direction, status, media, _pointer(tokens)),
        declared=difference.declared,
        observed=difference.observed,
        message=said,
        component=difference.component or operation.pointer,
        name=tokens[-1] if difference.declared is None or difference.observed is None else None,
        fix=Fix(
            document=f"take over what is exported{place}",
            server="mend the types, decorators or annotations that the document is exported from",
        ),
    )


def _pointer(tokens: list[str]) -> str | None:
    """The place in the message: `query:limit`, or a pointer into the body, indices folded; None where there is none."""
    if tokens[:1] == ["parameters"] and len(tokens) > 1:
        return tokens[1]
    if "schema" not in tokens:
        return None
    found = ""
    rest = iter(tokens[tokens.index("schema") + 1 :])
    for token in rest:
        if token == "properties" and (name := next(rest, None)) is not None:
            found += f"/{escape(name)}"
        elif token == "items":
            found += "/*"
    return found or None
