"""Is the committed generated code that of today's document?"""

from __future__ import annotations

from collections.abc import Iterator

from contract.core import rule
from contract.core.evidence import Stale
from contract.core.finding import Fix, Level, Mismatch, Where

_CHANGES = {
    "added": ("missing", "is made from today's document, and not committed"),
    "removed": ("committed", "is committed, and no longer made from today's document"),
    "changed": ("different", "differs from what today's document gives"),
}


@rule.generated(Stale, "stale-artifact", Level.ERROR)
def stale_artifact(stale: Stale) -> Iterator[Mismatch]:
    """A committed file of generated code is not the one that the document gives today.

    The manifest beside the code says what it was made from. Where the document, the tools and the files are what it says,
    nothing is made; else the code is made afresh beside the committed one and compared byte by byte. Line endings do not
    count, and neither do files that a person added to the folder.

    **Why it matters**: whoever builds on the committed types talks to yesterday's API: a new field is not seen, and a
    removed one is `undefined` only at run time.

    **How to fix**: `contract generate` makes the code again; commit it together with the change of the document. If the file was
    changed by hand, move the change out of the generated folder: it is lost with the next run.
    """
    observed, sentence = _CHANGES.get(stale.change, (stale.change, "is out of date"))
    yield Mismatch(
        where=Where(),
        declared=f"{stale.target}: {stale.file} as generated today",
        observed=observed,
        message=f"`{stale.file}` ({stale.target}) {sentence}" + (f": {stale.reason}" if stale.reason else ""),
        keyword=stale.change,
        name=f"{stale.target} {stale.file}",
        fix=Fix(document="`contract generate`, and commit the result together with the document"),
    )
