"""A YAML file with one entry more, everything else as it was; or nothing, where that cannot be done safely."""

from __future__ import annotations

from typing import Any

import yaml


class _Loader(yaml.SafeLoader):
    """Tags that others define (`!reference` of GitLab) are taken for what they stand on."""


def _plain(loader: _Loader, suffix: str, node: yaml.Node) -> Any:
    del suffix
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    return node.value


_Loader.add_multi_constructor("!", _plain)


def value(text: str) -> Any:
    """What a YAML text says; None where it is not YAML, or more than one document."""
    try:
        return yaml.load(text, _Loader)
    except (yaml.YAMLError, ValueError, RecursionError, TypeError):
        return None


def with_item(text: str, key: str, item: str) -> str | None:
    """The text with one more item, a block of lines without indentation, at the end of the list under `key`.

    None where the list is not written as a block, or where the outcome would say anything else than before.
    """
    try:
        root = yaml.compose(text, _Loader)
    except (yaml.YAMLError, ValueError, RecursionError):
        return None
    node = _child(root, key)
    if not isinstance(node, yaml.SequenceNode) or node.flow_style or not node.value:
        return None
    lines, ending = _lines(text)
    last = node.value[-1]
    indent = node.start_mark.column
    if not lines[node.start_mark.line].lstrip().startswith("-"):
        return None
    # What ends in the middle of a line, in one line or without a line's end, ends with it.
    at = min(last.end_mark.line + (last.end_mark.column > 0), len(lines))
    while at > last.start_mark.line + 1 and _is_aside(lines[at - 1]):
        at -= 1
    block = [(" " * indent + line if line else line) + ending for line in item.splitlines()]
    if at and not lines[at - 1].endswith(("\n", "\r")):
        lines[at - 1] += ending
    made = "".join([*lines[:at], *block, *lines[at:]])
    before, after, added = value(text), value(made), value(item)
    same = isinstance(before, dict) and isinstance(added, list) and after == {**before, key: [*before[key], *added]}
    return made if same else None


def with_key(text: str, block: str) -> str | None:
    """The text with a block of top-level keys at its end; None where that would not say both."""
    before, added = value(text), value(block)
    if not isinstance(before, dict) or not isinstance(added, dict) or set(before) & set(added):
        return None
    _, ending = _lines(text)
    made = text + ("" if text.endswith(("\n", "\r")) else ending) + ending
    made += "".join(line + ending for line in block.splitlines())
    return made if value(made) == {**before, **added} else None


def _child(root: yaml.Node | None, key: str) -> yaml.Node | None:
    if not isinstance(root, yaml.MappingNode):
        return None
    return next((inner for name, inner in root.value if getattr(name, "value", None) == key), None)


def _lines(text: str) -> tuple[list[str], str]:
    return text.splitlines(keepends=True), "\r\n" if "\r\n" in text else "\n"


def _is_aside(line: str) -> bool:
    return not line.strip() or line.lstrip().startswith("#")
