"""Law 7: whatever leaves memory is masked. Canary values are planted everywhere and must be found nowhere."""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.core import redact
from contract.core.evidence import Exchange, Request, Response, is_json
from contract.sources.traffic import ndjson
from tests.data import DATA

CANARY = "Kanarie7vogel"
EMAIL = "jo.doe@customers.example.com"
CARD = "4111111111111111"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.s1gnaturevalue"


def exchange(
    url: str = "/tasks",
    headers: tuple[tuple[str, str], ...] = (),
    body: bytes | None = None,
    answer: bytes = b"",
    answer_headers: tuple[tuple[str, str], ...] = (("Content-Type", "application/json"),),
    media_type: str = "application/json",
    **more: Any,
) -> Exchange:
    headers = (*headers, ("Content-Type", media_type)) if body is not None else headers
    return Exchange(Request("POST", url, headers, body), Response(200, answer_headers, answer), "test", **more)


def shown(value: Any, **schema: Any) -> tuple[str | None, tuple[str, ...]]:
    """The answer's body and its masked places, for a JSON value."""
    response = redact.example(exchange(answer=json.dumps(value).encode()), **schema).response
    assert response is not None
    return response.body, response.masked


PLACES = {
    "authorization header": exchange(headers=(("Authorization", f"Bearer {CANARY}"),)),
    "authorization header without a scheme": exchange(headers=(("authorization", CANARY),)),
    "basic credentials": exchange(
        headers=(("Authorization", "Basic " + base64.b64encode(f"jo:{CANARY}".encode()).decode()),)
    ),
    "basic credentials, echoed decoded": exchange(
        headers=(("Authorization", "Basic " + base64.b64encode(f"jo:{CANARY}".encode()).decode()),),
        answer=json.dumps({"message": f"no {CANARY}"}).encode(),
    ),
    "proxy authorization": exchange(headers=(("Proxy-Authorization", f"Digest {CANARY}"),)),
    "cookie": exchange(headers=(("Cookie", f"theme=dark; sid={CANARY}"),)),
    "cookie without a name": exchange(headers=(("Cookie", CANARY),)),
    "set-cookie": exchange(answer_headers=(("Set-Cookie", f"sid={CANARY}; Path=/; HttpOnly"),)),
    "api key header": exchange(headers=(("X-Api-Key", CANARY),)),
    "csrf header": exchange(headers=(("X-XSRF-TOKEN", CANARY),)),
    "subscription key header": exchange(headers=(("Ocp-Apim-Subscription-Key", CANARY),)),
    "location header": exchange(answer_headers=(("Location", f"https://h.example/cb?access_token={CANARY}&a=1"),)),
    "userinfo of a header's URL": exchange(headers=(("Referer", f"https://jo:{CANARY}@h.example/"),)),
    "query": exchange(url=f"/tasks?token={CANARY}"),
    "query name percent-encoded": exchange(url=f"/tasks?tok%65n={CANARY}"),
    "deep query": exchange(url=f"/tasks?user%5Bpassword%5D={CANARY}"),
    "matrix parameter": exchange(url=f"/tasks;token={CANARY}/x"),
    "userinfo of the URL": exchange(url=f"http://jo:{CANARY}@h.example/tasks"),
    "fragment": exchange(url=f"/tasks#access_token={CANARY}"),
    "secret path parameter": exchange(url=f"/v1/reset/{CANARY}", operation="GET /reset/{token}"),
    "body": exchange(body=json.dumps({"password": CANARY}).encode()),
    "body, twice the same key": exchange(body=f'{{"password":"{CANARY}","password":"x"}}'.encode()),
    "nested body": exchange(body=json.dumps({"a": [{"b": {"clientSecret": [CANARY]}}]}).encode()),
    "object under a secret name": exchange(body=json.dumps({"credentials": {"a": {"b": CANARY}}}).encode()),
    "escaped key": exchange(body=f'{{"p\\u0061ssword":"{CANARY}"}}'.encode()),
    "JSON in a JSON string": exchange(body=json.dumps({"raw": json.dumps({"password": CANARY})}).encode()),
    "JSON twice in a JSON string": exchange(
        body=json.dumps({"raw": json.dumps({"raw": json.dumps({"password": CANARY})})}).encode()
    ),
    "broken JSON": exchange(body=f'{{"password": "{CANARY}", "a": '.encode()),
    "JSON without a content type": exchange(answer=f'{{"token":"{CANARY}"}}'.encode(), answer_headers=()),
    "JSON in UTF-16": exchange(body=json.dumps({"password": CANARY}).encode("utf-16")),
    "JSON with a byte order mark": exchange(body=b"\xef\xbb\xbf" + json.dumps({"password": CANARY}).encode()),
    "JSON with an invalid byte": exchange(body=f'{{"password": "{CANARY}'.encode() + b'\xff"}'),
    "JSON nested too deep": exchange(body=b"[" * 5000 + f'{{"password":"{CANARY}"}}'.encode() + b"]" * 5000),
    "form": exchange(body=f"a=1&pin={CANARY}".encode(), media_type="application/x-www-form-urlencoded"),
    "XML element": exchange(body=f"<a><ns:password>{CANARY}</ns:password></a>".encode(), media_type="text/xml"),
    "XML attribute": exchange(body=f'<a password="{CANARY}"/>'.encode(), media_type="application/xml"),
    "XML CDATA": exchange(body=f"<secret><![CDATA[{CANARY}]]></secret>".encode(), media_type="text/xml"),
    "YAML": exchange(body=f"user: jo\npassword: {CANARY}\n".encode(), media_type="application/yaml"),
    "multipart field": exchange(
        body=f'--b\r\nContent-Disposition: form-data; name="password"\r\n\r\n{CANARY}\r\n--b--\r\n'.encode(),
        media_type="multipart/form-data; boundary=b",
    ),
    "multipart JSON part": exchange(
        body=(
            '--b\r\nContent-Disposition: form-data; name="meta"\r\nContent-Type: application/json\r\n\r\n'
            f'{{"token":"{CANARY}"}}\r\n--b--\r\n'
        ).encode(),
        media_type='multipart/form-data; boundary="b"',
    ),
    "multipart preamble": exchange(
        body=f'{CANARY}\r\n--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--b--\r\n{CANARY}'.encode(),
        media_type="multipart/form-data; boundary=b",
    ),
    "echo of a password": exchange(
        body=json.dumps({"password": CANARY}).encode(), answer=json.dumps({"message": f"got {CANARY}!"}).encode()
    ),
    "echo of a header in a failure": exchange(headers=(("X-Api-Key", CANARY),), failure=f"refused {CANARY}"),
    "echo of a password, percent-encoded": exchange(
        body=json.dumps({"password": CANARY + "/%"}).encode(),
        answer_headers=(("Location", "/next?q=" + quote(CANARY + "/%", safe="")),),
    ),
    "binary body": exchange(body=b"\x89PNG\0" + CANARY.encode(), media_type="image/png"),
}


@pytest.mark.parametrize("place", PLACES)
def test_a_secret_named_as_one_is_never_shown(place: str) -> None:
    assert CANARY not in repr(redact.example(PLACES[place]))
    assert CANARY not in repr(redact.example(exchange(), before=(PLACES[place],)))


def spellings(value: str) -> dict[str, str]:
    return {
        "as it is": value,
        "percent-encoded": quote(value, safe=""),
        "percent-encoded throughout": "".join(f"%{byte:02x}" for byte in value.encode()),
        "percent-encoded twice": quote(quote(value, safe=""), safe=""),
        "JSON-escaped": "".join(f"\\u{ord(char):04x}" if char in "@4" else char for char in value),
        "HTML-escaped": "".join(f"&#{ord(char)};" if char in "@4" else char for char in value),
        "base64": base64.b64encode(f"{value}".encode()).decode(),
    }


LOOKS = {"e-mail": EMAIL, "card": CARD, "card with spaces": "4111 1111 1111 1111", "JWT": JWT}


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("spelling", spellings(""))
def test_what_looks_personal_is_never_shown_in_any_spelling(look: str, spelling: str) -> None:
    value = spellings(LOOKS[look])[spelling]
    body = f'{{"note":"see {value}, please","list":["{value}"],"{value}":1}}'.encode()
    everywhere = [
        exchange(url=f"/u/{quote(value, safe='%')}/x?q={quote(value, safe='%')}&q2=a"),
        exchange(headers=(("X-User", value), ("From", f"me <{value}>"))),
        exchange(body=body),
        exchange(answer=body),
        exchange(answer=body, answer_headers=(("Content-Type", "text/plain"),)),
        exchange(body=f"a={quote(value)}".encode(), media_type="application/x-www-form-urlencoded"),
        exchange(
            body=f'--b\r\nContent-Disposition: form-data; name="a"; filename="{value}"\r\n\r\n{value}\r\n--b--'.encode(),
            media_type="multipart/form-data; boundary=b",
        ),
        exchange(failure=f"no answer about {value}"),
    ]
    for each in everywhere:
        out = repr(redact.example(each))
        for hidden in {value, *spellings(LOOKS[look]).values()}:
            assert hidden not in out


words = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=12)


@settings(max_examples=150, deadline=None)
@given(
    st.recursive(
        st.just({"password": CANARY}) | st.just(EMAIL) | st.integers() | st.text(max_size=20),
        lambda below: st.lists(below, max_size=4) | st.dictionaries(words | st.just("apiKey"), below, max_size=4),
        max_leaves=12,
    ),
    st.integers(min_value=20, max_value=3000),
)
def test_no_shape_of_a_body_and_no_limit_lets_a_secret_through(value: Any, limit: int) -> None:
    body = json.dumps(value).encode()
    out = redact.example(exchange(body=body, answer=body), limit=limit)
    assert CANARY not in repr(out)
    assert "jo.doe" not in repr(out)


@given(st.text(max_size=60), st.text(max_size=60))
def test_free_text_loses_its_mail_address_and_nothing_is_masked_twice(before: str, after: str) -> None:
    once = redact.text(f"{before} {EMAIL} {after}")
    assert EMAIL not in once
    assert redact.text(once) == once


@settings(deadline=None)
@given(st.binary(max_size=300), st.sampled_from(["application/json", "text/plain; charset=latin-1", "x", "text/xml"]))
def test_any_bytes_can_be_shown(body: bytes, media: str) -> None:
    redact.example(exchange(answer=body, answer_headers=(("Content-Type", media),)))


def test_names_and_attributes_of_cookies_and_the_scheme_of_a_credential_stay() -> None:
    out = redact.example(
        exchange(
            headers=(("Authorization", "Bearer abc"), ("Cookie", "a=1; b=2")),
            answer_headers=(("Set-Cookie", "sid=x1; Path=/; HttpOnly; SameSite=Lax"),),
        )
    )
    assert out.response is not None
    assert out.request.headers == (("Authorization", "Bearer [redacted]"), ("Cookie", "a=[redacted]; b=[redacted]"))
    assert out.request.masked == ("header:authorization", "header:cookie")
    assert out.response.headers == (("Set-Cookie", "sid=[redacted]; Path=/; HttpOnly; SameSite=Lax"),)
    assert out.response.masked == ("header:set-cookie",)


def test_masked_values_keep_their_type_and_kind() -> None:
    value = {
        "email": EMAIL,
        "card": 4111111111111111,
        "cards": "4111-1111-1111-1111",
        "token": "0b8f0c6e-1111-4222-8333-444455556666",
        "pin": "1234",
        "otp": 123456,
        "secret": "1999-12-31",
        "has_password": True,
        "password": None,
    }
    assert shown(value) == (
        '{"email":"redacted@example.invalid","card":0,"cards":"0000-0000-0000-0000",'
        '"token":"00000000-0000-0000-0000-000000000000","pin":"0000","otp":0,"secret":"1970-01-01",'
        '"has_password":true,"password":null}',
        ("body:/email", "body:/card", "body:/cards", "body:/token", "body:/pin", "body:/otp", "body:/secret"),
    )


def test_what_is_no_secret_stays_as_it_was_written() -> None:
    body = (
        '{ "id": "6f1c2a3b-1234-4123-8123-123456789012", "at": "2026-11-24T10:00:00Z", "ms": 1764000000000,\n'
        '  "sha": "0330ba6f5d1e8c7b9a2f4e6d8c0b1a3f5e7d9c1b", "max_tokens": 100, "token_type": "bearer", "n": 1.10,'
        ' "title": "Write the basic documentation", "keyboard": "x", "pinned": true, "monkey": "y",'
        ' "path": "/api/v1/app/projects", "dates": "2026-11-24 2026-11-25" }'
    )
    out = redact.example(exchange(answer=body.encode(), url="/tasks?limit=10&sort=-due_at&q=a%20b"))
    assert out.response is not None
    assert (out.response.body, out.response.masked) == (body, ())
    assert (out.request.url, out.request.masked) == ("/tasks?limit=10&sort=-due_at&q=a%20b", ())


READABLE = {
    "node id": {"node_id": "PRC_lALOHrjuF84A3qrSzgUGUwM"},
    "list of ids": {"ids": ["q7Yt0Zs2Lk9Vb4Xc6Nm8Rw1P", "a7Yt0Zs2Lk9Vb4Xc6Nm8Rw1P"]},
    "base64 of a text": {"content": "IyBnaXQtcmVmcwpjcmVhdGVkIHdpdGggaW5pdGlhbCBjb21taXQ="},
    "base64 of an id": {"owner": "MDEyOk9yZ2FuaXphdGlvbjMxODk4MTAw", "short": "MDQ6VXNlcjE="},
    "cursor": {"next_cursor": "q7Yt0Zs2Lk9Vb4Xc6Nm8Rw1P", "nextPageToken": "q7Yt0Zs2Lk9Vb4Xc6Nm8Rw1P"},
    "ULID": {"value": "01ARZ3NDEKTSV4RRFFQ69G5FAV"},
    "hashes": {"a": "d41d8cd98f00b204e9800998ecf8427e", "b": "0330ba6f5d1e8c7b9a2f4e6d8c0b1a3f5e7d9c1b"},
    "words": {"a": "getProjectV2ItemsByOrganizationId", "b": "/api/v1/Organizations/12345/Projects/67"},
    "file name": {"a": "a-long-File-Name-v2-final-FINAL-2.docx", "b": "2022-07-19T04-36-38Z-Backup-Node7"},
    "snowflake": {"tweet": 934187264817461236, "chat": "934187264817461236"},
    "remote": {"ssh_url": "git@github.com:octo/repo.git"},
}


@pytest.mark.parametrize("what", READABLE)
def test_what_only_looks_random_can_be_read(what: str) -> None:
    body = json.dumps(READABLE[what])
    assert shown(READABLE[what]) == (body, ())
    headers = (
        ("Content-Type", "application/json"),
        ("ETag", 'W/"q7Yt0Zs2Lk9Vb4Xc6Nm8Rw1P"'),
        ("X-Request-Id", "aB3" * 9),
    )
    out = redact.example(exchange(answer_headers=headers)).response
    assert out is not None
    assert (out.headers, out.masked) == (headers, ())


def test_a_random_text_that_nothing_names_is_masked() -> None:
    assert shown({"value": "q7Yt0Zs2Lk9Vb4Xc6Nm8Rw1P", "session_id": "PRC_lALOHrjuF84A3qrSzgUGUwM"}) == (
        '{"value":"[redacted]","session_id":"[redacted]"}',
        ("body:/value", "body:/session_id"),
    )
    out = redact.example(exchange(url="/files/q7Yt0Zs2Lk9Vb4Xc6Nm8Rw1P/x"))
    assert out.request.url == "/files/[redacted]/x"
    out = redact.example(exchange(url="/files/q7Yt0Zs2Lk9Vb4Xc6Nm8Rw1P/x"), template="/files/{file_id}/x")
    assert out.request.url == "/files/q7Yt0Zs2Lk9Vb4Xc6Nm8Rw1P/x"


def test_a_pair_of_name_and_value_is_read_as_one() -> None:
    value = [
        {"name": "DB_PASSWORD", "value": CANARY},
        {"key": "api_key", "values": [CANARY]},
        {"name": "a", "value": "b"},
    ]
    assert shown(value) == (
        '[{"name":"DB_PASSWORD","value":"[redacted]"},{"key":"api_key","values":["[redacted]"]},{"name":"a","value":"b"}]',
        ("body:/0/value", "body:/1/values/0"),
    )


def test_what_the_document_marks_is_masked_in_the_exchanges_before_too() -> None:
    schema = {"properties": {"hint": {"writeOnly": True}}}
    body = b'{"hint":"rex the dog"}'
    out, known = redact.masked(
        exchange(), before=[exchange(body=body, answer=body)], before_declared=[redact.Declared(schema, schema)]
    )
    assert [(step.request.body, step.response and step.response.body) for step in out.before] == [
        ('{"hint":"[redacted]"}', '{"hint":"[redacted]"}')
    ]
    assert known == {"rex the dog"}


def test_a_run_s_own_credentials_are_masked_wherever_they_turn_up() -> None:
    known = redact.secrets((("X-Tenant", "acme-corp"), ("Authorization", f"Bearer {CANARY}")), extra=["X-Tenant"])
    assert known == {"acme-corp", CANARY}
    out = redact.example(exchange(answer=f'{{"detail":"{CANARY} of acme-corp"}}'.encode()), known=known).response
    assert out is not None
    assert out.body == '{"detail":"[redacted] of [redacted]"}'


@pytest.mark.data
def test_what_is_masked_in_the_traffic_of_a_real_service_is_personal_or_called_a_secret() -> None:
    if DATA is None:
        pytest.skip("no shared data")
    seen: Counter[str] = Counter()
    masked: Counter[str] = Counter()
    for each in ndjson.exchanges(str(DATA / "traffic/github.ndjson.xz")):
        out = redact.example(each, limit=1 << 30)
        if each.response is None or out.response is None or not is_json(each.response.media_type):
            continue
        values = dict(_leaves(each.response.json, ""))
        seen.update(pointer.rpartition("/")[2] for pointer in values)
        masked.update(place.rpartition("/")[2] for place in out.response.masked if place.startswith("body:"))
    assert seen.total() > 5_000
    # The one address of a billing department, sixteen committers, and what is called an authorization or a signature.
    assert masked == {
        "email": 16,
        "billing_email": 1,
        "url": 2,
        "authorizations_url": 1,
        "current_user_authorizations_html_url": 1,
    }


def _leaves(value: Any, at: str) -> Iterator[tuple[str, Any]]:
    if not isinstance(value, dict | list):
        yield at, value
        return
    for key, item in value.items() if isinstance(value, dict) else enumerate(value):
        yield from _leaves(item, f"{at}/{key}")


ROOT = {
    "components": {
        "schemas": {
            "User": {
                "allOf": [{"$ref": "#/components/schemas/Base"}],
                "properties": {
                    "friend": {"$ref": "#/components/schemas/User"},
                    "codes": {"type": "array", "items": {"type": "integer", "x-sensitive": True}},
                    "extra": {"additionalProperties": {"oneOf": [{"type": "string", "format": "password"}]}},
                },
            },
            "Base": {"properties": {"hint": {"type": "string", "writeOnly": True}, "ok": {"type": "boolean"}}},
        },
        "securitySchemes": {
            "a": {"type": "apiKey", "in": "query", "name": "k"},
            "b": {"type": "apiKey", "in": "header", "name": "X-Tenant"},
            "c": {"type": "http", "scheme": "bearer"},
        },
    }
}


def test_what_the_document_marks_is_masked_at_its_place() -> None:
    schema = {"type": "array", "items": {"$ref": "#/components/schemas/User"}}
    value = [
        {"hint": "rex", "ok": True, "friend": {"hint": "tom"}, "codes": [7, 8], "extra": {"any": "w"}, "see": "rex"}
    ]
    assert shown(value, root=ROOT, response_schema=schema) == (
        '[{"hint":"[redacted]","ok":true,"friend":{"hint":"[redacted]"},"codes":[0,0],"extra":{"any":"[redacted]"},'
        '"see":"rex"}]',
        ("body:/0/hint", "body:/0/friend/hint", "body:/0/codes/0", "body:/0/codes/1", "body:/0/extra/any"),
    )


def test_api_keys_and_marked_parameters_of_the_document_are_masked() -> None:
    out = redact.example(
        exchange(url="/shops/1234/x?k=abc&page=2&hint=rex", headers=(("X-Tenant", "acme"), ("X-Page", "3"))),
        root=ROOT,
        parameters=[
            {"name": "shop", "in": "path", "schema": {"x-sensitive": True}},
            {"name": "hint", "in": "query", "schema": {"$ref": "#/components/schemas/Base/properties/hint"}},
        ],
        template="/shops/{shop}/x",
    )
    assert out.request.url == "/shops/0000/x?k=[redacted]&page=2&hint=[redacted]"
    assert out.request.headers == (("X-Tenant", "[redacted]"), ("X-Page", "3"))
    assert out.request.masked == ("path:2", "query:k", "query:hint", "header:x-tenant")


def test_further_names_can_be_given() -> None:
    assert CANARY in repr(redact.example(exchange(body=json.dumps({"shoe-size": CANARY}).encode())))
    assert CANARY not in repr(
        redact.example(exchange(body=json.dumps({"shoe-size": CANARY}).encode()), extra=["shoeSize"])
    )


def test_a_long_body_is_shortened_around_the_focus_and_stays_json() -> None:
    value = {"data": [{"id": n, "due": None, "title": "x" * 300} for n in range(200)], "meta": {"page": 1}}
    out = redact.example(exchange(answer=json.dumps(value).encode()), focus="/data/57/due", limit=360)
    assert out.response is not None
    assert out.response.body == (
        '{"data":["… 56 more",{"id":56,"due":null,"title":"' + "x" * 59 + '…"},{"id":57,"due":null,"title":"'
        + "x" * 59 + '…"},{"id":58,"due":null,"title":"' + "x" * 59 + '…"},"… 141 more"],"meta":{"page":1}}'
    )  # fmt: skip
    assert json.loads(out.response.body)
    assert out.response.body_bytes == len(json.dumps(value))


def test_a_folded_focus_leads_to_the_first_item_that_has_it() -> None:
    value = [{"a": "y" * 90}] * 30 + [{"b": {"c": 1}}] + [{"a": "z" * 90}] * 30
    out = redact.example(exchange(answer=json.dumps(value).encode()), focus="/*/b/c", limit=120)
    assert out.response is not None
    assert out.response.body == '["… 29 more",{"a":"' + "y" * 39 + '…"},{"b":{"c":1}},"… 30 more"]'


def test_a_long_object_keeps_the_focus_and_counts_what_it_leaves_out() -> None:
    value = {f"k{n}": n for n in range(1000)}
    out = redact.example(exchange(answer=json.dumps(value).encode()), focus="/k500", limit=60)
    assert out.response is not None
    assert out.response.body == '{"k499":499,"k500":500,"k501":501,"…":"997 more"}'


def test_a_binary_body_is_told_by_its_size_and_type() -> None:
    out = redact.example(exchange(answer=b"\x00\x01" * 617, answer_headers=(("Content-Type", "image/png"),)))
    assert out.response is not None
    assert out.response.body == "[1,234 bytes of image/png]"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Bearer abc123def is wrong", "Bearer [redacted] is wrong"),
        ("Bearer authentication required", "Bearer authentication required"),
        ("Basic authentication required", "Basic authentication required"),
        ("Basic am86c2VjcmV0 is wrong", "Basic [redacted] is wrong"),
        ("GET /x?api_key=abc&limit=2", "GET /x?api_key=[redacted]&limit=2"),
        ("postgres://app:pw@db/x", "postgres://[redacted]@db/x"),
        ("X-Api-Key: abc", "X-Api-Key: [redacted]"),
        ("secret: must be a string", "secret: must be a string"),
        ("IBAN GB29 NWBK 6016 1331 9268 19 is known", "IBAN [redacted] is known"),
        ("ctr_live12345678 was revoked", "[redacted] was revoked"),
        ("value 'q7Yt0Zs2Lk9Vb4Xc6Nm8Rw1P' is too long", "value '[redacted]' is too long"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY----- x", "[redacted] x"),
        ("{'password': 'abc', 'n': 1}", "{'password': '[redacted]', 'n': 1}"),
        ("null, in 412 of 1,204 answers", "null, in 412 of 1,204 answers"),
        ("DELETE /things/jo@a.example answered 204", "DELETE /things/redacted@example.invalid answered 204"),
        (
            "`jo@a.example` is sent by 'jo@a.example'",
            "`redacted@example.invalid` is sent by 'redacted@example.invalid'",
        ),
        ("/x?mail=jo@a.example&n=1", "/x?mail=redacted@example.invalid&n=1"),
        ("bounces+jo=a.example@b.example", "redacted@example.invalid"),
        ("o'neil.x@a.example", "redacted@example.invalid"),
        ("git clone git@github.com:octo/repo.git", "git clone git@github.com:octo/repo.git"),
        ("<a href='/x?a=1&amp;sig=abc'>x</a>", "<a href='/x?a=1&amp;sig=[redacted]'>x</a>"),
        ('<input name="_token" type=hidden value="abc">', '<input name="_token" type=hidden value="[redacted]">'),
        ("<meta content='abc' name='csrf-token'>", "<meta content='[redacted]' name='csrf-token'>"),
        ('<input type="password" value="abc">', '<input type="password" value="[redacted]">'),
        ('<input name="title" value="abc">', '<input name="title" value="abc">'),
    ],
)
def test_free_text(before: str, after: str) -> None:
    assert redact.text(before) == after


def test_secrets_of_an_exchange_can_be_masked_in_other_texts() -> None:
    _, known = redact.masked(exchange(body=json.dumps({"password": CANARY}).encode()))
    assert redact.text(f"the value {CANARY} is too short", secrets=known) == "the value [redacted] is too short"


@pytest.mark.parametrize(
    "unit",
    [
        "a",
        "a.",
        "a-",
        "\\",
        '"a":',
        "a=",
        "<a",
        "&#",
        "%40",
        "-eyJ",
        "12 ",
        "@",
        "a://",
        "a+=",
        "<input a=",
        'a="',
        "aB3",
        "a=b@c.d=",
    ],
)
def test_a_long_hostile_text_takes_linear_time(unit: str) -> None:
    import time

    def seconds(times: int) -> float:
        start = time.process_time()
        redact.text(unit * times)
        return time.process_time() - start

    seconds(10)
    short, long = seconds(20_000 // len(unit)), seconds(160_000 // len(unit))
    assert long < 30 * short + 0.2  # quadratic time would be 64 times
