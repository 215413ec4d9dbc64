"""One order in ten seconds, or in a day, is a rate like any other."""

import pytest

from ..harness import BUY, SECOND_NS, Session


@pytest.mark.parametrize("interval_ns", [10 * SECOND_NS, 86_400 * SECOND_NS])
def test_slow_rate_lets_one_through_per_interval(interval_ns: int) -> None:
    session = Session()
    session.rate(orders=(interval_ns, 1))
    sent = 0
    for tenth in range(31):
        for level in range(4):
            session.quote(BUY, 1000 - level, 1, level)
        for command in session.decide():
            sent += 1
            session.ack(command.order_id)
            session.decide()
            assert tenth % 10 == 0
        session.advance(interval_ns // 10)
    assert sent == 4
