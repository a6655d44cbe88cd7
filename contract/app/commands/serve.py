"""`contract serve`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from contract.app.commands import shared

if TYPE_CHECKING:
    import argparse


USAGE = "contract serve [--host ADDRESS] [--port N] [--database URL]"
EXAMPLES = """\
examples:
  contract serve
      on http://127.0.0.1:8080, everything in contract.db; the first start prints an admin token, once
  CONTRACT_DATABASE=postgresql+pg8000://user:password@host/contract contract serve --host 0.0.0.0
      on PostgreSQL; behind a proxy that speaks TLS
  contract serve --config service.toml
      [service.projects.shop] with `config = "shop/contract.toml"` lets it run the checks of that project

exit codes:
  0  ended by Ctrl-C
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
    made.add_argument("--host", metavar="ADDRESS", help="(default: 127.0.0.1, for this machine alone)")
    made.add_argument("--port", metavar="N", help="(default: 8080; 0 takes a free one)")
    shared.database(made)


def run(flags: dict[str, Any]) -> int:
    from pathlib import Path

    from contract.app import serve

    serve.serve(serve.config(flags, os.environ, Path.cwd()), shared.say)
    return 0
