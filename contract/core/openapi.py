"""The contract: one description's operations, which of them a request belongs to, and what each declares."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import islice, product
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

from contract.core import parameters
from contract.core.bodies import NOTHING, Content, Judged, nested_too_deep, read
from contract.core.document import Document, escape, resolve
from contract.core.evidence import Exchange, Request, header, worked_out
from contract.core.finding import fold
from contract.core.router import Router
from contract.core.schema import Schemas

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace", "query")
"""The fixed fields of a Path Item Object that hold operations (OpenAPI 3.2, 4.9)."""

PREFIX = re.compile(r"api|rest|v?\d+(?:\.\d+)*|public|private|internal", re.IGNORECASE)
_RANGE = re.compile(r"[1-5]XX$", re.IGNORECASE)
_MOVES = frozenset({301, 302, 307, 308})
OF_THE_SERVER = frozenset({405, 408, 413, 414, 417, 421, 425, 426, 429, 431})
"""Statuses that a server or a gateway gives in front of every operation, unless the operation declares the number."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A declared parameter with its defaults filled in (OpenAPI 3.1, 4.8.12)."""

    name: str
    location: str  # "path", "query", "header", "cookie"
    required: bool
    style: str
    explode: bool
    pointer: str
    schema: str | None
    """Pointer of its schema; None if it has none, or only `content`."""
    content: str | None = None
    """The media type of `content`, where the parameter is serialised by one."""
    allow_empty: bool = False

    @property
    def label(self) -> str:
        """`query:limit`, as everywhere else."""
        return f"{self.location}:{self.name}"


@dataclass(frozen=True, slots=True)
class MediaType:
    """One entry of a `content` map."""

    range: str  # as declared, lower case: "application/json", "image/*"
    pointer: str
    schema: str | None  # pointer
    item: str | None = None  # pointer of `itemSchema`, where the content is a stream (OpenAPI 3.2, 4.14.2)


@dataclass(frozen=True, slots=True)
class DeclaredResponse:
    """One entry of `responses`."""

    key: str  # "200", "2XX", "default"
    pointer: str
    content: tuple[MediaType, ...]
    headers: tuple[Parameter, ...]

    def media(self, media_type: str | None) -> MediaType | None:
        """The entry for a media type: the exact one, then `type/*`, then `*/*` (OpenAPI 3.1, 4.8.17)."""
        return pick_media(self.content, media_type)


@dataclass(frozen=True, slots=True)
class RequestBody:
    pointer: str
    required: bool
    content: tuple[MediaType, ...]

    def media(self, media_type: str | None) -> MediaType | None:
        return pick_media(self.content, media_type)


def pick_media(content: Sequence[MediaType], media_type: str | None) -> MediaType | None:
    """The most specific entry that covers a media type, whatever their order; None if none does.

    Parameters choose between entries of one type, where they are given (`application/json; version=2`); an entry that
    is alone covers its type with any. What is sent without a type may be of any (RFC 9110, 8.3): only `*/*` covers it.
    """
    bare, _, parameters = (media_type or "").partition(";")
    bare = bare.strip().lower()
    kind = bare.partition("/")[0]
    exact: list[MediaType] = []
    best: MediaType | None = None
    for entry in content:
        declared = entry.range.partition(";")[0].strip()
        if declared == bare:
            exact.append(entry)
        elif (declared == f"{kind}/*" and (best is None or best.range.startswith("*"))) or (
            declared == "*/*" and best is None
        ):
            best = entry
    if len(exact) < 2:
        return exact[0] if exact else best
    sent = _parameters(parameters)
    fitting = [entry for entry in exact if _parameters(entry.range.partition(";")[2]) <= sent]
    return max(fitting, key=lambda entry: entry.range.count(";")) if fitting else exact[0] if not sent else best


def _parameters(text: str) -> set[tuple[str, str]]:
    """Names and values of a media type's parameters, names without case, quotes taken off (RFC 9110, 5.6.6)."""
    pairs = (part.partition("=") for part in text.split(";") if part.strip())
    return {(name.strip().lower(), value.strip().strip('"').lower()) for name, _, value in pairs}


class Operation:
    """One operation of the contract, everything below it resolved when it is first asked for."""

    def __init__(
        self,
        schemas: Schemas,
        root: Mapping[str, Any],
        method: str,
        path: str,
        pointer: str,
        item: str,
        bases: tuple[str, ...],
    ) -> None:
        self.schemas = schemas
        self.root = root
        self.method = method
        self.path = path
        self.key = f"{method} {path}"
        """`GET /tasks/{id}`, the path as the document writes it."""
        self.pointer = pointer
        self.item_pointer = item
        self.base_paths = bases
        self.served_path = path
        """The path as it is asked: with a slash at its end, or without, where the server redirects to that."""
        self.raw: Mapping[str, Any] = resolve(root, pointer)
        self._answered: tuple[Exchange, Answer] | None = None
        self._media: dict[tuple[str, str | None], MediaType | None] = {}
        self._asked: tuple[Exchange, Mapping[str, str]] | None = None

    def __repr__(self) -> str:
        return f"Operation({self.key})"

    @cached_property
    def identity(self) -> str:
        """The operation in fingerprints: method, first base path and template, parameter names folded."""
        return fold(f"{self.method} {self.base_paths[0]}{self.path}")

    @property
    def operation_id(self) -> str | None:
        value = self.raw.get("operationId")
        return value if isinstance(value, str) else None

    @property
    def tags(self) -> tuple[str, ...]:
        return tuple(tag for tag in _list(self.raw.get("tags")) if isinstance(tag, str))

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        """Those of the path item and of the operation; the latter win by (name, location)."""
        found: dict[tuple[str, str], Parameter] = {}
        for owner in (self.item_pointer, self.pointer):
            try:
                entries = _list(resolve(self.root, owner).get("parameters"))
            except KeyError:
                continue
            for index in range(len(entries)):
                where, node = follow(self.root, f"{owner}/parameters/{index}")
                parameter = _parameter(where, node)
                if parameter is not None:
                    found[parameter.name, parameter.location] = parameter
        return tuple(found.values())

    @cached_property
    def spans(self) -> frozenset[str]:
        """Path parameters whose values may hold slashes, as far as the document says so.

        OpenAPI before 3.2 cannot say it (3.1, 4.8.12.1), so documents do it by an extension, by an example, by a
        pattern, or in the template itself: `{+path}`, `{path*}`, `{path:path}`.
        """
        found = {name for name in re.findall(r"\{([^{}]*)\}", self.path) if re.match(r"\+|.*(\*|:path)$", name)}
        for parameter in self.parameters:
            if parameter.location != "path":
                continue
            node = resolve(self.root, parameter.pointer)
            schema = _map(node.get("schema"))
            shown = [owner.get("example") for owner in (node, schema)]
            if (
                node.get("allowReserved") is True
                or node.get("x-multi-segment") is True
                or any(isinstance(value, str) and "/" in value.strip("/") for value in shown)
                or _takes_slashes(schema.get("pattern"))
            ):
                found.add(parameter.name)
        return frozenset(found)

    @cached_property
    def request_body(self) -> RequestBody | None:
        if "requestBody" not in self.raw:
            return None
        where, node = follow(self.root, f"{self.pointer}/requestBody")
        if not isinstance(node, Mapping):
            return None
        return RequestBody(where, node.get("required") is True, _content(self.root, where, node))

    @cached_property
    def responses(self) -> dict[str, DeclaredResponse]:
        """By key as written, ranges in upper case, in the document's order."""
        result: dict[str, DeclaredResponse] = {}
        for key in _map(self.raw.get("responses")):
            if str(key).startswith("x-"):
                continue
            where, node = follow(self.root, f"{self.pointer}/responses/{escape(str(key))}")
            name = str(key).upper() if _RANGE.match(str(key)) else str(key)
            if isinstance(node, Mapping):
                result[name] = DeclaredResponse(
                    name, where, _content(self.root, where, node), _headers(self.root, where, node)
                )
        return result

    @cached_property
    def has_headers(self) -> bool:
        """True if any response declares headers."""
        return any(declared.headers for declared in self.responses.values())

    def response(self, status: int) -> DeclaredResponse | None:
        """What covers a status: its code, then its range, then `default` (OpenAPI 3.1, 4.8.16)."""
        declared = self.responses
        return declared.get(str(status)) or declared.get(f"{status // 100}XX") or declared.get("default")

    def media(self, declared: DeclaredResponse, content_type: str | None) -> MediaType | None:
        """`declared.media`, remembered: a server sends few types."""
        key = (declared.pointer, content_type)
        if key not in self._media:
            if len(self._media) > 256:  # they are the server's to choose
                self._media.clear()
            self._media[key] = declared.media(content_type)
        return self._media[key]

    @cached_property
    def security(self) -> tuple[Mapping[str, Any], ...] | None:
        """The alternatives that apply: the operation's own or the document's; None if nothing is declared."""
        value = self.raw.get("security", self.root.get("security"))
        return tuple(entry for entry in value if isinstance(entry, Mapping)) if isinstance(value, list) else None

    def security_scheme(self, name: str) -> Mapping[str, Any]:
        """The Security Scheme Object of that name; empty if there is none."""
        node = follow(self.root, f"#/components/securitySchemes/{escape(name)}")[1]
        return node if isinstance(node, Mapping) else {}

    def asked(self, exchange: Exchange, path_values: Mapping[str, str]) -> None:
        """Keeps what matching the path found, for the rules that look at the exchange next."""
        self._asked = (exchange, path_values)

    def path_values(self, exchange: Exchange) -> Mapping[str, str]:
        """The values of the path's parameters, percent-decoded; empty where the path is none of the operation's."""
        if self._asked is None or self._asked[0] is not exchange:
            found = None
            for base in self.base_paths:
                for path in dict.fromkeys((self.served_path, self.path)):
                    found = found or _template(base + path).fullmatch(exchange.request.path)
            names = re.findall(r"\{([^{}]*)\}", self.path)
            values = [unquote(text) for text in found.groups()][-len(names) :] if found is not None and names else []
            self._asked = (exchange, dict(zip(names, values, strict=False)))
        return self._asked[1]

    def settles(self, exchange: Exchange) -> bool:
        """True for a redirect to the same path but for the slash at its end: from now on the operation is asked there.

        Routers redirect so, whatever the operation is, and clients follow (RFC 9110, 15.4). What the document declares
        of a redirect is an answer of its own.
        """
        answer, path = exchange.response, exchange.request.path
        if answer is None or answer.status not in _MOVES or self.served_path != self.path:
            return False
        if str(answer.status) in self.responses or path.endswith("/") != self.path.endswith("/"):
            return False
        other = path[:-1] if path.endswith("/") else f"{path}/"
        target = urlsplit(urljoin(f"http://zq7{path}", header(answer.headers, "location") or "")).path
        if target != other or len(other) < 2:
            return False
        if not any(_template(base + self.path).fullmatch(path) for base in self.base_paths):
            return False
        self.served_path = self.path[:-1] if self.path.endswith("/") else f"{self.path}/"
        return True

    def answer(self, exchange: Exchange) -> Answer:
        """What the document says of an exchange's answer, worked out once for all rules."""
        if self._answered is None or self._answered[0] is not exchange:
            self._answered = (exchange, Answer(self, exchange))
        return self._answered[1]


class Answer:
    """The answer of one exchange beside what its operation declares for it."""

    def __init__(self, operation: Operation, exchange: Exchange) -> None:
        assert exchange.response is not None
        self.response = exchange.response
        declared, status = operation.response(exchange.response.status), exchange.response.status
        of_the_server = declared is not None and status in OF_THE_SERVER and declared.key != str(status)
        self.declared = None if of_the_server else declared
        """What the operation promises of it: a range or `default` promises nothing for a rate limiter's answer."""
        self._operation, self._schemas = operation, operation.schemas
        self._head = exchange.request.method.upper() == "HEAD"

    @property
    def has_body(self) -> bool:
        """False for what ends with its header section (RFC 9110, 6.4.1), whatever the document declares."""
        return not self._head and self.response.status >= 200 and self.response.status not in (204, 304)

    @worked_out
    def media(self) -> MediaType | None:
        """The declared media type that covers the answer's."""
        return self._operation.media(self.declared, self.response.content_type) if self.declared is not None else None

    @worked_out
    def content(self) -> Content:
        """What the body says, read by its media type; nothing where there is none to judge."""
        if not self.has_body or self.response.truncated or self.declared is None:
            return NOTHING
        last = self._schemas.read
        if (
            last is not None
            and last[0] is self.response
            and self.media is not None
            and self.media.schema is not None
            and not nested_too_deep(self.response.body, last[1])
        ):
            return Content((Judged(self.media.schema, last[1]),))
        return read(self._schemas, self.media, self.response.content_type, self.response.body, "response")


class Contract:
    """One resolved description. `base_path` replaces what `servers` say, for a target that lies elsewhere."""

    def __init__(self, document: Document, base_path: str | None = None) -> None:
        self.document = document
        self.root = document.value
        self.base_path = None if base_path is None else base_path.rstrip("/")

    @cached_property
    def schemas(self) -> Schemas:
        return Schemas(self.document)

    @cached_property
    def operations(self) -> tuple[Operation, ...]:
        """In the document's order. Webhooks and callbacks are not ours to serve, and left out."""
        return tuple(self._operations())

    def _operations(self) -> Iterator[Operation]:
        for path in _map(self.root.get("paths")):
            if not isinstance(path, str) or not path.startswith("/"):
                continue
            where, item = follow(self.root, f"#/paths/{escape(path)}")
            if not isinstance(item, Mapping):
                continue
            bases = self._bases(item)
            for name in item:
                if name in METHODS and isinstance(item[name], Mapping):
                    own = self._bases(item, item[name]) if "servers" in item[name] else bases
                    yield Operation(self.schemas, self.root, name.upper(), path, f"{where}/{name}", where, own)
            for name, node in _map(item.get("additionalOperations")).items():
                if isinstance(node, Mapping):
                    pointer = f"{where}/additionalOperations/{escape(name)}"
                    yield Operation(self.schemas, self.root, name, path, pointer, where, self._bases(item, node))

    def _bases(self, *owners: Mapping[str, Any]) -> tuple[str, ...]:
        if self.base_path is not None:
            return (self.base_path,)
        for owner in (*reversed(owners), self.root):
            servers = owner.get("servers")
            if isinstance(servers, list) and servers:
                found = tuple(dict.fromkeys(base for server in servers for base in _server_paths(server)))
                if found:
                    return found
        return ("",)

    @cached_property
    def by_key(self) -> dict[str, Operation]:
        return {operation.key: operation for operation in self.operations}

    @cached_property
    def router(self) -> Router[Operation]:
        """Every operation under each of its base paths."""
        made: Router[Operation] = Router(_takes)
        for operation in self.operations:
            names = tuple(re.findall(r"\{([^{}]*)\}", operation.path))
            for base in operation.base_paths:
                made.add(operation.method, base + operation.path, operation, names, operation.spans)
        return made

    @cached_property
    def prefix(self) -> str:
        """Where the API lies, `/api/v1/`: what all base paths begin with, and what looks like one in all templates."""
        common: list[str] | None = None
        for operation in self.operations:
            for base in operation.base_paths:
                parts = base.split("/")[1:]
                for part in operation.path.split("/")[1:-1]:
                    if not PREFIX.fullmatch(part):
                        break  # a collection, and there may be others
                    parts.append(part)
                if common is None:
                    common = parts
                while common != parts[: len(common)]:
                    common.pop()
        return "/" + "".join(f"{part}/" for part in common or ())

    def moved(
        self, method: str, path: str
    ) -> tuple[Operation | None, tuple[str, ...], tuple[str, ...], frozenset[str]] | None:
        """As the router finds it, for a path that the server has moved by the slash at its end; None for all others."""
        if len(path) < 2:
            return None
        found = self.router.find(method, path[:-1] if path.endswith("/") else f"{path}/")
        return found if found is not None and found[0] is not None and found[0].served_path != found[0].path else None

    def settle(self, method: str, path: str) -> None:
        """Takes it from an earlier run that the server has moved an operation by the slash at the end of its path."""
        if len(path) < 2 or self.match(method, path) is not None:
            return
        found = self.router.find(method.upper(), path[:-1] if path.endswith("/") else f"{path}/")
        if found is not None and found[0] is not None:
            own = found[0].path
            found[0].served_path = own[:-1] if own.endswith("/") else f"{own}/"

    def match(self, method: str, path: str) -> Match | None:
        """The operation that a request belongs to, static segments before templated ones (OpenAPI 3.1, 4.8.8).

        `path` is as it went over the wire. None if no path of the document covers it; where one does and the method
        does not, `operation` is None.
        """
        found = self.router.find(method.upper(), path)
        if found is None or found[0] is None:
            found = self.moved(method.upper(), path) or found
        return None if found is None else Match(found[0], dict(zip(found[1], found[2], strict=True)), found[3])


def _takes(operation: Operation, names: tuple[str, ...], values: tuple[str, ...]) -> bool:
    """True if the values keep the schemas of the path's parameters."""
    texts = dict(zip(names, values, strict=True))
    request = Request(operation.method, operation.path)
    return not any(
        True
        for parameter in operation.parameters
        if parameter.location == "path"
        for _ in parameters.parameter_errors(operation, parameter, request, texts)
    )


@dataclass(frozen=True, slots=True)
class Match:
    operation: Operation | None
    path_parameters: Mapping[str, str]  # percent-decoded once, as they are compared and validated
    methods: frozenset[str]  # that the matched path declares


def _takes_slashes(pattern: object) -> bool:
    """True for a pattern that names the slash, or takes anything."""
    if not isinstance(pattern, str):
        return False
    return "/" in re.sub(r"\[\^[^\]]*\]", "", pattern) or re.fullmatch(r"\^?\(?\.[*+]\)?\$?", pattern) is not None


@cache
def _template(path: str) -> re.Pattern[str]:
    return re.compile("(.+)".join(re.escape(text) for text in re.split(r"\{[^{}]*\}", path)))


_MOST_BASES = 64
"""Base paths that one server's variables may make."""


def _server_paths(server: Any) -> Iterator[str]:
    """The paths of a server: with its variables at their defaults, then at the others of their enums (3.1, 4.8.6)."""
    if not isinstance(server, Mapping) or not isinstance(server.get("url"), str):
        return
    variables = _map(server.get("variables"))
    url = server["url"]
    authority = re.match(r"[^/]*//[^/]*", url)
    names = list(dict.fromkeys(re.findall(r"\{([^{}]*)\}", url)))
    choices: list[list[str]] = []
    for name in names:
        variable = _map(variables.get(name))
        listed = [variable.get("default")]
        if authority is None or f"{{{name}}}" in url[authority.end() :]:
            listed += _list(variable.get("enum"))
        choices.append(list(dict.fromkeys(str(value) for value in listed if value is not None)) or [f"{{{name}}}"])
    for values in islice(product(*choices), _MOST_BASES):
        made = url
        for name, value in zip(names, values, strict=True):
            made = made.replace(f"{{{name}}}", value)
        path = urlsplit(made).path if "://" in made or made.startswith("//") else made.partition("?")[0]
        path = path.rstrip("/")
        yield path if not path or path.startswith("/") else f"/{path}"


def follow(root: Mapping[str, Any], where: str) -> tuple[str, Any]:
    """Pointer and value behind a chain of `$ref`s; a chain that leads nowhere or in a circle gives None."""
    seen: set[str] = set()
    try:
        node = resolve(root, where)
        while isinstance(node, Mapping) and isinstance(node.get("$ref"), str) and where not in seen:
            seen.add(where)
            target = node["$ref"]
            if not target.startswith("#"):
                return where, None
            where, node = target, resolve(root, target)
    except KeyError:
        return where, None
    return (where, None) if where in seen else (where, node)


def _parameter(where: str, node: Any, location: str | None = None, name: str | None = None) -> Parameter | None:
    if not isinstance(node, Mapping):
        return None
    place = location or node.get("in")
    label = name if name is not None else node.get("name")
    if not isinstance(label, str) or not isinstance(place, str):
        return None
    style = node.get("style")
    if not isinstance(style, str):
        style = "form" if place in ("query", "cookie") else "simple"
    explode = node.get("explode")
    content = next(iter(_map(node.get("content"))), None)
    schema = f"{where}/schema" if isinstance(node.get("schema"), (Mapping, bool)) else None
    if content is not None and isinstance(_map(node["content"][content]).get("schema"), (Mapping, bool)):
        schema = f"{where}/content/{escape(content)}/schema"
    return Parameter(
        name=label,
        location=place,
        required=node.get("required") is True or place == "path",
        style=style,
        explode=explode if isinstance(explode, bool) else style == "form",
        pointer=where,
        schema=schema,
        content=content,
        allow_empty=node.get("allowEmptyValue") is True,
    )


def _headers(root: Mapping[str, Any], where: str, node: Mapping[str, Any]) -> tuple[Parameter, ...]:
    found = []
    for name in _map(node.get("headers")):
        if name.lower() == "content-type":
            continue  # described by `content` (OpenAPI 3.1, 4.8.17)
        place, header = follow(root, f"{where}/headers/{escape(name)}")
        parameter = _parameter(place, header, "header", name)
        if parameter is not None:
            found.append(parameter)
    return tuple(found)


def _content(root: Mapping[str, Any], where: str, node: Mapping[str, Any]) -> tuple[MediaType, ...]:
    found = []
    for name in _map(node.get("content")):
        # In 3.2 a Media Type Object may be a reference.
        place, entry = follow(root, f"{where}/content/{escape(name)}")
        if isinstance(entry, Mapping):
            schema, item = (
                f"{place}/{key}" if isinstance(entry.get(key), (Mapping, bool)) else None
                for key in ("schema", "itemSchema")
            )
            found.append(MediaType(name.lower(), place, schema, item))
    return tuple(found)


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def operation_of(contract: Contract, pointer: str) -> str | None:
    """Key of the operation that a place of the document lies in; None outside of `paths`."""
    found = re.match(r"#/paths/[^/]*/[^/]*", pointer)
    if found is None:
        return None
    return next((operation.key for operation in contract.operations if operation.pointer == found[0]), None)
