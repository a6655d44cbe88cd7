"""What a YAML 1.2 text says, and where: values, positions and duplicate keys from one pass over libyaml's events."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from yaml._yaml import CParser
from yaml.error import MarkedYAMLError
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)
from yaml.reader import ReaderError

from contract.sources.documents._text import MAX_DEPTH, Position, Text, TextError, Tree

MAX_EXPANDED = 1_000_000
"""Nodes that aliases may add to what is written: sharing costs no memory, but every later walk pays for each of them."""

_NUMBERLIKE = frozenset("-+.0123456789")
_INTEGER = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_OTHER_BASE = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_CONSTANTS: dict[str, Any] = (
    dict.fromkeys(("", "~", "null", "Null", "NULL"))
    | dict.fromkeys(("true", "True", "TRUE"), True)
    | dict.fromkeys(("false", "False", "FALSE"), False)
    | dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf"))
    | dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf"))
    | dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan"))
)
_SPACES = "YAML is indented with spaces, never with tabs"
_TAG = "tag:yaml.org,2002:"


def resolve(plain: str) -> Any:
    """The value of a plain scalar by the core schema of YAML 1.2 (10.3.2): dates, `on` and `no` are strings."""
    if plain[0] in _NUMBERLIKE:
        if _INTEGER.fullmatch(plain):
            return int(plain)
        if _FLOAT.fullmatch(plain):
            return float(plain)
        if _OTHER_BASE.fullmatch(plain):
            return int(plain, 0)
    return plain


def _tagged(tag: str, value: str) -> Any:
    """The value that an explicit tag asks for; a tag that JSON does not know changes nothing."""
    if tag == _TAG + "int" or tag == _TAG + "bool" or tag == _TAG + "null":
        return _CONSTANTS[value] if value in _CONSTANTS else resolve(value)
    if tag == _TAG + "float":
        number = _CONSTANTS[value] if value in _CONSTANTS else resolve(value)
        return float(number) if isinstance(number, int) else number
    return value


def read(text: Text) -> Tree:
    """The value with its positions; keys are always strings, as in JSON: `200:` is "200"."""
    try:
        return _read(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = error.problem or str(error)
        hint = None
        if "cannot start any token" in problem and mark is not None:
            character = text.line(mark.line + 1)[mark.column : mark.column + 1]
            problem = f"{'a tab' if character == chr(9) else f'`{character}`'} cannot begin a value"
            hint = _SPACES if character == "\t" else f"quote the value: '{character}…'"
        elif problem.startswith("mapping values are not allowed"):
            problem = "a `:` where no key can stand"
            hint = "quote a text that contains `: `, and check the indentation"
        elif "tab character" in problem:
            hint = _SPACES
        elif error.context:
            problem = f"{problem} ({error.context})"
        where = (mark.line + 1, mark.column + 1) if mark is not None else None
        raise TextError(f"not valid YAML: {problem}", where, hint) from None
    except ReaderError as error:
        where = text.position(error.position)
        shown = f"U+{error.character:04X}" if isinstance(error.character, int) else repr(error.character)
        raise TextError(f"not valid YAML: the character {shown} is not allowed", where) from None


def _read(text: Text) -> Tree:
    parser = CParser(text.data)
    get: Callable[[], Any] = parser.get_event
    memo = _CONSTANTS.copy()
    marks: dict[int, list[Any]] = {}
    anchors: dict[str, tuple[Any, int]] = {}
    open_anchors: dict[str, tuple[int, int]] = {}  # name: (nodes so far, depth)
    stack: list[tuple[Any, list[Any], str | None, str | None]] = []
    root: Any = None
    root_mark: Any = None
    node: Any = None  # the open container; None at the top level
    here: list[Any] = []  # its marks
    key: str | None = None  # of the open mapping, when its value comes next
    in_mapping = False
    anchor_of: str | None = None  # of the open container
    documents = 0
    nodes = 0
    expanded = 0

    while True:
        event = get()
        kind = type(event)
        nodes += 1
        if kind is ScalarEvent:
            value = event.value
            if in_mapping and key is None:
                if value in node:
                    raise _twice(value, here[list(node).index(value)], event.start_mark)
                key = value
                here.append(event.start_mark)
                if event.anchor is not None:
                    anchors[event.anchor] = value, 1
                continue
            if event.tag is not None and event.tag != "!":
                value = _tagged(event.tag, value)
            elif event.implicit[0]:
                try:
                    value = memo[value]
                except KeyError:
                    try:
                        value = memo[value] = resolve(value)
                    except ValueError:
                        raise TextError(
                            f"a number of {len(value):,} digits is more than can be read", _at(event.start_mark)
                        ) from None
            if event.anchor is not None:
                anchors[event.anchor] = value, 1
        elif kind is MappingStartEvent or kind is SequenceStartEvent:
            if in_mapping and key is None:
                raise _bad_key(event)
            opened: Any = {} if kind is MappingStartEvent else []
            if node is None:
                root, root_mark = opened, event.start_mark
            elif in_mapping:
                node[key] = opened
            else:
                node.append(opened)
                here.append(event.start_mark)
            stack.append((node, here, anchor_of, "" if in_mapping else None))
            if len(stack) > MAX_DEPTH:
                raise TextError(f"nested more than {MAX_DEPTH} levels deep", _at(event.start_mark))
            node, here, key, in_mapping = opened, [], None, kind is MappingStartEvent
            anchor_of = event.anchor
            if anchor_of is not None:
                open_anchors[anchor_of] = nodes + expanded, len(stack)
                anchors.pop(anchor_of, None)
            continue
        elif kind is MappingEndEvent or kind is SequenceEndEvent:
            if kind is MappingEndEvent and "<<" in node:
                _merge(node, here, marks)
            marks[id(node)] = here
            if anchor_of is not None:
                start, _ = open_anchors.pop(anchor_of, (nodes, 0))
                anchors[anchor_of] = node, nodes + expanded - start
            node, here, anchor_of, mapping = stack.pop()
            in_mapping = mapping is not None
            key = None
            continue
        elif kind is AliasEvent:
            name = event.anchor
            if name in open_anchors:
                raise TextError(
                    f"the alias `*{name}` stands inside its own anchor `&{name}`, so it has no end",
                    _at(event.start_mark),
                )
            if name not in anchors:
                raise TextError(f"the alias `*{name}` has no anchor `&{name}` before it", _at(event.start_mark))
            value, size = anchors[name]
            expanded += size
            if expanded > MAX_EXPANDED:
                raise TextError(
                    f"aliases expand to more than {MAX_EXPANDED:,} nodes, `*{name}` is one too many",
                    _at(event.start_mark),
                    "write the repeated part once, under `components`, and point to it with `$ref`",
                )
            if in_mapping and key is None:
                if not isinstance(value, str):
                    raise _bad_key(event)
                if value in node:
                    raise _twice(value, here[list(node).index(value)], event.start_mark)
                key = value
                here.append(event.start_mark)
                continue
        elif kind is DocumentStartEvent:
            documents += 1
            if documents > 1:
                raise TextError(
                    "a second YAML document begins here; one file holds one description", _at(event.start_mark)
                )
            continue
        elif kind is StreamEndEvent:
            break
        else:
            continue
        # A finished value: a scalar, or what an alias stands for.
        if in_mapping:
            node[key] = value
            key = None
        elif node is None:
            root, root_mark = value, event.start_mark
        else:
            node.append(value)
            here.append(event.start_mark)

    return Tree(root, _at(root_mark) if root_mark is not None else (1, 1), marks, _at)


def _at(mark: Any) -> Position:
    return mark.line + 1, mark.column + 1


def _merge(node: dict[str, Any], here: list[Any], marks: dict[int, list[Any]]) -> None:
    """Adds what `<<` names, as real documents use it (YAML 1.1's merge type): own keys win, then the earlier mapping."""
    merged = node["<<"]
    sources = merged if isinstance(merged, list) else [merged]
    if not sources or not all(isinstance(source, dict) for source in sources):
        return
    del here[list(node).index("<<")]
    del node["<<"]
    for source in sources:
        for (name, value), mark in zip(source.items(), marks[id(source)], strict=True):
            if name not in node:
                node[name] = value
                here.append(mark)


def _twice(key: str, first: Any, second: Any) -> TextError:
    return TextError(f"the key `{key}` is given twice, first in line {first.line + 1}", _at(second))


def _bad_key(event: Any) -> TextError:
    return TextError(
        "a key must be a plain text, and here it is a list or a mapping", _at(event.start_mark), "quote it: '{name}': …"
    )
