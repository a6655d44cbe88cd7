"""The values of forms: `application/x-www-form-urlencoded`, and the parts of `multipart` (OpenAPI 3.2, 4.15)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from contract.core.bodies import parameter
from contract.core.document import escape, resolve
from contract.core.evidence import is_json, media_type
from contract.core.readings import (
    Malformed,
    Pointers,
    Reading,
    Unread,
    decode,
    json,
    mapping,
    scalars,
)

if TYPE_CHECKING:
    from contract.core.openapi import MediaType

_NESTED = 8  # parts within parts, brackets within names
_STYLED = frozenset({"style", "explode", "allowReserved"})
_DELIMITERS = {"form": (",",), "spaceDelimited": (" ", "%20", "+"), "pipeDelimited": ("|", "%7C", "%7c")}


@dataclass(frozen=True, slots=True)
class Encoding:
    """An Encoding Object with its defaults; the empty one where the document has none."""

    pointer: str = ""
    node: Mapping[str, Any] = field(default_factory=dict)

    @property
    def types(self) -> tuple[str, ...]:
        """The media types and ranges that it lists, lower case, without their parameters."""
        listed = self.node.get("contentType")
        if not isinstance(listed, str) or self.styled:
            return ()
        return tuple(found for each in listed.split(",") if (found := media_type(each)) is not None)

    @property
    def styled(self) -> bool:
        """True if values are written as those of a query, and the content type is not asked (3.1.1, 4.8.15.1.2)."""
        return not _STYLED.isdisjoint(self.node)

    @property
    def style(self) -> str:
        value = self.node.get("style")
        return value if isinstance(value, str) else "form"

    @property
    def explode(self) -> bool:
        value = self.node.get("explode")
        return value if isinstance(value, bool) else self.style == "form"

    def within(self, name: str) -> Encoding:
        """The Encoding Object for a name."""
        node = mapping(self.node.get("encoding")).get(name)
        return Encoding(f"{self.pointer}/encoding/{escape(name)}", node) if isinstance(node, Mapping) else Encoding()

    def at(self, index: int) -> Encoding:
        """The Encoding Object for a position."""
        prefix = self.node.get("prefixEncoding")
        if isinstance(prefix, list) and index < len(prefix):
            return Encoding(f"{self.pointer}/prefixEncoding/{index}", mapping(prefix[index]))
        node = self.node.get("itemEncoding")
        return Encoding(f"{self.pointer}/itemEncoding", node) if isinstance(node, Mapping) else Encoding()


@dataclass(frozen=True, slots=True)
class Part:
    """One field of a form, or one part of a multipart body."""

    name: str | None
    data: bytes
    raw: str | None = None
    """The text before its percent-encoding was undone, for a field of an urlencoded form."""
    charset: str | None = None
    content_type: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    is_file: bool = False


def urlencoded(reading: Reading, media: MediaType | None, body: bytes, charset: str | None) -> None:
    """Adds the object that a form's fields make."""
    if body[:1] in (b"{", b"[") and _is_json(body):
        raise Malformed("JSON, and no form")
    parts = []
    for pair in body.split(b"&"):
        if pair:
            name, _, raw = pair.partition(b"=")
            parts.append(Part(_plain(name, charset), _octets(raw), raw.decode("latin-1"), charset))
            _plain(raw, charset)
    if media is None or media.schema is None:
        return
    kinds = reading.kinds((media.schema,))
    if kinds and "object" not in kinds:
        raise Unread("a form that is described as something else than an object")
    encoding = Encoding(media.pointer, mapping(_at(reading, media.pointer)))
    box: list[Any] = [_named(reading, (media.schema,), parts, encoding, "", 0, styles=True)]
    reading.judge(media.schema, box)


def multipart(reading: Reading, media: MediaType | None, content_type: str, body: bytes) -> None:
    """Adds what the parts make: an object by their names, an array by their order, items of a stream."""
    parts = _parts(content_type, body)
    if media is None:
        return
    encoding = Encoding(media.pointer, mapping(_at(reading, media.pointer)))
    if media.item is not None:
        for index, part in enumerate(parts):
            box: list[Any] = [None]
            _fill(reading, box, 0, (media.item,), part, encoding.at(index), f"/{index}", 0)
            reading.judge(media.item, box, "/*")
    if media.schema is None:
        return
    box = [_collected(reading, (media.schema,), parts, content_type, encoding, "", 0)]
    reading.judge(media.schema, box)


def _collected(
    reading: Reading,
    schema: Pointers,
    parts: Sequence[Part],
    content_type: str,
    encoding: Encoding,
    where: str,
    depth: int,
) -> Any:
    kinds = reading.kinds(schema)
    form = media_type(content_type) == "multipart/form-data"
    if form and any(part.name is None for part in parts):
        raise Malformed("a form with a part that has no name")
    if "object" in kinds or (form and "array" not in kinds):
        # By name outside of forms too, as earlier versions advised (3.2, 4.14.5.3).
        if all(part.name is not None for part in parts):
            return _named(reading, schema, parts, encoding, where, depth, styles=form and not _of_3_0(reading))
        raise Unread("parts without names that are described as an object")
    if kinds and "array" not in kinds:
        raise Unread("parts that are described as neither object nor array")
    values: list[Any] = []
    for index, part in enumerate(parts):
        items, within = reading.items(schema, index), encoding.at(index)
        values.append(None)
        if form and part.name is not None:
            # An array of objects with one property each, where the order of a form's parts matters (3.2, 4.14.5.2).
            values[-1] = _named(reading, items, [part], encoding, f"{where}/{index}", depth)
        else:
            _fill(reading, values, index, items, part, within, f"{where}/{index}", depth)
    return values


def _named(
    reading: Reading,
    schema: Pointers,
    parts: Sequence[Part],
    encoding: Encoding,
    where: str,
    depth: int,
    styles: bool = False,
) -> dict[str, Any]:
    """An object: parts of one name are an array, in order (3.2, 4.14.5.1)."""
    declared = reading.properties(schema)
    by_name: dict[str, list[Part]] = {}
    for part in parts:
        by_name.setdefault(part.name or "", []).append(part)
    result: dict[str, Any] = {}
    for name, places in declared.items():
        within = encoding.within(name)
        if styles and within.styled:
            _styled(reading, result, name, places, by_name, declared, within)
        elif name not in by_name and f"{name}[]" in by_name and "array" in reading.kinds(places):
            by_name[name] = by_name.pop(f"{name}[]")  # how PHP and its clients write the name of an array
        elif name not in by_name and "object" in reading.kinds(places) and "contentType" not in within.node:
            # 3.0.3 names `form` as the style of objects in one place, and JSON in another.
            _spread(reading, result, name, places, by_name, declared)
    for name, same in by_name.items():
        _field(reading, result, name, reading.property(schema, name), same, encoding.within(name), where, depth)
    return result


def _field(
    reading: Reading,
    result: dict[str, Any],
    name: str,
    places: Pointers,
    parts: Sequence[Part],
    encoding: Encoding,
    where: str,
    depth: int,
) -> None:
    place = f"{where}/{escape(name)}"
    kinds = reading.kinds(places)
    if len(parts) == 1 and "array" not in kinds:
        _fill(reading, result, name, places, parts[0], encoding, place, depth)
        return
    values: list[Any] = []
    for index, part in enumerate(parts):
        values.append(None)
        items = reading.items(places, index) if "array" in kinds else places
        _fill(reading, values, index, items, part, encoding, f"{place}/{index}", depth)
    readings: list[Any] = [values]
    if len(parts) == 1:
        text = _text_of(parts[0])
        if text is not None and kinds != {"array"}:
            readings += scalars(text, kinds)
        if isinstance(values[0], list):
            readings.append(values[0])  # the whole array as one JSON text
        elif text is not None and text[:1] == "[" and encoding.types and is_json(encoding.types[0]):
            readings += _as_json(text)
    reading.put(result, name, places, readings)


def _fill(
    reading: Reading, box: Any, key: Any, places: Pointers, part: Part, encoding: Encoding, where: str, depth: int
) -> None:
    """Sets the value of one field or part, read by its type, else by the declared one, else by the schema's."""
    kinds = reading.kinds(places)
    sent = media_type(part.content_type)
    if part.raw is None:
        _check_label(reading, part, sent, encoding, where)
        _check_headers(reading, part, encoding, where)
    if part.raw is not None or sent in (None, "text/plain"):
        declared = next((each for each in encoding.types if "*" not in each), None)
        as_type = declared or sent or ("text/plain" if not part.is_file else "application/octet-stream")
    else:
        as_type = sent or ""
    text = _text_of(part)
    if is_json(as_type):
        try:
            box[key] = json(part.data, part.charset)
        except Malformed as error:
            box[key] = text if text is not None else part.data.decode("latin-1")
            reading.refuse(where, "contentType", encoding.pointer or _first(places), as_type, str(error))
        return
    if as_type.startswith("multipart/") and part.raw is None:
        if depth >= _NESTED:
            raise Malformed(f"multipart within multipart, deeper than {_NESTED} levels")
        label = part.content_type or ""
        box[key] = _collected(reading, places, _parts(label, part.data), label, encoding, where, depth + 1)
        return
    if (as_type in ("application/xml", "text/xml") or as_type.endswith("+xml")) and "string" not in kinds and kinds:
        from contract.core.markup import element, parse

        try:
            element(reading, parse(part.data, part.charset), places, box, key)
        except Malformed as error:
            box[key] = part.data.decode("latin-1")
            reading.refuse(where, "contentType", encoding.pointer or _first(places), as_type, str(error))
        except Unread:
            box[key] = part.data.decode("latin-1")
        return
    if text is None:
        box[key] = part.data.decode("latin-1")  # one character an octet, so that `maxLength` counts octets
        return
    readings = list(scalars(text, kinds))
    if not kinds.isdisjoint(("object", "array")):
        # JSON is what objects and inner arrays are sent as by default (3.0.3, 4.7.15).
        readings = _as_json(text) + readings
    reading.put(box, key, places, readings)


def _check_label(reading: Reading, part: Part, sent: str | None, encoding: Encoding, where: str) -> None:
    if not encoding.types:
        return
    # RFC 7578, 4.4: a part without a label is plain text.
    label = sent or "text/plain"
    if not any(
        each in ("*/*", label) or (each.endswith("/*") and label.startswith(each[:-1])) for each in encoding.types
    ):
        observed = f"labelled {sent}" if sent else "not labelled, which means text/plain"
        reading.refuse(where, "contentType", encoding.pointer, str(encoding.node["contentType"]), observed)


def _check_headers(reading: Reading, part: Part, encoding: Encoding, where: str) -> None:
    from contract.core.openapi import follow

    for name in mapping(encoding.node.get("headers")):
        if name.lower() == "content-type":
            continue  # said by `contentType`
        at, node = follow(reading.schemas.value, f"{encoding.pointer}/headers/{escape(name)}")
        if not isinstance(node, Mapping):
            continue
        sent = [value for key, value in part.headers if key == name.lower()]
        if not sent:
            if node.get("required") is True:
                reading.refuse(where, "required", at, f"a header `{name}`", "sent without it", name)
            continue
        schema = f"{at}/schema"
        if not isinstance(node.get("schema"), (Mapping, bool)):
            continue
        value = ", ".join(sent)
        kinds = reading.kinds((schema,))
        readings = list(scalars(value, kinds))
        if "array" in kinds:
            items = reading.kinds(reading.items((schema,), 0))
            readings.append([scalars(each.strip(), items)[0] for each in value.split(",")])
        if "object" in kinds or any(reading.takes((schema,), each) for each in readings):
            continue
        for error in reading.schemas.errors(schema, reading.direction, readings[0]):
            observed = f"sent with a header `{name}` that breaks its `{error.keyword}`"
            reading.refuse(where, error.keyword, error.component, error.declared, observed, name)
            break


# --- as in a query -------------------------------------------------------------------------------------------------


def _styled(
    reading: Reading,
    result: dict[str, Any],
    name: str,
    places: Pointers,
    by_name: dict[str, list[Part]],
    declared: Mapping[str, Any],
    encoding: Encoding,
) -> None:
    """A property that is written as a query parameter would be (3.0.3, 4.7.12.1); its parts are taken."""
    kinds = reading.kinds(places)
    if encoding.style == "deepObject":
        tree: dict[str, Any] = {}
        for key in [key for key in by_name if key.startswith(f"{name}[")]:
            path = re.findall(r"\[([^\[\]]*)\]", key[len(name) :])
            if len(path) <= _NESTED and key == name + "".join(f"[{each}]" for each in path):
                _plant(tree, path, by_name.pop(key))
        if tree:
            result[name] = _grown(reading, tree, places)
        return
    if "object" in kinds and "array" not in kinds and encoding.explode and encoding.style == "form":
        _spread(reading, result, name, places, by_name, declared)
        return
    if encoding.explode or name not in by_name or kinds.isdisjoint(("object", "array")):
        return  # each value under the same name, as without a style
    part = by_name.pop(name)[0]
    raw = part.raw if part.raw is not None else part.data.decode("latin-1")
    readings: list[Any] = []
    # A delimiter stands for itself; some clients encode it like any other character.
    for delimiter in _DELIMITERS.get(encoding.style, (",",)):
        pieces = [_unquoted(piece, part) for piece in raw.split(delimiter)] if raw else []
        if len(pieces) > 1 or delimiter == _DELIMITERS.get(encoding.style, (",",))[0]:
            readings.append(_sequence(reading, places, pieces, kinds))
    pieces = (_text_of(part) or "").split(_DELIMITERS.get(encoding.style, (",",))[0])
    readings.append(_sequence(reading, places, pieces, kinds))
    reading.put(result, name, places, readings)


def _sequence(reading: Reading, places: Pointers, pieces: list[str], kinds: frozenset[str]) -> Any:
    if "array" in kinds:
        values: list[Any] = []
        for index, piece in enumerate(pieces):
            items = reading.items(places, index)
            values.append(None)
            reading.put(values, index, items, scalars(piece, reading.kinds(items)))
        return values
    found: dict[str, Any] = {}
    for name, piece in zip(pieces[::2], pieces[1::2], strict=False):
        inner = reading.property(places, name)
        reading.put(found, name, inner, scalars(piece, reading.kinds(inner)))
    return found


def _spread(
    reading: Reading,
    result: dict[str, Any],
    name: str,
    places: Pointers,
    by_name: dict[str, list[Part]],
    declared: Mapping[str, Any],
) -> None:
    """An object whose properties stand under their own names beside those of the form."""
    own = [key for key in reading.properties(places) if key in by_name and key not in declared]
    if own:
        inner: dict[str, Any] = {}
        for key in own:
            _field(reading, inner, key, reading.property(places, key), by_name.pop(key), Encoding(), f"/{name}", 0)
        result[name] = inner


def _plant(tree: dict[str, Any], path: Sequence[str], parts: list[Part]) -> None:
    for token in path[:-1]:
        below = tree.setdefault(token, {})
        if not isinstance(below, dict):
            return  # a name that is both a value and an object: the value stands
        tree = below
    tree.setdefault(path[-1], parts)


def _grown(reading: Reading, tree: Mapping[str, Any], places: Pointers) -> Any:
    if tree.keys() == {""} or ("array" in reading.kinds(places) and all(token.isdigit() for token in tree)):
        values: list[Any] = []
        for below in tree.values():
            for each in [below] if isinstance(below, Mapping) else [[part] for part in below]:
                values.append(None)
                _leaf(reading, values, len(values) - 1, reading.items(places, len(values) - 1), each)
        return values
    found: dict[str, Any] = {}
    for token, below in tree.items():
        _leaf(reading, found, token, reading.property(places, token), below)
    return found


def _leaf(reading: Reading, box: Any, key: Any, places: Pointers, below: Any) -> None:
    if isinstance(below, Mapping):
        box[key] = _grown(reading, below, places)
    elif isinstance(box, dict):
        _field(reading, box, key, places, below, Encoding(), "", 0)
    else:
        _fill(reading, box, key, places, below[0], Encoding(), "", 0)


# --- parts ---------------------------------------------------------------------------------------------------------


def _parts(content_type: str, body: bytes) -> list[Part]:
    """The parts of a multipart body (RFC 2046, 5.1.1); preamble and epilogue are no parts."""
    boundary = parameter(content_type, "boundary")
    if boundary is None:
        raise Malformed("a multipart body without its boundary")
    mark = re.escape(b"--" + boundary.encode("utf-8", "surrogateescape"))
    # CRLF belongs to the delimiter; a bare LF is what some senders write, and then all through the body.
    line = rb"\r\n" if re.search(mark + rb"[ \t]*\r\n", body) else rb"\n"
    delimiter = re.compile(rb"(?:\A|" + line + rb")" + mark + rb"(--)?[ \t]*(?=\r?\n|\Z)")
    found: list[Part] = []
    start: int | None = None
    for match in delimiter.finditer(body):
        if start is not None:
            found.append(_part(body[start : match.start()]))
        start = match.end()
        if match[1]:
            return found
    if start is None:
        raise Malformed("a multipart body in which its boundary does not stand" if body else "an empty body")
    raise Malformed("a multipart body that is cut off: its last boundary is missing")


def _part(raw: bytes) -> Part:
    from email.parser import HeaderParser

    raw = raw.removeprefix(b"\r").removeprefix(b"\n")
    if raw[:1] in (b"\r", b"\n"):
        head, data = b"", raw.removeprefix(b"\r").removeprefix(b"\n")  # no headers
    else:
        blank = re.search(rb"\r?\n\r?\n", raw)
        if blank is None:
            raise Malformed("a multipart body with a part that has no blank line after its headers")
        head, data = raw[: blank.start()], raw[blank.end() :]
    try:
        text = head.decode()
    except UnicodeDecodeError:
        text = head.decode("latin-1")
    headers = HeaderParser().parsestr(text)
    name = headers.get_param("name", None, "content-disposition")
    content_type = headers.get("content-type")
    coding = str(headers.get("content-transfer-encoding", "")).strip().lower()
    return Part(
        _word(name),
        _transferred(data, coding),
        charset=parameter(content_type or "", "charset"),
        content_type=content_type,
        headers=tuple((key.lower(), str(value)) for key, value in headers.items()),
        is_file=headers.get_param("filename", None, "content-disposition") is not None,
    )


def _word(value: Any) -> str | None:
    """A header's parameter; in the extended form of RFC 2231 it comes with its charset."""
    from email.utils import collapse_rfc2231_value

    if value is None:
        return None
    text = collapse_rfc2231_value(value)
    # What browsers do to the characters that would end the name (HTML standard, 4.10.21.8).
    return text.replace("%22", '"').replace("%0D", "\r").replace("%0A", "\n")


def _transferred(data: bytes, coding: str) -> bytes:
    import binascii
    import quopri

    if coding == "quoted-printable":
        return quopri.decodestring(data)
    if coding != "base64":
        return data
    try:
        return binascii.a2b_base64(data)
    except binascii.Error:
        raise Malformed("a multipart body with a part that is not the base64 it is labelled as") from None


# --- text ----------------------------------------------------------------------------------------------------------


def _octets(raw: bytes) -> bytes:
    return unquote_to_bytes(raw.replace(b"+", b" "))


def _plain(data: bytes, charset: str | None) -> str:
    try:
        # Only a whole text begins with a mark (WHATWG URL, 5.1: UTF-8 decode without BOM).
        return decode(_octets(data), charset, keeps_mark=True)
    except UnicodeDecodeError:
        raise Malformed(f"a form with bytes that are no {charset or 'UTF-8'}") from None


def _text_of(part: Part) -> str | None:
    """The text of a field or part; None for what is no text."""
    sent = media_type(part.content_type)
    if part.raw is None and sent is not None and not sent.startswith("text/") and not is_json(sent):
        return None
    try:
        return decode(part.data, part.charset, keeps_mark=part.raw is not None)
    except UnicodeDecodeError:
        return None


def _unquoted(piece: str, part: Part) -> str:
    if part.raw is None:
        return piece
    return _octets(piece.encode("latin-1")).decode(part.charset or "utf-8", "replace")


def _as_json(text: str) -> list[Any]:
    try:
        return [json(text.encode())]
    except (Malformed, UnicodeEncodeError):
        return []


def _is_json(body: bytes) -> bool:
    try:
        json(body)
    except Malformed:
        return False
    return True


def _first(places: Pointers) -> str:
    return places[0] if places else ""


def _at(reading: Reading, pointer: str) -> Any:
    return resolve(reading.schemas.value, pointer)


def _of_3_0(reading: Reading) -> bool:
    return str(reading.schemas.value.get("openapi", "")).startswith("3.0")
