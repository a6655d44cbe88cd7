"""The fingerprint is frozen: these digits must never change."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from contract.core.finding import Mismatch, Where, fingerprint

TASK = "#/components/schemas/Task/properties/due_at"
INLINE = "#/paths/~1tasks~1{id}/get/responses/200/content/application~1json/schema/properties/due_at"


def mismatch(component: str = TASK, message: str = "m", observed: str = "null", **more: object) -> Mismatch:
    where = Where("response", "200", "application/json", "/due_at")
    return Mismatch(where, "string", observed, message, keyword="type", component=component, **more)  # type: ignore[arg-type]


def test_the_golden_fingerprints_hold() -> None:
    assert [
        fingerprint("response-schema", "GET /api/v1/tasks/{}", mismatch()),
        fingerprint("response-schema", "GET /api/v1/tasks/{}", mismatch(INLINE)),
        fingerprint("undeclared-property", "GET /tasks", mismatch(name="internal_score")),
        fingerprint("undeclared-operation", "DELETE /users/{}/sessions", Mismatch(Where(), None, None, "m")),
        fingerprint("invalid-document", None, Mismatch(Where(), None, None, "m", component="#/info")),
    ] == GOLDEN


GOLDEN = [
    "6892ab94e4dd9de1d1b32128e3eba703869e6a6a",
    "43cf41f3d92e4e5d6f0fa307f6e781563272eeb8",
    "2f2ae05e2a0d15c2f70a3491f1e122bbf93ac4e4",
    "51ce37e0b38848ae5a4e98e949af7be6053a537e",
    "bad51921dd7f81bdbe95b936704c5aebff16b8dc",
]


@given(st.text(), st.text(), st.text())
def test_wording_and_values_and_the_place_in_the_body_do_not_matter(message: str, observed: str, place: str) -> None:
    where = Where("response", "200", "application/json", place)
    other = Mismatch(where, message, observed, message, keyword="type", component=TASK)
    assert fingerprint("r", "GET /x", mismatch()) == fingerprint("r", "GET /x", other)


def test_renaming_a_path_parameter_changes_nothing() -> None:
    renamed = INLINE.replace("{id}", "{task}")
    assert fingerprint("r", "GET /tasks/{id}", mismatch(INLINE)) == fingerprint(
        "r", "GET /tasks/{task}", mismatch(renamed)
    )


def test_two_missing_properties_are_two_findings() -> None:
    one, other = mismatch(name="id"), mismatch(name="title")
    assert fingerprint("r", "GET /x", one) != fingerprint("r", "GET /x", other)


def test_two_operations_with_one_cause_are_two_findings_that_fold_into_one() -> None:
    from contract.core.finding import Finding, Level

    found = [
        Finding("r", Level.ERROR, key, mismatch(), fingerprint("r", key, mismatch())) for key in ("GET /a", "GET /b")
    ]
    assert found[0].fingerprint != found[1].fingerprint
    assert found[0].fold_key == found[1].fold_key
