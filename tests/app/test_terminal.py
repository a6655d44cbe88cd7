"""What is seen while a run works, on a terminal and elsewhere."""

from __future__ import annotations

import io

import pytest

from contract.app import terminal
from contract.app.steps import Step


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_elsewhere_a_line_comes_every_ten_seconds() -> None:
    now = 0.0
    stream = io.StringIO()
    notify = terminal.Plain(stream, lambda: now)
    for second in range(0, 31, 3):
        now = float(second)
        notify(Step("fuzz", second, 40, exchanges=second * 10, findings=1, phase="coverage"))
    assert stream.getvalue() == (
        "fuzz: 12 of 40 operations, 120 exchanges, 1 finding (coverage)\n"
        "fuzz: 24 of 40 operations, 240 exchanges, 1 finding (coverage)\n"
    )


def test_a_bar_is_drawn_on_a_terminal_and_is_gone_afterwards() -> None:
    stream = Terminal()
    with terminal.progress(stream, {"TERM": "xterm"}) as notify:
        notify(Step("routes", 1, 1))
        notify(Step("fuzz", 6, 14, exchanges=1412, findings=2, phase="coverage", left_s=31.0))
    drawn = stream.getvalue()
    assert "fuzz" in drawn
    assert "6/14 · 1,412 exchanges · 2 findings · 31 s left" in drawn
    assert drawn.endswith("\x1b[2K")


@pytest.mark.parametrize(
    ("environ", "lively", "coloured"),
    [
        ({}, True, True),
        ({"CI": "true"}, False, True),
        ({"TERM": "dumb"}, False, False),
        ({"NO_COLOR": "1"}, True, False),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, True, False),
        ({"TERM": "dumb", "FORCE_COLOR": "1"}, False, True),
        ({"FORCE_COLOR": "0"}, True, True),
    ],
)
def test_the_environment_is_respected(environ: dict[str, str], lively: bool, coloured: bool) -> None:
    assert (terminal.lively(Terminal(), environ), terminal.coloured(Terminal(), environ)) == (lively, coloured)


def test_a_file_gets_neither_bar_nor_colour() -> None:
    assert (terminal.lively(io.StringIO(), {}), terminal.coloured(io.StringIO(), {})) == (False, False)
    assert terminal.coloured(io.StringIO(), {"FORCE_COLOR": "1"}) is True


def test_quiet_is_quiet() -> None:
    stream = Terminal()
    with terminal.progress(stream, {}, quiet=True) as notify:
        notify(Step("fuzz", 1, 2))
    assert stream.getvalue() == ""
