"""The findings that somebody accepted, each with a reason; a file that is read by people and kept in git."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

from contract.core.errors import ConfigError
from contract.core.policy import Accepted
from contract.core.report import Report

SCHEMA_VERSION = 1
_KEYS = ("fingerprint", "rule", "operation", "message", "reason", "since", "until")


def load(path: Path) -> tuple[Accepted, ...]:
    """What the file accepts; raises ConfigError that names the entry which is wrong."""
    shown = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
    try:
        value: Any = json.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(
            f"{shown}: no such file",
            f"make it: `contract check --baseline {shown} --update-baseline --reason '…'`",
        ) from error
    except OSError as error:
        raise ConfigError(f"{shown}: {(error.strerror or str(error)).lower()}") from error
    except json.JSONDecodeError as error:
        raise ConfigError(f"{shown}:{error.lineno}:{error.colno}: not JSON: {error.msg.lower()}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{shown}: not UTF-8 (byte {error.start})") from error
    if not isinstance(value, dict) or not isinstance(value.get("accepted"), list):
        raise ConfigError(f"{shown}: not a baseline: it needs `accepted`, a list")
    if value.get("schema_version") != SCHEMA_VERSION:
        said = json.dumps(value.get("schema_version"))
        raise ConfigError(f"{shown}: `schema_version` must be {SCHEMA_VERSION}, not {said}")
    return tuple(_entry(f"{shown}: entry {number}", entry) for number, entry in enumerate(value["accepted"], 1))


def _entry(where: str, entry: Any) -> Accepted:
    if not isinstance(entry, dict):
        raise ConfigError(f"{where}: must be an object")
    for key, value in entry.items():
        if key not in _KEYS:
            raise ConfigError(f"{where}: unknown key `{key}`", "known: " + ", ".join(_KEYS))
        if not isinstance(value, str | None):
            raise ConfigError(f"{where}: `{key}` must be a text")
    if not entry.get("fingerprint"):
        raise ConfigError(f"{where}: `fingerprint` is missing")
    if not (entry.get("reason") or "").strip():
        raise ConfigError(f"{where}: `reason` is missing", "say why the finding is accepted")
    for key in ("since", "until"):
        try:
            date.fromisoformat(entry.get(key) or "2000-01-01")
        except ValueError:
            raise ConfigError(f"{where}: `{key}` must be a date such as 2027-03-31, not `{entry[key]}`") from None
    return Accepted(**entry)


def extended(
    accepted: Iterable[Accepted], report: Report, *, reason: str, until: str | None = None
) -> tuple[Accepted, ...]:
    """What was accepted before, and every finding that is still open in the report.

    What was not found this time stays: an operation that was not exercised today would bring it back as new tomorrow.
    """
    fresh = {one.fingerprint: one for one in _open(report, reason, until)}
    kept = [one for one in accepted if one.fingerprint not in fresh]
    return tuple(
        sorted([*kept, *fresh.values()], key=lambda one: (one.operation or "", one.rule or "", one.fingerprint))
    )


def _open(report: Report, reason: str, until: str | None) -> Iterator[Accepted]:
    for finding in report.findings:
        if finding.state not in ("new", "unchanged"):
            continue
        places: list[tuple[str, str | None]]
        if finding.operations:
            places = [(one.fingerprint, f"{one.method} {one.path}") for one in finding.operations]
        else:
            name = finding.operation
            places = [(finding.fingerprint, f"{name.method} {name.path}" if name is not None else None)]
        for fingerprint, operation in places:
            yield Accepted(
                fingerprint,
                reason=reason,
                rule=finding.rule,
                operation=operation,
                message=finding.message,
                since=report.run.started_at[:10],
                until=until,
            )


def dump(accepted: Iterable[Accepted]) -> str:
    """The file's text: one entry after the other in a fixed order, so that a diff shows what was added."""
    entries = [{key: value for key in _KEYS if (value := getattr(one, key)) is not None} for one in accepted]
    return json.dumps({"schema_version": SCHEMA_VERSION, "accepted": entries}, indent=2, ensure_ascii=False) + "\n"
