"""What is to be written: names, arguments, bodies and answers of each operation, and the schemas that need a class.

Types are texts in which the class of a schema stands as its name between two marks, since its name in Python is known
only when the models are made: `list[\\0Task\\0]`.
"""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from json.encoder import encode_basestring_ascii
from typing import Any
from urllib.parse import quote

from contract.core.document import Document, escape, resolve, unescape
from contract.core.evidence import is_json
from contract.core.openapi import MediaType, Operation, Parameter, follow
from contract.generators._python.views import Views

SCHEMAS = "#/components/schemas/"
MARK = "\0"
_IGNORED = frozenset({"accept", "content-type", "authorization"})
"""Header parameters that mean nothing (OpenAPI 3.1, 4.8.12.1)."""
_TAKEN = frozenset(keyword.kwlist) | {
    *("list", "dict", "int", "str", "bytes", "float", "bool", "type", "models", "date", "datetime", "annotations"),
    *("match", "case", "self", "print", "object"),
}
_SILENT = frozenset(
    [
        "title",
        "description",
        "summary",
        "example",
        "examples",
        "deprecated",
        "readOnly",
        "writeOnly",
        "externalDocs",
        "xml",
        "$comment",
        "default",
    ]
)
_SIZES = frozenset(
    [
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "multipleOf",
        "minLength",
        "maxLength",
        "pattern",
        "minItems",
        "maxItems",
        "uniqueItems",
        "contains",
        "minContains",
        "maxContains",
        "minProperties",
        "maxProperties",
        "propertyNames",
    ]
)
_TEXTS = {"uuid": "UUID", "date": "date", "date-time": "datetime"}
_MOST_LITERALS = 60


@dataclass(frozen=True)
class Argument:
    name: str
    parameter: Parameter
    type: str
    reserved: bool = False
    required: bool = False
    about: str = ""


@dataclass(frozen=True)
class Field:
    """How one field of a form is written."""

    media: str | None
    style: str | None
    explode: bool
    reserved: bool
    file: bool


@dataclass(frozen=True)
class BodyType:
    media: str
    annotation: str
    read_as: str
    fields: Mapping[str, Field] = field(default_factory=dict)


@dataclass
class Entry:
    """One operation as it will be written."""

    operation: Operation
    function: str
    module: str
    title: str  # `ListTasks`
    path: str
    about: str
    arguments: tuple[Argument, ...] = ()
    bodies: tuple[BodyType, ...] = ()
    body_required: bool = False
    body_about: str = ""
    answers: dict[str, dict[str, str]] = field(default_factory=dict)
    security: tuple[tuple[str, ...], ...] = ()
    server: str | None = None
    links: tuple[tuple[str, str], ...] = ()
    paged: bool = False
    item: str | None = None

    @property
    def key(self) -> str:
        return self.operation.key

    @property
    def components(self) -> frozenset[str]:
        """Names of the schemas whose classes its types name."""
        texts = [each.type for each in self.arguments]
        texts += [text for each in self.bodies for text in (each.annotation, each.read_as)]
        texts += [text for content in self.answers.values() for text in content.values()]
        texts += [self.item or ""]
        return frozenset(name for text in texts for name in text.split(MARK)[1::2])


@dataclass
class Plan:
    document: Document
    schemas: dict[str, Any]
    """components/schemas with ours added, sorted by name."""
    own: frozenset[str]
    """Names of the components that the document has itself."""
    views: Views
    entries: dict[str, Entry]
    """By operation key, in the order in which they are written."""
    schemes: dict[str, tuple[str, str, str]]
    server: str
    origins: dict[str, str]
    """Name of each schema of ours to its pointer in the document."""
    notes: list[str]
    among: frozenset[str] = frozenset()
    """Names of all schemas, where this is a part of a plan; empty where it is the whole."""


def plan(document: Document, operations: Iterable[Operation]) -> Plan:
    """What is to be written, the same whatever order the document has."""
    value = document.value
    declared = _map(_map(value.get("components")).get("schemas"))
    listed = sorted(operations, key=lambda each: (each.path, each.method))
    views = Views(document, listed)
    made = Plan(document, views.schemas(), frozenset(declared), views, {}, {}, _server(value) or "", {}, [])
    _schemes(made)
    told = _Told(value)
    for operation, function in _functions(listed, made.notes):
        made.entries[operation.key] = _Planner(made, operation, function, told).entry()
    made.schemas = dict(sorted(made.schemas.items()))
    return made


# --- names ------------------------------------------------------------------------------------------------------------


def words(text: str) -> list[str]:
    """`listTasks`, `list-tasks` and `List tasks` are `list`, `tasks`; letters of any script are letters."""
    text = unicodedata.normalize("NFKC", text)
    text = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", text)
    text = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1 \2", text)
    return [each for each in re.split(r"[\W_]+", text) if each]


@lru_cache(maxsize=4096)
def snake(text: str, otherwise: str) -> str:
    name = unicodedata.normalize("NFKC", "_".join(each.lower() for each in words(text)))
    if not name:
        return otherwise
    if not name.isidentifier():
        name = f"{otherwise[:2]}_{name}"
    if not name.isidentifier():
        return otherwise
    return f"{name}_" if name in _TAKEN else name


@lru_cache(maxsize=4096)
def camel(text: str) -> str:
    return "".join(each[:1].upper() + each[1:] for each in words(text)) or "Operation"


def _functions(operations: Sequence[Operation], notes: list[str]) -> Iterator[tuple[Operation, str]]:
    """A name for each operation, from its operationId; who shares one is named by its method and path."""
    wanted: dict[str, list[Operation]] = {}
    for operation in operations:
        ready = operation.operation_id if operation.operation_id and words(operation.operation_id) else None
        if ready is None:
            notes.append(f"{operation.key}: no operationId, so its name is made of its method and path")
        wanted.setdefault(snake(ready or _derived(operation), "operation"), []).append(operation)
    taken = set(wanted)
    for name, sharing in wanted.items():
        for index, operation in enumerate(sharing):
            if index == 0:
                yield operation, name
                continue
            other = snake(_derived(operation), "operation")
            while other in taken:
                other += "_"
            taken.add(other)
            notes.append(f"{operation.key}: `{name}` is {sharing[0].key} already, so this one is `{other}`")
            yield operation, other


def _derived(operation: Operation) -> str:
    return f"{operation.method.lower()} {operation.path}"


# --- security and servers ---------------------------------------------------------------------------------------------


def _schemes(made: Plan) -> None:
    declared = _map(_map(made.document.value.get("components")).get("securitySchemes"))
    for name in sorted(declared):
        node = follow(made.document.value, f"#/components/securitySchemes/{escape(name)}")[1]
        node = node if isinstance(node, Mapping) else {}
        kind, scheme = str(node.get("type")), str(node.get("scheme", "")).lower()
        if kind == "apiKey" and node.get("in") in ("query", "header", "cookie") and isinstance(node.get("name"), str):
            made.schemes[name] = ("apiKey", node["in"], node["name"])
        elif (kind == "http" and scheme == "bearer") or kind in ("oauth2", "openIdConnect"):
            made.schemes[name] = ("bearer", "header", "Authorization")
        elif kind == "http" and scheme == "basic":
            made.schemes[name] = ("basic", "header", "Authorization")
        else:
            made.schemes[name] = ("none", "header", "Authorization")
            what = f"HTTP scheme `{scheme}`" if kind == "http" else f"type `{kind}`"
            made.notes.append(f"#/components/securitySchemes/{escape(name)}: {what} is for `http` to do")


def _server(owner: Mapping[str, Any]) -> str | None:
    """The first server's URL with its variables at their defaults; None if it is not absolute."""
    servers = owner.get("servers")
    first = servers[0] if isinstance(servers, list) and servers else None
    if not isinstance(first, Mapping) or not isinstance(first.get("url"), str):
        return None
    variables = _map(first.get("variables"))
    url = re.sub(
        r"\{([^{}]*)\}",
        lambda found: str(_map(variables.get(found[1])).get("default", "")),
        first["url"],
    )
    return quote(url.rstrip("/"), safe="/:@!$&'()*+,;=~-._%[]") if re.match(r"https?://[^/]", url) else None


# --- one operation ----------------------------------------------------------------------------------------------------


class _Told:
    """What operations share, their parameters above all, is looked up once."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self.root = root
        self.types: dict[tuple[str, str, bool], str | None] = {}
        """By the schema's pointer, direction and looseness: as `written` gives it."""
        self.names: dict[str, list[str]] = {}
        """By the schema's pointer: those of ours that were made of it."""
        self._nodes: dict[str, Any] = {}
        self._behind: dict[str, tuple[str, Any]] = {}

    def node(self, pointer: str) -> Any:
        if pointer not in self._nodes:
            self._nodes[pointer] = resolve(self.root, pointer)
        return self._nodes[pointer]

    def behind(self, pointer: str) -> tuple[str, Any]:
        if pointer not in self._behind:
            self._behind[pointer] = behind(self.root, pointer)
        return self._behind[pointer]


class _Planner:
    def __init__(self, made: Plan, operation: Operation, function: str, told: _Told) -> None:
        self.plan = made
        self.told = told
        self.operation = operation
        self.root = made.document.value
        tags = [each for each in operation.tags if words(each)]
        title = camel(function)
        if "_" not in function:  # one word: its capitals are those of the operationId
            title = title[:1].upper() + title[1:]
        self.entry_ = Entry(
            operation,
            function,
            snake(tags[0], "tag") if tags else "default",
            title,
            operation.path,
            _about(operation.raw),
        )

    def note(self, reason: str) -> None:
        self.plan.notes.append(f"{self.operation.key}: {reason}")

    def entry(self) -> Entry:
        entry = self.entry_
        self._arguments()
        self._body()
        self._answers()
        self._security()
        for owner in (self.operation.raw, resolve(self.root, self.operation.item_pointer)):
            if "servers" in owner:
                entry.server = _server(owner)
                break
        if entry.server == self.plan.server:
            entry.server = None
        return entry

    # parameters

    def _arguments(self) -> None:
        template = self.operation.path.partition("#")[0]
        entry = self.entry_
        names = list(dict.fromkeys(re.findall(r"\{([^{}]*)\}", template)))
        found: list[tuple[Parameter, str, bool, str]] = []
        by_name = {each.name: each for each in self.operation.parameters if each.location == "path"}
        written = template
        for name in names:
            bare = re.sub(r"^[+/.;?&]|[*]$|:path$", "", name)
            parameter = by_name.pop(name, None) or by_name.pop(bare, None)
            if parameter is None:
                self.note(f"no parameter is declared for `{{{name}}}` of the path: any text is taken")
                parameter = Parameter(name, "path", True, "simple", False, self.operation.pointer, None)
                found.append((parameter, "str", False, ""))
                continue
            if parameter.name != name:
                written = written.replace(f"{{{name}}}", f"{{{parameter.name}}}")
            reserved = parameter.name in self.operation.spans
            found.append((parameter, self._type_of(parameter), reserved, self._about(parameter)))
        for left in by_name.values():
            self.note(f"the path has no place for its parameter `{left.name}`, which is left out")
        entry.path = "".join(
            part if part.startswith("{") else quote(part, safe="/:@!$&'()*+,;=~-._%?[]")
            for part in re.split(r"(\{[^{}]*\})", written)
        )
        rest = [
            each
            for each in self.operation.parameters
            if each.location in ("query", "header", "cookie", "querystring")
            and not (each.location == "header" and each.name.lower() in _IGNORED)
        ]
        for each in sorted(rest, key=lambda each: (each.name, each.location)):
            node = self.told.node(each.pointer)
            reserved = node.get("allowReserved") is True
            found.append((each, self._type_of(each), reserved, self._about(each)))
        taken = {"body", "media_type"}
        counted: dict[str, int] = {}
        for parameter, _, _, _ in found:
            plain = snake(parameter.name, "parameter")
            counted[plain] = counted.get(plain, 0) + 1
        arguments = []
        for parameter, kind, reserved, about in found:
            plain = snake(parameter.name, "parameter")
            if (counted[plain] > 1 and parameter.location != "path") or plain in taken:
                plain = snake(f"{parameter.location} {parameter.name}", "parameter")
            while plain in taken:
                plain += "_"
            taken.add(plain)
            arguments.append(Argument(plain, parameter, kind, reserved, parameter.required, about))
        # As many as are required come first, so that a call reads as it is written.
        entry.arguments = tuple(sorted(arguments, key=lambda each: not each.required))

    def _type_of(self, parameter: Parameter) -> str:
        if parameter.schema is None:
            return "Any" if parameter.content is not None else "str"
        pointer, schema = self.told.behind(parameter.schema)
        return self._type(
            pointer, schema, "request", parameter.location.capitalize() + camel(parameter.name), loose=True
        )

    def _about(self, parameter: Parameter) -> str:
        node = self.told.node(parameter.pointer)
        return str(node.get("description") or "").strip() if isinstance(node, dict) else ""

    # bodies

    def _body(self) -> None:
        declared = self.operation.request_body
        if declared is None:
            return
        entry = self.entry_
        if not declared.content:
            self.note("its request body has no media type, so bytes are sent")
            content: Sequence[MediaType] = (MediaType("application/octet-stream", declared.pointer, None),)
        else:
            content = declared.content
        entry.body_required = declared.required
        entry.body_about = str(_map(resolve(self.root, declared.pointer)).get("description") or "").strip()
        entry.bodies = tuple(self._body_type(each) for each in sorted(content, key=_rank))

    def _body_type(self, media: MediaType) -> BodyType:
        kind = media.range.partition(";")[0].strip()
        member = "Body" + ("" if _is_first(media, self.operation.request_body) else camel(kind))
        if is_json(kind):
            found = self._content(media, "request", member)
            return BodyType(media.range, f"{found} | Raw", found)
        if kind == "application/x-www-form-urlencoded" or kind.startswith("multipart/"):
            found = self._content(media, "request", member) if media.schema is not None else "Mapping[str, Any]"
            if MARK not in found and not found.startswith(("dict", "Mapping")):
                if kind.startswith("multipart/"):
                    return BodyType(media.range, "Parts", "Any", self._fields(media))
                found = "Mapping[str, Any]"
            annotation = f"{found} | Parts" if kind.startswith("multipart/") else found
            return BodyType(media.range, annotation, "Any" if "Mapping" in found else found, self._fields(media))
        if _is_lines(kind):
            return BodyType(media.range, "list[Any] | Content", "Any")
        if kind.startswith("text/") and kind != "text/xml":
            return BodyType(media.range, "str", "str")
        if media.schema is not None and _is_structured(self.root, media.schema):
            self.note(f"a request body of `{media.range}` is not written from a type: it is given as text or bytes")
        return BodyType(media.range, "Content", "Any")

    def _fields(self, media: MediaType) -> dict[str, Field]:
        node = _map(resolve(self.root, media.pointer))
        encoding = _map(node.get("encoding"))
        properties = dict(_properties(self.root, media.schema)) if media.schema is not None else {}
        out: dict[str, Field] = {}
        for name in sorted({*encoding, *properties}):
            each = _map(encoding.get(name))
            media_type = each.get("contentType") if isinstance(each.get("contentType"), str) else None
            styled = bool(each.keys() & {"style", "explode", "allowReserved"})
            style = str(each.get("style", "form")) if styled else None
            explode = each.get("explode", style in (None, "form")) is True
            schema = properties.get(name, {})
            items = _map(_map(behind_value(self.root, schema)).get("items"))
            file = any(
                one.get("format") == "binary" or "contentMediaType" in one or one.get("type") == "file"
                for one in (_map(behind_value(self.root, schema)), _map(behind_value(self.root, items)))
            ) or (
                media_type is not None
                and not media_type.startswith("text/")
                and not is_json(media_type.partition(",")[0].strip())
            )
            made = Field(media_type, style, explode, each.get("allowReserved") is True, file)
            if made != Field(None, None, True, False, False):
                out[name] = made
        return out

    def _answers(self) -> None:
        entry = self.entry_
        for key, response in sorted(self.operation.responses.items()):
            content: dict[str, str] = {}
            for media in sorted(response.content, key=_rank):
                content[media.range] = self._answer(media, key, response.pointer, response.content)
            entry.answers[key] = content
        if not entry.answers:
            self.note("no answer is declared, so that any is taken, as bytes")
            entry.answers["default"] = {"*/*": "bytes"}
        successes = [self.operation.responses[key] for key in self.operation.responses if key[:1] in "23"]
        successes = successes or [each for key, each in self.operation.responses.items() if key == "default"]
        for response in successes:
            for media in response.content:
                kind = media.range.partition(";")[0].strip()
                if (kind == "text/event-stream" or _is_lines(kind)) and entry.item is None:
                    entry.item = self._item(media)
            if any(header.name.lower() == "link" for header in response.headers):
                entry.paged = True
            entry.links = entry.links or self._links(response.pointer)
        entry.paged = (entry.paged or bool(entry.links)) and entry.item is None

    def _item(self, media: MediaType) -> str:
        if media.item is None:
            return "Any"
        pointer, schema = behind(self.root, media.item)
        if media.range.startswith("text/event-stream"):
            # An event's data is what the item of the stream says of it (OpenAPI 3.2, 4.14.4).
            data = _map(_map(schema).get("properties")).get("data")
            if isinstance(data, Mapping) and isinstance(data.get("contentSchema"), Mapping):
                pointer, schema = behind(self.root, f"{pointer}/properties/data/contentSchema")
            else:
                return "Any"
        return self._type(pointer, schema, "response", "Item")

    def _answer(self, media: MediaType, key: str, place: str, content: Sequence[MediaType]) -> str:
        kind = media.range.partition(";")[0].strip()
        if is_json(kind):
            member = "Response" + (key.upper() if key != "default" else "Default")
            first = min(content, key=_rank) is media
            return self._content(media, "response", member if first else member + camel(kind))
        if kind == "text/event-stream" or _is_lines(kind):
            return "str"
        if kind.startswith("text/") and kind != "text/xml":
            return "str"
        if kind == "*/*" or kind.startswith(("image/", "audio/", "video/", "font/", "application/octet")):
            return "bytes"
        if media.schema is not None and _is_structured(self.root, media.schema):
            self.note(f"an answer of `{media.range}` is given as bytes, since it is not read as a type")
        return "bytes"

    def _content(self, media: MediaType, direction: str, member: str) -> str:
        if media.schema is None:
            return "Any"
        pointer, schema = self.told.behind(media.schema)
        return self._type(pointer, schema, direction, member)

    def _type(self, pointer: str, schema: Any, direction: str, member: str, *, loose: bool = False) -> str:
        made = self.plan

        def named(component: str) -> str:
            null = " | None" if is_null_too(made.views.declared.get(component)) else ""
            return f"{MARK}{made.views.name(component, direction)}{MARK}{null}"

        types, asked = self.told.types, (pointer, direction, loose)
        if asked not in types:
            types[asked] = written(self.root, pointer, schema, named, loose, made.document.family == "3.0")
        found = types[asked]
        if found is not None:
            return found
        shared = re.match(r"#/components/(responses|requestBodies|parameters)/([^/]+)", pointer)
        base = camel(unescape(shared[2])) if shared else self.entry_.title
        suffix = {"responses": "Response", "requestBodies": "Body", "parameters": "Parameter"}
        name = base + (suffix[shared[1]] if shared else member)
        view = made.views.of(schema, direction)
        names = self.told.names.setdefault(pointer, [])
        known = next((each for each in names if made.origins[each] == f"{pointer} {direction}"), None)
        if known is None:
            known = next((each for each in names if made.schemas[each] == view), None)
        if known is None:
            while name in made.schemas:
                name += "_"
            made.schemas[name] = view
            made.origins[name] = f"{pointer} {direction}"
            names.append(name)
            known = name
        return f"{MARK}{known}{MARK}"

    # the rest

    def _security(self) -> None:
        found: list[tuple[str, ...]] = []
        for alternative in self.operation.security or ():
            names = tuple(sorted(str(name) for name in alternative))
            missing = [name for name in names if name not in self.plan.schemes]
            if missing:
                self.note(f"its security names `{missing[0]}`, which is not declared")
                continue
            if names not in found:
                found.append(names)
        # Where credentials are optional, those that are given are sent.
        self.entry_.security = tuple(sorted((each for each in found), key=lambda names: not names))

    def _links(self, pointer: str) -> tuple[tuple[str, str], ...]:
        links = _map(_map(resolve(self.root, pointer)).get("links"))
        known = {each.parameter.name for each in self.entry_.arguments}
        for name in sorted(links):
            node = _map(follow(self.root, f"{pointer}/links/{escape(name)}")[1])
            same = node.get("operationId") == self.operation.operation_id is not None or unescape(
                str(node.get("operationRef", ""))
            ) == unescape(self.operation.pointer)
            if not same:
                continue
            pairs = []
            for parameter, expression in sorted(_map(node.get("parameters")).items()):
                bare = re.sub(r"^(query|header|path|cookie)\.", "", str(parameter))
                if (
                    isinstance(expression, str)
                    and re.match(r"\$response\.(body#/|header\.)", expression)
                    and bare in known
                ):
                    pairs.append((bare, expression))
            if pairs:
                return tuple(pairs)
        return ()


def _is_first(media: MediaType, declared: Any) -> bool:
    return declared is None or not declared.content or min(declared.content, key=_rank) is media


def _rank(media: MediaType) -> tuple[int, str]:
    kind = media.range.partition(";")[0].strip()
    order = 0 if kind == "application/json" else 1 if is_json(kind) else 4 if "*" in kind else 2
    return order, media.range


def _is_lines(kind: str) -> bool:
    return kind.rpartition("/")[2] in ("jsonl", "x-jsonl", "x-ndjson", "ndjson", "stream+json", "json-seq") or (
        kind.endswith(("+jsonl", "+json-seq"))
    )


def _is_structured(root: Mapping[str, Any], pointer: str) -> bool:
    schema = _map(behind(root, pointer)[1])
    return bool(schema.keys() & {"properties", "allOf", "oneOf", "anyOf", "items", "additionalProperties"})


def _properties(root: Mapping[str, Any], pointer: str, depth: int = 0) -> Iterator[tuple[str, Any]]:
    schema = _map(behind(root, pointer)[1])
    where = behind(root, pointer)[0]
    yield from _map(schema.get("properties")).items()
    if depth < 8:
        for keyword_ in ("allOf", "oneOf", "anyOf"):
            branches = schema.get(keyword_)
            for index in range(len(branches) if isinstance(branches, list) else 0):
                yield from _properties(root, f"{where}/{keyword_}/{index}", depth + 1)


def _about(node: Mapping[str, Any]) -> str:
    texts = [str(node.get(key) or "").strip() for key in ("summary", "description")]
    if texts[0] == texts[1]:
        texts = texts[:1]
    if node.get("deprecated") is True:
        texts.append("Deprecated.")
    return "\n\n".join(each for each in texts if each)


# --- schemas as types -------------------------------------------------------------------------------------------------


def behind(root: Mapping[str, Any], pointer: str) -> tuple[str, Any]:
    """The first schema on the way that is more than a reference, or is a component."""
    for _ in range(32):
        try:
            schema = resolve(root, pointer)
        except KeyError:
            return pointer, {}
        if is_component(pointer) or not isinstance(schema, dict) or not isinstance(schema.get("$ref"), str):
            return pointer, schema
        if schema.keys() - {"$ref"} - _SILENT:
            return pointer, schema
        pointer = schema["$ref"]
    return pointer, {}


def behind_value(root: Mapping[str, Any], schema: Any) -> Any:
    for _ in range(32):
        if not isinstance(schema, Mapping) or not isinstance(schema.get("$ref"), str):
            return schema
        try:
            schema = resolve(root, schema["$ref"])
        except KeyError:
            return {}
    return {}


def is_null_too(schema: Any) -> bool:
    """True for an object that may be null: its class cannot, so that each use of it says so."""
    if not isinstance(schema, Mapping):
        return False
    kinds = schema.get("type")
    if isinstance(kinds, list):
        return "null" in kinds and "object" in kinds
    return schema.get("nullable") is True and (kinds == "object" or "properties" in schema)


def is_component(pointer: str) -> bool:
    return pointer.startswith(SCHEMAS) and "/" not in pointer.removeprefix(SCHEMAS)


def written(
    root: Mapping[str, Any], pointer: str, schema: Any, named: Callable[[str], str], loose: bool, alone: bool
) -> str | None:
    """The type of a schema that needs no class; None for one that does.

    `loose` types are those of arguments, which are written and never read: limits of size are the server's to judge.
    `alone`: what stands beside a `$ref` means nothing.
    """
    if is_component(pointer) and not (loose and _is_scalar(schema)):
        return named(unescape(pointer.removeprefix(SCHEMAS)))
    if schema is True or schema == {}:
        return "Any"
    if not isinstance(schema, Mapping):
        return None
    reference = schema.get("$ref")
    if isinstance(reference, str):
        if not alone and schema.keys() - {"$ref"} - _SILENT:
            return None
        return written(root, *behind(root, reference), named, loose, alone) if reference != pointer else None
    meaning = {key for key in schema if key not in _SILENT and not key.startswith("x-")}
    if loose:
        meaning -= _SIZES
    kinds = schema.get("type")
    null = schema.get("nullable") is True
    if isinstance(kinds, list):
        null = null or "null" in kinds
        kinds = [each for each in kinds if each != "null"]
        if len(kinds) != 1:
            return None if kinds or not null or meaning != {"type"} else "None"
        kinds = kinds[0]
    meaning -= {"type", "nullable"}
    found = _plain(root, pointer, schema, kinds, meaning, named, loose, alone)
    if found is None:
        return None
    return f"{found} | None" if null and found != "Any" and not found.endswith("None") else found


def _plain(
    root: Mapping[str, Any],
    pointer: str,
    schema: Mapping[str, Any],
    kind: Any,
    meaning: set[str],
    named: Callable[[str], str],
    loose: bool,
    alone: bool,
) -> str | None:
    if "enum" in meaning or "const" in meaning:
        values = schema.get("enum", [schema.get("const")])
        if meaning - {"enum", "const", "format"} or not isinstance(values, list) or not values:
            return "str" if loose and kind == "string" else None
        if len(values) > _MOST_LITERALS or not all(isinstance(each, (str, int)) or each is None for each in values):
            return {"string": "str", "integer": "int", "number": "float"}.get(str(kind)) if loose else None
        return literal(values)
    match kind:
        case None:
            if not meaning:
                return "Any"
            for keyword_ in ("allOf", "anyOf", "oneOf"):
                branches = schema.get(keyword_)
                if meaning != {keyword_} or not isinstance(branches, list) or not branches:
                    continue
                if len(branches) == 1 or (loose and keyword_ != "allOf"):
                    texts = [
                        written(root, *behind(root, f"{pointer}/{keyword_}/{index}"), named, loose, alone)
                        for index in range(len(branches))
                    ]
                    if all(text is not None for text in texts):
                        parts = list(dict.fromkeys(part for text in texts for part in alternatives(str(text))))
                        return "Any" if "Any" in parts else " | ".join(parts)
            return None
        case "string":
            form = schema.get("format")
            if meaning - {"format"}:
                return "str" if loose else None
            if form in _TEXTS:
                return _TEXTS[str(form)] if loose else {"date-time": "AwareDatetime"}.get(str(form), _TEXTS[str(form)])
            if loose:
                return "str"
            return "StrictStr" if form in (None, "email", "password", "uri") else None
        case "integer":
            return None if meaning - {"format"} else "int" if loose else "StrictInt"
        case "number":
            return None if meaning - {"format"} else "float"
        case "boolean":
            return None if meaning else "bool" if loose else "StrictBool"
        case "array":
            if meaning - {"items"}:
                return None
            if "items" not in meaning:
                return "list[Any]"
            inner = written(root, *behind(root, f"{pointer}/items"), named, loose, alone)
            return f"list[{inner}]" if inner is not None else None
        case "object":
            if meaning - {"additionalProperties"}:
                return None
            extra = schema.get("additionalProperties", True)
            if extra is True or extra == {}:
                return "dict[str, Any]"
            if not isinstance(extra, Mapping):
                return None
            inner = written(root, *behind(root, f"{pointer}/additionalProperties"), named, loose, alone)
            return f"dict[str, {inner}]" if inner is not None else None
    return None


def _is_scalar(schema: Any) -> bool:
    """True for a text or number that needs no class to be given."""
    return (
        isinstance(schema, Mapping)
        and schema.get("type") in ("string", "integer", "number", "boolean")
        and not schema.keys() & {"enum", "const", "allOf", "anyOf", "oneOf", "not", "if", "$ref"}
    )


def alternatives(kind: str) -> list[str]:
    """The parts of a union; what stands in brackets or quotes belongs to its part.

    >>> alternatives('list[int | None] | Literal["a | b"] | None')
    ['list[int | None]', 'Literal["a | b"]', 'None']
    """
    parts, depth, start = [], 0, 0
    for found in re.finditer(r'"(?:[^"\\]|\\.)*"|[\[\]|]', kind):
        mark = found[0]
        depth += (mark == "[") - (mark == "]")
        if mark == "|" and depth == 0:
            parts.append(kind[start : found.start()].strip())
            start = found.end()
    return [*parts, kind[start:].strip()]


def literal(values: Sequence[Any]) -> str:
    """`Literal[…]` of texts, whole numbers, booleans and null; each once."""
    return f"Literal[{', '.join(dict.fromkeys(text(each) for each in values))}]"


def text(value: Any) -> str:
    """A constant as Python writes it, in ASCII and within double quotes."""
    if isinstance(value, str):
        inner = encode_basestring_ascii(value)
        if "\\ud" not in inner:
            return inner
        # JSON's surrogate pairs are one character for Python; a lone one stays as it is.
        return re.sub(
            r"\\u(d[89ab][0-9a-f]{2})\\u(d[c-f][0-9a-f]{2})",
            lambda found: f"\\U{0x10000 + ((int(found[1], 16) - 0xD800) << 10) + int(found[2], 16) - 0xDC00:08x}",
            inner,
        )
    return repr(value)


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
