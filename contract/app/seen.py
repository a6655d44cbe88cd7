"""What recorded traffic shows of each operation's bodies, for the proof of generated code."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from contract.app.plugins import plug_in, split
from contract.app.settings import Settings
from contract.core import parameters
from contract.core.bodies import Judged
from contract.core.errors import ContractError
from contract.core.evidence import Exchange, is_json
from contract.core.openapi import Contract, MediaType, Operation

Seen = Mapping[str, list[tuple[str, str, Any]]]
"""By key of an operation: the status as it is declared, or `request`; the media type as it is declared; and the body."""
_MOST = 20
"""Different bodies that are kept of an operation's answers, and as many of its requests."""
_REQUEST = "request"


def seen(settings: Settings, contract: Contract, *, asked: bool = False, unread: list[str] | None = None) -> Seen:
    """JSON bodies of the recordings that the settings name, those that keep the document; the others are drift.

    A recording that cannot be read is said in `unread`, as it shows nothing of the code; where it was `asked` for by
    name, that is an error.
    """
    found: dict[str, dict[bool, dict[str, tuple[str, str, Any]]]] = {}
    for item in settings.traffic:
        kind, where = split(item, "--traffic", "har:capture.har")
        module = plug_in("sources.traffic", kind, "--traffic")
        try:
            for each in module.exchanges(where, hosts=None, others=Counter()):
                if isinstance(each, Exchange):
                    _add(found, contract, each)
        except (ContractError, OSError) as error:
            if asked:
                raise
            if unread is not None:
                why = error.message if isinstance(error, ContractError) else error.strerror or str(error)
                unread.append(f"the recording {item} is not looked at: {why}")
    return {key: [body for kept in each.values() for body in kept.values()] for key, each in found.items()}


def _add(found: dict[str, dict[bool, dict[str, tuple[str, str, Any]]]], contract: Contract, exchange: Exchange) -> None:
    match = contract.match(exchange.request.method, exchange.request.path)
    if match is None or match.operation is None:
        return
    operation = match.operation
    for place, media, values in (*_answered(operation, exchange), *_sent(operation, exchange)):
        if not is_json(media.range.partition(";")[0].strip()):
            continue
        direction = _REQUEST if place == _REQUEST else "response"
        for judged in values:
            if not contract.schemas.accepts(judged.schema, direction, judged.value):
                break
            kept = found.setdefault(operation.key, {}).setdefault(place == _REQUEST, {})
            if len(kept) < _MOST:
                told = place, media.range, judged.value
                kept.setdefault(json.dumps(told, sort_keys=True), told)


def _answered(operation: Operation, exchange: Exchange) -> Iterable[tuple[str, MediaType, tuple[Judged, ...]]]:
    if exchange.response is None:
        return
    answer = operation.answer(exchange)
    if answer.declared is not None and answer.media is not None:
        yield answer.declared.key, answer.media, answer.content.judged


def _sent(operation: Operation, exchange: Exchange) -> Iterable[tuple[str, MediaType, tuple[Judged, ...]]]:
    request, declared = exchange.request, operation.request_body
    if declared is None or not request.body or request.truncated:
        return
    media = declared.media(request.content_type)
    if media is not None:
        yield _REQUEST, media, parameters.content(operation, request).judged
