"""The demo behaves as its document says, over a real server."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from contract.demo.app import create_app
from contract.demo.instants import instant
from tests.demo.serving import ACME, ACME_ADMIN, GLOBEX, serving

WILE = "0b6f5a2e-7c1d-4a3e-9f42-1d1a6c7e5b01"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@contextmanager
def client() -> Iterator[httpx2.Client]:
    app = create_app(clock=lambda: NOON)
    with serving(app) as origin, httpx2.Client(base_url=f"{origin}/api/v1", headers=ACME) as client:
        yield client


@pytest.fixture
def api() -> Iterator[httpx2.Client]:
    """A demo of one's own."""
    with client() as opened:
        yield opened


@pytest.fixture(scope="module")
def seeded() -> Iterator[httpx2.Client]:
    """One demo for all tests that change nothing in it."""
    with client() as opened:
        yield opened


def test_a_seeded_task_is_there(seeded: httpx2.Client) -> None:
    answer = seeded.get("/app/tasks/17")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.json() == {
        "id": 17,
        "project_id": 3,
        "title": "Book the launch site",
        "description": None,
        "status": "doing",
        "priority": 2,
        "labels": ["paperwork"],
        "assignee_id": None,
        "due_at": "2026-03-12T12:00:00.000Z",
        "pinned": True,
        "created_at": "2026-02-09T12:00:00.000Z",
        "updated_at": "2026-02-09T12:00:00.000Z",
    }


def test_rows_of_another_tenant_do_not_exist(api: httpx2.Client) -> None:
    answer = api.get("/app/tasks/17", headers=GLOBEX)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    assert answer.json() == {"type": "about:blank", "title": "Not Found", "status": 404, "detail": "no such resource"}
    assert api.delete("/app/projects/1", headers=GLOBEX).status_code == 404
    assert [row["key"] for row in api.get("/app/projects", headers=GLOBEX).json()["items"]] == ["REACTOR"]
    other = api.post("/app/tasks", json={"project_id": 4, "title": "Spy"})
    assert (other.status_code, other.json()["detail"]) == (409, "there is no project 4")


@pytest.mark.parametrize("value", ["", "Bearer", "Bearer wrong", "Basic demo-acme", "demo-acme", "Bearer dém\xf6"])
def test_nobody_passes_without_a_valid_token(seeded: httpx2.Client, value: str) -> None:
    answer = seeded.post("/app/tasks", headers={b"Authorization": value.encode("latin-1")}, content=b"{")
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert answer.json()["detail"] == "a valid bearer token is needed"


def test_the_scheme_of_a_token_is_compared_without_case(seeded: httpx2.Client) -> None:
    assert seeded.get("/app/tasks", headers={"Authorization": "bEARER demo-acme"}).status_code == 200


def test_administration_is_for_admins(seeded: httpx2.Client) -> None:
    answer = seeded.get("/admin/users")
    assert (answer.status_code, answer.json()["detail"]) == (403, "only an admin of the tenant may do this")
    users = seeded.get("/admin/users", headers=ACME_ADMIN).json()["items"]
    assert [(user["handle"], user["email"], user["role"]) for user in users] == [
        ("ada", "ada@acme.example", "admin"),
        ("mel", "mel@acme.example", "member"),
        ("wile", "wile@acme.example", "member"),
    ]


def test_allow_names_every_method_of_the_resource(seeded: httpx2.Client) -> None:
    for path, allow in (
        ("/app/projects/1", "DELETE, GET, PUT"),
        ("/app/tasks/17", "DELETE, GET, PATCH"),
        ("/health", "GET"),
    ):
        for method in ("OPTIONS", "POST"):
            answer = seeded.request(method, path)
            assert (answer.status_code, answer.headers["allow"]) == (405, allow)
            assert answer.json()["title"] == "Method Not Allowed"


@pytest.mark.parametrize("path", ["/app/tasks/", "/app/tasks/%2F", "/app/tasks/17%2Fmove", "/app/nothing", "/app/ws"])
def test_what_is_no_resource_is_a_problem_too(seeded: httpx2.Client, path: str) -> None:
    answer = seeded.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    assert answer.headers["x-request-id"]


@pytest.mark.parametrize("id", ["0", "-1", "+17", "017", "17.", " 17", "%D9%A1%D9%A7", "2147483648", "true", "%FF"])
def test_a_malformed_id_names_no_resource(seeded: httpx2.Client, id: str) -> None:
    assert seeded.get(f"/app/tasks/{id}").status_code == 404


def test_the_id_of_a_user_is_a_uuid_in_any_case(seeded: httpx2.Client) -> None:
    assert seeded.get(f"/admin/users/{WILE.upper()}", headers=ACME_ADMIN).json()["id"] == WILE
    assert seeded.get(f"/admin/users/{WILE.replace('-', '')}", headers=ACME_ADMIN).status_code == 404


def test_a_well_formed_request_id_comes_back(seeded: httpx2.Client) -> None:
    assert seeded.get("/health", headers={"X-Request-Id": "a.b-C_1"}).headers["x-request-id"] == "a.b-C_1"
    for odd in ("", "a b", "x" * 65):
        assert len(seeded.get("/health", headers={"X-Request-Id": odd}).headers["x-request-id"]) == 32


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=101",
        "limit=",
        "limit=1.5",
        "limit=1&limit=2",
        "cursor=-1",
        "status=later",
        "overdue=1",
        "overdue=True",
        "due_before=2026-01-01",
        "due_before=2026-02-29T00:00:00Z",
        "search=",
        "search=%FF",
        "search=" + "x" * 101,
    ],
)
def test_a_query_that_the_document_forbids_is_refused(seeded: httpx2.Client, query: str) -> None:
    answer = seeded.get(f"/app/tasks?{query}")
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    (error,) = answer.json()["errors"]
    assert (error["in"], error["at"]) == ("query", "/" + query.partition("=")[0])


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("limit=2", [1, 2]),
        ("limit=2.0&cursor=2", [3, 4]),
        ("status=done&project_id=1", [3, 6]),
        ("overdue=true", [1, 2, 4, 5]),
        ("due_before=2026-02-24T13:00:00.5%2b01:00", [1]),
        ("due_before=1990-12-31T23:59:60z", []),
        ("search=LAUNCH", [4, 17]),
        ("search=%00", []),
        ("unknown=1&unknown=2&limit=1", [1]),
    ],
)
def test_a_query_that_the_document_allows_is_followed(seeded: httpx2.Client, query: str, ids: list[int]) -> None:
    assert [row["id"] for row in seeded.get(f"/app/tasks?{query}").json()["items"]] == ids


def test_pages_lead_to_the_end(seeded: httpx2.Client) -> None:
    seen: list[int] = []
    cursor: int | None = 0
    while cursor is not None:
        page = seeded.get("/app/tasks", params={"limit": 5, "cursor": cursor}).json()
        seen += [row["id"] for row in page["items"]]
        cursor = page["next_cursor"]
    assert seen == list(range(1, 19))


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"", ("", "Field required")),
        (b"{", ("", "Expecting property name enclosed in double quotes")),
        (b'{"title": NaN}', ("", "NaN is not JSON")),
        (b'{"title": "a", "title": "b"}', ("", "an object has the same key twice")),
        ('{"title": "ä"}'.encode("utf-16"), ("", "not UTF-8")),
        (b"[" * 100_000, ("", "nested too deep")),
        (b"null", ("", "Input should be a valid dictionary or object to extract fields from")),
        (b"{}", ("/project_id", "Field required")),
        (b'{"project_id": "1", "title": "a"}', ("/project_id", "Input should be a valid integer")),
        (b'{"project_id": true, "title": "a"}', ("/project_id", "Input should be a valid integer")),
        (b'{"project_id": 1.5, "title": "a"}', ("/project_id", "Input should be a valid integer")),
        (b'{"project_id": 1e400, "title": "a"}', ("/project_id", "Input should be a valid integer")),
        (b'{"project_id": 1, "title": ""}', ("/title", "String should have at least 1 character")),
        (b'{"project_id": 1, "title": null}', ("/title", "Input should be a valid string")),
        (b'{"project_id": 1, "title": "a", "labels": ["b", "b"]}', ("/labels", "Value error, the same item twice")),
        (b'{"project_id": 1, "title": "a", "due_at": null}', ("/due_at", "Input should be a valid string")),
    ],
)
def test_a_body_that_the_document_forbids_is_refused(
    seeded: httpx2.Client, body: bytes, error: tuple[str, str]
) -> None:
    answer = seeded.post("/app/tasks", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    first = answer.json()["errors"][0]
    assert (first["in"], first["at"], first["message"]) == ("body", *error)


@pytest.mark.parametrize(
    "body",
    [
        b'{"project_id": 1.0, "title": "a", "priority": 2e0}',
        '{"project_id": 1, "title": "\U0001f680"}'.replace("\U0001f680", "\U0001f680" * 200).encode(),
        b'{"project_id": 1, "title": "a\\u0000b", "description": null}',
        b'{"project_id": 1, "title": "a", "due_at": "0000-02-29t00:00:00.123456789-00:00"}',
        b'{"project_id": 1, "title": "a", "id": null, "more": ' + b"9" * 5000 + b"}",
    ],
)
def test_a_body_that_the_document_allows_is_taken(api: httpx2.Client, body: bytes) -> None:
    answer = api.post("/app/tasks", content=body, headers={"Content-Type": "Application/JSON; charset=utf-8"})
    assert (answer.status_code, answer.headers["location"]) == (201, "/api/v1/app/tasks/22")
    sent = json.loads(body, parse_int=float)
    echoed = [name for name in ("title", "due_at", "priority") if name in sent]
    assert [answer.json()[name] for name in echoed] == [sent[name] for name in echoed]


@pytest.mark.parametrize("media", [None, "text/plain", "application/merge-patch+json", "nonsense"])
def test_other_media_types_are_refused(seeded: httpx2.Client, media: str | None) -> None:
    answer = seeded.post("/app/tasks", content=b"{}", headers={} if media is None else {"Content-Type": media})
    assert (answer.status_code, answer.json()["detail"]) == (415, "send application/json")


def test_a_project_lives_and_is_gone(api: httpx2.Client) -> None:
    made = api.post("/app/projects", json={"name": "Catapult"})
    assert (made.status_code, made.json()["key"], made.json()["open_tasks"]) == (201, "P1", 0)
    path = made.headers["location"].removeprefix("/api/v1")
    assert api.put(path, json={"name": "Catapult 2", "key": "CAT"}).json()["key"] == "CAT"
    assert api.put(path, json={"name": "Catapult 2"}).json() == api.get(path).json() | {"key": "CAT"}
    assert api.put(path, json={"name": "Catapult 2", "key": "ANVIL"}).status_code == 409
    task = api.post("/app/tasks", json={"project_id": made.json()["id"], "title": "Aim"}).headers["location"]
    assert api.delete(path).json()["detail"] == "the project still has a task"
    assert api.delete(task.removeprefix("/api/v1")).status_code == 204
    gone = api.delete(path)
    assert (gone.status_code, gone.content, "content-type" in gone.headers) == (204, b"", False)
    for method in ("GET", "DELETE"):
        assert api.request(method, path).status_code == 404
    assert api.put(path, json={"name": "Catapult"}).status_code == 404
    assert api.post("/app/projects", json={"name": "Again", "key": "CAT"}).status_code == 201


def test_pinned_rows_cannot_be_deleted(api: httpx2.Client) -> None:
    api.headers.update(ACME_ADMIN)
    for path in ("/app/projects/1", "/app/tasks/17", f"/admin/users/{WILE}"):
        assert (api.delete(path).status_code, api.get(path).json()["pinned"]) == (409, True)


def test_a_task_is_changed_and_moved(api: httpx2.Client) -> None:
    before = api.get("/app/tasks/17").json()
    changed = api.patch("/app/tasks/17", json={"assignee_id": WILE.upper(), "labels": []}).json()
    assert changed == before | {"assignee_id": WILE, "labels": [], "updated_at": "2026-03-01T12:00:00.000Z"}
    for _ in range(2):
        assert api.post("/app/tasks/17/move", json={"status": "done"}).json() == changed | {"status": "done"}
    assert api.patch("/app/tasks/17", json={"project_id": 99}).status_code == 409
    actions = [row["action"] for row in api.get("/admin/audit", headers=ACME_ADMIN).json()["items"]]
    assert actions[-3:] == ["task.updated", "task.moved", "task.moved"]


def test_a_deleted_user_leaves_no_assignee(api: httpx2.Client) -> None:
    api.headers.update(ACME_ADMIN)
    user = api.post("/admin/users", json={"handle": "sam"}).json()
    assert (user["role"], user["last_seen_at"]) == ("member", None)
    assert api.post("/admin/users", json={"handle": "sam"}).status_code == 409
    task = api.post("/app/tasks", json={"project_id": 1, "title": "Wait", "assignee_id": user["id"]}).json()
    assert api.delete(f"/admin/users/{user['id']}").status_code == 204
    assert api.get(f"/app/tasks/{task['id']}").json()["assignee_id"] is None
    assert api.get(f"/admin/users/{user['id']}").status_code == 404


def test_a_document_comes_back_as_it_was_stored(api: httpx2.Client) -> None:
    made = api.post("/app/documents", json={"project_id": 1, "title": "Plan", "content": "# Plän\r\n\x00"}).json()
    assert (made["size_bytes"], made["author"], made["project_id"]) == (10, "wile", 1)
    content = api.get(f"/app/documents/{made['id']}/content")
    assert (content.content, content.headers["content-type"]) == (
        "# Plän\r\n\x00".encode(),
        "text/markdown; charset=utf-8",
    )


def test_the_dashboard_counts(seeded: httpx2.Client) -> None:
    assert seeded.get("/app/dashboard", params={"days": 3}).json() == {
        "days": 3,
        "tasks": {"todo": 6, "doing": 6, "done": 6},
        "overdue": 4,
        "due_soon": 2,
    }


def test_a_socket_gets_the_events_of_its_tenant(api: httpx2.Client) -> None:
    url = str(api.base_url).replace("http", "ws").rstrip("/") + "/app/ws"
    with connect(url, additional_headers=ACME) as acme, connect(f"{url}?token=demo-globex") as globex:
        assert [json.loads(socket.recv()) for socket in (acme, globex)] == [
            {"type": "hello", "tenant": "acme"},
            {"type": "hello", "tenant": "globex"},
        ]
        moved = api.post("/app/tasks/17/move", json={"status": "done"}).json()
        assert json.loads(acme.recv(5)) == {"type": "task.moved", "task": moved}
        globex.send("ping")
        assert json.loads(globex.recv(5)) == {"type": "pong"}
    with pytest.raises(InvalidStatus) as refused:
        connect(f"{url}?token=wrong")
    assert refused.value.response.status_code == 401


def test_threads_do_not_disturb_each_other(api: httpx2.Client) -> None:
    def create(number: int) -> Any:
        return api.post("/app/tasks", json={"project_id": 1, "title": f"Task {number}"}).json()["id"]

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(create, range(100))) == list(range(22, 122))


def test_a_database_file_keeps_its_rows(tmp_path: Path) -> None:
    for count in (18, 19):
        app = create_app(database=tmp_path / "demo.sqlite")
        with serving(app) as origin, httpx2.Client(base_url=f"{origin}/api/v1/app", headers=ACME) as client:
            assert len(client.get("/tasks?limit=100").json()["items"]) == count
            client.post("/tasks", json={"project_id": 1, "title": "Once more"})


def test_the_command_serves_and_says_where() -> None:
    command = [sys.executable, "-m", "contract.demo", "--port", "0", "--drift", "malformed-body,null-due-at"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            where, _, what = process.stdout.readline().removeprefix("Task API on ").strip().partition(" · ")
            assert what == "drift: malformed-body, null-due-at"
            assert httpx2.get(f"{where}/api/v1/health").json() == {"status": "ok", "version": "1.0.0"}
        finally:
            process.terminate()


def test_the_command_refuses_an_unknown_drift() -> None:
    command = [sys.executable, "-m", "contract.demo", "--drift", "malformed-bodi"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[0] == (
        "error: the demo has no drift called `malformed-bodi`. Did you mean `malformed-body`?"
    )


_DATE_TIME = jsonschema_rs.Draft202012Validator({"type": "string", "format": "date-time"}, validate_formats=True)
_NEARLY = st.from_regex(
    r"(0000|1900|2000|20[0-9]{2})-(0[0-9]|1[0-3])-([0-2][0-9]|3[0-2])[Tt ]([01][0-9]|2[0-4]):([0-5][0-9]|60)"
    r":([0-5][0-9]|6[01])(\.[0-9]{0,9})?([Zz]|[+-]([01][0-9]|2[0-4]):([0-5][0-9]|60))\n?",
    fullmatch=True,
)


@given(_NEARLY)
def test_date_times_are_those_of_the_schema_validator(text: str) -> None:
    assert (instant(text) is not None) == _DATE_TIME.is_valid(text)


@given(st.datetimes(timezones=st.timezones()))
def test_instants_are_in_the_order_of_time(moment: datetime) -> None:
    utc_offset = moment.utcoffset()
    if utc_offset is not None and utc_offset.total_seconds() % 60 == 0:
        since = moment - datetime(1970, 1, 1, tzinfo=UTC)
        assert instant(moment.isoformat()) == (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
