"""`contract completion SHELL`: a script that completes commands, flags and their values, made from the parsers themselves.

The script is static: pressing Tab starts no Python. It is that of the release that printed it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from contract import __version__
from contract.core.errors import ConfigError

if TYPE_CHECKING:
    import argparse

SHELLS = ("bash", "zsh", "fish")


class Kind(StrEnum):
    """What completes a value."""

    NONE = "none"
    WORDS = "words"
    FILES = "files"
    FOLDERS = "folders"


@dataclass(frozen=True)
class Values:
    """What may stand for a value. A word that ends in `:` or `=` goes on, with a file where `files_after` has it."""

    kind: Kind
    words: tuple[str, ...] = ()
    files_after: tuple[str, ...] = ()


@dataclass(frozen=True)
class Flag:
    """A flag, all its spellings, and what may follow it; None if nothing does."""

    names: tuple[str, ...]
    help: str
    values: Values | None


@dataclass(frozen=True)
class Command:
    """A command, its flags, and what stands without one."""

    name: str
    help: str
    flags: tuple[Flag, ...]
    words: Values


def commands() -> list[Command]:
    """Every command of the command line."""
    from contract.app import cli

    return [_command(name, help, cli.parser(name)) for name, help in cli.COMMANDS.items()]


def _command(name: str, help: str, parser: argparse.ArgumentParser) -> Command:
    flags = []
    words = Values(Kind.NONE)
    for action in parser._actions:
        takes = action.nargs != 0
        if action.option_strings:
            text = re.sub(r"\s+", " ", (action.help or "").replace("%%", "%"))
            flags.append(Flag(tuple(action.option_strings), text, _values(action) if takes else None))
        else:
            words = _values(action)
    return Command(name, help, tuple(flags), words)


def _values(action: argparse.Action) -> Values:
    from contract.app import explain, outputs
    from contract.core import rule

    metavar = action.metavar if isinstance(action.metavar, str) else ""
    if action.dest == "rule":
        return Values(Kind.WORDS, tuple(explain.names()))
    if action.dest == "levels":
        return Values(Kind.WORDS, tuple(f"{name}=" for name in rule.pages()))
    if action.dest in ("formats", "generate_formats"):
        return Values(
            Kind.WORDS, tuple(outputs.format_names()) if action.dest == "formats" else ("text", "json", "markdown")
        )
    if action.dest == "fail_on":
        return Values(Kind.WORDS, ("error", "warning", "note"))
    if action.dest == "types":
        return Values(Kind.WORDS, (*_plug_ins("generators"), "none"))
    if action.dest in ("routes", "traffic"):
        kinds = tuple(f"{name}:" for name in _plug_ins(f"sources.{action.dest}"))
        imported = ("asgi:", "flask:", "django:", "tornado:", "pyramid:", "aiohttp:")
        return Values(Kind.WORDS, kinds, tuple(kind for kind in kinds if kind not in imported))
    if action.dest == "target":
        return Values(
            Kind.WORDS, ("http://", "https://", *(f"{name}:" for name in _plug_ins("targets") if name != "http"))
        )
    if re.fullmatch(r"[a-z]+(\|[a-z]+)*", metavar):
        return Values(Kind.WORDS, tuple(metavar.split("|")))
    if metavar in ("FILE", "PATH", "DOCUMENT", "LEDGER", "REPORT.json", "[KIND:]FILE"):
        return Values(Kind.FILES)
    if metavar == "DIR":
        return Values(Kind.FOLDERS)
    if metavar in ("NAME", "SCOPE", "CLASS"):
        named = re.sub(r"\([^)]*\)", "", action.help or "")
        listed = tuple(word.strip() for word in re.split(r",| or ", named))
        if len(listed) > 1 and all(re.fullmatch(r"[a-z]+", word) for word in listed):
            return Values(Kind.WORDS, listed)
    return Values(Kind.NONE)


def _plug_ins(family: str) -> list[str]:
    import pkgutil
    from importlib import import_module
    from importlib.metadata import entry_points

    package = import_module(f"contract.{family}")
    names = {info.name for info in pkgutil.iter_modules(package.__path__) if not info.name.startswith("_")}
    # One group holds the sources of both kinds, and nothing says of which kind one is.
    others = [] if family.startswith("sources.") else entry_points(group=f"contract.{family}")
    return sorted(names | {entry.name for entry in others})


def script(shell: str) -> str:
    """The script for a shell; raises ConfigError with the nearest name where there is none."""
    if shell == "bash":
        return "\n".join(_bash(commands()))
    if shell == "zsh":
        return "\n".join(_zsh(commands()))
    if shell == "fish":
        return "\n".join(_fish(commands()))
    from contract.app.keys import nearest

    guess = nearest(shell, SHELLS)
    message = f"there is no completion for `{shell}`"
    if guess is not None:
        raise ConfigError(f"{message}. Did you mean `{guess}`?")
    raise ConfigError(message, "choose from: " + ", ".join(SHELLS))


def _quoted(text: str) -> str:
    """Between single quotes, as every POSIX shell reads it."""
    return "'" + text.replace("'", "'\\''") + "'"


def _list(words: Iterator[str] | tuple[str, ...] | list[str]) -> str:
    return _quoted(" ".join(words))


def _cases(found: list[Command]) -> Iterator[str]:
    """The cases that say of `COMMAND FLAG` which values it takes; no flag stands for the command's own words."""
    for command in found:
        rows = [
            (("",), command.words),
            *((flag.names, flag.values) for flag in command.flags if flag.values is not None),
        ]
        for names, values in rows:
            assert values is not None
            patterns = "|".join(_quoted(f"{command.name} {name}") for name in names)
            said = [f"kind={values.kind.value}"]
            said += [f"list={_list(values.words)}"] if values.words else []
            said += [f"files_after={_list(values.files_after)}"] if values.files_after else []
            yield f"    {patterns}) {' '.join(said)} ;;"


def _bash(found: list[Command]) -> Iterator[str]:
    yield f"""\
# Completion of contract {__version__} for bash 4 or newer: contract completion bash > ~/.local/share/bash-completion/completions/contract
_contract_values() {{
  kind=unknown list= files_after=
  case "$1 $2" in"""
    yield from _cases(found)
    yield """\
  esac
}

_contract_flags() {
  case "$1" in"""
    for command in found:
        yield f"    {command.name}) flags={_list([name for flag in command.flags for name in flag.names])} ;;"
    yield f"""\
    *) flags= ;;
  esac
}}

_contract() {{
  local -a words=()
  local part cur prev='' command='' kind list files_after flags value kept='' cut=''
  local index
  COMPREPLY=()
  # Bash may part words at `:` and `=`, and here they are one: `har:capture.har`, `--format=json`.
  for ((index = 1; index <= COMP_CWORD; index++)); do
    part=${{COMP_WORDS[index]}}
    if ((${{#words[@]}})) && [[ $part == [:=]* || ${{words[-1]}} == *[:=] && -n $part ]]; then
      words[-1]+=$part
    else
      words+=("$part")
    fi
  done
  cur=${{words[-1]-}}
  ((${{#words[@]}} > 1)) && command=${{words[0]}} prev=${{words[-2]}}
  if [[ -z $command ]]; then
    mapfile -t COMPREPLY < <(compgen -W {_list([*(command.name for command in found), "help", "--help", "--version"])} -- "$cur")
    return
  fi
  if [[ $command == help ]]; then
    mapfile -t COMPREPLY < <(compgen -W {_list([command.name for command in found])} -- "$cur")
    return
  fi
  value=$cur
  if [[ $cur == --*=* ]]; then
    prev=${{cur%%=*}} value=${{cur#*=}} kept="${{cur%%=*}}="
  elif [[ $cur == -* ]]; then
    _contract_flags "$command"
    mapfile -t COMPREPLY < <(compgen -W "$flags" -- "$cur")
    return
  fi
  _contract_values "$command" "$prev"
  [[ $kind == unknown ]] && _contract_values "$command" ''
  if [[ $kind == words && $value == *:* && " $files_after " == *" ${{value%%:*}}: "* ]]; then
    kept+=${{value%%:*}}: value=${{value#*:}} kind=files
  fi
  case $kind in
    files) mapfile -t COMPREPLY < <(compgen -f -- "$value") ;;
    folders) mapfile -t COMPREPLY < <(compgen -d -- "$value") ;;
    words) mapfile -t COMPREPLY < <(compgen -W "$list" -- "$value") ;;
  esac
  [[ $kind == files || $kind == folders ]] && compopt -o filenames
  [[ ${{COMPREPLY[0]-}} == *[:=/] ]] && compopt -o nospace
  # What stands before a character that parts words stays as it is, and is no part of the answer.
  for ((index = ${{#cur}}; index > 0; index--)); do
    part=${{cur:index-1:1}}
    if [[ $part == [:=] && $COMP_WORDBREAKS == *"$part"* ]]; then
      cut=${{cur:0:index}}
      break
    fi
  done
  for index in "${{!COMPREPLY[@]}}"; do
    part=$kept${{COMPREPLY[index]}}
    COMPREPLY[index]=${{part#"$cut"}}
  done
}}
complete -F _contract contract
"""


def _zsh(found: list[Command]) -> Iterator[str]:
    yield f"""\
#compdef contract
# Completion of contract {__version__} for zsh: contract completion zsh > a folder of $fpath, as `_contract`
_contract_values() {{
  kind=unknown list= files_after=
  case "$1 $2" in"""
    yield from _cases(found)
    yield """\
  esac
}

_contract_flags() {
  case "$1" in"""
    for command in found:
        rows = [_described(name, flag.help) for flag in command.flags for name in flag.names]
        yield f"    {command.name}) flags=({' '.join(rows)}) ;;"
    names = " ".join(_described(command.name, command.help) for command in found)
    yield f"""\
    *) flags=() ;;
  esac
}}

_contract() {{
  local kind list files_after previous=$words[CURRENT-1] command=$words[2]
  local -a flags names values
  names=({names} 'help:say what a command takes')
  if ((CURRENT == 2)); then
    if [[ $PREFIX == -* ]]; then compadd -- --help --version; else _describe -t commands command names; fi
    return
  fi
  if [[ $command == help ]]; then
    ((CURRENT == 3)) && _describe -t commands command names
    return
  fi
  if [[ $PREFIX == --*=* ]]; then
    previous=${{PREFIX%%=*}}
    compset -P 1 '*='
  elif [[ $PREFIX == -* ]]; then
    _contract_flags "$command"
    _describe -t flags flag flags
    return
  fi
  _contract_values "$command" "$previous"
  [[ $kind == unknown ]] && _contract_values "$command" ''
  case $kind in
    files) _files ;;
    folders) _path_files -/ ;;
    words)
      if [[ $PREFIX == *:* && " $files_after " == *" ${{PREFIX%%:*}}: "* ]]; then
        compset -P 1 '*:'
        _files
        return
      fi
      values=(${{(s: :)list}})
      compadd -S '' -- ${{(M)values:#*[:=/]}}
      compadd -- ${{values:#*[:=/]}}
      ;;
  esac
}}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _contract "$@"; else compdef _contract contract; fi
"""


def _described(name: str, help: str) -> str:
    """`name:what it is`, the colons of the name escaped."""
    return _quoted(name.replace(":", "\\:") + ":" + help)


def _fish(found: list[Command]) -> Iterator[str]:
    yield f"""\
# Completion of contract {__version__} for fish: contract completion fish > ~/.config/fish/completions/contract.fish
function __contract_command
  set -l words (commandline -opc)
  test (count $words) -ge 2; and echo $words[2]
end
function __contract_is
  set -l command (__contract_command)
  test "$command" = "$argv[1]"
end
function __contract_files
  # Files behind `KIND:`, the kind kept before each of them.
  set -l token (string replace -r -- '^--[a-z-]+=' '' (commandline -ct))
  for kind in $argv
    if string match -q -- "$kind*" $token
      set -l begun (string replace -- $kind '' $token)
      for file in (complete -C "__contract_no_command $begun")
        echo $kind(string split -f 1 \\t $file)
      end
    end
  end
end
complete -c contract -e
complete -c contract -f"""
    for command in found:
        yield f"complete -c contract -n '__contract_is \"\"' -a {command.name} -d {_in_fish(command.help)}"
    names = " ".join(command.name for command in found)
    yield "complete -c contract -n '__contract_is \"\"' -a help -d 'say what a command takes'"
    yield f"complete -c contract -n '__contract_is help' -a {_in_fish(names)}"
    yield "complete -c contract -n '__contract_is \"\"' -l version -d 'say which release this is'"
    yield "complete -c contract -n '__contract_is \"\"' -l help -d 'say which commands there are'"
    for command in found:
        here = f"complete -c contract -n '__contract_is {command.name}'"
        if command.words.kind is not Kind.NONE:
            yield f"{here} {_of_fish(command.words)}"
        for flag in command.flags:
            spelled = " ".join(f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in flag.names)
            takes = "" if flag.values is None else " -r " + _of_fish(flag.values)
            yield f"{here} {spelled}{takes} -d {_in_fish(flag.help)}"
    yield ""


def _of_fish(values: Values) -> str:
    if values.kind is Kind.FILES:
        return "-F"
    if values.kind is Kind.FOLDERS:
        return "-f -a '(__fish_complete_directories (commandline -ct))'"
    words = " ".join(values.words)
    if values.files_after:
        words += f" (__contract_files {' '.join(values.files_after)})"
    return f"-f -a {_in_fish(words)}" if words else "-f"


def _in_fish(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
