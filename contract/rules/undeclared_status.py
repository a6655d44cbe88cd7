"""Is the status one that the operation declares?"""

from __future__ import annotations

from collections.abc import Iterator

from contract.core import rule
from contract.core.evidence import Exchange
from contract.core.finding import Fix, Level, Mismatch, Where
from contract.core.openapi import Operation

_OF_THE_SERVER = frozenset({405, 408, 413, 414, 417, 421, 425, 426, 429, 431})
"""Statuses that a server or a gateway gives in front of every operation; none of them is an operation's own answer."""


@rule.matched(Exchange, "undeclared-status", Level.ERROR, sees="head")
def undeclared_status(operation: Operation, exchange: Exchange) -> Iterator[Mismatch]:
    """The server answered with a status that the operation does not declare, by number, range or `default`.

    Server errors have a rule of their own, `server-error`; 405, 413, 429 and their like come from the server in front
    of all operations, and are no drift of one.

    **Why it matters**: a generated client has no branch for it, so its callers meet it as a crash.

    **How to fix**: add the status under the operation's `responses`, or answer with one that is declared.
    """
    if exchange.response is None:
        return
    status = exchange.response.status
    if status >= 500 or status < 200 or status in _OF_THE_SERVER or operation.response(status) is not None:
        return
    declared = ", ".join(operation.responses) or "no response at all"
    yield Mismatch(
        Where("response", str(status)),
        declared=declared,
        observed=str(status),
        message=f"The server answers {status}; the operation declares {declared}.",
        component=f"{operation.pointer}/responses",
        name=str(status),
        fix=Fix(
            document=f"Add `{status}` under the operation's `responses`.", server=f"Answer with one of {declared}."
        ),
    )
