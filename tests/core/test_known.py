"""What is known to exist: ids by link, by place, by word and by name, and what of it goes into requests."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from contract.core.evidence import Exchange, Headers, Request, Response
from contract.core.known import Known, before, id_of, word
from contract.core.openapi import Contract, Operation

from .test_openapi import document

OK = {"responses": {"200": {"description": "."}}}


def operation(key: str, **more: Any) -> Operation:
    method, _, path = key.partition(" ")
    paths = {path: {method.lower(): {**OK, **more}}}
    return Contract(document({"paths": paths})).operations[0]


def seen(
    url: str, value: Any, method: str = "GET", status: int = 200, headers: Headers = (), body: Any = None
) -> Exchange:
    sent = None if body is None else json.dumps(body).encode()
    answer = Response(status, (("Content-Type", "application/json"), *headers), json.dumps(value).encode())
    return Exchange(Request(method, url, (), sent), answer, "walk")


def known(*shown: tuple[str, Exchange], given: dict[str, list[Any]] | None = None) -> Known:
    made = Known(given)
    for key, exchange in shown:
        made.learn(operation(key), exchange)
    return made


def values(made: Known, path: str, name: str, place: str) -> list[tuple[Any, bool]]:
    return list(made.for_path(operation(f"GET {path}"), name, place))


@pytest.mark.parametrize(
    ("text", "about"),
    [
        ("projects", "project"),
        ("project", "project"),
        ("project_id", "project"),
        ("projectId", "project"),
        ("projectID", "project"),
        ("silenceID", "silence"),
        ("alert-groups", "alert_group"),
        ("categories", "category"),
        ("boxes", "box"),
        ("matches", "match"),
        ("classes", "class"),
        ("address", "address"),
        ("status", "status"),
        ("analysis", "analysis"),
        ("bus", "bus"),
        ("id", "id"),
        ("uuid", "uuid"),
        ("tag_name", "tag"),
        ("userUuid", "user"),
        ("", ""),
    ],
)
def test_a_name_is_about_one_thing_however_it_is_spelt(text: str, about: str) -> None:
    assert word(text) == about


@pytest.mark.parametrize(
    ("path", "name", "literal"),
    [
        ("/projects/{id}", "id", "projects"),
        ("/projects/{p}/tasks/{t}", "t", "tasks"),
        ("/projects/{p}/tasks/{t}", "p", "projects"),
        ("/a/{x}/{y}", "y", "a"),
        ("/{x}", "x", ""),
    ],
)
def test_the_literal_in_front_of_a_parameter_names_its_thing(path: str, name: str, literal: str) -> None:
    assert before(path, name) == literal


# --- where ids are found ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        [{"id": 17}, {"id": 18}],
        {"data": [{"id": 17}, {"id": 18}]},
        {"items": [{"id": 17}, {"id": 18}], "total": 2},
        {"results": [{"id": 17}, {"id": 18}]},
        {"projects": [{"id": 17}, {"id": 18}]},
        [{"project_id": 17}, {"project_id": 18}],
        [{"projectId": 17}, {"projectId": 18}],
        [{"uuid": 17}, {"uuid": 18}],
    ],
)
def test_a_list_shows_the_ids_of_its_items(answer: Any) -> None:
    made = known(("GET /projects", seen("/projects", answer)))
    assert [value for value, _ in values(made, "/projects/{id}", "id", "/projects")] == [17, 18]


def test_names_serve_where_there_is_no_id() -> None:
    made = known(("GET /queues", seen("/queues", [{"name": "mail"}, {"name": "jobs"}])))
    assert values(made, "/queues/{queue}", "queue", "/queues") == [("mail", True), ("jobs", True)]


def test_a_list_of_texts_is_a_list_of_ids() -> None:
    made = known(("GET /tags", seen("/tags", ["red", "blue"])))
    assert [value for value, _ in values(made, "/tags/{tag}", "tag", "/tags")] == ["red", "blue"]


def test_a_map_is_keyed_by_what_things_are_called() -> None:
    made = known(("GET /state", seen("/state", {"services": {"web": {"up": True}, "db": {"up": False}}})))
    assert [value for value, _ in values(made, "/services/{service}", "service", "/services")] == ["web", "db"]


@pytest.mark.parametrize(
    ("location", "place", "value"),
    [
        ("/tasks/9", "/tasks", "9"),
        ("http://127.0.0.1:8000/tasks/9", "/tasks", "9"),
        ("/tasks/9?fields=all", "/tasks", "9"),
        ("/tasks/9/", "/tasks", "9"),
        ("/tasks/a%20b", "/tasks", "a b"),
        ("/projects/1/tasks/9", "/projects/1/tasks", "9"),
    ],
)
def test_a_location_says_where_the_new_thing_is(location: str, place: str, value: str) -> None:
    made = known(("POST /tasks", seen("/tasks", None, "POST", 201, (("Location", location),))))
    assert values(made, "/tasks/{id}", "id", place)[0] == (value, True)


def test_what_was_put_is_there() -> None:
    made = known(("PUT /tags/{name}", seen("/tags/red", None, "PUT", 204)))
    assert values(made, "/tags/{name}", "name", "/tags") == [("red", True)]


@pytest.mark.parametrize("wrapped", [False, True])
def test_what_an_item_s_path_lists_lies_below_it(wrapped: bool) -> None:
    listed: Any = [{"id": "sc_1"}, {"id": "sc_2"}]
    answer = {"items": listed, "next": None} if wrapped else listed
    made = known(("GET /codes/{owner}", seen("/codes/ann", answer)))
    assert not any(sure for _, sure in values(made, "/codes/{owner}", "owner", "/codes"))
    assert values(made, "/codes/{owner}/{code}", "code", "/codes/ann") == [("sc_1", True), ("sc_2", True)]
    # One thing that has a list is a thing.
    one = known(("GET /codes/{id}", seen("/codes/7", {"id": 7, "items": [{"id": 8}]})))
    assert (7, True) in values(one, "/codes/{id}", "id", "/codes")


@pytest.mark.parametrize(
    ("method", "url"), [("POST", "/codes/ann/web"), ("POST", "/codes/ann/"), ("GET", "/codes/ann/")]
)
def test_what_an_action_answers_is_not_where_it_was_asked(method: str, url: str) -> None:
    made = known((f"{method} /codes/{{owner}}/{{name}}", seen(url, {"id": "sc_1"}, method)))
    for path, name, place in (("/codes/{owner}", "owner", "/codes"), ("/codes/{owner}/{name}", "name", "/codes/ann")):
        assert not any(sure for _, sure in values(made, path, name, place))


def test_a_post_that_makes_a_thing_by_its_name_says_that_it_is_there() -> None:
    made = known(("POST /groups/{name}", seen("/groups/crew", {"kind": "group", "name": "crew"}, "POST", 201)))
    assert values(made, "/groups/{name}", "name", "/groups")[0] == ("crew", True)


def test_singular_and_plural_are_one_thing() -> None:
    answer = [{"id": "s-1"}]
    made = known(("GET /silences", seen("/silences", answer)))
    assert values(made, "/silence/{id}", "id", "/silence") == [("s-1", False)]
    made = known(("POST /silences", seen("/silences", {"silenceID": "s-2"}, "POST")))
    assert ("s-2", False) in values(made, "/silence/{silenceID}", "silenceID", "/silence")


def test_ids_that_others_refer_to_are_known() -> None:
    made = known(("GET /tasks", seen("/tasks", [{"id": 1, "project_id": 42, "ownerId": "u-7"}])))
    assert values(made, "/projects/{id}", "id", "/projects") == [(42, False)]
    assert values(made, "/owners/{owner}", "owner", "/owners") == [("u-7", False)]


def test_parents_are_not_mixed_up() -> None:
    made = known(
        ("GET /projects/{p}/tasks", seen("/projects/1/tasks", [{"id": 4}])),
        ("GET /projects/{p}/tasks", seen("/projects/2/tasks", [{"id": 5}])),
    )
    path = "/projects/{p}/tasks/{t}"
    assert values(made, path, "t", "/projects/2/tasks") == [(5, True), (4, False)]
    assert values(made, path, "t", "/projects/1/tasks") == [(4, True), (5, False)]


def test_what_the_user_gives_comes_first() -> None:
    shown = ("GET /projects", seen("/projects", [{"id": 17}]))
    for name in ("id", "project", "project_id", "projects"):
        made = known(shown, given={name: [99, 98]})
        assert values(made, "/projects/{id}", "id", "/projects") == [(99, True), (98, True), (17, True)], name
    made = known(shown, given={"project_id": [99]})
    assert values(made, "/tasks/{id}", "id", "/tasks") == []


def test_a_link_says_where_a_value_goes() -> None:
    links = {
        "read": {"operationId": "readOrder", "parameters": {"order": "$response.body#/handle"}},
        "again": {"operationId": "listOrders", "parameters": {"query.for": "$request.body#/customer"}},
        "header": {"operationId": "track", "parameters": {"path.code": "$response.header.X-Track"}},
        "fixed": {"operationId": "page", "parameters": {"number": "7"}},
        "other": {"operationId": "none", "parameters": {"x": "$url", "y": "$response.body#/no/such"}},
    }
    post = operation("POST /orders", responses={"201": {"description": ".", "links": links}})
    made = Known()
    made.learn(post, seen("/orders", {"handle": "h-1"}, "POST", 201, (("X-Track", "t-1"),), {"customer": "acme"}))

    def linked(path: str, name: str, operation_id: str) -> list[tuple[Any, bool]]:
        return list(made.for_path(operation(f"GET {path}", operationId=operation_id), name, "/nowhere"))

    assert linked("/x/{order}", "order", "readOrder") == [("h-1", True)]
    assert linked("/x/{code}", "code", "track") == [("t-1", True)]
    assert linked("/x/{for}", "for", "listOrders") == [("acme", True)]
    assert linked("/x/{number}", "number", "page") == [("7", True)]
    assert linked("/x/{x}", "x", "none") == linked("/x/{y}", "y", "none") == []


@pytest.mark.parametrize("status", [301, 400, 401, 404, 500])
def test_only_successes_show_what_exists(status: int) -> None:
    made = known(("GET /tasks", seen("/tasks", [{"id": 1}], status=status)))
    assert values(made, "/tasks/{id}", "id", "/tasks") == []


@pytest.mark.parametrize("value", [True, None, "", "x" * 200, 1.5, {"a": 1}, [1]])
def test_what_no_path_can_carry_is_no_id(value: Any) -> None:
    made = known(("GET /tasks", seen("/tasks", [{"id": value}])))
    assert values(made, "/tasks/{id}", "id", "/tasks") == []


def test_an_answer_that_is_no_json_shows_nothing_but_its_headers() -> None:
    made = Known()
    answer = Response(201, (("Location", "/tasks/9"),), b"<created/>")
    made.learn(operation("POST /tasks"), Exchange(Request("POST", "/tasks"), answer, "walk"))
    assert values(made, "/tasks/{id}", "id", "/tasks") == [("9", True)]


def test_what_was_deleted_is_not_offered_again() -> None:
    shown = ("GET /tasks", seen("/tasks", [{"id": 1}, {"id": 2}]))
    made = known(shown)
    made.forget("/tasks/1")
    assert [value for value, _ in values(made, "/tasks/{id}", "id", "/tasks")] == [2]
    assert not made.has("tasks", 1) and made.has("task", 2)
    made.learn(operation(shown[0]), shown[1])  # a list that is late still shows it
    assert [value for value, _ in values(made, "/tasks/{id}", "id", "/tasks")] == [2]


def test_everything_that_was_seen_is_known_though_little_is_kept() -> None:
    made = known(("GET /tasks", seen("/tasks", [{"id": number} for number in range(1, 200)])))
    assert len(values(made, "/tasks/{id}", "id", "/tasks")) == 12
    assert made.has("task", 150) and made.has("task", "150") and not made.has("task", 500) and not made.has("user", 150)
    assert known(("GET /tasks/{id}", seen("/tasks/77", {"title": "no id"}))).has("task", "77")
    assert known(given={"task_id": ["9"]}).has("task", 9)


def test_what_is_preferred_comes_first() -> None:
    made = known(("GET /tasks", seen("/tasks", [{"id": 1}])))
    made.prefer("task", 50)
    assert values(made, "/task/{id}", "id", "/task") == [(50, False), (1, False)]


def test_the_order_is_that_in_which_things_were_seen() -> None:
    items = [{"id": number} for number in (9, 3, 7, 1)]
    assert [value for value, _ in values(known(("GET /t", seen("/t", items))), "/t/{id}", "id", "/t")] == [9, 3, 7, 1]


# --- values for queries and bodies ------------------------------------------------------------------------------------


def test_a_query_is_filled_from_what_was_shown_under_its_name() -> None:
    made = known(("GET /tasks", seen("/tasks", [{"id": 1, "severity": "high", "team_id": 5}])))
    assert list(made.for_name("severity")) == ["high"]
    assert list(made.for_name("team_id")) == list(made.for_name("teamId")) == [5]
    assert list(made.for_name("nothing")) == list(made.for_name("id")) == []


def test_a_body_refers_to_what_exists_in_the_kind_that_it_has() -> None:
    made = known(("GET /teams", seen("/teams", [{"id": 5}])), ("GET /owners", seen("/owners", [{"id": "u-7"}])))
    body = {"team_id": 1, "ownerId": "x", "nested": [{"team_id": 2}], "title": "t", "other_id": 3}
    assert made.filled(body) == {
        "team_id": 5,
        "ownerId": "u-7",
        "nested": [{"team_id": 5}],
        "title": "t",
        "other_id": 3,
    }
    assert made.filled({"team_id": "one"}) == {"team_id": "one"}


@pytest.mark.parametrize(
    ("value", "about", "found"),
    [
        ({"id": 1}, "task", 1),
        ({"data": {"id": 1}}, "task", 1),
        ({"task": {"id": 1}}, "task", 1),
        ({"uuid": "u"}, "task", "u"),
        ({"taskId": 1}, "task", 1),
        ({"silenceID": "s"}, "silence", "s"),
        ({"project_id": 2, "id": 1}, "task", 1),
        ({"project_id": 2}, "task", None),
        ({"name": "n"}, "task", "n"),
        ({"data": {"slug": "n"}}, "task", "n"),
        ({"id": None}, "task", None),
        ({"id": True}, "task", None),
        ([{"id": 1}], "task", None),
        ({"data": [{"id": 1}]}, "task", None),
        ("text", "task", None),
        (None, "task", None),
    ],
)
def test_the_id_of_a_new_thing(value: Any, about: str, found: Any) -> None:
    assert id_of(value, about) == found


# --- other states -----------------------------------------------------------------------------------------------------


def in_other_states(items: Any, wrapped: bool = False) -> list[Any]:
    return known(("GET /tasks", seen("/tasks", {"data": items} if wrapped else items))).in_other_states("/tasks")


@pytest.mark.parametrize("wrapped", [False, True])
def test_the_first_thing_in_each_other_state_is_known(wrapped: bool) -> None:
    states = ["open", "open", "done", "open", "done", "blocked"]
    items = [{"id": number, "title": f"Task {number}", "state": state} for number, state in enumerate(states, 1)]
    assert in_other_states(items, wrapped) == [3, 6]


def test_a_state_comes_before_a_truth_and_that_before_what_is_left_out() -> None:
    items = [
        {"id": 1, "due": "d", "hot": False, "state": "open"},
        {"id": 2, "due": None, "hot": False, "state": "open"},
        {"id": 3, "due": "d", "hot": True, "state": "open"},
        {"id": 4, "due": "d", "hot": False, "state": "closed"},
    ]
    assert in_other_states(items) == [4, 3, 2]


@pytest.mark.parametrize(
    "items",
    [
        [],
        [{"id": 1, "state": "open"}],
        [{"id": 1, "name": "ann"}, {"id": 2, "name": "bob"}, {"id": 3, "name": "cid"}],  # no state: each has its own
        [{"id": 1, "size": 1}, {"id": 2, "size": 2}],
        [1, "two", None, [3]],
        [{"id": 1, "labels": {"a": 1}}, {"id": 2, "labels": ["b"]}],
    ],
)
def test_things_that_are_alike_are_in_no_other_state(items: Any) -> None:
    assert in_other_states(items) == []


def test_what_was_deleted_is_in_no_state() -> None:
    items = [{"id": number, "state": state} for number, state in ((1, "open"), (2, "open"), (3, "done"), (4, "done"))]
    made = known(("GET /tasks", seen("/tasks", items)))
    assert made.in_other_states("/tasks") == [3]
    made.forget("/tasks/3")
    assert made.in_other_states("/tasks") == []


def test_what_is_listed_says_itself_what_a_path_asks_for() -> None:
    """`/datasets/{uri}` is not asked for the number that each data set has beside its URI."""
    listed = seen("/datasets", {"datasets": [{"id": 7, "uri": "s3://a"}, {"id": 8, "uri": "s3://b"}]})
    made = known(("GET /datasets", listed))
    assert list(values(made, "/datasets/{uri}", "uri", "/datasets"))[:2] == [("s3://a", True), ("s3://b", True)]
    assert (7, False) in values(made, "/datasets/{uri}", "uri", "/datasets")
    assert values(made, "/datasets/{id}", "id", "/datasets") == [(7, True), (8, True)]
    # A name is no id where things say what they are called by.
    tasks = known(("GET /tasks", seen("/tasks", [{"task_id": "t1", "name": "web"}])))
    assert values(tasks, "/tasks/{task_id}", "task_id", "/tasks")[0] == ("t1", True)
    # What stands beside an id may be another thing's.
    comments = known(("GET /comments", seen("/comments", [{"id": 5, "comment_id": 4}])))
    assert values(comments, "/comments/{comment_id}", "comment_id", "/comments")[0] == (5, True)


def test_credentials_and_answers_say_who_asks() -> None:
    basic = seen("/tasks", [])
    asked = replace(basic, request=replace(basic.request, headers=(("Authorization", "Basic YW5uOnB3"),)))
    made = known(("GET /tasks", asked), ("GET /users/me", seen("/users/me", {"data": {"id": 3, "name": "Ann"}})))
    assert [each for each in ("ann", "pw", 3, "Ann", 4) if made.is_asker("users", each)] == ["ann", 3]
    assert not made.is_asker("tasks", 3)
    odd = replace(basic, request=replace(basic.request, headers=(("Authorization", "Basic \x01"),)))
    assert not known(("GET /tasks", odd)).is_asker("users", "")


def test_a_collection_may_be_a_map_by_name() -> None:
    """`/marks` answers with lists by the kind of what is marked, and `/marks/{kind}` with one of them."""
    made = known(("GET /marks", seen("/marks", {"people": [], "events": ["e-1"]})))
    assert values(made, "/marks/{kind}", "kind", "/marks")[:2] == [("people", False), ("events", False)]
    for other in ({"people": []}, {"people": [], "count": 3}, {"items": [], "errors": []}, {"data": {}, "links": {}}):
        made = known(("GET /marks", seen("/marks", other)))
        assert values(made, "/marks/{kind}", "kind", "/marks") == [], other
    made = known(("GET /marks", seen("/marks", {"people": [], "events": []})))
    assert values(made, "/marks/{kind}/{tag}", "tag", "/marks/people") == []


def test_a_name_with_a_number_is_of_the_same_things() -> None:
    made = known(("GET /towns", seen("/towns", [{"town": "Hoya", "size": 3}, {"town": "Ales"}])))
    assert [value for value, _ in values(made, "/ways/{town1}/{town2}", "town2", "/ways/Ales")] == ["Hoya", "Ales"]
    made = known(
        ("GET /people", seen("/people", [{"tag": "p-1"}])),
        ("GET /events", seen("/events", [{"tag": "e-1"}, {"tag": "e-2"}])),
    )
    path = "/events/{tag1}/span/{tag2}"
    assert [value for value, _ in values(made, path, "tag1", "/events")][:2] == ["e-1", "e-2"]
    assert [value for value, _ in values(made, path, "tag2", "/events/e-2/span")][:2] == ["e-1", "e-2"]


def test_an_empty_name_is_nobody_s() -> None:
    made = known(("GET /lands", seen("/lands", ["", "Chile"])))
    assert [value for value, _ in values(made, "/lands/{land}", "land", "/lands")] == ["Chile"]


def test_one_thing_shows_what_belongs_together() -> None:
    runs = [{"dag_id": "a", "run_id": "r1", "state": "done"}, {"dag_id": "b", "run_id": "r2", "task_id": "t"}]
    made = known(("GET /runs", seen("/runs", {"runs": runs})))
    assert list(made.together(["dag_id", "run_id", "task_id"])) == [
        {"dag_id": "b", "run_id": "r2", "task_id": "t"},
        {"dag_id": "a", "run_id": "r1"},
    ]
    assert list(made.together(["dag_id"])) == list(made.together(["id", "name"])) == []


def test_a_property_is_filled_with_what_such_things_are_known_by() -> None:
    listed = seen("/datasets", {"datasets": [{"id": 7, "uri": "s3://a"}]})
    made = known(("GET /datasets", listed), ("GET /roles", seen("/roles", {"roles": [{"name": "admin"}]})))
    assert made.filled({"dataset_uri": "x", "other_uri": "x"}) == {"dataset_uri": "s3://a", "other_uri": "x"}
    assert made.filled({"dataset_uri": "x"}, "dataset") == {"dataset_uri": "x"}
    body = {"name": "n", "roles": [{"name": "name"}], "tag": {"name": "t"}}
    assert made.referred(body) == {"name": "n", "roles": [{"name": "admin"}], "tag": {"name": "t"}}


def test_the_roles_of_whoever_asks_are_its_own() -> None:
    me = {"data": {"id": 3, "role": "r1", "groups": [{"id": 9, "title": "staff"}]}}
    made = known(("GET /users/me", seen("/users/me", me)))
    told = [("roles", "r1"), ("groups", 9), ("users", 3), ("groups", 3), ("users", "r1")]
    assert [made.is_asker(about, value) for about, value in told] == [True, True, True, False, False]


def test_a_long_token_is_a_value_and_no_id() -> None:
    token = "a" * 150
    made = known(("GET /files", seen("/files", [{"name": "x", "file_token": token}])))
    assert [value for value, _ in values(made, "/sources/{file_token}", "file_token", "/sources")] == [token]


def test_things_are_told_apart_in_the_order_in_which_they_were_seen() -> None:
    """Ids that are made at random put a list in another order in each run."""
    made = [{"id": "m", "away": False}, {"id": "q", "away": True}, {"id": "a", "away": True}]
    shown = [("POST /users", seen("/users", each, "POST", 201)) for each in made]
    found = known(*shown, ("GET /users", seen("/users", sorted(made, key=lambda each: str(each["id"])))))
    assert found.in_other_states("/users") == ["q"]
