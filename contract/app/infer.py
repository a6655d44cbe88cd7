"""`contract infer`: what recorded traffic shows and the document does not declare, as a document to paste or merge."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from contract.app import documents, plugins, traffic
from contract.app.settings import Settings
from contract.app.steps import Notify, Step, silent
from contract.core.errors import ConfigError
from contract.core.evidence import Exchange, Lost
from contract.core.infer import Observed, Paths, fragment, left_out
from contract.core.openapi import Contract

FORMATS = ("yaml", "json")


@dataclass(slots=True)
class Inferred:
    """The fragment, and what it is made of."""

    fragment: dict[str, Any]
    exchanges: int
    """All that were read."""
    used: int
    templates: int
    operations: int
    left_out: Counter[str]
    lost: dict[str, tuple[int, str]] = field(default_factory=dict)
    """By heading how many pieces could not be read, and where the first of them lies."""
    notes: list[str] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """3 if evidence was lost, or there was none; else 0."""
        return 3 if self.lost or not self.exchanges else 0


def infer(settings: Settings, *, notify: Notify = silent) -> Inferred:
    """What the traffic shows beside the document, where there is one; raises ContractError if it cannot be read.

    The traffic is read twice, once for the paths and once for what was said there, so that its size does not matter.
    """
    if not settings.traffic:
        raise ConfigError(
            "there is no traffic to infer from",
            "name a recording: `--traffic har:capture.har`, `--traffic ndjson:FILE`",
        )
    contract = Contract(documents.load(settings)) if settings.documents else None
    reading = _Reading(settings, contract, notify)
    paths, reasons = Paths(), Counter[str]()
    for exchange in reading.all("paths"):
        reason = left_out(exchange, contract)
        if reason is None:
            paths.add(exchange)
        else:
            reasons[reason] += 1
    found = Observed(paths.templates(contract))
    count, reading.first = reading.count, False
    for exchange in reading.all("bodies"):
        if left_out(exchange, contract) is None and not found.add(exchange):
            reasons["answered by no operation (404, 401, 5xx …)"] += 1
    family = contract.document.family if contract is not None else "3.1"
    if contract is not None and contract.document.version.startswith("2"):
        reading.notes.append("the document is Swagger 2.0; what is inferred is OpenAPI 3.0")
    return Inferred(
        fragment(found, family, contract),
        count,
        found.exchanges,
        len({template for _, template in found.tallies}),
        len(found.tallies),
        reasons,
        reading.lost,
        reading.notes,
    )


class _Reading:
    """The traffic of all sources, to be read more than once."""

    def __init__(self, settings: Settings, contract: Contract | None, notify: Notify) -> None:
        self._notify = notify
        self._hosts = traffic.hosts_of(contract, settings.target) if contract is not None else None
        self._any_host: set[str] = set()
        self.first = True
        self.count = 0
        self.lost: dict[str, tuple[int, str]] = {}
        self.notes: list[str] = []
        self._sources = []
        for item in settings.traffic:
            kind, where = plugins.split(item, "--traffic", "har:capture.har")
            if Path(where).exists() and not Path(where).is_file():
                raise ConfigError(f"{where}: is no file, and it is read twice", "save the recording to a file first")
            self._sources.append((plugins.plug_in("sources.traffic", kind, "--traffic"), where))

    def all(self, phase: str) -> Iterator[Exchange]:
        """Every exchange; what is odd about the sources is told the first time only."""
        done = 0
        for module, where in self._sources:
            hosts = None if where in self._any_host else self._hosts
            others: Counter[str] = Counter()
            before = done
            for exchange in self._of(module.exchanges(where, hosts=hosts, others=others)):
                done += 1
                yield self._told(exchange, done, phase)
            if not self.first or not others:
                continue
            names = ", ".join(host for host, _ in others.most_common(3))
            if done > before:
                self.notes.append(f"{where}: {others.total()} to other hosts left out: {names}")
                continue
            self.notes.append(f"{where}: nothing went to a server of the document; all was read: {names}")
            self._any_host.add(where)
            for exchange in self._of(module.exchanges(where)):
                done += 1
                yield self._told(exchange, done, phase)

    def _told(self, exchange: Exchange, done: int, phase: str) -> Exchange:
        if self.first:
            self.count = done
        if done % 200 == 0:
            self._notify(Step("infer", done, None if self.first else self.count, exchanges=done, phase=phase))
        return exchange

    def _of(self, items: Iterator[Exchange | Lost]) -> Iterator[Exchange]:
        for item in items:
            if isinstance(item, Exchange):
                yield item
            elif self.first:
                number, place = self.lost.get(item.heading, (0, item.place))
                self.lost[item.heading] = (number + 1, place)


def as_text(made: Inferred, kind: str) -> str:
    """The fragment as YAML or JSON."""
    if kind == "json":
        return json.dumps(made.fragment, indent=2, ensure_ascii=False)
    import yaml

    class Dumper(yaml.SafeDumper):
        def ignore_aliases(self, data: Any) -> bool:
            return True

    text: str = yaml.dump(made.fragment, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=110)
    return text.rstrip("\n")


def summary(made: Inferred) -> Iterator[str]:
    """What was read, found, left out and lost, a line each."""
    read = _count(made.exchanges, "exchange")
    if made.operations:
        operations, templates = _count(made.operations, "operation"), _count(made.templates, "path")
        yield f"{operations} on {templates} inferred from {made.used:,} of {read}"
    else:
        yield f"nothing to infer from {read}"
    for reason, number in made.left_out.most_common():
        yield f"  left out: {number:,} {reason}"
    for heading, (number, place) in sorted(made.lost.items()):
        yield f"  lost: {number:,} × {heading}, first {place}"
    for note in made.notes:
        yield f"note: {note}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' * (number != 1)}"
