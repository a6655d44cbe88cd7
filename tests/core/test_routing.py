"""The join of routes with operations: what meets, what does not, and what is told about it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.core.evidence import Route
from contract.core.report import Ratio
from contract.core.routing import Join, Template, completeness, join, mark, parse


def served(*lines: str) -> list[Route]:
    """Routes of `METHOD spelling` lines."""
    return mark(
        Route(method, template.path, spelled, "test", template.spans)
        for line in lines
        for method, _, spelled in [line.partition(" ")]
        for template in parse(spelled)
    )


def declared(*keys: str, base: str = "") -> list[tuple[str, str, str]]:
    return [(method, base + path, key) for key in keys for method, _, path in [key.partition(" ")]]


def shown(result: Join) -> tuple[dict[str, list[str]], list[str], list[str]]:
    return (
        {key: [f"{route.method} {route.spelled}" for route in routes] for key, routes in result.matched.items()},
        [f"{route.method} {route.spelled}" for route in result.undeclared],
        result.unobserved,
    )


# Spellings -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spelled", "paths", "spans"),
    [
        ("/tasks/{id}", ["/tasks/{id}"], set()),
        ("tasks/{id}", ["/tasks/{id}"], set()),
        ("/tasks/", ["/tasks/"], set()),
        ("/", ["/"], set()),
        ("", ["/"], set()),
        # Laravel
        ("app/tenants/{tenant?}", ["/app/tenants/{tenant}", "/app/tenants"], set()),
        ("a/{b?}/{c?}", ["/a/{b}/{c}", "/a/{b}", "/a"], set()),
        ("{tenant?}", ["/{tenant}", "/"], set()),
        # Flask, Django, Bottle, Sanic
        ("/stream/<int:n>", ["/stream/{n}"], set()),
        ("/auth/<user>/<passwd>", ["/auth/{user}/{passwd}"], set()),
        ("/static/<path:filename>", ["/static/{filename}"], {"filename"}),
        ("/shapes/<any(round, square):kind>", ["/shapes/{kind}"], set()),
        ("/x/<regex('[a-z]{2}'):code>", ["/x/{code}"], set()),
        ("/tasks/<id:int>", ["/tasks/{id}"], set()),
        ("/names/<name:re:[a-z]+>", ["/names/{name}"], set()),
        (r"^tasks/(?P<id>[0-9]+)/$", ["/tasks/{id}/"], set()),
        (r"^files/(?P<path>.*)$", ["/files/{path}"], {"path"}),
        (r"^v1\.0/tasks/?$", ["/v1.0/tasks/"], set()),
        # gin, Express, Rails
        ("/silence/:sid", ["/silence/{sid}"], set()),
        ("/debug/*subpath", ["/debug/{subpath}"], {"subpath"}),
        ("/files/*", ["/files/{path}"], {"path"}),
        ("/flights/:from-:to", ["/flights/{from}-{to}"], set()),
        (r"/users/:id(\d+)", ["/users/{id}"], set()),
        ("/users/:id?", ["/users/{id}", "/users"], set()),
        ("/tasks(/:id)(.:format)", ["/tasks/{id}", "/tasks"], set()),
        ("/tasks/:id(.:format)", ["/tasks/{id}"], set()),
        ("/tasks{/:id}", ["/tasks/{id}", "/tasks"], set()),
        # Starlette, Pyramid, gorilla, chi, Go, ASP.NET, Spring, API Gateway
        ("/tasks/{id:int}", ["/tasks/{id}"], set()),
        ("/files/{path:path}", ["/files/{path}"], {"path"}),
        ("/tasks/{id:[0-9]{4}}/parts", ["/tasks/{id}/parts"], set()),
        (r"/{path:(?!v[0-9]+)[^\r\n]*}", ["/{path}"], {"path"}),
        ("/files/{name:[^/]+}", ["/files/{name}"], set()),
        ("/files/{path...}", ["/files/{path}"], {"path"}),
        ("/files/{$}", ["/files/"], set()),
        ("/files/{**path}", ["/files/{path}"], {"path"}),
        ("/page/{number=1}", ["/page/{number}", "/page"], set()),
        ("/{proxy+}", ["/{proxy}"], {"proxy"}),
        ("/static/**", ["/static/{path}"], {"path"}),
        # what looks like a parameter and is none
        ("/tasks:batch", ["/tasks:batch"], set()),
        ("/tasks/{id}:cancel", ["/tasks/{id}:cancel"], set()),
        ("/@{user}/{name}.{ext}", ["/@{user}/{name}.{ext}"], set()),
        ("https://api.example.test/tasks/{id}", ["/tasks/{id}"], set()),
    ],
)
def test_every_framework_s_spelling_becomes_a_template(spelled: str, paths: list[str], spans: set[str]) -> None:
    found = parse(spelled)
    assert [template.path for template in found] == paths
    assert found[0].spans == spans


def test_a_constraint_is_kept_and_what_is_no_constraint_is_not() -> None:
    assert parse("/a/{id:[0-9]+}/{name:slug}") == (Template("/a/{id}/{name}", frozenset(), (("id", "[0-9]+"),)),)


def test_many_optional_segments_end_in_a_bounded_number_of_templates() -> None:
    assert len(parse("/a" + "".join(f"/{{p{number}?}}" for number in range(40)))) <= 64


@given(st.text(max_size=40))
def test_no_spelling_at_all_makes_the_parser_fail(spelled: str) -> None:
    for template in parse(spelled):
        assert template.path.startswith("/")


# The join ------------------------------------------------------------------------------------------------------------


def test_parameters_are_compared_by_place_and_not_by_name() -> None:
    result = join(
        declared("GET /tasks/{id}", "GET /tasks/{id}/parts/{part}"),
        served("GET /tasks/{task}", "GET /tasks/:a/parts/:b"),
    )
    assert shown(result) == (
        {"GET /tasks/{id}": ["GET /tasks/{task}"], "GET /tasks/{id}/parts/{part}": ["GET /tasks/:a/parts/:b"]},
        [],
        [],
    )
    assert result.notes == []


def test_what_only_one_side_has_is_undeclared_or_unobserved() -> None:
    result = join(declared("GET /a", "POST /a", "GET /b"), served("GET /a", "DELETE /a", "GET /c"))
    assert shown(result) == ({"GET /a": ["GET /a"]}, ["DELETE /a", "GET /c"], ["POST /a", "GET /b"])
    assert completeness(result) == Ratio(1, 3)


def test_letters_are_compared_with_case() -> None:
    assert shown(join(declared("GET /a", "GET /Tasks"), served("GET /a", "GET /tasks"))) == (
        {"GET /a": ["GET /a"]},
        ["GET /tasks"],
        ["GET /Tasks"],
    )


def test_a_slash_at_the_end_makes_no_difference() -> None:
    result = join(
        declared("GET /", "GET /tasks/", "GET /users", base="/v1"),
        served("GET /v1/", "GET /v1/tasks", "GET /v1/users/"),
    )
    assert (result.undeclared, result.unobserved) == ([], [])
    assert shown(join(declared("GET /"), served("GET /"))) == ({"GET /": ["GET /"]}, [], [])


def test_of_two_routes_that_differ_in_the_slash_each_operation_names_its_own_first() -> None:
    result = join(declared("GET /a", "GET /a/"), served("GET /a", "GET /a/"))
    assert shown(result)[0] == {"GET /a": ["GET /a", "GET /a/"], "GET /a/": ["GET /a/", "GET /a"]}


def test_percent_encoded_literals_are_equal_to_plain_ones() -> None:
    assert join(declared("GET /caf%C3%A9"), served("GET /café")).unobserved == []


def test_a_catch_all_meets_a_declared_path_of_one_parameter() -> None:
    result = join(
        declared("GET /anything", "GET /anything/{anything}"), served("GET /anything", "GET /anything/<path:anything>")
    )
    assert shown(result) == (
        {"GET /anything": ["GET /anything"], "GET /anything/{anything}": ["GET /anything/<path:anything>"]},
        [],
        [],
    )


def test_compound_segments_meet_their_like() -> None:
    result = join(
        declared("GET /files/{name}.{ext}", "GET /@{user}", "POST /tasks/{id}:cancel"),
        served("GET /files/{file}.{type}", "GET /@{x}", "POST /tasks/{task}:cancel"),
    )
    assert (result.undeclared, result.unobserved, result.notes) == ([], [], [])


def test_an_optional_parameter_serves_two_paths() -> None:
    result = join(declared("GET /tenants", "GET /tenants/{slug}"), served("GET tenants/{tenant?}"))
    assert (result.undeclared, result.unobserved) == ([], [])
    result = join(declared("GET /tenants/{slug}"), served("GET tenants/{tenant?}"))
    assert [route.path for route in result.undeclared] == ["/tenants"]


def test_head_beside_get_and_options_are_never_undeclared() -> None:
    routes = served("GET /a", "HEAD /a", "OPTIONS /a", "OPTIONS /b", "HEAD /c", "TRACE /a")
    result = join(declared("GET /a"), routes)
    assert shown(result) == ({"GET /a": ["GET /a"]}, ["HEAD /c", "TRACE /a"], [])
    assert completeness(result) == Ratio(1, 3)


def test_declared_head_options_and_trace_are_met_by_what_is_listed_implied_or_not() -> None:
    result = join(
        declared("GET /a", "HEAD /a", "OPTIONS /a", "TRACE /a", "HEAD /b"),
        served("GET /a", "HEAD /a", "OPTIONS /a", "TRACE /a", "GET /b"),
    )
    assert shown(result)[1:] == (["GET /b"], ["HEAD /b"])
    assert completeness(result) == Ratio(4, 5)


def test_a_route_for_any_method_counts_as_what_is_declared_of_it() -> None:
    routes = served("ANY /hooks/{provider}")
    result = join(declared("GET /hooks/{name}", "POST /hooks/{name}"), routes)
    assert shown(result)[1:] == ([], [])
    assert completeness(result) == Ratio(2, 2)


def test_a_route_for_any_method_that_meets_nothing_is_undeclared_once() -> None:
    result = join(declared("GET /a"), served("GET /a", "* /hooks"))
    assert shown(result)[1:] == (["* /hooks"], [])
    assert completeness(result) == Ratio(1, 2)


def test_beside_named_methods_a_route_for_any_method_adds_nothing() -> None:
    assert shown(join(declared("GET /a"), served("GET /a", "POST /b", "ANY /b")))[1] == ["POST /b"]


def test_the_same_route_twice_counts_once() -> None:
    result = join(declared("GET /a"), served("GET /a", "GET /b/{x}", "GET /b/{y}", "GET /b/{z}/"))
    assert shown(result)[1] == ["GET /b/{x}"]


def test_a_catch_all_under_the_root_is_a_fallback_and_stands_for_nothing() -> None:
    result = join(declared("GET /a", "GET /b"), served("GET /a", "GET /*file", r"* /{path:(?!v1)[^\r\n]*}"))
    assert shown(result)[1:] == ([], ["GET /b"])
    assert completeness(result) == Ratio(1, 1)


def test_a_declared_catch_all_under_the_root_is_met_by_it() -> None:
    assert shown(join(declared("GET /{key}", "PUT /{key}"), served("GET /{key:path}", "PUT /{key:path}")))[1:] == (
        [],
        [],
    )


def test_of_several_servers_one_that_is_served_is_enough() -> None:
    rows = [*declared("GET /a", base="/v1"), *declared("GET /a", base="/v2")]
    assert shown(join(rows, served("GET /v2/a"))) == ({"GET /a": ["GET /v2/a"]}, [], [])


# Wider routes --------------------------------------------------------------------------------------------------------


def test_a_literal_path_is_implemented_by_a_parameter_route_that_is_not_declared_itself() -> None:
    result = join(declared("GET /image/png"), served("GET /image/{format}"))
    assert shown(result) == (
        {"GET /image/png": ["GET /image/{format}"]},
        ["GET /image/{format}"],  # it serves more than /image/png
        [],
    )
    assert result.notes == ["GET /image/png has no route of its own; GET /image/{format} answers it"]


def test_a_literal_path_beside_its_declared_template_needs_a_route_of_its_own() -> None:
    result = join(declared("GET /tasks/{id}", "GET /tasks/mine"), served("GET /tasks/{task}"))
    assert shown(result)[1:] == ([], ["GET /tasks/mine"])
    assert result.notes == [
        "GET /tasks/mine has no route of its own; GET /tasks/{task}, which is declared too, would answer it"
    ]


def test_a_constraint_that_refuses_the_literal_keeps_the_route_from_standing_for_it() -> None:
    result = join(declared("GET /tasks/mine"), served("GET /tasks/{id:[0-9]+}"))
    assert shown(result)[1:] == (["GET /tasks/{id:[0-9]+}"], ["GET /tasks/mine"])


def test_an_enumerated_parameter_is_declared_when_each_of_its_values_is() -> None:
    routes = served("GET /export/{format:csv|json}")
    assert shown(join(declared("GET /export/csv", "GET /export/json"), routes))[1:] == ([], [])
    assert shown(join(declared("GET /export/csv"), routes))[1:] == (["GET /export/{format:csv|json}"], [])


def test_a_catch_all_answers_what_is_declared_below_it() -> None:
    result = join(declared("GET /legacy/users/{id}", "POST /legacy/users"), served("ANY /legacy/{path:path}"))
    assert shown(result)[1:] == ([], [])
    assert result.notes == [
        "GET /legacy/users/{id} has no route of its own; ANY /legacy/{path} answers it",
        "POST /legacy/users has no route of its own; ANY /legacy/{path} answers it",
    ]


def test_what_is_implied_stands_for_nothing_wider_than_itself() -> None:
    fallback = Route("GET", "/api/{rest}", "api/{rest}", "test", frozenset({"rest"}), implied=True)
    assert shown(join(declared("GET /api/a", "GET /api/b"), [*served("GET /api/a"), fallback]))[2] == ["GET /api/b"]
    routes = served("GET /image/{format}", "HEAD /image/{format}")
    assert shown(join(declared("GET /image/png", "HEAD /image/png"), routes))[2] == []


def test_without_a_literal_in_common_no_route_stands_for_an_operation() -> None:
    assert shown(join(declared("GET /health"), served("GET /{slug}")))[2] == ["GET /health"]


def test_a_compound_route_answers_a_literal_of_its_shape() -> None:
    result = join(declared("GET /files/report.csv", "GET /files/report"), served("GET /files/{name}.{ext}"))
    assert shown(result)[2] == ["GET /files/report"]


# Prefixes ------------------------------------------------------------------------------------------------------------

PATHS = ("GET /tasks", "POST /tasks", "GET /tasks/{id}", "GET /users/{id}")


def test_a_prefix_that_the_document_lacks_is_found_and_told() -> None:
    result = join(
        declared(*PATHS),
        served(*(f"{key[: key.index(' ')]} /api/v1{key[key.index(' ') + 1 :]}" for key in PATHS), "GET /up"),
    )
    assert (list(result.matched), result.unobserved) == (list(PATHS), [])
    assert shown(result)[1] == ["GET /up"]
    assert result.notes == [
        "no route met the document's paths as they are; with the prefix /api/v1, which its servers do not name, they do"
    ]


def test_a_prefix_that_the_routes_lack_is_taken_off_and_told() -> None:
    result = join(declared(*PATHS, base="/gateway/v2"), served(*PATHS))
    assert result.unobserved == []
    assert result.notes == [
        "no route met the document's paths as they are; without their prefix /gateway/v2, which no route has, they do"
    ]


def test_a_prefix_in_place_of_another_is_found_too() -> None:
    result = join(declared(*PATHS, base="/v2"), served(*(key.replace(" /", " /api/", 1) for key in PATHS)))
    assert result.unobserved == []
    assert result.notes == [
        "no route met the document's paths as they are; with the prefix /api in place of /v2 they do"
    ]


def test_one_operation_that_drifted_does_not_hide_the_prefix() -> None:
    result = join(declared(*PATHS, "GET /gone"), served(*(key.replace(" /", " /api/", 1) for key in PATHS)))
    assert result.unobserved == ["GET /gone"]


def test_no_prefix_is_assumed_once_something_meets_as_it_is() -> None:
    result = join(declared("GET /a", "GET /b"), served("GET /a", "GET /api/b"))
    assert (shown(result)[1:], result.notes) == ((["GET /api/b"], ["GET /b"]), [])


def test_two_prefixes_that_explain_as_much_are_none() -> None:
    assert join(declared("GET /a"), served("GET /x/a", "GET /y/a")).notes == []
    assert join(declared("GET /"), served("GET /x", "GET /y")).unobserved == ["GET /"]


# Completeness --------------------------------------------------------------------------------------------------------


def test_completeness_leaves_out_what_is_excluded() -> None:
    result = join(declared("GET /a", "GET /b", "GET /gone"), served("GET /a", "GET /b", "GET /metrics", "GET /debug"))
    assert completeness(result) == Ratio(2, 4)
    assert completeness(result, {"GET /metrics", "GET /b"}) == Ratio(1, 2)
    assert str(completeness(join([], []))) == "no evidence"


segment = st.sampled_from(["a", "b", "{x}", "{y}", "{n}.{e}"])
paths = st.lists(segment, min_size=1, max_size=4).map(lambda parts: "/" + "/".join(parts))
operations = st.lists(st.tuples(st.sampled_from(["GET", "POST"]), paths), max_size=8)


@given(operations)
def test_a_document_made_from_the_routes_is_complete(rows: list[tuple[str, str]]) -> None:
    result = join([(method, path, f"{method} {path}") for method, path in rows], served(*(f"{m} {p}" for m, p in rows)))
    assert (result.undeclared, result.unobserved, result.notes) == ([], [], [])


@given(operations, operations)
def test_every_operation_is_matched_or_unobserved_and_never_both(
    rows: list[tuple[str, str]], other: list[tuple[str, str]]
) -> None:
    keys = {f"{method} {path}" for method, path in rows}
    result = join(
        [(method, path, f"{method} {path}") for method, path in rows], served(*(f"{m} {p}" for m, p in other))
    )
    assert set(result.matched) | set(result.unobserved) == keys
    assert not set(result.matched) & set(result.unobserved)
