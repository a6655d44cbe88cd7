"""`contract lint`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from contract.app.commands import shared

if TYPE_CHECKING:
    import argparse


USAGE = "contract lint [--format text|json] [--fail-on LEVEL] DOCUMENT …"
EXAMPLES = """\
examples:
  contract lint specs/api.yaml
  contract lint --fail-on warning --format json specs/*.yaml"""
SECTIONS: tuple[str, ...] = ("document", "gate")
"""Of the settings, those that it takes as flags."""
LEFT_OUT: tuple[str, ...] = ("documents", "floor", "baseline", "base_report", "update_baseline", "reason", "until")
"""Settings of those sections that mean nothing here."""
COMMON: tuple[str, ...] = ("config",)
"""Flags of all commands that this one takes, too."""
HAS_VERDICT = True
"""True where the usual exit codes are its own."""


def arguments(made: argparse.ArgumentParser) -> None:
    """What stands without a flag, and flags that are no settings."""
    made.add_argument("paths", nargs="*", metavar="DOCUMENT", help="else the documents of the config file")
    made.add_argument("--format", metavar="NAME", dest="lint_format", help="text or json (default: text)")


def run(flags: dict[str, Any]) -> int:
    from contract.app import lint
    from contract.core.errors import ConfigError

    settings = shared.load(flags)
    kind = flags.get("lint_format", "text")
    if kind not in ("text", "json"):
        from contract.app.keys import nearest

        guess = nearest(kind, ["text", "json"])
        raise ConfigError(
            f"lint has no format `{kind}`" + (f". Did you mean `{guess}`?" if guess else ""), "text or json"
        )
    paths = flags["paths"] or list(settings.documents)
    if not paths:
        shared.need_document(settings)
    shared.need_rules(settings)
    result = lint.lint(paths, settings)
    for refused in result.refused:
        shared.complain(refused)
    shared.say(lint.as_json(result) if kind == "json" else lint.as_text(result))
    if kind == "json":
        print(lint.verdict(result), file=sys.stderr)
    return result.exit_code
