"""Are the declared credentials asked for?"""

from __future__ import annotations

from collections.abc import Iterator

from contract.core import rule
from contract.core.evidence import Complaint
from contract.core.finding import Fix, Level, Mismatch, Proof, Where
from contract.core.openapi import Operation


@rule.complained("auth-not-enforced", Level.ERROR, proof=Proof.REPLAYED)
def auth_not_enforced(operation: Operation, complaint: Complaint) -> Iterator[Mismatch]:
    """The document asks for credentials, and the server answers without them, or with wrong ones.

    One forgotten operation among others that refuse is an error. Where no operation that asks for credentials ever
    answered 401 or 403, the server was started without authentication, as for tests it often is: that is a fact about
    this server and not about any operation, so it is told once, as a note that lists the operations.

    **Why it matters**: the data is open to anybody who finds the address.

    **How to fix**: check the credentials in the server; if the operation is meant to be public, declare `security: []`.
    """
    answer = complaint.exchanges[-1].response
    schemes = " or ".join("+".join(option) or "nothing" for option in operation.security or ()) or "credentials"
    yield Mismatch(
        Where("request", pointer="security"),
        declared=schemes,
        observed=f"answered {answer.status} without valid credentials" if answer else "answered",
        message=complaint.message,
        component=operation.pointer,
        name="security",
        fix=Fix(
            "Declare `security: []` if it is meant to be public.",
            "Answer 401 where the credentials are missing or wrong.",
        ),
    )
