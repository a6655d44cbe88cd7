"""Does the server refuse what the document forbids?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from contract.core import parameters, rule
from contract.core.evidence import Complaint, Exchange
from contract.core.finding import Fix, Level, Mismatch, Proof, Where, folded
from contract.core.openapi import Operation


@rule.complained("invalid-request-accepted", Level.WARNING, proof=Proof.REPLAYED)
def invalid_request_accepted(operation: Operation, complaint: Complaint) -> Iterator[Mismatch]:
    """The server took a request that breaks the document: a constraint, a required parameter, a media type.

    **Why it matters**: clients that ought to fail in development pass, and their bad data is stored.

    **How to fix**: check the constraint in the server, or take it out of the document.
    """
    answer = complaint.exchanges[-1].response
    yield Mismatch(
        Where("request", pointer=complaint.where),
        declared=complaint.name,
        observed=f"accepted with {answer.status}" if answer else "accepted",
        message=complaint.message,
        component=operation.pointer,
        name=complaint.where,
        fix=Fix("Take the constraint out of the document.", "Refuse such a request with a 4xx."),
    )


@rule.matched(Exchange, "invalid-request-accepted", Level.WARNING, proof=Proof.CONFIRMED, sees="request")
def invalid_request_answered(operation: Operation, exchange: Exchange) -> Iterator[Mismatch]:
    answer = exchange.response
    if answer is None or not 200 <= answer.status < 300:
        return
    for place, error in parameters.errors(operation, exchange, operation.path_values(exchange)):
        where = folded(place)
        yield Mismatch(
            Where("request", pointer=where),
            declared=error.message,
            observed=f"accepted with {answer.status}",
            message=f"The server took a request in which {where} breaks the document: {error.message}.",
            keyword=error.keyword,
            component=error.component,
            name=_name(operation, error.name, where, error.component),
            fix=Fix("Take the constraint out of the document.", "Refuse such a request with a 4xx."),
        )


def _name(operation: Operation, name: str | None, where: str, component: str) -> str:
    """What is broken, by the place that a path's parameter has: renaming it changes no finding's identity.

    One property of one component is the same however deep the body holds it, and once for each place it is not.
    """
    kind, _, parameter = where.partition(":")
    if kind == "body" and component.startswith("#/components/") and "/properties/" in component:
        return name or component.rpartition("/")[2]
    if kind != "path":
        return name or where
    names = re.findall(r"\{([^{}]*)\}", operation.path)
    return f"path:{names.index(parameter)}" if parameter in names else where
