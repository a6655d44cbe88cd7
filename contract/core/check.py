"""The join: what is observed beside what is declared, by operation; and the loop over rules that look at each row."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple
from urllib.parse import parse_qsl

from contract.core import parameters, pointed, routing, rule
from contract.core.evidence import (
    Artifact,
    Complaint,
    Exchange,
    OwnRefusal,
    Request,
    Route,
    Stale,
    Traffic,
    Unseen,
    is_json,
    is_masked,
)
from contract.core.finding import Finding, Level, Mismatch, fingerprint, folded
from contract.core.malformed import Malformed
from contract.core.openapi import Contract, Operation, follow
from contract.core.predicate import EVERYTHING, Answered, Predicate, known
from contract.core.refusal import Refusal
from contract.core.rule import Rule

Levels = Callable[[str, Level], Level | None]
"""The level that a rule has for this user, given its id and its own level; None if it is switched off."""


class Judgement(NamedTuple):
    """What one exchange came to: the operation it belongs to, where there is one, and what drifts in it."""

    operation: Operation | None
    findings: tuple[Finding, ...]
    sent: tuple[str, ...] = ()
    """Declared parameters that the request carried: `query:limit`, `body`."""
    answered: Answered = (0, "", "")
    """Status, key of the declared response that covers it, media type."""


class Judge:
    """The one judge, for fuzzing, traffic, middleware and service alike."""

    def __init__(self, contract: Contract, levels: Levels) -> None:
        self.contract = contract
        self.levels = levels
        self.router: dict[int, list[Refusal]] = {}
        """What the target answers, by status, where no operation can have answered; empty where it was not asked."""
        self._matched = [
            known(item) for item in rule.of_row("matched", Exchange) if levels(item.id, item.level) is not None
        ]
        self._predicates: dict[str, Predicate] = {}
        self._undeclared = rule.of_row("undeclared", Exchange)
        self._find = contract.router.find
        self._complained = {item.id: item for item in rule.of_row("complained")}
        self._malformed = Malformed(contract)
        self.spanning: dict[str, frozenset[str]] = {}
        """What `spans` was told."""

    def exchange(self, exchange: Exchange) -> Judgement:
        """All that drifts in one exchange; an operation that is only guessed at by the sender is not believed."""
        request = exchange.request
        url = request.url
        if "#" in url:
            path, query = request.path, request.query
        else:
            path, _, query = url.partition("?")
        match = self._find(request.method, path)
        if match is not None and match[0] is None and not request.method.isupper():
            match = self._find(request.method.upper(), path)
        if match is None or match[0] is None:
            match = self.contract.moved(request.method.upper(), path) or match
        if match is None or match[0] is None:
            return self._nowhere(exchange, match[3] if match is not None else frozenset())
        operation, names, texts = match[0], match[1], match[2]
        if not names:
            values = _NO_VALUES
        elif len(names) == 1:
            values = {names[0]: texts[0]}
        else:
            values = dict(zip(names, texts, strict=True))
        predicate = self._predicates.get(operation.key) or self.predicate(operation)
        answered, sent, refused = predicate.look(exchange, values, path, query)
        if refused is None and (answered[0] != 405 or not self.router):
            return _made(Judgement, (operation, (), sent or (), answered))
        return self.explained(operation, exchange, values, refused or frozenset(), sent)

    def is_router_s(self, exchange: Exchange) -> bool:
        """True for an answer that the router gives to whatever it does not know."""
        answer = exchange.response
        return answer is not None and any(refusal.covers(exchange) for refusal in self.router.get(answer.status, ()))

    def predicate(self, operation: Operation) -> Predicate:
        """What says quickly whether any rule has something to say of an exchange of the operation."""
        found = self._predicates.get(operation.key)
        if found is None:
            found = self._predicates[operation.key] = Predicate(operation, self._matched)
        return found

    def explained(
        self,
        operation: Operation,
        exchange: Exchange,
        values: Mapping[str, str],
        sees: frozenset[str] = EVERYTHING,
        sent: tuple[str, ...] | None = None,
    ) -> Judgement:
        """What the rules say, each asked in turn; by default the same as `exchange`, without its quick way."""
        operation.asked(exchange, values)
        found = [
            finding
            for item in self.predicate(operation).rules
            if item.sees in sees
            for mismatch in item.check(operation, exchange)
            if not _is_masked(exchange, mismatch)
            and (finding := self._stamp(item, operation.key, operation.identity, mismatch)) is not None
        ]
        if any(finding.mismatch.component in self._malformed for finding in found):
            found = [finding for finding in found if finding.mismatch.component not in self._malformed]
        answer = exchange.response
        response = operation.response(answer.status) if answer is not None else None
        if answer is not None and answer.status in self.router:
            if self.is_router_s(exchange):
                found = self._without_the_router_s(operation, exchange, found)
            elif answer.status == 405:
                found += self.matched(operation, OwnRefusal(exchange))
        return Judgement(
            operation,
            tuple({finding.fingerprint: finding for finding in found}.values()),
            tuple(parameters.sent(operation, exchange.request, values)) if sent is None else sent,
            (
                answer.status if answer is not None else 0,
                response.key if response is not None else "",
                (answer.media_type or "") if answer is not None else "",
            ),
        )

    def _nowhere(self, exchange: Exchange, methods: frozenset[str]) -> Judgement:
        """What an exchange that belongs to no operation comes to; `methods` are those that its path declares."""
        if methods and _implied(exchange.request.method, methods):
            return Judgement(None, ())
        if not exchange.request.path.startswith(self.contract.prefix):
            return Judgement(None, ())  # a page, an icon: beside the API, not in it
        key = f"{exchange.request.method.upper()} {routing.template(exchange.request.path)}"
        return Judgement(
            None,
            tuple(
                finding
                for item in self._undeclared
                for mismatch in item.check(exchange)
                if (finding := self._stamp(item, key, key, mismatch)) is not None
            ),
        )

    def _without_the_router_s(self, operation: Operation, exchange: Exchange, found: list[Finding]) -> list[Finding]:
        """What is left of the findings about an answer that the router gave: it is no answer of the operation.

        A route may be narrower than its template (a pattern, a type), so that some ids never reach the handler. Where
        the status is declared by its number, and the path keeps the document, the answer is not the promised one,
        whoever gave it.
        """
        assert exchange.response is not None
        promised = str(exchange.response.status) in operation.responses
        if promised and not any(place.startswith("path:") for place, _ in self.breaks(exchange) or ()):
            return [finding for finding in found if finding.rule not in _OF_THE_ROUTER]
        return [finding for finding in found if finding.mismatch.where.direction != "response"]

    def spans(self, names: Mapping[str, Iterable[str]]) -> None:
        """Path parameters that may hold slashes, by operation: a route list knows, and OpenAPI 3.1 cannot say it."""
        for key, mine in names.items():
            operation = self.contract.by_key.get(key)
            if operation is not None and not operation.spans.issuperset(mine):
                operation.__dict__["spans"] = self.spanning[key] = operation.spans.union(mine)
        if self.spanning:
            self.contract.__dict__.pop("router", None)  # it is made anew, from the spans
            self._find = self.contract.router.find

    def breaks(self, exchange: Exchange) -> list[tuple[str, str]] | None:
        """Places of a request that break the document, each with its reason; None if the request matches nothing."""
        match = self.contract.match(exchange.request.method, exchange.request.path)
        if match is None or match.operation is None:
            return None
        return [
            (place, error.message)
            for place, error in parameters.errors(match.operation, exchange, match.path_parameters)
        ]

    def has_empty_query(self, exchange: Exchange) -> bool:
        """True if a declared query parameter is sent empty that may not be: `allowEmptyValue` is false unless it is said."""
        match = self.contract.match(exchange.request.method, exchange.request.path)
        if match is None or match.operation is None:
            return False
        sent = {name for name, value in parse_qsl(exchange.request.query, keep_blank_values=True) if not value}
        return any(
            each.location == "query" and each.name in sent and not each.allow_empty
            for each in match.operation.parameters
        )

    def reads(self, exchange: Exchange) -> bool:
        """True if nothing in the request is beyond us: its body is read into values, or there is none."""
        match = self.contract.match(exchange.request.method, exchange.request.path)
        if match is None or match.operation is None or not exchange.request.body:
            return True
        media = exchange.request.media_type
        content = parameters.content(match.operation, exchange.request)
        return content.unread is None and (bool(content.judged) or media is None or is_json(media))

    def complaint(self, complaint: Complaint) -> Iterator[Finding]:
        """What a probe complains of, as findings; nothing if its operation is not in the document.

        One that it must not be in, an undeclared one, is the whole path, as in a list of routes.
        """
        item = self._complained.get(complaint.kind)
        undeclared = complaint.kind == UNDECLARED
        operation = self.contract.by_key.get(complaint.operation) if not undeclared else None
        if item is None or (operation is None and not undeclared):
            return
        key = operation.key if operation is not None else complaint.operation
        for mismatch in item.check(operation, complaint):
            finding = self._stamp(item, key, operation.identity if operation is not None else key, mismatch)
            if finding is not None:
                yield finding

    def document(self) -> Iterator[Finding]:
        """What the document says of itself: lint."""
        for item in rule.of_row("declared"):
            if self.levels(item.id, item.level) is None:
                continue
            for key, mismatch in item.check(self.contract):
                operation = self.contract.by_key.get(key) if key is not None else None
                finding = self._stamp(item, key, operation.identity if operation is not None else None, mismatch)
                if finding is not None:
                    yield finding

    def routes(self, undeclared: Iterable[Route], unobserved: Iterable[Operation]) -> Iterator[Finding]:
        """A route list is exhaustive evidence: what is missing on either side is drift."""
        for route in undeclared:
            key = f"{route.method} {route.path}"
            for item in rule.of_row("undeclared", Route):
                for mismatch in item.check(route):
                    if (finding := self._stamp(item, key, key, mismatch)) is not None:
                        yield finding
        for operation in unobserved:
            for item in rule.of_row("unobserved", Route):
                for mismatch in item.check(operation):
                    if (finding := self._stamp(item, operation.key, operation.identity, mismatch)) is not None:
                        yield finding

    def unseen(self, operation: Operation, evidence: Unseen) -> Iterator[Finding]:
        """What is declared and was never seen."""
        for item in rule.of_row("unobserved", Unseen):
            for mismatch in item.check(operation, evidence):
                if (finding := self._stamp(item, operation.key, operation.identity, mismatch)) is not None:
                    yield finding

    def matched(self, operation: Operation, evidence: object) -> Iterator[Finding]:
        """What drifts between an operation and evidence that is neither an exchange nor a route."""
        for item in rule.of_row("matched", type(evidence)):
            for mismatch in item.check(operation, evidence):
                if (finding := self._stamp(item, operation.key, operation.identity, mismatch)) is not None:
                    yield finding

    def generated(self, evidence: Artifact | Stale) -> Iterator[Finding]:
        """What a generator failed to make or prove."""
        key = evidence.pointer if isinstance(evidence, Artifact) and evidence.kind == "operation" else None
        operation = self.contract.by_key.get(key) if key is not None else None
        for item in rule.of_row("generated", type(evidence)):
            for mismatch in item.check(evidence):
                finding = self._stamp(item, key, operation.identity if operation is not None else key, mismatch)
                if finding is not None:
                    yield finding

    def _stamp(self, item: Rule, key: str | None, identity: str | None, mismatch: Mismatch) -> Finding | None:
        level = self.levels(item.id, item.level)
        if level is None:
            return None
        return Finding(item.id, level, key, mismatch, fingerprint(item.id, identity, mismatch))


_NO_VALUES: Mapping[str, str] = {}
_made = tuple.__new__
"""A named tuple's own way to be made is a function in Python, and costs twice as much."""

UNDECLARED = "undeclared-operation"
"""The one kind of complaint whose operation the document does not have."""


def _is_masked(exchange: Exchange, mismatch: Mismatch) -> bool:
    """True where what is told is a mask that stands for what was sent (law 7)."""
    where = mismatch.where
    return bool(exchange.masked) and is_masked(exchange, where.direction or "", where.pointer, mismatch.keyword)


NOWHERE = ("/zq7-no-such-path", "/zq8-none-either")
"""Below a base path, paths that nobody serves."""
NO_METHODS = ("TRACE", "ZQ7")
"""Methods that nobody serves; a server in front may refuse one of them in words of its own."""
_OF_THE_ROUTER = frozenset({"undeclared-status", "undeclared-media-type", "missing-header"})


def _implied(method: str, methods: frozenset[str]) -> bool:
    """True for what a server answers beside the operations of a path: HEAD of a GET, OPTIONS (RFC 9110, 9.3.2, 9.3.7)."""
    return method.upper() == "OPTIONS" or (method.upper() == "HEAD" and "GET" in methods)


NOT_OWN = frozenset({401, 403, 404, 405, 429})
"""Statuses that stand in front of an operation (401, 403, 429) or are the router's (404, 405)."""


def own_answer(exchange: Exchange) -> bool:
    """True if the answer is the operation's own (law 4): none of `NOT_OWN`, not a failure (5xx), not silence."""
    answer = exchange.response
    return answer is not None and 200 <= answer.status < 500 and answer.status not in NOT_OWN


def believed(complaint: Complaint, judge: Judge) -> Complaint | None:
    """The complaint if our own reading of the request bears it out; None where the prober is likely mistaken.

    A mutated request may still keep the schema (`"1"` sent as a query value is an integer on the wire), and one that
    was meant to be valid may not be.
    """
    if complaint.kind == "auth-not-enforced":
        return complaint if complaint.where != "security:made-up" or not _anyone_may_come(complaint, judge) else None
    if complaint.kind not in ("invalid-request-accepted", "valid-request-refused") or not complaint.exchanges:
        return complaint
    exchange = complaint.exchanges[-1]
    broken = judge.breaks(exchange)
    if broken is None:
        return None
    if complaint.kind == "valid-request-refused":
        if broken or judge.has_empty_query(exchange):
            return None
        named, where = pointed.place(exchange), complaint.where
        # No place that the asker changed, or one that the server sees a part of.
        if named is not None and (where in (None, "body") or f"{named}/".startswith(f"{where}/")):
            return replace(complaint, where=named)
        return complaint
    if not broken:
        return None if judge.reads(exchange) else complaint
    if exchange.response is not None and 200 <= exchange.response.status < 300:
        return None  # the exchange itself shows it, each place as a finding of its own
    place, reason = broken[0]
    return Complaint(
        complaint.kind,
        complaint.operation,
        complaint.exchanges,
        f"The server took a request in which {place} breaks the document: {reason}.",
        name=reason,
        where=folded(place),
        source=complaint.source,
    )


def _anyone_may_come(complaint: Complaint, judge: Judge) -> bool:
    """True where a made-up name and password may well be those of a user: HTTP Basic, where some services take anybody."""
    operation = judge.contract.by_key.get(complaint.operation)
    return operation is not None and any(
        str(operation.security_scheme(name).get("scheme", "")).lower() == "basic"
        for option in operation.security or ()
        for name in option
    )


def declared_by(operation: Operation, path: str, values: Mapping[str, str], listed: bool) -> bool:
    """True if the operation's path parameters allow the values of a path; where `listed`, each of them by an enum."""
    asked = Exchange(Request(operation.method, path), None, "routes")
    if any(place.startswith("path:") for place, _ in parameters.errors(operation, asked, values)):
        return False
    mine = [item for item in operation.parameters if item.location == "path" and item.name in values]
    return not listed or all(item.schema is not None and _enumerates(operation, item.schema) for item in mine)


def _enumerates(operation: Operation, pointer: str) -> bool:
    _, schema = follow(operation.root, pointer)
    return isinstance(schema, Mapping) and ("enum" in schema or "const" in schema)


def judged_traffic(exchange: Exchange) -> bool:
    """True for traffic whose *requests* are somebody's own, and not made up by a prober."""
    return exchange.traffic in (Traffic.REAL, Traffic.TEST)
