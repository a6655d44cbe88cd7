"""Types by @hey-api/openapi-ts, for a document whose types by openapi-typescript do not compile.

Its names are known because it is given none that it would change: components and operations are renamed first. What it
writes is then laid out as openapi-typescript does, so that the rest of the client is the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from contract.core.openapi import Operation
from contract.generators._typescript.emit import operation_of, quoted
from contract.generators._typescript.plan import SCHEMAS, Plan, identifier, sent

_FIELDS = {"path": "path", "query": "query", "header": "headers"}


class Renamed:
    """The document under names that every generator keeps."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        schemas = plan.value["components"]["schemas"]
        self.models: dict[str, str] = {}
        for name in schemas:
            made = f"T{identifier(name, lower=False)}"
            while made in self.models.values():
                made += "_"
            self.models[name] = made
        self.operations = {key: f"O{index}_{plan.types[key]}" for index, key in enumerate(plan.types)}

    def value(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(json.dumps(self.plan.value, default=str))
        ids = {self.plan.names[key]: made for key, made in self.operations.items()}
        for item in found["paths"].values():
            for operation in item.values():
                operation["operationId"] = ids[operation["operationId"]]
        schemas = found["components"]["schemas"]
        found["components"]["schemas"] = {self.models[name]: schemas[name] for name in schemas}
        _repoint(found, {SCHEMAS + name: SCHEMAS + made for name, made in self.models.items()})
        return found

    def layout(self, aliases: Mapping[str, Iterable[str]]) -> str:
        """`components`, `operations` and `paths` in terms of the types that were made; `aliases` are their members."""
        lines = ["export interface components {", "  schemas: {"]
        lines += [
            f"    {quoted(name)}: {made if made in aliases else 'unknown'};" for name, made in self.models.items()
        ]
        lines += ["  };", "}", "export interface operations {"]
        for operation in self.plan.operations:
            lines.append(f"  {quoted(self.plan.names[operation.key])}: {{")
            lines += [f"    {line}" for line in self.operation(operation, aliases)]
            lines.append("  };")
        return "\n".join([*lines, "}", "export type paths = Record<string, never>;"]) + "\n"

    def operation(self, operation: Operation, aliases: Mapping[str, Iterable[str]]) -> Iterator[str]:
        base = self.operations[operation.key]
        data = f"{base}Data"
        given = set(aliases.get(data, ()))
        yield "parameters: {"
        for location in dict.fromkeys(each.location for each in sent(operation) if each.location != "querystring"):
            field = _FIELDS.get(location)
            known = f"NonNullable<{data}[{quoted(field)}]>" if field in given else "{ [name: string]: unknown }"
            yield f"  {location}: {known};"
        yield "};"
        body = operation_of(self.plan, operation).get("requestBody")
        if body is not None:
            yield "requestBody: { content: {"
            known = f'NonNullable<{data}["body"]>' if "body" in given else "unknown"
            yield from (f"  {quoted(media)}: {known};" for media in body["content"])
            yield "} };"
        yield "responses: {"
        for key, response in operation_of(self.plan, operation)["responses"].items():
            owner = next((each for each in (f"{base}Responses", f"{base}Errors") if key in aliases.get(each, ())), None)
            place = key if key.isdigit() else quoted(key)
            known = f"{owner}[{place}]" if owner is not None else "unknown"
            inner = " ".join(f"{quoted(media)}: {known};" for media in response["content"])
            yield f"  {place}: {{ content: {{ {inner} }} }};"
        yield "};"


def _repoint(node: Any, names: Mapping[str, str]) -> None:
    if isinstance(node, list):
        for each in node:
            _repoint(each, names)
    elif isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            node["$ref"] = names[node["$ref"]]
        if node.pop("x-blob", False):
            node["format"] = "binary"
        node.pop("x-items", None)
        for each in node.values():
            _repoint(each, names)
