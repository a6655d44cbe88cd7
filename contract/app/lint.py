"""What is wrong with documents on their own: `contract lint`, fast enough for a hook."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from contract.app.settings import Settings
from contract.core.check import Judge
from contract.core.errors import ContractError
from contract.core.finding import Level
from contract.core.openapi import Contract
from contract.sources.documents import file


@dataclass(frozen=True, slots=True)
class Problem:
    """One line of the answer."""

    file: str
    line: int
    column: int
    level: Level
    rule: str
    message: str
    operation: str | None = None
    fix: str | None = None
    fingerprint: str | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """The problems of all documents, in the documents' order and by line."""

    documents: int
    problems: tuple[Problem, ...]
    fail_on: Level
    refused: tuple[ContractError, ...] = ()
    """Why a document could not be read at all."""

    @property
    def exit_code(self) -> int:
        """2 if a document could not be read, else 1 if a problem is at or above the gate."""
        if self.refused:
            return 2
        return int(any(problem.level.rank >= self.fail_on.rank for problem in self.problems))


def lint(paths: Sequence[str], settings: Settings) -> Result:
    """The problems of each document; one that cannot be read does not hide those of the others."""
    found: list[Problem] = []
    refused: list[ContractError] = []
    for path in dict.fromkeys(paths):
        try:
            document = file.load(path, root=settings.root, allow=settings.allow_refs)
        except ContractError as error:
            refused.append(error)
            continue
        problems = []
        for finding in Judge(Contract(document), settings.level).document():
            place = document.locate(finding.mismatch.component or "#")
            problems.append(
                Problem(
                    place.file,
                    place.line,
                    place.column,
                    finding.level,
                    finding.rule,
                    finding.mismatch.message,
                    finding.operation,
                    finding.mismatch.fix.document,
                    finding.fingerprint,
                )
            )
        found += sorted(problems, key=lambda one: (one.file, one.line, one.column, one.rule, one.message))
    return Result(len(dict.fromkeys(paths)), tuple(found), settings.fail_on, tuple(refused))


def as_text(result: Result) -> str:
    """One line per problem, as editors and CI read it, and the verdict."""
    lines = [
        f"{one.file}:{one.line}:{one.column}: {one.level}: {one.rule}: {' '.join(one.message.split())}"
        for one in result.problems
    ]
    return "\n".join([*lines, verdict(result)])


def verdict(result: Result) -> str:
    """The last line: what was found, and whether it fails."""
    counts = Counter(one.level for one in result.problems)
    words = [
        f"{counts[level]} {level}{'s' * (counts[level] != 1)}"
        for level in (Level.ERROR, Level.WARNING, Level.NOTE)
        if counts[level]
    ]
    read = result.documents - len(result.refused)
    parts = [f"{', '.join(words) or 'nothing to say'} in {_documents(read)}"] if read else []
    parts += [f"{_documents(len(result.refused))} cannot be read"] if result.refused else []
    return f"{'Failed' if result.exit_code else 'Passed'}: {', '.join(parts)}"


def _documents(number: int) -> str:
    return f"{number} document{'s' * (number != 1)}"


def as_json(result: Result) -> str:
    """The same for programs."""
    value = {
        "schema_version": 1,
        "documents": result.documents,
        "exit_code": result.exit_code,
        "refused": [error.message for error in result.refused],
        "problems": [asdict(one) for one in result.problems],
    }
    return json.dumps(value, indent=2, ensure_ascii=False)
