"""Each operation called once: values that keep the document, and a server on loopback that holds the request against it."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from threading import Thread
from typing import Any, Self

from contract.core import message, parameters, sample, styles
from contract.core.check import Judge
from contract.core.document import resolve
from contract.core.evidence import Exchange, Request, Response, is_json
from contract.core.finding import fold
from contract.core.openapi import Contract, Operation, Parameter
from contract.generators._python.plan import Entry

_CALL = "X-Contract-Call"
_CANDIDATES = 6
_ROUNDS = 16
_NO_BODY = frozenset({204, 205, 304})
_FRAMING = frozenset({"connection", "content-length", "transfer-encoding"})
"""Fields that say where the answer ends: the server's own, whatever the document has as their example."""


@dataclass
class Answering:
    """What the server knows of one call."""

    entry: Entry
    response: Response
    given: Mapping[str, Any]
    """Values by label: `query:limit`."""


def asked(contract: Contract, entry: Entry) -> tuple[dict[str, Any], Answering] | str:
    """What the client is told to call, and what the server has to know; or why it cannot be called."""
    operation = contract.by_key[entry.key]
    judge = Judge(contract, lambda _, level: level)
    chosen = _chosen(judge, operation, entry)
    if isinstance(chosen, str):
        return chosen
    given, request = chosen
    key, response = _response(operation, entry)
    if response is None:
        return f"no answer can be made that keeps what is declared for {key}"
    question: dict[str, Any] = {
        "module": entry.module,
        "function": entry.function,
        "arguments": {
            each.name: given[each.parameter.label] for each in entry.arguments if each.parameter.label in given
        },
        "success": key[:1] in "23"
        or (key == "default" and not any(each[:1] in "23" for each in entry.answers if each != "default")),
    }
    if "body" in given or (request.body and entry.bodies):
        index = 0
        question["body_index"] = index
        question["media_type"] = request.media_type if "*" in entry.bodies[index].media else entry.bodies[index].media
        if "body" in given:
            question["body"] = {"value": given["body"]}
        else:
            question["body"] = {"base64": base64.b64encode(request.body or b"").decode()}
    if (
        is_json(response.media_type)
        and response.status not in _NO_BODY
        and operation.method != "HEAD"
        and response.body
    ):
        question["answer"] = json.loads(response.body)
    return question, Answering(entry, response, {name: value for name, value in given.items() if name != "body"})


def _chosen(judge: Judge, operation: Operation, entry: Entry) -> tuple[dict[str, Any], Request] | str:
    """Values for all parameters, as far as there are any that the judge takes, and the request as we would send it."""
    listed: dict[str, list[Any]] = {}
    for each in entry.arguments:
        found = list(_values(operation, each.parameter))
        if found:
            listed[each.parameter.label] = found
        elif each.required:
            return f"no value is found that keeps {each.parameter.label}"
    body: list[Any] = []
    media = None
    if entry.bodies and operation.request_body is not None and operation.request_body.content:
        media = entry.bodies[0].media
        declared = next((each for each in operation.request_body.content if each.range == media), None)
        kind = media.partition(";")[0]
        shaped = is_json(kind) or kind == "application/x-www-form-urlencoded" or kind.startswith("multipart/")
        if declared is not None and declared.schema is not None and shaped:
            hints = message.examples(operation, declared.pointer)
            for full in (True, False):
                body += islice(
                    sample.values(operation.schemas, declared.schema, "request", full=full, hints=hints), _CANDIDATES
                )
            body = [value for value in body if is_json(kind) or (isinstance(value, Mapping) and value)]
            if not body:
                body = list(islice(_of_one(operation, declared.schema), _CANDIDATES))
            if not body and not is_json(kind):
                body = [{"text": "sample"}]  # a form of which nothing is said
        elif declared is not None and is_json(kind):
            body = [{}]
    turns = dict.fromkeys([*listed, "body"], 0)
    known = {each.parameter.label for each in entry.arguments}
    reason = "no request is found that keeps the document"
    for _ in range(_ROUNDS):
        given = {label: values[turns[label]] for label, values in listed.items()}
        if body:
            given["body"] = body[turns["body"]]
        without = [each.label for each in operation.parameters if each.label not in given]
        request = message.request(operation, given=given, without=without, media=media)
        if request is None:
            break
        broken = judge.breaks(Exchange(request, None, "client")) or []
        broken = [(place, why) for place, why in broken if not place.startswith("path:") or place in known]
        broken += [(f"query:{name}", "undeclared") for name in _undeclared(operation, request)]
        if not broken:
            return given, request
        place, reason = broken[0]
        label = place.partition("/")[0].rstrip(":") if place.startswith("body") else place
        if label == "body" and turns["body"] + 1 < len(body):
            turns["body"] += 1
        elif label in listed and turns[label] + 1 < len(listed[label]):
            turns[label] += 1
        elif label in listed and not next(each.required for each in entry.arguments if each.parameter.label == label):
            del listed[label]
        else:
            reason = f"{place}: {reason}"
            break
    required = [each.parameter.label for each in entry.arguments if each.required]
    given = {label: values[0] for label, values in listed.items() if label in required}
    without = [each.label for each in operation.parameters if each.label not in given]
    for value in [*body[::-1], sample.MISSING]:
        more = {} if value is sample.MISSING else {"body": value}
        request = message.request(operation, given={**given, **more}, without=without, media=media)
        if request is not None and not judge.breaks(Exchange(request, None, "client")):
            return {**given, **more}, request
    return f"no request can be made that keeps the document: {reason}"


def _of_one(operation: Operation, pointer: str) -> Iterator[Any]:
    """Values of a `oneOf` of which one schema takes nearly all that another takes: what breaks the narrower one only."""
    schemas = operation.schemas
    node = resolve(schemas.value, pointer)
    branches = node.get("oneOf") if isinstance(node, Mapping) else None
    for index in range(len(branches) if isinstance(branches, list) else 0):
        for each in sample.broken(schemas, f"{pointer}/oneOf/{index}", "request"):
            if schemas.accepts(pointer, "request", each.value):
                yield each.value


def _values(operation: Operation, parameter: Parameter) -> Iterator[Any]:
    """Values that the style can say, and that are read as what they were."""
    if parameter.schema is None:
        yield {} if is_json(parameter.content) else parameter.name
        return
    hints = message.examples(operation, parameter.pointer)
    found = sample.values(operation.schemas, parameter.schema, "request", full=True, hints=hints, name=parameter.name)
    for value in islice(found, _CANDIDATES):
        if value in ("", [], {}, None) or message.write(parameter, value) is None:
            continue
        if parameter.location == "path" and str(value) in (".", ".."):
            continue
        if parameter.location in ("header", "cookie") and not _is_plain(value, parameter.location):
            continue
        yield value


def _is_plain(value: Any, location: str) -> bool:
    texts = [value] if isinstance(value, str) else []
    if isinstance(value, Mapping):
        texts = [text for pair in value.items() for text in pair if isinstance(text, str)]
    elif isinstance(value, list):
        texts = [text for text in value if isinstance(text, str)]
    bad = set(',;"\\ ') if location == "cookie" else {","} if not isinstance(value, str) else set()
    return all(
        text and text.isascii() and text.isprintable() and text == text.strip() and not set(text) & bad
        for text in texts
    )


def _response(operation: Operation, entry: Entry) -> tuple[str, Response | None]:
    keys = sorted(operation.responses, key=lambda key: (key[:1] not in "23", key == "default", key))
    for key in keys:
        for full in (True, False):
            for media in [*entry.answers.get(key, {}), None]:
                found = message.response(operation, key, media, full=full)
                if found is not None:
                    return key, found
        free = next((each for each, kind in entry.answers.get(key, {}).items() if kind in ("str", "bytes")), None)
        status = int(key) if key.isdecimal() else 200
        if free is not None and status not in _NO_BODY:
            kind = free if "*" not in free else "application/octet-stream"
            return key, Response(status, (("Content-Type", kind),), b"data: text\n\n")
        if key[:1] in "23":
            return key, None
    if not operation.responses:
        return "default", Response(200, (("Content-Type", "text/plain"),), b"text")
    return keys[0], None


@dataclass
class Loopback:
    """A server on 127.0.0.1 that answers what it was told, and keeps what is wrong with the requests, by operation."""

    contract: Contract
    answers: Mapping[str, Answering]
    faults: dict[str, str] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)

    def __enter__(self) -> Self:
        self._judge = Judge(self.contract, lambda _, level: level)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def take(self, key: str, request: Request) -> Response:
        answering = self.answers[key]
        self.seen.add(key)
        reason = self.wrong(answering, request)
        if reason is not None:
            self.faults.setdefault(key, reason)
        return answering.response

    def wrong(self, answering: Answering, request: Request) -> str | None:
        """What is wrong with a request of the client; None if nothing is."""
        entry = answering.entry
        match = self.contract.match(request.method, request.path)
        if match is None or match.operation is None:
            return f"its request matches no operation: {request.method} {request.path[:100]}"
        operation = self.contract.by_key[entry.key]
        theirs, mine = (re.split("[?#]", each.path)[0] for each in (match.operation, operation))
        if match.operation.method != operation.method or fold(theirs) != fold(mine):
            return f"its request is one of {match.operation.key}"
        exchange = Exchange(request, None, "client")
        known = {each.parameter.label for each in entry.arguments}
        values = match.path_parameters
        if theirs != mine:  # two templates that no request can tell apart: the names are those of the other one
            names = dict(zip(_names(theirs), _names(mine), strict=True))
            values = {names.get(name, name): value for name, value in values.items()}
        for place, error in parameters.errors(operation, exchange, values):
            if place.startswith("path:") and place not in known:
                continue  # declared, and the path has no place for it
            return f"its request breaks the document at {place}: {error.message}"
        unknown = _undeclared(operation, request)
        if unknown:
            return f"its request has an undeclared query parameter: {unknown[0]}"
        for each in entry.arguments:
            parameter = each.parameter
            if parameter.label not in answering.given or parameter.schema is None:
                continue
            value = styles.carried(operation, parameter, request, values)
            if value is styles.MISSING:
                return f"its request does not carry {parameter.label}"
            meant = answering.given[parameter.label]
            read = list(styles.readings(operation, parameter, value, "request"))
            if read and not any(_same(meant, found) for found in read):
                return f"its request says something else at {parameter.label} than was given"
        return self._credentials(entry, request)

    def _credentials(self, entry: Entry, request: Request) -> str | None:
        for names in entry.security[:1]:
            for name in names:
                node = entry.operation.security_scheme(name)
                kind, place, at = str(node.get("type")), str(node.get("in")), str(node.get("name"))
                headers = {key.lower(): value for key, value in request.headers}
                if kind == "apiKey" and place == "query":
                    sent = any(key == at for key, _ in styles.pairs_of(request.query))
                elif kind == "apiKey" and place == "cookie":
                    sent = any(key == at for key, _ in styles.cookies(request))
                elif kind == "apiKey":
                    sent = at.lower() in headers
                elif kind in ("oauth2", "openIdConnect") or str(node.get("scheme")).lower() in ("basic", "bearer"):
                    sent = "authorization" in headers
                else:
                    continue
                if not sent:
                    return f"its request does not carry the credentials of `{name}`"
        return None


def _undeclared(operation: Operation, request: Request) -> list[str]:
    """What is in the query and neither a parameter nor of the template (`/responses?beta=true`)."""
    fixed = {name for name, _ in styles.pairs_of(operation.path.partition("#")[0].partition("?")[2])}
    return [name for name in parameters.undeclared_query(operation, request) if name not in fixed]


def _names(template: str) -> list[str]:
    return re.findall(r"\{([^{}]*)\}", template)


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(_same(a, b) for a, b in zip(one, other, strict=True))
    # What a text means may be written in several ways: an instant, a number.
    return bool(one == other) or str(one).lower() == str(other).lower() or _instant(one) == _instant(other) is not None


def _instant(value: Any) -> Any:
    from datetime import datetime

    try:
        return datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _handler(loopback: Loopback) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def __getattr__(self, name: str) -> Any:
            if name.startswith("do_"):
                return self._answer
            raise AttributeError(name)

        def _answer(self) -> None:
            body = self._body()
            try:
                key = base64.b64decode(self.headers.get(_CALL, ""), validate=True).decode()
            except (binascii.Error, UnicodeDecodeError):
                key = ""
            if key not in loopback.answers:
                self.send_error(404)
                return
            request = Request(self.command, self.path, tuple(self.headers.items()), body or None)
            response = loopback.take(key, request)
            self.send_response(response.status)
            for name, value in response.headers:
                if name.lower() not in _FRAMING:
                    self.send_header(name, value)
            bare = response.status in _NO_BODY
            if not bare or response.status == 205:  # which has to say that nothing follows (RFC 9110, 15.3.6)
                self.send_header("Content-Length", "0" if bare else str(len(response.body)))
            self.end_headers()
            if not bare and self.command != "HEAD":
                self.wfile.write(response.body)

        def _body(self) -> bytes:
            if "chunked" not in self.headers.get("Transfer-Encoding", "").lower():
                return self.rfile.read(int(self.headers.get("Content-Length") or 0))
            parts = []
            while size := int(self.rfile.readline().partition(b";")[0], 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)

        def log_message(self, format: str, *args: Any) -> None:
            """Says nothing: what arrives is in the proof."""

    return Handler
