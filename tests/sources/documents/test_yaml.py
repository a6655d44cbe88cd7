"""YAML 1.2 in one pass: values by the core schema, positions as libyaml gives them, keys given twice found."""

from __future__ import annotations

import math
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from contract.sources.documents._text import Text, TextError, Tree
from contract.sources.documents._yaml import read


def tree(text: str) -> Tree:
    return read(Text(text.encode()))


@pytest.mark.parametrize(
    ("plain", "value"),
    [
        ("on", "on"),
        ("no", "no"),
        ("YES", "YES"),
        ("y", "y"),
        ("2026-01-31", "2026-01-31"),
        ("2026-01-31T12:00:00Z", "2026-01-31T12:00:00Z"),
        ("12:30:00", "12:30:00"),
        ("1_000", "1_000"),
        ("017", 17),
        ("0o17", 15),
        ("0x1F", 31),
        ("0x_1", "0x_1"),
        ("0b1", "0b1"),
        ("-12", -12),
        ("+3", 3),
        ("1.", 1.0),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("-1.5E-2", -0.015),
        ("1.2.3", "1.2.3"),
        ("-x", "-x"),
        ("9007199254740993", 9007199254740993),
        ("18446744073709551616", 18446744073709551616),
        (".inf", math.inf),
        ("-.INF", -math.inf),
        ("True", True),
        ("FALSE", False),
        ("tRue", "tRue"),
        ("~", None),
        ("null", None),
        ("", None),
        ("'1'", "1"),
        ('"null"', "null"),
        ("!!str 1", "1"),
        ("!!int '1'", 1),
        ("!!float 1", 1.0),
        ("!custom x", "x"),
    ],
)
def test_a_scalar_is_what_the_core_schema_says(plain: str, value: Any) -> None:
    found = tree(f"a: {plain}\n").value["a"]
    assert (type(found), found) == (type(value), value)


def test_a_key_is_always_a_text() -> None:
    assert tree("{200: a, true: b, null: c, 1.0: d, 2026-01-31: e, on: f}").value == {
        "200": "a",
        "true": "b",
        "null": "c",
        "1.0": "d",
        "2026-01-31": "e",
        "on": "f",
    }


def test_an_alias_is_the_same_value_and_a_merge_key_adds_what_is_missing() -> None:
    text = """\
base: &base {a: 1, b: 2}
more: &more {b: 3, c: 4}
one: {<<: *base, a: 9}
two:
  <<: [*base, *more]
  d: 5
name: &name id
*name : 1
"""
    found = tree(text)
    assert found.value == {
        "base": {"a": 1, "b": 2},
        "more": {"b": 3, "c": 4},
        "one": {"a": 9, "b": 2},
        "two": {"d": 5, "a": 1, "b": 2, "c": 4},
        "name": "id",
        "id": 1,
    }
    assert found.position(("two", "d")) == (6, 3)
    assert found.position(("two", "c")) == (2, 20)  # where it is written
    assert found.position(("one", "a")) == (3, 18)


def test_a_part_that_is_not_there_has_the_position_of_what_would_hold_it() -> None:
    found = tree("a:\n  - x: 1\n  - y\n")
    assert found.position(()) == (1, 1)
    assert found.position(("a", "0", "x")) == (2, 5)
    assert found.position(("a", "1")) == (3, 5)
    assert found.position(("a", "7")) == (1, 1)
    assert found.position(("a", "0", "z", "deeper")) == (2, 5)
    assert found.position(("nothing",)) == (1, 1)


@pytest.mark.parametrize(
    ("text", "where", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", (3, 1), "the key `a` is given twice, first in line 1"),
        ("x: {a: 1, 'a': 2}\n", (1, 11), "the key `a` is given twice, first in line 1"),
        ("? [a]\n: b\n", (1, 3), "a key must be a plain text, and here it is a list or a mapping"),
        ("a: *b\n", (1, 4), "the alias `*b` has no anchor `&b` before it"),
        ("a: &a\n  b: *a\n", (2, 6), "the alias `*a` stands inside its own anchor `&a`, so it has no end"),
        ("a: 1\n---\nb: 2\n", (2, 1), "a second YAML document begins here; one file holds one description"),
        ("a:\n\tb: 1\n", (2, 1), "not valid YAML: a tab cannot begin a value"),
        ("a: @b\n", (1, 4), "not valid YAML: `@` cannot begin a value"),
        ("a: b: c\n", (1, 5), "not valid YAML: a `:` where no key can stand"),
        ("é: é\x07\n", (1, 5), "not valid YAML: the character U+0007 is not allowed"),
        ("a: " + "9" * 5000, (1, 4), "a number of 5,000 digits is more than can be read"),
        ("a: " + "[" * 201 + "]" * 201, (1, 203), "nested more than 200 levels deep"),
        ("a: [1,\n", (2, 1), "not valid YAML: did not find expected node content (while parsing a flow node)"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place(text: str, where: tuple[int, int], message: str) -> None:
    with pytest.raises(TextError) as caught:
        tree(text)
    assert (caught.value.where, caught.value.message) == (where, message)


def test_aliases_that_explode_are_refused_before_they_do() -> None:
    lines = ["a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [
        f"{name}: &{name} [{', '.join([f'*{last}'] * 10)}]" for last, name in zip("abcdefg", "bcdefgh", strict=True)
    ]
    with pytest.raises(TextError) as caught:
        tree("\n".join(lines))
    assert caught.value.message == "aliases expand to more than 1,000,000 nodes, `*e` is one too many"
    assert caught.value.where is not None
    assert caught.value.where[0] == 6
    assert tree("\n".join(lines[:5])).value["e"][9][9][9][9][9] == 1


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(json_values, st.booleans())
def test_what_pyyaml_writes_is_read_back(value: Any, flow: bool) -> None:
    text = yaml.safe_dump(value, default_flow_style=flow)
    if isinstance(value, (dict, list)):
        assert tree(text).value == value


@given(json_values)
def test_positions_are_those_of_the_composer(value: Any) -> None:
    text = yaml.safe_dump(value)
    root = yaml.compose(text, yaml.CSafeLoader)
    found = tree(text)

    def check(node: yaml.Node, tokens: tuple[str, ...]) -> None:
        if isinstance(node, yaml.MappingNode):
            for key, child in node.value:
                mark = key.start_mark
                if key.value != "<<":
                    assert found.position((*tokens, key.value)) == (mark.line + 1, mark.column + 1)
                check(child, (*tokens, key.value))
        elif isinstance(node, yaml.SequenceNode):
            for index, child in enumerate(node.value):
                mark = child.start_mark
                assert found.position((*tokens, str(index))) == (mark.line + 1, mark.column + 1)
                check(child, (*tokens, str(index)))

    check(root, ())
