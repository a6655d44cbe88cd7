"""What a document declares in many places alike is made once, and written down again for each place.

Documents repeat themselves: more than half of the properties of GitHub's stand in objects that other components declare
word by word. The generator is given the first of such objects whole, and the others with one property, so that it still
names their classes and all that refers to them. What it made of the first is then written with the names of the others.
Only objects that lead nowhere else are taken, and what comes out is held against what the generator made of the one
property: where anything does not fit, all of it is made by the generator after all. So the text is what it would give.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from contract.core.document import unescape
from contract.generators._python import words
from contract.generators._python.blocks import Block, Class

Path = tuple[str, ...]
"""Where a schema stands: the name of its component, and the keys below it."""

WIDTH = 120
_SCHEMAS = "#/components/schemas/"
_KEYS = frozenset({"type", "properties", "required", "title", "description", "nullable", "additionalProperties"})
_CHOICES = ("oneOf", "anyOf", "allOf")
_MARK = "contractcopy"
"""A property of each object that was shortened: no class that is written may have it."""
_PROPERTY = b'"type":'
_INSIDE = re.compile(rb'"\$ref":"#/components/schemas/[^"/]*/')
_WORTH = 20
"""One schema in so many must be left out, or else nothing is."""
_LEAST = 3
"""Properties that an object must have to be worth it."""


@dataclass(frozen=True)
class Copy:
    """An object that stands somewhere else already."""

    path: Path
    of: Path
    words: bytes
    """Its schema."""


def shortened(schemas: Mapping[str, Any]) -> tuple[dict[str, Any], list[Copy]]:
    """The schemas with one property for each object that was declared before, and what these objects are."""
    inherited, whole = _inherited(schemas)
    if inherited is None:
        return dict(schemas), []
    left_out = 0
    found: list[Copy] = []
    first: dict[bytes, Path] = {}

    def short(node: Any, path: Path, free: bool) -> Any:
        nonlocal left_out
        if not isinstance(node, dict):
            return node
        properties = node.get("properties")
        if properties is not None and not node.keys().isdisjoint(_CHOICES):
            return node  # each of its branches gets classes of its own for the properties
        if free and _is_plain(node):
            words = _words(node)
            before = first.get(words)
            if before is None:
                first[words] = path
            else:
                kept = _kept(node["properties"])
                if kept is not None and _leads_nowhere(node):
                    found.append(Copy(path, before, words))
                    left_out += words.count(_PROPERTY)
                    return _with_only(node, kept)
        out = node
        if isinstance(properties, dict):
            sharing = _sharing(properties)
            below = {
                name: short(each, (*path, "properties", name), name not in sharing) for name, each in properties.items()
            }
            if any(below[name] is not properties[name] for name in below):
                out = {**out, "properties": below}
        items = node.get("items")
        if isinstance(items, dict) and not _is_list_with_null(node):
            one = short(items, (*path, "items"), free)
            if one is not items:
                out = {**out, "items": one}
        for key in ("oneOf", "anyOf"):
            branches = node.get(key)
            if isinstance(branches, list):
                each = [short(branch, (*path, key, str(index)), False) for index, branch in enumerate(branches)]
                if any(new is not old for new, old in zip(each, branches, strict=True)):
                    out = {**out, key: each}
        return out

    made = {name: schema if name in inherited else short(schema, (name,), False) for name, schema in schemas.items()}
    return (made, found) if left_out * _WORTH >= whole else (dict(schemas), [])


def _inherited(schemas: Mapping[str, Any]) -> tuple[frozenset[str] | None, int]:
    """Components that others are made of, None where a reference leads into the middle of one; how many types there are."""
    found: set[str] = set()
    types = 0
    for schema in schemas.values():
        text = words.written(schema)
        if text is not None:
            types += text.count(_PROPERTY)
            if b'"allOf":[' not in text and not words.refers_elsewhere(text) and _INSIDE.search(text) is None:
                continue
        for node in words.nodes(schema):
            reference = node.get("$ref")
            if isinstance(reference, str) and "/" in reference.removeprefix(_SCHEMAS):
                return None, types
            types += text is None and "type" in node
            branches = node.get("allOf")
            for each in branches if isinstance(branches, list) else ():
                if isinstance(each, dict) and isinstance(each.get("$ref"), str):
                    found.add(unescape(each["$ref"].removeprefix(_SCHEMAS)))
    return frozenset(found), types


def _sharing(names: Iterable[str]) -> frozenset[str]:
    """Names whose classes may be called alike, as those of `option` and of one of `options`."""
    by_word: dict[str, list[str]] = {}
    for name in names:
        word = re.sub(r"[\W_]", "", name).lower()
        by_word.setdefault(re.sub(r"(?:ies|es|s|y|e)$", "", word), []).append(name)
    return frozenset(name for each in by_word.values() if len(each) > 1 for name in each)


def _is_plain(node: Mapping[str, Any]) -> bool:
    """True for an object that says no more than what its properties are."""
    properties = node.get("properties")
    return (
        isinstance(properties, dict)
        and len(properties) >= _LEAST
        and node.keys() <= _KEYS
        and node.get("type", "object") in ("object", ["null", "object"], ["object", "null"])
        and isinstance(node.get("additionalProperties", True), bool)
    )


def _is_list_with_null(node: Mapping[str, Any]) -> bool:
    """True for a list that may be null, or hold null: the generator does not say where its classes come from."""
    return any(
        isinstance(each, Mapping)
        and (each.get("nullable") is True or (isinstance(each.get("type"), list) and "null" in each["type"]))
        for each in (node, node.get("items"))
    )


def _words(node: Any) -> bytes:
    try:
        return orjson.dumps(node)
    except TypeError:  # a number beyond 64 bits, a key that is no text
        return repr(node).encode("utf-8", "backslashreplace")


def _kept(properties: Mapping[str, Any]) -> str | None:
    """The property whose class costs least."""
    scalars = [name for name, each in properties.items() if isinstance(each, dict) and each.get("type") in _SCALARS]
    plain = [name for name in scalars if properties[name].keys() <= {"type", "title", "description"}]
    return next(iter([*plain, *scalars]), None)


_SCALARS = ("string", "integer", "boolean")


def _with_only(node: Mapping[str, Any], name: str) -> dict[str, Any]:
    kept = node["properties"][name]
    mark = kept if "enum" in kept else {"type": kept["type"]}  # nothing that has to be imported besides
    out = {**node, "properties": {name: kept, _MARK: mark}}
    required = node.get("required")
    if isinstance(required, list):
        out["required"] = [each for each in required if each == name]
    return out


def _leads_nowhere(node: Any) -> bool:
    """True if a schema refers to no other, and the generator says of all its classes where they come from."""
    todo = [node]
    while todo:
        each = todo.pop()
        if isinstance(each, dict):
            if each.keys() & {"$ref", "discriminator", "allOf"}:
                return False
            if "properties" in each and not each.keys().isdisjoint(_CHOICES):
                return False
            values = each.get("enum")
            if isinstance(values, list) and (None in values or each.get("nullable") is True):
                return False
            if isinstance(each.get("items"), dict) and _is_list_with_null(each):
                return False
            todo.extend(each.values())
        elif isinstance(each, list):
            todo.extend(each)
    return True


# --- written down again -----------------------------------------------------------------------------------------------


def completed(
    blocks: Sequence[Block],
    paths: Mapping[str, Path],
    copies: Sequence[Copy],
    formatted: Callable[[Sequence[str]], Sequence[str] | None],
) -> list[Block] | None:
    """All classes; None where the copies do not fit. `paths` says by class where its schema stands.

    `formatted` gives fields as the generator writes them, each given on one line.
    """
    making = _Copying(blocks, paths)
    try:
        for copy in copies:
            making.add(copy)
    except _Misfit:
        return None
    return making.done(formatted)


class _Misfit(Exception):
    """What the generator made of an object cannot be told from what it made of another."""


class _Copying:
    def __init__(self, blocks: Sequence[Block], paths: Mapping[str, Path]) -> None:
        self.blocks = blocks
        self.place = {each.name: index for index, each in enumerate(blocks)}
        self.names = set(self.place)
        at: dict[Path, str] = {}
        below: dict[Path, list[str]] = {}
        twice: set[Path] = set()
        for name, path in paths.items():
            if name not in self.place:
                continue
            if at.setdefault(path, name) != name:
                twice.add(path)
            for length in range(1, len(path) + 1):
                below.setdefault(path[:length], []).append(name)
        self.at = {path: name for path, name in at.items() if path not in twice}
        self.below = below
        self.instead: dict[str, list[Block]] = {}
        """By the class of an object that was shortened: all classes that it has."""
        self.dropped: set[str] = set()
        self.long: list[tuple[Block, str, str]] = []
        """Fields that may stand on other lines than those that they were copied from: class, as it is, on one line."""

    def add(self, copy: Copy) -> None:
        old, new = self.at.get(copy.of), self.at.get(copy.path)
        if old is None or new is None or old.encode() in copy.words:
            raise _Misfit
        word = next((each for each in reversed(copy.path) if each != "items"), "")
        if new[-1].isdecimal() and not word[-1:].isdecimal():
            raise _Misfit  # it is told apart from another one, of which it may be no more than a copy
        group = self._group(copy.of, old)
        names = {each.name: new + each.name.removeprefix(old) for each in group}
        marked = new + _MARK.capitalize()
        stubs = {each for each in self.below[copy.path] if each != marked}
        inside = names.keys()
        if any(not name.startswith(old) or old in name.removeprefix(old) for name in inside):
            raise _Misfit
        if not stubs <= set(names.values()) or (set(names.values()) - stubs) & self.names:
            raise _Misfit
        if any(each.rebuilt or (each.uses & self.names) - inside for each in group):
            raise _Misfit
        pattern = re.compile(rf"\b(?:{'|'.join(sorted(inside, key=len, reverse=True))})\b")
        made = [self._copied(each, names, pattern, copy.path[0]) for each in group]
        for each in made:
            if each.name in stubs:
                self._fits(each, self.blocks[self.place[each.name]], each.name == new)
        self.names |= {each.name for each in made}
        self.dropped |= {*stubs, marked} - {new}
        self.instead[new] = made

    def _group(self, path: Path, name: str) -> list[Block]:
        """The classes of an object, which stand together and end with its own."""
        own = sorted(self.place[each] for each in self.below[path])
        if own[-1] != self.place[name] or own[-1] - own[0] != len(own) - 1:
            raise _Misfit
        return [each for index in own for each in self._whole(self.blocks[index])]

    def _whole(self, block: Block) -> Sequence[Block]:
        return () if block.name in self.dropped else self.instead.get(block.name, (block,))

    def _copied(self, block: Block, names: Mapping[str, str], pattern: re.Pattern[str], owner: str) -> Block:
        def other(found: re.Match[str]) -> str:
            return names[found[0]]

        mine = block.uses & names.keys()
        name = names[block.name]
        head, rest = block.text.split("\n", 1) if "\n" in block.text else (block.text, "")
        new = pattern.sub(other, head)
        if not re.fullmatch(r"class \w+\((?:BaseModel|StrEnum|IntEnum|Enum)\):", head) and (
            head[-1] != ":" or max(len(head), len(new)) > WIDTH
        ):
            raise _Misfit  # a line that the generator breaks
        read = block.read
        if not mine:
            return replace(block, name=name, text=f"{new}\n{rest}", owner=owner)
        members = {key: pattern.sub(other, kind) for key, kind in read.members.items()}
        bases = tuple(pattern.sub(other, base) for base in read.bases)
        made = Block(
            name,
            f"{new}\n{pattern.sub(other, rest)}",
            owner,
            (block.uses - mine) | {names[each] for each in mine},
            block.rebuilt,
            Class(0, 0, members, read.names, read.required, bases),
        )
        for before in _fields(rest, pattern):
            after = pattern.sub(other, before)
            if "\n" in before or len(after) > WIDTH:
                if "_Strict" in before:
                    raise _Misfit  # longer now than it was when the generator broke the line
                self.long.append((made, after, _one_line(after)))
        return made

    def _fits(self, made: Block, stub: Block, short: bool) -> None:
        """What the generator made of one property must be part of what it would have made of all."""
        if not short:
            if (made.text, made.uses, made.read) != (stub.text, stub.uses, stub.read):
                raise _Misfit
        else:
            members = {name: kind for name, kind in stub.read.members.items() if name != _MARK}
            if stub.read.bases != made.read.bases or not members.items() <= made.read.members.items():
                raise _Misfit

    def done(self, formatted: Callable[[Sequence[str]], Sequence[str] | None]) -> list[Block] | None:
        others: dict[str, str] = {}
        if self.long:
            lines = list(dict.fromkeys(line for _, _, line in self.long))
            told = formatted(lines)
            if told is None:
                return None
            laid = dict(zip(lines, told, strict=True))
            for block, before, line in self.long:
                others[block.name] = others.get(block.name, block.text).replace(f"\n{before}", f"\n{laid[line]}", 1)
        found = [
            replace(each, text=others[each.name]) if each.name in others else each
            for block in self.blocks
            for each in self._whole(block)
        ]
        return None if any(_MARK in each.text.lower() for each in found) else found


_FIELD = re.compile(r"^    \w+: .*(?:\n(?:    [\])]|     ).*)*", re.MULTILINE)


def _fields(body: str, pattern: re.Pattern[str]) -> Iterator[str]:
    """Fields of a class whose types name one of the classes."""
    for found in _FIELD.finditer(body):
        if pattern.search(found[0]):
            yield found[0]


def _one_line(text: str) -> str:
    try:
        [node] = ast.parse(text.strip()).body
    except (SyntaxError, ValueError) as error:  # no field, but a text of the document that looks like one
        raise _Misfit from error
    return ast.unparse(node)
