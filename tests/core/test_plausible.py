"""What a name and a refusal ask for: one spelling of names, likely values, and refusals as frameworks write them."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest

from contract.core.plausible import (
    as_described,
    as_named,
    better,
    options_in,
    repaired,
    said_of,
    shown_in,
    snake,
    text_for,
    things_in,
    wanted,
    without,
)


@pytest.mark.parametrize(
    ("name", "spelling"),
    [
        ("createdAt", "created_at"),
        ("created-at", "created_at"),
        ("created_at", "created_at"),
        ("silenceID", "silence_id"),
        ("Content-Type", "content_type"),
        ("  odd  name ", "odd_name"),
        ("_id", "id"),
        ("", ""),
        ("$filter", "filter"),
    ],
)
def test_one_spelling_for_all(name: str, spelling: str) -> None:
    assert snake(name) == spelling


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("email", "user@example.com"),
        ("emailAddress", "user@example.com"),
        ("createdAt", "2026-01-02T03:04:05Z"),
        ("birth-date", "2026-01-02"),
        ("timeout", "1h"),
        ("ip", "192.0.2.1"),
        ("cidr", "192.0.2.0/24"),
        ("hostname", "host.example.com"),
        ("callbackUrl", "https://example.com/"),
        ("uuid", "1f0d0000-0000-4000-8000-000000000001"),
        ("currency", "EUR"),
        ("language", "en"),
        ("timezone", "UTC"),
        ("colour", "#336699"),
        ("per_page", "10"),
    ],
)
def test_a_name_says_what_it_stands_for(name: str, text: str) -> None:
    assert text_for(name) == text


@pytest.mark.parametrize("name", ["title", "description", "note", "foo", "", "x" * 500])
def test_a_name_that_says_nothing_has_no_value(name: str) -> None:
    assert text_for(name) is None


def test_only_texts_that_repeat_their_name_are_made_better() -> None:
    body = {"email": "email", "title": "title", "url": "url-2", "contact": {"phone": "phone"}, "ip": "10.0.0.1", "n": 5}
    assert better(body) == {
        "email": "user@example.com",
        "title": "title",
        "url": "https://example.com/",
        "contact": {"phone": "+15555550100"},
        "ip": "10.0.0.1",
        "n": 5,
    }
    assert better({"email": ["email", "x"]}) == {"email": ["user@example.com", "x"]}


def test_an_end_lies_after_its_beginning() -> None:
    dates = {"startsAt": "2026-01-02T03:04:05Z", "endsAt": "2026-01-02T03:04:05Z", "expiry": "2024-05-06"}
    assert better(dates) == {
        "startsAt": "2026-01-02T03:04:05Z",
        "endsAt": "2099-01-02T03:04:05Z",
        "expiry": "2099-05-06",
    }


# --- refusals as frameworks write them --------------------------------------------------------------------------------

LARAVEL = {"message": "The given data was invalid.", "errors": {"name": ["The name must be at least 12 characters."], "tags.0": ["The tags.0 must be a valid email address."]}}  # fmt: skip
FASTAPI = {"detail": [{"loc": ["body", "name"], "msg": "String should have at least 12 characters", "type": "string_too_short"}]}  # fmt: skip
DRF = {"name": ["Ensure this field has at least 12 characters."], "owner": {"email": ["Enter a valid email address."]}}
RAILS = {"errors": {"name": ["is too short (minimum is 12 characters)"]}}
RAILS_FULL = {"errors": ["Name is too short (minimum is 12 characters)"]}
SPRING = {"type": "about:blank", "title": "Bad Request", "status": 400, "detail": "Validation failed", "errors": [{"field": "name", "defaultMessage": "size must be at least 12", "rejectedValue": "name"}]}  # fmt: skip
PROBLEM = {"title": "Your request is not valid.", "invalid-params": [{"name": "name", "reason": "must be longer than 11"}]}  # fmt: skip
GO = {"error": "Key: 'Input.Name' Error:Field validation for 'Name' failed on the 'min' tag: minimum 12"}
PLAIN = "name must have at least 12 characters"
NEST = {"statusCode": 400, "message": ["name must be longer than or equal to 12 characters"], "error": "Bad Request"}


@pytest.mark.parametrize("refusal", [LARAVEL, FASTAPI, DRF, RAILS, RAILS_FULL, SPRING, PROBLEM, GO, PLAIN, NEST])
def test_a_text_that_is_too_short_grows(refusal: Any) -> None:
    body = {"name": "name", "size": 3}
    fresh = repaired(body, refusal)
    assert len(fresh["name"]) >= 12
    assert fresh["name"].startswith("name")
    assert fresh["size"] == 3
    assert body == {"name": "name", "size": 3}  # what was given is not changed


@pytest.mark.parametrize(
    ("body", "refusal", "fresh"),
    [
        ({"role": "role"}, {"role": ['"role" must be one of [admin, member]']}, {"role": "admin"}),
        ({"role": "role"}, {"errors": {"role": "allowed values are: admin, member"}}, {"role": "admin"}),
        ({"size": 1}, {"detail": [{"loc": ["body", "size"], "msg": "Input should be greater than or equal to 10"}]}, {"size": 11}),
        ({"size": 90}, {"errors": {"size": ["The size may not be greater than 50."]}}, {"size": 49}),
        ({"name": "x" * 60}, {"errors": {"name": ["must be at most 20 characters"]}}, {"name": "x" * 19}),
        ({"owner": {"mail": "mail"}}, {"owner": {"mail": ["Enter a valid email address."]}}, {"owner": {"mail": "user@example.com"}}),
        ({"when": "when"}, "parsing time \"when\": cannot parse", {"when": "2026-01-02T03:04:05Z"}),
        ({"every": "every"}, {"error": "every: invalid duration"}, {"every": "1h"}),
        ({"format": "format", "kind": "kind"}, "Must specify format of contents as 'text' or 'base64'", {"format": "text", "kind": "kind"}),
        ({"format": "base64"}, "format must be 'text' or 'base64' here", {"format": "base64"}),
        ({"home": "home"}, {"errors": {"home": ["The home must be a valid URL."]}}, {"home": "https://example.com/"}),
        ({"day": "day"}, {"day": ["not a valid date"]}, {"day": "2026-01-02"}),
        ({"ref": "ref"}, {"message": "ref must be a UUID"}, {"ref": "1f0d0000-0000-4000-8000-000000000001"}),
        ({"source": "source"}, {"source": ["no valid IP address"]}, {"source": "192.0.2.1"}),
        ({"zone": "zone"}, {"error": "DNS Name 'zone' is not canonical"}, {"zone": "host.example.com."}),
        ({"servers": ["servers"]}, {"error": "Server is not canonical: 'servers'"}, {"servers": ["host.example.com."]}),
        ({"items": [{"name": "n"}, {"name": "m"}]}, {"errors": {"items.0.name": ["at least 3 characters"]}}, {"items": [{"name": "nxxx"}, {"name": "mxxx"}]}),
    ],
)  # fmt: skip
def test_what_a_refusal_asks_for_is_done(body: Any, refusal: Any, fresh: Any) -> None:
    assert repaired(body, refusal) == fresh


@pytest.mark.parametrize(
    "refusal",
    [
        {},
        None,
        [],
        "",
        "internal error",
        {"message": "no"},
        {"errors": {"other": ["must be at least 12 characters"]}},
        {"errors": {"name": ["is odd"]}},
        {"name": None},
        {"errors": [[[[]]]]},
        17,
    ],
)
def test_a_refusal_that_asks_nothing_changes_nothing(refusal: Any) -> None:
    body = {"name": "name", "flag": True, "nothing": None, "list": []}
    assert repaired(body, refusal) == body


def test_a_boolean_is_no_number_to_be_raised() -> None:
    assert repaired({"flag": True}, {"flag": ["must be at least 12"]}) == {"flag": True}


def test_a_bound_that_no_request_should_have_is_not_met() -> None:
    assert repaired({"name": "n"}, {"name": ["must be at least 99999999 characters"]}) == {"name": "n"}


@pytest.mark.parametrize("body", ["text", 5, None, [], {}, [1, [2]], {"a": {}}])
def test_bodies_of_any_shape_are_looked_at(body: Any) -> None:
    assert repaired(body, LARAVEL) == body


def test_names_with_slashes_and_tildes_are_places_too() -> None:
    assert repaired({"a/b": "x", "c~d": {"e": "y"}}, {"a/b": ["at least 3 characters"]})["a/b"] == "xxxx"


@pytest.mark.parametrize(
    ("refusal", "names"),
    [
        ({"errors": {"title": ["The title field is required."]}}, ["title"]),
        ({"detail": [{"loc": ["body", "title"], "msg": "Field required", "type": "missing"}]}, ["title"]),
        ({"title": ["This field is required."]}, ["title"]),
        ({"errors": {"title": ["can't be blank"]}}, ["title"]),
        ({"errors": [{"field": "title", "defaultMessage": "must not be null"}]}, ["title"]),
        ("title should not be empty", ["title"]),
        ({"error": "missing title, missing text"}, ["title", "text"]),
        ({"error": "Key 'title' not present or not a String"}, ["title"]),
        ({"error": "title is not specified or not a string"}, ["title"]),
        ({"errors": {"title": ["is too long"]}}, []),
        ({"error": "Exactly one of title or text must be provided"}, ["title"]),
        ({"error": "title and text must be provided"}, ["title", "text"]),
        ({}, []),
    ],
)
def test_what_is_missed_is_known(refusal: Any, names: list[str]) -> None:
    absent = {"title": "t", "text": "b", "other": 1}
    assert wanted(refusal, absent) == {name: absent[name] for name in names}


@pytest.mark.parametrize(
    ("refusal", "kept"),
    [
        ("bad parameter: links is not supported", {"name": "n", "host": {"port": 1}}),
        ({"errors": {"port": ["unknown field"]}}, {"name": "n", "links": [1], "host": {}}),
        ({"detail": [{"loc": ["body", "name"], "msg": "Extra inputs are not permitted"}]}, {"links": [1], "host": {"port": 1}}),
        ({"message": "host must be empty when links is set"}, {"name": "n"}),
        ("the name is too long", {"name": "n", "links": [1], "host": {"port": 1}}),
        ("not supported", {"name": "n", "links": [1], "host": {"port": 1}}),
        (None, {"name": "n", "links": [1], "host": {"port": 1}}),
    ],
)  # fmt: skip
def test_what_a_refusal_will_not_have_is_taken_out(refusal: Any, kept: Any) -> None:
    assert without({"name": "n", "links": [1], "host": {"port": 1}}, refusal) == kept
    assert without([1], refusal) == [1]


def test_a_text_that_says_nothing_is_what_its_description_shows() -> None:
    body = {"name": "name", "kind": "kind-2", "state": "open", "hosts": ["hosts"], "ttl": 3}
    descriptions = {
        "/name": "Name of the zone (e.g. “example.com.”) MUST have a trailing dot",
        "/kind": "Must be REPLACE or DELETE. With DELETE, all records go.",
        "/state": "One of 'closed', 'open'",  # a value that says something stays
        "/hosts/0": "for example `a.example`",
        "/ttl": "e.g. `60`",  # of a number nobody knows what it repeats
    }
    assert as_described(body, descriptions) == {
        **body,
        "name": "example.com.",
        "kind": "REPLACE",
        "hosts": ["a.example"],
    }
    assert as_described(body, descriptions, 1)["kind"] == "DELETE"
    assert as_described(body, descriptions, 9)["name"] == "example.com."
    assert as_described(body, {}) == body
    assert as_described("kind", {"": "Must be A1 or B2"}) == "kind"


@pytest.mark.parametrize(
    ("description", "shown", "options"),
    [
        ("", [], []),
        ("The name, for example when it is long, is cut.", [], []),
        ("A duration such as `1h30m` or `2d`.", ["1h30m"], []),
        ("An address, e.g. 10.0.0.1, of the host.", ["10.0.0.1"], []),
        ("Example: 'red'", ["red"], []),
        ("Either `asc` or `desc`", [], ["asc", "desc"]),
        ("Possible values: NONE, ALL, SOME", [], ["NONE", "ALL", "SOME"]),
        ("Allowed values are 'a', 'b' and 'c'.", [], ["a", "b", "c"]),
        ("Kind of path ('notebook', 'file' or \"directory\")", [], ["notebook", "file", "directory"]),
        ("Its form (one of null, 'text', 'json')", [], ["text", "json"]),
        ("A title (the 'short' one, or the long one)", [], []),
        ("A flag ('on')", [], []),
        ("It can be long or short, and must be given or left out.", [], []),
        ("<code>e.g. </code>", [], []),
        ("e.g. `" + "x" * 500 + "`", [], []),
    ],
)
def test_what_a_description_shows(description: str, shown: list[str], options: list[str]) -> None:
    assert (shown_in(description), options_in(description)) == (shown, options)


@pytest.mark.parametrize(
    ("description", "things"),
    [
        ("", []),
        ("Engine spec name (defaults to that of the server)", ["engine_spec", "enginespec", "spec"]),
        ("The project's key", []),
        ("project id", ["project"]),
        ("ID of the project to move it to", ["project"]),
        ("A unique name of a user.", ["user"]),
        ("The name", []),
        ("Name that is shown", []),
        ("Says by which name it is found", []),
    ],
)
def test_a_description_may_say_whose_name_it_is(description: str, things: list[str]) -> None:
    assert things_in(description) == things


def test_a_text_that_says_nothing_is_the_name_of_what_its_description_names() -> None:
    body = {"engine": {"name": "name", "id": "e-1"}, "title": "title", "count": 3}
    said = {"/engine/name": "Engine name", "/engine/id": "id of an engine", "/title": "Title name"}
    known = {"engine": "v8"}
    assert as_named(body, said, lambda place, thing: known.get(thing)) == {
        **body,
        "engine": {"name": "v8", "id": "e-1"},
    }
    assert as_named(body, said, lambda place, thing: None) == body


def test_a_description_of_any_length_is_read_in_no_time() -> None:
    began = time.process_time()
    for piece in ("e.g. ", "must be a, ", "one of a or ", "`" * 5, "A | "):
        shown_in(piece * 20_000)
        options_in(piece * 20_000)
    plain = time.process_time()
    re.findall(r"e\.g\.", "x" * 50_000_000)
    assert plain - began < 60 * (time.process_time() - plain), "as long as sixty times reading fifty megabytes"


def test_a_refusal_speaks_of_a_place_by_key_path_or_words() -> None:
    assert list(said_of({"errors": {"name": ["too short"]}}, "/name")) == ["too short"]
    assert list(said_of({"detail": [{"loc": ["body", "name"], "msg": "too short"}]}, "/name")).count("too short") == 1
    assert list(said_of("the name is too short", "/name")) == ["the name is too short"]
    assert list(said_of("the surname is too short", "/name")) == []
    assert list(said_of({"errors": {"0": ["x"]}}, "/items/0")) == []
