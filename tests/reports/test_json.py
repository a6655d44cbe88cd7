"""The report as JSON: it can be read again, and it is what the published schema says."""

from __future__ import annotations

import math
from dataclasses import fields, is_dataclass, replace
from enum import StrEnum
from functools import cache
from pathlib import Path
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints

import jsonschema
import jsonschema_rs
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contract.core.errors import ContractError
from contract.core.report import Example, Ratio, Report
from contract.reports import json
from tests.reports.samples import COMPARED, SAMPLES, many

PUBLISHED = Path(json.__file__).with_name("report.schema.json")


@cache
def values(kind: Any) -> st.SearchStrategy[Any]:
    """Any value of this type; an example has at most one before it, so that it ends."""
    origin, args = get_origin(kind), get_args(kind)
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        parts = {f.name: values(hints[f.name]) for f in fields(kind) if (kind, f.name) != (Example, "before")}
        built = st.builds(kind, **parts)  # type: ignore[arg-type]
        if kind is not Example:
            return built
        return st.builds(
            lambda last, before: replace(last, before=before), built, st.lists(built, max_size=1).map(tuple)
        )
    if NoneType in args:
        return st.none() | values(next(arg for arg in args if arg is not NoneType))
    if origin is tuple and args[-1] is Ellipsis:
        return st.lists(values(args[0]), max_size=2).map(tuple)
    if origin is tuple:
        return st.tuples(*map(values, args))
    if issubclass(kind, StrEnum):
        return st.sampled_from(kind)
    plain: dict[Any, st.SearchStrategy[Any]] = {
        str: st.text(max_size=12),
        int: st.integers(-(2**63), 2**63 - 1),
        float: st.floats(allow_nan=False, allow_infinity=False),
        bool: st.booleans(),
    }
    return plain[kind]


@given(values(Report))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_what_is_written_is_read_as_it_was(report: Report) -> None:
    report = replace(report, schema_version=1)
    text = json.render(report)
    assert json.read(text) == report
    assert json.render(json.read(text.encode())) == text


@pytest.mark.parametrize("sample", [*SAMPLES, *COMPARED])
def test_two_validators_accept_each_sample(sample: str) -> None:
    data = orjson.loads(json.render({**SAMPLES, **COMPARED}[sample]))
    published = orjson.loads(PUBLISHED.read_bytes())
    # Formats are annotations: a hostile report has a start that is no time, and is shown all the same.
    jsonschema_rs.validator_for(published).validate(data)
    jsonschema.Draft202012Validator.check_schema(published)
    jsonschema.Draft202012Validator(published).validate(data)


def test_a_report_from_before_members_had_examples_is_read_and_keeps_the_schema() -> None:
    data = orjson.loads(json.render(SAMPLES["drift"]))
    members = [member for row in data["findings"] for member in row["operations"]]
    had = [member.pop("example") is not None for member in members]
    assert any(had)
    jsonschema_rs.validator_for(orjson.loads(PUBLISHED.read_bytes())).validate(data)
    shown = [member.example for row in json.of(data).findings for member in row.operations]
    assert len(shown) == len(members) and set(shown) == {None}


def test_the_published_schema_is_made_from_the_dataclasses(request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--update-golden"):
        PUBLISHED.write_bytes(json.published().encode())
    assert PUBLISHED.read_text("utf-8") == json.published()


def test_the_schema_refuses_what_no_report_holds() -> None:
    data = orjson.loads(json.render(SAMPLES["drift"]))
    wrong = {
        "an unknown key": {**data, "extra": 1},
        "another version": {**data, "schema_version": 2},
        "a missing key": {key: value for key, value in data.items() if key != "kpis"},
        "a made-up level": {**data, "findings": [{**data["findings"][0], "level": "fatal"}]},
        "a short fingerprint": {**data, "findings": [{**data["findings"][0], "fingerprint": "7c1f9a2"}]},
        "a negative count": {**data, "document": {**data["document"], "operations": -1}},
    }
    validator = jsonschema_rs.validator_for(orjson.loads(PUBLISHED.read_bytes()))
    assert {what: validator.is_valid(value) for what, value in wrong.items()} == dict.fromkeys(wrong, False)


def test_a_ratio_is_a_pair() -> None:
    data = orjson.loads(json.render(SAMPLES["drift"]))
    assert data["kpis"]["drift"]["exercised"]["responses"] == {"part": 47, "whole": 52}
    assert json.read(json.render(SAMPLES["drift"])).kpis.drift.exercised.responses == Ratio(47, 52)


def test_absent_evidence_is_null() -> None:
    kpis = orjson.loads(json.render(SAMPLES["no-evidence"]))["kpis"]
    assert (kpis["completeness"]["part"], kpis["generation"]["whole"], kpis["drift"]["count"]) == (None, None, None)


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("{", "the report is not JSON", "write one with `--format json=PATH`"),
        ("[]", "this JSON is not a report of contract", "write one with `--format json=PATH`"),
        (
            '{"schema_version": 7}',
            "the report has schema version 7; this release reads version 1",
            "make the report again",
        ),
        ('{"schema_version": true}', "the report has schema version True", "make the report again"),
        ('{"schema_version": 1}', "the report is damaged: `tool` is missing", None),
        ('{"schema_version": 1, "tool": 3}', "the report is damaged: `tool` should be an object and is int", None),
        (
            '{"schema_version": 1, "tool": {"name": null}}',
            "the report is damaged: `tool.name` should be a string and is null",
            None,
        ),
    ],
)
def test_what_is_no_report_is_said_clearly(text: str, message: str, hint: str | None) -> None:
    with pytest.raises(ContractError) as caught:
        json.read(text)
    assert caught.value.message.startswith(message)
    assert (caught.value.hint or "").startswith(hint or "") and bool(caught.value.hint) == bool(hint)


def test_a_key_of_a_later_release_is_passed_over_and_a_missing_default_is_filled_in() -> None:
    data = orjson.loads(json.render(SAMPLES["clean"]))
    del data["unchecked"]
    assert json.read(orjson.dumps({**data, "later": [1]})) == SAMPLES["clean"]


def test_a_file_name_that_is_no_unicode_is_spelt_out() -> None:
    clean = SAMPLES["clean"]
    odd = replace(clean, document=replace(clean.document, path="specs/\udcff.yaml"))
    assert json.read(json.render(odd)).document.path == "specs/\\udcff.yaml"


def test_json_holds_no_character_that_acts_unseen() -> None:
    text = json.render(SAMPLES["hostile"])
    assert [char for char in text if char != "\n" and not char.isprintable() and char not in "\ue000"] == []


def test_five_thousand_findings_are_read_as_they_were() -> None:
    report = many()
    assert json.read(json.render(report)) == report


def test_a_floor_written_as_an_integer_is_read() -> None:
    text = json.render(SAMPLES["clean"]).replace('"floor": 0.8', '"floor": 1')
    assert math.isclose(json.read(text).kpis.drift.floor, 1.0)
