"""The OpenAPI document as the user wrote it: one value, every pointer of it leading back to file, line and column."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Location:
    """A place in a file of the user's; lines and columns count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Problem:
    """What a meta-schema refuses in the document."""

    pointer: str  # of the bundled, converted value
    message: str


@dataclass(frozen=True)
class Document:
    """One resolved description: several files bundled into one value, Swagger 2.0 read as OpenAPI 3.0.

    All `$ref` in `value` begin with `#/`. `locate` takes a pointer of `value` (`#/paths/~1tasks/get`) and gives the
    user's file and line; for a pointer that is nowhere in a file, the nearest ancestor's.
    """

    path: str
    version: str
    """As the user declares it: `2.0`, `3.0.3`, `3.1.0`."""
    value: Mapping[str, Any]
    sha256: str
    locate: Callable[[str], Location]
    origin: Callable[[str], tuple[str, str]]
    """File and pointer, as the user wrote it, for a pointer of `value`."""
    problems: Callable[[], list[Problem]]
    """What the meta-schema of the declared version refuses; asked for when needed."""
    files: tuple[tuple[str, str], ...] = ()
    """Each file or URL that it was read from, the main one first, with the SHA-256 of its bytes."""

    @property
    def family(self) -> str:
        """`3.0`, `3.1` or `3.2`: the dialect of `value` (Swagger 2.0 was converted to 3.0)."""
        return ".".join(str(self.value.get("openapi", "")).split(".")[:2])


def escape(token: str) -> str:
    """A reference token of a JSON Pointer (RFC 6901, 3).

    >>> escape("/tasks/{id}")
    '~1tasks~1{id}'
    """
    return token.replace("~", "~0").replace("/", "~1") if "~" in token or "/" in token else token


def unescape(token: str) -> str:
    """The name that a reference token stands for (RFC 6901, 4)."""
    return token.replace("~1", "/").replace("~0", "~")


def pointer(*tokens: str | int) -> str:
    """A pointer as a URI fragment without percent-encoding: `#/paths/~1tasks/get`."""
    return "#" + "".join("/" + escape(str(token)) for token in tokens)


def split(pointer: str) -> tuple[str, ...]:
    """The names that a pointer goes through.

    >>> split("#/paths/~1tasks/get")
    ('paths', '/tasks', 'get')
    """
    return tuple(unescape(token) for token in pointer.removeprefix("#").split("/")[1:])


def each_at(value: Any, tokens: Sequence[str]) -> Iterator[Any]:
    """What lies at a place of a body whose indices are folded to `*`; nothing where there is none.

    >>> list(each_at({"a": [{"b": 1}, {}, {"b": 2}]}, ("a", "*", "b")))
    [1, 2]
    """
    if not tokens:
        yield value
    elif isinstance(value, list) and tokens[0] == "*":
        for item in value:
            yield from each_at(item, tokens[1:])
    elif isinstance(value, dict) and tokens[0] in value:
        yield from each_at(value[tokens[0]], tokens[1:])


def resolve(value: Any, reference: str) -> Any:
    """What `#/a/b` points to in the value; raises KeyError with the pointer where it leads nowhere."""
    node = value
    for token in reference.removeprefix("#").split("/")[1:]:
        name = unescape(token) if "~" in token else token
        try:
            node = node[int(name)] if isinstance(node, list) else node[name]
        except (KeyError, IndexError, ValueError, TypeError):
            from urllib.parse import unquote  # seldom needed, and not for nothing

            try:
                node = node[unescape(unquote(token))]
            except (KeyError, IndexError, ValueError, TypeError):
                raise KeyError(reference) from None
    return node
