"""Where `$dynamicRef` counts: schemas with an `$id` as resources of their own (JSON Schema Core, 8.2.1, 8.2.3.2).

Which schema a dynamic reference means depends on the resources that were gone through on the way to it, so these must
stay apart; everywhere else the whole document is one resource, and its references are pointers into it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from contract.core.document import escape

_DATA = frozenset({"example", "examples", "enum", "const", "default"})
_SAFE = "/~!$&'()*+,;=:@%"


class Scopes:
    """The resources of a document that has dynamic references."""

    def __init__(self, value: Mapping[str, Any], document: str) -> None:
        self._document = document
        self._ids: dict[str, str] = {}  # by pointer
        self._anchors: dict[str, str] = {}  # of the document itself: name to pointer
        for pointer, node, inside in _schemas(value, "#", False):
            if isinstance(identity := node.get("$id"), str):
                self._ids[pointer] = identity
            elif not inside:
                for keyword in ("$anchor", "$dynamicAnchor"):
                    if isinstance(name := node.get(keyword), str):
                        self._anchors.setdefault(name, pointer)
        self._pointers = {identity: pointer for pointer, identity in self._ids.items()}

    def uri(self, pointer: str) -> str:
        """The address of a place of the document: in the nearest resource around it."""
        place = pointer
        while place != "#":
            if place in self._ids:
                return f"{self._ids[place]}#{quote(pointer[len(place) :], safe=_SAFE)}"
            place = place.rpartition("/")[0]
        return f"{self._document}#{quote(pointer[1:], safe=_SAFE)}"

    def pointer(self, uri: str) -> str:
        """The place of the document that an address means, without percent-encoding."""
        from urllib.parse import unquote

        address, _, fragment = uri.partition("#")
        return self._pointers.get(address, "#") + unquote(fragment)

    def resources(self, value: Mapping[str, Any]) -> list[tuple[str, Any]]:
        """What a registry holds: each resource by its address, the document among them."""
        found: list[tuple[str, Any]] = []

        def absolute(node: Any, pointer: str, inside: bool) -> Any:
            if isinstance(node, list):
                return [absolute(item, f"{pointer}/{index}", inside) for index, item in enumerate(node)]
            if not isinstance(node, Mapping):
                return node
            own = self._ids.get(pointer)
            fresh: dict[str, Any] = {}
            for name, child in node.items():
                if name in _DATA and not pointer.endswith("/properties"):
                    fresh[name] = child
                elif name == "$ref" and isinstance(child, str) and child.startswith("#"):
                    fresh[name] = self.uri(child)
                elif name == "$dynamicRef" and isinstance(child, str) and not inside and own is None:
                    # Outside of resources there is one scope, and so only one schema that it may mean.
                    anchor = self._anchors.get(child[1:])
                    fresh["$ref"] = self.uri(anchor if anchor is not None else child)
                else:
                    fresh[name] = absolute(child, f"{pointer}/{escape(str(name))}", inside or own is not None)
            if own is None or inside:
                return fresh
            found.append((own, fresh))
            return {"$ref": own}

        found.append((self._document, absolute(value, "#", False)))
        return found


def _schemas(node: Any, pointer: str, inside: bool) -> Iterator[tuple[str, Mapping[str, Any], bool]]:
    if isinstance(node, list):
        for index, item in enumerate(node):
            yield from _schemas(item, f"{pointer}/{index}", inside)
    elif isinstance(node, Mapping):
        named = pointer.endswith("/properties")
        if not named:
            yield pointer, node, inside
        within = inside or (not named and isinstance(node.get("$id"), str))
        for name, child in node.items():
            if isinstance(child, (Mapping, list)) and (name not in _DATA or named):
                yield from _schemas(child, f"{pointer}/{escape(str(name))}", within)


def has_dynamic(node: Any) -> bool:
    """True if there is a dynamic reference anywhere below."""
    stack: list[Any] = [node]
    while stack:
        node = stack.pop()
        if isinstance(node, Mapping):
            if isinstance(node.get("$dynamicRef"), str):
                return True
            stack.extend(child for child in node.values() if isinstance(child, (dict, list)))
        elif isinstance(node, list):
            stack.extend(child for child in node if isinstance(child, (dict, list)))
    return False
