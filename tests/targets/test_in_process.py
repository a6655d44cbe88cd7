"""Applications in this process, ASGI and WSGI: what a server would have made of them."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request as Asked
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from contract.core.errors import ConfigError, TargetError
from contract.core.evidence import Exchange, Request, Traffic
from contract.core.target import Target, TimeUp
from contract.targets import asgi, wsgi
from contract.targets.asgi import AsgiTarget
from contract.targets.wsgi import WsgiTarget


def send(target: Target, request: Request, *, bare: bool = False, timeout_s: float | None = None) -> Exchange:
    return target.send(request, source="test", traffic=Traffic.TEST, bare=bare, timeout_s=timeout_s)


def starlette(endpoint: Callable[[Asked], Any], **settings: Any) -> Starlette:
    methods = ["GET", "POST", "HEAD"]
    return Starlette(routes=[Route("/{rest:path}", endpoint, methods=methods)], **settings)


async def echo(request: Asked) -> Response:
    return JSONResponse(
        {
            "path": request.scope["path"],
            "raw": request.scope["raw_path"].decode(),
            "query": request.scope["query_string"].decode(),
            "headers": sorted(request.headers.items()),
            "body": (await request.body()).decode(),
        }
    )


def test_an_asgi_application_sees_the_request_as_it_is() -> None:
    target = AsgiTarget(starlette(echo), "asgi:x", (("Authorization", "Bearer t"),))
    exchange = send(target, Request("POST", "/a%2Fb/../c?q=%20&q=+", (("X-Odd", "1"),), b"hello"))
    target.close()
    assert exchange.response is not None
    assert exchange.response.json == {
        "path": "/a/b/../c",
        "raw": "/a%2Fb/../c",
        "query": "q=%20&q=+",
        "headers": [["authorization", "Bearer t"], ["content-length", "5"], ["host", "asgi.local"], ["x-odd", "1"]],
        "body": "hello",
    }


def test_a_wsgi_application_sees_the_request_as_it_is() -> None:
    seen: dict[str, Any] = {}

    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        seen.update(environ, body=environ["wsgi.input"].read())
        start_response("201 Created", [("Content-Type", "text/plain"), ("X-Two", "a"), ("X-Two", "b")])
        return [b"o", b"k"]

    target = WsgiTarget(app, "wsgi:x", (("Authorization", "Bearer t"),))
    exchange = send(target, Request("POST", "/a%2Fé?q=%20", (("Content-Type", "text/x"), ("X-A", "1")), b"hello"))
    target.close()
    assert {
        key: seen[key]
        for key in [
            "REQUEST_METHOD",
            "PATH_INFO",
            "RAW_URI",
            "QUERY_STRING",
            "CONTENT_TYPE",
            "CONTENT_LENGTH",
            "HTTP_X_A",
            "HTTP_AUTHORIZATION",
            "body",
        ]
    } == {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/a/é".encode().decode("latin-1"),
        "RAW_URI": "/a%2Fé?q=%20",
        "QUERY_STRING": "q=%20",
        "CONTENT_TYPE": "text/x",
        "CONTENT_LENGTH": "5",
        "HTTP_X_A": "1",
        "HTTP_AUTHORIZATION": "Bearer t",
        "body": b"hello",
    }
    assert exchange.response is not None
    assert (exchange.response.status, exchange.response.body) == (201, b"ok")
    assert exchange.response.headers == (("Content-Type", "text/plain"), ("X-Two", "a"), ("X-Two", "b"))


async def _raises(request: Asked) -> Response:
    raise KeyError("id")


def _wsgi_raises(environ: Any, start_response: Any) -> list[bytes]:
    raise KeyError("id")


async def _bare_raises(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "http":
        raise KeyError("id")


@pytest.mark.parametrize(
    "target",
    [
        AsgiTarget(starlette(_raises), "x"),
        AsgiTarget(_bare_raises, "x"),
        WsgiTarget(_wsgi_raises, "x"),
    ],
    ids=["starlette", "asgi", "wsgi"],
)
def test_an_exception_is_a_500_and_is_named(target: Target) -> None:
    exchange = send(target, Request("GET", "/"))
    target.close()
    assert exchange.response is not None
    assert (exchange.response.status, exchange.response.body) == (500, b"Internal Server Error")
    assert exchange.failure is not None
    assert exchange.failure.startswith("KeyError: 'id' (tests/targets/test_in_process.py:")


async def _nothing(scope: Any, receive: Any, send: Any) -> None:
    return


async def _cancelled(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "http":
        raise asyncio.CancelledError


async def _half(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})


def _wsgi_nothing(environ: Any, start_response: Any) -> list[bytes]:
    return []


def _wsgi_half(environ: Any, start_response: Any) -> Iterator[bytes]:
    start_response("200 OK", [])
    yield b"half"
    raise KeyError("id")


@pytest.mark.parametrize(
    ("target", "failure"),
    [
        (AsgiTarget(_nothing, "x"), "connection closed without an answer"),
        (AsgiTarget(_cancelled, "x"), "connection closed without an answer"),
        (AsgiTarget(_half, "x"), "connection closed in the middle of the answer"),
        (WsgiTarget(_wsgi_nothing, "x"), "connection closed without an answer"),
        (WsgiTarget(_wsgi_half, "x"), "connection closed in the middle of the answer: KeyError: 'id'"),
    ],
    ids=["nothing", "cancelled", "half", "wsgi-nothing", "wsgi-half"],
)
def test_an_application_that_does_not_finish_its_answer_gives_none(target: Target, failure: str) -> None:
    exchange = send(target, Request("GET", "/"))
    target.close()
    assert exchange.response is None
    assert exchange.failure is not None and exchange.failure.startswith(failure)


async def _sleeps(request: Asked) -> Response:
    await asyncio.sleep(60)
    return PlainTextResponse("late")


def _wsgi_sleeps(environ: Any, start_response: Any) -> list[bytes]:
    time.sleep(2 if environ["PATH_INFO"] == "/slow" else 0)
    start_response("200 OK", [])
    return [b"ok"]


@pytest.mark.parametrize(
    "target", [AsgiTarget(starlette(_sleeps), "x"), WsgiTarget(_wsgi_sleeps, "x")], ids=["asgi", "wsgi"]
)
def test_an_application_that_hangs_is_not_waited_for(target: Target) -> None:
    start = time.monotonic()
    exchange = send(target, Request("GET", "/slow"), timeout_s=0.2)
    assert time.monotonic() - start < 1
    assert (exchange.response, exchange.failure) == (None, "timed out after 0.2 s")
    if target.kind == "wsgi":
        after = send(target, Request("GET", "/quick"))
        assert after.response is not None and after.response.body == b"ok"
    target.close()


def test_a_timeout_of_the_application_itself_is_a_500() -> None:
    async def impatient(request: Asked) -> Response:
        async with asyncio.timeout(0.01):
            await asyncio.sleep(60)
        return PlainTextResponse("never")

    target = AsgiTarget(starlette(impatient), "x")
    exchange = send(target, Request("GET", "/"))
    target.close()
    assert exchange.response is not None and exchange.response.status == 500
    assert exchange.failure is not None and exchange.failure.startswith("TimeoutError")


def test_a_stream_without_end_is_what_came_before_the_deadline() -> None:
    async def events() -> Any:
        yield b"data: 1\n\n"
        await asyncio.sleep(60)

    async def endpoint(request: Asked) -> Response:
        return StreamingResponse(events(), media_type="text/event-stream")

    target = AsgiTarget(starlette(endpoint), "x")
    response = send(target, Request("GET", "/"), timeout_s=0.3).response
    target.close()
    assert response is not None
    assert (response.status, response.body, response.truncated) == (200, b"data: 1\n\n", True)


def test_a_long_answer_is_cut_and_says_so() -> None:
    async def long(request: Asked) -> Response:
        return PlainTextResponse("x" * 5000)

    target = AsgiTarget(starlette(long), "x", byte_cap=1000)
    response = send(target, Request("GET", "/")).response
    target.close()
    assert response is not None and (len(response.body), response.truncated) == (1000, True)


def test_an_answer_to_head_has_no_body() -> None:
    target = AsgiTarget(starlette(echo), "x")
    response = send(target, Request("HEAD", "/")).response
    target.close()
    assert response is not None and response.body == b""


def test_the_lifespan_runs_once_around_all_requests() -> None:
    happened: list[str] = []

    @asynccontextmanager
    async def lifespan(app: Starlette) -> Any:
        happened.append("start")
        yield {"answer": 42}
        happened.append("stop")

    async def state(request: Asked) -> Response:
        happened.append("request")
        return JSONResponse(request.state.answer)

    target = AsgiTarget(starlette(state, lifespan=lifespan), "x")
    answers = [send(target, Request("GET", "/")).response for _ in range(2)]
    target.close()
    assert [answer.body for answer in answers if answer is not None] == [b"42", b"42"]
    assert happened == ["start", "request", "request", "stop"]


def test_an_application_that_fails_to_start_is_an_error() -> None:
    @asynccontextmanager
    async def lifespan(app: Starlette) -> Any:
        raise RuntimeError("no database")
        yield

    with pytest.raises(TargetError) as caught:
        AsgiTarget(starlette(echo, lifespan=lifespan), "asgi:shop:app")
    assert caught.value.message == "asgi:shop:app: the application failed to start: RuntimeError: no database"


MODULE = """
import json

async def app(scope, receive, send): ...
class holder:
    api = app
def create_app():
    return app
def broken():
    return json.loads("{")
value = 3
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


@pytest.mark.parametrize("where", ["good_shop:app", "good_shop:holder.api", "good_shop:create_app()"])
def test_an_application_is_found_in_the_current_folder(project: Path, where: str) -> None:
    (project / "good_shop.py").write_text(MODULE)
    target = asgi.open(where)
    target.close()
    assert (target.kind, target.name, target.origin) == ("asgi", f"asgi:{where}", "http://asgi.local")


@pytest.mark.parametrize(
    ("where", "message", "hint"),
    [
        (
            "no_shop.main:app",
            "wsgi:no_shop.main:app: there is no module `no_shop`",
            "run it from the folder that holds `no_shop`, or set PYTHONPATH",
        ),
        ("bad_shop:ap", "wsgi:bad_shop:ap: `bad_shop` has no `ap`", "did you mean `app`?"),
        ("bad_shop:value", "wsgi:bad_shop:value: `value` is a int, not an application", None),
        (
            "bad_shop:broken()",
            "wsgi:bad_shop:broken(): calling `broken()` raised JSONDecodeError: Expecting property name enclosed in "
            "double quotes: line 1 column 2 (char 1) (bad_shop.py:10)",
            None,
        ),
        (
            "raises:app",
            "wsgi:raises:app: importing `raises` raised ZeroDivisionError: division by zero (raises.py:2)",
            None,
        ),
        (
            "needs:app",
            "wsgi:needs:app: importing `needs` raised ModuleNotFoundError: No module named 'absent' (needs.py:1)",
            None,
        ),
        ("exits:app", "wsgi:exits:app: importing `exits` raised SystemExit: 2 (exits.py:2)", None),
        ("typo:app", "wsgi:typo:app: importing `typo` raised SyntaxError: ", None),
    ],
)
def test_what_cannot_be_loaded_says_why_and_where(project: Path, where: str, message: str, hint: str | None) -> None:
    (project / "bad_shop.py").write_text(MODULE)
    (project / "raises.py").write_text("# one\nprint(1 / 0)\n")
    (project / "needs.py").write_text("import absent\n")
    (project / "exits.py").write_text("import sys\nsys.exit(2)\n")
    (project / "typo.py").write_text("def app(:\n")
    with pytest.raises(TargetError) as caught:
        wsgi.open(where)
    if where == "typo:app":
        assert caught.value.message.startswith(message) and caught.value.message.endswith("(typo.py:1)")
    else:
        assert caught.value.message == message
    assert caught.value.hint == hint


@pytest.mark.parametrize("where", ["shop", "shop:", ":app"])
def test_what_names_no_application_is_refused(where: str) -> None:
    with pytest.raises(ConfigError) as caught:
        asgi.open(where)
    assert caught.value.message == f"asgi:{where}: expected asgi:MODULE:APP"


def test_an_asgi_application_that_holds_the_event_loop_is_waited_for_no_longer_than_any_other() -> None:
    freed = threading.Event()

    async def endpoint(request: Asked) -> Response:
        if request.url.path == "/holds":
            freed.wait(60)  # as a client library without `await` does
        return PlainTextResponse("ok")

    target = AsgiTarget(starlette(endpoint), "asgi:x", timeout_s=0.2)
    held = send(target, Request("GET", "/holds"))
    assert (held.response, held.failure, held.abandoned) == (None, "timed out after 0.2 s", False)
    assert not freed.is_set()
    freed.set()
    answers = [send(target, Request("GET", "/"), timeout_s=0.2) for _ in range(20)]
    assert any(each.response is not None and each.response.body == b"ok" for each in answers)
    target.close()


def an_app(environ: Any, start_response: Any) -> list[bytes]:
    time.sleep(30 if environ["PATH_INFO"] == "/hangs" else 0)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"ok"]


async def hanging(request: Asked) -> Response:
    await asyncio.sleep(30 if request.url.path == "/hangs" else 0)
    return PlainTextResponse("ok")


@pytest.mark.parametrize(
    "make", [lambda: WsgiTarget(an_app, "wsgi:x"), lambda: AsgiTarget(starlette(hanging), "asgi:x")]
)
def test_once_the_time_is_over_what_is_on_its_way_is_given_up_and_no_evidence(make: Callable[[], Any]) -> None:
    target = make()
    assert send(target, Request("GET", "/")).response is not None
    target.ends(time.monotonic() + 0.2)
    with pytest.raises(TimeUp):
        send(target, Request("GET", "/hangs"))
    with pytest.raises(TimeUp):
        send(target, Request("GET", "/"))
    target.ends(None)
    assert send(target, Request("GET", "/")).response is not None
    target.close()
