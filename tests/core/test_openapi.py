"""Which operation a request belongs to, and what it declares."""

from __future__ import annotations

from typing import Any

import pytest

from contract.core.document import Document, Location
from contract.core.openapi import Contract, MediaType, pick_media


def document(value: dict[str, Any]) -> Document:
    return Document(
        "api.yaml",
        "3.1.0",
        {"openapi": "3.1.0", **value},
        "0" * 64,
        lambda pointer: Location("api.yaml", 1, 1),
        lambda pointer: ("api.yaml", pointer),
        list,
    )


def contract(*paths: str, servers: list[dict[str, Any]] | None = None, base_path: str | None = None) -> Contract:
    item = {"get": {"responses": {"200": {"description": "ok"}}}}
    value: dict[str, Any] = {"paths": dict.fromkeys(paths, item)}
    if servers is not None:
        value["servers"] = servers
    return Contract(document(value), base_path)


def matched(api: Contract, path: str, method: str = "GET") -> tuple[str, dict[str, str]] | None:
    found = api.match(method, path)
    return (found.operation.path, dict(found.path_parameters)) if found is not None and found.operation else None


def test_a_static_segment_goes_before_a_templated_one() -> None:
    api = contract("/tasks/{id}", "/tasks/mine", "/{any}/mine")
    assert matched(api, "/tasks/mine") == ("/tasks/mine", {})
    assert matched(api, "/tasks/17") == ("/tasks/{id}", {"id": "17"})
    assert matched(api, "/projects/mine") == ("/{any}/mine", {"any": "projects"})
    assert matched(api, "/projects/17") is None


def test_the_way_back_is_taken_where_a_static_segment_leads_nowhere() -> None:
    api = contract("/a/b/c", "/{x}/b/d")
    assert matched(api, "/a/b/d") == ("/{x}/b/d", {"x": "a"})


def test_a_path_parameter_is_decoded_once_and_never_empty() -> None:
    api = contract("/files/{name}")
    assert matched(api, "/files/a%2Fb%2520c") == ("/files/{name}", {"name": "a/b%20c"})
    assert matched(api, "/files/") is None


def test_a_segment_may_hold_several_parameters() -> None:
    api = contract("/files/{name}.{ext}", "/files/{name}")
    assert matched(api, "/files/report.pdf") == ("/files/{name}.{ext}", {"name": "report", "ext": "pdf"})
    assert matched(api, "/files/report") == ("/files/{name}", {"name": "report"})


def test_a_trailing_slash_is_another_path() -> None:
    assert matched(contract("/tasks"), "/tasks/") is None
    assert matched(contract("/tasks/"), "/tasks/") == ("/tasks/", {})


@pytest.mark.parametrize(
    ("servers", "path"),
    [
        ([{"url": "https://api.example/v1"}], "/v1/tasks"),
        ([{"url": "/v1/"}], "/v1/tasks"),
        ([{"url": "//api.example/v1"}], "/v1/tasks"),
        ([{"url": "https://{host}/{stage}", "variables": {"stage": {"default": "live"}}}], "/live/tasks"),
        ([{"url": "https://a.example/v1"}, {"url": "https://a.example/v2"}], "/v2/tasks"),
        ([{"url": "https://api.example"}], "/tasks"),
        ([], "/tasks"),
    ],
)
def test_the_base_path_is_the_servers(servers: list[dict[str, Any]], path: str) -> None:
    assert matched(contract("/tasks", servers=servers), path) == ("/tasks", {})


def test_a_base_path_that_is_given_replaces_the_servers() -> None:
    api = contract("/tasks", servers=[{"url": "/v1"}], base_path="/api")
    assert matched(api, "/api/tasks") == ("/tasks", {})
    assert matched(api, "/v1/tasks") is None
    assert [operation.identity for operation in api.operations] == ["GET /api/tasks"]


def test_a_path_that_matches_with_another_method_says_which_methods_there_are() -> None:
    found = contract("/tasks").match("PUT", "/tasks")
    assert found is not None
    assert (found.operation, sorted(found.methods)) == (None, ["GET"])


def test_a_response_is_found_by_code_then_range_then_default() -> None:
    responses = {key: {"description": ""} for key in ("404", "4xx", "default")}
    api = Contract(document({"paths": {"/x": {"get": {"responses": responses}}}}))
    operation = api.operations[0]
    assert [found.key for status in (404, 410, 500) if (found := operation.response(status))] == [
        "404",
        "4XX",
        "default",
    ]


def test_the_most_specific_media_type_wins_whatever_the_order() -> None:
    content = [MediaType(name, "#", None) for name in ("*/*", "text/*", "text/html")]
    assert [found.range for name in ("text/html", "text/csv", "image/png") if (found := pick_media(content, name))] == [
        "text/html",
        "text/*",
        "*/*",
    ]
    assert pick_media(content[1:], "image/png") is None
    assert pick_media(content, None) == content[0]  # what has no type may be of any (RFC 9110, 8.3)
    assert pick_media(content[1:], None) is None


def test_an_operation_s_parameter_overrides_the_path_item_s() -> None:
    shared = {"name": "limit", "in": "query", "schema": {"type": "integer"}}
    own = {"name": "limit", "in": "query", "required": True, "explode": False, "schema": {"type": "array"}}
    item = {
        "parameters": [shared, {"$ref": "#/components/parameters/id"}],
        "get": {"parameters": [own], "responses": {}},
    }
    components = {"parameters": {"id": {"name": "id", "in": "header", "required": True}}}
    operation = Contract(document({"paths": {"/x": item}, "components": components})).operations[0]
    assert [(p.label, p.required, p.style, p.explode, p.pointer) for p in operation.parameters] == [
        ("query:limit", True, "form", False, "#/paths/~1x/get/parameters/0"),
        ("header:id", True, "simple", False, "#/components/parameters/id"),
    ]


def test_references_that_lead_in_a_circle_or_nowhere_are_no_parameters() -> None:
    components = {
        "parameters": {"a": {"$ref": "#/components/parameters/b"}, "b": {"$ref": "#/components/parameters/a"}}
    }
    parameters = [{"$ref": "#/components/parameters/a"}, {"$ref": "#/components/parameters/none"}]
    value = {"paths": {"/x": {"get": {"parameters": parameters, "responses": {}}}}, "components": components}
    assert Contract(document(value)).operations[0].parameters == ()


def test_additional_operations_and_query_are_operations() -> None:
    item = {"query": {"responses": {}}, "additionalOperations": {"COPY": {"responses": {}}}, "x-note": {}}
    api = Contract(document({"paths": {"/x": item, "x-paths": {}}}))
    assert [operation.key for operation in api.operations] == ["QUERY /x", "COPY /x"]
    assert api.operations[1].pointer == "#/paths/~1x/additionalOperations/COPY"


# --- two templates of which neither is the more concrete one ----------------------------------------------------------


def reader(name: str, **schemas: Any) -> dict[str, Any]:
    parameters = [
        {"name": each, "in": "path", "required": True, "schema": {"type": "string", **schema}}
        for each, schema in schemas.items()
    ]
    return {"get": {"operationId": name, "parameters": parameters, "responses": {}}}


AMBIGUOUS = {
    "/things/{kind}/_default": reader("default", kind={}),
    "/things/routes/{id}": reader("route", id={"pattern": "^[0-9a-f]{4,}$"}),
    "/things/routes/{id}/{part}": reader("part", id={"type": "integer"}, part={}),
    "/things/{kind}/{id}/{part}": reader("any", kind={}, id={}, part={}),
}


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("/things/routes/_default", "default"),  # no id of that pattern
        ("/things/routes/ac3a3b2d", "route"),
        ("/things/charts/_default", "default"),
        ("/things/routes/zq7", "route"),  # none other takes it
        ("/things/routes/zq7/map", "part"),  # the more concrete one wins whatever its values (4.8.8)
        ("/things/charts/zq7/map", "any"),
    ],
)
def test_of_two_templates_that_differ_both_ways_the_one_that_takes_the_values_is_meant(path: str, wanted: str) -> None:
    match = Contract(document({"paths": AMBIGUOUS})).match("GET", path)
    assert match is not None and match.operation is not None
    assert match.operation.raw["operationId"] == wanted
