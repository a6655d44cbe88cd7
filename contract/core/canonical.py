"""One document whatever the order it is written in, and what of it each operation and component depends on.

Objects have no order (RFC 8259, 4), and some lists have none either: `required`, a list of types, parameters, the
document's tags. `enum`, `allOf`, `oneOf`, `servers`, `security` and whatever is data of the API keep theirs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import sha256
from typing import Any
from urllib.parse import unquote

import orjson

from contract.core.dialect import LIST, ONE, POSITIONS, Tokens, to_2020_12
from contract.core.document import Document, escape, pointer, resolve, split, unescape

_METHODS = tuple(name for name, (shape, kind) in POSITIONS["pathItem"].items() if shape == ONE and kind == "operation")


def canonical(value: Any) -> Any:
    """The value of a document in its one order; the same for every way of writing it down.

    A list that some `$ref` leads through by an index keeps its order, as the reference would mean something else.
    """
    return _Ordering.of(value).value


def digest(value: Any) -> str:
    """A hash of a value; of a canonical one it is the same for every way of writing the document."""
    return sha256(_bytes(value)).hexdigest()


def _bytes(value: Any) -> bytes:
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
    except TypeError:  # a number beyond 64 bits, or half of a surrogate pair
        return json.dumps(value, sort_keys=True, separators=(",", ":"), default=str).encode()


@dataclass(frozen=True)
class Canonical(Document):
    """A document whose value is canonical; positions are those of the file that the user wrote."""


def canonical_document(document: Document) -> Canonical:
    """The document in its one order; `locate` and `origin` still give the places in the user's files."""
    if isinstance(document, Canonical):
        return document
    ordered = _Ordering.of(document.value)

    def back(reference: str) -> str:
        return ordered.before(reference)

    return Canonical(
        path=document.path,
        version=document.version,
        value=ordered.value,
        sha256=digest(ordered.value),
        locate=lambda at: document.locate(back(at)),
        origin=lambda at: document.origin(back(at)),
        problems=document.problems,
        files=document.files,
    )


def as_3_1(document: Document) -> Document:
    """The document as OpenAPI 3.1, for a target that wants it: 2.0 was read as 3.0 already, 3.0 becomes 3.1.

    Every part stays at its pointer, so that places are told as before.
    """
    if document.family != "3.0":
        return document
    return replace(document, value={**to_2020_12(document.value, "3.0"), "openapi": "3.1.1"})


class _Ordering:
    """One walk over a document that puts everything in order and remembers which lists it moved."""

    def __init__(self, pinned: frozenset[Tokens]) -> None:
        self.value: Any = None
        self._pinned = pinned
        self._references: set[str] = set()
        self._moved: dict[Tokens, list[int]] = {}
        """By the place of a list, for each index the one that the entry had."""

    @classmethod
    def of(cls, value: Any) -> _Ordering:
        made = cls(frozenset())
        made.value = made._one(value, "document", ())
        pinned = frozenset(made._through())
        if pinned:
            made = cls(pinned)
            made.value = made._one(value, "document", ())
        return made

    def before(self, reference: str) -> str:
        """The pointer that the user's document has for a pointer of the ordered one."""
        if not self._moved:
            return reference
        tokens = split(reference)
        out: list[str] = []
        for index, token in enumerate(tokens):
            order = self._moved.get(tokens[:index])
            inside = order is not None and token.isdecimal() and int(token) < len(order)
            out.append(str(order[int(token)]) if order is not None and inside else token)
        return pointer(*out)

    def _through(self) -> Iterator[Tokens]:
        """Places of lists that were moved, or may be, and that a reference leads through."""
        lists = {at[-1] for at in self._moved}
        for reference in self._references:
            if not reference.startswith("#/") or not ("%" in reference or any(name in reference for name in lists)):
                continue
            for tokens in {split(reference), tuple(unescape(unquote(each)) for each in reference.split("/")[1:])}:
                for index, token in enumerate(tokens):
                    if token.isdecimal() and tokens[:index] in self._moved:
                        yield tokens[:index]

    def _one(self, node: Any, kind: str, at: Tokens) -> Any:
        if not isinstance(node, dict):
            return _data(node)
        if kind == "callback":
            return self._map(node, "pathItem", at)
        if kind == "schema":
            return self._schema(node)
        fields = POSITIONS[kind]
        reference = node.get("$ref")
        if isinstance(reference, str):
            self._references.add(reference)
        out: dict[str, Any] = {}
        for name in sorted(node, key=str):
            child = node[name]
            position = fields.get(name)
            if position is None:
                out[name] = self._leaf(child, kind, name, at)
                continue
            shape, inner = position
            if shape == ONE:
                out[name] = self._one(child, inner, (*at, name))
            elif shape == LIST:
                out[name] = self._list(child, inner, (*at, name))
            else:
                out[name] = self._map(child, inner, (*at, name))
        return out

    def _schema(self, node: Mapping[str, Any]) -> dict[str, Any]:
        """Schemas are most of a document; of no list in them, one counts the places: so none is remembered as moved."""
        reference = node.get("$ref")
        if isinstance(reference, str):
            self._references.add(reference)
        out: dict[str, Any] = {}
        for name in sorted(node, key=str):
            child = node[name]
            if not isinstance(child, (dict, list)):
                out[name] = child
                continue
            position = _IN_SCHEMA.get(name)
            if position is None:
                out[name] = _in_schema(child, name)
            elif position[0] == ONE:
                out[name] = self._one(child, position[1], ())
            elif position[0] == LIST:
                out[name] = self._list(child, position[1], ())
            elif isinstance(child, dict) and position[1] == "schema":
                out[name] = {
                    key: self._schema(each) if isinstance(each := child[key], dict) else _data(each)
                    for key in sorted(child, key=str)
                }
            else:
                out[name] = self._map(child, position[1], ())
        return out

    def _map(self, node: Any, kind: str, at: Tokens) -> Any:
        if not isinstance(node, dict):
            return _data(node)
        schemas = kind == "schema"
        return {name: self._one(node[name], kind, at if schemas else (*at, name)) for name in sorted(node, key=str)}

    def _list(self, node: Any, kind: str, at: Tokens) -> Any:
        if not isinstance(node, list):
            return _data(node)
        made = [self._one(entry, kind, (*at, str(index))) for index, entry in enumerate(node)]
        return self._sorted(made, at, _parameter) if kind == "parameter" else made

    def _leaf(self, child: Any, kind: str, name: str, at: Tokens) -> Any:
        if kind == "document" and name == "tags" and isinstance(child, list):
            return self._sorted([_data(entry) for entry in child], (*at, name), _tag)
        return _data(child)

    def _sorted(self, made: list[Any], at: Tokens, key: Any) -> list[Any]:
        order = sorted(range(len(made)), key=lambda index: key(made[index]))
        if at in self._pinned:
            return made
        self._moved[at] = order
        return [made[index] for index in order]


_IN_SCHEMA = POSITIONS["schema"]


def _in_schema(child: Any, name: str) -> Any:
    """What stands in a field of a schema that holds no further one."""
    if name in ("required", "type") and _texts(child):
        return sorted(child)
    if name == "dependentRequired" and isinstance(child, dict):
        return {key: sorted(child[key]) if _texts(child[key]) else _data(child[key]) for key in sorted(child)}
    return _data(child)


def _data(node: Any) -> Any:
    if isinstance(node, dict):
        return {
            name: _data(each) if isinstance(each := node[name], (dict, list)) else each
            for name in sorted(node, key=str)
        }
    if isinstance(node, list):
        return [_data(entry) if isinstance(entry, (dict, list)) else entry for entry in node]
    return node


def _texts(node: Any) -> bool:
    return isinstance(node, list) and all(isinstance(entry, str) for entry in node)


def _parameter(node: Any) -> tuple[str, str, bytes]:
    if isinstance(node, dict) and "$ref" not in node:
        return str(node.get("in", "")), str(node.get("name", "")), _bytes(node)
    return "", "", _bytes(node)


def _tag(node: Any) -> tuple[str, bytes]:
    return str(node.get("name", "")) if isinstance(node, dict) else "", _bytes(node)


# --- what depends on what --------------------------------------------------------------------------------------------

_EVERYTHING = "#"
_INHERITED = ("security", "servers")
"""What an operation takes from the document or its Path Item where it does not say it itself."""


@dataclass(slots=True)
class _Node:
    text: bytes
    edges: list[str]


def closures(document: Document) -> dict[str, str]:
    """By pointer of a component and by key of an operation (`GET /tasks/{id}`) a hash of all that it depends on.

    It stays when something else of the document changes, and when the document is written in another order. Components
    that refer to one another in a circle are one piece (Tarjan, 1972).
    """
    root = canonical_document(document).value
    nodes = dict(_nodes(root))
    wanted = list(nodes)
    todo = list(wanted)
    while todo:
        for reference in nodes[todo.pop()].edges:
            if reference not in nodes:
                nodes[reference] = _referred(root, reference)
                todo.append(reference)
    hashes: dict[str, bytes] = {}
    for members in circles({name: node.edges for name, node in nodes.items()}):
        whole = sha256()
        inside = set(members)
        for name in sorted(members):
            whole.update(sha256(name.encode("utf-8", "surrogatepass") + b"\0" + nodes[name].text).digest())
        for edge in sorted({edge for name in members for edge in nodes[name].edges} - inside):
            whole.update(hashes[edge])
        for name in members:
            own = sha256(whole.digest() + name.encode("utf-8", "surrogatepass"))
            hashes[name] = own.digest()
    return {name: hashes[name].hex()[:32] for name in wanted}


def _nodes(root: Mapping[str, Any]) -> Iterator[tuple[str, _Node]]:
    components = root.get("components")
    for section, held in components.items() if isinstance(components, Mapping) else ():
        if section.startswith("x-"):
            continue
        for name, node in held.items() if isinstance(held, Mapping) else ():
            yield f"#/components/{escape(section)}/{escape(str(name))}", _node(node)
    paths = root.get("paths")
    everywhere = {name: root[name] for name in _INHERITED if name in root}
    for path, item in paths.items() if isinstance(paths, Mapping) else ():
        here, shared = item, dict(everywhere)
        if isinstance(item, Mapping) and isinstance(item.get("$ref"), str):
            shared["$ref"] = item["$ref"]
            try:
                here = {**resolve(root, item["$ref"]), **{key: item[key] for key in item if key != "$ref"}}
            except (KeyError, TypeError):
                here = item  # it leads nowhere, which the lint reports
        if not isinstance(here, Mapping):
            continue
        shared |= {name: here[name] for name in ("parameters", "servers") if name in here}
        more = here.get("additionalOperations")
        named = [(name.upper(), here[name]) for name in _METHODS if name in here]
        named += list(more.items()) if isinstance(more, Mapping) else []
        for method, operation in named:
            if isinstance(operation, Mapping):
                around = {
                    name: child for name, child in shared.items() if name not in _INHERITED or name not in operation
                }
                yield f"{method} {path}", _node({"here": operation, "around": around})


def _referred(root: Mapping[str, Any], reference: str) -> _Node:
    """What a reference leads to that is neither a component nor an operation; the whole document where nobody can say."""
    if reference == _EVERYTHING:
        return _Node(digest(root).encode(), [])
    try:
        return _node(resolve(root, reference))
    except KeyError:
        return _Node(b"", [])


def _node(value: Any) -> _Node:
    text = _bytes(value)
    edges = _edges_in(text)
    if edges is None:
        edges = set()
        _edges(value, edges)
    return _Node(text, sorted(edges))


_REF = b'"$ref":"'
_MORE = re.compile(rb'"(?:mapping":\{|security":\[|\$(?:dynamicRef|recursiveRef|id|anchor)":")')


def _edges_in(text: bytes) -> set[str] | None:
    """What a value refers to, read off its text, which is quick; None where only a walk can say.

    In JSON a quote within a text is escaped, so that `"$ref":"` stands there only where a member of that name is a text.
    """
    if _MORE.search(text) is not None:
        return None
    parts = text.split(_REF)
    found = {part[: part.index(b'"')] for part in parts[1:]}
    return None if any(b"\\" in each for each in found) else {_target(each.decode()) for each in found}


def _edges(node: Any, edges: set[str]) -> None:
    """Adds whatever the node refers to, as the nodes of the graph are called."""
    if isinstance(node, list):
        for entry in node:
            _edges(entry, edges)
        return
    if not isinstance(node, dict):
        return
    for name, child in node.items():
        if name == "$ref" and isinstance(child, str):
            edges.add(_target(child))
        elif name in ("$dynamicRef", "$recursiveRef", "$id", "$anchor") and isinstance(child, str):
            edges.add(_EVERYTHING)  # what it means depends on where it is read from
        elif name == "mapping" and isinstance(child, dict):
            edges.update(_target(each) for each in child.values() if isinstance(each, str))
        elif name == "security" and isinstance(child, list):
            for each in child:
                if isinstance(each, dict):
                    edges.update(f"#/components/securitySchemes/{escape(str(scheme))}" for scheme in each)
        elif isinstance(child, (dict, list)):
            # A property may be called `default`; what is data after all costs an edge too many, and never one too few.
            _edges(child, edges)


@lru_cache(maxsize=16384)
def _target(reference: str) -> str:
    if not reference.startswith("#"):
        return f"#/components/schemas/{escape(reference)}" if "/" not in reference else _EVERYTHING
    tokens = split(reference)
    if tokens[:1] == ("components",) and len(tokens) >= 3:
        return pointer(*tokens[:3])
    return reference if len(tokens) > 0 else _EVERYTHING


def circles(graph: Mapping[str, Sequence[str]]) -> Iterator[list[str]]:
    """The strongly connected components, each after those that it leads to (Tarjan, 1972), without recursion."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    held: set[str] = set()
    for start in graph:
        if start in index:
            continue
        work = [(start, iter(graph[start]))]
        index[start] = low[start] = len(index)
        stack.append(start)
        held.add(start)
        while work:
            name, edges = work[-1]
            for edge in edges:
                if edge not in index:
                    index[edge] = low[edge] = len(index)
                    stack.append(edge)
                    held.add(edge)
                    work.append((edge, iter(graph[edge])))
                    break
                if edge in held:
                    low[name] = min(low[name], index[edge])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[name])
                if low[name] == index[name]:
                    found = []
                    while True:
                        each = stack.pop()
                        held.discard(each)
                        found.append(each)
                        if each == name:
                            break
                    yield found
