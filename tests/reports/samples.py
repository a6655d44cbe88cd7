"""The few reports that every format is shown with; their numbers agree with each other, and the counts are counted."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from contract.core import earlier
from contract.core.clients import ClientChanges, MemberChange, SymbolChange
from contract.core.finding import Fix
from contract.core.report import (
    SCHEMA_VERSION,
    Completeness,
    DocumentFacts,
    Drift,
    Example,
    ExampleRequest,
    ExampleResponse,
    Excluded,
    Exercised,
    FindingRow,
    Generation,
    GenerationFailure,
    GenerationTarget,
    Intermittent,
    Kpis,
    Latency,
    LostRow,
    Member,
    OperationExercise,
    OperationName,
    OperationRow,
    Outcome,
    Place,
    Ratio,
    Report,
    Run,
    Seen,
    Source,
    StaleFile,
    Tool,
    Verdict,
    WhereJson,
)

TARGET = "http://127.0.0.1:8000"
DOCUMENT = "specs/demo.yaml"


def fingerprint(start: str) -> str:
    """Forty hex digits that begin with these."""
    return start + hashlib.sha256(start.encode()).hexdigest()[: 40 - len(start)]


# Method, path, tag, line; parameters and answers as `name:exchanges`, `+` before what is undeclared.
DEMO = """
GET    /api/v1/app/projects               projects  61   query:limit:52 query:cursor:31             | 200:104 401:12 422:31 429:0
POST   /api/v1/app/projects               projects  88   header:Idempotency-Key:40 body:99          | 201:42 401:6 409:5 422:58
GET    /api/v1/app/projects/{id}          projects  112  path:id:60                                 | 200:36 401:6 404:18
DELETE /api/v1/app/projects/{id}          projects  131  path:id:38                                 | 204:21 401:6 403:0 404:11
GET    /api/v1/app/tasks                  tasks     170  query:project:61 query:status:44 query:assignee:39 query:limit:58 query:cursor:20 +query:sort:4 | 200:118 401:9 422:47
POST   /api/v1/app/tasks                  tasks     191  header:Idempotency-Key:80 body:159         | 201:64 401:6 404:7 422:88
GET    /api/v1/app/tasks/{id}             tasks     212  path:id:156                                | 200:121 401:6 404:29
PATCH  /api/v1/app/tasks/{id}             tasks     240  path:id:110 header:If-Match:51 body:104    | 200:44 401:6 404:13 409:8 422:39
POST   /api/v1/app/tasks/{id}/move        tasks     268  path:id:96 body:90                         | 200:37 401:6 404:12 422:24 +409:17
POST   /api/v1/app/documents              documents 301  body:52                                    | 201:19 401:6 413:0 422:33
GET    /api/v1/app/documents/{id}/content documents 334  path:id:57                                 | 200/text/markdown:31 401:6 404:14 200/application/pdf:0 +200/text/html:6
GET    /api/v1/app/dashboard              dashboard 362  query:days:30                              | 200:26 401:6 422:9 503:0
GET    /api/v1/admin/users                admin     388  query:limit:20 query:cursor:11 query:role:0 | 200:22 401:6 403:10
GET    /api/v1/admin/audit                admin     419  query:since:14 query:until:12              | 200:17 401:6 403:9
"""

CELLS = {
    ("GET /api/v1/app/projects", "200"): "b41e07d",
    ("GET /api/v1/app/tasks", "query:sort"): "e02d5c8",
    ("GET /api/v1/app/tasks/{id}", "200"): "7c1f9a2",
    ("POST /api/v1/app/tasks/{id}/move", "409"): "2f80c4e",
    ("POST /api/v1/app/documents", "422"): "58a3b10",
    ("GET /api/v1/app/documents/{id}/content", "200/text/html"): "c9d7713",
    ("GET /api/v1/admin/audit", "200"): "91b6fe4",
}


def _seen(key: str, text: str, default: str | None) -> Seen:
    name, _, exchanges = text.lstrip("+").rpartition(":")
    status, _, media = name.partition("/")
    if default is None:
        status, media = name, "multipart/form-data" if key.endswith("documents") and name == "body" else ""
    elif not media and status != "204":
        media = "application/problem+json" if status >= "400" else default
    found = CELLS.get((key, name))
    findings = (fingerprint(found),) if found else ()
    return Seen(status, not text.startswith("+"), int(exchanges), media or None, findings)


def _operations(table: str = DEMO, implemented: bool | None = True) -> tuple[OperationRow, ...]:
    rows = []
    for line in table.strip().splitlines():
        head, _, tail = line.partition(" | ")
        method, path, tag, number, *inputs = head.split()
        key = f"{method} {path}"
        parameters = tuple(_seen(key, text, None) for text in inputs)
        responses = tuple(_seen(key, text, "application/json") for text in tail.split())
        found = dict.fromkeys(f for cell in (*responses, *parameters) for f in cell.findings)
        rows.append(
            OperationRow(
                key,
                method,
                path,
                True,
                implemented,
                sum(cell.exchanges for cell in responses),
                OperationExercise(
                    tuple(dict.fromkeys(cell.name for cell in responses if cell.exchanges)),
                    tuple(dict.fromkeys(c.media_type for c in responses if c.exchanges and c.media_type)),
                    tuple(cell.name for cell in parameters if cell.exchanges),
                ),
                tuple(found),
                tag,
                Place(DOCUMENT, int(number)),
                responses,
                parameters,
            )
        )
    return tuple(rows)


def _drift(operations: tuple[OperationRow, ...], count: int | None, verdict: Verdict, exercised: int) -> Drift:
    declared = [cell for row in operations for cell in row.responses if cell.declared]
    responses = Ratio(sum(cell.exchanges > 0 for cell in declared), len(declared))
    whole = sum(row.declared for row in operations)
    exchanges = sum(row.exchanges for row in operations)
    return Drift(count, verdict, Exercised(Ratio(exercised, whole), responses), 0.8, exchanges)


def _clean() -> Report:
    table = DEMO.replace("+query:sort:4 ", "").replace(" +409:17", "").replace(" +200/text/html:6", "")
    for gap, seen in (("403:0", "403:7"), ("503:0", "503:2"), ("pdf:0", "pdf:5"), ("role:0", "role:9")):
        table = table.replace(gap, seen)
    operations = tuple(
        replace(
            row,
            findings=(),
            responses=tuple(replace(cell, findings=()) for cell in row.responses),
            parameters=tuple(replace(cell, findings=()) for cell in row.parameters),
        )
        for row in _operations(table)
    )
    return Report(
        SCHEMA_VERSION,
        Tool("contract", "0.1.0"),
        Run("r-8840", "2026-11-24T13:11:01Z", 68_000_000, True, 1, "ci", "a6c20b3", None),
        DocumentFacts(DOCUMENT, "3.1.0", hashlib.sha256(b"demo").hexdigest(), 14),
        TARGET,
        (
            Source("routes", Verdict.PASS, "asgi contract.demo.app:app", None, 14, "routes", 400_000),
            Source("fuzz", Verdict.PASS, "schemathesis 4.32, seed 1", 1274, None, None, 64_100_000),
            Source("types", Verdict.PASS, "python", None, 36, "components and operations", 3_100_000),
        ),
        Kpis(
            Completeness(14, 14, Verdict.PASS),
            _drift(operations, 0, Verdict.PASS, 14),
            Generation(36, 36, Verdict.PASS, (GenerationTarget("python", 36, 36),)),
        ),
        operations,
        (),
        (
            Excluded("GET /healthz", "internal, not part of the contract"),
            Excluded("GET /openapi.json", "internal, not part of the contract"),
        ),
        Outcome("Passed: nothing to report", 0, "error"),
    )


def _task(due: str) -> ExampleResponse:
    headers = (("Content-Type", "application/json"), ("X-Request-Id", "0f5c7e1d-6e1b-4b7a-9a55-8b1f0f3f2d11"))
    body = f'{{"id":17,"title":"0","due_at":{due}}}'
    return ExampleResponse(200, headers, body, len(body))


_BEARER = (("Authorization", "Bearer [redacted]"),)
_MASKED = ("header:authorization",)


def _unnamed(method: str, path: str) -> Example:
    """A 401 that names no scheme."""
    answer = ExampleResponse(401, (("Content-Type", "application/problem+json"),), '{"status":401}', 14)
    return Example(ExampleRequest(method, path), answer)


def _findings() -> tuple[FindingRow, ...]:
    move = ExampleRequest(
        "POST",
        "/api/v1/app/tasks/17/move",
        (*_BEARER, ("Content-Type", "application/json")),
        '{"column":3,"position":0}',
        25,
        _MASKED,
    )
    taken = (
        '{"type":"https://demo.example/problems/position-taken","title":"Position is taken","status":409,'
        '"detail":"Position 0 of column 3 is held by task 21."}'
    )
    project = (
        '{"items":[{"id":1,"name":"0","slug":"0","created_at":"2026-01-01T00:00:00Z","internal_score":0.5}],'
        '"next_cursor":null}'
    )
    names = [(row.method, row.path) for row in _operations()]
    return (
        FindingRow(
            fingerprint("7c1f9a2"),
            "response-schema",
            "error",
            "new",
            OperationName("GET", "/api/v1/app/tasks/{id}"),
            (),
            WhereJson("response", "200", "application/json", "/due_at"),
            "string, date-time",
            "null",
            "`due_at` is null; the document says a date-time, always.",
            Place(DOCUMENT, 231),
            38,
            121,
            Example(ExampleRequest("GET", "/api/v1/app/tasks/17", _BEARER, None, 0, _MASKED), _task("null")),
            f"curl -sS -H 'Authorization: Bearer …' {TARGET}/api/v1/app/tasks/17",
            "confirmed",
            "by openapi-core",
            Fix(
                "Say that it may be null.",
                "Always send a date, or leave the property out and drop it from `required`.",
                '-     type: string\n+     type: [string, "null"]',
            ),
            ("fuzz",),
            None,
            None,
            (
                (227, "      properties:"),
                (228, "        id: {type: integer}"),
                (229, "        title: {type: string, maxLength: 200}"),
                (230, "        due_at:"),
                (231, "          type: string"),
                (232, "          format: date-time"),
                (233, "      required: [id, title, due_at]"),
            ),
        ),
        FindingRow(
            fingerprint("2f80c4e"),
            "undeclared-status",
            "error",
            "new",
            OperationName("POST", "/api/v1/app/tasks/{id}/move"),
            (),
            WhereJson("response", "409", "application/problem+json", None),
            "200, 401, 404, 422",
            "409",
            "The server answers 409; the operation declares 200, 401, 404 and 422.",
            Place(DOCUMENT, 279),
            17,
            96,
            Example(
                move,
                ExampleResponse(409, (("Content-Type", "application/problem+json"),), taken, len(taken)),
                None,
                (
                    Example(
                        ExampleRequest("POST", "/api/v1/app/tasks", _BEARER, '{"title":"0"}', 13, _MASKED),
                        ExampleResponse(201),
                    ),
                ),
            ),
            "curl -sS -X POST -H 'Authorization: Bearer …' -H 'Content-Type: application/json' \\\n"
            f'  -d \'{{"column":3,"position":0}}\' {TARGET}/api/v1/app/tasks/17/move',
            "structural",
            None,
            Fix("Declare 409 under `responses`.", "Answer 422, which is declared."),
            ("fuzz",),
        ),
        FindingRow(
            fingerprint("d3a91f6"),
            "undeclared-operation",
            "error",
            "unchanged",
            OperationName("DELETE", "/api/v1/admin/users/{id}/sessions"),
            (),
            WhereJson(),
            None,
            "a route in contract/demo/app.py:388",
            "Implemented and routed, but the document does not name it.",
            Place("contract/demo/app.py", 388),
            None,
            None,
            None,
            None,
            "structural",
            "the route list is complete",
            Fix("Add the operation, or exclude the route with a reason.", "Remove the route if nobody calls it."),
            ("routes",),
        ),
        FindingRow(
            fingerprint("b41e07d"),
            "undeclared-property",
            "warning",
            "new",
            OperationName("GET", "/api/v1/app/projects"),
            (),
            WhereJson("response", "200", "application/json", "/items/*/internal_score"),
            "no such property",
            "number",
            "The answer has a property that the schema does not name.",
            Place(DOCUMENT, 74),
            98,
            104,
            Example(
                ExampleRequest("GET", "/api/v1/app/projects?limit=1", _BEARER, None, 0, _MASKED),
                ExampleResponse(200, (("Content-Type", "application/json"),), project, len(project)),
            ),
            f"curl -sS -H 'Authorization: Bearer …' '{TARGET}/api/v1/app/projects?limit=1'",
            "confirmed",
            "by openapi-core, with additionalProperties: false",
            Fix("Name it, with its type, if callers may use it.", "Leave it out of the answer."),
            ("fuzz",),
        ),
        FindingRow(
            fingerprint("c9d7713"),
            "undeclared-media-type",
            "warning",
            "exempt",
            OperationName("GET", "/api/v1/app/documents/{id}/content"),
            (),
            WhereJson("response", "200", "text/html", None),
            "text/markdown, application/pdf",
            "text/html",
            "The server answers text/html; the document says text/markdown or application/pdf.",
            Place(DOCUMENT, 341),
            6,
            37,
            Example(
                ExampleRequest("GET", "/api/v1/app/documents/4/content", _BEARER, None, 0, _MASKED),
                ExampleResponse(200, (("Content-Type", "text/html; charset=utf-8"),), "<p>0</p>", 8),
            ),
            f"curl -sS -H 'Authorization: Bearer …' {TARGET}/api/v1/app/documents/4/content",
            "confirmed",
            "by openapi-core",
            Fix("Add `text/html` under `content`.", "Convert on write, not on read."),
            ("fuzz",),
            "the converter moves to the worker, #482",
            "2026-12-31",
        ),
        FindingRow(
            fingerprint("e02d5c8"),
            "undeclared-parameter",
            "note",
            "new",
            OperationName("GET", "/api/v1/app/tasks"),
            (),
            WhereJson("request", None, None, "query:sort"),
            None,
            "the order of the answer changes",
            "The order of the answer changes with a parameter that is not declared.",
            Place(DOCUMENT, 170),
            4,
            4,
            None,
            None,
            "unproven",
            "the order may depend on something else",
            Fix("Declare `sort` with its values.", "Refuse unknown parameters with 422."),
            ("fuzz",),
        ),
        FindingRow(
            fingerprint("4be2790"),
            "missing-header",
            "note",
            "unchanged",
            None,
            tuple(
                Member(
                    method, path, fingerprint(f"4be{number:04x}"), 6, 6, _unnamed(method, path) if number == 1 else None
                )
                for number, (method, path) in enumerate(names)
            ),
            WhereJson("response", "401", "application/problem+json", "header:WWW-Authenticate"),
            "WWW-Authenticate",
            "absent",
            "Declared in the shared response, absent from every answer with 401.",
            Place(DOCUMENT, 512),
            93,
            93,
            _unnamed("GET", "/api/v1/app/projects"),
            f"curl -sS {TARGET}/api/v1/app/projects",
            "confirmed",
            "by openapi-core",
            Fix("Remove the header from `Problem401`.", "Send it: a 401 must carry it (RFC 9110, 15.5.2)."),
            ("fuzz",),
        ),
        FindingRow(
            fingerprint("58a3b10"),
            "valid-request-refused",
            "note",
            "new",
            OperationName("POST", "/api/v1/app/documents"),
            (),
            WhereJson("request", "422", "application/json", "/source_url"),
            "string, iri-reference",
            "refused with 422",
            "Refused with 422, and the two validators disagree whether it was valid.",
            Place(DOCUMENT, 318),
            1,
            52,
            Example(
                ExampleRequest(
                    "POST",
                    "/api/v1/app/documents",
                    (("Content-Type", "application/json"),),
                    '{"title":"0","source_url":"http://[::1%25lo]/%F0%9F%92%A5/' + "a-very-long-path-" * 9 + '"}',
                    231,
                ),
                ExampleResponse(422, (("Content-Type", "application/problem+json"),), '{"status":422}', 14),
            ),
            None,
            "disputed",
            "jsonschema-rs says valid, openapi-core says invalid",
            Fix(),
            ("fuzz",),
        ),
        FindingRow(
            fingerprint("91b6fe4"),
            "response-without-schema",
            "note",
            "unchanged",
            OperationName("GET", "/api/v1/admin/audit"),
            (),
            WhereJson("response", "200", "application/json", None),
            "no schema",
            "array of objects, 6 properties",
            "Declared without a schema: 17 answers came, and none could be judged.",
            Place(DOCUMENT, 424),
            17,
            17,
            None,
            None,
            "structural",
            None,
            Fix("Give it a schema.", None),
            ("lint",),
        ),
    )


def _drifting() -> Report:
    operations = (
        *_operations(),
        OperationRow(
            "DELETE /api/v1/admin/users/{id}/sessions",
            "DELETE",
            "/api/v1/admin/users/{id}/sessions",
            False,
            True,
            0,
            OperationExercise(),
            (fingerprint("d3a91f6"),),
            "admin",
            Place("contract/demo/app.py", 388),
        ),
    )
    clean = _clean()
    return replace(
        clean,
        run=Run("r-8841", "2026-11-24T14:11:01+01:00", 68_000_000, True, 1, "ci", "4be2790", "2026.11"),
        sources=(
            Source("routes", Verdict.FAIL, "asgi contract.demo.app:app", None, 15, "routes", 400_000),
            Source("fuzz", Verdict.FAIL, "schemathesis 4.32, seed 1", 1283, None, None, 64_300_000),
            Source("types", Verdict.PASS, "python", None, 36, "components and operations", 3_100_000),
        ),
        kpis=replace(
            clean.kpis,
            completeness=Completeness(14, 15, Verdict.FAIL),
            drift=_drift(operations, 3, Verdict.FAIL, 14),
        ),
        operations=operations,
        findings=_findings(),
        outcome=Outcome("Failed: 3 new findings, 1 operation undocumented", 1, "error"),
        unchecked=(
            Excluded("DELETE /api/v1/admin/users/{id}/sessions", "not in the document, so nothing says how to ask it"),
        ),
    )


def _undecided() -> Report:
    table = "\n".join(
        line.partition(" | ")[0].replace("+query:sort:4", "").rstrip()
        + " | "
        + " ".join(
            text.rpartition(":")[0] + (":10" if number < 6 and text.startswith("401:") else ":0")
            for text in line.partition(" | ")[2].split()
            if not text.startswith("+")
        )
        for number, line in enumerate(DEMO.strip().splitlines())
    )
    operations = tuple(
        replace(
            row,
            findings=(),
            exercised=replace(row.exercised, parameters=()),
            responses=tuple(replace(cell, findings=()) for cell in row.responses),
            parameters=tuple(replace(cell, exchanges=0, findings=()) for cell in row.parameters),
        )
        for row in _operations(table)
    )
    why = "the source stopped after 60 answers of 401 in a row"
    return replace(
        _clean(),
        run=Run(
            "r-8844",
            "2026-11-24T13:11:01Z",
            4_600_000,
            True,
            1,
            notes=("All 60 answers were 401, so this run proves nothing about the API.",),
        ),
        sources=(
            Source("routes", Verdict.PASS, "asgi contract.demo.app:app", None, 14, "routes", 400_000),
            Source(
                "fuzz", Verdict.NONE, "schemathesis 4.32, seed 1", 60, None, None, 1_100_000, "every answer was 401"
            ),
            Source("types", Verdict.PASS, "python", None, 36, "components and operations", 3_100_000),
        ),
        kpis=replace(_clean().kpis, drift=_drift(operations, 0, Verdict.UNDECIDED, 0)),
        operations=operations,
        outcome=Outcome(
            "No verdict: drift is undecided, because every request was answered 401",
            3,
            "error",
            (
                f"See what the server says to one request: `contract doctor --target {TARGET}`",
                "Send credentials: `--header 'Authorization: Bearer ${DEMO_TOKEN}'`. "
                "The document asks for `bearerAuth` at all 14 operations, and this run sent none.",
                "If that was meant, say so: `--include 'GET /public/*'` narrows the check to what can be reached.",
            ),
        ),
        unchecked=tuple(Excluded(row.key, why) for row in operations if not row.exchanges),
    )


def _no_evidence() -> Report:
    """Only the document was given: nothing was implemented, asked or generated as far as anybody knows."""
    operations = tuple(
        replace(
            row,
            implemented=None,
            exchanges=0,
            exercised=OperationExercise(),
            responses=tuple(replace(cell, exchanges=0) for cell in row.responses),
            parameters=tuple(replace(cell, exchanges=0) for cell in row.parameters),
        )
        for row in _clean().operations
    )
    drift = replace(_drift(operations, None, Verdict.NONE, 0))
    return replace(
        _clean(),
        run=Run("r-8845", "2026-11-24T13:11:01Z", 90_000, True),
        target=None,
        sources=(Source("lint", Verdict.PASS, DOCUMENT, None, 14, "operations", 40_000),),
        kpis=Kpis(Completeness(None, None, Verdict.NONE), drift, Generation(None, None, Verdict.NONE)),
        operations=operations,
        excluded=(),
        outcome=Outcome(
            "No verdict: the running API was not asked",
            3,
            "error",
            ("Name a running API: `--target http://127.0.0.1:8000` or `--target asgi:MODULE:APP`",),
        ),
    )


def _failed_source() -> Report:
    clean = _no_evidence()
    operations = clean.operations
    message = "http://127.0.0.1:8000 refused the connection"
    return replace(
        clean,
        run=Run("r-8846", "2026-11-24T13:11:01Z", 3_700_000, False, 1, notes=("The target never answered.",)),
        target=TARGET,
        sources=(
            Source("routes", Verdict.PASS, "asgi contract.demo.app:app", None, 14, "routes", 400_000),
            Source("fuzz", Verdict.ERROR, "schemathesis 4.32, seed 1", 0, None, None, 100_000, message),
            Source("types", Verdict.PASS, "python", None, 36, "components and operations", 3_100_000),
        ),
        kpis=replace(_clean().kpis, drift=_drift(operations, None, Verdict.ERROR, 0)),
        outcome=Outcome(
            "No verdict: fuzz failed, so the running API was not judged",
            3,
            "error",
            ("Start the server, or let the check start it: `--target asgi:contract.demo.app:app`",),
        ),
        unchecked=(Excluded("fuzz", message),),
    )


def _failed_beside_findings() -> Report:
    """What is proved stands, though the routes could not be read and the run was stopped."""
    drifting = _drifting()
    message = "importing contract.demo.app raised ModuleNotFoundError: No module named 'sqlalchemy'"
    rows = tuple(replace(row, implemented=None) for row in drifting.operations if row.declared)
    return replace(
        drifting,
        run=replace(drifting.run, id="r-8847", complete=False, notes=("Stopped by Ctrl-C after 1 min 4 s.",)),
        sources=(
            Source("routes", Verdict.ERROR, "asgi contract.demo.app:app", None, None, None, 100_000, message),
            *drifting.sources[1:],
        ),
        kpis=replace(
            drifting.kpis,
            completeness=Completeness(None, None, Verdict.ERROR),
            generation=Generation(66, 72, Verdict.FAIL, (GenerationTarget("python", 36, 36), _typescript())),
        ),
        operations=rows,
        findings=tuple(
            replace(row, intermittent=Intermittent(3, 7)) if row.rule == "response-schema" else row
            for row in drifting.findings
            if row.rule != "undeclared-operation"
        ),
        outcome=Outcome("Failed: 3 new findings; routes failed to measure", 1, "error"),
        unchecked=(Excluded("routes", message),),
    )


def _typescript() -> GenerationTarget:
    """A client that is not proven everywhere, that somebody edited, and whose users see more than one change."""
    retyped = SymbolChange(
        "Task",
        "model",
        "#/components/schemas/Task",
        True,
        "`Task`: `due_at` may be missing",
        None,
        (MemberChange("due_at", "string", "string", True, "`due_at` may be missing"),),
    )
    return GenerationTarget(
        "typescript",
        30,
        36,
        "generated/typescript",
        Ratio(13, 14),
        Ratio(17, 22),
        (
            GenerationFailure("operation", "GET /tasks/{id}", "call", "header X-Tenant-Id was not sent"),
            GenerationFailure("component", "#/components/schemas/Task", "typecheck", "TS2322: 'string' | null"),
        ),
        (
            StaleFile("schema.d.ts", "changed", "edited by hand"),
            StaleFile("client.ts", "added", "missing"),
            StaleFile("notes.md", "foreign", "foreign file"),
        ),
        ClientChanges(
            (SymbolChange("listTags", "operation", "GET /tags", False, "`listTags` is new (`GET /tags`)"),),
            (SymbolChange("Label", "model", "#/components/schemas/Label", True, "`Label` is gone"),),
            (SymbolChange("getTask", "operation", "GET /tasks/{id}", True, "`task` is called `getTask` now", "task"),),
            (retyped,),
        ),
        ("#/components/schemas/Task: types by @hey-api/openapi-ts, as openapi-typescript's do not compile",),
    )


EVIL = (
    "<script>document.title='owned'</script><img src=x onerror=document.title='owned'>"
    "\x1b[31mred\x1b]8;;http://evil.example\x07link\x1b]8;;\x07 \x00 ]]> --> </style></title></script></textarea>"
    " \u202egnp.exe\u202c \u2066\u200b\ufeff`code` ``two`` ```three``` |pipe| \\|esc\\| [a](javascript:alert(1))"
    " ![b](http://evil.example/i.png) http://evil.example www.evil.example @octocat #1 GH-1 a@evil.example"
    " **bold** $x$ {{ 7*7 }} {% raw %} <!-- &amp; &lt; ' \" \r\n# heading\n- item\n\n    code\n---\n"
    " \u7532\u4e59\u4e19\u4e01 \U0001f4a5 e\u0301\u0301 \ue000"
)
LONG = "x" * 700


def _hostile() -> Report:
    """A server and a document that try everything that is bad for a terminal, a page, a comment or a parser."""
    base = _drifting()
    key = f"GET /{EVIL}/{{id}}"
    evil_json = '{"' + "k" * 300 + '":"</script><script>document.title=\'owned\'</script>","a":[1,{"b":"\\u202e"}]}'
    place = Place(f"specs/{EVIL}.yaml", 7)
    finding = FindingRow(
        fingerprint("0badbad"),
        "response-schema",
        "error",
        "new",
        OperationName("GET", f"/{EVIL}/{{id}}"),
        (),
        WhereJson("response", "200", f"text/{EVIL}", f"/a/*/{EVIL}"),
        EVIL,
        EVIL + LONG,
        EVIL,
        place,
        1,
        1,
        Example(
            ExampleRequest("GET", f"/{EVIL}", (("X-" + EVIL, EVIL),), EVIL, len(EVIL), (EVIL,)),
            ExampleResponse(200, (("Content-Type", EVIL),), evil_json, len(evil_json)),
            EVIL,
            (Example(ExampleRequest("POST", f"/{EVIL}"), None, EVIL),),
        ),
        f"curl '{EVIL}'",
        "confirmed",
        EVIL,
        Fix(EVIL, EVIL, f"- {EVIL}\n+ {EVIL}"),
        (EVIL,),
        EVIL,
        EVIL,
        ((6, EVIL), (7, EVIL), (8, LONG)),
        (EVIL, LONG),
        EVIL,
        EVIL,
    )
    marked = replace(
        finding,
        fingerprint=fingerprint("1badbad"),
        where=WhereJson("response", "200", "application/json", "/a/*/b"),
        level="warning",
        state="accepted",
    )
    folded = replace(
        finding,
        fingerprint=fingerprint("2badbad"),
        level="note",
        operation=None,
        operations=tuple(
            Member("GET", f"/{EVIL}/{number}", fingerprint(f"3bad{number:03x}"), 1, None) for number in range(25)
        ),
        where=WhereJson("request", None, None, f"query:{EVIL}"),
        example=None,
        curl=LONG,
    )
    lone = replace(
        finding,
        fingerprint=fingerprint("4badbad"),
        level="note",
        state="absent",
        operation=None,
        where=WhereJson(),
        declared=None,
        observed=None,
        message="",
        location=None,
        exchanges=None,
        of=None,
        example=None,
        curl=None,
        proof="unproven",
        proof_detail=None,
        fix=Fix(),
        sources=(),
        reason=None,
        until=None,
        excerpt=(),
    )
    row = OperationRow(
        key,
        "GET",
        f"/{EVIL}/{{id}}",
        True,
        False,
        3,
        OperationExercise(("200",), (f"text/{EVIL}",), (f"query:{EVIL}",)),
        (finding.fingerprint, marked.fingerprint),
        EVIL,
        place,
        (
            Seen("200", True, 1, f"text/{EVIL}", (finding.fingerprint,)),
            Seen("200", False, 1, EVIL, (marked.fingerprint,)),
            Seen(EVIL, True, 1, None),
        ),
        (Seen(f"query:{EVIL}", True, 1, None), Seen(EVIL, False, 2, EVIL), Seen(LONG, True, 0, None)),
    )
    undeclared = replace(row, key=f"{LONG} /", method=LONG, path="/", declared=False, findings=(), location=None)
    return replace(
        base,
        tool=Tool("contract", EVIL),
        run=Run(EVIL, EVIL, 1, False, 2**63 - 1, EVIL, EVIL, EVIL, (EVIL, LONG)),
        document=DocumentFacts(f"specs/{EVIL}.yaml", EVIL, EVIL, 1),
        target=f"http://{EVIL}/",
        sources=(
            Source(EVIL, Verdict.ERROR, EVIL, 1, 1, EVIL, 1, EVIL),
            Source(LONG, Verdict.PASS, LONG, 10**12, None, None, 10**13, None),
        ),
        kpis=replace(base.kpis, generation=Generation(1, 2, Verdict.FAIL, (_hostile_target(),))),
        operations=(row, undeclared),
        findings=(finding, marked, folded, lone),
        excluded=(Excluded(EVIL, EVIL),),
        outcome=Outcome(f"Failed: {EVIL}", 1, "error", (EVIL,)),
        unchecked=(Excluded(LONG, EVIL),),
        lost=(LostRow(EVIL, 2, EVIL, EVIL), LostRow(LONG, 1, LONG)),
    )


def _hostile_target() -> GenerationTarget:
    change = SymbolChange(EVIL, EVIL, EVIL, True, EVIL, EVIL, (MemberChange(EVIL, EVIL, EVIL, True, EVIL),))
    return GenerationTarget(
        EVIL,
        1,
        2,
        EVIL,
        Ratio(0, 1),
        Ratio(1, 1),
        (GenerationFailure(EVIL, EVIL, EVIL, EVIL), GenerationFailure("operation", LONG, LONG, LONG)),
        (StaleFile(EVIL, EVIL, EVIL), StaleFile(LONG, "changed", LONG)),
        ClientChanges((change,), (change,), (), (SymbolChange(LONG, LONG, LONG, False, LONG),)),
        (EVIL, LONG),
    )


def _observed() -> Report:
    """Recorded traffic instead of a running API: what all bodies look like, how long answers took, and what was lost."""
    drifting = _drifting()
    first, *others = drifting.operations
    exercise = replace(
        first.exercised,
        properties=Ratio(9, 12),
        enum_members=Ratio(3, 3),
        branches=Ratio(1, 2),
        sampled=775,
    )
    seen = replace(first, exchanges=12_408, exercised=exercise, latency=Latency(12_408, 9_400, 38_200, 1_210_000))
    exercised = replace(drifting.kpis.drift.exercised, places=Ratio(13, 17), sampled=775)
    finding = replace(
        drifting.findings[0],
        shares=("missing in 387 of 12,408 (3.1 %)", "null in 12 of 12,021 (0.1 %)"),
        first_seen="2026-11-23T00:00:04Z",
        last_seen="2026-11-23T23:59:58Z",
    )
    return replace(
        drifting,
        target=None,
        sources=(Source("traffic", Verdict.PASS, "ndjson:monday.ndjson.gz", 12_408, None, None, 2_100_000),),
        kpis=replace(drifting.kpis, drift=replace(drifting.kpis.drift, exercised=exercised, exchanges=12_408)),
        operations=(seen, *others),
        findings=(finding, *drifting.findings[1:]),
        lost=(
            LostRow("line is not JSON", 3, "monday.ndjson.gz:17", "unexpected end at column 12"),
            LostRow("body is not the gzip that it claims to be", 1, "monday.ndjson.gz:4711"),
        ),
    )


def many(count: int = 5000, operations: int = 300) -> Report:
    """The drifting report with this many findings, a full body each, spread over these operations."""
    base = _drifting()
    whole = base.findings[:2] + base.findings[3:5]
    findings = []
    for number in range(count):
        like = whole[number % len(whole)]
        path = f"/api/v1/app/part{number % 30}/things/{number % operations}/{{id}}"
        level = ("error", "warning", "note")[number * 3 // count]
        name = hashlib.sha256(str(number).encode()).hexdigest()[:40]
        findings.append(
            replace(
                like,
                fingerprint=name,
                level=level,
                state=("new", "unchanged", "accepted")[number % 3],
                operation=OperationName("GET", path),
                location=Place(DOCUMENT, 10 + number),
            )
        )
    by_operation: dict[str, list[str]] = {}
    for finding in findings:
        assert finding.operation is not None
        by_operation.setdefault(finding.operation.path, []).append(finding.fingerprint)
    rows = tuple(
        replace(
            base.operations[6],
            key=f"GET {path}",
            path=path,
            tag=path.split("/")[4],
            findings=tuple(names),
            responses=(
                *(Seen(status, True, 5, "application/json") for status in ("401", "404")),
                Seen("200", True, 100, "application/json", tuple(names)),
            ),
        )
        for path, names in by_operation.items()
    )
    return replace(base, operations=rows, findings=tuple(findings))


SAMPLES: dict[str, Report] = {
    "clean": _clean(),
    "drift": _drifting(),
    "undecided": _undecided(),
    "no-evidence": _no_evidence(),
    "failed-source": _failed_source(),
    "failed-source-beside-findings": _failed_beside_findings(),
    "observed": _observed(),
    "hostile": _hostile(),
}


def _against_base() -> Report:
    """A branch beside the base that it goes to: what was there before, what is new, what is gone and what nobody looked at."""
    drifting = _drifting()
    known = drifting.findings[0]
    whole = replace(
        known,
        fingerprint=fingerprint("a0a0a0a"),
        operation=OperationName("GET", "/api/v1/app/dashboard"),
        where=WhereJson("response", "200", "application/json", "/open"),
    )
    silent = replace(
        whole,
        fingerprint=fingerprint("b0b0b0b"),
        where=WhereJson("response", "503", "application/problem+json", "/detail"),
    )
    base = replace(
        drifting,
        run=replace(drifting.run, id="r-8830", commit="a6c20b3"),
        kpis=Kpis(
            Completeness(14, 14, Verdict.PASS),
            replace(drifting.kpis.drift, count=2),
            Generation(35, 36, Verdict.FAIL, (GenerationTarget("python", 35, 36),)),
        ),
        findings=(known, whole, silent),
        outcome=Outcome("Failed: 3 new findings", 1, "error"),
    )
    branch = replace(
        drifting,
        findings=(replace(known, state="unchanged"), *drifting.findings[1:]),
        outcome=Outcome("Failed: 1 new finding", 1, "error"),
    )
    return earlier.against(branch, base)


COMPARED: dict[str, Report] = {
    "compared": _against_base(),
    "compared-better": earlier.against(_clean(), _drifting()),
}
"""Reports that were held against a base report."""
