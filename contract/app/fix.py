"""Which findings of a report go away by a small edit of the document, each proved on the evidence before it is offered.

A patch is proved by the text that would be written: the document is loaded from it, linted, and every exchange of the
evidence is judged by it. The finding must be gone, and nothing new may appear on any exchange.
"""

from __future__ import annotations

import difflib
import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from contract.app import documents, outputs, plugins, traffic
from contract.app.patches import patched
from contract.app.reported import base_path, documents_of, find, settle
from contract.app.settings import Settings
from contract.app.steps import Notify, Step, silent
from contract.core import redact, remedies
from contract.core.check import Judge
from contract.core.curl import shortened
from contract.core.document import Document, split
from contract.core.errors import ConfigError, ContractError
from contract.core.evidence import Exchange, Lost, Request, Response, Traffic
from contract.core.finding import Finding, Level, Proof, State, fold
from contract.core.openapi import Contract
from contract.core.remedies import Edit, Refused, Remedy, Shown
from contract.core.report import Example, FindingRow, Report

MOST = 20_000
"""Exchanges of recorded traffic that patches are proved on."""
_MANY = 200
"""Exchanges that show one finding, of which a schema is made."""

_WITHOUT_SCHEMA = "response-without-schema"
"""The one rule about the document alone whose findings have a remedy: exchanges show what it does not say."""

Key = tuple[str, ...]
"""A finding without the place of its declaration, which an edit may move."""


@dataclass(frozen=True)
class Target:
    """A finding on one operation."""

    row: FindingRow
    fingerprint: str
    operation: str | None


@dataclass(frozen=True)
class Piece:
    """An exchange of the evidence, and what the document as it is says of it."""

    exchange: Exchange
    part: bool
    findings: tuple[Finding, ...]
    operation: str | None
    """That it belongs to, if it is declared."""
    answered: tuple[str, str]
    """Key of the declared response, and media type; "" for none."""

    @property
    def keys(self) -> frozenset[Key]:
        return frozenset(map(_key, self.findings))


@dataclass
class Patch:
    """A proven remedy."""

    targets: list[Target]
    remedy: Remedy
    edits: dict[str, tuple[Edit, ...]]
    """By file; each `at` points into it."""
    operations: tuple[str, ...]
    """Those that are held to what is changed."""
    proved_on: int
    """Exchanges of the evidence that belong to those operations."""
    diff: str = ""

    @property
    def lines(self) -> int:
        """Lines that the diff adds and takes away."""
        return sum(bool(re.match(r"[+-](?![+-]{2} )", line)) for line in self.diff.splitlines())


@dataclass(frozen=True)
class Left:
    """A finding for which no patch is offered."""

    target: Target
    reason: str


@dataclass
class Fixes:
    """What is offered, and what is not."""

    document: str
    patches: list[Patch] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    evidence: int = 0
    written: list[str] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        return int(bool(self.left))


def chosen(report: Report, fingerprints: Sequence[str]) -> list[Target]:
    """The findings that are asked about: all that are open, or those that are named."""
    if fingerprints:
        found = []
        for text in fingerprints:
            row, own = find(report, text)
            found += [each for each in _targets(row) if own is None or each.fingerprint == own]
        return list({each.fingerprint: each for each in found}.values())
    open_ = (row for row in report.findings if row.state in (State.NEW, State.UNCHANGED))
    return [each for row in open_ for each in _targets(row)]


def _targets(row: FindingRow) -> list[Target]:
    if row.operations:
        return [Target(row, one.fingerprint, f"{one.method} {one.path}") for one in row.operations]
    operation = f"{row.operation.method} {row.operation.path}" if row.operation is not None else None
    return [Target(row, row.fingerprint, operation)]


def fixes(report: Report, targets: Sequence[Target], settings: Settings, *, notify: Notify = silent) -> Fixes:
    """What can be done about the findings on the document's side; nothing is written.

    Raises ConfigError where the document is not the one of the report any more.
    """
    return Workshop(report, settings, notify).fixes(targets)


_Step = tuple[Patch, dict[str, bytes], list[Any]]
"""A patch after those before it, the texts then, and the steps that follow."""


class Workshop:
    """The document of a report, its evidence, and trials of other texts."""

    def __init__(self, report: Report, settings: Settings, notify: Notify = silent) -> None:
        self.settings = replace(settings, documents=settings.documents or documents_of(report.document.path))
        self.notify = notify
        self.base = base_path(report)
        document = documents.load(self.settings)
        if document.sha256 != report.document.sha256:
            raise ConfigError(
                f"{document.path} is not the document of the report any more: it was changed since, or it is another one",
                "run `contract check` again, and then `contract fix`",
            )
        self.report = report
        self.judge = _judge(document, report)
        self.said = list(self.judge.document())
        self.lint = _lint(self.said)
        self.files = {path: Path(path).read_bytes() for path, _ in document.files if "://" not in path}
        self.fixes_ = Fixes(document.path)
        self.seen = {
            (row.key, cell.name, cell.media_type)
            for row in report.operations
            for cell in row.responses
            if cell.exchanges and cell.media_type is not None
        }
        self.pieces: list[Piece] = []
        self._steps: list[_Step] = []
        self._gather(report)

    @property
    def contract(self) -> Contract:
        return self.judge.contract

    # --- evidence

    def _gather(self, report: Report) -> None:
        seen = set()
        shown = (each for row in report.findings for each in (row.example, *(one.example for one in row.operations)))
        for last in filter(None, shown):
            for example in (*last.before, last):
                exchange, part = exchange_of(example)
                identity = (exchange.request, exchange.response)
                if identity not in seen:
                    seen.add(identity)
                    self._add(exchange, part)
        hosts = traffic.hosts_of(self.contract, report.target)
        for item in self.settings.traffic:
            kind, where = plugins.split(item, "--traffic", "har:capture.har")
            module = plugins.plug_in("sources.traffic", kind, "--traffic")
            before, lost = len(self.pieces), Counter[str]()
            for exchange in _read(module, where, hosts, lost):
                if len(self.pieces) - before >= MOST:
                    self.fixes_.notes.append(f"{where}: patches are proved on its first {MOST:,} exchanges")
                    break
                self._add(exchange, False)
                if len(self.pieces) % 500 == 0:
                    self.notify(Step("evidence", len(self.pieces), exchanges=len(self.pieces), phase=kind))
            if lost:
                self.fixes_.notes.append(f"{where}: {lost.total()} × {lost.most_common(1)[0][0]}, which proves nothing")
        whole = {_about(piece.exchange) for piece in self.pieces if not piece.part}
        self.pieces = [piece for piece in self.pieces if not (piece.part and _about(piece.exchange) in whole)]
        self.fixes_.evidence = len(self.pieces)

    def _add(self, exchange: Exchange, part: bool) -> None:
        judged = self.judge.exchange(exchange)
        operation = judged.operation.key if judged.operation is not None else None
        _, key, media = judged.answered
        if operation is not None and media:
            self.seen.add((operation, key, media))
        self.pieces.append(Piece(exchange, part, judged.findings, operation, (key, media)))

    def _shows(self, target: Target) -> tuple[list[Piece], Finding | None]:
        """The pieces that show a finding, and the finding with all that a report leaves out."""
        found = [
            (piece, finding)
            for piece in self.pieces
            for finding in piece.findings
            if finding.fingerprint == target.fingerprint
        ]
        if target.row.rule == "undeclared-operation" and target.operation is not None:
            # A route list and a probe know its template; an exchange has a path.
            pieces = [piece for piece in self.pieces if _fits(piece.exchange, target.operation)]
            finding = _made(target, found[0][1] if found else None)
            return pieces, finding
        if target.row.rule == _WITHOUT_SCHEMA:
            own = next((one for one in self.said if one.fingerprint == target.fingerprint), None)
            return [piece for piece in self.pieces if own is not None and _answers(piece, own)], own
        return [piece for piece, _ in found], found[0][1] if found else None

    def _same_place(self, finding: Finding) -> Iterator[Shown]:
        """What shows the same of a shared schema otherwise: one edit is to be true of all its users."""
        shared = (finding.mismatch.component or "").startswith("#/components/schemas/")
        if not shared or finding.rule not in ("response-schema", "undeclared-property"):
            return
        for piece in self.pieces:
            for one in piece.findings:
                if _declaration(one) == _declaration(finding) and _key(one) != _key(finding):
                    yield Shown(piece.exchange, piece.part, one)

    # --- patches

    def fixes(self, targets: Sequence[Target]) -> Fixes:
        made = self.fixes_
        for number, target in enumerate(targets):
            self.notify(Step("fix", number, len(targets)))
            if any(target in patch.targets for patch in made.patches):
                continue
            try:
                patch = self._patch(target)
            except Refused as refused:
                made.left.append(Left(target, str(refused)))
                continue
            again = next((each for each in made.patches if each.edits == patch.edits), None)
            if again is None:
                made.patches.append(patch)
                again = patch
            else:
                again.targets += patch.targets
            again.targets += [
                each
                for each in targets
                if each not in again.targets and each.row is target.row and self._same(each, again)
            ]
        made.left = [one for one in made.left if not any(one.target in patch.targets for patch in made.patches)]
        self._together()
        return made

    def _same(self, target: Target, patch: Patch) -> bool:
        """True for a member of the same folded finding whose cause is the component that the patch mends."""
        shared = all(not place.startswith("#/paths/") for place in patch.remedy.places)
        return shared and target.operation in patch.operations and not self._shows(target)[0]

    def _patch(self, target: Target) -> Patch:
        """The first remedy that is proven; raises Refused with the reason why there is none."""
        row = target.row
        if (reason := remedies.why_not(row.rule)) is not None:
            raise Refused(reason)
        if row.proof == Proof.DISPUTED:
            raise Refused(
                f"the finding is disputed, so the document may be right: {row.proof_detail or 'see the report'}"
            )
        pieces, finding = self._shows(target)
        if finding is None:
            raise Refused(_unshown(row))
        shown = [Shown(piece.exchange, piece.part) for piece in pieces] + list(self._same_place(finding))
        shown = [one for one in shown if not one.part] or shown
        failures: dict[str, None] = {}
        try:
            for remedy in remedies.options(finding, self.contract, shown[:_MANY], self.seen):
                try:
                    return self._proved(target, finding, remedy, pieces)
                except Refused as refused:
                    failures[str(refused)] = None
        except Refused as refused:
            failures[str(refused)] = None
        raise Refused("; ".join(list(failures)[-2:]) or "there is no remedy")

    def _proved(self, target: Target, finding: Finding, remedy: Remedy, pieces: Sequence[Piece]) -> Patch:
        edits = self._placed(remedy)
        unsaved = self._with(edits, {})
        operations = tuple(remedies.reached(self.contract, remedy.places))
        if target.operation is not None and target.operation not in operations:
            operations = (*operations, target.operation)
        mine = [
            piece
            for piece in self.pieces
            if (piece.operation in operations if piece.operation is not None else _fits_any(piece.exchange, operations))
        ]
        # What belongs to no operation that is reached is looked at when all patches are proved together.
        self._prove(unsaved, [(finding, pieces)], mine)
        return Patch([target], remedy, edits, operations, len(mine), self._diff(unsaved))

    def _placed(self, remedy: Remedy) -> dict[str, tuple[Edit, ...]]:
        """The edits by file, each pointing into it."""
        made: dict[str, tuple[Edit, ...]] = {}
        for edit in remedy.edits:
            file, there = self._origin(edit.at)

            def spelled(reference: str, file: str = file) -> str:
                other, place = self._origin(reference)
                if other == file:
                    return place
                return Path(os.path.relpath(other, os.path.dirname(file))).as_posix() + place

            edit = remedies.with_references(replace(edit, at=there), spelled)
            made[file] = (*made.get(file, ()), edit)
        return made

    def _origin(self, place: str) -> tuple[str, str]:
        """The file that a pointer of the document stands in, and the pointer there."""
        shown, there = self.contract.document.origin(place)
        path = shown if "://" in shown else os.path.abspath(shown)
        if path not in self.files:
            raise Refused(f"{shown} is fetched, and no file of this project: change it where it is made")
        tokens, wanted = split(there), split(place)
        if wanted and tokens and tokens[-1] != wanted[-1] and len(wanted) > 3 and wanted[0] != "components":
            raise Refused(f"what is to be changed is not written in {shown} where it should be")
        return path, there

    def _with(self, edits: Mapping[str, Sequence[Edit]], before: Mapping[str, bytes]) -> dict[str, bytes]:
        """The bytes of the files that were changed before, or are by these edits."""
        made = dict(before)
        for file, mine in edits.items():
            made[file] = patched(made.get(file, self.files[file]), mine)
        return made

    def _texts(self, patches: Sequence[Patch]) -> dict[str, bytes]:
        """The bytes of the files with all of the patches, one after the other; each step is worked out once."""
        made: dict[str, bytes] = {}
        steps = self._steps
        for patch in patches:
            found = next((step for step in steps if step[0] is patch), None)
            if found is None:
                made = self._with(patch.edits, made)
                found = (patch, made, [])
                steps.append(found)
            made, steps = found[1], found[2]
        return made

    def _prove(
        self, unsaved: Mapping[str, bytes], wanted: Sequence[tuple[Finding, Sequence[Piece]]], others: Sequence[Piece]
    ) -> None:
        """Raises Refused unless the findings are gone with the new texts, and nothing new appears anywhere."""
        try:
            judge = _judge(documents.load(self.settings, unsaved), self.report)
            said = list(judge.document())
            fresh = _lint(said) - self.lint
        except ContractError as error:
            raise Refused(f"the patched document does not load: {error.message}") from None
        if fresh:
            raise Refused(
                f"the patched document lints worse: {sorted(fresh)[0][0]} at {sorted(fresh)[0][1] or 'its root'}"
            )
        looked = {id(piece): piece for piece in (*others, *(piece for _, pieces in wanted for piece in pieces))}
        after = {key: judge.exchange(piece.exchange) for key, piece in looked.items()}
        for finding, pieces in wanted:
            if finding.rule == _WITHOUT_SCHEMA and any(_key(one) == _key(finding) for one in said):
                raise Refused("with it the finding still holds")
            for piece in pieces:
                judged = after[id(piece)]
                if any(_key(one) == _key(finding) for one in judged.findings) or (
                    finding.rule == "undeclared-operation" and judged.operation is None
                ):
                    raise Refused(f"with it the finding still holds on {_name(piece.exchange)}")
        for key, piece in looked.items():
            for one in after[key].findings:
                if _key(one) not in piece.keys:
                    raise Refused(f"with it {_name(piece.exchange)} shows something else: {one.mismatch.message}")

    def _together(self) -> None:
        """Takes out what cannot be done beside the patches before it."""
        kept: list[Patch] = []
        try:
            self.proved(self.fixes_.patches)
            return
        except Refused:
            pass
        for patch in self.fixes_.patches:
            try:
                self.proved([*kept, patch])
                kept.append(patch)
            except Refused as refused:
                reason = f"proven alone, and not beside the patches before it: {refused}"
                self.fixes_.left += [Left(target, reason) for target in patch.targets]
        self.fixes_.patches = kept

    def proved(self, patches: Sequence[Patch]) -> dict[str, bytes]:
        """The new texts of the files with all of the patches, proven together; raises Refused."""
        unsaved = self._texts(patches)
        wanted = []
        for patch in patches:
            for target in patch.targets:
                pieces, finding = self._shows(target)
                if finding is not None:
                    wanted.append((finding, pieces))
        if patches:
            self._prove(unsaved, wanted, self.pieces)
        return unsaved

    def write(self, patches: Sequence[Patch]) -> list[str]:
        """Writes the files with these patches, proven together; the paths, as they are shown."""
        try:
            unsaved = self.proved(patches)
        except Refused as refused:
            raise ConfigError(f"these patches do not hold without the others: {refused}", "take them all") from None
        for file in unsaved:
            if Path(file).read_bytes() != self.files[file]:
                raise ConfigError(
                    f"{shown(file)} was changed while its patches were proved", "run `contract fix` again"
                )
        for file, data in unsaved.items():
            outputs.write_bytes(Path(file), data)
        return [shown(file) for file in unsaved]

    def _diff(self, unsaved: Mapping[str, bytes]) -> str:
        return "".join(unified(shown(file), self.files[file], data) for file, data in unsaved.items())

    def diff(self, patches: Sequence[Patch]) -> str:
        """One diff of all of the patches, as `git apply` takes it."""
        return self._diff(self._texts(patches))


def shown(file: str) -> str:
    """A path as a person would type it."""
    here = os.getcwd()
    return Path(os.path.relpath(file, here)).as_posix() if file.startswith(here + os.sep) else file


def unified(name: str, old: bytes, new: bytes) -> str:
    """A unified diff of two versions of a file, its line ends kept."""
    lines = difflib.unified_diff(_lines(old.decode()), _lines(new.decode()), f"a/{name}", f"b/{name}")
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def _lines(text: str) -> list[str]:
    # Only these end a line of a patch; `splitlines` knows more.
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def _judge(document: Document, report: Report) -> Judge:
    contract = Contract(document, base_path(report))
    settle(contract, report)
    # A rule that is switched off, or no error here, is drift all the same.
    return Judge(contract, lambda _, own: own)


def _lint(said: Iterable[Finding]) -> Counter[tuple[str, str, str]]:
    """What the document says wrong of itself; lines move, so that no number is told apart."""
    found = ((one.rule, one.operation or "", one.mismatch.message) for one in said)
    return Counter((rule, operation, re.sub(r"\d+", "0", message)) for rule, operation, message in found)


def _key(finding: Finding) -> Key:
    where, mismatch = finding.mismatch.where, finding.mismatch
    parts = (finding.rule, finding.operation, where.direction, where.status, where.media_type, where.pointer)
    return tuple(str(part) for part in (*parts, mismatch.keyword, mismatch.name))


def _declaration(finding: Finding) -> Key:
    """What a finding says of which declaration, whoever shows it."""
    mismatch = finding.mismatch
    return tuple(
        map(str, (finding.rule, mismatch.where.direction, mismatch.component, mismatch.keyword, mismatch.name))
    )


def _name(exchange: Exchange) -> str:
    answer = exchange.response.status if exchange.response is not None else "no answer"
    return f"{exchange.request.method} {redact.url(exchange.request.url)} ({answer})"


def _about(exchange: Exchange) -> tuple[str, str, int]:
    return exchange.request.method, exchange.request.url, exchange.response.status if exchange.response else 0


def _answers(piece: Piece, finding: Finding) -> bool:
    """True for an answer of the response that a finding about the document is about."""
    where = finding.mismatch.where
    return (
        piece.operation == finding.operation
        and piece.answered[0] == where.status
        and where.media_type in (None, piece.answered[1])
    )


def _fits_any(exchange: Exchange, operations: Iterable[str]) -> bool:
    return any(_fits(exchange, operation) for operation in operations)


def _fits(exchange: Exchange, operation: str) -> bool:
    """True if the request is one of a method and template."""
    method, _, template = operation.partition(" ")
    pattern = re.sub(r"\\\{\\\}", "[^/]+", re.escape(fold(template)))
    return exchange.request.method.upper() == method and re.fullmatch(pattern, exchange.request.path) is not None


def _made(target: Target, like: Finding | None) -> Finding:
    from contract.core.finding import Mismatch, Where

    mismatch = like.mismatch if like is not None else Mismatch(Where(), None, target.operation, target.row.message)
    return Finding(target.row.rule, Level(target.row.level), target.operation, mismatch, target.fingerprint)


def _unshown(row: FindingRow) -> str:
    name = (row.where.pointer or "").rpartition("/")[2].rpartition(":")[2]
    if row.rule in ("undeclared-property", "undeclared-parameter") and redact.sensitive(name):
        return f"`{name}` looks like a secret, which should not be promised to anybody: fix the server"
    if row.example is None:
        return "the report has no exchange that shows it: name a recording that does with `--traffic`"
    if row.operations:
        return "the report has exchanges of other operations only: name the recording with `--traffic`"
    return (
        "the exchange in the report does not show it, since it is masked, shortened, or told by what was asked before: "
        "name the recording with `--traffic`"
    )


def exchange_of(example: Example) -> tuple[Exchange, bool]:
    """The exchange of a report's example, as one of a client, and whether its answer's body is only a part of it.

    What a report cuts off is taken out; an answer of which no value is left has no body that was recorded.
    """
    sent, got = example.request, example.response
    cut = sent.body is not None and shortened(sent.body, sent.body_bytes)
    body = sent.body.encode("utf-8", "replace") if sent.body is not None and not cut else None
    request = Request(
        sent.method, sent.url, sent.headers, body, truncated=cut or (body is None and sent.body_bytes > 0)
    )
    response, part = None, False
    if got is not None:
        part = (got.body is None and got.body_bytes > 0) or (
            got.body is not None and shortened(got.body, got.body_bytes)
        )
        data = (got.body or "").encode("utf-8", "replace")
        whole = _whole(got.body or "") if part else data
        response = Response(got.status, got.headers, whole or b"", truncated=whole is None)
    spots = tuple(redact.spots(example))
    return (
        Exchange(request, response, "report", Traffic.REAL, failure=example.failure, masked=spots),
        part,
    )


def _whole(text: str) -> bytes | None:
    """A shortened JSON body without the marks of what was left out; None if it is none."""
    try:
        value = json.loads(text)
    except ValueError:
        return None
    made = _unmarked(value)
    return None if made is _GONE or not isinstance(made, dict | list) else json.dumps(made).encode()


_GONE = object()


def _unmarked(value: Any) -> Any:
    if isinstance(value, str):
        return _GONE if re.fullmatch(r"…( \d+ more)?", value) else value
    if isinstance(value, dict):
        kept = {key: _unmarked(item) for key, item in value.items() if key != "…"}
        return {key: item for key, item in kept.items() if item is not _GONE}
    if isinstance(value, list):
        return [item for item in map(_unmarked, value) if item is not _GONE]
    return value


def _read(module: Any, where: str, hosts: frozenset[str] | None, lost: Counter[str]) -> Iterator[Exchange]:
    """The exchanges of a recording; all of them where none went to a host of the document."""
    for wanted in dict.fromkeys((hosts, None)):
        found = False
        lost.clear()
        for item in module.exchanges(where, hosts=wanted):
            if isinstance(item, Lost):
                lost[item.heading] += 1
            else:
                found = True
                yield item
        if found:
            return


# -------------------------------------------------------------------------------------------------------- what is said


def as_text(made: Fixes) -> str:
    """Each patch with its proof, each reason, and the verdict."""
    return "\n".join([*(patch_text(patch) + "\n" for patch in made.patches), *reasons(made), verdict(made)])


def patch_text(patch: Patch) -> str:
    """What a patch does, whom it reaches, what proves it, and its diff."""
    first = patch.targets[0]
    names = " ".join(dict.fromkeys(target.row.fingerprint[:7] for target in patch.targets))
    lines = [
        f"{first.row.rule} {names}: {patch.remedy.title}",
        f"  proved on {_count(patch.proved_on, 'exchange')} of {_operations(patch.operations)}: gone, and nothing new",
    ]
    if patch.remedy.loosens is not None:
        lines.append(f"  loosens: {patch.remedy.loosens}")
    return "\n".join([*lines, *(f"  {line}" for line in patch.diff.splitlines())])


def details(patch: Patch) -> str:
    """The findings that a patch ends, and all operations that it reaches."""
    lines = [f"  {target.fingerprint[:7]} {target.operation}: {target.row.message}" for target in patch.targets]
    return "\n".join([*lines, "  reaches:", *(f"    {operation}" for operation in patch.operations)])


def reasons(made: Fixes) -> list[str]:
    """Why no patch is offered; findings of one rule that have the same reason are one line."""
    by: dict[tuple[str, str], list[Left]] = {}
    for one in made.left:
        by.setdefault((one.target.row.rule, one.reason), []).append(one)
    lines = []
    for (rule, reason), left in by.items():
        names = list(dict.fromkeys(one.target.row.fingerprint[:7] for one in left))
        operations = list(dict.fromkeys(one.target.operation for one in left if one.target.operation))
        more = f" and {len(names) - 4} more" if len(names) > 4 else ""
        where = f" ({_operations(operations)})" if operations else ""
        lines.append(f"no patch: {rule} {' '.join(names[:4])}{more}{where}: {reason}")
    return lines


def verdict(made: Fixes) -> str:
    """The last line."""
    fixed = sum(len(patch.targets) for patch in made.patches)
    whole = fixed + len(made.left)
    if not whole:
        return "nothing to fix: no finding is open"
    lines = sum(patch.lines for patch in made.patches)
    said = f"{fixed} of {_count(whole, 'finding')} {'has' if fixed == 1 else 'have'} a proven patch"
    if made.patches:
        said += f", {_count(len(made.patches), 'patch', 'patches')} of {_count(lines, 'line')}"
    if made.written:
        return f"{said} · written to {', '.join(made.written)} · exit {made.exit_code}"
    tail = "nothing is written without --apply" if made.patches else "nothing to write"
    return f"{said} · {tail} · exit {made.exit_code}"


def as_json(made: Fixes, diff: str) -> str:
    """The same for programs."""
    value = {
        "schema_version": 1,
        "document": made.document,
        "exit_code": made.exit_code,
        "evidence": made.evidence,
        "patches": [
            {
                "rule": patch.targets[0].row.rule,
                "findings": [{"fingerprint": one.fingerprint, "operation": one.operation} for one in patch.targets],
                "title": patch.remedy.title,
                "loosens": patch.remedy.loosens,
                "files": [shown(file) for file in patch.edits],
                "operations": list(patch.operations),
                "proved_on": patch.proved_on,
                "lines": patch.lines,
                "diff": patch.diff,
            }
            for patch in made.patches
        ],
        "left": [
            {
                "rule": one.target.row.rule,
                "fingerprint": one.target.fingerprint,
                "operation": one.target.operation,
                "reason": one.reason,
            }
            for one in made.left
        ],
        "diff": diff,
        "written": made.written,
    }
    return json.dumps(value, indent=2, ensure_ascii=False)


def _count(number: int, noun: str, many: str | None = None) -> str:
    return f"{number:,} {noun if number == 1 else many or noun + 's'}"


def _operations(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "") if names else "no operation"
