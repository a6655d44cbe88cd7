"""Does a finding of a report still hold? Its request is sent again, with the credentials of today."""

from __future__ import annotations

import importlib
import json
import pkgutil
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from urllib.parse import quote, unquote

from contract.app import documents, probing
from contract.app.reported import base_path, documents_of, find, read, settle
from contract.app.settings import Settings
from contract.core import redact, rule
from contract.core.check import UNDECLARED, Judge, believed
from contract.core.curl import shortened
from contract.core.errors import ConfigError
from contract.core.evidence import Complaint, Exchange, Headers, Request, Response, Traffic, header
from contract.core.finding import FAULTS
from contract.core.openapi import Contract, Operation
from contract.core.report import Example, ExampleResponse, FindingRow, Member
from contract.core.target import Target

GONE, HOLDS, UNKNOWN = 0, 1, 3
"""Exit codes: the answer does not show it any more, it does, or it cannot say."""
_WORDS = {GONE: "Does not hold", HOLDS: "Still holds", UNKNOWN: "Cannot tell"}

_REFUSED = frozenset({400, 415, 422})
"""Answers that refuse the data itself."""
_AT_THE_DOOR = frozenset({401, 403, 407, 429})
_NOT_THERE = frozenset({404, 410})


def replay(fingerprint: str, settings: Settings, report_path: Path) -> tuple[int, str]:
    """Exit code and sentence; raises ContractError where there is no such finding, or nobody listens."""
    report = read(report_path)
    row, asked = find(report, fingerprint)
    name = f"{row.rule} {fingerprint[:7] if asked else row.fingerprint[:7]}"
    if _example(row, asked) is None:
        reason = f"the report has no request for it, its proof is {row.proof}; run `contract check` again"
        return UNKNOWN, f"{_WORDS[UNKNOWN]}: {name}: {reason}"
    named = settings.target or report.target
    if named is None:
        raise ConfigError("the report names no target", "say `--target http://127.0.0.1:8000`")
    settings = replace(settings, target=named, documents=settings.documents or documents_of(report.document.path))
    document = documents.load(settings)
    target = probing.open_target(settings)
    try:
        importlib.import_module(f"contract.targets.{target.kind}").check(target)
        # A rule that is switched off, or no error here, drifts all the same.
        judge = Judge(Contract(document, base_path(report)), lambda _, own: own)
        settle(judge.contract, report)
        credentials = tuple((item.name, item.value) for item in settings.headers)
        names = (*settings.redact, *(item.name for item in settings.headers if item.secret))
        scrub = partial(redact.text, secrets=redact.secrets(credentials, extra=names), extra=names)
        code, said = Again(row, asked, judge, target, credentials, scrub).run()
    finally:
        target.close()
    return code, f"{_WORDS[code]}: {name}{said}"


@dataclass
class Again:
    """One finding, and what is known to send it again."""

    row: FindingRow
    asked: str | None
    judge: Judge
    """Of the document below the base path of then, which is a part of each fingerprint."""
    target: Target
    credentials: Headers
    scrub: Callable[[str], str]
    """Masks what a server said."""
    source: str = "replay"
    traffic: Traffic = Traffic.REPLAY
    sent: list[Exchange] = field(default_factory=list)
    """What `run` came to send, the last one being the one that shows it or not."""

    @property
    def example(self) -> Example | None:
        return _example(self.row, self.asked)

    def run(self) -> tuple[int, str]:
        """Exit code, and what to say after the finding's name."""
        example = self.example
        assert example is not None
        where = ""
        if self.row.operations:
            # A folded finding keeps the examples of some of its operations.
            own = _member(self.row, self.asked)
            if own is None:
                operation = self._operation(example)
                own = next((item for item in self.row.operations if f"{item.method} {item.path}" == operation), None)
            if own is None or (self.asked is not None and self.asked != own.fingerprint):
                return UNKNOWN, f": of {len(self.row.operations)} operations, the report has no request for this one"
            where = f" on {own.method} {own.path}, one of {len(self.row.operations)} operations"
            wanted = own.fingerprint
        else:
            wanted = self.row.fingerprint
        if any(not whole(step) for step in (*example.before, example)):
            return UNKNOWN, f"{where}: the report has only a part of the request's body; run `contract check` again"
        if self.row.rule == "undeclared-parameter" and not example.before:
            return UNKNOWN, f"{where}: it is about what clients send, and no request of ours can tell"
        sent, lost = self._send(example)
        self.sent = sent
        seen = f"{where}, answered {self._answer(sent[-1])}"
        code, why = self._shows(example, sent, wanted)
        if lost and code is not UNKNOWN:
            masked = f"the report masks {', '.join(lost)}"
            if code is GONE and any(place.startswith("header:") for place in lost):
                return UNKNOWN, f"{seen}, but {masked}, so another request was sent; give it: `--header 'NAME: VALUE'`"
            if code is GONE:
                # Another request that is answered well says nothing of this one.
                return UNKNOWN, f"{seen}, but {masked}, so another request was sent; run `contract check` again"
            return code, f"{seen} to a request of the same kind ({masked})"
        return code, f"{seen}{f', {why}' if why else ''}"

    def _operation(self, example: Example) -> str | None:
        match = self.judge.contract.match(example.request.method, example.request.url.partition("?")[0])
        return match.operation.key if match is not None and match.operation is not None else None

    def _rebased(self, url: str) -> str:
        """The URL below the base path of this target, where it names one."""
        new = self.target.base_path
        bases = {base for operation in self.judge.contract.operations for base in operation.base_paths}
        old = max((base for base in bases if url.startswith(f"{base}/")), key=len, default=None)
        return url if new is None or old is None else new + url[len(old) :]

    # --- what is sent ---

    def _send(self, example: Example) -> tuple[list[Exchange], list[str]]:
        """The exchanges of today, and the places of their requests that the report masks and nothing fills."""
        sent: list[Exchange] = []
        lost: list[str] = []
        names: dict[str, str] = {}
        steps = (*example.before, example)
        if self.row.rule == "undeclared-parameter":
            steps = (*steps[-2:], *example.before[-1:])  # without it, with it, and without it once more
        for step in steps:
            request, missing = self._request(step, names)
            # A probe's request shows all that was sent; one that was recorded may have been rid of its credentials.
            bare = set(self.row.sources) <= _probes() or _status(step) == 401
            exchange = self._ask(request, bare)
            if _status(step) == 409 and exchange.response is not None and 200 <= exchange.response.status < 300:
                # A conflict may be what comes of asking twice.
                exchange = self._ask(request, bare)
            sent.append(exchange)
            lost += missing
            names |= _renamed(step, exchange)
        if self.row.rule == "undeclared-parameter":
            sent = [sent[0], sent[2], sent[1]]
        return sent, list(dict.fromkeys(lost))

    def _ask(self, request: Request, bare: bool) -> Exchange:
        there = replace(request, url=self._rebased(request.url))
        exchange = self.target.send(there, source=self.source, traffic=self.traffic, bare=bare)
        return replace(exchange, request=replace(exchange.request, url=request.url))

    def _request(self, step: Example, names: Mapping[str, str]) -> tuple[Request, list[str]]:
        shown = step.request
        own = {name.lower(): (name, value) for name, value in self.credentials}
        wrong = _status(step) == 401 or (self.row.rule == "auth-not-enforced" and step is self.example)
        made_up = self._security(shown.method, shown.url) if wrong else frozenset()
        lost = [place for place in shown.masked if not place.startswith(("header:", "path:"))]
        headers: list[tuple[str, str]] = []
        for name, value in shown.headers:
            lower = name.lower()
            if lower in ("content-length", "host"):
                continue
            if f"header:{lower}" not in shown.masked or lower in made_up:
                headers.append((name, value))  # made-up credentials are as wrong when they are masked
            elif lower in own:
                headers.append(own[lower])
            else:
                lost.append(f"header:{lower}")
        path, mark, query = shown.url.partition("?")
        segments = path.split("/")
        masked = {place for place in shown.masked if place.startswith("path:")}
        for index, segment in enumerate(segments):
            if (new := names.get(unquote(segment))) is not None:
                segments[index] = quote(new, safe="!$&'()*+,;=:@~")
                masked.discard(f"path:{index}")
        body = shown.body.encode() if shown.body is not None else None
        return Request(shown.method, "/".join(segments) + mark + query, tuple(headers), body), [*lost, *sorted(masked)]

    def _security(self, method: str, url: str) -> frozenset[str]:
        """Headers that carry the operation's declared credentials."""
        match = self.judge.contract.match(method, url.partition("?")[0])
        operation = match.operation if match is not None else None
        found = set()
        for name in {name for option in (operation.security or () if operation else ()) for name in option}:
            scheme = operation.security_scheme(name) if operation else {}
            if scheme.get("type") != "apiKey":
                found.add("authorization")
            elif scheme.get("in") == "header":
                found.add(str(scheme.get("name")).lower())
            elif scheme.get("in") == "cookie":
                found.add("cookie")
        return frozenset(found)

    # --- what it shows ---

    def _shows(self, example: Example, sent: list[Exchange], wanted: str) -> tuple[int, str]:
        last = sent[-1]
        if self.row.rule in {item.id for item in rule.of_row("complained")}:
            return self._complained(example, sent, wanted)
        # As it was judged: what real clients do is looked at closer than what a probe does.
        where = self.row.where
        blames = where.pointer if self.row.rule in FAULTS and where.direction == "request" else None
        judged = self.judge.exchange(replace(last, traffic=Traffic.REAL, blames=blames))
        if any(finding.fingerprint == wanted for finding in judged.findings):
            return HOLDS, ""
        why = unheard(last.response, example.response)
        return (UNKNOWN, why) if why else (GONE, "")

    def _complained(self, example: Example, sent: list[Exchange], wanted: str) -> tuple[int, str]:
        """What only a probe can see: each kind has its own sign."""
        kind, last = self.row.rule, sent[-1]
        answer = last.response
        if answer is None:
            return UNKNOWN, ""
        if kind == "undeclared-parameter":
            one, other = sent[0].response, sent[1].response
            if one is None or other is None or one.body != other.body:
                return UNKNOWN, "but the answer changes by itself"
            if answer.body != one.body and 200 <= answer.status < 300:
                return HOLDS, "and the answers with and without it differ"
            why = unheard(answer, example.response)
            return (UNKNOWN, why) if why else (GONE, "and the answers with and without it are the same")
        if kind == "auth-not-enforced":
            if 200 <= answer.status < 300:
                return HOLDS, ""
            return (GONE, "") if answer.status in _AT_THE_DOOR else (UNKNOWN, unheard(answer, example.response))
        if kind == "use-after-delete":
            gone = next((each for each in reversed(sent[:-1]) if each.request.method == "DELETE"), None)
            done = gone is not None and gone.response is not None and _deleted(gone.response.status)
            if not done:
                return UNKNOWN, f"but the deletion before it was answered {self._answer(gone) if gone else 'never'}"
            if 200 <= answer.status < 300:
                return HOLDS, ""
            return (GONE, "") if answer.status in _NOT_THERE else (UNKNOWN, unheard(answer, example.response))
        again = self.judge.exchange(last)
        operation = again.operation
        if kind == UNDECLARED:
            if operation is not None:
                return GONE, "and the document declares it"
            if example.response is not None and answer.status // 100 == example.response.status // 100:
                return HOLDS, ""
            why = "" if answer.status in _NOT_THERE else unheard(answer, example.response)
            return (UNKNOWN, why) if why else (GONE, "")
        taken = 200 <= answer.status < 300 or (300 <= answer.status < 400 and _declares(operation, answer.status))
        if operation is not None and (answer.status in _REFUSED if kind == "valid-request-refused" else taken):
            complaint = Complaint(kind, operation.key, (last,), self.row.message, None, self.row.where.pointer)
            borne_out = believed(complaint, self.judge)
            found = self.judge.complaint(borne_out) if borne_out is not None else ()
            if any(finding.fingerprint == wanted for finding in (*found, *again.findings)):
                return HOLDS, ""
            return UNKNOWN, "but the document says something else of this request today"
        # A 404 is how a path that breaks the document is refused.
        refused = kind == "invalid-request-accepted" and (self.row.where.pointer or "").startswith("path:")
        why = "" if refused and answer.status in _NOT_THERE else unheard(answer, example.response)
        return (UNKNOWN, why) if why else (GONE, "")

    def _answer(self, exchange: Exchange) -> str:
        answer = exchange.response
        return str(answer.status) if answer is not None else self.scrub(exchange.failure or "no answer")


def _example(row: FindingRow, asked: str | None) -> Example | None:
    """The example of the operation that is asked about, where the report has its own, else the finding's."""
    own = _member(row, asked)
    return own.example if own is not None else row.example


def _member(row: FindingRow, asked: str | None) -> Member | None:
    """The operation of a folded finding that is asked about, if the report has its own example."""
    return next((one for one in row.operations if one.fingerprint == asked and one.example is not None), None)


def whole(step: Example) -> bool:
    """True if the body in the report is the one that was sent, apart from what is masked in it."""
    request = step.request
    if request.body is None:
        return request.body_bytes == 0
    if any(place.startswith("body:") for place in request.masked):
        return not shortened(request.body, request.body_bytes) and not re.search(r"\[[\d,]+ bytes of ", request.body)
    return len(request.body.encode("utf-8", "replace")) == request.body_bytes


def _status(step: Example) -> int | None:
    return step.response.status if step.response is not None else None


def _probes() -> frozenset[str]:
    """The sources that ask themselves: each is called as its file, and the corpus asks again what they did."""
    from contract.sources import probes

    return frozenset(["corpus", *(info.name for info in pkgutil.iter_modules(probes.__path__))])


def _deleted(status: int) -> bool:
    # 202 promises a deletion, it does not report one (RFC 9110, 15.3.3).
    return (200 <= status < 300 and status != 202) or status in _NOT_THERE


def _declares(operation: Operation | None, status: int) -> bool:
    return operation is not None and str(status) in operation.responses


def unheard(now: Response | None, then: ExampleResponse | None) -> str:
    """Why an answer says nothing of the finding: the request did not get as far as it did then; "" if it did."""
    if now is None:
        return "which says nothing of it"
    if then is not None and now.status == then.status:
        return ""
    if then is not None and then.status == 403:
        return "so it was let in, which it was not then"
    if now.status in _AT_THE_DOOR:
        return "so it was not let in; give its credentials: `--header 'Authorization: Bearer ${TOKEN}'`"
    if now.status in _NOT_THERE and (then is None or then.status not in _NOT_THERE):
        return "so what it was about is not there; run `contract check` again"
    if now.status >= 500 and (then is None or then.status < 500):
        return "so the server failed before it came to that"
    return ""


def _renamed(step: Example, exchange: Exchange) -> dict[str, str]:
    """Ids that a creation gave then, and what the same places of today's answer say."""
    if step.request.method not in ("POST", "PUT") or step.response is None or exchange.response is None:
        return {}
    pairs: list[tuple[str, object, object]] = []
    old, new = header(step.response.headers, "location"), header(exchange.response.headers, "location")
    if old and new:
        pairs.append(("id", _last_segment(old), _last_segment(new)))
    try:
        then, now = json.loads(step.response.body or ""), exchange.response.json
    except ValueError:
        then = now = None
    if isinstance(then, dict) and isinstance(now, dict):
        for holder, other in ((then, now), (then.get("data"), now.get("data"))):
            if isinstance(holder, dict) and isinstance(other, dict):
                pairs += [(name, value, other.get(name)) for name, value in holder.items()]
    found: dict[str, str] = {}
    # Where two members had the same value, the one that is called an id is meant.
    for _, value, today in sorted(pairs, key=lambda pair: not redact.identifier(pair[0])):
        if all(isinstance(each, str | int) and not isinstance(each, bool) for each in (value, today)):
            found.setdefault(str(value), str(today))
    return found


def _last_segment(url: str) -> str:
    return unquote(url.partition("?")[0].rstrip("/").rpartition("/")[2])
