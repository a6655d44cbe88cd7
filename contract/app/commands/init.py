"""`contract init`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from contract.app.commands import shared

if TYPE_CHECKING:
    import argparse


USAGE = "contract init [--yes | --dry-run] [--ci github|gitlab|none] [--no-hook]"
EXAMPLES = """\
examples:
  contract init                    shows what it would write, and asks
  contract init --yes              writes it
  contract init --dry-run > init.patch
      the same as a patch, for `git apply`

What is there is never overwritten. A list of hooks or CI jobs gets one entry more where that is safe."""
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
    made.add_argument("-y", "--yes", action="store_const", const=True, help="write without asking")
    made.add_argument("--dry-run", action="store_const", const=True, help="only show what would be written")
    made.add_argument("--ci", metavar="NAME", help="github, gitlab or none (default: what is there)")
    made.add_argument("--no-hook", action="store_const", const=True, help="leave .pre-commit-config.yaml alone")


def run(flags: dict[str, Any]) -> int:
    from pathlib import Path

    from contract.app.init import plan
    from contract.core.errors import ConfigError

    said = flags.get("ci")
    if said not in (None, "github", "gitlab", "none"):
        from contract.app.keys import nearest

        guess = nearest(said, ["github", "gitlab", "none"])
        raise ConfigError(
            f"--ci must be github, gitlab or none, not `{said}`" + (f". Did you mean `{guess}`?" if guess else "")
        )
    made = plan.plan(Path.cwd(), ci=said, hooks="no_hook" not in flags)
    _say("\n".join(["Found:", *plan.facts(made), *(f"note: {note}" for note in made.notes), ""]))
    asks = sys.stdin.isatty() and sys.stdout.isatty()
    writes = "yes" in flags and "dry_run" not in flags
    for change in made.changes:
        if change.made is not None and (asks or writes):
            shared.say(f"{change.shown}: new, {len(change.after.splitlines())} lines, made by {change.made}\n")
        else:
            shared.say(change.diff())
    for text in made.left:
        _say(f"left alone: {text}")
    if not made.changes:
        _say("Nothing to write: everything is there.")
        return 0
    if "dry_run" in flags or not (writes or asks):
        _say("Nothing was written." + ("" if "dry_run" in flags else " `contract init --yes` writes it."))
        return 0
    if not writes and not _agreed(len(made.changes)):
        _say("Nothing was written.")
        return 0
    lost = 0
    for change, error in plan.write(made):
        if error is not None:
            lost += 1
            shared.complain(error)
        else:
            _say(f"{'wrote' if change.before is None else 'added to'} {change.shown}")
    _say("\nNext: `contract doctor` says what is still missing, `contract check` gives the first verdict.")
    return 2 if lost else 0


def _say(text: str) -> None:
    """For people: standard output holds the patch alone."""
    shared.say(text, sys.stderr)


def _agreed(number: int) -> bool:
    print(
        f"Write {'this file' if number == 1 else f'these {number} files'}? [y/N] ", end="", file=sys.stderr, flush=True
    )
    return sys.stdin.readline().strip().lower() in ("y", "yes")
