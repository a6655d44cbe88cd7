"""The same few reports in every format."""

from __future__ import annotations

import importlib
from collections.abc import Callable

import pytest

from tests.reports.samples import COMPARED, SAMPLES


@pytest.mark.parametrize("sample", SAMPLES)
@pytest.mark.parametrize("name", ["text", "json", "markdown", "html"])
def test_a_report_is_written_as_its_golden_file(name: str, sample: str, golden: Callable[[str, str], None]) -> None:
    reporter = importlib.import_module(f"contract.reports.{name}")
    golden(f"{name}/{sample}{reporter.SUFFIX}", reporter.render(SAMPLES[sample]))


@pytest.mark.parametrize("sample", ["clean", "drift", "no-evidence", "failed-source", "hostile", "compared"])
@pytest.mark.parametrize("name", ["sarif", "junit", "github", "gitlab", "summary", "comment"])
def test_a_report_for_a_machine_is_written_as_its_golden_file(
    name: str, sample: str, golden: Callable[[str, str], None]
) -> None:
    reporter = importlib.import_module(f"contract.reports.{name}")
    golden(f"{name}/{sample}{reporter.SUFFIX}", reporter.render({**SAMPLES, **COMPARED}[sample]))


@pytest.mark.parametrize("sample", COMPARED)
@pytest.mark.parametrize("name", ["json", "markdown"])
def test_a_report_beside_its_base_is_written_as_its_golden_file(
    name: str, sample: str, golden: Callable[[str, str], None]
) -> None:
    reporter = importlib.import_module(f"contract.reports.{name}")
    golden(f"{name}/{sample}{reporter.SUFFIX}", reporter.render(COMPARED[sample]))
