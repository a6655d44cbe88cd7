"""Everything that an operation is asked once: its plain request changed in one place, in a fixed order.

Pure: from an operation and values that were accepted (or are likely to be) come requests, each with the one thing that
is odd about it. Whether an odd request keeps the document is not decided here: `parameters.errors` reads what is sent.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice, pairwise, zip_longest
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote, urlencode

from contract.core import message, sample
from contract.core.document import escape, resolve, unescape
from contract.core.evidence import Headers, Request, header, is_json
from contract.core.plausible import as_described, better, siblings, snake
from contract.core.sample import MISSING
from contract.core.verbs import LETS_IN, changes_asker

if TYPE_CHECKING:
    from contract.core.openapi import MediaType, Operation, Parameter

NIL_UUID = "00000000-0000-0000-0000-000000000000"
_NEW_UUID = "c7a1e0d2-5b3f-4e8a-9d6c-2f4b8a7e1c30"
NOBODYS = "zq7_undeclared"
"""A name that no API has."""
NO_TYPE = "application/x-zq7"
"""A media type that nobody serves or reads."""

_TEXTS = ("zq7-no-such", "(", "\x01", "żółw", "*zq7", "-1", "0", "a b/c", "")
"""Texts that keep a schema of type string and that servers trip over."""
_NAMES = ("id", "uuid", "_id", "key", "name", "slug", "code")
_FIELDS = ("*zq7", "", "zq7", '"')  # the same for a header's value
_WHOLE = (0, -1, 2**31, 2**63)
_ADDED = 20  # properties that a plain body lacks, each of them added alone and broken
_BRIEF = 3  # constraints that are broken at one place of a parameter
_ENUM = 8  # members of an enum that are each asked for


class Ask(NamedTuple):
    """One request, and the one thing that is odd about it."""

    what: str  # "without `query:limit`"
    request: Request
    place: str | None = None  # `query:limit`, `body:/title`
    credentials: str = "own"  # "none", "wrong"
    is_blamed: bool = True
    """False where a refusal says nothing about the document: media types, `Accept`, what it does not speak of."""


@dataclass(frozen=True)
class Base:
    """The values of a plain request: by label, and the body's."""

    given: Mapping[str, Any]
    body: Any = MISSING
    media: str | None = None
    headers: Headers = ()

    def write(self, operation: Operation, *, given: Mapping[str, Any] | None = None, without: Iterable[str] = ()) -> Request | None:  # fmt: skip
        values = {**self.given, **(given or {})}
        if "body" not in values and self.body is not MISSING:
            values["body"] = self.body
        left = tuple(without)
        for label in left:
            values.pop(label, None)
        made = message.request(operation, given=values, without=left, media=self.media if "body" in values else None)
        if made is None or not all(value.isascii() and value.isprintable() for _, value in made.headers):
            return None  # no header can say it
        return with_headers(made, self.headers)


def with_headers(request: Request, headers: Headers) -> Request:
    """The request with these headers in place of those of the same name."""
    names = {name.lower() for name, _ in headers}
    kept = tuple(item for item in request.headers if item[0].lower() not in names)
    return replace(request, headers=(*kept, *headers))


def accepts(operation: Operation) -> str:
    """What a client that was generated from the document asks for: the media types of its successes, then anything."""
    ranges = dict.fromkeys(
        media.range for key, declared in operation.responses.items() if key[:1] in "2d" for media in declared.content
    )
    return ", ".join([*ranges, "*/*;q=0.1"]) if ranges else "*/*"


def everything(
    operation: Operation,
    base: Base,
    *,
    secured: bool,
    takes_credentials: bool,
    seen: Callable[[str], Iterable[Any]] = lambda name: (),
) -> Iterator[Ask]:
    """All that is asked of an operation beside its plain request, what tells most first.

    Then each parameter and each place of the body has its turn: all are asked something before one is asked twice. `seen`
    gives values that answers showed under a name: those that an enum does not list are worth to be sent. Whoever asks is
    told nothing that may end its own access.
    """
    asks = _everything(operation, base, secured, takes_credentials, seen)
    yield from asks if not changes_asker(operation) else (ask for ask in asks if not _lets_in(ask.request.body))


def _lets_in(body: bytes | None) -> bool:
    """True for a body with a property that decides who is let in."""
    try:
        return any(LETS_IN.fullmatch(snake(name)) is not None for name, _ in _members(body or b""))
    except ValueError:
        return False


def _everything(
    operation: Operation,
    base: Base,
    secured: bool,
    takes_credentials: bool,
    seen: Callable[[str], Iterable[Any]],
) -> Iterator[Ask]:
    yield from _access(operation, base, secured, takes_credentials)
    yield from _root(operation, base)
    negotiated = _negotiated(operation, base)
    yield from islice(negotiated, 1)
    yield from _shapes(operation, base)
    turns = [*_by_parameter(operation, base, seen), *_by_place(operation, base, seen)]
    yield from _one_each(turns)
    yield from islice(negotiated, 1)
    yield from _one_each(turns)
    yield from negotiated
    while turns:
        yield from _one_each(turns)


def _shapes(operation: Operation, base: Base) -> Iterator[Ask]:
    """Each member of an enum that says what the answer looks like: `format=csv`."""
    for parameter in operation.parameters:
        if (
            parameter.location == "query"
            and parameter.schema is not None
            and _SHAPING.fullmatch(parameter.name.lower())
        ):
            for value in facts_of(operation, parameter.schema)["enum"][: _ENUM + 4]:
                yield from _asked(
                    f"`{parameter.label}` as {_shown(value)}",
                    base.write(operation, given={parameter.label: value}),
                    parameter.label,
                )


SLOWING = re.compile(r"(.*_)?(delay|sleep|wait|timeout|duration|seconds?|ms|millis\w*)")
"""Names of parameters that make a server wait."""
_SIZING = re.compile(r"(.*_)?(n|num(_\w+)?|count|size|length|limit|\w*bytes|rows|lines|repeats?|times|width|height)")
"""Names of parameters that make an answer large."""
_SHAPING = re.compile(r"(.*_)?(format|fmt|output|alt|accept|view|render|as|representation|style|mode)")


def _one_each(turns: list[Iterator[Ask]]) -> Iterator[Ask]:
    """The next of each turn; a turn that is over is taken out."""
    for turn in list(turns):
        found = next(turn, None)
        if found is None:
            turns.remove(turn)
        else:
            yield found


def _asked(what: str, request: Request | None, place: str | None = None, **more: Any) -> Iterator[Ask]:
    if request is not None:
        yield Ask(what, request, place, **more)


# --- who asks, and for what -------------------------------------------------------------------------------------------


def _access(operation: Operation, base: Base, secured: bool, takes_credentials: bool) -> Iterator[Ask]:
    plain = base.write(operation)
    if secured or takes_credentials:
        yield from _asked("without credentials", plain, credentials="none", is_blamed=False)
    if takes_credentials:
        yield from _asked("with wrong credentials", plain, credentials="wrong", is_blamed=False)
    names = [parameter for parameter in operation.parameters if parameter.location == "path"]
    names.sort(key=lambda parameter: -operation.path.find(f"{{{parameter.name}}}"))  # the thing itself, then its owners
    for parameter in names[:2]:
        label = parameter.label
        unknown = unknown_id(operation, parameter, base.given.get(label))
        if unknown is not None and not SLOWING.fullmatch(parameter.name.lower()):
            yield from _asked(
                f"an unknown `{label}`", base.write(operation, given={label: unknown}), label, is_blamed=False
            )
    for index, parameter in enumerate(names[:2]):
        yield from islice(_of_path(operation, base, parameter), 0 if index else 2)


def _of_path(operation: Operation, base: Base, parameter: Parameter) -> Iterator[Ask]:
    label = parameter.label
    for value in _ill_formed(operation, parameter, base.given.get(label)):
        asked = base.write(operation, given=_elsewhere(base, parameter, value))
        yield from _asked(f"`{label}` as {_shown(value)}", asked, label)


def _elsewhere(base: Base, parameter: Parameter, value: Any) -> dict[str, Any]:
    """The path's value, and the body that names its thing with it: what contradicts itself is refused for that."""
    given: dict[str, Any] = {parameter.label: value}
    old = base.given.get(parameter.label)
    if isinstance(base.body, Mapping) and isinstance(value, (str, int)):
        named = {
            name: str(value)
            for name, item in base.body.items()
            if isinstance(item, str)
            and item == str(old)
            and (snake(name) in _NAMES or snake(name) == snake(parameter.name))
        }
        if named:
            given["body"] = {**base.body, **named}
    return given


def unknown_id(operation: Operation, parameter: Parameter, like: Any) -> Any:
    """A well-formed id that nothing has, the least plausible of its kind; None where there is none."""
    text = "" if like is None else str(like)
    # What exists shows what ids look like, where the document says no more than `string`.
    likely: list[Any] = [2147483646, NIL_UUID, "zq7-unknown", "zq7unknown"]
    if _is_uuid(text):
        likely = [NIL_UUID, *likely]
    elif text.isdigit():
        likely = ["2147483646", *likely] if isinstance(like, str) else likely
    else:
        likely = [*likely[1:], likely[0]] if not _is_kind(operation, parameter, "integer") else likely
        likely.sort(key=lambda value: not (isinstance(value, str) and value.startswith("zq7")))
    if parameter.schema is None:
        return likely[0]
    if isinstance(like, int) and not isinstance(like, bool):
        likely.sort(key=lambda value: not isinstance(value, int))
    own = (sample.value(operation.schemas, parameter.schema, "request", salt=salt) for salt in (977, 978))
    for value in (*likely, *(each for each in own if each is not MISSING)):
        if str(value) != text and operation.schemas.accepts(parameter.schema, "request", value):
            return value
    return None


def nobodys(name: str, like: str) -> list[str]:
    """Ids of the form of one that was there, which nothing has; none for a length of time or a size, which is no thing.

    Several, for a server may refuse one for its form before it looks: a number for being too large.

    >>> nobodys("id", "17"), nobodys("name", "web-7f3a2c"), nobodys("delay", "1")
    (['2147483646', '999983', '32749'], ['zq7-unknown', 'jbe-2c8d7f'], [])
    """
    if is_costly(name):
        return []  # a large one would be waited for, or be sent in full
    likely = ["2147483646", "999983", "32749"] if like.isdigit() else ["zq7-unknown"]
    if _is_uuid(like):
        likely = [NIL_UUID, _NEW_UUID]  # some take only what a version number makes one (RFC 9562, 4.2)
    elif sum(map(str.isalnum, like)) >= 6:  # a short one of that form may be somebody's
        likely.insert(1, like.translate(_OTHER))
    return [other for other in likely if other != like]


def is_costly(name: str) -> bool:
    """True for what is called like a length of time or a size: a large value is waited for, or sent in full."""
    return bool(SLOWING.fullmatch(snake(name)) or _SIZING.fullmatch(snake(name)))


def _turned(letters: str, by: int) -> dict[int, str]:
    return {ord(each): letters[(index + by) % len(letters)] for index, each in enumerate(letters)}


_OTHER = {
    **_turned("0123456789", 5),
    **_turned("abcdef", 3),
    **_turned("ABCDEF", 3),
    **_turned("ghijklmnopqrstuvwxyz", 7),
    **_turned("GHIJKLMNOPQRSTUVWXYZ", 7),
}
"""Each letter and digit as another of its kind; what is hexadecimal stays so."""


def _ill_formed(operation: Operation, parameter: Parameter, like: Any) -> Iterator[Any]:
    """Ids of another form than the known ones: of another type first, then odd texts."""
    for value in _odd_ids(operation, parameter, like):
        waits = SLOWING.fullmatch(parameter.name.lower()) and str(value).isdigit() and int(value) > 10
        if not waits:
            yield value


def _odd_ids(operation: Operation, parameter: Parameter, like: Any) -> Iterator[Any]:
    text = "" if like is None else str(like)
    if text.isdigit() or _is_uuid(text):
        yield "zq7-ill-formed"
    if parameter.schema is not None:
        for broken in islice(sample.broken(operation.schemas, parameter.schema, "request"), _BRIEF):
            if not isinstance(broken.value, (list, dict)) and broken.value not in (None, ""):
                yield broken.value
    if _is_kind(operation, parameter, "integer"):
        yield from (0, -1, 2**63)
    elif text.isdigit():
        if re.fullmatch(r"(.*_)?(status|code)s?(_code)?", parameter.name.lower()):
            yield from map(str, _STATUSES)
        yield from ("0", "-1", "99999999999", "zq7 (ż")
    else:
        yield from ("zq7 (ż", "2147483646", "*zq7", "\x01", "-1", "0")


def _negotiated(operation: Operation, base: Base) -> Iterator[Ask]:
    plain = base.write(operation)
    if plain is None:
        return
    yield Ask("an `Accept` that nothing satisfies", with_headers(plain, (("Accept", NO_TYPE),)), "header:Accept", is_blamed=False)  # fmt: skip
    yield Ask("`Accept: */*`", with_headers(plain, (("Accept", "*/*"),)), "header:Accept", is_blamed=False)
    ranges = accepts(operation).split(", ")[:-1]
    for each in ranges[:3] if len(ranges) > 1 else ():  # one that is never sent, though it is declared
        yield Ask(f"`Accept: {each}`", with_headers(plain, (("Accept", each),)), "header:Accept", is_blamed=False)
    yield Ask("`Accept: text/plain`", with_headers(plain, (("Accept", "text/plain"),)), "header:Accept", is_blamed=False)  # fmt: skip
    if not plain.path.endswith("/") and operation.served_path == operation.path:
        slashed = replace(plain, url=f"{plain.path}/" + (f"?{plain.query}" if plain.query else ""))
        yield Ask("a slash at the end", slashed, None, is_blamed=False)


# --- parameters -------------------------------------------------------------------------------------------------------


def _by_parameter(operation: Operation, base: Base, seen: Callable[[str], Iterable[Any]]) -> Iterator[Iterator[Ask]]:
    for parameter in operation.parameters:
        if parameter.location == "path":
            yield _of_path(operation, base, parameter)
        elif not (parameter.location == "header" and parameter.name.lower() in ("accept", "content-type", "authorization")):  # fmt: skip
            yield _of_parameter(operation, base, parameter, seen)
    others = [each for each in operation.parameters if not _is_kind(operation, each, "boolean")]
    if sum(each.allow_empty for each in others) > 1:  # one by one only when all else was asked
        yield _flags(operation, base, others, "all that may be empty, without a value")
    plain = base.write(operation)
    if plain is not None:
        mark = "&" if "?" in plain.url else "?"
        odd = replace(plain, url=f"{plain.url}{mark}{NOBODYS}=1")
        yield iter([Ask("a query name that nobody declares", odd, f"query:{NOBODYS}", is_blamed=False)])
        said = "&".join(f"{name}=zq7" for name in _spoken_of(operation))
        if said:
            named = replace(plain, url=f"{plain.url}{mark}{said}")
            yield iter([Ask("query names out of its own description", named, "query", is_blamed=False)])


def _spoken_of(operation: Operation) -> list[str]:
    """Words of the operation's description that might be parameters which nobody wrote down: "given seed, at chunk size"."""
    declared = {parameter.name.lower() for parameter in operation.parameters}
    text = " ".join(str(operation.raw.get(key, "")) for key in ("summary", "description"))
    words = re.findall(r"[a-z]{2,}", re.sub(r"[A-Z]", lambda found: found[0].lower(), text))
    pairs = [f"{one}_{other}" for one, other in pairwise(words)]
    found = dict.fromkeys(
        name for name in (*words, *pairs) if name not in declared and not _DULL & set(name.split("_"))
    )
    return list(found)[:_SPOKEN]


_SPOKEN = 40
_DULL = frozenset(
    [
        "an",
        "and",
        "any",
        "are",
        "as",
        "at",
        "be",
        "by",
        "can",
        "does",
        "each",
        "for",
        "from",
        "get",
        "given",
        "has",
        "if",
        "in",
        "into",
        "is",
        "it",
        "its",
        "list",
        "not",
        "of",
        "on",
        "one",
        "or",
        "per",
        "return",
        "returns",
        "that",
        "the",
        "their",
        "them",
        "then",
        "there",
        "this",
        "to",
        "update",
        "use",
        "used",
        "when",
        "which",
        "who",
        "will",
        "with",
        "you",
        "your",
    ]
)
"""Words that are never a parameter's name."""


def _of_parameter(
    operation: Operation, base: Base, parameter: Parameter, seen: Callable[[str], Iterable[Any]]
) -> Iterator[Ask]:
    label = parameter.label

    def sent(value: Any, what: str) -> Iterator[Ask]:
        yield from _asked(what, base.write(operation, given={label: value}), label)

    flag = _flags(operation, base, [parameter], f"`{label}` as a flag, without a value")
    if _is_kind(operation, parameter, "boolean"):
        yield from flag  # it is how one is switched on
    if parameter.required:
        yield from _asked(f"without `{label}`", base.write(operation, without=[label]), label)
    honest: list[Any] = []
    in_fields = parameter.location in ("header", "cookie")
    if in_fields:
        for value in _FIELDS[:2]:
            yield from sent(value, f"`{label}` as {_shown(value)}")
    if parameter.schema is not None:
        facts = facts_of(operation, parameter.schema)
        broken = sorted(islice(sample.broken(operation.schemas, parameter.schema, "request"), 8), key=_telling)[:_BRIEF]
        for value in _unlisted(operation, parameter.schema, facts["enum"], parameter.name, seen):
            yield from sent(value, f"`{label}` as {_shown(value)}")
        honest = [value for value in facts["enum"] if value != base.given.get(label)][:_ENUM]
        if not honest:
            honest = list(islice(sample.values(operation.schemas, parameter.schema, "request", name=parameter.name), 1))
        for value in _edges(operation, [parameter.schema]):
            yield from sent(value, f"`{label}` as {_shown(value)}")
        for index, value in enumerate(honest):
            yield from sent(value, f"`{label}` as {_shown(value)}")
            if index < len(broken):
                yield from sent(broken[index].value, f"`{label}` breaks `{broken[index].keyword}`")
        for each in broken[len(honest) :]:
            yield from sent(each.value, f"`{label}` breaks `{each.keyword}`")
        kinds = facts["kinds"]
    else:
        kinds = frozenset[str]()
    odd: Sequence[Any] = ()
    if not kinds or "string" in kinds:
        odd = _FIELDS if in_fields else _TEXTS
    elif kinds & {"integer", "number"}:
        odd = (*_WHOLE, "zq7", "1.5")
    elif "boolean" in kinds:
        odd = ("zq7", "1", "")
    elif "array" in kinds:
        odd = (["zq7"], ["żółw"], [])
    elif "object" in kinds:
        odd = ({NOBODYS: "1"}, {"zq7": "żółw"}, {})
    if SLOWING.fullmatch(parameter.name.lower()):
        odd = [value for value in odd if not str(value).isdigit() or int(value) < 10]  # what takes long proves nothing
    if re.fullmatch(r"(.*_)?(status|code)s?(_code)?", parameter.name.lower()) and "boolean" not in kinds:
        odd = (*(_STATUSES if kinds & {"integer", "number"} else map(str, _STATUSES)), *odd)
    for value in odd:
        yield from sent(value, f"`{label}` as {_shown(value)}")
    yield from flag


def _flags(operation: Operation, base: Base, parameters: Sequence[Parameter], what: str) -> Iterator[Ask]:
    """Those of the parameters that may be sent without a value (`allowEmptyValue`) sent so, in one request."""
    empty = [each for each in parameters if each.allow_empty and each.location == "query"]
    bare = base.write(operation, without=[each.label for each in empty]) if empty else None
    if bare is not None:
        names = "&".join(quote(each.name, safe="") for each in empty)
        url = f"{bare.url}{'&' if '?' in bare.url else '?'}{names}"
        yield Ask(what, replace(bare, url=url), empty[0].label if len(empty) == 1 else "query")


def _telling(broken: sample.Broken) -> int:
    """Order of constraints: those that servers leave unchecked come first."""
    order = (
        "enum",
        "maximum",
        "minimum",
        "maxLength",
        "minLength",
        "maxItems",
        "minItems",
        "pattern",
        "format",
        "required",
    )
    return order.index(broken.keyword) if broken.keyword in order else len(order)


def _unlisted(
    operation: Operation, pointer: str, enum: Sequence[Any], name: str, seen: Callable[[str], Iterable[Any]]
) -> Iterator[Any]:
    """Likely members that an enum does not list: what answers showed, and what such a thing is often called."""
    if enum and all(isinstance(member, str) for member in enum):
        likely = [*(value for value in seen(name) if isinstance(value, str)), *siblings(name, enum)]
        yield from islice((value for value in dict.fromkeys(likely) if value not in enum), 2)


_STATUSES = (404, 307, 201)
"""What a parameter that is called `code` may stand for."""
_MISNAMED = {
    "int": "integer",
    "long": "integer",
    "float": "number",
    "double": "number",
    "bool": "boolean",
    "str": "string",
}
"""Types that no standard has, and what those who write them mean."""


class Facts(dict[str, Any]):
    """What all schemas of one value say together: `kinds`, `enum`, `format`."""


def facts_of(operation: Operation, pointer: str) -> Facts:
    """Types, literals and format of a schema, its references and branches included."""
    kinds: dict[str, None] = {}
    enum: list[Any] = []
    form = ""
    for _, node in operation.schemas.flatten([pointer]):
        said = node.get("type")
        for kind in said if isinstance(said, list) else [said]:
            if isinstance(kind, str):
                kinds[kind] = None
        if isinstance(node.get("enum"), list):
            enum += [value for value in node["enum"] if value not in enum and value is not None]
        if "const" in node and node["const"] not in enum:
            enum.append(node["const"])
        kinds.update({_MISNAMED[kind]: None for kind in list(kinds) if kind in _MISNAMED})
        if isinstance(node.get("format"), str):
            form = form or node["format"]
        items = node.get("items")
        if not enum and isinstance(items, Mapping) and isinstance(items.get("enum"), list):
            enum += [[value] for value in items["enum"] if value is not None]
    return Facts(kinds=frozenset(kinds), enum=enum, format=form)


_NUMERIC = frozenset({"int32", "int64", "float", "double"})
"""Formats of so many places that they say nothing of any (OpenAPI 3.1, 4.4)."""


def kind_at(operation: Operation, base: Base, place: str) -> str:
    """The pattern or the format that is declared for a place of the request, whose readers it may share; "" for none."""
    pointers = [each.schema for each in operation.parameters if each.label == place and each.schema is not None]
    if place.startswith("body:"):
        pointers = _at(operation, _media(operation, base), place.removeprefix("body:"))
    for _, node in operation.schemas.flatten(pointers):
        for keyword in ("pattern", "format"):
            if isinstance(node.get(keyword), str) and node[keyword] not in _NUMERIC:
                return f"{keyword} {node[keyword]}"
    return ""


def _is_kind(operation: Operation, parameter: Parameter, kind: str) -> bool:
    if parameter.schema is None:
        return False
    kinds = facts_of(operation, parameter.schema)["kinds"]
    return kind in kinds or (kind == "integer" and "number" in kinds)


# --- bodies -----------------------------------------------------------------------------------------------------------


def _root(operation: Operation, base: Base) -> Iterator[Ask]:
    """What is wrong with the body as a whole."""
    plain = base.write(operation)
    if plain is None:
        return
    if operation.request_body is None:
        if operation.method not in ("GET", "HEAD", "OPTIONS", "TRACE"):
            odd = replace(plain, body=b"zq7", headers=(*plain.headers, ("Content-Type", "multipart/form-data")))
            yield Ask("a body that nobody declares", odd, "body", is_blamed=False)
        return
    yield from _asked("without a body", base.write(operation, without=["body"]), "body")
    kind = header(plain.headers, "content-type")
    if plain.body is None or kind is None:
        return
    if is_json(_plain_type(kind)):
        yield Ask("JSON that ends too early", replace(plain, body=plain.body[:-1] + b"," if len(plain.body) > 1 else b"{"), "body")  # fmt: skip
        yield Ask("`null` as the body", replace(plain, body=b"null"), "body")
        other = b"[]" if plain.body.lstrip()[:1] == b"{" else b"{}"
        yield Ask(f"`{other.decode()}` as the body", replace(plain, body=other), "body")
    if not is_json(_plain_type(kind)) and operation.request_body.media("application/json") is None:
        whole = base.body if isinstance(base.body, Mapping) else {}
        files = _files(operation, base)  # JSON holds none
        written = json.dumps({name: item for name, item in whole.items() if name not in files}).encode()
        as_json = replace(with_headers(plain, (("Content-Type", "application/json"),)), body=written)
        yield Ask("JSON, which is not declared", as_json, "header:Content-Type", is_blamed=False)
    yield Ask("a media type that is not declared", with_headers(plain, (("Content-Type", NO_TYPE),)), "header:Content-Type", is_blamed=False)  # fmt: skip
    if is_json(_plain_type(kind)):
        patched = b'[{"op": "add", "path": "/data", "value": {}}]'
        form = urlencode({name: item for name, item in _members(plain.body) if isinstance(item, (str, int, float))})
        for media, body in (
            ("application/json-patch+json", patched),
            ("application/x-www-form-urlencoded", form.encode()),
        ):
            if operation.request_body.media(media) is None:
                # Its body is another one, too: what is wrong with it may have nothing to do with what it is called.
                yield Ask(f"the media type {media}, which is not declared", replace(with_headers(plain, (("Content-Type", media),)), body=body), "body", is_blamed=False)  # fmt: skip
        if plain.body.lstrip()[:1] == b"{":
            # Some answer their refusals in another way to those who take anything.
            anything = with_headers(plain, (("Accept", "*/*"),))
            yield Ask("`{}` as the body, and `Accept: */*`", replace(anything, body=b"{}"), "body")
            yield Ask("a list around the body", replace(plain, body=b"[" + plain.body + b"]"), "body")
        else:
            yield Ask("`[null]` as the body", replace(plain, body=b"[null]"), "body")
            yield Ask("`[{}]` as the body", replace(plain, body=b"[{}]"), "body")


def _files(operation: Operation, base: Base) -> frozenset[str]:
    """Properties of the body that are files: by OpenAPI 3.0's `format: binary`, or by `contentMediaType` (3.1, 4.8.14.3)."""
    media = _media(operation, base)
    found = set()
    for _, node in operation.schemas.flatten([media.schema]) if media is not None and media.schema is not None else ():
        for name in node.get("properties") or ():
            for pointer in _at(operation, media, f"/{escape(str(name))}"):
                shown = [each for _, each in operation.schemas.flatten([pointer])]
                if any(each.get("format") in ("binary", "byte") or "contentMediaType" in each for each in shown):
                    found.add(str(name))
    return frozenset(found)


def _members(body: bytes) -> Iterable[tuple[str, Any]]:
    value = json.loads(body)
    return value.items() if isinstance(value, dict) else ()


def _by_place(operation: Operation, base: Base, seen: Callable[[str], Iterable[Any]]) -> Iterator[Iterator[Ask]]:
    """For each place of the body one iterator of what is odd there."""
    media = _media(operation, base)
    if media is None or media.schema is None or base.body is MISSING:
        return
    schemas = operation.schemas
    schema = media.schema
    plain = full = sample.value(schemas, schema, "request", full=True)
    if plain is not MISSING:
        said = as_described(plain, sample.descriptions(schemas, schema, "request", plain))
        full = next((each for each in (better(said), said) if schemas.accepts(schema, "request", each)), plain)
    whole = base.body
    starts = {place: _with(operation, schema, whole, full, place) for place in _absent(whole, full, "")}
    """The plain body and one thing that it lacks, by the place of that."""

    def start_at(place: str) -> Any:
        return next((start for added, start in starts.items() if f"{place}/".startswith(f"{added}/")), whole)

    def sent(value: Any, what: str, place: str) -> Iterator[Ask]:
        yield from _asked(what, base.write(operation, given={"body": value}), f"body:{place}" if place else "body")

    def extras() -> Iterator[Ask]:
        if isinstance(whole, Mapping):
            yield from sent({**whole, NOBODYS: 1}, "a property that nobody declares", f"/{NOBODYS}")
        if plain is not MISSING and plain != whole:
            yield from sent(plain, "every property", "")

    yield extras()
    broken: dict[str, list[sample.Broken]] = {}
    for each in islice(sample.broken(schemas, schema, "request", whole=whole), 60):
        broken.setdefault(each.pointer + (f"/{escape(each.name)}" if each.name else ""), []).append(each)
    for start in list(starts.values())[:_ADDED]:
        for each in islice(sample.broken(schemas, schema, "request", whole=start), 60):
            place = each.pointer + (f"/{escape(each.name)}" if each.name else "")
            if place not in broken:
                broken[place] = [each]
    leaves = list(_leaves(whole, ""))
    if isinstance(full, Mapping) and isinstance(whole, Mapping):
        leaves += _leaves({name: item for name, item in full.items() if name not in whole}, "")

    def at(place: str, value: Any) -> Iterator[Ask]:
        start = start_at(place)
        wrong = iter(sorted(broken.pop(place, []), key=_telling))
        odd = [
            sent(sample.replaced(start, place, each), f"`body:{place}` as {_shown(each)}", place)
            for each in _odd(value)
        ]
        name = place.rpartition("/")[2]
        for each in _unlisted(operation, "", _enum_at(operation, media, place), name, seen):
            yield from sent(sample.replaced(start, place, each), f"`body:{place}` as {_shown(each)}", place)
        # Not the same first everywhere: few places are asked more than once.
        turn = isinstance(value, (list, dict)) or sum(map(ord, place)) % 2
        if turn:
            yield from odd.pop(0)
        for each in islice(wrong, 1):
            yield from sent(each.value, f"`body:{place}` breaks `{each.keyword}`", place)
        for each in _edges(operation, _at(operation, media, place)):
            yield from sent(sample.replaced(start, place, each), f"`body:{place}` as {_shown(each)}", place)
        left = [sent(each.value, f"`body:{place}` breaks `{each.keyword}`", place) for each in wrong]
        for pair in zip_longest(odd, left, fillvalue=()):
            yield from chain.from_iterable(pair)

    leaves.sort(
        key=lambda item: (not isinstance(item[1], list), item[0].count("/"))
    )  # a list's items, then what is near
    for place, value in leaves[:40]:
        yield at(place, value)
    for place, several in list(broken.items()):
        if place not in {known for known, _ in leaves}:
            yield iter([ask for each in several[:2] for ask in sent(each.value, f"`body:{place}` breaks `{each.keyword}`", place)])  # fmt: skip


def _absent(whole: Any, full: Any, place: str) -> Iterator[str]:
    """Places of the full body that the plain one lacks, though it has what they lie in."""
    if isinstance(full, Mapping) and isinstance(whole, Mapping):
        for name, item in full.items():
            below = f"{place}/{escape(str(name))}"
            if name in whole:
                yield from _absent(whole[name], item, below)
            else:
                yield below
    elif isinstance(full, list) and isinstance(whole, list) and full:
        if whole:
            yield from _absent(whole[0], full[0], f"{place}/0")
        else:
            yield place


def _with(operation: Operation, schema: str, whole: Any, full: Any, place: str) -> Any:
    """The plain body and what the full one has at that place; the full one where it cannot stand alone."""
    fresh = sample.replaced(whole, place, resolve(full, f"#{place}"))
    return fresh if operation.schemas.accepts(schema, "request", fresh) else full


def _enum_at(operation: Operation, media: MediaType | None, place: str) -> list[Any]:
    """Members of the enum at a place of the body; none where there is none."""
    return [member for pointer in _at(operation, media, place)[:1] for member in facts_of(operation, pointer)["enum"]]


def _at(operation: Operation, media: MediaType | None, place: str) -> list[str]:
    """Pointers of the schemas of a place of the body."""
    pointers = [media.schema] if media is not None and media.schema is not None else []
    for token in place.split("/")[1:]:
        below: list[str] = []
        for at, node in operation.schemas.flatten(pointers):
            if isinstance(node.get("properties"), Mapping) and unescape(token) in node["properties"]:
                below.append(f"{at}/properties/{token}")
            elif token.isdigit() and isinstance(node.get("items"), Mapping):
                below.append(f"{at}/items")
        pointers = below
    return pointers


def _edges(operation: Operation, pointers: Sequence[str]) -> Iterator[Any]:
    """The largest and the longest value that is just allowed, and the least."""
    told: dict[str, float] = {}
    for _, node in operation.schemas.flatten(pointers):
        for keyword in ("maximum", "maxLength", "minimum", "minLength"):
            if isinstance(node.get(keyword), (int, float)) and not isinstance(node[keyword], bool):
                told.setdefault(keyword, node[keyword])
    for keyword, bound in told.items():
        value: Any = bound
        if keyword.endswith("Length"):
            if not 0 < bound <= _LONG:
                continue
            value = "z" * int(bound)
        if pointers and operation.schemas.accepts(pointers[0], "request", value):
            yield value


_LONG = 20_000


def enums(operation: Operation, base: Base) -> Iterator[tuple[str, list[Any]]]:
    """Top-level properties of the body that are enums, each with its members."""
    media = _media(operation, base)
    if media is None or media.schema is None:
        return
    for _, node in operation.schemas.flatten([media.schema]):
        for name in node.get("properties") or ():
            members = _enum_at(operation, media, f"/{escape(str(name))}")
            if changes_asker(operation) and LETS_IN.fullmatch(snake(str(name))) is not None:
                continue
            if len(members) > 1:
                yield name, members


def _media(operation: Operation, base: Base) -> MediaType | None:
    declared = operation.request_body
    if declared is None:
        return None
    if base.media is not None:
        return next((media for media in declared.content if media.range == base.media), None)
    return next((media for media in declared.content if is_json(media.range)), declared.content[0] if declared.content else None)  # fmt: skip


def _odd(value: Any) -> Iterator[Any]:
    """Other values of the same kind, and null."""
    if isinstance(value, bool):
        yield from (None, "zq7")
    elif isinstance(value, str):
        # A path or an address goes on like that; in its place it would be refused for its form.
        foreign = f"{value}żółw" if re.search(r"[/:@]", value) else "żółw"
        yield from (None, "", "z" * 300, "z", foreign, "zq7-no-such", "(", 0, "\x01")
    elif isinstance(value, (int, float)):
        yield from (str(value), None, -1, 10**6, 0, 2**63, "zq7")
    elif isinstance(value, list):
        yield from ([None], [], None)
        yield [{}] if value and isinstance(value[0], Mapping) else ["zq7"]
    elif isinstance(value, Mapping):
        yield {**value, NOBODYS: 1}
        yield {**value, "id": "zq7 (ż"}
        yield {**value, "ż (": "x"}
        yield from ({}, None, [])
    else:
        yield from ("zq7", 0)


def _leaves(value: Any, place: str) -> Iterator[tuple[str, Any]]:
    """Places of a body, containers before what they hold; of a list only the first item."""
    if place:
        yield place, value
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _leaves(item, f"{place}/{escape(str(key))}")
    elif isinstance(value, list) and value:
        yield from _leaves(value[0], f"{place}/0")


def _has(whole: Any, place: str) -> bool:
    try:
        resolve(whole, f"#{place}")
    except (KeyError, ValueError, IndexError, TypeError):
        return False
    return True


def _plain_type(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def _is_uuid(text: str) -> bool:
    return len(text) == 36 and text.count("-") == 4


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 24 else text[:23] + "…"
