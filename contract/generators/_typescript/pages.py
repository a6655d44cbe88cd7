"""Which operations say how their pages follow each other, and how: by links of the document, or by the header `Link`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from contract.core.document import escape, resolve, unescape
from contract.core.openapi import DeclaredResponse, Operation, Parameter, follow
from contract.generators._typescript.plan import Plan, kind_of, sent

_EXPRESSION = re.compile(r"\$response\.(body#/|header\.)")
_PLACE = re.compile(r"^(query|header|path|cookie)\.")


def name_of(plan: Plan, operation: Operation) -> str | None:
    """The method that gives its pages; None where nothing is declared of a next one."""
    if not is_paged(operation):
        return None
    name = f"{plan.names[operation.key]}Pages"
    while name in plan.names.values():
        name += "_"
    return name


def is_paged(operation: Operation) -> bool:
    answers = list(_successes(operation))
    if any(kind_of(media.range) == "stream" for each in answers for media in each.content):
        return False
    return bool(links(operation)) or any(header.name.lower() == "link" for each in answers for header in each.headers)


def links(operation: Operation) -> list[tuple[Parameter, str]]:
    """The parameters of the next page, each with the expression that its answer has it by (OpenAPI 3.1, 4.8.20)."""
    for response in _successes(operation):
        declared = _map(_map(resolve(operation.root, response.pointer)).get("links"))
        for name in sorted(declared):
            node = _map(follow(operation.root, f"{response.pointer}/links/{escape(name)}")[1])
            reference = unescape(str(node.get("operationRef", "")))
            by_id = node.get("operationId") == operation.operation_id is not None
            if not by_id and reference != unescape(operation.pointer):
                continue
            found = list(_parameters(operation, _map(node.get("parameters"))))
            if found:
                return found
    return []


def _parameters(operation: Operation, declared: Mapping[str, Any]) -> Iterator[tuple[Parameter, str]]:
    for name, expression in sorted(declared.items()):
        place = _PLACE.match(str(name))
        bare = str(name)[place.end() :] if place is not None else str(name)
        for each in sent(operation):
            if each.name == bare and (place is None or each.location == place[1]):
                if isinstance(expression, str) and _EXPRESSION.match(expression):
                    yield each, expression
                break


def _successes(operation: Operation) -> Iterator[DeclaredResponse]:
    found = [each for key, each in operation.responses.items() if key[:1] in "23"]
    yield from found or [each for key, each in operation.responses.items() if key == "default"]


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
