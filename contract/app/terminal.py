"""What a person sees while a run works: a bar on a terminal, a plain line now and then anywhere else."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TextIO

from contract.app.steps import Notify, Step, silent

EVERY_S = 10.0
"""Seconds between two plain lines."""


def lively(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """True if a bar that is redrawn makes sense: on a terminal that can, and not in CI."""
    return stream.isatty() and environ.get("TERM") != "dumb" and environ.get("CI", "").lower() not in ("true", "1")


def coloured(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """True if colour is wanted: `NO_COLOR` says no, else `FORCE_COLOR` says yes, else the terminal decides."""
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR", "0") not in ("", "0"):
        return True
    return stream.isatty() and environ.get("TERM") != "dumb"


@contextmanager
def progress(stream: TextIO, environ: Mapping[str, str], *, quiet: bool = False) -> Iterator[Notify]:
    """A listener for the steps of a run; what it drew is gone, or stands as plain lines, when the block ends."""
    if quiet:
        yield silent
    elif lively(stream, environ):
        with _bar(stream, environ) as notify:
            yield notify
    else:
        yield Plain(stream, time.monotonic)


class Plain:
    """One line each ten seconds, for logs; a run that is through before needs none."""

    def __init__(self, stream: TextIO, clock: Callable[[], float]) -> None:
        self._stream = stream
        self._clock = clock
        self._due = clock() + EVERY_S

    def __call__(self, step: Step) -> None:
        now = self._clock()
        if now >= self._due:
            self._due = now + EVERY_S
            print(line(step), file=self._stream, flush=True)


def line(step: Step) -> str:
    """The step in words.

    >>> line(Step("fuzz", 6, 14, exchanges=412, findings=2, phase="coverage", left_s=31.4))
    'fuzz: 6 of 14 operations, 412 exchanges, 2 findings (coverage), at most 32 s left'
    >>> line(Step("types", 3))
    'types: 3 done'
    """
    parts = [f"{step.done:,} of {step.whole:,}{_unit(step)}" if step.whole is not None else f"{step.done:,} done"]
    parts += [_plural(step.exchanges, "exchange")] if step.exchanges else []
    parts += [_plural(step.findings, "finding")] if step.exchanges or step.findings else []
    if step.phase:
        parts[-1] += f" ({step.phase})"
    if step.left_s is not None:
        parts.append(f"at most {_ceil(step.left_s)} s left")
    return f"{step.source}: " + ", ".join(parts)


def short(step: Step) -> str:
    """The step beside a bar, within the width of an old terminal.

    >>> short(Step("fuzz", 6, 14, exchanges=1412, findings=1, phase="coverage", left_s=31.4))
    '6/14 · 1,412 exchanges · 1 finding · 32 s left'
    >>> short(Step("python", 2, 5, phase="typecheck"))
    '2/5 · typecheck'
    """
    parts = [f"{step.done:,}/{step.whole:,}" if step.whole is not None else f"{step.done:,}"]
    parts += [step.phase] if step.phase and not step.exchanges else []
    parts += [_plural(step.exchanges, "exchange")] if step.exchanges else []
    parts += [_plural(step.findings, "finding")] if step.exchanges or step.findings else []
    parts += [f"{_ceil(step.left_s)} s left"] if step.left_s is not None else []
    return " · ".join(parts)


def _plural(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' * (number != 1)}"


def _unit(step: Step) -> str:
    return " operations" if step.source in ("fuzz", "walk") else ""


def _ceil(seconds: float) -> int:
    return max(0, -int(-seconds // 1))


@contextmanager
def _bar(stream: TextIO, environ: Mapping[str, str]) -> Iterator[Notify]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

    console = Console(file=stream, no_color=not coloured(stream, environ), highlight=False)
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description:<8}", markup=False),
        BarColumn(bar_width=20),
        TextColumn("{task.fields[said]}", markup=False),
    )
    # What a program prints through sys.stdout would tear the bar; nothing of ours does, so nothing is redirected.
    with Progress(*columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False) as bar:
        tasks: dict[str, Any] = {}

        def notify(step: Step) -> None:
            if step.source not in tasks:
                for task in tasks.values():
                    bar.update(task, visible=False)
                tasks[step.source] = bar.add_task(step.source, total=step.whole, said="")
            bar.update(tasks[step.source], completed=step.done, total=step.whole, said=short(step), visible=True)

        yield notify
