"""What an honest client sends, by what is known: of a thing that belongs to another, and back to where it came from."""

from __future__ import annotations

import json
from typing import Any

from contract.core.evidence import Exchange, Request, Response
from contract.core.honest import Honest
from contract.core.known import Known
from contract.core.openapi import Contract
from contract.core.sample import MISSING
from contract.core.variants import Base

from .test_openapi import document

JSON = "application/json"
OK = {"responses": {"200": {"description": "."}}}


def api(paths: dict[str, Any]) -> Contract:
    return Contract(document({"paths": paths}))


def at(*names: str, **more: Any) -> dict[str, Any]:
    parameters = [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names]
    return {**OK, "parameters": parameters, **more}


def taking(schema: Any) -> dict[str, Any]:
    return {"requestBody": {"content": {JSON: {"schema": schema}}}}


def honest(contract: Contract, *shown: tuple[str, str, Any]) -> Honest:
    known = Known()
    operations = {each.key: each for each in contract.operations}
    for key, url, value in shown:
        answer = Response(200, (("Content-Type", JSON),), json.dumps(value).encode())
        known.learn(operations[key], Exchange(Request(key.partition(" ")[0], url, (), None), answer, "walk"))
    return Honest(known, lambda word: (), lambda: 7)


def test_a_run_is_asked_for_below_the_graph_that_it_belongs_to() -> None:
    """The first graph may have no runs, and an answer elsewhere shows a run with its graph."""
    contract = api(
        {
            "/graphs": {"get": OK},
            "/recent": {"get": OK},
            "/graphs/{graph_id}": {"get": at("graph_id")},
            "/graphs/{graph_id}/runs/{run_id}": {"get": at("graph_id", "run_id")},
        }
    )
    made = honest(
        contract,
        ("GET /graphs", "/graphs", [{"graph_id": "a"}, {"graph_id": "b"}]),
        ("GET /recent", "/recent", {"runs": [{"graph_id": "b", "run_id": "r", "state": "done"}]}),
    )
    below, one = contract.operations[3], contract.operations[2]
    assert next(made.places(below)) == ({"path:graph_id": "b", "path:run_id": "r"}, False)
    assert next(made.places(one)) == ({"path:graph_id": "a"}, True)


def test_what_is_shown_masked_is_not_written_back() -> None:
    """An account that is told the stars which stand for its password has another password."""
    names = ("name", "password", "api_token", "note", "pin_code")
    schema = {"type": "object", "properties": {name: {"type": "string"} for name in names}}
    contract = api({"/users/{id}": {"put": at("id", **taking(schema))}})
    made, put = honest(contract), contract.operations[0]
    shown = {"name": "Ann", "password": "secret", "api_token": None, "note": "•••••", "pin_code": "****", "id": 3}
    assert made.written_back(put, Base({}, {}, JSON), {"data": shown}) == {"name": "Ann"}
    assert made.written_back(put, Base({}, {}, JSON), {"password": "x"}) is MISSING


def test_a_state_of_the_own_account_is_not_written() -> None:
    schema = {"type": "object", "properties": {"status": {"type": "string"}}}
    contract = api(
        {
            "/users": {"get": OK},
            "/users/me": {"get": OK, "patch": {**OK, **taking(schema)}},
            "/users/{id}": {"get": at("id"), "patch": at("id", **taking(schema))},
        }
    )
    users = [{"id": "1"}, {"id": "2", "away": True}, {"id": "3", "away": False}]
    made = honest(
        contract, ("GET /users", "/users", users), ("GET /users/me", "/users/me", {"id": "2", "status": "old"})
    )
    me, get, patch = contract.operations[2], contract.operations[3], contract.operations[4]
    last = patch.parameters[0]
    assert [each["path:id"] for each in made.in_other_states(get, Base({"path:id": "1"}), last)] == ["2", "3"]
    assert [each["path:id"] for each in made.in_other_states(patch, Base({"path:id": "1"}), last)] == ["3"]
    assert [base.body for base in made.bases(me, {}, [])][:1] == [{}]


def test_a_description_says_what_a_path_is_about() -> None:
    said = {
        "name": "id",
        "in": "path",
        "required": True,
        "schema": {"type": "string"},
        "description": "ID of the file.",
    }
    contract = api({"/files": {"get": OK}, "/assets/{id}": {"get": {**OK, "parameters": [said]}}})
    made = honest(contract, ("GET /files", "/files", {"data": [{"id": "f1"}]}))
    assert next(made.places(contract.operations[1])) == ({"path:id": "f1"}, False)
