"""`contract explain`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from contract.app.commands import shared

if TYPE_CHECKING:
    import argparse


USAGE = "contract explain [NAME]"
EXAMPLES = """\
examples:
  contract explain                    all that can be explained
  contract explain response-schema    a rule
  contract explain completeness       a figure
  contract explain exit-3             an exit code"""
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
    made.add_argument(
        "rule",
        nargs="?",
        metavar="NAME",
        help="a rule, a figure, an exit code or a word of a report; all of them without it",
    )


def run(flags: dict[str, Any]) -> int:
    from contract.app import explain

    shared.say(explain.page(flags["rule"]) if "rule" in flags else explain.index())
    return 0
