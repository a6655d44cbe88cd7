"""Documents and bodies that would hang or break a judge: each is judged, or said to be beyond judging, and soon."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from contract.core import exercise
from contract.core.check import Judge
from contract.core.evidence import Exchange, Request, Response
from contract.core.openapi import Contract

from ..strategies import document

JSON = (("Content-Type", "application/json"),)


def contract(schema: Any, **schemas: Any) -> Contract:
    answer = {"description": "", "content": {"application/json": {"schema": schema}}}
    value = {
        "openapi": "3.1.0",
        "info": {"title": "", "version": ""},
        "paths": {"/a": {"get": {"responses": {"200": answer}}}},
        "components": {"schemas": schemas},
    }
    return Contract(document(value))


def found(api: Contract, body: bytes) -> list[tuple[str, str | None, str | None]]:
    exchange = Exchange(Request("GET", "/a"), Response(200, JSON, body), "har")
    findings = Judge(api, lambda rule, level: level).exchange(exchange).findings
    return [(each.rule, each.mismatch.keyword, each.mismatch.where.pointer) for each in findings]


REF = {"$ref": "#/components/schemas/A"}


@pytest.mark.parametrize(
    ("schema", "body", "expected"),
    [
        ({"type": "object", "properties": {"a": REF}}, b'{"a": {"a": {"b": 1}}}', ("undeclared-property", "additionalProperties", "/a/a/b")),
        ({"type": "object", "required": ["a"], "properties": {"a": REF}}, b'{"a": {"a": {}}}', ("response-schema", "required", "/a/a")),
        ({"allOf": [REF]}, b"{}", None),
        ({"anyOf": [REF, {"type": "integer"}]}, b'"x"', None),
        ({"$ref": "#/components/schemas/A"}, b"1", None),
        ({"type": "array", "items": REF}, b"[[[[[[]]]], 1]", ("malformed-body", None, None)),
        ({"type": "array", "items": REF}, b"[[[[[]]], 1]]", ("response-schema", "type", "/*/*")),
        ({"not": REF}, b"1", None),
    ],
    ids=["an object of itself", "required for ever", "itself and nothing", "itself or a number", "nothing but itself", "not closed", "a list of itself", "not itself"],
)  # fmt: skip
def test_a_schema_that_is_recursive_without_end_ends(
    schema: Any, body: bytes, expected: tuple[str, str | None, str | None] | None
) -> None:
    api = contract(REF, A=schema)
    seen = found(api, body)
    assert (expected in seen) if expected is not None else len(seen) <= 1
    assert exercise.declared(api.operations[0]) is not None


@pytest.mark.parametrize("pattern", ["^(a+)+$", "^(?=a)(a+)+$", "^(a|aa)+(?<!b)$", "^(a*)*\\1$"])
def test_a_pattern_that_would_backtrack_for_ever_is_given_up(pattern: str) -> None:
    """In a process of its own, so that one that hangs fails by the clock instead of hanging the suite."""
    code = (
        "from tests.core.test_hostile import contract, found\n"
        f"found(contract({{'type': 'string', 'pattern': {pattern!r}}}), b'\"' + b'a' * 4000 + b'!\"')\n"
        f"found(contract({{'patternProperties': {{{pattern!r}: {{'type': 'integer'}}}}}}), b'{{\"' + b'a' * 4000 + b'!\": 1}}')\n"
        "print('done')\n"
    )
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": root},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.stdout, done.stderr) == ("done\n", "")


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        (b"[" * 100_000, "malformed-body"),
        (b"[" * 100_000 + b"]" * 100_000, "malformed-body"),
        (b'{"a":' * 300 + b"1" + b"}" * 300, "malformed-body"),
        (b"NaN", "malformed-body"),
        (b"\xff\xfe\x00", "malformed-body"),
        (b'"\xc3\x28"', "malformed-body"),
        (b"1" * 400, "malformed-body"),
        (b"18446744073709551616", "response-schema"),
        (b'{"a": 1, "a": 2}', "response-schema"),
    ],
    ids=["open", "deep", "deep objects", "NaN", "no text", "no UTF-8", "huge", "65 bits", "twice the same key"],
)
def test_a_body_that_is_odd_is_judged(body: bytes, rule: str) -> None:
    api = contract({"type": "integer", "format": "int64"})
    assert [name for name, _, _ in found(api, body)] == [rule]


def test_a_document_whose_references_lead_nowhere_judges_the_rest() -> None:
    api = contract(
        {"type": "object", "properties": {"a": {"$ref": "#/components/schemas/Gone"}, "b": {"type": "integer"}}}
    )
    assert found(api, b'{"a": 1, "c": 1}') == [("undeclared-property", "additionalProperties", "/c")]
    assert list(api.schemas.unusable) == ["#/paths/~1a/get/responses/200/content/application~1json/schema"]


def test_an_object_of_a_hundred_thousand_names_is_one_finding() -> None:
    api = contract({"type": "object", "properties": {"a": {}, "b": {}}})
    body = b"{" + b",".join(b'"k%d":1' % number for number in range(100_000)) + b"}"
    assert found(api, body) == [("undeclared-property", "additionalProperties", "/*")]
