"""Routes of a real Rails application, as `rails routes --expanded` prints them, held against what it answers."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from contract.core.errors import SourceError
from contract.sources.routes import rails
from tests.needs import program
from tests.sources.routes.serving import differences, explicit, implied, process, spans

HERE = Path(__file__).parent / "rails_app"
HOW = "apt-get install ruby-railties ruby-webrick"


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the application's own command prints."""
    environ = {**os.environ, "RAILS_ENV": "production", "COLUMNS": "60"}
    command = [program("ruby", HOW), "bin/rails", "routes", "--expanded"]
    ran = subprocess.run(command, cwd=HERE, env=environ, capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def written(folder: Path, text: str) -> str:
    path = folder / "routes.txt"
    path.write_text(text)
    return str(path)


def test_a_real_application_serves_what_is_listed_and_nothing_else(
    listed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = rails.routes(written(tmp_path, listed))
    assert explicit(found) == [
        "GET /api/v1/projects/{project_id}/tasks",
        "POST /api/v1/projects/{project_id}/tasks",
        "POST /api/v1/projects/{id}/archive",
        "GET /api/v1/projects/recent",
        "GET /api/v1/projects",
        "POST /api/v1/projects",
        "GET /api/v1/projects/{id}",
        "PATCH /api/v1/projects/{id}",
        "PUT /api/v1/projects/{id}",
        "DELETE /api/v1/projects/{id}",
        "GET /api/v1/dashboard",
        "GET /api/v1/reports/{year}",
        "GET /api/v1/files/{path}",
        "GET /api/v1/trees/{branch}",
        "GET /api/v1/search",
        "POST /api/v1/search",
        "ANY /api/v1/anything",
        "GET /api/v1/users/{id}",
        "GET /api/v1/users",
        "GET /billing/invoices",
        "GET /billing/invoices/{id}",
    ]
    assert spans(found) == {"/api/v1/files/{path} path", "/api/v1/trees/{branch} branch", "/status/{path} path"}
    assert {"GET /old", "ANY /status", "ANY /status/{path}", "HEAD /billing/invoices/{id}"} <= set(implied(found))
    monkeypatch.setenv("RAILS_ENV", "production")
    with process([program("ruby", HOW), "serve.rb"], HERE) as port:
        assert differences(port, found, {"year": "2026"}) == []


def test_rails_7_says_where_each_route_is_written(tmp_path: Path) -> None:
    """The format of 7.1: `Source Location` is the last field (seen in Rails' own documentation)."""
    text = """\
--[ Route 1 ]----------------------------------------------------------------
Prefix            | task
Verb              | GET
URI               | /tasks/:id(.:format)
Controller#Action | tasks#show {:subdomain=>"api"}
Source Location   | config/routes.rb:12
"""
    (route, _) = rails.routes(written(tmp_path, text))
    assert (route.method, route.path, route.file, route.line, route.name) == (
        "GET",
        "/tasks/{id}",
        "config/routes.rb",
        12,
        "task",
    )


def test_what_is_printed_before_the_list_is_skipped(listed: str, tmp_path: Path) -> None:
    noisy = f"DEPRECATION WARNING: something | old\n[spring] started\n\n{listed}"
    assert rails.routes(written(tmp_path, noisy)) == rails.routes(written(tmp_path, listed))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (lambda text: text[: text.rindex("URI")], "the list breaks off in the middle of this route"),
        (
            lambda text: "Prefix Verb   URI Pattern          Controller#Action\n  root GET    /  pages#home\n",
            "it is the table",
        ),
        (
            lambda text: '[{"uri": "tasks", "method": "GET"}]',
            "it looks like what `php artisan route:list --json` prints",
        ),
        (lambda text: "GET /tasks\n", "it looks like lines of `METHOD /path`: `text:`"),
        (lambda text: "rails aborted!\nNameError\n", "it begins with `rails aborted!`"),
        (lambda text: "", "and is empty"),
    ],
)
def test_what_is_no_list_of_rails_is_said(text: object, said: str, listed: str, tmp_path: Path) -> None:
    assert callable(text)
    with pytest.raises(SourceError, match=r"routes\.txt") as caught:
        rails.routes(written(tmp_path, text(listed)))
    assert said in caught.value.message
    assert caught.value.hint == rails.HINT
