"""A small run, which makes only what a change reaches, gives the bytes of a full one."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("datamodel_code_generator", reason="the extra `types` is not installed")

from contract.core.canonical import canonical_document, closures
from contract.core.document import Document
from contract.core.openapi import Contract
from contract.generators import python
from contract.generators._python import slices
from contract.generators._python.blocks import Block, Class, ordered
from contract.generators._python.build import Built, build
from contract.generators._python.prove import PACKAGE, Proof, _values
from contract.sources.documents import file

Value = dict[str, Any]


def ref(name: str) -> Value:
    return {"$ref": f"#/components/schemas/{name}"}


def document() -> Value:
    """Twelve schemas in three families, with a circle, a discriminator, a split between requests and answers."""
    schemas: Value = {
        "Address": {"type": "object", "properties": {"street": {"type": "string"}, "zip": {"type": "string"}}},
        "Animal": {
            "oneOf": [ref("Cat"), ref("Dog")],
            "discriminator": {"propertyName": "kind", "mapping": {"c": ref("Cat")["$ref"], "d": ref("Dog")["$ref"]}},
        },
        "Cat": {"type": "object", "required": ["kind"], "properties": {"kind": {"type": "string"}}},
        "Customer": {
            "type": "object",
            "required": ["id", "name"],
            "properties": {
                "id": {"type": "integer", "readOnly": True},
                "name": {"type": "string"},
                "address": ref("Address"),
                "state": {"type": "string", "enum": ["new", "known"]},
            },
        },
        "Dog": {"type": "object", "required": ["kind"], "properties": {"kind": {"type": "string"}}},
        "Item": {"type": "object", "properties": {"price": {"type": "number"}, "made": {"type": "string"}}},
        "Money": {"type": "number", "minimum": 0},
        "Order": {
            "type": "object",
            "required": ["items"],
            "properties": {
                "items": {"type": "array", "items": ref("Item")},
                "customer": ref("Customer"),
                "paid": {"type": "object", "properties": {"at": {"type": "string", "format": "date-time"}}},
            },
        },
        "Special": {"allOf": [ref("Order"), {"type": "object", "properties": {"why": {"type": "string"}}}]},
        "Tree": {"type": "object", "properties": {"left": ref("Tree"), "value": ref("Money")}},
        "Day": {"type": "object", "properties": {"on": {"type": "string", "format": "date-time"}}},
        "Error": {"type": "object", "properties": {"title": {"type": "string"}}},
    }
    paths: Value = {}
    for name in ("Order", "Animal", "Tree", "Error", "Day", "Special", "Customer"):
        content = {"application/json": {"schema": ref(name)}}
        paths[f"/{name.lower()}"] = {
            "get": {"operationId": f"get{name}", "responses": {"200": {"description": "", "content": content}}},
            "put": {
                "operationId": f"put{name}",
                "requestBody": {"content": content},
                "responses": {
                    "200": {
                        "description": "",
                        "content": {
                            "application/json": {
                                "schema": {"type": "object", "properties": {"ok": {"type": "boolean"}}}
                            }
                        },
                    }
                },
            },
        }
    info = {"title": "t", "version": "1"}
    return {"openapi": "3.1.0", "info": info, "paths": paths, "components": {"schemas": schemas}}


def loaded(folder: Path, value: Value) -> Document:
    path = folder / "api.json"
    path.write_text(json.dumps(value))
    return canonical_document(file.load(path))


def full(folder: Path, value: Value) -> Built:
    found = loaded(folder, value)
    return build(found, Contract(found).operations, folder, imported=False)


def small(folder: Path, before: Value, known: slices.Known | None, value: Value) -> Built:
    old = closures(loaded(folder, before))
    found = loaded(folder, value)
    only = {each for each, closure in closures(found).items() if old.get(each) != closure}
    return build(found, Contract(found).operations, folder, imported=False, known=known, only=only)


def same(one: Built, other: Built) -> bool:
    """Files, symbols, notes, and what the next run takes over."""
    return (one.package.files, one.package.symbols, one.plan.notes, one.made.classes, one.made.owners) == (
        other.package.files,
        other.package.symbols,
        other.plan.notes,
        other.made.classes,
        other.made.owners,
    )


def schemas(value: Value) -> Value:
    found: Value = value["components"]["schemas"]
    return found


def member(name: str, key: str, what: Any) -> Callable[[Value], None]:
    def edit(value: Value) -> None:
        schemas(value)[name].setdefault("properties", {})[key] = what

    return edit


def component(name: str, what: Any) -> Callable[[Value], None]:
    def edit(value: Value) -> None:
        schemas(value)[name] = what

    return edit


def without(name: str, key: str) -> Callable[[Value], None]:
    def edit(value: Value) -> None:
        del schemas(value)[name]["properties"][key]

    return edit


@pytest.mark.parametrize(
    ("edit", "is_small"),
    [
        (member("Error", "detail", {"type": "string"}), True),
        (member("Error", "cause", {"type": "object", "properties": {"a": {"type": "boolean"}}}), True),
        (member("Error", "order", ref("Address")), True),
        (member("Address", "country", {"type": "string", "minLength": 2}), True),
        (without("Address", "zip"), True),
        (component("Basket", {"type": "object", "properties": {"of": ref("Item")}}), True),
        (without("Order", "paid"), True),
        # What only a full run can decide:
        (component("ErrorCause", {"type": "object", "properties": {"a": {"type": "string", "format": "uuid"}}}), False),
        (member("Error", "day", {"type": "string", "format": "date"}), False),  # something new is imported
        (member("Money", "x", {}), False),
        (member("Cat", "kind", {"enum": ["c"]}), True),
        (component("Animal", {"oneOf": [ref("Cat"), ref("Dog")]}), False),  # no discriminator, which Cat and Dog had
        (without("Customer", "state"), False),  # nothing else imports enumerations
    ],
)
def test_what_is_made_of_a_part_is_what_is_made_of_the_whole(
    tmp_path: Path, edit: Callable[[Value], None], is_small: bool
) -> None:
    before, value = document(), document()
    edit(value)
    first = full(tmp_path, before)
    found = small(tmp_path, before, first.known, value)
    assert same(found, full(tmp_path, value))
    assert (found.piece is not None) == is_small


def random_edit(value: Value, rnd: random.Random) -> None:
    names = sorted(schemas(value))
    name, other = rnd.choice(names), rnd.choice(names)
    members = schemas(value)[name].get("properties", {})
    what = rnd.choice(
        [
            {"type": "string"},
            {"type": "string", "format": "date-time"},
            {"type": "number"},
            {"type": ["integer", "null"]},
            ref(other),
            {"type": "array", "items": ref(other)},
            {"type": "object", "additionalProperties": ref(other)},
            {"type": "object", "properties": {"a": {"enum": ["x", "y"]}, "b": ref(other)}},
            {"anyOf": [ref(other), {"type": "null"}]},
        ]
    )
    match rnd.randrange(6):
        case 0 if members:
            del members[rnd.choice(sorted(members))]
        case 1 if members:
            schemas(value)[name]["required"] = rnd.sample(sorted(members), rnd.randrange(1, len(members) + 1))
        case 2:
            schemas(value)[f"New{rnd.randrange(3)}"] = {"type": "object", "properties": {"of": what}}
        case 3 if members:
            members[rnd.choice(sorted(members))] = what
        case 4:
            value["paths"][f"/{rnd.randrange(9)}"] = {
                "get": {
                    "responses": {"200": {"description": "", "content": {"application/json": {"schema": what}}}},
                }
            }
        case _:
            member(name, rnd.choice(["added", "date", "dict", "kind"]), what)(value)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_many_small_runs_end_where_a_full_one_does(tmp_path: Path, seed: int) -> None:
    """One edit after the other, each taking over what the last one left."""
    rnd, before = random.Random(seed), document()
    found, smaller = full(tmp_path, before), 0
    for _ in range(8):
        value = copy.deepcopy(before)
        random_edit(value, rnd)
        found = small(tmp_path, before, found.known, value)
        assert same(found, full(tmp_path, value)), json.dumps(schemas(value))
        smaller += found.piece is not None
        before = value
    assert smaller > 2


def test_a_file_that_is_not_as_it_was_written_is_not_believed(tmp_path: Path) -> None:
    keep, value = tmp_path / "keep.json", document()
    found = loaded(tmp_path, value)
    python.generate(found, Contract(found).operations, tmp_path / "out", prove=False, keep=keep)
    data = keep.read_bytes()
    what = json.loads(data.partition(b"\n")[2])["with"]
    known = slices.read(keep, what)
    assert known is not None and known == full(tmp_path, value).known
    assert slices.read(keep, "other tools") is None
    keep.write_bytes(data.replace(b"street", b"strait"))
    assert slices.read(keep, what) is None
    keep.write_bytes(data[: len(data) // 2])
    assert slices.read(keep, what) is None
    keep.unlink()
    assert slices.read(keep, what) is None


def test_a_class_stands_behind_what_it_uses_and_moves_no_other() -> None:
    def block(name: str, *uses: str) -> Block:
        return Block(name, f"class {name}: ...", name, frozenset(uses), False, Class(0, 0, {}, {}, frozenset(), ()))

    a, b, c, d = block("A", "C"), block("B"), block("C", "D"), block("D", "C", "str")
    assert [[each.name for each in circle] for circle in ordered([a, b, c, d])] == [["B"], ["C", "D"], ["A"]]
    more = block("Aa")
    assert [[each.name for each in circle] for circle in ordered([a, b, c, d, more])] == [
        ["Aa"],
        ["B"],
        ["C", "D"],
        ["A"],
    ]


def test_observed_answers_are_held_by_the_types_of_their_operation(tmp_path: Path) -> None:
    """Through the probe, as the proof asks it: what a type refuses counts against the operation."""
    value = document()
    found = full(tmp_path, value)
    for name, text in found.package.files.items():
        path = tmp_path / PACKAGE / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    day = {"on": "2026-11-29T08:00:00Z", "undeclared": [1]}
    proof = Proof()
    seen = {
        "GET /day": [("200", "application/json", day)],
        "GET /error": [("200", "application/json", {"title": "a"}), ("200", "application/json", {"title": 1})],
        "GET /gone": [("200", "application/json", 1)],
    }
    _values(found, tmp_path, frozenset(), seen, proof)
    assert proof.everything is None and proof.components == {}
    assert {key: (each.step, each.reason) for key, each in proof.operations.items()} == {
        "GET /error": ("values", "an observed value of 200 is refused at /title: Input should be a valid string")
    }
