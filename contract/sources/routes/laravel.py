"""Routes of a Laravel application (6 to 13): `--routes laravel:routes.json` reads `php artisan route:list --json`.

`laravel:artisan` runs that command itself; `-` is standard input: `php artisan route:list --json | contract check --routes
laravel:- …`. Lines that PHP prints before the list are skipped. The list does not show `where` constraints; a script that prints
`$app['router']->getRoutes()` as rows of `methods`, `uri`, `domain`, `wheres`, `fallback`, `name` and `action` does, and
is read too.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from typing import Any

from contract.core.errors import SourceError
from contract.core.evidence import Route
from contract.core.routing import ANY, Template, mark, parse
from contract.sources.routes._file import read, seen

HINT = "php artisan route:list --json > routes.json"

INTERNAL: list[tuple[str, str]] = [
    ("/_ignition/*", "Laravel's error page"),
    ("/sanctum/csrf-cookie", "cookie of Sanctum's sessions, no operation of the API"),
    ("/telescope", "Telescope's pages"),
    ("/telescope/*", "Telescope's pages"),
    ("/horizon", "Horizon's pages"),
    ("/horizon/*", "Horizon's pages"),
    ("/pulse", "Pulse's page"),
    ("/_debugbar/*", "the debug bar"),
    ("/livewire/*", "Livewire's own traffic"),
    ("/broadcasting/auth", "authorisation of broadcast channels"),
    ("/storage/{path}", "files of the local disk"),
    ("GET|HEAD /up", "the framework's health page"),
    ("/api/documentation", "the document's viewer"),
    ("/docs/api", "the document's viewer"),
    ("/docs/api.json", "the document itself"),
]
"""Patterns, with reasons, of what packages add and no document describes; to be asked of undeclared routes only."""

_SECONDS = 120
_EVERY_VERB = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def routes(where: str) -> list[Route]:
    """Every route, in the order of the list.

    `Route::any` becomes one route for ANY method. Redirects and the fallback are implied; so is OPTIONS, which the
    framework answers on every path and the list leaves out. Rows of packages (`vendor`) are routes like any other:
    `INTERNAL` names the usual ones. Raises SourceError.
    """
    found: list[Route] = []
    text = _asked(where) if os.path.basename(where) == "artisan" else read(where, HINT)
    for number, row in enumerate(_rows(where, text), 1):
        found += _routes(where, number, row)
    return mark([*found, *_preflights(found)])


def _asked(where: str) -> str:
    """What `php artisan route:list --json` prints; SourceError with its last words where it fails."""
    if not os.path.isfile(where):
        raise SourceError(f"{where}: no such file", HINT)
    folder = os.path.dirname(where) or "."
    try:
        done = subprocess.run(
            ["php", "artisan", "route:list", "--json"],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except FileNotFoundError as error:
        raise SourceError(f"{where}: there is no `php` on the PATH", f"where there is one: {HINT}") from error
    except subprocess.TimeoutExpired as error:
        raise SourceError(f"{where}: listing the routes took more than {_SECONDS} s", HINT) from error
    said = done.stdout.decode("utf-8", "replace")
    if done.returncode != 0:
        lines = [line.strip() for line in (said + done.stderr.decode("utf-8", "replace")).splitlines() if line.strip()]
        last = f": {lines[-1][:200]}" if lines else ""
        raise SourceError(
            f"{where}: `artisan route:list` ends with exit code {done.returncode}{last}", "composer install"
        )
    return said


def _rows(where: str, text: str) -> list[Any]:
    """The first JSON array that could be a route list; PHP's notices and log lines may hold brackets of their own."""
    decoder = json.JSONDecoder()
    cut: json.JSONDecodeError | None = None
    for start in re.finditer(r"\[\s*[{\]]", text):
        try:
            value, _ = decoder.raw_decode(text, start.start())
        except json.JSONDecodeError as error:
            cut = error
            continue
        if value and all(isinstance(row, dict) and "uri" in row for row in value):
            return list(value)
    if cut is not None and '"uri"' in text:
        raise SourceError(f"{where}:{cut.lineno}:{cut.colno}: the list of routes is no JSON: {cut.msg}", HINT)
    raise SourceError(f"{where}: holds no list of Laravel routes{seen(text, 'laravel')}", HINT)


def _routes(where: str, number: int, row: Mapping[str, Any]) -> Iterator[Route]:
    uri, methods = row["uri"], row.get("method", row.get("methods"))
    if isinstance(methods, str):
        methods = methods.split("|")
    if not isinstance(uri, str) or not isinstance(methods, list) or not all(isinstance(verb, str) for verb in methods):
        raise SourceError(f"{where}: route {number} of the list has no `uri` and `method` that are texts", HINT)
    verbs = list(dict.fromkeys(verb.strip().upper() for verb in methods if verb.strip()))
    if set(verbs) >= _EVERY_VERB:
        verbs = [ANY]
    # The field of a binding, `{post:slug}`, says how the model is found and nothing of the path; shown since 13.
    uri = re.sub(r"\{\s*(\w+)\s*:\s*\w+\s*(\??)\}", r"{\1\2}", uri)
    action = str(row.get("action") or "")
    implied = (
        row.get("fallback") is True
        or "{fallbackPlaceholder}" in uri
        or action.partition("@")[0].endswith("\\RedirectController")
    )
    file, line = _place(row.get("path"))
    wheres = row.get("wheres") if isinstance(row.get("wheres"), Mapping) else {}
    domain = f"{row['domain']}/" if row.get("domain") else ""
    name = row.get("name") if isinstance(row.get("name"), str) else None
    for template in parse(uri):
        template, spelled = _constrained(template, uri, wheres or {})
        for verb in verbs:
            yield Route(verb, template.path, domain + spelled, "laravel", template.spans, file, line, name, implied)


def _constrained(template: Template, uri: str, wheres: Mapping[str, Any]) -> tuple[Template, str]:
    """The template with the constraints of `where`, and the spelling that holds them."""
    known = {name: text for name, text in wheres.items() if isinstance(text, str) and f"{{{name}}}" in template.path}
    if not known:
        return template, uri
    spelled = template.path
    for name, text in known.items():
        spelled = spelled.replace(f"{{{name}}}", f"{{{name}:{text}}}")
    return parse(spelled)[0], spelled.removeprefix("/") or "/"


def _preflights(found: list[Route]) -> Iterator[Route]:
    answered = {route.path for route in found if route.method in (ANY, "OPTIONS")}
    for path, route in {route.path: route for route in reversed(found) if route.path not in answered}.items():
        yield Route("OPTIONS", path, route.spelled, "laravel", route.spans, implied=True)


def _place(path: Any) -> tuple[str | None, int | None]:
    """File and line of a closure, since 12.55: `routes/api.php:31`."""
    found = re.fullmatch(r"(.+):(\d+)", path) if isinstance(path, str) else None
    if found is None:
        return None, None
    here = os.getcwd() + os.sep
    return found[1].removeprefix(here).replace(os.sep, "/"), int(found[2])
