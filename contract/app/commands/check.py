"""`contract check`."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from contract.app.commands import shared

if TYPE_CHECKING:
    import argparse


USAGE = "contract check [--document FILE] [--target URL] [--routes KIND:WHERE] [--traffic KIND:FILE] …"
EXAMPLES = """\
examples:
  contract check --document specs/api.yaml --target http://127.0.0.1:8000
      is what the server answers what the document says?
  contract check --document specs/api.yaml --target asgi:app.main:app --routes asgi:app.main:app
      in process, without a server; and is each of its routes described?
  contract check --document specs/api.yaml --routes laravel:routes.json --no-fuzz
      the routes alone; no request is sent
  contract check --traffic har:capture.har --no-fuzz --format json=report.json
      judge what was recorded; the document is named in contract.toml
  contract check --baseline contract.baseline.json --update-baseline --reason 'known, fixed with 2.4'
      accept what is found now; from then on only new findings fail"""
SECTIONS: tuple[str, ...] = (
    "document",
    "evidence",
    "walk",
    "fuzzer",
    "requests",
    "scope",
    "generated types",
    "this run",
    "reports",
    "gate",
)
"""Of the settings, those that it takes as flags."""
LEFT_OUT: tuple[str, ...] = ()
"""Settings of those sections that mean nothing here."""
COMMON: tuple[str, ...] = ("config", "quiet")
"""Flags of all commands that this one takes, too."""
HAS_VERDICT = True
"""True where the usual exit codes are its own."""


def arguments(made: argparse.ArgumentParser) -> None:
    """What stands without a flag, and flags that are no settings."""
    del made


def run(flags: dict[str, Any]) -> int:
    from pathlib import Path

    from contract.app import outputs, terminal

    settings = shared.load(flags)
    shared.need_document(settings)
    shared.need_rules(settings)
    quiet = bool(flags.get("quiet"))
    for output in settings.formats:
        outputs.renderer(output.format)
    outputs.probe(Path(output.path) for output in settings.formats if output.path is not None)
    if settings.baseline is not None and settings.update_baseline:
        outputs.probe([Path(settings.baseline)])
    kept = shared.kept_in(settings)
    for note in settings.notes:
        print(f"note: {note}", file=sys.stderr)

    from contract.app import run

    with terminal.progress(sys.stderr, os.environ, quiet=quiet) as notify:
        report = run.check(settings, notify=notify)
    return shared.deliver(report, settings, kept, quiet=quiet)
