"""`contract doctor`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from contract.app.commands import shared

if TYPE_CHECKING:
    import argparse


USAGE = "contract doctor [--target URL] [--format text|json]"
EXAMPLES = """\
examples:
  contract doctor
      the project in this folder, as contract.toml has it
  contract doctor --target http://127.0.0.1:8000 --header 'Authorization: Bearer ${API_TOKEN}'
      does the target answer, and does it let us in?
  contract doctor --format json

It sends a few GET requests to the target, and writes nothing.

exit codes:
  0  all right
  1  something is to be put right
  2  usage"""
SECTIONS: tuple[str, ...] = ("document", "evidence", "requests")
"""Of the settings, those that it takes as flags."""
LEFT_OUT: tuple[str, ...] = ("jobs", "tenant")
"""Settings of those sections that mean nothing here."""
COMMON: tuple[str, ...] = ("config",)
"""Flags of all commands that this one takes, too."""
HAS_VERDICT = False
"""True where the usual exit codes are its own."""


def arguments(made: argparse.ArgumentParser) -> None:
    """What stands without a flag, and flags that are no settings."""
    made.add_argument("--format", metavar="NAME", dest="doctor_format", help="text or json (default: text)")


def run(flags: dict[str, Any]) -> int:
    import os
    from datetime import UTC, datetime
    from pathlib import Path

    from contract.app import doctor
    from contract.core.errors import ConfigError

    kind = flags.get("doctor_format", "text")
    if kind not in ("text", "json"):
        from contract.app.keys import nearest

        guess = nearest(kind, ["text", "json"])
        raise ConfigError(
            f"doctor has no format `{kind}`" + (f". Did you mean `{guess}`?" if guess else ""), "text or json"
        )
    lines = doctor.Doctor(flags, os.environ, Path.cwd(), datetime.now(UTC).date()).examine()
    shared.say(doctor.as_json(lines) if kind == "json" else doctor.as_text(lines))
    if kind == "json":
        print(doctor.verdict(lines), file=sys.stderr)
    return doctor.exit_code(lines)
