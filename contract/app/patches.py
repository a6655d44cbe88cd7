"""An edit of a document as an edit of its text: nothing moves but what is added, in the style of what stands around it.

The text is never written anew from its value. Where each key, item and scalar begins and ends is read off the text (of
YAML from libyaml's events), the new lines are put between, and the result is read again: it must say exactly what the
old text said with the edit made, else nothing is offered.
"""

from __future__ import annotations

import codecs
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from contract.core.document import pointer, resolve, split
from contract.core.remedies import Edit, Refused, Tokens, applied, is_listed
from contract.sources.documents import _json, _yaml
from contract.sources.documents._text import Text, TextError

WIDEST = 110
"""Columns that a one-line value may reach."""
_MADE = re.compile(r"\b(?:auto-?)?generated\b|\bdo not (?:edit|modify|change)\b", re.IGNORECASE)
_HEAD_LINES = 12
_MARKS = frozenset({"//", "$comment", "_comment", "x-generated", "x-generated-by", "x-generator"})


@dataclass(eq=False, slots=True)
class Node:
    """A part of a text; offsets count characters."""

    kind: str  # "map", "list", "scalar", "alias"
    start: int
    end: int
    flow: bool = True
    value: str = ""
    style: str | None = None
    """How a scalar is quoted: `'`, `"`, `|`, `>`; None if it is plain."""
    anchor: str | None = None
    keys: list[Node] = field(default_factory=list)
    items: list[Node] = field(default_factory=list)
    """Values of a mapping, in the order of its keys; items of a list."""

    def key(self, name: str) -> int | None:
        return next((index for index, key in enumerate(self.keys) if key.value == name), None)


def patched(data: bytes, edits: Sequence[Edit]) -> bytes:
    """The bytes of a file after edits whose `at` points into it; raises Refused where one cannot be made safely."""
    mark = codecs.BOM_UTF8 if data.startswith(codecs.BOM_UTF8) else b""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise Refused("the file is UTF-16, and only UTF-8 is written: save it as UTF-8")
    text = data[len(mark) :].decode()
    before = value_of(text)
    _refuse_generated(text, before)
    for edit in edits:
        if _is_said(before, edit):
            continue  # by an earlier edit, or another patch
        fresh = Source(text).after(edit)
        wanted = applied(before, edit)
        try:
            found = value_of(fresh)
        except TextError as error:
            raise Refused(f"the text around it is written in a way that cannot be kept ({error.message})") from None
        if not _same(found, wanted):
            raise Refused("the text around it is written in a way that cannot be kept")
        text, before = fresh, found
    return mark + text.encode()


def _is_said(value: Any, edit: Edit) -> bool:
    """True for an item that its list has already."""
    try:
        items = resolve(value, pointer(*split(edit.at), *edit.path)) if edit.action == "append" else None
    except KeyError:
        return False
    return isinstance(items, list) and is_listed(items, edit.value)


def _same(one: Any, other: Any) -> bool:
    # `1` and `True` are equal in Python, and not in JSON.
    return json.dumps(one, sort_keys=True, default=str) == json.dumps(other, sort_keys=True, default=str)


def value_of(text: str) -> Any:
    """What a text says, as the loader of documents reads it."""
    data = Text(text.encode())
    return _json.read(data).value if _is_json(text) else _yaml.read(data).value


def _is_json(text: str) -> bool:
    if text.lstrip()[:1] not in ("{", "["):
        return False
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _refuse_generated(text: str, value: Any) -> None:
    head = [line.strip() for line in text.splitlines()[:_HEAD_LINES]]
    comments = [line for line in head if line.startswith("#")]
    said = [*comments, *(str(value[key]) for key in _MARKS & set(value if isinstance(value, dict) else ()))]
    if (found := next((line for line in said if _MADE.search(line)), None)) is not None or (
        isinstance(value, dict) and any(key.startswith("x-generat") for key in value)
    ):
        what = f" (`{found.lstrip('# ')[:60]}`)" if found else ""
        raise Refused(f"the file is generated{what}, and the next run would undo it: change what it is made from")


class Source:
    """A text with the places of its parts, and its habits."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.json = _is_json(text)
        self.root = _json_nodes(text) if self.json else _yaml_nodes(text)
        self.newline = "\r\n" if "\r\n" in text else "\n"

    # --- habits

    @cached_property
    def _nodes(self) -> list[Node]:
        found, todo = [], [self.root]
        while todo:
            node = todo.pop()
            found.append(node)
            todo += node.items
        return found

    @cached_property
    def step(self) -> str:
        """One level of indentation."""
        steps: Counter[str] = Counter()
        for node in self._nodes:
            if node.kind == "map" and node.keys and self._own_line(node.keys[0].start):
                mine = self._indent(node.keys[0].start)
                for value in node.items:
                    inner = value.keys[0] if value.kind == "map" and value.keys else None
                    if inner is not None and self._own_line(inner.start):
                        below = self._indent(inner.start)
                        if below.startswith(mine) and below != mine:
                            steps[below[len(mine) :]] += 1
        return steps.most_common(1)[0][0] if steps else "  "

    @cached_property
    def item_step(self) -> str:
        """What a list's dashes are indented by below their key."""
        steps: Counter[str] = Counter()
        for node in self._nodes:
            for key, value in zip(node.keys, node.items, strict=False):
                if value.kind == "list" and not value.flow and value.items:
                    dash = self.text.rfind("-", 0, value.items[0].start)
                    steps[" " * max(0, self._column(dash) - self._column(key.start))] += 1
        return steps.most_common(1)[0][0] if steps else self.step

    @cached_property
    def quote(self) -> str:
        styles = Counter(each.style for node in self._nodes for each in (node, *node.keys) if each.style in ("'", '"'))
        return '"' if styles['"'] > styles["'"] else "'"

    @cached_property
    def padded(self) -> bool:
        """True where braces stand apart from what they hold: `{ a: 1 }`."""
        flows = [self.text[node.start + 1] for node in self._nodes if node.kind == "map" and node.flow and node.keys]
        return 2 * sum(one in " " for one in flows) > len(flows)

    @cached_property
    def short(self) -> bool:
        """True where a mapping of one or two words is written on one line, in braces."""
        lone = [
            node
            for node in self._nodes
            if node.kind == "map" and 0 < len(node.keys) <= 2 and all(item.kind == "scalar" for item in node.items)
        ]
        return 2 * sum(node.flow for node in lone) > len(lone)

    @cached_property
    def separators(self) -> tuple[str, str]:
        """Between items, and after a key, where a JSON text is on one line."""
        colon = ": " if re.search(r'":\s', self.text) else ":"
        return (", " if re.search(r'[\d"\]}el], ', self.text) or colon == ": " else ","), colon

    # --- places

    def _line_start(self, at: int) -> int:
        return self.text.rfind("\n", 0, at) + 1

    def _line_end(self, at: int) -> int:
        """Behind the end of the line that holds an offset."""
        found = self.text.find("\n", at)
        return len(self.text) if found < 0 else found + 1

    def _column(self, at: int) -> int:
        return at - self._line_start(at)

    def _indent(self, at: int) -> str:
        found = re.match(r"[ \t]*", self.text[self._line_start(at) : at])
        return found[0] if found else ""

    def _own_line(self, at: int) -> bool:
        return not self.text[self._line_start(at) : at].strip()

    # --- edits

    def after(self, edit: Edit) -> str:
        """The text after an edit; raises Refused where the place is written in a way that others depend on."""
        node, rest = self._walk((*split(edit.at), *edit.path))
        if rest:
            value = [edit.value] if edit.action == "append" else {edit.key: edit.value}
            if edit.action == "drop" or node.kind != "map":
                raise Refused("what is to be changed is not written where it should be")
            for token in reversed(rest[1:]):
                value = {token: value}
            return self._entry(node, rest[0], value, _PLACES.get(rest[0], ""))
        if edit.action == "set":
            if node.kind != "map":
                raise Refused("what is to be changed is not written where it should be")
            index = node.key(edit.key)
            return (
                self._entry(node, edit.key, edit.value, edit.order)
                if index is None
                else self._replaced(node, index, edit.value)
            )
        if node.kind != "list":
            raise Refused("what is to be changed is not written as a list")
        if edit.action == "append":
            return self._item(node, edit.value)
        return self._dropped(edit)

    def _walk(self, tokens: Tokens) -> tuple[Node, Tokens]:
        """The deepest node on the way that is written, and what is missing below it."""
        node = self.root
        _refuse_shared(node)
        for depth, token in enumerate(tokens):
            index = None
            if node.kind == "map":
                index = node.key(token)
            elif node.kind == "list" and token.isdigit() and int(token) < len(node.items):
                index = int(token)
            if index is None:
                if node.kind == "map" and node.key("$ref") is not None:
                    raise Refused("the place is a reference, and what it names is not to be changed for this one")
                return node, tokens[depth:]
            node = node.items[index]
            _refuse_shared(node)
        return node, ()

    def _entry(self, node: Node, key: str, value: Any, order: str) -> str:
        """A new key of a mapping."""
        after = _after([one.value for one in node.keys], key, order)
        if self.json or node.flow:
            return self._flow_entry(node, key, value, after)
        indent = " " * self._column(node.keys[0].start)
        lines = self._block({key: value}, indent, node)
        if after is None and self._own_line(node.keys[0].start):
            at = self._line_start(node.keys[0].start)
            return self.text[:at] + "".join(line + self.newline for line in lines) + self.text[at:]
        return self._below(node.items[after or 0].end, len(indent), lines)

    def _below(self, end: int, column: int, lines: Sequence[str]) -> str:
        """The text with lines below the one that holds an offset, and below the comments that belong to it."""
        at = self._line_end(max(end - 1, self._line_start(end)))
        while (line := self.text[at : self._line_end(at)]).strip().startswith("#") and (
            len(line) - len(line.lstrip()) > column
        ):
            at = self._line_end(at)
        added = self.newline.join(lines)
        if at and not self.text[:at].endswith("\n"):
            return self.text + self.newline + added
        return self.text[:at] + added + self.newline + self.text[at:]

    def _flow_entry(self, node: Node, key: str, value: Any, after: int | None) -> str:
        lined = bool(node.keys) and "\n" in self.text[node.start : node.end] and self._own_line(node.keys[0].start)
        empty_in_lines = self.json and not node.keys and "\n" in self.text.strip()
        if lined:
            indent = self._indent(node.keys[0].start)
        elif empty_in_lines:
            indent = self._indent(node.start) + self.step
        else:
            indent = ""
        quoted = self._key(key, node, flow=True)
        colon = ": " if not self.json or lined or empty_in_lines else self.separators[1]
        entry = f"{quoted}{colon}{self._flow(value, indent if lined or empty_in_lines else None)}"
        if not node.keys:
            if empty_in_lines:
                inside = f"{self.newline}{indent}{entry}{self.newline}{self._indent(node.start)}"
            else:
                inside = f" {entry} " if not self.json and self.padded else entry
            return self.text[: node.start + 1] + inside + self.text[node.end - 1 :]
        gap = self.newline + indent if lined else self.separators[0].removeprefix(",") if self.json else " "
        if after is None:
            at = node.keys[0].start
            return self.text[:at] + entry + "," + gap + self.text[at:]
        at = node.items[after].end
        return self.text[:at] + "," + gap + entry + self.text[at:]

    def _item(self, node: Node, value: Any) -> str:
        """A new item at the end of a list."""
        if self.json or node.flow:
            lined = (
                bool(node.items) and "\n" in self.text[node.start : node.end] and self._own_line(node.items[0].start)
            )
            indent = self._indent(node.items[0].start) if lined else None
            shown = self._flow(value, indent)
            if not node.items:
                return self.text[: node.start + 1] + shown + self.text[node.end - 1 :]
            gap = self.newline + (indent or "") if lined else self.separators[0].removeprefix(",") if self.json else " "
            at = node.items[-1].end
            return self.text[:at] + "," + gap + shown + self.text[at:]
        last = node.items[-1]
        dash = self.text.rfind("-", 0, node.items[0].start)
        column = self._column(dash)
        gap = " " * (node.items[0].start - dash)
        return self._below(last.end, column, self._dashed(value, " " * column, gap, node))

    def _dashed(self, value: Any, indent: str, gap: str, beside: Node | None) -> list[str]:
        if isinstance(value, dict) and value:
            flows = [item.flow for item in beside.items if item.kind == "map" and len(item.keys) > 1] if beside else []
            if flows and all(flows) and len(line := indent + "-" + gap[1:] + self._flow(value, None)) <= WIDEST:
                return [line]
            lines = self._block(value, indent + gap, None)
            return [f"{indent}-{gap[1:]}{lines[0].lstrip(' ')}", *lines[1:]]
        return [f"{indent}-{gap[1:]}{self._scalar(value) if _is_scalar(value) else self._flow(value, None)}"]

    def _replaced(self, node: Node, index: int, value: Any) -> str:
        """Another value of a key that is there."""
        old = node.items[index]
        _refuse_shared(old)
        if old.kind == "scalar" and old.style in ("|", ">"):
            raise Refused("the text that would be replaced has lines of its own")
        if isinstance(value, dict) and not old.flow and old.kind == "map":
            indent = " " * self._column(node.keys[index].start)
            lines = self._block({"k": value}, indent, None)[1:]
            start, end = self._line_start(old.start), self._line_end(old.end - 1)
            if not self._own_line(old.start):
                raise Refused("the text around it is written in a way that cannot be kept")
            return self.text[:start] + self.newline.join(lines) + self.text[end - len(self._ending(end)) :]
        lined = self._indent(node.keys[index].start) if self.json and isinstance(value, dict) else None
        return self.text[: old.start] + self._flow(value, lined) + self.text[old.end :]

    def _ending(self, at: int) -> str:
        return self.newline if self.text[:at].endswith(self.newline) else ""

    def _dropped(self, edit: Edit) -> str:
        """An item less; the whole list less where it was the last one."""
        *above, name = (*split(edit.at), *edit.path)
        owner, _ = self._walk(tuple(above))
        index = owner.key(name)
        assert index is not None
        node = owner.items[index]
        values = [item.value for item in node.items]
        if edit.value not in values:
            raise Refused("what is to be changed is not written where it should be")
        if len(values) == 1:
            return self._without(owner, [*owner.keys], owner.items, index)
        return self._without(node, node.items, node.items, values.index(edit.value))

    def _without(self, node: Node, starts: Sequence[Node], ends: Sequence[Node], index: int) -> str:
        first, last = starts[index].start, ends[index].end
        if self.json or node.flow:
            if index:
                return self.text[: ends[index - 1].end] + self.text[last:]
            return self.text[:first] + self.text[starts[1].start if len(starts) > 1 else last :]
        start, end = self._line_start(first), self._line_end(max(last - 1, first))
        if not re.fullmatch(r"[ \t]*(-[ \t]+)?", self.text[start:first]) or (
            node.kind == "map" and self.text[start:first].strip()
        ):
            raise Refused("the text around it is written in a way that cannot be kept")
        return self.text[:start] + self.text[end:]

    # --- writing

    def _block(self, value: Mapping[str, Any], indent: str, beside: Node | None) -> list[str]:
        """Lines of a mapping in YAML's block style."""
        lines = []
        siblings = [item for item in beside.items if item.kind == "map" and item.items] if beside is not None else []
        flows = bool(siblings) and 2 * sum(item.flow for item in siblings) > len(siblings)
        for key, item in value.items():
            head = f"{indent}{self._key(key, beside)}:"
            plain = _is_scalar(item) or not item
            lone = isinstance(item, dict) and len(item) <= 2 and all(map(_is_scalar, item.values())) and self.short
            words = isinstance(item, list) and all(map(_is_scalar, item))
            line = f"{head} {self._flow(item, None)}"
            if plain or ((lone or words or flows) and len(line) <= WIDEST):
                lines.append(line if not _is_scalar(item) else f"{head} {self._scalar(item)}")
            elif isinstance(item, dict):
                lines += [head, *self._block(item, indent + self.step, None)]
            else:
                lines.append(head)
                for each in item:
                    lines += self._dashed(each, indent + self.item_step, "  ", None)
        return lines

    def _flow(self, value: Any, indent: str | None) -> str:
        """A value on one line; in JSON over several below `indent`, if one is given."""
        if self.json:
            kept = self.text.isascii()
            if indent is None or _is_scalar(value) or (isinstance(value, list) and all(map(_is_scalar, value))):
                comma, colon = self.separators if indent is None else (", ", ": ")
                return json.dumps(value, ensure_ascii=kept, separators=(comma, colon))
            lines = json.dumps(value, ensure_ascii=kept, indent=self.step).split("\n")
            return (self.newline + indent).join(lines)
        if isinstance(value, dict):
            inside = ", ".join(
                f"{self._key(key, None, flow=True)}: {self._flow(item, None)}" for key, item in value.items()
            )
            return f"{{ {inside} }}" if self.padded and inside else f"{{{inside}}}"
        if isinstance(value, list):
            return "[" + ", ".join(self._flow(item, None) for item in value) + "]"
        return self._scalar(value, flow=True)

    def _key(self, key: str, beside: Node | None, flow: bool = False) -> str:
        if self.json:
            return json.dumps(key, ensure_ascii=self.text.isascii())
        if beside is not None and beside.keys:
            style = Counter(one.style for one in beside.keys).most_common(1)[0][0]
            if style in ("'", '"'):
                return _quoted(key, style)
            if key.isdigit() and style is None and any(one.value.isdigit() for one in beside.keys):
                return key  # `200:` beside `404:`
        return self._scalar(key, flow=flow)

    def _scalar(self, value: Any, flow: bool = False) -> str:
        if not isinstance(value, str):
            return json.dumps(value)
        return value if _is_plain(value, flow) else _quoted(value, self.quote)


_PLACES = {"parameters": "before:requestBody,responses", "responses": "before:callbacks,security"}
"""Where a field goes that an operation does not have yet."""


def _after(keys: Sequence[str], key: str, order: str) -> int | None:
    """The index of the key behind which a new one stands; None if it stands first."""
    last = len(keys) - 1
    if order == "status":
        lower = [index for index, one in enumerate(keys) if one < key and not one.startswith("x-")]
        return max(lower, default=None)
    if order == "path":
        parts = key.split("/")

        def shared(index: int) -> int:
            others = keys[index].split("/")
            return next((at for at, (a, b) in enumerate(zip(parts, others, strict=False)) if a != b), len(others))

        best = max(map(shared, range(len(keys))), default=0)
        return max((index for index in range(len(keys)) if shared(index) == best), default=None)
    if order.startswith("before:"):
        following = [keys.index(name) for name in order.removeprefix("before:").split(",") if name in keys]
        return (min(following) - 1 if min(following) else None) if following else last
    if order in keys:
        return keys.index(order)
    return last if keys else None


def _refuse_shared(node: Node) -> None:
    if node.kind == "alias":
        raise Refused(f"the place is written as the alias `*{node.value}`, and a change would be one of its anchor")
    if node.anchor is not None:
        raise Refused(f"the place lies in the anchor `&{node.anchor}`, and a change would show wherever it is repeated")
    if any(key.value == "<<" and key.style is None for key in node.keys):
        raise Refused("the place has a merge key (`<<`), and what stands there is not all that it says")


def _is_scalar(value: Any) -> bool:
    return not isinstance(value, dict | list)


_PLAIN = re.compile(r"[A-Za-z_/$][^\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff]*")
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"})
"""What YAML 1.1 or 1.2 reads as something else than a text."""


def _is_plain(value: str, flow: bool) -> bool:
    if not _PLAIN.fullmatch(value) or value.lower() in _WORDS or value != value.strip():
        return False
    if ": " in value or " #" in value or value.endswith(":"):
        return False
    return not (flow and re.search(r"[,\[\]{}]", value))


def _quoted(value: str, quote: str) -> str:
    if quote == '"' or not value.isprintable():
        return json.dumps(value, ensure_ascii=not value.isprintable())
    return "'" + value.replace("'", "''") + "'"


# --------------------------------------------------------------------------------------------------- where things stand

_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\],:]|[^\s,:"{}\[\]]+', re.DOTALL)


def _json_nodes(text: str) -> Node:
    """The nodes of a text that is known to be JSON."""
    tokens = _TOKEN.finditer(text)

    def read(match: re.Match[str]) -> Node:
        token = match[0]
        if token not in ("{", "["):
            quoted = token.startswith('"')
            return Node(
                "scalar",
                match.start(),
                match.end(),
                value=token if not quoted else token[1:-1] if "\\" not in token else str(json.loads(token)),
                style='"' if quoted else None,
            )
        node = Node("map" if token == "{" else "list", match.start(), match.end())
        for inner in tokens:
            if inner[0] in ("}", "]"):
                node.end = inner.end()
                return node
            if inner[0] == ",":
                continue
            if node.kind == "map":
                node.keys.append(read(inner))
                next(tokens)  # the colon
                inner = next(tokens)
            node.items.append(read(inner))
        return node

    return read(next(tokens))


def _yaml_nodes(text: str) -> Node:
    from yaml._yaml import CParser
    from yaml.events import AliasEvent, MappingStartEvent, ScalarEvent, SequenceStartEvent

    parser = CParser(text)

    def events() -> Iterator[Any]:
        while parser.check_event():
            yield parser.get_event()

    stream = iter(events())

    def read(event: Any) -> Node:
        start, end = event.start_mark.index, event.end_mark.index
        if isinstance(event, AliasEvent):
            return Node("alias", start, end, value=str(event.anchor))
        if isinstance(event, ScalarEvent):
            if event.style in ("|", ">"):
                end = start + len(text[start:end].rstrip())
            return Node("scalar", start, end, value=event.value, style=event.style or None, anchor=event.anchor)
        mapping = isinstance(event, MappingStartEvent)
        node = Node("map" if mapping else "list", start, end, bool(event.flow_style), anchor=event.anchor)
        for inner in stream:
            if not isinstance(inner, ScalarEvent | AliasEvent | MappingStartEvent | SequenceStartEvent):
                # A block's end is told where the next token begins, and it ends with its last part.
                node.end = (
                    inner.end_mark.index if node.flow else node.items[-1].end if node.items else inner.start_mark.index
                )
                return node
            one = read(inner)
            if mapping:
                node.keys.append(one)
                one = read(next(stream))
            node.items.append(one)
        return node

    for event in stream:
        if isinstance(event, ScalarEvent | MappingStartEvent | SequenceStartEvent):
            return read(event)
    raise Refused("the file is empty")
