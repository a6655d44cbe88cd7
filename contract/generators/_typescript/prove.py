"""What is claimed of the client, as TypeScript that must compile, must not, or must call a server rightly.

Each claim is one line of a file that is made for the proof, so that the compiler's errors say which claims hold: of a
valid value that it compiles, of a wrong use that it does not. The calls are then run, against a server on loopback
that holds each request against the document.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote

from contract.core import message, parameters, sample
from contract.core.document import escape, resolve, split, unescape
from contract.core.errors import SourceError
from contract.core.evidence import Exchange, Request, Response, Traffic, header, is_json
from contract.core.finding import fold
from contract.core.openapi import Contract, MediaType, Operation
from contract.core.sample import MISSING
from contract.core.schema import Schemas
from contract.generators._typescript import node, pages
from contract.generators._typescript.emit import (
    Names,
    answer_type,
    bodiless,
    has_required_headers,
    is_optional,
    operation_of,
    quoted,
)
from contract.generators._typescript.plan import READ, SCHEMAS, WRITE, Fault, Plan, kind_of, ordered, sent

_LONGEST = 20_000  # characters of a value
_WRONG = 6  # mutations of a component that are claimed
_MUTATIONS = 40  # that are looked at for them
_ROUNDS = 8  # of finding values that the judge takes
_SAYS = frozenset({"type", "required", "enum", "const", "additionalProperties"})
"""Constraints that a type can say."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One line of a file: whose it is, whether it must compile, and what it shows if it does otherwise."""

    line: str
    pointer: str
    holds: bool
    step: str
    reason: str
    observed: bool = False
    """True where the line holds what was recorded, which the compiler's words would show."""


@dataclass
class Claims:
    """What is claimed of components and operations, and the calls."""

    claims: list[Claim] = field(default_factory=list)
    calls: list[tuple[str, str]] = field(default_factory=list)
    """(operation key, the call as TypeScript)."""
    faults: dict[str, Fault] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def fault(self, pointer: str, step: str, reason: str) -> None:
        self.faults.setdefault(pointer, Fault(step, reason))


Seen = Mapping[str, Sequence[tuple[str, str, Any]]]
"""By key of an operation: status or `request`, and media type, as they are declared; and the body that was observed."""


class Prover:
    """The claims about one client; `only` names those that are looked at, `seen` are bodies that were observed."""

    def __init__(self, plan: Plan, names: Names, only: frozenset[str] | None, seen: Seen | None = None) -> None:
        self.plan = plan
        self.names = names
        self.only = only
        self.seen: Seen = seen or {}
        self.contract = Contract(plan.document)
        self.schemas: Schemas = self.contract.schemas
        self.said = Schemas(replace(plan.document, value=plan.value))
        """What the types are made of: where that says less than the document, no type can say more."""

    def wanted(self, pointer: str) -> bool:
        return self.only is None or pointer in self.only

    def claims(self) -> Claims:
        """All claims, and the calls that are to be run."""
        out = Claims()
        for name in self.plan.components:
            if self.wanted(SCHEMAS + escape(name)):
                out.claims += self.component(name)
        for operation in self.plan.operations:
            if self.wanted(operation.key):
                self.operation(operation, out)
        return out

    # --- components ---

    def component(self, name: str) -> Iterator[Claim]:
        pointer = SCHEMAS + escape(name)
        seen: set[str] = set()
        for direction, view in (("response", READ), ("request", WRITE)):
            type_ = f"models.{self.plan.models[self.plan.model(name, view)]}"
            for value in self.valid(pointer, direction):
                text = literal(value)
                if (key := f"{type_} {text}") in seen or len(text) > _LONGEST:
                    continue
                seen.add(key)
                yield Claim(f"as<{type_}>()({text});", pointer, True, "values", "refuses a valid value")
        type_ = f"models.{self.plan.models[self.plan.model(name, READ)]}"
        for text, reason in self.invalid(pointer):
            yield Claim(f"is<{type_}>({text});", pointer, False, "values", reason)

    def valid(self, pointer: str, direction: str) -> Iterator[Any]:
        for full, salt in ((True, 0), (False, 1)):
            found = sample.value(self.schemas, pointer, direction, salt=salt, full=full)
            if found is not MISSING:
                yield found
        schema = resolve(self.plan.document.value, pointer)
        if isinstance(schema, Mapping):
            examples = schema.get("examples")
            listed = [schema["example"]] if "example" in schema else []
            for value in listed + (examples if isinstance(examples, list) else []):
                if self.schemas.accepts(pointer, direction, value):
                    yield value

    def invalid(self, pointer: str) -> Iterator[tuple[str, str]]:
        """Values that break the schema in one place where types can say so, the kinds of places in turn."""
        whole = sample.value(self.schemas, pointer, "response", full=True)
        if whole is MISSING or len(literal(whole)) > _LONGEST:
            return
        made = SCHEMAS + self.plan.components[unescape(pointer.removeprefix(SCHEMAS))]
        widened = self.is_widened(made)
        kinds: dict[str, int] = {}
        for broken in islice(sample.broken(self.schemas, pointer, "response", whole=whole), _MUTATIONS):
            if broken.keyword not in _SAYS or kinds.get(broken.keyword, 0) >= 2 or not _differs(whole, broken):
                continue
            if widened and self.said.accepts(made, "response", broken.value):
                continue
            kinds[broken.keyword] = kinds.get(broken.keyword, 0) + 1
            place = broken.pointer or "its root"
            named = f" `{broken.name}`" if broken.name else ""
            yield literal(broken.value), f"takes a value that breaks `{broken.keyword}`{named} at {place}"
            if sum(kinds.values()) == _WRONG:
                return

    def is_widened(self, pointer: str) -> bool:
        """True if the type, or one that it leads to, says less than the schema."""
        if not self.plan.widened:
            return False
        schemas = self.plan.value["components"]["schemas"]
        todo: list[Any] = [{"$ref": pointer}]
        seen: set[str] = set()
        while todo:
            each = todo.pop()
            if isinstance(each, list):
                todo += each
            elif isinstance(each, Mapping):
                reference = each.get("$ref")
                if isinstance(reference, str) and reference not in seen:
                    seen.add(reference)
                    name = reference.removeprefix(SCHEMAS)
                    if self.plan.owners.get(name) in self.plan.widened:
                        return True
                    todo.append(schemas.get(name))
                todo += [value for value in each.values() if isinstance(value, (list, Mapping))]
        return False

    # --- operations ---

    def operation(self, operation: Operation, out: Claims) -> None:
        key, name, base = operation.key, self.plan.names[operation.key], self.plan.types[operation.key]
        given = self.arguments(operation)
        if given is None:
            out.fault(key, "call", "no request that keeps the document could be made of the schemas")
            return
        takes = sent(operation) or (operation.request_body is not None and operation.request_body.content)
        call = f"client.{name}({given if takes else ''})"
        out.calls.append((key, call))

        def claim(line: str, holds: bool, reason: str) -> None:
            out.claims.append(Claim(line, key, holds, "typecheck", reason))

        claim(f"void (() => {call});", True, "refuses valid arguments")
        if takes:
            typed = f"operations.{base}Arguments"
            claim(f"is<{typed}>({{ ...({given} as {typed}), undeclared_zq: 17 }});", False, "takes any argument")
            if not is_optional(operation):
                claim(f"void (() => client.{name}());", False, "takes no argument where some are required")
            if has_required_headers(self.plan, operation):
                claim(f"void (() => tenant.{name}());", is_free(operation), "is wrong about the client's headers")
        if operation.responses:
            claim(f"void (async () => (await {call}).status === 999);", False, "gives an answer of any status")
        several = pages.name_of(self.plan, operation)
        if several is not None:
            each = f"for await (const each of client.{several}({given if takes else ''}))"
            claim(f"void (async () => {{ {each} void each.status; }});", True, "refuses valid arguments of its pages")
            claim(f"void (async () => {{ {each} void (each.status === 999); }});", False, "gives pages of any status")
        for status, media, value in self.answers(operation):
            of = f"BodyOf<operations.{base}Result, {status}, {quoted(media)}>"
            if len(text := literal(value)) <= _LONGEST:
                claim(f"as<{of}>()({text});", True, f"refuses a valid body of {status} as {media}")
        for of, value, what in self.observed(operation):
            if len(text := literal(value)) <= _LONGEST:
                line = f"as<{of}>()({text});"
                out.claims.append(Claim(line, key, True, "values", f"refuses an observed value of {what}", True))

    def observed(self, operation: Operation) -> Iterator[tuple[str, Any, str]]:
        """The type that has to hold each body that was observed, the body, and whose it is."""
        base = self.plan.types[operation.key]
        for where, media, value in self.seen.get(operation.key, ()):
            if where == "request":
                yield f"SentAs<operations.{base}Arguments, {quoted(media)}>", value, where
                continue
            status = next((each for each in _STATUSES if _key_of(operation, each) == where), None)
            if status is not None:
                yield f"BodyOf<operations.{base}Result, {status}, {quoted(media)}>", value, where

    def answers(self, operation: Operation) -> Iterator[tuple[int, str, Any]]:
        for key, response in operation.responses.items():
            if bodiless(operation, key, response):
                continue
            for media in response.content:
                if not is_json(media.range) or media.schema is None or "*" in media.range:
                    continue
                if answer_type(self.names, operation, key, media).startswith("models."):
                    continue  # what the component itself is proven by
                answer = message.response(operation, key, media.range, full=True)
                if answer is None:
                    continue
                if _known(answer.status) or key.isdigit():
                    yield answer.status, media.range, json.loads(answer.body)

    def arguments(self, operation: Operation) -> str | None:
        """Arguments as TypeScript whose request keeps the document, all optional ones included that can be."""
        choices: dict[str, Iterator[Any]] = {}
        given: dict[str, Any] = {}
        required = {each.label for each in sent(operation) if each.required}
        for each in sent(operation):
            hints = message.examples(operation, each.pointer) if each.pointer else []
            if each.schema is not None:
                choices[each.label] = sample.values(
                    operation.schemas, each.schema, "request", full=True, hints=hints, name=each.name
                )
            else:
                choices[each.label] = iter([*hints, "sample"])
        body = self.body(operation)
        for label, values in choices.items():
            if (value := next(values, MISSING)) is not MISSING:
                given[label] = value
        for _ in range(_ROUNDS):
            wrong = self.wrong(operation, given, body)
            if not wrong:
                return self.literal_arguments(operation, given, body)
            for label in wrong:
                if (value := next(choices.get(label, iter(())), MISSING)) is not MISSING:
                    given[label] = value
                elif label not in required:
                    given.pop(label, None)
                else:
                    return None
        return None

    def wrong(self, operation: Operation, given: Mapping[str, Any], body: tuple[MediaType, Any] | None) -> set[str]:
        """Labels of the values that are not read back as they were meant."""
        for parameter in sent(operation):
            if parameter.label in given and message.write(parameter, given[parameter.label]) is None:
                return {parameter.label}
            if parameter.label in given and not _carries(parameter.location, given[parameter.label]):
                return {parameter.label}
        extra = {"body": body[1]} if body is not None else {}
        made = message.request(
            operation, given={**given, **extra}, media=body[0].range if body is not None else None, without=()
        )
        if made is None:
            return {"path:"}
        if not _is_of(self.contract, operation, made):
            return {each.label for each in sent(operation) if each.location == "path"} or {"path:"}
        found = _breaks(operation, Exchange(made, None, "proof", Traffic.SYNTHETIC))
        return {place.partition("[")[0] for place, _ in found if not place.startswith("body")}

    def body(self, operation: Operation) -> tuple[MediaType, Any] | None:
        declared = operation.request_body
        if declared is None:
            return None
        for media in sorted(declared.content, key=lambda each: (not is_json(each.range), each.range)):
            if media.schema is None:
                value: Any = {} if is_json(media.range) else "text"
                if message.encode(operation.schemas, media, value, declared.content) is not None:
                    return media, value
                continue
            hints = message.examples(operation, media.pointer)
            for value in sample.values(operation.schemas, media.schema, "request", full=True, hints=hints):
                fits = kind_of(media.range) not in ("form", "multipart") or isinstance(value, Mapping)
                if fits and message.encode(operation.schemas, media, value, declared.content) is not None:
                    return media, value
        return None

    def literal_arguments(
        self, operation: Operation, given: Mapping[str, Any], body: tuple[MediaType, Any] | None
    ) -> str:
        places: dict[str, list[str]] = {}
        for parameter in sent(operation):
            if parameter.label in given:
                text = literal(given[parameter.label])
                if parameter.location == "querystring":
                    places["querystring"] = [text]
                else:
                    places.setdefault(parameter.location, []).append(f"{_key(parameter.name)}: {text}")
        parts = [
            f"{location}: {texts[0] if location == 'querystring' else '{ ' + ', '.join(texts) + ' }'}"
            for location, texts in places.items()
        ]
        if body is not None and operation.request_body is not None:
            media, value = body
            content = ordered(operation.request_body.content)
            encoded = message.encode(operation.schemas, media, value, content)
            if encoded is not None:
                if len(content) > 1 or "*" in media.range:
                    parts.append(f"contentType: {quoted(encoded[0].partition('; boundary=')[0])}")
                parts.append(f"body: {self.literal_body(operation, media, value, encoded[1])}")
        return "{ " + ", ".join(parts) + " }" if parts else "{}"

    def literal_body(self, operation: Operation, media: MediaType, value: Any, encoded: bytes) -> str:
        kind = kind_of(media.range)
        if kind == "multipart":
            found = operation_of(self.plan, operation)["requestBody"]["content"][media.range]["schema"]
            files = self.files(found)
            shown = [f"{_key(name)}: {_file(each) if name in files else literal(each)}" for name, each in value.items()]
            return "{ " + ", ".join(shown) + " }"
        if kind in ("json", "form"):
            return literal(value)
        try:
            return json.dumps(encoded.decode())
        except UnicodeDecodeError:
            return f"new Uint8Array({json.dumps(list(encoded))})"

    def files(self, schema: Any) -> set[str]:
        """Properties that are sent as files."""
        out: set[str] = set()
        todo = [schema]
        for _ in range(64):
            if not todo:
                break
            each = todo.pop()
            if not isinstance(each, Mapping):
                continue
            if isinstance(each.get("$ref"), str):
                todo.append(self.plan.value["components"]["schemas"].get(each["$ref"].removeprefix(SCHEMAS)))
            todo += each.get("allOf", [])
            for name, inner in (each.get("properties") or {}).items():
                inner = inner.get("items", inner) if isinstance(inner, Mapping) else inner
                if isinstance(inner, Mapping) and inner.get("x-blob") is True:
                    out.add(name)
        return out


_STATUSES = (*range(200, 209), *range(400, 420), *range(500, 509), *range(300, 309))
"""In the order in which they stand for a range, or for `default`."""


def _key_of(operation: Operation, status: int) -> str | None:
    declared = operation.response(status)
    return None if declared is None else declared.key


def is_free(operation: Operation) -> bool:
    """True if nothing but headers is required of a call."""
    body = operation.request_body
    required = any(each.required and each.location != "header" for each in sent(operation))
    return not required and not (body is not None and body.required)


def required_headers(plan: Plan) -> list[str]:
    found = {each.name for operation in plan.operations for each in sent(operation) if each.location == "header"}
    return sorted(found)


_HELPERS = """function as<T>(): <const V extends T>(value: V) => void {
  return () => undefined;
}
function is<T>(_: T): void {}
export type BodyOf<R, S, M> = R extends { status: infer T; mediaType: infer N; body: infer B }
  ? S extends T ? (M extends N ? B : never) : never : never;
export type SentAs<A, M> = A extends { contentType?: infer C; body?: infer B }
  ? unknown extends C ? B : M extends C ? B : never : never;"""


def files(plan: Plan, claims: Claims) -> tuple[dict[str, str], dict[str, dict[int, Claim]]]:
    """The files of the proof by name, and by file and line the claim that stands there."""
    head = [
        'import { Client, type models, type operations } from "../client/index.js";',
        *_HELPERS.split("\n"),
        'const client = new Client({ baseUrl: "" });',
    ]
    headers = ", ".join(f'{quoted(name)}: ""' for name in required_headers(plan))
    head.append(f'const tenant = new Client({{ baseUrl: "", headers: {{ {headers} }} }});')
    head.append("void [client, tenant];")
    texts: dict[str, str] = {}
    places: dict[str, dict[int, Claim]] = {}
    for name, holds in (("valid.ts", True), ("wrong.ts", False)):
        lines = list(head)
        places[f"proof/{name}"] = {}
        for claim in claims.claims:
            if claim.holds is holds:
                lines.append(claim.line)
                places[f"proof/{name}"][len(lines)] = claim
        texts[name] = "\n".join(lines) + "\n"
    auth = ", ".join(f'{quoted(name)}: "user:secret"' for name in _scheme_names(plan))
    lines = [*_CALLS.replace("/*auth*/", auth).split("\n")]
    lines += [f"await run({index}, (client) => {call});" for index, (_, call) in enumerate(claims.calls)]
    texts["calls.ts"] = "\n".join([*lines, "done();"]) + "\n"
    return texts, places


def _scheme_names(plan: Plan) -> list[str]:
    return sorted({name for each in plan.operations for option in each.security or () for name in option})


_CALLS = """import { Client } from "../client/index.js";
declare const process: { argv: string[]; stdout: { write(text: string): void } };
const base = process.argv[2] ?? "";
const bases = JSON.parse(process.argv[3] ?? "[]") as string[];
const found: object[] = [];
async function run(index: number, call: (client: Client) => Promise<{ status: number; body: unknown }>): Promise<void> {
  const client = new Client({ baseUrl: `${base}/${index}${bases[index] ?? ""}`, auth: { /*auth*/ }, timeoutMs: 20000 });
  try {
    const { status, body } = await call(client);
    const stream = body instanceof ReadableStream || body instanceof Blob;
    found.push({ index, status, body: stream ? await new Response(body as Blob).text() : body });
  } catch (error) {
    const cause = (error as { cause?: unknown }).cause;
    found.push({ index, error: String(error) + (cause === undefined ? "" : `: ${String(cause)}`) });
  }
}
function done(): void {
  process.stdout.write(JSON.stringify(found));
}"""


# --- running the calls ------------------------------------------------------------------------------------------------


@dataclass
class _Seen:
    request: Request
    answer: Response


class Server:
    """Answers on loopback: what comes under `/7/…` belongs to the seventh call, and gets an answer of its operation."""

    def __init__(self, operations: Sequence[Operation]) -> None:
        self.operations = operations
        self.seen: dict[int, list[_Seen]] = {}
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def __getattr__(self, name: str) -> Callable[[], None]:
                if not name.startswith("do_"):
                    raise AttributeError(name)
                return self.answer

            def answer(self) -> None:
                _, index, rest = self.path.split("/", 2)
                size = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(size) if size or self.headers.get("Content-Length") else None
                headers = tuple((name, value) for name, value in self.headers.items())
                request = Request(self.command, f"/{rest}", headers, body)
                answer = server.answer(int(index))
                server.seen.setdefault(int(index), []).append(_Seen(request, answer))
                self.send_response_only(answer.status)
                for name, value in answer.headers:
                    self.send_header(name, value)
                if answer.status not in (204, 304):
                    self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(answer.body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.thread = threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def answer(self, index: int) -> Response:
        """An answer that the operation declares, a success before others."""
        return answer(self.operations[index])

    def __enter__(self) -> Server:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http.server_address[1]}"


def answer(operation: Operation) -> Response:
    """An answer that the operation declares, a success before others; 200 without a body where there is none."""
    ranked = sorted(operation.responses, key=lambda key: (key[:1] != "2", key == "default", key))
    for key in ranked:
        for full in (True, False):
            made = message.response(operation, key, full=full)
            if made is not None:
                headers = tuple((name, value) for name, value in made.headers if name.lower() not in _FRAMING)
                return Response(made.status, headers, made.body)
    return Response(200)


_FRAMING = frozenset({"content-length", "content-encoding", "transfer-encoding", "connection", "set-cookie"})


def run(plan: Plan, claims: Claims, work: Path) -> dict[str, Fault]:
    """Runs the calls; by operation what is wrong with the request that came, or with what was made of the answer."""
    by_key = {each.key: each for each in plan.operations}
    operations = [by_key[key] for key, _ in claims.calls]
    faults: dict[str, Fault] = {}
    if not operations:
        return faults
    bases = [each.base_paths[0] for each in operations]
    contract = Contract(plan.document)
    program, _ = node.node()
    with Server(operations) as server:
        try:
            printed = node.run(program, [str(work / "proof/calls.js"), server.url, json.dumps(bases)], work)
        except SourceError as error:
            return {each.key: Fault("call", error.message) for each in operations}
        seen = server.seen
    results = {each["index"]: each for each in json.loads(printed)}
    for index, operation in enumerate(operations):
        result = results.get(index, {"error": "the call gave nothing"})
        reason = _judged(contract, operation, seen.get(index, []), result)
        if reason is not None:
            faults[operation.key] = Fault("call", reason)
    return faults


def _judged(contract: Contract, operation: Operation, seen: Sequence[_Seen], result: Mapping[str, Any]) -> str | None:
    if not seen:
        return f"no request was sent: {result.get('error', 'and nothing said why')}"[:300]
    request, reply = seen[0].request, seen[0].answer
    # What `fetch` itself sends where nothing is given (Fetch standard, 4.6) is not said by the client.
    request = replace(request, headers=tuple(each for each in request.headers if (each[0].lower(), each[1]) != _OWN))
    if not _is_of(contract, operation, request):
        return f"{request.method} {request.path} was sent, which is another operation or none"
    wrong = _breaks(operation, Exchange(request, reply, "proof", Traffic.SYNTHETIC))
    if wrong:
        return f"the request breaks the document at {wrong[0][0]}: {wrong[0][1]}"
    known = _credentials(operation) | {name for name, _ in parse_qsl(operation.path.partition("?")[2])}
    undeclared = [name for name in parameters.undeclared_query(operation, request) if name not in known]
    if undeclared:
        return f"the request has `{undeclared[0]}` in its query, which is not declared"
    if "error" in result:
        if operation.response(reply.status) is None and "is not declared" in str(result["error"]):
            return None  # nothing is declared, and that is what it says
        return f"the answer was not read: {result['error']}"[:300]
    if result["status"] != reply.status:
        return f"the answer {reply.status} was read as {result['status']}"
    read = result.get("body")
    declared = operation.response(reply.status)
    if declared is None or bodiless(operation, declared.key, declared):
        return None if read is None else "a body was read where none is declared"
    said: Any = reply.body.decode("utf-8", "replace")
    if is_json((header(reply.headers, "content-type") or "").partition(";")[0]):
        said = json.loads(reply.body)
    return None if read == said else "the body that was read is not the one that was sent"


_OWN = ("accept-language", "*")


def _is_of(contract: Contract, operation: Operation, request: Request) -> bool:
    """True if the request leads to the operation, or to one whose template no request can tell from it."""
    match = contract.match(request.method, request.path)
    wanted = fold(operation.key.partition("?")[0])
    return match is not None and match.operation is not None and fold(match.operation.key.partition("?")[0]) == wanted


def _breaks(operation: Operation, exchange: Exchange) -> list[tuple[str, str]]:
    """What the judge says of the request: places that break the document, each with its reason."""
    return [
        (place, error.message)
        for place, error in parameters.errors(operation, exchange, _path_values(operation, exchange.request))
    ]


def _path_values(operation: Operation, request: Request) -> dict[str, str]:
    template = operation.path.partition("?")[0]
    names = re.findall(r"\{([^{}]*)\}", template)
    pattern = "([^/]+)".join(re.escape(_encoded(text)) for text in re.split(r"\{[^{}]*\}", template))
    for base in operation.base_paths:
        if (found := re.fullmatch(re.escape(_encoded(base)) + pattern, _encoded(request.path))) is not None:
            return {name: unquote(text) for name, text in zip(names, found.groups(), strict=True)}
    return {}


def _encoded(path: str) -> str:
    """A path with its segments written in one way: `"` and `%22` are the same (RFC 3986, 6.2.2.2)."""
    return "/".join(quote(unquote(each), safe="") for each in path.split("/"))


def _credentials(operation: Operation) -> set[str]:
    names = {name for option in operation.security or () for name in option}
    return {str(operation.security_scheme(name).get("name")) for name in names}


# --- values as TypeScript ---------------------------------------------------------------------------------------------


def literal(value: Any) -> str:
    """The value as an expression on one line."""
    if isinstance(value, Mapping):
        return (
            "{ " + ", ".join(f"{_key(name)}: {literal(each)}" for name, each in value.items()) + " }" if value else "{}"
        )
    if isinstance(value, list):
        return "[" + ", ".join(literal(each) for each in value) + "]"
    return quoted(value) if isinstance(value, str) else json.dumps(value)


def _key(name: str) -> str:
    return '["__proto__"]' if name == "__proto__" else quoted(name)


def _file(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(_file(each) for each in value) + "]"
    return f"new Blob([{quoted(value if isinstance(value, str) else json.dumps(value))}])"


def _differs(whole: Any, broken: sample.Broken) -> bool:
    """False where the type says the same of both: a number for a number, text for text."""
    if broken.keyword != "type":
        return True
    before, after = _at(whole, broken.pointer), _at(broken.value, broken.pointer)
    if isinstance(before, Mapping) and isinstance(after, (list, str)):
        return False  # arrays and texts have properties too: `length`, `at`

    def is_number(value: Any) -> bool:
        return isinstance(value, (int, float)) and not isinstance(value, bool)

    return not (is_number(before) and is_number(after))


def _at(value: Any, pointer: str) -> Any:
    for step in split(f"#{pointer}"):
        if isinstance(value, list) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        elif isinstance(value, Mapping) and step in value:
            value = value[step]
        else:
            return MISSING
    return value


def _carries(location: str, value: Any) -> bool:
    """False for what the place cannot carry or would be read as nothing."""
    texts = list(_texts(value))
    if not texts or any(text is None or text == "" for text in texts):
        return False
    if location in ("path", "header", "cookie") and any(
        isinstance(each, (Mapping, list))
        for each in (value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ())
    ):
        return False  # no style says how (OpenAPI 3.1, 4.8.12.2)
    if location == "path":
        return not any(text in (".", "..") or (isinstance(text, str) and "/" in text) for text in texts)
    if location in ("header", "cookie"):
        return all(
            not isinstance(text, str) or (text.isascii() and text.isprintable() and text == text.strip())
            for text in texts
        )
    return True


def _texts(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        for name, each in value.items():
            yield name
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
    else:
        yield value


def _known(status: int) -> bool:
    return status < 419
