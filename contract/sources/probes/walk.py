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

import orjson

from contract.core import faults, variants, witness
from contract.core.cause import cause
from contract.core.creations import Creations, is_at
from contract.core.document import escape, unescape
from contract.core.evidence import Complaint, Exchange, Headers, Progress, Request, Traffic, header
from contract.core.faults import Fault
from contract.core.honest import Honest, renewed, status_of
from contract.core.known import Known, word
from contract.core.openapi import Operation
from contract.core.sample import MISSING
from contract.core.target import Target, TimeUp
from contract.core.variants import Ask, Base
from contract.core.verbs import SAFE, about
from contract.core.verbs import deletes as deletes
from contract.core.verbs import is_dangerous as is_dangerous
from contract.sources.probes._deletions import CREATIONS, Deletions
from contract.sources.probes._tour import CLEARS, SLOW_S, Rest, Stop, written
from contract.sources.probes._tour import SOURCE as SOURCE

MAX_REQUESTS = 40
"""Requests of one operation, its creations for others included."""

_HARMLESS = ("GET", "HEAD", "OPTIONS")
"""What safe mode sends, as the fuzzer's does."""
_WRITES = ("POST", "PUT", "PATCH")
_CREDENTIAL = re.compile(r"authorization|cookie|.*(api|access|auth|secret|session|private)[-_]?(key|token|id)?", re.IGNORECASE)  # fmt: skip
_ENDS = 7
"""The round from which on things are deleted; before it, what has fewer owners comes first, and then what has more."""
_ACTS, _STATES = 6, 4
"""Requests of an operation that are kept for the states of a resource, and members of an enum that are tried."""
_OTHERS, _OTHER_STATES = 5, 2
"""Other things that a reader is asked for, and things in other states that are told what they say of themselves."""
_LOCKED_OUT = 12
"""Requests in a row that are refused with 401 by operations that were served: the credentials hold no more."""
_FOR_LATER = 16
"""Requests that are kept for a reader that nothing is known for yet."""


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
        self.fresh = fresh
        self._known = Known(options.ids)
        driven = [op for op in operations if op.key not in options.left_out and (not options.safe or (op.method in _HARMLESS and not deletes(op)))]  # fmt: skip
        self._stops = [Stop(op, options.max_requests) for op in driven]
        self.stops: Mapping[str, Stop] = {stop.operation.key: stop for stop in self._stops}
        self._at = now()
        """When it was looked at the clock last."""
        self._deadline = None if options.max_time_s is None else self._at + options.max_time_s
        items = {about(op) for op in operations if op.path.rstrip("/").endswith("}")}
        self.creations = Creations(self._known, items)
        self.honest = Honest(self._known, self.creations.ids, fresh)
        self._ended = {about(op) for op in driven if deletes(op)}
        self._silent = 0
        self._locked_out = 0
        self._salt = 0
        shown = {name.lower() for op in operations for name in _named_by_security(op)} | options.secret
        self._secret = [item for item in options.headers if item[0].lower() in shown or _CREDENTIAL.fullmatch(item[0])]
        self.takes_credentials = bool(self._secret)
        self._deletions = Deletions(self)
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
            self._rest,
            self._destroys,
            self._cleans,
            self._rest_of_reads,
            self._served,
        )
        whole, done, number, warning = len(rounds) * len(self._stops), 0, 0, ""
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
        except TimeUp:
            asked = sum(bool(stop.asked) for stop in self._stops)
            warning = (
                f"walk: stopped at its deadline of {self._options.max_time_s or 0:.3g} s in round {number + 1} of "
                f"{len(rounds)}, with {asked} of {len(self._stops)} operations asked"
            )
        self._leave()
        slow = [stop.operation.key for stop in self._stops if stop.is_slow]
        if slow:
            yield Progress(done, whole, "", "walk", [f"walk: {', '.join(slow[:3])}{' and others' if len(slow) > 3 else ''} answered slowly and {'was' if len(slow) == 1 else 'were'} asked less"])  # fmt: skip
        yield Progress(done if warning else whole, whole, "", "end", [warning] if warning else [])

    def _careful(self, stop: Stop) -> Iterator[Exchange | Complaint]:
        if stop.operation.method in SAFE and not deletes(stop.operation):
            yield from self._honest(stop)

    def _others(self, stop: Stop) -> Iterator[Exchange | Complaint]:
        """The same of other things that are known to exist: not all look alike."""
        if stop.base is None or "{" not in stop.operation.path:
            return
        for given in islice(self.honest.others(stop.operation, stop.base), _OTHERS):
            request = written(stop, replace(stop.base, given=given))
            if request is not None:
                yield from self.ask(stop, Ask("another thing", request, is_blamed=False))

    def _unchanged(self, stop: Stop) -> Iterator[Exchange | Complaint]:
        """A thing in each other state told what it says of itself: may it be changed at all? Nothing of it is."""
        base, operation, reader = stop.base, stop.operation, self.stops.get(f"GET {stop.operation.path}")
        if base is None or reader is None or reader.base is None:
            return
        for given in self._in_other_states(stop):
            place = {label: value for label, value in given.items() if label.startswith("path:")}
            read = written(reader, replace(reader.base, given={**reader.base.given, **place}))
            for item in self.ask(reader, Ask("before it is told the same", read, is_blamed=False)) if read else ():
                yield item
                if not isinstance(item, Exchange) or item.response is None or status_of(item) != 200:
                    continue
                try:
                    body = self.honest.written_back(operation, base, item.response.json)
                except ValueError:
                    continue
                request = written(stop, replace(base, given=given, body=body)) if body is not MISSING else None
                if request is not None:
                    yield from self.ask(stop, Ask("what it says of itself", request, is_blamed=False))

    def _in_other_states(self, stop: Stop) -> list[dict[str, Any]]:
        operation = stop.operation
        last = next((each for each in operation.parameters if operation.path.endswith(f"{{{each.name}}}")), None)
        if stop.base is None or last is None:
            return []
        return list(islice(self.honest.in_other_states(operation, stop.base, last), _OTHER_STATES))

    def _reads(self, stop: Stop) -> Iterator[Exchange | Complaint]:
        if stop.operation.method in SAFE and stop.is_accepted:
            yield from self._others(stop)
            yield from self._everything(stop)

    def _creates(self, stop: Stop) -> Iterator[Exchange | Complaint]:
        if stop.operation.method not in SAFE and not deletes(stop.operation):
            yield from self._created(stop)

    def _created(self, stop: Stop) -> Iterator[Exchange | Complaint]:
        """Plainly, and the same again: a conflict, another one, or what is there already."""
        yield from self._honest(stop)
        if stop.is_accepted and stop.base is not None and stop.operation.method in ("POST", "PUT"):
            for item in self._once_more(stop, "the same again"):
                yield item
                if isinstance(item, Exchange) and stop.operation.method == "POST":
                    stop.is_unique = status_of(item) in (400, 409, 422)
                    if stop.is_unique:
                        stop.taken = status_of(item), cause(item, stop.operation)
                        stop.named = self._named(item)

    def _again(self, stop: Stop) -> Iterator[Exchange | Complaint]:
        """Readers once more: lists have something in them now, and ids that were missing are known."""
        if stop.operation.method not in SAFE or deletes(stop.operation):
            return
        if not stop.is_accepted or not stop.is_sure:
            yield from self._honest(stop)
        elif stop.base is not None:
            yield from self._once_more(stop, "plainly, once more")
        if not stop.is_done:
            yield from self._everything(stop)

    def _writes(self, stop: Stop) -> Iterator[Exchange | Complaint]:
        if stop.operation.method in SAFE or deletes(stop.operation):
            return
        if not stop.is_accepted:
            yield from self._created(stop)
        yield from self._everything(stop)

    def _acts(self, stop: Stop) -> Iterator[Exchange | Complaint]:
        """Each state that a resource can be put in, and whether it can still be changed then.

        A reader that found nothing before may find what was made since.
        """
        base, operation = stop.base, stop.operation
        if deletes(operation):
            return
        if operation.method in SAFE and not stop.is_accepted:
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
                request = written(stop, replace(base, body={**base.body, name: member}))
                if request is not None:
                    place = f"body:/{escape(name)}"
                    yield from self.ask(stop, Ask(f"`{place}` as {member}", request, place, is_blamed=False))
                    yield from self._changed(stop, f"after {operation.key} as {member}")
        yield from self._once_more(stop, "plainly, at the end of its states")
        yield from self._changed(stop, f"after {operation.key}")
        if operation.method in ("PUT", "PATCH"):
            yield from self._unchanged(stop)

    def _changed(self, stop: Stop, what: str) -> Iterator[Exchange | Complaint]:
        """`move` has put it in a state: can the thing itself still be changed?"""
        for other in self._changers(stop):
            yield from self._once_more(other, what)

    def _changers(self, stop: Stop) -> Iterator[Stop]:
        for other in self._stops:
            changes = other.operation.method in ("PUT", "PATCH") and other.is_accepted
            if changes and other is not stop and stop.operation.path.startswith(f"{other.operation.path}/"):
                yield other

    def _is_moved(self, stop: Stop) -> bool:
        """True for a change of what an action puts in one of several states."""
        return stop.operation.method in ("PUT", "PATCH") and any(
            stop in self._changers(other)
            and other.base is not None
            and any(variants.enums(other.operation, other.base))
            for other in self._stops
            if other.operation.method in _WRITES and not deletes(other.operation)
        )

    def _rest(self, stop: Stop) -> Iterator[Exchange | Complaint]:
        """What there was no time for before all others had theirs."""
        yield from self._odd(stop, self._share_s(2))  # what destroys has its time, too

    def _rest_of_reads(self, stop: Stop) -> Iterator[Exchange | Complaint]:
        """The same at the end, of what changes nothing: what the others write to may be gone by now."""
        if stop.operation.method in SAFE:
            yield from self._odd(stop, self._share_s())

    def _share_s(self, least: int = 1) -> float:
        """Seconds that one operation may take now, of those that have not had their turn or are not through with it."""
        if self._deadline is None:
            return SLOW_S
        waiting = sum(not stop.is_done or stop.rest is not None for stop in self._stops)
        left_s = max(0.0, self._deadline - self._at)
        return left_s / max(least, waiting)

    def _destroys(self, stop: Stop) -> Iterator[Exchange | Complaint]:
        if deletes(stop.operation):
            yield from self._deletions.of(stop)

    def _cleans(self, stop: Stop) -> Iterator[Exchange | Complaint]:
        yield from self._deletions.clean(stop)

    def _once_more(self, stop: Stop, what: str) -> Iterator[Exchange | Complaint]:
        request = written(stop, stop.base) if stop.base is not None else None
        if request is not None:
            yield from self.ask(stop, Ask(what, request, is_blamed=False))

    # --- one operation ---

    def _honest(self, stop: Stop) -> Iterator[Exchange | Complaint]:
        """Plain requests until one is taken: a few ids, then a better body."""
        operation = stop.operation
        tried = 0
        for given, sure in self.honest.places(operation):
            if tried >= 3:
                break
            stop.is_sure = stop.is_sure or sure
            for base in self.honest.bases(operation, given, stop.plain):
                if stop.left <= 0:
                    return
                request = written(stop, base)
                key = (request.url, request.body, request.headers) if request is not None else ()
                if request is None or key in stop.asked:
                    continue
                if stop.base is None:
                    stop.base = base
                exchange = None
                for item in self.ask(stop, Ask("plainly", request, "body" if request.body else None)):
                    yield item
                    exchange = item if isinstance(item, Exchange) else exchange
                if exchange is None:
                    continue
                if witness.is_unreadable(exchange):
                    # Some servers fail at packing alone: what they say without it is worth knowing.
                    unpacked = tuple(item for item in base.headers if item[0] != "Accept-Encoding")
                    base = replace(base, headers=unpacked)
                    request = written(stop, base)
                    if request is not None:
                        for item in self.ask(stop, Ask("plainly, not packed", request, is_blamed=False)):
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
        yield from self._with_queries(stop)

    def _with_queries(self, stop: Stop) -> Iterator[Exchange | Complaint]:
        """Some routers look at the query too: before an operation counts as not served, it is asked with all of its own."""
        operation, base = stop.operation, stop.base
        told = {status_of(item) for item in stop.plain}
        if base is None or stop.left <= 0 or not told or told - {404, 405, 501}:
            return
        if "{" in operation.path and not stop.is_sure:
            return  # it is about what the path names
        fuller = self.honest.asked_for_all(operation, base)
        request = written(stop, fuller) if fuller is not None else None
        if fuller is None or request is None:
            return
        for item in self.ask(stop, Ask("with its whole query", request, is_blamed=False)):
            yield item
            if isinstance(item, Exchange):
                stop.plain.append(item)
                if 200 <= status_of(item) < 300:
                    stop.base, stop.is_accepted, stop.is_sure = fuller, True, True
                    self._remember(stop, fuller)

    def _everything(self, stop: Stop) -> Iterator[Exchange | Complaint]:
        if stop.base is None:
            return
        stop.is_done = True
        yield from self._unasked_for(stop)
        yield from self._conditional(stop)
        kept = 2 + (_ACTS if stop.operation.method in _WRITES and any(variants.enums(stop.operation, stop.base)) else 0)
        kept += _STATES if self._is_moved(stop) else 0
        kept += len(self._in_other_states(stop)) if stop.operation.method in ("PUT", "PATCH") else 0
        if stop.operation.method in SAFE and not stop.is_accepted:
            kept = _FOR_LATER
        kept += CREATIONS + 1 if self._makes_for_others(stop) else 0
        # Whether what was deleted is gone, and what such a reader says of what was never there.
        if stop.operation.method == "GET" and f"DELETE {stop.operation.path}" in self.stops:
            kept += min(2, self._options.max_requests // 10)
        later: list[Ask] = []
        secured = witness.is_secured(stop.operation)
        asks = variants.everything(
            stop.operation,
            stop.base,
            secured=secured,
            takes_credentials=self.takes_credentials,
            seen=self._known.shown_as,
        )
        stop.rest = Rest(chain(asks, later), later, {}, kept)
        yield from self._odd(stop, self._share_s(2))

    def _odd(self, stop: Stop, share_s: float) -> Iterator[Exchange | Complaint]:
        """The plain request, odd in one place at a time, as long as the operation's share of the time lasts."""
        if stop.rest is None:
            return
        later, told = stop.rest.later, stop.rest.told
        until_s = stop.took_s + share_s
        while stop.took_s <= until_s:
            ask = next(stop.rest.asks, None) if stop.left > stop.rest.kept and not stop.is_slow else None
            if ask is None:
                stop.rest = None
                return
            said = told.setdefault(re.sub(r"^`[^`]*` ", "", ask.what), [])
            if ask not in later and len(said) > 1 and said[-1] == said[-2] != "":
                later.append(ask)  # refused in the same words at two places: that is looked after
                continue
            answered = None
            for item in self.ask(stop, self._made_new(stop, ask) if stop.is_unique else ask):
                yield item
                answered = item if isinstance(item, Exchange) else answered
            if answered is not None:
                refused = 400 <= status_of(answered) < 500
                said.append(f"{status_of(answered)} {cause(answered, stop.operation)}" if refused else "")

    @staticmethod
    def _named(refused: Exchange) -> frozenset[str]:
        """Texts of the request that a refusal of the same again repeats: what is taken, whatever its name."""
        try:
            sent = orjson.loads(refused.request.body or b"")
        except ValueError:
            return frozenset()
        said = refused.response.body.decode("utf-8", "replace") if refused.response is not None else ""
        members = sent.items() if isinstance(sent, dict) else ()
        return frozenset(name for name, item in members if isinstance(item, str) and len(item) > 3 and item in said)

    def _makes_for_others(self, stop: Stop) -> bool:
        """True if a deletion will need more of what it makes."""
        operation = stop.operation
        is_item = operation.path.rstrip("/").endswith("}")
        if operation.method not in ("POST", "PUT") or is_item != (operation.method == "PUT"):
            return False
        return (about(operation) if is_item else word(operation.path.rstrip("/").rpartition("/")[2])) in self._ended

    def _made_new(self, stop: Stop, ask: Ask) -> Ask:
        """The same with names that are not taken, but for what it is about."""
        try:
            value = orjson.loads(ask.request.body or b"")
        except ValueError:
            return ask
        if not isinstance(value, dict):
            return ask
        salt = self.number() + self.fresh() % 1_000_000_000
        other = renewed(value, salt)
        for named in stop.named:
            if isinstance(value.get(named), str) and other.get(named) == value[named]:
                other[named] = renewed({"name": value[named]}, salt)["name"]
        name = unescape((ask.place or "").removeprefix("body:/").partition("/")[0])
        if name in value:
            other[name] = value[name]
        return ask._replace(request=replace(ask.request, body=orjson.dumps(other)))

    def _unasked_for(self, stop: Stop) -> Iterator[Exchange | Complaint]:
        """Without each header that the user sends and the document does not declare: does it work for others?"""
        if stop.base is None or not stop.is_accepted:
            return
        declared = {each.name.lower() for each in stop.operation.parameters if each.location == "header"}
        for name, _ in self._plain_headers[:3]:
            request = written(stop, stop.base)
            if name.lower() in declared or request is None:
                continue
            what = f"without the header `{name}`, which is not declared"
            without: Exchange | None = None
            for item in self.ask(stop, Ask(what, request, f"header:{name}", f"but {name}")):
                yield item
                without = item if isinstance(item, Exchange) else without
            if without is None or not 400 <= status_of(without) < 500 or status_of(without) == 429:
                continue
            for item in self.ask(stop, Ask(f"with the header `{name}` again", request, is_blamed=False)):
                yield item
                if isinstance(item, Exchange) and 200 <= status_of(item) < 300:
                    said = f"The request keeps the document, and is refused with {status_of(without)} {what}."
                    key, place = stop.operation.key, f"header:{name}"
                    yield Complaint("valid-request-refused", key, (without,), said, where=place, source=SOURCE)

    def _conditional(self, stop: Stop) -> Iterator[Exchange | Complaint]:
        """What the answer itself offers: not to be sent again (RFC 9110, 13), or in part (14)."""
        plain = next((item for item in reversed(stop.plain) if item.response is not None and item.response.status == 200), None)  # fmt: skip
        if plain is None or plain.response is None or stop.operation.method != "GET":
            return
        headers = plain.response.headers
        for name, asked in (("etag", "If-None-Match"), ("last-modified", "If-Modified-Since")):
            value = header(headers, name)
            if value is not None:
                yield from self.ask(stop, Ask(f"`{asked}`", variants.with_headers(plain.request, ((asked, value),)), None, is_blamed=False))  # fmt: skip
        if (header(headers, "accept-ranges") or "none").lower() == "bytes" and plain.response.body:
            for part in ("bytes=0-0", f"bytes={10**9}-"):
                yield from self.ask(stop, Ask("`Range`", variants.with_headers(plain.request, (("Range", part),)), None, is_blamed=False))  # fmt: skip

    # --- one request ---

    def number(self) -> int:
        self._salt += 1
        return self._salt

    def ask(self, stop: Stop, ask: Ask, learns: bool = True) -> Iterator[Exchange | Complaint]:
        operation, request = stop.operation, ask.request
        if request is None or stop.left <= 0:
            return
        key = (request.url, request.body, request.headers, ask.credentials, ask.what if not ask.is_blamed else "")
        if key in stop.asked:
            return
        if stop.is_slow and ask.what != CLEARS:
            return
        stop.asked.add(key)
        if self._deadline is not None:
            self._at = self._now()
            if self._at >= self._deadline:
                raise TimeUp
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
        if operation.settles(exchange):
            yield exchange
            stop.left -= 1
            path = request.path[:-1] if request.path.endswith("/") else f"{request.path}/"
            request = replace(request, url=path + request.url[len(request.path) :])
            exchange = self._target.send(
                request, source=SOURCE, traffic=Traffic.SYNTHETIC, operation=operation.key, bare=bare
            )
        stop.left -= 1
        stop.took_s += (exchange.elapsed_us or 0) / 1e6
        stop.hung = stop.hung + 1 if witness.is_timed_out(exchange) else 0
        self._silent = self._silent + 1 if (exchange.failure or "").startswith("connection refused") else 0
        if learns and not bare:
            self._take_in(stop, exchange)
        elif bare:
            self.creations.made(stop.operation, exchange)  # whoever asked, it is there now
        fault = faults.of(stop.operation, exchange)
        stop.faults.is_served |= 200 <= status_of(exchange) < 300
        changed = self._changed_at(stop, ask) if fault is not None else ask
        blames = stop.faults.shown(fault, changed, exchange) if fault is not None else ""
        again: Exchange | None = None
        try:
            if fault is not None and blames is None and stop.left > 0:
                if not stop.faults.knows(fault):
                    again = self._at_once(stop, request, bare)
                    shown = faults.of(operation, again)
                    blames = stop.faults.found(fault, changed, exchange, self._kind(stop, changed), shown)
                elif not bare and stop.is_accepted and not deletes(operation):
                    again, blames = yield from self._another(stop, changed, exchange, fault)
        except (TimeUp, _Stopped):
            yield exchange  # it was seen all the same
            raise
        for item in (exchange, again):
            if item is not None:
                yield replace(item, blames=blames) if blames else item
        if self._silent >= 3:
            raise _Stopped("walk: the server went away, and the rest was not asked")
        if self.takes_credentials and not bare:
            self._locked_out += status_of(exchange) == 401 and stop.is_accepted
            self._locked_out *= not 200 <= status_of(exchange) < 300
            if self._locked_out >= _LOCKED_OUT:
                said = f"{operation.key} and others, which took the same credentials before, answer 401"
                raise _Stopped(f"walk: {said}; the rest was not asked")
        yield from self._complaints(stop, ask, exchange)

    def _at_once(self, stop: Stop, request: Request, bare: bool) -> Exchange:
        """A fault once more, the first time that it shows: later what it is about may be gone."""
        stop.left -= 1
        key = stop.operation.key
        again = self._target.send(request, source=SOURCE, traffic=Traffic.SYNTHETIC, operation=key, bare=bare)
        self.creations.made(stop.operation, again)
        return again

    def _another(
        self, stop: Stop, ask: Ask, exchange: Exchange, fault: Fault
    ) -> Generator[Exchange | Complaint, None, tuple[Exchange | None, str]]:
        """The same once more, and the place by which a fault is told that shows in the words of a known one.

        Only where the operation is served without what is odd there.
        """
        kind, kept = self._kind(stop, ask), stop.rest.kept if stop.rest is not None else 0
        plain = written(stop, stop.base) if stop.base is not None else None
        if not stop.faults.may_be_another(fault, ask, exchange, kind) or plain is None or stop.left < kept + 3:
            return None, ""
        if not stop.faults.is_served:
            beside = Ask(f"plainly, beside {ask.place}", plain, is_blamed=False)
            yield from self.ask(stop, self._made_new(stop, beside) if stop.is_unique else beside)
            if not stop.faults.is_served:
                stop.faults.blurs(fault)
                return None, ""
        again = self._at_once(stop, ask.request, bare=False)
        shown = faults.of(stop.operation, again)
        return again, stop.faults.found(fault, ask, exchange, kind, shown)

    @staticmethod
    def _changed_at(stop: Stop, ask: Ask) -> Ask:
        """Where the request differs from the plain one: what lies in something that the plain one lacks, is the whole of it."""
        kind, _, place = (ask.place or "").partition(":")
        if kind != "body" or not place or stop.base is None:
            return ask
        at, kept = stop.base.body, ""
        for token in place.split("/")[1:]:
            kept += f"/{token}"
            if isinstance(at, Mapping) and unescape(token) in at:
                at = at[unescape(token)]
            elif isinstance(at, list) and token.isdigit() and int(token) < len(at):
                at = at[int(token)]
            else:
                break
        return ask._replace(place=f"body:{kept}")

    def _kind(self, stop: Stop, ask: Ask) -> str:
        return variants.kind_at(stop.operation, stop.base, ask.place) if stop.base is not None and ask.place else ""

    def _take_in(self, stop: Stop, exchange: Exchange) -> None:
        self.creations.seen(stop.operation, exchange)

    @staticmethod
    def _is_taken(stop: Stop, exchange: Exchange) -> bool:
        """True for the refusal that the same again met with, in the same words."""
        taken = stop.taken
        return taken is not None and taken[1] != "" and taken == (status_of(exchange), cause(exchange, stop.operation))

    def _complaints(self, stop: Stop, ask: Ask, exchange: Exchange) -> Iterator[Complaint]:
        """What only the asker can know of an answer."""
        if ask.what != "plainly" and self._is_taken(stop, exchange):
            return  # what is sent is there already, whatever else is odd about it
        found = witness.complaints(
            stop.operation, ask, exchange, is_accepted=stop.is_accepted, was_refused=stop.is_refused, source=SOURCE
        )
        for complaint in found:
            stop.is_refused = stop.is_refused or complaint.kind == "valid-request-refused"
            yield complaint

    # --- what is said at the end ---

    def _served(self, stop: Stop) -> Iterator[Complaint]:
        """Is it served at all? Judged by honest requests alone."""
        operation, is_sure = stop.operation, stop.is_sure
        may_be_missing = is_sure or "{" not in operation.path or operation.method in (*_WRITES, "DELETE", "GET")
        if may_be_missing and not stop.is_accepted:
            is_router_s = self._options.is_router_s
            yield from witness.not_served(
                operation, stop.plain, stop.base, is_sure=is_sure, is_router_s=is_router_s, source=SOURCE
            )

    def _remember(self, stop: Stop, base: Base) -> None:
        if base.body is not MISSING:
            self._learnt.bodies.setdefault(stop.operation.key, (base.media, base.body))

    def _leave(self) -> None:
        for stop in self._stops:
            operation = stop.operation
            for given, _ in islice(((given, sure) for given, sure in self.honest.places(operation) if sure), 6):
                for label, value in given.items():
                    kept = self._learnt.ids.setdefault((operation.key, label.partition(":")[2]), [])
                    if value not in kept:
                        kept.append(value)
        own = self.creations.paths()
        # A thing that is declared nowhere may be none: an answer has an `id` for other reasons too.
        self._learnt.own[:] = [path for path in own if any(is_at(stop.operation, path) for stop in self._stops)]


# --- small readings ---------------------------------------------------------------------------------------------------


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
