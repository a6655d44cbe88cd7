"""`contract record`."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from contract.app.commands import shared

if TYPE_CHECKING:
    import argparse


USAGE = "contract record --target URL [--port N] [--out FILE] …"
EXAMPLES = """\
examples:
  contract record --target http://127.0.0.1:8000 --port 8001
      clients go to port 8001; what passes is appended to traffic.ndjson, masked, until Ctrl-C
  contract observe --document specs/api.yaml --follow ndjson:traffic.ndjson
      judges it as it grows
  contract record --target https://staging.example.com --rewrite-host --port 8001 --as test --out tests.ndjson
      a test suite against a server that wants its own name as Host

exit codes:
  0  ended by Ctrl-C
  2  usage or configuration
  3  the recording broke off: the file cannot be written any more"""
SECTIONS: tuple[str, ...] = ("evidence", "reports")
"""Of the settings, those that it takes as flags."""
LEFT_OUT: tuple[str, ...] = ("routes", "traffic", "jobs", "tenant", "formats", "report_dir", "ledger")
"""Settings of those sections that mean nothing here."""
COMMON: tuple[str, ...] = ("config",)
"""Flags of all commands that this one takes, too."""
HAS_VERDICT = False
"""True where the usual exit codes are its own."""


def arguments(made: argparse.ArgumentParser) -> None:
    """What stands without a flag, and flags that are no settings."""
    made.add_argument("--port", metavar="N", help="where clients go (default: 8001; 0 takes a free one)")
    made.add_argument("--listen", metavar="ADDRESS", help="(default: 127.0.0.1, for this machine alone)")
    made.add_argument("--out", metavar="FILE", help="is appended to (default: traffic.ndjson)")
    made.add_argument(
        "--as",
        metavar="CLASS",
        dest="record_as",
        help="real, test, synthetic, fuzz or replay (default: what the headers say)",
    )
    made.add_argument("--max-body", metavar="SIZE", help="bytes of a body that are kept: 64kB, 1MB (default: 1MB)")
    made.add_argument(
        "--rewrite-host", action="store_const", const=True, help="say the target's Host instead of the client's"
    )
    made.add_argument(
        "--unredacted", action="store_const", const=True, help="mask nothing; the file then holds secrets"
    )


def run(flags: dict[str, Any]) -> int:
    from pathlib import Path

    from contract.app import record, terminal
    from contract.app.steps import Step
    from contract.core.errors import ConfigError
    from contract.core.evidence import Traffic

    settings = shared.load(flags)
    if settings.target is None:
        raise ConfigError("there is no API to stand before", "say `--target http://127.0.0.1:8000`")
    out = Path(flags.get("out", "traffic.ndjson"))
    port = str(flags.get("port", "8001"))
    if not port.isdecimal() or int(port) > 65535:
        raise ConfigError(f"--port: `{port}` is no port", "a number such as 8001; 0 takes a free one")
    classes = [each.value for each in Traffic]
    if flags.get("record_as", "real") not in classes:
        raise ConfigError(f"--as: there is no class `{flags['record_as']}`", "choose from: " + ", ".join(classes))
    options = record.Options(
        target=settings.target,
        out=out,
        port=int(port),
        listen=flags.get("listen", "127.0.0.1"),
        redact="unredacted" not in flags,
        extra=tuple(settings.redact),
        body_cap=_size(flags["max_body"]) if "max_body" in flags else record.BODY_CAP,
        rewrite_host="rewrite_host" in flags,
        traffic=Traffic(flags["record_as"]) if "record_as" in flags else None,
    )

    def ready(origin: str) -> None:
        print(f"{origin} → {settings.target}, recorded in {out}; Ctrl-C ends it", file=sys.stderr, flush=True)

    with terminal.progress(sys.stderr, os.environ) as notify:
        counts = record.record(options, ready=ready, tick=lambda now: notify(Step("record", now.exchanges)))
    shared.say(f"{counts.sentence(out)} · exit 0")
    return 0


def _size(text: str) -> int:
    """Bytes of `64kB`, `1MB` or a plain number."""
    import re

    from contract.core.errors import ConfigError

    match = re.fullmatch(r"([0-9]{1,12})\s*(k|M|G|)i?B?", text)
    if match is None:
        raise ConfigError(f"--max-body: `{text}` is no size", "such as 64kB, 1MB")
    return int(match[1]) << {"": 0, "k": 10, "M": 20, "G": 30}[match[2]]
