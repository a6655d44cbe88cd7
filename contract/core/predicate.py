"""Does an exchange conform, so that no rule need be asked? Compiled once for each operation, and only yes or no.

Law: it says yes exactly when no rule about exchanges yields (`tests/core/test_predicate.py`). Each quick way in here
only ever says yes; where it cannot, the function that the rules themselves ask decides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import orjson

from contract.core import parameters, strict
from contract.core.document import resolve
from contract.core.evidence import MADE_UP, Exchange, Request, Response, is_json
from contract.core.openapi import Operation, Parameter
from contract.core.readings import DEEPEST
from contract.core.rule import Rule
from contract.core.styles import MISSING, carried, own_names, pairs_of

Answered = tuple[int, str, str]
"""Status (0 for no answer), key of the declared response that covers it ("" for none), media type ("" for none)."""

_COMPILED = frozenset(
    {
        ("body", "response-schema"),
        ("body", "undeclared-property"),
        ("body", "discriminator-mismatch"),
        ("body", "malformed-body"),
        ("headers", "missing-header"),
        ("headers", "header-schema"),
        ("request", "invalid-request-accepted"),
        ("request", "undeclared-property"),
        ("request", "undeclared-parameter"),
    }
)
"""The questions that are answered here in the rules' place; other rules are asked themselves."""


def known(item: Rule) -> Rule:
    """The rule; one that looks at a part of which nothing is compiled for it is asked about every exchange."""
    return item if item.sees == "head" or (item.sees, item.id) in _COMPILED else replace(item, sees="all")


_Kind = tuple[int, str | None, bool, bool, bool]
"""Status, `Content-Type`, and whether there is no body, it was cut, and its headers are known."""

EVERYTHING = frozenset({"all", "head", "headers", "body", "request"})
_ALL, _HEAD, _HEADERS, _BODY, _REQUEST = (
    frozenset({"all", part}) for part in ("all", "head", "headers", "body", "request")
)

_MOST = 4096
"""So many texts are remembered of one place."""
_BOUNDED = frozenset(
    {"type", "format", "minimum", "maximum", "description", "title", "example", "examples", "deprecated", "default"}
)
_ANNOTATIONS = frozenset({"type", "description", "title", "example", "examples", "deprecated", "default"})


class Predicate:
    """One operation, compiled as it is met."""

    def __init__(self, operation: Operation, rules: Sequence[Rule]) -> None:
        self.operation = operation
        self.rules = rules = [item for item in rules if item.applies is None or item.applies(operation)]
        """Those that can have anything to say of the operation."""
        asked = {(item.sees, item.id) for item in rules if (item.sees, item.id) in _COMPILED}
        self._head = [item for item in rules if item.sees == "head"]
        self._always = [item for item in rules if item.sees == "all"]
        self._answers = {name for sees, name in asked if sees == "body"}
        self._headers = {name for sees, name in asked if sees == "headers"}
        self._requests = {name for sees, name in asked if sees == "request"}
        self._cells: dict[_Kind, _Cell] = {}
        self._names = {
            "content-type",
            *(item.name.lower() for answer in operation.responses.values() for item in answer.headers),
        }
        """Names of the headers whose values are looked at."""
        self._wanted: dict[str, str | None] = {}
        """The same by the spellings that were met; None for those that nobody looks at."""
        self._request = _Asked(operation, self._requests)

    def look(
        self, exchange: Exchange, values: Mapping[str, str], path: str, query: str
    ) -> tuple[Answered, tuple[str, ...] | None, frozenset[str] | None]:
        """What the ledger counts of it (parameters are None if they must be read at length), and what it may not keep.

        The last is None if it conforms, and no rule has anything to say; else the parts that rules must be asked about:
        "head", "body", … as they say it. `values` are those of the path's parameters; `path` and `query` are the
        request's, which nobody need work out again.
        """
        response = exchange.response
        if response is None:
            return (0, "", ""), None, EVERYTHING
        held: dict[str, str] = {}
        wanted = self._wanted
        for spelled, value in response.headers:
            try:
                name = wanted[spelled]
            except KeyError:
                name = self._met(spelled)
            if name is not None:
                held[name] = value if name not in held else f"{held[name]}, {value}"
        key = (
            response.status,
            held.get("content-type"),
            not response.body,
            response.truncated,
            response.headers_known,
        )
        cell = self._cells.get(key) or self._cell(key, exchange, response)
        refused = _HEAD if cell.refused else None
        sent = self._request.sent(exchange, values, path, query, cell.success)
        if sent is None:
            refused = _REQUEST if refused is None else refused | _REQUEST
        for name, required, quick, memo, item in cell.headers:
            found = held.get(name)
            if found is None:
                if not required:
                    continue
            elif (quick is not None and quick(found)) or self._keeps_header(item, memo, found, response):
                continue
            refused = _HEADERS if refused is None else refused | _HEADERS
            break
        if cell.body is not None and not response.truncated and not cell.body(exchange, response):
            refused = _BODY if refused is None else refused | _BODY
        if self._always and refused is None and self._yields(exchange):
            refused = _ALL
        return cell.answered, sent, refused

    def _met(self, spelled: str) -> str | None:
        """The name of a header whose value is wanted, in lower case; None for the others."""
        if len(self._wanted) > _MOST:  # names are the server's to choose
            self._wanted = {name: name for name in self._names}
        name = spelled.lower()
        found = self._wanted[spelled] = name if name in self._names else None
        return found

    def _yields(self, exchange: Exchange) -> bool:
        return any(next(iter(item.check(self.operation, exchange)), None) is not None for item in self._always)

    def _cell(self, key: _Kind, exchange: Exchange, response: Response) -> _Cell:
        """What is known of all answers of this kind, worked out from the first."""
        if len(self._cells) > _MOST:  # media types are the server's to choose
            self._cells.clear()
        found = self._cells[key] = self._made(exchange, response)
        return found

    def _made(self, exchange: Exchange, response: Response) -> _Cell:
        operation = self.operation
        declared = operation.response(response.status)
        cell = _Cell((response.status, declared.key if declared is not None else "", response.media_type or ""))
        cell.success = 200 <= response.status < 300
        cell.refused = any(next(iter(item.check(operation, exchange)), None) is not None for item in self._head)
        declared = operation.answer(exchange).declared
        if declared is None or response.status >= 500:
            return cell
        if response.headers_known and self._headers:
            for item in declared.headers:
                needed = item.required and "missing-header" in self._headers
                judged = item.schema is not None and "header-schema" in self._headers
                if not judged and not needed:
                    continue
                quick = None if item.name.lower() == "set-cookie" else _quick(operation, item, "response")
                cell.headers.append((item.name.lower(), needed, quick if judged else _anything, {}, item))
        if operation.answer(exchange).has_body and self._answers:
            cell.body = self._body(exchange, response)
        return cell

    def _body(self, exchange: Exchange, response: Response) -> Any:
        """What says whether a body conforms; None where nothing about it is judged."""
        operation = self.operation
        answer = operation.answer(exchange)
        declared, media = answer.declared, answer.media
        malformed = "malformed-body" in self._answers

        def generally(exchange: Exchange, response: Response) -> bool:
            content = operation.answer(exchange).content
            if content.malformed is not None:
                return not malformed or (not response.body and declared is not None and not declared.content)
            if content.refused and "response-schema" in self._answers:
                return False
            return all(self._keeps(judged.schema, judged.value, exchange) for judged in content.judged)

        if not is_json(response.media_type) or _charset(response.content_type):
            return generally
        schema = media.schema if media is not None else None
        validator = None
        if schema is not None:
            validator = self._validator(schema)
            if validator is None:
                return generally
        elif not malformed:
            return None
        loads = orjson.loads
        names = "undeclared-property" in self._answers and "response-schema" in self._answers
        if (
            schema is not None
            and validator is not None
            and names
            and strict.is_shallow(operation.schemas, schema, "response")
        ):
            is_valid = validator.is_valid

            schemas = operation.schemas

            def at_once(exchange: Exchange, response: Response) -> bool:
                try:
                    value = loads(response.body)
                    schemas.read = (response, value)
                    return is_valid(value)  # type: ignore[no-any-return]
                except ValueError:
                    return generally(exchange, response)

            return at_once

        def quickly(exchange: Exchange, response: Response) -> bool:
            body = response.body
            if body.count(b"{") + body.count(b"[") >= DEEPEST:
                return generally(exchange, response)
            try:
                value = loads(body)
            except ValueError:
                return generally(exchange, response)
            return validator is None or bool(validator.is_valid(value))

        return quickly

    def _validator(self, schema: str, direction: str = "response") -> Any | None:
        asked = self._answers if direction == "response" else self._requests
        return strict.validator(
            self.operation.schemas,
            schema,
            direction,
            loose=("response-schema" if direction == "response" else "invalid-request-accepted") in asked,
            names="undeclared-property" in asked,
            kinds="discriminator-mismatch" in asked,
        )

    def _keeps(self, schema: str, value: Any, exchange: Exchange) -> bool:
        validator = self._validator(schema)
        if validator is not None:
            return bool(validator.is_valid(value))
        asked = [item for item in self._rules_about_bodies if item.id in self._answers]
        return not any(next(iter(item.check(self.operation, exchange)), None) is not None for item in asked)

    @property
    def _rules_about_bodies(self) -> tuple[Rule, ...]:
        from contract.core.rule import of_row

        return tuple(item for item in of_row("matched", Exchange) if item.sees == "body")

    def _keeps_header(self, item: Parameter, memo: dict[str, bool], found: str, response: Response) -> bool:
        fits = memo.get(found)
        if fits is None:
            if len(memo) > _MOST:
                memo.clear()
            fits = memo[found] = next(parameters.header_errors(self.operation, [item], response.headers), None) is None
        return fits


class _Cell:
    """Answers of one status, media type and kind of body."""

    __slots__ = ("answered", "body", "headers", "refused", "success")

    def __init__(self, answered: Answered) -> None:
        self.answered = answered
        self.refused = False
        self.success = False
        self.headers: list[tuple[str, bool, Any, dict[str, bool], Parameter]] = []
        """Name, whether it must be there, what says yes at once to most values, and to which texts the rules did."""
        self.body: Any = None


class _Asked:
    """The requests of one operation."""

    def __init__(self, operation: Operation, rules: set[str]) -> None:
        self.operation = operation
        self.breaks = "invalid-request-accepted" in rules
        self.properties = "undeclared-property" in rules
        self.undeclared = "undeclared-parameter" in rules
        by_place: dict[str, list[Parameter]] = {"path": [], "query": [], "header": [], "cookie": [], "querystring": []}
        for item in operation.parameters:
            by_place.setdefault(item.location, []).append(item)
        self.path: list[tuple[str, Parameter, Any, dict[str, bool]]] = [
            (item.name, item, _quick(operation, item), {}) for item in by_place["path"]
        ]
        self.path_labels = tuple(item.label for item in by_place["path"])
        self.query: list[tuple[Parameter, tuple[str, ...] | None, dict[Any, bool]]] = [
            (item, own_names(operation, item), {}) for item in by_place["query"] + by_place["querystring"]
        ]
        """With the names that its texts have, if they are its own; and what was said of the texts that were met."""
        self._names: dict[tuple[str, ...], bool] = {}
        self.others = by_place["header"] + by_place["cookie"]
        self._queries: dict[str, tuple[bool, tuple[str, ...], bool]] = {}
        self._bodies: dict[str | None, Any] = {}

    def sent(
        self, exchange: Exchange, values: Mapping[str, str], path: str, query: str, judged: bool
    ) -> tuple[str, ...] | None:
        """Labels of the declared parameters that it carries; None if it must be explained.

        Requests are judged only where they were a success (`judged`).
        """
        request = exchange.request
        sent = self.path_labels
        if judged and self.breaks:
            for name, item, quick, memo in self.path:
                text = values.get(name)
                if text is None or (quick is not None and quick(text)):
                    continue
                # An encoded delimiter is none, so that one decoded text may stand for two values.
                fits = memo.get(text) if "%" not in path else self._fits(item, request, values)
                if fits is None:
                    if len(memo) > _MOST:
                        memo.clear()
                    fits = memo[text] = self._fits(item, request, values)
                if not fits:
                    return None
        if query or self.query:
            known = self._queries.get(query)
            if known is None:
                if len(self._queries) > _MOST:
                    self._queries.clear()
                known = self._queries[query] = self._queried(request, values)
            if judged and ((self.breaks and not known[0]) or (known[2] and exchange.traffic not in MADE_UP)):
                return None
            sent += known[1]
        if self.others:
            for item in self.others:
                if parameters.is_sent(self.operation, item, request, values):
                    sent += (item.label,)
                if judged and self.breaks and not self._fits(item, request, values):
                    return None
        if request.body:
            if self.operation.request_body is not None:
                sent += ("body",)
                if judged and (self.breaks or self.properties) and not self._keeps_body(exchange, request):
                    return None
        elif judged and self.breaks and self._lacks_body(request):
            return None
        return sent

    def _lacks_body(self, request: Request) -> bool:
        return (
            self.operation.request_body is not None
            and next(parameters.body_errors(self.operation, request), None) is not None
        )

    def _fits(self, item: Parameter, request: Request, values: Mapping[str, str]) -> bool:
        return next(parameters.parameter_errors(self.operation, item, request, values), None) is None

    def _queried(self, request: Request, values: Mapping[str, str]) -> tuple[bool, tuple[str, ...], bool]:
        """Whether a query fits, the labels of what it carries, and whether it has names that nobody declares.

        Each parameter is read once for each of its texts: queries differ in one of them, mostly.
        """
        pairs = pairs_of(request.query)
        fits, labels = True, []
        for item, names, memo in self.query:
            if names is not None:
                texts: Any = tuple([pair for pair in pairs if pair[0] in names])
            else:
                texts = carried(self.operation, item, request, values)
                texts = () if texts is MISSING else tuple(texts)
            if texts:
                labels.append(item.label)
            good = memo.get(texts)
            if good is None:
                if len(memo) > _MOST:
                    memo.clear()
                good = memo[texts] = self._fits(item, request, values)
            fits = fits and good
        if not self.undeclared:
            return fits, tuple(labels), False
        named = tuple([name for name, _ in pairs])
        undeclared = self._names.get(named)
        if undeclared is None:
            if len(self._names) > _MOST:
                self._names.clear()
            undeclared = self._names[named] = bool(parameters.undeclared_query(self.operation, request))
        return fits, tuple(labels), undeclared

    def _keeps_body(self, exchange: Exchange, request: Request) -> bool:
        names = self.properties and exchange.traffic not in MADE_UP
        key = f"{names} {request.content_type}"
        if key not in self._bodies:
            if len(self._bodies) > _MOST:
                self._bodies.clear()
            self._bodies[key] = self._body_validator(request, names)
        is_valid = self._bodies[key]
        body = request.body or b""
        if is_valid is not None and not request.truncated and body.count(b"{") + body.count(b"[") < DEEPEST:
            try:
                if is_valid(orjson.loads(body)):
                    return True
            except ValueError:
                pass  # told below, in the words of the rules
        if self.breaks and next(parameters.body_errors(self.operation, request), None) is not None:
            return False
        return not names or not any(
            next(self.operation.schemas.undeclared(judged.schema, judged.value), None) is not None
            for judged in parameters.content(self.operation, request).judged
        )

    def _body_validator(self, request: Request, names: bool) -> Any | None:
        declared = self.operation.request_body
        media = declared.media(request.content_type) if declared is not None else None
        if media is None or media.schema is None or not is_json(request.media_type) or _charset(request.content_type):
            return None
        found = strict.validator(
            self.operation.schemas, media.schema, "request", loose=self.breaks, names=names, kinds=False
        )
        return None if found is None else found.is_valid


def _charset(content_type: str | None) -> bool:
    """True if a media type names a character set that is not JSON's own (RFC 8259, 8.1)."""
    return content_type is not None and "charset" in content_type.lower() and "utf-8" not in content_type.lower()


def _quick(operation: Operation, item: Parameter, direction: str = "request") -> Any | None:
    """What says yes at once to most values of a parameter that stands alone; None if there is no such way."""
    if item.schema is None or item.content is not None or item.style != "simple":
        return None
    validator = operation.schemas.validator(item.schema, direction)
    if validator is None:
        return None
    is_valid = validator.is_valid
    kinds = parameters.kinds_of(operation, item)
    if kinds == {"string"}:
        node = resolve(operation.schemas.value, item.schema)
        if isinstance(node, Mapping) and _ANNOTATIONS.issuperset(node):
            return _anything
        return is_valid
    if kinds == {"integer"}:
        node = resolve(operation.schemas.value, item.schema)
        if isinstance(node, Mapping) and _BOUNDED.issuperset(node):
            least, most = node.get("minimum", 0), node.get("maximum", 10**9)
            if type(least) is int and type(most) is int:
                return lambda text: len(text) < 10 and text.isascii() and text.isdigit() and least <= int(text) <= most
        return lambda text: len(text) < 10 and text.isascii() and text.isdigit() and is_valid(int(text))
    return None


def _anything(text: str) -> bool:
    return True
