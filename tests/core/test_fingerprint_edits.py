"""A finding keeps its identity while the document around it is edited (law 5 of docs/architecture.md).

Two hundred random edits that have nothing to do with what is found are made one after the other, and after each the same
exchanges are judged again: the findings must be the very same, not fewer and no others.
"""

from __future__ import annotations

import copy
import lzma
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from contract.core.check import Judge
from contract.core.document import escape, resolve
from contract.core.evidence import Exchange
from contract.core.openapi import METHODS, Contract
from contract.sources.documents.file import load
from tests.data import DATA
from tests.strategies import document, recorded

EDITS = 200
DEMO = Path(__file__).resolve().parents[2] / "specs" / "demo.yaml"

Value = dict[str, Any]


class Editor:
    """Edits a document at random, keeping away from what the findings are about and from what the exchanges say.

    Two edits are related to a finding although they do not look so, and are left out where there is one: renaming a path
    parameter that requests break (`path:id` is its name), and what comes before the first branch of an `allOf` that names
    properties (an undeclared one is found there).
    """

    def __init__(self, value: Value, exchanges: list[Exchange], seed: int) -> None:
        self.value = value
        self.random = random.Random(seed)
        self.said = _said(exchanges)
        self.count = 0
        judge = Judge(Contract(document(value)), lambda rule, level: level)
        findings = [finding for exchange in exchanges for finding in judge.exchange(exchange).findings]
        self.found = {finding.mismatch.component or "" for finding in findings}
        self.unnamed = {each.mismatch.component for each in findings if each.rule == "undeclared-property"}
        self.broken = {
            str(finding.operation).partition(" ")[2]
            for finding in findings
            if str(finding.mismatch.name).startswith("path:")
        }
        contract = judge.contract
        matched = (contract.match(exchange.request.method, exchange.request.path) for exchange in exchanges)
        self.used = {match.operation.key for match in matched if match is not None and match.operation is not None}

    # --- places ---

    def schemas(self, node: Any = None, at: str = "#") -> Iterator[tuple[str, Value]]:
        """Every Schema Object that says `type` or combines others, with its pointer."""
        node = self.value if node is None else node
        if isinstance(node, dict):
            if (isinstance(node.get("type"), str | list) and "in" not in node and "scheme" not in node) or any(
                isinstance(node.get(key), list) for key in ("allOf", "anyOf", "oneOf")
            ):
                yield at, node
            for key, child in node.items():
                if key not in ("example", "examples", "default", "enum", "const", "securitySchemes"):
                    yield from self.schemas(child, f"{at}/{escape(str(key))}")
        elif isinstance(node, list):
            for index, child in enumerate(node):
                yield from self.schemas(child, f"{at}/{index}")

    def operations(self) -> Iterator[tuple[str, str, Value]]:
        for path, item in self.value["paths"].items():
            for method in METHODS:
                if isinstance(item.get(method), dict):
                    yield path, method, item[method]

    def schema(self, wanted: Callable[[str, Value], bool]) -> tuple[str, Value] | None:
        known = [(at, node) for at, node in self.schemas() if wanted(at, node)]
        return self.random.choice(known) if known else None

    def untouched(self, at: str) -> bool:
        """True if no finding is about this place, what is below it or what it is a part of."""
        return not any(place.startswith(at) or at.startswith(f"{place}/") for place in self.found)

    def names_the_place(self, at: str, node: Value) -> bool:
        """True if a branch is what an undeclared property is found in: it is the first one that names any."""
        if any(str(place).startswith(f"{at}/allOf/") for place in self.unnamed):
            return True
        todo, seen = [*node.get("allOf", ())], set()
        while todo:
            branch = todo.pop()
            where = branch.get("$ref") if isinstance(branch, dict) else None
            if isinstance(where, str) and where not in seen:
                seen.add(where)
                branch = resolve(self.value, where)
                if where in self.unnamed:
                    return True
            todo += branch.get("allOf", ()) if isinstance(branch, dict) else ()
        return False

    def fresh(self) -> str:
        self.count += 1
        return f"zq{self.count}"

    def shuffled(self, node: Value) -> None:
        """The same entries in another order."""
        entries = list(node.items())
        self.random.shuffle(entries)
        node.clear()
        node.update(entries)

    # --- edits; each gives a word about what it did, or None where it found no place ---

    def add_a_property(self) -> str | None:
        found = self.schema(lambda at, node: isinstance(node.get("properties"), dict) and len(node["properties"]) > 1)
        if found is None:
            return None
        properties = found[1]["properties"]
        properties[self.fresh()] = self.random.choice(({"type": "string"}, {"type": ["integer", "null"]}, {}))
        self.shuffled(properties)
        return found[0]

    def remove_a_property(self) -> str | None:
        def free(at: str, node: Value) -> list[str]:
            return [
                name
                for name in node.get("properties") or ()
                if name not in self.said
                and name not in (node.get("required") or ())
                and self.untouched(f"{at}/properties/{escape(name)}")
            ]

        found = self.schema(lambda at, node: len(node.get("properties") or ()) > 2 and bool(free(at, node)))
        if found is None:
            return None
        del found[1]["properties"][name := self.random.choice(free(*found))]
        return f"{found[0]} {name}"

    def reorder_properties(self) -> str | None:
        found = self.schema(lambda at, node: isinstance(node.get("properties"), dict))
        if found is None:
            return None
        self.shuffled(found[1]["properties"])
        if isinstance(found[1].get("required"), list):
            self.random.shuffle(found[1]["required"])
        return found[0]

    def reorder_keywords(self) -> str | None:
        found = self.schema(lambda at, node: True)
        if found is None:
            return None
        self.shuffled(found[1])
        return found[0]

    def add_or_reorder_enum_members(self) -> str | None:
        found = self.schema(lambda at, node: isinstance(node.get("enum"), list) and isinstance(node["enum"][0], str))
        if found is None:
            return None
        if self.random.random() < 0.5:
            found[1]["enum"].append(self.fresh())
        self.random.shuffle(found[1]["enum"])
        return found[0]

    def add_an_all_of_branch(self) -> str | None:
        found = self.schema(lambda at, node: isinstance(node.get("allOf"), list) and not self.names_the_place(at, node))
        if found is None:
            return None
        branch = self.random.choice(({"description": "more"}, {"properties": {self.fresh(): {"type": "string"}}}))
        found[1]["allOf"].insert(self.random.randrange(len(found[1]["allOf"]) + 1), branch)
        return found[0]

    def reorder_all_of_branches(self) -> str | None:
        found = self.schema(lambda at, node: isinstance(node.get("allOf"), list) and not self.names_the_place(at, node))
        if found is None:
            return None
        self.random.shuffle(found[1]["allOf"])
        return found[0]

    def add_a_branch_elsewhere(self) -> str | None:
        def wanted(at: str, node: Value) -> bool:
            return any(isinstance(node.get(key), list) for key in ("oneOf", "anyOf")) and self.untouched(at)

        found = self.schema(wanted)
        if found is None:
            return None
        name = self.fresh()
        branch = {"type": "object", "required": [name], "properties": {name: {"type": "string"}}}
        key = next(key for key in ("oneOf", "anyOf") if isinstance(found[1].get(key), list))
        found[1][key].insert(self.random.randrange(len(found[1][key]) + 1), branch)
        return found[0]

    def write_about_it(self) -> str | None:
        found = self.schema(lambda at, node: True)
        if found is None:
            return None
        key = self.random.choice(("description", "title", "x-note"))
        found[1][key] = self.fresh()
        path, method, operation = self.random.choice(list(self.operations()))
        operation[self.random.choice(("summary", "description", "operationId", "x-note"))] = self.fresh()
        return f"{found[0]} and {method} {path}"

    def tag(self) -> str | None:
        name = self.fresh()
        self.value.setdefault("tags", []).insert(0, {"name": name})
        path, method, operation = self.random.choice(list(self.operations()))
        operation.setdefault("tags", []).insert(0, name)
        return f"{method} {path}"

    def add_an_operation(self) -> str | None:
        path: str = self.random.choice((f"/{self.fresh()}", f"/{self.fresh()}/{{key}}"))
        parameters = [{"name": "key", "in": "path", "required": True, "schema": {"type": "string"}}]
        own = parameters if "{" in path else []
        base: str = self.random.choice(list(self.value["paths"])).rpartition("/")[0]
        names = {part[1:-1] for part in base.split("/") if part.startswith("{")}
        own = own + [{**parameters[0], "name": name} for name in sorted(names)]
        self.value["paths"][base + path] = {"get": {"parameters": own, "responses": {"200": {"description": ""}}}}
        self.shuffled(self.value["paths"])
        return base + path

    def remove_an_operation(self) -> str | None:
        free = [
            (path, method)
            for path, method, _ in self.operations()
            if f"{method.upper()} {path}" not in self.used and self.untouched(f"#/paths/{escape(path)}/{method}")
        ]
        if not free:
            return None
        path, method = self.random.choice(free)
        del self.value["paths"][path][method]
        return f"{method} {path}"

    def reorder_paths_and_operations(self) -> str | None:
        self.shuffled(self.value["paths"])
        for item in self.value["paths"].values():
            self.shuffled(item)
        return "paths"

    def add_a_parameter(self) -> str | None:
        path, method, operation = self.random.choice(list(self.operations()))
        owner: Value = self.random.choice((operation, self.value["paths"][path]))
        new = {"name": self.fresh(), "in": self.random.choice(("query", "header")), "schema": {"type": "integer"}}
        entries = owner.setdefault("parameters", [])
        entries.insert(self.random.randrange(len(entries) + 1), new)
        return f"{method} {path}"

    def reorder_parameters(self) -> str | None:
        for _, _, operation in self.operations():
            self.random.shuffle(operation.get("parameters", []))
        return "all"

    def share_a_parameter(self) -> str | None:
        """An inline parameter that nothing is found about becomes a component."""
        places = [
            (operation["parameters"], index)
            for path, method, operation in self.operations()
            for index, entry in enumerate(operation.get("parameters", ()))
            if "$ref" not in entry and self.untouched(f"#/paths/{escape(path)}/{method}/parameters")
        ]
        if not places:
            return None
        entries, index = self.random.choice(places)
        name = self.fresh()
        self.value.setdefault("components", {}).setdefault("parameters", {})[name] = entries[index]
        entries[index] = {"$ref": f"#/components/parameters/{name}"}
        return name

    def share_a_schema(self) -> str | None:
        """An inline schema that nothing is found about becomes a component."""

        def wanted(at: str, node: Value) -> bool:
            return at.startswith("#/paths/") and self.untouched(at) and not self.below_a_place(at)

        found = self.schema(wanted)
        if found is None:
            return None
        name = self.fresh()
        owner, _, key = found[0].rpartition("/")
        holder = resolve(self.value, owner)
        place: Any = int(key) if isinstance(holder, list) else next(each for each in holder if escape(str(each)) == key)
        self.value.setdefault("components", {}).setdefault("schemas", {})[name] = found[1]
        holder[place] = {"$ref": f"#/components/schemas/{name}"}
        return f"{found[0]} as {name}"

    def below_a_place(self, at: str) -> bool:
        """True where a finding's own schema may lead through this one: its pointer would then go by another way."""
        return any(at.startswith(place) or place.startswith(at) for place in self.found)

    def rename_a_path_parameter(self) -> str | None:
        # What breaks the parameter itself is found under its name, and so is another finding afterwards.
        known = [path for path in self.value["paths"] if "{" in path and path not in self.broken]
        if not known:
            return None
        path: str = self.random.choice(known)
        old = path.partition("{")[2].partition("}")[0]
        new = self.fresh()
        item = self.value["paths"].pop(path)
        for owner in [item, *(item[method] for method in METHODS if isinstance(item.get(method), dict))]:
            for index, entry in enumerate(owner.get("parameters", [])):
                node = resolve(self.value, entry["$ref"]) if "$ref" in entry else entry
                if node.get("in") == "path" and node.get("name") == old:
                    owner["parameters"][index] = {**copy.deepcopy(node), "name": new}
        renamed = path.replace(f"{{{old}}}", f"{{{new}}}")
        self.value["paths"][renamed] = item
        was, now = (f"#/paths/{escape(each)}/" for each in (path, renamed))
        self.found = {now + place.removeprefix(was) if place.startswith(was) else place for place in self.found}
        self.used = {key.partition(" ")[0] + f" {renamed}" if key.endswith(f" {path}") else key for key in self.used}
        self.broken = {renamed if each == path else each for each in self.broken}
        return path

    def add_a_component(self) -> str | None:
        components = self.value.setdefault("components", {})
        section: str = self.random.choice(("schemas", "parameters", "headers", "responses"))
        new = {
            "schemas": {"type": "object", "properties": {"id": {"type": "string"}}},
            "parameters": {"name": self.fresh(), "in": "query", "schema": {"type": "string"}},
            "headers": {"schema": {"type": "string"}},
            "responses": {"description": ""},
        }[section]
        components.setdefault(section, {})[self.fresh()] = new
        self.shuffled(components[section])
        self.shuffled(components)
        return section

    def remove_a_component(self) -> str | None:
        text = repr(self.value)
        free = [
            (section, name)
            for section, entries in self.value.get("components", {}).items()
            for name in entries
            if section != "securitySchemes" and f"/{section}/{name}'" not in text and f"/{section}/{name}/" not in text
        ]
        if not free:
            return None
        section, name = self.random.choice(free)
        if any(place.startswith(f"#/components/{section}/{escape(name)}") for place in self.found):
            return None
        del self.value["components"][section][name]
        return f"{section} {name}"

    def add_a_response(self) -> str | None:
        path, method, operation = self.random.choice(list(self.operations()))
        operation["responses"][self.random.choice(("451", "410", "226"))] = {"description": "", "content": {}}
        self.shuffled(operation["responses"])
        return f"{method} {path}"

    def add_a_media_type(self) -> str | None:
        nodes = [
            entry["content"]
            for _, _, operation in self.operations()
            for entry in operation["responses"].values()
            if entry.get("content")
        ]
        if not nodes:
            return None
        content = self.random.choice(nodes)
        content[f"application/{self.fresh()}"] = {}
        self.shuffled(content)
        return "a response"

    def add_a_header(self) -> str | None:
        nodes = [entry for _, _, op in self.operations() for entry in op["responses"].values() if "$ref" not in entry]
        if not nodes:
            return None
        headers = self.random.choice(nodes).setdefault("headers", {})
        headers[f"X-{self.fresh()}"] = {"schema": {"type": "string"}}
        self.shuffled(headers)
        return "a response"

    def add_a_server(self) -> str | None:
        self.value.setdefault("servers", [{"url": "/"}]).append({"url": f"https://{self.fresh()}.example.com"})
        return "servers"

    def edit(self) -> str:
        """Makes one edit, and says which."""
        while True:
            name = self.random.choice(_EDITS)
            done = getattr(self, name)()
            if done is not None:
                return f"{name.replace('_', ' ')}: {done}"


_EDITS = sorted(
    name
    for name in vars(Editor)
    if name.startswith(("add_", "remove_", "reorder_", "share_", "rename_", "write_", "tag"))
)


def _said(exchanges: list[Exchange]) -> set[str]:
    """Every word of the exchanges, so that what they may carry is left alone."""
    words: set[str] = set()
    for exchange in exchanges:
        text = exchange.request.url.encode() + (exchange.request.body or b"")
        text += exchange.response.body if exchange.response is not None else b""
        words.update(text.decode("utf-8", "replace").replace('"', " ").replace("=", " ").replace("&", " ").split())
    return words


def identities(value: Value, exchanges: list[Exchange]) -> set[tuple[str, str]]:
    judge = Judge(Contract(document(value)), lambda rule, level: level)
    return {
        (finding.rule, finding.fingerprint) for exchange in exchanges for finding in judge.exchange(exchange).findings
    }


def plain(value: Any) -> Any:
    """A copy that may be edited, without what the reader of files hangs on it."""
    if isinstance(value, dict):
        return {str(key): plain(child) for key, child in value.items()}
    return [plain(child) for child in value] if isinstance(value, list) else value


def assert_that_edits_change_nothing(value: Value, exchanges: list[Exchange], seed: int, edits: int) -> list[str]:
    before = identities(value, exchanges)
    editor = Editor(value, exchanges, seed)
    done: list[str] = []
    for _ in range(edits):
        done.append(editor.edit())
        assert identities(value, exchanges) == before, f"changed by {done[-1]}"
    return done


def drifting(value: Value, count: int, seed: int = 0) -> list[Exchange]:
    """The exchanges, of so many, in which something is found."""
    contract = Contract(document(value))
    judge = Judge(contract, lambda rule, level: level)
    return [each for each in recorded(contract, count, seed) if judge.exchange(each).findings]


@pytest.mark.parametrize("seed", range(4))
def test_unrelated_edits_of_the_demo_change_no_identity(seed: int) -> None:
    value = plain(load(DEMO).value)
    exchanges = drifting(value, 120, seed)
    assert len({rule for rule, _ in identities(value, exchanges)}) >= 8
    done = assert_that_edits_change_nothing(value, exchanges, seed, EDITS // 4)
    assert len({edit.partition(":")[0] for edit in done}) >= 12


@pytest.mark.data
@pytest.mark.skipif(DATA is None, reason="the shared data is not there: set CONTRACT_DATA")
@pytest.mark.parametrize("name", ["museum.yaml", "harbor.yaml"])
def test_unrelated_edits_of_a_real_document_change_no_identity(name: str, tmp_path: Path) -> None:
    assert DATA is not None
    (tmp_path / name).write_bytes(lzma.decompress((DATA / "documents" / f"{name}.xz").read_bytes()))
    value = plain(load(tmp_path / name).value)
    exchanges = drifting(value, 60)
    assert len(identities(value, exchanges)) >= 10
    assert_that_edits_change_nothing(value, exchanges, 1, EDITS // 8)
