"""The view shows what the core holds, and its wishes arrive as they were made."""

import pytest
from venues.play import BUY, LOCAL_MS, POST_ONLY, SELL, Play, book, depth, ticks_of_time, trade

from trading_platform.model.enums import (
    EventKind,
    IntentKind,
    OrderStatus,
    OrderType,
    Pending,
    TimeInForce,
    Wake,
)

OPEN = book(0, [(1000, 50), (998, 80)], [(1003, 60), (1004, 90)])


@pytest.fixture
def play() -> Play:
    session = Play(
        [*OPEN, *ticks_of_time(1, 100), trade(40, SELL, 1000, 70)], book_levels=3, trades_capacity=4
    )
    session.until(10 + LOCAL_MS)
    return session


def test_market_is_shown(play: Play) -> None:
    view = play.view

    assert (view.bid_ticks(), view.bid_lots(), view.ask_ticks(), view.ask_lots()) == (1000, 50, 1003, 60)
    assert view.mark_halfticks() == 2003
    assert view.levels(BUY) == [(1000, 50), (999, 0), (998, 80)]
    assert view.levels(SELL) == [(1003, 60), (1004, 90), (1005, 0)]
    for side in (BUY, SELL):
        assert [view.level(side, index) for index in range(-1, 4)] == [(0, 0), *view.levels(side), (0, 0)]
    assert view.trades() == []
    assert view.now_ns == play.session["now_ns"]
    assert view.wake_reason & Wake.FEED
    play.until(40 + LOCAL_MS)
    (seen,) = view.trades()
    assert (seen.price_ticks, seen.qty_lots, seen.side) == (1000, 70, -1)
    assert (seen.ts_exch_ns, seen.ts_local_ns) == (view.now_ns - LOCAL_MS * 10**6, view.now_ns)
    assert view.wake_reason & Wake.TRADES
    play.close()


def test_own_order_is_shown_from_the_wish_to_the_fill(play: Play) -> None:
    view = play.view
    assert view.order(BUY, 0) is None
    assert not view.is_busy(BUY, 0)

    view.new_order(BUY, 0, 1000, 10)
    play.wake()
    sent = view.order(BUY, 0)
    assert sent == (1, BUY, 1000, 10, 0, 10, OrderStatus.PENDING_NEW, Pending.NEW)
    assert view.is_busy(BUY, 0)
    assert not view.is_busy(BUY, 1)

    play.until(30)
    working = view.order(BUY, 0)
    assert working == (1, BUY, 1000, 10, 0, 10, OrderStatus.WORKING, Pending.NONE)

    play.until(50)
    assert view.order(BUY, 0) is None, "a filled order answers for its slot no more"
    assert view.position_lots() == 10
    assert view.equity_money() == (10 * 2003 - 2 * 10 * 1000) * 50_000 + 100_000, (
        "half-ticks, and a rebate of 0.01 %"
    )
    assert not view.halted()
    play.close()


def test_waiting_wish_makes_a_slot_busy(play: Play) -> None:
    for throttle in play.state.throttles:
        throttle["interval_ns"] = 10**9
    play.view.new_order(BUY, 0, 1000, 10)
    play.view.new_order(BUY, 1, 999, 10)
    play.wake()

    assert play.view.order(BUY, 1) is None
    assert play.view.is_busy(BUY, 1)
    play.close()


def test_wishes_arrive_as_they_were_made(play: Play) -> None:
    view = play.view
    view.quote(BUY, 0, 990, 5, tag=1)
    view.new_order(SELL, 1, 1010, 6, tag=2)
    view.new_order(SELL, 2, 1011, 6, tif=TimeInForce.IOC, tag=3)
    view.market_order(BUY, 3, 7, tag=4)
    view.replace(SELL, 3, 1012, 8, tag=5)
    view.cancel(BUY, 2, tag=6)
    play.wake()
    play.close()

    intents = {
        int(event["tag"]): tuple(
            int(event[name]) for name in ("a", "side", "order_type", "tif", "price_ticks", "qty_lots")
        )
        for event in play.of(EventKind.INTENT)
    }
    limit, market = OrderType.LIMIT, OrderType.MARKET
    assert intents == {
        1: (IntentKind.QUOTE, BUY, limit, POST_ONLY, 990, 5),
        2: (IntentKind.NEW, SELL, limit, TimeInForce.GTC, 1010, 6),
        3: (IntentKind.NEW, SELL, limit, TimeInForce.IOC, 1011, 6),
        4: (IntentKind.NEW, BUY, market, TimeInForce.IOC, 0, 7),
        5: (IntentKind.REPLACE, SELL, limit, TimeInForce.GTC, 1012, 8),
        6: (IntentKind.CANCEL, BUY, limit, 0, 0, 0),
    }


def test_cancel_all_takes_back_every_order(play: Play) -> None:
    for level in range(3):
        play.view.new_order(BUY, level, 990 - level, 5)
        play.view.new_order(SELL, level, 1010 + level, 5)
    play.until(30)
    play.view.cancel_all(tag=9)
    play.finish()

    statuses = {OrderStatus(int(play.order(order_id)["status"])) for order_id in range(1, 7)}
    assert statuses == {OrderStatus.CANCELED}
    assert [int(event["tag"]) for event in play.of(EventKind.INTENT)][6:] == [9] * 6


@pytest.mark.parametrize(
    ("side", "level", "instrument"),
    [(0, 0, 0), (2, 0, 0), (BUY, -1, 0), (BUY, 4, 0), (SELL, 0, 1), (SELL, 0, -1)],
)
def test_slot_that_does_not_exist_is_an_index_error_that_names_the_bounds(
    play: Play, side: int, level: int, instrument: int
) -> None:
    for ask in (
        lambda: play.view.quote(side, level, 1000, 1, instrument=instrument),
        lambda: play.view.cancel(side, level, instrument=instrument),
        lambda: play.view.order(side, level, instrument=instrument),
        lambda: play.view.is_busy(side, level, instrument=instrument),
    ):
        with pytest.raises(IndexError, match=r"no slot .*levels 0 to 3, instruments 0 to 0"):
            ask()
    assert play.session["intent_count"] == 0
    play.close()


def test_halt_is_shown() -> None:
    session = Play([*OPEN, *ticks_of_time(1, 100), depth(50, SELL, 1003, 1)])
    session.state.limits[0]["drawdown_money_max"] = 1
    session.until(11)
    session.view.market_order(BUY, 0, 10)
    session.until(90)
    halted = session.view.halted()
    session.close()

    assert halted
    assert len(session.of(EventKind.HALT)) == 1
