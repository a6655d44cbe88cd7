"""Routes of a document that a framework exports: `--routes openapi:exported.json` reads its operations (JSON or YAML).

Such a document also says more than routes: `differences` compares it with the declared one, operation by operation.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from contract.core.document import Document, escape
from contract.core.errors import DocumentError, MissingExtra, SourceError
from contract.core.evidence import Difference, Route
from contract.core.openapi import Contract, Operation, follow
from contract.core.routing import join

HINT = "the document that the framework exports, such as `/openapi.json` of FastAPI, saved to a file"


def load(where: str) -> Document:
    """The exported document; raises SourceError where it cannot be read."""
    from contract.sources.documents.file import load as read

    try:
        return read(where)
    except DocumentError as error:
        raise SourceError(error.message, error.hint or HINT) from error


def routes(where: str) -> list[Route]:
    """One route per operation and base path of its servers, with the line of the operation; raises SourceError."""
    found = routes_of(load(where))
    if not found:
        raise SourceError(f"{where}: has no operation", HINT)
    return found


def routes_of(document: Document) -> list[Route]:
    """The operations of a document as routes. Nothing is implied: an exporter lists what it means."""
    found = []
    for operation in Contract(document).operations:
        place = document.locate(operation.pointer)
        for base in operation.base_paths:
            path = base + operation.path
            found.append(
                Route(
                    operation.method, path, path, "openapi", frozenset(), place.file, place.line, operation.operation_id
                )
            )
    return found


def differences(declared: Document, exported: Document) -> Iterator[Difference]:
    """Where the two describe the operations that both have differently, in the declared document's order.

    References are followed, so that names of components do not matter; prose (descriptions, titles, examples, tags,
    operationId, extensions) is passed over, and spellings of one meaning (`nullable: true` and `type: [string, "null"]`)
    are made equal. Only subtrees whose hashes differ are compared at all.
    """
    try:
        import deepdiff  # noqa: F401
    except ImportError as error:
        raise MissingExtra("comparing an exported document", "fuzz", "deepdiff") from error
    ours, theirs = Contract(declared), Contract(exported)
    rows = [
        (operation.method, base + operation.path, operation.key)
        for operation in ours.operations
        for base in operation.base_paths
    ]
    found = join(rows, routes_of(exported))
    by_place = {
        (operation.method, base + operation.path): operation
        for operation in theirs.operations
        for base in operation.base_paths
    }
    left, right = _Side(ours), _Side(theirs)
    _settle(left, right)
    for key, matched in found.matched.items():
        one, other = ours.by_key[key], by_place[matched[0].method, matched[0].path]
        yield from _Comparison(left, right, exported).run(one, other)


# Hashes --------------------------------------------------------------------------------------------------------------

_PROSE = frozenset(
    {"description", "summary", "title", "example", "examples", "externalDocs", "operationId", "tags", "$comment"}
)
_NAMED = frozenset(
    {
        "properties",
        "patternProperties",
        "$defs",
        "definitions",
        "dependentSchemas",
        "responses",
        "headers",
        "content",
        "encoding",
        "callbacks",
        "links",
        "flows",
        "schemas",
    }
)
"""Keys whose value maps names to objects: a property that is called `description` is no prose."""
_VALUES = frozenset({"enum", "const", "default", "required", "mapping", "scopes", "security", "dependentRequired"})
_DEFAULTS: dict[str, Any] = {
    "deprecated": False,
    "nullable": False,
    "readOnly": False,
    "writeOnly": False,
    "uniqueItems": False,
    "allowEmptyValue": False,
    "allowReserved": False,
    "exclusiveMinimum": False,
    "exclusiveMaximum": False,
    "additionalProperties": True,
}


def _plain(node: Any, named: bool = False) -> Any:
    """A node as it is compared, one level deep: prose left out, one spelling per meaning; references are kept."""
    if not isinstance(node, Mapping):
        return node
    if named:
        return {str(key): value for key, value in node.items() if not str(key).startswith("x-")}
    result: dict[str, Any] = {}
    for key, value in node.items():
        if key in _PROSE or key.startswith("x-") or (key in _DEFAULTS and value == _DEFAULTS[key]):
            continue
        if key == "required" and (value is False or value == []):
            continue
        if key == "additionalProperties" and value == {}:
            continue
        result[key] = value
    if isinstance(result.get("in"), str) and "name" in result:
        if result["in"] == "path":
            result |= {"required": True, "name": ""}  # parameters of a path are known by their place
        style = "form" if result["in"] in ("query", "cookie") else "simple"
        if result.get("explode") is (result.get("style", style) == "form"):
            del result["explode"]
        if result.get("style") == style:
            del result["style"]
    if isinstance(result.get("mapping"), Mapping):
        result["mapping"] = sorted(map(str, result["mapping"]))  # its values are names of components
    kind = result.get("type")
    kinds = list(kind) if isinstance(kind, list) else [kind] if isinstance(kind, str) else []
    if result.pop("nullable", False) is True and kinds:
        kinds.append("null")
    for keyword in ("anyOf", "oneOf"):
        choices = result.get(keyword)
        # FastAPI writes `anyOf: [{type: string}, {type: "null"}]`.
        if isinstance(choices, list) and len(choices) == 2 and {"type": "null"} in choices and not kinds:
            other = next(choice for choice in choices if choice != {"type": "null"})
            inner = _plain(other)
            if isinstance(inner, Mapping) and isinstance(inner.get("type"), str) and "$ref" not in inner:
                del result[keyword]
                result = {**inner, **result}
                kinds = [inner["type"], "null"]
    if kinds:
        result["type"] = kinds[0] if len(kinds) == 1 else sorted(set(kinds))
    for exclusive, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if result.get(exclusive) is True and bound in result:
            result[exclusive] = result.pop(bound)
    return result


_Inner = list[tuple[str, "_Node"]]
_Node = bytes | str | _Inner
"""A digest, where nothing below refers to anything; a reference; or the members of what holds references."""


@dataclass
class _Side:
    """One document, and a digest for each place that a reference leads to."""

    contract: Contract
    digests: dict[str, bytes] = field(default_factory=dict)
    nodes: dict[str, _Node] = field(default_factory=dict)
    waiting: list[str] = field(default_factory=list)

    @property
    def root(self) -> Mapping[str, Any]:
        return self.contract.root

    def node(self, value: Any, named: bool = False, raw: bool = False) -> _Node:
        """A value, read once: what does not depend on references is a digest already. Members of lists have no order."""
        members: _Inner
        if isinstance(value, Mapping):
            if not raw and isinstance(value.get("$ref"), str):
                self.waiting.append(value["$ref"])
                return str(value["$ref"])
            plain = value if raw else _plain(value, named)
            members = [
                (
                    str(key),
                    self.node(inner, not named and not raw and key in _NAMED, raw or (not named and key in _VALUES)),
                )
                for key, inner in plain.items()
            ]
        elif isinstance(value, (list, tuple)):
            members = [("", self.node(inner, False, raw)) for inner in value]
        else:
            return _digest(_text(value).encode("utf-8", "surrogatepass"))
        return members if any(not isinstance(inner, bytes) for _, inner in members) else self.of(members)

    def of(self, node: _Node) -> bytes:
        """The digest of a node, as far as the references have been refined."""
        if isinstance(node, bytes):
            return node
        if isinstance(node, str):
            return self.digests[node]
        return _digest(
            b"\0".join(sorted(key.encode("utf-8", "surrogatepass") + b"\1" + self.of(inner) for key, inner in node))
        )

    def collect(self) -> None:
        """Nodes of everything that is referred to, starting at the paths."""
        self.node(self.root.get("paths", {}), True)
        self.waiting += [found.pointer for operation in self.contract.operations for found in operation.parameters]
        while self.waiting:
            reference = self.waiting.pop()
            if reference not in self.nodes:
                self.nodes[reference] = self.node(follow(self.root, reference)[1])
        self.digests = dict.fromkeys(self.nodes, b"")

    def refine(self) -> dict[str, bytes]:
        return {reference: self.of(node) for reference, node in self.nodes.items()}

    def digest(self, value: Any, named: bool = False) -> bytes:
        """Equal for equal meanings, references followed however deep."""
        return self.of(self.node(value, named))


def _digest(text: bytes) -> bytes:
    return blake2b(text, digest_size=16).digest()


def _settle(left: _Side, right: _Side) -> None:
    """Digests of both sides, refined together until no two places are told apart any more.

    References go in circles, so that a digest cannot simply be made of those below it. Refining the partition of all
    places by what they refer to ends after at most as many rounds as there are places, in practice after the longest chain
    (Kanellakis and Smolka, 1990); both sides must make the same number of rounds to be comparable.
    """
    left.collect()
    right.collect()
    classes = 0
    while True:
        left.digests, right.digests = left.refine(), right.refine()
        count = len({*left.digests.values(), *right.digests.values()})
        if count == classes:
            return
        classes = count


# Comparison ----------------------------------------------------------------------------------------------------------


@dataclass
class _Comparison:
    """Two operations: what is equal is dropped from both, and deepdiff sees only the rest."""

    left: _Side
    right: _Side
    exported: Document
    places: dict[tuple[str, ...], tuple[str, str]] = field(default_factory=dict)
    """Pointers in both documents, by path inside the operation."""
    seen: set[tuple[str, str]] = field(default_factory=set)

    def run(self, one: Operation, other: Operation) -> Iterator[Difference]:
        from deepdiff import DeepDiff

        ours, theirs = _operation(self.left.root, one), _operation(self.right.root, other)
        first, second = self._rest(ours, theirs, (), one.pointer, other.pointer)
        if _same(first, second):
            return
        told: set[tuple[str, ...]] = set()
        rows = []
        for changes in DeepDiff(
            first, second, view="tree", ignore_order=True, verbose_level=2, threshold_to_diff_deeper=0
        ).values():
            for change in changes:
                path = tuple(str(part) for part in change.path(output_format="list"))
                rows.append((path, change.t1, change.t2))
        for path, before, after in sorted(rows, key=lambda row: row[0]):
            # An index says nothing where order does not matter: the list is the place.
            place = path
            while place and place not in self.places:
                place = place[:-1]
            if place in told:
                continue
            told.add(place)
            a, b = self._value(ours, theirs, place) if place != path else (before, after)
            where, there = self.places.get(place, (one.pointer, other.pointer))
            location = self.exported.locate(there)
            yield Difference(
                operation=one.key,
                pointer="".join("/" + escape(part) for part in place),
                declared=_shown(a),
                observed=_shown(b),
                component=where,
                exported=str(location),
            )

    def _value(self, ours: Any, theirs: Any, place: tuple[str, ...]) -> tuple[Any, Any]:
        where, there = self.places[place]
        return _at(self.left.root, where, ours, place), _at(self.right.root, there, theirs, place)

    def _rest(
        self,
        one: Any,
        other: Any,
        path: tuple[str, ...],
        where: str,
        there: str,
        named: bool = False,
        raw: bool = False,
    ) -> tuple[Any, Any]:
        """Both values without what they have in common."""
        followed = False
        if not raw:
            one, where, moved = _followed(self.left.root, one, where)
            other, there, went = _followed(self.right.root, other, there)
            followed = moved or went
        self.places[path] = (where, there)
        if followed:
            # A circle leads back to a pair that is being compared already.
            if (where, there) in self.seen:
                return None, None
            self.seen.add((where, there))
        if isinstance(one, Mapping) and isinstance(other, Mapping):
            first = one if raw else _plain(one, named)
            second = other if raw else _plain(other, named)
            rest_one: dict[str, Any] = {}
            rest_other: dict[str, Any] = {}
            for key in [*first, *(key for key in second if key not in first)]:
                inner = (*path, str(key))
                inner_where, inner_there = f"{where}/{escape(str(key))}", f"{there}/{escape(str(key))}"
                if key not in first or key not in second:
                    mine, theirs = first.get(key), second.get(key)
                    if path == ("parameters",):
                        mine, inner_where, _ = _followed(self.left.root, mine, inner_where)
                        theirs, inner_there, _ = _followed(self.right.root, theirs, inner_there)
                    self.places[inner] = (inner_where, inner_there)
                    if key in first:
                        rest_one[str(key)] = _brief(mine)
                    else:
                        rest_other[str(key)] = _brief(theirs)
                    continue
                inner_raw = raw or (not named and key in _VALUES)
                inner_named = not raw and not named and key in _NAMED
                if inner_raw:
                    equal = _same(first[key], second[key])
                else:
                    equal = self.left.digest(first[key], inner_named) == self.right.digest(second[key], inner_named)
                if equal:
                    continue
                a, b = self._rest(first[key], second[key], inner, inner_where, inner_there, inner_named, inner_raw)
                if not _same(a, b):
                    rest_one[str(key)], rest_other[str(key)] = a, b
            return rest_one, rest_other
        if isinstance(one, list) and isinstance(other, list) and not raw:
            return self._lists(one, other, path, where, there)
        return one, other

    def _lists(
        self, one: list[Any], other: list[Any], path: tuple[str, ...], where: str, there: str
    ) -> tuple[Any, Any]:
        """Members that the other side has not, in whatever order; as many on both sides are compared one by one."""
        ours = {self.left.digest(item): at for at, item in enumerate(one)}
        theirs = {self.right.digest(item): at for at, item in enumerate(other)}
        first = [at for digest, at in ours.items() if digest not in theirs]
        second = [at for digest, at in theirs.items() if digest not in ours]
        if len(first) != len(second):
            return [_brief(one[at]) for at in first], [_brief(other[at]) for at in second]
        rest_one: dict[str, Any] = {}
        rest_other: dict[str, Any] = {}
        for mine, its in zip(first, second, strict=True):
            a, b = self._rest(one[mine], other[its], (*path, str(mine)), f"{where}/{mine}", f"{there}/{its}")
            if not _same(a, b):
                rest_one[str(mine)], rest_other[str(mine)] = a, b
        return rest_one, rest_other


def _same(one: Any, other: Any) -> bool:
    """Equal as JSON, where `1` is not `true`; the order of a list does not matter."""
    if isinstance(one, list) and isinstance(other, list):
        return sorted(map(_text, one)) == sorted(map(_text, other))
    return _text(one) == _text(other)


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)


def _operation(root: Mapping[str, Any], operation: Operation) -> dict[str, Any]:
    """What an operation says, its path item's parameters and the document's security included, as maps by name."""
    places = re.findall(r"\{([^{}]*)\}", operation.path)
    parameters = {
        # The pointer instead of the object: `_followed` reads it, and findings point there.
        f"path:{places.index(found.name)}" if found.location == "path" and found.name in places else found.label: {
            "$ref": found.pointer
        }
        for found in operation.parameters
    }
    result: dict[str, Any] = {
        "parameters": parameters,
        "responses": {str(key): value for key, value in (operation.raw.get("responses") or {}).items()},
    }
    for key in ("requestBody", "deprecated", "callbacks"):
        if key in operation.raw and not (key == "deprecated" and operation.raw[key] is False):
            result[key] = operation.raw[key]
    security = [
        {
            _scheme(root, name): sorted(map(str, scopes)) if isinstance(scopes, list) else []
            for name, scopes in entry.items()
        }
        for entry in operation.security or ()
    ]
    if security and security != [{}]:
        result["security"] = sorted(" and ".join(sorted(map(_requirement, entry.items()))) for entry in security)
    return result


def _requirement(entry: tuple[str, list[str]]) -> str:
    scheme, scopes = entry
    return f"{scheme} ({', '.join(scopes)})" if scopes else scheme


def _scheme(root: Mapping[str, Any], name: str) -> str:
    """What a security scheme asks for; its name is the document's own affair."""
    node = follow(root, f"#/components/securitySchemes/{escape(name)}")[1]
    if not isinstance(node, Mapping):
        return name
    words = [str(node.get(key)) for key in ("type", "scheme", "in", "name") if node.get(key)]
    return " ".join(words).lower()


def _followed(root: Mapping[str, Any], node: Any, where: str) -> tuple[Any, str, bool]:
    if isinstance(node, Mapping) and isinstance(node.get("$ref"), str):
        pointer, value = follow(root, node["$ref"])
        return value, pointer, True
    return node, where, False


def _at(root: Mapping[str, Any], where: str, whole: Any, place: tuple[str, ...]) -> Any:
    """The value as the document has it; for what `_operation` made, the value from there."""
    node = whole
    for part in place:
        if isinstance(node, Mapping) and isinstance(node.get("$ref"), str):
            return follow(root, where)[1]
        if not isinstance(node, Mapping) or part not in node:
            return follow(root, where)[1]
        node = node[part]
    return node


def _brief(value: Any) -> Any:
    """A value for display: prose off its top, so that what is shown is what was compared."""
    return _plain(value) if isinstance(value, Mapping) else value


def _shown(value: Any) -> str | None:
    """As JSON, at most 200 characters; None for what deepdiff calls not present."""
    if type(value).__name__ == "NotPresent":
        return None
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 200 else text[:199] + "…"
