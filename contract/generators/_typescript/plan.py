"""The document as it is given to the type generator, and what each operation and component will be called.

What openapi-typescript would read wrong is said in another way that means the same: unions beside other keywords,
references with neighbours, discriminators, tuples, `const: null`. So its output says what the judge says, and the work
of naming what failed is ours: every part of the output has one operation or component that it belongs to.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from contract.core.dialect import to_2020_12
from contract.core.document import Document, escape, resolve, split, unescape
from contract.core.evidence import is_json
from contract.core.openapi import MediaType, Operation, Parameter

SCHEMAS = "#/components/schemas/"

READ, WRITE, FORM = "", "Writable", "Form"
"""Who fills a value: the server; the client (without what is `readOnly`); the client in parts, where files are files."""

IGNORED = frozenset({"accept", "content-type", "authorization"})
"""Header parameters that mean nothing (OpenAPI 3.1, 4.8.12.1)."""

_ANNOTATIONS = ("title", "description", "format", "deprecated", "default")
_CONSTRAINTS = frozenset(
    {
        *("type", "enum", "const", "properties", "required", "additionalProperties", "patternProperties"),
        *("items", "prefixItems", "allOf", "anyOf", "oneOf"),
    }
)
_LINES = ("jsonl", "ndjson", "jsonlines", "x-jsonl", "x-ndjson", "stream+json", "json-seq")
_METHODS = frozenset({"GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE"})
_RESERVED = frozenset(
    {
        *("break", "case", "catch", "class", "const", "continue", "debugger", "default", "delete", "do", "else"),
        *("enum", "export", "extends", "false", "finally", "for", "function", "if", "import", "in", "instanceof"),
        *("new", "null", "return", "super", "switch", "this", "throw", "true", "try", "typeof", "var", "void"),
        *("while", "with", "implements", "interface", "let", "package", "private", "protected", "public", "static"),
        *("yield", "any", "unknown", "never", "string", "number", "boolean", "symbol", "object", "bigint"),
        *("undefined", "await", "arguments", "eval"),
    }
)
_OF_OBJECTS = frozenset(
    {
        *("constructor", "toString", "toLocaleString", "valueOf", "hasOwnProperty", "isPrototypeOf"),
        "propertyIsEnumerable",
    }
)
_MEMBERS = _OF_OBJECTS | {"prototype", "raw", "use", "call", "then"}
"""Names of a class's own members, and those that every object has."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Why an operation or component is not proven."""

    step: str
    reason: str


@dataclass
class Plan:
    """All that is decided before anything is generated."""

    document: Document
    operations: tuple[Operation, ...]
    """Sorted by path and method."""
    root: Mapping[str, Any]
    """The document with schemas of 2020-12, each at its pointer."""
    names: dict[str, str]
    """Operation key to the name of its method."""
    types: dict[str, str]
    """Operation key to what the names of its types begin with."""
    models: dict[str, str]
    """Schema in `value` to the name under which it is exported; those of the document and their variants."""
    components: dict[str, str]
    """Component of the document to its schema in `value`."""
    variants: dict[tuple[str, str], str]
    """(component, WRITE or FORM) to the schema in `value` that differs from the plain one."""
    value: dict[str, Any]
    owners: dict[str, str] = field(default_factory=dict)
    """Schema in `value` to the pointer of the component that it says, or of what it was made for."""
    widened: set[str] = field(default_factory=set)
    """Pointers of those whose types say less than their schemas, since no type can say it."""
    faults: dict[str, Fault] = field(default_factory=dict)
    """By pointer, as in Artifact."""
    notes: list[str] = field(default_factory=list)

    def model(self, component: str, view: str) -> str:
        """The schema in `value` that says what the component is, seen that way."""
        return self.variants.get((component, view)) or self.components[component]


def kind_of(media: str) -> str:
    """How a body of that type is written and read: "json", "form", "multipart", "stream", "text", "binary"."""
    bare = media.partition(";")[0].strip()
    if is_json(bare):
        return "json"
    if bare == "application/x-www-form-urlencoded":
        return "form"
    if bare == "multipart/form-data":
        return "multipart"
    if bare == "text/event-stream" or bare.rpartition("/")[2] in _LINES or bare.endswith("+jsonl"):
        return "stream"
    if bare.startswith("text/") or bare == "application/xml" or bare.endswith("+xml"):
        return "text"
    return "binary"


def plan(document: Document, operations: Iterable[Operation]) -> Plan:
    """What is made of the operations and of all components of the document."""
    return _Planner(document, operations).plan


class _Planner:
    def __init__(self, document: Document, operations: Iterable[Operation]) -> None:
        root = to_2020_12(document.value, document.family)
        found = tuple(sorted(operations, key=lambda each: (each.path, each.method)))
        declared = _map(_map(root.get("components")).get("schemas"))
        self.declared = declared
        self.root = root
        self.schemas: dict[str, Any] = {}
        self.hoisted: dict[tuple[str, str], str] = {}
        self.taken: set[str] = set()
        self.owner = ""  # pointer of the operation or component that is being read
        components: dict[str, str] = {}
        for name in sorted(declared, key=lambda name: (_safe(name) != name, name)):
            components[name] = self._free(_safe(name))
        names, notes = _names(found)
        self.plan = Plan(document, found, root, names, _types(names), {}, components, {}, {}, notes=notes)
        self.differs = self._differing()
        circles = self._circles()
        self.circling: frozenset[str] = frozenset()
        for name in sorted(declared):
            for view in (WRITE, FORM):
                if (name, view) in self.differs:
                    self.plan.variants[name, view] = self._free(f"{components[name]}{view}")
        for name in sorted(declared):
            self.owner = SCHEMAS + escape(name)
            around = circles.get(name, frozenset())
            self.circling = frozenset(
                SCHEMAS + self.plan.model(one, view) for one in around for view in (READ, WRITE, FORM)
            )
            self.plan.owners[components[name]] = self.owner
            self.schemas[components[name]] = self.schema(declared[name], READ)
            for view in (WRITE, FORM):
                if (name, view) in self.differs:
                    self.plan.owners[self.plan.variants[name, view]] = self.owner
                    self.schemas[self.plan.variants[name, view]] = self.schema(declared[name], view)
        self.circling = frozenset()
        paths: dict[str, dict[str, Any]] = {}
        for operation in found:
            self.owner = operation.key
            path = operation.path
            if operation.method not in _METHODS:  # a path item has no place for it
                path, method = f"{path}#{operation.method}", "post"
            else:
                method = operation.method.lower()
            paths.setdefault(path, {})[method] = self.operation(operation)
        self.plan.value = {
            "openapi": "3.1.0",
            "info": {"title": "", "version": ""},
            "paths": dict(sorted(paths.items())),
            "components": {"schemas": dict(sorted(self.schemas.items()))},
        }
        shown = [*components.values(), *self.plan.variants.values()]
        self.plan.models = _identifiers(sorted(shown))

    def _free(self, name: str) -> str:
        while name in self.taken:
            name += "_"
        self.taken.add(name)
        return name

    def fault(self, reason: str) -> None:
        self.plan.faults.setdefault(self.owner, Fault("generate", reason))

    def note(self, text: str) -> None:
        self.plan.widened.add(self.owner)
        if (said := f"{self.owner}: {text}") not in self.plan.notes:
            self.plan.notes.append(said)

    # --- operations ---

    def operation(self, operation: Operation) -> dict[str, Any]:
        places: dict[str, list[Parameter]] = {}
        for parameter in sent(operation):
            places.setdefault(parameter.location, []).append(parameter)
        parameters = []
        for each in [each for listed in places.values() for each in listed]:
            if each.location == "querystring":
                continue  # a body of its own, emitted beside the others
            schema = self.at(each.schema, WRITE) if each.schema else {} if each.pointer else {"type": "string"}
            about = _map(resolve(self.root, each.pointer)) if each.pointer else {}
            made = {"name": each.name, "in": each.location, "schema": schema, "required": each.required}
            made |= {key: about[key] for key in ("description", "deprecated") if _is_text(key, about.get(key))}
            parameters.append(made)
        out: dict[str, Any] = {"operationId": self.plan.names[operation.key], "parameters": parameters}
        querystring = next(iter(places.get("querystring", [])), None)
        body = operation.request_body
        if body is not None and body.content:
            out["requestBody"] = {"required": body.required, "content": self.content(body.content, None)}
        elif querystring is not None:
            out["requestBody"] = {"content": {"querystring": {"schema": self.at(querystring.schema, WRITE)}}}
        out["responses"] = {
            key: {"description": "", "content": self.content(response.content, READ)}
            for key, response in sorted(operation.responses.items())
        }
        return out

    def content(self, content: Sequence[MediaType], view: str | None) -> dict[str, Any]:
        out = {}
        for each in content:
            side = view if view is not None else FORM if kind_of(each.range) == "multipart" else WRITE
            out[each.range] = {"schema": self.at(each.schema, side) if each.schema else {}}
        return out

    def at(self, pointer: str | None, view: str) -> Any:
        try:
            return self.schema(resolve(self.root, pointer or "#"), view)
        except KeyError:
            self.fault(f"{pointer} leads nowhere")
            return {}

    # --- schemas ---

    def reference(self, pointer: str, view: str) -> Any:
        """`$ref` to where that schema is in our document: components as they are, all else made a component."""
        name = _component(pointer)
        if name is not None and name in self.declared:
            return {"$ref": SCHEMAS + self.plan.model(name, view)}
        key = (pointer, view)
        if key not in self.hoisted:
            try:
                target = resolve(self.root, pointer)
            except KeyError:
                self.fault(f"`$ref: {pointer}` leads nowhere")
                return {}
            words = [word for word in split(pointer) if word not in ("components", "schemas", "properties")]
            made = self.hoisted[key] = self._free(_safe("_".join(words) or "Root") + (view and f"_{view}"))
            self.plan.owners[made] = self.owner
            self.schemas[made] = self.schema(target, view)
        return {"$ref": SCHEMAS + self.hoisted[key]}

    def schema(self, node: Any, view: str) -> Any:
        if isinstance(node, bool):
            return node
        if not isinstance(node, Mapping):
            self.fault("a schema is no object")
            return {}
        reference = node.get("$ref", node.get("$dynamicRef"))
        rest = {key: value for key, value in node.items() if key not in ("$ref", "$dynamicRef")}
        if isinstance(reference, str):
            pointed = self.reference(self.anchored(reference), view)
            if not rest.keys() & _CONSTRAINTS:
                return pointed
            return {"allOf": [pointed, self.schema(rest, view)]}
        about = {key: node[key] for key in _ANNOTATIONS if _is_text(key, node.get(key))}
        literals = self.literals(node)
        if literals is not None:
            return {**about, "enum": literals} if literals else {**about, "not": {}, "enum": []}
        parts = [{"allOf": self.several(node["allOf"], view)}] if _list(node.get("allOf")) else []
        parts += [self.union(node, key, view) for key in ("anyOf", "oneOf") if _list(node.get(key))]
        core = self.core(node, view)
        if not parts:
            return {**about, **core}
        if core.keys() == {"type"} and core["type"] in ("object", ["object", "null"], ["null", "object"]):
            core = {}  # as a type of its own it would let every property pass
        if not core and len(parts) == 1:
            return {**about, **parts[0]}
        return {**about, "allOf": [*([core] if core else []), *parts]}

    def anchored(self, reference: str) -> str:
        if reference.startswith("#/") or reference == "#":
            return reference
        anchor = reference.removeprefix("#")
        found = next((name for name, node in self.declared.items() if _map(node).get("$dynamicAnchor") == anchor), None)
        return SCHEMAS + escape(found) if found is not None else reference

    def several(self, nodes: Any, view: str) -> list[Any]:
        return [self.schema(node, view) for node in nodes]

    def literals(self, node: Mapping[str, Any]) -> list[Any] | None:
        """The values of an enumeration, those that its type refuses left out; None where it says no scalars."""
        values = [node["const"]] if "const" in node else node.get("enum")
        if not isinstance(values, list):
            return None
        if any(isinstance(value, (list, Mapping)) for value in values):
            self.plan.widened.add(self.owner)
            return None
        kinds = node.get("type")
        wanted = [kinds] if isinstance(kinds, str) else kinds if isinstance(kinds, list) else None
        return [value for value in values if wanted is None or _is_of(value, wanted)]

    def union(self, node: Mapping[str, Any], key: str, view: str) -> dict[str, Any]:
        """`anyOf` or `oneOf`, each branch narrowed by what the discriminator says of it.

        No type says that a value is of one branch and of no other.
        """
        if key == "oneOf":
            self.plan.widened.add(self.owner)
        discriminator = _map(node.get("discriminator"))
        name = discriminator.get("propertyName")
        branches = []
        for branch in node[key]:
            made = self.schema(branch, view)
            target = _map(branch).get("$ref")
            if isinstance(name, str) and isinstance(target, str):
                values = _mapped(_map(discriminator.get("mapping")), target)
                if narrow := self.narrowed(target, name, values):
                    made = {"allOf": [made, narrow]}
            branches.append(made)
        return {"anyOf": branches}

    def narrowed(self, target: str, name: str, values: list[str]) -> dict[str, Any] | None:
        """The discriminator's values as a type of that property, unless the schema itself says others."""
        required = False
        for node in self.flat(target):
            if "oneOf" in node or "anyOf" in node:
                return None  # a union of its own, whose members say what they are
            own = _map(_map(node.get("properties")).get(name))
            required = required or name in _list(node.get("required"))
            if "$ref" in own:
                own = _map(_resolved(self.root, own["$ref"]))
            listed = [own["const"]] if "const" in own else own.get("enum")
            if isinstance(listed, list):
                # Its own values narrow already; where they are others, the document contradicts itself.
                return None
        made: dict[str, Any] = {"type": "object", "properties": {name: {"enum": sorted(values)}}}
        return {**made, "required": [name]} if required else made

    def flat(self, pointer: str, seen: frozenset[str] = frozenset()) -> Iterator[Mapping[str, Any]]:
        """The schema and all that `$ref` and `allOf` add to it."""
        node = _resolved(self.root, pointer)
        if pointer in seen or not isinstance(node, Mapping):
            return
        todo = [node]
        while todo:
            each = todo.pop()
            yield each
            if isinstance(each.get("$ref"), str):
                yield from self.flat(each["$ref"], seen | {pointer})
            todo += [part for part in _list(each.get("allOf")) if isinstance(part, Mapping)]

    def core(self, node: Mapping[str, Any], view: str) -> dict[str, Any]:
        """What a schema says without combining others."""
        out: dict[str, Any] = {}
        kinds = node.get("type")
        kinds = [kinds] if isinstance(kinds, str) else list(dict.fromkeys(kinds)) if isinstance(kinds, list) else []
        if not kinds and ("items" in node or "prefixItems" in node):
            kinds = ["array"]
        if kinds:
            out["type"] = kinds[0] if len(kinds) == 1 else kinds
        if view == FORM and _is_binary(node):
            return {"type": "string", "x-blob": True}
        additional = node.get("additionalProperties")
        if not kinds and (additional is True or isinstance(additional, Mapping)) and self.has_others(node):
            # Of what is no object it says nothing, and an index type would ask each branch for one.
            if additional not in (True, {}):
                self.plan.widened.add(self.owner)
            node = {key: value for key, value in node.items() if key != "additionalProperties"}
        if not kinds or "object" in kinds:
            self.object(node, view, out)
        first = node.get("prefixItems")
        if "array" in kinds and isinstance(first, list) and _is_closed(node, len(first)):
            out["prefixItems"] = self.several(first, view)
        elif "array" in kinds:
            out["items"] = self.items(node, view)
            if self.circling and self.leads_back(out["items"]):
                out["x-items"] = self.named(out["items"], view)
                if len(kinds) > 1:  # what the mark stands for is the array alone
                    others = {key: each for key, each in out.items() if key not in ("items", "x-items", "type")}
                    rest = [kind for kind in kinds if kind != "array"]
                    array = {"type": "array", "items": out["items"], "x-items": out["x-items"]}
                    return {"anyOf": [array, {**others, "type": rest[0] if len(rest) == 1 else rest}]}
        return out

    def has_others(self, node: Mapping[str, Any]) -> bool:
        """True if a branch of a choice is no object."""
        for each in (*_list(node.get("anyOf")), *_list(node.get("oneOf"))):
            kinds = _map(each).get("type")
            if kinds is not None and "object" not in (kinds if isinstance(kinds, list) else [kinds]):
                return True
        return False

    def leads_back(self, node: Any) -> bool:
        """True if the schema may be what is being read, without an object in between."""
        if not isinstance(node, Mapping):
            return False
        if isinstance(node.get("$ref"), str):
            return node["$ref"] in self.circling
        return any(self.leads_back(each) for key in ("allOf", "anyOf", "oneOf") for each in node.get(key, ()))

    def named(self, node: Mapping[str, Any], view: str) -> str:
        """The name of a schema of our document that says the same."""
        if isinstance(node.get("$ref"), str):
            return str(node["$ref"]).removeprefix(SCHEMAS)
        made = self._free(f"{_safe(self.owner.removeprefix(SCHEMAS))}_items")
        self.plan.owners[made] = self.owner
        self.schemas[made] = node
        return made

    def object(self, node: Mapping[str, Any], view: str, out: dict[str, Any]) -> None:
        hidden = "writeOnly" if view == READ else "readOnly"
        declared = _map(node.get("properties"))
        dropped = {name for name, each in declared.items() if _map(each).get(hidden) is True}
        required = [name for name in _list(node.get("required")) if isinstance(name, str) and name not in dropped]
        if (declared.keys() & _OF_OBJECTS) - set(required):
            self.plan.widened.add(self.owner)
        properties = {
            # Every object has a `constructor`, and one that leaves out its own has that one.
            name: {} if name in _OF_OBJECTS and name not in required else self.schema(each, view)
            for name, each in declared.items()
            if name not in dropped
        }
        for name in required:
            properties.setdefault(name, {})
        if properties:
            out["properties"] = properties
        if required:
            out["required"] = sorted(set(required))
        additional = node.get("additionalProperties")
        patterns = list(_map(node.get("patternProperties")).values())
        if patterns:
            self.plan.widened.add(self.owner)
        if patterns and additional in (None, False):
            additional = patterns[0] if len(patterns) == 1 and additional is False else True
        elif patterns:
            additional = True
        if additional is True or (isinstance(additional, Mapping) and (properties or not additional)):
            # An index type must cover the named properties too, so beside them it says no more.
            if isinstance(additional, Mapping) and additional:
                self.note("properties beside the named ones may be anything, as an index type covers those too")
            out["additionalProperties"] = True
        elif isinstance(additional, Mapping):
            out["additionalProperties"] = self.schema(additional, view)
        elif additional is False and not properties and not declared:
            out["additionalProperties"] = {"not": {}, "enum": []}  # an object that holds nothing

    def items(self, node: Mapping[str, Any], view: str) -> Any:
        rest = node.get("items", {})
        first = node.get("prefixItems")
        if not isinstance(first, list):
            return self.schema(rest, view)
        # A tuple's items may be left out, which no tuple type says well: an array of any of them.
        self.note("a tuple, whose items may be left out, is an array of any of them")
        if rest is not False and rest in (True, {}) and node.get("maxItems") != len(first):
            return {}
        found = self.several(first, view) + ([self.schema(rest, view)] if isinstance(rest, Mapping) and rest else [])
        return {"anyOf": found} if found else False

    # --- circles ---

    def _circles(self) -> dict[str, frozenset[str]]:
        """Components that may be themselves again with no object in between, each with those on the way."""
        leads = {name: frozenset(self._bare(node)) for name, node in self.declared.items()}
        out: dict[str, frozenset[str]] = {}
        for name in leads:
            if not leads[name]:
                continue
            reached: set[str] = set()
            todo = list(leads[name])
            while todo:
                each = todo.pop()
                if each not in reached:
                    reached.add(each)
                    todo += leads.get(each, ())
            if name in reached:
                out[name] = frozenset(reached)
        return out

    def _bare(self, node: Any) -> Iterator[str]:
        if not isinstance(node, Mapping):
            return
        component = _component(str(node.get("$ref", "")))
        if component in self.declared:
            yield str(component)
        for key in ("allOf", "anyOf", "oneOf", "prefixItems"):
            for each in _list(node.get(key)):
                yield from self._bare(each)
        yield from self._bare(node.get("items"))

    # --- variants ---

    def _differing(self) -> set[tuple[str, str]]:
        """Components that look different to who fills them: what is marked in them, or in what they lead to."""
        marks: dict[str, set[str]] = {}
        leads: dict[str, set[str]] = {}
        for name, node in self.declared.items():
            marks[name], leads[name] = set(), set()
            todo: list[Any] = [node]
            seen: set[str] = set()
            while todo:
                each = todo.pop()
                if isinstance(each, list):
                    todo += each
                elif isinstance(each, Mapping):
                    if each.get("readOnly") is True or each.get("writeOnly") is True:
                        marks[name] |= {WRITE, FORM}
                    if _is_binary(each):
                        marks[name].add(FORM)
                    reference = each.get("$ref")
                    if isinstance(reference, str) and reference not in seen:
                        seen.add(reference)
                        component = _component(reference)
                        if component in self.declared:
                            leads[name].add(str(component))
                        else:
                            todo.append(_resolved(self.root, reference))
                    todo += [value for key, value in each.items() if key not in ("example", "examples", "default")]
        forms = self._in_forms(leads)
        out = {(name, view) for name, found in marks.items() for view in found}
        back: dict[str, set[str]] = {}
        for name, targets in leads.items():
            for target in targets:
                back.setdefault(target, set()).add(name)
        todo_pairs = list(out)
        while todo_pairs:
            name, view = todo_pairs.pop()
            for other in back.get(name, ()):
                if (other, view) not in out:
                    out.add((other, view))
                    todo_pairs.append((other, view))
        return {(name, view) for name, view in out if view == WRITE or name in forms}

    def _in_forms(self, leads: Mapping[str, set[str]]) -> set[str]:
        """Components that the body of some multipart request leads to."""
        todo: list[Any] = []
        for operation in self.plan.operations:
            for each in operation.request_body.content if operation.request_body else ():
                if kind_of(each.range) == "multipart" and each.schema:
                    todo.append(_resolved(self.root, each.schema))
        out: set[str] = set()
        seen: set[str] = set()
        while todo:
            each = todo.pop()
            if isinstance(each, list):
                todo += each
            elif isinstance(each, Mapping):
                reference = each.get("$ref")
                if isinstance(reference, str) and reference not in seen:
                    seen.add(reference)
                    component = _component(reference)
                    if component in self.declared:
                        out.add(str(component))
                    todo.append(_resolved(self.root, reference))
                todo += list(each.values())
        return out


def ordered(content: Iterable[MediaType]) -> tuple[MediaType, ...]:
    """The entries of a `content` map in one order, JSON before others: the first is what is sent if nobody says."""
    return tuple(sorted(content, key=lambda each: ("*" in each.range, not is_json(each.range), each.range)))


def sent(operation: Operation) -> tuple[Parameter, ...]:
    """The parameters that a client sends, in one order."""
    found = [
        each
        for each in operation.parameters
        if not (each.location == "header" and each.name.lower() in IGNORED)
        and each.location in ("path", "query", "header", "cookie", "querystring")
        and not (each.location == "path" and f"{{{each.name}}}" not in operation.path)
    ]
    names = {each.name for each in found if each.location == "path"}
    for name in dict.fromkeys(re.findall(r"\{([^{}]*)\}", operation.path)):
        if name not in names:  # in the template, and declared nowhere
            found.append(Parameter(name, "path", True, "simple", False, "", None))
    return tuple(sorted(found, key=lambda each: (each.location, each.name)))


# --- names ------------------------------------------------------------------------------------------------------------


def _names(operations: Sequence[Operation]) -> tuple[dict[str, str], list[str]]:
    """A name for each operation: its operationId, as far as that can be one and is its own."""
    notes: list[str] = []
    out: dict[str, str] = {}
    taken: set[str] = set()

    def wanted(operation: Operation) -> str:
        return identifier(operation.operation_id or "", lower=True)

    # Who has the name as it is keeps it, whoever else comes to be called the same.
    for operation in sorted(operations, key=lambda each: (wanted(each) != each.operation_id, each.path, each.method)):
        name = wanted(operation)
        if name in taken or not name:
            given = operation.operation_id
            name = identifier(f"{operation.method.lower()} {operation.path}", lower=True) or "operation"
            while name in taken:
                name += "_"
            if given is None:
                notes.append(f"{operation.key}: has no operationId; its method is `{name}`")
            else:
                notes.append(f"{operation.key}: its operationId {given!r} is taken or no name; its method is `{name}`")
        taken.add(name)
        out[operation.key] = f"{name}_" if name in _MEMBERS or name in _RESERVED else name
    return out, sorted(notes)


def _types(names: Mapping[str, str]) -> dict[str, str]:
    out: dict[str, str] = {}
    taken: set[str] = set()
    for key, name in names.items():
        made = name[:1].upper() + name[1:]
        while made in taken:
            made += "_"
        taken.add(made)
        out[key] = made
    return out


def _identifiers(schemas: Iterable[str]) -> dict[str, str]:
    out: dict[str, str] = {}
    taken: set[str] = set()
    for name in sorted(schemas, key=lambda name: (identifier(name, lower=False) != name, name)):
        made = identifier(name, lower=False) or "Model"
        if made in _RESERVED:
            made += "_"
        while made in taken:
            made += "_"
        taken.add(made)
        out[name] = made
    return dict(sorted(out.items()))


def identifier(text: str, *, lower: bool) -> str:
    """The text itself where it can be a name; else its words, `tasks/list-all` as `tasksListAll`.

    >>> identifier("list_tasks", lower=True), identifier("tasks/list-all", lower=True), identifier("a.b", lower=False)
    ('list_tasks', 'tasksListAll', 'AB')
    """
    if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", text):
        return text if text != "__proto__" else "proto"
    words = re.findall(r"[A-Za-z0-9_]+", text)
    if not words:
        return ""
    first = words[0][:1].lower() if lower else words[0][:1].upper()
    name = first + words[0][1:] + "".join(word[:1].upper() + word[1:] for word in words[1:])
    return f"_{name}" if name[0].isdigit() else name


def _safe(name: str) -> str:
    """A component's name without what a reference or a key would have to escape."""
    made = re.sub(r"[^A-Za-z0-9._-]", "_", name)
    return made if made not in ("", "__proto__") else "_"


# --- small things -----------------------------------------------------------------------------------------------------


def _component(pointer: str) -> str | None:
    name = pointer.removeprefix(SCHEMAS)
    return unescape(name) if pointer.startswith(SCHEMAS) and "/" not in name else None


def _mapped(mapping: Mapping[str, Any], target: str) -> list[str]:
    """The values that a discriminator has for a schema: those of the mapping, else its name (OpenAPI 3.1, 4.8.25)."""
    name = _component(target)
    found = [key for key, value in mapping.items() if value == target or (name is not None and value == name)]
    return found or ([name] if name is not None else [target.rpartition("/")[2]])


def _resolved(root: Mapping[str, Any], pointer: str) -> Any:
    try:
        return resolve(root, pointer)
    except KeyError:
        return None


def _is_closed(node: Mapping[str, Any], size: int) -> bool:
    """True if there are as many items as a tuple has, no more and no less."""
    least, most = node.get("minItems"), node.get("maxItems")
    ends = node.get("items") is False or most == size
    return size > 0 and isinstance(least, int) and least >= size and ends


def _is_binary(node: Mapping[str, Any]) -> bool:
    """True for a property that is a file when it is sent in a part (OpenAPI 3.0.3, 4.7.14.2; 3.1, 4.8.14.2)."""
    kinds = node.get("type")
    return (node.get("format") == "binary" and kinds in (None, "string", ["string", "null"])) or (
        isinstance(node.get("contentMediaType"), str) and "contentEncoding" not in node and kinds in (None, "string")
    )


_KINDS: Mapping[str, Callable[[Any], bool]] = {
    "null": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: not isinstance(value, bool) and isinstance(value, (int, float)) and value == int(value),
    "number": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
}


def _is_of(value: Any, kinds: Iterable[Any]) -> bool:
    return any(_KINDS[kind](value) for kind in kinds if kind in _KINDS)


def _is_text(key: str, value: Any) -> bool:
    """True for an annotation that can stand in a comment as it is."""
    if key == "deprecated":
        return value is True
    if key == "default":
        return value is not None and not isinstance(value, (list, Mapping))
    return isinstance(value, str) and bool(value.strip())


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
