"""How values, numbers and verdicts are said: the same words in every format. It is no format itself."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from contract.core.report import FindingRow, OperationName, OperationRow, Ratio, Report, Verdict

OPEN = ("new", "unchanged", "ongoing", "regressed", "stale")
"""States that count; `accepted`, `exempt` and `absent` do not."""

# What a terminal obeys, what turns the reading direction round, and what nobody can see: C0, DEL, C1, no-break space,
# soft hyphen, the format characters (Cf), line and paragraph separator, lone surrogates, noncharacters, tags.
_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\xa0\xad\u061c\u180e\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff"
    "\ud800-\udfff\U0001d173-\U0001d17a\U000e0000-\U000e007f]"
)
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def _spell(match: re.Match[str]) -> str:
    code = ord(match[0])
    return _SHORT.get(match[0]) or (
        f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
    )


def _spell_in_lines(match: re.Match[str]) -> str:
    return match[0] if match[0] in "\n\t" else _spell(match)


def visible(text: str, *, lines: bool = False) -> str:
    r"""The text with every character spelt out that acts unseen; with `lines`, newlines and tabs stay.

    >>> visible("a\x1b[31mb\u202ec")
    'a\\x1b[31mb\\u202ec'
    """
    if text.isprintable():
        return text
    return _UNSEEN.sub(_spell_in_lines if lines else _spell, text)


def cut(text: str, limit: int) -> str:
    """At most `limit` characters, the last one an ellipsis where something is missing."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def number(value: int) -> str:
    """`1,283`."""
    return f"{value:,}"


def plural(value: int, noun: str) -> str:
    """`1 finding`, `1,283 exchanges`."""
    return f"{value:,} {noun if value == 1 else noun + 's'}"


def listed(names: Sequence[str], limit: int) -> str:
    """`a, b and 3 more`."""
    shown = ", ".join(names[:limit])
    return f"{shown} and {len(names) - limit:,} more" if len(names) > limit else shown


def duration(us: int) -> str:
    """`12 ms`, `58.2 s`, `1 min 8 s`, `2 h 5 min`."""
    if us < 100_000:
        return f"{us // 1000} ms"
    if us < 60_000_000:
        return f"{us / 1_000_000:.1f} s" if us < 59_950_000 else "1 min 0 s"
    seconds = us // 1_000_000
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60} s"
    return f"{seconds // 3600:,} h {seconds % 3600 // 60} min"


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def moment(text: str) -> tuple[str, str] | None:
    """`24 Nov 2026, 13:11 UTC` and the same as RFC 3339; None if the text is no time."""
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    zone = "UTC" if not when.utcoffset() else when.strftime("%z")
    return f"{_date(when.date())}, {when:%H:%M} {zone}", when.isoformat()


def day(text: str) -> str:
    """`31 Dec 2026` of `2026-12-31`; what is no date stays as it is."""
    try:
        return _date(date.fromisoformat(text))
    except ValueError:
        return text


def _date(value: date) -> str:
    return f"{value.day} {_MONTHS[value.month - 1]} {value.year}"


def shorts(findings: Iterable[FindingRow]) -> dict[str, str]:
    """The short form of each fingerprint, of members too: seven characters, and as many more as tell all apart."""
    every = {f.fingerprint for f in findings} | {m.fingerprint for f in findings for m in f.operations}
    length = 7
    while length < 40 and len({text[:length] for text in every}) < len(every):
        length += 1
    return {text: text[:length] for text in every}


def heading(finding: FindingRow) -> str:
    """Whose finding it is: `GET /tasks/{id}`, `14 operations`, or `the document`."""
    if len(finding.operations) > 1:
        return plural(len(reached(finding)), "operation")
    one = operation(finding)
    return f"{one.method} {one.path}" if one else "the document"


def reached(finding: FindingRow) -> list[str]:
    """The operations that a folded finding reaches, each once, although it may be reached through several answers."""
    return list(dict.fromkeys(f"{member.method} {member.path}" for member in finding.operations))


def operation(finding: FindingRow) -> OperationName | None:
    """The one operation that the finding is about; None if there are several, or none."""
    if len(finding.operations) > 1:
        return None
    if finding.operation is None and finding.operations:
        return OperationName(finding.operations[0].method, finding.operations[0].path)
    return finding.operation


def grouped(findings: Iterable[FindingRow]) -> list[tuple[str, list[FindingRow]]]:
    """Findings by operation, in the order of each one's first; a folded finding stands alone."""
    groups: dict[str, list[FindingRow]] = {}
    for finding in findings:
        key = heading(finding) if len(finding.operations) < 2 else "\0" + finding.fingerprint
        groups.setdefault(key, []).append(finding)
    return [(heading(group[0]), group) for group in groups.values()]


def where(finding: FindingRow) -> tuple[str, str]:
    """The place in words and the pointer: (`200 application/json`, `/due_at`), (`query`, `sort`)."""
    place = finding.where
    kind, colon, name = (place.pointer or "").partition(":")
    words = [word for word in (place.status, place.media_type) if word]
    if place.direction == "request" and not place.status:
        words.insert(0, "request")
    if colon and kind in ("query", "header", "path", "cookie", "body"):
        return " ".join([*words, kind]), name
    return " ".join(words), place.pointer or ""


def often(exchanges: int | None, of: int | None, direction: str | None) -> str:
    """`38 of 121 answers`; empty if nobody counted."""
    noun = {"request": "request", "response": "answer"}.get(direction or "", "exchange")
    if exchanges is None:
        return ""
    return plural(exchanges, noun) if of is None else f"{exchanges:,} of {plural(of, noun)}"


def rate(finding: FindingRow) -> str:
    """`shows sometimes: 3 of 7 tries`; empty for what shows each time."""
    seen = finding.intermittent
    return f"shows sometimes: {seen.shown:,} of {seen.tried:,} tries" if seen else ""


def counts(words: Iterable[str], order: Sequence[str], noun: bool = False) -> str:
    """`2 errors, 1 warning`, or without a noun `5 new, 1 accepted`; in the given order, zeros left out."""
    tally = Counter(words)
    return ", ".join(plural(tally[w], w) if noun else f"{tally[w]:,} {w}" for w in order if tally[w])


STATES = ("new", "regressed", "ongoing", "unchanged", "stale", "accepted", "exempt", "resolved", "absent")
LEVELS = ("error", "warning", "note")

SOURCE_WORDS = {
    Verdict.PASS: "pass",
    Verdict.FAIL: "drift",
    Verdict.NONE: "no verdict",
    Verdict.UNDECIDED: "no verdict",
    Verdict.ERROR: "failed",
}


@dataclass(frozen=True, slots=True)
class Figure:
    """A headline figure in words. `mark` is `met`, `miss` or `none`; `value` has no unit where it is a word."""

    name: str
    value: str
    unit: str
    mark: str
    verdict: str
    evidence: str
    target: str


def figures(report: Report) -> tuple[Figure, Figure, Figure]:
    """Completeness, drift and generation, each with the evidence it stands on."""
    kpis = report.kpis
    done, made = kpis.completeness, kpis.generation
    whole = Ratio(done.part, done.whole) if done.part is not None and done.whole is not None else None
    completeness = _share(
        "Completeness",
        whole,
        done.verdict,
        f"{done.part:,} of {done.whole:,} implemented operations are documented." if whole else "",
        "No list of routes was given, so nobody knows what is implemented.",
    )
    proven = Ratio(made.part, made.whole) if made.part is not None and made.whole is not None else None
    targets = listed([f"{cut(t.name, 40)} {t.part:,} of {t.whole:,}" for t in made.targets], 6)
    names = listed([cut(t.name, 40) for t in made.targets], 6)
    said = f"{made.part:,} of {made.whole:,} proven" if proven else ""
    generation = _share(
        "Generation",
        proven,
        made.verdict,
        (f"{said}: {targets}." if len(made.targets) > 1 else f"{said} for {names}." if names else f"{said}."),
        "No code was generated in this run.",
    )
    return completeness, _drift(report), generation


def _share(name: str, ratio: Ratio | None, verdict: Verdict, evidence: str, absent: str) -> Figure:
    mark, word = _MARKS[verdict]
    if verdict == Verdict.FAIL:
        word = "below 100 %" if ratio and ratio.part < ratio.whole else word
    if ratio is None or ratio.whole == 0:
        if verdict == Verdict.ERROR:
            return Figure(
                name, "failed to measure", "", "miss", word, "Its source failed: see the message there.", "100 %"
            )
        return Figure(name, "no evidence", "", "none", "nothing to judge by", absent, "100 %")
    value, _, unit = str(ratio).partition(" ")
    return Figure(name, value, unit, mark, word, evidence, "100 %")


_MARKS = {
    Verdict.PASS: ("met", "met"),
    Verdict.FAIL: ("miss", "missed"),
    Verdict.NONE: ("none", "no verdict"),
    Verdict.UNDECIDED: ("none", "undecided"),
    Verdict.ERROR: ("miss", "failed to measure"),
}


def _drift(report: Report) -> Figure:
    drift = report.kpis.drift
    operations, responses = drift.exercised.operations, drift.exercised.responses
    mark, word = _MARKS[drift.verdict]
    floor = f"{drift.floor * 100:g} %"
    evidence = (
        f"{operations.part:,} of {plural(operations.whole, 'operation')} and {responses.part:,} of "
        f"{plural(responses.whole, 'declared response')} exercised, in {plural(drift.exchanges, 'exchange')}."
    )
    places = drift.exercised.places
    if drift.exercised.sampled and places.whole:
        evidence += (
            f" A sample of {drift.exercised.sampled:,} touched {places.part:,} of {places.whole:,} properties, "
            "members of enums and branches."
        )
    if drift.verdict == Verdict.UNDECIDED:
        need = next((n for n in range(operations.whole + 1) if Ratio(n, operations.whole).reaches(drift.floor)), 0)
        if operations.part < need:
            word = f"needs {floor} exercised"
            at_least = f"at least {plural(need, 'operation')} must answer for themselves"
            found = f"{plural(drift.count, 'finding')} so far" if drift.count else "This is not 0"
            evidence += f" {found}: {at_least}."
        return Figure("Drift", "undecided", "", mark, word, evidence, "0")
    if drift.verdict == Verdict.ERROR:
        return Figure("Drift", "failed to measure", "", mark, word, evidence, "0")
    if drift.count is None:
        return Figure("Drift", "no evidence", "", "none", "nothing to judge by", "The running API was not asked.", "0")
    if drift.count:
        word = "above 0" if drift.verdict == Verdict.FAIL else word
        evidence += " Notes and accepted findings do not count."
    return Figure(
        "Drift", number(drift.count), "finding" if drift.count == 1 else "findings", mark, word, evidence, "0"
    )


def about(report: Report) -> list[str]:
    """Sentences under the verdict: the gate, the findings by state, what is incomplete, the notes of the run."""
    outcome = report.outcome
    said = [f"Exit code {outcome.exit_code}: the gate is {outcome.gate}."]
    if report.findings:
        states = counts((f.state for f in report.findings), STATES)
        all_in_one = len({f.state for f in report.findings}) == 1
        said.append(
            f"{plural(len(report.findings), 'finding')}, all {report.findings[0].state}."
            if all_in_one and len(report.findings) > 1
            else f"{plural(len(report.findings), 'finding')}: {states}."
        )
    if not report.run.complete:
        said.append("The run was stopped before its end: this is what was seen until then.")
    return [*said, *report.run.notes]


@dataclass(frozen=True, slots=True)
class Unchecked:
    """One line of "what was not checked": how many, what, the names, why, and how to include it."""

    many: str
    what: str
    names: tuple[str, ...]
    why: str
    include: str


def unchecked(report: Report) -> list[Unchecked]:
    """All that nobody looked at, told once per reason: never seen, never sent, not asked, excluded."""
    rows: list[Unchecked] = []
    declared = [(o, s) for o in report.operations for s in o.responses if s.declared]
    unseen = [f"{s.name}{_extra(s.media_type)} of {o.key}" for o, s in declared if not s.exchanges]
    if unseen:
        what = "declared response was never seen" if len(unseen) == 1 else "declared responses were never seen"
        rows.append(
            Unchecked(
                f"{len(unseen):,} of {len(declared):,}",
                what,
                tuple(unseen),
                "no request led there",
                "Give an example that leads there",
            )
        )
    inputs = [(o, s) for o in report.operations for s in o.parameters if s.declared]
    unsent = [f"{notation(s.name)} of {o.key}" for o, s in inputs if not s.exchanges]
    if unsent:
        what = "parameter or body was never sent" if len(unsent) == 1 else "parameters and bodies were never sent"
        rows.append(
            Unchecked(
                f"{len(unsent):,} of {len(inputs):,}",
                what,
                tuple(unsent),
                "no request carried it" if len(unsent) == 1 else "no request carried them",
                "Declare values or an example",
            )
        )
    for items, what, include in (
        (report.unchecked, "without evidence", "Put right what the reason names"),
        (report.excluded, "excluded", "Take the exclusion out of the config"),
    ):
        reasons: dict[str, list[str]] = {}
        for item in items:
            reasons.setdefault(item.reason, []).append(item.operation)
        rows += [Unchecked(number(len(names)), what, tuple(names), why, include) for why, names in reasons.items()]
    rows += [
        Unchecked(
            number(item.count),
            "pieces of evidence lost" if item.count != 1 else "piece of evidence lost",
            (f"{item.first}: {item.heading}",),
            item.reason or "it could not be read",
            "Put it right where it is recorded",
        )
        for item in report.lost
    ]
    return rows


def short(number: int) -> str:
    """A number in three places, for where there is no more room; what it is exactly is told beside it.

    >>> [short(number) for number in (999, 1451, 9999, 12_408, 999_999, 3_200_000)]
    ['999', '1.4k', '9.9k', '12k', '999k', '3.2M']
    """
    for limit, unit in ((1_000_000, "M"), (1_000, "k")):
        if number >= limit:
            return f"{number // (limit // 10) / 10:.1f}{unit}" if number < 10 * limit else f"{number // limit:,}{unit}"
    return str(number)


def closely(operation: OperationRow) -> str:
    """What a sample of bodies touched of an operation's schemas, and how long its answers took: "12/15 properties"."""
    exercised, said = operation.exercised, []
    for ratio, what in (
        (exercised.properties, "properties"),
        (exercised.enum_members, "enum members"),
        (exercised.branches, "branches"),
    ):
        if exercised.sampled and ratio.whole:
            said.append(f"{ratio.part:,}/{ratio.whole:,} {what}")
    if operation.latency is not None:
        said.append(f"p95 {_time(operation.latency.p95_us)}")
    return " · ".join(said)


def _time(microseconds: int) -> str:
    if microseconds < 10_000:
        return f"{microseconds / 1000:.1f} ms"
    return f"{microseconds / 1000:.0f} ms" if microseconds < 10_000_000 else f"{microseconds / 1_000_000:.0f} s"


def _extra(media_type: str | None) -> str:
    return f" {media_type}" if media_type and media_type not in ("application/json", "application/problem+json") else ""


def notation(name: str) -> str:
    """A parameter by where it goes: `{id}`, `?limit`, `If-Match:`, `sid=` (a cookie), `body`."""
    kind, _, rest = name.partition(":")
    return {"path": f"{{{rest}}}", "query": f"?{rest}", "header": f"{rest}:", "cookie": f"{rest}="}.get(kind, name)
