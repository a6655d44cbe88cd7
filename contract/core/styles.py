"""What a parameter says, read by its `style` and `explode` (OpenAPI 3.1, 4.8.12.3; 3.2, 4.12.3).

Text is split first and decoded then, since an encoded delimiter belongs to a value (RFC 6570, 2.1). Where the standard
leaves two readings, or many clients write another one, that one comes second: a value is refused only if none fits.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, unquote_plus

from contract.core.bodies import Content, read
from contract.core.evidence import Request, header
from contract.core.readings import Pointers, Reading, scalars
from contract.core.schema import SchemaError

if TYPE_CHECKING:
    from contract.core.openapi import Operation, Parameter

MISSING = object()

Pairs = Sequence[tuple[str, str]]
Shape = str | list[Any] | dict[str, Any]
"""A value whose leaves are still text."""
Decoder = Callable[[str], str]

_DELIMITER = {"spaceDelimited": re.compile("%20|[+ ]"), "pipeDelimited": re.compile("%7[Cc]|[|]")}
_COMMA = re.compile(",")
_BRACKETS = re.compile(r"\[([^\[\]]*)\]")


# --- what a request carries --------------------------------------------------------------------------------------------


def carried(operation: Operation, parameter: Parameter, request: Request, path_values: Mapping[str, str]) -> Any:
    """The text of a parameter as it was sent, encoded; names and texts where it may stand several times; or MISSING."""
    name = parameter.name
    if parameter.location == "path":
        value = path_values.get(name, MISSING)
        if value is MISSING or "%" not in request.path:
            return value
        return _encoded(operation, request.path).get(name, quote(path_values[name], safe=""))
    if parameter.location == "header":
        found = header(request.headers, name)
        return MISSING if found is None else found
    if parameter.location == "querystring":
        return request.query or MISSING
    if parameter.location not in ("query", "cookie"):
        return MISSING
    pairs = pairs_of(request.query) if parameter.location == "query" else cookies(request)
    names = own_names(operation, parameter)
    if names is not None:
        return [pair for pair in pairs if pair[0] in names] or MISSING
    if is_spread(operation, parameter):
        return _spread(operation, parameter, pairs) or MISSING
    return [pair for pair in pairs if pair[0].startswith(f"{name}[")] or MISSING


def own_names(operation: Operation, parameter: Parameter) -> tuple[str, ...] | None:
    """The names under which a parameter of the query or a cookie is sent; None if its value chooses them."""
    deep = parameter.style == "deepObject" and parameter.content is None
    if parameter.location not in ("query", "cookie") or deep or is_spread(operation, parameter):
        return None
    # `p[]` is how PHP and Rails write a list.
    return (parameter.name, f"{parameter.name}[]") if parameter.location == "query" else (parameter.name,)


@lru_cache(maxsize=1024)
def pairs_of(query: str) -> Pairs:
    """The names of a query, decoded, and their texts as they were sent."""
    parts = (part.partition("=") for part in query.split("&"))
    return tuple((unquote_plus(name), text) for name, _, text in parts if name)


def cookies(request: Request) -> Pairs:
    """The cookies of a request; HTTP/2 may send each in a field of its own (RFC 9113, 8.2.3)."""
    lines = (value for key, value in request.headers if key.lower() == "cookie")
    parts = (part.strip().partition("=") for line in lines for part in line.split(";"))
    return [(name, text) for name, _, text in parts if name]


def is_spread(operation: Operation, parameter: Parameter) -> bool:
    """True for an exploded object whose properties stand under their own names, in the query or among the cookies."""
    if not parameter.explode or parameter.content is not None or (parameter.location, parameter.style) not in _SPREAD:
        return False
    found = kinds(operation, parameter)
    return "object" in found and found <= {"object", "null"}


_SPREAD = (("query", "form"), ("cookie", "form"), ("cookie", "cookie"))


def listed(operation: Operation, parameter: Parameter) -> set[str] | None:
    """The names that an exploded object takes; None if it takes any."""
    found: set[str] = set()
    for _, node in operation.schemas.flatten([parameter.schema or ""]):
        if not node.keys().isdisjoint(_OTHERS):
            return None
        found.update(_map(node.get("properties")))
    return found or None


_OTHERS = ("additionalProperties", "unevaluatedProperties", "patternProperties", "propertyNames")


def _spread(operation: Operation, parameter: Parameter, pairs: Pairs) -> Pairs:
    if parameter.location == "cookie":
        names = listed(operation, parameter) or set()
        return [pair for pair in pairs if pair[0] in names]
    others = {
        other.name for other in operation.parameters if other.location == "query" and not is_spread(operation, other)
    }
    return [pair for pair in pairs if pair[0] not in others and _BRACKETS.sub("", pair[0]) not in others]


def _encoded(operation: Operation, path: str) -> Mapping[str, str]:
    names = re.findall(r"\{([^{}]*)\}", operation.path)
    for base in operation.base_paths:
        found = _template(base + operation.path, operation.spans).fullmatch(path)
        if found is not None:
            return dict(zip(names, found.groups()[-len(names) :], strict=False))
    return {}


@cache
def _template(path: str, spans: frozenset[str]) -> re.Pattern[str]:
    parts = re.split(r"\{([^{}]*)\}", path)
    return re.compile(
        "".join(
            re.escape(part) if index % 2 == 0 else "(.+?)" if part in spans else "([^/]+?)"
            for index, part in enumerate(parts)
        )
    )


def kinds(operation: Operation, parameter: Parameter) -> frozenset[str]:
    """Every JSON type that any branch of the parameter's schema names."""
    if parameter.schema is None:
        return frozenset()
    memo = operation.schemas.memo
    key = f"kinds {parameter.schema}"
    found: frozenset[str] | None = memo.get(key)
    if found is None:
        found = memo[key] = Reading(operation.schemas, "request").kinds((parameter.schema,))
    return found


# --- what it may stand for -----------------------------------------------------------------------------------------------


def refused(operation: Operation, parameter: Parameter, value: Any, direction: str) -> SchemaError | None:
    """Why no reading of what was sent keeps the parameter's schema; None if one does."""
    assert parameter.schema is not None
    if parameter.content is not None:
        return _content(operation, parameter, parameter.content, value, direction)
    schemas, first = operation.schemas, MISSING
    for reading in readings(operation, parameter, value, direction):
        if schemas.accepts(parameter.schema, direction, reading):
            return None
        first = reading if first is MISSING else first
    if first is not MISSING:
        return next(schemas.errors(parameter.schema, direction, first), None)
    return plain(
        "style", parameter.pointer, None, f"style {parameter.style}", "text that does not begin as its style says"
    )


def readings(operation: Operation, parameter: Parameter, value: Any, direction: str) -> Iterator[Any]:
    """What the text may stand for, the likeliest first; nothing if it is not serialised by the parameter's style."""
    pointers = (parameter.schema or "",)
    named = kinds(operation, parameter)
    for shape in _shapes(parameter, named, is_spread(operation, parameter), value):
        if isinstance(shape, str):
            yield from scalars(shape, named)
            continue
        reading = Reading(operation.schemas, direction)
        box: list[Any] = [None]
        _fill(reading, box, 0, pointers, shape)
        reading.judge(parameter.schema, box)
        yield box[0]


def _fill(reading: Reading, container: Any, key: Any, pointers: Pointers, shape: Shape) -> None:
    named = reading.kinds(pointers)
    if isinstance(shape, str) and named and named <= {"array", "null"}:
        shape = shape.split(",")  # lists inside of objects have no form of their own
    if isinstance(shape, dict) and named <= {"array", "null"} and named and all(not k or k.isdigit() for k in shape):
        shape = [item for part in shape.values() for item in (part if isinstance(part, list) else [part])]
    if isinstance(shape, str):
        reading.put(container, key, pointers, scalars(shape, named))
    elif isinstance(shape, list):
        items: list[Any] = [None] * len(shape)
        container[key] = items
        for index, item in enumerate(shape):
            _fill(reading, items, index, reading.items(pointers, index), item)
    else:
        properties: dict[str, Any] = {}
        container[key] = properties
        for name, item in shape.items():
            _fill(reading, properties, name, reading.property(pointers, name), item)


def _shapes(parameter: Parameter, named: frozenset[str], spread: bool, value: Any) -> Iterator[Shape]:
    texts = value if isinstance(value, str) else "&".join(text for _, text in value)
    for decode in _decoders(parameter, texts):
        if isinstance(value, str):
            yield from _of_text(parameter, named, value, decode)
        elif spread:
            yield _object([(name, decode(text)) for name, text in value])
        elif parameter.style == "deepObject":
            yield _deep(parameter, [(name, decode(text)) for name, text in value])
        else:
            yield from _of_pairs(parameter, named, [text for _, text in value], decode)


def _decoders(parameter: Parameter, text: str) -> Iterator[Decoder]:
    if parameter.location == "path":
        yield unquote
    elif parameter.location in ("query", "querystring"):
        yield unquote_plus
        if "+" in text:  # a form's space, and RFC 6570's plus
            yield unquote
    elif parameter.location == "cookie" and parameter.style == "form":
        yield unquote
        if "%" in text:
            yield str
    else:
        yield str
        if parameter.location == "header" and "%" in text:  # by RFC 6570; not by those who write headers
            yield unquote


def _of_pairs(parameter: Parameter, named: frozenset[str], texts: list[str], decode: Decoder) -> Iterator[Shape]:
    whole = [decode(text) for text in texts]
    if len(texts) > 1:
        yield whole
        return
    text = texts[0]
    delimiter = _DELIMITER.get(parameter.style, _COMMA)
    if "array" in named:
        if parameter.explode:
            yield whole
            if parameter.location == "cookie":  # the table's `p=1&p=2` is no cookie pair; nor is a comma
                yield [decode(part) for part in text.split(f"&{parameter.name}=")]
                yield from _split(_COMMA, text, decode)
        else:
            yield from _split(delimiter, text, decode)
        if not text:
            yield from ([], [""])
    if "object" in named and not parameter.explode:
        yield from _turns(_split(delimiter, text, decode))
    yield whole[0]


def _of_text(parameter: Parameter, named: frozenset[str], text: str, decode: Decoder) -> Iterator[Shape]:
    name, style, explode = parameter.name, parameter.style, parameter.explode
    separators: tuple[re.Pattern[str], ...] = (_COMMA,)
    if style == "label":
        if not text.startswith("."):
            return
        text = text[1:]
        # Not exploded it has commas in 3.0.4 and 3.1.1, and dots in the tables of the releases before.
        separators = (_DOT,) if explode else (_COMMA, _DOT)
    elif style == "matrix":
        if "object" in named and explode and text.startswith(";"):
            separators, text = (_SEMICOLON,), text[1:]
        elif re.match(rf";{re.escape(name)}(=|;|$)", text):
            text = text[len(name) + 1 :].removeprefix("=")
            separators = (re.compile(f";{re.escape(name)}=?"),) if explode else (_COMMA,)
        else:
            return
    for separator in separators:
        parts = list(_split(separator, text, decode))
        if "array" in named:
            if not text:
                yield []
            yield from parts
        if "object" in named and explode:
            pairs = (part.strip(" \t").partition("=") for part in separator.split(text))
            yield _object([(decode(key), decode(item)) for key, _, item in pairs])
            yield from (_object([item.partition("=")[::2] for item in items]) for items in parts[1:])
        elif "object" in named:
            yield from _turns(parts)
    yield decode(text)


_DOT, _SEMICOLON = re.compile(r"\."), re.compile(";")


def _split(delimiter: re.Pattern[str], text: str, decode: Decoder) -> Iterator[list[str]]:
    """The parts, decoded; then those of the decoded text, as many clients encode the delimiters too."""
    parts = [part.strip(" \t") if decode is str else part for part in delimiter.split(text)]
    yield [decode(part) for part in parts]
    if decode is not str and (whole := decode(text)) != text and len(again := delimiter.split(whole)) != len(parts):
        yield again


def _turns(splits: Iterable[list[str]]) -> Iterator[dict[str, Any]]:
    """The objects whose names and values take turns; a text that holds no delimiter is none, unless it is empty."""
    for parts in splits:
        if len(parts) > 1 or parts == [""]:
            yield _object(list(zip(parts[::2], parts[1::2], strict=False)))


def _object(pairs: Any) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, text in pairs:
        made[name] = (
            text if name not in made else [*([made[name]] if isinstance(made[name], str) else made[name]), text]
        )
    return made


def _deep(parameter: Parameter, pairs: Pairs) -> dict[str, Any]:
    """`p[a]=1`; below that nothing is defined, and brackets are read as most frameworks do."""
    made: dict[str, Any] = {}
    for name, text in pairs:
        keys = _BRACKETS.findall(name[len(parameter.name) :]) or [name[len(parameter.name) + 1 :]]
        node = made
        for key in keys[:-1]:
            below = node.setdefault(key, {})
            if not isinstance(below, dict):
                below = node[key] = {"": below}
            node = below
        held = node.get(keys[-1])
        if isinstance(held, dict):
            held[""] = text
        else:
            node[keys[-1]] = text if held is None else [*(held if isinstance(held, list) else [held]), text]
    return made


def _content(
    operation: Operation, parameter: Parameter, media_type: str, value: Any, direction: str
) -> SchemaError | None:
    """Why what is serialised by a media type breaks its schema, read as a body of that type is."""
    from contract.core.openapi import MediaType

    text = value if isinstance(value, str) else value[0][1]
    schema = parameter.schema or ""
    media = MediaType(media_type.lower(), schema.removesuffix("/schema"), schema)
    is_form = parameter.location == "querystring" and media.range.startswith("application/x-www-form-urlencoded")
    first: SchemaError | None = None
    for decode in [str] if is_form else _decoders(parameter, text):
        found = read(operation.schemas, media, media_type, decode(text).encode("utf-8", "replace"), direction)
        error = next(_broken(operation, media, found, direction), None)
        if error is None:
            return None
        first = first or error
    return first


def _broken(operation: Operation, media: Any, found: Content, direction: str) -> Iterator[SchemaError]:
    if found.malformed is not None:
        yield plain("content", media.pointer, None, media.range, found.malformed)
    yield from found.refused
    for judged in found.judged:
        yield from operation.schemas.errors(judged.schema, direction, judged.value)


def plain(keyword: str, component: str, name: str | None, declared: str, observed: str) -> SchemaError:
    """A refusal that no schema tells."""
    return SchemaError("", "", keyword, component, name, declared, observed, f"{observed} where {declared} is declared")


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
