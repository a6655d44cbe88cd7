"""`contract fix`."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from contract.app.commands import shared

if TYPE_CHECKING:
    import argparse

    from contract.app.fix import Fixes, Patch, Workshop


USAGE = "contract fix [FINGERPRINT …] [--report FILE] [--apply | --interactive] [--format text|json|diff]"
EXAMPLES = """\
examples:
  contract fix
      what can be done to the document about the findings of the last run
  contract fix 7c1f9a0 --apply
      one of them, written
  contract fix --interactive
      each in turn: yes, no, details, quit
  contract fix --traffic har:capture.har
      proved on a recording too
  contract fix --format diff | git apply
      the same as --apply

exit codes:
  0  each finding that was asked about has a proven patch, or there is none
  1  some have none; the reasons are told
  2  usage or configuration, or the document was changed since the report
  3  the recording cannot be read"""
SECTIONS: tuple[str, ...] = ("document", "evidence", "reports")
"""Of the settings, those that it takes as flags."""
LEFT_OUT: tuple[str, ...] = ("target", "routes", "jobs", "tenant", "formats", "ledger", "redact")
"""Settings of those sections that mean nothing here."""
COMMON: tuple[str, ...] = ("config",)
"""Flags of all commands that this one takes, too."""
HAS_VERDICT = False
"""True where the usual exit codes are its own."""

FORMATS = ("text", "json", "diff")


def arguments(made: argparse.ArgumentParser) -> None:
    """What stands without a flag, and flags that are no settings."""
    made.add_argument(
        "fingerprints", nargs="*", metavar="FINGERPRINT", help="as a report shows it, or its beginning; else all"
    )
    made.add_argument("--report", metavar="FILE", help="the JSON report they are in (default: the last run's)")
    made.add_argument("--apply", action="store_const", const=True, help="write the proven patches to the document")
    made.add_argument("--interactive", action="store_const", const=True, help="ask about each, and write what is taken")
    made.add_argument("--format", metavar="NAME", dest="fix_format", help="text, json or diff (default: text)")


def run(flags: dict[str, Any]) -> int:
    from pathlib import Path

    from contract.app import fix, reported, terminal
    from contract.core.errors import ConfigError

    kind = flags.get("fix_format", "text")
    if kind not in FORMATS:
        from contract.app.keys import nearest

        guess = nearest(kind, list(FORMATS))
        raise ConfigError(
            f"fix has no format `{kind}`" + (f". Did you mean `{guess}`?" if guess else ""), "text, json or diff"
        )
    asks = bool(flags.get("interactive"))
    if asks and (flags.get("apply") or "fix_format" in flags):
        raise ConfigError("--interactive asks, and takes neither --apply nor --format")
    if asks and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise ConfigError("--interactive needs a terminal", "use `--apply`, with the fingerprints that are meant")
    settings = shared.load(flags)
    path = Path(flags["report"]) if "report" in flags else Path(settings.report_dir) / "report.json"
    report = reported.read(path)
    targets = fix.chosen(report, flags.get("fingerprints") or [])
    with terminal.progress(sys.stderr, os.environ, quiet=asks) as notify:
        workshop = fix.Workshop(report, settings, notify)
        made = workshop.fixes(targets)
    for note in made.notes:
        print(f"note: {note}", file=sys.stderr)
    if asks:
        return _walk(made, workshop)
    if flags.get("apply") and made.patches:
        made.written = workshop.write(made.patches)
    if kind == "json":
        shared.say(fix.as_json(made, workshop.diff(made.patches)))
        print(fix.verdict(made), file=sys.stderr)
    elif kind == "diff":
        if made.patches:
            shared.say(workshop.diff(made.patches).rstrip("\n"))
        for line in fix.reasons(made):
            print(line, file=sys.stderr)
        print(fix.verdict(made), file=sys.stderr)
    else:
        shared.say(fix.as_text(made))
    return made.exit_code


_KEYS = "y: take it · n: leave it · d: what proves it · q: no more"


def _walk(made: Fixes, workshop: Workshop) -> int:
    """Asks about each patch, and writes those that are taken, proven together."""
    from contract.app import fix

    taken: list[Patch] = []
    stopped = False
    for number, patch in enumerate(made.patches, 1):
        shared.say(f"\n{number} of {len(made.patches)} · " + fix.patch_text(patch))
        while not stopped:
            try:
                said = input("take it? [y,n,d,q] ").strip().lower()
            except EOFError:
                said = "q"
            if said in ("d", "details"):
                shared.say(fix.details(patch))
            elif said in ("y", "yes", "n", "no"):
                taken += [patch] if said.startswith("y") else []
                break
            elif said in ("q", "quit"):
                stopped = True
            else:
                shared.say(_KEYS)
        if stopped:
            break
    if taken:
        made.written = workshop.write(taken)
    made.patches = taken
    shared.say("\n" + "\n".join([*fix.reasons(made), fix.verdict(made)]))
    return made.exit_code
