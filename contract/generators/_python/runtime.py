"""What the operations of this client have in common: how a request is written, sent, tried again, and its answer read.

`Client` and `AsyncClient` send what the functions of `api` describe:

    with Client("https://api.example.com") as client:
        task = client.send(tasks.get_task(id=17))  # the body of a success, or an error is raised
        answer = client.answer(tasks.get_task(id=17))  # whatever the document declares, errors too
"""

# Values are JSON, whose members nobody can know; what is given and gets out is typed.
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false, reportUnknownMemberType=false

from __future__ import annotations

import asyncio
import base64
import json
import re
import time
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Generator,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from datetime import time as clock_time
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import Any, ClassVar, Final, Generic, Literal, NamedTuple, Self, TypeAlias, TypeVar, cast, overload
from urllib.parse import quote, unquote, urljoin, urlsplit
from uuid import uuid4

import httpx2
from pydantic import BaseModel, RootModel, TypeAdapter, ValidationError

Result_co = TypeVar("Result_co", covariant=True)
Answer_co = TypeVar("Answer_co", covariant=True)
Item_co = TypeVar("Item_co", covariant=True)
Status_co = TypeVar("Status_co", bound=int, covariant=True)
Body_co = TypeVar("Body_co", covariant=True)
AuthT = TypeVar("AuthT", bound=Mapping[str, object])


class Unset(Enum):
    """The type of UNSET: what is left out of a request."""

    UNSET = "unset"


class FromClient(Enum):
    """The type of FROM_CLIENT: a header that the client's own `headers` give."""

    FROM_CLIENT = "from the client"


UNSET: Final = Unset.UNSET
FROM_CLIENT: Final = FromClient.FROM_CLIENT
Secret: TypeAlias = str | tuple[str, str] | Callable[[], str]
"""A token or key; name and password for HTTP Basic; or what gives the token each time it is needed."""
Content: TypeAlias = bytes | str | Iterable[bytes]
"""A body that is sent as it is; an iterable is sent in chunks, and never a second time."""


@dataclass(frozen=True)
class File:
    """One part of a multipart body (RFC 7578), with the name and media type that a model has no place for."""

    content: bytes | str
    name: str | None = None
    media_type: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


class Raw(NamedTuple):
    """A body that is written already, in the media type that is sent: JSON that must arrive byte for byte."""

    content: bytes


Parts: TypeAlias = Mapping[str, File | str | bytes | Sequence[File | str | bytes]]


# --- what the document says -------------------------------------------------------------------------------------------


class Parameter(NamedTuple):
    """A parameter and how it is written (OpenAPI 3.1, 4.8.12)."""

    name: str
    place: str
    style: str
    explode: bool
    media: str | None = None
    reserved: bool = False


class Encoding(NamedTuple):
    """How one field of a form is written (OpenAPI 3.1, 4.8.15)."""

    media: str | None = None
    style: str | None = None
    explode: bool = True
    reserved: bool = False
    file: bool = False


class Body(NamedTuple):
    """One media type of a request body and the type of what is given for it."""

    media: str
    type: Any
    fields: Mapping[str, Encoding] = {}


class Link(NamedTuple):
    """A parameter of the next page, and where the answer says it: `$response.body#/next`."""

    parameter: str
    expression: str


class Operation:
    """What the document declares of one operation."""

    __slots__ = (
        "_adapters",
        "accept",
        "answers",
        "bodies",
        "id",
        "item",
        "links",
        "method",
        "parameters",
        "path",
        "security",
        "server",
    )

    def __init__(
        self,
        id: str,
        method: str,
        path: str,
        *,
        parameters: tuple[Parameter, ...] = (),
        bodies: tuple[Body, ...] = (),
        answers: Mapping[str, Mapping[str, Any]],
        security: tuple[tuple[str, ...], ...] = (),
        server: str | None = None,
        links: tuple[Link, ...] = (),
        item: Any = None,
    ) -> None:
        self.id = id
        self.method = method
        self.path = path
        self.parameters = parameters
        self.bodies = bodies
        self.answers = answers
        self.security = security
        self.server = server
        self.links = links
        self.item = item
        media = dict.fromkeys(media for entry in answers.values() for media in entry)
        self.accept = ", ".join(sorted(media, key=lambda each: not _is_json(each))) or "*/*"
        self._adapters: dict[int, TypeAdapter[Any]] = {}

    def adapter(self, kind: Any) -> TypeAdapter[Any]:
        """What reads and writes a type, made when it is first needed."""
        found = self._adapters.get(id(kind))
        if found is None:
            found = self._adapters[id(kind)] = TypeAdapter(kind)
        return found

    def declared(self, status: int) -> tuple[str, Mapping[str, Any]] | None:
        """The entry that covers a status: its code, its range, `default` (OpenAPI 3.1, 4.8.16)."""
        for key in (str(status), f"{status // 100}XX", "default"):
            if key in self.answers:
                return key, self.answers[key]
        return None


class Call(Generic[Result_co, Answer_co]):
    """One request that is yet to be sent."""

    __slots__ = ("body", "media", "operation", "values")

    def __init__(
        self,
        operation: Operation,
        values: tuple[Any, ...] = (),
        body: Any = UNSET,
        media: str | None = None,
    ) -> None:
        self.operation = operation
        self.values = values
        self.body = body
        self.media = media


class PagedCall(Call[Result_co, Answer_co]):
    """A call whose answer says where the next page is."""

    __slots__ = ()


class StreamCall(Call[Result_co, Answer_co], Generic[Result_co, Answer_co, Item_co]):
    """A call whose answer is a stream of items."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Answer(Generic[Status_co, Body_co]):
    """An answer that the document declares."""

    status: Status_co
    body: Body_co
    headers: httpx2.Headers
    response: httpx2.Response


class Event(NamedTuple):
    """One server-sent event (HTML standard, 9.2.6)."""

    data: str
    event: str = "message"
    id: str | None = None
    retry: int | None = None


@dataclass(frozen=True)
class Exchange:
    """One request with its answer, without credentials: what a contract checker can be given."""

    method: str
    url: str
    request_headers: tuple[tuple[str, str], ...]
    request_body: bytes | None
    status: int
    response_headers: tuple[tuple[str, str], ...]
    response_body: bytes
    operation: str
    pointer: str
    reason: str

    def to_json(self) -> str:
        """One line of the format `exchange/v1`."""
        return json.dumps(
            {
                "method": self.method,
                "url": self.url,
                "request_headers": self.request_headers,
                "request_body": _recorded(self.request_body),
                "status": self.status,
                "response_headers": self.response_headers,
                "response_body": _recorded(self.response_body),
            }
        )


def _recorded(body: bytes | None) -> Any:
    if body is None:
        return None
    try:
        return body.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(body).decode()}


# --- errors -----------------------------------------------------------------------------------------------------------


class ApiError(Exception):
    """Whatever this client raises."""


class RequestError(ApiError):
    """A value that cannot be written into the request; nothing was sent."""


class TransportError(ApiError):
    """No answer came."""


class DecodeError(ApiError):
    """An answer that does not fit the document. `pointer` is the place in its body, as a JSON Pointer."""

    def __init__(self, operation: str, status: int, pointer: str, reason: str, response: httpx2.Response) -> None:
        super().__init__(f"{operation}: {status}: {pointer or 'the body'}: {reason}")
        self.operation = operation
        self.status = status
        self.pointer = pointer
        self.reason = reason
        self.response = response


class StatusError(ApiError):
    """An answer that is no success. `body` is of the type that the document declares, None for an undeclared status."""

    def __init__(self, operation: str, status: int, body: Any, response: httpx2.Response) -> None:
        super().__init__(f"{operation}: {status} {response.reason_phrase}".rstrip())
        self.operation = operation
        self.status = status
        self.body = body
        self.response = response


class UndeclaredStatus(StatusError):
    """A status that the document does not declare."""


class ClientFault(StatusError):
    """4xx."""


class ServerFault(StatusError):
    """5xx."""


class Unauthorized(ClientFault):
    """401."""


class Forbidden(ClientFault):
    """403."""


class NotFound(ClientFault):
    """404."""


class Conflict(ClientFault):
    """409."""


class Unprocessable(ClientFault):
    """422."""


class TooManyRequests(ClientFault):
    """429."""


_FAULTS: Final[Mapping[int, type[StatusError]]] = {
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    422: Unprocessable,
    429: TooManyRequests,
}


def _fault(status: int) -> type[StatusError]:
    found = _FAULTS.get(status)
    return found or (ClientFault if 400 <= status < 500 else ServerFault if status >= 500 else StatusError)


# --- writing a request ------------------------------------------------------------------------------------------------

_DELIMITERS = {"spaceDelimited": "%20", "pipeDelimited": "%7C"}
_RESERVED = "!#$&'()*+,/:;=?@[]%"  # RFC 3986, 2.2, and what is percent-encoded already
_HEADER_SAFE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")


def plain(value: Any) -> Any:
    """A value as JSON has it: models by their aliases, UUIDs and dates as text, enums as what they stand for."""
    if value is None or type(value) in (str, int, float, bool):
        return value
    if isinstance(value, RootModel):
        return plain(value.root)
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", by_alias=True, exclude_unset=True)
    if isinstance(value, Enum):
        return plain(value.value)
    if isinstance(value, Mapping):
        return {str(plain(key)): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    if isinstance(value, (datetime, date, clock_time)):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    return TypeAdapter(type(value)).dump_python(value, mode="json")


def _text(value: Any) -> str:
    """A scalar as a parameter has it: `true`, not `True`; nothing for null."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e16:
        return str(int(value))
    if isinstance(value, (int, float)):
        return str(value)
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _encoded(parameter: Parameter, text: str) -> str:
    if parameter.place in ("header", "cookie"):
        return text
    if not parameter.reserved:
        return quote(text, safe="")
    # `#` would end the query, `&` the field, and `+` is read as a space in one.
    reserved = _RESERVED if parameter.place == "path" else re.sub("[&+]", "", _RESERVED)
    return quote(text, safe=re.sub("[#?]" if parameter.place == "path" else "#", "", reserved))


def write(parameter: Parameter, given: Any) -> list[str]:
    """A value in the style of its parameter: one text, or one `name=text` for each field of a query or cookie."""
    value = plain(given)
    fields = parameter.place in ("query", "querystring", "cookie")
    name = quote(parameter.name, safe="[]") if fields else parameter.name
    if parameter.place == "querystring":
        if isinstance(value, Mapping) and not _is_json(parameter.media or ""):
            return _pairs(value)
        return [quote(json.dumps(value), safe="") if _is_json(parameter.media or "") else _text(value)]
    if parameter.media is not None:
        text = json.dumps(value, ensure_ascii=parameter.place == "header", separators=(",", ":"))
        text = text if _is_json(parameter.media) else _text(value)
        return [f"{name}={quote(text, safe='')}"] if fields else [_encoded(parameter, text)]
    if isinstance(value, Mapping):
        return _write_object(parameter, name, value)
    if isinstance(value, list):
        texts = [_encoded(parameter, _text(item)) for item in value]
        if fields:
            if parameter.explode or parameter.style == "deepObject":
                return [f"{name}={text}" for text in texts]
            return [f"{name}={_DELIMITERS.get(parameter.style, ',').join(texts)}"]
        if parameter.style == "matrix" and parameter.explode:
            return ["".join(f";{name}={text}" for text in texts)]
        joined = ("." if parameter.style == "label" and parameter.explode else ",").join(texts)
    else:
        joined = _encoded(parameter, _text(value))
        if fields:
            return [f"{name}={joined}"]
    return [{"label": f".{joined}", "matrix": f";{name}={joined}"}.get(parameter.style, joined)]


def _write_object(parameter: Parameter, name: str, value: Mapping[str, Any]) -> list[str]:
    if parameter.style == "deepObject":
        return [f"{name}{key}={_encoded(parameter, _text(item))}" for key, item in _deep(value)]
    pairs = [(_encoded(parameter, key), _encoded(parameter, _text(item))) for key, item in value.items()]
    if parameter.explode:
        joined = [f"{key}={text}" for key, text in pairs]
        if parameter.place in ("query", "cookie"):
            return [
                f"{_encoded(parameter, key)}={_encoded(parameter, _text(each))}"
                for key, item in value.items()
                for each in (item if isinstance(item, list) else [item])
            ]
        return [
            {"label": "." + ".".join(joined), "matrix": ";" + ";".join(joined)}.get(parameter.style, ",".join(joined))
        ]
    delimiter = _DELIMITERS.get(parameter.style, ",") if parameter.place in ("query", "cookie") else ","
    text = delimiter.join(each for pair in pairs for each in pair)
    if parameter.place in ("query", "cookie"):
        return [f"{name}={text}"]
    return [{"label": f".{text}", "matrix": f";{name}={text}"}.get(parameter.style, text)]


def _deep(value: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for key, item in value.items():
        place = f"{above}[{quote(key, safe='')}]"
        if isinstance(item, Mapping):
            yield from _deep(item, place)
        else:
            for each in item if isinstance(item, list) else [item]:
                yield place, each


def _pairs(value: Mapping[str, Any]) -> list[str]:
    return [
        f"{quote(key, safe='[]')}={quote(_text(each), safe='')}"
        for key, item in value.items()
        for each in (item if isinstance(item, list) else [item])
    ]


def _form(body: Body, value: Mapping[str, Any]) -> bytes:
    out: list[str] = []
    for name, item in value.items():
        encoding = body.fields.get(name)
        if encoding is not None and encoding.style is not None:
            field = Parameter(name, "query", encoding.style, encoding.explode, None, encoding.reserved)
            out += write(field, item)
            continue
        for each in item if isinstance(item, list) else [item]:
            out.append(f"{quote(name, safe='')}={quote(_text(each), safe='')}")
    return "&".join(out).encode("utf-8", "surrogateescape")


def _multipart(body: Body, value: Any) -> tuple[str, bytes]:
    """Media type with its boundary, and the parts: several for an array (RFC 7578, 4.3)."""
    parts: list[tuple[str, File]] = []
    for name, item in value.items() if isinstance(value, Mapping) else (("", each) for each in value):
        encoding = body.fields.get(name, Encoding())
        for each in item if isinstance(item, (list, tuple)) else [item]:
            parts.append((name, each if isinstance(each, File) else _part(name, encoding, each)))
    boundary = uuid4().hex
    while any(boundary.encode() in _octets(part.content) for _, part in parts):
        boundary = uuid4().hex
    out: list[bytes] = []
    for name, part in parts:
        head = [f"--{boundary}"]
        if name:
            file = f'; filename="{_quoted(part.name)}"' if part.name is not None else ""
            head.append(f'Content-Disposition: form-data; name="{_quoted(name)}"{file}')
        if part.media_type is not None:
            head.append(f"Content-Type: {_line(part.media_type)}")
        head += [f"{_line(key)}: {_line(text)}" for key, text in part.headers.items()]
        out += ["\r\n".join(head).encode(), b"\r\n\r\n", _octets(part.content), b"\r\n"]
    out.append(f"--{boundary}--\r\n".encode())
    return f"{body.media}; boundary={boundary}", b"".join(out)


def _part(name: str, encoding: Encoding, value: Any) -> File:
    nested = isinstance(value, (Mapping, list, BaseModel))
    listed = (encoding.media or "").partition(",")[0].strip()
    media = listed or ("application/json" if nested else None)
    if media is not None and "*" in media:
        media = "image/png" if media.startswith("image/") else "application/octet-stream"
    if isinstance(value, bytes):
        content: bytes | str = value
    else:
        value = plain(value)
        content = json.dumps(value) if nested or _is_json(media or "") else _text(value)
    is_file = encoding.file or isinstance(value, bytes)
    return File(content, name if is_file else None, media or ("application/octet-stream" if is_file else None))


def _quoted(text: str) -> str:
    """A name within quotes as browsers write it (HTML standard, 4.10.22.8)."""
    return text.replace("\r", "%0D").replace("\n", "%0A").replace('"', "%22")


def _line(text: str) -> str:
    if not _HEADER_SAFE.fullmatch(text):
        raise RequestError("a header cannot hold a line break or a character beyond Latin-1")
    return text


def _octets(content: bytes | str) -> bytes:
    return content if isinstance(content, bytes) else content.encode("utf-8", "surrogateescape")


def _is_json(media: str) -> bool:
    kind = media.partition(";")[0].strip().lower()
    return kind in ("application/json", "text/json") or kind.endswith("+json")


def _lines_of(media: str) -> bool:
    kind = media.partition(";")[0].strip().lower()
    return kind.rpartition("/")[2] in ("jsonl", "x-jsonl", "x-ndjson", "ndjson", "stream+json", "json-seq") or (
        kind.endswith(("+jsonl", "+json-seq"))
    )


def encode(operation: Operation, value: Any, media: str | None) -> tuple[str, Any]:
    """`Content-Type` and content of a body."""
    bodies = operation.bodies
    body = bodies[0] if media is None else next((each for each in bodies if each.media == media), bodies[0])
    kind = (media or body.media).partition(";")[0].strip().lower()
    sent = media or body.media
    if isinstance(value, Raw):
        return sent, value.content
    if _is_json(kind):
        return sent, operation.adapter(body.type).dump_json(value, by_alias=True, exclude_unset=True, warnings=False)
    if kind == "application/x-www-form-urlencoded" and not isinstance(value, (str, bytes)):
        whole = operation.adapter(body.type).dump_python(
            value, mode="json", by_alias=True, exclude_unset=True, warnings=False
        )
        return sent, _form(body, plain(whole))
    if kind.startswith("multipart/") and not isinstance(value, (str, bytes)):
        if isinstance(value, BaseModel):
            value = value.model_dump(by_alias=True, exclude_unset=True, warnings=False)
        return _multipart(body, value)
    if _lines_of(kind) and isinstance(value, (list, tuple)):
        mark = b"\x1e" if "json-seq" in kind else b""
        return sent, b"".join(mark + json.dumps(plain(item)).encode() + b"\n" for item in value)
    if isinstance(value, (str, bytes)):
        return sent, _octets(value)
    if isinstance(value, (Mapping, list, BaseModel, int, float, bool)) or value is None:
        value = plain(value)
        return sent, (json.dumps(value) if isinstance(value, (Mapping, list)) else _text(value)).encode()
    return sent, value  # chunks


# --- reading an answer ------------------------------------------------------------------------------------------------


def _media_of(content: Mapping[str, Any], sent: str) -> str | None:
    """The declared entry that covers a media type: the exact one, `type/*`, `*/*` (OpenAPI 3.1, 4.8.17)."""
    bare = sent.partition(";")[0].strip().lower()
    if sent in content:
        return sent
    for each in content:
        if each.partition(";")[0].strip() == bare:
            return each
    for each in (f"{bare.partition('/')[0]}/*", "*/*"):
        if each in content:
            return each
    return None


def _pointer(value: Any, place: Sequence[int | str]) -> str:
    """The place of a validation error in the JSON that was read: tags of unions are no part of it."""
    out = ""
    for index, token in enumerate(place):
        last = index == len(place) - 1
        if isinstance(value, Mapping) and isinstance(token, str):
            if token not in value and not last:
                continue
            value = value.get(token)
        elif isinstance(value, list) and isinstance(token, int) and token < len(value):
            value = value[token]
        else:
            continue
        out += "/" + str(token).replace("~", "~0").replace("/", "~1")
    return out


def _deepest(error: ValidationError) -> Any:
    found = error.errors(include_input=False, include_url=False, include_context=False)
    return max(found, key=lambda each: len(each["loc"]))


def decode(operation: Operation, response: httpx2.Response, content: bytes) -> tuple[str, Any]:
    """The key of the entry that covers the answer, and its body; raises UndeclaredStatus and DecodeError."""
    status = response.status_code
    found = operation.declared(status)
    if found is None:
        raise UndeclaredStatus(operation.id, status, None, response)
    key, declared = found
    if not declared or operation.method == "HEAD" or status in (204, 205, 304):
        return key, None
    sent = response.headers.get("content-type", "")
    if not sent and not content:
        raise DecodeError(operation.id, status, "", "a body is declared, and none came", response)
    media = _media_of(declared, sent) if sent else next(iter(declared))
    if media is None:
        raise DecodeError(operation.id, status, "", f"`{sent[:100]}` is not among the declared media types", response)
    kind = declared[media]
    if kind is bytes:
        return key, content
    if _is_json(sent or media):
        try:
            return key, operation.adapter(kind).validate_json(content, by_alias=True, by_name=False)
        except ValidationError as error:
            first = _deepest(error)
            try:
                pointer = _pointer(json.loads(content), first["loc"])
            except (ValueError, RecursionError):
                pointer = ""
            raise DecodeError(operation.id, status, pointer, first["msg"], response) from error
    try:
        text = content.decode(response.charset_encoding or "utf-8")
    except (UnicodeDecodeError, LookupError) as error:
        raise DecodeError(operation.id, status, "", "the text is not in its charset", response) from error
    if kind is str or kind is Any:
        return key, text
    raise DecodeError(operation.id, status, "", f"`{sent[:100]}` cannot be read as the declared type", response)


def _is_success(operation: Operation, key: str, status: int) -> bool:
    if status >= 400:
        return False
    # Beside a success of its own, `default` is what else may come: errors.
    return key != "default" or not any(each[:1] in "23" for each in operation.answers if each != "default")


def _events(lines: Iterable[str]) -> Iterator[Event]:
    reader = _EventReader()
    for line in lines:
        event = reader.take(line)
        if event is not None:
            yield event


class _EventReader:
    def __init__(self) -> None:
        self.data: list[str] = []
        self.event = ""
        self.id: str | None = None
        self.retry: int | None = None

    def take(self, line: str) -> Event | None:
        """The event that an empty line ends."""
        if not line:
            made = Event("\n".join(self.data), self.event or "message", self.id, self.retry) if self.data else None
            self.data, self.event, self.retry = [], "", None
            return made
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        match name:
            case "data":
                self.data.append(value)
            case "event":
                self.event = value
            case "id" if "\0" not in value:
                self.id = value
            case "retry" if value.isascii() and value.isdecimal():
                self.retry = int(value)
            case _:
                pass
        return None


class _Reading:
    """What streams of both kinds of client have in common."""

    def __init__(self, operation: Operation, response: httpx2.Response) -> None:
        self._operation = operation
        self.response = response
        self.status = response.status_code
        self.headers = response.headers
        self._media = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        self._index = -1

    def _item(self, text: str) -> Any:
        self._index += 1
        kind = self._operation.item if self._operation.item is not None else Any
        try:
            return self._operation.adapter(kind).validate_json(text, by_alias=True, by_name=False)
        except ValidationError as error:
            first = _deepest(error)
            try:
                inner = _pointer(json.loads(text), first["loc"])
            except ValueError:
                inner = ""
            place = f"/{self._index}{inner}"
            raise DecodeError(self._operation.id, self.status, place, first["msg"], self.response) from error


class Stream(_Reading, Generic[Item_co]):
    """An answer that is read while it comes."""

    def chunks(self) -> Iterator[bytes]:
        """The bytes as they come, content codings undone."""
        return self.response.iter_bytes()

    def lines(self) -> Iterator[str]:
        return self.response.iter_lines()

    def events(self) -> Iterator[Event]:
        return _events(self.response.iter_lines())

    def items(self) -> Iterator[Item_co]:
        """Each line, record or event's data, read as the declared type."""
        if self._media == "text/event-stream":
            for event in self.events():
                yield self._item(event.data)
        else:
            for line in self.lines():
                if line.strip("\x1e \t"):
                    yield self._item(line.lstrip("\x1e"))


class AsyncStream(_Reading, Generic[Item_co]):
    """An answer that is read while it comes."""

    def chunks(self) -> AsyncIterator[bytes]:
        """The bytes as they come, content codings undone."""
        return self.response.aiter_bytes()

    def lines(self) -> AsyncIterator[str]:
        return self.response.aiter_lines()

    async def events(self) -> AsyncIterator[Event]:
        reader = _EventReader()
        async for line in self.response.aiter_lines():
            event = reader.take(line)
            if event is not None:
                yield event

    async def items(self) -> AsyncIterator[Item_co]:
        """Each line, record or event's data, read as the declared type."""
        if self._media == "text/event-stream":
            async for event in self.events():
                yield self._item(event.data)
        else:
            async for line in self.lines():
                if line.strip("\x1e \t"):
                    yield self._item(line.lstrip("\x1e"))


# --- the clients ------------------------------------------------------------------------------------------------------

IDEMPOTENT: Final = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE", "QUERY"})
"""Methods that may be sent again (RFC 9110, 9.2.2)."""
_AGAIN = frozenset({429, 502, 503, 504})
_LONGEST_PAUSE_S = 60.0
_NEXT = re.compile(r'<([^>]*)>((?:\s*;\s*[^\s=;,]+(?:\s*=\s*(?:"[^"]*"|[^",;]*))?)*)')
_TIMEOUT_S = 30.0
_OF_CREDENTIALS = frozenset({"authorization", "cookie", "proxy-authorization", "set-cookie"})

Header: TypeAlias = str | Callable[[], str]
Timeout: TypeAlias = float | httpx2.Timeout | None


class Scheme(NamedTuple):
    """A Security Scheme Object: where its credential goes."""

    kind: Literal["apiKey", "basic", "bearer", "none"]
    place: str = "header"
    name: str = "Authorization"


class _Shared(Generic[AuthT]):
    """What both clients know; neither sends anything here."""

    schemes: ClassVar[Mapping[str, Scheme]] = {}
    """Filled in by the generated client."""
    default_url: ClassVar[str] = ""

    def __init__(
        self,
        base_url: str | None,
        auth: AuthT | None,
        headers: Mapping[str, Header] | None,
        request_id: Callable[[], str] | None,
        request_id_header: str,
        tenant: Header | None,
        tenant_header: str,
        retries: int,
        on_drift: Callable[[Exchange], None] | None,
    ) -> None:
        self.base_url = (self.default_url if base_url is None else base_url).rstrip("/")
        self._own_server = base_url is not None
        if urlsplit(self.base_url).scheme not in ("http", "https"):
            raise RequestError("`base_url` must be absolute: the document names no server that is")
        unknown = sorted(set(auth or {}) - set(self.schemes))
        if unknown:
            raise RequestError(f"the document has no security scheme {', '.join(unknown)}")
        self._auth = cast(dict[str, Secret], dict(auth or {}))
        self._headers: dict[str, Header] = dict(headers or {})
        if request_id is not None:
            self._headers[request_id_header] = request_id
        if tenant is not None:
            self._headers[tenant_header] = tenant
        self._given = {name.lower() for name in self._headers}
        self._retries = retries
        self._on_drift = on_drift

    def _url(self, operation: Operation) -> str:
        return self.base_url if operation.server is None or self._own_server else operation.server

    def _written(self, call: Call[Any, Any]) -> tuple[str, dict[str, str], Any]:
        """URL, headers and content of a call."""
        operation = call.operation
        path = operation.path
        query: list[str] = []
        cookies: list[str] = []
        headers = {"Accept": operation.accept}
        for name, source in self._headers.items():
            headers[name] = source if isinstance(source, str) else source()
        for parameter, value in zip(operation.parameters, call.values, strict=True):
            if value is UNSET:
                continue
            if value is FROM_CLIENT:
                if parameter.name.lower() not in self._given:
                    raise RequestError(f"{operation.id}: the client has no header {parameter.name}")
                continue
            texts = write(parameter, value)
            if parameter.place == "path":
                if texts[0] in ("", ".", ".."):
                    raise RequestError(f"{operation.id}: {parameter.name} must not be empty or a dot segment")
                path = path.replace("{" + parameter.name + "}", texts[0])
            elif parameter.place == "header":
                lower = parameter.name.lower()
                headers = {key: text for key, text in headers.items() if key.lower() != lower}
                headers[parameter.name] = texts[0]
            elif parameter.place == "cookie":
                cookies += texts
            else:
                query += texts
        query += self._authorised(operation, headers, cookies)
        if cookies:
            headers["Cookie"] = "; ".join(cookies)
        for name, text in headers.items():
            if not _HEADER_SAFE.fullmatch(text):
                raise RequestError(f"{operation.id}: {name}: a header cannot hold a line break or such characters")
        content = None
        if call.body is not UNSET:
            headers["Content-Type"], content = encode(operation, call.body, call.media)
        url = self._url(operation) + path
        if query:
            url += ("&" if "?" in path else "?") + "&".join(query)
        return url, headers, content

    def _authorised(self, operation: Operation, headers: dict[str, str], cookies: list[str]) -> list[str]:
        """Adds the credentials of the first alternative for which there are all; fields of the query are given back."""
        query: list[str] = []
        for names in operation.security:
            if not all(name in self._auth or self.schemes[name].kind == "none" for name in names):
                continue
            for name in names:
                scheme = self.schemes[name]
                if scheme.kind == "none":
                    continue
                secret = self._auth[name]
                if isinstance(secret, tuple):
                    text = base64.b64encode(":".join(secret).encode()).decode()
                else:
                    text = secret if isinstance(secret, str) else secret()
                if scheme.kind in ("basic", "bearer"):
                    headers["Authorization"] = f"{scheme.kind.capitalize()} {text}"
                elif scheme.place == "header":
                    headers[scheme.name] = text
                elif scheme.place == "cookie":
                    cookies.append(f"{scheme.name}={text}")
                else:
                    query.append(f"{quote(scheme.name, safe='')}={quote(text, safe='')}")
            break
        return query

    def _pause_s(self, method: str, content: Any, tried: int, response: httpx2.Response | None) -> float | None:
        """Seconds to wait before the request is sent again; None if it is not."""
        if tried >= self._retries or method not in IDEMPOTENT or not (content is None or isinstance(content, bytes)):
            return None
        if response is not None and response.status_code not in _AGAIN:
            return None
        told = _retry_after(response.headers.get("retry-after", "")) if response is not None else None
        return min(_LONGEST_PAUSE_S, 0.25 * 2.0**tried if told is None else told)

    def _read(self, call: Call[Any, Any], response: httpx2.Response, content: bytes) -> tuple[str, Any]:
        try:
            return decode(call.operation, response, content)
        except (DecodeError, UndeclaredStatus) as error:
            pointer = error.pointer if isinstance(error, DecodeError) else ""
            reason = error.reason if isinstance(error, DecodeError) else "undeclared status"
            if self._on_drift is not None:
                self._on_drift(self._exchange(call.operation, response, content, pointer, reason))
            raise

    def _exchange(
        self, operation: Operation, response: httpx2.Response, content: bytes, pointer: str, reason: str
    ) -> Exchange:
        request = response.request
        keys = {scheme.name.lower() for scheme in self.schemes.values() if scheme.kind == "apiKey"}
        hidden = _OF_CREDENTIALS | keys
        url = re.sub(
            r"([?&])([^=&]*)=([^&]*)",
            lambda found: found[1] + found[2] + "=" + ("" if unquote(found[2]).lower() in keys else found[3]),
            str(request.url),
        )
        try:
            sent: bytes | None = request.content or None
        except httpx2.RequestNotRead:
            sent = None
        return Exchange(
            request.method,
            url,
            tuple(pair for pair in request.headers.multi_items() if pair[0].lower() not in hidden),
            sent,
            response.status_code,
            tuple(
                pair
                for pair in response.headers.multi_items()
                if pair[0].lower() not in hidden | {"content-encoding", "content-length", "transfer-encoding"}
            ),
            content,
            operation.id,
            pointer,
            reason,
        )

    def _result(self, operation: Operation, key: str, body: Any, response: httpx2.Response) -> Any:
        if _is_success(operation, key, response.status_code):
            return body
        raise _fault(response.status_code)(operation.id, response.status_code, body, response)

    def _next(self, call: Call[Any, Any], url: str, answer: Answer[int, Any]) -> tuple[Call[Any, Any], str] | None:
        """The call of the next page, and its URL where a link names one; None after the last one."""
        operation = call.operation
        for link in operation.links:
            value = _evaluated(link.expression, answer)
            if value is None or value == "":
                return None
            index = next(i for i, each in enumerate(operation.parameters) if each.name == link.parameter)
            if plain(call.values[index]) == value:
                raise DecodeError(operation.id, answer.status, "", "the next page is the same page", answer.response)
            values = (*call.values[:index], value, *call.values[index + 1 :])
            call = Call(operation, values, call.body, call.media)
        if operation.links:
            return call, ""
        for found in _NEXT.finditer(", ".join(answer.headers.get_list("link"))):
            relation = re.search(r';\s*rel\s*=\s*(?:"([^"]*)"|([^",;\s]*))', found[2], re.IGNORECASE)
            if relation is not None and "next" in (relation[1] or relation[2] or "").lower().split():
                target = urljoin(str(answer.response.url), found[1])
                if urlsplit(target)[:2] != urlsplit(url)[:2]:
                    # The credentials are not for others.
                    raise DecodeError(operation.id, answer.status, "", "Link leads to another origin", answer.response)
                if target == url:
                    raise DecodeError(operation.id, answer.status, "", "Link leads to itself", answer.response)
                return call, target
        return None


def _retry_after(text: str) -> float | None:
    """Seconds (RFC 9110, 10.2.3)."""
    if text.isascii() and text.isdecimal():
        return float(text)
    try:
        when = parsedate_to_datetime(text)
        return max(0.0, when.timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return None


def _evaluated(expression: str, answer: Answer[int, Any]) -> Any:
    """What a runtime expression stands for (OpenAPI 3.1, 4.8.20.3); None where the answer does not say it."""
    kind, _, rest = expression.removeprefix("$response.").partition("#" if "body" in expression else ".")
    if kind == "header":
        return answer.headers.get(rest)
    value = plain(answer.body)
    for token in rest.split("/")[1:]:
        name = token.replace("~1", "/").replace("~0", "~")
        if isinstance(value, Mapping):
            value = value.get(name)
        elif isinstance(value, list) and name.isdecimal() and int(name) < len(value):
            value = value[int(name)]
        else:
            return None
    return value


class SyncClient(_Shared[AuthT]):
    """Sends calls and waits for their answers. `http` is a client of yours with its own proxies or certificates."""

    def __init__(
        self,
        base_url: str | None = None,
        *,
        auth: AuthT | None = None,
        headers: Mapping[str, Header] | None = None,
        request_id: Callable[[], str] | None = None,
        request_id_header: str = "X-Request-Id",
        tenant: Header | None = None,
        tenant_header: str = "X-Tenant-Id",
        timeout: Timeout = _TIMEOUT_S,
        retries: int = 2,
        on_drift: Callable[[Exchange], None] | None = None,
        http: httpx2.Client | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__(
            base_url, auth, headers, request_id, request_id_header, tenant, tenant_header, retries, on_drift
        )
        self._http = http or httpx2.Client(timeout=timeout)
        self._owned = http is None
        self._sleep = sleep

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the connections, unless they are of a client that was given."""
        if self._owned:
            self._http.close()

    def send(self, call: Call[Result_co, Any], *, timeout: Timeout | Unset = UNSET) -> Result_co:
        """The body of a success; any other answer is raised as a StatusError."""
        response = self._fetch(call, timeout, "")
        key, body = self._read(call, response, response.content)
        return cast(Result_co, self._result(call.operation, key, body, response))

    def answer(self, call: Call[Any, Answer_co], *, timeout: Timeout | Unset = UNSET) -> Answer_co:
        """Whatever answer the document declares, errors included."""
        return cast(Answer_co, self._answer(call, timeout, ""))

    def pages(self, call: PagedCall[Result_co, Any], *, timeout: Timeout | Unset = UNSET) -> Iterator[Result_co]:
        """The bodies of this page and all that follow."""
        step: tuple[Call[Any, Any], str] | None = (call, "")
        while step is not None:
            answer = self._answer(step[0], timeout, step[1])
            key = call.operation.declared(answer.status)
            yield self._result(call.operation, key[0] if key else "", answer.body, answer.response)
            step = self._next(step[0], str(answer.response.url), answer)

    @overload
    def stream(
        self, call: StreamCall[Any, Any, Item_co], *, timeout: Timeout | Unset = UNSET
    ) -> AbstractContextManager[Stream[Item_co]]: ...

    @overload
    def stream(
        self, call: Call[Any, Any], *, timeout: Timeout | Unset = UNSET
    ) -> AbstractContextManager[Stream[Any]]: ...

    @contextmanager
    def stream(self, call: Call[Any, Any], *, timeout: Timeout | Unset = UNSET) -> Generator[Stream[Any], None, None]:
        """The answer of a success while it comes; any other is read, and raised as a StatusError."""
        response = self._fetch(call, timeout, "", stream=True)
        try:
            self._opened(call, response)
            opened: Stream[Any] = Stream(call.operation, response)
            yield opened
        finally:
            response.close()

    def _opened(self, call: Call[Any, Any], response: httpx2.Response) -> None:
        found = call.operation.declared(response.status_code)
        if found is None or not _is_success(call.operation, found[0], response.status_code):
            key, body = self._read(call, response, response.read())
            self._result(call.operation, key, body, response)

    def _answer(self, call: Call[Any, Any], timeout: Timeout | Unset, url: str) -> Answer[int, Any]:
        response = self._fetch(call, timeout, url)
        _, body = self._read(call, response, response.content)
        return Answer(response.status_code, body, response.headers, response)

    def _fetch(
        self, call: Call[Any, Any], timeout: Timeout | Unset, next_url: str, *, stream: bool = False
    ) -> httpx2.Response:
        url, headers, content = self._written(call)
        limit: dict[str, Any] = {} if isinstance(timeout, Unset) else {"timeout": timeout}
        method = call.operation.method
        tried = 0
        while True:
            try:
                request = self._http.build_request(method, next_url or url, headers=headers, content=content, **limit)
                response = self._http.send(request, stream=stream)
            except httpx2.TransportError as error:
                pause_s = self._pause_s(method, content, tried, None)
                if pause_s is None:
                    raise TransportError(f"{call.operation.id}: {error or type(error).__name__}") from error
            except (httpx2.InvalidURL, httpx2.DecodingError) as error:
                raise TransportError(f"{call.operation.id}: {error}") from error
            else:
                pause_s = self._pause_s(method, content, tried, response)
                if pause_s is None:
                    return response
                response.close()
            self._sleep(pause_s)
            tried += 1


class AwaitingClient(_Shared[AuthT]):
    """Sends calls and awaits their answers. `http` is a client of yours with its own proxies or certificates."""

    def __init__(
        self,
        base_url: str | None = None,
        *,
        auth: AuthT | None = None,
        headers: Mapping[str, Header] | None = None,
        request_id: Callable[[], str] | None = None,
        request_id_header: str = "X-Request-Id",
        tenant: Header | None = None,
        tenant_header: str = "X-Tenant-Id",
        timeout: Timeout = _TIMEOUT_S,
        retries: int = 2,
        on_drift: Callable[[Exchange], None] | None = None,
        http: httpx2.AsyncClient | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        super().__init__(
            base_url, auth, headers, request_id, request_id_header, tenant, tenant_header, retries, on_drift
        )
        self._http = http or httpx2.AsyncClient(timeout=timeout)
        self._owned = http is None
        self._sleep = sleep

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Ends the connections, unless they are of a client that was given."""
        if self._owned:
            await self._http.aclose()

    async def send(self, call: Call[Result_co, Any], *, timeout: Timeout | Unset = UNSET) -> Result_co:
        """The body of a success; any other answer is raised as a StatusError."""
        response = await self._fetch(call, timeout, "")
        key, body = self._read(call, response, response.content)
        return cast(Result_co, self._result(call.operation, key, body, response))

    async def answer(self, call: Call[Any, Answer_co], *, timeout: Timeout | Unset = UNSET) -> Answer_co:
        """Whatever answer the document declares, errors included."""
        return cast(Answer_co, await self._answer(call, timeout, ""))

    async def pages(
        self, call: PagedCall[Result_co, Any], *, timeout: Timeout | Unset = UNSET
    ) -> AsyncIterator[Result_co]:
        """The bodies of this page and all that follow."""
        step: tuple[Call[Any, Any], str] | None = (call, "")
        while step is not None:
            answer = await self._answer(step[0], timeout, step[1])
            key = call.operation.declared(answer.status)
            yield self._result(call.operation, key[0] if key else "", answer.body, answer.response)
            step = self._next(step[0], str(answer.response.url), answer)

    @overload
    def stream(
        self, call: StreamCall[Any, Any, Item_co], *, timeout: Timeout | Unset = UNSET
    ) -> AbstractAsyncContextManager[AsyncStream[Item_co]]: ...

    @overload
    def stream(
        self, call: Call[Any, Any], *, timeout: Timeout | Unset = UNSET
    ) -> AbstractAsyncContextManager[AsyncStream[Any]]: ...

    @asynccontextmanager
    async def stream(
        self, call: Call[Any, Any], *, timeout: Timeout | Unset = UNSET
    ) -> AsyncGenerator[AsyncStream[Any], None]:
        """The answer of a success while it comes; any other is read, and raised as a StatusError."""
        response = await self._fetch(call, timeout, "", stream=True)
        try:
            await self._opened(call, response)
            opened: AsyncStream[Any] = AsyncStream(call.operation, response)
            yield opened
        finally:
            await response.aclose()

    async def _opened(self, call: Call[Any, Any], response: httpx2.Response) -> None:
        found = call.operation.declared(response.status_code)
        if found is None or not _is_success(call.operation, found[0], response.status_code):
            key, body = self._read(call, response, await response.aread())
            self._result(call.operation, key, body, response)

    async def _answer(self, call: Call[Any, Any], timeout: Timeout | Unset, url: str) -> Answer[int, Any]:
        response = await self._fetch(call, timeout, url)
        _, body = self._read(call, response, response.content)
        return Answer(response.status_code, body, response.headers, response)

    async def _fetch(
        self, call: Call[Any, Any], timeout: Timeout | Unset, next_url: str, *, stream: bool = False
    ) -> httpx2.Response:
        url, headers, content = self._written(call)
        limit: dict[str, Any] = {} if isinstance(timeout, Unset) else {"timeout": timeout}
        method = call.operation.method
        tried = 0
        while True:
            try:
                request = self._http.build_request(method, next_url or url, headers=headers, content=content, **limit)
                response = await self._http.send(request, stream=stream)
            except httpx2.TransportError as error:
                pause_s = self._pause_s(method, content, tried, None)
                if pause_s is None:
                    raise TransportError(f"{call.operation.id}: {error or type(error).__name__}") from error
            except (httpx2.InvalidURL, httpx2.DecodingError) as error:
                raise TransportError(f"{call.operation.id}: {error}") from error
            else:
                pause_s = self._pause_s(method, content, tried, response)
                if pause_s is None:
                    return response
                await response.aclose()
            await self._sleep(pause_s)
            tried += 1
