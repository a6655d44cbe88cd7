"""Is the status one that the operation declares?"""

from __future__ import annotations

from collections.abc import Iterator

from contract.core import rule
from contract.core.evidence import Exchange, OwnRefusal
from contract.core.finding import Fix, Level, Mismatch, Where
from contract.core.openapi import OF_THE_SERVER, Operation


@rule.matched(Exchange, "undeclared-status", Level.ERROR, sees="head")
def undeclared_status(operation: Operation, exchange: Exchange) -> Iterator[Mismatch]:
    """The server answered with a status that the operation does not declare, by number, range or `default`.

    Server errors have a rule of their own, `server-error`; 413, 429 and their like come from the server in front of all
    operations, and are no drift of one. Nor is the router's own 404 or 405: a path that cannot exist is asked for, and
    a method that nobody serves, and an answer that looks like those is the router's.

    **Why it matters**: a generated client has no branch for it, so its callers meet it as a crash.

    **How to fix**: add the status under the operation's `responses`, or answer with one that is declared.
    """
    if exchange.response is None:
        return
    status = exchange.response.status
    if 200 <= status < 500 and status not in OF_THE_SERVER:
        yield from _mismatch(operation, status)


@rule.matched(OwnRefusal, "undeclared-status", Level.ERROR)
def undeclared_refusal(operation: Operation, refusal: OwnRefusal) -> Iterator[Mismatch]:
    if refusal.exchange.response is not None:
        yield from _mismatch(operation, refusal.exchange.response.status)


def _mismatch(operation: Operation, status: int) -> Iterator[Mismatch]:
    if operation.response(status) is not None:
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
