"""Each switch changes what it says, and nothing does without one."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from contract.core.errors import ConfigError
from contract.demo import DRIFTS
from contract.demo.app import create_app
from tests.demo.serving import ACME, ACME_ADMIN, serving

WILE = "/admin/users/0b6f5a2e-7c1d-4a3e-9f42-1d1a6c7e5b01"


def _deleted(api: httpx2.Client) -> list[int]:
    """Deletes a new row of each kind; the status of reading it, of another tenant's reading it, of deleting it again."""
    seen = []
    for path, body in (
        ("/app/projects", {"name": "Short-lived"}),
        ("/app/tasks", {"project_id": 1, "title": "Short-lived"}),
        ("/admin/users", {"handle": "short-lived"}),
    ):
        url = f"{path}/{api.post(path, json=body).json()['id']}"
        assert api.delete(url).status_code == 204
        elsewhere = {"Authorization": "Bearer demo-globex-admin"}
        seen += [api.get(url).status_code, api.get(url, headers=elsewhere).status_code, api.delete(url).status_code]
    return seen


def _moved_twice(api: httpx2.Client) -> list[int]:
    return [api.post("/app/tasks/1/move", json={"status": "doing"}).status_code for _ in range(2)]


def _answered(api: httpx2.Client) -> str:
    """How much comes back over a plain socket before it is closed."""
    origin = urlsplit(str(api.base_url))
    with socket.create_connection((origin.hostname or "", origin.port or 0)) as plain:
        plain.sendall(
            b"GET /api/v1/admin/audit?limit=51 HTTP/1.1\r\nHost: demo\r\n"
            b"Authorization: Bearer demo-acme-admin\r\nConnection: close\r\n\r\n"
        )
        return plain.recv(1_000_000)[:15].decode()


def _titles(api: httpx2.Client, sort: str) -> list[str]:
    items = api.get("/app/tasks", params={"limit": 3, "project_id": 2, "sort": sort}).json()["items"]
    return [row["title"] for row in items]


LOOKS: dict[str, tuple[Callable[[httpx2.Client], Any], Any, Any]] = {
    "null-due-at": (
        lambda api: [row["due_at"] is None for row in api.get("/app/tasks?limit=3").json()["items"]],
        [False, False, False],
        [False, False, True],
    ),
    "undeclared-status": (_moved_twice, [200, 200], [200, 409]),
    "undeclared-media-type": (
        lambda api: (api.get("/health").status_code, api.get("/health").headers["content-type"]),
        (200, "application/json"),
        (200, "text/plain; charset=utf-8"),
    ),
    "malformed-body": (
        lambda api: (api.get("/admin/users").headers["content-type"], api.get("/admin/users").text[-4:]),
        ("application/json", '"}]}'),
        ("application/json", "}],}"),
    ),
    "undeclared-property": (
        lambda api: (
            "internal_score" in api.get("/app/projects/1").json(),
            api.get("/app/projects").json()["items"][0].get("internal_score"),
        ),
        (False, None),
        (True, 7),
    ),
    "missing-header": (
        lambda api: ["x-request-id" in api.get(path).headers for path in ("/app/documents", "/app/documents/1")],
        [True, True],
        [False, True],
    ),
    "undeclared-parameter": (
        lambda api: [_titles(api, sort) for sort in ("title", "-title", "other")],
        [["Measure the cliff", "Find a lorry driver", "Hang up the road sign"]] * 3,
        [
            ["Find a lorry driver", "Hang up the road sign", "Measure the cliff"],
            ["Weigh the anvils", "Rent a balloon", "Rehearse the running start"],
            ["Measure the cliff", "Find a lorry driver", "Hang up the road sign"],
        ],
    ),
    "server-error": (
        lambda api: [api.get(f"/app/dashboard?days={days}").status_code for days in (180, 181)],
        [200, 200],
        [200, 500],
    ),
    "no-answer": (_answered, "HTTP/1.1 200 OK", ""),
    "invalid-request-accepted": (
        lambda api: [api.get(f"/app/tasks?limit={limit}").status_code for limit in (0, 100, 101)],
        [422, 200, 422],
        [422, 200, 200],
    ),
    "valid-request-refused": (
        lambda api: [
            api.post("/app/tasks", json={"project_id": 1, "title": "x" * length}).status_code for length in (50, 51)
        ],
        [201, 201],
        [201, 422],
    ),
    "auth-not-enforced": (
        lambda api: [
            api.get(f"/app/{path}", headers={"Authorization": token}).status_code
            for path in ("projects", "tasks")
            for token in ("", "Bearer wrong")
        ],
        [401, 401, 401, 401],
        [200, 200, 401, 401],
    ),
    "use-after-delete": (_deleted, [404, 404, 404] * 3, [200, 404, 404] * 3),
    "undeclared-operation": (lambda api: api.delete(f"{WILE}/sessions").status_code, 404, 204),
    "unimplemented-operation": (lambda api: api.get("/app/documents/1/content").status_code, 200, 404),
}


def test_every_switch_is_looked_at() -> None:
    assert LOOKS.keys() == DRIFTS.keys()


@pytest.fixture(scope="module")
def seen_without() -> dict[str, Any]:
    with serving(create_app()) as origin, httpx2.Client(base_url=f"{origin}/api/v1", headers=ACME_ADMIN) as api:
        return {name: look(api) for name, (look, _, _) in LOOKS.items()}


@pytest.mark.parametrize("name", LOOKS)
def test_a_switch_changes_what_it_says(name: str, seen_without: dict[str, Any]) -> None:
    look, without, with_it = LOOKS[name]
    with serving(create_app([name])) as origin, httpx2.Client(base_url=f"{origin}/api/v1", headers=ACME_ADMIN) as api:
        assert (seen_without[name], look(api)) == (without, with_it)


def test_all_switches_go_together() -> None:
    app = create_app(DRIFTS)
    with serving(app) as origin, httpx2.Client(base_url=f"{origin}/api/v1", headers=ACME_ADMIN) as api:
        assert {name: look(api) for name, (look, _, _) in LOOKS.items()} == {
            name: with_it for name, (_, _, with_it) in LOOKS.items()
        }


def test_in_process_a_dropped_connection_is_an_exception_without_a_message() -> None:
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b""}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/api/v1/admin/audit",
        "raw_path": b"/api/v1/admin/audit",
        "query_string": b"limit=100",
        "headers": [(name.lower().encode(), value.encode()) for name, value in ACME_ADMIN.items()],
    }
    with pytest.raises(ConnectionResetError):
        asyncio.run(create_app(["no-answer"])(scope, receive, send))
    assert sent == []


def test_an_unknown_switch_is_a_clear_error() -> None:
    with pytest.raises(ConfigError) as error:
        create_app(["null-due"])
    assert error.value.message == "the demo has no drift called `null-due`. Did you mean `null-due-at`?"


def test_the_application_takes_its_drift_from_the_environment() -> None:
    code = "from contract.demo.app import app; print(sorted(app.state.drift))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"CONTRACT_DEMO_DRIFT": "server-error, no-answer,"},
    )
    assert done.stdout == "['no-answer', 'server-error']\n"


def test_naming_the_switches_needs_no_framework() -> None:
    code = "import sys, contract.demo; print('fastapi' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_a_member_meets_no_drift_that_is_off() -> None:
    with serving(create_app(["server-error"])) as origin:
        assert httpx2.get(f"{origin}/api/v1/app/dashboard?days=180", headers=ACME).status_code == 200
