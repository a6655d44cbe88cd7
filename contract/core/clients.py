"""What changed for the users of a generated client: symbols added, removed, renamed, retyped, and which of it breaks."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from contract.core.generated import Symbol

RETURN = "return"
"""The member of an operation that says what it gives."""


@dataclass(frozen=True, slots=True)
class MemberChange:
    """One member or argument; None where it was not, or is no longer."""

    member: str
    before: str | None
    after: str | None
    breaking: bool
    words: str


@dataclass(frozen=True, slots=True)
class SymbolChange:
    """One symbol of the generated code that its users see change."""

    symbol: str
    kind: str  # as in Symbol
    pointer: str
    breaking: bool
    """True if code that was right against the old client may be refused by the type checker, or fail, with the new one."""
    words: str
    before: str | None = None
    """The name that it had, where it was renamed; the file, where it was moved."""
    members: tuple[MemberChange, ...] = ()


@dataclass(frozen=True, slots=True)
class ClientChanges:
    """Each list in the order of the names."""

    added: tuple[SymbolChange, ...] = ()
    removed: tuple[SymbolChange, ...] = ()
    renamed: tuple[SymbolChange, ...] = ()
    retyped: tuple[SymbolChange, ...] = ()

    def __iter__(self) -> Iterator[SymbolChange]:
        """All of them, what is gone first."""
        yield from (*self.removed, *self.renamed, *self.retyped, *self.added)

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.renamed or self.retyped)

    @property
    def breaking(self) -> int:
        """How many of them break somebody."""
        return sum(change.breaking for change in self)


def compare(before: Iterable[Symbol], after: Iterable[Symbol]) -> ClientChanges:
    """What a user of the client has to know who goes from one set of symbols to the other."""
    pairs, gone, new = _paired(before, after)
    renamed, retyped = [], []
    for old, fresh in pairs:
        if old.name != fresh.name:
            words = f"{code(old.name)} is called {code(fresh.name)} now"
            renamed.append(SymbolChange(fresh.name, fresh.kind, fresh.pointer, True, words, old.name))
        elif old.file != fresh.file:
            words = f"{code(old.name)} is in {fresh.file} now, and was in {old.file}"
            renamed.append(SymbolChange(fresh.name, fresh.kind, fresh.pointer, True, words, old.file))
        members = tuple(_members(old, fresh))
        if members:
            breaking = any(member.breaking for member in members)
            words = f"{code(fresh.name)}: " + "; ".join(member.words for member in members)
            retyped.append(SymbolChange(fresh.name, fresh.kind, fresh.pointer, breaking, words, None, members))
    return ClientChanges(
        _sorted(
            SymbolChange(one.name, one.kind, one.pointer, False, f"{code(one.name)} is new{_of(one)}") for one in new
        ),
        _sorted(
            SymbolChange(one.name, one.kind, one.pointer, True, f"{code(one.name)} is gone{_of(one)}") for one in gone
        ),
        _sorted(renamed),
        _sorted(retyped),
    )


def code(text: str) -> str:
    """The text as a code span of Markdown, whatever it holds: names and types come from somebody's document.

    >>> code("Task"), code("a`b\\nc")
    ('`Task`', "`a'b?c`")
    """
    shown = "".join(letter if letter.isprintable() else "?" for letter in text.replace("`", "'"))
    return f"`{shown}`"


def _of(symbol: Symbol) -> str:
    return f" ({code(symbol.pointer)})" if symbol.pointer else ""


def _sorted(changes: Iterable[SymbolChange]) -> tuple[SymbolChange, ...]:
    return tuple(sorted(changes, key=lambda change: (change.symbol, change.kind, change.pointer)))


# --- which symbol became which ---------------------------------------------------------------------------------------


def _paired(
    before: Iterable[Symbol], after: Iterable[Symbol]
) -> tuple[list[tuple[Symbol, Symbol]], list[Symbol], list[Symbol]]:
    """Pairs of what is the same symbol, what has no successor, what has no predecessor.

    The same is what has the same name; else what stands for the same place of the document, where only one does; else
    what has the very same members, where only one does (a component that was given another name).
    """
    gone, new = list(before), list(after)
    pairs: list[tuple[Symbol, Symbol]] = []
    keys: tuple[Callable[[Symbol], Hashable | None], ...] = (
        lambda one: (one.kind, one.name, one.pointer, one.file),
        lambda one: (one.kind, one.name, one.pointer),
        lambda one: (one.kind, one.name),
        lambda one: (one.kind, one.pointer) if one.pointer else None,
        _shape,
    )
    for key in keys:
        olds, news = _alone(gone, key), _alone(new, key)
        found = [(olds[shared], news[shared]) for shared in olds if shared in news]
        pairs += found
        taken = {id(old) for old, _ in found}, {id(fresh) for _, fresh in found}
        gone = [one for one in gone if id(one) not in taken[0]]
        new = [one for one in new if id(one) not in taken[1]]
    return pairs, gone, new


def _alone(symbols: Iterable[Symbol], key: Callable[[Symbol], Hashable | None]) -> dict[Hashable, Symbol]:
    held: dict[Hashable, list[Symbol]] = defaultdict(list)
    for symbol in symbols:
        if (value := key(symbol)) is not None:
            held[value].append(symbol)
    return {value: several[0] for value, several in held.items() if len(several) == 1}


def _shape(symbol: Symbol) -> Hashable | None:
    if not symbol.members:
        return None
    return symbol.kind, symbol.direction, tuple(sorted(symbol.members.items())), symbol.required


# --- what of a symbol changed ----------------------------------------------------------------------------------------


def _members(old: Symbol, fresh: Symbol) -> Iterator[MemberChange]:
    for name in sorted({*old.members, *fresh.members}, key=lambda name: (name == RETURN, name)):
        before, after = old.members.get(name), fresh.members.get(name)
        given, taken = _sides(fresh, name)
        if before is None and after is not None:
            must = name in fresh.required
            breaking = given and must
            said = "has to be given" if must and given else "is new"
            yield MemberChange(name, None, after, breaking, f"{code(name)} {said} ({code(after)})")
        elif after is None and before is not None:
            yield MemberChange(name, before, None, True, f"{code(name)} is gone")
        elif before is not None and after is not None:
            yield from _retyped(name, before, after, name in old.required, name in fresh.required, given, taken)


def _retyped(
    name: str, before: str, after: str, needed: bool, needs: bool, given: bool, taken: bool
) -> Iterator[MemberChange]:
    said, breaking = [], False
    if before != after:
        olds, news = _alternatives(before), _alternatives(after)
        wider, narrower = olds <= news, news <= olds
        # Who gives it may not give less than before; who takes it may not be given more. What is spelt in another way
        # and means the same is a change to nobody, and is told all the same.
        breaking = (given and not wider) or (taken and not narrower)
        verb = "gives" if name == RETURN else "takes" if given and not taken else "is"
        subject = "it" if name == RETURN else code(name)
        said.append(f"{subject} {verb} {code(after)}, no longer {code(before)}")
    if needs != needed and name != RETURN:
        if needs:
            breaking = breaking or given
            said.append(f"{code(name)} has to be given" if given else f"{code(name)} is always there")
        else:
            breaking = breaking or taken
            said.append(f"{code(name)} may be missing" if taken else f"{code(name)} may be left out")
    if said:
        yield MemberChange(name, before, after, breaking, " and ".join(said))


def _sides(symbol: Symbol, member: str) -> tuple[bool, bool]:
    """Whether the user of the client gives the member, and whether they take it; both where nobody says."""
    if symbol.kind == "operation":
        return member != RETURN, member == RETURN
    return symbol.direction in ("request", "both", ""), symbol.direction in ("response", "both", "")


_OPEN, _CLOSE = "([{<", ")]}>"
_WRAPPED = re.compile(r"(?:typing\.)?(Optional|Union|Literal)\[(.*)\]$", re.DOTALL)


def _alternatives(text: str) -> frozenset[str]:
    """The members of a union as Python or TypeScript writes it.

    >>> sorted(_alternatives("Literal['a', 'b'] | None")), sorted(_alternatives("Optional[list[int | str]]"))
    (["Literal['a']", "Literal['b']", 'None'], ['None', 'list[int | str]'])
    """
    parts = _split(text, "|")
    if len(parts) > 1:
        return frozenset().union(*map(_alternatives, parts))
    text = parts[0] if parts else ""
    found = _WRAPPED.fullmatch(text)
    if found is None:
        return frozenset((text,))
    inner = _split(found[2], ",")
    if found[1] == "Literal":
        return frozenset(f"Literal[{each}]" for each in inner)
    held = frozenset().union(*map(_alternatives, inner))
    return held | {"None"} if found[1] == "Optional" else held


def _split(text: str, mark: str) -> list[str]:
    """The parts between marks that stand in no bracket and in no string."""
    parts, depth, quote, start = [], 0, "", 0
    index = 0
    while index < len(text):
        letter = text[index]
        if quote:
            if letter == "\\":
                index += 1
            elif letter == quote:
                quote = ""
        elif letter in "'\"`":
            quote = letter
        elif letter in _OPEN:
            depth += 1
        elif letter in _CLOSE and text[index - 1 : index] not in ("=", "-"):  # an arrow closes nothing
            depth -= 1
        elif letter == mark and depth == 0:
            parts.append(text[start:index].strip())
            start = index + 1
        index += 1
    parts.append(text[start:].strip())
    return [part for part in parts if part]


# --- in words --------------------------------------------------------------------------------------------------------


def changelog(changes: Mapping[str, ClientChanges]) -> str:
    """A section of a changelog in Markdown, by target; empty where nobody notices anything."""
    blocks = []
    for target, change in changes.items():
        lines = [f"- {'**Breaking:** ' if one.breaking else ''}{one.words}" for one in _breaking_first(change)]
        if lines:
            blocks.append("\n".join([f"### For users of the {target} client", "", *lines]))
    return "\n\n".join(blocks)


def _breaking_first(changes: ClientChanges) -> list[SymbolChange]:
    return sorted(changes, key=lambda change: not change.breaking)
