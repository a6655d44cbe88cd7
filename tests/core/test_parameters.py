"""Each style and explode of OpenAPI 3.1, 4.8.12.6, read as the table of that clause writes it."""

from __future__ import annotations

from typing import Any

import pytest

from contract.core import parameters
from contract.core.evidence import Exchange, Request
from contract.core.openapi import Contract

from .test_openapi import document

INTEGER = {"type": "integer", "minimum": 1}
NAMES = {"type": "array", "items": {"type": "string", "minLength": 3}, "minItems": 1}
NUMBERS = {"type": "array", "items": {"type": "integer"}}
COLOUR = {"type": "object", "required": ["R"], "properties": {"R": {"type": "integer"}, "G": {"type": "integer"}}}


def broken(parameter: dict[str, Any], url: str, headers: tuple[tuple[str, str], ...] = (), **request: Any) -> list[str]:
    path = f"/x/{{{parameter['name']}}}" if parameter["in"] == "path" else "/x"
    operation = {"parameters": [{"required": parameter["in"] == "path", **parameter}], "responses": {}}
    api = Contract(document({"paths": {path: {"get": operation}}}))
    match = api.match("GET", url.partition("?")[0])
    assert match is not None and match.operation is not None
    exchange = Exchange(Request("GET", url, headers), None, "test")
    return [
        f"{place} {error.keyword}"
        for place, error in parameters.errors(match.operation, exchange, match.path_parameters)
    ]


def where(location: str, style: str, explode: bool, schema: dict[str, Any], name: str = "p") -> dict[str, Any]:
    return {"name": name, "in": location, "style": style, "explode": explode, "schema": schema}


@pytest.mark.parametrize(
    ("parameter", "good", "bad", "keyword"),
    [
        (where("query", "form", True, INTEGER), "/x?p=1", "/x?p=0", "minimum"),
        (where("query", "form", True, INTEGER), "/x?p=1", "/x?p=one", "type"),
        (where("query", "form", True, {"type": "boolean"}), "/x?p=true", "/x?p=yes", "type"),
        (where("query", "form", True, {"type": "string"}), "/x?p=17", "/x?p=1&p=2", "type"),
        (where("query", "form", True, {"enum": ["1", "2"]}), "/x?p=1", "/x?p=3", "enum"),
        (where("query", "form", True, NUMBERS), "/x?p=1&p=2", "/x?p=1&p=b", "type"),
        (where("query", "form", False, NUMBERS), "/x?p=1,2", "/x?p=1,b", "type"),
        (where("query", "spaceDelimited", False, NUMBERS), "/x?p=1%202", "/x?p=1%20b", "type"),
        (where("query", "pipeDelimited", False, NUMBERS), "/x?p=1%7C2", "/x?p=1%7Cb", "type"),
        (where("query", "form", False, COLOUR), "/x?p=R,1,G,2", "/x?p=G,2", "required"),
        (where("query", "form", True, COLOUR), "/x?R=1&G=2", "/x?R=b", "type"),
        (where("query", "deepObject", True, COLOUR), "/x?p[R]=1&p[G]=2", "/x?p[R]=b", "type"),
        (where("path", "simple", False, INTEGER), "/x/1", "/x/one", "type"),
        (where("path", "simple", False, NUMBERS), "/x/1,2", "/x/1,b", "type"),
        (where("path", "simple", False, COLOUR), "/x/R,1,G,2", "/x/G,2", "required"),
        (where("path", "simple", True, COLOUR), "/x/R=1,G=2", "/x/G=2", "required"),
        (where("path", "label", False, INTEGER), "/x/.1", "/x/.b", "type"),
        (where("path", "label", False, NUMBERS), "/x/.1,2", "/x/.1,b", "type"),
        (where("path", "label", True, NUMBERS), "/x/.1.2", "/x/.1.b", "type"),
        (where("path", "label", True, COLOUR), "/x/.R=1.G=2", "/x/.G=2", "required"),
        (where("path", "matrix", False, INTEGER), "/x/;p=1", "/x/;p=b", "type"),
        (where("path", "matrix", False, NUMBERS), "/x/;p=1,2", "/x/;p=1,b", "type"),
        (where("path", "matrix", True, NUMBERS), "/x/;p=1;p=2", "/x/;p=1;p=b", "type"),
        (where("path", "matrix", True, COLOUR), "/x/;R=1;G=2", "/x/;G=2", "required"),
    ],
)
def test_a_style_is_read_as_the_standard_writes_it(
    parameter: dict[str, Any], good: str, bad: str, keyword: str
) -> None:
    assert broken(parameter, good) == []
    assert broken(parameter, bad) == [f"{parameter['in']}:p {keyword}"]


def test_headers_and_cookies_are_read_too() -> None:
    header = where("header", "simple", False, NUMBERS, "X-Ids")
    assert broken(header, "/x", (("x-ids", "1,2"),)) == []
    assert broken(header, "/x", (("x-ids", "1,b"),)) == ["header:X-Ids type"]
    cookie = where("cookie", "form", False, INTEGER, "visits")
    assert broken(cookie, "/x", (("Cookie", "a=b; visits=2"),)) == []
    assert broken(cookie, "/x", (("Cookie", "a=b; visits=no"),)) == ["cookie:visits type"]


def test_what_is_required_and_left_out_is_said() -> None:
    parameter = {**where("query", "form", True, INTEGER), "required": True}
    assert broken(parameter, "/x") == ["query:p required"]
    assert broken({**parameter, "required": False}, "/x") == []


def test_a_parameter_with_content_is_read_by_its_media_type() -> None:
    parameter = {"name": "p", "in": "query", "content": {"application/json": {"schema": COLOUR}}}
    assert broken(parameter, '/x?p={"R":1}') == []
    assert broken(parameter, '/x?p={"R":"b"}') == ["query:p type"]


def test_an_empty_value_is_allowed_only_where_it_is_said() -> None:
    parameter = where("query", "form", True, INTEGER)
    assert broken(parameter, "/x?p=") == ["query:p type"]
    assert broken({**parameter, "allowEmptyValue": True}, "/x?p=") == []


def body(declared: dict[str, Any] | None, content_type: str | None, sent: bytes | None) -> list[str]:
    operation: dict[str, Any] = {"responses": {}}
    if declared is not None:
        operation["requestBody"] = declared
    api = Contract(document({"paths": {"/x": {"post": operation}}}))
    headers = (("Content-Type", content_type),) if content_type else ()
    exchange = Exchange(Request("POST", "/x", headers, sent), None, "test")
    return [f"{place} {error.keyword}" for place, error in parameters.errors(api.operations[0], exchange, {})]


def test_a_body_is_judged_by_its_media_type() -> None:
    declared = {"required": True, "content": {"application/json": {"schema": COLOUR}}}
    assert body(declared, "application/json", b'{"R": 1}') == []
    assert body(declared, "application/json", b'{"R": "b"}') == ["body:/R type"]
    assert body(declared, "application/json", b"{") == ["body json"]
    assert body(declared, "text/plain", b"R") == ["body content"]
    assert body(declared, None, None) == ["body required"]
    assert body({**declared, "required": False}, None, None) == []
    assert body(None, "text/plain", b"R") == []


def test_a_readonly_property_is_not_required_of_a_request() -> None:
    schema = {
        "type": "object",
        "required": ["id", "name"],
        "properties": {"id": {"type": "integer", "readOnly": True}, "name": {"type": "string"}},
    }
    declared = {"content": {"application/json": {"schema": schema}}}
    assert body(declared, "application/json", b'{"name": "a"}') == []
    assert body(declared, "application/json", b'{"id": 1}') == ["body: required"]


def test_numbers_keep_the_range_of_their_format() -> None:
    parameter = where("query", "form", True, {"type": "integer", "format": "int32"})
    assert broken(parameter, "/x?p=2147483647") == []
    assert broken(parameter, "/x?p=2147483648") == ["query:p format"]
