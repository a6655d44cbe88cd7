"""The second opinion agrees where a body is really wrong, and says why where it cannot."""

from __future__ import annotations

import json
from typing import Any

import pytest

pytest.importorskip("openapi_core", reason="the extra `fuzz` is not installed")

from contract.core.evidence import Exchange, Request, Response
from contract.core.finding import Finding, Level, Mismatch, Proof, Where, fingerprint
from contract.proof.openapi_core import Second

USER = {
    "type": "object",
    "required": ["id", "mail"],
    "properties": {
        "id": {"type": "integer", "format": "int32"},
        "mail": {"type": ["string", "null"]},
        "tags": {"type": "array", "items": {"enum": ["a", "b"]}},
        "kind": {"oneOf": [{"type": "string", "maxLength": 2}, {"type": "integer"}]},
        "site": {"type": "string", "format": "uri"},
        "pass": {"type": "string", "writeOnly": True},
        "next": {"$ref": "#/components/schemas/User", "minProperties": 3},
    },
}
ALL = {"allOf": [{"$ref": "#/components/schemas/User"}, {"properties": {"more": {"type": "boolean"}}}]}


def document(version: str = "3.1.0", **content: Any) -> dict[str, Any]:
    user = json.loads(json.dumps(USER))
    if version.startswith("3.0"):
        user["properties"]["mail"] = {"type": "string", "nullable": True}
    return {
        "openapi": version,
        "info": {"title": "t", "version": "1"},
        "servers": [{"url": "https://api.example.com/v2"}],
        "paths": {
            "/users/{id}": {
                "servers": [{"url": "https://other.example.com"}],
                "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}}],
                "get": {
                    "parameters": [{"name": "n", "in": "query", "schema": {"type": "integer"}}],
                    "responses": {
                        "200": {
                            "description": "",
                            "content": content
                            or {"application/json": {"schema": {"$ref": "#/components/schemas/User"}}},
                        }
                    },
                },
            }
        },
        "components": {"schemas": {"User": user, "All": ALL}},
    }


def exchange(body: Any, media: str = "application/json", url: str = "/v2/users/7") -> Exchange:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Exchange(Request("GET", url), Response(200, (("Content-Type", media),), raw), "test")


def finding(
    keyword: str, pointer: str, component: str = "", name: str | None = None, rule: str = "response-schema"
) -> Finding:
    at = "#/components/schemas/User" + component
    mismatch = Mismatch(Where("response", "200", "application/json", pointer), None, None, "m", keyword, at, name)
    return Finding(rule, Level.ERROR, "GET /v2/users/{id}", mismatch, fingerprint(rule, None, mismatch))


def asked(value: dict[str, Any], shown: Exchange, about: Finding) -> tuple[Proof, str]:
    return Second(value).confirm(shown, about, "/users/{id}")


@pytest.mark.parametrize("version", ["3.0.3", "3.1.0", "3.2.0"])
@pytest.mark.parametrize(
    ("body", "keyword", "pointer", "component", "name"),
    [
        ({"id": "1", "mail": None}, "type", "/id", "/properties/id", None),
        ({"id": 1}, "required", "", "", "mail"),
        ({"id": 1, "mail": "", "tags": ["a", "c"]}, "enum", "/tags/*", "/properties/tags/items", None),
        ({"id": 1, "mail": "", "kind": "long"}, "maxLength", "/kind", "/properties/kind/oneOf/0", None),
        ({"id": 1, "mail": "", "next": {"id": 1}}, "required", "/next", "", "mail"),
        ({"id": 1 << 40, "mail": ""}, "format", "/id", "/properties/id", None),
    ],
)
def test_a_wrong_body_is_confirmed_by_openapi_core(
    version: str, body: Any, keyword: str, pointer: str, component: str, name: str | None
) -> None:
    proof = asked(document(version), exchange(body), finding(keyword, pointer, component, name))
    assert proof == (Proof.CONFIRMED, f"confirmed by openapi-core: `{keyword}` at {pointer or 'the root'}")


def test_a_right_body_is_unproven() -> None:
    proof = asked(document(), exchange({"id": 1, "mail": "x"}), finding("type", "/id", "/properties/id"))
    assert proof == (Proof.UNPROVEN, "openapi-core takes the same body")


def test_a_refusal_of_another_place_proves_nothing() -> None:
    proof = asked(document(), exchange({"id": "x", "mail": "x"}), finding("type", "/mail", "/properties/mail"))
    assert proof == (Proof.UNPROVEN, "openapi-core takes the same body")
    other = asked(document(), exchange({"id": "x"}), finding("required", "", "", "id"))
    assert other == (Proof.UNPROVEN, "openapi-core takes the same body")


def test_where_openapi_core_does_not_decode_a_media_range_jsonschema_decides() -> None:
    value = document(
        **{
            "application/*": {"schema": {"$ref": "#/components/schemas/User"}},
        }
    )
    proof, detail = asked(value, exchange({"id": "1", "mail": None}), finding("type", "/id", "/properties/id"))
    assert proof is Proof.CONFIRMED
    assert detail.startswith("confirmed by jsonschema: `type` at /id")


def test_keywords_beside_a_reference_are_confirmed() -> None:
    body = {"id": 1, "mail": "", "next": {"id": 1, "mail": ""}}
    proof = asked(document(), exchange(body), finding("minProperties", "/next", "/properties/next"))
    assert proof == (Proof.CONFIRMED, "confirmed by openapi-core: `minProperties` at /next")


def test_a_write_only_value_in_an_answer_is_disputed_from_3_1_on_and_confirmed_before() -> None:
    about = finding("writeOnly", "/pass", "/properties/pass")
    body = exchange({"id": 1, "mail": "", "pass": "x"})
    proof, detail = asked(document(), body, about)
    assert proof is Proof.DISPUTED
    assert detail.endswith("(JSON Schema 2020-12 validation, 9.4)")
    assert asked(document("3.0.3"), body, about)[0] is Proof.CONFIRMED


def test_a_format_that_the_second_validators_do_not_check_is_disputed() -> None:
    proof = asked(
        document(), exchange({"id": 1, "mail": "", "site": "no uri"}), finding("format", "/site", "/properties/site")
    )
    assert proof == (Proof.DISPUTED, "openapi-core does not check the format `uri`; RFC 3986, 3 decides")


@pytest.mark.parametrize("version", ["3.0.3", "3.1.0"])
def test_an_undeclared_property_is_confirmed_with_the_object_closed(version: str) -> None:
    about = finding("additionalProperties", "/next/extra", "", "extra", rule="undeclared-property")
    body = exchange({"id": 1, "mail": "", "next": {"id": 1, "mail": "", "tags": [], "extra": 1}})
    assert asked(document(version), body, about) == (
        Proof.CONFIRMED,
        "confirmed by openapi-core, with objects closed: `extra` is not declared",
    )
    right = exchange({"id": 1, "mail": "", "next": {"id": 1, "mail": "", "tags": []}})
    assert asked(document(version), right, about)[0] is Proof.UNPROVEN


def test_a_property_that_another_branch_declares_is_never_confirmed() -> None:
    value = document(**{"application/json": {"schema": {"$ref": "#/components/schemas/All"}}})

    def about(name: str) -> Finding:
        where = Where("response", "200", "application/json", f"/{name}")
        at = "#/components/schemas/User"  # the first schema of the place that names properties
        mismatch = Mismatch(where, None, None, "m", "additionalProperties", at, name)
        return Finding("undeclared-property", Level.WARNING, "GET /v2/users/{id}", mismatch, "f")

    body = exchange({"id": 1, "mail": "", "more": True, "extra": 1})
    assert asked(value, body, about("extra")) == (
        Proof.CONFIRMED,
        "confirmed by jsonschema, with the object closed: `extra` is not declared",
    )
    proof, detail = asked(value, body, about("more"))
    assert proof is Proof.DISPUTED
    assert detail.endswith("(JSON Schema 2020-12 core, 11.3, decides)")


def test_a_fault_of_a_validator_is_told_and_raises_nothing() -> None:
    value = document(**{"application/json": {"schema": {"$ref": "#/components/schemas/None"}}})
    proof, detail = asked(value, exchange({"id": 1}), finding("type", "/id", "/properties/id"))
    assert proof is Proof.UNPROVEN
    assert detail.startswith("openapi-core fails on this exchange (")
    bad = document(**{"application/json": {"schema": {"type": "strange", "pattern": "("}}})
    assert asked(bad, exchange("x"), finding("type", "", ""))[0] is Proof.UNPROVEN


def test_a_path_item_behind_a_reference_is_found() -> None:
    value = document()
    value["components"]["pathItems"] = {"U": value["paths"]["/users/{id}"]}
    value["paths"]["/users/{id}"] = {"$ref": "#/components/pathItems/U"}
    assert (
        asked(value, exchange({"id": "1", "mail": None}), finding("type", "/id", "/properties/id"))[0]
        is Proof.CONFIRMED
    )


def test_a_schema_that_is_taken_from_another_path_is_found() -> None:
    value = document()
    inner = "#/paths/~1users~1{id}/get/responses/200/content/application~1json/schema"
    value["paths"]["/other"] = {
        "get": {"responses": {"200": {"description": "", "content": {"application/json": {"schema": {"$ref": inner}}}}}}
    }
    proof, _ = Second(value).confirm(exchange({"id": "1", "mail": None}), finding("type", "/id"), "/other")
    assert proof is Proof.CONFIRMED


def test_a_request_that_was_accepted_is_invalid_for_openapi_core_too() -> None:
    about = finding("type", "query:n", rule="invalid-request-accepted")
    wrong = exchange({}, url="/v2/users/7?n=x")
    assert asked(document(), wrong, about)[0] is Proof.CONFIRMED
    at = finding("type", "path:id", rule="invalid-request-accepted")
    assert asked(document(), exchange({}, url="/v2/users/x?n=1"), at)[0] is Proof.CONFIRMED
    assert asked(document(), exchange({}, url="/v2/users/7?n=1"), about) == (
        Proof.UNPROVEN,
        "openapi-core takes the request as valid",
    )


def test_credentials_of_a_kind_that_it_does_not_know_are_no_warning(recwarn: pytest.WarningsRecorder) -> None:
    value = document()
    value["components"]["securitySchemes"] = {"sso": {"type": "oauth2", "flows": {}}}
    value["security"] = [{"sso": []}]
    about = finding("type", "query:n", rule="invalid-request-accepted")
    assert asked(value, exchange({}, url="/v2/users/7?n=x"), about)[0] is Proof.CONFIRMED
    assert [str(each.message) for each in recwarn] == []


def test_no_value_of_a_body_stands_in_the_detail() -> None:
    _, detail = asked(document(), exchange({"id": "jo@example.com", "mail": None}), finding("type", "/id"))
    assert "jo@example.com" not in detail


def test_the_template_may_carry_the_base_path() -> None:
    proof, _ = Second(document()).confirm(
        exchange({"id": "1", "mail": None}), finding("type", "/id", "/properties/id"), "/v2/users/{id}"
    )
    assert proof is Proof.CONFIRMED


# --- what is not JSON ----------------------------------------------------------------------------------------------

PET = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}, "age": {"type": "integer"}}}
FORM = "application/x-www-form-urlencoded"
PART = b'--b\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n'
PARTS = PART % (b"name", b"Rex") + PART % (b"age", b"old") + PART % (b"toy", b"ball") + b"--b--\r\n"
BODIES = {
    "application/xml": b"<pet><name>Rex</name><age>old</age><toy>ball</toy></pet>",
    FORM: b"name=Rex&age=old&toy=ball",
    "multipart/form-data; boundary=b": PARTS,
}


def about(rule: str, direction: str, pointer: str, keyword: str = "", name: str | None = None) -> Finding:
    mismatch = Mismatch(Where(direction, "200", None, pointer), None, None, "m", keyword, "#", name)
    return Finding(rule, Level.ERROR, "GET /v2/users/{id}", mismatch, "f")


def sent(body: bytes, media: str, schema: Any = PET) -> tuple[dict[str, Any], Exchange]:
    """A document whose request body is that of a media type, and a request with it."""
    value = document()
    operation = value["paths"]["/users/{id}"]["get"]
    operation["requestBody"] = {"content": {media.partition(";")[0]: {"schema": schema}}}
    request = Request("GET", "/v2/users/7", (("Content-Type", media),), body)
    return value, Exchange(request, Response(200, (("Content-Type", "application/json"),), b"{}"), "test")


@pytest.mark.parametrize("media", BODIES)
def test_a_wrong_body_is_confirmed_in_every_media_type(media: str) -> None:
    value = document(**{media.partition(";")[0]: {"schema": PET}})
    answer = exchange(BODIES[media], media)
    proof, detail = asked(value, answer, about("response-schema", "response", "/age", "type"))
    assert (proof, "`type` at /age" in detail) == (Proof.CONFIRMED, True)
    proof, detail = asked(value, answer, about("undeclared-property", "response", "/toy", name="toy"))
    assert (proof, "`toy` is not declared" in detail) == (Proof.CONFIRMED, True)
    assert asked(value, answer, about("response-schema", "response", "/name", "type"))[0] is Proof.UNPROVEN
    assert asked(value, answer, about("undeclared-property", "response", "/name", name="name"))[0] is Proof.UNPROVEN


@pytest.mark.parametrize("media", BODIES)
def test_a_wrong_request_is_confirmed_in_every_media_type(media: str) -> None:
    value, shown = sent(BODIES[media], media)
    assert asked(value, shown, about("invalid-request-accepted", "request", "body:/age"))[0] is Proof.CONFIRMED
    proof, detail = asked(value, shown, about("undeclared-property", "request", "body:/toy", name="toy"))
    assert (proof, "`toy` is not declared" in detail) == (Proof.CONFIRMED, True)
    assert asked(value, shown, about("undeclared-property", "request", "body:/age", name="age"))[0] is Proof.UNPROVEN
    right, good = sent(BODIES[media].replace(b"old", b"3"), media)
    assert asked(right, good, about("invalid-request-accepted", "request", "body:/age"))[0] is Proof.UNPROVEN


def test_an_item_of_a_stream_is_confirmed_however_long_the_stream() -> None:
    value = document("3.2.0", **{"application/jsonl": {"itemSchema": PET}})
    body = b'{"name": "Rex"}\n' * 500 + b'{"name": "Rex", "age": "old", "toy": "ball"}\n'
    answer = exchange(body, "application/jsonl")
    proof, detail = asked(value, answer, about("response-schema", "response", "/*/age", "type"))
    assert proof is Proof.CONFIRMED
    assert detail == "confirmed by jsonschema: `type` at /*/age (openapi-core cannot read this media type)"
    assert asked(value, answer, about("undeclared-property", "response", "/*/toy", name="toy"))[0] is Proof.CONFIRMED
    assert asked(value, answer, about("response-schema", "response", "/*/name", "type")) == (
        Proof.UNPROVEN,
        "openapi-core cannot read this media type",
    )


def test_what_is_said_beside_the_schema_is_structural() -> None:
    named = {**PET, "xml": {"name": "pet"}}
    value = document(**{"application/xml": {"schema": named}})
    answer = exchange(b"<cat><name>Rex</name></cat>", "application/xml")
    assert asked(value, answer, about("response-schema", "response", "", "xml")) == (
        Proof.STRUCTURAL,
        "it is said beside the schema, and follows from what is declared and what is sent",
    )
    value, shown = sent(BODIES["application/xml"].replace(b"pet", b"cat"), "application/xml", named)
    assert asked(value, shown, about("invalid-request-accepted", "request", "body"))[0] is Proof.STRUCTURAL


def test_a_body_that_cannot_be_read_proves_nothing() -> None:
    value = document(**{"application/xml": {"schema": PET}})
    broken = exchange(b"<pet>", "application/xml")
    assert asked(value, broken, about("response-schema", "response", "/age", "type")) == (
        Proof.UNPROVEN,
        "openapi-core cannot read this media type and jsonschema cannot read the body",
    )
    assert asked(value, broken, about("undeclared-property", "response", "/toy", name="toy"))[0] is Proof.UNPROVEN


def with_header(schema: Any, value: str, version: str = "3.1.0") -> tuple[dict[str, Any], Exchange]:
    api = document(version)
    api["paths"]["/users/{id}"]["get"]["responses"]["200"]["headers"] = {"X-Limit": {"schema": schema}}
    return api, Exchange(Request("GET", "/v2/users/7"), Response(200, (("x-limit", value),), b""), "test")


def test_a_wrong_header_is_confirmed() -> None:
    header = about("header-schema", "response", "header:X-Limit", "type")
    value, shown = with_header({"type": "integer"}, "many")
    assert asked(value, shown, header) == (
        Proof.CONFIRMED,
        "confirmed by openapi-core: it refuses the header `X-Limit`",
    )
    value, shown = with_header({"type": "integer"}, "12")
    assert asked(value, shown, header) == (Proof.UNPROVEN, "openapi-core takes the same header")
    value, shown = with_header({"type": "integer", "format": "int32"}, "4294967296", "3.0.3")
    # Neither validator of 3.0 knows what the other one's format is, but one of the two refuses the number.
    assert asked(value, shown, about("header-schema", "response", "header:X-Limit", "format"))[0] in (
        Proof.CONFIRMED,
        Proof.DISPUTED,
    )


def test_a_parameter_that_openapi_core_misreads_is_confirmed_by_its_readings() -> None:
    value = document()
    colour = {"type": "array", "items": {"type": "integer"}}
    value["paths"]["/users/{id}"]["get"]["parameters"] = [
        {"name": "c", "in": "query", "style": "pipeDelimited", "explode": False, "schema": colour}
    ]
    wrong = exchange({}, url="/v2/users/7?c=1%7Cb")
    assert asked(value, wrong, about("invalid-request-accepted", "request", "query:c"))[0] is Proof.CONFIRMED
    right = exchange({}, url="/v2/users/7?c=1%7C2")
    assert asked(value, right, about("invalid-request-accepted", "request", "query:c"))[0] is Proof.UNPROVEN
