"""`contract config`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from contract.app.commands import check, shared

if TYPE_CHECKING:
    import argparse


USAGE = "contract config [show|schema]"
EXAMPLES = """\
examples:
  contract config show
  CONTRACT_SEED=7 contract config show
  contract config schema > contract.schema.json"""
SECTIONS = check.SECTIONS
"""Of the settings, those that it takes as flags."""
LEFT_OUT: tuple[str, ...] = ("update_baseline", "reason", "until")
"""Settings of those sections that mean nothing here."""
COMMON: tuple[str, ...] = ("config",)
"""Flags of all commands that this one takes, too."""
HAS_VERDICT = False
"""True where the usual exit codes are its own."""


def arguments(made: argparse.ArgumentParser) -> None:
    """What stands without a flag, and flags that are no settings."""
    made.add_argument("what", nargs="?", metavar="show|schema", help="(default: show)")


def run(flags: dict[str, Any]) -> int:
    from contract.app import settings
    from contract.core.errors import ConfigError

    what = flags.get("what", "show")
    if what == "schema":
        import json

        shared.say(json.dumps(settings.schema(), indent=2, ensure_ascii=False))
        return 0
    if what != "show":
        raise ConfigError(f"`contract config` takes `show` or `schema`, not `{what}`")
    loaded = shared.load(flags)
    rows = settings.shown(loaded)
    name, value = (max(len(row[column]) for row in rows) for column in (0, 1))
    value = min(value, 60)
    shared.say("\n".join(f"{row[0]:<{name}}  {row[1]:<{value}}  {row[2]}" for row in rows))
    for note in loaded.notes:
        print(f"note: {note}", file=sys.stderr)
    return 0
