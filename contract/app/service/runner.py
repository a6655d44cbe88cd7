"""Checks in the background: each in a process of its own, few at once; and reports whose time is over.

A thread takes what is queued and listens to its process, another gives signs of life, so that a lost service is noticed.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson

from contract.app.apart import Apart, Ended
from contract.app.service.access import now
from contract.app.steps import Step
from contract.core.errors import ContractError
from contract.stores.store import Check, Store, StoreError

log = logging.getLogger("contract.service")

EVERY_S = 1.0
"""How often progress is written, at most."""
BEAT_S = 10.0
"""How often a sign of life is written, if there is no progress."""
LOOK_S = 5.0
"""How often the queue is looked at unasked: another process may have filled it."""
TIDY_S = 3600.0
"""How often reports are looked for whose time is over."""
LIMIT_S = 3600
AT_ONCE = 2
"""Checks that run at the same time, each of another project."""
PATIENCE_S = 15.0
"""How long a stop waits for what is just being written."""
_TRIES = 5


class Runner:
    """Runs what is queued, `at_once` checks at a time, and keeps reports for `keep_days` (0: for good)."""

    def __init__(
        self,
        store: Store,
        checks: Mapping[str, Path],
        limit_s: float = LIMIT_S,
        keep_days: int = 0,
        clock: Callable[[], float] = time.monotonic,
        at_once: int = AT_ONCE,
    ) -> None:
        self._store = store
        self._checks = checks
        self._limit_s = limit_s
        self._keep_days = keep_days
        self._clock = clock
        self._wake = threading.Event()
        self._stopped = threading.Event()
        self._running: dict[int, Apart] = {}
        """By the id of their check."""
        self._tidied: float | None = None
        self._tidying = threading.Lock()
        # They do not keep the process: a check whose service is killed is `interrupted` a minute later.
        self._threads = [
            threading.Thread(target=self._work, name=f"contract-checks-{number}", daemon=True)
            for number in range(1, at_once + 1)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def wake(self) -> None:
        """Something was queued."""
        self._wake.set()

    def stop(self) -> None:
        """Takes no more, and ends what runs: another service, or the next start of this one, may start it again."""
        self._stopped.set()
        self._wake.set()
        for running in list(self._running.values()):
            running.end()
        until = time.monotonic() + PATIENCE_S
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(max(0.0, until - time.monotonic()))

    def _work(self) -> None:
        while not self._stopped.is_set():
            check = None
            try:
                self._store.interrupt_stale(now())
                check = self._store.claim(now()) if self._checks else None
            except StoreError as error:
                log.warning("the queue of checks cannot be read: %s", error.message)
            if check is None:
                self._tidy()
                self._wake.wait(LOOK_S)
                if not self._stopped.is_set():
                    self._wake.clear()
                continue
            self._wake.set()  # more may be queued, for another thread
            self._run(check)

    def _tidy(self) -> None:
        """Empties reports whose time is over, a few at once, so that nobody waits for it."""
        with self._tidying:
            if not self._keep_days or (self._tidied is not None and self._clock() - self._tidied < TIDY_S):
                return
            self._tidied = self._clock()
        try:
            for project in self._store.projects():
                while count := self._store.prune(project, timedelta(days=self._keep_days), now()):
                    log.info("%d reports of %s were kept for their time and are emptied", count, project.name)
                    if self._stopped.is_set():
                        return
        except StoreError as error:
            log.warning("reports whose time is over cannot be emptied: %s", error.message)

    def _run(self, check: Check) -> None:
        log.info("check %d of %s begins", check.number, check.project)
        beat = _Beat(self._store, check)
        beat.start()
        run_id, message, interrupted = None, None, False
        try:
            run_id, message = self._report(check, beat)
        except ContractError as error:
            message = f"{error.message}: {error.hint}" if error.hint else error.message
            interrupted = isinstance(error, Ended)
            if interrupted and self._stopped.is_set():
                message = "the service was stopped before the end; start another check"
        except Exception as error:
            log.exception("check %d of %s: a bug of ours", check.number, check.project)
            message = f"a bug of ours: {type(error).__name__}; the service's log tells more"
        finally:
            beat.stop()
            self._running.pop(check.id, None)
        self._finish(check, run_id, message, interrupted)
        log.info("check %d of %s ended: %s", check.number, check.project, run_id or message)

    def _report(self, check: Check, beat: _Beat) -> tuple[str, str]:
        """Runs the check and keeps its report as if it were pushed."""
        path = self._checks.get(check.project)
        project = self._store.project(check.project)
        if path is None or project is None:
            raise ContractError("the service's configuration names no check of this project any more")
        apart = self._running[check.id] = Apart(path)
        if self._stopped.is_set():
            apart.end()  # `stop` may have looked for it a moment ago
        raw = apart.report(self._limit_s, beat.notify)
        for left in reversed(range(_TRIES)):
            try:
                row, _ = self._store.add_report(project, orjson.loads(raw), raw, now(), f"check {check.number}")
                return row.run_id, row.sentence
            except StoreError as error:
                # The work of minutes is not thrown away for a lock of seconds.
                if not left or self._stopped.wait(EVERY_S):
                    raise
                log.warning("check %d of %s: %s", check.number, check.project, error.message)
        raise AssertionError("the last try returns or raises")

    def _finish(self, check: Check, run_id: str | None, message: str | None, interrupted: bool) -> None:
        for _ in range(_TRIES):
            try:
                if not self._store.finish(check, now(), run_id, message, interrupted):
                    log.warning("check %d of %s was taken for lost meanwhile", check.number, check.project)
                return
            except StoreError as error:
                log.warning("check %d of %s cannot be ended: %s", check.number, check.project, error.message)
                if self._stopped.wait(EVERY_S):
                    return


class _Beat:
    """The latest step of a check, written down as often as is worth it."""

    def __init__(self, store: Store, check: Check) -> None:
        self._store = store
        self._check = check
        self._step: dict[str, Any] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._work, name="contract-heartbeat", daemon=True)

    def notify(self, step: Step) -> None:
        self._step = {
            "source": step.source,
            "phase": step.phase,
            "done": step.done,
            "whole": step.whole,
            "exchanges": step.exchanges,
            "findings": step.findings,
        }

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        self._thread.join()

    def _work(self) -> None:
        written: dict[str, Any] = {}
        silent_s = 0.0
        while not self._ended.wait(EVERY_S):
            silent_s += EVERY_S
            step = self._step
            if step == written and silent_s < BEAT_S:
                continue
            try:
                self._store.progress(self._check, step, now())
                written, silent_s = step, 0.0
            except StoreError as error:
                log.warning("the progress of check %d cannot be written: %s", self._check.number, error.message)
