from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.app.clock import Clock
from contract.core.evidence import Request, Traffic
from contract.core.target import TimeUp
from contract.targets.wsgi import WsgiTarget

WEIGHTS = {"walk": 3.0, "fuzz": 2.0, "proof": 1.0}


class Time:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def here() -> WsgiTarget:
    def app(environ: object, start_response: object) -> list[bytes]:
        start_response("204 No Content", [])  # type: ignore[operator]
        return []

    return WsgiTarget(app, "wsgi:here")


def test_what_a_part_leaves_is_for_those_after_it_by_their_weights() -> None:
    time, target = Time(), here()
    clock = Clock(60.0, WEIGHTS, time)
    shares = []
    for part, takes in (("walk", 6.0), ("fuzz", 36.0), ("proof", 0.0)):
        with clock.part(part, target) as seconds:
            shares.append(seconds)
            time.now += takes
    assert shares == [30.0, 36.0, 18.0]


def test_a_part_that_is_late_takes_from_all_after_it() -> None:
    time, target = Time(), here()
    clock = Clock(60.0, WEIGHTS, time)
    with clock.part("walk", target):
        time.now += 45.0
    with clock.part("fuzz", target) as seconds:
        assert seconds == 10.0
        time.now += 30.0
    with clock.part("proof", target) as seconds:
        assert seconds == 0.0


def test_a_need_that_is_known_is_kept_from_the_parts_before_it_but_never_more_than_half() -> None:
    clock = Clock(60.0, WEIGHTS, Time())
    clock.needs("proof", 20.0)
    assert (clock.share_s("walk"), clock.share_s("proof")) == (24.0, 20.0)
    clock.needs("proof", 2000.0)
    assert (clock.share_s("walk"), clock.share_s("proof")) == (18.0, 30.0)
    clock.needs("proof", 0.0)  # and never less than half of what its weight would give it
    assert clock.share_s("walk") == 33.0


def test_without_a_limit_nobody_has_one() -> None:
    clock, target = Clock(None, WEIGHTS), here()
    with clock.part("walk", target) as seconds:
        assert (seconds, clock.left_s(), target.pace.end) == (None, None, None)


@given(st.lists(st.tuples(st.sampled_from(sorted(WEIGHTS)), st.floats(0, 1)), max_size=8), st.floats(0.1, 100))
def test_no_part_is_given_more_than_is_left(turns: Sequence[tuple[str, float]], need: float) -> None:
    time, target = Time(), here()
    clock = Clock(60.0, WEIGHTS, time)
    clock.needs("proof", need)
    for part, used in turns:
        with clock.part(part, target) as seconds:
            assert seconds is not None and 0 <= seconds <= 160.0 - time.now + 1e-6
            time.now += seconds * used
    assert time.now <= 160.0 + 1e-6


def test_nothing_is_sent_once_a_part_s_time_is_over_until_the_next_one_begins() -> None:
    target = here()
    clock = Clock(3600.0, WEIGHTS)

    def ask() -> int:
        answer = target.send(Request("GET", "/"), source="test", traffic=Traffic.TEST).response
        return answer.status if answer is not None else 0

    with clock.part("walk", target):
        assert ask() == 204
        target.ends(clock.now())
        with pytest.raises(TimeUp):
            ask()
    with clock.part("fuzz", target):
        assert ask() == 204
    target.close()
