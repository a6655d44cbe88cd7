"""`pytest --contract specs/api.yaml`: what the tests exchange is evidence. Does and loads nothing unless it is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("contract", "OpenAPI contract drift, seen by the tests")
    group.addoption(
        "--contract",
        action="append",
        dest="contract_documents",
        metavar="FILE",
        help="hold the exchanges of the tests against this OpenAPI document; again for a further one",
    )
    group.addoption(
        "--contract-report",
        action="append",
        dest="contract_reports",
        metavar="[NAME=]PATH",
        help="write a report; its name tells the format (.html, .json, .md, .sarif, .xml) if NAME does not",
    )
    group.addoption(
        "--contract-fail-under",
        dest="contract_floor",
        metavar="SHARE",
        help="operations that the tests must exercise for a verdict (default: 80%%); 0 for a part of the tests",
    )
    group.addoption(
        "--contract-fail-on", dest="contract_fail_on", metavar="LEVEL", help="the least level that fails (error)"
    )
    group.addoption(
        "--contract-baseline", dest="contract_baseline", metavar="FILE", help="accepted findings; only others fail"
    )
    group.addoption(
        "--contract-config", dest="contract_config", metavar="FILE", help="contract.toml, where it is another one"
    )


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("contract_documents"):
        from contract.app import suite

        suite.start(config)
