"""Pointers lead to their part, whatever its name holds."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.core.document import Document, Location, escape, pointer, resolve, split, unescape


@given(st.lists(st.text()))
def test_a_pointer_splits_into_the_names_it_was_made_of(names: list[str]) -> None:
    assert split(pointer(*names)) == tuple(names)


@given(st.text())
def test_an_escaped_name_has_no_slash_and_comes_back(name: str) -> None:
    assert "/" not in escape(name)
    assert unescape(escape(name)) == name


@pytest.mark.parametrize(
    ("reference", "part"),
    [
        ("#", "whole"),
        ("#/a~1b/0", 1),
        ("#/a%7Eb", 2),
        ("#/%7Bid%7D", 3),
        ("#/100%25", 4),
        ("#/100%", 4),
        ("#/", 5),
    ],
)
def test_a_reference_finds_its_part(reference: str, part: Any) -> None:
    value: dict[str, Any] = {"a/b": [1], "a~b": 2, "{id}": 3, "100%": 4, "": 5}
    assert resolve(value, reference) == (value if part == "whole" else part)


@pytest.mark.parametrize("reference", ["#/b", "#/a/1", "#/a/x", "#/a/0/c"])
def test_a_reference_to_nothing_raises_with_itself(reference: str) -> None:
    with pytest.raises(KeyError) as caught:
        resolve({"a": [1]}, reference)
    assert caught.value.args == (reference,)


@pytest.mark.parametrize(("version", "family"), [("3.0.3", "3.0"), ("3.1.1", "3.1"), ("3.2.0", "3.2")])
def test_the_family_is_the_dialect_of_the_value(version: str, family: str) -> None:
    place = Location("api.yaml", 1, 1)
    document = Document(
        "api.yaml", version, {"openapi": version}, "0", lambda _: place, lambda p: ("api.yaml", p), lambda: []
    )
    assert document.family == family
    assert str(place) == "api.yaml:1"
