"""The same fault says the same, whatever was sent; another fault says something else; nothing secret is in it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from contract.core.cause import cause
from contract.core.check import Judge
from contract.core.evidence import Exchange, Request, Response
from contract.core.openapi import Contract, Operation

from .test_openapi import document

SCHEMA = {"type": "object", "properties": {"title": {"type": "string"}, "due": {"type": "string"}, "owner": {"type": "object", "properties": {"mail": {"type": "string"}}}}}  # fmt: skip
API = Contract(
    document(
        {
            "paths": {
                "/tasks/{id}": {
                    "put": {
                        "parameters": [
                            {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}},
                            {"name": "mode", "in": "query", "schema": {"type": "string"}},
                        ],
                        "requestBody": {"content": {"application/json": {"schema": SCHEMA}}},
                        "responses": {"200": {"description": "."}},
                    }
                }
            }
        }
    )
)
PUT: Operation = API.operations[0]


def said(
    answer: Any, sent: Any = None, url: str = "/tasks/1", media: str = "application/json", status: int = 500
) -> str:
    raw = answer.encode() if isinstance(answer, str) else json.dumps(answer).encode()
    body = None if sent is None else json.dumps(sent).encode()
    request = Request("PUT", url, (("Content-Type", "application/json"),), body)
    return cause(Exchange(request, Response(status, (("Content-Type", media),), raw), "walk"), PUT)


def text(words: str, sent: Any = None, url: str = "/tasks/1") -> str:
    return said(words, sent, url, "text/plain")


def test_the_letters_of_an_id_are_no_words() -> None:
    words = "it cannot be done at all"
    assert text(words, url="/tasks/7c26be50-be12-4d11-aat7-all1cannot9") == text(words, url="/tasks/1")
    assert "done" not in text(words, url="/tasks/done")


def test_an_answer_that_says_nothing_has_no_cause() -> None:
    nothing = Exchange(Request("PUT", "/tasks/1"), None, "walk", failure="timed out")
    assert cause(nothing, PUT) == ""
    assert [said(""), said({}), said([]), said({"error": None}), said("\x00\x01", media="application/octet-stream")] == [""] * 5  # fmt: skip


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"error": 'time: invalid duration "4x"'}, {"error": 'time: invalid duration "9z"'}),
        ({"detail": "no row with id 17"}, {"detail": "no row with id 99"}),
        ({"message": "it failed", "request_id": "a1"}, {"message": "it failed", "request_id": "b2"}),
        ({"message": "at 2026-11-28T10:00:00Z it broke"}, {"message": "at 2025-01-01T00:00:00Z it broke"}),
        ({"message": "object 0x7f53476b65c0 is closed"}, {"message": "object 0x7f5345f91e50 is closed"}),
        ({"message": "cannot open /srv/a/b.txt"}, {"message": "cannot open /srv/other.txt"}),
        ({"errors": [{"msg": "bad date"}]}, {"errors": [{"msg": "bad date"}, {"msg": "bad date"}]}),
        (
            {"type": "about:blank", "title": "Internal error", "status": 500},
            {"type": "about:blank", "title": "Internal error", "status": 500, "traceId": "x"},
        ),
        ("ERROR: duplicate key value (name)=('a')", "ERROR: duplicate key value (name)=('b')"),
        (
            "<html><title>OperationalError at /tasks/1</title><p>one</p></html>",
            "<html><title>OperationalError at /tasks/2</title><p>two</p></html>",
        ),
    ],
)
def test_the_same_fault_has_the_same_cause(one: Any, other: Any) -> None:
    assert said(one) == said(other) != ""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"error": 'time: invalid duration "4x"'}, {"error": "unable to parse 'abc'"}),
        ({"message": "division by zero"}, {"message": "list index out of range"}),
        ({"exception": "KeyError", "message": "no such"}, {"exception": "TypeError", "message": "no such"}),
        (
            "SQLSTATE[22P02]: invalid input syntax for type integer",
            "SQLSTATE[22001]: value too long for type character",
        ),
        ("<title>OperationalError: no such table</title>", "<title>IntegrityError: NOT NULL constraint failed</title>"),
        ({"errors": [{"msg": "bad date"}]}, {"errors": [{"msg": "too big"}]}),
    ],
)
def test_another_fault_has_another_cause(one: Any, other: Any) -> None:
    assert said(one) != said(other)


def test_what_the_request_says_is_left_out_of_what_the_answer_says() -> None:
    one = text("cannot handle chrysanthemum here", {"title": "chrysanthemum"})
    other = text("cannot handle begonia here", {"title": "begonia"})
    assert one == other == "cannot handle here"
    assert text("unknown mode weekly", url="/tasks/1?mode=weekly") == text(
        "unknown mode daily", url="/tasks/1?mode=daily"
    )
    nested = {"owner": {"mail": "zebra"}}
    assert text("zebra is nobody", nested) == "is nobody"


def test_names_that_the_operation_declares_do_not_tell_causes_apart() -> None:
    """Each property that is null breaks in the same way."""
    assert text("TypeError: title must not be null") == text("TypeError: due must not be null") == "typeerror must not be null"  # fmt: skip
    assert "mail" not in text("mail is odd")


def test_a_debug_page_is_known_by_its_title() -> None:
    page = "<!doctype html><html><head><title>ValueError: bad thing // Werkzeug Debugger</title></head><body>{}</body></html>"
    pages = [said(page.replace("{}", trace), media="text/html") for trace in ("line 1 in a.py", "line 99 in b.py")]
    assert pages[0] == pages[1] == "valueerror bad thing werkzeug debugger"
    assert said("<p>no title</p>", media="text/html") == ""


def test_json_under_another_label_is_read_as_json() -> None:
    assert said(json.dumps({"error": "it broke", "stack": "x y z"}), media="text/plain") == "it broke"
    assert said('{"error: it was cut') == "error it was cut"


def test_a_long_answer_is_cut() -> None:
    words = " ".join(f"w{chr(97 + n % 26)}x" for n in range(5000))
    assert len(text(words).split()) == 16


def test_deep_answers_end() -> None:
    assert said("[" * 3000 + '"so deep"' + "]" * 3000) == said("[" * 9 + '"so deep"' + "]" * 9)


SECRETS = ["hunter2-Passw0rd", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc", "sk_live_4242424242424242"]


@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_of_an_answer_is_never_printed(secret: str) -> None:
    """The cause is in the fingerprint's hash alone."""
    request = Request("PUT", "/tasks/1", (("Content-Type", "application/json"),), b"{}")
    answer = {"error": f"cannot log in with {secret} and correcthorsebattery"}
    exchange = Exchange(
        request, Response(500, (("Content-Type", "application/json"),), json.dumps(answer).encode()), "walk"
    )
    (finding,) = [
        each
        for each in Judge(API, lambda name, level: level).exchange(exchange).findings
        if each.rule == "server-error"
    ]
    assert "correcthorsebattery" in cause(exchange, PUT)  # it tells faults apart
    assert secret not in str(finding) and "correcthorse" not in str(finding)


def test_two_faults_of_one_operation_are_two_findings_and_one_is_one() -> None:
    def marks(*words: str) -> set[str]:
        judge = Judge(API, lambda name, level: level)
        request = Request("PUT", "/tasks/1", (("Content-Type", "application/json"),), b"{}")
        answers = [Response(500, (("Content-Type", "text/plain"),), each.encode()) for each in words]
        found = [each for answer in answers for each in judge.exchange(Exchange(request, answer, "walk")).findings]
        return {each.fingerprint for each in found if each.rule == "server-error"}

    assert len(marks("row 17 is locked", "row 99 is locked")) == 1
    assert len(marks("row 17 is locked", "division by zero")) == 2
