"""The mark is the mid in half-ticks, so an odd spread is exact; an empty side leaves the last mark."""

from semantics.harness import TICK_MONEY, Session

from trading_platform.model.enums import EventKind


def mark_of(session: Session) -> int:
    return int(session.state.books[0]["mark_halfticks"])


def test_mid_of_an_odd_spread_is_exact() -> None:
    session = Session(bid=1000, ask=1003)
    assert mark_of(session) == 2003
    session.hold_position(1, price=1000)
    session.touch(1000, 1004)
    session.touch(1000, 1003)
    session.decide()
    session.finish()
    assert session.event(EventKind.PNL)["a"] == TICK_MONEY * 3 // 2


def test_empty_side_keeps_the_last_mark() -> None:
    session = Session(bid=1000, ask=1010)
    session.touch(0, 1050)
    session.decide()
    assert mark_of(session) == 2010
    session.touch(0, 0)
    session.decide()
    assert mark_of(session) == 2010


def test_unchanged_touch_is_no_change() -> None:
    session = Session(bid=1000, ask=1010)
    session.touch(1000, 1010)
    assert not session.state.books[0]["touch_changed"]
    session.touch(1000, 1010, bid_lots=1)
    assert session.state.books[0]["touch_changed"]
