"""What is read off the text of a schema is what a walk over it finds."""

from __future__ import annotations

import gc
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from contract.core.generated import collected, uncollected
from contract.generators._python import views, words

NAMES = st.sampled_from(
    [
        *("$ref", "readOnly", "writeOnly", "required", "allOf", "discriminator", "mapping", "properties", "items"),
        *("example", "examples", "default", "$id", "$dynamicRef", 'a"$ref":"', "type"),
    ]
)
SCALARS = st.sampled_from(
    [
        *("#/components/schemas/Task", "#/components/schemas/A~1b/items", "#/paths/~1x", "Task", "größe"),
        *('"$ref":"#/components/schemas/User"', '"allOf":[', '"readOnly":true', '\\"$ref":"', "\\", True, False, None),
        *(1, 2**70, "\ud800"),
    ]
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4), max_leaves=25
)
ROOT: dict[str, Any] = {
    "components": {"schemas": {"Task": {"$ref": "#/paths/~1x"}}},
    "paths": {"/x": {"items": {"$ref": "#/components/schemas/User"}, "default": [{"$ref": "#/components/schemas/No"}]}},
}


@given(VALUES)
def test_the_text_tells_what_a_walk_finds(value: Any) -> None:
    found = list(words.nodes(value))
    to = [each["$ref"] for each in found if isinstance(each.get("$ref"), str)]
    text = words.written(value)
    if text is None:
        return
    assert (b'"required":[' in text) == any(isinstance(each.get("required"), list) for each in found)
    assert (b'"allOf":[' in text) == any(isinstance(each.get("allOf"), list) for each in found)
    assert (b'"discriminator":' in text) == any("discriminator" in each for each in found)
    assert words.refers_elsewhere(text) == any(not each.startswith(words.SCHEMAS) for each in to)
    assert words.depends_on_place(text) == any(
        isinstance(each.get(key), str) for each in found for key in ("$id", "$dynamicRef")
    )


@given(VALUES)
def test_references_are_those_of_a_walk(value: Any) -> None:
    text = words.written(value)
    told = words.references(text) if text is not None else None
    components: list[str] = []
    walked = set(views._referred(value, components))
    if told is not None:
        assert (set(told), components) == (walked, [])


@given(VALUES)
def test_marks_are_found_in_what_json_cannot_say_too(value: Any) -> None:
    found = list(words.nodes(value))
    marked = any(each.get(mark) is True for each in found for mark in ("readOnly", "writeOnly"))
    assert views._is_marked_somewhere(value) == marked


def test_references_lead_through_other_places_and_past_examples() -> None:
    schema = {"items": {"$ref": "#/components/schemas/A~1b"}, "not": {"$ref": "#/paths/~1x"}, "example": [1, "]"]}
    assert sorted(views.references(ROOT, schema)) == ["A/b", "User"]
    schema["example"] = [{"$ref": "#/components/schemas/No", "more": {}}]
    assert sorted(views.references(ROOT, schema)) == ["A/b", "User"]


def test_garbage_is_looked_for_again_afterwards() -> None:
    assert gc.isenabled()
    with uncollected():
        assert not gc.isenabled()
        with collected():
            assert gc.isenabled()
            with uncollected():
                assert not gc.isenabled()
            assert gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()
    gc.unfreeze()
