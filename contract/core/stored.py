"""The ledger as JSON and back: `contract-ledger/1`. Reading what was written gives what was observed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from contract.core.finding import Finding, Fix, Level, Mismatch, Where
from contract.core.histogram import Histogram
from contract.core.ledger import Count, Ledger, Losses, Sighting, Tally
from contract.core.report import Example, ExampleRequest, ExampleResponse
from contract.core.shape import Shape

FORMAT = "contract-ledger/1"


def to_json(ledger: Ledger) -> dict[str, Any]:
    """What `from_json` reads; sets and tables in a fixed order, so that equal ledgers are equal texts."""
    ledger = ledger.observed()
    return {
        "format": FORMAT,
        "unmatched": ledger.unmatched,
        "operations": {key: _tally(ledger.tallies[key]) for key in sorted(ledger.tallies)},
        "sightings": [_sighting(ledger.sightings[key]) for key in sorted(ledger.sightings)],
        "seen": dict(sorted(ledger.seen.items())),
        "lost": {key: asdict(ledger.lost[key]) for key in sorted(ledger.lost)},
        "tenants": {
            key: sorted([*place, count] for place, count in ledger.tenants[key].items())
            for key in sorted(ledger.tenants)
        },
        "of_tenants": ledger.of_tenants,
    }


def from_json(value: Mapping[str, Any]) -> Ledger:
    """The ledger that was written; raises ValueError that says what it is instead."""
    if value.get("format") != FORMAT:
        raise ValueError(f"not {FORMAT}, but {value.get('format') or 'something else'}")
    try:
        sightings = [_read_sighting(item) for item in value["sightings"]]
        return Ledger(
            {key: _read_tally(item) for key, item in value["operations"].items()},
            {item.finding.fingerprint: item for item in sightings},
            value["unmatched"],
            {key: Losses(**item) for key, item in value["lost"].items()},
            Counter(value["seen"]),
            {
                key: Counter({(operation, status, traffic): count for operation, status, traffic, count in rows})
                for key, rows in value["tenants"].items()
            },
            value["of_tenants"],
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"damaged: {error!r}") from error


def _tally(tally: Tally) -> dict[str, Any]:
    return {
        "exchanges": tally.exchanges,
        "own": tally.own,
        "counts": [
            [*answered, traffic, count.exchanges, sorted(count.elapsed_us.items())]
            for (answered, traffic), count in sorted(tally.counts.items(), key=lambda item: item[0])
        ],
        "parameters": dict(sorted(tally.parameters.items())),
        "sampled": tally.sampled,
        "shapes": [
            [*place, shape.to_json()] for place, shape in sorted(tally.shapes.items(), key=lambda item: item[0])
        ],
        "touched": sorted(tally.touched),
    }


def _read_tally(value: Mapping[str, Any]) -> Tally:
    return Tally(
        value["exchanges"],
        value["own"],
        {
            ((status, key, media), traffic): Count(exchanges, Histogram(map(tuple, times)))
            for status, key, media, traffic, exchanges, times in value["counts"]
        },
        dict(value["parameters"]),
        value["sampled"],
        {(direction, key, media): Shape.from_json(shape) for direction, key, media, shape in value["shapes"]},
        set(value["touched"]),
    )


def _sighting(sighting: Sighting) -> dict[str, Any]:
    return {
        **asdict(sighting),
        "sources": dict(sorted(sighting.sources.items())),
        "rank": None if sighting.rank is None else list(sighting.rank),
    }


def _read_sighting(value: Mapping[str, Any]) -> Sighting:
    rank = value["rank"]
    return Sighting(
        _read_finding(value["finding"]),
        value["exchanges"],
        Counter(value["sources"]),
        None if rank is None else (rank[0], rank[1]),
        None if value["example"] is None else _read_example(value["example"]),
        value["first_us"],
        value["last_us"],
        None if value["proved"] is None else (value["proved"][0], value["proved"][1]),
    )


def _read_finding(value: Mapping[str, Any]) -> Finding:
    mismatch = dict(value["mismatch"])
    mismatch |= {"where": Where(**mismatch["where"]), "fix": Fix(**mismatch["fix"])}
    return Finding(value["rule"], Level(value["level"]), value["operation"], Mismatch(**mismatch), value["fingerprint"])


def _read_example(value: Mapping[str, Any]) -> Example:
    answer = value["response"]
    return Example(
        ExampleRequest(**_message(value["request"])),
        None if answer is None else ExampleResponse(**_message(answer)),
        value["failure"],
        tuple(_read_example(item) for item in value["before"]),
    )


def _message(value: Mapping[str, Any]) -> dict[str, Any]:
    headers = tuple((name, text) for name, text in value["headers"])
    return {**value, "headers": headers, "masked": tuple(value["masked"])}
