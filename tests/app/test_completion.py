"""`contract completion`: what real shells make of a Tab."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from contract.app import cli, completion, explain, outputs
from contract.core import rule
from tests import needs

ALL, TAB = b"ALL", b"\t"
FILES = ("api.yaml", "my capture.har", "specs/deep.yaml", "note.txt")
Completed = Callable[..., list[str]]


class Terminal:
    """A shell on a pseudo-terminal; what stands in its line is printed by the shell itself, word by word."""

    def __init__(self, command: list[str], folder: Path, lines: list[str]) -> None:
        self.master, slave = pty.openpty()
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 2000, 0, 0))
        environ = {
            "PATH": os.environ["PATH"],
            "TERM": "xterm",
            "HOME": str(folder),
            "LC_ALL": "C.UTF-8",
            "PS1": "ask> ",
        }
        self.process = subprocess.Popen(
            command, cwd=folder, env=environ, stdin=slave, stdout=slave, stderr=slave, start_new_session=True
        )
        os.close(slave)
        for line in lines:
            os.write(self.master, line.encode() + b"\n")
        os.write(self.master, b"printf 'rea%s\\n' dy\n")
        self.until(r"ready\r\n(?s:.*)ask> ")  # what is typed before the prompt would be taken by another reader

    def until(self, pattern: str) -> re.Match[str]:
        said = ""
        while (found := re.search(pattern, said)) is None:
            ready, _, _ = select.select([self.master], [], [], 60)
            assert ready, f"the shell says nothing more: {said[-2000:]}"
            said += os.read(self.master, 65536).decode("utf-8", "replace")
        return found

    def words(self, typed: str, key: bytes) -> list[str]:
        """The words of the line once the key was pressed."""
        # Kill-line first; the line's beginning is only written after completion is through.
        os.write(self.master, b"\x15" + typed.encode() + key)
        os.write(self.master, b"\x01printf '<%s>' \x05\n")
        found = self.until(r"<contract>((?:<[^>]*>)*)")
        os.write(self.master, b"printf 'nex%s\\n' t\n")
        self.until(r"next\r\n(?s:.*)ask> ")
        return re.findall("<([^>]*)>", found[1])

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.master)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files to be completed, and the three scripts, as the command prints them."""
    root = tmp_path_factory.mktemp("completion")
    for name in FILES:
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text("")
    (root / "scripts").mkdir()
    for shell in completion.SHELLS:
        done = subprocess.run([sys.executable, "-m", "contract", "completion", shell], capture_output=True, check=True)
        (root / "scripts" / {"zsh": "_contract"}.get(shell, shell)).write_bytes(done.stdout)
    return root


@pytest.fixture(scope="module")
def bash(folder: Path) -> Iterator[Completed]:
    """The words after a Tab, or with ALL after all that could follow were put into the line."""
    program = needs.program("bash", "apt-get install -y bash")
    shell = Terminal([program, "--norc", "-i"], folder, ["bind 'set bell-style none'", "source scripts/bash"])
    yield lambda typed, key=ALL: shell.words(typed, b"\x1b*" if key == ALL else key)
    shell.close()


@pytest.fixture(scope="module")
def zsh(folder: Path) -> Iterator[Completed]:
    program = needs.program("zsh", "apt-get install -y --no-install-recommends zsh")
    lines = [
        "bindkey -e",
        "fpath=($PWD/scripts $fpath); autoload -Uz compinit; compinit -u -D",
        "zle -C all-matches complete-word _generic; bindkey '^Xa' all-matches",
        "zstyle ':completion:all-matches:*' insert yes",
        "zstyle ':completion:all-matches::::' completer _all_matches _complete",
        "unsetopt PROMPT_SP",
    ]
    shell = Terminal([program, "-f", "-i"], folder, lines)
    yield lambda typed, key=ALL: shell.words(typed, b"\x18a" if key == ALL else key)
    shell.close()


@pytest.fixture(scope="module")
def fish(folder: Path) -> Completed:
    program = needs.program("fish", "apt-get install -y --no-install-recommends fish")

    def completed(typed: str, key: bytes = ALL) -> list[str]:
        del key
        done = subprocess.run(
            [program, "--no-config", "-c", "source scripts/fish; complete -C $argv[1]", typed],
            cwd=folder,
            env={"PATH": os.environ["PATH"], "HOME": str(folder), "LC_ALL": "C.UTF-8"},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stderr == ""
        begun = re.split(r"(?<!\\) ", typed)[:-1][1:]
        return [*begun, *(re.sub(r"\\(.)", r"\1", line.split("\t")[0]) for line in done.stdout.splitlines())]

    return completed


@pytest.fixture(params=completion.SHELLS)
def completed(request: pytest.FixtureRequest) -> Completed:
    made: Completed = request.getfixturevalue(request.param)
    return made


def test_commands_are_completed(completed: Completed) -> None:
    assert sorted(completed("contract c")) == ["check", "completion", "config"]
    assert set(cli.COMMANDS) <= set(completed("contract "))
    assert sorted(completed("contract help c")) == ["check", "completion", "config", "help"]


def test_flags_are_those_of_the_command(completed: Completed) -> None:
    assert sorted(completed("contract check --fa")) == ["--fail-on", "check"]
    assert sorted(completed("contract lint --f")) == ["--fail-on", "--format", "lint"]
    options = {option for action in cli.parser("observe")._actions for option in action.option_strings}
    assert options - set(completed("contract observe -")) - {"-h", "-q"} == set()


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("contract check --fail-on ", ["error", "note", "warning"]),
        ("contract check --format ", outputs.format_names()),
        ("contract lint --format ", ["json", "text"]),
        ("contract check --target a", ["asgi:"]),
        ("contract check --routes fla", ["flask:"]),
        ("contract check --traffic n", ["nginx:", "ndjson:"]),
        ("contract check --level undeclared-s", ["undeclared-status="]),
        ("contract check --types t", ["typescript"]),
        ("contract explain undeclared-st", ["undeclared-status"]),
        ("contract explain exit-", ["exit-0", "exit-1", "exit-130", "exit-2", "exit-3", "exit-4"]),
        ("contract config ", ["schema", "show"]),
        ("contract token --scope ", ["admin", "read", "write"]),
        ("contract completion ", ["bash", "fish", "zsh"]),
        ("contract init --ci ", ["github", "gitlab", "none"]),
        ("contract record --as r", ["real", "replay"]),
    ],
)
def test_values_are_completed(completed: Completed, typed: str, words: list[str]) -> None:
    before = typed.split()[1:] if typed.endswith(" ") else typed.split()[1:-1]
    found = completed(typed)
    assert found[: len(before)] == before
    assert sorted(found[len(before) :]) == sorted(words)


@pytest.mark.parametrize(
    "typed", ["contract check --document ap", "contract lint ap", "contract lint --fail-on note ap"]
)
def test_files_stand_where_a_file_is_meant(completed: Completed, typed: str) -> None:
    assert completed(typed, TAB)[-1] == "api.yaml"


def test_files_do_not_stand_where_none_is_meant(completed: Completed) -> None:
    assert "api.yaml" not in completed("contract check --seed ap", TAB)
    assert "api.yaml" not in completed("contract explain ap", TAB)


def test_folders_alone_stand_where_a_folder_is_meant(completed: Completed) -> None:
    assert completed("contract generate --python sp", TAB)[-1].rstrip("/") == "specs"
    assert completed("contract generate --python no", TAB)[-1] in ("no", "--python")


def test_what_stands_behind_a_kind_is_a_file_and_its_kind_stays(completed: Completed) -> None:
    assert completed("contract check --traffic har:my", TAB)[-1] == "har:my capture.har"
    assert completed("contract check --routes text:note", TAB)[-1] == "text:note.txt"
    assert completed("contract check --routes flask:ap", TAB)[-1] in ("flask:ap", "--routes")


def test_a_value_behind_an_equals_sign_is_completed(completed: Completed) -> None:
    assert completed("contract check --fail-on=war", TAB)[-1] in ("--fail-on=warning", "warning")
    assert completed("contract check --document=ap", TAB)[-1] in ("--document=api.yaml", "api.yaml")


def test_bash_keeps_what_stands_there_when_words_are_parted_otherwise(folder: Path) -> None:
    program = needs.program("bash", "apt-get install -y bash")
    shell = Terminal(
        [program, "--norc", "-i"], folder, ["source scripts/bash", "COMP_WORDBREAKS=${COMP_WORDBREAKS//:}"]
    )
    try:
        assert shell.words("contract check --traffic har:no", TAB)[-1] == "har:note.txt"
        assert shell.words("contract check --target htt", TAB)[-1] == "http"
        assert shell.words("contract check --target http:", TAB)[-1] == "http://"
    finally:
        shell.close()


def test_a_word_that_goes_on_is_followed_by_no_space(bash: Completed, zsh: Completed) -> None:
    for shell in (bash, zsh):
        assert shell("contract check --target asgi", b"\tx:y")[-1] == "asgi:x:y"


def test_everything_that_can_be_explained_is_completed() -> None:
    [command] = [one for one in completion.commands() if one.name == "explain"]
    assert list(command.words.words) == explain.names()
    assert set(rule.pages()) < set(explain.names())


def test_an_unknown_shell_is_refused_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["completion", "bsh"]) == 2
    assert capsys.readouterr().err == "error: there is no completion for `bsh`. Did you mean `bash`?\n"
    assert cli.main(["completion", "powershell"]) == 2
    assert "choose from: bash, zsh, fish" in capsys.readouterr().err
