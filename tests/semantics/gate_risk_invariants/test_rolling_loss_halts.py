"""The rolling rule halts on a loss within its window, and forgets what is older than that and one bucket."""

import pytest

from trading_platform.model.enums import EventKind, HaltCode
from trading_platform.model.records import LOSS_BUCKETS

from ..harness import SECOND_NS, TICK_MONEY, Session

BUCKET_NS = SECOND_NS
WINDOW_NS = (LOSS_BUCKETS - 1) * BUCKET_NS
LOTS = 10


def session_with_position() -> Session:
    """Long 10 lots at a mark of 1000; more than 100 ticks on one lot within the window halt."""
    session = Session(bid=999, ask=1001, rolling_bucket_ns=BUCKET_NS, rolling_loss_money_max=100 * TICK_MONEY)
    session.hold_position(LOTS, price=1000)
    return session


def mark(session: Session, price: int) -> None:
    session.touch(price - 1, price + 1)
    session.decide()


def halts(session: Session) -> list[HaltCode]:
    return [HaltCode(int(event["code"])) for event in session.events(EventKind.HALT)]


def test_one_fall_halts() -> None:
    session = session_with_position()
    mark(session, 989)
    assert halts(session) == [HaltCode.ROLLING_LOSS]
    event = session.event(EventKind.HALT)
    assert (event["a"], event["b"]) == (110 * TICK_MONEY, 100 * TICK_MONEY)


def test_fall_after_a_long_quiet_time_halts() -> None:
    session = session_with_position()
    session.advance(1000 * WINDOW_NS)
    mark(session, 989)
    assert halts(session) == [HaltCode.ROLLING_LOSS]


def test_loss_at_the_limit_does_not_halt() -> None:
    session = session_with_position()
    mark(session, 990)
    assert halts(session) == []


@pytest.mark.parametrize(
    ("between_ns", "expected"),
    [
        (BUCKET_NS, [HaltCode.ROLLING_LOSS]),
        (WINDOW_NS, [HaltCode.ROLLING_LOSS]),
        (WINDOW_NS + BUCKET_NS, []),
        (5 * WINDOW_NS, []),
    ],
)
@pytest.mark.parametrize("offset_ns", [0, BUCKET_NS // 3, BUCKET_NS - 1])
def test_two_falls_count_together_within_the_window_only(
    between_ns: int, expected: list[HaltCode], offset_ns: int
) -> None:
    session = session_with_position()
    session.advance(10 * WINDOW_NS + offset_ns)
    mark(session, 994)
    session.advance(between_ns)
    mark(session, 988)
    assert halts(session) == expected


def test_slow_loss_never_halts_however_large_it_gets() -> None:
    session = session_with_position()
    for step in range(1, 50):
        session.advance(2 * WINDOW_NS)
        mark(session, 1000 - 9 * step)
    assert halts(session) == []


def test_high_inside_the_window_counts_not_only_where_it_started() -> None:
    session = session_with_position()
    session.advance(BUCKET_NS)
    mark(session, 1008)
    session.advance(BUCKET_NS)
    mark(session, 997)
    assert halts(session) == [HaltCode.ROLLING_LOSS]
