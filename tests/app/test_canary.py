"""Law 7 end to end: an API that spills secrets everywhere, the real command, and every byte that it leaves behind.

Each secret holds the word `zeisig`, so one search finds it in any spelling. The server echoes what it was given, plain,
escaped and in base64, and drifts in as many ways as there are rules that quote an answer.
"""

from __future__ import annotations

import base64
import html
import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from ..demo.serving import serving

STEM = "zeisig"
BEARER, API_KEY, COOKIE, TENANT = "ZeisigBearer", "ZeisigApiKey", "ZeisigCookie", "zeisig-gmbh"
CARDS = ("4111111111111111", "5555 5555 5555 4444")
JWT = ".".join(
    base64.urlsafe_b64encode(part).decode().rstrip("=")
    for part in (b'{"alg":"HS256"}', b'{"sub":"zeisig-jwt"}', b"zeisig-signature")
)
UUID, SHA, ULID = (
    "6f1c2a3b-1234-4123-8123-123456789012",
    "0330ba6f5d1e8c7b9a2f4e6d8c0b1a3f5e7d9c1b",
    "01ARZ3NDEKTSV4RRFFQ69G5FAV",
)
NODE, CURSOR = "PRC_lALOHrjuF84A3qrSzgUGUwM", "eyJsYXN0IjoxNywib3JkZXIiOiJhc2MifQ=="


def mail(place: str) -> str:
    return f"zeisig.{place}@kunden.example.com"


DOCUMENT = r"""
openapi: 3.1.0
info: {title: Spilling, version: '1'}
servers: [{url: 'http://api.example'}]
security: [{bearer: []}]
paths:
  /people/{email}:
    get:
      operationId: person
      parameters:
        - {name: email, in: path, required: true, schema: {type: string, format: email}, example: "\x7aeisig.path@kunden.example.com"}
        - {name: token, in: query, schema: {type: string}, example: "\x7aeisigQuery"}
        - {name: X-Visitor-Secret, in: header, schema: {type: string, pattern: '^\S+$'}, example: "\x7aeisigHeader"}
        - {name: visit, in: cookie, schema: {type: string, pattern: '^\w+$'}, example: "\x7aeisigParameterCookie"}
      responses:
        '200':
          description: The person.
          content:
            application/json:
              schema:
                type: object
                properties:
                  id: {type: string}
                  due_at: {type: string, format: date-time}
                  status: {enum: [open, done]}
                  node_id: {type: string, maxLength: 9}
                  commit: {type: string, maxLength: 9}
                  pin: {type: integer}
                  hint: {type: string, writeOnly: true}
                  nickname: {type: string, x-sensitive: true, maxLength: 5}
                  lock: {type: string, format: password, maxLength: 5}
                  contact: {type: string, format: uri}
                  keys: {type: object, additionalProperties: false}
                  tags: {type: array, items: {type: integer}}
                  box: {type: string}
                  vault: {type: string, properties: {code: {type: string, writeOnly: true}}}
                  echo: {type: string, pattern: '^x$'}
                  echo64: {type: string, maxLength: 3}
                  card: {type: string, maxLength: 3}
                  jwt: {type: string, maxLength: 3}
                  kind: {enum: [a, b]}
  /keys:
    get:
      operationId: keys
      responses: {'200': {description: Keys., content: {application/json: {schema: {type: object, properties: {n: {type: integer}}}}}}}
  /broken:
    get:
      operationId: broken
      responses: {'200': {description: Broken., content: {application/json: {schema: {type: object}}}}}
  /teapot:
    get:
      operationId: teapot
      responses: {'200': {description: Tea.}}
  /crash:
    get:
      operationId: crash
      responses: {'200': {description: Well.}}
  /silent:
    get:
      operationId: silent
      responses: {'200': {description: Well.}}
  /garbage:
    get:
      operationId: garbage
      responses: {'200': {description: Well.}}
  /logins:
    post:
      operationId: login
      requestBody: &login
        required: true
        content:
          application/json:
            schema:
              type: object
              required: [user, password]
              additionalProperties: false
              properties:
                user: {type: object, properties: {email: {type: string, format: email}, card: {type: string, maxLength: 30}}}
                password: {type: string, minLength: 8}
                recovery: {type: array, maxItems: 3, items: {type: string, writeOnly: true}}
              example:
                user: {email: "\x7aeisig.login@kunden.example.com", card: "4111 1111 1111 1111"}
                password: "\x7aeisigPassword"
                recovery: ["\x7aeisigRecovery"]
      responses: {'200': {description: Done., content: {application/json: {schema: {type: object}}}}}
  /signups:
    post:
      operationId: signup
      requestBody: *login
      responses:
        '201': {description: Done.}
        '400': {description: Refused., content: {application/problem+json: {schema: {type: object}}}}
  /forms:
    post:
      operationId: form
      requestBody:
        required: true
        content:
          application/x-www-form-urlencoded:
            schema: {type: object, required: [pin], properties: {pin: {type: string}, note: {type: string}}}
            example: {pin: "\x7aeisigForm", note: "from \x7aeisig.form@kunden.example.com"}
      responses: {'200': {description: Done.}}
  /uploads:
    post:
      operationId: upload
      requestBody:
        required: true
        content:
          multipart/form-data:
            schema: {type: object, required: [secret], properties: {secret: {type: string}, about: {type: string}}}
            example: {secret: "\x7aeisigMultipart", about: "\x7aeisig.part@kunden.example.com"}
      responses: {'200': {description: Done.}}
  /open:
    get:
      operationId: open
      responses: {'200': {description: Open., content: {application/json: {schema: {type: object}}}}}
  /items:
    get:
      operationId: items
      parameters: [{name: token, in: query, schema: {type: string}, example: "\x7aeisigItems"}]
      responses: {'200': {description: Items., content: {application/json: {schema: {type: array}}}}}
  /page:
    get:
      operationId: page
      responses: {'200': {description: Page., content: {application/json: {schema: {type: object}}}}}
  /bare:
    get:
      operationId: bare
      responses:
        '200': {description: Bare., headers: {X-Request-Id: {required: true, schema: {type: string}}}}
  /things:
    post:
      operationId: makeThing
      requestBody:
        required: true
        content:
          application/json:
            schema: {type: object, required: [hint], properties: {hint: {type: string, writeOnly: true, pattern: '^.eisig'}}}
            example: {hint: "\x7aeisigBefore"}
      responses:
        '201':
          description: Made.
          content: {application/json: {schema: {type: object, required: [key], properties: {key: {type: string}, badge: {x-pii: name}}}}}
          links:
            read: {operationId: readThing, parameters: {key: '$response.body#/key'}}
            drop: {operationId: dropThing, parameters: {key: '$response.body#/key'}}
  /things/{key}:
    parameters: [{name: key, in: path, required: true, schema: {type: string, minLength: 1}}]
    get:
      operationId: readThing
      responses:
        '200': {description: Thing., content: {application/json: {schema: {type: object}}}}
        '404': {description: None.}
    delete:
      operationId: dropThing
      responses:
        '204':
          description: Gone.
          links:
            after: {operationId: readThing, parameters: {key: '$request.path.key'}}
        '404': {description: None.}
components:
  securitySchemes: {bearer: {type: http, scheme: bearer}}
"""


def spilling() -> FastAPI:
    """An API that repeats every secret it was ever given."""
    app = FastAPI(openapi_url=None)
    heard: dict[str, str] = {"authorization": "", "cookie": "", "x-api-key": ""}
    things: set[str] = set()

    @app.middleware("http")
    async def listen(request: Request, answer: Any) -> Response:
        for name in heard:
            if STEM in request.headers.get(name, "").lower():
                heard[name] = request.headers[name]
        if request.url.path != "/open" and BEARER not in request.headers.get("authorization", ""):
            return JSONResponse({"detail": "no"}, 401)
        response: Response = await answer(request)
        return response

    def echo() -> dict[str, Any]:
        token = heard["authorization"].partition(" ")[2]
        return {
            "detail": f"no {token} for {mail('detail')}",
            "request": {"headers": dict(heard), "raw": [f"{name}: {value}" for name, value in heard.items()]},
            "in_base64": base64.b64encode(token.encode()).decode(),
            "quoted": "".join(f"%{byte:02X}" for byte in token.encode()),
            "nested": json.dumps({"credentials": {"value": "ZeisigNested"}, "note": mail("nested")}),
            "by": {mail("member"): {"api_key": ["ZeisigInAList"]}},
            "environment": [
                {"name": "DB_PASSWORD", "value": "ZeisigPair"},
                {"key": "api_key", "value": ["ZeisigKeyed"]},
            ],
            "cards": [*CARDS, int(CARDS[0])],
            "jwt": JWT,
        }

    @app.get("/people/{email}")
    async def person(email: str) -> Response:
        token = heard["authorization"].partition(" ")[2]
        return JSONResponse(
            {
                "id": UUID,
                "due_at": None,
                "status": "archived",
                "node_id": NODE,
                "commit": SHA,
                "pin": "ZeisigPin",
                "hint": "ZeisigHint",
                "nickname": "ZeisigNickname",
                "lock": "ZeisigLock",
                "contact": f"{mail('contact')} ",
                "keys": {mail("key"): 1},
                "tags": [mail("tag"), 3],
                "box": {"n": 1, "secret": "ZeisigBox"},
                "vault": {"n": 1, "code": "ZeisigVault"},
                "echo": f"you are {token}",
                "echo64": base64.b64encode(token.encode()).decode(),
                "card": CARDS[1],
                "jwt": JWT,
                "kind": mail("kind"),
            },
            headers={"X-Trace": UUID, "ETag": f'"{SHA}"', "X-Refreshed-Token": "ZeisigRefreshed"},
        )

    @app.get("/keys")
    async def keys() -> Response:
        return JSONResponse({"n": 1, mail("property"): "x", "cursor": CURSOR, "ulid": ULID})

    @app.get("/broken")
    async def broken() -> Response:
        text = f'{{"password": "ZeisigBroken", "mail": "{mail("broken")}", "api_key": Zeisig'
        return Response(text, media_type="application/json")

    @app.get("/teapot")
    async def teapot() -> Response:
        return JSONResponse(echo(), 418, media_type="application/problem+json")

    @app.get("/crash")
    async def crash() -> Response:
        lines = (
            "Traceback (most recent call last):",
            '  File "db.py", line 17, in connect',
            "    connect(host='db', password='ZeisigStack')",
            f"psycopg.OperationalError: postgres://app:ZeisigDsn@db/x {heard['authorization']} Cookie: {heard['cookie']}",
            f"os.environ: {{'DB_PASSWORD': 'ZeisigEnviron', 'USER': '{mail('environ')}'}}",
        )
        return PlainTextResponse("\n".join(lines), 500)

    @app.post("/logins")
    async def login() -> Response:
        return JSONResponse({"access_token": "ZeisigIssued", "token_type": "bearer"})

    @app.post("/signups")
    async def signup(request: Request) -> Response:
        body = await request.body()
        return JSONResponse(
            {"received": body.decode("utf-8", "replace"), "in_base64": base64.b64encode(body).decode(), **echo()},
            400,
            media_type="application/problem+json",
        )

    @app.post("/forms")
    @app.post("/uploads")
    async def conflict(request: Request) -> Response:
        return PlainTextResponse((await request.body()).decode("utf-8", "replace"), 409)

    @app.get("/open")
    async def opened() -> Response:
        return JSONResponse(echo(), headers={"Set-Cookie": "sid=ZeisigSetCookie; Path=/"})

    @app.get("/items")
    async def items(request: Request) -> Response:
        found = [{mail("item"): "b", "title": "x"}, {mail("item"): "a", "title": "y"}]
        sort = request.query_params.get("sort", "")
        if sort.lstrip("-") in found[0]:
            found.sort(key=lambda item: item[sort.lstrip("-")], reverse=sort[:1] == "-")
        return JSONResponse(found)

    @app.get("/page")
    async def page() -> Response:
        text = (
            f'<p data-token=\'ZeisigAttribute\'>{mail("page")}</p><input name="password" value="ZeisigInput">'
            f"<meta content='ZeisigMeta' name='csrf-token'><a href='/x?a=1&amp;sig=ZeisigLink'>x</a>"
        )
        return Response(text, media_type="text/html")

    @app.get("/bare")
    async def bare() -> Response:
        location = (
            f"https://ZeisigUser:ZeisigLocation@idp.example/cb?access_token=ZeisigCallback&state={quote(mail('state'))}"
        )
        return Response(None, 200, {"Set-Cookie": "sid=ZeisigBare", "Location": location})

    @app.post("/things")
    async def make_thing() -> Response:
        key = mail(f"thing{len(things)}")
        things.add(key)
        return JSONResponse({"key": key, "badge": "ZeisigBadge"}, 201, {"Location": f"/things/{quote(key)}"})

    @app.get("/things/{key}")
    async def read_thing(key: str) -> Response:
        return JSONResponse({"key": key}) if key in things else Response(None, 404)

    @app.delete("/things/{key}")
    async def drop_thing(key: str) -> Response:
        return Response(None, 204 if key in things else 404)

    return app


class Spilling:
    """The API, and two paths on which no HTTP comes back."""

    def __init__(self) -> None:
        self.app = spilling()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] not in ("/silent", "/garbage"):
            await self.app(scope, receive, send)
            return
        transport = send.__self__.transport  # type: ignore[attr-defined]
        if scope["path"] == "/garbage":
            transport.write(f"Authorization: Bearer {BEARER}; {mail('garbage')}\r\n\r\n".encode())
        transport.close()
        while (await receive())["type"] != "http.disconnect":
            pass


# --- what was recorded ------------------------------------------------------------------------------------------------


def recorded() -> list[dict[str, Any]]:
    """Exchanges as NDJSON has them; the same go into a HAR file."""
    basic = base64.b64encode(b"jo:ZeisigBasic").decode()
    multipart = (
        '--b\r\nContent-Disposition: form-data; name="secret"\r\n\r\nZeisigRecordedPart\r\n'
        f'--b\r\nContent-Disposition: form-data; name="f"; filename="{mail("file")}.pdf"\r\n'
        'Content-Type: application/json\r\n\r\n{"cvv": "ZeisigCvv"}\r\n--b--\r\n'
    )
    answer = {"password": "ZeisigRecorded", "list": [{"session": {"id": "ZeisigSession"}}], "to": mail("recorded")}
    problem = {"detail": f"Basic {basic} is unknown; {mail('problem')} {CARDS[0]} {JWT}"}
    return [
        {
            "method": "GET",
            "url": f"/items?{mail('parameter')}=1&token=ZeisigRecordedQuery&q={quote(mail('value'))}",
            "request_headers": {"Authorization": f"Basic {basic}", "Cookie": "theme=dark; sid=ZeisigRecordedCookie"},
            "status": 200,
            "response_headers": {"Content-Type": "application/json", "Set-Cookie": "sid=ZeisigRecordedSetCookie"},
            "response_body": json.dumps([answer]),
        },
        {
            "method": "GET",
            "url": f"/people/{mail('segment')}?access_token=ZeisigAccess",
            "request_headers": {"Authorization": f"Bearer {JWT}", "X-Api-Key": "ZeisigRecordedKey"},
            "status": 404,
            "response_headers": {"Content-Type": "application/problem+json"},
            "response_body": json.dumps(problem),
        },
        {
            "method": "GET",
            "url": f"/unknown/{mail('unknown')}/nowhere?token=ZeisigUnmatched",
            "status": 200,
            "response_headers": {"Content-Type": "application/json"},
            "response_body": json.dumps(answer),
        },
        {
            "method": "POST",
            "url": "/uploads",
            "request_headers": {"Content-Type": "multipart/form-data; boundary=b"},
            "request_body": multipart,
            "status": 422,
            "response_headers": {"Content-Type": "text/plain"},
            "response_body": multipart,
        },
        {
            "method": "POST",
            "url": "/forms",
            "request_headers": {"Content-Type": "application/x-www-form-urlencoded"},
            "request_body": f"user%5Bpassword%5D=ZeisigDeep&m={quote(mail('deep'))}",
            "status": 403,
            "response_headers": {"Content-Type": "text/html"},
            "response_body": f"<a href='/x?token=ZeisigHref&amp;m={quote(mail('href'))}'>{html.escape(mail('link'))}</a>",
        },
        {
            "method": "GET",
            "url": "/open",
            "request_headers": {"X-Api-Key": "ZeisigFailed"},
            "status": None,
            "failure": "proxy http://jo:ZeisigProxy@proxy:3128 refused ZeisigFailed",
        },
    ]


def har(lines: list[dict[str, Any]]) -> dict[str, Any]:
    def headers(line: dict[str, Any], side: str) -> list[dict[str, str]]:
        return [{"name": name, "value": value} for name, value in line.get(f"{side}_headers", {}).items()]

    entries = []
    for line in lines:
        asked = {"method": line["method"], "url": f"http://jo:ZeisigHar@api.example{line['url']}"}
        request: dict[str, Any] = {**asked, "headers": headers(line, "request")}
        if "request_body" in line:
            request["postData"] = {"mimeType": "", "text": line["request_body"]}
        response = {"status": line["status"] or 0, "headers": headers(line, "response"), "_error": line.get("failure")}
        response["content"] = {"text": line.get("response_body", ""), "size": len(line.get("response_body", ""))}
        entries.append({"request": request, "response": response})
    return {"log": {"version": "1.2", "entries": entries}}


# --- the command, and what it leaves ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Left:
    """What each command said, and each file that is there at the end."""

    codes: dict[str, int]
    texts: dict[str, bytes]
    report: dict[str, Any]


SECRETS = {"BEARER": BEARER, "API_KEY": API_KEY, "COOKIE": COOKIE, "TENANT": TENANT}
HEADERS = [
    word
    for header in (
        "Authorization: Bearer ${BEARER}",
        "X-Api-Key: ${API_KEY}",
        "Cookie: sid=${COOKIE}",
        "X-Tenant: ${TENANT}",
    )
    for word in ("--header", header)
]


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Left]:
    folder = tmp_path_factory.mktemp("canary")
    given = {"api.yaml": DOCUMENT, "contract.toml": 'document = "api.yaml"\n'}
    given["traffic.ndjson"] = "".join(json.dumps(line) + "\n" for line in recorded())
    given["traffic.har"] = json.dumps(har(recorded()))
    given["bad.ndjson"] = json.dumps({**recorded()[0], "traffic": BEARER}) + "\n"
    given["bad.toml"] = f'document = "api.yaml"\n[headers]\nAuthorization = "Bearer {BEARER}" x\n'
    given["worse.toml"] = f'document = "api.yaml"\n[headers]\n"Authori zation" = "Bearer {BEARER}"\n'
    given["clear.toml"] = f'document = "api.yaml"\n[headers]\nAuthorization = "Bearer {BEARER}"\n'
    for name, text in given.items():
        (folder / name).write_text(text)
    codes: dict[str, int] = {}
    texts: dict[str, bytes] = {}

    def run(name: str, *words: str, **environ: str) -> None:
        command = [sys.executable, "-m", "contract", *words]
        plain = {key: value for key, value in os.environ.items() if not key.startswith("CONTRACT_")}
        done = subprocess.run(
            command, cwd=folder, env={**plain, **SECRETS, **environ}, capture_output=True, timeout=300
        )
        codes[name] = done.returncode
        texts[f"{name}: stdout"], texts[f"{name}: stderr"] = done.stdout, done.stderr

    reports = [
        word for name in ("json", "markdown", "html", "text") for word in ("--format", f"{name}=out/report.{name}")
    ]
    both = ["--traffic", "har:traffic.har", "--traffic", "ndjson:traffic.ndjson"]
    with serving(Spilling()) as origin:  # type: ignore[arg-type]
        fuzz = ["check", "--target", origin, "--max-examples", "20", "--max-time", "5m", "--no-types", *HEADERS]
        run("check", *fuzz, *both, *reports, FORCE_COLOR="1")
        report = json.loads((folder / "out/report.json").read_text())
        run(
            "baseline", "check", "--target", origin, "--no-fuzz", "--no-types", *both, *HEADERS, "--format", "json",
            "--baseline", "known.json", "--update-baseline", "--reason", "known",
        )  # fmt: skip
        shown: Counter[str] = Counter()
        for row in report["findings"]:
            shown[row["rule"]] += 1
            if shown[row["rule"]] <= 2 and row["example"] is not None:
                name = f"replay {row['rule']} {shown[row['rule']]}"
                run(name, "replay", row["fingerprint"], "--report", "out/report.json", *HEADERS)
        first = report["findings"][0]["fingerprint"]
        run("no such report", "replay", first[:7], "--report", "nowhere", "--debug", *HEADERS)
        run("user information", "check", "--target", origin.replace("://", f"://jo:{BEARER}@"), "--no-types")
    gone = ["--no-types", "--max-examples", "1", *HEADERS]
    run("refused", "check", "--target", f"http://jo:{BEARER}@127.0.0.1:1/?token={BEARER}", *gone)
    run("refused, debug", "check", "--target", f"http://jo:{BEARER}@127.0.0.1:1", "--debug", *gone)
    run("bad traffic", "check", "--traffic", "ndjson:bad.ndjson", "--no-types", *HEADERS)
    run("bad header", "check", "--target", origin, "--header", f"Authorization Bearer {BEARER}")
    run("bad header, debug", "check", "--target", origin, "--header", f"Authorization Bearer {BEARER}", "--debug")
    run("two lines", "check", "--target", origin, "--header", f"Authorization: Bearer {BEARER}\nX: y")
    run("no quotes", "check", "--target", origin, "--header", "Authorization:", "Bearer", BEARER)
    run("no quotes and no scheme", "check", "--target", origin, "--header", "X-Api-Key:", API_KEY)
    run("misspelt flag", "check", "--target", origin, f"--headr=Authorization: Bearer {BEARER}")
    run("no such variable", "check", "--target", origin, "--header", "X-Api-Key: ${NOBODYS}" + API_KEY)
    run("bad variable", "check", "--target", origin, CONTRACT_HEADER=f"Authorization Bearer {BEARER}")
    run("bad file", "check", "--config", "bad.toml", "--target", origin)
    run("worse file", "check", "--config", "worse.toml", "--target", origin, "--debug")
    run("config show", "config", "show", *HEADERS)
    clear = ["--header", f"Authorization: Bearer {BEARER}", "--header", f"X-Api-Key: {API_KEY}"]
    run("config show, in the clear", "config", "show", *clear)
    run("config show, a file in the clear", "config", "show", "--config", "clear.toml")
    run("config show, user information", "config", "show", "--target", f"http://jo:{BEARER}@127.0.0.1:1")
    run("config show, the environment", "config", "show", CONTRACT_HEADER=f"Authorization: Bearer {BEARER}")
    for path in folder.rglob("*"):
        if path.is_file() and path.name not in given:
            texts[str(path.relative_to(folder))] = path.read_bytes()
    yield Left(codes, texts, report)


def readings(data: bytes) -> Iterator[str]:
    """The text as it is, with its percent-encodings, escapes and entities undone, unwrapped; and its base64."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", data.decode("utf-8", "replace"))
    for _ in range(4):
        yield text
        plain = html.unescape(unquote(text))
        plain = re.sub(r"\\+u([0-9a-fA-F]{4})", lambda match: chr(int(match[1], 16)), plain)
        if plain == text:
            break
        text = plain
    yield re.sub(r"\s", "", text)
    for word in set(re.findall(r"[A-Za-z0-9+/_-]{8,}", text)):
        for start in range(4):
            cut = word[start:].replace("-", "+").replace("_", "/")
            yield base64.b64decode(cut + "A" * (-len(cut) % 4)).decode("latin-1")


def spilled(data: bytes) -> list[str]:
    """Each secret with what stands around it."""
    found = []
    for text in readings(data):
        for match in re.finditer(rf"(?i){STEM}|4111[ -]?1111[ -]?1111[ -]?1111|5555[ -]?5555[ -]?5555[ -]?4444", text):
            found.append(text[max(0, match.start() - 60) : match.end() + 40])
    return found


@pytest.mark.parametrize(
    "text",
    [
        "Bearer ZeisigBearer",
        mail("x"),
        "".join(f"%{byte:02x}" for byte in b"Zeisig"),
        quote("".join(f"%{byte:02x}" for byte in b"Zeisig")),
        "".join(f"\\u{ord(char):04x}" for char in "Zeisig"),
        json.dumps("".join(f"\\u{ord(char):04x}" for char in "Zeisig")),
        "".join(f"&#{ord(char)};" for char in "Zeisig"),
        *(base64.b64encode(b"a" * lead + b"Zeisig" + b"b" * tail).decode() for lead in range(3) for tail in range(3)),
        base64.urlsafe_b64encode(b"\xff\xfe?Zeisig").decode().rstrip("="),
        "a wrapped Zei\n    \x1b[1msig",
        JWT,
        *CARDS,
    ],
)
def test_a_secret_would_be_found_however_it_is_written(text: str) -> None:
    assert spilled(text.encode()) != []
    assert spilled(f"value={text}&x".encode()) != []


def test_no_command_and_no_file_lets_a_secret_through(left: Left) -> None:
    assert {name: found[:6] for name, data in left.texts.items() if (found := spilled(data))} == {}


def test_every_kind_of_drift_that_quotes_an_answer_was_found_and_every_command_came_to_its_end(left: Left) -> None:
    assert {row["rule"] for row in left.report["findings"]} >= {
        "auth-not-enforced",
        "invalid-request-accepted",
        "malformed-body",
        "missing-header",
        "no-answer",
        "response-schema",
        "server-error",
        "undeclared-media-type",
        "undeclared-operation",
        "undeclared-parameter",
        "undeclared-property",
        "undeclared-status",
        "use-after-delete",
        "valid-request-refused",
    }
    assert {source["name"]: source["verdict"] for source in left.report["sources"]} == {
        "traffic": "pass",
        "walk": "pass",
        "fuzz": "pass",
    }
    assert {name: code for name, code in left.codes.items() if code not in (0, 1, 2, 3)} == {}
    assert {name: code for name, code in left.codes.items() if not name.startswith("replay")} == {
        "check": 1,
        "baseline": 0,
        "no such report": 2,
        "user information": 2,
        "refused": 2,
        "refused, debug": 2,
        "bad traffic": 3,
        "bad header": 2,
        "bad header, debug": 2,
        "two lines": 2,
        "no quotes": 2,
        "no quotes and no scheme": 2,
        "misspelt flag": 2,
        "no such variable": 2,
        "bad variable": 2,
        "bad file": 2,
        "worse file": 2,
        "config show": 0,
        "config show, in the clear": 0,
        "config show, a file in the clear": 0,
        "config show, user information": 0,
        "config show, the environment": 0,
    }


def test_what_is_no_secret_can_still_be_read(left: Left) -> None:
    rows = {row["where"]["pointer"]: row for row in left.report["findings"] if row["rule"] == "response-schema"}
    observed = {pointer: row["observed"] for pointer, row in rows.items()}
    assert observed["/due_at"] == "null"
    assert observed["/status"] == '"archived"'
    assert rows["/status"]["fix"]["document"] == 'Add "archived" to the `enum`.'
    assert observed["/node_id"] == f'"{NODE}"'
    assert observed["/commit"] == f'"{SHA}"'
    assert observed["/box"] == '{"n":1,"secret":"[redacted]"}'
    assert observed["/vault"] == '{"n":1,"code":"[redacted]"}'
    assert {
        observed[f"/{name}"] for name in ("pin", "nickname", "lock", "contact", "echo", "echo64", "card", "jwt")
    } == {"a value that is masked"}
    assert (observed["/kind"], rows["/kind"]["fix"]["document"]) == (
        "a value that is masked",
        "Add a value that is masked to the `enum`.",
    )
    example = rows["/due_at"]["example"]
    body = json.loads(example["response"]["body"])
    assert (body["id"], body["due_at"], body["commit"], body["node_id"]) == (UUID, None, SHA, NODE)
    answered = dict(example["response"]["headers"])
    assert (answered["x-trace"], answered["etag"], answered["x-refreshed-token"]) == (UUID, f'"{SHA}"', "[redacted]")
    variables = set(re.findall(r'-H "([^"]*)"', rows["/due_at"]["curl"]))
    credentials = {"Authorization: Bearer $TOKEN", "X-Api-Key: $X_API_KEY", "X-Tenant: $X_TENANT", "Cookie: $COOKIE"}
    assert variables >= credentials
    assert {rows[f"/{name}"]["proof"] for name in ("due_at", "pin", "kind", "echo64")} == {"confirmed"}


def test_a_name_that_is_a_secret_is_masked_and_its_finding_is_proved_all_the_same(left: Left) -> None:
    found = [row for row in left.report["findings"] if row["where"]["pointer"] == "/redacted@example.invalid"]
    assert [(row["rule"], row["proof"], row["message"]) for row in found] == [
        ("undeclared-property", "confirmed", "`redacted@example.invalid` is sent, and no schema names it.")
    ]
    keys = json.loads(found[0]["example"]["response"]["body"])
    assert keys == {"n": 1, "redacted@example.invalid": "x", "cursor": CURSOR, "ulid": ULID}
    (seen,) = [row for row in left.report["findings"] if row["rule"] == "undeclared-operation"]
    assert seen["operation"] == {"method": "GET", "path": "/unknown/{id}/nowhere"}


def test_a_mistake_around_a_secret_is_told_without_it(left: Left) -> None:
    said = {
        name: left.texts[f"{name}: stderr"].decode().replace("\n  hint: ", " | ").rstrip("\n") for name in left.codes
    }
    assert said["no quotes and no scheme"] == (
        "error: `contract check` takes no words without a flag | quote a header: `--header 'NAME: VALUE'`"
    )
    assert said["misspelt flag"] == "error: unknown flag `--headr`. Did you mean `--header`?"
    assert re.sub(r"\d{4,}", "PORT", said["user information"]) == (
        "error: the target's URL holds a user or a password: http://…@127.0.0.1:PORT | they would end in shells and "
        "reports; say `--header 'Authorization: Basic ${CREDENTIALS}'`"
    )
