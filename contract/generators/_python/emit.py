"""The package as text: one module per tag with one function per operation, the client, the runtime.

Whatever comes from the document stands in the code as a constant that was written by us, or as a docstring that cannot
end early: nothing of it is code.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from contract.core.document import escape
from contract.core.generated import Symbol
from contract.generators._python import plan as planning
from contract.generators._python.files import HEADER
from contract.generators._python.models import Made
from contract.generators._python.plan import MARK, Argument, BodyType, Entry, Field, Plan, text

_WIDTH = 120
_IMPORTED = {
    "typing": ("Any", "Literal", "TypeAlias"),
    "collections.abc": ("Mapping",),
    "datetime": ("date", "datetime"),
    "uuid": ("UUID",),
    "pydantic": ("AwareDatetime", "StrictBool", "StrictInt", "StrictStr"),
    ".._runtime": (
        *("UNSET", "Answer", "Body", "Call", "Content", "Encoding", "FromClient", "Link", "Operation", "PagedCall"),
        *("Parameter", "Parts", "Raw", "StreamCall", "Unset"),
    ),
}
_STRICT = {"StrictInt": "int", "StrictStr": "str", "StrictBool": "bool", "AwareDatetime": "datetime"}


@dataclass
class Package:
    files: dict[str, str] = field(default_factory=dict)
    symbols: list[Symbol] = field(default_factory=list)
    spans: dict[str, list[tuple[int, int, str]]] = field(default_factory=dict)
    """By file: first and last line of what belongs to an operation, and its key."""

    def operation_at(self, file: str, line: int) -> str | None:
        return next((key for first, last, key in self.spans.get(file, ()) if first <= line <= last), None)


def emit(plan: Plan, made: Made) -> Package:
    out = Package()
    out.files["models.py"] = made.text
    out.files["py.typed"] = ""
    out.files["_runtime.py"] = _runtime()
    out.files["api/__init__.py"] = f'{HEADER}\n"""One module per tag, one function per operation."""\n'
    out.files["client.py"] = _client(plan)
    out.files["__init__.py"] = _init()
    modules: dict[str, list[Entry]] = {}
    for entry in plan.entries.values():
        modules.setdefault(entry.module, []).append(entry)
    for name, entries in sorted(modules.items()):
        _module(out, f"api/{name}.py", entries, made)
    out.symbols += of_models(plan, made)
    out.symbols += [Symbol(name, "client", "", "client.py") for name in ("AsyncClient", "Client")]
    out.symbols += [Symbol(name, "error", "", "_runtime.py") for name in ERRORS]
    return out


# --- parts that all packages have -------------------------------------------------------------------------------------

ERRORS = (
    *("ApiError", "ClientFault", "Conflict", "DecodeError", "Forbidden", "NotFound", "RequestError", "ServerFault"),
    *("StatusError", "TooManyRequests", "TransportError", "Unauthorized", "UndeclaredStatus", "Unprocessable"),
)
_OF_RUNTIME = (
    *("FROM_CLIENT", "UNSET", "Answer", "Call", "Content", "Event", "Exchange", "File", "FromClient", "PagedCall"),
    *("Parts", "Raw", "Secret", "StreamCall", "Unset"),
)


def _runtime() -> str:
    return f"{HEADER}\n{Path(__file__).with_name('runtime.py').read_text('utf-8')}"


def _init() -> str:
    names = sorted({*ERRORS, *_OF_RUNTIME})
    return (
        f"{HEADER}\n"
        '"""A typed client: `Client(…).send(api.TAG.OPERATION(…))`."""\n\n'
        f"from ._runtime import {_listed(names)}\n"
        "from .client import AsyncClient, Auth, Client\n\n"
        f"__all__ = {_broken('[', [text(name) for name in sorted({*names, 'AsyncClient', 'Auth', 'Client'})], ']')}\n"
    )


def _listed(names: Sequence[str]) -> str:
    line = ", ".join(names)
    return line if len(line) < 60 else "(\n" + "".join(f"    {name},\n" for name in names) + ")"


def _client(plan: Plan) -> str:
    auth = [f"{text(name)}: Secret" for name, (kind, _, _) in plan.schemes.items() if kind != "none"]
    schemes = [
        f"{text(name)}: Scheme({', '.join(text(each) for each in scheme)})" for name, scheme in plan.schemes.items()
    ]
    about = []
    for name in sorted(plan.schemes):
        kind, place, at = plan.schemes[name]
        what = {"apiKey": f"sent as {place} `{at}`", "basic": "name and password", "bearer": "a bearer token"}
        about.append(f"- `{name}`: {what.get(kind, 'nothing that this client adds')}")
    return (
        f"{HEADER}\n"
        '"""The clients, with the servers and security schemes of the document."""\n\n'
        "from __future__ import annotations\n\n"
        "from collections.abc import Mapping\n"
        "from typing import ClassVar, TypedDict\n\n"
        f"from ._runtime import AwaitingClient, Scheme{', Secret' if auth else ''}, SyncClient\n\n"
        f'Auth = TypedDict("Auth", {_broken("{", auth, "}")}, total=False)\n'
        f"{_docstring('Credentials by the name of their security scheme.', about, '')}\n"
        f"_SCHEMES: Mapping[str, Scheme] = {_broken('{', schemes, '}')}\n\n\n"
        + "\n\n".join(
            f"class {name}({base}):\n"
            f'    """Sends calls of `api` and {verb} their answers."""\n\n'
            "    schemes: ClassVar[Mapping[str, Scheme]] = _SCHEMES\n"
            f"    default_url: ClassVar[str] = {text(plan.server)}\n"
            for name, base, verb in (
                ("Client", "SyncClient[Auth]", "waits for"),
                ("AsyncClient", "AwaitingClient[Auth]", "awaits"),
            )
        )
    )


_TEXT = re.compile(r'"""(?:[^\\]|\\.)*?"""|"(?:[^"\\\n]|\\.)*"', re.DOTALL)
"""Texts in code that is written here: parsing all of it would cost more than writing it."""


# --- modules ----------------------------------------------------------------------------------------------------------


def _module(out: Package, file: str, entries: Iterable[Entry], made: Made) -> None:
    blocks = []
    for entry in sorted(entries, key=lambda each: each.function):
        given, gives = list(arguments(entry, made)), result(entry, made)
        blocks.append((entry, "\n".join(_operation(entry, made, given, gives))))
        out.symbols.append(_symbol(entry, file, given, gives))
    code = "\n\n\n".join(block for _, block in blocks)
    head = [HEADER, "", "from __future__ import annotations", ""]
    is_used = _users([block for _, block in blocks])
    for module, names in _IMPORTED.items():
        used = [name for name in names if is_used(name)]
        if module == ".._runtime" and is_used("models"):
            head += ["", "from .. import models"]
        elif module == ".._runtime":
            head.append("")
        if used:
            head.append(f"from {module} import {_listed(used)}")
    start = "\n".join(head) + "\n\n\n"
    out.files[file] = start + code + "\n"
    line = start.count("\n") + 1
    spans = out.spans.setdefault(file, [])
    for entry, block in blocks:
        height = block.count("\n") + 1
        spans.append((line, line + height - 1, entry.key))
        line += height + 2


def _users(blocks: Sequence[str]) -> Callable[[str], bool]:
    """Says whether a name stands in one of the blocks outside of texts."""

    @cache
    def bare(block: str) -> str:
        return _TEXT.sub("", block)

    def is_used(name: str) -> bool:
        alone = re.compile(rf"(?<![\w.]){name}(?!\w)")
        return any(name in block and alone.search(bare(block)) is not None for block in blocks)

    return is_used


def _symbol(entry: Entry, file: str, given: Sequence[tuple[str, str, str | None]], gives: str) -> Symbol:
    members = {name: kind for name, kind, _ in given}
    members["return"] = gives
    required = frozenset(name for name, _, default in given if default is None)
    return Symbol(entry.function, "operation", entry.key, file, "", members, required)


def _operation(entry: Entry, made: Made, listed: Sequence[tuple[str, str, str | None]], gives: str) -> Iterator[str]:
    constant = f"_{entry.function}"
    answers = [
        f"Answer[{f'Literal[{key}]' if key.isdecimal() else 'int'}, {each}]"
        for key, content in entry.answers.items()
        for each in dict.fromkeys(signature(kind, made) for kind in (content.values() or ["None"]))
    ]
    answers = list(dict.fromkeys(answers))
    yield from _alias(f"{entry.title}Result", planning.alternatives(gives))
    yield from _alias(f"{entry.title}Answer", answers)
    yield f"{constant} = Operation("
    for line in _declared(entry, made):
        yield f"    {line},"
    yield ")"
    yield ""
    yield ""
    kind = f"{entry.title}Result, {entry.title}Answer"
    call = "Call"
    if entry.item is not None:
        call, kind = "StreamCall", f"{kind}, {signature(entry.item, made)}"
    elif entry.paged:
        call = "PagedCall"
    if listed:
        yield f"def {entry.function}("
        yield "    *,"
        for name, annotation, default in listed:
            yield f"    {name}: {annotation}{'' if default is None else f' = {default}'},"
        yield f") -> {call}[{kind}]:"
    else:
        yield f"def {entry.function}() -> {call}[{kind}]:"
    about = [f"{each.name}: {each.about}" for each in entry.arguments if each.about]
    if entry.body_about:
        about.append(f"body: {entry.body_about}")
    yield _docstring(f"{entry.operation.method} {entry.operation.path}\n\n{entry.about}".rstrip(), about, "    ")
    given = [constant]
    names = ", ".join(each.name for each in entry.arguments)
    if entry.arguments:
        given.append(f"({names},)")
    if entry.bodies:
        if not entry.arguments:
            given.append("()")
        given.append("body")
        if _chooses(entry.bodies):
            given.append("media_type")
    yield f"    return {call}({', '.join(given)})"


def _alias(name: str, parts: Sequence[str]) -> Iterator[str]:
    line = f"{name}: TypeAlias = {' | '.join(parts)}"
    if len(line) <= _WIDTH or len(parts) == 1:
        yield line
        return
    yield f"{name}: TypeAlias = ("
    for index, part in enumerate(parts):
        yield f"    {'| ' if index else ''}{part}"
    yield ")"


def _declared(entry: Entry, made: Made) -> Iterator[str]:
    yield text(entry.operation.operation_id or entry.function)
    yield text(entry.operation.method)
    yield text(entry.path)
    if entry.arguments:
        yield f"parameters={_tuple([_parameter(each) for each in entry.arguments])}"
    if entry.bodies:
        yield f"bodies={_tuple([_body(each, made) for each in entry.bodies])}"
    answers = []
    for key, content in entry.answers.items():
        inner = [f"{text(media)}: {runtime(kind, made)}" for media, kind in content.items()]
        answers.append(f"{text(key)}: {{{', '.join(inner)}}}")
    yield f"answers={_broken('{', answers, '}', 1)}"
    if entry.security:
        yield f"security={_tuple([_tuple([text(name) for name in names], 2) for names in entry.security])}"
    if entry.server is not None:
        yield f"server={text(entry.server)}"
    if entry.links:
        yield f"links={_tuple([f'Link({text(name)}, {text(where)})' for name, where in entry.links])}"
    if entry.item is not None:
        yield f"item={runtime(entry.item, made)}"


def _tuple(parts: Sequence[str], depth: int = 1) -> str:
    return "()" if not parts else f"({parts[0]},)" if len(parts) == 1 else _broken("(", parts, ")", depth)


def _broken(start: str, parts: Sequence[str], end: str, depth: int = 0) -> str:
    """On one line where that is short, else one part a line."""
    line = f"{start}{', '.join(parts)}{end}"
    if len(line) + 4 * depth <= 80:
        return line
    indent = "    " * (depth + 1)
    return f"{start}\n" + "".join(f"{indent}{part},\n" for part in parts) + "    " * depth + end


def _parameter(each: Argument) -> str:
    parameter = each.parameter
    parts = [text(parameter.name), text(parameter.location), text(parameter.style), str(parameter.explode)]
    if parameter.content is not None:
        parts.append(text(parameter.content))
    if each.reserved:
        parts.append("reserved=True")
    return f"Parameter({', '.join(parts)})"


def _body(each: BodyType, made: Made) -> str:
    parts = [text(each.media), runtime(each.read_as, made)]
    if each.fields:
        inner = [f"{text(name)}: {_field(one)}" for name, one in each.fields.items()]
        parts.append(_broken("{", inner, "}", 2))
    return f"Body({', '.join(parts)})"


def _field(each: Field) -> str:
    parts = []
    if each.media is not None:
        parts.append(f"media={text(each.media)}")
    if each.style is not None:
        parts += [f"style={text(each.style)}", f"explode={each.explode}"]
    if each.reserved:
        parts.append("reserved=True")
    if each.file:
        parts.append("file=True")
    return f"Encoding({', '.join(parts)})"


def arguments(entry: Entry, made: Made) -> Iterator[tuple[str, str, str | None]]:
    """Name, type and default of each argument; None where it must be given."""
    optional: list[tuple[str, str, str | None]] = []
    for each in entry.arguments:
        kind = signature(each.type, made)
        if not each.required:
            optional.append((each.name, f"{kind} | Unset", "UNSET"))
        elif each.parameter.location == "header":
            yield each.name, f"{kind} | FromClient", None
        else:
            yield each.name, kind, None
    if entry.bodies:
        kinds = " | ".join(
            dict.fromkeys(
                part for each in entry.bodies for part in planning.alternatives(signature(each.annotation, made))
            )
        )
        if entry.body_required:
            yield "body", kinds, None
        else:
            optional.insert(0, ("body", f"{kinds} | Unset", "UNSET"))
        if _chooses(entry.bodies):
            ranges = any("*" in each.media for each in entry.bodies)
            first = next((each.media for each in entry.bodies if "*" not in each.media), "application/octet-stream")
            kind = "str" if ranges else planning.literal([each.media for each in entry.bodies])
            optional.append(("media_type", kind, text(first)))
    yield from optional


def _chooses(bodies: Sequence[BodyType]) -> bool:
    return len(bodies) > 1 or "*" in bodies[0].media


def result(entry: Entry, made: Made) -> str:
    """The type of what a success gives."""
    keys = [key for key in entry.answers if key[:1] in "23" and key != "default"]
    keys = keys or [key for key in entry.answers if key == "default"]
    parts = [
        part
        for key in keys
        for kind in (entry.answers[key].values() or ["None"])
        for part in planning.alternatives(signature(kind, made))
    ]
    parts = list(dict.fromkeys(parts))
    if "None" in parts:
        parts = [*(part for part in parts if part != "None"), "None"]
    return "Any" if "Any" in parts else " | ".join(parts) or "None"


def signature(kind: str, made: Made) -> str:
    """A type as people read it: `int` for what is checked as StrictInt."""
    return (
        re.sub(
            r"\b(StrictInt|StrictStr|StrictBool|AwareDatetime)\b", lambda found: _STRICT[found[1]], runtime(kind, made)
        )
        if MARK in kind or "Strict" in kind or "Aware" in kind
        else kind
    )


def runtime(kind: str, made: Made) -> str:
    """A type as it is read by."""
    parts = kind.split(MARK)
    for index in range(1, len(parts), 2):
        name = made.classes.get(parts[index])
        parts[index] = f"models.{name}" if name is not None else "Any"
    return "".join(parts)


# --- models -----------------------------------------------------------------------------------------------------------


def of_models(plan: Plan, made: Made) -> Iterator[Symbol]:
    """The classes, and who fills them."""
    request_names = {plan.views.name(name, "request"): name for name in plan.views.split}
    reached = _reached(plan)
    for schema, name in sorted(made.classes.items()):
        read = made.read.get(name)
        if read is None:
            continue
        component = request_names.get(schema, schema)
        pointer = plan.origins.get(schema, "").rpartition(" ")[0] or f"{planning.SCHEMAS}{escape(component)}"
        directions = reached.get(schema, frozenset())
        direction = "both" if len(directions) == 2 else next(iter(directions), "")
        yield Symbol(name, "model", pointer, "models.py", direction, read.members, read.required)


def _reached(plan: Plan) -> dict[str, frozenset[str]]:
    """By schema, ours included: who fills it."""
    graph: dict[str, frozenset[str]] = {}
    found: dict[str, set[str]] = {}
    for entry in plan.entries.values():
        sent = [each.type for each in entry.arguments] + [each.annotation for each in entry.bodies]
        got = [kind for content in entry.answers.values() for kind in content.values()] + [entry.item or ""]
        for direction, kinds in (("request", sent), ("response", got)):
            todo = [name for kind in kinds for name in kind.split(MARK)[1::2]]
            while todo:
                name = todo.pop()
                if direction in found.setdefault(name, set()):
                    continue
                found[name].add(direction)
                if name not in graph:
                    graph[name] = plan.views.leads_to(plan.schemas.get(name))
                todo += graph[name]
    return {name: frozenset(each) for name, each in found.items()}


# --- docstrings -------------------------------------------------------------------------------------------------------


def _docstring(about: str, more: Sequence[str], indent: str) -> str:
    """A docstring that says this and no more: nothing in it ends it, and no character of it is hidden."""
    lines = [_plain(line) for line in re.split(r"\r\n|[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]", about)]
    while lines and not lines[-1]:
        lines.pop()
    if more:
        lines.append("")
        for each in more:
            first, *rest = [_plain(line) for line in re.split(r"\r\n|[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]", each)]
            lines += [first, *(f"    {line}" if line else "" for line in rest)]
    if len(lines) == 1:
        return f'{indent}"""{lines[0]}"""' if not lines[0].endswith(('"', "\\")) else f'{indent}"""{lines[0]} """'
    return "\n".join(
        [f'{indent}"""{lines[0]}', *(f"{indent}{line}" if line else "" for line in lines[1:]), f'{indent}"""']
    )


def _plain(line: str) -> str:
    line = line.rstrip().replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    if line.isascii() and line.isprintable():
        return line
    return "".join(
        f"\\u{ord(each):04x}"
        if unicodedata.category(each) in ("Cc", "Cf", "Cs", "Co", "Cn") and ord(each) < 65536
        else each
        for each in line.expandtabs(4)
    )
