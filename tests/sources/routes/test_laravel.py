"""Routes of Laravel: every version's format, and a real application."""

from __future__ import annotations

import io
import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from contract.core.errors import SourceError
from contract.core.evidence import Route
from contract.core.routing import completeness, join
from contract.core.selection import Selection
from contract.sources.routes import laravel
from tests import needs

HOW = "apt-get install -y --no-install-recommends php-cli php-laravel-framework php-sqlite3"

ROW: dict[str, Any] = {
    "domain": None,
    "method": "GET|HEAD",
    "uri": "api/loans/{loan}",
    "name": "loans.show",
    "action": "Library\\Http\\Controllers\\LoanController@show",
}
FORMATS: dict[str, dict[str, Any]] = {
    "6": {**ROW, "middleware": "api,auth:api"},
    "7": {**ROW, "middleware": "api\nauth:api"},
    "8": {**ROW, "middleware": ["api", "auth:api"]},
    "9 to 11": {**ROW, "middleware": ["api"], "vendor": False},
    "12": {**ROW, "action": "Closure", "middleware": ["api"], "vendor": False, "path": "routes/api.php:17"},
    "13": {**ROW, "uri": "api/loans/{loan:uuid}", "middleware": ["api"], "vendor": False, "path": None},
}


def written(tmp_path: Path, content: Any) -> str:
    file = tmp_path / "routes.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    return str(file)


def listed(tmp_path: Path, *rows: dict[str, Any]) -> list[Route]:
    """What the rows say, without the preflights that the framework always answers."""
    return [
        route
        for route in laravel.routes(written(tmp_path, [{**ROW, **row} for row in rows]))
        if route.method != "OPTIONS"
    ]


def keys(routes: list[Route]) -> list[str]:
    return [f"{route.method} {route.path}" for route in routes]


@pytest.mark.parametrize("version", FORMATS)
def test_the_format_of_each_version_gives_the_same_routes(tmp_path: Path, version: str) -> None:
    place = ("routes/api.php", 17) if version == "12" else (None, None)
    spelled = "api/loans/{loan}"
    path = "/api/loans/{loan}"
    assert laravel.routes(written(tmp_path, [FORMATS[version]])) == [
        Route("GET", path, spelled, "laravel", frozenset(), *place, "loans.show"),
        Route("HEAD", path, spelled, "laravel", frozenset(), *place, "loans.show", implied=True),
        Route("OPTIONS", path, spelled, "laravel", implied=True),
    ]


def test_optional_segments_are_two_routes(tmp_path: Path) -> None:
    found = listed(tmp_path, {"method": "PUT|PATCH", "uri": "shelves/{shelf?}"})
    assert keys(found) == ["PUT /shelves/{shelf}", "PATCH /shelves/{shelf}", "PUT /shelves", "PATCH /shelves"]


def test_a_binding_field_is_no_constraint(tmp_path: Path) -> None:
    found = listed(tmp_path, {"uri": "posts/{post:slug}/parts/{part:id?}"})
    assert keys(found) == [
        "GET /posts/{post}/parts/{part}",
        "HEAD /posts/{post}/parts/{part}",
        "GET /posts/{post}/parts",
        "HEAD /posts/{post}/parts",
    ]
    assert join([("GET", "/posts/first/parts", "GET /posts/first/parts")], found).unobserved == []


def test_any_is_one_route_and_redirects_and_fallbacks_are_implied(tmp_path: Path) -> None:
    every = "GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS"
    found = listed(
        tmp_path,
        {"method": every, "uri": "hooks"},
        {"method": every, "uri": "old", "action": "\\Illuminate\\Routing\\RedirectController"},
        {"uri": "api/{fallbackPlaceholder}", "action": "Closure"},
        {"uri": "/"},
    )
    assert [(f"{route.method} {route.path}", route.implied) for route in found] == [
        ("ANY /hooks", False),
        ("ANY /old", True),
        ("GET /api/{fallbackPlaceholder}", True),
        ("HEAD /api/{fallbackPlaceholder}", True),
        ("GET /", False),
        ("HEAD /", True),
    ]


def test_a_domain_is_shown_in_the_spelling(tmp_path: Path) -> None:
    found = listed(tmp_path, {"domain": "{branch}.library.test", "uri": "hours"})
    assert [(route.path, route.spelled) for route in found[:1]] == [("/hours", "{branch}.library.test/hours")]


def test_constraints_of_the_richer_list_are_kept_and_a_wide_one_spans(tmp_path: Path) -> None:
    rows = [
        {"methods": ["GET"], "uri": "files/{path}", "wheres": {"path": ".*"}, "fallback": False},
        {"methods": ["GET"], "uri": "export/{format}", "wheres": {"format": "csv|json"}, "fallback": False},
        {"methods": ["GET"], "uri": "years/{year?}", "wheres": {"year": "[0-9]{4}"}, "fallback": False},
        {"methods": ["GET"], "uri": "{any}", "wheres": {"any": ".*"}, "fallback": True},
    ]
    found = [route for route in laravel.routes(written(tmp_path, rows)) if route.method == "GET"]
    assert [(route.path, route.spelled, set(route.spans), route.implied) for route in found] == [
        ("/files/{path}", "files/{path:.*}", {"path"}, False),
        ("/export/{format}", "export/{format:csv|json}", set(), False),
        ("/years/{year}", "years/{year:[0-9]{4}}", set(), False),
        ("/years", "years/{year?}", set(), False),
        ("/{any}", "{any:.*}", {"any"}, True),
    ]


def test_what_php_prints_before_and_after_the_list_is_skipped(tmp_path: Path) -> None:
    noise = '\ufeffDeprecated: [x] in /app/a.php on line 3\n[2026-01-02 03:04:05] local.WARNING: slow {"ms":[1]} []\n'
    assert keys(laravel.routes(written(tmp_path, noise + json.dumps([ROW], indent=4) + "\nbye [{}]\n")))[:1] == [
        "GET /api/loans/{loan}"
    ]


def test_the_list_may_come_on_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(json.dumps([ROW]).encode())))
    assert keys(laravel.routes("-"))[:1] == ["GET /api/loans/{loan}"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", ": holds no list of Laravel routes and is empty"),
        ("[]", ": holds no list of Laravel routes; it begins with `[]`"),
        (
            "  GET|HEAD  api/books .... books.index\n",
            ": holds no list of Laravel routes; it begins with `GET|HEAD  api/books .... books.index`",
        ),
        ('{"uri": "x"}', ': holds no list of Laravel routes; it begins with `{"uri": "x"}`'),
        (
            '[{"uri": "a", "method": "GET"}, {"uri',
            ":1:34: the list of routes is no JSON: Unterminated string starting at",
        ),
        ('[{"uri": 1, "method": "GET"}]', ": route 1 of the list has no `uri` and `method` that are texts"),
        ('[{"uri": "a"}]', ": route 1 of the list has no `uri` and `method` that are texts"),
    ],
)
def test_what_is_no_route_list_is_an_error_that_says_how_to_make_one(
    tmp_path: Path, content: str, message: str
) -> None:
    with pytest.raises(SourceError) as caught:
        laravel.routes(written(tmp_path, content))
    assert caught.value.message == f"{tmp_path / 'routes.json'}{message}"
    assert caught.value.hint == "php artisan route:list --json > routes.json"


def test_what_packages_add_is_excluded_with_a_reason_unless_it_is_included() -> None:
    selection = Selection.parse(defaults=laravel.INTERNAL)
    assert selection.decide("POST", "/_ignition/execute-solution") == "Laravel's error page"
    assert selection.decide("GET", "/up") == "the framework's health page"
    assert selection.decide("POST", "/up") is None
    assert selection.decide("GET", "/api/books") is None


# A real application --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The application of `laravel_app/`, on the framework that Debian packages."""
    php = needs.program("php", HOW)
    probe = "@include 'Illuminate/autoload.php'; exit(class_exists('Illuminate\\Foundation\\Application') ? 0 : 1);"
    if subprocess.run([php, "-r", probe], capture_output=True, check=False, timeout=60).returncode:
        needs.program("php-laravel-framework", HOW)
    folder = tmp_path_factory.mktemp("laravel") / "app"
    shutil.copytree(Path(__file__).parent / "laravel_app", folder)
    for name in ("bootstrap/cache", "storage/logs", "storage/framework/views", "storage/framework/cache/data"):
        (folder / name).mkdir(parents=True)
    return folder


def printed(folder: Path, *command: str) -> str:
    done = subprocess.run(
        [needs.program("php", HOW), *command], cwd=folder, capture_output=True, text=True, check=True, timeout=120
    )
    file = folder / "routes.json"
    file.write_text(done.stdout)
    return str(file)


DOCUMENTED = (
    "GET /books",
    "POST /books",
    "GET /books/{id}",
    "PUT /books/{id}",
    "PATCH /books/{id}",
    "DELETE /books/{id}",
    "POST /books/{id}/copies/{number}/lend",
    "GET /books/{isbn}/reviews",
    "GET /loans",
    "GET /loans/{id}",
    "GET /shelves",
    "GET /shelves/{name}",
    "GET /covers/{path}",
    "GET /export/csv",
    "GET /export/json",
    "PUT /settings",
    "POST /hooks/{provider}",
    "GET /opening-hours",
    "OPTIONS /books",
)


def test_a_real_application_s_routes_meet_its_document(library: Path) -> None:
    declared = [(method, f"/api/v2{path}", key) for key in DOCUMENTED for method, _, path in [key.partition(" ")]]
    plain = join(declared, laravel.routes(printed(library, "artisan", "route:list", "--json")))
    assert plain.unobserved == ["GET /loans/{id}"]
    assert keys(plain.undeclared) == ["GET /api/v2/export/{format}", "POST /api/v2/loans", "PATCH /api/v2/settings"]
    assert plain.notes == [
        "GET /export/csv has no route of its own; GET /api/v2/export/{format} answers it",
        "GET /export/json has no route of its own; GET /api/v2/export/{format} answers it",
    ]

    # With the constraints known, /export/{format} is known to be no more than the two that are documented.
    rich = join(declared, laravel.routes(printed(library, "routes_rich.php")))
    assert rich.unobserved == ["GET /loans/{id}"]
    assert keys(rich.undeclared) == ["POST /api/v2/loans", "PATCH /api/v2/settings"]
    assert str(completeness(rich)) == "90.0 %"
    assert [route.path for route in rich.matched["GET /covers/{path}"] if route.spans] == ["/api/v2/covers/{path}"]


@pytest.fixture(scope="module")
def address(library: Path) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [needs.program("php", HOW), "-S", f"127.0.0.1:{port}", "-t", "public", "public/index.php"],
        cwd=library,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(10)


def test_the_running_application_answers_every_route_that_is_read(library: Path, address: str) -> None:
    answers = {}
    for route in laravel.routes(printed(library, "artisan", "route:list", "--json")):
        if "Placeholder" in route.path or route.spelled.startswith("{branch}"):
            continue
        path = route.path.replace("{format}", "csv").replace("{path}", "a/b").replace("{", "").replace("}", "")
        for name in ("book", "copy"):
            path = path.replace(f"/{name}/", "/1/") if path.count(f"/{name}") else path
            path = path.removesuffix(f"/{name}") + "/1" if path.endswith(f"/{name}") else path
        method = "POST" if route.method == "ANY" else route.method
        answers[f"{method} {path}"] = httpx2.request(method, address + path).status_code
    assert {key: status for key, status in answers.items() if status not in (200, 201, 204)} == {
        "POST /api/v2/catalogue": 302
    }
    assert len(answers) == 36
