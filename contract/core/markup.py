"""The value that an XML document stands for, by the schema's XML Objects (OpenAPI 3.2, 4.26; 3.0.3, 4.7.26).

An XML document has no types and few rules for names; where a schema leaves a choice (`$ref` beside a property's name, the
name of a wrapper's items), each is taken.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from contract.core.document import escape, split
from contract.core.readings import Malformed, Pointers, Reading, Unread, decode, mapping, scalars

_DEEPEST = 100  # elements are read by recursion, some calls for each
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_NOT_DATA = frozenset({_XSI, "http://www.w3.org/XML/1998/namespace", "http://www.w3.org/2000/xmlns/"})


class Node:
    """An element: its attributes, and its elements and texts in order."""

    __slots__ = ("attributes", "children", "name", "space")

    def __init__(self, space: str | None, name: str, attributes: dict[str, str]) -> None:
        self.space = space
        self.name = name
        self.attributes = attributes
        self.children: list[Node | Text] = []

    @property
    def elements(self) -> list[Node]:
        return [child for child in self.children if isinstance(child, Node)]

    @property
    def is_nil(self) -> bool:
        return self.attributes.get(f"{_XSI} nil", self.attributes.get("xsi:nil")) in ("true", "1")

    def text(self, cdata: bool | None = None) -> str:
        """All text directly in the element; with `cdata`, only that in CDATA sections, or only that outside of them."""
        return "".join(
            child.value for child in self.children if isinstance(child, Text) and cdata in (None, child.cdata)
        )


class Text:
    """A run of text; `cdata` if it stood in a CDATA section."""

    __slots__ = ("cdata", "value")

    def __init__(self, value: str, cdata: bool) -> None:
        self.value = value
        self.cdata = cdata


def parse(data: bytes, charset: str | None) -> Node:
    """The root element; `Malformed` where the body is not well-formed, `Unread` where it has a DTD.

    Without a DTD there are no entities but the five of XML 1.0, so nothing grows and nothing is fetched. The charset of
    the label goes before that of the declaration (RFC 7303, 3).
    """
    if not data.strip():
        raise Malformed("an empty body")
    encoding = None
    if charset is not None:
        try:
            data, encoding = decode(data, charset).encode(), "utf-8"
        except UnicodeDecodeError:
            raise Malformed(f"no XML: it is not {charset}") from None
    return _parsed(data, encoding, spaces=True)


def _parsed(data: bytes, encoding: str | None, spaces: bool) -> Node:
    from xml.parsers import expat

    parser = expat.ParserCreate(encoding, " " if spaces else None)
    parser.buffer_text = True
    parser.ordered_attributes = True
    top = Node(None, "", {})
    stack = [top]
    in_cdata = False

    def named(name: str) -> tuple[str | None, str]:
        space, _, local = name.rpartition(" ")
        return (space or None, local) if spaces else (None, name.rpartition(":")[2])

    def start(name: str, attributes: list[str]) -> None:
        if len(stack) > _DEEPEST:
            raise Malformed(f"XML nested deeper than {_DEEPEST} levels")
        node = Node(*named(name), dict(zip(attributes[::2], attributes[1::2], strict=True)))
        stack[-1].children.append(node)
        stack.append(node)

    def end(name: str) -> None:
        stack.pop()

    def characters(text: str) -> None:
        stack[-1].children.append(Text(text, in_cdata))

    def section(begins: bool) -> None:
        nonlocal in_cdata
        in_cdata = begins

    def doctype(*_: object) -> None:
        raise Unread("XML with a document type declaration")

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = characters
    parser.StartCdataSectionHandler = lambda: section(True)
    parser.EndCdataSectionHandler = lambda: section(False)
    parser.StartDoctypeDeclHandler = doctype
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        reason = expat.errors.messages.get(error.code, "")
        if error.code == expat.errors.codes[expat.errors.XML_ERROR_UNBOUND_PREFIX] and spaces:
            return _parsed(data, encoding, spaces=False)  # well-formed, if of no namespace
        if error.code == expat.errors.codes[expat.errors.XML_ERROR_UNKNOWN_ENCODING]:
            raise Unread("XML in a charset that is not known") from None
        raise Malformed(f"no XML: {reason} (line {error.lineno}, column {error.offset + 1})") from None
    except (LookupError, ValueError):
        raise Unread("XML in a charset that is not known") from None  # pyexpat asks Python for the codec
    root = top.elements[0]
    return root


# --- values --------------------------------------------------------------------------------------------------------


def element(reading: Reading, root: Node, schema: Pointers, box: Any, key: Any) -> None:
    """Sets the value of a document's root, and refuses a root of another name than the schema gives it."""
    names = _names(reading, schema, None)
    if names and root.name not in names:
        at = _xml_at(reading, schema)
        reading.refuse("", "xml", at, f"an element `{names[0]}`", f"an element `{root.name}`", root.name)
    _space(reading, root, schema, "")
    _set(reading, root, schema, box, key, None, "")


def _set(reading: Reading, node: Node, schema: Pointers, box: Any, key: Any, inferred: str | None, where: str) -> None:
    """Sets the value of one element."""
    kinds = reading.kinds(schema)
    if node.is_nil:
        box[key] = None
        return
    named = bool(reading.properties(schema)) or "object" in kinds
    if "array" in kinds and not named:
        box[key] = _array(reading, node, schema, inferred, where)
    elif node.elements or (named and (node.attributes or kinds <= {"object", "array", "null"})):
        value: dict[str, Any] = {}
        box[key] = value
        _object(reading, node, schema, value, where)
    else:
        reading.put(box, key, schema, scalars(node.text(), kinds, xml=True))


def _array(reading: Reading, node: Node, schema: Pointers, inferred: str | None, where: str) -> list[Any]:
    """The items of an element that wraps them."""
    values: list[Any] = []
    ordered = any("prefixItems" in each for _, each in reading.nodes(schema))
    texts = ordered and any(
        _kind(reading, reading.items(schema, index)) in ("text", "cdata") for index in range(_longest(reading, schema))
    )
    own = _names(reading, schema, inferred) + ([inferred] if inferred is not None else [])
    for child in node.children:
        if isinstance(child, Text):
            if texts and child.value.strip():
                items = reading.items(schema, len(values))
                values.append(None)
                reading.put(values, -1 % len(values), items, scalars(child.value, reading.kinds(items), xml=True))
            continue
        index = len(values)
        items = reading.items(schema, index)
        place = f"{where}/{index}"
        names = _item_names(reading, items, own)
        if names and child.name not in names and items:
            at = _xml_at(reading, items)
            reading.refuse(place, "xml", at, f"an element `{names[0]}`", f"an element `{child.name}`", child.name)
        _space(reading, child, items, place)
        values.append(None)
        _set(reading, child, items, values, index, child.name, place)
    return values


def _object(reading: Reading, node: Node, schema: Pointers, value: dict[str, Any], where: str) -> None:
    """Puts in the properties of an element: its attributes, its elements by name, its text."""
    left: dict[str, list[Node]] = {}
    for child in node.elements:
        left.setdefault(child.name, []).append(child)
    attributes = {
        name.rpartition(" ")[2].rpartition(":")[2]: text
        for name, text in node.attributes.items()
        if name.rpartition(" ")[0] not in _NOT_DATA and not name.startswith(("xml:", "xsi:", "xmlns"))
    }
    declared = reading.properties(schema)
    kinds_of_node = {name: _kind(reading, places) for name, places in declared.items()}
    for name, places in declared.items():
        kind = kinds_of_node[name]
        if kind == "attribute":
            _attribute(reading, node, schema, name, places, attributes, left, value, where)
    for name, places in declared.items():
        kind = kinds_of_node[name]
        if kind == "attribute":
            continue
        if kind in ("text", "cdata"):
            text = _text(node, kind, both={"text", "cdata"} <= set(kinds_of_node.values()))
            if text.strip() or "string" in reading.kinds(places):
                reading.put(value, name, places, scalars(text, reading.kinds(places), xml=True))
            continue
        if kind == "none" and "object" in reading.kinds(places) and "array" not in reading.kinds(places):
            own = [each for each in left if each in _elements_of(reading, places)]
            if own:
                group = Node(node.space, node.name, {})
                group.children = [child for each in own for child in left.pop(each)]
                inner: dict[str, Any] = {}
                value[name] = inner
                _object(reading, group, places, inner, f"{where}/{escape(name)}")
            continue
        _child(reading, node, schema, name, places, attributes, left, value, where)
    for name, text in attributes.items():
        if name not in value:
            places = reading.property(schema, name)
            reading.put(value, name, places, scalars(text, reading.kinds(places), xml=True))
    for name, nodes in left.items():
        if name in value:
            continue  # of the same name as an attribute
        places = reading.property(schema, name)
        _several(reading, nodes, places, value, name, f"{where}/{escape(name)}")
    _bare_text(reading, node, schema, declared, kinds_of_node, attributes, value)


def _child(
    reading: Reading,
    node: Node,
    schema: Pointers,
    name: str,
    places: Pointers,
    attributes: dict[str, str],
    left: dict[str, list[Node]],
    value: dict[str, Any],
    where: str,
) -> None:
    """A property that is an element, or the elements of an array."""
    place = f"{where}/{escape(name)}"
    is_array = "array" in reading.kinds(places)
    wrapped = is_array and _wrapped(reading, places)
    if is_array and not wrapped:
        # A name beside `type: array` has no effect without a wrapper (3.1.1, 4.8.26.3), and is often meant for the items.
        names = _item_names(reading, reading.items(places, 0), [name, *_names(reading, places, None)])
    else:
        names = _names(reading, places, name)
    found = next((each for each in names if each in left), None)
    if found is None:
        if name in attributes and name not in left and not is_array:
            at = _xml_at(reading, places)
            reading.refuse(place, "xml", at, f"an element `{names[0]}`", f"an attribute `{name}`", name)
            text = attributes.pop(name)
            reading.put(value, name, places, scalars(text, reading.kinds(places), xml=True))
        elif is_array and not wrapped and reading.requires(schema, name):
            value[name] = []  # no elements are an array without items, and the same as no array
        return
    nodes = left.pop(found)
    for each in nodes:
        _space(reading, each, reading.items(places, 0) if is_array and not wrapped else places, place)
    if is_array and not wrapped:
        kinds = reading.kinds(places)
        values: list[Any] = []
        for index, each in enumerate(nodes):
            values.append(None)
            _set(reading, each, reading.items(places, index), values, index, found, f"{place}/{index}")
        readings: list[Any] = [values]
        if len(nodes) == 1 and kinds != {"array"}:
            alone: list[Any] = [None]
            _set(reading, nodes[0], places, alone, 0, found, place)
            readings.append(alone[0])
        reading.put(value, name, places, readings)
    elif len(nodes) == 1:
        _set(reading, nodes[0], places, value, name, found, place)
    else:
        values = [None] * len(nodes)
        value[name] = values  # several where one is declared: an array, which the schema refuses
        for index, each in enumerate(nodes):
            _set(reading, each, places, values, index, found, f"{place}/{index}")


def _several(reading: Reading, nodes: Sequence[Node], places: Pointers, box: Any, key: Any, where: str) -> None:
    """Elements that no property names."""
    if len(nodes) == 1 and "array" not in reading.kinds(places):
        _set(reading, nodes[0], places, box, key, nodes[0].name, where)
        return
    values: list[Any] = [None] * len(nodes)
    box[key] = values
    items = reading.items(places, 0) if "array" in reading.kinds(places) else places
    for index, each in enumerate(nodes):
        _set(reading, each, items, values, index, each.name, f"{where}/{index}")


def _attribute(
    reading: Reading,
    node: Node,
    schema: Pointers,
    name: str,
    places: Pointers,
    attributes: dict[str, str],
    left: dict[str, list[Node]],
    value: dict[str, Any],
    where: str,
) -> None:
    wanted = _explicit(reading, places) or name
    if wanted in attributes:
        text = attributes.pop(wanted)
        kinds = reading.kinds(places)
        if "array" in kinds:
            items = reading.items(places, 0)  # a list of XML Schema is parted by white space (part 2, 2.5.1.2)
            value[name] = [scalars(each, reading.kinds(items), xml=True)[0] for each in text.split()]
            return
        reading.put(value, name, places, scalars(text, kinds, xml=True))
    elif len(left.get(wanted, ())) == 1:
        place = f"{where}/{escape(name)}"
        at = _xml_at(reading, places)
        reading.refuse(place, "xml", at, f"an attribute `{wanted}`", f"an element `{wanted}`", name)
        _set(reading, left.pop(wanted)[0], places, value, name, wanted, place)
    elif "null" in reading.kinds(places) and reading.requires(schema, name):
        value[name] = None  # an attribute that is left out is null where that is allowed (3.2, 4.26.5)


def _text(node: Node, kind: str, both: bool) -> str:
    if kind == "cdata" and any(isinstance(child, Text) and child.cdata for child in node.children):
        return node.text(cdata=True)
    return node.text(cdata=False) if both else node.text()


def _bare_text(
    reading: Reading,
    node: Node,
    schema: Pointers,
    declared: Mapping[str, Pointers],
    kinds_of_node: Mapping[str, str],
    attributes: Mapping[str, str],
    value: dict[str, Any],
) -> None:
    """The text of an element with attributes. Before 3.2 no document can say where it goes: the one property left."""
    text = node.text()
    if not text.strip() or reading.newest or not {"text", "cdata"}.isdisjoint(kinds_of_node.values()):
        return
    free = [name for name, kind in kinds_of_node.items() if kind != "attribute" and name not in value]
    if len(free) == 1 and not node.elements:
        kinds = reading.kinds(declared[free[0]])
        reading.put(value, free[0], declared[free[0]], scalars(text, kinds, xml=True))


# --- XML Objects ---------------------------------------------------------------------------------------------------


def _own(reading: Reading, places: Pointers) -> list[tuple[str, Mapping[str, Any]]]:
    """The XML Objects of the schemas themselves, before those that they refer to."""
    nodes = reading.nodes(places)
    direct = [(at, mapping(node["xml"])) for at, node in nodes if at in places and "xml" in node]
    return direct or [(at, mapping(node["xml"])) for at, node in nodes if "xml" in node]


def _xml_at(reading: Reading, places: Pointers) -> str:
    own = _own(reading, places)
    return f"{own[0][0]}/xml" if own else places[0] if places else ""


def _explicit(reading: Reading, places: Pointers) -> str | None:
    return next((xml["name"] for _, xml in _own(reading, places) if isinstance(xml.get("name"), str)), None)


def _names(reading: Reading, places: Pointers, inferred: str | None) -> list[str]:
    """The names that an element of a schema may have, the likeliest first; none where no name can be inferred."""
    found: list[str] = []
    nodes = reading.nodes(places)
    for at, node in nodes:
        name = mapping(node.get("xml")).get("name")
        if isinstance(name, str):
            found.append(name)
            if at in places:
                return [name]
    if inferred is not None:
        found.append(inferred)
    for at, _ in nodes:
        tokens = split(at)
        if len(tokens) == 3 and tokens[:2] == ("components", "schemas"):
            found.append(tokens[2])
    return list(dict.fromkeys(found))


def _item_names(reading: Reading, items: Pointers, otherwise: list[str]) -> list[str]:
    """The names that an array's elements may have: their own, or those inferred."""
    direct = [mapping(node.get("xml")).get("name") for at, node in reading.nodes(items) if at in items]
    named = [name for name in direct if isinstance(name, str)]
    return named or list(dict.fromkeys([*otherwise, *_names(reading, items, None)]))


def _kind(reading: Reading, places: Pointers) -> str:
    """What a schema is in the document: element, attribute, text, cdata or none (3.2, 4.26.2)."""
    for _, xml in _own(reading, places):
        kind = xml.get("nodeType")
        if isinstance(kind, str):
            return kind
        if xml.get("attribute") is True:
            return "attribute"
    return "element"


def _wrapped(reading: Reading, places: Pointers) -> bool:
    return any(xml.get("wrapped") is True or xml.get("nodeType") == "element" for _, xml in _own(reading, places))


def _elements_of(reading: Reading, places: Pointers) -> set[str]:
    """Every name that an element below a schema may have."""
    found: set[str] = set()
    for name, inner in reading.properties(places).items():
        found.update(_names(reading, inner, name), _names(reading, reading.items(inner, 0), name))
    return found


def _longest(reading: Reading, schema: Pointers) -> int:
    return max((len(node["prefixItems"]) for _, node in reading.nodes(schema) if "prefixItems" in node), default=0)


def _space(reading: Reading, node: Node, places: Pointers, where: str) -> None:
    """Refuses an element of another namespace than the schema names."""
    declared = [(at, xml["namespace"]) for at, xml in _own(reading, places) if isinstance(xml.get("namespace"), str)]
    if declared and node.space not in [space for _, space in declared]:
        observed = f"in the namespace {node.space}" if node.space else "in no namespace"
        reading.refuse(where, "xml", f"{declared[0][0]}/xml", f"the namespace {declared[0][1]}", observed, "namespace")
