"""`contract push`."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from contract.app.commands import shared

if TYPE_CHECKING:
    import argparse


USAGE = "contract push REPORT.json --to URL --project NAME [--token-file FILE]"
EXAMPLES = """\
examples:
  contract push report.json --to https://contract.example.com --project shop
      what `contract check --format json=report.json` wrote, with the token of the variable CONTRACT_TOKEN; sent twice,
      a report counts once
  contract push report.json --to http://127.0.0.1:8080 --project shop --token-file ci.token

exit codes:
  0  the service has it
  2  usage, or the service refuses it: the message says why
  3  the service cannot be reached, or is busy after several tries"""
SECTIONS: tuple[str, ...] = ()
"""Of the settings, those that it takes as flags."""
LEFT_OUT: tuple[str, ...] = ()
"""Settings of those sections that mean nothing here."""
COMMON: tuple[str, ...] = ()
"""Flags of all commands that this one takes, too."""
HAS_VERDICT = False
"""True where the usual exit codes are its own."""


def arguments(made: argparse.ArgumentParser) -> None:
    """What stands without a flag, and flags that are no settings."""
    made.add_argument("report_file", metavar="REPORT.json", help="what `--format json=PATH` wrote")
    made.add_argument("--to", metavar="URL", help="where the service is")
    made.add_argument("--project", metavar="NAME", help="which project the report belongs to")
    made.add_argument("--token-file", metavar="FILE", help="holds the token (default: the variable CONTRACT_TOKEN)")


def run(flags: dict[str, Any]) -> int:
    from contract.app import push

    shared.say(push.push(push.read(flags, os.environ), note=lambda text: print(f"note: {text}", file=sys.stderr)))
    return 0
