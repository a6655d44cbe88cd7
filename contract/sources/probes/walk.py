"""The walk: each operation is asked the same fixed things in every run, and each resource lives its life once.

In this order: one careful request per operation that only reads; what else the readers are asked; writers; what
destroys, last. Ids are carried from answers to the operations that need them. Nothing is deleted but what the walk
itself made. A fuzzer that comes after it is given what was learnt.
"""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from typing import Any
from urllib.parse import quote, unquote

import orjson

from contract.core import message, parameters, sample, variants
from contract.core.cause import cause
from contract.core.document import escape, unescape
from contract.core.evidence import Complaint, Exchange, Headers, Progress, Request, Traffic, header, is_json
from contract.core.finding import folded
from contract.core.known import Known, before, id_of, word
from contract.core.openapi import MediaType, Operation, Parameter
from contract.core.plausible import better, repaired, text_for, wanted
from contract.core.sample import MISSING
from contract.core.target import Target
from contract.core.variants import Ask, Base

SOURCE = "walk"
MAX_REQUESTS = 40
"""Requests of one operation, its creations for others included."""

_SAFE = ("GET", "HEAD", "OPTIONS", "TRACE", "QUERY")
_HARMLESS = ("GET", "HEAD", "OPTIONS")
"""What safe mode sends, as the fuzzer's does."""
_WRITES = ("POST", "PUT", "PATCH")
_REFUSED = frozenset({400, 422})
"""Answers that refuse the data itself."""
_CREDENTIAL = re.compile(r"authorization|cookie|.*(api|access|auth|secret|session|private)[-_]?(key|token|id)?", re.IGNORECASE)  # fmt: skip
_DANGEROUS = re.compile(
    r"shut_?down|reset|purge|restart|reboot|power_?off|halt|kill|terminate|wipe|flush|truncate|drop|erase|"
    r"factory_?reset|log_?out|sign_?out|uninstall|format_?disk|self_?destruct|destroy_?all|delete_?all|clear_?all"
)
_SLOW_S = 8.0
"""Seconds that the answers of one operation may take in all, before it is asked no more."""
_ENDS = 6
"""The round from which on things are deleted; before it, what has fewer owners comes first, and then what has more."""
_ACTS, _STATES = 6, 4
"""Requests of an operation that are kept for the states of a resource, and members of an enum that are tried."""
_FOR_LATER = 16
"""Requests that are kept for a reader that nothing is known for yet."""
_CREATIONS = 5
"""Things that are made in place of ones that were deleted, for one operation."""


@dataclass(frozen=True)
class Options:
    """How far the walk goes, and what the user told of the target."""

    max_requests: int = MAX_REQUESTS
    max_time_s: float | None = None
    safe: bool = False
    headers: Headers = ()
    """What is sent with every request; those that are credentials are left out or spoiled where that is asked."""
    secret: frozenset[str] = frozenset()
    """Names of headers that are credentials whatever they are called, in lower case."""
    ids: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    """Values that exist, by the name of a parameter (`project_id`) or of a thing (`project`)."""
    left_out: frozenset[str] = frozenset()
    """Keys of operations that are dangerous, and not asked."""
    is_router_s: Callable[[Exchange], bool] = lambda exchange: False
    """True for an answer that the router gives to any path that it does not know."""


@dataclass
class Learnt:
    """What the walk leaves to those who come after it."""

    ids: dict[tuple[str, str], list[Any]] = field(default_factory=dict)
    """Values of path parameters that exist, by operation key and name."""
    bodies: dict[str, tuple[str | None, Any]] = field(default_factory=dict)
    """By operation key the media type and the value of a body that was accepted."""
    own: list[str] = field(default_factory=list)
    """Paths of what the walk made and could not delete again."""


def is_dangerous(operation: Operation) -> bool:
    """True if its name says that it ends more than a resource: shutdown, reset, purge, logout.

    The last literal segment is looked at, and the operation's id: its first word, where it does not name what it ends.
    """
    last = next((part for part in reversed(operation.path.split("/")) if part and "{" not in part), "")
    named = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", operation.operation_id or "")
    names = [last, named]
    if not (operation.method == "DELETE" and operation.path.endswith("}")):
        names.append(re.split(r"[^A-Za-z]", named)[0])
    return any(_DANGEROUS.fullmatch(name.lower().replace("-", "_")) for name in names)


_DELETES = re.compile(r"((bulk|batch|mass|multi|soft|hard)_?)?(delete|remove|destroy|trash|discard)(_?(bulk|batch|many|all|multiple|items?))?")  # fmt: skip


def deletes(operation: Operation) -> bool:
    """True if it ends a resource: by its method, or by the last word of its path: `POST /tasks/{id}/delete`."""
    if operation.method in _SAFE and "{" not in operation.path:
        return False  # it names nothing that it could end: the standard's word counts (RFC 9110, 9.2.1)
    last = next((part for part in reversed(operation.path.split("/")) if part), "")
    verb = last.rpartition(":")[2] if ":" in last else last
    return operation.method == "DELETE" or _DELETES.fullmatch(verb.lower().replace("-", "_")) is not None


def probe(
    operations: Sequence[Operation],
    target: Target,
    options: Options,
    learnt: Learnt,
    *,
    now: Callable[[], float] = time.monotonic,
    fresh: Callable[[], int] = time.time_ns,
) -> Iterator[Exchange | Complaint | Progress]:
    """Exchanges, complaints of what only the asker can know, and progress after each operation of each round.

    The same requests in the same order for the same answers. `fresh` numbers what must be new where a name is taken.
    The last Progress has the phase "end"; its warnings say what cut the walk short.
    """
    return _Walk(operations, target, options, learnt, now, fresh).events()


class _Stopped(Exception):
    """The walk ends here; its text says why."""


class _Stop:
    """One operation on the tour: what it is asked with, what it answered."""

    def __init__(self, operation: Operation, left: int) -> None:
        self.operation = operation
        self.left = left
        self.base: Base | None = None
        self.is_accepted = False
        self.is_sure = False
        """True if every id of its path is known to exist."""
        self.plain: list[Exchange] = []
        """The answers to honest requests with our own credentials."""
        self.took_s = 0.0
        self.asked: set[tuple[Any, ...]] = set()
        self.refused: Complaint | None = None
        self.faults: set[tuple[int, str]] = set()
        self.is_done = False
        self.is_unique = False
        """True if the same cannot be created twice: then each further one has names of its own."""


class _Walk:
    def __init__(
        self,
        operations: Sequence[Operation],
        target: Target,
        options: Options,
        learnt: Learnt,
        now: Callable[[], float],
        fresh: Callable[[], int],
    ) -> None:
        self._target = target
        self._options = options
        self._learnt = learnt
        self._now = now
        self._fresh = fresh
        self._known = Known(options.ids)
        driven = [op for op in operations if op.key not in options.left_out and (not options.safe or (op.method in _HARMLESS and not deletes(op)))]  # fmt: skip
        self._stops = [_Stop(op, options.max_requests) for op in driven]
        self._by_key = {stop.operation.key: stop for stop in self._stops}
        self._deadline = None if options.max_time_s is None else now() + options.max_time_s
        self._own: list[tuple[str, Any, str]] = []
        """What was made: word, id, and the path below which it was made."""
        self._makers: dict[str, _Stop] = {}
        """By word the operation that made such a thing."""
        self._absent: set[str] = set()
        """Paths of which a reader said that nothing is there."""
        self._lent: set[tuple[str, str]] = set()
        """What an answer named that did not say 201: new perhaps, or found."""
        self._finders: set[str] = set()
        """Keys of operations that answer the same thing twice."""
        self._items = {_about(op) for op in operations if op.path.rstrip("/").endswith("}")}
        """Words of which there are single things."""
        self._ended = {_about(op) for op in driven if deletes(op)}
        self._silent = 0
        self._salt = 0
        shown = {name.lower() for op in operations for name in _named_by_security(op)} | options.secret
        self._secret = [item for item in options.headers if item[0].lower() in shown or _CREDENTIAL.fullmatch(item[0])]
        self._plain_headers = tuple(item for item in options.headers if item not in self._secret)

    # --- the tour ---

    def events(self) -> Iterator[Exchange | Complaint | Progress]:
        rounds = (
            self._careful,
            self._reads,
            self._creates,
            self._again,
            self._writes,
            self._acts,
            self._destroys,
            self._cleans,
            self._served,
        )
        whole, done, warning = len(rounds) * len(self._stops), 0, ""
        order = sorted(self._stops, key=lambda stop: stop.operation.path.count("{"))  # stable
        try:
            for number, each in enumerate(rounds):
                stops = order if number < _ENDS else sorted(order, key=lambda stop: -stop.operation.path.count("{"))
                stops = list(reversed(order)) if each == self._cleans else stops
                for stop in stops:
                    yield from each(stop)
                    done += 1
                    yield Progress(done, whole, stop.operation.key, f"walk {number + 1} of {len(rounds)}")
        except _Stopped as stopped:
            warning = str(stopped)
        self._leave()
        slow = [stop.operation.key for stop in self._stops if stop.took_s > _SLOW_S]
        if slow:
            yield Progress(done, whole, "", "walk", [f"walk: {', '.join(slow[:3])}{' and others' if len(slow) > 3 else ''} answered slowly and {'was' if len(slow) == 1 else 'were'} asked less"])  # fmt: skip
        yield Progress(done if warning else whole, whole, "", "end", [warning] if warning else [])

    def _careful(self, stop: _Stop) -> Iterator[Exchange | Complaint]:
        if stop.operation.method in _SAFE and not deletes(stop.operation):
            yield from self._honest(stop)

    def _others(self, stop: _Stop) -> Iterator[Exchange | Complaint]:
        """The same of other things that are known to exist: not all look alike."""
        if stop.base is None or "{" not in stop.operation.path:
            return
        for given, sure in islice(self._places(stop.operation), 4):
            if sure and any(stop.base.given.get(label) != value for label, value in given.items()):
                request = self._written(stop, replace(stop.base, given={**stop.base.given, **given}))
                if request is not None:
                    yield from self._ask(stop, Ask("another thing", request, is_blamed=False))

    def _reads(self, stop: _Stop) -> Iterator[Exchange | Complaint]:
        if stop.operation.method in _SAFE and stop.is_accepted:
            yield from self._others(stop)
            yield from self._everything(stop)

    def _creates(self, stop: _Stop) -> Iterator[Exchange | Complaint]:
        if stop.operation.method not in _SAFE and not deletes(stop.operation):
            yield from self._created(stop)

    def _created(self, stop: _Stop) -> Iterator[Exchange | Complaint]:
        """Plainly, and the same again: a conflict, another one, or what is there already."""
        yield from self._honest(stop)
        if stop.is_accepted and stop.base is not None and stop.operation.method in ("POST", "PUT"):
            for item in self._once_more(stop, "the same again"):
                yield item
                if isinstance(item, Exchange) and stop.operation.method == "POST":
                    stop.is_unique = _status(item) in (400, 409, 422)

    def _again(self, stop: _Stop) -> Iterator[Exchange | Complaint]:
        """Readers once more: lists have something in them now, and ids that were missing are known."""
        if stop.operation.method not in _SAFE or deletes(stop.operation):
            return
        if not stop.is_accepted or not stop.is_sure:
            yield from self._honest(stop)
        elif stop.base is not None:
            yield from self._once_more(stop, "plainly, once more")
        if not stop.is_done:
            yield from self._everything(stop)

    def _writes(self, stop: _Stop) -> Iterator[Exchange | Complaint]:
        if stop.operation.method in _SAFE or deletes(stop.operation):
            return
        if not stop.is_accepted:
            yield from self._created(stop)
        yield from self._everything(stop)

    def _acts(self, stop: _Stop) -> Iterator[Exchange | Complaint]:
        """Each state that a resource can be put in, and whether it can still be changed then.

        A reader that found nothing before may find what was made since.
        """
        base, operation = stop.base, stop.operation
        if deletes(operation):
            return
        if operation.method in _SAFE and not stop.is_accepted:
            yield from self._honest(stop)
            if stop.is_accepted:
                yield from self._everything(stop)
        if (
            operation.method not in _WRITES
            or base is None
            or not stop.is_accepted
            or not isinstance(base.body, Mapping)
        ):
            return
        for name, members in islice(variants.enums(operation, base), 2):
            for member in members[-_STATES:]:
                request = self._written(stop, replace(base, body={**base.body, name: member}))
                if request is not None:
                    place = f"body:/{escape(name)}"
                    yield from self._ask(stop, Ask(f"`{place}` as {member}", request, place, is_blamed=False))
        yield from self._once_more(stop, "plainly, at the end of its states")
        for other in self._stops:
            # `move` has put it in its last state: can it still be changed?
            changes = other.operation.method in ("PUT", "PATCH") and other.is_accepted
            if changes and other is not stop and operation.path.startswith(f"{other.operation.path}/"):
                yield from self._once_more(other, f"after {operation.key}")

    def _destroys(self, stop: _Stop) -> Iterator[Exchange | Complaint]:
        if deletes(stop.operation):
            yield from self._deletion(stop)

    def _cleans(self, stop: _Stop) -> Iterator[Exchange | Complaint]:
        """What is left of what the walk made is deleted, what lies inside of others first."""
        operation = stop.operation
        names = re.findall(r"\{([^{}]*)\}", operation.path)
        last = next(
            (each for each in operation.parameters if each.location == "path" and each.name in names[-1:]), None
        )
        if operation.method != "DELETE" or last is None or not operation.path.rstrip("/").endswith("}"):
            return
        for given in list(self._mine(operation, last)):
            request = self._written(stop, self._base(operation, given))
            if request is not None and stop.left > 0:
                for item in self._ask(stop, Ask("what the walk made", request, is_blamed=False)):
                    yield item
                    if isinstance(item, Exchange) and 200 <= _status(item) < 300:
                        self._forget(request.path, given[last.label])

    def _once_more(self, stop: _Stop, what: str) -> Iterator[Exchange | Complaint]:
        request = self._written(stop, stop.base) if stop.base is not None else None
        if request is not None:
            yield from self._ask(stop, Ask(what, request, is_blamed=False))

    # --- one operation ---

    def _honest(self, stop: _Stop) -> Iterator[Exchange | Complaint]:
        """Plain requests until one is taken: a few ids, then a better body."""
        operation = stop.operation
        tried = 0
        for given, sure in self._places(operation):
            if tried >= 3:
                break
            stop.is_sure = stop.is_sure or sure
            for base in self._bases(operation, given, stop):
                if stop.left <= 0:
                    return
                request = self._written(stop, base)
                key = (request.url, request.body, request.headers) if request is not None else ()
                if request is None or key in stop.asked:
                    continue
                if stop.base is None:
                    stop.base = base
                exchange = None
                for item in self._ask(stop, Ask("plainly", request, "body" if request.body else None)):
                    yield item
                    exchange = item if isinstance(item, Exchange) else exchange
                if exchange is None:
                    continue
                if _is_unreadable(exchange):
                    # Some servers fail at packing alone: what they say without it is worth knowing.
                    unpacked = tuple(item for item in base.headers if item[0] != "Accept-Encoding")
                    base = replace(base, headers=unpacked)
                    request = self._written(stop, base)
                    if request is not None:
                        for item in self._ask(stop, Ask("plainly, not packed", request, is_blamed=False)):
                            yield item
                            exchange = item if isinstance(item, Exchange) else exchange
                stop.plain.append(exchange)
                answer = exchange.response
                if answer is not None and 200 <= answer.status < 300:
                    stop.base, stop.is_accepted, stop.is_sure = base, True, True
                    self._remember(stop, base)
                    return
                if answer is not None and answer.status in (301, 302, 303, 304, 307, 308):
                    stop.base = base
                    stop.is_accepted = str(answer.status) in operation.responses
                    return
                if answer is None or answer.status in (401, 403, 404, 405, 410, 429, 501):
                    break  # not for what was in the request
            tried += 1

    def _bases(self, operation: Operation, given: Mapping[str, Any], stop: _Stop) -> Iterator[Base]:
        """Values for one honest request, then better ones: each is made only if the one before was refused."""
        values = dict(given)
        for parameter in operation.parameters:
            if parameter.required and parameter.location in ("query", "header", "cookie"):
                found = self._value(operation, parameter)
                if found is not MISSING:
                    values[parameter.label] = found
            elif parameter.location == "query" and _waits(operation, parameter):
                values[parameter.label] = 0  # the default may take seconds
        accept = _usual(operation)
        media = _body_media(operation)
        if media is None:
            yield Base(values, headers=accept)
            refusal = str(_words(stop.plain[-1]) or "") if stop.plain else ""
            for parameter in operation.parameters:
                label = parameter.label
                if (
                    parameter.location == "query"
                    and label not in values
                    and re.search(rf"\b{re.escape(parameter.name)}\b", refusal)
                ):
                    # It names what it misses: "no chart or context is given".
                    for value in islice(self._seen(operation, parameter), 2):
                        yield Base({**values, label: value}, headers=accept)
            for parameter in operation.parameters:  # what a query may be called, by other values that were seen
                if parameter.required and parameter.location == "query":
                    for value in islice(self._seen(operation, parameter), 3):
                        yield Base({**values, parameter.label: value}, headers=accept)
            several = dict(values)
            for parameter in operation.parameters:
                if parameter.location == "query" and (found := self._value(operation, parameter)) is not MISSING:
                    several.setdefault(parameter.label, found)
            if len(several) > len(values) and stop.plain and _status(stop.plain[-1]) in (400, 422):
                yield Base(several, headers=accept)
            return
        schema = media.schema
        if schema is None:
            yield Base(values, media=media.range, headers=accept)
            return
        seen: list[Any] = []
        for salt, full in ((0, False), (0, True)):
            body = sample.value(operation.schemas, schema, "request", salt=salt, full=full)
            if body is MISSING:
                continue
            body = self._likely(operation, schema, body)
            if body not in seen:
                seen.append(body)
                yield Base(values, body, media.range, accept)
        if not seen:
            yield Base(values, media=media.range, headers=accept)
            return
        yield from self._after_refusal(operation, schema, values, media.range, accept, seen, stop)

    def _after_refusal(
        self, operation: Operation, schema: str, values: Mapping[str, Any], media: str, accept: Headers, seen: list[Any], stop: _Stop
    ) -> Iterator[Base]:  # fmt: skip
        """What the refusal asks for, once; and another name where one is taken."""
        refusal = _words(stop.plain[-1]) if stop.plain else None
        if refusal is not None:
            full = seen[-1]
            body = seen[0]
            if isinstance(body, Mapping) and isinstance(full, Mapping):
                absent = {name: value for name, value in full.items() if name not in body}
                body = {**body, **wanted(refusal, absent)}
            for start in (repaired(body, refusal), repaired(full, refusal)):
                if start not in seen:
                    seen.append(start)
                    yield Base(values, start, media, accept)
        last = _status(stop.plain[-1]) if stop.plain else 0
        said = str(_words(stop.plain[-1])).lower() if stop.plain else ""
        if last == 409 or re.search(r"already|taken|exists|unique|duplicate", said):
            salt = 100 + self._fresh() % 1_000_000_000
            body = sample.value(operation.schemas, schema, "request", salt=salt)
            if body is not MISSING:
                yield Base(values, _renewed(self._likely(operation, schema, body), salt), media, accept)

    def _likely(self, operation: Operation, schema: str, body: Any) -> Any:
        """The body with likelier values where they keep the schema."""
        likely = better(body)
        for fresh in (self._known.filled(likely), likely):
            if fresh == body or operation.schemas.accepts(schema, "request", fresh):
                return fresh
        return body

    def _value(self, operation: Operation, parameter: Parameter) -> Any:
        """A value for a parameter: as the document shows it, else as it was seen, else as its name suggests."""
        if parameter.schema is None:
            return MISSING
        hints = message.examples(operation, parameter.pointer)
        own = next(sample.values(operation.schemas, parameter.schema, "request", hints=hints, name=parameter.name), MISSING)  # fmt: skip
        if own is not MISSING and (not isinstance(own, str) or own != parameter.name):
            return own  # an example, a default, an enum, a format
        for value in islice(self._seen(operation, parameter), 1):
            return value
        likely = text_for(parameter.name)
        if likely is not None and operation.schemas.accepts(parameter.schema, "request", likely):
            return likely
        return own

    def _seen(self, operation: Operation, parameter: Parameter) -> Iterator[Any]:
        if parameter.schema is not None:
            for value in self._known.for_name(parameter.name):
                for form in _forms(value):
                    if operation.schemas.accepts(parameter.schema, "request", form):
                        yield form
                        break

    def _places(self, operation: Operation) -> Iterator[tuple[dict[str, Any], bool]]:
        """Values for the path's parameters, the surest first; True where all of them are known to exist."""
        by_name = {parameter.name: parameter for parameter in operation.parameters if parameter.location == "path"}
        segments = [part for part in operation.path.split("/") if part]
        prefers_own = operation.method not in _SAFE

        def fill(index: int, place: str, chosen: dict[str, Any], sure: bool) -> Iterator[tuple[dict[str, Any], bool]]:
            while index < len(segments):
                segment = segments[index]
                name = segment[1:-1]
                if "{" not in segment:
                    place = f"{place}/{segment}"
                elif segment == f"{{{name}}}" and name not in by_name:  # a variable that the document does not declare
                    seen = next((value for value, _ in self._known.for_path(operation, name, place)), "zq7")
                    chosen, sure = {**chosen, f"path:{name}": seen}, False
                    place = f"{place}/{quote(str(seen), safe='')}"
                elif segment != f"{{{name}}}":
                    place, sure = f"{place}/{segment}", False
                else:
                    parameter = by_name[name]
                    found = list(islice(self._fitting(operation, parameter, place), 8))
                    if prefers_own:
                        mine = {str(value) for about, value, _ in self._own if about == word(place.rpartition("/")[2])}
                        found.sort(key=lambda item: str(item[0]) not in mine)
                    for value, is_there in found[:3]:
                        below = f"{place}/{quote(str(value), safe='')}"
                        yield from fill(index + 1, below, {**chosen, parameter.label: value}, sure and is_there)
                    value = self._made_up(operation, parameter)
                    below = f"{place}/{quote(str(value), safe='')}"
                    if value is not MISSING and str(value) not in {str(known) for known, _ in found}:
                        yield from fill(index + 1, below, {**chosen, parameter.label: value}, False)
                    for other in (1, "1"):
                        fits = parameter.schema is None or operation.schemas.accepts(parameter.schema, "request", other)
                        if fits and not found and str(value) != "1":
                            yield from fill(index + 1, f"{place}/1", {**chosen, parameter.label: other}, False)
                            break
                    return
                index += 1
            yield chosen, sure

        yield from fill(0, operation.base_paths[0], {}, True)

    def _fitting(self, operation: Operation, parameter: Parameter, place: str) -> Iterator[tuple[Any, bool]]:
        for value, sure in self._known.for_path(operation, parameter.name, place):
            for form in _forms(value):
                if parameter.schema is None or operation.schemas.accepts(parameter.schema, "request", form):
                    yield form, sure
                    break

    def _made_up(self, operation: Operation, parameter: Parameter) -> Any:
        if parameter.schema is None:
            return "zq7"
        hints = message.examples(operation, parameter.pointer)
        for value in sample.values(operation.schemas, parameter.schema, "request", hints=hints, name=parameter.name):
            if isinstance(value, (str, int)) and str(value) not in ("", ".", "..") and "/" not in str(value):
                likely = text_for(parameter.name) if value == parameter.name else None
                if likely and "/" not in likely and operation.schemas.accepts(parameter.schema, "request", likely):
                    return likely
                return value
        return MISSING

    def _everything(self, stop: _Stop) -> Iterator[Exchange | Complaint]:
        if stop.base is None:
            return
        stop.is_done = True
        yield from self._unasked_for(stop)
        yield from self._conditional(stop)
        told: dict[str, list[str]] = {}
        kept = 2 + (_ACTS if stop.operation.method in _WRITES and any(variants.enums(stop.operation, stop.base)) else 0)
        if stop.operation.method in _SAFE and not stop.is_accepted:
            kept = _FOR_LATER
        kept += _CREATIONS + 1 if self._makes_for_others(stop) else 0
        later: list[Ask] = []
        secured = _is_secured(stop.operation)
        asks = variants.everything(
            stop.operation,
            stop.base,
            secured=secured,
            takes_credentials=bool(self._secret),
            seen=self._known.shown_as,
        )
        for ask in chain(asks, later):
            if stop.left <= kept or stop.took_s > _SLOW_S:
                return
            said = told.setdefault(re.sub(r"^`[^`]*` ", "", ask.what), [])
            if ask not in later and len(said) > 1 and said[-1] == said[-2] != "":
                later.append(ask)  # refused in the same words at two places: that is looked after
                continue
            answered = None
            for item in self._ask(stop, self._made_new(stop, ask) if stop.is_unique else ask):
                yield item
                answered = item if isinstance(item, Exchange) else answered
            if answered is not None:
                refused = 400 <= _status(answered) < 500
                said.append(f"{_status(answered)} {cause(answered, stop.operation)}" if refused else "")

    def _makes_for_others(self, stop: _Stop) -> bool:
        """True if a deletion will need more of what it makes."""
        operation = stop.operation
        is_item = operation.path.rstrip("/").endswith("}")
        if operation.method not in ("POST", "PUT") or is_item != (operation.method == "PUT"):
            return False
        return (_about(operation) if is_item else word(operation.path.rstrip("/").rpartition("/")[2])) in self._ended

    def _made_new(self, stop: _Stop, ask: Ask) -> Ask:
        """The same with names that are not taken, but for what it is about."""
        try:
            value = orjson.loads(ask.request.body or b"")
        except ValueError:
            return ask
        if not isinstance(value, dict):
            return ask
        self._salt += 1
        renewed = _renewed(value, self._salt + self._fresh() % 1_000_000_000)
        about = unescape((ask.place or "").removeprefix("body:/").partition("/")[0])
        if about in value:
            renewed[about] = value[about]
        return ask._replace(request=replace(ask.request, body=orjson.dumps(renewed)))

    def _unasked_for(self, stop: _Stop) -> Iterator[Exchange | Complaint]:
        """Without each header that the user sends and the document does not declare: does it work for others?"""
        if stop.base is None or not stop.is_accepted:
            return
        declared = {each.name.lower() for each in stop.operation.parameters if each.location == "header"}
        for name, _ in self._plain_headers[:3]:
            request = self._written(stop, stop.base)
            if name.lower() in declared or request is None:
                continue
            what = f"without the header `{name}`, which is not declared"
            without: Exchange | None = None
            for item in self._ask(stop, Ask(what, request, f"header:{name}", f"but {name}")):
                yield item
                without = item if isinstance(item, Exchange) else without
            if without is None or not 400 <= _status(without) < 500 or _status(without) == 429:
                continue
            for item in self._ask(stop, Ask(f"with the header `{name}` again", request, is_blamed=False)):
                yield item
                if isinstance(item, Exchange) and 200 <= _status(item) < 300:
                    said = f"The request keeps the document, and is refused with {_status(without)} {what}."
                    key, place = stop.operation.key, f"header:{name}"
                    yield Complaint("valid-request-refused", key, (without,), said, where=place, source=SOURCE)

    def _conditional(self, stop: _Stop) -> Iterator[Exchange | Complaint]:
        """What the answer itself offers: not to be sent again (RFC 9110, 13), or in part (14)."""
        plain = next((item for item in reversed(stop.plain) if item.response is not None and item.response.status == 200), None)  # fmt: skip
        if plain is None or plain.response is None or stop.operation.method != "GET":
            return
        headers = plain.response.headers
        for name, asked in (("etag", "If-None-Match"), ("last-modified", "If-Modified-Since")):
            value = header(headers, name)
            if value is not None:
                yield from self._ask(stop, Ask(f"`{asked}`", variants.with_headers(plain.request, ((asked, value),)), None, is_blamed=False))  # fmt: skip
        if (header(headers, "accept-ranges") or "none").lower() == "bytes" and plain.response.body:
            for part in ("bytes=0-0", f"bytes={10**9}-"):
                yield from self._ask(stop, Ask("`Range`", variants.with_headers(plain.request, (("Range", part),)), None, is_blamed=False))  # fmt: skip

    # --- what destroys ---

    def _deletion(self, stop: _Stop) -> Iterator[Exchange | Complaint]:
        """The end of what the walk made, and what else a deletion is asked; without something of our own, of unknown ids."""
        operation = stop.operation
        names = re.findall(r"\{([^{}]*)\}", operation.path)
        last = next(
            (each for each in operation.parameters if each.location == "path" and each.name in names[-1:]), None
        )
        if last is None:
            return  # without an id it would delete what others made
        is_item = operation.path.rstrip("/").endswith("}")
        given = yield from self._thing(stop, last, 1)
        if given is not None:
            yield from self._end(stop, given, last)
            given = yield from self._thing(stop, last, 1)
        if given is None and not is_item:
            return  # all that lies below something that others made
        left = _CREATIONS
        asks = self._asks_of(stop, given or self._unknown(operation, last), last)
        for what in list(asks):
            mine = len(list(self._mine(operation, last))) if is_item else 0
            if stop.left <= 2 + min(mine, 12) or stop.took_s > _SLOW_S or what not in asks:
                continue
            ask = asks[what]
            answered = None
            for item in self._ask(stop, ask):
                yield item
                answered = _status(item) if isinstance(item, Exchange) else answered
            if answered is None or not 200 <= answered < 300:
                continue
            gone = ask.request.path.rstrip("/")
            if not is_item:
                self._emptied(operation, gone)
                if given is not None and given not in list(self._mine(operation, last)):
                    given = yield from self._thing(stop, last, left)
                    left -= 1
                    if given is None:
                        return
                    asks = self._asks_of(stop, given, last)
                continue
            self._forget(gone, unquote(gone.rpartition("/")[2]))
            if given is not None and given not in list(self._mine(operation, last)):
                given = yield from self._thing(stop, last, left)
                left -= 1
                asks = self._asks_of(stop, given or self._unknown(operation, last), last)

    def _asks_of(self, stop: _Stop, given: Mapping[str, Any], last: Parameter) -> dict[str, Ask]:
        """What a deletion is asked: of something of our own, or of what nobody has."""
        base = self._base(stop.operation, given)
        stop.base = stop.base or base
        secured = _is_secured(stop.operation)
        found = variants.everything(stop.operation, base, secured=secured, takes_credentials=bool(self._secret))
        plain = self._written(stop, base)
        own = plain.path.split("/") if plain is not None and given in list(self._mine(stop.operation, last)) else None
        return {ask.what: ask for ask in found if _spares(stop.operation, ask.request.path, own)}

    def _end(self, stop: _Stop, given: Mapping[str, Any], last: Parameter) -> Iterator[Exchange | Complaint]:
        """Deleted, read, and deleted again."""
        request = self._written(stop, self._base(stop.operation, given))
        if request is None:
            return
        gone: Exchange | None = None
        for item in self._ask(stop, Ask("plainly", request)):
            yield item
            gone = item if isinstance(item, Exchange) else gone
        if gone is None:
            return
        stop.plain.append(gone)
        reader = self._by_key.get(f"GET {stop.operation.path}")
        # It is there for certain where it was made below this very path, and the path can be read at all.
        made = {f"{below}/{quote(str(value), safe='')}" for _, value, below in self._own}
        below_it = any(request.path == path or request.path.startswith(f"{path}/") for path in made)
        stop.is_sure = below_it and (reader is None or reader.is_accepted)
        if not 200 <= _status(gone) < 300:
            return
        stop.is_accepted = True
        if not stop.operation.path.rstrip("/").endswith("}"):
            self._emptied(stop.operation, request.path)
            yield from self._ask(stop, Ask("deleted again", request, is_blamed=False))
            return
        self._forget(request.path, given[last.label])
        if (
            reader is not None and _status(gone) != 202
        ):  # which promises a deletion, and does not report one (RFC 9110, 15.3.3)
            asked = replace(request, method="GET", body=None, headers=(("Accept", variants.accepts(reader.operation)),))
            for item in self._ask(reader, Ask("after its deletion", asked, is_blamed=False), learns=False):
                yield item
                if not isinstance(item, Exchange) or not 200 <= _status(item) < 300:
                    continue
                # One that answers for what never was there holds nothing that could be deleted.
                nobodys = self._unknown(reader.operation, last)
                other = self._written(reader, self._base(reader.operation, nobodys))
                answers_all = False
                if other is not None:
                    for seen in self._ask(reader, Ask("what never was there", other, is_blamed=False), learns=False):
                        yield seen
                        answers_all = answers_all or (isinstance(seen, Exchange) and 200 <= _status(seen) < 300)
                if not answers_all:
                    said = f"{asked.path} was deleted (the server answered {_status(gone)}), and still answers {_status(item)}."
                    yield Complaint("use-after-delete", reader.operation.key, (gone, item), said, source=SOURCE)
        yield from self._ask(stop, Ask("deleted again", request, is_blamed=False))

    def _thing(
        self, stop: _Stop, last: Parameter, tries: int
    ) -> Generator[Exchange | Complaint, None, dict[str, Any] | None]:
        """Something that the walk made and that is still there, made anew if need be."""
        given = next(self._mine(stop.operation, last), None)
        if given is None and tries > 0:
            yield from self._make(stop, last)
            given = next(self._mine(stop.operation, last), None)
        return given

    def _make(self, stop: _Stop, last: Parameter) -> Iterator[Exchange | Complaint]:
        about = word(before(stop.operation.path, last.name))
        maker = self._makers.get(about)
        if maker is None or maker.base is None:
            return
        base, operation = maker.base, maker.operation
        for attempt in range(2):
            if stop.left <= 1 or maker.left <= 0:
                return
            self._salt += 1
            body = base.body if not attempt else _renewed(base.body, self._salt + self._fresh() % 1_000_000_000)
            asked = replace(base, body=body)
            if operation.method == "PUT":
                own = next(
                    (
                        each
                        for each in operation.parameters
                        if each.location == "path" and operation.path.rstrip("/").endswith(f"{{{each.name}}}")
                    ),
                    None,
                )
                if own is not None:
                    asked = replace(asked, given={**base.given, own.label: f"zq7walk{self._salt}"})
            request = self._written(maker, asked)
            if request is None:
                return
            before_it = len(self._own)
            yield from self._ask(maker, Ask(f"another one ({self._salt})", request, is_blamed=False))
            if len(self._own) > before_it:
                return

    def _mine(self, operation: Operation, last: Parameter) -> Iterator[dict[str, Any]]:
        """Path values of things that the walk made."""
        template = operation.base_paths[0] + operation.path.partition(f"{{{last.name}}}")[0].rstrip("/")
        names = re.findall(r"\{([^{}]*)\}", template)
        pattern = re.compile(re.sub(r"\\\{[^{}]*\\\}", "([^/]+)", re.escape(template)))
        about = word(before(operation.path, last.name))
        for theirs, value, below in list(self._own):
            match = pattern.fullmatch(below)
            if match is None and (theirs != about or names):
                continue
            parents = dict(zip(names, map(unquote, match.groups()), strict=True)) if match is not None else {}
            for form in _forms(value):
                if last.schema is None or operation.schemas.accepts(last.schema, "request", form):
                    yield {**{f"path:{name}": text for name, text in parents.items()}, last.label: form}
                    break

    def _unknown(self, operation: Operation, last: Parameter) -> dict[str, Any]:
        """Path values of which the last one is nobody's."""
        given = dict(next((given for given, _ in self._places(operation)), {}))
        unknown = variants.unknown_id(operation, last, given.get(last.label))
        given[last.label] = unknown if unknown is not None else "zq7-unknown"
        return given

    def _base(self, operation: Operation, given: Mapping[str, Any]) -> Base:
        values = dict(given)
        for parameter in operation.parameters:
            if parameter.required and parameter.location in ("query", "header", "cookie"):
                found = self._value(operation, parameter)
                if found is not MISSING:
                    values[parameter.label] = found
        return Base(values, headers=_usual(operation))

    def _emptied(self, operation: Operation, path: str) -> None:
        """What lay below a path is gone; the thing itself, where a verb says so: `POST /tasks/17/delete`."""
        path = path.rstrip("/")
        if operation.method != "DELETE" and (found := re.match(r"(.*/([^/:]+))[/:][^/]*$", path)) is not None:
            self._forget(found[1], unquote(found[2]))
        self._own = [item for item in self._own if not f"{item[2]}/".startswith(f"{path}/")]

    def _forget(self, path: str, value: Any) -> None:
        self._known.forget(path)
        below = path.rstrip("/").rpartition("/")[0]
        self._own = [
            item
            for item in self._own
            if not (str(item[1]) == str(value) and (item[2] == below or item[0] == word(below.rpartition("/")[2])))
            and not item[2].startswith(path.rstrip("/") + "/")
        ]

    # --- one request ---

    def _written(self, stop: _Stop, base: Base) -> Request | None:
        return base.write(stop.operation)

    def _ask(self, stop: _Stop, ask: Ask, learns: bool = True) -> Iterator[Exchange | Complaint]:
        operation, request = stop.operation, ask.request
        if request is None or stop.left <= 0:
            return
        key = (request.url, request.body, request.headers, ask.credentials, ask.what if not ask.is_blamed else "")
        if key in stop.asked:
            return
        stop.asked.add(key)
        if self._deadline is not None and self._now() >= self._deadline:
            raise _Stopped(
                f"walk: stopped at the deadline of {self._options.max_time_s:g} s, and the rest was not asked"
            )
        bare = ask.credentials != "own"
        if bare:
            present = {name.lower() for name, _ in request.headers}
            added = [*self._plain_headers]
            if ask.credentials == "wrong":
                added += [(name, _spoiled(value)) for name, value in self._secret]
            elif ask.credentials.startswith("but "):  # all of our own headers but this one
                added += self._secret
                present.add(ask.credentials.removeprefix("but ").lower())
            sent = tuple(item for item in added if item[0].lower() not in present)
            request = replace(request, headers=(*request.headers, *sent))
        exchange = self._target.send(
            request, source=SOURCE, traffic=Traffic.SYNTHETIC, operation=operation.key, bare=bare
        )
        stop.left -= 1
        stop.took_s += (exchange.elapsed_us or 0) / 1e6
        self._silent = self._silent + 1 if (exchange.failure or "").startswith("connection refused") else 0
        if learns and not bare:
            self._take_in(stop, exchange)
        elif bare:
            self._own_up(stop, exchange)  # whoever asked, it is there now
        yield exchange
        if self._silent >= 3:
            raise _Stopped("walk: the server went away, and the rest was not asked")
        yield from self._at_once(stop, request, exchange, bare)
        yield from self._complaints(stop, ask, exchange)

    def _at_once(self, stop: _Stop, request: Request, exchange: Exchange, bare: bool) -> Iterator[Exchange]:
        """A fault once more, the first time that it shows: later what it is about may be gone."""
        status = _status(exchange)
        if (status and status < 500) or (not status and not _is_dropped(exchange)) or stop.left <= 0:
            return
        fault = (status, cause(exchange, stop.operation))
        if fault not in stop.faults:
            stop.faults.add(fault)
            stop.left -= 1
            operation = stop.operation.key
            again = self._target.send(request, source=SOURCE, traffic=Traffic.SYNTHETIC, operation=operation, bare=bare)
            self._own_up(stop, again)
            yield again

    def _take_in(self, stop: _Stop, exchange: Exchange) -> None:
        operation, path = stop.operation, exchange.request.path.rstrip("/")
        if _status(exchange) in (404, 410) and operation.method in ("GET", "HEAD"):
            self._absent.add(path)
        made = self._own_up(stop, exchange)
        self._known.learn(operation, exchange)
        if made is not None:
            self._known.prefer(made[0], made[1])
        if operation.method == "PUT" and 200 <= _status(exchange) < 300 and operation.path.rstrip("/").endswith("}"):
            self._makers.setdefault(_about(operation), stop)

    def _own_up(self, stop: _Stop, exchange: Exchange) -> tuple[str, Any, str] | None:
        """Keeps what a success has made, as far as that is certain: a thing that was not there before."""
        operation, status = stop.operation, _status(exchange)
        if not 200 <= status < 300 or operation.method not in ("POST", "PUT"):
            return None
        is_put = operation.method == "PUT"
        named = self._put_there(operation, exchange) if is_put else self._posted(operation, exchange)
        if named is None:
            return None
        key = (named[0], str(named[1]))
        if not is_put and status != 201 and key in self._lent:
            # The same thing for a second time: it looks up what is there, and may have done so before.
            self._finders.add(operation.key)
            self._own = [item for item in self._own if (item[0], str(item[1])) != key]
        if self._known.has(*named[:2]) or (status != 201 and operation.key in self._finders):
            return None
        if status != 201 and not is_put:
            self._lent.add(key)
        self._own.append(named)
        self._makers.setdefault(named[0], stop)
        return named

    def _put_there(self, operation: Operation, exchange: Exchange) -> tuple[str, Any, str] | None:
        """What a PUT has made: its answer says so (RFC 9110, 9.3.4), or nothing was there before it."""
        path = exchange.request.path.rstrip("/")
        below, _, leaf = path.rpartition("/")
        if not operation.path.rstrip("/").endswith("}"):
            return None
        is_new = _status(exchange) == 201 or path in self._absent or "zq7walk" in leaf
        return (_about(operation), unquote(leaf), below) if is_new else None

    def _posted(self, operation: Operation, exchange: Exchange) -> tuple[str, Any, str] | None:
        """What a POST has made, and the path below which it lies: as `Location` says, else as the answer does."""
        assert exchange.response is not None
        path, status = exchange.request.path.rstrip("/"), exchange.response.status
        if operation.path.rstrip("/").endswith("}"):
            return None
        about = word(path.rpartition("/")[2])
        location = re.sub(r"^https?://[^/]+", "", header(exchange.response.headers, "location") or "")
        found: Any = None
        if "/" in location:
            holder, _, leaf = location.partition("?")[0].rstrip("/").rpartition("/")
            found = unquote(leaf)
            if holder.startswith("/") and word(holder.rpartition("/")[2]) != about:
                about, path = word(holder.rpartition("/")[2]), holder  # a job that makes it, or the thing acted on
        elif status != 202 and (status == 201 or about in self._items):
            try:
                found = id_of(exchange.response.json, about)
            except ValueError:
                return None
        if found in (None, "") or str(found) in map(unquote, exchange.request.path.split("/")):
            return None
        return None if _is_named_in(exchange.request, found) else (about, found, path)

    def _complaints(self, stop: _Stop, ask: Ask, exchange: Exchange) -> Iterator[Complaint]:
        """What only the asker can know of an answer."""
        operation, status = stop.operation, _status(exchange)
        if exchange.response is None or ("{" in operation.path and not operation.path_values(exchange)):
            return
        if ask.credentials.startswith("but "):
            return
        if ask.credentials != "own":
            if 200 <= status < 300 and _is_secured(operation):
                how = "without credentials" if ask.credentials == "none" else "with made-up credentials"
                said = f"The operation declares that it needs credentials, and answered {status} to a request {how}."
                where = "security:none" if ask.credentials == "none" else "security:made-up"
                yield Complaint("auth-not-enforced", operation.key, (exchange,), said, "security", where, SOURCE)
            return
        is_plain = ask.what == "plainly"
        if status in _REFUSED and ask.is_blamed and (stop.is_accepted or (is_plain and stop.refused is None)):
            if next(parameters.errors(operation, exchange, operation.path_values(exchange)), None) is None:
                how = "" if is_plain else f" ({_honestly(ask.what)})"
                said = f"The request keeps the document{how}, and the server refuses it with {status}."
                place = folded(ask.place) if ask.place is not None else None
                complaint = Complaint(
                    "valid-request-refused", operation.key, (exchange,), said, where=place, source=SOURCE
                )
                stop.refused = stop.refused or complaint
                yield complaint
        elif 300 <= status < 400 and status != 304 and str(status) in operation.responses and ask.is_blamed:
            broken = next(parameters.errors(operation, exchange, operation.path_values(exchange)), None)
            if broken is not None:
                said = f"The server took a request in which {broken[0]} breaks the document: {broken[1].message}."
                yield Complaint(
                    "invalid-request-accepted",
                    operation.key,
                    (exchange,),
                    said,
                    broken[1].message,
                    folded(broken[0]),
                    SOURCE,
                )

    # --- what is said at the end ---

    def _served(self, stop: _Stop) -> Iterator[Complaint]:
        """Is it served at all? Judged by honest requests alone."""
        operation, seen = stop.operation, stop.plain
        if not seen or stop.is_accepted or not _may_be_missing(operation, stop.is_sure):
            return
        answers = [_status(item) for item in seen]
        shown = seen[0]
        if all(status in (405, 501) and str(status) not in operation.responses for status in answers):
            said = f"Every honest request is answered with {answers[0]}."
        elif all(item.response is None and _is_dropped(item) for item in seen):
            said = f"No honest request gets an answer: {shown.failure}."
        elif stop.is_sure and all(status == 404 for status in answers):
            there = " for what is known to exist" if "{" in operation.path else ""
            # A 404 may be about something else that the request names: `{"user_id": 3}`.
            if (not there or _refers(stop.base)) and not all(map(self._options.is_router_s, seen)):
                return
            said = f"Every honest request is answered with 404{there}."
        else:
            return
        yield Complaint("operation-not-served", operation.key, (shown,), said, source=SOURCE)

    def _remember(self, stop: _Stop, base: Base) -> None:
        if base.body is not MISSING:
            self._learnt.bodies.setdefault(stop.operation.key, (base.media, base.body))

    def _leave(self) -> None:
        for stop in self._stops:
            operation = stop.operation
            for given, _ in islice(((given, sure) for given, sure in self._places(operation) if sure), 6):
                for label, value in given.items():
                    kept = self._learnt.ids.setdefault((operation.key, label.partition(":")[2]), [])
                    if value not in kept:
                        kept.append(value)
        own = (f"{below}/{quote(str(value), safe='')}" for _, value, below in self._own)
        # A thing that is declared nowhere may be none: an answer has an `id` for other reasons too.
        self._learnt.own[:] = [path for path in own if any(_is_at(stop.operation, path) for stop in self._stops)]


# --- small readings ---------------------------------------------------------------------------------------------------


def _usual(operation: Operation) -> Headers:
    """What any client sends."""
    return (("Accept", variants.accepts(operation)), ("Accept-Encoding", "gzip, deflate"))


def _spares(operation: Operation, path: str, own: Sequence[str] | None) -> bool:
    """True if a deletion of that path ends nothing that others made: what is not of `own` in it is nobody's name."""
    template = [*operation.base_paths[0].rstrip("/").split("/"), *operation.path.strip("/").split("/")]
    parts = path.rstrip("/").split("/")
    if len(parts) != len(template) or (own is not None and len(own) != len(parts)):
        return False
    variable = [index for index, part in enumerate(template) if "{" in part]
    if own is None:
        return all(_is_nobodys(operation, template[index], unquote(parts[index])) for index in variable[-1:])
    return all(
        parts[index] == own[index] or _is_nobodys(operation, template[index], unquote(parts[index]))
        for index in variable
    )


def _is_nobodys(operation: Operation, part: str, text: str) -> bool:
    """True for a name that nothing has: one of ours, a number that is not reached, a text where numbers are declared.

    An ill-formed value is not enough: `17` breaks `type: string`, and is the id of something all the same.
    """
    if "zq7" in text or text in _NOBODYS or re.search(r"[^\w.~+@-]", text):
        return True
    parameter = next((each for each in operation.parameters if part == f"{{{each.name}}}"), None)
    if parameter is None or parameter.schema is None or re.fullmatch(r"[+-]?\d+(\.\d+)?", text):
        return False
    kinds: frozenset[str] = variants.facts_of(operation, parameter.schema)["kinds"]
    return bool(kinds) and kinds <= {"integer", "number"}


_NOBODYS = frozenset({variants.NIL_UUID, "2147483646", str(2**63), "99999999999"})


def _is_at(operation: Operation, path: str) -> bool:
    pattern = re.sub(r"\\\{[^{}]*\\\}", "[^/]+", re.escape(operation.base_paths[0] + operation.path))
    return bool(operation.path.endswith("}") and re.fullmatch(pattern, path))


def _about(operation: Operation) -> str:
    """The word of the thing that its last path parameter names."""
    return word(before(operation.path, operation.path.rpartition("{")[2].partition("}")[0]))


_REFERENCE = re.compile(r"(_id|Id|ID|_uuid)s?$")


def _refers(base: Base | None) -> bool:
    """True if a request names other things than its path does."""

    def names(value: Any) -> Iterator[str]:
        for key, item in value.items() if isinstance(value, Mapping) else ():
            yield str(key)
            yield from names(item)
        for item in value if isinstance(value, list) else ():
            yield from names(item)

    given = (label.partition(":")[2] for label in base.given if not label.startswith("path:")) if base else ()
    return base is not None and any(map(_REFERENCE.search, chain(given, names(base.body))))


def _is_named_in(request: Request, value: Any) -> bool:
    """True if the request's body names that thing as one that is there: `{"role_id": 3}`."""
    try:
        body = orjson.loads(request.body or b"")
    except ValueError:
        return False
    members = body.items() if isinstance(body, dict) else ()
    return any(_REFERENCE.search(name) and (item == value or (isinstance(item, list) and value in item)) for name, item in members)  # fmt: skip


def _status(exchange: Exchange) -> int:
    return exchange.response.status if exchange.response is not None else 0


def _honestly(what: str) -> str:
    """What is odd about a request that keeps the document all the same: sent as text, a number is a string."""
    return re.sub(r" breaks `\w+`$", " with another value", what)


def _waits(operation: Operation, parameter: Parameter) -> bool:
    """True for a number that makes the server wait, and may be 0."""
    if parameter.schema is None or not variants.SLOWING.fullmatch(parameter.name.lower()):
        return False
    kinds = variants.facts_of(operation, parameter.schema)["kinds"]
    return bool(kinds & {"integer", "number"})


def _words(exchange: Exchange) -> Any:
    """What a refusal says: its JSON, or its text; None if it says nothing."""
    if exchange.response is None or not 400 <= exchange.response.status < 600 or not exchange.response.body:
        return None
    try:
        return exchange.response.json
    except ValueError:
        return exchange.response.body[:4096].decode("utf-8", "replace")


def _is_secured(operation: Operation) -> bool:
    """True where each alternative asks for something (OpenAPI 3.1, 4.8.30)."""
    return bool(operation.security) and all(operation.security or ())


def _named_by_security(operation: Operation) -> Iterator[str]:
    for option in operation.security or ():
        for name in option:
            scheme = operation.security_scheme(name)
            if scheme.get("in") == "header" and isinstance(scheme.get("name"), str):
                yield scheme["name"]


def _spoiled(value: str) -> str:
    """A credential of the same form that nobody has."""
    scheme, blank, _ = value.partition(" ")
    if blank and scheme.lower() == "basic":
        return f"{scheme} {base64.b64encode(b'zq7-nobody:zq7').decode()}"
    return f"{scheme} zq7.made.up" if blank else "zq7-made-up"


def _body_media(operation: Operation) -> MediaType | None:
    declared = operation.request_body
    if declared is None or not declared.content:
        return None
    return next((media for media in declared.content if is_json(media.range)), declared.content[0])


def _forms(value: Any) -> Iterator[Any]:
    """A value as it was seen, as a number, and as a text: an id may be declared as either."""
    yield value
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,18}", value):
        yield int(value)
    elif isinstance(value, int):
        yield str(value)


def _renewed(body: Any, salt: int) -> Any:
    """The body with other names in it, where names may have to be unique."""
    if isinstance(body, Mapping):
        return {key: _renewed_leaf(str(key), item, salt) for key, item in body.items()}
    return [_renewed(item, salt) for item in body] if isinstance(body, list) else body


def _renewed_leaf(key: str, item: Any, salt: int) -> Any:
    name = re.sub(r"[^a-z]+", "_", key.lower())
    if not isinstance(item, str):
        return _renewed(item, salt)
    if "@" in item:
        return f"user{salt}@example.com"
    if re.fullmatch(r"(.*_)?(name|title|slug|key|code|login|label|handle|id|identifier|sku|number)", name):
        return f"{item[:40]}{salt}"
    return item


def _may_be_missing(operation: Operation, is_sure: bool) -> bool:
    return is_sure or "{" not in operation.path or operation.method in ("POST", "PUT", "PATCH", "DELETE", "GET")


def _is_unreadable(exchange: Exchange) -> bool:
    """True where something came, and it was no whole answer."""
    return (exchange.failure or "").startswith(("connection closed in the middle", "the answer is not HTTP"))


def _is_dropped(exchange: Exchange) -> bool:
    """True where the connection was ended in place of an answer; one that nobody can read is an answer all the same."""
    return not exchange.abandoned and (exchange.failure or "").startswith(
        ("connection closed without", "connection reset")
    )
