"""Which declared operations are implemented: route spellings of any framework, joined with templates of the document."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import product
from urllib.parse import unquote

from contract.core import redact
from contract.core.evidence import Route
from contract.core.finding import fold
from contract.core.report import Ratio

ANY = "ANY"
"""The method of a route that takes every method."""

Declared = tuple[str, str, str]
"""Method, template with its base path, and the operation's key: `("GET", "/api/v1/tasks/{id}", "GET /tasks/{id}")`."""


# Spellings -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Template:
    """A spelling read: an OpenAPI template, and what OpenAPI cannot say of its parameters."""

    path: str
    spans: frozenset[str] = frozenset()
    """Names of the parameters that take several segments."""
    constraints: tuple[tuple[str, str], ...] = ()
    """Name and regular expression of the parameters that take only some values."""


@dataclass(frozen=True, slots=True)
class _Parameter:
    name: str
    spans: bool = False
    constraint: str | None = None
    optional: bool = False


@dataclass(frozen=True, slots=True)
class _Group:
    """What may be left out: `(/x)` of Rails, `{/:id}` of Express."""

    pieces: tuple[_Piece, ...]


_Piece = str | _Parameter | _Group

_TYPES = {
    "int": "-?[0-9]+",
    "integer": "-?[0-9]+",
    "number": "[0-9]+",
    "float": r"-?[0-9]+(\.[0-9]+)?",
    "uuid": "[0-9a-fA-F]{8}-?([0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}",
}
_CONVERTERS = frozenset({*_TYPES, "str", "string", "strorempty", "slug", "path", "any", "re", "regex", "alpha", "ymd"})


@cache
def parse(spelled: str) -> tuple[Template, ...]:
    """What a framework's spelling serves: one template, or several where segments are optional, the longest first.

    Understood are `{id}`, `{id?}`, `{id:int}`, `{id:[0-9]+}`, `{path:path}`, `{path...}`, `{*path}` and `{proxy+}`
    (OpenAPI, Laravel, Starlette, Pyramid, gorilla, chi, ASP.NET, Spring, Go, API Gateway), `<id>`, `<int:id>` and
    `<id:int>` (Flask, Django, Bottle), `:id`, `:id(\\d+)`, `:id?`, `*path` and `*` (gin, Express, Rails), groups in
    `(...)` and `{/...}`, and Django's regular expressions. A trailing slash is kept.

    >>> [template.path for template in parse("app/tenants/{tenant?}")]
    ['/app/tenants/{tenant}', '/app/tenants']
    >>> parse("/files/<path:name>")
    (Template(path='/files/{name}', spans=frozenset({'name'}), constraints=()),)
    """
    text = re.sub(r"^[a-z][a-z0-9+.-]*://[^/]*", "", spelled.strip())
    if text.startswith("^") or "(?P<" in text:
        pieces = _expression(text)
    else:
        pieces = _pieces(text)
    found: dict[str, Template] = {}
    for variant in _variants(pieces):
        template = _template(variant)
        found.setdefault(fold(template.path), template)
    return tuple(sorted(found.values(), key=lambda template: -template.path.count("/") * 1000 - len(template.path)))


def _template(pieces: Sequence[str | _Parameter]) -> Template:
    text = "".join(piece if isinstance(piece, str) else "{" + piece.name + "}" for piece in pieces)
    parameters = [piece for piece in pieces if isinstance(piece, _Parameter)]
    path = re.sub(r"/{2,}", "/", "/" + text)
    return Template(
        path,
        frozenset(parameter.name for parameter in parameters if parameter.spans),
        tuple((parameter.name, parameter.constraint) for parameter in parameters if parameter.constraint is not None),
    )


def _variants(pieces: Sequence[_Piece]) -> list[list[str | _Parameter]]:
    """Every way to leave out what is optional; at most 32, beyond which the rest counts as given."""
    variants: list[list[str | _Parameter]] = [[]]
    for piece in pieces:
        grown: list[list[str | _Parameter]] = []
        for variant in variants:
            if isinstance(piece, _Group):
                grown += [variant + inner for inner in _variants(piece.pieces)]
                without = variant
            elif isinstance(piece, _Parameter) and piece.optional:
                grown.append([*variant, piece])
                # With the parameter goes the slash before it.
                before = variant[-1] if variant else ""
                without = [*variant[:-1], before.rstrip("/")] if isinstance(before, str) else variant
            else:
                grown.append([*variant, piece])
                continue
            if len(variants) + len(grown) < 32:
                grown.append(without)
        variants = grown
    return variants


def _pieces(text: str) -> list[_Piece]:
    pieces: list[_Piece] = []
    literal = ""
    at = 0

    def flush() -> None:
        nonlocal literal
        if literal:
            pieces.append(literal)
            literal = ""

    while at < len(text):
        char = text[at]
        before = text[at - 1] if at else "/"
        if char == "{":
            end = _closing(text, at, "{", "}")
            inner = text[at + 1 : end]
            flush()
            if inner[:1] in ("/", ".", ":") and len(inner) > 1 and not inner.startswith(("...",)):
                pieces.append(_Group(tuple(_pieces(inner))))
            elif inner != "$":  # `{$}` of Go's mux says only that the path ends here
                pieces.append(_braced(inner))
            at = end + 1
        elif char == "<" and ">" in text[at:]:
            end = _closing(text, at, "<", ">")
            flush()
            pieces.append(_angled(text[at + 1 : end]))
            at = end + 1
        elif char == ":" and before in "/-.@~" and (found := re.compile(r"[A-Za-z_]\w*").match(text, at + 1)):
            flush()
            parameter, at = _coloned(found[0], text, found.end())
            pieces.append(parameter)
        elif char == "*" and before == "/":
            found = re.compile(r"\*{1,2}([A-Za-z_]\w*)?").match(text, at)
            assert found is not None
            flush()
            pieces.append(_Parameter(found[1] or "path", spans=True))
            at = found.end()
        elif char == "(":
            end = _closing(text, at, "(", ")")
            inner = text[at + 1 : end]
            flush()
            # Rails adds `(.:format)` to every route; nobody documents it, and nobody should.
            if inner != ".:format":
                pieces.append(_Group(tuple(_pieces(inner))))
            at = end + 1
        else:
            literal += char
            at += 1
    flush()
    return pieces


def _closing(text: str, start: int, opening: str, closing: str) -> int:
    """Index of the bracket that closes the one at `start`; the end of the text if none does."""
    depth = 0
    at = start
    while at < len(text):
        if text[at] == "\\":
            at += 1
        elif text[at] == opening:
            depth += 1
        elif text[at] == closing:
            depth -= 1
            if depth == 0:
                return at
        at += 1
    return len(text)


def _braced(inner: str) -> _Parameter:
    text = inner.strip()
    if text.startswith("*"):
        return _Parameter(_name(text.lstrip("*").partition(":")[0]), spans=True)
    if text.endswith(("...", "+")) and re.fullmatch(r"[\w.-]+?(\.\.\.|\+)", text):
        return _Parameter(_name(text.rstrip(".+")), spans=True)
    found = re.fullmatch(r"([^\s:?=]+)\s*([:?=])?\s*(.*)", text, re.DOTALL)
    if found is None:
        return _Parameter(_name(text))
    name, mark, rest = found.groups()
    optional = mark in ("?", "=")
    if mark == ":" and re.fullmatch(r"\w+\?", rest):
        optional, rest = True, rest[:-1]
    spans, constraint = _constraint(rest) if mark == ":" else (False, None)
    return _Parameter(_name(name), spans, constraint, optional)


def _angled(inner: str) -> _Parameter:
    left, mark, right = inner.rpartition(":")
    if not mark:
        return _Parameter(_name(inner))
    kind, name = left, right
    if left.partition("(")[0] not in _CONVERTERS and (
        right in _CONVERTERS or not re.fullmatch(r"[A-Za-z_]\w*", right) or ":" in left
    ):
        # Bottle and Sanic put the name first: `<id:int>`, `<name:re:[a-z]+>`.
        name, _, kind = inner.partition(":")
        kind = kind.removeprefix("re:")
    called = re.fullmatch(r"(\w+)\((.*)\)", kind, re.DOTALL)
    if called is not None and called[1] == "any":
        return _Parameter(_name(name), constraint="|".join(re.escape(_bare(part)) for part in called[2].split(",")))
    if called is not None and called[1] in ("re", "regex"):
        kind = _bare(called[2])
    elif called is not None:
        kind = called[1]
    spans, constraint = _constraint(kind)
    return _Parameter(_name(name), spans, constraint)


def _coloned(name: str, text: str, at: int) -> tuple[_Parameter, int]:
    constraint: str | None = None
    spans = optional = False
    # `:id(.:format)` and `:id(/:tab)` of Rails are groups, `:id(\\d+)` of Express is a constraint.
    if text[at : at + 1] == "(" and not text[at + 1 :].startswith(("/", ".:", ":")):
        end = _closing(text, at, "(", ")")
        spans, constraint = _constraint(text[at + 1 : end])
        at = end + 1
    suffix = text[at : at + 1]
    if suffix in ("?", "*", "+") and suffix:
        spans, optional, at = spans or suffix in "*+", suffix in "?*", at + 1
    return _Parameter(_name(name), spans, constraint, optional), at


def _constraint(text: str) -> tuple[bool, str | None]:
    """Whether such a parameter takes several segments, and the expression that its values keep to, if any."""
    if text in _TYPES:
        return False, _TYPES[text]
    if text == "path":
        return True, None
    if re.fullmatch(r"\w*", text):
        return False, None  # a converter without meaning here, or the binding field of Laravel's `{post:slug}`
    pattern = _compiled(text)
    if pattern is None:
        return False, None
    # Not the length of the expression decides, but whether a slash gets through: `[^\r\n]*` spans, `[^/]+` does not.
    return any(pattern.fullmatch(probe) for probe in ("a/b", "1/2", "a/b.c")), text


@cache
def _compiled(expression: str) -> re.Pattern[str] | None:
    """None for what is no expression of Python's: then nothing is known, and the constraint lets everything pass."""
    try:
        return re.compile(expression.removeprefix("^").removesuffix("$"))
    except (re.error, OverflowError):
        return None


def _expression(text: str) -> list[_Piece]:
    """A regular expression as Django's `re_path` and its like print it: `^tasks/(?P<id>[0-9]+)/$`."""
    body = re.sub(r"(\$|\\[zZ])$", "", text.removeprefix("^"))
    pieces: list[_Piece] = []
    literal = ""
    unnamed = 0
    at = 0
    while at < len(body):
        if body[at] == "(":
            end = _closing(body, at, "(", ")")
            named = re.match(r"\?P?<(\w+)>", body[at + 1 : end])
            inner = body[at + 1 + (named.end() if named else 0) : end]
            pieces.append(literal)
            literal = ""
            unnamed += not named
            name = named[1] if named else f"arg{unnamed}"
            spans, constraint = _constraint(inner.removeprefix("?:"))
            at = end + 1
            optional = body[at : at + 1] == "?"
            at += optional
            pieces.append(_Parameter(name, spans, constraint, optional))
        elif body[at] == "\\" and at + 1 < len(body):
            literal += body[at + 1]
            at += 2
        elif body[at] == "?" and literal.endswith("/"):
            at += 1  # `/?$`: the slash is optional, and slashes at the end are equal anyway
        else:
            literal += body[at] if body[at] not in "^$" else ""
            at += 1
    pieces.append(literal)
    return [piece for piece in pieces if piece != ""]


def _name(text: str) -> str:
    return re.sub(r"[{}\s/]", "", text) or "path"


def _bare(text: str) -> str:
    return (
        text.strip().removeprefix("r").strip("'\"") if text.strip()[:2] in ("r'", 'r"') else text.strip().strip("'\"")
    )


_KEY = re.compile(
    r"(?:\d+|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[0-9a-fA-F]{12,}|[0-9A-HJKMNP-TV-Z]{26}"
    r"|\d{4}-\d{2}(?:-\d{2}(?:[Tt ][\d:.]+(?:[Zz]|[+-][\d:]+)?)?)?|(?=.*\d{6})[\w.~-]+)(?:\.[a-z][a-z0-9]{1,4})?",
    re.ASCII,
)
_RANDOM = re.compile(r"(?=.*[a-z])(?=.*[A-Z])(?=.*\d[^\d]+\d)[A-Za-z0-9_-]{10,}", re.ASCII)


def is_key(text: str) -> bool:
    """True for what is spelled as one of many: a number, a UUID, a hexadecimal digest, a ULID, a date, a slug with a
    number of six digits or more; each perhaps with the extension of a file.

    >>> [is_key(text) for text in ("17", "2024-01-31", "report-20240131.csv", "oauth2", "v1", "tasks")]
    [True, True, True, False, False, False]
    """
    return _KEY.fullmatch(text) is not None


def is_id(segment: str) -> bool:
    """True if a segment of a path, percent-decoded, is one of many by its spelling, or says who is meant.

    >>> [is_id(text) for text in ("jo@example.com", "dQw4w9WgXcQ", "OAuth2Callback")]
    [True, True, False]
    """
    # Whom a path names is a value too, and not to be shown.
    return is_key(segment) or _RANDOM.fullmatch(segment) is not None or redact.text(segment) != segment


def template(path: str) -> str:
    """The template that a path of traffic likely belongs to.

    >>> template("/projects/17/tasks/0f5c7e1d-6e1b-4b7a-9a55-8b1f0f3f2d11"), template("/v1/tasks")
    ('/projects/{id}/tasks/{id2}', '/v1/tasks')
    """
    parts, count = [], 0
    for part in path.split("/"):
        if is_id(unquote(part)):
            count += 1
            part = "{id}" if count == 1 else f"{{id{count}}}"
        parts.append(part)
    return "/".join(parts)


def is_fallback(method: str, path: str, spans: frozenset[str]) -> bool:
    """True for what catches everything that no other route took: `GET /{path}` over several segments.

    It serves pages, files and redirects, and is no operation that somebody forgot to document.
    """
    found = re.fullmatch(r"/\{([^{}]*)\}/?", path)
    return found is not None and found[1] in spans and method in ("GET", "HEAD", ANY)


def mark(routes: Iterable[Route]) -> list[Route]:
    """The same routes, with `implied` set on HEAD beside GET, on OPTIONS and on fallbacks; what is set stays set."""
    served = list(routes)
    readable = {_shape(route.path) for route in served if _method(route) in ("GET", ANY)}
    return [
        replace(route, implied=True)
        if not route.implied
        and (
            _method(route) == "OPTIONS"
            or (_method(route) == "HEAD" and _shape(route.path) in readable)
            or is_fallback(_method(route), route.path, route.spans)
        )
        else route
        for route in served
    ]


# The join ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Join:
    """Declared operations and implemented routes, side by side."""

    matched: dict[str, list[Route]]
    """Routes by the key of the operation that they implement, in the document's order."""
    undeclared: list[Route]
    """Routes that no operation declares, each method and template once, in the order of the routes."""
    unobserved: list[str]
    """Keys of the operations that no route implements, in the document's order."""
    notes: list[str] = field(default_factory=list)
    """What was assumed to make the two meet; to be shown."""


def join(declared: Iterable[Declared], routes: Iterable[Route]) -> Join:
    """Routes and operations by method and template: names of parameters and a slash at the end do not matter.

    An operation may come with several templates (several servers); one that is served is enough. Routes are absolute;
    where not a single one meets, a prefix that one side lacks is looked for, and told in the notes. What has no route
    of its equal is implemented where a wider one answers it: a catch-all, an enumerated parameter, or a parameter
    route that the document does not declare itself. Such a wider route serves more than is declared and so stays
    undeclared, unless all that it can be is declared, or it is a catch-all, of which nobody can know.

    `OPTIONS`, a `HEAD` beside a `GET`, and routes marked as implied meet operations that declare them and are never
    undeclared. A route for `ANY` method meets every declared method; it is undeclared, once, if it meets none.
    """
    wanted = [(method.upper(), path, key) for method, path, key in declared]
    served = list(routes)
    index: dict[tuple[str, str], list[Route]] = defaultdict(list)
    for route in served:
        index[_method(route), _shape(route.path)].append(route)

    notes: list[str] = []
    equal = {key for method, path, key in wanted if _equal(index, method, path)}
    if wanted and served and not equal:
        shift = _shift(wanted, served)
        if shift is not None:
            wanted = [(method, _moved(path, *shift), key) for method, path, key in wanted]
            notes.append(_shift_note(*shift))

    found: dict[str, list[Route]] = {}
    used: set[int] = set()
    for method, path, key in wanted:
        for route in _equal(index, method, path):
            used.add(id(route))
            routes_of = found.setdefault(key, [])
            if route not in routes_of:
                routes_of.append(route)

    _cover(wanted, served, found, used, notes)

    keys = list(dict.fromkeys(key for _, _, key in wanted))
    return Join(
        matched={key: found[key] for key in keys if key in found},
        undeclared=list(_undeclared(served, index, used)),
        unobserved=[key for key in keys if key not in found],
        notes=notes,
    )


def completeness(join: Join, excluded: Container[str] = frozenset()) -> Ratio:
    """Implemented operations that are documented, of all that are implemented.

    `excluded` holds keys of operations, and `GET /path` of undeclared routes; they count on neither side. What is
    implied counts only where it is documented.
    """
    documented = sum(key not in excluded for key in join.matched)
    undeclared = sum(f"{route.method} {route.path}" not in excluded for route in join.undeclared)
    return Ratio(documented, documented + undeclared)


def _method(route: Route) -> str:
    method = route.method.upper()
    return ANY if method == "*" else method


@cache
def _shape(path: str) -> str:
    """The template with parameter names folded, literals percent-decoded and no slash at the end."""
    segments = [part if "{" in part else unquote(part) for part in fold(path).split("/")]
    return "/".join(segments).rstrip("/") or "/"


def _equal(index: dict[tuple[str, str], list[Route]], method: str, path: str) -> list[Route]:
    shape = _shape(path)
    routes = [*index.get((method, shape), ()), *index.get((ANY, shape), ())]
    # `/tasks` and `/tasks/` may be two routes of which each has its own operation.
    exact = [route for route in routes if route.path.endswith("/") == path.endswith("/")]
    return [*exact, *(route for route in routes if route not in exact)]


def _undeclared(served: list[Route], index: dict[tuple[str, str], list[Route]], used: set[int]) -> Iterator[Route]:
    taken = {(_method(route), _shape(route.path)) for route in served if id(route) in used}
    by_shape: dict[str, set[str]] = defaultdict(set)
    for method, shape in index:
        by_shape[shape].add(method)
    told: set[tuple[str, str]] = set()
    for route in served:
        method, shape = _method(route), _shape(route.path)
        beside = by_shape[shape]
        if (
            route.implied
            or (method, shape) in taken
            or (method, shape) in told
            or method == "OPTIONS"
            or (method == "HEAD" and ("GET" in beside or ANY in beside))
            # Beside named methods, a route for any method only answers what the others leave: mostly with 405.
            or (method == ANY and beside - {ANY, "OPTIONS", "HEAD"})
        ):
            continue
        told.add((method, shape))
        yield route


# Prefixes ------------------------------------------------------------------------------------------------------------


def _shift(wanted: list[Declared], served: list[Route]) -> tuple[str, str] | None:
    """The prefix of the templates and what routes have in its place; None if no one pair explains most of them."""
    by_last: dict[tuple[str, str], set[str]] = defaultdict(set)
    for route in served:
        shape = _shape(route.path)
        by_last[_method(route), shape.rpartition("/")[2]].add(shape)
    votes: Counter[tuple[str, str]] = Counter()
    for method, path, _ in wanted:
        shape = _shape(path)
        last = shape.rpartition("/")[2]
        others = {other for kind in (method, ANY) for other in by_last.get((kind, last), ())}
        votes.update({pair for other in others if (pair := _heads(shape, other)) is not None})
    ranked = sorted(((count, pair) for pair, count in votes.items() if pair[0] != pair[1]), reverse=True)
    if not ranked:
        return None
    best, pair = ranked[0]
    tied = len(ranked) > 1 and ranked[1][0] == best
    everywhere = all(f"{_shape(path)}/".startswith(f"{pair[0]}/") for _, path, _ in wanted)
    return pair if everywhere and not tied and 2 * best >= len(wanted) else None


def _heads(one: str, other: str) -> tuple[str, str] | None:
    """What remains of two shapes without their longest common tail; None if no literal segment is in that tail."""
    first, second = one.rstrip("/").split("/")[1:], other.rstrip("/").split("/")[1:]
    literal = False
    while first and second and first[-1] == second[-1]:
        literal = literal or "{" not in first[-1]
        first.pop()
        second.pop()
    return ("".join(f"/{part}" for part in first), "".join(f"/{part}" for part in second)) if literal else None


def _moved(path: str, old: str, new: str) -> str:
    head = old.count("/")
    return new + "".join(f"/{part}" for part in path.split("/")[1 + head :])


def _shift_note(old: str, new: str) -> str:
    if not old:
        return f"no route met the document's paths as they are; with the prefix {new}, which its servers do not name, they do"
    if not new:
        return f"no route met the document's paths as they are; without their prefix {old}, which no route has, they do"
    return f"no route met the document's paths as they are; with the prefix {new} in place of {old} they do"


# Wider routes --------------------------------------------------------------------------------------------------------


def _cover(
    wanted: list[Declared], served: list[Route], found: dict[str, list[Route]], used: set[int], notes: list[str]
) -> None:
    """Fills `found` for operations that only a wider route answers."""
    templates = {(method, _shape(path)) for method, path, _ in wanted}
    covering: set[int] = set()
    # A fallback and a folder of files answer nearly everything, which says nothing; a HEAD beside a GET is as good as that.
    written = {_shape(route.path) for route in served if not route.implied}
    wide = [(place, route) for place, route in enumerate(served) if _shape(route.path) in written]
    missing = [row for row in wanted if row[2] not in found]
    for method, path, key in missing:
        if key in found:
            continue
        ranked = sorted(
            (
                (rank, place, route)
                for place, route in wide
                if _method(route) in (method, ANY) and (rank := _rank(route, path)) is not None
            ),
            key=lambda entry: entry[:2],
        )
        for _, _, route in ranked[:1]:
            name = f"{_method(route)} {route.path}"
            if id(route) in used and not route.spans and not _enumerates(route):
                notes.append(f"{key} has no route of its own; {name}, which is declared too, would answer it")
                break
            notes.append(f"{key} has no route of its own; {name} answers it")
            found[key] = [route]
            covering.add(id(route))
    for route in served:
        if id(route) in covering and (route.spans or _all_declared(route, templates)):
            used.add(id(route))


def _rank(route: Route, path: str) -> tuple[bool, int] | None:
    """How near a route is that answers every path of a template, the nearest first; None if it does not."""
    own = _segments(route.path)
    theirs = _segments(_shape(path))
    if len(own) != len(theirs) and not route.spans:
        return None
    # Nearly all pairs end here, before a spelling is read.
    for ours, wanted in zip(own, theirs, strict=False):
        if "{" not in ours and unquote(ours) != wanted:
            return None
        if "{" in ours and route.spans:
            break
    constraints = _constraints(route)
    shared = _shared(own, theirs, route.spans, constraints)
    # Without one literal in common, `/{slug}` would stand for every page of the document.
    return (bool(route.spans), -shared) if shared else None


@cache
def _segments(path: str) -> list[str]:
    return path.rstrip("/").split("/")[1:]


def _shared(own: list[str], theirs: list[str], spans: frozenset[str], constraints: dict[str, str]) -> int | None:
    """Number of literal segments that both have, where the first covers the second; else None."""
    if not own or not theirs:
        return 0 if not own and not theirs else None
    names = re.findall(r"\{([^{}]*)\}", own[0])
    if len(names) == 1 and names[0] in spans and fold(own[0]) == "{}":
        best: int | None = None
        for taken in range(1, len(theirs) + 1):
            rest = _shared(own[1:], theirs[taken:], spans, constraints)
            if rest is not None:
                best = max(best or 0, rest)
        return best
    if not _segment_covers(own[0], theirs[0], constraints):
        return None
    rest = _shared(own[1:], theirs[1:], spans, constraints)
    return None if rest is None else rest + (not names)


def _segment_covers(own: str, theirs: str, constraints: dict[str, str]) -> bool:
    literal = "{" not in theirs
    if "{" not in own:
        return literal and unquote(own) == theirs
    if fold(own) == theirs:
        return True
    expression = ""
    for part in re.split(r"(\{[^{}]*\})", own):
        if not part.startswith("{"):
            expression += re.escape(part)
            continue
        constraint = constraints.get(part[1:-1]) if literal else None
        expression += f"(?:{constraint})" if constraint else "[^/]+"
    pattern = _compiled(expression)
    # A parameter in the declared segment stands for some value; one letter is enough to try the shape with.
    return pattern is None or pattern.fullmatch(theirs.replace("{}", "x")) is not None


@cache
def _constraints_of(spelled: str) -> dict[str, str]:
    return dict(pair for template in parse(spelled) for pair in template.constraints)


def _constraints(route: Route) -> dict[str, str]:
    found = _constraints_of(route.spelled) if route.spelled else {}
    return {name: text.removeprefix("^").removesuffix("$") for name, text in found.items() if _compiled(text)}


def _values(route: Route) -> list[list[str]] | None:
    """The values of each parameter where all are enumerated (`csv|json`); None if one is open."""
    constraints = _constraints(route)
    result = []
    for name in re.findall(r"\{([^{}]*)\}", route.path):
        constraint = re.sub(r"^\((\?:)?([^()]*)\)$", r"\2", constraints.get(name, ""))
        if not re.fullmatch(r"[\w-]+(\|[\w-]+)*", constraint):
            return None
        result.append(constraint.split("|"))
    return result


def _enumerates(route: Route) -> bool:
    return bool(_values(route))


def _all_declared(route: Route, templates: set[tuple[str, str]]) -> bool:
    values = _values(route)
    if not values:
        return False
    parts = fold(route.path).split("{}")
    for choice in product(*values):
        path = parts[0] + "".join(value + part for value, part in zip(choice, parts[1:], strict=True))
        if not any((_method(route) in (method, ANY)) and shape == _shape(path) for method, shape in templates):
            return False
    return True
