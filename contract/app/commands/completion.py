"""`contract completion`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from contract.app.commands import shared

if TYPE_CHECKING:
    import argparse


USAGE = "contract completion bash|zsh|fish"
EXAMPLES = """\
examples:
  contract completion bash > ~/.local/share/bash-completion/completions/contract
  contract completion zsh > ~/.zfunc/_contract
      with `fpath+=~/.zfunc` before `compinit` in ~/.zshrc
  contract completion fish > ~/.config/fish/completions/contract.fish"""
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
    made.add_argument("shell", metavar="bash|zsh|fish", help="the shell that reads the script")


def run(flags: dict[str, Any]) -> int:
    from contract.app import completion

    shared.say(completion.script(flags["shell"]).rstrip("\n"))
    return 0
