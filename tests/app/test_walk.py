"""The walk in the whole job: what it finds alone, what it leaves to the fuzzer, what it says, what it leaves alone."""

from __future__ import annotations

import json
import re
import socket
import sys
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from contract.app import run, settings
from contract.core.evidence import Exchange
from contract.core.openapi import Contract
from contract.core.report import Report
from contract.demo import DRIFTS
from contract.demo.app import create_app
from contract.sources.documents import file
from contract.sources.probes import walk
from contract.targets.asgi import AsgiTarget
from tests.sources.probes.walking import ANSWERS, BODY, JSON, Answer, Api, Asked, Shelf, operation, shelf_paths
from tests.targets.serving import scripted

ROOT = Path(__file__).parents[2]
ADMIN = "Authorization: Bearer demo-acme-admin"
ADVICE = {"missing-operation-id", "operation-without-success", "response-without-schema", "default-only-response"}
"""What lint says of a document that is written as briefly as these are."""


@contextmanager
def module(app: object) -> Iterator[str]:
    made = ModuleType("a_walked_application")
    made.app = app  # type: ignore[attr-defined]
    sys.modules["a_walked_application"] = made
    try:
        yield "a_walked_application:app"
    finally:
        del sys.modules["a_walked_application"]


def check(tmp_path: Path, paths: dict[str, Any] | str, app: Any, *, kind: str = "wsgi", **flags: Any) -> Report:
    """`contract check` of an application in this process, by the walk alone unless something else is said."""
    if isinstance(paths, dict):
        (tmp_path / "api.json").write_text(
            json.dumps({"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "paths": paths})
        )
    with module(app) as where:
        wanted = {
            "documents": [paths if isinstance(paths, str) else str(tmp_path / "api.json")],
            "target": f"{kind}:{where}",
            "max_time": "2m",
            "max_examples": "5",
            "types": False,
            "fuzz": False,
            "walk": True,
            **flags,
        }
        return run.check(settings.load(wanted, {}, tmp_path))


def demo(tmp_path: Path, *drifts: str, **flags: Any) -> Report:
    return check(
        tmp_path, str(ROOT / "specs/demo.yaml"), create_app(list(drifts)), kind="asgi", headers=[ADMIN], **flags
    )


def told(report: Report) -> list[tuple[str, str]]:
    return sorted(
        (row.rule, f"{row.operation.method} {row.operation.path}" if row.operation else "")
        for row in report.findings
        if row.rule not in ADVICE
    )


def sources(report: Report) -> list[str]:
    return [source.name for source in report.sources if source.name not in ("lint", "types")]


# --- what is asked ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("flags", "asked"),
    [
        ({"fuzz": True, "walk": None}, ["walk", "fuzz"]),
        ({"fuzz": True, "walk": False}, ["fuzz"]),
        ({"fuzz": False, "walk": True}, ["walk"]),
        ({"fuzz": False, "walk": None}, []),
    ],
)
def test_the_walk_goes_with_the_fuzzer_and_each_can_be_left_out(
    flags: dict[str, Any], asked: list[str], tmp_path: Path
) -> None:
    shelf = Shelf("1")
    report = check(tmp_path, shelf_paths(), Api(shelf.routes()), max_examples="1", **flags)
    assert sources(report) == asked


def test_safe_mode_writes_nothing_in_the_whole_job(tmp_path: Path) -> None:
    shelf = Shelf("1", "2")
    api = Api(shelf.routes())
    report = check(tmp_path, shelf_paths(), api, safe=True, fuzz=True)
    assert {asked.method for asked in api.log} <= {"GET", "HEAD", "OPTIONS"}
    assert sources(report) == ["walk", "fuzz"]


def test_safe_mode_leaves_nothing_out_of_what_needs_no_request(tmp_path: Path) -> None:
    """A list of routes is read and not asked: what it shows of POST and DELETE counts, and is told."""
    paths = shelf_paths()
    served = [f"{method.upper()} {path}" for path, item in paths.items() for method in item if method != "delete"]
    assert len({line.split()[0] for line in served}) > 1
    (tmp_path / "routes.txt").write_text("\n".join([*served, "POST /nobody-declares"]))
    flags = {"safe": True, "routes": [f"text:{tmp_path / 'routes.txt'}"]}
    report = check(tmp_path, paths, Api(Shelf("1").routes()), max_examples="1", **flags)
    documented = report.kpis.completeness
    assert (documented.part, documented.whole) == (len(served), len(served) + 1)
    missing = [row.operation.method for row in report.findings if row.rule == "unimplemented-operation"]
    assert missing == ["DELETE"] * sum("delete" in item for item in paths.values())


# --- the demo ---------------------------------------------------------------------------------------------------------


def test_the_demo_is_clean_and_all_of_it_is_exercised(tmp_path: Path) -> None:
    report = demo(tmp_path)
    assert report.findings == ()
    assert (report.outcome.exit_code, report.run.complete) == (0, True)
    assert (report.kpis.drift.exercised.operations.part, report.kpis.drift.exercised.operations.whole) == (22, 22)


def test_no_operation_of_the_demo_is_asked_more_than_its_share() -> None:
    target = AsgiTarget(create_app(), "asgi:demo", (("Authorization", "Bearer demo-acme-admin"),))
    operations = Contract(file.load(ROOT / "specs/demo.yaml")).operations
    headers = (("Authorization", "Bearer demo-acme-admin"),)
    try:
        events = list(walk.probe(operations, target, walk.Options(headers=headers), walk.Learnt()))
    finally:
        target.close()
    asked = Counter(event.operation for event in events if isinstance(event, Exchange))
    assert len(asked) == len(operations) == 22
    assert max(asked.values()) <= 40


FOUND_BY_THE_WALK = {
    "auth-not-enforced": "auth-not-enforced",
    "invalid-request-accepted": "invalid-request-accepted",
    "malformed-body": "malformed-body",
    "missing-header": "missing-header",
    "null-due-at": "response-schema",
    "undeclared-media-type": "undeclared-media-type",
    "undeclared-property": "undeclared-property",
    "undeclared-status": "undeclared-status",
    "unimplemented-operation": "operation-not-served",
    "use-after-delete": "use-after-delete",
}
LEFT_TO_OTHERS = {"no-answer", "server-error", "valid-request-refused", "undeclared-operation", "undeclared-parameter"}
"""What lies behind a number or a length that keeps the document, and what no document names."""


def test_each_drift_of_the_demo_is_the_walks_or_somebody_elses() -> None:
    assert set(FOUND_BY_THE_WALK) | LEFT_TO_OTHERS == set(DRIFTS)


@pytest.mark.parametrize("drift", sorted(FOUND_BY_THE_WALK))
def test_the_walk_alone_finds_a_drift_and_no_other(drift: str, tmp_path: Path) -> None:
    report = demo(tmp_path, drift)
    assert {row.rule for row in report.findings} == {FOUND_BY_THE_WALK[drift]}


def test_what_the_walk_cannot_find_it_does_not_call_something_else(tmp_path: Path) -> None:
    assert {row.rule for row in demo(tmp_path, *sorted(LEFT_TO_OTHERS)).findings} <= LEFT_TO_OTHERS


def test_two_runs_on_an_unchanged_service_find_the_same(tmp_path: Path) -> None:
    reports = []
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        reports.append(demo(tmp_path / name, "null-due-at", "undeclared-status", "auth-not-enforced"))
    one, other = ([(row.fingerprint, row.rule, row.level, row.proof) for row in each.findings] for each in reports)
    assert one == other and len(one) >= 3


# --- operation-not-served has one name --------------------------------------------------------------------------------

LESS = {"200": ANSWERS["200"]}


@pytest.mark.parametrize("status", [405, 501])
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("fuzz", [False, True])
def test_what_is_not_served_is_told_once(status: int, method: str, fuzz: bool, tmp_path: Path) -> None:
    body = {} if method == "GET" else {"requestBody": BODY}
    paths = {"/tasks": {"get": {"responses": LESS}}, "/gone": {method.lower(): {"responses": LESS, **body}}}
    gone = {f"{method} /gone": lambda asked: Answer(status, {"error": "no"})}
    api = Api({"GET /tasks": lambda asked: Answer(200, []), **gone})
    report = check(tmp_path, paths, api, fuzz=fuzz, corpus=False)
    assert told(report) == [("operation-not-served", f"{method} /gone")]


@pytest.mark.parametrize("fuzz", [False, True])
def test_a_connection_that_is_always_dropped_is_told_once(fuzz: bool, tmp_path: Path) -> None:
    def answer(connection: socket.socket, sent: bytes) -> None:
        if not sent:  # only looked whether anybody is there
            return
        path = sent.split(b" ")[1]
        body = b"[]" if path == b"/tasks" else b"{}"
        head = b"HTTP/1.1 200 OK" if path == b"/tasks" else b"HTTP/1.1 404 Not Found"
        if path.partition(b"?")[0] != b"/gone":
            connection.sendall(head + b"\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n" + body)  # fmt: skip

    paths = {"/tasks": {"get": {"responses": {**LESS, "404": ANSWERS["404"]}}}, "/gone": {"get": {"responses": LESS}}}
    with scripted(answer) as origin:
        report = check(tmp_path, paths, Api({}), target=origin, fuzz=fuzz, corpus=False, max_examples="2")
    assert told(report) == [("operation-not-served", "GET /gone")]


def test_a_404_for_what_is_known_to_exist_is_told_once(tmp_path: Path) -> None:
    paths = {"/tasks": {"get": operation()}, "/tasks/{id}": {"get": {**operation("id"), "responses": LESS}}}
    report = check(tmp_path, paths, Api({"GET /tasks": lambda asked: Answer(200, [{"id": 1}, {"id": 2}])}))
    assert told(report) == [("operation-not-served", "GET /tasks/{id}")]


def test_the_routers_404_without_parameters_is_told_once(tmp_path: Path) -> None:
    paths = {"/tasks": {"get": {"responses": LESS}}, "/gone": {"get": {"responses": LESS}}}
    report = check(tmp_path, paths, Api({"GET /tasks": lambda asked: Answer(200, [])}))
    assert told(report) == [("operation-not-served", "GET /gone")]
    (row,) = [each for each in report.findings if each.rule not in ADVICE]
    assert (row.level, row.proof) == ("error", "replayed")


def test_a_list_of_routes_says_it_first(tmp_path: Path) -> None:
    (tmp_path / "routes.txt").write_text("GET /tasks\n")
    paths = {"/tasks": {"get": {"responses": LESS}}, "/gone": {"get": {"responses": LESS}}}
    api = Api({"GET /tasks": lambda asked: Answer(200, [])})
    report = check(tmp_path, paths, api, routes=[f"text:{tmp_path / 'routes.txt'}"])
    assert told(report) == [("unimplemented-operation", "GET /gone")]


# --- dangerous --------------------------------------------------------------------------------------------------------


def admin(log: list[str]) -> tuple[dict[str, Any], Api]:
    def noted(name: str) -> Callable[[Asked], Answer]:
        def answer(asked: Asked) -> Answer:
            log.append(f"{asked.method} {name}")
            return Answer(200, {})

        return answer

    paths = {
        "/tasks": {"get": {"responses": LESS}},
        "/admin/shutdown": {"post": {"responses": ANSWERS}},
        "/billing/charge": {"post": {"responses": ANSWERS}},
    }
    return paths, Api(
        {f"{method} {path}": noted(path) for path, item in paths.items() for method in map(str.upper, item)}
    )


@pytest.mark.parametrize("fuzz", [False, True])
def test_what_sounds_dangerous_is_not_asked_and_said_so(fuzz: bool, tmp_path: Path) -> None:
    log: list[str] = []
    report = check(tmp_path, *admin(log), fuzz=fuzz)
    assert "POST /admin/shutdown" not in log and "POST /billing/charge" in log
    said = "not asked, for it may be dangerous: POST /admin/shutdown; `--allow-dangerous 'POST /admin/shutdown'` asks it all the same"  # fmt: skip
    assert list(report.run.notes).count(said) == 1


@pytest.mark.parametrize("fuzz", [False, True])
def test_the_user_says_what_is_dangerous_and_what_is_not(fuzz: bool, tmp_path: Path) -> None:
    log: list[str] = []
    flags = {"dangerous": ["POST /billing/*"], "allow_dangerous": ["POST /admin/shutdown"]}
    report = check(tmp_path, *admin(log), fuzz=fuzz, **flags)
    assert "POST /billing/charge" not in log and "POST /admin/shutdown" in log
    assert any("POST /billing/charge" in note for note in report.run.notes)
    assert not any("POST /admin/shutdown;" in note for note in report.run.notes)


# --- what is left, and what is told of it -----------------------------------------------------------------------------


def test_what_could_not_be_deleted_is_said(tmp_path: Path) -> None:
    shelf = Shelf("1")
    report = check(
        tmp_path, shelf_paths(), Api({**shelf.routes(), "DELETE /tasks/{id}": lambda asked: Answer(403, {})})
    )
    (note,) = [note for note in report.run.notes if note.startswith("walk: ")]
    made = [f"/tasks/{name}" for name in shelf.things if name not in shelf.fixtures]
    assert note.startswith("walk: what it made and could not delete again: /tasks/1001, /tasks/1002, /tasks/1003 and ")
    assert note.endswith(f" and {len(made) - 3} more")


def test_nothing_is_said_where_all_was_cleared_away(tmp_path: Path) -> None:
    shelf = Shelf("1")
    report = check(tmp_path, shelf_paths(), Api(shelf.routes()))
    assert [note for note in report.run.notes if note.startswith("walk: ")] == []
    assert set(shelf.things) == {"1"}


def test_the_words_of_an_error_are_not_kept(tmp_path: Path) -> None:
    """They tell faults apart in the hash of the fingerprint, and are in no file."""
    paths = {"/tasks": {"get": {"responses": LESS}}}
    api = Api({"GET /tasks": lambda asked: Answer(500, {"password": "correcthorsebattery", "error": "cannot log in with opensesame"})})  # fmt: skip
    report = check(tmp_path, paths, api, ledger="ledger.json", redact=["error"])
    assert told(report) == [("server-error", "GET /tasks")]
    written = (tmp_path / "ledger.json").read_text()
    assert "correcthorse" not in written and "opensesame" not in written


# --- what the fuzzer is given -----------------------------------------------------------------------------------------


class Orders:
    """Things whose ids are UUIDs that nobody can guess, numbered from a seed so that runs are the same."""

    def __init__(self) -> None:
        self.things = {str(uuid.UUID(int=number + (4 << 76) + (8 << 60))): {"n": number} for number in (1, 2, 3)}
        self.fixtures = set(self.things)
        self.found = 0

    def list(self, asked: Asked) -> Answer:
        return Answer(200, [{"id": key} for key in self.things])

    def read(self, asked: Asked) -> Answer:
        if asked.parts[0] not in self.things:
            return Answer(404, {"error": "none"})
        self.found += 1
        return Answer(200, {"id": asked.parts[0]})


def orders(tmp_path: Path, **flags: Any) -> tuple[int, int]:
    """How many reads of an item were asked, and how many of them found something."""
    made = Orders()
    parameter = {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}}
    paths = {
        "/orders": {"get": operation()},
        "/orders/{id}": {"get": {**operation(), "parameters": [parameter]}},
    }
    api = Api({"GET /orders": made.list, "GET /orders/{id}": made.read})
    check(tmp_path, paths, api, fuzz=True, corpus=False, max_examples="10", **flags)
    agents = [asked for asked in api.log if asked.path.startswith("/orders/")]
    return len(agents), made.found


def test_the_fuzzer_is_given_ids_that_exist(tmp_path: Path) -> None:
    (tmp_path / "with").mkdir()
    (tmp_path / "without").mkdir()
    alone = check_walk_alone(tmp_path)
    _, found = orders(tmp_path / "with")
    _, unaided = orders(tmp_path / "without", walk=False)
    assert found - alone > unaided


def check_walk_alone(tmp_path: Path) -> int:
    """How many reads find something in the walk itself."""
    (tmp_path / "alone").mkdir()
    made = Orders()
    parameter = {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}}
    paths = {"/orders": {"get": operation()}, "/orders/{id}": {"get": {**operation(), "parameters": [parameter]}}}
    check(tmp_path / "alone", paths, Api({"GET /orders": made.list, "GET /orders/{id}": made.read}))
    return made.found


def test_nothing_is_deleted_before_all_else_was_asked(tmp_path: Path) -> None:
    """What was there before is still there when the fuzzer's first pass ends."""
    shelf = Shelf("1", "2", "3")
    api = Api(shelf.routes())
    check(tmp_path, shelf_paths(), api, fuzz=True, corpus=False)
    ended = [index for index, asked in enumerate(api.log) if asked.method == "DELETE" and asked.path.rpartition("/")[2] in shelf.fixtures]  # fmt: skip
    made_up = [index for index, asked in enumerate(api.log) if "schemathesis" in asked.headers.get("user-agent", "")]
    # Of the fuzzer's requests the first deletion comes after each other operation has been asked by it.
    first = ended[0] if ended else len(api.log)
    before = {(asked.method, asked.path.count("/")) for asked in (api.log[index] for index in made_up if index < first)}
    assert {("GET", 1), ("POST", 1), ("GET", 2), ("PATCH", 2)} <= before


def test_a_verb_that_deletes_waits_for_the_last_pass(tmp_path: Path) -> None:
    shelf = Shelf("1", "2", "3")
    paths = {
        "/tasks": {"get": operation()},
        "/tasks/{id}": {"get": operation("id"), "patch": operation("id", body=BODY)},
    }
    paths["/tasks/{id}/delete"] = {"post": operation("id")}
    routes = {key: handler for key, handler in shelf.routes().items() if key in ("GET /tasks", "GET /tasks/{id}", "PATCH /tasks/{id}")}  # fmt: skip
    api = Api({**routes, "POST /tasks/{id}/delete": shelf.delete})
    check(tmp_path, paths, api, fuzz=True, corpus=False)
    order = [asked.method for asked in api.log]
    assert "PATCH" in order and (order.index("PATCH") < order.index("POST") if "POST" in order else True)


def test_a_body_that_was_accepted_is_shown_to_the_fuzzer(tmp_path: Path) -> None:
    """The server wants more of a name than the document says, and says so; only what the walk learnt is taken."""
    taken: list[str] = []

    def create(asked: Asked) -> Answer:
        name = asked.json.get("name") if isinstance(asked.json, dict) else None
        if not isinstance(name, str) or len(name) < 3 or not name.startswith("name"):
            return Answer(422, {"errors": {"name": ["name must have at least 8 characters"]}})
        if len(name) < 8:
            return Answer(422, {"errors": {"name": ["name must have at least 8 characters"]}})
        taken.append(asked.headers.get("user-agent", ""))
        return Answer(201, {"id": 1})

    schema = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}
    paths = {"/boxes": {"post": operation(body={"required": True, "content": {JSON: {"schema": schema}}})}}
    check(tmp_path, paths, Api({"POST /boxes": create}), fuzz=True, corpus=False)
    assert any("schemathesis" in agent for agent in taken)


def test_ids_in_the_config_reach_the_walk(tmp_path: Path) -> None:
    shelf = Shelf("77", "5")
    api = Api({"GET /tasks/{id}": shelf.read})
    (tmp_path / "contract.toml").write_text("[walk.ids]\ntask_id = [77]\n")
    report = check(tmp_path, {"/tasks/{id}": {"get": operation("id")}}, api)
    assert "/tasks/77" in {asked.path for asked in api.log}
    assert report.kpis.drift.exercised.operations.part == 1


def test_what_a_server_keeps_of_what_the_fuzzer_made_up_is_not_told_as_its_own(tmp_path: Path) -> None:
    """It takes what nobody declared, as the document allows, and gives it back to each reader."""
    kept: list[dict[str, Any]] = []

    def make(asked: Asked) -> Answer:
        if not isinstance(asked.json, dict):
            return Answer(400, {})
        kept.append(asked.json)
        return Answer(201, {**asked.json, "id": len(kept), "score": 1})

    thing = {"type": "object", "properties": {"id": {"type": "integer"}, "title": {"type": "string"}}}
    media = {"content": {"application/json": {"schema": thing}}}
    many = {"content": {"application/json": {"schema": {"type": "array", "items": thing}}}}
    paths = {
        "/things": {
            "post": {
                "requestBody": {"required": True, **media},
                "responses": {"201": {"description": ".", **media}, "400": BODY},
            },
            "get": {"responses": {"200": {"description": ".", **many}}},
        }
    }
    api = Api({"POST /things": make, "GET /things": lambda asked: Answer(200, kept[-50:])})
    report = check(tmp_path, paths, api, fuzz=True, max_examples="60", seed="1")
    names = {name for each in kept for name in each} - {"title", "id"}
    assert len(names) > 5  # the fuzzer made some up
    told_of = {row.where.pointer for row in report.findings if row.rule == "undeclared-property"}
    assert told_of == {"/score"}


def test_a_walk_that_has_lost_its_credentials_says_so_and_ends(tmp_path: Path) -> None:
    """Whatever it is that ends them: from then on answers say nothing of the operations."""
    asked_of: Counter[str] = Counter()

    def served(asked: Asked) -> Answer:
        asked_of[asked.path] += 1
        lost = asked.headers.get("authorization") != "Bearer t" or asked_of["/a"] > 5
        return Answer(401, {}) if lost else Answer(200, [])

    paths = {path: {"get": {"operationId": path[1:], "responses": LESS}} for path in ("/a", "/b", "/c")}
    api = Api({f"GET {path}": served for path in paths})
    report = check(tmp_path, paths, api, headers=["Authorization: Bearer t"])
    (note,) = [note for note in report.run.notes if note.startswith("walk: ")]
    assert re.fullmatch(
        "walk: GET /[abc] and others, which took the same credentials before, answer 401; the rest was not asked", note
    )
    assert sum(asked_of.values()) < 40
