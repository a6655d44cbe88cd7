"""Each kind of body becomes the values that the standards say it stands for."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.core import bodies, parameters
from contract.core.bodies import NOTHING, Content
from contract.core.check import Judge
from contract.core.document import Document, Location
from contract.core.evidence import Exchange, Request, Response
from contract.core.openapi import Contract

FORM = "application/x-www-form-urlencoded"
PET = {
    "type": "object",
    "required": ["name"],
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}, "tame": {"type": "boolean"}},
}


def api(entry: dict[str, Any], range: str = "*/*", version: str = "3.1.0", **schemas: Any) -> Contract:
    value = {
        "openapi": version,
        "paths": {"/x": {"post": {"requestBody": {"content": {range: entry}}, "responses": {}}}},
        "components": {"schemas": schemas},
    }
    return Contract(
        Document(
            "api.yaml",
            version,
            value,
            "0" * 64,
            lambda pointer: Location("api.yaml", 1, 1),
            lambda pointer: ("api.yaml", pointer),
            list,
        )
    )


def content(contract: Contract, content_type: str | None, body: bytes, direction: str = "response") -> Content:
    declared = contract.operations[0].request_body
    assert declared is not None
    return bodies.read(contract.schemas, declared.content[0], content_type, body, direction)


def value(schema: Any, content_type: str, body: bytes, version: str = "3.1.0", **entry: Any) -> Any:
    """The one value of a body, which must be read without complaint."""
    found = content(api({"schema": schema, **entry}, version=version), content_type, body)
    assert (found.malformed, found.refused, found.unread) == (None, (), None)
    (judged,) = found.judged
    assert judged.where == ""
    return judged.value


def malformed(content_type: str, body: bytes, schema: Any = True) -> str | None:
    found = content(api({"schema": schema}), content_type, body)
    assert found.judged == ()
    return found.malformed


def told(contract: Contract, content_type: str, body: bytes) -> list[str]:
    """What a request breaks, each with its place."""
    exchange = Exchange(Request("POST", "/x", (("Content-Type", content_type),), body), None, "test")
    return [f"{place} {error.keyword}" for place, error in parameters.errors(contract.operations[0], exchange, {})]


# --- JSON ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("media", ["application/json", "Application/Problem+JSON", "text/json; charset=utf-8"])
def test_json_is_read_whatever_it_is_called(media: str) -> None:
    assert value(PET, media, b'{"name": "Rex"}') == {"name": "Rex"}


def test_json_in_another_charset_is_read_where_it_says_so() -> None:
    text = '{"name": "Zoë"}'
    assert value(PET, "application/json; charset=utf-16", text.encode("utf-16")) == {"name": "Zoë"}
    assert value(PET, 'application/json; charset="UTF-32LE"', text.encode("utf-32-le")) == {"name": "Zoë"}
    assert value(PET, "application/json", text.encode("utf-16")) == {"name": "Zoë"}  # its mark says so
    assert value(PET, "application/json", text.encode("utf-8-sig")) == {"name": "Zoë"}
    # JSON has no such parameter (RFC 8259, 11): a wrong one changes nothing.
    assert value(PET, "application/json; charset=iso-8859-1", text.encode()) == {"name": "Zoë"}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "an empty body"),
        (b" \n", "an empty body"),
        (b"{", "no JSON: "),
        (b"NaN", "no JSON: "),
        (b'{"a": Infinity}', "no JSON: "),
        (b'"\xff"', "no JSON: "),
        (b'"\\ud800"', "no JSON: "),
        (b"1e400", "no JSON: "),
        (b"[" * 255 + b"]" * 255, "JSON nested deeper than 254 levels"),
        (b"[" * 2000 + b"]" * 2000, "no JSON: "),
        (b"\x00\x01", "no JSON: "),
    ],
)
def test_what_is_no_json_is_malformed(body: bytes, reason: str) -> None:
    assert (malformed("application/json", body) or "").startswith(reason)


def test_json_may_be_long_and_repeat_names() -> None:
    deep = value(True, "application/json", b" " * 600 + b"[" * 254 + b"]" * 254)
    assert len(json.dumps(deep)) == 508
    assert value(True, "application/json", b"[" + b"[],{}," * 400 + b"1]") == [*[[], {}] * 400, 1]
    assert value(True, "application/json", b'{"a": 1, "a": 2}') == {"a": 2}  # RFC 8259, 4: most readers keep the last
    assert value(True, "application/json", b"[18446744073709551615]") == [2**64 - 1]
    assert value(True, "application/json", b"[18446744073709551616]") == [float(2**64)]  # beyond 64 bits: a float


def test_malformed_json_is_told_whether_or_not_a_schema_stands_there() -> None:
    contract = api({})
    assert content(contract, "application/json", b"{}") == NOTHING
    assert bodies.read(contract.schemas, None, "application/json", b"{}", "response") == NOTHING
    assert bodies.read(contract.schemas, None, "application/json", b"{", "response").malformed is not None
    assert bodies.read(contract.schemas, None, "application/xml", b"<a>", "response").malformed is not None


@pytest.mark.parametrize("media", [None, "", "application/octet-stream", "image/png", "application/pdf", "nonsense"])
def test_a_type_that_nobody_reads_is_not_judged(media: str | None) -> None:
    assert content(api({"schema": PET}), media, b"\x00\xff") == NOTHING


# --- text ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schema", "body", "read"),
    [
        ({"type": "string"}, b"17", "17"),
        ({"type": "integer"}, b"17\n", 17),
        ({"type": "number"}, b"1.5", 1.5),
        ({"type": "boolean"}, b"true", True),
        ({"type": ["integer", "null"]}, b"", None),
        ({"type": "integer"}, b"seventeen", "seventeen"),
        ({"type": ["string", "integer"], "not": {"type": "string"}}, b"17", 17),
        ({"enum": [17]}, b"17", 17),
        ({}, b"17", "17"),
        ({"type": "object"}, b'{"a": 1}', {"a": 1}),  # many servers send JSON so
        ({"type": "integer"}, b"1" * 400, "1" * 400),
    ],
)
def test_text_takes_the_reading_that_its_schema_takes(schema: Any, body: bytes, read: Any) -> None:
    assert value(schema, "text/plain", body) == read


def test_text_is_read_in_its_charset() -> None:
    assert value({"type": "string"}, "text/plain; charset=iso-8859-1", b"Zo\xeb") == "Zoë"
    assert value({"type": "string"}, "text/html", b"Zo\xeb") == "Zoë"  # unlabelled, and no UTF-8
    assert malformed("text/plain; charset=utf-8", b"Zo\xeb") == "no text in utf-8"
    for charset in ("klingon", "undefined", "base64", "utf-7\x00"):
        assert content(api({"schema": {"type": "string"}}), f"text/plain; charset={charset}", b"a").unread is not None


def test_text_that_is_described_as_an_object_is_not_judged() -> None:
    found = content(api({"schema": PET}), "text/csv", b"name\nRex\n")
    assert found == Content(unread="text/csv that is described as an object or an array")


# --- forms ---------------------------------------------------------------------------------------------------------


def form(properties: dict[str, Any], body: str, version: str = "3.1.0", **encoding: Any) -> Any:
    schema = {"type": "object", "properties": properties}
    return value(schema, FORM, body.encode(), version, **({"encoding": encoding} if encoding else {}))


def test_a_form_is_an_object_whose_fields_take_their_schemas_readings() -> None:
    assert value(PET, FORM, b"name=12&age=12&tame=true&more=1") == {"name": "12", "age": 12, "tame": True, "more": "1"}
    assert value(PET, FORM, b"name=a+b%2Bc&age=x&&tame") == {"name": "a b+c", "age": "x", "tame": ""}
    assert value(PET, FORM, b"") == {}
    assert value(PET, f"{FORM}; charset=iso-8859-1", b"name=Zo%EB") == {"name": "Zoë"}


def test_a_field_that_is_sent_twice_is_an_array() -> None:
    numbers = {"type": "array", "items": {"type": "integer"}}
    assert form({"ids": numbers}, "ids=1&ids=2") == {"ids": [1, 2]}
    assert form({"ids": numbers}, "ids=1") == {"ids": [1]}
    assert form({"ids": numbers}, "ids[]=1&ids[]=2") == {"ids": [1, 2]}
    assert form({"id": {"type": "string"}}, "id=1&id=2") == {"id": ["1", "2"]}
    assert form({"id": {"type": ["string", "array"], "items": {"type": "string"}}}, "id=1") == {"id": ["1"]}
    assert form({"id": {"type": ["integer", "array"], "maxItems": 0}}, "id=1") == {"id": 1}


def test_an_object_in_a_form_is_json_by_default() -> None:
    address = {"type": "object", "properties": {"zip": {"type": "string"}}}
    assert form({"address": address}, 'address={"zip":"1"}') == {"address": {"zip": "1"}}
    assert form({"address": address}, "address=home") == {"address": "home"}
    # 3.0.3 says in 4.7.14.4 that its properties stand there themselves.
    assert form({"address": address}, "zip=1", "3.0.3") == {"address": {"zip": "1"}}
    nested = {"type": "array", "items": {"type": "array", "items": {"type": "integer"}}}
    assert form({"rows": nested}, "rows=[1,2]&rows=[3]") == {"rows": [[1, 2], [3]]}


def test_an_encoding_says_what_is_in_a_field() -> None:
    as_json = {"contentType": "application/json"}
    assert form({"a": {"type": "string"}}, "a=%221%22", a=as_json) == {"a": "1"}
    numbers = {"type": "array", "items": {"type": "integer"}}
    assert form({"a": numbers}, "a=[1,2]", a=as_json) == {"a": [1, 2]}
    assert form({"a": numbers}, "a=1&a=2", a=as_json) == {"a": [1, 2]}
    as_xml = {"contentType": "application/xml"}
    info = {"type": "object", "properties": {"n": {"type": "integer"}}}
    assert form({"a": info}, urlencode({"a": "<info><n>1</n></info>"}), a=as_xml) == {"a": {"n": 1}}
    broken = content(
        api({"schema": {"type": "object", "properties": {"a": {}}}, "encoding": {"a": as_json}}), FORM, b"a={"
    )
    assert [(each.pointer, each.keyword, each.declared) for each in broken.refused] == [
        ("/a", "contentType", "application/json")
    ]


@pytest.mark.parametrize(
    ("style", "explode", "body"),
    [
        ("form", True, "p=1&p=2"),
        ("form", False, "p=1,2"),
        ("form", False, "p=1%2C2"),
        ("spaceDelimited", False, "p=1+2"),
        ("spaceDelimited", False, "p=1%202"),
        ("pipeDelimited", False, "p=1|2"),
        ("pipeDelimited", False, "p=1%7C2"),
        ("deepObject", True, "p[0]=1&p[1]=2"),
        ("deepObject", True, "p[]=1&p[]=2"),
    ],
)
def test_an_array_is_read_in_its_style(style: str, explode: bool, body: str) -> None:
    numbers = {"type": "array", "items": {"type": "integer"}}
    assert form({"p": numbers}, body, p={"style": style, "explode": explode}) == {"p": [1, 2]}


@pytest.mark.parametrize(
    ("style", "explode", "body"),
    [
        ("form", True, "R=1&G=2"),
        ("form", False, "p=R,1,G,2"),
        ("deepObject", True, "p[R]=1&p[G]=2"),
        ("deepObject", True, "p%5BR%5D=1&p%5BG%5D=2"),
    ],
)
def test_an_object_is_read_in_its_style(style: str, explode: bool, body: str) -> None:
    colour = {"type": "object", "properties": {"R": {"type": "integer"}, "G": {"type": "integer"}}}
    assert form({"p": colour}, body, p={"style": style, "explode": explode}) == {"p": {"R": 1, "G": 2}}


def test_a_deep_object_may_be_deep() -> None:
    inner = {"type": "array", "items": {"type": "object", "properties": {"n": {"type": "integer"}}}}
    schema = {"type": "object", "properties": {"list": inner, "s": {"type": "string"}}}
    deep = {"style": "deepObject", "explode": True}
    assert form({"p": schema}, "p[list][0][n]=1&p[list][1][n]=2&p[s]=3", p=deep) == {
        "p": {"list": [{"n": 1}, {"n": 2}], "s": "3"}
    }
    far = "p" + "[a]" * 3000 + "=1"
    assert form({"p": schema}, far, p=deep) == {far[:-2]: "1"}
    assert form({"p": schema}, "p[a]=1&p[a][b]=2", p=deep) == {"p": {"a": "1"}}


def test_a_literal_delimiter_stands_beside_an_encoded_one() -> None:
    names = {"type": "array", "items": {"type": "string"}, "maxItems": 2}
    assert form({"p": names}, "p=a%2Cb,c", p={"explode": False}) == {"p": ["a,b", "c"]}


def test_a_reading_that_the_whole_takes_is_found() -> None:
    schema = {
        "type": "object",
        "oneOf": [
            {"properties": {"kind": {"const": "n"}, "v": {"type": "integer"}}},
            {"properties": {"kind": {"const": "s"}, "v": {"type": "string"}}},
        ],
    }
    assert value(schema, FORM, b"kind=n&v=1") == {"kind": "n", "v": 1}
    assert value(schema, FORM, b"kind=s&v=1") == {"kind": "s", "v": "1"}


def test_what_is_no_form_is_malformed() -> None:
    assert malformed(FORM, b'{"name": "Rex"}') == "JSON, and no form"
    assert malformed(FORM, b"name=%FF") == "a form with bytes that are no UTF-8"
    assert malformed(FORM, b"%FF=name") == "a form with bytes that are no UTF-8"


TEXTS = st.text(st.characters(codec="utf-8"), max_size=12)


@given(st.dictionaries(TEXTS, TEXTS, max_size=5))
def test_a_form_of_strings_is_read_as_it_was_written(fields: dict[str, str]) -> None:
    schema = {"type": "object", "additionalProperties": {"type": "string"}}
    assert value(schema, FORM, urlencode(fields).encode()) == fields


# --- multipart -----------------------------------------------------------------------------------------------------


def multi(*parts: tuple[str, bytes] | bytes, end: bytes = b"--b--\r\n") -> bytes:
    """A body with the boundary `b`; each part is its headers, and its content."""
    texts = [
        part if isinstance(part, bytes) else part[0].replace("\n", "\r\n").encode() + b"\r\n\r\n" + part[1]
        for part in parts
    ]
    return b"".join(b"--b\r\n" + text + b"\r\n" for text in texts) + end


def field(name: str, more: str = "") -> str:
    return f'Content-Disposition: form-data; name="{name}"{more}'


MULTIPART = "multipart/form-data; boundary=b"


def test_the_parts_of_a_form_are_an_object() -> None:
    schema = {
        "type": "object",
        "properties": {
            "id": {"type": "integer"},
            "meta": {"type": "object"},
            "icon": {"type": "string", "format": "binary"},
            "tags": {"type": "array", "items": {"type": "string"}},
            "any": {},
        },
    }
    body = multi(
        (field("id"), b"17"),
        (field("meta") + "\nContent-Type: application/json", b'{"a": 1}'),
        (field("icon", '; filename="i.png"') + "\nContent-Type: image/png", b"\x89PNG\r\n\x1a\n--b"),
        (field("tags"), b"1"),
        (field("tags"), b"2"),
        (field("any", '; filename="x"'), b"\xff\x00"),
        (field("more"), "Zoë".encode()),
    )
    assert value(schema, MULTIPART, body) == {
        "id": 17,
        "meta": {"a": 1},
        "icon": "\x89PNG\r\n\x1a\n--b",
        "tags": ["1", "2"],
        "any": "\xff\x00",
        "more": "Zoë",
    }


def test_an_object_in_a_part_is_json_by_default() -> None:
    schema = {"type": "object", "properties": {"a": {"$ref": "#/components/schemas/Pet"}}}
    contract = api({"schema": schema}, Pet=PET)
    (judged,) = content(contract, MULTIPART, multi((field("a"), b'{"name": "Rex"}'))).judged
    assert judged.value == {"a": {"name": "Rex"}}


def test_a_part_with_a_label_that_the_encoding_does_not_list_is_refused() -> None:
    entry = {
        "schema": {"type": "object", "properties": {"icon": {}, "note": {}}},
        "encoding": {"icon": {"contentType": "image/png, image/svg+xml"}, "note": {"contentType": "text/*"}},
    }
    right = multi((field("icon") + "\nContent-Type: image/PNG", b"x"), (field("note"), b"x"))
    assert content(api(entry), MULTIPART, right).refused == ()
    wrong = multi((field("icon") + "\nContent-Type: image/gif", b"x"), (field("icon"), b"x"))
    found = content(api(entry), MULTIPART, wrong)
    at = "#/paths/~1x/post/requestBody/content/*~1*/encoding/icon"
    assert [(e.pointer, e.exact, e.keyword, e.component, e.declared, e.observed) for e in found.refused] == [
        ("/icon/*", "/icon/0", "contentType", at, "image/png, image/svg+xml", "labelled image/gif"),
        (
            "/icon/*",
            "/icon/1",
            "contentType",
            at,
            "image/png, image/svg+xml",
            "not labelled, which means text/plain",
        ),
    ]
    assert found.refused[0].message == ("`/icon/0` is labelled image/gif; the document says image/png, image/svg+xml")


def test_the_headers_of_a_part_are_judged() -> None:
    headers = {
        "X-Limit": {"required": True, "schema": {"type": "integer"}},
        "X-List": {"schema": {"type": "array", "items": {"type": "integer"}}},
        "Content-Type": {"required": True, "schema": {"const": "nothing"}},
    }
    contract = api(
        {"schema": {"type": "object", "properties": {"a": {}}}, "encoding": {"a": {"headers": headers}}},
    )
    assert told(contract, MULTIPART, multi((field("a") + "\nx-limit: 1\nX-List: 1, 2", b""))) == []
    assert told(contract, MULTIPART, multi((field("a") + "\nx-limit: one\nX-List: 1, b", b""))) == [
        "body:/a type",
        "body:/a type",
    ]
    assert told(contract, MULTIPART, multi((field("a"), b""))) == ["body:/a required"]


def test_parts_without_names_are_an_array() -> None:
    schema = {"type": "array", "prefixItems": [{"type": "object"}, {}], "items": {"type": "integer"}}
    body = multi(("Content-Type: application/json", b"{}"), b"\r\nplain", ("Content-Type: text/plain", b"3"))
    assert value(schema, "multipart/mixed; boundary=b", body, "3.2.0") == [{}, "plain", 3]


def test_an_encoding_by_position_is_for_the_part_at_its_place() -> None:
    entry = {
        "schema": {"type": "array", "prefixItems": [{"type": "object"}], "items": {}},
        "prefixEncoding": [{}],
        "itemEncoding": {"contentType": "image/*"},
    }
    contract = api(entry, version="3.2.0")
    right = multi(("Content-Type: application/json", b"{}"), ("Content-Type: image/gif", b"x"))
    assert told(contract, "multipart/mixed; boundary=b", right) == []
    wrong = multi(("Content-Type: application/json", b"{}"), ("Content-Type: text/html", b"x"))
    assert told(contract, "multipart/mixed; boundary=b", wrong) == ["body:/1 contentType"]


def test_multipart_may_hold_multipart() -> None:
    inner = b"--c\r\n\r\n1\r\n--c\r\n\r\n2\r\n--c--\r\n"
    body = multi(("Content-Type: application/json", b"[]"), ('Content-Type: multipart/mixed; boundary="c"', inner))
    schema = {
        "type": "array",
        "prefixItems": [{"type": "array"}, {"type": "array", "items": {"type": "integer"}}],
    }
    assert value(schema, "multipart/mixed; boundary=b", body, "3.2.0") == [[], [1, 2]]


def test_a_stream_of_parts_is_judged_item_by_item() -> None:
    contract = api({"itemSchema": PET}, version="3.2.0")
    body = multi(
        ("Content-Type: application/json", b'{"name": "a"}'), ("Content-Type: application/json", b'{"age": "b"}')
    )
    found = content(contract, "multipart/mixed; boundary=b", body)
    assert [(each.where, each.value) for each in found.judged] == [("/*", {"name": "a"}), ("/*", {"age": "b"})]
    assert told(contract, "multipart/mixed; boundary=b", body) == ["body:/* required", "body:/*/age type"]


def test_styles_are_for_forms_and_from_3_1_on() -> None:
    entry = {
        "schema": {"type": "object", "properties": {"p": {"type": "array", "items": {"type": "integer"}}}},
        "encoding": {"p": {"style": "form", "explode": False}},
    }
    body = multi((field("p"), b"1,2"))
    for version, read in (("3.0.3", ["1,2"]), ("3.1.0", [1, 2])):
        (judged,) = content(api(entry, version=version), MULTIPART, body).judged
        assert judged.value == {"p": read}


@pytest.mark.parametrize(
    ("content_type", "body", "reason"),
    [
        ("multipart/form-data", multi((field("a"), b"")), "a multipart body without its boundary"),
        (MULTIPART, b"", "an empty body"),
        (MULTIPART, b"a=1", "a multipart body in which its boundary does not stand"),
        (
            MULTIPART,
            multi((field("a"), b"1"), end=b""),
            "a multipart body that is cut off: its last boundary is missing",
        ),
        (
            MULTIPART,
            multi((field("a"), b"1"), end=b"--bb--"),
            "a multipart body that is cut off: its last boundary is missing",
        ),
        (MULTIPART, multi(("Content-Type: text/plain", b"1")), "a form with a part that has no name"),
        (MULTIPART, multi(b"X: 1"), "a multipart body with a part that has no blank line after its headers"),
        (
            MULTIPART,
            multi((field("a") + "\nContent-Transfer-Encoding: base64", b"1")),
            "a multipart body with a part that is not the base64 it is labelled as",
        ),
    ],
)
def test_what_is_no_multipart_is_malformed(content_type: str, body: bytes, reason: str) -> None:
    assert malformed(content_type, body) == reason


def test_multipart_that_never_ends_within_itself_is_malformed() -> None:
    head = "Content-Type: multipart/mixed; boundary=b"
    body = b"x"
    for depth in range(12):
        boundary = f"b{depth}".encode()
        body = b"--%b\r\nContent-Type: multipart/mixed; boundary=b%d\r\n\r\n%b\r\n--%b--" % (
            boundary,
            max(depth - 1, 0),
            body,
            boundary,
        )
    schema = {"type": "array", "items": {"$ref": "#/components/schemas/Parts"}}
    contract = api({"schema": schema}, version="3.2.0", Parts=schema)
    found = content(contract, "multipart/mixed; boundary=b11", body)
    assert found.malformed == "multipart within multipart, deeper than 8 levels"
    assert head


def test_line_feeds_preambles_and_epilogues_are_taken() -> None:
    body = b"preamble\n--b \n" + field("a").encode() + b"\n\n1\n2\n--b--\nepilogue\n--b\n"
    assert value({"type": "object"}, MULTIPART, body) == {"a": "1\n2"}


@given(st.lists(st.tuples(st.text("abc", min_size=1, max_size=3), st.binary(max_size=20)), min_size=1, max_size=4))
def test_parts_are_read_as_they_were_written(parts: list[tuple[str, bytes]]) -> None:
    label = "\nContent-Type: application/octet-stream"
    boundary = "zq" * 30
    body = multi(*((field(name) + label, data) for name, data in parts)).replace(b"--b", b"--" + boundary.encode())
    wanted: dict[str, Any] = {}
    for name, data in parts:
        if not any(b"--b" in each for _, each in parts):
            wanted.setdefault(name, []).append(data.decode("latin-1"))
    if wanted:
        read = value({"type": "object"}, f"multipart/form-data; boundary={boundary}", body)
        assert read == {name: data if len(data) > 1 else data[0] for name, data in wanted.items()}


# --- XML -----------------------------------------------------------------------------------------------------------


def xml(schema: Any, text: str, version: str = "3.1.0", **schemas: Any) -> Any:
    found = content(api({"schema": schema}, version=version, **schemas), "application/xml", text.encode())
    assert (found.malformed, found.refused, found.unread) == (None, (), None)
    (judged,) = found.judged
    return judged.value


def test_elements_and_attributes_are_properties() -> None:
    # An example of OpenAPI 3.1.1, 4.8.26.3.
    person = {
        "type": "object",
        "properties": {
            "id": {"type": "integer", "format": "int32", "xml": {"attribute": True}},
            "name": {"type": "string", "xml": {"namespace": "https://example.com/schema/sample", "prefix": "sample"}},
        },
    }
    text = '<Person id="123"><s:name xmlns:s="https://example.com/schema/sample">example</s:name></Person>'
    assert xml({"$ref": "#/components/schemas/Person"}, text, Person=person) == {"id": 123, "name": "example"}


STRINGS = {"type": "array", "items": {"type": "string"}}


def named(schema: dict[str, Any], **xml: Any) -> dict[str, Any]:
    return {**schema, "xml": xml}


@pytest.mark.parametrize(
    ("animals", "text"),
    [
        # the examples of OpenAPI 3.1.1, 4.8.26.3, in order; those of 3.2; and an item that is a component
        (STRINGS, "<animals>1</animals><animals>b</animals>"),
        ({**STRINGS, "items": named({"type": "string"}, name="animal")}, "<animal>1</animal><animal>b</animal>"),
        (
            named({"type": "array", "items": named({"type": "string"}, name="animal")}, name="aliens"),
            "<animal>1</animal><animal>b</animal>",
        ),
        (named(STRINGS, wrapped=True), "<animals><animals>1</animals><animals>b</animals></animals>"),
        (
            named({"type": "array", "items": named({"type": "string"}, name="animal")}, wrapped=True),
            "<animals><animal>1</animal><animal>b</animal></animals>",
        ),
        (
            named({"type": "array", "items": named({"type": "string"}, name="animal")}, wrapped=True, name="aliens"),
            "<aliens><animal>1</animal><animal>b</animal></aliens>",
        ),
        (named(STRINGS, wrapped=True, name="aliens"), "<aliens><aliens>1</aliens><aliens>b</aliens></aliens>"),
        (named(STRINGS, nodeType="element"), "<animals><animals>1</animals><animals>b</animals></animals>"),
        (
            {"type": "array", "items": {"$ref": "#/components/schemas/animal"}},
            "<animal>1</animal><animal>b</animal>",
        ),
    ],
)
def test_an_array_is_read_with_its_wrapper_and_without(animals: Any, text: str) -> None:
    schema = {"type": "object", "properties": {"animals": animals}}
    assert xml(schema, f"<root>{text}</root>", animal={"type": "string"}) == {"animals": ["1", "b"]}


def test_an_array_without_elements_is_empty_where_it_is_required() -> None:
    schema = {
        "type": "object",
        "required": ["a"],
        "properties": {"a": STRINGS, "b": STRINGS, "c": named(STRINGS, wrapped=True)},
    }
    assert xml(schema, "<root><c/></root>") == {"a": [], "c": []}


def test_the_root_may_be_an_array() -> None:
    pets = named({"type": "array", "items": {"$ref": "#/components/schemas/Pet"}}, nodeType="element", name="pets")
    text = "<pets><Pet><name>1</name><age> 2 </age></Pet><Pet><name>b</name><tame>1</tame></Pet></pets>"
    assert xml(pets, text, "3.2.0", Pet=PET) == [{"name": "1", "age": 2}, {"name": "b", "tame": True}]


def test_text_and_attributes_stand_beside_each_other() -> None:
    # OpenAPI 3.2, "Elements With Attributes And Text"
    animal = {
        "properties": {
            "kind": named({"type": "string"}, nodeType="attribute"),
            "name": named({"type": "string"}, nodeType="text"),
        },
        "xml": {"name": "animal"},
    }
    animals = named({"type": "array", "items": animal}, nodeType="element", name="animals")
    text = '<animals>\n <animal kind="Cat">Fluffy</animal>\n <animal kind="Dog">Fido</animal>\n</animals>'
    assert xml(animals, text, "3.2.0") == [{"kind": "Cat", "name": "Fluffy"}, {"kind": "Dog", "name": "Fido"}]
    # Before 3.2 the document cannot say where the text goes.
    amount = {
        "type": "object",
        "properties": {"unit": named({"type": "string"}, attribute=True), "n": {"type": "number"}},
    }
    assert xml(amount, '<a unit="m">1.5</a>') == {"unit": "m", "n": 1.5}


def test_a_cdata_section_is_the_text_of_its_property() -> None:
    docs = {"type": "object", "properties": {"content": named({"type": "string"}, nodeType="cdata")}}
    text = "<Documentation>\n  <![CDATA[<html>&amp;</html>]]>\n</Documentation>"
    assert xml({"$ref": "#/components/schemas/Documentation"}, text, "3.2.0", Documentation=docs) == {
        "content": "<html>&amp;</html>"
    }
    stored = {"$ref": "#/components/schemas/Documentation", "xml": {"nodeType": "element", "name": "Stored"}}
    assert xml(stored, text.replace("Documentation", "Stored"), "3.2.0", Documentation=docs)


def test_ordered_elements_are_read_by_position() -> None:
    # OpenAPI 3.2, "Ordered Elements and Text"
    schema = {
        "xml": {"nodeType": "element", "name": "OneTwoThree"},
        "type": "array",
        "prefixItems": [
            named({"type": "string"}, name="One"),
            {
                "xml": {"name": "Two"},
                "type": "object",
                "properties": {
                    "unit": named({"type": "string"}, nodeType="attribute"),
                    "value": named({"type": "number"}, nodeType="text"),
                },
            },
            named({"type": ["boolean", "null"]}, name="Three"),
        ],
    }
    text = '<OneTwoThree>\n<One>Some text</One>\n<Two unit="cubits">42</Two>\n<Three xsi:nil="true" />\n</OneTwoThree>'
    assert xml(schema, text, "3.2.0") == ["Some text", {"unit": "cubits", "value": 42}, None]
    report = {
        "xml": {"nodeType": "element", "name": "Report"},
        "type": "array",
        "prefixItems": [
            named({"type": "string"}, nodeType="text"),
            named({"type": "number"}, name="data"),
            named({"type": "string"}, nodeType="text"),
        ],
    }
    assert xml(report, "<Report>Before.<data>42</data>After.</Report>", "3.2.0") == ["Before.", 42, "After."]


def test_null_is_said_by_xsi_nil_or_by_a_left_out_attribute() -> None:
    # OpenAPI 3.2, "XML With null Values"
    product = {
        "type": "object",
        "required": ["count", "related"],
        "properties": {
            "count": named({"type": ["number", "null"]}, nodeType="attribute"),
            "rating": named({"type": "string"}, nodeType="attribute"),
            "related": {"type": ["object", "null"]},
        },
    }
    xsi = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    assert xml(product, f'<p><related {xsi} xsi:nil="true"/></p>', "3.2.0") == {"count": None, "related": None}
    assert xml(product, '<p count="4"><related></related></p>', "3.2.0") == {"count": 4, "related": {}}


def test_a_group_without_an_element_stands_in_its_parent() -> None:
    group = {"xml": {"nodeType": "none"}, "type": "object", "properties": {"a": {"type": "integer"}}}
    assert xml({"type": "object", "properties": {"g": group, "b": {}}}, "<r><a>1</a><b>2</b></r>", "3.2.0") == {
        "g": {"a": 1},
        "b": "2",
    }


def test_what_no_schema_names_is_kept_for_the_rule_that_looks_for_it() -> None:
    assert xml(PET, '<r x="1" xml:lang="de"><name>a</name><y>1</y><z><w/></z><z/></r>') == {
        "name": "a",
        "x": "1",
        "y": "1",
        "z": [{"w": ""}, ""],
    }


def test_a_property_of_a_component_goes_by_either_name() -> None:
    schema = {"type": "object", "properties": {"owner": {"$ref": "#/components/schemas/Pet"}}}
    for name in ("owner", "Pet"):
        assert xml(schema, f"<r><{name}><name>a</name></{name}></r>", Pet=PET) == {"owner": {"name": "a"}}


def refused(schema: Any, text: str, **schemas: Any) -> list[tuple[str, str, str]]:
    found = content(api({"schema": schema}, **schemas), "application/xml", text.encode())
    assert found.malformed is None
    return [(each.exact, each.declared, each.observed) for each in found.refused]


def test_names_and_kinds_that_no_schema_can_see_are_refused() -> None:
    pet = {"$ref": "#/components/schemas/Pet"}
    assert refused(pet, "<Cat><name>a</name></Cat>", Pet=PET) == [("", "an element `Pet`", "an element `Cat`")]
    attribute = {
        "type": "object",
        "properties": {"id": named({"type": "integer"}, attribute=True), "n": {"type": "string"}},
    }
    assert refused(attribute, "<r><id>1</id></r>") == [("/id", "an attribute `id`", "an element `id`")]
    assert refused(attribute, '<r n="1"/>') == [("/n", "an element `n`", "an attribute `n`")]
    spaced = {"type": "object", "properties": {"n": named({"type": "string"}, namespace="urn:a")}}
    assert refused(spaced, "<r><n>1</n></r>") == [("/n", "the namespace urn:a", "in no namespace")]
    assert refused(spaced, '<r><n xmlns="urn:b">1</n></r>') == [("/n", "the namespace urn:a", "in the namespace urn:b")]
    wrapped = {
        "type": "object",
        "properties": {"l": named({"type": "array", "items": named({}, name="i")}, wrapped=True)},
    }
    assert refused(wrapped, "<r><l><i/><j/><j/></l></r>") == [("/l/1", "an element `i`", "an element `j`")]


def test_xml_that_is_described_as_a_string_is_its_text_or_all_of_it() -> None:
    assert value({"type": "string"}, "application/xml", b"<a>text</a>") == "text"
    assert value({"type": "string"}, "image/svg+xml", b"<svg><g/></svg>") == "<svg><g/></svg>"
    assert value({"type": "string", "pattern": "^<"}, "application/xml; charset=utf-8", b"<a>1</a>") == "<a>1</a>"


def test_xml_is_read_in_its_charset() -> None:
    schema = {"type": "object", "properties": {"n": {"type": "string"}}}
    declared = '<?xml version="1.0" encoding="ISO-8859-1"?><r><n>Zoë</n></r>'
    for content_type, body in (
        ("text/xml", declared.encode("latin-1")),
        ("text/xml; charset=utf-8", declared.encode()),  # the label goes first (RFC 7303, 3)
        ("application/soap+xml", declared.replace("ISO-8859-1", "UTF-16").encode("utf-16")),
        ("application/xml; charset=windows-1252", declared.encode("cp1252")),
    ):
        assert value(schema, content_type, body) == {"n": "Zoë"}
    assert malformed("text/xml; charset=utf-8", declared.encode("latin-1")) == "no XML: it is not utf-8"
    unknown = declared.replace("ISO-8859-1", "klingon").encode()
    assert content(api({"schema": schema}), "text/xml", unknown).unread == "XML in a charset that is not known"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "an empty body"),
        (b"<a>", "no XML: no element found (line 1, column 4)"),
        (b"<a></b>", "no XML: mismatched tag (line 1, column 6)"),
        (b"<a>&secret;</a>", "no XML: undefined entity (line 1, column 4)"),
        (b'{"a": 1}', "no XML: not well-formed (invalid token) (line 1, column 1)"),
        (b"<a>\xff</a>", "no XML: not well-formed (invalid token) (line 1, column 4)"),
        (b"<a>" * 101 + b"</a>" * 101, "XML nested deeper than 100 levels"),
    ],
)
def test_what_is_no_xml_is_malformed(body: bytes, reason: str) -> None:
    assert malformed("application/xml", body) == reason


def test_a_document_type_is_never_read() -> None:
    bomb = b'<!DOCTYPE a [<!ENTITY x "ha"><!ENTITY y "&x;&x;&x;">]><a>&y;</a>'
    assert content(api({"schema": PET}), "application/xml", bomb) == Content(
        unread="XML with a document type declaration"
    )


def test_the_deepest_xml_that_is_read_raises_nothing() -> None:
    schema = {"type": "object", "properties": {"a": {"$ref": "#/components/schemas/A"}}}
    read = xml(schema, "<a>" * 100 + "</a>" * 100, A=schema)
    for _ in range(99):
        read = read["a"]
    assert read == {}


NAMES = st.text("abcdef", min_size=1, max_size=4)
XML_TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=0xD7FF), max_size=8)


@settings(max_examples=60)
@given(
    st.dictionaries(
        NAMES, st.one_of(XML_TEXT, st.integers(), st.booleans(), st.floats(allow_nan=False, allow_infinity=False))
    )
)
def test_an_object_is_read_as_it_was_written(fields: dict[str, Any]) -> None:
    from xml.sax.saxutils import escape

    kinds = {str: "string", int: "integer", bool: "boolean", float: "number"}
    schema = {"type": "object", "properties": {name: {"type": kinds[type(item)]} for name, item in fields.items()}}
    text = "".join(
        f"<{name}>{escape(item) if isinstance(item, str) else json.dumps(item)}</{name}>"
        for name, item in fields.items()
    )
    assert xml(schema, f"<root>{text}</root>") == fields


# --- streams -------------------------------------------------------------------------------------------------------


def items(media: str, body: bytes, version: str = "3.2.0", **entry: Any) -> list[tuple[str, Any]]:
    found = content(api(entry or {"itemSchema": {}}, version=version), media, body)
    assert (found.malformed, found.refused, found.unread) == (None, (), None)
    return [(each.where, each.value) for each in found.judged]


def test_server_sent_events_are_objects() -> None:
    # The example of OpenAPI 3.2, 4.14.4, with the blank line that the HTML standard asks for.
    body = (
        b"event: addString\ndata: This data is formatted\ndata: across two lines\nretry: 5\n\n"
        b"event: addInt64\ndata: 1234\nunknownField: this is ignored\n\n"
        b': This is a comment\nevent: addJSON\ndata: {"foo": 42}\n\n'
    )
    assert items("text/event-stream", body) == [
        ("/*", {"event": "addString", "data": "This data is formatted\nacross two lines", "retry": 5}),
        ("/*", {"event": "addInt64", "data": "1234"}),
        ("/*", {"event": "addJSON", "data": '{"foo": 42}'}),
    ]


@pytest.mark.parametrize(
    ("body", "events"),
    [
        # the examples of the HTML standard, 9.2.6
        (b": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n",
         [{"data": "first event", "id": "1"}, {"data": "second event", "id": ""}, {"data": " third event"}]),
        (b"data\n\ndata\ndata\n\ndata:", [{"data": ""}, {"data": "\n"}]),
        (b"data:test\r\rdata: test\r\n\r\n", [{"data": "test"}, {"data": "test"}]),
        (b"\xef\xbb\xbfdata: YHOO\ndata: +2\ndata: 10\n\n", [{"data": "YHOO\n+2\n10"}]),
        (b"event: x\n\nretry: 1.5\nid: \0\ndata: \xff\n\n", [{"data": "\ufffd"}]),
        (b"", []),
    ],
)  # fmt: skip
def test_events_are_parsed_as_the_html_standard_does(body: bytes, events: list[Any]) -> None:
    assert items("text/event-stream", body) == [("/*", event) for event in events]


def test_json_in_the_data_of_an_event_is_judged_where_the_document_says_so() -> None:
    entry = {
        "itemSchema": {
            "required": ["event"],
            "oneOf": [
                {"properties": {"event": {"const": "text"}}},
                {
                    "properties": {
                        "event": {"const": "pet"},
                        "data": {"contentMediaType": "application/json", "contentSchema": PET},
                    }
                },
            ],
        }
    }
    contract = api(entry, version="3.2.0")
    assert told(contract, "text/event-stream", b'event: pet\ndata: {"name": "a"}\n\nevent: text\ndata: [\n\n') == []
    assert told(
        contract, "text/event-stream", b'event: pet\ndata: {"name": 1}\n\nevent: pet\ndata: [\n\ndata: x\n\n'
    ) == [
        "body:/*/data contentMediaType",
        "body:/*/data/name type",
        "body:/* required",
        "body:/* oneOf",  # the event without a type is one of either kind
    ]


@pytest.mark.parametrize("media", ["application/jsonl", "application/x-ndjson", "application/ndjson"])
def test_lines_of_json_are_items(media: str) -> None:
    assert items(media, b'{"a": 1}\r\n\n[2]\n3') == [("/*", {"a": 1}), ("/*", [2]), ("/*", 3)]


def test_the_records_of_a_json_text_sequence_are_items() -> None:
    body = b'\x1e{"a":\n1}\n\x1e\x1e2\n'
    assert items("application/json-seq", body) == [("/*", {"a": 1}), ("/*", 2)]
    assert items("application/geo+json-seq", body) == [("/*", {"a": 1}), ("/*", 2)]


def test_the_complete_sequence_is_an_array_under_schema() -> None:
    both = {"schema": {"type": "array"}, "itemSchema": {"type": "integer"}}
    assert items("application/jsonl", b"1\n2\n", **both) == [("/*", 1), ("/*", 2), ("", [1, 2])]
    # Before 3.2 documents describe an item under `schema`.
    assert items("application/x-ndjson", b'{"name": "a"}\n', "3.1.0", schema=PET) == [("/*", {"name": "a"})]
    assert items("application/x-ndjson", b'{"name": "a"}\n', "3.2.0", schema=PET) == [("", [{"name": "a"}])]
    found = content(api({"schema": {"type": "string"}}, version="3.2.0"), "application/jsonl", b"1\n")
    assert found == Content(unread="a stream that is described as one string")
    found = content(api({"schema": PET}), "text/event-stream", b"data: x\n\n")
    assert found == Content(unread="a stream whose items the document does not describe")


@pytest.mark.parametrize(
    ("media", "body", "reason"),
    [
        ("application/jsonl", b"1\n{\n3", "no JSON in line 2: "),
        (
            "application/jsonl",
            b"1\n" + b"[" * 400 + b"]" * 400,
            "no JSON in line 2: JSON nested deeper than 254 levels",
        ),
        ("application/json-seq", b"1\n", "no JSON text sequence: it does not begin with a record separator"),
        ("application/json-seq", b"\x1e1\n\x1e{", "no JSON in record 2: "),
        ("application/json-seq", b"\x1e12", "no JSON in record 1: it may have been cut off"),
    ],
)
def test_what_is_no_stream_is_malformed(media: str, body: bytes, reason: str) -> None:
    assert (malformed(media, body) or "").startswith(reason)


# --- requests ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content_type", "right", "wrong"),
    [
        ("application/json", b'{"name": "a", "age": 1}', b'{"name": "a", "age": "x"}'),
        (FORM, b"name=a&age=1", b"name=a&age=x"),
        (
            MULTIPART,
            multi((field("name"), b"a"), (field("age"), b"1")),
            multi((field("name"), b"a"), (field("age"), b"x")),
        ),
        ("application/xml", b"<p><name>a</name><age>1</age></p>", b"<p><name>a</name><age>x</age></p>"),
    ],
)
def test_a_request_is_judged_in_every_media_type(content_type: str, right: bytes, wrong: bytes) -> None:
    contract = api({"schema": PET})
    assert told(contract, content_type, right) == []
    assert told(contract, content_type, wrong) == ["body:/age type"]
    assert told(contract, content_type, b"\xff<{") == ["body json" if "json" in content_type else "body content"] or (
        content_type == FORM
    )


SECRET = "correct-horse"


@given(
    st.sampled_from(
        [
            "application/json",
            FORM,
            MULTIPART,
            "application/xml",
            "application/jsonl",
            "application/json-seq",
            "text/event-stream",
            "text/plain",
        ]
    ),
    st.binary(max_size=40),
)
def test_no_body_raises_and_no_reason_holds_a_value_of_it(content_type: str, data: bytes) -> None:
    body = SECRET.encode() + data + SECRET.encode()
    for version in ("3.0.3", "3.2.0"):
        found = content(api({"schema": PET, "itemSchema": PET}, version=version), content_type, body)
        assert SECRET not in (found.malformed or "")


PIECES = [b"--b", b"--b--", b"\r\n", b"\n", b"\r\n\r\n", b'Content-Disposition: form-data; name="a"', b"Content-Type: application/json", b"{", b"}", b'"', b"<a", b">", b"</a>", b"<![CDATA[", b"]]>", b"<?", b"&", b"=", b"a", b"[", b"]", b"%", b"\x1e", b"data:", b"\xff", b"1", b"xmlns:x='u'", b" "]  # fmt: skip


@given(
    st.sampled_from(
        [
            "application/json",
            FORM,
            MULTIPART,
            "application/xml",
            "application/jsonl",
            "application/json-seq",
            "text/event-stream",
        ]
    ),
    st.lists(st.sampled_from(PIECES), max_size=14),
)
def test_no_broken_body_raises(content_type: str, pieces: list[bytes]) -> None:
    schema = {**PET, "properties": {"a": {"$ref": "#/components/schemas/Pet"}, "b": STRINGS}}
    for version in ("3.0.3", "3.2.0"):
        found = content(api({"schema": schema}, version=version, Pet=PET), content_type, b"".join(pieces))
        assert found.malformed is None or found.judged == ()


# --- findings ------------------------------------------------------------------------------------------------------


def found_in(contract: Contract, content_type: str, body: bytes) -> list[tuple[str, str | None, str | None]]:
    answer = Response(200, (("Content-Type", content_type),), body)
    judge = Judge(contract, lambda rule, level: level)
    findings = judge.exchange(Exchange(Request("GET", "/x"), answer, "test")).findings
    return [(each.rule, each.mismatch.keyword, each.mismatch.where.pointer) for each in findings]


def answering(entry: dict[str, Any], version: str = "3.1.0") -> Contract:
    contract = api({}, version=version)
    operation = {"responses": {"200": {"description": "", "content": {"*/*": entry}}}}
    value = {**contract.root, "paths": {"/x": {"get": operation}}}
    return Contract(replace(contract.document, value=value))


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b'{"name": "Rex", "age": "old", "toy": "ball"}'),
        (FORM, b"name=Rex&age=old&toy=ball"),
        (MULTIPART, multi((field("name"), b"Rex"), (field("age"), b"old"), (field("toy"), b"ball"))),
        ("application/xml", b"<pet><name>Rex</name><age>old</age><toy>ball</toy></pet>"),
    ],
)
def test_an_answer_is_judged_in_every_media_type(content_type: str, body: bytes) -> None:
    assert sorted(found_in(answering({"schema": PET}), content_type, body)) == [
        ("response-schema", "type", "/age"),
        ("undeclared-property", "additionalProperties", "/toy"),
    ]
    broken = [] if content_type == FORM else [("malformed-body", None, None)]
    assert found_in(answering({}), content_type, b"\x00") == broken


def test_an_item_of_a_stream_is_told_once_for_all() -> None:
    contract = answering({"itemSchema": PET}, "3.2.0")
    body = b'{"name": "Rex", "age": "old"}\n' * 3 + b'{"name": "Rex", "toy": 1}\n'
    assert sorted(found_in(contract, "application/jsonl", body)) == [
        ("response-schema", "type", "/*/age"),
        ("undeclared-property", "additionalProperties", "/*/toy"),
    ]


def test_a_wrong_label_or_name_is_a_finding() -> None:
    labelled = answering({"schema": {"type": "object"}, "encoding": {"a": {"contentType": "image/png"}}})
    assert found_in(labelled, MULTIPART, multi((field("a"), b"x"))) == [("response-schema", "contentType", "/a")]
    named = answering({"schema": {**PET, "xml": {"name": "pet"}}})
    assert found_in(named, "application/xml", b"<cat><name>Rex</name></cat>") == [("response-schema", "xml", "")]
