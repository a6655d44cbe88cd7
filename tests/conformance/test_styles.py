"""A law of every style: what is serialised as the table of OpenAPI 3.1, 4.8.12.4 writes it is read as what it was."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from hypothesis import given, settings
from hypothesis import strategies as st

from contract.core import parameters
from contract.core.document import Document, Location
from contract.core.evidence import Exchange, Request
from contract.core.openapi import Contract

STYLES = [
    ("path", "simple"),
    ("path", "label"),
    ("path", "matrix"),
    ("query", "form"),
    ("query", "spaceDelimited"),
    ("query", "pipeDelimited"),
    ("query", "deepObject"),
    ("cookie", "form"),
]
# A dot ends a label's item, and no encoding saves it (RFC 3986, 2.3: encoders leave it as it is).
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="."), min_size=1, max_size=6)
LEAF = st.one_of(TEXT, st.integers(-(10**9), 10**9))
ARRAY = st.lists(LEAF, min_size=1, max_size=4)
OBJECT = st.dictionaries(TEXT, LEAF, min_size=1, max_size=3)


def encode(value: Any) -> str:
    return quote(str(value), safe="")


def serialised(location: str, style: str, explode: bool, value: Any) -> str | None:
    """The text as the table has it; None where the table says n/a."""
    joint = {"spaceDelimited": "%20", "pipeDelimited": "%7C"}.get(style, ",")
    if style == "deepObject":
        return "&".join(f"p%5B{encode(name)}%5D={encode(item)}" for name, item in value.items()) if explode else None
    if joint != "," and explode:
        return None
    if location == "cookie" and explode and not isinstance(value, (str, int)):
        return None
    named = {"form": "p=", "spaceDelimited": "p=", "pipeDelimited": "p=", "matrix": ";p=", "label": "."}.get(style, "")
    if isinstance(value, dict):
        if not explode:
            return named + joint.join(encode(part) for pair in value.items() for part in pair)
        pairs = [f"{encode(name)}={encode(item)}" for name, item in value.items()]
        return {
            "form": "&".join,
            "label": lambda each: "." + ".".join(each),
            "matrix": lambda each: ";" + ";".join(each),
        }.get(style, ",".join)(pairs)
    if isinstance(value, list):
        items = [encode(item) for item in value]
        if not explode or style == "simple":
            return named + joint.join(items)
        return {"form": "&", "label": "", "matrix": ""}[style].join(named + item for item in items)
    return named + encode(value)


def leaves(value: list[Any] | dict[str, Any]) -> list[str]:
    """The parts of an array or object as text, names included."""
    return [str(part) for part in (value if isinstance(value, list) else [*value, *value.values()])]


def read_back(location: str, style: str, explode: bool, schema: dict[str, Any], text: str) -> list[str]:
    declared = {"name": "p", "in": location, "style": style, "explode": explode, "required": True, "schema": schema}
    path = "/x/{p}" if location == "path" else "/x"
    value = {"openapi": "3.1.1", "paths": {path: {"get": {"parameters": [declared], "responses": {}}}}}
    document = Document("a", "3.1.1", value, "0", lambda at: Location("a", 1, 1), lambda at: ("a", at), list)
    api = Contract(document)
    url = f"/x/{text}" if location == "path" else f"/x?{text}" if location == "query" else "/x"
    headers = (("Cookie", text),) if location == "cookie" else ()
    match = api.match("GET", url.partition("?")[0])
    assert match is not None and match.operation is not None
    found = parameters.errors(
        match.operation, Exchange(Request("GET", url, headers), None, "law"), match.path_parameters
    )
    return [error.keyword for _, error in found]


def typed(value: Any) -> dict[str, Any]:
    """A schema that takes this value only, and says the type of each part."""
    if isinstance(value, dict):
        return {"type": "object", "properties": {name: typed(item) for name, item in value.items()}, "enum": [value]}
    if isinstance(value, list):
        return {"type": "array", "items": {"anyOf": [typed(item) for item in value]}, "enum": [value]}
    return {"type": "integer" if isinstance(value, int) else "string", "enum": [value]}


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(STYLES), st.booleans(), st.one_of(LEAF, ARRAY, OBJECT))
def test_what_is_serialised_by_a_style_is_read_as_what_it_was(
    place: tuple[str, str], explode: bool, value: Any
) -> None:
    location, style = place
    if style == "deepObject" and (not isinstance(value, dict) or set("[]") & set("".join(value))):
        return  # only objects have this form, and their names no brackets
    # Two styles encode their delimiters themselves, so that no value may hold one (OpenAPI 3.1, 4.8.12.4).
    if style in ("spaceDelimited", "pipeDelimited") and (
        not isinstance(value, (list, dict)) or set(" |") & set("".join(leaves(value)))
    ):
        return
    text = serialised(location, style, explode, value)
    if text is not None:
        assert read_back(location, style, explode, typed(value), text) == []


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(STYLES), st.booleans(), st.lists(st.integers(0, 99), min_size=1, max_size=4), st.data())
def test_a_broken_item_is_seen_in_every_style(
    place: tuple[str, str], explode: bool, items: list[int], data: st.DataObject
) -> None:
    location, style = place
    if style == "deepObject":
        return
    broken: list[Any] = list(items)
    broken[data.draw(st.integers(0, len(items) - 1))] = "broken"
    text = serialised(location, style, explode, broken)
    if text is not None:
        assert read_back(location, style, explode, {"type": "array", "items": {"type": "integer"}}, text) == ["type"]
