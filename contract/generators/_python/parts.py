"""The models in several modules, for a checker that gives up on a module with too many statements.

basedpyright follows the flow of a module and of the bodies of its classes as one, and analyses nothing of it beyond a
number of steps. What is written stays one module, since no cut of it would stay where it is when the document grows. The
parts hold the same classes, letter by letter, in the same order.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from contract.generators._python.blocks import Block, Class, assembled, names_in, ordered, uses

MOST = 30_720
"""Steps that basedpyright follows in one module: 768 (`maxCodeComplexity`), of which each step counts 0.025."""
_PART = 20_000


@dataclass(frozen=True)
class Parts:
    files: Mapping[str, str]
    """`models.py`, which takes all from the others, and these."""
    read: Mapping[str, Mapping[str, Class]]
    """By file, where the classes stand in it."""

    def line_of(self, file: str, line: int, whole: Mapping[str, Class]) -> int | None:
        """The line of `whole`, all of the models, that stands at a line of a part; None if no class does."""
        for name, each in self.read.get(file, {}).items():
            if each.first <= line <= each.last:
                return whole[name].first + line - each.first
        return None


def steps(*places: ast.AST) -> int:
    """How many steps basedpyright follows in what can stand in models."""
    found, todo = 0, list(places)
    while todo:
        node = todo.pop()
        match node:
            case ast.Subscript(value=ast.Name(id="Annotated" | "_Annotated")):
                continue  # calls in there are not followed
            case ast.AnnAssign():
                found += 1 if node.value is None else 2
            case ast.Assign():
                found += len(node.targets)
            case ast.Import() | ast.ImportFrom():
                found += len(node.names)
            case ast.ClassDef() | ast.Call():
                found += 1
        todo.extend(ast.iter_child_nodes(node))
    return found


def parts(text: str, head: str, blocks: Sequence[Block]) -> Parts | None:
    """The parts; None where one module is not too much."""
    if 3 * text.count("\n") < MOST:
        return None
    top = ast.parse(head).body
    trees = {each.name: ast.parse(each.text).body for each in blocks}
    size = {name: steps(*tree) for name, tree in trees.items()}
    if 1 + steps(*top) + sum(size.values()) + sum(each.rebuilt for each in blocks) <= MOST:
        return None
    groups = list(_groups(ordered(blocks), size))
    names = [{name for each in group for node in trees[each.name] for name in uses(node)} for group in groups]
    home = {each.name: index for index, group in enumerate(groups, 1) for each in group}
    home |= {node.name: 1 for node in top if isinstance(node, ast.ClassDef)}
    files, read = {}, {}
    for index, (group, used) in enumerate(zip(groups, names, strict=True), 1):
        if index == 1:  # here stands what no class uses, too: it is an error of the whole
            used |= _bound(top) - set[str]().union(*names, *(_needs(node) for node in top))
            used |= {node.name for node in top if isinstance(node, ast.ClassDef)}
        lines = list(_head(top, used, index))
        for other in range(1, len(groups) + 1):
            wanted = sorted(name for name in used if home.get(name) == other != index)
            if wanted:
                lines.append(f"from .models_{other} import {', '.join(wanted)}")
        lines.sort(key=lambda line: not line.startswith(("from ", "import ")))  # the rest keeps its order
        files[f"models_{index}.py"], read[f"models_{index}.py"] = assembled("\n".join(lines), group)
    again = (f"from .models_{index} import {name} as {name}\n" for name, index in sorted(home.items()))
    return Parts({"models.py": "".join(again), **files}, read)


def _groups(circles: Iterable[Sequence[Block]], size: Mapping[str, int]) -> Iterator[list[Block]]:
    """Blocks that use one another stay together, unless they are too many for one part."""
    group: list[Block] = []
    room = _PART
    for circle in circles:
        whole = sum(size[each.name] for each in circle)
        for piece in [circle] if whole <= _PART else [[each] for each in circle]:
            needed = sum(size[each.name] for each in piece)
            if group and needed > room:
                yield group
                group, room = [], _PART
            group += piece
            room -= needed
    if group:
        yield group


def _head(top: Sequence[ast.stmt], used: set[str], index: int) -> Iterator[str]:
    """What a part needs of what stands before all classes; `used` gains what this needs itself."""
    for node in reversed(top):
        if index == 1 if isinstance(node, ast.ClassDef) else bool(_bound([node]) & used):
            used |= _needs(node)
    for node in top:
        match node:
            case ast.ImportFrom() | ast.Import():
                kept = [each for each in node.names if (each.asname or each.name) in used or _is_future(node)]
                if kept:
                    node = ast.ImportFrom(node.module, kept, node.level) if isinstance(node, ast.ImportFrom) else node
                    yield ast.unparse(node)
            case ast.Assign() if _bound([node]) & used:
                yield ast.unparse(node)
            case ast.ClassDef() if index == 1:
                yield f"\n\n{ast.unparse(node)}"


def _is_future(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"


def _bound(top: Iterable[ast.stmt]) -> set[str]:
    found: set[str] = set()
    for node in top:
        if isinstance(node, (ast.Import, ast.ImportFrom)) and not _is_future(node):
            found |= {each.asname or each.name for each in node.names}
        elif isinstance(node, ast.Assign):
            found |= {each.id for each in node.targets if isinstance(each, ast.Name)}
    return found


def _needs(node: ast.stmt) -> frozenset[str]:
    if isinstance(node, ast.Assign):
        return frozenset(names_in(node.value))
    return frozenset(uses(node)) if isinstance(node, ast.ClassDef) else frozenset()
