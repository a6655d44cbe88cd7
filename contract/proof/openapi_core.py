"""A second opinion on a schema finding: openapi-core, and where it cannot judge, the pure-Python `jsonschema`.

Both are independent of jsonschema-rs, which the rules ask. Streams, XML and the like openapi-core cannot read; there
`jsonschema` judges the values that the rules' own reader finds in the body. The finding is *confirmed* when one of them refuses the same
place for the same reason; *disputed* when neither does and the known gaps of both cover the case (the clause of the
standard that decides is named); else *unproven*.
"""

from __future__ import annotations

import itertools
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from contract.core.bodies import Content, Judged, read
from contract.core.document import Document, Location, escape, resolve, unescape
from contract.core.errors import MissingExtra
from contract.core.evidence import Exchange, Headers, header, is_json
from contract.core.finding import Finding, Proof
from contract.core.openapi import Contract, MediaType, Operation
from contract.core.styles import MISSING, carried, readings

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
    re.error,
)

_COMBINATORS = frozenset({"allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas", "discriminator"})


_BESIDE = "it is said beside the schema, and follows from what is declared and what is sent"


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
            return self._invalid_request(exchange, finding, operation_path)
        if finding.rule == "header-schema":
            return self._header_schema(exchange, finding, operation_path)
        return Proof.UNPROVEN, f"no second validator judges `{finding.rule}`"

    def _key(self, template: str) -> str:
        """The key under `paths`: the template itself, or its longest end that is one."""
        ends = [template[match.start() :] for match in re.finditer("/", template)]
        return next((end for end in [template, *ends] if end in self.value.get("paths", {})), template)

    @cached_property
    def _contract(self) -> Contract:
        """The same document as the rules see it: what reads the bodies that openapi-core cannot."""
        nowhere = Location("", 1, 1)
        version = str(self.value.get("openapi", ""))
        return Contract(Document("", version, self.value, "", lambda at: nowhere, lambda at: ("", at), list))

    # --- rules ---

    def _response_schema(self, exchange: Exchange, finding: Finding, path: str) -> tuple[Proof, str]:
        mismatch = finding.mismatch
        place = mismatch.where.pointer or ""
        keyword = mismatch.keyword or ""
        content = self._content(exchange, path, "response")
        if _is_refused(content, place, keyword):
            return Proof.STRUCTURAL, _BESIDE
        first = _Opinion((), "cannot read this media type")
        if exchange.response is not None and _known_to_core(exchange.response.media_type):
            first = self._core(exchange, path, forbid=False)
        if first.refuses(place, keyword, mismatch.name):
            return Proof.CONFIRMED, f"confirmed by openapi-core: `{keyword}` at {place or 'the root'}"
        refused, reason = self._plain(content, place, keyword, mismatch.name, "response")
        if refused:
            why = f" (openapi-core {first.reason})" if first.reason else ""
            return Proof.CONFIRMED, f"confirmed by jsonschema: `{keyword}` at {place or 'the root'}{why}"
        clause = self._known_gap(keyword, mismatch.component)
        if clause:
            return Proof.DISPUTED, clause
        reasons = [each for each in (first.reason, reason and f"jsonschema {reason}") if each]
        return Proof.UNPROVEN, "openapi-core " + (" and ".join(reasons) or "takes the same body")

    def _undeclared_property(self, exchange: Exchange, finding: Finding, path: str) -> tuple[Proof, str]:
        name = finding.mismatch.name or ""
        asked = finding.mismatch.where.direction == "request"
        pointer = (finding.mismatch.where.pointer or "").removeprefix("body:")
        place = pointer.removesuffix(f"/{name}").removesuffix(f"/{escape(name)}")
        roots: dict[tuple[str, str], list[Any]] = {}
        for judged in self._content(exchange, path, "request" if asked else "response").judged:
            if f"{place}/".startswith(f"{judged.where}/"):
                roots.setdefault((judged.schema, judged.where), []).append(judged.value)
        combined, reason = False, None
        reached: bool | None = None
        if not roots:
            reason = "has no body to judge"
        for (root, where), values in roots.items():
            tokens = [unescape(token) for token in place.removeprefix(where).split("/")[1:]]
            try:
                entries, mixed = self._entries(root, tokens)
            except _faults() as error:
                return Proof.UNPROVEN, f"the schema cannot be followed ({type(error).__name__})"
            combined = combined or mixed
            reached = bool(reached or entries)
            # openapi-core closes each branch of a combinator for itself, and so refuses what the next branch declares.
            if not mixed and not asked and exchange.response and _known_to_core(exchange.response.media_type):
                first = self._core(exchange, path, forbid=True)
                if first.refuses(place, "additionalProperties", name, strict=True):
                    return Proof.CONFIRMED, f"confirmed by openapi-core, with objects closed: `{name}` is not declared"
                reason = first.reason
            if self._closed(values, tokens, name, entries):
                return Proof.CONFIRMED, f"confirmed by jsonschema, with the object closed: `{name}` is not declared"
        if reached is False:
            return Proof.DISPUTED, (
                "the schema names one key of a map as a sample, and says nothing of the others "
                "(JSON Schema 2020-12 core, 10.3.2.1); what it says of the sample is read as said of each"
            )
        if combined:
            return Proof.DISPUTED, (
                f"jsonschema takes `{name}` as evaluated, or cannot say; openapi-core cannot close objects under "
                "combinators (JSON Schema 2020-12 core, 11.3, decides)"
            )
        return Proof.UNPROVEN, "openapi-core " + (reason or "takes the property as declared")

    def _invalid_request(self, exchange: Exchange, finding: Finding, path: str) -> tuple[Proof, str]:
        from openapi_core.validation.request.exceptions import (
            ParameterValidationError,
            RequestBodyValidationError,
            RequestValidationError,
            SecurityValidationError,
        )

        place, keyword = finding.mismatch.where.pointer or "", finding.mismatch.keyword or ""
        errors: list[Exception] = []
        reason = "takes the request as valid"
        # Asked of a body that it cannot read, it refuses what it made of it.
        if not place.startswith("body") or not exchange.request.body or _known_to_core(exchange.request.media_type):
            try:
                app = self._app(path, exchange.request.method, False)
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # a kind of credentials that it does not know, and the like
                    errors = list(app.iter_request_errors(_Request(exchange, _tail(exchange.request.path, path))))
            except _faults() as error:
                reason = f"fails on this request ({type(error).__name__})"
        for found in errors:
            if isinstance(found, RequestValidationError) and not isinstance(found, SecurityValidationError):
                if isinstance(found, ParameterValidationError):
                    where = f"{found.location}:{found.name}"
                else:
                    where = "body" if isinstance(found, RequestBodyValidationError) else ""
                if not place or where in ("", place) or (where == "body" and place.startswith("body")):
                    kind = type(found).__name__
                    return Proof.CONFIRMED, f"confirmed by openapi-core, which refuses the request ({kind})"
        if not place.startswith("body"):
            return self._parameter(exchange, place, path) or (Proof.UNPROVEN, f"openapi-core {reason}")
        content = self._content(exchange, path, "request")
        below = place.removeprefix("body").removeprefix(":")
        if _is_refused(content, below, keyword):
            return Proof.STRUCTURAL, _BESIDE
        if self._plain(content, below, keyword, finding.mismatch.name, "request")[0]:
            return Proof.CONFIRMED, f"confirmed by jsonschema, which refuses the body at {below or 'the root'}"
        return Proof.UNPROVEN, f"openapi-core {reason}"

    def _parameter(self, exchange: Exchange, place: str, path: str) -> tuple[Proof, str] | None:
        """The proof that `jsonschema` gives for a parameter: it refuses every reading of what was sent."""
        operation = self._operation(exchange, path)
        parameter = next((each for each in operation.parameters if each.label == place), None) if operation else None
        if operation is None or parameter is None or parameter.schema is None or parameter.content is not None:
            return None
        try:
            value = carried(operation, parameter, exchange.request, operation.path_values(exchange))
            if value is MISSING:
                return None
            texts = readings(operation, parameter, value, "request")
            if all(any(self._refusals(parameter.schema, each, "request")) for each in texts):
                return Proof.CONFIRMED, f"confirmed by jsonschema: no reading of `{place}` keeps its schema"
        except _faults() as error:
            return Proof.UNPROVEN, f"jsonschema fails on `{place}` ({type(error).__name__})"
        return None

    def _header_schema(self, exchange: Exchange, finding: Finding, path: str) -> tuple[Proof, str]:
        from openapi_core.validation.response.exceptions import HeaderValidationError

        name = (finding.mismatch.where.pointer or "").removeprefix("header:")
        keyword = finding.mismatch.keyword or ""
        errors, reason = self._core_errors(exchange, path, forbid=False)
        mine = [
            each for each in errors if isinstance(each, HeaderValidationError) and each.name.lower() == name.lower()
        ]
        if mine:
            return Proof.CONFIRMED, f"confirmed by openapi-core: it refuses the header `{name}`"
        try:
            values, schema = self._header(exchange, path, name)
            refused = schema is not None and any(
                all(any(self._refusals(schema, reading, "response")) for reading in found) for found in values
            )
        except _faults() as error:
            return Proof.UNPROVEN, f"jsonschema fails on the header ({type(error).__name__})"
        if refused:
            return Proof.CONFIRMED, f"confirmed by jsonschema: no reading of the header `{name}` keeps its schema"
        clause = self._known_gap(keyword, finding.mismatch.component)
        if clause:
            return Proof.DISPUTED, clause
        return Proof.UNPROVEN, f"openapi-core {reason or 'takes the same header'}"

    def _header(self, exchange: Exchange, path: str, name: str) -> tuple[list[list[Any]], str | None]:
        """What each line of a header may stand for, and the pointer of its schema."""
        operation = self._operation(exchange, path)
        declared = operation.response(exchange.response.status) if operation and exchange.response else None
        parameter = (
            next((each for each in declared.headers if each.name.lower() == name.lower()), None) if declared else None
        )
        if operation is None or parameter is None or exchange.response is None:
            return [], None
        lines = [value for key, value in exchange.response.headers if key.lower() == name.lower()]
        if name.lower() != "set-cookie":  # RFC 9110, 5.3
            lines = [", ".join(lines)] if lines else []
        return [list(readings(operation, parameter, line, "response")) for line in lines], parameter.schema

    def _operation(self, exchange: Exchange, path: str) -> Operation | None:
        return self._contract.by_key.get(f"{exchange.request.method.upper()} {path}")

    # --- openapi-core ---

    def _core(self, exchange: Exchange, path: str, *, forbid: bool) -> _Opinion:
        errors, reason = self._core_errors(exchange, path, forbid=forbid)
        return _Opinion(tuple(_schema_errors(errors)), reason or _other_reason(errors))

    def _core_errors(self, exchange: Exchange, path: str, *, forbid: bool) -> tuple[list[Exception], str | None]:
        response = exchange.response
        if response is None:
            return [], "has no answer to judge"
        try:
            app = self._app(path, exchange.request.method, forbid)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # deprecated headers and the like are not what is asked here
                return list(app.iter_response_errors(_Request(exchange, path), _Response(exchange))), None
        except _faults() as error:
            return [], f"fails on this exchange ({type(error).__name__})"

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

    def _content(self, exchange: Exchange, path: str, direction: str) -> Content:
        """What a body says, under the schema that we, not openapi-core, find for it."""
        message = exchange.request if direction == "request" else exchange.response
        if message is None or not message.body:
            return Content(unread="has no body to judge")
        try:
            media = self._media(exchange, path, direction)
            if media is None:
                return Content(unread="finds no schema")
            return read(self._contract.schemas, media, message.content_type, message.body, direction)
        except _faults() as error:
            return Content(unread=f"fails on this exchange ({type(error).__name__})")

    def _plain(
        self, content: Content, place: str, keyword: str, name: str | None, direction: str
    ) -> tuple[bool, str | None]:
        """Whether `jsonschema` refuses the place for the same reason, and why it cannot say."""
        if not content.judged:
            return False, content.unread or ("cannot read the body" if content.malformed else "finds no schema")
        reason = None
        for judged in _suspects(self._contract, content.judged, direction):
            if f"{place}/".startswith(f"{judged.where}/"):
                try:
                    found = _Opinion(tuple(self._refusals(judged.schema, judged.value, direction)), None)
                except _faults() as error:
                    reason = f"fails on this exchange ({type(error).__name__})"
                    continue
                below = place.removeprefix(judged.where)
                # A complaint may not tell the keyword; then the place has to do.
                if found.refuses(below, keyword, name) if keyword else found.touches(below):
                    return True, None
        return False, reason

    def _refusals(self, schema: str, value: Any, direction: str) -> Iterator[Any]:
        yield from self._validator({"$ref": f"urn:contract{schema}"}, direction=direction).iter_errors(value)

    def _closed(self, values: list[Any], tokens: list[str], name: str, entries: list[str]) -> bool:
        """True if an object at the place has the name, and no schema of the place evaluates it."""
        if not entries:
            return False
        schema = {"anyOf": [{"$ref": f"urn:contract{entry}"} for entry in entries], "unevaluatedProperties": False}
        try:
            validator = self._validator(schema, newest=True)
            for value in values:
                for instance in _instances(value, tokens):
                    if not isinstance(instance, dict) or name not in instance:
                        continue
                    errors = list(validator.iter_errors(instance))
                    if any(error.validator == "anyOf" for error in errors):
                        # What is refused evaluates nothing, so that every property would be undeclared.
                        if not any(self._entries(entry, [name])[0] for entry in entries):
                            return True
                    elif any(_names(error, name) for error in errors):
                        return True
        except _faults():
            return False
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

    def _validator(self, schema: Mapping[str, Any], newest: bool = False, direction: str = "response") -> Any:
        from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
        from openapi_schema_validator import (
            OAS30ReadValidator,
            OAS30WriteValidator,
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
            kind = OAS30WriteValidator if direction == "request" else OAS30ReadValidator
            return kind(schema, registry=registry, format_checker=oas30_format_checker)
        return Draft202012Validator(schema, registry=registry, format_checker=oas31_format_checker)

    def _media(self, exchange: Exchange, path: str, direction: str) -> MediaType | None:
        """The Media Type Object for what was sent, the most specific range first."""
        item = self.value["paths"][path]
        at = item["$ref"] if isinstance(item.get("$ref"), str) else f"#/paths/{escape(path)}"
        at = self._follow(f"{at}/{exchange.request.method.lower()}")
        operation = resolve(self.value, at)
        if direction == "request":
            if "requestBody" not in operation:
                return None
            at, sent = self._follow(f"{at}/requestBody"), exchange.request.media_type or ""
        else:
            assert exchange.response is not None
            responses, status = operation.get("responses", {}), str(exchange.response.status)
            wanted = (status, f"{status[0]}XX", f"{status[0]}xx", "default")
            key = next((key for key in wanted if key in responses), None)
            if key is None:
                return None
            at, sent = self._follow(f"{at}/responses/{key}"), exchange.response.media_type or ""
        content = resolve(self.value, at).get("content", {})
        ranked = sorted((name for name in content if _covers(name, sent)), key=lambda name: -_weight(name))
        if not ranked:
            return None
        at = self._follow(f"{at}/content/{escape(ranked[0])}")
        node = resolve(self.value, at)
        schema, each = (f"{at}/{name}" if name in node else None for name in ("schema", "itemSchema"))
        return MediaType(ranked[0].lower(), at, schema, each) if schema or each else None

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

    def touches(self, place: str) -> bool:
        """True if it refuses this place, or one around it as a whole."""
        return any(_above([str(part) for part in _path(error)], place) for error in _deep(self.errors))

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


def _known_to_core(media: str | None) -> bool:
    """True for what openapi-core reads rightly; the parts of multipart it leaves as text, whatever their schemas say."""
    return is_json(media) or media in ("application/x-www-form-urlencoded", "text/plain")


_MOST = 64  # items of a stream that are judged again


def _suspects(contract: Contract, judged: Iterable[Judged], direction: str) -> Iterator[Judged]:
    """Those that may be refused: of a long stream, only the items that the first validator refuses."""
    some = list(itertools.islice(judged, _MOST + 1))
    if len(some) <= _MOST:
        yield from some
        return
    refused = (each for each in judged if not contract.schemas.accepts(each.schema, direction, each.value))
    yield from itertools.islice(refused, _MOST)


def _is_refused(content: Content, place: str, keyword: str) -> bool:
    return any(keyword in ("", error.keyword) and place in (error.pointer, error.exact) for error in content.refused)


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
    elif node.get("additionalProperties") is True or isinstance(node.get("additionalProperties"), Mapping):
        yield f"{at}/additionalProperties"
    for pattern in node.get("patternProperties") or ():
        try:
            if re.search(pattern, token):
                yield f"{at}/patternProperties/{escape(pattern)}"
        except re.error:
            yield f"{at}/patternProperties/{escape(pattern)}"  # what cannot be told is not called undeclared
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
