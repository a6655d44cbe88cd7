"""The command `contract`: what was typed becomes settings, what was found becomes text and an exit code.

Only what a command needs is imported, when it is needed: `contract --version` imports next to nothing.
"""

from __future__ import annotations

import sys

from contract import __version__

TYPE_CHECKING = False  # importing it from typing takes a third of the whole start
if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from typing import Any, NoReturn


COMMANDS = {
    "init": "look at a project, and write the config, the hook and the CI job that suit it",
    "doctor": "say what stands between a project and a verdict, and how to put it right",
    "check": "compare the document with the running API, its routes and its traffic",
    "lint": "say what is wrong with documents on their own",
    "generate": "write typed clients, and say how much of the contract they prove and what changed for their users",
    "explain": "tell what a rule, a figure or an exit code means, why it matters and what to do",
    "replay": "send the request of a finding again and say whether it still holds",
    "fix": "write what the document lacks, as small patches that are proved on the evidence",
    "observe": "judge recorded traffic, and go on as a recording grows",
    "merge": "add up what several runs have counted, and report it as one",
    "record": "stand between clients and the API, and write down what passes",
    "infer": "write the part of a document that recorded traffic shows and no document declares",
    "serve": "keep the reports of all runs, run checks, and answer how a contract stands, over HTTP",
    "token": "make a token for the service",
    "push": "send a JSON report to the service",
    "config": "show the settings and where each comes from, or the schema of the file",
    "completion": "print a script that completes commands and flags in bash, zsh or fish",
}

EXIT_CODES = """\
exit codes:
  0  passed
  1  findings at or above the gate (--fail-on)
  2  usage or configuration: the message says what to change
  3  no verdict: the target cannot be reached, a source failed, or too little was exercised
  4  a bug of ours"""


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
        from contract.app.commands import shared

        shared.complain(error)
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


def _run(words: list[str]) -> int:
    if not words or words[0] in ("-h", "--help", "help"):
        if words[:1] == ["help"] and words[1:2] and words[1] in COMMANDS:
            return _run([words[1], "--help"])
        from contract.app.commands import shared

        shared.say(top_help())
        return 0 if words else 2
    name = words[0]
    if name not in COMMANDS:
        _unknown_command(name)
    namespace, rest = parser(name).parse_known_args(words[1:])
    if rest:
        _unknown_words(name, rest, getattr(namespace, "headers", None) is not None)
    flags = {key: value for key, value in vars(namespace).items() if value is not None}
    return int(command(name).run(flags))


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
  contract init
  contract lint specs/api.yaml
  contract check --document specs/api.yaml --target http://127.0.0.1:8000

{EXIT_CODES}"""


# ------------------------------------------------------------------------------------------------- what was typed


def command(name: str) -> Any:
    """The room of a command: USAGE, EXAMPLES, SECTIONS, LEFT_OUT, COMMON, HAS_VERDICT, `arguments` and `run`."""
    from importlib import import_module

    return import_module(f"contract.app.commands.{name}")


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

    room = command(name)
    made = Parser(
        prog=f"contract {name}",
        usage=room.USAGE,
        description=_sentence(COMMANDS[name]),
        epilog=room.EXAMPLES + (f"\n\n{EXIT_CODES}" if room.HAS_VERDICT else ""),
        formatter_class=lambda prog: argparse.RawDescriptionHelpFormatter(prog, max_help_position=30, width=110),
        allow_abbrev=False,
        add_help=False,
    )
    room.arguments(made)
    for section in room.SECTIONS:
        group = made.add_argument_group(section, SECTIONS[section])
        for key in KEYS:
            if key.section != section or key.name in room.LEFT_OUT:
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
    if "config" in room.COMMON:
        common.add_argument("--config", metavar="FILE", help="instead of the nearest contract.toml or pyproject.toml")
    if "quiet" in room.COMMON:
        common.add_argument("-q", "--quiet", action="store_const", const=True, help="no progress; only the last line")
    common.add_argument("--debug", action="store_const", const=True, help="show the traceback of an error")
    common.add_argument("-h", "--help", action="help", help="show this and stop")
    return made


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
