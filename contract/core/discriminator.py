"""Which schema does a discriminator name, and does the value keep it (OpenAPI 3.1, 4.8.25; 3.2, 4.25)?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from contract.core.document import escape, resolve
from contract.core.schema import SchemaError, Schemas, show

_COMPONENTS = "#/components/schemas/"


@dataclass(frozen=True, slots=True)
class Discriminator:
    """A discriminator with its table filled in: value of the property → pointer of the schema that it names."""

    owner: str  # pointer of the schema that has it
    name: str  # of the property
    table: Mapping[str, str]
    closed: bool
    """False if other values are no error: `defaultMapping` takes them, or no schema at all is known."""
    required: bool
    """True if a value without the property is of no known kind, whatever `required` says."""
    default: str | None = None


def discriminators(schemas: Schemas, pointers: Sequence[str]) -> Iterator[Discriminator]:
    """Those that bind a value for certain: behind `$ref` and `allOf`, not in a branch that may not apply."""
    for place, node in definite(schemas, pointers):
        spec = node.get("discriminator")
        if not isinstance(spec, Mapping) or not isinstance(spec.get("propertyName"), str):
            continue
        branches = [
            branch["$ref"]
            for keyword in ("oneOf", "anyOf")
            for branch in _list(node.get(keyword))
            if isinstance(branch, Mapping) and isinstance(branch.get("$ref"), str)
        ]
        union = bool(_list(node.get("oneOf")) or _list(node.get("anyOf")))
        targets = branches if union else schemas.children(place)
        table: dict[str, str] = {}
        for target in targets:
            # Many authors leave `mapping` out and let each schema list its own values of the property.
            for value in _values(schemas, target, spec["propertyName"]):
                table.setdefault(value, target)
        table.update({_name(target): target for target in targets if target.startswith(_COMPONENTS)})
        known = bool(table)
        if not union and place.startswith(_COMPONENTS) and "/" not in place[len(_COMPONENTS) :]:
            table.setdefault(_name(place), place)
        for value, target in _map(spec.get("mapping")).items():
            found = _target(schemas, target)
            known = True
            if found is not None:
                table[str(value)] = found
        default = spec.get("defaultMapping")
        fallback = _target(schemas, default) if isinstance(default, str) else None
        # A union with branches written in line has kinds that no name tells.
        whole = len(branches) == sum(len(_list(node.get(keyword))) for keyword in ("oneOf", "anyOf"))
        nested = any(
            "oneOf" in inner or "anyOf" in inner for each in branches for _, inner in definite(schemas, [each])
        )
        closed = known and default is None and (not union or (whole and not nested))
        yield Discriminator(place, spec["propertyName"], table, closed, closed and union, fallback)


def mismatches(schemas: Schemas, pointer: str, direction: str, value: Any) -> Iterator[SchemaError]:
    """Values that no discriminator's table lists, and objects that the schema named by theirs refuses.

    Only where the schema as a whole takes the value: what it refuses is told as that.
    """
    if not any_below(schemas, pointer) or not schemas.accepts(pointer, direction, value):
        return
    seen: set[tuple[str, str, str]] = set()
    for found in _mismatches(schemas, (pointer,), direction, value, ""):
        if (found.component, found.keyword, found.declared) not in seen:
            seen.add((found.component, found.keyword, found.declared))
            yield found


def _mismatches(
    schemas: Schemas, pointers: tuple[str, ...], direction: str, value: Any, where: str
) -> Iterator[SchemaError]:
    if isinstance(value, Mapping):
        for found in discriminators(schemas, pointers):
            error = _judge(schemas, found, direction, value, where)
            if error is not None:
                yield error
        for name, item in value.items():
            if isinstance(item, (Mapping, list)) and (below := properties(schemas, pointers, name)):
                yield from _mismatches(schemas, below, direction, item, f"{where}/{escape(name)}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            if isinstance(item, (Mapping, list)) and (below := items(schemas, pointers, index)):
                yield from _mismatches(schemas, below, direction, item, f"{where}/*")


def _judge(
    schemas: Schemas, found: Discriminator, direction: str, value: Mapping[str, Any], where: str
) -> SchemaError | None:
    place, at = f"{where}/{escape(found.name)}", f"`{where}`" if where else "the value"
    component = f"{found.owner}/discriminator"
    if found.name not in value:
        if found.default is not None and not schemas.accepts(found.default, direction, value):
            message = f"{at} has no `{found.name}`, and {_name(found.default)}, which then applies, refuses it"
            return _error(place, component, found.name, _name(found.default), "an object that does not fit it", message)
        if not found.required:
            return None
        message = f"{at} has no `{found.name}`, which says of which kind it is"
        return _error(
            place, component, found.name, f"`{found.name}`, one of {_listed(found)}", "no such property", message
        )
    named = value[found.name]
    target = found.table.get(named) if isinstance(named, str) else None
    if target is None:
        target = found.default
        if target is None:
            if not found.closed:
                return None
            message = f"`{place}` names no schema; the discriminator knows {_listed(found)}"
            return _error(place, component, found.name, f"one of {_listed(found)}", show(named), message)
    if schemas.accepts(target, direction, value):
        return None
    message = f"{at} says that it is {show(named)}, and {_name(target)} refuses it"
    return _error(
        place, component, found.name, f"{show(named)} as {_name(target)}", "an object that does not fit it", message
    )


def _error(place: str, component: str, name: str, declared: str, observed: str, message: str) -> SchemaError:
    return SchemaError(place, place, "discriminator", component, name, declared, observed, message)


def _listed(found: Discriminator) -> str:
    names = sorted(found.table)
    return ", ".join(map(show, names[:8])) + (f" and {len(names) - 8} more" if len(names) > 8 else "")


# --- places that a value is bound to for certain -----------------------------------------------------------------------


def definite(schemas: Schemas, pointers: Sequence[str]) -> list[tuple[str, Mapping[str, Any]]]:
    """The schemas that bind a value whatever it is: behind `$ref` and in `allOf`."""
    memo: dict[tuple[str, ...], list[tuple[str, Mapping[str, Any]]]] = schemas.memo.setdefault("definite", {})
    key = tuple(pointers)
    if key not in memo:
        memo[key] = _definite(schemas, key)
    return memo[key]


def _definite(schemas: Schemas, pointers: Sequence[str]) -> list[tuple[str, Mapping[str, Any]]]:
    stack: list[str] = list(reversed(pointers))
    seen: set[str] = set()
    found: list[tuple[str, Mapping[str, Any]]] = []
    while stack:
        place = stack.pop()
        if place in seen:
            continue
        seen.add(place)
        node = schemas.at(place)
        if node is None:
            continue
        found.append((place, node))
        if isinstance(node.get("$ref"), str) and node["$ref"].startswith("#"):
            stack.append(node["$ref"])
        stack.extend(f"{place}/allOf/{index}" for index in range(len(_list(node.get("allOf")))))
    return found


def properties(schemas: Schemas, pointers: Sequence[str], name: str) -> tuple[str, ...]:
    """Pointers of the schemas that bind the property of that name."""
    below = []
    for place, node in definite(schemas, pointers):
        if name in _map(node.get("properties")):
            below.append(f"{place}/properties/{escape(name)}")
        elif isinstance(node.get("additionalProperties"), Mapping) and "patternProperties" not in node:
            below.append(f"{place}/additionalProperties")
    return tuple(below)


def items(schemas: Schemas, pointers: Sequence[str], index: int) -> tuple[str, ...]:
    """Pointers of the schemas that bind the item at an index."""
    below = []
    for place, node in definite(schemas, pointers):
        prefix = _list(node.get("prefixItems"))
        if index < len(prefix):
            below.append(f"{place}/prefixItems/{index}")
        elif isinstance(node.get("items"), Mapping):
            below.append(f"{place}/items")
    return tuple(below)


def any_below(schemas: Schemas, pointer: str) -> bool:
    """True if a discriminator can be met somewhere below a schema, so that walking a value may find one."""
    if not schemas.discriminates:
        return False
    known = schemas.memo.setdefault("discriminated", {})
    if pointer not in known:
        stack, seen, found = [pointer], {pointer}, False
        while stack and not found:
            place = stack.pop()
            if place in known:
                found = known[place]
                continue
            for at, node in definite(schemas, [place]):
                found = found or isinstance(node.get("discriminator"), dict)
                below = [f"{at}/properties/{escape(name)}" for name in _map(node.get("properties"))]
                below += [f"{at}/prefixItems/{index}" for index in range(len(_list(node.get("prefixItems"))))]
                below += [f"{at}/{key}" for key in ("items", "additionalProperties") if isinstance(node.get(key), dict)]
                for each in below:
                    if each not in seen:
                        seen.add(each)
                        stack.append(each)
        known.update(dict.fromkeys([pointer] if found else seen, found))
    return bool(known[pointer])


def _values(schemas: Schemas, pointer: str, name: str) -> Iterator[str]:
    """The values that a schema allows for a property, where it lists them."""
    for place, _ in definite(schemas, [pointer]):
        try:
            node = resolve(schemas.value, f"{place}/properties/{escape(name)}")
        except KeyError:
            continue
        listed = [node["const"]] if isinstance(node, Mapping) and "const" in node else _list(_map(node).get("enum"))
        yield from (value for value in listed if isinstance(value, str))


def _target(schemas: Schemas, target: Any) -> str | None:
    """Pointer of what a mapping names: a component's name or a reference."""
    if not isinstance(target, str):
        return None
    named = _COMPONENTS + escape(target)
    for pointer in (named, target):
        try:
            resolve(schemas.value, pointer)
        except (KeyError, ValueError):
            continue
        return pointer
    return None


def _name(pointer: str) -> str:
    return pointer.rpartition("/")[2].replace("~1", "/").replace("~0", "~")


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def kinds(schemas: Schemas) -> Mapping[str, Mapping[str, frozenset[str]]]:
    """By component and property, the values by which discriminators of the document mean it (OpenAPI 3.1, 4.8.25).

    A component that is only ever chosen by a discriminator never has another value there, whatever its own schema takes.
    """
    found: Mapping[str, Mapping[str, frozenset[str]]] | None = schemas.memo.get("kinds")
    if found is None:
        meant: dict[str, dict[str, set[str]]] = {}
        for name, key, value in _kinds(schemas):
            meant.setdefault(name, {}).setdefault(key, set()).add(value)
        found = {name: {key: frozenset(each) for key, each in keys.items()} for name, keys in meant.items()}
        schemas.memo["kinds"] = found
    return found


def _kinds(schemas: Schemas) -> Iterator[tuple[str, str, str]]:
    heirs: dict[str, list[str]] = {}
    for name, schema in _map(_map(schemas.value.get("components")).get("schemas")).items():
        for each in _list(_map(schema).get("allOf")):
            if isinstance(each, Mapping) and isinstance(each.get("$ref"), str):
                heirs.setdefault(each["$ref"], []).append(name)
    todo: list[tuple[str, Any]] = [("#", schemas.value)]
    while todo:
        pointer, node = todo.pop()
        if isinstance(node, list):
            todo.extend((f"{pointer}/{index}", each) for index, each in enumerate(node))
        if not isinstance(node, Mapping):
            continue
        todo.extend((f"{pointer}/{escape(str(key))}", each) for key, each in node.items())
        spec = _map(node.get("discriminator"))
        key = spec.get("propertyName")
        if not isinstance(key, str):
            continue
        mapped = {str(value): _name(str(to)) for value, to in _map(spec.get("mapping")).items()}
        for value, name in mapped.items():
            yield name, key, value
        listed = [_map(each).get("$ref") for word in ("oneOf", "anyOf") for each in _list(node.get(word))]
        names = [_name(each) for each in listed if isinstance(each, str)]
        for name in {*names, *heirs.get(pointer, ())} - set(mapped.values()):
            yield name, key, name
