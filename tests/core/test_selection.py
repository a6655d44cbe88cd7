"""Include and exclude patterns."""

from __future__ import annotations

import pytest

from contract.core.errors import ConfigError
from contract.core.selection import FORMS, NOT_INCLUDED, Selection, Selector


@pytest.mark.parametrize(
    ("pattern", "taken", "left"),
    [
        ("GET /tasks", ["GET /tasks", "GET /tasks/"], ["POST /tasks", "GET /tasks/{id}"]),
        ("get /tasks", ["GET /tasks"], ["POST /tasks"]),
        ("GET|HEAD /tasks", ["GET /tasks", "HEAD /tasks"], ["POST /tasks"]),
        ("/tasks", ["GET /tasks", "POST /tasks"], ["GET /Tasks"]),
        ("* /tasks", ["GET /tasks", "POST /tasks"], ["GET /users"]),
        ("GET /tasks/*", ["GET /tasks/{id}", "GET /tasks/{id}/parts"], ["GET /tasks", "GET /tasksboard"]),
        ("/tasks/**", ["GET /tasks/{id}", "GET /tasks/{id}/parts"], ["GET /tasks"]),
        ("/*/parts", ["GET /tasks/parts", "GET /{x}/parts"], ["GET /tasks/{id}/parts"]),
        ("/**/parts", ["GET /tasks/parts", "GET /tasks/{id}/parts"], ["GET /parts"]),
        ("/tasks/{id}", ["GET /tasks/{task}"], ["GET /tasks/mine"]),
        ("/tasks*", ["GET /tasks", "GET /tasksboard"], ["GET /tasks/{id}"]),
        ("POST *", ["POST /a/b", "POST /"], ["GET /a/b"]),
        ("POST", ["POST /a/b"], ["GET /a/b"]),
        ("*", ["GET /", "POST /a/b"], []),
        ("/*", ["GET /a", "GET /a/b"], ["GET /"]),
        ("/", ["GET /"], ["GET /a"]),
        ("/a.b/(c)", ["GET /a.b/(c)"], ["GET /axb/(c)"]),
    ],
)
def test_a_path_pattern_takes_these_and_leaves_those(pattern: str, taken: list[str], left: list[str]) -> None:
    selector = Selector.parse(pattern)

    def matching(keys: list[str]) -> list[str]:
        return [key for key in keys if selector.matches(*key.split(" "))]

    assert matching(taken) == taken
    assert matching(left) == []


def test_tags_and_operation_ids_are_patterns_too() -> None:
    assert Selector.parse("tag:admin").matches("GET", "/a", ["public", "admin"])
    assert not Selector.parse("tag:admin").matches("GET", "/a", ["administration"])
    assert Selector.parse("tag:internal *").matches("GET", "/a", ["internal tools"])
    assert Selector.parse("operationId:listTasks").matches("GET", "/a", (), "listTasks")
    assert Selector.parse("operationid:list*").matches("GET", "/a", (), "listTasks")
    assert not Selector.parse("operationId:list*").matches("GET", "/a")


def test_an_operation_is_known_by_its_path_with_the_base_path_also() -> None:
    selector = Selector.parse("/api/v1/tasks")
    assert not selector.matches("GET", "/tasks")
    assert selector.matches("GET", "/tasks", also=["/api/v1/tasks"])


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("", "the pattern `` cannot be read"),
        ("tasks/*", "the path of the pattern `tasks/*` must begin with a slash: `/tasks/*`"),
        ("GET tasks", "the path of the pattern `GET tasks` must begin with a slash: `/tasks`"),
        ("G=T /tasks", "the pattern `G=T /tasks` cannot be read"),
        ("GET /a /b", "the path of the pattern `GET /a /b` holds a space"),
        ("tag:", "the pattern `tag:` names nothing after `tag:`"),
    ],
)
def test_what_is_no_pattern_is_an_error_that_shows_the_forms(pattern: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Selector.parse(pattern)
    assert (caught.value.message, caught.value.hint) == (message, f"patterns are {FORMS}")


def test_what_no_include_matches_is_left_out_and_exclusions_win() -> None:
    selection = Selection.parse(["/tasks/*", "/tasks"], [("DELETE *", "not on this machine")])
    assert selection.decide("GET", "/tasks/{id}") is None
    assert selection.decide("DELETE", "/tasks/{id}") == "not on this machine"
    assert selection.decide("GET", "/users") == NOT_INCLUDED
    assert Selection().decide("GET", "/users") is None


def test_an_exclusion_without_a_reason_says_its_pattern() -> None:
    assert Selection.parse(exclude=[("/a", "")]).decide("GET", "/a") == "excluded by `/a`"


def test_patterns_that_matched_nothing_are_named_and_those_behind_another_are_not() -> None:
    selection = Selection.parse(["/a*", "/none"], [("GET *", "r"), ("/ab", "s"), ("tag:x", "t")], [("/up", "health")])
    assert selection.decide("GET", "/ab") == "r"
    assert selection.unused() == ["/none", "tag:x"]


def test_an_include_wins_over_exclusions_that_nobody_wrote() -> None:
    defaults = [("/up", "the framework's health page")]
    assert Selection.parse(defaults=defaults).decide("GET", "/up") == "the framework's health page"
    assert Selection.parse(["/up"], defaults=defaults).decide("GET", "/up") is None
