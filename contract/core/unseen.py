"""What did real traffic never show of what an operation declares?"""

from __future__ import annotations

from collections.abc import Iterator

from contract.core.evidence import Traffic, Unseen
from contract.core.ledger import Tally
from contract.core.openapi import Operation
from contract.core.shape import missing

CHANCES = 100
"""So many chances must there have been before anything is said."""
_REAL = frozenset({Traffic.REAL.value, Traffic.TEST.value})
_STANDING = frozenset({"accept", "content-type", "authorization"})  # OpenAPI 3.1, 4.8.12.1: not described as parameters


def unseen(operation: Operation, tally: Tally) -> Iterator[Unseen]:
    """One for each kind and message: properties and enums of a body, statuses, parameters."""
    yield from _bodies(operation, tally)
    answers = dict.fromkeys(operation.responses, 0)
    total = 0
    for (answered, traffic), count in tally.counts.items():
        if traffic in _REAL and answered[0]:
            total += count.exchanges
            answers[answered[1]] = answers.get(answered[1], 0) + count.exchanges
    if total < CHANCES:
        return
    never = tuple(key for key in operation.responses if not answers[key])
    if never:
        yield Unseen("status", never, total, "response")
    if any(traffic not in _REAL for _, traffic in tally.counts):
        return  # parameters are not counted apart
    labels = tuple(
        item.label
        for item in operation.parameters
        if not tally.parameters.get(item.label) and not (item.location == "header" and item.name.lower() in _STANDING)
    )
    if labels:
        yield Unseen("parameter", labels, total, "request")


def _bodies(operation: Operation, tally: Tally) -> Iterator[Unseen]:
    for (direction, status, media_type), shape in sorted(tally.shapes.items(), key=lambda item: item[0]):
        declared = operation.request_body if direction == "request" else operation.responses.get(status)
        media = declared.media(media_type) if declared is not None else None
        if media is None or media.schema is None:
            continue
        for kind in ("property", "enum"):
            found = [
                item
                for item in missing(shape, operation.schemas, media.schema, direction)
                if item.kind == kind and item.chances >= CHANCES
            ]
            if found:
                names = tuple(dict.fromkeys(_name(item.kind, item.pointer, item.name) for item in found))
                chances = max(item.chances for item in found)
                yield Unseen(kind, names, chances, direction, status or None, media_type)


def _name(kind: str, pointer: str, name: str) -> str:
    """`/items/*/due_at` of a property, `/state "done"` of a member."""
    return pointer if kind == "property" else f"{pointer} {name}".strip()
