"""Which operations are looked at: include and exclude patterns, each exclusion with its reason."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from contract.core.errors import ConfigError
from contract.core.finding import fold

FORMS = "`GET /tasks/*`, `/tasks/**`, `POST *`, `tag:admin` or `operationId:listTasks`"
NOT_INCLUDED = "matches no include pattern"

_METHOD = re.compile(r"[A-Za-z][A-Za-z-]*(\|[A-Za-z][A-Za-z-]*)*|\*")


@dataclass(frozen=True, slots=True)
class Selector:
    """One pattern.

    `GET /tasks/*` takes a method, several (`GET|HEAD`) or `*`, and a path; without a method, all of them. In a path
    `*` stands for any characters of one segment, `**` for any at all, `/*` at the end for everything below, and a
    parameter for any parameter: `/tasks/{id}` is also `/tasks/{task}`. `*` alone stands for every path. In
    `tag:` and `operationId:` a `*` stands for any characters. Letters are compared with case, methods without.
    """

    text: str
    kind: str  # "path", "tag", "operationId"
    expression: re.Pattern[str]
    methods: frozenset[str] | None = None

    @classmethod
    def parse(cls, text: str) -> Selector:
        """Raises ConfigError, with the forms there are, for what is none of them."""
        stripped = text.strip()
        kind, colon, value = stripped.partition(":")
        for name in ("tag", "operationId"):
            if colon and kind.lower() == name.lower():
                if not value.strip():
                    raise ConfigError(f"the pattern `{text}` names nothing after `{kind}:`", f"patterns are {FORMS}")
                return cls(text, name, re.compile(_words(value.strip())))
        method, space, path = stripped.partition(" ")
        if not space:
            method, path = "*", stripped
            if _METHOD.fullmatch(stripped) and stripped.isupper():
                method, path = stripped, "*"
        path = path.strip()
        if not path or not _METHOD.fullmatch(method):
            raise ConfigError(f"the pattern `{text}` cannot be read", f"patterns are {FORMS}")
        if not path.startswith("/") and path not in ("*", "**"):
            raise ConfigError(
                f"the path of the pattern `{text}` must begin with a slash: `/{path}`", f"patterns are {FORMS}"
            )
        if " " in path:
            raise ConfigError(f"the path of the pattern `{text}` holds a space", f"patterns are {FORMS}")
        methods = None if method == "*" or method.upper() == "ANY" else frozenset(method.upper().split("|"))
        return cls(text, "path", re.compile(_path(path)), methods)

    def matches(
        self,
        method: str,
        path: str,
        tags: Iterable[str] = (),
        operation_id: str | None = None,
        also: Iterable[str] = (),
    ) -> bool:
        """True for an operation of that method and template; `also` holds its path's other forms, with base path."""
        if self.kind == "tag":
            return any(self.expression.fullmatch(tag) for tag in tags)
        if self.kind == "operationId":
            return operation_id is not None and self.expression.fullmatch(operation_id) is not None
        if self.methods is not None and method.upper() not in self.methods:
            return False
        return any(self.expression.fullmatch(_plain(form)) for form in (path, *also))


def _words(text: str) -> str:
    return ".*".join(re.escape(part) for part in text.split("*"))


def _plain(path: str) -> str:
    return fold(path).rstrip("/") or "/"


def _path(pattern: str) -> str:
    if pattern in ("*", "**", "/**"):
        return ".*"
    below = pattern.endswith(("/*", "/**"))
    body = pattern.rstrip("*").rstrip("/") if below else _plain(pattern)
    expression = "".join(
        {"**": ".*", "*": "[^/]*"}.get(part, re.escape(part)) for part in re.split(r"(\*\*|\*)", fold(body))
    )
    return expression + "/.+" if below else expression


@dataclass(slots=True)
class Selection:
    """What is looked at and what is left out; it remembers which patterns ever matched.

    `defaults` are exclusions that nobody wrote (`_ignition/*`, …): an include that matches wins over them, and they are
    never called unused.
    """

    include: Sequence[Selector] = ()
    exclude: Sequence[tuple[Selector, str]] = ()
    defaults: Sequence[tuple[Selector, str]] = ()
    _used: set[str] = field(default_factory=set)

    @classmethod
    def parse(
        cls,
        include: Iterable[str] = (),
        exclude: Iterable[tuple[str, str]] = (),
        defaults: Iterable[tuple[str, str]] = (),
    ) -> Selection:
        """From texts; an exclusion is (pattern, reason). Raises ConfigError."""
        return cls(
            tuple(Selector.parse(text) for text in include),
            tuple((Selector.parse(text), reason) for text, reason in exclude),
            tuple((Selector.parse(text), reason) for text, reason in defaults),
        )

    def decide(
        self,
        method: str,
        path: str,
        tags: Sequence[str] = (),
        operation_id: str | None = None,
        also: Sequence[str] = (),
    ) -> str | None:
        """Why an operation is left out; None if it is looked at.

        Every pattern is tried, so that one that stands behind another is not called unused.
        """

        def hit(selector: Selector) -> bool:
            return selector.matches(method, path, tags, operation_id, also)

        included = [selector.text for selector in self.include if hit(selector)]
        excluded = [(selector.text, reason) for selector, reason in self.exclude if hit(selector)]
        self._used.update(included, (text for text, _ in excluded))
        if excluded:
            text, reason = excluded[0]
            return reason or f"excluded by `{text}`"
        if self.include:
            return None if included else NOT_INCLUDED
        return next((reason for selector, reason in self.defaults if hit(selector)), None)

    def unused(self) -> list[str]:
        """The patterns that matched nothing so far, as they were written."""
        written = [selector.text for selector in self.include] + [selector.text for selector, _ in self.exclude]
        return [text for text in dict.fromkeys(written) if text not in self._used]
