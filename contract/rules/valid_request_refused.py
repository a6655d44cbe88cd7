"""Does the server take what the document allows?"""

from __future__ import annotations

from collections.abc import Iterator

from contract.core import rule
from contract.core.cause import words_of
from contract.core.evidence import Complaint
from contract.core.finding import Fix, Level, Mismatch, Proof, Where
from contract.core.openapi import Operation


@rule.complained("valid-request-refused", Level.WARNING, proof=Proof.REPLAYED)
def valid_request_refused(operation: Operation, complaint: Complaint) -> Iterator[Mismatch]:
    """The server refused a request that keeps everything the document asks for.

    **Why it matters**: a client written by the document does not work, and the document cannot tell why.

    **How to fix**: write the missing constraint into the document (a pattern, a limit, `required`), or accept it.
    """
    answer = complaint.exchanges[-1].response
    yield Mismatch(
        Where("request", status=str(answer.status) if answer else None, pointer=complaint.where),
        declared="a request that keeps the document",
        observed=f"refused with {answer.status}{words_of(answer.body)}" if answer else "refused",
        message=complaint.message,
        component=operation.pointer,
        name=complaint.where,
        fix=Fix("Write down the constraint that the server applies.", "Accept what the document allows."),
    )
