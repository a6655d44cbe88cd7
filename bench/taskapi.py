"""A document of 30 operations and recorded-looking traffic for it: what `bench/judge.py` and `bench/shards.py` judge.

A multi-tenant task API: bodies of 3 kB on average, enums, formats, nullable properties, nested objects, readOnly and
writeOnly, every list with a page of items. Three exchanges in a hundred drift, each in one place.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from typing import Any

from contract.core.document import Document, Location
from contract.core.evidence import Exchange, Request, Response

BASE = "/api/v1"
STATES = ["todo", "doing", "blocked", "done", "archived"]


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def _object(required: list[str], properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "required": required, "properties": properties}


_TEXT = {"type": "string"}
_WHEN = {"type": "string", "format": "date-time"}
_ID = {"type": "integer", "format": "int64", "minimum": 1}
_SCHEMAS: dict[str, Any] = {
    "User": _object(
        ["id", "name", "email", "role"],
        {
            "id": _ID,
            "name": {"type": "string", "maxLength": 120},
            "email": {"type": "string", "format": "email"},
            "role": {"type": "string", "enum": ["owner", "admin", "member", "guest"]},
            "avatar_url": {"type": ["string", "null"], "format": "uri"},
            "password": {"type": "string", "writeOnly": True},
        },
    ),
    "Label": _object(
        ["id", "name", "color"], {"id": _ID, "name": _TEXT, "color": {"type": "string", "pattern": "^#[0-9a-f]{6}$"}}
    ),
    "Comment": _object(
        ["id", "author", "text", "created_at"], {"id": _ID, "author": _ref("User"), "text": _TEXT, "created_at": _WHEN}
    ),
    "Task": _object(
        ["id", "uuid", "title", "state", "priority", "created_at", "updated_at", "labels"],
        {
            "id": {**_ID, "readOnly": True},
            "uuid": {"type": "string", "format": "uuid", "readOnly": True},
            "title": {"type": "string", "minLength": 1, "maxLength": 200},
            "description": {"type": ["string", "null"]},
            "state": {"type": "string", "enum": STATES},
            "priority": {"type": "integer", "format": "int32", "minimum": 1, "maximum": 5},
            "position": {"type": "number"},
            "due_at": {"type": ["string", "null"], "format": "date-time"},
            "created_at": {**_WHEN, "readOnly": True},
            "updated_at": {**_WHEN, "readOnly": True},
            "assignee": {"$ref": "#/components/schemas/User"},
            "labels": {"type": "array", "items": _ref("Label")},
            "estimate_minutes": {"type": ["integer", "null"], "minimum": 0},
            "done": {"type": "boolean"},
            "meta": {"type": "object", "additionalProperties": {"type": "string"}},
        },
    ),
    "Project": _object(
        ["id", "name", "owner", "members", "created_at"],
        {
            "id": {**_ID, "readOnly": True},
            "name": _TEXT,
            "key": {"type": "string", "pattern": "^[A-Z]{2,6}$"},
            "owner": _ref("User"),
            "members": {"type": "array", "items": _ref("User"), "maxItems": 50},
            "created_at": {**_WHEN, "readOnly": True},
            "archived": {"type": "boolean"},
            "budget": {"type": ["number", "null"]},
        },
    ),
    "Document": _object(
        ["id", "title", "size", "mime"],
        {
            "id": {**_ID, "readOnly": True},
            "title": _TEXT,
            "size": {"type": "integer", "minimum": 0},
            "mime": _TEXT,
            "text": _TEXT,
            "tags": {"type": "array", "items": _TEXT},
        },
    ),
    "Error": _object(
        ["message"],
        {"message": _TEXT, "errors": {"type": "object", "additionalProperties": {"type": "array", "items": _TEXT}}},
    ),
    "Page": _object(
        ["page", "per_page", "total"],
        {
            "page": _ID,
            "per_page": _ID,
            "total": {"type": "integer", "minimum": 0},
            "next": {"type": ["string", "null"], "format": "uri-reference"},
        },
    ),
}
_RESOURCES = {
    "projects": "Project",
    "tasks": "Task",
    "documents": "Document",
    "users": "User",
    "labels": "Label",
    "comments": "Comment",
}
_HEADERS = {
    "X-Request-Id": {"required": True, "schema": {"type": "string", "format": "uuid"}},
    "X-RateLimit-Remaining": {"schema": {"type": "integer", "minimum": 0}},
}


def _json(schema: Any) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _answer(schema: Any | None) -> dict[str, Any]:
    made: dict[str, Any] = {"description": "", "headers": _HEADERS}
    return made | ({"content": _json(schema)} if schema is not None else {})


_ERRORS = {code: {"description": "", "content": _json(_ref("Error"))} for code in ("401", "404", "422")}


def _operation(schema: Any | None, code: str = "200", body: Any | None = None, query: Any = ()) -> dict[str, Any]:
    made: dict[str, Any] = {"responses": {code: _answer(schema), **_ERRORS}, "parameters": list(query)}
    return made | ({"requestBody": {"required": True, "content": _json(body)}} if body is not None else {})


def paths() -> dict[str, Any]:
    """Thirty operations."""
    query = [
        {"name": "page", "in": "query", "schema": {"type": "integer", "minimum": 1}},
        {"name": "per_page", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 100}},
        {"name": "sort", "in": "query", "schema": {"type": "string", "enum": ["id", "-id", "created_at"]}},
        {
            "name": "filter",
            "in": "query",
            "style": "deepObject",
            "schema": {"type": "object", "properties": {"state": {"enum": STATES}}},
        },
        {"name": "ids", "in": "query", "explode": False, "schema": {"type": "array", "items": {"type": "integer"}}},
    ]
    found: dict[str, Any] = {}
    one = {"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}}
    for path, name in _RESOURCES.items():
        page = _object(["data", "meta"], {"data": {"type": "array", "items": _ref(name)}, "meta": _ref("Page")})
        single = _object(["data"], {"data": _ref(name)})
        writes = path in ("projects", "tasks", "documents")
        found[f"/app/{path}"] = {"get": _operation(page, query=query)}
        found[f"/app/{path}/{{id}}"] = {"parameters": [one], "get": _operation(single)}
        if writes:
            found[f"/app/{path}"]["post"] = _operation(single, "201", _ref(name))
            found[f"/app/{path}/{{id}}"] |= {
                "patch": _operation(single, body={"type": "object"}),
                "delete": _operation(None, "204"),
            }
    tasks = _object(["data", "meta"], {"data": {"type": "array", "items": _ref("Task")}, "meta": _ref("Page")})
    found["/app/tasks/mine"] = {"get": _operation(tasks, query=query)}
    found["/app/tasks/{id}/move"] = {
        "parameters": [one],
        "post": _operation(
            _object(["data"], {"data": _ref("Task")}), body=_object(["position"], {"position": {"type": "number"}})
        ),
    }
    found["/app/projects/{id}/tasks"] = {"parameters": [one], "get": _operation(tasks, query=query)}
    found["/app/tasks/{id}/comments"] = {
        "parameters": [one],
        "get": _operation({"type": "array", "items": _ref("Comment")}),
    }
    found["/app/dashboard"] = {
        "get": _operation(
            _object(
                ["open", "projects"],
                {"open": {"type": "integer"}, "projects": {"type": "array", "items": _ref("Project")}},
            )
        )
    }
    for name in ("tenants", "audit", "health", "usage"):
        found[f"/admin/{name}"] = {
            "get": _operation(_object(["data"], {"data": {"type": "array", "items": _ref("Document")}}))
        }
    return found


def api(copies: int = 1, combined: bool = False) -> Document:
    """The document; with `copies`, the same operations again under further prefixes; `combined` wraps each schema.

    `combined` puts every schema behind `allOf` and every item of a list behind a `oneOf` of four, as documents do that
    are written by generators.
    """
    schemas = dict(_SCHEMAS)
    if combined:
        schemas = {}
        for name, schema in _SCHEMAS.items():
            half = dict(list(schema["properties"].items())[:2])
            rest = {key: value for key, value in schema["properties"].items() if key not in half}
            schemas[f"{name}Base"] = {"type": "object", "properties": half}
            schemas[f"{name}Full"] = {"allOf": [_ref(f"{name}Base"), _object(schema["required"], rest)]}
            kinds = [{"allOf": [_ref(f"{name}Full"), {"required": [f"no-such-{number}"]}]} for number in range(3)]
            schemas[name] = {"oneOf": [*kinds, _ref(f"{name}Full")]}
    own = paths()
    found = dict(own)
    for copy in range(1, copies):
        found |= {f"/copy{copy}{path}": item for path, item in own.items()}
    value = {
        "openapi": "3.1.0",
        "info": {"title": "Tasks", "version": "1"},
        "servers": [{"url": f"https://api.example.com{BASE}"}],
        "paths": found,
        "components": {"schemas": schemas},
    }
    return Document(
        "tasks.json",
        "3.1.0",
        value,
        "0" * 64,
        lambda pointer: Location("tasks.json", 1, 1),
        lambda pointer: ("tasks.json", pointer),
        list,
    )


def _when(dice: random.Random) -> str:
    return (
        f"2026-{dice.randint(1, 12):02}-{dice.randint(1, 28):02}T{dice.randint(0, 23):02}:{dice.randint(0, 59):02}:00Z"
    )


def _words(dice: random.Random, count: int) -> str:
    return " ".join(
        dice.choice(("move", "the", "invoice", "review", "tenant", "plan", "a", "draft", "client"))
        for _ in range(count)
    )


def _uuid(dice: random.Random) -> str:
    digits = f"{dice.getrandbits(128):032x}"
    return "-".join((digits[:8], digits[8:12], "4" + digits[13:16], "a" + digits[17:20], digits[20:]))


def _user(dice: random.Random) -> dict[str, Any]:
    number = dice.randint(1, 9_999)
    return {
        "id": number,
        "name": f"User {number}",
        "email": f"user{number}@example.com",
        "role": dice.choice(["owner", "admin", "member", "guest"]),
        "avatar_url": dice.choice([None, f"https://img.example.com/{number}.png"]),
    }


def _item(dice: random.Random, name: str) -> dict[str, Any]:
    number = dice.randint(1, 10**6)
    made: dict[str, dict[str, Any]] = {
        "User": _user(dice),
        "Label": {"id": number, "name": _words(dice, 1), "color": f"#{dice.getrandbits(24):06x}"},
        "Comment": {"id": number, "author": _user(dice), "text": _words(dice, 40), "created_at": _when(dice)},
        "Project": {
            "id": number,
            "name": _words(dice, 3),
            "key": "TASK",
            "owner": _user(dice),
            "members": [_user(dice) for _ in range(dice.randint(0, 5))],
            "created_at": _when(dice),
            "archived": False,
            "budget": dice.choice([None, 12.5]),
        },
        "Document": {
            "id": number,
            "title": _words(dice, 4),
            "size": number,
            "mime": "text/plain",
            "text": _words(dice, 150),
            "tags": _words(dice, 3).split(),
        },
    }
    if name in made:
        return made[name]
    return {
        "id": number,
        "uuid": _uuid(dice),
        "title": _words(dice, 5),
        "description": dice.choice([None, _words(dice, 60), _words(dice, 120)]),
        "state": dice.choice(STATES),
        "priority": dice.randint(1, 5),
        "position": dice.random(),
        "due_at": dice.choice([None, _when(dice)]),
        "created_at": _when(dice),
        "updated_at": _when(dice),
        "assignee": _user(dice),
        "labels": [_item(dice, "Label") for _ in range(dice.randint(0, 3))],
        "estimate_minutes": dice.choice([None, 30]),
        "done": dice.random() < 0.5,
        "meta": {"source": "import", "batch": str(number)},
    }


_BREAKS: tuple[Callable[[dict[str, Any]], Any], ...] = (
    lambda item: item.update(id=str(item["id"])),
    lambda item: item.pop("id"),
    lambda item: item.update(debug=True),
    lambda item: item.update(id=None),
)


def traffic(count: int, seed: int = 1, prefix: str = "", drift: float = 0.03) -> Iterator[Exchange]:
    """So many exchanges, the same for the same seed."""
    dice = random.Random(seed)
    names = list(_RESOURCES.items())
    base = BASE + prefix
    for _ in range(count):
        path, name = dice.choice(names)
        number = dice.randint(1, 10**6)
        kind = dice.random()
        method, status, body, sent = "GET", 200, None, None
        if kind < 0.45:
            items = [_item(dice, name) for _ in range(dice.choice((4, 8, 15, 25)))]
            page = dice.randint(1, 40)
            url = f"{base}/app/{path}?page={page}&per_page=20" + dice.choice(
                ("", "&sort=-id", "&filter[state]=todo", "&ids=1,2,3")
            )
            body = {"data": items, "meta": {"page": page, "per_page": 20, "total": number, "next": None}}
        elif kind < 0.75:
            url, items = f"{base}/app/{path}/{number}", [_item(dice, name)]
            body = {"data": items[0]}
        elif kind < 0.85:
            path, name = dice.choice(names[:3])
            items = [_item(dice, name)]
            method, status, url, body = "POST", 201, f"{base}/app/{path}", {"data": items[0]}
            sent = {
                key: value for key, value in items[0].items() if key not in ("id", "uuid", "created_at", "updated_at")
            }
        elif kind < 0.9:
            items = [_item(dice, "Task")]
            method, url, body, sent = "POST", f"{base}/app/tasks/{number}/move", {"data": items[0]}, {"position": 1.5}
        elif kind < 0.95:
            items, status, url = [], 404, f"{base}/app/{path}/{number}"
            body = {"message": "Not found"}
        else:
            path, _ = dice.choice(names[:3])
            items, method, status, url = [], "DELETE", 204, f"{base}/app/{path}/{number}"
        if items and dice.random() < drift:
            dice.choice(_BREAKS)(dice.choice(items))
        headers = (
            ("Date", "Tue, 24 Nov 2026 10:00:00 GMT"),
            ("Content-Type", "application/json"),
            ("Cache-Control", "no-cache, private"),
            ("X-Request-Id", _uuid(dice)),
            ("X-RateLimit-Remaining", str(dice.randint(0, 59))),
            ("Vary", "Origin"),
        )
        asked = (
            ("Host", "api.example.com"),
            ("Accept", "application/json"),
            ("User-Agent", "app/3"),
            ("X-Tenant", f"t{number % 40}"),
        )
        yield Exchange(
            Request(
                method,
                url,
                (*asked, ("Content-Type", "application/json")) if sent is not None else asked,
                None if sent is None else json.dumps(sent).encode(),
            ),
            Response(
                status,
                headers if body is not None else tuple(h for h in headers if h[0] != "Content-Type"),
                b"" if body is None else json.dumps(body).encode(),
            ),
            "har",
            elapsed_us=dice.randint(2_000, 400_000),
            sent_at="2026-11-24T10:00:00Z",
        )
