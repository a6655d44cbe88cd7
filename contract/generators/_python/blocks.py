"""The text of the models as one block for each class, in an order that follows from the blocks alone.

So a class that a change does not reach can stay as it was made, and the text is the one that a full run gives.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from contract.core.canonical import circles


@dataclass(frozen=True)
class Class:
    """What the text of one class says."""

    first: int  # line
    last: int
    members: Mapping[str, str]
    """Name as the document has it to the type as it is written."""
    names: Mapping[str, str]
    """Name as the document has it to the name in Python."""
    required: frozenset[str]
    bases: tuple[str, ...]


@dataclass(frozen=True)
class Block:
    """One class or alias; its lines are counted from its own first one."""

    name: str
    text: str
    owner: str
    """The schema that it was made for; "" if nobody can say."""
    uses: frozenset[str]
    """Names that stand in it, of classes and of what is imported."""
    rebuilt: bool
    """True if the generator completes it once what it refers to is there."""
    read: Class


def assembled(head: str, blocks: Sequence[Block]) -> tuple[str, dict[str, Class]]:
    """The module, and its classes with the lines at which they stand."""
    parts, read = [head.rstrip("\n"), "\n"], {}
    line = head.rstrip("\n").count("\n") + 1
    for circle in ordered(blocks):
        for each in circle:
            height = each.text.count("\n") + 1
            parts.append(f"\n\n{each.text}\n")
            said = each.read
            read[each.name] = Class(line + 3, line + 2 + height, said.members, said.names, said.required, said.bases)
            line += 2 + height
        rebuilt = sorted(each.name for each in circle if each.rebuilt)
        if rebuilt:
            parts.append("\n\n" + "".join(f"{name}.model_rebuild()\n" for name in rebuilt))
            line += 2 + len(rebuilt)
    return "".join(parts), read


def ordered(blocks: Sequence[Block]) -> Iterator[list[Block]]:
    """The blocks by the names of their schemas, each behind what it uses; those that use one another together.

    In rounds: a block whose needs are met keeps its place, so that one more class moves none but those that use it.
    """
    by_name = {each.name: each for each in blocks}
    names = frozenset(by_name)
    needs = {name: sorted((each.uses & names) - {name}) for name, each in by_name.items()}
    place = {name: index for index, name in enumerate(by_name)}
    unit: dict[str, int] = {}
    units: list[list[str]] = []
    for members in circles(needs):
        unit.update(dict.fromkeys(members, len(units)))
        units.append(sorted(members, key=place.__getitem__))
    around = [{unit[need] for name in members for need in needs[name]} - {index} for index, members in enumerate(units)]
    keys = [min((by_name[name].owner, place[name]) for name in members) for members in units]
    waiting, done = sorted(range(len(units)), key=keys.__getitem__), set[int]()
    while waiting:
        later = []
        for index in waiting:
            if around[index] <= done:
                done.add(index)
                yield [by_name[name] for name in units[index]]
            else:
                later.append(index)
        waiting = later


def uses(node: ast.stmt, of_annotation: Callable[[ast.expr], Iterable[str]] | None = None) -> Iterator[str]:
    """Names that a class or an alias needs; `of_annotation` gives those of a field's type, if somebody knows them."""
    if not isinstance(node, ast.ClassDef):
        yield from names_in(getattr(node, "annotation", None), getattr(node, "value", None))
        return
    yield from names_in(*node.bases, *node.keywords, *node.decorator_list)
    for each in node.body:
        match each:
            case ast.AnnAssign():
                yield from names_in(each.annotation) if of_annotation is None else of_annotation(each.annotation)
                if each.value is not None and not isinstance(each.value, ast.Constant):
                    yield from names_in(each.value)
            case ast.Assign() if not isinstance(each.value, ast.Constant):
                yield from names_in(each.value)
            case ast.Assign() | ast.Pass():
                continue
            case ast.Expr(value=ast.Constant()):
                continue
            case _:
                yield from (each.id for each in ast.walk(each) if isinstance(each, ast.Name))


def names_in(*places: ast.AST | None) -> Iterator[str]:
    """Names that an expression needs, those in quoted types included; texts that are given to a call are no types."""
    todo = [(each, True) for each in places if each is not None]
    while todo:
        node, typed = todo.pop()
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Constant):
            if typed and isinstance(node.value, str):
                yield from _quoted(node.value)
        elif isinstance(node, ast.Call):
            todo.extend((each, False) for each in ast.iter_child_nodes(node))
        elif isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id == "Literal":
            yield "Literal"
        else:
            todo.extend((each, typed) for each in ast.iter_child_nodes(node))


def _quoted(text: str) -> Iterator[str]:
    try:
        tree = ast.parse(text, mode="eval")
    except (SyntaxError, ValueError):
        return
    yield from names_in(tree.body)
