"""What a body says, read by its media type: the values in it, each beside the schema that it must keep."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from contract.core.evidence import is_json, media_type

if TYPE_CHECKING:
    from contract.core.openapi import MediaType
    from contract.core.schema import Schemas


@dataclass(frozen=True, slots=True)
class Judged:
    """A value and the schema that it must keep."""

    schema: str  # pointer
    value: Any
    where: str = ""
    """Where the value lies in the body, indices folded: "" for the whole of it, `/*` for an item of a stream."""


@dataclass(frozen=True, slots=True)
class Content:
    """A body as it was read."""

    judged: tuple[Judged, ...] = ()
    malformed: str | None = None
    """Why the body is none of what its media type says; it then has no value to judge."""


NOTHING = Content()


def read(schemas: Schemas, media: MediaType | None, content_type: str | None, body: bytes, direction: str) -> Content:
    """The values of a body that is sent as `content_type` and declared by `media` (None if nothing declares it).

    `direction` is "request" or "response".
    """
    if is_json(media_type(content_type)):
        try:
            value = orjson.loads(body)
        except ValueError as error:
            return Content(malformed=f"no JSON: {error}" if body else "an empty body")
        return Content((Judged(media.schema, value),)) if media is not None and media.schema is not None else NOTHING
    return NOTHING
