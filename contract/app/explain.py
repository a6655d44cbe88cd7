"""What `contract explain` says: the page of a rule, of a figure, of an exit code or of a word; or all of them in groups."""

from __future__ import annotations

from dataclasses import dataclass

from contract.core import rule
from contract.core.errors import ConfigError

GROUPS = {
    "matched": "what was observed, against what is declared",
    "undeclared": "implemented or observed, and in no document",
    "unobserved": "declared, and not implemented",
    "complained": "what only asking can show",
    "generated": "generated code",
    "declared": "the document on its own",
}


@dataclass(frozen=True)
class Topic:
    """What is no rule, and is told in the same way."""

    title: str
    text: str


FIGURES = {
    "completeness": Topic(
        "operations that are implemented and documented, of all that are implemented",
        "It needs a list of routes (`--routes`): without one nobody knows what is implemented, and it says *no evidence*. "
        "What nobody wrote (HEAD beside GET, static files, the framework's own pages) does not count, nor does what is "
        "excluded with a reason.\n\n"
        "Why it matters: an operation that is in no document is not checked, not generated, and found by nobody.\n\n"
        "How to raise it: each missing operation is a finding of `undeclared-operation`; describe it, take the route out, "
        'or exclude it: `exclude = [{ pattern = "GET /up", reason = "…" }]`. The target is 100 %.',
    ),
    "drift": Topic(
        "open findings at error or warning between the document and the running API",
        "Notes and what the baseline accepts do not count; they are listed. Beside it stands what it is based on: the "
        "operations that were exercised. Below the floor (`--floor`, 80 %) it is *undecided*, since finding nothing where "
        "nobody looked proves nothing.\n\n"
        "Why it matters: who reads the document, or generates code from it, meets each of these differences in production.\n\n"
        "How to lower it: each finding says what is declared, what was observed, and how to put either right. What cannot "
        "be mended now is accepted with a reason: `contract check --baseline FILE --update-baseline --reason '…'`. The "
        "target is 0.",
    ),
    "generation": Topic(
        "operations and components whose generated code is proven, of all",
        "Proven is what compiles, takes what the document allows, and refuses what it forbids. Without a target of generation "
        "(`[generate]` in contract.toml) it says *no evidence*.\n\n"
        "Why it matters: code that is not proven may lose or invent values without anybody noticing.\n\n"
        "How to raise it: what is stale is a finding of `stale-artifact`, and `contract generate` makes it anew; what is "
        "unproven is one of `unproven-artifact`, which names the part of the document. The target is 100 %.",
    ),
}
"""The three figures of a report."""

EXIT_CODES = {
    "exit-0": Topic(
        "passed",
        "Every figure that was measured keeps its target, and no finding reaches the gate (`--fail-on`, `error`).",
    ),
    "exit-1": Topic(
        "findings at or above the gate",
        "Something is proved to be wrong, also where another source failed. `contract explain RULE` tells of each rule; "
        "`contract replay FINGERPRINT` sends the request again; what is known is accepted in a baseline. `contract doctor` "
        "ends with 1 where something is to be put right, and `contract generate --fail-on-change` where a file changed.",
    ),
    "exit-2": Topic(
        "usage or configuration",
        "Nothing was checked: a flag, a variable, contract.toml, or a document is wrong. The message says which, and on which "
        "line. `contract config show` prints each setting and where it comes from; `contract doctor` looks at them all.",
    ),
    "exit-3": Topic(
        "no verdict",
        "The target cannot be reached, a source failed, evidence could not be read, or too little of the API was exercised "
        "to say anything. It is no pass. `contract doctor` says what is missing: a server, credentials, an extra. Where "
        "operations need ids that nobody knows, give some: `--id project_id=17`.",
    ),
    "exit-4": Topic(
        "a bug of ours",
        "Nothing is said about your API. The same command with `--debug` shows where it happened; please report it.",
    ),
    "exit-130": Topic(
        "stopped by Ctrl-C",
        "While evidence is gathered the first Ctrl-C ends the evidence and not the report, which says that it is incomplete.",
    ),
}
"""What a command may end with."""

WORDS = {
    "level": Topic(
        "how bad a finding is: error, warning, note",
        "An *error* is proved and breaks a promise of the document; a *warning* is likely to harm somebody; a *note* is worth "
        "knowing, or could not be proved. A rule's level is changed by `--level RULE=LEVEL` or under [levels]; `--fail-on` says "
        "from which level on a run fails.",
    ),
    "state": Topic(
        "where a finding stands against the baseline or the base report",
        "*new*: nobody knew of it. *unchanged*: the base report had it. *absent*: it was there, and was looked for in vain. "
        "*accepted*: the baseline holds it with a reason. *exempt*: likewise, until a day. Only new ones fail.",
    ),
    "proof": Topic(
        "why a finding may be believed",
        "*confirmed*: a second, independent validator says the same. *replayed*: the request was sent again and showed it "
        "again. *structural*: it follows from what is listed and what is not. *disputed*: the second validator disagrees, and is "
        "known to be wrong by a clause that is named. *unproven*: nobody can say. Disputed and unproven errors are notes.",
    ),
    "verdict": Topic(
        "what is said of a figure",
        "*met* and *missed*: it was measured, and keeps its target or does not. *undecided*: there is evidence, and too little "
        "of it. *failed to measure*: the source of the evidence failed. *no evidence*: nobody asked.",
    ),
}
"""Words that stand in every report."""

_TOPICS = {
    "figures": FIGURES,
    "exit codes": EXIT_CODES,
    "words of a report": WORDS,
}


def names() -> list[str]:
    """Everything that can be explained."""
    return [*rule.pages(), *(name for topics in _TOPICS.values() for name in topics)]


def index() -> str:
    """Every rule with its level and first sentence, in groups; then everything else."""
    pages = rule.pages()
    width = max(map(len, names()))
    parts = []
    for row, title in GROUPS.items():
        rules = [item for item in pages.values() if item.row == row]
        if rules:
            lines = [f"  {item.id:<{width}}  {item.level:<7}  {item.title}" for item in rules]
            parts.append("\n".join([title, *lines]))
    for title, topics in _TOPICS.items():
        parts.append("\n".join([title, *(f"  {name:<{width}}  {topic.title}" for name, topic in topics.items())]))
    return "\n\n".join([*parts, "contract explain NAME tells more of one."])


def page(name: str) -> str:
    """The page of one rule, figure, exit code or word; raises ConfigError with the nearest name if there is none."""
    pages = rule.pages()
    item = pages.get(name) or pages.get(name.partition("/")[0])
    if item is None:
        return _topic(f"exit-{name}" if name.isdigit() else name)
    level = f"{item.id} · {item.level} · {GROUPS.get(item.row, item.row)}"
    change = f'Another level: `--level {item.id}=note`, or in contract.toml [levels] `{item.id} = "off"`.'
    return "\n\n".join([level, item.doc.replace("**", ""), change])


def _topic(name: str) -> str:
    for title, topics in _TOPICS.items():
        if name in topics:
            kind = {"figures": "figure", "exit codes": "exit code"}.get(title, "word")
            said = [_wrapped(text.replace("*", "")) for text in topics[name].text.split("\n\n")]
            return "\n\n".join([f"{name} · {kind} · {topics[name].title}", *said])
    from contract.app.keys import nearest

    guess = nearest(name, names())
    if guess is not None:
        raise ConfigError(f"there is no rule, figure or exit code `{name}`. Did you mean `{guess}`?")
    raise ConfigError(f"there is no rule, figure or exit code `{name}`", "`contract explain` lists them all")


def _wrapped(text: str) -> str:
    import textwrap

    return textwrap.fill(text, 100, break_long_words=False, break_on_hyphens=False)
