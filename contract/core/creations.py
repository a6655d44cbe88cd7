"""What did a request make, and is it still there? So that nothing is deleted that somebody else made.

By what answers say: `201`, `Location`, an id that no answer has shown before, a `PUT` where nothing was.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

import orjson

from contract.core import variants
from contract.core.evidence import Exchange, Request, header
from contract.core.honest import status_of
from contract.core.known import Known, before, forms, id_of, word
from contract.core.verbs import about

if TYPE_CHECKING:
    from contract.core.openapi import Operation, Parameter


_NOBODYS = frozenset({variants.NIL_UUID, "2147483646", str(2**63), "99999999999"})
"""Ids that nothing has."""
REFERENCE = re.compile(r"(_id|Id|ID|_uuid)s?$")
"""Names of what refers to another thing."""


class Creations:
    """What was made and is still there, as far as that is certain."""

    def __init__(self, known: Known, items: Collection[str]) -> None:
        self._known = known
        self._items = items
        """Words of which there are single things."""
        self._own: list[tuple[str, Any, str]] = []
        """What was made: word, id, and the path below which it was made."""
        self.makers: dict[str, str] = {}
        """By word the key of the operation that made such a thing."""
        self._absent: set[str] = set()
        """Paths of which a reader said that nothing is there, and never that there is something."""
        self._present: set[str] = set()
        self._new: set[str] = set()
        """Paths of what was made where a reader had found nothing."""
        self._lent: set[tuple[str, str]] = set()
        """What an answer named that did not say 201: new perhaps, or found."""
        self._finders: set[str] = set()
        """Keys of operations that answer the same thing twice."""

    def seen(self, operation: Operation, exchange: Exchange) -> None:
        """Takes in what an answer shows, of what is known as well."""
        path, status = exchange.request.path, status_of(exchange)
        # A slash at the end is another path: the router's 404 there says nothing of the thing.
        if operation.method in ("GET", "HEAD") and path.endswith("/") == operation.served_path.endswith("/"):
            if 200 <= status < 300:
                self._present.add(path.rstrip("/"))
                self._absent.discard(path.rstrip("/"))
            elif status in (404, 410) and path.rstrip("/") not in self._present:
                self._absent.add(path.rstrip("/"))
        made = self.made(operation, exchange)
        self._known.learn(operation, exchange)
        if made is not None:
            self._known.prefer(made[0], made[1])
        is_item = operation.path.rstrip("/").endswith("}")
        if operation.method == "PUT" and 200 <= status < 300 and is_item:
            self.makers.setdefault(about(operation), operation.key)

    def was_new(self, path: str) -> bool:
        """True for what was made where a reader had found nothing, whatever became of it."""
        return path.rstrip("/") in self._new

    def ids(self, of: str) -> set[str]:
        """Ids of things of that word that were made and are still there."""
        return {str(value) for word_, value, _ in self._own if word_ == of}

    def paths(self) -> list[str]:
        """Where what was made lies."""
        return [f"{below}/{quote(str(value), safe='')}" for _, value, below in self._own]

    def __len__(self) -> int:
        return len(self._own)

    def made(self, operation: Operation, exchange: Exchange) -> tuple[str, Any, str] | None:
        """Keeps what a success has made, as far as that is certain: a thing that was not there before."""
        status = status_of(exchange)
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
        where = f"{named[2]}/{quote(str(named[1]), safe='')}"
        if where in self._absent:
            self._new.add(where)
        self.makers.setdefault(named[0], operation.key)
        return named

    def _put_there(self, operation: Operation, exchange: Exchange) -> tuple[str, Any, str] | None:
        """What a PUT has made: its answer says so (RFC 9110, 9.3.4), or nothing was there before it."""
        path = exchange.request.path.rstrip("/")
        below, _, leaf = path.rpartition("/")
        if not operation.path.rstrip("/").endswith("}"):
            return None
        if (elsewhere := _elsewhere(exchange)) is not None:
            return elsewhere
        is_new = status_of(exchange) == 201 or path in self._absent or "zq7walk" in leaf
        return (about(operation), unquote(leaf), below) if is_new else None

    def _posted(self, operation: Operation, exchange: Exchange) -> tuple[str, Any, str] | None:
        """What a POST has made, and the path below which it lies: as `Location` says, else as the answer does."""
        assert exchange.response is not None
        path, status = exchange.request.path.rstrip("/"), exchange.response.status
        if operation.path.rstrip("/").endswith("}"):
            return _elsewhere(exchange)
        of = word(path.rpartition("/")[2])
        location = _location(exchange)
        found: Any = None
        if "/" in location:
            holder, _, leaf = location.partition("?")[0].rstrip("/").rpartition("/")
            found = unquote(leaf)
            if holder.startswith("/") and word(holder.rpartition("/")[2]) != of:
                of, path = word(holder.rpartition("/")[2]), holder  # a job that makes it, or the thing acted on
        elif status != 202 and (status == 201 or of in self._items):
            try:
                found = _id_in(operation, exchange.response.json, of)
            except ValueError:
                return None
        if found in (None, "") or str(found) in map(unquote, exchange.request.path.split("/")):
            return None
        own = "" if "{" in operation.path else of  # below another thing, what is named is given to that
        return None if _is_named_in(exchange.request, found, own) else (of, found, path)

    def mine(self, operation: Operation, last: Parameter) -> Iterator[dict[str, Any]]:
        """Path values of things that were made."""
        template = operation.base_paths[0] + operation.path.partition(f"{{{last.name}}}")[0].rstrip("/")
        names = re.findall(r"\{([^{}]*)\}", template)
        pattern = re.compile(re.sub(r"\\\{[^{}]*\\\}", "([^/]+)", re.escape(template)))
        of = word(before(operation.path, last.name))
        for theirs, value, below in list(self._own):
            match = pattern.fullmatch(below)
            if match is None and (theirs != of or names):
                continue
            parents = dict(zip(names, map(unquote, match.groups()), strict=True)) if match is not None else {}
            for form in forms(value):
                if last.schema is None or operation.schemas.accepts(last.schema, "request", form):
                    yield {**{f"path:{name}": text for name, text in parents.items()}, last.label: form}
                    break

    def emptied(self, operation: Operation, path: str) -> None:
        """What lay below a path is gone; the thing itself, where a verb says so: `POST /tasks/17/delete`."""
        path = path.rstrip("/")
        if operation.method != "DELETE" and (found := re.match(r"(.*/([^/:]+))[/:][^/]*$", path)) is not None:
            self.forget(found[1], unquote(found[2]))
        self._own = [item for item in self._own if not f"{item[2]}/".startswith(f"{path}/")]

    def forget(self, path: str, value: Any) -> None:
        self._known.forget(path)
        self._present.discard(path.rstrip("/"))
        below = path.rstrip("/").rpartition("/")[0]
        self._own = [
            item
            for item in self._own
            if not (str(item[1]) == str(value) and (item[2] == below or item[0] == word(below.rpartition("/")[2])))
            and not item[2].startswith(path.rstrip("/") + "/")
        ]


def _id_in(operation: Operation, value: Any, of: str) -> Any:
    """The id of the one thing that an answer is about: as the path of such a thing calls it, else as things do."""
    if isinstance(value, list):
        value = value[0] if len(value) == 1 else None  # of several nobody knows which is new
    pattern = re.compile(re.escape(operation.path.rstrip("/")) + r"/\{([^{}]*)\}/?")
    names = [match[1] for path in operation.root.get("paths") or () if (match := pattern.fullmatch(str(path)))]
    holders = [value, value.get("data")] if isinstance(value, Mapping) else []
    for holder in (each for each in holders if isinstance(each, Mapping)):
        for name in names:
            found = holder.get(name)
            # Beside an `id` another one may be of something else.
            if (
                isinstance(found, (str, int))
                and not isinstance(found, bool)
                and len(str(found)) < 128
                and not ("id" in holder and REFERENCE.search(name))
            ):
                return found
    return id_of(value, of)


def _location(exchange: Exchange) -> str:
    """The path that `Location` names, without the server's address."""
    answer = exchange.response
    return re.sub(r"^https?://[^/]+", "", (header(answer.headers, "location") if answer is not None else None) or "")


def _elsewhere(exchange: Exchange) -> tuple[str, Any, str] | None:
    """What was made where `Location` says and not at the path that was asked (RFC 9110, 15.3.2); None where it says no such thing."""
    path = exchange.request.path.rstrip("/")
    holder, _, leaf = _location(exchange).partition("?")[0].rstrip("/").rpartition("/")
    found = unquote(leaf)
    is_below = f"{holder}/{leaf}".startswith(f"{path}/")
    if status_of(exchange) != 201 or not holder.startswith("/") or not found or is_below:
        return None
    if found in map(unquote, path.split("/")) or _is_named_in(exchange.request, found):
        return None
    return word(holder.rpartition("/")[2]), found, holder


def spares(operation: Operation, path: str, own: Sequence[str] | None) -> bool:
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


def is_at(operation: Operation, path: str) -> bool:
    pattern = re.sub(r"\\\{[^{}]*\\\}", "[^/]+", re.escape(operation.base_paths[0] + operation.path))
    return bool(operation.path.endswith("}") and re.fullmatch(pattern, path))


def _is_named_in(request: Request, value: Any, own: str = "") -> bool:
    """True if the request's body names that thing as one that is there: `{"role_id": 3}`.

    Not by what things of the word `own` are called, of which one is made: whoever makes a role may choose its `role_id`.
    """
    try:
        body = orjson.loads(request.body or b"")
    except ValueError:
        return False
    members = body.items() if isinstance(body, dict) else ()
    return any(REFERENCE.search(name) and word(name) != own and (item == value or (isinstance(item, list) and value in item)) for name, item in members)  # fmt: skip
