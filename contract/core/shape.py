"""What do the values that were seen at one place look like, taken together, and what of a schema was never seen?

A shape holds counts and no values: for each place in the value the JSON types, the formats of strings, lengths and
magnitudes in powers of two, and how many of the objects had each property. Only words, as an enum would list them, are
kept as they are: while there are few of them, and never where the property's name speaks of a person, a secret or an
identifier.

Shapes add up in any order and split, `Shape.of(x) + Shape.of(y)`, and their size is bounded. Both hold together because
whatever a shape forgets it forgets in every sum that it is part of: an object with more than `WIDEST` names becomes a map
from any name; a set of more than `WORDS` words is dropped; and below `limit` levels nothing is told apart, a limit that
falls while the tree, each such map counted as wide as it may have been, is heavier than `HEAVIEST`.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import frexp
from typing import Any

import jsonschema_rs

from contract.core import redact, routing
from contract.core.document import escape, split
from contract.core.report import Ratio
from contract.core.schema import Schemas, show

WIDEST = 256
"""Names beyond which an object is a map from any name."""
WORDS = 32
"""Distinct words beyond which a string is no enum, and none of them is kept."""
DEEPEST = 24
"""Levels that a shape tells apart at most."""
HEAVIEST = 100_000

ENOUGH = 20
"""Strings that must have been seen at a place before its words are called an enum."""
MEMBERS = 8
"""Words that such an enum has at most; each was seen four times or more on average."""

# A value is counted under its class, one small integer, so that it costs one addition to one dict.
_NULL, _FALSE, _TRUE, _OBJECT = 0, 1, 2, 3
_ARRAY, _INTEGER, _NEGATIVE, _NUMBER, _STRING = 64, 128, 256, 512, 1024
_WORD = 32
_BITS = 31

FORMATS = ("", "date-time", "date", "uuid", "email", "uri", "ipv4", "ipv6")
"""What a string may be seen to be; "" where it is none of the others."""


def _fits(name: str) -> Any:
    """What says whether a string has the format: the judge's own validator, so that the two always agree."""
    return jsonschema_rs.Draft202012Validator({"format": name}, validate_formats=True, offline=True).is_valid


_IS_DATE_TIME, _IS_DATE, _IS_UUID, _IS_EMAIL, _IS_URI, _IS_IPV4, _IS_IPV6 = map(_fits, FORMATS[1:])
_IS_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*", re.ASCII).fullmatch


def _string(value: str) -> int:
    """The class of a string: its format, whether it is a word, and the bits of its length.

    Cheap looks come first, and a validator is asked at most once: this is where most of the time goes.
    """
    length = len(value)
    if length < 20:
        if value.isidentifier() and value.isascii():
            return _STRING + _WORD + length.bit_length()
        kind = 0
        if " " in value or length < 2:
            pass
        elif "@" in value:
            kind = 64 * 4 if _IS_EMAIL(value) else 0
        elif length == 10 and value[4] == "-" and _IS_DATE(value):
            kind = 64 * 2
        elif ":" in value:
            kind = 64 * 5 if "://" in value and _IS_URI(value) else 64 * 7 if _IS_IPV6(value) else 0
        elif _IS_WORD(value):
            kind = _WORD
        elif "." in value and _IS_IPV4(value):
            kind = 64 * 6
        return _STRING + kind + length.bit_length()
    kind = 0
    if value[4] == "-" and length < 40 and _IS_DATE_TIME(value):
        kind = 64
    elif length == 36 and value[8] == "-" == value[13] and _IS_UUID(value):
        kind = 64 * 3
    elif "://" in value:
        kind = 64 * 5 if _IS_URI(value) else 0
    elif length < 255 and "@" in value:
        kind = 64 * 4 if _IS_EMAIL(value) else 0
    elif length < 33 and " " not in value and _IS_WORD(value):
        kind = _WORD
    elif length < 40 and ":" in value and _IS_IPV6(value):
        kind = 64 * 7
    bits = length.bit_length()
    return _STRING + kind + (bits if bits < _BITS else _BITS)


def _scalar(value: Any) -> int:
    """The class of a value that is neither an object nor an array."""
    if value is None:
        return _NULL
    kind = type(value)
    if kind is int:
        bits: int = value.bit_length()
        return (_INTEGER if value >= 0 else _NEGATIVE) + (bits if bits < 127 else 127)
    if kind is bool:
        return _TRUE if value else _FALSE
    if kind is str:
        return _string(value)
    power = frexp(value)[1]
    return _NUMBER + 64 + (power if -64 <= power < 64 else -64 if power < 0 else 63)


_OPEN, _PERSONAL, _SECRET = 0, 1, 2
_PERSON = re.compile(
    r"(?:address|assignee|author|by|city|company|contact|creator|customer|description|email|employer|first|given|handle"
    r"|label|last|login|mail|member|message|name|nick|nickname|note|organi[sz]ation|owner|patient|phone|recipient"
    r"|reviewer|sender|slug|street|subject|surname|tag|tenant|text|title|user|username)s?"
)
"""Last words of names whose values are somebody's own: no enum, however few of them were seen."""


@lru_cache(maxsize=4096)
def _quiet(name: str) -> int:
    """Whether the words under a name may be kept; a secret's name is about all that lies below it."""
    if redact.sensitive(name):
        return _SECRET
    last = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)[-1:]
    return _PERSONAL if redact.identifier(name) or (last and _PERSON.fullmatch(last[0].lower())) else _OPEN


@lru_cache(maxsize=4096)
def is_name(text: str) -> bool:
    """True for what a property is called, and not for a key of a map that stands for one of many, or for a person."""
    return len(text) <= 64 and text.isprintable() and not routing.is_key(text) and redact.text(text) == text


class Place:
    """What was seen at one place of the values."""

    __slots__ = ("children", "counts", "folded", "items", "quiet", "rest", "words")

    def __init__(self, quiet: int = _OPEN) -> None:
        self.counts: defaultdict[int, int] = defaultdict(int)
        self.children: dict[str, Place] = {}
        """By name of the property."""
        self.rest: Place | None = None
        """All that lies under names that stand for one of many; under any name if `folded`."""
        self.items: Place | None = None
        self.folded = False
        self.quiet = quiet
        self.words: dict[str, int] | None = None if quiet else {}
        """The distinct words, each with its class; None if they are too many, or nobody's to keep."""

    # ------------------------------------------------------------------------------------------------------- read

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def objects(self) -> int:
        return self.counts.get(_OBJECT, 0)

    @property
    def nulls(self) -> int:
        return self.counts.get(_NULL, 0)

    @property
    def kinds(self) -> Counter[str]:
        """How many values were of each JSON type; an integer is no number here."""
        found: Counter[str] = Counter()
        for code, count in self.counts.items():
            found[_kind(code)] += count
        return found

    @property
    def formats(self) -> Counter[str]:
        """How many strings have each format, "" for none; a word has none."""
        found: Counter[str] = Counter()
        for code, count in self.counts.items():
            if code >= _STRING:
                found[FORMATS[(code - _STRING) >> 6]] += count
        return found

    @property
    def plain(self) -> int:
        """Strings that are no words."""
        return sum(count for code, count in self.counts.items() if code >= _STRING and not code & _WORD)

    @property
    def bits(self) -> int:
        """Bits that the greatest integer takes, without its sign."""
        found = [code & 127 for code in self.counts if _INTEGER <= code < _NUMBER]
        return max(found, default=0)

    # ------------------------------------------------------------------------------------------------------ write

    def child(self, name: str) -> Place:
        """The place under a name that `children` does not have: a new one, or the one for any name."""
        quiet = _quiet(name)
        if not self.folded and is_name(name):
            if len(self.children) < WIDEST:
                made = self.children[name] = Place(_SECRET if self.quiet == _SECRET else quiet)
                return made
            self._fold()
        return self._any(quiet)

    def _any(self, quiet: int) -> Place:
        if self.quiet == _SECRET:
            quiet = _SECRET
        if self.rest is None:
            self.rest = Place(quiet)
        elif quiet > self.rest.quiet:
            self.rest.hush(quiet)
        return self.rest

    def _fold(self) -> None:
        self.folded = True
        for child in self.children.values():
            self._any(child.quiet).absorb(child)
        self.children.clear()  # in place: a walk may hold it

    def item(self) -> Place:
        if self.items is None:
            self.items = Place(self.quiet)
        return self.items

    def hush(self, quiet: int) -> None:
        """Drops the words here, in the items, and of a secret everywhere below."""
        if quiet <= self.quiet:
            return
        self.quiet, self.words = quiet, None
        below = [self.items] if self.items is not None else []
        if quiet == _SECRET:
            below += [*self.children.values(), *([self.rest] if self.rest is not None else [])]
        for place in below:
            place.hush(quiet)

    def word(self, value: str, code: int) -> None:
        """Keeps a word that is not yet in `words`; or drops them all."""
        words = self.words
        if words is not None:
            if len(words) >= WORDS or redact.text(value) != value:
                self.words = None
            else:
                words[value] = code

    def absorb(self, other: Place) -> None:
        """Adds what another one has; that one stays as it is, and shares nothing with this one."""
        counts = self.counts
        for code, count in other.counts.items():
            counts[code] += count
        self.hush(other.quiet)
        if self.words is not None:
            if other.words is None:
                self.words = None
            else:
                self.words |= other.words
                if len(self.words) > WORDS:
                    self.words = None
        if other.folded and not self.folded:
            self._fold()
        for name, child in other.children.items():
            (self.children.get(name) or self.child(name)).absorb(child)
        if other.rest is not None:
            self._any(other.rest.quiet).absorb(other.rest)
        if other.items is not None:
            self.item().absorb(other.items)

    def cut(self, levels: int) -> None:
        """Forgets what lies more than so many levels below."""
        if levels == 0:
            self.children.clear()
            self.rest = self.items = None
            self.folded = False
            return
        for place in self.below():
            place.cut(levels - 1)

    def below(self) -> Iterator[Place]:
        yield from self.children.values()
        if self.rest is not None:
            yield self.rest
        if self.items is not None:
            yield self.items

    def weight(self, levels: int) -> int:
        """Places within so many levels, a map counted as the widest object that it may have been.

        So it never falls when something is added, although folding makes the tree smaller.
        """
        if levels == 0:
            return 1
        found = 1 + sum(child.weight(levels - 1) for child in self.children.values())
        if self.rest is not None:
            found += self.rest.weight(levels - 1) * (WIDEST + 1 if self.folded else 1)
        return found + (self.items.weight(levels - 1) if self.items is not None else 0)

    # ------------------------------------------------------------------------------------------------------- JSON

    def to_json(self) -> dict[str, Any]:
        value: dict[str, Any] = {"counts": {_spelled(code): self.counts[code] for code in sorted(self.counts)}}
        if self.quiet:
            value["quiet"] = self.quiet
        if self.words is None:
            value["words"] = None
        elif self.words:
            value["words"] = sorted(self.words)
        if self.folded:
            value["folded"] = True
        if self.children:
            value["properties"] = {name: self.children[name].to_json() for name in sorted(self.children)}
        if self.rest is not None:
            value["any"] = self.rest.to_json()
        if self.items is not None:
            value["items"] = self.items.to_json()
        return value

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Place:
        made = cls(value.get("quiet", _OPEN))
        made.counts.update((_read(text), count) for text, count in value["counts"].items())
        words = value.get("words", [])
        made.words = None if words is None else {word: _string(word) for word in words}
        made.folded = value.get("folded", False)
        made.children = {name: cls.from_json(child) for name, child in value.get("properties", {}).items()}
        made.rest = cls.from_json(value["any"]) if "any" in value else None
        made.items = cls.from_json(value["items"]) if "items" in value else None
        return made


def _kind(code: int) -> str:
    if code >= _STRING:
        return "string"
    if code >= _NUMBER:
        return "number"
    if code >= _INTEGER:
        return "integer"
    return "array" if code >= _ARRAY else ("null", "boolean", "boolean", "object")[code]


def _spelled(code: int) -> str:
    """The class of values in words: `string:5`, `string:5:date`, `string:3:word`, `integer:-4`, `array:2`."""
    if code >= _STRING:
        kind = "word" if code & _WORD else FORMATS[(code - _STRING) >> 6]
        return f"string:{code & _BITS}" + (f":{kind}" if kind else "")
    if code >= _NUMBER:
        return f"number:{code - _NUMBER - 64}"
    if code >= _NEGATIVE:
        return f"integer:-{code - _NEGATIVE}"
    if code >= _INTEGER:
        return f"integer:{code - _INTEGER}"
    return f"array:{code - _ARRAY}" if code >= _ARRAY else ("null", "false", "true", "object")[code]


def _read(text: str) -> int:
    kind, _, rest = text.partition(":")
    if kind == "string":
        bits, _, name = rest.partition(":")
        return _STRING + int(bits) + (_WORD if name == "word" else 64 * FORMATS.index(name))
    if kind == "number":
        return _NUMBER + 64 + int(rest)
    if kind == "integer":
        return _NEGATIVE + int(rest[1:]) if rest.startswith("-") else _INTEGER + int(rest)
    return _ARRAY + int(rest) if kind == "array" else ("null", "false", "true", "object").index(kind)


def _walk(place: Place, value: Any, levels: int) -> None:
    """Adds an object or an array. Scalars are counted in line: a call for each would take half as long again."""
    counts = place.counts
    if type(value) is dict:
        counts[_OBJECT] += 1
        if not levels:
            return
        children = place.children
        for name, item in value.items():
            try:
                child = children[name]
            except KeyError:
                child = place.child(name)
            kind = type(item)
            if kind is str:
                # Most words of an enum were met before, and need no look.
                words = child.words
                if words and item in words:
                    code = words[item]
                else:
                    code = _string(item)
                    if code & _WORD and words is not None:
                        child.word(item, code)
            elif kind is dict or kind is list:
                _walk(child, item, levels - 1)
                continue
            elif item is None:
                code = _NULL
            elif kind is int and -1 < item < 0x80000000:
                code = _INTEGER + item.bit_length()
            else:
                code = _scalar(item)
            child.counts[code] += 1
        return
    code = _ARRAY + min(len(value).bit_length(), _BITS)
    counts[code] += 1
    if not levels or not value:
        return
    child = place.item()
    counts = child.counts
    for item in value:
        kind = type(item)
        if kind is dict or kind is list:
            _walk(child, item, levels - 1)
            continue
        if kind is str:
            words = child.words
            if words and item in words:
                code = words[item]
            else:
                code = _string(item)
                if code & _WORD and words is not None:
                    child.word(item, code)
        else:
            code = _scalar(item)
        counts[code] += 1


_EVERY = 256
"""Values after which the size is looked at; what is forgotten then would have been forgotten in the end."""


class Shape:
    """The merged shape of the values that were added: `Shape.of(x) + Shape.of(y)`, in any order."""

    __slots__ = ("_added", "_root", "limit")

    def __init__(self) -> None:
        self._root = Place()
        self.limit = DEEPEST
        """Levels that are told apart."""
        self._added = 0

    @classmethod
    def of(cls, value: Any) -> Shape:
        """The shape of one value, as `orjson.loads` gives it."""
        made = cls()
        made.add(value)
        return made

    def add(self, value: Any, times: int = 1) -> None:
        """Adds a value; a scalar may be added several times at once."""
        kind = type(value)
        if kind is dict or kind is list:
            for _ in range(times):
                _walk(self._root, value, self.limit)
        else:
            code = _scalar(value)
            self._root.counts[code] += times
            if code >= _STRING and code & _WORD and self._root.words is not None and value not in self._root.words:
                self._root.word(value, code)
        self._added += 1
        if self._added >= _EVERY:
            self._trim()

    def __add__(self, other: Shape) -> Shape:
        made = Shape()
        for one in (self, other):
            made._root.absorb(one.root)
            made.limit = min(made.limit, one.limit)
        made._root.cut(made.limit)
        made._trim()
        return made

    def __iadd__(self, other: Shape) -> Shape:
        self._root.absorb(other.root)
        self.limit = min(self.limit, other.limit)
        self._root.cut(self.limit)
        self._trim()
        return self

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Shape) and self.to_json() == other.to_json()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Shape({self.to_json()})"

    def _trim(self) -> None:
        self._added = 0
        limit = self.limit
        while limit and self._root.weight(limit) > HEAVIEST:
            limit -= 1
        if limit < self.limit:
            self.limit = limit
            self._root.cut(limit)

    @property
    def root(self) -> Place:
        """What was seen of the values as a whole."""
        if self._added:
            self._trim()
        return self._root

    @property
    def total(self) -> int:
        """Values that were added."""
        return self._root.total

    def at(self, pointer: str) -> Place | None:
        """What was seen at a place, `/items/*/due_at`; None if nothing was. `{}` stands for any name of a map."""
        place: Place | None = self.root
        for token in split(pointer):
            if place is None:
                return None
            if token == "*" and place.items is not None:
                place = place.items
            elif token == "{}" and token not in place.children:
                place = place.rest
            else:
                place = place.children.get(token)
        return place

    def to_json(self) -> dict[str, Any]:
        root = self.root.to_json()
        return {"limit": self.limit, **root}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Shape:
        made = cls()
        made.limit = value["limit"]
        made._root = Place.from_json(value)
        return made

    def schema(self, family: str) -> dict[str, Any]:
        """A Schema Object of a family ("3.0", "3.1", "3.2") that every value satisfies; {} before the first one."""
        return schema_of(self.root, family)


# -------------------------------------------------------------------------------------------------------- the schema


def schema_of(place: Place, family: str) -> dict[str, Any]:
    """A Schema Object that all that was seen at a place satisfies."""
    kinds = place.kinds
    nullable = kinds.pop("null", 0) > 0
    if kinds["number"]:
        kinds.pop("integer", None)  # each integer is a number too
    names = sorted(name for name, count in kinds.items() if count)
    parts = [_part(place, name, family) for name in names]
    if len(names) == 1 and "enum" in parts[0] and nullable:
        parts[0]["enum"].append(None)
    if not parts:
        # 3.0 has no type for null, and one without `type` lets it through.
        return {} if not nullable or family == "3.0" else {"type": "null"}
    if family == "3.0":
        if nullable:
            parts[0] = {"type": parts[0].pop("type"), "nullable": True, **parts[0]}
        return parts[0] if len(parts) == 1 else {"anyOf": parts}
    types = [*names, *(["null"] if nullable else [])]
    made: dict[str, Any] = {"type": types[0] if len(types) == 1 else types}
    for part in parts:
        if len(parts) > 1:
            part.pop("enum", None)  # of all types, and the others have none
        made.update((keyword, value) for keyword, value in part.items() if keyword != "type" and keyword not in made)
    return made


def _part(place: Place, kind: str, family: str) -> dict[str, Any]:
    made: dict[str, Any] = {"type": kind}
    if kind == "integer" and 31 < place.bits < 64:
        made["format"] = "int64"
    elif kind == "string":
        members = enum_of(place)
        formats = place.formats
        (only,) = formats if len(formats) == 1 else ("",)
        if members:
            made["enum"] = list(members)
        elif only:
            made["format"] = only
    elif kind == "array":
        if place.items is not None:
            made["items"] = schema_of(place.items, family)
        elif family == "3.0":
            made["items"] = {}  # must be there (OpenAPI 3.0.3, 4.7.24.1)
    elif kind == "object":
        made.update(_members(place, family))
    return made


def enum_of(place: Place) -> tuple[str, ...]:
    """The words of a place if they look like an enum: enough strings, few words, nothing else; () if they do not."""
    words, strings = place.words, place.kinds["string"]
    if not words or place.plain or strings < ENOUGH or not 2 <= len(words) <= MEMBERS or strings < 4 * len(words):
        return ()
    return tuple(sorted(words))


def _members(place: Place, family: str) -> dict[str, Any]:
    named = dict(sorted(place.children.items()))
    required = [name for name, child in named.items() if child.total == place.objects]
    if place.folded or (not required and _is_map(place)):
        every = Place()
        for child in (*named.values(), *([place.rest] if place.rest is not None else [])):
            every.absorb(child)
        return {"additionalProperties": schema_of(every, family)}
    made: dict[str, Any] = {}
    if named:
        made["properties"] = {name: schema_of(child, family) for name, child in named.items()}
    if required:
        made["required"] = required
    if place.rest is not None:
        made["additionalProperties"] = schema_of(place.rest, family)
    return made


def _is_map(place: Place) -> bool:
    """True for an object whose names are data: many, each in few of the objects, with values of one kind."""
    named = place.children
    return (
        len(named) >= 8
        and all(4 * child.total <= place.objects for child in named.values())
        and len({tuple(sorted(child.kinds)) for child in named.values()}) == 1
    )


# ------------------------------------------------------------------------------------------- held against a document


@dataclass(frozen=True, slots=True)
class Unseen:
    """What is declared and was never seen, with the number of chances that it had."""

    kind: str  # "property" or "enum"
    pointer: str
    """Into the value: of the property, or of what has the enum."""
    component: str
    """Where it is declared: `#/components/schemas/Task/properties/due_at`."""
    name: str
    """The property's name; the member as JSON."""
    chances: int
    """Objects that could have had the property; values that could have been the member."""


@dataclass(frozen=True, slots=True)
class Share:
    """How often a property was missing or null."""

    kind: str  # "missing" or "null"
    pointer: str
    seen: Ratio
    """Of the objects that could have it; of the values."""


def missing(shape: Shape, schemas: Schemas, pointer: str, direction: str = "response") -> Iterator[Unseen]:
    """Declared properties and members of enums that were never seen, in the document's order.

    `pointer` is that of the schema. Nothing is said of what was cut off or folded, of words that are not kept, and of
    what a message of this direction must not have (`writeOnly`, `readOnly`).
    """
    marked = "readOnly" if direction == "request" else "writeOnly"
    yield from _missing(shape.root, schemas, [pointer], "", marked, shape.limit)


def _missing(
    place: Place, schemas: Schemas, pointers: Sequence[str], where: str, marked: str, levels: int
) -> Iterator[Unseen]:
    nodes = list(schemas.flatten(pointers))
    yield from _missing_members(place, nodes, where)
    if not levels:
        return
    if place.objects and not place.folded:
        named: dict[str, list[str]] = {}
        for at, node in nodes:
            properties = node.get("properties")
            for name in properties if isinstance(properties, Mapping) else ():
                named.setdefault(name, []).append(f"{at}/properties/{escape(name)}")
        for name, declared in named.items():
            below = f"{where}/{escape(name)}"
            child = place.children.get(name)
            if child is not None:
                yield from _missing(child, schemas, declared, below, marked, levels - 1)
            elif is_name(name) and not any(node.get(marked) is True for _, node in schemas.flatten(declared)):
                yield Unseen("property", below, declared[0], name, place.objects)
    if place.rest is not None:
        others = [f"{at}/additionalProperties" for at, node in nodes if "additionalProperties" in node]
        if others:
            yield from _missing(place.rest, schemas, others, f"{where}/{{}}", marked, levels - 1)
    if place.items is not None:
        inner = [f"{at}/items" for at, node in nodes if "items" in node]
        for at, node in nodes:
            prefix = node.get("prefixItems")
            inner += [f"{at}/prefixItems/{index}" for index in range(len(prefix) if isinstance(prefix, list) else 0)]
        if inner:
            yield from _missing(place.items, schemas, inner, f"{where}/*", marked, levels - 1)


def _missing_members(place: Place, nodes: Sequence[tuple[str, Mapping[str, Any]]], where: str) -> Iterator[Unseen]:
    chances, told = place.total, set()
    for at, node in nodes:
        members = node.get("enum")
        for member in members if chances and isinstance(members, list) else ():
            name = show(member)
            if name not in told and _was_seen(place, member) is False:
                told.add(name)
                yield Unseen("enum", where, at, name, chances)


def _was_seen(place: Place, member: Any) -> bool | None:
    """Whether a value was among those of a place; None if the shape cannot say."""
    if isinstance(member, dict | list):
        return None
    code = _scalar(member)
    if code in (_NULL, _FALSE, _TRUE):
        return code in place.counts
    if not place.kinds[_kind(code)] and not isinstance(member, int | float):
        return False
    if code < _STRING:
        return None if place.kinds["integer"] or place.kinds["number"] else False
    if not code & _WORD:
        return None if code in place.counts else False
    return None if place.words is None else member in place.words


def shares(shape: Shape, pointer: str) -> tuple[Share, ...]:
    """How often the property at a place, `/items/*/due_at`, was missing and was null; () if it never had a chance."""
    head, _, last = pointer.rpartition("/")
    found = []
    place = shape.at(pointer)
    owner = shape.at(head) if pointer and last not in ("*", "{}") else None
    if owner is not None and owner.objects and not owner.folded and shape.limit > head.count("/"):
        there = place.total if place is not None else 0
        found.append(Share("missing", pointer, Ratio(owner.objects - there, owner.objects)))
    if place is not None and place.total:
        found.append(Share("null", pointer, Ratio(place.nulls, place.total)))
    return tuple(found)
