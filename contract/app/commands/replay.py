"""`contract replay`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from contract.app.commands import shared

if TYPE_CHECKING:
    import argparse


USAGE = "contract replay FINGERPRINT [--report FILE] [--target URL] [--header 'NAME: VALUE'] …"
EXAMPLES = """\
examples:
  contract replay 7c1f9a0                          from the last run
  contract replay 7c1f9a0 --report out/report.json --target http://127.0.0.1:8000

exit codes:
  0  it does not hold any more
  1  it still holds
  2  usage or configuration
  3  no answer, or the report has no request for it"""
SECTIONS: tuple[str, ...] = ("document", "evidence", "requests", "reports")
"""Of the settings, those that it takes as flags."""
LEFT_OUT: tuple[str, ...] = ("routes", "traffic", "formats")
"""Settings of those sections that mean nothing here."""
COMMON: tuple[str, ...] = ("config",)
"""Flags of all commands that this one takes, too."""
HAS_VERDICT = False
"""True where the usual exit codes are its own."""


def arguments(made: argparse.ArgumentParser) -> None:
    """What stands without a flag, and flags that are no settings."""
    made.add_argument("fingerprint", metavar="FINGERPRINT", help="as a report shows it, or its beginning")
    made.add_argument("--report", metavar="FILE", help="the JSON report it is in (default: the last run's)")


def run(flags: dict[str, Any]) -> int:
    from pathlib import Path

    from contract.app import replay

    settings = shared.load(flags)
    path = Path(flags["report"]) if "report" in flags else Path(settings.report_dir) / "report.json"
    code, sentence = replay.replay(flags["fingerprint"], settings, path)
    shared.say(f"{sentence} · exit {code}")
    return code
