"""`contract replay`: whatever the demo's drifts show is shown again, and not by a server without them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

from contract.app import cli
from contract.demo import DRIFTS
from contract.demo.app import create_app

from ..demo.serving import serving

Out = pytest.CaptureFixture[str]
DOCUMENT = str(Path(__file__).parents[2] / "specs/demo.yaml")
TOKEN = ["--header", "Authorization: Bearer ${TOKEN}"]
RULE = {"null-due-at": "response-schema"}
WITHOUT_EXCHANGE = {"undeclared-operation", "unimplemented-operation"}
ASKED = {
    "auth-not-enforced": ["listProjects"],
    "invalid-request-accepted": ["listTasks"],
    "malformed-body": ["listUsers"],
    "missing-header": ["listDocuments"],
    "no-answer": ["listAudit"],
    "null-due-at": ["listTasks", "getTask"],
    "server-error": ["getDashboard"],
    "undeclared-media-type": ["getHealth"],
    "undeclared-parameter": ["listTasks"],
    "undeclared-property": ["listProjects", "getProject"],
    "undeclared-status": ["moveTask"],
    "use-after-delete": ["createProject", "getProject", "deleteProject"],
    "valid-request-refused": ["createTask"],
}
"""Few operations each, so that what a finding is about is not deleted before it is replayed."""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TOKEN", "demo-acme-admin")
    return tmp_path


def check(origin: str, *words: str, examples: int = 5) -> list[dict[str, Any]]:
    """The findings of a run, from the report that it keeps."""
    flags = ["--document", DOCUMENT, "--target", origin, "--max-examples", str(examples), "--max-time", "5m"]
    cli.main(["check", *flags, "--no-types", "--quiet", *TOKEN, *words])
    findings: list[dict[str, Any]] = json.loads(Path(".contract/report.json").read_text())["findings"]
    return findings


def asked(drift: str) -> list[str]:
    return [word for name in ASKED[drift] for word in ("--include", f"operationId:{name}")]


def replay(capsys: Out, fingerprint: str, *words: str) -> tuple[int, str]:
    capsys.readouterr()
    code = cli.main(["replay", fingerprint, *words])
    said = capsys.readouterr()
    return code, said.out + said.err


@pytest.mark.parametrize("drift", sorted(set(DRIFTS) - WITHOUT_EXCHANGE))
def test_a_finding_holds_where_it_was_found_and_not_on_a_server_without_it(drift: str, capsys: Out) -> None:
    rule = RULE.get(drift, drift)
    with serving(create_app([drift])) as origin:
        found = [row for row in check(origin, *asked(drift)) if row["rule"] == rule]
        assert found
        for row in found:
            code, said = replay(capsys, row["fingerprint"][:7], *TOKEN)
            assert (code, said.startswith(f"Still holds: {rule} {row['fingerprint'][:7]}")) == (1, True), said
            assert said.endswith(" · exit 1\n")
    with serving(create_app()) as clean:
        for row in found:
            code, said = replay(capsys, row["fingerprint"][:7], *TOKEN, "--target", clean)
            assert (code, said.startswith(f"Does not hold: {rule} {row['fingerprint'][:7]}")) == (0, True), said
            assert said.endswith(" · exit 0\n")


def test_a_route_that_is_missing_in_the_document_has_no_request_to_send_again(capsys: Out, folder: Path) -> None:
    (folder / "routes.txt").write_text("GET /api/v1/app/tasks\nGET /api/v1/app/nobody\n")
    cli.main(["check", "--document", DOCUMENT, "--routes", "text:routes.txt", "--no-fuzz", "--no-types", "--quiet"])
    rows = json.loads(Path(".contract/report.json").read_text())["findings"]
    row = next(row for row in rows if row["rule"] == "undeclared-operation")
    assert replay(capsys, row["fingerprint"][:7]) == (
        3,
        f"Cannot tell: undeclared-operation {row['fingerprint'][:7]}: the report has no request for it, its proof is "
        "structural; run `contract check` again · exit 3\n",
    )


# --- an API of which each answer is chosen by the test ----------------------------------------------------------------

SHOP = """\
openapi: 3.1.0
info: {title: Shop, version: '1'}
security: [{bearer: []}]
paths:
  /carts: &own
    get:
      parameters: [{name: token, in: query, schema: {type: string}}]
      responses: {'200': {description: One., content: {application/json: {schema: {$ref: '#/components/schemas/One'}}}}}
  /orders: *own
  /refunds: *own
  /notes:
    post:
      requestBody: {required: true, content: {application/json: {schema: {type: object}}}}
      responses: {'201': {description: Made.}}
components:
  schemas:
    One: {type: object, properties: {due_at: {type: string}}}
  securitySchemes: {bearer: {type: http, scheme: bearer}}
"""


def shop(answers: Mapping[str, int | Any], base: str = "") -> FastAPI:
    """Answers each path with a status, or with 200 and a value; 401 without the right token."""
    app = FastAPI(openapi_url=None)

    @app.api_route(base + "/{path:path}", methods=["GET", "POST"])
    async def answer(path: str, request: Request) -> Response:
        if request.headers.get("authorization") != "Bearer demo-acme-admin":
            return Response(None, 401)
        found = answers[path]
        return Response(None, found) if isinstance(found, int) else JSONResponse(found)

    return app


def recorded(*lines: Mapping[str, Any], target: str) -> list[dict[str, Any]]:
    """The findings in what was recorded, from the report that is kept."""
    Path("shop.yaml").write_text(SHOP)
    Path("seen.ndjson").write_text("".join(json.dumps(line) + "\n" for line in lines))
    flags = ["--document", "shop.yaml", "--traffic", "ndjson:seen.ndjson", "--target", target, "--no-fuzz"]
    cli.main(["check", *flags, "--no-types", "--quiet", *TOKEN])
    findings: list[dict[str, Any]] = json.loads(Path(".contract/report.json").read_text())["findings"]
    return findings


def seen(path: str, status: int, answer: Any = None, **more: Any) -> dict[str, Any]:
    line = {"method": "GET", "url": path, "status": status, "traffic": "real", **more}
    if answer is not None:
        line |= {"response_headers": {"Content-Type": "application/json"}, "response_body": json.dumps(answer)}
    return line


NULL = {"due_at": None}
SENT = {"Content-Type": "application/json"}


def test_a_cause_of_several_operations_is_replayed_on_each_of_which_the_report_has_a_request(capsys: Out) -> None:
    with serving(shop({"carts": NULL, "orders": NULL, "refunds": NULL})) as origin:
        rows = recorded(*(seen(path, 200, NULL) for path in ("/carts", "/orders", "/refunds")), target=origin)
        row = next(row for row in rows if row["rule"] == "response-schema")
        at = {f"{item['method']} {item['path']}": item["fingerprint"][:7] for item in row["operations"]}
        shown = f"GET {row['example']['request']['url']}"
        fold = row["fingerprint"][:7]
        one_of = f"on {shown}, one of 3 operations, answered 200"
        assert replay(capsys, fold, *TOKEN) == (1, f"Still holds: response-schema {fold} {one_of} · exit 1\n")
        for name, own in at.items():
            assert replay(capsys, own, *TOKEN) == (
                1,
                f"Still holds: response-schema {own} on {name}, one of 3 operations, answered 200 · exit 1\n",
            )
        # A report of an earlier release has one request for all of them.
        kept = Path(".contract/report.json")
        report = json.loads(kept.read_text())
        for item in (item for each in report["findings"] for item in each["operations"]):
            del item["example"]
        kept.write_text(json.dumps(report))
        assert replay(capsys, at[shown], *TOKEN) == (1, f"Still holds: response-schema {at[shown]} {one_of} · exit 1\n")
        other = next(key for key in at if key != shown)
        assert replay(capsys, at[other], *TOKEN) == (
            3,
            f"Cannot tell: response-schema {at[other]}: of 3 operations, the report has no request for this one "
            "· exit 3\n",
        )


def test_a_long_body_is_kept_whole_and_one_that_is_not_is_not_sent(capsys: Out) -> None:
    for size, expected in ((20_000, 1), (100_000, 3)):
        body = json.dumps({"text": "a b " * (size // 4)})
        with serving(shop({"notes": 500})) as origin:
            rows = recorded(seen("/notes", 500, method="POST", request_headers=SENT, request_body=body), target=origin)
            (row,) = [row for row in rows if row["rule"] == "server-error"]
            code, said = replay(capsys, row["fingerprint"][:7], *TOKEN)
        name = f"server-error {row['fingerprint'][:7]}"
        assert (code, said) == (
            expected,
            f"Still holds: {name}, answered 500 · exit 1\n"
            if expected == 1
            else f"Cannot tell: {name}: the report has only a part of the request's body; run `contract check` again "
            "· exit 3\n",
        )


def test_nothing_is_concluded_from_the_good_answer_to_another_request(capsys: Out) -> None:
    with serving(shop({"carts": NULL, "notes": 500})) as origin:
        rows = recorded(seen("/carts?token=s3cr3tT0ken", 200, NULL), target=origin)
        row = next(row for row in rows if row["rule"] == "response-schema")
        name = f"response-schema {row['fingerprint'][:7]}"
        # What it shows, it shows: of this operation and this answer, whatever was asked.
        assert replay(capsys, row["fingerprint"][:7], *TOKEN) == (
            1,
            f"Still holds: {name}, answered 200 to a request of the same kind (the report masks query:token) · exit 1\n",
        )
    with serving(shop({"carts": {}})) as origin:
        assert replay(capsys, row["fingerprint"][:7], *TOKEN, "--target", origin) == (
            3,
            f"Cannot tell: {name}, answered 200, but the report masks query:token, so another request was sent; "
            "run `contract check` again · exit 3\n",
        )


@pytest.mark.parametrize(
    ("status", "why"),
    [
        (404, "so what it was about is not there; run `contract check` again"),
        (403, "so it was not let in; give its credentials: `--header 'Authorization: Bearer ${TOKEN}'`"),
        (503, "so the server failed before it came to that"),
    ],
)
def test_nothing_is_concluded_from_an_answer_that_came_before_the_operation_s_own(
    status: int, why: str, capsys: Out
) -> None:
    with serving(shop({"carts": NULL})) as origin:
        (row,) = [row for row in recorded(seen("/carts", 200, NULL), target=origin) if row["rule"] == "response-schema"]
    with serving(shop({"carts": status})) as origin:
        assert replay(capsys, row["fingerprint"][:7], *TOKEN, "--target", origin) == (
            3,
            f"Cannot tell: response-schema {row['fingerprint'][:7]}, answered {status}, {why} · exit 3\n",
        )


def test_credentials_come_from_today_and_without_them_nothing_is_concluded(capsys: Out) -> None:
    sent = {"Authorization": "Bearer of-yesterday"}
    with serving(shop({"carts": NULL})) as origin:
        rows = recorded(seen("/carts", 200, NULL, request_headers=sent), target=origin)
        (row,) = [row for row in rows if row["rule"] == "response-schema"]
        assert replay(capsys, row["fingerprint"][:7], *TOKEN)[0] == 1
        assert replay(capsys, row["fingerprint"][:7]) == (
            3,
            f"Cannot tell: response-schema {row['fingerprint'][:7]}, answered 401, so it was not let in; "
            "give its credentials: `--header 'Authorization: Bearer ${TOKEN}'` · exit 3\n",
        )


def test_another_base_path_takes_the_place_of_the_old_one(capsys: Out) -> None:
    with serving(shop({"carts": NULL}, "/v1")) as origin:
        rows = recorded(seen("/v1/carts", 200, NULL), target=f"{origin}/v1")
        (row,) = [row for row in rows if row["rule"] == "response-schema"]
    with serving(shop({"carts": NULL}, "/v2/eu")) as origin:
        assert replay(capsys, row["fingerprint"][:7], *TOKEN, "--target", f"{origin}/v2/eu")[0] == 1


def test_what_clients_send_no_request_of_ours_can_tell(capsys: Out) -> None:
    with serving(shop({"carts": {}})) as origin:
        rows = recorded(seen("/carts?sort=id", 200, {}), target=origin)
        row = next(row for row in rows if row["rule"] == "undeclared-parameter")
        assert replay(capsys, row["fingerprint"][:7], *TOKEN) == (
            3,
            f"Cannot tell: undeclared-parameter {row['fingerprint'][:7]}: it is about what clients send, and no request "
            "of ours can tell · exit 3\n",
        )


def test_a_name_that_fits_none_or_several_findings_is_said_to(capsys: Out) -> None:
    with serving(shop({"carts": {}})) as origin:
        lines = [seen(f"/carts?k{number}=1", 200, {}) for number in range(20)]
        rows = recorded(*lines, target=origin)
        first = next(letter for letter in "0123456789abcdef" if sum(r["fingerprint"][0] == letter for r in rows) > 1)
        code, said = replay(capsys, first)
        assert (code, f"`{first}` names " in said, "give more of its digits" in said) == (2, True, True)
        code, said = replay(capsys, "zzz")
        assert (code, said.splitlines()[0]) == (2, "error: the report has no finding `zzz`")
    code, said = replay(capsys, rows[0]["fingerprint"], "--report", "nowhere.json")
    assert (code, said.splitlines()[0]) == (2, "error: nowhere.json: no such report")


def test_where_nobody_listens_there_is_no_answer(capsys: Out) -> None:
    with serving(shop({"carts": NULL})) as origin:
        (row,) = [row for row in recorded(seen("/carts", 200, NULL), target=origin) if row["rule"] == "response-schema"]
    code, said = replay(capsys, row["fingerprint"][:7], *TOKEN)
    assert (code, said.splitlines()[0]) == (3, f"error: {origin} refused the connection")


def test_a_conflict_that_comes_of_asking_twice_is_asked_for_twice(capsys: Out) -> None:
    app = FastAPI(openapi_url=None)
    made: list[int] = []

    @app.post("/notes")
    async def note() -> Response:
        made.append(1)
        return Response(None, 409 if len(made) % 2 == 0 else 201)

    with serving(app) as origin:
        rows = recorded(seen("/notes", 409, method="POST", request_headers=SENT, request_body="{}"), target=origin)
        (row,) = [row for row in rows if row["rule"] == "undeclared-status"]
        assert replay(capsys, row["fingerprint"][:7], *TOKEN)[0] == 1
    assert len(made) == 2
