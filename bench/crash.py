"""Nothing that the service acknowledged is lost, whatever befalls it: a real server process, and what goes wrong around one.

    python bench/crash.py [--quick] [--only NAME …] [--leave-out NAME …] [--kills 50] [--seed 1] [--pushers 3]

Each trouble starts a `contract serve` of its own and looks at three things: what it answers meanwhile (problem details that
say what is wrong), what the database holds afterwards (every acknowledged report once, nothing half-written), and whether
the same server takes the next report. One line for each; exits with 1 if anything is amiss, or could not be tried.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import resource
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
REPORT = ROOT / "tests" / "golden" / "json" / "drift.json"
PROJECT, OTHER = "shop", "bank"
MB = 2**20

_CHECK = """
document = "{root}/specs/demo.yaml"
target = "asgi:contract.demo.app:app"
report_dir = "{folder}/reports"
[headers]
Authorization = "Bearer demo-acme-admin"
[fuzz]
max_examples = 5
max_time = "20s"
[types]
"""
_SERVICE = """
[service]
rate = 1000000
burst = 1000000
{more}
[service.projects.shop]
config = "check/contract.toml"
"""
_STEPPED = """
import datetime, pathlib, sys
from contract.app import cli
from contract.app.service import access

class Stepped(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return datetime.datetime.now(tz) + datetime.timedelta(seconds=float(pathlib.Path("offset").read_text()))

access.datetime = Stepped  # the one clock of the service
raise SystemExit(cli.main(sys.argv[1:]))
"""


@dataclass
class Pushed:
    """What the clients know of their pushes."""

    acknowledged: set[str] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)
    """Sent, and the connection ended before an answer came: there or not there, and both is right."""
    twice: int = 0
    refused: list[str] = field(default_factory=list)
    busy: int = 0
    """503: it says that nothing was taken."""
    lock: threading.Lock = field(default_factory=threading.Lock)


class Service:
    """One process after another on the same database and port."""

    def __init__(self, folder: Path, database: str | None = None, more: str = "", stepped: bool = False) -> None:
        self.folder = folder
        self.database = database or f"sqlite:///{folder / 'contract.db'}"
        self.stepped = stepped
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self.origin = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None
        self.starts_s: list[float] = []
        self.tokens: dict[str, str] = {}
        (folder / "check").mkdir(exist_ok=True)
        (folder / "check" / "contract.toml").write_text(_CHECK.format(root=ROOT, folder=folder))
        (folder / "contract.toml").write_text(_SERVICE.format(more=more))

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def _environ(self) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": str(ROOT), "CONTRACT_DATABASE": self.database}

    def start(self, before: Callable[[], None] | None = None) -> None:
        began = time.monotonic()
        program = ["-c", _STEPPED] if self.stepped else ["-m", "contract"]
        with (self.folder / "serve.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, *program, "serve", "--port", str(self.port)],
                cwd=self.folder,
                env=self._environ(),
                stdout=subprocess.DEVNULL,
                stderr=log,
                preexec_fn=before,
            )
        while True:
            try:
                if httpx2.get(f"{self.origin}/readyz", timeout=5).status_code == 200:
                    self.starts_s.append(time.monotonic() - began)
                    return
            except httpx2.HTTPError:
                pass  # not up yet
            if self.process.poll() is not None or time.monotonic() - began > 60:
                raise SystemExit(f"the service did not start:\n{self.log()[-2000:]}")
            time.sleep(0.02)

    def kill(self, how: signal.Signals = signal.SIGKILL) -> None:
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait()
            self.process = None

    def log(self) -> str:
        return (self.folder / "serve.log").read_text("utf-8", "replace")

    def token(self, project: str = PROJECT) -> str:
        if project not in self.tokens:
            done = subprocess.run(
                [sys.executable, "-m", "contract", "token", "create", "--project", project, "--scope", "write"],
                cwd=self.folder,
                env=self._environ(),
                capture_output=True,
                text=True,
                check=True,
            )
            self.tokens[project] = next(word for word in done.stdout.split() if word.startswith("ctr_"))
        return self.tokens[project]

    def client(self, project: str = PROJECT, timeout_s: float = 60) -> httpx2.Client:
        headers = {"Authorization": f"Bearer {self.token(project)}", "Content-Type": "application/json"}
        return httpx2.Client(base_url=self.origin, headers=headers, timeout=timeout_s)

    def push(self, body: bytes, project: str = PROJECT, token_of: str | None = None) -> httpx2.Response:
        with self.client(token_of or project) as client:
            return client.post(f"/api/v1/projects/{project}/reports", content=body)

    def get(self, path: str, project: str = PROJECT) -> httpx2.Response:
        with self.client(project) as client:
            return client.get(f"/api/v1/projects/{project}/{path}")


def report(run_id: str, day: int = 0, filler: int = 0) -> bytes:
    """A report of that run; `filler`: so many bytes that do not pack well are in it."""
    made: dict[str, Any] = json.loads(REPORT.read_text("utf-8"))
    started = f"2026-11-{1 + day % 28:02}T08:00:00Z"
    made["run"] |= {"id": run_id, "started_at": started, "environment": "ci"}
    if filler:
        made["run"]["notes"] = [os.urandom(filler // 2).hex()]
    return json.dumps(made).encode()


def run_id(chance: random.Random) -> str:
    return str(uuid.UUID(int=chance.getrandbits(128), version=4))


# --- what is looked at ------------------------------------------------------------------------------------------------


@dataclass
class Outcome:
    """What one trouble came to."""

    saw: list[str] = field(default_factory=list)
    amiss: list[str] = field(default_factory=list)

    def expect(self, holds: object, said: str) -> None:
        if not holds:
            self.amiss.append(said)

    def problem(self, answer: httpx2.Response, status: int, words: str = "", secret: str = "") -> None:
        """Problem details with that status, whose detail holds these words, and nothing of a path of ours."""
        try:
            told = answer.json()
        except ValueError:
            told = {}
        kind = answer.headers.get("content-type", "")
        self.saw.append(f"{answer.status_code} {told.get('title', '(no title)')}" if answer.status_code >= 400 else "")
        whole = (
            answer.status_code == status == told.get("status")
            and kind == "application/problem+json"
            and str(told.get("type", "")).startswith("docs/service.md#")
            and all(isinstance(told.get(name), str) and told[name] for name in ("title", "detail", "instance"))
            and words.lower() in str(told.get("detail", "")).lower()
            and (status not in (429, 503) or answer.headers.get("retry-after", "").isdigit())
            and not (secret and secret in answer.text)
        )
        self.expect(whole, f"no clear problem details for {status}: {answer.status_code} {kind} {answer.text[:300]}")

    def whole(self, service: Service, pushed: Pushed, own: int = 0) -> None:
        """Every acknowledged report is there once, nothing else is, and nothing stands half-written."""
        found = stored(service.database)
        runs = [row[0] for row in found["runs"]]
        lost = pushed.acknowledged - set(runs)
        foreign = set(runs) - pushed.acknowledged - pushed.unknown
        self.amiss += [f"lost: {one}" for one in sorted(lost)[:5]]
        self.amiss += [f"counted twice: {one}" for one, count in Counter(found["runs"]).items() if count > 1]
        self.amiss += [f"refused: {one}" for one in pushed.refused[:5]]
        self.expect(len(foreign) <= own, f"reports that nobody pushed: {sorted(foreign)[:5]}")
        for name in ("integrity", "half"):
            self.amiss += [f"{name}: {one}" for one in found[name]]
        self.saw.append(f"{len(pushed.acknowledged):,} acknowledged, all but {len(lost)} there")

    def goes_on(self, service: Service, pushed: Pushed, chance: random.Random) -> None:
        """The same process takes the next report, and tells of it."""
        assert service.process is not None
        self.expect(service.process.poll() is None, "the server has ended")
        name = run_id(chance)
        answer = service.push(report(name))
        self.expect(answer.status_code == 201, f"the next report: {answer.status_code} {answer.text[:200]}")
        pushed.acknowledged |= {name} if answer.status_code == 201 else set()
        for path in ("drift", f"reports/{name}", "findings/" + "0" * 40):
            got = service.get(path).status_code
            self.expect(got == (404 if path.startswith("findings") else 200), f"GET …/{path}: {got}")
        traces = re.findall(r"^Traceback \(most.*?(?=^\d{4}-|\Z)", service.log(), re.MULTILINE | re.DOTALL)
        self.expect(not traces, f"{len(traces)} tracebacks in the log, of them\n{traces[-1][-2500:] if traces else ''}")


_HALF = {
    "a report without its event": (
        "SELECT run_id FROM report WHERE (SELECT count(*) FROM event WHERE event.project_id = report.project_id "
        "AND event.what = 'reported' AND event.detail LIKE '%' || report.run_id || '%') <> 1"
    ),
    "a project that counts its changes wrongly": (
        "SELECT name FROM project WHERE changes <> (SELECT count(*) FROM report WHERE report.project_id = project.id)"
    ),
    "a finding without its row": (
        "SELECT id FROM finding WHERE NOT EXISTS (SELECT 1 FROM sighting WHERE sighting.finding_id = finding.id)"
    ),
    "a finding without its beginning": (
        "SELECT id FROM finding WHERE (SELECT count(*) FROM event WHERE event.finding_id = finding.id "
        "AND event.what = 'new') <> 1"
    ),
    "a life that ends before it begins": (
        "SELECT id FROM finding WHERE first_seen > last_seen OR last_seen > last_evidence"
    ),
    "a report of another size than it says": "SELECT run_id FROM report WHERE body_bytes = 0",
}


def stored(database: str) -> dict[str, list[Any]]:
    """The runs of a database, by project; what the database says of its integrity; what is half-written in it."""
    from sqlalchemy import text

    from contract.stores import sql

    engine = sql.engine(sql.address(database))
    integrity: list[str] = []
    try:
        with engine.connect() as db:
            if engine.dialect.name == "sqlite":
                integrity += [row[0] for row in db.execute(text("PRAGMA integrity_check")) if row[0] != "ok"]
                integrity += [str(tuple(row)) for row in db.execute(text("PRAGMA foreign_key_check"))]
            half = [f"{name}: {row[0]}" for name, query in _HALF.items() for row in db.execute(text(query))]
            runs = [(row[0], row[1]) for row in db.execute(text("SELECT run_id, project_id FROM report ORDER BY id"))]
            states = [(row[0], row[1]) for row in db.execute(text('SELECT number, state FROM "check" ORDER BY number'))]
    finally:
        engine.dispose()
    return {"runs": runs, "integrity": integrity, "half": half, "checks": states}


def push(service: Service, pushed: Pushed, stop: threading.Event, seed: int) -> None:
    """Pushes until it is told to stop; one in five is sent again."""
    chance, number = random.Random(seed), 0
    with service.client(timeout_s=30) as client:
        while not stop.is_set():
            number += 1
            name = run_id(chance)
            body = report(name, number)
            for again in range(1 + (chance.random() < 0.2)):
                try:
                    answer = client.post(f"/api/v1/projects/{PROJECT}/reports", content=body)
                except httpx2.HTTPError:
                    with pushed.lock:
                        pushed.unknown.add(name)
                    time.sleep(0.02)
                    continue
                with pushed.lock:
                    if answer.status_code in (200, 201):
                        pushed.acknowledged.add(name)
                        pushed.twice += again
                    elif answer.status_code == 503 and answer.headers["content-type"] == "application/problem+json":
                        pushed.busy += 1
                    else:
                        pushed.refused.append(f"{answer.status_code} {answer.text[:200]}")


@contextmanager
def load(services: list[Service], pushed: Pushed, pushers: int, seed: int) -> Iterator[None]:
    """Clients that push while it lasts."""
    stop = threading.Event()
    threads = [
        threading.Thread(target=push, args=(services[number % len(services)], pushed, stop, seed * 1000 + number))
        for number in range(pushers)
    ]
    for service in services:
        service.token()
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def start_check(service: Service) -> int:
    with service.client() as client:
        return client.post(f"/api/v1/projects/{PROJECT}/checks").status_code


def check_state(service: Service, number: int, wanted: Callable[[str], bool], limit_s: float = 90) -> dict[str, Any]:
    """The check as it is told, once it is in a state that is wanted, or at the limit."""
    until = time.monotonic() + limit_s
    while True:
        told: dict[str, Any] = service.get(f"checks/{number}").json()
        if wanted(told["state"]) or time.monotonic() > until:
            return told
        time.sleep(0.1)


# --- troubles ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Chosen:
    quick: bool
    kills: int
    pushers: int
    seed: int


Trouble = Callable[[Path, Chosen, random.Random, Outcome], None]
TROUBLES: dict[str, tuple[str, Trouble]] = {}


class NotTried(Exception):
    """The machine lacks what the trouble needs."""


def trouble(name: str, title: str) -> Callable[[Trouble], Trouble]:
    def named(task: Trouble) -> Trouble:
        TROUBLES[name] = (title, task)
        return task

    return named


@contextmanager
def running(folder: Path, **options: Any) -> Iterator[Service]:
    service = Service(folder, **options)
    service.start()
    try:
        yield service
    finally:
        service.kill()


@trouble("killed", "kill -9 at random moments")
def killed(folder: Path, chosen: Chosen, chance: random.Random, found: Outcome) -> None:
    with running(folder) as service:
        pushed, started = Pushed(), 0
        with load([service], pushed, chosen.pushers, chosen.seed):
            for number in range(chosen.kills):
                if number % 5 == 0:
                    started += start_check(service) == 202
                time.sleep(chance.uniform(0.05, 1.0))
                service.kill()
                service.start()
                if number % 10 == 9:
                    print(f"  {number + 1} kills, {len(pushed.acknowledged):,} reports acknowledged", flush=True)
        service.kill()
        states = stored(service.database)["checks"]
        found.whole(service, pushed, own=sum(state == "done" for _, state in states))
        service.start()
        until = time.monotonic() + 90  # a minute without a sign of life is what says that its process is dead
        while any(state == "running" for _, state in stored(service.database)["checks"]) and time.monotonic() < until:
            time.sleep(1)
        left = dict(stored(service.database)["checks"])
        running_still = [number for number, state in left.items() if state == "running"]
        if chosen.quick and running_still == [max(left)]:
            running_still = []  # it was queued when the process died, and runs now
        found.expect(not running_still, f"checks of a dead process are still called running: {running_still}")
        again = start_check(service)
        found.expect(again in (202, 409), f"a check cannot be started again: {again}")
        found.saw += [
            f"{chosen.kills} kills",
            f"{pushed.twice} sent twice",
            f"{len(pushed.unknown)} without an answer",
            f"{started} checks, {sum(state == 'interrupted' for state in left.values())} interrupted",
            f"start {sorted(service.starts_s)[len(service.starts_s) // 2]:.2f} s",
        ]


@trouble("check-killed", "the process of a check killed")
def check_killed(folder: Path, chosen: Chosen, chance: random.Random, found: Outcome) -> None:
    with running(folder) as service:
        pushed = Pushed()
        found.expect(start_check(service) == 202, "the check was not taken")
        check_state(service, 1, lambda state: state == "running")
        until = time.monotonic() + 60
        while not (children := _children(service.pid)) and time.monotonic() < until:
            time.sleep(0.05)
        if not children:
            raise NotTried("this system does not tell the children of a process")
        while service.get("checks/1").json()["progress"] is None and time.monotonic() < until:
            time.sleep(0.05)
        for pid in children:
            os.kill(pid, signal.SIGKILL)
        told = check_state(service, 1, lambda state: state not in ("queued", "running"))
        found.saw += [f"check {told['state']}", told["message"] or ""]
        found.expect(told["state"] == "interrupted", f"the check is called {told['state']}")
        found.goes_on(service, pushed, chance)
        found.expect(start_check(service) == 202, "no further check can be started")
        told = check_state(service, 2, lambda state: state not in ("queued", "running"), 180)
        found.expect(told["state"] == "done", f"the next check: {told['state']}: {told['message']}")
        found.whole(service, pushed, own=1)


def _children(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        found += [int(word) for word in task.read_text().split()]
    commands = {one: Path(f"/proc/{one}/cmdline").read_bytes() for one in found}
    return [one for one, command in commands.items() if b"spawn_main" in command]


@trouble("disk-full", "the disk is full")
def disk_full(folder: Path, chosen: Chosen, chance: random.Random, found: Outcome) -> None:
    with ExitStack() as stack:
        disk = folder / "disk"
        disk.mkdir()
        small, large = 4 * MB, 64 * MB
        mounted = _mounted(disk, small)
        if mounted:
            stack.callback(subprocess.run, ["umount", "--lazy", str(disk)], check=False)
        service = Service(folder, f"sqlite:///{disk / 'contract.db'}")

        def limited() -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (small, resource.RLIM_INFINITY))

        service.start(None if mounted else limited)
        stack.callback(service.kill)
        service.token()
        pushed, answers = Pushed(), Counter[int]()
        for number in range(200):
            name = run_id(chance)
            body = report(name, number, 200_000)
            answer = service.push(body)
            answers[answer.status_code] += 1
            if answer.status_code == 201:
                pushed.acknowledged.add(name)
            else:
                found.problem(answer, 503, "nothing was changed", str(folder))
                if answers[503] == 3:
                    break
        found.expect(answers[503] == 3 and answers[201] >= 2, f"the disk never became full: {dict(answers)}")
        for path in ("drift", "reports"):
            got = service.get(path).status_code
            found.expect(got == 200, f"GET …/{path} on a full disk: {got}")
        if mounted:
            subprocess.run(["mount", "-o", f"remount,size={large}", str(disk)], check=True)
        else:
            resource.prlimit(service.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        answer = service.push(body)
        found.expect(answer.status_code == 201, f"the refused one, once there is room: {answer.status_code}")
        pushed.acknowledged.add(name)
        found.saw.append("a tmpfs of 4 MB" if mounted else "RLIMIT_FSIZE of 4 MB")
        found.goes_on(service, pushed, chance)
        found.whole(service, pushed)


def _mounted(disk: Path, size: int) -> bool:
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(disk)]
    if os.geteuid() != 0 or shutil.which("mount") is None:
        return False
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


_HOLDS = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.readline()
db.execute("ROLLBACK")
"""


@contextmanager
def _held(database: Path) -> Iterator[Callable[[], None]]:
    """Another process holds the write lock; call what is given to let it go."""
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLDS, str(database)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdin is not None and holder.stdout is not None
    if holder.stdout.readline() != "held\n":
        raise SystemExit("the other process did not get the lock")
    try:
        yield lambda: print("go", file=holder.stdin, flush=True)
    finally:
        holder.kill()
        holder.wait()


@trouble("locked", "the database locked by another process")
def locked(folder: Path, chosen: Chosen, chance: random.Random, found: Outcome) -> None:
    with running(folder) as service:
        pushed, name = Pushed(), run_id(chance)
        found.goes_on(service, pushed, chance)
        with _held(folder / "contract.db"):
            answer = service.push(report(name))
            found.problem(answer, 503, "nothing was changed", str(folder))
            for path in ("drift", "reports"):
                got = service.get(path).status_code
                found.expect(got == 200, f"GET …/{path} meanwhile: {got}")
            found.expect(httpx2.get(f"{service.origin}/readyz").status_code == 200, "not ready, though it can be read")
        with _held(folder / "contract.db") as let_go, ThreadPoolExecutor(4) as pool:
            names = [name, *(run_id(chance) for _ in range(3))]
            waiting = [pool.submit(service.push, report(one)) for one in names]
            time.sleep(0.5)
            let_go()
            statuses = [one.result().status_code for one in waiting]
            found.expect(statuses == [201] * 4, f"those that waited for it: {statuses}")
            pushed.acknowledged |= set(names)
        found.goes_on(service, pushed, chance)
        found.whole(service, pushed)


@trouble("two-servers", "two servers on one file, one of them killed")
def two_servers(folder: Path, chosen: Chosen, chance: random.Random, found: Outcome) -> None:
    (folder / "one").mkdir()
    (folder / "two").mkdir()
    shared = f"sqlite:///{folder / 'contract.db'}"
    with running(folder / "one", database=shared) as one, running(folder / "two", database=shared) as two:
        pushed = Pushed()
        two.tokens = one.tokens
        with load([one, two], pushed, 4, chosen.seed):
            names = [run_id(chance) for _ in range(3 if chosen.quick else 20)]
            for name in names:  # the same one to both at once
                body, together = report(name), threading.Barrier(2)

                def send(to: Service, body: bytes = body, together: threading.Barrier = together) -> int:
                    together.wait()
                    return to.push(body).status_code

                with ThreadPoolExecutor(2) as pool:
                    statuses = sorted(pool.map(send, (one, two)))
                found.expect(statuses == [200, 201], f"one report to both: {statuses}")
                pushed.acknowledged.add(name)
            with ThreadPoolExecutor(2) as pool:
                statuses = sorted(pool.map(start_check, (one, two)))
            found.expect(statuses == [202, 409], f"one check asked of both: {statuses}")
            told = check_state(two, 1, lambda state: state not in ("queued", "running"), 180)
            found.expect(told["state"] == "done", f"the check: {told['state']}: {told['message']}")
        one.kill()
        found.goes_on(two, pushed, chance)
        found.whole(two, pushed, own=1)


@trouble("postgresql", "PostgreSQL restarted under load")
def postgresql(folder: Path, chosen: Chosen, chance: random.Random, found: Outcome) -> None:
    import pytest

    from tests.stores.postgres import Server

    cluster = folder / "cluster"
    cluster.mkdir()
    folder.chmod(0o755)
    try:
        server = Server(cluster)
    except (pytest.skip.Exception, pytest.fail.Exception) as error:
        raise NotTried(str(error)) from error
    try:
        with running(folder, database=server.database()) as service:
            pushed, times = Pushed(), 2 if chosen.quick else 6
            with load([service], pushed, chosen.pushers, chosen.seed):
                for number in range(times):
                    time.sleep(chance.uniform(0.5, 2.0))
                    server.stop((signal.SIGINT, signal.SIGQUIT)[number % 2])
                    answer = service.push(report(run_id(chance)))
                    if number == 0:
                        found.problem(answer, 503, "nothing was changed", "127.0.0.1")
                        got = httpx2.get(f"{service.origin}/readyz", timeout=30)
                        found.problem(got, 503, "nothing was changed", "127.0.0.1")
                    found.expect(answer.status_code == 503, f"without its database: {answer.status_code}")
                    found.expect(
                        httpx2.get(f"{service.origin}/healthz").status_code == 200, "it does not answer at all"
                    )
                    server.start()
                    before = len(pushed.acknowledged)
                    until = time.monotonic() + 30
                    while len(pushed.acknowledged) < before + 5 and time.monotonic() < until:
                        time.sleep(0.05)
                    found.expect(len(pushed.acknowledged) >= before + 5, "nothing is taken once it is up again")
            found.goes_on(service, pushed, chance)
            found.whole(service, pushed)
            found.saw += [f"{times} restarts", f"{pushed.busy} answered 503"]
    finally:
        server.stop()


@trouble("at-once", "one report sent by many at once")
def at_once(folder: Path, chosen: Chosen, chance: random.Random, found: Outcome) -> None:
    with running(folder) as service:
        pushed, seen = Pushed(), Counter[int]()
        service.token()
        for number in range(3 if chosen.quick else 20):
            name, together = run_id(chance), threading.Barrier(8)
            bodies = (report(name, number), report(name, number + 1))
            pushed.acknowledged.add(name)

            def send(other: int, bodies: tuple[bytes, bytes] = bodies, together: threading.Barrier = together) -> int:
                together.wait()
                return service.push(bodies[other]).status_code

            with ThreadPoolExecutor(8) as pool:
                seen.update(pool.map(send, [0] * 8))
            with ThreadPoolExecutor(8) as pool:
                seen.update(pool.map(send, [0, 1] * 4))
        rounds = len(pushed.acknowledged)
        wanted = {201: rounds, 200: 11 * rounds, 409: 4 * rounds}
        found.expect(dict(seen) == wanted, f"answers: {dict(seen)}, wanted: {wanted}")
        found.saw.append(", ".join(f"{count} × {status}" for status, count in sorted(seen.items())))
        found.problem(service.push(bodies[1]), 409, "another report")
        found.goes_on(service, pushed, chance)
        found.whole(service, pushed)


@trouble("large-body", "bodies of 500 MB")
def large_body(folder: Path, chosen: Chosen, chance: random.Random, found: Outcome) -> None:
    with running(folder) as service:
        pushed = Pushed()
        found.goes_on(service, pushed, chance)
        sizes = []
        for number in range(2 if chosen.quick else 5):
            status, sent = _send_large(service, chunked=number % 2 == 0)
            found.expect(status == 413, f"{sent // MB} MB sent: {status}")
            sizes.append(_memory(service.pid, "VmHWM"))
        with ThreadPoolExecutor(3) as pool:
            statuses = [status for status, _ in pool.map(lambda _: _send_large(service, True), range(3))]
        found.expect(statuses == [413] * 3, f"three at once: {statuses}")
        answer = service.push(b" " * (33 * MB))
        found.problem(answer, 413, "33,554,432 bytes")
        if None in sizes:
            found.saw.append("memory is not told by this system")
        else:
            grown = (sizes[-1] or 0) - (sizes[0] or 0)
            peak = (_memory(service.pid, "VmHWM") or 0) - (_memory(service.pid, "VmRSS") or 0)
            found.saw.append(
                f"peak {(sizes[0] or 0) // MB} MB after one, {grown // MB:+} MB after {len(sizes)}, "
                f"{peak // MB:+} MB above what stays after three at once"
            )
            found.expect(grown <= 8 * MB, f"memory grows from body to body: {[one and one // MB for one in sizes]}")
            found.expect(peak <= 3 * 2 * 32 * MB, f"memory at its peak: {peak // MB} MB above what stays")
        found.goes_on(service, pushed, chance)
        found.whole(service, pushed)


def _send_large(service: Service, chunked: bool) -> tuple[int, int]:
    """Sends 500 MB, or as much of them as is taken; the status, and the bytes that were sent."""
    length = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {500 * MB}"
    head = (
        f"POST /api/v1/projects/{PROJECT}/reports HTTP/1.1\r\nHost: 127.0.0.1:{service.port}\r\n"
        f"Content-Type: application/json\r\nAuthorization: Bearer {service.token()}\r\n{length}\r\n\r\n"
    )
    piece = b" " * 0x10000
    sent = 0
    with socket.create_connection(("127.0.0.1", service.port), timeout=60) as wire:
        wire.sendall(head.encode())
        while sent < 500 * MB and not select.select([wire], [], [], 0)[0]:
            try:
                wire.sendall(b"10000\r\n" + piece + b"\r\n" if chunked else piece)
            except (BrokenPipeError, ConnectionResetError):
                break
            sent += len(piece)
        try:
            answer = wire.recv(65536)
        except ConnectionResetError:
            answer = b""
    found = re.match(rb"HTTP/1\.1 (\d{3}) ", answer)
    return (int(found[1]) if found else 0), sent


def _memory(pid: int, name: str) -> int | None:
    """Bytes, as Linux tells them."""
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return None
    found = re.search(rf"{name}:\s+(\d+) kB", text)
    return int(found[1]) * 1024 if found else None


@trouble("slow-body", "a body that drips")
def slow_body(folder: Path, chosen: Chosen, chance: random.Random, found: Outcome) -> None:
    with running(folder, more="max_body_s = 1") as service:
        pushed, body = Pushed(), report(run_id(chance))
        head = (
            f"POST /api/v1/projects/{PROJECT}/reports HTTP/1.1\r\nHost: 127.0.0.1:{service.port}\r\n"
            f"Content-Type: application/json\r\nAuthorization: Bearer {service.token()}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        answer, until = b"", time.monotonic() + 30
        with socket.create_connection(("127.0.0.1", service.port), timeout=30) as wire:
            wire.sendall(head.encode())
            for byte in body:
                if time.monotonic() > until or select.select([wire], [], [], 0.1)[0]:
                    break
                wire.sendall(bytes([byte]))
            while got := wire.recv(65536):
                answer += got
        parts = re.match(rb"HTTP/1\.1 (\d{3}) .*?\r\n\r\n(.*)", answer, re.DOTALL)
        told = json.loads(parts[2]) if parts else {}
        found.saw.append(f"{told.get('status')} {told.get('title')}")
        found.expect(parts and int(parts[1]) == told["status"] == 408, f"answered: {answer[:200]!r}")
        found.goes_on(service, pushed, chance)
        found.whole(service, pushed)


@trouble("newer", "a report of a newer schema version")
def newer(folder: Path, chosen: Chosen, chance: random.Random, found: Outcome) -> None:
    with running(folder) as service:
        pushed = Pushed()
        for change in ({"schema_version": 999}, {"schema_version": 2, "findings": {"by": "another shape"}}):
            value = {**json.loads(report(run_id(chance))), **change}
            found.problem(service.push(json.dumps(value).encode()), 422, "upgrade the service")
        found.goes_on(service, pushed, chance)
        found.whole(service, pushed)


@trouble("truncated", "a report that was cut off")
def truncated(folder: Path, chosen: Chosen, chance: random.Random, found: Outcome) -> None:
    with running(folder) as service:
        pushed, body = Pushed(), report(run_id(chance))
        for end in (len(body) - 1, len(body) // 2, 1, 0):
            found.problem(service.push(body[:end]), 400, "not json")
        head = (
            f"POST /api/v1/projects/{PROJECT}/reports HTTP/1.1\r\nHost: 127.0.0.1:{service.port}\r\n"
            f"Content-Type: application/json\r\nAuthorization: Bearer {service.token()}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        for end in (0, 10_000, len(body) - 1):  # the connection ends before the body does
            with socket.create_connection(("127.0.0.1", service.port), timeout=30) as wire:
                wire.sendall(head.encode() + body[:end])
        found.goes_on(service, pushed, chance)
        found.whole(service, pushed)


@trouble("foreign", "a report for another project")
def foreign(folder: Path, chosen: Chosen, chance: random.Random, found: Outcome) -> None:
    with running(folder) as service:
        pushed, name = Pushed(), run_id(chance)
        service.token(OTHER)
        found.problem(service.push(report(name), PROJECT, token_of=OTHER), 404, "no project of that name", name)
        found.expect(service.push(report(name)).status_code == 201, "its own report is refused")
        found.problem(service.get(f"reports/{name}", OTHER), 404, "no report of that run", "ci")
        # Another project may have a run of the same id: both are kept, each in its own.
        found.expect(service.push(report(name, 3), OTHER).status_code == 201, "the same run id elsewhere is refused")
        own, others = (service.get(f"reports/{name}", project).content for project in (PROJECT, OTHER))
        found.expect((own, others) == (report(name), report(name, 3)), "the reports of two projects are mixed up")
        pushed.acknowledged.add(name)
        found.goes_on(service, pushed, chance)
        found.whole(service, pushed)


@trouble("clock", "the clock steps back, and ahead")
def clock(folder: Path, chosen: Chosen, chance: random.Random, found: Outcome) -> None:
    day = 86_400
    (folder / "offset").write_text("0")
    with running(folder, stepped=True, more="keep_days = 1") as service:
        pushed = Pushed()
        service.token()
        steps = (0, -2 * day, -400 * day, 0, 400 * day, 0)
        now = time.time()
        for number, offset in enumerate(steps):
            (folder / "offset").write_text(str(offset))
            name = run_id(chance)
            value = json.loads(report(name))
            value["run"]["started_at"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now + number))
            answer = service.push(json.dumps(value).encode())
            found.expect(answer.status_code == 201, f"{offset // day} days: {answer.status_code} {answer.text[:200]}")
            pushed.acknowledged.add(name)
            told = service.get("drift")
            states = (
                {row["state"] for row in told.json()["findings"]} if told.status_code == 200 else {told.status_code}
            )
            allowed = {"new", "ongoing", "stale"} if offset > 0 else {"new", "ongoing"}
            found.expect(states and states <= allowed, f"{offset // day} days: findings are {states}")
            for row in told.json().get("findings", ()):
                found.expect(
                    row["first_seen"] <= row["last_seen"] <= row["last_evidence"], f"a life that is torn: {row}"
                )
        runs = [row["run_id"] for row in service.get("reports?limit=200").json()["reports"]]
        found.expect(sorted(runs) == sorted(pushed.acknowledged), f"listed: {len(runs)} of {len(pushed.acknowledged)}")
        found.saw.append(f"steps of {', '.join(f'{offset // day:+} d' for offset in steps[1:])}")
        found.goes_on(service, pushed, chance)
        found.whole(service, pushed)


# --- all of them ------------------------------------------------------------------------------------------------------


def tried(name: str, chosen: Chosen) -> Outcome:
    found = Outcome()
    with tempfile.TemporaryDirectory(prefix="contract-crash-") as folder:
        try:
            TROUBLES[name][1](Path(folder).resolve(), chosen, random.Random(chosen.seed), found)
        except NotTried as error:
            found.amiss.append(f"not tried: {error}")
    return found


def line(title: str, found: Outcome) -> str:
    said: Mapping[str, None] = dict.fromkeys(one for one in found.saw if one)
    return f"  {'amiss' if found.amiss else 'holds':6} {title:45} {'; '.join(said)}"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="few kills and rounds, for a test")
    parser.add_argument("--only", nargs="+", choices=list(TROUBLES), default=list(TROUBLES))
    parser.add_argument("--leave-out", nargs="+", choices=list(TROUBLES), default=[])
    parser.add_argument("--kills", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pushers", type=int, default=3)
    given = parser.parse_args()
    kills = given.kills if given.kills is not None else 2 if given.quick else 50
    chosen = Chosen(given.quick, kills, given.pushers, given.seed)
    amiss = []
    for name in given.only:
        if name in given.leave_out:
            continue
        found = tried(name, chosen)
        print(line(TROUBLES[name][0], found), flush=True)
        amiss += [f"{name}: {text}" for text in found.amiss]
    for text in amiss:
        print(f"amiss: {text}")
    return 1 if amiss else 0


if __name__ == "__main__":
    sys.exit(main())
