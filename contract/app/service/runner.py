"""Checks in the background: one thread works, another gives signs of life, so that a lost process is noticed."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

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
_TRIES = 5


class Runner:
    """Runs what is queued, one check after the other."""

    def __init__(self, store: Store, checks: Mapping[str, Path]) -> None:
        self._store = store
        self._checks = checks
        self._wake = threading.Event()
        self._stopped = threading.Event()
        self._running: Check | None = None
        # It does not keep the process: a check whose process is killed is `interrupted` a minute later.
        self._thread = threading.Thread(target=self._work, name="contract-checks", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        """Something was queued."""
        self._wake.set()

    def stop(self) -> None:
        """Takes no more, and ends what runs: the process will not wait for it, and another one may start it again."""
        self._stopped.set()
        self._wake.set()
        running = self._running
        if running is not None:
            try:
                self._store.finish(running, now(), None, "the service was stopped before the end; start another check")
            except StoreError as error:
                log.warning("check %d of %s cannot be ended: %s", running.number, running.project, error.message)

    def _work(self) -> None:
        while not self._stopped.is_set():
            try:
                self._store.interrupt_stale(now())
                check = self._store.claim(now()) if self._checks else None
            except StoreError as error:
                log.warning("the queue of checks cannot be read: %s", error.message)
                check = None
            if check is None:
                self._wake.wait(LOOK_S)
                self._wake.clear()
                continue
            self._running = check
            self._run(check)
            self._running = None

    def _run(self, check: Check) -> None:
        log.info("check %d of %s begins", check.number, check.project)
        beat = _Beat(self._store, check)
        beat.start()
        try:
            run_id, message = self._report(check, beat)
        except ContractError as error:
            run_id, message = None, f"{error.message}: {error.hint}" if error.hint else error.message
        except Exception as error:
            log.exception("check %d of %s: a bug of ours", check.number, check.project)
            run_id, message = None, f"a bug of ours: {type(error).__name__}; the service's log tells more"
        finally:
            beat.stop()
        self._finish(check, run_id, message)
        log.info("check %d of %s ended: %s", check.number, check.project, run_id or message)

    def _report(self, check: Check, beat: _Beat) -> tuple[str, str]:
        """Runs the check and keeps its report as if it were pushed."""
        import orjson

        from contract.app import run, settings
        from contract.reports import json as report_json

        path = self._checks.get(check.project)
        project = self._store.project(check.project)
        if path is None or project is None:
            raise ContractError("the service's configuration names no check of this project any more")
        # Paths of a config are found from its folder, and told from where this process stands.
        wanted = settings.load({"config": str(path)}, _environ(), Path.cwd())
        if wanted.origins["corpus"] == "default" and wanted.corpus is not None:
            wanted = replace(wanted, corpus=str(path.parent / wanted.corpus))  # each project has its own
        report = run.check(wanted, notify=beat.notify)
        raw = report_json.render(report).encode()
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

    def _finish(self, check: Check, run_id: str | None, message: str | None) -> None:
        for _ in range(_TRIES):
            try:
                if not self._store.finish(check, now(), run_id, message):
                    log.warning("check %d of %s was taken for lost meanwhile", check.number, check.project)
                return
            except StoreError as error:
                log.warning("check %d of %s cannot be ended: %s", check.number, check.project, error.message)
                if self._stopped.wait(EVERY_S):
                    return


def _environ() -> dict[str, str]:
    """What a check may read: the settings of the service itself are none of it."""
    return {name: value for name, value in os.environ.items() if name not in ("CONTRACT_CONFIG", "CONTRACT_DATABASE")}


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
