"""An edit of a document moves nothing but what it adds, whatever the text around it looks like."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from contract.app.patches import patched, value_of
from contract.core.document import pointer
from contract.core.remedies import Edit, Refused, applied

PROBLEM = {"$ref": "#/components/responses/Problem"}
STATUS = Edit("#/paths/~1tasks/get", ("responses",), "set", "409", PROBLEM, "status")
NULL = Edit("#/due_at", (), "set", "type", ["string", "null"])
SORT = Edit("#/get", ("parameters",), "append", "", {"name": "sort", "in": "query", "schema": {"type": "string"}})
TEXT = Edit("#", ("content",), "set", "text/plain", {"schema": {"type": "string"}})
SCORE = Edit("#/Task", ("properties",), "set", "score", {"type": "integer"})
NO_ID = Edit("#/Task", ("required",), "drop", "", "id")

CASES: dict[str, tuple[Edit, str, str]] = {
    "a status stands among its like, comments stay, quotes are those around it": (
        STATUS,
        """\
paths:
  /tasks:
    get:
      responses:
        "200": {description: All.}   # the list
        "404":
          description: None.
          # nobody asks for it

        # from here on: refusals
        default: {description: Error.}
""",
        """\
paths:
  /tasks:
    get:
      responses:
        "200": {description: All.}   # the list
        "404":
          description: None.
          # nobody asks for it
        "409": {$ref: "#/components/responses/Problem"}

        # from here on: refusals
        default: {description: Error.}
""",
    ),
    "statuses without quotes get none; references on one line stay so": (
        STATUS,
        "paths:\n  /tasks:\n    get:\n      responses:\n        200: { $ref: '#/a' }\n        500: { $ref: '#/b' }\n",
        "paths:\n  /tasks:\n    get:\n      responses:\n        200: { $ref: '#/a' }\n"
        "        409: { $ref: '#/components/responses/Problem' }\n        500: { $ref: '#/b' }\n",
    ),
    "the least status goes to the front": (
        Edit("#", ("responses",), "set", "200", {"description": "OK"}, "status"),
        "responses:\n  '404':\n    description: None.\n",
        "responses:\n  '200':\n    description: OK\n  '404':\n    description: None.\n",
    ),
    "a file in braces on one line": (
        STATUS,
        "{paths: {/tasks: {get: {responses: {'200': {description: All.}}}}}}\n",
        "{paths: {/tasks: {get: {responses: {'200': {description: All.}, '409': {$ref: '#/components/responses/Problem'}}}}}}\n",
    ),
    "a type becomes a list, its comment stays": (
        NULL,
        "due_at:\n  type: string  # RFC 3339\n  format: date-time\n",
        "due_at:\n  type: [string, 'null']  # RFC 3339\n  format: date-time\n",
    ),
    "nullable stands beside its type": (
        Edit("#/due_at", (), "set", "nullable", True, "type"),
        "due_at:\n    type: string\n    format: date-time",
        "due_at:\n    type: string\n    nullable: true\n    format: date-time",
    ),
    "at the end of a file without a line break": (
        SCORE,
        "Task:\n   properties:\n      id:\n         type: string",
        "Task:\n   properties:\n      id:\n         type: string\n      score:\n         type: integer",
    ),
    "lines that end as on Windows": (
        SCORE,
        "Task:\r\n  properties:\r\n    id: {type: string}\r\nUser: {}\r\n",
        "Task:\r\n  properties:\r\n    id: {type: string}\r\n    score: {type: integer}\r\nUser: {}\r\n",
    ),
    "behind a text of several lines": (
        TEXT,
        "content:\n  text/html:\n    schema:\n      description: |\n        Some.\n\n        Words.\n\nnext: 1\n",
        "content:\n  text/html:\n    schema:\n      description: |\n        Some.\n\n        Words.\n"
        "  text/plain:\n    schema:\n      type: string\n\nnext: 1\n",
    ),
    "what is not there yet is made, in front of the responses": (
        SORT,
        "get:\n  operationId: list\n  responses:\n    '200': {description: ''}\n",
        "get:\n  operationId: list\n  parameters:\n    - name: sort\n      in: query\n      schema: {type: string}\n"
        "  responses:\n    '200': {description: ''}\n",
    ),
    "dashes stand where the others do": (
        SORT,
        "get:\n  parameters:\n  - name: limit\n    in: query\n    schema:\n      type: integer\n  responses: {}\n",
        "get:\n  parameters:\n  - name: limit\n    in: query\n    schema:\n      type: integer\n"
        "  - name: sort\n    in: query\n    schema:\n      type: string\n  responses: {}\n",
    ),
    "an item of a mapping in a list": (
        Edit("#/allOf/1", ("properties",), "set", "score", {"type": "integer"}),
        "allOf:\n- $ref: '#/Base'\n- properties:\n    id:\n      type: string\n  required:\n  - id\n",
        "allOf:\n- $ref: '#/Base'\n- properties:\n    id:\n      type: string\n    score:\n      type: integer\n"
        "  required:\n  - id\n",
    ),
    "an item less, in lines": (
        NO_ID,
        "Task:\n  required:\n    - name\n    - id\n    - key # last\n  type: object\n",
        "Task:\n  required:\n    - name\n    - key # last\n  type: object\n",
    ),
    "an item less, in brackets": (NO_ID, "Task: {required: [id, name]}\n", "Task: {required: [name]}\n"),
    "the last item takes the list with it": (
        NO_ID,
        "Task:\n  required:\n    - id\n  type: object\n",
        "Task:\n  type: object\n",
    ),
    "a member of an enum that looks like another type is quoted": (
        Edit("#", ("enum",), "append", "", "no"),
        'enum: ["yes", "maybe"]\n',
        'enum: ["yes", "maybe", "no"]\n',
    ),
    "JSON in lines": (
        STATUS,
        json.dumps({"paths": {"/tasks": {"get": {"responses": {"200": {"description": "é"}}}}}}, indent=4) + "\n",
        json.dumps(
            {"paths": {"/tasks": {"get": {"responses": {"200": {"description": "é"}, "409": PROBLEM}}}}}, indent=4
        )
        + "\n",
    ),
    "JSON on one line": (
        SCORE,
        '{"Task":{"properties":{"id":{}}}}',
        '{"Task":{"properties":{"id":{},"score":{"type":"integer"}}}}',
    ),
    "JSON with tabs": (
        SCORE,
        '{\n\t"Task": {\n\t\t"properties": {\n\t\t\t"id": {}\n\t\t}\n\t}\n}\n',
        '{\n\t"Task": {\n\t\t"properties": {\n\t\t\t"id": {},\n\t\t\t"score": {\n\t\t\t\t"type": "integer"\n\t\t\t}\n\t\t}\n\t}\n}\n',
    ),
    "JSON without anything at the place yet": (
        TEXT,
        '{\n  "content": {}\n}\n',
        '{\n  "content": {\n    "text/plain": {\n      "schema": {\n        "type": "string"\n      }\n    }\n  }\n}\n',
    ),
    "a type in JSON": (NULL, '{\n  "due_at": {"type": "string"}\n}', '{\n  "due_at": {"type": ["string", "null"]}\n}'),
}


@pytest.mark.parametrize("name", CASES)
def test_only_what_is_meant_changes(name: str) -> None:
    edit, before, after = CASES[name]
    assert patched(before.encode(), [edit]).decode() == after


def test_a_byte_order_mark_stays() -> None:
    assert patched(b"\xef\xbb\xbfTask: {required: [id, name]}", [NO_ID]) == b"\xef\xbb\xbfTask: {required: [name]}"


REFUSED = {
    "Task: &task\n  properties:\n    id: {}\nOther: *task\n": "the place lies in the anchor `&task`, and a change would show wherever it is repeated",
    "Other: &o\n  properties: {}\nTask: *o\n": "the place is written as the alias `*o`, and a change would be one of its anchor",
    "Base: &b {type: object}\nTask:\n  <<: *b\n  properties: {}\n": "the place has a merge key (`<<`), and what stands there is not all that it says",
    "# Code generated by swag. DO NOT EDIT.\nTask:\n  properties: {}\n": "the file is generated (`Code generated by swag. DO NOT EDIT.`), and the next run would undo it: change what it is made from",
    '{"x-generator": "NSwag v13", "Task": {}}': "the file is generated, and the next run would undo it: change what it is made from",
    "Task:\n  $ref: '#/Other'\nOther: {}\n": "the place is a reference, and what it names is not to be changed for this one",
    "Task: []\n": "what is to be changed is not written where it should be",
}


@pytest.mark.parametrize("text", REFUSED)
def test_what_cannot_be_changed_safely_is_refused_with_the_reason(text: str) -> None:
    with pytest.raises(Refused) as refused:
        patched(text.encode(), [SCORE])
    assert str(refused.value) == REFUSED[text]


def test_a_file_in_utf_16_is_left_alone() -> None:
    with pytest.raises(Refused) as refused:
        patched("Task: {}".encode("utf-16"), [SCORE])
    assert str(refused.value) == "the file is UTF-16, and only UTF-8 is written: save it as UTF-8"


NAMES = st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=8).filter(lambda name: name != "<<")
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-1000, 1000) | NAMES,
    lambda inner: st.dictionaries(NAMES, inner, max_size=4) | st.lists(inner, max_size=3),
    max_leaves=12,
)
TREES = st.dictionaries(NAMES, VALUES, min_size=1, max_size=5)
WRITTEN = {
    "block": lambda value: yaml.safe_dump(value, sort_keys=False, allow_unicode=True),
    "indented": lambda value: yaml.safe_dump(value, sort_keys=False, indent=4, default_style="'"),
    "flow": lambda value: yaml.safe_dump(value, sort_keys=False, default_flow_style=True, width=40),
    "json": lambda value: json.dumps(value, indent=2),
    "small": lambda value: json.dumps(value, separators=(",", ":"), ensure_ascii=False),
}


def mappings(value: Any, *above: str) -> list[tuple[str, ...]]:
    """The ways to all mappings in a value."""
    found = [above] if isinstance(value, dict) else []
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        found += mappings(item, *above, str(key))
    return found


@given(st.data(), TREES, NAMES, VALUES, st.sampled_from(sorted(WRITTEN)))
def test_a_patched_text_says_what_it_said_and_the_edit(
    data: st.DataObject, tree: dict[str, Any], key: str, value: Any, written: str
) -> None:
    before = WRITTEN[written](tree)
    if value_of(before) != tree:
        return  # PyYAML writes YAML 1.1, and some texts are read otherwise by 1.2
    edit = Edit(pointer(*data.draw(st.sampled_from(mappings(tree)))), (), "set", key, value)
    try:
        after = patched(before.encode(), [edit]).decode()
    except Refused as refused:
        assert "cannot be kept" in str(refused) or "reference" in str(refused) or "generated" in str(refused)
        return
    assert value_of(after) == applied(tree, edit)
    kept = [line for line in before.splitlines() if line in after.splitlines()]
    assert len(kept) >= len(before.splitlines()) - 3 or written in ("flow", "small")
