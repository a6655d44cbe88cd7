"""What destroys: the end of what the walk made, and what else a deletion is asked. Is what was deleted gone?"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any
from urllib.parse import unquote

from contract.core import variants, witness
from contract.core.creations import spares
from contract.core.evidence import Complaint, Exchange
from contract.core.honest import renewed, status_of
from contract.core.known import before, word
from contract.core.openapi import Parameter
from contract.core.variants import Ask
from contract.sources.probes._tour import CLEARS, SOURCE, Stop, Tour, written

_TRIES = 3
"""Things of its own that a deletion is tried on, until one is still there."""
CREATIONS = 5
"""Things that are made in place of ones that were deleted, for one operation."""


class Deletions:
    """The last part of the walk. Nothing is deleted but what the walk itself made."""

    def __init__(self, tour: Tour) -> None:
        self._tour = tour

    def of(self, stop: Stop) -> Iterator[Exchange | Complaint]:
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
        for _ in range(_TRIES):
            if given is None:
                break
            was_there = yield from self._end(stop, given, last)
            given = yield from self._thing(stop, last, 1)
            if was_there:
                break
        if given is None and not is_item:
            return  # all that lies below something that others made
        left = CREATIONS
        asks = self._asks_of(stop, given or self._tour.honest.unknown(operation, last), last)
        for what in list(asks):
            mine = len(list(self._tour.creations.mine(operation, last))) if is_item else 0
            if stop.left <= 2 + min(mine, 12) or stop.is_slow or what not in asks:
                continue
            ask = asks[what]
            answered = None
            for item in self._tour.ask(stop, ask):
                yield item
                answered = status_of(item) if isinstance(item, Exchange) else answered
            if answered is None or not 200 <= answered < 300:
                continue
            gone = ask.request.path.rstrip("/")
            if not is_item:
                self._tour.creations.emptied(operation, gone)
                if given is not None and given not in list(self._tour.creations.mine(operation, last)):
                    given = yield from self._thing(stop, last, left)
                    left -= 1
                    if given is None:
                        return
                    asks = self._asks_of(stop, given, last)
                continue
            self._tour.creations.forget(gone, unquote(gone.rpartition("/")[2]))
            if given is not None and given not in list(self._tour.creations.mine(operation, last)):
                given = yield from self._thing(stop, last, left)
                left -= 1
                asks = self._asks_of(stop, given or self._tour.honest.unknown(operation, last), last)

    def _asks_of(self, stop: Stop, given: Mapping[str, Any], last: Parameter) -> dict[str, Ask]:
        """What a deletion is asked: of something of our own, or of what nobody has."""
        base = self._tour.honest.base(stop.operation, given)
        stop.base = stop.base or base
        secured = witness.is_secured(stop.operation)
        found = variants.everything(
            stop.operation, base, secured=secured, takes_credentials=self._tour.takes_credentials
        )
        plain = written(stop, base)
        own = (
            plain.path.split("/")
            if plain is not None and given in list(self._tour.creations.mine(stop.operation, last))
            else None
        )
        return {ask.what: ask for ask in found if spares(stop.operation, ask.request.path, own)}

    def _end(
        self, stop: Stop, given: Mapping[str, Any], last: Parameter
    ) -> Generator[Exchange | Complaint, None, bool]:
        """Deleted, read, and deleted again; False where it was gone already, as other requests end things, too."""
        request = written(stop, self._tour.honest.base(stop.operation, given))
        if request is None:
            return True
        gone: Exchange | None = None
        for item in self._tour.ask(stop, Ask("plainly", request)):
            yield item
            gone = item if isinstance(item, Exchange) else gone
        if gone is None:
            return True
        reader = self._tour.stops.get(f"GET {stop.operation.path}")
        if status_of(gone) in (404, 410) and reader is not None and reader.is_accepted:
            asked = written(reader, self._tour.honest.base(reader.operation, given))
            for item in self._tour.ask(reader, Ask("what a deletion does not find", asked, is_blamed=False), learns=False) if asked else ():  # fmt: skip
                yield item
                if isinstance(item, Exchange) and status_of(item) in (404, 410):
                    self._tour.creations.forget(request.path, given[last.label])
                    return False
        stop.plain.append(gone)
        # It is there for certain where it was made below this very path, and the path can be read at all.
        made = self._tour.creations.paths()
        below_it = any(request.path == path or request.path.startswith(f"{path}/") for path in made)
        stop.is_sure = below_it and (reader is None or reader.is_accepted)
        if not 200 <= status_of(gone) < 300:
            return True
        stop.is_accepted = True
        if not stop.operation.path.rstrip("/").endswith("}"):
            self._tour.creations.emptied(stop.operation, request.path)
            yield from self._tour.ask(stop, Ask("deleted again", request, is_blamed=False))
            return True
        self._tour.creations.forget(request.path, given[last.label])
        if (
            reader is not None and status_of(gone) != 202
        ):  # which promises a deletion, and does not report one (RFC 9110, 15.3.3)
            asked = written(reader, self._tour.honest.base(reader.operation, given))
            for item in (
                self._tour.ask(reader, Ask("after its deletion", asked, is_blamed=False), learns=False) if asked else ()
            ):
                yield item
                if not isinstance(item, Exchange) or not 200 <= status_of(item) < 300:
                    continue
                was_made = self._tour.creations.was_new(request.path) or (
                    yield from self._tells_apart(reader, given, last)
                )
                if was_made:
                    said = f"{item.request.path} was deleted (the server answered {status_of(gone)}), and still answers {status_of(item)}."
                    yield Complaint("use-after-delete", reader.operation.key, (gone, item), said, source=SOURCE)
        yield from self._tour.ask(stop, Ask("deleted again", request, is_blamed=False))
        return True

    def _tells_apart(
        self, reader: Stop, given: Mapping[str, Any], last: Parameter
    ) -> Generator[Exchange | Complaint, None, bool]:
        """True if a reader does not find what was never made: one that answers for all alike holds nothing."""
        for nobodys in islice(self._tour.honest.never_made(reader.operation, last, given), 3):
            request = written(reader, self._tour.honest.base(reader.operation, nobodys))
            if request is None:
                continue
            for item in self._tour.ask(reader, Ask("what never was there", request, is_blamed=False), learns=False):
                yield item
                status = status_of(item) if isinstance(item, Exchange) else 0
                if status in (404, 410) or 200 <= status < 300:
                    return status in (404, 410)
        return False

    def _thing(
        self, stop: Stop, last: Parameter, tries: int
    ) -> Generator[Exchange | Complaint, None, dict[str, Any] | None]:
        """Something that the walk made and that is still there, made anew if need be."""
        given = next(self._tour.creations.mine(stop.operation, last), None)
        if given is None and tries > 0:
            yield from self._make(stop, last)
            given = next(self._tour.creations.mine(stop.operation, last), None)
        return given

    def _make(self, stop: Stop, last: Parameter) -> Iterator[Exchange | Complaint]:
        maker = self._tour.stops.get(self._tour.creations.makers.get(word(before(stop.operation.path, last.name)), ""))
        if maker is None or maker.base is None:
            return
        base, operation = maker.base, maker.operation
        for attempt in range(2):
            if stop.left <= 1 or maker.left <= 0:
                return
            salt = self._tour.number()
            body = base.body if not attempt else renewed(base.body, salt + self._tour.fresh() % 1_000_000_000)
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
                    asked = replace(asked, given={**base.given, own.label: f"zq7walk{salt}"})
            request = written(maker, asked)
            if request is None:
                return
            before_it = len(self._tour.creations)
            yield from self._tour.ask(maker, Ask(f"another one ({salt})", request, is_blamed=False))
            if len(self._tour.creations) > before_it:
                return

    def clean(self, stop: Stop) -> Iterator[Exchange | Complaint]:
        """What is left of what the walk made is deleted, what lies inside of others first."""
        operation = stop.operation
        names = re.findall(r"\{([^{}]*)\}", operation.path)
        last = next(
            (each for each in operation.parameters if each.location == "path" and each.name in names[-1:]), None
        )
        if operation.method != "DELETE" or last is None or not operation.path.rstrip("/").endswith("}"):
            return
        for given in list(self._tour.creations.mine(operation, last)):
            request = written(stop, self._tour.honest.base(operation, given))
            if request is not None and stop.left > 0:
                for item in self._tour.ask(stop, Ask(CLEARS, request, is_blamed=False)):
                    yield item
                    status = status_of(item) if isinstance(item, Exchange) else 0
                    # Some things go with others: one that a working deletion does not find is gone.
                    if 200 <= status < 300 or (status in (404, 410) and stop.is_accepted):
                        self._tour.creations.forget(request.path, given[last.label])
