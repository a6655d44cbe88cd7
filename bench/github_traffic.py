"""Recorded exchanges of GitHub's API (2022 and 2024) against its document of today: is every finding true?

    python bench/github_traffic.py

bench/github.md explains each finding. Exits with 1 if one turns up that is not explained there, or one that is explained
there does not turn up. Also checks that paths with a slash inside a parameter meet their operation.
"""

from __future__ import annotations

import lzma
import re
import sys
import tempfile
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from contract.core.check import Judge  # noqa: E402
from contract.core.evidence import Lost  # noqa: E402
from contract.core.finding import Finding  # noqa: E402
from contract.core.openapi import Contract  # noqa: E402
from contract.sources.documents.file import load  # noqa: E402
from contract.sources.traffic import ndjson  # noqa: E402
from tests.data import DATA  # noqa: E402

EXPLAINED = ROOT / "bench" / "github.md"
HOSTS = ("api.github.com", "uploads.github.com")
"""Those that the document's `servers` name, for all operations and for the upload of a release's files."""

SLASHES = {
    "/repos/o/r/contents/docs/a.md": "GET /repos/{owner}/{repo}/contents/{path}",
    "/repos/o/r/readme/docs/b": "GET /repos/{owner}/{repo}/readme/{dir}",
    "/repos/o/r/git/ref/heads/main": "GET /repos/{owner}/{repo}/git/ref/{ref}",
    "/repos/o/r/git/matching-refs/heads/feature/a": "GET /repos/{owner}/{repo}/git/matching-refs/{ref}",
    "/repos/o/r/git/trees/heads/main": "GET /repos/{owner}/{repo}/git/trees/{tree_sha}",
    "/repos/o/r/compare/main...feature/a": "GET /repos/{owner}/{repo}/compare/{basehead}",
    "/repos/o/r/commits/heads/main": "GET /repos/{owner}/{repo}/commits/{ref}",
    "/repos/o/r/commits/heads/main/status": "GET /repos/{owner}/{repo}/commits/{ref}/status",
    "/repos/o/r/tarball/refs/heads/main": "GET /repos/{owner}/{repo}/tarball/{ref}",
    "/repos/o/r/zipball/refs/heads/main": "GET /repos/{owner}/{repo}/zipball/{ref}",
    "/repos/o/r/branches/feature/a": "GET /repos/{owner}/{repo}/branches/{branch}",
    "/repos/o/r/branches/feature/a/protection": "GET /repos/{owner}/{repo}/branches/{branch}/protection",
    "/repos/o/r/releases/tags/v/1": "GET /repos/{owner}/{repo}/releases/tags/{tag}",
}
"""What the standard cannot say before 3.2: a parameter that spans several segments."""


def line(finding: Finding) -> str:
    """The finding as bench/github.md writes it: rule, operation, and the place, keyword and name that there are."""
    mismatch = finding.mismatch
    what = " ".join(each for each in (mismatch.where.pointer, mismatch.keyword, mismatch.name) if each)
    return " ".join(f"`{each}`" for each in (finding.rule, finding.operation, what) if each)


def explained() -> dict[str, int]:
    """The findings of bench/github.md, with the number of exchanges that show each."""
    entries = re.finditer(r"^- (`.*`) (\d+)×$", EXPLAINED.read_text("utf-8"), re.MULTILINE)
    return {entry[1]: int(entry[2]) for entry in entries}


def main() -> int:
    if DATA is None:
        print("left out: the shared data is not here (CONTRACT_DATA, or ../shared/data)")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "github.json"
        path.write_bytes(lzma.decompress((DATA / "documents" / "github.json.xz").read_bytes()))
        contract = Contract(load(path))
    judge = Judge(contract, lambda rule, level: level)
    seen: Counter[str] = Counter()
    others: Counter[str] = Counter()
    judged = clean = matched = 0
    for exchange in ndjson.exchanges(str(DATA / "traffic" / "github.ndjson.xz"), hosts=HOSTS, others=others):
        if isinstance(exchange, Lost):
            print(f"lost: {exchange.place}: {exchange.heading}")
            return 1
        judgement = judge.exchange(exchange)
        judged += 1
        matched += judgement.operation is not None
        clean += not judgement.findings
        seen.update({line(finding) for finding in judgement.findings})
    print(f"{judged} exchanges, {matched} of declared operations, {clean} without a finding; elsewhere: {dict(others)}")
    known = explained()
    failed = False
    for finding, count in seen.items():
        if finding not in known:
            failed = True
            print(f"not explained:\n- {finding} {count}×")
        elif known[finding] != count:
            failed = True
            print(f"explained as {known[finding]} times, seen {count} times:\n- {finding} {count}×")
    for finding in known.keys() - seen.keys():
        failed = True
        print(f"explained, and not found: {finding}")
    for path_sent, key in SLASHES.items():
        match = contract.match("GET", path_sent)
        if match is None or match.operation is None or match.operation.key != key:
            failed = True
            print(f"{path_sent} does not meet {key}")
    print(f"{len(seen)} findings, {'MISSED' if failed else 'each explained in bench/github.md'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
