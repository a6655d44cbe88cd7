"""Is what was deleted gone?"""

from __future__ import annotations

from collections.abc import Iterator

from contract.core import rule
from contract.core.evidence import Complaint
from contract.core.finding import Fix, Level, Mismatch, Proof, Where
from contract.core.openapi import Operation


@rule.complained("use-after-delete", Level.ERROR, proof=Proof.REPLAYED)
def use_after_delete(operation: Operation, complaint: Complaint) -> Iterator[Mismatch]:
    """A resource still answers after it was deleted.

    **Why it matters**: the caller was told that it is gone; what is shown may be personal data that had to go.

    **How to fix**: answer 404 or 410 once the deletion was confirmed; answer 202 if it takes its time.
    """
    answer = complaint.exchanges[-1].response
    yield Mismatch(
        Where("response", status=str(answer.status) if answer else None),
        declared="gone after a successful DELETE",
        observed=f"answered {answer.status}" if answer else "answered",
        message=complaint.message,
        component=operation.pointer,
        fix=Fix("Declare 202 for the deletion if it takes its time.", "Answer 404 or 410 for what was deleted."),
    )
