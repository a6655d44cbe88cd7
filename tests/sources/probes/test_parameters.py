"""Undeclared query parameters: found where they are honoured, and nowhere else."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request as Asked
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from contract.core.evidence import Complaint, Exchange, Progress, Request, Traffic
from contract.sources.probes.parameters import MAX_REQUESTS, candidates, probe
from contract.targets.asgi import AsgiTarget

TASKS = [
    {"id": 1, "title": "b", "state": "open", "project_id": 7},
    {"id": 2, "title": "c", "state": "done", "project_id": 7},
    {"id": 3, "title": "a", "state": "open", "project_id": 8},
]
Answer = Callable[[dict[str, str], Asked], Any]


def ask(
    answer: Answer, *, declared: tuple[str, ...] = (), url: str = "/tasks", **limits: Any
) -> tuple[list[Exchange], list[Complaint], list[Progress]]:
    """What the probe finds at an API with one operation."""

    async def endpoint(request: Asked) -> Response:
        value = answer(dict(request.query_params), request)
        return value if isinstance(value, Response) else JSONResponse(value)

    target = AsgiTarget(Starlette(routes=[Route("/tasks", endpoint)]), "asgi:x")
    accepted = target.send(Request("GET", url), source="test", traffic=Traffic.TEST)
    found = list(probe({"GET /tasks": accepted}, {"GET /tasks": declared}, target, **limits))
    target.close()
    return (
        [item for item in found if isinstance(item, Exchange)],
        [item for item in found if isinstance(item, Complaint)],
        [item for item in found if isinstance(item, Progress)],
    )


def plain(query: dict[str, str], request: Asked) -> Any:
    return TASKS


def sorts(query: dict[str, str], request: Asked) -> Any:
    key = query.get("sort", "id").removeprefix("-")
    return sorted(TASKS, key=lambda task: task.get(key, 0), reverse=query.get("sort", "").startswith("-"))


def test_a_server_that_ignores_what_it_does_not_declare_gives_no_complaint() -> None:
    exchanges, complaints, progress = ask(plain)
    assert complaints == []
    assert len(exchanges) <= MAX_REQUESTS
    assert {exchange.traffic.value for exchange in exchanges} == {"synthetic"}
    assert progress[-1] == Progress(1, 1, "", "end", [])


def test_a_parameter_that_is_honoured_is_found() -> None:
    _, [complaint], _ = ask(sorts)
    assert (complaint.kind, complaint.operation, complaint.name, complaint.where, complaint.source) == (
        "undeclared-parameter",
        "GET /tasks",
        "sort",
        "query:sort",
        "parameters",
    )
    assert [exchange.request.url for exchange in complaint.exchanges] == ["/tasks", "/tasks?sort=-title"]
    assert complaint.message == (
        "The answer changes when `sort=-title` is sent, and the document does not declare `sort`."
    )


def test_a_parameter_that_is_declared_is_not_asked_for() -> None:
    exchanges, complaints, _ = ask(sorts, declared=("sort",))
    assert complaints == []
    assert not any("sort=" in exchange.request.url for exchange in exchanges)


def test_a_parameter_that_the_request_has_already_is_not_asked_for() -> None:
    exchanges, complaints, _ = ask(sorts, url="/tasks?sort=title")
    assert complaints == []
    assert {exchange.request.url.count("sort=") for exchange in exchanges} == {1}


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("limit", lambda query, _: TASKS[: int(query.get("limit", 10))]),
        ("page", lambda query, _: TASKS if query.get("page", "1") == "1" else []),
        ("q", lambda query, _: [task for task in TASKS if query.get("q", "") in str(task["title"])]),
        ("fields", lambda query, _: [{"id": 1}] if query.get("fields") == "id" else TASKS),
        ("include", lambda query, _: {"data": TASKS, "project": "x"} if query.get("include") == "project" else TASKS),
        ("status", lambda query, _: [] if query.get("status") else {"items": TASKS, "total": 3}),
    ],
)
def test_conventional_names_are_known(name: str, answer: Answer) -> None:
    _, complaints, _ = ask(answer)
    assert [complaint.name for complaint in complaints] == [name]


def test_several_parameters_are_told_once_each() -> None:
    def both(query: dict[str, str], request: Asked) -> Any:
        return sorts(query, request)[: int(query.get("limit", 10))]

    _, complaints, _ = ask(both)
    assert [complaint.name for complaint in complaints] == ["sort", "limit"]


def test_an_operation_that_never_answers_the_same_is_left_alone() -> None:
    numbers = itertools.count()
    exchanges, complaints, _ = ask(lambda query, _: {"items": TASKS, "now": next(numbers)})
    assert (len(exchanges), complaints) == (2, [])


def test_an_answer_that_repeats_its_own_url_is_left_alone() -> None:
    exchanges, complaints, _ = ask(lambda query, request: {"items": TASKS, "self": str(request.url)})
    assert (len(exchanges), complaints) == (3, [])


def test_a_difference_that_does_not_come_again_is_no_drift() -> None:
    numbers = itertools.count()
    _, complaints, _ = ask(lambda query, _: TASKS[:1] if next(numbers) == 6 else TASKS)
    assert complaints == []


def test_a_server_that_refuses_unknown_parameters_does_right() -> None:
    _, complaints, _ = ask(lambda query, _: JSONResponse({"error": "unknown"}, 400) if query else TASKS)
    assert complaints == []


def test_an_operation_that_no_longer_answers_is_left_alone() -> None:
    numbers = itertools.count()
    exchanges, complaints, _ = ask(lambda query, _: TASKS if next(numbers) == 0 else JSONResponse({}, 404))
    assert (len(exchanges), complaints) == (2, [])


def test_each_operation_has_its_budget() -> None:
    exchanges, _, _ = ask(plain, max_requests=10)
    assert len(exchanges) <= 10


def test_at_the_deadline_the_rest_is_not_asked() -> None:
    exchanges, _, progress = ask(plain, max_time_s=0)
    assert exchanges == []
    assert progress == [Progress(0, 1, "", "end", ["parameters: stopped at the deadline of 0 s"])]


def test_candidates_follow_the_answer() -> None:
    target = AsgiTarget(Starlette(routes=[Route("/tasks", lambda _: JSONResponse(TASKS[0]))]), "asgi:x")
    one = target.send(Request("GET", "/tasks"), source="test", traffic=Traffic.TEST)
    target.close()
    assert candidates(one) == [("fields", "id"), ("include", "project"), ("expand", "project")]
