"""Is a declared operation served at all?"""

from __future__ import annotations

from collections.abc import Iterator

from contract.core import rule
from contract.core.evidence import Complaint
from contract.core.finding import Fix, Level, Mismatch, Proof, Where
from contract.core.openapi import Operation


@rule.complained("operation-not-served", Level.ERROR, proof=Proof.REPLAYED)
def operation_not_served(operation: Operation, complaint: Complaint) -> Iterator[Mismatch]:
    """No honest request to a declared operation gets an answer of its own.

    It is answered with 501 or 405, the connection is dropped, or it never succeeds for an id that is known to exist. The
    status itself is then no second finding.

    **Why it matters**: a client that was generated from the document has a method for it which can never work.

    **How to fix**: implement the operation, or mend its path or method; if it is gone, take it out of the document.
    """
    answer = complaint.exchanges[-1].response
    yield Mismatch(
        Where("response", status=str(answer.status) if answer else None),
        declared=operation.key,
        observed=f"answered {answer.status}" if answer else complaint.exchanges[-1].failure or "no answer",
        message=f"{operation.key} is declared, and not served: {complaint.message}",
        component=operation.pointer,
        fix=Fix("Take the operation out of the document, or mend its path or method.", f"Serve {operation.key}."),
    )
