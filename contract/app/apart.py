"""A check in a process of its own: whatever it leaks, imports or dies of is gone with it, and nothing of it stays behind.

The caller gets steps while it works, and the report's JSON; a check that did not come to its end is `Ended`.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, replace
from multiprocessing.connection import Connection, wait
from pathlib import Path

from contract.app.steps import Notify, Step, silent
from contract.core.errors import ContractError

OFTEN_S = 0.25
"""How often a step is sent, at most."""
_HIDDEN = ("CONTRACT_CONFIG", "CONTRACT_DATABASE")
"""What the caller's own settings are named: none of it is a check's."""


class Ended(ContractError):
    """The process of a check ended before the check did."""


class TooLong(ContractError):
    """A check took longer than it may."""


class Apart:
    """One check of a config file, in a process that is started here and never outlives this one."""

    def __init__(self, config: Path) -> None:
        # Spawned: a fork copies the locks of the service's threads, and what those have imported.
        context = multiprocessing.get_context("spawn")
        self._ours, theirs = context.Pipe()
        self._process = context.Process(target=_work, args=(theirs, str(config)), name="contract-check")
        self._theirs: Connection | None = theirs
        self._late = self._unwanted = False
        self._lock = threading.Lock()

    @property
    def pid(self) -> int | None:
        return self._process.pid

    def report(self, limit_s: float, notify: Notify = silent) -> bytes:
        """The report's JSON; raises what the check raised, `Ended` if its process was killed, `TooLong` at the limit."""
        assert self._theirs is not None
        with self._lock:
            if self._unwanted:
                raise Ended("it was ended before it began", "start another check")
            self._process.start()
        self._theirs.close()  # so that the end of the process is the end of what it says
        self._theirs = None
        timer = threading.Timer(limit_s, self._expire)
        timer.daemon = True
        timer.start()
        try:
            while True:
                kind, said = self._next()
                if kind == b"R":
                    return said
                if kind == b"S":
                    notify(Step(**json.loads(said)))
                else:
                    raise ContractError(*json.loads(said))
        except (EOFError, OSError) as error:
            self._process.join(1)  # it is about to end by itself, and then says how
            self.end()
            if self._late:
                raise TooLong(
                    f"the check took longer than {limit_s:g} s, and was ended",
                    "`max_check_s` in [service] is its limit",
                ) from error
            raise Ended(f"its process {self._how()} before it did", "start another check") from error
        finally:
            timer.cancel()
            self.end()
            self._ours.close()

    def _next(self) -> tuple[bytes, bytes]:
        # What the check started may hold the pipe open when the check itself is gone.
        if self._ours not in wait([self._ours, self._process.sentinel]) and not self._ours.poll():
            raise EOFError
        told = self._ours.recv_bytes()
        return told[:1], told[1:]

    def _expire(self) -> None:
        self._late = True
        self.end()

    def end(self) -> None:
        """Kills the process, if it runs, and all that it started."""
        with self._lock:
            self._unwanted = True
            pid = self._process.pid
            if pid is None:
                return
            if self._process.is_alive():
                with suppress(ProcessLookupError, PermissionError):  # it leads no group yet, or has just ended
                    _kill_group(pid)
                self._process.kill()
            self._process.join()

    def _how(self) -> str:
        code = self._process.exitcode
        if code is None or code >= 0:
            return f"ended with {code}"
        try:
            return f"was ended by {signal.Signals(-code).name}"
        except ValueError:
            return f"was ended by signal {-code}"


def _kill_group(pid: int) -> None:
    if hasattr(os, "killpg") and os.getpgid(pid) == pid:
        os.killpg(pid, signal.SIGKILL)


# --- in the process ---------------------------------------------------------------------------------------------------


def environ() -> Mapping[str, str]:
    """What a check may read: the settings of the service itself are none of it."""
    return {name: value for name, value in os.environ.items() if name not in _HIDDEN}


def _work(channel: Connection, config: str) -> None:
    """Runs the check and tells of it through the channel."""
    if hasattr(os, "setsid"):
        os.setsid()  # a group of its own: Ctrl-C on the service is not meant for it, and it is ended whole
    os.dup2(2, 1)  # what an application prints belongs to the log
    with suppress(OSError):  # Linux alone: where memory runs out, the check goes and the service stays
        Path("/proc/self/oom_score_adj").write_text("1000", "ascii")
    for name in _HIDDEN:
        os.environ.pop(name, None)
    threading.Thread(target=_follow, args=(channel,), name="contract-parent", daemon=True).start()
    sent = [0.0]

    def notify(step: Step) -> None:
        at = time.monotonic()
        if at - sent[0] >= OFTEN_S:
            sent[0] = at
            channel.send_bytes(b"S" + json.dumps(asdict(step)).encode())

    try:
        channel.send_bytes(b"R" + _checked(Path(config), notify))
    except ContractError as error:
        channel.send_bytes(b"E" + json.dumps([error.message, error.hint]).encode())
    except Exception as error:  # ours or the application's: the log has it, and whoever asked is told of it
        traceback.print_exc()
        said = f"a bug of ours: {type(error).__name__}; the service's log tells more"
        channel.send_bytes(b"E" + json.dumps([said, ""]).encode())
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(0)  # threads that an application left behind keep nobody waiting


def _checked(config: Path, notify: Notify) -> bytes:
    from contract.app import run, settings
    from contract.reports import json as report_json

    # Paths of a config are found from its folder, and told from where this process stands.
    wanted = settings.load({"config": str(config)}, environ(), Path.cwd())
    if wanted.origins["corpus"] == "default" and wanted.corpus is not None:
        wanted = replace(wanted, corpus=str(config.parent / wanted.corpus))  # each project has its own
    return report_json.render(run.check(wanted, notify=notify)).encode()


def _follow(channel: Connection) -> None:
    """Ends this process, and its group, as soon as the service is gone: nothing is ever said from there."""
    with suppress(EOFError, OSError):
        channel.recv_bytes()
    if hasattr(os, "killpg"):
        os.killpg(0, signal.SIGKILL)
    os._exit(1)
