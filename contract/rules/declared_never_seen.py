"""What does the document declare that real traffic never shows?"""

from __future__ import annotations

from collections.abc import Iterator

from contract.core import rule
from contract.core.evidence import Unseen
from contract.core.finding import Fix, Level, Mismatch, Where
from contract.core.openapi import Operation

_WHAT = {
    "property": ("property", "properties", "objects"),
    "enum": ("member of an enum", "members of enums", "values"),
    "status": ("status", "statuses", "answers"),
    "parameter": ("parameter", "parameters", "requests"),
}


@rule.unobserved(Unseen, "declared-never-seen", Level.NOTE)
def declared_never_seen(operation: Operation, unseen: Unseen) -> Iterator[Mismatch]:
    """The document declares properties, members of enums, statuses or parameters that real traffic never showed.

    Only clients' own traffic counts, and only where there were at least a hundred chances: objects that could have had
    the property, values that could have been the member, answers, requests. Bodies are sampled, one in sixteen.

    **Why it matters**: it is a promise that nobody keeps or nobody needs; clients carry code for it.

    **How to fix**: drop it from the document if it is gone; leave it if it is rare.
    """
    one, many, chances = _WHAT[unseen.kind]
    listed = ", ".join(f"`{name}`" for name in unseen.names[:8])
    more = f" and {len(unseen.names) - 8} more" if len(unseen.names) > 8 else ""
    noun = one if len(unseen.names) == 1 else many
    yield Mismatch(
        Where(unseen.direction, unseen.status, unseen.media_type),
        declared=f"{len(unseen.names)} {noun}",
        observed=f"none in {unseen.chances:,} {chances}",
        message=f"Never seen in {unseen.chances:,} {chances}: the {noun} {listed}{more}.",
        keyword=unseen.kind,
        component=operation.pointer,
        fix=Fix("Drop what is gone.", "Send it, if somebody needs it."),
    )
