"""The wake time of a queued order is the first nanosecond at which it may go: none earlier, none later."""

import pytest

from trading_platform.model.enums import EventKind, HoldCode, ReplacePolicy
from trading_platform.model.records import NEVER

from ..harness import BUY, SECOND_NS, START_NS, Session


@pytest.mark.parametrize("interval_ns", [1, 333_333_334, SECOND_NS, 7 * 3600 * SECOND_NS])
@pytest.mark.parametrize("burst", [1, 3])
def test_wake_time_is_the_first_at_which_it_goes(interval_ns: int, burst: int) -> None:
    session = Session()
    session.rate(orders=(interval_ns, burst))
    for level in range(burst + 1):
        session.new(BUY, 1000, 1, level)
    assert len(session.decide()) == burst
    wake_ns = START_NS + interval_ns
    assert session.event(EventKind.QUEUED)["a"] == wake_ns
    assert session.next_send_ns == wake_ns

    session.advance(interval_ns - 1)
    assert session.decide() == []
    assert session.next_send_ns == wake_ns
    session.advance(1)
    assert len(session.decide()) == 1


def test_tokens_come_back_one_interval_apart() -> None:
    session = Session()
    session.rate(orders=(SECOND_NS, 1))
    for level in range(4):
        session.new(BUY, 1000, 1, level)
    session.decide()
    for count in range(1, 4):
        assert session.next_send_ns == START_NS + count * SECOND_NS
        session.advance(SECOND_NS)
        assert len(session.decide()) == 1


def test_nothing_waits_no_wake() -> None:
    session = Session()
    session.rate(orders=(SECOND_NS, 1))
    session.new(BUY, 1000, 1)
    session.new(BUY, 1000, 1, level=1)
    session.decide()
    session.cancel(BUY, level=1)
    session.decide()
    assert session.next_send_ns > START_NS + 10**17


def test_time_spent_waiting_earns_tokens_up_to_the_burst_only() -> None:
    session = Session()
    session.rate(orders=(SECOND_NS, 2))
    session.advance(100 * SECOND_NS)
    for level in range(4):
        session.new(BUY, 1000, 1, level)
    assert len(session.decide()) == 2


def test_replace_at_once_waits_for_the_later_of_both_throttles() -> None:
    session = Session(policy=ReplacePolicy.AT_ONCE)
    session.rate(orders=(5 * SECOND_NS, 1), cancels=(2 * SECOND_NS, 1))
    session.rest(BUY, 1000, 1)
    session.replace(BUY, 999, 1)
    assert session.decide() == []
    assert session.next_send_ns == START_NS + 5 * SECOND_NS
    session.advance(5 * SECOND_NS)
    assert len(session.decide()) == 2


def test_wake_time_of_a_wish_that_was_given_up_is_forgotten() -> None:
    """Nobody waits for that token any more: a wake then would make no progress, and two of them end the run."""
    session = Session()
    session.rate(cancels=(1000, 1))
    order_id = session.rest(BUY, 1000, 5)
    session.state.throttles[1]["tat_ns"] = session.now_ns + 5000
    session.replace(BUY, 999, 5)
    assert session.decide() == []
    assert session.next_send_ns == session.now_ns + 5000
    session.fill(order_id, 5, 1000)
    session.decide()
    assert session.dequeued()[-1] == HoldCode.FILL_WON
    assert session.next_send_ns == NEVER
