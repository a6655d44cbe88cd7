"""Does every declared body have a schema?"""

from __future__ import annotations

from collections.abc import Iterator

from contract.core import rule
from contract.core.document import resolve
from contract.core.evidence import is_json
from contract.core.finding import Fix, Level, Mismatch, Where
from contract.core.openapi import Contract


@rule.declared("response-without-schema", Level.NOTE)
def response_without_schema(contract: Contract) -> Iterator[tuple[str | None, Mismatch]]:
    """A media type of a success response has no schema, or an empty one; or a 200 declares no content at all.

    **Why it matters**: any body passes, so that nothing can drift, and generated types are `any`.

    **How to fix**: give it a schema; where there is no body, declare 204 or leave `content` out on purpose.
    """
    for operation in contract.operations:
        for response in operation.responses.values():
            if not (response.key.startswith("2") or response.key == "default"):
                continue
            for media in response.content:
                empty = media.schema is None or resolve(contract.root, media.schema) in ({}, True)
                if empty and (is_json(media.range) or media.range == "*/*"):
                    yield (
                        operation.key,
                        Mismatch(
                            Where("response", response.key, media.range),
                            declared=f"{media.range} without a schema",
                            observed=None,
                            message=f"The {response.key} answer in {media.range} has no schema: its bodies cannot be judged.",
                            component=media.pointer,
                            fix=Fix(document="Give the media type a `schema`."),
                        ),
                    )
            if not response.content and response.key in ("200", "203", "2XX") and operation.method != "HEAD":
                yield (
                    operation.key,
                    Mismatch(
                        Where("response", response.key),
                        declared="no content",
                        observed=None,
                        message=f"The {response.key} answer declares no content: its bodies cannot be judged.",
                        component=response.pointer,
                        fix=Fix(document="Declare its `content`, or answer 204 where there is none."),
                    ),
                )
