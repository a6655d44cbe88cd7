"""Routes that a framework keeps as regular expressions, as spellings that `core/routing.py` reads.

That reader takes a capturing group for a parameter and the rest for literals. So what matches more than one text and is
not captured becomes a group here, and groups that only group are written out: `(?:a|b)` is two spellings, `(?:/x)?` too.
"""

from __future__ import annotations

import re
from itertools import islice

from contract.core.routing import Template, parse

_MOST = 32
_CLASS = re.compile(r"\\[dDwWsS]|\.|\[\^?\]?(?:\\.|[^\]\\])*\]")
_QUANTIFIER = re.compile(r"(?:[*+?]|\{\d*,?\d*\})[?+]?")
_ANCHOR = re.compile(r"\\[AZbBz]|\^|\$")


def templates(expression: str) -> list[tuple[Template, str]]:
    """Each template that a regular expression serves, with its spelling; at most 32.

    >>> [template.path for template, _ in templates(r"^/tasks/(?P<id>[0-9]+)(?:/parts)?/?$")]
    ['/tasks/{id}/parts', '/tasks/{id}']
    >>> [(template.path, set(template.spans)) for template, _ in templates(r"/files/.*")]
    [('/files/{arg1}', {'arg1'})]
    """
    found: dict[str, tuple[Template, str]] = {}
    for spelled in islice(dict.fromkeys(_spellings(expression)), _MOST):
        for template in parse("^" + spelled):
            found.setdefault(template.path, (template, "^" + spelled))
    return list(found.values())


def _spellings(expression: str) -> list[str]:
    """The expression without groups that capture nothing, anchors and flags, and with every class in a group."""
    texts = [""]
    at = 0
    while at < len(expression):
        if anchor := _ANCHOR.match(expression, at):
            at = anchor.end()
            continue
        atom = _atom(expression, at)
        after = at + len(atom)
        quantifier = _QUANTIFIER.match(expression, after)
        times = quantifier[0] if quantifier else ""
        at = after + len(times)
        # A slash that may be left out at the end is left out: with it, it is the same operation.
        if atom in ("/", "\\/") and times == "?" and _ANCHOR.sub("", expression[at:]) == "":
            break
        choices = _choices(atom, times)
        if choices is not None:
            texts = [text + choice for text in texts for choice in choices][:_MOST]
    return texts


def _atom(text: str, at: int) -> str:
    """One literal, class or group, without its quantifier."""
    if text[at] == "(":
        return text[at : _end(text, at)]
    if found := _CLASS.match(text, at):
        return found[0]
    return text[at : at + 2] if text[at] == "\\" else text[at]


def _end(text: str, at: int) -> int:
    """Index behind the bracket that closes the group at `at`."""
    depth = 0
    while at < len(text):
        if text[at] == "[" and (found := _CLASS.match(text, at)):
            at = found.end()
            continue
        depth += {"(": 1, ")": -1}.get(text[at], 0)
        at += 2 if text[at] == "\\" else 1
        if depth == 0:
            return at
    return len(text)


def _choices(atom: str, times: str) -> list[str] | None:
    """What the atom may be written as; None for what takes no text (a look-around, a flag, a comment)."""
    if re.match(r"\(\?(?:[=!#]|<[=!]|[aiLmsux-]+\))", atom):
        return None
    if not atom.startswith("("):
        if _CLASS.fullmatch(atom) is None and times in ("", "?"):
            return [atom, ""] if times else [atom]
        return [f"({atom}{times})"]
    scoped = re.match(r"\(\?(?:[aiLmsux-]*:|>)", atom)
    if scoped is None:
        return [atom + (times if times.startswith("?") else "")]
    if times not in ("", "?", "??", "?+"):
        return [f"({atom}{times})"]
    inner = [text for part in _alternatives(atom[scoped.end() : -1]) for text in _spellings(part)]
    return [*inner, ""] if times else inner


def _alternatives(text: str) -> list[str]:
    parts, start, at = [], 0, 0
    while at < len(text):
        if text[at] == "|":
            parts.append(text[start:at])
            start = at = at + 1
            continue
        at += len(_atom(text, at))
    return [*parts, text[start:]]
