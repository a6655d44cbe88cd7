"""What only the fuzzer found, kept as seeds and asked again before it, so that no finding disappears by luck.

The file is one JSON line per seed, sorted by fingerprint, masked as a report is. A line changes only when its outcome
does: what shows in every try stays as it is, byte for byte, so that a committed file is quiet.
"""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from contract.app import outputs
from contract.core.compose import Proven
from contract.core.errors import ConfigError
from contract.core.evidence import Complaint, Exchange, Traffic, header
from contract.core.finding import Fix, Level, Proof, fold
from contract.core.ledger import Sighting
from contract.core.report import (
    Example,
    ExampleRequest,
    ExampleResponse,
    FindingRow,
    Intermittent,
    OperationName,
    Source,
    Verdict,
    WhereJson,
)
from contract.core.target import Target, TimeUp

if TYPE_CHECKING:
    from contract.app.gathered import Gathered
    from contract.app.settings import Settings

SOURCE = "corpus"
FORMAT, VERSION = "contract-corpus", 1
LUCKY = frozenset({"schemathesis", "parameters", "deleted"})
"""Sources that find by luck, or go by what luck has found before."""
STEADY = "walk"
"""The source that asks the same in every run: what it finds needs no seed, unless it shows only sometimes."""

PER_OPERATION, MOST = 20, 2000
LARGEST = 32 * 1024
"""Characters of a line: a finding whose request is longer is not kept, and said so."""
TRIES = 3
"""Times that a seed is asked which did not show at once, or which shows only sometimes."""
LEAVES_AFTER = 10
"""Tries in a row without showing, after which a seed leaves."""
WINDOW = 30
"""Outcomes that are remembered of a seed."""
SHARE = 0.25
"""Of `--max-time`, at most."""

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_NOISE = frozenset({"connection", "content-length", "host", "x-schemathesis-testcaseid"})
"""Headers that the next request gets anew; some differ in each run."""


@dataclass(frozen=True, slots=True)
class Words:
    """What a complaint said beside its exchanges: the finding's identity depends on it."""

    message: str
    name: str | None = None
    where: str | None = None


@dataclass(frozen=True, slots=True)
class Seed:
    """A finding and the requests that show it, the last one being the one that does."""

    fingerprint: str
    rule: str
    operation: str
    example: Example
    outcomes: str
    """The last tries, `1` where it showed and `0` where it did not; only `1` for one that showed in each of them."""
    first_seen: str  # YYYY-MM-DD
    last_seen: str
    """The day on which it showed when this line last changed."""
    words: Words | None = None

    @property
    def steps(self) -> tuple[Example, ...]:
        return (*self.example.before, self.example)

    @property
    def missed(self) -> int:
        """Tries since it last showed."""
        return len(self.outcomes) - len(self.outcomes.rstrip("0"))

    @property
    def deletes(self) -> bool:
        return any(step.request.method == "DELETE" for step in self.steps)

    @property
    def masked(self) -> bool:
        """True if a value was masked which no credential of the settings can fill."""
        return any(not place.startswith("header:") for step in self.steps for place in step.request.masked)


@dataclass
class Corpus:
    """The seeds of a run, and what came of them."""

    path: Path
    name: str
    seeds: dict[str, Seed] = field(default_factory=dict)
    data: bytes | None = None
    """The file as it was read; None if there was none."""
    usable: bool = True
    """False where there is something that could not be read: it is left alone."""
    notes: list[str] = field(default_factory=list)
    tried: dict[str, list[bool]] = field(default_factory=dict)
    unknown: dict[str, str] = field(default_factory=dict)
    """By fingerprint why a replay could not tell."""
    late: set[str] = field(default_factory=set)
    spent_s: float = 0.0

    def showed(self, fingerprint: str) -> tuple[int, int] | None:
        """Of how many tries of this run a seed showed its finding; None if in none."""
        tries = self.tried.get(fingerprint, [])
        return (sum(tries), len(tries)) if any(tries) else None


# --- the file ---------------------------------------------------------------------------------------------------------


def load(settings: Settings) -> Corpus | None:
    """The seeds of the file that the settings name; None where they name none.

    A damaged line is skipped and told; raises ConfigError for one that a later release wrote.
    """
    if settings.corpus is None:
        return None
    corpus = Corpus(settings.cwd / settings.corpus, settings.corpus)
    try:
        corpus.data = corpus.path.read_bytes()
    except FileNotFoundError:
        return corpus
    except OSError as error:
        corpus.usable = False
        corpus.notes.append(f"{corpus.name}: not read, and left as it is: {(error.strerror or str(error)).lower()}")
        return corpus
    bad: list[str] = []
    for number, line in enumerate(corpus.data.split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            seed = _seed(line, f"{corpus.name}:{number}")
        except ValueError as error:
            bad.append(f"{corpus.name}:{number}: skipped, {error}")
            continue
        kept = corpus.seeds.get(seed.fingerprint)
        if kept is None or len(kept.outcomes) < len(seed.outcomes):  # two branches may both have added it
            corpus.seeds[seed.fingerprint] = seed
    more = [f"and {len(bad) - 3} more damaged lines"] if len(bad) > 3 else []
    corpus.notes += [*bad[:3], *more]
    return corpus


def _seed(line: bytes, place: str) -> Seed:
    """The seed of a line; raises ValueError, whose text goes on after "skipped, "."""
    try:
        value: Any = json.loads(line)
    except (ValueError, RecursionError):
        raise ValueError("it is not JSON") from None
    schema = value.get("schema") if isinstance(value, dict) else None
    named = re.fullmatch(rf"{FORMAT}/([1-9]\d{{0,8}})", schema) if isinstance(schema, str) else None
    if named is None:
        raise ValueError(f"its `schema` is not `{FORMAT}/{VERSION}`")
    if int(named[1]) > VERSION:
        raise ConfigError(
            f"{place}: the corpus was written by a later release: it has the schema `{schema}`, and this one reads "
            f"`{FORMAT}/{VERSION}`",
            "use that release, or another file: `--corpus PATH`, or none: `--no-corpus`",
        )
    try:
        steps = [_step(item) for item in _list(value["requests"])]
        if not steps:
            raise ValueError("it has no request")
        outcomes = _text(value["outcomes"])
        if not re.fullmatch(rf"[01]{{1,{WINDOW}}}", outcomes):
            raise ValueError("its `outcomes` are not a text of 0 and 1")
        said = value.get("complaint")
        words = None
        if said is not None:
            words = Words(_text(said["message"]), _optional(said.get("name")), _optional(said.get("where")))
        *before, last = steps
        return Seed(
            _matching(value["fingerprint"], r"[0-9a-f]{40}", "fingerprint"),
            _text(value["rule"]),
            _text(value["operation"]),
            replace(last, before=tuple(before)),
            outcomes,
            date.fromisoformat(_text(value["first_seen"])).isoformat(),
            date.fromisoformat(_text(value["last_seen"])).isoformat(),
            words,
        )
    except KeyError as error:
        raise ValueError(f"it has no `{error.args[0]}`") from None
    except (TypeError, AttributeError):
        raise ValueError("it is not the shape of a seed") from None


def _step(value: Any) -> Example:
    # What is read is sent: nothing of it may end a line of the request, or name another host.
    method = _matching(value["method"], r"[A-Za-z]{1,20}", "method")
    url = _matching(value["url"], r"/[^\x00-\x20\x7f]*", "url")
    headers = tuple(
        (
            _matching(name, r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", "headers"),
            _matching(text, r"[^\r\n\x00]*", "headers"),
        )
        for name, text in _list(value.get("headers", []))
    )
    body = _optional(value.get("body"))
    size = value.get("body_bytes", len((body or "").encode()))
    if type(size) is not int:
        raise ValueError("its `body_bytes` is no whole number")
    masked = tuple(_text(item) for item in _list(value.get("masked", [])))
    status = value["status"]
    if status is not None and (type(status) is not int or not 100 <= status <= 999):
        raise ValueError("its `status` is none")
    request = ExampleRequest(method, url, headers, body, size, masked)
    location, made = _optional(value.get("location")), value.get("made")
    answer = None
    if status is not None:
        text = json.dumps(made) if isinstance(made, dict) else None
        answer = ExampleResponse(status, (("location", location),) if location else (), text, len(text or ""))
    return Example(request, answer)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError("it holds half a character") from None
    return value


def _optional(value: Any) -> str | None:
    return None if value is None else _text(value)


def _matching(value: Any, pattern: str, name: str) -> str:
    if not re.fullmatch(pattern, _text(value)):
        raise ValueError(
            f"its `{name}` is none that can be sent" if name != "fingerprint" else "its `fingerprint` is none"
        )
    return str(value)


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError
    return value


def dump(seeds: Iterable[Seed]) -> bytes:
    """The file's bytes: a line per seed, by fingerprint, in ASCII."""
    lines = [_line(seed) for seed in sorted(seeds, key=lambda seed: seed.fingerprint)]
    return "".join(f"{line}\n" for line in lines).encode()


def _line(seed: Seed) -> str:
    value: dict[str, Any] = {
        "schema": f"{FORMAT}/{VERSION}",
        "fingerprint": seed.fingerprint,
        "rule": seed.rule,
        "operation": seed.operation,
        "outcomes": seed.outcomes,
        "first_seen": seed.first_seen,
        "last_seen": seed.last_seen,
    }
    if seed.words is not None:
        words = {"message": seed.words.message, "name": seed.words.name, "where": seed.words.where}
        value["complaint"] = {key: text for key, text in words.items() if text is not None}
    value["requests"] = [_sent(step, seed.steps[index + 1 :]) for index, step in enumerate(seed.steps)]
    return json.dumps(value, separators=(",", ":"))


def _sent(step: Example, later: tuple[Example, ...]) -> dict[str, Any]:
    """A request with the status that it was given; of the answer no more than the names that later requests use."""
    request, answer = step.request, step.response
    value: dict[str, Any] = {"method": request.method, "url": request.url}
    headers = [[name, text] for name, text in request.headers if name.lower() not in _NOISE]
    if headers:
        value["headers"] = headers
    if request.body is not None:
        value["body"] = request.body
    if request.body_bytes != len((request.body or "").encode("utf-8", "replace")):
        value["body_bytes"] = request.body_bytes
    if request.masked:
        value["masked"] = list(request.masked)
    value["status"] = answer.status if answer is not None else None
    used = {unquote(part) for each in later for part in each.request.url.partition("?")[0].split("/")}
    if answer is not None and used:
        location = header(answer.headers, "location")
        if location is not None and unquote(location.partition("?")[0].rstrip("/").rpartition("/")[2]) in used:
            value["location"] = location
        made = _made(answer.body, used)
        if made:
            value["made"] = made
    return value


def _made(body: str | None, used: set[str]) -> dict[str, Any]:
    try:
        answer = json.loads(body or "")
    except (ValueError, RecursionError):
        return {}

    def named(holder: Any) -> dict[str, Any]:
        pairs = holder.items() if isinstance(holder, dict) else ()
        return {
            name: value
            for name, value in pairs
            if isinstance(value, str | int) and not isinstance(value, bool) and str(value) in used
        }

    found = named(answer)
    inner = named(answer.get("data")) if isinstance(answer, dict) else {}
    return {**found, "data": inner} if inner else found


def write(corpus: Corpus, seeds: Iterable[Seed], settings: Settings) -> str | None:
    """Puts the seeds in place of what was there, if that changes a byte; the reason where it cannot."""
    data = dump(seeds)
    if not corpus.usable or data == (corpus.data or b""):
        return None
    try:
        if settings.origins.get("corpus", "default") == "default":
            outputs.keep(corpus.path.parent)
        outputs.write_bytes(corpus.path, data)
    except ConfigError as error:
        return f"the corpus is not kept: {error.message}"
    except OSError as error:
        return f"the corpus is not kept: {corpus.name}: {(error.strerror or str(error)).lower()}"
    return None


# --- asked again ------------------------------------------------------------------------------------------------------


def replay(
    gathered: Gathered, target: Target, left_out: frozenset[str] = frozenset(), *, deleting: bool = False
) -> None:
    """Sends the seeds of the operations in scope, by fingerprint; those whose requests delete only if `deleting`.

    None that asks an operation that is left out. Each exchange is judged and counted as the fuzzer's are.
    """
    corpus = gathered.corpus
    if corpus is None:
        return
    limit_s = gathered.settings.max_time_s
    chosen = [seed for seed in _in_scope(gathered, corpus, gathered._scope - left_out) if seed.deletes is deleting]
    for number, seed in enumerate(sorted(chosen, key=lambda seed: seed.fingerprint), 1):
        if limit_s is not None and corpus.spent_s > limit_s * SHARE:
            corpus.late.add(seed.fingerprint)
            continue
        started = time.monotonic()
        try:
            _tries(gathered, corpus, target, seed)
        except TimeUp:
            if seed.fingerprint not in corpus.tried:
                corpus.late.add(seed.fingerprint)
        finally:
            corpus.spent_s += time.monotonic() - started
        gathered.step(SOURCE, number, len(chosen))


def asked(gathered: Gathered) -> None:
    """Says in the report how many seeds were asked, once all are."""
    corpus = gathered.corpus
    if corpus is None or not (corpus.tried or corpus.unknown or corpus.late):
        return
    done = len(corpus.tried.keys() | corpus.unknown.keys())
    gathered.sources.append(
        Source(
            SOURCE,
            Verdict.PASS if corpus.tried else Verdict.NONE,
            corpus.name,
            items=done,
            unit="seed" if done == 1 else "seeds",
            elapsed_us=int(corpus.spent_s * 1_000_000),
        )
    )
    if corpus.late:
        gathered.complete = False
        gathered.notes.append(
            f"{corpus.name}: {_count(len(corpus.late), 'seed')} not replayed for want of time; give it more: `--max-time`"
        )


def _in_scope(gathered: Gathered, corpus: Corpus, scope: frozenset[str]) -> Iterator[Seed]:
    """Seeds of which every request belongs to an operation in scope, and whose rule is not switched off.

    Not those of findings that the walk has shown already.
    """
    keys = _keys(gathered)
    for seed in corpus.seeds.values():
        sighting = gathered.ledger.sightings.get(seed.fingerprint)
        if sighting is not None and STEADY in sighting.sources:
            continue
        if keys.get(fold(seed.operation)) is None or gathered.judge.levels(seed.rule, Level.ERROR) is None:
            continue
        operations = [
            match.operation.key if match is not None and match.operation is not None else None
            for step in seed.steps
            for match in (gathered.contract.match(step.request.method, step.request.url.partition("?")[0]),)
        ]
        safe = all(step.request.method in _SAFE for step in seed.steps)
        if all(key in scope for key in operations) and (safe or not gathered.settings.safe):
            yield seed


def _keys(gathered: Gathered) -> dict[str, str]:
    """The document's operations by their key with the names of parameters folded: renaming one changes no finding."""
    return {fold(key): key for key in gathered.contract.by_key}


def _tries(gathered: Gathered, corpus: Corpus, target: Target, seed: Seed) -> None:
    outcomes: list[bool] = []
    try:
        while len(outcomes) < TRIES:
            shown, why = _once(gathered, target, seed)
            if shown is None:
                if not outcomes:
                    corpus.unknown[seed.fingerprint] = why
                break
            outcomes.append(shown)
            if outcomes == [True] and "0" not in seed.outcomes:
                break  # as ever
    finally:
        if outcomes:
            corpus.tried[seed.fingerprint] = outcomes


def _once(gathered: Gathered, target: Target, seed: Seed) -> tuple[bool | None, str]:
    """Whether the seed shows its finding, None where it cannot tell, and then why."""
    from contract.app.replay import GONE, HOLDS, Again

    credentials = tuple((item.name, item.value) for item in gathered.settings.headers)
    again = Again(
        _row(seed), None, gathered.judge, target, credentials, gathered.scrub, source=SOURCE, traffic=Traffic.FUZZ
    )
    code, _ = again.run()

    def seen() -> int:
        sighting = gathered.ledger.sightings.get(seed.fingerprint)
        return sighting.sources[SOURCE] if sighting is not None else 0

    before = seen()
    for exchange in again.sent:
        gathered.record(exchange)
    if code == HOLDS and seen() == before and seed.words is not None:
        gathered.complain(_complaint(gathered, seed, seed.words, again.sent))
    if seen() > before:
        return True, ""
    if code == GONE:
        return False, ""
    places = dict.fromkeys(place for step in seed.steps for place in step.request.masked if place[:7] != "header:")
    if places:
        return None, f"its seed masks {', '.join(places)}"
    answer = again.sent[-1].response if again.sent else None
    return None, f"it was answered {answer.status}" if answer is not None else "no answer came"


def _complaint(gathered: Gathered, seed: Seed, words: Words, sent: list[Exchange]) -> Complaint:
    exchanges = tuple(sent)
    if seed.rule == "undeclared-parameter":
        exchanges = (sent[0], sent[-1])  # without it and with it; the one between was to see that nothing else changes
    operation = _keys(gathered)[fold(seed.operation)]
    return Complaint(seed.rule, operation, exchanges, words.message, words.name, words.where, SOURCE)


def _row(seed: Seed) -> FindingRow:
    """The seed as a report would have it, for what knows how to send a report's finding again."""
    method, _, path = seed.operation.partition(" ")
    words = seed.words or Words("")
    return FindingRow(
        fingerprint=seed.fingerprint,
        rule=seed.rule,
        level=Level.NOTE.value,
        state="new",
        operation=OperationName(method, path),
        operations=(),
        where=WhereJson(pointer=words.where),
        declared=None,
        observed=None,
        message=words.message,
        location=None,
        exchanges=None,
        of=None,
        example=seed.example,
        curl=None,
        proof=Proof.UNPROVEN.value,
        proof_detail=None,
        fix=Fix(),
        sources=(SOURCE,),
    )


# --- what it comes to -------------------------------------------------------------------------------------------------


def rated(gathered: Gathered, proofs: Mapping[str, Proven]) -> dict[str, Proven]:
    """The proofs, each with its rate where the finding showed in some of its tries and not in others."""
    found: dict[str, Proven] = {}
    for fingerprint, proven in proofs.items():
        sighting = gathered.ledger.sightings.get(fingerprint)
        outcomes = _outcomes(gathered, sighting, proven) if sighting is not None else ""
        shown = outcomes.count("1")
        rate = Intermittent(shown, len(outcomes)) if 0 < shown < len(outcomes) else None
        found[fingerprint] = replace(proven, intermittent=rate)
    return found


def _outcomes(gathered: Gathered, sighting: Sighting, proven: Proven | None) -> str:
    """The tries of a finding that this run has seen: those before, those of its seed, and those of its proof."""
    corpus, fingerprint = gathered.corpus, sighting.finding.fingerprint
    steady = STEADY in sighting.sources
    seed = corpus.seeds.get(fingerprint) if corpus is not None else None
    tried = corpus.tried.get(fingerprint, []) if corpus is not None else []
    safe = _is_safe(sighting.example)
    tries = proven.tries if proven is not None else ()
    # What was made or changed may be refused the second time, and be no less wrong for that.
    proof = _text_of(tries) if safe or any(tries) else ""
    if seed is None:
        ours = steady or bool(sighting.sources.keys() & LUCKY)
        return _window("1" * ours + proof)
    if not tried:
        return _window(seed.outcomes + "1" * steady + proof)
    if any(tried):
        return _window(seed.outcomes + _text_of(tried) + proof)
    # The fuzzer found with another request what the seed did not show. Where requests change what is there, the seed's
    # own may be out of date; it is replaced, and counting begins anew.
    return _window((seed.outcomes + _text_of(tried) if safe else "") + "1" + proof)


def _text_of(tries: Iterable[bool]) -> str:
    return "".join("1" if shown else "0" for shown in tries)


def _window(outcomes: str) -> str:
    """No more outcomes than are remembered; one that shows in all of them is as if it had been tried once."""
    outcomes = outcomes[-WINDOW:]
    return outcomes if "0" in outcomes else outcomes[:1]


def _is_safe(example: Example | None) -> bool:
    return example is not None and all(step.request.method in _SAFE for step in (*example.before, example))


@dataclass(frozen=True)
class Settled:
    """The seeds after a run, and what is to be said of them."""

    seeds: tuple[Seed, ...] = ()
    notes: tuple[str, ...] = ()


def settle(gathered: Gathered, proofs: Mapping[str, Proven], today: date) -> Settled:
    """What is kept for the next run; nothing is written yet."""
    corpus = gathered.corpus
    if corpus is None:
        return Settled()
    notes = list(corpus.notes)
    keys = _keys(gathered)
    kept: dict[str, Seed] = {}
    left = 0
    unsure: list[tuple[Seed, str]] = []
    for seed in corpus.seeds.values():
        sighting = gathered.ledger.sightings.get(seed.fingerprint)
        if fold(seed.operation) not in keys:
            left += 1
        elif sighting is not None:
            fresh = _again(gathered, corpus, seed, sighting, proofs.get(seed.fingerprint), today)
            if fresh is not None:
                kept[seed.fingerprint] = fresh
        else:
            if seed.fingerprint in corpus.unknown:
                unsure.append((seed, corpus.unknown[seed.fingerprint]))
            now = _missed(corpus, seed)
            name, tries = f"{seed.rule} {seed.fingerprint[:7]} on {seed.operation}", corpus.tried.get(seed.fingerprint)
            if tries and now.missed >= LEAVES_AFTER:
                notes.append(
                    f"{name}: not shown in {now.missed} tries since {seed.last_seen}; its seed leaves the corpus"
                )
                continue
            if tries:
                notes.append(
                    f"{name}: not shown in {_count(len(tries), 'try', 'tries')}; it showed on {seed.last_seen}"
                )
            kept[seed.fingerprint] = now
    if left:
        notes.append(f"{corpus.name}: {_count(left, 'seed')} left, the operation is no longer in the document")
    if unsure:
        (first, why), number = unsure[0], len(unsure)
        notes.append(
            f"{corpus.name}: {_count(number, 'seed')} cannot tell whether the finding still shows, first {first.rule} "
            f"{first.fingerprint[:7]} on {first.operation}: {why}"
        )
    new, unkept = _new(gathered, corpus, proofs, today)
    seeds = _bounded(kept, new)
    beyond = len(kept) + len(new) - len(seeds)
    if unkept:
        notes.append(f"{corpus.name}: {_count(unkept, 'finding')} not kept: the request is too large, or no text")
    if beyond:
        notes.append(f"{corpus.name}: {_count(beyond, 'finding')} not kept: at most {PER_OPERATION} of one operation are, and {MOST:,} in all")  # fmt: skip
    return Settled(tuple(seeds), tuple(notes))


def _again(
    gathered: Gathered, corpus: Corpus, seed: Seed, sighting: Sighting, proven: Proven | None, today: date
) -> Seed | None:
    """The seed of a finding that this run has seen; None where it needs none any more."""
    outcomes = _outcomes(gathered, sighting, proven)
    if STEADY in sighting.sources and "0" not in outcomes:
        return None
    tried = corpus.tried.get(seed.fingerprint, [])
    by_luck = bool(sighting.sources.keys() & LUCKY)
    stale = bool(tried) and not any(tried)
    if by_luck and (stale or seed.fingerprint in corpus.unknown):
        fresh = _of(gathered, sighting, outcomes, today)
        if fresh is not None and (stale or not fresh.masked):
            return replace(fresh, first_seen=seed.first_seen)
    if outcomes == seed.outcomes:
        return seed
    return replace(seed, outcomes=outcomes, last_seen=today.isoformat())


def _missed(corpus: Corpus, seed: Seed) -> Seed:
    tried = corpus.tried.get(seed.fingerprint)
    return replace(seed, outcomes=_window(seed.outcomes + _text_of(tried))) if tried else seed


def _new(gathered: Gathered, corpus: Corpus, proofs: Mapping[str, Proven], today: date) -> tuple[dict[str, Seed], int]:
    """Seeds of what luck alone has found, or shows only sometimes, and how many findings cannot be written down."""
    found: dict[str, Seed] = {}
    unkept = 0
    for fingerprint, sighting in gathered.ledger.sightings.items():
        sources = sighting.sources.keys()
        if fingerprint in corpus.seeds or sighting.finding.operation not in gathered.contract.by_key:
            continue
        outcomes = _outcomes(gathered, sighting, proofs.get(fingerprint))
        if sighting.example is None or not sources & LUCKY.union([STEADY]):
            continue
        if STEADY in sources and "0" not in outcomes:
            continue
        seed = _of(gathered, sighting, outcomes, today)
        if seed is None:
            unkept += 1
        else:
            found[fingerprint] = seed
    return found, unkept


def _of(gathered: Gathered, sighting: Sighting, outcomes: str, today: date) -> Seed | None:
    """The seed of a finding; None where its requests are not all there."""
    from contract.app.replay import whole

    finding, example = sighting.finding, sighting.example
    exhibit = gathered.exhibits.get(finding.fingerprint)
    if example is None or exhibit is None or not all(whole(step) for step in (*example.before, example)):
        return None
    words = None
    if exhibit.complaint is not None:
        said = exhibit.complaint
        name, where = (None if text is None else exhibit.scrub(text) for text in (said.name, said.where))
        words = Words(exhibit.scrub(said.message), name, where)
    day = today.isoformat()
    seed = Seed(finding.fingerprint, finding.rule, finding.operation or "", example, outcomes, day, day, words)
    line = _line(seed)
    if len(line) > LARGEST:
        return None
    try:
        return _seed(line.encode(), "")  # so that what is held is what will be read
    except ValueError:
        return None


def _bounded(kept: Mapping[str, Seed], new: Mapping[str, Seed]) -> list[Seed]:
    """As many as may be: what has not shown for longest leaves first, then what is masked, then what is new."""
    seeds = sorted([*kept.values(), *new.values()], key=lambda seed: seed.fingerprint)
    seeds.sort(key=lambda seed: seed.last_seen, reverse=True)
    seeds.sort(key=lambda seed: (seed.missed, seed.masked, seed.fingerprint in new))
    count: Counter[str] = Counter()
    found: list[Seed] = []
    for seed in seeds:
        if len(found) < MOST and count[seed.operation] < PER_OPERATION:
            count[seed.operation] += 1
            found.append(seed)
    return found


def _count(number: int, noun: str, many: str | None = None) -> str:
    return f"{number:,} {noun if number == 1 else many or noun + 's'}"
