"""The compiled predicate says yes exactly when no rule about exchanges has anything to say."""

from __future__ import annotations

import os
from collections import Counter

from hypothesis import HealthCheck, given, settings

from contract.core.check import Judge
from contract.core.evidence import Exchange
from contract.core.openapi import Contract

from ..strategies import judged_pairs

EXAMPLES = int(os.environ.get("CONTRACT_EXAMPLES", "600"))
SWITCHED_OFF = (
    frozenset[str](),
    frozenset({"undeclared-property"}),
    frozenset({"response-schema", "malformed-body"}),
    frozenset({"invalid-request-accepted", "missing-header", "discriminator-mismatch"}),
)
verdicts: Counter[bool] = Counter()


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(judged_pairs())
def hold(pair: tuple[Contract, Exchange]) -> None:
    contract, exchange = pair
    found = contract.match(exchange.request.method, exchange.request.path)
    if found is None or found.operation is None:
        return
    for off in SWITCHED_OFF:
        judge = Judge(contract, lambda rule, level, off=off: None if rule in off else level)  # type: ignore[misc]
        explained = judge.explained(found.operation, exchange, found.path_parameters)
        answered, sent, refused = judge.predicate(found.operation).look(
            exchange, found.path_parameters, exchange.request.path, exchange.request.query
        )
        assert (refused is None) == (not explained.findings), (off, explained.findings)
        assert answered == explained.answered
        if sent is not None:
            assert sorted(sent) == sorted(explained.sent)
        # What is asked of the rules that see the refused parts is all that there is to say.
        assert judge.exchange(exchange).findings == explained.findings
        quick = refused is None
        verdicts[quick] += 1


def test_it_accepts_exactly_when_no_rule_yields() -> None:
    verdicts.clear()
    hold()
    # The law is about both sides: neither may be rare.
    assert min(verdicts[True], verdicts[False]) > EXAMPLES / 2, verdicts
