"""What would a request or a response look like that keeps the document? Written by the standard, from `sample.py`'s values.

`parameters.py` and `bodies.py` read what is written here; neither side uses the other, so that each can be held
against it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from xml.sax.saxutils import escape as escape_text
from xml.sax.saxutils import quoteattr

import orjson

from contract.core import sample
from contract.core.document import escape, resolve, unescape
from contract.core.evidence import Request, Response, is_json
from contract.core.sample import MISSING
from contract.core.schema import Schemas

if TYPE_CHECKING:
    from contract.core.openapi import MediaType, Operation, Parameter

BOUNDARY = "between-the-parts"
_IGNORED = frozenset({"accept", "content-type", "authorization"})  # OpenAPI 3.1, 4.8.12.1
_DELIMITER = {"form": ",", "spaceDelimited": "%20", "pipeDelimited": "|", "simple": ",", "label": ",", "matrix": ","}
_LINES = ("jsonl", "ndjson", "jsonlines", "x-jsonl", "x-ndjson", "stream+json")
_OTHERS = (*range(400, 419), 200, 201, 202, 203, 205, 206, 300, 301, 302, 303, 307, 308)
"""Statuses that `default` may stand for, a client's error before others."""
_CONCRETE = {
    "json": ("application/json", "application/vnd.sample+json", "text/json", "model/vnd.sample+json"),
    "application": ("application/octet-stream", "application/vnd.sample"),
    "text": ("text/plain", "text/vnd.sample"),
    "*": ("application/octet-stream", "text/plain", "model/vnd.sample"),
}
"""What a range may be sent as."""


def request(
    operation: Operation,
    *,
    given: Mapping[str, Any] | None = None,
    without: Collection[str] = (),
    full: bool = False,
    salt: int = 0,
    media: str | None = None,
) -> Request | None:
    """A request that keeps the document; None where no conforming value is found for what must be in it.

    `given` are values by label, `{"path:id": 17, "query:limit": 5, "body": {…}}`: they are sent as they are, conforming
    or not, and an optional parameter among them is sent too. `without` are labels that are left out, required or not;
    a path parameter is then left empty. `full` sends every optional parameter and property; `salt` varies the values.
    `media` is the declared range of the body's media type; without it the first that can be written is taken, JSON
    before others. Credentials are the sender's own, and not added.
    """
    given = given or {}
    path = operation.base_paths[0] + operation.served_path
    query: list[str] = []
    headers: list[tuple[str, str]] = []
    cookies: list[str] = []
    for parameter in operation.parameters:
        label = parameter.label
        if parameter.location == "header" and parameter.name.lower() in _IGNORED:
            continue
        if label in without:
            if parameter.location == "path":
                path = path.replace(f"{{{parameter.name}}}", "")
            continue
        if label not in given and not (parameter.required or full):
            continue
        written = _parameter(operation, parameter, given.get(label, MISSING), salt, full)
        if written is None:
            if parameter.required or label in given:
                return None
            continue
        match parameter.location:
            case "path":
                path = path.replace(f"{{{parameter.name}}}", written[0])
            case "query" | "querystring":
                query += written
            case "header":
                headers.append((parameter.name, written[0]))
            case "cookie":
                cookies += written
    for name in re.findall(r"\{([^{}]*)\}", path):
        value = given.get(f"path:{name}")
        if value is None:
            return None  # a template variable that no parameter declares
        path = path.replace(f"{{{name}}}", quote(_text(value), safe=""))
    if cookies:
        headers.append(("Cookie", "; ".join(cookies)))
    body = _request_body(operation, given.get("body", MISSING), "body" in without, full, salt, media)
    if body is None:
        return None
    content_type, data = body
    if content_type is not None:
        headers.append(("Content-Type", content_type))
    # Some documents write a query into the template (`/responses?beta=true`).
    mark = "&" if "?" in path else "?"
    return Request(operation.method, path + (mark + "&".join(query) if query else ""), tuple(headers), data)


def response(
    operation: Operation,
    key: str,
    media: str | None = None,
    *,
    given: Any = MISSING,
    without: Collection[str] = (),
    full: bool = False,
    salt: int = 0,
) -> Response | None:
    """A response that keeps the entry `key` of `responses` ("200", "4XX", "default"); None if none is found.

    `media` is a declared range; without it the first that can be written. `given` is the body's value, sent as it is.
    `without` are names of headers that are left out. A range or `default` is answered with a status that has no entry
    of its own.
    """
    declared = operation.responses.get(key)
    status = _status(operation, key)
    if declared is None or status is None:
        return None
    headers: list[tuple[str, str]] = []
    for header in declared.headers:
        if header.name in without or not (header.required or full):
            continue
        written = _parameter(operation, header, MISSING, salt, full, "response")
        if written is not None:
            headers.append((header.name, written[0]))
        elif header.required:
            return None
    bodiless = operation.method == "HEAD" or status in (204, 304)
    content = [] if bodiless else [entry for entry in declared.content if media in (None, entry.range)]
    for entry in content:
        written_body = _content(operation, entry, declared.content, "response", given, full, salt)
        if written_body is not None:
            return Response(status, (("Content-Type", written_body[0]), *headers), written_body[1])
    if content or (media is not None and not bodiless):
        return None
    return Response(status, tuple(headers))


def _status(operation: Operation, key: str) -> int | None:
    if key.isdigit():
        return int(key) if int(key) >= 200 else None
    codes: Sequence[int] = range(int(key[0]) * 100, int(key[0]) * 100 + 100) if key.endswith("XX") else _OTHERS
    if key == "default" and set(operation.responses) == {"default"}:
        codes = [200]
    free = (code for code in codes if operation.response(code) is operation.responses.get(key))
    # Not what others answer in front of an operation (405, 429).
    return next((code for code in free if code >= 200 and code not in (204, 304, 405, 413, 414, 429, 431)), None)


# --- parameters -------------------------------------------------------------------------------------------------------


def _parameter(
    operation: Operation,
    parameter: Parameter,
    given: Any,
    salt: int,
    full: bool,
    direction: str = "request",
) -> list[str] | None:
    """How a parameter is written: one text, or `name=text` for each field of a query or cookie; None if it cannot be."""
    if given is not MISSING:
        return write(parameter, given)
    if parameter.schema is None:
        return write(parameter, f"{parameter.name}-{salt}" if salt else parameter.name)
    hints = examples(operation, parameter.pointer)
    for found in sample.values(
        operation.schemas, parameter.schema, direction, salt=salt, full=True, hints=hints, name=parameter.name
    ):
        if _is_plain(parameter, found) and (written := write(parameter, found)) is not None:
            return written
    return None


def write(parameter: Parameter, value: Any) -> list[str] | None:
    """A value in the style of its parameter (OpenAPI 3.1, 4.8.12.2): one text, or one `name=text` for each field.

    None for what the style cannot say: an array within an array, an object with `spaceDelimited`.
    """
    in_fields = parameter.location in ("query", "querystring", "cookie")
    name = quote(parameter.name, safe="[]") if in_fields else parameter.name
    if parameter.content is not None or parameter.location == "querystring":
        text = json.dumps(value) if is_json(parameter.content) else _text(value)
        if parameter.location == "querystring":
            return [text] if parameter.content is None or not isinstance(value, Mapping) else _fields(value)
        return [f"{name}={quote(text, safe='')}"] if in_fields else [_encoded(parameter, text)]
    if isinstance(value, Mapping):
        return _object(parameter, name, value)
    if isinstance(value, list):
        if any(isinstance(item, (list, Mapping)) for item in value):
            return None
        texts = [_encoded(parameter, _text(item)) for item in value]
        if in_fields:
            if parameter.explode or parameter.style == "deepObject":
                return [f"{name}={text}" for text in texts]
            return [f"{name}={_DELIMITER.get(parameter.style, ',').join(texts)}"]
        if parameter.style == "matrix" and parameter.explode:
            return ["".join(f";{name}={text}" for text in texts)]
        joined = ("." if parameter.style == "label" and parameter.explode else ",").join(texts)
    else:
        joined = _encoded(parameter, _text(value))
        if in_fields:
            return [f"{name}={joined}"]
    return [{"label": f".{joined}", "matrix": f";{name}={joined}"}.get(parameter.style, joined)]


def _object(parameter: Parameter, name: str, value: Mapping[str, Any]) -> list[str] | None:
    pairs: list[tuple[str, str]] = []
    for key, item in value.items():
        for each in item if isinstance(item, list) and parameter.style == "deepObject" else [item]:
            if isinstance(each, (list, Mapping)):
                return None
            pairs.append((_encoded(parameter, str(key)), _encoded(parameter, _text(each))))
    if parameter.style in ("spaceDelimited", "pipeDelimited"):
        return None
    if parameter.style == "deepObject":
        return [f"{name}[{key}]={text}" for key, text in pairs]
    if parameter.explode:
        fields = [f"{key}={text}" for key, text in pairs]
        if parameter.location in ("query", "cookie"):
            return fields
        return [
            {"label": "." + ".".join(fields), "matrix": ";" + ";".join(fields)}.get(parameter.style, ",".join(fields))
        ]
    joined = ",".join(text for pair in pairs for text in pair)
    if parameter.location in ("query", "cookie"):
        return [f"{name}={joined}"]
    return [{"label": f".{joined}", "matrix": f";{name}={joined}"}.get(parameter.style, joined)]


def _encoded(parameter: Parameter, text: str) -> str:
    """Percent-encoded where the place needs it: a header is sent as it is (RFC 9110, 5.5)."""
    return text if parameter.location in ("header", "cookie") else quote(text, safe="")


def _is_plain(parameter: Parameter, value: Any) -> bool:
    """False for what would be read as something else: nothing at all, a delimiter within a value, a dot segment."""
    texts = [_text(item) for item in _flat(value)]
    if not texts or any(item is None for item in _flat(value)):
        return False
    if isinstance(value, (list, Mapping)):
        marks = {"label": ",.=", "matrix": ",;="}.get(parameter.style, ", |=" if parameter.content is None else "")
        if any(not text or any(mark in text for mark in marks) for text in texts):
            return parameter.location == "query" and parameter.explode and all(texts)
    if parameter.location == "path":
        return all(texts) and not any(text in (".", "..") or "/" in text for text in texts)
    if parameter.location in ("header", "cookie"):
        bad = ',;"\\ ' if parameter.location == "cookie" else ""
        return all(
            text and text.isascii() and text.isprintable() and text == text.strip() and not set(text) & set(bad)
            for text in texts
        )
    return all(texts)


def _flat(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield key
            yield from _flat(item)
    elif isinstance(value, list):
        for item in value:
            yield from _flat(item)
    else:
        yield value


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    return json.dumps(value)


def _fields(value: Mapping[str, Any]) -> list[str]:
    return [
        f"{quote(str(key), safe='[]')}={quote(_text(item), safe='')}"
        for key, entry in value.items()
        for item in (entry if isinstance(entry, list) else [entry])
    ]


def examples(operation: Operation, pointer: str) -> list[Any]:
    """The examples of a Parameter, Header or Media Type Object; those that lie elsewhere (`externalValue`) are not read."""
    from contract.core.openapi import follow

    node = resolve(operation.root, pointer)
    found = [node["example"]] if "example" in node else []
    examples = node.get("examples")
    for name in examples if isinstance(examples, Mapping) else ():
        entry = follow(operation.root, f"{pointer}/examples/{escape(name)}")[1]
        if isinstance(entry, Mapping):
            found += [entry[key] for key in ("value", "dataValue") if key in entry]
    return found


# --- bodies -----------------------------------------------------------------------------------------------------------


def _request_body(
    operation: Operation, given: Any, left_out: bool, full: bool, salt: int, media: str | None
) -> tuple[str | None, bytes | None] | None:
    declared = operation.request_body
    if declared is None or left_out or not declared.content:
        return None, None
    entries = [entry for entry in declared.content if media in (None, entry.range)]
    for entry in sorted(entries, key=lambda entry: not is_json(entry.range)):
        written = _content(operation, entry, declared.content, "request", given, full, salt)
        # Nothing tells an empty form from no body at all.
        if written is not None and (written[1] or not declared.required or given is not MISSING):
            return written
    return None if declared.required or given is not MISSING or media is not None else (None, None)


def _content(
    operation: Operation,
    media: MediaType,
    content: Sequence[MediaType],
    direction: str,
    given: Any,
    full: bool,
    salt: int,
) -> tuple[str, bytes] | None:
    if given is not MISSING:
        return encode(operation.schemas, media, given, content)
    schemas = operation.schemas
    if media.item is not None and media.schema is None:
        items = [
            found
            for index in (0, 1)
            if (found := sample.value(schemas, media.item, direction, salt=salt + index, full=full)) is not MISSING
        ]
        return encode(schemas, media, items, content) if items else None
    if media.schema is None:
        return encode(schemas, media, {} if is_json(media.range) else "text", content)
    hints = examples(operation, media.pointer)
    for found in sample.values(schemas, media.schema, direction, salt=salt, full=full, hints=hints):
        written = encode(schemas, media, found, content)
        if written is not None:
            return written
    return None


def encode(
    schemas: Schemas, media: MediaType, value: Any, content: Sequence[MediaType] = ()
) -> tuple[str, bytes] | None:
    """`Content-Type` and bytes of a value under a declared media type; None where that type cannot say it.

    Streams take a list of items. A range is sent as a type that it covers and no more specific entry of `content` does.
    """
    plain = isinstance(value, str) or (media.range == "text/*" and not isinstance(value, (Mapping, list)))
    sent = _member(media, plain, content) if "*" in media.range else media.range
    if sent is None:
        return None
    kind = sent.partition(";")[0].strip()
    items = value if isinstance(value, list) else [value]
    if kind == "text/event-stream":
        if media.item is not None and not all(_is_event(item) for item in items):
            return None  # what an event carries is text, whatever the document says (OpenAPI 3.2, 4.14.4)
        return sent, b"".join(_event(item) for item in items)
    if kind.rpartition("/")[2] in _LINES or kind.endswith("+jsonl"):
        return sent, b"".join(_json(item) + b"\n" for item in items)
    if kind.endswith("json-seq"):
        return sent, b"".join(b"\x1e" + _json(item) + b"\n" for item in items)
    if is_json(kind):
        return sent, _json(value)
    if kind == "application/x-www-form-urlencoded":
        return (sent, "&".join(_form(schemas, media, value)).encode()) if isinstance(value, Mapping) else None
    if kind.startswith("multipart/"):
        if "boundary=" in sent or not isinstance(value, (Mapping, list)):
            return None
        return f"{sent}; boundary={BOUNDARY}", _multipart(schemas, media, value)
    if kind in ("application/xml", "text/xml") or kind.endswith("+xml"):
        return (sent, _xml(schemas, media.schema, value).encode()) if media.schema is not None else None
    # No rule says how another type writes an object; servers send JSON.
    return sent, _json(value) if isinstance(value, (Mapping, list)) else _text(value).encode()


def _member(media: MediaType, plain: bool, content: Sequence[MediaType]) -> str | None:
    from contract.core.openapi import pick_media

    kind = media.range.partition("/")[0]
    listed = _CONCRETE.get(kind, (f"{kind}/png" if kind == "image" else f"{kind}/vnd.sample",))
    return next(
        (
            each
            for each in (listed if plain else (*_CONCRETE["json"], *listed))
            if pick_media([media], each) is media and (not content or pick_media(content, each) is media)
        ),
        None,
    )


def _json(value: Any) -> bytes:
    try:
        return orjson.dumps(value)
    except TypeError:  # an integer beyond 64 bits
        return json.dumps(value).encode()


def _is_event(item: Any) -> bool:
    return isinstance(item, Mapping) and isinstance(item.get("data"), str)


def _event(item: Any) -> bytes:
    """One event (HTML standard, 9.2.6); a value that is none of its fields becomes its data."""
    if not isinstance(item, Mapping) or "data" not in item:
        item = {"data": item if isinstance(item, str) else _json(item).decode()}
    lines = []
    for field in ("event", "id", "retry", "data"):
        if field in item:
            text = item[field] if isinstance(item[field], str) else _json(item[field]).decode()
            lines += [f"{field}: {line}" for line in text.split("\n")]
    return ("\n".join(lines) + "\n\n").encode()


def _encoding(schemas: Schemas, media: MediaType, name: str) -> Mapping[str, Any]:
    node = resolve(schemas.value, media.pointer).get("encoding")
    found = node.get(name) if isinstance(node, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _placed(schemas: Schemas, media: MediaType, index: int) -> Mapping[str, Any]:
    """The Encoding Object of a part that has no name (OpenAPI 3.2, 4.14.5.3)."""
    node = resolve(schemas.value, media.pointer)
    prefix = node.get("prefixEncoding")
    found = prefix[index] if isinstance(prefix, list) and index < len(prefix) else node.get("itemEncoding")
    return found if isinstance(found, Mapping) else {}


def _form(schemas: Schemas, media: MediaType, value: Mapping[str, Any]) -> Iterator[str]:
    """The fields of a form; a property with a style is written as a query parameter is (OpenAPI 3.1, 4.8.15.1.2)."""
    from contract.core.openapi import Parameter

    for name, item in value.items():
        encoding = _encoding(schemas, media, name)
        if encoding.keys() & {"style", "explode", "allowReserved"}:
            style = str(encoding.get("style", "form"))
            explode = encoding.get("explode", style == "form") is True
            field = Parameter(name, "query", False, style, explode, media.pointer, None)
            yield from write(field, item) or ()
            continue
        for each in item if isinstance(item, list) else [item]:
            text = _text(each) if not isinstance(each, (list, Mapping)) else _json(each).decode()
            yield f"{quote(name, safe='')}={quote(text, safe='')}"


def _multipart(schemas: Schemas, media: MediaType, value: Mapping[str, Any] | Sequence[Any]) -> bytes:
    """One part a property, several for an array (RFC 7578, 4.3); without names for what is no object."""
    named = value.items() if isinstance(value, Mapping) else [("", item) for item in value]
    parts: list[bytes] = []
    for index, (name, item) in enumerate(named):
        listed = (_encoding(schemas, media, name) if name else _placed(schemas, media, index)).get("contentType")
        for each in item if isinstance(item, list) else [item]:
            nested = isinstance(each, (list, Mapping))
            kind = listed.partition(",")[0].strip() if isinstance(listed, str) else "application/json" if nested else ""
            kind = "image/png" if kind == "image/*" else "application/octet-stream" if "*" in kind else kind
            data = _json(each) if nested or is_json(kind) else _text(each).encode()
            file = f'; filename="{_file_name(name, kind)}"' if name and _is_file(schemas, media, name, kind) else ""
            lines = [f'Content-Disposition: form-data; name="{name}"{file}'] if name else []
            lines += [f"Content-Type: {kind}"] if kind else []
            head = "".join(f"{line}\r\n" for line in lines).encode()
            parts.append(f"--{BOUNDARY}\r\n".encode() + head + b"\r\n" + data + b"\r\n")
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


def _is_file(schemas: Schemas, media: MediaType, name: str, kind: str) -> bool:
    """True for a part that is to be sent as a file (RFC 7578, 4.2): its content is binary, or of a type of its own."""
    if kind and not kind.startswith("text/") and not is_json(kind):
        return True
    inside = [
        f"{place}/properties/{escape(name)}{items}"
        for place, node in schemas.flatten([media.schema] if media.schema is not None else [])
        for items in ("", "/items")
        if isinstance(node.get("properties"), Mapping) and name in node["properties"]
    ]
    return any(
        node.get("format") == "binary" or "contentMediaType" in node or node.get("type") == "file"
        for _, node in schemas.flatten(inside)
    )


def _file_name(name: str, kind: str) -> str:
    ending = {"image/png": ".png", "image/jpeg": ".jpg", "application/pdf": ".pdf", "text/csv": ".csv"}.get(
        kind, ".txt"
    )
    return (re.sub(r"[^A-Za-z0-9_-]", "", name) or "file") + ending


def _xml(schemas: Schemas, pointer: str, value: Any) -> str:
    name = next(
        (
            unescape(place.rpartition("/")[2])
            for place, _ in schemas.flatten([pointer])
            if place.startswith("#/components/schemas/") and place.count("/") == 3
        ),
        "root",
    )
    return _element(schemas, [pointer], name, value)


def _element(schemas: Schemas, pointers: Sequence[str], name: str, value: Any) -> str:
    """An element for a value, by the XML Objects of its schemas (OpenAPI 3.1, 4.8.26)."""
    nodes = list(schemas.flatten(pointers))
    about = _about(nodes)
    name = str(about.get("name", name))
    prefix, space = about.get("prefix"), about.get("namespace")
    tag = f"{prefix}:{name}" if prefix else name
    attributes = [f" xmlns{f':{prefix}' if prefix else ''}={quoteattr(str(space))}"] if space else []
    if isinstance(value, list):
        items = [f"{place}/items" for place, node in nodes if "items" in node]
        inside = "".join(_element(schemas, items, name, item) for item in value)
        return f"<{tag}{''.join(attributes)}>{inside}</{tag}>" if about.get("wrapped") is True else inside
    if not isinstance(value, Mapping):
        return f"<{tag}{''.join(attributes)}>{escape_text(_text(value))}</{tag}>"
    inside = ""
    for key, item in value.items():
        below = [
            f"{place}/properties/{escape(key)}"
            for place, node in nodes
            if isinstance(node.get("properties"), Mapping) and key in node["properties"]
        ]
        said = _about(schemas.flatten(below))
        if said.get("attribute") is True or said.get("nodeType") == "attribute":
            own = str(said.get("name", key))
            label = f"{said['prefix']}:{own}" if "prefix" in said else own
            if "prefix" in said and "namespace" in said:
                attributes.append(f" xmlns:{said['prefix']}={quoteattr(str(said['namespace']))}")
            attributes.append(f" {label}={quoteattr(_text(item))}")
        else:
            inside += _element(schemas, below, key, item)
    return f"<{tag}{''.join(attributes)}>{inside}</{tag}>"


def _about(nodes: Iterable[tuple[str, Mapping[str, Any]]]) -> Mapping[str, Any]:
    return next((node["xml"] for _, node in nodes if isinstance(node.get("xml"), Mapping)), {})
