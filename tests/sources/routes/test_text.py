"""Routes as lines of text, and the route lists of real services."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import yaml

from contract.core.errors import SourceError
from contract.core.evidence import Route
from contract.core.finding import fold
from contract.core.routing import join
from contract.sources.routes import text
from tests.data import DATA


def listed(tmp_path: Path, content: str | bytes) -> list[Route]:
    file = tmp_path / "routes.txt"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return text.routes(str(file))


def test_a_line_is_a_method_and_a_path_in_any_spelling(tmp_path: Path) -> None:
    found = listed(
        tmp_path,
        "# made by hand\n\nGET /tasks\nPUT|PATCH   /tasks/<int:id>   # both\nget,head /files/*path\n  * hooks/{name?}\n",
    )
    place = str(tmp_path / "routes.txt")
    assert found == [
        Route("GET", "/tasks", "/tasks", "text", file=place, line=3),
        Route("PUT", "/tasks/{id}", "/tasks/<int:id>", "text", file=place, line=4),
        Route("PATCH", "/tasks/{id}", "/tasks/<int:id>", "text", file=place, line=4),
        Route("GET", "/files/{path}", "/files/*path", "text", frozenset({"path"}), place, 5),
        Route("HEAD", "/files/{path}", "/files/*path", "text", frozenset({"path"}), place, 5, implied=True),
        Route("ANY", "/hooks/{name}", "hooks/{name?}", "text", file=place, line=6),
        Route("ANY", "/hooks", "hooks/{name?}", "text", file=place, line=6),
    ]


def test_options_head_beside_get_and_fallbacks_are_implied(tmp_path: Path) -> None:
    found = listed(tmp_path, "GET /a\nHEAD /a\nHEAD /b\nOPTIONS /b\nGET /*file\nPUT /*file\n")
    assert [f"{route.method} {route.path}" for route in found if route.implied] == [
        "HEAD /a",
        "OPTIONS /b",
        "GET /{file}",
    ]


def test_a_byte_order_mark_and_utf_16_are_read(tmp_path: Path) -> None:
    assert [route.path for route in listed(tmp_path, b"\xef\xbb\xbfGET /a\r\nGET /b\r\n")] == ["/a", "/b"]
    assert [route.path for route in listed(tmp_path, "GET /é\r\n".encode("utf-16"))] == ["/é"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("GET /a\n/tasks\n", ":2: `/tasks` is no route"),
        ("GET\n", ":1: `GET` is no route"),
        ("# nothing\n\n", ": holds no route"),
        (b"GET /\xff\n", ": no text in UTF-8, byte 5"),
    ],
)
def test_what_is_no_route_list_is_an_error_with_its_line(tmp_path: Path, content: str | bytes, message: str) -> None:
    with pytest.raises(SourceError) as caught:
        listed(tmp_path, content)
    assert caught.value.message == f"{tmp_path / 'routes.txt'}{message}"
    assert caught.value.hint == text.HINT


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"none\.txt: no such file"):
        text.routes(str(tmp_path / "none.txt"))
    with pytest.raises(SourceError, match="Is a directory"):
        text.routes(str(tmp_path))


# Real services -------------------------------------------------------------------------------------------------------

BASES = {"kinto": "/v1", "httpbin": "", "alertmanager": "/api/v2", "netdata": "/api/v1", "crowdsec": "/v1"}
DOCUMENTS = {"alertmanager": "openapi-v2.yaml", "crowdsec": "localapi_swagger.yaml"}
OPERATIONS = {"kinto": 36, "httpbin": 78, "alertmanager": 9, "netdata": 19, "crowdsec": 15}

# Undocumented too, and not among the facts, which are true and not complete.
BESIDE = {
    "alertmanager": {
        ("DELETE", "/api/v1/silence/{}"),
        ("GET", "/"),
        ("GET", "/favicon.ico"),
        ("GET", "/lib/{}"),
        ("GET", "/script.js"),
        ("POST", "/debug/{}"),
    },
    "netdata": {("GET", "/")},
}


def services() -> list[tuple[str, Path, Path]]:
    """Name, document and route list; those that only a started service has lie in CONTRACT_TARGETS/NAME, if anywhere."""
    found = []
    started = os.environ.get("CONTRACT_TARGETS")
    for name in BASES:
        if DATA is not None and name in DOCUMENTS:
            found.append((name, DATA / "targets" / name / DOCUMENTS[name], DATA / "targets" / name / "routes.txt"))
        elif DATA is not None and started:
            folder = Path(started) / name
            document = next((folder / spec for spec in ("spec.json", "spec.yaml") if (folder / spec).is_file()), None)
            if document is not None:
                found.append((name, document, folder / "routes.txt"))
    return found


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "document", "routes"), [pytest.param(*service, id=service[0]) for service in services()]
)
def test_a_real_service_s_undocumented_routes_are_found_and_nothing_else(
    name: str, document: Path, routes: Path
) -> None:
    base = BASES[name]
    declared = [
        (method.upper(), base + path, f"{method.upper()} {path}")
        for path, item in yaml.load(document.read_text(), yaml.CSafeLoader)["paths"].items()
        for method in item
        if method in ("get", "put", "post", "delete", "patch", "head", "options", "trace")
    ]
    result = join(declared, text.routes(str(routes)))
    undeclared = {(route.method, fold(route.path)) for route in result.undeclared}

    assert DATA is not None
    known = json.loads((DATA / "targets" / name / "facts.json").read_text())

    def named(items: list[dict[str, object]], kind: str) -> set[tuple[str, str]]:
        return {
            (str(item["method"]), fold(str(item["path"]) if item["probe"].get("abs") else base + str(item["path"])))  # type: ignore[attr-defined]
            for item in items
            if kind in (item.get("kind"), *item.get("reported_as", ()))  # type: ignore[misc]
        }

    facts = named(known["facts"], "undocumented-route")
    traps = named(known["traps"], "undocumented-route") | named(known["traps"], "undeclared-method")
    assert undeclared == facts | BESIDE.get(name, set())
    assert not undeclared & traps
    assert (len(result.matched), result.unobserved, result.notes) == (OPERATIONS[name], [], [])
