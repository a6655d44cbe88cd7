"""How each setting is written, as text and in TOML, and what it becomes."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from contract.core.errors import ConfigError
from contract.core.finding import Level


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `count` requests within `per_s` seconds."""

    count: int
    per_s: int

    def __str__(self) -> str:
        return f"{self.count}/{_UNIT_OF[self.per_s]}"


@dataclass(frozen=True, slots=True)
class Header:
    """A header of every request. `value` may be a secret: print `template`, whose `${VAR}` a shell can fill."""

    name: str
    value: str = field(repr=False)
    template: str = field(repr=False)

    @property
    def secret(self) -> bool:
        """True if a part of it comes from the environment, which is where secrets are kept, whatever its name says."""
        return _VARIABLE.search(self.template) is not None

    @property
    def shown(self) -> str:
        """What a person may see: the template if all of it that is secret is a variable, else the scheme and `…`.

        >>> Header("Authorization", "Bearer s3cr3t", "Bearer ${TOKEN}").shown
        'Bearer ${TOKEN}'
        >>> Header("Authorization", "Bearer s3cr3t", "Bearer s3cr3t").shown
        'Bearer …'
        """
        if self.secret:
            return self.template
        scheme, space, _ = self.template.partition(" ")
        return f"{scheme} …" if space else "…"


@dataclass(frozen=True, slots=True)
class Filter:
    """Which operations are meant, as `core/selection.py` reads it, and why they are left out."""

    pattern: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Output:
    """A report that is wanted; without a path it goes to standard output."""

    format: str
    path: str | None = None


@dataclass(frozen=True, slots=True)
class TypesTarget:
    """Code that is to be generated and proved; `path` is where the committed one lies, if it is committed."""

    name: str
    path: str | None = None
    options: tuple[tuple[str, str], ...] = ()
    """What the generator is told besides, sorted: `client = "datamodel-code-generator"`."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where paths of this value start, where they are to be seen from, and what `${VAR}` stands for."""

    base: Path
    cwd: Path
    environ: Mapping[str, str]

    def path(self, text: str) -> str:
        if "://" in text or os.path.isabs(text) or self.base == self.cwd:
            return text
        return os.path.relpath(self.base / text, self.cwd)

    def source(self, text: str) -> str:
        """`KIND:WHERE` with its file as seen from here; `asgi:MODULE:APP` names no file."""
        kind, _, where = text.partition(":")
        return text if ":" in where else f"{kind}:{self.path(where)}"


class Kind(Protocol):
    """How a setting is written. Both readers raise ValueError, whose text completes "… must be "."""

    @property
    def words(self) -> str: ...

    @property
    def schema(self) -> Mapping[str, Any]: ...

    @property
    def many(self) -> bool:
        """True if it may be given more than once."""
        ...

    def text(self, raw: Any, place: Place) -> Any: ...

    def toml(self, raw: Any, place: Place) -> Any: ...


@dataclass(frozen=True)
class Scalar:
    """One value; `read` takes it as text, `types` are the TOML types that it may also have."""

    words: str
    schema: Mapping[str, Any]
    read: Callable[[str, Place], Any]
    types: tuple[type, ...] = (str,)
    many: bool = False

    def text(self, raw: Any, place: Place) -> Any:
        return self.read(str(raw), place)

    def toml(self, raw: Any, place: Place) -> Any:
        if type(raw) not in self.types:
            raise ValueError(self.words)
        return self.read(str(raw), place)


@dataclass(frozen=True)
class Flag:
    words: str = "true or false"
    many: bool = False
    schema: Mapping[str, Any] = field(default_factory=lambda: {"type": "boolean"})

    def text(self, raw: Any, place: Place) -> bool:
        if isinstance(raw, bool):
            return raw
        word = str(raw).strip().lower()
        if word in ("1", "true", "yes", "on"):
            return True
        if word in ("0", "false", "no", "off", ""):
            return False
        raise ValueError(self.words)

    def toml(self, raw: Any, place: Place) -> bool:
        if not isinstance(raw, bool):
            raise ValueError(self.words)
        return raw


@dataclass(frozen=True)
class List:
    """Several values of one kind; a single one may stand alone."""

    item: Scalar | FilterKind
    many: bool = True

    @property
    def words(self) -> str:
        return f"{self.item.words}, or a list of such"

    @property
    def schema(self) -> Mapping[str, Any]:
        return {"anyOf": [self.item.schema, {"type": "array", "items": self.item.schema}]}

    def text(self, raw: Any, place: Place) -> tuple[Any, ...]:
        return tuple(self.item.text(one, place) for one in raw)

    def toml(self, raw: Any, place: Place) -> tuple[Any, ...]:
        return tuple(self.item.toml(one, place) for one in (raw if isinstance(raw, list) else [raw]))


@dataclass(frozen=True)
class FilterKind:
    """A pattern, with a reason where something is left out on purpose."""

    words: str = (
        "`GET /tasks/*`, `/tasks/*`, `tag:NAME` or `operationId:NAME`, or in the file { pattern = …, reason = … }"
    )

    @property
    def schema(self) -> Mapping[str, Any]:
        table = {
            "type": "object",
            "properties": {"pattern": {"type": "string"}, "reason": {"type": "string"}},
            "required": ["pattern"],
            "additionalProperties": False,
        }
        return {"anyOf": [{"type": "string"}, table]}

    def text(self, raw: Any, place: Place) -> Filter:
        pattern, _, reason = str(raw).partition("::")
        return self._filter(pattern.strip(), reason.strip())

    def toml(self, raw: Any, place: Place) -> Filter:
        if isinstance(raw, str):
            return self.text(raw, place)
        if isinstance(raw, dict):
            for key in raw:
                if key not in ("pattern", "reason"):
                    raise Unknown(key, ("pattern", "reason"))
            pattern, reason = raw.get("pattern"), raw.get("reason", "")
            if isinstance(pattern, str) and isinstance(reason, str):
                return self._filter(pattern, reason)
        raise ValueError(self.words)

    def _filter(self, pattern: str, reason: str) -> Filter:
        from contract.core.selection import Selector

        try:
            Selector.parse(pattern)
        except ConfigError:
            raise ValueError(self.words) from None
        return Filter(pattern, reason)


@dataclass(frozen=True)
class Map:
    """`NAME=VALUE`, repeated; a table in the file. Gives pairs in the order of the file, merged over what was below."""

    words: str
    separator: str
    entry: Callable[[str, Any, Place], Any]
    schema: Mapping[str, Any]
    many: bool = True

    def text(self, raw: Any, place: Place) -> dict[str, Any]:
        pairs = {}
        for one in raw:
            name, separator, value = str(one).partition(self.separator)
            if not separator or not name.strip():
                raise ValueError(self.words)
            pairs[name.strip()] = self.entry(name.strip(), value.strip(), place)
        return pairs

    def toml(self, raw: Any, place: Place) -> dict[str, Any]:
        if not isinstance(raw, dict):
            raise ValueError(self.words)
        return {name: self.entry(name, value, place) for name, value in raw.items()}


@dataclass(frozen=True)
class Types:
    """`python`, `python=generated/python`, repeated; in the file a table, or `generate = false`.

    A target with options is a table of its own: `python = { path = "generated/acme", client = "datamodel-code-generator" }`.
    """

    words: str = "a table of targets, each with its folder or `true`, or `false` for none"
    many: bool = True

    @property
    def schema(self) -> Mapping[str, Any]:
        options = {"type": "object", "properties": {"path": {"type": "string"}}}
        options["additionalProperties"] = {"anyOf": [{"type": "string"}, {"type": "boolean"}]}
        entry = {"anyOf": [{"type": "string"}, {"type": "boolean"}, options]}
        return {"anyOf": [{"const": False}, {"type": "object", "additionalProperties": entry}]}

    def text(self, raw: Any, place: Place) -> tuple[TypesTarget, ...]:
        if raw is False or list(raw) == ["none"]:
            return ()
        pairs = [str(one).partition("=") for one in raw]
        return tuple(TypesTarget(name, place.path(folder) if folder else None) for name, _, folder in pairs)

    def toml(self, raw: Any, place: Place) -> tuple[TypesTarget, ...]:
        if raw is False:
            return ()
        if not isinstance(raw, dict):
            raise ValueError(self.words)
        return tuple(self._target(name, value, place) for name, value in raw.items() if value is not False)

    def _target(self, name: str, value: Any, place: Place) -> TypesTarget:
        options = value if isinstance(value, dict) else {}
        folder = options.get("path") if isinstance(value, dict) else None if value is True else value
        if not isinstance(folder, str | None) or not all(isinstance(each, str | bool) for each in options.values()):
            raise ValueError(self.words)
        said = {key: str(each).lower() if isinstance(each, bool) else each for key, each in options.items()}
        said.pop("path", None)
        return TypesTarget(name, place.path(folder) if folder else None, tuple(sorted(said.items())))


class Unknown(ValueError):
    """A key inside a value that nobody knows."""

    def __init__(self, key: str, known: Sequence[str]) -> None:
        super().__init__(key)
        self.key = key
        self.known = known


class Unset(ValueError):
    """A `${VAR}` that the environment does not have."""


_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_UNITS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}
_UNIT_OF = {1: "s", 60: "m", 3600: "h", 86400: "d"}
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # a field name (RFC 9110, 5.1)


def duration_s(text: str) -> float:
    """Seconds of `60s`, `1.5m`, `1h30m` or `60`; raises ValueError for anything else.

    >>> duration_s("1h30m"), duration_s("250ms"), duration_s("60")
    (5400.0, 0.25, 60.0)
    """
    word = text.strip().lower().replace(" ", "")
    if re.fullmatch(r"\d+(\.\d+)?", word):
        return float(word)
    if not re.fullmatch(r"(\d+(\.\d+)?(ms|min|[smhd]))+", word):
        raise ValueError("a duration such as `60s`, `2m` or `1h`")
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|min|[smhd])", word)
    return sum(float(number) * (0.001 if unit == "ms" else _UNITS[unit]) for number, unit in parts)


def _seconds(text: str, place: Place) -> float:
    seconds = duration_s(text)
    if seconds <= 0:
        raise ValueError("a duration longer than nothing, such as `60s`")
    return seconds


def _deadline(text: str, place: Place) -> float | None:
    return None if text.strip().lower() == "none" else _seconds(text, place)


def _rate(text: str, place: Place) -> Rate | None:
    if text.strip().lower() == "none":
        return None
    match = re.fullmatch(r"\s*([1-9]\d*)\s*/\s*(s|m|min|h|d)\s*", text)
    if match is None:
        raise ValueError("a rate such as `50/s` or `600/m`")
    return Rate(int(match[1]), _UNITS[match[2]])


def _share(text: str, place: Place) -> float:
    number = text.strip()
    try:
        share = float(number.removesuffix("%")) / 100 if number.endswith("%") else float(number)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise ValueError("a share from 0 to 1, such as `0.8`, or `80%`")
    return share


def _count(text: str, place: Place) -> int:
    if not text.strip().isdecimal() or int(text) < 1:
        raise ValueError("a whole number, 1 or more")
    return int(text)


def _seed(text: str, place: Place) -> int:
    if not text.strip().isdecimal():
        raise ValueError("a whole number, 0 or more")
    return int(text)


def _level(text: str, place: Place) -> Level:
    try:
        return Level(text.strip().lower())
    except ValueError:
        raise ValueError("`error`, `warning` or `note`") from None


def _day(text: str, place: Place) -> str:
    from datetime import date

    try:
        return date.fromisoformat(text.strip()).isoformat()
    except ValueError:
        raise ValueError("a date such as `2027-03-31`") from None


def _path_or_none(text: str, place: Place) -> str | None:
    if text == "True" or not text:
        raise ValueError("a path, or `false` for none")
    return None if text.lower() in ("false", "none") else place.path(text)


def _source(text: str, place: Place) -> str:
    kind, colon, where = text.partition(":")
    if not colon or not where or not re.fullmatch(r"[a-z][a-z0-9_-]*", kind):
        raise ValueError("KIND:WHERE, such as `laravel:routes.json` or `asgi:app.main:app`")
    return place.source(text)


def _traffic(text: str, place: Place) -> str:
    kind, colon, where = text.partition(":")
    if not colon or not where or not re.fullmatch(r"[a-z][a-z0-9_-]*", kind):
        raise ValueError("KIND:FILE, such as `har:capture.har` or `ndjson:exchanges.ndjson`")
    return f"{kind}:{place.path(where)}"


def _tenant(text: str, place: Place) -> str:
    kind, _, name = text.partition(":")
    if text != "host" and (kind not in ("header", "path", "query") or not name):
        raise ValueError("`header:NAME`, `path:NAME`, `query:NAME` or `host`")
    return text


def _target(text: str, place: Place) -> str:
    if not re.match(r"https?://[^/\s]|(asgi|wsgi):[\w.]+:[\w.]+(\(\))?$", text):
        raise ValueError("a URL such as `http://127.0.0.1:8000`, `asgi:MODULE:APP` or `wsgi:MODULE:APP`")
    return text


def _output(text: str, place: Place) -> Output:
    name, equals, path = text.partition("=")
    if not re.fullmatch(r"[a-z][a-z0-9_-]*", name) or (equals and not path):
        raise ValueError("NAME or NAME=PATH, such as `json=report.json`")
    return Output(name, place.path(path) if path and path != "-" else None)


_PLAIN: dict[str, Any] = {"type": ["string", "integer"]}


def _ids(name: str, value: Any, place: Place) -> tuple[str, ...]:
    parts = value if isinstance(value, list) else str(value).split(",") if isinstance(value, str) else [value]
    found = tuple(str(part).strip() for part in parts if isinstance(part, str | int) and not isinstance(part, bool))
    if not found or len(found) != len(parts) or not all(found):
        raise ValueError("NAME=VALUE, such as `project_id=17`; several values parted by commas")
    return found


def _header(name: str, value: Any, place: Place) -> Header:
    if not isinstance(value, str) or not _TOKEN.fullmatch(name):
        raise ValueError("a header such as `Authorization: Bearer ${TOKEN}`")

    def read(match: re.Match[str]) -> str:
        if match[1] not in place.environ:
            raise Unset(match[1])
        return place.environ[match[1]]

    filled = _VARIABLE.sub(read, value)
    if "\r" in filled or "\n" in filled:
        raise ValueError("a header value on one line")
    return Header(name, filled, value)


def _rule_level(name: str, value: Any, place: Place) -> Level | None:
    word = value.strip().lower() if isinstance(value, str) else ""
    if word not in ("error", "warning", "note", "off"):
        raise ValueError("`error`, `warning`, `note` or `off` for each rule")
    return None if word == "off" else Level(word)


_STRING = {"type": "string"}
TEXT = Scalar("a text", _STRING, lambda text, place: text)
PATH = Scalar("a path", _STRING, lambda text, place: place.path(text))
PATHS = List(PATH)
PATH_OR_NONE = Scalar("a path, or `false` for none", {"anyOf": [_STRING, {"const": False}]}, _path_or_none, (str, bool))
SOURCES = List(Scalar("KIND:WHERE", {**_STRING, "pattern": "^[a-z][a-z0-9_-]*:."}, _source))
TRAFFIC = List(Scalar("KIND:FILE", {**_STRING, "pattern": "^[a-z][a-z0-9_-]*:."}, _traffic))
TENANT = Scalar(
    "`header:NAME`, `path:NAME`, `query:NAME` or `host`",
    {**_STRING, "pattern": "^((header|path|query):.+|host)$"},
    _tenant,
)
TARGET = Scalar("a URL, `asgi:MODULE:APP` or `wsgi:MODULE:APP`", _STRING, _target)
_DURATION_SCHEMA = {"anyOf": [{"type": "number", "exclusiveMinimum": 0}, _STRING]}
DURATION = Scalar("a duration such as `60s`, `2m` or `1h`", _DURATION_SCHEMA, _seconds, (str, int, float))
DEADLINE = Scalar("a duration such as `60s`, or `none`", _DURATION_SCHEMA, _deadline, (str, int, float))
COUNT = Scalar("a whole number, 1 or more", {"type": "integer", "minimum": 1}, _count, (int,))
SEED = Scalar("a whole number, 0 or more", {"type": "integer", "minimum": 0}, _seed, (int,))
RATE = Scalar("a rate such as `50/s`", {**_STRING, "pattern": r"^(none|\d+\s*/\s*(s|m|min|h|d))$"}, _rate)
SHARE = Scalar(
    "a share from 0 to 1, or `80%`",
    {"anyOf": [{"type": "number", "minimum": 0, "maximum": 1}, {**_STRING, "pattern": r"^[0-9.]+\s*%?$"}]},
    _share,
    (str, int, float),
)
LEVEL = Scalar("`error`, `warning` or `note`", {"enum": ["error", "warning", "note"]}, _level)
DAY = Scalar("a date such as `2027-03-31`", _STRING, _day)
OUTPUTS = List(Scalar("NAME or NAME=PATH", _STRING, _output))
HEADERS = Map(
    "a header such as `Authorization: Bearer ${TOKEN}`",
    ":",
    _header,
    {"type": "object", "additionalProperties": _STRING},
)
IDS = Map(
    "NAME=VALUE, such as `project_id=17`; several values parted by commas",
    "=",
    _ids,
    {"type": "object", "additionalProperties": {"anyOf": [_PLAIN, {"type": "array", "items": _PLAIN}]}},
)
LEVELS = Map(
    "RULE=LEVEL, such as `undeclared-property=note`",
    "=",
    _rule_level,
    {"type": "object", "additionalProperties": {"enum": ["error", "warning", "note", "off"]}},
)
FILTERS = List(FilterKind())
FLAG = Flag()
NAMES = List(TEXT)
TYPES_TARGETS = Types()
