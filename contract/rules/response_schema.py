"""Does the body keep the declared schema?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from contract.core import rule
from contract.core.document import resolve
from contract.core.evidence import Exchange
from contract.core.finding import Fix, Level, Mismatch, Proof, Where
from contract.core.openapi import Operation


@rule.matched(Exchange, "response-schema", Level.ERROR, proof=Proof.CONFIRMED, sees="body")
def response_schema(operation: Operation, exchange: Exchange) -> Iterator[Mismatch]:
    """The body breaks the schema that the document declares for this status and media type.

    One finding per place and keyword, shown with the least body that breaks it. `writeOnly` properties are refused in
    an answer, and not required there.

    **Why it matters**: typed clients trust the schema: a `null` where a date is promised is a crash in every app.

    **How to fix**: say in the document what is really sent (`type: [string, "null"]`), or send what is declared.
    """
    if exchange.response is None or exchange.response.status >= 500:
        return
    answer = operation.answer(exchange)
    if answer.declared is None:
        return
    found = [(error.pointer, error) for error in answer.content.refused]
    for judged in answer.content.judged:
        errors = operation.schemas.errors(judged.schema, "response", judged.value)
        found.extend((judged.where + error.pointer, error) for error in errors)
    for pointer, error in found:
        is_untyped = error.observed == "null" and _is_nullable_without_type(operation, error.component)
        yield Mismatch(
            Where("response", answer.declared.key, exchange.response.media_type, pointer),
            declared=error.declared,
            observed=error.observed,
            message=error.message[0].upper() + error.message[1:] + "." + (_UNTYPED if is_untyped else ""),
            keyword=error.keyword,
            component=error.component,
            name=error.name,
            fix=_fix("nullable" if is_untyped else error.keyword, error.observed, error.name),
        )


_UNTYPED = " `nullable` says nothing there, since no `type` stands beside it."


def _is_nullable_without_type(operation: Operation, component: str) -> bool:
    """True where the author meant that it may be null, and did not say so (OpenAPI 3.0.3, 4.7.24.1)."""
    try:
        declared = resolve(operation.root, component)
    except (KeyError, ValueError, IndexError, TypeError):
        return False
    return isinstance(declared, Mapping) and declared.get("nullable") is True and "type" not in declared


def _fix(keyword: str, observed: str, name: str | None) -> Fix:
    if keyword == "required":
        return Fix(f"Take `{name}` out of `required`.", f"Always send `{name}`.")
    if keyword == "type" and observed == "null":
        return Fix(
            'Say that it may be null: `type: [..., "null"]`, or `nullable: true` in OpenAPI 3.0.', "Never send null."
        )
    if keyword == "nullable":
        return Fix("Write `type` beside `nullable`, or add a branch that is null.", "Never send null.")
    if keyword == "enum":
        return Fix(f"Add {observed} to the `enum`.", "Send only the values that the `enum` lists.")
    if keyword in ("additionalProperties", "unevaluatedProperties"):
        return Fix(f"Declare `{name}`, or allow other properties.", f"Leave `{name}` out.")
    if keyword in ("writeOnly", "false"):
        return Fix("Drop `writeOnly` if clients may read it.", "Leave the property out of answers.")
    return Fix(f"Widen `{keyword}` to what is really sent.", "Send only what the schema allows.")
