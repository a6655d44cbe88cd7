"""What the rules about routes say, word by word."""

from __future__ import annotations

from pathlib import Path

from contract.core.evidence import Difference, Route
from contract.core.finding import Fix, Mismatch, Where
from contract.core.openapi import Contract, Operation
from contract.rules.exported_differs import exported_differs
from contract.rules.undeclared_operation import undeclared_operation
from contract.rules.unimplemented_operation import unimplemented_operation
from contract.sources.documents import file


def test_an_undeclared_operation_says_what_the_framework_lists_and_where() -> None:
    route = Route("GET", "/debug/{id}", "debug/<int:id>", "text", file="routes.txt", line=7, name="debug.show")
    assert list(undeclared_operation(route)) == [
        Mismatch(
            where=Where(),
            declared=None,
            observed="GET /debug/{id}",
            message=(
                "GET /debug/{id} is implemented, spelled `debug/<int:id>` (debug.show), and the document does not "
                "declare it."
            ),
            fix=Fix(
                document="add `get` under `paths` → `/debug/{id}`, or exclude it with a reason",
                server="remove the route at routes.txt:7 if nobody should call it",
            ),
        )
    ]


def test_a_route_for_any_method_asks_for_those_that_are_meant() -> None:
    (mismatch,) = undeclared_operation(Route("ANY", "/hooks", "/hooks", "text"))
    assert mismatch.message == "ANY /hooks is implemented, and the document does not declare it."
    assert mismatch.fix == Fix(
        document="add the methods that are meant under `paths` → `/hooks`, or exclude it with a reason",
        server="remove the route if nobody should call it",
    )


def operation(tmp_path: Path) -> Operation:
    (tmp_path / "api.yaml").write_text(
        "openapi: 3.1.0\ninfo: {title: t, version: '1'}\npaths:\n  /tasks/{id}:\n    get: {responses: {}}\n"
    )
    return Contract(file.load(tmp_path / "api.yaml")).operations[0]


def test_an_unimplemented_operation_points_into_the_document(tmp_path: Path) -> None:
    assert list(unimplemented_operation(operation(tmp_path))) == [
        Mismatch(
            where=Where(),
            declared="GET /tasks/{id}",
            observed=None,
            message="GET /tasks/{id} is declared, and no route implements it",
            component="#/paths/~1tasks~1{id}/get",
            fix=Fix(
                document="remove the operation, or mend its path, its method or the base path in `servers`",
                server="add a route for GET /tasks/{id}",
            ),
        )
    ]


def test_an_exported_difference_is_placed_in_request_or_response(tmp_path: Path) -> None:
    answer = Difference(
        "GET /tasks/{id}",
        "/responses/200/content/application~1json/schema/required",
        '["id"]',
        '["id", "title"]',
        "#/components/schemas/Task/required",
        "exported.json:12",
    )
    assert list(exported_differs(operation(tmp_path), answer)) == [
        Mismatch(
            where=Where("response", "200", "application/json"),
            declared='["id"]',
            observed='["id", "title"]',
            message=(
                'responses → 200 → content → application/json → schema → required: declared ["id"], '
                'exported ["id", "title"]'
            ),
            component="#/components/schemas/Task/required",
            fix=Fix(
                document="take over what is exported at exported.json:12",
                server="mend the types, decorators or annotations that the document is exported from",
            ),
        )
    ]
    asked = Difference("GET /tasks/{id}", "/parameters/query:old", "{}", None)
    (mismatch,) = exported_differs(operation(tmp_path), asked)
    assert (mismatch.where, mismatch.name, mismatch.component) == (
        Where("request", pointer="query:old"),
        "query:old",
        "#/paths/~1tasks~1{id}/get",
    )
    assert mismatch.message == "parameters → query:old: declared, and the exported document has nothing of it"


def test_a_difference_below_a_schema_is_placed_in_the_body(tmp_path: Path) -> None:
    below = "/responses/2XX/content/application~1json/schema/items/properties/a~1b/type"
    (mismatch,) = exported_differs(operation(tmp_path), Difference("GET /tasks/{id}", below, None, '"string"'))
    assert mismatch.where == Where("response", "2XX", "application/json", "/*/a~1b")
    assert mismatch.message.endswith(" → a/b → type: exported, and the document does not declare it")
