"""Several files as one value: what `$ref` names elsewhere is brought under `#/components`, or put in place of it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urljoin

from contract.core.dialect import COMPONENTS, DATA, LIST, MAP, ONE, POSITIONS, POSITIONS_2_0, Tokens, extension
from contract.core.document import pointer, split, unescape
from contract.core.errors import DocumentError
from contract.sources.documents._text import MAX_DEPTH, Text, Tree

MAX_CHAIN = 50
"""References that may lead to one another before something stands there."""

URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:|//")
"""What begins so is no path of a file."""
_ELSEWHERE = re.compile(rb"""\$ref["']?\s*:\s*["']?[^#"'\s]""")
_FILE = re.compile(r"#|.*/|.*\.(ya?ml|json)$", re.DOTALL)


@dataclass(eq=False)
class File:
    """A file of the description, read."""

    path: str
    shown: str
    """As the user types it: below the current directory relative to it, with forward slashes."""
    text: Text
    tree: Tree
    sha256: str = ""
    """Of its bytes as they were read."""

    def fail(self, tokens: Tokens, message: str, hint: str | None = None) -> DocumentError:
        line, column = self.tree.position(tokens)
        return DocumentError(f"{self.shown}:{line}:{column}: {message}", hint)


Fail = Callable[[str, str | None], DocumentError]
"""Makes the error of a file that cannot be had, at the place that asks for it: from what is wrong, and a hint."""

Way = tuple[Any, str, int] | None
"""The way from a place down to a node: (the way to its parent, the last name, how deep in the whole value)."""


def _tokens(path: Way) -> Tokens:
    names: list[str] = []
    while path is not None:
        path, name, _ = path
        names.append(name)
    return tuple(reversed(names))


@dataclass(frozen=True, slots=True)
class _Place:
    """A stretch of one file that stands in one stretch of the bundled value."""

    file: File
    tokens: Tokens  # where it begins in the file
    bundled: Tokens  # where it begins in the value
    scope: Tokens = ()
    """What `#` means here: the root of the file, or of the schema with an `$id` (JSON Schema 2020-12, 8.2.1)."""
    base: str | None = None
    """The `$id` in force."""


@dataclass(frozen=True, slots=True)
class _Target:
    file: File
    tokens: Tokens
    node: Any


@dataclass
class Bundle:
    """One value without references to other files, and where each part of it was read."""

    value: dict[str, Any]
    files: list[File]
    origins: dict[Tokens, tuple[File, Tokens]] = field(default_factory=dict)

    def origin(self, tokens: Tokens) -> tuple[File, Tokens]:
        """File and place there; the longest known beginning decides."""
        for length in range(len(tokens), -1, -1):
            if (found := self.origins.get(tokens[:length])) is not None:
                file, start = found
                return file, start + tokens[length:]
        raise KeyError(tokens)


def bundle(main: File, swagger: bool, open_file: Callable[[str, Fail], File]) -> Bundle:
    """The description that begins in `main`; `open_file` reads a further file or says why it may not."""
    return _Bundler(main, swagger, open_file).run()


class _Bundler:
    def __init__(self, main: File, swagger: bool, open_file: Callable[[str, Fail], File]) -> None:
        self.main = main
        self.swagger = swagger
        self.open_file = open_file
        self.positions = POSITIONS_2_0 if swagger else POSITIONS
        self.sections: dict[str, Tokens] = (
            {"schema": ("definitions",), "parameter": ("parameters",), "response": ("responses",)}
            if swagger
            else {kind: ("components", section) for kind, section in COMPONENTS.items()}
        )
        self.files: dict[str, File] = {main.path: main}
        self.alone: dict[str, bool] = {}  # by path: whether nothing in the file points out of it
        self.origins: dict[Tokens, tuple[File, Tokens]] = {(): (main, ())}
        self.homes: dict[tuple[str, Tokens, str], Tokens] = {}
        self.taken: dict[str, set[str]] = {}
        self.pending: list[tuple[Tokens, _Target, str]] = []
        self.inlining: list[tuple[str, Tokens, str]] = []
        self.targets: dict[tuple[str, Tokens, str | None, str], _Target] = {}
        self.sought: set[tuple[str, Tokens, str | None, str]] = set()  # targets that are being looked for
        self.settled: set[tuple[str, str]] = set()  # references of the main file that stay as they are, by kind
        self.chained: dict[Tokens, tuple[_Place, Way]] = {}
        self.ids: tuple[int, dict[str, _Target]] = (0, {})

    def run(self) -> Bundle:
        place = _Place(self.main, (), ())
        self.claim_names(place)
        value = self.visit(self.main.tree.value, ONE, "document", place, None)
        hoisted: dict[Tokens, Any] = {}
        for tokens, target, kind in self.pending:  # grows while it is read
            self.origins[tokens] = target.file, target.tokens
            there = _Place(target.file, target.tokens, tokens)
            hoisted[tokens] = self.visit(target.node, ONE, kind, there, None)
        if hoisted:
            value = dict(value)
            holder = value if self.swagger else dict(value["components"]) if "components" in value else {}
            for tokens, node in hoisted.items():
                holder[tokens[-2]] = {**holder.get(tokens[-2], {}), tokens[-1]: node}
            if not self.swagger:
                value["components"] = holder
        result = Bundle(value, list(self.files.values()), self.origins)
        self.refuse_circles(value)
        return result

    # --- walking

    def visit(self, node: Any, shape: str, kind: str, place: _Place, path: Way) -> Any:
        """The node as it stands in the bundled value; the node itself if nothing changes."""
        if shape is LIST:
            if isinstance(node, list):
                return self.visit_list(node, kind, place, path)
            if isinstance(node, dict) and isinstance(node.get("$ref"), str):
                return self.inline(node, LIST, kind, place, path)
            return node
        if not isinstance(node, dict):
            return node
        if path is not None and path[2] > MAX_DEPTH:
            raise place.file.fail(place.tokens + _tokens(path), f"nested more than {MAX_DEPTH} levels deep")
        if shape is MAP or kind == "callback":
            if isinstance(node.get("$ref"), str):
                return (
                    self.reference(node, kind, place, path)
                    if shape is ONE
                    else self.inline(node, MAP, kind, place, path)
                )
            return self.visit_map(node, "pathItem" if shape is ONE else kind, place, path)
        if kind == "schema":
            if "$id" in node and isinstance(node["$id"], str) and not self.swagger:
                place, path = self.rebase(node["$id"], place, path)
                if b"$dynamicRef" in place.file.text.data:
                    node = {**node, "$id": place.base}  # which anchor it means depends on where it was come from
                else:
                    node = {name: child for name, child in node.items() if name != "$id"}
            if "discriminator" in node:
                node = self.discriminator(node, place, path)
        if "$ref" in node and isinstance(node["$ref"], str):
            return self.reference(node, kind, place, path)
        return self.visit_fields(node, kind, place, path)

    def visit_fields(self, node: dict[str, Any], kind: str, place: _Place, path: Way) -> dict[str, Any]:
        fields = self.positions.get(kind, {})
        fresh: dict[str, Any] | None = None
        depth = path[2] + 1 if path is not None else len(place.bundled) + 1
        everything = not self.stands_alone(place.file)
        for name, child in node.items():
            position = fields.get(name)
            if position is not None:
                new = self.visit(child, position[0], position[1], place, (path, name, depth))
            elif everything and isinstance(child, (dict, list)):
                new = self.beside(name, child, place, (path, name, depth), extension(name))
            else:
                continue
            if new is not child:
                fresh = fresh or dict(node)
                fresh[name] = new
        return node if fresh is None else fresh

    def visit_map(self, node: dict[str, Any], kind: str, place: _Place, path: Way) -> dict[str, Any]:
        fresh: dict[str, Any] | None = None
        depth = path[2] + 1 if path is not None else len(place.bundled) + 1
        for name, child in node.items():
            if isinstance(child, dict):
                new = self.visit(child, ONE, kind, place, (path, name, depth))
                if new is not child:
                    fresh = fresh or dict(node)
                    fresh[name] = new
        return node if fresh is None else fresh

    def visit_list(self, node: list[Any], kind: str, place: _Place, path: Way) -> list[Any]:
        fresh: list[Any] | None = None
        depth = path[2] + 1 if path is not None else len(place.bundled) + 1
        for index, child in enumerate(node):
            if isinstance(child, dict):
                new = self.visit(child, ONE, kind, place, (path, str(index), depth))
                if new is not child:
                    fresh = fresh or list(node)
                    fresh[index] = new
        return node if fresh is None else fresh

    def beside(self, name: Any, node: Any, place: _Place, path: Way, lenient: bool) -> Any:
        """What stands in a field that holds no further objects; of an example, that it is kept in a file of its own."""
        if name not in DATA:
            return self.plain(node, place, path, lenient)
        if isinstance(node, dict) and len(node) == 1 and isinstance(reference := node.get("$ref"), str):
            if reference.startswith("#") or URL.match(reference):
                return node
            try:
                return self.inline(node, ONE, "data", place, path)
            except DocumentError:  # then it is an example of a `$ref`
                return node
        return node

    def plain(self, node: Any, place: _Place, path: Way, lenient: bool) -> Any:
        """A part in which the standard has no references, and in which authors write them all the same."""
        if path is not None and path[2] > MAX_DEPTH:
            raise place.file.fail(place.tokens + _tokens(path), f"nested more than {MAX_DEPTH} levels deep")
        if isinstance(node, dict):
            reference = node.get("$ref")
            if isinstance(reference, str) and not (
                URL.match(reference) or (reference.startswith("#") and place.file is self.main)
            ):
                try:
                    return self.inline(node, ONE, "plain", place, path)
                except DocumentError:
                    if lenient:  # in an extension, where it may mean anything
                        return node
                    raise
        depth = path[2] + 1 if path is not None else len(place.bundled) + 1
        items: Iterator[tuple[Any, Any]] = iter(node.items() if isinstance(node, dict) else enumerate(node))
        fresh: Any = None
        for name, child in items:
            if isinstance(child, (dict, list)):
                new = self.beside(name, child, place, (path, str(name), depth), lenient or extension(str(name)))
                if new is not child:
                    fresh = (dict(node) if isinstance(node, dict) else list(node)) if fresh is None else fresh
                    fresh[name] = new
        return node if fresh is None else fresh

    def stands_alone(self, file: File) -> bool:
        """True if no reference leads out of the main file, so that only lawful places need a look."""
        if file.path not in self.alone:
            self.alone[file.path] = file is self.main and _ELSEWHERE.search(file.text.data) is None
        return self.alone[file.path]

    # --- references

    def reference(self, node: dict[str, Any], kind: str, place: _Place, path: Way) -> Any:
        """The node with its reference pointing into the bundled value, or what it points to."""
        reference = node["$ref"]
        if len(node) == 1 and (kind, reference) in self.settled and place.file is self.main and not place.scope:
            return node
        if kind not in self.sections:
            return self.inline(node, ONE, kind, place, path)
        target = self.target(reference, place, path)
        if not isinstance(target.node, dict) and not (kind == "schema" and isinstance(target.node, bool)):
            raise self.fail(
                place,
                path,
                f"`$ref: '{reference}'` points to {_described(target.node)}, and a {_spelled(kind)} is needed here",
            )
        home = self.home(target, kind)
        if home == place.bundled + _tokens(path):
            return self.inline(node, ONE, kind, place, path)
        if isinstance(target.node, dict) and isinstance(target.node.get("$ref"), str):
            self.chained.setdefault(home, (place, path))
        text = pointer(*home)
        if (
            place.file is self.main
            and not place.scope
            and reference.startswith("#")
            and split(unquote(reference)) == home
        ):
            text = reference  # as the user spells it
            self.settled.add((kind, reference))
        if len(node) == 1:
            return node if text == reference else {"$ref": text}
        siblings = {name: child for name, child in node.items() if name != "$ref"}
        beside = self.visit_fields(siblings, kind, place, path)
        return node if text == reference and beside is siblings else {"$ref": text, **beside}

    def inline(self, node: dict[str, Any], shape: str, kind: str, place: _Place, path: Way) -> Any:
        """What the reference names, in its place; what stands beside the reference wins."""
        target = self.target(node["$ref"], place, path)
        here = place.bundled + _tokens(path)
        step = (target.file.path, target.tokens, kind)
        if step in self.inlining or len(self.inlining) > MAX_CHAIN:
            raise self.fail(place, path, f"`$ref: '{node['$ref']}'` leads back to itself, and to nothing else")
        self.origins[here] = target.file, target.tokens
        there = _Place(target.file, target.tokens, here)
        self.inlining.append(step)
        try:
            if kind == "data":
                content = target.node
            elif kind == "plain":
                content = target.node
                if isinstance(content, (dict, list)):
                    content = self.plain(content, there, None, False)
            else:
                content = self.visit(target.node, shape, kind, there, None)
        finally:
            self.inlining.pop()
        siblings = {name: child for name, child in node.items() if name != "$ref"}
        if not siblings or not isinstance(content, dict):
            return content
        for name in siblings:
            self.origins[(*here, name)] = place.file, (*place.tokens, *_tokens(path), name)
        if shape is MAP:
            return {**content, **self.visit_map(siblings, kind, place, path)}
        return {**content, **self.visit_fields(siblings, kind, place, path)}

    def home(self, target: _Target, kind: str) -> Tokens:
        """Where the target stands in the bundled value; it is brought there if it stands nowhere yet."""
        tokens = target.tokens
        if target.file is self.main and len(tokens) > 1 and tokens[0] in self.positions["document"]:
            return tokens
        section = self.sections[kind]
        key = (target.file.path, tokens, section[-1])
        if key not in self.homes:
            self.homes[key] = home = (*section, self.name(target, section[-1]))
            self.pending.append((home, target, kind))
        return self.homes[key]

    def name(self, target: _Target, section: str) -> str:
        """A name that is free: the last part of the pointer, else the file's, else with what it stands in."""
        taken = self.taken.setdefault(section, set())
        file = Path(target.file.path)
        parts = [part for part in (file.parent.name, file.name.partition(".")[0], *target.tokens) if part]
        for length in range(1, len(parts) + 1):
            name = re.sub(r"[^A-Za-z0-9._-]+", "_", "_".join(parts[-length:])).strip("_") or section
            if name not in taken and not name.isdigit():
                break
        else:
            number = 2
            while f"{name}_{number}" in taken:
                number += 1
            name = f"{name}_{number}"
        taken.add(name)
        return name

    def claim_names(self, place: _Place) -> None:
        """Gives each component the name that the main file has for it, so that it stands there and only there."""
        for section in self.sections.values():
            where = _Target(self.main, (), self.main.tree.value)
            for name in section:
                where = self.followed(where)
                if not isinstance(where.node, dict) or name not in where.node:
                    break
                where = _Target(where.file, (*where.tokens, name), where.node[name])
            else:
                where = self.followed(where)
                if not isinstance(where.node, dict):
                    continue
                self.taken[section[-1]] = set(where.node)
                for name, entry in where.node.items():
                    home = (*section, name)
                    if where.file is not self.main:
                        self.homes.setdefault((where.file.path, (*where.tokens, name), section[-1]), home)
                    if isinstance(entry, dict) and isinstance(reference := entry.get("$ref"), str):
                        if reference.startswith("#") and where.file is self.main:
                            continue
                        there, way = _Place(where.file, (), ()), _path((*where.tokens, name))
                        if isinstance(identity := entry.get("$id"), str) and not self.swagger:
                            there, way = self.rebase(identity, there, way)
                        target = self.target(reference, there, way)
                        if target.file is not self.main:
                            self.homes.setdefault((target.file.path, target.tokens, section[-1]), home)

    def followed(self, target: _Target) -> _Target:
        """What stands at the end of the references that begin at the target."""
        for _ in range(MAX_DEPTH):
            if not (isinstance(target.node, dict) and isinstance(reference := target.node.get("$ref"), str)):
                return target
            target = self.target(reference, _Place(target.file, (), ()), _path(target.tokens))
        raise target.file.fail(target.tokens, f"`$ref: '{reference}'` leads back to itself, and to nothing else")

    def target(self, reference: str, place: _Place, path: Way) -> _Target:
        key = (place.file.path, place.scope, place.base, reference)
        if key not in self.targets:
            if key in self.sought or len(self.sought) > MAX_CHAIN:
                raise self.fail(place, path, f"`$ref: '{reference}'` leads through itself, and so to nothing")
            self.sought.add(key)
            try:
                self.targets[key] = self.find(reference, place, path)
            finally:
                self.sought.discard(key)
        return self.targets[key]

    def find(self, reference: str, place: _Place, path: Way) -> _Target:
        address, _, fragment = reference.partition("#")
        start = _Target(place.file, place.scope, None)
        if not reference:
            raise self.fail(place, path, "`$ref: ''` names nothing")
        if address:
            base = place.base or (self.main.tree.value.get("$self") if place.file is self.main else None)
            full = urljoin(base, address) if isinstance(base, str) else address
            known = self.known_ids().get(full) if URL.match(full) else None
            if known is not None:
                start = known
            else:
                start = _Target(self.opened(reference, address, place, path), (), None)
        node = start.file.tree.value
        for token in start.tokens:
            node = node[int(token)] if isinstance(node, list) else node[token]
        start = _Target(start.file, start.tokens, node)
        if not fragment:
            return start
        if not fragment.startswith("/"):
            anchor = self.anchored(start, unquote(fragment))
            if anchor is None:
                raise self.fail(
                    place, path, f"`$ref: '{reference}'` points to nothing: there is no `$anchor` of that name"
                )
            return anchor
        current = start
        for raw in fragment.split("/")[1:]:
            found = _child(current, raw)
            if found is None and isinstance(current.node, dict) and isinstance(current.node.get("$ref"), str):
                current = self.followed(current)
                found = _child(current, raw)
            if found is None:
                raise self.dangling(reference, current, unescape(unquote(raw)), place, path)
            current = found
        return current

    def opened(self, reference: str, address: str, place: _Place, path: Way) -> File:
        folder = os.path.dirname(place.file.path)
        if "\0" in unquote(address):
            raise self.fail(place, path, f"`$ref: {reference!r}` is the name of no file")
        if URL.match(address) or URL.match(place.file.path):
            wanted = urljoin(place.file.path, address) if URL.match(place.file.path) else address
        else:
            wanted = os.path.normpath(os.path.join(folder, unquote(address)))
            if "%" in address and not os.path.exists(wanted):
                wanted = os.path.normpath(os.path.join(folder, address))
        if wanted not in self.files:

            def fail(message: str, hint: str | None) -> DocumentError:
                return self.fail(place, path, f"`$ref: '{reference}'`: {message}", hint)

            self.files[wanted] = self.open_file(wanted, fail)
        return self.files[wanted]

    def known_ids(self) -> dict[str, _Target]:
        """Schemas by their `$id`, and the main file by its `$self` (OpenAPI 3.2, 4.1)."""
        count, ids = self.ids
        if count != len(self.files):
            ids = {}
            for file in self.files.values():
                if b"$id" in file.text.data:
                    for tokens, node, identity in _resources(file.tree.value):
                        ids.setdefault(identity.rstrip("#"), _Target(file, tokens, node))
            if isinstance(own := self.main.tree.value.get("$self"), str):
                ids.setdefault(own, _Target(self.main, (), None))
            self.ids = len(self.files), ids
        return ids

    def anchored(self, start: _Target, name: str) -> _Target | None:
        for within in (True, False):
            for tokens, node in _dicts(start.node, within):
                if name in (node.get("$anchor"), node.get("$dynamicAnchor")):
                    return _Target(start.file, start.tokens + tokens, node)
        return None

    def rebase(self, identity: str, place: _Place, path: Way) -> tuple[_Place, Way]:
        here = _tokens(path)
        base = urljoin(place.base, identity) if place.base else identity
        tokens = place.tokens + here
        return _Place(place.file, tokens, place.bundled + here, tokens, base), None

    def discriminator(self, node: dict[str, Any], place: _Place, path: Way) -> dict[str, Any]:
        """The schema with the files that its discriminator names brought in; a bare name stays a name."""
        discriminator = node["discriminator"]
        mapping = discriminator.get("mapping") if isinstance(discriminator, dict) else None
        if not isinstance(mapping, dict):
            return node
        fresh = dict(mapping)
        for value, reference in mapping.items():
            if not isinstance(reference, str) or not _FILE.match(reference):
                continue
            if URL.match(reference) or (reference.startswith("#") and place.file is self.main and not place.scope):
                continue
            where = (((path, "discriminator", 0), "mapping", 0), value, 0)
            fresh[value] = pointer(*self.home(self.target(reference, place, where), "schema"))
        return node if fresh == mapping else {**node, "discriminator": {**discriminator, "mapping": fresh}}

    def refuse_circles(self, value: Mapping[str, Any]) -> None:
        """Raises where references lead to references only; recursion through a property is legal, and has an end."""
        for start, (place, path) in self.chained.items():
            seen = [start]
            while True:
                node: Any = value
                for token in seen[-1]:
                    child = _child(_Target(self.main, (), node), token.replace("~", "~0").replace("/", "~1"))
                    node = child.node if child is not None else None
                if not (isinstance(node, dict) and isinstance(reference := node.get("$ref"), str)):
                    break
                following = split(unquote(reference))
                if following in seen:
                    circle = " → ".join(pointer(*tokens) for tokens in [*seen[seen.index(following) :], following])
                    raise self.fail(place, path, f"`$ref`s lead in a circle, and to nothing else: {circle}")
                seen.append(following)

    # --- errors

    def fail(self, place: _Place, path: Way, message: str, hint: str | None = None) -> DocumentError:
        tokens = place.tokens + _tokens(path)
        if message.startswith("`$ref"):
            tokens = (*tokens, "$ref")
        return place.file.fail(tokens, message, hint)

    def dangling(self, reference: str, parent: _Target, name: str, place: _Place, path: Way) -> DocumentError:
        import difflib

        names = list(parent.node) if isinstance(parent.node, dict) else []
        near = difflib.get_close_matches(name, names, 1)
        guess = f". Did you mean '{near[0]}'?" if near else ""
        hint = None
        if not near and parent.file is not place.file:
            hint = f"{parent.file.shown} has no `{name}` at {pointer(*parent.tokens)}"
        return self.fail(place, path, f"`$ref: '{reference}'` points to nothing{guess}", hint)


def _path(tokens: Tokens) -> Way:
    path: Way = None
    for depth, token in enumerate(tokens, 1):
        path = (path, token, depth)
    return path


def _child(parent: _Target, raw: str) -> _Target | None:
    """What a reference token names; percent-encoding is undone where only that finds something (RFC 6901, 6)."""
    node = parent.node
    for name in dict.fromkeys((unescape(raw), unescape(unquote(raw)))):
        if isinstance(node, dict):
            if name in node:
                return _Target(parent.file, (*parent.tokens, name), node[name])
        elif isinstance(node, list) and name.isascii() and name.isdigit() and int(name) < len(node):
            return _Target(parent.file, (*parent.tokens, name), node[int(name)])
    return None


def _dicts(root: Any, within: bool = False) -> Iterator[tuple[Tokens, dict[str, Any]]]:
    """Every mapping below; `within` leaves out those of a schema that has an `$id` of its own."""
    stack: list[tuple[Tokens, Any]] = [((), root)]
    while stack:
        tokens, node = stack.pop()
        if isinstance(node, dict):
            if within and tokens and isinstance(node.get("$id"), str):
                continue
            yield tokens, node
            stack.extend(((*tokens, name), child) for name, child in node.items() if isinstance(child, (dict, list)))
        elif isinstance(node, list):
            stack.extend(
                ((*tokens, str(index)), child) for index, child in enumerate(node) if isinstance(child, (dict, list))
            )


def _resources(root: Any) -> Iterator[tuple[Tokens, dict[str, Any], str]]:
    """Schemas with an `$id`, and what it is: resolved against that of the schema around it (JSON Schema Core, 8.2.1)."""
    stack: list[tuple[Tokens, Any, str]] = [((), root, "")]
    while stack:
        tokens, node, base = stack.pop()
        if isinstance(node, dict):
            if isinstance(identity := node.get("$id"), str):
                base = urljoin(base, identity)
                yield tokens, node, base
            children: Any = node.items()
        else:
            children = enumerate(node)
        stack.extend(((*tokens, str(name)), child, base) for name, child in children if isinstance(child, (dict, list)))


def _described(node: Any) -> str:
    if node is None:
        return "an empty place"
    return {str: "a text", bool: "a boolean", int: "a number", float: "a number", list: "a list", dict: "an object"}[
        type(node)
    ]


def _spelled(kind: str) -> str:
    """`Request Body` for requestBody, as the standard writes it."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", kind[0].upper() + kind[1:])
