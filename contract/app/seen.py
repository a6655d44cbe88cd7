"""What recorded traffic shows of each operation's answers, for the proof of generated code."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from contract.app.plugins import plug_in, split
from contract.app.settings import Settings
from contract.core.errors import ContractError
from contract.core.evidence import Exchange, is_json
from contract.core.openapi import Contract

Seen = Mapping[str, list[tuple[str, str, Any]]]
"""By key of an operation: the status and media type as they are declared, and the body."""
_MOST = 20
"""Different bodies that are kept of an operation's answer."""


def seen(settings: Settings, contract: Contract) -> Seen:
    """JSON bodies of the recordings that the settings name, those that keep the document; the others are drift.

    A recording that cannot be read says nothing here; `contract check` reports it.
    """
    found: dict[str, dict[str, tuple[str, str, Any]]] = {}
    for item in settings.traffic:
        kind, where = split(item, "--traffic", "har:capture.har")
        module = plug_in("sources.traffic", kind, "--traffic")
        try:
            for each in module.exchanges(where, hosts=None, others=Counter()):
                if isinstance(each, Exchange):
                    _add(found, contract, each)
        except (ContractError, OSError):
            continue
    return {key: list(each.values()) for key, each in found.items()}


def _add(found: dict[str, dict[str, tuple[str, str, Any]]], contract: Contract, exchange: Exchange) -> None:
    match = contract.match(exchange.request.method, exchange.request.path)
    if match is None or match.operation is None or exchange.response is None:
        return
    answer = match.operation.answer(exchange)
    if answer.declared is None or answer.media is None or not is_json(answer.media.range.partition(";")[0].strip()):
        return
    for judged in answer.content.judged:
        if not contract.schemas.accepts(judged.schema, "response", judged.value):
            return
        kept = found.setdefault(match.operation.key, {})
        if len(kept) < _MOST:
            told = answer.declared.key, answer.media.range, judged.value
            kept.setdefault(json.dumps(told, sort_keys=True), told)
