"""Two faults of one operation that say the same are told apart by the place that is odd; one fault is told once."""

from __future__ import annotations

import random
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from contract.app import replay, settings
from contract.core.report import FindingRow, Report
from contract.reports import json as report_json
from contract.targets.wsgi import WsgiTarget
from tests.app.test_walk import check, module
from tests.sources.probes.walking import BODY, Answer, Api, Asked, walked
from tests.targets.serving import scripted

SILENT = Answer(500, {"message": "Internal Server Error"})
NUMBER = {"type": "integer", "minimum": 0}


def query(**schemas: Any) -> dict[str, Any]:
    parameters = [{"name": name, "in": "query", "schema": schema} for name, schema in schemas.items()]
    answers = {"200": {"description": "."}, "400": {"description": "."}}
    return {"/tasks": {"get": {"operationId": "tasks", "parameters": parameters, "responses": answers}}}


def given(asked: Asked) -> dict[str, str]:
    return dict(parse_qsl(asked.query, keep_blank_values=True))


def odd(asked: Asked, *names: str) -> str | None:
    """The first of those parameters that was given and is no number."""
    return next((name for name in names if not given(asked).get(name, "0").isdigit()), None)


def fails_at(*names: str, says: Callable[[str], Answer] = lambda name: SILENT) -> Api:
    """A list that reads the numbers of some parameters without looking at them first."""

    def tasks(asked: Asked) -> Answer:
        name = odd(asked, *names)
        return Answer(200, []) if name is None else says(name)

    return Api({"GET /tasks": tasks})


def faults(report: Report) -> list[FindingRow]:
    return [row for row in report.findings if row.rule in ("server-error", "no-answer")]


def places(report: Report) -> list[str | None]:
    return sorted((row.where.pointer for row in faults(report)), key=str)


def test_each_place_that_the_same_words_come_from_is_a_fault_of_its_own(tmp_path: Path) -> None:
    paths = query(limit=NUMBER, page=NUMBER, depth=NUMBER)
    report = check(tmp_path, paths, fails_at("limit", "page", "depth"))
    assert places(report) == [None, "query:depth", "query:page"]
    assert {row.proof for row in faults(report)} == {"replayed"}
    assert {row.where.status for row in faults(report)} == {"500"}
    (row,) = [row for row in faults(report) if row.where.pointer == "query:page"]
    assert row.message == "The server answers 500 where query:page is odd; the same request without that is served."
    assert row.example is not None and "page=" in row.example.request.url


def test_the_first_one_keeps_its_identity_whatever_else_fails(tmp_path: Path) -> None:
    """A baseline that knows one fault knows it still when a second one comes."""
    paths = query(limit=NUMBER, page=NUMBER)
    (one,) = faults(check(tmp_path, paths, fails_at("limit")))
    both = {row.where.pointer: row.fingerprint for row in faults(check(tmp_path, paths, fails_at("limit", "page")))}
    assert both[None] == one.fingerprint
    assert both["query:page"] != one.fingerprint


def test_what_fails_whatever_it_is_asked_is_one_fault(tmp_path: Path) -> None:
    api = Api({"GET /tasks": lambda asked: SILENT})
    assert places(check(tmp_path, query(limit=NUMBER, page=NUMBER), api)) == [None]


def test_what_fails_from_some_request_on_is_one_fault(tmp_path: Path) -> None:
    """A pool that is used up: the first failure is a parameter's, and from then on each request fails."""
    failed: list[str] = []

    def tasks(asked: Asked) -> Answer:
        failed.extend([name for name in [odd(asked, "limit")] if name])
        return SILENT if failed else Answer(200, [])

    report = check(tmp_path, query(limit=NUMBER, page=NUMBER, depth=NUMBER), Api({"GET /tasks": tasks}))
    assert places(report) == [None]


@pytest.mark.parametrize("seed", range(12))
def test_what_fails_now_and_then_is_never_told_at_a_place(seed: int, tmp_path: Path) -> None:
    luck = random.Random(seed)
    api = Api({"GET /tasks": lambda asked: SILENT if luck.random() < 0.3 else Answer(200, [])})
    report = check(tmp_path, query(limit=NUMBER, page=NUMBER, depth=NUMBER), api)
    assert [place for place in places(report) if place is not None] == []


def test_an_answer_that_names_what_is_wrong_comes_from_one_place(tmp_path: Path) -> None:
    """One layer that looks at all parameters, and answers with the wrong status, is one fault."""
    api = fails_at("limit", "page", says=lambda name: Answer(500, {"message": f"cannot take the value of {name}"}))
    assert places(check(tmp_path, query(limit=NUMBER, page=NUMBER), api)) == [None]


def test_places_of_one_pattern_are_read_by_one_parser(tmp_path: Path) -> None:
    tag = {"type": "string", "pattern": "^[a-z]+$"}

    def tasks(asked: Asked) -> Answer:
        tags = [value for name, value in given(asked).items() if name in ("one", "other")]
        return Answer(200, []) if all(map(str.isalpha, tags)) else SILENT

    assert places(check(tmp_path, query(one=tag, other=tag), Api({"GET /tasks": tasks}))) == [None]


def test_what_is_left_out_is_the_same_at_the_whole_and_at_its_part(tmp_path: Path) -> None:
    """`body["title"]` fails without a title and for `{}` alike; a title that is a number fails elsewhere."""
    schema = {"type": "object", "required": ["title"], "properties": {"title": {"type": "string", "minLength": 1}}}
    body = {"required": True, "content": {"application/json": {"schema": schema}}}
    paths = {"/tasks": {"post": {"operationId": "make", "requestBody": body, "responses": {"201": BODY, "400": BODY}}}}

    def make(asked: Asked) -> Answer:
        if not isinstance(asked.json, dict):
            return Answer(400, {})
        return Answer(201, {"id": 1}) if "title" in asked.json else SILENT

    assert places(check(tmp_path, paths, Api({"POST /tasks": make}))) == [None]


def test_what_lies_in_an_object_that_is_added_is_that_object(tmp_path: Path) -> None:
    """The plain request has none: whether the object fails or what is odd in it, nobody can tell."""
    inner = {"type": "object", "properties": {name: {"type": "string", "minLength": 1} for name in ("a", "b", "c")}}
    schema = {"type": "object", "required": ["title"], "properties": {"title": {"type": "string"}, "more": inner}}
    body = {"required": True, "content": {"application/json": {"schema": schema}}}
    paths = {"/tasks": {"post": {"operationId": "make", "requestBody": body, "responses": {"201": BODY, "400": BODY}}}}

    def make(asked: Asked) -> Answer:
        if not isinstance(asked.json, dict) or not isinstance(asked.json.get("title"), str):
            return Answer(400, {})
        return SILENT if "more" in asked.json else Answer(201, {"id": 1})

    assert len(places(check(tmp_path, paths, Api({"POST /tasks": make})))) == 1


def test_a_connection_that_ends_at_two_places_is_two_faults(tmp_path: Path) -> None:
    def answer(connection: socket.socket, request: bytes) -> None:
        if not request:
            return
        asked = dict(parse_qsl(request.split(b" ", 2)[1].decode("latin-1").partition("?")[2], keep_blank_values=True))
        if all(asked.get(name, "0").isdigit() for name in ("limit", "page")):
            head = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: application/json\r\n"
            connection.sendall(head + b"Content-Length: 2\r\n\r\n[]")

    with scripted(answer) as origin:
        report = check(tmp_path, query(limit=NUMBER, page=NUMBER), None, target=origin)
    assert places(report) == [None, "query:page"]
    assert {row.rule for row in faults(report)} == {"no-answer"}


def test_each_is_replayed_by_its_own(tmp_path: Path) -> None:
    """The one that was mended is gone, and the other one holds."""
    paths = query(limit=NUMBER, page=NUMBER)
    report = check(tmp_path, paths, fails_at("limit", "page"))
    (tmp_path / "report.json").write_bytes(report_json.render(report).encode())
    codes = {}
    with module(fails_at("page")) as where:
        wanted = settings.load({"documents": [str(tmp_path / "api.json")], "target": f"wsgi:{where}"}, {}, tmp_path)
        for row in faults(report):
            codes[row.where.pointer], _ = replay.replay(row.fingerprint, wanted, tmp_path / "report.json")
    assert codes == {None: replay.GONE, "query:page": replay.HOLDS}


def test_a_fault_that_shows_when_the_time_ends_is_seen(tmp_path: Path) -> None:
    """There is no time to ask once more; the answer that came is evidence all the same."""
    holder: list[WsgiTarget] = []

    def tasks(asked: Asked) -> Answer:
        holder[0].ends(0.0)  # the clock of a machine that has been up for a while
        return SILENT

    target = WsgiTarget(Api({"GET /tasks": tasks}), "wsgi:app", ())
    holder.append(target)
    seen = walked(query(limit=NUMBER), None, target=target)
    assert [item.response.status for item in seen.exchanges if item.response is not None] == [500]
    assert seen.progress[-1].warnings[0].startswith("walk: stopped at its deadline")
