"""Only the classes that a change reaches are made anew; the others stay as the last run made them.

The generator is given the schemas that changed, all that lead to them, and all that those lead to. What comes out for
the first two takes the place of the old. The rest was made once more beside it: where that is not what it was, or where
anything else hints at a change beyond the slice (a name that was free and is taken, an import, classes in a circle), a
full run is due. So the text is the one that a full run gives.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson

from contract.core.canonical import circles, digest
from contract.generators._python import words
from contract.generators._python.blocks import Block, Class, assembled
from contract.generators._python.models import Fault, Made, refers_elsewhere, renamed
from contract.generators._python.plan import Plan
from contract.generators._python.views import references


@dataclass(frozen=True)
class Known:
    """What a run made, and of what."""

    schemas: Mapping[str, str]
    """By name, a hash of the schema as the generator was given it."""
    choosing: frozenset[str]
    """Schemas with a discriminator, which also decides about the classes that it names."""
    head: str
    blocks: tuple[Block, ...]
    classes: Mapping[str, str]
    faults: Mapping[str, Fault]
    without: frozenset[str]


@dataclass(frozen=True)
class Slice:
    """The part of a plan that is made anew."""

    plan: Plan
    schemas: dict[str, Any]
    reached: frozenset[str]
    """Schemas that changed, or lead to one that did."""
    asked: frozenset[str]
    """Those, and the others that shall be proven."""


@dataclass(frozen=True)
class Facts:
    """What is asked of all schemas, once."""

    digests: Mapping[str, str]
    choosing: frozenset[str]
    whole: bool
    """True where a part cannot be told from the rest."""

    @classmethod
    def of(cls, schemas: Mapping[str, Any]) -> Facts:
        other = renamed(schemas)
        return cls(
            {name: digest([other.get(name, name), schema])[:32] for name, schema in schemas.items()},
            frozenset(name for name, schema in schemas.items() if _chooses(schema)),
            refers_elsewhere(schemas),
        )


def known(facts: Facts, made: Made, faults: Mapping[str, Fault]) -> Known | None:
    """What may be kept of a run; None where nothing could be taken over from it."""
    if made.failure is not None or not made.blocks or facts.whole:
        return None
    return Known(
        facts.digests,
        facts.choosing,
        made.head,
        tuple(made.blocks),
        dict(made.classes),
        dict(faults),
        made.without,
    )


def write(path: Path, what: str, kept: Known) -> None:
    """`what` names the tools that it was made with."""
    value = {
        "with": what,
        "schemas": kept.schemas,
        "choosing": sorted(kept.choosing),
        "head": kept.head,
        "blocks": [
            [one.name, one.text, one.owner, sorted(one.uses), one.rebuilt, *_told(one.read)] for one in kept.blocks
        ],
        "classes": kept.classes,
        "faults": {name: asdict(fault) for name, fault in kept.faults.items()},
        "without": sorted(kept.without),
    }
    body = orjson.dumps(value)
    beside = path.with_name(f"{path.name}.new")
    beside.write_bytes(sha256(body).hexdigest().encode() + b"\n" + body)
    beside.replace(path)


def read(path: Path, what: str) -> Known | None:
    """What an earlier run with the same tools left; None if there is none, or it is not as it was written."""
    try:
        sign, _, body = path.read_bytes().partition(b"\n")
    except OSError:
        return None
    if sha256(body).hexdigest().encode() != sign:
        return None
    value = orjson.loads(body)
    if value["with"] != what:
        return None
    return Known(
        value["schemas"],
        frozenset(value["choosing"]),
        value["head"],
        tuple(
            Block(
                name, text, owner, frozenset(uses), rebuilt, Class(0, 0, members, names, frozenset(need), tuple(bases))
            )
            for name, text, owner, uses, rebuilt, members, names, need, bases in value["blocks"]
        ),
        value["classes"],
        {name: Fault(**fault) for name, fault in value["faults"].items()},
        frozenset(value["without"]),
    )


def _told(one: Class) -> tuple[Any, ...]:
    return one.members, one.names, sorted(one.required), one.bases


def _chooses(schema: Any) -> bool:
    text = words.written(schema)
    if text is not None:
        return b'"discriminator":' in text
    return any("discriminator" in node for node in words.nodes(schema))


def cut(
    plan: Plan,
    schemas: Mapping[str, Any],
    facts: Facts,
    before: Known,
    components: Collection[str],
    operations: Collection[str],
) -> Slice | None:
    """What has to be made anew for a change; None if that is a full run.

    `components` and `operations` are those that shall be proven, whether they changed or not.
    """
    changed = {name for name, each in facts.digests.items() if before.schemas.get(name) != each}
    gone = before.schemas.keys() - facts.digests.keys()
    if facts.whole or (changed | gone) & (before.choosing | facts.choosing):
        return None
    graph = {name: references(plan.document.value, schema) for name, schema in schemas.items()}
    above: dict[str, list[str]] = {}
    for name, others in graph.items():
        for other in others:
            above.setdefault(other, []).append(name)
    reached = _closure(changed, above)
    if (reached | gone) & before.without:
        return None
    entries = {key: entry for key, entry in plan.entries.items() if key in operations}
    variants = {name for each in components for name in (each, plan.views.name(each, "request"))}
    asked = reached | (variants & schemas.keys())
    wanted = _closure({*asked, *(name for entry in entries.values() for name in entry.components)}, graph)
    if len(wanted & schemas.keys()) * 4 > len(schemas) * 3:
        return None
    return Slice(
        part(plan, wanted, entries), {name: schemas[name] for name in schemas if name in wanted}, reached, asked
    )


def part(plan: Plan, schemas: Collection[str], operations: Collection[str]) -> Plan:
    """The plan of these schemas and operations, with the names that they have in the whole."""
    return replace(
        plan,
        schemas={name: schema for name, schema in plan.schemas.items() if name in schemas},
        own=plan.own & frozenset(schemas),
        entries={key: entry for key, entry in plan.entries.items() if key in operations},
        among=frozenset(plan.schemas),
    )


def _closure(start: Iterable[str], graph: Mapping[str, Iterable[str]]) -> frozenset[str]:
    seen = set(start)
    todo = list(seen)
    while todo:
        for name in graph.get(todo.pop(), ()):
            if name not in seen:
                seen.add(name)
                todo.append(name)
    return frozenset(seen)


def joined(plan: Plan, before: Known, piece: Slice, fresh: Made) -> Made | None:
    """The classes of all schemas; None if the slice does not fit into what is known."""
    mine = [one for one in fresh.blocks if one.owner in piece.reached]
    kept = {one.name: one for one in before.blocks if one.owner not in piece.reached and one.owner in plan.schemas}
    beside = {one.name: one for one in fresh.blocks if one.owner not in piece.reached}
    if any(kept.get(name) != one for name, one in beside.items()):
        return None
    if any(one.owner in piece.plan.schemas and name not in beside for name, one in kept.items()):
        return None  # a schema that did not change has one class less
    had = {one.name for one in before.blocks if one.name not in kept}
    names = {one.name for one in mine}
    if names & kept.keys() or _shadowed(had ^ names, kept):
        return None
    blocks = [*kept.values(), *mine]
    if not _fits(before.head, fresh.head, names, blocks):
        return None
    everything = frozenset(one.name for one in blocks)
    for circle in circles({one.name: sorted((one.uses & everything) - {one.name}) for one in blocks}):
        if len(circle) > 1 and names & set(circle):
            return None  # which of them comes first is the generator's to say, who knows them all
    classes = {
        name: each for name, each in before.classes.items() if name in plan.schemas and name not in piece.schemas
    }
    classes |= fresh.classes
    made = Made(
        classes=classes,
        owners={one.name: one.owner for one in blocks if one.owner},
        without=before.without,
        head=before.head,
        blocks=blocks,
    )
    made.text, made.read = assembled(made.head, made.blocks)
    return made


def _shadowed(names: Iterable[str], others: Iterable[str]) -> bool:
    """True if another class has the name with something behind it, which it may have because the name was taken."""
    for name in names:
        marked = re.compile(re.escape(name) + r"(?:Model|Enum|Type|Alias|_)?\d*_*")
        if any(other.startswith(name) and marked.fullmatch(other) for other in others):
            return True
    return False


def _fits(before: str, fresh: str, names: Collection[str], blocks: Iterable[Block]) -> bool:
    """True if what the slice imports is imported already, in the same way, and nothing is imported for nothing now."""
    old, new = _imported(before), _imported(fresh)
    if not new.items() <= old.items() or names & old.keys():
        return False
    plain = {origin for name, origin in old.items() if origin.rpartition(".")[2] == name}
    if any(origin in plain for name, origin in old.items() if name[0] != "_" and origin.rpartition(".")[2] != name):
        return False  # one thing under two names: which of them stands where is decided over the whole
    used = set[str]().union(*(one.uses for one in blocks))
    own = {"_StrictFloat": "float"}  # what else begins so is there because of another name of the head
    return all(
        own.get(name, name) in used
        for name in old
        if name in own or (not name.startswith("_") and name != "annotations")
    )


def _imported(head: str) -> dict[str, str]:
    """Names that the head binds, with where they come from."""
    found: dict[str, str] = {}
    for node in ast.parse(head).body:
        match node:
            case ast.ImportFrom():
                found |= {each.asname or each.name: f"{node.module}.{each.name}" for each in node.names}
            case ast.Import():
                found |= {each.asname or each.name: each.name for each in node.names}
            case ast.Assign(targets=[ast.Name(id=name)]):
                found[name] = ast.unparse(node.value)
            case ast.ClassDef():
                found[node.name] = "class"
    return found
