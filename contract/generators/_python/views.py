"""The schemas as a request and as an answer have them: what is `readOnly` need not be sent, nor `writeOnly` answered.

(OpenAPI 3.0.3, 4.7.24.2; the same word in JSON Schema says no more than that.) A component has one class, unless
requests and answers need different ones: then `TaskRequest` is what is sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cached_property
from typing import Any

from contract.core.document import Document, escape, resolve, unescape
from contract.core.openapi import Operation
from contract.generators._python import words
from contract.generators._python.words import NO_SCHEMAS
from contract.generators._python.words import SCHEMAS as _SCHEMAS

_NAMED = ("properties", "patternProperties", "$defs", "dependentSchemas")
_VALUES = ("default", "example", "examples", "enum", "const", "required")


class Views:
    def __init__(self, document: Document, operations: Iterable[Operation]) -> None:
        components = document.value.get("components")
        declared = components.get("schemas") if isinstance(components, Mapping) else None
        self.root = document.value
        self.declared: Mapping[str, Any] = declared if isinstance(declared, Mapping) else {}
        self._operations = list(operations)
        self._found: dict[int, frozenset[str]] = {}
        self._marked_by_id: dict[int, bool] = {}

    @cached_property
    def directions(self) -> dict[str, frozenset[str]]:
        """By component: who sends it, "request", "response", both or nobody."""
        found: dict[str, set[str]] = {}
        for direction in ("request", "response"):
            # Many operations share their parameters and answers.
            places = {
                node["$ref"]: node for operation in self._operations for node in _nodes(self.root, operation, direction)
            }
            todo = [name for node in places.values() for name in references(self.root, node)]
            seen: set[str] = set()
            while todo:
                name = todo.pop()
                if name in seen:
                    continue
                seen.add(name)
                found.setdefault(name, set()).add(direction)
                todo += self.graph.get(name, ())
        return {name: frozenset(each) for name, each in found.items()}

    @cached_property
    def graph(self) -> dict[str, frozenset[str]]:
        return {name: self.leads_to(schema) for name, schema in self.declared.items()}

    @cached_property
    def split(self) -> frozenset[str]:
        """Components that need a class for requests and another one for answers."""
        changed = {name for name, schema in self.declared.items() if self._differs(schema)}
        if not changed:
            return frozenset()
        behind: dict[str, set[str]] = {}
        for name, others in self.graph.items():
            for other in others:
                behind.setdefault(other, set()).add(name)
        todo, found = list(changed), set(changed)
        while todo:
            for above in behind.get(todo.pop(), ()):
                if above not in found:
                    found.add(above)
                    todo.append(above)
        return frozenset(name for name in found if len(self.directions.get(name, ())) == 2)

    def name(self, component: str, direction: str) -> str:
        """The name of the schema that a component has in a direction."""
        return self._request_name(component) if direction == "request" and component in self.split else component

    def _request_name(self, component: str) -> str:
        name = f"{component}Request"
        while name in self.declared:
            name += "_"
        return name

    def schemas(self) -> dict[str, Any]:
        """All components, those for requests added."""
        out: dict[str, Any] = {}
        for name, schema in self.declared.items():
            only_sent = self.directions.get(name) == frozenset({"request"}) and name not in self.split
            out[name] = self.of(schema, "request" if only_sent else "response")
            if name in self.split:
                out[self._request_name(name)] = self.of(schema, "request")
        return out

    def of(self, schema: Any, direction: str) -> Any:
        """A schema in one direction, its references included."""
        if not self._any_marks or (not self._reaches_split(schema) and not self._differs(schema)):
            return schema
        return self._view(schema, direction)

    @cached_property
    def _any_marks(self) -> bool:
        return _is_marked_somewhere(self.root)

    def _reaches_split(self, schema: Any) -> bool:
        return bool(self.split) and not self.split.isdisjoint(self.leads_to(schema))

    def leads_to(self, schema: Any) -> frozenset[str]:
        """Components that a schema refers to. It is remembered by its identity, so it has to live as long as this does."""
        if id(schema) not in self._found:
            self._found[id(schema)] = frozenset(references(self.root, schema))
        return self._found[id(schema)]

    def _is_marked(self, schema: Any) -> bool:
        if id(schema) not in self._marked_by_id:
            self._marked_by_id[id(schema)] = _marks(schema)
        return self._marked_by_id[id(schema)]

    @cached_property
    def _marked_ones(self) -> frozenset[str]:
        """Components that have a mark somewhere, or lead to one that has."""
        behind: dict[str, list[str]] = {}
        for name, others in self.graph.items():
            for other in others:
                behind.setdefault(other, []).append(name)
        todo = [name for name, schema in self.declared.items() if self._is_marked(schema)]
        found = set(todo)
        while todo:
            for above in behind.get(todo.pop(), ()):
                if above not in found:
                    found.add(above)
                    todo.append(above)
        return frozenset(found)

    def _differs(self, schema: Any) -> bool:
        """True if a direction leaves out anything that the schema requires."""
        if not self._any_marks or not _requires(schema):
            return False
        if self._marked_ones.isdisjoint(self.leads_to(schema)) and not self._is_marked(schema):
            return False
        return any(self._view(schema, direction, follow=False) != schema for direction in ("request", "response"))

    def _view(self, node: Any, direction: str, above: frozenset[str] = frozenset(), *, follow: bool = True) -> Any:
        if isinstance(node, list):
            return [self._view(each, direction, above, follow=follow) for each in node]
        if not isinstance(node, Mapping):
            return node
        mark = "readOnly" if direction == "request" else "writeOnly"
        names = above
        if "required" in node or "allOf" in node:
            names = above | self._marked(node, mark)
        out: dict[str, Any] = {}
        for key, value in node.items():
            if key == "required" and isinstance(value, list) and names:
                kept = [each for each in value if each not in names]
                if kept:
                    out[key] = kept
            elif key == "$ref" and follow and isinstance(value, str):
                out[key] = self._reference(value, direction)
            elif key == "discriminator" and follow and isinstance(value, Mapping):
                mapping = value.get("mapping")
                if isinstance(mapping, Mapping):
                    value = {
                        **value,
                        "mapping": {
                            each: self._reference(to, direction) if isinstance(to, str) else to
                            for each, to in mapping.items()
                        },
                    }
                out[key] = value
            elif key in _VALUES:
                out[key] = value
            elif key in _NAMED and isinstance(value, Mapping):
                out[key] = {name: self._view(each, direction, follow=follow) for name, each in value.items()}
            elif key == "allOf":
                out[key] = self._view(value, direction, names, follow=follow)
            else:
                out[key] = self._view(value, direction, follow=follow)
        return out

    def _reference(self, to: str, direction: str) -> str:
        if not to.startswith(_SCHEMAS):
            name = to  # a discriminator may name a component without its pointer
            return f"{_SCHEMAS}{escape(self.name(name, direction))}" if name in self.split else to
        token, slash, rest = to.removeprefix(_SCHEMAS).partition("/")
        return f"{_SCHEMAS}{escape(self.name(unescape(token), direction))}{slash}{rest}"

    def _marked(self, node: Mapping[str, Any], mark: str, depth: int = 0) -> frozenset[str]:
        """Properties with the mark, those of `allOf` and behind references included."""
        found: set[str] = set()
        properties = node.get("properties")
        for name, schema in properties.items() if isinstance(properties, Mapping) else ():
            if self._has(schema, mark):
                found.add(name)
        if depth < 8:
            branches = node.get("allOf")
            for each in [*(branches if isinstance(branches, list) else ()), self._behind(node)]:
                if isinstance(each, Mapping) and each is not node:
                    found |= self._marked(each, mark, depth + 1)
        return frozenset(found)

    def _has(self, schema: Any, mark: str) -> bool:
        for _ in range(8):
            if not isinstance(schema, Mapping):
                return False
            if schema.get(mark) is True:
                return True
            branches = schema.get("allOf")
            if isinstance(branches, list) and any(
                isinstance(each, Mapping) and each.get(mark) is True for each in branches
            ):
                return True
            schema = self._behind(schema)
        return False

    def _behind(self, node: Mapping[str, Any]) -> Any:
        reference = node.get("$ref")
        if not isinstance(reference, str):
            return None
        try:
            return resolve(self.root, reference)
        except KeyError:
            return None


def _nodes(root: Mapping[str, Any], operation: Operation, direction: str) -> Iterator[dict[str, str]]:
    pointers: list[str | None] = []
    if direction == "request":
        pointers += [each.schema for each in operation.parameters]
        if operation.request_body is not None:
            pointers += [pointer for each in operation.request_body.content for pointer in (each.schema, each.item)]
    else:
        for response in operation.responses.values():
            pointers += [pointer for each in response.content for pointer in (each.schema, each.item)]
            pointers += [each.schema for each in response.headers]
    for pointer in pointers:
        if pointer is not None:
            yield {"$ref": pointer}


def references(root: Mapping[str, Any], value: Any) -> list[str]:
    """Names of the components that a schema refers to, by way of other places of the document too."""
    found: list[str] = []
    todo: list[Any] = [value]
    seen: set[str] = set()
    while todo:
        node = todo.pop()
        text = words.written(node)
        told = words.references(text) if text is not None else None
        for reference in told if told is not None else _referred(node, found):
            if reference in seen:
                continue
            seen.add(reference)
            if reference.startswith(_SCHEMAS):
                found.append(unescape(reference.removeprefix(_SCHEMAS).split("/")[0]))
            else:
                with suppress(KeyError):  # the lint reports it
                    todo.append(resolve(root, reference))
    return found


def _referred(value: Any, found: list[str]) -> Iterator[str]:
    """What a schema refers to; `found` gains the components that its discriminators name."""
    todo = [value]
    while todo:
        node = todo.pop()
        if isinstance(node, dict):
            reference = node.get("$ref")
            if isinstance(reference, str):
                yield reference
            mapping = node.get("discriminator")
            mapping = mapping.get("mapping") if isinstance(mapping, Mapping) else None
            for to in mapping.values() if isinstance(mapping, Mapping) else ():
                if isinstance(to, str):
                    found.append(unescape(to.removeprefix(_SCHEMAS)))
            todo.extend(
                [each for key, each in node.items() if isinstance(each, (dict, list)) and key not in NO_SCHEMAS]
            )
        elif isinstance(node, list):
            todo.extend(node)


def _requires(value: Any) -> bool:
    text = words.written(value)
    if text is not None:
        return b'"required":[' in text
    return any(isinstance(node.get("required"), list) for node in words.nodes(value))


def _marks(value: Any) -> bool:
    """True for a schema that may be marked, here or behind a reference to what is no component."""
    if _is_marked_somewhere(value):
        return True
    text = words.written(value)
    if text is not None:
        return words.refers_elsewhere(text)
    references = (node.get("$ref") for node in words.nodes(value))
    return any(isinstance(each, str) and not each.startswith(_SCHEMAS) for each in references)


def _is_marked_somewhere(value: Any) -> bool:
    text = words.written(value)
    if text is not None:
        return b'"readOnly":true' in text or b'"writeOnly":true' in text
    return any(node.get("readOnly") is True or node.get("writeOnly") is True for node in words.nodes(value))
