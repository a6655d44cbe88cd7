"""Each fact of `facts.json` is a true disagreement, and each trap is none: asked of the running application.

The declared side is read here from the document alone, with jsonschema: nothing of what is tested decides what is true.
"""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import httpx2
import jsonschema
import pytest
import yaml

from bench import truth
from contract.core.routing import join
from contract.sources.routes import laravel
from tests import needs

HERE = Path(__file__).parent
HOW = "apt-get install -y --no-install-recommends php-cli php-laravel-framework php-sqlite3"
LISTED: dict[str, Any] = json.loads((HERE / "facts.json").read_text(encoding="utf-8"))
SPEC: dict[str, Any] = yaml.safe_load((HERE / "openapi.yaml").read_text(encoding="utf-8"))
JSON_TYPES = {dict: "object", list: "array", str: "string", bool: "boolean", int: "number", float: "number"}


@dataclass
class Boards:
    """The application, and what earlier answers said that later requests need."""

    client: httpx2.Client
    base: str
    known: dict[str, str]

    def ask(self, step: dict[str, Any]) -> tuple[httpx2.Request, httpx2.Response]:
        headers = ({} if step.get("noauth") else LISTED["headers"]) | step.get("headers", {})
        body = step.get("body")
        if isinstance(body, dict):
            body = json.dumps(body)
            headers = {"Content-Type": "application/json"} | headers
        root = "" if step.get("abs") else "/api/v1"
        request = self.client.build_request(
            step["method"],
            self.base + root + self.filled(step["path"]),
            headers=headers,
            content=self.filled(body).encode() if body is not None else None,
        )
        answer = self.client.send(request)
        for name, where in step.get("save", {}).items():
            assert answer.is_success, f"{step['method']} {step['path']}: {answer.text[:200]}"
            self.known[name] = str(at(answer.json(), where))
        return request, answer

    def filled(self, text: str) -> str:
        return re.sub(r"\$\{(\w+)\}", lambda name: self.known[name[1]], text)


@pytest.fixture(scope="module")
def boards(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Boards]:
    installed()
    with truth.service("laravel", tmp_path_factory.mktemp("laravel")) as (origin, _), httpx2.Client() as client:
        yield Boards(client, origin, {"NOW": str(time.time_ns())})


def installed() -> None:
    php = needs.program("php", HOW)
    needs.program("curl", "apt-get install -y curl")
    for test in ("stream_resolve_include_path('Illuminate/autoload.php')", "extension_loaded('pdo_sqlite')"):
        if subprocess.run([php, "-r", f"exit({test} ? 0 : 1);"], stdin=subprocess.DEVNULL).returncode:
            needs.missing(HOW)


def at(value: Any, pointer: str) -> Any:
    for part in pointer.split("/")[1:]:
        value = value[int(part)] if isinstance(value, list) else value[part]
    return value


def resolved(node: Any) -> Any:
    while isinstance(node, dict) and "$ref" in node:
        node = at(SPEC, node["$ref"].removeprefix("#"))
    return node


def operation(item: dict[str, Any]) -> dict[str, Any] | None:
    found = SPEC["paths"].get(item["path"], {}).get(item["method"].lower())
    assert found is None or isinstance(found, dict)
    return found


def response(declared: dict[str, Any], status: int) -> dict[str, Any] | None:
    """The Response Object that covers the status: its number, its range, or `default`."""
    for key in (str(status), f"{str(status)[0]}XX", "default"):
        if key in declared["responses"]:
            found = resolved(declared["responses"][key])
            assert isinstance(found, dict)
            return found
    return None


def mistakes(schema: Any, value: Any) -> list[str]:
    """What of the value breaks the schema; formats count."""
    checker = jsonschema.Draft202012Validator(
        {"allOf": [schema], "components": SPEC["components"]}, format_checker=jsonschema.FormatChecker()
    )
    return [error.message for error in checker.iter_errors(value)]


def read(schema: Any, text: str) -> Any:
    """The text of a parameter as the value that its type makes of it."""
    kind = resolved(schema).get("type")
    if kind == "integer" and re.fullmatch(r"-?\d+", text):
        return int(text)
    return {"true": True, "false": False}.get(text, text) if kind == "boolean" else text


def breaks(item: dict[str, Any], request: httpx2.Request) -> list[str]:
    """How the request, as it was sent, breaks what the operation declares of requests."""
    declared, found = operation(item), []
    assert declared is not None
    parts = urlsplit(str(request.url))
    path = parts.path.removeprefix("/api/v1")
    names = re.findall(r"\{(\w+)\}", item["path"])
    matched = re.fullmatch(re.sub(r"\\\{\w+\\\}", "([^/]+)", re.escape(item["path"])), path)
    assert matched is not None, f"{path} is no path of {item['path']}"
    sent = {
        "path": dict(zip(names, map(unquote, matched.groups()), strict=True)),
        "query": dict(parse_qsl(parts.query, keep_blank_values=True)),
        "header": dict(request.headers),
    }
    for parameter in map(resolved, SPEC["paths"][item["path"]].get("parameters", []) + declared.get("parameters", [])):
        name = parameter["name"].lower() if parameter["in"] == "header" else parameter["name"]
        text = sent[parameter["in"]].get(name)
        if text is not None:
            found += mistakes(parameter["schema"], read(parameter["schema"], text))
        elif parameter.get("required"):
            found.append(f"{parameter['name']} is missing")
    body = resolved(declared.get("requestBody"))
    if body is not None:
        label = request.headers.get("Content-Type", "").partition(";")[0]
        if label not in body["content"]:
            return [*found, f"{label or 'no media type'} is not declared"]
        assert label == "application/json", "no fact needs another media type to be read"
        found += mistakes(body["content"][label]["schema"], json.loads(request.content))
    return found


def check_answer(expect: dict[str, Any], answer: httpx2.Response) -> Any:
    """The answer is what the list says; its JSON value, or None if it has none."""
    value, is_json = None, True
    try:
        value = json.loads(answer.content)
    except ValueError:
        is_json = False
    assert answer.status_code == expect["status"], answer.text[:300]
    if "ctype" in expect:
        assert answer.headers["Content-Type"].partition(";")[0] == expect["ctype"]
    if "isjson" in expect:
        assert is_json == expect["isjson"]
    if "empty" in expect:
        assert (answer.content == b"") == expect["empty"]
    assert expect.get("contains", "") in answer.text
    for pointer, kind in expect.get("types", {}).items():
        assert JSON_TYPES.get(type(at(value, pointer)), "null") == kind, pointer
    for pointer in expect.get("absent", []):
        parent, _, name = pointer.rpartition("/")
        assert name not in at(value, parent)
    return value


def named(schema: Any, pointer: str) -> set[str]:
    """The properties that the schema names at the place; no schema of this document is composed of others."""
    schema = resolved(schema)
    for part in pointer.split("/")[1:]:
        schema = resolved(schema["items"] if part.isdigit() else schema["properties"][part])
    assert schema.get("additionalProperties") is None and not schema.keys() & {"allOf", "anyOf", "oneOf"}
    return set(schema["properties"])


@pytest.mark.parametrize("fact", LISTED["facts"], ids=lambda fact: f"{fact['id']}-{fact['kind']}")
def test_a_fact_is_true(fact: dict[str, Any], boards: Boards) -> None:
    for step in fact.get("before", []):
        _, before = boards.ask(step)
        assert before.is_success, before.text[:300]
    request, answer = boards.ask(fact["probe"])
    value = check_answer(fact["expect"], answer)
    declared, kind, status = operation(fact), fact["kind"], answer.status_code
    if kind == "undocumented-route":
        assert declared is None
        return
    assert declared is not None
    if kind == "missing-route":
        assert str(status) in {"404", "405"}
        return
    assert fact["status"] == status
    if kind in ("invalid-request-accepted", "valid-request-refused"):
        accepted = kind == "invalid-request-accepted"
        assert bool(breaks(fact, request)) == accepted, breaks(fact, request)
        assert status < 400 if accepted else 400 <= status < 500
        return
    if kind == "server-error":
        assert status >= 500 and str(status) not in declared["responses"]
        return
    covering = response(declared, status)
    if kind == "undocumented-status":
        assert covering is None
        return
    assert covering is not None
    content = covering["content"]
    if kind == "wrong-content-type":
        assert list(content) == fact["declared_types"]
        assert fact["expect"]["ctype"] not in content
        return
    label = answer.headers["Content-Type"].partition(";")[0]
    if kind == "malformed-body":
        assert label in content and not fact["expect"]["isjson"]
    elif kind == "response-schema":
        assert mistakes(content[label]["schema"], value) != []
    else:
        assert kind == "undocumented-property"
        parent, _, name = fact["pointer"].rpartition("/")
        assert name in at(value, parent)
        assert name not in named(content[label]["schema"], parent)


@pytest.mark.parametrize("trap", LISTED["traps"], ids=lambda trap: trap["id"])
def test_a_trap_is_no_drift(trap: dict[str, Any], boards: Boards) -> None:
    for step in trap.get("before", []):
        boards.ask(step)
    _, answer = boards.ask(trap["probe"])
    value = check_answer(trap["expect"], answer)
    declared = operation(trap)
    for clause in trap.get("holds", []):
        if clause == "undocumented-operation":
            assert declared is None
            continue
        assert declared is not None
        covering = response(declared, answer.status_code)
        assert covering is not None
        number = str(answer.status_code) in declared["responses"]
        if clause == "status":
            assert number
        elif clause == "default":
            assert not number and "default" in declared["responses"]
        elif clause == "keeps-schema":
            assert [mistakes(media["schema"], value) for media in covering["content"].values()] == [[]]
        elif clause == "no-schema":
            assert "content" not in covering
        else:
            assert clause == "documented"


def test_the_routes_differ_from_the_document_where_the_facts_say(tmp_path: Path) -> None:
    installed()
    with truth.service("laravel", tmp_path):
        pass
    declared = [
        (method.upper(), f"/api/v1{path}", f"{method.upper()} {path}")
        for path, item in SPEC["paths"].items()
        for method in item
        if method != "parameters"
    ]
    joined = join(declared, laravel.routes(str(tmp_path / "routes.json")))
    facts = {
        kind: [f"{f['method']} {f['path']}" for f in LISTED["facts"] if f["kind"] == kind]
        for kind in truth.KIND.values()
    }
    assert sorted(joined.unobserved) == sorted(facts["missing-route"])
    packages = {path for path, _ in laravel.INTERNAL}
    undeclared = [
        route for route in joined.undeclared if not route.path.startswith("/_ignition/") and route.path not in packages
    ]
    assert sorted(f"{route.method} {route.path.removeprefix('/api/v1')}" for route in undeclared) == sorted(
        facts["undocumented-route"]
    )


def test_the_script_starts_once_and_its_pid_ends_every_worker(tmp_path: Path) -> None:
    installed()
    with truth.service("laravel", tmp_path) as (origin, _):
        pid, port = (tmp_path / "pid").read_text(), origin.rpartition(":")[2]
        again = subprocess.run(
            ["bash", str(HERE / "start.sh"), str(tmp_path), port],
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            check=True,
        )
        assert again.stdout == pid
        assert httpx2.get(f"{origin}/api/v1/status").json()["status"] == "ok"
    with pytest.raises(httpx2.ConnectError):
        httpx2.get(f"{origin}/api/v1/status")
