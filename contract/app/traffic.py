"""Recorded traffic, judged: in several processes where a recording is large."""

from __future__ import annotations

import os
import re
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from contract.app import shards
from contract.app.gathered import Gathered, Share, select
from contract.app.plugins import plug_in, split
from contract.app.settings import Settings
from contract.app.steps import Step, silent
from contract.core.check import Judge
from contract.core.document import resolve
from contract.core.errors import SourceError
from contract.core.evidence import Exchange, Lost
from contract.core.openapi import Contract


def judge(gathered: Gathered, item: str) -> tuple[int | None, str | None]:
    kind, where = split(item, "--traffic", "har:capture.har")
    module = plug_in("sources.traffic", kind, "--traffic")
    hosts = hosts_of(gathered.contract, gathered.settings.target)
    with shards.unhurried_collector():
        number, others = _judged(gathered, module, kind, where, hosts)
    names = [host for host, _ in others.most_common()]
    if others and not number:
        # Recorded under a name that the document does not know, such as a proxy's.
        gathered.notes.append(
            f"{where}: no recorded request went to a server of the document or to the target; all were judged: {_some(names)}"
        )
        _judged(gathered, module, kind, where, None)
    elif others:
        count = others.total()
        gathered.notes.append(
            f"{where}: {count} recorded request{'s' * (count > 1)} to other hosts {'were' if count > 1 else 'was'} left "
            f"out: {_some(names)}"
        )
    return None, None


_LARGE_FILE = 32 * 1024 * 1024
"""Bytes of recorded traffic from which on it pays to start further processes."""
_A_SHARD = 64 * 1024 * 1024


def _judged(
    gathered: Gathered, module: ModuleType, kind: str, where: str, hosts: frozenset[str] | None
) -> tuple[int, Counter[str]]:
    """Judges a recording, in several processes where it is large; how many exchanges, and those to other hosts."""
    size, jobs = _size(where), gathered.settings.jobs
    if jobs is None:
        jobs = (os.cpu_count() or 1) if size > _LARGE_FILE else 1
    spans = module.spans(where, max(2 * jobs, size // _A_SHARD)) if jobs > 1 and hasattr(module, "spans") else []
    about = _about(where, size)
    if len(spans) < 2:
        others: Counter[str] = Counter()
        number = 0
        try:
            for item in _read(gathered, module, where, hosts, others):
                if isinstance(item, Lost):
                    gathered.lose(item)
                    continue
                gathered.record(item)
                number += 1
                if number % 500 == 0 or gathered.follow is not None:
                    whole = max(about, number) if about and gathered.follow is None else None
                    gathered.step("traffic", number, whole, phase=kind)
        except KeyboardInterrupt:
            if gathered.follow is None:
                raise  # following has no other end
        return number, others
    work = _Shard(gathered.settings, gathered.contract.base_path, kind, where, hosts, gathered.judge.spanning)
    so_far = 0

    def done(part: Share) -> None:
        nonlocal so_far
        so_far += part.number
        whole = max(about, so_far) if about else None
        gathered.notify(Step("traffic", so_far, whole, so_far, len(part.ledger.sightings), kind))

    total = shards.map_merge(spans, work, jobs=jobs, done=done)
    assert total is not None
    gathered.absorb(total)
    return total.number, total.others


def _read(
    gathered: Gathered, module: ModuleType, where: str, hosts: frozenset[str] | None, others: Counter[str]
) -> Iterator[Exchange | Lost]:
    follow = gathered.follow
    if follow is None:
        return iter(module.exchanges(where, hosts=hosts, others=others))
    if not hasattr(module, "follow"):
        raise SourceError(f"{where}: a file of this kind is written once, and does not grow", "leave --follow out")
    last = time.monotonic()

    def stop() -> bool:
        nonlocal last
        if time.monotonic() - last >= follow.every_s:
            follow.told()
            last = time.monotonic()
        return False

    found: Iterator[Exchange | Lost] = module.follow(where, stop=stop, hosts=hosts, others=others)
    return found


_LOOK = 1024 * 1024
"""Bytes at the beginning of a recording that tell how long an exchange is in it."""


def _about(where: str, size: int) -> int:
    """How many exchanges a recording holds, going by its beginning: for the progress bar. 0 where nothing tells."""
    try:
        with open(where, "rb") as stream:
            head = stream.read(_LOOK)
    except OSError:
        return 0
    if b"\0" in head:
        return 0  # packed, or of a kind that has no lines
    entries = head.count(b'"startedDateTime"') or head.count(b"\n")
    return round(size / len(head) * entries) if entries else 0


def _size(where: str) -> int:
    try:
        return os.path.getsize(where)
    except OSError:
        return 0  # whoever reads it says what is wrong


@dataclass(frozen=True)
class _Shard:
    """Judges one span of a recording, in a process of its own."""

    settings: Settings
    base_path: str | None
    kind: str
    where: str
    hosts: frozenset[str] | None
    spanning: Mapping[str, frozenset[str]]

    def __call__(self, span: tuple[int, int]) -> Share:
        from contract.app import documents

        if _loaded.get("settings") != self.settings:
            api = Contract(documents.load(self.settings), self.base_path)
            judge = Judge(api, self.settings.level)
            judge.spans(self.spanning)
            _loaded.update(settings=self.settings, contract=api, judge=judge)
        gathered = Gathered(_loaded["contract"], _loaded["judge"], self.settings, silent)
        select(gathered)
        module = plug_in("sources.traffic", self.kind, "--traffic")
        others: Counter[str] = Counter()
        number = 0
        with shards.unhurried_collector():
            for item in module.exchanges(self.where, hosts=self.hosts, others=others, span=span):
                if isinstance(item, Lost):
                    gathered.lose(item)
                else:
                    gathered.record(item)
                    number += 1
        return Share(gathered.ledger, gathered.exhibits, number, others)


_loaded: dict[str, Any] = {}
"""What a worker has made ready for the shards to come."""


_LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]", "0.0.0.0"})


def hosts_of(contract: Contract, target: str | None) -> frozenset[str] | None:
    """The hosts whose traffic is the API's: those that the document's servers name, and the target's; None for any."""
    owners: list[Any] = [contract.root]
    for operation in contract.operations:
        owners += [resolve(contract.root, operation.item_pointer), operation.raw]
    named = [server for owner in owners if isinstance(servers := owner.get("servers"), list) for server in servers]
    urls = [url for server in named if isinstance(server, dict) and isinstance(url := server.get("url"), str)]
    if target is not None and target.startswith(("http://", "https://")):
        urls.append(target)
    found: set[str] = set()
    for url in urls:
        match = re.match(r"(https?|wss?)://(?:[^/?#@]*@)?([^/?#]+)", url, re.IGNORECASE)
        if match is None:
            continue
        if "{" in match[2]:
            return None  # a variable of the host's name may have any value
        host = match[2].lower().removesuffix({"http": ":80", "ws": ":80"}.get(match[1].lower(), ":443"))
        name = re.sub(r":\d+$", "", host)
        found.update({other + host[len(name) :] for other in _LOOPBACK} if name in _LOOPBACK else {host})
    return frozenset(found) or None


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
