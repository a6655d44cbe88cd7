"""`contract observe`."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from contract.app.commands import shared

if TYPE_CHECKING:
    import argparse


USAGE = "contract observe [--document FILE] [--follow] [KIND:]FILE …"
EXAMPLES = """\
examples:
  contract observe --document specs/api.yaml capture.har
      judges every exchange of the recording, as `check` would
  contract observe --document specs/api.yaml monday.ndjson.gz tuesday.ndjson.gz access.log --jobs 4
      the kind of a file is told by its name or its first line; `nginx:FILE` says it
  contract observe --document specs/api.yaml --follow --every 1m traffic.ndjson
      reads on until Ctrl-C, and writes the report anew every minute"""
SECTIONS: tuple[str, ...] = ("document", "evidence", "scope", "this run", "reports", "gate")
"""Of the settings, those that it takes as flags."""
LEFT_OUT: tuple[str, ...] = ("target", "traffic", "safe")
"""Settings of those sections that mean nothing here."""
COMMON: tuple[str, ...] = ("config", "quiet")
"""Flags of all commands that this one takes, too."""
HAS_VERDICT = True
"""True where the usual exit codes are its own."""


def arguments(made: argparse.ArgumentParser) -> None:
    """What stands without a flag, and flags that are no settings."""
    made.add_argument("files", nargs="*", metavar="[KIND:]FILE", help="else the traffic of the config file")
    made.add_argument("--follow", action="store_const", const=True, help="read on as the file grows, until Ctrl-C")
    made.add_argument("--every", metavar="TIME", help="how often the report is written while following (default: 30s)")


def run(flags: dict[str, Any]) -> int:
    from pathlib import Path

    from contract.app import outputs, run, terminal
    from contract.app.observe import described
    from contract.app.values import DURATION, Place
    from contract.core.errors import ConfigError

    if flags.get("files"):
        flags["traffic"] = [described(file) for file in flags.pop("files")]
    settings = shared.quiet(flags)
    shared.need_document(settings)
    shared.need_rules(settings)
    if not settings.traffic:
        raise ConfigError("there is nothing to observe", "name a recording: `contract observe capture.har`")
    quiet = bool(flags.get("quiet"))
    for output in settings.formats:
        outputs.renderer(output.format)
    outputs.probe(Path(output.path) for output in settings.formats if output.path is not None)
    kept = shared.kept_in(settings)
    following = None
    if flags.get("follow"):
        if len(settings.traffic) > 1:
            raise ConfigError(
                "--follow takes one file", "run one `contract observe --follow` for each, and `merge` them"
            )
        try:
            every_s = float(DURATION.text(flags.get("every", "30s"), Place(Path.cwd(), Path.cwd(), os.environ)))
        except ValueError as error:
            raise ConfigError(f"--every must be {error}, not `{flags['every']}`") from error
        following = run.Following(every_s, lambda report: shared.tell(report, settings, kept))
    elif flags.get("every"):
        raise ConfigError("--every says how often a followed file is reported", "add --follow")
    with terminal.progress(sys.stderr, os.environ, quiet=quiet) as notify:
        report = run.check(settings, notify=notify, following=following)
    return shared.deliver(report, settings, kept, quiet=quiet)
