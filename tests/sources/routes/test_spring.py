"""Routes of Spring Boot, from the documented shape of its actuator's `mappings` endpoint; no Spring runs here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from contract.core.errors import SourceError
from contract.sources.routes import spring
from tests.sources.routes.serving import explicit, implied, spans


def method(owner: str, name: str, methods: list[str], patterns: list[str]) -> dict[str, Any]:
    shown = ", ".join(methods) + " " if methods else ""
    return {
        "handler": f"{owner}#{name}()",
        "predicate": f"{{{shown}[{' || '.join(patterns)}], produces [application/json]}}",
        "details": {
            "handlerMethod": {"className": owner, "name": name, "descriptor": "()V"},
            "requestMappingConditions": {
                "consumes": [], "headers": [], "methods": methods, "params": [], "patterns": patterns,
                "produces": [{"mediaType": "application/json", "negated": False}],
            },
        },
    }  # fmt: skip


def resources(pattern: str) -> dict[str, Any]:
    return {
        "handler": "ResourceHttpRequestHandler [classpath [META-INF/resources/webjars/]]",
        "predicate": pattern,
        "details": None,
    }


def mappings(
    *rows: dict[str, Any], kind: str = "dispatcherServlets", name: str = "dispatcherServlet"
) -> dict[str, Any]:
    filters = [{"servletNameMappings": [], "urlPatternMappings": ["/*"], "name": "requestContextFilter"}]
    inner = {kind: {name: list(rows)}, "servletFilters": filters, "servlets": []}
    return {"contexts": {"application": {"mappings": inner, "parentId": None}}}


def read(folder: Path, value: object) -> list[Any]:
    path = folder / "mappings.json"
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return spring.routes(str(path))


SERVLET = mappings(
    method("org.springframework.boot.actuate.endpoint.web.servlet.X", "handle", ["GET"], ["/actuator/mappings"]),
    method("com.example.TaskController", "list", ["GET"], ["/tasks", "/todo"]),
    method("com.example.TaskController", "show", ["GET", "HEAD"], ["/tasks/{id:[0-9]+}"]),
    method("com.example.TaskController", "save", ["POST", "PUT"], ["/tasks"]),
    method("com.example.FileController", "file", ["GET"], ["/files/{*name}"]),
    method("com.example.FileController", "any", [], ["/any/*/thing"]),
    method("org.springframework.boot.autoconfigure.web.servlet.error.BasicErrorController", "error", [], ["/error"]),
    resources("/webjars/**"),
)


def test_mappings_of_servlets(tmp_path: Path) -> None:
    found = read(tmp_path, SERVLET)
    assert explicit(found) == [
        "GET /tasks",
        "GET /todo",
        "GET /tasks/{id}",
        "POST /tasks",
        "PUT /tasks",
        "GET /files/{name}",
        "ANY /any/{arg1}/thing",
    ]
    assert spans(found) == {"/files/{name} name", "/webjars/{path} path"}
    assert {"GET /actuator/mappings", "ANY /error", "ANY /webjars/{path}", "HEAD /tasks", "OPTIONS /tasks"} <= set(
        implied(found)
    )
    assert "OPTIONS /any/{arg1}/thing" not in implied(found)
    assert {route.name for route in found if route.path == "/todo" and not route.implied} == {
        "com.example.TaskController.list"
    }


def test_mappings_of_webflux_and_of_functions(tmp_path: Path) -> None:
    function = {"handler": "x", "predicate": "(GET && /functional/{id})", "details": {"handlerFunction": {"className": "com.example.Y"}}}  # fmt: skip
    every = {"handler": "x", "predicate": "(/every)", "details": {"handlerFunction": {"className": "com.example.Y"}}}
    shown = {"handler": "com.example.Z#f()", "predicate": "{[/only/text],methods=[GET]}", "details": None}
    kept = mappings(function, every, shown, kind="dispatcherHandlers", name="webHandler")
    assert explicit(read(tmp_path, kept)) == ["GET /functional/{id}", "ANY /every", "ANY /only/text"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (json.dumps(SERVLET)[:400], "mappings.json:1:383: the mappings are no JSON: Unterminated string"),
        ('{"openapi": "3.1.0", "paths": {}}', "it looks like an OpenAPI document: `openapi:`"),
        (
            '[{"uri": "tasks", "method": "GET"}]',
            "it looks like what `php artisan route:list --json` prints: `laravel:`",
        ),
        ("--[ Route 1 ]-----\nVerb | GET\n", "it looks like what `rails routes` prints: `rails:`"),
        ('{"contexts": {"application": {"mappings": {}}}}', "holds no mapping"),
        ('{"contexts": {"application": 7}}', "holds no mapping"),
    ],
)
def test_what_holds_no_mappings_is_said(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError) as caught:
        read(tmp_path, text)
    assert said in caught.value.message
