"""A second opinion on a schema finding: openapi-core, and where it cannot judge, the pure-Python `jsonschema`.

Both are independent of jsonschema-rs, which the rules ask. The finding is *confirmed* when one of them refuses the same
place for the same reason; *disputed* when neither does and the known gaps of both cover the case (the clause of the
standard that decides is named); else *unproven*.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from contract.core.document import escape, resolve, unescape
from contract.core.errors import MissingExtra
from contract.core.evidence import Exchange, Headers, header, is_json
from contract.core.finding import Finding, Proof

_HOST = "http://contract.invalid"

# What a validator with faults of its own raises on a document that it did not expect. Theirs, not ours: a finding is
# then unproven, and the reason says so. Anything else is our fault and is raised.
_FAULTS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    NotImplementedError,
    RecursionError,
    TypeError,
    ValueError,
)

_COMBINATORS = frozenset({"allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas", "discriminator"})


class Second:
    """The second validators of one document; `value` is the bundled document, OpenAPI 3.x."""

    def __init__(self, value: Mapping[str, Any]) -> None:
        try:
            import openapi_core  # noqa: F401  (0.8 s: only when there is something to prove)
        except ImportError as error:
            raise MissingExtra("a second opinion (proof)", "fuzz", "openapi-core") from error
        self.value = value
        self._apps: dict[tuple[str, str, bool], Any] = {}

    @cached_property
    def family(self) -> str:
        return ".".join(str(self.value.get("openapi", "")).split(".")[:2])

    def confirm(self, exchange: Exchange, finding: Finding, operation_path: str) -> tuple[Proof, str]:
        """The proof and one sentence about it, without any value of the body.

        `operation_path` is the template of the operation that the finding is about, with or without the base path.
        """
        operation_path = self._key(operation_path)
        if finding.rule == "response-schema":
            return self._response_schema(exchange, finding, operation_path)
        if finding.rule == "undeclared-property":
            return self._undeclared_property(exchange, finding, operation_path)
        if finding.rule == "invalid-request-accepted":
            return self._invalid_request(exchange, operation_path)
        return Proof.UNPROVEN, f"no second validator judges `{finding.rule}`"

    def _key(self, template: str) -> str:
        """The key under `paths`: the template itself, or its longest end that is one."""
        ends = [template[match.start() :] for match in re.finditer("/", template)]
        return next((end for end in [template, *ends] if end in self.value.get("paths", {})), template)

    # --- rules ---

    def _response_schema(self, exchange: Exchange, finding: Finding, path: str) -> tuple[Proof, str]:
        mismatch = finding.mismatch
        place = mismatch.where.pointer or ""
        keyword = mismatch.keyword or ""
        first = self._core(exchange, path, forbid=False)
        if first.refuses(place, keyword, mismatch.name):
            return Proof.CONFIRMED, f"confirmed by openapi-core: `{keyword}` at {place or 'the root'}"
        second = self._plain(exchange, path)
        if second.refuses(place, keyword, mismatch.name):
            why = f" (openapi-core {first.reason})" if first.reason else ""
            return Proof.CONFIRMED, f"confirmed by jsonschema: `{keyword}` at {place or 'the root'}{why}"
        clause = self._known_gap(keyword, mismatch.component)
        if clause:
            return Proof.DISPUTED, clause
        reasons = [each for each in (first.reason, second.reason and f"jsonschema {second.reason}") if each]
        return Proof.UNPROVEN, "openapi-core " + (" and ".join(reasons) or "takes the same body")

    def _undeclared_property(self, exchange: Exchange, finding: Finding, path: str) -> tuple[Proof, str]:
        name = finding.mismatch.name or ""
        place = (finding.mismatch.where.pointer or "").removesuffix(f"/{name}").removesuffix(f"/{escape(name)}")
        tokens = [unescape(token) for token in place.split("/")[1:]]
        try:
            root = self._response_pointer(exchange, path)
            entries, combined = self._entries(root, tokens) if root else ([], False)
        except _faults() as error:
            return Proof.UNPROVEN, f"the schema cannot be followed ({type(error).__name__})"
        # openapi-core closes each branch of a combinator for itself, and so refuses what the next branch declares.
        reason = None
        if not combined:
            first = self._core(exchange, path, forbid=True)
            if first.refuses(place, "additionalProperties", name, strict=True):
                return Proof.CONFIRMED, f"confirmed by openapi-core, with objects closed: `{name}` is not declared"
            reason = first.reason
        if self._closed(exchange, tokens, name, entries):
            return Proof.CONFIRMED, f"confirmed by jsonschema, with the object closed: `{name}` is not declared"
        if combined:
            return Proof.DISPUTED, (
                f"jsonschema takes `{name}` as evaluated, or cannot say; openapi-core cannot close objects under "
                "combinators (JSON Schema 2020-12 core, 11.3, decides)"
            )
        return Proof.UNPROVEN, "openapi-core " + (reason or "takes the property as declared")

    def _invalid_request(self, exchange: Exchange, path: str) -> tuple[Proof, str]:
        from openapi_core.validation.request.exceptions import RequestValidationError, SecurityValidationError

        try:
            app = self._app(path, exchange.request.method, False)
            errors = list(app.iter_request_errors(_Request(exchange, _tail(exchange.request.path, path))))
        except _faults() as error:
            return Proof.UNPROVEN, f"openapi-core fails on this request ({type(error).__name__})"
        for found in errors:
            if isinstance(found, RequestValidationError) and not isinstance(found, SecurityValidationError):
                return Proof.CONFIRMED, f"confirmed by openapi-core, which refuses the request ({type(found).__name__})"
        return Proof.UNPROVEN, "openapi-core takes the request as valid"

    # --- openapi-core ---

    def _core(self, exchange: Exchange, path: str, *, forbid: bool) -> _Opinion:
        response = exchange.response
        if response is None:
            return _Opinion((), "has no answer to judge")
        try:
            app = self._app(path, exchange.request.method, forbid)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # deprecated headers and the like are not what is asked here
                errors = list(app.iter_response_errors(_Request(exchange, path), _Response(exchange)))
        except _faults() as error:
            return _Opinion((), f"fails on this exchange ({type(error).__name__})")
        return _Opinion(tuple(_schema_errors(errors)), _other_reason(errors))

    def _app(self, path: str, method: str, forbid: bool) -> Any:
        """openapi-core over a document with this one operation: its router and its servers are not asked."""
        from openapi_core import Config, OpenAPI

        key = (path, method.lower(), forbid)
        if key not in self._apps:
            item = self._item(path)
            value = {
                **self.value,
                "servers": [{"url": _HOST}],
                "paths": {path: {name: part for name, part in item.items() if name != "servers"}},
            }
            operation = item.get(method.lower())
            if isinstance(operation, Mapping) and "servers" in operation:
                value["paths"][path][method.lower()] = {k: v for k, v in operation.items() if k != "servers"}
            if self._refers_to_paths:
                value["paths"] = {**self.value.get("paths", {}), **value["paths"]}
            config = Config(
                spec_validator_cls=None,  # the document is judged elsewhere, and this takes 13 s for a large one
                additional_properties_default_policy="forbid" if forbid else "allow",
            )
            self._apps[key] = OpenAPI.from_dict(value, config=config)
        return self._apps[key]

    def _item(self, path: str) -> Mapping[str, Any]:
        item = self.value["paths"][path]
        if isinstance(item.get("$ref"), str):
            return {**resolve(self.value, item["$ref"]), **{k: v for k, v in item.items() if k != "$ref"}}
        return item  # type: ignore[no-any-return]

    @cached_property
    def _refers_to_paths(self) -> bool:
        todo: list[Any] = [self.value]
        while todo:
            node = todo.pop()
            if isinstance(node, Mapping):
                if str(node.get("$ref", "")).startswith("#/paths/"):
                    return True
                todo.extend(node.values())
            elif isinstance(node, list):
                todo.extend(node)
        return False

    # --- jsonschema ---

    def _plain(self, exchange: Exchange, path: str) -> _Opinion:
        """What `jsonschema` says of the body under the schema that we, not openapi-core, find for it."""
        response = exchange.response
        if response is None or not response.body:
            return _Opinion((), "has no body to judge")
        try:
            schema = self._response_pointer(exchange, path)
            if schema is None:
                return _Opinion((), "finds no schema")
            errors = list(self._validator({"$ref": f"urn:contract{schema}"}).iter_errors(response.json))
        except _faults() as error:
            return _Opinion((), f"fails on this exchange ({type(error).__name__})")
        return _Opinion(tuple(errors), None)

    def _closed(self, exchange: Exchange, tokens: list[str], name: str, entries: list[str]) -> bool:
        """True if an object at the place has the name, and no schema of the place evaluates it."""
        response = exchange.response
        if response is None or not entries:
            return False
        schema = {"anyOf": [{"$ref": f"urn:contract{entry}"} for entry in entries], "unevaluatedProperties": False}
        try:
            validator = self._validator(schema, newest=True)
            return any(
                _names(error, name)
                for instance in _instances(response.json, tokens)
                if isinstance(instance, dict) and name in instance
                for error in validator.iter_errors(instance)
            )
        except _faults():
            return False

    def _entries(self, root: str, tokens: list[str]) -> tuple[list[str], bool]:
        """Pointers of the schemas that describe a place of the body; and whether a combinator is on the way."""
        entries, combined = [root], False
        for token in [*tokens, None]:
            nodes: list[tuple[str, Mapping[str, Any]]] = []
            todo = list(entries)
            while todo:
                at = self._follow(todo.pop())
                node = resolve(self.value, at)
                if not isinstance(node, Mapping) or any(at == seen for seen, _ in nodes):
                    continue
                nodes.append((at, node))
                for keyword in _COMBINATORS & node.keys() - {"discriminator", "not", "if"}:
                    combined = True
                    below = node[keyword]
                    keys = range(len(below)) if isinstance(below, list) else below if keyword[0] == "d" else [None]
                    todo += [f"{at}/{keyword}" + ("" if key is None else f"/{escape(str(key))}") for key in keys]
            if token is None:
                break
            entries = [below for at, node in nodes for below in _below(at, node, token)]
        return entries, combined

    def _validator(self, schema: Mapping[str, Any], newest: bool = False) -> Any:
        from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
        from openapi_schema_validator import (
            OAS30ReadValidator,
            oas30_format_checker,
            oas31_format_checker,
        )
        from referencing import Registry, Resource
        from referencing.jsonschema import DRAFT4, DRAFT202012

        old = self.family == "3.0" and not newest
        resource: Resource[Any] = Resource.from_contents(
            self.value, default_specification=DRAFT4 if old else DRAFT202012
        )
        registry: Registry[Any] = Registry().with_resource("urn:contract", resource)
        if old:
            return OAS30ReadValidator(schema, registry=registry, format_checker=oas30_format_checker)
        return Draft202012Validator(schema, registry=registry, format_checker=oas31_format_checker)

    def _response_pointer(self, exchange: Exchange, path: str) -> str | None:
        """Pointer of the schema for this status and media type, the most specific range first."""
        response = exchange.response
        if response is None:
            return None
        item = self.value["paths"][path]
        at = item["$ref"] if isinstance(item.get("$ref"), str) else f"#/paths/{escape(path)}"
        at = self._follow(f"{at}/{exchange.request.method.lower()}")
        responses = resolve(self.value, at).get("responses", {})
        status = str(response.status)
        key = next((key for key in (status, f"{status[0]}XX", f"{status[0]}xx", "default") if key in responses), None)
        if key is None:
            return None
        at = self._follow(f"{at}/responses/{key}")
        content = resolve(self.value, at).get("content", {})
        sent = response.media_type or ""
        ranked = sorted((name for name in content if _covers(name, sent)), key=lambda name: -_weight(name))
        if not ranked or not is_json(sent):
            return None
        at = self._follow(f"{at}/content/{escape(ranked[0])}")
        return f"{at}/schema" if "schema" in resolve(self.value, at) else None

    def _follow(self, at: str) -> str:
        for _ in range(32):
            node = resolve(self.value, at)
            if not isinstance(node, Mapping) or not isinstance(node.get("$ref"), str):
                return at
            at = node["$ref"]
        raise RecursionError(at)

    # --- what both are known to get wrong ---

    def _known_gap(self, keyword: str, component: str | None) -> str | None:
        schema = self._schema(component)
        if keyword in ("writeOnly", "readOnly", "false") and self.family != "3.0":
            return (
                "openapi-core ignores readOnly and writeOnly from OpenAPI 3.1 on; a writeOnly value is not to be sent in "
                "an answer (JSON Schema 2020-12 validation, 9.4)"
            )
        if keyword == "format":
            name = str(schema.get("format"))
            clause = _FORMATS.get(name)
            if clause:
                return f"openapi-core does not check the format `{name}`; {clause} decides"
        if "discriminator" in (component or "") or "discriminator" in schema:
            return "openapi-core picks by `discriminator` in its own way; OpenAPI 3.1.1, 4.8.25 decides"
        if self.family != "3.0" and self._beside_reference(component):
            return "openapi-core ignores keywords beside `$ref`; they apply (JSON Schema 2020-12 core, 8.2.3.1)"
        return None

    def _schema(self, component: str | None) -> Mapping[str, Any]:
        try:
            schema = resolve(self.value, component or "#")
        except KeyError:
            return {}
        return schema if isinstance(schema, Mapping) else {}

    def _beside_reference(self, component: str | None) -> bool:
        tokens = (component or "").split("/")
        return any("$ref" in self._schema("/".join(tokens[:end])) for end in range(3, len(tokens) + 1))


_FORMATS = {
    "uri": "RFC 3986, 3",
    "uri-reference": "RFC 3986, 4.1",
    "iri": "RFC 3987, 2.2",
    "iri-reference": "RFC 3987, 2.2",
    "uri-template": "RFC 6570, 2",
    "hostname": "RFC 1123, 2.1",
    "idn-hostname": "RFC 5890, 2.3.2.3",
    "idn-email": "RFC 6531, 3.3",
    "duration": "RFC 3339, appendix A",
    "time": "RFC 3339, 5.6",
    "json-pointer": "RFC 6901, 3",
    "relative-json-pointer": "the Relative JSON Pointer draft",
    "regex": "ECMA-262, 22.2.1",
    "byte": "RFC 4648, 4",
    "int32": "the OpenAPI format registry",
    "int64": "the OpenAPI format registry",
    "date-time": "RFC 3339, 5.6 (5.7 for a leap second)",
}


@dataclass(frozen=True, slots=True)
class _Opinion:
    """A validator's refusals, or why it has none to give."""

    errors: tuple[Any, ...]
    reason: str | None

    def refuses(self, place: str, keyword: str, name: str | None, *, strict: bool = False) -> bool:
        """True if it refuses this place for this keyword, or a combinator above the place as a whole."""
        for error in _deep(self.errors):
            if not _same(place, [str(part) for part in _path(error)]):
                continue
            if name is None or keyword not in ("required", "additionalProperties", "unevaluatedProperties"):
                if error.validator == keyword or {error.validator, keyword} <= {"type", "nullable", "enum", "const"}:
                    return True
                # A false schema has no keyword; ours are called after what made them false.
                if error.validator is None and keyword in ("false", "writeOnly", "readOnly"):
                    return True
                if keyword == "format" and error.validator in ("minimum", "maximum", "format"):
                    return True
            elif _names(error, name) and (error.validator == "required") == (keyword == "required"):
                return True
        if strict or self.reason is not None:
            return False
        return any(
            error.validator in _COMBINATORS and _above([str(part) for part in _path(error)], place)
            for error in self.errors
            if not error.context
        )


def _deep(errors: Iterable[Any]) -> Iterator[Any]:
    for error in errors:
        yield error
        yield from _deep(error.context or ())


def _path(error: Any) -> Iterable[Any]:
    return error.absolute_path  # type: ignore[no-any-return]


def _same(place: str, path: list[str]) -> bool:
    """True if the place, indices folded to `*` or not, is where the path leads."""
    tokens = [unescape(token) for token in place.split("/")[1:]]
    return len(tokens) == len(path) and all(
        token == part or (token == "*" and part.isdigit()) for token, part in zip(tokens, path, strict=True)
    )


def _above(path: list[str], place: str) -> bool:
    head = place.split("/")[: len(path) + 1]
    return _same("/".join(head), path)


def _names(error: Any, name: str) -> bool:
    """True if a refusal of names is about this one; the message is the only place where the libraries keep it."""
    message = str(error.message)
    if error.validator == "required":
        return message.startswith(repr(name))
    return message.startswith(("Additional properties", "Unevaluated properties")) and repr(name) in message


def _below(at: str, node: Mapping[str, Any], token: str) -> Iterator[str]:
    properties = node.get("properties")
    if isinstance(properties, Mapping) and token in properties:
        yield f"{at}/properties/{escape(token)}"
    elif isinstance(node.get("additionalProperties"), Mapping):
        yield f"{at}/additionalProperties"
    if (token == "*" or token.isdigit()) and isinstance(node.get("items"), Mapping):
        yield f"{at}/items"


def _schema_errors(errors: Iterable[Exception]) -> Iterator[Any]:
    for error in errors:
        cause: BaseException | None = error
        while cause is not None:
            yield from getattr(cause, "schema_errors", ())
            cause = cause.__cause__


def _other_reason(errors: Iterable[Exception]) -> str | None:
    """What kept openapi-core from looking at the body: no such response, media type or schema for it."""
    from openapi_core.templating.media_types.exceptions import MediaTypeFinderError
    from openapi_core.templating.paths.exceptions import PathError
    from openapi_core.templating.responses.exceptions import ResponseFinderError

    for error in errors:
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, MediaTypeFinderError | PathError | ResponseFinderError):
                return f"does not find the declaration ({type(cause).__name__})"
            cause = cause.__cause__
    return None


def _faults() -> tuple[type[Exception], ...]:
    from jsonschema.exceptions import SchemaError, UndefinedTypeCheck, UnknownType  # type: ignore[import-untyped]
    from openapi_core.exceptions import OpenAPIError
    from referencing.exceptions import NoSuchResource, Unresolvable

    return (*_FAULTS, OpenAPIError, SchemaError, UnknownType, UndefinedTypeCheck, Unresolvable, NoSuchResource)


def _instances(value: Any, tokens: list[str]) -> Iterator[Any]:
    if not tokens:
        yield value
    elif isinstance(value, dict) and tokens[0] in value:
        yield from _instances(value[tokens[0]], tokens[1:])
    elif isinstance(value, list):
        for item in value if tokens[0] == "*" else value[int(tokens[0]) :][:1] if tokens[0].isdigit() else ():
            yield from _instances(item, tokens[1:])


def _covers(declared: str, sent: str) -> bool:
    name = declared.partition(";")[0].strip().lower()
    return name in ("*/*", sent) or (name.endswith("/*") and sent.startswith(name[:-1]))


def _weight(declared: str) -> int:
    name = declared.partition(";")[0].strip()
    return 0 if name == "*/*" else 1 if name.endswith("/*") else 2


def _tail(path: str, template: str) -> str:
    """The end of the path that the template covers; what is before is the server's base path."""
    count = template.count("/")
    return "/" + "/".join(path.split("/")[-count:]) if count else path


class _Request:
    """A request as openapi-core wants to see it (its `Request` protocol)."""

    def __init__(self, exchange: Exchange, path: str) -> None:
        from http.cookies import CookieError, SimpleCookie
        from urllib.parse import parse_qsl

        from openapi_core.datatypes import RequestParameters
        from werkzeug.datastructures import Headers as WireHeaders
        from werkzeug.datastructures import ImmutableMultiDict

        request = exchange.request
        jar: SimpleCookie = SimpleCookie()
        try:
            jar.load(header(request.headers, "cookie") or "")
        except CookieError:
            jar = SimpleCookie()
        self.host_url = _HOST
        self.path = path
        self.method = request.method.lower()
        self.body = request.body
        self.content_type = _content_type(request.headers)
        self.parameters = RequestParameters(
            query=ImmutableMultiDict(parse_qsl(request.query, keep_blank_values=True)),
            header=WireHeaders(list(request.headers)),
            cookie=ImmutableMultiDict((name, morsel.value) for name, morsel in jar.items()),
        )


class _Response:
    """An answer as openapi-core wants to see it (its `Response` protocol)."""

    def __init__(self, exchange: Exchange) -> None:
        from werkzeug.datastructures import Headers as WireHeaders

        response = exchange.response
        assert response is not None
        self.status_code = response.status
        self.data = response.body
        self.headers = WireHeaders(list(response.headers))
        self.content_type = _content_type(response.headers)


def _content_type(headers: Headers) -> str:
    return re.sub(r"\s*;\s*", "; ", (header(headers, "content-type") or "").lower())
