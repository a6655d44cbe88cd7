"""Does what was deleted still answer? Each resource that can be deleted and read is taken to its end once.

Fuzzers find this by luck: it takes a creation, a deletion and a read of one id. What they learnt is enough to do it on
purpose: a body that was accepted creates a resource anew; where that is refused, one whose deletion was confirmed is
deleted once more. Nothing is deleted but what this probe created, or what was deleted before. It is still there only if
the same reader does not find what was never made: an echo answers for any id alike, and holds nothing.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from urllib.parse import quote, unquote

from contract.core import variants
from contract.core.evidence import Complaint, Exchange, Progress, Request, Traffic, header
from contract.core.target import Target

SOURCE = "deleted"
_NOT_THERE = (404, 410)
_ACCEPTED_LATER = 202
"""A deletion that takes its time (RFC 9110, 15.3.3)."""


def probe(
    accepted: Mapping[str, Exchange], readable: frozenset[str], target: Target
) -> Iterator[Exchange | Complaint | Progress]:
    """Exchanges, and a complaint for each resource that is still there after a deletion that was confirmed.

    `accepted` has for each operation an exchange that was a success; `readable` holds the keys of all declared `GET`s.
    """
    # A list that was emptied is there all the same.
    ends = [
        key
        for key in accepted
        if key.startswith("DELETE ") and key.endswith("}") and f"GET {key.removeprefix('DELETE ')}" in readable
    ]
    for done, key in enumerate(ends):
        yield from _one(key.removeprefix("DELETE "), accepted, target)
        yield Progress(done + 1, len(ends), key, "deleted")
    yield Progress(len(ends), len(ends), "", "end")


def _one(template: str, accepted: Mapping[str, Exchange], target: Target) -> Iterator[Exchange | Complaint]:
    known = accepted[f"DELETE {template}"]
    name = template.rpartition("{")[2].partition("}")[0]
    if variants.is_costly(name):
        return  # `/delay/3` is no thing, and a large one of it is waited for
    path = known.request.path
    chain: list[Exchange] = []
    create = accepted.get(f"POST {template.rpartition('/')[0]}")
    if create is not None:
        made = _ask(target, create.request, create.operation)
        yield made
        given = _id_of(made)
        if given is not None:
            chain.append(made)
            path = f"{made.request.path.rstrip('/')}/{quote(given, safe='')}"
    url = _with_query(path, known.request)
    gone = _ask(target, Request("DELETE", url, known.request.headers, known.request.body), f"DELETE {template}")
    yield gone
    if gone.response is None or gone.response.status == _ACCEPTED_LATER:
        return
    if not 200 <= gone.response.status < 300 and gone.response.status not in _NOT_THERE:
        return  # refused: then it may well be there
    # As it was read before, if it ever was: what a deletion is told besides may mean something else to a reader.
    as_read = accepted.get(f"GET {template}", known).request
    headers = tuple((key, value) for key, value in as_read.headers if key.lower() != "content-type")
    read = _ask(target, Request("GET", _with_query(path, as_read), headers), f"GET {template}")
    yield read
    if read.response is None or not 200 <= read.response.status < 300:
        return
    above, _, leaf = path.rpartition("/")
    others = [_with_query(f"{above}/{nobodys}", as_read) for nobodys in variants.nobodys(name, unquote(leaf))]
    if (yield from _tells_apart([Request("GET", other, headers) for other in others], template, target)):
        message = f"{path} was deleted (the server answered {gone.response.status}), and still answers {read.response.status}."
        yield Complaint("use-after-delete", f"GET {template}", (*chain, gone, read), message, source=SOURCE)


def _tells_apart(asked: list[Request], template: str, target: Target) -> Generator[Exchange, None, bool]:
    """True if what was never made is not found."""
    for request in asked:
        answer = _ask(target, request, f"GET {template}")
        yield answer
        status = answer.response.status if answer.response is not None else 0
        if status in _NOT_THERE or 200 <= status < 300:
            return status in _NOT_THERE
    return False


def _with_query(path: str, like: Request) -> str:
    return f"{path}?{like.query}" if like.query else path


def _ask(target: Target, request: Request, operation: str | None) -> Exchange:
    return target.send(request, source=SOURCE, traffic=Traffic.SYNTHETIC, operation=operation)


def _id_of(made: Exchange) -> str | None:
    """The id that a creation answers with: the last segment of `Location`, else `id` of the body, or of its `data`."""
    if made.response is None or not 200 <= made.response.status < 300:
        return None
    location = header(made.response.headers, "location")
    if location is not None and "/" in location:
        return location.partition("?")[0].rstrip("/").rpartition("/")[2] or None
    try:
        value = made.response.json
    except ValueError:
        return None
    for holder in (value, value.get("data") if isinstance(value, dict) else None):
        if isinstance(holder, dict):
            for name in ("id", "uuid"):
                if isinstance(holder.get(name), (str, int)) and not isinstance(holder.get(name), bool):
                    return str(holder[name])
    return None
