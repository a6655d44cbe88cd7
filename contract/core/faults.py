"""Is it one fault of the server or are they two? Over HTTP nobody sees the line of code; its words, and the place that is odd.

Two faults of one operation often answer with the same words, `Internal Server Error`. What the asker knows tells them
apart: the one place in which a request differs from one that is served.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from contract.core import witness
from contract.core.cause import cause
from contract.core.finding import folded

if TYPE_CHECKING:
    from contract.core.evidence import Exchange
    from contract.core.openapi import Operation
    from contract.core.variants import Ask

_LINE = re.compile(r"\([^()]*:\d+\)$")
"""Where an exception in this process comes from."""
_NUMBERS, _LONGEST = re.compile(r"[0-9a-fA-F-]{8,}|\d+"), 16 * 1024
_NOTHING = re.compile(r"^without\b|^`(null|\{\})` as the body|^JSON that ends too early|breaks `required`$")
"""What an ask says of itself that leaves something out."""
_ALL = "every property"


class Fault(NamedTuple):
    """A failure of the server by what it says: its status, 0 where the connection was ended, and its words."""

    status: int
    words: str


def of(operation: Operation, exchange: Exchange) -> Fault | None:
    """The fault that an exchange shows; None if it shows none."""
    if exchange.response is None:
        return Fault(0, "") if witness.is_dropped(exchange) else None
    status = exchange.response.status
    return Fault(status, cause(exchange, operation)) if status >= 500 else None


class _Place(NamedTuple):
    place: str
    line: str
    is_left_out: bool
    """True where the request lacks something there."""
    is_all: bool
    """True where it has all that there may be: what is odd may be any part of it."""
    kind: str
    """Its pattern or format: places that share one are read by the same code."""
    text: str
    """What the answer said, letter by letter."""
    blames: str
    """What the place is told by: "" for the first of a fault."""


@dataclass
class Faults:
    """The faults of one operation, each with the places of the request that it was shown to lie at."""

    _places: dict[Fault, list[_Place]] = field(default_factory=dict)
    _blurred: set[Fault] = field(default_factory=set)
    """Those that show at any place, or only sometimes: nothing tells two of them apart."""

    is_served: bool = False
    """True if a request was served since the last fault was taken in."""

    def knows(self, fault: Fault) -> bool:
        """True if it was seen before."""
        return fault in self._places

    def shown(self, fault: Fault, ask: Ask, exchange: Exchange) -> str | None:
        """What a fault is told by that is known at this place; "" for the first one, None for one that is not known."""
        if fault not in self._places:
            return None
        if ask.place is None:
            self.blurs(fault)  # nothing in the request is odd
        if ask.place is None or fault in self._blurred:
            return ""
        place, line = folded(ask.place), _line(exchange)
        known = next((one for one in self._places[fault] if one.place == place or (line and one.line == line)), None)
        return known.blames if known is not None else None

    def may_be_another(self, fault: Fault, ask: Ask, exchange: Exchange, kind: str) -> bool:
        """False where it is of the same kind as one that was seen before, or lies in it, or around it.

        Or where the answer names what is wrong: then something looks after all places, and that is one fault.
        """
        is_left_out, place = _NOTHING.search(ask.what) is not None, folded(ask.place or "")
        text = _text(exchange)
        return bool(place) and not any(
            one.text != text
            or (kind and one.kind == kind)
            or "query" in (place, one.place)
            or (
                ((one.is_left_out and is_left_out) or one.is_all or ask.what == _ALL)
                and (_holds(one.place, place) or _holds(place, one.place))
            )
            for one in self._places[fault]
        )

    def found(self, fault: Fault, ask: Ask, exchange: Exchange, kind: str, again: Fault | None) -> str:
        """Takes in that it shows at another place, and `again` when asked once more; what it is told by, "" for the first."""
        known = self._places.setdefault(fault, [])
        if again != fault or ask.what.startswith("plainly"):
            self.blurs(fault)
            return ""
        place = folded(ask.place or "")
        blames = place if known else ""
        is_left_out = _NOTHING.search(ask.what) is not None
        known.append(_Place(place, _line(exchange), is_left_out, ask.what == _ALL, kind, _text(exchange), blames))
        self.is_served = False
        return blames

    def blurs(self, fault: Fault) -> None:
        """Takes in that it shows only sometimes, or at the plain request too."""
        self._blurred.add(fault)


def _line(exchange: Exchange) -> str:
    found = _LINE.search(exchange.failure or "") if exchange.response is not None else None
    return found[0] if found is not None else ""


def _text(exchange: Exchange) -> str:
    """What an answer says, but for numbers and ids, which differ each time."""
    answer = exchange.response
    return _NUMBERS.sub("", answer.body[:_LONGEST].decode("utf-8", "replace")) if answer is not None else ""


def _holds(whole: str, part: str) -> bool:
    return part.startswith("body") and (whole == "body" or f"{part}/".startswith(f"{whole}/"))
