"""Which edits of a document would end a finding, and why there are none."""

from __future__ import annotations

import json
from typing import Any

import pytest

from contract.core.check import Judge
from contract.core.evidence import Exchange, Request, Response
from contract.core.finding import Finding
from contract.core.openapi import Contract
from contract.core.remedies import Edit, Refused, Shown, applied, options, reached, why_not
from contract.core.rule import pages

from .test_openapi import document

Response_ = dict[str, Any]


def contract(
    schema: Any, version: str = "3.1.0", *, headers: Any = None, other: Any = None, **components: Any
) -> Contract:
    """One operation, `GET /tasks`, whose 200 has a schema; `other` is another operation's response."""
    response: Response_ = {"description": "", "content": {"application/json": {"schema": schema}}}
    if headers is not None:
        response["headers"] = headers
    paths = {"/tasks": {"get": {"operationId": "list", "responses": {"200": response}}}}
    if other is not None:
        paths["/others"] = {"get": {"operationId": "others", "responses": {"200": other}}}
    return Contract(document({"openapi": version, "paths": paths, "components": components}))


def get(body: Any, url: str = "/tasks", status: int = 200, **headers: str) -> Exchange:
    sent = (("Content-Type", "application/json"), *headers.items())
    return Exchange(Request("GET", url), Response(status, sent, json.dumps(body).encode()), "har")


def found(api: Contract, *exchanges: Exchange) -> tuple[Finding, list[Shown]]:
    """The one finding that all of the exchanges show."""
    judge = Judge(api, lambda _, own: own)
    findings = [judge.exchange(exchange).findings for exchange in exchanges]
    assert [len(each) for each in findings] == [1] * len(exchanges)
    return findings[0][0], [Shown(exchange) for exchange in exchanges]


def edits(api: Contract, *exchanges: Exchange) -> list[tuple[Edit, ...]]:
    finding, shown = found(api, *exchanges)
    return [remedy.edits for remedy in options(finding, api, shown)]


def reason(api: Contract, *exchanges: Exchange) -> str:
    with pytest.raises(Refused) as refused:
        edits(api, *exchanges)
    return str(refused.value)


HERE = "#/paths/~1tasks/get/responses/200/content/application~1json/schema"


def test_null_of_one_type() -> None:
    assert edits(contract({"type": "string"}), get(None)) == [(Edit(HERE, (), "set", "type", ["string", "null"]),)]


def test_null_beside_several_types() -> None:
    api = contract({"type": ["string", "integer"]})
    assert edits(api, get(None)) == [(Edit(HERE, ("type",), "append", "", "null"),)]


def test_null_in_openapi_3_0() -> None:
    api = contract({"type": "string"}, "3.0.3")
    assert edits(api, get(None)) == [(Edit(HERE, (), "set", "nullable", True, "type"),)]


def test_null_beside_an_enum_is_a_member_too() -> None:
    api = contract({"type": "object", "properties": {"state": {"type": "string", "enum": ["todo"]}}}, "3.0.3")
    at = f"{HERE}/properties/state"
    finding, *others = Judge(api, lambda _, own: own).exchange(get({"state": None})).findings
    assert [one.mismatch.keyword for one in (finding, *others)] == ["type"]
    assert [remedy.edits for remedy in options(finding, api, [Shown(get({"state": None}))])] == [
        (Edit(at, (), "set", "nullable", True, "type"), Edit(at, ("enum",), "append", "", None))
    ]


def test_null_of_a_schema_that_others_use_is_said_where_it_was_null() -> None:
    task = {"type": "object", "properties": {"due_at": {"$ref": "#/components/schemas/Moment"}}}
    schemas = {"Moment": {"type": "string"}, "Other": {"$ref": "#/components/schemas/Moment"}}
    wrapped = {"anyOf": [{"$ref": "#/components/schemas/Moment"}, {"type": "null"}]}
    assert edits(contract(task, schemas=schemas), get({"due_at": None})) == [
        (Edit(f"{HERE}/properties", (), "set", "due_at", wrapped),)
    ]
    wrapped["anyOf"][1] = {"type": "object", "nullable": True, "enum": [None]}
    assert edits(contract(task, "3.0.3", schemas=schemas), get({"due_at": None})) == [
        (Edit(f"{HERE}/properties", (), "set", "due_at", wrapped),)
    ]


def test_null_of_a_schema_that_was_null_wherever_it_is_used_is_said_once() -> None:
    moment = {"$ref": "#/components/schemas/Moment"}
    task = {"type": "object", "properties": {"from": moment, "to": {"type": "array", "items": moment}}}
    api = contract(task, schemas={"Moment": {"type": "string"}})
    both, one = get({"from": None, "to": ["now", None]}), get({"from": None, "to": ["now"]})
    assert edits(api, both) == [(Edit("#/components/schemas/Moment", (), "set", "type", ["string", "null"]),)]
    wrapped = {"anyOf": [moment, {"type": "null"}]}
    here = [(Edit(f"{HERE}/properties", (), "set", "from", wrapped),)]
    assert edits(api, one) == here
    # Requests that are held to it too would be let through with more than before.
    shared = {"$ref": "#/components/schemas/Task"}
    content = {"content": {"application/json": {"schema": shared}}}
    asked = {"operationId": "a", "requestBody": content, "responses": {"200": {"description": "", **content}}}
    task = {"type": "object", "properties": {"from": moment, "to": moment}}
    schemas = {"Moment": {"type": "string"}, "Task": task}
    api = Contract(document({"paths": {"/tasks": {"get": asked}}, "components": {"schemas": schemas}}))
    finding, shown = found(api, get({"from": None, "to": None}))
    (remedy,) = options(finding, api, shown)
    assert [(edit.at, edit.value) for edit in remedy.edits] == [("#/components/schemas/Task/properties", wrapped)]


def test_a_member_of_an_enum() -> None:
    api = contract({"type": "string", "enum": ["todo", "done"]})
    assert edits(api, get("lost")) == [(Edit(HERE, ("enum",), "append", "", "lost"),)]
    assert edits(api, get("lost"), get("late")) == [
        (Edit(HERE, ("enum",), "append", "", "lost"), Edit(HERE, ("enum",), "append", "", "late"))
    ]


def test_what_is_somebody_s_own_is_no_member_of_an_enum() -> None:
    api = contract({"type": "string", "enum": ["todo", "done"]})
    assert reason(api, get("jo@example.org")) == "the value looks like no word that an enum lists"
    own = "the value looks like somebody's own, and a document should not hold it"
    assert reason(api, get("0b6f5a2e-7c1d-4a3e-9f42-1d1a6c7e5b01")) == own
    assert reason(api, *(get(f"s{letter}") for letter in "abcde")) == "so many values are not listed that it is no enum"


def test_a_property_is_named_in_the_schema_that_should_name_it() -> None:
    api = contract({"type": "object", "properties": {"id": {"type": "integer"}}})
    assert edits(api, get({"id": 1, "score": 7}), get({"score": None})) == [
        (Edit(HERE, ("properties",), "set", "score", {"type": ["integer", "null"]}),)
    ]


def test_of_all_of_it_is_the_branch_that_is_written_in_line() -> None:
    base = {"type": "object", "properties": {"id": {"type": "integer"}}}
    api = contract(
        {"allOf": [{"$ref": "#/components/schemas/Base"}, {"properties": {"state": {"type": "string"}}}]},
        schemas={"Base": base},
    )
    assert edits(api, get({"score": "x" * 40})) == [
        (Edit(f"{HERE}/allOf/1", ("properties",), "set", "score", {"type": "string"}),)
    ]


def test_a_closed_schema_stays_closed() -> None:
    api = contract({"type": "object", "properties": {"id": {}}, "additionalProperties": False})
    assert edits(api, get({"score": True})) == [(Edit(HERE, ("properties",), "set", "score", {"type": "boolean"}),)]


def test_what_is_only_ever_null_gets_a_name_where_the_object_is_open() -> None:
    schema: Response_ = {"type": "object", "properties": {"id": {"type": "integer"}}}
    assert edits(contract(schema), get({"score": None})) == [(Edit(HERE, ("properties",), "set", "score", {}),)]
    # In a closed one a name without a type would let anything through that was refused before.
    closed = contract({**schema, "additionalProperties": False})
    assert reason(closed, get({"score": None})) == "`score` was only ever null, so its type is not known"


def test_of_an_object_or_list_its_type_is_said_where_no_more_of_it_holds() -> None:
    api = contract({"type": "object", "properties": {"id": {"type": "integer"}}})

    def of(*values: Any, part: bool = False) -> list[Any]:
        finding, shown = found(api, *(get({"score": value}) for value in values))
        cut = [Shown(one.exchange, part) for one in shown]
        return [remedy.edits[0].value for remedy in options(finding, api, cut)]

    inner = {"type": "object", "properties": {"of": {"type": "integer"}}}
    assert of({"of": 1}) == [inner, {"type": "object"}]
    assert of({"of": 1}, part=True) == [{"type": "object"}]
    assert of([1], part=True) == [{"type": "array"}]
    assert of(7, part=True) == [{"type": "integer"}], "a number is never cut"
    with pytest.raises(Refused, match="only a part of its value"):
        of([1], "one", part=True)


def test_a_map_has_no_property_of_its_own() -> None:
    api = contract({"type": "object", "properties": {"id": {"type": "integer"}, "name": {"type": "string"}}})
    body = {f"{number:032x}": 1 for number in range(60)}
    assert reason(api, get(body)) == "the object is a map, and what its keys stand for nobody but its author can say"


def test_constraints_stay() -> None:
    for schema, body, keyword in (
        ({"type": "string"}, 1, "type"),
        ({"type": "string", "maxLength": 2}, "long", "maxLength"),
        ({"type": "string", "format": "date"}, "soon", "format"),
        ({"type": "integer", "minimum": 2}, 1, "minimum"),
        ({"type": "string", "pattern": "^a"}, "b", "pattern"),
    ):
        assert reason(contract(schema), get(body)) == (
            f"`{keyword}` would have to hold no more, and which side is right is a decision"
        )


def test_what_requests_need_too_stays_required() -> None:
    task = {"type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}}}
    api = contract({"$ref": "#/components/schemas/Task"}, schemas={"Task": task})
    finding, shown = found(api, get({}))
    (remedy,) = options(finding, api, shown)
    assert remedy.edits == (Edit("#/components/schemas/Task", ("required",), "drop", "", "id"),)
    assert remedy.loosens == (
        "`id` may be missing from now on, as it was in 1 of 1 objects of the answers that show it"
    )
    body = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Task"}}}}
    paths = {**api.root["paths"], "/new": {"post": {"requestBody": body, "responses": {"200": {"description": ""}}}}}
    both = Contract(document({**api.root, "paths": paths}))
    assert reason(both, get({})) == "requests are held to the same schema, and would need `id` no more"


def test_a_discriminator_stays_required() -> None:
    task = {
        "type": "object",
        "required": ["kind"],
        "discriminator": {"propertyName": "kind"},
        "properties": {"kind": {}},
    }
    api = contract({"$ref": "#/components/schemas/Task"}, schemas={"Task": task})
    finding = next(
        one for one in Judge(api, lambda _, own: own).exchange(get({})).findings if one.rule == "response-schema"
    )
    with pytest.raises(Refused, match="`kind` is the discriminator"):
        list(options(finding, api, [Shown(get({}))]))


def test_a_header_of_one_operation_is_required_no_more() -> None:
    header = {"required": True, "schema": {"type": "string"}}
    api = contract({}, headers={"X-Id": header})
    finding, shown = found(api, get(1))
    (remedy,) = options(finding, api, shown)
    assert remedy.edits == (Edit("#/paths/~1tasks/get/responses/200/headers/X-Id", (), "set", "required", False),)
    shared = {"X-Id": {"$ref": "#/components/headers/Id"}}
    api = contract({}, headers=shared, other={"description": "", "headers": shared})
    api = Contract(document({**api.root, "components": {"headers": {"Id": header}}}))
    assert reason(api, get(1)) == "other answers are held to the same `X-Id`, and may well send it: fix the server"


def test_a_header_s_enum() -> None:
    api = contract({}, headers={"X-Cache": {"schema": {"enum": ["hit", "miss"]}}})
    exchange = get(1, "/tasks", 200, **{"X-Cache": "stale"})
    at = "#/paths/~1tasks/get/responses/200/headers/X-Cache/schema"
    assert edits(api, exchange) == [(Edit(at, ("enum",), "append", "", "stale"),)]


def test_a_query_parameter() -> None:
    api = contract({})
    assert edits(api, get(1, "/tasks?limit=5"), get(1, "/tasks?limit=50")) == [
        (
            Edit(
                "#/paths/~1tasks/get",
                ("parameters",),
                "append",
                "",
                {"name": "limit", "in": "query", "schema": {"type": "integer"}},
            ),
        )
    ]
    assert reason(api, get(1, "/tasks?access_token=abc")) == (
        "`access_token` looks like a secret, and those do not belong into a URL: fix the server"
    )


def test_a_status_has_the_shared_response_that_others_give_first() -> None:
    conflict = {
        "description": "",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    api = contract(
        {}, other={"description": ""}, responses={"Conflict": conflict}, schemas={"Problem": {"type": "object"}}
    )
    others = {"get": {"operationId": "others", "responses": {"409": {"$ref": "#/components/responses/Conflict"}}}}
    api = Contract(document({**api.root, "paths": {**api.root["paths"], "/others": others}}))
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    inferred = {"application/json": {"schema": {"type": "object", "properties": {"title": {"type": "string"}}}}}
    assert edits(api, get({"title": "No"}, status=409)) == [
        (Edit("#/paths/~1tasks/get", ("responses",), "set", "409", value, "status"),)
        for value in (
            {"$ref": "#/components/responses/Conflict"},
            {"description": "Conflict", "content": content},
            {"description": "Conflict", "content": inferred},
        )
    ]


def test_a_redirect_s_note_for_people_is_not_declared() -> None:
    api = contract({})
    note = (("Content-Type", "text/html"), ("Location", "/"))
    moved = Exchange(Request("GET", "/tasks"), Response(302, note, b"<a href='/'>here</a>"), "har")
    assert edits(api, moved) == [
        (Edit("#/paths/~1tasks/get", ("responses",), "set", "302", {"description": "Found"}, "status"),)
    ]
    (edit,) = edits(api, get({"to": "/"}, status=302))[0]
    assert edit.value["content"] == {
        "application/json": {"schema": {"type": "object", "properties": {"to": {"type": "string"}}}}
    }


def lacking(response: Response_) -> tuple[Finding, Contract]:
    """The note that a response has no schema."""
    api = Contract(document({"paths": {"/tasks": {"get": {"operationId": "a", "responses": {"200": response}}}}}))
    return next(one for one in Judge(api, lambda _, own: own).document() if one.rule == "response-without-schema"), api


def test_a_response_without_a_schema_gets_one_from_its_bodies() -> None:
    made = {"type": "object", "properties": {"id": {"type": "integer"}}}
    finding, api = lacking({"description": "", "content": {"application/json": {}}})
    media = "#/paths/~1tasks/get/responses/200/content/application~1json"
    (remedy,) = options(finding, api, [Shown(get({"id": 1}))])
    assert remedy.edits == (Edit(media, (), "set", "schema", made),)
    finding, api = lacking({"description": ""})
    (remedy,) = options(finding, api, [Shown(get({"id": 1}))])
    response = "#/paths/~1tasks/get/responses/200"
    assert remedy.edits == (Edit(response, ("content",), "set", "application/json", {"schema": made}),)
    empty = Exchange(Request("GET", "/tasks"), Response(200, (), b""), "har")
    for shown, said in (
        ([Shown(empty)], "no exchange shows a body of it: name a recording that does with `--traffic`"),
        (
            [Shown(get({"id": 1}), part=True)],
            "the report holds only a part of the answer's body: name the recording with `--traffic`",
        ),
    ):
        with pytest.raises(Refused) as refused:
            list(options(finding, api, shown))
        assert str(refused.value) == said


def test_a_status_of_a_head() -> None:
    head = {"head": {"operationId": "head", "responses": {"200": {"description": ""}}}}
    api = Contract(document({"paths": {"/tasks": head}}))
    exchange = Exchange(Request("HEAD", "/tasks"), Response(404, (("Content-Type", "application/json"),)), "har")
    assert edits(api, exchange) == [
        (Edit("#/paths/~1tasks/head", ("responses",), "set", "404", {"description": "Not Found"}, "status"),)
    ]


def test_every_rule_has_a_remedy_or_a_reason() -> None:
    remedied = {rule for rule in pages() if why_not(rule) is None}
    assert remedied == {
        "header-schema",
        "missing-header",
        "response-schema",
        "response-without-schema",
        "undeclared-media-type",
        "undeclared-operation",
        "undeclared-parameter",
        "undeclared-property",
        "undeclared-status",
    }
    server = {rule for rule in pages() if (why_not(rule) or "").endswith(": fix the server")}
    assert server == {
        "auth-not-enforced",
        "invalid-request-accepted",
        "malformed-body",
        "no-answer",
        "server-error",
        "use-after-delete",
    }


def test_who_is_held_to_a_component_and_on_which_side() -> None:
    api = contract(
        {"$ref": "#/components/schemas/Page"},
        other={"description": ""},
        schemas={"Page": {"items": {"$ref": "#/components/schemas/Task"}}, "Task": {"type": "object"}},
    )
    assert reached(api, ["#/components/schemas/Task/properties/id"]) == {"GET /tasks": frozenset({"response"})}
    assert reached(api, ["#/components/schemas/Nobody"]) == {}


def test_an_edit_as_a_value() -> None:
    value = {"a": {"list": [1, 2]}, "b": 1}
    assert applied(value, Edit("#/a", ("list",), "append", "", 3)) == {"a": {"list": [1, 2, 3]}, "b": 1}
    assert applied(value, Edit("#", ("a", "list"), "drop", "", 1)) == {"a": {"list": [2]}, "b": 1}
    assert applied({"a": {"list": [1]}}, Edit("#/a", ("list",), "drop", "", 1)) == {"a": {}}
    assert applied(value, Edit("#", ("c", "d"), "set", "e", 1)) == {**value, "c": {"d": {"e": 1}}}
    assert applied(value, Edit("#", ("c",), "append", "", 1)) == {**value, "c": [1]}
    assert value == {"a": {"list": [1, 2]}, "b": 1}
