"""The corpus: what luck has found once is found in each run until it is mended, and a rate is told where it is luck."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from contract.app import cli, corpus, run, settings
from contract.app.corpus import LARGEST, MOST, PER_OPERATION, TRIES, Seed, Words
from contract.core.errors import ConfigError
from contract.core.report import Example, ExampleRequest, ExampleResponse, FindingRow, Intermittent, Report
from contract.demo.app import create_app
from contract.reports import text

from ..demo.serving import serving

ROOT = Path(__file__).parents[2]
FILE = Path(".contract/corpus.ndjson")
DOCUMENT = """\
openapi: 3.1.0
info: {title: Shop, version: '1'}
servers: [{url: /api}]
paths:
  /items:
    get:
      operationId: items
      parameters: [{name: size, in: query, schema: {type: integer, minimum: 0, maximum: 99999}}]
      responses:
        '200': {description: All., content: {application/json: {schema: {type: object, properties: {n: {type: integer}}}}}}
        '400': {description: No.}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("api.yaml").write_text(DOCUMENT)
    return tmp_path


class Shop:
    """`GET /api/items` gives a text for a number where the size is no small one and none near its bounds; and it remembers what it was asked."""

    def __init__(self) -> None:
        self.rare = lambda size: 1000 < size < 99_000
        self.asked: list[str] = []
        self.app = Starlette(routes=[Route("/api/items", self.items)])

    async def items(self, request: Request) -> Response:
        size = request.query_params.get("size", "0")
        self.asked.append(f"{request.method} {request.url.path}?{request.url.query}")
        if not re.fullmatch("[0-9]{1,5}", size):
            return Response(status_code=400)
        return JSONResponse({"n": "many" if self.rare(int(size)) else int(size)})


@contextmanager
def inside(app: Any) -> Iterator[str]:
    made = ModuleType("corpus_app")
    made.app = app  # type: ignore[attr-defined]
    sys.modules["corpus_app"] = made
    try:
        yield "asgi:corpus_app:app"
    finally:
        del sys.modules["corpus_app"]


def check(target: str, seed: int = 1, examples: int = 30, **flags: Any) -> Report:
    wanted = {"documents": ["api.yaml"], "target": target, "seed": str(seed), "max_examples": str(examples)}
    return run.check(settings.load({**wanted, "max_time_s": "5m", "types": False, **flags}, {}, Path.cwd()))


def lines(path: Path = FILE) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def found(report: Report, rule: str) -> FindingRow | None:
    rows = [row for row in report.findings if row.rule == rule]
    assert len(rows) <= 1
    return rows[0] if rows else None


def asked_again(report: Report) -> int | None:
    return next((source.items for source in report.sources if source.name == "corpus"), None)


# --- found once, found each time --------------------------------------------------------------------------------------


@pytest.mark.parametrize("serve", [inside, serving])
def test_what_a_rare_input_shows_is_found_again_whatever_the_seed(serve: Any) -> None:
    shop = Shop()
    with serve(shop.app) as target:
        first = check(target, seed=1)
        row = found(first, "response-schema")
        assert (row and row.level, row and row.where.pointer, asked_again(first)) == ("error", "/n", None)
        (seed,) = (line for line in lines() if line["rule"] == "response-schema")
        kept = FILE.read_bytes()
        alone = check(target, seed=5, examples=1, corpus=False)
        assert found(alone, "response-schema") is None
        again = check(target, seed=5, examples=1)
        row = found(again, "response-schema")
    assert row is not None
    assert (row.fingerprint, row.proof, row.intermittent) == (seed["fingerprint"], "confirmed", None)
    assert "corpus" in row.sources
    assert asked_again(again) == len(lines())
    assert again.outcome.exit_code == first.outcome.exit_code == 1
    assert FILE.read_bytes() == kept
    assert {key: seed[key] for key in ("schema", "rule", "operation", "outcomes")} == {
        "schema": "contract-corpus/1",
        "rule": "response-schema",
        "operation": "GET /items",
        "outcomes": "1",
    }
    (sent,) = seed["requests"]
    assert (sent["method"], sent["status"], shop.rare(int(re.findall("size=([0-9]+)", sent["url"])[0]))) == (
        "GET",
        200,
        True,
    )


def test_two_runs_on_an_unchanged_service_write_the_same_bytes_and_the_same_findings() -> None:
    with inside(Shop().app) as target:
        reports = [check(target, seed=seed) for seed in (1, 1, 2)]
        written = FILE.read_bytes()
        assert written == b"".join(json.dumps(line, separators=(",", ":")).encode() + b"\n" for line in lines())
        assert [line["fingerprint"] for line in lines()] == sorted(line["fingerprint"] for line in lines())
        modified = FILE.stat().st_mtime_ns
        reports.append(check(target, seed=3, examples=1))
        assert (FILE.read_bytes(), FILE.stat().st_mtime_ns) == (written, modified)
    names = [{(row.fingerprint, row.level) for row in report.findings} for report in reports]
    assert names[0] == names[1]
    assert names[0] <= names[2] == names[3]


def told(report: Report, rule: str) -> dict[str, FindingRow]:
    """The rows of a rule by the fingerprints that a baseline would hold."""
    rows = [row for row in report.findings if row.rule == rule]
    return {name: row for row in rows for name in ([one.fingerprint for one in row.operations] or [row.fingerprint])}


DRIFTS = {
    "auth-not-enforced": ["listProjects"],
    "invalid-request-accepted": ["listTasks"],
    "missing-header": ["listDocuments"],
    "no-answer": ["listAudit"],
    "server-error": ["getDashboard"],
    "undeclared-parameter": ["listTasks"],
    "undeclared-status": ["moveTask"],
    "use-after-delete": ["createProject", "getProject", "deleteProject"],
    "valid-request-refused": ["createTask"],
}


@pytest.mark.parametrize("drift", sorted(DRIFTS))
def test_each_kind_of_finding_is_shown_by_its_seed(drift: str) -> None:
    flags: dict[str, Any] = {
        "documents": [str(ROOT / "specs/demo.yaml")],
        "headers": ["Authorization: Bearer demo-acme-admin"],
        "include": [f"operationId:{name}" for name in DRIFTS[drift]],
        "walk": False,  # which would find each of these, and needs no seed for it
    }
    with serving(create_app([drift])) as origin:
        first = check(origin, examples=5, **flags)
        names = set(told(first, drift))
        assert names
        kept = FILE.read_bytes()
        assert names <= {line["fingerprint"] for line in lines()}
    with serving(create_app([drift])) as origin:
        again = check(origin, seed=9, examples=1, **flags)
    rows = told(again, drift)
    assert {name: "corpus" in rows[name].sources for name in names} == dict.fromkeys(names, True)
    assert [row.intermittent for row in rows.values()] == [None] * len(rows)
    assert [line["outcomes"] for line in lines() if line["fingerprint"] in names] == ["1"] * len(names)
    assert [line for line in kept.splitlines() if json.loads(line)["fingerprint"] in names] == [
        line for line in FILE.read_bytes().splitlines() if json.loads(line)["fingerprint"] in names
    ]


# --- mended, or not asked ---------------------------------------------------------------------------------------------


def test_a_bug_that_was_mended_is_told_and_leaves_after_ten_tries() -> None:
    shop = Shop()
    with inside(shop.app) as target:
        seen = check(target)
        row = found(seen, "response-schema")
        assert row is not None
        day, name = seen.run.started_at[:10], f"response-schema {row.fingerprint[:7]} on GET /items"
        shop.rare = lambda size: False
        for number in range(1, 4):
            report = check(target, seed=number)
            assert found(report, "response-schema") is None
            assert report.run.notes == (f"{name}: not shown in 3 tries; it showed on {day}",)
            assert {line["rule"]: line["outcomes"] for line in lines()} == {"response-schema": "1" + "000" * number}
        report = check(target)
        assert report.run.notes == (f"{name}: not shown in 12 tries since {day}; its seed leaves the corpus",)
        assert FILE.read_bytes() == b""
        assert check(target).run.notes == ()


def test_a_seed_whose_operation_is_no_longer_in_the_document_leaves() -> None:
    with inside(Shop().app) as target:
        check(target)
        number = len(lines())
        assert number
        Path("api.yaml").write_text(DOCUMENT.replace("/items:", "/things:"))
        report = check(target)
    assert report.run.notes[-1] == (
        f".contract/corpus.ndjson: {number} seed{'s' * (number != 1)} left, the operation is no longer in the document"
    )
    assert {line["operation"] for line in lines()} <= {"GET /things"}


def planted(**more: Any) -> dict[str, Any]:
    """A seed as somebody might write it into the file."""
    return {
        "schema": "contract-corpus/1",
        "fingerprint": "a" * 40,
        "rule": "response-schema",
        "operation": "GET /items",
        "outcomes": "1",
        "first_seen": "2026-11-20",
        "last_seen": "2026-11-27",
        "requests": [{"method": "GET", "url": "/api/items?size=424242", "status": 200}],
        **more,
    }


def plant(*seeds: dict[str, Any]) -> bytes:
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text("".join(json.dumps(seed, separators=(",", ":")) + "\n" for seed in seeds))
    return FILE.read_bytes()


WRITING = (
    DOCUMENT
    + """\
    post:
      operationId: make
      responses: {'201': {description: Made.}}
  /items/{id}:
    parameters: [{name: id, in: path, required: true, schema: {type: integer}}]
    delete:
      operationId: remove
      responses: {'204': {description: Gone.}}
"""
)


@pytest.fixture
def writing() -> Shop:
    """A shop that also makes and removes."""
    Path("api.yaml").write_text(WRITING)
    shop = Shop()

    async def make(request: Request) -> Response:
        shop.asked.append(f"{request.method} {request.url.path}")
        return Response(status_code=201 if request.method == "POST" else 204)

    shop.app = Starlette(
        routes=[
            Route("/api/items", shop.items, methods=["GET"]),
            Route("/api/items", make, methods=["POST"]),
            Route("/api/items/{id}", make, methods=["DELETE"]),
        ]
    )
    return shop


POST = {"method": "POST", "url": "/api/items", "status": 201}
DELETE = {"method": "DELETE", "url": "/api/items/31337", "status": 204}


@pytest.mark.parametrize(
    "flags",
    [
        {"safe": True},
        {"exclude": ["operationId:make :: no"]},
        {"levels": ["use-after-delete=off"]},
        {"dangerous": ["operationId:make"]},
    ],
)
def test_a_seed_with_a_request_that_is_not_wanted_is_not_sent_and_stays(writing: Shop, flags: dict[str, Any]) -> None:
    steps = [POST, {"method": "GET", "url": "/api/items?size=31337", "status": 200}]
    before = plant(planted(rule="use-after-delete", requests=steps))
    with inside(writing.app) as target:
        report = check(target, examples=1, **flags)
    assert [line for line in writing.asked if "31337" in line] == []
    assert asked_again(report) is None
    assert before in FILE.read_bytes()


def test_seeds_that_the_time_does_not_suffice_for_are_told_and_stay() -> None:
    shop = Shop()

    async def slow(request: Request) -> Response:
        if len(shop.asked) >= TRIES:  # those of the first seed
            await asyncio.sleep(60)
        return await shop.items(request)

    seeds = [planted(fingerprint=digit * 40) for digit in "abc"]
    plant(*seeds)
    with inside(Starlette(routes=[Route("/api/items", slow)])) as target:
        report = check(target, walk=False, max_time_s="3s")
    assert asked_again(report) == 1
    assert (
        ".contract/corpus.ndjson: 2 seeds not replayed for want of time; give it more: `--max-time`" in report.run.notes
    )
    assert not report.run.complete
    kept = {
        line["fingerprint"][0]: line["outcomes"]
        for line in lines()
        if line["fingerprint"][1:] in ("a" * 39, "b" * 39, "c" * 39)
    }
    assert kept == {"a": "1000", "b": "1", "c": "1"}


def test_seeds_that_delete_come_last(writing: Shop) -> None:
    plant(
        planted(fingerprint="a" * 40, operation="DELETE /items/{id}", requests=[POST, DELETE]),
        planted(fingerprint="b" * 40),
    )
    with inside(writing.app) as target:
        report = check(target, examples=1)
    first, last = writing.asked.index("GET /api/items?size=424242"), writing.asked.index("DELETE /api/items/31337")
    assert last - first > 10  # the fuzzer's own lie between them
    assert asked_again(report) == 2


def test_a_later_request_uses_the_name_that_todays_creation_gave() -> None:
    step = Example(
        ExampleRequest("POST", "/api/items", (("X-Schemathesis-TestCaseId", "abc"), ("X-Own", "1")), "{}", 2),
        ExampleResponse(201, (("Location", "/api/items/31337"),), '{"id":31337,"name":"private","data":{"of":"no"}}'),
    )
    last = Example(ExampleRequest("DELETE", "/api/items/31337"), ExampleResponse(204), None, (step,))
    seed = Seed("a" * 40, "server-error", "DELETE /items/{id}", last, "1", "2026-11-20", "2026-11-27")
    written = json.loads(corpus.dump([seed]))
    assert written["requests"] == [
        {
            "method": "POST",
            "url": "/api/items",
            "headers": [["X-Own", "1"]],
            "body": "{}",
            "status": 201,
            "location": "/api/items/31337",
            "made": {"id": 31337},
        },
        {"method": "DELETE", "url": "/api/items/31337", "status": 204},
    ]


# --- sometimes --------------------------------------------------------------------------------------------------------


class Flaky(Shop):
    """Fails every third request."""

    async def items(self, request: Request) -> Response:
        answer = await super().items(request)
        return Response(status_code=500) if len(self.asked) % 3 == 0 else answer


def outcomes_of(rule: str) -> str:
    (outcomes,) = [line["outcomes"] for line in lines() if line["rule"] == rule]
    return str(outcomes)


def test_a_finding_that_shows_only_sometimes_is_told_with_its_rate() -> None:
    shop = Flaky()
    shop.rare = lambda size: False
    rates = []
    with serving(shop.app) as origin:
        for seed in range(1, 5):
            report = check(origin, seed=seed, examples=1, walk=False)
            row = found(report, "server-error")
            assert row is not None
            # Of three tries in a row one shows it, so that it is proved in each run.
            assert (row.level, row.proof) == ("error", "replayed")
            outcomes = outcomes_of("server-error")
            shown, tried = outcomes.count("1"), len(outcomes)
            assert row.intermittent == (Intermittent(shown, tried) if shown < tried else None)
            rates.append(row.intermittent)
            assert (f"shows sometimes: {shown} of {tried} tries" in text.render(report)) == (shown < tried)
    assert rates[-1] is not None


class Cold(Shop):
    """Fails whatever it is asked for the first time."""

    async def items(self, request: Request) -> Response:
        answer = await super().items(request)
        return Response(status_code=500) if self.asked.count(self.asked[-1]) == 1 else answer


@pytest.mark.parametrize("walk", [True, False])
def test_a_finding_that_does_not_show_again_is_a_note_with_its_rate_and_kept_whoever_found_it(walk: bool) -> None:
    shop = Cold()
    shop.rare = lambda size: False
    with inside(shop.app) as target:
        row = found(check(target, examples=1, walk=walk), "server-error")
    assert row is not None
    assert ("walk" in row.sources, row.level, row.proof) == (walk, "note", "unproven")
    assert row.intermittent == Intermittent(1, 4)
    assert outcomes_of("server-error") == "1000"


def test_a_seed_that_the_walk_shows_each_time_is_not_asked_and_leaves() -> None:
    shop = Shop()
    shop.rare = lambda size: True
    with inside(shop.app) as target:
        row = found(check(target, examples=1), "response-schema")
        assert row is not None
        assert "walk" in row.sources
        assert not FILE.exists()
        plant(planted(fingerprint=row.fingerprint))
        shop.asked.clear()
        report = check(target, examples=1)
    assert (asked_again(report), FILE.read_bytes()) == (None, b"")
    assert [line for line in shop.asked if "424242" in line] == []
    assert report.run.notes == ()


def test_what_shows_in_each_try_again_is_no_longer_intermittent() -> None:
    assert corpus._window("10" + "1" * 29) == "0" + "1" * 29
    assert corpus._window("10" + "1" * 30) == "1"
    assert corpus._window("111") == "1"
    assert corpus._window("0") == "0"


# --- masked -----------------------------------------------------------------------------------------------------------

LOGIN = """\
openapi: 3.1.0
info: {title: Logins, version: '1'}
servers: [{url: /api}]
paths:
  /logins:
    post:
      parameters: [{name: token, in: query, schema: {type: string}}]
      requestBody:
        required: true
        content:
          application/json:
            schema: {type: object, required: [password], properties: {password: {type: string, minLength: 30}}}
            example: {password: the-zeisig-password-of-somebody}
      responses: {'200': {description: Done.}, '400': {description: No.}, '401': {description: No.}}
"""


def test_no_secret_reaches_the_file_and_a_mask_never_calls_a_finding_resolved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "zeisig-bearer")
    Path("api.yaml").write_text(LOGIN)
    shown = []

    async def login(request: Request) -> Response:
        if request.headers.get("authorization") != "Bearer zeisig-bearer":
            return Response(status_code=401)
        body = await request.body()
        if b"zeisig" in body:
            shown.append(body)
            return Response(f"cannot store {body!r}", status_code=500)
        return Response(status_code=200 if len(body) > 44 else 400)

    app = Starlette(routes=[Route("/api/logins", login, methods=["POST"])])
    with serving(app) as origin:
        words = ["check", "--document", "api.yaml", "--target", origin, "--no-types", "--no-walk", "--quiet"]
        headers = ["--header", "Authorization: Bearer ${TOKEN}", "--header", "X-Other: zeisig-other ${TOKEN}"]
        assert cli.main([*words, *headers, "--max-examples", "3", "--format", "json=report.json"]) == 1
        seeds = {line["rule"]: line for line in lines()}
        assert seeds["server-error"]["requests"][0]["masked"][-1] == "body:/password"
        assert b"zeisig" not in FILE.read_bytes().lower()
        Path("api.yaml").write_text(LOGIN.replace("the-zeisig-password-of-somebody", "x" * 31))
        cli.main([*words, *headers, "--max-examples", "3", "--format", "json=report.json"])
    report = json.loads(Path("report.json").read_text())
    assert [row for row in report["findings"] if row["rule"] == "server-error"] == []
    assert report["run"]["notes"] == [
        ".contract/corpus.ndjson: 1 seed cannot tell whether the finding still shows, first server-error "
        f"{seeds['server-error']['fingerprint'][:7]} on POST /logins: its seed masks body:/password"
    ]
    assert [line for line in lines() if line["rule"] == "server-error"] == [seeds["server-error"]]
    assert b"zeisig" not in FILE.read_bytes().lower()
    assert len(shown) > 0


# --- the file ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("<<<<<<< ours", "it is not JSON"),
        ("[" * 100_000, "it is not JSON"),
        ("[]", "its `schema` is not `contract-corpus/1`"),
        (json.dumps(planted(schema="something/1")), "its `schema` is not `contract-corpus/1`"),
        (json.dumps({**planted(), "requests": []}), "it has no request"),
        (json.dumps({**planted(), "outcomes": "12"}), "its `outcomes` are not a text of 0 and 1"),
        (json.dumps({**planted(), "outcomes": 1}), "it is not the shape of a seed"),
        (json.dumps({key: value for key, value in planted().items() if key != "rule"}), "it has no `rule`"),
        (json.dumps(planted(fingerprint="../x")), "its `fingerprint` is none"),
        (json.dumps(planted(first_seen="yesterday")), "Invalid isoformat string: 'yesterday'"),
        (json.dumps(planted(rule="\ud800")), "it holds half a character"),
    ],
)
def test_a_damaged_line_is_told_and_skipped(line: str, why: str) -> None:
    FILE.parent.mkdir()
    FILE.write_text(line + "\n" + json.dumps(planted()) + "\n")
    read = corpus.load(settings.load({}, {}, Path.cwd()))
    assert read is not None
    assert (read.notes, list(read.seeds)) == ([f".contract/corpus.ndjson:1: skipped, {why}"], ["a" * 40])


@pytest.mark.parametrize(
    ("step", "what"),
    [
        ({"url": "http://elsewhere.example/api/items"}, "url"),
        ({"url": "/api/items HTTP/1.1\r\nHost: elsewhere"}, "url"),
        ({"method": "GET /x"}, "method"),
        ({"headers": [["X-A", "1\r\nX-B: 2"]]}, "headers"),
        ({"headers": [["X A", "1"]]}, "headers"),
    ],
)
def test_nothing_is_sent_that_is_no_request(step: dict[str, Any], what: str) -> None:
    plant(planted(requests=[{"method": "GET", "url": "/api/items", "status": 200, **step}]))
    read = corpus.load(settings.load({}, {}, Path.cwd()))
    assert read is not None
    assert (read.notes, read.seeds) == (
        [f".contract/corpus.ndjson:1: skipped, its `{what}` is none that can be sent"],
        {},
    )


def test_a_damaged_file_is_a_note_of_the_run_and_is_whole_afterwards() -> None:
    plant(planted(outcomes="110"), {"schema": "contract-corpus/1"}, *({} for _ in range(5)))
    with inside(Shop().app) as target:
        report = check(target, examples=1, seed=5)
    assert report.run.notes[:4] == (
        ".contract/corpus.ndjson:2: skipped, it has no `requests`",
        ".contract/corpus.ndjson:3: skipped, its `schema` is not `contract-corpus/1`",
        ".contract/corpus.ndjson:4: skipped, its `schema` is not `contract-corpus/1`",
        "and 3 more damaged lines",
    )
    assert [line["outcomes"] for line in lines() if line["fingerprint"] == "a" * 40] == ["110000"]


def test_of_a_seed_that_stands_twice_the_one_that_remembers_more_counts() -> None:
    plant(planted(outcomes="1"), planted(outcomes="1101"), planted(outcomes="10"))
    read = corpus.load(settings.load({}, {}, Path.cwd()))
    assert read is not None
    assert [seed.outcomes for seed in read.seeds.values()] == ["1101"]


def test_a_file_of_a_later_release_is_refused_and_left_alone() -> None:
    before = plant(planted(), planted(schema="contract-corpus/2"))
    with inside(Shop().app) as target, pytest.raises(ConfigError) as raised:
        check(target)
    assert raised.value.message == (
        ".contract/corpus.ndjson:2: the corpus was written by a later release: it has the schema `contract-corpus/2`, "
        "and this one reads `contract-corpus/1`"
    )
    assert raised.value.hint == "use that release, or another file: `--corpus PATH`, or none: `--no-corpus`"
    assert FILE.read_bytes() == before
    with inside(Shop().app) as target:
        assert check(target, corpus=False).outcome.exit_code == 1


def test_a_place_that_cannot_be_written_or_read_is_a_note_and_no_error() -> None:
    Path("file").write_text("")
    with inside(Shop().app) as target:
        wanted = found(check(target, corpus=False), "response-schema")
        assert wanted is not None
        for path, note in (
            ("/proc/no/corpus.ndjson", "the corpus is not kept: /proc/no/corpus.ndjson: cannot be written: no such file or directory"),
            ("file/corpus.ndjson", "file/corpus.ndjson: not read, and left as it is: not a directory"),
            (".", ".: not read, and left as it is: is a directory"),
        ):  # fmt: skip
            report = check(target, corpus=path)
            assert report.run.notes == (note,)
            assert found(report, "response-schema") is not None
            assert report.outcome.exit_code == 1
    assert not FILE.exists()


def test_the_file_is_none_or_another_one_and_the_usual_folder_ignores_itself() -> None:
    with inside(Shop().app) as target:
        check(target, corpus=False)
        check(target, fuzz=False)
        assert not Path(".contract").exists()
        check(target, corpus="shared.ndjson")
        assert not Path(".contract").exists()
        assert lines(Path("shared.ndjson"))
        check(target)
        assert Path(".contract/.gitignore").read_text().endswith("*\n")
    Path("contract.toml").write_text("corpus = false\n")
    assert settings.load({}, {}, Path.cwd()).corpus is None
    Path("contract.toml").write_text('corpus = "kept/corpus.ndjson"\n')
    assert settings.load({}, {}, Path.cwd()).corpus == "kept/corpus.ndjson"
    assert settings.load({}, {"CONTRACT_CORPUS": "none"}, Path.cwd()).corpus is None
    Path("contract.toml").write_text("corpus = true\n")
    with pytest.raises(ConfigError, match=re.escape("a path, or `false` for none")):
        settings.load({}, {}, Path.cwd())


# --- bounds -----------------------------------------------------------------------------------------------------------


def seed(number: int, operation: str = "GET /items", **more: Any) -> Seed:
    example = Example(ExampleRequest("GET", f"/api/items?size={number}"), ExampleResponse(200))
    made = Seed(f"{number:040x}", "response-schema", operation, example, "1", "2026-11-20", "2026-11-27")
    return replace(made, **more)


def test_no_more_seeds_are_kept_than_may_be_and_those_that_show_least_leave_first() -> None:
    known = [seed(number) for number in range(PER_OPERATION - 3)]
    missed = [seed(100, outcomes="1000"), seed(101, outcomes="10"), seed(102, outcomes="10", last_seen="2026-11-26")]
    new = [seed(200), seed(201)]
    kept = corpus._bounded(
        {each.fingerprint: each for each in [*known, *missed]}, {each.fingerprint: each for each in new}
    )
    assert len(kept) == PER_OPERATION
    assert set(kept) == {*known, *new, missed[1]}
    many = [seed(number, f"GET /items/{number // 10}") for number in range(MOST + 100)]
    kept = corpus._bounded({each.fingerprint: each for each in many}, {})
    assert kept == many[:MOST]


def test_what_is_not_kept_is_told() -> None:
    names = [f"p{number:02}" for number in range(PER_OPERATION + 5)]
    properties = ", ".join(f"{name}: {{type: integer}}" for name in ["n", *names])
    Path("api.yaml").write_text(DOCUMENT.replace("n: {type: integer}", properties))
    shop = Shop()

    async def items(request: Request) -> Response:
        size = request.query_params.get("size", "0")
        if not re.fullmatch("[0-9]{1,5}", size):
            return Response(status_code=400)
        return JSONResponse({name: "x" if shop.rare(int(size)) else 1 for name in names})

    with inside(Starlette(routes=[Route("/api/items", items)])) as target:
        report = check(target)
        first = FILE.read_bytes()
        assert check(target).run.notes == report.run.notes
    assert len(lines()) == PER_OPERATION
    (note,) = report.run.notes
    assert re.fullmatch(
        r"\.contract/corpus\.ndjson: \d+ findings not kept: at most 20 of one operation are, and 2,000 in all", note
    )
    assert FILE.read_bytes() == first


def test_a_seed_is_read_as_it_was_written() -> None:
    seeds = [
        seed(1),
        seed(2, words=Words("It was “taken”.", None, "query:size"), outcomes="1011"),
        seed(3, example=Example(ExampleRequest("POST", "/api/items", (("A", "b"),), "ä…", 5, ("body:/x",)), None)),
    ]
    FILE.parent.mkdir()
    FILE.write_bytes(corpus.dump(seeds))
    read = corpus.load(settings.load({}, {}, Path.cwd()))
    assert read is not None
    assert list(read.seeds.values()) == seeds
    assert corpus.dump(read.seeds.values()) == FILE.read_bytes()
    assert max(len(line) for line in FILE.read_bytes().splitlines()) < LARGEST
