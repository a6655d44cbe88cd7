"""JSON by the fastest parser there is, and its positions all the same."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.sources.documents._json import JsonTree, read
from contract.sources.documents._text import Text, TextError


def tree(text: str) -> JsonTree:
    return read(Text(text.encode()))


def test_positions_count_characters_and_come_when_they_are_asked_for() -> None:
    found = tree('{"ä": {"b": [1, {"c" : null}, "x"]},\n "d": [[], {}]}')
    assert found._scanned is False
    assert found.position(()) == (1, 1)
    assert found.position(("ä",)) == (1, 2)
    assert found.position(("ä", "b", "0")) == (1, 14)
    assert found.position(("ä", "b", "1", "c")) == (1, 18)
    assert found.position(("ä", "b", "2")) == (1, 31)
    assert found.position(("d", "1")) == (2, 12)
    assert found.position(("d", "9")) == (2, 2)


@pytest.mark.parametrize(
    ("text", "where", "message"),
    [
        ('{"a": 1,\n "b": {"c": 1, "c": 2}}', (2, 16), "the key `c` is given twice, first in line 2"),
        ('{"a": 1,\n "\\u0061": 2}', (2, 2), "the key `a` is given twice, first in line 1"),
        ('{"a" : 1, "a" : 2}', (1, 11), "the key `a` is given twice, first in line 1"),
        ('{"a": 1,}', (1, 8), "not valid JSON: trailing comma is not allowed"),
        ('{"a": NaN}', (1, 7), "not valid JSON: unexpected character, expected a JSON value"),
        ('{"a": ' + "[" * 300 + "]" * 300 + "}", None, "nested more than 200 levels deep"),
        ('{"a": ' + "[" * 3000 + "]" * 3000 + "}", None, "nested more than 200 levels deep"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place(text: str, where: Any, message: str) -> None:
    with pytest.raises(TextError) as caught:
        tree(text)
    assert (caught.value.where, caught.value.message) == (where, message)


def test_texts_that_look_like_keys_are_no_keys() -> None:
    assert tree('{"a": "\\":", "b": ["\\\\", ":"], "c": ":\\":"}').value == {"a": '":', "b": ["\\", ":"], "c": ':":'}


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(json_values, st.sampled_from([None, 0, 2]), st.booleans())
def test_each_part_is_found_where_it_is_written(value: Any, indent: int | None, ascii: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii)
    found = tree(text)
    assert found.value == value
    lines = text.split("\n")

    def check(node: Any, tokens: tuple[str, ...]) -> None:
        line, column = found.position(tokens)
        rest = "\n".join([lines[line - 1][column - 1 :], *lines[line:]])
        parent_is_object = bool(tokens) and isinstance(parents[-1], dict)
        begins = (
            json.dumps(tokens[-1], ensure_ascii=ascii) if parent_is_object else json.dumps(node, ensure_ascii=ascii)[:1]
        )
        assert rest.startswith(begins)
        parents.append(node)
        for name, child in (
            node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
        ):
            check(child, (*tokens, str(name)))
        parents.pop()

    parents: list[Any] = []
    check(value, ())
