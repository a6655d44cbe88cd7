"""The base report: read before the run begins, and only used where it is of the same project."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from contract.app.settings import Settings
from contract.core import earlier
from contract.core.errors import ConfigError, ContractError
from contract.core.openapi import Contract
from contract.core.policy import Baseline
from contract.core.report import Report


def read(settings: Settings) -> Report | None:
    """The report that `--base-report` names; raises ConfigError where the file is none. None where it names nothing."""
    if settings.base_report is None:
        return None
    from contract.reports import json

    shown = settings.base_report
    try:
        data = (settings.cwd / shown).read_bytes()
    except FileNotFoundError as error:
        raise ConfigError(
            f"{shown}: no such file; `--base-report` names the JSON report of the base branch",
            f"make it there with `--format json={shown}`; where there is none yet, leave the flag out",
        ) from error
    except OSError as error:
        raise ConfigError(f"{shown}: cannot be read: {(error.strerror or str(error)).lower()}") from error
    try:
        return json.read(data)
    except ContractError as error:
        raise ConfigError(f"{shown}: {error.message}", error.hint) from error


def fitting(accepted: Baseline, contract: Contract, settings: Settings) -> tuple[Baseline, list[str]]:
    """The baseline with its base report, if that is of this project, and what the reader must know of it.

    Two documents of different names that have no operation in common are two projects: ConfigError. Of the same name
    they may be one whose paths were all renamed; then nothing can be compared, and all that is found is new.
    """
    base = accepted.earlier
    if base is None:
        return accepted, []
    if not earlier.is_related(base, [operation.key for operation in contract.operations]):
        document = contract.document.path
        if base.document.path != document:
            raise ConfigError(
                f"{settings.base_report}: a report of another project: it is about {base.document.path}, and none of its "
                f"{base.document.operations} operations is in {document}",
                "name the report that `contract check` wrote for this document, or leave `--base-report` out",
            )
        said = f"{settings.base_report}: has no operation in common with {document}, so all that is found counts as new"
        return replace(accepted, earlier=None), [said]
    return accepted, list(_notes(base, contract, settings))


def _notes(base: Report, contract: Contract, settings: Settings) -> Iterator[str]:
    if base.document.path != contract.document.path:
        yield f"{settings.base_report}: is about {base.document.path}, which has the same operations"
    if base.outcome.exit_code not in (0, 1) or not base.run.complete:
        yield f"{settings.base_report}: proves little ({base.outcome.sentence}): what it did not look at counts as new here"
