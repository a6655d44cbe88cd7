"""What would an honest client send? Plain requests of an operation, out of what is known and what refusals say.

Values come from the document, then from what was seen under that name, then from what such a name stands for; ids by
the place where they belong.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from contract.core import message, sample, variants
from contract.core.document import resolve
from contract.core.evidence import Exchange, Headers, is_json
from contract.core.known import Known, forms, word
from contract.core.plausible import (
    as_described,
    as_named,
    better,
    repaired,
    shown_in,
    snake,
    text_for,
    things_in,
    wanted,
    without,
)
from contract.core.sample import MISSING
from contract.core.variants import Base
from contract.core.verbs import LETS_IN, SAFE, SECRET, changes_asker, changes_what_it_names

if TYPE_CHECKING:
    from contract.core.openapi import MediaType, Operation, Parameter


_ROUNDS = 5
"""Refusals of the least body that are done as they ask."""


class Honest:
    """Requests that keep the document, made of what is known; the same ones for the same knowledge."""

    def __init__(self, known: Known, mine: Callable[[str], Collection[str]], fresh: Callable[[], int]) -> None:
        self._known = known
        self._mine = mine
        """Ids of things of a word that whoever asks has made: a writer takes these first."""
        self._fresh = fresh

    def bases(self, operation: Operation, given: Mapping[str, Any], plain: Sequence[Exchange]) -> Iterator[Base]:
        """Values for one honest request, then better ones: each is made only if the one before was refused."""
        values = dict(given)
        for parameter in operation.parameters:
            if parameter.required and parameter.location in ("query", "header", "cookie"):
                found = self._value(operation, parameter)
                if found is not MISSING:
                    values[parameter.label] = found
            elif parameter.location == "query" and _waits(operation, parameter):
                values[parameter.label] = 0  # the default may take seconds
        accept = usual(operation)
        media = _body_media(operation)
        if media is None:
            yield Base(values, headers=accept)
            refusal = str(words(plain[-1]) or "") if plain else ""
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
            several = self.asked_for_all(operation, Base(values, headers=accept))
            if several is not None and plain and status_of(plain[-1]) in (400, 422):
                yield several
            return
        schema = media.schema
        if schema is None:
            yield Base(values, media=media.range, headers=accept)
            return
        refused: list[tuple[Any, Any]] = []
        """Bodies, and what was said of them."""
        for full in (False, True):
            body = sample.value(operation.schemas, schema, "request", full=full)
            if body is MISSING:
                continue
            body = self._likely(operation, schema, body)
            if all(body != other for other, _ in refused):
                asked = len(plain)
                yield Base(values, body, media.range, accept)
                refused.append((body, words(plain[-1]) if len(plain) > asked else None))
        if not refused:
            yield Base(values, media=media.range, headers=accept)
            return
        yield from self._after_refusal(operation, schema, Base(values, None, media.range, accept), refused, plain)

    def asked_for_all(self, operation: Operation, base: Base) -> Base | None:
        """The request with each query parameter that may be left out; None where there is none."""
        several = dict(base.given)
        for parameter in operation.parameters:
            if parameter.location == "query" and (found := self._value(operation, parameter)) is not MISSING:
                several.setdefault(parameter.label, found)
        return replace(base, given=several) if len(several) > len(base.given) else None

    def _after_refusal(
        self, operation: Operation, schema: str, base: Base, refused: list[tuple[Any, Any]], plain: Sequence[Exchange]
    ) -> Iterator[Base]:
        """What each refusal asks for, of the least body and of the full one; and another name where one is taken."""
        seen = [body for body, _ in refused]
        full = seen[-1]
        for (body, refusal), rounds in zip((refused[0], refused[-1]), (_ROUNDS, 2), strict=True):
            for _ in range(rounds):
                if refusal is None:
                    break
                if isinstance(body, Mapping) and isinstance(full, Mapping):
                    absent = {name: value for name, value in full.items() if name not in body}
                    body = {**body, **wanted(refusal, absent)}
                fresh = repaired(body, refusal)
                if fresh in seen:
                    others = (self._known.referred(body), without(body, refusal))
                    fits = (
                        each
                        for each in others
                        if each not in seen and operation.schemas.accepts(schema, "request", each)
                    )
                    fresh = next(fits, MISSING)
                    if fresh is MISSING:
                        break
                body = fresh
                seen.append(body)
                asked = len(plain)
                yield replace(base, body=body)
                refusal = words(plain[-1]) if len(plain) > asked else None
        for turn in (1, 2):  # what its descriptions offer beside that
            value = sample.value(operation.schemas, schema, "request", full=True)
            body = MISSING if value is MISSING else self._likely(operation, schema, value, turn)
            if body is not MISSING and body not in seen:
                seen.append(body)
                yield replace(base, body=body)
        last = status_of(plain[-1]) if plain else 0
        said = str(words(plain[-1])).lower() if plain else ""
        if last == 409 or re.search(r"already|taken|exists|unique|duplicate|in use", said):
            salt = 100 + self._fresh() % 1_000_000_000
            again = renewed(seen[-1], salt)
            if again not in seen and operation.schemas.accepts(schema, "request", again):
                yield replace(base, body=again)
            body = sample.value(operation.schemas, schema, "request", salt=salt)
            if body is not MISSING:
                yield replace(base, body=renewed(self._likely(operation, schema, body), salt))

    def _likely(self, operation: Operation, schema: str, body: Any, turn: int = 0) -> Any:
        """The body with likelier values where they keep the schema; in later turns, other ones that descriptions offer."""
        if changes_asker(operation) and isinstance(body, Mapping):  # with another password nobody asks any more
            spared = {name: item for name, item in body.items() if LETS_IN.fullmatch(snake(str(name))) is None}
            body = spared if operation.schemas.accepts(schema, "request", spared) else body
        described = sample.descriptions(operation.schemas, schema, "request", body)
        shown = as_described(body, described, turn)
        own = word(operation.path.rstrip("/").rpartition("/")[2]) if operation.method == "POST" else ""

        def named(place: str, thing: str) -> str | None:
            # What a thing that is made is called must be new, most often.
            if word(thing) == own or (own and not turn and _OWN_NAME.fullmatch(place)):
                return None
            return next((each for each in self._known.called(thing) if isinstance(each, str)), None)

        for start in (as_named(shown, described, named), shown, body):
            likely = better(start)
            for fresh in (self._known.filled(likely, own), likely):
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
        told = shown_in(str(resolve(operation.root, parameter.pointer).get("description", "")))
        for likely in (*told, text_for(parameter.name)):
            if likely is not None and operation.schemas.accepts(parameter.schema, "request", likely):
                return likely
        return own

    def _seen(self, operation: Operation, parameter: Parameter) -> Iterator[Any]:
        if parameter.schema is not None:
            for value in self._known.for_name(parameter.name):
                for form in forms(value):
                    if operation.schemas.accepts(parameter.schema, "request", form):
                        yield form
                        break

    def places(self, operation: Operation) -> Iterator[tuple[dict[str, Any], bool]]:
        """Values for the path's parameters, the surest first; True where all of them are known to exist."""
        by_name = {parameter.name: parameter for parameter in operation.parameters if parameter.location == "path"}
        segments = [part for part in operation.path.split("/") if part]
        prefers_own = operation.method not in SAFE
        spares_asker = prefers_own and changes_what_it_names(operation)

        def fill(
            index: int, place: str, chosen: dict[str, Any], sure: bool, preset: Mapping[str, Any]
        ) -> Iterator[tuple[dict[str, Any], bool]]:
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
                    if name in preset:
                        found = [(form, False) for form in _forms_of(operation, parameter, preset[name])]
                    if spares_asker and operation.path.rpartition("{")[2].startswith(f"{name}}}"):
                        about = place.rpartition("/")[2]
                        found = [item for item in found if not self._known.is_asker(about, item[0])]
                    if prefers_own:
                        mine = self._mine(word(place.rpartition("/")[2]))
                        found.sort(key=lambda item: str(item[0]) not in mine)
                    for value, is_there in found[:3]:
                        below = f"{place}/{quote(str(value), safe='')}"
                        yield from fill(index + 1, below, {**chosen, parameter.label: value}, sure and is_there, preset)
                    if name in preset:
                        return
                    value = self._made_up(operation, parameter)
                    below = f"{place}/{quote(str(value), safe='')}"
                    if value is not MISSING and str(value) not in {str(known) for known, _ in found}:
                        yield from fill(index + 1, below, {**chosen, parameter.label: value}, False, preset)
                    for other in (1, "1"):
                        fits = parameter.schema is None or operation.schemas.accepts(parameter.schema, "request", other)
                        if fits and not found and str(value) != "1":
                            yield from fill(index + 1, f"{place}/1", {**chosen, parameter.label: other}, False, preset)
                            break
                    return
                index += 1
            yield chosen, sure

        usual = fill(0, operation.base_paths[0], {}, True, {})
        first = next(usual, None)
        if first is not None and first[1]:
            yield first
            first = None
        # Rather a run of the project that it belongs to than the first project, which may have none.
        for given in islice(self._known.together(list(by_name)), 2):
            yield from islice(fill(0, operation.base_paths[0], {}, True, given), 1)
        yield from [first] if first is not None else []
        yield from usual

    def others(self, operation: Operation, base: Base) -> Iterator[dict[str, Any]]:
        """Path values of things beside that of a request, in other states first: those that are known to exist."""
        names = re.findall(r"\{([^{}]*)\}", operation.path)
        last = next(
            (each for each in operation.parameters if each.location == "path" and each.name in names[-1:]), None
        )
        told = [dict(base.given)]
        for given in (
            *(self.in_other_states(operation, base, last) if last is not None else ()),
            *self._sure(operation),
        ):
            fresh = {**base.given, **given}
            if fresh not in told:
                told.append(fresh)
                yield fresh

    def in_other_states(self, operation: Operation, base: Base, last: Parameter) -> Iterator[dict[str, Any]]:
        """Path values of things that lists showed in other states than their first one."""
        place = operation.base_paths[0] + operation.path.partition(f"{{{last.name}}}")[0].rstrip("/")
        for name in re.findall(r"\{([^{}]*)\}", place):
            place = place.replace(f"{{{name}}}", quote(str(base.given.get(f"path:{name}", "")), safe=""))
        for value in self._known.in_other_states(place):
            if changes_what_it_names(operation) and self._known.is_asker(place.rpartition("/")[2], value):
                continue
            yield from ({**base.given, last.label: form} for form in _forms_of(operation, last, value))

    def _sure(self, operation: Operation) -> Iterator[dict[str, Any]]:
        return (given for given, sure in islice(self.places(operation), 4) if sure)

    def written_back(self, operation: Operation, base: Base, thing: Any) -> Any:
        """A body that says of a thing what it shows of itself, so that nothing of it changes; MISSING where that is not allowed."""
        schema = next((media.schema for media in (operation.request_body.content if operation.request_body else ()) if media.range == base.media), None)  # fmt: skip
        if schema is None or not isinstance(thing, Mapping):
            return MISSING
        named = {str(name) for _, node in operation.schemas.flatten([schema]) for name in node.get("properties") or ()}
        shown = thing if named & thing.keys() else thing.get("data")
        # What lets somebody in is shown masked, and would be changed by saying so.
        body = {name: value for name, value in shown.items() if name in named and not _is_masked(name, value)} if isinstance(shown, Mapping) else {}  # fmt: skip
        whole = {name: value for name, value in body.items() if value is not None}  # an answer may say null for nothing
        return next(
            (each for each in (body, whole) if each and operation.schemas.accepts(schema, "request", each)), MISSING
        )

    def _fitting(self, operation: Operation, parameter: Parameter, place: str) -> Iterator[tuple[Any, bool]]:
        for value, sure in self._known.for_path(operation, parameter.name, place):
            yield from ((form, sure) for form in _forms_of(operation, parameter, value))
        said = str(resolve(operation.root, parameter.pointer).get("description", ""))
        for value in (value for thing in things_in(said) for value in self._known.called(thing)):
            yield from ((form, False) for form in _forms_of(operation, parameter, value))

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

    def unknown(self, operation: Operation, last: Parameter) -> dict[str, Any]:
        """Path values of which the last one is nobody's."""
        given = dict(next((given for given, _ in self.places(operation)), {}))
        unknown = variants.unknown_id(operation, last, given.get(last.label))
        if unknown is None or variants.SLOWING.fullmatch(last.name.lower()):
            unknown = "zq7-unknown"  # and not a number that is waited for
        given[last.label] = unknown
        return given

    def never_made(self, operation: Operation, last: Parameter, given: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Path values beside those of a thing that was there: of its form, and nobody's."""
        like = str(given[last.label])
        own = [variants.unknown_id(operation, last, given[last.label])]
        for text in dict.fromkeys(variants.nobodys(last.name, like)):
            for form in forms(text):
                if last.schema is None or operation.schemas.accepts(last.schema, "request", form):
                    yield {**given, last.label: form}
                    own = []
                    break
        if not variants.is_costly(last.name):
            yield from ({**given, last.label: value} for value in own if value is not None and str(value) != like)

    def base(self, operation: Operation, given: Mapping[str, Any]) -> Base:
        values = dict(given)
        for parameter in operation.parameters:
            if parameter.required and parameter.location in ("query", "header", "cookie"):
                found = self._value(operation, parameter)
                if found is not MISSING:
                    values[parameter.label] = found
        return Base(values, headers=usual(operation))


def _is_masked(name: str, value: Any) -> bool:
    """True for a secret by its name, and for a text of stars and the like in place of one."""
    return SECRET.fullmatch(snake(name)) is not None or (
        isinstance(value, str) and re.fullmatch(r"[*•xX#.]{3,}", value) is not None
    )


def _forms_of(operation: Operation, parameter: Parameter, value: Any) -> Iterator[Any]:
    """The value as the parameter takes it; nothing where it does not."""
    for form in forms(value):
        if parameter.schema is None or operation.schemas.accepts(parameter.schema, "request", form):
            yield form
            return


def usual(operation: Operation) -> Headers:
    """What any client sends."""
    return (("Accept", variants.accepts(operation)), ("Accept-Encoding", "gzip, deflate"))


def _body_media(operation: Operation) -> MediaType | None:
    declared = operation.request_body
    if declared is None or not declared.content:
        return None
    return next((media for media in declared.content if is_json(media.range)), declared.content[0])


def _waits(operation: Operation, parameter: Parameter) -> bool:
    """True for a number that makes the server wait, and may be 0."""
    if parameter.schema is None or not variants.SLOWING.fullmatch(parameter.name.lower()):
        return False
    kinds = variants.facts_of(operation, parameter.schema)["kinds"]
    return bool(kinds & {"integer", "number"})


def words(exchange: Exchange) -> Any:
    """What a refusal says: its JSON, or its text; None if it says nothing."""
    if exchange.response is None or not 400 <= exchange.response.status < 600 or not exchange.response.body:
        return None
    try:
        return exchange.response.json
    except ValueError:
        return exchange.response.body[:4096].decode("utf-8", "replace")


def renewed(body: Any, salt: int, names: bool = True) -> Any:
    """The body with other names in it, where names may have to be unique.

    Below a thing that has a name of its own, names are those of other things, and only addresses are new.
    """
    if isinstance(body, Mapping):
        has_own = any(
            isinstance(item, str) and "@" not in item and _NAMING.fullmatch(_plain(key)) for key, item in body.items()
        )
        below = names and not has_own
        return {
            key: _renewed_leaf(key, item, salt, names) if isinstance(item, str) else renewed(item, salt, below)
            for key, item in body.items()
        }
    return [renewed(item, salt, names) for item in body] if isinstance(body, list) else body


_OWN_NAME = re.compile(r"/(?i:name|id|uuid|key|slug|code)")
_NAMING = re.compile(
    r"(.*_)?((user|nick|screen|host|file)?name|title|slug|key|code|login|label|handle|id|identifier|sku|number|domain|host)"
)


def _plain(key: Any) -> str:
    return re.sub(r"[^a-z]+", "_", str(key).lower())


def _renewed_leaf(key: Any, item: str, salt: int, names: bool) -> str:
    if "@" in item:
        return f"user{salt}@example.com"
    if names and _NAMING.fullmatch(_plain(key)):
        # What ends a host's name, or a path, says what it is.
        return f"n{salt}.{item}" if re.fullmatch(r"[\w-]+(\.[\w-]+)+\.?", item) else f"{item[:40]}{salt}"
    return item


def status_of(exchange: Exchange) -> int:
    return exchange.response.status if exchange.response is not None else 0
