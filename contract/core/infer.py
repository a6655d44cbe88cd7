"""What does an API serve that its document does not declare: templates, shapes and counts, as a piece of a document.

Two passes over the same exchanges, since a template shows only in all paths taken together. `Paths` gathers the paths and
gives the `templates`; `Observed` then adds up what was seen of each. Both add up in any order and split, and their size
is bounded: of more than `MOST` distinct paths the least by a hash are kept, which is exact under addition.

What makes a segment a parameter, the first that holds:
- its spelling: a number, a UUID, a digest, a ULID, a date, a slug with a long number (`routing.is_id`), or a person;
- the document has a parameter at this place;
- the collection before it is one of people (`/users/jo`), so that nobody's name becomes part of a document;
- the bodies name themselves so: `GET /labels/bug` answers `{"name": "bug"}`;
- after the same word it is one in another place;
- three or more siblings have digits in them or look like files (`/tags/v1.0`, `/tags/v1.1`, …);
- eight or more siblings after a plural, twenty or more elsewhere, that have the same below them;
- a sibling is a parameter by the above, and the same words follow both (`/repos/a/issues`, `/repos/17/issues`), or nothing
  follows, the methods are the same and it is no plain word (`/labels/to-do` beside `/labels/17`, while `/tasks/mine` stays).
A literal that only looks like an id stays: `v1`, `oauth2`; one or two digits after `api`, `rest` or `version`; a number of
up to four digits that is the first segment, never has another value, and is followed by more (`/2024/report`). Nothing
but spelling makes a parameter of the first segment after the prefix (`/api/v1`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from http import HTTPStatus
from itertools import pairwise
from typing import Any, TypeVar
from urllib.parse import parse_qsl, quote, unquote

import orjson

from contract.core import routing
from contract.core.bodies import parameter
from contract.core.evidence import MADE_UP, Exchange, Response, is_json, media_type
from contract.core.openapi import PREFIX, Contract
from contract.core.readings import Malformed, json
from contract.core.router import Router
from contract.core.shape import ENOUGH, Place, Shape, enum_of, schema_of

MOST = 10_000
"""Distinct paths that are looked at."""
DEEPEST = 24
"""Segments of a path beyond which it is left out."""
MEDIA_TYPES = 16
"""Distinct media types of one kind of message beyond which they become `*/*`."""

METHODS = ("GET", "PUT", "POST", "DELETE", "PATCH")
"""What an operation may be inferred from; OPTIONS, HEAD and TRACE are answered beside them (RFC 9110, 9.3)."""

_PARAMETER = "{}"
_LITERAL = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@-]{0,64}", re.ASCII)
_VERSIONED = re.compile(r"api|rest|v|versions?", re.IGNORECASE)
_PEOPLE = re.compile(
    r"(?:account|assignee|author|client|collaborator|contact|customer|employee|follower|member|owner|patient|profile"
    r"|reviewer|student|subscriber|teacher|user)s|people|persons?|staff",
    re.IGNORECASE,
)
_ABOUT_ALL = re.compile(
    r"(?:me|self|current|mine|my|all|new|active|archived|batch|bulk|check|count|counts|deleted|exists?|export|filters?"
    r"|import|invite|invites|invitations?|list|login|logout|lookup|options|permissions|recent|register|roles|schema"
    r"|search|settings|sort|stats|statistics|status|suggest|suggestions|summary|validate|verify)"
)
_NAMING = frozenset(
    [
        "code",
        "filename",
        "handle",
        "id",
        "identifier",
        "key",
        "login",
        "name",
        "number",
        "path",
        "ref",
        "sha",
        "slug",
        "symbol",
        "tag",
        "username",
        "uuid",
    ]
)


# ----------------------------------------------------------------------------------------------- what is looked at


def left_out(exchange: Exchange, contract: Contract | None) -> str | None:
    """Why nothing is inferred from an exchange; None if something may be."""
    request, answer = exchange.request, exchange.response
    if exchange.traffic in MADE_UP:
        return "made up by a prober"
    if answer is None:
        return "without an answer"
    if contract is not None:
        found = contract.router.find(request.method.upper(), request.path)
        if found is not None and found[0] is not None:
            return "declared already"
    if request.method.upper() not in METHODS:
        return "OPTIONS, HEAD and methods that no operation has"
    if contract is not None and not request.path.startswith(contract.prefix):
        return "outside of the document's paths"
    if not request.path.startswith("/") or request.path.count("/") > DEEPEST:
        return "with a path that no template has"
    if _is_asset(exchange, answer):
        return "for a page, its scripts, styles or images"
    return None


_ASSET = re.compile(r"\.(?:css|gif|html?|ico|jpe?g|js|map|mjs|png|svg|ttf|webmanifest|webp|woff2?)$", re.IGNORECASE)


def _is_asset(exchange: Exchange, answer: Response) -> bool:
    return (
        exchange.request.method.upper() == "GET"
        and _ASSET.search(exchange.request.path) is not None
        and not is_json(answer.media_type)
    )


def _was_success(answer: Response) -> bool:
    """True if what the request said was taken: then it shows what the server accepts."""
    return 200 <= answer.status < 400


# --------------------------------------------------------------------------------------------------------- the paths


@dataclass(slots=True)
class _Trail:
    """What is known of one path, its ids folded: a count, the methods, and per segment two marks."""

    count: int
    methods: frozenset[str]
    told: int
    """Exchanges with JSON, of which the last two segments may say what it is about."""
    named: tuple[int, ...]
    """In how many of those the bodies named themselves by the segment."""
    lone: tuple[str | None, ...]
    """The one short number that stood there; "" once there was another value, None where a literal stands."""

    def __add__(self, other: _Trail) -> _Trail:
        return _Trail(
            self.count + other.count,
            self.methods | other.methods,
            self.told + other.told,
            tuple(one + two for one, two in zip(self.named, other.named, strict=True)),
            tuple(one if one == two else "" for one, two in zip(self.lone, other.lone, strict=True)),
        )


@dataclass(slots=True)
class Paths:
    """The distinct paths that operations of their own answered."""

    exchanges: int = 0
    _trails: dict[tuple[str, ...], _Trail] = field(default_factory=dict)

    def add(self, exchange: Exchange) -> None:
        """Adds the path of an exchange, if an operation answered it, and not what stands in front of all (law 4)."""
        answer = exchange.response
        if answer is None or not 200 <= answer.status < 500 or answer.status in (401, 403, 404, 405, 429):
            return
        self.exchanges += 1
        segments, lone = _folded(exchange.request.path)
        names = _names_in(exchange)
        near = len(segments) - 2
        trail = _Trail(
            1,
            frozenset([exchange.request.method.upper()]),
            int(names is not None),
            tuple(int(at >= near and segment in (names or ())) for at, segment in enumerate(segments)),
            lone,
        )
        known = self._trails.get(segments)
        self._trails[segments] = trail if known is None else known + trail
        if len(self._trails) > 2 * MOST:
            self._prune()

    def __add__(self, other: Paths) -> Paths:
        trails = dict(self._trails)
        for segments, trail in other._trails.items():
            trails[segments] = trails[segments] + trail if segments in trails else trail
        made = Paths(self.exchanges + other.exchanges, trails)
        made._prune()
        return made

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Paths) and (self.exchanges, self.trails) == (other.exchanges, other.trails)

    def _prune(self) -> None:
        if len(self._trails) > MOST:
            least = sorted(self._trails, key=_rank)[:MOST]
            self._trails = {segments: self._trails[segments] for segments in least}

    @property
    def trails(self) -> Mapping[tuple[str, ...], _Trail]:
        """At most `MOST`, the least by hash: a fair sample, whatever came first."""
        self._prune()
        return self._trails

    def templates(self, contract: Contract | None = None) -> Templates:
        """The templates that the paths belong to, with the parameters called as the document calls its own."""
        naming = _Naming(contract)
        declared = _Node()
        for operation in contract.operations if contract is not None else ():
            for base in operation.base_paths:
                declared.declare(base + operation.path)
        # What is an id in one place is one after the same word elsewhere; so once more with what was learnt.
        known: set[tuple[str, str]] = set()
        for _ in range(2):
            found = dict(_templates(self._tree(), declared, (), naming, known))
        return Templates(found)

    def _tree(self) -> _Node:
        root = _Node()
        for segments, trail in self.trails.items():
            node = root
            for at, segment in enumerate(segments):
                node = node.at(segment)
                node.named += trail.named[at]
                node.told += trail.told if at >= len(segments) - 2 else 0
                lone = trail.lone[at]
                if lone is not None:
                    node.lone = lone if node.lone in (None, lone) else ""
            node.methods |= trail.methods
        return root


def _rank(segments: tuple[str, ...]) -> tuple[bytes, tuple[str, ...]]:
    return blake2b("/".join(segments).encode(), digest_size=8).digest(), segments


def _folded(path: str) -> tuple[tuple[str, ...], tuple[str | None, ...]]:
    """The segments, percent-decoded, with `{}` for what is an id by its spelling; and the short numbers among those."""
    segments: list[str] = []
    lone: list[str | None] = []
    for part in path.split("/")[1:]:
        text = unquote(part)
        number = text.isascii() and text.isdigit()
        if _LITERAL.fullmatch(text) is None or (
            routing.is_id(text)
            and not (number and len(text) < 3 and segments and _VERSIONED.fullmatch(segments[-1]) is not None)
        ):
            segments.append(_PARAMETER)
            lone.append(text if number and len(text) < 5 else "")
        else:
            segments.append(text)
            lone.append(None)
    return tuple(segments), tuple(lone)


def _names_in(exchange: Exchange) -> frozenset[str] | None:
    """By what the bodies name themselves: values of `id`, `name`, `slug` and the like, at the top or just below.

    None if the answer is no JSON.
    """
    found: set[str] = set()
    request, answer = exchange.request, exchange.response
    if answer is None or answer.truncated or not is_json(answer.media_type):
        return None
    for media, body in ((request.media_type, request.body), (answer.media_type, answer.body)):
        if not body or len(body) > 1 << 20 or not is_json(media):
            continue
        try:
            found.update(_names(orjson.loads(body), 3))
        except ValueError:
            continue  # no JSON, whatever its label says
    return frozenset(found)


def _names(value: Any, levels: int) -> Iterator[str]:
    if isinstance(value, list):
        for item in value[:4]:
            yield from _names(item, levels - 1)
    elif isinstance(value, dict):
        for name, item in value.items():
            if isinstance(item, str | int):
                if re.split(r"[^A-Za-z]|(?<=[a-z])(?=[A-Z])", name)[-1].lower() in _NAMING:
                    yield str(item)
            elif levels > 1:
                yield from _names(item, levels - 1)


class _Node:
    """A place in the tree of all paths."""

    __slots__ = ("below", "called", "lone", "methods", "named", "told")

    def __init__(self) -> None:
        self.below: dict[str, _Node] = {}
        self.told = 0
        self.named = 0
        self.lone: str | None = None
        self.methods: frozenset[str] = frozenset()
        self.called = ""
        """What the document calls the parameter here."""

    def at(self, segment: str) -> _Node:
        if segment not in self.below:
            self.below[segment] = _Node()
        return self.below[segment]

    def declare(self, template: str) -> None:
        node = self
        for part in template.split("/")[1:]:
            parameter = re.fullmatch(r"\{([^{}]*)\}", part)
            if "{" in part and parameter is None:
                return  # several in one segment: nothing is folded into those
            node = node.at(_PARAMETER if parameter else unquote(part))
            if parameter:
                node.called = node.called or parameter[1]

    def take(self, other: _Node) -> None:
        """Adds another place and all below it."""
        self.told += other.told
        self.named += other.named
        self.methods |= other.methods
        for segment, node in other.below.items():
            self.at(segment).take(node)


def _templates(
    node: _Node, declared: _Node | None, before: tuple[str, ...], naming: _Naming, ids: set[tuple[str, str]]
) -> Iterator[tuple[str, frozenset[str]]]:
    """Each template below a place with its methods; `before` is the template so far, by segments as written.

    `ids` gathers the values of parameters, each with the word before it.
    """
    if node.methods:
        yield "/" + "/".join(before), node.methods
    known = declared.below if declared is not None else {}
    chosen = _parameters(node, known, before, ids)
    if chosen:
        parameter = node.at(_PARAMETER)
        for segment in chosen:
            parameter.take(node.below.pop(segment))
            parameter.lone = ""
            ids.add((before[-1], segment))
    for segment in sorted(node.below):
        child = node.below[segment]
        under = known.get(segment)
        if segment == _PARAMETER and child.lone and not before and child.below and under is None:
            segment = child.lone  # `/2024/report`
        if segment == _PARAMETER:
            written = "{" + naming.name(before, under.called if under is not None else "") + "}"
        else:
            written = quote(segment, safe="!$&'()*+,;=:@~._-")
        yield from _templates(child, under, (*before, written), naming, ids)


def _parameters(
    node: _Node, known: Mapping[str, _Node], before: tuple[str, ...], ids: Collection[tuple[str, str]]
) -> set[str]:
    """The literals at a place that are values of a parameter."""
    open_ = {segment: child for segment, child in node.below.items() if segment not in (_PARAMETER, "", *known)}
    if _PARAMETER in known and before:
        return set(open_)
    if all(PREFIX.fullmatch(segment) for segment in before):
        return set()
    last = before[-1]
    chosen = {segment for segment, child in open_.items() if child.named and 4 * child.named >= child.told}
    chosen |= {segment for segment in open_ if (last, segment) in ids}
    if _PEOPLE.fullmatch(last):
        chosen |= {segment for segment in open_ if not _ABOUT_ALL.fullmatch(segment)}
    slugs = {segment for segment in open_ if _SLUG.fullmatch(segment) and not re.fullmatch(r"v\d+", segment)}
    if len(slugs) >= 3:
        chosen |= slugs
    alike = _alike(open_)
    if len(alike) >= (8 if _is_plural(last) else 20):
        chosen |= alike
    parameters = [open_[segment] for segment in chosen]
    if _PARAMETER in node.below:
        parameters.append(node.below[_PARAMETER])
    words = {word for child in parameters for word in child.below} - {_PARAMETER, ""}
    methods = {method for child in parameters for method in child.methods}
    for segment, child in open_.items():
        if words & child.below.keys() or (
            methods
            and not child.below
            and child.methods <= methods | {"DELETE"}
            and re.search(r"[^a-z]", segment) is not None
        ):
            chosen.add(segment)
    return chosen


_SLUG = re.compile(r".*\d.*|.*\.[A-Za-z]{1,5}")


def _alike(children: Mapping[str, _Node]) -> set[str]:
    """The siblings of the commonest kind, by what follows them and what answers there."""
    kinds: dict[tuple[frozenset[str], frozenset[str]], set[str]] = {}
    for segment, child in children.items():
        kinds.setdefault((child.methods, frozenset(child.below)), set()).add(segment)
    best = max(kinds.values(), key=len, default=set())
    return best if 5 * len(best) >= 4 * len(children) else set()


def _is_plural(word: str) -> bool:
    return re.search(r"(?:[^su'{}]s|[^t]us)$", word) is not None


def singular(word: str) -> str:
    """The word for one of a collection.

    >>> [singular(word) for word in ("projects", "entries", "statuses", "boxes", "news", "status", "data")]
    ['project', 'entry', 'status', 'box', 'news', 'status', 'data']
    """
    if word.lower() in ("news", "series", "species") or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    return word[:-2] if word.endswith(("sses", "uses", "xes", "ches", "shes")) else word[:-1]


class _Naming:
    """How parameters are called: as the document does it, else `id`, and after the collection where there are more."""

    def __init__(self, contract: Contract | None) -> None:
        styles: Counter[str] = Counter()
        for operation in contract.operations if contract is not None else ():
            parts = operation.path.split("/")
            for collection, part in pairwise(parts):
                found = re.fullmatch(r"\{([^{}]*)\}", part)
                if found is not None:
                    styles[_style(found[1], collection)] += 1
        styles.pop("", None)
        self.style = styles.most_common(1)[0][0] if styles else ""

    def name(self, before: tuple[str, ...], called: str) -> str:
        """The name of the parameter that follows, another one than those before it."""
        taken = {part[1:-1] for part in before if part.startswith("{")}
        collection = before[-1] if before and not before[-1].startswith("{") else ""
        words = [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", unquote(collection))]
        if words:
            words[-1] = singular(words[-1])
        style = self.style or ("id" if not taken else "camel")
        base = called or _named(words, style)
        name, number = base, 2
        while name in taken:
            name, number = f"{base}{number}", number + 1
        return name


def _named(words: Sequence[str], style: str) -> str:
    if not words or style == "id":
        return "id"
    if style == "camel":
        return _camel([*words, "id"])
    return "_".join([*words, "id"] if style == "snake" else words)


def _camel(words: Sequence[str]) -> str:
    return "".join(word if at == 0 else word[:1].upper() + word[1:] for at, word in enumerate(words))


def _style(name: str, collection: str) -> str:
    if name == "id":
        return "id"
    if name.endswith("_id"):
        return "snake"
    if name.endswith("Id"):
        return "camel"
    return "bare" if name == singular(collection) else ""


# ------------------------------------------------------------------------------------------------------ what was seen


Key = tuple[str, str]
"""Method and template."""


class Templates:
    """The templates that were inferred, each with its methods: the frame for `Observed`."""

    def __init__(self, methods: Mapping[str, frozenset[str]]) -> None:
        self.methods = dict(sorted(methods.items()))
        self.router: Router[Key] = Router()
        for template, those in self.methods.items():
            names = tuple(re.findall(r"\{([^{}]*)\}", template))
            for method in those:
                self.router.add(method, template, (method, template), names)

    def __len__(self) -> int:
        return len(self.methods)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Templates) and self.methods == other.methods

    __hash__ = None  # type: ignore[assignment]


_MEDIA = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,126}/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}")
_FORM = "application/x-www-form-urlencoded"


@dataclass(slots=True)
class Bodies:
    """The messages of one kind, and the shapes of their bodies by media type: empty where values cannot be told."""

    messages: int = 0
    bare: int = 0
    """Messages without a body."""
    wide: bool = False
    """More media types than `MEDIA_TYPES`: they are told apart no more."""
    shapes: dict[str, Shape] = field(default_factory=dict)

    def add(self, content_type: str | None, body: bytes | None, whole: bool = True) -> None:
        self.messages += 1
        media = media_type(content_type)
        if not body and whole:
            self.bare += 1
        if self.wide or media is None or not body:
            return
        if _MEDIA.fullmatch(media) is None:
            media = "*/*"
        if media not in self.shapes and len(self.shapes) >= MEDIA_TYPES:
            self.wide = True
            self.shapes.clear()
            return
        shape = self.shapes.setdefault(media, Shape())
        if whole and is_json(media):
            try:
                shape.add(json(body, parameter(content_type or "", "charset")))
            except Malformed:
                return  # labelled as JSON and none: no document can make that right
        elif whole and media == _FORM:
            shape.add(_fields(body.decode("utf-8", "replace")))

    def __add__(self, other: Bodies) -> Bodies:
        shapes = {**self.shapes}
        for media, shape in other.shapes.items():
            shapes[media] = shapes[media] + shape if media in shapes else shape
        wide = self.wide or other.wide or len(shapes) > MEDIA_TYPES
        return Bodies(self.messages + other.messages, self.bare + other.bare, wide, {} if wide else shapes)

    def content(self, family: str) -> dict[str, Any]:
        """A map of Media Type Objects that covers all that was seen."""
        if self.wide:
            return {"*/*": {}}
        made: dict[str, Any] = {}
        for media in sorted(self.shapes):
            root = self.shapes[media].root
            if not root.total:
                made[media] = {}
            else:
                made[media] = {"schema": _fields_schema(root, family) if media == _FORM else schema_of(root, family)}
        return made


@dataclass(slots=True)
class Tally:
    """What was seen of one operation."""

    statuses: Counter[int] = field(default_factory=Counter)
    values: dict[str, Shape] = field(default_factory=dict)
    """Of the path's parameters."""
    query: Shape = field(default_factory=Shape)
    """Of the query as an object, from requests that were taken."""
    sent: Bodies = field(default_factory=Bodies)
    """From requests that were taken."""
    answers: dict[int, Bodies] = field(default_factory=dict)

    @property
    def exchanges(self) -> int:
        return self.statuses.total()

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.statuses + other.statuses,
            _merged(self.values, other.values),
            self.query + other.query,
            self.sent + other.sent,
            _merged(self.answers, other.answers),
        )


A = TypeVar("A", Shape, Bodies, Tally)
K = TypeVar("K")


def _merged(mine: Mapping[K, A], other: Mapping[K, A]) -> dict[K, A]:
    made = dict(mine)
    for key, value in other.items():
        made[key] = made[key] + value if key in made else value
    return made


@dataclass(slots=True)
class Observed:
    """What was seen of each template and method."""

    templates: Templates
    tallies: dict[Key, Tally] = field(default_factory=dict)

    def add(self, exchange: Exchange) -> bool:
        """Adds an exchange; False if it belongs to no template, such as a 404 for a path that nobody serves."""
        request, answer = exchange.request, exchange.response
        if answer is None:
            return False
        found = self.templates.router.find(request.method.upper(), request.path)
        if found is None or found[0] is None:
            return False
        key, names, values, _ = found
        assert key is not None
        tally = self.tallies.setdefault(key, Tally())
        tally.statuses[answer.status] += 1
        for name, value in zip(names, values, strict=True):
            if name not in tally.values:
                shape = tally.values[name] = Shape()
                shape.root.hush(1)  # who or what a path names is nobody's enum
            tally.values[name].add(_typed(value))
        if _was_success(answer):
            tally.query.add(_fields(request.query))
            tally.sent.add(request.content_type, request.body)
        if _declarable(answer.status):
            if answer.status not in tally.answers:
                tally.answers[answer.status] = Bodies()
            body = None if answer.status in (204, 205, 304) else answer.body
            tally.answers[answer.status].add(answer.content_type, body, not answer.truncated)
        return True

    def __add__(self, other: Observed) -> Observed:
        """The sum; both must be of the same templates."""
        assert self.templates == other.templates
        return Observed(self.templates, _merged(self.tallies, other.tallies))

    @property
    def exchanges(self) -> int:
        return sum(tally.exchanges for tally in self.tallies.values())


def _declarable(status: int) -> bool:
    """True for what an operation should declare: no failure of the server, and nothing that stands in front of it."""
    return 200 <= status < 500 and status not in (405, 408, 413, 414, 417, 421, 425, 426, 429, 431)


_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})(\.[0-9]{1,15})?", re.ASCII)


def _typed(text: str) -> Any:
    """The likeliest reading of a text that stands for a value."""
    found = _NUMBER.fullmatch(text)
    if found is not None and text != "-0":
        return float(text) if found[1] else int(text)
    return text == "true" if text in ("true", "false") else text


def _fields(query: str) -> dict[str, Any]:
    """A query or a form as an object; a name that comes several times has a list."""
    made: dict[str, Any] = {}
    for name, text in parse_qsl(query, keep_blank_values=True, max_num_fields=None):
        value = _typed(text)
        if name not in made:
            made[name] = value
        elif isinstance(made[name], list):
            made[name].append(value)
        else:
            made[name] = [made[name], value]
    return made


# ------------------------------------------------------------------------------------------------------- the fragment

_VERSIONS = {"3.0": "3.0.3", "3.1": "3.1.0", "3.2": "3.2.0"}


def fragment(
    observed: Observed, family: str = "3.1", contract: Contract | None = None, title: str = "Inferred from traffic"
) -> dict[str, Any]:
    """An OpenAPI document of a family that declares what was seen and nothing else; the same traffic satisfies it.

    With a contract its paths start where those of the contract do, and no `operationId` is one of its own.
    """
    bases = Counter(base for op in contract.operations for base in op.base_paths) if contract is not None else Counter()
    main = bases.most_common(1)[0][0] if bases else ""
    taken = {op.operation_id for op in contract.operations if op.operation_id} if contract is not None else set()
    paths: dict[str, Any] = {}
    for key in sorted(observed.tallies, key=lambda key: (key[1], METHODS.index(key[0]))):
        method, template = key
        tally = observed.tallies[key]
        path, servers = _below(template, main, bases)
        name = _operation_id(method, path, tally, taken)
        taken.add(name)
        item = paths.setdefault(path, {"servers": [{"url": servers}]} if servers is not None else {})
        item[method.lower()] = _operation(tally, name, template, family)
    made: dict[str, Any] = {
        "openapi": _VERSIONS[family],
        "info": {
            "title": title,
            "version": "0",
            "description": f"Inferred from {_count(observed.exchanges, 'exchange')}; what never showed is not in it.",
        },
    }
    if main:
        made["servers"] = [{"url": main}]
    return {**made, "paths": paths}


def _below(template: str, main: str, bases: Collection[str]) -> tuple[str, str | None]:
    """The template below its base path, and that base where it is not the main one."""
    for base in [main, *sorted(bases, key=len, reverse=True), ""]:
        if template.startswith(f"{base}/"):
            return template[len(base) :], None if base == main else base or "/"
    return template, None


def _operation(tally: Tally, name: str, template: str, family: str) -> dict[str, Any]:
    said = [f"{count} answered {status}" for status, count in sorted(tally.statuses.items())]
    made: dict[str, Any] = {
        "operationId": name,
        "description": f"Seen in {_count(tally.exchanges, 'exchange')}: {', '.join(said)}.",
    }
    parameters = [
        {"name": each, "in": "path", "required": True, "schema": _text_schema(tally.values[each].root, family)}
        for each in re.findall(r"\{([^{}]*)\}", template)
    ]
    parameters += _query(tally.query.root, family)
    if parameters:
        made["parameters"] = parameters
    content = tally.sent.content(family)
    if content:
        made["requestBody"] = {"content": content}
        if not tally.sent.bare:
            made["requestBody"] = {"required": True, **made["requestBody"]}
    responses: dict[str, Any] = {}
    for status, bodies in sorted(tally.answers.items()):
        response: dict[str, Any] = {"description": _phrase(status)}
        content = bodies.content(family)
        if content:
            response["content"] = content
        responses[str(status)] = response
    made["responses"] = responses or {"default": {"description": "No answer that the operation should declare."}}
    return made


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return f"Status {status}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' * (number != 1)}"


def _query(place: Place, family: str) -> list[dict[str, Any]]:
    """Parameter Objects of the query: required if they were never left out in `ENOUGH` requests."""
    made = []
    named = dict(place.children)
    for name in list(named):
        if f"{name}[]" in named:  # to a server they are one, and to the judge
            both = Place(named[name].quiet)
            both.absorb(named[name])
            both.absorb(named.pop(f"{name}[]"))
            both.item()
            named[name] = both
    for name in sorted(named):
        child = named[name]
        entry: dict[str, Any] = {"name": name, "in": "query"}
        if child.total == place.objects >= ENOUGH:
            entry["required"] = True
        else:
            entry["description"] = f"Sent in {child.total:,} of {_count(place.objects, 'request')}."
        made.append({**entry, "schema": _text_schema(child, family)})
    if place.rest is not None:
        made.append(
            {
                "name": "others",
                "in": "query",
                "description": "Names that stand for one of many.",
                "style": "form",
                "explode": True,
                "schema": {"type": "object", "additionalProperties": True},
            }
        )
    return made


def _text_schema(place: Place, family: str) -> dict[str, Any]:
    """A Schema Object for values that went over the wire as text: what is not all of one type is a string."""
    if place.items is not None:
        return {"type": "array", "items": _text_schema(_item(place), family)}
    kinds = {kind for kind, count in place.kinds.items() if count and kind != "array"}
    if kinds == {"integer"} or kinds == {"boolean"} or (kinds and kinds <= {"integer", "number"}):
        return schema_of(place, family)
    if kinds == {"string"} and (enum_of(place) or "" not in place.formats):
        return schema_of(place, family)
    return {"type": "string"}


def _item(place: Place) -> Place:
    """All single values of a place whose values are lists as well."""
    made = Place(place.quiet)
    if place.items is not None:
        made.absorb(place.items)
    one = Place(place.quiet)
    one.absorb(place)
    one.items = None
    for code in [code for code in one.counts if 64 <= code < 128]:
        del one.counts[code]
    made.absorb(one)
    return made


def _fields_schema(place: Place, family: str) -> dict[str, Any]:
    """The Schema Object of a form."""
    made: dict[str, Any] = {"type": "object"}
    if place.children:
        made["properties"] = {name: _text_schema(child, family) for name, child in sorted(place.children.items())}
    required = sorted(name for name, child in place.children.items() if child.total == place.objects)
    if required:
        made["required"] = required
    if place.rest is not None:
        made["additionalProperties"] = True
    return made


_VERBS = {"GET": "get", "PUT": "replace", "POST": "create", "DELETE": "delete", "PATCH": "update"}


def _operation_id(method: str, path: str, tally: Tally, taken: Collection[str]) -> str:
    """`listProjectTasks`, `getProjectTask`: the verb, then the collections that lead there; unlike all others."""
    parts = [part for part in path.split("/") if part and PREFIX.fullmatch(part) is None]
    words: list[str] = []
    for part, following in zip(parts, [*parts[1:], ""], strict=False):
        if not part.startswith("{"):
            pieces = [piece for piece in re.split(r"[^A-Za-z0-9]+", unquote(part)) if piece]
            if pieces and following.startswith("{"):
                pieces[-1] = singular(pieces[-1])
            words += [piece[:1].upper() + piece[1:] for piece in pieces]
    verb = _VERBS[method]
    last = parts[-1] if parts else ""
    if method == "GET" and not last.startswith("{") and _lists(tally):
        verb = "list"
    elif method == "POST" and last.startswith("{"):
        verb = "post"
    elif method == "POST" and _is_plural(last) and words:
        words[-1] = singular(words[-1])
    base = verb + ("".join(words) or "Root")
    name, number = base, 2
    while name in taken:
        name, number = f"{base}{number}", number + 1
    return name


def _lists(tally: Tally) -> bool:
    """True if the answers are lists, or have one in them beside its figures."""
    for status, bodies in tally.answers.items():
        for shape in bodies.shapes.values() if status == 200 else ():
            root = shape.root
            inner = [root, *(root.children.get(name) for name in ("items", "data", "results", "content", "values"))]
            if any(place is not None and place.kinds["array"] for place in inner):
                return True
    return False
