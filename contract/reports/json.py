"""The report as JSON: canonical, versioned, and readable again; `report.schema.json` publishes its shape."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass
from enum import StrEnum
from functools import cache
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import orjson

from contract.core import clients as clients_module
from contract.core import finding as finding_module
from contract.core import report as report_module
from contract.core.errors import ContractError
from contract.core.finding import Level, Proof, State
from contract.core.report import SCHEMA_VERSION, FindingRow, Report
from contract.reports._words import visible

MEDIA_TYPE = "application/json"
SUFFIX = ".json"

# Legal in a JSON string as they are, but a terminal or an editor obeys them or hides them. C0 is escaped by orjson.
_UNSEEN = re.compile(
    "[\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff"
    "\U0001d173-\U0001d17a\U000e0000-\U000e007f]"
)


def render(report: Report) -> str:
    """The report with keys in the order of the dataclasses, indented by two, ending in a newline; ASCII where unseen."""
    options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    try:
        data = orjson.dumps(report, option=options)
    except TypeError:
        # A lone surrogate (a file name that is no UTF-8) has no place in JSON (RFC 8259, 8.2); it is spelt out.
        data = orjson.dumps(_spelt(report), option=options)
    return _UNSEEN.sub(_escape, data.decode())


def _escape(match: re.Match[str]) -> str:
    units = match[0].encode("utf-16-be")
    return "".join(f"\\u{units[i] << 8 | units[i + 1]:04x}" for i in range(0, len(units), 2))


def _spelt(value: Any) -> Any:
    if isinstance(value, str):
        return re.sub("[\ud800-\udfff]", lambda match: visible(match[0]), value)
    if is_dataclass(value):
        return {field.name: _spelt(getattr(value, field.name)) for field in fields(value)}
    return [_spelt(item) for item in value] if isinstance(value, tuple) else value


def read(text: str | bytes) -> Report:
    """The report that `render` wrote; ContractError if the text is none, or is of a version that nobody here knows.

    A key that this version does not know is passed over: a later release may add one without a new version.
    """
    try:
        data = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise ContractError(f"the report is not JSON: {error}", "write one with `--format json=PATH`") from error
    return of(data)


def of(data: Any) -> Report:
    """The report that parsed JSON is; ContractError as for `read`."""
    version = data.get("schema_version") if isinstance(data, dict) else None
    if version is None:
        raise ContractError(
            "this JSON is not a report of contract: it has no `schema_version`", "write one with `--format json=PATH`"
        )
    if version != SCHEMA_VERSION or isinstance(version, bool):
        raise ContractError(
            f"the report has schema version {version!r}; this release reads version {SCHEMA_VERSION}",
            "make the report again with this release of contract, or read it with the one that wrote it",
        )
    report: Report = _reader(Report)(data, "")
    return report


def row(data: Any) -> FindingRow:
    """One finding of a report; ContractError as for `read`."""
    found: FindingRow = _reader(FindingRow)(data, "")
    return found


Reader = Callable[[Any, str], Any]


def _refuse(at: str, wanted: str, value: Any) -> ContractError:
    got = "null" if value is None else type(value).__name__
    return ContractError(f"the report is damaged: `{at or 'report'}` should be {wanted} and is {got}")


@cache
def _reader(kind: Any) -> Reader:
    """A function that makes the value of this type out of parsed JSON, naming the place where it cannot."""
    origin, args = get_origin(kind), get_args(kind)
    if is_dataclass(kind):
        return _object_reader(kind)
    if origin in (Union, UnionType):
        (inner,) = (arg for arg in args if arg is not NoneType)
        some = _reader(inner)
        return lambda value, at: None if value is None else some(value, at)
    if origin is tuple and args[-1] is Ellipsis:
        item = _reader(args[0])

        def many(value: Any, at: str) -> Any:
            if not isinstance(value, list):
                raise _refuse(at, "a list", value)
            return tuple([item(one, f"{at}[{index}]") for index, one in enumerate(value)])

        return many
    if origin is tuple:
        readers = [_reader(arg) for arg in args]

        def row(value: Any, at: str) -> Any:
            if not isinstance(value, list) or len(value) != len(readers):
                raise _refuse(at, f"a list of {len(readers)}", value)
            return tuple(
                [one(part, f"{at}[{index}]") for index, (one, part) in enumerate(zip(readers, value, strict=True))]
            )

        return row
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        members = {member.value: member for member in kind}

        def member(value: Any, at: str) -> Any:
            if not isinstance(value, str) or value not in members:
                raise ContractError(f"the report is damaged: `{at}` is {value!r}, not one of {', '.join(members)}")
            return members[value]

        return member
    return _plain_reader(kind)


def _plain_reader(kind: type) -> Reader:
    wanted = {str: "a string", int: "an integer", float: "a number", bool: "true or false"}[kind]

    def plain(value: Any, at: str) -> Any:
        if kind is float and type(value) is int:
            return float(value)
        if type(value) is not kind:
            raise _refuse(at, wanted, value)
        return value

    return plain


def _object_reader(kind: Any) -> Reader:
    parts: list[tuple[str, bool, Reader]] = []  # filled on the first use, since an Example holds Examples

    def whole(value: Any, at: str) -> Any:
        if not isinstance(value, dict):
            raise _refuse(at, "an object", value)
        if not parts:
            hints = get_type_hints(kind)
            parts.extend(
                (f.name, f.default is MISSING and f.default_factory is MISSING, _reader(hints[f.name]))
                for f in fields(kind)
            )
        given = {}
        for name, needed, reader in parts:
            if name in value:
                given[name] = reader(value[name], f"{at}.{name}" if at else name)
            elif needed:
                raise ContractError(f"the report is damaged: `{f'{at}.{name}' if at else name}` is missing")
        return kind(**given)

    return whole


# What the types leave open and the schema closes.
_NARROWER: dict[tuple[str, str], dict[str, Any]] = {
    ("Report", "schema_version"): {"const": SCHEMA_VERSION},
    ("Run", "started_at"): {"format": "date-time"},
    ("Run", "seed"): {"minimum": None},
    ("Drift", "floor"): {"minimum": 0, "maximum": 1},
    ("FindingRow", "fingerprint"): {"pattern": "^[0-9a-f]{40}$"},
    ("FindingRow", "level"): {"enum": [level.value for level in reversed(Level)]},
    ("FindingRow", "state"): {"enum": [state.value for state in State]},
    ("FindingRow", "proof"): {"enum": [proof.value for proof in Proof]},
    ("FindingRow", "until"): {"format": "date"},
    ("Member", "fingerprint"): {"pattern": "^[0-9a-f]{40}$"},
    ("WhereJson", "direction"): {"enum": ["request", "response", None]},
    ("Outcome", "exit_code"): {"enum": [0, 1, 2, 3, 4]},
    ("Outcome", "gate"): {"enum": [level.value for level in reversed(Level)]},
    ("Place", "line"): {"minimum": 1},
}


# Came after the schema was published: a report without it is still one, and is still taken where it is pushed to.
_LATER = frozenset({("Member", "example")})


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a report, made from the dataclasses and what they say of themselves."""
    made: dict[str, Any] = {}
    top = _object_schema(Report, made)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:contract-drift:report:{SCHEMA_VERSION}",
        "title": "A report of contract",
        **top,
        "$defs": dict(sorted(made.items())),
    }


def published() -> str:
    """The text of `report.schema.json`."""
    return orjson.dumps(schema(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()


def _object_schema(kind: Any, made: dict[str, Any]) -> dict[str, Any]:
    hints, said = get_type_hints(kind), _said()
    properties: dict[str, Any] = {}
    for field in fields(kind):
        shape = _schema(hints[field.name], made)
        shape |= _NARROWER.get((kind.__name__, field.name), {})
        if shape.get("minimum", 0) is None:
            del shape["minimum"]
        description = said.get((kind.__name__, field.name))
        properties[field.name] = {"description": description, **shape} if description else shape
    return {
        "description": said[kind.__name__, ""],
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if (kind.__name__, name) not in _LATER],
        "additionalProperties": False,
    }


def _schema(kind: Any, made: dict[str, Any]) -> dict[str, Any]:
    origin, args = get_origin(kind), get_args(kind)
    if is_dataclass(kind):
        name = kind.__name__  # type: ignore[union-attr]
        if name not in made:
            made[name] = {}  # holds the place while its own fields are read
            made[name] = _object_schema(kind, made)
        return {"$ref": f"#/$defs/{name}"}
    if origin in (Union, UnionType):
        (inner,) = (arg for arg in args if arg is not NoneType)
        some = _schema(inner, made)
        return {**some, "type": [some["type"], "null"]} if "type" in some else {"anyOf": [some, {"type": "null"}]}
    if origin is tuple and args[-1] is Ellipsis:
        return {"type": "array", "items": _schema(args[0], made)}
    if origin is tuple:
        items = [_schema(arg, made) for arg in args]
        return {"type": "array", "prefixItems": items, "minItems": len(items), "maxItems": len(items)}
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return {"enum": [member.value for member in kind]}
    plain: dict[Any, dict[str, Any]] = {
        str: {"type": "string"},
        int: {"type": "integer", "minimum": 0},
        float: {"type": "number"},
        bool: {"type": "boolean"},
    }
    return dict(plain[kind])


@cache
def _said() -> dict[tuple[str, str], str]:
    """What the source says of each class and field: the docstring, the string under a field, or the comment beside it."""
    said: dict[tuple[str, str], str] = {}
    for module in (finding_module, report_module, clients_module):
        source = inspect.getsource(module)
        lines = source.splitlines()
        for node in ast.parse(source).body:
            if not isinstance(node, ast.ClassDef):
                continue
            said[node.name, ""] = ast.get_docstring(node) or _CLASSES.get(node.name, node.name)
            if "\n\n" in said[node.name, ""]:
                said[node.name, ""] = said[node.name, ""].partition("\n\n")[0]
            for field, after in zip(node.body, [*node.body[1:], None], strict=True):
                if not isinstance(field, ast.AnnAssign) or not isinstance(field.target, ast.Name):
                    continue
                key = node.name, field.target.id
                comment = re.search(r"  # (.+)$", lines[(field.end_lineno or 1) - 1])
                if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
                    said[key] = inspect.cleandoc(str(after.value.value))
                elif comment:
                    said[key] = comment[1]
    return said


_CLASSES = {
    "Tool": "The program that made the report.",
    "Run": "When, how long and under which names the check ran.",
    "DocumentFacts": "The declared document that was checked.",
    "GenerationTarget": "One language or tool that code was generated for.",
    "Exercised": "What the evidence touched, of all that is declared.",
    "Kpis": "The three headline figures.",
    "OperationExercise": "What was seen of one operation.",
    "Place": "A line of a file of the user's; lines count from 1.",
    "OperationName": "An operation by its method and path template.",
    "WhereJson": "The place in an exchange; null where a part does not apply.",
    "ExampleRequest": "A request as it was sent, redacted.",
    "ExampleResponse": "The answer as it was received, redacted.",
    "FindingRow": "One difference between the two sides, with its identity, its proof and what to do.",
    "Excluded": "What was left out, and why.",
    "Outcome": "The verdict in one sentence, and the exit code that goes with it.",
    "Report": "One check of one document: evidence, figures, findings and the outcome.",
}
