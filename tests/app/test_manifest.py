"""The manifest's text: what is short stands on one line."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from contract.app import manifest

VALUES = st.recursive(
    st.text(max_size=60) | st.integers() | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=20), inner, max_size=4),
    max_leaves=30,
)


def laid_out(value: Any, depth: int) -> str:
    """The layout as it is meant: a list or an object is broken where it is too long for a line."""
    flat = json.dumps(value)
    if not isinstance(value, dict | list) or not value or len(flat) + depth <= 100:
        return flat
    inside = " " * (depth + 1)
    rows = (
        [f"{inside}{json.dumps(key)}: {laid_out(child, depth + 1)}" for key, child in value.items()]
        if isinstance(value, dict)
        else [inside + laid_out(child, depth + 1) for child in value]
    )
    start, end = ("{", "}") if isinstance(value, dict) else ("[", "]")
    return f"{start}\n" + ",\n".join(rows) + f"\n{' ' * depth}{end}"


@given(VALUES)
def test_what_is_too_long_for_a_line_is_broken(value: Any) -> None:
    assert manifest._lines(value, 0)[0] == laid_out(value, 0)


def test_a_class_with_few_members_is_one_line() -> None:
    entry = {"Task": {"pointer": "#/components/schemas/Task", "kind": "model"}, "digest": "ß" * 30}
    assert manifest._lines(entry, 0)[0] == (
        '{\n "Task": {"pointer": "#/components/schemas/Task", "kind": "model"},\n "digest": "' + "\\u00df" * 30 + '"\n}'
    )
