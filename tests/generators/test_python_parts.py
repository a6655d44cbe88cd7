"""Models that are too many for a checker in one module are shown to it in several, and none of them is left out."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("datamodel_code_generator", reason="the extra `types` is not installed")

from contract.core.openapi import Contract
from contract.generators._python import prove as proving
from contract.generators._python.blocks import Block, Class, assembled
from contract.generators._python.build import Built, build
from contract.generators._python.parts import MOST, parts, steps
from contract.generators._python.prove import Proof
from contract.sources.documents import file

HEAD = """from __future__ import annotations

from enum import StrEnum
from typing import Annotated

"""
MODEL = """
class Model{0}:
    plain: Annotated[int, len("not followed"), max(1, 2)]
    given: Annotated[int, len("not followed")] = 1
    called: int = len("followed")
"""
ENUM = """
class Enum{0}(StrEnum):
    one = 'one'
    two = 'two'
"""
CALL = "\nprint()\n"
NOTHING = Class(0, 0, {}, {}, frozenset(), ())


@pytest.mark.parametrize("over", [0, 1])
def test_the_steps_are_those_that_basedpyright_counts(tmp_path: Path, over: int) -> None:
    text = HEAD + "".join((MODEL + ENUM).format(index) + CALL for index in range(100))
    rest = MOST - 1 - steps(ast.parse(text)) - 1 + over  # it counts the start
    text += "class Rest(StrEnum):\n" + "".join(f"    v{index} = 'v{index}'\n" for index in range(rest))
    assert 1 + steps(ast.parse(text)) == MOST + over
    (tmp_path / proving.PACKAGE).mkdir()
    (tmp_path / proving.PACKAGE / "models.py").write_text(text)
    (tmp_path / "wrong.py").write_text("")
    told = proving.strict(tmp_path)
    assert not isinstance(told, str)
    named = [(file, line) for file, line, message in told if "too complex" in message]
    # It names no line, and no range at all.
    assert named == ([(f"{proving.PACKAGE}/models.py", 0)] if over else [])


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """31 schemas, each with an enumeration of a thousand values; they lead to one another in a circle, two by two."""
    schemas: dict[str, Any] = {}
    for index in range(31):
        schemas[f"State{index}"] = {"type": "string", "enum": [f"v{value}" for value in range(1000)]}
        schemas[f"Task{index}"] = {
            "type": "object",
            "required": ["state"],
            "properties": {
                "state": {"$ref": f"#/components/schemas/State{index}"},
                "at": {"type": "string", "format": "date-time"},
                "next": {"$ref": f"#/components/schemas/Task{index ^ 1 if index < 30 else 30}"},
                "first": {"$ref": "#/components/schemas/State0"},
            },
        }
    ok = {"description": "", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Task30"}}}}
    value: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": "t", "version": "1"},
        "paths": {"/tasks": {"get": {"operationId": "tasks", "responses": {"200": ok}}}},
        "components": {"schemas": schemas},
    }
    folder = tmp_path_factory.mktemp("large")
    (folder / "api.json").write_text(json.dumps(value))
    contract = Contract(file.load(folder / "api.json"))
    return build(contract.document, contract.operations, folder, imported=False)


def classes(texts: Iterable[str]) -> list[str]:
    return sorted(
        ast.unparse(node) for text in texts for node in ast.parse(text).body if isinstance(node, ast.ClassDef)
    )


def test_the_parts_hold_each_class_once_as_it_is_written(large: Built) -> None:
    made = large.made
    cut = parts(made.text, made.head, made.blocks)
    assert cut is not None
    assert len(cut.read) > 1
    assert classes(cut.files.values()) == classes([made.text])
    assert all(1 + steps(ast.parse(text)) < MOST for text in cut.files.values())
    whole = made.text.splitlines()
    seen = 0
    for name in cut.read:
        for line, text in enumerate(cut.files[name].splitlines(), 1):
            at = cut.line_of(name, line, made.read)
            if at is not None:
                assert whole[at - 1] == text
                seen += 1
    assert seen == sum(each.last - each.first + 1 for each in made.read.values())


def test_what_no_class_uses_stays_an_error() -> None:
    found = [
        Block(name, f"class {name}:\n" + "    x: int = 0\n" * 11_000, name, frozenset(), False, NOTHING)
        for name in ("A", "B")
    ]
    head = "from __future__ import annotations\n\nfrom typing import Any\n"
    cut = parts(assembled(head, found)[0], head, found)
    assert cut is not None
    assert [name for name, text in cut.files.items() if "import Any" in text] == ["models_1.py"]


def test_models_that_one_module_can_hold_are_not_cut(tmp_path: Path) -> None:
    block = Block("A", "class A:\n" + "    x: int = 0\n" * 15_000, "A", frozenset(), False, NOTHING)
    head = "from __future__ import annotations\n"
    assert parts(assembled(head, [block])[0], head, [block]) is None


@pytest.mark.slow
def test_large_models_are_proven_and_an_error_in_a_part_is_that_of_its_component(tmp_path: Path, large: Built) -> None:
    made = replace(large.made)
    made.blocks = [
        replace(each, text=f"{each.text}\n    import os") if each.name == "Task7" else each for each in made.blocks
    ]
    made.text, made.read = assembled(made.head, made.blocks)
    package = replace(large.package, files={**large.package.files, "models.py": made.text})
    for name, text in package.files.items():
        path = tmp_path / proving.PACKAGE / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    proof = Proof()
    proving._types(replace(large, made=made, package=package), tmp_path, None, proof)
    assert proof.everything is None
    assert {name: (fault.step, fault.reason) for name, fault in proof.components.items()} == {
        "Task7": ("typecheck", 'basedpyright: Import "os" is not accessed (reportUnusedImport)')
    }
    assert not proof.operations
    assert len([note for note in proof.notes if note.startswith("models.py has more than basedpyright")]) == 1
