"""Which operation does a path belong to: static segments before templated ones, whatever the number of operations."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar
from urllib.parse import unquote

T = TypeVar("T")
_NAME = re.compile(r"\{([^{}]*)\}")


class Leaf(Generic[T]):
    """The end of a template: what answers there, by method, with the names of the path's parameters."""

    __slots__ = ("answers", "methods")

    def __init__(self) -> None:
        self.answers: dict[str, tuple[T, tuple[str, ...], tuple[bool, ...]]] = {}
        """By method what answers, the names of its parameters, and which of its segments are literal."""
        self.methods: frozenset[str] = frozenset()


class Router(Generic[T]):
    """A tree of path segments (OpenAPI 3.1, 4.8.8: concrete paths are matched before their templated counterparts).

    Where two templates are each the more concrete one in another segment, the standard leaves it open: then the first
    whose parameters `fits` takes, given what answers, and the names and values.
    """

    def __init__(self, fits: Callable[[T, tuple[str, ...], tuple[str, ...]], bool] | None = None) -> None:
        self._fits = fits
        self._root: _Node[T] = _Node()
        self._static: dict[str, Leaf[T]] = {}

    def add(self, method: str, template: str, answer: T, names: tuple[str, ...], spans: Iterable[str] = ()) -> None:
        """`names` are those of the path's own parameters, which are its last; `spans` those that may hold slashes."""
        node = self._root
        wide = frozenset(spans)
        for segment in template.split("/")[1:]:
            if "{" not in segment:
                node = node.static.setdefault(unquote(segment), _Node())
                continue
            found = _NAME.fullmatch(segment)
            if found is not None and found[1] in wide:
                node.is_plain = False
                node.spanning = node.spanning or _Node()
                node = node.spanning
            elif found is not None:
                node.any = node.any or _Node()
                node = node.any
            else:
                node.is_plain = False
                shape = _NAME.sub("{}", segment)
                if all(shape != known for known, _, _ in node.compound):
                    # The longer literal text is the more specific: `{name}.{ext}` before `{name}`.
                    node.compound.append((shape, _compound(shape), _Node()))
                    node.compound.sort(key=lambda each: -len(each[0]))
                node = next(each for shape_, _, each in node.compound if shape_ == shape)
        node.leaf = node.leaf or Leaf()
        literal = tuple("{" not in segment for segment in template.split("/")[1:])
        node.leaf.answers.setdefault(method.upper(), (answer, names, literal))
        node.leaf.methods = frozenset(node.leaf.answers)
        if "{" not in template and "%" not in template:
            self._static[template] = node.leaf

    def find(self, method: str, path: str) -> tuple[T | None, tuple[str, ...], tuple[str, ...], frozenset[str]] | None:
        """What answers, the names of its parameters and their values, percent-decoded, and the methods of its path.

        None if no template covers the path; where one does and the method does not, there is no answer.
        """
        leaf = self._static.get(path)
        if leaf is not None:
            found = leaf.answers.get(method)
            if found is not None:
                return found[0], (), (), leaf.methods
        parts = path.split("/")
        del parts[0]
        if "%" in path:
            parts = [unquote(part) if "%" in part else part for part in parts]
        # As long as there is one way to go, it is walked here; where there are two, each is tried below.
        node = self._root
        values: tuple[str, ...] = ()
        for part in parts:
            if not node.is_plain:
                break
            following, templated = node.static.get(part), node.any
            if templated is None or not part:  # a path parameter is never empty (RFC 6570 expands it to something)
                if following is None:
                    return None
                node = following
            elif following is None:
                values = (*values, part)
                node = templated
            else:
                break
        else:
            leaf = node.leaf
            if node.is_plain:
                if leaf is None:
                    return None
                found = leaf.answers.get(method)
                if found is None:
                    return None, (), (), leaf.methods
                names = found[1]
                return (
                    found[0],
                    names,
                    values if len(names) == len(values) else values[-len(names) :] if names else (),
                    leaf.methods,
                )
        other: frozenset[str] | None = None
        first: tuple[T, tuple[str, ...], tuple[str, ...], frozenset[str]] | None = None
        concrete: tuple[bool, ...] = ()
        for leaf, values in self._root.find(parts, 0):
            found = leaf.answers.get(method)
            if found is None:
                other = other if other is not None else leaf.methods
                continue
            answer, names, literal = found
            taken = answer, names, values[len(values) - len(names) :], leaf.methods
            if first is None:
                first, concrete = taken, literal
                continue
            fits = self._fits
            if fits is not None and _is_elsewhere(literal, concrete) and fits(*taken[:3]) and not fits(*first[:3]):
                return taken
        if first is not None:
            return first
        return None if other is None else (None, (), (), other)


def _is_elsewhere(literal: tuple[bool, ...], other: tuple[bool, ...]) -> bool:
    """True where a template is literal in a segment in which the other is not."""
    return len(literal) == len(other) and any(map(operator.gt, literal, other))


class _Node(Generic[T]):
    __slots__ = ("any", "compound", "is_plain", "leaf", "spanning", "static")

    def __init__(self) -> None:
        self.static: dict[str, _Node[T]] = {}
        self.compound: list[tuple[str, re.Pattern[str], _Node[T]]] = []
        self.any: _Node[T] | None = None
        self.spanning: _Node[T] | None = None
        self.leaf: Leaf[T] | None = None
        self.is_plain = True
        """Neither a compound segment nor one that spans several goes on from here."""

    def find(self, parts: list[str], at: int) -> Iterator[tuple[Leaf[T], tuple[str, ...]]]:
        """Every template that covers the path, the most specific first."""
        node, end = self, len(parts)
        values: tuple[str, ...] = ()
        while node.is_plain:
            # As long as there is one way to go, no generator is needed for the next step.
            if at == end:
                if node.leaf is not None:
                    yield node.leaf, values
                return
            part = parts[at]
            at += 1
            following, templated = node.static.get(part), node.any
            if templated is None or not part:  # a path parameter is never empty (RFC 6570 expands it to something)
                if following is None:
                    return
                node = following
            elif following is None:
                values = (*values, part)
                node = templated
            else:
                for leaf, more in following.find(parts, at):
                    yield leaf, values + more
                values = (*values, part)
                node = templated
        yield from node._all(parts, at, values)

    def _all(self, parts: list[str], at: int, values: tuple[str, ...]) -> Iterator[tuple[Leaf[T], tuple[str, ...]]]:
        if at == len(parts):
            if self.leaf is not None:
                yield self.leaf, values
            return
        part = parts[at]
        ways: list[tuple[_Node[T], int, tuple[str, ...]]] = []
        if part in self.static:
            ways.append((self.static[part], at + 1, ()))
        if part:
            for _, pattern, node in self.compound:
                found = pattern.fullmatch(part)
                if found is not None:
                    ways.append((node, at + 1, found.groups()))
            if self.any is not None:
                ways.append((self.any, at + 1, (part,)))
            if self.spanning is not None:
                for end in range(at + 1, len(parts) + 1):
                    ways.append((self.spanning, end, ("/".join(parts[at:end]),)))
        for node, after, taken in ways:
            for leaf, more in node.find(parts, after):
                yield leaf, (*values, *taken, *more)


def _compound(shape: str) -> re.Pattern[str]:
    return re.compile("(.+)".join(re.escape(text) for text in shape.split("{}")))
