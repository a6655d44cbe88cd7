"""What text in a body may stand for: fields, parts and elements carry text, and the schema says which values it can be.

One text may have several readings: `17` is a string and an integer. The one that its schema takes is the value; where
several are taken, another is tried as long as the whole is refused. So nothing is called wrong that some reader could
call right.
"""

from __future__ import annotations

import codecs
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from contract.core.document import escape
from contract.core.schema import SchemaError, kind_of

if TYPE_CHECKING:
    from contract.core.schema import Schemas

DEEPEST = 254
"""How far a body may be nested; deeper ones are read by few parsers, and are made to break them."""

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_TRIES = 64  # combinations of readings that are tried for one body
_JSON_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_XML_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
_LONGEST_NUMBER = 300
_LONGEST_NAME = 120

Pointers = tuple[str, ...]
Nodes = tuple[tuple[str, Mapping[str, Any]], ...]


class Malformed(Exception):
    """A body is none of what its media type says; the text names no value of it."""


class Unread(Exception):
    """A body that is not read, with the reason; that is no fault of its own."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A value and the schema that it must keep."""

    schema: str  # pointer
    value: Any
    where: str = ""
    """Where the value lies in the body, indices folded: "" for the whole of it, `/*` for an item of a stream."""


class Reading:
    """One body on its way from text to values."""

    def __init__(self, schemas: Schemas, direction: str) -> None:
        self.schemas = schemas
        self.direction = direction
        self.judged: list[Judged] = []
        self._refused: dict[tuple[str, str, str], SchemaError] = {}
        self._choices: list[tuple[Any, Any, tuple[Any, ...]]] = []
        # What is found in the schemas: it grows with the document and not with the traffic.
        self._cache: dict[tuple[str, Pointers], Any] = schemas.memo.setdefault("readings", {})

    @property
    def refused(self) -> tuple[SchemaError, ...]:
        return tuple(self._refused.values())

    # --- schemas ---

    @property
    def newest(self) -> bool:
        """True from OpenAPI 3.2 on, which describes streams and ordered parts."""
        return not str(self.schemas.value.get("openapi", "")).startswith(("3.0", "3.1"))

    def nodes(self, pointers: Pointers) -> Nodes:
        """Every schema that speaks of a value, behind references and in branches too."""
        key = ("nodes", pointers)
        if key not in self._cache:
            self._cache[key] = tuple(self.schemas.flatten(pointers))
        found: Nodes = self._cache[key]
        return found

    def kinds(self, pointers: Pointers) -> frozenset[str]:
        """The JSON types that the schemas name, in any branch; none where every type is allowed."""
        key = ("kinds", pointers)
        if key not in self._cache:
            found: set[str] = set()
            for _, node in self.nodes(pointers):
                declared = node.get("type")
                found.update(declared if isinstance(declared, list) else [declared] if declared else [])
                if "type" not in node:
                    found.update(["object"] if "properties" in node else [])
                    found.update(["array"] if "items" in node or "prefixItems" in node else [])
                    values = node["enum"] if isinstance(node.get("enum"), list) else []
                    found.update(kind_of(value) for value in (*values, *([node["const"]] if "const" in node else [])))
            self._cache[key] = frozenset(map(str, found))
        kinds: frozenset[str] = self._cache[key]
        return kinds

    def properties(self, pointers: Pointers) -> dict[str, Pointers]:
        """Each declared property with the schemas that speak of it."""
        key = ("properties", pointers)
        if key not in self._cache:
            found: dict[str, list[str]] = {}
            for place, node in self.nodes(pointers):
                for name in mapping(node.get("properties")):
                    found.setdefault(name, []).append(f"{place}/properties/{escape(name)}")
            self._cache[key] = {name: tuple(places) for name, places in found.items()}
        properties: dict[str, Pointers] = self._cache[key]
        return properties

    def property(self, pointers: Pointers, name: str) -> Pointers:
        """The schemas of a property, those for further names where nothing declares it."""
        declared = self.properties(pointers).get(name)
        if declared is not None:
            return declared
        found = []
        for place, node in self.nodes(pointers):
            for pattern in mapping(node.get("patternProperties")):
                if _matches(pattern, name):
                    found.append(f"{place}/patternProperties/{escape(pattern)}")
            for keyword in ("additionalProperties", "unevaluatedProperties"):
                if not found and isinstance(node.get(keyword), Mapping):
                    found.append(f"{place}/{keyword}")
        return tuple(found)

    def items(self, pointers: Pointers, index: int) -> Pointers:
        """The schemas of an array's item."""
        found = []
        for place, node in self.nodes(pointers):
            prefix = node.get("prefixItems")
            if isinstance(prefix, list) and index < len(prefix):
                found.append(f"{place}/prefixItems/{index}")
            elif isinstance(node.get("items"), Mapping):
                found.append(f"{place}/items")
        return tuple(found)

    def requires(self, pointers: Pointers, name: str) -> bool:
        return any(name in node["required"] for _, node in self.nodes(pointers) if _listed(node.get("required")))

    def takes(self, pointers: Pointers, value: Any) -> int:
        """How many of the schemas take a value."""
        return sum(self.schemas.accepts(pointer, self.direction, value) for pointer in pointers)

    # --- readings ---

    def put(self, container: Any, key: Any, pointers: Pointers, readings: Sequence[Any]) -> None:
        """Sets what is likeliest there, and keeps the others that a schema takes for when the whole is refused."""
        if len(readings) > 1 and pointers:
            ranked = sorted(((-self.takes(pointers, each), at) for at, each in enumerate(readings)))
            taken = tuple(readings[at] for rank, at in ranked if rank)
            if len(taken) > 1:
                self._choices.append((container, key, taken))
            readings = taken or readings
        container[key] = readings[0]

    def judge(self, schema: str | None, box: list[Any], where: str = "") -> None:
        """Adds the value in the box, in the reading that the schema takes if there is one."""
        choices, self._choices = self._choices, []
        if schema is None:
            return
        tries = min(_TRIES, 10_000 // (len(choices) or 1))
        if choices and not self.schemas.accepts(schema, self.direction, box[0]):
            for tried in itertools.islice(itertools.product(*(taken for _, _, taken in choices)), 1, tries):
                for (container, key, _), value in zip(choices, tried, strict=True):
                    container[key] = value
                if self.schemas.accepts(schema, self.direction, box[0]):
                    break
            else:
                for container, key, taken in choices:
                    container[key] = taken[0]
        self.judged.append(Judged(schema, box[0], where))

    def refuse(
        self, where: str, keyword: str, component: str, declared: str, observed: str, name: str | None = None
    ) -> None:
        """Adds what no schema sees: a label, a name, a node of the wrong kind."""
        observed = observed if len(observed) <= _LONGEST_NAME else f"{observed[: _LONGEST_NAME - 1]}…"
        folded = "/".join("*" if part.isdigit() else part for part in where.split("/"))
        place = f"`{where}`" if where else "the body"
        message = f"{place} is {observed}; the document says {declared}"
        error = SchemaError(folded, where, keyword, component, name, declared, observed, message)
        self._refused.setdefault((folded, keyword, observed), error)


def scalars(text: str, kinds: frozenset[str], xml: bool = False) -> tuple[Any, ...]:
    """What one text may stand for, the likeliest first; always the text itself among them.

    With `xml`, numbers and booleans are in the lexical forms of XML Schema (part 2, 3.2.2 and 3.3).
    """
    if kinds == {"string"} or (kinds and kinds <= {"object", "array"}):
        return (text,)
    bare = text.strip() if xml or "string" not in kinds else text
    typed: list[Any] = []
    is_number = (_XML_NUMBER if xml else _JSON_NUMBER).fullmatch(bare) if len(bare) < _LONGEST_NUMBER else None
    if is_number and (not kinds or not kinds.isdisjoint(("integer", "number"))):
        typed.append(_number(bare))
    if (not kinds or "boolean" in kinds) and bare in (("true", "false", "1", "0") if xml else ("true", "false")):
        typed.append(bare in ("true", "1"))
    if (not kinds or "null" in kinds) and bare in ("", "null"):
        typed.append(None)
    return (text, *typed) if not kinds or "string" in kinds else (*typed, text)


def json(data: bytes, charset: str | None = None) -> Any:
    """The value of a JSON text; `Malformed` where it is none.

    It is UTF-8 (RFC 8259, 8.1), whatever a `charset` says of it, since JSON has no such parameter (11); what is no JSON
    then is read in the charset that it names or that its byte order mark shows. The last of equal names stands (4).
    Integers beyond 64 bits become floats, as in most readers; beyond the range of those, there is no value (6).
    """
    if not data.strip():
        raise Malformed("an empty body")
    try:
        value = orjson.loads(data)
    except ValueError as error:
        text = _recoded(data, charset)
        if text is None:
            raise Malformed(f"no JSON: {error}") from None
        try:
            value = orjson.loads(text)
        except ValueError as again:
            raise Malformed(f"no JSON: {again}") from None
    if nested_too_deep(data, value):
        raise Malformed(f"JSON nested deeper than {DEEPEST} levels")
    return value


_BUT_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[{")


def nested_too_deep(data: bytes, value: Any) -> bool:
    """True for JSON nested deeper than `DEEPEST`, which is where orjson gives up writing it again."""
    if len(data) < 2 * DEEPEST or len(data.translate(None, _BUT_BRACKETS)) < DEEPEST:
        return False
    try:
        orjson.dumps(value)
    except TypeError:
        return True
    return False


def _recoded(data: bytes, charset: str | None) -> str | None:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            charset = encoding
            break
    if charset is None:
        return None
    try:
        return decode(data, charset)
    except (Unread, UnicodeDecodeError):
        return None


def decode(data: bytes, charset: str | None, keeps_mark: bool = False) -> str:
    """The text of bytes in a named charset, a byte order mark left out unless it is kept; UTF-8 where none is named.

    Raises `UnicodeDecodeError` where they are none, and `Unread` for a charset that nobody knows.
    """
    if charset is None or charset.lower() in ("utf-8", "utf8"):
        text = data.decode()
        return text if keeps_mark else text.removeprefix("\ufeff")
    try:
        text = data.decode(charset)
        text = text if keeps_mark else text.removeprefix("\ufeff")
        text.encode()  # some of what Python calls a charset makes halves of characters
    except UnicodeDecodeError:
        raise
    except (LookupError, ValueError):
        raise Unread("a charset that is not known") from None
    return text


def mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _number(text: str) -> int | float:
    return int(text) if text.lstrip("+-").isdigit() else float(text)


def _listed(value: Any) -> bool:
    return isinstance(value, list)


def _matches(pattern: str, name: str) -> bool:
    try:
        return re.search(pattern, name) is not None
    except re.error:
        return False


def applying(reading: Reading, pointer: str, value: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The schemas that a value must keep under a schema: of alternatives only those that take it."""
    todo, seen = [pointer], set()
    while todo:
        place = todo.pop()
        node = next((node for at, node in reading.nodes((place,)) if at == place), None)
        if node is None or place in seen:
            continue
        seen.add(place)
        yield place, node
        if isinstance(node.get("$ref"), str) and node["$ref"].startswith("#"):
            todo.append(node["$ref"])
        for keyword in ("allOf", "anyOf", "oneOf"):
            branches = [f"{place}/{keyword}/{at}" for at in range(len(node.get(keyword) or ()))]
            if keyword != "allOf":
                branches = [at for at in branches if reading.schemas.accepts(at, reading.direction, value)]
            if keyword != "oneOf" or len(branches) == 1:
                todo += branches
