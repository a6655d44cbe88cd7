"""What does a report of an earlier run say: the file, the finding that a fingerprint names, the documents it is about?"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from contract.core.errors import ConfigError, ContractError
from contract.core.openapi import Contract
from contract.core.report import FindingRow, Report

_HINT = "a report names it beside each finding that can be sent again: `contract replay 7c1f9a0`"


def read(path: Path) -> Report:
    """The report of a run; raises ConfigError."""
    from contract.reports import json as report_json

    try:
        return report_json.read(path.read_bytes())
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such report", "run `contract check` first, or say `--report FILE`") from None
    except OSError as error:
        raise ConfigError(f"{path}: {(error.strerror or str(error)).lower()}") from error
    except ContractError as error:
        raise ConfigError(f"{path}: {error.message}", error.hint) from error


def documents_of(path: str) -> tuple[str, ...]:
    """The files behind a report's document: several are merged under their names, parted by commas."""
    return (path,) if Path(path).is_file() else tuple(path.split(", "))


def base_path(report: Report) -> str | None:
    """The base path that a report's operations lie below, where the target is a URL that has one."""
    if report.target is None or not report.target.startswith(("http://", "https://")):
        return None
    return urlsplit(report.target).path.rstrip("/") or None


def settle(contract: Contract, report: Report) -> None:
    """Takes it from a report where the server has moved operations by the slash at the end of their paths."""
    for row in report.findings:
        if row.rule == "undeclared-operation":
            continue
        for shown in (row.example, *(member.example for member in row.operations)):
            for step in (*shown.before, shown) if shown is not None else ():
                contract.settle(step.request.method, step.request.url.partition("?")[0])


def find(report: Report, fingerprint: str) -> tuple[FindingRow, str | None]:
    """The finding that a (short) fingerprint names, and the one of its operations where it names that.

    Raises ConfigError where none or several do.
    """
    wanted = fingerprint.lower().removeprefix("f-")
    if not wanted:
        raise ConfigError("no fingerprint is named", _HINT)
    found: list[tuple[FindingRow, str | None]] = []
    for row in report.findings:
        if row.fingerprint.startswith(wanted):
            found.append((row, None))
        found += [(row, item.fingerprint) for item in row.operations if item.fingerprint.startswith(wanted)]
    if not found:
        raise ConfigError(f"the report has no finding `{fingerprint}`", _HINT)
    if len(found) > 1:
        names = [f"{own or row.fingerprint}"[: len(wanted) + 4] + f" ({row.rule})" for row, own in found]
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        raise ConfigError(
            f"`{fingerprint}` names {len(found)} findings", f"give more of its digits: {', '.join(names[:3])}{more}"
        )
    return found[0]
