"""Each case of the table beside this file: a declaration, an exchange, the clause that decides, and the exact findings.

A file is a list of groups; a case takes what it does not say itself from its group. Declaration, the shortest that says it:

- `path`, `query`, `header`, `cookie`, `querystring`: one parameter, named `p` unless it says otherwise; a parameter of the
  path stands in `/x/{p}`. `parameters`: several.
- `schema`: of the JSON body of a 200. `content`, `headers`: of the 200. `responses`: all of them.
- `takes`: schema of a JSON request body. `request`: a whole Request Body Object.
- `operation`: further fields of the operation; `template`, `method`: where it stands (`/x`; `get`, or `post` with a body).
- `components`, `servers`, `document`: further fields of the document; `item`: of the path item; `paths`: all paths.

Exchange: `ask` is the request line, `GET /x` unless said (`?p=1` stands for `GET /x?p=1`); `with` are its headers; `send` its
body, as JSON unless it is text; `as` its media type. `status` (200), `got` (headers), `body` (text as it is, otherwise
JSON; `json` where a text is the JSON value) and `type` (media type) are the answer.

`finds` are the findings: rule, place, keyword, name, as far as there are any. `whole` is the whole of a body; a name that
the place ends with is not repeated. `reading` says what decides where the standard leaves two readings: the one that
raises no false alarm.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import orjson
import pytest
import yaml

from contract.core.check import Judge
from contract.core.document import Document
from contract.core.evidence import Exchange, Request, Response
from contract.core.finding import Finding
from contract.core.openapi import Contract
from contract.sources.documents import file

HERE = Path(__file__).parent
VERSIONS = {"3.0": "3.0.4", "3.1": "3.1.1", "3.2": "3.2.0"}
AT_LEAST = {"3.0": 700, "3.1": 750, "3.2": 800}
"""Cases of each version; they become more, and never fewer."""
ONLY_3_2 = 80
"""Cases of what only 3.2 has."""
LOCATIONS = ("path", "query", "header", "cookie", "querystring")
FIELDS = frozenset(
    {*LOCATIONS, "parameters", "schema", "content", "headers", "responses", "takes", "request", "operation", "template"}
    | {
        "method",
        "components",
        "servers",
        "document",
        "item",
        "paths",
        "ask",
        "with",
        "send",
        "as",
        "status",
        "got",
        "body",
    }
    | {"json", "type", "finds", "reading", "says", "clause", "versions", "odd"}
)
Case = dict[str, Any]


class _Loader(yaml.SafeLoader):
    """YAML 1.2 where it matters: dates, `on` and `no` are text, and keys are text."""

    yaml_implicit_resolvers: ClassVar[Any] = {
        first: [
            (tag, pattern)
            for tag, pattern in resolvers
            if tag not in ("tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:merge")
            and (tag != "tag:yaml.org,2002:bool" or first in "tTfF")
        ]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        mapping = super().construct_mapping(node, deep=True)
        assert len(mapping) == len(node.value), f"a key twice: {node.start_mark}"
        return {str(key): value for key, value in mapping.items()}


_Loader.add_constructor("tag:yaml.org,2002:map", lambda loader, node: loader.construct_mapping(node, deep=True))


def _read() -> Iterator[tuple[str, Case]]:
    for page in sorted(HERE.glob("*.yaml")):
        for group in yaml.load(page.read_text(), _Loader):
            shared = {key: value for key, value in group.items() if key != "cases"}
            for case in group["cases"]:
                whole = {"versions": list(VERSIONS), **shared, **case}
                assert whole.keys() <= FIELDS, f"{page.name}: {whole['says']}: {whole.keys() - FIELDS}"
                whole["versions"] = [str(version) for version in whole["versions"]]
                yield page.stem, whole


TABLE = list(_read())
TESTS = [
    pytest.param(case, version, id=f"{version}-{topic}: {case['says']}")
    for topic, case in TABLE
    for version in case["versions"]
]


# --- the declaration, as a document ------------------------------------------------------------------------------------


def declaration(case: Case, version: str) -> dict[str, Any]:
    """The whole document of a case."""
    value: dict[str, Any] = {"openapi": VERSIONS[version], "info": {"title": "Conformance", "version": "1"}}
    value.update(case.get("document", {}))
    for name in ("components", "servers"):
        if name in case:
            value[name] = case[name]
    value["paths"] = case["paths"] if "paths" in case else {_template(case): _item(case)}
    return value


def _template(case: Case) -> str:
    named: str = case.get("path", {}).get("name", "p")
    return str(case.get("template", f"/x/{{{named}}}" if "path" in case else "/x"))


def _method(case: Case) -> str:
    return str(case.get("method", "post" if "takes" in case or "request" in case else "get"))


def _item(case: Case) -> dict[str, Any]:
    operation: dict[str, Any] = {}
    parameters = list(case.get("parameters", []))
    for location in LOCATIONS:
        if location in case:
            required = {"required": True} if location == "path" else {}
            parameters.append({"name": "p", "in": location, **required, **case[location]})
    if parameters:
        operation["parameters"] = parameters
    if "takes" in case:
        operation["requestBody"] = {"content": {"application/json": {"schema": case["takes"]}}}
    if "request" in case:
        operation["requestBody"] = case["request"]
    if "responses" in case:
        operation["responses"] = case["responses"]
    else:
        ok: dict[str, Any] = {"description": "ok"}
        if "schema" in case:
            ok["content"] = {"application/json": {"schema": case["schema"]}}
        for name in ("content", "headers"):
            if name in case:
                ok[name] = case[name]
        operation["responses"] = {"200": ok}
    operation.update(case.get("operation", {}))
    method = _method(case)
    item: dict[str, Any] = dict(case.get("item", {}))
    if method.islower():
        return {**item, method: operation}
    return {**item, "additionalOperations": {method: operation}}


def _exchange(case: Case) -> Exchange:
    ask = str(case.get("ask", ""))
    method = _method(case).upper()
    if " " in ask.split("?", 1)[0]:
        method, _, ask = ask.partition(" ")
    url = ask if ask.startswith("/") else "/x" + ask
    sent = {str(name): str(value) for name, value in case.get("with", {}).items()}
    asked: bytes | None = None
    if "send" in case:
        asked = case["send"].encode() if isinstance(case["send"], str) else orjson.dumps(case["send"])
        if case.get("as", "") is not None:
            sent.setdefault("Content-Type", case.get("as", "application/json"))
    got = [(str(name), str(line)) for name, value in case.get("got", {}).items() for line in _lines(value)]
    body = b""
    if "body" in case:
        body = case["body"].encode() if isinstance(case["body"], str) else orjson.dumps(case["body"])
    if "json" in case:
        body = orjson.dumps(case["json"])
    if (body or "type" in case) and case.get("type", "") is not None:
        got.append(("Content-Type", case.get("type", "application/json")))
    return Exchange(
        Request(method, url, tuple(sent.items()), asked), Response(case.get("status", 200), tuple(got), body), "table"
    )


def _lines(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


# --- the findings, as lines -------------------------------------------------------------------------------------------


def line(finding: Finding) -> str:
    """`response-schema /id required name`."""
    mismatch = finding.mismatch
    place = mismatch.where.pointer
    words = [finding.rule]
    if place is not None:
        words.append(place or "whole")
    elif finding.rule == "response-schema":
        words.append("whole")
    if mismatch.keyword:
        words.append(mismatch.keyword)
    known = (place, *re.split("[/:]", place or "")[-1:])
    # A path's parameter goes by its position, so that renaming it changes nothing.
    if mismatch.name is not None and mismatch.name not in known and not mismatch.name.startswith("path:"):
        words.append(mismatch.name)
    return " ".join(words)


@pytest.fixture(scope="module")
def load(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Loads a document from a file, as users do; equal ones once."""
    folder = tmp_path_factory.mktemp("conformance")

    @cache
    def from_bytes(text: bytes) -> Document:
        place = folder / f"{hashlib.sha256(text).hexdigest()}.json"
        place.write_bytes(text)
        return file.load(place)

    return lambda value: from_bytes(orjson.dumps(value))


@pytest.mark.parametrize(("case", "version"), TESTS)
def test_the_findings_are_exactly_those_of_the_case(case: Case, version: str, load: Any) -> None:
    document = load(declaration(case, version))
    # A table that rests on documents which are none would prove nothing; `odd` are slips that many authors make.
    assert "odd" in case or [str(problem) for problem in document.problems()] == []
    judge = Judge(Contract(document), lambda rule, level: level)
    found = judge.exchange(_exchange(case)).findings
    assert sorted(line(finding) for finding in found) == sorted(case["finds"])


def test_the_table_has_cases_enough_for_every_version() -> None:
    counted = Counter(version for _, case in TABLE for version in case["versions"])
    assert {version for version, least in AT_LEAST.items() if counted[version] < least} == set()
    assert sum(case["versions"] == ["3.2"] for _, case in TABLE) >= ONLY_3_2


def test_no_two_cases_have_one_name() -> None:
    named = Counter((topic, version, case["says"]) for topic, case in TABLE for version in case["versions"])
    assert [name for name, count in named.items() if count > 1] == []


def test_every_case_names_its_clause_and_is_a_sentence() -> None:
    assert [case["says"] for _, case in TABLE if not str(case.get("clause", "")).strip()] == []
    assert [case["says"] for _, case in TABLE if len(str(case["says"]).split()) < 3 or "finds" not in case] == []


def test_both_sides_are_there_in_every_topic() -> None:
    accepted = {topic for topic, case in TABLE if not case["finds"]}
    refused = {topic for topic, case in TABLE if case["finds"]}
    assert accepted == refused == {page.stem for page in HERE.glob("*.yaml")}
