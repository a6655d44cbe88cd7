"""Which schemas of the document are themselves wrong, so that nothing can be judged by them?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

import jsonschema_rs

from contract.core.document import Problem, escape, resolve, split

if TYPE_CHECKING:
    from contract.core.openapi import Contract

_NAMED = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
"""Keywords that hold schemas by name."""
_LISTED = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_SINGLE = frozenset(
    {
        "additionalProperties",
        "contains",
        "contentSchema",
        "else",
        "if",
        "items",
        "not",
        "propertyNames",
        "then",
        "unevaluatedItems",
        "unevaluatedProperties",
    }
)
_SAYS_NOTHING = frozenset(
    {
        "$comment",
        "$recursiveAnchor",
        "$recursiveRef",
        "default",
        "deprecated",
        "description",
        "example",
        "examples",
        "title",
    }
)
"""Keywords that refuse no value, however they are written; those of draft 2019-09 are none any more."""
_VALUES = frozenset({"example", "examples", "default", "enum", "const"})
"""What holds values, whatever they look like."""


class Malformed:
    """The places of malformed schemas, worked out when the first is asked for.

    A schema is malformed where both meta-schemas refuse it: that of OpenAPI, so that the document is told of it once,
    and that of JSON Schema, so that a keyword which the version does not know spoils nothing.
    """

    def __init__(self, contract: Contract) -> None:
        self._contract = contract

    def __contains__(self, component: str | None) -> bool:
        """True for a declaration in a malformed schema."""
        return component is not None and any(
            component == place or component.startswith(f"{place}/") for place in self.places
        )

    @cached_property
    def places(self) -> tuple[str, ...]:
        found = (self._schema(problem.pointer) for problem in self._contract.document.problems())
        return tuple(dict.fromkeys(place for place in found if place is not None))

    def _schema(self, pointer: str) -> str | None:
        """The schema that a place of the document lies in, if one of its keywords is what JSON Schema refuses."""
        tokens = split(pointer)
        starts = [3] if tokens[:2] == ("components", "schemas") else []
        starts += [at + 1 for at, token in enumerate(tokens) if token in ("schema", "itemSchema")]
        at = starts[0] if starts else len(tokens)
        while at < len(tokens):
            keyword, more = tokens[at], tokens[at + 1 :]
            if keyword in _SINGLE and more:
                at += 1
            elif (keyword in _NAMED or (keyword in _LISTED and more[:1] and more[0].isdigit())) and len(more) > 1:
                at += 2
            else:
                place = "/".join(pointer.split("/")[: at + 1])
                return place if self._is_refused(place, keyword) else None
        return None

    def _is_refused(self, place: str, keyword: str) -> bool:
        try:
            schema = resolve(self._contract.document.value, place)
        except KeyError:
            return False
        if not isinstance(schema, Mapping) or keyword not in schema or keyword in _SAYS_NOTHING:
            return False
        # A name that is listed twice is still one that can be understood.
        refusals = _meta().iter_errors({keyword: schema[keyword]})
        return any(refusal.kind.name != "uniqueItems" for refusal in refusals)


@cache
def _meta() -> Any:
    return jsonschema_rs.Draft202012Validator({"$ref": "https://json-schema.org/draft/2020-12/schema"})


def patterns(contract: Contract) -> Iterator[Problem]:
    """Regular expressions that are none; a schema with one is judged without it."""
    for pointer, pattern in _patterns(contract.schemas.value, "#"):
        if not _compiles(pattern):
            yield Problem(pointer, f"`{pattern}` is no regular expression")


def _patterns(node: Any, where: str) -> Iterator[tuple[str, str]]:
    if isinstance(node, list):
        for index, item in enumerate(node):
            yield from _patterns(item, f"{where}/{index}")
    if not isinstance(node, Mapping):
        return
    for key, item in node.items():
        name = str(key)
        if name == "pattern" and isinstance(item, str):
            yield f"{where}/pattern", item
        elif name not in _VALUES and not name.startswith("x-"):
            yield from _patterns(item, f"{where}/{escape(name)}")


@cache
def _compiles(pattern: str) -> bool:
    """Whether any engine takes it: each knows something of ECMA-262 that the others do not."""
    for options in (jsonschema_rs.RegexOptions(), jsonschema_rs.FancyRegexOptions()):
        try:
            jsonschema_rs.validator_for({"pattern": pattern}, pattern_options=options)
            return True
        except (jsonschema_rs.ValidationError, ValueError):
            continue
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError):
        return False
    return True
