"""`specs/demo.yaml` is a good document, and the demo's routes are its operations."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import httpx2
import yaml
from fastapi import APIRouter
from fastapi.routing import APIRoute
from openapi_spec_validator import validate

from contract.demo import routes
from contract.demo.app import create_app
from contract.demo.store import STATUSES
from tests.demo.serving import ACME_ADMIN, serving

FILE = Path(__file__).parents[2] / "specs" / "demo.yaml"
DOCUMENT: dict[str, Any] = yaml.load(FILE.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
METHODS = ("get", "put", "post", "patch", "delete")


def resolved(value: Any) -> Any:
    """What a `$ref` points to."""
    while isinstance(value, dict) and "$ref" in value:
        value, path = DOCUMENT, value["$ref"].removeprefix("#/").split("/")
        for name in path:
            value = value[name]
    return value


OPERATIONS: dict[str, tuple[str, str, dict[str, Any], list[dict[str, Any]]]] = {
    operation["operationId"]: (
        method.upper(),
        path,
        operation,
        [resolved(one) for one in item.get("parameters", []) + operation.get("parameters", [])],
    )
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
    if method in METHODS
}


def served(*routers: APIRouter) -> set[tuple[str | None, str, str]]:
    return {
        (route.operation_id, method, route.path)
        for router in routers
        for route in router.routes
        if isinstance(route, APIRoute)
        for method in route.methods or ()
    }


def test_the_document_is_valid() -> None:
    validate(DOCUMENT)


def test_it_stays_short_enough_to_be_read() -> None:
    assert len(OPERATIONS) == 22
    assert len(FILE.read_text(encoding="utf-8").splitlines()) < 900


def test_the_routes_are_the_operations() -> None:
    declared = {(id, method, path) for id, (method, path, _, _) in OPERATIONS.items()}
    assert served(routes.public, routes.members, routes.contents, routes.admins) == declared


def test_the_enumerations_are_those_of_the_code() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    assert schemas["Status"]["enum"] == list(STATUSES) == list(get_args(routes.Status))
    assert schemas["Action"]["enum"] == list(get_args(routes.Action))
    assert schemas["Role"]["enum"] == list(get_args(routes.Role))


def test_every_operation_has_a_tag_a_summary_and_every_refusal_that_it_can_give() -> None:
    for method, path, operation, parameters in OPERATIONS.values():
        (tag,) = operation["tags"]
        assert tag in {one["name"] for one in DOCUMENT["tags"]}
        assert operation["summary"]
        refusals = {status for status in operation["responses"] if status >= "400"}
        body, item = "requestBody" in operation, "{" in path
        queries = any(one["in"] == "query" for one in parameters)
        assert refusals >= {
            *({"401"} if path != "/api/v1/health" else ()),
            *({"403"} if path.startswith("/api/v1/admin/") else ()),
            *({"404"} if item else ()),
            *({"409"} if method == "DELETE" else ()),
            *({"415"} if body else ()),
            *({"422"} if body or queries else ()),
        }


def test_every_example_works_on_the_seeded_rows() -> None:
    """With the parameters' and the bodies' own examples, in the document's order, nothing fails but the pinned rows."""
    answers = {}
    with serving(create_app()) as origin, httpx2.Client(base_url=origin, headers=ACME_ADMIN) as client:
        for id, (method, path, operation, parameters) in OPERATIONS.items():
            values = {one["name"]: one["example"] for one in parameters if "example" in one}
            body = None
            if "requestBody" in operation:
                media = resolved(operation["requestBody"])["content"]["application/json"]
                body = media.get("example") or resolved(media["schema"])["example"]
            url = path.format_map(values)
            query = {
                one["name"]: values[one["name"]] for one in parameters if one["in"] == "query" and "example" in one
            }
            answers[id] = client.request(method, url, params=query, json=body).status_code
    statuses = dict.fromkeys(OPERATIONS, 200) | {id: 201 for id in OPERATIONS if id.startswith("create")}
    assert answers == statuses | {id: 409 for id in OPERATIONS if id.startswith("delete")}
