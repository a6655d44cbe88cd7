"""Undeclared operations without a route list: found where they are served, and nowhere else."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.requests import Request as Asked
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from contract.core.evidence import Complaint, Exchange, Progress, Request, Traffic
from contract.core.openapi import Contract
from contract.demo.app import create_app
from contract.sources.documents import file
from contract.sources.probes.discovery import MAX_REQUESTS, probe
from contract.targets import http
from tests.targets.serving import served

ROOT = Path(__file__).parents[3]
OK = {"responses": {"200": {"description": "it"}}}
Handler = Callable[[Asked], Any]


def says(answer: Any) -> Handler:
    async def endpoint(request: Asked) -> Response:
        value = answer(request) if callable(answer) else answer
        return value if isinstance(value, Response) else JSONResponse(value)

    return endpoint


def api(routes: Mapping[str, Any], *, otherwise: Any = None, redirect_slashes: bool = True) -> Starlette:
    """An application with GET routes, and perhaps one more that takes all other paths."""
    listed: list[BaseRoute] = [Route(path, says(answer), methods=["GET"]) for path, answer in routes.items()]
    if otherwise is not None:
        listed.append(Route("/{path:path}", says(otherwise), methods=["GET"]))
    made = Starlette(routes=listed)
    made.router.redirect_slashes = redirect_slashes
    return made


def ask(
    app: Any,
    tmp_path: Path,
    declared: tuple[str, ...] = ("/tasks",),
    *,
    base: str = "",
    asked: tuple[str, ...] = (),
    headers: tuple[tuple[str, str], ...] = (),
    **limits: Any,
) -> tuple[list[Exchange], list[Complaint], list[Progress]]:
    """What the probe finds at a real server whose document declares some GET operations; `asked` were successes before."""
    paths = {
        path: {
            "get": {
                **OK,
                "parameters": [
                    {"name": name[1:-1], "in": "path", "required": True, "schema": {"type": "string"}}
                    for name in path.split("/")
                    if name.startswith("{")
                ],
            }
        }
        for path in declared
    }
    described = {
        "openapi": "3.1.0",
        "info": {"title": "x", "version": "1"},
        "servers": [{"url": base or "/"}],
        "paths": paths,
    }
    (tmp_path / "api.json").write_text(json.dumps(described))
    contract = Contract(file.load(tmp_path / "api.json"))
    with served(app) as origin:
        target = http.open(origin, headers=headers)
        seen = {}
        for url in asked:
            exchange = target.send(Request("GET", base + url), source="test", traffic=Traffic.TEST)
            match = contract.match("GET", exchange.request.path)
            assert match is not None and match.operation is not None and exchange.response is not None
            assert exchange.response.status == 200
            seen[match.operation.key] = exchange
        found = list(probe(contract, seen, target, **limits))
        target.close()
    return (
        [item for item in found if isinstance(item, Exchange)],
        [item for item in found if isinstance(item, Complaint)],
        [item for item in found if isinstance(item, Progress)],
    )


def names(app: Any, tmp_path: Path, declared: tuple[str, ...] = ("/tasks",), **more: Any) -> list[str]:
    return [complaint.operation for complaint in ask(app, tmp_path, declared, **more)[1]]


# --- what is found ----------------------------------------------------------------------------------------------------


def test_a_conventional_place_that_answers_is_found(tmp_path: Path) -> None:
    app = api({"/tasks": [], "/metrics": lambda _: PlainTextResponse("up 1"), "/health": {"status": "up"}})
    exchanges, complaints, progress = ask(app, tmp_path)
    assert [(each.kind, each.operation, each.source) for each in complaints] == [
        ("undeclared-operation", "GET /metrics", "discovery"),
        ("undeclared-operation", "GET /health", "discovery"),
    ]
    assert complaints[0].message == (
        "GET /metrics is answered with 200 (text/plain), and the document does not declare it: it is a conventional "
        "place. What nobody serves there, /zq7-no-such-path, is answered with 404."
    )
    assert [
        (each.request.url, each.response.status) for each in complaints[0].exchanges if each.response is not None
    ] == [
        ("/zq7-no-such-path", 404),
        ("/metrics", 200),
    ]
    assert {exchange.request.method for exchange in exchanges} == {"GET"}
    assert {(exchange.traffic, exchange.source) for exchange in exchanges} == {(Traffic.SYNTHETIC, "discovery")}
    assert progress[-1] == Progress(len(exchanges), len(exchanges), "", "end", [])
    assert len(exchanges) <= MAX_REQUESTS


def test_conventional_places_are_asked_below_the_base_path_too(tmp_path: Path) -> None:
    app = api({"/api/v1/tasks": [], "/api/v1/heartbeat": {}, "/-/ready": lambda _: PlainTextResponse("ready")})
    assert names(app, tmp_path, base="/api/v1") == ["GET /-/ready", "GET /api/v1/heartbeat"]


def test_a_parent_is_asked_with_an_id_that_exists(tmp_path: Path) -> None:
    def project(request: Asked) -> Any:
        return {"id": 7} if request.path_params["id"] == "7" else JSONResponse({"error": "unknown"}, 404)

    app = api({"/api/projects/{id}/tasks": [], "/api/projects/{id}": project, "/api/projects": [{"id": 7}]})
    declared = ("/projects/{project}/tasks",)
    assert names(app, tmp_path, declared, base="/api", asked=("/projects/7/tasks",)) == [
        "GET /api/projects/{project}",
        "GET /api/projects",
    ]


def test_a_parent_whose_id_is_not_known_is_not_asked(tmp_path: Path) -> None:
    app = api({"/projects/{id}/tasks": [], "/projects/{id}": {}})
    exchanges, complaints, _ = ask(app, tmp_path, ("/projects/{id}/tasks",))
    assert complaints == []
    assert [each.request.url for each in exchanges if each.request.url.startswith("/projects/")] == []


def test_one_of_what_a_list_shows_is_asked_for_itself(tmp_path: Path) -> None:
    def one(request: Asked) -> Any:
        return {"name": "v8"} if request.path_params["name"] == "v8" else JSONResponse({"error": "unknown"}, 404)

    things = {"default": "v8", "engines": {"v8": {"name": "v8", "power": 3}}}
    app = api({"/engines/{name}": one, "/engines": things, "/cars": [{"id": 5}], "/wheels": [1, 2]})
    declared = ("/engines", "/cars", "/wheels")
    exchanges, complaints, _ = ask(app, tmp_path, declared, asked=("/engines", "/cars", "/wheels"))
    assert [each.operation for each in complaints] == ["GET /engines/{id}"]
    asked = [each.request.url for each in exchanges]
    assert {"/engines/v8", "/cars/5", "/wheels/1"} <= {*asked}
    assert not {"/cars/6", "/wheels/2"} & {*asked}
    below = ask(app, tmp_path, ("/engines", "/engines/{name}"), asked=("/engines",))
    assert [each.operation for each in below[1]] == []


def test_declared_paths_are_found_under_a_neighbouring_version(tmp_path: Path) -> None:
    def one(request: Asked) -> Any:
        return {"id": 3} if request.path_params["id"] == "3" else JSONResponse({}, 404)

    app = api({"/v2/tasks": [], "/v2/tasks/{id}": one, "/v1/tasks": [], "/v1/tasks/{id}": one})
    assert names(app, tmp_path, ("/tasks", "/tasks/{id}"), base="/v2", asked=("/tasks", "/tasks/3")) == [
        "GET /v1/tasks",
        "GET /v1/tasks/{id}",
    ]


def test_a_version_that_is_a_parameter_is_no_neighbour(tmp_path: Path) -> None:
    app = api({"/{version}/tasks": [1]})
    assert names(app, tmp_path, base="/v2", asked=("/tasks",)) == []


def test_what_an_answer_links_to_is_found_two_levels_deep(tmp_path: Path) -> None:
    page = "<a href='/guide'>guide</a><form action='/find'></form><form method=post action='/add'></form>"
    app = api(
        {
            "/tasks": lambda _: JSONResponse({"links": {"more": "/archive"}}, headers={"Link": "</feed>; rel=next"}),
            "/": lambda _: HTMLResponse(page),
            "/guide": lambda _: HTMLResponse("<a href='guide/part'>part</a>"),
            "/guide/part": lambda _: HTMLResponse("<a href='/deep'>deep</a>"),
            "/deep": lambda _: HTMLResponse("deep"),
            "/find": [],
            "/add": [],
            "/archive": {"items": []},
            "/feed": [],
        }
    )
    assert names(app, tmp_path, asked=("/tasks",)) == [
        "GET /",
        "GET /guide",
        "GET /find",
        "GET /feed",
        "GET /archive",
        "GET /guide/part",
    ]


def test_values_of_one_linked_route_are_one_finding(tmp_path: Path) -> None:
    app = api(
        {
            "/tasks": [{"href": f"/people/{name}"} for name in ("ann", "bob", "cy", "dee")],
            "/people/{name}": lambda request: (
                {"name": request.path_params["name"], "age": 4}
                if len(request.path_params["name"]) < 4
                else JSONResponse({}, 404)
            ),
        }
    )
    assert names(app, tmp_path, asked=("/tasks",)) == ["GET /people/ann"]


def test_what_the_server_s_own_document_lists_is_found(tmp_path: Path) -> None:
    shown = {"openapi": "3.0.3", "paths": {"/tasks": {"get": {}}, "/secret": {"get": {}}, "/gone": {"get": {}}}}
    app = api({"/tasks": [], "/openapi.json": shown, "/secret": {}})
    assert names(app, tmp_path) == ["GET /openapi.json", "GET /secret"]


def test_a_redirect_to_what_is_served_is_a_route(tmp_path: Path) -> None:
    app = api({"/tasks": [], "/docs": lambda _: RedirectResponse("/manual", 302), "/manual": {"pages": 3}})
    assert names(app, tmp_path) == ["GET /docs", "GET /manual"]


def test_a_slash_is_no_route_and_what_it_leads_to_is_one(tmp_path: Path) -> None:
    app = api({"/tasks": [], "/docs/": lambda _: HTMLResponse("the manual")})
    assert names(app, tmp_path) == ["GET /docs/"]


def test_what_is_open_among_paths_that_are_closed_is_found(tmp_path: Path) -> None:
    app = api({"/tasks": [], "/healthz": {"ok": True}}, otherwise=lambda _: JSONResponse({"error": "token"}, 401))
    assert names(app, tmp_path) == ["GET /healthz"]


def test_a_route_is_found_beside_a_fallback_that_takes_every_path(tmp_path: Path) -> None:
    app = api({"/tasks": [], "/metrics": lambda _: PlainTextResponse("up 1")}, otherwise=lambda _: HTMLResponse("app"))
    assert names(app, tmp_path) == ["GET /metrics"]


# --- what is no route -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "otherwise",
    [
        lambda _: HTMLResponse("<div id=app></div>"),
        lambda request: {"path": request.url.path, "url": str(request.url), "method": request.method},
        lambda request: HTMLResponse(f"<p>no page {request.url.path}, asked at {id(request)}</p>"),
        lambda request: {"error": f"nothing is called {request.url.path.rstrip('/').rpartition('/')[2]}"},
        lambda request: RedirectResponse(f"/login?next={request.url.path}", 302),
        lambda request: RedirectResponse(f"/v9{request.url.path}", 307),
        lambda _: JSONResponse({"error": "token"}, 401),
        lambda _: JSONResponse({"error": "role"}, 403),
        lambda _: JSONResponse({"code": 404, "message": "no such path"}, 404),
        lambda _: JSONResponse({"error": "method"}, 405),
        lambda _: JSONResponse({"error": "not yet"}, 501),
        lambda _: JSONResponse({"error": "request"}, 400),
        lambda _: JSONResponse({"error": "broken"}, 500),
        lambda _: JSONResponse({"error": "slowly"}, 429),
    ],
    ids=["page", "echo", "numbered", "named", "login", "moved", "401", "403", "404", "405", "501", "400", "500", "429"],
)
def test_what_is_said_to_every_path_is_no_route(otherwise: Any, tmp_path: Path) -> None:
    login = {"/login": lambda _: HTMLResponse("who are you?")}
    app = api({"/tasks": [], **login}, otherwise=otherwise)
    assert names(app, tmp_path, ("/tasks", "/login"), asked=("/tasks",)) == []


def test_head_and_options_are_not_sent_and_show_nothing(tmp_path: Path) -> None:
    methods: list[str] = []

    async def seen(request: Asked) -> Response:
        methods.append(request.method)
        return Response("", 200)

    app = Starlette(routes=[Route("/health", seen, methods=["OPTIONS", "POST"]), Route("/tasks", says([]))])
    assert names(app, tmp_path) == []
    assert methods == []


def test_a_declared_path_with_or_without_a_slash_is_not_asked(tmp_path: Path) -> None:
    app = api({"/health": {}, "/metrics/": {}, "/files/{path:path}": {}})
    described = ("/health/", "/metrics", "/files/{path*}")
    exchanges, complaints, _ = ask(app, tmp_path, described)
    assert complaints == []
    asked = {exchange.request.path for exchange in exchanges}
    assert asked.isdisjoint({"/health", "/health/", "/metrics", "/metrics/"})


def test_below_a_declared_template_everything_is_declared(tmp_path: Path) -> None:
    app = api({"/{name}": lambda request: {request.path_params["name"]: 1}})
    assert names(app, tmp_path, ("/{name}",)) == []


def test_a_redirect_to_what_is_not_served_or_lies_elsewhere_is_no_route(tmp_path: Path) -> None:
    app = api(
        {
            "/tasks": [],
            "/docs": lambda _: RedirectResponse("/nowhere", 302),
            "/admin/": lambda _: RedirectResponse("https://other.invalid/", 302),
        }
    )
    exchanges, complaints, _ = ask(app, tmp_path)
    assert complaints == []
    assert [each.request.url for each in exchanges if each.request.url == "/nowhere"] == ["/nowhere"]


def test_files_are_no_operations(tmp_path: Path) -> None:
    pages = tmp_path / "pages"
    pages.mkdir()
    (pages / "index.html").write_text("<script src='/x.js'></script><link href='/x.css'><a href='/about.html'>a</a>")
    (pages / "about.html").write_text("about")
    (pages / "x.css").write_text("a {}")
    app = Starlette(routes=[Route("/tasks", says([])), Mount("/", StaticFiles(directory=pages, html=True))])
    assert names(app, tmp_path) == []


def test_fastapi_s_own_pages_are_left_out_as_its_route_list_leaves_them_out(tmp_path: Path) -> None:
    app = FastAPI()

    @app.get("/tasks")
    def tasks() -> list[int]:
        return []

    @app.get("/forgotten")
    def forgotten() -> list[int]:
        return []

    exchanges, complaints, _ = ask(app, tmp_path, asked=("/tasks",))
    answered = {each.request.url for each in exchanges if each.response is not None and each.response.status == 200}
    assert answered >= {"/docs", "/redoc", "/openapi.json"}
    assert [complaint.operation for complaint in complaints] == ["GET /forgotten"]


def test_a_link_that_acts_is_not_followed(tmp_path: Path) -> None:
    called: list[str] = []

    def quits(request: Asked) -> Any:
        called.append(request.url.path)
        return {}

    links = {"self": "/tasks", "out": "/logout", "end": "/quitquitquit", "one": "/tasks/1/delete"}
    app = api(
        {"/tasks": {"links": links}, "/logout": quits, "/quitquitquit": quits, "/tasks/{id}/delete": quits},
    )
    assert names(app, tmp_path, asked=("/tasks",)) == []
    assert called == []


def test_the_demo_without_drift_gives_nothing(tmp_path: Path) -> None:
    contract = Contract(file.load(ROOT / "specs/demo.yaml"))
    with served(create_app()) as origin:
        target = http.open(origin, headers=(("Authorization", "Bearer demo-acme-admin"),))
        seen: dict[str, Exchange] = {}
        for operation in contract.operations:
            if operation.method == "GET":
                url = operation.base_paths[0] + operation.path.replace("{project_id}", "1").replace("{task_id}", "1")
                exchange = target.send(Request("GET", url), source="test", traffic=Traffic.TEST)
                if exchange.response is not None and exchange.response.status == 200:
                    seen[operation.key] = exchange
        found = list(probe(contract, seen, target))
        target.close()
    assert len(seen) > 5
    assert [item for item in found if isinstance(item, Complaint)] == []


# --- what it costs ----------------------------------------------------------------------------------------------------


def test_the_same_requests_are_sent_in_the_same_order(tmp_path: Path) -> None:
    app = api({"/v1/tasks": [{"href": "/v1/more"}], "/v1/more": {}, "/metrics": {}, "/v2/tasks": []})
    runs = [[each.request.url for each in ask(app, tmp_path, base="/v1", asked=("/tasks",))[0]] for _ in range(2)]
    assert runs[0] == runs[1]
    assert len(set(runs[0])) == len(runs[0])


def test_no_more_is_asked_than_is_allowed(tmp_path: Path) -> None:
    exchanges, _, progress = ask(api({"/tasks": []}, otherwise=lambda _: HTMLResponse("app")), tmp_path, max_requests=9)
    assert len(exchanges) == 9
    assert progress[-1] == Progress(9, 9, "", "end", [])


def test_at_the_deadline_the_rest_is_not_asked(tmp_path: Path) -> None:
    instants = iter([0.0, 1.0, 2.0, 99.0])
    exchanges, _, progress = ask(api({"/tasks": []}), tmp_path, max_time_s=10.0, now=lambda: next(instants))
    assert len(exchanges) == 2
    assert progress[-1] == Progress(2, 2, "", "end", ["discovery: stopped at its deadline of 10 s, after 2 requests"])


def test_a_server_that_no_longer_answers_is_left_alone(tmp_path: Path) -> None:
    described = {"openapi": "3.1.0", "info": {"title": "x", "version": "1"}, "paths": {"/tasks": {"get": OK}}}
    (tmp_path / "api.json").write_text(json.dumps(described))
    with served(api({})) as origin:
        target = http.open(origin)
    found = list(probe(Contract(file.load(tmp_path / "api.json")), {}, target))
    target.close()
    assert [item.response for item in found if isinstance(item, Exchange)] == [None, None, None]
    assert isinstance(found[-1], Progress) and (found[-1].phase, found[-1].warnings) == ("end", [])
