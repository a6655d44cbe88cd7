"""Does the answer carry properties that no schema names?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from contract.core import parameters, rule
from contract.core.bodies import Content
from contract.core.evidence import MADE_UP, Exchange
from contract.core.finding import Fix, Level, Mismatch, Proof, Where
from contract.core.openapi import Operation
from contract.core.schema import Schemas, kind_of

_MANY = 50
"""So many undeclared names in one object are a map that the document describes by an example."""


@rule.matched(Exchange, "undeclared-property", Level.WARNING, proof=Proof.CONFIRMED, sees="body")
def undeclared_property(operation: Operation, exchange: Exchange) -> Iterator[Mismatch]:
    """The answer has a property that no schema at its place names, although it names others.

    Most documents leave objects open, so a validator alone never sees this. Properties that any branch of `allOf`,
    `anyOf` or `oneOf` names are declared; so is everything where `additionalProperties` is written out.

    **Why it matters**: clients come to rely on what nobody promised; and it may be internal data that leaks.

    **How to fix**: name the property in the schema, say `additionalProperties` on purpose, or stop sending it.
    """
    if exchange.response is None or exchange.response.status >= 500:
        return
    answer = operation.answer(exchange)
    if answer.declared is None:
        return
    place = Where("response", answer.declared.key, exchange.response.media_type)
    yield from _mismatches(operation, answer.content, place)


@rule.matched(Exchange, "undeclared-property", Level.WARNING, proof=Proof.CONFIRMED, sees="request")
def undeclared_property_sent(operation: Operation, exchange: Exchange) -> Iterator[Mismatch]:
    if exchange.traffic in MADE_UP or exchange.response is None or not 200 <= exchange.response.status < 300:
        return
    yield from _mismatches(
        operation, parameters.content(operation, exchange.request), Where("request", None, exchange.request.media_type)
    )


def _mismatches(operation: Operation, content: Content, place: Where) -> Iterator[Mismatch]:
    found: dict[tuple[str, str], list[tuple[str, Any]]] = {}
    for judged in content.judged:
        for where, component, name, item in operation.schemas.undeclared(judged.schema, judged.value):
            found.setdefault((judged.where + where, component), []).append((name, item))
    answers = place.direction == "response"
    for (where, component), properties in found.items():
        below = replace(place, pointer=where if answers else f"body:{where}")
        names = [name for name, _ in properties]
        if examples := _examples(operation.schemas, component):
            yield _map(
                below, component, names, f"the document names {' and '.join(examples[:2])} as examples of its keys"
            )
            continue
        if len(properties) > _MANY:
            yield _map(below, component, names, "it has more names than any schema would list")
            continue
        for name, item in properties:
            yield Mismatch(
                replace(below, pointer=f"{below.pointer}/{name}"),
                declared="no such property",
                observed=kind_of(item),
                message=f"`{name}` is sent{'' if answers else ' by clients, and taken'}, and no schema names it.",
                keyword="additionalProperties",
                component=component,
                name=name,
                fix=Fix(
                    f"Name `{name}` under the schema's `properties`.",
                    f"Leave `{name}` out." if answers else f"Refuse or ignore `{name}`, and tell the clients.",
                ),
            )


_ANNOTATIONS = frozenset({"title", "description", "example", "examples", "default", "deprecated"})


def _examples(schemas: Schemas, component: str) -> list[str]:
    """Names that a schema declares as examples of a map's keys: `chart-id1` and `chart-id2`, the same but for a number.

    Such an object is a map however many keys an answer has, so that two answers give one finding.
    """
    memo: dict[str, list[str]] = schemas.memo.setdefault("examples of keys", {})
    if component not in memo:
        memo[component] = _found(schemas, component)
    return memo[component]


def _found(schemas: Schemas, component: str) -> list[str]:
    declared = {
        name: item
        for _, node in schemas.flatten((component,))
        if isinstance(node.get("properties"), Mapping)
        for name, item in node["properties"].items()
    }
    if len(declared) < 2 or len({re.sub(r"\d+", "0", name) for name in declared}) > 1:
        return []
    first, *others = map(_plain, declared.values())
    return sorted(declared) if all(item == first for item in others) else []


def _plain(node: Any) -> Any:
    """A schema without what only people read."""
    if isinstance(node, Mapping):
        return {key: _plain(item) for key, item in node.items() if key not in _ANNOTATIONS}
    return [_plain(item) for item in node] if isinstance(node, list) else node


def _map(place: Where, component: str, names: list[str], why: str) -> Mismatch:
    return Mismatch(
        replace(place, pointer=f"{place.pointer}/*"),
        declared="an object with its properties named",
        observed=f"a map of other names, such as {', '.join(sorted(names)[:3])}",
        message=f"The object is a map: {why}.",
        keyword="additionalProperties",
        component=component,
        name="*",
        fix=Fix("Describe it by `additionalProperties`, not by the names of an example.", "Send only declared names."),
    )
