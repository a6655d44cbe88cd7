"""What changed for users of a generated client, and which of it breaks them."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.core.clients import ClientChanges, changelog, compare
from contract.core.generated import Symbol


def model(
    members: Mapping[str, str],
    *required: str,
    name: str = "Task",
    direction: str = "both",
    pointer: str | None = None,
    file: str = "models.py",
) -> Symbol:
    place = f"#/components/schemas/{name}" if pointer is None else pointer
    return Symbol(name, "model", place, file, direction, members, frozenset(required))


def operation(members: Mapping[str, str], *required: str, name: str = "list_tasks", key: str = "GET /tasks") -> Symbol:
    return Symbol(name, "operation", key, "api/tasks.py", "", members, frozenset(required))


def told(before: Symbol, after: Symbol) -> list[tuple[bool, str]]:
    """Of each member that is another one, whether it breaks, and the words."""
    changes = compare([before], [after])
    assert not (changes.added or changes.removed or changes.renamed)
    return [(member.breaking, member.words) for change in changes.retyped for member in change.members]


def test_what_is_the_same_is_no_change() -> None:
    symbols = [model({"id": "str"}, "id"), operation({"limit": "int", "return": "list[Task]"})]
    assert compare(symbols, symbols) == ClientChanges()
    assert not compare(symbols, list(reversed(symbols)))
    assert changelog({"python": ClientChanges()}) == ""


def test_a_symbol_that_is_new_breaks_nobody_and_one_that_is_gone_does() -> None:
    changes = compare([model({"a": "int"}, name="Old")], [model({"b": "str"}, name="New")])
    assert [(one.symbol, one.breaking, one.words) for one in changes] == [
        ("Old", True, "`Old` is gone (`#/components/schemas/Old`)"),
        ("New", False, "`New` is new (`#/components/schemas/New`)"),
    ]
    assert changes.breaking == 1


def test_an_operation_with_another_id_is_renamed() -> None:
    changes = compare([operation({"limit": "int"})], [operation({"limit": "int"}, name="tasks_index")])
    assert changes.added == changes.removed == changes.retyped == ()
    [one] = changes.renamed
    assert (one.symbol, one.before, one.pointer, one.breaking) == ("tasks_index", "list_tasks", "GET /tasks", True)
    assert one.words == "`list_tasks` is called `tasks_index` now"


def test_a_component_with_another_name_and_the_same_members_is_renamed() -> None:
    changes = compare([model({"id": "str"}, "id")], [model({"id": "str"}, "id", name="Todo")])
    assert [(one.before, one.symbol) for one in changes.renamed] == [("Task", "Todo")]
    # Two that look alike cannot be told apart: nobody says which became which.
    both = [model({"id": "str"}, "id", name="Todo"), model({"id": "str"}, "id", name="Chore")]
    changes = compare([model({"id": "str"}, "id")], both)
    assert ([one.symbol for one in changes.removed], [one.symbol for one in changes.added]) == (
        ["Task"],
        ["Chore", "Todo"],
    )


def test_an_operation_at_another_path_with_the_same_name_is_no_change() -> None:
    assert not compare([operation({"limit": "int"})], [operation({"limit": "int"}, key="GET /v2/tasks")])


def test_what_is_imported_from_elsewhere_is_told_as_moved() -> None:
    [one] = compare([model({"a": "int"})], [model({"a": "int"}, file="api/tasks.py")]).renamed
    assert (one.before, one.breaking, one.words) == (
        "models.py",
        True,
        "`Task` is in api/tasks.py now, and was in models.py",
    )


@pytest.mark.parametrize(
    ("direction", "required", "breaking"),
    [("request", True, True), ("request", False, False), ("response", True, False), ("both", True, True)],
)
def test_a_new_member_breaks_who_has_to_give_it(direction: str, required: bool, breaking: bool) -> None:
    after = model({"a": "int", "b": "str"}, *(["b"] if required else []), direction=direction)
    must = required and direction != "response"
    words = "`b` has to be given (`str`)" if must else "`b` is new (`str`)"
    assert told(model({"a": "int"}, direction=direction), after) == [(breaking, words)]


def test_a_member_that_is_gone_breaks_whoever_used_it() -> None:
    for direction in ("request", "response", "both", ""):
        before, after = model({"a": "int", "b": "int"}, direction=direction), model({"a": "int"}, direction=direction)
        assert told(before, after) == [(True, "`b` is gone")]


def test_what_may_be_missing_breaks_readers_and_what_must_be_given_breaks_writers() -> None:
    loose, strict = {"a": "int"}, {"a": "int"}
    for direction, relaxed, tightened in (("request", False, True), ("response", True, False), ("both", True, True)):
        before, after = model(strict, "a", direction=direction), model(loose, direction=direction)
        assert [breaking for breaking, _ in told(before, after)] == [relaxed]
        assert [breaking for breaking, _ in told(after, before)] == [tightened]


@pytest.mark.parametrize(
    ("narrow", "wide"),
    [
        ("str", "str | None"),
        ("str", "Optional[str]"),
        ("Literal['a']", "Literal['a', 'b']"),
        ('"a"', '"a" | "b"'),
        ("list[int | str]", "list[int | str] | None"),
        ("Literal['x|y']", "Union[Literal['x|y'], int]"),
    ],
)
def test_a_wider_type_breaks_readers_and_a_narrower_one_writers(narrow: str, wide: str) -> None:
    def breaks(before: str, after: str, direction: str) -> bool:
        [(breaking, words)] = told(model({"a": before}, direction=direction), model({"a": after}, direction=direction))
        assert f"`{after}`, no longer `{before}`" in words
        return breaking

    assert (breaks(narrow, wide, "request"), breaks(narrow, wide, "response")) == (False, True)
    assert (breaks(wide, narrow, "request"), breaks(wide, narrow, "response")) == (True, False)
    assert breaks(narrow, wide, "both") and breaks(wide, narrow, "both")


def test_another_type_breaks_everybody() -> None:
    for direction in ("request", "response"):
        assert [b for b, _ in told(model({"a": "int"}, direction=direction), model({"a": "str"}, direction=direction))]


def test_arguments_are_given_and_the_result_is_taken() -> None:
    before = operation({"limit": "int | None", "return": "Task"}, "limit")
    after = operation({"limit": "int | str | None", "return": "Task | None"}, "limit")
    assert told(before, after) == [
        (False, "`limit` takes `int | str | None`, no longer `int | None`"),
        (True, "it gives `Task | None`, no longer `Task`"),
    ]
    assert told(after, before) == [
        (True, "`limit` takes `int | None`, no longer `int | str | None`"),
        (False, "it gives `Task`, no longer `Task | None`"),
    ]


def test_a_changelog_section_tells_what_breaks_first() -> None:
    before = [model({"id": "str", "state": "str"}, "id"), model({"a": "int"}, name="Label")]
    after = [model({"id": "str", "state": "str", "note": "str"}, "id"), operation({"return": "list[Task]"})]
    assert changelog({"python": compare(before, after), "typescript": ClientChanges()}) == (
        "### For users of the python client\n"
        "\n"
        "- **Breaking:** `Label` is gone (`#/components/schemas/Label`)\n"
        "- `Task`: `note` is new (`str`)\n"
        "- `list_tasks` is new (`GET /tasks`)"
    )


TYPES = st.sampled_from(["int", "str", "int | str", "str | None", "Literal['a']", "Literal['a', 'b']"])
MEMBERS = st.dictionaries(st.sampled_from("abc"), TYPES, max_size=3)
SYMBOLS = st.builds(
    lambda name, members, needed, direction: model(members, *(needed & members.keys()), name=name, direction=direction),
    st.sampled_from(["One", "Two", "Three"]),
    MEMBERS,
    st.frozensets(st.sampled_from("abc")),
    st.sampled_from(["request", "response", "both"]),
)
SETS = st.lists(SYMBOLS, max_size=3, unique_by=lambda symbol: symbol.name)


@given(SETS, SETS)
def test_every_symbol_is_told_of_once_and_nothing_is_a_change_to_itself(
    before: list[Symbol], after: list[Symbol]
) -> None:
    assert not compare(before, before)
    changes = compare(before, after)
    gone = {one.symbol for one in changes.removed} | {one.before for one in changes.renamed}
    new = {one.symbol for one in changes.added} | {one.symbol for one in changes.renamed}
    assert {one.name for one in before} - gone == {one.name for one in after} - new
    back = compare(after, before)
    assert {one.symbol for one in changes.added} == {one.symbol for one in back.removed}
    # What is wider one way is narrower the other: a change of types alone breaks at least one of the two.
    assert bool(changes.retyped) == bool(back.retyped)
