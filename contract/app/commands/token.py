"""`contract token`."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from contract.app.commands import shared

if TYPE_CHECKING:
    import argparse


USAGE = "contract token create [--project NAME] --scope read|write|admin [--expires DAYS] [--label TEXT] …"
EXAMPLES = """\
examples:
  contract token create --project shop --scope write --label ci
      a token that may push; the secret is printed, once, and the project is created if it is new
  contract token create --project shop --scope read --expires 90 > dashboard.token

exit codes:
  0  made
  2  usage or configuration
  3  the database cannot be used"""
SECTIONS: tuple[str, ...] = ()
"""Of the settings, those that it takes as flags."""
LEFT_OUT: tuple[str, ...] = ()
"""Settings of those sections that mean nothing here."""
COMMON: tuple[str, ...] = ("config",)
"""Flags of all commands that this one takes, too."""
HAS_VERDICT = False
"""True where the usual exit codes are its own."""


def arguments(made: argparse.ArgumentParser) -> None:
    """What stands without a flag, and flags that are no settings."""
    made.add_argument("what", metavar="create", help="what is to be done")
    made.add_argument("--project", metavar="NAME", help="what the token may see; created if it is new")
    made.add_argument("--scope", metavar="SCOPE", help="read, write (push and decide), admin (make tokens)")
    made.add_argument("--expires", metavar="DAYS", help="(default: never)")
    made.add_argument("--label", metavar="TEXT", help="who uses it; stands beside what is done with it")
    shared.database(made)


def run(flags: dict[str, Any]) -> int:
    from pathlib import Path

    from contract.app import serve
    from contract.core.errors import ConfigError

    if flags["what"] != "create":
        raise ConfigError(f"`contract token` takes `create`, not `{flags['what']}`", "contract token --help")
    secret, sentence = serve.create_token(serve.config(flags, os.environ, Path.cwd()), flags)
    print(sentence, file=sys.stderr)
    shared.say(secret)
    return 0
