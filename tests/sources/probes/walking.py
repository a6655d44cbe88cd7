"""Small applications that remember what they were asked, and the walk through them, for the tests."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from contract.core.evidence import Complaint, Exchange, Headers, Progress, Request
from contract.core.openapi import Contract
from contract.sources.probes import walk
from contract.sources.probes.walk import Learnt, Options
from contract.targets.wsgi import WsgiTarget
from tests.core.test_openapi import document

JSON = "application/json"


@dataclass
class Asked:
    """A request as the application sees it."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    parts: tuple[str, ...] = ()
    """What the template's parameters stand for."""

    @property
    def json(self) -> Any:
        """The body; None where it is no JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


@dataclass
class Answer:
    status: int = 200
    value: Any = None
    headers: dict[str, str] = field(default_factory=dict)


Handler = Callable[[Asked], Answer]


class Api:
    """A WSGI application made of handlers by method and template; what it was asked is in `log`."""

    def __init__(self, routes: Mapping[str, Handler]) -> None:
        self.log: list[Asked] = []
        self._routes: list[tuple[str, re.Pattern[str], Handler]] = []
        for key, handler in routes.items():
            method, _, path = key.partition(" ")
            self._routes.append((method, re.compile(re.sub(r"\{[^{}]*\}", "([^/]+)", path)), handler))

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        length = int(environ.get("CONTENT_LENGTH") or 0)
        headers = {key[5:].replace("_", "-").lower(): str(text) for key, text in environ.items() if key[:5] == "HTTP_"}
        headers |= {"content-type": environ.get("CONTENT_TYPE", "")}
        path = environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace")
        asked = Asked(
            environ["REQUEST_METHOD"], path, environ["QUERY_STRING"], headers, environ["wsgi.input"].read(length)
        )
        self.log.append(asked)
        answer = self._answer(asked)
        body = b"" if answer.value is None else json.dumps(answer.value).encode()
        kind = {"Content-Type": JSON} if body else {}
        start(f"{answer.status} x", list({**kind, **answer.headers}.items()))
        return [body]

    def _answer(self, asked: Asked) -> Answer:
        there = False
        for method, pattern, handler in self._routes:
            found = pattern.fullmatch(asked.path)
            if found is None:
                continue
            there = True
            if method == asked.method:
                return handler(replace(asked, parts=found.groups()))
        return Answer(405 if there else 404, {"error": "router"})


class Shelf:
    """Things by id below one path: listed, made, read, changed and deleted, in one of several styles."""

    def __init__(
        self,
        *fixtures: str,
        numbered: bool = True,
        wrapped: bool = False,
        located: bool = False,
        created: int = 201,
        unique: bool = False,
    ) -> None:
        self.things: dict[str, dict[str, Any]] = {each: {"id": self._id(each, numbered), "title": "old"} for each in fixtures}  # fmt: skip
        self.fixtures = set(fixtures)
        self.deleted: list[str] = []
        self._next = 1000
        self._numbered, self._wrapped, self._located = numbered, wrapped, located
        self._created, self._unique = created, unique

    @staticmethod
    def _id(text: str, numbered: bool) -> Any:
        return int(text) if numbered else text

    def list(self, asked: Asked) -> Answer:
        things = [*self.things.values()]
        return Answer(200, {"data": things} if self._wrapped else things)

    def create(self, asked: Asked) -> Answer:
        body = asked.json
        if not isinstance(body, dict) or not isinstance(body.get("title"), str):
            return Answer(422, {"errors": {"title": ["The title field is required."]}})
        if self._unique and any(body["title"] == thing["title"] for thing in self.things.values()):
            return Answer(409, {"message": "The title is already taken."})
        self._next += 1
        name = str(self._next) if self._numbered else f"t-{self._next}"
        thing = self.things[name] = {"id": self._id(name, self._numbered), "title": body["title"]}
        where = {"Location": f"{asked.path}/{name}"} if self._located else {}
        if self._located:
            return Answer(self._created, None, where)
        return Answer(self._created, {"data": thing} if self._wrapped else thing)

    def read(self, asked: Asked) -> Answer:
        thing = self.things.get(asked.parts[-1])
        if thing is None:
            return Answer(404, {"error": "no such thing"})
        return Answer(200, {"data": thing} if self._wrapped else thing)

    def change(self, asked: Asked) -> Answer:
        thing = self.things.get(asked.parts[-1])
        if thing is None:
            return Answer(404, {"error": "no such thing"})
        if not isinstance(asked.json, dict):
            return Answer(422, {"errors": {"title": ["The title field is required."]}})
        thing["title"] = asked.json.get("title", thing["title"])
        return Answer(200, thing)

    def upsert(self, asked: Asked) -> Answer:
        is_new = asked.parts[-1] not in self.things
        if not isinstance(asked.json, dict):
            return Answer(422, {"error": "no object"})
        self.things[asked.parts[-1]] = {"id": asked.parts[-1], "title": asked.json.get("title")}
        return Answer(self._created if is_new else 200, self.things[asked.parts[-1]])

    def delete(self, asked: Asked) -> Answer:
        if asked.parts[-1] not in self.things:
            return Answer(404, {"error": "no such thing"})
        del self.things[asked.parts[-1]]
        self.deleted.append(asked.parts[-1])
        return Answer(204)

    def routes(self, path: str = "/tasks") -> dict[str, Handler]:
        return {
            f"GET {path}": self.list,
            f"POST {path}": self.create,
            f"GET {path}/{{id}}": self.read,
            f"PATCH {path}/{{id}}": self.change,
            f"DELETE {path}/{{id}}": self.delete,
        }

    @property
    def survived(self) -> bool:
        """True if nothing was deleted that was there before."""
        return self.fixtures <= set(self.things) and not self.fixtures & set(self.deleted)


TASK = {"type": "object", "required": ["title"], "properties": {"title": {"type": "string"}}}
BODY = {"required": True, "content": {JSON: {"schema": TASK}}}
ANSWERS = {str(status): {"description": "."} for status in (200, 201, 204, 400, 401, 403, 404, 406, 409, 415, 422)}


def operation(*names: str, body: Any = None, kind: str = "integer", **more: Any) -> dict[str, Any]:
    """An operation with these path parameters, that may answer whatever these applications do."""
    parameters = [{"name": name, "in": "path", "required": True, "schema": {"type": kind}} for name in names]
    parameters += more.pop("parameters", [])
    asked = {"requestBody": body} if body is not None else {}
    return {"parameters": parameters, "responses": ANSWERS, **asked, **more}


def shelf_paths(path: str = "/tasks", kind: str = "integer") -> dict[str, Any]:
    names = re.findall(r"\{([^{}]*)\}", path)
    return {
        path: {"get": operation(*names, kind=kind), "post": operation(*names, body=BODY, kind=kind)},
        f"{path}/{{id}}": {
            "get": operation(*names, "id", kind=kind),
            "patch": operation(*names, "id", body=BODY, kind=kind),
            "delete": operation(*names, "id", kind=kind),
        },
    }


@dataclass
class Walked:
    exchanges: list[Exchange]
    complaints: list[Complaint]
    progress: list[Progress]
    learnt: Learnt

    @property
    def told(self) -> list[tuple[str, str]]:
        return [(each.kind, each.operation) for each in self.complaints]

    @property
    def per_operation(self) -> Counter[str | None]:
        return Counter(each.operation for each in self.exchanges)

    @property
    def sent(self) -> list[tuple[str, str, Headers, bytes | None]]:
        """The requests, byte for byte."""
        return [(e.request.method, e.request.url, e.request.headers, e.request.body) for e in self.exchanges]

    def of(self, key: str) -> list[Request]:
        return [each.request for each in self.exchanges if each.operation == key]

    def statuses(self, key: str) -> list[int]:
        return [each.response.status for each in self.exchanges if each.operation == key and each.response is not None]


def contract(paths: Mapping[str, Any], **more: Any) -> Contract:
    return Contract(document({"info": {"title": "t", "version": "1"}, "paths": paths, **more}))


def walked(
    paths: Mapping[str, Any],
    app: Any,
    *,
    target: Any = None,
    headers: Headers = (),
    root: Mapping[str, Any] | None = None,
    now: Callable[[], float] = lambda: 0.0,
    fresh: int = 7,
    **options: Any,
) -> Walked:
    """The walk through an application in this process, with a clock that stands still and a number that is always new."""
    count = iter(range(fresh, 10**9))
    target = target or WsgiTarget(app, "wsgi:app", headers)
    learnt = Learnt()
    events = list(
        walk.probe(
            contract(paths, **(root or {})).operations,
            target,
            Options(headers=headers, **options),
            learnt,
            now=now,
            fresh=lambda: next(count),
        )
    )
    return Walked(
        [event for event in events if isinstance(event, Exchange)],
        [event for event in events if isinstance(event, Complaint)],
        [event for event in events if isinstance(event, Progress)],
        learnt,
    )
