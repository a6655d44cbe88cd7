"""Documents that real services publish: honest exchanges give no finding, and one broken place gives that finding.

All operations of all documents are taken, but for the largest, where a hash chooses one operation in a few (SHARE).
With CONTRACT_COMPLETE=1 in the environment nothing is left out; that takes some minutes.
"""

from __future__ import annotations

import hashlib
import json
import lzma
import os
import tarfile
from collections.abc import Iterator
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from contract.core import message, sample
from contract.core.check import Judge
from contract.core.evidence import Exchange, Request, is_json
from contract.core.finding import fold, folded
from contract.core.openapi import Contract, MediaType, Operation
from contract.sources.documents.file import load
from tests.data import DATA

pytestmark = pytest.mark.data
INDEX: list[dict[str, Any]] = json.loads((DATA / "documents" / "index.json").read_text()) if DATA else []
NAMES = [str(entry["name"]) for entry in INDEX]
COMPLETE = bool(os.environ.get("CONTRACT_COMPLETE"))
SHARE = {"github": 8, "digitalocean": 6, "discord": 4, "xero-accounting": 2, "openai": 2}
"""One operation in so many."""
BREAKS = 400 if COMPLETE else 6  # at most so many constraints of one schema are broken, each in an exchange of its own

NOTHING_CONFORMS = {
    # `oneOf` of two open objects without a required property: whatever fits one fits the other.
    "github": {("PUT /repos/{owner}/{repo}/contents/{path}", "409", "application/json")},
    # `itemSchema` says that an event's data is an object; on the wire it is text (3.2, 4.14.4).
    "redocly-lint-32": {("GET /stream", "200", "text/event-stream")},
}
CONTRADICTED = {
    # `required` names a property that no schema declares.
    "digitalocean": {("POST /v2/uptime/checks", "undeclared-property", "body:/method")},
}


@cache
def contract(name: str) -> Contract:
    assert DATA is not None
    entry = next(entry for entry in INDEX if entry["name"] == name)
    return Contract(load(_unpacked(entry)))


@cache
def _folder() -> Path:
    import tempfile

    return Path(tempfile.mkdtemp(prefix="contract-documents-"))


@pytest.fixture(scope="module", autouse=True)
def _cleared() -> Iterator[None]:
    import shutil

    yield
    shutil.rmtree(_folder(), ignore_errors=True)


def _unpacked(entry: dict[str, Any]) -> Path:
    assert DATA is not None
    packed = DATA / "documents" / entry["file"]
    if "entry" in entry:
        folder = _folder() / str(entry["name"])
        with tarfile.open(packed) as archive:
            archive.extractall(folder, filter="data")
        return folder / str(entry["entry"])
    path = _folder() / packed.stem
    path.write_bytes(lzma.decompress(packed.read_bytes()))
    return path


def chosen(name: str) -> list[Operation]:
    """The operations that are looked at: all, or one in a few by a hash of its key."""
    share = 1 if COMPLETE else SHARE.get(name, 1)
    return [
        operation
        for operation in contract(name).operations
        if int.from_bytes(hashlib.sha256(operation.key.encode()).digest()[:4]) % share == 0
    ]


def unreachable(api: Contract) -> set[str]:
    """Operations that no request belongs to, by the document's own fault.

    Their template differs from an earlier one in the names of parameters only, which the standard forbids (OpenAPI 3.1,
    4.8.8.1), or has a query in it, which no path ever has.
    """
    found: set[str] = set()
    seen: set[str] = set()
    for operation in api.operations:
        folded_key = fold(operation.key)
        if folded_key in seen or "?" in operation.path:
            found.add(operation.key)
        seen.add(folded_key)
    return found


def request(api: Contract, operation: Operation, full: bool) -> Request | None:
    """A request that the router gives to its operation: no id that is another path's literal."""
    for salt in range(4):
        made = message.request(operation, full=full, salt=salt)
        match = api.match(made.method, made.path) if made is not None else None
        if match is not None and match.operation is operation:
            return made
    return None


@pytest.mark.parametrize("name", NAMES)
def test_an_honest_exchange_of_each_operation_gives_no_finding(name: str) -> None:
    api = contract(name)
    judge = Judge(api, lambda rule, level: level)
    unmatched: set[str] = set()
    impossible: set[tuple[str, str, str | None]] = set()
    findings: set[tuple[str, str, str | None]] = set()
    judged = 0
    for operation in chosen(name):
        for full in (False, True):
            asked = request(api, operation, full)
            if asked is None:
                unmatched.add(operation.key)
                continue
            for key, declared in operation.responses.items():
                for media in [entry.range for entry in declared.content] or [None]:
                    answer = message.response(operation, key, media, full=full)
                    if answer is None:
                        impossible.add((operation.key, key, media))
                        continue
                    judgement = judge.exchange(Exchange(asked, answer, "sample"))
                    assert judgement.operation is operation
                    judged += 1
                    findings |= {
                        (operation.key, finding.rule, finding.mismatch.where.pointer) for finding in judgement.findings
                    }
    keys = {operation.key for operation in chosen(name)}
    assert unmatched == unreachable(api) & keys
    assert impossible == {each for each in NOTHING_CONFORMS.get(name, set()) if each[0] in keys}
    assert findings == {each for each in CONTRADICTED.get(name, set()) if each[0] in keys}
    assert judged or not keys
    print(f"{name}: {judged} exchanges of {len(keys)} of {len(api.operations)} operations")


@pytest.mark.parametrize("name", NAMES)
def test_a_body_broken_in_one_place_gives_that_finding_and_no_other(name: str) -> None:
    api = contract(name)
    judge = Judge(api, lambda rule, level: level)
    wrong: list[Any] = []
    count = 0
    contradicted = {key for key, _, _ in CONTRADICTED.get(name, set())}
    for operation in chosen(name):
        asked = request(api, operation, False)
        if asked is None or operation.key in contradicted:
            continue
        for key, declared in operation.responses.items():
            for entry in declared.content:
                for broken in breaks(api, entry, "response"):
                    answer = message.response(operation, key, entry.range, given=broken.value)
                    if answer is None or not answer.body or answer.status >= 500:
                        continue  # HEAD; and server errors are judged as such, whatever they say
                    expected = [("response-schema", broken.keyword, folded(broken.pointer), broken.name)]
                    found = [
                        (one.rule, one.mismatch.keyword, one.mismatch.where.pointer, one.mismatch.name)
                        for one in judge.exchange(Exchange(asked, answer, "sample")).findings
                    ]
                    count += 1
                    if found != expected:
                        wrong.append((operation.key, key, expected, found))
        success = next((key for key in operation.responses if key.startswith("2")), None)
        answer = message.response(operation, success) if success is not None else None
        for entry in operation.request_body.content if operation.request_body and answer else ():
            for broken in breaks(api, entry, "request"):
                sent = message.request(operation, given={"body": broken.value}, media=entry.range)
                match = api.match(sent.method, sent.path) if sent is not None else None
                if sent is None or match is None or match.operation is not operation:
                    continue
                place = f"body:{folded(broken.pointer)}"
                found = [
                    (one.rule, one.mismatch.where.pointer)
                    for one in judge.exchange(Exchange(sent, answer, "sample")).findings
                ]
                count += 1
                if found != [("invalid-request-accepted", place)]:
                    wrong.append((operation.key, place, broken.keyword, found))
    assert wrong == []
    print(f"{name}: {count} broken exchanges of {len(chosen(name))} of {len(api.operations)} operations")


@cache
def breaks(api: Contract, entry: MediaType, direction: str) -> tuple[sample.Broken, ...]:
    if entry.schema is None or not is_json(entry.range):
        return ()
    return tuple(islice(sample.broken(api.schemas, entry.schema, direction), BREAKS))
