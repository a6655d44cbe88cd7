"""The command `contract`: what was typed becomes settings, what was found becomes text and an exit code.

Only what a command needs is imported, when it is needed: `contract --version` imports next to nothing.
"""

from __future__ import annotations

import os
import sys

from contract import __version__

TYPE_CHECKING = False  # importing it from typing takes a third of the whole start
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any, NoReturn, TextIO

    from contract.app.settings import Settings
    from contract.core.errors import ConfigError, ContractError
    from contract.core.report import Report

COMMANDS = {
    "check": "compare the document with the running API, its routes and its traffic",
    "lint": "say what is wrong with documents on their own",
    "generate": "write typed clients, and say how much of the contract they prove and what changed for their users",
    "explain": "tell what a rule finds, why it matters and how to fix it",
    "replay": "send the request of a finding again and say whether it still holds",
    "observe": "judge recorded traffic, and go on as a recording grows",
    "merge": "add up what several runs have counted, and report it as one",
    "record": "stand between clients and the API, and write down what passes",
    "infer": "write the part of a document that recorded traffic shows and no document declares",
    "serve": "keep the reports of all runs, run checks, and answer how a contract stands, over HTTP",
    "token": "make a token for the service",
    "push": "send a JSON report to the service",
    "config": "show the settings and where each comes from, or the schema of the file",
}

EXIT_CODES = """\
exit codes:
  0  passed
  1  findings at or above the gate (--fail-on)
  2  usage or configuration: the message says what to change
  3  no verdict: the target cannot be reached, a source failed, or too little was exercised
  4  a bug of ours"""

EXAMPLES = {
    "check": """\
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
      accept what is found now; from then on only new findings fail""",
    "lint": """\
examples:
  contract lint specs/api.yaml
  contract lint --fail-on warning --format json specs/*.yaml""",
    "generate": """\
examples:
  contract generate --document specs/api.yaml --python generated/python --typescript generated/typescript
      writes both clients and generated/manifest.json; where nothing changed, nothing is started
  contract generate --check
      writes nothing: is generated/ what this document and these tools give, and if not, why? with --full in CI
  contract generate --watch
      again each time that the document is saved, until Ctrl-C
  contract generate --format json=generation.json
      the figure, each failure with its reason, and what changed for users of the clients""",
    "explain": """\
examples:
  contract explain                    all rules
  contract explain response-schema    one of them""",
    "replay": """\
examples:
  contract replay 7c1f9a0                          from the last run
  contract replay 7c1f9a0 --report out/report.json --target http://127.0.0.1:8000

exit codes:
  0  it does not hold any more
  1  it still holds
  2  usage or configuration
  3  no answer, or the report has no request for it""",
    "observe": """\
examples:
  contract observe --document specs/api.yaml capture.har
      judges every exchange of the recording, as `check` would
  contract observe --document specs/api.yaml monday.ndjson.gz tuesday.ndjson.gz access.log --jobs 4
      the kind of a file is told by its name or its first line; `nginx:FILE` says it
  contract observe --document specs/api.yaml --follow --every 1m traffic.ndjson
      reads on until Ctrl-C, and writes the report anew every minute""",
    "merge": """\
examples:
  contract merge monday.json.gz tuesday.json.gz --out week.json.gz
      ledgers that `--ledger` wrote, by day, by process or by machine, in any order
  contract merge --document specs/api.yaml week.json.gz --format html=week.html
      and the report of all of it""",
    "record": """\
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
  3  the recording broke off: the file cannot be written any more""",
    "infer": """\
examples:
  contract infer --document specs/api.yaml --traffic ndjson:traffic.ndjson --out undeclared.yaml
      what clients use and the document does not declare, to be merged into it
  contract infer --traffic har:capture.har
      a first document of an API that has none, on standard output

exit codes:
  0  inferred, or nothing to infer
  2  usage or configuration
  3  the traffic cannot be read, or not all of it""",
    "serve": """\
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
  3  the database cannot be used""",
    "token": """\
examples:
  contract token create --project shop --scope write --label ci
      a token that may push; the secret is printed, once, and the project is created if it is new
  contract token create --project shop --scope read --expires 90 > dashboard.token

exit codes:
  0  made
  2  usage or configuration
  3  the database cannot be used""",
    "push": """\
examples:
  contract push report.json --to https://contract.example.com --project shop
      what `contract check --format json=report.json` wrote, with the token of the variable CONTRACT_TOKEN; sent twice,
      a report counts once
  contract push report.json --to http://127.0.0.1:8080 --project shop --token-file ci.token

exit codes:
  0  the service has it
  2  usage, or the service refuses it: the message says why
  3  the service cannot be reached, or is busy after several tries""",
    "config": """\
examples:
  contract config show
  CONTRACT_SEED=7 contract config show
  contract config schema > contract.schema.json""",
}


def _unraisable(what: sys.UnraisableHookArgs) -> None:
    """Ctrl-C that falls into a finalizer or a callback of the collector would be printed and lost: it is sent once more."""
    if what.exc_type is not KeyboardInterrupt:
        sys.__unraisablehook__(what)
        return
    import _thread
    import threading

    threading.Timer(0.01, _thread.interrupt_main).start()


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and gives its exit code; with --debug, what went wrong shows its traceback."""
    words = list(sys.argv[1:] if argv is None else argv)
    if words in (["--version"], ["-V"]):
        print(f"contract {__version__}")
        return 0
    return _guarded(words)


def _guarded(words: list[str]) -> int:
    from contract.core.errors import ContractError

    before, sys.unraisablehook = sys.unraisablehook, _unraisable
    try:
        return _run(words)
    except ContractError as error:
        _say(error)
        _trace(words)
        return error.exit_code
    except KeyboardInterrupt:
        import signal

        signal.signal(signal.SIGINT, signal.SIG_IGN)  # an impatient third one must not tear the goodbye
        print("stopped", file=sys.stderr)
        return 130
    except Exception as error:
        print(f"error: this is a bug of ours, not of your API: {type(error).__name__}: {error}", file=sys.stderr)
        print("  hint: the same command with --debug shows where; please report it", file=sys.stderr)
        _trace(words)
        return 4
    finally:
        sys.unraisablehook = before


def _trace(words: list[str]) -> None:
    if "--debug" in words:
        import traceback

        traceback.print_exc()


def _say(error: ContractError) -> None:
    print(f"error: {error.message}", file=sys.stderr)
    if error.hint:
        print(f"  hint: {error.hint}", file=sys.stderr)


def _run(words: list[str]) -> int:
    if not words or words[0] in ("-h", "--help", "help"):
        if words[:1] == ["help"] and words[1:2] and words[1] in COMMANDS:
            return _run([words[1], "--help"])
        _print(top_help())
        return 0 if words else 2
    name = words[0]
    if name not in COMMANDS:
        _unknown_command(name)
    namespace, rest = parser(name).parse_known_args(words[1:])
    if rest:
        _unknown_words(name, rest, getattr(namespace, "headers", None) is not None)
    flags = {key: value for key, value in vars(namespace).items() if value is not None}
    return _COMMAND[name](flags)


def top_help() -> str:
    """What `contract --help` says."""
    width = max(map(len, COMMANDS))
    commands = "\n".join(f"  {name:<{width}}  {help}" for name, help in COMMANDS.items())
    return f"""\
usage: contract COMMAND …

Says where an OpenAPI document and the running API disagree, and proves it.

commands:
{commands}

  contract COMMAND --help   its flags, with examples
  contract --version

first steps:
  contract lint specs/api.yaml
  contract check --document specs/api.yaml --target http://127.0.0.1:8000

{EXIT_CODES}"""


# ------------------------------------------------------------------------------------------------- what was typed


def parser(name: str) -> argparse.ArgumentParser:
    """The parser of one command."""
    import argparse

    from contract.app.keys import KEYS, SECTIONS
    from contract.core.errors import ConfigError

    class Parser(argparse.ArgumentParser):
        def error(self, message: str) -> NoReturn:
            raise ConfigError(message.replace("argument ", ""), f"contract {name} --help")

    class Append(argparse.Action):
        """One more value; `--no-types` before it is forgotten, as the last word counts."""

        def __call__(self, parser: object, space: argparse.Namespace, value: Any, option: str | None = None) -> None:
            said = getattr(space, self.dest, None)
            setattr(space, self.dest, [*(said if isinstance(said, list) else []), value])

    made = Parser(
        prog=f"contract {name}",
        usage=_USAGE[name],
        description=_sentence(COMMANDS[name]),
        epilog=EXAMPLES[name]
        + (
            ""
            if name in ("replay", "explain", "record", "infer", "serve", "token", "push", "config")
            else f"\n\n{EXIT_CODES}"
        ),
        formatter_class=lambda prog: argparse.RawDescriptionHelpFormatter(prog, max_help_position=30, width=110),
        allow_abbrev=False,
        add_help=False,
    )
    _arguments(made, name)
    sections = _SECTIONS_OF.get(name, ())
    for section in sections:
        group = made.add_argument_group(section, SECTIONS[section])
        for key in KEYS:
            if key.section != section or key.name in _NOT_OF.get(name, ()):
                continue
            default = f" (default: {key.shown_default})" if key.shown_default not in (None, "true", "false") else ""
            text = (key.help + default).replace("%", "%%")
            if key.metavar is None:
                group.add_argument(key.flag, dest=key.name, action="store_const", const=key.on, help=text)
            elif key.kind.many:
                group.add_argument(key.flag, dest=key.name, action=Append, metavar=key.metavar, help=text)
            else:
                group.add_argument(key.flag, dest=key.name, metavar=key.metavar, help=text)
            if key.opposite is not None:
                group.add_argument(
                    key.opposite[0], dest=key.name, action="store_const", const=key.opposite[1], help=key.opposite[2]
                )
    common = made.add_argument_group("common")
    if sections or name in ("serve", "token"):
        common.add_argument("--config", metavar="FILE", help="instead of the nearest contract.toml or pyproject.toml")
    if name in ("check", "observe", "merge"):
        common.add_argument("-q", "--quiet", action="store_const", const=True, help="no progress; only the last line")
    common.add_argument("--debug", action="store_const", const=True, help="show the traceback of an error")
    common.add_argument("-h", "--help", action="help", help="show this and stop")
    return made


def _arguments(made: argparse.ArgumentParser, name: str) -> None:
    """What stands without a flag, and flags that are no settings."""
    if name == "lint":
        made.add_argument("paths", nargs="*", metavar="DOCUMENT", help="else the documents of the config file")
        made.add_argument("--format", metavar="NAME", dest="lint_format", help="text or json (default: text)")
    elif name == "generate":
        made.add_argument(
            "--python", metavar="DIR", help="write the Python client there; the file's targets are left out"
        )
        made.add_argument("--typescript", metavar="DIR", help="write the TypeScript client there; likewise")
        made.add_argument("--check", action="store_const", const=True, help="write nothing; say what is stale, and why")
        made.add_argument(
            "--full", action="store_const", const=True, help="make and prove all of it anew, as CI should"
        )
        made.add_argument("--watch", action="store_const", const=True, help="again whenever the document changes")
        made.add_argument(
            "--fail-on-change",
            action="store_const",
            const=True,
            help="exit 1 where a file was written, as a hook has to",
        )
        made.add_argument(
            "--format",
            metavar="NAME[=PATH]",
            dest="generate_formats",
            action="append",
            help="text, json, markdown; again for a further one; only one may lack a path (default: text)",
        )
    elif name == "explain":
        made.add_argument("rule", nargs="?", metavar="RULE", help="a rule's id; all rules without it")
    elif name == "replay":
        made.add_argument("fingerprint", metavar="FINGERPRINT", help="as a report shows it, or its beginning")
        made.add_argument("--report", metavar="FILE", help="the JSON report it is in (default: the last run's)")
    elif name == "observe":
        made.add_argument("files", nargs="*", metavar="[KIND:]FILE", help="else the traffic of the config file")
        made.add_argument("--follow", action="store_const", const=True, help="read on as the file grows, until Ctrl-C")
        made.add_argument(
            "--every", metavar="TIME", help="how often the report is written while following (default: 30s)"
        )
    elif name == "merge":
        made.add_argument("ledgers", nargs="+", metavar="LEDGER", help="files that --ledger or merge wrote")
        made.add_argument("--out", metavar="FILE", help="where the sum goes; packed if it ends in .gz")
    elif name == "record":
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
    elif name == "infer":
        made.add_argument("--out", metavar="FILE", help="write it there instead of to standard output")
        made.add_argument("--format", metavar="NAME", dest="infer_format", help="yaml or json (default: yaml)")
    elif name == "serve":
        made.add_argument("--host", metavar="ADDRESS", help="(default: 127.0.0.1, for this machine alone)")
        made.add_argument("--port", metavar="N", help="(default: 8080; 0 takes a free one)")
        _database(made)
    elif name == "token":
        made.add_argument("what", metavar="create", help="what is to be done")
        made.add_argument("--project", metavar="NAME", help="what the token may see; created if it is new")
        made.add_argument("--scope", metavar="SCOPE", help="read, write (push and decide), admin (make tokens)")
        made.add_argument("--expires", metavar="DAYS", help="(default: never)")
        made.add_argument("--label", metavar="TEXT", help="who uses it; stands beside what is done with it")
        _database(made)
    elif name == "push":
        made.add_argument("report_file", metavar="REPORT.json", help="what `--format json=PATH` wrote")
        made.add_argument("--to", metavar="URL", help="where the service is")
        made.add_argument("--project", metavar="NAME", help="which project the report belongs to")
        made.add_argument("--token-file", metavar="FILE", help="holds the token (default: the variable CONTRACT_TOKEN)")
    elif name == "config":
        made.add_argument("what", nargs="?", metavar="show|schema", help="(default: show)")


def _database(made: argparse.ArgumentParser) -> None:
    made.add_argument(
        "--database",
        metavar="URL",
        help="sqlite:///FILE or postgresql+pg8000://…; with a password rather the variable CONTRACT_DATABASE "
        "(default: sqlite:///contract.db)",
    )


_USAGE = {
    "check": "contract check [--document FILE] [--target URL] [--routes KIND:WHERE] [--traffic KIND:FILE] …",
    "lint": "contract lint [--format text|json] [--fail-on LEVEL] DOCUMENT …",
    "generate": "contract generate [--document FILE] [--python DIR] [--typescript DIR] [--check] [--watch] …",
    "explain": "contract explain [RULE]",
    "replay": "contract replay FINGERPRINT [--report FILE] [--target URL] [--header 'NAME: VALUE'] …",
    "observe": "contract observe [--document FILE] [--follow] [KIND:]FILE …",
    "merge": "contract merge [--out FILE] [--document FILE] [--format NAME[=PATH]] LEDGER …",
    "record": "contract record --target URL [--port N] [--out FILE] …",
    "infer": "contract infer --traffic KIND:FILE … [--document FILE] [--out FILE] [--format yaml|json]",
    "serve": "contract serve [--host ADDRESS] [--port N] [--database URL]",
    "token": "contract token create [--project NAME] --scope read|write|admin [--expires DAYS] [--label TEXT] …",
    "push": "contract push REPORT.json --to URL --project NAME [--token-file FILE]",
    "config": "contract config [show|schema]",
}
_ALL = ("document", "evidence", "walk", "fuzzer", "requests", "scope", "generated types", "this run", "reports", "gate")
_SECTIONS_OF: dict[str, tuple[str, ...]] = {
    "check": _ALL,
    "lint": ("document", "gate"),
    "generate": ("document", "generated types"),
    "replay": ("document", "evidence", "requests", "reports"),
    "observe": ("document", "evidence", "scope", "this run", "reports", "gate"),
    "merge": ("document", "scope", "this run", "reports", "gate"),
    "record": ("evidence", "reports"),
    "infer": ("document", "evidence"),
    "config": _ALL,
}
_NOT_OF: dict[str, tuple[str, ...]] = {
    "lint": ("documents", "floor", "baseline", "base_report", "update_baseline", "reason", "until"),
    "replay": ("routes", "traffic", "formats"),
    "record": ("routes", "traffic", "jobs", "tenant", "formats", "report_dir", "ledger"),
    "observe": ("target", "traffic", "safe"),
    "merge": ("safe", "ledger"),
    "infer": ("target", "routes"),
    "config": ("update_baseline", "reason", "until"),
}


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:] + "."


def _unknown_command(name: str) -> NoReturn:
    from contract.app.keys import nearest
    from contract.core.errors import ConfigError

    guess = nearest(name, list(COMMANDS))
    kind = "flag" if name.startswith("-") else "command"
    message = f"unknown {kind} `{name}`"
    if guess is not None:
        raise ConfigError(f"{message}. Did you mean `{guess}`?")
    raise ConfigError(message, "commands: " + ", ".join(COMMANDS))


def _unknown_words(name: str, rest: Sequence[str], with_header: bool) -> NoReturn:
    import re

    from contract.app.keys import nearest
    from contract.core.errors import ConfigError

    flag = next((word for word in rest if word.startswith("-")), None)
    if flag is None and with_header:
        # `--header X-Api-Key: s3cr3t`, the quotes forgotten: the word may be the secret.
        raise ConfigError(
            f"`contract {name}` takes no words without a flag", "quote a header: `--header 'NAME: VALUE'`"
        )
    if flag is None:
        hint = f"contract check --document {rest[0]}" if name == "check" else f"contract {name} --help"
        raise ConfigError(f"`contract {name}` takes no `{rest[0]}`", hint)
    flag = re.split("[^A-Za-z0-9-]", flag)[0]  # what follows may be a secret: `-HX-Api-Key:s3cr3t`
    known = [option for action in parser(name)._actions for option in action.option_strings]
    guess = nearest(flag, known)
    message = f"unknown flag `{flag}`" + (f". Did you mean `{guess}`?" if guess is not None else "")
    raise ConfigError(message, None if guess is not None else f"contract {name} --help")


def _settings(flags: Mapping[str, Any]) -> Settings:
    from pathlib import Path

    from contract.app import settings

    return settings.load(flags, os.environ, Path.cwd())


# --------------------------------------------------------------------------------------------------- the commands


def _check(flags: dict[str, Any]) -> int:
    from pathlib import Path

    from contract.app import outputs, terminal

    settings = _settings(flags)
    _need_document(settings)
    _need_rules(settings)
    quiet = bool(flags.get("quiet"))
    for output in settings.formats:
        outputs.renderer(output.format)
    outputs.probe(Path(output.path) for output in settings.formats if output.path is not None)
    if settings.baseline is not None and settings.update_baseline:
        outputs.probe([Path(settings.baseline)])
    kept = _kept(settings)
    for note in settings.notes:
        print(f"note: {note}", file=sys.stderr)

    from contract.app import run

    with terminal.progress(sys.stderr, os.environ, quiet=quiet) as notify:
        report = run.check(settings, notify=notify)
    return _deliver(report, settings, kept, quiet=quiet)


def _quiet_settings(flags: Mapping[str, Any]) -> Settings:
    """The settings of a command that asks nobody anything, whatever the config file says."""
    from dataclasses import replace

    return replace(_settings({**flags, "types": ["none"]}), target=None, fuzz=False, safe=False)


def _observe(flags: dict[str, Any]) -> int:
    from pathlib import Path

    from contract.app import outputs, run, terminal
    from contract.app.observe import described
    from contract.app.values import DURATION, Place
    from contract.core.errors import ConfigError

    if flags.get("files"):
        flags["traffic"] = [described(file) for file in flags.pop("files")]
    settings = _quiet_settings(flags)
    _need_document(settings)
    _need_rules(settings)
    if not settings.traffic:
        raise ConfigError("there is nothing to observe", "name a recording: `contract observe capture.har`")
    quiet = bool(flags.get("quiet"))
    for output in settings.formats:
        outputs.renderer(output.format)
    outputs.probe(Path(output.path) for output in settings.formats if output.path is not None)
    kept = _kept(settings)
    following = None
    if flags.get("follow"):
        if len(settings.traffic) > 1:
            raise ConfigError(
                "--follow takes one file", "run one `contract observe --follow` for each, and `merge` them"
            )
        try:
            every_s = float(DURATION.text(flags.get("every", "30s"), Place(Path.cwd(), Path.cwd(), os.environ)))
        except ValueError as error:
            raise ConfigError(f"--every must be {error}, not `{flags['every']}`") from error
        following = run.Following(every_s, lambda report: _told(report, settings, kept))
    elif flags.get("every"):
        raise ConfigError("--every says how often a followed file is reported", "add --follow")
    with terminal.progress(sys.stderr, os.environ, quiet=quiet) as notify:
        report = run.check(settings, notify=notify, following=following)
    return _deliver(report, settings, kept, quiet=quiet)


def _merge(flags: dict[str, Any]) -> int:
    from pathlib import Path

    from contract.app import observe

    settings = _quiet_settings(flags)
    total, of = observe.merged([Path(path) for path in flags["ledgers"]])
    if "out" in flags:
        from contract.app import ledgers

        ledgers.write(Path(flags["out"]), total, of=of)
    if not settings.documents:
        _print(observe.sentence(total, len(flags["ledgers"]), flags.get("out")))
        return 0
    _need_rules(settings)
    kept = _kept(settings)
    return _deliver(observe.report(total, of, settings), settings, kept, quiet=bool(flags.get("quiet")))


def _need_document(settings: Settings) -> None:
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


def _need_rules(settings: Settings) -> None:
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


def _kept(settings: Settings) -> str | None:
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


def _deliver(report: Report, settings: Settings, kept: str | None, *, quiet: bool) -> int:
    """Writes and prints; gives the exit code. Files come first, so that the last line is true when it is read."""
    import shutil

    from contract.app import outputs, terminal

    if settings.update_baseline:
        report = _accepted(report, settings)
    written, lost = _write(report, settings, kept)
    data = next((one.format for one in settings.formats if one.path is None and one.format != "text"), None)
    human = sys.stderr if data is not None else sys.stdout
    if data is not None:
        _print(outputs.renderer(data).render(report).rstrip("\n"))
    code = report.outcome.exit_code
    if quiet:
        text = " · ".join([report.outcome.sentence, *([f"report {written[-1]}"] if written else []), f"exit {code}"])
    else:
        width = min(shutil.get_terminal_size((100, 24)).columns, 140) if human.isatty() else 100
        colour = terminal.coloured(human, os.environ)
        text = outputs.renderer("text").render(report, color=colour, width=width, written=written[-1:])
    _print(text.rstrip("\n"), human)
    if lost:
        raise lost[0]
    return code


def _told(report: Report, settings: Settings, kept: str | None) -> None:
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


def _print(text: str, stream: TextIO | None = None) -> None:
    """Text for whoever reads; one that has gone away (`| head`) does not change the verdict."""
    stream = stream or sys.stdout
    try:
        print(text, file=stream, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _lint(flags: dict[str, Any]) -> int:
    from contract.app import lint
    from contract.core.errors import ConfigError

    settings = _settings(flags)
    kind = flags.get("lint_format", "text")
    if kind not in ("text", "json"):
        from contract.app.keys import nearest

        guess = nearest(kind, ["text", "json"])
        raise ConfigError(
            f"lint has no format `{kind}`" + (f". Did you mean `{guess}`?" if guess else ""), "text or json"
        )
    paths = flags["paths"] or list(settings.documents)
    if not paths:
        _need_document(settings)
    _need_rules(settings)
    result = lint.lint(paths, settings)
    for refused in result.refused:
        _say(refused)
    _print(lint.as_json(result) if kind == "json" else lint.as_text(result))
    if kind == "json":
        print(lint.verdict(result), file=sys.stderr)
    return result.exit_code


def _generate(flags: dict[str, Any]) -> int:
    from contract.app import generate
    from contract.core.errors import ConfigError, ContractError

    check, watch = bool(flags.get("check")), bool(flags.get("watch"))
    if watch and check:
        raise ConfigError("--watch writes, and --check writes nothing", "say one of them")
    formats = _generate_formats(flags)
    named = [f"{name}={flags[name]}" for name in ("python", "typescript") if name in flags]
    if named:
        said = flags.get("types")
        flags["types"] = [*named, *(said if isinstance(said, list) else [])]

    def load() -> Settings:
        settings = _settings(flags)
        _need_document(settings)
        return settings

    if not watch:
        return _generated(load(), flags, formats)

    def tell(settings: Settings) -> None:
        try:
            _generated(settings, flags, formats)
        except ContractError as error:  # what is being edited is wrong now and then
            _say(error)

    try:
        generate.watch(load, tell)
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
    return 0


def _generate_formats(flags: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Each format with its path; an empty one is standard output."""
    from pathlib import Path

    from contract.app import made, outputs
    from contract.app.keys import nearest
    from contract.core.errors import ConfigError

    found = []
    for text in flags.get("generate_formats") or ["text"]:
        name, _, path = text.partition("=")
        if name not in made.FORMATS:
            guess = nearest(name, made.FORMATS)
            message = f"generate has no format `{name}`" + (f". Did you mean `{guess}`?" if guess else "")
            raise ConfigError(message, "text, json or markdown")
        found.append((name, path))
    if sum(not path for _, path in found) > 1:
        raise ConfigError(
            "only one format can go to standard output", "give the others a path: `--format json=made.json`"
        )
    outputs.probe([Path(path) for _, path in found if path])
    return found


def _generated(settings: Settings, flags: Mapping[str, Any], formats: Sequence[tuple[str, str]]) -> int:
    """One run over all targets, told in each format; files come first, so that the last line is true when it is read."""
    from pathlib import Path

    from contract.app import generate, made, outputs, terminal

    check = bool(flags.get("check"))
    targets = []
    with terminal.progress(sys.stderr, os.environ) as notify:
        for one in generate.generate(settings, check=check, full=bool(flags.get("full")), notify=notify):
            targets.append(one)
    code = made.exit_code(targets, unchanged=bool(flags.get("fail_on_change")))
    said = made.sentence(targets, code, check=check)

    def text(name: str) -> str:
        if name == "json":
            return made.as_json(targets, ", ".join(settings.documents), code, said)
        if name == "markdown":
            return made.as_markdown(targets, said)
        return "\n".join([*(made.as_text(one) for one in targets), said])

    for name, path in formats:
        if path:
            outputs.write(Path(path), text(name) + "\n")
    bare = next((name for name, path in formats if not path), None)
    if bare is not None:
        _print(text(bare))
    if bare != "text":
        print(said, file=sys.stderr)
    return code


def _explain(flags: dict[str, Any]) -> int:
    from contract.app import explain

    _print(explain.page(flags["rule"]) if "rule" in flags else explain.index())
    return 0


def _replay(flags: dict[str, Any]) -> int:
    from pathlib import Path

    from contract.app import replay

    settings = _settings(flags)
    path = Path(flags["report"]) if "report" in flags else Path(settings.report_dir) / "report.json"
    code, sentence = replay.replay(flags["fingerprint"], settings, path)
    _print(f"{sentence} · exit {code}")
    return code


def _record(flags: dict[str, Any]) -> int:
    from pathlib import Path

    from contract.app import record, terminal
    from contract.app.steps import Step
    from contract.core.errors import ConfigError
    from contract.core.evidence import Traffic

    settings = _settings(flags)
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
    _print(f"{counts.sentence(out)} · exit 0")
    return 0


def _size(text: str) -> int:
    """Bytes of `64kB`, `1MB` or a plain number."""
    import re

    from contract.core.errors import ConfigError

    match = re.fullmatch(r"([0-9]{1,12})\s*(k|M|G|)i?B?", text)
    if match is None:
        raise ConfigError(f"--max-body: `{text}` is no size", "such as 64kB, 1MB")
    return int(match[1]) << {"": 0, "k": 10, "M": 20, "G": 30}[match[2]]


def _infer(flags: dict[str, Any]) -> int:
    from pathlib import Path

    from contract.app import infer, outputs, terminal
    from contract.core.errors import ConfigError

    kind = flags.get("infer_format", "yaml")
    if kind not in infer.FORMATS:
        from contract.app.keys import nearest

        guess = nearest(kind, list(infer.FORMATS))
        message = f"infer has no format `{kind}`" + (f". Did you mean `{guess}`?" if guess else "")
        raise ConfigError(message, "yaml or json")
    settings = _settings(flags)
    out = Path(flags["out"]) if "out" in flags else None
    if out is not None:
        outputs.probe([out])
    with terminal.progress(sys.stderr, os.environ) as notify:
        made = infer.infer(settings, notify=notify)
    if made.operations and out is not None:
        outputs.write(out, infer.as_text(made, kind) + "\n")
    elif made.operations:
        _print(infer.as_text(made, kind))
    for line in infer.summary(made):
        print(line, file=sys.stderr)
    return made.exit_code


def _serve(flags: dict[str, Any]) -> int:
    from pathlib import Path

    from contract.app import serve

    serve.serve(serve.config(flags, os.environ, Path.cwd()), _print)
    return 0


def _token(flags: dict[str, Any]) -> int:
    from pathlib import Path

    from contract.app import serve
    from contract.core.errors import ConfigError

    if flags["what"] != "create":
        raise ConfigError(f"`contract token` takes `create`, not `{flags['what']}`", "contract token --help")
    secret, sentence = serve.create_token(serve.config(flags, os.environ, Path.cwd()), flags)
    print(sentence, file=sys.stderr)
    _print(secret)
    return 0


def _push(flags: dict[str, Any]) -> int:
    from contract.app import push

    _print(push.push(push.read(flags, os.environ), note=lambda text: print(f"note: {text}", file=sys.stderr)))
    return 0


def _config(flags: dict[str, Any]) -> int:
    from contract.app import settings
    from contract.core.errors import ConfigError

    what = flags.get("what", "show")
    if what == "schema":
        import json

        _print(json.dumps(settings.schema(), indent=2, ensure_ascii=False))
        return 0
    if what != "show":
        raise ConfigError(f"`contract config` takes `show` or `schema`, not `{what}`")
    loaded = _settings(flags)
    rows = settings.shown(loaded)
    name, value = (max(len(row[column]) for row in rows) for column in (0, 1))
    value = min(value, 60)
    _print("\n".join(f"{row[0]:<{name}}  {row[1]:<{value}}  {row[2]}" for row in rows))
    for note in loaded.notes:
        print(f"note: {note}", file=sys.stderr)
    return 0


_COMMAND: dict[str, Callable[[dict[str, Any]], int]] = {
    "check": _check,
    "lint": _lint,
    "generate": _generate,
    "explain": _explain,
    "replay": _replay,
    "observe": _observe,
    "merge": _merge,
    "record": _record,
    "infer": _infer,
    "serve": _serve,
    "token": _token,
    "push": _push,
    "config": _config,
}
