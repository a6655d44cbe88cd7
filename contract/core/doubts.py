"""Does the run prove anything at all? What must be said before everything else if it does not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from contract.core.finding import Finding
from contract.core.ledger import Ledger

_REFUSED = frozenset({401, 403})
"""Answers to whoever asks, and not to what is asked."""
_CREDENTIALS = "Give credentials: `--header 'Authorization: Bearer ${TOKEN}'`."


def doubt(ledger: Ledger, operations: Iterable[str]) -> str | None:
    """Why nothing is proved, with what to do; None as soon as one operation, given by its key, was exercised.

    Where the answers are of several kinds, none of them is to blame alone, and the verdict says how many were exercised.
    """
    statuses: Counter[int] = Counter()
    for key in operations:
        tally = ledger.tallies.get(key)
        if tally is None:
            continue
        if tally.own:
            return None
        for (code, _, _), count in tally.answers.items():
            statuses[code] += count
    if not statuses:
        return None
    seen, total = frozenset(statuses), sum(statuses.values())
    which = f"each of its {total:,} requests" if total > 1 else "its one request"
    if seen <= _REFUSED:
        said = " or ".join(str(code) for code in sorted(seen))
        return f"This run proves nothing: {which} was answered {said}. {_CREDENTIALS}"
    if seen == {429}:
        return (
            f"This run proves nothing: {which} was answered 429, too many requests. "
            "Ask more slowly: `--rate-limit 1/s`."
        )
    if seen == {0}:
        return f"This run proves nothing of what is declared: {which} got no answer. Look at the server and its log."
    return None


def unproved(ledger: Ledger, operations: Iterable[str]) -> dict[str, str]:
    """Findings, by fingerprint, that the lack of credentials may explain, and why; none if anything was exercised.

    That 401 is not declared may well be true. But it was the answer to everything, and so it is the run's own way of
    asking that was seen, and not the operations.
    """
    said = doubt(ledger, operations)
    if said is None or _CREDENTIALS not in said:
        return {}
    why = "every request was answered so, for want of credentials, and nothing is known of the operation itself"
    return {name: why for name, sighting in ledger.sightings.items() if _is_refusal(sighting.finding)}


def _is_refusal(finding: Finding) -> bool:
    return finding.rule == "undeclared-status" and finding.mismatch.where.status in ("401", "403")
