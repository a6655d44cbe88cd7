"""Routes held against the application that serves them: what is listed is answered, and nothing else is."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from threading import Thread
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

from contract.core.evidence import Route
from contract.core.routing import ANY

VERBS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
Written = Callable[[str], str]
_numbers = itertools.count()


def writer(folder: Path, kind: str) -> Written:
    """Writes a module into the folder and gives its name, a new one each time."""

    def write(source: str) -> str:
        name = f"{kind}_routed_{next(_numbers)}"
        (folder / f"{name}.py").write_text(source)
        return name

    return write


def explicit(routes: Iterable[Route]) -> list[str]:
    return [f"{route.method} {route.path}" for route in routes if not route.implied]


def implied(routes: Iterable[Route]) -> list[str]:
    return [f"{route.method} {route.path}" for route in routes if route.implied]


def spans(routes: Iterable[Route]) -> set[str]:
    return {f"{route.path} {name}" for route in routes for name in route.spans}


def places(routes: Iterable[Route]) -> dict[str, tuple[str | None, int | None]]:
    return {f"{route.method} {route.path}": (route.file, route.line) for route in routes if not route.implied}


def line(source: str, text: str) -> int:
    """The number of the first line that holds the text."""
    return next(number for number, row in enumerate(source.splitlines(), 1) if text in row)


def concrete(route: Route, values: Mapping[str, str]) -> str:
    """A path of the route: a value by the parameter's name, two segments where it spans them, else 7."""

    def value(found: re.Match[str]) -> str:
        return values.get(found[1], "a/b" if found[1] in route.spans else "7")

    return re.sub(r"\{([^{}]*)\}", value, route.path)


def status(port: int, method: str, path: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request(method, path, headers={"Content-Length": "0"} if method != "GET" else {})
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


def differences(port: int, routes: list[Route], values: Mapping[str, str] | None = None) -> list[str]:
    """Where list and server differ: listed, yet 404 or 405; answered, yet not listed; a path of nobody that is no 404."""
    listed: dict[str, set[str]] = {}
    for route in routes:
        listed.setdefault(concrete(route, values or {}), set()).add(route.method)
    wrong = [] if listed else ["nothing is listed"]
    for path, methods in listed.items():
        for verb in VERBS:
            served = status(port, verb, path) not in (404, 405)
            if served != bool({verb, ANY} & methods):
                wrong.append(f"{verb} {path} is {'served' if served else 'listed'} only")
    if status(port, "GET", "/nobody-serves-this/at-all") != 404:
        wrong.append("a path of nobody is served")
    return wrong


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        return


@contextlib.contextmanager
def wsgi(app: Any) -> Iterator[int]:
    """The port of a WSGI application on loopback."""
    with make_server("127.0.0.1", 0, app, handler_class=_Quiet) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


@contextlib.contextmanager
def process(command: list[str], folder: Path) -> Iterator[int]:
    """The port that a program prints as its first line; the program ends with the block."""
    running = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert running.stdout is not None and running.stderr is not None
        first = running.stdout.readline()
        if not first.strip().isdigit():
            running.kill()
            raise AssertionError(f"it does not start: {first}{running.stderr.read()[-2000:]}")
        yield int(first)
    finally:
        running.kill()
        running.communicate()


def python(code: str, *arguments: str) -> list[str]:
    return [sys.executable, "-c", code, *arguments]
