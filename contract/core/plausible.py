"""What would somebody write here? Values by the name of a property or parameter, and what a refusal says of one.

A schema often says `string` where the server wants a duration, an address or a date. Names tell, and refusals do:
"name must have at least 3 characters".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from contract.core.document import escape, unescape

_BY_NAME: tuple[tuple[str, str], ...] = (
    (r"e?_?mail(_address)?", "user@example.com"),
    (r"(date_?)?time(stamp)?|datetime|.+_at|.+_on|since|until|expir(y|es|ation)|starts?|ends?|before|after", "2026-01-02T03:04:05Z"),
    (r"date|.*_date|birthday|day", "2026-01-02"),
    (r"duration|timeout|ttl|interval|.*_(duration|interval|timeout)", "1h"),
    (r"ip|.*_ip|ip_?addr(ess)?|addr", "192.0.2.1"),
    (r"cidr|subnet|network|ip_?range|range", "192.0.2.0/24"),
    (r"host|host_?name|domain|fqdn", "host.example.com"),
    (r"port", "8080"),
    (r"n|num|count|.*_count|num_?.+|.*_bytes|bytes|size|.*_size|limit|page|per_page|offset|skip|top|take|depth|level", "10"),
    (r"(.*_)?(delay|sleep|wait|pause)(_?(ms|s|seconds))?", "0"),
    (r"seconds?|minutes?|hours?|days?|age|year|amount|price|quantity|qty|index|position|priority|weight|width|height", "1"),
    (r"status_?codes?|codes?|http_?status", "200"),
    (r".*ur[li]|href|link|website|homepage|callback|endpoint|webhook|redirect.*", "https://example.com/"),
    (r"uuid|guid|.*_uuid", "1f0d0000-0000-4000-8000-000000000001"),
    (r"phone|mobile|tel(ephone)?|.*_phone|phone_?number", "+15555550100"),
    (r"country|country_?code", "US"),
    (r"currency|currency_?code", "EUR"),
    (r"lang(uage)?|locale", "en"),
    (r"time_?zone|tz", "UTC"),
    (r"colou?r|.*_colou?r", "#336699"),
    (r"(sem_?)?version", "1.0.0"),
    (r"pass(word|wd)?|.*_password|password_.*|new_?pass.*", "Zq7-Pass-word-1"),
    (r"user_?name|login|handle", "user1"),
    (r"regexp?|pattern", "a.*"),
    (r"cron|schedule", "0 0 * * *"),
    (r"lat(itude)?", "52.5"),
    (r"lon(g|gitude)?|lng", "13.4"),
    (r"zip(_?code)?|post(al)?_?code", "10115"),
    (r"iban", "DE89370400440532013000"),
    (r"mime(_?type)?|content_?type|media_?type", "text/plain"),
    (r"method", "GET"),
    (r"path", "/"),
)  # fmt: skip
_COMPILED = tuple((re.compile(pattern), text) for pattern, text in _BY_NAME)


def snake(name: str) -> str:
    """One spelling for all: `createdAt`, `created-at` and `created_at` are one name.

    >>> snake("silenceID"), snake("createdAt"), snake("Content-Type")
    ('silence_id', 'created_at', 'content_type')
    """
    text = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")


def text_for(name: str) -> str | None:
    """A text that a server would take for something of that name; None where the name says nothing."""
    wanted = snake(name)
    return next((text for pattern, text in _COMPILED if pattern.fullmatch(wanted)), None)


def better(value: Any, name: str = "") -> Any:
    """A value in which each text that only repeats its own name says what such a name stands for."""
    if isinstance(value, Mapping):
        return {key: better(item, key) for key, item in value.items()}
    if isinstance(value, list):
        return [better(item, name) for item in value]
    if isinstance(value, str) and re.fullmatch(rf"{re.escape(name)}(-\d+)?", value):
        value = text_for(name) or value
    if isinstance(value, str) and _LATER.fullmatch(snake(name)) and re.match(r"20\d\d-\d\d-\d\d", value):
        return "2099" + value[4:]
    return value


_LATER = re.compile(
    r"(.*_)?(ends?|expir\w*|until|due|deadline|to|stops?|finish\w*|after|valid_to|till)(_?(at|on|date|time))?"
)
"""What lies in the future, where servers care: an end comes after its beginning, and after today."""


_FAMILIES: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        r"status|state|column|phase|stage|step",
        ("blocked", "archived", "cancelled", "in_progress", "pending", "done", "draft"),
    ),
    (r"roles?|access|permission|level|scope", ("owner", "superadmin", "guest", "admin", "editor", "viewer")),
    (r"priority|severity|urgency", ("urgent", "critical", "highest", "none")),
    (r"visibility|privacy|audience", ("private", "internal", "public", "unlisted")),
    (r"sort|order|direction|sort_.*|.*_order", ("random", "id", "created_at", "-created_at")),
    (r"type|kind|category", ("other", "custom", "default", "unknown")),
)


def siblings(name: str, members: Sequence[Any]) -> list[str]:
    """Members that an enum of that name, or one with such members, often has beside these.

    >>> siblings("role", ["admin", "member"])[:2]
    ['owner', 'superadmin']
    """
    wanted, known = snake(name), {str(member).lower() for member in members}
    for pattern, family in _FAMILIES:
        if re.fullmatch(rf"(.*_)?({pattern})", wanted) or known & set(family):
            upper = all(str(member).isupper() for member in members)
            return [word.upper() if upper else word for word in family if word not in known]
    return []


# --- refusals ---------------------------------------------------------------------------------------------------------

_MISSING = re.compile(r"required|missing|must (?:be (?:present|provided|set|given)|not be (?:blank|empty|null))|can(?:'t|not) be (?:blank|empty|null)|should not be (?:blank|empty|null)|no .* (?:given|provided|specified)", re.I)  # fmt: skip
_LEAST = re.compile(r"(?:at least|minimum(?: length)?(?: of| is)?|longer than(?: or equal to)?|(?:not|no)(?: be)? (?:shorter|fewer|less) than|greater than(?: or equal to)?|>=?|min(?:imum)?:?)\s*(\d+)", re.I)  # fmt: skip
_MOST = re.compile(r"(?:at most|maximum(?: length)?(?: of| is)?|shorter than(?: or equal to)?|(?:not|no)(?: be| have)? (?:longer|more|greater) than|less than(?: or equal to)?|<=?|max(?:imum)?:?|may not be greater than)\s*(\d+)", re.I)  # fmt: skip
_ONE_OF = re.compile(r"(?:one of|allowed(?: values)?(?: are)?|possible values(?: are)?|expected|either|valid values(?: are)?|choose from)[:\s]*[\[({]?\s*([^\])}.;]+)", re.I)  # fmt: skip
_KINDS: tuple[tuple[str, str], ...] = (
    (r"e-?mail", "user@example.com"),
    (r"\buuid|\bguid", "1f0d0000-0000-4000-8000-000000000001"),
    (r"date[- ]?time|timestamp|rfc ?3339|iso ?8601|parsing time", "2026-01-02T03:04:05Z"),
    (r"\bdate\b", "2026-01-02"),
    (r"duration", "1h"),
    (r"\burl|\buri\b", "https://example.com/"),
    (r"\bip\b|ip address|parseaddr|inet", "192.0.2.1"),
    (r"regex|regular expression", "a.*"),
    (r"json", "{}"),
)


def said_of(refusal: Any, place: str, names: frozenset[str] = frozenset()) -> Iterator[str]:
    """The sentences of a refusal (its JSON, or its text) that speak of a place of the body, `/items/0/title`.

    They are found by key (`{"errors": {"title": ["too short"]}}`), beside a list or path that names the place
    (`{"loc": ["body", "title"], "msg": "…"}`), or as words of a sentence that is found at none of the `names`.
    """
    leaf = unescape(place.rpartition("/")[2])
    if leaf.isdigit():
        return
    for where, text in _sentences(refusal, ()):
        spoken = f"_{snake(leaf)}_" in f"_{snake(text)}_" or re.search(rf"(?<!\w){re.escape(leaf)}(?!\w)", text)
        if leaf in where or (spoken and names.isdisjoint(where)):
            yield text


def _sentences(node: Any, where: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(node, Mapping):
        named = tuple(str(part) for item in node.values() for part in (item if isinstance(item, list) else [item]) if isinstance(part, str) and len(part) < 64)  # fmt: skip
        for key, item in node.items():
            yield from _sentences(item, (*where, str(key), *re.split(r"[.\[\]/]+", str(key)), *(t for n in named for t in re.split(r"[.\[\]/]+", n))))  # fmt: skip
    elif isinstance(node, list):
        for item in node:
            yield from _sentences(item, where)
    elif isinstance(node, str):
        yield where, node


def repaired(value: Any, refusal: Any) -> Any:
    """The value with each leaf that a refusal speaks of changed to what it asks for; the same value where it asks nothing."""
    places = list(_leaves(value, ""))
    names = frozenset(unescape(place.rpartition("/")[2]) for place, _ in places)
    for place, leaf in places:
        for sentence in said_of(refusal, place, names):
            fresh = _asked_for(sentence, leaf)
            if fresh is not None and fresh != leaf:
                value = _put(value, place, fresh)
                break
    return value


def wanted(refusal: Any, absent: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the absent properties that a refusal asks for."""
    return {name: value for name, value in absent.items() if any(_MISSING.search(text) for text in said_of(refusal, f"/{escape(name)}"))}  # fmt: skip


def _asked_for(sentence: str, leaf: Any) -> Any:
    choice = _ONE_OF.search(sentence)
    if choice is not None and isinstance(leaf, str):
        options = [part.strip(" '\"`") for part in re.split(r",|\bor\b|\band\b|\|", choice[1])]
        plain = [option for option in options if option and re.fullmatch(r"[\w.:/+-]+", option)]
        if len(plain) > 1 or (plain and "one of" in sentence.lower()):
            return plain[0]
    least, most = _LEAST.search(sentence), _MOST.search(sentence)
    if least is not None and most is not None and most.start() < least.start() and most.end() == least.end():
        least = None  # "may not be greater than 50"
    if least is not None:
        bound = int(least[1])
        if isinstance(leaf, bool):
            return None
        if isinstance(leaf, (int, float)):
            return max(leaf, bound + 1)
        if isinstance(leaf, str) and bound < 10_000:
            return leaf + "x" * max(0, bound + 1 - len(leaf))
    if most is not None:
        bound = int(most[1])
        if isinstance(leaf, (int, float)) and not isinstance(leaf, bool):
            return min(leaf, max(bound - 1, 0))
        if isinstance(leaf, str):
            return leaf[: max(1, bound - 1)]
    if isinstance(leaf, str):
        return next((text for kind, text in _KINDS if re.search(kind, sentence, re.IGNORECASE)), None)
    return None


def _leaves(value: Any, place: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _leaves(item, f"{place}/{escape(key)}")
    elif isinstance(value, list):
        for index, item in enumerate(value[:3]):
            yield from _leaves(item, f"{place}/{index}")
    elif place:
        yield place, value


def _put(value: Any, place: str, fresh: Any) -> Any:
    token, _, rest = place[1:].partition("/")
    if isinstance(value, list):
        index = int(token)
        return [(_put(item, f"/{rest}", fresh) if _ else fresh) if n == index else item for n, item in enumerate(value)]
    name = unescape(token)
    return {
        key: (_put(item, f"/{rest}", fresh) if _ else fresh) if key == name else item for key, item in value.items()
    }
