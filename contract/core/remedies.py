"""What would make the document say what the server really does: a finding and its evidence as edits of the document.

A remedy is the smallest edit that tells the truth, and it only ever adds: a status, a media type, a property, null, a
member of an enum, a query parameter, an operation. The one thing that it takes away is that something is required, where
the evidence shows it missing, and that is said. What is the server's to mend has no remedy here, and says so.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import partial
from http import HTTPStatus
from typing import Any

from contract.core import parameters, redact, routing
from contract.core.document import each_at, escape, pointer, resolve, split
from contract.core.evidence import Exchange, is_json
from contract.core.finding import Finding, fold
from contract.core.infer import METHODS, Observed, Paths, Templates, fragment
from contract.core.openapi import Contract, DeclaredResponse, Operation, follow
from contract.core.schema import kind_of
from contract.core.shape import ENOUGH, Shape, is_name

Tokens = tuple[str, ...]


class Refused(Exception):
    """Why nothing is offered for a finding."""


@dataclass(frozen=True)
class Edit:
    """One change of a document. What `path` names below `at` is made where it is missing.

    `set` gives a mapping a key (or another value, if it has it), `append` a list an item, `drop` takes an item out of a
    list, and the list with it once it is empty. `order` says where a new key goes: "status", "path", or the key after
    which it stands.
    """

    at: str
    """Pointer of something that is there: in the bundled value, or in a file once it was located."""
    path: Tokens
    action: str
    key: str
    value: Any = None
    order: str = ""


@dataclass(frozen=True)
class Remedy:
    """One way to make a finding go away by what the document says."""

    title: str
    edits: tuple[Edit, ...]
    loosens: str | None = None
    """What is promised no more."""

    @property
    def places(self) -> tuple[str, ...]:
        """Pointers of what is changed."""
        return tuple("/".join((edit.at, *map(escape, edit.path))) for edit in self.edits)


@dataclass(frozen=True)
class Shown:
    """An exchange that shows a finding; `part` if its body is only a part of what was sent."""

    exchange: Exchange
    part: bool = False
    finding: Finding | None = None
    """Where it shows the same of a shared schema by way of another operation, or at another place: that one."""


Seen = Set[tuple[str, str, str]]
"""Operation key, declared response's key, media type: answers that were seen, whatever else is known of them."""


_NO_REMEDY = {
    "server-error": "a failure of the server is no promise that a document should make: fix the server",
    "no-answer": "no document can declare that no answer comes: fix the server",
    "use-after-delete": "what was deleted can still be read: fix the server",
    "auth-not-enforced": "declaring the operation public would give the data away for good: fix the server",
    "malformed-body": "no document can make this body readable: fix the server",
    "invalid-request-accepted": "the document would have to forbid less: fix the server",
    "valid-request-refused": "the evidence shows that a request is refused, and not by which constraint",
    "unimplemented-operation": "whether it is to be built, mended or taken out is a decision: nothing is taken out here",
    "operation-not-served": "whether it is to be built, mended or taken out is a decision: nothing is taken out here",
    "discriminator-mismatch": "which schema a new value names cannot be told from the evidence",
    "declared-never-seen": "that something was not seen does not say that it is gone",
    "missing-operation-id": "clients are called by it, so what it is called is a decision",
    "exported-differs": "two documents differ, and no exchange shows which one is right",
}


def why_not(rule: str) -> str | None:
    """Why a rule's findings have no remedy on the document's side; None if some have."""
    if rule in _NO_REMEDY:
        return _NO_REMEDY[rule]
    return (
        None
        if rule in _OPTIONS or rule in _SEEN
        else "it is about the document or the generated code itself, and no exchange shows it"
    )


def options(finding: Finding, contract: Contract, shown: Sequence[Shown], seen: Seen = frozenset()) -> Iterator[Remedy]:
    """The remedies of a finding, the narrowest first; raises Refused where there is none.

    `shown` are exchanges that show it. For an undeclared operation they are those of its method and path, for a response
    without a schema its answers. `seen` tells what else was answered.
    """
    if (reason := why_not(finding.rule)) is not None:
        raise Refused(reason)
    if finding.rule in _SEEN:
        return _SEEN[finding.rule](finding, contract, shown, seen)
    return _OPTIONS[finding.rule](finding, contract, shown)


# ----------------------------------------------------------------------------------------------- statuses, media types


def _status(finding: Finding, contract: Contract, shown: Sequence[Shown], seen: Seen) -> Iterator[Remedy]:
    operation, status = _operation(finding, contract), str(finding.mismatch.name)
    if status == "401" and not operation.security and not any(one.exchange.request.body for one in shown):
        raise Refused(
            "the server asks for credentials of which the document knows nothing: declare `security`, by hand"
        )
    title = f"declare `{status}` for {operation.key}"

    def add(response: Mapping[str, Any], *more: Edit) -> Remedy:
        return Remedy(title, (Edit(operation.pointer, ("responses",), "set", status, response, "status"), *more))

    for reference in _used(contract, status):
        yield add({"$ref": reference})
    if status.startswith("3") and not any(_says(one.exchange) for one in shown):
        # The short note with the link that a redirect may have (RFC 9110, 15.4) is nothing to rely on.
        yield add({"description": _phrase(status)})
        return
    if any(one.part for one in shown):
        raise Refused("the report holds only a part of the answer's body: name the recording with `--traffic`")
    answers = _observed(contract, operation, shown)["responses"]
    content = answers.get(status, {}).get("content", {})
    head = {"description": _phrase(status)}
    if not content:
        medias = {one.exchange.response.media_type for one in shown if one.exchange.response is not None}
        named = next(iter(medias)) if len(medias) == 1 and _swagger(contract) else None
        yield add(head, *(_produces(operation, named, None, seen) if named else ()))
        return
    if not _swagger(contract):
        for reference in _schemas_of(contract, content, status):
            yield add({**head, "content": {media: {"schema": {"$ref": reference}} for media in content}})
        yield add({**head, "content": {media: _media(media, entry, contract) for media, entry in content.items()}})
        return
    if len(content) > 1:
        raise Refused("its answers have several media types, and Swagger 2.0 has one schema for all of them")
    ((media, entry),) = content.items()
    more = _produces(operation, media, None, seen)
    for reference in _schemas_of(contract, content, status):
        yield add({**head, "schema": {"$ref": reference}}, *more)
    schema = _media(media, entry, contract).get("schema", {"type": "string"})
    yield add({**head, "schema": _dialect(schema, contract)}, *more)


def _says(exchange: Exchange) -> bool:
    """True if the answer has a body for programs, and not only a note for people."""
    answer = exchange.response
    return answer is not None and bool(answer.body) and is_json(answer.media_type)


def _produces(operation: Operation, media: str, own: DeclaredResponse | None, seen: Seen) -> tuple[Edit, ...]:
    """What lets an operation of Swagger 2.0 answer with a media type; nothing where it may already.

    Its `produces` speaks of all its answers. So it gets one more only where that lets no other answer off: there is none,
    or each has no schema, was seen in the same media type, and in none that is declared for it.
    """
    others = [each for each in operation.responses.values() if each.content and each is not own]
    medias = own.content if own is not None else others[0].content if others else ()
    if not medias or any(each.range in (media, "*/*") for each in medias):
        return ()
    for each in others:
        found = {name for key, status, name in seen if key == operation.key and status == each.key}
        schemas = any(entry.schema is not None for entry in each.content)
        if schemas or media not in found or any(each.media(name) is not None for name in found):
            raise Refused(
                f"in Swagger 2.0 `produces` speaks of all answers of the operation, and `{media}` would be let through "
                f"for its {each.key} too"
            )
    if any(entry.schema is None for each in operation.responses.values() for entry in each.content):
        return (Edit(operation.pointer, ("produces",), "append", "", media),)
    # The list may stand at the root of the document, and is said anew for the one operation.
    return (Edit(operation.pointer, (), "set", "produces", [*(each.range for each in medias), media]),)


def _used(contract: Contract, status: str) -> list[str]:
    """Shared responses that other operations declare for a status, the commonest first."""
    found: Counter[str] = Counter()
    for operation in contract.operations:
        responses = operation.raw.get("responses")
        node = responses.get(status) if isinstance(responses, Mapping) else None
        if isinstance(node, Mapping) and isinstance(reference := node.get("$ref"), str):
            found[reference] += 1
    return [reference for reference, _ in found.most_common(3)]


def _schemas_of(contract: Contract, content: Collection[str], status: str) -> list[str]:
    """Shared schemas of answers of the same class and media types, the commonest first."""
    if not all(is_json(media) for media in content):
        return []
    found: Counter[str] = Counter()
    for operation in contract.operations:
        for declared in operation.responses.values():
            same = declared.key[0] == status[0] if declared.key != "default" else status[0] in "45"
            for entry in declared.content if same and status[0] in "45" else ():
                node = resolve(contract.root, entry.schema) if entry.schema is not None else None
                if entry.range in content and isinstance(node, Mapping) and isinstance(node.get("$ref"), str):
                    found[node["$ref"]] += 1
    return [reference for reference, _ in found.most_common(3)]


def _media_type(finding: Finding, contract: Contract, shown: Sequence[Shown], seen: Seen) -> Iterator[Remedy]:
    operation, media = _operation(finding, contract), finding.mismatch.where.media_type
    declared = operation.responses.get(str(finding.mismatch.where.status))
    if media is None or declared is None:
        raise Refused("an answer without `Content-Type` cannot be declared: fix the server")
    title = f"declare `{media}` for the {declared.key} of {operation.key}"
    if _swagger(contract):
        yield Remedy(title, _produces(operation, media, declared, seen))
        return

    def add(entry: Mapping[str, Any]) -> Remedy:
        return Remedy(title, (Edit(declared.pointer, ("content",), "set", media, entry),))

    if is_json(media):
        for one in declared.content:
            node = resolve(contract.root, one.schema) if one.schema is not None and is_json(one.range) else None
            if isinstance(node, Mapping) and isinstance(node.get("$ref"), str):
                yield add({"schema": {"$ref": node["$ref"]}})
        if any(one.part for one in shown):
            raise Refused("the report holds only a part of the answer's body: name the recording with `--traffic`")
    answers = _observed(contract, operation, shown)["responses"]
    entry: Mapping[str, Any] = next(
        (each["content"][media] for each in answers.values() if media in each.get("content", {})), {}
    )
    yield add(_media(media, entry, contract))


def _described(finding: Finding, contract: Contract, shown: Sequence[Shown]) -> Iterator[Remedy]:
    operation, where = _operation(finding, contract), finding.mismatch.where
    declared = operation.responses.get(str(where.status))
    if declared is None or where.media_type == "*/*":
        raise Refused("the document lets any media type through here, and which ones are meant is a decision")
    bodies = [one for one in shown if one.exchange.response is not None and one.exchange.response.body]
    if not bodies:
        raise Refused("no exchange shows a body of it: name a recording that does with `--traffic`")
    if any(one.part for one in bodies):
        raise Refused("the report holds only a part of the answer's body: name the recording with `--traffic`")
    answers = _observed(contract, operation, bodies)["responses"]
    content = {media: entry for each in answers.values() for media, entry in each.get("content", {}).items()}
    if not content:
        raise Refused("what its bodies hold cannot be told from the evidence")
    if len(content) != 1 or len(answers) != 1 or (_swagger(contract) and len(declared.content) > 1):
        raise Refused("its answers are of several statuses or media types, and one schema would speak of them all")
    ((media, entry),) = content.items()
    made = _media(media, entry, contract)
    if not made.get("schema"):
        raise Refused("what its bodies hold cannot be told from the evidence")
    title = f"give the {declared.key} of {operation.key} a schema"
    if _swagger(contract):
        yield Remedy(title, (Edit(declared.pointer, (), "set", "schema", _dialect(made["schema"], contract)),))
    elif (one := declared.media(where.media_type)) is not None and where.media_type is not None:
        yield Remedy(title, (Edit(one.pointer, (), "set", "schema", made["schema"]),))
    else:
        yield Remedy(title, (Edit(declared.pointer, ("content",), "set", media, made),))


def _media(media: str, entry: Mapping[str, Any], contract: Contract) -> dict[str, Any]:
    """A Media Type Object that says what can be said of its body."""
    if entry.get("schema"):
        return dict(entry)
    if media.startswith("text/") or media.endswith(("+xml", "/xml")):
        return {"schema": {"type": "string"}}
    return {"schema": {"type": "string", "format": "binary"}} if contract.document.family == "3.0" else {}


# ------------------------------------------------------------------------------------------------------------- schemas


def _property(finding: Finding, contract: Contract, shown: Sequence[Shown]) -> Iterator[Remedy]:
    mismatch, name = finding.mismatch, finding.mismatch.name or ""
    if name == "*":
        raise Refused("the object is a map, and what its keys stand for nobody but its author can say")
    if redact.sensitive(name):
        raise Refused(f"`{name}` looks like a secret, which should not be promised to anybody: fix the server")
    if not is_name(name):
        raise Refused(f"`{name}` looks like one of many keys of a map, and no name of a property")
    shape, count, cut = Shape(), 0, False

    def place(one: Finding) -> str:
        at = (one.mismatch.where.pointer or "").removeprefix("body:")
        closed = one.mismatch.keyword in ("additionalProperties", "unevaluatedProperties")
        return f"{at}/{escape(name)}" if closed and one.rule == "response-schema" else at

    for one in shown:
        for value in _values(finding, contract, one, place(one.finding or finding)):
            cut = cut or (one.part and isinstance(value, dict | list))
            shape.add(value)
            count += 1
    owner, title = _with_properties(contract, mismatch.component or "#"), f"declare the property `{name}`"
    if not count:
        raise Refused(f"the evidence does not show what `{name}` holds")
    if shape.root.nulls == shape.total:
        if finding.rule == "response-schema":
            raise Refused(f"`{name}` was only ever null, so its type is not known")
        # The object is open, so whatever it holds is let through as before; now it has a name.
        yield Remedy(f"{title}, which was only ever null", (Edit(owner, ("properties",), "set", name, {}),))
        return
    schema = _modest(shape.schema(contract.document.family), count)
    if not schema:
        raise Refused(f"what `{name}` holds cannot be told from the evidence")
    if not cut:
        yield Remedy(title, (Edit(owner, ("properties",), "set", name, _dialect(schema, contract)),))
    if outline := _outline(schema, contract):
        said = f"{title}, an {outline['type']}, and nothing of what it holds"
        yield Remedy(said, (Edit(owner, ("properties",), "set", name, _dialect(outline, contract)),))
    elif cut:
        raise Refused("the report holds only a part of its value: name the recording with `--traffic`")


def _outline(schema: Mapping[str, Any], contract: Contract) -> dict[str, Any]:
    """The type of an object or list alone, where no more is known of it or what is known does not hold; {} for others."""
    if schema.get("type") not in ("object", "array"):
        return {}
    kept = {key: schema[key] for key in ("type", "nullable") if key in schema}
    # In 3.0 a list must say what its items are (3.0.3, 4.7.24.1).
    return kept | ({"items": {}} if schema["type"] == "array" and contract.document.family == "3.0" else {})


def _with_properties(contract: Contract, owner: str) -> str:
    """Where a property is named: in the schema itself, else in the last branch of its `allOf` that is written in line."""
    owner, node = follow(contract.root, owner)
    if not isinstance(node, Mapping):
        raise Refused("the schema that should name it is nowhere in the document")
    if "properties" in node or not isinstance(branches := node.get("allOf"), list):
        return owner
    for index in reversed(range(len(branches))):
        if isinstance(branches[index], Mapping) and isinstance(branches[index].get("properties"), Mapping):
            return f"{owner}/allOf/{index}"
    return owner


def _schema(finding: Finding, contract: Contract, shown: Sequence[Shown]) -> Iterator[Remedy]:
    mismatch = finding.mismatch
    if mismatch.keyword in ("additionalProperties", "unevaluatedProperties"):
        return _property(finding, contract, shown)
    if mismatch.keyword == "required":
        return _required(finding, contract, shown)
    values = [
        value
        for one in shown
        for value in _values(finding, contract, one)
        if not _takes(contract, mismatch.component or "#", value)
    ]
    if values and all(value is None for value in values):
        return _nullable(finding, contract, shown)
    if mismatch.keyword == "enum":
        return _member(finding, contract, values)
    if mismatch.keyword in ("writeOnly", "readOnly"):
        raise Refused("what clients may not read is sent to them: fix the server")
    raise Refused(f"`{mismatch.keyword}` would have to hold no more, and which side is right is a decision")


def _takes(contract: Contract, schema: str, value: Any) -> bool:
    return contract.schemas.accepts(schema, "response", value)


def _nullable(finding: Finding, contract: Contract, shown: Sequence[Shown]) -> Iterator[Remedy]:
    where = finding.mismatch.component or "#"
    node = resolve(contract.root, where)
    if not isinstance(node, Mapping):
        raise Refused("the schema refuses every value")
    title = f"say that `{_label(finding)}` may be null"
    old = contract.document.family == "3.0"
    if re.fullmatch(r"#/components/schemas/[^/]+", where):
        users = {at for one in shown for at in _nulls(one.finding or finding, contract, one.exchange, where)}
        asked = any("request" in sides for sides in reached(contract, [where]).values())
        if (asked or len(users) < _references(contract, where)) and _references(contract, where) > 1:
            # Else it was null wherever it is used, and no request would be let through with it.
            yield from _nullable_where_it_is_used(finding, contract, where, title)
            return
        if users:
            title = f"say that `{split(where)[-1]}` may be null"
    edits = []
    if isinstance(node.get("enum"), list) and None not in node["enum"] and not _swagger(contract):
        edits.append(Edit(where, ("enum",), "append", "", None))
    kinds = node.get("type")
    if old:
        if not isinstance(kinds, str):
            raise Refused("OpenAPI 3.0 can say null only beside a `type` (3.0.3, 4.7.24.1), and there is none")
        edits.insert(0, Edit(where, (), "set", "x-nullable" if _swagger(contract) else "nullable", True, "type"))
    elif isinstance(kinds, list):
        edits.insert(0, Edit(where, ("type",), "append", "", "null"))
    elif isinstance(kinds, str):
        edits.insert(0, Edit(where, (), "set", "type", [kinds, "null"]))
    elif (branch := next((word for word in ("oneOf", "anyOf") if isinstance(node.get(word), list)), None)) is not None:
        edits.append(Edit(where, (branch,), "append", "", {"type": "null"}))
    elif not edits:
        raise Refused("the schema says nothing of types, so what refuses null is not one place")
    yield Remedy(title, tuple(edits))


def _nullable_where_it_is_used(finding: Finding, contract: Contract, where: str, title: str) -> Iterator[Remedy]:
    """`anyOf` of the shared schema and null, at the one place that was null: the schema stays what it is elsewhere."""
    if _swagger(contract):
        raise Refused("the schema is shared by several places, and Swagger 2.0 cannot say null of one of them")
    found = _users(finding, contract, where)
    if len(found) != 1:
        raise Refused("the schema is shared, and which place of those that use it was null is not clear")
    # 3.0 has no type for null: it says null beside a type (3.0.3, 4.7.24.1), of which the enum leaves nothing else.
    null = (
        {"type": "null"} if contract.document.family != "3.0" else {"type": "object", "nullable": True, "enum": [None]}
    )
    wrapped = {"anyOf": [{"$ref": where}, null]}
    owner, _, name = found[0].rpartition("/")
    yield Remedy(title, (Edit(owner, (), "set", split("#/" + name)[0], wrapped),))


def _users(finding: Finding, contract: Contract, where: str) -> list[str]:
    """Pointers of the references to a shared schema by which a body's place came to be held to it."""
    operation, mismatch = contract.by_key.get(finding.operation or ""), finding.mismatch
    declared = operation.responses.get(str(mismatch.where.status)) if operation is not None else None
    media = declared.media(mismatch.where.media_type) if declared is not None else None
    users = [] if media is None or media.schema is None else [media.schema]
    for token in split(mismatch.where.pointer or ""):
        users = _below(contract, users, token)
    return [at for at in users if resolve(contract.root, at) == {"$ref": where}]


def _nulls(finding: Finding, contract: Contract, exchange: Exchange, where: str) -> Iterator[str]:
    """Pointers of all references to a shared schema at which an answer has null."""
    operation = contract.by_key.get(finding.operation or "")
    judged = operation.answer(exchange).content.judged if operation is not None else ()
    todo: list[tuple[list[str], Any]] = [([body.schema], body.value) for body in judged]
    while todo:
        users, value = todo.pop()
        if value is None:
            yield from (at for at in users if resolve(contract.root, at) == {"$ref": where})
        elif isinstance(value, dict) and users:
            todo += [(_below(contract, users, name), item) for name, item in value.items()]
        elif isinstance(value, list) and users:
            items = _below(contract, users, "*")
            todo += [(items, item) for item in value]


def _below(contract: Contract, users: Sequence[str], token: str) -> list[str]:
    """The schemas that a member, or for `*` each item, of what some schemas hold is held to."""
    nodes = list(contract.schemas.flatten(users))
    return [f"{at}/items" for at, node in nodes if token == "*" and "items" in node] + [
        f"{at}/properties/{escape(token)}" for at, node in nodes if token in (node.get("properties") or {})
    ]


def _member(finding: Finding, contract: Contract, values: Sequence[Any]) -> Iterator[Remedy]:
    where = finding.mismatch.component or "#"
    node = resolve(contract.root, where)
    fresh = []
    for value in values:
        if value not in fresh:
            fresh.append(value)
    for value in fresh:
        if isinstance(value, str) and not re.fullmatch(r"[A-Za-z0-9_.:/ -]{1,64}", value):
            raise Refused("the value looks like no word that an enum lists")
        if isinstance(value, str) and (redact.text(value) != value or routing.is_id(value)):
            raise Refused("the value looks like somebody's own, and a document should not hold it")
        if isinstance(value, dict | list | float):
            raise Refused("the value is no word or number that an enum lists")
    if not fresh or len(fresh) > 4 or not isinstance(node, Mapping) or not isinstance(node.get("enum"), list):
        raise Refused(
            "so many values are not listed that it is no enum" if fresh else "the value is masked in the report"
        )
    kinds = node.get("type")
    if kinds is not None and any(
        kind_of(value) not in ([kinds] if isinstance(kinds, str) else kinds) for value in fresh
    ):
        raise Refused("the value is of another type than the members of the enum")
    words = ", ".join(f"`{value}`" for value in fresh)
    yield Remedy(
        f"add {words} to the enum of `{_label(finding)}`",
        tuple(Edit(where, ("enum",), "append", "", value) for value in fresh),
    )


def _required(finding: Finding, contract: Contract, shown: Sequence[Shown]) -> Iterator[Remedy]:
    mismatch, name = finding.mismatch, finding.mismatch.name or ""
    where = mismatch.component or "#"
    node = resolve(contract.root, where)
    if any(one.part for one in shown):
        raise Refused("the report holds only a part of the body, so what is missing may have been left out of it")
    if not isinstance(node, Mapping) or name not in (node.get("required") or []):
        raise Refused(f"`{name}` is required by no list of one place")
    discriminator = node.get("discriminator")
    if isinstance(discriminator, Mapping) and discriminator.get("propertyName") == name:
        raise Refused(
            f"`{name}` is the discriminator, without which nobody can tell what the object is: fix the server"
        )
    if any("request" in sides for sides in reached(contract, [where]).values()):
        raise Refused(f"requests are held to the same schema, and would need `{name}` no more")
    missing = whole = 0
    for one in shown:
        for value in _values(finding, contract, one):
            whole += isinstance(value, dict)
            missing += isinstance(value, dict) and name not in value
    yield Remedy(
        f"require `{name}` no more",
        (Edit(where, ("required",), "drop", "", name),),
        f"`{name}` may be missing from now on, as it was in {missing} of {whole} objects of the answers that show it",
    )


# ------------------------------------------------------------------------------------- headers, parameters, operations


def _missing_header(finding: Finding, contract: Contract, shown: Sequence[Shown]) -> Iterator[Remedy]:
    where, name = finding.mismatch.component or "#", finding.mismatch.name
    others = reached(contract, [where]).keys() - {finding.operation}
    if others or _references(contract, where) > 1:
        raise Refused(f"other answers are held to the same `{name}`, and may well send it: fix the server")
    if _swagger(contract):
        raise Refused("Swagger 2.0 requires no header")
    yield Remedy(
        f"require the header `{name}` no more",
        (Edit(where, (), "set", "required", False),),
        f"`{name}` may be missing from now on, as it was in {len(shown)} of the answers that show it",
    )


def _header_schema(finding: Finding, contract: Contract, shown: Sequence[Shown]) -> Iterator[Remedy]:
    if finding.mismatch.keyword != "enum":
        raise Refused(f"`{finding.mismatch.keyword}` would have to hold no more, and which side is right is a decision")
    name = (finding.mismatch.where.pointer or "").removeprefix("header:").lower()
    values = [
        value.strip()
        for one in shown
        for header, value in (one.exchange.response.headers if one.exchange.response is not None else ())
        if header.lower() == name and not _takes(contract, finding.mismatch.component or "#", value.strip())
    ]
    return _member(finding, contract, values)


def _parameter(finding: Finding, contract: Contract, shown: Sequence[Shown]) -> Iterator[Remedy]:
    operation, name = _operation(finding, contract), finding.mismatch.name or ""
    if redact.sensitive(name):
        raise Refused(f"`{name}` looks like a secret, and those do not belong into a URL: fix the server")
    sought = {name, name.removesuffix("[]")}
    for entry in _observed(contract, operation, shown).get("parameters", ()):
        if entry["in"] == "query" and entry["name"] in sought:
            made = {key: entry[key] for key in ("name", "in", "style", "explode", "schema") if key in entry}
            if _swagger(contract):
                made = _flat(made, contract)
            edit = Edit(operation.pointer, ("parameters",), "append", "", made)
            yield Remedy(f"declare the query parameter `{entry['name']}` of {operation.key}", (edit,))
            return
    raise Refused(f"`{name}` looks like one of many names, and no parameter's own")


def _new_operation(finding: Finding, contract: Contract, shown: Sequence[Shown]) -> Iterator[Remedy]:
    method, _, template = (finding.operation or "").partition(" ")
    if not any(
        one.exchange.response is not None and 200 <= one.exchange.response.status < 300 and not one.part
        for one in shown
    ):
        raise Refused("no exchange shows what it takes and answers: name a recording that does with `--traffic`")
    if method not in METHODS:
        raise Refused(f"nothing is inferred of {method}, which is answered beside other methods")
    if "{}" in template or template == routing.template(shown[0].exchange.request.path):
        paths = Paths()
        for one in shown:
            paths.add(one.exchange)
        named = [each for each, methods in paths.templates(contract).methods.items() if method in methods]
        template = next((each for each in named if fold(each) == fold(template)), template)
    observed = Observed(Templates({template: frozenset({method})}))
    for one in shown:
        observed.add(one.exchange)
    made = fragment(observed, contract.document.family, contract)["paths"]
    if len(made) != 1:
        raise Refused("its method is none that can be told from traffic")
    ((path, item),) = made.items()
    if "servers" in item:
        raise Refused("it lies below none of the base paths of the document")
    entry = _modest(item[method.lower()], len(shown))
    if _swagger(contract):
        entry = _in_swagger(entry, contract)
    title = f"declare {method} {path}"
    for declared in contract.root.get("paths", {}):
        if fold(declared) == fold(path):
            entry = _renamed(entry, path, declared)
            where, node = follow(contract.root, pointer("paths", declared))
            entry["parameters"] = [each for each in entry.get("parameters", ()) if not _has(node, each)]
            if not entry["parameters"]:
                del entry["parameters"]
            yield Remedy(title, (Edit(where, (), "set", method.lower(), entry),))
            return
    yield Remedy(title, (Edit("#", ("paths",), "set", path, {method.lower(): entry}, "path"),))


def _in_swagger(entry: Mapping[str, Any], contract: Contract) -> dict[str, Any]:
    """An operation that was inferred for 3.0 in the words of Swagger 2.0."""
    made: dict[str, Any] = {"operationId": entry["operationId"]}
    given = [_flat(each, contract) for each in entry.get("parameters", ())]
    body = entry.get("requestBody", {})
    if body:
        ((media, one),) = _one_of(body["content"], "requests")
        made["consumes"] = [media]
        schema = _dialect(one.get("schema", {}), contract)
        if media in _FORMS:
            always = schema.get("required", ())
            given += [
                _flat({"name": name, "in": "formData", "required": name in always, "schema": field}, contract)
                for name, field in schema.get("properties", {}).items()
            ]
        else:
            needed = {"required": True} if body.get("required") else {}
            given.append({"name": "body", "in": "body", **needed, "schema": schema})
    responses: dict[str, Any] = {}
    medias: dict[str, None] = {}
    for status, response in entry["responses"].items():
        responses[status] = {"description": response["description"]}
        if response.get("content"):
            ((media, one),) = _one_of(response["content"], "answers")
            medias[media] = None
            responses[status]["schema"] = _dialect(_media(media, one, contract)["schema"], contract)
    if medias:
        made["produces"] = list(medias)
    if given:
        made["parameters"] = given
    return {**made, "responses": responses}


_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


def _one_of(content: Mapping[str, Any], what: str) -> list[tuple[str, Any]]:
    if len(content) > 1:
        raise Refused(f"its {what} are of several media types, and Swagger 2.0 has one schema for all of them")
    return list(content.items())


def _flat(parameter: Mapping[str, Any], contract: Contract) -> dict[str, Any]:
    """A parameter with its schema's keywords beside its name, as Swagger 2.0 has it."""
    schema: dict[str, Any] = _dialect(parameter["schema"], contract)
    if schema.get("type") in (None, "object") or schema.get("items", {}).get("type") in ("object", "array"):
        raise Refused(f"the values of `{parameter['name']}` are of a kind that Swagger 2.0 has no parameter for")
    made: dict[str, Any] = {key: parameter[key] for key in ("name", "in", "required") if parameter.get(key)}
    # What comes several times is a list; 2.0 parts the items of one text by commas where nothing else is said.
    return made | schema | ({"collectionFormat": "multi"} if schema["type"] == "array" else {})


def _renamed(entry: Mapping[str, Any], path: str, declared: str) -> dict[str, Any]:
    """The operation with the names of parameters that the document's own template has."""
    names = dict(zip(re.findall(r"\{([^{}]*)\}", path), re.findall(r"\{([^{}]*)\}", declared), strict=True))
    parameters_ = [
        {**each, "name": names.get(each["name"], each["name"])} if each["in"] == "path" else each
        for each in entry.get("parameters", ())
    ]
    return {**entry, "parameters": parameters_}


def _has(item: Any, parameter: Mapping[str, Any]) -> bool:
    declared = item.get("parameters", ()) if isinstance(item, Mapping) else ()
    return any(
        isinstance(each, Mapping) and (each.get("name"), each.get("in")) == (parameter["name"], parameter["in"])
        for each in declared
    )


_SEEN: dict[str, Callable[[Finding, Contract, Sequence[Shown], Seen], Iterator[Remedy]]] = {
    "undeclared-status": _status,
    "undeclared-media-type": _media_type,
}
"""Those that ask what else was answered."""
_OPTIONS: dict[str, Callable[[Finding, Contract, Sequence[Shown]], Iterator[Remedy]]] = {
    "undeclared-property": _property,
    "response-schema": _schema,
    "missing-header": _missing_header,
    "header-schema": _header_schema,
    "undeclared-parameter": _parameter,
    "undeclared-operation": _new_operation,
    "response-without-schema": _described,
}


# ------------------------------------------------------------------------------------------------------- what is there


def _operation(finding: Finding, contract: Contract) -> Operation:
    operation = contract.by_key.get(finding.operation or "")
    if operation is None:
        raise Refused("the document does not have the operation any more")
    return operation


def _swagger(contract: Contract) -> bool:
    return contract.document.version.startswith("2")


def _phrase(status: str) -> str:
    try:
        return HTTPStatus(int(status)).phrase
    except ValueError:
        return f"Status {status}"


def _label(finding: Finding) -> str:
    """What a place of a body is called in a sentence."""
    place = finding.mismatch.where.pointer or ""
    return next((token for token in reversed(place.split("/")) if token not in ("*", "")), "the body")


def _observed(contract: Contract, operation: Operation, shown: Sequence[Shown]) -> dict[str, Any]:
    """What exchanges of an operation show, as an Operation Object."""
    template = operation.base_paths[0] + operation.path
    # Nothing is inferred of HEAD or OPTIONS as operations; what their answers hold is seen the same way.
    method = operation.method if operation.method in METHODS else "GET"
    observed = Observed(Templates({template: frozenset({method})}))
    for one in shown:
        observed.add(replace(one.exchange, request=replace(one.exchange.request, method=method)))
    paths = fragment(observed, contract.document.family, contract)["paths"]
    for item in paths.values():
        made: dict[str, Any] = _modest(item.get(method.lower(), {"responses": {}}), len(shown))
        return made
    return {"responses": {}}


def _modest(node: Any, seen: int) -> Any:
    """What was inferred without what it says of the evidence, and without promises that few exchanges cannot bear:
    that a property is always there."""
    if isinstance(node, list):
        return [_modest(item, seen) for item in node]
    if not isinstance(node, Mapping):
        return node
    told = "operationId" in node or "in" in node
    return {
        key: {name: _modest(one, seen) for name, one in item.items()} if key == "properties" else _modest(item, seen)
        for key, item in node.items()
        if not (key == "description" and told) and not (key == "required" and isinstance(item, list) and seen < ENOUGH)
    }


def _values(finding: Finding, contract: Contract, one: Shown, place: str | None = None) -> Iterator[Any]:
    """What stands at the place of a body where it is shown, `*` for each item of a list; what is not there is left out."""
    finding = one.finding or finding
    operation = contract.by_key.get(finding.operation or "")
    if operation is None or one.exchange.response is None:
        return
    if place is None:
        place = finding.mismatch.where.pointer or ""
    if finding.mismatch.where.direction == "request":
        judged = parameters.content(operation, one.exchange.request).judged
    else:
        judged = operation.answer(one.exchange).content.judged
    for body in judged:
        if place == body.where or place.startswith(body.where + "/"):
            yield from each_at(body.value, split(place[len(body.where) :]))


def _dialect(schema: Any, contract: Contract) -> Any:
    """A Schema Object of 3.0 in the words of the document."""
    if not _swagger(contract):
        return schema
    if isinstance(schema, list):
        return [_dialect(item, contract) for item in schema]
    if not isinstance(schema, Mapping):
        return schema
    if "anyOf" in schema:
        raise Refused("its values are of several types, which Swagger 2.0 cannot say")
    return {"x-nullable" if key == "nullable" else key: _dialect(item, contract) for key, item in schema.items()}


def _references(contract: Contract, where: str) -> int:
    """How often the document refers to a place or to something around it that is shared."""
    return _counted(contract).get("/".join(where.split("/")[:4]), 0) if where.startswith("#/components/") else 0


def _counted(contract: Contract) -> Counter[str]:
    memo = contract.schemas.memo
    if "references" not in memo:
        memo["references"] = Counter(_refs(contract.root))
    found: Counter[str] = memo["references"]
    return found


def _refs(node: Any) -> Iterator[str]:
    stack = [node]
    while stack:
        here = stack.pop()
        if isinstance(here, Mapping):
            if isinstance(reference := here.get("$ref"), str):
                yield "/".join(reference.split("/")[:4])
            stack.extend(here.values())
        elif isinstance(here, list):
            stack.extend(here)


def reached(contract: Contract, places: Collection[str]) -> dict[str, frozenset[str]]:
    """By operation, in the document's order, on which sides it is held to one of the places: "request", "response"."""
    memo = contract.schemas.memo.setdefault("reached", {})
    found = {}
    for operation in contract.operations:
        if operation.key not in memo:
            memo[operation.key] = _sides(contract, operation)
        sides = frozenset(
            side
            for side, around in memo[operation.key].items()
            for place in places
            if any(place == start or place.startswith(start + "/") for start in around)
        )
        if sides:
            found[operation.key] = sides
    return found


def _sides(contract: Contract, operation: Operation) -> dict[str, set[str]]:
    """What an operation is held to: its own text and each component that it refers to, by side."""
    made = {}
    for side in ("request", "response"):
        around = {operation.pointer if side == "response" else f"{operation.pointer}/requestBody"}
        if side == "request":
            around |= {f"{operation.pointer}/parameters", f"{operation.item_pointer}/parameters"}
            nodes = [operation.raw.get("requestBody"), operation.raw.get("parameters")]
            item = follow(contract.root, operation.item_pointer)[1]
            nodes.append(item.get("parameters") if isinstance(item, Mapping) else None)
        else:
            nodes = [operation.raw.get("responses")]
        todo = [reference for node in nodes for reference in _refs(node)]
        while todo:
            reference = todo.pop()
            if reference not in around:
                around.add(reference)
                todo += _refs(follow(contract.root, reference)[1])
        made[side] = around
    return made


# --------------------------------------------------------------------------------------------------- edits as values


def applied(value: Any, edit: Edit) -> Any:
    """The value with an edit whose `at` is a pointer into it; what the edited text must say. Shares what is unchanged."""
    return _applied(value, (*split(edit.at), *edit.path), edit)


def _applied(node: Any, tokens: Tokens, edit: Edit) -> Any:
    if tokens:
        token, rest = tokens[0], tokens[1:]
        if isinstance(node, list):
            index = int(token)
            return [_applied(item, rest, edit) if at == index else item for at, item in enumerate(node)]
        below = node.get(token, [] if not rest and edit.action == "append" else {})
        made = _applied(below, rest, edit)
        if made == [] and edit.action == "drop" and not rest:
            return {key: item for key, item in node.items() if key != token}
        return {**node, token: made}
    if edit.action == "set":
        return {**node, edit.key: edit.value}
    if edit.action == "append":
        return node if is_listed(node, edit.value) else [*node, edit.value]
    return [item for item in node if item != edit.value]


def is_listed(items: Sequence[Any], value: Any) -> bool:
    """True if a list holds a value; `1` and `True` are equal in Python, and not in JSON."""
    return any(type(item) is type(value) and item == value for item in items)


def with_references(edit: Edit, spelled: Callable[[str], str]) -> Edit:
    """The edit with each reference of its value spelled as the file needs it that it is written to."""
    return replace(edit, value=_spelled(edit.value, spelled))


def _spelled(node: Any, spelled: Callable[[str], str]) -> Any:
    if isinstance(node, Mapping):
        return {
            key: spelled(item) if key == "$ref" and isinstance(item, str) else _spelled(item, spelled)
            for key, item in node.items()
        }
    return list(map(partial(_spelled, spelled=spelled), node)) if isinstance(node, list) else node
