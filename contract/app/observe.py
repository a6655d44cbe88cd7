"""Recorded traffic by its file's name, and several ledgers as one report."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime
from pathlib import Path

from contract.app import collect, documents, earlier, ledgers, prove, run
from contract.app import gathered as seen
from contract.app.settings import Settings
from contract.app.steps import silent
from contract.core.check import Judge
from contract.core.compose import Proven, compose
from contract.core.errors import ConfigError
from contract.core.finding import Proof
from contract.core.ledger import Ledger
from contract.core.openapi import Contract
from contract.core.report import Report, Run, Source, Verdict

_ENDS = {".har": "har", ".ndjson": "ndjson", ".jsonl": "ndjson", ".flow": "mitmproxy", ".mitm": "mitmproxy"}
_PACKED = (".gz", ".xz", ".zst")


def described(file: str) -> str:
    """`KIND:FILE` of a recording: as it says, by its name, or by its first line; raises ConfigError where nothing tells."""
    if re.match(r"[a-z][a-z0-9_-]+:.", file) and not Path(file).exists():
        return file
    path = Path(file)
    name = path.name.lower()
    for end in _PACKED:
        name = name.removesuffix(end)
    kind = _ENDS.get(Path(name).suffix)
    if kind is None:
        kind = _told_by(path)
    if kind is None:
        raise ConfigError(f"{file}: nothing tells of which kind it is", f"say it: `nginx:{file}`, `har:{file}`")
    return f"{kind}:{file}"


def _told_by(path: Path) -> str | None:
    from contract.sources.traffic._recorded import opened

    if not path.is_file():
        raise ConfigError(f"{path}: no such file")
    try:
        with opened(str(path)) as stream:
            head = stream.read(64 * 1024)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}") from error
    line = head.partition(b"\n")[0]
    if b'"log"' in head[:4096] and b'"entries"' in head:
        return "har"
    if re.match(rb"\d+:", head):
        return "mitmproxy"
    if b'"response_code"' in line or b'":method"' in line:
        return "envoy"
    if b'"request_uri"' in line or b'"request_time"' in line or b'"time_iso8601"' in line:
        return "nginx"
    return "ndjson" if line.lstrip()[:1] == b"{" and b'"method"' in line else None


def merged(paths: list[Path]) -> tuple[Ledger, dict[str, str] | None]:
    """The sum of ledgers that were judged by the same document; raises ConfigError where they were not."""
    total = Ledger()
    of: dict[str, str] | None = None
    first = ""
    for path in paths:
        ledger, document = ledgers.read(path)
        if of is not None and document is not None and of["sha256"] != document["sha256"]:
            raise ConfigError(
                f"{path} was judged by another version of {document['path']} than {first}",
                "judge the recordings anew with one document",
            )
        if of is None:
            of, first = document, str(path)
        total = total + ledger
    return total.settled(), of


def sentence(total: Ledger, parts: int, out: str | None) -> str:
    """What a sum is, in one line."""
    where = f", written to {out}" if out is not None else ""
    return (
        f"{_several(parts, 'ledger')}: {_several(total.exchanges, 'exchange')} of "
        f"{_several(len(total.tallies), 'operation')}, {_several(len(total.sightings), 'finding')}{where}"
    )


def _several(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' * (number != 1)}"


def report(total: Ledger, of: dict[str, str] | None, settings: Settings) -> Report:
    """The report of a sum. Nothing can be proved again: recorded exchanges are not kept, only their masked examples."""
    document = documents.load(settings)
    api = Contract(document)
    gathered = seen.Gathered(api, Judge(api, settings.level), settings, silent)
    seen.select(gathered)
    gathered.ledger = total
    collect.lint(gathered)
    collect.never_seen(gathered)
    gathered.sources.append(
        Source(
            "traffic", Verdict.PASS if total.exchanges else Verdict.NONE, "merged ledgers", exchanges=total.exchanges
        )
    )
    if of is not None and of["sha256"] != document.sha256:
        gathered.notes.append(f"the ledgers were judged by another version of {document.path}")
    accepted, compared = earlier.fitting(run.read_baseline(settings), api, settings)
    gathered.notes.extend(compared)
    now = datetime.now(UTC)
    unproven = (Proof.UNPROVEN.value, "not proved when it was judged")
    proofs = {}
    for fingerprint, sighting in total.sightings.items():
        proof, detail = sighting.proved or (unproven if sighting.exchanges else (Proof.STRUCTURAL.value, None))
        proofs[fingerprint] = Proven(Proof(proof), detail)
    made = Run(
        id=str(uuid.uuid4()),
        started_at=now.isoformat(timespec="seconds").replace("+00:00", "Z"),
        elapsed_us=0,
        complete=True,
        environment=settings.environment,
        commit=settings.commit,
        release=settings.release,
        notes=tuple(gathered.notes),
    )
    material = seen.material(gathered, made, None, proofs, accepted, prove.curl_of(None))
    return run.with_excerpts(compose(material, now.date()), settings.cwd, gathered.scrub)
