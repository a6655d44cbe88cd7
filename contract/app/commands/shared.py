"""What several commands share: the settings that were typed, reports that are written, text that is printed."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from contract.app.settings import Settings
    from contract.core.errors import ConfigError, ContractError
    from contract.core.report import Report


def load(flags: Mapping[str, Any]) -> Settings:
    from pathlib import Path

    from contract.app import settings

    return settings.load(flags, os.environ, Path.cwd())


def quiet(flags: Mapping[str, Any]) -> Settings:
    """The settings of a command that asks nobody anything, whatever the config file says."""
    from dataclasses import replace

    return replace(load({**flags, "types": ["none"]}), target=None, fuzz=False, safe=False)


def need_document(settings: Settings) -> None:
    if settings.documents:
        return
    from pathlib import Path

    from contract.core.errors import ConfigError

    found = sorted(
        path
        for folder in (Path(), Path("specs"), Path("docs"), Path("api"), Path("openapi"))
        for path in (folder.glob("*.*") if folder.is_dir() else ())
        if path.suffix in (".yaml", ".yml", ".json") and path.stem.lower().startswith(("openapi", "swagger", "api"))
    )
    example = found[0] if found else "specs/api.yaml"
    where = settings.config or "contract.toml"
    raise ConfigError(
        "there is no document to check against", f'say `--document {example}`, or `document = "{example}"` in {where}'
    )


def need_rules(settings: Settings) -> None:
    """Raises ConfigError for a level that would change nothing."""
    if not settings.levels:
        return
    from fnmatch import fnmatchcase

    from contract.app.keys import nearest
    from contract.core import rule
    from contract.core.errors import ConfigError

    known = list(rule.pages())
    for pattern, _ in settings.levels:
        if not any(fnmatchcase(name, pattern) for name in known):
            guess = nearest(pattern, known)
            message = f"{_level_place(settings, pattern)}: no rule is called `{pattern}`"
            raise ConfigError(f"{message}. Did you mean `{guess}`?" if guess else message, "contract explain")


def _level_place(settings: Settings, pattern: str) -> str:
    """Where a rule's level was said; in a file, the line."""
    from contract.app import configfile

    file = configfile.find(settings.config, settings.cwd) if settings.config is not None else None
    if file is not None and pattern in file.table.get("levels", {}):
        return file.at("levels", pattern)
    return settings.origins["levels"].rpartition(", ")[2]


def kept_in(settings: Settings) -> str | None:
    """The folder of the last run's reports; None if it cannot be written and nobody asked for it."""
    from pathlib import Path

    from contract.app import outputs
    from contract.core.errors import ConfigError

    try:
        outputs.probe([Path(settings.report_dir) / "report.json"])
    except ConfigError as error:
        if settings.origins["report_dir"] != "default":
            raise
        print(f"note: {error.message}; the report is not kept, so `contract replay` needs --report", file=sys.stderr)
        return None
    return settings.report_dir


def deliver(report: Report, settings: Settings, kept: str | None, *, quiet: bool) -> int:
    """Writes and prints; gives the exit code. Files come first, so that the last line is true when it is read."""
    import shutil

    from contract.app import outputs, terminal

    if settings.update_baseline:
        report = _accepted(report, settings)
    written, lost = _write(report, settings, kept)
    data = next((one.format for one in settings.formats if one.path is None and one.format != "text"), None)
    human = sys.stderr if data is not None else sys.stdout
    if data is not None:
        say(outputs.renderer(data).render(report).rstrip("\n"))
    code = report.outcome.exit_code
    if quiet:
        text = " · ".join([report.outcome.sentence, *([f"report {written[-1]}"] if written else []), f"exit {code}"])
    else:
        width = min(shutil.get_terminal_size((100, 24)).columns, 140) if human.isatty() else 100
        colour = terminal.coloured(human, os.environ)
        text = outputs.renderer("text").render(report, color=colour, width=width, written=written[-1:])
    say(text.rstrip("\n"), human)
    if lost:
        raise lost[0]
    return code


def tell(report: Report, settings: Settings, kept: str | None) -> None:
    """The report of a recording that is still followed."""
    for error in _write(report, settings, kept)[1]:
        print(f"note: {error.message}", file=sys.stderr)


def _write(report: Report, settings: Settings, kept: str | None) -> tuple[list[str], list[ConfigError]]:
    """Writes the reports that go to files; which were written, and what went wrong with the others."""
    from pathlib import Path

    from contract.app import outputs
    from contract.core.errors import ConfigError

    written: list[str] = []
    lost: list[ConfigError] = []
    for output in settings.formats:
        if output.path is not None:
            text = outputs.renderer(output.format).render(report)
            try:
                outputs.write(Path(output.path), text)
            except ConfigError as error:  # a disk that is full costs this report, and not the others
                lost.append(error)
            else:
                written.append(output.path)
    if kept is not None:
        outputs.keep(Path(kept))
        for name, file in (("json", "report.json"), ("html", "report.html")):
            outputs.write(Path(kept) / file, outputs.renderer(name).render(report))
        written.append(os.path.normpath(f"{kept}/report.html"))
    return written, lost


def _accepted(report: Report, settings: Settings) -> Report:
    """The report of a run whose findings were just written to the baseline."""
    from dataclasses import replace
    from pathlib import Path

    from contract.app import baseline, outputs

    path = Path(settings.baseline or "")
    before = baseline.load(path) if path.exists() else ()
    after = baseline.extended(before, report, reason=settings.reason or "", until=settings.until)
    outputs.write(path, baseline.dump(after))
    fresh = len({one.fingerprint for one in after} - {one.fingerprint for one in before})
    sentence = f"Accepted: {fresh} more finding{'s' * (fresh != 1)}, {len(after)} in {path}"
    if report.outcome.exit_code == 3:
        sentence += f"; {report.outcome.sentence[0].lower()}{report.outcome.sentence[1:]}"
    code = 0 if report.outcome.exit_code == 1 else report.outcome.exit_code
    return replace(report, outcome=replace(report.outcome, sentence=sentence, exit_code=code))


def say(text: str, stream: TextIO | None = None) -> None:
    """Text for whoever reads; one that has gone away (`| head`) does not change the verdict."""
    stream = stream or sys.stdout
    try:
        print(text, file=stream, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def complain(error: ContractError) -> None:
    print(f"error: {error.message}", file=sys.stderr)
    if error.hint:
        print(f"  hint: {error.hint}", file=sys.stderr)


def database(made: argparse.ArgumentParser) -> None:
    made.add_argument(
        "--database",
        metavar="URL",
        help="sqlite:///FILE or postgresql+pg8000://…; with a password rather the variable CONTRACT_DATABASE "
        "(default: sqlite:///contract.db)",
    )
