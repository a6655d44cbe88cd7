"""What would somebody write here? Values by the name of a property or parameter, and what a refusal says of one.

A schema often says `string` where the server wants a duration, an address or a date. Names tell, and refusals do:
"name must have at least 3 characters".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
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


_SHOWN = re.compile(
    r"(?:\be\.g\.|\beg\b|\bfor (?:example|instance)|\bsuch as|\bexamples?(?: values?)?)[,:]?\s*"
    r"(?:(?:<code>|[`\"'“‘«])(?P<quoted>[^`\"'“”‘’«»<>\n]{1,200})(?:</code>|[`\"'”’»])|(?P<bare>(?=\S*[\d./:@_-])[^\s()\[\]{},;\"'`<>]{2,200})(?=[),;]))",
    re.IGNORECASE,
)  # fmt: skip


def shown_in(description: str) -> list[str]:
    """The texts that a description gives as examples.

    >>> shown_in("Name of the zone (e.g. “example.com.”), MUST have a trailing dot"), shown_in("For example, `1h30m`.")
    (['example.com.'], ['1h30m'])
    >>> shown_in("A range (e.g. 10.0.0.0/8)"), shown_in("For example, it may fail.")
    (['10.0.0.0/8'], [])
    """
    found = (match["quoted"] or match["bare"] for match in _SHOWN.finditer(description))
    return list(dict.fromkeys(text.strip() for text in found if text.strip()))


_CHOICE = re.compile(
    r"(?:must|can|may|should) be(?: one of| either)?|one of|either|(?:valid|possible|allowed|supported|accepted|available) (?:values|types|options)(?: are| include)?",
    re.IGNORECASE,
)  # fmt: skip
_OPTIONS = re.compile(
    r"""[:\s]*((?:["'`“‘]?[A-Za-z0-9][\w.:/+-]*["'`”’]?(?:\s*,\s*(?:or |and )?|\s+(?:or|and)\s+|\s*[|/]\s*))+["'`“‘]?[A-Za-z0-9][\w:/+-]*["'`”’]?)"""
)

_BRACKETS = re.compile(r"\((?:one of|either)?:?((?:[^()\n]){3,300})\)", re.IGNORECASE)
_QUOTED = re.compile(r"""(["'`“‘])([\w.:/+-]{1,60})["'`”’]""")


def options_in(description: str) -> list[str]:
    """The values that a description says are allowed: in capitals or quoted, since plain words may be a sentence.

    >>> options_in("Must be REPLACE or DELETE. With DELETE, all goes."), options_in("One of `on`, `off` or `auto`.")
    (['REPLACE', 'DELETE'], ['on', 'off', 'auto'])
    >>> options_in("It must be given or left out"), options_in("Can be A.")
    ([], [])
    >>> options_in("Kind of thing ('file', 'directory')"), options_in("Format (one of null, 'text' or 'base64')")
    (['file', 'directory'], ['text', 'base64'])
    """
    for match in _CHOICE.finditer(description):
        listed = _OPTIONS.match(description, match.end())
        if listed is None:
            continue
        words = [part for part in re.split(r"\s*,\s*|\s+(?:or|and)\s+|\s*\|\s*", listed[1]) if part]
        words = [re.sub(r"^(?:or|and)\s+", "", word) for word in words]
        quoted = [word[1:-1] for word in words if word[0] in "\"'`“‘" and word[-1] in "\"'`”’" and len(word) > 2]
        if len(quoted) == len(words) or all(re.fullmatch(r"[A-Z0-9][A-Z0-9_.-]+", word) for word in words):
            return quoted or words
    for match in _BRACKETS.finditer(description):
        words = [part for part in re.split(r"\s*,\s*(?:or |and )?|\s+(?:or|and)\s+|\s*\|\s*", match[1].strip()) if part]
        quoted = [_QUOTED.fullmatch(word) for word in words if word.lower() not in ("null", "none")]
        options = [each[2] for each in quoted if each is not None]
        if len(options) > 1 and len(options) == len(quoted):
            return options
    return []


def as_described(value: Any, descriptions: Mapping[str, str], turn: int = 0) -> Any:
    """A value in which each text that only repeats its own name is the example of its description, by place.

    What a description lists is taken in turns: with `turn` 1 the second of each list.
    """
    for place, _ in unsaid(value):
        said = descriptions.get(place, "")
        told = [*shown_in(said), *options_in(said)]
        value = _put(value, place, told[min(turn, len(told) - 1)]) if told else value
    return value


def as_named(value: Any, descriptions: Mapping[str, str], named: Callable[[str, str], str | None]) -> Any:
    """A value in which each text that only repeats its own name, and is described as the name or id of a thing, is one.

    `named` gives one for a place and a thing, where it knows any.
    """
    for place, _ in unsaid(value):
        found = next((name for thing in things_in(descriptions.get(place, "")) if (name := named(place, thing))), None)
        value = value if found is None else _put(value, place, found)
    return value


def unsaid(value: Any) -> Iterator[tuple[str, str]]:
    """Places of texts that only repeat their own name, which says nothing."""
    for place, leaf in _leaves(value, ""):
        if isinstance(leaf, str) and re.fullmatch(rf"{re.escape(_name(place))}(-\d+)?", leaf):
            yield place, leaf


_CALLED = r"(?:name|id|uuid|key|slug|handle|identifier)"
_THING_S = re.compile(rf"\W{{0,9}}(?:(?:an?|the)\s+)?((?:[A-Za-z][\w-]*\s+){{1,2}}?){_CALLED}\b", re.IGNORECASE)
_OF_THING = re.compile(
    rf"\W{{0,9}}(?:(?:an?|the|unique)\s+){{0,2}}{_CALLED}\s+of\s+(?:(?:an?|the)\s+)?([A-Za-z][\w-]*(?:\s+[A-Za-z][\w-]*)?)", re.I
)  # fmt: skip
_LINKING = frozenset(("to", "that", "which", "in", "for", "of", "is", "on", "from", "with", "where", "as", "and", "or"))
_ARTICLES = frozenset(("a", "an", "the", "this", "unique", "full", "new"))


def things_in(description: str) -> list[str]:
    """What a description begins by saying the name or id of, the most special first.

    >>> things_in("Kernel spec name (defaults to that of the server)"), things_in("The id of the project to move")
    (['kernel_spec', 'kernelspec', 'spec'], ['project'])
    >>> things_in("A name that is shown"), things_in("Name of the user.")
    ([], ['user'])
    """
    matches = (_THING_S.match(description), _OF_THING.match(description))
    said = (match[1].lower().split() for match in matches if match is not None)
    words = next((kept for each in said if (kept := [word for word in each if word not in _ARTICLES])), [])
    if len(words) > 1 and words[1] in _LINKING:
        words = words[:1]
    if not words or words[-1] in _LINKING or words[0] in _LINKING:
        return []
    return list(dict.fromkeys(("_".join(words), "".join(words), words[-1])))


def _name(place: str) -> str:
    """What the value at a place is called: items are called as their list is."""
    return next((unescape(token) for token in reversed(place.split("/")) if token and not token.isdecimal()), "")


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

_MISSING = re.compile(r"required|missing|\b(?:not|isn't|is not) (?:present|provided|given|set|specified|found|defined)|absent|undefined|must (?:be (?:present|provided|set|given)|not be (?:blank|empty|null))|can(?:'t|not) be (?:blank|empty|null)|should not be (?:blank|empty|null)|no .* (?:given|provided|specified)", re.I)  # fmt: skip
_LEAST = re.compile(r"(?:at least|minimum(?: length)?(?: of| is)?|longer than(?: or equal to)?|(?:not|no)(?: be)? (?:shorter|fewer|less) than|greater than(?: or equal to)?|>=?|min(?:imum)?:?)\s*(\d+)", re.I)  # fmt: skip
_MOST = re.compile(r"(?:at most|maximum(?: length)?(?: of| is)?|shorter than(?: or equal to)?|(?:not|no)(?: be| have)? (?:longer|more|greater) than|less than(?: or equal to)?|<=?|max(?:imum)?:?|may not be greater than)\s*(\d+)", re.I)  # fmt: skip
_ONE_OF = re.compile(r"(?:one of|allowed(?: values)?(?: are)?|possible values(?: are)?|expected|either|valid values(?: are)?|choose from)[:\s]*[\[({]?\s*([^\])}.;]+)", re.I)  # fmt: skip
_EITHER = re.compile(r"""([\"'`“‘])([\w.:/+-]{1,60})[\"'`”’],? or ([\"'`“‘])([\w.:/+-]{1,60})[\"'`”’]""")
_UNWANTED = re.compile(r"(?:not|n't) (?:be )?(?:supported|allowed|permitted|accepted|recogni[sz]ed|implemented|(?:set|specified|used|given|changed|modified)\b)|un(?:known|supported|expected|recogni[sz]ed)|read[- ]?only|must be (?:absent|empty|omitted)|prohibited|deprecated|extra (?:fields?|inputs?|propert)", re.I)  # fmt: skip
_KINDS: tuple[tuple[str, str], ...] = (
    (r"e-?mail", "user@example.com"),
    (r"\buuid|\bguid", "1f0d0000-0000-4000-8000-000000000001"),
    (r"date[- ]?time|timestamp|rfc ?3339|iso ?8601|parsing time", "2026-01-02T03:04:05Z"),
    (r"\bdate\b", "2026-01-02"),
    (r"duration", "1h"),
    (r"\burl|\buri\b", "https://example.com/"),
    (r"\bip\b|ip address|parseaddr|inet", "192.0.2.1"),
    (r"regex|regular expression", "a.*"),
    (r"\bfqdn|fully[- ]qualified|trailing dot|dns name|not canonical", "host.example.com."),
    (r"json", "{}"),
)


_DATA = re.compile(
    r"foreign[ _-]?key|\bnot[ _]unique\b|_not_unique\b|\balready (?:exists?|taken|been taken|in use|used|registered)\b|"
    r"\bduplicate (?:key|entry)\b|\bunique constraint\b",
    re.IGNORECASE,
)


def is_about_data(refusal: str) -> bool:
    """True for a refusal that speaks of what is there besides, as a 404 or 409 does: no schema can say that.

    >>> is_about_data("Invalid foreign key."), is_about_data("The name is already taken"), is_about_data("is too short")
    (True, True, False)
    >>> is_about_data('{"code": "RECORD_NOT_UNIQUE"}'), is_about_data("The tags must be unique")
    (True, False)
    """
    return _DATA.search(refusal) is not None


_ONE = re.compile(r"(exactly|only|just) one of|either\b.*\bor\b|not both|mutually exclusive", re.I)


def said_of(refusal: Any, place: str, names: frozenset[str] = frozenset(), value: Any = None) -> Iterator[str]:
    """The sentences of a refusal (its JSON, or its text) that speak of a place of the body, `/items/0/title`.

    They are found by key (`{"errors": {"title": ["too short"]}}`), beside a list or path that names the place
    (`{"loc": ["body", "title"], "msg": "…"}`), or as words of a sentence that is found at none of the `names`. A
    sentence also speaks of a place whose `value`, a text, it quotes; of an item of a list only so.
    """
    leaf = unescape(place.rpartition("/")[2])
    is_item = leaf.isdigit()
    for where, text in _sentences(refusal, ()):
        quoted = isinstance(value, str) and len(value) > 1 and re.search(rf"([\"'`“‘]){re.escape(value)}[\"'`”’]", text)
        if is_item:
            if quoted:
                yield text
            continue
        spoken = (
            quoted or f"_{snake(leaf)}_" in f"_{snake(text)}_" or re.search(rf"(?<!\w){re.escape(leaf)}(?!\w)", text)
        )
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
        for sentence in said_of(refusal, place, names, leaf):
            fresh = _asked_for(sentence, leaf)
            if fresh is not None and fresh != leaf:
                value = _put(value, place, fresh)
                break
    return value


def wanted(refusal: Any, absent: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the absent properties that a refusal asks for; where it quotes some of them, these ("Key 'name' is missing")."""
    told = {name: [text for text in said_of(refusal, f"/{escape(name)}") if _MISSING.search(text)] for name in absent}
    quoted = {
        name
        for name, texts in told.items()
        if any(re.search(rf"([\"'`“‘]){re.escape(name)}[\"'`”’]", text) for text in texts)
    }
    asked = [name for name in absent if (name in quoted if quoted else told[name])]
    for name in list(asked):  # "exactly one of `start` and `run_id` must be given": the first of them
        others = {
            other
            for other in asked
            if other != name and any(_ONE.search(text) and text in told[other] for text in told[name])
        }
        if name in asked:
            asked = [each for each in asked if each not in others]
    return {name: absent[name] for name in asked}


def without(value: Any, refusal: Any) -> Any:
    """The object without those of its properties that a refusal will not have ("links is not supported"), at any depth."""
    if not isinstance(value, Mapping):
        return value
    kept = {}
    for name, item in value.items():
        place = f"/{escape(str(name))}"
        if any(_UNWANTED.search(text) for text in said_of(refusal, place)):
            continue
        kept[name] = without(item, refusal) if isinstance(item, Mapping) else item
    return kept


def _asked_for(sentence: str, leaf: Any) -> Any:
    choice = _ONE_OF.search(sentence)
    quoted = _EITHER.search(sentence) if choice is None and isinstance(leaf, str) else None
    if quoted is not None and leaf not in quoted.group(2, 4):
        return quoted[2]
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
