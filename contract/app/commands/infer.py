"""`contract infer`."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from contract.app.commands import shared

if TYPE_CHECKING:
    import argparse


USAGE = "contract infer --traffic KIND:FILE … [--document FILE] [--out FILE] [--format yaml|json]"
EXAMPLES = """\
examples:
  contract infer --document specs/api.yaml --traffic ndjson:traffic.ndjson --out undeclared.yaml
      what clients use and the document does not declare, to be merged into it
  contract infer --traffic har:capture.har
      a first document of an API that has none, on standard output

exit codes:
  0  inferred, or nothing to infer
  2  usage or configuration
  3  the traffic cannot be read, or not all of it"""
SECTIONS: tuple[str, ...] = ("document", "evidence")
"""Of the settings, those that it takes as flags."""
LEFT_OUT: tuple[str, ...] = ("target", "routes")
"""Settings of those sections that mean nothing here."""
COMMON: tuple[str, ...] = ("config",)
"""Flags of all commands that this one takes, too."""
HAS_VERDICT = False
"""True where the usual exit codes are its own."""


def arguments(made: argparse.ArgumentParser) -> None:
    """What stands without a flag, and flags that are no settings."""
    made.add_argument("--out", metavar="FILE", help="write it there instead of to standard output")
    made.add_argument("--format", metavar="NAME", dest="infer_format", help="yaml or json (default: yaml)")


def run(flags: dict[str, Any]) -> int:
    from pathlib import Path

    from contract.app import infer, outputs, terminal
    from contract.core.errors import ConfigError

    kind = flags.get("infer_format", "yaml")
    if kind not in infer.FORMATS:
        from contract.app.keys import nearest

        guess = nearest(kind, list(infer.FORMATS))
        message = f"infer has no format `{kind}`" + (f". Did you mean `{guess}`?" if guess else "")
        raise ConfigError(message, "yaml or json")
    settings = shared.load(flags)
    out = Path(flags["out"]) if "out" in flags else None
    if out is not None:
        outputs.probe([out])
    with terminal.progress(sys.stderr, os.environ) as notify:
        made = infer.infer(settings, notify=notify)
    if made.operations and out is not None:
        outputs.write(out, infer.as_text(made, kind) + "\n")
    elif made.operations:
        shared.say(infer.as_text(made, kind))
    for line in infer.summary(made):
        print(line, file=sys.stderr)
    return made.exit_code
