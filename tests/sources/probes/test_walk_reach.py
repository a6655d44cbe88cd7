"""How far the walk comes: what descriptions say of values, things that are named elsewhere, and what was made elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .walking import JSON, Answer, Api, Asked, Shelf, operation, shelf_paths, walked


def given(status: int, value: Any = None) -> Callable[[Asked], Answer]:
    return lambda asked: Answer(status, value)


def taking(schema: Any) -> dict[str, Any]:
    return {"content": {JSON: {"schema": schema}}}


ENGINES = {"default": "v8", "engineSpecs": {"v8": {"power": 3}, "v12": {"power": 9}}}
ENGINE = {
    "type": "object",
    "required": ["name"],
    "properties": {"name": {"type": "string", "description": "Engine spec name (defaults to that of the server)"}},
}


def test_a_thing_that_a_description_names_is_one_that_was_seen() -> None:
    """The name of the engine that a car is built with, and not that of the car."""

    def build(asked: Asked) -> Answer:
        engine = (asked.json or {}).get("engine") or {}
        return Answer(201, {"id": 1}) if engine.get("name") in ENGINES["engineSpecs"] else Answer(501, {"no": "engine"})

    paths = {
        "/enginespecs": {"get": operation()},
        "/cars": {"post": operation(body=taking({"type": "object", "required": ["engine"], "properties": {"engine": ENGINE}}))},
    }  # fmt: skip
    result = walked(paths, Api({"GET /enginespecs": given(200, ENGINES), "POST /cars": build}))
    assert 201 in result.statuses("POST /cars")


def test_what_is_made_is_called_as_another_thing_only_if_it_has_to_be() -> None:
    """`POST /cars` takes the name of an engine: first a new name is tried, and then one that was seen."""
    names: list[str] = []

    def build(asked: Asked) -> Answer:
        name = (asked.json or {}).get("name")
        names.append(str(name))
        return Answer(201, {"id": 1}) if name in ENGINES["engineSpecs"] else Answer(500, {"no": "engine"})

    paths = {"/enginespecs": {"get": operation()}, "/cars": {"post": operation(body=taking(ENGINE))}}
    result = walked(paths, Api({"GET /enginespecs": given(200, ENGINES), "POST /cars": build}))
    assert 201 in result.statuses("POST /cars")
    assert names[0] == "name"


def test_what_a_description_lists_is_tried_in_turns() -> None:
    schema = {
        "type": "object",
        "properties": {
            "kind": {"type": "string", "description": "Kind of file ('notebook', 'file', 'directory')"},
            "form": {"type": "string", "description": "Its form ('json', 'text')"},
        },
    }
    tried: list[tuple[Any, Any]] = []

    def make(asked: Asked) -> Answer:
        body = asked.json or {}
        tried.append((body.get("kind"), body.get("form")))
        return Answer(201, {"id": 1}) if tried[-1] == ("file", "text") else Answer(400, {"error": "this cannot be"})

    result = walked({"/files": {"post": operation(body=taking(schema))}}, Api({"POST /files": make}))
    assert 201 in result.statuses("POST /files")
    assert tried[:3] == [(None, None), ("notebook", "json"), ("file", "text")]


class Folder:
    """Files below a folder that the server names itself, wherever it is asked to make one."""

    def __init__(self) -> None:
        self.files = {"old": {"name": "old"}}
        self.deleted: list[str] = []

    def make(self, asked: Asked) -> Answer:
        name = f"untitled{len(self.files)}"
        self.files[name] = {"name": name}
        return Answer(201, self.files[name], {"Location": f"/files/{name}"})

    def read(self, asked: Asked) -> Answer:
        found = self.files.get(asked.parts[-1])
        return Answer(404) if found is None else Answer(200, found)

    def delete(self, asked: Asked) -> Answer:
        self.deleted.append(asked.parts[-1])
        return Answer(404) if self.files.pop(asked.parts[-1], None) is None else Answer(204)

    def walk(self, method: str) -> Any:
        one = {verb: operation("name", kind="string") for verb in ("get", "delete", method.lower())}
        routes = {
            "GET /files": lambda asked: Answer(200, [*self.files.values()]),
            "GET /files/{name}": self.read,
            f"{method} /files/{{name}}": self.make,
            "DELETE /files/{name}": self.delete,
        }
        return walked({"/files": {"get": operation()}, "/files/{name}": one}, Api(routes))


def test_what_location_says_was_made_elsewhere_is_deleted_and_nothing_else() -> None:
    for method in ("POST", "PUT"):
        folder = Folder()
        folder.walk(method)
        assert folder.files.keys() == {"old"}, method
        assert "old" not in folder.deleted


def test_what_went_with_others_is_not_said_to_be_left() -> None:
    """With the first car that is deleted all go: a working deletion that finds nothing leaves nothing behind."""
    cars: dict[str, Any] = {}

    def build(asked: Asked) -> Answer:
        cars[str(len(cars))] = {"id": str(len(cars))}
        return Answer(201, cars[str(len(cars) - 1)])

    def scrap(asked: Asked) -> Answer:
        if asked.parts[0] not in cars:
            return Answer(404, {"error": "no such car"})
        cars.clear()
        return Answer(204)

    paths = {"/cars": {"post": operation()}, "/cars/{id}": {"delete": operation("id")}}
    result = walked(paths, Api({"POST /cars": build, "DELETE /cars/{id}": scrap}))
    assert 204 in result.statuses("DELETE /cars/{id}")
    assert result.learnt.own == []


class Archive:
    """Things by a handle, of which each change is answered with the list of all that it changed."""

    def __init__(self) -> None:
        self.things = {"old": {"handle": "old", "text": "t"}}
        self.deleted: list[str] = []

    def add(self, asked: Asked) -> Answer:
        handle = f"h{len(self.things) + len(self.deleted)}"
        self.things[handle] = {"handle": handle, "text": "t"}
        return Answer(201, [{"type": "add", "handle": handle, "new": self.things[handle]}])

    def delete(self, asked: Asked) -> Answer:
        self.deleted.append(asked.parts[0])
        return Answer(404) if self.things.pop(asked.parts[0], None) is None else Answer(204)

    def routes(self) -> dict[str, Callable[[Asked], Answer]]:
        return {
            "GET /things": lambda asked: Answer(200, [*self.things.values()]),
            "POST /things": self.add,
            "DELETE /things/{handle}": self.delete,
        }


def test_what_a_list_of_changes_names_was_made() -> None:
    archive = Archive()
    paths = {
        "/things": {"get": operation(), "post": operation()},
        "/things/{handle}": {"delete": operation("handle", kind="string")},
    }
    result = walked(paths, Api(archive.routes()))
    assert 204 in result.statuses("DELETE /things/{handle}")
    assert archive.things.keys() == {"old"} and "old" not in archive.deleted


def test_a_deletion_does_not_find_what_another_request_has_ended() -> None:
    """An action has emptied the shelf before: that is no deletion that is not served, and there is one more to delete."""
    shelf = Shelf("1")

    def empty(asked: Asked) -> Answer:
        shelf.things = {name: thing for name, thing in shelf.things.items() if name in shelf.fixtures}
        return Answer(200, {"done": True})

    paths = shelf_paths()
    paths["/rounds"] = {"post": operation()}
    result = walked(paths, Api({**shelf.routes(), "POST /rounds": empty}))
    assert 404 in result.statuses("DELETE /tasks/{id}") and 204 in result.statuses("DELETE /tasks/{id}")
    assert result.told == []
    assert shelf.things.keys() == shelf.fixtures
