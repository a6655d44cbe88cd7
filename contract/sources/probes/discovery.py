"""Operations that are served and in no document, where there is no list of routes: looked for by safe requests only.

Asked with GET are: the bases of the declared paths and the document's own place, parents of declared paths with ids that
are known to exist, one thing of each declared list, declared paths under a neighbouring version, conventional places
(metrics, health, version, documentation), places that answers link to, and the other number of a declared name. A guess proves nothing by itself:
an answer counts if it is a success and differs from what the same server says, right beside it, for names that cannot
exist. So a fallback that takes every path gives nothing, a login page that every path leads to neither, and 401, 403,
404, 405 and 501 are no route. `HEAD` and `OPTIONS` are never sent: frameworks answer them for paths that nobody wrote.

Files (scripts, styles, images, pages that a file server sends) are not operations, and neither are FastAPI's document
and its viewers: the route list of an ASGI application leaves out the same.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from itertools import islice
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

from contract.core.evidence import Complaint, Exchange, Headers, Progress, Request, Response, Traffic, header, is_json
from contract.core.finding import fold
from contract.core.known import Known
from contract.core.openapi import Contract, Operation
from contract.core.routing import template
from contract.core.target import Target, TimeUp

SOURCE = "discovery"
KIND = "undeclared-operation"
MAX_REQUESTS = 150
MAX_TIME_S = 30.0

_TIMEOUT_S = 5.0
"""Of one request: what answers later (a profiler, a stream) is not worth the wait."""
_SILENT = 3
"""After so many requests in a row without an answer the server is taken to be gone."""
_NOBODYS = ("zq7-no-such-path", "nosuchplacezq8")
"""Names that no server has; two, so that it shows whether the answers to them are alike."""
_NO_VERSION = "97"
_COMPARED = 256 * 1024
"""Bytes of a body that are compared and read for links."""

_VIEWERS = (
    "docs redoc openapi.json openapi.yaml swagger.json swagger.yaml swagger/ swagger/index.html swagger/doc.json "
    "swagger-ui/ swagger-ui.html swagger-ui/index.html api-docs apidocs/ apidocs/index.html spec.json apispec_1.json "
    "v3/api-docs v2/api-docs schema/ api/docs api/doc.json"
)
_OPERATED = (
    "metrics health healthz healthcheck ready readyz livez live heartbeat status version info ping stats "
    "-/healthy -/ready health/live health/ready __version__ __heartbeat__ debug/pprof/ debug/vars "
    "actuator actuator/health q/health config admin/ graphql console api .well-known/openid-configuration"
)
# favicon.ico, robots.txt and sitemap.xml are for browsers and crawlers, and no part of an API.
_BELOW = (
    "docs redoc openapi.json openapi.yaml swagger.json swagger/ spec.json health healthz healthcheck ready status "
    "version info ping metrics heartbeat stats config"
)

_RESERVED = 30
"""Requests that guesses leave to what is linked."""
_PARENTS, _ITEMS, _VERSIONS, _LINKS, _NUMBERS = 25, 12, 30, 40, 8
"""How many requests each way of looking may cost, those that prove included."""
_BESIDE = 3
"""How many linked places of one parent are followed: slugs of one route look like routes of their own."""
_LEVELS = 2
_SEGMENT = re.compile(r"[\w@:-][\w.@:-]{0,63}")
"""What a thing is called that may stand in a path as it is."""

_VERSION = re.compile(r"v(\d{1,2})", re.IGNORECASE)
_FILES = re.compile(
    r"\.(css|js|mjs|map|png|jpe?g|gif|svg|ico|webp|avif|woff2?|ttf|eot|otf|wasm|mp[34]|webm|pdf|zip|gz|txt)$", re.I
)
_FILE_TYPES = re.compile(r"(image|font|audio|video)/|text/css|(text|application)/(x-)?javascript|application/wasm")
_LISTING = re.compile(rb"<title>\s*(Index of|Directory listing)", re.IGNORECASE)
_HARMFUL = re.compile(
    r"(log|sign)[-_]?(out|off)|delete|remove|destroy|shut[-_]?down|quit\w*|abort|exit|kill|stop|restart|reboot|reload|reset|"
    r"purge|flush|unsubscribe|(heap|thread)[-_]?dump",
    re.IGNORECASE,
)
"""Names of places that are never asked: servers act there on GET, against RFC 9110, 9.2.1, or hold the request."""
_ADDRESS = re.compile(r"(.*[_-])?(href|url|uri|link|self|next|prev|previous|first|last)|\w+(Url|Uri|Href|Link)")
_INDEXES = frozenset({"links", "_links", "paths", "routes", "endpoints", "urls", "resources"})
_FASTAPI_S = b"fastapi.tiangolo.com/img/favicon"
"""The icon that FastAPI's own viewers have, and nobody else's pages."""


def probe(
    contract: Contract,
    seen: Mapping[str, Exchange],
    target: Target,
    *,
    max_requests: int = MAX_REQUESTS,
    max_time_s: float | None = MAX_TIME_S,
    now: Callable[[], float] = time.monotonic,
) -> Iterator[Exchange | Complaint | Progress]:
    """Exchanges, and a complaint for each route that answers and that no path of the document covers.

    `seen` has for each operation an exchange that was a success: ids that exist, and answers that link. A complaint's
    operation is `GET` and the path as it goes over the wire, ids as parameters; its exchanges are what a name that
    nobody serves was answered, and the answer. The last Progress has the phase "end"; its warnings say whether time ran
    out. The same answers lead to the same requests in the same order.
    """
    deadline = None if max_time_s is None else now() + max_time_s
    search = _Search(contract, seen, target, max_requests, deadline, now)
    try:
        for place in search.places():
            found = search.look(place)
            yield from search.fresh()
            if found is not None:
                yield found
            yield Progress(len(search.asked), max_requests, place.path, "discovery")
    except _Spent as spent:
        yield from search.fresh()
        reason = _late(max_time_s, len(search.asked)) if spent.late else None
        yield Progress(len(search.asked), len(search.asked), "", "end", [reason] if reason else [])
        return
    yield Progress(len(search.asked), len(search.asked), "", "end")


def _late(limit_s: float | None, asked: int) -> str:
    at = f" of {limit_s:.3g} s" if limit_s is not None else ""
    return f"discovery: stopped at its deadline{at}, after {asked} requests"


class _Spent(Exception):
    """No request is left, or no time (`late`), or nobody answers any more."""

    def __init__(self, late: bool = False) -> None:
        super().__init__()
        self.late = late


@dataclass(frozen=True, slots=True)
class _Place:
    """A place to ask, and why."""

    url: str
    template: str
    """The path as a finding names it: ids as parameters."""
    how: str
    headers: Headers = ()
    beyond: str | None = None
    """The same under a version that cannot exist."""
    level: int = 0
    """How many links led here."""

    @property
    def path(self) -> str:
        return self.url.partition("?")[0]


@dataclass
class _Search:
    contract: Contract
    seen: Mapping[str, Exchange]
    target: Target
    left: int
    deadline: float | None
    now: Callable[[], float]
    asked: dict[str, Exchange] = field(default_factory=dict)
    _yielded: int = 0
    _silent: int = 0
    _looked: set[str] = field(default_factory=set)
    _found: set[str] = field(default_factory=set)
    _kinds: set[tuple[str, ...]] = field(default_factory=set)
    _framework: set[str] = field(default_factory=set)
    _pages: list[tuple[Exchange, int]] = field(default_factory=list)
    """Answers that may link, and how many links led to each."""

    # --- asking -------------------------------------------------------------------------------------------------------

    def fresh(self) -> list[Exchange]:
        """The exchanges since it was asked last."""
        found = list(self.asked.values())[self._yielded :]
        self._yielded += len(found)
        return found

    def _ask(self, url: str, headers: Headers = ()) -> Exchange:
        known = self.asked.get(url)
        if known is not None:
            return known
        limit_s = _TIMEOUT_S
        if self.deadline is not None:
            limit_s = min(limit_s, self.deadline - self.now())
            if limit_s <= 0:
                raise _Spent(late=True)
        if self.left <= 0 or self._silent >= _SILENT:
            raise _Spent
        self.left -= 1
        request = Request("GET", url, headers)
        try:
            found = self.target.send(request, source=SOURCE, traffic=Traffic.SYNTHETIC, timeout_s=limit_s)
        except TimeUp:
            raise _Spent(late=True) from None
        self._silent = self._silent + 1 if found.response is None else 0
        self.asked[url] = found
        return found

    def look(self, place: _Place, turned: bool = False) -> Complaint | None:
        """A complaint if a route answers there that no path of the document covers."""
        path = place.path
        if path in self._looked or _harmful(path) or self._declared(path):
            return None
        self._looked.add(path)
        if _shape(place.template) in self._found:
            return None
        answer = self._ask(place.url, place.headers)
        response = answer.response
        if response is None:
            return None
        if response.status in (301, 302, 303, 307, 308):
            return self._redirect(place, answer, turned)
        if not _success(response):
            return None
        if _is_file(path, response):
            return None
        controls = self._controls(place)
        if not _differs(place, response, controls):
            return None
        self._pages.append((answer, place.level))
        if self._is_framework_s(answer):
            return None
        kind = _kind(place, response)
        if kind is not None:
            if kind in self._kinds:
                return None  # another value of the same parameter
            self._kinds.add(kind)
        return self._complaint(place, answer, controls)

    def _redirect(self, place: _Place, answer: Exchange, turned: bool) -> Complaint | None:
        there = self._leads_to(answer)
        if there is None:
            return None
        bare = there.partition("?")[0]
        if _canonical(bare) == _canonical(place.path):
            # The framework's own, for a slash or a letter; what it leads to is asked in its stead.
            if turned or bare == place.path:
                return None
            spelled = place.template.rstrip("/") + ("/" if bare.endswith("/") else "")
            return self.look(replace(place, url=there, template=spelled), turned=True)
        controls = self._controls(place)
        for control, name in controls:
            if control.response is None or control.response.status >= 500 or control.response.status == 429:
                return None
            other = (self._leads_to(control) or "").partition("?")[0]
            if bare in (other, other.replace(name, _last(place.path))):
                return None  # every path is led to one place, or moved below another
        arrived = self._ask(there, place.headers).response
        if arrived is None or not _success(arrived):
            return None
        self._pages.append((answer, place.level))
        return self._complaint(place, answer, controls)

    def _controls(self, place: _Place) -> list[tuple[Exchange, str]]:
        """What is answered beside a place for names that nobody serves, each with that name."""
        path, mark, query = place.url.partition("?")
        parent, _, last = path.rstrip("/").rpartition("/")
        slash = "/" if path.endswith("/") and last else ""
        extension = PurePosixPath(last).suffix if not last.startswith(".") else ""
        urls = [(f"{parent}/{name}{extension}{slash}", name) for name in _NOBODYS]
        if slash:
            # A tree of pages answers everything below it alike.
            urls.append((path + _NOBODYS[0], _NOBODYS[0]))
        if place.beyond is not None:
            urls.append((place.beyond.partition("?")[0], f"v{_NO_VERSION}"))
        return [(self._ask(url + mark + query, place.headers), name) for url, name in urls if not self._declared(url)]

    def _complaint(self, place: _Place, answer: Exchange, controls: list[tuple[Exchange, str]]) -> Complaint | None:
        response = answer.response
        assert response is not None
        shape = _shape(place.template)
        if not controls or shape in self._found:
            return None
        self._found.add(shape)
        control = controls[0][0]
        said = str(control.response.status) if control.response is not None else "nothing"
        if control.response is not None and control.response.status == response.status:
            said = "something else"
        media = f" ({response.media_type})" if response.media_type else ""
        key = f"GET {place.template}"
        message = (
            f"{key} is answered with {response.status}{media}, and the document does not declare it: {place.how}. "
            f"What nobody serves there, {control.request.path}, is answered with {said}."
        )
        return Complaint(KIND, key, (control, answer), message, source=SOURCE)

    def _declared(self, path: str) -> bool:
        forms = (path, path.rstrip("/") or "/", path if path.endswith("/") else f"{path}/")
        if any(self.contract.match("GET", form) is not None for form in dict.fromkeys(forms)):
            return True
        # A parameter that takes slashes may be empty as well.
        below = self.contract.match("GET", f"{path}{'/'.join(_NOBODYS)}") if path.endswith("/") else None
        return below is not None and below.operation is not None and bool(below.operation.spans)

    def _is_framework_s(self, answer: Exchange) -> bool:
        """True for FastAPI's viewers and for the document that these show: what its `setup` adds."""
        assert answer.response is not None
        body = answer.response.body
        if _FASTAPI_S in body:
            self._framework |= {urlsplit(url).path for url in map(self._resolved(answer), _named(answer)) if url}
            return True
        if answer.request.path in self._framework:
            return True
        return is_json(answer.response.media_type) and b'"openapi"' in body and b"HTTPValidationError" in body

    # --- where to look ------------------------------------------------------------------------------------------------

    def places(self) -> Iterator[_Place]:
        """Every place, the likeliest first; which come later depends on what the earlier ones were answered."""
        yield from self._bases()
        yield from self._within(_PARENTS, self._parents())
        yield from self._within(_ITEMS, self._items())
        yield from self._within(_VERSIONS, self._versions())
        reserved = min(_RESERVED, self.left // 5)
        for place in self._conventional():
            if self.left <= reserved:
                break
            yield place
        self._pages += [(exchange, 0) for exchange in self.seen.values()]
        yield from self._within(_LINKS, self._linked())
        yield from self._within(_NUMBERS, self._numbers())

    def _within(self, limit: int, places: Iterable[_Place]) -> Iterator[_Place]:
        floor = self.left - limit
        for place in places:
            if self.left <= floor:
                return
            yield place

    def _prefixes(self) -> list[str]:
        """Base paths, and what looks like one in all templates; without the empty one."""
        bases = [base for operation in self.contract.operations for base in operation.base_paths]
        bases.append(self.contract.prefix.rstrip("/"))
        return [base for base in dict.fromkeys(bases) if base and "{" not in base][:3]

    def _bases(self) -> Iterator[_Place]:
        yield _Place("/", "/", "it is the server's root")
        for base in self._prefixes():
            parts = base.split("/")
            for depth in range(len(parts), 1, -1):
                above = "/".join(parts[:depth])
                yield _Place(f"{above}/", f"{above}/", "it is where the declared paths lie")
                yield _Place(above, above, "it is where the declared paths lie")
        named = PurePosixPath(urlsplit(self.contract.document.path).path).name
        if re.fullmatch(r"[\w.-]+\.(json|ya?ml)", named):
            for base in ("", *self._prefixes()):
                yield _Place(f"{base}/{named}", f"{base}/{named}", "it is the name of the document")

    def _conventional(self) -> Iterator[_Place]:
        how = "it is a conventional place"
        for name in f"{_VIEWERS} {_OPERATED}".split():
            yield _Place(f"/{name}", f"/{name}", how)
        for base in self._prefixes():
            for name in _BELOW.split():
                yield _Place(f"{base}/{name}", f"{base}/{name}", how)

    def _known(self) -> dict[str, tuple[str, Headers]]:
        """By folded template each beginning of a path that a success had, as it was sent, with the request's headers."""
        found: dict[str, tuple[str, Headers]] = {}
        # Who deleted it knows that it is gone; who reads it, that it is there.
        ranked = sorted(self.seen.items(), key=lambda item: not item[0].startswith("GET "))
        for key, exchange in ranked:
            operation = self.contract.by_key.get(key)
            if operation is None or operation.method == "DELETE":
                continue
            asked = exchange.request.path.split("/")
            for base in operation.base_paths:
                declared = (base + operation.path).split("/")
                if len(declared) != len(asked) or "" in asked[1:-1]:
                    continue
                for depth in range(2, len(declared) + 1):
                    shape = fold("/".join(declared[:depth]))
                    found.setdefault(shape, ("/".join(asked[:depth]), _own_headers(exchange)))
        return found

    def _filled(self, path: str, known: Mapping[str, tuple[str, Headers]]) -> tuple[str, Headers] | None:
        if "{" not in path:
            return path, known.get(path, ("", ()))[1]
        return known.get(fold(path))

    def _declared_paths(self) -> Iterator[tuple[Operation, str]]:
        for operation in self.contract.operations:
            for base in operation.base_paths:
                if "{" not in base:
                    yield operation, base + operation.path

    def _parents(self) -> Iterator[_Place]:
        known = self._known()
        told: set[str] = set()
        for _, path in self._declared_paths():
            parts = path.rstrip("/").split("/")
            for depth in range(len(parts) - 1, 1, -1):
                above = "/".join(parts[:depth])
                filled = self._filled(above, known)
                if fold(above) in told or filled is None:
                    continue
                told.add(fold(above))
                yield _Place(filled[0], above, f"{path} lies below it", filled[1])

    def _readable(self) -> Iterator[tuple[str, str, Headers]]:
        """URL, template and headers of each declared GET that was a success, those without parameters first.

        What never was one has a reason: its neighbour would have it too, and nobody may be meant to ask either.
        """
        known = self._known()
        rows = [
            (path, operation)
            for operation, path in self._declared_paths()
            if operation.method == "GET" and operation.key in self.seen
        ]
        for path, operation in sorted(rows, key=lambda row: "{" in row[0]):
            filled = self._filled(path, known)
            if filled is None:
                continue
            seen = self.seen[operation.key].request
            query = seen.query if seen.path == filled[0] else ""
            yield filled[0] + (f"?{query}" if query else ""), path, filled[1]

    def _items(self) -> Iterator[_Place]:
        """The first thing of each list that was answered, where no path is declared for one."""
        for operation, path in self._declared_paths():
            seen, last = self.seen.get(operation.key), path.rstrip("/").rpartition("/")[2]
            if operation.method != "GET" or seen is None or "{" in last or not last:
                continue
            known = Known()
            known.learn(operation, seen)
            first = next((each for each in known.called(last) if _SEGMENT.fullmatch(str(each))), None)
            if first is not None:
                there, template = seen.request.path.rstrip("/"), path.rstrip("/")
                yield _Place(f"{there}/{first}", f"{template}/{{id}}", f"{path} lists it", _own_headers(seen))

    def _versions(self) -> Iterator[_Place]:
        """Declared paths under the versions beside theirs; where the first few of one are not served, the next one."""
        rows: dict[int, list[tuple[str, str, Headers, int]]] = {}
        for url, path, headers in self._readable():
            for at, part in enumerate(path.split("/")):
                if found := _VERSION.fullmatch(part):
                    rows.setdefault(int(found[1]), []).append((url, path, headers, at))
                    break
        for number, places in rows.items():
            for other in dict.fromkeys((number - 1, number + 1, 1, 2, 3)):
                if other < 0 or other == number:
                    continue
                before = len(self._found)
                for count, (url, path, headers, at) in enumerate(places):
                    if count == 4 and len(self._found) == before:
                        break
                    there, spelled, beyond = (
                        _at(url, at, other),
                        _at(path, at, other),
                        _at(url, at, int(_NO_VERSION)),
                    )
                    yield _Place(there, spelled, f"it is {path} under another version", headers, beyond)

    def _numbers(self) -> Iterator[_Place]:
        for url, path, headers in self._readable():
            head, _, last = path.rpartition("/")
            other = _other_number(last)
            if other is not None and "{" not in path and "?" not in url:
                yield _Place(f"{head}/{other}", f"{head}/{other}", f"its name is that of {path}", headers)

    def _linked(self) -> Iterator[_Place]:
        """Places that answers link to; an answer that is found on the way is read for links in its turn."""
        beside: dict[str, int] = {}
        at = 0
        while at < len(self._pages):
            exchange, level = self._pages[at]
            at += 1
            if level >= _LEVELS or "/debug/" in exchange.request.path:
                continue
            for place in islice(self._links(exchange, level + 1), _LINKS):
                parent = place.path.rstrip("/").rpartition("/")[0]
                if place.path in self._looked or _harmful(place.path) or self._declared(place.path):
                    continue
                if place.level and beside.get(parent, 0) >= _BESIDE and parent:
                    continue
                beside[parent] = beside.get(parent, 0) + 1
                yield place

    def _links(self, exchange: Exchange, level: int) -> Iterator[_Place]:
        resolved = self._resolved(exchange)
        told: set[str] = set()
        headers = _own_headers(exchange)
        for path, base in self._listed(exchange):
            full = base + path
            if "{" not in full and full not in told:
                told.add(full)
                yield _Place(full, full, f"the document at {exchange.request.path} lists it", headers, level=level)
        for text in _named(exchange):
            url = resolved(text)
            there = url.partition("?")[0] if url is not None else ""
            if url is None or there in told or _FILES.search(there):
                continue
            told.add(there)
            yield _Place(url, template(there), f"{exchange.request.path} links to it", headers, level=level)

    def _listed(self, exchange: Exchange) -> Iterator[tuple[str, str]]:
        """Path and base path of each GET in a description that the server shows: it may know more than the document."""
        value = _json(exchange)
        if not isinstance(value, dict) or not ("openapi" in value or "swagger" in value):
            return
        servers, base = value.get("servers"), value.get("basePath")
        if isinstance(servers, list) and servers and isinstance(servers[0], dict):
            base = urlsplit(str(servers[0].get("url", ""))).path
        text = base.rstrip("/") if isinstance(base, str) and base.startswith("/") else ""
        paths = value.get("paths")
        for path, item in paths.items() if isinstance(paths, dict) else ():
            if isinstance(item, dict) and "get" in item and path.startswith("/"):
                yield path, text

    # --- links --------------------------------------------------------------------------------------------------------

    def _leads_to(self, exchange: Exchange) -> str | None:
        """Path and query that a redirect leads to on this server; None if it leads nowhere, or away."""
        location = header(exchange.response.headers, "location") if exchange.response is not None else None
        if location is None or exchange.response is None or not 300 <= exchange.response.status < 400:
            return None
        return self._resolved(exchange)(location)

    def _resolved(self, exchange: Exchange) -> Callable[[str], str | None]:
        """What makes path and query of a link in an answer; None for one that leads away or is no address."""
        hosts = {urlsplit(self.target.origin).netloc.lower(), (header(exchange.request.headers, "host") or "").lower()}
        here = self.target.origin + exchange.request.url

        def resolve(text: str) -> str | None:
            try:
                parts = urlsplit(urljoin(here, text.strip()))
            except ValueError:
                return None
            if parts.scheme not in ("http", "https") or parts.netloc.lower() not in hosts:
                return None
            url = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            plain = unquote(url)
            if (
                len(url) > 300
                or not plain.isprintable()
                or re.search(r"[\s{}<>$*\\|^`\"]", plain)
                or "//" in parts.path
            ):
                return None
            return url

        return resolve


def _named(exchange: Exchange) -> Iterator[str]:
    """Every address that an answer names: in its headers, in JSON under names of addresses, in HTML."""
    response = exchange.response
    if response is None:
        return
    yield from re.findall(r"<([^<>]*)>", header(response.headers, "link") or "")
    for name in ("location", "content-location"):
        if (there := header(response.headers, name)) is not None:
            yield there
    if response.media_type in ("text/html", "application/xhtml+xml"):
        page = _Page()
        page.feed(response.body[:_COMPARED].decode("utf-8", "replace"))
        yield from page.found
        if b"SwaggerUIBundle" in response.body:
            yield "oauth2-redirect.html"  # where the viewer has itself called back, unless it is told otherwise
    elif (body := _json(exchange)) is not None and not (
        isinstance(body, dict) and ("openapi" in body or "swagger" in body)
    ):
        yield from _addresses(body, "", 0)


def _json(exchange: Exchange) -> Any:
    response = exchange.response
    if response is None or not is_json(response.media_type) or len(response.body) > 16 * _COMPARED:
        return None
    try:
        return response.json
    except ValueError:
        return None


def _addresses(value: Any, name: str, depth: int) -> Iterator[str]:
    if isinstance(value, str):
        address = _ADDRESS.fullmatch(name) is not None or name in _INDEXES or (not name and depth == 1)
        if (address and value.startswith(("/", "http://", "https://"))) or value.startswith(("http://", "https://")):
            yield value
    elif depth > 8:
        return
    elif isinstance(value, dict):
        for key, each in value.items():
            # Below an index every name is a link's own.
            yield from _addresses(each, name if name in _INDEXES and isinstance(each, str) else str(key), depth + 1)
    elif isinstance(value, list):
        for each in value[:20]:
            yield from _addresses(each, name, depth + 1)


class _Page(HTMLParser):
    """The addresses that a page leads to: links, frames, forms that are sent with GET, and what its own scripts name."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value for name, value in attrs if value}
        self._script = tag == "script"
        if tag in ("a", "area", "link") and "href" in values:
            self.found.append(values["href"])
        elif tag in ("iframe", "frame", "embed") and "src" in values:
            self.found.append(values["src"])
        elif tag == "form" and values.get("method", "get").lower() == "get" and "action" in values:
            self.found.append(values["action"])
        self.found += [values[name] for name in ("spec-url", "data-url", "apidescriptionurl") if name in values]

    def handle_endtag(self, tag: str) -> None:
        self._script = False

    def handle_data(self, data: str) -> None:
        if self._script:
            # Viewers name the document, and pages of their own, in a script.
            self.found += re.findall(r"[\"'](/[\w./-]+|[\w./-]+\.(?:json|ya?ml|html))[\"']", data)[:20]


def _differs(place: _Place, response: Response, controls: list[tuple[Exchange, str]]) -> bool:
    """True if the answer is not what the server says for names that nobody serves."""
    last = _last(place.path)
    successes: list[tuple[Response, str]] = []
    for control, name in controls:
        other = control.response
        if other is None or other.status == 429 or (other.status >= 500 and other.status != 501):
            return False  # a server in trouble says nothing
        if name == f"v{_NO_VERSION}" and _success(other):
            return False  # the version is a parameter of one route
        if _alike(response, other, name, last):
            return False
        if _success(other):
            successes.append((other, name))
    if len(successes) > 1:
        (one, first), (another, second) = successes[:2]
        if not _alike(one, another, second, first):
            # Every answer is another one: only its kind can tell.
            return all(other.media_type != response.media_type for other, _ in successes)
    return True


def _alike(one: Response, other: Response, name: str, last: str) -> bool:
    """The same status, media type and body, with the one name in place of the other."""
    if one.status != other.status or one.media_type != other.media_type:
        return False
    if one.body == other.body:
        return True
    return _normal(one.body) == _normal(other.body.replace(name.encode(), last.encode("utf-8", "replace")))


def _normal(body: bytes) -> bytes:
    """A body without case, numbers, digests and times: what differs from one answer to the next."""
    return re.sub(rb"[0-9a-f]{8}[0-9a-f-]*|\d+", b"0", body[:_COMPARED].lower())


def _kind(place: _Place, response: Response) -> tuple[str, ...] | None:
    """What is the same for places of one route that differ in a value only; None for what was not linked, or is no object."""
    if not place.level or not is_json(response.media_type):
        return None
    try:
        value = response.json
    except ValueError:
        return None
    parent = fold(place.template).rstrip("/").rpartition("/")[0]
    return (parent, *sorted(value)) if isinstance(value, dict) and len(value) > 1 and parent else None


def _is_file(path: str, response: Response) -> bool:
    """True for what a file server sends: assets by name or type, listings, and pages with a file's headers."""
    if _FILES.search(path) or _FILE_TYPES.match(response.media_type or ""):
        return True
    if response.media_type != "text/html":
        return False
    ranges = header(response.headers, "accept-ranges") == "bytes"
    return _LISTING.search(response.body) is not None or (
        ranges and header(response.headers, "last-modified") is not None
    )


def _success(response: Response) -> bool:
    return 200 <= response.status < 300


def _harmful(path: str) -> bool:
    return any(_HARMFUL.fullmatch(part) for part in path.split("/"))


def _last(path: str) -> str:
    last = path.rstrip("/").rpartition("/")[2]
    return last if last.startswith(".") else last.removesuffix(PurePosixPath(last).suffix)


def _canonical(path: str) -> str:
    """A path without what frameworks redirect for: slashes at the end or doubled, case, the index of a folder."""
    plain = re.sub(r"/{2,}", "/", unquote(path)).lower()
    return re.sub(r"/(index\.html?)?$", "", plain)


def _shape(path: str) -> str:
    return fold(path).rstrip("/") or "/"


def _at(url: str, index: int, number: int) -> str:
    path, mark, query = url.partition("?")
    parts = path.split("/")
    parts[index] = f"{parts[index][0]}{number}"
    return "/".join(parts) + mark + query


def _other_number(name: str) -> str | None:
    """The plural of a singular and the reverse, for the words that English makes regularly.

    >>> [_other_number(name) for name in ("alerts", "policies", "silence", "status", "v1", "a.json")]
    ['alert', 'policy', 'silences', None, None, None]
    """
    if not re.fullmatch(r"[a-z][a-z_-]{2,}", name) or name.endswith(("ss", "us", "is", "ics")):
        return None
    if name.endswith("ies"):
        return name[:-3] + "y"
    if name.endswith(("ses", "xes", "ches", "shes")):
        return name[:-2]
    if name.endswith("s"):
        return name[:-1]
    return name[:-1] + "ies" if re.search(r"[^aeiou]y$", name) else name + "s"


_KEPT_OUT = ("host", "content-length", "content-type", "transfer-encoding", "connection", "cookie", "authorization")


def _own_headers(exchange: Exchange) -> Headers:
    """The headers of a success that a neighbour may need; credentials are the target's, and a fuzzer's marks its own."""
    return tuple(
        (name, value)
        for name, value in exchange.request.headers
        if name.lower() not in _KEPT_OUT and not name.lower().startswith("x-schemathesis")
    )
