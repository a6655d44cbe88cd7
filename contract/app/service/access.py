"""Who may do what: tokens, scopes, the limit of requests; and what every answer carries, its request id included."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import ipaddress
import logging
import re
import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from contract.app.service.config import ServiceConfig
from contract.app.service.problems import Problem, answer, methods
from contract.stores.store import Project, Store, Token

log = logging.getLogger("contract.service")

SCOPES = ("read", "write", "admin")
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
CHALLENGE = {"WWW-Authenticate": 'Bearer realm="contract"'}
LINGER_S = 2.0
"""For so long a connection that ends is still read from."""
_SANE = re.compile(rb"[A-Za-z0-9._-]{1,64}")


def now() -> datetime:
    return datetime.now(UTC)


# --- the limit of requests --------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


@dataclass
class Limiter:
    """A bucket for each token or address, in memory: `burst` requests at once, filled up again at `rate` a minute."""

    rate: int
    burst: int
    clock: Callable[[], float] = time.monotonic
    _buckets: OrderedDict[str, _Bucket] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _KEPT = 10_000

    def take(self, name: str, policy: str = "token") -> tuple[bool, dict[str, str], int]:
        """Whether one more request may pass, what the answer says of it, and the seconds until the next one may."""
        with self._lock:
            at = self.clock()
            bucket = self._buckets.setdefault(name, _Bucket(self.burst, at))
            self._buckets.move_to_end(name)
            while len(self._buckets) > self._KEPT:
                self._buckets.popitem(last=False)
            bucket.tokens = min(self.burst, bucket.tokens + (at - bucket.at) * self.rate / 60)
            bucket.at = at
            passes = bucket.tokens >= 1
            bucket.tokens -= passes
            left = bucket.tokens
        full = _ceil((self.burst - left) * 60 / self.rate)
        window = max(1, _ceil(self.burst * 60 / self.rate))
        headers = {
            "RateLimit": f'"{policy}";r={int(left)};t={full}',
            "RateLimit-Policy": f'"{policy}";q={self.burst};w={window}',
        }
        return passes, headers, max(1, _ceil((1 - left) * 60 / self.rate))


def _ceil(value: float) -> int:
    return int(-(-value // 1))


# --- callers ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Caller:
    """Whose request it is, and what it is about."""

    token: Token
    project: Project | None
    store: Store
    config: ServiceConfig

    @property
    def who(self) -> str:
        """As it is written beside what was done."""
        return self.token.label or f"token {self.token.public_id}"

    def of(self) -> Project:
        """The project of the path."""
        assert self.project is not None
        return self.project


def enter(request: Request, scope: str, parameters: Collection[str] = ()) -> Caller:
    """The caller of an operation on the project of the path, if there is one in it.

    401 without a token that holds, 429 beyond the limit (of the token, or of a stranger's address), 404 for a project
    that is none of the token's, 403 for a scope that is too small, 404 for a project that is not there, 400 for
    parameters that nobody reads: in this order, so that strangers learn nothing.
    """
    store: Store = request.app.state.store
    token = token_of(request, store)
    if token is None:
        stranger(request)
        raise Problem(401, "send a token that holds: `Authorization: Bearer ctr_…`", headers=CHALLENGE)
    passes, headers, wait_s = request.app.state.limiter.take(token.public_id)
    request.scope.setdefault("contract.headers", {}).update(headers)
    if not passes:
        raise Problem(429, "too many requests with this token", headers={"Retry-After": str(wait_s)})
    name = request.path_params.get("project")
    if name is not None and token.project is not None and token.project != name:
        raise hidden(name)
    if SCOPES.index(token.scope) < SCOPES.index(scope):
        raise Problem(403, f"this needs a token with the scope `{scope}`, and yours has `{token.scope}`")
    project = store.project(name) if name is not None and NAME.fullmatch(name) else None
    if name is not None and project is None:
        raise hidden(name)
    only(request, parameters)
    return Caller(token, project, store, request.app.state.config)


def stranger(request: Request) -> None:
    """Counts a request without a token that holds; 429 beyond the limit of its address."""
    passes, headers, wait_s = request.app.state.limiter.take(_source(request), "address")
    if not passes:
        request.scope.setdefault("contract.headers", {}).update(headers)
        said = "too many requests without a token that holds from this address"
        raise Problem(429, said, headers={"Retry-After": str(wait_s)})


def _source(request: Request) -> str:
    """Whose request without a token it is: an address, of IPv6 the network of 64 bits, which one host has to itself."""
    host = request.client.host if request.client is not None else ""
    try:
        parsed = ipaddress.ip_address(host)
    except ValueError:
        return "address "
    if isinstance(parsed, ipaddress.IPv6Address):
        mapped = parsed.ipv4_mapped
        return f"address {mapped or ipaddress.ip_network((int(parsed) >> 64 << 64, 64))}"
    return f"address {parsed}"


def token_of(request: Request, store: Store) -> Token | None:
    """The token that the request carries (RFC 6750, 2.1), or in a browser its cookie, if it holds."""
    given = request.headers.get("authorization")
    if given is None:
        secret = _signed_in(request)
        return store.check_token(secret, now()) if secret is not None else None
    scheme, _, secret = given.partition(" ")
    return store.check_token(secret.strip(), now()) if scheme.lower() == "bearer" else None


COOKIE = "contract_session"
SIGNED_IN_S = 12 * 3600


def session(secret: str, at: datetime) -> str:
    """The value of the cookie of a token: until when, the token, and the signature, which only its owner can make.

    So there is no key to keep, a session ends with its token, and a copy of the database opens no door.
    """
    until = int(at.timestamp()) + SIGNED_IN_S
    return f"{until}.{secret}.{_signature(secret, until)}"


def _signature(secret: str, until: int) -> str:
    return hmac.new(secret.encode(), f"{COOKIE}.{until}".encode(), hashlib.sha256).hexdigest()


def _signed_in(request: Request) -> str | None:
    """The token of a cookie that is signed and not too old; none for what another site makes a browser send."""
    match = re.fullmatch(
        r"([0-9]{1,12})\.(ctr_[0-9a-f]+_[0-9a-f]{64})\.([0-9a-f]{64})", request.cookies.get(COOKIE, "")
    )
    if match is None or int(match[1]) <= now().timestamp():
        return None
    if not hmac.compare_digest(_signature(match[2], int(match[1])), match[3]):
        return None
    return match[2] if request.method in ("GET", "HEAD") or same_site(request) else None


def same_site(request: Request) -> bool:
    """Whether a page of this service sent the request: SameSite keeps cookies back, and this does where it is unknown."""
    if (site := request.headers.get("sec-fetch-site")) is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")


def hidden(name: str) -> Problem:
    """The same for a project that is not there and for one that the token may not see."""
    return Problem(404, "no project of that name that this token may see")


def everywhere(caller: Caller) -> None:
    """403 for a token of one project where all are meant."""
    if caller.token.project is not None:
        raise Problem(403, "this needs a token that belongs to no project")


# --- parameters -------------------------------------------------------------------------------------------------------


def only(request: Request, known: Collection[str]) -> None:
    """400 for a query parameter that is unknown, comes twice, or is no UTF-8: a misspelt filter would show everything."""
    seen: set[str] = set()
    for pair in request.scope["query_string"].split(b"&"):
        if not pair:
            continue
        raw, _, value = pair.partition(b"=")
        try:
            name = unquote_to_bytes(raw.replace(b"+", b" ")).decode()
            unquote_to_bytes(value).decode()
        except UnicodeDecodeError:
            raise Problem(400, "the query is not UTF-8") from None
        if name not in known:
            from contract.app.keys import nearest

            guess = nearest(name, sorted(known))
            said = f"; did you mean `{guess}`?" if guess else f"; known: {', '.join(sorted(known)) or 'none'}"
            raise Problem(400, f"unknown query parameter `{name[:60]}`{said}")
        if name in seen:
            raise Problem(400, f"query parameter `{name}` is given twice")
        seen.add(name)


def text(request: Request, name: str, longest: int = 200) -> str | None:
    """A query parameter as it is; None if it is not given."""
    value = request.query_params.get(name)
    if value is not None and len(value) > longest:
        raise Problem(400, f"`{name}` is longer than {longest} characters")
    return value


def cursor(request: Request) -> str | None:
    """Where a page begins, as the page before said it."""
    value = request.query_params.get("cursor")
    if value is not None and re.fullmatch(r"[0-9]{1,17}\.[0-9]{1,17}", value, re.ASCII) is None:
        raise Problem(400, "`cursor` is none that a page has given")
    return value


def one_of(request: Request, name: str, known: Collection[str]) -> str | None:
    value = request.query_params.get(name)
    if value is not None and value not in known:
        raise Problem(400, f"`{name}` must be one of: {', '.join(known)}")
    return value


def limit(request: Request) -> int:
    """Rows of a page."""
    value = request.query_params.get("limit")
    if value is None:
        return 50
    number = integer(value)
    if number is None or not 1 <= number <= 200:
        raise Problem(400, "`limit` must be a number from 1 to 200")
    return number


def integer(value: str) -> int | None:
    """An integer as JSON writes it; JSON Schema counts `3.0` as one (2020-12 validation, 6.1.1)."""
    match = re.fullmatch(r"(-?(?:0|[1-9][0-9]{0,18}))(?:\.0{1,20})?", value, re.ASCII)
    return int(match[1]) if match else None


# --- around everything ------------------------------------------------------------------------------------------------

Observer = Callable[[str, str, int, float], None]
"""Is told of each answer: method, route template, status, seconds."""


class Door:
    """Request ids, one line of log for each answer, and the last word on what nobody caught."""

    def __init__(self, app: ASGIApp, observers: Collection[Observer] = ()) -> None:
        self.app = app
        self.observers = observers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        asked = dict(scope["headers"]).get(b"x-request-id", b"")
        request_id = asked if _SANE.fullmatch(asked) else uuid.uuid4().hex.encode()
        scope["contract.request_id"] = request_id.decode()
        headers: dict[str, str] = scope.setdefault("contract.headers", {})
        began, status = time.perf_counter(), 0

        async def stamped(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                said = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", request_id), *said]
            await send(message)

        path, method = scope["path"], scope["method"]
        receive, send = _lingering(receive, send)
        try:
            # An encoded slash is part of a name, never the end of one; servers decode it before routing.
            if b"%2f" in scope.get("raw_path", b"").lower():
                await answer(Problem(404, "no such resource"), path)(scope, receive, stamped)
            elif scope["method"] == "HEAD" and "HEAD" in methods(scope["app"], path):
                scope = {**scope, "method": "GET"}
                await self.app(scope, receive, _headless(stamped))
            else:
                await self.app(scope, receive, stamped)
        except Exception:
            log.exception("request %s: not caught", request_id.decode())
            if status:
                raise
            bug = Problem(500, f"the log tells more of the request {request_id.decode()}; please report it")
            await answer(bug, path)(scope, receive, stamped)
        finally:
            took = time.perf_counter() - began
            template = template_of(scope)
            log.info("%s %s %s %d ms request %s", method, template, status, round(took * 1000), request_id.decode())
            for observer in self.observers:
                observer(method, template, status, took)


def _lingering(receive: Receive, send: Send) -> tuple[Receive, Send]:
    """An answer that ends the connection is finished when the body of the request was read too, or after `LINGER_S`.

    A connection that is closed with something unread is reset, and a client that still sends may lose the answer
    (RFC 9112, 9.6). What is read here is thrown away.
    """
    reading, closing = True, False

    async def received() -> Message:
        nonlocal reading
        message = await receive()
        reading = message["type"] == "http.request" and message.get("more_body", False)
        return message

    async def sent(message: Message) -> None:
        nonlocal closing
        if message["type"] == "http.response.start":
            closing = (b"connection", b"close") in message.get("headers", ())
        elif closing and reading and not message.get("more_body", False):
            await send({**message, "more_body": True})
            with suppress(TimeoutError):
                async with asyncio.timeout(LINGER_S):
                    while reading:
                        await received()
            message = {"type": "http.response.body", "body": b"", "more_body": False}
        await send(message)

    return received, sent


def _headless(send: Send) -> Send:
    """Sends the header section of the answer to a GET, `Content-Length` included, and none of its body (RFC 9110, 9.3.2)."""

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return sent


def template_of(scope: Mapping[str, Any]) -> str:
    """The route's template, never the path itself: names of projects are no labels."""
    return getattr(scope.get("route"), "path", None) or "(no route)"
