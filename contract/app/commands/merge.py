"""`contract merge`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from contract.app.commands import shared

if TYPE_CHECKING:
    import argparse


USAGE = "contract merge [--out FILE] [--document FILE] [--format NAME[=PATH]] LEDGER …"
EXAMPLES = """\
examples:
  contract merge monday.json.gz tuesday.json.gz --out week.json.gz
      ledgers that `--ledger` wrote, by day, by process or by machine, in any order
  contract merge --document specs/api.yaml week.json.gz --format html=week.html
      and the report of all of it"""
SECTIONS: tuple[str, ...] = ("document", "scope", "this run", "reports", "gate")
"""Of the settings, those that it takes as flags."""
LEFT_OUT: tuple[str, ...] = ("safe", "ledger")
"""Settings of those sections that mean nothing here."""
COMMON: tuple[str, ...] = ("config", "quiet")
"""Flags of all commands that this one takes, too."""
HAS_VERDICT = True
"""True where the usual exit codes are its own."""


def arguments(made: argparse.ArgumentParser) -> None:
    """What stands without a flag, and flags that are no settings."""
    made.add_argument("ledgers", nargs="+", metavar="LEDGER", help="files that --ledger or merge wrote")
    made.add_argument("--out", metavar="FILE", help="where the sum goes; packed if it ends in .gz")


def run(flags: dict[str, Any]) -> int:
    from pathlib import Path

    from contract.app import observe

    settings = shared.quiet(flags)
    total, of = observe.merged([Path(path) for path in flags["ledgers"]])
    if "out" in flags:
        from contract.app import ledgers

        ledgers.write(Path(flags["out"]), total, of=of)
    if not settings.documents:
        shared.say(observe.sentence(total, len(flags["ledgers"]), flags.get("out")))
        return 0
    shared.need_rules(settings)
    kept = shared.kept_in(settings)
    return shared.deliver(observe.report(total, of, settings), settings, kept, quiet=bool(flags.get("quiet")))
