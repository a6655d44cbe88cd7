"""What is known to exist on a server: ids and values that its answers showed, by the place where they belong.

A path parameter is filled from what was seen at its own place (`/projects` lists 17, so `/projects/{id}` may be 17);
else from a thing of the same name seen elsewhere; else by the name of the property.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

import orjson

from contract.core.document import resolve
from contract.core.evidence import Exchange, Request, header
from contract.core.plausible import snake

if TYPE_CHECKING:
    from contract.core.openapi import Operation

_IDS = ("id", "uuid", "_id", "key", "name", "slug", "code")
_KEPT = 12
"""Values of one place, and items of one list, that are looked at."""
_FEW = 6
_KINDS = 300
"""Kinds of things, by the names that they have, of which some are kept as they are."""
_TOKEN = re.compile(r"[\w.~+/=:-]{129,400}")
"""What is longer than a name, and may stand in a path all the same."""
_OF_THING = re.compile(r"(.+)_(uri|url|key|slug|code|token)")
_STATE = re.compile(r"[A-Za-z][A-Za-z_ -]{0,23}")
"""What a state is called."""


def word(text: str) -> str:
    """What a name is about, in the singular and without `id`: `projects`, `project_id` and `projectId` are one word.

    >>> [word(text) for text in ("projects", "project_id", "silenceID", "alert-groups", "categories", "status")]
    ['project', 'project', 'silence', 'alert_group', 'category', 'status']
    """
    name = re.sub(r"_(id|uuid|key|name|slug|code)$", "", snake(text)) or snake(text)
    if name.endswith("ies") and len(name) > 4:
        return name[:-3] + "y"
    if name.endswith(("sses", "xes", "ches", "shes")):
        return name[:-2]
    return name[:-1] if name.endswith("s") and not name.endswith(("ss", "us", "is")) and len(name) > 3 else name


_WRAPS = ("data", "items", "results", "records", "content", "values", "entries", "rows", "list", "hits")
"""Under these names an answer has what it is about."""


class Known:
    """Values by place, by word and by name; in the order in which they were seen, so that a run repeats."""

    def __init__(self, given: Mapping[str, Sequence[Any]] | None = None) -> None:
        self.given = {snake(name): list(values) for name, values in (given or {}).items()}
        """What the user says exists, by the parameter's name or its word."""
        self._places: dict[str, dict[str, Any]] = {}
        self._words: dict[str, dict[str, Any]] = {}
        self._names: dict[str, dict[str, Any]] = {}
        self._links: dict[tuple[str, str], dict[str, Any]] = {}
        self._states: dict[str, list[Any]] = {}
        """By place the first thing in each state that a list showed: not all are alike."""
        self._gone: set[str] = set()
        self._met: dict[str, set[str]] = {}
        """All ids that were seen, by word: those that are not kept for asking as well."""
        self._shown: dict[tuple[str, str], dict[str, Any]] = {}
        """Values of what is there by place and property: `/datasets/{uri}` asks for the `uri` of what is listed."""
        self._maps: dict[str, dict[str, Any]] = {}
        """Names by the place of a collection that answers with what stands under each."""
        self._numbered: set[str] = set()
        """Places of things that have an id."""
        self._asker: dict[str, set[str]] = {}
        """By word what the account is called with whose credentials is asked, and the roles that it has."""
        self._together: dict[tuple[str, ...], list[dict[str, Any]]] = {}
        """What single things said of themselves, by the names of it: a run of one project is no run of another."""

    def learn(self, operation: Operation, exchange: Exchange) -> None:
        """Takes in what a success showed."""
        answer, request = exchange.response, exchange.request
        if answer is None or not 200 <= answer.status < 300:
            return
        for user in _user_of(request):
            self._asker.setdefault("", set()).add(user)
        place = request.path.rstrip("/")
        last = _literal(operation.path)
        if request.method in ("POST", "PUT"):
            location = header(answer.headers, "location")
            if location is not None:
                path = re.sub(r"^https?://[^/]+", "", location).partition("?")[0].rstrip("/")
                if path.startswith("/") and len(path) > 1:
                    self._at(path.rpartition("/")[0], unquote(path.rpartition("/")[2]))
        if request.method == "PUT" and operation.path.endswith("}"):
            self._at(place.rpartition("/")[0], unquote(place.rpartition("/")[2]))
        try:
            value = answer.json
        except ValueError:
            return
        self._links_of(operation, exchange, value)
        if request.method == "GET" and isinstance(value, Mapping):
            for thing in (value, value.get("data")):
                self._learn_asker(operation, unquote(place.rpartition("/")[2]), thing)
        is_item = operation.path.rstrip("/").endswith("}")
        if is_item:
            of = word(before(operation.path, operation.path.rpartition("{")[2].partition("}")[0]))
            self._met.setdefault(of, set()).add(unquote(place.rpartition("/")[2]))
        is_thing = is_item and not _lists(value)  # `/codes/{owner}` may show what lies below an owner
        holder = place.rpartition("/")[0] if is_thing else place
        if request.path.endswith("/") and not operation.served_path.endswith("/"):
            holder = ""  # its last value is empty, or a slash too many
        elif is_thing and request.method == "POST" and not _is_called(value, unquote(place.rpartition("/")[2])):
            holder = ""  # what an action answers is not the thing that it was asked of
        self._look(value, "" if is_thing else last, holder, 0)

    def _learn_asker(self, operation: Operation, leaf: str, thing: Any) -> None:
        """What an answer says of the account with which is asked: what it is called, and what lets it in."""
        is_own = is_askers(operation.path)
        about = word(operation.path.rstrip("/").rpartition("/")[0].rpartition("/")[2]) or "user"
        if not isinstance(thing, Mapping) or not (is_own or self.is_asker(about, leaf)):
            return
        if is_own:
            self._asker.setdefault(about, set()).update(str(thing[name]) for name in _CALLED if _plain(thing.get(name)))
        for key, item in thing.items():
            if word(key) in ("role", "group", "policy"):
                for each in item if isinstance(item, list) else [item]:
                    named = [each.get(name) for name in _IDS] if isinstance(each, Mapping) else [each]
                    self._asker.setdefault(word(key), set()).update(str(name) for name in named if _plain(name))

    def _look(self, value: Any, about: str, place: str, depth: int) -> None:
        if depth > 4:
            return
        if isinstance(value, list):
            if place and depth < 2:
                self._vary(value, about, place)
            for item in value[:_KEPT]:
                if isinstance(item, (str, int)) and not isinstance(item, bool) and about and item != "":
                    self._word(about, item)
                self._look(item, about, place if depth < 2 else "", depth + 1)
            for item in value[_KEPT:] if about else ():
                named = [item[name] for name in _IDS if name in item] if isinstance(item, Mapping) else [item]
                self._met.setdefault(word(about), set()).update(str(each) for each in named if _plain(each))
            return
        if not isinstance(value, Mapping):
            return
        if place and depth == 0 and _is_map(value):
            for key in list(value)[:_KEPT]:
                self._put(self._maps, place, key)
        name = _id_name(value, about)
        if name is not None:
            if place and depth < 3:
                self._at(place, value[name])
            self._word(about, value[name])
        plain = {snake(key): item for key, item in value.items() if _plain(item)}
        if len(plain) > 1 and (tuple(plain) in self._together or len(self._together) < _KINDS):
            alike = self._together.setdefault(tuple(plain), [])
            if len(alike) < _KEPT and plain not in alike:
                alike.append(plain)
        if place and depth < 3:
            self._numbered.update([place] if name in _IDS[:3] else ())
            for key, item in value.items():
                if _plain(item):
                    self._put(self._shown, (place, snake(key)), item)
        for key, item in value.items():
            if _plain(item):
                self._put(self._names, snake(key), item)
                if re.search(r"(_id|Id|ID|_uuid)$", key):
                    self._word(word(key), item)
            elif isinstance(item, str) and _TOKEN.fullmatch(item):
                self._put(self._names, snake(key), item)
            elif isinstance(item, Mapping) and item and all(isinstance(part, Mapping) for part in item.values()):
                for each in list(item)[:_KEPT]:  # a map: its keys are what things are called
                    self._word(word(key), each)
                self._look(next(iter(item.values())), word(key), "", depth + 1)
            else:
                # `{"data": […]}` and its kin are still about what the path is about.
                wraps = snake(key) in _WRAPS or word(key) == about
                self._look(item, about if wraps else word(key), place if wraps else "", depth + 1)

    def _vary(self, items: Sequence[Any], about: str, place: str) -> None:
        """Keeps the first thing that shows each word of a property of few words, each truth, each thing left out."""
        things = [(item[name], item) for item in items if isinstance(item, Mapping) and (name := _id_name(item, about))]
        # What was seen before comes first, as it was seen: lists are often in the order of ids that are made at random.
        before = {key: index for index, key in enumerate(self._places.get(place, ()))}
        things.sort(key=lambda thing: before.get(str(thing[0]), len(before)))  # stable
        found: dict[tuple[int, str, Any], Any] = {}
        for key in dict.fromkeys(key for _, item in things[:_KEPT] for key in item):
            shown = [(named, item.get(key)) for named, item in things]
            words = {value for _, value in shown if isinstance(value, str) and _STATE.fullmatch(value)}
            few = len(words) <= _FEW and len(words) * 2 <= len(things)
            for named, value in shown:
                kind = (
                    1
                    if isinstance(value, bool)
                    else 2
                    if value is None
                    else 0
                    if few and isinstance(value, str) and value in words
                    else None
                )
                if kind is not None:
                    found.setdefault((kind, key, value), named)
        first = things[0][0] if things else None
        kept = self._states.setdefault(place, [])
        # States first: a thing that is closed behaves in another way than one without a description.
        for _, named in sorted(found.items(), key=lambda item: item[0][0]):
            if named != first and named not in kept and len(kept) < _FEW:
                kept.append(named)

    def in_other_states(self, place: str) -> list[Any]:
        """Things below a place that differ from the first one that a list showed: by a word, a truth, or what is left out."""
        return [
            each for each in self._states.get(place, ()) if f"{place}/{quote(str(each), safe='')}" not in self._gone
        ]

    def _links_of(self, operation: Operation, exchange: Exchange, value: Any) -> None:
        """What the document itself says of where values go next (OpenAPI 3.1, 4.8.20)."""
        assert exchange.response is not None
        declared = operation.response(exchange.response.status)
        if declared is None:
            return
        for link in _map(_map(_at_pointer(operation.root, declared.pointer)).get("links")).values():
            link = _map(link)
            if isinstance(link.get("$ref"), str):
                link = _map(_at_pointer(operation.root, link["$ref"]))
            goal = link.get("operationId") or link.get("operationRef")
            if not isinstance(goal, str):
                continue
            for name, expression in _map(link.get("parameters")).items():
                found = _evaluated(str(expression), operation, exchange, value)
                if found is not None:
                    self._put(self._links, (goal, name.rpartition(".")[2]), found)

    def _at(self, place: str, value: Any) -> None:
        self._put(self._places, place, value)
        literal = next((part for part in reversed(place.split("/")) if part), "")
        if literal:
            self._word(word(literal), value)

    def _word(self, about: str, value: Any) -> None:
        if about:
            self._put(self._words, word(about), value)
            self._met.setdefault(word(about), set()).add(str(value))

    @staticmethod
    def _put(into: dict[Any, dict[str, Any]], key: Any, value: Any) -> None:
        kept = into.setdefault(key, {})
        if len(kept) < _KEPT or str(value) in kept:
            kept.setdefault(str(value), value)

    def forget(self, path: str) -> None:
        """What was deleted exists no more."""
        self._gone.add(path.rstrip("/"))
        place, _, name = path.rstrip("/").rpartition("/")
        name = unquote(name)
        self._places.get(place, {}).pop(name, None)
        for kept in self._words.values():
            kept.pop(name, None)
        for met in self._met.values():
            met.discard(name)

    def prefer(self, about: str, value: Any) -> None:
        """A thing of that word exists, and is to be taken before those that others made."""
        self._words[word(about)] = {str(value): value} | self._words.get(word(about), {})

    def is_asker(self, about: str, value: Any) -> bool:
        """True for the account with whose credentials is asked, and for its roles: what changes them may end all answers."""
        return any(str(value) in self._asker.get(each, ()) for each in ("", word(about)))

    def together(self, names: Sequence[str]) -> Iterator[dict[str, Any]]:
        """Values of several of these names that one thing showed, the most of them first."""
        found: list[dict[str, Any]] = []
        for thing in (thing for alike in self._together.values() for thing in alike):
            given = {name: thing[snake(name)] for name in names if snake(name) not in _IDS and snake(name) in thing}
            if len(given) > 1 and given not in found:
                found.append(given)
        yield from sorted(found, key=lambda given: -len(given))  # stable

    def of_thing(self, about: str, name: str) -> Iterator[Any]:
        """What things of that word show under a name, where they are listed: the `uri` of data sets."""
        for (place, shown), values in self._shown.items():
            if shown == snake(name) and word(place.rpartition("/")[2]) == word(about):
                yield from values.values()

    def has(self, about: str, value: Any) -> bool:
        """True if a thing of that word was seen, or the user says that it exists."""
        said = (item for name, values in self.given.items() if word(name) == word(about) for item in values)
        return str(value) in self._met.get(word(about), ()) or str(value) in map(str, said)

    def for_path(self, operation: Operation, name: str, place: str) -> Iterator[tuple[Any, bool]]:
        """Values for a path parameter below a concrete place, the surest first; True for one that is there to be seen."""
        about = before(operation.path, name)
        seen: set[str] = set()
        sources: list[tuple[Mapping[str, Any], bool]] = [
            ({str(value): value for value in self._said(name, about)}, True),
            (self._links.get((operation.operation_id or "", name), {}), True),
        ]
        # What is there says itself what it is called: by that property, and not by the id that it has beside it. A
        # `task_id` below `/tasks` may be another task's, though, where there is an `id`.
        own = self._shown.get((place, snake(name)), {}) if snake(name) not in _IDS else {}
        if own and (word(name) != word(about) or place not in self._numbered):
            sources.append((own, True))
        sources.append((self._places.get(place, {}), len(sources) == 2))
        sources.append((self._maps.get(place, {}), False))
        if snake(name) not in _IDS:
            sources.append((self._words.get(word(name), {}), False))
        if about:
            sources.append((self._words.get(word(about), {}), False))
        if snake(name) not in _IDS:
            sources.append((self._names.get(snake(name), {}), False))
        stem = _unnumbered(name)
        if stem != snake(name):  # `/towns/{town1}/to/{town2}`: the second is where the first is
            first = next(each for each in re.findall(r"\{([^{}]*)\}", operation.path) if _unnumbered(each) == stem)
            above = (operation.base_paths[0] + operation.path.partition(f"{{{first}}}")[0].rstrip("/")).count("/")
            there = "/".join(place.split("/")[: above + 1])
            sources += [(self._shown.get((there, stem), {}), False)]
            sources += [(self._words.get(word(each), {}), False) for each in (stem, before(operation.path, first))]
            sources += [(self._names.get(stem, {}), False)]
        for source, sure in sources:
            for key, value in list(source.items()):
                if key not in seen and f"{place}/{quote(key, safe='')}" not in self._gone:
                    seen.add(key)
                    yield value, sure

    def _said(self, name: str, about: str) -> Sequence[Any]:
        """What the user gives for a parameter: by its name, else by its thing, `task` or `task_id` for `/tasks/{id}`."""
        own = self.given.get(snake(name))
        if own is not None or not about:
            return own or ()
        return next((values for named, values in self.given.items() if word(named) == word(about)), ())

    def for_name(self, name: str) -> Iterator[Any]:
        """Values for a query parameter or a property, by its name."""
        seen: set[str] = set()
        about = word(name)
        sources = [{str(value): value for value in self.given.get(snake(name), ())}]
        if about != snake(name) or snake(name) in self._words:
            sources.append(self._words.get(about, {}))
        if snake(name) not in _IDS:
            sources.append(self._names.get(snake(name), {}))
        for source in sources:
            for key, value in list(source.items()):
                if key not in seen:
                    seen.add(key)
                    yield value

    def called(self, about: str) -> list[Any]:
        """What things of that word are called, as answers showed them."""
        return list(self._words.get(word(about), {}).values())

    def shown_as(self, name: str) -> list[Any]:
        """Values that answers showed under a name."""
        return list(self._names.get(snake(name), {}).values())

    def filled(self, value: Any, own: str = "") -> Any:
        """A body in which each `project_id` is the id of a project that was seen, each `dataset_uri` that of a data set.

        `own` is the word of what is made with it: that must be new, most often.
        """
        if isinstance(value, Mapping):
            return {key: self._filled_leaf(key, item, own) for key, item in value.items()}
        return [self.filled(item, own) for item in value] if isinstance(value, list) else value

    def referred(self, value: Any, about: str = "") -> Any:
        """A body in which things inside of others are those that were seen: `{"roles": [{"name": "admin"}]}`."""
        if isinstance(value, list):
            return [self.referred(item, about) for item in value]
        if not isinstance(value, Mapping):
            return value
        fresh = {key: self.referred(item, key) for key, item in value.items()}
        for name in (name for name in value if about and snake(name) in _IDS):
            seen = (each for each in self.called(about) if type(each) is type(value[name]))
            fresh[name] = next(seen, value[name])
        return fresh

    def _filled_leaf(self, key: str, item: Any, own: str) -> Any:
        if _plain(item) and re.search(r"(_id|Id|ID|_uuid)$", key):
            kind = type(item)
            about = self._words.get(word(key), {})
            return next((value for value in about.values() if type(value) is kind), item)
        if isinstance(item, str) and (match := _OF_THING.fullmatch(snake(key))) is not None and word(match[1]) != own:
            return next((each for each in self.of_thing(match[1], match[2]) if isinstance(each, str)), item)
        return self.filled(item, own)


_ME = re.compile(r"me|myself|self|who_?am_?i|current(_?(user|account))?")
_CALLED = ("id", "uuid", "_id", "username", "user_name", "login", "email")


def is_askers(path: str) -> bool:
    """True for a path that names whoever asks: `/users/me`.

    >>> is_askers("/users/me"), is_askers("/whoami"), is_askers("/users/me/keys"), is_askers("/users/{me}")
    (True, True, False, False)
    """
    return _ME.fullmatch(snake(path.rstrip("/").rpartition("/")[2])) is not None and not path.rstrip("/").endswith("}")


def _user_of(request: Request) -> Iterator[str]:
    """The name that Basic credentials say (RFC 7617, 2)."""
    scheme, _, said = (header(request.headers, "authorization") or "").partition(" ")
    if scheme.lower() == "basic":
        with suppress(ValueError):
            name = b64decode(said).decode().partition(":")[0]
            yield from [name] if name else []


def _is_called(value: Any, name: str) -> bool:
    """True for a thing that says the name by which it was asked."""
    return isinstance(value, Mapping) and any(str(value[each]) == name for each in _IDS if each in value)


def _lists(value: Any) -> bool:
    """True for a list of things, bare or wrapped, and not one thing that has a list."""
    if isinstance(value, Mapping):
        lists = [key for key, item in value.items() if isinstance(item, list) and snake(key) in _WRAPS]
        return bool(lists) and _id_name(value, "") is None
    return isinstance(value, list)


def _unnumbered(name: str) -> str:
    """What several are numbered of: `town` of `town2`."""
    return re.sub(r"(?<=[a-z])_?\d$", "", snake(name))


_ABOUT_ALL = frozenset({"links", "meta", "metadata", "error", "errors", "pagination", "paging", "embedded"})


def _is_map(value: Mapping[str, Any]) -> bool:
    """True for things by what they are called: several names, what stands under them all lists or all objects."""
    kinds = {type(item) for item in value.values()}
    names = {snake(key) for key in value}
    return len(names) > 1 and kinds in ({list}, {dict}) and names.isdisjoint(_ABOUT_ALL | {*_WRAPS}) and "" not in value


def _id_name(item: Mapping[str, Any], about: str) -> str | None:
    """The property that says what a thing is called."""
    names = (*_IDS, f"{about}_id", f"{about}Id", f"{about}ID", about)
    return next((name for name in names if name in item and _plain(item[name])), None)


def id_of(value: Any, about: str) -> Any:
    """The id that an answer gives to the one thing that it is about; None if it names none."""
    for holder in (value, value.get("data") if isinstance(value, Mapping) else None, value.get(about) if isinstance(value, Mapping) else None):  # fmt: skip
        if isinstance(holder, Mapping):
            for name in holder:
                if (snake(name) in ("id", "uuid", "_id") or (word(name) == about and snake(name) != about)) and _plain(holder[name]):  # fmt: skip
                    return holder[name]
    for holder in (value, value.get("data") if isinstance(value, Mapping) else None):
        if isinstance(holder, Mapping):
            for name in ("name", "slug", "key"):
                if _plain(holder.get(name)):
                    return holder[name]
    return None


def forms(value: Any) -> Iterator[Any]:
    """A value as it was seen, as a number, and as a text: an id may be declared as either."""
    yield value
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,18}", value):
        yield int(value)
    elif isinstance(value, int):
        yield str(value)


def _plain(value: Any) -> bool:
    return (isinstance(value, int) and not isinstance(value, bool)) or (
        isinstance(value, str) and 0 < len(value) <= 128
    )


def _literal(path: str) -> str:
    """The last literal segment of a template, as a word."""
    return next((word(part) for part in reversed(path.split("/")) if part and "{" not in part), "")


def before(path: str, name: str) -> str:
    """The literal segment in front of a parameter."""
    before = path.partition(f"{{{name}}}")[0]
    return next((part for part in reversed(before.split("/")) if part and "{" not in part), "")


def _evaluated(expression: str, operation: Operation, exchange: Exchange, value: Any) -> Any:
    """A runtime expression (OpenAPI 3.1, 4.8.20.3); None for one that gives nothing plain."""
    assert exchange.response is not None
    expression = expression.strip("{}")
    if expression.startswith("$response.body#"):
        found = _at_pointer(value, expression.partition("#")[2], None)
    elif expression.startswith("$response.header."):
        found = header(exchange.response.headers, expression.rpartition(".")[2])
    elif expression.startswith("$request.path."):
        found = operation.path_values(exchange).get(expression.rpartition(".")[2])
    elif expression.startswith("$request.body#"):
        try:
            found = _at_pointer(orjson.loads(exchange.request.body or b""), expression.partition("#")[2], None)
        except ValueError:
            return None
    elif expression.startswith("$"):
        return None
    else:
        found = expression
    return found if _plain(found) else None


def _at_pointer(root: Any, pointer: str, default: Any = None) -> Any:
    try:
        return resolve(root, pointer if pointer.startswith("#") else f"#{pointer}")
    except (KeyError, ValueError, TypeError, IndexError):
        return default


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
