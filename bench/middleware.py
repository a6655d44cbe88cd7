"""What recording costs an application: the middleware beside the bare one, in turn, in one run.

A handler takes about one millisecond, once waiting (as for a database) and once computing. Goal: at most 5 % on top, at
sampling 1. Two numbers tell, both from turns made one after the other: the median time of a request, and the processor
time that the application's process takes for one, all its threads counted, which a busy machine does not blur and which
shows what the median hides, the thread that empties the queue. The greater one, over the bare median, is the overhead.
The process that masks and writes runs beside it, and its time is not the application's.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from contract.app.middleware import asgi, wsgi

GOAL = 0.05
TURNS = 20
REQUESTS = 200
BODY = (
    b'{"id":1,"title":"a","email":"jo@example.com","tags":["a","b"],"done":false,"created_at":"2026-11-24T10:00:00Z"}'
)
SENT = b'{"title":"a","tags":["a","b"]}'
HEADERS = [(b"content-type", b"application/json"), (b"content-length", str(len(BODY)).encode())]
ASKED = [
    (b"host", b"127.0.0.1:8000"),
    (b"accept", b"*/*"),
    (b"user-agent", b"bench/1"),
    (b"authorization", b"Bearer abc123def456"),
    (b"content-type", b"application/json"),
    (b"content-length", str(len(SENT)).encode()),
]


def rounds_in_a_millisecond() -> int:
    """How often the loop of `compute` runs in a millisecond of this machine."""
    least = 1.0
    for _ in range(50):
        began = time.perf_counter()
        compute(10_000)
        least = min(least, time.perf_counter() - began)
    return int(10_000 / (1000 * least))


def compute(rounds: int) -> int:
    total = 0
    for number in range(rounds):
        total += number
    return total


def asgi_app(work: Callable[[], Any], waits: bool) -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        if waits:
            await asyncio.sleep(0.001)
        else:
            work()
        await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        await send({"type": "http.response.body", "body": BODY})

    return app


def asgi_turn(app: Any) -> list[float]:
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/tasks",
        "raw_path": b"/tasks",
        "query_string": b"limit=1",
        "headers": ASKED,
    }

    async def receive() -> Any:
        return {"type": "http.request", "body": SENT, "more_body": False}

    async def send(message: Any) -> None:
        pass

    async def run() -> list[float]:
        took = []
        for _ in range(REQUESTS):
            began = time.perf_counter()
            await app(dict(scope), receive, send)
            took.append(time.perf_counter() - began)
        return took

    return asyncio.run(run())


def wsgi_app(work: Callable[[], Any], waits: bool) -> Any:
    headers = [(name.decode(), value.decode()) for name, value in HEADERS]

    def app(environ: Any, start_response: Any) -> Any:
        environ["wsgi.input"].read(len(SENT))
        if waits:
            time.sleep(0.001)
        else:
            work()
        start_response("200 OK", headers)
        return [BODY]

    return app


def wsgi_turn(app: Any) -> list[float]:
    from io import BytesIO

    base = {"REQUEST_METHOD": "POST", "PATH_INFO": "/tasks", "SCRIPT_NAME": "", "QUERY_STRING": "limit=1"}
    base |= {"CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(SENT)), "HTTP_HOST": "127.0.0.1:8000"}
    base |= {"HTTP_ACCEPT": "*/*", "HTTP_USER_AGENT": "bench/1", "HTTP_AUTHORIZATION": "Bearer abc123def456"}
    took = []
    for _ in range(REQUESTS):
        began = time.perf_counter()
        list(app({**base, "wsgi.input": BytesIO(SENT)}, lambda status, headers: None))
        took.append(time.perf_counter() - began)
    return took


def ratio(name: str, bare: Any, recorded: Any, turn: Callable[[Any], list[float]]) -> bool:
    turn(bare), turn(recorded)  # starts the thread and the process that writes
    took: dict[bool, list[float]] = {False: [], True: []}
    cpu = {False: 0.0, True: 0.0}
    for _ in range(TURNS):
        for ours in (False, True):
            began = time.process_time()
            took[ours] += turn(recorded if ours else bare)
            cpu[ours] += time.process_time() - began
    recorder = recorded.recorder
    recorder.close()
    median = statistics.median(took[False])
    felt = (statistics.median(took[True]) - median) / median
    spent = (cpu[True] - cpu[False]) / (TURNS * REQUESTS)
    overhead = max(felt, spent / median)
    counts = recorder.counts
    print(
        f"{name}: {overhead:.1%} on top of {1000 * median:.3f} ms (median {felt:+.1%}, processor {1_000_000 * spent:+.0f} µs); "
        f"{counts.recorded} recorded, {counts.dropped} dropped; goal {GOAL:.0%}: {'met' if overhead <= GOAL else 'MISSED'}",
        flush=True,
    )
    return overhead <= GOAL


def main() -> int:
    rounds = rounds_in_a_millisecond()
    met = []
    with tempfile.TemporaryDirectory() as folder:
        for kind, make, turn, record in (
            ("ASGI", asgi_app, asgi_turn, asgi.Record),
            ("WSGI", wsgi_app, wsgi_turn, wsgi.Record),
        ):
            for waits in (True, False):
                bare = make(lambda: compute(rounds), waits)
                name = f"{kind}, {'waiting' if waits else 'computing'}"
                recorded: Any = record(bare, str(Path(folder) / f"{kind}{waits}.ndjson"))
                met.append(ratio(name, bare, recorded, turn))
                counted = sum(1 for _ in (Path(folder) / f"{kind}{waits}.ndjson").open("rb"))
                if counted != recorded.recorder.counts.recorded:
                    print(f"{name}: {counted} lines written")
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
