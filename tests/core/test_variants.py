"""All that an operation is asked: each request odd in one place, each place in turn, in an order that never changes."""

from __future__ import annotations

import json
from itertools import islice
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.core import parameters, variants
from contract.core.evidence import Exchange, Request, Response, header
from contract.core.honest import renewed
from contract.core.openapi import Contract, Operation
from contract.core.variants import Ask, Base

from .test_openapi import document

JSON = "application/json"
OK = {"200": {"description": ".", "content": {JSON: {"schema": {"type": "object"}}}}}
TASK = {
    "type": "object",
    "required": ["title", "size"],
    "properties": {
        "title": {"type": "string", "minLength": 2, "maxLength": 20},
        "size": {"type": "integer", "minimum": 1, "maximum": 9},
        "state": {"type": "string", "enum": ["open", "done"]},
        "tags": {"type": "array", "items": {"type": "string"}, "maxItems": 3},
        "owner": {
            "type": "object",
            "required": ["mail"],
            "properties": {"mail": {"type": "string", "format": "email"}},
        },
    },
}
BODY = {"required": True, "content": {JSON: {"schema": TASK}}}


def operation(key: str = "POST /tasks", **more: Any) -> Operation:
    method, _, path = key.partition(" ")
    return Contract(document({"paths": {path: {method.lower(): {"responses": OK, **more}}}})).operations[0]


def parameter(name: str, where: str = "query", required: bool = False, **schema: Any) -> dict[str, Any]:
    return described(name, schema or {"type": "string"}, where, required)


def described(name: str, schema: Any, where: str = "query", required: bool = False) -> dict[str, Any]:
    return {"name": name, "in": where, "required": required or where == "path", "schema": schema}


def asks(made: Operation, base: Base, **more: Any) -> list[Ask]:
    return list(variants.everything(made, base, **{"secured": False, "takes_credentials": False, **more}))


POST = operation(requestBody=BODY, parameters=[parameter("notify", required=True, type="boolean"), parameter("limit", type="integer", maximum=50)])  # fmt: skip
PLAIN = Base({"query:notify": True}, {"title": "title", "size": 5}, JSON, (("Accept", JSON),))


def bodies(found: list[Ask]) -> list[Any]:
    made = []
    for ask in found:
        try:
            made.append(json.loads(ask.request.body or b""))
        except ValueError:
            continue
    return made


# --- what is asked ----------------------------------------------------------------------------------------------------


def test_each_of_the_fixed_set_is_there() -> None:
    found = asks(POST, PLAIN, secured=True, takes_credentials=True)
    plain = PLAIN.write(POST)
    assert plain is not None
    by = {ask.what: ask for ask in found}
    assert by["without credentials"].credentials == "none" and by["with wrong credentials"].credentials == "wrong"
    assert "query:notify" not in by["without `query:notify`"].request.url and by["without `query:notify`"].place == "query:notify"  # fmt: skip
    assert by["without a body"].request.body in (None, b"")
    early = by["JSON that ends too early"].request.body
    assert early is not None
    with pytest.raises(ValueError, match=r"Expecting|Illegal"):
        json.loads(early)
    assert {"title": "title", "size": 5, "zq7_undeclared": 1} in bodies(found)  # an unknown field
    assert {"size": 5} in bodies(found) and {"title": "title"} in bodies(found)  # each required property left out
    undeclared = by["a media type that is not declared"]
    assert undeclared.request.media_type == variants.NO_TYPE and undeclared.request.body == plain.body
    assert header(by["an `Accept` that nothing satisfies"].request.headers, "accept") == variants.NO_TYPE
    assert by["a slash at the end"].request.path == "/tasks/"
    assert "zq7_undeclared=1" in by["a query name that nobody declares"].request.query


@pytest.mark.parametrize(
    ("place", "broken"),
    [
        ("title", lambda value: isinstance(value, str) and len(value) < 2),
        ("title", lambda value: isinstance(value, str) and len(value) > 20),
        ("size", lambda value: isinstance(value, int) and value < 1),
        ("size", lambda value: isinstance(value, int) and value > 9),
        ("size", lambda value: not isinstance(value, int)),
        ("state", lambda value: value not in ("open", "done")),
        ("tags", lambda value: not isinstance(value, list) or len(value) > 3 or any(not isinstance(each, str) for each in value)),
        ("owner", lambda value: isinstance(value, dict) and "mail" not in value),
    ],
)  # fmt: skip
def test_each_constraint_is_broken(place: str, broken: Any) -> None:
    values = [body[place] for body in bodies(asks(POST, PLAIN)) if isinstance(body, dict) and place in body]
    assert any(broken(value) for value in values), values


def test_a_parameter_is_broken_at_each_constraint() -> None:
    urls = [ask.request.query for ask in asks(POST, PLAIN)]
    limits = [part.partition("=")[2] for query in urls for part in query.split("&") if part.startswith("limit=")]
    assert any(text.lstrip("-").isdigit() and int(text) > 50 for text in limits)
    assert any(not text.lstrip("-").isdigit() for text in limits)


def test_credentials_are_left_alone_where_there_are_none() -> None:
    assert {ask.credentials for ask in asks(POST, PLAIN)} == {"own"}
    assert {ask.credentials for ask in asks(POST, PLAIN, secured=True)} == {"own", "none"}
    assert {ask.credentials for ask in asks(POST, PLAIN, takes_credentials=True)} == {"own", "none", "wrong"}


def test_a_body_that_nobody_declares_is_sent_where_bodies_are_usual() -> None:
    assert "a body that nobody declares" in {ask.what for ask in asks(operation("DELETE /tasks"), Base({}))}
    assert "a body that nobody declares" not in {ask.what for ask in asks(operation("GET /tasks"), Base({}))}


def test_what_a_refusal_would_not_tell_of_is_not_blamed() -> None:
    free = {ask.what for ask in asks(POST, PLAIN) if not ask.is_blamed}
    assert {"an `Accept` that nothing satisfies", "a media type that is not declared", "a slash at the end"} <= free
    assert not {"without a body", "without `query:notify`"} & free


# --- laws -------------------------------------------------------------------------------------------------------------

KINDS = [
    {"type": "string"},
    {"type": "string", "minLength": 3, "maxLength": 5},
    {"type": "string", "enum": ["a", "b"]},
    {"type": "string", "format": "uuid"},
    {"type": "integer", "minimum": 1},
    {"type": "number", "exclusiveMaximum": 3},
    {"type": "boolean"},
    {"type": ["string", "null"]},
    {"type": "array", "items": {"type": "integer"}, "minItems": 1},
    {"type": "object", "required": ["x"], "properties": {"x": {"type": "string"}}},
    {"oneOf": [{"type": "string"}, {"type": "integer"}]},
    {"const": 5},
    {},
    True,
    False,
    {"type": "int"},
]  # fmt: skip


@st.composite
def operations(draw: st.DrawFn) -> tuple[Operation, Base]:
    """An operation of some parameters and perhaps a body, and plain values for it."""
    names = ["a", "b-c", "statusCode", "format", "X-Key"]
    shown = [
        described(name, draw(st.sampled_from(KINDS)), where, draw(st.booleans()))
        for name, where in zip(names, ("query", "query", "query", "query", "header"), strict=True)
        if draw(st.booleans())
    ]
    schema = {"type": "object", "properties": {name: draw(st.sampled_from(KINDS)) for name in draw(st.sets(st.sampled_from(["p", "q/r", "s~", "żółw", ""])))}}  # fmt: skip
    media = draw(st.sampled_from([JSON, "application/x-www-form-urlencoded", "multipart/form-data", "text/plain"]))
    has_body = draw(st.booleans())
    more = {"requestBody": {"content": {media: {"schema": schema}}}} if has_body else {}
    path = draw(st.sampled_from(["/t", "/t/{id}", "/t/{id}/u/{n}"]))
    inside = [
        described(name, draw(st.sampled_from(KINDS[:5])), "path") for name in ("id", "n") if f"{{{name}}}" in path
    ]
    made = operation(
        f"{draw(st.sampled_from(['POST', 'PUT', 'GET', 'DELETE']))} {path}", parameters=[*shown, *inside], **more
    )
    body = {"p": 1} if draw(st.booleans()) else {}
    values: dict[str, Any] = {"path:id": draw(st.sampled_from([7, "x"])), "path:n": "y"}
    return made, Base(values, body, media) if has_body else Base(values)


@given(operations())
def test_the_same_is_asked_in_the_same_order(case: tuple[Operation, Base]) -> None:
    made, base = case
    one, other = (
        list(islice(variants.everything(made, base, secured=True, takes_credentials=True), 300)) for _ in range(2)
    )
    assert one == other


@given(operations())
def test_every_request_is_of_the_operation_and_can_be_sent(case: tuple[Operation, Base]) -> None:
    made, base = case
    for ask in islice(variants.everything(made, base, secured=True, takes_credentials=True), 300):
        assert ask.request.method == made.method
        assert ask.request.url.isascii() and ask.request.url.startswith("/t") and " " not in ask.request.url
        assert all(name.isascii() and value.isascii() and value.isprintable() for name, value in ask.request.headers)
        if "{" in made.path and ask.request.path.count("/") == made.path.count("/"):
            reading = Exchange(ask.request, Response(200), "walk")
            for error in parameters.errors(made, reading, made.path_values(reading)):
                assert error  # what is sent can be read again, whatever it breaks


@given(operations())
def test_each_place_has_its_turn_before_one_has_two(case: tuple[Operation, Base]) -> None:
    made, base = case
    found = [ask.place for ask in variants.everything(made, base, secured=False, takes_credentials=False)]
    queries = [parameter.label for parameter in made.parameters if parameter.location == "query"]
    seen = {label: [index for index, place in enumerate(found) if place == label] for label in queries}
    # Those that say what the answer looks like (`format`) are asked in front of the others.
    turns = {label: places for label, places in seen.items() if places and not label.endswith("format")}
    for label, places in turns.items():
        others = [other[0] for name, other in turns.items() if name != label]
        assert len(places) < 3 or not others or places[2] > min(others)


# --- ids --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schema", "like", "unknown"),
    [
        ({"type": "integer"}, 17, 2147483646),
        ({"type": "integer"}, None, 2147483646),
        ({"type": "string"}, "17", "2147483646"),
        ({"type": "string"}, "1f0d0000-0000-4000-8000-000000000001", variants.NIL_UUID),
        ({"type": "string", "format": "uuid"}, None, variants.NIL_UUID),
        ({"type": "string"}, "mail", "zq7-unknown"),
        ({"type": "string", "pattern": "^[a-z0-9]+$"}, "mail", "zq7unknown"),
    ],
)  # fmt: skip
def test_an_unknown_id_is_well_formed_and_looks_like_the_known_ones(schema: Any, like: Any, unknown: Any) -> None:
    made = operation("GET /tasks/{id}", parameters=[parameter("id", "path", **schema)])
    assert variants.unknown_id(made, made.parameters[0], like) == unknown
    if schema.get("type"):
        assert made.parameters[0].schema is not None
        assert made.schemas.accepts(made.parameters[0].schema, "request", unknown)


def test_an_id_of_which_all_are_known_has_no_unknown_one() -> None:
    made = operation("GET /tasks/{id}", parameters=[parameter("id", "path", const="only")])
    assert variants.unknown_id(made, made.parameters[0], "only") is None


def test_the_thing_itself_is_unknown_before_its_owner_is() -> None:
    made = operation("GET /p/{p}/t/{t}", parameters=[parameter("p", "path", type="integer"), parameter("t", "path", type="integer")])  # fmt: skip
    unknown = [ask.request.path for ask in asks(made, Base({"path:p": 1, "path:t": 2})) if ask.what.startswith("an unknown")]  # fmt: skip
    assert unknown == ["/p/1/t/2147483646", "/p/2147483646/t/2"]


# --- small parts ------------------------------------------------------------------------------------------------------


def test_headers_are_replaced_by_name() -> None:
    request = Request("GET", "/t", (("accept", "a/b"), ("X-One", "1")))
    assert variants.with_headers(request, (("Accept", "c/d"),)).headers == (("X-One", "1"), ("Accept", "c/d"))


def test_a_client_accepts_what_the_successes_are_declared_to_be() -> None:
    answers = {
        "200": {"description": ".", "content": {JSON: {}, "text/csv": {}}},
        "404": {"description": ".", "content": {"application/problem+json": {}}},
        "default": {"description": ".", "content": {"text/html": {}}},
    }
    assert variants.accepts(operation(responses=answers)) == f"{JSON}, text/csv, text/html, */*;q=0.1"
    assert variants.accepts(operation(responses={"204": {"description": "."}})) == "*/*"


@pytest.mark.parametrize(
    ("schema", "kinds", "enum"),
    [
        ({"type": "integer"}, {"integer"}, []),
        ({"type": ["string", "null"], "enum": ["a", None]}, {"string", "null"}, ["a"]),
        ({"allOf": [{"type": "string"}, {"enum": ["a", "b"]}]}, {"string"}, ["a", "b"]),
        ({"type": "array", "items": {"enum": ["a", "b"]}}, {"array"}, [["a"], ["b"]]),
        ({"const": 5}, set(), [5]),
        ({}, set(), []),
    ],
)
def test_what_all_schemas_of_a_value_say_together(schema: Any, kinds: set[str], enum: list[Any]) -> None:
    made = operation(parameters=[{"name": "q", "in": "query", "schema": schema}])
    pointer = made.parameters[0].schema
    assert pointer is not None
    facts = variants.facts_of(made, pointer)
    assert (facts["kinds"], facts["enum"]) == (kinds, enum)


def test_a_value_that_no_header_can_carry_is_not_sent() -> None:
    made = operation("GET /t", parameters=[parameter("X-Name", "header")])
    assert Base({"header:X-Name": "żółw"}).write(made) is None
    assert Base({"header:X-Name": "a\nb"}).write(made) is None
    assert Base({"header:X-Name": "fine"}).write(made) is not None


# --- flags, files, ids of nobody --------------------------------------------------------------------------------------


def flag(name: str, **schema: Any) -> dict[str, Any]:
    return {**parameter(name, **schema), "allowEmptyValue": True}


def urls(*parameters: dict[str, Any], base: Base | None = None) -> list[str]:
    return [ask.request.url for ask in asks(operation("GET /alarms", parameters=list(parameters)), base or Base({}))]


def test_a_parameter_that_may_be_empty_is_sent_as_a_flag_once() -> None:
    found = urls(flag("all", type="boolean"), parameter("page", type="integer"), base=Base({"query:page": 2}))
    assert found.count("/alarms?page=2&all") == 1
    assert "/alarms?all" in urls(flag("all", type="boolean"))
    assert not [url for url in urls(parameter("all", type="boolean")) if url.endswith("all")]


def test_a_flag_takes_the_place_of_the_value() -> None:
    assert "/alarms?all" in urls(flag("all", type="boolean"), base=Base({"query:all": True}))


def test_several_that_may_be_empty_are_sent_together_before_each_is_sent_alone() -> None:
    found = urls(flag("options", type="string"), flag("label key", type="string"), flag("all", type="boolean"))
    together = found.index("/alarms?options&label%20key")
    assert together < found.index("/alarms?options") < len(found)
    assert "/alarms?label%20key" in found
    assert found.index("/alarms?all") < together


@pytest.mark.parametrize(
    "file", [{"type": "string", "format": "binary"}, {"type": "string", "contentMediaType": "application/pdf"}]
)
def test_json_in_place_of_a_form_holds_no_file(file: dict[str, Any]) -> None:
    schema = {
        "type": "object",
        "required": ["title", "file"],
        "properties": {"title": {"type": "string"}, "file": file},
    }
    made = operation(requestBody={"content": {"multipart/form-data": {"schema": schema}}})
    (found,) = [
        ask for ask in asks(made, Base({}, {"title": "t", "file": "x"}, "multipart/form-data")) if "JSON" in ask.what
    ]
    assert json.loads(found.request.body or b"") == {"title": "t"}


UUID = "1f0d0000-0000-4000-8000-000000000001"


@pytest.mark.parametrize(
    ("name", "like", "others"),
    [
        ("id", "17", ["2147483646", "999983", "32749"]),
        ("id", "999983", ["2147483646", "444438", "32749"]),
        ("id", UUID, [variants.NIL_UUID, "c7a1e0d2-5b3f-4e8a-9d6c-2f4b8a7e1c30"]),
        ("name", "beta", ["zq7-unknown"]),
        ("sha", "deadbeef01", ["zq7-unknown", "abdaebbc56"]),
        ("delay", "3", []),
        ("timeoutMs", "3", []),
        ("numbytes", "3", []),
        ("n", "3", []),
        ("number", "3", ["2147483646", "999983", "32749"]),
        ("account", "3", ["2147483646", "999983", "32749"]),
    ],
)
def test_ids_of_nobody_have_the_form_of_one_that_was_there(name: str, like: str, others: list[str]) -> None:
    assert variants.nobodys(name, like) == others


@pytest.mark.parametrize(
    ("body", "fresh"),
    [
        ({"name": "box", "size": 3}, {"name": "box7", "size": 3}),
        ({"data": {"id": "a", "text": "t"}, "permissions": {}}, {"data": {"id": "a7", "text": "t"}, "permissions": {}}),
        ({"name": "box", "driver": {"name": "file", "mail": "a@b.c"}}, {"name": "box7", "driver": {"name": "file", "mail": "user7@example.com"}}),
        ({"zone": "x", "name": "example.com."}, {"zone": "x", "name": "n7.example.com."}),
        ([{"code": "c"}], [{"code": "c7"}]),
        ({"mail": "a@b.c", "role": {"key": "k"}}, {"mail": "user7@example.com", "role": {"key": "k7"}}),
        ("name", "name"),
    ],
)  # fmt: skip
def test_what_must_be_new_is_the_thing_s_own_name(body: Any, fresh: Any) -> None:
    assert renewed(body, 7) == fresh


def test_what_an_account_is_called_is_renewed_too() -> None:
    body = {"username": "ann", "first_name": "Ann", "surname": "x"}
    assert renewed(body, 7) == {"username": "ann7", "first_name": "Ann7", "surname": "x"}


def test_each_declared_media_type_is_asked_for_alone() -> None:
    types = {"application/json": {"schema": {}}, "text/csv": {"schema": {}}}
    two = operation("GET /tasks", responses={"200": {"description": ".", "content": types}})
    asked = {header(ask.request.headers, "accept") for ask in asks(two, Base({}))}
    assert {"application/json", "text/csv"} <= asked
    one = operation("GET /tasks", responses={"200": {"description": ".", "content": {"text/csv": {"schema": {}}}}})
    assert "text/csv" not in {header(ask.request.headers, "accept") for ask in asks(one, Base({}))}


def test_a_body_that_names_its_thing_follows_the_path() -> None:
    """A path and a body that contradict each other are refused for that, whatever is declared."""
    schema = {"type": "object", "properties": {"key": {"type": "string"}, "text": {"type": "string"}}}
    body = {"content": {JSON: {"schema": schema}}}
    patch = operation("PATCH /variables/{name}", parameters=[parameter("name", "path")], requestBody=body)
    base = Base({"path:name": "greeting"}, {"key": "greeting", "text": "greeting"}, JSON)
    moved = [ask.request for ask in asks(patch, base) if ask.what == '`path:name` as "2147483646"']
    assert [(each.path, json.loads(each.body or b"")) for each in moved] == [
        ("/variables/2147483646", {"key": "2147483646", "text": "greeting"})
    ]


def test_whoever_asks_does_not_write_what_lets_it_in() -> None:
    names = ("first_name", "password", "email", "status", "roles", "tfa_secret")
    members = {name: {"type": "string"} for name in names} | {"status": {"enum": ["active", "suspended"]}}
    body = {"content": {JSON: {"schema": {"type": "object", "properties": members}}}}
    me = operation("PATCH /users/me", requestBody=body)
    sent = [each for each in bodies(asks(me, Base({}, {}, JSON))) if isinstance(each, dict)]
    assert {name for each in sent for name in each} == {"first_name", "zq7_undeclared"}
    assert list(variants.enums(me, Base({}, {}, JSON))) == []
    other = operation("PATCH /users/{id}", parameters=[parameter("id", "path")], requestBody=body)
    sent = [each for each in bodies(asks(other, Base({"path:id": "1"}, {}, JSON))) if isinstance(each, dict)]
    assert set(names) <= {name for each in sent for name in each}
