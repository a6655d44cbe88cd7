"""The merged shape of values: it adds up, stays small, keeps nobody's words, and its schema takes all that was seen."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import jsonschema_rs
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.core import shape
from contract.core.dialect import to_2020_12
from contract.core.document import Document, Location
from contract.core.report import Ratio
from contract.core.schema import Schemas
from contract.core.shape import Shape, Share, Unseen, missing, shares

texts = st.one_of(
    st.sampled_from(
        [
            "todo",
            "done",
            "a",
            "b",
            "c",
            "d",
            "e",
            "A_B",
            "2024-02-29",
            "2023-02-29",
            "2024-01-01T10:00:00Z",
            "2016-12-31T23:59:60Z",
            "jo@example.com",
            "a@b",
            "https://example.com/a?b=c",
            "10.0.0.1",
            "1.2.3",
            "::1",
            "no://",
            "0f5c7e1d-6e1b-4b7a-9a55-8b1f0f3f2d11",
            "urn:a:b",
            "é",
            "-",
            "x_y",
        ]
    ),
    st.text(max_size=40),
    st.dates().map(str),
    st.datetimes().map(lambda when: when.isoformat() + "Z"),
    st.uuids().map(str),
    st.emails(),
)
names = st.one_of(
    st.sampled_from(["id", "name", "status", "token", "items", "a", "b", "c", "17", "x@y.org", ""]), texts
)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=5),
    max_leaves=12,
)


@contextmanager
def bounds(tight: bool) -> Iterator[None]:
    """The laws hold where nothing is forgotten, and where nearly everything is."""
    with pytest.MonkeyPatch.context() as patch:
        if tight:
            for name, value in (("WIDEST", 2), ("WORDS", 2), ("HEAVIEST", 9), ("DEEPEST", 4), ("_EVERY", 2)):
                patch.setattr(shape, name, value)
        patch.setattr(shape, "ENOUGH", 2)
        yield


def whole(seen: Sequence[Any]) -> Shape:
    made = Shape()
    for value in seen:
        made.add(value)
    return made


@given(st.lists(values, max_size=8), st.data())
@pytest.mark.parametrize("tight", [False, True], ids=["roomy", "tight"])
def test_shapes_add_up_in_any_order_and_split(tight: bool, seen: list[Any], data: st.DataObject) -> None:
    with bounds(tight):
        one, two = data.draw(st.integers(0, len(seen))), data.draw(st.integers(0, len(seen)))
        one, two = min(one, two), max(one, two)
        left, middle, right = whole(seen[:one]), whole(seen[one:two]), whole(seen[two:])
        expected = whole(seen)
        assert (left + middle) + right == expected
        assert left + (middle + right) == expected
        assert right + left + middle == expected
        assert sum(map(Shape.of, data.draw(st.permutations(seen))), Shape()) == expected
        right += left
        assert right + middle == expected


@given(st.lists(values, max_size=6))
@pytest.mark.parametrize("tight", [False, True], ids=["roomy", "tight"])
def test_a_shape_is_read_as_it_was_written(tight: bool, seen: list[Any]) -> None:
    with bounds(tight):
        made = whole(seen)
        read = Shape.from_json(json.loads(json.dumps(made.to_json())))
        assert read == made
        assert read + made == whole([*seen, *seen])


@given(st.lists(values, min_size=1, max_size=8), st.sampled_from(["3.0", "3.1"]), st.integers(1, 10))
@pytest.mark.parametrize("tight", [False, True], ids=["roomy", "tight"])
def test_each_value_satisfies_the_schema_of_the_sum(tight: bool, seen: list[Any], family: str, times: int) -> None:
    with bounds(tight):
        schema = whole(seen * times).schema(family)
        read = to_2020_12({"components": {"schemas": {"It": schema}}}, family)["components"]["schemas"]["It"]
        validator = jsonschema_rs.Draft202012Validator(read, validate_formats=True)
        assert [value for value in seen if not validator.is_valid(value)] == []


def test_the_schema_says_what_was_seen() -> None:
    seen: list[dict[str, Any]] = [
        {"id": n, "status": ("todo", "done")[n % 2], "due_at": None if n % 3 else "2024-01-01T10:00:00Z", "tags": []}
        for n in range(20)
    ]
    expected: dict[str, Any] = {
        "type": "object",
        "properties": {
            "id": {"type": "integer"},
            "status": {"type": "string", "enum": ["done", "todo"]},
            "due_at": {"type": ["string", "null"], "format": "date-time"},
            "tags": {"type": "array"},
        },
        "required": ["due_at", "id", "status", "tags"],
    }
    assert whole(seen).schema("3.1") == expected
    expected["properties"]["due_at"] = {"type": "string", "nullable": True, "format": "date-time"}
    expected["properties"]["tags"] = {"type": "array", "items": {}}
    assert whole(seen).schema("3.0") == expected
    assert whole([*seen, {"id": 2**40, "status": "to do"}]).schema("3.1")["properties"]["id"]["format"] == "int64"
    assert whole([*seen, {"id": 1.5, "status": "to do"}]).schema("3.1") == {
        "type": "object",
        "properties": {
            "id": {"type": "number"},
            "status": {"type": "string"},
            "due_at": {"type": ["string", "null"], "format": "date-time"},
            "tags": {"type": "array"},
        },
        "required": ["id", "status"],
    }


def test_a_map_whose_names_are_data_takes_any_name() -> None:
    by_number = {"type": "object", "additionalProperties": {"type": "boolean"}}
    assert whole([{"17": True}, {"18": False}]).schema("3.1") == by_number
    assert whole([{f"word-{chr(97 + n // 26)}{chr(97 + n % 26)}": True} for n in range(257)]).schema("3.1") == by_number
    assert whole([{name: True} for name in "abcdefgh"]).schema("3.1") == by_number


def test_the_size_is_bounded_whatever_is_added() -> None:
    deep: Any = 1
    for _ in range(60):
        deep = [{"a": deep}]
    wide = {f"k{chr(97 + n % 26)}{n // 26:x}x": {"a": n, "b": [str(n)]} for n in range(3000)}
    made = whole(
        [deep, wide, {"x": wide}, {"x": {"y": wide}}, "word", *("abc"[n % 3] * (n // 3 + 1) for n in range(99))]
    )
    assert len(json.dumps(made.to_json())) < 20_000
    assert made.root.words is None


def test_words_of_persons_secrets_and_identifiers_are_not_kept() -> None:
    named = ["name", "userName", "assigned_to_user", "token", "apiKey", "id", "team_id", "labels", "created_by"]
    seen: list[dict[str, Any]] = [
        {name: ["Wilhelmina", "Ferdinand"][n % 2] for name in named} | {"secret": {"role": "Zacharias"}}
        for n in range(40)
    ]
    seen += [
        {"labels": ["Wilhelmina"]},
        {"kind": "ghp_16C7e42F292c6912E7710c838347Ae178B4a"},
        {"kind": "AKIAIOSFODNN7EXAMPLE"},
    ]
    seen += [{"wilhelmina@example.com": 1, "note": "Wilhelmina was here"}]
    made = whole(seen)
    told = json.dumps(made.to_json()) + json.dumps(made.schema("3.1"))
    assert [word for word in ("ilhelmina", "Ferdinand", "Zacharias", "ghp_", "AKIA") if word in told] == []


def test_an_enum_needs_enough_evidence() -> None:
    assert whole(["todo", "done"] * 9).schema("3.1") == {"type": "string"}
    assert whole(["todo", "done"] * 10).schema("3.1") == {"type": "string", "enum": ["done", "todo"]}
    assert whole(["todo"] * 100).schema("3.1") == {"type": "string"}
    assert whole(["todo", "done"] * 10 + ["to do"]).schema("3.1") == {"type": "string"}
    assert whole(list("abcdefghi") * 10).schema("3.1") == {"type": "string"}
    assert whole(["todo", "done", None] * 10).schema("3.0") == {
        "type": "string",
        "nullable": True,
        "enum": ["done", "todo", None],
    }


def schemas(root: dict[str, Any]) -> Schemas:
    value = {"openapi": "3.1.0", "components": {"schemas": root}}
    nowhere = Location("it.yaml", 1, 1)
    return Schemas(Document("it.yaml", "3.1.0", value, "", lambda _: nowhere, lambda _: ("", ""), lambda: []))


TASK: dict[str, Any] = {
    "Page": {
        "properties": {"items": {"items": {"$ref": "#/components/schemas/Task"}}, "next": {"type": "string"}},
    },
    "Task": {
        "allOf": [
            {"properties": {"id": {}, "secret": {"writeOnly": True}, "owner": {"$ref": "#/components/schemas/User"}}},
            {"properties": {"status": {"enum": ["todo", "done", "in doubt", None, 1]}, "due_at": {"type": "string"}}},
        ]
    },
    "User": {"properties": {"name": {"enum": ["Jo"]}, "manager": {"$ref": "#/components/schemas/User"}}},
}


def test_what_is_declared_and_never_seen_is_told_with_its_chances() -> None:
    page = {"items": [{"id": 1, "status": "todo", "owner": {"name": "Al"}}, {"id": 2, "status": "todo", "owner": None}]}
    assert list(missing(whole([page, page, {"items": []}]), schemas(TASK), "#/components/schemas/Page")) == [
        Unseen("enum", "/items/*/status", "#/components/schemas/Task/allOf/1/properties/status", '"done"', 4),
        Unseen("enum", "/items/*/status", "#/components/schemas/Task/allOf/1/properties/status", '"in doubt"', 4),
        Unseen("enum", "/items/*/status", "#/components/schemas/Task/allOf/1/properties/status", "null", 4),
        Unseen("enum", "/items/*/status", "#/components/schemas/Task/allOf/1/properties/status", "1", 4),
        Unseen("property", "/items/*/due_at", "#/components/schemas/Task/allOf/1/properties/due_at", "due_at", 4),
        Unseen("property", "/items/*/owner/manager", "#/components/schemas/User/properties/manager", "manager", 2),
        Unseen("property", "/next", "#/components/schemas/Page/properties/next", "next", 3),
    ]


def test_nothing_is_told_of_what_had_no_chance() -> None:
    assert list(missing(Shape(), schemas(TASK), "#/components/schemas/Page")) == []
    assert list(missing(whole(["text"]), schemas(TASK), "#/components/schemas/Page")) == []


def test_shares_say_how_often_a_property_was_missing_and_null() -> None:
    made = whole([{"items": [{"due_at": None}, {"due_at": "x y"}, {}]}, {"items": [{"due_at": None}]}])
    assert shares(made, "/items/*/due_at") == (
        Share("missing", "/items/*/due_at", Ratio(1, 4)),
        Share("null", "/items/*/due_at", Ratio(2, 3)),
    )
    assert shares(made, "/items/*/never") == (Share("missing", "/items/*/never", Ratio(4, 4)),)
    assert shares(made, "/nowhere/at/all") == ()
    assert shares(made, "") == (Share("null", "", Ratio(0, 2)),)


def test_a_walk_costs_a_small_multiple_of_the_parse() -> None:
    item = {"id": 17, "title": "Mow the lawn again", "status": "todo", "due_at": "2024-01-01T10:00:00Z", "done": False}
    item |= {"owner": {"id": 3, "name": "Jo Do"}, "tags": ["a", "b"], "url": "https://api.example.com/v1/tasks/17"}
    body = orjson.dumps({"items": [{**item, "id": n, "title": f"Mow lawn {n} again"} for n in range(16)], "total": 16})
    value, made = orjson.loads(body), Shape()

    def least(work: Any) -> int:
        found = []
        for _ in range(15):
            start = time.process_time_ns()
            for _ in range(40):
                work()
            found.append(time.process_time_ns() - start)
        return min(found)

    # Seven times on a quiet machine; the rest is for a loud one.
    assert 2800 < len(body) < 3400
    assert least(lambda: made.add(value)) < 10 * least(lambda: orjson.loads(body))
