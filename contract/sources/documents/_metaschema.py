"""What the OpenAPI Initiative's own schemas refuse in a description, in words for its author."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import orjson

from contract.core.dialect import Tokens

_FOLDER = Path(__file__).parent / "metaschemas"
MOST = 100
"""Problems that are told; a document with more has one cause many times, or is none."""


def refusals(value: Mapping[str, Any], family: str) -> list[tuple[Tokens, str]]:
    """At most a hundred places with what is wrong there, in the order of the schema."""
    validator = _validator(family)
    if validator.is_valid(value):
        return []
    found: dict[tuple[Tokens, str], None] = {}
    for error in validator.iter_errors(value):
        for place in _explained(error):
            found.setdefault(place)
        if len(found) >= MOST:
            break
    return list(found)[:MOST]


@cache
def _validator(family: str) -> Any:
    """The schema of a version; for 3.1 and 3.2 with their own dialect for Schema Objects."""
    if family in ("2.0", "3.0"):
        return jsonschema_rs.Draft4Validator(_schema(family), validate_formats=False, offline=True)
    parts = [_schema(name) for name in (family, f"{family}-dialect", f"{family}-vocabulary")]
    entry = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$ref": parts[0]["$id"],
        "$defs": {"schema": {"$dynamicAnchor": "meta", "$ref": parts[1]["$id"]}},
    }
    return jsonschema_rs.Draft202012Validator(
        {"$id": f"urn:contract:{family}", **entry},
        registry=jsonschema_rs.Registry([(part["$id"], part) for part in parts]),
        validate_formats=False,
        offline=True,
    )


def _schema(name: str) -> dict[str, Any]:
    schema: dict[str, Any] = orjson.loads((_FOLDER / f"{name}.json").read_bytes())
    return schema


def _explained(error: Any) -> Iterator[tuple[Tokens, str]]:
    """The leaves that matter: of alternatives, the one that the author seems to have meant."""
    kind = error.kind
    at = tuple(str(token) for token in error.instance_path)
    name = kind.name
    if name in ("oneOf", "anyOf") and hasattr(kind, "context"):
        branches = [branch for branch in kind.context if branch]
        is_reference = isinstance(error.instance, dict) and "$ref" in error.instance
        meant = [branch for branch in branches if _wants_reference(branch) == is_reference] or branches
        if len(meant) > 1 and (choice := _choices(meant)) is not None:
            yield choice
            return
        # A field that one of them takes as it is tells which is meant: `in: path` lacks what a path's parameter needs.
        beside = {tuple(error.instance_path)}.union(set.intersection(*map(_refused, meant)) if meant else ())
        meant = [branch for branch in meant if not _refused(branch) - beside] or meant
        for nested in min(meant, key=lambda branch: _distance(branch, error.instance_path), default=()):
            yield from _explained(nested)
    elif name == "required":
        yield at, f"`{kind.property}` is missing"
    elif name in ("additionalProperties", "unevaluatedProperties"):
        for unexpected in kind.unexpected:
            if at == ("paths",):
                yield (*at, unexpected), f"the path `{unexpected}` must begin with `/`"
            else:
                yield (*at, unexpected), f"`{unexpected}` is no field of this object"
    elif name == "enum":
        yield at, f"{_shown(error.instance)} is none of {_listed(kind.options, error.instance)}"
    elif name == "const":
        yield at, f"{_shown(error.instance)} is not {_listed([kind.expected_value], error.instance)}"
    elif name == "type":
        yield at, f"{_shown(error.instance)} is no {' or '.join(kind.types)}"
    elif name == "pattern":
        yield at, f"{_shown(error.instance)} does not match `{kind.pattern}`"
    elif name == "uniqueItems":
        yield at, f"{_shown(error.instance)} holds an item twice"
    elif name == "minItems" and not error.instance:
        yield at, "the list is empty"
    elif name == "propertyNames":
        yield at, f"a name is not allowed: {_short(str(error.message), 160)}"
    else:
        yield at, _short(str(error.message), 200)


def _refused(branch: Sequence[Any]) -> set[tuple[Any, ...]]:
    """Places whose value an alternative does not list, whichever of its own alternatives is taken."""
    found: set[tuple[Any, ...]] = set()
    for error in branch:
        if error.kind.name in ("enum", "const"):
            found.add(tuple(error.instance_path))
        elif error.kind.name in ("oneOf", "anyOf") and hasattr(error.kind, "context"):
            inner = [_refused(each) for each in error.kind.context if each]
            found |= set.intersection(*inner) if inner else set()
    return found


def _wants_reference(branch: Sequence[Any]) -> bool:
    """True for the alternative that is refused for want of a `$ref`, or for what stands beside one."""
    return any(error.kind.name == "required" and error.kind.property == "$ref" for error in branch)


def _distance(branch: Sequence[Any], at: Sequence[Any]) -> tuple[bool, int, int]:
    """How far a value is from an alternative: of another type, then by the number of errors, then how early."""
    other_type = any(error.kind.name == "type" and list(error.instance_path) == list(at) for error in branch)
    deepest = max((len(error.instance_path) for error in branch), default=0)
    return other_type, len(branch), -deepest


def _choices(branches: Sequence[Sequence[Any]]) -> tuple[Tokens, str] | None:
    """One sentence for alternatives that all name other values for the same field, as `in` of a parameter has."""
    found = _options(branches)
    if found is None:
        return None
    place, instance, options = found
    return tuple(map(str, place)), f"{_shown(instance)} is none of {_listed(options, instance)}"


def _options(branches: Sequence[Sequence[Any]]) -> tuple[tuple[Any, ...], Any, list[Any]] | None:
    """The field, its value, and the values that the alternatives and their own alternatives name; None for no such field."""
    options: list[Any] = []
    place: tuple[Any, ...] | None = None
    instance: Any = None
    for branch in branches:
        for error in branch:
            here, value, values = tuple(error.instance_path), error.instance, None
            if error.kind.name == "enum":
                values = error.kind.options
            elif error.kind.name == "const":
                values = [error.kind.expected_value]
            elif error.kind.name == "oneOf" and (inner := _options([each for each in error.kind.context if each])):
                here, value, values = inner
            if values is not None and place in (None, here):
                place, instance = here, value
                options += [value for value in values if value not in options]
                break
        else:
            return None
    return None if place is None else (place, instance, options)


def _listed(values: Sequence[Any], instance: Any) -> str:
    """The values, texts without quotes unless those make the difference."""
    bare = isinstance(instance, str)
    return ", ".join(value if bare and isinstance(value, str) else _shown(value) for value in values)


def _shown(value: Any) -> str:
    try:
        return f"`{_short(orjson.dumps(value).decode(), 60)}`"
    except TypeError:  # an integer beyond 64 bits, from YAML
        return f"`{_short(str(value), 60)}`"


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
