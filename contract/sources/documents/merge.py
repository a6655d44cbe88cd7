"""Several declared documents as one: what each says is kept, where two say different things by one name both stand."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from contract.core.dialect import DATA, LIST, MAP, ONE, POSITIONS, Tokens, to_2020_12
from contract.core.document import Document, Location, Problem, escape, pointer, split
from contract.core.errors import DocumentError
from contract.core.finding import fold
from contract.core.openapi import METHODS, Contract, Operation, follow

ELSEWHERE = "x-documents"
"""`#/x-documents/<path>/…` points to what stands in a further document and nowhere in the merged value: its `info`."""

_NO_SERVERS = [{"url": "/"}]
"""What a document without `servers` means (OpenAPI 3.1, 4.8.1)."""

_SECTIONS = {name: kind for name, (_, kind) in POSITIONS["components"].items()}
_HOOKS = ("webhooks", "x-webhooks")

_Key = tuple[str, str]
"""A component: its section and its name."""


def merge(documents: Sequence[Document]) -> Document:
    """One document with the operations of all; each pointer of it leads back to the file that the user wrote.

    The first one's root stands. Root-level `servers` and `security` of the others are written to their path items and
    operations where they differ. A component that a document before it has by the same name and with other content
    gets the name of its file (`Task_billing`); so does an operationId. Where documents have different versions, their
    Schema Objects are brought to JSON Schema 2020-12 and the newest version is declared. Raises DocumentError where
    two documents declare the same operation. One document comes back as it is.
    """
    if len(documents) == 1:
        return documents[0]
    _refuse_same_operations(documents)
    newest = max(documents, key=lambda document: tuple(int(part) for part in document.family.split(".")))
    mixed = any(document.family != newest.family for document in documents)
    names = _suffixes(documents)
    parts = [
        _Part(document, to_2020_12(document.value, document.family) if mixed else document.value, name)
        for document, name in zip(documents, names, strict=True)
    ]
    return _Merger(parts, newest.value["openapi"]).document()


# --- the same operation twice


def _refuse_same_operations(documents: Sequence[Document]) -> None:
    seen: dict[str, tuple[Document, Operation, str]] = {}
    found: list[tuple[str, str]] = []
    for document in documents:
        told: set[str] = set()
        mine: dict[str, tuple[Document, Operation, str]] = {}
        for operation in Contract(document).operations:
            for base in operation.base_paths:
                name = f"{operation.method} {base}{operation.path}"
                other = seen.get(fold(name))
                if other is None:
                    mine.setdefault(fold(name), (document, operation, name))
                elif operation.key not in told:
                    told.add(operation.key)
                    found.append(_twice(document, operation, name, other))
        seen.update(mine)
    if found:
        place, sentence = found[0]
        more = f", and {len(found) - 1} more operation{'s' * (len(found) > 2)} likewise" if len(found) > 1 else ""
        raise DocumentError(
            f"{place}: {sentence}{more}",
            "take it out of one of them; if they describe two services, check each with a `--target` of its own",
        )


def _twice(
    document: Document, operation: Operation, name: str, other: tuple[Document, Operation, str]
) -> tuple[str, str]:
    first, same, spelled = other
    here, there = document.locate(operation.pointer), first.locate(same.pointer)
    what = "this operation" if spelled == name else f"the same operation, `{spelled}`,"
    return f"{here.file}:{here.line}:{here.column}", f"`{name}`: {what} is declared in {there} too"


def _suffixes(documents: Sequence[Document]) -> list[str]:
    """For each document a word that tells it from the others: its file's name, with the folder's where that is taken."""
    paths = [Path(document.path) for document in documents]
    stems = [path.name.partition(".")[0] for path in paths]
    words = [
        stem if stems.count(stem) == 1 else f"{path.absolute().parent.name}_{stem}"
        for stem, path in zip(stems, paths, strict=True)
    ]
    return [re.sub(r"[^A-Za-z0-9._-]+", "_", word).strip("_") or "document" for word in words]


# --- one document of several


class _Part:
    """A document with its way into the merged value: which of its pointers stand elsewhere there, and under what name."""

    def __init__(self, document: Document, value: Mapping[str, Any], suffix: str) -> None:
        self.document = document
        self.value = value
        self.suffix = suffix
        self.forward: dict[Tokens, Tokens] = {}
        self.operation_ids: dict[str, str] = {}
        self.security: list[Any] | None = None
        """What is written to operations that say nothing of it; None for nothing."""
        self.used: set[_Key] = set()
        """The components that were met since it was last emptied."""
        self._known: dict[str, tuple[Tokens, str]] = {}
        self._children: dict[str, list[str]] | None = None

    def moved(self, tokens: Tokens) -> Tokens:
        """Where a place of the document stands in the merged value; the longest known beginning decides."""
        for length in range(len(tokens), 0, -1):
            if (there := self.forward.get(tokens[:length])) is not None:
                return there + tokens[length:]
        return tokens

    def components(self, section: str) -> Mapping[str, Any]:
        return _map(_map(self.value.get("components")).get(section))

    @property
    def servers(self) -> list[Any]:
        return _servers(self.value)

    # --- rewriting

    def rewritten(self, node: Any, shape: str, kind: str, name: str | None = None) -> Any:
        """The node as it stands in the merged value; the node itself if nothing changes. `name` is a component's."""
        if shape is LIST:
            return _entries(node, lambda child: self.rewritten(child, ONE, kind)) if isinstance(node, list) else node
        if not isinstance(node, dict):
            return node
        if shape is MAP or kind == "callback":
            if shape is ONE and isinstance(node.get("$ref"), str):
                return {**node, "$ref": self.reference(node["$ref"])}
            inner = "pathItem" if shape is ONE else kind
            return _fields(node, lambda _, child: self.rewritten(child, ONE, inner))
        positions = POSITIONS.get(kind, {})

        def field(key: str, child: Any) -> Any:
            if key == "$ref" and isinstance(child, str):
                return self.reference(child)
            if key in positions:
                return self.rewritten(child, *positions[key])
            if kind == "schema" and key == "discriminator" and isinstance(child, dict):
                return self.discriminator(node, child, name)
            if kind == "operation" and key == "security":
                return self.requirements(child)
            if kind in ("operation", "link") and key == "operationId" and isinstance(child, str):
                return self.operation_ids.get(child, child)
            if kind == "link" and key == "operationRef" and isinstance(child, str):
                return self.reference(child)
            return child if key in DATA else self.plain(child)

        fresh = _fields(node, field)
        if kind == "operation" and self.security is not None and "security" not in node:
            fresh = {**fresh, "security": self.security}
        return fresh

    def plain(self, node: Any) -> Any:
        """A part in which the standard has no references, and in which authors write them all the same."""
        if isinstance(node, list):
            return _entries(node, self.plain)
        if not isinstance(node, dict):
            return node
        return _fields(
            node,
            lambda key, child: (
                self.reference(child)
                if key == "$ref" and isinstance(child, str)
                else child
                if key in DATA
                else self.plain(child)
            ),
        )

    def reference(self, reference: str) -> str:
        """The same reference in the merged value."""
        if not reference.startswith("#/"):
            return reference
        if reference not in self._known:
            tokens = _walked(self.value, split(reference))
            self._known[reference] = tokens, reference
        tokens, spelled = self._known[reference]
        if tokens[0] == "components" and len(tokens) > 2:
            self.used.add((tokens[1], tokens[2]))
        there = self.moved(tokens)
        return spelled if there == tokens else pointer(*there)

    def requirements(self, node: Any) -> Any:
        """Security requirements with the schemes under their names in the merged value (OpenAPI 3.1, 4.8.30)."""
        if not isinstance(node, list):
            return node

        def renamed(requirement: Any) -> Any:
            if not isinstance(requirement, dict) or not any(self.scheme(name) != name for name in requirement):
                return requirement
            return {self.scheme(name): scopes for name, scopes in requirement.items()}

        return _entries(node, renamed)

    def scheme(self, name: str) -> str:
        return self.moved(("components", "securitySchemes", name))[2]

    def discriminator(self, schema: Mapping[str, Any], node: dict[str, Any], name: str | None) -> dict[str, Any]:
        """The discriminator with its schemas under their new names; those that it names by being called so are spelt out."""
        mapping = _map(node.get("mapping"))
        fresh = {value: self.mapped(target) for value, target in mapping.items()}
        for implied in self.implied(schema, name):
            self.used.add(("schemas", implied))
            there = self.moved(("components", "schemas", implied))
            told = {target for target in mapping.values() if isinstance(target, str)}
            if there[2] != implied and implied not in mapping and not {implied, _schema(implied)} & told:
                fresh[implied] = pointer(*there)
        changed = dict(node)
        if fresh != mapping:
            changed["mapping"] = fresh
        if isinstance(default := node.get("defaultMapping"), str):
            changed["defaultMapping"] = self.mapped(default)
        return node if changed == node else changed

    def mapped(self, target: Any) -> Any:
        """A value of a discriminator's mapping: a reference, or the bare name of a schema (OpenAPI 3.1, 4.8.25)."""
        if not isinstance(target, str):
            return target
        if target in self.components("schemas"):
            self.used.add(("schemas", target))
            return self.moved(("components", "schemas", target))[2]
        return self.reference(target)

    def implied(self, schema: Mapping[str, Any], name: str | None) -> Iterator[str]:
        """The schemas that a discriminator knows by their names: the alternatives, and those that extend this one."""
        for keyword in ("oneOf", "anyOf"):
            yield from _named(schema.get(keyword))
        if name is not None:
            if self._children is None:
                self._children = defaultdict(list)
                for child, content in self.components("schemas").items():
                    for base in _named(_map(content).get("allOf")):
                        self._children[base].append(child)
            yield from self._children.get(name, ())


class _Merger:
    def __init__(self, parts: Sequence[_Part], version: str) -> None:
        self.parts = parts
        self.first = parts[0]
        self.version = version
        self.origins: dict[Tokens, tuple[_Part, Tokens]] = {(): (self.first, ())}
        self.whole: list[tuple[_Part, str]] = []
        self.moves: list[tuple[_Part, str, Tokens, str, list[Any] | None]] = []
        """Operations that join a path item or get one: part, path, place in the item, new path, new servers."""
        self.flat: set[str] = set()
        """Path items of several documents: what they say for all of their operations is said by each."""
        self.hooks: list[tuple[_Part, str, str, str]] = []

    def document(self) -> Document:
        self.plan_paths()
        self.plan_hooks()
        self.plan_operation_ids()
        components = self.components()
        self.plan_security()
        value: dict[str, Any] = {**self.first.value, "openapi": self.version, "paths": self.paths()}
        if components:
            value["components"] = components
        for part, root, name, new in self.hooks:
            hooks = dict(_map(value.get(root)))
            hooks[new] = part.rewritten(_map(part.value.get(root))[name], ONE, "pathItem")
            value[root] = hooks
        self.add_tags(value)
        self.add_extensions(value)
        for part in self.parts[1:]:
            self.origins[(ELSEWHERE, part.document.path)] = part, ()
        return self.described(value)

    # --- planning: what stands where

    def plan_paths(self) -> None:
        methods: dict[str, set[Tokens]] = {}
        for part in self.parts:
            bases = {operation.pointer: operation.base_paths for operation in Contract(part.document).operations}
            for path, item in _map(part.value.get("paths")).items():
                at = [tokens for tokens, _ in _operations(item)]
                if path not in methods:
                    methods[path] = set(at)
                    self.whole.append((part, path))
                    continue
                for tokens in at:
                    if tokens not in methods[path]:
                        methods[path].add(tokens)
                        self.move(part, path, tokens, path, None)
                        continue
                    # The same key of `paths` under another base path, which here becomes a part of the key.
                    for base in bases.get(pointer("paths", path, *tokens), ("",)):
                        new = base + path
                        if tokens in methods.setdefault(new, set()):
                            place = part.document.locate(pointer("paths", path, *tokens))
                            raise DocumentError(
                                f"{place.file}:{place.line}:{place.column}: `{path}` and `{new}` are paths of several "
                                "documents under different base paths, and cannot stand in one",
                                "check the documents one by one",
                            )
                        methods[new].add(tokens)
                        self.move(part, path, tokens, new, _without_paths(part, path, tokens))
        for part, path in self.whole:
            self.origins["paths", path] = part, ("paths", path)
            if path in self.flat:
                for tokens, operation in _operations(part.value["paths"][path]):
                    self.say_parameters(part, path, tokens, operation, ("paths", path, *tokens))

    def move(self, part: _Part, path: str, tokens: Tokens, new: str, servers: list[Any] | None) -> None:
        self.moves.append((part, path, tokens, new, servers))
        self.flat.add(new)
        here, there = ("paths", path, *tokens), ("paths", new, *tokens)
        self.origins[there] = part, here
        part.forward.setdefault(here, there)
        self.say_parameters(part, path, tokens, _at(part.value, here), there)

    def say_parameters(self, part: _Part, path: str, tokens: Tokens, operation: Any, there: Tokens) -> None:
        """Notes where the parameters of the path item will stand, behind the operation's own."""
        own = len(_list(operation.get("parameters")))
        for index, number in enumerate(_inherited(part, path, operation)):
            here = ("paths", path, "parameters", str(number))
            new = (*there, "parameters", str(own + index))
            self.origins[new] = part, here
            part.forward.setdefault(here, new)

    def plan_hooks(self) -> None:
        for root in _HOOKS:
            taken: set[str] = set(_map(self.first.value.get(root)))
            for part in self.parts[1:]:
                for name in _map(part.value.get(root)):
                    new = _free(name, part.suffix, taken)
                    taken.add(new)
                    self.hooks.append((part, root, name, new))
                    self.origins[root, new] = part, (root, name)
                    if new != name:
                        part.forward[root, name] = root, new

    def plan_operation_ids(self) -> None:
        """Each document's operationIds are its own affair; where two have the same one, the later gets another."""
        taken: set[str] = set()
        for part in self.parts:
            items = _map(part.value.get("paths")).values()
            named = [_map(node).get("operationId") for item in items for _, node in _operations(item)]
            mine = dict.fromkeys(name for name in named if isinstance(name, str))
            for name in mine:
                new = _free(name, part.suffix, taken | (mine.keys() - {name}) if name in taken else taken)
                if new != name:
                    part.operation_ids[name] = new
            taken.update(part.operation_ids.get(name, name) for name in mine)

    def plan_security(self) -> None:
        """The first document's root stands for all, so the others say at each operation what differs from it."""
        stands = self.first.value.get("security")
        for part in self.parts[1:]:
            own = part.requirements(part.value.get("security"))
            if _canonical(own or []) == _canonical(stands or []):
                continue
            part.security = own or []
            said: Tokens = ("security",) if "security" in part.value else ()
            places = [
                (("paths", path, *tokens), operation)
                for owner, path in self.whole
                if owner is part
                for tokens, operation in _operations(part.value["paths"][path])
            ]
            places += [
                (("paths", new, *tokens), _at(part.value, ("paths", path, *tokens)))
                for owner, path, tokens, new, _ in self.moves
                if owner is part
            ]
            for there, operation in places:
                if "security" not in operation:
                    self.origins[(*there, "security")] = part, said

    # --- components

    def components(self) -> dict[str, Any]:
        """All sections with the components of all documents, equal ones once; names are given on the way."""
        merged: dict[str, Any] = {}
        for section, content in _map(self.first.value.get("components")).items():
            merged[section] = content
            if section in _SECTIONS and isinstance(content, dict):
                merged[section] = {
                    name: self.first.rewritten(node, ONE, _SECTIONS[section], name) for name, node in content.items()
                }
        held = _Held(merged)
        for part in self.parts[1:]:
            given = self.name_components(part, held)
            for (section, name), new in given.items():
                node = part.rewritten(part.components(section)[name], ONE, _SECTIONS[section], name)
                if not isinstance(merged.get(section), dict):
                    merged[section] = {}
                merged[section][new] = node
                held.aliases[section, name].append(new)
                self.origins["components", section, new] = part, ("components", section, name)
            for name, content in _map(part.value.get("components")).items():
                if name not in _SECTIONS and name not in merged:
                    merged[name] = part.plain(content)
                    self.origins["components", name] = part, ("components", name)
        return merged

    def name_components(self, part: _Part, held: _Held) -> dict[_Key, str]:
        """The components of this document that are not there yet, each with its name.

        Whatever has a name that is taken is first believed to be the same as what stands there. Where that is not so
        it gets another name, which changes whatever refers to it; so it is looked at again, until nothing changes.
        """
        keys = [(section, name) for section in _SECTIONS for name in part.components(section)]
        candidates = {key: held.names(key) for key in keys}
        given = {key: key[1] for key in keys if not candidates[key]}
        users: dict[_Key, set[_Key]] = defaultdict(set)
        unsure = [key for key in keys if candidates[key]]
        while unsure:
            refused = []
            for key in unsure:
                part.used.clear()
                section, name = key
                node = part.rewritten(part.components(section)[name], ONE, _SECTIONS[section], name)
                for other in part.used:
                    users[other].add(key)
                if _canonical(node) != held.text(section, candidates[key][0]):
                    refused.append(key)
            for key in refused:
                section, name = key
                candidates[key].pop(0)
                if candidates[key]:
                    new = candidates[key][0]
                else:
                    taken = {*held.merged.get(section, ()), *part.components(section), *_values(given, section)}
                    new = given[key] = _free(name, part.suffix, taken)
                here, there = ("components", section, name), ("components", section, new)
                part.forward.pop(here, None)
                if here != there:
                    part.forward[here] = there
            again = {user for key in refused for user in users[key]}.union(refused)
            unsure = [key for key in keys if key in again and candidates[key]]
        return {key: given[key] for key in keys if key in given}

    # --- the rest of the value

    def paths(self) -> dict[str, Any]:
        merged: dict[str, Any] = {}
        for part, path in self.whole:
            item = part.rewritten(part.value["paths"][path], ONE, "pathItem")
            if not isinstance(item, dict) or not path.startswith("/"):
                merged[path] = item
                continue
            if path in self.flat:
                item = self.flattened(part, path, item)
            if part is not self.first and not _list(item.get("servers")) and part.servers != self.first.servers:
                item = {**item, "servers": part.servers}
                self.origins["paths", path, "servers"] = part, ("servers",)
            merged[path] = item
        for part, path, tokens, new, servers in self.moves:
            here = ("paths", path, *tokens)
            operation = part.rewritten(_at(part.value, here), ONE, "operation")
            operation = self.with_parameters(part, path, tokens, operation)
            item = merged.setdefault(new, {})
            if servers is None and not _list(operation.get("servers")):
                said = part.value["paths"][path]
                owner = ("paths", path) if _list(said.get("servers")) else ()
                own = _servers(said) if owner else part.servers
                if own != (_servers(item) if _list(item.get("servers")) else self.first.servers):
                    servers = own
                    self.origins["paths", new, *tokens, "servers"] = part, (*owner, "servers")
            if servers is not None:
                operation = {**operation, "servers": servers}
            holder = dict(item)
            if len(tokens) == 1:
                holder[tokens[0]] = operation
            else:
                holder[tokens[0]] = {**_map(item.get(tokens[0])), tokens[1]: operation}
            merged[new] = holder
        return merged

    def flattened(self, part: _Part, path: str, item: dict[str, Any]) -> dict[str, Any]:
        """The path item with its parameters said by each of its operations."""
        fresh = {name: child for name, child in item.items() if name != "parameters"}
        for tokens, operation in _operations(item):
            said = self.with_parameters(part, path, tokens, operation)
            if len(tokens) == 1:
                fresh[tokens[0]] = said
            else:
                fresh[tokens[0]] = {**fresh[tokens[0]], tokens[1]: said}
        return fresh

    def with_parameters(self, part: _Part, path: str, tokens: Tokens, operation: dict[str, Any]) -> dict[str, Any]:
        numbers = _inherited(part, path, _at(part.value, ("paths", path, *tokens)))
        if not numbers:
            return operation
        shared = part.rewritten(part.value["paths"][path]["parameters"], LIST, "parameter")
        own = _list(operation.get("parameters"))
        return {**operation, "parameters": [*own, *(shared[number] for number in numbers)]}

    def add_tags(self, value: dict[str, Any]) -> None:
        tags = list(_list(value.get("tags")))
        names = {_map(tag).get("name") for tag in tags}
        for part in self.parts[1:]:
            for index, tag in enumerate(_list(part.value.get("tags"))):
                if isinstance(tag, dict) and tag.get("name") not in names:
                    names.add(tag.get("name"))
                    self.origins["tags", str(len(tags))] = part, ("tags", str(index))
                    tags.append(tag)
        if tags:
            value["tags"] = tags

    def add_extensions(self, value: dict[str, Any]) -> None:
        for part in self.parts[1:]:
            for name, content in part.value.items():
                if name.startswith("x-") and name not in value:
                    value[name] = part.plain(content)
                    self.origins[(name,)] = part, (name,)

    # --- the way back

    def described(self, value: Mapping[str, Any]) -> Document:
        origins, first = self.origins, self.first
        parts = tuple(self.parts)

        def source(reference: str) -> tuple[_Part, Tokens]:
            tokens = _walked(value, split(reference))
            for length in range(len(tokens), 0, -1):
                if (found := origins.get(tokens[:length])) is not None:
                    part, start = found
                    return part, start + tokens[length:]
            return first, tokens

        def locate(reference: str) -> Location:
            part, tokens = source(reference)
            return part.document.locate(pointer(*tokens))

        def origin(reference: str) -> tuple[str, str]:
            part, tokens = source(reference)
            return part.document.origin(pointer(*tokens))

        @cache
        def found() -> tuple[Problem, ...]:
            problems = []
            for part in parts:
                for problem in part.document.problems():
                    tokens = split(problem.pointer)
                    there = pointer(*part.moved(tokens))
                    if source(there) != (part, tokens):  # shared with another document, or in no place of the value
                        there = pointer(ELSEWHERE, part.document.path, *tokens)
                    problems.append(Problem(there, problem.message))
            return tuple(problems)

        documents = [part.document for part in parts]
        whole = sha256()
        for document in sorted(documents, key=lambda document: document.path):
            whole.update(bytes.fromhex(document.sha256))
        return Document(
            path=", ".join(document.path for document in documents),
            version=", ".join(dict.fromkeys(document.version for document in documents)),
            value=value,
            sha256=whole.hexdigest(),
            locate=locate,
            origin=origin,
            problems=lambda: list(found()),
            files=tuple(dict.fromkeys(file for document in documents for file in document.files)),
        )


class _Held:
    """The components that stand in the merged value so far, as texts to compare with."""

    def __init__(self, merged: dict[str, Any]) -> None:
        self.merged = merged
        self.aliases: dict[_Key, list[str]] = defaultdict(list)
        """By the name that a document has for it, the names under which its like stands here."""
        self._texts: dict[_Key, str] = {}

    def names(self, key: _Key) -> list[str]:
        """What a component of that name may be the same as."""
        section, name = key
        own = [name] if name in _map(self.merged.get(section)) else []
        return list(dict.fromkeys([*own, *self.aliases.get(key, ())]))

    def text(self, section: str, name: str) -> str:
        if (section, name) not in self._texts:
            self._texts[section, name] = _canonical(self.merged[section][name])
        return self._texts[section, name]


# --- small things


def _fields(node: dict[str, Any], change: Any) -> dict[str, Any]:
    """The object with each child changed; the object itself if none was."""
    fresh: dict[str, Any] | None = None
    for name, child in node.items():
        if (new := change(name, child)) is not child:
            fresh = dict(node) if fresh is None else fresh
            fresh[name] = new
    return node if fresh is None else fresh


def _entries(node: list[Any], change: Any) -> list[Any]:
    fresh: list[Any] | None = None
    for index, child in enumerate(node):
        if (new := change(child)) is not child:
            fresh = list(node) if fresh is None else fresh
            fresh[index] = new
    return node if fresh is None else fresh


def _operations(item: Any) -> Iterator[tuple[Tokens, dict[str, Any]]]:
    """The operations of a path item, each with its place in it."""
    for name, node in _map(item).items():
        if name in METHODS and isinstance(node, dict):
            yield (name,), node
        elif name == "additionalOperations":
            for method, inner in _map(node).items():
                if isinstance(inner, dict):
                    yield (name, method), inner


def _inherited(part: _Part, path: str, operation: Mapping[str, Any]) -> list[int]:
    """Which parameters of the path item an operation has: those that it does not say anew (OpenAPI 3.1, 4.8.10)."""
    root = part.value
    item = ("paths", path, "parameters")

    def named(node: Any) -> Any:
        if isinstance(node, dict) and isinstance(node.get("$ref"), str):
            node = follow(root, node["$ref"])[1]
        return (node.get("name"), node.get("in")) if isinstance(node, dict) else None

    own = [named(node) for node in _list(operation.get("parameters"))]
    shared = _list(_map(_at(root, item[:2])).get("parameters"))
    return [number for number, node in enumerate(shared) if named(node) is None or named(node) not in own]


def _without_paths(part: _Part, path: str, tokens: Tokens) -> list[Any]:
    """The servers of an operation without their paths, which its own path begins with now."""
    item = part.value["paths"][path]
    owners = (_at(item, tokens), item)
    said = next((_servers(owner) for owner in owners if _list(owner.get("servers"))), part.servers)
    origins = []
    for server in said:
        url = str(_map(server).get("url", "/"))
        parts = urlsplit(url)
        kept = url[: url.index("://") + 3] + parts.netloc if "://" in url else "/"
        variables = {name: it for name, it in _map(_map(server).get("variables")).items() if f"{{{name}}}" in kept}
        origins.append({"url": kept, **({"variables": variables} if variables else {})})
    return _once(origins)


def _once(entries: Iterable[Any]) -> list[Any]:
    return list({_canonical(entry): entry for entry in entries}.values())


def _servers(owner: Mapping[str, Any]) -> list[Any]:
    return _list(owner.get("servers")) or _NO_SERVERS


def _named(alternatives: Any) -> Iterator[str]:
    """The schemas that a list of schemas refers to by `#/components/schemas/…`."""
    for entry in _list(alternatives):
        reference = _map(entry).get("$ref")
        tokens = split(unquote(reference)) if isinstance(reference, str) else ()
        if len(tokens) == 3 and tokens[:2] == ("components", "schemas"):
            yield tokens[2]


def _schema(name: str) -> str:
    return f"#/components/schemas/{escape(name)}"


def _free(name: str, suffix: str, taken: Iterable[str]) -> str:
    """The name if nobody has it, else with the document's own word behind it, and a number if need be."""
    taken = set(taken)
    new, number = name, 1
    while new in taken:
        new = f"{name}_{suffix}" if number == 1 else f"{name}_{suffix}_{number}"
        number += 1
    return new


def _values(given: Mapping[_Key, str], section: str) -> Iterator[str]:
    return (new for (owner, _), new in given.items() if owner == section)


def _canonical(value: Any) -> str:
    """A text that is the same for the same content: `1` and `true` are two things, the order of names is none."""
    return json.dumps(value, sort_keys=True)


def _walked(value: Any, tokens: Tokens) -> Tokens:
    """The pointer without percent-encoding, as far as it leads somewhere (RFC 6901, 6)."""
    names: list[str] = []
    for index, token in enumerate(tokens):
        if isinstance(value, dict):
            plain = unquote(token)
            name = token if token in value or plain not in value else plain
            if name not in value:
                return (*names, *tokens[index:])
            value = value[name]
        elif isinstance(value, list) and token.isascii() and token.isdigit() and int(token) < len(value):
            name, value = token, value[int(token)]
        else:
            return (*names, *tokens[index:])
        names.append(name)
    return tuple(names)


def _at(value: Any, tokens: Tokens) -> Any:
    for token in tokens:
        value = value[token]
    return value


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
