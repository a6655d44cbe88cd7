"""What stands in many places is made once, and the text is the one that the generator gives for all of them."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("datamodel_code_generator", reason="the extra `types` is not installed")

from contract.core.document import Document, Location
from contract.generators._python import copies, models
from contract.generators._python.blocks import Block, Class, assembled
from contract.generators._python.copies import Copy
from contract.generators._python.models import Made
from contract.generators._python.plan import Plan, plan

Value = dict[str, Any]


def planned(schemas: Value) -> Plan:
    value = {"openapi": "3.0.3", "info": {"title": "t", "version": "1"}, "components": {"schemas": schemas}}
    at = Location("api.json", 1, 1)
    found = Document("api.json", "3.0.3", value, "", lambda _: at, lambda where: ("api.json", where), list)
    return plan(found, [])


def at_once(schemas: Value, work: Path) -> Made:
    """All of it by the generator."""
    names = models.renamed(schemas)
    assert names == {}
    made, _ = models._generated(planned(schemas), schemas, names, frozenset(), work, "0", schemas)
    made.text, made.read = assembled(made.head, made.blocks)
    return made


def text(kind: str = "string", **more: Any) -> Value:
    return {"type": kind, **more}


def user() -> Value:
    return {
        "type": "object",
        "required": ["login", "id"],
        "properties": {
            "login": text(),
            "id": text("integer"),
            "kind": text(enum=["Bot", "User", "Organization"]),
            "plan": {
                "type": "object",
                "description": "What is paid for; `OrderClosedUser` is no class here.",
                "properties": {
                    "name": text(),
                    "seats": text("integer", description="How many there are", minimum=1),
                    "private_repositories_that_may_be_had_by_the_organization": text(enum=["none", "some", "all"]),
                },
            },
            "teams": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"id": text("integer"), "slug": text(), "on": text("number")},
                },
            },
        },
    }


def repeated() -> Value:
    """One user in five places, under names so different in length that lines break elsewhere."""
    long = "webhook_secret_scanning_alert_location_created_by_someone"
    return {
        "Closed": {"type": "object", "required": ["by"], "properties": {"by": user(), "reason": text()}},
        "Opened": {
            "type": "object",
            "properties": {"by": {**user(), "nullable": True}, "at": text(format="date-time")},
        },
        long: {"type": "object", "properties": {"user_who_created_it": user(), "by": {**user(), "nullable": True}}},
        "Merged": {"type": "object", "properties": {"all": {"type": "array", "items": user()}, "first": user()}},
        "Either": {
            "oneOf": [
                {"type": "object", "properties": {"by": user()}, "required": ["by"]},
                {"type": "object", "properties": {"reviewer": user(), "n": text("integer")}},
            ]
        },
    }


def test_an_object_that_stands_elsewhere_is_given_with_one_property() -> None:
    point = {"type": "object", "required": ["x", "y"], "properties": {"x": text("integer"), "y": text(), "z": text()}}
    schemas = {"A": {"type": "object", "properties": {"p": point}}, "B": {"type": "object", "properties": {"q": point}}}
    short, found = copies.shortened(schemas)
    assert short == {
        "A": schemas["A"],
        "B": {
            "type": "object",
            "properties": {
                "q": {
                    "type": "object",
                    "required": ["x"],
                    "properties": {"x": text("integer"), "contractcopy": text("integer")},
                }
            },
        },
    }
    assert [(one.path, one.of) for one in found] == [(("B", "properties", "q"), ("A", "properties", "p"))]


def test_the_text_is_the_one_that_the_generator_gives(tmp_path: Path) -> None:
    schemas = repeated()
    assert len(copies.shortened(schemas)[1]) == 8
    made = models.once(planned(schemas), schemas, frozenset(), tmp_path)
    whole = at_once(schemas, tmp_path)
    assert made.text == whole.text
    assert (made.head, list(made.blocks), made.read, made.classes, made.owners) == (
        *(whole.head, list(whole.blocks), whole.read, whole.classes, whole.owners),
    )
    assert "contractcopy" not in made.text
    assert len(made.blocks) > 40


@pytest.mark.parametrize(
    "schema",
    [
        # Of two that are called alike the generator writes one, if they are alike.
        {"type": "object", "properties": {"option": user(), "options": {"type": "array", "items": user()}}},
        # Each branch has the properties beside it once more.
        {"type": "object", "properties": {"a": user()}, "oneOf": [{"required": ["a"]}, {"properties": {"b": text()}}]},
        # The class of what is null in a list has another place.
        {"type": "object", "properties": {"a": {"type": "array", "items": {**user(), "nullable": True}}}},
        # An heir has the properties of what it comes from.
        {"allOf": [{"$ref": "#/components/schemas/Closed"}, {"type": "object", "properties": {"c": user()}}]},
        {"type": "object", "additionalProperties": user()},
        {"type": "object", "properties": {"by": user(), "by_kind": text(enum=["a", "b"]), "ByPlan": user()}},
    ],
)
def test_where_the_generator_does_otherwise_it_is_asked(schema: Value, tmp_path: Path) -> None:
    schemas = {**repeated(), "Other": schema}
    made = models.once(planned(schemas), schemas, frozenset(), tmp_path)
    assert made.text == at_once(schemas, tmp_path).text


@pytest.mark.parametrize("seed", range(4))
def test_documents_that_repeat_themselves_anyhow(seed: int, tmp_path: Path) -> None:
    schemas = anyhow(random.Random(seed))
    made = models.once(planned(schemas), schemas, frozenset(), tmp_path)
    assert made.text == at_once(schemas, tmp_path).text


WORDS = ("user", "users", "owner", "repo", "state", "state_of_the_pull_request_review", "id", "item", "items", "a1")


def anyhow(chance: random.Random) -> Value:
    pool: list[Value] = []

    def schema(depth: int) -> Value:
        kind = chance.choice(("scalar", "scalar", "enum", "list", "object", "object", "again", "again", "choice"))
        if kind == "again" and pool:
            return chance.choice(pool)
        if kind == "enum":
            return text(enum=chance.sample(["on", "off", "up", "name"], 2), **about())
        if kind == "list" and depth:
            return {"type": "array", "items": schema(depth - 1), **about()}
        if kind == "choice" and depth:
            return {"oneOf": [schema(depth - 1), schema(depth - 1)]}
        if kind in ("object", "again") and depth:
            names = chance.sample(WORDS, chance.randint(1, 5))
            made = {"type": "object", "properties": {name: schema(depth - 1) for name in sorted(names)}, **about()}
            if chance.random() < 0.5:
                made["required"] = sorted(chance.sample(names, 1))
            if chance.random() < 0.2:
                made["additionalProperties"] = False
            pool.append(made)
            return made
        return text(chance.choice(("string", "integer", "boolean", "number")), **about())

    def about() -> Value:
        said: Value = {}
        if chance.random() < 0.4:
            said["description"] = "Words that make a line long, " * chance.randint(1, 4)
        if chance.random() < 0.2:
            said["nullable"] = True
        return said

    return {
        f"{chance.choice(('Webhook', 'WebhookIssueCommentCreated', 'X'))}{index}": {
            "type": "object",
            "properties": {name: schema(3) for name in sorted(chance.sample(WORDS, 4))},
        }
        for index in range(8)
    }


def test_what_does_not_fit_is_not_copied() -> None:
    nothing = Class(0, 0, {"x": "int"}, {"x": "x"}, frozenset(), ("BaseModel",))
    first = Block("AP", "class AP(BaseModel):\n    x: StrictInt\n    y: StrictStr", "A", frozenset(), False, nothing)
    stub = Block("BQ", "class BQ(BaseModel):\n    x: StrictInt", "B", frozenset(), False, nothing)
    copy = Copy(("B", "q"), ("A", "p"), b"{}")
    paths = {"AP": ("A", "p"), "BQ": ("B", "q")}

    def told(*blocks: Block, **more: copies.Path) -> list[str] | None:
        found = copies.completed(blocks, {**paths, **more}, [copy], lambda lines: lines)
        return None if found is None else [each.text for each in found]

    assert told(first, stub) == [first.text, "class BQ(BaseModel):\n    x: StrictInt\n    y: StrictStr"]
    assert told(first, replace(stub, read=replace(nothing, members={"x": "str"}))) is None
    assert (
        told(first, replace(stub, name="BQ1", text="class BQ1(BaseModel):\n    x: StrictInt"), BQ1=("B", "q")) is None
    )
    assert told(first, stub, replace(stub, name="BQ2"), BQ2=("B", "q")) is None  # the place has two classes
    assert told(replace(first, uses=frozenset({"BQ"})), stub) is None  # it leads elsewhere
    assert told(replace(first, text=first.text + "\n    contractcopy: int"), stub) is None
