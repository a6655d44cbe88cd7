"""The fuzzer as a source: every exchange, each kind of complaint, and an orderly end whatever happens."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request as Asked
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from contract.core.errors import MissingExtra, SourceError
from contract.core.evidence import Complaint, Exchange, Progress, header
from contract.core.target import Target
from contract.sources.probes.schemathesis import Habits, Options, probe
from contract.targets import http
from contract.targets.asgi import AsgiTarget
from contract.targets.wsgi import WsgiTarget
from tests.sources.probes import shop
from tests.targets.difficult import difficult, reply

QUICK = Options(max_examples=12, headers=shop.CREDENTIALS, request_timeout_s=2)


@contextmanager
def target(kind: str, *faults: str) -> Iterator[Target]:
    if kind == "http":
        with shop.running(*faults) as origin:
            there = http.open(origin)
            yield there
            there.close()
    else:
        here = AsgiTarget(shop.build(*faults), "asgi:shop")
        yield here
        here.close()


def run(
    there: Target, options: Options = QUICK, document: dict[str, Any] | None = None
) -> tuple[list[Exchange], list[Complaint], list[Progress]]:
    found = list(probe(document or shop.document(), there, options))
    return (
        [item for item in found if isinstance(item, Exchange)],
        [item for item in found if isinstance(item, Complaint)],
        [item for item in found if isinstance(item, Progress)],
    )


@pytest.mark.parametrize("kind", ["http", "asgi"])
def test_a_service_that_keeps_its_document_gives_no_complaint(kind: str) -> None:
    with target(kind) as there:
        exchanges, complaints, progress = run(there)
    assert complaints == []
    assert progress[-1] == Progress(5, 5, "", "end", [])
    assert all(step.warnings == [] for step in progress)
    assert {exchange.operation for exchange in exchanges} == {
        "GET /tasks",
        "POST /tasks",
        "GET /tasks/{id}",
        "DELETE /tasks/{id}",
        "GET /reports",
    }
    assert {exchange.response.status for exchange in exchanges if exchange.response} == {
        200, 201, 204, 401, 404, 415, 422,
    }  # fmt: skip
    assert {(exchange.source, exchange.traffic.value) for exchange in exchanges} == {("schemathesis", "fuzz")}


@pytest.mark.parametrize("kind", ["http", "asgi"])
@pytest.mark.parametrize(
    ("fault", "found"),
    [
        ("loose-title", [("invalid-request-accepted", "POST /tasks", "body:/title")]),
        ("strict-title", [("valid-request-refused", "POST /tasks", None)]),
        ("no-tenant", [("invalid-request-accepted", "GET /reports", "header:X-Tenant")]),
        ("zombie", [("use-after-delete", "GET /tasks/{id}", None)]),
        (
            "no-auth",
            [
                ("auth-not-enforced", "DELETE /tasks/{id}", "security:none"),
                ("auth-not-enforced", "GET /reports", "security:none"),
                ("auth-not-enforced", "GET /tasks", "security:none"),
                ("auth-not-enforced", "GET /tasks/{id}", "security:none"),
                ("auth-not-enforced", "POST /tasks", "security:none"),
            ],
        ),
        (
            "any-auth",
            [
                ("auth-not-enforced", "GET /reports", "security:made-up"),
                ("auth-not-enforced", "GET /tasks", "security:made-up"),
                ("auth-not-enforced", "GET /tasks/{id}", "security:made-up"),
                ("auth-not-enforced", "POST /tasks", "security:made-up"),
            ],
        ),
    ],
)
def test_each_fault_gives_its_complaints_and_no_other(
    kind: str, fault: str, found: list[tuple[str, str, str | None]]
) -> None:
    with target(kind, fault) as there:
        _, complaints, _ = run(there)
    assert [(one.kind, one.operation, one.where) for one in sorted(complaints, key=lambda one: one.operation)] == found


def test_a_complaint_shows_the_least_request_that_shows_it() -> None:
    with target("asgi", "loose-title") as there:
        _, [complaint], _ = run(there)
    assert complaint.message == ("`body:/title` is wrong (string larger than maxLength), and the server answered 201.")
    assert complaint.name == "title"
    [exchange] = complaint.exchanges
    assert exchange.request.body == b'{"priority": 1, "title": "000000000000000000000"}'


def test_use_after_delete_shows_the_deletion_that_came_before() -> None:
    with target("asgi", "zombie") as there:
        _, [complaint], _ = run(there)
    steps = [(step.request.method, step.response and step.response.status) for step in complaint.exchanges]
    assert steps[-2:] == [("DELETE", 204), ("GET", 200)]
    deleted, used = complaint.exchanges[-2:]
    assert deleted.request.path == used.request.path
    assert complaint.message == (
        f"DELETE {used.request.path} answered 204, and then GET {used.request.path} answered 200."
    )


def test_auth_not_enforced_shows_the_request_with_credentials_and_the_one_without() -> None:
    with target("asgi", "any-auth") as there:
        _, complaints, _ = run(there)
    complaint = next(one for one in complaints if one.operation == "GET /reports")
    given = [header(step.request.headers, "authorization") for step in complaint.exchanges]
    assert given == [shop.TOKEN, "Bearer SCHEMATHESIS-INVALID-VALUE"]
    assert [step.response and step.response.status for step in complaint.exchanges] == [200, 200]


def _sent(exchanges: list[Exchange]) -> list[tuple[str, str, bytes | None]]:
    return [(exchange.request.method, exchange.request.url, exchange.request.body) for exchange in exchanges]


def test_one_seed_gives_the_same_requests_each_time() -> None:
    lists = []
    for seed in (1, 1, 2):
        with target("asgi") as there:
            exchanges, _, _ = run(there, Options(seed=seed, max_examples=8, headers=shop.CREDENTIALS))
        lists.append(_sent(exchanges))
    assert lists[0] == lists[1]
    assert lists[0] != lists[2]


def test_a_server_and_the_application_in_process_are_asked_the_same() -> None:
    lists = []
    for kind in ("http", "asgi"):
        with target(kind) as there:
            exchanges, _, _ = run(there)
        lists.append([(*sent, exchange.response) for sent, exchange in zip(_sent(exchanges), exchanges, strict=True)])
    assert [item[:3] for item in lists[0]] == [item[:3] for item in lists[1]]
    assert [item[3] and (item[3].status, item[3].body) for item in lists[0]] == [
        item[3] and (item[3].status, item[3].body) for item in lists[1]
    ]


def test_the_budget_of_each_phase_is_like_that_of_the_others() -> None:
    counts = {}
    for phase in ("coverage", "fuzzing", "stateful"):
        with target("asgi") as there:
            exchanges, _, _ = run(there, Options(max_examples=50, headers=shop.CREDENTIALS, phases=(phase,)))
        counts[phase] = len(exchanges)
    assert 0 < counts["coverage"] < counts["fuzzing"] <= 5 * 50 * 1.2
    assert counts["stateful"] <= counts["fuzzing"]


def test_only_the_operations_that_are_named_are_asked() -> None:
    with target("asgi") as there:
        exchanges, _, progress = run(
            there, Options(max_examples=5, headers=shop.CREDENTIALS, operations=frozenset({"GET /tasks", "GET /gone"}))
        )
        nothing = run(there, Options(operations=frozenset()))
    assert {(exchange.request.method, exchange.request.path) for exchange in exchanges} == {("GET", "/tasks")}
    assert progress[-1] == Progress(1, 1, "", "end", [])
    assert nothing == ([], [], [Progress(0, 0, "", "end", [])])


def test_safe_sends_only_what_changes_nothing() -> None:
    with target("http") as there:
        exchanges, _, _ = run(there, Options(max_examples=10, headers=shop.CREDENTIALS, safe=True))
    assert {exchange.request.method for exchange in exchanges} == {"GET"}


def test_the_base_path_stands_before_each_path() -> None:
    async def mounted(request: Asked) -> Response:
        return JSONResponse([])

    document = shop.document()
    app = Starlette(routes=[Route("/api/v1/tasks", mounted)])
    here = AsgiTarget(app, "asgi:x")
    options = Options(max_examples=3, base_path="/api/v1", operations=frozenset({"GET /tasks"}))
    exchanges, _, _ = run(here, options, document)
    here.close()
    assert {exchange.request.path for exchange in exchanges} == {"/api/v1/tasks"}
    assert {exchange.operation for exchange in exchanges} == {"GET /tasks"}


@pytest.mark.parametrize("kind", ["http", "asgi"])
def test_an_operation_that_drops_the_connection_does_not_end_the_run(kind: str) -> None:
    with target(kind, "drop") as there:
        exchanges, complaints, progress = run(there)
    dropped = [exchange for exchange in exchanges if exchange.response is None]
    assert complaints == []
    assert {(exchange.operation, exchange.failure) for exchange in dropped} == {
        ("GET /reports", "connection closed in the middle of the answer")
    }
    assert len(dropped) > 10
    assert progress[-1] == Progress(5, 5, "", "end", [])


@pytest.mark.parametrize("kind", ["http", "asgi"])
def test_an_exception_of_the_application_is_an_answer(kind: str) -> None:
    with target(kind, "boom") as there:
        exchanges, _, _ = run(there)
    crashed = [exchange for exchange in exchanges if exchange.response and exchange.response.status == 500]
    assert {exchange.operation for exchange in crashed} == {"GET /tasks/{id}"}
    named = {
        exchange.failure is not None and exchange.failure.startswith("RuntimeError: no task") for exchange in crashed
    }
    assert named == {kind == "asgi"}


@pytest.mark.slow
def test_an_operation_that_hangs_costs_a_few_timeouts() -> None:
    with target("http", "hang") as there:
        exchanges, _, progress = run(there, Options(max_examples=4, headers=shop.CREDENTIALS, request_timeout_s=0.3))
    hung = [exchange for exchange in exchanges if exchange.response is None]
    assert {exchange.operation for exchange in hung} == {"GET /tasks/{id}"}
    assert all((exchange.failure or "").startswith("timed out after") for exchange in hung)
    assert 0 < len(hung) <= 40
    assert progress[-1].phase == "end" and progress[-1].warnings == []


def test_bodies_come_whole() -> None:
    with target("http", "big") as there:
        exchanges, _, _ = run(there, Options(max_examples=2, headers=shop.CREDENTIALS, phases=("fuzzing",)))
    sizes = {
        len(one.response.body)
        for one in exchanges
        if one.response and one.response.status == 200 and one.operation == "GET /tasks"
    }
    assert sizes == {3_000_011}


FORM = {
    "openapi": "3.0.3",
    "info": {"title": "files", "version": "1"},
    "paths": {
        "/files": {
            "post": {
                "requestBody": {
                    "required": True,
                    "content": {
                        "multipart/form-data": {
                            "schema": {
                                "type": "object",
                                "required": ["file"],
                                "properties": {"file": {"type": "string", "format": "binary"}},
                            }
                        }
                    },
                },
                "responses": {"200": {"description": "taken"}},
            },
            "put": {
                "requestBody": {
                    "required": True,
                    "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
                },
                "responses": {"200": {"description": "taken"}},
            },
        }
    },
}


def test_uploads_are_kept_as_they_were_sent() -> None:
    received: list[tuple[str, bytes]] = []

    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        received.append((environ["REQUEST_METHOD"], environ["wsgi.input"].read()))
        start_response("200 OK", [("Content-Type", "application/json")])
        return [b"{}"]

    here = WsgiTarget(app, "wsgi:x")
    exchanges, _, _ = run(here, Options(max_examples=10, phases=("fuzzing",)), FORM)
    here.close()
    assert [(one.request.method, one.request.body or b"") for one in exchanges] == received
    assert Counter(method for method, _ in received).keys() == {"POST", "PUT"}
    assert any(b"Content-Disposition: form-data" in body for method, body in received if method == "POST")


def _fuzzing_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if "schemathesis" in thread.name]


@pytest.mark.parametrize("phase", ["fuzzing", "stateful"])
def test_at_the_deadline_the_run_ends_and_says_so(phase: str) -> None:
    # So few requests a second that it cannot be through by then: now and then the library has enough of a state machine
    # after a few dozen scenarios.
    options = Options(max_examples=5000, max_time_s=1.5, headers=shop.CREDENTIALS, phases=(phase,), rate_limit="20/s")
    with target("http") as there:
        start = time.monotonic()
        exchanges, _, progress = run(there, options)
        took = time.monotonic() - start
    assert took < 6
    assert len(exchanges) > 10
    done = progress[-1].done
    assert progress[-1].warnings == [f"fuzz: stopped at its deadline of 1.5 s, with {done} of 5 operations done"]
    assert progress[-1].done < 5
    assert _fuzzing_threads() == []


@pytest.mark.parametrize("phase", ["fuzzing", "stateful"])
def test_closing_the_iterator_stops_the_workers(phase: str) -> None:
    with target("http") as there:
        events = probe(shop.document(), there, Options(max_examples=5000, headers=shop.CREDENTIALS, phases=(phase,)))
        for event in events:
            if isinstance(event, Exchange):
                break
        assert _fuzzing_threads() != []
        events.close()  # type: ignore[attr-defined]
        assert _fuzzing_threads() == []


INTERRUPTED = """
import _thread, contextlib, threading
from contract.core.evidence import Exchange
from contract.sources.probes.schemathesis import Options, probe
from contract.targets.asgi import AsgiTarget
from tests.sources.probes import shop

target = AsgiTarget(shop.build(), "x")
seen, last = 0, None
try:
    with contextlib.closing(probe(shop.document(), target, Options(max_examples=5000, headers=shop.CREDENTIALS))) as events:
        for last in events:
            seen += isinstance(last, Exchange)
            if seen == 30:
                threading.Timer(0.1, _thread.interrupt_main).start()
except KeyboardInterrupt:
    print(seen >= 30, getattr(last, "warnings", "between two events"), [t.name for t in threading.enumerate() if "schema" in t.name])
target.close()
"""


def test_ctrl_c_keeps_what_was_seen() -> None:
    done = subprocess.run([sys.executable, "-c", INTERRUPTED], capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    # The interrupt nearly always comes while we wait for the next event; it may also come in the caller's own code.
    assert done.stdout in ("True ['interrupted'] []\n", "True between two events []\n", "True [] []\n")


def test_nothing_is_printed_and_no_file_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "schemathesis.toml").write_text('base-url = "http://127.0.0.1:1"\n[phases.fuzzing]\nenabled = false\n')
    monkeypatch.chdir(tmp_path)
    with target("asgi") as there:
        exchanges, _, _ = run(there, Options(max_examples=5, headers=shop.CREDENTIALS, phases=("fuzzing",)))
    assert len(exchanges) > 5
    assert capfd.readouterr() == ("", "")
    assert [path.name for path in tmp_path.iterdir()] == ["schemathesis.toml"]


def test_a_server_that_went_away_ends_the_run() -> None:
    with shop.running() as origin:
        there = http.open(origin)
        events = probe(shop.document(), there, Options(max_examples=200, headers=shop.CREDENTIALS, phases=("fuzzing",)))
        for event in events:
            if isinstance(event, Exchange):
                break
    rest = list(events)
    there.close()
    assert rest[-1] == Progress(rest[-1].done, 5, "", "end", ["the server went away, and the rest was not asked"])  # type: ignore[union-attr]
    assert any(isinstance(item, Exchange) and item.failure == "connection refused" for item in rest)


def test_what_cannot_be_generated_is_named_once() -> None:
    document = shop.document()
    document["paths"]["/reports"]["get"]["parameters"][0]["schema"] = {"type": "strin"}
    with target("asgi") as there:
        _, _, progress = run(there, Options(max_examples=2, headers=shop.CREDENTIALS), document)
    warnings = [warning for step in progress for warning in step.warnings]
    assert warnings == ["GET /reports: Schema Error: Invalid `type` definition"]
    assert progress[-1].warnings == []


def test_the_document_is_left_as_it_was() -> None:
    document = shop.document()
    with target("asgi") as there:
        run(there, Options(max_examples=2, headers=shop.CREDENTIALS), document)
    assert document == shop.document()


@pytest.mark.parametrize("version", ["3.0.3", "3.1.0", "3.2.0"])
def test_documents_of_each_version_are_driven(version: str) -> None:
    with target("asgi") as there:
        exchanges, complaints, _ = run(
            there, Options(max_examples=3, headers=shop.CREDENTIALS), {**shop.document(), "openapi": version}
        )
    assert complaints == []
    assert len(exchanges) > 20


def test_requests_are_spaced_as_asked() -> None:
    with target("asgi") as there:
        start = time.monotonic()
        exchanges, _, _ = run(
            there, Options(max_examples=4, rate_limit="10/s", headers=shop.CREDENTIALS, phases=("fuzzing",))
        )
        took = time.monotonic() - start
    assert len(exchanges) / took < 20


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "schemathesis", None)
    with target("asgi") as there, pytest.raises(MissingExtra) as caught:
        probe(shop.document(), there, QUICK)
    assert caught.value.message == "the fuzzer needs `schemathesis`, which is not installed"
    assert caught.value.hint == "pip install 'contract-drift[fuzz]'"


def test_another_minor_of_the_library_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("schemathesis.__version__", "4.33.0")
    with target("asgi") as there, pytest.raises(SourceError) as caught:
        probe(shop.document(), there, QUICK)
    assert caught.value.message == "the fuzzer is built for schemathesis 4.32, and 4.33.0 is installed"
    assert caught.value.hint == "pip install 'schemathesis==4.32.*'"


def test_what_a_server_refuses_in_front_of_everything_is_asked_once_for_runs_that_share_it() -> None:
    habits = Habits()
    options = replace(QUICK, max_examples=1, phases=("coverage",))
    with difficult(lambda connection, asked: connection.sendall(reply("404 Not Found"))) as server:
        there = http.open(server.origin)
        for _ in range(2):
            list(probe(shop.document(), there, options, habits))
        there.close()
        asked = [each for each in server.asked if b"x-schemathesis-testcaseid" not in each.head.lower()]
    assert [each.url for each in asked] == ["/", "/schemathesis-probe%5C%1B%01"]


def test_an_operation_that_is_known_to_answer_too_slowly_is_left_to_the_walk_and_said() -> None:
    options = replace(QUICK, max_examples=1, phases=("coverage",), max_time_s=30, answers_s={"GET /reports": 60.0})
    with target("http") as there:
        exchanges, _, progress = run(there, options)
        unlimited, _, silent = run(there, replace(options, max_time_s=None))
    said = "fuzz: GET /reports took too long for the time that there is, or did not answer, and was asked less"
    assert [warning for step in progress for warning in step.warnings] == [said]
    assert "GET /reports" not in {each.operation for each in exchanges}
    assert "GET /reports" in {each.operation for each in unlimited}
    assert all(step.warnings == [] for step in silent)
